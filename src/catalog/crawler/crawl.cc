#include "catalog/crawler/crawl.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "base/crypto.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/text.h"
#include "catalog/crawler/plan.h"
#include "catalog/json_members.h"

namespace skep::catalog {
namespace {

using Json = nlohmann::json;

constexpr uint64_t kMaxSampleBytes =
    4ull << 30;  // larger files are sampled only when there is nothing else

double NowSeconds() {
  return static_cast<double>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                 std::chrono::system_clock::now().time_since_epoch())
                                 .count()) /
         1000.0;
}

struct Target {
  std::string bucket, prefix;
  std::vector<std::string> exclusions;
  size_t samples = 0;
};

Result<std::vector<Target>> TargetsOf(const Json& crawler) {
  std::vector<Target> targets;
  const Json& list = MemberOf(MemberOf(crawler, "Targets"), "S3Targets");
  if (list.is_array()) {
    for (const auto& t : list) {
      Target target;
      std::string path = TextOf(t, "Path");
      // The API also takes bucket/prefix without a scheme.
      if (path.find("://") == std::string::npos) path = "s3://" + path;
      if (!lake::ParseS3Path(path, target.bucket, target.prefix)) {
        return Fail(ErrorKind::kInvalidArgument,
                    fmt::format("the S3 target \"{}\" is no S3 path", TextOf(t, "Path")));
      }
      const Json& exclusions = MemberOf(t, "Exclusions");
      if (exclusions.is_array()) {
        for (const auto& e : exclusions) {
          if (e.is_string()) target.exclusions.push_back(e.get<std::string>());
        }
      }
      const Json& samples = MemberOf(t, "SampleSize");
      if (samples.is_number_unsigned()) target.samples = samples.get<size_t>();
      targets.push_back(std::move(target));
    }
  }
  if (targets.empty())
    return Fail(ErrorKind::kInvalidArgument, "the crawler has no S3 target", {},
                "Only S3 targets can be crawled.");
  return targets;
}

// Picks up to n objects spread over the table's partitions, small enough ones first.
std::vector<lake::ObjectInfo> Samples(const PlannedTable& table, size_t n) {
  std::vector<const lake::ObjectInfo*> all;
  for (const auto& p : table.partitions) {
    for (const auto& o : p.objects) all.push_back(&o);
  }
  std::vector<lake::ObjectInfo> out;
  std::set<size_t> taken;
  for (size_t i = 0; i < n && !all.empty(); i++) {
    const size_t at = n == 1 ? 0 : i * (all.size() - 1) / (n - 1);
    if (taken.insert(at).second && (all[at]->size <= kMaxSampleBytes || all.size() == 1))
      out.push_back(*all[at]);
  }
  return out;
}

class Crawl {
 public:
  Crawl(const control::Crawler& crawler, control::Store& store, lake::ObjectStore& objects,
        Inferrer& inferrer, const std::function<bool()>& stopped, const CrawlOptions& options)
      : crawler_(crawler),
        store_(store),
        objects_(objects),
        inferrer_(inferrer),
        stopped_(stopped),
        options_(options),
        json_(Json::parse(crawler.json, nullptr, false)),
        run_id_(NewUuid()),
        now_(NowSeconds()) {}

  Result<CrawlSummary> Run(const identity::RoleChainResolver& roles);

 private:
  Result<void> CheckStopped() const {
    if (stopped_ && stopped_()) return Fail(ErrorKind::kQueryCanceled, "the crawl was stopped");
    return {};
  }
  Result<void> InferSchemas(const Target& target, std::vector<PlannedTable>& tables);
  Result<std::optional<ipc::InferReply>> InferOne(const Target& target,
                                                  const lake::ObjectInfo& object,
                                                  const ipc::FileKind& kind);
  Result<void> Write(const Target& target, PlannedTable table);
  Result<void> WritePartitions(const Target& target, const PlannedTable& table,
                               const control::GlueTable& glue, const Json& sd);
  Result<void> Retire(const std::vector<Target>& targets);
  Json Parameters(const PlannedTable& table, const Target& target, uint64_t objects, uint64_t bytes,
                  uint64_t rows) const;
  Json StorageDescriptor(const Target& target, const PlannedTable& table) const;

