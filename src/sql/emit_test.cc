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
      {"select A, \"B\" from T where x<>1", "select \"a\", \"B\" from \"t\" where \"x\" <> 1"},
      {"select top 3 a from t", "select \"a\" from \"t\" limit 3"},
      {"select * from public.t x, s.u as y(a) join v using (a)",
       "select * from \"dev\".\"public\".\"t\" \"x\", \"dev\".\"s\".\"u\" as \"y\"(\"a\") join "
       "\"v\" using (\"a\")"},
      {"select f.a from spectrum.flights f where f.\"$path\" like 's3%'",
       "select \"f\".\"a\" from \"skep_lake\".\"spectrum\".\"flights\" \"f\" where \"f\".\"$path\" "
       "like 's3%'"},
      {"with x(a) as (select 1) select a from x minus select 2",
       "with \"x\"(\"a\") as (select 1 as \"?column?\") select \"a\" from \"x\" except select 2 as "
       "\"?column?\""},
      {"select len(a), nvl(b, 0), charindex('x', c) from t",
       "select length(\"a\") as \"len\", coalesce(\"b\", 0) as \"nvl\", strpos((\"c\"), ('x')) as "
       "\"charindex\" from \"t\""},
      {"select a::varchar(max), cast(b as numeric), c::float from t",
       "select \"a\"::varchar as \"a\", cast(\"b\" as decimal(18,0)) as \"b\", \"c\"::double as "
       "\"c\" from \"t\""},
      {"select dateadd(month, 2, d) from t",
       "select (cast(\"d\" as timestamp) + to_months(cast((2) as integer))) as \"dateadd\" from "
       "\"t\""},
      {"select datediff(day, a, b) from t",
       "select date_diff('day', cast(\"a\" as timestamp), cast(\"b\" as timestamp)) as "
       "\"datediff\" from \"t\""},
      {"select extract(year from d) from t",
       "select extract(year from \"d\") as \"date_part\" from \"t\""},
      {"select current_user, current_database(), pg_backend_pid()",
       "select 'ada' as \"current_user\", 'dev' as \"current_database\", 7 as \"pg_backend_pid\""},
      {"select (select max(a) from u) from t",
       "select (select max(\"a\") as \"max\" from \"u\") as \"?column?\" from \"t\""},
      {"select a from t where b in (select c from dev.public.u)",
       "select \"a\" from \"t\" where \"b\" in (select \"c\" from \"dev\".\"public\".\"u\")"},
      {"select a is distinct from b from t",
       "select \"a\" is distinct from \"b\" as \"?column?\" from \"t\""},
      {"select sum(a) over (partition by b order by c) from t",
       "select sum(\"a\") over (partition by \"b\" order by \"c\") as \"sum\" from \"t\""},
  };
  for (const auto& c : cases) {
    const auto emitted = Emit(c.in);
    ASSERT_TRUE(emitted) << c.in << ": " << emitted.error().message;
    EXPECT_EQ(emitted->text, c.out) << c.in;
  }
}

TEST(EmitDuckDb, WritesDefinitionsAndChanges) {
  const Pair cases[] = {
      {"create table t(a int encode az64 not null, b varchar(10) distkey, primary key(a)) "
       "diststyle key sortkey(a)",
       "create table \"dev\".\"public\".\"t\" (\"a\" int not null, \"b\" varchar(10))"},
      {"create table if not exists s.t as (select 1 a)",
       "create table if not exists \"dev\".\"s\".\"t\" as select 1 \"a\""},
      {"create temp table t(a int default 3)",
       "create temporary table \"t\" (\"a\" int default 3)"},
      {"insert into t(a, b) values (1, 'x'), ($1, $2)",
       "insert into \"t\" (\"a\", \"b\") values (1, 'x'), ($1, $2)"},
      {"update t set a = u.a from u where t.b = u.b",
       "update \"t\" set \"a\" = \"u\".\"a\" from \"u\" where \"t\".\"b\" = \"u\".\"b\""},
      {"delete from t using u where t.a = u.a",
       "delete from \"t\" using \"u\" where \"t\".\"a\" = \"u\".\"a\""},
      {"drop table if exists a, s.b cascade",
       "drop table if exists \"a\" cascade; drop table if exists \"dev\".\"s\".\"b\" cascade"},
      {"alter table t add column c numeric(10,2)",
       "alter table \"t\" add column \"c\" decimal(10,2)"},
      {"create view v as select 1 a", "create view \"dev\".\"public\".\"v\" as select 1 \"a\""},
  };
  for (const auto& c : cases) {
    const auto emitted = Emit(c.in);
    ASSERT_TRUE(emitted) << c.in << ": " << emitted.error().message;
    EXPECT_EQ(emitted->text, c.out) << c.in;
  }
}

