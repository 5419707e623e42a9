#include "worker/plan_guard.h"

#include <gtest/gtest.h>

#include <duckdb/main/prepared_statement_data.hpp>
#include <fstream>
#include <string>

#include "worker/session_fixture.h"

namespace skep::worker {
namespace {

// The engine's own SQL, with no emitter before it: what the guard alone stands against.
class PlanGuardTest : public EngineFixture {
 protected:
  PlanGuardTest() {
    auto made = engine_->Connect("dev", "alice");
    EXPECT_TRUE(made.has_value());
    session_ = std::move(*made);
    duckdb::Connection setup(*Connection().context->db);
    for (const char* text : {"CREATE TABLE dev.public.t AS SELECT range AS a FROM range(10)",
                             "CREATE VIEW dev.public.v AS SELECT a FROM dev.public.t"}) {
      EXPECT_FALSE(setup.Query(text)->HasError());
    }
    std::ofstream(folder_.path() + "/temp/secret.csv") << "a,b\n1,hidden\n";
    Connection().context->config.get_result_collector =
        [this](duckdb::ClientContext& context, duckdb::PreparedStatementData& data) {
          if (guarded_) CheckPlan(data, "dev", readable_);
          return duckdb::PhysicalResultCollector::GetResultCollector(context, data);
        };
    Run("USE dev.public", false);
  }
  ~PlanGuardTest() override { session_ = {}; }

  duckdb::Connection& Connection() { return *session_.connection; }
  std::string Run(std::string sql, bool guarded = true) {
    for (size_t at; (at = sql.find("FILE")) != std::string::npos;)
      sql.replace(at, 4, "'" + folder_.path() + "/temp/secret.csv'");
    for (size_t at; (at = sql.find("TARGET")) != std::string::npos;)
      sql.replace(at, 6, "'" + folder_.path() + "/temp/target'");
    guarded_ = guarded;
    const auto result = Connection().Query(sql);
    if (!result->HasError()) return "ok";
    return result->GetErrorObject().Type() == duckdb::ExceptionType::PERMISSION
               ? "refused"
               : result->GetErrorObject().RawMessage();
  }

