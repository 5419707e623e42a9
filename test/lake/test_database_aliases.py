"""External schemas of other databases of the workspace (FROM REDSHIFT), and three-part names of their tables."""

import shutil
import uuid

import psycopg
import pytest

from support.server import Server


def code_of(db, sql):
    with pytest.raises(psycopg.Error) as failed:
        db.execute(sql)
    return failed.value.sqlstate


def copy_database(server, name):
    """A second database of the workspace: the files of the first one under another name, put there while nobody has them open."""
    server.stop()
    folder = server.data / "workspaces/default/databases"
    for file in folder.glob("dev.duckdb*"):
        shutil.copyfile(file, folder / file.name.replace("dev", name, 1))
    server.start()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    one = Server(tmp_path_factory.mktemp("aliases") / "skep").init().start()
    yield one
    one.stop()


@pytest.fixture(scope="module")
def other(server):
    """Another database, with tables and views."""
    with server.connect() as db:
        db.execute("create schema shop")
        db.execute("create table shop.orders (id int, code char(4), name varchar(20), price decimal(8,2))")
        db.execute("insert into shop.orders values (1, 'a', 'one', 1.50), (2, 'b', 'two', 2.25), (3, null, null, null)")
        db.execute("create view shop.dear as select id, price from shop.orders where price > 2")
        db.execute("create view shop.late as select id from shop.orders with no schema binding")
        db.execute("create table public.plain (x int)")
        db.execute("insert into public.plain values (7)")
    copy_database(server, "sales")
    with server.connect() as db:
        db.execute("drop schema shop cascade")
        db.execute("drop table public.plain")
    return "sales"


@pytest.fixture
def connection(server, other):
    with server.connect() as one:
        yield one


@pytest.fixture
def alias(server, other):
    name = f"alias_{uuid.uuid4().hex[:8]}"
    with server.connect() as db:
        db.execute(f"create external schema {name} from redshift database '{other}' schema 'shop'")
        yield name
        db.execute(f"drop schema if exists {name}")


def test_tables_are_read_through_an_alias(connection, alias):
    db = connection
    assert db.execute(f"select id, code, name, price from {alias}.orders order by id").fetchall()[0][:3] == (1, "a   ", "one")
    assert db.execute(f"select count(*), sum(price) from {alias}.orders o where o.id < 3").fetchone() == (2, 3.75)
    assert db.execute(f"select {alias}.orders.id from {alias}.orders where code = 'b'").fetchall() == [(2,)]
    assert code_of(db, f"select id from {alias}.dear") == "0A000"
    assert db.execute(f"select o.id from {alias}.orders o join (select 2 as id) n on n.id = o.id").fetchall() == [(2,)]
    assert code_of(db, f"select * from {alias}.nothing") == "42P01"
    assert code_of(db, f"select * from {alias}.late") == "0A000"


def test_the_schema_is_public_unless_it_is_named(connection, other):
    connection.execute(f"create external schema plain_alias from redshift database '{other}'")
    assert connection.execute("select x from plain_alias.plain").fetchall() == [(7,)]
    connection.execute("set search_path = plain_alias")
    assert connection.execute("select x from plain").fetchall() == [(7,)]
    connection.execute("drop schema plain_alias")
    assert code_of(connection, "select x from plain_alias.plain") == "42P01"


def test_three_part_names(connection, other):
    assert connection.execute(f"select sum(id) from {other}.shop.orders").fetchone() == (6,)
    assert connection.execute(f"select a.id from {other}.shop.orders a, {other}.public.plain p where a.id = 2").fetchall() == [(2,)]
    # What a view reads would be looked up here, where there may be another table of that name.
    connection.execute("create schema if not exists shop")
    connection.execute("create table if not exists shop.orders as select 9 as id, 9.5 as price")
    assert code_of(connection, f"select id from {other}.shop.dear") == "0A000"
    assert code_of(connection, f"select id from {other}.shop.late") == "0A000"
    connection.execute("drop schema shop cascade")
    assert connection.execute("select count(*) from dev.pg_catalog.pg_database").fetchone()[0] > 0
    for name in ("nowhere.shop.orders", "memory.main.x", "system.main.x", "temp.main.x", "skep_lake.a.b"):
        assert code_of(connection, f"select * from {name}") == "0A000", name
    for name in (f"{other}.skep_catalog.external_schemas", f"{other}.main.x", f"{other}.information_schema.tables"):
        assert code_of(connection, f"select * from {name}") == "42501", name
    assert code_of(connection, f"select * from {other}.shop.nothing") == "42P01"


@pytest.mark.parametrize("change", [
    "insert into {t} values (9, 'x', 'x', 1)", "update {t} set id = 1", "delete from {t}", "truncate {t}", "drop table {t}",
    "alter table {t} add column y int", "alter table {t} rename to z",
    "merge into {t} using (select 1 as id) s on {t}.id = s.id when matched then delete when not matched then insert values (1, 'a', 'b', 2)"])
