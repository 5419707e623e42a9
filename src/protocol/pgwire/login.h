// Who logs in, and the proof of it: finds workspace and user for a start-up packet, and leads the
// exchange of one password method. The exchange is sans-I/O: messages in, messages out. It runs the
// same course for a user that does not exist.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "base/secret.h"
#include "control/store.h"
#include "identity/passwords.h"
#include "protocol/pgwire/codec.h"
#include "protocol/pgwire/startup.h"

namespace skep::pgwire {

// What a client said about the workgroup it wants, the strongest first.
struct WorkgroupChoice {
  ServerName server_name;
  std::string named;       // in the options
  std::string configured;  // empty = the only one there is
};

struct Candidate {
  control::User user;  // a decoy unless known
  bool known = false;
};

// Blocks on the store. Errors: kUndefinedObject (no such workgroup, or several and none named),
// kIoError.
Result<Candidate> FindCandidate(control::Store& store, const WorkgroupChoice& choice,
                                const std::string& user, const Secret& decoys);

// The secret that decoys are made from: kept in the store, so that a decoy's salt outlives a
// restart as a user's does. Blocks.
Result<Secret> DecoySecret(control::Store& store);

// "scram-sha-256", "digest", "md5", "trust".
std::string_view NameOf(Method method);

class PasswordExchange {
 public:
  PasswordExchange(Method method, Candidate candidate);

  // Appends the first request. True when the client has nothing to prove.
  bool Begin(std::string& out);
  // Takes an answer and appends what follows it. True when the proof was right, false when another
  // answer is due. Errors: kAuthenticationFailed, kProtocolViolation, kFeatureNotSupported.
  Result<bool> Take(const Message& answer, std::string& out);

 private:
  Result<bool> TakeScram(const std::string& body, std::string& out);

  const Method method_;
  const Candidate candidate_;
  std::string challenge_;  // MD5's salt, the digest's nonce
  std::optional<identity::ScramServer> scram_;
  bool scram_begun_ = false;
};

}  // namespace skep::pgwire
