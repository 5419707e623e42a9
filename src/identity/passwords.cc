#include "identity/passwords.h"

#include <fmt/format.h>

#include <charconv>
#include <vector>

#include "base/crypto.h"

namespace skep::identity {
namespace {

constexpr size_t kSaltBytes = 16;
constexpr size_t kNonceBytes = 18;
constexpr size_t kMaxAttributeBytes = 4096;

Error Violation(std::string detail) {
  return Error{ErrorKind::kProtocolViolation, "malformed SCRAM message", std::move(detail), {}, 0};
}

// Decodes one character; false for what is no UTF-8.
bool NextCodePoint(std::string_view text, size_t& at, uint32_t& point) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const size_t more = lead < 0x80                   ? 0
                      : lead >= 0xc2 && lead < 0xe0 ? 1
                      : lead >= 0xe0 && lead < 0xf0 ? 2
                      : lead >= 0xf0 && lead < 0xf5 ? 3
                                                    : 4;
  if (more == 4 || at + more >= text.size()) return false;
  point = more == 0 ? lead : lead & (0x3fu >> more);
  for (size_t i = 1; i <= more; i++) {
    const auto next = static_cast<unsigned char>(text[at + i]);
    if ((next & 0xc0) != 0x80) return false;
    point = point << 6 | (next & 0x3f);
  }
  if ((more == 2 && (point < 0x800 || (point >= 0xd800 && point < 0xe000))) ||
      (more == 3 && (point < 0x10000 || point > 0x10ffff)))
    return false;
  at += more + 1;
  return true;
}

// RFC 3454, table C.1.2.
bool IsOtherSpace(uint32_t c) {
  return c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200b) || c == 0x202f || c == 0x205f ||
         c == 0x3000;
}

// RFC 3454, table B.1.
bool MapsToNothing(uint32_t c) {
  return c == 0xad || c == 0x34f || c == 0x1806 || (c >= 0x180b && c <= 0x180d) || c == 0x200c ||
         c == 0x200d || c == 0x2060 || (c >= 0xfe00 && c <= 0xfe0f) || c == 0xfeff;
}

bool IsControl(uint32_t c) { return c < 0x20 || (c >= 0x7f && c < 0xa0); }

// "a=value" at the front of `rest`, up to the next comma.
std::optional<std::string_view> TakeAttribute(std::string_view& rest, char name) {
  if (rest.size() < 2 || rest[0] != name || rest[1] != '=') return std::nullopt;
  const size_t end = rest.find(',');
  const std::string_view value =
      rest.substr(2, end == std::string_view::npos ? std::string_view::npos : end - 2);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return value;
}

bool IsPrintable(std::string_view text) {
  for (const char c : text) {
    if (c < 0x21 || c > 0x7e || c == ',') return false;
  }
  return !text.empty();
}

std::string FormatScram(int iterations, std::string_view salt, std::string_view stored_key,
                        std::string_view server_key) {
  return fmt::format("SCRAM-SHA-256${}:{}${}:{}", iterations, Base64Encode(salt),
                     Base64Encode(stored_key), Base64Encode(server_key));
}

}  // namespace

std::string SaslPrep(std::string_view password) {
  std::string out;
  size_t at = 0;
  while (at < password.size()) {
    const size_t start = at;
    uint32_t point = 0;
    if (!NextCodePoint(password, at, point) || IsControl(point)) return std::string(password);
    if (MapsToNothing(point)) continue;
    if (IsOtherSpace(point)) {
      out.push_back(' ');
    } else {
      out.append(password.substr(start, at - start));
    }
  }
  return out.empty() ? std::string(password) : out;
}

void SetPassword(control::User& user, const Secret& password) {
  const Secret prepared(SaslPrep(password.Reveal()));
  const std::string scram_salt = RandomBytes(kSaltBytes);
  const Secret salted(Pbkdf2Sha256(prepared.Reveal(), scram_salt, kScramIterations));
  user.scram =
      FormatScram(kScramIterations, scram_salt, Sha256(HmacSha256(salted.Reveal(), "Client Key")),
                  HmacSha256(salted.Reveal(), "Server Key"));
  const Secret named(password.Reveal() + user.name);
  user.md5 = "md5" + HexEncode(Md5(named.Reveal()));
  const std::string digest_salt = RandomBytes(kSaltBytes);
  const Secret mixed(password.Reveal() + digest_salt);
  user.digest = HexEncode(digest_salt) + ":" + HexEncode(Sha256(mixed.Reveal()));
}

control::User MakeDecoy(const Secret& secret, std::string_view workspace, std::string_view name) {
  control::User user;
  user.workspace = workspace;
  user.name = name;
  const auto derive = [&](std::string_view purpose) {
    std::string subject(purpose);
    subject.append(1, '\0').append(workspace).append(1, '\0').append(name);
    return HmacSha256(secret.Reveal(), subject);
  };
  user.scram = FormatScram(kScramIterations, derive("scram salt").substr(0, kSaltBytes),
                           derive("stored key"), derive("server key"));
  user.md5 = "md5" + HexEncode(derive("md5").substr(0, 16));
  user.digest =
      HexEncode(derive("digest salt").substr(0, kSaltBytes)) + ":" + HexEncode(derive("digest"));
  return user;
}

