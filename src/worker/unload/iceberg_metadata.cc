#include "worker/unload/iceberg_metadata.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "base/ids.h"
#include "worker/external_scan/avro_encoder.h"

namespace skep::worker::unload {
namespace {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;
using external_scan::AvroEncoder;
using Json = nlohmann::ordered_json;

constexpr uint64_t kFileBytes = uint64_t{512} << 20;
constexpr size_t kFormerMetadata = 100;
constexpr int32_t kFirstPartitionId = 1000;

[[noreturn]] void Broken(const std::string& table, const std::string& why) {
  throw duckdb::InvalidInputException("Iceberg table %s cannot be written: %s", table, why);
}
[[noreturn]] void Unsupported(const std::string& table, const std::string& what) {
  throw duckdb::NotImplementedException(
      "Iceberg table %s has %s; writing such tables is not supported", table, what);
}

std::optional<LogicalType> TypeOf(const std::string& name) {
  static const std::pair<const char*, LogicalType> kTypes[] = {
      {"boolean", LogicalType::BOOLEAN}, {"int", LogicalType::INTEGER},
      {"long", LogicalType::BIGINT},     {"float", LogicalType::FLOAT},
      {"double", LogicalType::DOUBLE},   {"date", LogicalType::DATE},
      {"string", LogicalType::VARCHAR},  {"timestamp", LogicalType::TIMESTAMP},
      {"binary", LogicalType::BLOB}};
  for (const auto& [known, type] : kTypes) {
    if (name == known) return type;
  }
  unsigned precision = 0, scale = 0;
  if (std::sscanf(name.c_str(), "decimal(%u,%u)", &precision, &scale) == 2 && precision > 0 &&
      precision <= 38 && scale <= precision)
    return LogicalType::DECIMAL(static_cast<uint8_t>(precision), static_cast<uint8_t>(scale));
  return std::nullopt;
}

std::string Property(const Json& metadata, const char* name) {
  const auto properties = metadata.find("properties");
  if (properties == metadata.end() || !properties->is_object()) return {};
  const auto found = properties->find(name);
  return found != properties->end() && found->is_string() ? found->get<std::string>()
                                                          : std::string();
}

// The one of `list` whose `key` is `id`.
const Json& OneOf(const Json& metadata, const char* list, const char* key, int32_t id,
                  const std::string& table) {
  for (const Json& one : metadata.at(list)) {
    if (one.at(key).get<int32_t>() == id) return one;
  }
  Broken(table, fmt::format("its metadata lack {} {}", key, id));
}

void ReadSchema(IcebergTarget& target, const std::string& table) {
  target.schema_id = target.metadata.at("current-schema-id").get<int32_t>();
  const Json& schema = OneOf(target.metadata, "schemas", "schema-id", target.schema_id, table);
  for (const Json& field : schema.at("fields")) {
    const std::string name = field.at("name").get<std::string>();
    const std::string type =
        field.at("type").is_string() ? field.at("type").get<std::string>() : std::string("nested");
    const auto engine_type = TypeOf(type);
    if (!engine_type) Unsupported(table, "the column " + name + " of type " + type);
    target.fields.push_back(
        {field.at("id").get<int32_t>(), name, *engine_type, field.value("required", false)});
  }
  if (target.fields.empty()) Broken(table, "it has no columns");
}

void ReadPartition(IcebergTarget& target, const std::string& table) {
  target.spec_id = target.metadata.at("default-spec-id").get<int32_t>();
  const Json& spec = OneOf(target.metadata, "partition-specs", "spec-id", target.spec_id, table);
  for (const Json& field : spec.at("fields")) {
    TargetPartition part;
    part.name = field.at("name").get<std::string>();
    part.id = field.at("field-id").get<int32_t>();
    const std::string text = field.at("transform").get<std::string>();
    const auto transform = Transform::Parse(text);
    const auto source =
        std::ranges::find(target.fields, field.at("source-id").get<int32_t>(), &TargetField::id);
    if (!transform || source == target.fields.end())
      Unsupported(table, "the partition field " + part.name + " by " + text.substr(0, 40));
    const auto type = transform->ResultOf(source->type);
    if (!type) Broken(table, "its partition field " + part.name + " does not fit its column");
    part.source = static_cast<size_t>(source - target.fields.begin());
    part.transform = *transform;
    part.type = *type;
    target.partition.push_back(std::move(part));
  }
}

void ReadProperties(IcebergTarget& target, const std::string& table) {
  const auto property = [&](const char* name) { return Property(target.metadata, name); };
  if (const auto format = duckdb::StringUtil::Lower(property("write.format.default"));
      !format.empty() && format != "parquet")
    Unsupported(table, "data files in " + format.substr(0, 20));
  if (duckdb::StringUtil::Lower(property("write.metadata.compression-codec")) == "gzip")
    Unsupported(table, "compressed metadata");
  if (duckdb::StringUtil::Lower(property("write.wap.enabled")) == "true")
    Unsupported(table, "write-audit-publish enabled");
  target.compression = duckdb::StringUtil::Lower(property("write.parquet.compression-codec"));
  static const std::set<std::string> kKnown = {"zstd", "gzip", "snappy", "brotli", "uncompressed"};
  if (!kKnown.contains(target.compression)) target.compression = "zstd";
  target.file_bytes = kFileBytes;
  const std::string bytes = property("write.target-file-size-bytes");
  uint64_t number = 0;
  if (std::from_chars(bytes.data(), bytes.data() + bytes.size(), number).ec == std::errc{} &&
      number >= (1u << 20))
    target.file_bytes = std::min(number, kFileBytes * 8);
}

size_t DecimalBytes(const LogicalType& type) {
  // The fewest bytes that hold 10^precision - 1 in two's complement.
  const unsigned digits = duckdb::DecimalType::GetWidth(type);
  return static_cast<size_t>(static_cast<double>(digits) * 3.3219280948873626 + 1) / 8 + 1;
}

// A partition value's Avro type.
Json AvroType(const LogicalType& type, int32_t id) {
  switch (type.id()) {
    case LogicalTypeId::BOOLEAN:
      return "boolean";
    case LogicalTypeId::INTEGER:
      return "int";
    case LogicalTypeId::BIGINT:
      return "long";
    case LogicalTypeId::FLOAT:
      return "float";
    case LogicalTypeId::DOUBLE:
      return "double";
    case LogicalTypeId::DATE:
      return {{"type", "int"}, {"logicalType", "date"}};
    case LogicalTypeId::TIMESTAMP:
      return {{"type", "long"}, {"logicalType", "timestamp-micros"}, {"adjust-to-utc", false}};
    case LogicalTypeId::DECIMAL:
      return {{"type", "fixed"},
              {"name", fmt::format("decimal_{}", id)},
              {"size", DecimalBytes(type)},
              {"logicalType", "decimal"},
              {"precision", duckdb::DecimalType::GetWidth(type)},
              {"scale", duckdb::DecimalType::GetScale(type)}};
    case LogicalTypeId::BLOB:
      return "bytes";
    default:
      return "string";
  }
}

void PutPartitionValue(AvroEncoder& out, const duckdb::Value& value) {
  out.Branch(!value.IsNull());
  if (value.IsNull()) return;
  switch (value.type().id()) {
    case LogicalTypeId::BOOLEAN:
      out.Boolean(duckdb::BooleanValue::Get(value));
      break;
    case LogicalTypeId::INTEGER:
      out.Long(value.GetValueUnsafe<int32_t>());
      break;
    case LogicalTypeId::DATE:
      out.Long(value.GetValueUnsafe<duckdb::date_t>().days);
      break;
    case LogicalTypeId::BIGINT:
      out.Long(value.GetValueUnsafe<int64_t>());
      break;
    case LogicalTypeId::TIMESTAMP:
      out.Long(value.GetValueUnsafe<duckdb::timestamp_t>().value);
      break;
    case LogicalTypeId::FLOAT:
      out.Float(value.GetValueUnsafe<float>());
      break;
    case LogicalTypeId::DOUBLE:
      out.Double(value.GetValueUnsafe<double>());
      break;
    case LogicalTypeId::DECIMAL:
      out.Fixed(BigEndian(Unscaled(value), DecimalBytes(value.type())));
      break;
    default:
      out.Bytes(duckdb::StringValue::Get(value));
      break;
  }
}

Json Field(const char* name, Json type, int32_t id) {
  return {{"name", name}, {"type", std::move(type)}, {"field-id", id}};
}

Json Maybe(const char* name, Json type, int32_t id) {
  Json field = Field(name, Json::array({"null", std::move(type)}), id);
  field["default"] = nullptr;
  return field;
}

// A map with integer keys, which Avro has not.
Json MapOf(const char* name, const char* value, int32_t id, int32_t key_id) {
  Json entry = {{"type", "record"}, {"name", fmt::format("k{}_v{}", key_id, key_id + 1)}};
  entry["fields"] = Json::array({Field("key", "int", key_id), Field("value", value, key_id + 1)});
  return Maybe(name, {{"type", "array"}, {"logicalType", "map"}, {"items", entry}}, id);
}

Json ListOf(const char* name, const char* item, int32_t id, int32_t element_id) {
  return Maybe(name, {{"type", "array"}, {"items", item}, {"element-id", element_id}}, id);
}

// Avro allows letters, digits and underlines in names.
std::string AvroName(const std::string& name) {
  std::string out;
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    const bool digit = c >= '0' && c <= '9';
    if (letter || (digit && !out.empty()))
      out += c;
    else if (digit)
      out += fmt::format("_{}", c);
    else
      out += fmt::format("_x{:X}", static_cast<uint8_t>(c));
  }
  return out;
}

std::string ManifestSchema(const IcebergTarget& table) {
  Json partition = Json::array();
  for (const auto& part : table.partition) {
    partition.push_back(Maybe(AvroName(part.name).c_str(), AvroType(part.type, part.id), part.id));
  }
  const Json file = {
      {"type", "record"},
      {"name", "r2"},
      {"fields",
       Json::array(
           {Field("content", "int", 134), Field("file_path", "string", 100),
            Field("file_format", "string", 101),
            Field("partition", {{"type", "record"}, {"name", "r102"}, {"fields", partition}}, 102),
            Field("record_count", "long", 103), Field("file_size_in_bytes", "long", 104),
            MapOf("column_sizes", "long", 108, 117), MapOf("value_counts", "long", 109, 119),
            MapOf("null_value_counts", "long", 110, 121),
            MapOf("nan_value_counts", "long", 137, 138), MapOf("lower_bounds", "bytes", 125, 126),
            MapOf("upper_bounds", "bytes", 128, 129), Maybe("key_metadata", "bytes", 131),
            ListOf("split_offsets", "long", 132, 133), ListOf("equality_ids", "int", 135, 136),
            Maybe("sort_order_id", "int", 140)})}};
  const Json entry = {
      {"type", "record"},
      {"name", "manifest_entry"},
      {"fields",
       Json::array({Field("status", "int", 0), Maybe("snapshot_id", "long", 1),
                    Maybe("sequence_number", "long", 3), Maybe("file_sequence_number", "long", 4),
                    Field("data_file", file, 2)})}};
  return entry.dump();
}

template <class Get>
void PutMap(AvroEncoder& out, const DataFile& file, const Get& get) {
  size_t count = 0;
  for (const auto& [id, column] : file.columns) count += get(column) ? 1 : 0;
  out.Branch(true).Items(count);
  for (const auto& [id, column] : file.columns) {
    const auto value = get(column);
    if (!value) continue;
    out.Long(id);
    if constexpr (std::is_same_v<std::decay_t<decltype(*value)>, std::string>)
      out.Bytes(*value);
    else
      out.Long(static_cast<int64_t>(*value));
  }
  out.EndItems();
}

std::string EncodeFile(const DataFile& file, int64_t snapshot) {
  constexpr int32_t kAdded = 1, kData = 0;
  AvroEncoder out;
  out.Long(kAdded).Branch(true).Long(snapshot);
  out.Branch(false).Branch(false);  // sequence numbers are those of the manifest
  out.Long(kData).Bytes(file.path).Bytes("PARQUET");
  for (const auto& value : file.partition) PutPartitionValue(out, value);
  out.Long(static_cast<int64_t>(file.rows)).Long(static_cast<int64_t>(file.bytes));
  using Number = std::optional<uint64_t>;
  PutMap(out, file, [](const ColumnFigures& c) { return Number(c.bytes); });
  PutMap(out, file, [](const ColumnFigures& c) { return Number(c.values); });
  PutMap(out, file, [](const ColumnFigures& c) { return Number(c.nulls); });
  out.Branch(false);  // counts of NaN
  PutMap(out, file, [](const ColumnFigures& c) { return c.least; });
  PutMap(out, file, [](const ColumnFigures& c) { return c.most; });
  out.Branch(false).Branch(false).Branch(false).Branch(true).Long(0);  // unsorted
  return out.Take();
}

std::string ListSchema() {
  const Json summary = {
      {"type", "record"},
      {"name", "r508"},
      {"fields",
       Json::array({Field("contains_null", "boolean", 509), Maybe("contains_nan", "boolean", 518),
                    Maybe("lower_bound", "bytes", 510), Maybe("upper_bound", "bytes", 511)})}};
  const Json list = {
      {"type", "record"},
      {"name", "manifest_file"},
      {"fields",
       Json::array(
           {Field("manifest_path", "string", 500), Field("manifest_length", "long", 501),
            Field("partition_spec_id", "int", 502), Field("content", "int", 517),
            Field("sequence_number", "long", 515), Field("min_sequence_number", "long", 516),
            Field("added_snapshot_id", "long", 503), Field("added_files_count", "int", 504),
            Field("existing_files_count", "int", 505), Field("deleted_files_count", "int", 506),
            Field("added_rows_count", "long", 512), Field("existing_rows_count", "long", 513),
            Field("deleted_rows_count", "long", 514),
            Maybe("partitions", {{"type", "array"}, {"items", summary}, {"element-id", 508}}, 507),
            Maybe("key_metadata", "bytes", 519)})}};
  return list.dump();
}

void PutMaybe(AvroEncoder& out, const std::optional<std::string>& bytes) {
  out.Branch(bytes.has_value());
  if (bytes) out.Bytes(*bytes);
}

std::string EncodeManifest(const ListedManifest& entry) {
  AvroEncoder out;
  out.Bytes(entry.path).Long(static_cast<int64_t>(entry.bytes)).Long(entry.spec_id);
  out.Long(entry.content).Long(entry.sequence).Long(entry.least_sequence).Long(entry.snapshot);
  for (const int64_t count : entry.files) out.Long(count);
  for (const int64_t count : entry.rows) out.Long(count);
  out.Branch(entry.partitions.has_value());
  if (entry.partitions) {
    out.Items(entry.partitions->size());
    for (const auto& part : *entry.partitions) {
      out.Boolean(part.has_null).Branch(part.has_nan.has_value());
      if (part.has_nan) out.Boolean(*part.has_nan);
      PutMaybe(out, part.least);
      PutMaybe(out, part.most);
    }
    out.EndItems();
  }
  PutMaybe(out, entry.key_metadata);
  return out.Take();
}

uint64_t Total(const Json& metadata, const char* name) {
  const auto current = metadata.find("current-snapshot-id");
  if (current == metadata.end() || !current->is_number()) return 0;
  for (const Json& snapshot : metadata.value("snapshots", Json::array())) {
    if (snapshot.at("snapshot-id") != *current) continue;
    const Json summary = snapshot.value("summary", Json::object());
    const std::string text = summary.value(name, std::string("0"));
    uint64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
  }
  return 0;
}

Json SummaryOf(const Json& metadata, const std::vector<DataFile>& files) {
  uint64_t rows = 0, bytes = 0;
  std::set<std::string> partitions;
  for (const auto& file : files) {
    rows += file.rows;
    bytes += file.bytes;
    std::string key;
    for (const auto& value : file.partition) key += value.ToSQLString() + ",";
    partitions.insert(std::move(key));
  }
  const auto text = [](uint64_t number) { return std::to_string(number); };
  const auto total = [&](const char* name, uint64_t more) {
    return text(Total(metadata, name) + more);
  };
  return {{"operation", "append"},
          {"added-data-files", text(files.size())},
          {"added-records", text(rows)},
          {"added-files-size", text(bytes)},
          {"changed-partition-count", text(partitions.size())},
          {"total-records", total("total-records", rows)},
          {"total-files-size", total("total-files-size", bytes)},
          {"total-data-files", total("total-data-files", files.size())},
          {"total-delete-files", total("total-delete-files", 0)},
          {"total-position-deletes", total("total-position-deletes", 0)},
          {"total-equality-deletes", total("total-equality-deletes", 0)}};
}

}  // namespace

