#include "sql/emit.h"

#include <gtest/gtest.h>

namespace skep::sql {
namespace {

class Catalog final : public NameCatalog {
 public:
  bool IsExternalSchema(std::string_view schema) const override { return schema == "spectrum"; }
};

Result<Emitted> Emit(const std::string& text) {
  static const Catalog catalog;
  EmitContext context;
  context.database = "dev";
  context.user = "ada";
  context.process_id = 7;
  context.search_path = {"public"};
  context.catalog = &catalog;
  auto parsed = ParseScript(text);
  if (!parsed) return Fail(parsed.error());
  return EmitDuckDb(parsed->front(), context);
}

struct Pair {
  const char* in;
  const char* out;
};

TEST(EmitDuckDb, WritesQueries) {
  const Pair cases[] = {
      {"select A, \"B\" from T where x<>1", "select a, \"B\" from \"t\" where x <> 1"},
      {"select top 3 a from t", "select a from \"t\" limit 3"},
      {"select * from public.t x, s.u as y(a) join v using (a)",
       "select * from \"dev\".\"public\".\"t\" \"x\", \"dev\".\"s\".\"u\" as \"y\"(\"a\") join \"v\" using (\"a\")"},
      {"select f.a from spectrum.flights f where f.\"$path\" like 's3%'",
       "select f.a from \"skep_lake\".\"spectrum\".\"flights\" \"f\" where f.\"$path\" like 's3%'"},
      {"with x(a) as (select 1) select a from x minus select 2", "with \"x\"(\"a\") as (select 1) select a from \"x\" except select 2"},
      {"select len(a), nvl(b, 0), charindex('x', c) from t", "select length(a), coalesce(b, 0), strpos(c, 'x') from \"t\""},
      {"select a::varchar(max), cast(b as numeric), c::float from t",
       "select a::varchar, cast(b as decimal(18,0)), c::double from \"t\""},
      {"select dateadd(month, 2, d) from t", "select (cast(d as timestamp) + to_months(cast((2) as integer))) from \"t\""},
      {"select datediff(day, a, b) from t", "select date_diff('day', cast(a as timestamp), cast(b as timestamp)) from \"t\""},
      {"select extract(year from d) from t", "select extract(year from d) from \"t\""},
      {"select current_user, current_database(), pg_backend_pid()", "select 'ada', 'dev', 7"},
      {"select (select max(a) from u) from t", "select (select max(a) from \"u\") from \"t\""},
      {"select a from t where b in (select c from dev.public.u)", "select a from \"t\" where b in (select c from \"dev\".\"public\".\"u\")"},
      {"select a is distinct from b from t", "select a is distinct from b from \"t\""},
      {"select sum(a) over (partition by b order by c) from t", "select sum(a) over (partition by b order by c) from \"t\""},
  };
  for (const auto& c : cases) {
    const auto emitted = Emit(c.in);
    ASSERT_TRUE(emitted) << c.in << ": " << emitted.error().message;
    EXPECT_EQ(emitted->text, c.out) << c.in;
  }
}

TEST(EmitDuckDb, WritesDefinitionsAndChanges) {
  const Pair cases[] = {
      {"create table t(a int encode az64 not null, b varchar(10) distkey, primary key(a)) diststyle key sortkey(a)",
       "create table \"dev\".\"public\".\"t\" (\"a\" int not null, \"b\" varchar(10))"},
      {"create table if not exists s.t as (select 1 a)", "create table if not exists \"dev\".\"s\".\"t\" as select 1 a"},
      {"create temp table t(a int default 3)", "create temporary table \"t\" (\"a\" int default 3)"},
      {"insert into t(a, b) values (1, 'x'), ($1, $2)", "insert into \"t\" (\"a\", \"b\") values (1, 'x'), ($1, $2)"},
      {"update t set a = u.a from u where t.b = u.b", "update \"t\" set a = u.a from \"u\" where t.b = u.b"},
      {"delete from t using u where t.a = u.a", "delete from \"t\" using \"u\" where t.a = u.a"},
      {"drop table if exists a, s.b cascade", "drop table if exists \"a\" cascade; drop table if exists \"dev\".\"s\".\"b\" cascade"},
      {"alter table t add column c numeric(10,2)", "alter table \"t\" add column \"c\" decimal(10,2)"},
      {"create view v as select 1 a", "create view \"dev\".\"public\".\"v\" as select 1 a"},
  };
  for (const auto& c : cases) {
    const auto emitted = Emit(c.in);
    ASSERT_TRUE(emitted) << c.in << ": " << emitted.error().message;
    EXPECT_EQ(emitted->text, c.out) << c.in;
  }
}

TEST(EmitDuckDb, ReadsExternalSchemas) {
  const auto emitted = Emit("create external schema if not exists sp from data catalog database 'd' region 'eu-west-1' iam_role 'arn:a, arn:b'");
  ASSERT_TRUE(emitted) << emitted.error().message;
  ASSERT_TRUE(emitted->external_schema);
  EXPECT_EQ(emitted->external_schema->name, "sp");
  EXPECT_TRUE(emitted->external_schema->if_not_exists);
  EXPECT_EQ(emitted->external_schema->catalog_database, "d");
  EXPECT_EQ(emitted->external_schema->role_chain, (std::vector<std::string>{"arn:a", "arn:b"}));
}

struct Attack {
  const char* text;
  ErrorKind kind;
};

TEST(EmitDuckDb, LetsNothingReachTheHost) {
  const Attack attacks[] = {
      {"select * from 'file.csv'", ErrorKind::kSyntaxError},
      {"select * from read_csv('/etc/passwd')", ErrorKind::kUndefinedFunction},
      {"select * from \"read_csv\"('/etc/passwd')", ErrorKind::kUndefinedFunction},
      {"select * from (read_text('/etc/passwd'))", ErrorKind::kUndefinedFunction},
      {"select * from t, glob('/*')", ErrorKind::kUndefinedFunction},
      {"select * from t join sqlite_scan('x','y') on true", ErrorKind::kUndefinedFunction},
      {"select getenv('HOME')", ErrorKind::kUndefinedFunction},
      {"select 'x'.read_text()", ErrorKind::kUndefinedFunction},
      {"select \"getenv\"('HOME')", ErrorKind::kUndefinedFunction},
      {"select pg_catalog.getenv('HOME')", ErrorKind::kUndefinedFunction},
      {"select main.getenv('HOME')", ErrorKind::kUndefinedFunction},
      {"select current_setting('secret_directory')", ErrorKind::kUndefinedFunction},
      {"select * from duckdb_settings()", ErrorKind::kUndefinedFunction},
      {"select * from duckdb_databases", ErrorKind::kInsufficientPrivilege},
      {"select * from main.duckdb_tables", ErrorKind::kInsufficientPrivilege},
      {"select * from skep_catalog.external_schemas", ErrorKind::kInsufficientPrivilege},
      {"select * from dev.skep_catalog.external_schemas", ErrorKind::kInsufficientPrivilege},
      {"select * from skep_lake.spectrum.t", ErrorKind::kFeatureNotSupported},
      {"select * from system.main.duckdb_tables", ErrorKind::kFeatureNotSupported},
      {"select * from query('select 1')", ErrorKind::kUndefinedFunction},
      {"select columns('a') from t", ErrorKind::kUndefinedFunction},
      {"select nextval('s')", ErrorKind::kUndefinedFunction},
      {"insert into skep_catalog.external_schemas values (1)", ErrorKind::kInsufficientPrivilege},
      {"insert into spectrum.t values (1)", ErrorKind::kFeatureNotSupported},
      {"create schema skep_catalog", ErrorKind::kInsufficientPrivilege},
      {"create table skep_catalog.x(a int)", ErrorKind::kInsufficientPrivilege},
      {"drop schema skep_catalog cascade", ErrorKind::kInsufficientPrivilege},
      {"copy t to '/tmp/x'", ErrorKind::kFeatureNotSupported},
      {"attach '/tmp/x.db' as y", ErrorKind::kFeatureNotSupported},
      {"install httpfs", ErrorKind::kFeatureNotSupported},
      {"load httpfs", ErrorKind::kFeatureNotSupported},
      {"call pragma_version()", ErrorKind::kFeatureNotSupported},
      {"explain analyze select 1", ErrorKind::kFeatureNotSupported},
      {"explain copy t to 'x'", ErrorKind::kFeatureNotSupported},
      {"create table t(a int default getenv('X'))", ErrorKind::kUndefinedFunction},
      {"select list_transform([1], x -> x)", ErrorKind::kUndefinedFunction},
  };
  for (const auto& attack : attacks) {
    const auto emitted = Emit(attack.text);
    ASSERT_FALSE(emitted) << attack.text << " -> " << emitted->text;
    EXPECT_EQ(emitted.error().kind, attack.kind) << attack.text << ": " << emitted.error().message;
  }
}

TEST(EmitDuckDb, SurvivesDeepNesting) {
  const std::string deep = "select " + std::string(100000, '(') + "1" + std::string(100000, ')');
  EXPECT_EQ(Emit(deep).error().kind, ErrorKind::kPayloadTooLarge);
  EXPECT_EQ(Emit("select (1").error().kind, ErrorKind::kSyntaxError);
}

TEST(EmitDuckDb, MapsPositionsBackToTheUsersText) {
  const auto emitted = Emit("select 'é', nope from t");
  ASSERT_TRUE(emitted);
  EXPECT_EQ(UserPosition(*emitted, static_cast<uint32_t>(emitted->text.find("nope"))), 13u);
}

TEST(EmitDuckDb, NamesTheOffendingTokenAndItsPlace) {
  const auto error = Emit("select a from t where )").error();
  EXPECT_EQ(error.message, "syntax error at or near \")\"");
  EXPECT_EQ(error.position, 23u);
}

}  // namespace
}  // namespace skep::sql
