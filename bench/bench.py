"""The benchmarks of bench/README.md. Each function prints a Markdown table of what it saw."""

import contextlib
import datetime
import json
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "test"))

import cold_scan  # noqa: E402
import crawl  # noqa: E402
import duckdb  # noqa: E402
import functions  # noqa: E402
import psycopg  # noqa: E402

from support.process import wait_until  # noqa: E402
from support.object_store import ObjectStore  # noqa: E402
from support.server import ROLE, Server, User, children_of, run_skep  # noqa: E402

READER = pathlib.Path(os.environ["SKEP_BUILD"]) / "bin/pg_reader"
CACHE = ROOT / ".deps/bench"
EXPORT = "select l_orderkey, l_extendedprice, l_discount_f, l_shipdate, l_comment from lineitem5"
NO_CACHE = "set enable_result_cache_for_session to off"
PG_BIN = pathlib.Path("/usr/lib/postgresql/15/bin")


def median(values):
    return statistics.median(values)


def table(title, head, rows):
    print(f"\n### {title}\n")
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(str(c) for c in row) + " |")
    sys.stdout.flush()


def cpu_seconds(pid):
    """CPU of a process and all below it."""
    total = 0.0
    for p in [pid, *children_of(pid)]:
        with contextlib.suppress(OSError):
            fields = pathlib.Path(f"/proc/{p}/stat").read_text().rpartition(")")[2].split()
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def pss_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


def tpch_file() -> pathlib.Path:
    """TPC-H SF1 and the table of 5 million rows in a database file as a workspace holds it."""
    path = CACHE / "dev.duckdb"
    if path.exists():
        return path
    CACHE.mkdir(parents=True, exist_ok=True)
    building = CACHE / "building.duckdb"
    building.unlink(missing_ok=True)
    extension = next((ROOT / ".deps/duckdb/extensions").glob("tpch*"))
    con = duckdb.connect(str(building), config={"allow_unsigned_extensions": "true"})
    con.execute(f"load '{extension}'")
    con.execute("create schema public")
    con.execute("call dbgen(sf=1, schema='public')")
    con.execute("""create table public.lineitem5 as select l_orderkey, l_extendedprice, (l_discount)::double as l_discount_f, l_shipdate, l_comment
                   from public.lineitem limit 5000000""")
    con.execute("checkpoint")
    con.close()
    building.rename(path)
    return path


def tpch_queries():
    con = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    con.execute(f"load '{next((ROOT / '.deps/duckdb/extensions').glob('tpch*'))}'")
    return [q for _, q in con.execute("from tpch_queries()").fetchall()]


