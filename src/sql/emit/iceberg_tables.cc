// CREATE TABLE ... USING ICEBERG [AS]: what the worker's writer makes the table of
// (src/worker/unload/iceberg_commit.h). Source: the developer guide's "Writing to Apache Iceberg
// tables", chapter "SQL commands".
#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "sql/emit/statement_emitter.h"

namespace skep::sql {
using namespace ast;

namespace {

using Json = nlohmann::json;

constexpr std::string_view kCompressions[] = {"zstd", "brotli", "gzip", "snappy", "uncompressed"};

// A type in Iceberg's words; empty for one that such tables have not.
std::string IcebergType(const Type& type) {
  using enum TypeKind;
  switch (type.kind) {
    case kBoolean:
      return "boolean";
    case kInt:
      return "int";
    case kBigint:
      return "long";
    case kReal:
      return "float";
    case kDouble:
      return "double";
    case kDecimal:
      return "decimal(" + std::to_string(type.length < 0 ? 18 : type.length) + ", " +
             std::to_string(type.length < 0 ? 0 : type.scale) + ")";
    case kDate:
      return "date";
    case kTimestamp:
      return "timestamp";
    case kVarchar:
      return "string";
    case kVarbyte:
      return "binary";
    default:
      return {};
  }
}

// The same in the catalog's.
std::string CatalogType(const std::string& iceberg) {
  if (iceberg == "long") return "bigint";
  std::string text = iceberg;
  std::erase(text, ' ');
  return text;
}

// Source: the table specification, "Partition Transforms".
bool Fits(std::string_view transform, TypeKind kind) {
  using enum TypeKind;
  if (transform == "identity") return kind != kReal && kind != kDouble;
  if (transform == "bucket") return kind != kBoolean && kind != kReal && kind != kDouble;
  if (transform == "truncate")
    return kind == kInt || kind == kBigint || kind == kDecimal || kind == kVarchar ||
           kind == kVarbyte;
  return kind == kTimestamp || (kind == kDate && transform != "hour");
}

}  // namespace

Result<Json> StatementEmitter::IcebergPartition(const List<Expr*>& fields,
                                                const std::vector<UnloadColumn>& columns) {
  Json partition = Json::array();
  std::set<size_t> used;
  for (const Expr* field : fields) {
    const auto wrong = [&](const std::string& why) {
      return resolver_.Fail1(ErrorKind::kInvalidArgument, why, field);
    };
    std::string transform = "identity";
    const Expr* of = field;
    int64_t number = 0;
    if (const auto* call = As<Call>(field)) {
      transform = resolver_.Fold(call->name.back());
      const bool numbered = transform == "bucket" || transform == "truncate";
      if (!numbered && transform != "year" && transform != "month" && transform != "day" &&
          transform != "hour")
        return wrong("partition transform \"" + transform + "\" is not supported");
      if (call->name.size() != 1 || call->arguments.size() != (numbered ? 2u : 1u))
        return wrong("partition transform \"" + transform + "\" takes " +
                     (numbered ? "a number and a column" : "a column"));
      if (numbered) {
        const auto* literal = As<Literal>(call->arguments[0]);
        const std::string_view digits = literal ? literal->text : std::string_view();
        const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number);
        if (!literal || literal->literal != LiteralKind::kInteger || read.ec != std::errc{} ||
            read.ptr != digits.data() + digits.size() || number < 1 || number > INT32_MAX)
          return wrong("partition transform \"" + transform + "\" takes a positive number");
      }
      of = call->arguments.back();
    }
    const auto* column = As<ColumnRef>(of);
    if (!column || column->parts.size() != 1) return wrong("a table is partitioned by its columns");
    const std::string name = resolver_.Fold(column->parts[0]);
    const auto found = std::ranges::find(columns, name, &UnloadColumn::name);
    if (found == columns.end())
      return resolver_.Fail1(ErrorKind::kUndefinedColumn, "column \"" + name + "\" does not exist",
                             of);
    if (!used.insert(static_cast<size_t>(found - columns.begin())).second)
      return wrong("column \"" + name + "\" is used in more than one partition transform");
    if (!Fits(transform, found->type.kind))
      return wrong("column \"" + name + "\" of type " + TypeText(found->type) +
                   " cannot be partitioned by " + transform);
    if (number > 0) transform += "[" + std::to_string(number) + "]";
    partition.push_back({{"column", name}, {"transform", transform}});
  }
  return partition;
}