  Engine::SessionConnection session_;
  bool guarded_ = false;
  IsDatabase readable_;
};

TEST_F(PlanGuardTest, RefusesWhatTheEngineWouldRun) {
  // The first group runs when the guard is away: it is the guard alone that refuses.
  for (const char* sql : {
           "SELECT * FROM read_text(FILE)",
           "SELECT * FROM read_blob(FILE)",
           "SELECT * FROM read_csv(FILE)",
           "SELECT * FROM read_csv_auto(FILE)",
           "SELECT * FROM sniff_csv(FILE)",
           "SELECT * FROM glob('/tmp/*')",
           "SELECT count(*) FROM (SELECT 1 FROM read_text(FILE))",
           "SELECT 1 WHERE EXISTS (SELECT * FROM read_text(FILE))",
           "SELECT (SELECT content FROM read_text(FILE))",
           "WITH x AS MATERIALIZED (SELECT * FROM read_text(FILE)) SELECT * FROM x a, x b",
           "SELECT * FROM t POSITIONAL JOIN read_text(FILE)",
           "SELECT * FROM t WHERE a IN (SELECT size FROM read_text(FILE))",
           "SELECT * FROM t, LATERAL (SELECT * FROM read_text(FILE) WHERE size > a)",
           "SELECT a FROM t UNION ALL SELECT size FROM read_text(FILE)",
           "INSERT INTO t SELECT size FROM read_text(FILE)",
           "UPDATE t SET a = (SELECT size FROM read_text(FILE))",
           "DELETE FROM t USING read_text(FILE)",
           "CREATE TABLE stolen AS SELECT * FROM read_text(FILE)",
           "EXPLAIN ANALYZE SELECT * FROM read_text(FILE)",
           "SELECT * FROM query('SELECT * FROM duckdb_settings()')",
           "SELECT * FROM duckdb_secrets()",
           "SELECT * FROM duckdb_settings()",
           "SELECT * FROM duckdb_extensions()",
           "SELECT * FROM duckdb_memory()",
           "SELECT * FROM duckdb_temporary_files()",
           "SELECT * FROM duckdb_logs()",
           "SELECT * FROM pragma_database_size()",
           "SELECT * FROM pragma_storage_info('t')",
           "CALL pragma_version()",
           "COPY t TO TARGET",
           "COPY (SELECT 1) TO TARGET (FORMAT csv)",
           "COPY (SELECT 1) TO TARGET (FORMAT parquet)",
           "COPY (SELECT 1) TO TARGET (FORMAT rs_unload, PLAN '{}')",
           "COPY (SELECT 1) TO 's3://bucket/key' (FORMAT csv)",
           "COPY (SELECT 1) TO 's3://' (FORMAT csv)",
           "COPY (SELECT 1) TO 's3://w1.0@x' (FORMAT csv)",
           "EXPORT DATABASE TARGET",
           "ATTACH ':memory:' AS other",
           "CREATE TEMPORARY SECRET s (TYPE http, BEARER_TOKEN 'x')",
           "SET VARIABLE x = 1",
           "SET TimeZone = 'UTC'",
           "RESET TimeZone",
           "CHECKPOINT",
           "PREPARE p AS SELECT 1",
           "CREATE MACRO m() AS 1",
           "CREATE SEQUENCE q",
           "CREATE TYPE ty AS ENUM ('a')",
           "CREATE INDEX i ON t(a)",
           "SELECT * FROM skep_catalog.format",
           "SELECT * FROM dev.skep_catalog.external_schemas",
           "SELECT (SELECT max(version) FROM skep_catalog.format)",
           "INSERT INTO skep_catalog.format VALUES (0)",
           "UPDATE skep_catalog.format SET version = 0",
           "DELETE FROM skep_catalog.format",
           "CREATE TABLE skep_catalog.x(a INT)",
           "CREATE TABLE skep_catalog.y AS SELECT 1 a",
           "CREATE VIEW skep_catalog.z AS SELECT 1 a",
           "ALTER TABLE skep_catalog.format ADD COLUMN x INT",
           "DROP TABLE skep_catalog.external_schemas",
           "DROP SCHEMA skep_catalog CASCADE",
           "SELECT * FROM dev.\"SKEP_CATALOG\".format",
           "CREATE TABLE dev.\"Skep_Catalog\".x(a INT)",
           "CREATE TABLE dev.\"Skep_Catalog\".y AS SELECT 1 a",
           "CREATE VIEW dev.\"sKEP_CATALOG\".z AS SELECT 1 a",
           "ALTER TABLE dev.\"SKEP_CATALOG\".format ADD COLUMN x INT",
           "DROP TABLE dev.\"SKEP_CATALOG\".format",
           "DROP SCHEMA \"SKEP_CATALOG\" CASCADE",
           "CREATE TABLE dev.main.t(a INT)",
           "CREATE TABLE dev.\"Main\".t AS SELECT 1 a",
           "CREATE VIEW dev.main.v AS SELECT 1 a",
           "DROP SCHEMA dev.main CASCADE",
           "MERGE INTO skep_catalog.format USING (VALUES (1)) s(a) ON true WHEN MATCHED THEN "
           "DELETE",
       }) {
    EXPECT_EQ(Run(sql), "refused") << sql;
  }
  // The hidden tables are still whole, and nothing was written.
  EXPECT_EQ(Run("SELECT * FROM skep_catalog.external_schemas", false), "ok");
  // EXPORT makes its folder while it is bound, before there is a plan; nothing is in it.
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path() + "/temp/target"));
  EXPECT_NE(Run("SELECT * FROM stolen", false).find("does not exist"), std::string::npos);
}

TEST_F(PlanGuardTest, OtherDatabasesAreReadWhenTheyMayBeAndNeverWritten) {
  const auto other = engine_->Connect("other", "alice");
  ASSERT_TRUE(other);
  ASSERT_EQ(Run("CREATE TABLE other.public.t AS SELECT 1 AS a", false), "ok");
  EXPECT_EQ(Run("SELECT * FROM other.public.t"), "refused");
  readable_ = [](const std::string& name) { return name == "other"; };
  EXPECT_EQ(Run("SELECT * FROM other.public.t"), "ok");
  EXPECT_EQ(Run("CREATE TABLE dev.public.copied AS SELECT * FROM other.public.t"), "ok");
  for (const char* sql :
       {"SELECT * FROM other.skep_catalog.format", "SELECT * FROM other.\"SKEP_CATALOG\".format",
        "INSERT INTO other.public.t VALUES (2)", "UPDATE other.public.t SET a = 2",
        "DELETE FROM other.public.t", "TRUNCATE other.public.t", "DROP TABLE other.public.t",
        "ALTER TABLE other.public.t ADD COLUMN b INT", "CREATE TABLE other.public.u(a INT)",
        "CREATE TABLE other.public.w AS SELECT 1 a", "CREATE VIEW other.public.v AS SELECT 1 a",
        "CREATE SCHEMA other.s", "DROP SCHEMA other.public CASCADE",
        "SELECT * FROM read_text(FILE)"})
    EXPECT_EQ(Run(sql), "refused") << sql;
  EXPECT_EQ(Run("SELECT count(*) FROM other.public.t", false), "ok");
}

TEST_F(PlanGuardTest, RefusalsComeFromTheGuard) {
  for (const char* sql :
       {"SELECT * FROM read_text(FILE)", "SELECT * FROM t POSITIONAL JOIN read_text(FILE)",
        "COPY t TO TARGET", "CREATE MACRO m() AS 1", "SELECT * FROM duckdb_secrets()",
        "SELECT * FROM skep_catalog.format", "DELETE FROM skep_catalog.external_schemas",
        "ALTER TABLE skep_catalog.format ADD COLUMN x INT"}) {
    EXPECT_EQ(Run(sql), "refused") << sql;
    EXPECT_EQ(Run(sql, false), "ok") << sql;
  }
}

