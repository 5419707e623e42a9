"""Statements that must not reach the engine: what could read a file, open a connection, load code, show the server's insides or
change how it is locked down. Each is refused with a code that says why, and nothing of it happens."""

import pathlib
import re

import psycopg
import pytest

# 0A000 not supported, 42501 not allowed, 42601 syntax, 42883 no such function, 42P01 no such table, 42704 no such object,
# 3F000 no such schema, 42703 no such column, 22023/42602 bad name or value, 25001 not within several statements.
REFUSED = {"25001", "0A000", "42501", "42601", "42883", "42P01", "42704", "3F000", "42703", "22023", "42602", "42602", "3D000"}

READS_FILES = [
    "select * from read_csv('/etc/passwd')", "select * from read_csv_auto('/etc/passwd')", "select * from read_text('/etc/passwd')",
    "select * from read_blob('/etc/passwd')", "select * from read_parquet('x.parquet')", "select * from parquet_scan('x')",
    "select * from read_json('/etc/passwd')", "select * from read_json_auto('x')", "select * from read_ndjson('x')",
    "select * from sniff_csv('/etc/passwd')", "select * from glob('/*')", "select * from '/etc/passwd'", 'select * from "/etc/passwd"',
    "select * from '/etc/passwd.csv'", 'select * from "file.parquet"', "select * from 's3://b/k.parquet'", "from read_text('/etc/passwd')",
    "select * from parquet_metadata('x')", "select * from parquet_schema('x')", "select * from sqlite_scan('x', 'y')",
    "select * from postgres_scan('host=127.0.0.1', 'public', 't')", "select * from postgres_query('x', 'select 1')",
    "select * from delta_scan('x')", "select * from iceberg_scan('x')", "select * from read_avro('x')", "select * from read_xlsx('x')",
    "select (select content from read_text('/etc/passwd'))", "with a as (select * from read_text('/etc/passwd')) select * from a",
    "select 1 union all select size from read_text('/etc/passwd')", "select * from query('select 1')", "select * from query_table('t')",
    "insert into public.refused select content from read_text('/etc/passwd')", "create table public.x as from read_csv('/etc/passwd')",
    "create view public.v as select * from read_text('/etc/passwd')", "explain select * from read_text('/etc/passwd')",
    "select * from (values (1)) t, lateral read_text('/etc/passwd')", "select READ_TEXT('/etc/passwd')",
    'select * from "read_text"(\'/etc/passwd\')', "select * from main.read_text('/etc/passwd')", "select * from system.main.read_text('/etc/passwd')",
    "select/**/*/**/from/**/read_text('/etc/passwd')", "select * from unnest(glob('/*'))", "select read_blob('/etc/passwd')",
]
OPENS_THE_ENGINE = [
    "attach '/tmp/skep_attack.db' as x", "attach ':memory:' as x", "attach 'x' (type sqlite)", "detach dev", "use dev", "use system",
    "install httpfs", "load httpfs", "load '/tmp/x.so'", "force install httpfs", "update extensions", "pragma version",
    "pragma database_list", "pragma table_info('t')", "call pragma_version()", "call dbgen(sf=0.01)", "checkpoint", "force checkpoint",
    "export database '/tmp/skep_attack'", "import database '/tmp/x'", "copy (select 1) to '/tmp/skep_attack.csv'",
    "copy public.refused from '/etc/passwd'", "copy (select 1) to stdout", "copy public.refused from stdin", "create secret s (type s3)",
    "drop secret s", "create macro m(a) as a + 1", "create function m(a) as table select * from read_text('/etc/passwd')",
    "create type t as enum ('a')", "create sequence s", "create index i on public.refused(a)", "create trigger t", "set variable x = 1",
    "summarize public.refused", "describe public.refused", "show all tables", "pivot public.refused on a", "from public.refused",
    "explain analyze select 1 from read_text('/etc/passwd')", "prepare p as select * from read_text('/etc/passwd')",
    "execute p", "vacuum analyze; attach 'x'", "do $$ begin end $$", "listen x", "notify x", "load data", "reindex public.refused",
    "comment on table public.refused is 'x' || (select 1)", "alter database dev rename to x", "drop database dev", "create database x",
    "alter system set x = 1", "lock public.refused in whatever mode",
]
SHOWS_INSIDES = [
    "select * from duckdb_settings()", "select * from duckdb_secrets()", "select * from duckdb_databases()", "select * from duckdb_extensions()",
    "select * from duckdb_functions()", "select * from duckdb_tables()", "select * from duckdb_logs()", "select * from duckdb_temporary_files()",
    "select * from duckdb_memory()", "select * from pragma_database_size()", "select * from pragma_user_agent()",
    "select current_setting('temp_directory')", "select current_setting('secret_directory')", "select getenv('PATH')", "select version_duckdb()",
    "select getvariable('x')", "select * from skep_catalog.external_schemas", "select * from dev.skep_catalog.external_schemas",
    'select * from "skep_catalog"."external_schemas"', 'select * from "SKEP_CATALOG".external_schemas',
    "insert into skep_catalog.external_schemas values ('a')", "delete from skep_catalog.external_schemas",
    "update skep_catalog.external_schemas set name = 'x'", "drop schema skep_catalog cascade", "drop table skep_catalog.external_schemas",
    "create table skep_catalog.x (a int)", "create schema skep_catalog", "select * from skep_lake.demo.t", "drop schema skep_lake",
    "select * from system.information_schema.tables", "select * from temp.x", "select add_parquet_key('a', 'b')",
    "select * from sqlite_master", "select * from duckdb_columns", "select write_log('x')", "select * from enable_logging()",
    "select in_search_path('a', 'b')", "select txid_current()", "select * from which_secret('s3://x', 's3')", "select nextval('s')",
    "select currval('s')", "select sleep_ms(1)", "select sql_auto_complete('sel')", "select json_execute_serialized_sql('{}')",
    "select json_serialize_plan('select 1')", "select test_all_types()", "select * from test_vector_types(1)", "select is_histogram_other_bin(1)",
]
LOOSENS_THE_LOCK = [
    "set enable_external_access = true", "set lock_configuration = false", "set allow_unsigned_extensions = true", "set temp_directory = '/'",
    "set secret_directory = '/'", "set home_directory = '/'", "set extension_directory = '/tmp'", "set memory_limit = '1TB'", "set threads = 1000",
    "set global threads = 8", "set session threads = 8", "reset lock_configuration", "set custom_extension_repository = 'http://x'",
    "set allowed_directories = ['/']", "set allowed_paths = ['/etc/passwd']", "set autoinstall_known_extensions = true",
    "set log_query_path = '/tmp/x'", "set profiling_output = '/tmp/x'", "set enable_profiling = 'json'", "set s3_endpoint = 'x'",
    "set disabled_filesystems = ''", "set schema = 'skep_catalog'", "set search_path to skep_catalog; select * from external_schemas",
    "set validate_external_file_cache = 'x'", "set allow_persistent_secrets = true", "set password = 'x'",
]
DANGEROUS = READS_FILES + OPENS_THE_ENGINE + SHOWS_INSIDES + LOOSENS_THE_LOCK


