// One connection to a SQLite file behind a mutex: statements are prepared once, values bound by
// their types, errors translated. The parts of the control store run their SQL through it. Change,
// Touch, One and All take the mutex; Run and InTransaction want it held.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace skep::control {

// Bound as a BLOB.
struct Bytes {
  std::string_view data;
};

class SqliteConnection {
 public:
  explicit SqliteConnection(std::string path) : path_(std::move(path)) {}
  ~SqliteConnection();
  SqliteConnection(const SqliteConnection&) = delete;
  SqliteConnection& operator=(const SqliteConnection&) = delete;

  static void NoRow(sqlite3_stmt*) {}
  static std::string Text(sqlite3_stmt* s, int column) {
    const void* data = sqlite3_column_blob(s, column);
    const int size = sqlite3_column_bytes(s, column);
    return data == nullptr ? std::string()
                           : std::string(static_cast<const char*>(data), static_cast<size_t>(size));
  }
  static int64_t Int(sqlite3_stmt* s, int column) { return sqlite3_column_int64(s, column); }

  static int Bind(sqlite3_stmt* s, int i, std::string_view text) {
    // A null pointer would bind NULL.
    return sqlite3_bind_text64(s, i, text.data() == nullptr ? "" : text.data(), text.size(),
                               SQLITE_TRANSIENT, SQLITE_UTF8);
  }
  static int Bind(sqlite3_stmt* s, int i, const std::string& text) {
    return Bind(s, i, std::string_view(text));
  }
  static int Bind(sqlite3_stmt* s, int i, Bytes bytes) {
    return sqlite3_bind_blob64(s, i, bytes.data.data() == nullptr ? "" : bytes.data.data(),
                               bytes.data.size(), SQLITE_TRANSIENT);
  }
  static int Bind(sqlite3_stmt* s, int i, bool flag) {
    return sqlite3_bind_int(s, i, flag ? 1 : 0);
  }
  static int Bind(sqlite3_stmt* s, int i, int64_t number) {
    return sqlite3_bind_int64(s, i, number);
  }

  // Translates the connection's last error.
  std::unexpected<Error> Failure(int code) const;
  // The statement of this text, compiled once.
  Result<sqlite3_stmt*> Prepare(std::string_view sql);
  // Runs one statement; `row` sees each row and says whether it wants the next. The caller holds
  // the mutex.
  template <class Row, class... Values>
  Result<void> RunWhile(std::string_view sql, Row&& row, const Values&... values) {
    SKEP_TRY_ASSIGN(sqlite3_stmt * statement, Prepare(sql));
    [[maybe_unused]] int index = 1;
    int code = SQLITE_OK;
    ((code = code == SQLITE_OK ? Bind(statement, index++, values) : code), ...);
    if (code == SQLITE_OK) {
      while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        if (!row(statement)) {
          code = SQLITE_DONE;
          break;
        }
      }
    }
    Result<void> result;
    if (code != SQLITE_DONE) result = Failure(code);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return result;
  }
  // Runs one statement to its end; `row` sees each row. The caller holds the mutex.
  template <class Row, class... Values>
  Result<void> Run(std::string_view sql, Row&& row, const Values&... values) {
    const auto each = [&row](sqlite3_stmt* statement) {
      row(statement);
      return true;
    };
    return RunWhile(sql, each, values...);
  }

  // Readers that want one state of several tables begin with "BEGIN".
  template <class Body>
  Result<void> InTransaction(Body&& body, std::string_view begin = "BEGIN IMMEDIATE") {
    SKEP_TRY(Run(begin, NoRow));
    Result<void> result = body();
    if (result) result = Run("COMMIT", NoRow);
    // Some errors (full disk) have rolled back already.
    if (!result && sqlite3_get_autocommit(db_) == 0) (void)Run("ROLLBACK", NoRow);
    return result;
  }

  template <class... Values>
  Result<void> Change(std::string_view sql, const Values&... values) {
    const std::lock_guard lock(mutex_);
    return Run(sql, NoRow, values...);
  }
  // Like Change; answers whether a row was there.
  template <class... Values>
  Result<bool> Touch(std::string_view sql, const Values&... values) {
    const std::lock_guard lock(mutex_);
    SKEP_TRY(Run(sql, NoRow, values...));
    return sqlite3_changes64(db_) > 0;
  }
  template <class T, class Read, class... Values>
  Result<std::optional<T>> One(Read read, std::string_view sql, const Values&... values) {
    const std::lock_guard lock(mutex_);
    std::optional<T> found;
    SKEP_TRY(Run(sql, [&](sqlite3_stmt* s) { found = read(s); }, values...));
    return found;
  }
  template <class T, class Read, class... Values>
  Result<std::vector<T>> All(Read read, std::string_view sql, const Values&... values) {
    const std::lock_guard lock(mutex_);
    std::vector<T> rows;
    SKEP_TRY(Run(sql, [&](sqlite3_stmt* s) { rows.push_back(read(s)); }, values...));
    return rows;
  }

  Result<void> Execute(const std::string& sql);
  Result<int64_t> Pragma(std::string_view sql) {
    int64_t value = 0;
    SKEP_TRY(Run(sql, [&](sqlite3_stmt* s) { value = Int(s, 0); }));
    return value;
  }

  const std::string path_;
  std::mutex mutex_;
  sqlite3* db_ = nullptr;

 private:
  std::map<std::string, sqlite3_stmt*, std::less<>> prepared_;
};

}  // namespace skep::control
