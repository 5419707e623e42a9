"""Crawlers: from an upload to its rows by the S3 server's events, 10,000 small files crawled, and crawled again unchanged."""

import concurrent.futures
import json
import os
import pathlib
import tempfile
import time

import duckdb

from support.object_store import ObjectStore
from support.process import free_port, wait_until
from support.server import ACCOUNT, ROLE, Server, run_skep

SECRET = "secret of the benchmark"
UPLOADS, FILES, FOLDERS = 100, 10_000, 100


def parquet(query) -> bytes:
    with tempfile.NamedTemporaryFile(suffix=".parquet") as out:
        duckdb.connect().execute(f"copy ({query}) to '{out.name}' (format parquet)")
        return pathlib.Path(out.name).read_bytes()


class Lake:
    def __init__(self, folder):
        self.store, port = ObjectStore(folder / "s3").start(), free_port()
        self.server = Server(folder / "skep", self.store, {"http-port": str(port), "log-level": "info"})
        self.server.more_config = f'[[event_source]]\nname = "lake"\naccount = "{ACCOUNT}"\nsecret = "{SECRET}"\n'
        self.server.init().start()
        self.store.stop()
        self.store.webhook = f"http://127.0.0.1:{port}/events/lake?token={SECRET.replace(' ', '%20')}"
        self.store.start().client().create_bucket(Bucket="bench")
        self.glue = self.server.client("glue", self.server.add_user("api", superuser=True, access_key=True))

    def crawler(self, name, **more):
        self.glue.create_crawler(Name=name, Role=ROLE, DatabaseName=name, Targets={"S3Targets": [{"Path": f"s3://bench/{name}/"}]}, **more)

    def crawl(self, name):
        """Seconds of a crawl, and what it did."""
        start = time.perf_counter()
        self.glue.start_crawler(Name=name)
        done = wait_until("the crawl", lambda: (c := self.glue.get_crawler(Name=name)["Crawler"])["State"] == "READY" and c, 600, 0.02)
        assert done["LastCrawl"]["Status"] == "SUCCEEDED", done
        seconds = time.perf_counter() - start
        told = run_skep("crawl", "explain", name, "--output", "json", "--config", str(self.server.folder / "skep.toml"), data_dir=self.server.data)
        return seconds, json.loads(told.stdout)["Evidence"]

    def stop(self):
        self.server.stop()
        self.store.stop()


def upload_to_rows(lake):
    """Milliseconds from the begin of an upload to the first answer that counts its rows."""
    s3, body = lake.store.client(), parquet("select range as id, 'word ' || range as word from range(1000)")
    s3.put_object(Bucket="bench", Key="fresh/part=0/a.parquet", Body=body)
    lake.crawler("fresh", RecrawlPolicy={"RecrawlBehavior": "CRAWL_EVENT_MODE"})
    lake.crawl("fresh")
    times = []
    with lake.server.connect() as db:
        db.execute(f"create external schema fresh from data catalog database 'fresh' iam_role '{ROLE}'")
        for i in range(1, UPLOADS + 1):
            start = time.perf_counter()
            s3.put_object(Bucket="bench", Key=f"fresh/part={i}/a.parquet", Body=body)
            while db.execute("select count(*) from fresh.fresh").fetchone()[0] < 1000 * (i + 1):
                time.sleep(0.02)
            times.append((time.perf_counter() - start) * 1000)
    return sorted(times)


def run(folder, table):
    lake = Lake(folder)
    try:
        load = os.getloadavg()[0]
        times = upload_to_rows(lake)
        table(f"From the begin of an upload to its rows, by events ({UPLOADS} uploads, ms; load {load:.1f})", ["p50", "p99", "most"],
              [[f"{times[len(times) // 2]:.0f}", f"{times[int(len(times) * 0.99) - 1]:.0f}", f"{times[-1]:.0f}"]])
        body = parquet("select range as id, 'word ' || range as word from range(20)")
        put = lambda i: lake.store.put("bench", f"many/day={i % FOLDERS}/{i:05}.parquet", body)  # noqa: E731
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(put, range(FILES)))
        rows = []
        lake.crawler("many")
        for what in ("first crawl", "again, nothing changed"):
            load = os.getloadavg()[0]
            seconds, evidence = lake.crawl("many")
            rows.append([what, f"{seconds:.2f}", sum(t["Requests"] for t in evidence["Targets"]), evidence["Reads"], f"{load:.1f}"])
        lake.glue.delete_crawler(Name="many")
        lake.glue.create_crawler(Name="all", Role=ROLE, DatabaseName="all", Targets={"S3Targets": [{"Path": "s3://bench/many/", "SampleSize": 249}]})
        load = os.getloadavg()[0]
        seconds, evidence = lake.crawl("all")
        rows.append(["every file read (SampleSize 249)", f"{seconds:.2f}", sum(t["Requests"] for t in evidence["Targets"]), evidence["Reads"], f"{load:.1f}"])
        table(f"{FILES} small Parquet files in {FOLDERS} partitions", ["crawl", "seconds", "requests for listings", "files read", "load"], rows)
    finally:
        lake.stop()