IcebergTarget IcebergTarget::Read(const std::string& text, const std::string& path,
                                  const std::string& table) {
  IcebergTarget target;
  target.path = path;
  try {
    target.metadata = Json::parse(text);
    const int version = target.metadata.at("format-version").get<int>();
    if (version != 2) Unsupported(table, fmt::format("format version {}", version));
    target.location = target.metadata.at("location").get<std::string>();
    for (const std::string_view scheme : {"s3a://", "s3n://"}) {
      if (target.location.starts_with(scheme)) target.location.erase(2, 1);
    }
    if (!target.location.starts_with("s3://"))
      Unsupported(table, "the location " + target.location.substr(0, 200));
    while (target.location.ends_with('/')) target.location.pop_back();
    ReadSchema(target, table);
    ReadPartition(target, table);
    ReadProperties(target, table);
    // What a commit adds to must be there, and of its type.
    (void)target.metadata.at("last-sequence-number").get<int64_t>();
    (void)target.metadata.at("last-updated-ms").get<int64_t>();
    for (const char* list : {"snapshots", "snapshot-log", "metadata-log"}) {
      if (!target.metadata.contains(list)) target.metadata[list] = Json::array();
      if (!target.metadata[list].is_array()) Broken(table, fmt::format("its {} is no list", list));
    }
    for (const Json& one : target.metadata["snapshots"]) (void)one.at("snapshot-id").get<int64_t>();
    if (!target.metadata.contains("refs")) target.metadata["refs"] = Json::object();
    if (!target.metadata["refs"].is_object()) Broken(table, "its refs are no object");
  } catch (const Json::exception&) {
    Broken(table, path + " is not what it should be");
  }
  return target;
}

