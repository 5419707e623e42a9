"""psycopg 3: extended protocol, server-side binding, binary values, pipelines."""

import datetime
import decimal
import uuid

import psycopg
import psycopg.errors
import pytest

VALUES = [
    ("smallint", -32768), ("int", 2147483647), ("bigint", -9223372036854775808), ("double precision", 1.0e-300), ("boolean", False),
    ("varchar(50)", "naïve 🐝"), ("varchar(50)", ""), ("date", datetime.date(1, 1, 1)), ("date", datetime.date(9999, 12, 31)),
    ("timestamp", datetime.datetime(1969, 12, 31, 23, 59, 59, 999999)), ("numeric(38,0)", decimal.Decimal("9" * 38)),
    ("numeric(10,4)", decimal.Decimal("-0.0001")), ("numeric(10,4)", decimal.Decimal("0.0000")), ("int", None), ("varchar(5)", None),
    ("timestamptz", datetime.datetime(2024, 6, 1, 12, tzinfo=datetime.timezone.utc)), ("time", datetime.time(23, 59, 59, 999999)),
]


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
@pytest.mark.parametrize("type_name,value", VALUES)
def test_reads_a_value_in_both_formats(connection, schema, binary, type_name, value):
    table = f"{schema}.t_{uuid.uuid4().hex[:6]}"
    connection.execute(f"create table {table} (v {type_name})")
    connection.execute(f"insert into {table} values (%s)", (value,))
    with connection.cursor(binary=binary) as cursor:
        assert cursor.execute(f"select v from {table}").fetchone() == (value,)


def test_binary_and_text_parameters_bind(connection):
    assert connection.execute("select %b::int + %t::int, %s::varchar", (40, 2, "x")).fetchone() == (42, "x")


def test_a_prepared_statement_is_used_again(connection, schema):
    connection.execute(f"create table {schema}.t (a int, b varchar(10))")
    for i in range(20):
        connection.execute(f"insert into {schema}.t values (%s, %s)", (i, f"n{i}"), prepare=True)
    for i in range(20):
        assert connection.execute(f"select b from {schema}.t where a = %s", (i,), prepare=True).fetchone() == (f"n{i}",)


def test_a_prepared_statement_survives_a_change_of_its_table(connection, schema):
    connection.execute(f"create table {schema}.t (a int)")
    connection.execute(f"insert into {schema}.t values (1)")
    query = f"select * from {schema}.t where a = %s"
    assert connection.execute(query, (1,), prepare=True).fetchone() == (1,)
    connection.execute(f"alter table {schema}.t add column b int")
    try:
        assert connection.execute(query, (1,), prepare=True).fetchone() == (1, None)
    except psycopg.errors.FeatureNotSupported as error:
        assert "must not change result type" in str(error)


def test_a_pipeline_answers_in_order(connection, schema):
    connection.execute(f"create table {schema}.t (a int)")
    with connection.pipeline():
        cursors = []
        for i in range(50):
            connection.execute(f"insert into {schema}.t values (%s)", (i,))
            cursors.append(connection.execute("select %s::int", (i,)))
        assert [c.fetchone()[0] for c in cursors] == list(range(50))
    assert connection.execute(f"select count(*), sum(a) from {schema}.t").fetchone() == (50, 1225)


def test_an_error_in_a_pipeline_aborts_the_rest_until_sync(connection):
    with pytest.raises(psycopg.errors.UndefinedTable):
        with connection.pipeline():
            connection.execute("select * from no_such_table")
            connection.execute("select 1")
    assert connection.execute("select 2").fetchone() == (2,)


def test_a_pipeline_is_one_transaction_until_sync(connection, schema):
    connection.execute(f"create table {schema}.t (a int)")
    with pytest.raises(psycopg.errors.UndefinedTable):
        with connection.pipeline():
            connection.execute(f"insert into {schema}.t values (1)")
            connection.execute(f"insert into {schema}.t values (2)")
            connection.execute(f"insert into {schema}.missing values (3)")
    assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    assert connection.execute(f"select count(*) from {schema}.t").fetchone() == (0,)
    with connection.pipeline() as pipeline:
        connection.execute(f"insert into {schema}.t values (1)")
        pipeline.sync()
        connection.execute(f"insert into {schema}.t values (2)")
    assert connection.execute(f"select count(*) from {schema}.t").fetchone() == (2,)


