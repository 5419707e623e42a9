"""Iceberg tables of the catalog, written by PyIceberg and by Trino, read by external schemas."""

import datetime
import decimal
import json

import psycopg
import pyarrow as pa
import pytest
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import DayTransform, IdentityTransform
from pyiceberg.types import IntegerType, LongType, NestedField, StringType, TimestampType

from support import iceberg
from support import trino as trino_support
from support.server import ACCOUNT, REGION, ROLE
from support.trino import Trino

BUCKET = "iceberg"
DATABASE = "iceberg_db"


@pytest.fixture(scope="module")
def db(server, lake):
    lake.client().create_bucket(Bucket=BUCKET)
    with server.connect() as one:
        one.execute(f"create external schema ice from data catalog database '{DATABASE}' iam_role '{ROLE}' create external database if not exists")
        yield one


@pytest.fixture(scope="module")
def catalog(server, lake, db, api_user):
    return iceberg.catalog_of(server, lake, api_user, BUCKET)


def refusal(db, sql):
    with pytest.raises(psycopg.Error) as failed:
        db.execute(sql)
    return failed.value


ROWS = pa.table({
    "id": pa.array(range(1, 101), pa.int32()), "name": [None if n % 9 == 0 else f"name {n}" for n in range(1, 101)],
    "price": pa.array([decimal.Decimal(n) / 4 for n in range(1, 101)], pa.decimal128(10, 2)),
    "day": [datetime.date(2026, 1, 1) + datetime.timedelta(days=n % 10) for n in range(1, 101)],
    "at": pa.array([datetime.datetime(2026, 1, 1, 12) + datetime.timedelta(minutes=n) for n in range(1, 101)], pa.timestamp("us")),
    "tags": [[f"t{k}" for k in range(n % 3)] for n in range(1, 101)],
    "place": [{"city": f"c{n}", "zip": n} for n in range(1, 101)],
    "weights": pa.array([[("a", n / 2)] for n in range(1, 101)], pa.map_(pa.string(), pa.float64()))})


def test_a_table_of_all_types(db, catalog):
    table = catalog.create_table(f"{DATABASE}.typed", ROWS.schema)
    assert db.execute("select count(*) from ice.typed").fetchone() == (0,)  # no snapshot yet
    table.append(ROWS)
    assert db.execute("select id, name, price, day, at from ice.typed order by id").fetchall() == [
        tuple(row.values()) for row in ROWS.select(["id", "name", "price", "day", "at"]).to_pylist()]
    assert db.execute("select t.place.city, t.place.zip from ice.typed t where id = 17").fetchone() == ("c17", 17)
    assert db.execute("select t.id, g from ice.typed t, t.tags g where t.id < 6 order by 1, 2").fetchall() == [
        (1, "t0"), (2, "t0"), (2, "t1"), (4, "t0"), (5, "t0"), (5, "t1")]
    assert db.execute("""select count(distinct "$path"), min("$path") like 's3://iceberg/warehouse/%' from ice.typed""").fetchone() == (1, True)
    table.append(ROWS)
    assert db.execute("select count(*), sum(price) from ice.typed").fetchone() == (200, 2 * sum(ROWS["price"].to_pylist()))
    table.overwrite(ROWS.slice(0, 10))
    assert db.execute("select count(*), max(id) from ice.typed").fetchone() == (10, 10)


def test_schemas_evolve_by_ids(db, catalog):
    table = catalog.create_table(f"{DATABASE}.evolving", pa.schema([("a", pa.int32()), ("b", pa.string()), ("c", pa.int32())]))
    table.append(pa.table({"a": pa.array([1, 2], pa.int32()), "b": ["x", "y"], "c": pa.array([10, 20], pa.int32())}))
    with table.update_schema() as change:
        change.rename_column("b", "was_b")
        change.update_column("c", LongType())
        change.add_column("added", StringType())
        change.delete_column("a")
    with table.update_schema() as change:
        change.add_column("a", StringType())  # another column of the same name: not the old one's values
    table.append(pa.table({"was_b": ["z"], "c": pa.array([2**40], pa.int64()), "added": ["new"], "a": ["another"]}))
    assert db.execute("select was_b, c, added, a from ice.evolving order by c").fetchall() == [
        ("x", 10, None, None), ("y", 20, None, None), ("z", 2**40, "new", "another")]
    assert refusal(db, "select b from ice.evolving").sqlstate == "42703"


