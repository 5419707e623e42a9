"""CREATE TABLE ... USING ICEBERG and INSERT: what PyIceberg and Trino read of it, what they add, who is quicker, and what is left after a kill."""

import datetime
import decimal
import io
import json
import os
import signal
import threading

import fastavro
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.schema import Schema
from pyiceberg.types import IntegerType, NestedField, StringType

from support import iceberg
from support import trino as trino_support
from support.process import wait_until
from support.server import ACCOUNT, READING_ROLE, REGION, ROLE
from support.trino import Trino

BUCKET = "iceberg-writes"
DATABASE = "iceberg_writes"


@pytest.fixture(scope="module")
def setup(server, lake):
    lake.client().create_bucket(Bucket=BUCKET)
    with server.connect() as db:
        db.execute(f"create external schema icw from data catalog database '{DATABASE}' iam_role '{ROLE}' create external database if not exists")
        db.execute(f"create external schema icw_reader from data catalog database '{DATABASE}' iam_role '{READING_ROLE}'")
    yield
    with server.connect() as db:
        for schema in ("icw", "icw_reader"):
            db.execute(f"drop schema {schema}")


@pytest.fixture
def db(server, setup):
    with server.connect() as one:
        yield one


@pytest.fixture(scope="module")
def glue(server, api_user):
    return server.client("glue", api_user)


@pytest.fixture(scope="module")
def catalog(server, lake, setup, api_user):
    return iceberg.catalog_of(server, lake, api_user, BUCKET)


def refusal(db, sql):
    with pytest.raises(psycopg.Error) as failed:
        db.execute(sql)
    return failed.value


def keys(lake, prefix):
    pages = lake.client().get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
    return [one["Key"][len(prefix):] for page in pages for one in page.get("Contents", [])]


def uploads(lake):
    return lake.client().list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])


ALL = "b boolean, i int, l bigint, f real, d double precision, n decimal(10,2), w decimal(38,6), v varchar(20), x varbyte(10), day date, at timestamp"


def test_what_is_written_pyiceberg_reads_and_adds_to(db, catalog, lake):
    db.execute(f"create table icw.typed ({ALL}) using iceberg location 's3://{BUCKET}/typed/'")
    table = catalog.load_table(f"{DATABASE}.typed")
    assert [str(f.field_type) for f in table.schema().fields] == [
        "boolean", "int", "long", "float", "double", "decimal(10, 2)", "decimal(38, 6)", "string", "binary", "date", "timestamp"]
    assert table.current_snapshot() is None and table.format_version == 2 and table.properties["write.parquet.compression-codec"] == "zstd"
    assert db.execute("select count(*) from icw.typed").fetchone() == (0,)
    assert db.execute("insert into icw.typed select * from icw.typed").statusmessage == "INSERT 0 0"
    done = db.execute("""insert into icw.typed values (true, 1, 2, 0.5, 0.25, 1.239, 12345678901234567890.5, 'häß', 'xyz'::varbyte, '2024-02-29', '2024-02-29 01:02:03.456789'),
                         (null, null, null, null, null, null, null, null, null, null, null), (false, -1, -2, -0.5, -0.25, -1, -1, '', ''::varbyte, '1969-12-31', '1969-12-31 23:59:59.999999')""")
    assert done.statusmessage == "INSERT 0 3"
    table.refresh()
    rows = table.scan().to_arrow().sort_by("i").to_pylist()
    assert rows == [
        {"b": False, "i": -1, "l": -2, "f": -0.5, "d": -0.25, "n": decimal.Decimal("-1.00"), "w": decimal.Decimal("-1.000000"), "v": "", "x": b"",
         "day": datetime.date(1969, 12, 31), "at": datetime.datetime(1969, 12, 31, 23, 59, 59, 999999)},
        {"b": True, "i": 1, "l": 2, "f": 0.5, "d": 0.25, "n": decimal.Decimal("1.24"), "w": decimal.Decimal("12345678901234567890.500000"), "v": "häß",
         "x": b"xyz", "day": datetime.date(2024, 2, 29), "at": datetime.datetime(2024, 2, 29, 1, 2, 3, 456789)},
        {name: None for name in rows[0]}]
    summary = table.current_snapshot().summary
    assert (summary.operation.value, summary["added-records"], summary["total-records"], summary["total-data-files"]) == ("append", "3", "3", "1")
    table.append(table.scan().to_arrow())
    assert db.execute("select count(*), sum(l), min(day) from icw.typed").fetchone() == (6, 0, datetime.date(1969, 12, 31))
    assert db.execute("insert into icw.typed (select * from icw.typed)").rowcount == 6
    table.refresh()
    assert table.scan().to_arrow().num_rows == 12 and table.current_snapshot().sequence_number == 3
    assert table.current_snapshot().summary["total-records"] == "12" and len(table.metadata.metadata_log) == 3 and len(table.history()) == 3
    assert not uploads(lake)


