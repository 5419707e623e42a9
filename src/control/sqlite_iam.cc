// The IAM part of the embedded control store, on a connection of its own: SQLite lets both write to
// one file, and neither waits for the other's mutex.
#include <fmt/format.h>
#include <sqlite3.h>

#include <mutex>

#include "control/iam_store.h"
#include "control/sqlite_connection.h"

namespace skep::control {
namespace {

constexpr int kBusyTimeoutMs = 10000;

class SqliteIam final : public IamStore, private SqliteConnection {
 public:
  using SqliteConnection::SqliteConnection;

  Result<void> Open() {
    const int code =
        sqlite3_open_v2(path_.c_str(), &db_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
    if (code != SQLITE_OK) return Failure(code);
    sqlite3_extended_result_codes(db_, 1);
    sqlite3_busy_timeout(db_, kBusyTimeoutMs);
    for (const char* pragma :
         {"PRAGMA foreign_keys = ON", "PRAGMA synchronous = FULL", "PRAGMA trusted_schema = OFF"}) {
      SKEP_TRY(Run(pragma, NoRow));
    }
    return {};
  }

  Result<void> CreateAccount(const IamAccount& a) override {
    return Change("INSERT INTO iam_accounts VALUES (?,?,?)", a.id, a.name, a.created_s);
  }
  Result<std::optional<IamAccount>> GetAccount(std::string_view id) override {
    return One<IamAccount>(ReadAccount, "SELECT * FROM iam_accounts WHERE id = ?", id);
  }
  Result<std::vector<IamAccount>> ListAccounts() override {
    return All<IamAccount>(ReadAccount, "SELECT * FROM iam_accounts ORDER BY id");
  }

  Result<void> CreateEntity(const IamEntity& e) override {
    const std::lock_guard lock(mutex_);
    return InTransaction([&]() -> Result<void> {
      SKEP_TRY(Run("INSERT INTO iam_entities VALUES (?,?,?,?,?,?,?,?,?,?)", NoRow, e.account,
                   Number(e.kind), e.name, e.id, e.path, e.trust, e.description, e.max_session_s,
                   e.boundary, e.created_s));
      return WriteTags(e.id, e.tags);
    });
  }
  Result<std::optional<IamEntity>> GetEntity(IamKind kind, std::string_view account,
                                             std::string_view name) override {
    const std::lock_guard lock(mutex_);
    std::optional<IamEntity> found;
    // One snapshot: a policy must not go between two reads.
    SKEP_TRY(InTransaction(
        [&]() -> Result<void> {
          SKEP_TRY(Run(
              "SELECT * FROM iam_entities WHERE account = ? AND kind = ? AND name = ?",
              [&](sqlite3_stmt* s) { found = ReadEntity(s); }, account, Number(kind), name));
          if (!found) return {};
          SKEP_TRY(Run(
              "SELECT key, value FROM iam_entity_tags WHERE entity = ? ORDER BY key",
              [&](sqlite3_stmt* s) { found->tags.emplace_back(Text(s, 0), Text(s, 1)); },
              found->id));
          SKEP_TRY(Run(
              "SELECT name, document FROM iam_inline_policies WHERE entity = ? ORDER BY name",
              [&](sqlite3_stmt* s) { found->inline_policies.push_back({Text(s, 0), Text(s, 1)}); },
              found->id));
          return Run(
              "SELECT arn FROM iam_attached_policies WHERE entity = ? ORDER BY arn",
              [&](sqlite3_stmt* s) { found->attached.push_back(Text(s, 0)); }, found->id);
        },
        "BEGIN"));
    return found;
  }
  Result<std::vector<IamEntity>> ListEntities(IamKind kind, std::string_view account) override {
    return All<IamEntity>(ReadEntity,
                          "SELECT * FROM iam_entities WHERE account = ? AND kind = ? ORDER BY name",
                          account, Number(kind));
  }
  Result<bool> UpdateEntity(const IamEntity& e) override {
    return Touch(
        "UPDATE iam_entities SET trust = ?, description = ?, max_session_s = ?, boundary = ? WHERE "
        "id = ?",
        e.trust, e.description, e.max_session_s, e.boundary, e.id);
  }
  Result<bool> DeleteEntity(IamKind kind, std::string_view account,
                            std::string_view name) override {
    auto deleted = Touch("DELETE FROM iam_entities WHERE account = ? AND kind = ? AND name = ?",
                         account, Number(kind), name);
    if (!deleted && deleted.error().kind == ErrorKind::kUndefinedObject) {
      return Fail(ErrorKind::kDependentObjects,
                  "Cannot delete entity, must delete policies and access keys first.");
    }
    return deleted;
  }
  Result<void> PutInlinePolicy(const IamEntity& e, const IamPolicyText& policy) override {
    return Change(
        "INSERT INTO iam_inline_policies VALUES (?,?,?) ON CONFLICT DO UPDATE SET document = "
        "excluded.document",
        e.id, policy.name, policy.document);
  }
  Result<bool> DeleteInlinePolicy(const IamEntity& e, std::string_view name) override {
    return Touch("DELETE FROM iam_inline_policies WHERE entity = ? AND name = ?", e.id, name);
  }
  Result<void> AttachPolicy(const IamEntity& e, std::string_view arn) override {
    return Change("INSERT INTO iam_attached_policies VALUES (?,?) ON CONFLICT DO NOTHING", e.id,
                  arn);
  }
  Result<bool> DetachPolicy(const IamEntity& e, std::string_view arn) override {
    return Touch("DELETE FROM iam_attached_policies WHERE entity = ? AND arn = ?", e.id, arn);
  }
  Result<void> PutTags(const IamEntity& e, const IamTags& tags) override {
    const std::lock_guard lock(mutex_);
    return InTransaction([&] { return WriteTags(e.id, tags); });
  }
  Result<void> DeleteTags(const IamEntity& e, const std::vector<std::string>& keys) override {
    const std::lock_guard lock(mutex_);
    return InTransaction([&]() -> Result<void> {
      for (const std::string& key : keys)
        SKEP_TRY(Run("DELETE FROM iam_entity_tags WHERE entity = ? AND key = ?", NoRow, e.id, key));
      return {};
    });
  }

  Result<void> PutAccessKey(const IamAccessKey& k) override {
    const std::lock_guard lock(mutex_);
    return InTransaction([&]() -> Result<void> {
      std::string entity;
      SKEP_TRY(Run(
          "SELECT id FROM iam_entities WHERE account = ? AND kind = 0 AND name = ?",
          [&](sqlite3_stmt* s) { entity = Text(s, 0); }, k.account, k.user));
      if (entity.empty())
        return Fail(ErrorKind::kUndefinedObject, "What it belongs to does not exist.");
      return Run(
          "INSERT INTO iam_access_keys VALUES (?,?,?,?,?) ON CONFLICT DO UPDATE SET active = "
          "excluded.active",
          NoRow, k.id, entity, k.secret.Reveal(), k.active, k.created_s);
    });
  }
  Result<std::optional<IamAccessKey>> GetAccessKey(std::string_view id) override {
    return One<IamAccessKey>(
        ReadKey,
        "SELECT k.id, k.secret, e.account, e.name, k.active, k.created_s FROM iam_access_keys k "
        "JOIN iam_entities e ON e.id = k.entity WHERE k.id = ?",
        id);
  }
  Result<std::vector<IamAccessKey>> ListAccessKeys(std::string_view account,
                                                   std::string_view user) override {
    return All<IamAccessKey>(
        ReadKey,
        "SELECT k.id, k.secret, e.account, e.name, k.active, k.created_s FROM iam_access_keys k "
        "JOIN iam_entities e ON e.id = k.entity WHERE e.account = ? AND e.kind = 0 AND e.name = ? "
        "ORDER BY k.created_s, k.id",
        account, user);
  }
  Result<bool> DeleteAccessKey(std::string_view id) override {
    return Touch("DELETE FROM iam_access_keys WHERE id = ?", id);
  }

  Result<void> CreatePolicy(const IamManagedPolicy& p) override {
    const std::lock_guard lock(mutex_);
    return InTransaction([&]() -> Result<void> {
      SKEP_TRY(Run("INSERT INTO iam_policies VALUES (?,?,?,?,?,?,?,?)", NoRow, p.Arn(), p.account,
                   p.name, p.path, p.id, p.description, p.created_s, p.updated_s));
      for (const IamPolicyVersion& v : p.versions) SKEP_TRY(WriteVersion(p.Arn(), v));
      return {};
    });
  }
  Result<std::optional<IamManagedPolicy>> GetPolicy(std::string_view arn) override {
    const std::lock_guard lock(mutex_);
    std::optional<IamManagedPolicy> found;
    SKEP_TRY(InTransaction(
        [&]() -> Result<void> {
          SKEP_TRY(Run(
              fmt::format("{} WHERE p.arn = ?", kPolicyColumns),
              [&](sqlite3_stmt* s) { found = ReadPolicy(s); }, arn));
          if (!found) return {};
          return Run(
              "SELECT version, document, is_default, created_s FROM iam_policy_versions WHERE arn "
              "= ? ORDER BY version DESC",
              [&](sqlite3_stmt* s) {
                found->versions.push_back(
                    {"v" + std::to_string(Int(s, 0)), Text(s, 1), Int(s, 2) != 0, Int(s, 3)});
              },
              arn);
        },
        "BEGIN"));
    return found;
  }
  Result<std::vector<IamManagedPolicy>> ListPolicies(std::string_view account) override {
    return All<IamManagedPolicy>(
        ReadPolicy, fmt::format("{} WHERE p.account = ? ORDER BY p.name", kPolicyColumns), account);
  }
  Result<bool> DeletePolicy(std::string_view arn) override {
    const std::lock_guard lock(mutex_);
    bool deleted = false;
    SKEP_TRY(InTransaction([&]() -> Result<void> {
      int64_t uses = 0;
      SKEP_TRY(Run(
          "SELECT (SELECT count(*) FROM iam_attached_policies WHERE arn = ?1) + (SELECT count(*) "
          "FROM iam_entities WHERE boundary = ?1)",
          [&](sqlite3_stmt* s) { uses = Int(s, 0); }, arn));
      if (uses > 0) {
        return Fail(ErrorKind::kDependentObjects, "Cannot delete a policy attached to entities.");
      }
      SKEP_TRY(Run("DELETE FROM iam_policies WHERE arn = ?", NoRow, arn));
      deleted = sqlite3_changes64(db_) > 0;
      return {};
    }));
    return deleted;
  }
  Result<void> PutPolicyVersion(std::string_view arn, const IamPolicyVersion& v) override {
    const std::lock_guard lock(mutex_);
    return InTransaction([&]() -> Result<void> {
      if (v.is_default)
        SKEP_TRY(Run("UPDATE iam_policy_versions SET is_default = 0 WHERE arn = ?", NoRow, arn));
      SKEP_TRY(WriteVersion(arn, v));
      return Run("UPDATE iam_policies SET updated_s = ? WHERE arn = ?", NoRow, v.created_s, arn);
    });
  }
  Result<bool> SetDefaultPolicyVersion(std::string_view arn, std::string_view version) override {
    const std::lock_guard lock(mutex_);
    bool there = false;
    SKEP_TRY(InTransaction([&]() -> Result<void> {
      SKEP_TRY(Run(
          "SELECT 1 FROM iam_policy_versions WHERE arn = ? AND version = ?",
          [&](sqlite3_stmt*) { there = true; }, arn, VersionNumber(version)));
      if (!there) return {};
      return Run("UPDATE iam_policy_versions SET is_default = (version = ?2) WHERE arn = ?1", NoRow,
                 arn, VersionNumber(version));
    }));
    return there;
  }
  Result<bool> DeletePolicyVersion(std::string_view arn, std::string_view version) override {
    return Touch("DELETE FROM iam_policy_versions WHERE arn = ? AND version = ? AND is_default = 0",
                 arn, VersionNumber(version));
  }

  Result<void> CreateOidcProvider(const IamOidcProvider& p) override {
    const std::lock_guard lock(mutex_);
    return InTransaction([&]() -> Result<void> {
      SKEP_TRY(Run("INSERT INTO iam_oidc_providers VALUES (?,?,?)", NoRow, p.account, p.url,
                   p.created_s));
      return WriteOidc(p);
    });
  }
  Result<std::optional<IamOidcProvider>> GetOidcProvider(std::string_view account,
                                                         std::string_view url) override {
    const std::lock_guard lock(mutex_);
    std::optional<IamOidcProvider> found;
    SKEP_TRY(InTransaction(
        [&]() -> Result<void> {
          SKEP_TRY(Run(
              "SELECT * FROM iam_oidc_providers WHERE account = ? AND url = ?",
              [&](sqlite3_stmt* s) { found = ReadOidc(s); }, account, url));
          if (!found) return {};
          return Run(
              "SELECT kind, name, value FROM iam_oidc_members WHERE account = ? AND url = ? ORDER "
              "BY kind, position",
              [&](sqlite3_stmt* s) {
                const std::string kind = Text(s, 0);
                if (kind == "client") found->client_ids.push_back(Text(s, 1));
                if (kind == "thumbprint") found->thumbprints.push_back(Text(s, 1));
                if (kind == "tag") found->tags.emplace_back(Text(s, 1), Text(s, 2));
              },
              account, url);
        },
        "BEGIN"));
    return found;
  }
  Result<std::vector<IamOidcProvider>> ListOidcProviders(std::string_view account) override {
    return All<IamOidcProvider>(
        ReadOidc, "SELECT * FROM iam_oidc_providers WHERE account = ? ORDER BY url", account);
  }
  Result<bool> UpdateOidcProvider(const IamOidcProvider& p) override {
    const std::lock_guard lock(mutex_);
    bool there = false;
    SKEP_TRY(InTransaction([&]() -> Result<void> {
      SKEP_TRY(Run(
          "SELECT 1 FROM iam_oidc_providers WHERE account = ? AND url = ?",
          [&](sqlite3_stmt*) { there = true; }, p.account, p.url));
      if (!there) return {};
      SKEP_TRY(Run("DELETE FROM iam_oidc_members WHERE account = ? AND url = ?", NoRow, p.account,
                   p.url));
      return WriteOidc(p);
    }));
    return there;
  }
  Result<bool> DeleteOidcProvider(std::string_view account, std::string_view url) override {
    return Touch("DELETE FROM iam_oidc_providers WHERE account = ? AND url = ?", account, url);
  }

  Result<void> PutWorkspaceRole(const WorkspaceRole& r) override {
    return Change(
        "INSERT INTO workspace_roles VALUES (?,?,?,?) ON CONFLICT (workspace, arn) DO UPDATE SET "
        "warehouse = excluded.warehouse, external_id = excluded.external_id",
        r.workspace, r.arn, r.warehouse, r.external_id);
  }
  Result<std::vector<WorkspaceRole>> ListWorkspaceRoles(std::string_view workspace) override {
    return All<WorkspaceRole>(
        [](sqlite3_stmt* s) {
          return WorkspaceRole{Text(s, 0), Text(s, 1), Int(s, 2) != 0, Text(s, 3)};
        },
        "SELECT * FROM workspace_roles WHERE workspace = ? ORDER BY arn", workspace);
  }
  Result<bool> DeleteWorkspaceRole(std::string_view workspace, std::string_view arn) override {
    return Touch("DELETE FROM workspace_roles WHERE workspace = ? AND arn = ?", workspace, arn);
  }

 private:
  static constexpr std::string_view kPolicyColumns =
      "SELECT p.account, p.name, p.path, p.id, p.description, p.created_s, p.updated_s, (SELECT "
      "count(*) FROM iam_attached_policies a WHERE a.arn = p.arn) FROM iam_policies p";

  static int64_t Number(IamKind kind) { return kind == IamKind::kUser ? 0 : 1; }
  // -1 for what is no "v<number>".
  static int64_t VersionNumber(std::string_view version) {
    if (version.size() < 2 || version.size() > 10 || version[0] != 'v') return -1;
    int64_t number = 0;
    for (const char c : version.substr(1)) {
      if (c < '0' || c > '9') return -1;
      number = number * 10 + (c - '0');
    }
    return number;
  }
  static IamAccount ReadAccount(sqlite3_stmt* s) { return {Text(s, 0), Text(s, 1), Int(s, 2)}; }
  static IamEntity ReadEntity(sqlite3_stmt* s) {
    IamEntity e;
    e.account = Text(s, 0);
    e.kind = Int(s, 1) == 0 ? IamKind::kUser : IamKind::kRole;
    e.name = Text(s, 2);
    e.id = Text(s, 3);
    e.path = Text(s, 4);
    e.trust = Text(s, 5);
    e.description = Text(s, 6);
    e.max_session_s = Int(s, 7);
    e.boundary = Text(s, 8);
    e.created_s = Int(s, 9);
    return e;
  }
  static IamAccessKey ReadKey(sqlite3_stmt* s) {
    return {Text(s, 0), Secret(Text(s, 1)), Text(s, 2), Text(s, 3), Int(s, 4) != 0, Int(s, 5)};
  }
  static IamManagedPolicy ReadPolicy(sqlite3_stmt* s) {
    IamManagedPolicy p;
    p.account = Text(s, 0);
    p.name = Text(s, 1);
    p.path = Text(s, 2);
    p.id = Text(s, 3);
    p.description = Text(s, 4);
    p.created_s = Int(s, 5);
    p.updated_s = Int(s, 6);
    p.attachments = Int(s, 7);
    return p;
  }

  static IamOidcProvider ReadOidc(sqlite3_stmt* s) {
    IamOidcProvider p;
    p.account = Text(s, 0);
    p.url = Text(s, 1);
    p.created_s = Int(s, 2);
    return p;
  }
  Result<void> WriteOidc(const IamOidcProvider& p) {
    int64_t position = 0;
    const auto write = [&](std::string_view kind, const std::string& name,
                           const std::string& value) {
      return Run("INSERT INTO iam_oidc_members VALUES (?,?,?,?,?,?)", NoRow, p.account, p.url, kind,
                 position++, name, value);
    };
    for (const std::string& id : p.client_ids) SKEP_TRY(write("client", id, ""));
    for (const std::string& one : p.thumbprints) SKEP_TRY(write("thumbprint", one, ""));
    for (const auto& [key, value] : p.tags) SKEP_TRY(write("tag", key, value));
    return {};
  }
  Result<void> WriteTags(const std::string& entity, const IamTags& tags) {
    for (const auto& [key, value] : tags) {
      SKEP_TRY(
          Run("INSERT INTO iam_entity_tags VALUES (?,?,?) ON CONFLICT DO UPDATE SET key = "
              "excluded.key, value = excluded.value",
              NoRow, entity, key, value));
    }
    return {};
  }
  Result<void> WriteVersion(std::string_view arn, const IamPolicyVersion& v) {
    return Run("INSERT INTO iam_policy_versions VALUES (?,?,?,?,?)", NoRow, arn,
               VersionNumber(v.id), v.document, v.is_default, v.created_s);
  }
};

}  // namespace

Result<std::unique_ptr<IamStore>> OpenSqliteIam(const std::string& path) {
  auto store = std::make_unique<SqliteIam>(path);
  SKEP_TRY(store->Open());
  return std::unique_ptr<IamStore>(std::move(store));
}

}  // namespace skep::control
