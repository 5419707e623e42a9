// The functions that may be called, as a table: what is not here does not reach the engine.
#pragma once

#include <cstddef>
#include <string_view>

namespace skep::sql {

enum class FunctionForm : unsigned char {
  kPlain,     // emitted as target(arguments)
  kTemplate,  // target is text with $1 ... $9 for exactly `arguments` arguments
  kKeywords,  // target(arguments), among them FROM, FOR, IN, BOTH, LEADING, TRAILING
  kDateAdd,   // dateadd(part, n, date)
  kDateDiff,  // datediff(part, a, b)
  kDatePart,  // date_part(part, date), date_trunc('part', date): a bare part becomes a string
  kNow,       // getdate(), sysdate
  kDecode,    // decode(e, a, x, b, y, default) -> case
  kConvert,   // convert(type, x) -> cast
  kListagg,   // listagg(x, separator) within group (order by ...)
  kToChar,    // to_char(moment, 'format')
  kToDate,    // to_date(text, 'format'), to_timestamp(text, 'format'); target is the type
  kLiteral,   // answered from the session: version(), current_database(), ...
  kRelation,  // only in relation position: generate_series
};

struct Function {
  std::string_view name;
  FunctionForm form;
  std::string_view target;
  size_t arguments = 0;  // kTemplate: how many
};

// nullptr when the function is not offered with this many arguments. Names are lower case.
const Function* FindFunction(std::string_view name, size_t arguments);

}  // namespace skep::sql
