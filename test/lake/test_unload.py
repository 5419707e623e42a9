"""UNLOAD: rows into objects, in every format and back; all of its files or none."""

import datetime
import decimal
import gzip
import json
import os
import signal
import subprocess
import threading

import duckdb
import psycopg
import pytest
import redshift_connector

from support.process import wait_until
from support.server import READING_ROLE, ROLE, UNKNOWN_ROLE, UNTRUSTING_ROLE

BUCKET = "unloads"
COLUMNS = ("i int, b bigint, d decimal(20,4), f float8, r real, c char(4), v varchar(40), day date, at timestamp, ok boolean")
VALUES = """(1, 9000000000, 12345.6789, 0.1, 2.5, 'ab', 'plain', '2026-01-02', '2026-01-02 03:04:05.5', true),
            (2, -1, -0.0001, 1e300, -1.5, 'abcd', 'größe | , " '' \\\\ end', '1999-12-31', '1999-12-31 23:59:59', false),
            (3, null, null, null, null, null, null, null, null, null),
            (4, 0, 0, 0, 0, '', ' blanks ', '2026-01-01', '2026-01-01', true)"""


@pytest.fixture(scope="module")
def bucket(lake):
    lake.client().create_bucket(Bucket=BUCKET)
    return lake.client()


@pytest.fixture
def db(server, bucket):
    with server.connect() as one:
        one.notices = []
        one.add_notice_handler(lambda notice: one.notices.append((notice.severity, notice.message_primary)))
        yield one


@pytest.fixture(scope="module")
def rows(server, bucket):
    """Tables of the module: few (all types), many (300,000 rows)."""
    with server.connect() as db:
        db.execute(f"create table few ({COLUMNS})")
        db.execute(f"insert into few values {VALUES}")
        db.execute("create table many as select g as i, 'row number ' || g as v, g % 7 as k from generate_series(1, 300000) as t(g)")
    yield
    with server.connect() as db:
        db.execute("drop table few")
        db.execute("drop table many")


def unload(db, query, prefix, options="", role=ROLE, bucket=BUCKET):
    quoted = query.replace("'", "''")
    return db.execute(f"unload ('{quoted}') to 's3://{bucket}/{prefix}' iam_role '{role}' {options}")


def fails(db, query, prefix, options="", **more):
    with pytest.raises(psycopg.Error) as failed:
        unload(db, query, prefix, options, **more)
    return failed.value


def objects(bucket, prefix, of=BUCKET):
    """Bytes by the key below the prefix."""
    found = {}
    for page in bucket.get_paginator("list_objects_v2").paginate(Bucket=of, Prefix=prefix):
        for one in page.get("Contents", []):
            found[one["Key"][len(prefix):]] = bucket.get_object(Bucket=of, Key=one["Key"])["Body"].read()
    return found


def uploads(bucket, of=BUCKET):
    """Keys of unfinished uploads."""
    return [one["Key"] for one in bucket.list_multipart_uploads(Bucket=of).get("Uploads", [])]


ROUND_TRIPS = {
    "delimited": ("escape null as 'nil'", "escape null as 'nil'"),
    "quoted": ("addquotes escape delimiter ';' null as '@'", "removequotes escape delimiter ';' null as '@'"),
    "csv": ("csv null as 'NIL'", "csv null as 'NIL'"),
    "csv_header_gzip": ("csv header gzip null as 'NIL'", "csv ignoreheader 1 gzip null as 'NIL'"),
    "zstd": ("zstd delimiter '\\t' escape null as 'nil'", "zstd delimiter '\\t' escape null as 'nil'"),
    "bzip2": ("bzip2 escape null as 'nil'", "bzip2 escape null as 'nil'"),
    "csv_bzip2_header": ("csv header bzip2 null as 'NIL'", "csv ignoreheader 1 bzip2 null as 'NIL'"),
    "json": ("json", "json 'auto'"),
    "json_gzip": ("format as json gzip", "json 'auto' gzip"),
    "parquet": ("parquet", "parquet"),
    "serial": ("format as csv parallel off null as 'NIL'", "csv null as 'NIL'"),
    "fixed": ("fixedwidth 'i:3,b:12,d:20,f:30,r:10,c:4,v:40,day:10,at:26,ok:1' null as '~'",
              "fixedwidth 'i:3,b:12,d:20,f:30,r:10,c:4,v:40,day:10,at:26,ok:1' null as '~'"),
}


