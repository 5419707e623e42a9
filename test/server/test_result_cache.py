"""A repeated query may be answered from the results kept in the worker: never with anything but what it would answer anew."""

import threading

import psycopg
import pytest


def one(db, sql, *parameters):
    return db.execute(sql, parameters or None, prepare=False).fetchone()[0]


@pytest.fixture
def table(connection, schema):
    connection.execute(f"create table {schema}.t (a int, b varchar(20))")
    connection.execute(f"insert into {schema}.t values (1, 'one'), (2, 'two')")
    return f"{schema}.t"


def test_own_and_other_writes_are_seen_at_once(connect, table):
    reader, writer = connect(), connect()
    query = f"select sum(a) from {table}"
    assert [one(reader, query) for _ in range(3)] == [3, 3, 3]
    writer.execute(f"insert into {table} values (10, 'ten')")
    assert [one(reader, query) for _ in range(2)] == [13, 13]
    reader.execute(f"update {table} set a = a + 1")
    assert one(reader, query) == 16
    writer.execute(f"delete from {table} where a = 11")
    assert one(reader, query) == 5
    writer.execute(f"truncate {table}")
    assert one(reader, query) is None


def test_a_transaction_sees_its_own_snapshot_and_its_own_writes(connect, table):
    reader, writer = connect(), connect()
    query = f"select count(*) from {table}"
    assert one(reader, query) == 2
    reader.execute("begin")
    assert one(reader, query) == 2
    writer.execute(f"insert into {table} values (3, 'three')")
    assert one(reader, query) == 2
    reader.execute(f"insert into {table} values (4, 'four')")
    assert one(reader, query) == 3
    reader.execute("rollback")
    assert one(reader, query) == 3


def test_what_depends_on_the_moment_is_never_kept(connection, schema):
    for query in ("select timeofday()", "select random()::varchar", "select now()::varchar"):
        assert one(connection, query) != one(connection, query), query
    connection.execute(f"create view {schema}.clock as select random() as r")
    connection.execute(f"create view {schema}.above as select r from {schema}.clock")
    for view in ("clock", "above"):
        assert one(connection, f"select r from {schema}.{view}") != one(connection, f"select r from {schema}.{view}")


def test_a_view_follows_its_table(connection, schema, table):
    connection.execute(f"create view {schema}.v as select max(a) as m from {table}")
    assert [one(connection, f"select m from {schema}.v") for _ in range(2)] == [2, 2]
    connection.execute(f"insert into {table} values (9, 'nine')")
    assert one(connection, f"select m from {schema}.v") == 9
    connection.execute(f"create or replace view {schema}.v as select min(a) as m from {table}")
    assert one(connection, f"select m from {schema}.v") == 1


def test_settings_that_change_the_answer_change_it(connection, schema):
    connection.execute(f"create schema {schema}_two")
    connection.execute(f"create table {schema}.s as select 1 as a")
    connection.execute(f"create table {schema}_two.s as select 2 as a")
    try:
        for path, expected in ((schema, 1), (f"{schema}_two", 2), (schema, 1)):
            connection.execute(f"set search_path to {path}")
            assert [one(connection, "select a from s") for _ in range(2)] == [expected] * 2
        moment = "select '2024-01-01 00:00:00+00'::timestamptz::varchar"
        shown = {}
        for zone in ("UTC", "Asia/Tokyo", "UTC"):
            connection.execute(f"set timezone to '{zone}'")
            shown.setdefault(zone, set()).add(one(connection, moment))
        assert len(shown["UTC"]) == 1 and shown["UTC"] != shown["Asia/Tokyo"]
    finally:
        connection.execute(f"drop schema {schema}_two cascade")


def test_formats_and_parameters_are_part_of_the_question(connection, table):
    for binary in (False, True, False):
        with connection.cursor(binary=binary) as cursor:
            for a, b in ((1, "one"), (2, "two"), (1, "one")):
                assert cursor.execute(f"select b from {table} where a = %s", (a,)).fetchone() == (b,)
                assert cursor.description[0].name == "b"


def test_it_can_be_switched_off(connection, table):
    connection.execute("set enable_result_cache_for_session to off")
    assert [one(connection, f"select count(*) from {table}") for _ in range(3)] == [2, 2, 2]


def test_readers_beside_a_writer_never_go_back(connect, table):
    """A counter that only grows: whoever reads it twice never sees it shrink, and after a commit nobody sees less."""
    writer, stop, faults = connect(), threading.Event(), []
    committed = [2]

    def read():
        db = connect()
        last = 0
        while not stop.is_set():
            floor = committed[0]
            try:
                seen = one(db, f"select count(*) from {table}")
            except psycopg.Error as error:
                faults.append(error)
                return
            if seen < max(last, floor):
                faults.append((seen, last, floor))
            last = seen

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for i in range(150):
        writer.execute(f"insert into {table} values ({i}, 'x')")
        committed[0] += 1
    stop.set()
    for reader in readers:
        reader.join(30)
    assert not faults, faults[:3]
