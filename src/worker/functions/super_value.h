// The text of a SUPER value: what kind it is, how to walk over it, how to write it. The text is
// canonical (see types.h), so walking needs no parser; it stays within its bounds on any bytes.
// Nothing here knows of vectors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <duckdb.hpp>
#include <string>
#include <string_view>

#include "worker/functions/text_view.h"

namespace skep::worker {

// Source: limitations-super.md, "Limitations".
inline constexpr size_t kMaxSuperBytes = 16U << 20U;
inline constexpr size_t kMaxSuperDepth = 1000;
inline constexpr size_t kMaxSuperStringBytes = 16'000'000;

enum class SuperKind : uint8_t { kNull, kBoolean, kNumber, kString, kArray, kObject };

SuperKind KindOf(std::string_view text);

// The end of the value that begins at `at`; `end` at the latest.
const char* SkipSuper(const char* at, const char* end);

// The elements of an array, in order.
class ArrayElements {
 public:
  explicit ArrayElements(std::string_view array)
      : at_(array.data() + 1), end_(array.data() + array.size() - 1) {}

  bool Next(std::string_view& element) {
    if (at_ >= end_) return false;
    const char* begin = at_;
    at_ = SkipSuper(at_, end_);
    element = {begin, static_cast<size_t>(at_ - begin)};
    if (at_ < end_) ++at_;
    return true;
  }

 private:
  const char* at_;
  const char* end_;
};

// The attributes of an object, in order. A key is given as it stands, quotes included.
class ObjectAttributes {
 public:
  explicit ObjectAttributes(std::string_view object)
      : at_(object.data() + 1), end_(object.data() + object.size() - 1) {}

  bool Next(std::string_view& key, std::string_view& value) {
    if (at_ >= end_) return false;
    const char* begin = at_;
    at_ = SkipSuper(at_, end_);
    key = {begin, static_cast<size_t>(at_ - begin)};
    if (at_ < end_) ++at_;
    begin = at_;
    at_ = SkipSuper(at_, end_);
    value = {begin, static_cast<size_t>(at_ - begin)};
    if (at_ < end_) ++at_;
    return true;
  }

 private:
  const char* at_;
  const char* end_;
};

// The value of an attribute of `object`, given its key as AppendQuoted writes it; false if there is
// none.
bool FindAttribute(std::string_view object, std::string_view quoted_key, std::string_view& value);
// The element at `index`, from 0; false if there is none.
bool FindElement(std::string_view array, int64_t index, std::string_view& value);
size_t CountElements(std::string_view array);

// Appends `text` as a JSON string; the only way in which we write one, so that equal strings are
// equal bytes.
void AppendQuoted(std::string& out, std::string_view text);
// Appends the characters of a JSON string.
void AppendUnquoted(std::string& out, std::string_view quoted);
// The characters of a JSON string: a part of it, or `room` if it holds escapes.
std::string_view Unquoted(std::string_view quoted, std::string& room);

// Appends `text` in lower or upper case, by Unicode's simple mappings. Source: r_LOWER.md.
void AppendInCase(std::string& out, std::string_view text, bool upper);

// Throws if `text` is larger or deeper than a SUPER value may be.
void CheckSuperLimits(std::string_view text);
// CheckSuperLimits, then a copy of `text` in the heap of `result`.
duckdb::string_t AddSuper(duckdb::Vector& result, std::string_view text);

}  // namespace skep::worker
