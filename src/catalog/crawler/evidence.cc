#include "catalog/crawler/evidence.h"

#include <map>
#include <set>

#include "base/text.h"
#include "catalog/json_members.h"

namespace skep::catalog {
namespace {

using Json = nlohmann::json;

constexpr size_t kMostFiles = 20, kMostColumns = 1000, kMostExamples = 5;

std::string ReasonOf(const std::string& type, const std::string& name) {
  if (type == "bigint") return "every value is a whole number";
  if (type == "date") return "every value is yyyy-mm-dd";
  return name.starts_with("partition_") ? "folders without a name of the form key=value"
                                        : "folders of the form key=value";
}

std::map<std::string, std::string> TypesOf(const Json& columns) {
  std::map<std::string, std::string> types;
  for (const Json& column : columns) types[TextOf(column, "Name")] = TextOf(column, "Type");
  return types;
}

}  // namespace

Json SamplesEvidence(const ipc::InferReply& schema, const std::vector<SampleEvidence>& samples) {
  Json files = Json::array();
  std::map<std::string, std::map<std::string, uint64_t>> votes;
  for (const SampleEvidence& sample : samples) {
    if (sample.error.empty() && sample.used) {
      for (const auto& column : sample.schema.columns) votes[Lower(column.name)][column.type]++;
    }
    if (files.size() >= kMostFiles) continue;
    Json file = {{"Key", sample.key}, {"Size", sample.size}, {"Read", sample.read}};
    if (!sample.classifier.empty()) file["Classifier"] = sample.classifier;
    if (sample.error.empty()) {
      file["Format"] = sample.schema.format;
      file["Columns"] = sample.schema.columns.size();
      file["Rows"] = sample.schema.rows;
      if (sample.schema.format == "xlsx") file["Header"] = sample.schema.header;
      for (const auto& [name, value] : sample.schema.properties) {
        if (name == "sheet") file["Sheet"] = value;
        if (name == "serialization.encoding") file["Encoding"] = value;
      }
      if (!sample.used) file["Ignored"] = "its columns are too unlike those of the other files";
    } else {
      file["Error"] = sample.error;
    }
    files.push_back(std::move(file));
  }
  Json columns = Json::array();
  for (const auto& column : schema.columns) {
    if (columns.size() >= kMostColumns) break;
    const auto& of = votes[Lower(column.name)];
    columns.push_back({{"Name", Lower(column.name)},
                       {"Type", column.type},
                       {"Votes", of},
                       {"Conflict", of.size() > 1}});
  }
  return {
      {"Files", std::move(files)}, {"FilesTotal", samples.size()}, {"Columns", std::move(columns)}};
}

Json PartitionEvidence(const PlannedTable& table, const Json& keys) {
  Json out = Json::array();
  for (size_t k = 0; k < keys.size(); k++) {
    std::set<std::string> values;
    for (const auto& partition : table.partitions) values.insert(partition.values[k]);
    Json examples = Json::array();
    for (const std::string& value : values) {
      if (examples.size() < kMostExamples) examples.push_back(value);
    }
    const std::string name = TextOf(keys[k], "Name"), type = TextOf(keys[k], "Type");
    out.push_back({{"Name", name},
                   {"Type", type},
                   {"Values", values.size()},
                   {"Examples", std::move(examples)},
                   {"Reason", ReasonOf(type, name)}});
  }
  return out;
}

Json ColumnChanges(const Json& before, const Json& after) {
  const auto old = TypesOf(before), now = TypesOf(after);
  Json added = Json::array(), removed = Json::array(), changed = Json::array();
  for (const auto& [name, type] : now) {
    const auto known = old.find(name);
    if (known == old.end())
      added.push_back({{"Name", name}, {"Type", type}});
    else if (known->second != type)
      changed.push_back({{"Name", name}, {"From", known->second}, {"To", type}});
  }
  for (const auto& [name, type] : old) {
    if (!now.contains(name)) removed.push_back({{"Name", name}, {"Type", type}});
  }
  if (added.empty() && removed.empty() && changed.empty()) return nullptr;
  return {{"Added", added}, {"Removed", removed}, {"Changed", changed}};
}

}  // namespace skep::catalog
