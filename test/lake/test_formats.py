"""ORC, Avro and the compressions that the engine does not know: written by other people's libraries, read by external tables, COPY and
crawls."""

import bz2
import datetime
import decimal
import io
import json
import random
import struct
import subprocess

import fastavro
import psycopg
import pyarrow
import pyarrow.orc
import pyarrow.parquet
import pytest

from support.process import wait_until
from support.server import ROLE

BUCKET = "formats"
NOON = datetime.datetime(2026, 1, 2, 12, 30, 0, 250000)
ROWS = [
    {"id": n, "name": None if n % 7 == 0 else f"name {n}", "price": decimal.Decimal(n) / 4, "big": n * 10**12, "ratio": n / 8,
     "day": datetime.date(2026, 1, 1) + datetime.timedelta(days=n), "at": NOON + datetime.timedelta(hours=n), "flag": n % 2 == 0,
     "tags": [f"t{k}" for k in range(n % 3)], "place": {"city": f"c{n}", "zip": n}}
    for n in range(1, 5001)
]
COLUMNS = """id int, name varchar(20), price decimal(12,2), big bigint, ratio double precision, day date, at timestamp, flag boolean,
             tags array<varchar(10)>, place struct<city:varchar(10), zip:int>"""
SHOWN = "id, name, price, big, ratio, day, at, flag"


def expected(rows=ROWS):
    return [tuple(row[c.strip()] for c in SHOWN.split(",")) for row in rows]


def orc(rows=ROWS, stripe_size=64 << 20, **more):
    schema = pyarrow.schema([("id", pyarrow.int32()), ("name", pyarrow.string()), ("price", pyarrow.decimal128(12, 2)), ("big", pyarrow.int64()),
                             ("ratio", pyarrow.float64()), ("day", pyarrow.date32()), ("at", pyarrow.timestamp("ns")), ("flag", pyarrow.bool_()),
                             ("tags", pyarrow.list_(pyarrow.string())), ("place", pyarrow.struct([("city", pyarrow.string()), ("zip", pyarrow.int32())]))])
    out = io.BytesIO()
    pyarrow.orc.write_table(pyarrow.Table.from_pylist(rows, schema), out, stripe_size=stripe_size, **more)
    return out.getvalue()


AVRO = {"type": "record", "name": "row", "fields": [
    {"name": "id", "type": "int"}, {"name": "name", "type": ["null", "string"]},
    {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}}, {"name": "big", "type": "long"},
    {"name": "ratio", "type": "double"}, {"name": "day", "type": {"type": "int", "logicalType": "date"}},
    {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}}, {"name": "flag", "type": "boolean"},
    {"name": "tags", "type": {"type": "array", "items": "string"}},
    {"name": "place", "type": {"type": "record", "name": "place", "fields": [{"name": "city", "type": "string"}, {"name": "zip", "type": "int"}]}}]}


def avro(rows=ROWS, codec="deflate", schema=AVRO):
    out = io.BytesIO()
    fastavro.writer(out, schema, rows, codec=codec)
    return out.getvalue()


@pytest.fixture(scope="module")
def db(server, lake):
    lake.client().create_bucket(Bucket=BUCKET)
    with server.connect() as one:
        one.execute(f"create external schema formats from data catalog database 'formats_db' iam_role '{ROLE}' create external database if not exists")
        yield one


def refusal(db, sql):
    with pytest.raises(psycopg.Error) as failed:
        db.execute(sql)
    return failed.value


