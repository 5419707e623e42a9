"""INSERT into external tables and CREATE EXTERNAL TABLE AS: files, then partitions, then rows that others read."""

import datetime
import decimal

import psycopg
import pytest

from support.process import wait_until
from support.server import READING_ROLE, ROLE

BUCKET = "written-tables"


@pytest.fixture(scope="module")
def glue(server, lake):
    lake.client().create_bucket(Bucket=BUCKET)
    client = server.client("glue", server.add_user("writes_api", superuser=True, access_key=True))
    client.create_database(DatabaseInput={"Name": "written"})
    with server.connect() as db:
        db.execute(f"create external schema wr from data catalog database 'written' iam_role '{ROLE}'")
        db.execute(f"create external schema wr_reader from data catalog database 'written' iam_role '{READING_ROLE}'")
        db.execute("create table numbers as select g::int as i, 'v' || g as v, (g % 3)::int as k from generate_series(1, 3000) as t(g)")
    yield client
    with server.connect() as db:
        for schema in ("wr", "wr_reader"):
            db.execute(f"drop schema {schema}")
        db.execute("drop table numbers")


@pytest.fixture
def db(server, glue):
    with server.connect(autocommit=True) as one:
        yield one


def keys(lake, prefix):
    return [one["Key"][len(prefix):] for one in lake.client().list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])]


def uploads(lake):
    return lake.client().list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])


STORED = {"parquet": "stored as parquet", "text": "row format delimited fields terminated by '|' escaped by '\\\\' stored as textfile"}


@pytest.mark.parametrize("form", STORED)
def test_inserted_rows_are_read_back(db, lake, form):
    name = f"plain_{form}"
    db.execute(f"create external table wr.{name} (i int, b bigint, d decimal(10,2), f float8, v varchar(20), day date, at timestamp, ok boolean) "
               f"{STORED[form]} location 's3://{BUCKET}/{name}/'")
    done = db.execute(f"insert into wr.{name} values (1, 10, 1.239, 0.5, 'a|b\\\\c', '2026-01-02', '2026-01-02 03:04:05.5', true), "
                      "(2, null, null, null, null, null, null, null)")
    assert done.statusmessage == "INSERT 0 2"
    assert db.execute(f"insert into wr.{name} select i, i, i, i, v, '2026-02-03', '2026-02-03 01:00:00', false from numbers where i > 2995").rowcount == 5
    assert db.execute(f"select * from wr.{name} where i <= 2 order by i").fetchall() == [
        (1, 10, decimal.Decimal("1.24"), 0.5, "a|b\\c", datetime.date(2026, 1, 2), datetime.datetime(2026, 1, 2, 3, 4, 5, 500000), True),
        (2, None, None, None, None, None, None, None)]
    assert db.execute(f"select count(*), sum(i) from wr.{name}").fetchone() == (7, 3 + sum(range(2996, 3001)))
    names = keys(lake, f"{name}/")
    assert len(names) >= 2 and all("_part_" in one for one in names)


@pytest.mark.parametrize("form", STORED)
def test_lengths_that_the_catalog_declares_are_kept(db, lake, form):
    name = f"lengths_{form}"
    db.execute(f"create external table wr.{name} (v varchar(5), c char(3), s varchar(60000)) partitioned by (k varchar(4)) {STORED[form]} "
               f"location 's3://{BUCKET}/{name}/'")
    db.execute(f"insert into wr.{name} values ('grös', 'abc', repeat('x', 50000), 'four')")
    for values in ("'größe', 'a', 'b', 'k'", "'sixsix', 'a', 'b', 'k'", "'a', 'four', 'b', 'k'", "'a', 'b', 'c', 'fivek'",
                   "'a', 'b', repeat('x', 60001), 'k'"):
        with pytest.raises(psycopg.Error) as failed:
            db.execute(f"insert into wr.{name} values ({values})")
        assert failed.value.sqlstate == "22001", (values, str(failed.value))
        assert "too long" in str(failed.value)
    assert db.execute(f"select v, c, len(s), k from wr.{name}").fetchall() == [("grös", "abc", 50000, "four")]
    assert len(keys(lake, f"{name}/")) == 1 and uploads(lake) == []


@pytest.mark.parametrize("form", STORED)
def test_new_partitions_are_registered_with_their_files(db, lake, glue, form):
    name = f"parts_{form}"
    db.execute(f"create external table wr.{name} (i int, v varchar(20)) partitioned by (k int, s varchar(20)) {STORED[form]} location 's3://{BUCKET}/{name}'")
    db.execute(f"insert into wr.{name} select i, v, k, 'a/b ' || k from numbers")
    partitions = glue.get_partitions(DatabaseName="written", TableName=name)["Partitions"]
    assert sorted(p["Values"] for p in partitions) == [[str(k), f"a/b {k}"] for k in range(3)]
    assert {p["StorageDescriptor"]["Location"] for p in partitions} == {f"s3://{BUCKET}/{name}/k={k}/s=a%2Fb {k}/" for k in range(3)}
    expected = db.execute("select k, count(*), sum(i) from numbers group by k order by k").fetchall()
    assert db.execute(f"select k, count(*), sum(i) from wr.{name} group by k order by k").fetchall() == expected
    assert db.execute(f"select distinct s from wr.{name} where k = 2").fetchall() == [("a/b 2",)]
    assert len(keys(lake, f"{name}/")) < 30  # not one for each change from row to row
    # Another file in a partition that is there, and one of NULLs.
    db.execute(f"insert into wr.{name} values (7, 'more', 2, 'a/b 2'), (8, 'null', null, null)")
    assert db.execute(f"select count(*) from wr.{name} where k = 2").fetchone() == (expected[2][1] + 1,)
    assert db.execute(f"select i, s from wr.{name} where k is null").fetchall() == [(8, None)]
    assert len(glue.get_partitions(DatabaseName="written", TableName=name)["Partitions"]) == 4


