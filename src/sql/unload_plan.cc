#include "sql/unload_plan.h"

#include <nlohmann/json.hpp>

namespace skep::sql {
namespace {

// Names and members of a plan, for writing and for reading.
template <class Plan, class Each>
void Members(Plan& plan, const Each& each) {
  each("path", plan.path);
  each("roles", plan.roles);
  each("schema", plan.schema);
  each("table", plan.table);
  each("creation", plan.creation);
  each("iceberg", plan.iceberg);
  each("if_not_exists", plan.if_not_exists);
  each("partition", plan.partition);
  each("include", plan.include);
  each("delimiter", plan.delimiter);
  each("widths", plan.widths);
  each("null_text", plan.null_text);
  each("add_quotes", plan.add_quotes);
  each("escape", plan.escape);
  each("header", plan.header);
  each("compression", plan.compression);
  each("extension", plan.extension);
  each("parallel", plan.parallel);
  each("max_file_bytes", plan.max_file_bytes);
  each("row_group_bytes", plan.row_group_bytes);
  each("manifest", plan.manifest);
  each("verbose", plan.verbose);
  each("existing", plan.existing);
  each("kms", plan.kms);
  each("kms_key_id", plan.kms_key_id);
}

}  // namespace

std::string UnloadPlan::Text() const {
  nlohmann::json out = nlohmann::json::object();
  Members(*this, [&](const char* name, const auto& value) { out[name] = value; });
  out["format"] = static_cast<int>(format);
  out["columns"] = nlohmann::json::array();
  for (const UnloadColumn& column : columns)
    out["columns"].push_back({column.name, CompactType(column.type)});
  return out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

UnloadPlan UnloadPlan::Read(std::string_view text) {
  UnloadPlan plan;
  const auto json = nlohmann::json::parse(text);
  Members(plan, [&](const char* name, auto& value) { json.at(name).get_to(value); });
  plan.format = static_cast<UnloadFormat>(json.at("format").get<int>());
  for (const auto& column : json.at("columns"))
    plan.columns.push_back(
        {column.at(0).get<std::string>(), ParseCompactType(column.at(1).get<std::string>())});
  return plan;
}

}  // namespace skep::sql
