#include "api/access/explain_access.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "base/text.h"
#include "sql/ast/query.h"
#include "sql/ast/statement.h"
#include "sql/ast/visit.h"
#include "sql/statement.h"

namespace skep::access {
namespace {

using Json = nlohmann::json;
using identity::Credentials;
using identity::Decision;

constexpr std::string_view kAutoMounted = "awsdatacatalog";
constexpr size_t kPlaces = 100;  // folders of partitions outside of the table's that are looked at

// What a statement reads: a table of a catalog, or objects that COPY names.
struct ExternalTable {
  std::string shown, database, table;
  std::string objects;    // of COPY: s3://bucket/prefix
  bool manifest = false;  // `objects` is one object
  std::vector<std::string> roles, catalog_roles;
  std::string catalog_id;
  std::string secret;  // of a table in a remote database: its secret's ARN
  bool operator<(const ExternalTable& other) const { return shown < other.shown; }
};

std::string TextOf(const Json& of, const char* name) {
  const auto found = of.is_object() ? of.find(name) : of.end();
  return of.is_object() && found != of.end() && found->is_string() ? found->get<std::string>()
                                                                   : std::string();
}

// The objects of a COPY with roles. What it reads with keys is their owner's to read.
std::optional<ExternalTable> SourceOf(const sql::ast::Copy& copy) {
  ExternalTable source;
  if (copy.source) source.objects = std::string(copy.source->text);
  source.shown = source.objects;
  source.manifest = sql::ast::FindOption(copy.options, "manifest") != nullptr;
  if (const auto* role = sql::ast::FindOption(copy.options, "iam_role"))
    source.roles = SplitAtCommas(role->text());
  if (const auto* credentials = sql::ast::FindOption(copy.options, "credentials")) {
    constexpr std::string_view kRole = "aws_iam_role=";
    if (credentials->text().starts_with(kRole))
      source.roles = SplitAtCommas(credentials->text().substr(kRole.size()));
  }
  if (source.objects.empty() || source.roles.empty()) return std::nullopt;
  return source;
}

// The external tables that a script's queries name.
Result<std::set<ExternalTable>> TablesOf(const AccessQuestion& question) {
  SKEP_TRY_ASSIGN(const auto statements, sql::ParseScript(question.sql));
  std::set<ExternalTable> tables;
  for (const auto& statement : statements) {
    if (statement.refusal) return std::unexpected(*statement.refusal);
    if (const auto* copy = sql::ast::As<sql::ast::Copy>(statement.tree)) {
      if (auto source = SourceOf(*copy)) tables.insert(std::move(*source));
    }
    sql::ast::Walk(*statement.tree, [&](const sql::ast::Node& node) {
      const auto* named = sql::ast::As<sql::ast::NamedTable>(&node);
      if (!named || named->name.size() < 2 || named->name.size() > 3) return true;
      std::vector<std::string> parts;
      for (const auto& part : named->name) parts.push_back(Lower(part.text));
      ExternalTable table;
      table.table = parts.back();
      if (parts.size() == 3 && parts[0] == kAutoMounted && question.database != kAutoMounted) {
        table.database = parts[1];
        table.roles = {std::string(identity::kDefaultChain)};
      } else {
        if (parts.size() == 3 && parts[0] != question.database) return true;
        const auto schema =
            std::ranges::find(question.schemas, parts[parts.size() - 2], &SchemaRow::name);
        if (schema == question.schemas.end()) return true;
        const Json options = Json::parse(schema->options, nullptr, false);
        table.database = schema->database;
        table.roles = SplitAtCommas(TextOf(options, "IAM_ROLE"));
        table.catalog_roles = SplitAtCommas(TextOf(options, "CATALOG_ROLE"));
        table.catalog_id = TextOf(options, "CATALOG_ID");
        table.secret = TextOf(options, "SECRET_ARN");
        if (table.roles.empty()) return true;  // of another database of the workspace
      }
      for (const auto& part : parts) table.shown += (table.shown.empty() ? "" : ".") + part;
      tables.insert(std::move(table));
      return true;
    });
  }
  return tables;
}

class Explainer {
 public:
  Explainer(const AccessQuestion& question, const identity::RoleChainResolver& roles,
            control::Store& store)
      : question_(question), roles_(roles), store_(store) {}

