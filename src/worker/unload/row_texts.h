// Chunks of the engine as text, value by value, as a client would see it: the encoder of results,
// read back.
#pragma once

#include <duckdb.hpp>
#include <vector>

#include "worker/encoder.h"
#include "worker/frame.h"
#include "worker/result_shape.h"
#include "worker/unload/record_format.h"

namespace skep::worker::unload {

class RowTexts {
 public:
  RowTexts(duckdb::ClientContext& context, const duckdb::vector<duckdb::LogicalType>& types,
           const Declared& declared);

  // Begins a chunk, which must stay as it is until its last row was read.
  void Load(duckdb::DataChunk& chunk);
  // The next row's values, valid until the next call; false behind the last one.
  bool Next(std::vector<Field>& fields);

 private:
  ResultShape shape_;
  RowEncoder encoder_;
  Frame frame_;
  size_t encoded_ = 0, rows_ = 0;  // of the chunk
  size_t at_ = 0;                  // in the frame
};

}  // namespace skep::worker::unload