def test_files_that_filters_exclude_are_not_read(db, catalog, server):
    schema = Schema(NestedField(1, "id", IntegerType()), NestedField(2, "name", StringType()), NestedField(3, "at", TimestampType()))
    table = catalog.create_table(f"{DATABASE}.parted", schema, partition_spec=PartitionSpec(
        PartitionField(3, 1000, DayTransform(), "at_day"), PartitionField(2, 1001, IdentityTransform(), "name")))
    for day in range(1, 7):
        table.append(pa.table({"id": pa.array([day * 100 + n for n in range(10)], pa.int32()), "name": [f"n{day}"] * 10,
                               "at": pa.array([datetime.datetime(2026, 1, day, n) for n in range(10)], pa.timestamp("us"))}))
    for where, rows in (("id between 300 and 309", 10), ("at >= timestamp '2026-01-06'", 10), ("name = 'n2'", 10), ("id = 7", 0)):
        assert db.execute(f"select count(*) from ice.parted where {where}").fetchone() == (rows,)
        assert db.execute(f"""select count(distinct "$path") from ice.parted where {where}""").fetchone() == (rows // 10,)
    db.execute("create temporary table wanted (id int)")
    db.execute("insert into wanted values (405)")
    assert db.execute("select p.id from ice.parted p join wanted w on p.id = w.id").fetchall() == [(405,)]
    # The other files lie there, but no reader may open them any more.
    others = [f.file.file_path for f in table.scan().plan_files() if "n3" not in f.file.file_path]
    assert len(others) == 5
    client = server.lake.client()
    for path in others:
        client.delete_object(Bucket=BUCKET, Key=path.removeprefix(f"s3://{BUCKET}/"))
    assert db.execute("select count(*), min(id) from ice.parted where id between 300 and 309").fetchone() == (10, 300)
    missing = refusal(db, "select sum(id) from ice.parted")
    assert any(path in str(missing) for path in others) and missing.sqlstate != "XX000", str(missing)


def test_metadata_that_lie(db, catalog, lake, glue, server):
    """Broken, huge or foreign metadata: a refusal that names the table or the object, and nothing else is reached."""
    table = catalog.create_table(f"{DATABASE}.honest", pa.schema([("a", pa.int32())]))
    table.append(pa.table({"a": pa.array([1], pa.int32())}))
    honest = json.loads(lake.client().get_object(Bucket=BUCKET, Key=table.metadata_location.removeprefix(f"s3://{BUCKET}/"))["Body"].read())

    def lie(name, metadata, location=None):
        body = metadata if isinstance(metadata, bytes) else json.dumps(metadata).encode()
        lake.put(BUCKET, f"lies/{name}.metadata.json", body)
        glue.create_table(DatabaseName=DATABASE, TableInput={"Name": name, "TableType": "EXTERNAL_TABLE", "Parameters": {
            "table_type": "ICEBERG", "metadata_location": location or f"s3://{BUCKET}/lies/{name}.metadata.json"}})
        return refusal(db, f"select * from ice.{name}")

    snapshot = honest["snapshots"][-1]
    for name, metadata, location in (
            ("nojson", b"{", None), ("empty", {}, None), ("deep", b'{"a":' * 50000, None), ("version", {**honest, "format-version": 9}, None),
            ("notype", {**honest, "schemas": [{"schema-id": honest["current-schema-id"], "fields": [{"id": 1, "name": "a", "type": "quaternion"}]}]}, None),
            ("nested", {**honest, "schemas": [{"schema-id": honest["current-schema-id"], "fields": [{"id": 1, "name": "a", "type": 7}]}]}, None),
            ("nosnapshot", {**honest, "current-snapshot-id": 5}, None),
            ("nolist", {**honest, "snapshots": [{**snapshot, "manifest-list": f"s3://{BUCKET}/nothing.avro"}]}, None),
            ("badlist", {**honest, "snapshots": [{**snapshot, "manifest-list": f"s3://{BUCKET}/lies/nojson.metadata.json"}]}, None),
            ("local", {**honest, "snapshots": [{**snapshot, "manifest-list": "/etc/passwd"}]}, None),
            ("filescheme", b"", "file:///etc/passwd"), ("linklocal", b"", "http://169.254.169.254/latest/meta-data"),
            ("missing", b"x", f"s3://{BUCKET}/lies/none.json"), ("elsewhere", b"x", "s3://a-bucket-that-is-not-there/x.json")):
        error = lie(name, metadata, location)
        assert error.sqlstate not in ("XX000", "57P01", "57P02"), f"{name}: {error}"
        assert "root:" not in str(error)
    assert db.execute("select a from ice.honest").fetchall() == [(1,)]


def test_trino_writes_skep_reads(db, server, lake, api_user, tmp_path_factory):
    if trino_support.missing():
        pytest.skip(trino_support.missing())
    trino = Trino(tmp_path_factory.mktemp("trino"), {
        "connector.name": "iceberg", "iceberg.catalog.type": "glue", "hive.metastore.glue.region": REGION,
        "hive.metastore.glue.endpoint-url": f"http://127.0.0.1:{server.http_port}", "hive.metastore.glue.catalogid": ACCOUNT,
        "hive.metastore.glue.aws-access-key": api_user.access_key, "hive.metastore.glue.aws-secret-key": api_user.secret_key,
        "hive.metastore.glue.default-warehouse-dir": f"s3://{BUCKET}/trino/", "fs.native-s3.enabled": "true", "s3.endpoint": lake.endpoint,
        "s3.region": REGION, "s3.path-style-access": "true", "s3.aws-access-key": lake.access_key, "s3.aws-secret-key": lake.secret_key}).start()
    try:
        trino.query(f"""create table {DATABASE}.from_trino with (partitioning = ARRAY['bucket(id, 4)']) as
                        select n id, cast(n as varchar) name, date '2026-01-01' + n * interval '1' day day from unnest(sequence(1, 1000)) t (n)""")
        assert db.execute("select count(*), sum(id), max(day) from ice.from_trino").fetchone() == (1000, 500500, datetime.date(2028, 9, 27))
        trino.query(f"delete from {DATABASE}.from_trino where id % 10 = 3")  # rows are deleted by their positions
        assert db.execute("select count(*), sum(id) from ice.from_trino").fetchone() == (900, 500500 - sum(range(3, 1000, 10)))
        assert db.execute("select count(*) from ice.from_trino where id between 100 and 119").fetchone() == (18,)
        trino.query(f"update {DATABASE}.from_trino set name = 'changed' where id < 5")
        trino.query(f"alter table {DATABASE}.from_trino add column more integer")
        trino.query(f"insert into {DATABASE}.from_trino values (5000, 'new', date '2030-01-01', 7)")
        assert db.execute("select id, name, more from ice.from_trino where id < 6 or id > 999 order by id").fetchall() == [
            (1, "changed", None), (2, "changed", None), (4, "changed", None), (5, "5", None), (1000, "1000", None), (5000, "new", 7)]
        assert db.execute("select count(*) from ice.from_trino").fetchone() == (901,)
    finally:
        trino.stop()
