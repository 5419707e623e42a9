#include "worker/external_scan/iceberg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <duckdb/storage/statistics/base_statistics.hpp>
#include <duckdb/storage/statistics/numeric_stats.hpp>
#include <duckdb/storage/statistics/string_stats.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/crypto.h"
#include "worker/external_scan/lake_errors.h"
#include "worker/external_scan/lake_file_system.h"

namespace skep::external_scan {
namespace {

using Json = nlohmann::json;

constexpr uint64_t kMaxMetadataBytes = 256u << 20;
constexpr size_t kMaxFields = 20'000;
constexpr size_t kMaxDepth = 32;
constexpr size_t kMaxFiles = 4'000'000;
constexpr size_t kMaxDeletedRows = 100'000'000;
constexpr size_t kMaxManifests = 1'000'000;
constexpr size_t kMaxDeleteFiles = 1'000'000;
constexpr size_t kMaxDeletePairs = 10'000'000;  // of a data file and one that deletes from it

// Of an entry of a manifest: the file is not in the snapshot any more.
constexpr int32_t kDeletedEntry = 2;
enum Content : int32_t { kData = 0, kPositionDeletes = 1, kEqualityDeletes = 2 };

[[noreturn]] void Broken(const std::string& table, const std::string& why) {
  throw duckdb::InvalidInputException("Iceberg table %s cannot be read: %s", table, why);
}
[[noreturn]] void Unsupported(const std::string& table, const std::string& what) {
  throw duckdb::NotImplementedException("Iceberg table %s has %s, which is not supported", table,
                                        what);
}

// Writers name one store by several schemes.
std::string OnS3(std::string path) {
  for (const std::string_view scheme : {"s3a://", "s3n://"}) {
    if (path.starts_with(scheme)) return "s3://" + path.substr(scheme.size());
  }
  return path;
}

class SchemaReader {
 public:
  explicit SchemaReader(const std::string& table) : table_(table) {}

  std::vector<IcebergField> Fields(const Json& json, size_t depth) {
    if (!json.is_array()) Broken(table_, "its schema has no fields");
    std::vector<IcebergField> fields;
    for (const Json& one : json) {
      IcebergField field = Type(one.at("type"), depth);
      field.id = one.at("id").get<int32_t>();
      field.name = duckdb::StringUtil::Lower(one.at("name").get<std::string>());
      field.initial = duckdb::Value(field.type);
      if (one.contains("initial-default") && !one["initial-default"].is_null())
        field.initial = Default(field, one["initial-default"]);
      fields.push_back(std::move(field));
    }
    return fields;
  }

 private:
  IcebergField Type(const Json& json, size_t depth) {
    if (depth > kMaxDepth || ++count_ > kMaxFields) Broken(table_, "its schema is too large");
    IcebergField field;
    if (json.is_string()) {
      field.type = Primitive(json.get<std::string>());
      return field;
    }
    const auto kind = json.at("type").get<std::string>();
    if (kind == "struct") {
      field.children = Fields(json.at("fields"), depth + 1);
      duckdb::child_list_t<duckdb::LogicalType> types;
      for (const auto& child : field.children) types.emplace_back(child.name, child.type);
      if (types.empty()) Unsupported(table_, "a struct without fields");
      field.type = duckdb::LogicalType::STRUCT(std::move(types));
    } else if (kind == "list") {
      field.children.push_back(Member(json, "element", depth));
      field.type = duckdb::LogicalType::LIST(field.children[0].type);
    } else if (kind == "map") {
      field.children.push_back(Member(json, "key", depth));
      field.children.push_back(Member(json, "value", depth));
      field.type = duckdb::LogicalType::MAP(field.children[0].type, field.children[1].type);
    } else {
      Unsupported(table_, "a column of type " + kind.substr(0, 40));
    }
    return field;
  }

