#include "worker/engine_errors.h"

#include <gtest/gtest.h>

#include <string>

#include "worker/session_fixture.h"

namespace skep::worker {
namespace {

class EngineErrorsTest : public EngineFixture {
 protected:
  EngineErrorsTest() {
    client_ = Client();
    for (const char* text :
         {"create table t(a int not null, b varchar(10), c numeric(10,2), d date)",
          "insert into t values (1, 'x', 1.5, '2024-01-01')", "create view v as select a from t",
          "create schema s", "create table s.other(a int, z int)"}) {
      const Reply reply = client_->Run(text);
      EXPECT_TRUE(reply.complete) << text << ": " << reply.Text();
    }
  }
  ~EngineErrorsTest() override { client_.reset(); }

  std::unique_ptr<SessionClient> client_;
};

TEST_F(EngineErrorsTest, SpeaksOfTheUsersStatement) {
  struct Row {
    const char* text;
    ErrorKind kind;
    const char* message;
    uint32_t position;
  };
  const Row rows[] = {
      {"select * from missing", ErrorKind::kUndefinedTable, "relation \"missing\" does not exist",
       15},
      {"select 1,\n       x from t", ErrorKind::kUndefinedColumn, "column \"x\" does not exist",
       18},
      {"select t.nope from t", ErrorKind::kUndefinedColumn, "column t.nope does not exist", 8},
      {"select u.a from t", ErrorKind::kUndefinedTable, "missing FROM-clause entry for table \"u\"",
       8},
      {"select a from t, s.other", ErrorKind::kAmbiguousColumn,
       "column reference \"a\" is ambiguous", 8},
      {"select a, count(*) from t", ErrorKind::kGroupingError,
       "column \"a\" must appear in the GROUP BY clause or be used in an aggregate function", 8},
      {"select 1/0", ErrorKind::kDivisionByZero, "division by zero", 0},
      {"select 5 % 0", ErrorKind::kDivisionByZero, "division by zero", 0},
      {"select a/(a-1) from t", ErrorKind::kDivisionByZero, "division by zero", 0},
      {"insert into t(a) values (null)", ErrorKind::kNotNullViolation,
       "null value in column \"a\" violates not-null constraint", 0},
      {"select cast('abc' as int)", ErrorKind::kInvalidText,
       "invalid input syntax for integer: \"abc\"", 0},
      {"select cast('1.2.3' as double precision)", ErrorKind::kInvalidText,
       "invalid input syntax for type double precision: \"1.2.3\"", 0},
      {"select cast('maybe' as boolean)", ErrorKind::kInvalidText,
       "invalid input syntax for type boolean: \"maybe\"", 8},
      {"select (select 1 union select 2)", ErrorKind::kCardinalityViolation,
       "more than one row returned by a subquery used as an expression", 0},
      {"create table t(a int)", ErrorKind::kDuplicateTable, "relation \"t\" already exists", 0},
      {"create schema s", ErrorKind::kDuplicateSchema, "schema \"s\" already exists", 0},
      {"drop table missing", ErrorKind::kUndefinedTable, "table \"missing\" does not exist", 12},
      {"select 1 from t where a = ", ErrorKind::kSyntaxError, nullptr, 0},
      {"select (select a, c from t)", ErrorKind::kSyntaxError, nullptr, 0},
      {"select 1 union select 1, 2", ErrorKind::kSyntaxError, nullptr, 0},
      {"insert into t(a, b) values (1)", ErrorKind::kSyntaxError, nullptr, 0},
      {"insert into t(zzz) values (1)", ErrorKind::kUndefinedColumn,
       "column \"zzz\" of relation \"t\" does not exist", 15},
      {"update t set zzz = 1", ErrorKind::kUndefinedColumn,
       "column \"zzz\" of relation \"t\" does not exist", 14},
      {"select 30000::smallint * 30000::smallint", ErrorKind::kNumericOutOfRange,
       "Overflow in multiplication of smallint (30000 * 30000)!", 0},
      {"select 9223372036854775807 + a from t", ErrorKind::kNumericOutOfRange, nullptr, 0},
      {"select cast(99999 as smallint)", ErrorKind::kNumericOutOfRange, "smallint out of range", 0},
      {"select cast('99999' as smallint)", ErrorKind::kNumericOutOfRange,
       "value \"99999\" is out of range for type smallint", 0},
      {"select cast(3e9 as int)", ErrorKind::kNumericOutOfRange, nullptr, 0},
      {"select cast(123456789.5 as numeric(5,2))", ErrorKind::kNumericOutOfRange, nullptr, 0},
      {"select cast('2024-02-30' as date)", ErrorKind::kDatetimeOutOfRange, nullptr, 0},
      {"select cast('x' as date)", ErrorKind::kInvalidDatetime,
       "invalid input syntax for type date: \"x\"", 8},
      {"select upper(a, b) from t", ErrorKind::kUndefinedFunction, nullptr, 0},
      {"select sum(b) from t", ErrorKind::kUndefinedFunction, nullptr, 0},
      {"select sum(sum(a)) from t", ErrorKind::kGroupingError, nullptr, 0},
      {"select a from t where sum(a) > 1", ErrorKind::kGroupingError, nullptr, 0},
      {"select a from t order by 7", ErrorKind::kInvalidColumnReference,
       "ORDER BY position 7 is not in select list", 26},
      {"drop schema s", ErrorKind::kDependentObjects, nullptr, 0},
  };
  for (const auto& row : rows) {
    const Reply reply = client_->Run(row.text);
    ASSERT_TRUE(reply.error) << row.text << ": " << reply.Text();
    EXPECT_EQ(CodesOf(reply.error->kind).name, CodesOf(row.kind).name)
        << row.text << ": " << reply.error->message;
    if (row.message) EXPECT_EQ(reply.error->message, row.message) << row.text;
    if (row.position != 0) EXPECT_EQ(reply.error->position, row.position) << row.text;
    // Nothing of the engine's own.
    for (const char* theirs : {"LINE 1", "Candidate", "\"dev\"", "DuckDB", "duckdb", "INT16",
                               "INT32", "INT64", "HUGEINT", "TRY_CAST", "\n", "Binder Error",
                               "Catalog Error", "Did you mean", "skep_", "main."}) {
      EXPECT_EQ(reply.error->message.find(theirs), std::string::npos)
          << row.text << ": " << reply.error->message;
    }
  }
  EXPECT_EQ(client_->Run("select a from t").Text(), "1");
}

TEST_F(EngineErrorsTest, CountsPositionsInCharacters) {
  const Reply reply = client_->Run("select 'Grüße 🐝', missing from t");
  ASSERT_TRUE(reply.error);
  EXPECT_EQ(reply.error->kind, ErrorKind::kUndefinedColumn);
  EXPECT_EQ(reply.error->position, 19u);
}

TEST_F(EngineErrorsTest, ADeepStatementFailsInOrder) {
  std::string deep = "select ";
  for (int i = 0; i < 3000; i++) deep += "(";
  deep += "1";
  for (int i = 0; i < 3000; i++) deep += ")";
  const Reply reply = client_->Run(deep);
  if (reply.error)
    EXPECT_NE(CodesOf(reply.error->kind).name, CodesOf(ErrorKind::kInternal).name)
        << reply.error->message;
  EXPECT_FALSE(reply.closed);
  EXPECT_EQ(client_->Run("select 2").Text(), "2");
}

TEST_F(EngineErrorsTest, RunsOutOfMemoryInOrder) {
  const Reply reply = client_->Run(
      "select max(length(x)) from (select string_agg(repeat('x', 1000000), ',') x from "
      "generate_series(1, 3000))");
  ASSERT_TRUE(reply.error);
  EXPECT_TRUE(reply.error->kind == ErrorKind::kOutOfMemory ||
              reply.error->kind == ErrorKind::kPayloadTooLarge ||
              reply.error->kind == ErrorKind::kUndefinedFunction)
      << reply.error->message;
  EXPECT_EQ(client_->Run("select 2").Text(), "2");
}

TEST(EngineErrors, KeepsWhatItCannotTranslateToItsFirstLine) {
  const auto error =
      ToError(duckdb::ErrorData(
                  duckdb::ExceptionType::BINDER,
                  "something odd\n\nLINE 1: select \"secret\" from x\n        ^\nDid you mean y?"),
              nullptr);
  EXPECT_EQ(error.kind, ErrorKind::kSyntaxError);
  EXPECT_EQ(error.message, "something odd");
}

TEST(EngineErrors, TellsADiskThatIsFull) {
  const auto error =
      ToError(duckdb::ErrorData(duckdb::ExceptionType::IO,
                                "Could not write file \"/data/x.wal\": No space left on device"),
              nullptr);
  EXPECT_EQ(error.kind, ErrorKind::kDiskFull);
  EXPECT_EQ(error.message.find("/data"), std::string::npos);
}

TEST(EngineErrors, KnowsWhenTheEngineCannotGoOn) {
  EXPECT_TRUE(IsFatal(duckdb::ErrorData(duckdb::ExceptionType::FATAL, "x")));
  EXPECT_TRUE(IsFatal(
      duckdb::ErrorData(duckdb::ExceptionType::TRANSACTION,
                        "the database has been invalidated because of a previous fatal error")));
  EXPECT_FALSE(IsFatal(duckdb::ErrorData(duckdb::ExceptionType::IO, "x")));
}

TEST(FunctionErrors, KeepTheirSqlstates) {
  struct Row {
    const char* text;
    const char* sqlstate;
  };
  for (const Row& row : {Row{"value too long for type character varying(3)", "22001"},
                         Row{"value too long for type character(3)", "22001"},
                         Row{"invalid regular expression: brackets [] not balanced: '['", "22023"},
                         Row{"field position must be greater than zero", "22023"},
                         Row{"the result is too large: text has at most 16777216 bytes", "54000"},
                         Row{"negative substring length not allowed", "22000"}}) {
    const Error error = ToError(duckdb::InvalidInputException(row.text));
    EXPECT_EQ(CodesOf(error.kind).sqlstate, row.sqlstate) << row.text;
    EXPECT_EQ(error.message, row.text);
  }
  const Error error = ToError(duckdb::BinderException(
      "No function matches the given name and argument types 'rs_length(INTEGER[])'."));
  EXPECT_EQ(error.kind, ErrorKind::kUndefinedFunction);
  EXPECT_EQ(error.message.find("rs_"), std::string::npos) << error.message;
}

}  // namespace
TEST(EngineErrors, NamesMissingOperatorsAndCasts) {
  const auto told = [](const char* text) {
    const Error error = ToError(duckdb::BinderException(text));
    return std::pair(error.kind, error.message);
  };
  EXPECT_EQ(told("No function matches the given name and argument types '+(DATE, DECIMAL(2,1))'."),
            std::pair(ErrorKind::kUndefinedFunction,
                      std::string("operator does not exist: date + numeric")));
  EXPECT_EQ(told("No function matches the given name and argument types '-(VARCHAR)'."),
            std::pair(ErrorKind::kUndefinedFunction,
                      std::string("operator does not exist: - character varying")));
  const Error cast = ToError(duckdb::InvalidInputException(
      "Unimplemented type for cast (DECIMAL(10,2) -> DATE) when casting from source column n"));
  EXPECT_EQ(cast.kind, ErrorKind::kCannotCoerce);
  EXPECT_EQ(cast.message, "cannot cast type numeric to date");
}

}  // namespace skep::worker
