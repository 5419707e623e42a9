"""COPY and UNLOAD with a key that the client keeps (ENCRYPTED MASTER_SYMMETRIC_KEY), against another implementation of the envelope."""

import base64
import gzip
import json
import os

import psycopg
import pytest

from support.client_encryption import decrypt, encrypt
from support.server import ROLE

BUCKET = "client-encryption"
KEY = os.urandom(32)
TEXT = base64.b64encode(KEY).decode()
OTHER = base64.b64encode(os.urandom(32)).decode()


@pytest.fixture(scope="module")
def bucket(lake):
    lake.client().create_bucket(Bucket=BUCKET)
    return lake.client()


@pytest.fixture
def db(server, bucket, schema):
    with server.connect() as one:
        one.execute(f"set search_path to {schema}")
        yield one


def put(bucket, key, content, **more):
    body, metadata = encrypt(content if isinstance(content, bytes) else content.encode(), KEY, **more)
    bucket.put_object(Bucket=BUCKET, Key=key, Body=body, Metadata=metadata)
    return body


def objects(bucket, prefix):
    """(body, metadata) by the key below the prefix."""
    found = {}
    for one in bucket.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", []):
        got = bucket.get_object(Bucket=BUCKET, Key=one["Key"])
        found[one["Key"][len(prefix):]] = (got["Body"].read(), got["Metadata"])
    return found


def copy(db, table, prefix, options="", key=TEXT):
    db.execute(f"copy {table} from 's3://{BUCKET}/{prefix}' iam_role '{ROLE}' encrypted master_symmetric_key '{key}' {options}")
    return db.execute("select pg_last_copy_count()").fetchone()[0]


def unload(db, query, prefix, options="", key=TEXT):
    quoted = query.replace("'", "''")
    db.execute(f"unload ('{quoted}') to 's3://{BUCKET}/{prefix}' iam_role '{ROLE}' encrypted master_symmetric_key '{key}' {options}")


def fails(db, sql, *secrets):
    with pytest.raises(psycopg.Error) as failed:
        db.execute(sql)
    for secret in (TEXT, OTHER, *secrets):
        for said in (failed.value.diag.message_primary, failed.value.diag.message_detail, failed.value.diag.message_hint):
            assert secret not in (said or "")
    return failed.value


@pytest.mark.parametrize("length", [True, False])
def test_objects_of_another_client_are_loaded(db, bucket, length):
    db.execute("create table t (i int, v varchar(40))")
    contents = ["", "1|x\n", "2|0123456789\n", "3|0123456789ab\n4|\n", "".join(f"{i}|row {i}\n" for i in range(100, 20000))]
    for number, content in enumerate(contents):
        put(bucket, f"in{length}/{number}", content, length=length)
    assert copy(db, "t", f"in{length}/") == 4 + 19900
    assert db.execute("select count(*), count(distinct i), sum(i) from t").fetchone() == (19904, 19904, 10 + sum(range(100, 20000)))
    assert db.execute("select v from t where i = 19999").fetchone() == ("row 19999",)


@pytest.mark.parametrize("options, content", [
    ("gzip", gzip.compress(b"1|a\n2|b\n" * 5000)),
    ("csv", b'1,"a, with\nlines"\n2,b\n' * 5000), ("json 'auto'", b'{"i": 1, "v": "a"}\n{"i": 2, "v": "b"}\n' * 5000),
    ("fixedwidth 'i:3,v:4'", b"  1a   \n  2b   \n" * 5000)], ids=["gzip", "csv", "json", "fixedwidth"])
def test_formats(db, bucket, options, content):
    db.execute("create table t (i int, v varchar(40))")
    prefix = f"formats/{abs(hash(options))}/"
    put(bucket, prefix + "a", content)
    assert copy(db, "t", prefix, options) == 10000
    assert db.execute("select count(*), sum(i) from t").fetchone() == (10000, 15000)


