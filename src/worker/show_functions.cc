#include "worker/show_functions.h"

#include <fmt/format.h>

#include <algorithm>
#include <duckdb/catalog/catalog.hpp>
#include <duckdb/catalog/catalog_entry/schema_catalog_entry.hpp>
#include <duckdb/catalog/catalog_entry/table_catalog_entry.hpp>
#include <duckdb/catalog/catalog_entry/view_catalog_entry.hpp>
#include <duckdb/function/table_function.hpp>
#include <duckdb/main/extension/extension_loader.hpp>
#include <duckdb/parser/constraints/not_null_constraint.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/text.h"
#include "sql/column_facts.h"
#include "sql/emit/duckdb_catalog.h"
#include "worker/external_scan/lake_errors.h"
#include "worker/external_scan/lake_file_system.h"
#include "worker/front_catalog.h"

namespace skep::worker {
namespace {

using duckdb::LogicalType;
using duckdb::Value;
using Json = nlohmann::json;
using sql::TypeKind;

constexpr int32_t kOwner = 100;  // what the other views call every user
constexpr size_t kMostRows = 10'000;

enum class Lists { kDatabases, kSchemas, kTables, kColumns };

struct Listing {
  const char* function;
  Lists lists;
  size_t names;  // how many it takes: database, schema, table
  duckdb::vector<std::pair<const char*, LogicalType>> columns;
};

const std::vector<Listing>& Listings() {
  static const std::vector<Listing> kListings = [] {
    const auto text = LogicalType::VARCHAR;
    const auto number = LogicalType::INTEGER;
    const auto moment = LogicalType::TIMESTAMP;
    return std::vector<Listing>{{"rs_show_databases",
                                 Lists::kDatabases,
                                 0,
                                 {{"database_name", text},
                                  {"database_owner", number},
                                  {"database_type", text},
                                  {"database_acl", text},
                                  {"parameters", text},
                                  {"database_isolation_level", text}}},
                                {"rs_show_schemas",
                                 Lists::kSchemas,
                                 1,
                                 {{"database_name", text},
                                  {"schema_name", text},
                                  {"schema_owner", number},
                                  {"schema_type", text},
                                  {"schema_acl", text},
                                  {"source_database", text},
                                  {"schema_option", text}}},
                                {"rs_show_tables",
                                 Lists::kTables,
                                 2,
                                 {{"database_name", text},
                                  {"schema_name", text},
                                  {"table_name", text},
                                  {"table_type", text},
                                  {"table_acl", text},
                                  {"remarks", text},
                                  {"owner", text},
                                  {"last_altered_time", moment},
                                  {"last_modified_time", moment},
                                  {"dist_style", text},
                                  {"table_subtype", text}}},
                                {"rs_show_columns",
                                 Lists::kColumns,
                                 3,
                                 {{"database_name", text},
                                  {"schema_name", text},
                                  {"table_name", text},
                                  {"column_name", text},
                                  {"ordinal_position", number},
                                  {"column_default", text},
                                  {"is_nullable", text},
                                  {"data_type", text},
                                  {"character_maximum_length", number},
                                  {"numeric_precision", number},
                                  {"numeric_scale", number},
                                  {"remarks", text},
                                  {"sort_key_type", text},
                                  {"sort_key", number},
                                  {"dist_key", number},
                                  {"encoding", text},
                                  {"collation", text}}}};
  }();
  return kListings;
}

struct ShowInfo final : duckdb::TableFunctionInfo {
  ShowInfo(external_scan::LakeClient& c, const ShowSources& s, const Listing& l)
      : client(c), sources(s), listing(l) {}
  external_scan::LakeClient& client;
  const ShowSources sources;
  const Listing& listing;
};

struct ShowBind final : duckdb::TableFunctionData {
  const ShowInfo* info = nullptr;
  std::vector<std::string> names;
  duckdb::unique_ptr<duckdb::FunctionData> Copy() const override {
    return duckdb::make_uniq<ShowBind>(*this);
  }
};

using Row = duckdb::vector<Value>;

struct ShowRows final : duckdb::GlobalTableFunctionState {
  std::vector<Row> rows;
  size_t at = 0;
};

Value TextOrNull(const std::string& text) {
  return text.empty() ? Value(LogicalType::VARCHAR) : Value(text);
}

[[noreturn]] void Missing(ErrorKind kind, const char* what, const std::string& name) {
  external_scan::ThrowLakeError(
      {kind, fmt::format("{} \"{}\" does not exist", what, name), {}, {}, 0});
}

std::string Upper(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return text;
}

// Digits of a number's type, and those behind its point. Source: the developer guide's
// SVV_ALL_COLUMNS.
std::pair<Value, Value> PrecisionOf(const sql::Type& type) {
  const auto number = [](int32_t n) { return Value::INTEGER(n); };
  const Value none(LogicalType::INTEGER);
  switch (type.kind) {
    case TypeKind::kSmallint:
      return {number(16), number(0)};
    case TypeKind::kInt:
      return {number(32), number(0)};
    case TypeKind::kBigint:
      return {number(64), number(0)};
    case TypeKind::kReal:
      return {number(24), none};
    case TypeKind::kDouble:
      return {number(53), none};
    case TypeKind::kDecimal:
      return {number(type.length), number(type.scale)};
    default:
      return {none, none};
  }
}

class Collector {
 public:
  Collector(duckdb::ClientContext& context, const ShowBind& bind, std::vector<Row>& rows)
      : context_(context),
        bind_(bind),
        sources_(bind.info->sources),
        asking_(sources_.asker(context)),
        interrupted_(external_scan::InterruptOf(&context)),
        rows_(rows) {}

