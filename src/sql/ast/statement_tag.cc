#include "sql/ast/statement_tag.h"

#include <array>

namespace skep::sql {
using namespace ast;

namespace {

struct Row {
  NodeKind kind;
  std::string_view tag;  // empty: made of the object's kind
  WorkClass work;
};

constexpr Row kRows[] = {
    {NodeKind::kQueryStatement, "SELECT", WorkClass::kRead},
    {NodeKind::kInsert, "INSERT", WorkClass::kWrite},
    {NodeKind::kUpdate, "UPDATE", WorkClass::kWrite},
    {NodeKind::kDelete, "DELETE", WorkClass::kWrite},
    {NodeKind::kMerge, "MERGE", WorkClass::kWrite},
    {NodeKind::kTruncate, "TRUNCATE TABLE", WorkClass::kWrite},
    {NodeKind::kCallProcedure, "CALL", WorkClass::kWrite},
    {NodeKind::kDeclareCursor, "DECLARE CURSOR", WorkClass::kRead},
    {NodeKind::kFetch, "FETCH", WorkClass::kRead},
    {NodeKind::kCloseCursor, "CLOSE CURSOR", WorkClass::kNothing},
    {NodeKind::kPrepare, "PREPARE", WorkClass::kNothing},
    {NodeKind::kExecute, "EXECUTE", WorkClass::kWrite},
    {NodeKind::kDeallocate, "DEALLOCATE", WorkClass::kNothing},
    {NodeKind::kExplain, "EXPLAIN", WorkClass::kRead},
    {NodeKind::kBegin, "BEGIN", WorkClass::kTransaction},
    {NodeKind::kCommit, "COMMIT", WorkClass::kTransaction},
    {NodeKind::kRollback, "ROLLBACK", WorkClass::kTransaction},
    {NodeKind::kLockTables, "LOCK TABLE", WorkClass::kTransaction},
    {NodeKind::kSet, "SET", WorkClass::kSetting},
    {NodeKind::kSetSessionAuthorization, "SET", WorkClass::kSetting},
    {NodeKind::kSetTransaction, "SET", WorkClass::kSetting},
    {NodeKind::kSetRole, "SET", WorkClass::kSetting},
    {NodeKind::kReset, "RESET", WorkClass::kSetting},
    {NodeKind::kDiscard, "DISCARD", WorkClass::kSetting},
    {NodeKind::kUse, "USE", WorkClass::kSetting},
    {NodeKind::kCancel, "CANCEL", WorkClass::kNothing},
    {NodeKind::kCreateTable, "CREATE TABLE", WorkClass::kDefinition},
    {NodeKind::kCreateTableAs, "SELECT", WorkClass::kDefinition},
    {NodeKind::kCreateExternalTable, "CREATE EXTERNAL TABLE", WorkClass::kDefinition},
    {NodeKind::kCreateView, "CREATE VIEW", WorkClass::kDefinition},
    {NodeKind::kCreateMaterializedView, "CREATE MATERIALIZED VIEW", WorkClass::kDefinition},
    {NodeKind::kCreateExternalView, "CREATE EXTERNAL VIEW", WorkClass::kDefinition},
    {NodeKind::kAlterTable, "ALTER TABLE", WorkClass::kDefinition},
    {NodeKind::kAlterTableAppend, "ALTER TABLE APPEND", WorkClass::kWrite},
    {NodeKind::kAlterMaterializedView, "ALTER MATERIALIZED VIEW", WorkClass::kDefinition},
    {NodeKind::kAlterExternalView, "ALTER EXTERNAL VIEW", WorkClass::kDefinition},
    {NodeKind::kRefreshMaterializedView, "REFRESH", WorkClass::kWrite},
    {NodeKind::kAnalyze, "ANALYZE", WorkClass::kMaintenance},
    {NodeKind::kAnalyzeCompression, "ANALYZE COMPRESSION", WorkClass::kMaintenance},
    {NodeKind::kVacuum, "VACUUM", WorkClass::kMaintenance},
    {NodeKind::kDrop, "", WorkClass::kDefinition},
    {NodeKind::kComment, "COMMENT", WorkClass::kDefinition},
    {NodeKind::kCreateSchema, "CREATE SCHEMA", WorkClass::kDefinition},
    {NodeKind::kAlterSchema, "ALTER SCHEMA", WorkClass::kDefinition},
    {NodeKind::kCreateExternalSchema, "CREATE SCHEMA", WorkClass::kDefinition},
    {NodeKind::kAlterExternalSchema, "ALTER SCHEMA", WorkClass::kDefinition},
    {NodeKind::kCreateDatabase, "CREATE DATABASE", WorkClass::kDefinition},
    {NodeKind::kAlterDatabase, "ALTER DATABASE", WorkClass::kDefinition},
    {NodeKind::kAlterIntegration, "ALTER DATABASE", WorkClass::kDefinition},
    {NodeKind::kCreateFunction, "CREATE FUNCTION", WorkClass::kDefinition},
    {NodeKind::kCreateProcedure, "CREATE PROCEDURE", WorkClass::kDefinition},
    {NodeKind::kCreateExternalFunction, "CREATE FUNCTION", WorkClass::kDefinition},
    {NodeKind::kAlterRoutine, "", WorkClass::kDefinition},
    {NodeKind::kCreateLibrary, "CREATE LIBRARY", WorkClass::kDefinition},
    {NodeKind::kCreateModel, "CREATE MODEL", WorkClass::kDefinition},
    {NodeKind::kCreateTemplate, "CREATE TEMPLATE", WorkClass::kDefinition},
    {NodeKind::kAlterTemplate, "ALTER TEMPLATE", WorkClass::kDefinition},
    {NodeKind::kCreateDatashare, "CREATE DATASHARE", WorkClass::kDefinition},
    {NodeKind::kAlterDatashare, "ALTER DATASHARE", WorkClass::kDefinition},
    {NodeKind::kAlterSystem, "ALTER SYSTEM", WorkClass::kDefinition},
    {NodeKind::kGrant, "GRANT", WorkClass::kAccess},
    {NodeKind::kRevoke, "REVOKE", WorkClass::kAccess},
    {NodeKind::kAlterDefaultPrivileges, "ALTER DEFAULT PRIVILEGES", WorkClass::kAccess},
    {NodeKind::kCreateUser, "CREATE USER", WorkClass::kAccess},
    {NodeKind::kAlterUser, "ALTER USER", WorkClass::kAccess},
    {NodeKind::kCreateGroup, "CREATE GROUP", WorkClass::kAccess},
    {NodeKind::kAlterGroup, "ALTER GROUP", WorkClass::kAccess},
    {NodeKind::kCreateRole, "CREATE ROLE", WorkClass::kAccess},
    {NodeKind::kAlterRole, "ALTER ROLE", WorkClass::kAccess},
    {NodeKind::kCreateIdentityProvider, "CREATE IDENTITY PROVIDER", WorkClass::kAccess},
    {NodeKind::kAlterIdentityProvider, "ALTER IDENTITY PROVIDER", WorkClass::kAccess},
    {NodeKind::kCreatePolicy, "", WorkClass::kAccess},
    {NodeKind::kAlterPolicy, "", WorkClass::kAccess},
    {NodeKind::kAttachPolicy, "", WorkClass::kAccess},
    {NodeKind::kDetachPolicy, "", WorkClass::kAccess},
    {NodeKind::kCopy, "COPY", WorkClass::kLoad},
    {NodeKind::kCopyJob, "COPY JOB", WorkClass::kLoad},
    {NodeKind::kUnload, "UNLOAD", WorkClass::kLoad},
    {NodeKind::kShowSetting, "SHOW", WorkClass::kShow},
    {NodeKind::kShowObjects, "SHOW", WorkClass::kShow},
    {NodeKind::kShowConstraints, "SHOW", WorkClass::kShow},
    {NodeKind::kShowGrants, "SHOW", WorkClass::kShow},
    {NodeKind::kShowParameters, "SHOW", WorkClass::kShow},
    {NodeKind::kShowPolicies, "SHOW", WorkClass::kShow},
    {NodeKind::kShowDefinition, "SHOW", WorkClass::kShow},
    {NodeKind::kDescribe, "DESC", WorkClass::kShow},
};

constexpr size_t CountOf(NodeKind kind) {
  size_t count = 0;
  for (const Row& row : kRows) count += row.kind == kind;
  return count;
}
#define SKEP_AST_PART_KIND(name)
#define SKEP_AST_KIND(name) static_assert(CountOf(NodeKind::k##name) == 1, #name " needs one row");
#include "sql/ast/statement_kinds.inc"
#undef SKEP_AST_KIND

constexpr auto kIndex = [] {
  std::array<uint8_t, 256> index{};
  for (size_t i = 0; i < std::size(kRows); i++)
    index[static_cast<size_t>(kRows[i].kind)] = static_cast<uint8_t>(i);
  return index;
}();

const Row& RowOf(const Statement& statement) {
  return kRows[kIndex[static_cast<size_t>(statement.kind)]];
}

std::string Upper(std::string_view words) {
  std::string upper(words);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  }
  return upper;
}

}  // namespace

