// Tables of external schemas: what a statement changes in the data catalog, as a Glue structure.
// Source: the developer guide's "CREATE EXTERNAL TABLE", "ALTER TABLE"; Glue's "Table structure".
#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/text.h"
#include "sql/emit/load_options.h"
#include "sql/emit/statement_emitter.h"

namespace skep::sql {
using namespace ast;

namespace {

using Json = nlohmann::json;

constexpr std::string_view kHive = "org.apache.hadoop.hive.";

struct Storage {
  std::string_view word;
  std::string_view input, output, serde;
};
constexpr Storage kStorage[] = {
    {"parquet", "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
     "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
     "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
    {"orc", "org.apache.hadoop.hive.ql.io.orc.OrcInputFormat",
     "org.apache.hadoop.hive.ql.io.orc.OrcOutputFormat",
     "org.apache.hadoop.hive.ql.io.orc.OrcSerde"},
    {"avro", "org.apache.hadoop.hive.ql.io.avro.AvroContainerInputFormat",
     "org.apache.hadoop.hive.ql.io.avro.AvroContainerOutputFormat",
     "org.apache.hadoop.hive.serde2.avro.AvroSerDe"},
    {"rcfile", "org.apache.hadoop.hive.ql.io.RCFileInputFormat",
     "org.apache.hadoop.hive.ql.io.RCFileOutputFormat",
     "org.apache.hadoop.hive.serde2.columnar.LazyBinaryColumnarSerDe"},
    {"sequencefile", "org.apache.hadoop.mapred.SequenceFileInputFormat",
     "org.apache.hadoop.hive.ql.io.HiveSequenceFileOutputFormat",
     "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"},
    {"textfile", "org.apache.hadoop.mapred.TextInputFormat",
     "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
     "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"},
};

// A type in the catalog's words; empty for one that it has not.
std::string HiveType(const Type& type) {
  using enum TypeKind;
  switch (type.kind) {
    case kBoolean:
      return "boolean";
    case kSmallint:
      return "smallint";
    case kInt:
      return "int";
    case kBigint:
      return "bigint";
    case kReal:
      return "float";
    case kDouble:
      return "double";
    case kDate:
      return "date";
    case kTimestamp:
      return "timestamp";
    case kDecimal:
      return "decimal(" + std::to_string(type.length < 0 ? 18 : type.length) + "," +
             std::to_string(type.scale) + ")";
    case kChar:
      return "char(" + std::to_string(type.length < 0 ? 1 : type.length) + ")";
    case kVarchar:
      return type.length < 0 ? "string" : "varchar(" + std::to_string(type.length) + ")";
    case kVarbyte:
      return "binary";
    case kArray: {
      const std::string element = HiveType(type.elements->front());
      return element.empty() ? element : "array<" + element + ">";
    }
    case kMap: {
      const std::string key = HiveType((*type.elements)[0]), value = HiveType((*type.elements)[1]);
      return key.empty() || value.empty() ? std::string() : "map<" + key + "," + value + ">";
    }
    case kStruct: {
      std::string text = "struct<";
      for (size_t i = 0; i < type.elements->size(); i++) {
        const std::string field = HiveType((*type.elements)[i]);
        if (field.empty()) return field;
        text += (i > 0 ? "," : "") + (*type.names)[i] + ":" + field;
      }
      return text + ">";
    }
    default:
      return {};
  }
}

std::string TextOf(const Value* value) { return value ? std::string(value->text) : std::string(); }

}  // namespace

Result<std::string> StatementEmitter::ExternalSchemaOf(const QualifiedName& name, const Node& at) {
  std::vector<std::string> parts;
  for (const Name& part : name) parts.push_back(resolver_.Fold(part));
  if (parts.size() == 3 && parts[0] == context_.database) parts.erase(parts.begin());
  if (parts.size() == 3 && parts[0] == kAutoMounted)
    return std::string(kAutoMounted) + "." + parts[1];
  if (parts.size() != 2)
    return resolver_.Fail1(ErrorKind::kSyntaxError,
                           "an external table is named with its external schema", &at);
  if (!context_.catalog || !context_.catalog->IsExternalSchema(parts[0]))
    return resolver_.Fail1(ErrorKind::kUndefinedSchema,
                           "external schema \"" + parts[0] + "\" does not exist", &at);
  SKEP_TRY(CheckWritable(parts[0], at));
  return parts[0];
}

Result<void> StatementEmitter::CheckWritable(const std::string& external_schema, const Node& at) {
  if (context_.catalog && context_.catalog->IsExternalSchema(external_schema) &&
      !context_.catalog->IsCatalogSchema(external_schema))
    return resolver_.Fail1(ErrorKind::kFeatureNotSupported,
                           "Operation not supported on external tables", &at,
                           "External schema \"" + external_schema +
                               "\" shows tables of another database, which can only be read.");
  return {};
}

std::optional<RelationEntry> StatementEmitter::ExternalNamed(const QualifiedName& name) const {
  if (name.size() < 2 || name.size() > 3 || !context_.catalog) return std::nullopt;
  RelationEntry entry;
  entry.kind = RelationKind::kExternal;
  entry.schema = resolver_.Fold(name[name.size() - 2]);
  entry.name = resolver_.Fold(name.back());
  if (!context_.catalog->IsExternalSchema(entry.schema)) return std::nullopt;
  return entry;
}

Result<Json> StatementEmitter::ExternalColumns(const List<ColumnDefinition*>& columns,
                                               std::set<std::string>& names) {
  Json list = Json::array();
  for (const ColumnDefinition* column : columns) {
    auto type = TypeOf(*column->type);
    if (!type) return resolver_.Fail1(type.error().kind, type.error().message, column->type);
    const std::string name = resolver_.Fold(column->name), hive = HiveType(*type);
    if (hive.empty())
      return resolver_.Fail1(
          ErrorKind::kFeatureNotSupported,
          "Unsupported data type \"" + TypeText(*type) + "\" for external table creation",
          column->type);
    if (!names.insert(name).second)
      return resolver_.Fail1(ErrorKind::kDuplicateColumn,
                             "column \"" + name + "\" specified more than once", column);
    list.push_back({{"Name", name}, {"Type", hive}});
  }
  return list;
}

Result<void> StatementEmitter::EmitCreateExternalTable(const CreateExternalTable& create) {
  SKEP_TRY_ASSIGN(const std::string schema, ExternalSchemaOf(create.name, create));
  if (IsAutoMounted(schema))
    return resolver_.Fail1(ErrorKind::kInsufficientPrivilege,
                           "database awsdatacatalog is read-only", &create);
  if (create.query) return EmitCreateExternalTableAs(create, schema);
  std::set<std::string> names;
  SKEP_TRY_ASSIGN(Json columns, ExternalColumns(create.columns, names));
  SKEP_TRY_ASSIGN(Json keys, ExternalColumns(create.partitioned_by, names));
  SKEP_TRY(CheckColumnCount(names.size(), create));
  SKEP_TRY_ASSIGN(const Json table, ExternalTable(create, std::move(columns), std::move(keys)));
  ChangeCatalog(
      schema,
      {{"operation", "CreateTable"}, {"table", table}, {"if_not_exists", create.if_not_exists}});
  return {};
}

// CREATE EXTERNAL TABLE ... AS: the rows are written first, and the table is made with them.
// Source: the developer guide's "CREATE EXTERNAL TABLE", "CREATE EXTERNAL TABLE AS".
Result<void> StatementEmitter::EmitCreateExternalTableAs(const CreateExternalTable& create,
                                                         const std::string& schema) {
  UnloadPlan plan;
  plan.schema = schema;
  plan.table = resolver_.Fold(create.name.back());
  plan.if_not_exists = create.if_not_exists;
  if (!create.columns.empty() || create.serde || create.input_format)
    return Unsupported("CREATE EXTERNAL TABLE ... AS with columns or a SERDE", create);
  const std::string_view stored = create.stored_as.empty() ? "textfile" : create.stored_as;
  if (stored != "parquet" && stored != "textfile")
    return Unsupported("CREATE EXTERNAL TABLE ... AS STORED AS " + std::string(stored), create);
  SKEP_TRY_ASSIGN(const Emitted query, EmitRows(*create.query, text_, create));
  for (const Column& column : query.output) plan.columns.push_back({column.name, column.type});
  std::vector<Name> keys_named;
  for (const ColumnDefinition* column : create.partitioned_by) keys_named.push_back(column->name);
  SKEP_TRY(ReadPartition(List<Name>(keys_named), create, plan));

  std::set<std::string> names;
  Json columns = Json::array(), keys = Json::array();
  for (size_t i = 0; i < plan.columns.size(); i++) {
    auto& [name, type] = plan.columns[i];
    if (type.kind == TypeKind::kLiteral || type.kind == TypeKind::kName)
      type = Type::Of(TypeKind::kVarchar);
    const std::string hive = HiveType(type);
    if (hive.empty())
      return resolver_.Fail1(
          ErrorKind::kFeatureNotSupported,
          "Unsupported data type \"" + TypeText(type) + "\" for external table creation", &create);
    if (!names.insert(name).second)
      return resolver_.Fail1(ErrorKind::kDuplicateColumn,
                             "column \"" + name + "\" specified more than once", &create);
    if (std::ranges::find(plan.partition, i) == plan.partition.end())
      columns.push_back({{"Name", name}, {"Type", hive}});
  }
  for (const uint32_t i : plan.partition)
    keys.push_back({{"Name", plan.columns[i].name}, {"Type", HiveType(plan.columns[i].type)}});
  SKEP_TRY(CheckColumnCount(names.size(), create));
  SKEP_TRY_ASSIGN(const Json table, ExternalTable(create, std::move(columns), std::move(keys)));

  plan.path = TextOf(create.location);
  if (!plan.path.ends_with('/')) plan.path += '/';
  plan.creation = Json({{"operation", "CreateTable"}, {"table", table}})
                      .dump(-1, ' ', false, Json::error_handler_t::replace);
  plan.format = stored == "parquet" ? UnloadFormat::kParquet : UnloadFormat::kDelimited;
  plan.extension = stored == "parquet" ? ".parquet" : ".txt";
  const Json& serde = table["StorageDescriptor"]["SerdeInfo"]["Parameters"];
  if (serde.contains("line.delim")) return Unsupported("LINES TERMINATED BY here", create);
  const auto delimiter = Delimiter(serde.value("field.delim", "\x01"));
  const std::string escape = serde.value("escape.delim", "");
  if (!delimiter || (!escape.empty() && escape != "\\"))
    return resolver_.Fail1(ErrorKind::kInvalidArgument,
                           "the delimiter must be a single ASCII character, the escape character "
                           "a backslash",
                           &create);
  plan.delimiter = *delimiter;
  plan.escape = !escape.empty();
  plan.null_text = serde.value("serialization.null.format", "\\N");
  out_.writes_lake = true;
  PutUnload(query.text, plan, true);
  return {};
}

// INSERT INTO an external table: positional, its partition columns last.
Result<void> StatementEmitter::EmitInsertExternal(const Insert& insert,
                                                  const RelationEntry& entry) {
  if ((!insert.columns.empty() && !entry.iceberg) || insert.default_values)
    return Unsupported("INSERT into some columns of an external table", insert);
  UnloadPlan plan;
  plan.schema = entry.schema;
  plan.table = entry.name;
  plan.existing = "keep";  // its files have new names
  for (const Column& column : entry.columns) {
    const Type declared = ColumnFacts::Read(column.facts).type;
    if (!column.name.starts_with('$'))
      plan.columns.push_back(
          {column.name, declared.kind == TypeKind::kUnknown ? column.type : declared});
  }
  for (size_t i = plan.columns.size() - entry.partition_keys; i < plan.columns.size(); i++)
    plan.partition.push_back(static_cast<uint32_t>(i));
  SKEP_TRY(CheckRows(*insert.query, insert));
  Resolver source(context_, text_, resolver_.resolved().parameters);
  if (insert.with) SKEP_TRY(source.EnterWith(*insert.with));
  SKEP_TRY_ASSIGN(const auto output, source.ResolveQuery(*insert.query));
  std::vector<size_t> given;  // the place of each value among the table's columns
  for (const Name& name : insert.columns) {
    const std::string column = resolver_.Fold(name);
    const auto found = std::ranges::find(plan.columns, column, &UnloadColumn::name);
    if (found == plan.columns.end())
      return resolver_.FailAt(
          ErrorKind::kUndefinedColumn,
          "column \"" + column + "\" of relation \"" + entry.name + "\" does not exist",
          name.begin);
    const auto place = static_cast<size_t>(found - plan.columns.begin());
    if (std::ranges::find(given, place) != given.end())
      return resolver_.FailAt(ErrorKind::kDuplicateColumn,
                              "column \"" + column + "\" specified more than once", name.begin);
    given.push_back(place);
  }
  if (given.empty()) {
    given.resize(plan.columns.size());
    std::iota(given.begin(), given.end(), size_t{0});
  }
  if (output.size() != given.size())
    return resolver_.Fail1(ErrorKind::kSyntaxError,
                           output.size() > given.size()
                               ? "INSERT has more expressions than target columns"
                               : "INSERT has more target columns than expressions",
                           &insert);
  DuckDbWriter inner(context_, source.resolved(), text_, &writer_);
  if (insert.with) inner.WriteWithClause(*insert.with);
  inner.WriteQuery(*insert.query);
  if (inner.error()) return std::unexpected(*inner.error());
  out_.writes_lake = true;
  std::string rows = inner.text();
  if (!insert.columns.empty()) {
    // What is not given is NULL.
    std::string names, values;
    for (size_t i = 0; i < plan.columns.size(); i++) {
      const auto at = std::ranges::find(given, i);
      values += (i > 0 ? ", " : "") +
                (at == given.end() ? "null" : "g" + std::to_string(at - given.begin()));
    }
    for (size_t i = 0; i < given.size(); i++) names += (i > 0 ? ", g" : "g") + std::to_string(i);
    rows = "select " + values + " from (" + rows + ") as given(" + names + ")";
  }
  PutUnload(rows, plan, true);
  return {};
}

// A table of the data catalog, as Glue's structure has it.
Result<Json> StatementEmitter::ExternalTable(const CreateExternalTable& create, Json columns,
                                             Json keys) {
  const std::string location = TextOf(create.location);
  if (!location.starts_with("s3://") || location.size() == 5)
    return resolver_.Fail1(ErrorKind::kInvalidArgument,
                           "LOCATION of an external table must be an s3:// path", &create);
  Json parameters = {{"EXTERNAL", "TRUE"}};
  for (const Property* property : create.properties)
    parameters[TextOf(property->key)] = TextOf(property->value);
  Json serde_parameters = Json::object();
  for (const Property* property : create.serde_properties)
    serde_parameters[TextOf(property->key)] = TextOf(property->value);
  std::string input = TextOf(create.input_format), output = TextOf(create.output_format),
              serde = TextOf(create.serde);
  if (input.empty()) {
    const auto storage = std::ranges::find(
        kStorage, create.stored_as.empty() ? "textfile" : create.stored_as, &Storage::word);
    if (storage == std::end(kStorage))
      return Unsupported("STORED AS " + std::string(create.stored_as), create);
    input = storage->input;
    output = storage->output;
    if (serde.empty()) serde = storage->serde;
  } else if (serde.empty()) {
    serde = std::string(kHive) + "serde2.lazy.LazySimpleSerDe";
  }
  if (create.delimited) {
    serde = std::string(kHive) + "serde2.lazy.LazySimpleSerDe";
    const std::pair<std::string_view, const char*> kFields[] = {
        {"fields terminated by", "field.delim"},
        {"escaped by", "escape.delim"},
        {"lines terminated by", "line.delim"},
        {"null defined as", "serialization.null.format"},
        {"collection items terminated by", "collection.delim"},
        {"map keys terminated by", "mapkey.delim"}};
    for (const Option* option : create.row_format) {
      for (const auto& [word, parameter] : kFields) {
        if (option->name == word) serde_parameters[parameter] = std::string(option->text());
      }
    }
    if (serde_parameters.contains("field.delim"))
      serde_parameters["serialization.format"] = serde_parameters["field.delim"];
  }
  return Json{{"Name", resolver_.Fold(create.name.back())},
              {"Owner", context_.user},
              {"Retention", 0},
              {"TableType", "EXTERNAL_TABLE"},
              {"Parameters", parameters},
              {"PartitionKeys", keys},
              {"StorageDescriptor",
               {{"Columns", columns},
                {"Location", location},
                {"InputFormat", input},
                {"OutputFormat", output},
                {"Compressed", false},
                {"NumberOfBuckets", -1},
                {"SerdeInfo", {{"SerializationLibrary", serde}, {"Parameters", serde_parameters}}},
                {"BucketColumns", Json::array()},
                {"SortColumns", Json::array()},
                {"Parameters", Json::object()},
                {"StoredAsSubDirectories", false}}}};
}

void StatementEmitter::ChangeCatalog(const std::string& schema, const Json& change) {
  out_.catalog_changes.push_back(
      {schema, change.dump(-1, ' ', false, Json::error_handler_t::replace)});
}

// PARTITION (key = value, ...) in the order of the keys.
Result<Json> StatementEmitter::PartitionOf(const PartitionValues& partition) {
  Json values = Json::object();
  for (const Property* property : partition.values)
    values[Lower(TextOf(property->key))] = TextOf(property->value);
  return values;
}

// SHOW EXTERNAL TABLE. Source: the developer guide's "SHOW EXTERNAL TABLE".
Result<void> StatementEmitter::EmitShowDefinition(const ShowDefinition& show) {
  if (show.object != ObjectKind::kExternalTable) return Unsupported("this SHOW", show);
  SKEP_TRY_ASSIGN(const std::string schema, ExternalSchemaOf(show.name->name, show));
  writer_.Put("select ddl as \"External Table DDL statement\" from rs_external_ddl(");
  writer_.PutString(schema);
  writer_.Put(", ");
  writer_.PutString(resolver_.Fold(show.name->name.back()));
  writer_.Put(show.partition ? ", true)" : ", false)");
  out_.output.push_back({"External Table DDL statement", Type::Of(TypeKind::kVarchar)});
  out_.returns_rows = true;
  return {};
}

Result<void> StatementEmitter::EmitAlterExternal(const AlterTable& alter,
                                                 const RelationEntry& entry) {
  for (const AlterAction* action : alter.actions) {
    Json change = {{"name", entry.name}};
    switch (action->step) {
      case AlterStep::kAddPartitions: {
        change["operation"] = "AddPartitions";
        change["if_not_exists"] = action->if_not_exists;
        for (const PartitionValues* partition : action->partitions) {
          SKEP_TRY_ASSIGN(Json values, PartitionOf(*partition));
          change["partitions"].push_back(
              {{"values", values}, {"location", TextOf(partition->location)}});
        }
        break;
      }
      case AlterStep::kDropPartitions: {
        change["operation"] = "DropPartitions";
        for (const PartitionValues* partition : action->partitions) {
          SKEP_TRY_ASSIGN(Json values, PartitionOf(*partition));
          change["partitions"].push_back({{"values", values}});
        }
        break;
      }
      case AlterStep::kSetLocation:
        change["operation"] = "SetLocation";
        change["location"] = TextOf(action->location);
        break;
      case AlterStep::kSetTableProperties:
        change["operation"] = "SetProperties";
        for (const Property* property : action->properties)
          change["parameters"][TextOf(property->key)] = TextOf(property->value);
        break;
      default:
        return Unsupported("this change of an external table", *action);
    }
    const std::string location = change.value("location", std::string());
    if (change["operation"] == "SetLocation" && !location.starts_with("s3://"))
      return resolver_.Fail1(ErrorKind::kInvalidArgument,
                             "LOCATION of an external table must be an s3:// path", action);
    ChangeCatalog(entry.schema, change);
  }
  return {};
}

}  // namespace skep::sql
