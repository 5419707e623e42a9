"""Crawlers in earnest: what they read again, how tables evolve, which classifiers they ask, and how their decisions are explained,
tried out and undone."""

import gzip
import json
import pathlib
import re
import tempfile
import urllib.error
import urllib.request
import uuid

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import duckdb
import psycopg
import pytest

from support import object_store
from support.faulty_store import FaultyStore
from support.listing_store import ListingStore
from support.object_store import REGION, ObjectStore
from support.process import wait_until
from support.server import ROLE, Server, run_skep


def parquet(query) -> bytes:
    with tempfile.NamedTemporaryFile(suffix=".parquet") as out:
        duckdb.connect().execute(f"copy ({query}) to '{out.name}' (format parquet)")
        return pathlib.Path(out.name).read_bytes()


class Crawler:
    """A crawler over one folder of the bucket; database and table have its name."""

    def __init__(self, server, glue, lake, bucket, **more):
        self.server, self.glue, self.lake, self.bucket = server, glue, lake, bucket
        self.name = f"c_{uuid.uuid4().hex[:8]}"
        target = {"Path": f"s3://{bucket}/{self.name}/", **more.pop("target", {})}
        glue.create_crawler(Name=self.name, Role=ROLE, DatabaseName=self.name, Targets={"S3Targets": [target]}, **more)

    def put(self, key, body):
        self.lake.put(self.bucket, f"{self.name}/{key}", body)

    def drop(self, key):
        self.lake.client().delete_object(Bucket=self.bucket, Key=f"{self.name}/{key}")

    def run(self):
        self.glue.start_crawler(Name=self.name)
        done = wait_until("the crawl ending", lambda: (c := self.glue.get_crawler(Name=self.name)["Crawler"])["State"] == "READY" and c, 90, 0.05)
        assert done["LastCrawl"]["Status"] == "SUCCEEDED", done["LastCrawl"]
        return self.explain()

    def verb(self, *arguments, check=True):
        return run_skep("crawl", *arguments, "--config", str(self.server.folder / "skep.toml"), data_dir=self.server.data, check=check)

    def explain(self, *more):
        return json.loads(self.verb("explain", self.name, "--output", "json", *more).stdout)["Evidence"]

    def dry_run(self):
        return json.loads(self.verb("dry-run", self.name, "--output", "json").stdout)["Evidence"]["Changes"]

    def table(self, name=None):
        return self.glue.get_table(DatabaseName=self.name, Name=name or self.name)["Table"]

    def columns(self, name=None):
        return {c["Name"]: c["Type"] for c in self.table(name)["StorageDescriptor"]["Columns"]}

    def tables(self):
        return {t["Name"] for t in self.glue.get_tables(DatabaseName=self.name)["TableList"]}

    def partitions(self):
        return sorted(p["Values"] for p in self.glue.get_partitions(DatabaseName=self.name, TableName=self.name)["Partitions"])


@pytest.fixture
def crawler(server, glue, lake, bucket):
    return lambda **more: Crawler(server, glue, lake, bucket, **more)


def changes(evidence):
    return [f"{c['Change']} {c['Table']}" for c in evidence["Changes"]]


# What is read again.


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    """(server, store that counts requests, glue)"""
    if object_store.missing():
        pytest.skip(object_store.missing())
    store = FaultyStore(ObjectStore(tmp_path_factory.mktemp("s3")).start())
    server = Server(tmp_path_factory.mktemp("skep"), store).init().start()
    store.store.client().create_bucket(Bucket="counted")
    glue = server.client("glue", server.add_user("api", superuser=True, access_key=True))
    yield server, store, glue
    server.stop()
    store.stop()


