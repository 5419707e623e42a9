"""BEGIN, COMMIT, ROLLBACK and what other sessions see in between."""

import psycopg
import psycopg.errors
import pytest


@pytest.fixture
def table(connection, schema):
    connection.execute(f"create table {schema}.t (a int)")
    return f"{schema}.t"


def values(db, table):
    return [r[0] for r in db.execute(f"select a from {table} order by a")]


@pytest.mark.parametrize("begin,end", [
    ("begin", "commit"), ("start transaction", "end"), ("begin transaction", "commit transaction"), ("begin work", "commit work")])
def test_a_transaction_is_seen_by_others_only_after_commit(connect, table, begin, end):
    writer, reader = connect(), connect()
    writer.execute(begin)
    writer.execute(f"insert into {table} values (1)")
    assert values(writer, table) == [1] and values(reader, table) == []
    writer.execute(end)
    assert values(reader, table) == [1]


def test_rollback_undoes_rows_and_definitions(connection, schema, table):
    connection.execute("begin")
    connection.execute(f"insert into {table} values (1)")
    connection.execute(f"create table {schema}.u (b int)")
    connection.execute("rollback")
    assert values(connection, table) == []
    with pytest.raises(psycopg.errors.UndefinedTable):
        connection.execute(f"select * from {schema}.u")


def test_a_failed_transaction_refuses_everything_until_rollback(connection, table):
    connection.execute("begin")
    connection.execute(f"insert into {table} values (1)")
    with pytest.raises(psycopg.errors.UndefinedTable):
        connection.execute("select * from no_such_table")
    assert connection.info.transaction_status == psycopg.pq.TransactionStatus.INERROR
    for _ in range(2):
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            connection.execute("select 1")
    connection.execute("rollback")
    assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    assert values(connection, table) == []


def test_commit_of_a_failed_transaction_rolls_back(connection, table):
    connection.execute("begin")
    connection.execute(f"insert into {table} values (1)")
    with pytest.raises(psycopg.Error):
        connection.execute("select * from no_such_table")
    assert connection.execute("commit").statusmessage == "ROLLBACK"
    assert values(connection, table) == []


def test_a_snapshot_does_not_move_inside_a_transaction(connect, table):
    reader, writer = connect(), connect()
    reader.execute("begin")
    assert values(reader, table) == []
    writer.execute(f"insert into {table} values (1)")
    assert values(reader, table) == []
    reader.execute("commit")
    assert values(reader, table) == [1]


def test_conflicting_updates_fail_one_of_two(connect, table):
    first, second = connect(), connect()
    first.execute(f"insert into {table} values (1)")
    first.execute("begin")
    second.execute("begin")
    second.execute(f"select * from {table}")
    first.execute(f"update {table} set a = 2")
    with pytest.raises(psycopg.Error) as caught:
        second.execute(f"update {table} set a = 3")
        first.execute("commit")
        second.execute("commit")
    assert caught.value.sqlstate in ("40001", "55P03", "40P01")
    second.execute("rollback")
    if first.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
        first.execute("commit")
    assert values(first, table) == [2]


def test_a_lost_connection_rolls_back(connect, table):
    writer = connect()
    writer.execute("begin")
    writer.execute(f"insert into {table} values (1)")
    writer.close()
    other = connect()
    assert values(other, table) == []
    other.execute(f"insert into {table} values (2)")
    assert values(other, table) == [2]


def test_begin_within_a_transaction_and_commit_without_one_only_warn(connection):
    notices = []
    connection.add_notice_handler(lambda n: notices.append(n.sqlstate))
    connection.execute("begin")
    connection.execute("begin")
    connection.execute("commit")
    connection.execute("commit")
    assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    assert set(notices) <= {"25001", "25P01"} and notices


def test_the_status_byte_tells_the_state(connection):
    status = psycopg.pq.TransactionStatus
    assert connection.info.transaction_status == status.IDLE
    connection.execute("begin")
    assert connection.info.transaction_status == status.INTRANS
    connection.execute("rollback")
    assert connection.info.transaction_status == status.IDLE


def test_a_read_only_transaction_refuses_to_write(connection, table):
    connection.execute("begin read only")
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        connection.execute(f"insert into {table} values (1)")
    connection.execute("rollback")


def test_truncate_and_vacuum_are_accepted_outside_a_transaction(connection, table):
    connection.execute(f"insert into {table} values (1)")
    connection.execute(f"truncate {table}")
    assert values(connection, table) == []
    connection.execute("vacuum")
    connection.execute(f"analyze {table}")