IcebergTarget IcebergTarget::New(const std::string& plan, const std::string& location,
                                 const std::string& table, int64_t now_ms) {
  const Json from = Json::parse(plan);
  Json fields = Json::array(), partition = Json::array();
  int32_t id = 0, partition_id = kFirstPartitionId - 1;
  for (const Json& field : from.at("fields"))
    fields.push_back({{"id", ++id},
                      {"name", field.at("name")},
                      {"required", false},
                      {"type", field.at("type")}});
  for (const Json& part : from.at("partition")) {
    const std::string column = part.at("column"), transform = part.at("transform");
    int32_t source = 0;
    for (const Json& field : fields) {
      if (field.at("name") == column) source = field.at("id").get<int32_t>();
    }
    // The names that other engines give.
    const std::string word = transform.substr(0, transform.find('['));
    partition.push_back({{"name", transform == "identity" ? column
                                  : word == "truncate"    ? column + "_trunc"
                                                          : column + "_" + word},
                         {"transform", transform},
                         {"source-id", source},
                         {"field-id", ++partition_id}});
  }
  IcebergTarget target;
  target.location = location;
  target.metadata = {
      {"format-version", 2},
      {"table-uuid", NewUuid()},
      {"location", location},
      {"last-sequence-number", 0},
      {"last-updated-ms", now_ms},
      {"last-column-id", id},
      {"current-schema-id", 0},
      {"schemas", Json::array({{{"type", "struct"}, {"schema-id", 0}, {"fields", fields}}})},
      {"default-spec-id", 0},
      {"partition-specs", Json::array({{{"spec-id", 0}, {"fields", partition}}})},
      {"last-partition-id", partition_id},
      {"default-sort-order-id", 0},
      {"sort-orders", Json::array({{{"order-id", 0}, {"fields", Json::array()}}})},
      {"properties", from.at("properties")},
      {"current-snapshot-id", -1},
      {"refs", Json::object()},
      {"snapshots", Json::array()},
      {"statistics", Json::array()},
      {"partition-statistics", Json::array()},
      {"snapshot-log", Json::array()},
      {"metadata-log", Json::array()}};
  ReadSchema(target, table);
  ReadPartition(target, table);
  ReadProperties(target, table);
  return target;
}

