#include "protocol/pgwire/channel.h"

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace skep::pgwire {
namespace asio = boost::asio;

namespace {

// Answers are collected up to here; PostgreSQL's own buffer has this size.
constexpr size_t kCollectBytes = 8u << 10;
// A client that idles keeps at most this much in either direction.
constexpr size_t kKeepBytes = 4u << 10;
// Read while a statement runs. Beyond it the client has to wait, and its end is seen only after the
// statement.
constexpr size_t kAheadBytes = 64u << 10;
// Dropped at the end, so that what is unread does not turn the last answer into a reset.
constexpr int kLastReads = 16;

}  // namespace

Channel::Channel(asio::ip::tcp::socket socket, std::span<char> scratch)
    : transport_(std::move(socket)), scratch_(scratch) {}

std::optional<Result<Message>> Channel::Take(Phase phase, const Limits& limits) {
  auto decoded = Decode(unread(), phase, limits);
  if (auto* error = std::get_if<Error>(&decoded)) return Result<Message>(Fail(std::move(*error)));
  auto* whole = std::get_if<Decoded>(&decoded);
  if (!whole) return std::nullopt;
  at_ += whole->consumed;
  if (at_ == in_.size()) {
    in_.clear();
    at_ = 0;
  }
  return Result<Message>(std::move(whole->message));
}

Transport::Read Channel::Read() {
  if (at_ > 0) {
    in_.erase(0, at_);
    at_ = 0;
  }
  const size_t before = in_.size();
  const auto read = transport_.TryRead(scratch_, in_);
  // A read that filled the space may have left something; a shorter one has emptied the socket.
  unread_ = read == Transport::Read::kData && in_.size() - before >= scratch_.size();
  if (read == Transport::Read::kEnd) ended_ = true;
  return read;
}

asio::awaitable<bool> Channel::More() {
  while (!interrupted_) {
    if (unread_ && !ended_ && Read() == Transport::Read::kData) co_return true;
    if (ended_) co_return false;
    ReleaseBuffers();
    co_await Readable();
  }
  interrupted_ = false;
  co_return false;
}

bool Channel::Interrupt() {
  if (!resume_) return false;
  interrupted_ = true;
  asio::post(transport_.executor(), std::exchange(resume_, nullptr));
  return true;
}

void Channel::ReleaseBuffers() {
  if (in_.empty() && in_.capacity() > kKeepBytes) in_ = std::string();
  if (out_.empty() && out_.capacity() > kKeepBytes) out_ = std::string();
}

asio::awaitable<void> Channel::Readable() {
  auto initiate = [this](auto handler) {
    resume_ = std::move(handler);
    Arm();
  };
  return asio::async_initiate<const asio::use_awaitable_t<>, void()>(std::move(initiate),
                                                                     asio::use_awaitable);
}

void Channel::Arm() {
  if (armed_) return;
  armed_ = true;
  transport_.WaitReadable([this] { OnReadable(); });
}

void Channel::OnReadable() {
  armed_ = false;
  unread_ = true;
  if (resume_) {
    std::exchange(resume_, nullptr)();  // the coroutine runs on, and may end `this`
    return;
  }
  if (!on_gone_ || unread().size() >= kAheadBytes) return;
  if (Read() == Transport::Read::kEnd) {
    std::exchange(on_gone_, nullptr)();
  } else {
    Arm();
  }
}

void Channel::Watch(std::function<void()> on_gone) {
  on_gone_ = std::move(on_gone);
  if (!ended_ && unread().size() < kAheadBytes) Arm();
}

asio::awaitable<bool> Channel::Flush() {
  if (out_.empty()) co_return true;
  const bool written = co_await transport_.Write(out_);
  out_.clear();
  co_return written;
}

asio::awaitable<bool> Channel::Send(std::string_view messages) {
  if (out_.size() + messages.size() <= kCollectBytes) {
    out_.append(messages);
    co_return true;
  }
  const bool written = co_await transport_.Write(out_, messages);
  out_.clear();
  co_return written;
}

bool Channel::full() const { return out_.size() > kCollectBytes; }

asio::awaitable<void> Channel::Finish() {
  on_gone_ = nullptr;
  transport_.Shutdown();
  for (int i = 0; i < kLastReads; i++) {
    in_.clear();
    at_ = 0;
    if (Read() != Transport::Read::kData) break;
  }
  transport_.Close();
  while (armed_) co_await Readable();
}

}  // namespace skep::pgwire
