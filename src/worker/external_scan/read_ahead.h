// Which parts of a file a scan will read soon. A file's footer says where the chunks of the columns
// lie that a scan wants; of each group of rows some are read for certain, others only when rows are
// left by the filters. Knows nothing of the engine, fetches nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace skep::external_scan {

struct ByteRange {
  uint64_t offset = 0, length = 0;
  bool operator==(const ByteRange&) const = default;
};

// The chunks of one group of rows that a scan reads.
struct PlannedGroup {
  std::vector<ByteRange> certain;    // of columns with a filter; of all when nothing is filtered
  std::vector<ByteRange> on_demand;  // of the others: read when a row passed the filters
};

// How often rows of a group passed the filters, over all files of a scan.
struct Demand {
  size_t started = 0, demanded = 0;  // groups
  // Whether rows of another group are likely to pass. Two groups may still be being read.
  bool Likely() const { return demanded > 0 && demanded * 2 + 2 >= started; }
};

// Not thread-safe.
class ReadAhead {
 public:
  // Groups in the order in which they are read.
  ReadAhead(std::vector<PlannedGroup> groups, std::shared_ptr<Demand> demand);

  // What to fetch before anything is read.
  std::vector<ByteRange> Begin() { return Advance(0); }
  // What to fetch now that the byte at `offset` is being read; each range is answered once.
  std::vector<ByteRange> Reading(uint64_t offset);

 private:
  struct Group {
    std::vector<ByteRange> certain, on_demand;
    bool asked = false, demanded = false, asked_on_demand = false;
  };
  struct Chunk {
    ByteRange range;
    uint32_t group;
    bool on_demand;
  };
  std::vector<ByteRange> Advance(size_t group);
  std::vector<Group> groups_;
  std::vector<Chunk> chunks_;  // by offset
  std::shared_ptr<Demand> demand_;
  size_t next_ = 0;  // group after the last one begun
};

}  // namespace skep::external_scan
