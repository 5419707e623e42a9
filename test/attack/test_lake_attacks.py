"""Attacks on the lake: locations that lead elsewhere, names that forge, stores that lie, hang and never end, bombs, and absurd catalogs. Each
statement fails with a clear code, nothing is fetched that was not granted, others are unaffected, and no credential shows anywhere."""

import bz2
import gzip
import itertools
import json
import pathlib
import re
import struct
import tempfile
import threading
import uuid

import duckdb
import psycopg
import pyarrow
import pytest

from support.hostile_store import HostileStore, list_page
from support.object_store import REGION
from support.process import memory_kib, wait_until
from support.server import ACCOUNT, Server, User, run_skep

ORG = "210987654321"
WIDE = f"arn:aws:iam::{ACCOUNT}:role/lake"
NARROW = f"arn:aws:iam::{ACCOUNT}:role/narrow"
OTHER = f"arn:aws:iam::{ORG}:role/other"
TEXT = {"InputFormat": "org.apache.hadoop.mapred.TextInputFormat", "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
        "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", "Parameters": {"field.delim": ","}}}
JSON = {**TEXT, "SerdeInfo": {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"}}
PARQUET = {"InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
           "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
           "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"}}
# A statement must never end so: an internal error, a lost worker.
DEFECTS = ("XX000", "57P02")


class Lab:
    """A server with two organizations' stores, both of this file's making, and two workspaces."""

    def __init__(self, server, store, other):
        self.server, self.store, self.other = server, store, other
        self.errors: list[str] = []
        self.glue = server.client("glue", server.add_user("api", superuser=True, access_key=True))
        self.glue.create_database(DatabaseInput={"Name": "lab"})
        self.db = server.connect()
        for schema, role in (("wide", WIDE), ("narrow", NARROW)):
            self.db.execute(f"create external schema {schema} from data catalog database 'lab' iam_role '{role}'")
        self.db.execute(f"create external schema theirs from data catalog database 'lab' iam_role '{OTHER}' create external database if not exists")
        self.db.execute("create external table theirs.t (a int) row format delimited fields terminated by ',' stored as textfile location 's3://theirs/t/'")
        run_skep("workspace", "add", "second", data_dir=server.data)
        run_skep("user", "add", "second_user", "--workspace", "second", "--superuser", "--password-stdin", data_dir=server.data, text_in="Second0Password")

    def second(self):
        return self.server.connect(User("second_user", "Second0Password"), options="-c workgroup=second")

    def table(self, location="", columns=(("a", "int"),), storage=TEXT, keys=(), **parameters):
        """A fresh table; answers its name and its folder in the bucket own."""
        name = f"t_{uuid.uuid4().hex[:10]}"
        self.glue.create_table(DatabaseName="lab", TableInput={
            "Name": name, "TableType": "EXTERNAL_TABLE", "Parameters": parameters, "PartitionKeys": [{"Name": k, "Type": t} for k, t in keys],
            "StorageDescriptor": {**storage, "Columns": [{"Name": n, "Type": t} for n, t in columns], "Location": location or f"s3://own/{name}/"}})
        return name

    def runs(self, db, sql):
        """Runs what may take long in a thread of its own, and answers it with a list to which its rows or its SQLSTATE will be added."""
        outcome = []

        def run():
            try:
                outcome.append(db.execute(sql).fetchall())
            except psycopg.Error as error:
                self.errors.append(str(error))
                outcome.append(error.sqlstate)

        thread = threading.Thread(target=run)
        thread.start()
        return thread, outcome

    def fails(self, sql, *sqlstates, db=None):
        """Runs what must fail, with one of these codes, or anything that is no defect; the session goes on. Answers the error's words."""
        db = db or self.db
        with pytest.raises(psycopg.Error) as caught:
            db.execute(sql).fetchall()
        diag = caught.value.diag
        text = " ".join(filter(None, (diag.message_primary, diag.message_detail, diag.message_hint)))
        self.errors.append(text)
        assert caught.value.sqlstate not in DEFECTS, caught.value
        assert not sqlstates or caught.value.sqlstate in sqlstates, (caught.value.sqlstate, caught.value)
        assert db.execute("select 1").fetchone() == (1,)
        return text


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    store, other = HostileStore(), HostileStore()
    server = Server(tmp_path_factory.mktemp("skep"), settings={"worker-memory-limit": "1GB"}).init()
    accounts = "".join(f'[[account]]\nid = "{number}"\naccess_key = "{of.access_key}"\nsecret_key = "{of.secret_key}"\nendpoint = "{of.endpoint}"\nregion = "{REGION}"\n'
                       for number, of in ((ACCOUNT, store), (ORG, other)))
    roles = "".join(f'[[role]]\narn = "{arn}"\ntrust = ["workspace:default", "workspace:second", "service:glue"]\ncatalog = "write"\n{paths}\n'
                    for arn, paths in ((WIDE, ""), (NARROW, 'paths = ["own"]'), (OTHER, "")))
    (server.folder / "skep.toml").write_text(accounts + roles)
    other.put("theirs", "t/a.csv", "1\n2\n3\n")
    store.put("foreign", "t/a.csv", "7\n")
    store.put("own", "ok/a.csv", "1\n")
    one = Lab(server.start(), store, other)
    yield one
    store.answer = other.answer = None
    one.db.close()
    store.stop()
    other.stop()
    server.stop()


@pytest.fixture(autouse=True)
def honest(lab):
    """Stores are honest again after each test, and what hung goes on."""
    lab.store.asked.clear()
    lab.other.asked.clear()
    yield
    lab.store.answer = lab.other.answer = None
    lab.store.released.set()
    lab.other.released.set()
    lab.store.released, lab.other.released = threading.Event(), threading.Event()


# Where a table may not lie.

ELSEWHERE = ["s3://foreign/t/", "s3://foreign/t/a.csv", "s3://own/../foreign/t/", "s3://own/./../foreign/t/", "s3://../foreign/", "s3://169.254.169.254/latest/meta-data/",
             "s3://localhost/t/", "s3://own@169.254.169.254/t/", "s3://own:80/t/", "s3://own?x/t/", "s3://own#/t/", "s3://OWN%2f/t/", "s3:///t/", "s3://",
             "file:///etc/passwd", "http://169.254.169.254/latest/", "https://localhost/", "/etc/passwd", "s3://own\\..\\foreign/t/", "S3://foreign/t/",
             "s3://own\r\nHost: foreign/t/", "s3://1.0.7@foreign/t/a.csv", "s3://own/t/\u0000../"]


@pytest.mark.parametrize("location", ELSEWHERE)
def test_a_location_outside_what_the_role_may_read_fetches_nothing(lab, location):
    name = lab.table(location)
    text = lab.fails(f"select * from narrow.{name}", "42501", "0A000", "22023")
    part = lab.table(keys=[("p", "int")])
    descriptor = lab.glue.get_table(DatabaseName="lab", Name=part)["Table"]["StorageDescriptor"]
    lab.store.put("own", f"{part}/p=1/a.csv", "5\n")
    for value, where in ((1, f"s3://own/{part}/p=1/"), (2, location)):
        lab.glue.create_partition(DatabaseName="lab", TableName=part, PartitionInput={"Values": [str(value)], "StorageDescriptor": {**descriptor, "Location": where}})
    lab.fails(f"select * from narrow.{part}", "42501", "0A000", "22023")
    assert lab.db.execute(f"select a from narrow.{part} where p = 1").fetchall() == [(5,)]  # pruned before it is looked at
    assert {b for _, b, _, _ in lab.store.asked} == {"own"} and not lab.other.asked
    assert all(".." not in key + prefix for _, _, key, prefix in lab.store.asked)
    assert name in text or "authorized" in text


@pytest.mark.parametrize("location", [w for w in ELSEWHERE if "'" not in w and "\0" not in w])
def test_a_copy_from_outside_what_the_role_may_read_fetches_nothing(lab, location):
    lab.db.execute("create table if not exists loaded (a int)")
    lab.store.put("own", "m/manifest", json.dumps({"entries": [{"url": "s3://own/ok/a.csv"}, {"url": location, "mandatory": False}]}))
    lab.fails(f"copy loaded from '{location}' iam_role '{NARROW}' csv")
    lab.fails(f"copy loaded from '{location}' iam_role '{NARROW}' csv manifest")
    lab.fails(f"copy loaded from 's3://own/m/manifest' iam_role '{NARROW}' csv manifest")
    assert {b for _, b, _, _ in lab.store.asked} <= {"own"} and not lab.other.asked
    assert lab.db.execute("select count(*) from loaded").fetchone() == (0,)


def test_a_bucket_that_does_not_exist_is_named(lab):
    name = lab.table("s3://169.254.169.254/latest/")
    assert "169.254.169.254" in lab.fails(f"select * from wide.{name}")
    assert "nowhere" in lab.fails(f"select * from wide.{lab.table('s3://nowhere/t/')}")
    assert {b for _, b, _, _ in lab.store.asked} == {"169.254.169.254", "nowhere"}  # as buckets of the account's own store


def test_dots_that_are_encoded_stay_as_they_are(lab):
    lab.store.put("own", "enc/%2e%2e/foreign/a.csv", "4\n")
    assert lab.db.execute(f"select a from narrow.{lab.table('s3://own/enc/%2e%2e/foreign/')}").fetchall() == [(4,)]
    assert {b for _, b, _, _ in lab.store.asked} == {"own"}


def test_a_key_of_any_length_is_refused_or_read(lab):
    for length in (1025, 2040):
        assert "1,024" in lab.fails(f"select * from narrow.{lab.table('s3://own/' + 'k' * length)}")
    lab.db.execute("create table if not exists loaded (a int)")
    lab.fails(f"copy loaded from 's3://own/{'k' * 100_000}' iam_role '{NARROW}' csv")
    assert {b for _, b, _, _ in lab.store.asked} <= {"own"}


# Names and keys.

FORGED = ["s3://1.0.10@own/ok/a.csv", "s3://0.0.10@own/ok/a.csv", "s3://1.0.10.bzip2@own/ok/a.csv/.gz", "/etc/passwd", "file:///etc/passwd", "../../etc/passwd.csv",
          "s3://foreign/t/a.csv", "a.parquet", "/proc/self/environ", "http://169.254.169.254/x.csv"]


@pytest.mark.parametrize("name", FORGED)
def test_no_name_opens_a_file(lab, name):
    for sql in (f'select * from "{name}"', f'select * from wide."{name}"', f'select * from "{name}".t', f"select * from '{name}'",
                f"select * from read_csv('{name}')", f"select * from read_parquet('{name}')", f"select * from read_text('{name}')", f"select * from glob('{name}')",
                f"select * from wide.t('{name}')", f"copy loaded from '{name}' csv"):
        lab.fails(sql)
    assert not lab.store.asked and not lab.other.asked


KEYS = ["a@b.csv", "s3:/1.0.10@own/ok/a.csv", "1.0.10@own", "x/0.gz@y.csv", "a.bzip2@b/0.gz.csv", "p=9/q=8.csv", "star*?.csv", "[ab].csv", "per%20cent+plus blank.csv",
        "größe.csv", "quote'\"`.csv", "semi;colon--.csv", "tab\tand\nnewline.csv", "back\\slash.csv", "{braces}.csv", "$path.csv", "~tilde.csv"]


@pytest.mark.parametrize("storage,line", [(TEXT, "{}\n"), (JSON, '{{"a": {}}}\n')])
def test_keys_that_look_like_something_else_are_keys(lab, storage, line):
    name = lab.table(storage=storage)
    for number, key in enumerate(KEYS):
        lab.store.put("own", f"{name}/{key}", line.format(number))
    got = lab.db.execute(f'select a, "$path" from narrow.{name} order by a').fetchall()
    assert got == [(number, f"s3://own/{name}/{key}") for number, key in enumerate(KEYS)]
    lab.db.execute("create table if not exists keyed (a int)")
    lab.db.execute("truncate keyed")
    lab.db.execute(f"copy keyed from 's3://own/{name}/' iam_role '{NARROW}' {'json' if storage is JSON else 'csv'}{' ' + chr(39) + 'auto' + chr(39) if storage is JSON else ''}")
    assert lab.db.execute("select a from keyed order by a").fetchall() == [(n,) for n in range(len(KEYS))]


# Stores that lie.


def reads(reply):
    """An answer that befalls reads of objects, not listings."""
    return lambda method, bucket, key, query, headers: reply(bucket, key, headers) if method == "GET" and "list-type" not in query and key else None


def endless(piece):
    return itertools.repeat(piece)


LIES = {
    "another etag": reads(lambda b, k, h: (206, {"ETag": '"other"'}, b"1\n2\n")),
    "more than asked": reads(lambda b, k, h: (206, {}, b"1\n" * 100_000)),
    "more without end": reads(lambda b, k, h: (206, {}, endless(b"1\n" * 10_000))),
    "less than said": reads(lambda b, k, h: (206, {"Content-Length": "4"}, b"1\n")),
    "less": reads(lambda b, k, h: (206, {}, b"1\n")),
    "another range": reads(lambda b, k, h: (206, {"Content-Range": "bytes 64-67/900"}, b"1\n2\n")),
    "the whole and more": reads(lambda b, k, h: (200, {}, b"1\n2\n3\n4\n")),
    "a redirect": reads(lambda b, k, h: (301, {"Location": "http://169.254.169.254/latest/meta-data/"}, b"")),
    "a redirect that keeps the method": reads(lambda b, k, h: (307, {"Location": "file:///etc/passwd"}, b"")),
    "headers without end": reads(lambda b, k, h: (206, {f"x-{n}": "y" * 4000 for n in range(1000)}, b"1\n2\n")),
    "slow down": reads(lambda b, k, h: (503, {"Retry-After": "3600"}, b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>")),
    "the signature back": reads(lambda b, k, h: (403, {}, f"<Error><Code>SignatureDoesNotMatch</Code><Message>{h['Authorization']}</Message></Error>".encode())),
    "a listing that is none": lambda m, b, k, q, h: (200, {}, b"<html><body>welcome") if "list-type" in q else None,
    "a listing of entities": lambda m, b, k, q, h: (200, {}, b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><ListBucketResult><Contents><Key>&a;</Key></Contents></ListBucketResult>') if "list-type" in q else None,
    "a listing of another prefix": lambda m, b, k, q, h: (200, {}, list_page([("secret/a.csv", "e", 2)])) if "list-type" in q else None,
    "a listing that climbs": lambda m, b, k, q, h: (200, {}, list_page([(q["prefix"] + "../../foreign/a.csv", "e", 2)], "t")) if "list-type" in q else None,
    "a listing that repeats": lambda m, b, k, q, h: (200, {}, list_page([(q["prefix"] + "a.csv", "e", 2)], "again")) if "list-type" in q else None,
    "a listing of empty pages": lambda m, b, k, q, h: (200, {}, list_page([], uuid.uuid4().hex)) if "list-type" in q else None,
    "a listing of an impossible size": lambda m, b, k, q, h: (200, {}, list_page([(q["prefix"] + "a.csv", "e", 2**64 - 1)])) if "list-type" in q else None,
    "a listing larger than the object": lambda m, b, k, q, h: (200, {}, list_page([(q["prefix"] + "a.csv", "e", 10 * 2**30)])) if "list-type" in q else None,
    "a listing of a header": lambda m, b, k, q, h: (200, {}, list_page([(q["prefix"] + "a.csv", "e&#13;&#10;x-injected: 1", 2)])) if "list-type" in q else None,
    "an endless listing": lambda m, b, k, q, h: (200, {}, endless(b"<ListBucketResult>" * 1000)) if "list-type" in q else None,
}


@pytest.mark.parametrize("lie", LIES)
def test_a_store_that_answers(lab, lie):
    name = lab.table()
    lab.store.put("own", f"{name}/a.csv", "1\n2\n")
    lab.store.answer = LIES[lie]
    text = lab.fails(f"select sum(a) from narrow.{name}")
    assert "own" in text or name in text or "listing" in text, text
    assert ".." not in "".join(k for _, _, k, _ in lab.store.asked)
    lab.store.answer = None
    assert lab.db.execute(f"select sum(a) from narrow.{name}").fetchone() == (3,)


@pytest.mark.parametrize("change", ["swapped", "deleted", "shortened", "grown", "bucket gone"])
def test_an_object_that_changes_under_a_scan_fails_the_statement(lab, change):
    """The change comes between the listing and the first read."""
    name = lab.table()
    body = "1\n" * 1000
    lab.store.put("own", f"{name}/a.csv", body)
    before = dict(lab.store.objects)

    def answer(method, bucket, key, query, headers):
        if method == "GET" and key == f"{name}/a.csv":
            if change == "deleted":
                lab.store.objects.pop((bucket, key), None)
            elif change == "bucket gone":
                lab.store.objects = {of: b for of, b in lab.store.objects.items() if of[0] != "own"}
            else:
                lab.store.put(bucket, key, {"swapped": "2\n" * 1000, "shortened": body[:100], "grown": body * 2}[change])

    lab.store.answer = answer
    text = lab.fails(f"select sum(a) from narrow.{name}", "58030", "55000", "58000", "42704", "57014", "XX001", "42P01", "58P01", "40001")
    assert f"s3://own/{name}/a.csv" in text
    lab.store.answer, lab.store.objects = None, before
    lab.store.put("own", f"{name}/a.csv", body)
    assert lab.db.execute(f"select sum(a) from narrow.{name}").fetchone() == (1000,)


def test_a_listing_of_a_million_keys_is_bounded_and_cancelled(lab):
    name = lab.table()
    before = memory_kib(lab.server.pid, "Rss")

    def pages(method, bucket, key, query, headers):
        if "list-type" not in query:
            return None
        number = int(query.get("continuation-token") or 0)
        return 200, {}, list_page(((f"{query['prefix']}{number * 1000 + n:012}.csv", "e", 2) for n in range(1000)), str(number + 1))

    lab.store.answer = pages
    with lab.server.connect() as db:
        thread, outcome = lab.runs(db, f"select count(*) from narrow.{name}")
        wait_until("a hundred pages being listed", lambda: len(lab.store.asked) > 100, 120)
        db.cancel_safe()
        thread.join(60)
        assert outcome == ["57014"]
        wait_until("the listing ending", lambda: (n := len(lab.store.asked), threading.Event().wait(1), len(lab.store.asked))[2] == n, 60)
    assert memory_kib(lab.server.pid, "Rss") - before < 600 << 10
    assert lab.db.execute(f"select count(*) from theirs.t").fetchone() == (3,)


def test_a_listing_ends_with_its_copy(lab):
    """The gateway's listing for a COPY that was cancelled: it ends although pages never do."""
    lab.db.execute("create table if not exists loaded (a int)")

    def pages(method, bucket, key, query, headers):
        if "list-type" not in query:
            return None
        number = int(query.get("continuation-token") or 0)
        return 200, {}, list_page(((f"{query['prefix']}{number * 10 + n:012}.csv", "e", 2) for n in range(10)), str(number + 1))

    lab.store.answer = pages
    before = len(lab.store.asked)
    with lab.server.connect() as db:
        thread, outcome = lab.runs(db, f"copy loaded from 's3://own/endless/' iam_role '{NARROW}'")
        wait_until("pages being listed", lambda: len(lab.store.asked) - before > 50, 120)
        db.cancel_safe()
        thread.join(60)
        assert outcome == ["57014"]
        # It would go on to 2,000,000 objects: 200,000 pages.
        wait_until("the listing ending", lambda: (n := len(lab.store.asked), threading.Event().wait(1), len(lab.store.asked))[2] == n, 30)
    lab.store.answer = None
    assert len(lab.store.asked) - before < 100_000
    assert lab.db.execute("select count(*) from theirs.t").fetchone() == (3,)


# Manifests and bombs.


@pytest.mark.parametrize("what", ["ten gigabytes of ten bytes", "ten bytes of more", "foreign buckets", "deep", "wide", "not there"])
def test_a_manifest_that_lies(lab, what):
    lab.db.execute("create table if not exists loaded (a int)")
    lab.store.put("own", "m/data", "1\n2\n3\n4\n5\n")
    text = {
        "ten gigabytes of ten bytes": json.dumps({"entries": [{"url": "s3://own/m/data", "meta": {"content_length": 10_000_000_000}}]}),
        "ten bytes of more": json.dumps({"entries": [{"url": "s3://own/m/data", "meta": {"content_length": 2}}]}),
        "foreign buckets": json.dumps({"entries": [{"url": f"s3://foreign-{n}/x", "mandatory": False} for n in range(10_000)]}),
        "deep": '{"entries": ' + "[" * 2_000_000,
        "wide": '{"entries": [' + "[]," * 5_000_000 + "[]]}",
        "not there": json.dumps({"entries": [{"url": f"s3://own/none/{n}", "mandatory": n == 99} for n in range(100)]}),
    }[what]
    lab.store.put("own", "m/lies", text)
    before = memory_kib(lab.server.pid, "Rss")
    said = lab.fails(f"copy loaded from 's3://own/m/lies' iam_role '{NARROW}' csv manifest")
    assert "s3://" in said or "not authorized" in said
    assert {b for _, b, _, _ in lab.store.asked} == {"own"}
    assert memory_kib(lab.server.pid, "Rss") - before < 300 << 10
    assert ("GET", "own", "m/data", "") not in lab.store.asked


def test_a_manifest_of_a_length_that_its_store_made_up(lab):
    lab.store.answer = lambda m, b, k, q, h: (200, {"ETag": '"e"', "Content-Length": str(10 * 2**30)}, b"") if m == "HEAD" else None
    assert "larger than 64 MB" in lab.fails(f"copy loaded from 's3://own/m/huge' iam_role '{NARROW}' csv manifest")
    lab.store.answer = lambda m, b, k, q, h: (200, {"ETag": '"e"', "Content-Length": str(60 << 20)}, b"") if m == "HEAD" else None
    lab.store.put("own", "m/huge", "{}")
    lab.fails(f"copy loaded from 's3://own/m/huge' iam_role '{NARROW}' csv manifest")


def repeated(compress, piece, times):
    return compress(piece) * times  # streams may follow one another


def by_engine(query, options):
    with tempfile.NamedTemporaryFile() as file:
        duckdb.sql(f"copy ({query}) to '{file.name}' ({options})")
        return pathlib.Path(file.name).read_bytes()


def hadoop_snappy(text, length=None):
    """A block of one chunk, which may claim another length than it has."""
    chunk = pyarrow.compress(text, codec="snappy", asbytes=True)
    return struct.pack(">II", length or len(text), len(chunk)) + chunk


BOMBS = {
    "gzip, one line": (TEXT, ".gz", lambda: repeated(gzip.compress, bytes(64 << 20).replace(b"\0", b"7"), 32)),
    "bzip2, one line": (TEXT, ".bz2", lambda: repeated(bz2.compress, bytes(16 << 20).replace(b"\0", b"7"), 64)),
    "gzip, one value of json": (JSON, ".json.gz", lambda: gzip.compress(b'{"a": "') + repeated(gzip.compress, b"x" * (64 << 20), 32)),
    "zstd, one line": (TEXT, ".zst", lambda: by_engine(f"select repeat('7', {64 << 20})", "format csv, compression zstd, header false") * 8),
    "snappy, one line": (TEXT, ".snappy", lambda: hadoop_snappy(b"7" * (32 << 20)) * 32),
    "snappy that lies": (TEXT, ".snappy", lambda: hadoop_snappy(b"7", 64 << 20) + struct.pack(">I", 5) + b"\xff\xff\xff\x1f7"),
    "parquet, long values": (PARQUET, ".parquet", lambda: by_engine("select repeat('x', 100_000_000) as a from range(40)", "format parquet, compression zstd")),
    "json, nested": (JSON, ".json", lambda: b'{"a": ' * 1_000_000),
    "json, arrays": (JSON, ".json", lambda: b'{"a": ' + b"[" * 10_000_000),
}


def peak_kib(lab):
    return max((memory_kib(p, "Rss") for p in lab.server.workers()), default=0)


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_harms_nobody_else(lab, bomb):
    storage, ending, make = BOMBS[bomb]
    name = lab.table(storage=storage, columns=[("a", "string" if storage is PARQUET else "int")])
    lab.store.put("own", f"{name}/bomb{ending}", make())
    largest = "max(len(a))" if storage is PARQUET else "max(a)"
    done, peaks = threading.Event(), []

    def watch():
        while not done.wait(0.1):
            try:
                peaks.append(peak_kib(lab))
            except OSError:
                pass

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with lab.server.connect() as attacker, lab.second() as second:
            lab.db.execute("create table if not exists loaded (a int)")
            lab.db.execute("set statement_timeout to 0")
            thread, outcome = lab.runs(attacker, f"select count(a), {largest} from narrow.{name}")
            while thread.is_alive():
                assert lab.db.execute("select sum(i) from generate_series(1, 1000) t(i)").fetchone() == (500500,)
                assert second.execute("select 1").fetchone() == (1,)
                thread.join(0.2)
            # A text that is no number is NULL, as is a line that is too long to be one.
            assert outcome and (outcome[0] in ([(0, None)], [(40, 100_000_000)]) or isinstance(outcome[0], str) and outcome[0] not in DEFECTS), outcome
            options = {".gz": "csv gzip", ".bz2": "csv bzip2", ".json.gz": "json 'auto' gzip", ".json": "json 'auto'",
                       ".zst": "csv zstd", ".parquet": "parquet"}.get(ending)
            if options:
                lab.fails(f"copy loaded from 's3://own/{name}/' iam_role '{NARROW}' {options}", db=attacker)
    finally:
        done.set()
        watcher.join()
    assert lab.db.execute("select count(*) from theirs.t").fetchone() == (3,)
    assert max(peaks) < 4 << 20  # KiB; sanitizers double what the engine's limit allows


# Absurd catalogs and files.


def test_types_nested_a_thousand_deep_are_refused(lab):
    for text in ("struct<a:" * 1000 + "int" + ">" * 1000, "array<" * 20_000, "map<int," * 5000 + "int" + ">" * 5000, "decimal(99999999999999)", "struct<" + "a:int," * 1000 + "a:int>"):
        said = lab.fails(f"select * from narrow.{lab.table(columns=[('a', text)])}")
        assert len(said) < 2000


def test_a_table_of_a_hundred_thousand_columns_harms_nobody(lab):
    name = lab.table(columns=[(f"c{n}", "int") for n in range(100_000)])
    lab.store.put("own", f"{name}/a.csv", ",".join(["1"] * 100_000) + "\n")
    with lab.second() as second:
        with lab.server.connect() as db:
            thread, outcome = lab.runs(db, f"select c0, c99999 from narrow.{name}")
            while thread.is_alive():
                assert second.execute("select 1").fetchone() == (1,)
                assert lab.db.execute("select count(*) from theirs.t").fetchone() == (3,)
                thread.join(0.2)
    assert outcome and (outcome[0] == [(1, 1)] or outcome[0] not in DEFECTS), outcome


def crawl(lab, prefix):
    name = f"crawl_{uuid.uuid4().hex[:8]}"
    lab.glue.create_database(DatabaseInput={"Name": name})
    lab.glue.create_crawler(Name=name, Role=WIDE, DatabaseName=name, Targets={"S3Targets": [{"Path": f"s3://own/{prefix}"}]})
    lab.glue.start_crawler(Name=name)
    last = wait_until("the crawl ending", lambda: (c := lab.glue.get_crawler(Name=name)["Crawler"])["State"] == "READY" and c, 120, 0.1)["LastCrawl"]
    lab.errors.append(last.get("ErrorMessage", ""))
    return last["Status"], lab.glue.get_tables(DatabaseName=name)["TableList"]


def parquet(tmp_path, query):
    duckdb.sql(f"copy ({query}) to '{tmp_path}/x.parquet' (format parquet)")
    return (tmp_path / "x.parquet").read_bytes()


def test_crawls_of_absurd_files_end(lab, tmp_path):
    whole = parquet(tmp_path, "select range as a from range(10000)")
    nested = "1"
    for _ in range(500):
        nested = '{"a": ' + nested + "}"
    for number, body in enumerate([",".join(f"c{n}" for n in range(100_000)) + "\n" + ",".join(["1"] * 100_000) + "\n", nested + "\n", '{"a": ' * 100_000,
                                   whole[:-8] + b"\xff\xff\xff\x7fPAR1", whole[:-60] + bytes(52) + whole[-8:], b"PAR1", b"PAR1PAR1", "\0" * 1000]):
        ending = {1: "json", 2: "json"}.get(number, "csv" if number in (0, 7) else "parquet")
        lab.store.put("own", f"absurd{number}/t/a.{ending}", body)
        status, _ = crawl(lab, f"absurd{number}/t/")
        assert status in ("SUCCEEDED", "FAILED")
        assert lab.db.execute("select count(*) from theirs.t").fetchone() == (3,)


def test_files_that_do_not_fit_their_table(lab, tmp_path):
    name = lab.table(columns=[("a", "int"), ("b", "string")], storage=PARQUET)
    lab.store.put("own", f"{name}/1.parquet", parquet(tmp_path, "select 1::int as a, 'x' as b"))
    lab.store.put("own", f"{name}/2.parquet", parquet(tmp_path, "select 'y' as b, 2::int as a"))  # in another order
    lab.store.put("own", f"{name}/3.parquet", parquet(tmp_path, "select 3::int as a"))  # without a column
    assert lab.db.execute(f"select a, b from narrow.{name} order by a").fetchall() == [(1, "x"), (2, "y"), (3, None)]
    lab.store.put("own", f"{name}/4.parquet", parquet(tmp_path, "select 'four' as a, 'z' as b"))  # of another type
    assert "4.parquet" in lab.fails(f"select a, b from narrow.{name} order by a")
    wide = parquet(tmp_path, "select " + ", ".join(f"{n} as c{n}" for n in range(5000)))
    lab.store.put("own", f"{name}/4.parquet", wide)
    assert lab.db.execute(f"select count(*), max(a) from narrow.{name}").fetchone() == (4, 3)
    whole = parquet(tmp_path, "select range::int as a, 'x' || range as b from range(10000)")
    footer = int.from_bytes(whole[-8:-4], "little")
    for broken in (whole[:-8] + b"\xff\xff\xff\x7fPAR1", whole[:-8] + b"\x00\x00\x00\x00PAR1", whole[:-8 - footer] + bytes(footer) + whole[-8:],
                   whole[:-8 - footer] + b"\xff" * footer + whole[-8:], bytes(len(whole) - footer - 8) + whole[-8 - footer:], b"PAR1" * 3):
        lab.store.put("own", f"{name}/4.parquet", broken)
        assert "4.parquet" in lab.fails(f"select a, b from narrow.{name} order by a")


# Stores that fail one organization.


@pytest.mark.parametrize("how", ["hangs", "slows down", "drips"])
def test_a_store_that_fails_holds_up_its_own_organization_only(lab, how):
    name = lab.table()
    for n in range(40):
        lab.store.put("own", f"{name}/{n}.csv", f"{n}\n" * 1000)

    def drip():
        while not lab.store.released.wait(0.5):
            yield b"1"

    def answer(method, bucket, key, query, headers):
        if "list-type" in query or method != "GET":
            return None
        if how == "slows down":
            return 503, {}, b"<Error><Code>SlowDown</Code></Error>"
        if how == "drips":
            return 206, {}, drip()
        lab.store.released.wait(120)
        return 503, {}, b""

    lab.store.answer = answer
    lab.other.put("theirs", "t/a.csv", f"1\n2\n3\n")
    waiting = [lab.server.connect() for _ in range(4)]
    threads, outcomes = zip(*(lab.runs(db, f"select sum(a) from narrow.{name}") for db in waiting))
    try:
        wait_until("the reads being held up", lambda: sum(m == "GET" and k != "" for m, _, k, _ in lab.store.asked) >= 8)
        for turn in range(5):
            lab.other.put("theirs", "t/a.csv", "5\n" * (turn + 1))  # new, so that it is fetched
            assert lab.db.execute("select count(*) from theirs.t").fetchone() == (turn + 1,)
            if how != "slows down":
                assert any(thread.is_alive() for thread in threads)
        with lab.second() as second:
            schema = f"s_{uuid.uuid4().hex[:8]}"
            second.execute(f"create external schema {schema} from data catalog database 'lab' iam_role '{OTHER}'")
            assert second.execute(f"select count(*) from {schema}.t").fetchone() == (5,)
    finally:
        for db in waiting:
            db.cancel_safe()
        lab.store.released.set()
        for thread in threads:
            thread.join(60)
        for db in waiting:
            db.close()
        lab.other.put("theirs", "t/a.csv", "1\n2\n3\n")
    assert all(outcome in (["57014"], ["58030"], ["58000"]) for outcome in outcomes), outcomes
    lab.store.answer = None
    wait_until("the table being readable again", lambda: lab.db.execute(f"select sum(a) from narrow.{name}").fetchone() == (780_000,), 60)


def test_no_credential_shows_anywhere(lab):
    """Last: over all that the tests above were told, and all that the server wrote."""
    keys, signatures = {lab.store.secret_key, lab.other.secret_key}, {*lab.store.signatures, *lab.other.signatures} - {""}
    assert all(len(s) == 64 for s in signatures)
    assert len(lab.store.signatures) > 10 and len(lab.errors) > 20
    history = "\n".join(str(r) for view in ("sys_query_history", "sys_external_query_detail", "sys_load_error_detail", "sys_query_text", "svv_external_schemas", "stl_load_errors")
                        for r in readable(lab, view))
    name = lab.table()
    lab.store.put("own", f"{name}/a.csv", "1\n")
    plan = str(lab.db.execute(f"explain select * from narrow.{name}").fetchall())
    for where, text in (("log", lab.server.log()), ("errors", "\n".join(lab.errors)), ("views", history), ("plan", plan)):
        shown = [k for k in keys if k in text] + sorted(signatures & set(re.findall("[0-9a-f]{64}", text)))
        assert not shown, (where, shown[:3])
    assert "lake_request_refused" in lab.server.log()


def readable(lab, view):
    try:
        return lab.db.execute(f"select * from {view}").fetchall()
    except psycopg.errors.UndefinedTable:
        return []
