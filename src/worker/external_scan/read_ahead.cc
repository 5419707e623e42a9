#include "worker/external_scan/read_ahead.h"

#include <algorithm>
#include <utility>

namespace skep::external_scan {
namespace {

// A request costs more than the bytes of a gap of this size; the engine's reader thinks so, too.
constexpr uint64_t kGapBytes = 16u << 10;
constexpr uint64_t kAheadBytes = 16u << 20;
constexpr size_t kAheadRanges = 24;

std::vector<ByteRange> Merge(std::vector<ByteRange> ranges) {
  std::ranges::sort(ranges, {}, &ByteRange::offset);
  std::vector<ByteRange> merged;
  for (const ByteRange& range : ranges) {
    if (range.length == 0) continue;
    if (!merged.empty() &&
        range.offset <= merged.back().offset + merged.back().length + kGapBytes) {
      ByteRange& before = merged.back();
      before.length = std::max(before.length, range.offset + range.length - before.offset);
    } else {
      merged.push_back(range);
    }
  }
  return merged;
}

uint64_t Sum(const std::vector<ByteRange>& ranges) {
  uint64_t bytes = 0;
  for (const ByteRange& range : ranges) bytes += range.length;
  return bytes;
}

void Append(std::vector<ByteRange>& to, const std::vector<ByteRange>& what) {
  to.insert(to.end(), what.begin(), what.end());
}

}  // namespace

ReadAhead::ReadAhead(std::vector<PlannedGroup> groups, std::shared_ptr<Demand> demand)
    : demand_(std::move(demand)) {
  for (size_t i = 0; i < groups.size(); i++) {
    Group group{Merge(std::move(groups[i].certain)), Merge(std::move(groups[i].on_demand))};
    for (const bool on_demand : {false, true}) {
      for (const ByteRange& range : on_demand ? group.on_demand : group.certain)
        chunks_.push_back({range, static_cast<uint32_t>(i), on_demand});
    }
    groups_.push_back(std::move(group));
  }
  std::ranges::sort(chunks_, {}, [](const Chunk& c) { return c.range.offset; });
}

std::vector<ByteRange> ReadAhead::Advance(size_t first) {
  std::vector<ByteRange> wanted;
  uint64_t bytes = 0;
  size_t ranges = 0;
  for (size_t i = first; i < groups_.size(); i++) {
    Group& group = groups_[i];
    const bool both = group.asked_on_demand || demand_->Likely();
    bytes += Sum(group.certain) + (both ? Sum(group.on_demand) : 0);
    ranges += group.certain.size() + (both ? group.on_demand.size() : 0);
    if (i > first && (bytes > kAheadBytes || ranges > kAheadRanges)) break;
    if (!std::exchange(group.asked, true)) Append(wanted, group.certain);
    if (both && !std::exchange(group.asked_on_demand, true)) Append(wanted, group.on_demand);
  }
  return wanted;
}

std::vector<ByteRange> ReadAhead::Reading(uint64_t offset) {
  auto after =
      std::ranges::upper_bound(chunks_, offset, {}, [](const Chunk& c) { return c.range.offset; });
  if (after == chunks_.begin()) return {};
  const Chunk& chunk = *std::prev(after);
  if (offset >= chunk.range.offset + chunk.range.length) return {};
  Group& group = groups_[chunk.group];
  if (chunk.group >= next_) {
    demand_->started += chunk.group + 1 - next_;
    next_ = chunk.group + 1;
  }
  std::vector<ByteRange> wanted;
  if (chunk.on_demand && !std::exchange(group.demanded, true)) {
    demand_->demanded++;
    if (!std::exchange(group.asked_on_demand, true)) wanted = group.on_demand;
  }
  Append(wanted, Advance(chunk.group));
  return wanted;
}

}  // namespace skep::external_scan