std::string ManifestOf(const IcebergTarget& table, int64_t snapshot,
                       const std::vector<DataFile>& files) {
  const Json& schema =
      OneOf(table.metadata, "schemas", "schema-id", table.schema_id, table.location);
  const Json& spec =
      OneOf(table.metadata, "partition-specs", "spec-id", table.spec_id, table.location);
  std::vector<std::string> records;
  for (const auto& file : files) records.push_back(EncodeFile(file, snapshot));
  return external_scan::AvroFile(ManifestSchema(table),
                                 {{"schema", schema.dump()},
                                  {"schema-id", std::to_string(table.schema_id)},
                                  {"partition-spec", spec.at("fields").dump()},
                                  {"partition-spec-id", std::to_string(table.spec_id)},
                                  {"format-version", "2"},
                                  {"content", "data"}},
                                 records);
}

ListedManifest EntryOf(const IcebergTarget& table, int64_t snapshot,
                       const std::vector<DataFile>& files) {
  ListedManifest entry;
  entry.spec_id = table.spec_id;
  entry.snapshot = snapshot;
  entry.files[0] = static_cast<int64_t>(files.size());
  for (const auto& file : files) entry.rows[0] += static_cast<int64_t>(file.rows);
  entry.partitions.emplace();
  for (size_t i = 0; i < table.partition.size(); i++) {
    ListedManifest::Summary summary;
    duckdb::Value least, most;
    for (const auto& file : files) {
      const auto& value = file.partition[i];
      const auto id = value.type().id();
      if (value.IsNull()) {
        summary.has_null = true;
      } else if ((id == LogicalTypeId::FLOAT || id == LogicalTypeId::DOUBLE) &&
                 value.GetValue<double>() != value.GetValue<double>()) {
        summary.has_nan = true;
      } else {
        if (least.IsNull() || value < least) least = value;
        if (most.IsNull() || most < value) most = value;
      }
    }
    summary.least = SingleValue(least);
    summary.most = SingleValue(most);
    entry.partitions->push_back(std::move(summary));
  }
  return entry;
}

