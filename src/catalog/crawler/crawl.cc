#include "catalog/crawler/crawl.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "base/crypto.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/text.h"
#include "catalog/crawler/evidence.h"
#include "catalog/crawler/glue_output.h"
#include "catalog/crawler/listing.h"
#include "catalog/crawler/plan.h"
#include "catalog/crawler/sampling.h"
#include "catalog/crawler/settings.h"
#include "catalog/json_members.h"
#include "identity/live_credentials.h"

namespace skep::catalog {
namespace {

using Json = nlohmann::json;

constexpr size_t kMostFolders = 1000;   // listed one by one; of more, everything is
constexpr size_t kMostEvidence = 1000;  // tables, objects without a table, changes
constexpr int kNameAttempts = 8;        // while others take the names that were free

double NowSeconds() {
  return static_cast<double>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                 std::chrono::system_clock::now().time_since_epoch())
                                 .count()) /
         1000.0;
}

// A table to be written, and what was decided on its way.
struct Found {
  const Target* target;
  PlannedTable table;
};

std::string GroupingOf(const PlannedTable& table, const CrawlSettings& settings) {
  if (table.single_file) return "one file: its folder holds unlike files";
  if (settings.table_level > 0)
    return fmt::format("every folder below level {} is a partition", settings.table_level);
  if (table.keys.empty()) return "the files of one folder";
  if (table.keys[0].starts_with("partition_"))
    return settings.combine_compatible ? "sibling folders of the same format"
                                       : "sibling folders whose columns are similar";
  return "folders of the form key=value are partitions";
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
        run_id_(NewUuid()),
        now_(NowSeconds()) {}

  Result<CrawlSummary> Run(const identity::RoleChainResolver& roles);

 private:
  // Also renews the role's session, between two uses of it.
  Result<void> CheckStopped() {
    if (stopped_ && stopped_()) return Fail(ErrorKind::kQueryCanceled, "the crawl was stopped");
    if (!live_) return {};
    SKEP_TRY_ASSIGN(const auto current, live_->Current());
    if (current->expires_s != credentials_.expires_s) credentials_ = *current;
    return {};
  }
  Result<void> Remembered();
  Result<std::vector<ListedTarget>> List();
  void KeepKnownFolders(const Target& target, ListedTarget& listed) const;
  Result<void> InferSchemas(const Target& target, Sampler& sampler,
                            std::vector<PlannedTable>& tables);
  bool Alike(const ipc::InferReply& a, const ipc::InferReply& b) const {
    return settings_.combine_compatible ? Compatible(a, b) : Similar(a, b);
  }
  Result<void> Write(const Target& target, PlannedTable table);
  Result<std::string> ChooseName(const PlannedTable& table, const std::string& location,
                                 std::optional<control::GlueTable>& known);
  Result<void> Create(const std::string& name, const Json& sd, const Json& keys,
                      const Json& parameters);
  // Answers the table's structure as it then is; null when its partitions must stay as they are.
  Result<Json> Update(const control::GlueTable& known, const Json& sd, const Json& keys,
                      const Json& parameters);
  Result<void> WritePartitions(const Target& target, const PlannedTable& table,
                               const std::string& name, const Json& sd);
  Result<void> Retire();
  Result<void> Remember(const Sampler& sampler);
  void Note(const char* change, const std::string& table, Json more = Json::object()) {
    more["Change"] = change;
    more["Table"] = table;
    if (changes_.size() < kMostEvidence) changes_.push_back(std::move(more));
  }
  std::string Evidence(const std::vector<ListedTarget>& listed, uint64_t reads) const;

  const control::Crawler& crawler_;
  control::Store& store_;
  lake::ObjectStore& objects_;
  Inferrer& inferrer_;
  const std::function<bool()>& stopped_;
  CrawlOptions options_;
  std::string run_id_;
  double now_;
  CrawlSettings settings_;
  std::string role_;
  identity::Credentials credentials_;  // of now
  std::unique_ptr<identity::LiveCredentials> live_;
  SeenFolders before_, now_seen_;
  std::vector<control::ChangedFolder> events_;
  bool known_definition_ = false;  // it looked at the same targets last time
  bool changes_only_ = false;
  std::set<std::string> written_;                               // names of tables
  std::map<std::string, std::vector<SampleEvidence>> samples_;  // by location
  Json tables_ = Json::array(), no_table_ = Json::array(), changes_ = Json::array();
  CrawlSummary summary_;
};

