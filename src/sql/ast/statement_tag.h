// What a statement is called when it is done, and what class of work it is: a table over all kinds.
#pragma once

#include <string>

#include "sql/ast/statement.h"

namespace skep::sql {

enum class WorkClass : uint8_t {
  kNothing,      // changes nothing that outlives it: DEALLOCATE, CLOSE
  kRead,         // returns rows of queries
  kWrite,        // changes rows
  kDefinition,   // changes the catalog
  kTransaction,  // begins or ends a transaction, LOCK
  kSetting,      // of the session
  kMaintenance,  // ANALYZE, VACUUM
  kAccess,       // users, privileges, policies
  kLoad,         // COPY, UNLOAD
  kShow,         // returns rows of the catalog
};

// The CommandComplete tag without counts, as PostgreSQL and Redshift name commands: "CREATE TABLE",
// "INSERT", "SELECT". The gateway adds counts to INSERT, UPDATE, DELETE, SELECT and FETCH.
std::string TagOf(const ast::Statement& statement);
// Of EXPLAIN and PREPARE: kRead and kNothing, whatever is inside. Of EXPLAIN ANALYZE: what is
// inside. A SELECT INTO is a kDefinition.
WorkClass ClassOf(const ast::Statement& statement);

// The SELECT whose INTO makes this query the definition of a table; nullptr for a plain query.
const ast::Select* IntoOf(const ast::Query& query);

// Whether the statement may not run inside BEGIN ... END (sql.md section 2).
bool RefusesTransaction(const ast::Statement& statement);

}  // namespace skep::sql
