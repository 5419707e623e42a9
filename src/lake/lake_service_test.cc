#include "lake/lake_service.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <mutex>
#include <thread>

#include "ipc/channel.h"

namespace skep::lake {
namespace {

using ipc::LakeReply;
using ipc::LakeRequest;
using ipc::LakeType;

constexpr char kRole[] = "arn:aws:iam::111111111111:role/lake";
constexpr char kOther[] = "arn:aws:iam::222222222222:role/other";
constexpr char kNarrow[] = "arn:aws:iam::111111111111:role/narrow";

// Objects in memory; counts what it is asked for.
class MemoryStore final : public ObjectStore {
 public:
  struct Object {
    std::string bytes, etag;
  };
  std::map<std::string, Object> objects;  // bucket/key
  std::atomic<int> lists = 0, reads = 0;
  std::atomic<bool> hold = false;
  std::atomic<bool> endless = false;  // listings
  std::string held;                   // the bucket whose reads hold; empty: all
  std::mutex mutex;

  void Add(const std::string& path, std::string bytes, const std::string& etag = "e1") {
    objects[path] = {std::move(bytes), etag};
  }
  Result<ListPage> List(const Credentials&, const std::string& bucket, const std::string& prefix,
                        const std::string&, const std::string& next) override {
    const int number = ++lists;
    const std::lock_guard lock(mutex);
    ListPage page;
    if (endless) {
      page.objects.push_back({prefix + std::to_string(number), "e", 1, 7});
      page.next = std::to_string(number);
      return page;
    }
    for (auto it = objects.upper_bound(next.empty() ? bucket + "/" : next); it != objects.end();
         ++it) {
      if (!it->first.starts_with(bucket + "/" + prefix)) continue;
      if (page.objects.size() == 1000) {
        page.next = bucket + "/" + page.objects.back().key;
        break;
      }
      page.objects.push_back(
          {it->first.substr(bucket.size() + 1), it->second.etag, it->second.bytes.size(), 7});
    }
    return page;
  }
  Result<ObjectInfo> Head(const Credentials&, const std::string& bucket,
                          const std::string& key) override {
    const std::lock_guard lock(mutex);
    const auto it = objects.find(bucket + "/" + key);
    if (it == objects.end()) return Fail(ErrorKind::kExternalNotFound, "404");
    return ObjectInfo{
        key, it->second.etag, it->second.bytes.size(), 7, {{"x-amz-key", "of " + key}}};
  }
  Result<void> GetRange(const Credentials&, const std::string& bucket, const std::string& key,
                        const std::string& etag, uint64_t offset, std::span<char> into) override {
    reads++;
    while (hold && (held.empty() || held == bucket)) hold.wait(true);
    const std::lock_guard lock(mutex);
    const auto it = objects.find(bucket + "/" + key);
    if (it == objects.end()) return Fail(ErrorKind::kExternalNotFound, "404");
    if (it->second.etag != etag) return Fail(ErrorKind::kExternalChanged, "412");
    if (offset + into.size() > it->second.bytes.size())
      return Fail(ErrorKind::kExternalUnavailable, "short");
    it->second.bytes.copy(into.data(), into.size(), offset);
    return {};
  }
  Result<std::string> Put(const Credentials&, const std::string&, const std::string&,
                          std::string_view) override {
    return std::string();
  }
  Result<void> CreateBucket(const Credentials&, const std::string&) override { return {}; }
};

class FakeTables final : public TableSource {
 public:
  std::map<std::string, CatalogTable> tables;  // account/database/table
  Result<CatalogTable> GetTable(const Credentials& catalog, std::string_view database,
                                std::string_view table) override {
    const auto it = tables.find(fmt::format("{}/{}/{}", catalog.account, database, table));
    if (it == tables.end()) return Fail(ErrorKind::kUndefinedTable, "no such table");
    return it->second;
  }
  Result<std::vector<std::string>> ListTables(const Credentials& catalog,
                                              std::string_view database) override {
    std::vector<std::string> names;
    const std::string prefix = fmt::format("{}/{}/", catalog.account, database);
    for (const auto& [k, t] : tables) {
      if (k.starts_with(prefix)) names.push_back(k.substr(prefix.size()));
    }
    return names;
  }
  std::vector<std::string> asked;  // what came through, as account/database
  Result<std::vector<std::string>> Ask(const Credentials& catalog, std::string_view database,
                                       std::string_view question, const MayAct& may) override {
    asked.push_back(fmt::format("{}/{}", catalog.account, database));
    if (!may("glue:GetTables", database, "t")) return std::vector<std::string>{};
    return std::vector<std::string>{std::string(question), "second"};
  }
  Result<CatalogPartitions> ListPartitions(const Credentials& catalog, std::string_view database,
                                           std::string_view table,
                                           std::string_view filter) override {
    CatalogPartitions found;
    const auto it = tables.find(fmt::format("{}/{}/{}", catalog.account, database, table));
    if (it == tables.end()) return Fail(ErrorKind::kUndefinedTable, "no such table");
    for (const char* value : {"a", "b", "c"}) {
      if (!filter.empty() && filter != value) continue;
      found.partitions.push_back({{value}});
      found.locations.push_back(it->second.location + value + "/");
    }
    return found;
  }
};

CatalogTable Table(const std::string& location,
                   const std::vector<std::pair<std::string, std::string>>& partitions = {}) {
  CatalogTable t;
  t.description.name = "t";
  t.description.format = "csv";
  t.description.columns = {{"a", "bigint"}};
  t.location = location;
  if (partitions.empty()) {
    t.locations = {location};
  } else {
    t.description.partition_keys = {{"p", "string"}};
    for (const auto& [value, where] : partitions) {
      t.description.partitions.push_back({{value}});
      t.locations.push_back(where);
    }
  }
  return t;
}

// The worker's end of a lake socket: a client that sends whatever it likes.
class Worker {
 public:
  Worker(LakeService& service, const std::string& workspace) {
    auto pair = ipc::PacketSocketPair();
    socket_ = std::move(pair->first);
    connection = service.Serve(std::move(pair->second), workspace);
  }
  struct Answer {
    LakeReply reply;
    UniqueFd descriptor;
    int packets = 0;
  };
  bool SendRaw(std::string_view bytes, const std::vector<int>& fds = {}) {
    return ipc::SendPacket(socket_.get(), bytes, fds);
  }
  void Send(LakeRequest request) { ASSERT_TRUE(SendRaw(ipc::EncodePacket(request))); }
  // One whole answer; lists concatenated. Fails the test after 20 s.
  std::optional<Answer> Receive() {
    Answer answer;
    while (true) {
      pollfd fd{socket_.get(), POLLIN, 0};
      if (::poll(&fd, 1, 20'000) != 1) return std::nullopt;
      ipc::Packet packet;
      if (ipc::ReceivePacket(socket_.get(), packet) != ipc::ReceiveStatus::kPacket)
        return std::nullopt;
      LakeReply reply;
      if (!ipc::DecodeExact(packet.bytes, reply)) return std::nullopt;
      if (!packet.fds.empty()) answer.descriptor = std::move(packet.fds[0]);
      if (answer.packets++ == 0) {
        answer.reply = reply;
      } else {
        auto& to = answer.reply;
        to.table.partitions.insert(to.table.partitions.end(), reply.table.partitions.begin(),
                                   reply.table.partitions.end());
        to.files.insert(to.files.end(), reply.files.begin(), reply.files.end());
        to.names.insert(to.names.end(), reply.names.begin(), reply.names.end());
      }
      if (!reply.more) return answer;
    }
  }
  std::optional<Answer> Ask(LakeRequest request) {
    request.id = ++last_;
    Send(request);
    auto answer = Receive();
    if (answer) {
      EXPECT_EQ(answer->reply.id, request.id);
    }
    return answer;
  }
  std::optional<Answer> OpenTable(const std::string& table,
                                  std::vector<std::string> chain = {kRole},
                                  const std::string& catalog = {}) {
    LakeRequest r;
    r.type = LakeType::kOpenTable;
    r.schema = {"db", catalog, "", std::move(chain)};
    r.table = table;
    return Ask(r);
  }
  std::optional<Answer> ListFiles(uint64_t scan, std::vector<uint32_t> partitions) {
    LakeRequest r;
    r.type = LakeType::kListFiles;
    r.scan = scan;
    r.partitions = std::move(partitions);
    return Ask(r);
  }
  static LakeRequest BlockRequest(uint64_t scan, uint32_t file, uint32_t block, uint32_t offset,
                                  uint32_t length) {
    LakeRequest r;
    r.type = LakeType::kBlock;
    r.scan = scan;
    r.file = file;
    r.block = block;
    r.offset = offset;
    r.length = length;
    return r;
  }
  std::optional<Answer> Block(uint64_t scan, uint32_t file, uint32_t block, uint32_t offset,
                              uint32_t length) {
    return Ask(BlockRequest(scan, file, block, offset, length));
  }
  bool Closed() {
    pollfd fd{socket_.get(), POLLIN, 0};
    ::poll(&fd, 1, 20'000);
    return (fd.revents & (POLLHUP | POLLERR)) != 0;
  }
  UniqueFd socket_;
  uint64_t connection = 0;
  uint64_t last_ = 0;
};

#define EXPECT_REFUSED(answer, wanted)                                              \
  do {                                                                              \
    const auto& refused = (answer);                                                 \
    ASSERT_TRUE(refused.has_value());                                               \
    ASSERT_TRUE(refused->reply.error.has_value());                                  \
    EXPECT_EQ(refused->reply.error->kind, wanted) << refused->reply.error->message; \
    EXPECT_FALSE(refused->descriptor);                                              \
    EXPECT_TRUE(refused->reply.files.empty());                                      \
  } while (false)

class LakeServiceTest : public testing::Test {
 protected:
  LakeServiceTest()
      : keys_({{"111111111111", "AK", Secret("s"), "http://one", "us-east-1", true},
               {"222222222222", "AK2", Secret("s"), "http://two", "us-east-1", true}}),
        roles_({{kRole, {"workspace:w"}, {}},
                {kOther, {"workspace:other"}, {}},
                {kNarrow, {"workspace:w"}, {"lake/t/"}}},
               keys_) {}
  void SetUp() override {
    char name[] = "/tmp/skep-lake-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
    cache_ = std::move(*BlockCache::Open(directory_, 64u << 20));
    service_ = std::make_unique<LakeService>(tables_, roles_, *cache_, store_, options_);
    store_.Add("lake/t/a.csv", "1\n2\n");
    store_.Add("lake/t/_SUCCESS", "x");
    store_.Add("lake/t/.hidden", "x");
    store_.Add("lake/t/empty.csv", "");
    store_.Add("lake/t2/secret.csv", "secret");
    tables_.tables["111111111111/db/t"] = Table("s3://lake/t");
    tables_.tables["111111111111/db/wide"] = Table("s3://lake/");
    tables_.tables["222222222222/db/t"] = Table("s3://foreign/t/");
  }
  void TearDown() override {
    store_.hold = false;
    store_.hold.notify_all();
    service_.reset();
    std::filesystem::remove_all(directory_);
  }

  std::string directory_;
  MemoryStore store_;
  FakeTables tables_;
  identity::ConfiguredKeys keys_;
  identity::RoleChainResolver roles_;
  LakeServiceOptions options_;
  std::unique_ptr<BlockCache> cache_;
  std::unique_ptr<LakeService> service_;
};

TEST_F(LakeServiceTest, OpensListsAndHandsOutBlocks) {
  Worker w(*service_, "w");
  const auto open = w.OpenTable("t");
  ASSERT_TRUE(open && !open->reply.error);
  EXPECT_EQ(open->reply.table.columns.size(), 1u);
  const auto files = w.ListFiles(open->reply.scan, {0});
  ASSERT_TRUE(files && !files->reply.error);
  ASSERT_EQ(files->reply.files.size(), 1u);  // not the neighbour t2, nothing hidden, nothing empty
  EXPECT_EQ(files->reply.files[0], (ipc::TableFile{0, 0, "s3://lake/t/a.csv", "e1", 4, 7}));
  for (int i = 0; i < 2; i++) {
    const auto block = w.Block(open->reply.scan, 0, 0, 0, 4);
    ASSERT_TRUE(block && !block->reply.error);
    EXPECT_EQ(block->reply.block_bytes, 4u);
    char bytes[5] = {};
    ASSERT_EQ(::pread(block->descriptor.get(), bytes, 4, 0), 4);
    EXPECT_STREQ(bytes, "1\n2\n");
  }
  EXPECT_EQ(store_.reads, 1);
}

TEST_F(LakeServiceTest, AnswersTheSameNumbersWhenAskedTwice) {
  store_.Add("lake/t/b.csv", "3\n");
  Worker w(*service_, "w");
  const auto open = w.OpenTable("t");
  const auto first = w.ListFiles(open->reply.scan, {0});
  store_.Add("lake/t/a0.csv", "new");  // arrives in the middle of the statement
  const auto second = w.ListFiles(open->reply.scan, {0});
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->reply.files, second->reply.files);
  EXPECT_EQ(first->reply.files.size(), 2u);
}

TEST_F(LakeServiceTest, NumbersPartitionsAsTheyAreFound) {
  CatalogTable late = Table("s3://lake/late/");
  late.locations.clear();
  late.description.partition_keys = {{"p", "string"}};
  late.description.partition_count = 3;
  tables_.tables["111111111111/db/late"] = late;
  store_.Add("lake/late/b/1.csv", "1");
  Worker w(*service_, "w");
  const auto open = w.OpenTable("late");
  ASSERT_TRUE(open && !open->reply.error);
  EXPECT_EQ(open->reply.table.partition_count, 3u);
  EXPECT_REFUSED(w.ListFiles(open->reply.scan, {0}), ErrorKind::kInvalidArgument);
  LakeRequest find;
  find.type = LakeType::kListPartitions;
  find.scan = open->reply.scan;
  find.change = "b";
  const auto first = w.Ask(find);
  ASSERT_TRUE(first && !first->reply.error);
  ASSERT_EQ(first->reply.table.partitions.size(), 1u);
  EXPECT_TRUE(w.Ask(find)->reply.table.partitions.empty());  // known already
  find.change.clear();
  const auto all = w.Ask(find);
  ASSERT_EQ(all->reply.table.partitions.size(), 2u);  // a is 1, c is 2
  EXPECT_EQ(all->reply.table.partitions[0].values[0], "a");
  const auto files = w.ListFiles(open->reply.scan, {0});
  ASSERT_EQ(files->reply.files.size(), 1u);
  EXPECT_EQ(files->reply.files[0].path, "s3://lake/late/b/1.csv");
  EXPECT_REFUSED(w.ListFiles(open->reply.scan, {3}), ErrorKind::kInvalidArgument);
  find.scan = 99;
  EXPECT_REFUSED(w.Ask(find), ErrorKind::kUndefinedObject);
}

TEST_F(LakeServiceTest, OpensFilesByPathOnlyForTablesWhoseMetadataNameThem) {
  CatalogTable ice = Table("s3://lake/t/");
  ice.locations.clear();
  ice.description.format = "iceberg";
  tables_.tables["111111111111/db/ice"] = ice;
  Worker w(*service_, "w");
  const auto plain = w.OpenTable("t");
  const auto open = w.OpenTable("ice", {kNarrow});
  ASSERT_TRUE(plain && !plain->reply.error && open && !open->reply.error);
  LakeRequest r;
  r.type = LakeType::kOpenFiles;
  r.scan = plain->reply.scan;
  r.objects = {{"s3://lake/t/a.csv", 0}};
  EXPECT_REFUSED(w.Ask(r), ErrorKind::kInsufficientPrivilege);
  r.scan = open->reply.scan;
  const auto opened = w.Ask(r);
  ASSERT_TRUE(opened && !opened->reply.error);
  ASSERT_EQ(opened->reply.files.size(), 1u);
  EXPECT_EQ(opened->reply.files[0], (ipc::TableFile{0, 0, "s3://lake/t/a.csv", "e1", 4, 7}));
  EXPECT_FALSE(w.Block(r.scan, 0, 0, 0, 4)->reply.error);
  // The role reads lake/t/ alone, whatever the metadata say, and no size makes up for it.
  for (const char* path :
       {"s3://lake/t2/secret.csv", "s3://foreign/t/x", "s3://lake/t/../t2/secret.csv"}) {
    r.objects = {{path, 6}};
    EXPECT_REFUSED(w.Ask(r), ErrorKind::kExternalDenied);
  }
  for (const char* path :
       {"/etc/passwd", "file:///etc/passwd", "s3://lake", "http://169.254.169.254/x", ""}) {
    r.objects = {{path, 6}};
    EXPECT_REFUSED(w.Ask(r), ErrorKind::kDataException);
  }
  r.objects = {{"s3://lake/t/missing", 0}};
  EXPECT_REFUSED(w.Ask(r), ErrorKind::kExternalNotFound);
  r.objects.assign(ipc::kMaxFilesPerOpen + 1, {"s3://lake/t/a.csv", 4});
  EXPECT_REFUSED(w.Ask(r), ErrorKind::kProtocolViolation);
  EXPECT_REFUSED(w.Block(r.scan, 1, 0, 0, 4), ErrorKind::kInsufficientPrivilege);
  r.scan = 99;
  EXPECT_REFUSED(w.Ask(r), ErrorKind::kUndefinedObject);
}

// Keys that an account takes back.
class Revocable final : public identity::CredentialProvider {
 public:
  explicit Revocable(identity::ConfiguredKeys& keys) : keys_(keys) {}
  Result<identity::Credentials> Provide(const identity::Role& role,
                                        std::string_view account) override {
    if (revoked) return Fail(ErrorKind::kInvalidRole, "the account is gone");
    return keys_.Provide(role, account);
  }
  std::atomic<bool> revoked = false;

 private:
  identity::ConfiguredKeys& keys_;
};

TEST_F(LakeServiceTest, AsksNothingOfAScanWhoseSessionCannotBeRenewed) {
  std::atomic<int64_t> now = 1'000'000;
  Revocable keys(keys_);
  const identity::RoleChainResolver roles({{kRole, {"workspace:w"}, {}}}, keys,
                                          [&now] { return now.load(); });
  LakeService service(tables_, roles, *cache_, store_, options_);
  CatalogTable ice = Table("s3://lake/t/");
  ice.description.format = "iceberg";
  tables_.tables["111111111111/db/ice"] = ice;
  Worker w(service, "w");
  const auto open = w.OpenTable("ice");
  ASSERT_TRUE(open && !open->reply.error);
  LakeRequest r;
  r.scan = open->reply.scan;
  r.objects = {{"s3://lake/t/a.csv", 4}};
  r.type = LakeType::kOpenFiles;
  now += 24 * 3600;
  const auto renewed = w.Ask(r);
  ASSERT_TRUE(renewed && !renewed->reply.error);
  now += 24 * 3600;
  keys.revoked = true;
  for (const LakeType type : {LakeType::kOpenFiles, LakeType::kListPartitions}) {
    r.type = type;
    EXPECT_REFUSED(w.Ask(r), ErrorKind::kInvalidRole);
  }
  EXPECT_REFUSED(w.ListFiles(r.scan, {0}), ErrorKind::kInvalidRole);
  EXPECT_REFUSED(w.Block(r.scan, 0, 0, 0, 4), ErrorKind::kInvalidRole);
}

TEST_F(LakeServiceTest, DescribesATableWithoutOpeningAScan) {
  Worker w(*service_, "w");
  LakeRequest r;
  r.type = LakeType::kOpenTable;
  r.schema = {"db", "", "", {kRole}, {}};
  r.table = "t";
  r.describe = true;
  const auto described = w.Ask(r);
  ASSERT_TRUE(described && !described->reply.error);
  EXPECT_EQ(described->reply.scan, 0u);
  EXPECT_EQ(described->reply.table.columns.size(), 1u);
  EXPECT_REFUSED(w.ListFiles(0, {0}), ErrorKind::kUndefinedObject);
  EXPECT_REFUSED(w.ListFiles(1, {0}), ErrorKind::kUndefinedObject);
  r.schema.role_chain = {kOther};
  EXPECT_REFUSED(w.Ask(r), ErrorKind::kInsufficientPrivilege);
}

TEST_F(LakeServiceTest, ReadsTheCatalogWithItsOwnRoles) {
  Worker w(*service_, "w");
  LakeRequest r;
  r.type = LakeType::kOpenTable;
  r.schema = {"db", "", "", {kNarrow}, {kRole}};
  r.table = "wide";
  const auto open = w.Ask(r);
  ASSERT_TRUE(open && !open->reply.error);
  // The data are read with the narrower role.
  EXPECT_REFUSED(w.ListFiles(open->reply.scan, {0}), ErrorKind::kInsufficientPrivilege);
  r.schema.catalog_roles = {kOther};
  EXPECT_REFUSED(w.Ask(r), ErrorKind::kInsufficientPrivilege);
  r.schema = {"db", "", "", {kOther}, {kRole}};
  EXPECT_REFUSED(w.Ask(r), ErrorKind::kInsufficientPrivilege);
}

TEST_F(LakeServiceTest, AnswersQuestionsWithinTheRolesCatalogOnly) {
  LakeRequest r;
  r.type = LakeType::kAsk;
  r.schema = {"db", "", "", {kRole}, {}};
  r.change = "question";
  Worker w(*service_, "w"), scratch(*service_, "");
  const auto answer = w.Ask(r);
  ASSERT_TRUE(answer && !answer->reply.error);
  EXPECT_EQ(answer->reply.names, (std::vector<std::string>{"question", "second"}));
  EXPECT_EQ(tables_.asked, (std::vector<std::string>{"111111111111/db"}));
  EXPECT_REFUSED(scratch.Ask(r), ErrorKind::kInsufficientPrivilege);
  r.schema.catalog_id = "222222222222";
  EXPECT_REFUSED(w.Ask(r), ErrorKind::kInsufficientPrivilege);
  r.schema = {"db", "", "", {kOther}, {}};
  EXPECT_REFUSED(w.Ask(r), ErrorKind::kInsufficientPrivilege);
  r.schema.role_chain = {"default"};
  EXPECT_REFUSED(w.Ask(r), ErrorKind::kInvalidRole);
  EXPECT_EQ(tables_.asked.size(), 1u);
}

TEST_F(LakeServiceTest, TellsAWorkspaceOfItsOwnScansOnly) {
  Worker w(*service_, "w"), other(*service_, "other");
  LakeRequest r;
  r.type = LakeType::kOpenTable;
  r.schema = {"db", "", "", {kRole}, {}};
  r.schema_name = "ext";
  r.table = "t";
  r.statement = "statement-1";
  const auto open = w.Ask(r);
  ASSERT_TRUE(open && !open->reply.error);
  w.ListFiles(open->reply.scan, {0});
  w.Block(open->reply.scan, 0, 0, 0, 4);
  LakeRequest ask;
  ask.type = LakeType::kAsk;
  ask.change = R"({"what":"scans"})";
  const auto records = w.Ask(ask);
  ASSERT_TRUE(records && !records->reply.error);
  ASSERT_EQ(records->reply.names.size(), 1u);
  for (const char* part : {R"("table":"ext.t")", R"("bytes":4)", R"("files":1)", R"("requests":1)"})
    EXPECT_NE(records->reply.names[0].find(part), std::string::npos) << records->reply.names[0];
  EXPECT_TRUE(other.Ask(ask)->reply.names.empty());
}

TEST_F(LakeServiceTest, TakesNoKeysWhenNobodyVerifiesThem) {
  Worker w(*service_, "w");
  LakeRequest r;
  r.type = LakeType::kOpenObjects;
  r.table = "s3://lake/t/";
  r.keys = {"AK", "s", ""};  // those of the account itself
  EXPECT_REFUSED(w.Ask(r), ErrorKind::kFeatureNotSupported);
}

TEST_F(LakeServiceTest, OpensThoseOfListedObjectsThatAreThere) {
  Worker w(*service_, "w");
  LakeRequest r;
  r.type = LakeType::kOpenObjects;
  r.schema.role_chain = {kNarrow};
  r.named = ipc::ObjectsNamed::kListed;
  r.table = "s3://lake/t/";
  r.objects = {{"s3://lake/t/gone.csv", 0}, {"s3://lake/t/a.csv", 0}};
  const auto opened = w.Ask(r);
  ASSERT_TRUE(opened && !opened->reply.error);
  const auto files = w.ListFiles(opened->reply.scan, {0});
  ASSERT_EQ(files->reply.files.size(), 1u);
  EXPECT_EQ(files->reply.files[0].path, "s3://lake/t/a.csv");
  EXPECT_EQ(store_.lists, 0);
  for (const char* path : {"s3://lake/t2/secret.csv", "s3://foreign/t/a.csv", "/etc/passwd", ""}) {
    r.objects = {{"s3://lake/t/a.csv", 0}, {path, 0}};
    EXPECT_REFUSED(w.Ask(r), ErrorKind::kInsufficientPrivilege);
  }
  r.table = "s3://lake/t";  // below it, but not the role's to read
  r.objects = {{"s3://lake/t2/secret.csv", 0}};
  EXPECT_REFUSED(w.Ask(r), ErrorKind::kExternalDenied);
  r.objects.assign(ipc::kMaxFilesPerOpen + 1, {"s3://lake/t/a.csv", 0});
  EXPECT_REFUSED(w.Ask(r), ErrorKind::kPayloadTooLarge);
}

TEST_F(LakeServiceTest, EndsAListingThatNobodyWaitsFor) {
  Worker w(*service_, "w");
  store_.endless = true;
  LakeRequest r;
  r.type = LakeType::kOpenObjects;
  r.schema.role_chain = {kRole};
  r.table = "s3://lake/t/";
  r.id = 50;
  w.Send(r);
  while (store_.lists < 3) std::this_thread::yield();
  LakeRequest abandon;
  abandon.type = LakeType::kAbandon;
  abandon.scan = 49;  // nobody's
  w.Send(abandon);
  abandon.scan = 50;
  w.Send(abandon);
  const auto answer = w.Receive();
  ASSERT_TRUE(answer && answer->reply.error);
  EXPECT_EQ(answer->reply.id, 50u);
  EXPECT_EQ(answer->reply.error->kind, ErrorKind::kQueryCanceled);
  store_.endless = false;
  EXPECT_FALSE(w.OpenTable("t")->reply.error);
}

TEST_F(LakeServiceTest, RefusesWhatWasNotGranted) {
  Worker w(*service_, "w");
  const auto open = w.OpenTable("t");
  ASSERT_TRUE(open && !open->reply.error);
  const uint64_t scan = open->reply.scan;
  EXPECT_REFUSED(w.Block(scan, 0, 0, 0, 1), ErrorKind::kInsufficientPrivilege);  // not listed yet
  ASSERT_TRUE(w.ListFiles(scan, {0}));
  EXPECT_REFUSED(w.Block(scan, 1, 0, 0, 1), ErrorKind::kInsufficientPrivilege);
  EXPECT_REFUSED(w.Block(scan, UINT32_MAX, 0, 0, 1), ErrorKind::kInsufficientPrivilege);
  EXPECT_REFUSED(w.Block(scan + 1, 0, 0, 0, 1), ErrorKind::kUndefinedObject);
  EXPECT_REFUSED(w.Block(scan, 0, 1, 0, 1), ErrorKind::kInvalidArgument);
  EXPECT_REFUSED(w.Block(scan, 0, 0, 0, 5), ErrorKind::kInvalidArgument);
  EXPECT_REFUSED(w.Block(scan, 0, 0, 3, UINT32_MAX), ErrorKind::kInvalidArgument);
  EXPECT_REFUSED(w.Block(scan, 0, UINT32_MAX, UINT32_MAX, UINT32_MAX), ErrorKind::kInvalidArgument);
  EXPECT_REFUSED(w.ListFiles(scan, {1}), ErrorKind::kInvalidArgument);
  EXPECT_REFUSED(w.ListFiles(99, {0}), ErrorKind::kUndefinedObject);
  EXPECT_EQ(store_.reads, 0);
  EXPECT_GE(service_->figures().refused, 10u);
}

TEST_F(LakeServiceTest, KeepsWorkersScansApart) {
  Worker one(*service_, "w"), two(*service_, "other");
  const auto open = one.OpenTable("t");
  ASSERT_TRUE(open && !open->reply.error);
  ASSERT_TRUE(one.ListFiles(open->reply.scan, {0}));
  EXPECT_REFUSED(two.Block(open->reply.scan, 0, 0, 0, 1), ErrorKind::kUndefinedObject);
  EXPECT_REFUSED(two.ListFiles(open->reply.scan, {0}), ErrorKind::kUndefinedObject);
}

TEST_F(LakeServiceTest, ChecksTheRoleChainForEveryTable) {
  Worker w(*service_, "w");
  EXPECT_REFUSED(w.OpenTable("t", {kOther}), ErrorKind::kInsufficientPrivilege);
  EXPECT_REFUSED(w.OpenTable("t", {kRole, kOther}), ErrorKind::kInsufficientPrivilege);
  EXPECT_REFUSED(w.OpenTable("t", {"arn:aws:iam::111111111111:role/ghost"}),
                 ErrorKind::kInvalidRole);
  EXPECT_REFUSED(w.OpenTable("t", {}), ErrorKind::kInvalidArgument);
  EXPECT_REFUSED(w.OpenTable("t", {kRole}, "222222222222"),
                 ErrorKind::kInsufficientPrivilege);  // another account's catalog
  EXPECT_REFUSED(w.OpenTable("nothing"), ErrorKind::kUndefinedTable);
  Worker nameless(*service_, "");
  EXPECT_REFUSED(nameless.OpenTable("t"), ErrorKind::kInsufficientPrivilege);
  roles_.SetRoles({});
  EXPECT_REFUSED(w.OpenTable("t"), ErrorKind::kInvalidRole);  // revoking stops the next statement
  LakeRequest r;
  r.type = LakeType::kListTables;
  r.schema = {"db", "", "", {kRole}};
  EXPECT_REFUSED(w.Ask(r), ErrorKind::kInvalidRole);
}

TEST_F(LakeServiceTest, StaysWithinTheRolesPrefixes) {
  Worker w(*service_, "w");
  const auto t = w.OpenTable("t", {kNarrow});
  ASSERT_TRUE(t && !t->reply.error);
  const auto files = w.ListFiles(t->reply.scan, {0});
  ASSERT_TRUE(files && !files->reply.error);
  EXPECT_EQ(files->reply.files.size(), 1u);
  // The catalog may point anywhere: its tables are written by whoever may write the catalog.
  for (const char* location :
       {"s3://lake/", "s3://lake/t2/", "s3://lake/t/../t2/", "s3://other/t/", "s3://lake"}) {
    tables_.tables["111111111111/db/evil"] = Table(location);
    const int before = store_.lists;
    const auto open = w.OpenTable("evil", {kNarrow});
    ASSERT_TRUE(open && !open->reply.error);
    EXPECT_REFUSED(w.ListFiles(open->reply.scan, {0}), ErrorKind::kInsufficientPrivilege);
    EXPECT_EQ(store_.lists, before) << location;
  }
  tables_.tables["111111111111/db/local"] = Table("file:///etc/");
  const auto open = w.OpenTable("local", {kNarrow});
  EXPECT_REFUSED(w.ListFiles(open->reply.scan, {0}), ErrorKind::kFeatureNotSupported);
}

TEST_F(LakeServiceTest, FailsWhenTheObjectChangesBetweenBlocks) {
  store_.Add("lake/t/a.csv", std::string(9u << 20, 'a'));
  Worker w(*service_, "w");
  const auto open = w.OpenTable("t");
  ASSERT_TRUE(w.ListFiles(open->reply.scan, {0}));
  const auto first = w.Block(open->reply.scan, 0, 0, 0, 1);
  ASSERT_TRUE(first && !first->reply.error);
  store_.Add("lake/t/a.csv", std::string(9u << 20, 'b'), "e2");
  EXPECT_REFUSED(w.Block(open->reply.scan, 0, 1, 0, 1), ErrorKind::kExternalChanged);
  store_.objects.erase("lake/t/a.csv");
  EXPECT_REFUSED(w.Block(open->reply.scan, 0, 1, 0, 1), ErrorKind::kExternalNotFound);
}

TEST_F(LakeServiceTest, TellsTheMetadataOfAScansObjectsOnly) {
  Worker w(*service_, "w"), other(*service_, "other"), scratch(*service_, "");
  const auto open = w.OpenTable("t");
  ASSERT_TRUE(w.ListFiles(open->reply.scan, {0}));
  LakeRequest request;
  request.type = LakeType::kAsk;
  request.change = R"({"what":"metadata"})";
  request.scan = open->reply.scan;
  const auto told = w.Ask(request);
  ASSERT_TRUE(told && !told->reply.error);
  EXPECT_EQ(told->reply.names, (std::vector<std::string>{R"({"x-amz-key":"of t/a.csv"})"}));
  EXPECT_REFUSED(other.Ask(request), ErrorKind::kUndefinedObject);
  EXPECT_REFUSED(scratch.Ask(request), ErrorKind::kInsufficientPrivilege);
  request.file = 7;
  EXPECT_REFUSED(w.Ask(request), ErrorKind::kInsufficientPrivilege);
  request.file = 0;
  store_.Add("lake/t/a.csv", "9\n", "e2");
  EXPECT_REFUSED(w.Ask(request), ErrorKind::kExternalChanged);
}

TEST_F(LakeServiceTest, ListsManyPartitionsInOneGo) {
  std::vector<std::pair<std::string, std::string>> partitions;
  for (int i = 0; i < 300; i++) {
    partitions.emplace_back(fmt::format("{:03}", i), fmt::format("s3://lake/p/p={:03}/", i));
    store_.Add(fmt::format("lake/p/p={:03}/x.csv", i), "1\n");
  }
  tables_.tables["111111111111/db/p"] = Table("s3://lake/p/", partitions);
  Worker w(*service_, "w");
  const auto open = w.OpenTable("p");
  ASSERT_TRUE(open);
  EXPECT_EQ(open->reply.table.partitions.size(), 300u);
  std::vector<uint32_t> all(300);
  for (uint32_t i = 0; i < 300; i++) all[i] = i;
  const auto files = w.ListFiles(open->reply.scan, all);
  ASSERT_TRUE(files && !files->reply.error);
  EXPECT_EQ(store_.lists, 1);
  ASSERT_EQ(files->reply.files.size(), 300u);
  for (const auto& f : files->reply.files)
    EXPECT_EQ(f.path, fmt::format("s3://lake/p/p={:03}/x.csv", f.partition));
  // A few pruned partitions are listed one by one.
  const auto again = w.OpenTable("p");
  const auto few = w.ListFiles(again->reply.scan, {7, 9});
  ASSERT_TRUE(few && !few->reply.error);
  EXPECT_EQ(store_.lists, 3);
  ASSERT_EQ(few->reply.files.size(), 2u);
  EXPECT_EQ(few->reply.files[1].partition, 9u);
}

TEST_F(LakeServiceTest, SplitsLongAnswersOverPackets) {
  std::vector<std::pair<std::string, std::string>> partitions;
  for (int i = 0; i < 20'000; i++)
    partitions.emplace_back(fmt::format("value-{:09}", i), fmt::format("s3://lake/p/{}/", i));
  tables_.tables["111111111111/db/many"] = Table("s3://lake/p/", partitions);
  for (int i = 0; i < 5000; i++)
    store_.Add(fmt::format("lake/t/part-{:05}-{}.csv", i, std::string(60, 'x')), "1\n");
  Worker w(*service_, "w");
  const auto open = w.OpenTable("many");
  ASSERT_TRUE(open && !open->reply.error);
  EXPECT_GT(open->packets, 1);
  EXPECT_EQ(open->reply.table.partitions.size(), 20'000u);
  const auto t = w.OpenTable("t");
  const auto files = w.ListFiles(t->reply.scan, {0});
  ASSERT_TRUE(files && !files->reply.error);
  EXPECT_GT(files->packets, 1);
  ASSERT_EQ(files->reply.files.size(), 5001u);
  EXPECT_EQ(files->reply.files.back().number, 5000u);
}

TEST_F(LakeServiceTest, ReadsASingleObjectAsATable) {
  tables_.tables["111111111111/db/one"] = Table("s3://lake/t2/secret.csv");
  Worker w(*service_, "w");
  const auto open = w.OpenTable("one");
  const auto files = w.ListFiles(open->reply.scan, {0});
  ASSERT_TRUE(files && !files->reply.error);
  ASSERT_EQ(files->reply.files.size(), 1u);
  EXPECT_EQ(files->reply.files[0].path, "s3://lake/t2/secret.csv");
}

TEST_F(LakeServiceTest, GrantsOneObjectToAScratchWorker) {
  Worker w(*service_, "");
  const auto credentials = roles_.Resolve(identity::Principal::Workspace("w"), {kNarrow});
  ASSERT_TRUE(credentials);
  const auto grant =
      service_->GrantObject(w.connection, *credentials, "s3://lake/t/a.csv", "e1", 4);
  ASSERT_TRUE(grant) << grant.error().message;
  const auto block = w.Block(*grant, 0, 0, 0, 4);
  ASSERT_TRUE(block && !block->reply.error);
  EXPECT_TRUE(block->descriptor);
  EXPECT_REFUSED(w.Block(*grant, 1, 0, 0, 4), ErrorKind::kInsufficientPrivilege);
  EXPECT_REFUSED(w.ListFiles(*grant, {1}), ErrorKind::kInvalidArgument);
  const auto listed = w.ListFiles(*grant, {0});
  ASSERT_TRUE(listed && !listed->reply.error);
  EXPECT_EQ(listed->reply.files.size(), 1u);
  service_->RevokeGrant(w.connection, *grant);
  EXPECT_REFUSED(w.Block(*grant, 0, 0, 0, 4), ErrorKind::kUndefinedObject);
  const auto outside =
      service_->GrantObject(w.connection, *credentials, "s3://lake/t2/secret.csv", "e1", 6);
  ASSERT_FALSE(outside);
  EXPECT_EQ(outside.error().kind, ErrorKind::kInsufficientPrivilege);
  EXPECT_FALSE(service_->GrantObject(12345, *credentials, "s3://lake/t/a.csv", "e1", 4));
}

TEST_F(LakeServiceTest, AnswersAPartitionOnceHoweverOftenItIsNamed) {
  Worker w(*service_, "w");
  const auto open = w.OpenTable("t");
  const auto files = w.ListFiles(open->reply.scan, std::vector<uint32_t>(4096, 0));
  ASSERT_TRUE(files && !files->reply.error);
  EXPECT_EQ(files->reply.files.size(), 1u);
}

TEST_F(LakeServiceTest, BoundsWhatAllScansOfAWorkerHold) {
  options_.entries_per_connection = 8;
  service_ = std::make_unique<LakeService>(tables_, roles_, *cache_, store_, options_);
  Worker w(*service_, "w"), other(*service_, "w");
  uint64_t last = 0;
  for (int i = 0; i < 4; i++) {  // a location and a file each
    const auto open = w.OpenTable("t");
    ASSERT_TRUE(open && !open->reply.error);
    last = open->reply.scan;
    ASSERT_FALSE(w.ListFiles(last, {0})->reply.error);
  }
  EXPECT_REFUSED(w.OpenTable("t"), ErrorKind::kTooManyConnections);
  LakeRequest objects;
  objects.type = LakeType::kOpenObjects;
  objects.schema.role_chain = {kRole};
  objects.table = "s3://lake/t/";
  EXPECT_REFUSED(w.Ask(objects), ErrorKind::kTooManyConnections);
  EXPECT_FALSE(other.OpenTable("t")->reply.error);
  LakeRequest close;
  close.type = LakeType::kCloseScan;
  close.scan = last;
  w.Send(close);
  EXPECT_FALSE(w.OpenTable("t")->reply.error);
}

TEST_F(LakeServiceTest, ReadsOneOrganizationWhileTheStoreOfAnotherHangs) {
  roles_.SetRoles({{kRole, {"workspace:w"}, {}}, {kOther, {"workspace:w"}, {}}});
  constexpr int kFiles = 64;
  for (int i = 0; i < kFiles; i++) store_.Add(fmt::format("foreign/t/{:02}", i), "x");
  Worker w(*service_, "w");
  const auto hanging = w.OpenTable("t", {kOther}), mine = w.OpenTable("t");
  ASSERT_TRUE(hanging && !hanging->reply.error && mine && !mine->reply.error);
  ASSERT_EQ(w.ListFiles(hanging->reply.scan, {0})->reply.files.size(), size_t{kFiles});
  ASSERT_FALSE(w.ListFiles(mine->reply.scan, {0})->reply.error);
  store_.held = "foreign";
  store_.hold = true;
  for (uint32_t i = 0; i < kFiles; i++)
    w.Send(Worker::BlockRequest(hanging->reply.scan, i, 0, 0, 1));
  const auto block = w.Block(mine->reply.scan, 0, 0, 0, 4);
  ASSERT_TRUE(block);
  EXPECT_FALSE(block->reply.error);
  EXPECT_TRUE(block->descriptor);
  store_.hold = false;
  store_.hold.notify_all();
  for (int i = 0; i < kFiles; i++) ASSERT_TRUE(w.Receive());
}

TEST_F(LakeServiceTest, SharesNoCachedBlockBetweenAccounts) {
  identity::ConfiguredKeys keys(
      {{"111111111111", "AK", Secret("s"), "http://one", "us-east-1", true},
       {"222222222222", "AK2", Secret("s"), "http://one", "us-east-1", true}});
  roles_.SetRoles({{kRole, {"workspace:w"}, {}}, {kOther, {"workspace:w"}, {}}});
  identity::RoleChainResolver roles({{kRole, {"workspace:w"}, {}}, {kOther, {"workspace:w"}, {}}},
                                    keys);
  tables_.tables["222222222222/db/t"] = Table("s3://lake/t");
  LakeService service(tables_, roles, *cache_, store_, options_);
  Worker w(service, "w");
  for (const char* role : {kRole, kOther, kRole, kOther}) {
    const auto open = w.OpenTable("t", {role});
    ASSERT_TRUE(open && !open->reply.error);
    ASSERT_FALSE(w.ListFiles(open->reply.scan, {0})->reply.error);
    ASSERT_FALSE(w.Block(open->reply.scan, 0, 0, 0, 4)->reply.error);
  }
  EXPECT_EQ(store_.reads, 2);  // each account's own
}

TEST_F(LakeServiceTest, RefusesWhateverACompromisedWorkerAsks) {
  Worker w(*service_, "w"), scratch(*service_, "");
  const auto open = w.OpenTable("t");
  const uint64_t scan = open->reply.scan;
  ASSERT_FALSE(w.ListFiles(scan, {0})->reply.error);
  constexpr uint32_t kHuge[] = {1, 4, 5, 0x7fffffff, 0x80000000, 0xffffffff};
  for (const uint32_t n : kHuge) {
    EXPECT_TRUE(w.Block(scan, n, 0, 0, 1)->reply.error) << n;      // files beyond the listing
    EXPECT_TRUE(w.Block(scan, 0, n, 0, 1)->reply.error) << n;      // blocks beyond the object
    EXPECT_TRUE(w.Block(scan, 0, 0, n, 4)->reply.error) << n;      // ranges that leave it
    EXPECT_TRUE(w.Block(scan + n, 0, 0, 0, 1)->reply.error) << n;  // scans of nobody
    EXPECT_TRUE(w.ListFiles(scan, {0, n})->reply.error) << n;
    if (n > 4) EXPECT_TRUE(w.Block(scan, 0, 0, 0, n)->reply.error) << n;
  }
  EXPECT_TRUE(w.Block(scan, 0, 0, 0, 0)->reply.error);
  EXPECT_EQ(store_.reads, 0);
  LakeRequest objects;
  objects.type = LakeType::kOpenObjects;
  for (const auto named :
       {ipc::ObjectsNamed::kPrefix, ipc::ObjectsNamed::kManifest, ipc::ObjectsNamed::kOne}) {
    objects.named = named;
    objects.schema.role_chain = {kOther};  // trusts another workspace
    objects.table = "s3://foreign/t/a";
    EXPECT_TRUE(w.Ask(objects)->reply.error);
    objects.schema.role_chain = {kNarrow};
    for (const char* path :
         {"s3://lake/t2/secret.csv", "s3://lake/t/../t2/secret.csv", "s3://", "s3:///t",
          "file:///etc/passwd", "http://169.254.169.254/latest", ""}) {
      objects.table = path;
      EXPECT_TRUE(w.Ask(objects)->reply.error) << path;
    }
    objects.table = "s3://lake/t/a.csv";
    EXPECT_TRUE(scratch.Ask(objects)->reply.error);
  }
  LakeRequest change;
  change.type = LakeType::kChangeCatalog;
  change.schema = {"db", "", "", {kRole}};
  for (const std::string& text :
       {std::string(R"({"operation": "DropTable", "name": "t"})"), std::string("[]"),
        std::string("{\"operation\": 1, \"table\": []}"), std::string(100'000, '['),
        std::string()}) {
    change.change = text;
    EXPECT_REFUSED(w.Ask(change), ErrorKind::kInsufficientPrivilege);
    EXPECT_TRUE(scratch.Ask(change)->reply.error);
  }
  EXPECT_EQ(store_.reads, 0);
  EXPECT_FALSE(w.Block(scan, 0, 0, 0, 4)->reply.error);  // and what is granted is still granted
}

TEST(CatalogAction, IsOfTheTableThatTheChangeWillUse) {
  EXPECT_EQ(CatalogActionOf(R"({"operation": "CreateTable", "name": "allowed",
                                "table": {"Name": "forbidden"}})"),
            (CatalogAction{"glue:CreateTable", "forbidden"}));
  EXPECT_EQ(CatalogActionOf(R"({"operation": "DropTable", "name": "forbidden",
                                "table": {"Name": "allowed"}})"),
            (CatalogAction{"glue:DeleteTable", "forbidden"}));
  EXPECT_EQ(CatalogActionOf(R"({"operation": "CreateTable", "table": ["Name"]})"),
            (CatalogAction{"glue:CreateTable", ""}));
  EXPECT_EQ(CatalogActionOf(R"({"operation": "SetLocation", "name": "t"})"),
            (CatalogAction{"glue:UpdateTable", "t"}));
  EXPECT_EQ(CatalogActionOf("["), (CatalogAction{"glue:UpdateTable", ""}));
}

TEST_F(LakeServiceTest, DropsWorkersThatSendGarbage) {
  for (const std::string& garbage :
       {std::string("x"), std::string(1000, '\xff'), std::string(64, '\0')}) {
    Worker w(*service_, "w");
    ASSERT_TRUE(w.SendRaw(garbage));
    EXPECT_TRUE(w.Closed());
  }
  Worker w(*service_, "w");
  LakeRequest r;
  r.type = LakeType::kListTables;
  r.schema = {"db", "", "", {kRole}};
  ASSERT_TRUE(w.SendRaw(ipc::EncodePacket(r), {0}));  // with a descriptor that nobody asked for
  EXPECT_TRUE(w.Closed());
  Worker honest(*service_, "w");
  const auto names = honest.Ask(r);
  ASSERT_TRUE(names);
  EXPECT_EQ(names->reply.names, (std::vector<std::string>{"t", "wide"}));
}

TEST_F(LakeServiceTest, BoundsOpenScans) {
  Worker w(*service_, "w");
  uint64_t first = 0;
  for (size_t i = 0; i < options_.scans_per_connection; i++) {
    const auto open = w.OpenTable("t");
    ASSERT_TRUE(open && !open->reply.error);
    if (i == 0) first = open->reply.scan;
  }
  EXPECT_REFUSED(w.OpenTable("t"), ErrorKind::kTooManyConnections);
  LakeRequest close;
  close.type = LakeType::kCloseScan;
  close.scan = first;
  w.Send(close);
  const auto open = w.OpenTable("t");
  ASSERT_TRUE(open);
  EXPECT_FALSE(open->reply.error);
  EXPECT_REFUSED(w.Block(first, 0, 0, 0, 1), ErrorKind::kUndefinedObject);
}

TEST_F(LakeServiceTest, KeepsServingOthersWhileOneWorkerFloodsAndDoesNotRead) {
  Worker flood(*service_, "w"), honest(*service_, "w");
  const auto open = flood.OpenTable("t");
  ASSERT_TRUE(flood.ListFiles(open->reply.scan, {0}));
  ASSERT_TRUE(flood.Block(open->reply.scan, 0, 0, 0, 4));
  // Cached blocks, each answer with a descriptor; stop once the socket takes no more.
  ipc::SetNonBlocking(flood.socket_.get(), true);
  int sent = 0;
  for (; sent < 100'000; sent++) {
    auto r = Worker::BlockRequest(open->reply.scan, 0, 0, 0, 4);
    r.id = 1000 + static_cast<uint64_t>(sent);
    if (!flood.SendRaw(ipc::EncodePacket(r))) break;
  }
  EXPECT_LT(sent, 100'000);  // back-pressure reached the sender
  const auto other = honest.OpenTable("t");
  ASSERT_TRUE(other && !other->reply.error);
  // Once it reads, everything it asked for arrives.
  ipc::SetNonBlocking(flood.socket_.get(), false);
  for (int i = 0; i < sent; i++) {
    const auto answer = flood.Receive();
    ASSERT_TRUE(answer) << i;
    ASSERT_EQ(answer->reply.id, 1000u + static_cast<uint64_t>(i));
  }
}

TEST_F(LakeServiceTest, LeavesThreadsForOthersWhenOneWorkersReadsHang) {
  for (int i = 0; i < 40; i++)
    store_.Add(fmt::format("lake/h/{}", i), "data", fmt::format("h{}", i));
  tables_.tables["111111111111/db/h"] = Table("s3://lake/h/");
  Worker hung(*service_, "w"), honest(*service_, "w");
  const auto open = hung.OpenTable("h");
  ASSERT_TRUE(hung.ListFiles(open->reply.scan, {0}));
  store_.hold = true;
  for (uint32_t i = 0; i < 40; i++) hung.Send(Worker::BlockRequest(open->reply.scan, i, 0, 0, 4));
  const auto other = honest.OpenTable("t");
  ASSERT_TRUE(other && !other->reply.error);
  store_.hold = false;
  store_.hold.notify_all();
  for (int i = 0; i < 40; i++) ASSERT_TRUE(hung.Receive()) << i;
}

TEST_F(LakeServiceTest, SurvivesWorkersThatVanishAtAnyPoint) {
  for (int i = 0; i < 20; i++) {
    Worker w(*service_, "w");
    const auto open = w.OpenTable("t");
    ASSERT_TRUE(open);
    LakeRequest r;
    r.type = LakeType::kListFiles;
    r.scan = open->reply.scan;
    r.partitions = {0};
    if (i % 2) w.Send(r);
    if (i % 3) w.Send(Worker::BlockRequest(open->reply.scan, 0, 0, 0, 4));
  }
  Worker w(*service_, "w");
  const auto open = w.OpenTable("t");
  ASSERT_TRUE(open);
  EXPECT_FALSE(open->reply.error);
}

}  // namespace
}  // namespace skep::lake
