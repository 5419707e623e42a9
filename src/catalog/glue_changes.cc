#include "catalog/glue_changes.h"

#include <fmt/format.h>

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/text.h"
#include "catalog/json_members.h"

namespace skep::catalog {
namespace {

using Json = nlohmann::json;

double NowSeconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

class Change {
 public:
  Change(DataCatalog& catalog, std::string_view database, Json json)
      : store_(catalog),
        catalog_(catalog.account()),
        database_(Lower(database)),
        json_(std::move(json)),
        name_(Lower(TextOf(json_, "name"))) {}

  Result<void> Run() {
    const std::string operation = TextOf(json_, "operation");
    if (operation == "CreateDatabase") return CreateDatabase();
    if (operation == "DropDatabase") return DropDatabase();
    if (operation == "CreateTable") return CreateTable();
    if (operation == "DropTable") return DropTable();
    if (operation == "PublishIceberg") return PublishIceberg();
    if (operation == "AddPartitions") return AddPartitions();
    if (operation == "DropPartitions") return DropPartitions();
    if (operation == "SetLocation" || operation == "SetProperties") return Set(operation);
    return Fail(ErrorKind::kInvalidArgument, "an unknown change of the catalog");
  }

 private:
  bool Flag(const char* name) const { return json_.value(name, false); }

  std::unexpected<Error> NoDatabase() const {
    return Fail(
        ErrorKind::kUndefinedSchema,
        fmt::format("database {} not found in the data catalog of account {}", database_, catalog_),
        {}, "Create it, or run a crawler that fills it.");
  }

  Result<void> CreateDatabase() {
    const double now = NowSeconds();
    const Json database = {{"Name", database_}, {"CreateTime", now}, {"CatalogId", catalog_}};
    const auto made = store_.CreateDatabase({catalog_, database_, Dump(database)});
    if (!made && made.error().kind == ErrorKind::kDuplicateObject) return {};
    return made;
  }

  // An external schema may outlive its database: that there is none is no error.
  Result<void> DropDatabase() {
    if (!Flag("cascade")) {
      SKEP_TRY_ASSIGN(const auto tables, store_.ListTables(database_));
      if (!tables.empty())
        return Fail(
            ErrorKind::kDependentObjects,
            fmt::format("cannot drop external database {} because it is not empty", database_),
            fmt::format("it holds {} tables", tables.size()),
            "Use DROP SCHEMA ... DROP EXTERNAL DATABASE CASCADE to drop them too.");
    }
    SKEP_TRY(store_.DeleteDatabase(database_));
    return {};
  }

  Result<void> CreateTable() {
    Json table = MemberOf(json_, "table");
    const std::string name = Lower(TextOf(table, "Name"));
    if (name.empty() || name.size() > 255)
      return Fail(ErrorKind::kInvalidArgument, "an external table needs a name of 1 to 255 bytes");
    const double now = NowSeconds();
    table["DatabaseName"] = database_;
    table["CatalogId"] = catalog_;
    table["CreateTime"] = now;
    table["UpdateTime"] = now;
    const auto made = store_.CreateTable({catalog_, database_, name, 0, Dump(table)});
    if (!made && made.error().kind == ErrorKind::kDuplicateObject) {
      if (Flag("if_not_exists") || IsPublished(name)) return {};
      return Fail(ErrorKind::kDuplicateTable,
                  fmt::format("external table \"{}\" already exists", name));
    }
    if (!made && made.error().kind == ErrorKind::kUndefinedObject) return NoDatabase();
    return made;
  }