  void Run() {
    switch (bind_.info->listing.lists) {
      case Lists::kDatabases:
        Databases();
        break;
      case Lists::kSchemas:
        Schemas(bind_.names[0]);
        break;
      case Lists::kTables:
        Tables(bind_.names[0], bind_.names[1]);
        break;
      case Lists::kColumns:
        Columns(bind_.names[0], bind_.names[1], bind_.names[2]);
        break;
    }
    if (rows_.size() > kMostRows)
      external_scan::ThrowLakeError({ErrorKind::kPayloadTooLarge,
                                     fmt::format("more than {} rows would be shown", kMostRows),
                                     {},
                                     {},
                                     0});
  }

 private:
  static ipc::ExternalSchemaBinding Mounted(const std::string& database) {
    ipc::ExternalSchemaBinding binding;
    binding.catalog_database = database;
    binding.role_chain = {"default"};
    return binding;
  }
  bool IsMounted(const std::string& database) const {
    const auto databases = sources_.databases();
    return database == sql::kAutoMounted &&
           std::ranges::find(databases, database) == databases.end();
  }

  std::vector<Json> Ask(const ipc::ExternalSchemaBinding& binding, const Json& question) {
    std::vector<Json> answers;
    for (const auto& text : external_scan::OrThrow(bind_.info->client.AskCatalog(
             binding, asking_.asker, question.dump(), interrupted_))) {
      Json json = Json::parse(text, nullptr, false);
      if (json.is_object()) answers.push_back(std::move(json));
    }
    return answers;
  }
  static std::string TextOf(const Json& of, const char* name) {
    const auto found = of.find(name);
    return found != of.end() && found->is_string() ? found->get<std::string>() : std::string();
  }

  void Databases() {
    for (const std::string& name : sources_.databases())
      rows_.push_back({Value(name), Value::INTEGER(kOwner), Value("local"),
                       Value(LogicalType::VARCHAR), Value(LogicalType::VARCHAR),
                       Value("Snapshot Isolation")});
    if (IsMounted(std::string(sql::kAutoMounted)))
      rows_.push_back({Value(std::string(sql::kAutoMounted)), Value::INTEGER(kOwner),
                       Value("auto mounted catalog"), Value(LogicalType::VARCHAR),
                       Value(LogicalType::VARCHAR), Value(LogicalType::VARCHAR)});
  }