def manifests_of(lake, table):
    listed = iceberg.get(lake, table.current_snapshot().manifest_list)
    entries = list(fastavro.reader(io.BytesIO(listed)))
    return entries, [list(fastavro.reader(io.BytesIO(iceberg.get(lake, one["manifest_path"])))) for one in entries]


def test_manifests_hold_bounds_and_counts_that_prune(db, catalog, lake):
    db.execute(f"create table icw.bounded (id int, name varchar(100), n decimal(5,2)) using iceberg location 's3://{BUCKET}/bounded'")
    for start in range(0, 300, 100):
        db.execute(f"insert into icw.bounded select {start} + g, case when g % 10 > 0 then 'a long name of more than sixteen characters ' || ({start} + g) end, g "
                   "from generate_series(0, 99) as t(g)")
    table = catalog.load_table(f"{DATABASE}.bounded")
    entries, manifests = manifests_of(lake, table)
    assert len(entries) == 3 and sorted(one["sequence_number"] for one in entries) == [1, 2, 3]
    assert all(one["added_files_count"] == 1 and one["added_rows_count"] == 100 and one["content"] == 0 for one in entries)
    file = manifests[0][0]["data_file"]
    facts = {name: {one["key"]: one["value"] for one in file[name]} for name in ("column_sizes", "value_counts", "null_value_counts", "lower_bounds", "upper_bounds")}
    assert facts["value_counts"] == {1: 100, 2: 100, 3: 100} and facts["null_value_counts"] == {1: 0, 2: 10, 3: 0} and min(facts["column_sizes"].values()) > 0
    assert (facts["lower_bounds"][1], facts["upper_bounds"][1]) == ((200).to_bytes(4, "little"), (299).to_bytes(4, "little"))
    assert (facts["lower_bounds"][2], facts["upper_bounds"][2]) == (b"a long name of m", b"a long name of n")
    assert (facts["lower_bounds"][3], facts["upper_bounds"][3]) == (b"\0", (9900).to_bytes(2, "big"))
    assert file["record_count"] == 100 and file["file_size_in_bytes"] == len(iceberg.get(lake, file["file_path"]))
    assert [f.file.record_count for f in table.scan(row_filter="id = 150").plan_files()] == [100]
    assert len(list(table.scan(row_filter="name >= 'b'").plan_files())) == 0
    assert db.execute("""select count(distinct "$path"), count(*) from icw.bounded where id between 110 and 119""").fetchone() == (1, 10)


TRANSFORMS = [("identity", "v", "v"), ("bucket[4]", "bucket(4, i)", "i_bucket"), ("bucket[8]", "bucket(8, v)", "v_bucket"), ("truncate[100]", "truncate(100, i)", "i_trunc"),
              ("truncate[2]", "truncate(2, v)", "v_trunc"), ("year", "year(day)", "day_year"), ("month", "month(at)", "at_month"), ("day", "day(at)", "at_day"),
              ("hour", "hour(at)", "at_hour"), ("bucket[5]", "bucket(5, n)", "n_bucket"), ("truncate[300]", "truncate(300, n)", "n_trunc"), ("bucket[3]", "bucket(3, at)", "at_bucket"),
              ("bucket[7]", "bucket(7, l)", "l_bucket"), ("bucket[6]", "bucket(6, day)", "day_bucket"), ("identity", "n", "n"), ("identity", "b", "b")]


