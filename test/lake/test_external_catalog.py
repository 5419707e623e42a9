"""The system views of external data, SHOW EXTERNAL TABLE, and how external schemas are made, changed and dropped."""

import json
import uuid

import psycopg
import pytest

from support.server import READING_ROLE, ROLE, UNTRUSTING_ROLE

BUCKET = "external-catalog"


def fresh(prefix: str) -> str:
    return f"{prefix}_{uuid.uuid4().hex[:8]}"


def code_of(db, sql):
    with pytest.raises(psycopg.Error) as failed:
        db.execute(sql)
    return failed.value.sqlstate


@pytest.fixture(scope="module")
def db(server, lake):
    lake.client().create_bucket(Bucket=BUCKET)
    with server.connect() as one:
        one.execute(f"create external schema views from data catalog database 'viewed' iam_role '{ROLE}' create external database if not exists")
        one.execute(f"""create external table views.sales (id int, "Odd Name" varchar(20), price decimal(8,2)) partitioned by (day date, shop varchar(8))
                        row format delimited fields terminated by '|' stored as textfile location 's3://{BUCKET}/sales/'
                        table properties ('numRows'='3', 'skip.header.line.count'='1')""")
        one.execute(f"create external table views.events (id bigint, who struct<name:varchar(20),age:int>) stored as parquet location 's3://{BUCKET}/events/'")
        one.execute(f"""alter table views.sales add partition (day='2026-01-01', shop='a') location 's3://{BUCKET}/sales/1/'
                        partition (day='2026-01-02', shop='b') location 's3://{BUCKET}/sales/2/'""")
        yield one
        one.execute("drop schema views drop external database cascade")


def test_schemas(db):
    rows = db.execute("select eskind, schemaname, databasename, esoptions from svv_external_schemas where schemaname = 'views'").fetchall()
    assert [r[:3] for r in rows] == [(1, "views", "viewed")]
    assert json.loads(rows[0][3]) == {"IAM_ROLE": ROLE}
    # The schema is the same one in the other catalogs.
    assert db.execute("select count(*) from svv_external_schemas e join pg_namespace n on n.oid = e.esoid and n.nspname = e.schemaname where e.schemaname = 'views'").fetchone() == (1,)
    assert db.execute("select esdbname from pg_external_schema p join pg_namespace n on p.esoid = n.oid where nspname = 'views'").fetchall() == [("viewed",)]
    assert db.execute("select count(*) from information_schema.schemata where schema_name = 'views'").fetchone() == (1,)
    # Tables of it are in none of those (developer guide, "CREATE EXTERNAL TABLE, usage notes").
    assert db.execute("select count(*) from pg_class where relname = 'sales'").fetchone() == (0,)
    assert db.execute("select count(*) from information_schema.tables where table_schema = 'views'").fetchone() == (0,)


def test_databases(db):
    rows = db.execute("select eskind, esoptions from svv_external_databases where databasename = 'viewed'").fetchall()
    assert (1, json.dumps({"IAM_ROLE": ROLE}, separators=(",", ":"))) in rows


def test_tables(db):
    rows = db.execute("""select redshift_database_name, tablename, tabletype, location, input_format, serialization_lib, serde_parameters, compressed, parameters
                         from svv_external_tables where schemaname = 'views' order by tablename""").fetchall()
    assert [r[:4] for r in rows] == [("dev", "events", "TABLE", f"s3://{BUCKET}/events/"), ("dev", "sales", "TABLE", f"s3://{BUCKET}/sales/")]
    assert rows[0][5] == "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe" and rows[1][4] == "org.apache.hadoop.mapred.TextInputFormat"
    assert json.loads(rows[1][6]) == {"field.delim": "|", "serialization.format": "|"} and rows[1][7] == 0
    assert json.loads(rows[1][8])["skip.header.line.count"] == "1"


def test_columns(db):
    rows = db.execute("""select columnname, external_type, columnnum, part_key, is_nullable from svv_external_columns
                         where schemaname = 'views' and tablename = 'sales' order by columnnum""").fetchall()
    assert rows == [("id", "int", 1, 0, "true"), ("odd name", "varchar(20)", 2, 0, "true"), ("price", "decimal(8,2)", 3, 0, "true"),
                    ("day", "date", 4, 1, "true"), ("shop", "varchar(8)", 5, 2, "true")]
    assert db.execute("select external_type from svv_external_columns where tablename = 'events' and columnname = 'who' and schemaname = 'views'").fetchone() == ("struct<name:varchar(20),age:int>",)


