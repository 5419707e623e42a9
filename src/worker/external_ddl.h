// The statements that make an external table again, out of what the data catalog tells of it
// (catalog/glue_questions.h). Source: the developer guide's "SHOW EXTERNAL TABLE".
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace skep::worker {

// CREATE EXTERNAL TABLE ...;
std::string TableDdl(const std::string& schema, const nlohmann::json& table);
// ALTER TABLE ... ADD IF NOT EXISTS PARTITION (...) LOCATION '...';
std::string PartitionDdl(const std::string& schema, const nlohmann::json& table,
                         const nlohmann::json& partition);

}  // namespace skep::worker
