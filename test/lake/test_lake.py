"""Files in object storage: uploaded, crawled into the catalog, read in place through an external schema."""

import time

import duckdb
import psycopg
import pytest


@pytest.fixture(scope="module")
def demo_lake(server, lake, demo_data, api_user):
    """The demo data in one bucket, crawled, bound to an external schema: (bucket, Glue database, schema)."""
    from support.process import wait_until
    from support.server import ROLE
    bucket, database, schema = "demo-lake", "demo_lake", "demo"
    lake.client().create_bucket(Bucket=bucket)
    for name in ("airports", "weather", "earthquakes", "flights"):
        lake.put_folder(bucket, f"{name}/", demo_data / name)
    glue = server.client("glue", api_user)
    glue.create_database(DatabaseInput={"Name": database})
    targets = [{"Path": f"s3://{bucket}/{n}/"} for n in ("airports", "weather", "earthquakes", "flights")]
    glue.create_crawler(Name="demo", Role=ROLE, DatabaseName=database, Targets={"S3Targets": targets})
    glue.start_crawler(Name="demo")
    crawled = wait_until("the crawl ending", lambda: (c := glue.get_crawler(Name="demo")["Crawler"])["State"] == "READY" and c, 90, 0.1)
    assert crawled["LastCrawl"]["Status"] == "SUCCEEDED", crawled
    with server.connect() as admin:
        admin.execute(f"create external schema {schema} from data catalog database '{database}' iam_role '{ROLE}'")
    return bucket, database, schema


@pytest.fixture(scope="module")
def truth(demo_data):
    """The same questions asked of the same files by the engine itself."""
    engine = duckdb.connect()
    engine.execute(f"create view flights as from read_parquet('{demo_data}/flights/**/*.parquet', hive_partitioning = true)")
    engine.execute(f"create view airports as from read_csv('{demo_data}/airports/airports.csv')")
    engine.execute(f"create view weather as from read_csv('{demo_data}/weather/weather.csv')")
    engine.execute(f"create view earthquakes as from read_json('{demo_data}/earthquakes/earthquakes.json')")
    return engine


def columns(glue, database, table):
    got = glue.get_table(DatabaseName=database, Name=table)["Table"]
    return ({c["Name"]: c["Type"] for c in got["StorageDescriptor"]["Columns"]}, [(k["Name"], k["Type"]) for k in got["PartitionKeys"]])


def test_the_crawler_infers_tables_types_and_partitions(glue, demo_lake):
    _, database, _ = demo_lake
    assert {t["Name"] for t in glue.get_tables(DatabaseName=database)["TableList"]} == {"airports", "weather", "earthquakes", "flights"}
    flights, keys = columns(glue, database, "flights")
    assert [k[0] for k in keys] == ["year", "month"]
    assert flights == {"departure": "timestamp", "delay": "bigint", "distance": "bigint", "origin": "string", "destination": "string"}
    airports, _ = columns(glue, database, "airports")
    assert airports["iata"] == "string" and airports["latitude"] == "double"
    quakes, _ = columns(glue, database, "earthquakes")
    assert quakes["magnitude"] == "double" and quakes["tsunami"] == "boolean" and quakes["time_ms"] == "bigint"
    partitions = glue.get_partitions(DatabaseName=database, TableName="flights")["Partitions"]
    assert sorted(p["Values"] for p in partitions) == [["2001", f"{m:02}"] for m in range(1, 8)]