  void AddSchema(const std::string& database, const std::string& name, const char* type,
                 const std::string& source, const std::string& option) {
    rows_.push_back({Value(database), Value(name), Value::INTEGER(kOwner), Value(type),
                     Value(LogicalType::VARCHAR), TextOrNull(source), TextOrNull(option)});
  }

  void Schemas(const std::string& database) {
    if (IsMounted(database)) {
      for (const Json& found : Ask(Mounted(""), {{"what", "databases"}}))
        AddSchema(database, TextOf(found, "name"), "external", "", "");
      return;
    }
    const auto external = external_scan::OrThrow(sources_.schemas_of(context_, database));
    std::set<std::string> local{"pg_catalog", "information_schema"};
    duckdb::Catalog::GetCatalog(context_, database)
        .ScanSchemas(context_, [&](duckdb::SchemaCatalogEntry& schema) {
          if (!sql::IsReservedSchema(schema.name)) local.insert(schema.name);
        });
    for (const std::string& name : local) AddSchema(database, name, "local", "", "");
    for (const auto& [name, binding] : external)
      AddSchema(database, name, "external", binding.catalog_database, ExternalOptions(binding));
  }

  // The binding of an external schema; nothing for one of the database's own. Throws for one that
  // is not there.
  std::optional<ipc::ExternalSchemaBinding> Find(const std::string& database,
                                                 const std::string& schema) {
    if (IsMounted(database)) return Mounted(schema);
    auto external = external_scan::OrThrow(sources_.schemas_of(context_, database));
    if (const auto found = external.find(schema); found != external.end()) return found->second;
    const bool there = !sql::IsReservedSchema(schema) &&
                       duckdb::Catalog::GetSchema(context_, database, schema,
                                                  duckdb::OnEntryNotFound::RETURN_NULL) != nullptr;
    if (!there) Missing(ErrorKind::kUndefinedSchema, "schema", schema);
    return std::nullopt;
  }

  template <class Each>
  void EachRelation(const std::string& database, const std::string& schema, const Each& each) {
    auto found = duckdb::Catalog::GetSchema(context_, database, schema,
                                            duckdb::OnEntryNotFound::RETURN_NULL);
    if (!found) return;
    found->Scan(context_, duckdb::CatalogType::TABLE_ENTRY, [&](duckdb::CatalogEntry& entry) {
      if (!entry.internal) each(entry);
    });
  }

  void AddTable(const std::string& database, const std::string& schema, const std::string& name,
                const char* type, const std::string& remarks, const std::string& style,
                const char* subtype) {
    rows_.push_back({Value(database), Value(schema), Value(name), Value(type),
                     Value(LogicalType::VARCHAR), TextOrNull(remarks), Value(LogicalType::VARCHAR),
                     Value(LogicalType::TIMESTAMP), Value(LogicalType::TIMESTAMP),
                     TextOrNull(style), TextOrNull(subtype)});
  }

  void Tables(const std::string& database, const std::string& schema) {
    const auto external = Find(database, schema);
    if (external && external->source != ipc::SchemaSource::kRedshift) {
      for (const Json& table : Ask(*external, {{"what", "tables"}}))
        AddTable(database, schema, TextOf(table, "name"), "EXTERNAL TABLE", "", "", "");
      return;
    }
    EachRelation(
        external ? external->catalog_database : database,
        external ? external->remote_schema : schema, [&](duckdb::CatalogEntry& entry) {
          const auto facts = sql::TableFacts::Read(
              entry.comment.IsNull() ? std::string() : entry.comment.ToString());
          if (external) {
            AddTable(database, schema, entry.name, "EXTERNAL TABLE", facts.comment, "", "");
          } else if (entry.type == duckdb::CatalogType::VIEW_ENTRY) {
            AddTable(database, schema, entry.name, "VIEW", facts.comment, "",
                     facts.late_binding ? "LATE BINDING VIEW" : "REGULAR VIEW");
          } else {
            AddTable(database, schema, entry.name, "TABLE", facts.comment,
                     StyleOf(entry.Cast<duckdb::TableCatalogEntry>(), facts), "REGULAR TABLE");
          }
        });
  }

