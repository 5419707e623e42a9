// Encryption of objects on the client's side, as version 1 of Amazon's S3 encryption client does it
// with a symmetric key: the content in AES-256-CBC with PKCS #5 padding under a key of the object's
// own, which stands beside the object, in AES-256-ECB under a master key. Pure functions of bytes.
// It hides contents; whoever can write the object can still change it unnoticed.
// Sources: the developer guide's "Unloading encrypted data files"; AWS SDK for Java,
// EncryptionMaterials and the "encryption only" mode of its S3 client.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"

namespace skep {

// What a user gives as MASTER_SYMMETRIC_KEY: 256 bits in base64. Errors: kInvalidArgument, without
// the text.
Result<Secret> ReadMasterKey(std::string_view base64);

// What stands beside an encrypted object: its metadata without "x-amz-meta-".
struct Envelope {
  static constexpr size_t kBlockBytes = 16;

  std::string key;  // the object's key under the master key, in base64
  std::string iv;   // 16 bytes in base64
  std::optional<uint64_t> plain_bytes;

  std::map<std::string, std::string> Metadata() const;
  // nullopt: the object is not encrypted so. Errors: kFeatureNotSupported (encrypted another way).
  static Result<std::optional<Envelope>> Read(const std::map<std::string, std::string>& metadata);
  bool operator==(const Envelope&) const = default;
};

// Encrypts one object. Throws std::runtime_error when the cryptography library fails.
class EnvelopeWriter {
 public:
  // With a new key.
  explicit EnvelopeWriter(const Secret& master_key);
  ~EnvelopeWriter();
  EnvelopeWriter(const EnvelopeWriter&) = delete;
  EnvelopeWriter& operator=(const EnvelopeWriter&) = delete;

  const Envelope& envelope() const { return envelope_; }
  // Appends what of the object is known by now.
  void Append(std::span<const char> plain, std::string& out);
  void Finish(std::string& out);

 private:
  struct Cipher;
  std::unique_ptr<Cipher> cipher_;
  Envelope envelope_;
};

// Decrypts parts of one object.
class EnvelopeReader {
 public:
  // Errors: kDataException (another master key, no envelope).
  static Result<EnvelopeReader> Open(const Envelope& envelope, const Secret& master_key);

  // Decrypts whole blocks in place; `before` is the block in front of them, or empty when they are
  // the object's first.
  void Decrypt(std::string_view before, std::span<char> blocks) const;
  // The length of what was encrypted, by the object's length and its last two blocks (or its only
  // one). Errors: kDataException (not what the key encrypted).
  Result<uint64_t> PlainBytes(uint64_t object_bytes, std::string_view tail) const;

 private:
  EnvelopeReader(Secret key, std::string iv) : key_(std::move(key)), iv_(std::move(iv)) {}
  Secret key_;
  std::string iv_;
};

// The whole object.
Result<std::string> DecryptObject(const Envelope& envelope, const Secret& master_key,
                                  std::string object);

}  // namespace skep
