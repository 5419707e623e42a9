// How SUPER values stand to each other: equality, order, and bytes that carry both to the engine's
// own hash joins, groups and sorts.
#pragma once

#include <string>
#include <string_view>

namespace skep::worker {

// Appends bytes which are equal where the values are and compare (memcmp) as ORDER BY puts them:
// booleans, numbers, strings, arrays, objects, null. Numbers by value; strings without regard to
// blanks at their end, as letters before upper and lower case; objects without regard to the order
// of their attributes. Source: query-super.md, "Dynamic typing" and "Order by"; array_sort.md.
void AppendSortKey(std::string& out, std::string_view value);

// Booleans, numbers and strings of one kind: less than, equal to or greater than 0. False for any
// others, which "<" and the like answer with NULL. Source: query-super.md, "Dynamic and static
// typing".
bool CompareScalars(std::string_view a, std::string_view b, int& order);

}  // namespace skep::worker