@pytest.mark.parametrize("form", ["orc", "avro"])
def test_external_tables(db, lake, form):
    body = orc() if form == "orc" else avro()
    lake.put(BUCKET, f"{form}/kind=a/one.{form}", body)
    lake.put(BUCKET, f"{form}/kind=b/two", body)
    db.execute(f"create external table formats.{form} ({COLUMNS}) partitioned by (kind char(1)) stored as {form} location 's3://{BUCKET}/{form}/'")
    db.execute(f"""alter table formats.{form} add partition (kind='a') location 's3://{BUCKET}/{form}/kind=a/'
                   partition (kind='b') location 's3://{BUCKET}/{form}/kind=b/'""")
    assert db.execute(f"select {SHOWN} from formats.{form} where kind = 'a' order by id").fetchall() == expected()
    assert db.execute(f"select count(*), count(name), sum(price), max(at) from formats.{form}").fetchone() == (
        10000, 2 * sum(r["name"] is not None for r in ROWS), 2 * sum(r["price"] for r in ROWS), ROWS[-1]["at"])
    assert db.execute(f"select count(*) from formats.{form} where id between 10 and 19 and kind = 'b'").fetchone() == (10,)
    assert db.execute(f"select t.place.city, t.place.zip from formats.{form} t where kind = 'a' and id = 17").fetchone() == ("c17", 17)
    assert db.execute(f"select t.id, g from formats.{form} t, t.tags g where kind = 'a' and t.id < 6 order by 1, 2").fetchall() == [
        (1, "t0"), (2, "t0"), (2, "t1"), (4, "t0"), (5, "t0"), (5, "t1")]
    assert db.execute(f"""select distinct "$path" from formats.{form} where kind = 'b'""").fetchall() == [(f"s3://{BUCKET}/{form}/kind=b/two",)]
    # A column that files lack is NULL; one of another type is converted.
    db.execute(f"create external table formats.{form}_more (price double precision, missing int, id bigint) stored as {form} location 's3://{BUCKET}/{form}/kind=a/'")
    assert db.execute(f"select id, price, missing from formats.{form}_more order by id limit 2").fetchall() == [(1, 0.25, None), (2, 0.5, None)]


def test_stripes_of_orc_are_read_apart(db, lake):
    rows = [dict(ROWS[n % 5000], id=n, name=random.Random(n).randbytes(40).hex()[:20]) for n in range(60000)]
    body = orc(rows, stripe_size=1 << 16, compression="zstd")
    assert pyarrow.orc.ORCFile(io.BytesIO(body)).nstripes > 3
    lake.put(BUCKET, "stripes/a.orc", body)
    db.execute(f"create external table formats.stripes (id int, name varchar(20), day date) stored as orc location 's3://{BUCKET}/stripes/'")
    assert db.execute("select count(*), count(distinct id), sum(id), count(distinct name) from formats.stripes").fetchone() == (
        60000, 60000, sum(range(60000)), len({r["name"] for r in rows}))
    assert db.execute("select name from formats.stripes where id = 54321").fetchone() == (rows[54321]["name"],)


@pytest.mark.parametrize("compression", ["uncompressed", "zlib", "snappy", "lz4", "zstd"])
def test_compressions_of_orc(db, lake, compression):
    lake.put(BUCKET, f"orc_{compression}/a.orc", orc(ROWS[:100], compression=compression))
    db.execute(f"create external table formats.orc_{compression} ({COLUMNS}) stored as orc location 's3://{BUCKET}/orc_{compression}/'")
    assert db.execute(f"select {SHOWN} from formats.orc_{compression} order by id").fetchall() == expected(ROWS[:100])


@pytest.mark.parametrize("codec", ["null", "deflate", "snappy", "zstandard", "bzip2"])
def test_codecs_of_avro(db, lake, codec):
    lake.put(BUCKET, f"avro_{codec}/a.avro", avro(ROWS[:100], codec=codec))
    db.execute(f"create external table formats.avro_{codec} ({COLUMNS}) stored as avro location 's3://{BUCKET}/avro_{codec}/'")
    assert db.execute(f"select {SHOWN} from formats.avro_{codec} order by id").fetchall() == expected(ROWS[:100])


