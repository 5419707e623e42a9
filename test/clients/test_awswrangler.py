"""awswrangler over our Glue catalog, with its files in the S3 store: what it writes the warehouse reads, and the other way round."""

import uuid

import boto3
import pytest

from support import object_store
from support.object_store import REGION, ObjectStore
from support.server import ROLE, Server

wr = pytest.importorskip("awswrangler")
pd = pytest.importorskip("pandas")

BUCKET = "wrangler"


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A server and a store that take the same key: awswrangler has one session for all services."""
    if object_store.missing():
        pytest.skip(object_store.missing())
    server = Server(tmp_path_factory.mktemp("wrangler")).init()
    server.api = server.add_user("api", superuser=True, access_key=True)
    store = ObjectStore(tmp_path_factory.mktemp("s3"))
    store.access_key, store.secret_key = server.api.access_key, server.api.secret_key
    server.lake = store.start()
    server.write_config()
    server.start()
    store.client().create_bucket(Bucket=BUCKET)
    yield server
    server.stop()
    store.stop()


@pytest.fixture
def session(own, monkeypatch):
    for name, value in (own.environment(own.api) | {"AWS_ENDPOINT_URL_S3": own.lake.endpoint}).items():
        monkeypatch.setenv(name, value)
    return boto3.Session(own.api.access_key, own.api.secret_key, region_name=REGION)


@pytest.fixture
def database(session):
    name = f"wr_{uuid.uuid4().hex[:8]}"
    wr.catalog.create_database(name, boto3_session=session)
    yield name
    wr.catalog.delete_database(name, boto3_session=session)


@pytest.fixture
def db(own, database):
    with own.connect() as connection:
        connection.execute(f"create external schema {database} from data catalog database '{database}' iam_role '{ROLE}'")
        yield connection
        connection.execute(f"drop schema {database}")


def frame():
    return pd.DataFrame({"id": [1, 2, 3, 4], "place": ["north", None, "Süd", "ü" * 30], "weight": [0.5, 1.25, None, -7.0],
                         "seen": pd.to_datetime(["2024-01-02 03:04:05", "2024-02-29 00:00:00", None, "1999-12-31 23:59:59"]),
                         "good": [True, False, None, True], "day": ["mon", "mon", "tue", "wed"]}).astype({"good": "boolean"})


def test_a_dataset_that_it_writes_is_a_table_of_the_warehouse(session, database, db):
    more = {"dataset": True, "database": database, "table": "hives", "boto3_session": session, "path": f"s3://{BUCKET}/{database}/hives/"}
    written = wr.s3.to_parquet(frame(), partition_cols=["day"], **more)
    assert sorted(v[0] for v in written["partitions_values"].values()) == ["mon", "tue", "wed"]
    assert db.execute(f"select count(*), sum(id), sum(weight) from {database}.hives").fetchone() == (4, 10, -5.25)
    rows = db.execute(f"select id, place, good, seen::varchar, day from {database}.hives where day <> 'mon' order by id").fetchall()
    assert rows == [(3, "Süd", None, None, "tue"), (4, "ü" * 30, True, "1999-12-31 23:59:59", "wed")]
    # Appended to, a partition replaced, a column more, all of it replaced.
    wr.s3.to_parquet(frame().head(1).assign(day="thu"), partition_cols=["day"], mode="append", **more)
    wr.s3.to_parquet(frame().head(1).assign(id=100, extra="x"), partition_cols=["day"], mode="overwrite_partitions", **more)
    assert db.execute(f"select day, count(*), sum(id) from {database}.hives group by 1 order by 1").fetchall() == [
        ("mon", 1, 100), ("thu", 1, 1), ("tue", 1, 3), ("wed", 1, 4)]
    assert db.execute(f"select extra from {database}.hives where day = 'mon'").fetchone() == ("x",)
    wr.s3.to_parquet(frame().head(2), partition_cols=["day"], mode="overwrite", **more)
    assert db.execute(f"select count(*) from {database}.hives").fetchone() == (2,)


def test_csv_and_json_datasets(session, database, db):
    plain = frame()[["id", "place"]].fillna("none")
    for name, write in (("texts", wr.s3.to_csv), ("documents", wr.s3.to_json)):
        more = {"index": False} if name == "texts" else {"orient": "records", "lines": True, "index": False}
        write(plain, f"s3://{BUCKET}/{database}/{name}/", dataset=True, database=database, table=name, boto3_session=session, **more)
        assert db.execute(f"select id, place from {database}.{name} order by id").fetchall() == list(plain.itertuples(index=False, name=None))


def test_a_table_that_sql_makes_it_reads(session, database, db):
    location = f"s3://{BUCKET}/{database}/made/"
    db.execute(f"create external table {database}.made partitioned by (part) stored as parquet location '{location}' as "
               f"select 1 as id, 'a'::varchar(5) as word, 1.25::decimal(8,2) as price, date '2024-02-29' as day, 'x'::varchar(3) as part "
               f"union all select 2, null, -3.5, null, 'y'")
    read = wr.s3.read_parquet_table(database=database, table="made", boto3_session=session).sort_values("id")
    assert read["id"].tolist() == [1, 2] and read["word"].isna().tolist() == [False, True] and read["part"].tolist() == ["x", "y"]
    assert [str(v) for v in read["price"]] == ["1.25", "-3.50"]
    only = wr.s3.read_parquet_table(database=database, table="made", partition_filter=lambda p: p["part"] == "y", boto3_session=session)
    assert only["id"].tolist() == [2]
    assert wr.catalog.get_table_types(database, "made", boto3_session=session) == {
        "id": "int", "word": "varchar(5)", "price": "decimal(8,2)", "day": "date", "part": "varchar(3)"}
    assert sorted(wr.catalog.get_parquet_partitions(database, "made", boto3_session=session).values()) == [["x"], ["y"]]
    assert list(wr.catalog.get_partitions(database, "made", expression="part = 'x'", boto3_session=session).values()) == [["x"]]


def test_functions_of_the_catalog(session, database, db):
    wr.s3.to_parquet(frame(), f"s3://{BUCKET}/{database}/swarms/", dataset=True, database=database, table="swarms", boto3_session=session,
                     glue_table_settings={"description": "All swarms", "columns_comments": {"id": "the number"}})
    assert wr.catalog.does_table_exist(database, "swarms", boto3_session=session)
    assert wr.catalog.get_table_location(database, "swarms", boto3_session=session) == f"s3://{BUCKET}/{database}/swarms/"
    assert wr.catalog.get_table_description(database, "swarms", boto3_session=session) == "All swarms"
    assert wr.catalog.get_columns_comments(database, "swarms", boto3_session=session)["id"] == "the number"
    assert [t["Name"] for t in wr.catalog.get_tables(database=database, name_prefix="sw", boto3_session=session)] == ["swarms"]
    assert "swarms" in [t["Name"] for t in wr.catalog.search_tables("swarms", boto3_session=session)]
    assert database in [d["Name"] for d in wr.catalog.get_databases(boto3_session=session)]
    assert wr.catalog.table(database, "swarms", boto3_session=session)["Column Name"].tolist() == ["id", "place", "weight", "seen", "good", "day"]
    wr.catalog.upsert_table_parameters({"owner": "bees"}, database, "swarms", boto3_session=session)
    assert wr.catalog.get_table_parameters(database, "swarms", boto3_session=session)["owner"] == "bees"
    wr.catalog.add_column(database, "swarms", "noise", "double", column_comment="of wings", boto3_session=session)
    assert db.execute(f"select noise from {database}.swarms where id = 1").fetchone() == (None,)
    assert wr.catalog.get_table_number_of_versions(database, "swarms", boto3_session=session) >= 2
    wr.catalog.delete_column(database, "swarms", "noise", boto3_session=session)
    assert wr.catalog.delete_table_if_exists(database, "swarms", boto3_session=session)
    assert not wr.catalog.delete_table_if_exists(database, "swarms", boto3_session=session)


def test_the_data_api(session, own):
    con = wr.data_api.redshift.connect(workgroup_name="default", database="dev", boto3_session=session)
    read = wr.data_api.redshift.read_sql_query("select 1 as id, 'a'::varchar(3) as word union all select 2, null order by 1", con=con)
    assert read["id"].tolist() == [1, 2] and read["word"].isna().tolist() == [False, True]


def test_copy(session, own):
    import redshift_connector
    with redshift_connector.connect(host="127.0.0.1", port=own.pgwire_port, user=own.admin.name, password=own.admin.password, database="dev", ssl=False) as con:
        con.autocommit = True
        stage = f"s3://{BUCKET}/stage/{uuid.uuid4().hex}/"
        wr.redshift.copy(frame().drop(columns=["good"]), stage, con, table="wrangled", schema="public", iam_role=ROLE, mode="overwrite", boto3_session=session)
        read = wr.redshift.read_sql_query("select id, place, weight, day from public.wrangled order by id", con=con)
        assert read["id"].tolist() == [1, 2, 3, 4] and read["day"].tolist() == ["mon", "mon", "tue", "wed"]
        con.cursor().execute("drop table public.wrangled")
