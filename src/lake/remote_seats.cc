#include "lake/remote_seats.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace skep::lake {
namespace {

constexpr auto kLook = std::chrono::milliseconds(200);  // whether somebody still waits

}  // namespace

RemoteSeat::~RemoteSeat() {
  if (seats_ != nullptr) seats_->GiveBack(workspace_);
}

std::list<RemoteSeats::Waiter>::iterator RemoteSeats::Next() {
  auto best = waiting_.end();
  std::pair<bool, size_t> least;  // whether it is a first seat, and how many its workspace has
  if (taken_ >= options_.seats) return best;
  for (auto it = waiting_.begin(); it != waiting_.end(); ++it) {
    const std::pair cost(!it->further, workspaces_.at(*it->workspace).taken);
    if (cost.second >= Most(it->further) || (best != waiting_.end() && cost >= least)) continue;
    least = cost;
    best = it;
  }
  return best;
}

void RemoteSeats::Forget(const std::string& workspace) {
  const auto found = workspaces_.find(workspace);
  if (found->second.taken == 0 && found->second.waiting == 0) workspaces_.erase(found);
}

Result<RemoteSeat> RemoteSeats::Take(const std::string& workspace, bool further,
                                     const std::function<bool()>& given_up) {
  const auto until = std::chrono::steady_clock::now() + options_.patience;
  std::unique_lock lock(mutex_);
  Workspace& own = workspaces_[workspace];
  if (own.waiting >= options_.waiting) {
    return Fail(ErrorKind::kTooManyConnections,
                fmt::format("too many statements of the workspace wait for a connection to a "
                            "remote database: {}",
                            own.waiting),
                {}, "Run fewer statements over remote databases at a time.");
  }
  const auto place = waiting_.insert(waiting_.end(), {&workspace, further});
  own.waiting++;
  std::optional<Error> error;
  while (Next() != place) {
    if (stopping_) {
      error = {ErrorKind::kAdminShutdown, "the gateway goes down", {}, {}, 0};
    } else if (given_up && given_up()) {
      error = {ErrorKind::kQueryCanceled, "nobody waits for the connection", {}, {}, 0};
    } else if (std::chrono::steady_clock::now() >= until) {
      error = {ErrorKind::kTooManyConnections,
               fmt::format("no connection to a remote database became free within {} s: the "
                           "workspace has {} of at most {}{}",
                           options_.patience.count() / 1000, own.taken, Most(further),
                           own.taken < Most(further) ? ", others have the rest" : ""),
               {},
               "Run fewer statements over remote databases at a time.",
               0};
    }
    if (error) break;
    changed_.wait_until(lock, std::min(until, std::chrono::steady_clock::now() + kLook));
  }
  if (!error && stopping_) error = {ErrorKind::kAdminShutdown, "the gateway goes down", {}, {}, 0};
  waiting_.erase(place);
  own.waiting--;
  changed_.notify_all();  // it may be the next one's turn now
  if (error) {
    Forget(workspace);
    return Fail(std::move(*error));
  }
  own.taken++;
  taken_++;
  return RemoteSeat(*this, workspace);
}

void RemoteSeats::GiveBack(const std::string& workspace) {
  {
    const std::lock_guard lock(mutex_);
    workspaces_.at(workspace).taken--;
    taken_--;
    Forget(workspace);
  }
  changed_.notify_all();
}

void RemoteSeats::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
}

RemoteSeats::Figures RemoteSeats::figures() const {
  const std::lock_guard lock(mutex_);
  return {taken_, waiting_.size()};
}

}  // namespace skep::lake