@pytest.mark.parametrize("name", ROUND_TRIPS)
def test_what_is_unloaded_loads_again(db, bucket, rows, name):
    out, back = ROUND_TRIPS[name]
    prefix = f"round/{name}/"
    query = "select * from few where i <> 4" if name == "fixed" else "select * from few"
    done = unload(db, query, prefix, out)
    count = 3 if name == "fixed" else 4
    assert done.statusmessage == "UNLOAD"
    assert db.notices == [("INFO", f"UNLOAD completed, {count} record(s) unloaded successfully.")]
    db.execute(f"create temporary table again ({COLUMNS})")
    if name == "fixed":  # whose blanks are no part of values
        back += " trimblanks"
    db.execute(f"copy again from 's3://{BUCKET}/{prefix}' iam_role '{ROLE}' {back}")
    assert db.execute("select * from again order by i").fetchall() == db.execute(query + " order by i").fetchall()


def test_parquet_is_read_by_others(db, bucket, rows, tmp_path):
    unload(db, "select i, d, v, day, at, ok, at::timestamptz as z, json_parse('{\"a\": [1, 2]}') as doc, sum(b) over () as s from few", "others/", "parquet")
    files = objects(bucket, "others/")
    assert all(name.endswith(".parquet") for name in files)
    for number, body in enumerate(files.values()):
        (tmp_path / f"{number}.parquet").write_bytes(body)
    with duckdb.connect() as other:
        got = other.execute(f"select * from '{tmp_path}/*.parquet' order by i").fetchall()
        types = [str(column[1]) for column in other.execute(f"describe select * from '{tmp_path}/*.parquet'").fetchall()]
    assert types[:7] == ["INTEGER", "DECIMAL(20,4)", "VARCHAR", "DATE", "TIMESTAMP", "BOOLEAN", "TIMESTAMP"]
    assert got[0][:7] == (1, decimal.Decimal("12345.6789"), "plain", datetime.date(2026, 1, 2), datetime.datetime(2026, 1, 2, 3, 4, 5, 500000), True,
                          datetime.datetime(2026, 1, 2, 3, 4, 5, 500000))
    assert json.loads(got[0][7]) == {"a": [1, 2]}
    assert got[2][1:7] == (None,) * 6


def test_the_default_is_delimited_text_and_one_file_per_slice(db, bucket, rows):
    unload(db, "select i, v, ok, day from few where i in (1, 3)", "plain/venue_")
    files = objects(bucket, "plain/venue_")
    assert all(name[4:10] == "_part_" for name in files)
    assert sorted(b"".join(files.values()).splitlines()) == [b"1|plain|t|2026-01-02", b"3|||"]


def test_json_values(db, bucket, rows):
    db.execute("create temporary table docs (i int, s super, b boolean, t varchar(20), d decimal(5,2))")
    db.execute("insert into docs values (1, json_parse('{\"a\": [1, null, \"x\"]}'), true, 'q\"\\n', 1.5), (2, null, false, null, null)")
    unload(db, "select * from docs", "json/", "json parallel off")
    files = objects(bucket, "json/")
    assert list(files) == ["000.json"]
    got = [json.loads(line) for line in files["000.json"].splitlines()]
    assert sorted(got, key=lambda one: one["i"]) == [
        {"i": 1, "s": {"a": [1, None, "x"]}, "b": "t", "t": 'q"\n', "d": 1.5}, {"i": 2, "s": None, "b": "f", "t": None, "d": None}]
    assert fails(db, "select i, i from docs", "json2/", "json").sqlstate == "42701"