Result<void> Crawl::Remembered() {
  control::CrawlStore& crawls = store_.Crawls();
  SKEP_TRY_ASSIGN(const auto definition, crawls.Definition(crawler_.account, crawler_.name));
  known_definition_ = definition && *definition == settings_.definition;
  SKEP_TRY_ASSIGN(auto seen, crawls.ListSeen(crawler_.account, crawler_.name));
  for (auto& folder : seen) before_[{folder.bucket, folder.folder}] = std::move(folder.objects);
  // Read before anything is listed: an event that comes later is not answered by this crawl.
  SKEP_TRY_ASSIGN(events_, crawls.ListChanges(crawler_.account, crawler_.name));
  const bool few = events_.size() <= kMostFolders &&
                   std::ranges::none_of(events_, [](const control::ChangedFolder& change) {
                     return change.folder == kEverywhere;
                   });
  changes_only_ =
      options_.changes_only && settings_.recrawl == Recrawl::kEvents && known_definition_ && few;
  return {};
}

// What was in a folder that was seen before stays what it was.
void Crawl::KeepKnownFolders(const Target& target, ListedTarget& listed) const {
  std::erase_if(listed.objects, [&](const lake::ObjectInfo& object) {
    return before_.contains({target.bucket, FolderOf(object.key)});
  });
  for (const auto& [name, objects] : before_) {
    if (name.first != target.bucket || !name.second.starts_with(listed.prefix)) continue;
    for (const control::SeenObject& object : objects)
      listed.objects.push_back({name.second + object.name, object.etag, object.size, 0});
  }
  std::ranges::sort(listed.objects, {}, &lake::ObjectInfo::key);
}

Result<std::vector<ListedTarget>> Crawl::List() {
  const Lister lister{objects_, credentials_, role_, options_.max_objects};
  std::vector<ListedTarget> out;
  for (const Target& target : settings_.targets) {
    SKEP_TRY(CheckStopped());
    SKEP_TRY_ASSIGN(ListedTarget listed,
                    changes_only_ ? lister.Changed(target, before_, events_) : lister.All(target));
    if (settings_.recrawl == Recrawl::kNewFolders && known_definition_)
      KeepKnownFolders(target, listed);
    AddSeen(now_seen_, target.bucket, listed.objects);
    out.push_back(std::move(listed));
  }
  return out;
}

Result<void> Crawl::InferSchemas(const Target& target, Sampler& sampler,
                                 std::vector<PlannedTable>& tables) {
  std::vector<PlannedTable> out;
  for (size_t i = 0; i < tables.size(); i++) {
    PlannedTable table = std::move(tables[i]);
    SKEP_TRY_ASSIGN(auto samples, sampler.SamplesOf(target, table));
    SampleEvidence* first = nullptr;
    bool alike = true;
    size_t readable = 0;
    uint64_t sampled_rows = 0;
    for (SampleEvidence& sample : samples) {
      if (!sample.error.empty()) {
        log::Warn("crawl_object_skipped", {{"crawler", crawler_.name},
                                           {"path", "s3://" + target.bucket + "/" + sample.key},
                                           {"reason", sample.error}});
        continue;
      }
      readable++;
      sampled_rows += sample.schema.rows;
      if (first == nullptr) {
        first = &sample;
        table.schema = sample.schema;
        continue;
      }
      sample.used = Alike(first->schema, sample.schema);
      alike = alike && sample.used;
      if (sample.used) table.schema = MergeSchemas(*table.schema, sample.schema);
    }
    if (first == nullptr) {
      if (no_table_.size() < kMostEvidence) {
        no_table_.push_back({{"Location", "s3://" + target.bucket + "/" + table.location},
                             {"Samples", SamplesEvidence({}, samples)}});
      }
      continue;
    }
    if (!alike && !table.single_file && table.keys.empty()) {
      // A folder of unlike files is a table for each of them.
      for (auto& one : SplitByFile(table)) tables.push_back(std::move(one));
      continue;
    }
    // Samples speak for the whole table.
    table.schema->rows = sampled_rows * std::max<uint64_t>(1, table.objects()) / readable;
    if (table.kind.format.empty()) table.kind.format = table.schema->format;
    samples_[table.location] = std::move(samples);
    out.push_back(std::move(table));
  }
  tables = std::move(out);
  return {};
}

