#include "app/credentials.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/crypto.h"
#include "base/unique_fd.h"

namespace skep::app {
namespace {

constexpr int kScramIterations = 4096;

// A character of `alphabet` without bias.
char RandomCharacter(std::string_view alphabet) {
  const size_t limit = 256 - 256 % alphabet.size();
  for (;;) {
    const auto byte = static_cast<unsigned char>(RandomBytes(1)[0]);
    if (byte < limit) return alphabet[byte % alphabet.size()];
  }
}

constexpr std::string_view kUpper = "ABCDEFGHJKLMNPQRSTUVWXYZ";
constexpr std::string_view kLower = "abcdefghijkmnopqrstuvwxyz";
constexpr std::string_view kDigits = "23456789";

bool HasOneOf(const std::string& text, char first, char last) {
  return std::ranges::any_of(text, [=](char c) { return c >= first && c <= last; });
}

std::unexpected<Error> FileError(const std::string& path, const std::string& what, int code) {
  return Fail(code == ENOSPC || code == EDQUOT ? ErrorKind::kDiskFull : ErrorKind::kIoError,
              fmt::format("Cannot {} \"{}\": {}", what, path, std::strerror(code)), {},
              "Check the folder's owner, permissions and free space.");
}

}  // namespace

Secret GeneratePassword() {
  const std::string all = std::string(kUpper) + std::string(kLower) + std::string(kDigits);
  for (;;) {
    std::string text;
    for (int i = 0; i < 20; ++i) text += RandomCharacter(all);
    Secret password(std::move(text));
    if (CheckPassword(password)) return password;
  }
}

Result<void> CheckPassword(const Secret& password) {
  const std::string& text = password.Reveal();
  const bool printable = std::ranges::all_of(
      text, [](char c) { return c >= '!' && c <= '~' && !std::strchr("'\"\\/@", c); });
  if (text.size() < 8 || text.size() > 64 || !printable || !HasOneOf(text, 'A', 'Z') ||
      !HasOneOf(text, 'a', 'z') || !HasOneOf(text, '0', '9')) {
    return Fail(ErrorKind::kInvalidArgument, "The password breaks Redshift's rule.", {},
                "Take 8 to 64 printable ASCII characters but ' \" \\ / @ and space, with an "
                "upper-case letter, a lower-case letter and a digit.");
  }
  return {};
}

Result<void> CheckName(const std::string& what, const std::string& name) {
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  const bool good =
      !name.empty() && name.size() <= 63 && (lower(name[0]) || name[0] == '_') &&
      std::ranges::all_of(name, [&](char c) {
        return lower(c) || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.' || c == '@';
      });
  // A workspace's name is a folder's name.
  if (!good || (what == "workspace" && name.find_first_of(".@") != std::string::npos)) {
    return Fail(ErrorKind::kInvalidArgument, fmt::format("\"{}\" is no {} name.", name, what), {},
                "Begin with a lower-case letter; go on with lower-case letters, digits, _ and -; "
                "63 characters at most.");
  }
  return {};
}

control::User MakeUser(const std::string& workspace, const std::string& name,
                       const Secret& password, bool superuser) {
  control::User user{.workspace = workspace, .name = name, .superuser = superuser};
  const std::string& text = password.Reveal();
  const std::string scram_salt = RandomBytes(16);
  const Secret salted(Pbkdf2Sha256(text, scram_salt, kScramIterations));
  const std::string stored = Sha256(HmacSha256(salted.Reveal(), "Client Key"));
  const std::string server = HmacSha256(salted.Reveal(), "Server Key");
  user.scram = fmt::format("SCRAM-SHA-256${}:{}${}:{}", kScramIterations, Base64Encode(scram_salt),
                           Base64Encode(stored), Base64Encode(server));
  user.md5 = "md5" + HexEncode(Md5(text + name));
  const std::string salt = RandomBytes(16);
  user.digest = HexEncode(salt) + ":" + HexEncode(Sha256(text + salt));
  return user;
}

control::AccessKey MakeAccessKey(const std::string& workspace, const std::string& user,
                                 const std::string& account) {
  control::AccessKey key;
  key.id = "AKIA";
  for (int i = 0; i < 16; ++i) key.id += RandomCharacter("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
  key.secret = Secret(Base64Encode(RandomBytes(30)));
  key.workspace = workspace;
  key.user = user;
  key.account = account;
  return key;
}

Result<void> WriteFileAtomically(const std::string& path, std::string_view text, unsigned mode) {
  const std::string temporary = path + ".new";
  {
    const UniqueFd file(
        open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode));
    if (!file) return FileError(temporary, "write", errno);
    while (!text.empty()) {
      const ssize_t n = write(file.get(), text.data(), text.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return FileError(temporary, "write", errno);
      text.remove_prefix(static_cast<size_t>(n));
    }
    if (fsync(file.get()) != 0) return FileError(temporary, "write", errno);
  }
  if (rename(temporary.c_str(), path.c_str()) != 0) return FileError(path, "write", errno);
  return {};
}

Result<void> WriteAdminCredential(const std::string& path, const AdminCredential& credential) {
  const nlohmann::json json = {{"user", credential.user},
                               {"password", credential.password.Reveal()},
                               {"workspace", credential.workspace},
                               {"database", credential.database}};
  return WriteFileAtomically(path, json.dump(2) + "\n", 0600);
}

std::optional<AdminCredential> ReadAdminCredential(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  const nlohmann::json json = nlohmann::json::parse(file, nullptr, false);
  const auto text = [&](const char* key) {
    return json.is_object() && json.contains(key) && json[key].is_string()
               ? json[key].get<std::string>()
               : std::string();
  };
  if (text("user").empty()) return std::nullopt;
  return AdminCredential{text("user"), Secret(text("password")), text("workspace"),
                         text("database")};
}

std::optional<Secret> PromptPassword(const std::string& prompt) {
  const UniqueFd terminal(open("/dev/tty", O_RDWR | O_CLOEXEC));
  if (!terminal) return std::nullopt;
  termios before{};
  if (tcgetattr(terminal.get(), &before) != 0) return std::nullopt;
  termios silent = before;
  silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  tcsetattr(terminal.get(), TCSAFLUSH, &silent);
  std::string text;
  char c = 0;
  if (write(terminal.get(), prompt.data(), prompt.size()) >= 0) {
    while (read(terminal.get(), &c, 1) == 1 && c != '\n') text += c;
  }
  tcsetattr(terminal.get(), TCSAFLUSH, &before);
  if (write(terminal.get(), "\n", 1) < 0) return std::nullopt;
  return Secret(std::move(text));
}

}  // namespace skep::app
