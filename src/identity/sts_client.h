// Asks the STS of foreign accounts for sessions of their roles. A session is used again for a
// minute by whoever asks the same with the same keys. Thread-safe; blocks.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "identity/aws_call.h"
#include "identity/role_chain.h"

namespace skep::identity {

class StsClient final : public RoleAssumer {
 public:
  static constexpr int64_t kReuseSeconds = 60;
  static constexpr size_t kMaxKept = 1000;

  // `now_s`: seconds since the epoch; empty = the system's clock.
  explicit StsClient(AwsCallOptions options = {}, std::function<int64_t()> now_s = {});
  Result<SessionKeys> Assume(const Account& account, const SessionKeys& caller,
                             const ForeignRole& asked) override;
  Result<SessionKeys> OwnKeys(const Account& account) override;
  void Stop() { caller_.Stop(); }

 private:
  struct Kept {
    SessionKeys keys;
    int64_t since_s = 0;
  };
  Result<SessionKeys> Ask(const Account& account, const SessionKeys& caller,
                          const ForeignRole& asked);

  AwsCaller caller_;
  std::function<int64_t()> now_s_;
  std::mutex mutex_;
  std::map<std::string, Kept> kept_;  // by a digest of what was asked, by whom, where
};

// The keys of a profile in AWS's shared credentials file. Errors: kInvalidRole. Source: the SDKs'
// reference guide, "Shared config and credentials files".
Result<SessionKeys> ReadCredentialsFile(const std::string& path, const std::string& profile);

// Seconds since the epoch of "2026-11-24T14:00:00Z", also with fractions; 0 when it is no such
// text.
int64_t ReadXmlTime(const std::string& text);

}  // namespace skep::identity
