#include "worker/unload/iceberg_commit.h"

#include <fmt/format.h>

#include <chrono>
#include <random>
#include <thread>
#include <utility>

#include "base/ids.h"
#include "worker/external_scan/lake_errors.h"
#include "worker/external_scan/lake_file_system.h"
#include "worker/external_scan/lake_file_writer.h"

namespace skep::worker::unload {
namespace {

using external_scan::LakeClient;
using external_scan::OrThrow;
using Json = nlohmann::ordered_json;

constexpr uint64_t kMaxMetadataBytes = 256u << 20;
constexpr size_t kMaxManifests = 1'000'000;
constexpr int kAttempts = 10;

// A scan of the table, for as long as its metadata are read.
class OpenScan {
 public:
  OpenScan(const IcebergPlace& place, const LakeClient::Interrupted& interrupted)
      : client_(place.client), interrupted_(interrupted), table_(place.plan.table) {
    external_scan::Asker asker = place.asker;
    asker.statement.clear();  // reads no rows: no scan of the statement's
    asker.describing = false;
    auto opened =
        OrThrow(client_.OpenTable(place.schema, place.plan.schema, asker, table_, interrupted));
    scan_ = opened.scan;
    for (const auto& [key, value] : opened.description.options) {
      if (key == "metadata") metadata_ = value;
    }
    if (opened.description.format == "iceberg") return;
    client_.CloseScan(scan_);
    throw duckdb::InvalidInputException("external table \"%s\" has changed", table_);
  }
  ~OpenScan() { client_.CloseScan(scan_); }
  OpenScan(const OpenScan&) = delete;
  OpenScan& operator=(const OpenScan&) = delete;

  IcebergTarget Target() const {
    const std::string path = metadata_;
    if (path.ends_with(".gz") || path.ends_with(".gz.metadata.json"))
      throw duckdb::NotImplementedException(
          "Iceberg table %s has compressed metadata; writing such tables is not supported", table_);
    const auto file = OrThrow(client_.OpenFiles(scan_, {{path, 0}}, interrupted_)).at(0);
    if (file.size > kMaxMetadataBytes)
      throw duckdb::InvalidInputException("Iceberg table %s cannot be written: %s is too large",
                                          table_, path);
    std::string text(file.size, '\0');
    OrThrow(client_.Read({scan_, file.number, file.size}, 0, text, path, interrupted_));
    return IcebergTarget::Read(text, path, table_);
  }

  // The manifests of the current snapshot.
  std::vector<ListedManifest> Manifests(duckdb::ClientContext& context,
                                        const IcebergTarget& target) const;

 private:
  LakeClient& client_;
  const LakeClient::Interrupted& interrupted_;
  const std::string table_;
  uint64_t scan_ = 0;
  std::string metadata_;
};

// Values of one row by their names.
class ListRow {
 public:
  ListRow(const duckdb::vector<std::string>& names, duckdb::DataChunk& chunk, duckdb::idx_t row)
      : names_(names), chunk_(chunk), row_(row) {}
  duckdb::Value Get(std::string_view name) const {
    for (size_t i = 0; i < names_.size(); i++) {
      if (names_[i] == name) return chunk_.GetValue(i, row_);
    }
    return duckdb::Value();
  }
  int64_t Number(std::string_view name, std::string_view former = {}) const {
    duckdb::Value value = Get(name);
    if (value.IsNull() && !former.empty()) value = Get(former);
    return value.IsNull() ? 0 : value.GetValue<int64_t>();
  }
  std::optional<std::string> Bytes(std::string_view name) const {
    const duckdb::Value value = Get(name);
    if (value.IsNull()) return std::nullopt;
    return duckdb::StringValue::Get(value);
  }

