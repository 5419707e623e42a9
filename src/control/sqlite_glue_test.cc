#include "control/sqlite_glue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "control/migrations.h"
#include "control/partition_key.h"
#include "control/store.h"

namespace skep::control {
namespace {

using testing::ElementsAre;
using Values = std::vector<std::string>;
using Kind = PartitionStep::Kind;

TEST(PartitionKey, SortsAsTheValuesDoAndComesBack) {
  std::vector<Values> all;
  const Values odd = {"",         "a", "a\x1f", "\x1e", "\x1f",
                      "\x1e\x1f", "b", "a\\",   "\xff", "\xc3",
                      "ab",       "~", "a b",   "\x01", std::string("\0x", 2)};
  for (const auto& first : odd) {
    for (const auto& second : odd) all.push_back({first, second});
    all.push_back({first});
  }
  for (const auto& values : all) EXPECT_EQ(PartitionValues(PartitionKey(values)), values);
  // Of values without control characters.
  const Values plain = {"a", "a b", "ab", "b", "~", "\xc3"};
  std::vector<std::pair<Values, std::string>> keyed;
  for (const auto& first : plain) {
    for (const auto& second : plain)
      keyed.emplace_back(Values{first, second}, PartitionKey({first, second}));
  }
  std::ranges::sort(keyed, {}, &std::pair<Values, std::string>::second);
  EXPECT_TRUE(std::ranges::is_sorted(keyed, {}, &std::pair<Values, std::string>::first));
  EXPECT_EQ(PartitionKeyPrefix(PartitionKey({"a\x1f", "b"}), 1), 4u);
  EXPECT_EQ(PartitionKeyPrefix(PartitionKey({"a", "b"}), 9), 4u);
}

class SqliteGlueTest : public testing::Test {
 protected:
  SqliteGlueTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "skep-glue-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    path_ = directory_ + "/control.sqlite";
  }
  ~SqliteGlueTest() override { std::filesystem::remove_all(directory_); }

  void Open() {
    auto store = OpenSqlite(path_);
    ASSERT_TRUE(store.has_value()) << store.error().message << store.error().detail;
    store_ = std::move(*store);
  }
  void OpenWithTable() {
    Open();
    ASSERT_TRUE(store_->CreateGlueDatabase({"1", "d", "{}"}));
    ASSERT_TRUE(store_->CreateGlueTable({"1", "d", "t", 0, "v0"}));
  }
  GlueStore& glue() { return store_->Glue(); }
  void Add(const std::vector<Values>& all) {
    std::vector<GluePartition> partitions;
    for (const auto& values : all) partitions.push_back({values, "{}"});
    const auto made = glue().AddPartitions(kName, partitions);
    ASSERT_TRUE(made);
    EXPECT_EQ(std::ranges::count(*made, true), static_cast<int64_t>(all.size()));
  }
  std::vector<Values> Walk(const PartitionBounds& bounds,
                           const std::function<PartitionStep(const Values&)>& visit) {
    auto found = glue().WalkPartitions(kName, bounds, visit);
    EXPECT_TRUE(found.has_value());
    return found ? *found : std::vector<Values>();
  }
  bool Has(const std::string& kind, const std::string& parent) {
    return glue().GetObject("1", kind, parent, "n")->has_value();
  }

