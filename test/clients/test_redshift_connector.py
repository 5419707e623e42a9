"""redshift_connector, Amazon's own Python driver: its start-up parameters, binary protocol and TLS."""

import datetime
import decimal
import os

import pytest
import redshift_connector


@pytest.fixture
def rs(server):
    opened = []

    def connect(**more):
        arguments = {"host": "127.0.0.1", "port": server.pgwire_port, "database": "dev", "user": server.admin.name,
                     "password": server.admin.password, "ssl": False, **more}
        opened.append(redshift_connector.connect(**arguments))
        return opened[-1]

    yield connect
    for connection in opened:
        connection.close()


@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_reads_the_common_types_in_every_protocol_version(rs, protocol):
    cursor = rs(client_protocol_version=protocol).cursor()
    cursor.execute("""select 1::smallint, 2::int, 3::bigint, 2.25::double precision, 12.34::numeric(10,2), -5::numeric(38,10), true,
                      'text'::varchar(10), date '2024-02-29', timestamp '2024-02-29 12:34:56.789', null::int""")
    assert list(cursor.fetchone()) == [
        1, 2, 3, 2.25, decimal.Decimal("12.34"), decimal.Decimal("-5.0000000000"), True, "text", datetime.date(2024, 2, 29),
        datetime.datetime(2024, 2, 29, 12, 34, 56, 789000), None]


@pytest.mark.parametrize("asked,granted", [(0, 0), (1, 1), (2, 2)])
def test_the_protocol_version_asked_for_is_granted_or_lowered(rs, asked, granted):
    connection = rs(client_protocol_version=asked)
    assert connection._client_protocol_version == granted


def test_parameters_bind_and_rows_come_back(rs, schema):
    connection = rs()
    cursor = connection.cursor()
    cursor.execute(f"create table {schema}.t (a int, b varchar(20), c numeric(12,3), d date)")
    cursor.executemany(
        f"insert into {schema}.t values (%s, %s, %s, %s)",
        [(i, f"row {i}", decimal.Decimal(i) / 8, datetime.date(2024, 1, 1 + i)) for i in range(10)])
    connection.commit()
    cursor.execute(f"select a, b, c, d from {schema}.t where a >= %s order by a", (8,))
    assert [list(r) for r in cursor.fetchall()] == [
        [8, "row 8", decimal.Decimal("1.000"), datetime.date(2024, 1, 9)],
        [9, "row 9", decimal.Decimal("1.125"), datetime.date(2024, 1, 10)]]
    assert [d[0] for d in cursor.description] == ["a", "b", "c", "d"]


def test_rows_are_fetched_in_portions(rs):
    cursor = rs().cursor()
    cursor.execute("select i from generate_series(1, 5000) t(i) order by i")
    assert [r[0] for r in cursor.fetchmany(10)] == list(range(1, 11))
    assert len(cursor.fetchall()) == 4990


def test_a_transaction_rolls_back(rs, schema):
    connection = rs()
    cursor = connection.cursor()
    cursor.execute(f"create table {schema}.t (a int)")
    connection.commit()
    cursor.execute(f"insert into {schema}.t values (1)")
    connection.rollback()
    cursor.execute(f"select count(*) from {schema}.t")
    assert cursor.fetchone()[0] == 0


def test_errors_carry_code_and_message(rs):
    connection = rs()
    cursor = connection.cursor()
    with pytest.raises(redshift_connector.ProgrammingError) as caught:
        cursor.execute("select * from no_such_table")
    assert caught.value.args[0]["C"] == "42P01"
    connection.rollback()
    cursor.execute("select 1")
    assert cursor.fetchone()[0] == 1


def test_an_unknown_database_is_3d000(server, rs):
    with pytest.raises(redshift_connector.Error) as caught:
        rs(database="no_such_database")
    assert "3D000" in str(caught.value)


def test_a_wrong_password_is_refused(rs):
    with pytest.raises(redshift_connector.Error) as caught:
        rs(password="wrong")
    assert "28" in str(caught.value) or "password" in str(caught.value)


def test_tls_with_the_certificate_made_by_init(rs, server, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", os.fspath(server.ca_file))
    cursor = rs(ssl=True, sslmode="verify-ca").cursor()
    cursor.execute("select 1")
    assert cursor.fetchone()[0] == 1


def test_autocommit_writes_at_once(rs, schema):
    connection = rs()
    connection.rollback()
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute(f"create table {schema}.t (a int)")
    cursor.execute(f"insert into {schema}.t values (1)")
    other = rs().cursor()
    other.execute(f"select a from {schema}.t")
    assert other.fetchone()[0] == 1


@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_intervals_are_read_as_they_were_meant(rs, protocol):
    from redshift_connector.interval import Interval, IntervalDayToSecond, IntervalYearToMonth

    cursor = rs(client_protocol_version=protocol).cursor()

    def one(sql, *values):
        cursor.execute(sql, values)
        return cursor.fetchone()[0]

    assert one("select interval '3 days 4 hours'") == datetime.timedelta(days=3, hours=4)
    assert one("select -interval '36 hours'") == datetime.timedelta(hours=-36)
    months = one("select interval '1 year 2 months 3 days'")
    assert isinstance(months, Interval) and (months.months, months.days, months.microseconds) == (14, 0, 3 * 86_400_000_000)
    assert one("select interval '1-2' year to month") == IntervalYearToMonth(14)
    assert one("select interval '5 04:00:00' day to second") == IntervalDayToSecond((5 * 24 + 4) * 3_600_000_000)
    assert one("select date '2024-01-31' + %s", datetime.timedelta(days=1, hours=2)) == datetime.datetime(2024, 2, 1, 2)
    assert one("select timestamp '2024-01-31' + %s", IntervalYearToMonth(1)) == datetime.datetime(2024, 2, 29)


@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_a_text_bound_beside_a_column_takes_its_type(rs, schema, protocol):
    connection = rs(client_protocol_version=protocol)
    cursor = connection.cursor()
    cursor.execute(f"create table {schema}.t (i int, d date, n numeric(10,2), c char(5))")
    cursor.execute(f"insert into {schema}.t values (%s, %s, %s, %s)", ("5", "2024-02-29", "1.50", "ab"))
    for condition, value in [("i = %s", "5"), ("d >= %s", "2024-02-29"), ("n > %s", decimal.Decimal("1.49999")), ("c = %s", "ab   "),
                             ("c in (%s)", "ab ")]:
        cursor.execute(f"select count(*) from {schema}.t where {condition}", (value,))
        assert cursor.fetchone()[0] == 1, condition


@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_a_number_bound_comes_back(rs, protocol):
    cursor = rs(client_protocol_version=protocol).cursor()
    cursor.execute("select %s, %s + 1", (decimal.Decimal("1.25"), decimal.Decimal("-0.0625")))
    assert list(cursor.fetchone()) == [decimal.Decimal("1.25"), decimal.Decimal("0.9375")]


@pytest.mark.parametrize("protocol", [0, 1])
def test_a_number_bound_beside_a_column_may_have_more_digits(rs, protocol):
    cursor = rs(client_protocol_version=protocol).cursor()
    cursor.execute("select case when n > 1 then %s else n end from (select 2.5::numeric(5,1) as n) t", (decimal.Decimal("1.2345"),))
    assert cursor.fetchone()[0] == decimal.Decimal("1.2345")
