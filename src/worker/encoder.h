// Chunks of the engine to PostgreSQL DataRow messages, row by row, text, binary or mixed. Runs
// inside the engine's threads, one encoder per thread; touches no value as an object.
#pragma once

#include <duckdb.hpp>
#include <memory>
#include <vector>

#include "worker/frame.h"
#include "worker/result_shape.h"

namespace skep::worker {

class RowEncoder {
 public:
  // `context` is for casts of the columns that need one.
  RowEncoder(duckdb::ClientContext& context, const ResultShape& shape);

  // Looks at a chunk; Encode then reads its rows. The chunk must stay as it is meanwhile. Throws
  // duckdb::Exception when a cast fails.
  void Load(duckdb::DataChunk& chunk);
  // Appends rows [from, to) while the frame's payload stays within `limit_bytes`; answers the first
  // row that did not fit. An empty frame takes at least one row, however large. Throws
  // duckdb::Exception for a row that no frame can hold.
  size_t Encode(size_t from, size_t to, Frame& frame, size_t limit_bytes);

 private:
  // What the row loop needs of a column: null sel = identity, null valid = no NULLs.
  struct Column {
    ValueKind kind;
    bool binary;
    bool scaled;
    uint8_t scale;
    const duckdb::sel_t* sel;
    const duckdb::validity_t* valid;
    const void* data;
    const duckdb::sel_t* local_sel;  // timestamptz in a zone: the clock shown there
    const int64_t* local;
    bool IsNull(size_t i) const {
      return __builtin_expect(valid != nullptr, 0) && !(valid[i >> 6] >> (i & 63) & 1);
    }
  };
  enum class Mode { kText, kBinary, kMixed };

  template <Mode kMode>
  size_t Rows(size_t from, size_t to, Frame& frame, const char* limit);
  template <bool kBinary>
  static char* Value(char* p, const Column& column, size_t i, size_t row);
  static size_t BytesOf(const Column& column, size_t i);
  size_t BytesOfRow(size_t row) const;

  duckdb::ClientContext& context_;
  const ResultShape& shape_;
  Mode mode_ = Mode::kText;
  size_t fixed_bytes_ = 0;  // bound of a row without its strings
  std::vector<Column> columns_;
  std::vector<duckdb::UnifiedVectorFormat> formats_, local_formats_;
  std::vector<std::unique_ptr<duckdb::Vector>> made_, local_;
};

}  // namespace skep::worker