  // New metadata of a table of Iceberg, made from those that it has, and from no others.
  Result<void> PublishIceberg() {
    SKEP_TRY_ASSIGN(auto table, Table());
    Json of = Json::parse(table.json, nullptr, false);
    const std::string previous = TextOf(json_, "previous"), metadata = TextOf(json_, "metadata");
    const Json& parameters = MemberOf(of, "Parameters");
    if (previous.empty() || metadata.empty() ||
        Lower(TextOf(parameters, "table_type")) != "iceberg")
      return Fail(ErrorKind::kInvalidArgument,
                  fmt::format("external table \"{}\" is not a table of Iceberg", name_));
    const auto stale = [&] {
      return Fail(ErrorKind::kSerializationFailure,
                  fmt::format("Iceberg table \"{}\" was changed by another writer", name_), {},
                  "Run the statement again.");
    };
    if (TextOf(parameters, "metadata_location") != previous) return stale();
    of["Parameters"]["metadata_location"] = metadata;
    of["Parameters"]["previous_metadata_location"] = previous;
    of["UpdateTime"] = NowSeconds();
    table.json = Dump(of);
    const auto replaced = store_.ReplaceTable(table);
    if (replaced ? *replaced : IsPublished(name_)) return {};
    if (!replaced) return Fail(replaced.error());
    return IsPublished(name_) ? Result<void>() : stale();
  }

  // Whether the table has the metadata of this change by now: an answer was lost, and the repeated
  // request came too late.
  bool IsPublished(const std::string& name) {
    const std::string metadata = TextOf(json_, "metadata");
    if (metadata.empty()) return false;
    const auto table = store_.GetTable(database_, name);
    if (!table || !*table) return false;
    const Json of = Json::parse((*table)->json, nullptr, false);
    return TextOf(MemberOf(of, "Parameters"), "metadata_location") == metadata;
  }

  Result<void> DropTable() {
    SKEP_TRY_ASSIGN(const bool dropped, store_.DeleteTable(database_, name_));
    if (dropped || Flag("if_exists")) return {};
    return NoTable();
  }

  std::unexpected<Error> NoTable() const {
    return Fail(ErrorKind::kUndefinedTable, fmt::format("relation \"{}\" does not exist", name_));
  }

  Result<control::GlueTable> Table() {
    SKEP_TRY_ASSIGN(auto table, store_.GetTable(database_, name_));
    if (!table) return NoTable();
    return std::move(*table);
  }

  // The values in the order of the keys.
  Result<std::vector<std::string>> ValuesOf(const Json& table, const Json& partition) const {
    const Json& given = MemberOf(partition, "values");
    std::vector<std::string> values;
    for (const auto& key : MemberOf(table, "PartitionKeys")) {
      const auto found = given.is_object() ? given.find(TextOf(key, "Name")) : given.end();
      if (!given.is_object() || found == given.end() || !found->is_string())
        return Fail(ErrorKind::kInvalidArgument,
                    fmt::format("partition key \"{}\" of external table \"{}\" is missing",
                                TextOf(key, "Name"), name_));
      values.push_back(found->get<std::string>());
    }
    if (values.empty())
      return Fail(ErrorKind::kInvalidArgument,
                  fmt::format("external table \"{}\" is not partitioned", name_));
    if (given.size() != values.size())
      return Fail(ErrorKind::kInvalidArgument,
                  fmt::format("external table \"{}\" has {} partition keys, {} are given", name_,
                              values.size(), given.size()));
    return values;
  }

  // Whether a partition, when it is there, lies where new files of it went.
  Result<void> LiesThere(const control::GlueTable& of, const std::vector<std::string>& values,
                         const std::string& location) {
    if (!known_) {
      known_.emplace();
      SKEP_TRY_ASSIGN(const auto partitions, store_.ListPartitions(of, {}, {}));
      for (const auto& partition : partitions) {
        const Json json = Json::parse(partition.json, nullptr, false);
        std::string there = TextOf(MemberOf(json, "StorageDescriptor"), "Location");
        if (!there.empty() && !there.ends_with('/')) there += '/';
        known_->emplace(partition.values, std::move(there));
      }
    }
    const auto found = known_->find(values);
    if (found == known_->end() || found->second == location) return {};
    return Fail(ErrorKind::kConflict,
                fmt::format("a partition of external table \"{}\" lies at {}, not at {}", name_,
                            found->second, location),
                {}, "Write its files by UNLOAD.");
  }