@pytest.mark.parametrize("options", ["", "csv header", "json", "gzip", "zstd", "bzip2", "parallel off", "manifest", "manifest verbose csv", "fixedwidth 'i:8,v:20'"])
def test_round_trips(db, bucket, options):
    db.execute("create table source as select g as i, 'value of ' || g as v from generate_series(1, 30000) as t(g)")
    db.execute("create table t (i int, v varchar(40))")
    prefix = f"round/{abs(hash(options))}/"
    unload(db, "select i, v from source", prefix, options)
    files = objects(bucket, prefix)
    assert files
    for body, metadata in files.values():
        assert b"value of" not in body and {"x-amz-key", "x-amz-iv"} <= metadata.keys() and len(body) % 16 == 0
        plain = decrypt(body, metadata, KEY)
        assert metadata.get("x-amz-unencrypted-content-length") == str(len(plain))
    load = "json 'auto'" if options == "json" else options.replace(" header", " ignoreheader 1").replace("parallel off", "").replace(" verbose", "")
    assert copy(db, "t", prefix + ("manifest" if "manifest" in options else ""), load) == 30000
    assert db.execute("select count(*) from (select * from source except select * from t) d").fetchone() == (0,)
    if "manifest" in options:  # encrypted as well, and its lengths are those of the objects
        entries = json.loads(decrypt(*files["manifest"], KEY))["entries"]
        assert {e["url"].rsplit("/", 1)[1]: e["meta"]["content_length"] for e in entries} == {n: len(b) for n, (b, _) in files.items() if n != "manifest"}


def test_files_of_many_parts(db, bucket):
    unload(db, "select g, repeat(md5(g::varchar), 10) from generate_series(1, 150000) as t(g)", "parts/", "parallel off")
    (body, metadata), = objects(bucket, "parts/").values()
    assert len(body) > 3 * 8 << 20 and "x-amz-unencrypted-content-length" not in metadata, "it was not known when the upload began"
    lines = decrypt(body, metadata, KEY).splitlines()
    assert len(lines) == 150000 and sum(int(line.split(b"|")[0]) for line in lines) == 150000 * 150001 // 2
    db.execute("create table t (i int, v varchar(400))")
    assert copy(db, "t", "parts/") == 150000
    assert db.execute("select count(distinct v) from t").fetchone() == (150000,)


