#include "app/iam_setup.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/crypto.h"
#include "identity/policy.h"
#include "identity/session_token.h"

namespace skep::app {
namespace {

using control::IamEntity;
using control::IamKind;
using Json = nlohmann::json;

constexpr const char* kSessionKeySetting = "sts.session_key";

int64_t NowSeconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

bool Is(std::string_view text, std::string_view more, size_t least, size_t most) {
  return text.size() >= least && text.size() <= most && std::ranges::all_of(text, [&](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  more.find(c) != std::string_view::npos;
         });
}

std::unexpected<Error> Malformed(const std::string& what, const std::string& value,
                                 const std::string& hint) {
  return Fail(ErrorKind::kInvalidArgument, fmt::format("\"{}\" is no {}.", value, what), {}, hint);
}

Result<void> Check(const Connection& wanted) {
  if (wanted.account.size() != 12 ||
      wanted.account.find_first_not_of("0123456789") != std::string::npos)
    return Malformed("account number", wanted.account, "Write its 12 digits.");
  if (!Is(wanted.bucket, ".-", 3, 63))
    return Malformed("bucket", wanted.bucket, "A bucket has 3 to 63 letters, digits, . and -.");
  // A * or $ in a prefix would be a wildcard or a variable of the policy.
  if (wanted.prefix.find_first_of("*?$\"\\") != std::string::npos || wanted.prefix.size() > 512 ||
      wanted.prefix.starts_with('/'))
    return Malformed("prefix", wanted.prefix, "Write it without * ? $ and without a leading /.");
  if (!wanted.database.empty() && !Is(wanted.database, "_-", 1, 255))
    return Malformed("database", wanted.database, "Name a database of the Glue catalog.");
  if (!Is(wanted.role, "_+=,.@-", 1, 64))
    return Malformed("role name", wanted.role, "Take 1 to 64 of letters, digits and _+=,.@-");
  if (!wanted.external_id.empty() && !Is(wanted.external_id, "_+=,.@:/-", 2, 1224))
    return Malformed("external id", wanted.external_id,
                     "Take 2 to 1224 of letters, digits and _+=,.@:/-");
  return {};
}

Json Document(Json statements) {
  return {{"Version", "2012-10-17"}, {"Statement", std::move(statements)}};
}

// Only the workspace's own workgroup may begin as its role.
Json WarehouseTrust(const Config& config, const std::string& workspace) {
  return Document(Json::array(
      {{{"Sid", "Workgroup"},
        {"Effect", "Allow"},
        {"Principal", {{"Service", "redshift.amazonaws.com"}}},
        {"Action", "sts:AssumeRole"},
        {"Condition",
         {{"StringEquals", {{"aws:SourceAccount", config.account}}},
          {"ArnLike",
           {{"aws:SourceArn", fmt::format("arn:aws:redshift-serverless:*:{}:workgroup/{}",
                                          config.account, workspace)}}}}}}}));
}

Json LakePolicy(const Connection& wanted) {
  std::string folder = wanted.prefix;
  if (!folder.empty() && !folder.ends_with('/')) folder += '/';
  const std::string bucket = "arn:aws:s3:::" + wanted.bucket;
  const std::string database = wanted.database.empty() ? "*" : wanted.database;
  const std::string catalog = fmt::format("arn:aws:glue:*:{}:", wanted.account);
  Json list = {{"Sid", "ListFolder"},
               {"Effect", "Allow"},
               {"Action", "s3:ListBucket"},
               {"Resource", bucket}};
  if (!folder.empty()) list["Condition"] = {{"StringLike", {{"s3:prefix", folder + "*"}}}};
  return Document({{{"Sid", "ReadObjects"},
                    {"Effect", "Allow"},
                    {"Action", "s3:GetObject"},
                    {"Resource", bucket + "/" + folder + "*"}},
                   std::move(list),
                   {{"Sid", "FindBucket"},
                    {"Effect", "Allow"},
                    {"Action", "s3:GetBucketLocation"},
                    {"Resource", bucket}},
                   {{"Sid", "ReadCatalog"},
                    {"Effect", "Allow"},
                    {"Action",
                     {"glue:GetDatabase", "glue:GetDatabases", "glue:GetTable", "glue:GetTables",
                      "glue:GetPartition", "glue:GetPartitions", "glue:BatchGetPartition"}},
                    {"Resource",
                     {catalog + "catalog", catalog + "database/" + database,
                      catalog + "table/" + database + "/*"}}}});
}

// Makes entities and policies say what is wanted and notes what changed.
class Builder {
 public:
  Builder(control::IamStore& iam, Connected& connected) : iam_(iam), connected_(connected) {}

