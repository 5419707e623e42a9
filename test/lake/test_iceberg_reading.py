"""Iceberg tables with what PyIceberg does not write: deletes by value, defaults, packed metadata, files that change or whose size lies."""

import datetime
import decimal
import gzip
import json

import psycopg
import pyarrow as pa
import pytest
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import IdentityTransform
from pyiceberg.typedef import Record
from pyiceberg.types import IntegerType, LongType, NestedField, StringType

from support import iceberg
from support.server import ROLE

BUCKET = "iceberg-reading"
DATABASE = "iceberg_reading"


@pytest.fixture(scope="module")
def db(server, lake):
    lake.client().create_bucket(Bucket=BUCKET)
    with server.connect() as one:
        one.execute(f"create external schema icr from data catalog database '{DATABASE}' iam_role '{ROLE}' create external database if not exists")
        yield one
        one.execute("drop schema icr")


@pytest.fixture(scope="module")
def glue(server, api_user):
    return server.client("glue", api_user)


@pytest.fixture(scope="module")
def catalog(server, lake, db, api_user):
    return iceberg.catalog_of(server, lake, api_user, BUCKET)


def refusal(db, sql):
    with pytest.raises(psycopg.Error) as failed:
        db.execute(sql)
    return failed.value


def rows(ids, names):
    return pa.table({"id": pa.array(ids, pa.int32()), "name": pa.array(names, pa.string()), "n": pa.array([i * 10 if i else None for i in ids], pa.int64())})


def test_rows_deleted_by_their_values(db, catalog, lake, glue):
    table = catalog.create_table(f"{DATABASE}.by_value", rows([], []).schema)
    table.append(rows([1, 2, 3, None, 5], ["a", "b", None, "d", "e"]))
    table.append(rows([1, 6], ["again", "f"]))
    iceberg.delete_by_value(lake, glue, table, pa.table({"id": pa.array([1, 5, None], pa.int32())}))
    assert db.execute("select id, name from icr.by_value order by id").fetchall() == [(2, "b"), (3, None), (6, "f")]
    # Newer rows are not touched by older deletes; two columns at once, one of them NULL.
    table.append(rows([1, 2, 3], ["new", "b", "c"]))
    iceberg.delete_by_value(lake, glue, table, pa.table({"name": pa.array([None, "b"], pa.string()), "id": pa.array([3, 99], pa.int32())}))
    assert db.execute("select id, name from icr.by_value order by id, name").fetchall() == [(1, "new"), (2, "b"), (2, "b"), (3, "c"), (6, "f")]
    assert db.execute("select count(*), sum(n) from icr.by_value").fetchone() == (5, 140)
    assert db.execute("select count(*) from icr.by_value where id = 2").fetchone() == (2,)
    assert db.execute("""select count(distinct "$path"), min("$size") > 100 from icr.by_value""").fetchone() == (3, True)
    # Nothing of a file may be left.
    iceberg.delete_by_value(lake, glue, table, pa.table({"id": pa.array([1, 2, 3, 6], pa.int32())}))
    assert db.execute("select count(*) from icr.by_value").fetchone() == (0,)


def test_deletes_by_value_follow_renames_promotions_and_dropped_columns(db, catalog, lake, glue):
    table = catalog.create_table(f"{DATABASE}.evolved", pa.schema([("k", pa.int32()), ("v", pa.string())]))
    table.append(pa.table({"k": pa.array([1, 2, 3], pa.int32()), "v": ["x", "y", "z"]}))
    with table.update_schema() as change:
        change.rename_column("k", "key")
        change.update_column("k", LongType())
    with table.update_schema() as change:
        change.add_column("k", StringType())  # another one of the old name
    iceberg.delete_by_value(lake, glue, table, pa.table({"key": pa.array([2], pa.int64())}))
    assert db.execute("select key, v, k from icr.evolved order by 1").fetchall() == [(1, "x", None), (3, "z", None)]
    iceberg.delete_by_value(lake, glue, table, pa.table({"v": ["z"]}))
    with table.update_schema() as change:
        change.delete_column("v")
    assert db.execute("select key, k from icr.evolved order by 1").fetchall() == [(1, None)]
    # A column that a file lacks is NULL in all its rows.
    iceberg.delete_by_value(lake, glue, table, pa.table({"k": pa.array([None], pa.string())}))
    assert db.execute("select count(*) from icr.evolved").fetchone() == (0,)


def test_deletes_by_value_stay_in_their_partition(db, catalog, lake, glue):
    schema = Schema(NestedField(1, "id", IntegerType()), NestedField(2, "part", StringType()))
    table = catalog.create_table(f"{DATABASE}.parts", schema, partition_spec=PartitionSpec(PartitionField(2, 1000, IdentityTransform(), "part")))
    table.append(pa.table({"id": pa.array([1, 2, 1, 2], pa.int32()), "part": ["a", "a", "b", "b"]}))
    iceberg.delete_by_value(lake, glue, table, pa.table({"id": pa.array([1], pa.int32())}), Record("b"))
    assert db.execute("select id, part from icr.parts order by part, id").fetchall() == [(1, "a"), (2, "a"), (2, "b")]


