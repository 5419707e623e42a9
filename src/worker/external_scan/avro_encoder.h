// Avro's binary encoding of values and object container files, uncompressed: what manifests of
// Iceberg are written with. Source: the Avro specification, "Binary Encoding", "Object Container
// Files".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace skep::external_scan {

// Appends values one after another, in the order of the schema's fields.
class AvroEncoder {
 public:
  AvroEncoder& Long(int64_t value);  // and int
  AvroEncoder& Boolean(bool value);
  AvroEncoder& Float(float value);
  AvroEncoder& Double(double value);
  AvroEncoder& Bytes(std::string_view value);  // and string
  AvroEncoder& Fixed(std::string_view value);
  // The branch of a union ["null", T] that follows; nothing follows a null.
  AvroEncoder& Branch(bool present) { return Long(present ? 1 : 0); }
  // The items of an array or a map come behind their count, and EndItems behind them.
  AvroEncoder& Items(size_t count);
  AvroEncoder& EndItems() { return Long(0); }

  std::string Take() { return std::move(out_); }

 private:
  std::string out_;
};

// A whole file. `metadata` holds no names that begin with "avro.".
std::string AvroFile(std::string_view schema,
                     const std::vector<std::pair<std::string, std::string>>& metadata,
                     const std::vector<std::string>& records);

}  // namespace skep::external_scan