def test_a_crawl_of_an_unchanged_lake_costs_one_listing(counted):
    server, store, glue = counted
    one = Crawler(server, glue, store.store, "counted")
    for day in range(20):
        one.put(f"day={day}/a.parquet", parquet(f"select range as id, {day} as n from range(10)"))
    one.put("day=3/broken.parquet", b"PAR1 nothing of the sort")
    first = one.run()
    assert first["Reads"] == 21 and len(one.partitions()) == 20
    version = one.table()["VersionId"]
    store.requests.clear()
    again = one.run()
    assert [r[0] for r in store.requests] == ["GET"] and "list-type=2" in store.requests[0][1], store.requests
    assert again["Reads"] == 0 and again["Changes"] == [] and one.table()["VersionId"] == version
    # One more file: one more listing, and reads of that file alone.
    one.put("day=20/a.parquet", parquet("select range as id, 20 as n, 'x' as word from range(10)"))
    store.requests.clear()
    assert one.run()["Reads"] == 1
    reads = {path.partition("?")[0] for method, path in store.requests if "list-type" not in path}
    assert reads == {f"/counted/{one.name}/day%3D20/a.parquet"}, store.requests
    assert one.columns()["word"] == "string"


def test_event_mode_lists_only_what_events_named(counted):
    server, store, glue = counted
    one = Crawler(server, glue, store.store, "counted", RecrawlPolicy={"RecrawlBehavior": "CRAWL_EVENT_MODE"})
    one.put("k=0/a.csv", "id,n\n1,2\n")
    assert one.run()["Mode"] == "everything"
    # Without events a crawl of everything, as StartCrawler asks for it.
    store.requests.clear()
    assert one.run()["Mode"] == "everything" and len(store.requests) == 1


def test_a_hundred_thousand_keys_are_crawled_in_bounded_memory(tmp_path_factory):
    keys = [f"many/day=2026-01-{d:02}/part-{i:05}.csv" for d in range(1, 11) for i in range(10_000)]
    store = ListingStore(keys, b"id,name\n1,one\n2,two\n")
    server = Server(tmp_path_factory.mktemp("skep"), store).init().start()
    try:
        glue = server.client("glue", server.add_user("api", superuser=True, access_key=True))
        peak = lambda: int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{server.pid}/status").read_text()).group(1)) >> 10  # noqa: E731
        glue.create_crawler(Name="many", Role=ROLE, DatabaseName="many", Targets={"S3Targets": [{"Path": "s3://any/many/"}]})
        before = peak()
        for _ in range(2):
            pages = store.pages
            glue.start_crawler(Name="many")
            done = wait_until("the crawl ending", lambda: (c := glue.get_crawler(Name="many")["Crawler"])["State"] == "READY" and c, 300, 0.2)
            assert done["LastCrawl"]["Status"] == "SUCCEEDED", done["LastCrawl"]
            assert store.pages - pages == 100
        assert glue.get_table(DatabaseName="many", Name="many")["Table"]["Parameters"]["objectCount"] == "100000"
        assert len(glue.get_partitions(DatabaseName="many", TableName="many")["Partitions"]) == 10
        assert peak() - before < 600, (before, peak())  # MiB, of a build with sanitizers
        assert store.reads <= 200
    finally:
        server.stop()
        store.stop()


# How tables evolve.


def test_new_folders_only_leaves_the_rest_alone(crawler):
    one = crawler(RecrawlPolicy={"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"})
    assert one.glue.get_crawler(Name=one.name)["Crawler"]["SchemaChangePolicy"] == {"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"}
    one.put("k=0/a.csv", "id,n\n1,2\n")
    one.run()
    one.put("k=0/late.csv", "id,n,more\n1,2,3\n")
    one.put("k=1/a.csv", "id,n,word\n1,2,x\n")
    evidence = one.run()
    assert one.partitions() == [["0"], ["1"]] and set(one.columns()) == {"id", "n"}
    assert [f["Key"].rpartition("k=")[2] for f in evidence["Tables"][0]["Samples"]["Files"]] == ["0/a.csv", "1/a.csv"]
    assert f"LOGGED_ONLY {one.name}" in changes(evidence)
    one.drop("k=1/a.csv")
    one.run()
    assert one.partitions() == [["0"], ["1"]]


