#include "identity/live_credentials.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/log.h"

namespace skep::identity {
namespace {

// A session's last fifth, at most five minutes.
constexpr int64_t kRenewedBefore = 5, kRenewedBeforeSeconds = 300;
constexpr int64_t kRetrySeconds = 5;

// Whether an error says nothing of the role, so that asking again may help.
bool IsPassing(const Error& error) {
  switch (error.kind) {
    case ErrorKind::kExternalUnavailable:
    case ErrorKind::kThrottled:
    case ErrorKind::kIoError:
    case ErrorKind::kInternal:
      return true;
    default:
      return false;
  }
}

Error NotRenewed(Error error) {
  error.message = "the role's session could not be renewed: " + std::move(error.message);
  return error;
}

}  // namespace

LiveCredentials::LiveCredentials(Credentials first, Walk walk, std::function<int64_t()> now_s)
    : walk_(std::move(walk)), now_s_(now_s ? std::move(now_s) : [] {
        return static_cast<int64_t>(std::chrono::duration_cast<std::chrono::seconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
      }) {
  Keep(std::move(first), now_s_());
}

void LiveCredentials::Keep(Credentials credentials, int64_t now_s) {
  due_s_ = 0;
  if (credentials.expires_s != 0) {
    const int64_t left = std::max<int64_t>(0, credentials.expires_s - now_s);
    due_s_ = credentials.expires_s - std::min(kRenewedBeforeSeconds, left / kRenewedBefore);
  }
  current_ = std::make_shared<const Credentials>(std::move(credentials));
}

bool LiveCredentials::Due(int64_t now_s) const { return due_s_ != 0 && now_s >= due_s_; }

LiveCredentials::Pointer LiveCredentials::Fresh() const {
  const std::lock_guard lock(mutex_);
  return refused_ || Due(now_s_()) ? nullptr : current_;
}

LiveCredentials::Pointer LiveCredentials::Last() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

Result<LiveCredentials::Pointer> LiveCredentials::Current() {
  std::unique_lock lock(mutex_);
  while (true) {
    if (refused_) return Fail(*refused_);
    const int64_t now = now_s_();
    if (!Due(now)) return current_;
    const bool valid = now < current_->expires_s;
    if (!walk_) {
      if (valid) return current_;
      return Fail(ErrorKind::kExternalDenied, "the role's session expired while the statement ran",
                  {}, "Run the statement again.");
    }
    if (!walking_) break;
    if (valid) return current_;  // while another thread walks
    walked_.wait(lock);
  }
  walking_ = true;
  const Pointer before = current_;
  lock.unlock();
  Result<Credentials> renewed = Fail(ErrorKind::kInternal, "the role chain was not walked");
  try {
    renewed = walk_();
  } catch (const std::exception& e) {
    log::Fault("credentials_not_renewed", {{"role", before->role}, {"error", e.what()}});
  }
  // A chain leads where it led.
  if (renewed && (renewed->account != before->account || renewed->role != before->role))
    renewed = Fail(ErrorKind::kInvalidRole, "the chain leads to another role by now");
  lock.lock();
  walking_ = false;
  walked_.notify_all();
  const int64_t now = now_s_();
  if (renewed) {
    Keep(std::move(*renewed), now);
    log::Info("credentials_renewed",
              {{"role", current_->role}, {"expires_s", current_->expires_s}});
    return current_;
  }
  Error error = NotRenewed(std::move(renewed).error());
  if (!IsPassing(error)) {
    refused_ = error;
  } else if (now < before->expires_s) {
    due_s_ = std::min(before->expires_s, now + kRetrySeconds);
    return current_;
  }
  log::Warn("credentials_not_renewed", {{"role", before->role}, {"reason", error.message}});
  return Fail(std::move(error));
}

}  // namespace skep::identity
