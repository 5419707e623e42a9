#include "sql/parse/script.h"

#include <gtest/gtest.h>

#include <string>

#include "sql/ast/visit.h"
#include "sql/parse/token.h"
#include "sql/print/print.h"
#include "sql/statement.h"

namespace skep::sql {
namespace {

Error ErrorOf(std::string_view sql) {
  const ParsedScript script = ParseWholeScript(sql);
  if (script.statements.empty()) return {};
  EXPECT_FALSE(script.statements[0].tree) << sql;
  return script.statements[0].error;
}

std::string Repeat(std::string_view text, size_t times) {
  std::string all;
  all.reserve(text.size() * times);
  for (size_t i = 0; i < times; i++) all += text;
  return all;
}

TEST(ParseWholeScript, GivesEachStatementItsTextAndOffset) {
  const std::string_view sql =
      " -- first\n select 1 ; /* none */ ;; begin; insert into t values (';') -- tail\n ;\nselect "
      "2 ";
  const ParsedScript script = ParseWholeScript(sql);
  ASSERT_EQ(script.statements.size(), 4u);
  const std::string_view texts[] = {"select 1", "begin", "insert into t values (';')", "select 2"};
  for (size_t i = 0; i < 4; i++) {
    EXPECT_TRUE(script.statements[i].tree);
    EXPECT_EQ(script.statements[i].text, texts[i]);
    EXPECT_EQ(sql.substr(script.statements[i].offset, texts[i].size()), texts[i]);
    EXPECT_EQ(script.statements[i].tree->begin, script.statements[i].offset);
  }
  EXPECT_TRUE(ParseWholeScript("").statements.empty());
  EXPECT_TRUE(ParseWholeScript(" ; -- nothing").statements.empty());
}

TEST(ParseWholeScript, GoesOnBehindASyntaxError) {
  const ParsedScript script = ParseWholeScript("select 1; selct 2; select 3 from; select 4");
  ASSERT_EQ(script.statements.size(), 4u);
  EXPECT_TRUE(script.statements[0].tree);
  EXPECT_EQ(script.statements[1].error.message, "syntax error at or near \"selct\"");
  EXPECT_EQ(script.statements[1].error.position, 11u);
  EXPECT_EQ(script.statements[2].error.message, "syntax error at or near \";\"");
  EXPECT_EQ(script.statements[2].error.position, 33u);
  EXPECT_TRUE(script.statements[3].tree);
}

TEST(ParseWholeScript, GoesOnBehindABadCharacter) {
  const ParsedScript script = ParseWholeScript("select 1; select ` from t; select 3");
  ASSERT_EQ(script.statements.size(), 3u);
  EXPECT_TRUE(script.statements[0].tree);
  EXPECT_EQ(script.statements[1].error.message, "syntax error at or near \"`\"");
  EXPECT_EQ(script.statements[1].error.position, 18u);
  EXPECT_EQ(script.statements[1].text, "select ` from t");
  ASSERT_TRUE(script.statements[2].tree);
  EXPECT_EQ(script.statements[2].text, "select 3");
  EXPECT_EQ(script.statements[2].offset, 27u);
  EXPECT_EQ(script.statements[2].tree->begin, 27u);
}

TEST(ParseWholeScript, KeepsWhatStandsBeforeAnUnterminatedLiteral) {
  const ParsedScript script = ParseWholeScript("select 1; select 'open; select 2");
  ASSERT_EQ(script.statements.size(), 2u);
  EXPECT_TRUE(script.statements[0].tree);
  EXPECT_EQ(script.statements[1].error.message, "unterminated quoted string");
  EXPECT_EQ(script.statements[1].error.position, 18u);
}

TEST(ParseWholeScript, StopsAtTheFirstErrorWhenAsked) {
  for (const std::string bad : {"selct 2", "select `"}) {
    const std::string sql = "select 1; create role r; abort wrk; " + bad + "; select 3; select `";
    const ParsedScript script = ParseWholeScript(sql, AfterError::kStop);
    ASSERT_FALSE(script.statements.empty()) << sql;
    EXPECT_FALSE(script.statements.back().tree) << sql;
    EXPECT_EQ(script.statements.back().error.kind, ErrorKind::kSyntaxError) << sql;
    EXPECT_LE(script.statements.back().offset, sql.find(bad)) << sql;
  }
  const std::string bad = Repeat("select `;", 1'000'000);
  EXPECT_EQ(ParseWholeScript(bad, AfterError::kStop).statements.size(), 1u);
}

TEST(ParseWholeScript, EndsLineCommentsAtEitherLineEnd) {
  for (const char* sql : {"select 1 -- x\n, 2", "select 1 -- x\r, 2", "select 1 -- x\r\n, 2"}) {
    const ParsedScript script = ParseWholeScript(sql);
    ASSERT_TRUE(script.statements.at(0).tree) << sql;
    EXPECT_EQ(script.statements[0].text, sql);
  }
}

TEST(ParseWholeScript, RefusesAZeroByte) {
  for (const std::string_view sql :
       {std::string_view("select 'a\0b'", 12), std::string_view("select \"a\0b\"", 12),
        std::string_view("select 1 -- \0", 13)}) {
    const ParsedScript script = ParseWholeScript(sql);
    ASSERT_EQ(script.statements.size(), 1u);
    EXPECT_FALSE(script.statements[0].tree);
  }
}

TEST(ParseStatement, MakesNumbersOfTheirTokensAlone) {
  for (const char* sql : {"create table t (a int identity(-/*x*/1, - --\r2\n))",
                          "create table t (a int identity(-1,-2))"}) {
    const ParsedScript script = ParseWholeScript(sql);
    const auto* create = ast::As<ast::CreateTable>(script.statements.at(0).tree);
    ASSERT_TRUE(create) << sql;
    const auto* column = ast::As<ast::ColumnDefinition>(create->elements[0]);
    ASSERT_TRUE(column) << sql;
    EXPECT_EQ(column->seed, "-1") << sql;
    EXPECT_EQ(column->step, "-2") << sql;
  }
}

TEST(CharacterPositions, CountAsTheSlowWayDoes) {
  std::string text;
  for (int i = 0; i < 700; i++) text += i % 3 == 0 ? "é" : i % 5 == 0 ? "🐝" : "x";
  const CharacterPositions positions(text);
  for (size_t i = 0; i <= text.size(); i++)
    ASSERT_EQ(positions.At(i), CharacterPosition(text, i)) << i;
  EXPECT_EQ(CharacterPositions("").At(0), 1u);
}

TEST(ParseWholeScript, StopsTellingStatementsApartAfterTooManyErrors) {
  const std::string sql = Repeat("x;", 1'000'000);
  const ParsedScript script = ParseWholeScript(sql);
  ASSERT_EQ(script.statements.size(), kMaxErrors);
  EXPECT_EQ(script.statements.back().text.size() + script.statements.back().offset, sql.size());
  const std::string bad = Repeat("select `;", 100'000);
  EXPECT_EQ(ParseWholeScript(bad).statements.size(), kMaxErrors);
}

TEST(ParseWholeScript, ReadsSoManyStatementsAndNoMore) {
  const std::string sql = Repeat("end;", kMaxStatements + 10);
  const ParsedScript script = ParseWholeScript(sql);
  ASSERT_EQ(script.statements.size(), kMaxStatements + 1);
  EXPECT_TRUE(script.statements[kMaxStatements - 1].tree);
  EXPECT_EQ(script.statements.back().error.kind, ErrorKind::kPayloadTooLarge);
}

TEST(ParseWholeScript, RefusesAStatementAboveItsLimitAlone) {
  const std::string large = "select '" + std::string(kMaxStatementBytes, 'x') + "'";
  const std::string sql = large + "; select 1";
  const ParsedScript script = ParseWholeScript(sql);
  ASSERT_EQ(script.statements.size(), 2u);
  EXPECT_EQ(script.statements[0].error.kind, ErrorKind::kPayloadTooLarge);
  EXPECT_TRUE(script.statements[1].tree);
}

TEST(ParseWholeScript, CountsCharactersNotBytes) {
  const Error error = ErrorOf("select 'äöü€' frm t x y");
  EXPECT_EQ(error.message, "syntax error at or near \"t\"");
  EXPECT_EQ(error.position, 19u);
}

TEST(ParseStatement, NamesThePlaceOfASyntaxError) {
  struct Case {
    std::string_view sql, message;
    uint32_t position;
  };
  static constexpr Case kCases[] = {
      {"selct 1", "syntax error at or near \"selct\"", 1},
      {"select", "syntax error at end of input", 7},
      {"select 1 from", "syntax error at end of input", 14},
      {"insert t values (1)", "syntax error at or near \"t\"", 8},
      {"insert into t (a) 5", "syntax error at or near \"5\"", 19},
      {"update t a = 1", "syntax error at or near \"=\"", 12},
      {"create table t", "syntax error at end of input", 15},
      {"create table t (a)", "syntax error at or near \")\"", 18},
      {"create table t (a int) distkey", "syntax error at end of input", 31},
      {"create tabel t (a int)", "syntax error at or near \"tabel\"", 8},
      {"alter table t frobnicate", "syntax error at or near \"frobnicate\"", 15},
      {"drop", "syntax error at end of input", 5},
      {"drop thing x", "syntax error at or near \"thing\"", 6},
      {"copy t from 's3://b' iam_role default nonsense", "syntax error at or near \"nonsense\"",
       39},
      {"unload 'select 1' to 's3://b'", "syntax error at or near \"'select 1'\"", 8},
      {"grant fly on t to nina", "unrecognized privilege type \"fly\"", 7},
      {"grant select on t", "syntax error at end of input", 18},
      {"vacuum t to many percent", "syntax error at or near \"many\"", 13},
      {"begin isolation level none", "syntax error at or near \"none\"", 23},
      {"set x", "syntax error at end of input", 6},
      {"show", "syntax error at end of input", 5},
      {"merge into t using u on t.a = u.a", "syntax error at end of input", 34},
      {"explain", "syntax error at end of input", 8},
      {"explain 5", "syntax error at or near \"5\"", 9},
      {"select 1 select 2", "syntax error at or near \"select\"", 10},
      {"create view v as update t set a = 1", "syntax error at or near \"update\"", 18},
      {"create function f() returns int stable as $$ select 1 $$", "syntax error at end of input",
       57},
      {"cancel all", "syntax error at or near \"all\"", 8},
      {"show tables from schema s like", "syntax error at end of input", 31},
      {"create user", "syntax error at end of input", 12},
  };
  for (const auto& [sql, message, position] : kCases) {
    const Error error = ErrorOf(sql);
    EXPECT_EQ(error.kind, ErrorKind::kSyntaxError) << sql;
    EXPECT_EQ(error.message, message) << sql;
    EXPECT_EQ(error.position, position) << sql;
  }
}

TEST(ParseStatement, RefusesByNameWhatOnlyPostgresqlHas) {
  static constexpr std::pair<std::string_view, std::string_view> kCases[] = {
      {"create index i on t (a)", "CREATE INDEX is not supported"},
      {"create unique index i on t (a)", "CREATE UNIQUE INDEX is not supported"},
      {"create sequence s", "CREATE SEQUENCE is not supported"},
      {"create or replace trigger g before insert on t execute f()",
       "CREATE TRIGGER is not supported"},
      {"create rule r as on select to t do nothing", "CREATE RULE is not supported"},
      {"create type m as enum ('a')", "CREATE TYPE is not supported"},
      {"create domain d as int", "CREATE DOMAIN is not supported"},
      {"create extension e", "CREATE EXTENSION is not supported"},
      {"create aggregate a (int) (sfunc = f)", "CREATE AGGREGATE is not supported"},
      {"create operator + (procedure = f)", "CREATE OPERATOR is not supported"},
      {"create unlogged table t (a int)", "CREATE UNLOGGED TABLE is not supported"},
      {"alter sequence s restart", "ALTER SEQUENCE is not supported"},
      {"drop index i", "DROP INDEX is not supported"},
      {"drop trigger g on t", "DROP TRIGGER is not supported"},
      {"savepoint a", "SAVEPOINT is not supported"},
      {"release savepoint a", "RELEASE SAVEPOINT is not supported"},
      {"rollback to savepoint a", "ROLLBACK TO is not supported"},
      {"listen c", "LISTEN is not supported"},
      {"notify c, 'x'", "NOTIFY is not supported"},
      {"do $$ begin end $$", "DO is not supported"},
      {"cluster t", "CLUSTER is not supported"},
      {"reindex table t", "REINDEX is not supported"},
      {"prepare transaction 'x'", "PREPARE TRANSACTION is not supported"},
      {"insert into t values (1) on conflict do nothing", "INSERT ON CONFLICT is not supported"},
      {"insert into t values (1) returning a", "RETURNING is not supported"},
      {"update t set a = 1 returning a", "RETURNING is not supported"},
      {"update t set (a, b) = (1, 2)", "UPDATE OF SEVERAL COLUMNS AS A ROW is not supported"},
      {"delete from t returning *", "RETURNING is not supported"},
      {"create table t (a int check (a > 0))", "CHECK CONSTRAINT is not supported"},
      {"create table t (a int, check (a > 0))", "CHECK CONSTRAINT is not supported"},
      {"create table t (a int) inherits (u)", "TABLE INHERITANCE is not supported"},
      {"create table t (a int) tablespace x", "TABLESPACE is not supported"},
      {"create table t (a int) partition by range (a)", "TABLE PARTITIONING is not supported"},
      {"copy t from stdin", "COPY FROM STDIN is not supported"},
      {"copy t to 'f'", "COPY TO is not supported"},
      {"declare c scroll cursor for select 1", "SCROLL OR BINARY CURSOR is not supported"},
      {"declare c cursor with hold for select 1", "CURSOR WITH HOLD is not supported"},
      {"fetch backward 1 from c", "BACKWARD FETCH is not supported"},
      {"truncate a, b", "TRUNCATE OF SEVERAL TABLES is not supported"},
      {"alter table t alter column a set default 1", "ALTER COLUMN SET OR DROP is not supported"},
      {"merge into t using u on t.a = u.a when matched and t.b then delete",
       "MERGE WITH A CONDITION ON WHEN is not supported"},
  };
  for (const auto& [sql, message] : kCases) {
    const Error error = ErrorOf(sql);
    EXPECT_EQ(error.kind, ErrorKind::kFeatureNotSupported) << sql;
    EXPECT_EQ(error.message, message) << sql;
    EXPECT_GT(error.position, 0u) << sql;
  }
}

TEST(ParseStatement, SurvivesWhateverIsNested) {
  static constexpr size_t kMany = 100'000;
  const std::pair<std::string, std::string> kinds[] = {
      {"(", ")"},
      {"- ", ""},
      {"not ", ""},
      {"abs(", ")"},
      {"case when 1 then ", " end"},
      {"(select ", ")"},
      {"a in (", ")"},
      {"array[", "]"},
      {"x[", "]"},
      {"cast(", " as int)"},
      {"position(", " in x)"},
      {"prior (", ")"},
      {"trim(both from ", ")"},
      {"extract(day from ", ")"},
      {"a like (", ")"},
      {"a between 1 and (", ")"},
      {"f(x) over (order by ", ")"},
      {"a > any (", ")"},
      {"substring(", ", 1)"},
      {"exists (select 1 where ", ")"},
      {"(select 1 where 1 in ((", ")))"},
  };
  for (const auto& [open, close] : kinds) {
    for (const size_t times : {size_t{25}, kMany}) {
      const std::string sql = "select " + Repeat(open, times) + "1" + Repeat(close, times);
      const ParsedScript script = ParseWholeScript(sql);
      ASSERT_EQ(script.statements.size(), 1u);
      if (!script.statements[0].tree) {
        EXPECT_EQ(script.statements[0].error.kind, ErrorKind::kPayloadTooLarge)
            << open << ": " << script.statements[0].error.message;
        EXPECT_EQ(times, kMany) << open << script.statements[0].error.message;
        continue;
      }
      EXPECT_FALSE(Print(*script.statements[0].tree).empty());
    }
  }
  EXPECT_EQ(ErrorOf("select " + Repeat("prior ", kMany) + "a").kind, ErrorKind::kPayloadTooLarge);
  for (const std::string_view open :
       {"explain ", "select 1 from table(", "select 1 from a join (",
        "select 1 group by grouping sets (", "(((", "select * from (", "with a as (",
        "prepare p as ", "create schema s ", "select 1 union (", "select a from ((",
        "insert into t (select ((", "create table t (a array<"}) {
    const std::string sql = Repeat(open, kMany);
    const ParsedScript script = ParseWholeScript(sql);
    ASSERT_EQ(script.statements.size(), 1u);
    EXPECT_FALSE(script.statements[0].tree);
  }
}

TEST(ParseStatement, ReadsOrRefusesLongChains) {
  static constexpr size_t kMany = 100'000;
  const std::pair<std::string, std::string> chains[] = {
      {"select 1", " + 1"},
      {"select 1 where true", " and a = 1"},
      {"select 1 where true", " or a = 1"},
      {"select 1", " union all select 1"},
      {"select 1 from t", " join u on true"},
      {"select 1 from t", ", u"},
      {"select 1", "::int"},
      {"select a", "[0]"},
      {"select a[0]", ".b"},
      {"select 1", ", 1"},
      {"select 1 in (1", ", 1"},
      {"insert into t values (1)", ", (1)"},
      {"select a", " at time zone 'x'"},
      {"select 1 where a", " is null"},
      {"select 1 where a", " like 'x'"},
      {"select 1 from t", " pivot (sum(a) for b in (1))"},
      {"drop table t", ", t"},
      {"set x to 1", ", 1"},
  };
  for (const auto& [head, link] : chains) {
    for (const size_t times : {size_t{1000}, size_t{1900}, kMany}) {
      std::string sql = head + Repeat(link, times);
      if (head.ends_with("(1")) sql += ")";
      const ParsedScript script = ParseWholeScript(sql);
      ASSERT_EQ(script.statements.size(), 1u);
      const ParsedStatement& statement = script.statements[0];
      if (!statement.tree) {
        EXPECT_EQ(statement.error.kind, ErrorKind::kPayloadTooLarge)
            << head << link << ": " << statement.error.message;
        EXPECT_EQ(times, kMany) << head << link;
        continue;
      }
      const std::string once = Print(*statement.tree);
      const ParsedScript again = ParseWholeScript(once);
      ASSERT_TRUE(again.statements.at(0).tree) << head << link;
      EXPECT_TRUE(ast::Equal(*statement.tree, *again.statements[0].tree)) << head << link;
    }
  }
}

TEST(ParseStatement, RefusesChainsWithinParenthesesThatAddUp) {
  const std::string sql =
      "select " + Repeat("(", 300) + "1" + Repeat(Repeat(" + 1", 100) + ")", 300);
  const ParsedScript script = ParseWholeScript(sql);
  ASSERT_EQ(script.statements.size(), 1u);
  EXPECT_FALSE(script.statements[0].tree);
  EXPECT_EQ(script.statements[0].error.kind, ErrorKind::kPayloadTooLarge);
}

}  // namespace
}  // namespace skep::sql
