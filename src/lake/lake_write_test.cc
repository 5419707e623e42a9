#include "lake/lake_write.h"

#include <gtest/gtest.h>

#include <map>

#include "lake/upload_store.h"

namespace skep::lake {
namespace {

Credentials Writer() {
  Credentials credentials;
  credentials.role = "role";
  credentials.allowed = {"b/out"};
  credentials.writes_objects = true;
  return credentials;
}

std::shared_ptr<identity::LiveCredentials> Live(Credentials credentials) {
  return std::make_shared<identity::LiveCredentials>(std::move(credentials));
}

std::shared_ptr<LakeWrite> Opened(UploadStore& store, const std::string& options = "{}",
                                  const std::string& path = "s3://b/out/x_") {
  auto write = LakeWrite::Open(store, Live(Writer()), path, *WriteOptions::Read(options));
  EXPECT_TRUE(write) << write.error().message;
  return write ? *write : nullptr;
}

ErrorKind Refusal(UploadStore& store, Credentials credentials, const std::string& path,
                  const std::string& options = "{}") {
  const auto write =
      LakeWrite::Open(store, Live(std::move(credentials)), path, *WriteOptions::Read(options));
  return write ? ErrorKind::kCount : write.error().kind;
}

TEST(LakeWrite, ShowsNothingBeforeItsCommitAndTheLastFileLast) {
  UploadStore store;
  const auto write = Opened(store);
  ASSERT_TRUE(write->Part(0, "a", 1, "two"));
  ASSERT_TRUE(write->Part(1, "b", 0, "three"));
  ASSERT_TRUE(write->Part(2, "manifest", 0, "{}"));
  ASSERT_TRUE(write->Part(0, "a", 0, "one"));
  EXPECT_TRUE(store.objects.empty());
  ASSERT_TRUE(write->Commit());
  EXPECT_EQ(store.objects,
            (std::map<std::string, std::string>{
                {"b/out/x_a", "onetwo"}, {"b/out/x_b", "three"}, {"b/out/x_manifest", "{}"}}));
  EXPECT_EQ(store.completed.back(), "out/x_manifest");
  EXPECT_EQ(write->bytes(), 13u);
  EXPECT_EQ(write->Part(0, "a", 2, "x").error().kind, ErrorKind::kUndefinedObject);
  EXPECT_EQ(write->Commit().error().kind, ErrorKind::kUndefinedObject);
}

TEST(LakeWrite, PutsAnEnvelopeBesideAnObjectAndNothingElse) {
  EXPECT_TRUE(ReadMetadata("")->empty());
  const auto envelope = ReadMetadata(
      R"({"x-amz-key": "k+/=", "x-amz-iv": "i", "x-amz-matdesc": "{}",
          "x-amz-unencrypted-content-length": "17"})");
  ASSERT_TRUE(envelope) << envelope.error().message;
  EXPECT_EQ(envelope->size(), 4u);
  for (const std::string& bad :
       {std::string("["), std::string("[]"), std::string("7"), std::string(R"("x-amz-key")"),
        std::string(R"({"author": "me"})"), std::string(R"({"x-amz-key": 7})"),
        std::string(R"({"x-amz-key": "a\r\nx-amz-acl: public-read"})"),
        std::string(R"({"x-amz-key": "ü"})"),
        R"({"x-amz-key": ")" + std::string(300, 'a') + R"("})"}) {
    const auto read = ReadMetadata(bad);
    ASSERT_FALSE(read) << bad;
    EXPECT_EQ(read.error().kind, ErrorKind::kInvalidArgument) << bad;
  }
  UploadStore store;
  const auto write = Opened(store);
  ASSERT_TRUE(write->Part(0, "a", 1, "two", *envelope));
  ASSERT_TRUE(write->Part(0, "a", 0, "one", *envelope));
  ASSERT_EQ(store.encryptions.size(), 1u);
  EXPECT_EQ(store.encryptions.begin()->second.metadata, *envelope);
}

TEST(LakeWrite, LeavesNothingBehindWhenItEndsOtherwise) {
  UploadStore store;
  {
    const auto write = Opened(store);
    ASSERT_TRUE(write->Part(0, "a", 0, "one"));
    ASSERT_EQ(store.uploads.size(), 1u);
  }
  EXPECT_TRUE(store.uploads.empty());
  EXPECT_TRUE(store.objects.empty());
}

TEST(LakeWrite, TakesBackWhatWasCompletedWhenAnotherFails) {
  UploadStore store;
  store.fail_complete = {"b/out/x_manifest"};
  const auto write = Opened(store);
  ASSERT_TRUE(write->Part(0, "a", 0, "one"));
  ASSERT_TRUE(write->Part(1, "manifest", 0, "{}"));
  EXPECT_EQ(write->Commit().error().kind, ErrorKind::kExternalUnavailable);
  EXPECT_EQ(store.completed, std::vector<std::string>{"out/x_a"});
  EXPECT_TRUE(store.objects.empty());
  EXPECT_TRUE(store.uploads.empty());
}

TEST(LakeWrite, RefusesToCommitAFileWithAMissingPart) {
  UploadStore store;
  store.fail_part = {"b/out/x_b"};
  const auto write = Opened(store);
  ASSERT_TRUE(write->Part(0, "a", 1, "two"));
  EXPECT_EQ(write->Part(1, "b", 0, "x").error().kind, ErrorKind::kExternalUnavailable);
  EXPECT_EQ(write->Commit().error().kind, ErrorKind::kInvalidArgument);
  EXPECT_TRUE(store.objects.empty());
  EXPECT_TRUE(store.uploads.empty());
}

TEST(LakeWrite, AsksThePoliciesForEveryKey) {
  UploadStore store;
  Credentials reader = Writer();
  reader.writes_objects = false;
  EXPECT_EQ(Refusal(store, reader, "s3://b/out/x_"), ErrorKind::kExternalDenied);
  EXPECT_EQ(Refusal(store, Writer(), "s3://other/out/x_"), ErrorKind::kExternalDenied);
  EXPECT_EQ(Refusal(store, Writer(), "s3://b/outer/x_"), ErrorKind::kExternalDenied);
  EXPECT_EQ(Refusal(store, Writer(), "s3://b/out/../secret/"), ErrorKind::kExternalDenied);
  EXPECT_EQ(Refusal(store, Writer(), "/etc/passwd"), ErrorKind::kInvalidArgument);
  const auto write = Opened(store, "{}", "s3://b/out/");
  EXPECT_EQ(write->Part(0, "../secret", 0, "x").error().kind, ErrorKind::kExternalDenied);
  EXPECT_EQ(write->Part(0, std::string("a\0b", 3), 0, "x").error().kind,
            ErrorKind::kExternalDenied);
  EXPECT_EQ(write->Part(0, "", 0, "x").error().kind, ErrorKind::kInvalidArgument);
  EXPECT_EQ(write->Part(0, std::string(2000, 'a'), 0, "x").error().kind,
            ErrorKind::kInvalidArgument);
  ASSERT_TRUE(write->Part(0, "a", 0, "x"));
  EXPECT_EQ(write->Part(0, "b", 1, "x").error().kind, ErrorKind::kInvalidArgument);
  EXPECT_EQ(write->Part(0, "a", 0, "x").error().kind, ErrorKind::kInvalidArgument);
  EXPECT_EQ(write->Part(0, "a", LakeWrite::kMaxParts, "x").error().kind,
            ErrorKind::kPayloadTooLarge);
  EXPECT_EQ(write->Part(LakeWrite::kMaxFiles, "z", 0, "x").error().kind,
            ErrorKind::kInvalidArgument);
  EXPECT_EQ(store.uploads.size(), 1u);
}

TEST(LakeWrite, MindsWhatIsThere) {
  UploadStore store;
  store.objects = {{"b/out/x_old", "1"}, {"b/out/y", "2"}, {"b/out/x_a", "3"}};
  EXPECT_EQ(Refusal(store, Writer(), "s3://b/out/x_"), ErrorKind::kDuplicateObject);
  const auto kept = Opened(store, R"({"existing": "keep"})");
  ASSERT_TRUE(kept->Part(0, "a", 0, "new"));
  ASSERT_TRUE(kept->Commit());
  EXPECT_EQ(store.objects.at("b/out/x_old"), "1");
  EXPECT_EQ(store.objects.at("b/out/x_a"), "new");
  const auto clean = Opened(store, R"({"existing": "clean"})");
  ASSERT_TRUE(clean->Part(0, "b", 0, "newer"));
  EXPECT_EQ(store.objects.size(), 3u);  // before the commit nothing is lost
  ASSERT_TRUE(clean->Commit());
  EXPECT_EQ(store.objects,
            (std::map<std::string, std::string>{{"b/out/x_b", "newer"}, {"b/out/y", "2"}}));
}

TEST(LakeWrite, CleansOnlyTheFoldersItWritesTo) {
  UploadStore store;
  store.objects = {{"b/out/p=1/old", "1"}, {"b/out/p=2/old", "2"}, {"b/out/top", "3"}};
  const auto write = Opened(store, R"({"existing": "clean"})", "s3://b/out/");
  ASSERT_TRUE(write->Part(0, "p=1/new", 0, "x"));
  ASSERT_TRUE(write->Commit());
  EXPECT_EQ(store.objects,
            (std::map<std::string, std::string>{
                {"b/out/p=1/new", "x"}, {"b/out/p=2/old", "2"}, {"b/out/top", "3"}}));
}

TEST(LakeWrite, ReadsItsOptions) {
  UploadStore store;
  const auto write = Opened(store, R"({"kms": true, "kms_key_id": "alias/k"})");
  ASSERT_TRUE(write->Part(0, "a", 0, "x"));
  ASSERT_EQ(store.encryptions.size(), 1u);
  EXPECT_TRUE(store.encryptions.begin()->second.kms);
  EXPECT_EQ(store.encryptions.begin()->second.kms_key_id, "alias/k");
  for (const char* bad : {"", "[]", "{\"existing\": \"maybe\"}", "{\"existing\": 1}",
                          "{\"other\": true}", "{\"kms_key_id\": \"a\\r\\nx-amz-acl: public\"}"})
    EXPECT_FALSE(WriteOptions::Read(bad)) << bad;
}

}  // namespace
}  // namespace skep::lake