def test_serial_unloads_keep_the_order(db, bucket, rows, tmp_path):
    unload(db, "select i from many order by i desc", "order/", "csv parallel off")
    files = objects(bucket, "order/")
    assert list(files) == ["000"]
    assert files["000"].split() == [str(i).encode() for i in range(300000, 0, -1)]
    unload(db, "select i::decimal(12,0) as i from many order by i desc", "order_parquet/", "parquet parallel false")
    files = objects(bucket, "order_parquet/")
    assert list(files) == ["000.parquet"]
    (tmp_path / "000.parquet").write_bytes(files["000.parquet"])
    with duckdb.connect() as other:
        got = [row[0] for row in other.execute(f"select i from '{tmp_path}/000.parquet'").fetchall()]
    assert got == list(range(300000, 0, -1))


def test_branches_of_a_union_do_not_overwrite_each_other(db, bucket, rows):
    for parallel in ("off", "on"):
        place = f"s3://{BUCKET}/union_{parallel}/"
        db.execute(f"unload ('select 5 as a union all select 6 union all select a from (select 7 as a)') to '{place}' iam_role '{ROLE}' csv parallel {parallel}")
        db.execute("create temp table loaded (a int)")
        db.execute(f"copy loaded from '{place}' iam_role '{ROLE}' csv")
        assert db.execute("select count(*), sum(a) from loaded").fetchone() == (3, 18), parallel
        db.execute("drop table loaded")


def test_files_have_a_largest_size(db, bucket, rows):
    unload(db, "select i, repeat(v, 8) as v from many", "sized/", "maxfilesize 5 mb parallel off")
    files = objects(bucket, "sized/")
    assert list(files) == [f"{n:03}" for n in range(len(files))] and len(files) > 6
    assert all(len(body) <= 5 << 20 for body in files.values())
    assert sum(body.count(b"\n") for body in files.values()) == 300000
    unload(db, "select i, repeat(md5(v), 8) as v from many", "sized_gz/", "gzip maxfilesize as 5 mb")
    files = objects(bucket, "sized_gz/")
    assert len(files) > 1 and all(len(body) <= 5 << 20 for body in files.values())
    assert sum(gzip.decompress(body).count(b"\n") for body in files.values()) == 300000
    digests = " || ".join(f"md5(v || '{n}')" for n in range(8))
    unload(db, f"select i, {digests} as v from many", "sized_parquet/", "parquet maxfilesize 40 mb rowgroupsize 32 mb parallel off")
    files = objects(bucket, "sized_parquet/")
    assert list(files) == [f"{n:03}.parquet" for n in range(len(files))] and len(files) > 1


def test_partitions_become_folders(db, bucket, rows):
    unload(db, "select i, v, k, case when k = 3 then null else 'x/' || k end as s from many", "parts", "csv partition by (k, s) manifest")
    files = objects(bucket, "parts/")
    manifest = json.loads(files.pop("manifest"))
    assert {entry["url"] for entry in manifest["entries"]} == {f"s3://{BUCKET}/parts/{name}" for name in files}
    folders = {name.rsplit("/", 1)[0] for name in files}
    assert len(files) < 100  # not one for each change from row to row
    assert folders == {f"k={k}/s=x%2F{k}" for k in (0, 1, 2, 4, 5, 6)} | {"k=3/s=__HIVE_DEFAULT_PARTITION__"}
    assert sum(body.count(b"\n") for body in files.values()) == 300000
    for name, body in files.items():
        k = int(name[2])
        assert all(int(line.split(b",")[0]) % 7 == k and line.count(b",") == 1 for line in body.splitlines())
    unload(db, "select i, k from many", "parts_parquet/", "parquet partition by (k) include")
    files = objects(bucket, "parts_parquet/")
    assert {name.split("/")[0] for name in files} == {f"k={k}" for k in range(7)}
    assert all(name.endswith(".parquet") for name in files)
    db.execute("create temporary table again (i int, k int)")
    db.execute(f"copy again from 's3://{BUCKET}/parts_parquet/' iam_role '{ROLE}' parquet")
    assert db.execute("select count(*), sum(i), sum(k) from again").fetchall() == db.execute("select count(*), sum(i), sum(k) from many").fetchall()


