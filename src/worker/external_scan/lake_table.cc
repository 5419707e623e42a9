#include "worker/external_scan/lake_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <duckdb/catalog/catalog_entry/table_column_type.hpp>
#include <duckdb/common/multi_file/multi_file_reader.hpp>
#include <unordered_set>

#include "ipc/file_kind.h"
#include "worker/external_scan/decompression.h"
#include "worker/external_scan/glue_types.h"
#include "worker/external_scan/lake_errors.h"

namespace skep::external_scan {

static_assert(kPathColumn == duckdb::MultiFileReader::COLUMN_IDENTIFIER_FILENAME);
static_assert(kFileIndexColumn == duckdb::MultiFileReader::COLUMN_IDENTIFIER_FILE_INDEX);

namespace {

constexpr uint32_t kMaxFiles = 16'000'000;  // of one table; far above what the gateway lists

// Closes the scan of a table that turned out to be unusable.
class ScanGuard {
 public:
  ScanGuard(LakeClient& client, uint64_t scan) : client_(client), scan_(scan) {}
  ~ScanGuard() {
    if (armed_) client_.CloseScan(scan_);
  }
  void Release() { armed_ = false; }

 private:
  LakeClient& client_;
  uint64_t scan_;
  bool armed_ = true;
};

}  // namespace

LakeTable::LakeTable(LakeClient& client, std::string schema, OpenedTable opened,
                     std::unique_ptr<IcebergTable> iceberg)
    : client_(client),
      scan_(opened.scan),
      schema_(std::move(schema)),
      iceberg_(std::move(iceberg)),
      description_(std::move(opened.description)) {
  ScanGuard guard(client_, scan_);
  duckdb::case_insensitive_set_t taken;
  const auto add = [&](const ipc::TableColumn& column) {
    auto type = ParseGlueType(column.type);
    if (!type) {
      type.error().message = fmt::format("column {} of external table {}: {}", column.name,
                                         QualifiedName(), type.error().message);
      ThrowLakeError(type.error());
    }
    if (!taken.insert(column.name).second) {
      ThrowLakeError(
          {ErrorKind::kDataException,
           fmt::format("external table {} has two columns named {}", QualifiedName(), column.name),
           {},
           {},
           0});
    }
    names_.push_back(column.name);
    types_.push_back(std::move(*type));
  };
  for (const auto& column : description_.columns) add(column);
  for (const auto& key : description_.partition_keys) add(key);

  AddPartitions(description_.partitions);
  description_.partitions.clear();
  guard.Release();
}

LakeTable::~LakeTable() { Close(); }

// Values of partitions behind those that are known.
void LakeTable::AddPartitions(const std::vector<ipc::TablePartition>& partitions) {
  const size_t keys = partition_keys();
  duckdb::vector<duckdb::Value> values;
  values.reserve(partitions.size() * keys);
  for (const auto& partition : partitions) {
    if (partition.values.size() != keys) {
      ThrowLakeError({ErrorKind::kDataException,
                      fmt::format("a partition of external table {} has {} values for {} keys",
                                  QualifiedName(), partition.values.size(), keys),
                      {},
                      {},
                      0});
    }
    for (size_t k = 0; k < keys; k++) {
      const auto& type = types_[data_columns() + k];
      if (!partition.values[k]) {
        values.emplace_back(type);
        continue;
      }
      duckdb::Value value(*partition.values[k]), cast;
      std::string error;
      if (type.id() == duckdb::LogicalTypeId::VARCHAR) {
        values.push_back(std::move(value));
      } else if (value.DefaultTryCastAs(type, cast, &error, true)) {
        values.push_back(std::move(cast));
      } else {
        ThrowLakeError(
            {ErrorKind::kInvalidText,
             fmt::format("partition value \"{}\" of external table {} is not a {} ({})",
                         *partition.values[k], QualifiedName(), description_.partition_keys[k].type,
                         description_.partition_keys[k].name),
             {},
             "Correct the partition in the data catalog.",
             0});
      }
    }
  }
  const std::lock_guard lock(mutex_);
  for (auto& value : values) values_.push_back(std::move(value));
  partitions_ += partitions.size();
}

size_t LakeTable::known_partitions() const {
  if (partition_keys() == 0) return 1;
  const std::lock_guard lock(mutex_);
  return partitions_;
}

duckdb::Value LakeTable::PartitionValue(uint32_t partition, size_t key) const {
  const std::lock_guard lock(mutex_);
  return values_[partition * partition_keys() + key];
}

size_t LakeTable::FindPartitions(const std::string& filter,
                                 const LakeClient::Interrupted& interrupted) {
  const std::lock_guard lock(finding_);
  const bool known =
      found_all_ || std::ranges::find(found_filters_, filter) != found_filters_.end();
  if (!known) {
    auto found = client_.ListPartitions(scan_, filter, interrupted);
    // What the catalog cannot compare is compared here.
    const bool whole =
        !filter.empty() && !found && found.error().kind == ErrorKind::kInvalidArgument;
    if (whole) found = client_.ListPartitions(scan_, "", interrupted);
    AddPartitions(OrThrow(std::move(found)));
    found_filters_.push_back(filter);
    found_all_ = whole || filter.empty();
  }
  return known_partitions();
}

void LakeTable::Keep() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
}

