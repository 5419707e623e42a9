// Rows of a remote database as COPY ... (FORMAT binary) writes them, decoded into the engine's
// vectors. The server is not trusted: a length is checked before it is used, and nothing is taken
// that its type could not hold. Source: PostgreSQL documentation, "COPY", "Binary Format"; the
// types' send functions.
#pragma once

#include <cstdint>
#include <duckdb.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace skep::external_scan {

class RemoteRows {
 public:
  // `types`: of the columns that the query selects. `table` stands in messages.
  RemoteRows(std::vector<duckdb::LogicalType> types, std::string table);

  // Takes more bytes of the stream.
  void Append(std::string_view bytes);
  // Decodes whole rows into `out`, from its row `at` on: column i of the query becomes
  // `out.data[targets[i]]`. Answers how many; fewer than there is room for when more bytes are
  // needed or the stream has ended. Errors: kDataException (not the format, or not of the types),
  // kNumericOutOfRange, kDatetimeOutOfRange, kStringTooLong, kPayloadTooLarge (a row).
  Result<size_t> Decode(duckdb::DataChunk& out, const std::vector<size_t>& targets, size_t at,
                        size_t room);
  // The trailer was read.
  bool done() const { return state_ == State::kDone; }

 private:
  enum class State : uint8_t { kHeader, kRows, kDone };
  Result<bool> Header();
  Result<void> Value(duckdb::Vector& vector, size_t row, const duckdb::LogicalType& type,
                     std::string_view bytes) const;
  Result<void> Decimal(duckdb::Vector& vector, size_t row, const duckdb::LogicalType& type,
                       std::string_view bytes) const;
  std::unexpected<Error> Garbage(std::string_view what) const;

  const std::vector<duckdb::LogicalType> types_;
  const std::string table_;
  State state_ = State::kHeader;
  std::string buffer_;
  size_t at_ = 0;  // in buffer_
};

}  // namespace skep::external_scan
