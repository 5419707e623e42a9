#include "sql/functions.h"

#include <algorithm>

namespace skep::sql {
namespace {

using enum FunctionForm;

constexpr Function kRewritten[] = {
    {"add_months", kTemplate,
     "(case when cast($1 as date) = last_day(cast($1 as date)) then cast(last_day(cast($1 as date) "
     "+ to_months(cast($2 as integer))) as timestamp) "
     "+ (cast($1 as timestamp) - date_trunc('day', cast($1 as timestamp))) else cast($1 as "
     "timestamp) + to_months(cast($2 as integer)) end)",
     2},
    {"bpcharcmp", kTemplate,
     "(case when rtrim($1) < rtrim($2) then -1 when rtrim($1) > rtrim($2) then 1 else 0 end)", 2},
    {"btrim", kPlain, "trim"},
    {"char_length", kPlain, "length"},
    {"character_length", kPlain, "length"},
    {"charindex", kTemplate, "strpos($2, $1)", 2},
    {"concat", kTemplate, "(cast($1 as varchar) || cast($2 as varchar))", 2},
    {"convert", kConvert, ""},
    {"convert_timezone", kTemplate, "timezone($1, timezone('UTC', cast($2 as timestamp)))", 2},
    {"convert_timezone", kTemplate, "timezone($2, timezone($1, cast($3 as timestamp)))", 3},
    {"current_database", kLiteral, ""},
    {"current_schema", kLiteral, ""},
    {"current_schemas", kLiteral, ""},
    {"date", kTemplate, "cast($1 as date)", 1},
    {"date_add", kDateAdd, ""},
    {"date_diff", kDateDiff, ""},
    {"date_part", kDatePart, "date_part"},
    {"date_part_year", kTemplate, "year(cast($1 as date))", 1},
    {"date_trunc", kDatePart, "date_trunc"},
    {"dateadd", kDateAdd, ""},
    {"datediff", kDateDiff, ""},
    {"datepart", kDatePart, "date_part"},
    {"decode", kDecode, ""},
    {"dexp", kPlain, "exp"},
    {"dlog1", kPlain, "ln"},
    {"dlog10", kPlain, "log10"},
    {"dpow", kPlain, "power"},
    {"func_sha1", kPlain, "sha1"},
    {"generate_series", kRelation, "generate_series"},
    {"getdate", kNow, ""},
    {"is_valid_json", kTemplate, "json_valid($1)", 1},
    {"isnull", kPlain, "coalesce"},
    {"json_extract_path_text", kTemplate, "json_extract_string($1, '$.\"' || $2 || '\"')", 2},
    {"json_extract_path_text", kTemplate,
     "json_extract_string($1, '$.\"' || $2 || '\".\"' || $3 || '\"')", 3},
    {"json_extract_path_text", kTemplate,
     "json_extract_string($1, '$.\"' || $2 || '\".\"' || $3 || '\".\"' || $4 || '\"')", 4},
    {"json_parse", kTemplate, "cast($1 as json)", 1},
    {"json_serialize", kTemplate, "cast($1 as varchar)", 1},
    {"len", kPlain, "length"},
    {"listagg", kListagg, "string_agg"},
    {"lpad", kTemplate, "lpad($1, cast($2 as integer), ' ')", 2},
    {"lpad", kTemplate, "lpad($1, cast($2 as integer), $3)", 3},
    {"nvl", kPlain, "coalesce"},
    {"nvl2", kTemplate, "(case when ($1) is not null then ($2) else ($3) end)", 3},
    {"pg_backend_pid", kLiteral, ""},
    {"pg_encoding_to_char", kTemplate, "'UTF8'", 1},
    {"pg_get_userbyid", kLiteral, ""},
    {"position", kKeywords, "position"},
    {"pow", kPlain, "power"},
    {"quote_literal", kTemplate, "('''' || replace($1, '''', '''''') || '''')", 1},
    {"ratio_to_report", kTemplate, "cast($1 as double) / sum($1)", 1},
    {"regexp_count", kTemplate, "length(regexp_extract_all($1, $2))", 2},
    {"regexp_replace", kTemplate, "regexp_replace($1, $2, '', 'g')", 2},
    {"regexp_replace", kTemplate, "regexp_replace($1, $2, $3, 'g')", 3},
    {"regexp_substr", kTemplate, "regexp_extract($1, $2)", 2},
    {"regexp_substr", kTemplate, "regexp_extract(substr($1, $3), $2)", 3},
    {"replicate", kPlain, "repeat"},
    {"rpad", kTemplate, "rpad($1, cast($2 as integer), ' ')", 2},
    {"rpad", kTemplate, "rpad($1, cast($2 as integer), $3)", 3},
    {"sha", kPlain, "sha1"},
    {"sha2", kTemplate,
     "(case when ($2) in (0, 256) then sha256($1) else error('sha2 is offered with 256 bits') end)",
     2},
    {"strtol", kTemplate,
     "(case $2 when 16 then cast('0x' || $1 as bigint) when 2 then cast('0b' || $1 as bigint) when "
     "10 then cast($1 as bigint) "
     "else error('strtol is offered with bases 2, 10 and 16') end)",
     2},
    {"substring", kKeywords, "substring"},
    {"textlen", kPlain, "length"},
    {"to_char", kToChar, "strftime"},
    {"to_date", kToDate, "date"},
    {"to_timestamp", kToDate, "timestamptz"},
    {"trim", kKeywords, "trim"},
    {"version", kLiteral, ""},
};

// The engine's own functions of these names mean the same and can neither read nor write anything
// but their arguments.
constexpr std::string_view kPlainNames[] = {
    "abs",
    "acos",
    "any_value",
    "ascii",
    "asin",
    "atan",
    "atan2",
    "avg",
    "bit_and",
    "bit_or",
    "bool_and",
    "bool_or",
    "cbrt",
    "ceil",
    "ceiling",
    "chr",
    "coalesce",
    "cos",
    "cot",
    "count",
    "cume_dist",
    "degrees",
    "dense_rank",
    "exp",
    "first_value",
    "floor",
    "format_type",
    "greatest",
    "grouping",
    "json_array_length",
    "lag",
    "last_day",
    "last_value",
    "lead",
    "least",
    "left",
    "length",
    "ln",
    "log",
    "lower",
    "ltrim",
    "max",
    "md5",
    "median",
    "min",
    "mod",
    "now",
    "nth_value",
    "ntile",
    "nullif",
    "obj_description",
    "octet_length",
    "percent_rank",
    "percentile_cont",
    "percentile_disc",
    "pg_get_constraintdef",
    "pg_get_expr",
    "pg_get_viewdef",
    "pg_table_is_visible",
    "pg_type_is_visible",
    "pi",
    "power",
    "radians",
    "random",
    "rank",
    "repeat",
    "replace",
    "reverse",
    "right",
    "round",
    "row_number",
    "rtrim",
    "sha1",
    "sign",
    "sin",
    "split_part",
    "sqrt",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "strpos",
    "substr",
    "sum",
    "tan",
    "to_hex",
    "translate",
    "trunc",
    "upper",
    "var_pop",
    "var_samp",
    "variance",
};

constexpr auto kPlainTable = [] {
  struct {
    Function rows[std::size(kPlainNames)];
  } table{};
  for (size_t i = 0; i < std::size(kPlainNames); i++)
    table.rows[i] = {kPlainNames[i], kPlain, kPlainNames[i]};
  return table;
}();

}  // namespace

const Function* FindFunction(std::string_view name, size_t arguments) {
  for (const auto& f : kRewritten) {
    if (f.name == name && (f.form != kTemplate || f.arguments == arguments)) return &f;
  }
  const auto it = std::ranges::find(kPlainTable.rows, name, &Function::name);
  return it == std::end(kPlainTable.rows) ? nullptr : it;
}

}  // namespace skep::sql