TEST(EmitDuckDb, ReadsExternalSchemas) {
  const auto emitted = Emit(
      "create external schema if not exists sp from data catalog database 'd' region 'eu-west-1' "
      "iam_role 'arn:a, arn:b'");
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
      {"install httpfs", ErrorKind::kSyntaxError},
      {"load httpfs", ErrorKind::kFeatureNotSupported},
      {"call pragma_version()", ErrorKind::kFeatureNotSupported},
      {"explain analyze select 1", ErrorKind::kFeatureNotSupported},
      {"explain copy t to 'x'", ErrorKind::kFeatureNotSupported},
      {"create table t(a int default getenv('X'))", ErrorKind::kUndefinedFunction},
      {"select list_transform([1], x -> x)", ErrorKind::kUndefinedFunction},
      {"select (from t)", ErrorKind::kSyntaxError},
      {"select (from '/etc/passwd')", ErrorKind::kSyntaxError},
      {"select (values (1) union all select * from 'x.csv')", ErrorKind::kSyntaxError},
      {"select 1 union from t", ErrorKind::kSyntaxError},
      {"select 1 union table t", ErrorKind::kSyntaxError},
      {"select substring((from 'x.csv') from 1)", ErrorKind::kSyntaxError},
      {"select a in (values (1) union select * from read_text('x')) from t",
       ErrorKind::kUndefinedFunction},
      {"select * from \"x.csv\"", ErrorKind::kUndefinedTable},
      {"select * from \"s3://bucket/x\".csv", ErrorKind::kUndefinedTable},
      {"delete from \"x.csv\"", ErrorKind::kUndefinedTable},
      {"select * from \"DUCKDB_settings\"", ErrorKind::kInsufficientPrivilege},
      {"select * from \"SKEP_Catalog\".external_schemas", ErrorKind::kInsufficientPrivilege},
      {"select * from pg_settings", ErrorKind::kUndefinedTable},
      {"with x as (insert into t values (1)) select 1", ErrorKind::kSyntaxError},
      {"with x as (delete from t) select * from x", ErrorKind::kSyntaxError},
      {"select x'41'", ErrorKind::kSyntaxError},
      {"select t.pg_catalog.lower('a') from t", ErrorKind::kUndefinedFunction},
      {"select lower(getenv('x'))", ErrorKind::kUndefinedFunction},
      {"select a from t order by getenv('x')", ErrorKind::kUndefinedFunction},
      {"select sum(a) over (order by getenv('x')) from t", ErrorKind::kUndefinedFunction},
      {"update t set a = getenv('x')", ErrorKind::kUndefinedFunction},
      {"update t set a = 1 from read_csv('x')", ErrorKind::kUndefinedFunction},
      {"delete from t using glob('x') where true", ErrorKind::kUndefinedFunction},
      {"insert into t select * from 'x.csv'", ErrorKind::kSyntaxError},
      {"create view v as select * from 'x.csv'", ErrorKind::kSyntaxError},
      {"create table t as from 'x.csv'", ErrorKind::kSyntaxError},
      {"select cast('a' as regclass)", ErrorKind::kUndefinedObject},
      {"select [1,2]", ErrorKind::kFeatureNotSupported},
      {"select * from t pivot (sum(a) for b in (1))", ErrorKind::kFeatureNotSupported},
      {"select a.x = b.x(+) from a, b", ErrorKind::kFeatureNotSupported},
      {"create table spectrum.t(a int)", ErrorKind::kFeatureNotSupported},
      {"create table spectrum.t as select 1", ErrorKind::kFeatureNotSupported},
      {"drop table spectrum.t", ErrorKind::kFeatureNotSupported},
      {"select * from other.public.t", ErrorKind::kFeatureNotSupported},
      {"drop table information_schema.tables", ErrorKind::kInsufficientPrivilege},
      {"export database 'x'", ErrorKind::kSyntaxError},
      {"summarize t", ErrorKind::kSyntaxError},
      {"describe t", ErrorKind::kFeatureNotSupported},
      {"use x", ErrorKind::kFeatureNotSupported},
  };
  for (const auto& attack : attacks) {
    const auto emitted = Emit(attack.text);
    ASSERT_FALSE(emitted) << attack.text << " -> " << emitted->text;
    EXPECT_EQ(emitted.error().kind, attack.kind) << attack.text << ": " << emitted.error().message;
  }
}

TEST(EmitDuckDb, WritesWordsOfTheEnginesOwnGrammarAsNames) {
  const auto emitted = Emit("select (show tables)");
  ASSERT_TRUE(emitted);
  EXPECT_NE(emitted->text.find("\"show\" \"tables\""), std::string::npos);
}

TEST(EmitDuckDb, DoesNotGrowWithoutEnd) {
  std::string nested = "x";
  for (int i = 0; i < 40; i++) nested = "decode(" + nested + ", 1, 2, 3, 4)";
  EXPECT_EQ(Emit("select " + nested + " from t").error().kind, ErrorKind::kPayloadTooLarge);
}

TEST(EmitDuckDb, RefusesZeroBytes) {
  EXPECT_EQ(Emit(std::string("select 'a\0b'", 12)).error().kind, ErrorKind::kSyntaxError);
}

TEST(EmitDuckDb, RewritesFunctions) {
  const Pair cases[] = {
      {"select listagg(distinct a, ',') within group (order by b) as l from t",
       "select string_agg(distinct cast(\"a\" as varchar), ',' order by \"b\") as \"l\" from "
       "\"t\""},
      {"select to_char(d, 'YYYY-MM-DD') c from t",
       "select strftime(cast(\"d\" as timestamp), '%Y-%m-%d') \"c\" from \"t\""},
      {"select convert(int, a) c from t", "select cast(\"a\" as int) \"c\" from \"t\""},
      {"select first_value(a) ignore nulls over (order by b rows between unbounded preceding and "
       "current row) v from t",
       "select first_value(\"a\" ignore nulls) over (order by \"b\" rows between unbounded "
       "preceding and current row) \"v\" from \"t\""},
      {"select a similar to '%(b|c).d_' m from t",
       "select \"a\" similar to '(?s)(?:.*(b|c)\\.d.)' \"m\" from \"t\""},
      {"select a ~ '^b' m from t", "select \"a\" ~ '(?s).*(?:^b).*' \"m\" from \"t\""},
      {"select date '2020-01-01' + interval '90' day (3) x",
       "select date '2020-01-01' + interval '90' day \"x\""},
  };
  for (const auto& c : cases) {
    const auto emitted = Emit(c.in);
    ASSERT_TRUE(emitted) << c.in << ": " << emitted.error().message;
    EXPECT_EQ(emitted->text, c.out) << c.in;
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
