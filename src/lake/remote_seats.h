// Who may have a connection to a remote database now. There are so many seats for all workspaces,
// and each workspace has a share of them, a quarter of it for who has one already and needs
// another to go on; who finds none waits, and a seat that becomes free goes to those, then to the
// waiting workspace that has the fewest. Knows nothing of connections.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/error.h"

namespace skep::lake {

class RemoteSeats;

// A seat until it is destroyed. Movable.
class RemoteSeat {
 public:
  RemoteSeat() = default;
  RemoteSeat(RemoteSeats& seats, std::string workspace)
      : seats_(&seats), workspace_(std::move(workspace)) {}
  RemoteSeat(RemoteSeat&& other) noexcept
      : seats_(std::exchange(other.seats_, nullptr)), workspace_(std::move(other.workspace_)) {}
  RemoteSeat& operator=(RemoteSeat&& other) noexcept {
    std::swap(seats_, other.seats_);
    std::swap(workspace_, other.workspace_);
    return *this;
  }
  ~RemoteSeat();

 private:
  RemoteSeats* seats_ = nullptr;
  std::string workspace_;
};

struct RemoteSeatOptions {
  size_t seats = 100;        // of all workspaces
  size_t of_workspace = 25;  // at most
  size_t waiting = 100;      // of one workspace; who comes when so many wait is refused at once
  std::chrono::milliseconds patience{30'000};
};

// Thread-safe. Outlives its seats.
class RemoteSeats {
 public:
  explicit RemoteSeats(RemoteSeatOptions options) : options_(options) {}
  RemoteSeats(const RemoteSeats&) = delete;
  RemoteSeats& operator=(const RemoteSeats&) = delete;

  // A seat, as soon as there is one; `further`: its taker has one already. Blocks as long as the
  // options' patience, unless `given_up` says earlier that nobody wants it any more (asked several
  // times a second). Errors: kTooManyConnections, kQueryCanceled (given up), kAdminShutdown.
  Result<RemoteSeat> Take(const std::string& workspace, bool further,
                          const std::function<bool()>& given_up);
  // Nobody gets a seat from then on.
  void Stop();

  struct Figures {
    size_t taken = 0, waiting = 0;
  };
  Figures figures() const;

 private:
  friend class RemoteSeat;
  struct Workspace {
    size_t taken = 0, waiting = 0;
  };
  struct Waiter {
    const std::string* workspace;
    bool further;
  };
  void GiveBack(const std::string& workspace);
  // Whose turn it is: of those whose share is not used up, who has a seat already, then the
  // workspace with the fewest; among equals who came first. end(): nobody's.
  std::list<Waiter>::iterator Next();
  // Seats that a workspace may have for this.
  size_t Most(bool further) const {
    return options_.of_workspace - (further ? 0 : options_.of_workspace / 4);
  }
  void Forget(const std::string& workspace);

  const RemoteSeatOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  size_t taken_ = 0;
  std::unordered_map<std::string, Workspace> workspaces_;
  std::list<Waiter> waiting_;  // in the order of their coming
};

}  // namespace skep::lake