@pytest.mark.parametrize("query", [
    "select count(*), sum(distance), min(departure), max(departure) from {s}flights",
    "select origin, count(*) from {s}flights where month = 3 group by origin order by 2 desc, 1 limit 10",
    "select count(*), round(sum(latitude), 3) from {s}airports where state = 'CA'",
    "select location, max(temp_max), min(temp_min) from {s}weather group by location order by location",
    "select count(*), max(magnitude), sum(case when tsunami then 1 else 0 end) from {s}earthquakes",
    "select a.state, count(*) from {s}flights f join {s}airports a on f.origin = a.iata where f.year = 2001 and f.month = 1 "
    "group by a.state order by 2 desc, 1 limit 5",
    "select count(*) from {s}flights where delay is null or delay > 120",
])
def test_answers_are_those_of_the_engine_on_local_files(connection, demo_lake, truth, query):
    ours = connection.execute(query.format(s=demo_lake[2] + ".")).fetchall()
    theirs = truth.execute(query.format(s="")).fetchall()
    assert [[float(v) if isinstance(v, (int, float)) or hasattr(v, "as_tuple") else v for v in r] for r in ours] == \
           [[float(v) if isinstance(v, (int, float)) or hasattr(v, "as_tuple") else v for v in r] for r in theirs]


def test_a_managed_table_joins_with_files(connection, demo_lake, schema, truth):
    connection.execute(f"create table {schema}.carriers (iata varchar(4), hub boolean)")
    connection.execute(f"insert into {schema}.carriers values ('ATL', true), ('LAS', false)")
    got = connection.execute(
        f"select c.hub, count(*) from {demo_lake[2]}.flights f join {schema}.carriers c on f.origin = c.iata group by 1 order by 1").fetchall()
    assert got == truth.execute("select origin = 'ATL', count(*) from flights where origin in ('ATL', 'LAS') group by 1 order by 1").fetchall()


def test_a_managed_table_is_loaded_from_files(connection, demo_lake, schema):
    connection.execute(f"create table {schema}.loaded as select * from {demo_lake[2]}.airports")
    assert connection.execute(f"select count(*) from {schema}.loaded").fetchone() == \
        connection.execute(f"select count(*) from {demo_lake[2]}.airports").fetchone()


def test_path_and_size_name_the_file_of_each_row(connection, demo_lake):
    bucket, _, schema = demo_lake
    rows = connection.execute(f'select distinct "$path", "$size" from {schema}.flights where month in (2, 5) order by 1').fetchall()
    assert [r[0] for r in rows] == [f"s3://{bucket}/flights/year=2001/month={m}/part-0000.parquet" for m in ("02", "05")]
    assert all(r[1] > 1_000_000 for r in rows)


def test_star_does_not_show_path_and_size(connection, demo_lake):
    names = [c.name for c in connection.execute(f"select * from {demo_lake[2]}.flights limit 0").description]
    assert names == ["departure", "delay", "distance", "origin", "destination", "year", "month"]


def test_partitions_are_pruned_before_any_file_is_listed(own_server, demo_data):
    """A partition whose files are gone does no harm as long as a predicate keeps it out."""
    own = own_server(lake=True)
    user = own.add_user("api", superuser=True, access_key=True)
    own.lake.client().create_bucket(Bucket="pruned")
    own.lake.put_folder("pruned", "flights/", demo_data / "flights")
    schema = crawled_schema(own, user, "pruned", "flights/")
    with own.connect() as db:
        whole = db.execute(f"select count(*) from {schema}.flights where month = 3").fetchone()
        for month in ("01", "02", "04", "05", "06", "07"):
            own.lake.put("pruned", f"flights/year=2001/month={month}/part-0000.parquet", b"this is no parquet")
        assert db.execute(f"select count(*) from {schema}.flights where month = 3").fetchone() == whole
        with pytest.raises(psycopg.Error):
            db.execute(f"select sum(distance) from {schema}.flights").fetchone()


def test_explain_shows_the_scan_and_its_filter(connection, demo_lake):
    plan = "\n".join(r[0] for r in connection.execute(f"explain select count(*) from {demo_lake[2]}.flights where month = 3 and delay > 60"))
    assert "flights" in plan.lower() and "delay" in plan.lower()


