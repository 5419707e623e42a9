#include "sql/functions.h"

#include <algorithm>
#include <array>

namespace skep::sql {
namespace {

using enum FunctionForm;

constexpr Function kRewritten[] = {
    {"bpcharcmp", kPlain, "strcmp"}, {"btrim", kPlain, "trim"}, {"char_length", kPlain, "length"}, {"character_length", kPlain, "length"},
    {"charindex", kSwapFirstTwo, "strpos"}, {"convert_timezone", kPlain, ""}, {"current_database", kLiteral, ""},
    {"current_schema", kLiteral, ""}, {"current_user_id", kLiteral, ""}, {"date_diff", kDateDiff, ""}, {"date_part", kDatePart, "date_part"},
    {"date_trunc", kDatePart, "date_trunc"}, {"dateadd", kDateAdd, ""}, {"date_add", kDateAdd, ""}, {"datediff", kDateDiff, ""},
    {"datepart", kDatePart, "date_part"}, {"decode", kDecode, ""}, {"dexp", kPlain, "exp"}, {"dlog1", kPlain, "ln"}, {"dlog10", kPlain, "log10"},
    {"generate_series", kRelation, "generate_series"}, {"getdate", kNow, ""}, {"isnull", kPlain, "coalesce"}, {"len", kPlain, "length"},
    {"listaggdistinct", kPlain, ""}, {"listagg", kPlain, "string_agg"}, {"nvl", kPlain, "coalesce"}, {"nvl2", kNvl2, ""}, {"pg_backend_pid", kLiteral, ""},
    {"pow", kPlain, "power"}, {"sysdate", kNow, ""}, {"textlen", kPlain, "length"}, {"version", kLiteral, ""}, {"dpow", kPlain, "power"},
    {"to_hex", kPlain, "to_hex"}, {"func_sha1", kPlain, "sha1"}, {"bool_and", kPlain, "bool_and"}, {"bool_or", kPlain, "bool_or"},
    {"square", kPlain, ""}, {"rawtohex", kPlain, "hex"}, {"strtol", kPlain, ""},
};

// The engine's own functions of these names mean the same and can neither read nor write anything but their arguments.
constexpr std::string_view kPlainNames[] = {
    "abs", "acos", "any_value", "ascii", "asin", "atan", "atan2", "avg", "bit_and", "bit_or", "cbrt", "ceil", "ceiling", "chr",
    "coalesce", "concat", "corr", "cos", "cot", "count", "covar_pop", "covar_samp", "cume_dist", "date", "degrees", "dense_rank", "exp",
    "first_value", "floor", "greatest", "initcap", "json_array_length", "lag", "last_day", "last_value", "lead", "least", "left", "length", "ln",
    "log", "lower", "lpad", "ltrim", "max", "md5", "median", "min", "mod", "nth_value", "ntile", "nullif", "octet_length", "overlay", "percent_rank",
    "percentile_cont", "percentile_disc", "pi", "position", "power", "radians", "random", "rank", "regexp_replace", "repeat",
    "replace", "reverse", "right", "round", "row_number", "rpad", "rtrim", "sha1", "sign", "sin", "split_part", "sqrt", "stddev", "stddev_pop",
    "stddev_samp", "strpos", "substr", "substring", "sum", "tan", "translate", "trim", "trunc", "upper", "var_pop", "var_samp", "variance", "width_bucket",
};

}  // namespace

const Function* FindFunction(std::string_view name) {
  for (const auto& f : kRewritten) {
    if (f.name == name) return f.form == kPlain && f.target.empty() ? nullptr : &f;
  }
  static constexpr auto kPlainTable = [] {
    std::array<Function, std::size(kPlainNames)> out{};
    for (size_t i = 0; i < out.size(); i++) out[i] = {kPlainNames[i], kPlain, kPlainNames[i]};
    return out;
  }();
  const auto it = std::ranges::find(kPlainTable, name, &Function::name);
  return it == kPlainTable.end() ? nullptr : &*it;
}

}  // namespace skep::sql
