"""Tables with more partitions than are told with the table: the catalog finds them by the statement's filters."""

import datetime
import uuid

import duckdb
import psycopg
import pytest

from support.server import ROLE

BUCKET = "many-partitions"
DAYS, SHOPS = 40, 10
STORAGE = {"Columns": [{"Name": "id", "Type": "int"}], "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
           "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
           "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", "Parameters": {"field.delim": "|"}}}


def places():
    for day in range(DAYS):
        for shop in range(SHOPS):
            value = "__HIVE_DEFAULT_PARTITION__" if shop == 9 else f"s'{shop}"
            yield day, shop, [f"2026-{1 + day // 28:02}-{1 + day % 28:02}", str(shop - 3), value], f"s3://{BUCKET}/t/{day}/{shop}/"


@pytest.fixture(scope="module")
def table(server, lake, api_user):
    lake.client().create_bucket(Bucket=BUCKET)
    glue = server.client("glue", api_user)
    database = f"many_{uuid.uuid4().hex[:8]}"
    glue.create_database(DatabaseInput={"Name": database})
    glue.create_table(DatabaseName=database, TableInput={
        "Name": "t", "TableType": "EXTERNAL_TABLE", "StorageDescriptor": {**STORAGE, "Location": f"s3://{BUCKET}/t/"},
        "PartitionKeys": [{"Name": "day", "Type": "date"}, {"Name": "n", "Type": "int"}, {"Name": "shop", "Type": "string"}]})
    inputs = []
    for day, shop, values, location in places():
        lake.put(BUCKET, f"t/{day}/{shop}/a.txt", f"{day * 100 + shop}\n")
        inputs.append({"Values": values, "StorageDescriptor": {**STORAGE, "Location": location}})
    for at in range(0, len(inputs), 100):
        assert not glue.batch_create_partition(DatabaseName=database, TableName="t", PartitionInputList=inputs[at:at + 100]).get("Errors")
    with server.connect() as db:
        db.execute(f"create external schema {database} from data catalog database '{database}' iam_role '{ROLE}'")
        yield f"{database}.t"
        db.execute(f"drop schema {database} drop external database cascade")


@pytest.fixture(scope="module")
def db(server, table):
    with server.connect() as one:
        one.execute("set enable_result_cache_for_session to off")
        # The same rows as a table of the database, to compare with.
        one.execute("create temporary table same (id int, day date, n int, shop varchar(30))")
        with one.cursor() as cursor:
            cursor.executemany("insert into same values (%s, %s, %s, %s)",
                               [(d * 100 + s, v[0], int(v[1]), None if v[2].startswith("__") else v[2]) for d, s, v, _ in places()])
        yield one


def qualified(db, table):
    return db.execute("select total_partitions, qualified_partitions from sys_external_query_detail where table_name = %s order by query_id desc limit 1", (f"dev.{table}",)).fetchone()


@pytest.mark.parametrize("where, partitions", [
    ("day = '2026-01-05'", 10), ("'2026-01-05' = day and n = 2", 1), ("day between '2026-01-27' and '2026-02-02' and shop = 's''4'", 4), ("n in (-3, 0, 99)", 80),
    ("n < -1", 80), ("n >= 5 and day > '2026-02-10'", 4), ("(day = '2026-01-01' or day = '2026-02-03') and n <> 1", 18), ("shop is null", 40), ("shop > 's''7'", 40),
    ("shop like 's_3'", 40), ("upper(shop) = 'S''3' and day = '2026-01-02'", 1), ("n = 100", 0), ("day = '2030-01-01'", 0), ("n + 1 = 3", 40),
    ("date_part(month, day) = 2 and n = 0", 12), ("not (n = 0)", 360), ("day = '2026-01-05' or n = 0", 49), ("id = 203", 400), ("id > 0 and day = '2026-01-03' and shop in ('s''1', 's''2', 'x')", 2),
    ("coalesce(shop, 'none') = 'none' and n = 6", 40)])
def test_filters_find_what_they_leave(db, table, where, partitions):
    expected = db.execute(f"select count(*), sum(id) from same where {where}").fetchone()
    assert db.execute(f"select count(*), sum(id) from {table} where {where}").fetchone() == expected
    assert qualified(db, table) == (400, partitions)


def test_without_a_filter_all_are_read(db, table):
    assert db.execute(f"select count(*), sum(id), count(distinct day), count(shop), count(distinct \"$path\") from {table}").fetchone() == (
        400, sum(d * 100 + s for d, s, _, _ in places()), 40, 360, 400)
    assert qualified(db, table) == (400, 400)


