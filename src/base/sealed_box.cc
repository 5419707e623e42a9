#include "base/sealed_box.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <stdexcept>
#include <utility>

#include "base/crypto.h"
#include "base/unique_fd.h"

namespace skep {
namespace {

constexpr size_t kKeyBytes = 32, kNonceBytes = 12, kTagBytes = 16;

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* Bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

std::unexpected<Error> Unreadable() {
  return Fail(ErrorKind::kDataException, "a sealed secret cannot be opened", {},
              "Its key file is another one, or it was altered.");
}

}  // namespace

std::string SealedBox::Seal(std::string_view plain, std::string_view place) const {
  const Context context(EVP_CIPHER_CTX_new());
  std::string nonce = RandomBytes(kNonceBytes), out(plain.size(), '\0'), tag(kTagBytes, '\0');
  int length = 0;
  if (!context ||
      EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, Bytes(key_.Reveal()),
                         Bytes(std::string_view(nonce))) != 1 ||
      EVP_EncryptUpdate(context.get(), nullptr, &length, Bytes(place),
                        static_cast<int>(place.size())) != 1 ||
      EVP_EncryptUpdate(context.get(), Bytes(out), &length, Bytes(plain),
                        static_cast<int>(plain.size())) != 1 ||
      EVP_EncryptFinal_ex(context.get(), Bytes(tag), &length) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, Bytes(tag)) != 1)
    throw std::runtime_error("AES-256-GCM failed");
  return std::string(kPrefix) + Base64Encode(nonce + tag + out);
}

Result<Secret> SealedBox::Open(std::string_view sealed, std::string_view place) const {
  if (!IsSealed(sealed)) return Unreadable();
  const auto bytes = Base64Decode(sealed.substr(kPrefix.size()));
  if (!bytes || bytes->size() < kNonceBytes + kTagBytes) return Unreadable();
  const std::string_view nonce = std::string_view(*bytes).substr(0, kNonceBytes);
  std::string tag = bytes->substr(kNonceBytes, kTagBytes);
  const std::string_view text = std::string_view(*bytes).substr(kNonceBytes + kTagBytes);
  const Context context(EVP_CIPHER_CTX_new());
  std::string out(text.size(), '\0');
  int length = 0;
  const bool opened =
      context &&
      EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, Bytes(key_.Reveal()),
                         Bytes(nonce)) == 1 &&
      EVP_DecryptUpdate(context.get(), nullptr, &length, Bytes(place),
                        static_cast<int>(place.size())) == 1 &&
      EVP_DecryptUpdate(context.get(), Bytes(out), &length, Bytes(text),
                        static_cast<int>(text.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, Bytes(tag)) == 1 &&
      EVP_DecryptFinal_ex(context.get(), Bytes(tag), &length) == 1;
  if (!opened) return Unreadable();
  return Secret(std::move(out));
}

Result<Secret> SealingKey(const std::string& path) {
  const auto bad = [&path](const char* why, const char* hint) {
    return Fail(ErrorKind::kIoError, fmt::format("the key file {} {}", path, why), {}, hint);
  };
  UniqueFd made(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (made) {
    const std::string key = RandomBytes(kKeyBytes);
    if (::write(made.get(), key.data(), key.size()) != static_cast<ssize_t>(key.size()) ||
        ::fsync(made.get()) != 0) {
      ::unlink(path.c_str());
      return bad("cannot be written", "Check the space and the permissions of data_dir.");
    }
    return Secret(key);
  }
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  struct stat info{};
  if (!file || ::fstat(file.get(), &info) != 0)
    return bad("cannot be read", "Check the permissions of data_dir.");
  if ((info.st_mode & 077) != 0) return bad("is open to others", "Set its mode to 0600.");
  std::string key(kKeyBytes + 1, '\0');
  const ssize_t length = ::read(file.get(), key.data(), key.size());
  if (length != static_cast<ssize_t>(kKeyBytes))
    return bad("has another length than 32 bytes", "Restore it from a backup.");
  key.resize(kKeyBytes);
  return Secret(std::move(key));
}

}  // namespace skep