const Select* IntoOf(const Query& query) {
  const QueryBody* body = query.body;
  while (const auto* operation = As<SetOperation>(body)) body = operation->left;
  if (const auto* inner = As<Query>(body)) return IntoOf(*inner);
  const auto* select = As<Select>(body);
  return select && select->into != IntoKind::kNone ? select : nullptr;
}

std::string TagOf(const Statement& statement) {
  if (const auto* drop = As<Drop>(&statement)) return "DROP " + Upper(WordsOf(drop->object));
  if (const auto* alter = As<AlterRoutine>(&statement))
    return "ALTER " + Upper(WordsOf(alter->object));
  const auto policy = [](std::string_view verb, bool masking) {
    return std::string(verb) + (masking ? " MASKING POLICY" : " RLS POLICY");
  };
  if (const auto* made = As<CreatePolicy>(&statement)) return policy("CREATE", made->masking);
  if (const auto* altered = As<AlterPolicy>(&statement)) return policy("ALTER", altered->masking);
  if (const auto* attached = As<AttachPolicy>(&statement))
    return policy("ATTACH", attached->masking);
  if (const auto* detached = As<DetachPolicy>(&statement))
    return policy("DETACH", detached->masking);
  if (const auto* begin = As<Begin>(&statement); begin && begin->start) return "START TRANSACTION";
  if (const auto* close = As<CloseCursor>(&statement); close && close->all)
    return "CLOSE CURSOR ALL";
  if (const auto* deallocate = As<Deallocate>(&statement); deallocate && deallocate->all)
    return "DEALLOCATE ALL";
  if (const auto* discard = As<Discard>(&statement)) return "DISCARD " + Upper(discard->what);
  if (const auto* table = As<AlterTable>(&statement); table && table->view) return "ALTER VIEW";
  return std::string(RowOf(statement).tag);
}

WorkClass ClassOf(const Statement& statement) {
  if (const auto* explain = As<Explain>(&statement); explain && explain->analyze)
    return ClassOf(*explain->statement);
  if (const auto* query = As<QueryStatement>(&statement);
      query && query->query && IntoOf(*query->query))
    return WorkClass::kDefinition;
  return RowOf(statement).work;
}

bool RefusesTransaction(const Statement& statement) {
  switch (statement.kind) {
    case NodeKind::kVacuum:
    case NodeKind::kCreateDatabase:
    case NodeKind::kAlterTableAppend:
    case NodeKind::kCreateExternalTable:
    case NodeKind::kAlterExternalView:
      return true;
    case NodeKind::kDrop:
      return static_cast<const Drop&>(statement).object == ObjectKind::kDatabase;
    default:
      return false;
  }
}

}  // namespace skep::sql
