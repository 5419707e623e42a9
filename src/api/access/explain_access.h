// Why a statement may read its external tables, or may not: walks the role chains of their schemas
// as the statement would, asks the last roles' policies for the tables and for their folders, and
// says of each step which hop, policy and statement decided. The same for the objects of a COPY
// with roles. Reads the control store; asks no object store and runs nothing.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "control/store.h"
#include "identity/role_chain.h"

namespace skep::access {

// An external schema as SVV_EXTERNAL_SCHEMAS shows it.
struct SchemaRow {
  std::string name, database, options;  // options: JSON
};
// What to ask a session for them.
inline constexpr const char* kSchemasQuery =
    "select schemaname, databasename, esoptions from svv_external_schemas order by schemaname";

struct AccessQuestion {
  std::string workspace, user;
  std::string database;  // of the session
  std::string sql;
  std::vector<SchemaRow> schemas;
};

// {"User", "Workspace", "Allowed", "Tables": [{"Table", "Allowed", "Steps": [{"Action", "Caller",
// "Resource", "Allowed", "Hop" (of a chain), "Policy", "Statement", "Reason"}]}]}. Statements
// without external tables have none. Errors: kSyntaxError and others of the parser,
// kUndefinedObject (no such user).
Result<nlohmann::json> ExplainAccess(const AccessQuestion& question,
                                     const identity::RoleChainResolver& roles,
                                     control::Store& store);

}  // namespace skep::access