def test_executemany_inserts_all(connection, schema):
    connection.execute(f"create table {schema}.t (a int, b varchar(20))")
    with connection.cursor() as cursor:
        cursor.executemany(f"insert into {schema}.t values (%s, %s)", [(i, str(i)) for i in range(200)])
        assert cursor.rowcount == 200
    assert connection.execute(f"select count(distinct a) from {schema}.t").fetchone() == (200,)


def test_rows_stream_one_by_one(connection):
    with connection.cursor() as cursor:
        total = sum(row[0] for row in cursor.stream("select i from generate_series(1, 20000) t(i)"))
    assert total == 20000 * 20001 // 2


def test_a_server_cursor_is_refused_or_works(server):
    with server.connect(autocommit=False) as connection:
        with connection.cursor(name="portions") as cursor:
            try:
                cursor.execute("select 1")
            except psycopg.errors.FeatureNotSupported:
                connection.rollback()
                return
            assert cursor.fetchall() == [(1,)]


def test_copy_is_refused_and_the_connection_lives(connection):
    with connection.cursor() as cursor:
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            with cursor.copy("copy (select 1) to stdout") as copy:
                copy.read()
    assert connection.execute("select 1").fetchone() == (1,)


def test_nothing_is_sent_back_for_an_empty_statement(connection):
    for text in ("", ";", "  -- only a comment", "/* nothing */ ;"):
        assert connection.execute(text).pgresult.status == psycopg.pq.ExecStatus.EMPTY_QUERY, text


def test_an_unknown_function_and_column_have_their_codes(connection):
    with pytest.raises(psycopg.errors.UndefinedFunction):
        connection.execute("select no_such_function(1)")
    with pytest.raises(psycopg.errors.UndefinedColumn) as caught:
        connection.execute("select nothing_here from (select 1 as a) t")
    assert caught.value.diag.statement_position == "8"
    with pytest.raises(psycopg.errors.DivisionByZero):
        connection.execute("select 1 / (select 0)").fetchone()
    with pytest.raises(psycopg.errors.SyntaxError):
        connection.execute("select from where")


def test_many_parameters_bind(connection):
    count = 500
    text = "select " + " + ".join(["%s::bigint"] * count)
    assert connection.execute(text, list(range(count))).fetchone() == (sum(range(count)),)


def test_a_wide_row_and_a_large_value_pass(connection):
    row = connection.execute("select " + ", ".join(f"{i} as c{i}" for i in range(1000))).fetchone()
    assert row == tuple(range(1000))
    assert connection.execute("select length(%s::varchar(max))", ("x" * 65_535,)).fetchone() == (65_535,)
    assert connection.execute("select json_size(json_parse(%s::varchar(max)))", (f'["{"x" * 60_000}"]',)).fetchone() == (60_004,)
    assert len(connection.execute("select repeat('ab', 30000)").fetchone()[0]) == 60_000


def test_application_name_and_search_path_are_kept(server):
    with server.connect(application_name="my tool") as connection:
        assert connection.execute("show application_name").fetchone() == ("my tool",)
        connection.execute("set search_path to public")
        assert connection.execute("show search_path").fetchone() == ("public",)


def test_a_number_bound_keeps_its_digits(connection, schema):
    connection.execute(f"create table {schema}.prices (n numeric(10,2), i int)")
    connection.execute(f"insert into {schema}.prices values (1.50, 2), (2.50, 3)")
    long = decimal.Decimal("1.49999999999999")
    assert connection.execute("select %s", (long,)).fetchone() == (long,)
    assert connection.execute("select %s + 1", (long,)).fetchone() == (long + 1,)
    count = f"select count(*) from {schema}.prices where "
    for value in (long, str(long)):  # declared as numeric, and left open
        assert connection.execute(count + "n > %s", (value,)).fetchone() == (2,)
        assert connection.execute(count + "n between %s and 2", (value,)).fetchone() == (1,)
        assert connection.execute(count + "n in (%s, 2.5)", (value,)).fetchone() == (1,)
        assert connection.execute(f"select n * %s from {schema}.prices where i = 2", (value,)).fetchone() == (long * decimal.Decimal("1.50"),)