@pytest.mark.parametrize("number", range(len(TRANSFORMS)))
def test_partition_transforms_are_those_of_pyiceberg(db, catalog, lake, number):
    transform, sql, name = TRANSFORMS[number]
    table_name = f"parted_{number}"
    db.execute(f"create table icw.{table_name} (b boolean, i int, l bigint, n decimal(9,2), v varchar(20), day date, at timestamp) using iceberg "
               f"location 's3://{BUCKET}/{table_name}/' partitioned by ({sql})")
    db.execute(f"""insert into icw.{table_name} select g % 2 = 0, g - 250, g::bigint * 10000000000, (g - 250) * 1.37, 'näme ' || (g % 7), date '1969-11-01' + (g * 3)::int,
                   timestamp '1969-12-31 20:30:00' + g * interval '17 minutes' from generate_series(1, 500) as t(g)""")
    db.execute(f"insert into icw.{table_name} values (null, null, null, null, null, null, null)")
    table = catalog.load_table(f"{DATABASE}.{table_name}")
    field = table.spec().fields[0]
    assert (str(field.transform), field.name, field.field_id) == (transform, name, 1000)
    source = table.schema().find_field(field.source_id)
    expected = field.transform.transform(source.field_type)
    total = 0
    for task in table.scan().plan_files():
        rows = pq.read_table(pa.BufferReader(iceberg.get(lake, task.file.file_path))).to_pylist()
        total += len(rows)
        convert = {"timestamp": lambda at: int((at - datetime.datetime(1970, 1, 1)) / datetime.timedelta(microseconds=1)),
                   "date": lambda day: (day - datetime.date(1970, 1, 1)).days}.get(str(source.field_type), lambda value: value)
        wanted = {expected(convert(row[source.name]) if row[source.name] is not None else None) for row in rows}
        assert wanted == {task.file.partition[0]}, task.file.file_path
    assert total == 501
    assert db.execute(f"select count(*), count(distinct i), sum(i) from icw.{table_name}").fetchone() == (501, 500, 250)
    assert table.scan(row_filter="i = 7").to_arrow().num_rows == 1 and table.scan(row_filter="at >= '1970-01-03T00:00:00'").to_arrow().num_rows > 100


def test_several_partition_fields_and_a_query(db, catalog, lake):
    db.execute("create temp table src as select g::int as id, (timestamp '2026-01-01' + g * interval '1 hour') as at, 'n' || (g % 3) as name from generate_series(1, 200) as t(g)")
    db.execute(f"""create table icw.made (id, happened, name) using iceberg location 's3://{BUCKET}/made/' partitioned by (bucket(2, id), day(happened))
                   table properties ('compression_type'='snappy') as select * from src""")
    table = catalog.load_table(f"{DATABASE}.made")
    assert [f.name for f in table.spec().fields] == ["id_bucket", "happened_day"]
    assert table.scan().to_arrow().num_rows == 200 and table.properties["write.parquet.compression-codec"] == "snappy"
    assert db.execute("select count(*), sum(id) from icw.made where happened < '2026-01-03'").fetchone() == (47, sum(range(1, 48)))
    assert all(key.startswith(("data/id_bucket=", "metadata/")) for key in keys(lake, "made/"))
    assert db.execute(f"create table if not exists icw.made (other int) using iceberg location 's3://{BUCKET}/elsewhere/'").statusmessage == "CREATE TABLE"
    assert not keys(lake, "elsewhere/") and db.execute("select count(*) from icw.made").fetchone() == (200,)
    assert refusal(db, f"create table icw.made (other int) using iceberg location 's3://{BUCKET}/elsewhere/'").sqlstate == "42P07"
    # The table goes, its files stay.
    db.execute("drop table icw.made")
    assert refusal(db, "select * from icw.made").sqlstate == "42P01" and keys(lake, "made/data/")
    error = refusal(db, f"create table icw.made (id int) using iceberg location 's3://{BUCKET}/made/'")
    assert "not empty" in str(error)