std::string ManifestListOf(const Snapshot& snapshot, const std::vector<ListedManifest>& manifests) {
  std::vector<std::string> records;
  for (const auto& manifest : manifests) records.push_back(EncodeManifest(manifest));
  return external_scan::AvroFile(
      ListSchema(),
      {{"snapshot-id", std::to_string(snapshot.id)},
       {"parent-snapshot-id", snapshot.parent ? std::to_string(*snapshot.parent) : "null"},
       {"sequence-number", std::to_string(snapshot.sequence)},
       {"format-version", "2"}},
      records);
}

Snapshot NextSnapshot(const IcebergTarget& table, int64_t id, int64_t now_ms) {
  Snapshot next;
  next.id = id;
  next.sequence = table.metadata.at("last-sequence-number").get<int64_t>() + 1;
  next.timestamp_ms = std::max(now_ms, table.metadata.at("last-updated-ms").get<int64_t>());
  const auto current = table.metadata.find("current-snapshot-id");
  if (current != table.metadata.end() && current->is_number() && current->get<int64_t>() != -1)
    next.parent = current->get<int64_t>();
  return next;
}

std::string MetadataWith(const IcebergTarget& table, const std::optional<Snapshot>& snapshot,
                         const std::vector<DataFile>& files) {
  Json metadata = table.metadata;
  if (!table.path.empty()) {
    Json& log = metadata["metadata-log"];
    log.push_back(
        {{"timestamp-ms", metadata.at("last-updated-ms")}, {"metadata-file", table.path}});
    while (log.size() > kFormerMetadata) log.erase(log.begin());
  }
  if (!snapshot) return metadata.dump(2, ' ', false, Json::error_handler_t::replace);
  Json one = {{"snapshot-id", snapshot->id}};
  if (snapshot->parent) one["parent-snapshot-id"] = *snapshot->parent;
  one["sequence-number"] = snapshot->sequence;
  one["timestamp-ms"] = snapshot->timestamp_ms;
  one["summary"] = SummaryOf(metadata, files);
  one["manifest-list"] = snapshot->manifest_list;
  one["schema-id"] = table.schema_id;
  metadata["snapshots"].push_back(std::move(one));
  metadata["current-snapshot-id"] = snapshot->id;
  metadata["last-sequence-number"] = snapshot->sequence;
  metadata["last-updated-ms"] = snapshot->timestamp_ms;
  metadata["snapshot-log"].push_back(
      {{"timestamp-ms", snapshot->timestamp_ms}, {"snapshot-id", snapshot->id}});
  Json& main = metadata["refs"]["main"];
  if (!main.is_object()) main = Json::object();
  main["snapshot-id"] = snapshot->id;
  main["type"] = "branch";
  return metadata.dump(2, ' ', false, Json::error_handler_t::replace);
}

std::string NextMetadataName(const IcebergTarget& table) {
  uint64_t number = 0;
  if (!table.path.empty()) {
    const std::string name = table.path.substr(table.path.rfind('/') + 1);
    const char* first = name.data() + (name.starts_with('v') ? 1 : 0);
    if (std::from_chars(first, name.data() + name.size(), number).ec == std::errc{}) number++;
  }
  return fmt::format("{:05}-{}.metadata.json", number, NewUuid());
}

}  // namespace skep::worker::unload
