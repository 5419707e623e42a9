// AWS JSON 1.1 over HTTP: has the signature verified, finds the service and operation that
// X-Amz-Target names, parses the body, asks the policies of callers that have any, and writes
// answers and errors as SDKs expect them. Also answers /healthz, /readyz, /metrics.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/context.h"
#include "net/blocking_pool.h"
#include "protocol/aws/authenticator.h"
#include "protocol/aws/http_server.h"

namespace skep::aws {

struct JsonServiceOptions {
  std::function<bool()> ready;  // /readyz; empty = always
  std::function<std::string()>
      metrics;  // lines put before ours on /metrics, in Prometheus' text format; may be empty
};

class JsonService {
 public:
  // Everything must outlive the service; services are borrowed.
  JsonService(Authenticator& authenticator, net::BlockingPool& blocking,
              std::vector<api::Service*> services, JsonServiceOptions options = {});
  ~JsonService();

  boost::asio::awaitable<HttpResponse> Handle(HttpRequest request);
  // For HttpServer; borrows this.
  Handler AsHandler();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace skep::aws
