"""psycopg2: libpq, simple protocol, parameters put into the text by the client."""

import datetime
import decimal
import threading

import psycopg2
import psycopg2.errors
import psycopg2.extensions
import pytest

from support.process import wait_until


@pytest.fixture
def db(server):
    connection = psycopg2.connect(server.dsn())
    connection.autocommit = True
    yield connection
    connection.close()


def one(connection, sql, parameters=None):
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchone()


def test_reads_the_common_types(db):
    row = one(db, """select 1::smallint, 2::int, 3::bigint, 1.5::real, 2.25::double precision, 12.34::numeric(10,2), true,
                     'text'::varchar(10), date '2024-02-29', timestamp '2024-02-29 12:34:56.789', null""")
    assert row == (1, 2, 3, 1.5, 2.25, decimal.Decimal("12.34"), True, "text", datetime.date(2024, 2, 29),
                   datetime.datetime(2024, 2, 29, 12, 34, 56, 789000), None)


@pytest.mark.parametrize("value", [
    0, -1, 2**62, 1.5, "plain", "it's", 'a "quoted" one', "back\\slash", "new\nline", "naïve 🐝", "%s", "", None, True,
    decimal.Decimal("-123.4500"), datetime.date(1999, 12, 31), datetime.datetime(2024, 1, 2, 3, 4, 5, 678901)])
def test_a_value_comes_back_as_it_went(db, schema, value):
    type_name = {bool: "boolean", int: "bigint", float: "double precision", str: "varchar(100)", decimal.Decimal: "numeric(18,4)",
                 datetime.date: "date", datetime.datetime: "timestamp"}.get(type(value), "varchar(10)")
    one_table = f"{schema}.t"
    with db.cursor() as cursor:
        cursor.execute(f"create table {one_table} (v {type_name})")
        cursor.execute(f"insert into {one_table} values (%s)", (value,))
    assert one(db, f"select v from {one_table}") == (value,)


def test_rowcount_and_status_tell_what_happened(db, schema):
    with db.cursor() as cursor:
        cursor.execute(f"create table {schema}.t (a int)")
        cursor.execute(f"insert into {schema}.t values (1), (2), (3)")
        assert (cursor.rowcount, cursor.statusmessage) == (3, "INSERT 0 3")
        cursor.execute(f"update {schema}.t set a = a + 1 where a > 1")
        assert (cursor.rowcount, cursor.statusmessage) == (2, "UPDATE 2")
        cursor.execute(f"delete from {schema}.t")
        assert (cursor.rowcount, cursor.statusmessage) == (3, "DELETE 3")
        cursor.execute(f"select * from {schema}.t")
        assert cursor.rowcount == 0 and cursor.statusmessage.startswith("SELECT")


def test_column_names_and_types_are_described(db):
    with db.cursor() as cursor:
        cursor.execute("select 1::int as a, 'x'::varchar as b, 1.5::numeric(10,2) as c")
        assert [(c.name, c.type_code) for c in cursor.description] == [("a", 23), ("b", 1043), ("c", 1700)]


def test_a_transaction_commits_or_not(server, schema):
    with psycopg2.connect(server.dsn()) as db:
        with db.cursor() as cursor:
            cursor.execute(f"create table {schema}.t (a int)")
        db.commit()
        with db.cursor() as cursor:
            cursor.execute(f"insert into {schema}.t values (1)")
        db.rollback()
        assert one(db, f"select count(*) from {schema}.t") == (0,)
        with db.cursor() as cursor:
            cursor.execute(f"insert into {schema}.t values (2)")
        db.commit()
        assert one(db, f"select a from {schema}.t") == (2,)
    db.close()


def test_an_error_carries_its_code_and_the_connection_lives(db):
    with pytest.raises(psycopg2.errors.UndefinedTable) as caught:
        one(db, "select * from no_such_table")
    assert caught.value.pgcode == "42P01"
    assert one(db, "select 1") == (1,)


def test_a_server_side_cursor_is_refused_or_works(server):
    connection = psycopg2.connect(server.dsn())
    try:
        with connection.cursor(name="portions") as cursor:
            try:
                cursor.execute("select 1")
            except psycopg2.errors.FeatureNotSupported:
                return
            assert cursor.fetchall() == [(1,)]
    finally:
        connection.close()


def test_copy_expert_is_refused_and_the_connection_lives(db):
    import io
    with db.cursor() as cursor, pytest.raises(psycopg2.errors.FeatureNotSupported):
        cursor.copy_expert("copy (select 1) to stdout", io.StringIO())
    assert one(db, "select 1") == (1,)


def test_cancel_from_another_thread_ends_the_statement(db):
    outcome = []

    def run():
        try:
            one(db, "select count(*) from generate_series(1, 100000000000) t(a), generate_series(1, 1000) u(b) where a % 7 = b")
        except psycopg2.Error as error:
            outcome.append(error.pgcode)

    thread = threading.Thread(target=run)
    thread.start()
    wait_until("the statement running", lambda: db.get_backend_pid() and db.info.transaction_status == 1, 10)
    end = wait_until("the cancellation", lambda: (db.cancel(), bool(outcome))[1], 10, 0.1)
    thread.join()
    assert end and outcome == ["57014"]
    assert one(db, "select 1") == (1,)


def test_client_encoding_and_settings_are_reported(db):
    assert db.encoding.upper().replace("-", "") in ("UTF8", "UNICODE")
    assert db.get_parameter_status("server_version").startswith("8.0.2")
    assert db.get_parameter_status("integer_datetimes") == "on"
    assert db.get_parameter_status("standard_conforming_strings") in ("on", "off")
