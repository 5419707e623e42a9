#include "protocol/aws/json_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/ids.h"
#include "base/log.h"
#include "identity/sigv4.h"

namespace skep::aws {
namespace asio = boost::asio;
using api::Failure;
using api::Json;

namespace {

constexpr std::string_view kContentType = "application/x-amz-json-1.1";
constexpr int kMaxDepth = 64;
constexpr size_t kMaxCachedKeys = 10000;
constexpr size_t kLongBytes = 64u << 10;

struct KnownKey {
  control::AccessKey key;
  bool superuser = false;
};

// Parses without recursion into deep input: the depth is counted before the parser sees the text.
std::optional<Json> ParseObject(const std::string& text) {
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); i++) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') i++;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kMaxDepth) return std::nullopt;
    } else if (c == '}' || c == ']') {
      depth--;
    }
  }
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded() || !json.is_object()) return std::nullopt;
  return json;
}

HttpResponse FailureResponse(const Failure& failure, const std::string& request_id) {
  Json body = failure.members.is_object() ? failure.members : Json::object();
  body["__type"] = failure.type;
  // Services differ in the case; SDKs accept both.
  body["message"] = failure.message;
  body["Message"] = failure.message;
  return {failure.http_status,
          std::string(kContentType),
          {{"x-amzn-RequestId", request_id}, {"x-amzn-ErrorType", failure.type}},
          body.dump(-1, ' ', false, Json::error_handler_t::replace)};
}

}  // namespace

struct JsonService::State {
  State(control::Store& given_store, net::BlockingPool& given_blocking,
        std::vector<api::Service*> given_services, JsonServiceOptions given)
      : store(given_store),
        blocking(given_blocking),
        services(std::move(given_services)),
        options(std::move(given)) {
    if (!options.now_ms) {
      options.now_ms = [] {
        return std::chrono::duration_cast<std::chrono::milliseconds>(
                   std::chrono::system_clock::now().time_since_epoch())
            .count();
      };
    }
  }

  asio::awaitable<api::Answer<KnownKey>> FindKey(std::string id);
  asio::awaitable<api::Answer<api::Caller>> Authenticate(const HttpRequest& request,
                                                         const api::Service* service,
                                                         std::string& region);
  asio::awaitable<api::Answer<std::string>> Dispatch(HttpRequest request, std::string request_id,
                                                     std::string& operation);
  std::string Metrics() const;

  control::Store& store;
  net::BlockingPool& blocking;
  const std::vector<api::Service*> services;
  JsonServiceOptions options;
  struct Cached {
    KnownKey known;
    int64_t until_ms = 0;
  };
  std::unordered_map<std::string, Cached> keys;
  std::map<std::pair<std::string, std::string>, uint64_t>
      counts;  // (operation, error type or "") -> requests
  uint64_t running = 0;
};

asio::awaitable<api::Answer<KnownKey>> JsonService::State::FindKey(std::string id) {
  const int64_t now = options.now_ms();
  if (const auto found = keys.find(id); found != keys.end()) {
    if (now < found->second.until_ms && now >= found->second.until_ms - options.key_cache_ms)
      co_return found->second.known;
    keys.erase(found);
  }
  auto look_up = [&store = store, id]() -> Result<std::optional<KnownKey>> {
    SKEP_TRY_ASSIGN(auto key, store.GetAccessKey(id));
    if (!key || !key->active) return std::optional<KnownKey>();
    SKEP_TRY_ASSIGN(const auto user, store.GetUser(key->workspace, key->user));
    if (!user) return std::optional<KnownKey>();
    return KnownKey{std::move(*key), user->superuser};
  };
  auto found = co_await blocking.Run(std::move(look_up));
  if (!found) co_return std::unexpected(Failure::Of(found.error()));
  if (!*found) {
    co_return api::Refuse(std::string(identity::CodeOf(identity::SignatureFault::kUnknownKey)),
                          "The security token included in the request is invalid.");
  }
  if (keys.size() >= kMaxCachedKeys) keys.clear();
  keys[id] = {**found, now + options.key_cache_ms};
  co_return std::move(**found);
}

asio::awaitable<api::Answer<api::Caller>> JsonService::State::Authenticate(
    const HttpRequest& request, const api::Service* service, std::string& region) {
  const auto refuse = [&](const identity::SignatureFailure& failure) {
    log::Info("api_signature_refused", {{"peer", request.peer},
                                        {"code", identity::CodeOf(failure.fault)},
                                        {"reason", failure.message}});
    return api::Refuse(std::string(identity::CodeOf(failure.fault)), failure.message);
  };
  const identity::RequestView view{request.method, request.path, request.query, request.headers,
                                   request.body};
  const auto claim = identity::ReadSignature(view);
  if (!claim) co_return refuse(claim.error());
  if (service != nullptr && claim->service != service->signing_name()) {
    co_return refuse({identity::SignatureFault::kMismatch,
                      fmt::format("Credential should be scoped to correct service: '{}'.",
                                  service->signing_name())});
  }
  auto known = co_await FindKey(claim->access_key_id);
  if (!known) {
    log::Info("api_key_refused", {{"peer", request.peer},
                                  {"access_key", claim->access_key_id},
                                  {"code", known.error().type}});
    co_return std::unexpected(known.error());
  }
  // Our keys are long-lived: none was ever given out with a token.
  if (!claim->session_token.empty()) {
    co_return refuse({identity::SignatureFault::kUnknownKey,
                      "The security token included in the request is invalid."});
  }
  const auto proven =
      identity::CheckSignature(view, *claim, known->key.secret, options.now_ms() / 1000);
  if (!proven) co_return refuse(proven.error());
  region = claim->region;
  co_return api::Caller{known->key.account, known->key.workspace, known->key.user, known->key.id,
                        known->superuser};
}

