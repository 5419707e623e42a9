// What the scans of external tables and the loads of objects cost: bytes, requests, files and
// partitions by statement, summed by workspace and organization. The system views SVL_S3QUERY,
// SYS_EXTERNAL_QUERY_DETAIL and their kin read it. Kept in memory: the last kKept records of a
// workspace, until the gateway ends.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace skep::lake {

// What is known when a scan begins.
struct ScanFacts {
  std::string workspace, account, role;  // account: the organization's, whose bucket it is
  std::string user, statement;           // statement: UUID
  uint32_t process_id = 0;
  std::string table;  // "schema.table", or what COPY's FROM names
  std::string format, location;
  uint64_t partitions = 0;  // of the table; 0 = not partitioned
  bool nested = false;      // has a column of a nested type
  bool load = false;        // COPY
};

class ScanLog {
 public:
  static constexpr size_t kKept = 10'000;

  // One scan while it runs. Counters are added to by any thread.
  struct Scan {
    ScanFacts facts;
    uint64_t query = 0;  // the same for all scans of a statement
    uint64_t segment = 0;
    int64_t began_us = 0;  // since the epoch
    std::atomic<int64_t> ended_us{0};
    std::atomic<uint64_t> bytes{0}, requests{0}, files_listed{0}, bytes_listed{0}, files_read{0},
        partitions_listed{0}, lists{0}, list_us{0}, partition_us{0}, longest_us{0}, request_us{0},
        rows{0};  // of remote databases
    std::mutex mutex;
    std::string error;                 // the first
    std::string query_text;            // the last that a remote database was sent
    std::vector<std::string> handled;  // values that did not fit, each a JSON object
  };
  static constexpr size_t kHandled = 10;  // of a scan

  std::shared_ptr<Scan> Begin(ScanFacts facts);
  // Ends a scan; only the first call counts.
  void End(Scan& scan);
  // A statement that got no scan: its table was refused or could not be opened.
  void Refused(ScanFacts facts, const Error& error);

  // What a worker tells of values that a scan did not take as they were: a JSON object with
  // "errors", of which the first kHandled are kept. Anything else is passed over.
  static void Note(Scan& scan, std::string_view note);

  // Records of a workspace, the oldest first, each a JSON object.
  std::vector<std::string> Records(std::string_view workspace) const;

  struct Total {
    std::string workspace, account;
    uint64_t scans = 0, bytes = 0, requests = 0, files = 0;
  };
  // Of what has ended, since the gateway began.
  std::vector<Total> Totals() const;

 private:
  std::shared_ptr<Scan> Add(ScanFacts facts);

  mutable std::mutex mutex_;
  struct OfWorkspace {
    std::deque<std::shared_ptr<Scan>> scans;
    std::map<std::string, std::pair<uint64_t, uint64_t>, std::less<>>
        queries;  // statement -> its number, its last segment
  };
  std::map<std::string, OfWorkspace, std::less<>> workspaces_;
  std::map<std::pair<std::string, std::string>, Total> totals_;
  uint64_t next_query_ = 1;
};

}  // namespace skep::lake