 private:
  const duckdb::vector<std::string>& names_;
  duckdb::DataChunk& chunk_;
  const duckdb::idx_t row_;
};

std::vector<ListedManifest::Summary> SummariesOf(const duckdb::Value& list) {
  std::vector<ListedManifest::Summary> summaries;
  for (const auto& one : duckdb::ListValue::GetChildren(list)) {
    ListedManifest::Summary summary;
    if (one.IsNull()) continue;
    const auto& fields = duckdb::StructType::GetChildTypes(one.type());
    const auto& values = duckdb::StructValue::GetChildren(one);
    for (size_t i = 0; i < fields.size(); i++) {
      if (values[i].IsNull()) continue;
      if (fields[i].first == "contains_null") summary.has_null = values[i].GetValue<bool>();
      if (fields[i].first == "contains_nan") summary.has_nan = values[i].GetValue<bool>();
      if (fields[i].first == "lower_bound") summary.least = duckdb::StringValue::Get(values[i]);
      if (fields[i].first == "upper_bound") summary.most = duckdb::StringValue::Get(values[i]);
    }
    summaries.push_back(std::move(summary));
  }
  return summaries;
}

std::vector<ListedManifest> OpenScan::Manifests(duckdb::ClientContext& context,
                                                const IcebergTarget& target) const {
  const Json& metadata = target.metadata;
  const auto current = metadata.find("current-snapshot-id");
  if (current == metadata.end() || !current->is_number() || current->get<int64_t>() == -1)
    return {};
  std::string path;
  for (const Json& snapshot : metadata.at("snapshots")) {
    if (snapshot.at("snapshot-id") == *current && snapshot.contains("manifest-list") &&
        snapshot["manifest-list"].is_string())
      path = snapshot["manifest-list"].get<std::string>();
  }
  if (path.empty())
    throw duckdb::InvalidInputException(
        "Iceberg table %s cannot be written: its metadata lack the current snapshot's manifests",
        table_);
  const auto file = OrThrow(client_.OpenFiles(scan_, {{path, 0}}, interrupted_)).at(0);
  const std::string inner =
      external_scan::EncodeLakePath({{scan_, file.number, file.size}, file.path, {}});
  duckdb::Connection connection(*context.db);
  const auto result = connection.Query("SELECT * FROM read_avro('" +
                                       duckdb::StringUtil::Replace(inner, "'", "''") + "')");
  if (result->HasError()) {
    if (external_scan::LakeErrorOf(result->GetErrorObject())) result->ThrowError();
    throw duckdb::InvalidInputException("Iceberg table %s cannot be written: %s", table_,
                                        external_scan::MessageOf(result->GetErrorObject()));
  }
  std::vector<ListedManifest> manifests;
  while (const auto chunk = result->Fetch()) {
    for (duckdb::idx_t i = 0; i < chunk->size(); i++) {
      const ListRow row(result->names, *chunk, i);
      ListedManifest one;
      one.path = row.Bytes("manifest_path").value_or("");
      one.bytes = static_cast<uint64_t>(row.Number("manifest_length"));
      one.spec_id = static_cast<int32_t>(row.Number("partition_spec_id"));
      one.content = static_cast<int32_t>(row.Number("content"));
      one.sequence = row.Number("sequence_number");
      one.least_sequence = row.Number("min_sequence_number");
      one.snapshot = row.Number("added_snapshot_id");
      one.files[0] = row.Number("added_files_count", "added_data_files_count");
      one.files[1] = row.Number("existing_files_count", "existing_data_files_count");
      one.files[2] = row.Number("deleted_files_count", "deleted_data_files_count");
      one.rows[0] = row.Number("added_rows_count");
      one.rows[1] = row.Number("existing_rows_count");
      one.rows[2] = row.Number("deleted_rows_count");
      if (const auto list = row.Get("partitions"); !list.IsNull())
        one.partitions = SummariesOf(list);
      one.key_metadata = row.Bytes("key_metadata");
      if (one.path.empty() || manifests.size() >= kMaxManifests)
        throw duckdb::InvalidInputException(
            "Iceberg table %s cannot be written: %s is not a list of manifests", table_, path);
      manifests.push_back(std::move(one));
    }
  }
  return manifests;
}

int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

int64_t NewSnapshotId() {
  std::random_device random;
  return static_cast<int64_t>((uint64_t{random()} << 32 | random()) >> 1);
}

// Files of metadata among those of a write.
class MetadataFiles {
 public:
  MetadataFiles(const IcebergTarget& target, UnloadState& state,
                LakeClient::Interrupted interrupted)
      : location_(target.location), state_(state), interrupted_(std::move(interrupted)) {}