@pytest.mark.parametrize("sql, state, words", [
    ("create table icw.bad (a smallint) using iceberg location 's3://b/t/'", "0A000", "smallint"),
    ("create table icw.bad (a char(3)) using iceberg location 's3://b/t/'", "0A000", "char"),
    ("create table icw.bad (a super) using iceberg location 's3://b/t/'", "0A000", "super"),
    ("create table icw.bad (a int, a int) using iceberg location 's3://b/t/'", "42701", "more than once"),
    ("create table icw.bad (a int not null) using iceberg location 's3://b/t/'", "0A000", "constraint"),
    ("create table icw.bad (a int default 1) using iceberg location 's3://b/t/'", "0A000", "v3"),
    ("create table icw.bad (a int) using iceberg", "22023", "LOCATION"),
    ("create table icw.bad (a int) using delta location 's3://b/t/'", "0A000", "delta"),
    ("create table public.bad (a int) using iceberg location 's3://b/t/'", "3F000", "public"),
    ("create table icw.bad (a int) using iceberg location 's3://b/t/' partitioned by (b)", "42703", "b"),
    ("create table icw.bad (a int) using iceberg location 's3://b/t/' partitioned by (day(a))", "22023", "day"),
    ("create table icw.bad (a int) using iceberg location 's3://b/t/' partitioned by (bucket(0, a))", "22023", "positive"),
    ("create table icw.bad (a int) using iceberg location 's3://b/t/' partitioned by (bucket(4, a), a)", "22023", "more than one"),
    ("create table icw.bad (a int) using iceberg location 's3://b/t/' partitioned by (void(a))", "22023", "void"),
    ("create table icw.bad (a int) using iceberg location 's3://b/t/' table properties ('format-version'='3')", "0A000", "format-version"),
    ("create table icw.bad (a int) using iceberg location 's3://b/t/' table properties ('compression_type'='lzo')", "22023", "lzo"),
    ("create table icw.bad (a int) using iceberg location 's3://b/t/' table properties ('owner'='me')", "22023", "owner")])
def test_what_such_tables_cannot_be(db, glue, sql, state, words):
    error = refusal(db, sql)
    assert (error.sqlstate, words in str(error)) == (state, True), f"{error.sqlstate} {error}"
    assert "bad" not in [t["Name"] for t in glue.get_tables(DatabaseName=DATABASE)["TableList"]]


def test_a_failed_write_leaves_nothing(db, server, lake, catalog):
    db.execute(f"create table icw.failing (i int) using iceberg location 's3://{BUCKET}/failing/'")
    db.execute("insert into icw.failing values (1)")
    before = keys(lake, "failing/")
    assert refusal(db, "insert into icw.failing select 1 / (5000 - g) from generate_series(1, 6000) as t(g)").sqlstate == "22012"
    assert refusal(db, f"create table icw.failed using iceberg location 's3://{BUCKET}/failed/' as select 1 / (g - 3) as x from generate_series(1, 10) as t(g)").sqlstate == "22012"
    assert refusal(db, "insert into icw_reader.failing values (2)").sqlstate in ("42501", "28000")
    db.execute("begin")
    assert refusal(db, "insert into icw.failing values (3)").sqlstate == "25001"
    db.execute("rollback")
    for sql in ("update icw.failing set i = 2", "delete from icw.failing"):
        assert refusal(db, sql).sqlstate in ("0A000", "42501")
    wait_until("uploads to be dropped", lambda: not uploads(lake))
    assert keys(lake, "failing/") == before and not keys(lake, "failed/")
    assert db.execute("select * from icw.failing").fetchall() == [(1,)] and refusal(db, "select * from icw.failed").sqlstate == "42P01"


def test_some_columns_and_columns_that_are_required(db, catalog):
    schema = Schema(NestedField(1, "Id", IntegerType(), required=True), NestedField(2, "name", StringType()), NestedField(3, "n", IntegerType()))
    table = catalog.create_table(f"{DATABASE}.required", schema)
    db.execute("insert into icw.required (n, id) values (10, 1)")
    db.execute("insert into icw.required (id, name) select 2, 'two'")
    assert db.execute("select id, name, n from icw.required order by id").fetchall() == [(1, None, 10), (2, "two", None)]
    table.refresh()
    assert sorted(table.scan().to_arrow()["Id"].to_pylist()) == [1, 2]
    error = refusal(db, "insert into icw.required (name) values ('nobody')")
    assert error.sqlstate == "23502" and "id" in str(error).lower()
    assert refusal(db, "insert into icw.required (id, id) values (1, 2)").sqlstate == "42701"
    assert refusal(db, "insert into icw.required (nothing) values (1)").sqlstate == "42703"
    assert refusal(db, "insert into icw.required (id, name) values (1)").sqlstate == "42601"
    assert db.execute("select count(*) from icw.required").fetchone() == (2,)


