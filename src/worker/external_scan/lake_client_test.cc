#include "worker/external_scan/lake_client.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "worker/external_scan/fake_gateway.h"

namespace skep::external_scan {
namespace {

constexpr uint64_t kMiB = 1u << 20;

class LakeClientTest : public ::testing::Test {
 protected:
  LakeClientTest() {
    std::string path = (std::filesystem::temp_directory_path() / "skep_lake_XXXXXX").string();
    root_ = ::mkdtemp(path.data());
    gateway_ = std::make_unique<FakeGateway>(root_);
    Connect({});
    // 20 MiB + 5 bytes: three blocks, the last one short.
    content_.resize(20 * kMiB + 5);
    for (size_t i = 0; i < content_.size(); i++)
      content_[i] = static_cast<char>((i * 2654435761u) >> 13);
    std::ofstream(root_ + "/object", std::ios::binary) << content_;
    file_ = {gateway_->Grant("s3://lake/object"), 0, content_.size()};
  }
  ~LakeClientTest() override {
    client_.reset();
    gateway_.reset();
    std::filesystem::remove_all(root_);
  }
  void Connect(const LakeClientOptions& options) {
    client_.reset();
    gateway_ = std::make_unique<FakeGateway>(root_);
    client_ = std::make_unique<LakeClient>(gateway_->TakeWorkerEnd(), options);
  }
  Result<std::string> Read(uint64_t offset, uint64_t length,
                           const LakeClient::Interrupted& interrupted = {}) {
    std::string out(length, '\0');
    SKEP_TRY(client_->Read(file_, offset, out, "s3://lake/object", interrupted));
    return out;
  }
  void ExpectReads(uint64_t offset, uint64_t length) {
    const auto got = Read(offset, length);
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_TRUE(*got == content_.substr(offset, length)) << offset << "+" << length;
  }

  std::string root_, content_;
  std::unique_ptr<FakeGateway> gateway_;
  std::unique_ptr<LakeClient> client_;
  FileId file_;
};

TEST_F(LakeClientTest, AsksForNoMoreThanThePagesOfARange) {
  ExpectReads(3 * kMiB + 100, 10);
  EXPECT_EQ(client_->figures().requested_bytes, 4096u);
  ExpectReads(3 * kMiB + 4000, 96);
  EXPECT_EQ(client_->figures().block_requests, 1u);
  ExpectReads(3 * kMiB + 4000, 97);
  EXPECT_EQ(client_->figures().block_requests, 2u);
  ExpectReads(content_.size() - 3, 3);
  EXPECT_EQ(client_->figures().requested_bytes, 2 * 4096u + 5);
}

TEST_F(LakeClientTest, FetchesAPlanAsItIsRead) {
  const uint64_t first = client_->figures().ahead_requests;
  client_->PlanReads(file_, {{{{0, 100}, {kMiB, 100}}, {}}, {{{9 * kMiB, 5000}}, {}}});
  EXPECT_EQ(client_->figures().ahead_requests, first + 3);
  ExpectReads(9 * kMiB, 5000);
  ExpectReads(0, 100);
  ExpectReads(kMiB, 100);
  EXPECT_EQ(client_->figures().block_requests, first + 3) << "nothing was asked for twice";
  client_->CloseScan(file_.scan);
}

TEST_F(LakeClientTest, FillsHolesOfABlockItAlreadyHas) {
  ExpectReads(2 * kMiB, 1);
  ExpectReads(5 * kMiB, 1);
  ExpectReads(0, 8 * kMiB);  // what lies before, between and after is missing
  EXPECT_EQ(client_->figures().requested_bytes, 8 * kMiB);
  EXPECT_EQ(client_->figures().block_requests, 5u);
}

TEST_F(LakeClientTest, ReadsAcrossBlocksUpToTheEnd) {
  ExpectReads(7 * kMiB + 17, 10 * kMiB);
  ExpectReads(0, content_.size());
  ExpectReads(content_.size(), 0);
  const auto beyond = Read(content_.size() - 1, 2);
  ASSERT_FALSE(beyond);
  EXPECT_EQ(beyond.error().kind, ErrorKind::kDataException);
}

TEST_F(LakeClientTest, AsksAgainWhenTheGatewayEvictedTheBlock) {
  ExpectReads(0, 1);
  gateway_->ForgetBlocks();
  ExpectReads(kMiB, 1);  // another file, in which page 0 is a hole
  ExpectReads(0, 2 * kMiB);
}

TEST_F(LakeClientTest, KeepsWithinItsCapOfMappedBlocks) {
  Connect({.mapped_blocks = 1, .requests_in_flight = 2, .ahead_in_flight = 1});
  file_.scan = gateway_->Grant("s3://lake/object");
  ExpectReads(0, content_.size());
  client_->Prefetch(file_, 0, content_.size());
  ExpectReads(kMiB, 15 * kMiB);
}

TEST_F(LakeClientTest, SharesAPrefetchedRange) {
  client_->Prefetch(file_, 0, 2 * kMiB);
  ExpectReads(10, 2 * kMiB - 20);
  EXPECT_EQ(client_->figures().block_requests, 1u);
  EXPECT_EQ(client_->figures().ahead_requests, 1u);
}

TEST_F(LakeClientTest, RetriesARangeWhosePrefetchFailed) {
  gateway_->SetFault("object", Fault::kDenied);
  client_->Prefetch(file_, 0, 10);
  const auto denied = Read(0, 10);
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().kind, ErrorKind::kExternalDenied);
  gateway_->ClearFaults();
  ExpectReads(0, 10);
}

TEST_F(LakeClientTest, RefusesAShortBlock) {
  gateway_->SetFault("object", Fault::kShort);
  const auto got = Read(0, 10);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::kExternalUnavailable);
  EXPECT_NE(got.error().message.find("s3://lake/object"), std::string::npos);
}

