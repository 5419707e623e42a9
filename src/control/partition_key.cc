#include "control/partition_key.h"

namespace skep::control {
namespace {

constexpr char kEnd = '\x1f', kEscape = '\x1e';

}  // namespace

std::string PartitionKey(const std::vector<std::string>& values) {
  std::string key;
  for (const std::string& value : values) {
    for (const char c : value) {
      if (c == kEnd || c == kEscape) key += kEscape;
      key += c;
    }
    key += kEnd;
  }
  return key;
}

void ReadPartitionKey(std::string_view key, std::vector<std::string>& values) {
  size_t count = 0;
  const auto open = [&] {
    if (count == values.size()) values.emplace_back();
    values[count].clear();
  };
  bool begun = false;
  for (size_t i = 0; i < key.size(); i++) {
    if (!begun) open();
    begun = key[i] != kEnd;
    if (key[i] == kEnd) {
      count++;
    } else {
      if (key[i] == kEscape && i + 1 < key.size()) i++;
      values[count] += key[i];
    }
  }
  values.resize(count);
}

size_t PartitionKeyPrefix(std::string_view key, size_t depth) {
  size_t i = 0;
  for (; i < key.size() && depth > 0; i++) {
    if (key[i] == kEscape) {
      i++;
    } else if (key[i] == kEnd) {
      depth--;
    }
  }
  return i < key.size() ? i : key.size();
}

}  // namespace skep::control