def test_tables_that_are_not_written(db, catalog, lake, glue):
    plain = pa.schema([("a", pa.int32())])
    for name, properties in (("orcs", {"write.format.default": "orc"}), ("packed", {"write.metadata.compression-codec": "gzip"}),
                             ("audited", {"write.wap.enabled": "true"})):
        catalog.create_table(f"{DATABASE}.{name}", plain, properties=properties)
        error = refusal(db, f"insert into icw.{name} values (1)")
        assert error.sqlstate == "0A000" and name in str(error), str(error)
    catalog.create_table(f"{DATABASE}.old", plain, properties={"format-version": "1"})
    assert "format version 1" in str(refusal(db, "insert into icw.old values (1)"))
    catalog.create_table(f"{DATABASE}.zoned", pa.schema([("a", pa.timestamp("us", "UTC"))]))
    assert "timestamptz" in str(refusal(db, "insert into icw.zoned values ('2026-01-01')"))
    # Metadata that are broken, or lie about where the table is.
    table = catalog.create_table(f"{DATABASE}.liar", plain)
    honest = json.loads(iceberg.get(lake, table.metadata_location))
    for number, lie in enumerate(({"location": "s3://somebody-elses-bucket/x"}, {"location": "/etc"}, {"last-sequence-number": "x"}, {"schemas": []},
                                  {"partition-specs": [{"spec-id": 0, "fields": [{"name": "p", "source-id": 77, "field-id": 1000, "transform": "identity"}]}]})):
        place = f"s3://{BUCKET}/liar/{number}.metadata.json"
        iceberg.put(lake, place, json.dumps({**honest, **lie}).encode())
        iceberg.point_at(glue, DATABASE, "liar", place)
        error = refusal(db, "insert into icw.liar values (1)")
        assert error.sqlstate not in ("XX000", "57P01", "57P02"), f"{lie}: {error}"


