// Finding a row of the function table by name and number of arguments, and reading its signatures.
#pragma once

#include <string_view>
#include <vector>

#include "sql/function_table.h"
#include "sql/types.h"

namespace skep::sql {

struct Overload {
  std::vector<std::string_view> arguments;  // words of the signature
  size_t required = 0;
  bool variadic = false;
  std::string_view result;
};

// The signatures of a row, read once.
const std::vector<Overload>& OverloadsOf(const FunctionRow& row);
// Which argument is a date part; SIZE_MAX when none is.
size_t DatePartOf(const FunctionRow& row);

// nullptr: no function of this name takes so many arguments. `name_known` tells whether there is
// one of this name at all.
const FunctionRow* FindFunctionRow(std::string_view name, size_t arguments,
                                   bool* name_known = nullptr);

// Of several rows that take so many arguments, the one whose types suit best.
const FunctionRow* FindFunctionRow(std::string_view name, const std::vector<Type>& arguments);

// What the function yields for arguments of these types; kUnknown when the engine must tell.
Type ResultType(const FunctionRow& row, const std::vector<Type>& arguments);

}  // namespace skep::sql