def test_a_manifest_tells_what_was_written(db, bucket, rows):
    unload(db, "select i, v, d from few", "manifest/x_", "csv header manifest verbose parallel off")
    files = objects(bucket, "manifest/x_")
    assert set(files) == {"000", "manifest"}
    assert json.loads(files["manifest"]) == {
        "entries": [{"url": f"s3://{BUCKET}/manifest/x_000", "meta": {"content_length": len(files["000"]), "record_count": 5}}],
        "schema": {"elements": [{"name": "i", "type": {"base": "integer"}},
                                {"name": "v", "type": {"base": "character varying", "max_length": 40}},
                                {"name": "d", "type": {"base": "numeric", "precision": 20, "scale": 4}}]},
        "meta": {"content_length": len(files["000"]), "record_count": 5},
        "author": {"name": "Amazon Redshift", "version": "1.0.0"}}
    db.execute("create temporary table again (i int, v varchar(40), d decimal(20,4))")
    db.execute(f"copy again from 's3://{BUCKET}/manifest/x_manifest' iam_role '{ROLE}' csv ignoreheader 1 manifest")
    assert db.execute("select count(*) from again").fetchone() == (4,)


def test_no_rows_make_no_file_but_of_a_header(db, bucket, rows):
    unload(db, "select i from few where false", "none/", "csv")
    assert db.notices == [("INFO", "UNLOAD completed, 0 record(s) unloaded successfully.")]
    assert objects(bucket, "none/") == {}
    unload(db, "select i, v from few where false", "none/", "csv header")
    assert objects(bucket, "none/") == {"0000_part_00": b"i,v\n"}


def test_some_types_are_text_only(db, bucket, rows):
    unload(db, "select 1 as i, to_varbyte('0aff', 'hex') as b", "bytes/", "csv parallel off")
    assert objects(bucket, "bytes/") == {"000": b"1,0aff\n"}
    for format in ("parquet", "json", "fixedwidth 'i:2,b:9'"):
        assert fails(db, "select 1 as i, to_varbyte('0aff', 'hex') as b", "bytes2/", format).sqlstate == "0A000"
    assert objects(bucket, "bytes2/") == {}


def test_names_end_as_asked(db, bucket, rows):
    unload(db, "select i from few", "ends/", "csv gzip extension 'csv.gz' parallel off region 'us-east-1'")
    assert list(objects(bucket, "ends/")) == ["000.csv.gz"]
    unload(db, "select i from few", "ends2/", "zstd parallel off")
    assert list(objects(bucket, "ends2/")) == ["000.zst"]


def test_objects_that_are_there_are_not_touched_unasked(db, bucket, rows):
    bucket.put_object(Bucket=BUCKET, Key="there/old", Body=b"old")
    bucket.put_object(Bucket=BUCKET, Key="there/000", Body=b"old")
    failed = fails(db, "select i from few", "there/", "parallel off")
    assert "Specified unload destination on S3 is not empty" in str(failed)
    assert objects(bucket, "there/") == {"old": b"old", "000": b"old"}
    unload(db, "select i from few where i = 1", "there/", "parallel off allowoverwrite")
    assert objects(bucket, "there/") == {"old": b"old", "000": b"1\n"}
    unload(db, "select i from few where i = 2", "there/", "parallel off cleanpath")
    assert objects(bucket, "there/") == {"000": b"2\n"}


def test_clean_paths_of_partitions(db, bucket, rows):
    for folder in ("1", "9"):
        bucket.put_object(Bucket=BUCKET, Key=f"cleaned/k={folder}/old", Body=b"old")
    unload(db, "select i, i as k from few where i = 1", "cleaned/", "csv partition by (k) cleanpath parallel off")
    assert objects(bucket, "cleaned/") == {"k=1/000": b"1\n", "k=9/old": b"old"}


