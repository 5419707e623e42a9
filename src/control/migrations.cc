#include "control/migrations.h"

#include <array>

namespace skep::control {
namespace {

constexpr std::array<std::string_view, 5> kMigrations = {
    // 1: workspaces, users, keys, settings, Glue objects, crawlers, statements
    R"sql(
CREATE TABLE workspaces (
  name TEXT PRIMARY KEY,
  default_database TEXT NOT NULL,
  created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE users (
  workspace TEXT NOT NULL REFERENCES workspaces(name) ON DELETE CASCADE,
  name TEXT NOT NULL,
  superuser INTEGER NOT NULL,
  md5_only INTEGER NOT NULL,
  scram TEXT NOT NULL,
  md5 TEXT NOT NULL,
  digest TEXT NOT NULL,
  PRIMARY KEY (workspace, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE access_keys (
  id TEXT PRIMARY KEY,
  secret TEXT NOT NULL,
  workspace TEXT NOT NULL,
  user TEXT NOT NULL,
  account TEXT NOT NULL,
  active INTEGER NOT NULL,
  FOREIGN KEY (workspace, user) REFERENCES users(workspace, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX access_keys_by_user ON access_keys(workspace, user);
CREATE TABLE settings (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE glue_databases (
  catalog_id TEXT NOT NULL,
  name TEXT NOT NULL,
  json TEXT NOT NULL,
  PRIMARY KEY (catalog_id, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE glue_tables (
  catalog_id TEXT NOT NULL,
  database TEXT NOT NULL,
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  json TEXT NOT NULL,
  PRIMARY KEY (catalog_id, database, name),
  FOREIGN KEY (catalog_id, database) REFERENCES glue_databases(catalog_id, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE TABLE glue_partitions (
  catalog_id TEXT NOT NULL,
  database TEXT NOT NULL,
  table_name TEXT NOT NULL,
  key BLOB NOT NULL,
  json TEXT NOT NULL,
  PRIMARY KEY (catalog_id, database, table_name, key),
  FOREIGN KEY (catalog_id, database, table_name) REFERENCES glue_tables(catalog_id, database, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE TABLE crawlers (
  account TEXT NOT NULL,
  name TEXT NOT NULL,
  state TEXT NOT NULL,
  json TEXT NOT NULL,
  PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE statements (
  id TEXT PRIMARY KEY,
  account TEXT NOT NULL,
  caller TEXT NOT NULL,
  workspace TEXT NOT NULL,
  database TEXT NOT NULL,
  user TEXT NOT NULL,
  workgroup TEXT NOT NULL,
  cluster TEXT NOT NULL,
  name TEXT NOT NULL,
  client_token TEXT NOT NULL,
  sql TEXT NOT NULL,
  parameters_json TEXT NOT NULL,
  status TEXT NOT NULL,
  error TEXT NOT NULL,
  has_result INTEGER NOT NULL,
  result_rows INTEGER NOT NULL,
  result_bytes INTEGER NOT NULL,
  process_id INTEGER NOT NULL,
  query_id INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  duration_ns INTEGER NOT NULL,
  result_file TEXT NOT NULL
) STRICT;
CREATE INDEX statements_newest ON statements(account, caller, created_ms, id);
CREATE INDEX statements_by_age ON statements(created_ms);
CREATE INDEX statements_by_status ON statements(status);
CREATE UNIQUE INDEX statements_by_token ON statements(account, caller, client_token) WHERE client_token <> '';
)sql",
    // 2: former versions of Glue tables; partitions with keys that sort as their values do, in an
    // index of their own; the catalog's small objects, which go with what they belong to
    R"sql(
CREATE TABLE glue_table_versions (
  catalog_id TEXT NOT NULL,
  database TEXT NOT NULL,
  table_name TEXT NOT NULL,
  version INTEGER NOT NULL,
  json TEXT NOT NULL,
  PRIMARY KEY (catalog_id, database, table_name, version),
  FOREIGN KEY (catalog_id, database, table_name) REFERENCES glue_tables(catalog_id, database, name) ON DELETE CASCADE
) STRICT;
ALTER TABLE glue_partitions RENAME TO glue_partitions_1;
CREATE TABLE glue_partitions (
  id INTEGER PRIMARY KEY,
  catalog_id TEXT NOT NULL,
  database TEXT NOT NULL,
  table_name TEXT NOT NULL,
  key BLOB NOT NULL,
  json TEXT NOT NULL,
  UNIQUE (catalog_id, database, table_name, key),
  FOREIGN KEY (catalog_id, database, table_name) REFERENCES glue_tables(catalog_id, database, name) ON DELETE CASCADE
) STRICT;
-- Backslashes escaped; now 0x1e does. 0xfe stands in for an escaped backslash meanwhile: it is in no UTF-8.
INSERT INTO glue_partitions (catalog_id, database, table_name, key, json)
  SELECT catalog_id, database, table_name, CAST(
    replace(replace(replace(replace(key, x'1e', x'1e1e'), '\\', x'fe'), x'5c1f', x'1e1f'), x'fe', '\')
    AS BLOB), json
  FROM glue_partitions_1 ORDER BY catalog_id, database, table_name, key;
DROP TABLE glue_partitions_1;
CREATE TABLE glue_objects (
  catalog_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  parent TEXT NOT NULL,
  name TEXT NOT NULL,
  json TEXT NOT NULL,
  PRIMARY KEY (catalog_id, kind, parent, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX glue_objects_by_parent ON glue_objects(catalog_id, parent);
CREATE TRIGGER glue_database_gone AFTER DELETE ON glue_databases BEGIN
  DELETE FROM glue_objects WHERE catalog_id = OLD.catalog_id AND parent = OLD.name AND kind = 'function';
END;
CREATE TRIGGER glue_table_gone AFTER DELETE ON glue_tables BEGIN
  DELETE FROM glue_objects WHERE catalog_id = OLD.catalog_id AND parent = OLD.database || x'1f' || OLD.name;
END;
CREATE TRIGGER glue_partition_gone AFTER DELETE ON glue_partitions BEGIN
  DELETE FROM glue_objects WHERE catalog_id = OLD.catalog_id
    AND parent = OLD.database || x'1f' || OLD.table_name || x'1f' || OLD.key;
END;
CREATE TRIGGER glue_partition_moved AFTER UPDATE OF key ON glue_partitions WHEN OLD.key <> NEW.key BEGIN
  DELETE FROM glue_objects WHERE catalog_id = OLD.catalog_id
    AND parent = OLD.database || x'1f' || OLD.table_name || x'1f' || OLD.key;
END;
)sql",
    // 3: accounts, IAM users and roles, policies, keys, roles of workspaces
    R"sql(
CREATE TABLE iam_accounts (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  created_s INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE iam_entities (
  account TEXT NOT NULL REFERENCES iam_accounts(id),
  kind INTEGER NOT NULL,
  name TEXT NOT NULL COLLATE NOCASE,
  id TEXT NOT NULL UNIQUE,
  path TEXT NOT NULL,
  trust TEXT NOT NULL,
  description TEXT NOT NULL,
  max_session_s INTEGER NOT NULL,
  boundary TEXT NOT NULL,
  created_s INTEGER NOT NULL,
  PRIMARY KEY (account, kind, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE iam_entity_tags (
  entity TEXT NOT NULL REFERENCES iam_entities(id) ON DELETE CASCADE,
  key TEXT NOT NULL COLLATE NOCASE,
  value TEXT NOT NULL,
  PRIMARY KEY (entity, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE iam_inline_policies (
  entity TEXT NOT NULL REFERENCES iam_entities(id),
  name TEXT NOT NULL,
  document TEXT NOT NULL,
  PRIMARY KEY (entity, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE iam_attached_policies (
  entity TEXT NOT NULL REFERENCES iam_entities(id),
  arn TEXT NOT NULL,
  PRIMARY KEY (entity, arn)
) STRICT, WITHOUT ROWID;
CREATE INDEX iam_attached_by_policy ON iam_attached_policies(arn);
CREATE TABLE iam_access_keys (
  id TEXT PRIMARY KEY,
  entity TEXT NOT NULL REFERENCES iam_entities(id),
  secret TEXT NOT NULL,
  active INTEGER NOT NULL,
  created_s INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX iam_access_keys_by_entity ON iam_access_keys(entity);
CREATE TABLE iam_policies (
  arn TEXT PRIMARY KEY,
  account TEXT NOT NULL REFERENCES iam_accounts(id),
  name TEXT NOT NULL COLLATE NOCASE,
  path TEXT NOT NULL,
  id TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL,
  created_s INTEGER NOT NULL,
  updated_s INTEGER NOT NULL,
  UNIQUE (account, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE iam_policy_versions (
  arn TEXT NOT NULL REFERENCES iam_policies(arn) ON DELETE CASCADE,
  version INTEGER NOT NULL,
  document TEXT NOT NULL,
  is_default INTEGER NOT NULL,
  created_s INTEGER NOT NULL,
  PRIMARY KEY (arn, version)
) STRICT, WITHOUT ROWID;
CREATE TABLE workspace_roles (
  workspace TEXT NOT NULL REFERENCES workspaces(name) ON DELETE CASCADE,
  arn TEXT NOT NULL,
  warehouse INTEGER NOT NULL,
  external_id TEXT NOT NULL,
  PRIMARY KEY (workspace, arn)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX workspace_roles_own ON workspace_roles(workspace) WHERE warehouse = 1;
)sql",
    // 4: what crawls remember: objects seen, samples, folders that events named
    R"sql(
CREATE TABLE crawl_marks (
  account TEXT NOT NULL,
  crawler TEXT NOT NULL,
  definition TEXT NOT NULL,
  PRIMARY KEY (account, crawler)
) STRICT, WITHOUT ROWID;
CREATE TABLE crawl_seen (
  account TEXT NOT NULL,
  crawler TEXT NOT NULL,
  bucket TEXT NOT NULL,
  folder TEXT NOT NULL,
  objects BLOB NOT NULL,
  PRIMARY KEY (account, crawler, bucket, folder)
) STRICT;
CREATE TABLE crawl_samples (
  account TEXT NOT NULL,
  crawler TEXT NOT NULL,
  bucket TEXT NOT NULL,
  key TEXT NOT NULL,
  etag TEXT NOT NULL,
  size INTEGER NOT NULL,
  method TEXT NOT NULL,
  json TEXT NOT NULL,
  PRIMARY KEY (account, crawler, bucket, key)
) STRICT;
CREATE TABLE crawl_changes (
  account TEXT NOT NULL,
  crawler TEXT NOT NULL,
  bucket TEXT NOT NULL,
  folder TEXT NOT NULL,
  first_ms INTEGER NOT NULL,
  last_ms INTEGER NOT NULL,
  events INTEGER NOT NULL,
  token TEXT NOT NULL,
  PRIMARY KEY (account, crawler, bucket, folder)
) STRICT;
CREATE TRIGGER crawler_gone AFTER DELETE ON crawlers BEGIN
  DELETE FROM crawl_marks WHERE account = OLD.account AND crawler = OLD.name;
  DELETE FROM crawl_seen WHERE account = OLD.account AND crawler = OLD.name;
  DELETE FROM crawl_samples WHERE account = OLD.account AND crawler = OLD.name;
  DELETE FROM crawl_changes WHERE account = OLD.account AND crawler = OLD.name;
END;
)sql",
    // 5: issuers of tokens that accounts trust
    R"sql(
CREATE TABLE iam_oidc_providers (
  account TEXT NOT NULL REFERENCES iam_accounts(id),
  url TEXT NOT NULL,
  created_s INTEGER NOT NULL,
  PRIMARY KEY (account, url)
) STRICT, WITHOUT ROWID;
CREATE TABLE iam_oidc_members (
  account TEXT NOT NULL,
  url TEXT NOT NULL,
  kind TEXT NOT NULL,
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (account, url, kind, position),
  FOREIGN KEY (account, url) REFERENCES iam_oidc_providers(account, url) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
)sql"};

}  // namespace

std::span<const std::string_view> Migrations() { return kMigrations; }

}  // namespace skep::control
