#include "protocol/pgwire/login.h"

#include "base/crypto.h"

namespace skep::pgwire {
namespace {

constexpr std::string_view kDecoySetting = "pgwire.decoy_secret";
constexpr std::string_view kMechanism = "SCRAM-SHA-256";
constexpr size_t kMd5SaltBytes = 4;
constexpr size_t kDigestNonceBytes = 16;

std::unexpected<Error> Wrong() { return Fail(ErrorKind::kAuthenticationFailed, "wrong password"); }

std::unexpected<Error> UnknownWorkgroup(const std::string& name) {
  return Fail(ErrorKind::kUndefinedObject, "workgroup \"" + name + "\" does not exist", {},
              "Name an existing workgroup in the host name or with options=-cworkgroup=NAME.");
}

Result<std::string> ChooseWorkspace(control::Store& store, const WorkgroupChoice& choice) {
  if (!choice.server_name.workgroup.empty()) {
    SKEP_TRY_ASSIGN(const auto found, store.GetWorkspace(choice.server_name.workgroup));
    if (found) return choice.server_name.workgroup;
    if (choice.server_name.certain) return UnknownWorkgroup(choice.server_name.workgroup);
  }
  if (!choice.named.empty()) {
    SKEP_TRY_ASSIGN(const auto found, store.GetWorkspace(choice.named));
    if (!found) return UnknownWorkgroup(choice.named);
    return choice.named;
  }
  if (!choice.configured.empty()) return choice.configured;
  SKEP_TRY_ASSIGN(const auto all, store.ListWorkspaces());
  if (all.size() == 1) return all.front().name;
  return Fail(ErrorKind::kUndefinedObject,
              all.empty() ? "there is no workgroup" : "no workgroup was named", {},
              all.empty() ? "Run `skep init` on the server."
                          : "Name one in the host name or with options=-cworkgroup=NAME.");
}

}  // namespace

Result<Candidate> FindCandidate(control::Store& store, const WorkgroupChoice& choice,
                                const std::string& user, const Secret& decoys) {
  SKEP_TRY_ASSIGN(const auto workspace, ChooseWorkspace(store, choice));
  SKEP_TRY_ASSIGN(auto found, store.GetUser(workspace, user));
  // Made for those that exist, too: both take the same time.
  Candidate candidate{identity::MakeDecoy(decoys, workspace, user), false};
  if (found && !found->scram.empty()) candidate = {std::move(*found), true};
  return candidate;
}

Result<Secret> DecoySecret(control::Store& store) {
  SKEP_TRY_ASSIGN(const auto kept, store.GetSetting(kDecoySetting));
  if (kept && !kept->empty()) return Secret(*kept);
  Secret made(HexEncode(RandomBytes(32)));
  SKEP_TRY(store.PutSetting(kDecoySetting, made.Reveal()));
  return made;
}

std::string_view NameOf(Method method) {
  switch (method) {
    case Method::kScram:
      return "scram-sha-256";
    case Method::kDigest:
      return "digest";
    case Method::kMd5:
      return "md5";
    case Method::kTrust:
      break;
  }
  return "trust";
}

PasswordExchange::PasswordExchange(Method method, Candidate candidate)
    : method_(method), candidate_(std::move(candidate)) {}

bool PasswordExchange::Begin(std::string& out) {
  switch (method_) {
    case Method::kScram:
      AppendAuthenticationSasl(out, kMechanism);
      return false;
    case Method::kDigest:
      challenge_ = RandomBytes(kDigestNonceBytes);
      AppendAuthenticationDigest(out, identity::DigestSalt(candidate_.user), challenge_);
      return false;
    case Method::kMd5:
      challenge_ = RandomBytes(kMd5SaltBytes);
      AppendAuthenticationMd5(out, challenge_);
      return false;
    case Method::kTrust:
      break;
  }
  return true;
}

Result<bool> PasswordExchange::Take(const Message& answer, std::string& out) {
  if (method_ == Method::kDigest) {
    const auto* reply = std::get_if<DigestMessage>(&answer);
    if (!reply)
      return Fail(ErrorKind::kProtocolViolation, "expected a digest as password response");
    const bool right =
        identity::CheckDigest(candidate_.user, challenge_, reply->client_nonce, reply->digest);
    if (!right || !candidate_.known) return Wrong();
    return true;
  }
  const auto* reply = std::get_if<PasswordMessage>(&answer);
  if (!reply) return Fail(ErrorKind::kProtocolViolation, "expected a password response");
  if (method_ == Method::kScram) return TakeScram(reply->body, out);
  const auto password = ReadPassword(reply->body);
  if (!password) return Fail(ErrorKind::kProtocolViolation, "invalid password packet size");
  const bool right = identity::CheckMd5(candidate_.user, challenge_, *password);
  if (!right || !candidate_.known) return Wrong();
  return true;
}

// Checks a proof with three HMACs: microseconds, so not worth a trip to another thread.
Result<bool> PasswordExchange::TakeScram(const std::string& body, std::string& out) {
  if (!scram_begun_) {
    const auto initial = ReadSaslInitial(body);
    if (!initial) return Fail(ErrorKind::kProtocolViolation, "invalid SASL response");
    if (initial->mechanism != kMechanism) {
      return Fail(ErrorKind::kProtocolViolation,
                  "client selected an invalid SASL authentication mechanism");
    }
    auto verifier = identity::ParseScram(candidate_.user.scram);
    if (!verifier) return Fail(ErrorKind::kInternal, "the user's SCRAM verifier cannot be read");
    scram_.emplace(std::move(*verifier));
    SKEP_TRY_ASSIGN(const auto server_first, scram_->First(initial->response));
    scram_begun_ = true;
    AppendAuthenticationSaslContinue(out, server_first);
    return false;
  }
  SKEP_TRY_ASSIGN(const auto server_final, scram_->Final(body));
  if (!candidate_.known) return Wrong();
  AppendAuthenticationSaslFinal(out, server_final);
  return true;
}

}  // namespace skep::pgwire
