// `skep crawl`: why a crawler decided as it did, what it would change, and the way back to a former
// version of a table. Works on the control store, beside a running gateway or without one.
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <charconv>
#include <chrono>
#include <nlohmann/json.hpp>

#include "app/verbs.h"
#include "base/text.h"
#include "control/glue_store.h"
#ifdef SKEP_HAVE_GATEWAY
#include "app/offline_crawl.h"
#endif

namespace skep::app {
namespace {

using Json = nlohmann::json;

struct CrawlOptionsOfVerb {
  std::string crawler, table, run, account, version, output = "text";
};

std::string TextIn(const Json& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end() || found->is_null()) return {};
  return found->is_string() ? found->get<std::string>() : found->dump();
}
const Json& ListIn(const Json& json, const char* name) {
  static const Json kNone = Json::array();
  const auto found = json.find(name);
  return found != json.end() && found->is_array() ? *found : kNone;
}

std::string ColumnsText(const Json& columns) {
  std::string out;
  for (const Json& column : columns) {
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", TextIn(column, "Name"),
                       TextIn(column, "Type"));
  }
  return out;
}

void PrintSamples(const Json& samples) {
  for (const Json& file : ListIn(samples, "Files")) {
    const std::string error = TextIn(file, "Error"), ignored = TextIn(file, "Ignored"),
                      sheet = TextIn(file, "Sheet"), encoding = TextIn(file, "Encoding");
    fmt::print("  file       {} ({} bytes, {}): {}\n", TextIn(file, "Key"), TextIn(file, "Size"),
               file.value("Read", false) ? "read" : "known",
               !error.empty() ? "skipped: " + error
               : !ignored.empty()
                   ? "ignored: " + ignored
                   : fmt::format("{}, {} columns, {} rows{}{}", TextIn(file, "Format"),
                                 TextIn(file, "Columns"), TextIn(file, "Rows"),
                                 sheet.empty() ? "" : ", sheet \"" + sheet + "\"",
                                 encoding.empty() ? "" : ", " + encoding));
  }
  const uint64_t total = samples.value("FilesTotal", uint64_t{0});
  if (const size_t shown = ListIn(samples, "Files").size(); total > shown)
    fmt::print("  file       and {} more\n", total - shown);
  for (const Json& column : ListIn(samples, "Columns")) {
    std::string votes;
    for (const auto& [type, count] : column.value("Votes", Json::object()).items())
      votes += fmt::format("{}{} x {}", votes.empty() ? "" : ", ", type, count.dump());
    fmt::print("  column     {} {} (votes: {}){}\n", TextIn(column, "Name"), TextIn(column, "Type"),
               votes, column.value("Conflict", false) ? " CONFLICT" : "");
  }
}

void PrintChange(const Json& change) {
  fmt::print("{:<16} {}", TextIn(change, "Change"), TextIn(change, "Table"));
  if (change.contains("ToVersion"))
    fmt::print(" (version {} -> {})", TextIn(change, "FromVersion"), TextIn(change, "ToVersion"));
  if (const std::string reason = TextIn(change, "Reason"); !reason.empty())
    fmt::print(": {}", reason);
  fmt::print("\n");
  const auto columns = change.find("Columns");
  if (columns != change.end() && columns->is_array()) fmt::print("  + {}\n", ColumnsText(*columns));
  if (columns != change.end() && columns->is_object()) {
    for (const Json& column : ListIn(*columns, "Added"))
      fmt::print("  + {} {}\n", TextIn(column, "Name"), TextIn(column, "Type"));
    for (const Json& column : ListIn(*columns, "Removed"))
      fmt::print("  - {} {}\n", TextIn(column, "Name"), TextIn(column, "Type"));
    for (const Json& column : ListIn(*columns, "Changed"))
      fmt::print("  ~ {} {} -> {}\n", TextIn(column, "Name"), TextIn(column, "From"),
                 TextIn(column, "To"));
  }
  if (const Json& keys = ListIn(change, "PartitionKeys"); !keys.empty())
    fmt::print("  partitioned by {}\n", ColumnsText(keys));
  if (change.contains("Updated"))
    fmt::print("  partitions: {} added, {} updated, {} deleted\n", TextIn(change, "Added"),
               TextIn(change, "Updated"), TextIn(change, "Deleted"));
}

bool Named(const Json& one, const std::string& table) {
  return table.empty() || TextIn(one, "Table") == table;
}