@pytest.mark.parametrize("options, sqlstate, words", [
    ("csv delimiter '||'", "22023", "single ASCII character"),
    ("csv json", "42601", "cannot be used together"),
    ("parquet gzip", "22023", "GZIP argument is not supported for PARQUET based UNLOAD"),
    ("parquet header", "22023", "HEADER argument is not supported for PARQUET based UNLOAD"),
    ("parquet null as 'x'", "22023", "NULL AS argument is not supported for PARQUET based UNLOAD"),
    ("json delimiter ','", "22023", "DELIMITER argument is not supported for JSON based UNLOAD"),
    ("csv addquotes", "22023", "ADDQUOTES"),
    ("csv fixedwidth 'a:1'", "42601", "cannot be used together"),
    ("fixedwidth 'a:1' header", "22023", "HEADER"),
    ("fixedwidth 'a:1,b:2'", "22023", "names 2 columns"),
    ("fixedwidth 'a:x'", "22023", "FIXEDWIDTH"),
    ("gzip zstd", "42601", "cannot be used together"),
    ("bzip2 gzip", "42601", "cannot be used together"),
    ("parquet bzip2", "22023", "BZIP2"),
    ("csv rowgroupsize 64 mb", "22023", "ROWGROUPSIZE"),
    ("parquet rowgroupsize 1 gb", "22023", "between 32 MB and 128 MB"),
    ("maxfilesize 4 mb", "22023", "between 5 MB and 6.2 GB"),
    ("maxfilesize 7 gb", "22023", "between 5 MB and 6.2 GB"),
    ("allowoverwrite cleanpath", "42601", "cannot be used together"),
    ("kms_key_id 'k'", "22023", "ENCRYPTED"),
    ("encrypted", "22023", "KMS_KEY_ID"),
    ("encrypted auto kms_key_id 'k'", "42601", "cannot be used together"),
    ("encrypted master_symmetric_key 'abcdefgh'", "22023", "MASTER_SYMMETRIC_KEY"),
    ("partition by (nowhere)", "42703", "nowhere"),
    ("partition by (i)", "22023", "at least one column"),
    ("extension '../x'", "22023", "EXTENSION"),
    ("verbose", "42601", "verbose"),
])
def test_bad_options_are_refused(db, bucket, rows, options, sqlstate, words):
    failed = fails(db, "select i from few", "bad/", options)
    assert failed.sqlstate == sqlstate, failed
    assert words in str(failed)
    assert objects(bucket, "bad/") == {} and uploads(bucket) == []


@pytest.mark.parametrize("query, sqlstate", [
    ("select * from few limit 1", "0A000"), ("select top 1 * from few", "0A000"), ("select * from nowhere", "42P01"),
    ("delete from few", "42601"), ("select 1; select 2", "42601"), ("selec 1", "42601"), ("", "42601"),
    ("select i into x from few", "0A000"), ("select $1::int", "42P02"), ("select 1/0", "22012"),
    ("copy few from 's3://x'", "42601"), ("select * from read_csv('/etc/passwd')", "42883"),
])
def test_bad_queries_are_refused(db, bucket, rows, query, sqlstate):
    assert fails(db, query, "badq/").sqlstate == sqlstate
    assert objects(bucket, "badq/") == {} and uploads(bucket) == []


def test_targets_and_roles_are_checked(db, bucket, rows, lake):
    bucket.put_object(Bucket=BUCKET, Key="kept/one", Body=b"x")
    denied = fails(db, "select i from few", "roles/", role=READING_ROLE)
    assert denied.sqlstate == "42501" and "s3:PutObject" in str(denied)
    assert fails(db, "select i from few", "kept/", "cleanpath", role=READING_ROLE).sqlstate == "42501"
    assert fails(db, "select i from few", "roles/", role=UNTRUSTING_ROLE).sqlstate == "42501"
    assert fails(db, "select i from few", "roles/", role=UNKNOWN_ROLE).sqlstate in ("42704", "28000", "42501")
    assert fails(db, "select i from few", "roles/", bucket="no-such-bucket").sqlstate in ("58000", "58P01", "42704")
    with pytest.raises(psycopg.Error):
        db.execute(f"unload ('select i from few') to '/tmp/out' iam_role '{ROLE}'")
    with pytest.raises(psycopg.Error):
        db.execute(f"unload ('select i from few') to 's3://{BUCKET}/../other/x' iam_role '{ROLE}'")
    with pytest.raises(psycopg.Error):
        db.execute(f"unload ('select i from few') to 's3://{BUCKET}/x'")
    assert objects(bucket, "roles/") == {} and objects(bucket, "kept/") == {"one": b"x"}


