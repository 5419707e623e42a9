#include "protocol/aws/json_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
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
constexpr size_t kLongBytes = 64u << 10;

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
  State(Authenticator& given_authenticator, net::BlockingPool& given_blocking,
        std::vector<api::Service*> given_services, JsonServiceOptions given)
      : authenticator(given_authenticator),
        blocking(given_blocking),
        services(std::move(given_services)),
        options(std::move(given)) {}

  asio::awaitable<api::Answer<std::string>> Dispatch(HttpRequest request, std::string request_id,
                                                     std::string& operation);
  std::string Metrics() const;

  Authenticator& authenticator;
  net::BlockingPool& blocking;
  const std::vector<api::Service*> services;
  JsonServiceOptions options;
  std::map<std::pair<std::string, std::string>, uint64_t>
      counts;  // (operation, error type or "") -> requests
  uint64_t running = 0;
};

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
  auto who = co_await authenticator.Authenticate(
      request, service == nullptr ? std::string_view() : service->signing_name());
  if (!who) {
    const NotAuthenticated& refused = who.error();
    if (refused.broken) co_return std::unexpected(Failure::Of(*refused.broken));
    co_return api::Refuse(std::string(identity::CodeOf(refused.failure.fault)),
                          refused.failure.message);
  }
  context.caller = std::move(who->caller);
  context.region = std::move(who->region);
  context.conditions = Authenticator::ConditionsOf(request, context.region);
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
  if (service->NeedsWorkspace() && context.caller.workspace.empty()) {
    co_return api::Refuse("AccessDeniedException",
                          "The caller is no user of a workspace, so it has no database user.");
  }
  std::vector<std::string> resources = service->Resources(context, name, *body);
  const auto allowed = co_await authenticator.Authorize(
      context, fmt::format("{}:{}", service->signing_name(), name), std::move(resources));
  if (!allowed) co_return std::unexpected(allowed.error());
  if (auto roles = service->PassedRoles(context, name, *body); !roles.empty()) {
    api::Context passing = context;
    passing.conditions["iam:passedtoservice"] = {
        fmt::format("{}.amazonaws.com", service->signing_name())};
    const auto passed = co_await authenticator.Authorize(passing, "iam:PassRole", std::move(roles));
    if (!passed) co_return std::unexpected(passed.error());
  }
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

JsonService::JsonService(Authenticator& authenticator, net::BlockingPool& blocking,
                         std::vector<api::Service*> services, JsonServiceOptions options)
    : state_(std::make_unique<State>(authenticator, blocking, std::move(services),
                                     std::move(options))) {}
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