def test_deletes_without_field_ids_are_refused(db, catalog, lake, glue):
    table = catalog.create_table(f"{DATABASE}.noids", pa.schema([("k", pa.int32())]))
    table.append(pa.table({"k": pa.array([1, None], pa.int32())}))
    iceberg.delete_by_value(lake, glue, table, pa.table({"k": pa.array([1], pa.int32())}), field_ids=False)
    error = refusal(db, "select * from icr.noids")
    assert "icr.noids" in str(error) and "lacks the fields" in str(error) and error.sqlstate != "XX000"


def test_packed_metadata_defaults_and_versions(db, catalog, lake, glue):
    table = catalog.create_table(f"{DATABASE}.shapes", pa.schema([("a", pa.int32())]))
    table.append(pa.table({"a": pa.array([1, 2], pa.int32())}))
    metadata = json.loads(iceberg.get(lake, table.metadata_location))

    def show(name, json_, pack=False):
        place = f"{table.location()}/metadata/{name}{'.gz' if pack else ''}.metadata.json"
        body = json.dumps(json_).encode()
        iceberg.put(lake, place, gzip.compress(body) if pack else body)
        iceberg.point_at(glue, DATABASE, "shapes", place)

    show("packed", metadata, pack=True)
    assert db.execute("select sum(a) from icr.shapes").fetchone() == (3,)
    # Version 3: a field that files lack has its initial default in them.
    added = [("i", "int", 7), ("l", "long", 2**40), ("s", "string", "it's"), ("b", "boolean", True), ("d", "decimal(9,2)", "14.20"),
             ("day", "date", "2024-02-29"), ("at", "timestamp", "2024-02-29T12:30:45.123456"), ("bin", "binary", "00ff"), ("none", "int", None)]
    fields = metadata["schemas"][0]["fields"] + [{"id": 10 + n, "name": name, "type": kind, "required": False, "initial-default": value}
                                                 for n, (name, kind, value) in enumerate(added)]
    three = {**metadata, "format-version": 3, "next-row-id": 2, "schemas": [{**metadata["schemas"][0], "fields": fields}], "last-column-id": 30}
    show("three", three)
    assert db.execute("select i, l, s, b, d, day, at, none from icr.shapes where a = 1").fetchone() == (
        7, 2**40, "it's", True, decimal.Decimal("14.20"), datetime.date(2024, 2, 29), datetime.datetime(2024, 2, 29, 12, 30, 45, 123456), None)
    assert db.execute("select count(*) from icr.shapes where i = 7 and s = 'it''s'").fetchone() == (2,)
    assert db.execute("select count(*) from icr.shapes where i <> 7").fetchone() == (0,)
    show("four", {**metadata, "format-version": 4})
    error = refusal(db, "select * from icr.shapes")
    assert error.sqlstate == "0A000" and "format version 4" in str(error) and "icr.shapes" in str(error)
    show("types", {**three, "schemas": [{**metadata["schemas"][0], "fields": [{"id": 1, "name": "a", "type": "timestamp_ns", "required": False}]}]})
    error = refusal(db, "select * from icr.shapes")
    assert error.sqlstate == "0A000" and "timestamp_ns" in str(error)
    show("default", {**three, "schemas": [{**metadata["schemas"][0], "fields": fields[:1] + [{**fields[1], "initial-default": "x"}]}]})
    assert "default of column i" in str(refusal(db, "select * from icr.shapes"))


def test_a_statement_reads_one_version_of_a_file(db, catalog, lake, glue):
    """Manifests tell sizes and no ETags: the version is the one found at the first read, and a size that is not true is refused."""
    plain = {"write.parquet.compression-codec": "uncompressed"}
    table = catalog.create_table(f"{DATABASE}.versions", pa.schema([("a", pa.int64())]), properties=plain)
    table.append(pa.table({"a": pa.array(range(100), pa.int64())}))
    assert db.execute("select sum(a) from icr.versions").fetchone() == (4950,)
    path = next(iter(table.scan().plan_files())).file.file_path
    body = iceberg.get(lake, path)
    # Another object of the same size, against all rules of Iceberg: read as it is now, not mixed with cached blocks.
    other = catalog.create_table(f"{DATABASE}.other", pa.schema([("a", pa.int64())]), properties=plain)
    other.append(pa.table({"a": pa.array(range(100, 200), pa.int64())}))
    changed = iceberg.get(lake, next(iter(other.scan().plan_files())).file.file_path)
    assert len(changed) == len(body)
    iceberg.put(lake, path, changed)
    assert db.execute("select sum(a) from icr.versions").fetchone() == (14950,)
    iceberg.put(lake, path, body[:-1])
    error = refusal(db, "select sum(a) from icr.versions")
    assert path in str(error) and f"{len(body)} bytes; it has {len(body) - 1}" in str(error) and error.sqlstate != "XX000"
    lake.client().delete_object(Bucket=BUCKET, Key=path.removeprefix(f"s3://{BUCKET}/"))
    assert path in str(refusal(db, "select sum(a) from icr.versions"))
