#include "protocol/aws/query_protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/ids.h"
#include "base/log.h"

namespace skep::aws {
namespace asio = boost::asio;
using identity::SignatureFault;

namespace {

constexpr size_t kMaxFormBytes = 1u << 20;

// How STS and IAM call a refused signature. Source: their API references, "Common Errors".
api::Failure FailureOf(const NotAuthenticated& refused) {
  if (refused.broken)
    return {"InternalFailure", "The request failed inside the gateway.", 500, api::Json::object()};
  const auto make = [&](const char* type, int status, std::string message) {
    return api::Failure{type, std::move(message), status, api::Json::object()};
  };
  const std::string& said = refused.failure.message;
  switch (refused.failure.fault) {
    case SignatureFault::kMissing:
      return make("MissingAuthenticationToken", 403, "Request is missing Authentication Token");
    case SignatureFault::kIncomplete:
      return make("IncompleteSignature", 400, said);
    case SignatureFault::kUnknownKey:
      return make("InvalidClientTokenId", 403, said);
    case SignatureFault::kTokenExpired:
      return make("ExpiredToken", 403, said);
    case SignatureFault::kMismatch:
    case SignatureFault::kNotYetValid:
    case SignatureFault::kExpired:
      return make("SignatureDoesNotMatch", 403, said);
  }
  return make("SignatureDoesNotMatch", 403, said);
}

HttpResponse ErrorResponse(const api::Failure& failure, const std::string& xml_namespace,
                           const std::string& request_id) {
  api::XmlWriter xml;
  xml.Open("Error")
      .Element("Type", failure.http_status >= 500 ? "Receiver" : "Sender")
      .Element("Code", failure.type)
      .Element("Message", failure.message)
      .Close("Error")
      .Element("RequestId", request_id);
  return {
      failure.http_status,
      "text/xml",
      {{"x-amzn-RequestId", request_id}},
      fmt::format("<ErrorResponse xmlns=\"{}\">{}</ErrorResponse>\n", xml_namespace, xml.Take())};
}

}  // namespace

bool QueryProtocol::Takes(const HttpRequest& request) {
  if (request.path != "/") return false;
  if (request.method == "GET")
    return request.query.starts_with("Action=") ||
           request.query.find("&Action=") != std::string::npos;
  return request.method == "POST" && request.Header("x-amz-target").empty() &&
         request.Header("content-type").starts_with("application/x-www-form-urlencoded");
}

asio::awaitable<api::Answer<std::string>> QueryProtocol::Dispatch(HttpRequest request,
                                                                  std::string request_id,
                                                                  std::string& action,
                                                                  std::string& xml_namespace) {
  auto parameters = std::make_shared<api::QueryParameters>();
  if (request.body.size() > kMaxFormBytes || !parameters->Add(request.query) ||
      (request.method == "POST" && !parameters->Add(request.body)))
    co_return api::Refuse("MalformedQueryString", "The query string contains a syntax error.");
  const std::string version = parameters->Text("Version"), name = parameters->Text("Action");
  const auto found = std::ranges::find_if(
      services_, [&](const api::QueryService* s) { return s->version() == version; });
  api::QueryService* const service = found == services_.end() ? nullptr : *found;
  if (service != nullptr) xml_namespace = service->xml_namespace();
  const bool known = service != nullptr && service->Knows(name);
  if (known) action = name;

  if (known && service->IsAnonymous(name)) {
    api::Context context;
    context.request_id = std::move(request_id);
    context.conditions = Authenticator::ConditionsOf(request, context.region);
    context.conditions.erase("aws:requestedregion");  // is signed, and this is not
    auto call = [service, context = std::move(context), name, parameters] {
      return service->Call(context, name, *parameters);
    };
    co_return co_await blocking_.Run(std::move(call));
  }
  // Who asks comes first: a stranger learns nothing of what is offered.
  const std::string_view signing_name =
      service == nullptr ? std::string_view() : service->signing_name();
  auto who = co_await authenticator_.Authenticate(request, signing_name);
  if (!who) co_return std::unexpected(FailureOf(who.error()));
  if (!known) {
    co_return api::Refuse("InvalidAction", fmt::format("Could not find operation {} for version {}",
                                                       name.substr(0, 200), version.substr(0, 40)));
  }
  api::Context context;
  context.caller = std::move(who->caller);
  context.region = std::move(who->region);
  context.request_id = std::move(request_id);
  context.conditions = Authenticator::ConditionsOf(request, context.region);
  auto call = [service, context = std::move(context), name, parameters] {
    return service->Call(context, name, *parameters);
  };
  co_return co_await blocking_.Run(std::move(call));
}

asio::awaitable<HttpResponse> QueryProtocol::Handle(HttpRequest request) {
  const std::string request_id = NewUuid();
  const std::string peer = request.peer;
  std::string action = "unknown", xml_namespace = "https://iam.amazonaws.com/doc/2010-05-08/";
  std::optional<api::Answer<std::string>> answer;
  try {
    answer.emplace(co_await Dispatch(std::move(request), request_id, action, xml_namespace));
  } catch (const std::exception& e) {
    log::Fault("api_internal_error",
               {{"request", request_id}, {"operation", action}, {"error", e.what()}});
    answer.emplace(api::Refuse("InternalFailure",
                               fmt::format("An internal error occurred (request {}).", request_id),
                               500));
  }
  log::Debug("api_request",
             {{"request", request_id},
              {"peer", peer},
              {"operation", action},
              {"outcome", answer->has_value() ? std::string("ok") : answer->error().type}});
  if (!answer->has_value()) co_return ErrorResponse(answer->error(), xml_namespace, request_id);
  std::string result = std::move(**answer);
  if (!result.empty()) result = fmt::format("<{0}Result>{1}</{0}Result>", action, result);
  HttpResponse response;
  response.content_type = "text/xml";
  response.headers = {{"x-amzn-RequestId", request_id}};
  response.body = fmt::format(
      "<{0}Response xmlns=\"{1}\">{2}<ResponseMetadata><RequestId>{3}</RequestId>"
      "</ResponseMetadata></{0}Response>\n",
      action, xml_namespace, result, request_id);
  co_return response;
}

}  // namespace skep::aws
