#include "identity/aws_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>
#include <random>
#include <thread>
#include <utility>

namespace skep::identity {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxSaid = 500;  // of a service's words

// "prefix#Code:more" is Code.
std::string PlainCode(std::string code) {
  if (const size_t hash = code.rfind('#'); hash != std::string::npos) code.erase(0, hash + 1);
  if (const size_t colon = code.find(':'); colon != std::string::npos) code.resize(colon);
  return code.substr(0, 100);
}

std::string TextOf(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// What the body of an error says, in either protocol.
void ReadError(AwsReply& reply) {
  const Json json = Json::parse(reply.body, nullptr, false);
  if (json.is_object()) {
    reply.code = PlainCode(TextOf(json, "__type"));
    reply.message = TextOf(json, "message");
    if (reply.message.empty()) reply.message = TextOf(json, "Message");
    return;
  }
  pugi::xml_document document;
  if (!document.load_buffer(reply.body.data(), reply.body.size())) return;
  const auto root = document.first_child();
  const auto error = root.child("Error") ? root.child("Error") : root;
  reply.code = PlainCode(error.child_value("Code"));
  reply.message = error.child_value("Message");
}

// Source: the SDKs' reference guide, "Retry behavior": codes that are throttling or passing.
bool IsBusy(const AwsReply& reply) {
  static constexpr std::string_view kCodes[] = {"Throttling",
                                                "ThrottlingException",
                                                "ThrottledException",
                                                "RequestLimitExceeded",
                                                "RequestThrottled",
                                                "TooManyRequestsException",
                                                "SlowDown",
                                                "RequestTimeout",
                                                "InternalFailure",
                                                "InternalServiceException",
                                                "OperationTimeoutException",
                                                "RequestThrottledException"};
  return reply.status >= 500 || reply.status == 429 ||
         std::ranges::find(kCodes, reply.code) != std::end(kCodes);
}

// Whether a text holds something of the keys or of the signature.
bool Repeats(const std::string& said, const AwsCall& call, const HeaderList& headers) {
  const auto holds = [&said](std::string_view secret) {
    return !secret.empty() && said.find(secret) != std::string::npos;
  };
  if (holds(call.key.secret.Reveal()) || holds(call.key.session_token.Reveal())) return true;
  return std::ranges::any_of(headers, [&](const auto& header) {
    const size_t at =
        header.first == "authorization" ? header.second.rfind("Signature=") : std::string::npos;
    return at != std::string::npos && holds(std::string_view(header.second).substr(at + 10));
  });
}

}  // namespace

Result<AwsReply> AwsCaller::SendOnce(const AwsCall& call, bool& again) {
  again = false;
  net::HttpCall http;
  http.method = "POST";
  http.url = call.endpoint.ends_with('/') ? call.endpoint : call.endpoint + "/";
  http.body = call.body;
  http.connect_timeout = options_.connect_timeout;
  http.timeout = options_.timeout;
  http.max_bytes = options_.max_bytes;
  http.ca_file = options_.ca_file;
  http.stopping = &stopping_;
  bool timed_out = false;
  http.timed_out = &timed_out;
  HeaderList headers = {{"host", net::HostOfUrl(http.url)}, {"content-type", call.content_type}};
  if (!call.target.empty()) headers.emplace_back("x-amz-target", call.target);
  SignRequest("POST", net::PathOfUrl(http.url), "", headers, call.body, call.key,
              static_cast<int64_t>(std::time(nullptr)));
  http.headers = headers;
  auto answer = net::Exchange(http);
  if (!answer) {
    // A service that is slow keeps a statement waiting long enough as it is.
    again = answer.error().kind == ErrorKind::kExternalUnavailable && !timed_out;
    Error error = answer.error();
    error.message = fmt::format("{}: {}", call.what, error.message);
    return Fail(std::move(error));
  }
  AwsReply reply{answer->status, std::move(answer->body), {}, {}};
  if (reply.status == 200) return reply;
  ReadError(reply);
  reply.message.resize(std::min(reply.message.size(), kMaxSaid));
  if (Repeats(reply.message, call, headers)) reply.message.clear();
  if (Repeats(reply.code, call, headers)) reply.code.clear();
  if (!IsBusy(reply)) return reply;
  again = true;
  return Fail(ErrorKind::kExternalUnavailable, fmt::format("{}: the service failed", call.what),
              fmt::format("HTTP {}{}{}", reply.status, reply.code.empty() ? "" : ", ", reply.code),
              "Run the statement again later.");
}

Result<AwsReply> AwsCaller::Send(const AwsCall& call) {
  thread_local std::minstd_rand random(std::random_device{}());
  auto pause = options_.first_backoff;
  for (int attempt = 1;; attempt++) {
    if (stopping_) return Fail(ErrorKind::kAdminShutdown, "the gateway is going down");
    bool again = false;
    auto reply = SendOnce(call, again);
    if (reply || !again || attempt >= options_.attempts) return reply;
    const std::chrono::milliseconds jitter(random() % static_cast<unsigned>(pause.count() + 1));
    std::this_thread::sleep_for(pause / 2 + jitter / 2);
    pause *= 2;
  }
}

}  // namespace skep::identity