  // Source: the specification's appendix C, "JSON single-value serialization".
  duckdb::Value Default(const IcebergField& field, const Json& json) const {
    using duckdb::LogicalTypeId;
    if (!field.children.empty())
      Unsupported(table_, "a default of the nested column " + field.name);
    if (json.is_boolean())
      return duckdb::Value::BOOLEAN(json.get<bool>()).DefaultCastAs(field.type);
    std::string text = json.is_string() ? json.get<std::string>() : json.dump();
    duckdb::Value value, cast;
    if (field.type.id() == LogicalTypeId::BLOB) {
      const auto bytes = HexDecode(text);
      if (bytes) cast = duckdb::Value::BLOB_RAW(*bytes);
    } else {
      value = duckdb::Value(text);
      std::string error;
      if (field.type.id() == LogicalTypeId::TIMESTAMP && text.ends_with("+00:00"))
        value = duckdb::Value(text.substr(0, text.size() - 6));
      if (!value.DefaultTryCastAs(field.type, cast, &error, true)) cast = duckdb::Value();
    }
    if (cast.IsNull())
      Broken(table_, "the default of column " + field.name + " is not of its type");
    return cast;
  }

  IcebergField Member(const Json& json, const std::string& name, size_t depth) {
    IcebergField field = Type(json.at(name), depth + 1);
    field.initial = duckdb::Value(field.type);
    field.id = json.at(name + "-id").get<int32_t>();
    field.name = name;
    return field;
  }

  duckdb::LogicalType Primitive(const std::string& name) const {
    using duckdb::LogicalType;
    if (name == "boolean") return LogicalType::BOOLEAN;
    if (name == "int") return LogicalType::INTEGER;
    if (name == "long") return LogicalType::BIGINT;
    if (name == "float") return LogicalType::FLOAT;
    if (name == "double") return LogicalType::DOUBLE;
    if (name == "date") return LogicalType::DATE;
    // Instants are shown at UTC, as Redshift's timestamps of external tables are.
    if (name == "timestamp" || name == "timestamptz") return LogicalType::TIMESTAMP;
    if (name == "string" || name == "uuid" || name == "time") return LogicalType::VARCHAR;
    if (name == "binary" || name.starts_with("fixed[")) return LogicalType::BLOB;
    unsigned precision = 0, scale = 0;
    if (std::sscanf(name.c_str(), "decimal(%u,%u)", &precision, &scale) == 2 && precision > 0 &&
        precision <= 38 && scale <= precision)
      return LogicalType::DECIMAL(static_cast<uint8_t>(precision), static_cast<uint8_t>(scale));
    Unsupported(table_, "a column of type " + name.substr(0, 40));
  }

