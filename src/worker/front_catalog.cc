#include "worker/front_catalog.h"

#include <algorithm>
#include <cstdlib>
#include <duckdb/catalog/catalog.hpp>
#include <duckdb/catalog/catalog_entry/schema_catalog_entry.hpp>
#include <duckdb/catalog/catalog_entry/table_catalog_entry.hpp>
#include <duckdb/catalog/catalog_entry/view_catalog_entry.hpp>
#include <duckdb/parser/constraints/not_null_constraint.hpp>

#include "base/text.h"
#include "sql/column_facts.h"
#include "sql/emit/duckdb_catalog.h"
#include "worker/external_scan/lake_catalog.h"
#include "worker/functions/types.h"

namespace skep::worker {
namespace {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;
using sql::Type;
using sql::TypeKind;

sql::Column ColumnOf(const std::string& name, const LogicalType& type, const duckdb::Value& comment,
                     bool external = false) {
  sql::Column column{name, FrontType(type)};
  if (!comment.IsNull()) {
    column.facts = comment.ToString();
    if (external) return column;  // files may hold more than the catalog declares
    const auto facts = sql::ColumnFacts::Read(column.facts);
    if (facts.type.kind != TypeKind::kUnknown) column.type = facts.type;
    column.identity = !facts.identity.empty();
  }
  return column;
}

}  // namespace

Type FrontType(const LogicalType& type) {
  if (IsSuper(type) || type.IsJSONType()) return Type::Of(TypeKind::kSuper);
  if (IsHllSketch(type)) return Type::Of(TypeKind::kHllSketch);
  if (IsGeometry(type)) return Type::Of(TypeKind::kGeometry);
  if (IsGeography(type)) return Type::Of(TypeKind::kGeography);
  switch (type.id()) {
    case LogicalTypeId::BOOLEAN:
      return Type::Of(TypeKind::kBoolean);
    case LogicalTypeId::TINYINT:
    case LogicalTypeId::UTINYINT:
    case LogicalTypeId::SMALLINT:
      return Type::Of(TypeKind::kSmallint);
    case LogicalTypeId::USMALLINT:
    case LogicalTypeId::INTEGER:
      return Type::Of(TypeKind::kInt);
    case LogicalTypeId::UINTEGER:
    case LogicalTypeId::BIGINT:
      return Type::Of(TypeKind::kBigint);
    case LogicalTypeId::DECIMAL: {
      Type decimal = Type::Of(TypeKind::kDecimal);
      decimal.length = duckdb::DecimalType::GetWidth(type);
      decimal.scale = duckdb::DecimalType::GetScale(type);
      return decimal;
    }
    case LogicalTypeId::FLOAT:
      return Type::Of(TypeKind::kReal);
    case LogicalTypeId::DOUBLE:
      return Type::Of(TypeKind::kDouble);
    case LogicalTypeId::VARCHAR:
      return Type::Of(TypeKind::kVarchar);
    case LogicalTypeId::DATE:
      return Type::Of(TypeKind::kDate);
    case LogicalTypeId::TIME:
      return Type::Of(TypeKind::kTime);
    case LogicalTypeId::TIME_TZ:
      return Type::Of(TypeKind::kTimeTz);
    case LogicalTypeId::TIMESTAMP:
    case LogicalTypeId::TIMESTAMP_SEC:
    case LogicalTypeId::TIMESTAMP_MS:
    case LogicalTypeId::TIMESTAMP_NS:
      return Type::Of(TypeKind::kTimestamp);
    case LogicalTypeId::TIMESTAMP_TZ:
      return Type::Of(TypeKind::kTimestampTz);
    case LogicalTypeId::INTERVAL:
      return Type::Of(TypeKind::kInterval);
    case LogicalTypeId::BLOB:
      return Type::Of(TypeKind::kVarbyte);
    case LogicalTypeId::LIST: {
      Type list = Type::Of(TypeKind::kArray);
      list.elements = std::make_shared<std::vector<Type>>(
          std::vector<Type>{FrontType(duckdb::ListType::GetChildType(type))});
      return list;
    }
    case LogicalTypeId::MAP: {
      Type map = Type::Of(TypeKind::kMap);
      map.elements = std::make_shared<std::vector<Type>>(std::vector<Type>{
          FrontType(duckdb::MapType::KeyType(type)), FrontType(duckdb::MapType::ValueType(type))});
      return map;
    }
    case LogicalTypeId::STRUCT: {
      Type record = Type::Of(TypeKind::kStruct);
      auto elements = std::make_shared<std::vector<Type>>();
      auto names = std::make_shared<std::vector<std::string>>();
      for (const auto& [name, child] : duckdb::StructType::GetChildTypes(type)) {
        names->push_back(name);
        elements->push_back(FrontType(child));
      }
      record.elements = std::move(elements);
      record.names = std::move(names);
      return record;
    }
    default:
      return {};
  }
}

std::shared_ptr<const sql::RelationEntry> FrontCatalog::Read(sql::RelationKind kind,
                                                             const std::string& catalog,
                                                             const std::string& schema,
                                                             const std::string& name) {
  auto found = duckdb::Catalog::GetEntry(
      context_, catalog, schema, duckdb::EntryLookupInfo(duckdb::CatalogType::TABLE_ENTRY, name),
      duckdb::OnEntryNotFound::RETURN_NULL);
  if (!found) return nullptr;
  // The engine's names ignore case; ours were folded where the user did not ask for it.
  const bool ours = catalog != sql::kLakeCatalog && kind != sql::RelationKind::kSystem;
  if (ours && (found->name != name || found->ParentSchema().name != schema)) return nullptr;
  auto entry = std::make_shared<sql::RelationEntry>();
  entry->kind = kind;
  entry->schema = schema;
  entry->name = found->name;
  if (found->type == duckdb::CatalogType::VIEW_ENTRY) {
    auto& view = found->Cast<duckdb::ViewCatalogEntry>();
    entry->is_view = true;
    if (!view.comment.IsNull()) entry->facts = view.comment.ToString();
    if (kind == sql::RelationKind::kTable) entry->kind = sql::RelationKind::kView;
    auto columns = view.GetColumnInfo();
    if (!columns) {
      view.BindView(context_);
      columns = view.GetColumnInfo();
    }
    if (columns) {
      for (size_t i = 0; i < columns->names.size(); i++) {
        const std::string& column = i < view.aliases.size() ? view.aliases[i] : columns->names[i];
        entry->columns.push_back(ColumnOf(column, columns->types[i], view.GetColumnComment(i)));
      }
    }
    return entry;
  }
  auto& table = found->Cast<duckdb::TableCatalogEntry>();
  if (!table.comment.IsNull()) entry->facts = table.comment.ToString();
  const bool in_files = kind == sql::RelationKind::kExternal &&
                        table.tags.find(external_scan::kFilesTag) != table.tags.end();
  for (const auto& column : table.GetColumns().Logical())
    entry->columns.push_back(ColumnOf(column.Name(), column.Type(), column.Comment(), in_files));
  for (const auto& constraint : table.GetConstraints()) {
    if (constraint->type != duckdb::ConstraintType::NOT_NULL) continue;
    const size_t index = constraint->Cast<duckdb::NotNullConstraint>().index.index;
    if (index < entry->columns.size()) entry->columns[index].not_null = true;
  }
  if (kind == sql::RelationKind::kExternal) {
    if (const auto keys = table.tags.find(external_scan::kPartitionKeysTag);
        keys != table.tags.end())
      entry->partition_keys = std::strtoull(keys->second.c_str(), nullptr, 10);
  }
  if (in_files) {
    constexpr int32_t kSerializedBytes = 65535;
    entry->iceberg = table.tags.contains(external_scan::kIcebergTag);
    for (auto& column : entry->columns) {
      if (!column.type.IsNested()) continue;
      read_nested_ = true;
      if (!serialize_) {
        entry->paths_only = !entry->iceberg;
        continue;
      }
      column.type = Type::Of(TypeKind::kVarchar);
      column.type.length = kSerializedBytes;
      entry->serialized.push_back(column.name);
      entry->parse_strings = parse_strings_;
    }
  }
  if (in_files && pseudo_columns_) {
    for (const char* pseudo : {"$path", "$size"})
      entry->columns.push_back(
          {pseudo, Type::Of(pseudo[1] == 'p' ? TypeKind::kVarchar : TypeKind::kBigint)});
  }
  return entry;
}

Result<std::shared_ptr<const sql::RelationEntry>> FrontCatalog::Find(std::string_view schema_name,
                                                                     std::string_view table) {
  const std::string schema(schema_name), name(table);
  const auto key = std::pair(schema, name);
  if (const auto known = known_.find(key); known != known_.end()) return known->second;
  std::shared_ptr<const sql::RelationEntry> entry;
  if (schema.empty()) {
    entry = Read(sql::RelationKind::kTemporary, "temp", "main", name);
  } else if (sql::IsReservedSchema(schema)) {
    if (auto columns = sql::SystemViewColumns(schema, name); !columns.empty()) {
      auto view = std::make_shared<sql::RelationEntry>();
      view->kind = sql::RelationKind::kSystem;
      view->schema = schema;
      view->name = name;
      view->columns = std::move(columns);
      entry = std::move(view);
    } else if (sql::IsSystemRelation(schema, name))
      entry = Read(sql::RelationKind::kSystem, "system", schema, name);
  } else if (const auto binding = external_(schema)) {
    if (binding->source == ipc::SchemaSource::kRedshift) {
      SKEP_TRY_ASSIGN(
          entry, ReadElsewhere(binding->catalog_database, binding->remote_schema, name, schema));
    } else {
      entry = Read(sql::RelationKind::kExternal, std::string(sql::kLakeCatalog), schema, name);
    }
  } else {
    entry = Read(sql::RelationKind::kTable, database_, schema, name);
  }
  known_.emplace(key, entry);
  return entry;
}

Result<std::shared_ptr<const sql::RelationEntry>> FrontCatalog::ReadElsewhere(
    const std::string& database, const std::string& schema, const std::string& name,
    const std::string& as) {
  if (!is_database_(database))
    return Fail(ErrorKind::kFeatureNotSupported,
                "cross-database reference to \"" + database + "\" is not supported", {},
                "There is no such database in the workspace.");
  if (sql::IsReservedSchema(schema))
    return Fail(ErrorKind::kInsufficientPrivilege, "permission denied for schema " + schema);
  // What a view reads would be looked up in this database.
  const auto there = duckdb::Catalog::GetEntry(
      context_, database, schema, duckdb::EntryLookupInfo(duckdb::CatalogType::TABLE_ENTRY, name),
      duckdb::OnEntryNotFound::RETURN_NULL);
  if (there && there->type == duckdb::CatalogType::VIEW_ENTRY && database != database_)
    return Fail(ErrorKind::kFeatureNotSupported, "view \"" + name + "\" of database \"" + database +
                                                     "\" cannot be read from another database");
  const auto found = Read(sql::RelationKind::kExternal, database, schema, name);
  if (!found) return found;
  auto entry = std::make_shared<sql::RelationEntry>(*found);
  if (entry->is_view && sql::TableFacts::Read(entry->facts).late_binding)
    return Fail(ErrorKind::kFeatureNotSupported,
                "late-binding view \"" + name + "\" cannot be read through another schema");
  entry->schema = as;
  entry->database = database;
  entry->database_schema = schema;
  entry->facts.clear();
  return entry;
}

Result<std::shared_ptr<const sql::RelationEntry>> FrontCatalog::FindElsewhere(
    std::string_view database, std::string_view schema, std::string_view name) {
  return ReadElsewhere(std::string(database), std::string(schema), std::string(name),
                       std::string(schema));
}

std::vector<std::shared_ptr<const sql::RelationEntry>> FrontCatalog::Views() {
  std::vector<std::shared_ptr<const sql::RelationEntry>> views;
  const auto look = [&](duckdb::CatalogEntry& found) {
    if (found.type != duckdb::CatalogType::VIEW_ENTRY || found.internal || found.comment.IsNull())
      return;
    auto entry = std::make_shared<sql::RelationEntry>();
    entry->kind = sql::RelationKind::kView;
    entry->is_view = true;
    entry->schema = found.ParentSchema().name;
    entry->name = found.name;
    entry->facts = found.comment.ToString();
    views.push_back(std::move(entry));
  };
  duckdb::Catalog::GetCatalog(context_, database_)
      .ScanSchemas(context_, [&](duckdb::SchemaCatalogEntry& schema) {
        schema.Scan(context_, duckdb::CatalogType::TABLE_ENTRY, look);
      });
  std::ranges::sort(views, {},
                    [](const auto& view) { return std::pair(view->schema, view->name); });
  return views;
}

std::vector<std::shared_ptr<const sql::RelationEntry>> FrontCatalog::Dependents(
    const sql::RelationEntry& of) {
  const std::string key = sql::RelationKey(of);
  auto views = Views();
  std::erase_if(views, [&](const auto& view) {
    const auto depends = sql::TableFacts::Read(view->facts).depends;
    return std::ranges::find(depends, key) == depends.end();
  });
  return views;
}

std::vector<std::shared_ptr<const sql::FunctionEntry>> FrontCatalog::FindFunctions(
    std::string_view schema_name, std::string_view function) {
  const auto key = std::pair(std::string(schema_name), std::string(function));
  if (const auto known = functions_.find(key); known != functions_.end()) return known->second;
  auto& found = functions_[key];
  const std::string folded = Lower(key.first);
  if (folded == sql::kHiddenSchema || folded == sql::kLakeCatalog || folded == "main") return found;
  auto schema = duckdb::Catalog::GetSchema(context_, database_, key.first,
                                           duckdb::OnEntryNotFound::RETURN_NULL);
  if (!schema) return found;
  const std::string start = "routine " + key.second + "(";
  schema->Scan(context_, duckdb::CatalogType::MACRO_ENTRY, [&](duckdb::CatalogEntry& macro) {
    std::string_view name = macro.name;
    if (name.starts_with("volatile ")) name.remove_prefix(9);
    if (!name.starts_with(start) || macro.comment.IsNull()) return;
    auto entry = std::make_shared<sql::FunctionEntry>();
    entry->schema = schema->name;
    entry->name = key.second;
    entry->engine_name = macro.name;
    entry->facts = sql::FunctionFacts::Read(macro.comment.ToString());
    const bool immutable = !macro.name.starts_with("volatile ");
    if (macro.name != sql::FunctionEngineName(key.second, entry->facts.arguments, immutable))
      return;  // of a name that begins so
    found.push_back(std::move(entry));
  });
  return found;
}

}  // namespace skep::worker
