// The control store's schema as numbered steps. A step that was released is never edited; a change
// is a new step at the end.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

struct sqlite3;

namespace skep::control {

// Step n (counted from 1) brings a store from version n - 1 to n.
std::span<const std::string_view> Migrations();
inline int64_t SchemaVersion() { return static_cast<int64_t>(Migrations().size()); }

}  // namespace skep::control