def test_columns_come_widen_and_go(crawler):
    one = crawler()
    one.put("a.csv", "id,price\n1,2\n2,3\n")
    one.run()
    assert one.columns() == {"id": "bigint", "price": "bigint"}
    one.put("b.csv", "id,price,note\n3,2.5,new\n")
    evidence = one.run()
    assert one.columns() == {"id": "bigint", "price": "double", "note": "string"}
    change = next(c for c in evidence["Changes"] if c["Change"] == "UPDATE_TABLE")
    assert change["Columns"] == {"Added": [{"Name": "note", "Type": "string"}], "Removed": [],
                                 "Changed": [{"Name": "price", "From": "bigint", "To": "double"}]}
    price = next(c for c in evidence["Tables"][0]["Samples"]["Columns"] if c["Name"] == "price")
    assert price == {"Name": "price", "Type": "double", "Votes": {"bigint": 1, "double": 1}, "Conflict": True}
    one.drop("b.csv")
    one.run()
    assert one.columns() == {"id": "bigint", "price": "bigint"}


@pytest.mark.parametrize("policy, left", [("DELETE_FROM_DATABASE", []), ("DEPRECATE_IN_DATABASE", ["deprecated"]), ("LOG", ["untouched"])])
def test_tables_whose_files_are_gone(crawler, policy, left):
    one = crawler(SchemaChangePolicy={"DeleteBehavior": policy})
    one.put("x/a.csv", "id,n\n1,2\n")
    one.put("y/a.json", '{"other":1}\n')
    one.run()
    assert one.tables() == {"x", "y"}
    one.drop("y/a.json")
    one.run()
    state = ["deprecated" if "DEPRECATED_BY_CRAWLER" in one.table("y")["Parameters"] else "untouched"] if "y" in one.tables() else []
    assert state == left and "x" in one.tables()


def test_mixed_schemas_across_files(crawler, external_schema, connection):
    """Alike enough: one table with all columns. Not alike: a table for each file. Partitions that disagree: the first counts, and it is told."""
    one = crawler()
    one.put("alike/a.parquet", parquet("select 1::int as id, 'x' as a, 1.5::float as v"))
    one.put("alike/b.parquet", parquet("select 2::bigint as id, 'y' as a, 2.5::double as v, true as extra"))
    one.put("unlike/a.csv", "id,name\n1,one\n")
    one.put("unlike/b.csv", "lat,lon,alt\n1.5,2.5,3\n")
    one.put("parts/k=1/a.json", '{"id":1,"n":2}\n')
    one.put("parts/k=2/b.json", '{"x":"a","y":"b"}\n')
    evidence = one.run()
    assert one.tables() == {"alike", "a_csv", "b_csv", "parts"}
    assert one.columns("alike") == {"id": "bigint", "a": "string", "v": "double", "extra": "boolean"}
    parts = next(t for t in evidence["Tables"] if t["Table"] == "parts")
    assert "Ignored" in parts["Samples"]["Files"][1] and set(one.columns("parts")) == {"id", "n"}
    schema = external_schema(one.name)
    assert connection.execute(f"select id, a, v, extra from {schema}.alike order by id").fetchall() == [(1, "x", 1.5, None), (2, "y", 2.5, True)]