@pytest.mark.parametrize("size", [8 << 20, (8 << 20) - 16, (8 << 20) - 1, (8 << 20) + 1])
def test_files_as_long_as_a_part(db, bucket, size):
    prefix = f"whole{size}/"
    rows = size // 1024
    unload(db, f"select repeat('x', case when g < {rows} then 1023 else {size - (rows - 1) * 1024 - 1} end::int) from generate_series(1, {rows}) as t(g)",
           prefix, "parallel off")
    (body, metadata), = objects(bucket, prefix).values()
    assert len(decrypt(body, metadata, KEY)) == size and len(body) == (size // 16 + 1) * 16


def test_a_plain_manifest_names_encrypted_objects(db, bucket):
    db.execute("create table t (i int, v varchar(40))")
    body = put(bucket, "plain/a", "1|x\n")
    bucket.put_object(Bucket=BUCKET, Key="plain.manifest", Body=json.dumps(
        {"entries": [{"url": f"s3://{BUCKET}/plain/a", "mandatory": True, "meta": {"content_length": len(body)}}]}))
    assert copy(db, "t", "plain.manifest", "manifest") == 1


def test_another_key_is_told_from_the_right_one(db, bucket):
    db.execute("create table t (i int, v varchar(40))")
    put(bucket, "wrong/a", "1|x\n")
    error = fails(db, f"copy t from 's3://{BUCKET}/wrong/' iam_role '{ROLE}' encrypted master_symmetric_key '{OTHER}'")
    assert error.sqlstate == "22000" and f"s3://{BUCKET}/wrong/a" in str(error) and "not encrypted with this key" in str(error)
    unload(db, "select 1, 'x'", "wrongm/", "manifest")
    error = fails(db, f"copy t from 's3://{BUCKET}/wrongm/manifest' iam_role '{ROLE}' encrypted master_symmetric_key '{OTHER}' manifest")
    assert error.sqlstate == "22000" and "wrongm/manifest" in str(error)
    error = fails(db, f"copy t from 's3://{BUCKET}/wrongm/manifest' iam_role '{ROLE}' manifest")
    assert error.sqlstate == "22000"
    assert db.execute("select count(*) from t").fetchone() == (0,)
    assert copy(db, "t", "wrong/") == 1, "the right key still works, though the statement before was the same but for its key"


def test_objects_that_are_not_what_they_should_be(db, bucket):
    db.execute("create table t (i int, v varchar(40))")
    good, metadata = encrypt(b"1|x\n" * 1000, KEY)
    cases = {"none": (b"1|x\n", {}), "cut": (good[:-7], metadata), "cut16": (good[:-16], metadata), "empty": (good[:0], metadata),
             "end": (good[:-1] + bytes([good[-1] ^ 1]), metadata), "iv": (good, {**metadata, "x-amz-iv": "AAAA"}),
             "key": (good, {**metadata, "x-amz-key": "A" * 64}), "length": (good, {**metadata, "x-amz-unencrypted-content-length": "17"}),
             "garbage": (good, {"x-amz-key": "%%%", "x-amz-iv": "''"}), "v2": (good, {"x-amz-key-v2": metadata["x-amz-key"], "x-amz-iv": metadata["x-amz-iv"]})}
    for name, (body, beside) in cases.items():
        bucket.put_object(Bucket=BUCKET, Key=f"bad/{name}", Body=body, Metadata=beside)
        if name == "empty":
            continue
        error = fails(db, f"copy t from 's3://{BUCKET}/bad/{name}' iam_role '{ROLE}' encrypted master_symmetric_key '{TEXT}'")
        assert error.sqlstate in ("22000", "0A000") and f"bad/{name}" in str(error), (name, error)
    assert db.execute("select count(*) from t").fetchone() == (0,)


@pytest.mark.parametrize("key", ["", "x", base64.b64encode(b"k" * 16).decode(), base64.b64encode(b"k" * 24).decode(), base64.b64encode(b"k" * 33).decode(),
                                 "k" * 32, "!" * 44])
def test_keys_of_another_size_are_refused(db, bucket, key):
    db.execute("create table t (i int)")
    for sql in (f"copy t from 's3://{BUCKET}/x' iam_role '{ROLE}' encrypted master_symmetric_key '{key}'",
                f"copy t from 's3://{BUCKET}/x' credentials 'aws_iam_role={ROLE};master_symmetric_key={key}' encrypted",
                f"unload ('select 1') to 's3://{BUCKET}/x' iam_role '{ROLE}' encrypted master_symmetric_key '{key}'"):
        error = fails(db, sql)
        assert error.sqlstate == "22023" and "256-bit" in str(error)
        assert len(key) < 2 or key not in error.diag.message_primary


def test_options_that_do_not_go_together(db, bucket):
    db.execute("create table t (i int)")
    cases = [(f"copy t from 's3://{BUCKET}/x' iam_role '{ROLE}' master_symmetric_key '{TEXT}'", "22023"),
             (f"copy t from 's3://{BUCKET}/x' iam_role '{ROLE}' encrypted", "22023"),
             (f"copy t from 's3://{BUCKET}/x' credentials 'aws_iam_role={ROLE};master_symmetric_key={TEXT}'", "22023"),
             (f"copy t from 's3://{BUCKET}/x' iam_role '{ROLE}' encrypted master_symmetric_key '{TEXT}' parquet", "22023"),
             (f"copy t from 's3://{BUCKET}/x' credentials 'aws_iam_role={ROLE}' encrypted master_symmetric_key '{TEXT}'", "42601"),
             (f"unload ('select 1') to 's3://{BUCKET}/x' iam_role '{ROLE}' master_symmetric_key '{TEXT}'", "22023"),
             (f"unload ('select 1') to 's3://{BUCKET}/x' iam_role '{ROLE}' encrypted", "22023"),
             (f"unload ('select 1') to 's3://{BUCKET}/x' iam_role '{ROLE}' encrypted auto master_symmetric_key '{TEXT}'", "42601"),
             (f"unload ('select 1') to 's3://{BUCKET}/x' iam_role '{ROLE}' encrypted kms_key_id 'k' master_symmetric_key '{TEXT}'", "42601"),
             (f"unload ('select 1') to 's3://{BUCKET}/x' iam_role '{ROLE}' encrypted master_symmetric_key '{TEXT}' parquet", "22023"),
             (f"copy t from 's3://{BUCKET}/x' iam_role '{ROLE}' encrypted master_symmetric_key '{TEXT}' job create j", "0A000")]
    for sql, code in cases:
        assert fails(db, sql).sqlstate == code, sql


def test_keys_in_credentials(db, bucket):
    db.execute("create table t (i int, v varchar(40))")
    put(bucket, "credentials/a", "1|x\n")
    db.execute(f"copy t from 's3://{BUCKET}/credentials/a' credentials 'aws_iam_role={ROLE};master_symmetric_key={TEXT}' encrypted")
    assert db.execute("select * from t").fetchall() == [(1, "x")]
    db.execute(f"unload ('select * from t') to 's3://{BUCKET}/credentials/b' with credentials 'aws_iam_role={ROLE};master_symmetric_key={TEXT}' encrypted parallel off")
    (body, metadata), = objects(bucket, "credentials/b").values()
    assert decrypt(body, metadata, KEY) == b"1|x\n"


def test_statements_without_a_key_are_as_ever_afterwards(db, bucket):
    db.execute("create table t (i int, v varchar(40))")
    unload(db, "select 1, 'x'", "after/a", "parallel off")
    db.execute(f"unload ('select 2, ''y''') to 's3://{BUCKET}/after/b' iam_role '{ROLE}' parallel off")
    bodies = objects(bucket, "after/")
    assert bodies["b000"] == (b"2|y\n", {})
    db.execute(f"copy t from 's3://{BUCKET}/after/b' iam_role '{ROLE}'")
    assert db.execute("select * from t").fetchall() == [(2, "y")]


def test_the_key_is_nowhere(server, db, bucket):
    db.execute("create table t (i int, v varchar(40))")
    put(bucket, "nowhere/a", "1|x\n")
    put(bucket, "nowhere_bad/a", "no number|x\n")
    copy(db, "t", "nowhere/")
    unload(db, "select 1, 'x'", "nowhere_out/", "manifest")
    fails(db, f"copy t from 's3://{BUCKET}/nowhere_bad/' iam_role '{ROLE}' encrypted master_symmetric_key '{TEXT}'")
    fails(db, f"copy t from 's3://{BUCKET}/nowhere/' credentials 'aws_iam_role={ROLE};master_symmetric_key={OTHER}' encrypted")
    texts = [server.log()]
    for view in ("sys_query_history", "stl_query", "stl_querytext", "svl_statementtext", "sys_query_text", "sys_load_history", "sys_load_detail",
                 "sys_unload_history", "sys_load_error_detail", "stl_load_errors", "sys_external_query_detail", "stl_utilitytext", "stl_unload_log"):
        try:
            texts.append(str(db.execute(f"select * from {view}").fetchall()))
        except psycopg.errors.UndefinedTable:
            continue
    assert any(f"{BUCKET}/nowhere" in text for text in texts[1:]), "the statements are in the history"
    for secret in (TEXT, OTHER, KEY.hex()):
        assert not any(secret in text for text in texts)
    for root, _, names in os.walk(server.data):
        for name in names:
            path = os.path.join(root, name)
            if os.path.isfile(path):
                data = open(path, "rb").read()
                assert TEXT.encode() not in data and KEY not in data, path


def test_what_is_cached_is_encrypted(server, db, bucket):
    secret = "plain-" + os.urandom(8).hex()
    db.execute("create table t (i int, v varchar(40))")
    put(bucket, "cached/a", f"1|{secret}\n" * 3000)
    assert copy(db, "t", "cached/") == 3000
    files = list((server.data / "cache").glob("*.block"))
    assert files and not any(secret.encode() in file.read_bytes() for file in files)
