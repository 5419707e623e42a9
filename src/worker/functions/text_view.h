// The engine's text as a view and a view as the engine's text, both without a copy.
#pragma once

#include <cstdint>
#include <duckdb/common/types/string_type.hpp>
#include <string_view>

namespace skep::worker {

// Short text stands inside of its string_t: the view lives no longer than `text` itself.
inline std::string_view View(const duckdb::string_t& text) {
  return {text.GetData(), text.GetSize()};
}

// A part of an argument's text: the caller lets the result's vector refer to the heap of the
// argument's (StringVector::AddHeapReference).
inline duckdb::string_t Slice(std::string_view text) {
  return {text.data(), static_cast<uint32_t>(text.size())};
}

}  // namespace skep::worker
