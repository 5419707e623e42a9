"""Every byte of a value as PostgreSQL sends it: the same tables in both servers, raw DataRow messages compared, text and binary."""

import struct

import pytest

from support import postgres
from support.pgwire import Wire, fields, message, query

TABLES = {
    "smallint": ["0", "1", "-1", "32767", "-32768"],
    "integer": ["0", "7", "-2147483648", "2147483647", "1000000"],
    "bigint": ["0", "-9223372036854775808", "9223372036854775807", "99", "100", "10000000000"],
    "real": ["0", "'-0'", "0.1", "1e6", "999999", "1234567", "3.4028235e38", "1e-45", "'NaN'", "'Infinity'", "'-Infinity'", "0.0001", "0.00001"],
    "double precision": ["0", "'-0'", "0.1", "1e15", "999999999999999", "123456789012345.6", "0.0001", "0.00001", "5e-324", "1.7976931348623157e308",
                         "'NaN'", "'Infinity'", "'-Infinity'", "12.3", "99.995", "1e22", "0.3333333333333333"],
    "numeric(10,2)": ["0", "0.01", "-0.01", "99999999.99", "-99999999.99", "100", "1234.5"],
    "numeric(38,10)": ["0", "0.0000000001", "'9999999999999999999999999999.9999999999'", "'-9999999999999999999999999999.9999999999'", "1", "-12345.6789",
                       "10000", "100000000.0001"],
    "numeric(18,0)": ["0", "999999999999999999", "-1", "10000"],
    "numeric(4,4)": ["0", "0.0001", "-0.9999", "0.5"],
    "boolean": ["true", "false"],
    "varchar(100)": ["''", "'a'", "'exactly12byt'", "'thirteen byte'", "'Grüße, 世界 🐝'", "'it''s'", "E'back\\\\slash'", "'  spaces  '"],
    "date": ["'2024-02-29'", "'2000-01-01'", "'1999-12-31'", "'1970-01-01'", "'0001-01-01'", "'9999-12-31'",
             "date '0001-01-01' - 1", "date '0001-01-01' - 16000", "date '9999-12-31' + 730000"],
    "timestamp": ["'2024-02-29 23:59:59.999999'", "'2000-01-01 00:00:00'", "'1999-12-31 23:59:59.5'", "'1969-12-31 23:59:59.999999'",
                  "'0001-01-01 00:00:00'", "'2024-01-01 12:00:00.000001'", "'2024-01-01 12:00:00.100'"],
    "timestamptz": ["'2024-02-29 23:59:59.999999+00'", "'2024-07-01 10:00:00+02'", "'1999-12-31 23:59:59.5-05:30'",
                    "'2024-03-10 06:59:59+00'", "'2024-03-10 07:00:00+00'"],
    "time": ["'00:00:00'", "'24:00:00'", "'12:34:56.789'", "'23:59:59.999999'", "'00:00:00.000001'"],
}
# Expressions, whose types both servers must find by themselves.
EXPRESSIONS = ["1", "1::bigint", "1.5::numeric(3,1)", "true and null", "null::int", "'x'::varchar", "1.0::float8 / 3", "2::smallint + 2::smallint",
               "timestamp '2024-01-01 00:00:00' = timestamp '2024-01-01'", "upper('grün, ñ')", "'世' || '界'"]


def rows_of(wire: Wire, last: str = "Z") -> tuple[list, list]:
    """What a query answered: (OID, size) per column, and DataRow bodies as they came."""
    columns, rows = [], []
    for kind, body in wire.read_until(last):
        assert kind != "E", fields(body)
        if kind == "T":
            at = 2
            for _ in range(struct.unpack("!H", body[:2])[0]):
                at = body.index(b"\0", at) + 1
                oid, size = struct.unpack("!Ih", body[at + 6:at + 12])
                columns.append((oid, size))
                at += 18
        elif kind == "D":
            rows.append(body)
    return columns, rows


def ask(wire: Wire, sql: str, binary: bool) -> tuple[list, list]:
    if not binary:
        return rows_of(wire.send(query(sql)))
    wire.send(message("P", b"\0" + sql.encode() + b"\0\0\0") + message("B", b"\0\0" + struct.pack("!HHHH", 0, 0, 1, 1)) + message("D", b"P\0") +
              message("E", b"\0" + struct.pack("!I", 0)) + message("S"))
    return rows_of(wire)


@pytest.fixture(scope="module")
def both(server):
    """A connection to each server, in UTC, with the same tables."""
    reason = postgres.missing()
    if reason:
        pytest.skip(reason)
    with postgres.postgres() as port:
        ours = Wire(server.pgwire_port).login(server.admin.name, server.admin.password, extra_float_digits="1")  # as PostgreSQL 15 has it
        theirs = Wire(port).login(postgres.USER, "", postgres.DATABASE)
        wires = (ours, theirs)
        for wire in wires:
            rows_of(wire.send(query("set timezone to 'UTC'")))
            rows_of(wire.send(query("create schema wire_values")))
            for number, (kind, values) in enumerate(TABLES.items()):
                rows_of(wire.send(query(f"create table wire_values.t{number} (i int, a {kind}, b {kind})")))
                for row, value in enumerate(values):
                    rows_of(wire.send(query(f"insert into wire_values.t{number} values ({row}, {value}, null), ({1000 + row}, null, {value})")))
        yield wires
        rows_of(ours.send(query("drop schema wire_values cascade")))
        for wire in wires:
            wire.close()


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
@pytest.mark.parametrize("kind", TABLES)
def test_values_are_the_bytes_that_postgresql_sends(both, kind, binary):
    sql = f"select a, b from wire_values.t{list(TABLES).index(kind)} order by i"
    (our_columns, our_rows), (their_columns, their_rows) = (ask(wire, sql, binary) for wire in both)
    assert len(our_rows) == len(their_rows) == 2 * len(TABLES[kind])
    for value, mine, other in zip(TABLES[kind] * 2, our_rows, their_rows):
        assert mine == other, f"{kind} {value}"
    assert our_columns == their_columns


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata", "UTC"])
def test_moments_show_the_clock_of_the_sessions_zone(both, zone):
    sql = f"select a from wire_values.t{list(TABLES).index('timestamptz')} order by i"
    answers = []
    for wire in both:
        rows_of(wire.send(query(f"set timezone to '{zone}'")))
        answers.append(rows_of(wire.send(query(sql)))[1])
        rows_of(wire.send(query("set timezone to 'UTC'")))
    assert answers[0] == answers[1]


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_expressions_have_the_bytes_of_postgresql(both, expression, binary):
    (_, mine), (_, other) = (ask(wire, f"select {expression}", binary) for wire in both)
    assert mine == other
