#include "protocol/aws/event_webhook.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/crypto.h"
#include "base/log.h"

namespace skep::aws {
namespace {

constexpr std::string_view kPath = "/events/";

// A parameter of the query, decoded; empty when there is none.
std::string Parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const size_t end = query.find('&');
    const std::string_view one = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    const size_t equals = one.find('=');
    if (equals == std::string_view::npos || one.substr(0, equals) != name) continue;
    return UriDecode(one.substr(equals + 1)).value_or(std::string());
  }
  return {};
}

// What the request offers as proof, without the scheme it comes in.
bool Proves(const HttpRequest& request, const Secret& secret) {
  constexpr std::string_view kBearer = "Bearer ", kSignature = "sha256=";
  std::string_view given = request.Header("authorization");
  if (given.starts_with(kBearer)) given.remove_prefix(kBearer.size());
  if (!given.empty() && ConstantTimeEqual(given, secret.Reveal())) return true;
  if (const std::string token = Parameter(request.query, "token");
      !token.empty() && ConstantTimeEqual(token, secret.Reveal()))
    return true;
  const std::string_view signature = request.Header("x-skep-signature");
  return signature.starts_with(kSignature) &&
         ConstantTimeEqual(signature.substr(kSignature.size()),
                           HexEncode(HmacSha256(secret.Reveal(), request.body)));
}

HttpResponse Refusal(int status, std::string body) {
  return HttpResponse{.status = status, .body = std::move(body)};
}

}  // namespace

EventWebhook::EventWebhook(std::vector<EventSource> sources, net::BlockingPool& blocking, Sink sink)
    : sources_(std::move(sources)), blocking_(blocking), sink_(std::move(sink)) {}

bool EventWebhook::Takes(const HttpRequest& request) { return request.path.starts_with(kPath); }

const EventSource* EventWebhook::Authenticated(const HttpRequest& request) const {
  const std::string_view name = std::string_view(request.path).substr(kPath.size());
  const auto found = std::ranges::find(sources_, name, &EventSource::name);
  if (found == sources_.end() || !Proves(request, found->secret)) return nullptr;
  return &*found;
}

boost::asio::awaitable<HttpResponse> EventWebhook::Handle(HttpRequest request) {
  const EventSource* const source = Authenticated(request);
  if (source == nullptr) {
    log::Warn("event_refused", {{"peer", request.peer}, {"path", request.path.substr(0, 100)}});
    co_return Refusal(403, "forbidden\n");
  }
  // Some senders look whether anybody is there.
  if (request.method == "GET" || request.method == "HEAD") co_return HttpResponse{};
  if (request.method != "POST") co_return Refusal(405, "events are sent by POST\n");
  auto keep = [this, source, body = std::move(request.body)] { return sink_(*source, body); };
  const Result<void> kept = co_await blocking_.Run(std::move(keep));
  if (kept) co_return HttpResponse{};  // no body: then senders use the connection again
  log::Warn("event_not_kept", {{"source", source->name}, {"error", kept.error().message}});
  if (kept.error().kind == ErrorKind::kInvalidArgument)
    co_return Refusal(400, kept.error().message + "\n");
  co_return Refusal(503, "the events could not be kept\n");
}

}  // namespace skep::aws
