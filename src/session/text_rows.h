// Rows of a query that the gateway asks for itself, as text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "session/session.h"

namespace skep::session {

// Keeps the rows of an answer in text format; NULL is the empty text. Errors of Write: kInternal
// (malformed messages, more than the limit).
class TextRows final : public RowSink {
 public:
  explicit TextRows(size_t most_rows) : most_rows_(most_rows) {}
  boost::asio::awaitable<Result<void>> Write(std::string_view messages) override {
    co_return Read(messages);
  }
  std::vector<std::vector<std::string>> rows;

 private:
  Result<void> Read(std::string_view messages);
  bool Row(std::string_view body);

  const size_t most_rows_;
};

}  // namespace skep::session
