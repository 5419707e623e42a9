#include "base/client_encryption.h"

#include <openssl/evp.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <stdexcept>
#include <utility>

#include "base/crypto.h"

namespace skep {
namespace {

constexpr size_t kKeyBytes = 32, kBlock = Envelope::kBlockBytes;
constexpr const char* kKeyName = "x-amz-key";
constexpr const char* kIvName = "x-amz-iv";
constexpr const char* kDescriptionName = "x-amz-matdesc";
constexpr const char* kLengthName = "x-amz-unencrypted-content-length";

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

unsigned char* Bytes(char* bytes) { return reinterpret_cast<unsigned char*>(bytes); }
const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

[[noreturn]] void Broken() { throw std::runtime_error("AES-256 failed"); }

Context Begin(const EVP_CIPHER* cipher, const Secret& key, std::string_view iv, bool encrypt,
              bool padding) {
  Context context(EVP_CIPHER_CTX_new());
  if (!context || key.Reveal().size() != kKeyBytes ||
      EVP_CipherInit_ex(context.get(), cipher, nullptr, Bytes(key.Reveal()),
                        iv.empty() ? nullptr : Bytes(iv), encrypt ? 1 : 0) != 1 ||
      EVP_CIPHER_CTX_set_padding(context.get(), padding ? 1 : 0) != 1)
    Broken();
  return context;
}

// nullopt: the padding is none.
std::optional<std::string> KeyUnder(const Secret& master_key, std::string_view key, bool wrap) {
  const Context context = Begin(EVP_aes_256_ecb(), master_key, {}, wrap, true);
  std::string out(key.size() + kBlock, '\0');
  int first = 0, last = 0;
  if (EVP_CipherUpdate(context.get(), Bytes(out.data()), &first, Bytes(key),
                       static_cast<int>(key.size())) != 1)
    Broken();
  if (EVP_CipherFinal_ex(context.get(), Bytes(out.data() + first), &last) != 1) {
    OPENSSL_cleanse(out.data(), out.size());
    return std::nullopt;
  }
  const size_t length = static_cast<size_t>(first) + static_cast<size_t>(last);
  OPENSSL_cleanse(out.data() + length, out.size() - length);
  out.resize(length);
  return out;
}

std::unexpected<Error> WrongKey() {
  return Fail(ErrorKind::kDataException, "the object was not encrypted with this key", {},
              "Give the MASTER_SYMMETRIC_KEY with which it was encrypted.");
}

}  // namespace

Result<Secret> ReadMasterKey(std::string_view base64) {
  auto key = Base64Decode(base64);
  if (!key || key->size() != kKeyBytes) {
    if (key) OPENSSL_cleanse(key->data(), key->size());
    return Fail(ErrorKind::kInvalidArgument,
                "Invalid MASTER_SYMMETRIC_KEY: it must be a base64 encoded 256-bit AES key");
  }
  return Secret(std::move(*key));
}

std::map<std::string, std::string> Envelope::Metadata() const {
  std::map<std::string, std::string> metadata = {
      {kKeyName, key}, {kIvName, iv}, {kDescriptionName, "{}"}};
  if (plain_bytes) metadata[kLengthName] = std::to_string(*plain_bytes);
  return metadata;
}

Result<std::optional<Envelope>> Envelope::Read(const std::map<std::string, std::string>& metadata) {
  const auto key = metadata.find(kKeyName), iv = metadata.find(kIvName);
  if (key == metadata.end() || iv == metadata.end()) {
    if (metadata.contains("x-amz-key-v2"))
      return Fail(ErrorKind::kFeatureNotSupported,
                  "the object was encrypted in another way than with a client-side symmetric "
                  "master key of version 1");
    return std::nullopt;
  }
  Envelope envelope{key->second, iv->second, std::nullopt};
  if (const auto length = metadata.find(kLengthName); length != metadata.end()) {
    const std::string& text = length->second;
    uint64_t bytes = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
    if (error == std::errc{} && end == text.data() + text.size()) envelope.plain_bytes = bytes;
  }
  return envelope;
}

// ---------------------------------------------------------------- writing

struct EnvelopeWriter::Cipher {
  Context context;
};

EnvelopeWriter::EnvelopeWriter(const Secret& master_key) : cipher_(std::make_unique<Cipher>()) {
  const Secret key(RandomBytes(kKeyBytes));
  const std::string iv = RandomBytes(kBlock);
  cipher_->context = Begin(EVP_aes_256_cbc(), key, iv, true, true);
  envelope_.key = Base64Encode(*KeyUnder(master_key, key.Reveal(), true));
  envelope_.iv = Base64Encode(iv);
}

EnvelopeWriter::~EnvelopeWriter() = default;

void EnvelopeWriter::Append(std::span<const char> plain, std::string& out) {
  constexpr size_t kAtOnce = 1u << 30;
  while (!plain.empty()) {
    const auto some = plain.first(std::min(plain.size(), kAtOnce));
    const size_t have = out.size();
    out.resize(have + some.size() + kBlock);
    int written = 0;
    if (EVP_CipherUpdate(cipher_->context.get(), Bytes(out.data() + have), &written,
                         Bytes(std::string_view(some.data(), some.size())),
                         static_cast<int>(some.size())) != 1)
      Broken();
    out.resize(have + static_cast<size_t>(written));
    plain = plain.subspan(some.size());
  }
}

void EnvelopeWriter::Finish(std::string& out) {
  const size_t have = out.size();
  out.resize(have + kBlock);
  int written = 0;
  if (EVP_CipherFinal_ex(cipher_->context.get(), Bytes(out.data() + have), &written) != 1) Broken();
  out.resize(have + static_cast<size_t>(written));
}

// ---------------------------------------------------------------- reading

Result<EnvelopeReader> EnvelopeReader::Open(const Envelope& envelope, const Secret& master_key) {
  const auto wrapped = Base64Decode(envelope.key);
  auto iv = Base64Decode(envelope.iv);
  if (!wrapped || wrapped->size() != kKeyBytes + kBlock || !iv || iv->size() != kBlock)
    return Fail(ErrorKind::kDataException,
                "the object's x-amz-key and x-amz-iv are no envelope of a 256-bit key");
  auto key = KeyUnder(master_key, *wrapped, false);
  // Another master key leaves a whole block of padding by chance once in 2^128.
  if (!key || key->size() != kKeyBytes) return WrongKey();
  return EnvelopeReader(Secret(std::move(*key)), std::move(*iv));
}

void EnvelopeReader::Decrypt(std::string_view before, std::span<char> blocks) const {
  constexpr size_t kAtOnce = 1u << 30;
  if (blocks.size() % kBlock != 0 || (!before.empty() && before.size() != kBlock)) Broken();
  const Context context =
      Begin(EVP_aes_256_cbc(), key_, before.empty() ? std::string_view(iv_) : before, false, false);
  while (!blocks.empty()) {
    const auto some = blocks.first(std::min(blocks.size(), kAtOnce));
    int written = 0;
    if (EVP_CipherUpdate(context.get(), Bytes(some.data()), &written, Bytes(some.data()),
                         static_cast<int>(some.size())) != 1 ||
        static_cast<size_t>(written) != some.size())
      Broken();
    blocks = blocks.subspan(some.size());
  }
}

Result<uint64_t> EnvelopeReader::PlainBytes(uint64_t object_bytes, std::string_view tail) const {
  const bool only = object_bytes == kBlock;
  if (object_bytes == 0 || object_bytes % kBlock != 0 || tail.size() != (only ? 1 : 2) * kBlock)
    return Fail(ErrorKind::kDataException, "the object's length is not that of encrypted content");
  std::string last(tail.substr(tail.size() - kBlock));
  Decrypt(only ? std::string_view() : tail.substr(0, kBlock), last);
  const auto padding = static_cast<unsigned char>(last.back());
  bool good = padding >= 1 && padding <= kBlock;
  for (size_t i = 0; good && i < padding; i++)
    good = static_cast<unsigned char>(last[kBlock - 1 - i]) == padding;
  if (!good)
    return Fail(ErrorKind::kDataException,
                "the object is damaged: its end is not what was encrypted");
  return object_bytes - padding;
}

Result<std::string> DecryptObject(const Envelope& envelope, const Secret& master_key,
                                  std::string object) {
  SKEP_TRY_ASSIGN(const EnvelopeReader reader, EnvelopeReader::Open(envelope, master_key));
  const size_t tail = std::min(object.size(), 2 * kBlock);
  SKEP_TRY_ASSIGN(
      const uint64_t length,
      reader.PlainBytes(object.size(), std::string_view(object).substr(object.size() - tail)));
  reader.Decrypt({}, object);
  object.resize(length);
  return object;
}

}  // namespace skep
