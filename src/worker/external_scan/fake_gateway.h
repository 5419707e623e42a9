// The gateway's end of a lake socket for tests: serves a directory as the bucket "lake" and tables
// described by the test, fills exactly the byte ranges it was asked for, counts what was asked, and
// fails on demand. Not part of the product.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "ipc/messages.h"

namespace skep::external_scan {

enum class Fault {
  kDenied,   // 403
  kMissing,  // 404
  kChanged,  // 412
  kSlow,     // no answer until Release
  kShort,    // a descriptor of a file that is too short
};

// With Fault::kSlow, holds back the opening of tables.
inline constexpr const char* kOpenFault = "<open>";

struct FakeTable {
  ipc::TableDescription description;
  std::vector<std::string>
      folders;  // below the root, one per partition; one for a table without keys
};

class FakeGateway {
 public:
  explicit FakeGateway(std::string root);
  ~FakeGateway();

  UniqueFd TakeWorkerEnd() { return std::move(worker_end_); }
  void SetTable(FakeTable table);
  // A scan with one file, as the gateway grants for inference: number 0.
  uint64_t Grant(const std::string& path);
  // Blocks of objects whose path contains `part` fail from now on.
  void SetFault(const std::string& part, Fault fault);
  // Fails listing, or opening, with this error.
  void FailList(std::optional<Error> error);
  void FailOpen(std::optional<Error> error);
  void ClearFaults();   // answers what kSlow held back
  void ForgetBlocks();  // evicts all blocks
  void Close();         // as when the gateway dies

  struct Counts {
    std::vector<uint32_t> listed;           // partitions, in order
    std::map<std::string, uint64_t> bytes;  // asked for, by path
    uint64_t opened = 0, closed = 0, lists = 0, blocks = 0;
    size_t open_scans = 0;
    std::string last_user;
  };
  Counts TakeCounts();
  // Blocks until a request is held back.
  void WaitForHeld();

 private:
  struct Scan {
    FakeTable table;
    std::vector<ipc::TableFile> files;
    std::map<uint32_t, std::vector<ipc::TableFile>> listed;  // asking twice answers the same
  };
  void Run();
  void Handle(const ipc::LakeRequest& request);
  void Open(const ipc::LakeRequest& request);
  void List(const ipc::LakeRequest& request);
  void Block(const ipc::LakeRequest& request);
  void Send(const ipc::LakeReply& reply, int fd = -1);
  std::string LocalPath(const std::string& path) const;
  std::string EtagOf(const std::string& local) const;

  std::string root_;
  UniqueFd own_end_, worker_end_;
  std::mutex mutex_;
  std::condition_variable held_changed_;
  std::map<std::string, FakeTable> tables_;
  std::map<uint64_t, Scan> scans_;
  std::map<std::string, Fault> faults_;
  std::optional<Error> list_error_, open_error_;
  std::map<std::string, UniqueFd> blocks_;
  std::vector<ipc::LakeRequest> held_;
  uint64_t next_scan_ = 1;
  Counts counts_;
  std::thread thread_;
};

}  // namespace skep::external_scan