  const control::Crawler& crawler_;
  control::Store& store_;
  lake::ObjectStore& objects_;
  Inferrer& inferrer_;
  const std::function<bool()>& stopped_;
  CrawlOptions options_;
  Json json_;
  std::string run_id_;
  double now_;
  std::string database_, prefix_, role_;
  identity::Credentials credentials_;
  std::set<std::string> written_;  // names of tables
  CrawlSummary summary_;
};

Result<std::optional<ipc::InferReply>> Crawl::InferOne(const Target& target,
                                                       const lake::ObjectInfo& object,
                                                       const ipc::FileKind& kind) {
  SKEP_TRY(CheckStopped());
  const std::string path = "s3://" + target.bucket + "/" + object.key;
  auto reply = inferrer_.Infer({path, object.etag, object.size, kind.format, kind.compression},
                               credentials_);
  if (reply) {
    if (reply->columns.empty()) return std::optional<ipc::InferReply>();
    return std::optional(std::move(*reply));
  }
  if (reply.error().kind != ErrorKind::kDataException &&
      reply.error().kind != ErrorKind::kInvalidText)
    return Fail(reply.error());
  log::Warn("crawl_object_skipped",
            {{"crawler", crawler_.name}, {"path", path}, {"reason", reply.error().message}});
  return std::optional<ipc::InferReply>();
}

Result<void> Crawl::InferSchemas(const Target& target, std::vector<PlannedTable>& tables) {
  std::vector<PlannedTable> out;
  for (size_t i = 0; i < tables.size(); i++) {
    PlannedTable table = std::move(tables[i]);
    const size_t wanted =
        table.single_file
            ? 1
            : std::max<size_t>(options_.samples_per_table, std::min<size_t>(target.samples, 16));
    std::vector<ipc::InferReply> schemas;
    for (const auto& object : Samples(table, wanted)) {
      SKEP_TRY_ASSIGN(auto schema, InferOne(target, object, table.kind));
      if (schema) schemas.push_back(std::move(*schema));
    }
    if (schemas.empty()) continue;
    const bool alike = std::ranges::all_of(
        schemas, [&](const ipc::InferReply& s) { return Similar(schemas[0], s); });
    if (!alike && !table.single_file && table.keys.empty()) {
      // A folder of unlike files is a table for each of them.
      for (auto& one : SplitByFile(table)) tables.push_back(std::move(one));
      continue;
    }
    uint64_t sampled_rows = 0;
    table.schema = schemas[0];
    for (size_t s = 0; s < schemas.size(); s++) {
      if (s > 0 && Similar(schemas[0], schemas[s]))
        table.schema = MergeSchemas(*table.schema, schemas[s]);
      sampled_rows += schemas[s].rows;
    }
    // Samples speak for the whole table.
    table.schema->rows = sampled_rows * std::max<uint64_t>(1, table.objects()) / schemas.size();
    if (table.kind.format.empty()) table.kind.format = table.schema->format;
    out.push_back(std::move(table));
  }
  tables = std::move(out);
  return {};
}

Json Crawl::Parameters(const PlannedTable& table, const Target& target, uint64_t objects,
                       uint64_t bytes, uint64_t rows) const {
  Json p = {
      {"CrawlerSchemaDeserializerVersion", "1.0"},
      {"CrawlerSchemaSerializerVersion", "1.0"},
      {"UPDATED_BY_CRAWLER", crawler_.name},
      {"averageRecordSize", fmt::format("{}", rows > 0 ? std::max<uint64_t>(1, bytes / rows) : 0)},
      {"classification", table.schema->format},
      {"compressionType", table.kind.compression.empty() ? "none" : table.kind.compression},
      {"objectCount", fmt::format("{}", objects)},
      {"recordCount", fmt::format("{}", rows)},
      {"sizeKey", fmt::format("{}", bytes)},
      {"typeOfData", "file"}};
  if (!target.exclusions.empty()) p["exclusions"] = Json(target.exclusions).dump();
  if (table.schema->format == "csv") {
    p["areColumnsQuoted"] = table.schema->quote.empty() ? "false" : "true";
    p["columnsOrdered"] = "true";
    p["delimiter"] = table.schema->delimiter.empty() ? "," : table.schema->delimiter;
    if (table.schema->header) p["skip.header.line.count"] = "1";
  }
  return p;
}