def test_corrupt_footers_are_skipped_and_told(crawler):
    one = crawler()
    good = parquet("select range as id, 'x' as word from range(100)")
    one.put("t/good.parquet", good)
    one.put("t/cut.parquet", good[: len(good) // 2])
    one.put("t/footer.parquet", good[:-8] + (2**31 - 1).to_bytes(4, "little") + b"PAR1")
    one.put("t/thrift.parquet", good[:-40] + b"\xff" * 32 + good[-8:])
    one.put("only/bad.parquet", b"PAR1" + bytes(100) + b"PAR1")
    evidence = one.run()
    assert one.tables() == {"t"}
    files = {f["Key"].rpartition("/")[2]: f for f in evidence["Tables"][0]["Samples"]["Files"]}
    assert "Error" not in files["good.parquet"] and all("Error" in files[f"{n}.parquet"] for n in ("cut", "footer", "thrift"))
    assert evidence["NoTable"][0]["Location"].endswith("/only/")


def test_formats_are_told_by_their_first_bytes(crawler):
    one = crawler()
    one.put("a/noname", b"Obj\x01 an avro file")
    one.put("o/noname", b"ORC and more")
    one.put("p/noname", parquet("select 1 as id, 2 as n"))
    one.put("z/text.csv.lz4", b"\x04\x22\x4d\x18")
    evidence = one.run()
    assert "p" in one.tables() and one.table("p")["Parameters"]["classification"] == "parquet"
    told = {n["Location"].split("/")[-2]: n["Samples"]["Files"][0]["Error"] for n in evidence["NoTable"]}
    assert set(told) == {"z", "a", "o"}
    assert "lz4" in told["z"]


def test_text_of_other_encodings(crawler, external_schema, connection):
    one = crawler()
    text = "id,name\n" + "".join(f"{i},Größe €{i}\n" for i in range(300))
    for folder, encoding in (("marked", "utf-16"), ("little", "utf-16-le"), ("big", "utf-16-be"), ("windows", "cp1252"), ("eight", "utf-8")):
        one.put(f"{folder}/a.csv", text.encode(encoding))
        one.put(f"{folder}/b.csv", text.encode(encoding))
    one.put("packed/a.csv.gz", gzip.compress(text.encode("cp1252")))
    one.put("latin/a.csv", text.replace("€", "ø").encode("latin-1"))
    one.put("latin/plain.csv", "id,name\n1000,plain\n")
    one.put("documents/a.json", "".join(json.dumps({"id": i, "name": f"Größe €{i}"}, ensure_ascii=False) + "\n" for i in range(300)).encode("utf-16-le"))
    one.put("quoted/a.csv", 'id,name\n1,"Größe, ""€""\n"\n'.encode("utf-16"))
    evidence = one.run()
    told = {t["Table"]: t["Samples"]["Files"][0].get("Encoding") for t in evidence["Tables"]}
    assert told["windows"] == "windows-1252" and told["little"] == "UTF-16LE" and told["eight"] == "UTF-8"
    assert ", 300 rows, windows-1252" in one.verb("explain", one.name).stdout
    schema = external_schema(one.name)
    encodings = {name: one.table(name)["StorageDescriptor"]["SerdeInfo"]["Parameters"].get("serialization.encoding") for name in one.tables()}
    assert encodings == {"marked": "UTF-16", "little": "UTF-16LE", "big": "UTF-16BE", "windows": "windows-1252", "eight": None, "packed": "windows-1252",
                         "latin": "ISO-8859-1", "documents": "UTF-16LE", "quoted": "UTF-16"}
    for name in encodings:
        assert one.columns(name) == {"id": "bigint", "name": "string"}, name
    for name in ("marked", "little", "big", "windows", "eight", "packed", "documents"):
        times = 1 if name in ("packed", "documents") else 2
        assert connection.execute(f"select count(*), count(distinct name), max(name) from {schema}.{name}").fetchone() == (300 * times, 300, "Größe €99"), name
        assert connection.execute(f"select id from {schema}.{name} where name = 'Größe €7'").fetchall() == [(7,)] * times, name
    assert connection.execute(f"select name from {schema}.latin where id in (3, 1000) order by id").fetchall() == [("Größe ø3",), ("plain",)]
    assert connection.execute(f"select name from {schema}.quoted").fetchall() == [('Größe, "€"\n',)]


def test_files_of_different_encodings_are_no_one_table(crawler, external_schema, connection):
    one = crawler()
    one.put("m/a.csv", "id,name\n1,Größe\n".encode("utf-8"))
    one.put("m/b.csv", "id,name\n2,Größe\n".encode("utf-16"))
    one.put("m/c.csv", "id,name\n3,Größe\n".encode("latin-1"))
    one.run()
    schema = external_schema(one.name)
    rows = [row for name in one.tables() for row in connection.execute(f"select id, name from {schema}.{name}").fetchall()]
    assert sorted(rows) == [(1, "Größe"), (2, "Größe"), (3, "Größe")]


def test_an_encoding_that_cannot_be_read_is_refused_by_name(crawler, external_schema, connection):
    one = crawler()
    one.put("t/a.csv", "id,name\n1,Gr\u00f6\u00dfe\n".encode("latin-1"))
    one.run()
    table = one.table("t")
    serde = table["StorageDescriptor"]["SerdeInfo"]["Parameters"]
    schema = external_schema(one.name)

    def become(encoding):
        serde["serialization.encoding"] = encoding
        one.glue.update_table(DatabaseName=one.name, TableInput={k: table[k] for k in ("Name", "StorageDescriptor", "Parameters", "TableType", "PartitionKeys")})

    become("EBCDIC")
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="EBCDIC"):
        connection.execute(f"select * from {schema}.t")
    become("utf-8")
    with pytest.raises(psycopg.Error, match="(?i)utf-8"):
        connection.execute(f"select * from {schema}.t")
    become("Windows-1252")
    assert connection.execute(f"select name from {schema}.t").fetchall() == [("Gr\u00f6\u00dfe",)]
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="windows1252"):
        connection.execute(f"insert into {schema}.t values (2, 'x')")