def test_writers_at_the_same_time_lose_nothing(db, server, catalog, lake):
    db.execute(f"create table icw.shared (writer int, n int) using iceberg location 's3://{BUCKET}/shared/'")
    failures = []

    def ours(writer):
        with server.connect() as own:
            for n in range(6):
                try:
                    own.execute(f"insert into icw.shared values ({writer}, {n})")
                except psycopg.Error as e:
                    failures.append((writer, n, e.sqlstate))

    def theirs():
        from pyiceberg.exceptions import CommitFailedException
        done = 0
        while done < 4:
            try:
                catalog.load_table(f"{DATABASE}.shared").append(pa.table({"writer": pa.array([99], pa.int32()), "n": pa.array([done], pa.int32())}))
                done += 1
            except CommitFailedException:
                pass

    threads = [threading.Thread(target=ours, args=(k,)) for k in range(3)] + [threading.Thread(target=theirs)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert all(state == "40001" for _, _, state in failures), failures
    wanted = {(w, n) for w in range(3) for n in range(6)} | {(99, n) for n in range(4)}
    wanted -= {(w, n) for w, n, _ in failures}
    rows = db.execute("select writer, n from icw.shared").fetchall()
    assert len(rows) == len(wanted) and set(rows) == wanted
    # Of our attempts that came too late nothing is left (PyIceberg leaves its own files).
    table = catalog.load_table(f"{DATABASE}.shared")
    ours = {f.file.file_path.rsplit("/", 1)[1] for f in table.scan().plan_files() if "_part_" in f.file.file_path}
    assert len(ours) == 18 - len(failures) and {k for k in keys(lake, "shared/data/") if "_part_" in k} == ours
    lists = [k.split("-")[1] for k in keys(lake, "shared/metadata/") if k.startswith("snap-")]
    assert all(lists.count(str(one.snapshot_id)) == 1 for one in table.metadata.snapshots)


def answers(server):
    try:
        with server.connect() as db:
            return db.execute("select count(*) from icw.killed").fetchone() is not None
    except psycopg.Error:
        return False


def test_killed_at_any_moment_the_table_is_as_before_or_after(own_server):
    server = own_server(lake=True)
    lake = server.lake
    lake.client().create_bucket(Bucket=BUCKET)
    with server.connect() as db:
        db.execute(f"create external schema icw from data catalog database '{DATABASE}' iam_role '{ROLE}' create external database if not exists")
        db.execute(f"create table icw.killed (i int) using iceberg location 's3://{BUCKET}/killed/'")
        db.execute("insert into icw.killed values (0)")
    known = {0}
    for n in range(1, 7):
        delay = n * 0.03
        with server.connect() as db:
            killer = threading.Timer(delay, lambda: [os.kill(pid, signal.SIGKILL) for pid in ([server.pid] if n % 2 else server.workers())])
            killer.start()
            acknowledged = True
            try:
                db.execute(f"insert into icw.killed values ({n})")
            except psycopg.Error:
                acknowledged = False
            killer.join()
        if n % 2:
            server.kill()
            server.start()
        else:
            wait_until("a new worker", lambda: answers(server))
        with server.connect() as db:
            rows = {i for (i,) in db.execute("select i from icw.killed").fetchall()}
            assert rows in (known, known | {n}) and (not acknowledged or n in rows), (rows, known, n, acknowledged)
            known = rows
    with server.connect() as db:
        db.execute("insert into icw.killed values (100)")
        assert db.execute("select max(i), count(*) from icw.killed").fetchone() == (100, len(known) + 1)


def test_trino_reads_and_adds(db, server, lake, api_user, glue, catalog, tmp_path_factory):
    if trino_support.missing():
        pytest.skip(trino_support.missing())
    db.execute(f"""create table icw.with_trino (id int, name varchar(50), price decimal(12,3), day date, at timestamp) using iceberg location 's3://{BUCKET}/with_trino/'
                   partitioned by (bucket(3, id), month(day), truncate(1, name))""")
    db.execute("""insert into icw.with_trino select g, chr(97 + (g % 5)::int) || 'name' || g, g / 8.0, date '2026-01-15' + g::int, timestamp '2026-01-01' + g * interval '1 minute'
                  from generate_series(1, 300) as t(g)""")
    table = catalog.create_table(f"{DATABASE}.by_value", pa.schema([("id", pa.int32()), ("name", pa.string())]))
    table.append(pa.table({"id": pa.array([1, 2, 3, None], pa.int32()), "name": ["a", "b", None, "d"]}))
    iceberg.delete_by_value(lake, glue, table, pa.table({"id": pa.array([1, None], pa.int32())}))
    trino = Trino(tmp_path_factory.mktemp("trino"), {
        "connector.name": "iceberg", "iceberg.catalog.type": "glue", "hive.metastore.glue.region": REGION,
        "hive.metastore.glue.endpoint-url": f"http://127.0.0.1:{server.http_port}", "hive.metastore.glue.catalogid": ACCOUNT,
        "hive.metastore.glue.aws-access-key": api_user.access_key, "hive.metastore.glue.aws-secret-key": api_user.secret_key,
        "hive.metastore.glue.default-warehouse-dir": f"s3://{BUCKET}/trino/", "fs.native-s3.enabled": "true", "s3.endpoint": lake.endpoint,
        "s3.region": REGION, "s3.path-style-access": "true", "s3.aws-access-key": lake.access_key, "s3.aws-secret-key": lake.secret_key}).start()
    try:
        question = "select count(*), sum(id), sum(price), count(distinct name), max(at) from {} where day > date '2026-02-01' and name < 'd' and id > 20"
        theirs = trino.query(question.format(f"{DATABASE}.with_trino"))[0]
        ours = db.execute(question.format("icw.with_trino")).fetchone()
        assert [str(value)[:19] for value in theirs] == [str(value)[:19] for value in ours] and ours[0] > 50
        assert sorted(map(tuple, trino.query(f"select id, name from {DATABASE}.by_value"))) == sorted(db.execute("select id, name from icw.by_value").fetchall()) == [(2, "b"), (3, None)]
        trino.query(f"insert into {DATABASE}.with_trino values (1000, 'zed', 1.5, date '2027-01-01', timestamp '2027-01-01 00:00:00')")
        trino.query(f"delete from {DATABASE}.with_trino where id <= 10")
        assert db.execute("insert into icw.with_trino values (2000, 'yet', 2.5, '2028-01-01', '2028-01-01')").rowcount == 1
        assert db.execute("select count(*), max(id) from icw.with_trino").fetchone() == (292, 2000)
        assert trino.query(f"select count(*), max(id) from {DATABASE}.with_trino") == [[292, 2000]]
        assert trino.query(f"""select count(*) from "{DATABASE}"."with_trino$snapshots" """) == [[4]]
        db.execute("drop table icw.with_trino")
        assert "with_trino" not in [row[0] for row in trino.query(f"show tables from {DATABASE}")]
    finally:
        trino.stop()