  static constexpr TableName kName{"1", "d", "t"};
  std::string directory_, path_;
  std::unique_ptr<Store> store_;
};

TEST_F(SqliteGlueTest, KeepsFormerVersionsOfATable) {
  OpenWithTable();
  EXPECT_TRUE(*glue().ReplaceTable({"1", "d", "t", 0, "v1"}, true));
  EXPECT_FALSE(*glue().ReplaceTable({"1", "d", "t", 0, "late"}, true));
  EXPECT_TRUE(*glue().ReplaceTable({"1", "d", "t", 1, "v2"}, false));
  EXPECT_TRUE(*store_->UpdateGlueTable({"1", "d", "t", 0, "v3"}));  // as a crawler does
  EXPECT_FALSE(*glue().ReplaceTable({"1", "d", "none", 0, ""}, true));
  const auto table = *store_->GetGlueTable("1", "d", "t");
  EXPECT_EQ(table->version, 3u);
  EXPECT_EQ(table->json, "v3");
  const auto versions = *glue().ListTableVersions(kName, 99, 10);
  ASSERT_EQ(versions.size(), 2u);
  EXPECT_EQ(versions[0].json, "v2");
  EXPECT_EQ(versions[1].json, "v0");
  EXPECT_EQ(glue().ListTableVersions(kName, 2, 10)->size(), 1u);
  EXPECT_EQ((*glue().GetTableVersion(kName, 2))->json, "v2");
  EXPECT_FALSE(glue().GetTableVersion(kName, 1)->has_value());
  EXPECT_TRUE(*glue().DeleteTableVersion(kName, 2));
  EXPECT_FALSE(*glue().DeleteTableVersion(kName, 2));
  EXPECT_TRUE(*store_->DeleteGlueTable("1", "d", "t"));
  EXPECT_TRUE(glue().ListTableVersions(kName, 99, 10)->empty());
}

TEST_F(SqliteGlueTest, WalksPartitionsWithinBounds) {
  OpenWithTable();
  Add({{"b", "1"}, {"a", "2"}, {"a", "1"}, {"c", "1"}, {"b", "2"}, {"a b", "1"}});
  const auto take = [](const Values&) { return PartitionStep{Kind::kTake, 0}; };
  EXPECT_EQ(Walk({}, take).size(), 6u);
  EXPECT_THAT(Walk({{"a"}, {}, {}, {}}, take), ElementsAre(Values{"a", "1"}, Values{"a", "2"}));
  EXPECT_THAT(Walk({{"a"}, "2", {}, {}}, take), ElementsAre(Values{"a", "2"}));
  EXPECT_THAT(Walk({{}, "a b", "b", {}}, take),
              ElementsAre(Values{"a b", "1"}, Values{"b", "1"}, Values{"b", "2"}));
  EXPECT_THAT(Walk({{}, {}, "b", {"b", "1"}}, take), ElementsAre(Values{"b", "2"}));
  EXPECT_TRUE(Walk({{}, "c", "b", {}}, take).empty());
}

TEST_F(SqliteGlueTest, SkipsWholeGroupsAndStopsWhenTold) {
  OpenWithTable();
  std::vector<Values> all;
  for (int year = 2000; year < 2010; year++) {
    for (int day = 100; day < 150; day++)
      all.push_back({std::to_string(year), std::to_string(day)});
  }
  Add(all);
  size_t visits = 0;
  const auto found = Walk({}, [&](const Values& values) {
    visits++;
    return values[0] == "2007" ? PartitionStep{Kind::kTake, 0} : PartitionStep{Kind::kSkip, 1};
  });
  EXPECT_EQ(found.size(), 50u);
  EXPECT_EQ(visits, 50u + 9u);
  visits = 0;
  EXPECT_TRUE(Walk({}, [&](const Values&) {
                visits++;
                return visits == 3 ? PartitionStep{Kind::kStop, 0} : PartitionStep{Kind::kPass, 0};
              }).empty());
  EXPECT_EQ(visits, 3u);
}

TEST_F(SqliteGlueTest, MovesAndDeletesPartitions) {
  OpenWithTable();
  Add({{"1"}, {"2"}});
  EXPECT_THAT(*glue().AddPartitions(kName, {{{"2"}, "x"}, {{"3"}, "c"}}), ElementsAre(false, true));
  EXPECT_EQ(glue().AddPartitions({"1", "d", "none"}, {{{"1"}, "x"}}).error().kind,
            ErrorKind::kUndefinedObject);
  EXPECT_TRUE(*glue().ReplacePartition(kName, {"1"}, {{"9"}, "nine"}));
  EXPECT_FALSE(*glue().ReplacePartition(kName, {"1"}, {{"8"}, "x"}));
  EXPECT_EQ(glue().ReplacePartition(kName, {"9"}, {{"2"}, "x"}).error().kind,
            ErrorKind::kDuplicateObject);
  const auto found = *glue().GetPartitions(kName, {{"9"}, {"1"}, {"3"}});
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].json, "nine");
  EXPECT_THAT(*glue().DeletePartitions(kName, {{"9"}, {"1"}, {"2"}}),
              ElementsAre(true, false, true));
}

