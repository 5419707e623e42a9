#include "worker/functions/quoting.h"

#include <algorithm>
#include <duckdb/common/vector_operations/unary_executor.hpp>
#include <string>
#include <string_view>

#include "worker/functions/text_arguments.h"

namespace skep::worker {
namespace {

using duckdb::string_t;
using duckdb::StringVector;

// In order, for a binary search.
constexpr std::string_view kReserved[] = {"aes128",
                                          "aes256",
                                          "all",
                                          "allowoverwrite",
                                          "analyse",
                                          "analyze",
                                          "and",
                                          "any",
                                          "array",
                                          "as",
                                          "asc",
                                          "authorization",
                                          "az64",
                                          "backup",
                                          "between",
                                          "binary",
                                          "blanksasnull",
                                          "both",
                                          "bytedict",
                                          "bzip2",
                                          "case",
                                          "cast",
                                          "check",
                                          "collate",
                                          "column",
                                          "connect",
                                          "constraint",
                                          "create",
                                          "credentials",
                                          "cross",
                                          "current_date",
                                          "current_time",
                                          "current_timestamp",
                                          "current_user",
                                          "current_user_id",
                                          "default",
                                          "deferrable",
                                          "deflate",
                                          "defrag",
                                          "delta",
                                          "delta32k",
                                          "desc",
                                          "disable",
                                          "distinct",
                                          "do",
                                          "else",
                                          "emptyasnull",
                                          "enable",
                                          "encode",
                                          "encrypt",
                                          "encryption",
                                          "end",
                                          "except",
                                          "explicit",
                                          "false",
                                          "for",
                                          "foreign",
                                          "freeze",
                                          "from",
                                          "full",
                                          "globaldict256",
                                          "globaldict64k",
                                          "grant",
                                          "group",
                                          "gzip",
                                          "having",
                                          "identity",
                                          "ignore",
                                          "ilike",
                                          "in",
                                          "initially",
                                          "inner",
                                          "intersect",
                                          "interval",
                                          "into",
                                          "is",
                                          "isnull",
                                          "join",
                                          "language",
                                          "leading",
                                          "left",
                                          "like",
                                          "limit",
                                          "localtime",
                                          "localtimestamp",
                                          "lun",
                                          "luns",
                                          "lzo",
                                          "lzop",
                                          "minus",
                                          "mostly16",
                                          "mostly32",
                                          "mostly8",
                                          "natural",
                                          "new",
                                          "not",
                                          "notnull",
                                          "null",
                                          "nulls",
                                          "off",
                                          "offline",
                                          "offset",
                                          "oid",
                                          "old",
                                          "on",
                                          "only",
                                          "open",
                                          "or",
                                          "order",
                                          "outer",
                                          "overlaps",
                                          "parallel",
                                          "partition",
                                          "percent",
                                          "permissions",
                                          "pivot",
                                          "placing",
                                          "primary",
                                          "raw",
                                          "readratio",
                                          "recover",
                                          "references",
                                          "rejectlog",
                                          "resort",
                                          "respect",
                                          "restore",
                                          "right",
                                          "select",
                                          "session_user",
                                          "similar",
                                          "snapshot",
                                          "some",
                                          "start",
                                          "sysdate",
                                          "system",
                                          "table",
                                          "tag",
                                          "tdes",
                                          "text255",
                                          "text32k",
                                          "then",
                                          "timestamp",
                                          "to",
                                          "top",
                                          "trailing",
                                          "true",
                                          "truncatecolumns",
                                          "union",
                                          "unique",
                                          "unnest",
                                          "unpivot",
                                          "user",
                                          "using",
                                          "verbose",
                                          "wallet",
                                          "when",
                                          "where",
                                          "with",
                                          "without"};
static_assert(std::ranges::is_sorted(kReserved));

// Whether the name means itself without quotes.
bool IsPlainName(std::string_view name) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  for (const char c : name) {
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) return false;
  }
  return !std::ranges::binary_search(kReserved, name);
}

// The text in quotes; each of the characters in `doubled` twice.
std::string Quoted(std::string_view text, char quote, std::string_view doubled) {
  std::string out(1, quote);
  for (const char c : text) {
    if (doubled.find(c) != std::string_view::npos) out.push_back(c);
    out.push_back(c);
  }
  out.push_back(quote);
  return out;
}

void QuoteIdent(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  duckdb::UnaryExecutor::Execute<string_t, string_t>(
      arguments.data[0], result, arguments.size(), [&](string_t name) {
        if (IsPlainName(View(name))) return name;
        return StringVector::AddString(result, Quoted(View(name), '"', "\""));
      });
  StringVector::AddHeapReference(result, arguments.data[0]);
}

void QuoteLiteral(duckdb::DataChunk& arguments, duckdb::ExpressionState&, duckdb::Vector& result) {
  duckdb::UnaryExecutor::Execute<string_t, string_t>(
      arguments.data[0], result, arguments.size(), [&](string_t text) {
        return StringVector::AddString(result, Quoted(View(text), '\'', "'\\"));
      });
}

}  // namespace

void RegisterQuoting(Registrar& registrar) {
  AddOverloads(registrar, "rs_quote_ident", {TotalFunction({kAny}, kText, QuoteIdent)});
  AddOverloads(registrar, "rs_quote_literal", {TotalFunction({kAny}, kText, QuoteLiteral)});
}

}  // namespace skep::worker