asio::awaitable<api::Answer<std::string>> JsonService::State::Dispatch(HttpRequest request,
                                                                       std::string request_id,
                                                                       std::string& operation) {
  const std::string target(request.Header("x-amz-target"));
  const size_t dot = target.find('.');
  const std::string_view prefix = std::string_view(target).substr(0, dot);
  const std::string name = dot == std::string::npos ? std::string() : target.substr(dot + 1);
  const auto found =
      std::ranges::find_if(services, [&](const api::Service* s) { return s->target() == prefix; });
  api::Service* const service = found == services.end() ? nullptr : *found;
  const bool known = service != nullptr && service->Knows(name);
  if (known) operation = target;

  // Who asks comes first: a stranger learns nothing of what is offered.
  api::Context context;
  auto caller = co_await Authenticate(request, service, context.region);
  if (!caller) co_return std::unexpected(caller.error());
  context.caller = std::move(*caller);
  context.request_id = std::move(request_id);
  if (!known) {
    co_return api::Refuse(
        "UnknownOperationException",
        target.empty() ? "The request names no operation in X-Amz-Target."
                       : fmt::format("The operation {} is not known here.", target.substr(0, 200)));
  }
  std::optional<Json> body;
  if (request.body.empty()) {
    body = Json::object();
  } else if (request.body.size() <= kLongBytes) {
    body = ParseObject(request.body);
  } else {  // nobody else waits for it
    auto read = [text = std::move(request.body)] { return ParseObject(text); };
    body = co_await blocking.Run(std::move(read));
  }
  if (!body) co_return api::Refuse("SerializationException", "The body is no JSON object.");
  co_return co_await service->Call(std::move(context), name, std::move(*body));
}

std::string JsonService::State::Metrics() const {
  std::string out = options.metrics ? options.metrics() : std::string();
  if (!out.empty() && out.back() != '\n') out += '\n';
  out +=
      "# HELP skep_api_requests_total Requests to the AWS APIs by operation and outcome.\n# TYPE "
      "skep_api_requests_total counter\n";
  for (const auto& [labels, count] : counts) {
    out += fmt::format("skep_api_requests_total{{operation=\"{}\",error=\"{}\"}} {}\n",
                       labels.first, labels.second, count);
  }
  out +=
      "# HELP skep_api_requests_running Requests being answered.\n# TYPE skep_api_requests_running "
      "gauge\n";
  out += fmt::format("skep_api_requests_running {}\n", running);
  return out;
}

JsonService::JsonService(control::Store& store, net::BlockingPool& blocking,
                         std::vector<api::Service*> services, JsonServiceOptions options)
    : state_(std::make_unique<State>(store, blocking, std::move(services), std::move(options))) {}
JsonService::~JsonService() = default;

Handler JsonService::AsHandler() {
  return [this](HttpRequest request) { return Handle(std::move(request)); };
}

asio::awaitable<HttpResponse> JsonService::Handle(HttpRequest request) {
  State& s = *state_;
  if (request.method == "GET" || request.method == "HEAD") {
    if (request.path == "/healthz") co_return HttpResponse{.body = "ok\n"};
    if (request.path == "/readyz") {
      const bool ready = !s.options.ready || s.options.ready();
      co_return HttpResponse{.status = ready ? 200 : 503,
                             .body = ready ? "ready\n" : "not ready\n"};
    }
    if (request.path == "/metrics")
      co_return HttpResponse{.content_type = "text/plain; version=0.0.4; charset=utf-8",
                             .body = s.Metrics()};
    co_return HttpResponse{.status = 404, .body = "not found\n"};
  }
  const std::string request_id = NewUuid();
  if (request.method != "POST" || request.path != "/") {
    co_return FailureResponse(
        {"UnknownOperationException", "AWS JSON requests are POST /.", 404, Json::object()},
        request_id);
  }
  const auto started = std::chrono::steady_clock::now();
  const std::string peer = request.peer;
  std::string operation = "unknown";
  s.running++;
  std::optional<api::Answer<std::string>> answer;
  try {
    answer.emplace(co_await s.Dispatch(std::move(request), request_id, operation));
  } catch (const std::exception& e) {
    log::Fault("api_internal_error",
               {{"request", request_id}, {"operation", operation}, {"error", e.what()}});
    answer.emplace(api::Refuse("InternalServerException",
                               fmt::format("An internal error occurred (request {}).", request_id),
                               500));
  }
  s.running--;
  const auto elapsed = std::chrono::duration_cast<std::chrono::microseconds>(
                           std::chrono::steady_clock::now() - started)
                           .count();
  const std::string outcome = answer->has_value() ? std::string() : answer->error().type;
  s.counts[{operation, outcome}]++;
  log::Debug("api_request", {{"request", request_id},
                             {"peer", peer},
                             {"operation", operation},
                             {"outcome", outcome.empty() ? "ok" : outcome},
                             {"us", elapsed}});
  if (!answer->has_value()) co_return FailureResponse(answer->error(), request_id);
  co_return HttpResponse{.content_type = std::string(kContentType),
                         .headers = {{"x-amzn-RequestId", request_id}},
                         .body = std::move(**answer)};
}

}  // namespace skep::aws
