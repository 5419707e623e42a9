#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "api/glue/operations.h"

namespace skep::glue {
namespace {

constexpr size_t kPartitionPage = 1000;

std::unexpected<Failure> NoPartition() { return NotFound("Cannot find partition."); }
std::unexpected<Failure> PartitionExists() { return Exists("Partition already exists."); }

Answer<control::GluePartition> MakePartition(const CallState& call, const control::GlueTable& table,
                                             size_t keys, const Json& input) {
  control::GluePartition partition{Texts(input, "Values"), {}};
  if (partition.values.size() != keys) {
    return InvalidInput("The number of partition keys do not match the number of partition values");
  }
  if (std::ranges::any_of(partition.values,
                          [](const std::string& value) { return value.empty(); })) {
    return InvalidInput("A partition value must have at least one character.");
  }
  Json json = input;
  json["CreationTime"] = call.now;
  if (!json.contains("LastAccessTime")) json["LastAccessTime"] = call.now;
  json["DatabaseName"] = table.database;
  json["TableName"] = table.name;
  json["CatalogId"] = table.catalog_id;
  partition.json = Dump(json);
  return partition;
}

// Answers for each whether it was made.
Answer<std::vector<bool>> AddPartitions(const CallState& call, const control::GlueTable& table,
                                        const std::vector<control::GluePartition>& partitions) {
  auto made = call.Glue().AddPartitions(NameOf(table), partitions);
  if (made) return std::move(*made);
  if (made.error().kind == ErrorKind::kUndefinedObject)
    return NotFound(fmt::format("Table {} not found.", table.name));
  return Translated(made.error());
}

Answer<Json> CreatePartition(const CallState& call) {
  auto table = call.Table();
  if (!table) return std::unexpected(table.error());
  auto partition =
      MakePartition(call, *table, KeysOf(*table).size(), call.request["PartitionInput"]);
  if (!partition) return std::unexpected(partition.error());
  auto made = AddPartitions(call, *table, {std::move(*partition)});
  if (!made) return std::unexpected(made.error());
  if (!made->front()) return PartitionExists();
  return Json::object();
}

// Good ones are made, bad ones are listed.
Answer<Json> BatchCreatePartition(const CallState& call) {
  auto table = call.Table();
  if (!table) return std::unexpected(table.error());
  const size_t keys = KeysOf(*table).size();
  Json errors = Json::array();
  const auto refuse = [&](const Json& values, const Failure& failure) {
    errors.push_back({{"PartitionValues", values}, {"ErrorDetail", ErrorDetail(failure)}});
  };
  std::vector<control::GluePartition> good;
  for (const Json& input : call.request["PartitionInputList"]) {
    auto partition = MakePartition(call, *table, keys, input);
    if (partition) {
      good.push_back(std::move(*partition));
    } else {
      refuse(input.value("Values", Json::array()), partition.error());
    }
  }
  auto made = good.empty() ? Answer<std::vector<bool>>() : AddPartitions(call, *table, good);
  if (!made) return std::unexpected(made.error());
  for (size_t i = 0; i < good.size(); i++) {
    if (!(*made)[i]) refuse(good[i].values, PartitionExists().error());
  }
  return errors.empty() ? Json::object() : Json{{"Errors", errors}};
}

Answer<Json> GetPartition(const CallState& call) {
  auto table = call.Table();
  if (!table) return std::unexpected(table.error());
  auto found = FindPartition(call, *table, Texts(call.request, "PartitionValues"));
  if (!found) return std::unexpected(found.error());
  return Json{{"Partition", PartitionOf(*table, *found)}};
}

// FNV-1a: the same partition falls into the same segment on every page.
uint64_t SegmentHash(const std::vector<std::string>& values) {
  uint64_t hash = 14695981039346656037ull;
  const auto add = [&hash](char c) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  };
  for (const std::string& value : values) {
    for (const char c : value) add(c);
    add('\x1f');
  }
  return hash >> 16;
}

// Decides over partitions in the order of their values. What the first values of the one before
// did not exclude is not asked again.
class PartitionChooser {
 public:
  PartitionChooser(const PartitionFilter& filter,
                   std::optional<std::pair<uint64_t, uint64_t>> segment, size_t most)
      : filter_(filter), segment_(segment), most_(most) {}