Result<Json> StatementEmitter::IcebergProperties(const List<Property*>& properties) {
  std::string compression = "zstd";
  for (const Property* property : properties) {
    const std::string key = Lower(property->key ? property->key->text : std::string_view());
    const std::string value = Lower(property->value ? property->value->text : std::string_view());
    if (key == "compression_type") {
      if (std::ranges::find(kCompressions, value) == std::end(kCompressions))
        return resolver_.Fail1(ErrorKind::kInvalidArgument,
                               "compression_type \"" + value +
                                   "\" is not one of zstd, brotli, gzip, "
                                   "snappy and uncompressed",
                               property);
      compression = value;
    } else if (key == "format-version") {
      if (value == "3") return Unsupported("'format-version'='3' of Iceberg tables", *property);
      if (value != "2")
        return resolver_.Fail1(ErrorKind::kInvalidArgument,
                               "format-version \"" + value + "\" of an Iceberg table is not valid",
                               property);
    } else {
      return resolver_.Fail1(ErrorKind::kInvalidArgument,
                             "property \"" + key + "\" of Iceberg tables is not supported",
                             property);
    }
  }
  return Json{{"write.parquet.compression-codec", compression}};
}

// `columns` name those of the query, if there is one; otherwise they are the table's.
Result<void> StatementEmitter::EmitIcebergTable(const QualifiedName& name, bool if_not_exists,
                                                const TableFormat& format,
                                                std::vector<UnloadColumn> columns,
                                                const std::string& query, const Node& at) {
  if (resolver_.Fold(format.format) != "iceberg")
    return Unsupported("CREATE TABLE ... USING " + resolver_.Fold(format.format), at);
  SKEP_TRY_ASSIGN(const std::string schema, ExternalSchemaOf(name, at));
  if (IsAutoMounted(schema))
    return resolver_.Fail1(ErrorKind::kInsufficientPrivilege,
                           "database awsdatacatalog is read-only", &at);
  const std::string location(format.location ? format.location->text : std::string_view());
  if (!location.starts_with("s3://") || location.size() == 5)
    return resolver_.Fail1(ErrorKind::kInvalidArgument,
                           "LOCATION of an Iceberg table must be an s3:// path", &at);
  UnloadPlan plan;
  plan.schema = schema;
  plan.table = resolver_.Fold(name.back());
  plan.if_not_exists = if_not_exists;
  plan.path = location.ends_with('/') ? location : location + "/";
  plan.format = UnloadFormat::kParquet;
  plan.extension = ".parquet";
  std::set<std::string> names;
  Json fields = Json::array(), catalog_columns = Json::array();
  for (UnloadColumn& column : columns) {
    if (column.type.kind == TypeKind::kLiteral || column.type.kind == TypeKind::kName)
      column.type = Type::Of(TypeKind::kVarchar);
    const std::string type = IcebergType(column.type);
    if (type.empty())
      return resolver_.Fail1(
          ErrorKind::kFeatureNotSupported,
          "Unsupported data type \"" + TypeText(column.type) + "\" for Iceberg table creation",
          &at);
    if (!names.insert(column.name).second)
      return resolver_.Fail1(ErrorKind::kDuplicateColumn,
                             "column \"" + column.name + "\" specified more than once", &at);
    fields.push_back({{"name", column.name}, {"type", type}});
    catalog_columns.push_back({{"Name", column.name}, {"Type", CatalogType(type)}});
  }
  SKEP_TRY(CheckColumnCount(columns.size(), at));
  SKEP_TRY_ASSIGN(const Json partition, IcebergPartition(format.partitioned_by, columns));
  SKEP_TRY_ASSIGN(const Json properties, IcebergProperties(format.properties));
  plan.columns = std::move(columns);
  const std::string place = plan.path.substr(0, plan.path.size() - 1);
  const Json table = {{"Name", plan.table},
                      {"Owner", context_.user},
                      {"Retention", 0},
                      {"TableType", "EXTERNAL_TABLE"},
                      {"Parameters", {{"EXTERNAL", "TRUE"}, {"table_type", "ICEBERG"}}},
                      {"PartitionKeys", Json::array()},
                      {"StorageDescriptor", {{"Columns", catalog_columns}, {"Location", place}}}};
  const auto text = [](const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
  };
  plan.creation = text({{"operation", "CreateTable"}, {"table", table}});
  plan.iceberg = text({{"fields", fields}, {"partition", partition}, {"properties", properties}});
  out_.writes_lake = true;
  PutUnload(query, plan, true);
  return {};
}