def test_partitions(db):
    rows = db.execute("""select "values", location, serialization_lib, compressed from svv_external_partitions
                         where schemaname = 'views' and tablename = 'sales' order by location""").fetchall()
    assert [(json.loads(r[0]), r[1]) for r in rows] == [(["2026-01-01", "a"], f"s3://{BUCKET}/sales/1/"), (["2026-01-02", "b"], f"s3://{BUCKET}/sales/2/")]
    assert db.execute("select count(*) from svv_external_partitions where tablename = 'events' and schemaname = 'views'").fetchone() == (0,)


def test_a_filter_by_names_asks_one_catalog_only(server, db):
    """A schema whose catalog cannot be asked is walked when all are asked for, and not when another one is named."""
    with server.connect() as one:
        name = fresh("closed")
        one.execute(f"create external schema {name} from data catalog database 'viewed' iam_role '{UNTRUSTING_ROLE}'")
        before = server.log().count("role_chain_denied")
        assert one.execute("select count(*) from svv_external_tables where schemaname = 'views' and tablename = 'sales'").fetchone() == (1,)
        assert server.log().count("role_chain_denied") == before
        assert one.execute("select count(*) from svv_external_tables where tablename = 'sales' and schemaname in ('views', 'elsewhere')").fetchone() == (1,)
        assert server.log().count("role_chain_denied") > before  # and the rows of the other one are there all the same
        assert one.execute(f"select count(*) from svv_external_schemas where schemaname = '{name}'").fetchone() == (1,)
        assert one.execute(f"select count(*) from svv_external_columns where schemaname = '{name}'").fetchone() == (0,)
        one.execute(f"drop schema {name}")


def test_show_external_table_can_be_run_again(server, db, lake):
    lake.put(BUCKET, "sales/1/a.txt", "id|odd|price\n1|one|1.50\n2|two|2.25\n")
    before = db.execute('select id, "odd name", price, day::varchar, shop from views.sales order by id').fetchall()
    assert len(before) == 2
    with server.connect() as one:
        cursor = one.execute("show external table views.sales partition")
        assert cursor.statusmessage == "SHOW"
        lines = [row[0] for row in cursor.fetchall()]
        assert lines[0].startswith('CREATE EXTERNAL TABLE views.sales (\n    id int,\n    "odd name" varchar(20)')
        assert lines[1].startswith("ALTER TABLE views.sales ADD IF NOT EXISTS PARTITION (day='2026-01-01', shop='a') LOCATION 's3://")
        assert len(lines) == 3 and all(line.endswith(";") for line in lines)
        one.execute("drop table views.sales")
        for line in lines:
            one.execute(line)
        assert one.execute("show external table views.sales partition").fetchall() == [(line,) for line in lines]
        assert one.execute('select id, "odd name", price, day::varchar, shop from views.sales order by id').fetchall() == before
        assert len(one.execute("show external table views.events").fetchall()) == 1
        assert code_of(one, "show external table views.nothing") == "42P01"
        assert code_of(one, "show external table public.sales") == "3F000"