def test_quoted_newlines_and_headers(crawler, external_schema, connection):
    one = crawler()
    one.put("q/a.csv", 'id,text\n1,"two\nlines"\n2,"a ""quoted"" word"\n3,plain\n')
    one.run()
    assert one.columns("q") == {"id": "bigint", "text": "string"}
    schema = external_schema(one.name)
    assert connection.execute(f"select id::int, text from {schema}.q order by 1").fetchall() == [(1, "two\nlines"), (2, 'a "quoted" word'), (3, "plain")]


# Classifiers.


def test_custom_classifiers_are_asked(crawler, glue, external_schema, connection):
    mark = uuid.uuid4().hex[:8]
    csv, grok, path, xml = (f"{kind}_{mark}" for kind in ("csv", "grok", "json", "xml"))
    glue.create_classifier(CsvClassifier={"Name": csv, "Delimiter": "|", "QuoteSymbol": "'", "ContainsHeader": "ABSENT", "Header": ["id", "name", "mark"]})
    glue.create_classifier(GrokClassifier={"Name": grok, "Classification": "takes", "GrokPattern": "%{TICKET:id} %{WORD:who} %{NUMBER:ms:double}ms",
                                           "CustomPatterns": "TICKET T-[0-9]+"})
    glue.create_classifier(JsonClassifier={"Name": path, "JsonPath": "$.Records[*]"})
    glue.create_classifier(XMLClassifier={"Name": xml, "Classification": "x", "RowTag": "row"})
    one = crawler(Classifiers=[xml, grok, csv, path])
    one.put("dialect/a.txt", "1|'a|b'|x\n2|'c'|y\n")
    one.put("log/app.log", "T-1 anna 5ms\nT-2 bert 7.5ms\n")
    one.put("trail/r.json", '{"Records":[{"event":"put","n":1},{"event":"get","n":2}],"Count":2}')
    many = {"Count": 30_000, "Records": [{"n": n, "event": f"[{n}]}}, \n \"Records\": ["} for n in range(30_000)]}
    one.put("packed/r.json.gz", gzip.compress(json.dumps(many, indent=1).encode()))
    one.put("wide/r.json", json.dumps({"Records": [{"event": "Größe", "n": 1}]}, ensure_ascii=False).encode("utf-16"))
    evidence = one.run()
    assert {t["Table"]: t["Classifier"] for t in evidence["Tables"]} == {"dialect": csv, "log": grok, "trail": path, "packed": path, "wide": path}
    assert "Problem" not in next(c for c in evidence["Classifiers"] if c["Name"] == xml)
    assert one.columns("dialect") == {"id": "bigint", "name": "string", "mark": "string"}
    assert one.columns("log") == {"id": "string", "who": "string", "ms": "double"}
    log = one.table("log")
    assert log["Parameters"]["classification"] == "takes" and log["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"].endswith("GrokSerDe")
    assert log["StorageDescriptor"]["SerdeInfo"]["Parameters"]["input.grokCustomPatterns"] == "TICKET T-[0-9]+"
    assert one.columns("trail") == {"event": "string", "n": "bigint"} and one.table("trail")["Parameters"]["jsonPath"] == "$.Records[*]"
    schema = external_schema(one.name)
    assert connection.execute(f"select id::int, name, mark from {schema}.dialect order by 1").fetchall() == [(1, "a|b", "x"), (2, "c", "y")]
    assert connection.execute(f"select event, n from {schema}.trail order by n").fetchall() == [("put", 1), ("get", 2)]
    assert connection.execute(f"select count(*), sum(n), count(distinct event), max(event) from {schema}.packed where n < 29999").fetchone() == (
        29_999, sum(range(29_999)), 29_999, '[9]}, \n "Records": [')
    assert connection.execute(f"select event, n from {schema}.wide").fetchall() == [("Größe", 1)]
    # A path that is none, and a file that is broken, fail what reads them.
    one.put("trail/z.json", '{"Records":[{"event":"post","n":3}')
    with pytest.raises(psycopg.errors.DataException, match="z.json"):
        connection.execute(f"select count(n) from {schema}.trail")
    table = one.table("trail")
    table["Parameters"]["jsonPath"] = table["StorageDescriptor"]["Parameters"]["jsonPath"] = "$..Records"
    glue.update_table(DatabaseName=one.name, TableInput={k: table[k] for k in ("Name", "StorageDescriptor", "Parameters", "TableType", "PartitionKeys")})
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="jsonPath"):
        connection.execute(f"select * from {schema}.trail")


