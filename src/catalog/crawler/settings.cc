#include "catalog/crawler/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/crypto.h"
#include "base/text.h"
#include "catalog/crawler/plan.h"
#include "catalog/json_members.h"
#include "lake/object_store.h"

namespace skep::catalog {
namespace {

using Json = nlohmann::json;

// Raised when samples are understood in another way: what is remembered of them is read anew.
constexpr std::string_view kInference = "1";

Result<std::vector<Target>> TargetsOf(const Json& crawler) {
  std::vector<Target> targets;
  const Json& list = MemberOf(MemberOf(crawler, "Targets"), "S3Targets");
  for (const Json& t : list) {
    Target target;
    std::string path = TextOf(t, "Path");
    // The API also takes bucket/prefix without a scheme.
    if (path.find("://") == std::string::npos) path = "s3://" + path;
    if (!lake::ParseS3Path(path, target.bucket, target.prefix)) {
      return Fail(ErrorKind::kInvalidArgument,
                  fmt::format("the S3 target \"{}\" is no S3 path", TextOf(t, "Path")));
    }
    for (const Json& e : MemberOf(t, "Exclusions")) {
      if (e.is_string()) target.exclusions.push_back(e.get<std::string>());
    }
    const Json& samples = MemberOf(t, "SampleSize");
    if (samples.is_number_integer() && samples.get<int64_t>() > 0)
      target.samples = samples.get<size_t>();
    targets.push_back(std::move(target));
  }
  if (targets.empty())
    return Fail(ErrorKind::kInvalidArgument, "the crawler has no S3 target", {},
                "Only S3 targets can be crawled.");
  return targets;
}

size_t CountOf(const Json& object, const char* name) {
  const Json& value = MemberOf(object, name);
  return value.is_number_integer() && value.get<int64_t>() > 0 ? value.get<size_t>() : 0;
}

void ReadConfiguration(CrawlSettings& out, const Json& crawler) {
  const Json configuration = Json::parse(TextOf(crawler, "Configuration"), nullptr, false);
  const Json& output = MemberOf(configuration, "CrawlerOutput");
  const Json& tables = MemberOf(output, "Tables");
  const Json& grouping = MemberOf(configuration, "Grouping");
  out.merge_new_columns = TextOf(tables, "AddOrUpdateBehavior") == "MergeNewColumns";
  out.table_threshold = CountOf(tables, "TableThreshold");
  out.inherit_from_table =
      TextOf(MemberOf(output, "Partitions"), "AddOrUpdateBehavior") == "InheritFromTable";
  out.combine_compatible = TextOf(grouping, "TableGroupingPolicy") == "CombineCompatibleSchemas";
  out.table_level = CountOf(grouping, "TableLevelConfiguration");
}

Recrawl RecrawlOf(const Json& crawler) {
  const std::string behaviour = TextOf(MemberOf(crawler, "RecrawlPolicy"), "RecrawlBehavior");
  if (behaviour == "CRAWL_NEW_FOLDERS_ONLY") return Recrawl::kNewFolders;
  return behaviour == "CRAWL_EVENT_MODE" ? Recrawl::kEvents : Recrawl::kEverything;
}

void ReadPolicies(CrawlSettings& out, const Json& crawler) {
  const Json& policy = MemberOf(crawler, "SchemaChangePolicy");
  out.recrawl = RecrawlOf(crawler);
  out.log_updates = TextOf(policy, "UpdateBehavior") == "LOG";
  const std::string deleted = TextOf(policy, "DeleteBehavior");
  out.on_delete = deleted == "LOG"                    ? OnDelete::kLog
                  : deleted == "DELETE_FROM_DATABASE" ? OnDelete::kDelete
                                                      : OnDelete::kDeprecate;
  if (out.recrawl == Recrawl::kNewFolders) {
    out.log_updates = true;
    out.on_delete = OnDelete::kLog;
  }
}

Result<std::string> ReadClassifiers(CrawlSettings& out, const Json& crawler,
                                    const std::string& account, control::Store& store) {
  std::string definitions;
  for (const Json& name : MemberOf(crawler, "Classifiers")) {
    if (!name.is_string()) continue;
    SKEP_TRY_ASSIGN(const auto found,
                    store.Glue().GetObject(account, "classifier", "", name.get<std::string>()));
    if (!found) continue;  // deleted since
    const Json json = Json::parse(found->json, nullptr, false);
    out.classifiers.push_back(ReadClassifier(found->name, json));
    definitions += found->json;
  }
  return definitions;
}

}  // namespace

Result<CrawlSettings> ReadSettings(const control::Crawler& crawler, control::Store& store) {
  const Json json = Json::parse(crawler.json, nullptr, false);
  if (!json.is_object())
    return Fail(ErrorKind::kInternal, "the crawler's definition cannot be read");
  CrawlSettings out;
  SKEP_TRY_ASSIGN(out.targets, TargetsOf(json));
  out.database = Lower(TextOf(json, "DatabaseName"));
  out.table_prefix = Lower(TextOf(json, "TablePrefix"));
  if (out.database.empty())
    return Fail(ErrorKind::kInvalidArgument, "the crawler has no DatabaseName");
  ReadPolicies(out, json);
  ReadConfiguration(out, json);
  SKEP_TRY_ASSIGN(const std::string classifiers,
                  ReadClassifiers(out, json, crawler.account, store));
  const auto digest = [](const std::string& text) { return HexEncode(Sha256(text)); };
  out.definition = digest(MemberOf(json, "Targets").dump() + TextOf(json, "Role"));
  out.method = digest(std::string(kInference) + classifiers).substr(0, 16);
  return out;
}

std::vector<Target> EventTargets(const control::Crawler& crawler) {
  const Json json = Json::parse(crawler.json, nullptr, false);
  if (RecrawlOf(json) != Recrawl::kEvents) return {};
  auto targets = TargetsOf(json);
  return targets ? std::move(*targets) : std::vector<Target>();
}

bool Covers(const Target& target, std::string_view bucket, std::string_view key) {
  if (bucket != target.bucket || !key.starts_with(target.prefix)) return false;
  std::string_view relative = key.substr(target.prefix.size());
  if (!target.prefix.empty() && !target.prefix.ends_with('/')) {
    if (relative.empty()) return true;
    if (!relative.starts_with('/')) return false;
    relative.remove_prefix(1);
  }
  return std::ranges::none_of(target.exclusions, [relative](const std::string& glob) {
    return GlobMatches(glob, relative);
  });
}

}  // namespace skep::catalog
