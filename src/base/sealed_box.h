// Secrets that have to be stored and given back, encrypted at rest: AES-256-GCM with a key that
// lies apart from what it protects. Source: NIST SP 800-38D.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"

namespace skep {

class SealedBox {
 public:
  // key: 32 bytes.
  explicit SealedBox(Secret key) : key_(std::move(key)) {}

  // A text that begins with "sealed:1:". `place` is where it will be kept: moved elsewhere it does
  // not open. Throws std::runtime_error when the cipher fails.
  std::string Seal(std::string_view plain, std::string_view place) const;
  // Errors: kDataException (altered, sealed with another key, or for another place).
  Result<Secret> Open(std::string_view sealed, std::string_view place) const;
  static bool IsSealed(std::string_view text) { return text.starts_with(kPrefix); }

 private:
  static constexpr std::string_view kPrefix = "sealed:1:";

  Secret key_;
};

// The key in this file, made at the first call, for its owner alone (mode 0600). Errors: kIoError
// (cannot be made, is open to others, has another length).
Result<Secret> SealingKey(const std::string& path);

}  // namespace skep