  Result<void> Account(const std::string& id, const std::string& name) {
    SKEP_TRY_ASSIGN(const auto found, iam_.GetAccount(id));
    if (found) return {};
    SKEP_TRY(iam_.CreateAccount({id, name, NowSeconds()}));
    Note(fmt::format("account {}", id));
    return {};
  }
  // A role with this trust; an existing one keeps its other statements.
  Result<IamEntity> Role(const std::string& account, const std::string& name,
                         const std::string& description, const Json& trust) {
    SKEP_TRY_ASSIGN(auto found, iam_.GetEntity(IamKind::kRole, account, name));
    if (!found) {
      IamEntity role;
      role.account = account;
      role.name = name;
      role.id = identity::NewIamId("AROA", 17);
      role.description = description;
      role.trust = trust.dump();
      role.created_s = NowSeconds();
      SKEP_TRY(Fits(role.trust));
      SKEP_TRY(iam_.CreateEntity(role));
      Note("role " + role.Arn());
      return role;
    }
    const std::string merged = Merged(found->trust, trust);
    if (merged == found->trust) return *found;
    SKEP_TRY(Fits(merged));
    found->trust = merged;
    SKEP_TRY(iam_.UpdateEntity(*found));
    Note("trust of role " + found->Arn());
    return *found;
  }
  Result<void> Policy(const IamEntity& role, const std::string& name, const Json& document) {
    const std::string text = document.dump();
    const auto same = std::ranges::find(role.inline_policies, name, &control::IamPolicyText::name);
    if (same != role.inline_policies.end() && same->document == text) return {};
    SKEP_TRY(identity::ParsePolicy(text, identity::PolicyUse::kIdentity));
    SKEP_TRY(iam_.PutInlinePolicy(role, {name, text}));
    Note(fmt::format("policy {} of role {}", name, role.Arn()));
    return {};
  }
  Result<void> WorkspaceRole(const control::WorkspaceRole& wanted,
                             const std::vector<control::WorkspaceRole>& existing) {
    for (const auto& one : existing) {
      if (one.arn == wanted.arn && one.warehouse == wanted.warehouse &&
          one.external_id == wanted.external_id)
        return {};
    }
    SKEP_TRY(iam_.PutWorkspaceRole(wanted));
    Note(fmt::format("workspace {} uses role {}", wanted.workspace, wanted.arn));
    return {};
  }

 private:
  void Note(std::string what) { connected_.made.push_back(std::move(what)); }
  static Result<void> Fits(const std::string& trust) {
    SKEP_TRY(identity::ParsePolicy(trust, identity::PolicyUse::kTrust));
    if (identity::PolicyBytes(trust) <= identity::kMaxTrustPolicyBytes) return {};
    return Fail(ErrorKind::kPayloadTooLarge,
                fmt::format("The role's trust policy would be longer than {} characters.",
                            identity::kMaxTrustPolicyBytes),
                {}, "Name another role with --role.");
  }
  // The statements of `before` whose Sid is not among the wanted ones, then those.
  static std::string Merged(const std::string& before, const Json& wanted) {
    const Json old = Json::parse(before, nullptr, false);
    if (old.is_discarded() || !old.is_object() || !old.contains("Statement")) return wanted.dump();
    Json list = old["Statement"].is_array() ? old["Statement"] : Json::array({old["Statement"]});
    for (const Json& statement : wanted["Statement"]) {
      const auto same = std::ranges::find_if(list, [&](const Json& one) {
        return one.is_object() && one.value("Sid", "") == statement.value("Sid", "");
      });
      if (same != list.end()) {
        *same = statement;
      } else {
        list.push_back(statement);
      }
    }
    return Document(std::move(list)).dump();
  }

  control::IamStore& iam_;
  Connected& connected_;
};

// Letters and digits of a name, as a Sid wants them, and what tells such names apart.
std::string SidOf(const std::string& workspace) {
  std::string sid = "Warehouse";
  for (const char c : workspace) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) sid += c;
  }
  return sid + HexEncode(Sha256(workspace)).substr(0, 6);
}

}  // namespace

Result<std::unique_ptr<control::IamStore>> OpenIam(const Config& config) {
  SKEP_TRY_ASSIGN(auto iam, control::OpenSqliteIam(config.ControlPath()));
  SKEP_TRY_ASSIGN(const auto own, iam->GetAccount(config.account));
  if (!own) {
    const auto made = iam->CreateAccount({config.account, "warehouse", NowSeconds()});
    // Another process may have been faster.
    if (!made && made.error().kind != ErrorKind::kDuplicateObject) return Fail(made.error());
  }
  return iam;
}

Result<void> PutOidcProviders(const Config& config, control::IamStore& iam) {
  for (const OidcProviderConfig& wanted : config.oidc_providers) {
    const std::string url = identity::IssuerName(wanted.source.issuer);
    SKEP_TRY_ASSIGN(const auto account, iam.GetAccount(wanted.account));
    if (!account) SKEP_TRY(iam.CreateAccount({wanted.account, wanted.account, NowSeconds()}));
    SKEP_TRY_ASSIGN(auto provider, iam.GetOidcProvider(wanted.account, url));
    if (!provider) {
      SKEP_TRY(
          iam.CreateOidcProvider({wanted.account, url, wanted.client_ids, {}, {}, NowSeconds()}));
    } else if (provider->client_ids != wanted.client_ids) {
      provider->client_ids = wanted.client_ids;
      SKEP_TRY(iam.UpdateOidcProvider(*provider));
    }
  }
  return {};
}

