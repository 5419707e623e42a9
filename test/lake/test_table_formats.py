"""Delta Lake by manifests, Hudi by its timeline, and Ion, which is not read. The layouts are written as their documentation has them."""

import json

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from support.server import ROLE

BUCKET = "table-formats"
DATABASE = "table_formats"
SYMLINK = ("row format serde 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe' stored as inputformat "
           "'org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat' outputformat 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'")
HUDI = ("row format serde 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe' stored as inputformat "
        "'org.apache.hudi.hadoop.HoodieParquetInputFormat' outputformat 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat'")


@pytest.fixture(scope="module")
def db(server, lake):
    lake.client().create_bucket(Bucket=BUCKET)
    with server.connect() as one:
        one.execute(f"create external schema tf from data catalog database '{DATABASE}' iam_role '{ROLE}' create external database if not exists")
        yield one
        one.execute("drop schema tf")


def refusal(db, sql):
    with pytest.raises(psycopg.Error) as failed:
        db.execute(sql)
    return failed.value


def parquet(lake, key, ids):
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"id": pa.array(ids, pa.int32())}), sink)
    lake.put(BUCKET, key, sink.getvalue().to_pybytes())
    return f"s3://{BUCKET}/{key}"


def test_a_delta_table_is_what_its_manifest_names(db, lake):
    paths = [parquet(lake, f"delta/part-{n}.snappy.parquet", [n, n + 100]) for n in range(12)]
    parquet(lake, "delta/part-stale.snappy.parquet", [9999])
    manifest = "delta/_symlink_format_manifest/manifest"
    lake.put(BUCKET, manifest, "\n".join(paths[:10]) + "\n")
    db.execute(f"create external table tf.delta (id int) {SYMLINK} location 's3://{BUCKET}/delta/_symlink_format_manifest'")
    assert db.execute("select count(*), max(id) from tf.delta").fetchone() == (20, 109)
    assert db.execute("""select distinct "$path" from tf.delta where id = 3""").fetchall() == [(paths[3],)]
    lake.put(BUCKET, manifest, "\r\n".join(paths[10:]))
    assert db.execute("select id from tf.delta order by id").fetchall() == [(10,), (11,), (110,), (111,)]
    lake.put(BUCKET, manifest, "")
    assert db.execute("select count(*) from tf.delta").fetchone() == (0,)
    # What is wrong with a manifest is said as the service says it.
    for lines, words in (
            ([paths[0], f"s3://{BUCKET}/delta/gone.parquet"], f"File s3://{BUCKET}/delta/gone.parquet listed in Delta Lake manifest s3://{BUCKET}/{manifest} was not found."),
            (paths + [f"s3://{BUCKET}/delta/gone.parquet"], "was not found."),
            (["s3://another-bucket/x.parquet"], f"Delta Lake manifest in bucket {BUCKET} cannot contain entries in bucket another-bucket."),
            ([paths[0], f"s3://{BUCKET}/elsewhere/x.parquet"], "Delta Lake files are expected to be in the same folder."),
            (["/etc/passwd"], "Invalid S3 Path."), (["http://169.254.169.254/latest"], "Invalid S3 Path."), (["\x00\xff" * 50], "Invalid S3 Path.")):
        lake.put(BUCKET, manifest, "\n".join(lines))
        error = refusal(db, "select * from tf.delta")
        assert words in str(error) and error.sqlstate not in ("XX000", "57P01"), str(error)
    assert db.execute("select 1").fetchone() == (1,)


def test_partitions_of_a_delta_table(db, lake):
    for day in ("2026-01-01", "2026-01-02"):
        path = parquet(lake, f"delta2/day={day}/part-0.parquet", [int(day[-1])])
        lake.put(BUCKET, f"delta2/_symlink_format_manifest/day={day}/manifest", path + "\n")
    db.execute(f"create external table tf.delta2 (id int) partitioned by (day date) {SYMLINK} location 's3://{BUCKET}/delta2/_symlink_format_manifest'")
    for day in ("2026-01-01", "2026-01-02"):
        db.execute(f"alter table tf.delta2 add partition (day='{day}') location 's3://{BUCKET}/delta2/_symlink_format_manifest/day={day}'")
    assert db.execute("select id, day::varchar from tf.delta2 order by id").fetchall() == [(1, "2026-01-01"), (2, "2026-01-02")]
    lake.put(BUCKET, "delta2/_symlink_format_manifest/day=2026-01-01/manifest", f"s3://{BUCKET}/delta2/day=2026-01-01/gone.parquet")
    assert db.execute("select id from tf.delta2 where day = '2026-01-02'").fetchall() == [(2,)]
    assert "was not found" in str(refusal(db, "select id from tf.delta2"))


