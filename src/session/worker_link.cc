#include "session/worker_link.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cstring>

namespace skep::session {
namespace asio = boost::asio;

namespace {

constexpr size_t kSmallBuffer = 16u << 10;

std::unexpected<Error> Lost() {
  return Fail(ErrorKind::kWorkerLost, "the worker ended while it ran the statement");
}

}  // namespace

WorkerLink::WorkerLink(asio::any_io_executor executor, UniqueFd socket) : socket_(executor) {
  socket_.assign(asio::local::stream_protocol(), socket.Release());
  socket_.non_blocking(true);
}

void WorkerLink::Close() {
  boost::system::error_code ignored;
  socket_.close(ignored);
}

asio::awaitable<Result<void>> WorkerLink::Send(std::string frame) {
  // Nearly always the whole frame fits the socket's buffer: try at once, without a trip through the
  // reactor.
  boost::system::error_code error;
  const size_t sent = socket_.write_some(asio::buffer(frame), error);
  if (error && error != asio::error::would_block) co_return Lost();
  const size_t done = error ? 0 : sent;
  if (done < frame.size()) {
    boost::system::error_code rest_error;
    auto token = asio::redirect_error(asio::use_awaitable, rest_error);
    co_await asio::async_write(socket_, asio::buffer(frame.data() + done, frame.size() - done),
                               token);
    if (rest_error) co_return Lost();
  }
  co_return Result<void>{};
}

asio::awaitable<bool> WorkerLink::Fill(size_t n) {
  if (end_ - begin_ >= n) co_return true;
  if (begin_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (capacity_ < n) {
    const size_t wanted = std::max(n, kSmallBuffer);
    auto bigger = std::make_unique_for_overwrite<char[]>(wanted);
    if (end_ > 0) std::memcpy(bigger.get(), buffer_.get(), end_);
    buffer_ = std::move(bigger);
    capacity_ = wanted;
  }
  while (end_ < n) {
    boost::system::error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    const size_t got = co_await socket_.async_read_some(
        asio::buffer(buffer_.get() + end_, capacity_ - end_), token);
    if (error) co_return false;
    end_ += got;
  }
  co_return true;
}

asio::awaitable<Result<WorkerLink::End>> WorkerLink::Receive(RowSink* sink,
                                                             std::vector<Error>& notices,
                                                             std::optional<Error>& sink_error) {
  const auto release_buffer = [this] {
    // A large buffer is for large results; an idle session keeps a small one.
    if (begin_ == end_ && capacity_ > kSmallBuffer) {
      buffer_.reset();
      capacity_ = begin_ = end_ = 0;
    }
  };
  while (true) {
    const bool have_header = co_await Fill(ipc::kFrameHeader);
    if (!have_header) {
      Close();
      co_return Lost();
    }
    ipc::FrameHeader header;
    if (!ipc::DecodeFrameHeader(ByteView(buffer_.get() + begin_, ipc::kFrameHeader), header)) {
      Close();
      co_return Fail(ErrorKind::kProtocolViolation, "the worker sent a malformed frame");
    }
    const bool have_payload = co_await Fill(ipc::kFrameHeader + header.length);
    if (!have_payload) {
      Close();
      co_return Lost();
    }
    const ByteView payload(buffer_.get() + begin_ + ipc::kFrameHeader, header.length);
    if (header.type == ipc::FrameType::kRows) {
      if (sink && !sink_error) {
        auto written = co_await sink->Write(payload);
        if (!written) sink_error = written.error();
      }
      begin_ += ipc::kFrameHeader + header.length;
      continue;
    }
    bool good = false;
    bool ends = true;
    End end;
    switch (header.type) {
      case ipc::FrameType::kComplete:
        good = ipc::DecodeExact(payload, end.emplace<ipc::StatementComplete>());
        break;
      case ipc::FrameType::kError:
        good = ipc::DecodeExact(payload, end.emplace<ipc::StatementError>());
        break;
      case ipc::FrameType::kDescribed:
        good = ipc::DecodeExact(payload, end.emplace<ipc::StatementDescription>());
        break;
      case ipc::FrameType::kInferred:
        good = ipc::DecodeExact(payload, end.emplace<ipc::InferReply>());
        break;
      case ipc::FrameType::kNotice: {
        ipc::WireError notice;
        good = ipc::DecodeExact(payload, notice) && notices.size() < 100;
        ends = false;
        if (good) notices.push_back(notice.error);
        break;
      }
      case ipc::FrameType::kAttached:
        good = payload.empty();
        ends = false;
        break;
      default:
        break;
    }
    begin_ += ipc::kFrameHeader + header.length;
    if (!good) {
      Close();
      co_return Fail(ErrorKind::kProtocolViolation, "the worker sent a malformed frame");
    }
    if (ends) {
      release_buffer();
      co_return end;
    }
  }
}

}  // namespace skep::session