void PrintEvidence(const Json& evidence, const std::string& table) {
  fmt::print("looked at {}", TextIn(evidence, "Mode"));
  for (const Json& target : ListIn(evidence, "Targets"))
    fmt::print("\n  {}: {} objects, {} hidden or excluded, {} listing requests",
               TextIn(target, "Path"), TextIn(target, "Objects"), TextIn(target, "Hidden"),
               TextIn(target, "Requests"));
  fmt::print("\nread {} files\n", TextIn(evidence, "Reads"));
  for (const Json& classifier : ListIn(evidence, "Classifiers")) {
    const std::string problem = TextIn(classifier, "Problem");
    fmt::print("classifier {} ({}){}\n", TextIn(classifier, "Name"), TextIn(classifier, "Type"),
               problem.empty() ? "" : " not used: " + problem);
  }
  for (const Json& one : ListIn(evidence, "Tables")) {
    if (!Named(one, table)) continue;
    fmt::print("\ntable {} at {}\n  format     {} by classifier {}{}\n  grouping   {}\n",
               TextIn(one, "Table"), TextIn(one, "Location"), TextIn(one, "Format"),
               TextIn(one, "Classifier"),
               TextIn(one, "Compression").empty() ? "" : ", " + TextIn(one, "Compression"),
               TextIn(one, "Grouping"));
    fmt::print("  objects    {} of {} bytes\n", TextIn(one, "Objects"), TextIn(one, "Bytes"));
    for (const Json& key : ListIn(one, "PartitionKeys"))
      fmt::print("  partition  {} {}: {} values; {}\n", TextIn(key, "Name"), TextIn(key, "Type"),
                 TextIn(key, "Values"), TextIn(key, "Reason"));
    if (one.contains("Samples")) PrintSamples(one["Samples"]);
  }
  if (!table.empty()) return;
  for (const Json& one : ListIn(evidence, "NoTable")) {
    fmt::print("\nno table at {}\n", TextIn(one, "Location"));
    if (one.contains("Samples")) PrintSamples(one["Samples"]);
  }
}

void PrintChanges(const Json& evidence, const std::string& table) {
  size_t shown = 0;
  for (const Json& change : ListIn(evidence, "Changes")) {
    if (!Named(change, table)) continue;
    PrintChange(change);
    shown++;
  }
  if (shown == 0) fmt::print("no change\n");
}

Result<control::Crawler> FindCrawler(control::Store& store, const Config& config,
                                     const CrawlOptionsOfVerb& options) {
  const std::string account = options.account.empty() ? config.account : options.account;
  SKEP_TRY_ASSIGN(auto found, store.GetCrawler(account, options.crawler));
  if (!found) {
    return Fail(ErrorKind::kUndefinedObject,
                fmt::format("There is no crawler \"{}\" in account {}.", options.crawler, account),
                {}, "Name the account with --account.");
  }
  return std::move(*found);
}

Result<int> Explain(const Context& context, const CrawlOptionsOfVerb& options) {
  SKEP_TRY_ASSIGN(const LoadedConfig loaded, Load(context));
  SKEP_TRY_ASSIGN(const auto store, OpenStore(loaded.config));
  SKEP_TRY_ASSIGN(const auto crawler, FindCrawler(*store, loaded.config, options));
  SKEP_TRY_ASSIGN(const auto kept,
                  store->Glue().ListObjects(crawler.account, "crawl_evidence", crawler.name));
  for (auto object = kept.rbegin(); object != kept.rend(); ++object) {
    if (!options.run.empty() && !object->name.ends_with("-" + options.run)) continue;
    const Json evidence = Json::parse(object->json, nullptr, false);
    if (!evidence.is_object()) continue;
    bool named = options.table.empty();
    for (const char* list : {"Tables", "Changes"}) {
      for (const Json& one : ListIn(evidence, list)) named = named || Named(one, options.table);
    }
    if (!named) continue;
    const std::string id = object->name.substr(object->name.find('-') + 1);
    if (options.output == "json") {
      fmt::print("{}\n", Json{{"CrawlId", id}, {"Evidence", evidence}}.dump());
    } else {
      fmt::print("crawl {} of {}\n", id, crawler.name);
      PrintEvidence(evidence, options.table);
      fmt::print("\n");
      PrintChanges(evidence, options.table);
    }
    return 0;
  }
  return Fail(ErrorKind::kUndefinedObject,
              fmt::format("There is no evidence of such a crawl of \"{}\".", crawler.name), {},
              "Evidence is kept of a crawler's last 25 successful crawls.");
}

Result<int> DryRun(const Context& context, const CrawlOptionsOfVerb& options) {
#ifdef SKEP_HAVE_GATEWAY
  SKEP_TRY_ASSIGN(const LoadedConfig loaded, Load(context));
  log::Configure(log::Level::kError, false);
  SKEP_TRY_ASSIGN(const auto store, OpenStore(loaded.config));
  SKEP_TRY_ASSIGN(const auto crawler, FindCrawler(*store, loaded.config, options));
  SKEP_TRY_ASSIGN(const auto done, DryRunCrawl(loaded.config, *store, crawler));
  const Json evidence = Json::parse(done.evidence, nullptr, false);
  if (options.output == "json")
    fmt::print("{}\n", Json{{"Evidence", evidence}}.dump());
  else
    PrintChanges(evidence, options.table);
  return 0;
#else
  (void)context;
  (void)options;
  return Fail(ErrorKind::kFeatureNotSupported, "This skep was built without its gateway.");
#endif
}