Json Crawl::StorageDescriptor(const Target& target, const PlannedTable& table) const {
  const ipc::InferReply& schema = *table.schema;
  Json columns = Json::array();
  std::set<std::string> names;
  for (size_t i = 0; i < schema.columns.size(); i++) {
    std::string name = Lower(schema.columns[i].name).substr(0, 255);
    if (name.empty()) name = fmt::format("col{}", i);
    const std::string base = name;
    for (int n = 1; !names.insert(name).second; n++) name = fmt::format("{}_{}", base, n);
    columns.push_back({{"Name", name}, {"Type", schema.columns[i].type}});
  }
  Json serde;
  std::string input = "org.apache.hadoop.mapred.TextInputFormat",
              output = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat";
  if (schema.format == "parquet") {
    input = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat";
    output = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat";
    serde = {
        {"SerializationLibrary", "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
        {"Parameters", {{"serialization.format", "1"}}}};
  } else if (schema.format == "orc") {
    input = "org.apache.hadoop.hive.ql.io.orc.OrcInputFormat";
    output = "org.apache.hadoop.hive.ql.io.orc.OrcOutputFormat";
    serde = {{"SerializationLibrary", "org.apache.hadoop.hive.ql.io.orc.OrcSerde"},
             {"Parameters", Json::object()}};
  } else if (schema.format == "avro") {
    input = "org.apache.hadoop.hive.ql.io.avro.AvroContainerInputFormat";
    output = "org.apache.hadoop.hive.ql.io.avro.AvroContainerOutputFormat";
    serde = {{"SerializationLibrary", "org.apache.hadoop.hive.serde2.avro.AvroSerDe"},
             {"Parameters", {{"serialization.format", "1"}}}};
  } else if (schema.format == "json") {
    std::string paths;
    for (const auto& name : names) paths += (paths.empty() ? "" : ",") + name;
    serde = {{"SerializationLibrary", "org.openx.data.jsonserde.JsonSerDe"},
             {"Parameters", {{"paths", paths}}}};
  } else if (!schema.quote.empty()) {
    serde = {{"SerializationLibrary", "org.apache.hadoop.hive.serde2.OpenCSVSerde"},
             {"Parameters",
              {{"separatorChar", schema.delimiter.empty() ? "," : schema.delimiter},
               {"quoteChar", schema.quote}}}};
    serde["Parameters"]["escapeChar"] = schema.escape.empty() ? schema.quote : schema.escape;
  } else {
    serde = {{"SerializationLibrary", "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"},
             {"Parameters", {{"field.delim", schema.delimiter.empty() ? "," : schema.delimiter}}}};
  }
  return {{"Columns", std::move(columns)},
          {"Location", "s3://" + target.bucket + "/" + table.location},
          {"InputFormat", input},
          {"OutputFormat", output},
          {"Compressed", !table.kind.compression.empty()},
          {"NumberOfBuckets", -1},
          {"SerdeInfo", std::move(serde)},
          {"BucketColumns", Json::array()},
          {"SortColumns", Json::array()},
          {"Parameters", Parameters(table, target, table.objects(), table.bytes(), schema.rows)},
          {"StoredAsSubDirectories", false}};
}

Result<void> Crawl::Write(const Target& target, PlannedTable table) {
  SKEP_TRY(CheckStopped());
  // A data column with a partition key's name: named columns give way; in CSV, where columns go by
  // position, the key does.
  for (size_t k = 0; k < table.keys.size(); k++) {
    auto& columns = table.schema->columns;
    const auto clash = std::ranges::find_if(
        columns, [&](const ipc::InferredColumn& c) { return Lower(c.name) == table.keys[k]; });
    if (clash == columns.end()) continue;
    if (table.schema->format == "csv") {
      table.keys[k] = fmt::format("partition_{}", k);
    } else {
      columns.erase(clash);
    }
  }
  if (table.schema->columns.empty()) return {};
  Json sd = StorageDescriptor(target, table);
  Json keys = Json::array();
  for (size_t k = 0; k < table.keys.size(); k++) {
    keys.push_back({{"Name", table.keys[k]},
                    {"Type", options_.infer_partition_types ? PartitionKeyType(table.partitions, k)
                                                            : "string"}});
  }

  // The name is taken when the table there was made by somebody else or lies elsewhere.
  std::string name = (Lower(prefix_) + table.name).substr(0, 255);
  const std::string location = TextOf(sd, "Location");
  std::optional<control::GlueTable> known;
  for (int attempt = 0; attempt < 2; attempt++) {
    SKEP_TRY_ASSIGN(known, store_.GetGlueTable(crawler_.account, database_, name));
    if (!known) break;
    const Json old = Json::parse(known->json, nullptr, false);
    if (TextOf(MemberOf(old, "StorageDescriptor"), "Location") == location &&
        !written_.contains(name))
      break;
    if (attempt == 1) return {};  // even the distinguished name is another's
    name = name.substr(0, 222) + "_" + HexEncode(Md5(location));
    known.reset();
  }
  written_.insert(name);

  const Json parameters = [&] {
    Json p = sd["Parameters"];
    if (!table.keys.empty()) p["partition_filtering.enabled"] = "true";
    return p;
  }();
  control::GlueTable glue{crawler_.account, database_, name, known ? known->version : 0, {}};
  if (!known) {
    Json json = {{"Name", name},
                 {"DatabaseName", database_},
                 {"Owner", "owner"},
                 {"CreateTime", now_},
                 {"UpdateTime", now_},
                 {"LastAccessTime", now_},
                 {"Retention", 0},
                 {"StorageDescriptor", sd},
                 {"PartitionKeys", keys},
                 {"TableType", "EXTERNAL_TABLE"},
                 {"Parameters", parameters},
                 {"CreatedBy", fmt::format("arn:aws:sts::{}:assumed-role/{}/AWS-Crawler",
                                           crawler_.account, role_.substr(role_.rfind('/') + 1))},
                 {"IsRegisteredWithLakeFormation", false},
                 {"CatalogId", crawler_.account}};
    json["Parameters"]["CRAWL_RUN_ID"] = run_id_;
    glue.json = json.dump();
    SKEP_TRY(store_.CreateGlueTable(glue));
    summary_.tables_created++;
  } else {
    Json json = Json::parse(known->json, nullptr, false);
    const bool log_only = TextOf(MemberOf(json_, "SchemaChangePolicy"), "UpdateBehavior") == "LOG";
    const bool same_keys = MemberOf(json, "PartitionKeys") == keys;
    Json before = json;
    if (before["Parameters"].is_object()) before["Parameters"].erase("CRAWL_RUN_ID");
    Json after = before;
    after["StorageDescriptor"] = sd;
    after["PartitionKeys"] = keys;
    // What a user added to the table's parameters stays; a table that is back is no longer
    // deprecated.
    for (const auto& [key, value] : parameters.items()) after["Parameters"][key] = value;
    after["Parameters"].erase("DEPRECATED_BY_CRAWLER");
    if (before == after) {
      summary_.tables_unchanged++;
    } else if (log_only) {
      log::Info("crawl_table_change_logged", {{"crawler", crawler_.name}, {"table", name}});
      summary_.tables_unchanged++;
    } else {
      after["UpdateTime"] = now_;
      after["Parameters"]["CRAWL_RUN_ID"] = run_id_;
      glue.json = after.dump();
      SKEP_TRY(store_.UpdateGlueTable(glue));
      summary_.tables_updated++;
    }
    if (!same_keys && log_only) return {};
    if (!same_keys) {
      // Partitions of other keys mean nothing any more.
      SKEP_TRY_ASSIGN(const auto old, store_.ListGluePartitions(crawler_.account, database_, name));
      for (const auto& p : old)
        SKEP_TRY(store_.DeleteGluePartition(crawler_.account, database_, name, p.values));
    }
  }
  if (table.keys.empty()) return {};
  return WritePartitions(target, table, glue, sd);
}

Result<void> Crawl::WritePartitions(const Target& target, const PlannedTable& table,
                                    const control::GlueTable& glue, const Json& sd) {
  SKEP_TRY_ASSIGN(const auto known,
                  store_.ListGluePartitions(crawler_.account, database_, glue.name));
  std::map<std::vector<std::string>, Json> old;
  for (const auto& p : known) old.emplace(p.values, Json::parse(p.json, nullptr, false));

  const uint64_t table_bytes = std::max<uint64_t>(1, table.bytes());
  std::vector<control::GluePartition> changed;
  for (const auto& p : table.partitions) {
    uint64_t bytes = 0;
    for (const auto& o : p.objects) bytes += o.size;
    const auto rows =
        static_cast<uint64_t>(static_cast<double>(table.schema->rows) * static_cast<double>(bytes) /
                              static_cast<double>(table_bytes));
    Json own = sd;
    own["Location"] = "s3://" + target.bucket + "/" + p.prefix;
    own["Parameters"] = Parameters(table, target, p.objects.size(), bytes, rows);
    Json json = {{"Values", p.values},
                 {"DatabaseName", database_},
                 {"TableName", glue.name},
                 {"StorageDescriptor", own},
                 {"Parameters", own["Parameters"]},
                 {"CatalogId", crawler_.account}};
    const auto before = old.find(p.values);
    if (before != old.end()) {
      Json compared = before->second;
      if (compared.is_object()) {
        compared.erase("CreationTime");
        compared.erase("LastAccessTime");
      }
      if (compared == json) continue;
    }
    json["CreationTime"] =
        before != old.end() && MemberOf(before->second, "CreationTime").is_number()
            ? before->second["CreationTime"]
            : Json(now_);
    json["LastAccessTime"] = now_;
    changed.push_back({p.values, json.dump()});
  }
  if (!changed.empty()) SKEP_TRY(store_.CreateGluePartitions(glue, changed, true));
  summary_.partitions_written += changed.size();
  if (TextOf(MemberOf(json_, "SchemaChangePolicy"), "DeleteBehavior") == "DELETE_FROM_DATABASE") {
    for (const auto& p : table.partitions) old.erase(p.values);
    for (const auto& [values, json] : old)
      SKEP_TRY(store_.DeleteGluePartition(crawler_.account, database_, glue.name, values));
  }
  return {};
}

// What this crawler wrote earlier and did not find again.
Result<void> Crawl::Retire(const std::vector<Target>& targets) {
  const std::string behaviour = TextOf(MemberOf(json_, "SchemaChangePolicy"), "DeleteBehavior");
  if (behaviour == "LOG") return {};
  SKEP_TRY_ASSIGN(const auto tables, store_.ListGlueTables(crawler_.account, database_));
  for (const auto& t : tables) {
    if (written_.contains(t.name)) continue;
    Json json = Json::parse(t.json, nullptr, false);
    if (TextOf(MemberOf(json, "Parameters"), "UPDATED_BY_CRAWLER") != crawler_.name) continue;
    const std::string location = TextOf(MemberOf(json, "StorageDescriptor"), "Location");
    const bool ours = std::ranges::any_of(targets, [&](const Target& x) {
      return location.starts_with("s3://" + x.bucket + "/" + x.prefix);
    });
    if (!ours) continue;
    if (behaviour == "DELETE_FROM_DATABASE") {
      SKEP_TRY(store_.DeleteGlueTable(crawler_.account, database_, t.name));
      summary_.tables_deleted++;
    } else if (!json["Parameters"].contains("DEPRECATED_BY_CRAWLER")) {
      json["Parameters"]["DEPRECATED_BY_CRAWLER"] =
          fmt::format("{}", static_cast<int64_t>(now_ * 1000));
      json["UpdateTime"] = now_;
      SKEP_TRY(store_.UpdateGlueTable({t.catalog_id, t.database, t.name, t.version, json.dump()}));
      summary_.tables_deleted++;
    }
  }
  return {};
}

Result<CrawlSummary> Crawl::Run(const identity::RoleChainResolver& roles) {
  if (!json_.is_object())
    return Fail(ErrorKind::kInternal, "the crawler's definition cannot be read");
  SKEP_TRY_ASSIGN(const auto targets, TargetsOf(json_));
  database_ = Lower(TextOf(json_, "DatabaseName"));
  prefix_ = TextOf(json_, "TablePrefix");
  if (database_.empty())
    return Fail(ErrorKind::kInvalidArgument, "the crawler has no DatabaseName");
  SKEP_TRY_ASSIGN(role_, RoleArnOf(crawler_.account, TextOf(json_, "Role")));
  SKEP_TRY_ASSIGN(credentials_, roles.Resolve(identity::Principal::Service("glue"), {role_}));

  SKEP_TRY_ASSIGN(const auto database, store_.GetGlueDatabase(crawler_.account, database_));
  if (!database) {
    const Json json = {{"Name", database_}, {"CreateTime", now_}, {"CatalogId", crawler_.account}};
    if (auto made = store_.CreateGlueDatabase({crawler_.account, database_, json.dump()});
        !made && made.error().kind != ErrorKind::kDuplicateObject) {
      return Fail(made.error());
    }
  }
  for (const auto& target : targets) {
    SKEP_TRY(CheckStopped());
    // A target without trailing slash is a folder, unless an object has just that name.
    std::string prefix = target.prefix;
    if (!prefix.empty() && !prefix.ends_with('/')) prefix += '/';
    std::vector<lake::ObjectInfo> objects;
    if (credentials_.MayList(target.bucket, prefix)) {
      SKEP_TRY_ASSIGN(objects, lake::ListAll(objects_, credentials_, target.bucket, prefix,
                                             options_.max_objects));
    } else if (prefix == target.prefix) {
      return Fail(ErrorKind::kInsufficientPrivilege,
                  fmt::format("{} is not authorized to perform: s3:ListBucket on s3://{}/{}", role_,
                              target.bucket, target.prefix));
    }
    if (objects.empty() && prefix != target.prefix) {
      if (!credentials_.MayRead(target.bucket, target.prefix)) {
        return Fail(ErrorKind::kInsufficientPrivilege,
                    fmt::format("{} is not authorized to perform: s3:GetObject on s3://{}/{}",
                                role_, target.bucket, target.prefix));
      }
      auto one = objects_.Head(credentials_, target.bucket, target.prefix);
      if (one) {
        objects.push_back(std::move(*one));
        prefix = target.prefix;
      } else if (one.error().kind != ErrorKind::kExternalNotFound) {
        return Fail(one.error());
      }
    }
    std::erase_if(objects, [&](const lake::ObjectInfo& o) {
      return o.etag.empty() || !credentials_.MayRead(target.bucket, o.key);
    });
    auto tables = GroupIntoTables(target.bucket, prefix, objects, target.exclusions);
    SKEP_TRY(InferSchemas(target, tables));
    for (auto& table : CombineSimilar(target.bucket, prefix, std::move(tables)))
      SKEP_TRY(Write(target, std::move(table)));
  }
  SKEP_TRY(Retire(targets));
  return summary_;
}

}  // namespace

Result<std::string> RoleArnOf(const std::string& account, const std::string& role) {
  if (role.empty()) return Fail(ErrorKind::kInvalidRole, "the crawler has no role");
  const std::string arn =
      role.starts_with("arn:") ? role : "arn:aws:iam::" + account + ":role/" + role;
  if (identity::AccountOfRoleArn(arn) != account) {
    return Fail(ErrorKind::kInvalidRole,
                fmt::format("role {} cannot be assumed: a crawler uses roles of its own account {}",
                            role, account));
  }
  return arn;
}

Result<CrawlSummary> RunCrawl(const control::Crawler& crawler, control::Store& store,
                              const identity::RoleChainResolver& roles, lake::ObjectStore& objects,
                              Inferrer& inferrer, const std::function<bool()>& stopped,
                              const CrawlOptions& options) {
  return Crawl(crawler, store, objects, inferrer, stopped, options).Run(roles);
}

}  // namespace skep::catalog