// The name is taken when the table there was made by somebody else or lies elsewhere; then one with
// a digest. Empty: even that is another's.
Result<std::string> Crawl::ChooseName(const PlannedTable& table, const std::string& location,
                                      std::optional<control::GlueTable>& known) {
  std::string name = (settings_.table_prefix + table.name).substr(0, 255);
  for (int attempt = 0; attempt < 2; attempt++) {
    SKEP_TRY_ASSIGN(known, store_.GetGlueTable(crawler_.account, settings_.database, name));
    if (!known && !written_.contains(name)) return name;
    if (known) {
      const Json old = Json::parse(known->json, nullptr, false);
      if (TextOf(MemberOf(old, "StorageDescriptor"), "Location") == location &&
          !written_.contains(name))
        return name;
    }
    known.reset();
    name = name.substr(0, 222) + "_" + HexEncode(Md5(location));
  }
  return std::string();
}

Result<void> Crawl::Create(const std::string& name, const Json& sd, const Json& keys,
                           const Json& parameters) {
  Json json = {{"Name", name},
               {"DatabaseName", settings_.database},
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
  if (!options_.dry_run) {
    SKEP_TRY(store_.CreateGlueTable({crawler_.account, settings_.database, name, 0, json.dump()}));
  }
  summary_.tables_created++;
  Note("CREATE_TABLE", name,
       {{"Columns", MemberOf(sd, "Columns")},
        {"PartitionKeys", keys},
        {"Location", MemberOf(sd, "Location")}});
  return {};
}

Result<Json> Crawl::Update(const control::GlueTable& known, const Json& sd, const Json& keys,
                           const Json& parameters) {
  Json before = Json::parse(known.json, nullptr, false);
  if (before["Parameters"].is_object()) before["Parameters"].erase("CRAWL_RUN_ID");
  const Json old_columns = MemberOf(MemberOf(before, "StorageDescriptor"), "Columns");
  Json after = before;
  after["StorageDescriptor"] = sd;
  after["PartitionKeys"] = keys;
  std::string unmergeable;
  if (settings_.merge_new_columns) {
    // Columns are only ever added; another kind of file is not this table any more.
    for (const char* mark : {"classification", "compressionType", "delimiter"}) {
      if (TextOf(MemberOf(before, "Parameters"), mark) != TextOf(parameters, mark))
        unmergeable = mark;
    }
    Json columns = old_columns;
    std::set<std::string> names;
    for (const Json& column : columns) names.insert(TextOf(column, "Name"));
    for (const Json& column : sd["Columns"]) {
      if (!names.contains(TextOf(column, "Name"))) columns.push_back(column);
    }
    after["StorageDescriptor"]["Columns"] = std::move(columns);
  }
  // What a user added to the table's parameters stays; a table that is back is no longer
  // deprecated.
  for (const auto& [key, value] : parameters.items()) after["Parameters"][key] = value;
  after["Parameters"].erase("DEPRECATED_BY_CRAWLER");
  Json difference = {
      {"Columns", ColumnChanges(old_columns, after["StorageDescriptor"]["Columns"])}};
  if (!unmergeable.empty()) {
    after = before;
    if (!after["Parameters"].contains("DEPRECATED_BY_CRAWLER"))
      after["Parameters"]["DEPRECATED_BY_CRAWLER"] =
          fmt::format("{}", static_cast<int64_t>(now_ * 1000));
    difference["Reason"] =
        fmt::format("{} has changed, which MergeNewColumns does not merge", unmergeable);
  }
  if (MemberOf(before, "PartitionKeys") != after["PartitionKeys"])
    difference["PartitionKeys"] = after["PartitionKeys"];
  if (before == after) {
    summary_.tables_unchanged++;
    return unmergeable.empty() ? after : Json();
  }
  if (settings_.log_updates) {
    log::Info("crawl_table_change_logged", {{"crawler", crawler_.name}, {"table", known.name}});
    summary_.tables_unchanged++;
    // Statistics alone are no news.
    if (!difference["Columns"].is_null() || difference.size() > 1)
      Note("LOGGED_ONLY", known.name, difference);
    return MemberOf(before, "PartitionKeys") == keys ? before : Json();
  }
  const bool same_keys = MemberOf(before, "PartitionKeys") == after["PartitionKeys"];
  after["UpdateTime"] = now_;
  after["Parameters"]["CRAWL_RUN_ID"] = run_id_;
  difference["FromVersion"] = known.version;
  difference["ToVersion"] = known.version + 1;
  if (!options_.dry_run) {
    SKEP_TRY(store_.UpdateGlueTable({known.catalog_id, known.database, known.name, known.version,
                                     after.dump(-1, ' ', false, Json::error_handler_t::replace)}));
  }
  summary_.tables_updated++;
  Note(unmergeable.empty() ? "UPDATE_TABLE" : "DEPRECATE_TABLE", known.name, difference);
  if (!unmergeable.empty()) return Json();
  if (!same_keys && !options_.dry_run) {
    // Partitions of other keys mean nothing any more.
    SKEP_TRY_ASSIGN(const auto old,
                    store_.ListGluePartitions(crawler_.account, settings_.database, known.name));
    std::vector<std::vector<std::string>> values;
    for (const auto& p : old) values.push_back(p.values);
    SKEP_TRY(
        store_.Glue().DeletePartitions({crawler_.account, settings_.database, known.name}, values));
  }
  return after;
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
  const Json sd = CrawledDescriptor(table, target, crawler_.name);
  Json keys = Json::array();
  for (size_t k = 0; k < table.keys.size(); k++) {
    keys.push_back({{"Name", table.keys[k]},
                    {"Type", options_.infer_partition_types ? PartitionKeyType(table.partitions, k)
                                                            : "string"}});
  }
  Json parameters = sd["Parameters"];
  if (!table.keys.empty()) parameters["partition_filtering.enabled"] = "true";

  std::optional<control::GlueTable> known;
  std::string name;
  for (int attempt = 0;; attempt++) {
    SKEP_TRY_ASSIGN(name, ChooseName(table, TextOf(sd, "Location"), known));
    if (name.empty()) return {};
    if (known) break;
    const auto created = Create(name, sd, keys, parameters);
    if (created) break;
    // Another crawler made a table of the name meanwhile: the choice is made anew.
    if (created.error().kind != ErrorKind::kDuplicateObject || attempt == kNameAttempts)
      return created;
  }
  written_.insert(name);
  const auto& samples = samples_[table.location];
  if (tables_.size() < kMostEvidence) {
    std::string classifier;
    for (const SampleEvidence& sample : samples) {
      if (sample.error.empty() && classifier.empty()) classifier = sample.classifier;
    }
    tables_.push_back({{"Table", name},
                       {"Location", sd["Location"]},
                       {"Format", table.schema->format},
                       {"Classifier", classifier},
                       {"Compression", table.kind.compression},
                       {"Objects", table.objects()},
                       {"Bytes", table.bytes()},
                       {"Grouping", GroupingOf(table, settings_)},
                       {"PartitionKeys", PartitionEvidence(table, keys)},
                       {"Samples", SamplesEvidence(*table.schema, samples)}});
  }
  if (!known) return table.keys.empty() ? Result<void>() : WritePartitions(target, table, name, sd);
  SKEP_TRY_ASSIGN(const Json after, Update(*known, sd, keys, parameters));
  if (after.is_null() || table.keys.empty()) return {};
  const bool inherit =
      settings_.inherit_from_table || settings_.merge_new_columns || settings_.log_updates;
  return WritePartitions(target, table, name, inherit ? after["StorageDescriptor"] : sd);
}

Result<void> Crawl::WritePartitions(const Target& target, const PlannedTable& table,
                                    const std::string& name, const Json& sd) {
  SKEP_TRY_ASSIGN(const auto known,
                  store_.ListGluePartitions(crawler_.account, settings_.database, name));
  std::map<std::vector<std::string>, Json> old;
  for (const auto& p : known) old.emplace(p.values, Json::parse(p.json, nullptr, false));

  const uint64_t table_bytes = std::max<uint64_t>(1, table.bytes());
  std::vector<control::GluePartition> changed;
  uint64_t added = 0;
  for (const auto& p : table.partitions) {
    const auto before = old.find(p.values);
    if (before != old.end() && settings_.log_updates) continue;
    uint64_t bytes = 0;
    for (const auto& o : p.objects) bytes += o.size;
    const auto rows =
        static_cast<uint64_t>(static_cast<double>(table.schema->rows) * static_cast<double>(bytes) /
                              static_cast<double>(table_bytes));
    Json own = sd;
    own["Location"] = "s3://" + target.bucket + "/" + p.prefix;
    own["Parameters"] =
        CrawledParameters(table, target, crawler_.name, p.objects.size(), bytes, rows);
    Json json = {{"Values", p.values},
                 {"DatabaseName", settings_.database},
                 {"TableName", name},
                 {"StorageDescriptor", own},
                 {"Parameters", own["Parameters"]},
                 {"CatalogId", crawler_.account}};
    if (before != old.end()) {
      Json compared = before->second;
      if (compared.is_object()) {
        compared.erase("CreationTime");
        compared.erase("LastAccessTime");
      }
      if (compared == json) continue;
    } else {
      added++;
    }
    json["CreationTime"] =
        before != old.end() && MemberOf(before->second, "CreationTime").is_number()
            ? before->second["CreationTime"]
            : Json(now_);
    json["LastAccessTime"] = now_;
    changed.push_back({p.values, json.dump(-1, ' ', false, Json::error_handler_t::replace)});
  }
  std::vector<std::vector<std::string>> gone;
  if (settings_.on_delete == OnDelete::kDelete) {
    for (const auto& p : table.partitions) old.erase(p.values);
    for (const auto& [values, json] : old) gone.push_back(values);
  }
  summary_.partitions_written += changed.size();
  if (!changed.empty() || !gone.empty()) {
    Note("PARTITIONS", name,
         {{"Added", added}, {"Updated", changed.size() - added}, {"Deleted", gone.size()}});
  }
  if (options_.dry_run) return {};
  if (!changed.empty()) {
    SKEP_TRY(store_.CreateGluePartitions({crawler_.account, settings_.database, name, 0, {}},
                                         changed, true));
  }
  if (!gone.empty()) {
    SKEP_TRY(store_.Glue().DeletePartitions({crawler_.account, settings_.database, name}, gone));
  }
  return {};
}

// What this crawler wrote earlier and did not find again.
Result<void> Crawl::Retire() {
  SKEP_TRY_ASSIGN(const auto tables, store_.ListGlueTables(crawler_.account, settings_.database));
  for (const auto& t : tables) {
    if (written_.contains(t.name)) continue;
    Json json = Json::parse(t.json, nullptr, false);
    if (TextOf(MemberOf(json, "Parameters"), "UPDATED_BY_CRAWLER") != crawler_.name) continue;
    const std::string location = TextOf(MemberOf(json, "StorageDescriptor"), "Location");
    const bool ours = std::ranges::any_of(settings_.targets, [&](const Target& x) {
      return location.starts_with("s3://" + x.bucket + "/" + x.prefix);
    });
    if (!ours) continue;
    if (settings_.on_delete == OnDelete::kLog) {
      Note("LOGGED_ONLY", t.name, {{"Reason", "its files are gone"}});
      log::Info("crawl_table_gone_logged", {{"crawler", crawler_.name}, {"table", t.name}});
    } else if (settings_.on_delete == OnDelete::kDelete) {
      if (!options_.dry_run)
        SKEP_TRY(store_.DeleteGlueTable(crawler_.account, settings_.database, t.name));
      summary_.tables_deleted++;
      Note("DELETE_TABLE", t.name);
    } else if (!json["Parameters"].contains("DEPRECATED_BY_CRAWLER")) {
      json["Parameters"]["DEPRECATED_BY_CRAWLER"] =
          fmt::format("{}", static_cast<int64_t>(now_ * 1000));
      json["UpdateTime"] = now_;
      if (!options_.dry_run) {
        SKEP_TRY(
            store_.UpdateGlueTable({t.catalog_id, t.database, t.name, t.version, json.dump()}));
      }
      summary_.tables_deleted++;
      Note("DEPRECATE_TABLE", t.name,
           {{"Reason", "its files are gone"},
            {"FromVersion", t.version},
            {"ToVersion", t.version + 1}});
    }
  }
  return {};
}

Result<void> Crawl::Remember(const Sampler& sampler) {
  if (options_.dry_run) return {};
  control::CrawlMemory memory;
  memory.definition = settings_.definition;
  memory.seen = Differences(before_, now_seen_);
  memory.samples = sampler.Learned();
  memory.forgotten = sampler.Outdated(now_seen_);
  memory.answered = events_;
  return store_.Crawls().Remember(crawler_.account, crawler_.name, memory);
}

std::string Crawl::Evidence(const std::vector<ListedTarget>& listed, uint64_t reads) const {
  Json targets = Json::array();
  for (size_t i = 0; i < listed.size(); i++) {
    const Target& target = settings_.targets[i];
    targets.push_back({{"Path", "s3://" + target.bucket + "/" + target.prefix},
                       {"Objects", listed[i].objects.size()},
                       {"Hidden", listed[i].hidden},
                       {"Requests", listed[i].requests}});
  }
  Json classifiers = Json::array();
  for (const Classifier& classifier : settings_.classifiers) {
    Json one = {{"Name", classifier.name}, {"Type", classifier.type}};
    if (!classifier.problem.empty()) one["Problem"] = classifier.problem;
    classifiers.push_back(std::move(one));
  }
  const Json out = {{"Crawler", crawler_.name},
                    {"RunId", run_id_},
                    {"Mode", changes_only_ ? "folders that events named" : "everything"},
                    {"DryRun", options_.dry_run},
                    {"Events", events_.size()},
                    {"Targets", std::move(targets)},
                    {"Reads", reads},
                    {"Classifiers", std::move(classifiers)},
                    {"Tables", tables_},
                    {"NoTable", no_table_},
                    {"Changes", changes_}};
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<CrawlSummary> Crawl::Run(const identity::RoleChainResolver& roles) {
  SKEP_TRY_ASSIGN(settings_, ReadSettings(crawler_, store_));
  const Json json = Json::parse(crawler_.json, nullptr, false);
  SKEP_TRY_ASSIGN(role_, RoleArnOf(crawler_.account, TextOf(json, "Role")));
  const auto walk = [&roles, role = role_] {
    return roles.Resolve(identity::Principal::Service("glue"), {role});
  };
  SKEP_TRY_ASSIGN(credentials_, walk());
  live_ = std::make_unique<identity::LiveCredentials>(credentials_, walk, roles.clock());
  SKEP_TRY(Remembered());

  SKEP_TRY_ASSIGN(const auto database,
                  store_.GetGlueDatabase(crawler_.account, settings_.database));
  if (!database) {
    Note("CREATE_DATABASE", settings_.database);
    const Json made_json = {
        {"Name", settings_.database}, {"CreateTime", now_}, {"CatalogId", crawler_.account}};
    if (!options_.dry_run) {
      if (auto made =
              store_.CreateGlueDatabase({crawler_.account, settings_.database, made_json.dump()});
          !made && made.error().kind != ErrorKind::kDuplicateObject) {
        return Fail(made.error());
      }
    }
  }
  SKEP_TRY_ASSIGN(const auto listed, List());
  SKEP_TRY_ASSIGN(auto known, store_.Crawls().ListSamples(crawler_.account, crawler_.name));
  Sampler sampler(settings_, inferrer_, credentials_, std::move(known), before_,
                  options_.samples_per_table, [this] { return CheckStopped(); });
  std::vector<Found> found;
  for (size_t i = 0; i < listed.size(); i++) {
    const Target& target = settings_.targets[i];
    auto tables = GroupIntoTables(target.bucket, listed[i].prefix, listed[i].objects, {},
                                  settings_.table_level);
    SKEP_TRY(InferSchemas(target, sampler, tables));
    // Folders above a fixed level are not joined.
    if (settings_.table_level == 0) {
      tables = CombineSimilar(target.bucket, listed[i].prefix, std::move(tables),
                              settings_.combine_compatible);
    }
    for (auto& table : tables) found.push_back({&target, std::move(table)});
  }
  if (settings_.table_threshold > 0 && found.size() > settings_.table_threshold) {
    return Fail(ErrorKind::kInvalidArgument,
                fmt::format("the crawl found {} tables, more than its TableThreshold of {}",
                            found.size(), settings_.table_threshold));
  }
  for (auto& [target, table] : found) SKEP_TRY(Write(*target, std::move(table)));
  SKEP_TRY(Retire());
  SKEP_TRY(Remember(sampler));
  summary_.evidence = Evidence(listed, sampler.reads());
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