def hudi(lake, base, commits, kind="COPY_ON_WRITE", **replaced):
    lake.put(BUCKET, f"{base}/.hoodie/hoodie.properties", f"#Properties\nhoodie.table.type={kind}\nhoodie.timeline.layout.version=1\nhoodie.table.name=t\n")
    for commit in commits:
        lake.put(BUCKET, f"{base}/.hoodie/{commit}.commit.requested", "")
        lake.put(BUCKET, f"{base}/.hoodie/{commit}.inflight", "{}")
        lake.put(BUCKET, f"{base}/.hoodie/{commit}.commit", "{}")


def test_a_hudi_table_is_its_latest_committed_files(db, lake):
    db.execute(f"create external table tf.hudi (id int) partitioned by (region varchar(10)) {HUDI} location 's3://{BUCKET}/hudi'")
    for region in ("eu", "us"):
        lake.put(BUCKET, f"hudi/{region}/.hoodie_partition_metadata", "x")
        parquet(lake, f"hudi/{region}/11-0_0-1-1_20260101000000.parquet", [1, 2])
        parquet(lake, f"hudi/{region}/22-0_0-1-1_20260101000000.parquet", [3])
        db.execute(f"alter table tf.hudi add partition (region='{region}') location 's3://{BUCKET}/hudi/{region}'")
    error = refusal(db, "select * from tf.hudi")
    assert "No valid Hudi commit timeline found" in str(error) and error.sqlstate != "XX000"
    hudi(lake, "hudi", ["20260101000000"])
    assert db.execute("select count(*), sum(id) from tf.hudi").fetchone() == (6, 12)
    parquet(lake, "hudi/eu/11-0_0-2-2_20260102000000.parquet", [1, 20])  # written, not committed yet
    assert db.execute("select sum(id) from tf.hudi where region = 'eu'").fetchone() == (6,)
    hudi(lake, "hudi", ["20260102000000"])
    assert db.execute("select sum(id) from tf.hudi where region = 'eu'").fetchone() == (24,)
    # Insert overwrite: other groups take the place of those in one partition.
    parquet(lake, "hudi/us/33-0_0-3-3_20260103000000.parquet", [7])
    lake.put(BUCKET, "hudi/.hoodie/20260103000000.replacecommit", json.dumps({"partitionToReplaceFileIds": {"us": ["11-0", "22-0"], "eu": [4], "x": None}}))
    assert db.execute("select region, sum(id) from tf.hudi group by 1 order by 1").fetchall() == [("eu", 24), ("us", 7)]
    # What lies in a timeline is hostile.
    lake.put(BUCKET, "hudi/.hoodie/20260104000000.replacecommit", b"\xff{" * 1000)
    assert db.execute("select region, sum(id) from tf.hudi group by 1 order by 1").fetchall() == [("eu", 24), ("us", 7)]


def test_hudi_tables_that_are_merged_on_read_are_refused(db, lake):
    db.execute(f"create external table tf.merged (id int) {HUDI} location 's3://{BUCKET}/merged'")
    parquet(lake, "merged/11-0_0-1-1_20260101000000.parquet", [1])
    hudi(lake, "merged", ["20260101000000"], kind="MERGE_ON_READ")
    error = refusal(db, "select * from tf.merged")
    assert error.sqlstate == "0A000" and "MERGE_ON_READ" in str(error)
    db.execute(f"""create external table tf.realtime (id int) {HUDI.replace('HoodieParquetInputFormat', 'realtime.HoodieParquetRealtimeInputFormat')}
                   location 's3://{BUCKET}/merged'""")
    error = refusal(db, "select * from tf.realtime")
    assert error.sqlstate == "0A000" and "merged on read" in str(error)


def test_ion_is_refused(db):
    db.execute(f"""create external table tf.ion (id int) row format serde 'com.amazon.ionhiveserde.IonHiveSerDe' stored as
                   inputformat 'com.amazon.ionhiveserde.formats.IonInputFormat' outputformat 'com.amazon.ionhiveserde.formats.IonOutputFormat'
                   location 's3://{BUCKET}/ion/'""")
    error = refusal(db, "select * from tf.ion")
    assert error.sqlstate == "0A000" and "IonHiveSerDe" in str(error) and "ion" in str(error)
