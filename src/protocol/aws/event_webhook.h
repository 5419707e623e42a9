// The door for notifications of object stores: POST /events/<source>. Knows each source by its name
// and believes only who knows its secret: as a bearer token (MinIO, EventBridge API destinations),
// as ?token= (versitygw and others that can only call a fixed URL), or as an HMAC-SHA-256 of the
// body, "X-Skep-Signature: sha256=<hex>". Anybody else is refused with 403, whatever the name.
// Answers 200 only after the sink has kept the events.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/secret.h"
#include "net/blocking_pool.h"
#include "protocol/aws/http_server.h"

namespace skep::aws {

struct EventSource {
  std::string name;
  std::string account;  // 12 digits: whose crawlers hear of it
  Secret secret;
  std::vector<std::string> buckets;  // it may speak of; empty = all of the account
};

class EventWebhook {
 public:
  // Keeps the events of a message. Errors: kInvalidArgument (it is none: 400), others (503: the
  // sender shall repeat itself). Called on the blocking pool.
  using Sink = std::function<Result<void>(const EventSource&, const std::string& body)>;

  EventWebhook(std::vector<EventSource> sources, net::BlockingPool& blocking, Sink sink);

  static bool Takes(const HttpRequest& request);
  boost::asio::awaitable<HttpResponse> Handle(HttpRequest request);

 private:
  const EventSource* Authenticated(const HttpRequest& request) const;

  const std::vector<EventSource> sources_;
  net::BlockingPool& blocking_;
  const Sink sink_;
};

}  // namespace skep::aws
