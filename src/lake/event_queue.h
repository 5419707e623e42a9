// A queue that an object store's notifications wait in: Amazon SQS's JSON protocol over HTTP,
// signed with the account's keys. Calls block; run them on threads that may.
#pragma once

#include <atomic>
#include <chrono>
#include <string>
#include <vector>

#include "base/error.h"
#include "identity/role_chain.h"

namespace skep::lake {

struct QueueMessage {
  std::string body;
  std::string receipt;
};

class EventQueue {
 public:
  // `url` as CreateQueue answers it; its account's keys sign. Once `stopping` is true, calls end
  // soon with kAdminShutdown.
  EventQueue(std::string url, identity::Account account, const std::atomic<bool>& stopping);

  // Up to ten messages; waits so long for the first. They come again unless they are deleted within
  // the queue's visibility timeout. Errors: kExternalUnavailable, kExternalDenied.
  Result<std::vector<QueueMessage>> Receive(std::chrono::seconds wait);
  // At most ten receipts.
  Result<void> Delete(const std::vector<std::string>& receipts);

  const std::string& url() const { return url_; }

 private:
  Result<std::string> Call(const std::string& operation, const std::string& body,
                           std::chrono::seconds timeout);

  const std::string url_;
  const identity::Account account_;
  const std::atomic<bool>& stopping_;
};

}  // namespace skep::lake