std::optional<ScramVerifier> ParseScram(std::string_view text) {
  constexpr std::string_view kPrefix = "SCRAM-SHA-256$";
  if (!text.starts_with(kPrefix)) return std::nullopt;
  text.remove_prefix(kPrefix.size());
  const size_t dollar = text.find('$');
  if (dollar == std::string_view::npos) return std::nullopt;
  const std::string_view salting = text.substr(0, dollar), keys = text.substr(dollar + 1);
  const size_t salt_at = salting.find(':'), key_at = keys.find(':');
  if (salt_at == std::string_view::npos || key_at == std::string_view::npos) return std::nullopt;
  ScramVerifier verifier;
  const auto [end, problem] =
      std::from_chars(salting.data(), salting.data() + salt_at, verifier.iterations);
  if (problem != std::errc() || end != salting.data() + salt_at || verifier.iterations < 1)
    return std::nullopt;
  auto salt = Base64Decode(salting.substr(salt_at + 1));
  auto stored = Base64Decode(keys.substr(0, key_at));
  auto server = Base64Decode(keys.substr(key_at + 1));
  if (!salt || salt->empty() || !stored || stored->size() != 32 || !server || server->size() != 32)
    return std::nullopt;
  verifier.salt = std::move(*salt);
  verifier.stored_key = std::move(*stored);
  verifier.server_key = std::move(*server);
  return verifier;
}

ScramServer::ScramServer(ScramVerifier verifier, std::string nonce)
    : verifier_(std::move(verifier)),
      nonce_(nonce.empty() ? Base64Encode(RandomBytes(kNonceBytes)) : std::move(nonce)) {}

Result<std::string> ScramServer::First(std::string_view client_first) {
  // gs2-header: "n,," or "y,,", with an authorization identity that we do not take.
  if (client_first.size() > kMaxAttributeBytes) return Fail(Violation("The message is too long."));
  if (client_first.starts_with("p="))
    return Fail(Violation("The client chose channel binding, which was not offered."));
  if (!client_first.starts_with("n,") && !client_first.starts_with("y,"))
    return Fail(Violation("The channel-binding flag is missing."));
  const size_t header_end = client_first.find(',', 2);
  if (header_end == std::string_view::npos) return Fail(Violation("The header is cut short."));
  if (header_end != 2)
    return Fail(ErrorKind::kFeatureNotSupported,
                "client uses authorization identity, but it is not supported");
  gs2_header_ = client_first.substr(0, header_end + 1);
  client_first_bare_ = client_first.substr(header_end + 1);
  std::string_view rest = client_first_bare_;
  // The user is the one of the start-up packet; what stands here is not looked at.
  if (!TakeAttribute(rest, 'n')) return Fail(Violation("The user attribute is missing."));
  const auto nonce = TakeAttribute(rest, 'r');
  if (!nonce || !IsPrintable(*nonce))
    return Fail(Violation("The nonce is missing or not printable."));
  nonce_ = std::string(*nonce) + nonce_;
  server_first_ =
      fmt::format("r={},s={},i={}", nonce_, Base64Encode(verifier_.salt), verifier_.iterations);
  return server_first_;
}

Result<std::string> ScramServer::Final(std::string_view client_final) {
  if (client_final.size() > kMaxAttributeBytes) return Fail(Violation("The message is too long."));
  const size_t proof_at = client_final.rfind(",p=");
  if (server_first_.empty() || proof_at == std::string_view::npos)
    return Fail(Violation("The proof is missing."));
  const std::string_view without_proof = client_final.substr(0, proof_at);
  std::string_view rest = without_proof;
  const auto binding = TakeAttribute(rest, 'c');
  if (!binding || *binding != Base64Encode(gs2_header_))
    return Fail(Violation("The channel binding does not fit the first message."));
  const auto nonce = TakeAttribute(rest, 'r');
  if (!nonce || *nonce != nonce_)
    return Fail(Violation("The nonce does not fit the first message."));
  const auto proof = Base64Decode(client_final.substr(proof_at + 3));
  if (!proof || proof->size() != 32) return Fail(Violation("The proof is malformed."));
  const std::string message =
      client_first_bare_ + "," + server_first_ + "," + std::string(without_proof);
  std::string client_key = HmacSha256(verifier_.stored_key, message);
  for (size_t i = 0; i < client_key.size(); i++)
    client_key[i] = static_cast<char>(client_key[i] ^ (*proof)[i]);
  if (!ConstantTimeEqual(Sha256(client_key), verifier_.stored_key))
    return Fail(ErrorKind::kAuthenticationFailed, "wrong password");
  return "v=" + Base64Encode(HmacSha256(verifier_.server_key, message));
}

std::string DigestSalt(const control::User& user) {
  return HexDecode(std::string_view(user.digest).substr(0, user.digest.find(':'))).value_or("");
}

bool CheckDigest(const control::User& user, std::string_view server_nonce,
                 std::string_view client_nonce, std::string_view digest) {
  const size_t colon = user.digest.find(':');
  if (colon == std::string::npos) return false;
  const auto kept = HexDecode(std::string_view(user.digest).substr(colon + 1));
  if (!kept || kept->size() != 32) return false;
  return ConstantTimeEqual(Sha256(*kept + std::string(server_nonce) + std::string(client_nonce)),
                           digest);
}

bool CheckMd5(const control::User& user, std::string_view salt, std::string_view answer) {
  if (user.md5.size() != 35 || !user.md5.starts_with("md5")) return false;
  return ConstantTimeEqual("md5" + HexEncode(Md5(user.md5.substr(3) + std::string(salt))), answer);
}

}  // namespace skep::identity