def test_a_query_that_fails_in_the_middle_leaves_nothing(db, bucket, rows):
    failed = fails(db, "select i, repeat(md5(v), 40), 1 / (i - 299999) from many", "middle/", "manifest")
    assert failed.sqlstate == "22012"
    wait_until("the uploads being dropped", lambda: uploads(bucket) == [])
    assert objects(bucket, "middle/") == {}


def test_a_cancelled_unload_leaves_nothing(server, db, bucket, rows):
    timer = threading.Timer(1.5, db.cancel)
    timer.start()
    failed = fails(db, "select a.i, b.v from many a, many b where a.i < 3000", "cancelled/", "csv")
    timer.join()
    assert failed.sqlstate == "57014"
    wait_until("the uploads being dropped", lambda: uploads(bucket) == [])
    assert objects(bucket, "cancelled/") == {}
    assert db.execute("select count(*) from few").fetchone() == (4,)


def test_a_killed_worker_leaves_nothing(server, bucket, rows):
    def kill():
        wait_until("an upload beginning", lambda: uploads(bucket), 60)
        for pid in server.workers():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    with server.connect() as db:
        killer = threading.Thread(target=kill)
        killer.start()
        failed = fails(db, "select a.i, b.v from many a, many b where a.i < 3000", "killed/", "csv manifest")
        killer.join()
        assert failed.sqlstate in ("57P02", "57P01")
    wait_until("the uploads being dropped", lambda: uploads(bucket) == [])
    assert objects(bucket, "killed/") == {}
    with server.connect() as db:
        assert db.execute("select count(*) from few").fetchone() == (4,)


def test_within_a_transaction_and_of_its_own_rows(db, bucket, rows):
    with db.transaction(force_rollback=True):
        db.execute("insert into few (i) values (5)")
        unload(db, "select i from few where i > 4", "transaction/", "parallel off")
    assert objects(bucket, "transaction/") == {"000": b"5\n"}


def test_drivers_unload(server, bucket, rows):
    statement = f"unload ('select i from few') to 's3://{BUCKET}/drivers/%s/' iam_role '{ROLE}' parallel off"
    done = subprocess.run(["psql", "-X", "-c", statement % "psql"], capture_output=True, text=True, timeout=60, env={
        **os.environ, "PGHOST": "127.0.0.1", "PGPORT": str(server.pgwire_port), "PGUSER": server.admin.name, "PGPASSWORD": server.admin.password,
        "PGDATABASE": "dev"})
    assert done.returncode == 0, done.stderr
    assert done.stdout == "UNLOAD\n"
    assert done.stderr == "INFO:  UNLOAD completed, 4 record(s) unloaded successfully.\n"
    with redshift_connector.connect(host="127.0.0.1", port=server.pgwire_port, user=server.admin.name, password=server.admin.password, database="dev",
                                    ssl=False) as driver:
        driver.autocommit = True
        driver.cursor().execute(statement % "connector")
    assert objects(bucket, "drivers/psql/").keys() == objects(bucket, "drivers/connector/").keys() == {"000"}


def test_the_data_api_unloads(server, bucket, rows):
    api = server.client("redshift-data", server.add_user("unload_api", superuser=True, access_key=True))
    started = api.execute_statement(WorkgroupName="default", Database="dev", Sql=f"unload ('select i from few') to 's3://{BUCKET}/api/' "
                                    f"iam_role '{ROLE}' parallel off")
    done = wait_until("the statement ending", lambda: (one := api.describe_statement(Id=started["Id"]))["Status"] in ("FINISHED", "FAILED") and one, 30)
    assert done["Status"] == "FINISHED", done
    assert not done["HasResultSet"]
    assert sorted(objects(bucket, "api/")["000"].split()) == [b"1", b"2", b"3", b"4"]


