// A session's settings: which there are, their defaults and rules, SET LOCAL and rollback. A table,
// not code branches. Source: sql.md section 11 (configuration parameters) and what drivers set.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "ipc/messages.h"

namespace skep::session {

class Settings {
 public:
  explicit Settings(const ipc::Settings& start, std::string_view user, bool superuser);

  // The value shown by SHOW. Errors: kUndefinedObjectSetting.
  Result<std::string> Get(std::string_view name) const;
  // Errors: kUndefinedObjectSetting (unknown or read-only), kInvalidSettingValue.
  Result<void> Set(std::string_view name, std::string_view value, bool local);
  Result<void> Reset(std::string_view name);
  void ResetAll();
  // All names and values, sorted, for SHOW ALL.
  std::vector<std::pair<std::string, std::string>> All() const;

  // A transaction begins, commits or rolls back: rollback undoes what was set in it, its end undoes
  // SET LOCAL.
  void BeginTransaction();
  void EndTransaction(bool commit);

  // Settings the worker must know that changed since the last call.
  ipc::Settings TakeWorkerChanges();
  // Everything the worker must know, for kAttach.
  ipc::Settings ForWorker();
  // As the protocol spells them; changed since the last call, or all.
  ipc::Settings TakeReportedChanges();
  ipc::Settings Reported() const;

  uint64_t statement_timeout_ms() const;

 private:
  void Put(const std::string& name, std::string value);

  std::map<std::string, std::string, std::less<>> values_;
  std::map<std::string, std::string, std::less<>> start_;     // what RESET goes back to
  std::map<std::string, std::string, std::less<>> at_begin_;  // snapshot for rollback
  std::map<std::string, std::string, std::less<>> before_local_;
  bool in_transaction_ = false;
  std::vector<std::string> worker_changes_;
  std::vector<std::string> reported_changes_;
};

}  // namespace skep::session
