// The functions that may be called, as a table: what is not here does not reach the engine.
#pragma once

#include <string_view>

namespace skep::sql {

enum class FunctionForm : unsigned char {
  kPlain,       // emitted as `target`(arguments)
  kDateAdd,     // dateadd(part, n, date)
  kDateDiff,    // datediff(part, a, b)
  kDatePart,    // date_part(part, date), date_trunc('part', date): a bare part becomes a string
  kSwapFirstTwo,  // charindex(sub, text) -> strpos(text, sub)
  kNow,         // getdate(), sysdate
  kDecode,      // decode(e, a, x, b, y, default) -> case
  kNvl2,        // nvl2(e, a, b) -> case
  kLiteral,     // answered from the session: version(), current_user, ...
  kRelation,    // only in relation position: generate_series
};

struct Function {
  std::string_view name;
  FunctionForm form;
  std::string_view target;
};

// nullptr when the function is not offered. Names are lower case.
const Function* FindFunction(std::string_view name);

}  // namespace skep::sql
