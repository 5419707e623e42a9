// Avro's binary encoding into the engine's vectors.
#pragma once

#include <duckdb.hpp>
#include <string_view>

#include "worker/external_scan/avro_schema.h"

namespace skep::external_scan {

// Reads values one after another. Throws InvalidInputException without the file's name when the
// bytes are not what the schema says; reads within `bytes` whatever they hold.
class AvroDecoder {
 public:
  AvroDecoder() = default;
  explicit AvroDecoder(std::string_view bytes) : in_(bytes) {}

  bool at_end() const { return at_ == in_.size(); }
  size_t left() const { return in_.size() - at_; }

  int64_t Long();
  std::string_view Take(size_t count);
  std::string_view Bytes() { return Take(Length(1)); }

  // One value into a row of a vector of the node's type.
  void Read(const AvroNode& node, duckdb::Vector& out, duckdb::idx_t row);
  void Skip(const AvroNode& node);

 private:
  // A count or size that the bytes which are left can hold, each item at least `least` bytes long.
  size_t Length(size_t least);
  // Of the next block of an array or a map; 0 ends it. `skip`: the block's bytes where it says
  // them, and then -1 as the count.
  int64_t BlockCount();
  const AvroNode& Branch(const AvroNode& node);
  void ReadNumber(const AvroNode& node, duckdb::Vector& out, duckdb::idx_t row);
  void ReadText(const AvroNode& node, duckdb::Vector& out, duckdb::idx_t row);
  void ReadDecimal(const AvroNode& node, duckdb::Vector& out, duckdb::idx_t row);
  void ReadItems(const AvroNode& node, duckdb::Vector& out, duckdb::idx_t row);
  void ReadUnion(const AvroNode& node, duckdb::Vector& out, duckdb::idx_t row);

  std::string_view in_;
  size_t at_ = 0;
};

}  // namespace skep::external_scan