def test_columns_of_orc_by_place(db, lake):
    table = pyarrow.table({"_col0": [1, 2], "_col1": ["a", "b"]})
    out = io.BytesIO()
    pyarrow.orc.write_table(table, out)
    lake.put(BUCKET, "hive/a.orc", out.getvalue())
    db.execute(f"create external table formats.hive (n int, t varchar(5)) stored as orc location 's3://{BUCKET}/hive/'")
    assert db.execute("select n, t from formats.hive order by n").fetchall() == [(1, "a"), (2, "b")]
    lake.put(BUCKET, "places/a.orc", orc(ROWS[:3]))
    db.execute(f"""create external table formats.places (n int, t varchar(20)) stored as orc location 's3://{BUCKET}/places/'
                   table properties ('orc.schema.resolution'='position')""")
    assert db.execute("select n, t from formats.places order by n").fetchall() == [(1, "name 1"), (2, "name 2"), (3, "name 3")]


@pytest.mark.parametrize("form", ["orc", "avro"])
def test_broken_files(db, lake, form):
    body = orc() if form == "orc" else avro()
    spoiled = bytearray(body)
    for at in range(200, len(spoiled) - 4, 97):
        spoiled[at] ^= 0x5A
    for number, bytes_ in enumerate([b"no such file", body[:len(body) // 2], body[len(body) // 2:], bytes(spoiled), b"ORC" + b"\xff" * 300, b"Obj\x01" + b"\xff" * 300]):
        lake.put(BUCKET, f"broken_{form}{number}/a.{form}", bytes_)
        db.execute(f"create external table formats.broken_{form}{number} ({COLUMNS}) stored as {form} location 's3://{BUCKET}/broken_{form}{number}/'")
        error = refusal(db, f"select count(name), sum(id), max(day) from formats.broken_{form}{number}")
        assert f"s3://{BUCKET}/broken_{form}{number}/a.{form}" in str(error), str(error)
        assert error.sqlstate not in ("XX000", "57P01"), str(error)
    assert db.execute("select 1").fetchone() == (1,)


def test_types_of_avro(db, lake):
    """Logical types in each of their encodings, unions, enums, fixed, maps, a schema's names and namespaces."""
    schema = {"type": "record", "name": "all", "namespace": "a.b", "fields": [
        {"name": "id", "type": "int"},
        {"name": "wide", "type": ["null", "int", "long"]},
        {"name": "real", "type": ["int", "null", "double"]},
        {"name": "fixed_decimal", "type": {"type": "fixed", "name": "money", "size": 6, "logicalType": "decimal", "precision": 10, "scale": 3}},
        {"name": "huge", "type": {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 0}},
        {"name": "millis", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "local", "type": {"type": "long", "logicalType": "local-timestamp-micros"}},
        {"name": "time", "type": {"type": "int", "logicalType": "time-millis"}},
        {"name": "uuid", "type": {"type": "string", "logicalType": "uuid"}},
        {"name": "color", "type": {"type": "enum", "name": "color", "symbols": ["RED", "GREEN"]}},
        {"name": "again", "type": ["null", "a.b.color"]},
        {"name": "counts", "type": {"type": "map", "values": "long"}},
        {"name": "grid", "type": {"type": "array", "items": {"type": "array", "items": ["null", "int"]}}},
        {"name": "unlike", "type": ["string", "int"]}]}
    uuid = "12345678-1234-5678-1234-567812345678"
    rows = [{"id": 1, "wide": 2**40, "real": 1.5, "fixed_decimal": decimal.Decimal("-12.345"), "huge": decimal.Decimal(-(10**37)), "millis": 1767355200123,
             "local": datetime.datetime(1969, 12, 31, 23, 59, 59, 999999), "time": datetime.time(12, 30, 1, 5000), "uuid": uuid, "color": "GREEN", "again": "RED",
             "counts": {"a": 1, "b": -2}, "grid": [[1, None], [], [3]], "unlike": "x"},
            {"id": 2, "wide": None, "real": 7, "fixed_decimal": decimal.Decimal("0"), "huge": decimal.Decimal(10**37), "millis": -1,
             "local": NOON, "time": datetime.time(0, 0), "uuid": uuid, "color": "RED", "again": None, "counts": {}, "grid": [], "unlike": 5}]
    lake.put(BUCKET, "types/a.avro", avro(rows, schema=schema))
    db.execute(f"""create external table formats.types (id int, wide bigint, real double precision, fixed_decimal decimal(10,3), huge decimal(38,0),
                   millis timestamp, local timestamp, time varchar(20), uuid varchar(36), color varchar(10), again varchar(10), counts map<varchar(5),bigint>,
                   grid array<array<int>>, unlike varchar(10)) stored as avro location 's3://{BUCKET}/types/'""")
    assert db.execute("select id, wide, real, fixed_decimal, huge, millis, local, time, uuid, color, again from formats.types order by id").fetchall() == [
        (1, 2**40, 1.5, decimal.Decimal("-12.345"), decimal.Decimal(-(10**37)), datetime.datetime(2026, 1, 2, 12, 0, 0, 123000),
         datetime.datetime(1969, 12, 31, 23, 59, 59, 999999), "12:30:01.005", uuid, "GREEN", "RED"),
        (2, None, 7, decimal.Decimal(0), decimal.Decimal(10**37), datetime.datetime(1969, 12, 31, 23, 59, 59, 999000), NOON, "00:00:00", uuid, "RED", None)]
    assert db.execute("select t.id, v from formats.types t, t.grid g, g v where v is not null order by 1, 2").fetchall() == [(1, 1), (1, 3)]
    error = refusal(db, "select unlike from formats.types")
    assert "unlike is a union of unlike types" in str(error) and error.sqlstate not in ("XX000", "57P01")


MUTANTS = 40


@pytest.mark.parametrize("form", ["parquet", "orc", "avro", "csv", "json"])
def test_no_broken_file_ends_the_worker(db, lake, server, form):
    """Bytes changed, cut out and added anywhere, also where text is no UTF-8: rows or a clear refusal, and the worker lives on."""
    rng = random.Random(f"{form} 1")
    table = pyarrow.Table.from_pylist([{k: v for k, v in r.items() if k in ("id", "name", "day", "tags")} for r in ROWS[:200]])
    packed = io.BytesIO()
    pyarrow.parquet.write_table(table, packed)
    whole = {"parquet": packed.getvalue(), "orc": orc(ROWS[:200]), "avro": avro(ROWS[:200]), "csv": LINES[:9000], "json": JSON[:9000]}[form]
    db.execute("select 1 from pg_class limit 1")
    workers = server.workers()
    outcomes = {"rows": 0, "refused": 0}
    for number in range(MUTANTS):
        spoiled = bytearray(whole)
        for _ in range(rng.randrange(1, 6)):
            # Footers and headers are where a change does most.
            at = rng.choice([rng.randrange(len(spoiled)), max(0, len(spoiled) - 1 - rng.randrange(min(400, len(spoiled)))), rng.randrange(min(200, len(spoiled)))])
            kind = rng.randrange(4)
            if kind == 0:
                spoiled[at] = rng.randrange(256)
            elif kind == 1:
                del spoiled[at:at + rng.randrange(1, 60)]
            elif kind == 2:
                spoiled[at:at] = rng.randbytes(rng.randrange(1, 5))
            else:
                spoiled[at:at + 4] = b"\xff\xff\xff\x7f"
            if not spoiled:
                spoiled = bytearray(b"x")
        if form in ("csv", "json") and number == 0:
            spoiled = bytearray(b"1|x\x86\n" if form == "csv" else b'{"n": 1, "t": "x\x86"}\n')
        name = f"mutant_{form}_{number}"
        lake.put(BUCKET, f"{name}/a.{form}", bytes(spoiled))
        storage = {"csv": "row format delimited fields terminated by '|' stored as textfile",
                   "json": "row format serde 'org.openx.data.jsonserde.JsonSerDe' stored as textfile"}.get(form, f"stored as {form}")
        columns, question = ("n int, t varchar(200)", "count(*), sum(length(t))") if form in ("csv", "json") else (
            "id int, name varchar(20), day date, tags array<varchar(10)>", "count(name), sum(id), max(day), max(length(name))")
        db.execute(f"create external table formats.{name} ({columns}) {storage} location 's3://{BUCKET}/{name}/'")
        try:
            db.execute(f"select {question} from formats.{name}").fetchall()
            outcomes["rows"] += 1
        except psycopg.Error as error:
            assert error.sqlstate not in ("XX000", "57P01", "57P02", "58030"), f"{number}: {error.sqlstate} {error} {bytes(spoiled)[:400]!r}"
            outcomes["refused"] += 1
    assert outcomes["refused"] > 3, outcomes
    # Others, that crawls needed, may have ended meanwhile.
    assert set(server.workers()) & set(workers)


def test_copy_of_orc_goes_by_places(db, lake):
    lake.put(BUCKET, "load/a.orc", orc())
    db.execute("drop table if exists loaded_orc")
    db.execute("""create table loaded_orc (n int, t varchar(20), price decimal(12,2), big bigint, ratio double precision, day date, at timestamp,
                                           flag boolean, tags super, place super)""")
    db.execute(f"copy loaded_orc from 's3://{BUCKET}/load/' iam_role '{ROLE}' format as orc")
    assert db.execute("select n, t, price, big, ratio, day, at, flag from loaded_orc order by n").fetchall() == expected()
    assert db.execute("select place.city::varchar, tags[1]::varchar from loaded_orc where n = 5").fetchone() == ("c5", "t1")
    db.execute("create table if not exists narrow_orc (n int)")
    assert "has 10 columns, the table takes 1" in str(refusal(db, f"copy narrow_orc from 's3://{BUCKET}/load/' iam_role '{ROLE}' orc"))
    assert refusal(db, f"copy loaded_orc from 's3://{BUCKET}/load/' iam_role '{ROLE}' orc maxerror 3").sqlstate == "22023"
    assert db.execute("select count(*) from loaded_orc").fetchone() == (5000,)
    db.execute("drop table loaded_orc, narrow_orc")


def test_copy_of_avro_goes_by_names(db, lake):
    lake.put(BUCKET, "load_avro/a.avro", avro())
    renamed = {**AVRO, "fields": [{"name": "ID", "type": "int"}, {"name": "Name", "type": ["null", "string"]}]}
    lake.put(BUCKET, "load_case/a.avro", avro([{"ID": 1, "Name": "x"}], schema=renamed))
    db.execute("drop table if exists loaded_avro")
    db.execute("create table loaded_avro (name varchar(20), price decimal(12,2), id int, missing int, place super)")
    db.execute(f"copy loaded_avro from 's3://{BUCKET}/load_avro/' iam_role '{ROLE}' format as avro 'auto'")
    assert db.execute("select id, name, price, missing from loaded_avro order by id").fetchall() == [(r["id"], r["name"], r["price"], None) for r in ROWS]
    assert db.execute("select place.zip::int from loaded_avro where id = 8").fetchone() == (8,)
    db.execute("truncate loaded_avro")
    db.execute(f"copy loaded_avro from 's3://{BUCKET}/load_case/' iam_role '{ROLE}' format as avro 'auto'")
    assert db.execute("select id, name from loaded_avro").fetchall() == [(None, None)]
    db.execute("truncate loaded_avro")
    db.execute(f"copy loaded_avro from 's3://{BUCKET}/load_case/' iam_role '{ROLE}' avro 'auto ignorecase'")
    assert db.execute("select id, name from loaded_avro").fetchall() == [(1, "x")]
    assert refusal(db, f"copy loaded_avro from 's3://{BUCKET}/load_case/' iam_role '{ROLE}' avro 'manual'").sqlstate == "22023"
    db.execute("drop table loaded_avro")


def test_copy_of_avro_goes_by_paths(db, lake):
    record = lambda name, *fields: {"type": "record", "name": name, "fields": list(fields)}
    field = lambda name, kind: {"name": name, "type": kind}
    schema = record("person", field("id", "int"), field("Guid", "string"),
                    field("at", record("at", field("city", ["null", "string"]), field("zip", "int"))),
                    field("friends", {"type": "array", "items": record("friend", field("name", "string"))}),
                    field("scores", {"type": "map", "values": "int"}))
    people = [{"id": n, "Guid": f"g{n}", "at": {"city": f"city {n}" if n else None, "zip": n * 10},
               "friends": [{"name": f"friend {n}-{k}"} for k in range(n)], "scores": {"go": n}} for n in range(3)]
    lake.put(BUCKET, "load_paths/a.avro", avro(people, schema=schema))
    lake.put(BUCKET, "load_paths.json", json.dumps({"jsonpaths": [
        "$['Guid']", "$.at.city", "$['at']['zip']", "$.friends[1].name", "$.scores.go", "$.nowhere.at.all", "$.at.nowhere", "$.friends", "$.id"]}))
    db.execute("drop table if exists by_paths")
    db.execute("create table by_paths (guid varchar(9), city varchar(20), zip int, second varchar(20), go smallint, a int, b varchar(5), friends super, id bigint)")
    source = f"copy by_paths from 's3://{BUCKET}/load_paths/' iam_role '{ROLE}' avro"
    db.execute(f"{source} 's3://{BUCKET}/load_paths.json'")
    assert db.execute("select guid, city, zip, second, go, a, b, id from by_paths order by id").fetchall() == [
        ("g0", None, 0, None, 0, None, None, 0), ("g1", "city 1", 10, None, 1, None, None, 1), ("g2", "city 2", 20, "friend 2-1", 2, None, None, 2)]
    assert db.execute("select friends[0].name::varchar from by_paths where id = 2").fetchone() == ("friend 2-0",)
    lake.put(BUCKET, "bad_paths.json", json.dumps({"jsonpaths": ["$.id"]}))
    assert "should match" in str(refusal(db, f"{source} 's3://{BUCKET}/bad_paths.json'"))
    lake.put(BUCKET, "bad_paths.json", json.dumps({"jsonpaths": ["$[0]"] * 9}))
    assert "begins with a field" in str(refusal(db, f"{source} 's3://{BUCKET}/bad_paths.json'"))
    lake.put(BUCKET, "bad_paths.json", "[" * 100)
    assert refusal(db, f"{source} 's3://{BUCKET}/bad_paths.json'").sqlstate == "22000"
    assert refusal(db, f"{source} 's3://{BUCKET}/not_there.json'").sqlstate == "58P01"
    assert db.execute("select count(*) from by_paths").fetchone() == (3,)
    db.execute("drop table by_paths")


def lzop(text: bytes) -> bytes:
    return subprocess.run(["lzop", "-c"], input=text, capture_output=True, check=True).stdout


def hadoop_snappy(text: bytes) -> bytes:
    out = b""
    for at in range(0, len(text), 100_000):
        block = text[at:at + 100_000]
        out += struct.pack(">I", len(block))
        for k in range(0, len(block), 30_000):
            chunk = pyarrow.compress(block[k:k + 30_000], codec="snappy", asbytes=True)
            out += struct.pack(">I", len(chunk)) + chunk
    return out


def framed_snappy(text: bytes) -> bytes:
    out = b"\xff\x06\x00\x00sNaPpY"
    for at in range(0, len(text), 65536):
        block = text[at:at + 65536]
        chunk = b"\0\0\0\0" + pyarrow.compress(block, codec="snappy", asbytes=True)
        out += b"\x00" + struct.pack("<I", len(chunk))[:3] + chunk
    return out + b"\xfe\x03\x00\x00abc"


LINES = "".join(f"{n}|{'x' * (n % 50)} {random.Random(n).random()}\n" for n in range(1, 60001)).encode()
JSON = "".join(f'{{"n": {n}, "t": "text {n}"}}\n' for n in range(1, 60001)).encode()
PACKED = {
    "bz2": lambda text: bz2.compress(text[:len(text) // 2]) + bz2.compress(text[len(text) // 2:]),
    "lzo": lambda text: lzop(text[:len(text) // 2]) + lzop(text[len(text) // 2:]),
    "snappy": hadoop_snappy,
}


@pytest.mark.parametrize("ending", PACKED)
def test_compressed_text_in_external_tables(db, lake, ending):
    lake.put(BUCKET, f"text_{ending}/a.txt.{ending}", PACKED[ending](LINES))
    lake.put(BUCKET, f"json_{ending}/a.json.{ending}", PACKED[ending](JSON))
    db.execute(f"""create external table formats.text_{ending} (n int, t varchar(200)) row format delimited fields terminated by '|'
                   stored as textfile location 's3://{BUCKET}/text_{ending}/'""")
    db.execute(f"""create external table formats.json_{ending} (n int, t varchar(200)) row format serde 'org.openx.data.jsonserde.JsonSerDe'
                   stored as textfile location 's3://{BUCKET}/json_{ending}/'""")
    for form in ("text", "json"):
        assert db.execute(f"select count(*), sum(n), count(distinct n) from formats.{form}_{ending}").fetchone() == (60000, 60000 * 60001 // 2, 60000)
    assert db.execute(f"select t from formats.text_{ending} where n = 59999").fetchone() == (LINES.decode().splitlines()[59998].split("|")[1],)
    assert db.execute(f"""select "$size" from formats.json_{ending} limit 1""").fetchone() == (len(PACKED[ending](JSON)),)


def test_framed_snappy_and_a_property_that_names_the_compression(db, lake):
    lake.put(BUCKET, "framed/a", framed_snappy(LINES))
    db.execute(f"""create external table formats.framed (n int, t varchar(200)) row format delimited fields terminated by '|'
                   stored as textfile location 's3://{BUCKET}/framed/' table properties ('compression_type'='snappy')""")
    assert db.execute("select count(*), sum(n) from formats.framed").fetchone() == (60000, 60000 * 60001 // 2)


@pytest.mark.parametrize("option, ending", [("bzip2", "bz2"), ("lzop", "lzo")])
def test_copy_of_compressed_text(db, lake, option, ending):
    lake.put(BUCKET, f"copied_{ending}/a", PACKED[ending](LINES))
    lake.put(BUCKET, f"copied_{ending}/b.{ending}", PACKED[ending](b"0|last\n"))
    db.execute(f"drop table if exists copied_{ending}")
    db.execute(f"create table copied_{ending} (n int, t varchar(200))")
    db.execute(f"copy copied_{ending} from 's3://{BUCKET}/copied_{ending}/' iam_role '{ROLE}' {option}")
    assert db.execute(f"select count(*), sum(n), max(case when n = 0 then t end) from copied_{ending}").fetchone() == (60001, 60000 * 60001 // 2, "last")
    assert refusal(db, f"copy copied_{ending} from 's3://{BUCKET}/broken_orc0/' iam_role '{ROLE}' {option}").sqlstate not in ("XX000", "57P01")
    db.execute(f"drop table copied_{ending}")


@pytest.mark.parametrize("option, ending", [("bzip2", "bz2"), ("lzop", "lzo"), (None, "snappy")])
def test_broken_compressed_text(db, lake, option, ending):
    """Cut at every kind of place, and with bytes changed: an error that names the object, never a crash or a wrong number of rows in silence."""
    good = PACKED[ending](LINES[:20000])
    rng = random.Random(7)
    broken = [good[:cut] for cut in (1, 5, 20, len(good) // 3, len(good) - 3)]
    for _ in range(12):
        spoiled = bytearray(good)
        for _ in range(5):
            spoiled[rng.randrange(len(spoiled))] = rng.randrange(256)
        broken.append(bytes(spoiled))
    if option:
        db.execute(f"create table if not exists broken_{ending} (n int, t varchar(200))")
    outcomes = set()
    for number, body in enumerate(broken):
        path = f"broken_{ending}_{number}/a.{ending}"
        lake.put(BUCKET, path, body)
        db.execute(f"""create external table formats.broken_{ending}_{number} (n int, t varchar(200)) row format delimited fields terminated by '|'
                       stored as textfile location 's3://{BUCKET}/broken_{ending}_{number}/'""")
        try:
            db.execute(f"select count(*), sum(length(t)) from formats.broken_{ending}_{number}").fetchone()
            outcomes.add("rows")
        except psycopg.Error as error:
            assert error.sqlstate not in ("XX000", "57P01", "58030"), str(error)
            outcomes.add("refused")
            assert path in str(error) or error.sqlstate in ("22P02", "22021"), str(error)
        if number < 5:
            assert "rows" not in outcomes or ending == "snappy", number
        if option:
            assert refusal(db, f"copy broken_{ending} from 's3://{BUCKET}/{path}' iam_role '{ROLE}' {option}").sqlstate not in ("XX000", "57P01")
    assert "refused" in outcomes
    assert db.execute("select 1").fetchone() == (1,)


def test_a_bomb_is_read_in_pieces(db, lake, server):
    """200 MB of zeros in a few hundred bytes: the first line is longer than any record may be, and memory stays bounded."""
    lake.put(BUCKET, "bomb/a.bz2", bz2.compress(b"0" * 200_000_000))
    db.execute("create table if not exists bombed (t varchar(max))")
    error = refusal(db, f"copy bombed from 's3://{BUCKET}/bomb/' iam_role '{ROLE}' bzip2")
    assert error.sqlstate not in ("XX000", "57P01", "53200"), str(error)
    assert db.execute("select count(*) from bombed").fetchone() == (0,)


def test_crawls_find_them(server, db, lake, glue):
    lake.put(BUCKET, "crawled/orders/a.orc", orc(ROWS[:50]))
    lake.put(BUCKET, "crawled/events/a.avro", avro(ROWS[:50]))
    lake.put(BUCKET, "crawled/noname/a", orc(ROWS[:50]))
    lake.put(BUCKET, "crawled/packed/a.json.bz2", bz2.compress(JSON[:20000].rpartition(b"\n")[0]))
    glue.create_crawler(Name="formats", Role=ROLE, DatabaseName="formats_db", Targets={"S3Targets": [{"Path": f"s3://{BUCKET}/crawled/"}]})
    glue.start_crawler(Name="formats")
    wait_until("the crawl", lambda: glue.get_crawler(Name="formats")["Crawler"]["State"] == "READY", 60)
    assert glue.get_crawler(Name="formats")["Crawler"]["LastCrawl"]["Status"] == "SUCCEEDED"
    for name, form in (("orders", "orc"), ("events", "avro"), ("noname", "orc")):
        table = glue.get_table(DatabaseName="formats_db", Name=name)["Table"]
        assert table["Parameters"]["classification"] == form
        types = {c["Name"]: c["Type"] for c in table["StorageDescriptor"]["Columns"]}
        assert types["id"] == "int" and types["price"] == "decimal(12,2)" and types["tags"] == "array<string>" and types["place"] == "struct<city:string,zip:int>"
        assert db.execute(f"select {SHOWN} from formats.{name} order by id").fetchall() == expected(ROWS[:50])
    assert db.execute("select min(n), count(*) > 100 from formats.packed").fetchone() == (1, True)
