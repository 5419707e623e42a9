// Passwords: what is kept of them, and the server's side of the three ways to prove one:
// SCRAM-SHA-256 (RFC 5802, 7677), PostgreSQL's MD5 and Redshift's digest. Pure computation, no
// sockets. Comparisons take the same time whatever is compared, and a user that does not exist goes
// through the same exchange as one that does. Source: PostgreSQL 15 documentation, section 55.3;
// sql.md section 2.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"
#include "control/store.h"

namespace skep::identity {

inline constexpr int kScramIterations = 4096;

// RFC 4013 as far as it goes without tables of compatibility forms: other spaces become a space,
// what maps to nothing is dropped. A password that is no UTF-8, holds control characters or becomes
// empty stays as it is.
std::string SaslPrep(std::string_view password);

// Fills the user's scram, md5 and digest fields. Cost: 4096 rounds of HMAC (milliseconds): not on
// the I/O thread.
void SetPassword(control::User& user, const Secret& password);

// A user with verifiers that no password fits. The same (secret, workspace, name) gives the same
// salts, as a real user's would be.
control::User MakeDecoy(const Secret& secret, std::string_view workspace, std::string_view name);

struct ScramVerifier {
  int iterations = 0;
  std::string salt, stored_key, server_key;  // raw bytes
};
// Reads "SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>". nullopt when malformed.
std::optional<ScramVerifier> ParseScram(std::string_view text);

// One exchange: First, then Final. Channel binding is not offered.
class ScramServer {
 public:
  // nonce: our part; made at random unless given.
  explicit ScramServer(ScramVerifier verifier, std::string nonce = {});

  // Takes client-first, answers server-first. Errors: kProtocolViolation.
  Result<std::string> First(std::string_view client_first);
  // Takes client-final, answers server-final. Errors: kProtocolViolation (malformed),
  // kAuthenticationFailed (wrong proof).
  Result<std::string> Final(std::string_view client_final);

 private:
  ScramVerifier verifier_;
  std::string nonce_;
  std::string gs2_header_;
  std::string client_first_bare_;
  std::string server_first_;
};

// The salt to send with Redshift's digest; empty when the user has none.
std::string DigestSalt(const control::User& user);
// digest must be SHA256(SHA256(password + salt) + server nonce + client nonce), raw.
bool CheckDigest(const control::User& user, std::string_view server_nonce,
                 std::string_view client_nonce, std::string_view digest);

// answer must be "md5" + hex(md5(hex(md5(password + name)) + salt)).
bool CheckMd5(const control::User& user, std::string_view salt, std::string_view answer);

}  // namespace skep::identity