  control::PartitionStep operator()(const std::vector<std::string>& values) {
    using Kind = control::PartitionStep::Kind;
    const size_t alike =
        static_cast<size_t>(std::ranges::mismatch(values, open_).in1 - values.begin());
    for (size_t depth = alike + 1; depth < values.size(); depth++) {
      if (!filter_.MayMatch(std::span(values).first(depth))) return {Kind::kSkip, depth};
      open_.resize(depth);
      open_[depth - 1] = values[depth - 1];
    }
    if (!filter_.Matches(values)) return {Kind::kPass, 0};
    if (segment_ && SegmentHash(values) % segment_->second != segment_->first)
      return {Kind::kPass, 0};
    if (taken_ == most_) {
      more_ = true;
      return {Kind::kStop, 0};
    }
    taken_++;
    return {Kind::kTake, 0};
  }
  bool more() const { return more_; }

 private:
  const PartitionFilter& filter_;
  std::optional<std::pair<uint64_t, uint64_t>> segment_;
  size_t most_, taken_ = 0;
  bool more_ = false;
  std::vector<std::string> open_;  // first values behind which something may match
};

Answer<std::optional<std::pair<uint64_t, uint64_t>>> SegmentOf(const Json& request) {
  const auto given = request.find("Segment");
  if (given == request.end()) return std::nullopt;
  const auto number = (*given)["SegmentNumber"].get<uint64_t>();
  const auto total = (*given)["TotalSegments"].get<uint64_t>();
  if (number >= total) return InvalidInput("SegmentNumber must be less than TotalSegments.");
  return std::pair(number, total);
}

Answer<Json> GetPartitions(const CallState& call) {
  auto table = call.Table();
  if (!table) return std::unexpected(table.error());
  Json out = {{"Partitions", Json::array()}};
  auto page = PartitionPage(call, *table, out);
  if (!page) return std::unexpected(page.error());
  const bool bare = call.request.value("ExcludeColumnSchema", false);
  for (const auto& partition : *page) {
    Json json = PartitionOf(*table, partition);
    if (bare && json.contains("StorageDescriptor") && json["StorageDescriptor"].is_object())
      json["StorageDescriptor"].erase("Columns");
    out["Partitions"].push_back(std::move(json));
  }
  return out;
}

Answer<Json> BatchGetPartition(const CallState& call) {
  auto table = call.Table();
  if (!table) return std::unexpected(table.error());
  std::vector<std::vector<std::string>> wanted;
  for (const Json& one : call.request["PartitionsToGet"]) wanted.push_back(Texts(one, "Values"));
  const auto found = call.Glue().GetPartitions(NameOf(*table), wanted);
  if (!found) return Translated(found.error());
  Json out = {{"Partitions", Json::array()}, {"UnprocessedKeys", Json::array()}};
  for (const auto& partition : *found) out["Partitions"].push_back(PartitionOf(*table, partition));
  return out;
}

Answer<void> Replace(const CallState& call, const control::GlueTable& table, size_t keys,
                     const std::vector<std::string>& old, Json input) {
  const auto before = FindPartition(call, table, old);
  if (!before) return std::unexpected(before.error());
  if (!input.contains("Values")) input["Values"] = old;
  auto partition = MakePartition(call, table, keys, input);
  if (!partition) return std::unexpected(partition.error());
  Json json = Stored(partition->json);
  const Json former = Stored(before->json);
  if (former.contains("CreationTime")) json["CreationTime"] = former["CreationTime"];
  partition->json = Dump(json);
  const auto replaced = call.Glue().ReplacePartition(NameOf(table), old, *partition);
  if (!replaced && replaced.error().kind == ErrorKind::kDuplicateObject) return PartitionExists();
  if (!replaced) return Translated(replaced.error());
  if (!*replaced) return NoPartition();
  return {};
}

Answer<Json> UpdatePartition(const CallState& call) {
  auto table = call.Table();
  if (!table) return std::unexpected(table.error());
  auto replaced =
      Replace(call, *table, KeysOf(*table).size(), Texts(call.request, "PartitionValueList"),
              call.request["PartitionInput"]);
  if (!replaced) return std::unexpected(replaced.error());
  return Json::object();
}

Answer<Json> BatchUpdatePartition(const CallState& call) {
  auto table = call.Table();
  if (!table) return std::unexpected(table.error());
  const size_t keys = KeysOf(*table).size();
  Json errors = Json::array();
  for (const Json& entry : call.request["Entries"]) {
    const auto old = Texts(entry, "PartitionValueList");
    if (auto replaced = Replace(call, *table, keys, old, entry["PartitionInput"]); !replaced) {
      errors.push_back(
          {{"PartitionValueList", old}, {"ErrorDetail", ErrorDetail(replaced.error())}});
    }
  }
  return errors.empty() ? Json::object() : Json{{"Errors", errors}};
}

Answer<std::vector<bool>> DropPartitions(const CallState& call, const control::GlueTable& table,
                                         const std::vector<std::vector<std::string>>& values) {
  auto deleted = call.Glue().DeletePartitions(NameOf(table), values);
  if (!deleted) return Translated(deleted.error());
  return std::move(*deleted);
}

Answer<Json> DeletePartition(const CallState& call) {
  auto table = call.Table();
  if (!table) return std::unexpected(table.error());
  const auto deleted = DropPartitions(call, *table, {Texts(call.request, "PartitionValues")});
  if (!deleted) return std::unexpected(deleted.error());
  if (!deleted->front()) return NoPartition();
  return Json::object();
}

Answer<Json> BatchDeletePartition(const CallState& call) {
  auto table = call.Table();
  if (!table) return std::unexpected(table.error());
  std::vector<std::vector<std::string>> values;
  for (const Json& wanted : call.request["PartitionsToDelete"])
    values.push_back(Texts(wanted, "Values"));
  const auto deleted = DropPartitions(call, *table, values);
  if (!deleted) return std::unexpected(deleted.error());
  Json errors = Json::array();
  for (size_t i = 0; i < values.size(); i++) {
    if (!(*deleted)[i])
      errors.push_back(
          {{"PartitionValues", values[i]}, {"ErrorDetail", ErrorDetail(NoPartition().error())}});
  }
  return errors.empty() ? Json::object() : Json{{"Errors", errors}};
}

constexpr auto kOperations = std::to_array<Operation>({
    {"CreatePartition", CreatePartition, true},
    {"BatchCreatePartition", BatchCreatePartition, true},
    {"GetPartition", GetPartition},
    {"GetPartitions", GetPartitions},
    {"BatchGetPartition", BatchGetPartition},
    {"UpdatePartition", UpdatePartition, true},
    {"BatchUpdatePartition", BatchUpdatePartition, true},
    {"DeletePartition", DeletePartition, true},
    {"BatchDeletePartition", BatchDeletePartition, true},
});

}  // namespace

