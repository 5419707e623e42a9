// What definitions that are kept (views, defaults, functions) say of the session that reads them:
// rs_current_user(), rs_current_pid(), rs_current_schema(), rs_current_schemas(implied boolean),
// rs_current_setting(name, missing_is_null boolean); rs_last_copy_id() and its kin. Error
// `unrecognized configuration parameter "x"`.
#pragma once

#include <duckdb/main/client_context_state.hpp>
#include <map>
#include <string>
#include <vector>

#include "worker/functions/registrar.h"

namespace skep::worker {

// Of a connection, registered as kSessionNames.
struct SessionNames final : duckdb::ClientContextState {
  std::string user;
  uint32_t process_id = 0;
  std::vector<std::string> search_path;
  std::map<std::string, std::string, std::less<>> settings;
  // Of the session's last COPY and UNLOAD: its number, -1 before there is one, and its rows.
  int64_t last_copy = -1, last_copy_rows = 0;
  int64_t last_unload = -1, last_unload_rows = 0;
};
inline constexpr const char* kSessionNames = "skep_session_names";

void RegisterSessionNames(Registrar& registrar);

}  // namespace skep::worker
