#include "sql/copy_plan.h"

#include <nlohmann/json.hpp>

namespace skep::sql {
namespace {

// Names and members of a plan, for writing and for reading.
template <class Plan, class Each>
void Members(Plan& plan, const Each& each) {
  each("table", plan.table);
  each("database", plan.database);
  each("schema", plan.schema);
  each("relation", plan.relation);
  each("path", plan.path);
  each("manifest", plan.manifest);
  each("job", plan.job);
  each("files", plan.files);
  each("roles", plan.roles);
  each("delimiter", plan.delimiter);
  each("widths", plan.widths);
  each("json", plan.json);
  each("compression", plan.compression);
  each("encoding", plan.encoding);
  each("null_text", plan.null_text);
  each("date_format", plan.date_format);
  each("time_format", plan.time_format);
  each("accept_any_date", plan.accept_any_date);
  each("blanks_as_null", plan.blanks_as_null);
  each("empty_as_null", plan.empty_as_null);
  each("escape", plan.escape);
  each("fill_record", plan.fill_record);
  each("ignore_blank_lines", plan.ignore_blank_lines);
  each("remove_quotes", plan.remove_quotes);
  each("round_decimals", plan.round_decimals);
  each("trim_blanks", plan.trim_blanks);
  each("truncate_columns", plan.truncate_columns);
  each("skip_lines", plan.skip_lines);
  each("max_errors", plan.max_errors);
  each("ignore_all_errors", plan.ignore_all_errors);
  each("no_load", plan.no_load);
  each("read_srid", plan.read_srid);
}

}  // namespace

std::string CopyPlan::Text() const {
  nlohmann::json out = nlohmann::json::object();
  Members(*this, [&](const char* name, const auto& value) { out[name] = value; });
  out["format"] = static_cast<int>(format);
  out["quote"] = static_cast<unsigned char>(quote);
  out["simplify"] = static_cast<int>(simplify);
  if (tolerance) out["tolerance"] = *tolerance;
  if (replacement) out["replacement"] = *replacement;
  for (const CopyColumn& column : columns)
    out["columns"].push_back({column.name, CompactType(column.type), column.not_null});
  return out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

CopyPlan CopyPlan::Read(std::string_view text) {
  CopyPlan plan;
  const auto json = nlohmann::json::parse(text);
  Members(plan, [&](const char* name, auto& value) { json.at(name).get_to(value); });
  plan.format = static_cast<CopyFormat>(json.at("format").get<int>());
  plan.quote = static_cast<char>(json.at("quote").get<unsigned char>());
  plan.simplify = static_cast<CopySimplify>(json.at("simplify").get<int>());
  if (json.contains("tolerance")) plan.tolerance = json["tolerance"].get<double>();
  if (json.contains("replacement")) plan.replacement = json["replacement"].get<std::string>();
  for (const auto& column : json.at("columns"))
    plan.columns.push_back({column.at(0).get<std::string>(),
                            ParseCompactType(column.at(1).get<std::string>()),
                            column.at(2).get<bool>()});
  return plan;
}

}  // namespace skep::sql