Json PartitionOf(const control::GlueTable& table, const control::GluePartition& partition) {
  Json json = Stored(partition.json);
  json["Values"] = partition.values;
  json["DatabaseName"] = table.database;
  json["TableName"] = table.name;
  json["CatalogId"] = table.catalog_id;
  return json;
}

Answer<control::GluePartition> FindPartition(const CallState& call, const control::GlueTable& table,
                                             const std::vector<std::string>& values) {
  auto found = call.Glue().GetPartitions(NameOf(table), {values});
  if (!found) return Translated(found.error());
  if (found->empty()) return NoPartition();
  return std::move(found->front());
}

Answer<std::vector<control::GluePartition>> PartitionPage(const CallState& call,
                                                          const control::GlueTable& table,
                                                          Json& out) {
  const auto keys = KeysOf(table);
  const auto filter = PartitionFilter::Parse(Text(call.request, "Expression"), keys);
  if (!filter) return InvalidInput(filter.error().message);
  const auto segment = SegmentOf(call.request);
  if (!segment) return std::unexpected(segment.error());
  auto token = ReadToken(call.request);
  if (!token) return std::unexpected(token.error());
  FirstValues first = filter->First(keys.size());
  control::PartitionBounds bounds{
      std::move(first.equal), std::move(first.least), std::move(first.most), {}};
  if (token->is_array()) {
    if (!(*token)[0].is_array()) return InvalidInput("Continuation token is not valid.");
    for (const Json& value : (*token)[0]) {
      if (!value.is_string()) return InvalidInput("Continuation token is not valid.");
      bounds.after.push_back(value.get<std::string>());
    }
  }
  PartitionChooser choose(*filter, *segment, PageSize(call.request, kPartitionPage));
  const auto chosen = call.Glue().WalkPartitions(NameOf(table), bounds, std::ref(choose));
  if (!chosen) return Translated(chosen.error());
  auto found = call.Glue().GetPartitions(NameOf(table), *chosen);
  if (!found) return Translated(found.error());
  if (choose.more() && !chosen->empty())
    out["NextToken"] = MakeToken(Json::array({chosen->back()}));
  return std::move(*found);
}

std::span<const Operation> PartitionOperations() { return kOperations; }

}  // namespace skep::glue
