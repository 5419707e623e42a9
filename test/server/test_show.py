"""SHOW DATABASES, SCHEMAS, TABLES and COLUMNS, as psql and redshift_connector see them."""

import subprocess
import uuid

import psycopg
import pytest
import redshift_connector

from support.server import ROLE


def rows_of(db, sql):
    """The rows by the names of their columns."""
    cursor = db.execute(sql)
    return [dict(zip([c.name for c in cursor.description], row)) for row in cursor.fetchall()]


def code_of(db, sql):
    with pytest.raises(psycopg.Error) as failed:
        db.execute(sql)
    return failed.value.sqlstate


@pytest.fixture(scope="module")
def shop(server):
    name = f"shop_{uuid.uuid4().hex[:8]}"
    with server.connect() as db:
        db.execute(f"create schema {name}")
        db.execute(f"""create table {name}.sales (id bigint identity(1, 1) not null, code char(4) default 'none', name varchar(20) encode lzo, price decimal(8,2),
                       share real, weight double precision, flag boolean, day date, at timestamp, tz timestamptz, tm time, doc super, bytes varbyte(10))
                       diststyle key distkey (id) compound sortkey (day, id)""")
        db.execute(f"comment on table {name}.sales is 'what was sold'")
        db.execute(f"comment on column {name}.sales.price is 'in euros'")
        db.execute(f"create table {name}.small_one (x smallint)")
        db.execute(f"create view {name}.dear as select id, price from {name}.sales where price > 10")
        db.execute(f"create view {name}.late as select id from {name}.sales with no schema binding")
        yield name
        db.execute(f"drop schema {name} cascade")


def test_databases(connection):
    rows = rows_of(connection, "show databases")
    assert list(rows[0]) == ["database_name", "database_owner", "database_type", "database_acl", "parameters", "database_isolation_level"]
    names = {row["database_name"]: row["database_type"] for row in rows}
    assert names["dev"] == "local" and names["awsdatacatalog"] == "auto mounted catalog"
    assert not {"memory", "system", "temp", "skep_lake"} & set(names)
    assert [r["database_name"] for r in rows_of(connection, "show databases like 'de%'")] == ["dev"]
    assert rows_of(connection, "show databases limit 0") == []


def test_schemas(connection, shop):
    rows = rows_of(connection, "show schemas from database dev")
    assert list(rows[0]) == ["database_name", "schema_name", "schema_owner", "schema_type", "schema_acl", "source_database", "schema_option"]
    names = {row["schema_name"]: row["schema_type"] for row in rows}
    assert names[shop] == names["public"] == names["pg_catalog"] == names["information_schema"] == "local"
    assert "main" not in names and "skep_catalog" not in names
    assert [r["schema_name"] for r in rows_of(connection, f"show schemas from database dev like '{shop}'")] == [shop]
    assert len(rows_of(connection, "show schemas from database dev limit 2")) == 2
    assert code_of(connection, "show schemas from database nowhere") == "3D000"
    assert code_of(connection, "show schemas from database memory") == "3D000"


def test_tables(connection, shop):
    rows = rows_of(connection, f"show tables from schema dev.{shop}")
    assert list(rows[0]) == ["database_name", "schema_name", "table_name", "table_type", "table_acl", "remarks", "owner", "last_altered_time",
                             "last_modified_time", "dist_style", "table_subtype"]
    assert [(r["table_name"], r["table_type"], r["remarks"], r["dist_style"], r["table_subtype"]) for r in rows] == [
        ("dear", "VIEW", None, None, "REGULAR VIEW"), ("late", "VIEW", None, None, "LATE BINDING VIEW"),
        ("sales", "TABLE", "what was sold", "KEY(id)", "REGULAR TABLE"), ("small_one", "TABLE", None, "AUTO(ALL)", "REGULAR TABLE")]
    assert rows == rows_of(connection, f"show tables from schema {shop}")
    assert [r["table_name"] for r in rows_of(connection, f"show tables from schema {shop} like 's%'")] == ["sales", "small_one"]
    assert [r["table_name"] for r in rows_of(connection, f"show tables from schema {shop} like 'small\\_%' limit 5")] == ["small_one"]
    assert rows_of(connection, f"show tables from schema {shop} like 'S%'") == []
    for name in ("nowhere", "dev.nowhere", "dev.skep_catalog", "dev.main"):
        assert code_of(connection, f"show tables from schema {name}") == "3F000", name
    assert code_of(connection, "show tables from schema nowhere.public") == "3D000"
    assert code_of(connection, f"show tables from schema {shop} limit 10001") == "22023"
    assert code_of(connection, "show tables from schema a.b.c") == "42601"


