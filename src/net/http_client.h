// One HTTP exchange with an outside service: bounded in time and size, without redirects, proxies
// or cookies. Blocks; run it on threads that may. Knows nothing of AWS and signs nothing.
#pragma once

#include <atomic>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

namespace skep::net {

struct HttpCall {
  std::string method = "GET";
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;  // of POST
  std::chrono::milliseconds connect_timeout{3000}, timeout{20000};
  size_t max_bytes = 4u << 20;  // of the answer
  std::string ca_file = {};     // empty = the system's
  bool https_only = false;
  // Refuses to connect to this machine and to link-local addresses, whatever name leads there.
  bool outside_only = false;
  const std::atomic<bool>* stopping = nullptr;  // ends the call soon
  bool* timed_out = nullptr;                    // told whether the time was up
};

struct HttpReply {
  int status = 0;
  std::string body;
};

// Errors: kExternalUnavailable (the detail says why; nothing of what was sent is repeated),
// kPayloadTooLarge, kAdminShutdown (stopping).
Result<HttpReply> Exchange(const HttpCall& call);

// "host[:port]" of a URL; empty when it is none of http or https, or has a user in it.
std::string HostOfUrl(std::string_view url);
// What follows the host, "/" at least; without a query.
std::string PathOfUrl(std::string_view url);

}  // namespace skep::net