  Result<void> AddPartitions() {
    SKEP_TRY_ASSIGN(const auto table, Table());
    const Json of = Json::parse(table.json, nullptr, false);
    std::vector<control::GluePartition> partitions;
    for (const auto& one : MemberOf(json_, "partitions")) {
      SKEP_TRY_ASSIGN(auto values, ValuesOf(of, one));
      Json descriptor = MemberOf(of, "StorageDescriptor");
      std::string location = TextOf(one, "location");
      if (const std::string folder = TextOf(one, "folder"); !folder.empty()) {
        location = TextOf(descriptor, "Location");
        if (!location.ends_with('/')) location += '/';
        location += folder;
        SKEP_TRY(LiesThere(table, values, location));
      } else if (location.empty()) {
        location = TextOf(descriptor, "Location");
        if (!location.ends_with('/')) location += '/';
        size_t i = 0;
        for (const auto& key : MemberOf(of, "PartitionKeys"))
          location += TextOf(key, "Name") + "=" + values[i++] + "/";
      }
      if (!location.starts_with("s3://"))
        return Fail(ErrorKind::kInvalidArgument, "LOCATION of a partition must be an s3:// path");
      descriptor["Location"] = location;
      const Json json = {{"Values", values},
                         {"DatabaseName", database_},
                         {"TableName", name_},
                         {"CatalogId", catalog_},
                         {"CreationTime", NowSeconds()},
                         {"StorageDescriptor", descriptor},
                         {"Parameters", Json::object()}};
      partitions.push_back({std::move(values), Dump(json)});
    }
    if (Flag("check")) return {};
    if (!Flag("if_not_exists")) {
      const auto made = store_.CreatePartitions(table, partitions);
      if (!made && made.error().kind == ErrorKind::kDuplicateObject)
        return Fail(ErrorKind::kDuplicateObject, "Partition already exists.");
      return made;
    }
    for (const auto& one : partitions) {
      const auto made = store_.CreatePartitions(table, {one});
      if (!made && made.error().kind != ErrorKind::kDuplicateObject) return made;
    }
    return {};
  }

  Result<void> DropPartitions() {
    SKEP_TRY_ASSIGN(const auto table, Table());
    const Json of = Json::parse(table.json, nullptr, false);
    for (const auto& one : MemberOf(json_, "partitions")) {
      SKEP_TRY_ASSIGN(const auto values, ValuesOf(of, one));
      SKEP_TRY_ASSIGN(const bool dropped, store_.DeletePartition(table, values));
      if (!dropped) return Fail(ErrorKind::kUndefinedObject, "the partition does not exist");
    }
    return {};
  }

  Result<void> Set(const std::string& operation) {
    SKEP_TRY_ASSIGN(auto table, Table());
    Json of = Json::parse(table.json, nullptr, false);
    if (operation == "SetLocation")
      of["StorageDescriptor"]["Location"] = TextOf(json_, "location");
    else
      of["Parameters"].update(MemberOf(json_, "parameters"));
    of["UpdateTime"] = NowSeconds();
    table.json = Dump(of);
    SKEP_TRY_ASSIGN(const bool updated, store_.UpdateTable(table));
    if (!updated) return NoTable();
    return {};
  }

  DataCatalog& store_;
  std::string catalog_, database_;
  Json json_;
  std::string name_;
  std::optional<std::map<std::vector<std::string>, std::string>> known_;  // partitions' locations
};

}  // namespace

Result<void> ChangeCatalog(DataCatalog& catalog, std::string_view database,
                           std::string_view change) {
  Json json = Json::parse(change, nullptr, false);
  if (!json.is_object())
    return Fail(ErrorKind::kInvalidArgument, "a change of the catalog cannot be read");
  return Change(catalog, database, std::move(json)).Run();
}

}  // namespace skep::catalog
