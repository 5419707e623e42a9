// What a worker may make the gateway write, and what it may not: a hostile worker's end of the lake
// socket.
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <thread>

#include "ipc/channel.h"
#include "lake/lake_service.h"
#include "lake/upload_store.h"

namespace skep::lake {
namespace {

using ipc::LakeRequest;
using ipc::LakeType;

constexpr char kWriter[] = "arn:aws:iam::111111111111:role/writer";
constexpr char kReader[] = "arn:aws:iam::111111111111:role/reader";
constexpr char kForeign[] = "arn:aws:iam::222222222222:role/writer";

class NoTables final : public TableSource {
 public:
  Result<CatalogTable> GetTable(const Credentials&, std::string_view database,
                                std::string_view table) override {
    if (database != "db" || table != "t") return Fail(ErrorKind::kUndefinedTable, "no such table");
    CatalogTable found;
    found.location = "s3://ours/table";
    return found;
  }
  Result<std::vector<std::string>> ListTables(const Credentials&, std::string_view) override {
    return std::vector<std::string>();
  }
};

class Worker {
 public:
  Worker(LakeService& service, const std::string& workspace) {
    auto pair = ipc::PacketSocketPair();
    socket_ = std::move(pair->first);
    service.Serve(std::move(pair->second), workspace);
  }
  void Send(const LakeRequest& request) {
    ASSERT_TRUE(ipc::SendPacket(socket_.get(), ipc::EncodePacket(request)));
  }
  // The answer; one with an error of kCount when there is none.
  ipc::LakeReply Ask(LakeRequest request, UniqueFd* descriptor = nullptr) {
    request.id = ++last_;
    ipc::LakeReply reply;
    reply.error = Error{ErrorKind::kCount, "no answer", {}, {}, 0};
    Send(request);
    pollfd fd{socket_.get(), POLLIN, 0};
    ipc::Packet packet;
    if (::poll(&fd, 1, 20'000) != 1 ||
        ipc::ReceivePacket(socket_.get(), packet) != ipc::ReceiveStatus::kPacket)
      return reply;
    reply = {};
    EXPECT_TRUE(ipc::DecodeExact(packet.bytes, reply));
    EXPECT_EQ(reply.id, request.id);
    if (descriptor && !packet.fds.empty()) *descriptor = std::move(packet.fds[0]);
    return reply;
  }
  ipc::LakeReply Open(const std::string& place, const std::string& role = kWriter,
                      const std::string& options = "{}") {
    LakeRequest request;
    request.type = LakeType::kOpenWrite;
    request.schema.role_chain = {role};
    request.table = place;
    request.change = options;
    return Ask(request);
  }
  // A buffer with these bytes; its number.
  uint32_t Fill(const std::string& bytes) {
    LakeRequest request;
    request.type = LakeType::kWriteBuffer;
    UniqueFd descriptor;
    const auto reply = Ask(request, &descriptor);
    EXPECT_FALSE(reply.error);
    EXPECT_EQ(::pwrite(descriptor.get(), bytes.data(), bytes.size(), 0),
              static_cast<ssize_t>(bytes.size()));
    buffer = std::move(descriptor);
    return static_cast<uint32_t>(reply.scan);
  }
  static LakeRequest Part(uint64_t write, uint32_t file, const std::string& name, uint32_t number,
                          uint32_t bytes) {
    LakeRequest request;
    request.type = LakeType::kWritePart;
    request.scan = write;
    request.file = file;
    request.table = name;
    request.offset = number;
    request.length = bytes;
    return request;
  }
  ipc::LakeReply Commit(uint64_t write) {
    LakeRequest request;
    request.type = LakeType::kCommitWrite;
    request.scan = write;
    return Ask(request);
  }
  void Leave() { socket_.Reset(); }

  UniqueFd buffer;

 private:
  UniqueFd socket_;
  uint64_t last_ = 0;
};

#define EXPECT_REFUSED(reply, wanted)                                 \
  do {                                                                \
    const auto refused = (reply);                                     \
    ASSERT_TRUE(refused.error.has_value());                           \
    EXPECT_EQ(refused.error->kind, wanted) << refused.error->message; \
  } while (false)

class LakeServiceWriteTest : public testing::Test {
 protected:
  LakeServiceWriteTest()
      : keys_({{"111111111111", "AK", Secret("s"), "http://one", "us-east-1", true},
               {"222222222222", "AK2", Secret("s"), "http://two", "us-east-1", true}}),
        roles_({{kWriter, {"workspace:w"}, {"ours"}, false, true},
                {kReader, {"workspace:w"}, {"ours"}},
                {kForeign, {"workspace:other"}, {"theirs"}, false, true}},
               keys_) {
    options_.buffers_per_connection = 2;
  }
  void SetUp() override {
    char name[] = "/tmp/skep-lake-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
    cache_ = std::move(*BlockCache::Open(directory_, 1u << 20));
    service_ = std::make_unique<LakeService>(tables_, roles_, *cache_, store_, options_);
  }
  void TearDown() override {
    service_.reset();
    std::filesystem::remove_all(directory_);
  }
  size_t Uploads() {
    const std::lock_guard lock(store_.mutex);
    return store_.uploads.size();
  }