Result<void> StatementEmitter::EmitCreateIceberg(const CreateTable& create) {
  std::vector<UnloadColumn> columns;
  std::string nothing;
  for (const Node* element : create.elements) {
    const auto* column = As<ColumnDefinition>(element);
    if (!column) return Unsupported("a constraint or LIKE of an Iceberg table", *element);
    if (column->default_value)
      return resolver_.Fail1(ErrorKind::kFeatureNotSupported,
                             "Default column values are supported only for Iceberg v3 tables",
                             column);
    if (column->null_rule != NullRule::kNone || column->primary_key || column->unique ||
        column->distkey || column->sortkey || !column->encode.empty() ||
        !column->references.empty() || !column->collate.empty() ||
        column->identity != IdentityKind::kNone)
      return Unsupported("a constraint or attribute of a column of an Iceberg table", *column);
    auto type = TypeOf(*column->type);
    if (!type) return resolver_.Fail1(type.error().kind, type.error().message, column->type);
    columns.push_back({resolver_.Fold(column->name), *type});
    nothing += nothing.empty() ? "select null" : ", null";
  }
  if (columns.empty() || create.temporary || HasAttributes(create.attributes))
    return Unsupported("an Iceberg table that is temporary, distributed or without columns",
                       create);
  return EmitIcebergTable(create.name, create.if_not_exists, create.format, std::move(columns),
                          nothing + " where false", create);
}

Result<void> StatementEmitter::EmitCreateIcebergAs(const CreateTableAs& create) {
  if (create.temporary || HasAttributes(create.attributes))
    return Unsupported("a temporary or distributed Iceberg table", create);
  SKEP_TRY_ASSIGN(const Emitted query, EmitRows(*create.query, text_, create));
  std::vector<UnloadColumn> columns;
  for (const Column& column : query.output) columns.push_back({column.name, column.type});
  if (create.columns.size() > columns.size())
    return resolver_.FailAt(ErrorKind::kSyntaxError,
                            "CREATE TABLE AS specifies too many column names",
                            create.columns[0].begin);
  for (size_t i = 0; i < create.columns.size(); i++)
    columns[i].name = resolver_.Fold(create.columns[i]);
  return EmitIcebergTable(create.name, create.if_not_exists, create.format, std::move(columns),
                          query.text, create);
}

bool StatementEmitter::HasAttributes(const TableAttributes& attributes) {
  return attributes.backup != OnOff::kNone || attributes.dist_style != DistStyle::kNone ||
         !attributes.dist_key.empty() || attributes.sort_style != SortStyle::kNone ||
         !attributes.sort_key.empty() || attributes.encode_auto;
}

}  // namespace skep::sql
