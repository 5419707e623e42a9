#include "control/sqlite_connection.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

namespace skep::control {

SqliteConnection::~SqliteConnection() {
  for (auto& [sql, statement] : prepared_) sqlite3_finalize(statement);
  sqlite3_close(db_);
}

std::unexpected<Error> SqliteConnection::Failure(int code) const {
  const std::string said = db_ == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(db_);
  const int extended = db_ == nullptr ? code : sqlite3_extended_errcode(db_);
  switch (extended) {
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_UNIQUE:
      return Fail(ErrorKind::kDuplicateObject, "It exists already.", said);
    case SQLITE_CONSTRAINT_FOREIGNKEY:
      return Fail(ErrorKind::kUndefinedObject, "What it belongs to does not exist.", said);
    default:
      break;
  }
  const int system = db_ == nullptr ? 0 : sqlite3_system_errno(db_);
  if ((code & 0xff) == SQLITE_FULL ||
      ((code & 0xff) == SQLITE_IOERR && (system == ENOSPC || system == EDQUOT))) {
    return Fail(ErrorKind::kDiskFull,
                fmt::format("No space left for the control store \"{}\".", path_), said,
                "Free disk space; nothing that was acknowledged is lost.");
  }
  std::string hint = "Check the file's owner, its permissions and the disk.";
  if ((code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB) {
    hint =
        "The file is damaged or is no control store. Stop the server and put a copy of "
        "control.sqlite (with its -wal file) back.";
  } else if ((code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED) {
    hint = "Another process holds its lock. Find it with: fuser -v " + path_;
  }
  return Fail(ErrorKind::kIoError, fmt::format("The control store \"{}\" failed: {}", path_, said),
              system == 0 ? std::string() : std::string(std::strerror(system)), hint);
}

Result<sqlite3_stmt*> SqliteConnection::Prepare(std::string_view sql) {
  const auto found = prepared_.find(sql);
  if (found != prepared_.end()) return found->second;
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return Failure(code);
  prepared_.emplace(sql, statement);
  return statement;
}

Result<void> SqliteConnection::Execute(const std::string& sql) {
  const int code = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return Failure(code);
  return {};
}

}  // namespace skep::control