@pytest.mark.parametrize("pattern", ["%{NOSUCH:a}", "%{WORD:a:wrong}", "%{SELF:a}", "((("])
def test_grok_patterns_that_are_none_stop_no_crawl(crawler, glue, pattern):
    name = f"bad_{uuid.uuid4().hex[:8]}"
    glue.create_classifier(GrokClassifier={"Name": name, "Classification": "x", "GrokPattern": pattern, "CustomPatterns": "SELF %{SELF}%{SELF}"})
    one = crawler(Classifiers=[name])
    one.put("t/a.csv", "id,n\n1,2\n")
    evidence = one.run()
    assert one.tables() == {"t"} and "grok" in evidence["Classifiers"][0]["Problem"]


# Explained, tried out, undone.


def test_decisions_are_explained(crawler, server, api_user):
    one = crawler(target={"Exclusions": ["**.tmp"]})
    for day in ("2026-01-01", "2026-01-02"):
        one.put(f"t/day={day}/a.csv", "id,n\n1,2\n")
        one.put(f"t/day={day}/raw.tmp", "nothing")
    one.run()
    text = one.verb("explain", one.name, "--table", "t").stdout
    for part in ("looked at everything", "2 objects, 2 hidden", "table t at s3://", "partition  day date: 2 values; every value is yyyy-mm-dd",
                 "column     id bigint (votes: bigint x 2)", "CREATE_TABLE"):
        assert part in text, text
    crawl_id = one.glue.list_crawls(CrawlerName=one.name)["Crawls"][0]["CrawlId"]
    assert one.explain("--run", crawl_id)["Tables"][0]["Table"] == "t"
    for arguments in (["explain", "nobody"], ["explain", one.name, "--table", "none"], ["explain", one.name, "--run", "none"]):
        assert one.verb(*arguments, check=False).returncode == 1
    # The same by the API.
    answer = call(server, api_user, "ExplainCrawl", CrawlerName=one.name, TableName="t")
    assert answer["CrawlId"] == crawl_id and [t["Table"] for t in answer["Evidence"]["Tables"]] == ["t"]
    assert call(server, api_user, "ExplainCrawl", CrawlerName="nobody")["__type"] == "EntityNotFoundException"