  Json Explain(const ExternalTable& table) {
    steps_ = Json::array();
    const bool allowed = Walk(table);
    return {{"Table", table.shown}, {"Allowed", allowed}, {"Steps", std::move(steps_)}};
  }

 private:
  bool Add(std::string_view action, const std::string& caller, const std::string& resource,
           const Decision& decision, size_t hop = 0) {
    Json step = {{"Action", action},
                 {"Caller", caller},
                 {"Resource", resource},
                 {"Allowed", decision.allowed}};
    if (hop > 0) step["Hop"] = hop;
    if (!decision.policy.empty()) step["Policy"] = decision.policy;
    if (!decision.statement.empty()) step["Statement"] = decision.statement;
    if (!decision.reason.empty()) step["Reason"] = decision.reason;
    steps_.push_back(std::move(step));
    return decision.allowed;
  }

  bool Missing(std::string_view action, const std::string& caller, const std::string& resource,
               std::string reason) {
    Decision decision;
    decision.reason = std::move(reason);
    return Add(action, caller, resource, decision);
  }

  std::optional<Credentials> Assume(const std::vector<std::string>& chain, bool keys = true) {
    std::vector<identity::ChainHop> hops;
    auto credentials = roles_.Resolve(identity::Principal::Workspace(question_.workspace), chain,
                                      &hops, {question_.user, {}, "explain-access", keys});
    for (size_t i = 0; i < hops.size(); i++)
      Add("sts:AssumeRole", hops[i].caller, hops[i].role, hops[i].decision, i + 1);
    if (credentials) return std::move(*credentials);
    // What no hop says: a malformed chain, no default role, no keys of the account.
    if (hops.empty() || hops.back().decision.allowed)
      Missing("sts:AssumeRole", "workspace:" + question_.workspace,
              fmt::format("{}", fmt::join(chain, ",")), credentials.error().message);
    return std::nullopt;
  }

  bool Walk(const ExternalTable& table) {
    if (!table.objects.empty()) {
      const auto credentials = Assume(table.roles);
      return credentials && Objects(*credentials, table);
    }
    if (!table.secret.empty()) {
      const auto credentials = Assume(table.roles, false);
      return credentials && Add("secretsmanager:GetSecretValue", credentials->role, table.secret,
                                credentials->DecideSecret(table.secret));
    }
    auto catalog = Assume(table.catalog_roles.empty() ? table.roles : table.catalog_roles);
    if (!catalog) return false;
    const std::string name = table.database + "." + table.table;
    if (!table.catalog_id.empty() && table.catalog_id != catalog->account)
      return Missing("glue:GetTable", catalog->role, name,
                     "the schema names the catalog of account " + table.catalog_id);
    if (!Add("glue:GetTable", catalog->role, name,
             catalog->DecideCatalog("glue:GetTable", table.database, table.table)))
      return false;
    // What a foreign account's services allow, they say when they are asked for it.
    if (catalog->foreign) return table.catalog_roles.empty() || Assume(table.roles).has_value();
    const auto found = store_.GetGlueTable(catalog->account, table.database, table.table);
    if (!found || !*found)
      return Missing("glue:GetTable", catalog->role, name,
                     "there is no such table in the catalog of account " + catalog->account);
    std::optional<Credentials> data = catalog;
    if (!table.catalog_roles.empty()) data = Assume(table.roles);
    if (!data) return false;
    bool allowed = true;
    for (const std::string& place : PlacesOf(**found, catalog->account))
      allowed = Place(*data, place) && allowed;
    return allowed;
  }

