"""Trino and Skep over one catalog and one lake: what one of them makes, the other reads."""

import datetime
import decimal

import pytest

from support import trino as trino_support
from support.process import wait_until
from support.server import ACCOUNT, REGION, ROLE
from support.trino import Trino

BUCKET = "shared-with-trino"
DATABASE = "trino_db"


@pytest.fixture(scope="module")
def db(server, lake):
    if trino_support.missing():
        pytest.skip(trino_support.missing())
    lake.client().create_bucket(Bucket=BUCKET)
    with server.connect() as one:
        one.execute(f"create external schema tri from data catalog database '{DATABASE}' iam_role '{ROLE}' create external database if not exists")
        yield one


@pytest.fixture(scope="module")
def trino(server, lake, db, api_user, tmp_path_factory):
    running = Trino(tmp_path_factory.mktemp("trino"), {
        "connector.name": "hive", "hive.metastore": "glue", "hive.metastore.glue.region": REGION,
        "hive.metastore.glue.endpoint-url": f"http://127.0.0.1:{server.http_port}", "hive.metastore.glue.catalogid": ACCOUNT,
        "hive.metastore.glue.aws-access-key": api_user.access_key, "hive.metastore.glue.aws-secret-key": api_user.secret_key,
        "hive.metastore.glue.default-warehouse-dir": f"s3://{BUCKET}/warehouse/", "hive.non-managed-table-writes-enabled": "true",
        "fs.native-s3.enabled": "true", "s3.endpoint": lake.endpoint, "s3.region": REGION, "s3.path-style-access": "true",
        "s3.aws-access-key": lake.access_key, "s3.aws-secret-key": lake.secret_key,
    }).start()
    yield running
    running.stop()


ROWS = [(1, "one", decimal.Decimal("1.50"), datetime.date(2026, 1, 1)), (2, "zwei", None, datetime.date(2026, 1, 2)),
        (3, None, decimal.Decimal("-3.25"), datetime.date(2026, 1, 1))]


def shown(rows):
    """Trino answers decimals and dates as text."""
    return [[str(v) if isinstance(v, (decimal.Decimal, datetime.date)) else v for v in row] for row in rows]


def test_trino_reads_what_skep_made(db, lake, trino):
    lake.put(BUCKET, "text/day=2026-01-01/a.txt", "1|one|1.50\n3|\\N|-3.25\n")
    lake.put(BUCKET, "text/day=2026-01-02/a.txt", "2|zwei|\\N\n")
    db.execute(f"""create external table tri.texts (id int, name varchar(20), price decimal(8,2)) partitioned by (day date)
                   row format delimited fields terminated by '|' stored as textfile location 's3://{BUCKET}/text/'""")
    for day in ("2026-01-01", "2026-01-02"):
        db.execute(f"alter table tri.texts add partition (day='{day}') location 's3://{BUCKET}/text/day={day}/'")
    assert db.execute("select * from tri.texts order by id").fetchall() == ROWS
    assert trino.query(f"select * from {DATABASE}.texts order by id") == shown(ROWS)
    assert trino.query(f"select count(*) from {DATABASE}.texts where day = date '2026-01-01'") == [[2]]
    db.execute("alter table tri.texts drop partition (day='2026-01-02')")
    wait_until("Trino seeing two rows", lambda: trino.query(f"select count(*) from {DATABASE}.texts") == [[2]], 60)


@pytest.mark.parametrize("form", ["PARQUET", "ORC", "AVRO", "TEXTFILE", "JSON"])
def test_skep_reads_what_trino_made(db, trino, form):
    name = f"made_{form.lower()}"
    trino.query(f"""create table {DATABASE}.{name} with (format = '{form}', external_location = 's3://{BUCKET}/{name}/', partitioned_by = ARRAY['day']) as
                    select * from (values (1, varchar 'one', decimal '1.50', date '2026-01-01'), (2, 'zwei', null, date '2026-01-02'),
                                          (3, null, decimal '-3.25', date '2026-01-01')) t (id, name, price, day)""")
    assert db.execute(f"select id, name, price, day from tri.{name} order by id").fetchall() == ROWS
    trino.query(f"insert into {DATABASE}.{name} values (4, 'vier', 4, date '2026-01-03')")
    assert db.execute(f"select name, price from tri.{name} where day = '2026-01-03'").fetchall() == [("vier", decimal.Decimal("4.00"))]
    assert db.execute(f"""select count(distinct "$path") from tri.{name}""").fetchone() >= (3,)
    trino.query(f"drop table {DATABASE}.{name}")
    assert db.execute("select 1").fetchone() == (1,)


def test_nested_types_go_both_ways(db, trino):
    trino.query(f"""create table {DATABASE}.nested with (format = 'PARQUET', external_location = 's3://{BUCKET}/nested/') as
                    select 7 id, ARRAY[1, 2, null] numbers, CAST(ROW('Ann', 30) AS ROW(name varchar, age integer)) who, MAP(ARRAY['a'], ARRAY[1.5e0]) weights""")
    assert db.execute("select t.id, t.who.name::varchar, t.who.age::int, n::int from tri.nested t, t.numbers n where n is not null order by 4").fetchall() == [
        (7, "Ann", 30, 1), (7, "Ann", 30, 2)]


def test_crawled_tables_in_trino(db, lake, glue, trino):
    for day in range(1, 4):
        lake.put(BUCKET, f"crawled/sales/year=2026/day={day}/a.csv", "id,amount,label\n" + "".join(f"{n},{n / 4},x{n}\n" for n in range(day * 10)))
    glue.create_crawler(Name="for-trino", Role=ROLE, DatabaseName=DATABASE, Targets={"S3Targets": [{"Path": f"s3://{BUCKET}/crawled/"}]})
    glue.start_crawler(Name="for-trino")
    wait_until("the crawl", lambda: glue.get_crawler(Name="for-trino")["Crawler"]["State"] == "READY", 60)
    question = "select day, count(*), sum(id), sum(amount) from {}.sales group by day order by day"
    ours = [list(map(float, row)) for row in db.execute(question.format("tri")).fetchall()]
    assert len(ours) == 3 and ours[2][1] == 30
    assert [list(map(float, row)) for row in trino.query(question.format(DATABASE))] == ours


def test_a_thousand_partitions_are_pruned_by_the_catalog(server, db, lake, glue, trino):
    lake.put(BUCKET, "many/p/a.txt", "1\n")
    db.execute(f"""create external table tri.many (n int) partitioned by (year int, name varchar(10)) row format delimited fields terminated by ','
                   stored as textfile location 's3://{BUCKET}/many/'""")
    storage = glue.get_table(DatabaseName=DATABASE, Name="many")["Table"]["StorageDescriptor"]
    for start in range(0, 1000, 100):
        glue.batch_create_partition(DatabaseName=DATABASE, TableName="many", PartitionInputList=[
            {"Values": [str(2000 + n % 50), f"p{n}"], "StorageDescriptor": {**storage, "Location": f"s3://{BUCKET}/many/p/"}} for n in range(start, start + 100)])
    assert trino.query(f"select count(*) from {DATABASE}.many where year = 2007") == [[20]]
    assert trino.query(f"select count(*) from {DATABASE}.many where year between 2007 and 2008 and name like 'p1%'") == \
        [list(db.execute("select count(*) from tri.many where year between 2007 and 2008 and name like 'p1%'").fetchone())]
    asked = [line for line in server.log().splitlines() if "AWSGlue.GetPartitions" in line or "AWSGlue.BatchGetPartition" in line]
    assert asked, "Trino asks the catalog for partitions"