def test_a_new_file_is_seen_by_the_next_statement(connection, lake, bucket, crawl, external_schema):
    lake.put(bucket, "t/a.csv", "id,name\n1,one\n2,two\n")
    schema = external_schema(crawl(f"s3://{bucket}/t/"))
    assert connection.execute(f"select count(*) from {schema}.t").fetchone() == (2,)
    lake.put(bucket, "t/b.csv", "id,name\n3,three\n")
    assert connection.execute(f"select id, name from {schema}.t order by id").fetchall() == [(1, "one"), (2, "two"), (3, "three")]


def test_hidden_files_and_markers_are_ignored(connection, lake, bucket, crawl, external_schema):
    lake.put(bucket, "t/a.csv", "id,name\n1,one\n")
    for name in ("_SUCCESS", ".hidden.csv", "_temporary/x.csv"):
        lake.put(bucket, f"t/{name}", "garbage,,\n")
    schema = external_schema(crawl(f"s3://{bucket}/t/"))
    assert connection.execute(f"select count(*) from {schema}.t").fetchone() == (1,)


# Bad input.


def crawled_schema(own, user, bucket, prefix, name="ext"):
    from support.process import wait_until
    from support.server import ROLE
    glue = own.client("glue", user)
    glue.create_database(DatabaseInput={"Name": f"db_{name}"})
    glue.create_crawler(Name=name, Role=ROLE, DatabaseName=f"db_{name}", Targets={"S3Targets": [{"Path": f"s3://{bucket}/{prefix}"}]})
    glue.start_crawler(Name=name)
    done = wait_until("the crawl ending", lambda: (c := glue.get_crawler(Name=name)["Crawler"])["State"] == "READY" and c, 60, 0.1)
    assert done["LastCrawl"]["Status"] == "SUCCEEDED", done
    with own.connect() as db:
        db.execute(f"create external schema {name} from data catalog database 'db_{name}' iam_role '{ROLE}'")
    return name


def fails(db, sql, *sqlstates):
    with pytest.raises(psycopg.Error) as caught:
        db.execute(sql).fetchall()
    assert caught.value.sqlstate in sqlstates, caught.value
    assert db.execute("select 1").fetchone() == (1,)
    return caught.value