void LakeTable::Close() {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    closed_ = true;
  }
  client_.CloseScan(scan_);
}

duckdb::vector<uint32_t> LakeTable::ListFiles(const duckdb::vector<uint32_t>& partitions,
                                              const LakeClient::Interrupted& interrupted) {
  std::vector<uint32_t> wanted;
  {
    const std::lock_guard lock(mutex_);
    if (closed_)
      ThrowLakeError({ErrorKind::kExternalChanged,
                      fmt::format("the scan of external table {} has ended", QualifiedName()),
                      {},
                      "Run the statement again.",
                      0});
    for (const uint32_t partition : partitions) {
      if (!listed_.contains(partition)) wanted.push_back(partition);
    }
  }
  std::vector<ipc::TableFile> found;
  if (!wanted.empty() && iceberg_) {
    for (const auto& file : iceberg_->Files(interrupted)) found.push_back(file.file);
  } else if (!wanted.empty()) {
    found = OrThrow(client_.ListFiles(scan_, wanted, interrupted));
  }

  for (const auto& file : found) {
    if (file.partition >= known_partitions() || file.number > kMaxFiles ||
        !file.path.starts_with("s3://")) {
      ThrowLakeError({ErrorKind::kExternalUnavailable,
                      fmt::format("the gateway listed a file that is not of external table {}",
                                  QualifiedName()),
                      {},
                      {},
                      0});
    }
  }
  const std::lock_guard lock(mutex_);
  // Another scan of the same statement may have listed a partition meanwhile: the first answer
  // counts, numbers name rows.
  std::erase_if(wanted,
                [this](uint32_t partition) { return !listed_.try_emplace(partition).second; });
  const std::unordered_set<uint32_t> fresh(wanted.begin(), wanted.end());
  for (auto& file : found) {
    if (!fresh.contains(file.partition)) continue;
    listed_[file.partition].push_back(file.number);
    if (file.number >= files_.size()) files_.resize(file.number + 1);
    files_[file.number] = std::move(file);
  }
  duckdb::vector<uint32_t> numbers;
  for (const uint32_t partition : partitions) {
    const auto& of = listed_[partition];
    numbers.insert(numbers.end(), of.begin(), of.end());
  }
  return numbers;
}

ipc::TableFile LakeTable::File(uint32_t number) const {
  const std::lock_guard lock(mutex_);
  if (number >= files_.size() || files_[number].path.empty()) {
    ThrowLakeError(
        {ErrorKind::kExternalUnavailable,
         fmt::format("file {} of external table {} was not listed", number, QualifiedName()),
         {},
         {},
         0});
  }
  return files_[number];
}

std::optional<std::string> LakeTable::Option(std::string_view name) const {
  for (const auto& [key, value] : description_.options) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::string LakeTable::OwnCompression(const std::string& path) const {
  if (self_describing()) return {};
  std::string compression = Option("compression").value_or(ipc::KindOfName(path).compression);
  const auto encoding = Option("encoding"), records = Option("records");
  if (encoding || records) {
    if (compression == "none") compression.clear();
    return Packing{std::move(compression), encoding.value_or(""), records.value_or("")}.Word();
  }
  return IsOwnCompression(compression) ? std::move(compression) : std::string();
}

duckdb::virtual_column_map_t LakeTable::VirtualColumns() const {
  duckdb::virtual_column_map_t columns;
  if (!remote()) AddFileColumns(columns);
  columns.insert(
      {duckdb::COLUMN_IDENTIFIER_EMPTY, duckdb::TableColumn("", duckdb::LogicalType::BOOLEAN)});
  return columns;
}

void LakeTable::AddFileColumns(duckdb::virtual_column_map_t& columns) const {
  columns.insert({kPathColumn, duckdb::TableColumn("$path", duckdb::LogicalType::VARCHAR)});
  columns.insert({kSizeColumn, duckdb::TableColumn("$size", duckdb::LogicalType::BIGINT)});
  columns.insert(
      {kFileIndexColumn, duckdb::TableColumn("file_index", duckdb::LogicalType::UBIGINT)});
  if (format() == "parquet") {
    // Late materialization finds its rows again by file and row number.
    columns.insert({duckdb::MultiFileReader::COLUMN_IDENTIFIER_FILE_ROW_NUMBER,
                    duckdb::TableColumn("file_row_number", duckdb::LogicalType::BIGINT)});
  }
}

}  // namespace skep::external_scan