TEST_F(SqliteGlueTest, ObjectsGoWithWhatTheyBelongTo) {
  OpenWithTable();
  Add({{"x"}, {"y"}, {"z"}});
  const std::string table = TableParent("d", "t");
  const auto part = [](const char* value) { return PartitionParent("d", "t", {value}); };
  const auto keep = [&](const std::string& kind, const std::string& parent) {
    ASSERT_TRUE(glue().CreateObject({"1", kind, parent, "n", "{}"}));
  };
  keep("function", "d");
  keep("function", "other");
  keep("statistics", table);
  for (const char* value : {"x", "y", "z"}) keep("statistics", part(value));
  EXPECT_TRUE(*store_->DeleteGluePartition("1", "d", "t", {"x"}));
  EXPECT_FALSE(Has("statistics", part("x")));
  EXPECT_TRUE(*glue().ReplacePartition(kName, {"y"}, {{"w"}, "{}"}));
  EXPECT_FALSE(Has("statistics", part("y")));
  EXPECT_TRUE(Has("statistics", part("z")));
  EXPECT_TRUE(*store_->DeleteGlueDatabase("1", "d"));
  EXPECT_FALSE(Has("statistics", part("z")));
  EXPECT_FALSE(Has("statistics", table));
  EXPECT_FALSE(Has("function", "d"));
  EXPECT_TRUE(Has("function", "other"));
}

TEST_F(SqliteGlueTest, KeepsListsAndTrimsObjects) {
  Open();
  for (const char* name : {"3", "1", "2"}) {
    ASSERT_TRUE(glue().CreateObject({"1", "k", "p", name, "{}"}));
    ASSERT_TRUE(glue().CreateObject({"2", "k", "q", name, "{}"}));
  }
  EXPECT_EQ(glue().CreateObject({"1", "k", "p", "1", "{}"}).error().kind,
            ErrorKind::kDuplicateObject);
  ASSERT_TRUE(glue().PutObject({"1", "k", "p", "1", "new"}));
  EXPECT_EQ((*glue().GetObject("1", "k", "p", "1"))->json, "new");
  EXPECT_EQ(glue().ListObjects("1", "k", "p")->size(), 3u);
  EXPECT_EQ(glue().ListObjects("1", "k", "q")->size(), 0u);
  EXPECT_EQ(glue().ListObjects("1", "k", std::nullopt)->size(), 3u);
  EXPECT_EQ(glue().ListObjects("", "k", std::nullopt)->size(), 6u);
  ASSERT_TRUE(glue().TrimObjects("1", "k", "p", 3));
  EXPECT_EQ(glue().ListObjects("1", "k", "p")->size(), 3u);
  ASSERT_TRUE(glue().TrimObjects("1", "k", "p", 1));
  const auto left = *glue().ListObjects("1", "k", "p");
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].name, "3");
  EXPECT_TRUE(*glue().DeleteObject("1", "k", "p", "3"));
  EXPECT_FALSE(*glue().DeleteObject("1", "k", "p", "3"));
}

TEST_F(SqliteGlueTest, ReadsThePartitionsOfAStoreOfTheFirstVersion) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &db), SQLITE_OK);
  const std::string sql =
      std::string(Migrations()[0]) +
      "PRAGMA user_version = 1; PRAGMA application_id = 1399547248;"
      "INSERT INTO glue_databases VALUES ('1', 'd', '{}');"
      "INSERT INTO glue_tables VALUES ('1', 'd', 't', 4, '{}');"
      // Values "a\" "b"; 0x1f "c"; 0x1e.
      "INSERT INTO glue_partitions VALUES ('1', 'd', 't', x'615c5c1f621f', 'one'),"
      "('1', 'd', 't', x'5c1f1f631f', 'two'), ('1', 'd', 't', x'1e1f', 'three');";
  ASSERT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
      << sqlite3_errmsg(db);
  sqlite3_close(db);
  Open();
  EXPECT_EQ((*store_->GetGlueTable("1", "d", "t"))->version, 4u);
  const auto found = *glue().GetPartitions(kName, {{"a\\", "b"}, {"\x1f", "c"}, {"\x1e"}});
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].json, "one");
  EXPECT_EQ(found[1].json, "two");
  EXPECT_EQ(found[2].json, "three");
  EXPECT_EQ(store_->ListGluePartitions("1", "d", "t")->size(), 3u);
}

}  // namespace
}  // namespace skep::control