  // The table's folder, and those of its partitions that lie elsewhere.
  std::vector<std::string> PlacesOf(const control::GlueTable& table, const std::string& account) {
    const auto location = [](const std::string& json) {
      const Json parsed = Json::parse(json, nullptr, false);
      return parsed.is_object() && parsed.contains("StorageDescriptor")
                 ? TextOf(parsed["StorageDescriptor"], "Location")
                 : std::string();
    };
    std::vector<std::string> places{location(table.json)};
    std::string folder = places[0];
    if (!folder.ends_with('/')) folder += '/';
    const auto partitions = store_.ListGluePartitions(account, table.database, table.name);
    if (!partitions) return places;
    for (const auto& partition : *partitions) {
      std::string place = location(partition.json);
      if (place.empty() || place.starts_with(folder) || places.size() > kPlaces) continue;
      places.push_back(std::move(place));
    }
    return places;
  }

  // Every key that begins so, or one manifest; what that names is not known here.
  bool Objects(const Credentials& credentials, const ExternalTable& source) {
    const auto [bucket, key] = PartsOf(source.objects);
    if (bucket.empty())
      return Missing("s3:GetObject", credentials.role, source.objects, "the source is not on S3");
    if (source.manifest)
      return Add("s3:GetObject", credentials.role, source.objects,
                 credentials.DecideRead(bucket, key));
    const bool listed =
        Add("s3:ListBucket", credentials.role, source.objects, credentials.DecideList(bucket, key));
    const bool read = Add("s3:GetObject", credentials.role, source.objects + "*",
                          credentials.DecideRead(bucket, key + "*"));
    return listed && read;
  }

  // Bucket and key of an s3:// location; no bucket: it is none.
  static std::pair<std::string, std::string> PartsOf(const std::string& place) {
    constexpr std::string_view kScheme = "s3://";
    if (!place.starts_with(kScheme)) return {};
    const size_t slash = place.find('/', kScheme.size());
    return {place.substr(kScheme.size(), slash - kScheme.size()),
            slash == std::string::npos ? std::string() : place.substr(slash + 1)};
  }

  bool Place(const Credentials& credentials, const std::string& place) {
    auto [bucket, key] = PartsOf(place);
    if (bucket.empty())
      return Missing("s3:ListBucket", credentials.role, place, "the location is not on S3");
    if (!key.empty() && !key.ends_with('/')) key += '/';
    const bool listed =
        Add("s3:ListBucket", credentials.role, fmt::format("s3://{}/{}", bucket, key),
            credentials.DecideList(bucket, key));
    const bool read = Add("s3:GetObject", credentials.role, fmt::format("s3://{}/{}*", bucket, key),
                          credentials.DecideRead(bucket, key + "*"));
    return listed && read;
  }

  const AccessQuestion& question_;
  const identity::RoleChainResolver& roles_;
  control::Store& store_;
  Json steps_;
};

}  // namespace

Result<Json> ExplainAccess(const AccessQuestion& question, const identity::RoleChainResolver& roles,
                           control::Store& store) {
  SKEP_TRY_ASSIGN(const auto user, store.GetUser(question.workspace, question.user));
  if (!user)
    return Fail(ErrorKind::kUndefinedObject,
                fmt::format("there is no user \"{}\" in workspace \"{}\"", question.user,
                            question.workspace));
  SKEP_TRY_ASSIGN(const auto tables, TablesOf(question));
  Explainer explainer(question, roles, store);
  Json explained = Json::array();
  bool allowed = true;
  for (const ExternalTable& table : tables) {
    explained.push_back(explainer.Explain(table));
    allowed = allowed && explained.back()["Allowed"].get<bool>();
  }
  return Json{{"User", question.user},
              {"Workspace", question.workspace},
              {"Allowed", allowed},
              {"Tables", std::move(explained)}};
}

}  // namespace skep::access