def test_show_external_table_keeps_what_is_odd(server, db, glue):
    """Names and values that SQL could be made of stay names and values."""
    evil = "x'); drop table views.sales; --"
    glue.create_table(DatabaseName="viewed", TableInput={
        "Name": "it's", "TableType": "EXTERNAL_TABLE", "Parameters": {"note": evil, "tab": "a\tb\\"},
        "PartitionKeys": [{"Name": "p", "Type": "string"}],
        "StorageDescriptor": {"Columns": [{"Name": 'a"b', "Type": "string"}, {"Name": "s", "Type": "struct<string:string,d:double>"}],
                              "Location": f"s3://{BUCKET}/o'dd/", "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
                              "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                              "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", "Parameters": {"field.delim": "\x01"}}}})
    glue.create_partition(DatabaseName="viewed", TableName="it's", PartitionInput={"Values": [evil], "StorageDescriptor": {"Location": f"s3://{BUCKET}/p'/"}})
    with server.connect() as one:
        lines = [row[0] for row in one.execute("""show external table views."it's" partition""").fetchall()]
        one.execute("""drop table views."it's" """)
        for line in lines:
            one.execute(line)
        table = glue.get_table(DatabaseName="viewed", Name="it's")["Table"]
        assert table["Parameters"]["note"] == evil and table["Parameters"]["tab"] == "a\tb\\"
        assert table["StorageDescriptor"]["Location"] == f"s3://{BUCKET}/o'dd/"
        assert table["StorageDescriptor"]["SerdeInfo"]["Parameters"]["field.delim"] in ("\x01", "\\001")
        assert [c["Name"] for c in table["StorageDescriptor"]["Columns"]] == ['a"b', "s"]
        assert glue.get_partitions(DatabaseName="viewed", TableName="it's")["Partitions"][0]["Values"] == [evil]
        one.execute("""drop table views."it's" """)


def test_drop_external_database(server, glue):
    with server.connect() as one:
        one.execute(f"create external schema gone from data catalog database 'to_go' iam_role '{ROLE}' create external database if not exists")
        one.execute(f"create external table gone.t (i int) stored as parquet location 's3://{BUCKET}/t/'")
        assert code_of(one, "drop schema gone drop external database") == "2BP01"
        assert code_of(one, "drop schema gone drop external database restrict") == "2BP01"
        assert one.execute("select count(*) from svv_external_schemas where schemaname = 'gone'").fetchone() == (1,)  # all or nothing
        one.execute("begin")
        assert code_of(one, "drop schema gone drop external database cascade") == "25001"
        one.execute("rollback")
        one.execute("drop schema gone drop external database cascade")
        assert one.execute("select count(*) from svv_external_schemas where schemaname = 'gone'").fetchone() == (0,)
        assert "to_go" not in {d["Name"] for d in glue.get_databases()["DatabaseList"]}
        one.execute("create schema plain_one")
        assert code_of(one, "drop schema plain_one drop external database") == "42809"
        one.execute("drop schema plain_one")
        one.execute("drop schema if exists never_there drop external database")


def test_a_role_that_only_reads_drops_no_database(server, db, glue):
    with server.connect() as one:
        name = fresh("reader")
        one.execute(f"create external schema {name} from data catalog database 'viewed' iam_role '{READING_ROLE}'")
        assert code_of(one, f"drop schema {name} drop external database cascade") == "42501"
        assert "viewed" in {d["Name"] for d in glue.get_databases()["DatabaseList"]}
        assert one.execute(f"select count(*) from {name}.events where 1 = 0").fetchone() == (0,)
        one.execute(f"drop schema {name}")


def test_catalog_role_is_for_the_catalog_alone(server, db, lake):
    lake.put(BUCKET, "sales/1/a.txt", "id|odd|price\n1|one|1.50\n2|two|2.25\n")
    with server.connect() as one:
        name = fresh("two_roles")
        one.execute(f"create external schema {name} from data catalog database 'viewed' iam_role '{READING_ROLE}' catalog_role '{ROLE}'")
        assert json.loads(one.execute(f"select esoptions from svv_external_schemas where schemaname = '{name}'").fetchone()[0]) == {
            "IAM_ROLE": READING_ROLE, "CATALOG_ROLE": ROLE}
        assert one.execute(f"select count(*) from {name}.sales").fetchone() == (2,)
        one.execute(f"create external table {name}.by_catalog_role (i int) stored as parquet location 's3://{BUCKET}/n/'")  # READING_ROLE may not
        one.execute(f"drop table {name}.by_catalog_role")
        one.execute(f"alter external schema {name} iam_role '{UNTRUSTING_ROLE}'")
        assert one.execute(f"select count(*) from svv_external_tables where schemaname = '{name}' and tablename = 'sales'").fetchone() == (1,)
        assert code_of(one, f"select count(*) from {name}.sales") == "42501"
        one.execute("begin")
        one.execute(f"alter external schema {name} iam_role '{READING_ROLE}'")
        assert one.execute(f"select count(*) from {name}.sales").fetchone() == (2,)
        one.execute("rollback")
        assert code_of(one, f"select count(*) from {name}.sales") == "42501"
        one.execute(f"alter external schema {name} iam_role '{READING_ROLE}' catalog_role '{UNTRUSTING_ROLE}'")
        assert code_of(one, f"select count(*) from {name}.sales") == "42501"
        assert code_of(one, f"alter external schema {name} uri 'elsewhere'") == "0A000"
        assert code_of(one, f"alter external schema never_made iam_role '{ROLE}'") == "3F000"
        one.execute(f"drop schema {name}")


def test_a_schema_with_two_roles_outlives_its_worker(own_server):
    server = own_server(lake=True)
    with server.connect() as one:
        one.execute(f"create external schema kept from data catalog database 'k' iam_role '{ROLE}' catalog_role '{READING_ROLE}'")
    server.stop()
    server.start()
    with server.connect() as one:
        assert json.loads(one.execute("select esoptions from svv_external_schemas").fetchone()[0]) == {"IAM_ROLE": ROLE, "CATALOG_ROLE": READING_ROLE}


@pytest.fixture(scope="module")
def with_default(tmp_path_factory):
    """A server with a default role."""
    from support import object_store
    from support.object_store import ObjectStore
    from support.server import Server
    if object_store.missing():
        pytest.skip(object_store.missing())
    store = ObjectStore(tmp_path_factory.mktemp("lake")).start()
    one = Server(tmp_path_factory.mktemp("default"), store, {"lake-default-iam-role": ROLE}).init().start()
    store.client().create_bucket(Bucket=BUCKET)
    store.put(BUCKET, "t/a.txt", "1|one\n2|two\n")
    with one.connect() as db:
        db.execute("create external schema mounted from data catalog database 'auto' iam_role default create external database if not exists")
        db.execute(f"""create external table mounted.t (id int, name varchar(9)) row format delimited fields terminated by '|' stored as textfile
                       location 's3://{BUCKET}/t/'""")
    yield one
    one.stop()
    store.stop()


def test_the_default_role(with_default):
    with with_default.connect() as db:
        assert db.execute("select count(*) from mounted.t").fetchone() == (2,)
        assert json.loads(db.execute("select esoptions from svv_external_schemas").fetchone()[0]) == {"IAM_ROLE": "default"}
        db.execute("create table loaded (id int, name varchar(9))")
        db.execute(f"copy loaded from 's3://{BUCKET}/t/' iam_role default")
        assert db.execute("select * from loaded order by 1").fetchall() == [(1, "one"), (2, "two")]


def test_three_part_names_of_awsdatacatalog(with_default):
    with with_default.connect() as db:
        assert db.execute('select t.id, name from "awsdatacatalog"."auto"."t" t order by 1').fetchall() == [(1, "one"), (2, "two")]
        assert db.execute("select count(*) from awsdatacatalog.auto.t a join mounted.t b on a.id = b.id").fetchone() == (2,)
        assert db.execute("show external table awsdatacatalog.auto.t").fetchone()[0].startswith("CREATE EXTERNAL TABLE awsdatacatalog.auto.t (")
        assert code_of(db, "select * from awsdatacatalog.auto.nothing") == "42P01"
        assert code_of(db, "select * from awsdatacatalog.nothing.t") == "3F000"
        for sql in ("drop table awsdatacatalog.auto.t", "alter table awsdatacatalog.auto.t set location 's3://elsewhere/'",
                    f"create external table awsdatacatalog.auto.u (i int) stored as parquet location 's3://{BUCKET}/u/'",
                    'drop schema "awsdatacatalog.auto"', 'create schema "awsdatacatalog.auto"',
                    f"""create external schema "awsdatacatalog.auto" from data catalog database 'x' iam_role '{ROLE}'"""):
            assert code_of(db, sql) == "42501", sql
        assert code_of(db, "insert into awsdatacatalog.auto.t values (1, 'x')") == "0A000"
        assert db.execute("select count(*) from mounted.t").fetchone() == (2,)


def test_without_a_default_role_nothing_is_opened(server, db):
    with server.connect() as one:
        for sql in ('select * from "awsdatacatalog"."viewed"."sales"', "show external table awsdatacatalog.viewed.sales"):
            with pytest.raises(psycopg.Error) as failed:
                one.execute(sql)
            assert failed.value.sqlstate == "28000" and "no default IAM role" in str(failed.value), sql
        one.execute("create external schema of_default from data catalog database 'viewed' iam_role default")
        assert code_of(one, "select count(*) from of_default.sales") == "28000"
        one.execute("drop schema of_default")
        assert code_of(one, "create external schema x from data catalog database 'viewed' iam_role 'default'") == "22023"
        assert code_of(one, "create external schema x from data catalog database 'viewed' iam_role 'SESSION'") == "0A000"


def test_views_and_other_ways_to_ask(server, db, data_api, execute_statement):
    with server.connect() as one:
        name = fresh("of_views")
        one.execute(f"create view {name} as select tablename from svv_external_tables where schemaname = 'views'")
        assert {"sales", "events"} <= {r[0] for r in one.execute(f"select * from {name}").fetchall()}
        one.execute(f"drop view {name}")
        one.execute("create temporary table kept as select schemaname, columnname from svv_external_columns where schemaname = 'views' and tablename = 'sales'")
        assert one.execute("select count(*) from kept").fetchone() == (5,)
        # Parameters, a filter that no table passes, joins of the views.
        assert one.execute("select count(*) from svv_external_columns where schemaname = %s and tablename = %s", ("views", "sales")).fetchone() == (5,)
        assert one.execute("select count(*) from svv_external_tables where schemaname = 'views' and schemaname = 'other'").fetchone() == (0,)
        assert one.execute("""select count(*) from svv_external_tables t join svv_external_columns c on t.schemaname = c.schemaname and t.tablename = c.tablename
                              where t.schemaname = 'views' and t.tablename = 'sales'""").fetchone() == (5,)
        assert one.execute("select count(*) from svv_external_tables where tablename like 'sal%' and schemaname = 'views'").fetchone() == (1,)
        # What was made is seen by the next statement, also where answers are kept.
        count = lambda: one.execute("select count(*) from svv_external_tables where schemaname = 'views'").fetchone()[0]
        before = count()
        one.execute(f"create external table views.{name} (i int) stored as parquet location 's3://{BUCKET}/x/'")
        assert count() == before + 1
        one.execute(f"drop table views.{name}")
        assert count() == before
    made = execute_statement(data_api, "show external table views.sales")
    assert made["Status"] == "FINISHED" and made["HasResultSet"]
    assert data_api.get_statement_result(Id=made["Id"])["Records"][0][0]["stringValue"].startswith("CREATE EXTERNAL TABLE views.sales")


def test_an_uncommitted_schema_is_its_transactions_own(server, db):
    with server.connect(autocommit=False) as one, server.connect() as other:
        one.execute(f"create external schema not_yet from data catalog database 'viewed' iam_role '{ROLE}'")
        seen = "select count(*) from svv_external_schemas where schemaname = 'not_yet'"
        assert one.execute(seen).fetchone() == (1,) and other.execute(seen).fetchone() == (0,)
        assert one.execute("select count(*) from svv_external_tables where schemaname = 'not_yet' and tablename = 'sales'").fetchone() == (1,)
        one.rollback()
        assert one.execute(seen).fetchone() == (0,)


def test_region_names_where_the_catalog_is(server, db, glue):
    """A built-in account's catalog is of one region; elsewhere there is no such database."""
    name, database = fresh("far"), fresh("near")
    with server.connect() as own:
        own.execute(f"create external schema {name} from data catalog database '{database}' region 'us-east-1' iam_role '{ROLE}' create external database if not exists")
        own.execute(f"create external table {name}.t (i int) stored as parquet location 's3://{BUCKET}/region/'")
        assert own.execute(f"select count(*) from {name}.t").fetchone() == (0,)
        options = own.execute("select esoptions from svv_external_schemas where schemaname = %s", (name,)).fetchone()[0]
        assert json.loads(options)["REGION"] == "us-east-1"
        own.execute(f"create external schema {name}_2 from data catalog database '{database}' region 'eu-west-1' iam_role '{ROLE}'")
        for sql in (f"select count(*) from {name}_2.t", f"create external table {name}_2.u (i int) stored as parquet location 's3://{BUCKET}/region/'"):
            with pytest.raises(psycopg.Error) as failed:
                own.execute(sql)
            assert failed.value.sqlstate == "42704" and f"Database {database} not found" in str(failed.value) and "eu-west-1" in str(failed.value)
        with pytest.raises(psycopg.Error) as failed:
            own.execute(f"create external schema {name}_3 from data catalog database '{name}' region 'eu-west-1' iam_role '{ROLE}' create external database if not exists")
        assert "eu-west-1" in str(failed.value)
        assert name not in [d["Name"] for p in glue.get_paginator("get_databases").paginate() for d in p["DatabaseList"]]
        own.execute(f"drop schema {name}_2")
        own.execute(f"drop schema {name} drop external database cascade")
