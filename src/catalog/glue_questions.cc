#include "catalog/glue_questions.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/text.h"
#include "catalog/json_members.h"

namespace skep::catalog {
namespace {

using Json = nlohmann::json;

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string ObjectText(const Json& object) { return object.is_object() ? Dump(object) : "{}"; }

Json Columns(const Json& list) {
  Json out = Json::array();
  if (!list.is_array()) return out;
  for (const auto& column : list) out.push_back({TextOf(column, "Name"), TextOf(column, "Type")});
  return out;
}

// What a table and a partition have in common.
Json Storage(const Json& descriptor) {
  const Json& serde = MemberOf(descriptor, "SerdeInfo");
  const Json& compressed = MemberOf(descriptor, "Compressed");
  return {{"location", TextOf(descriptor, "Location")},
          {"input", TextOf(descriptor, "InputFormat")},
          {"output", TextOf(descriptor, "OutputFormat")},
          {"serde", TextOf(serde, "SerializationLibrary")},
          {"serde_parameters", ObjectText(MemberOf(serde, "Parameters"))},
          {"compressed", compressed.is_boolean() && compressed.get<bool>() ? 1 : 0}};
}

std::string TableType(const Json& table) {
  const std::string type = TextOf(table, "TableType");
  if (type == "VIRTUAL_VIEW") return "VIEW";
  if (type == "MATERIALIZED_VIEW") return "MATERIALIZED VIEW";
  return type.empty() ? "" : "TABLE";
}

class Answerer {
 public:
  Answerer(DataCatalog& catalog, std::string_view database, const lake::MayAct& may)
      : store_(catalog), database_(Lower(database)), may_(may) {}

  Result<std::vector<std::string>> Databases() {
    SKEP_TRY_ASSIGN(const auto databases, store_.ListDatabases());
    for (const auto& database : databases) {
      if (!may_("glue:GetDatabases", database.name, "") &&
          !may_("glue:GetDatabase", database.name, ""))
        continue;
      const Json json = Json::parse(database.json, nullptr, false);
      answers_.push_back(Dump({{"name", database.name},
                               {"location", TextOf(json, "LocationUri")},
                               {"parameters", ObjectText(MemberOf(json, "Parameters"))}}));
    }
    return std::move(answers_);
  }

  Result<std::vector<std::string>> Tables(const std::string& wanted) {
    SKEP_TRY_ASSIGN(const auto tables, Find(wanted));
    for (const auto& table : tables) {
      const Json json = Json::parse(table.json, nullptr, false);
      const Json& descriptor = MemberOf(json, "StorageDescriptor");
      Json answer = Storage(descriptor);
      answer["name"] = table.name;
      answer["type"] = TableType(json);
      answer["parameters"] = ObjectText(MemberOf(json, "Parameters"));
      answer["columns"] = Columns(MemberOf(descriptor, "Columns"));
      answer["keys"] = Columns(MemberOf(json, "PartitionKeys"));
      answers_.push_back(Dump(answer));
    }
    return std::move(answers_);
  }

  Result<std::vector<std::string>> Partitions(const std::string& wanted) {
    SKEP_TRY_ASSIGN(const auto tables, Find(wanted));
    for (const auto& table : tables) {
      if (!may_("glue:GetPartitions", database_, table.name)) continue;
      SKEP_TRY_ASSIGN(const auto partitions, store_.ListPartitions(table, {}, {}));
      for (const auto& partition : partitions) {
        const Json json = Json::parse(partition.json, nullptr, false);
        Json answer = Storage(MemberOf(json, "StorageDescriptor"));
        answer["table"] = table.name;
        answer["values"] = partition.values;
        answer["parameters"] = ObjectText(MemberOf(json, "Parameters"));
        answers_.push_back(Dump(answer));
      }
    }
    return std::move(answers_);
  }

 private:
  // One table, or all of the database, as far as they may be seen.
  Result<std::vector<control::GlueTable>> Find(const std::string& wanted) {
    std::vector<control::GlueTable> tables;
    if (wanted.empty()) {
      SKEP_TRY_ASSIGN(tables, store_.ListTables(database_));
    } else {
      SKEP_TRY_ASSIGN(auto table, store_.GetTable(database_, Lower(wanted)));
      if (table) tables.push_back(std::move(*table));
    }
    std::erase_if(tables, [&](const control::GlueTable& table) {
      return !may_("glue:GetTables", database_, table.name) &&
             !may_("glue:GetTable", database_, table.name);
    });
    return tables;
  }

  DataCatalog& store_;
  std::string database_;
  const lake::MayAct& may_;
  std::vector<std::string> answers_;
};

}  // namespace

Result<std::vector<std::string>> AnswerQuestion(DataCatalog& catalog, std::string_view database,
                                                std::string_view question,
                                                const lake::MayAct& may) {
  const Json json = Json::parse(question, nullptr, false);
  const std::string what = TextOf(json, "what"), table = TextOf(json, "table");
  Answerer answerer(catalog, database, may);
  if (what == "databases") return answerer.Databases();
  if (what == "tables") return answerer.Tables(table);
  if (what == "partitions") return answerer.Partitions(table);
  return Fail(ErrorKind::kInvalidArgument, "an unknown question about the catalog");
}

}  // namespace skep::catalog
