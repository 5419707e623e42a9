#include "api/glue/partition_walk.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/text.h"

namespace skep::glue {
namespace {

// Whether the filter reads a value as an engine would that casts it.
bool IsUsual(const std::string& type, std::string_view value) {
  const auto digits = [](std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  };
  const std::string lower = Lower(type);
  if (lower == "string" || lower.starts_with("varchar") || lower.starts_with("char")) return true;
  if (value == "__HIVE_DEFAULT_PARTITION__") return true;
  if (lower == "date")
    return value.size() == 10 && digits(value.substr(0, 4)) && value[4] == '-' &&
           digits(value.substr(5, 2)) && value[7] == '-' && digits(value.substr(8, 2));
  if (value.starts_with('-')) value.remove_prefix(1);
  return digits(value);
}

}  // namespace

Result<std::vector<control::GluePartition>> FindPartitions(control::Store& store,
                                                           const control::TableName& table,
                                                           const std::vector<PartitionKey>& keys,
                                                           std::string_view expression) {
  if (expression.empty())
    return store.ListGluePartitions(table.catalog_id, table.database, table.table);
  SKEP_TRY_ASSIGN(const auto filter, PartitionFilter::Parse(expression, keys));
  FirstValues first = filter.First(keys.size());
  const control::PartitionBounds bounds{
      std::move(first.equal), std::move(first.least), std::move(first.most), {}};
  std::vector<std::string> open;  // first values behind which something may match
  const auto choose = [&](const std::vector<std::string>& values) -> control::PartitionStep {
    using Kind = control::PartitionStep::Kind;
    const auto alike =
        static_cast<size_t>(std::ranges::mismatch(values, open).in1 - values.begin());
    for (size_t i = 0; i < values.size() && i < keys.size(); i++) {
      if (!IsUsual(keys[i].type, values[i])) return {Kind::kTake, 0};
    }
    for (size_t depth = alike + 1; depth < values.size(); depth++) {
      if (!filter.MayMatch(std::span(values).first(depth))) return {Kind::kSkip, depth};
      open.resize(depth);
      open[depth - 1] = values[depth - 1];
    }
    return {filter.Matches(values) ? Kind::kTake : Kind::kPass, 0};
  };
  SKEP_TRY_ASSIGN(const auto chosen, store.Glue().WalkPartitions(table, bounds, choose));
  return store.Glue().GetPartitions(table, chosen);
}

}  // namespace skep::glue