TEST_F(PlanGuardTest, RefusesOtherDatabases) {
  ASSERT_TRUE(engine_->Connect("other", "alice").has_value());
  EXPECT_EQ(Run("SELECT * FROM other.skep_catalog.format"), "refused");
  EXPECT_EQ(Run("CREATE TABLE other.public.t AS SELECT 1 a", false), "ok");
  EXPECT_EQ(Run("SELECT * FROM other.public.t"), "refused");
  EXPECT_EQ(Run("INSERT INTO other.public.t VALUES (1)"), "refused");
  EXPECT_EQ(Run("DROP TABLE other.public.t"), "refused");
  EXPECT_EQ(Run("CREATE TABLE memory.main.t(a INT)"), "refused");
  EXPECT_EQ(Run("CREATE SCHEMA other.x"), "refused");
  EXPECT_EQ(Run("CREATE VIEW other.public.v AS SELECT 1"), "refused");
  EXPECT_EQ(Run("SELECT * FROM other.public.t", false), "ok");
}

TEST_F(PlanGuardTest, LetsThroughWhatTheEmitterWrites) {
  for (const char* sql : {
           "SELECT 1",
           "SELECT a, count(*) FROM t GROUP BY a ORDER BY a LIMIT 3",
           "SELECT * FROM v",
           "SELECT t.a, sum(u.a) OVER (ORDER BY t.a) FROM t JOIN t u USING (a)",
           "SELECT DISTINCT a FROM t WHERE a IN (SELECT a FROM t WHERE a > (SELECT avg(a) FROM t))",
           "SELECT a FROM t INTERSECT SELECT a FROM t EXCEPT SELECT 1 UNION ALL VALUES (1), (2)",
           "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT * "
           "FROM r",
           "WITH x AS MATERIALIZED (SELECT * FROM t) SELECT * FROM x a, x b",
           "SELECT * FROM generate_series(1, 10)",
           "SELECT x.* FROM t, LATERAL (SELECT * FROM generate_series(1, a)) x",
           "SELECT unnest([1, 2, 3])",
           "SELECT * FROM t a, t b WHERE a.a < b.a",
           "SELECT * FROM t a LEFT JOIN t b ON a.a BETWEEN b.a AND b.a + 2",
           "SELECT * FROM t a FULL JOIN t b ON a.a = b.a + 5",
           "SELECT * FROM t WHERE EXISTS (SELECT 1 FROM t u WHERE u.a = t.a + 1)",
           "SELECT approx_count_distinct(a), median(a), listagg(a, ',') FROM t",
           "SELECT * FROM duckdb_tables()",
           "SELECT * FROM information_schema.columns",
           "SELECT * FROM pg_catalog.pg_class",
           "EXPLAIN SELECT * FROM t",
           "EXPLAIN ANALYZE SELECT * FROM t",
           "INSERT INTO t VALUES (100)",
           "INSERT INTO t SELECT a + 1000 FROM t",
           "UPDATE t SET a = a + 1 WHERE a > 3",
           "DELETE FROM t WHERE a > 500",
           "CREATE TABLE made(a INT NOT NULL, b VARCHAR DEFAULT 'x')",
           "CREATE TABLE IF NOT EXISTS made(a INT)",
           "CREATE TABLE made2 AS SELECT * FROM t ORDER BY a",
           "CREATE TEMPORARY TABLE scratch AS SELECT * FROM t",
           "SELECT * FROM scratch",
           "DROP TABLE scratch",
           "CREATE OR REPLACE VIEW v AS SELECT a + 1 AS a FROM t",
           "ALTER TABLE made ADD COLUMN c INT",
           "ALTER TABLE made RENAME TO renamed",
           "TRUNCATE renamed",
           "DROP VIEW v",
           "DROP TABLE IF EXISTS nowhere",
           "CREATE SCHEMA dev.s",
           "CREATE TABLE dev.s.t(a INT)",
           "DROP SCHEMA dev.s CASCADE",
           "BEGIN",
           "SELECT * FROM t",
           "ROLLBACK",
       }) {
    EXPECT_EQ(Run(sql), "ok") << sql;
  }
}

TEST_F(PlanGuardTest, NamesNoObjectInItsRefusal) {
  guarded_ = true;
  const auto result = Connection().Query("SELECT * FROM skep_catalog.format");
  ASSERT_TRUE(result->HasError());
  EXPECT_EQ(result->GetErrorObject().RawMessage().find("format"), std::string::npos)
      << result->GetErrorObject().RawMessage();
}

}  // namespace
}  // namespace skep::worker