@pytest.mark.parametrize("sql,values,answer", [
    ("select $1 + 1", ["2"], 3),
    ("select 7 / $1", ["2"], 3),
    ("select i + $1 from {t}", ["3"], 8),
    ("select i from {t} where i > $1 or i < $1", ["1"], 5),
    ("select i from {t} where $1 is null or i = $1", ["5"], 5),
    ("select i from {t} where i = coalesce($1, i)", [None], 5),
    ("select coalesce($1, 5)", [None], 5),
    ("select greatest($1, 3)", ["5"], 5),
    ("select nvl($1, i) from {t}", [None], 5),
    ("select case i when $1 then $2 else 'other' end from {t}", ["5", "five"], "five"),
    ("select case when $1 then 1 else 2 end", ["f"], 2),
    ("select decode(i, $1, 'one', $2) from {t}", ["5", "x"], "one"),
    ("select i from {t} where i in ($1, $2)", ["4", "5"], 5),
    ("select i from {t} where (i, v) in (($1, $2))", ["5", "x"], 5),
    ("select i from {t} where i in (select $1::int)", ["5"], 5),
    ("select d + $1 from {t}", ["1"], datetime.date(2024, 3, 1)),
    ("select d - $1 from {t}", ["2024-02-28"], 1),
    ("select i from {t} where d = $1 or d > $1", ["2024-02-29"], 5),
    ("select i from {t} limit $1", ["1"], 5),
    ("select $1::int + $1", ["4"], 8),
    ("select count(*) from {t} where c = $1", ["ab   "], 1),
    ("select count(*) from {t} where c in ($1, 'q')", ["ab "], 1),
    ("select count(*) from {t} where $1 between c and 'ab '", ["ab    "], 1),
    ("select $1", ["text"], "text"),
])
def test_a_parameter_left_open_takes_the_type_beside_it(connection, schema, sql, values, answer):
    table = f"{schema}.t_{uuid.uuid4().hex[:6]}"
    connection.execute(f"create table {table} (i int, v varchar(5), d date, c char(5))")
    connection.execute(f"insert into {table} values (5, 'x', '2024-02-29', 'ab')")
    cursor = psycopg.RawCursor(connection)
    assert cursor.execute(sql.format(t=table), values).fetchone() == (answer,)


@pytest.mark.parametrize("declared", ["bpchar", "varchar", "text", "unknown"])
def test_blanks_behind_a_bound_char_do_not_count(connection, schema, declared):
    table = f"{schema}.t_{uuid.uuid4().hex[:6]}"
    connection.execute(f"create table {table} (c char(5), v varchar(5))")
    connection.execute(f"insert into {table} values ('ab', 'ab')")
    oid = {"bpchar": 1042, "varchar": 1043, "text": 25, "unknown": 705}[declared]
    run = connection.pgconn.exec_params
    assert run(f"select count(*) from {table} where c = $1".encode(), [b"ab  "], [oid]).get_value(0, 0) == b"1"
    assert run(f"select count(*) from {table} where c in ('z', $1)".encode(), [b"ab  "], [oid]).get_value(0, 0) == b"1"


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_an_interval_reads_the_same_in_both_formats(connection, binary):
    with connection.cursor(binary=binary) as cursor:
        assert cursor.execute("select interval '3 days 4 hours', interval '2 months'").fetchone() == (
            datetime.timedelta(days=3, hours=4), datetime.timedelta(days=60))
        assert cursor.execute("select %s::interval", (datetime.timedelta(days=1, seconds=5),)).fetchone() == (
            datetime.timedelta(days=1, seconds=5),)


def test_a_time_with_its_zone_binds_in_binary(connection):
    value = datetime.time(10, 11, 12, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))
    assert connection.execute("select %b", (value,)).fetchone() == (value,)