def test_nothing_is_changed_through_an_alias(connection, other, alias, change):
    assert code_of(connection, change.format(t=f"{alias}.orders")) in ("0A000", "42809", "42601")
    assert code_of(connection, change.format(t=f"{other}.shop.orders")) in ("0A000", "42809", "42601")
    assert connection.execute(f"select count(*), max(id) from {other}.shop.orders").fetchone() == (3, 3)


def test_nothing_is_made_in_an_alias(connection, alias):
    for statement in (f"create table {alias}.t (x int)", f"create view {alias}.v as select 1 as x", f"create table {alias}.t as select 1 as x",
                      f"create external table {alias}.t (x int) stored as parquet location 's3://b/p/'", f"alter external schema {alias} iam_role default",
                      f"drop schema {alias} drop external database"):
        assert code_of(connection, statement) == "0A000", statement
    # A view that is bound to another database would outlive it (developer guide, "CREATE VIEW").
    assert code_of(connection, f"create view bound_to_alias as select id from {alias}.orders") == "0A000"
    connection.execute(f"create view late_of_alias as select id from {alias}.orders with no schema binding")
    assert connection.execute("select count(*) from late_of_alias").fetchone() == (3,)
    connection.execute("drop view late_of_alias")


def test_missing_targets_and_circles_are_refused(connection, other, alias):
    db = connection
    assert code_of(db, "create external schema a1 from redshift database 'nowhere'") == "3D000"
    assert code_of(db, "create external schema a1 from redshift database 'memory'") == "3D000"
    assert code_of(db, "create external schema a1 from redshift database '../x'") == "3D000"
    assert code_of(db, f"create external schema a1 from redshift database '{other}' schema 'nothing'") == "3F000"
    assert code_of(db, f"create external schema a1 from redshift database '{other}' schema 'skep_catalog'") == "42501"
    assert code_of(db, f"create external schema a1 from redshift database '{other}' schema 'main'") == "42501"
    assert code_of(db, "create external schema a1 from redshift database 'dev' schema 'a1'") == "0A000"
    assert code_of(db, f"create external schema a1 from redshift database 'dev' schema '{alias}'") == "0A000"
    assert code_of(db, "create external schema a1 from redshift schema 's'") == "42601"
    assert code_of(db, f"create external schema a1 from redshift database '{other}' iam_role default") == "42601"
    assert code_of(db, f"create external schema {alias} from redshift database '{other}'") == "42P06"
    db.execute(f"create external schema if not exists {alias} from redshift database '{other}'")
    for source in ("mysql database 'd' uri 'h' iam_role default secret_arn 'a'", "hive metastore database 'd' uri 'h' iam_role default",
                   "kinesis iam_role default", "msk iam_role default", "kafka"):
        assert code_of(db, f"create external schema a1 from {source}") == "0A000", source


def test_a_target_that_goes_away(connection):
    name = f"gone_{uuid.uuid4().hex[:8]}"
    connection.execute("create schema going")
    connection.execute("create table going.t (x int)")
    connection.execute(f"create external schema {name} from redshift database 'dev' schema 'going'")
    assert connection.execute(f"select count(*) from {name}.t").fetchone() == (0,)
    connection.execute("drop schema going cascade")
    assert code_of(connection, f"select count(*) from {name}.t") == "42P01"
    connection.execute(f"drop schema {name}")


def test_system_views_show_aliases(connection, other, alias):
    row = connection.execute(f"select eskind, databasename, esoptions from svv_external_schemas where schemaname = '{alias}'").fetchone()
    assert row == (4, other, '{"SCHEMA":"shop"}')
    tables = connection.execute(f"select tablename, tabletype from svv_external_tables where schemaname = '{alias}' order by 1").fetchall()
    assert tables == [("dear", "VIEW"), ("late", "VIEW"), ("orders", "TABLE")]
    columns = connection.execute(f"select columnname, external_type, columnnum from svv_external_columns where schemaname = '{alias}' and tablename = 'orders' order by 3").fetchall()
    assert columns == [("id", "integer", 1), ("code", "character(4)", 2), ("name", "character varying(20)", 3), ("price", "numeric(8,2)", 4)]
    assert connection.execute(f"select count(*) from svv_external_partitions where schemaname = '{alias}'").fetchone() == (0,)


def test_an_alias_survives_the_server(own_server):
    one = own_server()
    with one.connect() as db:
        db.execute("create table public.t as select 5 as x")
    copy_database(one, "second")
    with one.connect() as db:
        db.execute("create external schema kept from redshift database 'second'")
    one.stop()
    one.start()
    with one.connect() as db:
        assert db.execute("select x from kept.t").fetchall() == [(5,)]
