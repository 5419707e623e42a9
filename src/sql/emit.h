// From a user's statement to the engine's SQL. Nothing reaches DuckDB that this did not write:
// every token is read, names in relation position are resolved, functions are looked up in a
// whitelist, everything unknown is refused.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/secret.h"
#include "sql/copy_plan.h"
#include "sql/emit/duckdb_catalog.h"
#include "sql/resolve/context.h"
#include "sql/statement.h"

namespace skep::sql {

using EmitContext = FrontContext;

// CREATE EXTERNAL SCHEMA [IF NOT EXISTS] name FROM DATA CATALOG DATABASE 'd' [REGION 'r'] IAM_ROLE
// 'a[,b]' [CATALOG_ROLE 'c'] [CATALOG_ID] [CREATE EXTERNAL DATABASE IF NOT EXISTS], FROM REDSHIFT
// DATABASE 'd' [SCHEMA 's'], FROM POSTGRES DATABASE 'd' [SCHEMA 's'] URI 'h' [PORT n] IAM_ROLE 'a'
// SECRET_ARN 's'
enum class ExternalDefinitionSource : uint8_t { kDataCatalog, kPostgres, kRedshift };

struct ExternalSchemaDefinition {
  std::string name;
  bool alter = false;  // ALTER EXTERNAL SCHEMA: what is empty stays
  bool if_not_exists = false;
  std::string catalog_database;
  std::string catalog_id;
  std::string region;
  std::vector<std::string> role_chain, catalog_roles;
  bool create_database = false;
  ExternalDefinitionSource source = ExternalDefinitionSource::kDataCatalog;
  std::string remote_schema;     // of the other sources; catalog_database is the other database
  std::string host, secret_arn;  // kPostgres
  uint32_t port = 0;             // kPostgres
};

struct SchemaDrop {
  std::vector<std::string> names;
  bool if_exists = false;
  bool cascade = false;
  bool drop_external_database = false;
};

struct CopyJobCommand {  // COPY ... JOB CREATE, COPY JOB ALTER | RUN | DROP
  enum class Step : uint8_t { kCreate, kAlter, kRun, kDrop };
  Step step = Step::kRun;
  std::string name;
  std::optional<bool> automatic;  // AUTO
  // kCreate:
  std::string text;           // the statement
  std::string schema, table;  // where its table was found
  std::string location;       // s3://bucket/prefix
  std::vector<std::string> roles;
};

struct Emitted {
  std::string text;  // DuckDB's SQL; empty when one of the definitions below is what to do
  std::string tag;   // CommandComplete without counts: "SELECT", "INSERT", "CREATE TABLE"
  bool returns_rows = false;
  std::vector<Column> output;    // of a query: its columns, with the types the front knows
  bool counts_rows = false;      // tag carries the number of rows ("INSERT 0 n", "UPDATE n")
  std::vector<Type> parameters;  // by number from 0, as far as the statement tells
  std::optional<ExternalSchemaDefinition> external_schema;
  std::string new_schema;  // CREATE SCHEMA: its name
  // What belongs to it: run before and behind `text` in the same transaction.
  std::vector<std::string> before, after;
  // CREATE TABLE: what is kept beside its columns, by name, and beside itself (docs/adr/0005). Put
  // into the engine's catalog together with the table: a change for each column would cost its
  // square.
  std::vector<std::pair<std::string, std::string>> column_facts;
  std::string table_facts;
  // What the engine does only behind a commit of the rest; when it fails, `undo` takes the rest
  // back. Not within a transaction block.
  std::string behind_commit, undo;
  std::string changed;  // the relation whose rows or columns it changes, as the engine names it
  bool writes_lake = false;  // into an external table: not within a transaction block
  bool reshapes = false;     // ALTER TABLE: its name or its columns become others
  std::optional<SchemaDrop> schema_drop;
  std::optional<CopyKeys> keys;  // COPY with access keys
  Secret master_key;             // of COPY and UNLOAD with MASTER_SYMMETRIC_KEY; 256 bits
  std::optional<CopyJobCommand> copy_job;
  // What changes in the data catalogs of external schemas: the schema, and JSON (emit/external.cc).
  std::vector<std::pair<std::string, std::string>> catalog_changes;
  // Maps a byte offset in `text` back to a 1-based character position in the user's statement;
  // sorted by first.
  std::vector<std::pair<uint32_t, uint32_t>> positions;
};

// Errors: kSyntaxError, kFeatureNotSupported (statement kind, clause or function not offered),
// kUndefinedFunction, kInsufficientPrivilege (hidden or system relations). All carry the position
// in statement.text.
//
// `script` is the text that was parsed, where the positions lie.
Result<Emitted> EmitDuckDb(const Statement& statement, std::string_view script,
                           const EmitContext& context);

// Maps a position in the emitted text (byte offset) to one in the user's statement; 0 when unknown.
uint32_t UserPosition(const Emitted& emitted, uint32_t emitted_offset);

}  // namespace skep::sql