Result<Secret> SessionKey(control::Store& store) {
  SKEP_TRY_ASSIGN(auto kept, store.GetSetting(kSessionKeySetting));
  if (!kept) {
    SKEP_TRY(store.PutSetting(kSessionKeySetting, HexEncode(RandomBytes(32))));
    SKEP_TRY_ASSIGN(kept, store.GetSetting(kSessionKeySetting));
  }
  const auto key = HexDecode(kept.value_or(""));
  if (!key || key->size() != 32)
    return Fail(ErrorKind::kIoError, "The control store's key of session tokens is damaged.");
  return Secret(*key);
}

std::string WarehouseRoleName(const std::string& workspace) {
  constexpr size_t kMost = 64;
  std::string name = "SkepWarehouse-" + workspace;
  if (name.size() <= kMost) return name;
  const std::string tail = "-" + HexEncode(Sha256(workspace)).substr(0, 10);
  return name.substr(0, kMost - tail.size()) + tail;
}

Result<Connected> Connect(const Config& config, control::Store& store, control::IamStore& iam,
                          const Connection& wanted) {
  SKEP_TRY(Check(wanted));
  SKEP_TRY_ASSIGN(const auto workspace, store.GetWorkspace(wanted.workspace));
  if (!workspace) {
    return Fail(ErrorKind::kUndefinedObject,
                fmt::format("There is no workspace \"{}\".", wanted.workspace), {},
                "skep workspace list shows them.");
  }
  Connected connected;
  Builder builder(iam, connected);
  SKEP_TRY(builder.Account(config.account, "warehouse"));
  SKEP_TRY(builder.Account(wanted.account,
                           wanted.organization.empty() ? "organization" : wanted.organization));
  SKEP_TRY_ASSIGN(const IamEntity warehouse,
                  builder.Role(config.account, WarehouseRoleName(wanted.workspace),
                               "The warehouse of workspace " + wanted.workspace,
                               WarehouseTrust(config, wanted.workspace)));
  connected.warehouse_role = warehouse.Arn();
  connected.organization_role = fmt::format("arn:aws:iam::{}:role/{}", wanted.account, wanted.role);

  SKEP_TRY_ASSIGN(const auto existing, iam.ListWorkspaceRoles(wanted.workspace));
  connected.external_id = wanted.external_id;
  for (const auto& one : existing) {
    if (connected.external_id.empty() && one.arn == connected.organization_role)
      connected.external_id = one.external_id;
  }
  if (connected.external_id.empty()) connected.external_id = "skep-" + HexEncode(RandomBytes(12));

  Json trust = Document(Json::array(
      {{{"Sid", SidOf(wanted.workspace)},
        {"Effect", "Allow"},
        {"Principal", {{"AWS", connected.warehouse_role}}},
        {"Action", "sts:AssumeRole"},
        {"Condition", {{"StringEquals", {{"sts:ExternalId", connected.external_id}}}}}}}));
  if (wanted.crawlers) {
    trust["Statement"].push_back(
        {{"Sid", "Crawlers"},
         {"Effect", "Allow"},
         {"Principal", {{"Service", "glue.amazonaws.com"}}},
         {"Action", "sts:AssumeRole"},
         {"Condition", {{"StringEquals", {{"aws:SourceAccount", wanted.account}}}}}});
  }
  SKEP_TRY_ASSIGN(const IamEntity role,
                  builder.Role(wanted.account, wanted.role,
                               "Reads the data lake and its catalog for warehouses", trust));
  SKEP_TRY(builder.Policy(role,
                          fmt::format("DataLake-{}-{}", wanted.bucket,
                                      wanted.database.empty() ? "all" : wanted.database)
                              .substr(0, 128),
                          LakePolicy(wanted)));
  SKEP_TRY(builder.Policy(warehouse, fmt::format("Assume-{}-{}", wanted.account, wanted.role),
                          Document(Json::array({{{"Sid", "AssumeOrganizationRole"},
                                                 {"Effect", "Allow"},
                                                 {"Action", "sts:AssumeRole"},
                                                 {"Resource", connected.organization_role}}}))));
  SKEP_TRY(builder.WorkspaceRole({wanted.workspace, connected.warehouse_role, true, ""}, existing));
  SKEP_TRY(builder.WorkspaceRole(
      {wanted.workspace, connected.organization_role, false, connected.external_id}, existing));
  return connected;
}

Result<control::IamAccessKey> MakeAdministrator(control::IamStore& iam, const std::string& account,
                                                const std::string& name) {
  IamEntity user;
  user.kind = IamKind::kUser;
  user.account = account;
  user.name = name;
  user.id = identity::NewIamId("AIDA", 17);
  user.created_s = NowSeconds();
  SKEP_TRY(iam.CreateEntity(user));
  SKEP_TRY(iam.AttachPolicy(user, "arn:aws:iam::aws:policy/AdministratorAccess"));
  control::IamAccessKey key;
  key.id = identity::NewIamId("AKIA", 16);
  key.secret = Secret(Base64Encode(RandomBytes(30)));
  key.account = account;
  key.user = name;
  key.created_s = NowSeconds();
  SKEP_TRY(iam.PutAccessKey(key));
  return key;
}

}  // namespace skep::app
