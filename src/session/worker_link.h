// The gateway's end of one session socket: sends requests, relays row frames to a sink without
// looking into them, and answers how the request ended. Lives on the I/O thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "ipc/messages.h"
#include "session/session.h"

namespace skep::session {

class WorkerLink {
 public:
  using End = std::variant<ipc::StatementComplete, ipc::StatementError, ipc::StatementDescription,
                           ipc::InferReply>;

  WorkerLink(boost::asio::any_io_executor executor, UniqueFd socket);

  // Sends one encoded frame. Errors: kWorkerLost.
  boost::asio::awaitable<Result<void>> Send(std::string frame);
  // Reads until the request's end; rows go to the sink (may be null when none are expected),
  // notices to `notices`. When the sink fails, rows are read on and dropped, so that the socket
  // stays in step, and `sink_error` says so. Errors: kWorkerLost, kProtocolViolation (then the link
  // is closed).
  boost::asio::awaitable<Result<End>> Receive(RowSink* sink, std::vector<Error>& notices,
                                              std::optional<Error>& sink_error);
  void Close();
  bool is_open() const { return socket_.is_open(); }

 private:
  // Makes at least n bytes available from `begin_`.
  boost::asio::awaitable<bool> Fill(size_t n);

  boost::asio::local::stream_protocol::socket socket_;
  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0;
  size_t begin_ = 0, end_ = 0;
};

}  // namespace skep::session