  const std::string& table_;
  size_t count_ = 0;
};

template <class T>
std::optional<T> LittleEndian(const std::string& bytes) {
  if (bytes.size() != sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

// A bound as manifests hold it (specification, appendix D); none for types that need none.
std::optional<duckdb::Value> Bound(const duckdb::LogicalType& type, const std::string& bytes) {
  using duckdb::LogicalTypeId;
  const auto whole = [&]() -> std::optional<int64_t> {
    if (const auto narrow = LittleEndian<int32_t>(bytes)) return *narrow;
    return LittleEndian<int64_t>(bytes);
  };
  switch (type.id()) {
    case LogicalTypeId::INTEGER:
    case LogicalTypeId::BIGINT:
      // A column that was widened has bounds of its former type.
      if (const auto value = whole()) return duckdb::Value::Numeric(type, *value);
      return std::nullopt;
    case LogicalTypeId::DATE:
      if (const auto value = LittleEndian<int32_t>(bytes))
        return duckdb::Value::DATE(duckdb::date_t(*value));
      return std::nullopt;
    case LogicalTypeId::TIMESTAMP:
      if (const auto value = LittleEndian<int64_t>(bytes))
        return duckdb::Value::TIMESTAMP(duckdb::timestamp_t(*value));
      return std::nullopt;
    case LogicalTypeId::VARCHAR:
      if (bytes.empty() || !duckdb::Value::StringIsValid(bytes)) return std::nullopt;
      return duckdb::Value(bytes);
    default:
      return std::nullopt;
  }
}

// A field of a row or a struct by its name; NULL where there is none.
class Row {
 public:
  Row(const duckdb::vector<std::string>& names, const duckdb::vector<duckdb::Value>& values)
      : names_(names), values_(values) {}

  duckdb::Value Get(std::string_view name) const {
    for (size_t i = 0; i < names_.size(); i++) {
      if (names_[i] == name) return values_[i];
    }
    return duckdb::Value();
  }
  int64_t Number(std::string_view name, int64_t otherwise = 0) const {
    const duckdb::Value value = Get(name);
    return value.IsNull() ? otherwise : value.GetValue<int64_t>();
  }
  std::string Text(std::string_view name) const {
    const duckdb::Value value = Get(name);
    return value.IsNull() ? std::string() : value.GetValue<std::string>();
  }
  static duckdb::vector<std::string> NamesOf(const duckdb::Value& value) {
    duckdb::vector<std::string> names;
    for (const auto& [name, type] : duckdb::StructType::GetChildTypes(value.type()))
      names.push_back(name);
    return names;
  }

 private:
  const duckdb::vector<std::string>& names_;
  const duckdb::vector<duckdb::Value>& values_;
};

void TakeBounds(const duckdb::Value& list,
                const std::unordered_map<int32_t, duckdb::LogicalType>& types, bool least,
                IcebergFile& file) {
  if (list.IsNull()) return;
  for (const auto& entry : duckdb::ListValue::GetChildren(list)) {
    const auto& parts = duckdb::StructValue::GetChildren(entry);
    if (parts.size() != 2 || parts[0].IsNull() || parts[1].IsNull()) continue;
    const auto id = parts[0].GetValue<int32_t>();
    const auto type = types.find(id);
    if (type == types.end()) continue;
    auto value = Bound(type->second, duckdb::StringValue::Get(parts[1]));
    auto& bounds = file.bounds[id];
    (least ? bounds.least : bounds.most) = std::move(value);
  }
}

std::string Quoted(const std::string& text) {
  return "'" + duckdb::StringUtil::Replace(text, "'", "''") + "'";
}

duckdb::MultiFileColumnDefinition DefinitionOf(const IcebergField& field) {
  duckdb::MultiFileColumnDefinition column(field.name, field.type);
  column.identifier = duckdb::Value::INTEGER(field.id);
  column.default_expression = duckdb::make_uniq<duckdb::ConstantExpression>(field.initial);
  for (const auto& child : field.children) column.children.push_back(DefinitionOf(child));
  return column;
}

}  // namespace

IcebergTable::IcebergTable(duckdb::ClientContext& context, LakeClient& client, uint64_t scan,
                           const std::string& table, const std::string& metadata)
    : client_(client), database_(*context.db), scan_(scan), name_(table) {
  const std::string text = ReadText(context, OnS3(metadata));
  try {
    ReadMetadata(text);
  } catch (const Json::exception&) {
    Broken(name_, fmt::format("{} is not what it should be", metadata));
  }
}

std::string IcebergTable::ReadText(duckdb::ClientContext& context, const std::string& path) {
  const auto file = Open({{path, 0}}, InterruptOf(&context)).at(0);
  if (file.size > kMaxMetadataBytes) Broken(name_, path + " is too large");
  const bool packed = path.ends_with(".gz") || path.ends_with(".gz.metadata.json");
  const auto handle = duckdb::FileSystem::GetFileSystem(context).OpenFile(
      EncodeLakePath({{scan_, file.number, file.size}, file.path}),
      duckdb::FileFlags::FILE_FLAGS_READ |
          (packed ? duckdb::FileCompressionType::GZIP : duckdb::FileCompressionType::UNCOMPRESSED));
  std::string text;
  while (true) {
    constexpr size_t kPiece = 1u << 20;
    const size_t have = text.size();
    if (have > kMaxMetadataBytes) Broken(name_, path + " is too large");
    text.resize(have + kPiece);
    const int64_t read = handle->Read(text.data() + have, kPiece);
    text.resize(have + static_cast<size_t>(std::max<int64_t>(read, 0)));
    if (read <= 0) return text;
  }
}

void IcebergTable::ReadMetadata(const std::string& text) {
  const Json json = Json::parse(text);
  const auto version = json.at("format-version").get<int>();
  if (version > 3) Unsupported(name_, fmt::format("format version {}", version));
  const Json* schema = json.contains("schema") ? &json["schema"] : nullptr;
  if (json.contains("current-schema-id") && json.contains("schemas")) {
    for (const Json& one : json["schemas"]) {
      if (one.value("schema-id", -1) == json["current-schema-id"].get<int>()) schema = &one;
    }
  }
  if (!schema) Broken(name_, "its metadata have no schema");
  fields_ = SchemaReader(name_).Fields(schema->at("fields"), 0);
  if (fields_.empty()) Broken(name_, "it has no columns");
  // Files may have been deleted from by columns that are gone.
  for (const Json& one : json.value("schemas", Json::array())) {
    try {
      for (auto& field : SchemaReader(name_).Fields(one.at("fields"), 0))
        known_[field.id] = std::move(field);
    } catch (const duckdb::NotImplementedException&) {
      // A former schema with types that are not read: the current one is what counts.
    }
  }
  for (const auto& field : fields_) {
    known_[field.id] = field;
    if (field.children.empty()) types_[field.id] = field.type;
  }
  for (const Json& spec : json.value("partition-specs", Json::array())) {
    if (spec.at("fields").empty()) unpartitioned_.insert(spec.at("spec-id").get<int32_t>());
  }
  if (!json.contains("current-snapshot-id") || json["current-snapshot-id"].is_null()) return;
  const auto current = json["current-snapshot-id"].get<int64_t>();
  if (current == -1) return;
  for (const Json& snapshot : json.value("snapshots", Json::array())) {
    if (snapshot.at("snapshot-id").get<int64_t>() != current) continue;
    if (snapshot.contains("manifest-list")) {
      manifest_list_ = OnS3(snapshot["manifest-list"].get<std::string>());
    } else {
      for (const Json& manifest : snapshot.at("manifests"))
        manifests_.push_back(OnS3(manifest.get<std::string>()));
    }
    const Json summary = snapshot.value("summary", Json::object());
    const std::string rows = summary.value("total-records", "");
    total_rows_ = std::strtoull(rows.c_str(), nullptr, 10);
    return;
  }
  Broken(name_, "its metadata lack the current snapshot");
}

template <class Act>
void IcebergTable::Query(duckdb::Connection& connection, const std::string& sql, const Act& act) {
  const auto result = connection.SendQuery(sql);
  const auto check = [&] {
    if (!result->HasError()) return;
    const auto& error = result->GetErrorObject();
    if (LakeErrorOf(error)) error.Throw();
    Broken(name_, MessageOf(error));
  };
  check();
  while (const auto chunk = result->Fetch()) {
    for (duckdb::idx_t row = 0; row < chunk->size(); row++) {
      duckdb::vector<duckdb::Value> values;
      for (duckdb::idx_t i = 0; i < chunk->ColumnCount(); i++)
        values.push_back(chunk->GetValue(i, row));
      act(Row(result->names, values));
    }
  }
  check();
}

std::vector<ipc::TableFile> IcebergTable::Open(const Paths& objects,
                                               const LakeClient::Interrupted& interrupted) {
  return OrThrow(client_.OpenFiles(scan_, objects, interrupted));
}

// A file's path as text of a statement.
std::string IcebergTable::PathOf(const ipc::TableFile& file) const {
  return Quoted(EncodeLakePath({{scan_, file.number, file.size}, file.path, {}}));
}

std::vector<IcebergTable::Manifest> IcebergTable::ReadList(
    duckdb::Connection& connection, const LakeClient::Interrupted& interrupted) {
  std::vector<Manifest> manifests;
  for (const auto& path : manifests_) manifests.push_back({path});
  if (manifest_list_.empty()) return manifests;
  const auto list = Open({{manifest_list_, 0}}, interrupted).at(0);
  Query(connection, "SELECT * FROM read_avro(" + PathOf(list) + ")", [&](const Row& row) {
    if (manifests.size() >= kMaxManifests) Broken(name_, "it has too many manifests");
    manifests.push_back(
        {OnS3(row.Text("manifest_path")), static_cast<uint64_t>(row.Number("manifest_length")),
         row.Number("sequence_number"), static_cast<int32_t>(row.Number("partition_spec_id"))});
  });
  return manifests;
}

const std::vector<IcebergFile>& IcebergTable::Files(const LakeClient::Interrupted& interrupted) {
  const std::lock_guard lock(mutex_);
  if (files_) return *files_;
  duckdb::Connection connection(database_);
  const auto manifests = ReadList(connection, interrupted);
  Paths places;
  for (const auto& manifest : manifests) places.emplace_back(manifest.path, manifest.size);
  const auto opened_manifests = Open(places, interrupted);
  Found found;
  for (size_t i = 0; i < manifests.size(); i++)
    ReadManifest(connection, manifests[i], opened_manifests[i], found);
  auto opened = Open(found.paths, interrupted);
  for (size_t i = 0; i < found.files.size(); i++) {
    by_number_[opened[i].number] = i;
    found.files[i].file = std::move(opened[i]);
  }
  ReadDeletes(connection, std::move(found.deletes), interrupted, found);
  files_ = std::move(found.files);
  return *files_;
}

void IcebergTable::ReadManifest(duckdb::Connection& connection, const Manifest& manifest,
                                const ipc::TableFile& file, Found& found) {
  Query(connection, "SELECT * FROM read_avro(" + PathOf(file) + ")", [&](const Row& entry) {
    const duckdb::Value value = entry.Get("data_file");
    if (entry.Number("status") == kDeletedEntry || value.IsNull()) return;
    const auto names = Row::NamesOf(value);
    const Row data(names, duckdb::StructValue::GetChildren(value));
    const std::string path = OnS3(data.Text("file_path"));
    const std::string format = duckdb::StringUtil::Lower(data.Text("file_format"));
    const auto size = static_cast<uint64_t>(data.Number("file_size_in_bytes"));
    const auto content = static_cast<int32_t>(data.Number("content", kData));
    // A new entry has the sequence number of the snapshot that its manifest came with.
    const int64_t sequence = entry.Number("sequence_number", manifest.sequence);
    const std::string partition =
        fmt::format("{} {}", manifest.spec, data.Get("partition").ToString());
    if (format == "puffin") Unsupported(name_, "deletion vectors");
    if (format != "parquet")
      Unsupported(name_, content == kData ? "data files in " + format.substr(0, 20)
                                          : "deletes in " + format.substr(0, 20));
    if (content == kData) {
      if (found.files.size() >= kMaxFiles) Broken(name_, "it has too many files");
      IcebergFile one;
      one.rows = static_cast<uint64_t>(std::max<int64_t>(0, data.Number("record_count")));
      one.sequence = sequence;
      TakeBounds(data.Get("lower_bounds"), types_, true, one);
      TakeBounds(data.Get("upper_bounds"), types_, false, one);
      found.files.push_back(std::move(one));
      found.partitions.push_back(partition);
      found.paths.emplace_back(path, size);
      return;
    }
    if (found.deletes.size() >= kMaxDeleteFiles) Broken(name_, "it has too many files of deletes");
    Delete one{path, size, sequence};
    if (content == kEqualityDeletes) {
      if (!unpartitioned_.contains(manifest.spec)) one.partition = partition;
      const duckdb::Value ids = data.Get("equality_ids");
      if (!ids.IsNull()) {
        for (const auto& id : duckdb::ListValue::GetChildren(ids))
          one.ids.push_back(id.IsNull() ? 0 : id.GetValue<int32_t>());
      }
      std::ranges::sort(one.ids);
      if (one.ids.empty()) Broken(name_, path + " deletes by no column");
      for (const int32_t id : one.ids) {
        const auto field = known_.find(id);
        if (field == known_.end() || !field->second.children.empty())
          Unsupported(name_, fmt::format("deletes by the nested or unknown field {}", id));
      }
    }
    found.deletes.push_back(std::move(one));
  });
}

void IcebergTable::ReadDeletes(duckdb::Connection& connection, std::vector<Delete> deletes,
                               const LakeClient::Interrupted& interrupted, Found& found) {
  if (deletes.empty()) return;
  Paths paths;
  for (const auto& one : deletes) paths.emplace_back(one.path, one.size);
  auto opened = Open(paths, interrupted);
  std::unordered_map<std::string, size_t> by_path;
  for (size_t i = 0; i < found.files.size(); i++) by_path.emplace(found.files[i].file.path, i);
  std::unordered_map<size_t, std::vector<int64_t>> rows;
  size_t total = 0;
  for (size_t i = 0; i < deletes.size(); i++) {
    deletes[i].file = std::move(opened[i]);
    if (!deletes[i].ids.empty()) {
      equality_deletes_.push_back(std::move(deletes[i]));
      continue;
    }
    Query(connection,
          "SELECT file_path, pos FROM read_parquet(" + PathOf(deletes[i].file) +
              ", hive_partitioning=false)",
          [&](const Row& row) {
            const auto file = by_path.find(OnS3(row.Text("file_path")));
            if (file == by_path.end() || found.files[file->second].sequence > deletes[i].sequence)
              return;
            if (++total > kMaxDeletedRows) Broken(name_, "it has too many deleted rows");
            rows[file->second].push_back(row.Number("pos"));
          });
  }
  for (auto& [number, of] : rows) {
    std::ranges::sort(of);
    found.files[number].deleted_rows = std::make_shared<const std::vector<int64_t>>(std::move(of));
  }
  size_t pairs = 0;
  for (size_t i = 0; i < found.files.size(); i++) {
    auto& file = found.files[i];
    for (uint32_t k = 0; k < equality_deletes_.size(); k++) {
      const Delete& one = equality_deletes_[k];
      if (file.sequence >= one.sequence ||
          (!one.partition.empty() && one.partition != found.partitions[i]))
        continue;
      if (++pairs > kMaxDeletePairs) Broken(name_, "it has too many files of deletes");
      file.equality_deletes.push_back(k);
    }
  }
}

std::string IcebergTable::SchemaOf(const std::vector<int32_t>& ids) const {
  std::string text;
  for (size_t i = 0; i < ids.size(); i++) {
    text += fmt::format("{}{}: {{name: 'k{}', type: '{}', default_value: NULL}}", i > 0 ? ", " : "",
                        ids[i], i, known_.at(ids[i]).type.ToString());
  }
  return "schema=MAP{" + text + "}";
}

std::vector<int64_t> IcebergTable::RowsDeletedByValue(const ipc::TableFile& file,
                                                      const std::vector<uint32_t>& deletes) {
  std::map<std::vector<int32_t>, std::vector<uint32_t>> by_ids;
  for (const uint32_t one : deletes) by_ids[equality_deletes_[one].ids].push_back(one);
  duckdb::Connection connection(database_);
  std::vector<int64_t> rows;
  for (const auto& [ids, of] : by_ids) {
    std::string paths, wanted, same;
    for (const uint32_t one : of)
      paths += (paths.empty() ? "" : ", ") + PathOf(equality_deletes_[one].file);
    for (size_t i = 0; i < ids.size(); i++) {
      wanted += fmt::format("{}{}", i > 0 ? ", " : "", ids[i]);
      same += fmt::format("{}d.k{} IS NOT DISTINCT FROM e.k{}", i > 0 ? " AND " : "", i, i);
    }
    // Without the field its values would be taken for NULLs.
    size_t whole = 0;
    Query(connection,
          fmt::format("SELECT count(DISTINCT field_id) AS found FROM parquet_schema([{}]) WHERE "
                      "field_id IN ({}) GROUP BY file_name",
                      paths, wanted),
          [&](const Row& row) {
            whole += row.Number("found") == static_cast<int64_t>(ids.size()) ? 1 : 0;
          });
    if (whole != of.size())
      Broken(name_, equality_deletes_[of[0]].file.path +
                        ", or another file of deletes, lacks the fields by which it deletes");
    Query(connection,
          fmt::format("SELECT d.file_row_number AS row FROM read_parquet({}, {}, "
                      "file_row_number=true) d WHERE EXISTS (SELECT 1 FROM read_parquet([{}], {}) "
                      "e WHERE {})",
                      PathOf(file), SchemaOf(ids), paths, SchemaOf(ids), same),
          [&](const Row& row) {
            if (rows.size() >= kMaxDeletedRows) Broken(name_, "it has too many deleted rows");
            rows.push_back(row.Number("row"));
          });
  }
  return rows;
}

const IcebergFile* IcebergTable::Find(uint32_t number) const {
  const std::lock_guard lock(mutex_);
  const auto found = by_number_.find(number);
  return found == by_number_.end() ? nullptr : &(*files_)[found->second];
}

bool IcebergTable::Excludes(const IcebergFile& file, size_t column,
                            const duckdb::TableFilter& filter) const {
  if (column >= fields_.size()) return false;
  const auto found = file.bounds.find(fields_[column].id);
  if (found == file.bounds.end() || !found->second.least || !found->second.most) return false;
  const auto& type = fields_[column].type;
  auto stats = duckdb::BaseStatistics::CreateUnknown(type);
  if (type.id() == duckdb::LogicalTypeId::VARCHAR) {
    stats = duckdb::StringStats::CreateEmpty(type);
    duckdb::StringStats::Update(stats, duckdb::StringValue::Get(*found->second.least));
    duckdb::StringStats::Update(stats, duckdb::StringValue::Get(*found->second.most));
    duckdb::StringStats::ResetMaxStringLength(stats);
    duckdb::StringStats::SetContainsUnicode(stats);
  } else {
    duckdb::NumericStats::SetMin(stats, *found->second.least);
    duckdb::NumericStats::SetMax(stats, *found->second.most);
  }
  stats.Set(duckdb::StatsInfo::CAN_HAVE_NULL_AND_VALID_VALUES);
  return filter.CheckStatistics(stats) == duckdb::FilterPropagateResult::FILTER_ALWAYS_FALSE;
}

namespace {

class PositionDeletes final : public duckdb::DeleteFilter {
 public:
  explicit PositionDeletes(std::shared_ptr<const std::vector<int64_t>> rows)
      : rows_(std::move(rows)) {}

  duckdb::idx_t Filter(duckdb::row_t first, duckdb::idx_t count,
                       duckdb::SelectionVector& left) override {
    if (count == 0) return 0;
    left.Initialize(STANDARD_VECTOR_SIZE);
    auto deleted = std::ranges::lower_bound(*rows_, first);
    duckdb::idx_t kept = 0;
    for (duckdb::idx_t i = 0; i < count; i++) {
      const int64_t row = first + static_cast<int64_t>(i);
      while (deleted != rows_->end() && *deleted < row) ++deleted;
      if (deleted == rows_->end() || *deleted != row) left.set_index(kept++, i);
    }
    return kept;
  }

 private:
  std::shared_ptr<const std::vector<int64_t>> rows_;
};

}  // namespace

duckdb::unique_ptr<duckdb::DeleteFilter> IcebergTable::DeletesOf(
    uint32_t number, const LakeClient::Interrupted& interrupted) {
  IcebergFile file;
  {
    const std::lock_guard lock(mutex_);
    const auto found = by_number_.find(number);
    if (found == by_number_.end()) return nullptr;
    file = (*files_)[found->second];
  }
  if (!file.equality_deletes.empty()) {
    if (interrupted && interrupted()) throw duckdb::InterruptException();
    std::vector<int64_t> rows = RowsDeletedByValue(file.file, file.equality_deletes);
    if (file.deleted_rows)
      rows.insert(rows.end(), file.deleted_rows->begin(), file.deleted_rows->end());
    std::ranges::sort(rows);
    file.deleted_rows = std::make_shared<const std::vector<int64_t>>(std::move(rows));
    const std::lock_guard lock(mutex_);
    auto& kept = (*files_)[by_number_.at(number)];
    kept.deleted_rows = file.deleted_rows;
    kept.equality_deletes.clear();
  }
  if (!file.deleted_rows || file.deleted_rows->empty()) return nullptr;
  return duckdb::make_uniq<PositionDeletes>(file.deleted_rows);
}

duckdb::vector<duckdb::MultiFileColumnDefinition> IcebergTable::Schema() const {
  duckdb::vector<duckdb::MultiFileColumnDefinition> columns;
  for (const auto& field : fields_) columns.push_back(DefinitionOf(field));
  return columns;
}

}  // namespace skep::external_scan