@pytest.fixture(scope="module")
def attacked(server):
    with server.connect() as admin:
        admin.execute("create table public.refused (a varchar(10000))")
    yield
    with server.connect() as admin:
        assert admin.execute("select count(*) from public.refused").fetchone() == (0,)
        assert admin.execute("select sum(1) from (select 1) t").fetchone() == (1,)
        admin.execute("drop table public.refused")
    assert not list(pathlib.Path("/tmp").glob("skep_attack*"))


@pytest.mark.parametrize("statement", DANGEROUS)
def test_refused_as_plain_text(server, attacked, statement):
    with server.connect() as db:
        with pytest.raises(psycopg.Error) as caught:
            db.execute(statement).fetchall()
        assert caught.value.sqlstate in REFUSED, (caught.value.sqlstate, caught.value)
        said = str(caught.value).lower()
        for word in re.findall(r"\w+", statement.lower()):
            said = said.replace(word, "")
        assert "duckdb" not in said, "the message names the engine"
        assert db.execute("select 1").fetchone() == (1,)


@pytest.mark.parametrize("statement", READS_FILES[:12] + SHOWS_INSIDES[:3])
def test_refused_when_prepared(server, attacked, statement):
    with server.connect() as db:
        with pytest.raises(psycopg.Error) as caught:
            db.execute(statement, prepare=True)
        assert caught.value.sqlstate in REFUSED


@pytest.mark.parametrize("statement", READS_FILES[:6] + OPENS_THE_ENGINE[:6])
def test_refused_behind_another_statement(server, attacked, statement):
    with server.connect() as db:
        with pytest.raises(psycopg.Error) as caught:
            db.execute(f"select 1; {statement}")
        assert caught.value.sqlstate in REFUSED


@pytest.mark.parametrize("query", [
    "select nspname from pg_namespace", "select nspname from pg_catalog.pg_namespace n", "select schemaname from pg_tables",
    "select schemaname from pg_catalog.pg_tables as t where true", "select table_schema from information_schema.tables",
    "select table_schema from information_schema.columns c join information_schema.schemata s on s.schema_name = c.table_schema",
    "select schema_name from information_schema.schemata order by 1",
    "select n.nspname from pg_class c join pg_namespace n on n.oid = c.relnamespace",
    "select relname from pg_class where relname in ('external_schemas', 'format')",
    "select attname from pg_attribute where attname = 'catalog_database'"])
def test_the_catalog_shows_nothing_of_the_hidden_schema(connection, schema, query):
    connection.execute(f"create table {schema}.seen (a int)")
    shown = {str(r[0]) for r in connection.execute(query)}
    assert not shown & {"skep_catalog", "external_schemas", "format", "catalog_database"}, shown
    if "where" not in query or "true" in query:
        assert schema in shown


@pytest.mark.parametrize("name", ["read_text", "duckdb_settings", "skep_catalog"])
def test_a_name_in_a_literal_or_an_alias_is_no_attack(connection, name):
    assert connection.execute(f"select '{name}' as {name}").fetchone() == (name,)


def test_a_deeply_nested_statement_is_refused_or_answered_but_kills_nothing(server):
    deep = ["select " + "(" * 20000 + "1" + ")" * 20000, "select " + "-" * 1 + "- 1", "select " + "not " * 20000 + "true",
            "select " + " + ".join(["1"] * 20000), "select " + "case when true then " * 5000 + "1" + " end" * 5000,
            "select * from " + "(select * from " * 3000 + "(select 1) t" + ") t" * 3000]
    for statement in deep:
        with server.connect() as db:
            try:
                db.execute(statement).fetchall()
            except psycopg.Error as error:
                assert error.sqlstate not in ("XX000", "57P02", "58000"), (statement[:60], error)
    with server.connect() as db:
        assert db.execute("select 1").fetchone() == (1,)


def test_a_statement_above_sixteen_mebibytes_is_refused(server):
    with server.connect() as db:
        with pytest.raises(psycopg.Error) as caught:
            db.execute("select '" + "x" * (17 << 20) + "'")
        assert caught.value.sqlstate in ("54000", "08P01", "53400") or caught.value.sqlstate is None
    with server.connect() as db:
        assert db.execute("select 1").fetchone() == (1,)
