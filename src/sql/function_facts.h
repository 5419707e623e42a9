// What is kept of a function that a user made: the engine holds its body as a macro, and this as
// the macro's comment.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sql/types.h"

namespace skep::sql {

struct FunctionFacts {
  // A call of another user's function within the body.
  struct Inner {
    uint32_t offset = 0;  // of the call, within the body
    std::string schema, name, engine_name;
  };

  std::vector<Type> arguments;
  Type returns;
  std::string volatility = "volatile";  // "stable", "immutable"
  std::string body;                     // as the user wrote it
  std::vector<Inner> calls;
  std::string comment;

  static FunctionFacts Read(std::string_view text);
  std::string Text() const;
};

// The engine's name of a function: "routine f(int, varchar)"; "volatile routine ..." for one that
// is not immutable. A length or precision is no part of a function's identity.
std::string FunctionEngineName(std::string_view name, const std::vector<Type>& arguments,
                               bool immutable);

// "f(integer, numeric(10,2))": as messages name a function.
std::string SignatureText(std::string_view name, const std::vector<Type>& arguments);

}  // namespace skep::sql