Result<int> Rollback(const Context& context, const CrawlOptionsOfVerb& options) {
  SKEP_TRY_ASSIGN(const LoadedConfig loaded, Load(context));
  SKEP_TRY_ASSIGN(const auto store, OpenStore(loaded.config));
  const std::string account = options.account.empty() ? loaded.config.account : options.account;
  const size_t dot = options.table.find('.');
  uint64_t version = 0;
  const std::string& text = options.version;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (dot == std::string::npos || error != std::errc() || end != text.data() + text.size()) {
    return Fail(ErrorKind::kInvalidArgument, "The table is DATABASE.TABLE, the version a number.");
  }
  const std::string database = Lower(options.table.substr(0, dot)),
                    table = Lower(options.table.substr(dot + 1));
  SKEP_TRY_ASSIGN(auto current, store->GetGlueTable(account, database, table));
  if (!current) {
    return Fail(ErrorKind::kUndefinedObject,
                fmt::format("There is no table {}.{} in account {}.", database, table, account));
  }
  SKEP_TRY_ASSIGN(const auto former,
                  store->Glue().GetTableVersion({account, database, table}, version));
  if (!former) {
    return Fail(ErrorKind::kUndefinedObject,
                fmt::format("The table {}.{} has no former version {}.", database, table, version),
                {}, fmt::format("Its current version is {}.", current->version));
  }
  Json json = Json::parse(former->json, nullptr, false);
  json["UpdateTime"] = static_cast<double>(std::chrono::duration_cast<std::chrono::seconds>(
                                               std::chrono::system_clock::now().time_since_epoch())
                                               .count());
  const uint64_t before = current->version;
  current->json = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  SKEP_TRY_ASSIGN(const bool replaced, store->Glue().ReplaceTable(*current, true));
  if (!replaced)
    return Fail(ErrorKind::kConflict, "The table was changed meanwhile.", {}, "Try again.");
  if (options.output == "json") {
    fmt::print("{}\n", Json{{"Database", database},
                            {"Table", table},
                            {"RestoredVersion", version},
                            {"Version", before + 1}}
                           .dump());
  } else {
    fmt::print("{}.{} is as in version {} again; that is version {}\n", database, table, version,
               before + 1);
  }
  return 0;
}

void AddCommon(CLI::App& verb, Context& context, CrawlOptionsOfVerb& options) {
  verb.add_option("--account", options.account, "Account of the catalog [the configured one]");
  verb.add_option("--output", options.output, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->type_name("");
  AddConfigFlags(verb, context, false);
}

}  // namespace

void RegisterCrawl(CLI::App& root, Context& context) {
  CLI::App* crawl = AddVerb(root, "crawl", "Explain crawls, try them out, undo what they changed");
  crawl->require_subcommand(1);
  auto options = std::make_shared<CrawlOptionsOfVerb>();

  CLI::App* explain = AddVerb(*crawl, "explain",
                              "Show which files a crawl read, what they said and what it decided");
  explain->add_option("crawler", options->crawler, "The crawler's name")->required();
  explain->add_option("--table", options->table, "Only this table");
  explain->add_option("--run", options->run, "This crawl, by its CrawlId [the last one]");
  AddCommon(*explain, context, *options);
  explain->callback([&context, options] {
    context.run = [&context, options] { return Explain(context, *options); };
  });

  CLI::App* dry_run =
      AddVerb(*crawl, "dry-run", "Show what a crawl would change, and change nothing");
  dry_run->add_option("crawler", options->crawler, "The crawler's name")->required();
  dry_run->add_option("--table", options->table, "Only this table");
  AddCommon(*dry_run, context, *options);
  dry_run->callback([&context, options] {
    context.run = [&context, options] { return DryRun(context, *options); };
  });

  CLI::App* rollback =
      AddVerb(*crawl, "rollback", "Make a former version of a table the current one again");
  rollback->add_option("table", options->table, "DATABASE.TABLE")->required();
  rollback->add_option("--to-version", options->version, "The version to go back to")->required();
  AddCommon(*rollback, context, *options);
  rollback->footer(
      "The version of now is kept, too. Partitions stay. The next crawl decides anew; a crawler "
      "with UpdateBehavior LOG leaves the table as it is.");
  rollback->callback([&context, options] {
    context.run = [&context, options] { return Rollback(context, *options); };
  });
}

}  // namespace skep::app