TEST_F(LakeClientTest, GivesUpWithinMillisecondsWhenInterrupted) {
  gateway_->SetFault("object", Fault::kSlow);
  std::atomic<bool> interrupted = false;
  Result<std::string> got;
  std::thread reader([&] { got = Read(0, 10, [&] { return interrupted.load(); }); });
  gateway_->WaitForHeld();
  const auto start = std::chrono::steady_clock::now();
  interrupted = true;
  reader.join();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(100));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::kQueryCanceled);
  gateway_->ClearFaults();
  ExpectReads(0, 10);
}

TEST_F(LakeClientTest, ClosesAScanThatNobodyWaitedFor) {
  FakeTable table;
  table.description.name = "t";
  gateway_->SetTable(table);
  gateway_->SetFault(kOpenFault, Fault::kSlow);
  std::atomic<bool> interrupted = false;
  std::thread opener([&] {
    const auto opened =
        client_->OpenTable({}, "ext", Asker{}, "t", [&] { return interrupted.load(); });
    EXPECT_FALSE(opened);
  });
  gateway_->WaitForHeld();
  interrupted = true;
  opener.join();
  gateway_->ClearFaults();
  // Two round trips: the second request leaves after the reply to the abandoned one was handled.
  ASSERT_TRUE(client_->ListTables({}, {}));
  ASSERT_TRUE(client_->ListTables({}, {}));
  const auto counts = gateway_->TakeCounts();
  EXPECT_EQ(counts.opened, 1u);
  EXPECT_EQ(counts.closed, 1u);
}

TEST_F(LakeClientTest, FailsWaitersAndLaterCallsWhenTheGatewayGoes) {
  gateway_->SetFault("object", Fault::kSlow);
  Result<std::string> got;
  std::thread reader([&] { got = Read(0, 10); });
  gateway_->WaitForHeld();
  gateway_->Close();
  reader.join();
  for (const auto& result : {got, Read(0, 10)}) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::kExternalUnavailable);
  }
  EXPECT_FALSE(client_->ListFiles(1, {0}, {}));
  client_->Prefetch(file_, 0, 10);
  client_->CloseScan(1);
}

TEST_F(LakeClientTest, ServesManyThreadsAtOnce) {
  Connect({.mapped_blocks = 2, .requests_in_flight = 3, .ahead_in_flight = 2});
  file_.scan = gateway_->Grant("s3://lake/object");
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 4; t++) {
    threads.emplace_back([&, t] {
      for (uint64_t i = 0; i < 50; i++) {
        const uint64_t offset = (t * 7919 + i * 104729 * 31) % (content_.size() - 3 * kMiB);
        const auto got = Read(offset, 2 * kMiB);
        if (!got || *got != content_.substr(offset, 2 * kMiB)) wrong++;
      }
    });
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace skep::external_scan
