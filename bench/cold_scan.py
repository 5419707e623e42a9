"""Partitioned Parquet on an S3 server, nothing cached: Skep's external tables, the engine's own httpfs with keys, and Trino 476.

COLD_RUNS=1 takes each time once, COLD_ONLY=cold or trino leaves the other out, COLD_QUERIES='hits.*' runs some."""

import contextlib
import os
import pathlib
import re
import socket
import statistics
import subprocess
import threading
import time

import duckdb

from support import trino as trino_support
from support.object_store import REGION, ObjectStore
from support.process import wait_until
from support.server import ACCOUNT, ROLE, Server, children_of

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUCKET, DATABASE = "bench", "bench"
PARTITIONS = {"lineitem": "year", "orders": "year", "hits": "dt"}
TABLES = ["lineitem", "orders", "customer", "part", "supplier", "partsupp", "nation", "region", "hits"]
# Columns and questions as ClickBench's; the rows are made up.
HITS = """select hash(i) // 2 as watchid, (hash(i * 7) % 1000 < 300)::int as isrefresh, cast(62 * (1 + sqrt(hash(i // 40) % 10000)::int) as int) as counterid,
    timestamp '2026-07-01' + interval (i * 864000.0 / 3000000) second as eventtime, (hash(i // 15) % 180000 + 4000000000)::bigint as userid,
    cast(hash(i // 15 + 1) % 5000 as int) as regionid, cast(hash(i // 15 + 2) % 60 as smallint) as os,
    case when hash(i) % 50 = 0 then cast(1 + hash(i) % 19 as smallint) else 0::smallint end as advengineid,
    cast(320 + 160 * (hash(i // 15 + 3) % 12) as smallint) as resolutionwidth, cast(hash(i // 15 + 4) % 4 as smallint) as mobilephone,
    case when hash(i // 15 + 5) % 10 = 0 then 'model ' || hash(i // 15) % 90 else '' end as mobilephonemodel,
    'https://' || case hash(i) % 40 when 0 then 'google.example' else 'site' || hash(i // 3) % 3000 || '.example' end || '/path/' || hash(i // 2) % 70000
      || '?session=' || hash(i // 15) as url,
    'Title of page ' || hash(i // 2) % 70000 || ' of a site with ' || hash(i // 3) % 3000 as title,
    case when hash(i) % 3 = 0 then '' else 'https://referer.example/' || hash(i // 4) % 20000 end as referer,
    case when hash(i) % 9 = 0 then 'how to find ' || hash(i // 30) % 25000 else '' end as searchphrase,
    hash(i + 11) as refererhash, hash(i + 13) as urlhash, cast(hash(i) % 1000 as int) as sendtiming, cast(hash(i + 3) % 9000 as int) as dnstiming,
    hash(i + 5)::varchar as params, cast(hash(i) % 256 as smallint) as clienttimezone, md5(i::varchar) as openstat
  from range(3000000) t(i)"""
HITS_QUERIES = [
    "select count(*) from hits",
    "select count(*) from hits where advengineid <> 0",
    "select sum(advengineid), count(*), avg(resolutionwidth) from hits",
    "select count(distinct userid) from hits",
    "select count(distinct searchphrase) from hits",
    "select min(eventtime), max(eventtime) from hits",
    "select advengineid, count(*) from hits where advengineid <> 0 group by advengineid order by 2 desc, 1",
    "select regionid, sum(advengineid), count(*) as c, avg(resolutionwidth), count(distinct userid) from hits group by regionid order by c desc, 1 limit 10",
    "select searchphrase, count(*) as c from hits where searchphrase <> '' group by searchphrase order by c desc, 1 limit 10",
    "select userid, count(*) from hits group by userid order by 2 desc, 1 limit 10",
    "select count(*) from hits where url like '%google%'",
    "select counterid, avg(length(url)) as l, count(*) as c from hits where url <> '' group by counterid having count(*) > 1000 order by l desc, 1 limit 25",
    "select dt, count(*), sum(sendtiming) from hits where dt = '2026-07-04' group by dt",
    "select title, count(*) as c from hits where dt between '2026-07-03' and '2026-07-05' and counterid = 620 group by title order by c desc, 1 limit 10",
    "select * from hits where userid = 4000000077 order by watchid limit 5",
]


def data(cache, tpch_file) -> pathlib.Path:
    """The files of all tables, a folder each, Hive-style partitions below."""
    folder = cache / "cold_scan"
    if folder.exists():
        return folder
    building = cache / "cold_scan.building"
    subprocess.run(["rm", "-rf", building], check=True)
    building.mkdir(parents=True)
    con = duckdb.connect(str(tpch_file), read_only=True)
    for table in TABLES:
        source = {"lineitem": "select *, year(l_shipdate) as year from public.lineitem order by l_shipdate",
                  "orders": "select *, year(o_orderdate) as year from public.orders order by o_orderdate",
                  "hits": f"select *, eventtime::date as dt from ({HITS}) order by eventtime"}.get(table, f"from public.{table}")
        if table in PARTITIONS:
            con.execute(f"copy ({source}) to '{building / table}' (format parquet, partition_by ({PARTITIONS[table]}))")
        else:
            (building / table).mkdir()
            con.execute(f"copy ({source}) to '{building / table}/part-0.parquet' (format parquet)")
    building.rename(folder)
    return folder