  // The path of the new file.
  std::string Put(const std::string& name, std::string_view bytes) {
    const uint32_t number = state_.files++;
    external_scan::LakeFileWriter file(state_.client, state_.write, number, "metadata/" + name,
                                       interrupted_);
    OrThrow(file.Append(bytes));
    OrThrow(file.Finish());
    numbers_.push_back(number);
    return location_ + "/metadata/" + name;
  }
  std::vector<uint32_t> TakeNumbers() { return std::exchange(numbers_, {}); }

 private:
  const std::string location_;
  UnloadState& state_;
  const LakeClient::Interrupted interrupted_;
  std::vector<uint32_t> numbers_;
};

// The columns and the partitions that the files were written for must be the table's still.
void CheckUnchanged(const IcebergTarget& then, const IcebergTarget& now, const std::string& table) {
  if (then.schema_id == now.schema_id && then.spec_id == now.spec_id &&
      then.location == now.location &&
      then.metadata.value("table-uuid", std::string()) ==
          now.metadata.value("table-uuid", std::string()))
    return;
  external_scan::ThrowLakeError(
      {ErrorKind::kSerializationFailure,
       fmt::format("Iceberg table \"{}\" was changed by another writer", table),
       {},
       "Run the statement again.",
       0});
}

}  // namespace

IcebergTarget ReadIcebergTarget(const IcebergPlace& place,
                                const LakeClient::Interrupted& interrupted) {
  return OpenScan(place, interrupted).Target();
}

void CommitIceberg(duckdb::ClientContext& context, const IcebergPlace& place,
                   const IcebergTarget& target, UnloadState& state,
                   const std::vector<DataFile>& files) {
  const bool fresh = target.path.empty();
  if (!fresh && files.empty()) return;
  const auto interrupted = external_scan::InterruptOf(&context);
  MetadataFiles out(target, state, interrupted);
  const int64_t id = NewSnapshotId();
  ListedManifest added;
  if (!files.empty()) {
    const std::string manifest = ManifestOf(target, id, files);
    added = EntryOf(target, id, files);
    added.bytes = manifest.size();
    added.path = out.Put(NewUuid() + "-m0.avro", manifest);
    out.TakeNumbers();
  }
  for (int attempt = 0;; attempt++) {
    IcebergTarget now = target;
    std::vector<ListedManifest> manifests;
    if (!fresh) {
      const OpenScan scan(place, interrupted);
      now = scan.Target();
      CheckUnchanged(target, now, place.plan.table);
      manifests = scan.Manifests(context, now);
    }
    std::optional<Snapshot> snapshot;
    if (!files.empty()) {
      snapshot = NextSnapshot(now, id, NowMs());
      added.sequence = added.least_sequence = snapshot->sequence;
      manifests.insert(manifests.begin(), added);
      snapshot->manifest_list = out.Put(fmt::format("snap-{}-{}-{}.avro", id, attempt, NewUuid()),
                                        ManifestListOf(*snapshot, manifests));
    }
    // The highest number: complete behind what it names.
    const std::string metadata = out.Put(NextMetadataName(now), MetadataWith(now, snapshot, files));
    Json change = {{"operation", "PublishIceberg"}, {"name", place.plan.table}};
    if (fresh) {
      change = Json::parse(place.plan.creation);
      change["table"]["Parameters"]["metadata_location"] = metadata;
    } else {
      change["previous"] = now.path;
    }
    change["metadata"] = metadata;
    change["attempt"] = out.TakeNumbers();
    const auto published =
        state.client.PublishWrite(state.write, place.schema, place.asker,
                                  change.dump(-1, ' ', false, Json::error_handler_t::replace));
    const bool beaten = !published && published.error().kind == ErrorKind::kSerializationFailure;
    state.committed = !beaten;  // or failed for good; what is left open the state drops
    if (published) return;
    if (!beaten || attempt + 1 >= kAttempts) external_scan::ThrowLakeError(published.error());
    if (interrupted && interrupted()) throw duckdb::InterruptException();
    std::random_device random;
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % (20u * (attempt + 1u))));
  }
}

}  // namespace skep::worker::unload
