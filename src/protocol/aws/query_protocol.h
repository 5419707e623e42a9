// AWS's query protocol over HTTP: form parameters in, XML out, for the services that speak it.
// Verifies the signature, finds the operation that Action and Version name, and writes answers and
// errors as SDKs expect them. Source: the Smithy documentation, "AWS Query protocol".
#pragma once

#include <boost/asio/awaitable.hpp>
#include <vector>

#include "api/query.h"
#include "net/blocking_pool.h"
#include "protocol/aws/authenticator.h"
#include "protocol/aws/http_server.h"

namespace skep::aws {

class QueryProtocol {
 public:
  // Everything must outlive it; services are borrowed.
  QueryProtocol(Authenticator& authenticator, net::BlockingPool& blocking,
                std::vector<api::QueryService*> services)
      : authenticator_(authenticator), blocking_(blocking), services_(std::move(services)) {}

  // Whether a request speaks this protocol: a form, or GET / with an Action.
  static bool Takes(const HttpRequest& request);
  boost::asio::awaitable<HttpResponse> Handle(HttpRequest request);

 private:
  boost::asio::awaitable<api::Answer<std::string>> Dispatch(HttpRequest request,
                                                            std::string request_id,
                                                            std::string& action,
                                                            std::string& xml_namespace);

  Authenticator& authenticator_;
  net::BlockingPool& blocking_;
  const std::vector<api::QueryService*> services_;
};

}  // namespace skep::aws