@pytest.mark.parametrize("form", STORED)
def test_a_table_is_made_of_a_query(db, lake, glue, form):
    name = f"made_{form}"
    db.execute(f"create external table wr.{name} partitioned by (k) {STORED[form]} location 's3://{BUCKET}/{name}/' "
               "as select k, i, v, i::decimal(12,2) as d, '2026-01-02'::date as day from numbers")
    table = glue.get_table(DatabaseName="written", Name=name)["Table"]
    assert [(c["Name"], c["Type"]) for c in table["StorageDescriptor"]["Columns"]] == [
        ("i", "int"), ("v", table["StorageDescriptor"]["Columns"][1]["Type"]), ("d", "decimal(12,2)"), ("day", "date")]
    assert [(c["Name"], c["Type"]) for c in table["PartitionKeys"]] == [("k", "int")]
    assert db.execute(f"select i, v, d, day, k from wr.{name} where i = 10").fetchall() == [
        (10, "v10", decimal.Decimal("10.00"), datetime.date(2026, 1, 2), 1)]
    assert db.execute(f"select count(*), sum(i) from wr.{name}").fetchone() == (3000, 4501500)
    assert {one.split("/")[0] for one in keys(lake, f"{name}/")} == {"k=0", "k=1", "k=2"}
    with pytest.raises(psycopg.errors.DuplicateTable):
        db.execute(f"create external table wr.{name} stored as parquet location 's3://{BUCKET}/elsewhere/' as select 1 as a")
    db.execute(f"create external table if not exists wr.{name} stored as parquet location 's3://{BUCKET}/elsewhere/' as select 1 as a")
    assert keys(lake, "elsewhere/") == []


def test_what_fails_leaves_neither_files_nor_tables(db, lake, glue):
    lake.put(BUCKET, "full/old", "x")
    db.execute(f"create external table wr.failing (i int) partitioned by (k int) stored as parquet location 's3://{BUCKET}/failing/'")
    for statement, sqlstate in [
            (f"create external table wr.bad stored as parquet location 's3://{BUCKET}/bad/' as select 1 / (i - 3000) as x from numbers", "22012"),
            (f"create external table wr.bad stored as parquet location 's3://{BUCKET}/full/' as select 1 as x", "42710"),
            (f"create external table wr.bad stored as orc location 's3://{BUCKET}/bad/' as select 1 as x", "0A000"),
            (f"create external table wr.bad stored as parquet location 's3://{BUCKET}/bad/' as select i from numbers limit 1", "0A000"),
            (f"create external table wr.bad partitioned by (i) stored as parquet location 's3://{BUCKET}/bad/' as select i from numbers", "22023"),
            (f"create external table wr.bad stored as parquet location 's3://{BUCKET}/bad/' as select json_parse('1') as s", "0A000"),
            (f"create external table wr_reader.bad stored as parquet location 's3://{BUCKET}/bad/' as select 1 as x", "42501"),
            ("insert into wr.failing select 1 / (i - 3000), k from numbers", "22012"),
            ("insert into wr.failing values (1)", "42601"), ("insert into wr.failing values (1, 2, 3)", "42601"),
            ("insert into wr.failing values ('word', 2)", "22P02"), ("insert into wr.failing (i) values (1)", "0A000"),
            ("insert into wr.failing select i, k from numbers limit 2", "0A000"), ("insert into wr.nowhere values (1)", "42P01"),
            ("insert into wr_reader.failing values (1, 2)", "42501"),
            ("update wr.failing set i = 1", "0A000"), ("delete from wr.failing", "0A000")]:
        with pytest.raises(psycopg.Error) as failed:
            db.execute(statement)
        assert failed.value.sqlstate == sqlstate, (statement, failed.value)
    assert [t["Name"] for t in glue.get_tables(DatabaseName="written")["TableList"] if t["Name"] == "bad"] == []
    assert glue.get_partitions(DatabaseName="written", TableName="failing")["Partitions"] == []
    wait_until("the uploads being dropped", lambda: uploads(lake) == [])
    assert keys(lake, "bad/") == [] and keys(lake, "failing/") == []


def test_not_within_a_transaction(db, lake):
    db.execute(f"create external table wr.alone (i int) stored as parquet location 's3://{BUCKET}/alone/'")
    for statement in ("insert into wr.alone values (1)", f"create external table wr.alone2 stored as parquet location 's3://{BUCKET}/alone2/' as select 1 as a"):
        with pytest.raises(psycopg.errors.ActiveSqlTransaction), db.transaction():
            db.execute(statement)
    assert keys(lake, "alone") == []


def test_a_partition_that_lies_elsewhere_is_not_written_past(db, lake, glue):
    db.execute(f"create external table wr.moved (i int) partitioned by (k int) stored as parquet location 's3://{BUCKET}/moved/'")
    db.execute(f"alter table wr.moved add partition (k = '1') location 's3://{BUCKET}/other/'")
    with pytest.raises(psycopg.Error) as failed:
        db.execute("insert into wr.moved values (5, 1)")
    assert f"s3://{BUCKET}/other/" in str(failed.value)
    assert keys(lake, "moved/") == [] and keys(lake, "other/") == []
    db.execute("insert into wr.moved values (5, 2)")
    assert db.execute("select * from wr.moved").fetchall() == [(5, 2)]


def test_parameters_are_written(db, lake):
    db.execute(f"create external table wr.bound (i int, v varchar(10)) stored as parquet location 's3://{BUCKET}/bound/'")
    db.execute("insert into wr.bound values (%s, %s)", (3, "three"))
    assert db.execute("select * from wr.bound").fetchall() == [(3, "three")]
