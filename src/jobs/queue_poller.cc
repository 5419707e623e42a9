#include "jobs/queue_poller.h"

#include <chrono>
#include <exception>
#include <utility>

#include "base/log.h"
#include "jobs/lake_event.h"
#include "lake/event_queue.h"

namespace skep::jobs {
namespace {

constexpr auto kWait = std::chrono::seconds(20);  // the longest that the service allows
constexpr auto kPauseAfterError = std::chrono::seconds(5);

// Keeps the events of messages; answers the receipts of those that are done with.
std::vector<std::string> Keep(const QueueSource& source, const EventSink& sink,
                              const std::vector<lake::QueueMessage>& messages) {
  std::vector<std::string> done;
  for (const lake::QueueMessage& message : messages) {
    auto taken = Result<void>{};
    if (const auto told = ParseLakeEvents(message.body); told)
      taken = sink(source.name, source.account.id, source.buckets, *told);
    else
      taken = Fail(told.error());
    if (!taken) {
      log::Warn("event_not_kept", {{"source", source.name}, {"error", taken.error().message}});
      continue;
    }
    done.push_back(message.receipt);
  }
  return done;
}

}  // namespace

QueuePoller::QueuePoller(std::vector<QueueSource> sources, EventSink sink)
    : sources_(std::move(sources)), sink_(std::move(sink)) {
  for (const QueueSource& source : sources_)
    threads_.emplace_back([this, &source] { Run(source); });
}

QueuePoller::~QueuePoller() { Stop(); }

void QueuePoller::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void QueuePoller::Pause() {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, kPauseAfterError, [this] { return stopping_.load(); });
}

void QueuePoller::Run(const QueueSource& source) {
  lake::EventQueue queue(source.url, source.account, stopping_);
  while (!stopping_) {
    try {
      Result<void> done;
      if (auto messages = queue.Receive(kWait)) {
        const auto receipts = Keep(source, sink_, *messages);
        if (!receipts.empty()) done = queue.Delete(receipts);
      } else {
        done = Fail(messages.error());
      }
      if (done || stopping_) continue;
      log::Warn("event_queue_failed", {{"source", source.name},
                                       {"error", done.error().message},
                                       {"detail", done.error().detail}});
    } catch (const std::exception& e) {
      log::Fault("event_queue_failed", {{"source", source.name}, {"error", e.what()}});
    }
    Pause();
  }
}

}  // namespace skep::jobs