def test_columns(connection, shop):
    rows = rows_of(connection, f"show columns from table dev.{shop}.sales")
    assert list(rows[0]) == ["database_name", "schema_name", "table_name", "column_name", "ordinal_position", "column_default", "is_nullable", "data_type",
                             "character_maximum_length", "numeric_precision", "numeric_scale", "remarks", "sort_key_type", "sort_key", "dist_key", "encoding",
                             "collation"]
    seen = {r["column_name"]: (r["data_type"], r["character_maximum_length"], r["numeric_precision"], r["numeric_scale"]) for r in rows}
    assert list(seen) == ["id", "code", "name", "price", "share", "weight", "flag", "day", "at", "tz", "tm", "doc", "bytes"]
    assert seen["id"] == ("bigint", None, 64, 0) and seen["code"] == ("character", 4, None, None)
    assert seen["name"] == ("character varying", 20, None, None) and seen["price"] == ("numeric", None, 8, 2)
    assert seen["at"][0] == "timestamp without time zone" and seen["tz"][0] == "timestamp with time zone" and seen["doc"][0] == "super"
    by_name = {r["column_name"]: r for r in rows}
    assert [by_name[c]["is_nullable"] for c in ("id", "code")] == ["NO", "YES"]
    assert by_name["code"]["column_default"] == "'none'" and by_name["price"]["remarks"] == "in euros" and by_name["name"]["encoding"] == "lzo"
    assert [(r["column_name"], r["sort_key_type"], r["sort_key"]) for r in rows if r["sort_key"]] == [("id", "COMPOUND", 2), ("day", "COMPOUND", 1)]
    assert [r["column_name"] for r in rows if r["dist_key"]] == ["id"]
    assert [r["ordinal_position"] for r in rows] == list(range(1, 14))
    assert rows_of(connection, f"show columns from table {shop}.sales like 'p%'") == [by_name["price"]]
    assert [r["column_name"] for r in rows_of(connection, f"show columns from table {shop}.dear")] == ["id", "price"]
    connection.execute(f"set search_path = {shop}")
    assert rows_of(connection, "show columns from table sales limit 1") == [by_name["id"]]
    assert code_of(connection, f"show columns from table {shop}.nothing") == "42P01"
    assert code_of(connection, "show columns from table nowhere.x") == "3F000"
    assert code_of(connection, "show columns from table dev.skep_catalog.external_schemas") == "3F000"


def test_what_is_made_later_is_seen(connection, shop):
    before = rows_of(connection, f"show tables from schema {shop} like 'later'")
    connection.execute(f"create table {shop}.later (x int)")
    assert before == [] and len(rows_of(connection, f"show tables from schema {shop} like 'later'")) == 1
    connection.execute(f"alter table {shop}.later add column y int")
    assert [r["column_name"] for r in rows_of(connection, f"show columns from table {shop}.later")] == ["x", "y"]
    connection.execute(f"drop table {shop}.later")
    assert rows_of(connection, f"show tables from schema {shop} like 'later'") == []


def test_external_schemas(server, lake, connection):
    name = f"ext_{uuid.uuid4().hex[:8]}"
    connection.execute(f"create external schema {name} from data catalog database '{name}' iam_role '{ROLE}' create external database if not exists")
    connection.execute(f"create external table {name}.clicks (id bigint, who varchar(20), price decimal(8,2)) partitioned by (day date) stored as parquet location 's3://b/c/'")
    schema = rows_of(connection, f"show schemas from database dev like '{name}'")[0]
    assert (schema["schema_type"], schema["source_database"]) == ("external", name) and ROLE in schema["schema_option"]
    assert [(r["table_name"], r["table_type"]) for r in rows_of(connection, f"show tables from schema {name}")] == [("clicks", "EXTERNAL TABLE")]
    columns = rows_of(connection, f"show columns from table dev.{name}.clicks")
    assert [(r["column_name"], r["data_type"], r["character_maximum_length"], r["numeric_precision"]) for r in columns] == [
        ("id", "bigint", None, 64), ("who", "character varying", 20, None), ("price", "numeric", None, 8), ("day", "date", None, None)]
    assert code_of(connection, f"show columns from table {name}.nothing") == "42P01"
    connection.execute(f"drop schema {name} drop external database cascade")


def test_awsdatacatalog(own_server):
    server = own_server(settings={"lake-default-iam-role": ROLE}, lake=True)
    with server.connect() as db:
        db.execute(f"create external schema e from data catalog database 'mounted' iam_role '{ROLE}' create external database if not exists")
        db.execute("create external table e.t (id int, name varchar(5)) stored as parquet location 's3://b/c/'")
        assert ("awsdatacatalog", "mounted", "external") in [
            (r["database_name"], r["schema_name"], r["schema_type"]) for r in rows_of(db, "show schemas from database awsdatacatalog")]
        assert [r["table_name"] for r in rows_of(db, "show tables from schema awsdatacatalog.mounted like 't'")] == ["t"]
        assert [r["column_name"] for r in rows_of(db, "show columns from table awsdatacatalog.mounted.t")] == ["id", "name"]


def test_what_is_refused(connection):
    for statement in ("show databases from data catalog", "show functions from schema public", "show procedures from schema public", "show datashares"):
        assert code_of(connection, statement) == "0A000", statement


def test_psql_and_redshift_connector(server, shop):
    shown = subprocess.run(["psql", server.dsn(), "-XAt", "-c", f"show tables from schema dev.{shop} like 'sales'"], capture_output=True, text=True, check=True).stdout
    assert shown.startswith(f"dev|{shop}|sales|TABLE|")
    with redshift_connector.connect(host="127.0.0.1", port=server.pgwire_port, user=server.admin.name, password=server.admin.password, database="dev",
                                    ssl=False) as db, db.cursor() as cursor:
        cursor.execute(f"show columns from table dev.{shop}.small_one")
        assert [c[0] for c in cursor.description][:4] == ["database_name", "schema_name", "table_name", "column_name"]
        assert list(cursor.fetchall()[0])[:8] == ["dev", shop, "small_one", "x", 1, None, "YES", "smallint"]
