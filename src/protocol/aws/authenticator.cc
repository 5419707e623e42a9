#include "protocol/aws/authenticator.h"

#include <fmt/format.h>

#include <chrono>
#include <unordered_map>
#include <utility>

#include "base/log.h"
#include "identity/access_keys.h"

namespace skep::aws {
namespace asio = boost::asio;
using identity::CallerIdentity;
using identity::KnownKey;
using identity::SignatureFault;

namespace {

constexpr size_t kMaxCachedKeys = 10000;
constexpr std::string_view kTemporaryPrefix = "ASIA";

std::unexpected<NotAuthenticated> Refuse(SignatureFault fault, std::string message) {
  return std::unexpected(NotAuthenticated{{fault, std::move(message)}, std::nullopt});
}
std::unexpected<NotAuthenticated> RefuseKey() {
  return Refuse(SignatureFault::kUnknownKey,
                "The security token included in the request is invalid.");
}

}  // namespace

struct Authenticator::State {
  asio::awaitable<std::expected<KnownKey, NotAuthenticated>> FindKey(std::string id);
  asio::awaitable<std::expected<KnownKey, NotAuthenticated>> FindSession(
      identity::ClaimedSignature claim);

  control::Store& store;
  const identity::AccessControl* access;
  const identity::SessionTokens* tokens;
  net::BlockingPool& blocking;
  AuthenticatorOptions options;
  struct Cached {
    KnownKey known;
    int64_t until_ms = 0;
  };
  std::unordered_map<std::string, Cached> keys;
};

asio::awaitable<std::expected<KnownKey, NotAuthenticated>> Authenticator::State::FindKey(
    std::string id) {
  const int64_t now = options.now_ms();
  if (const auto found = keys.find(id); found != keys.end()) {
    if (now < found->second.until_ms && now >= found->second.until_ms - options.key_cache_ms)
      co_return found->second.known;
    keys.erase(found);
  }
  auto look_up = [&store = store, access = access, id] {
    return identity::FindAccessKey(store, access, id);
  };
  auto found = co_await blocking.Run(std::move(look_up));
  if (!found) co_return std::unexpected(NotAuthenticated{{}, found.error()});
  if (!*found) co_return RefuseKey();
  if (keys.size() >= kMaxCachedKeys) keys.clear();
  keys[id] = {**found, now + options.key_cache_ms};
  co_return std::move(**found);
}

asio::awaitable<std::expected<KnownKey, NotAuthenticated>> Authenticator::State::FindSession(
    identity::ClaimedSignature claim) {
  if (tokens == nullptr) co_return RefuseKey();
  const auto claims = tokens->Open(claim.session_token, claim.access_key_id);
  if (!claims) co_return RefuseKey();
  KnownKey known{tokens->SecretOf(claim.access_key_id), identity::IdentityOf(*claims)};
  if (!claims->workspace.empty()) {
    auto look_up = [&store = store, workspace = claims->workspace, name = claims->name] {
      return identity::FindWorkspaceUser(store, workspace, name);
    };
    const auto superuser = co_await blocking.Run(std::move(look_up));
    if (!superuser) co_return std::unexpected(NotAuthenticated{{}, superuser.error()});
    if (!*superuser) co_return RefuseKey();
    known.identity.superuser = **superuser;
  }
  co_return known;
}

Authenticator::Authenticator(control::Store& store, const identity::AccessControl* access,
                             const identity::SessionTokens* tokens, net::BlockingPool& blocking,
                             AuthenticatorOptions options)
    : state_(new State{store, access, tokens, blocking, std::move(options), {}}) {
  if (!state_->options.now_ms) {
    state_->options.now_ms = [] {
      return std::chrono::duration_cast<std::chrono::milliseconds>(
                 std::chrono::system_clock::now().time_since_epoch())
          .count();
    };
  }
}
Authenticator::~Authenticator() = default;

asio::awaitable<std::expected<Authenticated, NotAuthenticated>> Authenticator::Authenticate(
    const HttpRequest& request, std::string_view signing_name) {
  const auto refuse = [&](const identity::SignatureFailure& failure) {
    log::Info("api_signature_refused", {{"peer", request.peer},
                                        {"code", identity::CodeOf(failure.fault)},
                                        {"reason", failure.message}});
    return std::unexpected(NotAuthenticated{failure, std::nullopt});
  };
  const identity::RequestView view{request.method, request.path, request.query, request.headers,
                                   request.body};
  const auto claim = identity::ReadSignature(view);
  if (!claim) co_return refuse(claim.error());
  if (!signing_name.empty() && claim->service != signing_name) {
    co_return refuse(
        {SignatureFault::kMismatch,
         fmt::format("Credential should be scoped to correct service: '{}'.", signing_name)});
  }
  const bool temporary = claim->access_key_id.starts_with(kTemporaryPrefix);
  // Only temporary keys were given out with a token, and never without one.
  if (temporary == claim->session_token.empty()) {
    co_return refuse(
        {SignatureFault::kUnknownKey, "The security token included in the request is invalid."});
  }
  auto known = temporary ? co_await state_->FindSession(*claim)
                         : co_await state_->FindKey(claim->access_key_id);
  if (!known) {
    log::Info("api_key_refused",
              {{"peer", request.peer},
               {"access_key", claim->access_key_id},
               {"code", known.error().broken ? std::string_view("store")
                                             : identity::CodeOf(known.error().failure.fault)}});
    co_return std::unexpected(known.error());
  }
  const int64_t now_s = state_->options.now_ms() / 1000;
  const auto proven = identity::CheckSignature(view, *claim, known->secret, now_s);
  if (!proven) co_return refuse(proven.error());
  if (known->identity.session && known->identity.session->expires_s <= now_s) {
    co_return refuse(
        {SignatureFault::kTokenExpired, "The security token included in the request is expired"});
  }
  known->identity.administrator =
      known->identity.superuser && known->identity.workspace == state_->options.administrators;
  auto shared = std::make_shared<const CallerIdentity>(std::move(known->identity));
  // A federated user is not the user it came from.
  const bool own = shared->form == CallerIdentity::Form::kWorkspaceUser;
  api::Caller caller{shared->account,
                     own ? shared->workspace : std::string(),
                     shared->name,
                     claim->access_key_id,
                     own && shared->superuser,
                     shared};
  co_return Authenticated{std::move(caller), claim->region};
}

asio::awaitable<api::Answer<void>> Authenticator::Authorize(const api::Context& context,
                                                            std::string action,
                                                            std::vector<std::string> resources) {
  const auto& identity = context.caller.identity;
  if (!identity || identity->form == CallerIdentity::Form::kWorkspaceUser)
    co_return api::Answer<void>();
  if (state_->access == nullptr) co_return api::Refuse("AccessDeniedException", "No policies.");
  auto decide = [access = state_->access, identity, action, resources = std::move(resources),
                 conditions = context.conditions]() -> api::Answer<void> {
    const auto subject = access->SubjectOf(*identity);
    if (!subject) {
      if (subject.error().kind != ErrorKind::kAuthenticationFailed)
        return std::unexpected(api::Failure::Of(subject.error()));
      return api::Refuse(std::string(identity::CodeOf(SignatureFault::kUnknownKey)),
                         subject.error().message);
    }
    for (const std::string& resource : resources) {
      const identity::Decision decision = identity::AccessControl::Decide(
          *subject, action, resource, identity->account, conditions);
      if (decision.allowed) continue;
      log::Info("api_access_denied", {{"caller", subject->arn},
                                      {"action", action},
                                      {"resource", resource},
                                      {"policy", decision.policy},
                                      {"statement", decision.statement},
                                      {"decision", decision.reason}});
      return api::Refuse("AccessDeniedException",
                         fmt::format("User: {} is not authorized to perform: {} on resource: {} {}",
                                     subject->arn, action, resource, decision.reason));
    }
    return {};
  };
  co_return co_await state_->blocking.Run(std::move(decide));
}

identity::RequestContext Authenticator::ConditionsOf(const HttpRequest& request,
                                                     const std::string& region) {
  identity::RequestContext conditions;
  const size_t colon = request.peer.rfind(':');
  std::string address = request.peer.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']'))
    address = address.substr(1, address.size() - 2);
  conditions["aws:sourceip"] = {address};
  conditions["aws:useragent"] = {std::string(request.Header("user-agent"))};
  conditions["aws:securetransport"] = {"false"};
  conditions["aws:requestedregion"] = {region};
  return conditions;
}

}  // namespace skep::aws