  std::string directory_;
  UploadStore store_;
  NoTables tables_;
  identity::ConfiguredKeys keys_;
  identity::RoleChainResolver roles_;
  LakeServiceOptions options_;
  std::unique_ptr<BlockCache> cache_;
  std::unique_ptr<LakeService> service_;
};

TEST_F(LakeServiceWriteTest, WritesWhatIsInABuffer) {
  Worker w(*service_, "w");
  const auto open = w.Open("s3://ours/out/");
  ASSERT_FALSE(open.error);
  const uint32_t buffer = w.Fill("some bytes");
  EXPECT_FALSE(w.Ask(Worker::Part(open.scan, 0, "a", buffer, 10)).error);
  EXPECT_TRUE(store_.objects.empty());
  EXPECT_FALSE(w.Commit(open.scan).error);
  EXPECT_EQ(store_.objects.at("ours/out/a"), "some bytes");
  EXPECT_REFUSED(w.Commit(open.scan), ErrorKind::kUndefinedObject);
}

TEST_F(LakeServiceWriteTest, WritesIntoATablesLocationWithoutBeingToldIt) {
  Worker w(*service_, "w");
  LakeRequest request;
  request.type = LakeType::kOpenWrite;
  request.schema = {"db", "", "", {kWriter}};
  request.table = "t";
  request.change = R"({"existing": "keep"})";
  const auto open = w.Ask(request);
  ASSERT_FALSE(open.error) << open.error->message;
  EXPECT_FALSE(w.Ask(Worker::Part(open.scan, 0, "a", w.Fill("x"), 1)).error);
  EXPECT_FALSE(w.Commit(open.scan).error);
  EXPECT_EQ(store_.objects.at("ours/table/a"), "x");
  request.table = "other";
  EXPECT_REFUSED(w.Ask(request), ErrorKind::kUndefinedTable);
  request.table = "t";
  request.schema.catalog_id = "222222222222";
  EXPECT_REFUSED(w.Ask(request), ErrorKind::kInsufficientPrivilege);
}

TEST_F(LakeServiceWriteTest, LetsNoWorkspaceWriteWithAnothersRoleOrBucket) {
  Worker w(*service_, "w"), other(*service_, "other"), scratch(*service_, "");
  EXPECT_REFUSED(w.Open("s3://theirs/x", kForeign), ErrorKind::kInsufficientPrivilege);
  EXPECT_REFUSED(w.Open("s3://theirs/x"), ErrorKind::kExternalDenied);
  EXPECT_REFUSED(w.Open("s3://ours/x", kReader), ErrorKind::kExternalDenied);
  EXPECT_REFUSED(w.Open("s3://ours/x", "arn:aws:iam::111111111111:role/ghost"),
                 ErrorKind::kInvalidRole);
  EXPECT_REFUSED(scratch.Open("s3://ours/x"), ErrorKind::kInsufficientPrivilege);
  EXPECT_REFUSED(w.Open("/etc/cron.d/x"), ErrorKind::kInvalidArgument);
  EXPECT_REFUSED(w.Open("s3://ours/x", kWriter, "{\"existing\": 7}"), ErrorKind::kInvalidArgument);
  // Another worker's write is no write of one's own.
  const auto open = w.Open("s3://ours/x");
  ASSERT_FALSE(open.error);
  EXPECT_REFUSED(other.Ask(Worker::Part(open.scan, 0, "a", 0, 1)), ErrorKind::kUndefinedObject);
  EXPECT_REFUSED(other.Commit(open.scan), ErrorKind::kUndefinedObject);
  EXPECT_TRUE(store_.objects.empty());
  EXPECT_EQ(Uploads(), 0u);
}

TEST_F(LakeServiceWriteTest, LetsNoPartLeaveThePrefix) {
  Worker w(*service_, "w");
  const auto open = w.Open("s3://ours/out/");
  const uint32_t buffer = w.Fill("x");
  for (const char* name : {"../x", "a/../../x", "./x", "a/./b"})
    EXPECT_REFUSED(w.Ask(Worker::Part(open.scan, 0, name, buffer, 1)), ErrorKind::kExternalDenied);
  EXPECT_REFUSED(w.Ask(Worker::Part(open.scan, 0, "", buffer, 1)), ErrorKind::kInvalidArgument);
  EXPECT_REFUSED(w.Ask(Worker::Part(open.scan, UINT32_MAX, "a", buffer, 1)),
                 ErrorKind::kInvalidArgument);
  EXPECT_EQ(Uploads(), 0u);
}

TEST_F(LakeServiceWriteTest, TakesAnEnvelopeAndNoOtherMetadata) {
  Worker w(*service_, "w");
  const auto open = w.Open("s3://ours/out/");
  const uint32_t buffer = w.Fill("x");
  auto part = Worker::Part(open.scan, 0, "a", buffer, 1);
  for (const char* bad : {R"({"x-amz-website-redirect-location": "http://elsewhere"})", "[]", "x",
                          R"({"x-amz-key": "k\nx-amz-acl: public-read"})"}) {
    part.change = bad;
    EXPECT_REFUSED(w.Ask(part), ErrorKind::kInvalidArgument);
  }
  EXPECT_EQ(Uploads(), 0u);
  part.change = R"({"x-amz-key": "k", "x-amz-iv": "i"})";
  EXPECT_FALSE(w.Ask(part).error);
  const std::lock_guard lock(store_.mutex);
  EXPECT_EQ(store_.encryptions.begin()->second.metadata.at("x-amz-key"), "k");
}

TEST_F(LakeServiceWriteTest, ReadsNothingButItsOwnBuffers) {
  Worker w(*service_, "w");
  LakeRequest request;
  request.type = LakeType::kWriteBuffer;
  EXPECT_REFUSED(w.Ask(request), ErrorKind::kThrottled);  // nothing is being written
  const auto open = w.Open("s3://ours/out/");
  EXPECT_REFUSED(w.Ask(Worker::Part(open.scan, 0, "a", 0, 1)), ErrorKind::kInvalidArgument);
  const uint32_t buffer = w.Fill("x");
  EXPECT_REFUSED(w.Ask(Worker::Part(open.scan, 0, "a", buffer + 1, 1)),
                 ErrorKind::kInvalidArgument);
  EXPECT_REFUSED(w.Ask(Worker::Part(open.scan, 0, "a", buffer, 0)), ErrorKind::kInvalidArgument);
  EXPECT_REFUSED(w.Ask(Worker::Part(open.scan, 0, "a", buffer, ipc::kWriteBufferBytes + 1)),
                 ErrorKind::kInvalidArgument);
  // Its length cannot be changed, so that reading it cannot fault.
  EXPECT_NE(::ftruncate(w.buffer.get(), 0), 0);
  EXPECT_EQ(errno, EPERM);
  EXPECT_NE(::fcntl(w.buffer.get(), F_ADD_SEALS, F_SEAL_WRITE), 0);
  w.Fill("y");
  EXPECT_REFUSED(w.Ask(request), ErrorKind::kThrottled);  // it has all it gets
}

TEST_F(LakeServiceWriteTest, TakesNoDescriptors) {
  Worker w(*service_, "w");
  auto pair = ipc::PacketSocketPair();
  service_->Serve(std::move(pair->second), "w");
  const UniqueFd file(::open("/dev/zero", O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(ipc::SendPacket(pair->first.get(), ipc::EncodePacket(Worker::Part(1, 0, "a", 0, 1)),
                              {file.get()}));
  pollfd fd{pair->first.get(), POLLIN, 0};
  ASSERT_EQ(::poll(&fd, 1, 20'000), 1);
  EXPECT_NE(fd.revents & (POLLHUP | POLLERR), 0);
}

TEST_F(LakeServiceWriteTest, DropsWhatAWorkerAbortsOrLeavesBehind) {
  for (const bool leaves : {false, true}) {
    Worker w(*service_, "w");
    const auto open = w.Open("s3://ours/out/");
    EXPECT_FALSE(w.Ask(Worker::Part(open.scan, 0, "a", w.Fill("x"), 1)).error);
    ASSERT_EQ(Uploads(), 1u);
    if (leaves) {
      w.Leave();
    } else {
      LakeRequest abort;
      abort.type = LakeType::kAbortWrite;
      abort.scan = open.scan;
      w.Send(abort);
      w.Send(abort);  // again: nothing
    }
    for (int i = 0; i < 20'000 && Uploads() > 0; i++)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_EQ(Uploads(), 0u);
    EXPECT_TRUE(store_.objects.empty());
  }
}

}  // namespace
}  // namespace skep::lake
