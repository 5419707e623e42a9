#include "catalog/crawler/plan.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>

namespace skep::catalog {
namespace {

std::vector<lake::ObjectInfo> Objects(const std::vector<std::string>& keys) {
  std::vector<lake::ObjectInfo> out;
  for (const auto& k : keys) out.push_back({k, "e", 10, 0});
  return out;
}

// "name location keys [values=prefix ...] format", one table a line.
std::string Describe(const std::vector<PlannedTable>& tables) {
  std::map<std::string, std::string> lines;
  for (const auto& t : tables) {
    std::string line = t.name + " @" + t.location + " (";
    for (const auto& k : t.keys) line += k + ",";
    line += ")";
    for (const auto& p : t.partitions) {
      line += " [";
      for (const auto& v : p.values) line += v + ",";
      line += fmt::format("] {} {}", p.prefix, p.objects.size());
    }
    lines[t.location] = line + " " + t.kind.format +
                        (t.kind.compression.empty() ? "" : "." + t.kind.compression) + "\n";
  }
  std::string out;
  for (const auto& [k, l] : lines) out += l;
  return out;
}

struct GroupCase {
  const char* what;
  const char* prefix;
  std::vector<std::string> keys;
  std::vector<std::string> exclusions;
  const char* tables;
};

TEST(CrawlPlan, GroupsObjectsIntoTablesAndPartitions) {
  const GroupCase cases[] = {
      {"one folder",
       "flights/",
       {"flights/a.csv", "flights/b.csv"},
       {},
       "flights @flights/ () [] flights/ 2 csv\n"},
      {"the whole bucket", "", {"a.json"}, {}, "my_bucket @ () []  1 json\n"},
      {"folders are tables",
       "d/",
       {"d/x/1.csv", "d/y/1.parquet"},
       {},
       "x @d/x/ () [] d/x/ 1 csv\ny @d/y/ () [] d/y/ 1 parquet\n"},
      {"Hive partitions",
       "d/",
       {"d/t/dt=2024-01-01/1.parquet", "d/t/dt=2024-01-02/1.parquet",
        "d/t/dt=2024-01-02/2.parquet"},
       {},
       "t @d/t/ (dt,) [2024-01-01,] d/t/dt=2024-01-01/ 1 [2024-01-02,] d/t/dt=2024-01-02/ 2 "
       "parquet\n"},
      {"two levels, encoded values, upper-case keys",
       "t/",
       {"t/Y=1/m=a%20b/x.csv"},
       {},
       "t @t/ (y,m,) [1,a b,] t/Y=1/m=a%20b/ 1 csv\n"},
      {"folders below a partition",
       "t/",
       {"t/y=1/sub/x.csv", "t/y=1/x.csv"},
       {},
       "t @t/ (y,) [1,] t/y=1/ 2 csv\n"},
      {"the target is the table", "t/", {"t/y=1/x.csv"}, {}, "t @t/ (y,) [1,] t/y=1/ 1 csv\n"},
      {"a partition as the target",
       "t/y=1/",
       {"t/y=1/x.csv"},
       {},
       "y_1 @t/y=1/ () [] t/y=1/ 1 csv\n"},
      {"hidden and foreign files",
       "t/",
       {"t/_SUCCESS", "t/.x", "t/_tmp/a.csv", "u/a.csv", "t/a.csv", "t/"},
       {},
       "t @t/ () [] t/ 1 csv\n"},
      {"a stray file beside partitions",
       "t/",
       {"t/README.csv", "t/y=1/a.csv", "t/y=2/a.csv"},
       {},
       "t @t/ (y,) [1,] t/y=1/ 1 [2,] t/y=2/ 1 csv\n"},
      {"mixed formats in one folder",
       "d/",
       {"d/airports.csv", "d/Flights-2k.json"},
       {},
       "flights_2k_json @d/Flights-2k.json () [] d/Flights-2k.json 1 json\nairports_csv "
       "@d/airports.csv () [] d/airports.csv 1 csv\n"},
      {"compression", "t/", {"t/a.csv.gz", "t/b.CSV.GZ"}, {}, "t @t/ () [] t/ 2 csv.gzip\n"},
      {"exclusions",
       "t/",
       {"t/a.csv", "t/b.csv", "t/x/c.csv"},
       {"b.*", "x/**"},
       "t @t/ () [] t/ 1 csv\n"},
      {"one object as the target",
       "t/a.csv",
       {"t/a.csv"},
       {},
       "a_csv @t/a.csv () [] t/a.csv 1 csv\n"},
      {"nothing", "t/", {}, {}, ""},
      {"an empty key is no partition", "t/", {"t/=1/a.csv"}, {}, "_1 @t/=1/ () [] t/=1/ 1 csv\n"},
  };
  for (const auto& c : cases)
    EXPECT_EQ(Describe(GroupIntoTables("My-Bucket", c.prefix, Objects(c.keys), c.exclusions)),
              c.tables)
        << c.what;
}

ipc::InferReply Schema(std::vector<ipc::InferredColumn> columns,
                       const std::string& format = "csv") {
  ipc::InferReply r;
  r.format = format;
  r.columns = std::move(columns);
  r.rows = 5;
  return r;
}

TEST(CrawlPlan, JoinsSiblingsWithLikeSchemas) {
  auto tables =
      GroupIntoTables("b", "sales/", Objects({"sales/2023/a.csv", "sales/2024/a.csv"}), {});
  for (auto& t : tables)
    t.schema = Schema({{"id", "bigint"}, {"amount", t.name == "2023" ? "bigint" : "double"}});
  const auto joined = CombineSimilar("b", "sales/", tables);
  EXPECT_EQ(Describe(joined),
            "sales @sales/ (partition_0,) [2023,] sales/2023/ 1 [2024,] sales/2024/ 1 csv\n");
  EXPECT_EQ(joined[0].schema->columns[1].type, "double");
  EXPECT_EQ(joined[0].schema->rows, 10u);
}

TEST(CrawlPlan, JoinsSeveralLevels) {
  auto tables = GroupIntoTables(
      "b", "s/",
      Objects({"s/2023/01/a.csv", "s/2023/02/a.csv", "s/2024/01/a.csv", "s/2024/02/a.csv"}), {});
  for (auto& t : tables) t.schema = Schema({{"id", "bigint"}});
  EXPECT_EQ(Describe(CombineSimilar("b", "s/", tables)),
            "s @s/ (partition_0,partition_1,) [2023,01,] s/2023/01/ 1 [2023,02,] s/2023/02/ 1 "
            "[2024,01,] s/2024/01/ 1 [2024,02,] s/2024/02/ 1 csv\n");
}

TEST(CrawlPlan, LeavesUnlikeSiblingsApart) {
  auto tables = GroupIntoTables("b", "d/", Objects({"d/x/a.csv", "d/y/a.csv"}), {});
  tables[0].schema = Schema({{"id", "bigint"}, {"name", "string"}, {"c", "string"}});
  tables[1].schema = Schema({{"id", "bigint"}, {"price", "double"}, {"d", "string"}});
  EXPECT_EQ(CombineSimilar("b", "d/", tables).size(), 2u);
  tables[1].schema.reset();
  EXPECT_EQ(CombineSimilar("b", "d/", tables).size(), 1u);  // what nobody could read is no table
}

TEST(CrawlPlan, KeepsATableWithFilesOfItsOwnBesideFolders) {
  auto tables = GroupIntoTables("b", "d/", Objects({"d/0.csv", "d/x/a.csv", "d/y/a.csv"}), {});
  for (auto& t : tables) t.schema = Schema({{"id", "bigint"}});
  EXPECT_EQ(CombineSimilar("b", "d/", tables).size(), 3u);
}

TEST(CrawlPlan, MergesTypes) {
  struct Case {
    const char *a, *b, *merged;
  };
  for (const Case c :
       {Case{"int", "int", "int"}, Case{"int", "bigint", "bigint"},
        Case{"bigint", "double", "double"}, Case{"int", "float", "double"},
        Case{"smallint", "float", "float"}, Case{"date", "timestamp", "timestamp"},
        Case{"decimal(10,2)", "double", "double"}, Case{"bigint", "string", "string"},
        Case{"boolean", "bigint", "string"}, Case{"struct<a:int>", "struct<b:int>", "string"}}) {
    EXPECT_EQ(MergeTypes(c.a, c.b), c.merged) << c.a << ' ' << c.b;
    EXPECT_EQ(MergeTypes(c.b, c.a), c.merged) << c.b << ' ' << c.a;
  }
  const auto merged = MergeSchemas(Schema({{"a", "int"}, {"b", "string"}}),
                                   Schema({{"c", "date"}, {"A", "double"}}));
  EXPECT_EQ(merged.columns,
            (std::vector<ipc::InferredColumn>{{"a", "double"}, {"b", "string"}, {"c", "date"}}));
}

TEST(CrawlPlan, TypesPartitionKeys) {
  struct Case {
    std::vector<std::string> values;
    const char* type;
  };
  for (const Case& c :
       {Case{{"1", "20"}, "bigint"}, Case{{"01", "12"}, "string"}, Case{{"2024-01-01"}, "date"},
        Case{{"2024-13-01"}, "string"}, Case{{"a", "1"}, "string"}, Case{{"0"}, "bigint"},
        Case{{"__HIVE_DEFAULT_PARTITION__", "7"}, "bigint"},
        Case{{"__HIVE_DEFAULT_PARTITION__"}, "string"}, Case{{""}, "string"},
        Case{{"9999999999999999999"}, "string"}}) {
    std::vector<PlannedPartition> partitions;
    for (const auto& v : c.values) partitions.push_back({{v}, "", {}});
    EXPECT_EQ(PartitionKeyType(partitions, 0), c.type) << c.values[0];
  }
}

TEST(CrawlPlan, SanitizesNames) {
  EXPECT_EQ(SanitizeName("My Table-2.x"), "my_table_2_x");
  EXPECT_EQ(SanitizeName("ümlaut"), "__mlaut");
  EXPECT_EQ(SanitizeName(""), "table");
}

TEST(CrawlPlan, MatchesGlobs) {
  struct Case {
    const char *pattern, *text;
    bool matches;
  };
  for (const Case c :
       {Case{"*.csv", "a.csv", true}, Case{"*.csv", "d/a.csv", false},
        Case{"**.csv", "d/a.csv", true}, Case{"d/**", "d/e/f", true},
        Case{"?.csv", "ab.csv", false}, Case{"[ab].csv", "b.csv", true},
        Case{"[!ab].csv", "b.csv", false}, Case{"[a-c]x", "bx", true},
        Case{"*.{csv,json}", "a.json", true}, Case{"*.{csv,json}", "a.txt", false},
        Case{"a\\*b", "a*b", true}, Case{"a\\*b", "axb", false}, Case{"[", "[", false},
        Case{"{a", "a", false}, Case{"", "", true}, Case{"", "a", false}}) {
    EXPECT_EQ(GlobMatches(c.pattern, c.text), c.matches) << c.pattern << ' ' << c.text;
  }
  // Work is bounded however the pattern is made.
  EXPECT_FALSE(GlobMatches("**a**a**a**a**a**a**a**a**a**b", std::string(2000, 'a')));
}

}  // namespace
}  // namespace skep::catalog
