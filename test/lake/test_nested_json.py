"""Columns of nested types: reached by paths alone, or read as JSON (json_serialization_enable)."""

import datetime
import json

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from support.server import ROLE

BUCKET = "nested-json"


@pytest.fixture(scope="module")
def made(server, lake):
    lake.client().create_bucket(Bucket=BUCKET)
    lake.put(BUCKET, "customers/a.json", "\n".join([
        '{"id":1,"name":{"given":"John","family":"Smith"},"phones":["123-457789"],"orders":[{"shipdate":"2018-03-01T11:59:59","price":100.50},{"shipdate":null,"price":99.12}],"m":{"1":"x"}}',
        '{"id":2,"name":{"given":"{\\"first\\":\\"Jenny\\"}","family":"Do\\"e"},"phones":[],"orders":[],"m":{}}', '{"id":3}']))
    long = pa.table({"id": [1, 2], "texts": [["x" * 65_000], ["x" * 40_000, "y" * 40_000]], "at": [[datetime.datetime(2026, 1, 2, 3, 4, 5, 678)], None]},
                    schema=pa.schema([("id", pa.int32()), ("texts", pa.list_(pa.string())), ("at", pa.list_(pa.timestamp("us")))]))
    sink = pa.BufferOutputStream()
    pq.write_table(long, sink)
    lake.put(BUCKET, "long/a.parquet", sink.getvalue().to_pybytes())
    with server.connect() as db:
        db.execute(f"create external schema nj from data catalog database 'nested_json' iam_role '{ROLE}' create external database if not exists")
        db.execute(f"""create external table nj.customers (id int, name struct<given:varchar(20),family:varchar(20)>, phones array<varchar(20)>,
                       orders array<struct<shipdate:timestamp,price:decimal(6,2)>>, m map<varchar(5),varchar(20)>)
                       row format serde 'org.openx.data.jsonserde.JsonSerDe' stored as textfile location 's3://{BUCKET}/customers/'""")
        db.execute(f"create external table nj.long (id int, texts array<varchar(65535)>, at array<timestamp>) stored as parquet location 's3://{BUCKET}/long/'")
    yield
    with server.connect() as db:
        db.execute("drop schema nj")


@pytest.fixture
def db(server, made):
    with server.connect() as one:
        yield one


def refusal(db, sql):
    with pytest.raises(psycopg.Error) as failed:
        db.execute(sql)
    return failed.value


def test_nested_columns_are_no_results_of_their_own(db):
    error = refusal(db, "select * from nj.customers")
    assert str(error).startswith("Nested tables do not support '*' in the SELECT clause.") and error.sqlstate == "0A000"
    for sql in ("select name from nj.customers", "select c.name from nj.customers c", "select id from (select id, name from nj.customers) s",
                "create table kept as select name from nj.customers"):
        error = refusal(db, sql)
        assert 'column "name" does not exist in customers' in str(error) and error.sqlstate == "42703", str(error)
    assert db.execute("select count(*) from nj.customers").fetchone() == (3,)
    assert db.execute("select c.id, c.name.given from nj.customers c where c.id = 1").fetchall() == [(1, "John")]


def test_they_are_json_where_it_is_enabled(db):
    db.execute("set json_serialization_enable to true")
    assert db.execute("select * from nj.customers where id = 1").fetchone() == (
        1, '{"given": "John", "family": "Smith"}', '["123-457789"]',
        '[{"shipdate": "2018-03-01T11:59:59.000Z", "price": 100.50}, {"shipdate": null, "price": 99.12}]', '{"1": "x"}')
    assert db.execute("select name, phones, orders, m from nj.customers where id = 3").fetchone() == (None, None, None, None)
    assert db.execute("select name from nj.customers where id = 2").fetchone() == ('{"given": "{\\"first\\":\\"Jenny\\"}", "family": "Do\\"e"}',)
    assert db.execute("select json_extract_path_text(name, 'family') from nj.customers where id = 2").fetchone() == ('Do"e',)
    assert db.execute("""select "$path", name from nj.customers where id = 1 and "$path" like '%a.json'""").fetchone()[0] == f"s3://{BUCKET}/customers/a.json"
    assert db.execute("select name from nj.customers").description[0].type_code == 1043
    # Their fields are not reached by paths any more; the rest of a query stays as it was.
    assert refusal(db, "select c.name.given from nj.customers c").sqlstate == "42804"
    assert db.execute("select count(*), max(id) from nj.customers where id > 1").fetchone() == (2, 3)
    db.execute("create temp table kept as select id, orders from nj.customers")
    assert json.loads(db.execute("select orders from kept where id = 1").fetchone()[0])[0]["price"] == 100.5
    db.execute("set json_serialization_enable to false")
    assert refusal(db, "select name from nj.customers").sqlstate == "42703"


def test_text_that_is_json_may_stand_as_such(db):
    db.execute("set json_serialization_enable to true")
    db.execute("set json_serialization_parse_nested_strings to true")
    assert db.execute("select name from nj.customers where id = 2").fetchone() == ('{"given": {"first":"Jenny"}, "family": "Do\\"e"}',)
    assert db.execute("select name from nj.customers where id = 1").fetchone() == ('{"given": "John", "family": "Smith"}',)


def test_what_is_longer_than_a_varchar_is_null(db):
    db.execute("set json_serialization_enable to true")
    assert db.execute("select id, length(texts), at from nj.long order by id").fetchall() == [(1, 65_004, '["2026-01-02T03:04:05.000678Z"]'), (2, None, None)]
