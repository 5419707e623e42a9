// A partition's values as one key whose bytes sort as the values do, value by value: each ends with
// 0x1f; 0x1e and 0x1f within a value are written behind a 0x1e. Values that begin alike have keys
// that begin alike.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace skep::control {

std::string PartitionKey(const std::vector<std::string>& values);
// Fills `values`, whose strings are used again.
void ReadPartitionKey(std::string_view key, std::vector<std::string>& values);
inline std::vector<std::string> PartitionValues(std::string_view key) {
  std::vector<std::string> values;
  ReadPartitionKey(key, values);
  return values;
}
// How long the part of the key is that holds the first `depth` values.
size_t PartitionKeyPrefix(std::string_view key, size_t depth);

}  // namespace skep::control