def test_corrupt_parquet_fails_with_a_data_error_that_names_the_file(connection, lake, bucket, crawl, external_schema):
    data = duckdb.connect()
    lake.put(bucket, "t/a.parquet", parquet_of(data, "select range as a from range(1000)"))
    schema = external_schema(crawl(f"s3://{bucket}/t/"))
    whole = parquet_of(data, "select range as a, repeat('x', 50) as b from range(100000)")
    for bad in (b"PAR1 not parquet at all", whole[: len(whole) // 2], whole[:-20] + b"\xff" * 20, whole[:4] + bytes(2000) + whole[2004:]):
        lake.put(bucket, "t/a.parquet", bad)
        with pytest.raises(psycopg.Error) as caught:
            connection.execute(f"select sum(a) from {schema}.t").fetchall()
        assert caught.value.sqlstate not in ("XX000", "57P02", "58000"), caught.value
        assert connection.execute("select 1").fetchone() == (1,)


def test_an_empty_object_has_no_rows(connection, lake, bucket, crawl, external_schema):
    lake.put(bucket, "t/a.parquet", parquet_of(duckdb.connect(), "select range as a from range(1000)"))
    schema = external_schema(crawl(f"s3://{bucket}/t/"))
    lake.put(bucket, "t/b.parquet", b"")
    assert connection.execute(f"select count(*) from {schema}.t").fetchone() == (1000,)


def test_a_csv_value_of_the_wrong_type_is_an_error_or_null_and_the_server_lives(connection, lake, bucket, crawl, external_schema):
    lake.put(bucket, "t/a.csv", "id,name\n" + "".join(f"{i},n{i}\n" for i in range(100)))
    schema = external_schema(crawl(f"s3://{bucket}/t/"))
    lake.put(bucket, "t/a.csv", "id,name\n1,one\nnot a number,two\n3\n4,four,too,many\n\"unterminated,5\n")
    try:
        connection.execute(f"select id from {schema}.t").fetchall()
    except psycopg.Error as error:
        assert error.sqlstate[:2] in ("22", "XX") and error.sqlstate != "XX000", error
    assert connection.execute("select 1").fetchone() == (1,)


def test_a_role_that_does_not_trust_the_workspace_is_refused(connection, lake, bucket, crawl, external_schema):
    from support.server import UNKNOWN_ROLE, UNTRUSTING_ROLE
    lake.put(bucket, "t/a.csv", "id\n1\n")
    database = crawl(f"s3://{bucket}/t/")
    for role in (UNTRUSTING_ROLE, UNKNOWN_ROLE):
        try:
            schema = external_schema(database, role)
        except psycopg.Error as refused:
            assert refused.sqlstate in ("42501", "28000", "42704"), refused
            continue
        fails(connection, f"select * from {schema}.t", "42501", "28000", "42704")


def test_an_s3_server_that_is_down_fails_the_statement_and_comes_back(own_server):
    own = own_server(lake=True)
    user = own.add_user("api", superuser=True, access_key=True)
    own.lake.client().create_bucket(Bucket="own-lake")
    own.lake.put("own-lake", "t/a.csv", "id\n1\n2\n")
    schema = crawled_schema(own, user, "own-lake", "t/")
    with own.connect() as db:
        assert db.execute(f"select count(*) from {schema}.t").fetchone() == (2,)
        own.lake.stop()
        started = time.monotonic()
        fails(db, f"select sum(id) from {schema}.t", "58030", "58000", "08006", "08001")
        assert time.monotonic() - started < 60
        own.lake.start()
        assert db.execute(f"select sum(id) from {schema}.t").fetchone() == (3,)


def test_an_object_replaced_between_statements_is_read_anew(connection, lake, bucket, crawl, external_schema):
    data = duckdb.connect()
    lake.put(bucket, "t/a.parquet", parquet_of(data, "select 1 as a from range(1000)"))
    schema = external_schema(crawl(f"s3://{bucket}/t/"))
    assert connection.execute(f"select sum(a) from {schema}.t").fetchone()[0] == 1000
    lake.put(bucket, "t/a.parquet", parquet_of(data, "select 2 as a from range(1000)"))
    assert connection.execute(f"select sum(a) from {schema}.t").fetchone()[0] == 2000


def test_versions_of_an_object_are_never_mixed(own_server):
    """While one file is replaced over and over, a statement sees one version of it or fails with a clear code."""
    import threading
    own = own_server(lake=True)
    user = own.add_user("api", superuser=True, access_key=True)
    own.lake.client().create_bucket(Bucket="own-lake")
    data = duckdb.connect()
    versions = [parquet_of(data, f"select {v} as a, md5(range::varchar) as filler from range(400000)") for v in (1, 2)]
    own.lake.put("own-lake", "t/a.parquet", versions[0])
    schema = crawled_schema(own, user, "own-lake", "t/")
    stop = threading.Event()

    def replace():
        turn = 0
        while not stop.is_set():
            turn += 1
            own.lake.put("own-lake", "t/a.parquet", versions[turn % 2])

    replacing = threading.Thread(target=replace)
    replacing.start()
    seen = set()
    try:
        with own.connect() as db:
            for _ in range(25):
                try:
                    seen.add(db.execute(f"select min(a), max(a), count(distinct filler) from {schema}.t").fetchone())
                except psycopg.Error as error:
                    assert error.sqlstate not in ("XX000", "57P02"), error
    finally:
        stop.set()
        replacing.join()
    assert seen <= {(1, 1, 400000), (2, 2, 400000)}


def parquet_of(engine, query) -> bytes:
    import pathlib
    import tempfile
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "x.parquet"
        engine.execute(f"copy ({query}) to '{file}' (format parquet)")
        return file.read_bytes()
