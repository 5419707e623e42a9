// Takes events from queues, one thread each: a message is deleted once its events are kept, so that
// none is lost between the two. One that is no event stays, for the queue's own redrive policy.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "identity/role_chain.h"
#include "jobs/lake_event.h"

namespace skep::jobs {

struct QueueSource {
  std::string name;
  std::string url;
  identity::Account account;         // whose keys, and whose crawlers hear of it
  std::vector<std::string> buckets;  // it may speak of; empty = all of the account
};

class QueuePoller {
 public:
  QueuePoller(std::vector<QueueSource> sources, EventSink sink);
  ~QueuePoller();
  QueuePoller(const QueuePoller&) = delete;
  QueuePoller& operator=(const QueuePoller&) = delete;

  // Ends the threads; a wait for messages is broken off.
  void Stop();

 private:
  void Run(const QueueSource& source);
  void Pause();

  const std::vector<QueueSource> sources_;
  const EventSink sink_;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::thread> threads_;
};

}  // namespace skep::jobs
