// What the front asks of a catalog: relations and their columns, by name. The worker answers from
// the engine's catalog within the statement's transaction; tests answer from a list.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "sql/function_facts.h"
#include "sql/types.h"

namespace skep::sql {

struct Column {
  std::string name;
  Type type;
  bool not_null = false;
  bool identity = false;   // GENERATED ALWAYS or BY DEFAULT: filled when it is left out
  std::string facts = {};  // of a stored column: ColumnFacts as text
};

enum class RelationKind : uint8_t { kTable, kTemporary, kView, kExternal, kSystem };

// A relation of the catalog.
struct RelationEntry {
  RelationKind kind = RelationKind::kTable;
  std::string schema;
  std::string name;
  std::vector<Column> columns;
  std::string facts = {};     // TableFacts as text
  bool is_view = false;       // also of temporary ones
  size_t partition_keys = 0;  // of an external table: so many of its columns, the last ones
  // Of an external table that is one of another database of the workspace: that database, and its
  // schema there.
  std::string database = {}, database_schema = {};
  bool iceberg = false;  // an external table of this format
  // Of an external table: columns of nested types that are read as JSON, and whether text in them
  // that is JSON is no text there (json_serialization_enable, ..._parse_nested_strings).
  std::vector<std::string> serialized = {};
  bool parse_strings = false;
  bool paths_only = false;  // columns of nested types are reached by paths into them alone
};

// A function that a user made, by CREATE FUNCTION ... LANGUAGE SQL.
struct FunctionEntry {
  std::string schema;
  std::string name;
  std::string engine_name;  // of the engine's macro in the same schema
  FunctionFacts facts;
};

// As views name what they depend on: "schema"."name".
std::string RelationKey(const RelationEntry& entry);
// The same of a function that they call.
std::string FunctionKey(const FunctionEntry& function);

class Catalog {
 public:
  virtual ~Catalog() = default;
  virtual bool IsExternalSchema(std::string_view schema) const = 0;
  // Whether an external schema is of the data catalog, so that statements may change its tables;
  // those of other databases are only read.
  virtual bool IsCatalogSchema(std::string_view schema) const { return IsExternalSchema(schema); }
  // Names arrive folded. nullptr: no such relation. An empty schema asks for a temporary table.
  // Errors: those of reaching a foreign catalog.
  virtual Result<std::shared_ptr<const RelationEntry>> Find(std::string_view schema,
                                                            std::string_view name) = 0;
  // A relation of another database of the workspace, as an external one. nullptr: no such relation.
  // Errors: kFeatureNotSupported (no such database, or a relation that cannot be read from here).
  virtual Result<std::shared_ptr<const RelationEntry>> FindElsewhere(std::string_view database,
                                                                     std::string_view schema,
                                                                     std::string_view name) {
    (void)schema, (void)name;
    return Fail(ErrorKind::kFeatureNotSupported,
                "cross-database reference to \"" + std::string(database) + "\" is not supported");
  }
  // Views outside of this session alone that read the relation.
  virtual std::vector<std::shared_ptr<const RelationEntry>> Dependents(const RelationEntry& entry) {
    (void)entry;
    return {};
  }
  // All views but temporary ones, in the order of their schemas and names; without their columns.
  virtual std::vector<std::shared_ptr<const RelationEntry>> Views() { return {}; }
  // All functions of this name that users made in the schema.
  virtual std::vector<std::shared_ptr<const FunctionEntry>> FindFunctions(std::string_view schema,
                                                                          std::string_view name) {
    (void)schema, (void)name;
    return {};
  }
};

}  // namespace skep::sql
