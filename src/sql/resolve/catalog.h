// What the front asks of a catalog: relations and their columns, by name. The worker answers from
// the engine's catalog within the statement's transaction; tests answer from a list.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sql/types.h"

namespace skep::sql {

struct Column {
  std::string name;
  Type type;
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
  std::string facts = {};  // TableFacts as text
};

class Catalog {
 public:
  virtual ~Catalog() = default;
  virtual bool IsExternalSchema(std::string_view schema) const = 0;
  // Names arrive folded. nullptr: no such relation. An empty schema asks for a temporary table.
  // Errors: those of reaching a foreign catalog.
  virtual Result<std::shared_ptr<const RelationEntry>> Find(std::string_view schema,
                                                            std::string_view name) = 0;
};

}  // namespace skep::sql
