"""Tables of external schemas made and changed by SQL: what stands in the Glue catalog, and what queries answer."""

import decimal

import psycopg
import pytest

from support.server import READING_ROLE, ROLE

BUCKET = "external-tables"


@pytest.fixture(scope="module")
def db(server, lake):
    lake.client().create_bucket(Bucket=BUCKET)
    with server.connect() as one:
        one.execute(f"create external schema made from data catalog database 'made_by_sql' iam_role '{ROLE}' create external database if not exists")
        yield one


def code_of(db, sql):
    with pytest.raises(psycopg.Error) as failed:
        db.execute(sql)
    return failed.value.sqlstate


def test_a_table_of_text_is_made_and_read(db, lake, glue):
    lake.put(BUCKET, "sales/day=2026-01-01/a.txt", "1|one|1.50\n2|two|2.25\n")
    lake.put(BUCKET, "sales/day=2026-01-02/a.txt", "3|three|\\N\n")
    db.execute(f"""create external table made.sales (id int, name varchar(20), price decimal(8,2)) partitioned by (day date)
                   row format delimited fields terminated by '|' stored as textfile location 's3://{BUCKET}/sales/'
                   table properties ('numRows'='3', 'comment'='of a test')""")
    table = glue.get_table(DatabaseName="made_by_sql", Name="sales")["Table"]
    assert [(c["Name"], c["Type"]) for c in table["StorageDescriptor"]["Columns"]] == [("id", "int"), ("name", "varchar(20)"), ("price", "decimal(8,2)")]
    assert [(c["Name"], c["Type"]) for c in table["PartitionKeys"]] == [("day", "date")]
    assert table["TableType"] == "EXTERNAL_TABLE" and table["Parameters"]["numRows"] == "3"
    assert table["StorageDescriptor"]["SerdeInfo"]["Parameters"]["field.delim"] == "|"
    assert db.execute("select count(*) from made.sales").fetchone() == (0,)
    db.execute(f"alter table made.sales add partition (day='2026-01-01') location 's3://{BUCKET}/sales/day=2026-01-01/'")
    db.execute(f"""alter table made.sales add if not exists partition (day='2026-01-01') location 's3://{BUCKET}/sales/day=2026-01-01/'
                   partition (day='2026-01-02') location 's3://{BUCKET}/sales/day=2026-01-02/'""")
    assert db.execute("select id, name, price, day::varchar from made.sales order by id").fetchall() == [
        (1, "one", decimal.Decimal("1.50"), "2026-01-01"), (2, "two", decimal.Decimal("2.25"), "2026-01-01"), (3, "three", None, "2026-01-02")]
    assert code_of(db, f"alter table made.sales add partition (day='2026-01-01') location 's3://{BUCKET}/x/'") == "42710"
    db.execute("alter table made.sales drop partition (day='2026-01-01')")
    assert db.execute("select count(*) from made.sales").fetchone() == (1,)
    assert code_of(db, "alter table made.sales drop partition (day='2026-01-01')") == "42704"
    assert code_of(db, "alter table made.sales drop partition (month='2026-01-01')") == "22023"
    db.execute("drop table made.sales")
    assert code_of(db, "select * from made.sales") == "42P01"
    assert code_of(db, "drop table made.sales") == "42P01"
    db.execute("drop table if exists made.sales")
    assert lake.client().list_objects_v2(Bucket=BUCKET, Prefix="sales/")["KeyCount"] == 2  # the files stay


def test_serde_types_and_properties(db, lake, glue):
    lake.put(BUCKET, "csv/a.csv", 'h1,h2\n1,"a, b"\n')
    lake.put(BUCKET, "csv2/b.csv", 'h1,h2\n7,"other"\n')
    db.execute(f"""create external table if not exists made.quoted (n int, t varchar(40)) row format serde 'org.apache.hadoop.hive.serde2.OpenCSVSerde'
                   with serdeproperties ('separatorChar' = ',', 'quoteChar' = '"') stored as textfile location 's3://{BUCKET}/csv/'
                   table properties ('skip.header.line.count'='1')""")
    assert db.execute("select * from made.quoted").fetchall() == [(1, "a, b")]
    db.execute(f"create external table if not exists made.quoted (x int) stored as parquet location 's3://{BUCKET}/x/'")
    assert code_of(db, f"create external table made.quoted (x int) stored as parquet location 's3://{BUCKET}/x/'") == "42P07"
    db.execute(f"alter table made.quoted set location 's3://{BUCKET}/csv2/'")
    assert db.execute("select * from made.quoted").fetchall() == [(7, "other")]
    db.execute("alter table made.quoted set table properties ('numRows'='1')")
    assert glue.get_table(DatabaseName="made_by_sql", Name="quoted")["Table"]["Parameters"]["numRows"] == "1"
    db.execute(f"create external table made.nested (id int, tags array<varchar(10)>, who struct<name:varchar(20),age:int>, m map<varchar(5),double precision>) stored as rcfile location 's3://{BUCKET}/n/'")
    columns = glue.get_table(DatabaseName="made_by_sql", Name="nested")["Table"]["StorageDescriptor"]["Columns"]
    assert [c["Type"] for c in columns] == ["int", "array<varchar(10)>", "struct<name:varchar(20),age:int>", "map<varchar(5),double>"]
    assert code_of(db, "select * from made.nested") == "0A000"  # RCFile is kept and not read
    db.execute("drop table made.nested")


@pytest.mark.parametrize("sql, code", [
    ("create external table made.bad (i int) stored as parquet location '/etc'", "22023"),
    ("create external table made.bad (i int) stored as parquet location 's3://'", "22023"),
    ("create external table made.bad (i int, i int) stored as parquet location 's3://b/k'", "42701"),
    ("create external table made.bad (i super) stored as parquet location 's3://b/k'", "0A000"),
    ("create external table public.bad (i int) stored as parquet location 's3://b/k'", "3F000"),
    ("create external table bad (i int) stored as parquet location 's3://b/k'", "42601"),
    ("alter table made.nothing add partition (a='1') location 's3://b/k'", "42P01"),
    ("alter table made.nothing set location 'file:///etc/passwd'", "22023"),
    ("alter table made.nothing add column a int", "0A000")])
def test_what_does_not_go(db, sql, code):
    assert code_of(db, sql) == code
    assert db.execute("select 1").fetchone() == (1,)


def test_not_within_a_transaction(server, db):
    with server.connect() as one:
        one.execute("begin")
        assert code_of(one, "create external table made.t (i int) stored as parquet location 's3://b/k'") == "25001"
        one.execute("rollback")


def test_a_role_that_only_reads_changes_no_catalog(server, db, glue):
    """A role of the configuration changes a catalog only when it says so: an external schema is no key to its tables."""
    db.execute(f"create external table made.guarded (i int) stored as parquet location 's3://{BUCKET}/g/'")
    with server.connect() as one:
        one.execute(f"create external schema reads from data catalog database 'made_by_sql' iam_role '{READING_ROLE}'")
        for sql in (f"create external table reads.t (i int) stored as parquet location 's3://{BUCKET}/g/'", "drop table reads.guarded",
                    "alter table reads.guarded set location 's3://elsewhere/'",
                    f"create external schema more from data catalog database 'made_anew' iam_role '{READING_ROLE}' create external database if not exists"):
            assert code_of(one, sql) == "42501", sql
        one.execute("drop schema reads")
    assert glue.get_table(DatabaseName="made_by_sql", Name="guarded")["Table"]["StorageDescriptor"]["Location"] == f"s3://{BUCKET}/g/"
    assert "made_anew" not in {d["Name"] for d in glue.get_databases()["DatabaseList"]}
