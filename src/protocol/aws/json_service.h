// AWS JSON 1.1 over HTTP: verifies the signature against the control store's keys, finds the
// service and operation that X-Amz-Target names, parses the body, and writes answers and errors as
// SDKs expect them. Also answers /healthz, /readyz, /metrics.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/context.h"
#include "control/store.h"
#include "net/blocking_pool.h"
#include "protocol/aws/http_server.h"

namespace skep::aws {

struct JsonServiceOptions {
  std::function<bool()> ready;  // /readyz; empty = always
  std::function<std::string()>
      metrics;  // lines put before ours on /metrics, in Prometheus' text format; may be empty
  std::function<int64_t()> now_ms;  // the wall clock; empty = the system's
  int64_t key_cache_ms = 3000;      // how long a looked-up access key is believed
};

class JsonService {
 public:
  // Everything must outlive the service; services are borrowed.
  JsonService(control::Store& store, net::BlockingPool& blocking,
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
