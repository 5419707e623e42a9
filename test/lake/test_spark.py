"""Spark and Skep over one catalog and one lake, with tables of Iceberg: what one of them makes, the other reads and changes."""

import uuid

import pytest

from support import spark as spark_support
from support.server import ACCOUNT, REGION, ROLE
from support.spark import Spark

BUCKET = "shared-with-spark"
DATABASE = "spark_db"


@pytest.fixture(scope="module")
def db(server, lake):
    if spark_support.missing():
        pytest.skip(spark_support.missing())
    lake.client().create_bucket(Bucket=BUCKET)
    with server.connect() as one:
        one.execute(f"create external schema spk from data catalog database '{DATABASE}' iam_role '{ROLE}' create external database if not exists")
        yield one
        one.execute("drop schema spk")


@pytest.fixture(scope="module")
def spark(server, lake, db, api_user, tmp_path_factory):
    running = Spark(tmp_path_factory.mktemp("spark"), {
        "catalog-impl": "org.apache.iceberg.aws.glue.GlueCatalog", "io-impl": "org.apache.iceberg.aws.s3.S3FileIO", "warehouse": f"s3://{BUCKET}/warehouse",
        "glue.endpoint": f"http://127.0.0.1:{server.http_port}", "glue.id": ACCOUNT, "client.region": REGION, "cache-enabled": "false", "s3.endpoint": lake.endpoint,
        "s3.path-style-access": "true", "s3.access-key-id": lake.access_key, "s3.secret-access-key": lake.secret_key,
    }, {"AWS_ACCESS_KEY_ID": api_user.access_key, "AWS_SECRET_ACCESS_KEY": api_user.secret_key})
    yield running
    running.stop()


@pytest.fixture
def name():
    return f"t_{uuid.uuid4().hex[:8]}"


def test_spark_reads_and_changes_what_skep_made(db, spark, name):
    db.execute(f"create table spk.{name} (id int, place varchar(20), price decimal(8,2), day date) using iceberg "
               f"location 's3://{BUCKET}/{name}/' partitioned by (day)")
    db.execute(f"insert into spk.{name} values (1, 'one', 1.5, '2026-01-01'), (2, 'zwei', null, '2026-01-02'), (3, null, -3.25, '2026-01-01')")
    read = f"select id, place, price, day from {DATABASE}.{name} order by id"
    assert spark.query(read) == [[1, "one", "1.50", "2026-01-01"], [2, "zwei", None, "2026-01-02"], [3, None, "-3.25", "2026-01-01"]]
    assert spark.query(f"select count(*) from {DATABASE}.{name} where day = date'2026-01-02'") == [[1]]
    spark.query(f"insert into {DATABASE}.{name} values (4, 'quatre', 4.0, date'2026-01-03')")
    spark.query(f"update {DATABASE}.{name} set place = 'drei' where id = 3")
    spark.query(f"delete from {DATABASE}.{name} where id = 1")
    assert [list(row) for row in db.execute(f"select id, place, price::varchar, day::varchar from spk.{name} order by id").fetchall()] == [
        [2, "zwei", None, "2026-01-02"], [3, "drei", "-3.25", "2026-01-01"], [4, "quatre", "4.00", "2026-01-03"]]
    # What Spark wrote does not keep the warehouse from writing again.
    db.execute(f"insert into spk.{name} values (5, 'fem', 5, '2026-01-03')")
    assert spark.query(f"select id from {DATABASE}.{name} where day = date'2026-01-03' order by id") == [[4], [5]]
    db.execute(f"drop table spk.{name}")
    with pytest.raises(RuntimeError, match="TABLE_OR_VIEW_NOT_FOUND"):
        spark.query(read)


def test_skep_reads_what_spark_made(db, spark, name):
    spark.query(f"create table {DATABASE}.{name} (id bigint, tags array<string>, at timestamp_ntz, who struct<name string, age int>) using iceberg "
                f"partitioned by (bucket(4, id)) tblproperties ('format-version'='2', 'write.delete.mode'='merge-on-read', 'write.merge.mode'='merge-on-read')")
    spark.query(f"insert into {DATABASE}.{name} values (1, array('a', 'b'), timestamp_ntz'2026-01-02 03:04:05.678', named_struct('name', 'Ada', 'age', 36)), "
                f"(2, null, null, null), (3, array(), timestamp_ntz'1969-12-31 23:59:59', named_struct('name', null, 'age', 3))")
    spark.query(f"delete from {DATABASE}.{name} where id = 2")
    assert db.execute(f"select id, at::varchar, t.who.name::varchar from spk.{name} t order by id").fetchall() == [
        (1, "2026-01-02 03:04:05.678", "Ada"), (3, "1969-12-31 23:59:59", None)]
    assert db.execute(f"select t.id, tag from spk.{name} t, t.tags tag order by 1, 2").fetchall() == [(1, "a"), (1, "b")]
    # Its columns change their names and their order; a column more.
    spark.query(f"alter table {DATABASE}.{name} rename column at to moment")
    spark.query(f"alter table {DATABASE}.{name} add column more int first")
    spark.query(f"merge into {DATABASE}.{name} t using (select 3l as id union all select 9l) s on t.id = s.id when matched then update set more = 7 "
                f"when not matched then insert (id, more) values (s.id, 8)")
    assert db.execute(f"select more, id, moment::varchar from spk.{name} order by id").fetchall() == [
        (None, 1, "2026-01-02 03:04:05.678"), (7, 3, "1969-12-31 23:59:59"), (8, 9, None)]
    assert name in [row[1] for row in spark.query(f"show tables in {DATABASE}")]