  // As SVV_TABLE_INFO.diststyle says it.
  static std::string StyleOf(const duckdb::TableCatalogEntry& table, const sql::TableFacts& facts) {
    if (facts.diststyle.empty() || facts.diststyle == "auto") return "AUTO(ALL)";
    if (facts.diststyle != "key") return Upper(facts.diststyle);
    for (const auto& column : table.GetColumns().Logical()) {
      if (!column.Comment().IsNull() && sql::ColumnFacts::Read(column.Comment().ToString()).distkey)
        return "KEY(" + column.Name() + ")";
    }
    return "KEY";
  }

  struct ColumnRow {
    std::string name, data_type;
    sql::Type type;
    std::string nullable;
    sql::ColumnFacts facts;
    std::string sort_style;
  };
  void AddColumn(const std::string& database, const std::string& schema, const std::string& table,
                 int32_t position, const ColumnRow& column) {
    const auto& facts = column.facts;
    const bool text = column.type.kind == TypeKind::kVarchar || column.type.kind == TypeKind::kChar;
    const auto [precision, scale] = PrecisionOf(column.type);
    rows_.push_back(
        {Value(database), Value(schema), Value(table), Value(column.name), Value::INTEGER(position),
         TextOrNull(facts.default_text), Value(column.nullable), Value(column.data_type),
         text && column.type.length >= 0 ? Value::INTEGER(column.type.length)
                                         : Value(LogicalType::INTEGER),
         precision, scale, TextOrNull(facts.comment),
         TextOrNull(facts.sortkey > 0 ? Upper(column.sort_style) : std::string()),
         Value::INTEGER(facts.sortkey), Value::INTEGER(facts.distkey ? 1 : 0),
         TextOrNull(facts.encoding),
         TextOrNull(text ? (column.type.fold_case ? "case_insensitive" : "default") : "")});
  }

  // Columns of a data catalog's or a remote database's table.
  void ColumnsOfCatalog(const std::string& database, const std::string& schema,
                        const std::string& table, const ipc::ExternalSchemaBinding& binding) {
    const auto tables = Ask(binding, {{"what", "tables"}, {"table", table}});
    if (tables.empty()) Missing(ErrorKind::kUndefinedTable, "relation", schema + "." + table);
    int32_t position = 0;
    for (const char* list : {"columns", "keys"}) {
      for (const Json& column : tables.front().value(list, Json::array())) {
        if (!column.is_array() || column.size() < 2 || !column[0].is_string() ||
            !column.back().is_string())
          continue;
        ColumnRow row;
        row.name = column[0].get<std::string>();
        row.data_type = column[1].is_string() ? column[1].get<std::string>() : "";
        const auto type = column.back().get<std::string>();
        row.type = sql::ParseCompactType(type == "float"    ? "real"
                                         : type == "string" ? "varchar(65535)"
                                                            : type);
        if (row.type.kind != TypeKind::kUnknown) row.data_type = sql::BareTypeText(row.type);
        AddColumn(database, schema, TextOf(tables.front(), "name"), ++position, row);
      }
    }
  }

