// Statements the gateway answers without waking a worker: rows it can make itself (SHOW, `select
// 1`, `select version()`), as PostgreSQL messages.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/messages.h"

namespace skep::session {

struct TrivialResult {
  std::vector<ipc::ResultColumn> columns;
  std::vector<std::vector<std::optional<std::string>>> rows;  // text form
  std::string tag;
};

// What Redshift's version() answers here (sql.md section 2: drivers and tools look for "Redshift").
std::string VersionText();

// `select <integer>`, `select version()` and the like: exactly the probes that drivers, pools and
// health checks send.
std::optional<TrivialResult> AnswerProbe(std::string_view statement, std::string_view database,
                                         std::string_view user, uint32_t process_id);

// RowDescription and DataRow messages. `formats` as in Bind; binary is made for the integer types.
std::string EncodeRowDescription(const std::vector<ipc::ResultColumn>& columns,
                                 const std::vector<uint16_t>& formats);
std::string EncodeRows(const TrivialResult& result, const std::vector<uint16_t>& formats);

}  // namespace skep::session
