"""Bytes no client would send. Each gets a clear error or a closed connection, and the server serves the next one."""

import contextlib
import random
import socket
import struct

import pytest

from support.pgwire import SSL_REQUEST, Wire, fields, message, query, startup
from support.process import memory_kib


@pytest.fixture
def wire(server):
    opened = []

    def make(login=True, **more):
        one = Wire(server.pgwire_port, **more)
        opened.append(one)
        return one.login(server.admin.name, server.admin.password) if login else one

    yield make
    for one in opened:
        one.close()
    with server.connect() as after:
        assert after.execute("select 1").fetchone() == (1,)


@pytest.mark.parametrize("first", [
    b"", b"\0", b"\0\0\0\0", b"\0\0\0\x07", b"\0\0\0\x08\0\x03\0\0", struct.pack("!I", 1 << 30) + b"\0\x03\0\0", b"\xff" * 8, b"\xff" * 100_000,
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", struct.pack("!II", 8, 99 << 16), startup(user="x")[:-1], startup(user="x")[:11],
    struct.pack("!II", 12, 196608) + b"user", struct.pack("!II", 9, 196608) + b"\0", struct.pack("!II", 200, 196608) + b"a" * 192,
    struct.pack("!IIII", 16, 80877102, 1, 2), struct.pack("!II", 8, 80877102), b"\x16\x03\x01\x02\0\x01\0",
], ids=repr)
def test_a_bad_start_closes_the_connection(wire, first):
    one = wire(login=False, timeout=10)
    try:
        one.send(first)
        one.socket.shutdown(socket.SHUT_WR)
    except ConnectionError:
        pass
    assert one.closed()


def test_rubbish_after_an_ssl_request_closes_the_connection(wire):
    one = wire(login=False, timeout=10)
    one.send(struct.pack("!II", 8, SSL_REQUEST))
    assert one.read_exactly(1) in (b"S", b"N")
    with contextlib.suppress(OSError):  # the server may have closed already
        one.send(b"\x16\x03\x01\xff\xff" + b"\xaa" * 2000)
        one.socket.shutdown(socket.SHUT_WR)
    assert one.closed()


def test_plain_text_pipelined_behind_an_ssl_request_is_not_executed(wire):
    """Bytes sent before the handshake must never be read as if they had come through it."""
    one = wire(login=False, timeout=10)
    one.send(struct.pack("!II", 8, SSL_REQUEST) + startup(user="x", database="dev"))
    answer = one.read_exactly(1)
    assert answer in (b"S", b"N", b"E")
    if answer == b"S":
        one.socket.shutdown(socket.SHUT_WR)
        assert one.closed()


@pytest.mark.parametrize("kind", ["Q", "P", "B", "E", "D", "C", "p", "d", "f", "X"])
@pytest.mark.parametrize("length", [0, 3, 1 << 30, (1 << 31) - 1, 0xFFFFFFFF])
def test_an_impossible_length_ends_the_connection_and_takes_no_memory(wire, server, kind, length):
    one = wire()
    before = memory_kib(server.pid, "Rss")
    one.send(kind.encode() + struct.pack("!I", length) + b"x" * 64)
    seen = b""
    one.socket.settimeout(10)
    try:
        one.socket.shutdown(socket.SHUT_WR)
        while part := one.socket.recv(1 << 16):
            seen += part
    except ConnectionError:
        pass
    if seen[:1] == b"E":
        assert b"08P01" in seen or b"54000" in seen
    assert memory_kib(server.pid, "Rss") - before < 100 * 1024


def test_an_oversized_startup_is_refused_before_it_is_read(wire):
    one = wire(login=False, timeout=10)
    one.send(struct.pack("!II", 64 << 20, 196608))
    assert one.closed()


@pytest.mark.parametrize("body", [
    message("P", b"noend"), message("P", b"\0select 1\0\xff\xff"), message("P", b"\0select 1\0\0\x05\0\0"),
    message("B", b"\0\0\0\x01\0\x07"), message("B", b"\0\0\0\0\0\x01\x7f\xff\xff\xff"), message("B", b"\0\0\x7f\xff" + b"\0\x01" * 4),
    message("B", b"\0\0\0\0\0\x01\xff\xff\xff\xf0\0\0"), message("E", b"\0"), message("D", b"Z\0"), message("D"), message("C", b"S"),
    message("?", b"what"), message("Q", b"select 1"), message("Q", b"select '\xff\xfe'\0"), message("F", b"\0" * 14), message("\x01"),
], ids=repr)
def test_a_malformed_message_gets_an_error(wire, body):
    one = wire()
    one.socket.settimeout(10)
    one.send(body + message("S"))
    try:
        seen = one.read_until("Z")
        assert any(kind == "E" for kind, _ in seen)
    except (EOFError, ConnectionError):
        pass


def test_messages_out_of_order_get_errors_not_crashes(wire):
    one = wire()
    one.send(message("B", b"p\0nostatement\0\0\0\0\0\0\0") + message("E", b"p\0\0\0\0\0") + message("S"))
    seen = one.read_until("Z")
    assert [k for k, _ in seen] == ["E", "Z"] and fields(seen[0][1])["C"] == "26000"
    one.send(message("E", b"noportal\0\0\0\0\0") + message("S"))
    seen = one.read_until("Z")
    assert [k for k, _ in seen] == ["E", "Z"] and fields(seen[0][1])["C"] == "34000"
    one.send(message("D", b"Snothing\0") + message("S"))
    assert fields(one.read_until("Z")[0][1])["C"] == "26000"
    one.send(message("C", b"Snothing\0") + message("S"))
    assert [k for k, _ in one.read_until("Z")] == ["3", "Z"]
    one.send(message("d", b"copy data") + message("c") + query("select 1"))
    assert one.read_until("Z")[-1][1] in (b"I", b"E")


def test_after_an_error_everything_up_to_sync_is_skipped(wire):
    one = wire()
    parse = lambda sql: message("P", b"\0" + sql.encode() + b"\0\0\0")
    bind_execute = message("B", b"\0\0\0\0\0\0\0\0") + message("E", b"\0\0\0\0\0")
    one.send(parse("select * from no_such_table") + bind_execute + parse("select 1") + bind_execute + message("S"))
    kinds = [k for k, _ in one.read_until("Z")]
    assert kinds.count("E") == 1 and "D" not in kinds and kinds[-1] == "Z"
    one.send(parse("select 1") + bind_execute + message("S"))
    assert [k for k, _ in one.read_until("Z")] == ["1", "2", "D", "C", "Z"]


def test_a_query_byte_by_byte_is_the_same_query(wire):
    one = wire()
    for byte in query("select 'slowly'"):
        one.send(bytes([byte]))
    rows = [body for kind, body in one.read_until("Z") if kind == "D"]
    assert rows == [b"\0\x01\0\0\0\x06slowly"]


def test_a_client_that_leaves_in_the_middle_of_a_result_harms_nobody(wire):
    one = wire()
    one.send(query("select repeat('x', 1000) from generate_series(1, 200000)"))
    one.read_exactly(10_000)
    one.close()


def test_random_bytes_never_take_the_server_down(wire):
    chance = random.Random(5439)
    for _ in range(40):
        one = wire(timeout=5)
        try:
            for _ in range(20):
                kind = chr(chance.choice(b"QPBEDCSHFpdcfX?"))
                body = chance.randbytes(chance.randrange(40))
                one.send(message(kind, body) if chance.random() < 0.8 else chance.randbytes(30))
            one.socket.shutdown(socket.SHUT_WR)
        except ConnectionError:
            continue
        assert one.closed()
