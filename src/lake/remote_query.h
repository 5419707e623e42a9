// Tables of remote PostgreSQL databases as external schemas show them: their types, and the SQL
// with which the gateway reads them. A worker never sends SQL: it names columns by their numbers
// and filters as a small closed tree, and what is written here holds nothing else. Source: the
// developer guide's "Data type differences between Amazon Redshift and supported PostgreSQL
// databases".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace skep::lake {

struct RemoteColumn {
  std::string name;         // as the remote catalog has it
  std::string type;         // as workers read it: "int", "decimal(10,2)", "varchar(20)", ...
  std::string remote_type;  // as the remote catalog prints it
  // Read as its text: types that Redshift has not, which become VARCHAR(65535).
  bool as_text = false;
  bool operator==(const RemoteColumn&) const = default;
};

struct RemoteTable {
  std::string schema, name;
  std::string kind;  // "TABLE", "VIEW", "MATERIALIZED VIEW"
  std::vector<RemoteColumn> columns;
  uint64_t rows = 0;  // estimate, 0 = unknown
  bool operator==(const RemoteTable&) const = default;
};

// A column of pg_attribute: type OID (of a domain: its base type's), modifier, and format_type().
RemoteColumn DescribeRemoteColumn(std::string name, uint32_t type_oid, int32_t modifier,
                                  std::string remote_type);

// "name" and 'text' as PostgreSQL reads them with standard_conforming_strings on.
std::string QuoteRemoteName(std::string_view name);
std::string QuoteRemoteText(std::string_view text);

// The COPY ... TO STDOUT (FORMAT binary) that answers a plan:
//   {"columns": [number, ...], "filter": tree, "limit": rows}
//   tree: {"op": "and" | "or", "of": [tree, ...]}
//       | {"op": "=" | "<>" | "<" | "<=" | ">" | ">=", "column": number, "value": text}
//       | {"op": "in", "column": number, "values": [text, ...]}
//       | {"op": "null" | "not null", "column": number}
// Texts are compared for equality alone, for order is the collation's. Errors: kProtocolViolation
// (anything else than this, or more than its limits).
Result<std::string> WriteRemoteScan(const RemoteTable& table, std::string_view plan);

}  // namespace skep::lake