  void Columns(const std::string& database, const std::string& schema, const std::string& table) {
    const auto external = Find(database, schema);
    if (external && external->source != ipc::SchemaSource::kRedshift)
      return ColumnsOfCatalog(database, schema, table, *external);
    const std::string& from = external ? external->catalog_database : database;
    const std::string& of = external ? external->remote_schema : schema;
    bool found = false;
    EachRelation(from, of, [&](duckdb::CatalogEntry& entry) {
      if (entry.name != table) return;
      found = true;
      int32_t position = 0;
      if (entry.type == duckdb::CatalogType::VIEW_ENTRY) {
        auto& view = entry.Cast<duckdb::ViewCatalogEntry>();
        const auto facts =
            sql::TableFacts::Read(view.comment.IsNull() ? std::string() : view.comment.ToString());
        const auto known = facts.late_binding ? nullptr : view.GetColumnInfo();
        for (size_t i = 0; known && i < known->names.size(); i++)
          AddColumn(database, schema, table, ++position,
                    RowOf(i < view.aliases.size() ? view.aliases[i] : known->names[i],
                          known->types[i], view.GetColumnComment(i), true, ""));
        return;
      }
      auto& base = entry.Cast<duckdb::TableCatalogEntry>();
      std::set<size_t> required;
      for (const auto& constraint : base.GetConstraints()) {
        if (constraint->type == duckdb::ConstraintType::NOT_NULL)
          required.insert(constraint->Cast<duckdb::NotNullConstraint>().index.index);
      }
      const auto facts =
          sql::TableFacts::Read(base.comment.IsNull() ? std::string() : base.comment.ToString());
      for (const auto& column : base.GetColumns().Logical())
        AddColumn(database, schema, table, ++position,
                  RowOf(column.Name(), column.Type(), column.Comment(),
                        !required.contains(column.Logical().index), facts.sort_style));
    });
    if (!found) Missing(ErrorKind::kUndefinedTable, "relation", schema + "." + table);
  }

  static ColumnRow RowOf(const std::string& name, const LogicalType& type, const Value& comment,
                         bool nullable, const std::string& sort_style) {
    ColumnRow row;
    row.name = name;
    row.type = FrontType(type);
    if (!comment.IsNull()) row.facts = sql::ColumnFacts::Read(comment.ToString());
    if (row.facts.type.kind != TypeKind::kUnknown) row.type = row.facts.type;
    row.data_type = sql::BareTypeText(row.type);
    row.nullable = nullable ? "YES" : "NO";
    row.sort_style = sort_style;
    return row;
  }

  duckdb::ClientContext& context_;
  const ShowBind& bind_;
  const ShowSources& sources_;
  const ExternalAsker asking_;
  external_scan::LakeClient::Interrupted interrupted_;
  std::vector<Row>& rows_;
};

duckdb::unique_ptr<duckdb::FunctionData> Bind(duckdb::ClientContext&,
                                              duckdb::TableFunctionBindInput& input,
                                              duckdb::vector<LogicalType>& types,
                                              duckdb::vector<std::string>& names) {
  auto bind = duckdb::make_uniq<ShowBind>();
  bind->info = &input.info->Cast<ShowInfo>();
  for (const auto& [name, type] : bind->info->listing.columns) {
    names.emplace_back(name);
    types.push_back(type);
  }
  for (const Value& name : input.inputs) bind->names.push_back(name.GetValue<std::string>());
  return bind;
}

duckdb::unique_ptr<duckdb::GlobalTableFunctionState> Init(duckdb::ClientContext& context,
                                                          duckdb::TableFunctionInitInput& input) {
  auto state = duckdb::make_uniq<ShowRows>();
  Collector(context, input.bind_data->Cast<ShowBind>(), state->rows).Run();
  return state;
}

void Run(duckdb::ClientContext&, duckdb::TableFunctionInput& input, duckdb::DataChunk& out) {
  auto& state = input.global_state->Cast<ShowRows>();
  idx_t count = 0;
  for (; count < STANDARD_VECTOR_SIZE && state.at < state.rows.size(); count++, state.at++) {
    for (idx_t column = 0; column < out.ColumnCount(); column++)
      out.SetValue(column, count, state.rows[state.at][column]);
  }
  out.SetCardinality(count);
}

}  // namespace

void RegisterShowFunctions(duckdb::DatabaseInstance& instance, external_scan::LakeClient& client,
                           ShowSources sources) {
  duckdb::ExtensionLoader loader(instance, "skep");
  for (const Listing& listing : Listings()) {
    duckdb::TableFunction function(listing.function,
                                   duckdb::vector<LogicalType>(listing.names, LogicalType::VARCHAR),
                                   Run, Bind, Init);
    function.function_info = duckdb::make_shared_ptr<ShowInfo>(client, sources, listing);
    loader.RegisterFunction(function);
  }
}

}  // namespace skep::worker
