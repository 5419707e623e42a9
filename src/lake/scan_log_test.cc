#include "lake/scan_log.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace skep::lake {
namespace {

using Json = nlohmann::json;

ScanFacts FactsOf(const std::string& workspace, const std::string& statement) {
  ScanFacts facts;
  facts.workspace = workspace;
  facts.account = "210987654321";
  facts.statement = statement;
  facts.table = "ext.t";
  return facts;
}

TEST(ScanLog, NumbersScansByTheirStatement) {
  ScanLog log;
  log.Begin(FactsOf("w", "a"));
  log.Begin(FactsOf("w", "a"));
  log.Begin(FactsOf("w", "b"));
  const auto records = log.Records("w");
  ASSERT_EQ(records.size(), 3u);
  const Json first = Json::parse(records[0]), second = Json::parse(records[1]),
             third = Json::parse(records[2]);
  EXPECT_EQ(first["query"], second["query"]);
  EXPECT_NE(first["query"], third["query"]);
  EXPECT_EQ(first["segment"], 0);
  EXPECT_EQ(second["segment"], 1);
}

TEST(ScanLog, ShowsAWorkspaceItsOwnRecordsOnly) {
  ScanLog log;
  log.Begin(FactsOf("w", "a"));
  EXPECT_EQ(log.Records("w").size(), 1u);
  EXPECT_TRUE(log.Records("other").empty());
  EXPECT_TRUE(log.Records("").empty());
}

TEST(ScanLog, SumsWhatHasEndedOnce) {
  ScanLog log;
  const auto scan = log.Begin(FactsOf("w", "a"));
  scan->bytes += 10;
  scan->requests += 2;
  EXPECT_TRUE(log.Totals().empty());
  log.End(*scan);
  log.End(*scan);
  ASSERT_EQ(log.Totals().size(), 1u);
  EXPECT_EQ(log.Totals()[0].bytes, 10u);
  EXPECT_EQ(log.Totals()[0].requests, 2u);
  EXPECT_EQ(log.Totals()[0].scans, 1u);
  EXPECT_EQ(log.Totals()[0].account, "210987654321");
}

TEST(ScanLog, KeepsTheErrorOfWhatWasRefused) {
  ScanLog log;
  log.Refused(FactsOf("w", "a"), Error{ErrorKind::kInsufficientPrivilege, "not you", {}, {}, 0});
  const Json record = Json::parse(log.Records("w").at(0));
  EXPECT_EQ(record["error"], "not you");
  EXPECT_NE(record["ended"], 0);
}

TEST(ScanLog, KeepsAFewNotesOfValuesAndNothingElse) {
  ScanLog log;
  const auto scan = log.Begin(FactsOf("w", "a"));
  for (const char* bad : {"", "{", "[]", R"({"errors":5})", R"({"errors":[1,"x",null]})"})
    ScanLog::Note(*scan, bad);
  ScanLog::Note(*scan, R"({"errors":[{"column":"c","original":7,"action":"TRUNCATE","code":156,)"
                       R"("secret":"not asked for"}]})");
  const Json first = Json::parse(log.Records("w").at(0))["handled"];
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0], Json::parse(R"({"column":"c","action":"TRUNCATE","code":156})"));
  for (int i = 0; i < 20; i++)
    ScanLog::Note(*scan, R"({"errors":[{"original":")" + std::string(2000, 'x') + R"("}]})");
  const Json all = Json::parse(log.Records("w").at(0))["handled"];
  EXPECT_EQ(all.size(), ScanLog::kHandled);
  EXPECT_EQ(all[1]["original"].get<std::string>().size(), 1024u);
  ScanLog::Note(*scan, std::string(1 << 20, ' '));
}

TEST(ScanLog, KeepsNothingAtAnyLength) {
  ScanLog log;
  ScanFacts facts = FactsOf("w", std::string(1 << 20, 's'));
  facts.user = facts.table = facts.location = std::string(1 << 20, 'x');
  log.Begin(std::move(facts));
  EXPECT_LT(log.Records("w").at(0).size(), 8192u);
}

TEST(ScanLog, ForgetsTheOldest) {
  ScanLog log;
  for (size_t i = 0; i < ScanLog::kKept + 5; i++) log.Begin(FactsOf("w", std::to_string(i)));
  const auto records = log.Records("w");
  ASSERT_EQ(records.size(), ScanLog::kKept);
  EXPECT_EQ(Json::parse(records[0])["statement"], "5");
}

}  // namespace
}  // namespace skep::lake