class Proxy:
    """bench/delay_proxy before a port."""

    def __init__(self, port, milliseconds):
        binary = pathlib.Path(os.environ["SKEP_BUILD"]) / "bin/delay_proxy"
        self.process = subprocess.Popen([binary, str(port), str(milliseconds)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port, self.control = map(int, self.process.stdout.readline().split())

    def counts(self):
        """Requests and bytes so far."""
        with socket.create_connection(("127.0.0.1", self.control)) as s, s.makefile() as f:
            return tuple(map(int, f.read().split()))

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


class Through:
    """An object store as seen through a proxy."""

    def __init__(self, store, proxy):
        self.access_key, self.secret_key, self.endpoint = store.access_key, store.secret_key, f"http://127.0.0.1:{proxy.port}"


class Memory:
    """The largest sum of PSS of processes, sampled."""

    def __init__(self, pids):
        self.pids, self.most, self.over = pids, 0.0, threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.over.wait(0.05):
            total = 0
            for pid in self.pids():
                with contextlib.suppress(OSError):
                    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                        if line.startswith("Pss:"):
                            total += int(line.split()[1])
            self.most = max(self.most, total / 1024)

    def stop(self):
        self.over.set()
        self.thread.join()
        return self.most


class Bench:
    def __init__(self, folder, files, queries):
        self.folder, self.files, self.queries = folder, files, queries
        self.store = ObjectStore(folder / "s3").start()
        self.store.client().create_bucket(Bucket=BUCKET)
        self.store.put_folder(BUCKET, "", files)
        self.near, self.far = Proxy(self.store.port, 0), Proxy(self.store.port, 20)
        self.server = Server(folder / "skep", Through(self.store, self.near), {"log-level": "warn"}).init().start()
        self.api = self.server.add_user("api", superuser=True, access_key=True)
        glue = self.server.client("glue", self.api)
        glue.create_database(DatabaseInput={"Name": DATABASE})
        glue.create_crawler(Name="bench", Role=ROLE, DatabaseName=DATABASE,
                            Targets={"S3Targets": [{"Path": f"s3://{BUCKET}/{table}/"} for table in TABLES]})
        glue.start_crawler(Name="bench")
        wait_until("the crawl", lambda: glue.get_crawler(Name="bench")["Crawler"]["State"] == "READY", 120)
        with self.server.connect() as con:
            con.execute(f"create external schema ext from data catalog database '{DATABASE}' iam_role '{ROLE}'")
            for table in TABLES:
                con.execute(f"create view public.{table} as select * from ext.{table} with no schema binding")

    def stop(self):
        self.server.stop()
        for part in (self.near, self.far):
            part.stop()
        self.store.stop()

    def ours(self, query, proxy):
        """Seconds, rows, bytes and requests of a query on a gateway that has just started: its cache is empty."""
        self.server.stop()
        self.server.lake = Through(self.store, proxy)
        self.server.write_config()
        self.server.start()
        with self.server.connect() as con:
            con.execute("set enable_result_cache_for_session to off")
            con.execute("select count(*) from pg_namespace")
            before, start = proxy.counts(), time.perf_counter()
            rows = con.execute(query).fetchall()
            seconds = time.perf_counter() - start
            after = proxy.counts()
        return seconds, rows, after[1] - before[1], after[0] - before[0]

    def httpfs(self, query, proxy):
        con = duckdb.connect(config={"threads": str(os.cpu_count()), "allow_unsigned_extensions": "true"})
        con.execute(f"load '{next((ROOT / '.deps/duckdb/extensions').glob('httpfs*'))}'")
        con.execute(f"""create secret (type s3, provider config, key_id '{self.store.access_key}', secret '{self.store.secret_key}', region '{REGION}',
            endpoint '127.0.0.1:{proxy.port}', use_ssl false, url_style 'path')""")
        for table in TABLES:
            if table in query:
                stars = "*/*" if table in PARTITIONS else "*"
                con.execute(f"create view {table} as from read_parquet('s3://{BUCKET}/{table}/{stars}.parquet', hive_partitioning = true)")
        before, start = proxy.counts(), time.perf_counter()
        rows = con.execute(query).fetchall()
        seconds = time.perf_counter() - start
        after = proxy.counts()
        con.close()
        return seconds, rows, after[1] - before[1], after[0] - before[0]

    def cold(self, proxy, runs):
        """Rows of the table of one delay, and the two totals."""
        out, totals = [], [0.0, 0.0]
        for name, query in self.queries:
            seen = {"ours": [], "theirs": []}
            for _ in range(runs):
                ours, theirs = self.ours(query, proxy), self.httpfs(query, proxy)
                assert len(ours[1]) == len(theirs[1]), (name, ours[1][:3], theirs[1][:3])
                seen["ours"].append(ours)
                seen["theirs"].append(theirs)
            a, b = (statistics.median(s[0] for s in seen[k]) for k in ("ours", "theirs"))
            totals[0] += a
            totals[1] += b
            last = seen["ours"][-1], seen["theirs"][-1]
            out.append([name, f"{a:.3f}", f"{b:.3f}", f"{a / b:.2f}", *(f"{r[2] / 1e6:.1f}" for r in last), *(str(r[3]) for r in last)])
        mine, other = (sum(float(r[i]) for r in out) for i in (4, 5))
        out.append(["all", f"{totals[0]:.2f}", f"{totals[1]:.2f}", f"**{totals[0] / totals[1]:.2f}**", f"{mine:.0f}", f"{other:.0f}",
                    *(str(sum(int(r[i]) for r in out)) for i in (6, 7))])
        return out

    def against_trino(self, runs=2):
        """The same queries, one after the other, the last of some rounds: Skep with its cache (the first round: empty), Trino as it is."""
        self.server.stop()
        self.server.lake = Through(self.store, self.near)
        self.server.write_config()
        self.server.start()
        ours, skipped = [], []
        memory = Memory(lambda: [self.server.pid, *children_of(self.server.pid)])
        with self.server.connect() as con:
            con.execute("set enable_result_cache_for_session to off")
            for _ in range(runs):
                ours.append(self.round(lambda q: con.execute(q).fetchall(), skipped))
        mine = memory.stop()
        self.server.stop()
        self.server.start()
        trino = trino_support.Trino(self.folder / "trino", {
            "connector.name": "hive", "hive.metastore": "glue", "hive.metastore.glue.region": REGION,
            "hive.metastore.glue.endpoint-url": f"http://127.0.0.1:{self.server.http_port}", "hive.metastore.glue.catalogid": ACCOUNT,
            "hive.metastore.glue.aws-access-key": self.api.access_key, "hive.metastore.glue.aws-secret-key": self.api.secret_key,
            "fs.native-s3.enabled": "true", "s3.endpoint": self.store.endpoint, "s3.region": REGION, "s3.path-style-access": "true",
            "s3.aws-access-key": self.store.access_key, "s3.aws-secret-key": self.store.secret_key}, memory="3g", query_memory="2GB").start()
        theirs = []
        try:
            memory = Memory(lambda: [trino.pid])
            for _ in range(runs):
                theirs.append(self.round(lambda q: trino.query(q, schema=DATABASE), skipped))
            other = memory.stop()
        finally:
            trino.stop()
        for side in ours + theirs:
            for name in skipped:
                side.pop(name, None)
        return ours, theirs, mine, other, skipped

    def round(self, run, skipped):
        times = {}
        for name, query in self.queries:
            start = time.perf_counter()
            try:
                run(query)
            except RuntimeError as error:
                print(f"Trino does not run {name}: {str(error)[:200]}")
                skipped.append(name)
            times[name] = time.perf_counter() - start
        return times


def run(folder, table, cache, tpch_file, tpch_queries):
    queries = [(f"Q{i}", q.strip().rstrip(";")) for i, q in enumerate(tpch_queries, 1)] + [(f"hits {i}", q) for i, q in enumerate(HITS_QUERIES)]
    queries = [q for q in queries if re.fullmatch(os.environ.get("COLD_QUERIES", ".*"), q[0])]
    bench = Bench(folder, data(cache, tpch_file), queries)
    head = ["query", "Skep s", "httpfs s", "ratio", "Skep MB", "httpfs MB", "Skep requests", "httpfs requests"]
    try:
        if os.environ.get("COLD_ONLY") != "trino":
            table("Cold external Parquet, S3 server beside it", head, bench.cold(bench.near, int(os.environ.get("COLD_RUNS", "3"))))
            table("The same with 20 ms before each request (1 run)", head, bench.cold(bench.far, 1))
        if os.environ.get("COLD_ONLY") == "cold":
            return
        if trino_support.missing():
            print(trino_support.missing())
            return
        ours, theirs, mine, other, skipped = bench.against_trino()
        rows = [[name, *(f"{side[name]:.3f}" for side in (*ours, *theirs))] for name, _ in queries if name not in skipped]
        a, b, c, d = (sum(side.values()) for side in (*ours, *theirs))
        rows.append(["all", f"{a:.2f}", f"{b:.2f}", f"{c:.2f}", f"{d:.2f}"])
        rows.append(["Trino / Skep cold", "", "", f"**{c / a:.1f}**", f"**{d / a:.1f}**"])
        rows.append(["most memory, MiB", f"{mine:.0f}", "", f"{other:.0f}", f"**{other / mine:.1f}**"])
        table("Trino 476 on the same files: each query once, then again", ["query", "Skep cold s", "Skep again s", "Trino s", "Trino again s"], rows)
    finally:
        bench.stop()
