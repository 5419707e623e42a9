// Transactions, locks and settings of the session. Source of the forms: the developer guide's "SQL
// commands" BEGIN, SET and their neighbours.
#pragma once

#include "sql/ast/statement_parts.h"

namespace skep::sql::ast {

enum class IsolationLevel : uint8_t {
  kNone,
  kSerializable,
  kSnapshot,
  kRepeatableRead,
  kReadCommitted,
  kReadUncommitted,
};
enum class AccessMode : uint8_t { kNone, kReadOnly, kReadWrite };

struct Begin : Is<NodeKind::kBegin, Statement> {
  bool start = false;  // START TRANSACTION
  IsolationLevel isolation = IsolationLevel::kNone;
  AccessMode access = AccessMode::kNone;
  static auto Fields(auto& s) { return std::tie(s.start, s.isolation, s.access); }
};

struct Commit : Is<NodeKind::kCommit, Statement> {  // COMMIT, END
  static auto Fields(auto&) { return std::tie(); }
};

struct Rollback : Is<NodeKind::kRollback, Statement> {  // ROLLBACK, ABORT
  static auto Fields(auto&) { return std::tie(); }
};

struct LockTables : Is<NodeKind::kLockTables, Statement> {
  List<QualifiedName> tables;
  std::string_view mode;  // lower case; empty when none was written
  static auto Fields(auto& s) { return std::tie(s.tables, s.mode); }
};

enum class SettingScope : uint8_t { kNone, kSession, kLocal };

// SET [SESSION | LOCAL] name {TO | =} {value, ... | DEFAULT}. SET TIME ZONE and SET NAMES become
// settings of the names timezone and client_encoding.
struct Set : Is<NodeKind::kSet, Statement> {
  SettingScope scope = SettingScope::kNone;
  QualifiedName name;  // app.user has two parts
  List<Value*> values;
  Expr* interval = nullptr;  // SET TIME ZONE INTERVAL '-08:00' HOUR TO MINUTE
  bool to_default = false;   // DEFAULT, and LOCAL of SET TIME ZONE
  static auto Fields(auto& s) {
    return std::tie(s.scope, s.name, s.values, s.interval, s.to_default);
  }
};

struct SetSessionAuthorization : Is<NodeKind::kSetSessionAuthorization, Statement> {
  SettingScope scope = SettingScope::kNone;
  Name user;
  bool to_default = false;
  static auto Fields(auto& s) { return std::tie(s.scope, s.user, s.to_default); }
};

// SET TRANSACTION ..., SET SESSION CHARACTERISTICS AS TRANSACTION ...
struct SetTransaction : Is<NodeKind::kSetTransaction, Statement> {
  bool characteristics = false;
  IsolationLevel isolation = IsolationLevel::kNone;
  AccessMode access = AccessMode::kNone;
  static auto Fields(auto& s) { return std::tie(s.characteristics, s.isolation, s.access); }
};

struct SetRole : Is<NodeKind::kSetRole, Statement> {
  SettingScope scope = SettingScope::kNone;
  Name role;  // none: SET ROLE NONE
  static auto Fields(auto& s) { return std::tie(s.scope, s.role); }
};

struct Reset : Is<NodeKind::kReset, Statement> {
  bool all = false;
  bool session_authorization = false;
  QualifiedName name;
  static auto Fields(auto& s) { return std::tie(s.all, s.session_authorization, s.name); }
};

struct Discard : Is<NodeKind::kDiscard, Statement> {  // of PostgreSQL's pools of connections
  std::string_view what;                              // all, plans, temp, sequences
  static auto Fields(auto& s) { return std::tie(s.what); }
};

struct Use : Is<NodeKind::kUse, Statement> {
  Name database;
  static auto Fields(auto& s) { return std::tie(s.database); }
};

struct Cancel : Is<NodeKind::kCancel, Statement> {
  Value* process = nullptr;
  Value* message = nullptr;
  static auto Fields(auto& s) { return std::tie(s.process, s.message); }
};

}  // namespace skep::sql::ast
