#include "jobs/lake_event.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace skep::jobs {
namespace {

using Json = nlohmann::json;

Json Record(const std::string& name, const std::string& key) {
  return {{"eventSource", "aws:s3"},
          {"eventName", name},
          {"s3",
           {{"bucket", {{"name", "lake"}}},
            {"object", {{"key", key}, {"size", 7}, {"eTag", "\"e1\""}, {"sequencer", "00A1"}}}}}};
}

TEST(LakeEvent, ReadsTheShapesOfTheStores) {
  const Json s3 = {{"Records", {Record("ObjectCreated:Put", "t/a+b%3D1.csv")}}};
  const Json minio = {{"EventName", "s3:ObjectCreated:Put"},
                      {"Key", "lake/t/a+b%3D1.csv"},
                      {"Records", {Record("s3:ObjectCreated:Put", "t/a+b%3D1.csv")}}};
  const Json bridge = {{"detail-type", "Object Created"},
                       {"source", "aws.s3"},
                       {"detail",
                        {{"bucket", {{"name", "lake"}}},
                         {"object", {{"key", "t/a+b%3D1.csv"}, {"size", 7}, {"etag", "e1"}}}}}};
  const Json sns = {{"Type", "Notification"}, {"Message", s3.dump()}};
  const Json list = Json::array({Record("s3:ObjectCreated:Put", "t/a+b%3D1.csv")});
  for (const Json& body : {s3, minio, bridge, sns, list}) {
    const auto events = ParseLakeEvents(body.dump());
    ASSERT_TRUE(events && events->size() == 1) << body;
    const LakeEvent& event = events->front();
    EXPECT_EQ(event.bucket, "lake");
    EXPECT_EQ(event.keys, (std::vector<std::string>{"t/a+b%3D1.csv", "t/a b=1.csv"}));
    EXPECT_FALSE(event.removed);
    EXPECT_EQ(event.etag, "e1");
    EXPECT_EQ(event.size, 7u);
  }
  const Json removed = {{"Records", {Record("s3:ObjectRemoved:Delete", "t/a.csv")}}};
  const auto events = ParseLakeEvents(removed.dump());
  ASSERT_TRUE(events && events->size() == 1);
  EXPECT_TRUE(events->front().removed);
  EXPECT_EQ(events->front().keys, std::vector<std::string>{"t/a.csv"});
}

TEST(LakeEvent, PassesOverTestsAndOtherKinds) {
  for (
      const char* body :
      {R"({"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"})", R"({"Records":[]})",
       R"({"detail-type":"Object Access Tier Changed","detail":{}})",
       R"({"Records":[{"eventName":"s3:ObjectAccessed:Get","s3":{"bucket":{"name":"b"},"object":{"key":"k"}}}]})",
       R"({"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":""},"object":{"key":7}}}]})"}) {
    const auto events = ParseLakeEvents(body);
    ASSERT_TRUE(events) << body;
    EXPECT_TRUE(events->empty()) << body;
  }
}

TEST(LakeEvent, RefusesWhatIsNone) {
  const Json wrapped = [] {
    Json json = {{"Records", Json::array()}};
    for (int i = 0; i < 5; i++) json = {{"Type", "Notification"}, {"Message", json.dump()}};
    return json;
  }();
  const Json many = {{"Records", Json(10'001, Record("ObjectCreated:Put", "k"))}};
  for (const std::string& body :
       {std::string(), std::string("{"), std::string("7"), std::string("{}"),
        std::string(R"({"Records":[1]})"), std::string(R"({"Type":"SubscriptionConfirmation"})"),
        std::string(100'000, '['), wrapped.dump(), many.dump(),
        std::string("{\"Type\":\"Notification\",\"Message\":\"no\"}")}) {
    const auto events = ParseLakeEvents(body);
    ASSERT_FALSE(events) << body.substr(0, 100);
    EXPECT_EQ(events.error().kind, ErrorKind::kInvalidArgument);
  }
}

}  // namespace
}  // namespace skep::jobs