def test_the_other_side_of_a_join_finds_them(db, table, lake, api_user, server, tmp_path):
    """Parquet: the engine hands a scan of it what the other side of the join leaves (text is joined without)."""
    duckdb.execute(f"copy (select range::integer as id from range(10)) to '{tmp_path}/p.parquet'")
    body = (tmp_path / "p.parquet").read_bytes()
    database = table.split(".")[0]
    glue = server.client("glue", api_user)
    storage = {"Columns": [{"Name": "id", "Type": "int"}], "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"}}
    glue.create_table(DatabaseName=database, TableInput={
        "Name": "joined", "TableType": "EXTERNAL_TABLE", "StorageDescriptor": {**storage, "Location": f"s3://{BUCKET}/j/"}, "PartitionKeys": [{"Name": "day", "Type": "date"}]})
    days = [str(datetime.date(2026, 1, 1) + datetime.timedelta(days=i)) for i in range(300)]
    for at in range(0, 300, 100):
        glue.batch_create_partition(DatabaseName=database, TableName="joined", PartitionInputList=[
            {"Values": [d], "StorageDescriptor": {**storage, "Location": f"s3://{BUCKET}/j/{d}/"}} for d in days[at:at + 100]])
    for day in days[:5] + days[31:33]:
        lake.put(BUCKET, f"j/{day}/a.parquet", body)
    db.execute("create temporary table days as select date '2026-01-05' as d union all select date '2026-02-01'")
    assert db.execute(f"select count(*), sum(id) from {database}.joined join days on day = d").fetchone() == (20, 90)
    total, left = qualified(db, f"{database}.joined")
    assert total == 300 and left <= 28, left
    assert db.execute(f"select count(*) from {database}.joined where day in (select d from days)").fetchone() == (20,)
    assert qualified(db, f"{database}.joined")[1] <= 28
    assert db.execute(f"select count(*) from {database}.joined").fetchone() == (70,)
    assert qualified(db, f"{database}.joined") == (300, 300)


def test_one_statement_may_ask_differently_twice(db, table):
    text = "select count(*), sum(a.id), sum(b.id) from {0} a join {0} b on a.n = b.n where a.day = '2026-01-05' and b.day = '2026-01-06'"
    assert db.execute(text.format(table)).fetchone() == db.execute(text.format("same")).fetchone()
    text = "select count(*), sum(id) from (select id from {0} where n = 1 union all select id from {0} where day = '2026-01-01' union all select id from {0})"
    assert db.execute(text.format(table)).fetchone() == db.execute(text.format("same")).fetchone()


def test_parameters_find_them_too(db, table):
    assert db.execute(f"select count(*) from {table} where day = %s and n = %s", ("2026-01-05", 3)).fetchone() == (1,)


def test_a_plan_asks_for_no_list(db, table):
    plan = "\n".join(r[0] for r in db.execute(f"explain select count(*) from {table} where day = '2026-01-05'").fetchall())
    assert "10/400" in plan, plan


def test_a_filter_that_would_be_a_long_text(db, table):
    values = ", ".join(f"'value-{i:04}'" for i in range(500)) + ", 's''3'"
    assert db.execute(f"select count(*) from {table} where shop in ({values})").fetchone() == (40,)


def test_text_that_looks_like_an_expression_stays_text(db, table):
    for value in ("x' or shop <> '", "x'' or n = 0 --", "\\\\' or n = 0", "%"):
        quoted = value.replace("'", "''")
        assert db.execute(f"select count(*) from {table} where shop = '{quoted}'").fetchone() == (0,), value
    with pytest.raises(psycopg.Error):
        db.execute(f"select count(*) from {table} where shop = 'x' or")


def test_a_value_that_cannot_be_read_is_told_not_lost(db, table, api_user, server):
    """The catalog's filter would pass 007 and words over: the statement has to fail as it does where all partitions are listed."""
    database = table.split(".")[0]
    glue = server.client("glue", api_user)
    glue.create_table(DatabaseName=database, TableInput={
        "Name": "odd", "TableType": "EXTERNAL_TABLE", "StorageDescriptor": {**STORAGE, "Location": f"s3://{BUCKET}/odd/"},
        "PartitionKeys": [{"Name": "n", "Type": "int"}]})
    values = [str(i) for i in range(299)] + ["words"]
    for at in range(0, 300, 100):
        glue.batch_create_partition(DatabaseName=database, TableName="odd", PartitionInputList=[
            {"Values": [v], "StorageDescriptor": {**STORAGE, "Location": f"s3://{BUCKET}/odd/{v}/"}} for v in values[at:at + 100]])
    for where in ("n = 7", "n > 200", "1 = 1"):
        with pytest.raises(psycopg.Error) as failed:
            db.execute(f"select count(*) from {database}.odd where {where}")
        assert failed.value.sqlstate == "22P02" and "words" in str(failed.value), where
    glue.delete_partition(DatabaseName=database, TableName="odd", PartitionValues=["words"])
    assert db.execute(f"select count(*) from {database}.odd where n = 7").fetchone() == (0,)
    assert qualified(db, f"{database}.odd") == (299, 1)