def test_a_dry_run_shows_the_difference_and_makes_none(crawler):
    one = crawler()
    one.put("a.csv", "id,n\n1,2\n")
    assert [c["Change"] for c in one.dry_run()] == ["CREATE_DATABASE", "CREATE_TABLE"]
    assert one.name not in {d["Name"] for p in one.glue.get_paginator("get_databases").paginate() for d in p["DatabaseList"]}
    one.run()
    assert "no change" in one.verb("dry-run", one.name).stdout
    one.put("b.csv", "id,n,more\n1,2,x\n")
    version = one.table()["VersionId"]
    shown = one.verb("dry-run", one.name).stdout
    assert "UPDATE_TABLE" in shown and "+ more string" in shown, shown
    assert one.table()["VersionId"] == version and "more" not in one.columns()
    assert one.verb("dry-run", "nobody", check=False).returncode == 1
    assert "+ more string" in one.verb("dry-run", one.name).stdout
    one.run()
    assert "more" in one.columns()


def test_a_change_is_rolled_back(crawler, external_schema, connection):
    one = crawler()
    one.put("a.csv", "id,n\n1,2\n")
    one.run()
    one.put("a.csv", "id,n,more\n1,2,x\n")
    one.run()
    assert "more" in one.columns() and one.table()["VersionId"] == "1"
    done = json.loads(one.verb("rollback", f"{one.name}.{one.name}", "--to-version", "0", "--output", "json").stdout)
    assert done == {"Database": one.name, "Table": one.name, "RestoredVersion": 0, "Version": 2}
    assert set(one.columns()) == {"id", "n"} and one.table()["VersionId"] == "2"
    schema = external_schema(one.name)
    assert len(connection.execute(f"select * from {schema}.{one.name}").description) == 2
    versions = [v["VersionId"] for v in one.glue.get_table_versions(DatabaseName=one.name, TableName=one.name)["TableVersions"]]
    assert versions == ["2", "1", "0"]
    for wrong in ([f"{one.name}.{one.name}", "--to-version", "9"], [f"{one.name}.none", "--to-version", "0"], [one.name, "--to-version", "0"],
                  [f"{one.name}.{one.name}", "--to-version", "x"], [f"{one.name}.{one.name}", "--to-version", "0", "--account", "999999999999"]):
        assert one.verb("rollback", *wrong, check=False).returncode == 1
    assert one.table()["VersionId"] == "2"


def call(server, user, operation, **request):
    """An operation that the SDK does not know."""
    http = botocore.awsrequest.AWSRequest("POST", f"http://127.0.0.1:{server.http_port}/", data=json.dumps(request),
                                          headers={"X-Amz-Target": f"AWSGlue.{operation}", "Content-Type": "application/x-amz-json-1.1"})
    botocore.auth.SigV4Auth(botocore.credentials.Credentials(user.access_key, user.secret_key), "glue", REGION).add_auth(http)
    try:
        with urllib.request.urlopen(urllib.request.Request(http.url, http.data.encode() if isinstance(http.data, str) else http.data, dict(http.headers))) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refused:
        return json.load(refused)
