#include "sql/statement.h"

#include <gtest/gtest.h>

namespace skep::sql {
namespace {

using ast::NodeKind;

struct Case {
  const char* text;
  NodeKind kind;
  WorkClass work;
  bool offered;
  const char* command;
};

TEST(ParseScript, TellsWhatRoutingNeedsToKnow) {
  using enum WorkClass;
  const Case cases[] = {
      {"select 1", NodeKind::kQueryStatement, kRead, true, "SELECT"},
      {"(select 1)", NodeKind::kQueryStatement, kRead, true, "SELECT"},
      {"/* a */ with x as (select 1) select * from x", NodeKind::kQueryStatement, kRead, true,
       "SELECT"},
      {"CREATE TEMP TABLE t(a int)", NodeKind::kCreateTable, kDefinition, true, "CREATE TABLE"},
      {"create table t as select 1", NodeKind::kCreateTableAs, kDefinition, true, "SELECT"},
      {"create external schema e from data catalog database 'd' iam_role 'r'",
       NodeKind::kCreateExternalSchema, kDefinition, true, "CREATE SCHEMA"},
      {"start transaction read only", NodeKind::kBegin, kTransaction, true, "START TRANSACTION"},
      {"end", NodeKind::kCommit, kTransaction, true, "COMMIT"},
      {"copy t from 's3://b'", NodeKind::kCopy, kLoad, true, "COPY"},
      {"unload ('select 1') to 's3://b'", NodeKind::kUnload, kLoad, true, "UNLOAD"},
      {"create user u password disable", NodeKind::kCreateUser, kAccess, false, "CREATE USER"},
      {"select 1 into t", NodeKind::kQueryStatement, kDefinition, true, "SELECT"},
      {"show tables from schema dev.public", NodeKind::kShowObjects, kShow, true, "SHOW"},
      {"drop role r", NodeKind::kDrop, kDefinition, false, "DROP ROLE"},
      {"drop table r", NodeKind::kDrop, kDefinition, true, "DROP TABLE"},
  };
  for (const auto& c : cases) {
    const auto parsed = ParseScript(c.text);
    ASSERT_TRUE(parsed) << c.text << ": " << parsed.error().message;
    ASSERT_EQ(parsed->size(), 1u) << c.text;
    EXPECT_EQ(parsed->front().kind, c.kind) << c.text;
    EXPECT_EQ(parsed->front().work, c.work) << c.text;
    EXPECT_EQ(!parsed->front().refusal, c.offered) << c.text;
    EXPECT_EQ(parsed->front().command, c.command) << c.text;
  }
}

TEST(ParseScript, RefusesByNameWhatRedshiftHasNotAndGoesOn) {
  const auto parsed = ParseScript("create index i on t (a); select 1");
  ASSERT_TRUE(parsed);
  ASSERT_EQ(parsed->size(), 2u);
  ASSERT_TRUE((*parsed)[0].refusal);
  EXPECT_EQ((*parsed)[0].refusal->kind, ErrorKind::kFeatureNotSupported);
  EXPECT_NE((*parsed)[0].refusal->message.find("CREATE INDEX"), std::string::npos);
  EXPECT_FALSE((*parsed)[1].refusal);
}

TEST(ParseScript, KnowsTemporaryTables) {
  for (const char* text : {"create temp table t (a int)", "create table #t (a int)",
                           "create temporary table t as select 1", "select 1 into temp t",
                           "select 1 into #t", "create table #t as select 1"}) {
    EXPECT_TRUE(ParseScript(text)->front().temporary) << text;
  }
  EXPECT_FALSE(ParseScript("create table t (a int)")->front().temporary);
}

TEST(ParseScript, SplitsAtSemicolonsOutsideLiteralsAndComments) {
  const std::string script = " select ';' ; -- ;\n select \";\" /* ; /* ; */ */ ;; select $$;$$ ";
  const auto parsed = ParseScript(script);
  ASSERT_TRUE(parsed);
  ASSERT_EQ(parsed->size(), 3u);
  EXPECT_EQ((*parsed)[0].text, "select ';'");
  EXPECT_EQ((*parsed)[1].text, "select \";\"");
  EXPECT_EQ((*parsed)[2].text, "select $$;$$");
  EXPECT_EQ(script.substr((*parsed)[1].offset, 6), "select");
}

TEST(ParseScript, NamesThePositionOfWhatIsUnterminated) {
  EXPECT_EQ(ParseScript("select 'a").error().position, 8u);
  EXPECT_EQ(ParseScript("select 'é', \"b").error().position, 13u);
  EXPECT_EQ(ParseScript("select 1 /* x").error().kind, ErrorKind::kSyntaxError);
  EXPECT_EQ(ParseScript("select $q$ x").error().position, 8u);
}

TEST(ParseScript, ReadsSettings) {
  const auto one = [](const char* text) { return ParseScript(text)->front(); };
  EXPECT_EQ(one("SET search_path TO a, \"$user\", B").setting_value, "a, \"$user\", B");
  EXPECT_EQ(one("set TimeZone = 'Europe/Berlin'").setting_name, "timezone");
  EXPECT_EQ(one("set time zone 'UTC'").setting_value, "UTC");
  EXPECT_EQ(one("set time zone 'UTC'").setting_name, "timezone");
  EXPECT_TRUE(one("set statement_timeout to default").setting_default);
  EXPECT_EQ(one("set extra_float_digits = -3").setting_value, "-3");
  EXPECT_TRUE(one("set local a.b = 1").setting_local);
  EXPECT_EQ(one("show all").setting_name, "all");
  EXPECT_EQ(one("set datestyle = ISO, MDY").setting_value, "ISO, MDY");
  EXPECT_EQ(one("set client_encoding to 'UTF8'").setting_value, "UTF8");
}

TEST(ParseScript, CallsWhatBeginsWithNoCommandASyntaxError) {
  for (const char* text : {"selec 1", "pragma database_list", "install httpfs", "  foo",
                           "from t select 1", "summarize t"}) {
    const auto parsed = ParseScript(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().kind, ErrorKind::kSyntaxError) << text;
    EXPECT_GT(parsed.error().position, 0u) << text;
  }
}

TEST(ParseScript, CountsParameters) {
  EXPECT_EQ(ParseScript("select $2, $1, '$9'")->front().parameter_count, 2u);
  EXPECT_EQ(ParseScript("select $0").error().kind, ErrorKind::kUndefinedParameter);
}

TEST(ParseScript, RefusesAStatementAboveTheLimit) {
  const std::string big = "select '" + std::string(kMaxStatementBytes, 'x') + "'";
  EXPECT_EQ(ParseScript(big).error().kind, ErrorKind::kPayloadTooLarge);
}

}  // namespace
}  // namespace skep::sql
