#include "worker/external_views.h"

#include <fmt/format.h>

#include <algorithm>
#include <duckdb/catalog/catalog.hpp>
#include <duckdb/catalog/catalog_entry/schema_catalog_entry.hpp>
#include <duckdb/catalog/catalog_entry/table_catalog_entry.hpp>
#include <duckdb/catalog/catalog_entry/view_catalog_entry.hpp>
#include <duckdb/function/table_function.hpp>
#include <duckdb/main/extension/extension_loader.hpp>
#include <duckdb/planner/expression/bound_cast_expression.hpp>
#include <duckdb/planner/expression/bound_columnref_expression.hpp>
#include <duckdb/planner/expression/bound_comparison_expression.hpp>
#include <duckdb/planner/expression/bound_constant_expression.hpp>
#include <duckdb/planner/operator/logical_get.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/text.h"
#include "sql/column_facts.h"
#include "sql/emit/duckdb_catalog.h"
#include "worker/external_ddl.h"
#include "worker/external_scan/lake_errors.h"
#include "worker/external_scan/lake_file_system.h"
#include "worker/front_catalog.h"

namespace skep::worker {
namespace {

using duckdb::LogicalType;
using duckdb::Value;
using external_scan::LakeClient;
using Json = nlohmann::json;

constexpr int32_t kDataCatalog = static_cast<int32_t>(ipc::SchemaSource::kDataCatalog);  // eskind
constexpr int32_t kOwner = 100;         // what the other views call every user
constexpr size_t kLocationBytes = 128;  // SVV_EXTERNAL_PARTITIONS.location

enum class Shows { kSchemas, kDatabases, kTables, kColumns, kPartitions, kScans, kErrors, kDdl };

struct View {
  const char* function;
  Shows shows;
  duckdb::vector<std::pair<const char*, LogicalType>> columns;
};

const std::vector<View>& Views() {
  static const std::vector<View> kViews = [] {
    const auto text = LogicalType::VARCHAR;
    const auto number = LogicalType::INTEGER;
    const auto big = LogicalType::BIGINT;
    const auto moment = LogicalType::TIMESTAMP;
    const auto storage = [&](duckdb::vector<std::pair<const char*, LogicalType>> first) {
      for (const char* name :
           {"location", "input_format", "output_format", "serialization_lib", "serde_parameters"})
        first.emplace_back(name, text);
      first.emplace_back("compressed", number);
      first.emplace_back("parameters", text);
      return first;
    };
    return std::vector<View>{
        {"rs_external_schemas",
         Shows::kSchemas,
         {{"esoid", big},
          {"eskind", LogicalType::SMALLINT},
          {"schemaname", text},
          {"esowner", number},
          {"databasename", text},
          {"esoptions", text}}},
        {"rs_external_databases",
         Shows::kDatabases,
         {{"eskind", number},
          {"esoptions", text},
          {"databasename", text},
          {"location", text},
          {"parameters", text}}},
        {"rs_external_tables", Shows::kTables,
         storage({{"redshift_database_name", text},
                  {"schemaname", text},
                  {"tablename", text},
                  {"tabletype", text}})},
        {"rs_external_columns",
         Shows::kColumns,
         {{"redshift_database_name", text},
          {"schemaname", text},
          {"tablename", text},
          {"columnname", text},
          {"external_type", text},
          {"columnnum", number},
          {"part_key", number},
          {"is_nullable", text}}},
        {"rs_external_partitions", Shows::kPartitions,
         storage({{"schemaname", text}, {"tablename", text}, {"values", text}})},
        {"rs_external_scans",
         Shows::kScans,
         {{"query", big},        {"segment", big},      {"statement", text}, {"user_name", text},
          {"pid", number},       {"table_name", text},  {"format", text},    {"location", text},
          {"account", text},     {"role", text},        {"load", number},    {"nested", number},
          {"began", moment},     {"ended", moment},     {"partitions", big}, {"qualified", big},
          {"files_listed", big}, {"bytes_listed", big}, {"files", big},      {"bytes", big},
          {"requests", big},     {"lists", big},        {"list_us", big},    {"partition_us", big},
          {"request_us", big},   {"longest_us", big},   {"error", text},     {"row_count", big},
          {"query_text", text}}},
        {"rs_external_errors",
         Shows::kErrors,
         {{"query", big},
          {"location", text},
          {"rowid", text},
          {"colname", text},
          {"original_value", text},
          {"modified_value", text},
          {"action", text},
          {"error_code", number}}},
        {"rs_external_ddl", Shows::kDdl, {{"ddl", text}}}};
  }();
  return kViews;
}

struct ViewInfo final : duckdb::TableFunctionInfo {
  ViewInfo(LakeClient& c, ExternalAskerLookup a, const View& v)
      : client(c), asker(std::move(a)), view(v) {}
  LakeClient& client;
  ExternalAskerLookup asker;
  const View& view;
};

struct ViewBind final : duckdb::TableFunctionData {
  const ViewInfo* info = nullptr;
  // What filters named; of rs_external_ddl its arguments.
  std::optional<std::string> schema, table;
  bool with_partitions = false;
  duckdb::unique_ptr<duckdb::FunctionData> Copy() const override {
    return duckdb::make_uniq<ViewBind>(*this);
  }
};

using Row = duckdb::vector<Value>;

std::string TextOf(const Json& of, const char* name) {
  const auto found = of.find(name);
  return found != of.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// A number that names a schema: the same each time.
int64_t OidOf(const std::string& name) {
  uint64_t hash = 14695981039346656037ull;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  return static_cast<int64_t>(1'000'000'000 + hash % 1'000'000'000);
}

std::string Joined(const std::vector<std::string>& roles) {
  return fmt::format("{}", fmt::join(roles, ","));
}

// The relations of a schema of another database of the workspace, in the form in which a catalog
// tells of its own.
std::vector<Json> TablesElsewhere(duckdb::ClientContext& context,
                                  const ipc::ExternalSchemaBinding& binding,
                                  const std::optional<std::string>& only) {
  std::vector<Json> tables;
  auto schema =
      duckdb::Catalog::GetSchema(context, binding.catalog_database, binding.remote_schema,
                                 duckdb::OnEntryNotFound::RETURN_NULL);
  if (!schema) return tables;
  const auto column_of = [](const std::string& name, const LogicalType& type,
                            const Value& comment) {
    sql::Type shown = FrontType(type);
    if (!comment.IsNull()) {
      const auto facts = sql::ColumnFacts::Read(comment.ToString());
      if (facts.type.kind != sql::TypeKind::kUnknown) shown = facts.type;
    }
    return Json::array({name, sql::TypeText(shown)});
  };
  schema->Scan(context, duckdb::CatalogType::TABLE_ENTRY, [&](duckdb::CatalogEntry& found) {
    if (only && found.name != *only) return;
    const bool view = found.type == duckdb::CatalogType::VIEW_ENTRY;
    Json columns = Json::array();
    if (view) {
      auto& entry = found.Cast<duckdb::ViewCatalogEntry>();
      if (const auto known = entry.GetColumnInfo()) {
        for (size_t i = 0; i < known->names.size(); i++)
          columns.push_back(column_of(i < entry.aliases.size() ? entry.aliases[i] : known->names[i],
                                      known->types[i], entry.GetColumnComment(i)));
      }
    } else {
      for (const auto& column : found.Cast<duckdb::TableCatalogEntry>().GetColumns().Logical())
        columns.push_back(column_of(column.Name(), column.Type(), column.Comment()));
    }
    tables.push_back(
        {{"name", found.name}, {"type", view ? "VIEW" : "TABLE"}, {"columns", std::move(columns)}});
  });
  std::ranges::sort(tables, {}, [](const Json& table) { return table["name"].get<std::string>(); });
  return tables;
}

// All rows of one execution.
struct Rows final : duckdb::GlobalTableFunctionState {
  std::vector<Row> rows;
  size_t at = 0;
};

class Collector {
 public:
  Collector(duckdb::ClientContext& context, const ViewBind& bind, std::vector<Row>& rows)
      : context_(context),
        client_(bind.info->client),
        bind_(bind),
        asking_(bind.info->asker(context)),
        interrupted_(external_scan::InterruptOf(&context)),
        rows_(rows) {}

  void Run() {
    switch (bind_.info->view.shows) {
      case Shows::kSchemas:
        return Schemas();
      case Shows::kDatabases:
        return Databases();
      case Shows::kTables:
        return EachTable([&](const std::string& schema, const Json& t) { AddTable(schema, t); });
      case Shows::kColumns:
        return EachTable([&](const std::string& schema, const Json& t) { AddColumns(schema, t); });
      case Shows::kPartitions:
        return Partitions();
      case Shows::kScans:
        return Scans();
      case Shows::kErrors:
        return Errors();
      case Shows::kDdl:
        return Ddl();
    }
  }

 private:
  // The answers of one catalog; none when it cannot be asked, unless that is to fail.
  std::vector<std::string> Ask(const ipc::ExternalSchemaBinding& binding, const Json& question,
                               bool must) {
    auto answer = client_.AskCatalog(binding, asking_.asker, question.dump(), interrupted_);
    if (!answer && (must || answer.error().kind == ErrorKind::kQueryCanceled))
      external_scan::ThrowLakeError(answer.error());
    return answer ? std::move(*answer) : std::vector<std::string>();
  }

  template <class Each>
  void EachSchema(const Each& each) {
    for (const auto& [name, binding] : asking_.schemas) {
      if (!bind_.schema || *bind_.schema == name) each(name, binding);
    }
  }

  Json Question(const char* what) const {
    Json question = {{"what", what}};
    if (bind_.table) question["table"] = *bind_.table;
    return question;
  }

  void Schemas() {
    EachSchema([&](const std::string& name, const ipc::ExternalSchemaBinding& binding) {
      rows_.push_back({Value::BIGINT(OidOf(name)),
                       Value::SMALLINT(static_cast<int16_t>(binding.source)), Value(name),
                       Value::INTEGER(kOwner), Value(binding.catalog_database),
                       Value(ExternalOptions(binding))});
    });
  }

  void Databases() {
    std::set<std::string> seen;  // schemas with the same roles see the same
    for (const auto& [name, binding] : asking_.schemas) {
      if (binding.source != ipc::SchemaSource::kDataCatalog) continue;
      const std::string options = ExternalOptions(binding);
      if (!seen.insert(options).second) continue;
      for (const auto& text : Ask(binding, {{"what", "databases"}}, false)) {
        const Json database = Json::parse(text, nullptr, false);
        if (!database.is_object()) continue;
        rows_.push_back({Value::INTEGER(kDataCatalog), Value(options),
                         Value(TextOf(database, "name")), Value(TextOf(database, "location")),
                         Value(TextOf(database, "parameters"))});
      }
    }
  }

  template <class Each>
  void EachTable(const Each& each) {
    EachSchema([&](const std::string& schema, const ipc::ExternalSchemaBinding& binding) {
      if (binding.source == ipc::SchemaSource::kRedshift) {
        for (const Json& table : TablesElsewhere(context_, binding, bind_.table))
          each(schema, table);
        return;
      }
      for (const auto& text : Ask(binding, Question("tables"), false)) {
        const Json table = Json::parse(text, nullptr, false);
        if (table.is_object()) each(schema, table);
      }
    });
  }

  static void AddStorage(const Json& of, Row& row, size_t location_bytes = std::string::npos) {
    row.emplace_back(TextOf(of, "location").substr(0, location_bytes));
    for (const char* name : {"input", "output", "serde", "serde_parameters"})
      row.emplace_back(TextOf(of, name));
    row.push_back(Value::INTEGER(of.value("compressed", 0)));
    row.emplace_back(TextOf(of, "parameters"));
  }

  void AddTable(const std::string& schema, const Json& table) {
    Row row{Value(asking_.database), Value(schema), Value(TextOf(table, "name")),
            Value(TextOf(table, "type"))};
    AddStorage(table, row);
    rows_.push_back(std::move(row));
  }

  void AddColumns(const std::string& schema, const Json& table) {
    int32_t number = 1;
    for (const char* list : {"columns", "keys"}) {
      int32_t key = list[0] == 'k' ? 1 : 0;
      const auto found = table.find(list);
      if (found == table.end() || !found->is_array()) continue;
      for (const auto& column : *found) {
        if (!column.is_array() || column.size() < 2 || !column[0].is_string() ||
            !column[1].is_string())
          continue;
        rows_.push_back({Value(asking_.database), Value(schema), Value(TextOf(table, "name")),
                         Value(column[0].get<std::string>()), Value(column[1].get<std::string>()),
                         Value::INTEGER(number++), Value::INTEGER(key > 0 ? key++ : 0),
                         Value("true")});
      }
    }
  }

  void Partitions() {
    EachSchema([&](const std::string& schema, const ipc::ExternalSchemaBinding& binding) {
      if (binding.source != ipc::SchemaSource::kDataCatalog) return;
      for (const auto& text : Ask(binding, Question("partitions"), false)) {
        const Json partition = Json::parse(text, nullptr, false);
        if (!partition.is_object()) continue;
        Row row{Value(schema), Value(TextOf(partition, "table")),
                Value(partition.value("values", Json::array()).dump())};
        AddStorage(partition, row, kLocationBytes);
        rows_.push_back(std::move(row));
      }
    });
  }

  void Scans() {
    for (const auto& text : Ask({}, {{"what", "scans"}}, true)) {
      const Json scan = Json::parse(text, nullptr, false);
      if (!scan.is_object()) continue;
      Row row;
      for (const auto& [column, type] : bind_.info->view.columns) {
        const char* name = std::string_view(column) == "user_name"    ? "user"
                           : std::string_view(column) == "table_name" ? "table"
                           : std::string_view(column) == "row_count"  ? "rows"
                                                                      : column;
        const auto found = scan.find(name);
        if (found == scan.end()) {
          row.emplace_back(type);
        } else if (type == LogicalType::VARCHAR) {
          row.emplace_back(found->is_string() ? found->get<std::string>() : std::string());
        } else if (type == LogicalType::TIMESTAMP) {
          const auto us = found->is_number_integer() ? found->get<int64_t>() : 0;
          row.push_back(us == 0 ? Value(type) : Value::TIMESTAMP(duckdb::timestamp_t(us)));
        } else if (found->is_boolean()) {
          row.push_back(Value::INTEGER(found->get<bool>() ? 1 : 0));
        } else {
          const auto number = found->is_number_integer() ? found->get<int64_t>() : 0;
          row.push_back(Value::BIGINT(number).DefaultCastAs(type));
        }
      }
      rows_.push_back(std::move(row));
    }
  }

  // Values that scans did not take as they were.
  void Errors() {
    for (const auto& text : Ask({}, {{"what", "scans"}}, true)) {
      const Json scan = Json::parse(text, nullptr, false);
      if (!scan.is_object()) continue;
      for (const Json& error : scan.value("handled", Json::array())) {
        Row row{Value::BIGINT(scan.value("query", int64_t{0}))};
        for (const char* name : {"location", "rowid", "column", "original", "modified", "action"})
          row.emplace_back(TextOf(error, name));
        row.push_back(Value::INTEGER(error.value("code", 0)));
        rows_.push_back(std::move(row));
      }
    }
  }

  void Ddl() {
    ipc::ExternalSchemaBinding binding;
    if (sql::IsAutoMounted(*bind_.schema)) {
      binding.catalog_database = bind_.schema->substr(sql::kAutoMounted.size() + 1);
      binding.role_chain = {"default"};
    } else if (const auto found = asking_.schemas.find(*bind_.schema);
               found != asking_.schemas.end()) {
      binding = found->second;
    }
    const auto tables = Ask(binding, Question("tables"), true);
    if (tables.empty())
      external_scan::ThrowLakeError({ErrorKind::kUndefinedTable,
                                     fmt::format("relation \"{}\" does not exist", *bind_.table),
                                     {},
                                     {},
                                     0});
    const Json table = Json::parse(tables.front(), nullptr, false);
    rows_.push_back({Value(TableDdl(*bind_.schema, table))});
    if (!bind_.with_partitions) return;
    for (const auto& text : Ask(binding, Question("partitions"), true))
      rows_.push_back(
          {Value(PartitionDdl(*bind_.schema, table, Json::parse(text, nullptr, false)))});
  }

  duckdb::ClientContext& context_;
  LakeClient& client_;
  const ViewBind& bind_;
  const ExternalAsker asking_;
  LakeClient::Interrupted interrupted_;
  std::vector<Row>& rows_;
};

duckdb::unique_ptr<duckdb::FunctionData> Bind(duckdb::ClientContext&,
                                              duckdb::TableFunctionBindInput& input,
                                              duckdb::vector<LogicalType>& types,
                                              duckdb::vector<std::string>& names) {
  auto bind = duckdb::make_uniq<ViewBind>();
  bind->info = &input.info->Cast<ViewInfo>();
  for (const auto& [name, type] : bind->info->view.columns) {
    names.emplace_back(name);
    types.push_back(type);
  }
  if (bind->info->view.shows == Shows::kDdl) {
    bind->schema = input.inputs[0].GetValue<std::string>();
    bind->table = input.inputs[1].GetValue<std::string>();
    bind->with_partitions = input.inputs[2].GetValue<bool>();
  }
  return bind;
}

const duckdb::Expression& WithoutCasts(const duckdb::Expression& expression) {
  const duckdb::Expression* at = &expression;
  while (at->GetExpressionClass() == duckdb::ExpressionClass::BOUND_CAST)
    at = at->Cast<duckdb::BoundCastExpression>().child.get();
  return *at;
}

// Filters that name one schema or one table make the question smaller; they are still applied.
void TakeNames(duckdb::ClientContext&, duckdb::LogicalGet& get, duckdb::FunctionData* data,
               duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& filters) {
  auto& bind = data->Cast<ViewBind>();
  if (bind.info->view.shows == Shows::kDdl) return;
  for (const auto& filter : filters) {
    if (filter->GetExpressionType() != duckdb::ExpressionType::COMPARE_EQUAL) continue;
    const auto& comparison = filter->Cast<duckdb::BoundComparisonExpression>();
    const auto* column = &WithoutCasts(*comparison.left);
    const auto* constant = &WithoutCasts(*comparison.right);
    if (column->GetExpressionClass() != duckdb::ExpressionClass::BOUND_COLUMN_REF)
      std::swap(column, constant);
    if (column->GetExpressionClass() != duckdb::ExpressionClass::BOUND_COLUMN_REF ||
        constant->GetExpressionClass() != duckdb::ExpressionClass::BOUND_CONSTANT)
      continue;
    const auto& value = constant->Cast<duckdb::BoundConstantExpression>().value;
    if (value.IsNull() || value.type().id() != duckdb::LogicalTypeId::VARCHAR) continue;
    const auto& ids = get.GetColumnIds();
    const auto index = column->Cast<duckdb::BoundColumnRefExpression>().binding.column_index;
    if (index >= ids.size() || ids[index].IsVirtualColumn()) continue;
    const std::string_view name = bind.info->view.columns.at(ids[index].GetPrimaryIndex()).first;
    if (name == "schemaname") bind.schema = value.GetValue<std::string>();
    if (name == "tablename") bind.table = value.GetValue<std::string>();
  }
}

duckdb::unique_ptr<duckdb::GlobalTableFunctionState> Init(duckdb::ClientContext& context,
                                                          duckdb::TableFunctionInitInput& input) {
  auto rows = duckdb::make_uniq<Rows>();
  Collector(context, input.bind_data->Cast<ViewBind>(), rows->rows).Run();
  return rows;
}

void Run(duckdb::ClientContext&, duckdb::TableFunctionInput& input, duckdb::DataChunk& out) {
  auto& rows = input.global_state->Cast<Rows>();
  idx_t count = 0;
  for (; count < STANDARD_VECTOR_SIZE && rows.at < rows.rows.size(); count++, rows.at++) {
    for (idx_t column = 0; column < out.ColumnCount(); column++)
      out.SetValue(column, count, rows.rows[rows.at][column]);
  }
  out.SetCardinality(count);
}

}  // namespace

std::string ExternalOptions(const ipc::ExternalSchemaBinding& binding) {
  nlohmann::ordered_json options;
  if (binding.source != ipc::SchemaSource::kDataCatalog) options["SCHEMA"] = binding.remote_schema;
  if (binding.source == ipc::SchemaSource::kRedshift)
    return options.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (binding.source == ipc::SchemaSource::kPostgres) {
    options["URI"] = binding.host;
    options["PORT"] = binding.port;
    options["SECRET_ARN"] = binding.secret_arn;
  }
  options["IAM_ROLE"] = Joined(binding.role_chain);
  if (!binding.catalog_roles.empty()) options["CATALOG_ROLE"] = Joined(binding.catalog_roles);
  if (!binding.catalog_id.empty()) options["CATALOG_ID"] = binding.catalog_id;
  if (!binding.region.empty()) options["REGION"] = binding.region;
  return options.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void RegisterExternalViews(duckdb::DatabaseInstance& instance, LakeClient& client,
                           ExternalAskerLookup asker) {
  duckdb::ExtensionLoader loader(instance, "skep");
  for (const View& view : Views()) {
    duckdb::vector<LogicalType> arguments;
    if (view.shows == Shows::kDdl)
      arguments = {LogicalType::VARCHAR, LogicalType::VARCHAR, LogicalType::BOOLEAN};
    duckdb::TableFunction function(view.function, arguments, Run, Bind, Init);
    function.function_info = duckdb::make_shared_ptr<ViewInfo>(client, asker, view);
    function.pushdown_complex_filter = TakeNames;
    loader.RegisterFunction(function);
  }
}

}  // namespace skep::worker
