// The engine's catalog as the SQL front asks for it: relations of the session's database, temporary
// tables, external tables, system relations, with Redshift's types. What the engine cannot hold of
// a column (CHAR and VARCHAR lengths, encodings, keys) stands in the column's comment in the engine
// (docs/adr/0005), so that it moves with renames and goes with drops.
#pragma once

#include <duckdb.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "ipc/messages.h"
#include "sql/resolve/catalog.h"

namespace skep::worker {

// The front's type of an engine's type without more knowledge.
sql::Type FrontType(const duckdb::LogicalType& type);

class FrontCatalog final : public sql::Catalog {
 public:
  // What an external schema is bound to; nullopt: it is no external one.
  using ExternalLookup =
      std::function<std::optional<ipc::ExternalSchemaBinding>(const std::string& schema)>;

  // Whether the workspace has a database of this name.
  using DatabaseLookup = std::function<bool(const std::string& database)>;

  // Lives for one statement, within a transaction of the connection.
  FrontCatalog(duckdb::ClientContext& context, std::string database, ExternalLookup external,
               DatabaseLookup is_database)
      : context_(context),
        database_(std::move(database)),
        external_(std::move(external)),
        is_database_(std::move(is_database)) {}

  // "$path" and "$size" are no columns of external tables: spectrum_enable_pseudo_columns is off.
  void HidePseudoColumns() { pseudo_columns_ = false; }
  // Whether an external table with columns of nested types was read.
  bool read_nested() const { return read_nested_; }
  // Nested columns of external tables are JSON: json_serialization_enable is on.
  void SerializeNested(bool parse_strings) {
    serialize_ = true;
    parse_strings_ = parse_strings;
  }

  bool IsExternalSchema(std::string_view schema) const override {
    return external_(std::string(schema)).has_value();
  }
  bool IsCatalogSchema(std::string_view schema) const override {
    const auto binding = external_(std::string(schema));
    return binding && binding->source == ipc::SchemaSource::kDataCatalog;
  }
  Result<std::shared_ptr<const sql::RelationEntry>> Find(std::string_view schema,
                                                         std::string_view name) override;

  Result<std::shared_ptr<const sql::RelationEntry>> FindElsewhere(std::string_view database,
                                                                  std::string_view schema,
                                                                  std::string_view name) override;

  std::vector<std::shared_ptr<const sql::RelationEntry>> Dependents(
      const sql::RelationEntry& of) override;
  std::vector<std::shared_ptr<const sql::RelationEntry>> Views() override;
  std::vector<std::shared_ptr<const sql::FunctionEntry>> FindFunctions(
      std::string_view schema, std::string_view name) override;

 private:
  std::shared_ptr<const sql::RelationEntry> Read(sql::RelationKind kind, const std::string& catalog,
                                                 const std::string& schema,
                                                 const std::string& name);
  // A relation of another database, under the schema's name `as`.
  Result<std::shared_ptr<const sql::RelationEntry>> ReadElsewhere(const std::string& database,
                                                                  const std::string& schema,
                                                                  const std::string& name,
                                                                  const std::string& as);

  duckdb::ClientContext& context_;
  std::string database_;
  ExternalLookup external_;
  DatabaseLookup is_database_;
  bool pseudo_columns_ = true, serialize_ = false, parse_strings_ = false, read_nested_ = false;
  std::map<std::pair<std::string, std::string>, std::shared_ptr<const sql::RelationEntry>> known_;
  // By schema and name.
  std::map<std::pair<std::string, std::string>,
           std::vector<std::shared_ptr<const sql::FunctionEntry>>>
      functions_;
};

}  // namespace skep::worker