@contextlib.contextmanager
def skep(folder, database=None, settings=None, lake=None):
    server = Server(folder / "skep", lake=lake, settings={"log-level": "warn", **(settings or {})}).init()
    if database:
        target = server.data / "workspaces/default/databases/dev.duckdb"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(database, target)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def postgres(folder):
    """A PostgreSQL 15 cluster: cached in memory, no fsync, no JIT, no parallel workers; as its own user when run by root."""
    data = folder / "pg"
    data.mkdir()
    prefix = []
    if os.getuid() == 0:
        shutil.chown(folder, "postgres")
        os.chmod(folder, 0o755)
        shutil.chown(data, "postgres")
        prefix = ["runuser", "-u", "postgres", "--"]
    subprocess.run([*prefix, PG_BIN / "initdb", "-D", data, "-A", "trust", "-U", "bench", "--no-sync"], check=True, capture_output=True)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                    "/CN=localhost", "-keyout", data / "server.key", "-out", data / "server.crt"], check=True, capture_output=True)
    for name in ("server.key", "server.crt"):
        os.chmod(data / name, 0o600)
        if prefix:
            shutil.chown(data / name, "postgres")
    port = random.randint(20000, 40000)
    options = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "shared_buffers": "2GB", "fsync": "off",
               "jit": "off", "max_parallel_workers_per_gather": 0, "ssl": "on", "max_wal_size": "8GB"}
    with open(data / "postgresql.auto.conf", "a") as f:
        for name, value in options.items():
            f.write(f"{name} = '{value}'\n")
    server = subprocess.Popen([*prefix, PG_BIN / "postgres", "-D", data], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    dsn = f"host=127.0.0.1 port={port} user=bench dbname=postgres"

    def up():
        with contextlib.suppress(psycopg.OperationalError):
            return psycopg.connect(dsn + " sslmode=disable")
        return None

    try:
        wait_until("PostgreSQL being ready", up, 30).close()
        yield dsn, server.pid
    finally:
        server.terminate()
        server.wait()


def load_postgres(dsn, database):
    csv = CACHE / "lineitem5.csv"
    if not csv.exists():
        duckdb.connect(str(database), read_only=True).execute(f"copy public.lineitem5 to '{csv}' (header false)")
    with psycopg.connect(dsn + " sslmode=disable", autocommit=True) as con:
        con.execute("create table lineitem5(l_orderkey int8, l_extendedprice numeric(15,2), l_discount_f float8, l_shipdate date, l_comment varchar)")
        with con.cursor().copy("copy lineitem5 from stdin (format csv)") as copy, open(csv, "rb") as f:
            while chunk := f.read(1 << 20):
                copy.write(chunk)
        con.execute("vacuum (freeze, analyze) lineitem5")
        con.execute("create table nation(n_nationkey int4, n_name char(25), n_regionkey int4)")
        con.execute("insert into nation select i, 'nation ' || i, i % 5 from generate_series(0, 24) i")
        con.execute("analyze nation")


def read(dsn, sql, form, *more):
    done = subprocess.run([READER, dsn, sql, form, *more], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


def bench_tpch(folder):
    database = tpch_file()
    queries = tpch_queries()
    with skep(folder, database) as server, server.connect() as con:
        con.execute(NO_CACHE)
        local_copy = folder / "local.duckdb"
        shutil.copyfile(database, local_copy)
        local = duckdb.connect(str(local_copy), config={"threads": str(os.cpu_count())})
        local.execute("set schema 'public'")
        ours, theirs = [], []
        for run in range(6):
            for side in ("ours", "theirs") if run % 2 else ("theirs", "ours"):
                start = time.perf_counter()
                for query in queries:
                    (con if side == "ours" else local).execute(query).fetchall()
                if run:
                    (ours if side == "ours" else theirs).append(time.perf_counter() - start)
        for number, query in enumerate(queries, 1):
            a, b = con.execute(query).fetchall(), local.execute(query).fetchall()
            assert len(a) == len(b), f"query {number}: {len(a)} rows, in process {len(b)}"
    table("TPC-H SF1, 22 queries, seconds (median of 5)", ["through pgwire", "DuckDB in process", "ratio"],
          [[f"{median(ours):.2f}", f"{median(theirs):.2f}", f"{median(ours) / median(theirs):.2f}"]])


def bench_front(folder):
    """The way from text to the engine's SQL, for each query of TPC-H and TPC-DS."""
    for name, make in (("tpch", "call dbgen(sf=0)"), ("tpcds", "call dsdgen(sf=0)")):
        con = duckdb.connect()
        con.execute(f"load '{ROOT}/.deps/duckdb/extensions/{name}.duckdb_extension'")
        con.execute(make)
        tables = con.execute("select table_name, string_agg(column_name || ' ' || data_type, ', ' order by ordinal_position) "
                             "from information_schema.columns group by 1").fetchall()
        (folder / f"{name}.sql").write_text("".join(f"create table {one} ({columns});\n" for one, columns in tables))
        queries = [text.strip().rstrip(";") for _, text in con.execute(f"from {name}_queries()").fetchall()]
        (folder / f"{name}_queries.sql").write_text(";\n".join(queries))
        done = subprocess.run([READER.with_name("query_front"), folder / f"{name}.sql", folder / f"{name}_queries.sql"],
                              capture_output=True, text=True, check=True)
        print(f"{name}: {done.stdout}", end="")


def bench_functions(folder):
    """Each function over 2 million rows on one thread, beside the engine's nearest. What reading the columns costs is taken off both."""
    path = CACHE / "functions.duckdb"
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        building = CACHE / "building.duckdb"
        building.unlink(missing_ok=True)
        with duckdb.connect(str(building)) as con:
            con.execute("create schema public")
            con.execute("set timezone = 'UTC'")
            con.execute(f"create table public.t as select {functions.COLUMNS} from range({functions.ROWS}) r(i)")
            con.execute("checkpoint")
        building.rename(path)
    local_copy = folder / "local.duckdb"
    shutil.copyfile(path, local_copy)
    rows, failed = [], []
    with skep(folder, path, settings={"worker-threads": "1"}) as server, server.connect() as con:
        con.execute(NO_CACHE)
        local = duckdb.connect(str(local_copy), config={"threads": "1"})
        local.execute("set timezone = 'UTC'")
        local.execute("set schema 'public'")

        def seconds(side, select):
            start = time.perf_counter()
            side.execute(f"select {select}" + ("" if " from (select" in select else " from t")).fetchall()
            return time.perf_counter() - start

        def net(ours, theirs, read, read_here):
            spans = {key: [] for key in ("ours", "theirs", "ours_read", "theirs_read")}
            for _ in range(4):
                for key, side, select in (("ours", con, ours), ("theirs", local, theirs), ("ours_read", con, read), ("theirs_read", local, read_here)):
                    spans[key].append(seconds(side, select))
            best = {key: min(values) for key, values in spans.items()}
            return max(best["ours"] - best["ours_read"], 1e-4), max(best["theirs"] - best["theirs_read"], 1e-4)

        for wrap, pairs in (("min({})", functions.PAIRS), ("{}", functions.AGGREGATES)):
            for name, ours, theirs, columns in pairs:
                # Of text its length, so that comparing it counts as a part of what is measured.
                read = ", ".join(f"min(octet_length({c}))" if c in functions.TEXT else f"min({c})" for c in columns.split(", "))
                read_here = read.replace("octet_length", "strlen")
                try:
                    a, b = net(wrap.format(ours), wrap.format(theirs), read, read_here)
                except (psycopg.Error, duckdb.Error) as error:
                    failed.append(f"{name}: {str(error).splitlines()[0]}")
                    continue
                rows.append((name, a, b))
    rows.sort(key=lambda row: row[1] / row[2], reverse=True)
    table(f"Functions over {functions.ROWS:,} rows, one thread, ms without reading the columns (best of 4)", ["function", "Skep", "DuckDB", "ratio"],
          [[name, f"{a * 1e3:.1f}", f"{b * 1e3:.1f}", f"{a / b:.2f}"] for name, a, b in rows])
    over = [name for name, a, b in rows if a > 3 * b and a - b > 0.005]
    print(f"\nslower than 3 times, by more than 5 ms: {', '.join(over) or 'none'}")
    if failed:
        sys.exit("failed: " + "; ".join(failed))


def bench_export(folder):
    database = tpch_file()
    with skep(folder, database) as server, postgres(folder) as (pg, pg_pid):
        load_postgres(pg, database)
        rows = []
        for name, form, ours_tls, theirs_tls in (("text", "text", "disable", "disable"), ("text, TLS", "text", "require", "require"),
                                                 ("binary", "binary", "disable", "disable")):
            ours, theirs, cpu_ours, cpu_theirs, first = [], [], 0.0, 0.0, []
            for run in range(6):
                before = cpu_seconds(server.pid)
                mine = read(server.dsn(sslmode=ours_tls), EXPORT, form)[0]
                cpu_ours += cpu_seconds(server.pid) - before if run else 0
                before = cpu_seconds(pg_pid)
                other = read(f"{pg} sslmode={theirs_tls}", EXPORT, form)[0]
                cpu_theirs += cpu_seconds(pg_pid) - before if run else 0
                assert mine["rows"] == other["rows"] == 5_000_000, (mine, other)
                if run:
                    ours.append(mine["seconds"])
                    theirs.append(other["seconds"])
                    first.append(mine["first_row_seconds"] * 1000)
            rows.append([name, f"{median(ours):.2f}", f"{median(theirs):.2f}", f"**{median(theirs) / median(ours):.1f}**",
                         f"{cpu_ours / 5:.2f}", f"{median(first):.1f}"])
        table("5 million rows × 5 columns, seconds (median of 5)",
              ["form", "Skep", "PostgreSQL 15", "times its rows/s", "Skep's CPU s", "first row ms"], rows)
        a = read(server.dsn(), EXPORT, "text", "--hash")[0]["hash"]
        b = read(f"{pg} sslmode=disable", EXPORT, "text", "--hash")[0]["hash"]
        print(f"\nText of all rows byte-identical to PostgreSQL's: {'yes' if a == b else f'NO ({a} / {b})'}")


def pgbench(dsn, script, mode, folder, transactions=4000):
    folder.mkdir(exist_ok=True)
    for old in folder.glob("pgbench_log*"):
        old.unlink()
    (folder / "script.sql").write_text(script)
    done = subprocess.run(["pgbench", "-n", "-f", str(folder / "script.sql"), "-M", mode, "-c", "1", "-t", str(transactions), "-l", dsn],
                          cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    micros = sorted(int(line.split()[2]) for log in folder.glob("pgbench_log*") for line in log.read_text().splitlines())
    return micros[len(micros) // 2], micros[len(micros) * 99 // 100]


def bench_latency(folder):
    os.environ["PATH"] = f"{PG_BIN}:{os.environ['PATH']}"
    with skep(folder, tpch_file()) as server, postgres(folder) as (pg, _):
        load_postgres(pg, tpch_file())
        ours = server.dsn()
        computed = server.dsn(options="-c enable_result_cache_for_session=off")
        theirs = f"{pg} sslmode=disable"
        point = "\\set k random(0, 24)\nselect n_name from nation where n_nationkey = :k;\n"
        rows = []
        for name, dsn, script, mode, limit in (
                ("select 1, simple", ours, "select 1;\n", "simple", 1.5), ("select 1, extended", ours, "select 1;\n", "extended", 1.5),
                ("select 1, prepared", ours, "select 1;\n", "prepared", 1.5), ("point query, prepared", ours, point, "prepared", 2.0),
                ("point query, simple", ours, point, "simple", None), ("point query, prepared, result cache off", computed, point, "prepared", None),
                ("point query, simple, result cache off", computed, point, "simple", None)):
            mine, other = [], []
            for run in range(4):
                a, b = pgbench(dsn, script, mode, folder / "logs"), pgbench(theirs, script, mode, folder / "logs")
                if run:
                    mine.append(a)
                    other.append(b)
            m, o = median([x[0] for x in mine]), median([x[0] for x in other])
            rows.append([name, f"{m:.0f} / {median([x[1] for x in mine]):.0f}", f"{o:.0f} / {median([x[1] for x in other]):.0f}", f"{m / o:.2f}",
                         limit or ""])
        table("Round trip of one connection, µs p50 / p99 (pgbench, median of 3)", ["statement", "Skep", "PostgreSQL 15", "ratio of p50", "at most"], rows)


def bench_cold(folder):
    rows = []
    for name, prefork in (("a process forked ahead", "1"), ("forked when asked", "0")):
        with skep(folder / prefork, tpch_file(), {"worker-prefork": prefork, "worker-idle-timeout": "100ms"}) as server, server.connect() as con:
            spare = int(prefork)
            times = []
            for run in range(31):
                wait_until("the worker being put to sleep", lambda: len(server.workers()) == spare, 30)
                start = time.perf_counter()
                con.execute("select count(*) from lineitem").fetchall()
                if run:
                    times.append((time.perf_counter() - start) * 1000)
            times.sort()
            rows.append([name, f"{median(times):.0f}", f"{times[-2]:.0f}"])
    table("No worker to the answer of select count(*) on 300 MB, ms (30 runs)", ["worker", "p50", "p95"], rows)


def bench_cancel(folder):
    rows = []
    with skep(folder, tpch_file()) as server:
        for name, sql, reads in (("computing", "select count(*) from lineitem a, lineitem b where a.l_comment > b.l_comment", True),
                                 ("sorting", "select * from lineitem order by l_comment, l_partkey", True)):
            times = []
            for _ in range(7):
                with server.connect() as con:
                    moment = []

                    def cancel():
                        time.sleep(0.4)
                        moment.append(time.perf_counter())
                        con.cancel()

                    thread = threading.Thread(target=cancel)
                    thread.start()
                    try:
                        con.execute(sql)
                        raise AssertionError("not cancelled")
                    except psycopg.errors.QueryCanceled:
                        times.append((time.perf_counter() - moment[0]) * 1000)
                    thread.join()
            rows.append([name, f"{median(times):.0f}", f"{max(times):.0f}"])
        times = []
        for _ in range(7):
            con = stalled_client(server)
            time.sleep(0.4)
            moment = time.perf_counter()
            con.cancel()
            while True:  # reads what was on its way, then the error
                con.pgconn.consume_input()
                if not con.pgconn.is_busy():
                    result = con.pgconn.get_result()
                    assert result.status == psycopg.pq.ExecStatus.FATAL_ERROR, result.status
                    break
            times.append((time.perf_counter() - moment) * 1000)
            con.close()
        rows.append(["its client does not read", f"{median(times):.0f}", f"{max(times):.0f}"])
    table("Cancel to error, ms (7 runs)", ["statement", "median", "most"], rows)


def stalled_client(server):
    """A client that asks for the big result and then does not read."""
    con = server.connect()
    con.pgconn.send_query(EXPORT.encode())
    con.pgconn.flush()
    return con


def bench_stalled(folder):
    with skep(folder, tpch_file()) as server, server.connect() as con:
        con.execute(NO_CACHE)
        con.execute("select count(*) from lineitem").fetchall()
        worker = next(w for w in server.workers() if pss_mib(w) > 20 or True)
        workers = server.workers()

        def threads():
            return sum(len(list(pathlib.Path(f"/proc/{w}/task").iterdir())) for w in workers)

        def rss():
            return sum(pss_mib(p) for p in [server.pid, *workers])

        def timed():
            times = []
            for _ in range(7):
                start = time.perf_counter()
                con.execute("select sum(l_extendedprice * l_discount), max(l_comment) from lineitem").fetchall()
                times.append((time.perf_counter() - start) * 1000)
            return median(times)

        quiet, memory, before = timed(), rss(), threads()
        stalled = [stalled_client(server) for _ in range(8)]
        time.sleep(3)
        cpu = cpu_seconds(server.pid)
        time.sleep(2)
        idle_cpu = (cpu_seconds(server.pid) - cpu) / 2
        loud, memory_after, after = timed(), rss(), threads()
        table("Eight clients that stop reading a 300 MB result", ["", "before", "with them"],
              [["another statement, ms", f"{quiet:.0f}", f"{loud:.0f}"], ["memory of gateway and worker, MiB PSS", f"{memory:.0f}", f"{memory_after:.0f}"],
               ["per stalled client, MiB", "", f"{(memory_after - memory) / 8:.1f}"], ["threads of the worker", before, after],
               ["CPU while nothing else runs, s/s", "", f"{idle_cpu:.3f}"]])
        for other in stalled:
            other.close()
        del worker


def bench_memory(folder):
    rows = []
    for name, mode in (("plain", "disable"), ("TLS", "require")):
        with skep(folder / mode, None, {"pgwire-max-connections": "2000"}) as server:
            empty = pss_mib(server.pid)
            connections = [psycopg.connect(server.dsn(sslmode=mode)) for _ in range(1000)]
            rows.append([f"gateway with 1,000 idle connections, {name}", f"{pss_mib(server.pid):.0f}", f"{empty:.0f} without"])
            for con in connections:
                con.close()
    count = 20
    with contextlib.ExitStack() as stack:
        server = Server(folder / "idle", settings={"log-level": "warn", "worker-prefork": "0"}).init()
        for n in range(count):
            run_skep("workspace", "add", f"w{n}", data_dir=server.data)
            run_skep("user", "add", "bench", "--workspace", f"w{n}", "--password-stdin", data_dir=server.data, text_in="Bench0Password")
        server.start()
        stack.callback(server.stop)
        for n in range(count):
            dsn = server.dsn(User("bench", "Bench0Password"), options=f"-c workgroup=w{n}")
            with psycopg.connect(dsn, autocommit=True) as con:
                con.execute("create table t as select i as a from generate_series(1, 1000) t(i)")
                con.execute("select sum(a) from t")
        time.sleep(1)
        each = [pss_mib(w) for w in server.workers()]
        assert len(each) == count, each
        rows.append([f"each of {count} idle workers", f"{sum(each) / count:.1f}", f"{max(each):.1f} the largest"])
    table("Memory, MiB PSS", ["what", "MiB", ""], rows)


LAKE_QUERIES = [
    "select count(*), sum(l_quantity), avg(l_discount) from {t} where l_shipdate < date '1995-01-01'",
    "select l_returnflag, l_linestatus, sum(l_extendedprice), count(*) from {t} group by 1, 2 order by 1, 2",
    "select sum(l_extendedprice * l_discount) from {t} where l_discount between 0.05 and 0.07 and l_quantity < 24",
    "select l_shipmode, count(distinct l_orderkey) from {t} where l_comment like '%express%' group by 1 order by 1",
    "select max(l_comment), min(l_comment) from {t}",
]


def bench_lake(folder):
    """TPC-H SF1's lineitem as Parquet: in an object store through an external schema, and as the same files read by the engine in process."""
    files = CACHE / "lineitem"
    if not files.exists():
        files.mkdir(parents=True)
        source = duckdb.connect(str(tpch_file()), read_only=True)
        for part in range(4):
            source.execute(f"copy (from public.lineitem where l_orderkey % 4 = {part}) to '{files}/part-{part}.parquet'")
    store = ObjectStore(folder / "s3")
    store.start()
    try:
        with skep(folder, None, lake=store) as server, server.connect() as con:
            store.client().create_bucket(Bucket="bench")
            store.put_folder("bench", "lineitem/", files)
            glue = server.client("glue", server.add_user("api", superuser=True, access_key=True))
            glue.create_database(DatabaseInput={"Name": "bench"})
            glue.create_crawler(Name="bench", Role=ROLE, DatabaseName="bench", Targets={"S3Targets": [{"Path": "s3://bench/lineitem/"}]})
            glue.start_crawler(Name="bench")
            wait_until("the crawl ending", lambda: glue.get_crawler(Name="bench")["Crawler"]["State"] == "READY", 60)
            con.execute(f"create external schema ext from data catalog database 'bench' iam_role '{ROLE}'")
            local = duckdb.connect(config={"threads": str(os.cpu_count())})
            local.execute("set parquet_metadata_cache = false")
            rows, total = [], [0.0, 0.0]
            for number, query in enumerate(LAKE_QUERIES, 1):
                ours, theirs, wall_ours, wall_theirs = [], [], [], []
                for run in range(6):
                    before, start = cpu_seconds(server.pid), time.perf_counter()
                    a = con.execute(query.format(t="ext.lineitem")).fetchall()
                    wall, cpu = time.perf_counter() - start, cpu_seconds(server.pid) - before
                    clock, start = time.process_time(), time.perf_counter()
                    b = local.execute(query.format(t=f"read_parquet('{files}/*.parquet')")).fetchall()
                    if run:
                        ours.append(cpu)
                        theirs.append(time.process_time() - clock)
                        wall_ours.append(wall)
                        wall_theirs.append(time.perf_counter() - start)
                    assert len(a) == len(b), (query, len(a), len(b))
                total[0] += sum(ours)
                total[1] += sum(theirs)
                rows.append([number, f"{sum(ours) / 5:.3f}", f"{sum(theirs) / 5:.3f}", f"{sum(ours) / sum(theirs):.2f}", f"{median(wall_ours):.3f}",
                             f"{median(wall_theirs):.3f}"])
            rows.append(["all", f"{total[0] / 5:.3f}", f"{total[1] / 5:.3f}", f"**{total[0] / total[1]:.2f}**", "", ""])
    finally:
        store.stop()
    table("External Parquet with a warm cache: CPU s of gateway and worker, and of read_parquet on local files (mean of 5)",
          ["query", "Skep CPU s", "in process CPU s", "ratio", "Skep wall s", "in process wall s"], rows)


LINEITEM = """l_orderkey bigint, l_partkey bigint, l_suppkey bigint, l_linenumber bigint, l_quantity decimal(15,2), l_extendedprice decimal(15,2),
        l_discount decimal(15,2), l_tax decimal(15,2), l_returnflag varchar(1), l_linestatus varchar(1), l_shipdate date, l_commitdate date,
        l_receiptdate date, l_shipinstruct varchar(25), l_shipmode varchar(10), l_comment varchar(44)"""


def bench_copy(folder):
    """lineitem of SF1 as CSV (some 0.75 GB) from an S3 server, in one object and in eight; DuckDB's and PostgreSQL's own from local files."""
    columns = LINEITEM
    csv = CACHE / "lineitem.csv"
    if not csv.exists():
        duckdb.connect(str(tpch_file()), read_only=True).execute(f"copy public.lineitem to '{csv}' (header false)")
    lake = ObjectStore(folder / "s3").start()
    client = lake.client()
    client.create_bucket(Bucket="bench")
    client.upload_file(str(csv), "bench", "one/lineitem.csv")
    lines = csv.read_bytes().splitlines(keepends=True)
    for part in range(8):
        client.put_object(Bucket="bench", Key=f"eight/{part}", Body=b"".join(lines[part::8]))
    del lines
    rows = []
    with skep(folder, lake=lake) as server, postgres(folder) as (pg, _), server.connect() as con, psycopg.connect(pg + " sslmode=disable", autocommit=True) as other:
        def ours(key):
            con.execute(f"create table t ({columns})")
            start, before = time.perf_counter(), cpu_seconds(server.pid)
            con.execute(f"copy t from 's3://bench/{key}/' iam_role '{ROLE}' csv")
            spent = time.perf_counter() - start, cpu_seconds(server.pid) - before
            assert con.execute("select count(*) from t").fetchone() == (6001215,)
            con.execute("drop table t")
            return spent

        def engine():
            path = folder / "local.duckdb"
            path.unlink(missing_ok=True)
            with duckdb.connect(str(path)) as local:
                local.execute("set preserve_insertion_order = false")
                local.execute(f"create table t ({columns})")
                start, before = time.perf_counter(), time.process_time()
                local.execute(f"insert into t select * from read_csv('{csv}', header = false, auto_detect = false, columns = "
                              + "{" + ", ".join(f"'{c.split()[0]}': '{c.strip().split(' ', 1)[1]}'" for c in columns.replace("(15,2)", "(15;2)").split(",")).replace(";", ",") + "})")
                return time.perf_counter() - start, time.process_time() - before

        def theirs():
            other.execute(f"create table t ({columns})")
            start = time.perf_counter()
            with other.cursor().copy("copy t from stdin (format csv)") as copy, open(csv, "rb") as file:
                while block := file.read(1 << 20):
                    copy.write(block)
            spent = time.perf_counter() - start
            other.execute("drop table t")
            return spent, 0.0

        spans = {"Skep, one object": [], "Skep, eight objects": [], "DuckDB, read_csv": [], "PostgreSQL, COPY": []}
        for _ in range(3):
            for name, run in (("Skep, one object", lambda: ours("one")), ("DuckDB, read_csv", engine), ("Skep, eight objects", lambda: ours("eight"))):
                spans[name].append(run())
        spans["PostgreSQL, COPY"].append(theirs())
        base = median([s for s, _ in spans["DuckDB, read_csv"]])
        for name, seen in spans.items():
            seconds, cpu = median([s for s, _ in seen]), median([c for _, c in seen])
            rows.append([name, f"{seconds:.2f}", f"{cpu:.2f}" if cpu else "", f"{base / seconds:.2f}"])
    lake.stop()
    table(f"COPY of 6 million records, {csv.stat().st_size / 1e6:.0f} MB of CSV (median of 3, PostgreSQL once)",
          ["who", "seconds", "CPU s", "times DuckDB's speed"], rows)


def bench_unload(folder):
    """lineitem of SF1 to an S3 server as CSV and Parquet; DuckDB's COPY to local files, and PostgreSQL's COPY TO."""
    lake = ObjectStore(folder / "s3").start()
    client = lake.client()
    client.create_bucket(Bucket="bench")
    query = "select * from public.lineitem"
    rows, seen = [], {}
    with skep(folder, database=tpch_file(), lake=lake) as server, server.connect() as con:
        def ours(name, options):
            start, before = time.perf_counter(), cpu_seconds(server.pid)
            con.execute(f"unload ('{query}') to 's3://bench/{name}/' iam_role '{ROLE}' {options} allowoverwrite")
            return time.perf_counter() - start, cpu_seconds(server.pid) - before

        local_file = folder / "local.duckdb"
        shutil.copyfile(tpch_file(), local_file)

        def engine(options):
            out = folder / "out"
            shutil.rmtree(out, ignore_errors=True)
            with duckdb.connect(str(local_file), read_only=True) as local:
                local.execute("set preserve_insertion_order = false")
                start, before = time.perf_counter(), time.process_time()
                local.execute(f"copy ({query}) to '{out}' ({options}, per_thread_output true)")
                return time.perf_counter() - start, time.process_time() - before

        runs = {"CSV, Skep": lambda: ours("csv", "csv"), "CSV, DuckDB": lambda: engine("format csv, header false"),
                "Parquet, Skep": lambda: ours("parquet", "parquet"), "Parquet, DuckDB": lambda: engine("format parquet")}
        for _ in range(3):
            for name, run in runs.items():
                seen.setdefault(name, []).append(run())
    lake.stop()
    with postgres(folder) as (pg, _), psycopg.connect(pg + " sslmode=disable", autocommit=True) as other:
        csv = CACHE / "lineitem.csv"
        if not csv.exists():
            duckdb.connect(str(tpch_file()), read_only=True).execute(f"copy public.lineitem to '{csv}' (header false)")
        other.execute(f"create table t ({LINEITEM})")
        with other.cursor().copy("copy t from stdin (format csv)") as copy, open(csv, "rb") as file:
            while block := file.read(1 << 20):
                copy.write(block)
        for _ in range(3):
            start = time.perf_counter()
            with other.cursor().copy("copy t to stdout (format csv)") as copy, open(folder / "pg.csv", "wb") as file:
                for block in copy:
                    file.write(block)
            seen.setdefault("CSV, PostgreSQL", []).append((time.perf_counter() - start, 0.0))
    for name, spans in seen.items():
        base = median([s for s, _ in seen[name.split(",")[0] + ", DuckDB"]])
        seconds, cpu = median([s for s, _ in spans]), median([c for _, c in spans])
        rows.append([name, f"{seconds:.2f}", f"{cpu:.2f}" if cpu else "", f"{base / seconds:.2f}"])
    table("UNLOAD of 6 million rows (median of 3)", ["what, who", "seconds", "CPU s", "times DuckDB's speed"], rows)


GLUE_EXPRESSIONS = [
    ("the leading keys", "year = 2018 and month = 7 and day = 9"), ("a leading key and a late one", "year = 2018 and day = 31 and hour = 5"),
    ("a range and a list", "year between 2017 and 2018 and month in (2, 3) and day = 1 and hour < 3"),
    ("late keys alone", "day = 31 and hour = 23"), ("a date as text, of 4,167", "dt = '2018-07-09'"),
    ("a range of dates as text", "dt between '2018-07-09' and '2018-07-10'"), ("nothing", "year = 1900"),
]


def bench_glue(folder):
    """100,000 hourly partitions: made in batches of 100 by one client, then found by expressions (all pages)."""
    columns = [{"Name": f"column_{i}", "Type": "string"} for i in range(10)]
    storage = {"Columns": columns, "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
               "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
               "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"}}
    hours = [datetime.datetime(2013, 1, 1) + datetime.timedelta(hours=h) for h in range(100_000)]
    made, found = [], []
    with skep(folder) as server:
        glue = server.client("glue", server.add_user("api", superuser=True, access_key=True))
        glue.create_database(DatabaseInput={"Name": "bench"})
        for name, keys, values in (("hourly", ["year", "month", "day", "hour"], lambda t: [str(t.year), str(t.month), str(t.day), str(t.hour)]),
                                   ("dated", ["dt", "hour"], lambda t: [t.strftime("%Y-%m-%d"), str(t.hour)])):
            glue.create_table(DatabaseName="bench", TableInput={
                "Name": name, "StorageDescriptor": storage, "PartitionKeys": [{"Name": k, "Type": "string" if k == "dt" else "int"} for k in keys]})
            at = {"DatabaseName": "bench", "TableName": name}
            inputs = [{"Values": values(t), "StorageDescriptor": {**storage, "Location": f"s3://bench/{name}/" + "/".join(values(t)) + "/"}} for t in hours]
            cpu, start = cpu_seconds(server.pid), time.perf_counter()
            for i in range(0, len(inputs), 100):
                assert not glue.batch_create_partition(**at, PartitionInputList=inputs[i:i + 100]).get("Errors")
            seconds = time.perf_counter() - start
            made.append([name, f"{len(inputs) / seconds:.0f}", f"{len(inputs) / (cpu_seconds(server.pid) - cpu):.0f}"])
        for name, expression in GLUE_EXPRESSIONS:
            at = {"DatabaseName": "bench", "TableName": "dated" if "dt " in expression else "hourly"}
            times, rows, cpu = [], 0, cpu_seconds(server.pid)
            for _ in range(21):
                start = time.perf_counter()
                rows = sum(len(p["Partitions"]) for p in glue.get_paginator("get_partitions").paginate(**at, Expression=expression))
                times.append((time.perf_counter() - start) * 1000)
            found.append([name, expression, rows, f"{median(times):.1f}", f"{max(times):.1f}", f"{(cpu_seconds(server.pid) - cpu) * 1000 / 21:.1f}"])
    table("BatchCreatePartition, batches of 100", ["table", "partitions/s", "partitions per CPU s of the gateway"], made)
    table("GetPartitions of 100,000, ms of the client (21 runs)", ["what", "expression", "found", "median", "most", "CPU ms of the gateway"], found)


def bench_crawl(folder):
    """Upload to queryable by events, 10,000 small files, an unchanged lake."""
    crawl.run(folder, table)


def bench_cold_scan(folder):
    """TPC-H and ClickBench's questions over Parquet on an S3 server with empty caches: httpfs in process, and Trino."""
    cold_scan.run(folder, table, CACHE, tpch_file(), tpch_queries())


BENCHES = {n.removeprefix("bench_"): f for n, f in list(globals().items()) if n.startswith("bench_")}


def main():
    names = sys.argv[1:] or list(BENCHES)
    for name in names:
        if name not in BENCHES:
            sys.exit(f"no benchmark {name}; there are: {', '.join(BENCHES)}")
    print(f"{os.cpu_count()} cores, kernel {os.uname().release}, DuckDB {duckdb.__version__}")
    for name in names:
        with tempfile.TemporaryDirectory(prefix="skep-bench-") as folder:
            BENCHES[name](pathlib.Path(folder))


main()
