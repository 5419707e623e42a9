#include "sql/ast/names.h"

#include <algorithm>

#include "sql/parse/parser.h"

namespace skep::sql::ast {
namespace {

// Words that structure nothing but are read as something else than a name in some place. Sorted.
constexpr std::string_view kContextual[] = {"append",
                                            "approximate",
                                            "array",
                                            "assumerole",
                                            "at",
                                            "auto",
                                            "backup",
                                            "bigint",
                                            "boolean",
                                            "bpchar",
                                            "cascade",
                                            "char",
                                            "character",
                                            "column",
                                            "comprows",
                                            "connect",
                                            "convert",
                                            "cube",
                                            "current_aws_account",
                                            "current_date",
                                            "current_namespace",
                                            "current_session_arn",
                                            "current_time",
                                            "current_timestamp",
                                            "current_user",
                                            "current_user_id",
                                            "data",
                                            "database",
                                            "date",
                                            "datetime",
                                            "decimal",
                                            "distkey",
                                            "diststyle",
                                            "double",
                                            "encode",
                                            "exclude",
                                            "exists",
                                            "external",
                                            "extract",
                                            "fetch",
                                            "float",
                                            "function",
                                            "grouping",
                                            "if",
                                            "ignore",
                                            "include",
                                            "int",
                                            "integer",
                                            "interval",
                                            "job",
                                            "language",
                                            "local",
                                            "localtime",
                                            "localtimestamp",
                                            "materialized",
                                            "model",
                                            "no",
                                            "nocycle",
                                            "none",
                                            "numeric",
                                            "object_transform",
                                            "operator",
                                            "over",
                                            "overlay",
                                            "partition",
                                            "pivot",
                                            "position",
                                            "predicate",
                                            "prior",
                                            "procedure",
                                            "public",
                                            "range",
                                            "real",
                                            "recursive",
                                            "respect",
                                            "restrict",
                                            "role",
                                            "rollup",
                                            "row",
                                            "rows",
                                            "schema",
                                            "session",
                                            "session_user",
                                            "set",
                                            "smallint",
                                            "sortkey",
                                            "start",
                                            "string",
                                            "substring",
                                            "super",
                                            "sysdate",
                                            "temp",
                                            "template",
                                            "temporary",
                                            "text",
                                            "time",
                                            "timestamp",
                                            "timestamptz",
                                            "timetz",
                                            "top",
                                            "trim",
                                            "try_cast",
                                            "unpivot",
                                            "user",
                                            "values",
                                            "varbyte",
                                            "varchar",
                                            "verbose",
                                            "view",
                                            "window",
                                            "within"};

}  // namespace

bool NeedsQuotes(std::string_view name) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
  };
  if (name.empty() || !letter(name.front())) return true;
  for (const char c : name) {
    if (!letter(c) && !(c >= '0' && c <= '9') && c != '$') return true;
  }
  return IsStructural(name) || std::ranges::binary_search(kContextual, name);
}

std::string WriteName(std::string_view name, bool quoted) {
  if (!quoted || !NeedsQuotes(name)) return std::string(name);
  std::string text = "\"";
  for (const char c : name) {
    if (c == '"') text += '"';
    text += c;
  }
  return text + '"';
}

std::string WriteString(std::string_view value) {
  std::string text = "'";
  for (const char c : value) {
    if (c == '\n' || c == '\r' || c == '\t') {
      text += '\\';
      text += c == '\n' ? 'n' : c == '\r' ? 'r' : 't';
      continue;
    }
    if (c == '\'' || c == '\\') text += c;
    text += c;
  }
  return text + '\'';
}

}  // namespace skep::sql::ast
