// Calls of other parties' AWS APIs: signed, bounded in time, repeated when the service is busy or
// broken. What a service says of an error becomes one of ours; never is anything repeated of what
// was sent. Blocks.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"
#include "identity/sigv4.h"
#include "net/http_client.h"

namespace skep::identity {

struct AwsCall {
  std::string endpoint;  // http(s)://host[:port]
  std::string content_type;
  std::string target;  // X-Amz-Target; empty for the query protocol
  std::string body;
  SigningKey key;
  std::string what;  // for messages: "sts:AssumeRole at 123456789012"
};

struct AwsCallOptions {
  int attempts = 4;
  std::chrono::milliseconds first_backoff{100};
  std::chrono::milliseconds connect_timeout{3000}, timeout{10000};
  size_t max_bytes = 64u << 20;
  std::string ca_file = {};
};

// An answer of 200, or what the service called its error.
struct AwsReply {
  int status = 0;
  std::string body;
  std::string code, message;  // of an error; "AccessDenied"
};

class AwsCaller {
 public:
  explicit AwsCaller(AwsCallOptions options = {}) : options_(std::move(options)) {}
  // Errors: kExternalUnavailable (down, slow, 5xx, throttled after all attempts), kAdminShutdown.
  // A refusal (4xx) is a reply.
  Result<AwsReply> Send(const AwsCall& call);
  // From here on calls end soon.
  void Stop() { stopping_ = true; }

 private:
  Result<AwsReply> SendOnce(const AwsCall& call, bool& again);

  const AwsCallOptions options_;
  std::atomic<bool> stopping_ = false;
};

}  // namespace skep::identity