def test_access_keys_write_what_their_owner_may(server, db, bucket, rows, api_user):
    from support.identity import allow, iam_user
    iam = server.client("iam", api_user)
    arn = f"arn:aws:s3:::{BUCKET}"
    with iam_user(server, iam, allow("s3:ListBucket", arn), allow("s3:PutObject", f"{arn}/keyed/*")) as user:
        keys = f"access_key_id '{user.access_key}' secret_access_key '{user.secret_key}'"
        db.execute(f"unload ('select i from few') to 's3://{BUCKET}/keyed/a/' {keys} parallel off")
        assert sorted(objects(bucket, "keyed/a/")["000"].split()) == [b"1", b"2", b"3", b"4"]
        for target, with_, code in [("closed/", keys, "42501"), ("keyed/b/", keys.replace(user.secret_key, "x" * 40), "42501"),
                                    ("keyed/b/", f"{keys} iam_role '{ROLE}'", "42601"), ("keyed/b/", f"access_key_id '{user.access_key}'", "22023")]:
            with pytest.raises(psycopg.Error) as failed:
                db.execute(f"unload ('select i from few') to 's3://{BUCKET}/{target}' {with_}")
            assert failed.value.sqlstate == code, (target, str(failed.value))
            assert user.secret_key not in str(failed.value.diag.message_primary) + str(failed.value.diag.message_detail)
        assert objects(bucket, "closed/") == {} and objects(bucket, "keyed/b/") == {} and uploads(bucket) == []
        assert user.secret_key not in server.log()
        assert all(user.secret_key not in str(row) for view in ("sys_unload_history", "stl_unload_log", "sys_external_query_detail")
                   for row in db.execute(f"select * from {view}").fetchall())


def test_what_was_unloaded_is_told(db, bucket, rows):
    assert db.execute("select pg_last_unload_count(), pg_last_unload_id()").fetchone() == (0, -1)
    unload(db, "select i, v from many where i <= 1000", "told/", "csv gzip parallel off")
    count, number = db.execute("select pg_last_unload_count(), pg_last_unload_id()").fetchone()
    assert count == 1000 and number > 0
    size = sum(len(body) for body in objects(bucket, "told/").values())
    assert db.execute("select status, file_format, compression_type, unloaded_location, unloaded_rows, unloaded_files_count, unloaded_files_size "
                      "from sys_unload_history where query_id = %s", (number,)).fetchall() == [
        ("completed", "CSV", "gzip", f"s3://{BUCKET}/told/", 1000, 1, size)]
    for view, path, query in [("stl_unload_log", "path", "query"), ("sys_unload_detail", "file_name", "query_id")]:
        assert db.execute(f"select {path}, line_count, transfer_size, file_format from {view} where {query} = %s", (number,)).fetchall() == [
            (f"s3://{BUCKET}/told/000.gz", 1000, size, "CSV")]
    fails(db, "select 1 / (i - 2) from few", "told_not/")
    assert db.execute("select pg_last_unload_count()").fetchone() == (0,)
    status, rows_, files, message = db.execute("select status, unloaded_rows, unloaded_files_count, error_message from sys_unload_history "
                                               f"where unloaded_location = 's3://{BUCKET}/told_not/'").fetchone()
    assert (status, rows_, files) == ("aborted", 0, 0) and "zero" in message


def test_secrets_of_an_unload_are_in_no_log(server, db, bucket, rows):
    with pytest.raises(psycopg.Error):
        db.execute(f"unload ('select 1') to 's3://{BUCKET}/secret/' access_key_id 'AKIDSECRETSECRET' secret_access_key 'verysecretkey123'")
    with pytest.raises(psycopg.Error):
        db.execute(f"unload ('select 1') to 's3://{BUCKET}/secret/' iam_role '{ROLE}' encrypted master_symmetric_key 'rootkeyrootkey42'")
    log = server.log()
    assert "verysecretkey123" not in log and "rootkeyrootkey42" not in log
