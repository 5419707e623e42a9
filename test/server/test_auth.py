"""Who gets in and how."""

import hashlib
import ssl
import socket
import struct
import time

import psycopg
import pytest

from support.pgwire import Wire, fields, message, startup
from support.server import run_skep


def refused(server, **more) -> tuple[dict, float]:
    started = time.monotonic()
    wire = Wire(server.pgwire_port)
    try:
        with pytest.raises(PermissionError) as caught:
            wire.login(**{"user": server.admin.name, "password": server.admin.password, **more})
        return caught.value.args[0], time.monotonic() - started
    finally:
        wire.close()


def test_a_wrong_password_is_refused_late_and_without_a_hint(server):
    error, seconds = refused(server, password="wrong")
    assert error["C"] == "28P01"
    assert error["M"] == f'password authentication failed for user "{server.admin.name}"'
    assert seconds > 0.2
    assert "wrong" not in str(error)


def test_an_unknown_user_looks_exactly_like_a_wrong_password(server):
    unknown, seconds = refused(server, user="nobody_at_all")
    assert unknown["C"] == "28P01" and unknown["M"] == 'password authentication failed for user "nobody_at_all"'
    assert seconds > 0.2


def test_a_refusal_is_logged_without_the_password(server):
    refused(server, password="a-very-secret-guess")
    assert "a-very-secret-guess" not in server.log()


def test_an_unknown_database_is_3d000(server):
    error, _ = refused(server, database="no_such_database")
    assert error["C"] == "3D000" and "no_such_database" in error["M"]


def test_a_refused_client_does_not_wake_a_worker(own_server):
    own = own_server(settings={"worker-prefork": "0"})
    before = len(own.workers())
    for _ in range(3):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(own.dsn(password="wrong"))
    assert len(own.workers()) == before


def first_offer(server, **parameters) -> int:
    wire = Wire(server.pgwire_port)
    try:
        wire.send(startup(user=server.admin.name, database="dev", **parameters))
        kind, body = wire.read()
        assert kind == "R", fields(body)
        return struct.unpack("!I", body[:4])[0]
    finally:
        wire.close()


def test_scram_is_offered_to_libpq(server):
    assert first_offer(server, application_name="psql") == 10


def test_redshifts_drivers_are_offered_what_they_can_speak(server):
    assert first_offer(server, driver_version="Redshift Python Driver 2.2.0", client_protocol_version="2") in (5, 13)


def test_scram_logs_in(server):
    wire = Wire(server.pgwire_port).login(server.admin.name, server.admin.password)
    assert wire.parameters["server_version"] == "8.0.2"
    wire.close()


def test_md5_logs_in_where_configured(own_server):
    own = own_server(settings={"pgwire-authentication": "md5"})
    assert first_offer(own) == 5
    with own.connect() as db:
        assert db.execute("select 1").fetchone() == (1,)
    error, _ = refused(own, password="wrong")
    assert error["C"] == "28P01"


def test_redshifts_digest_logs_in_where_configured(own_server):
    own = own_server(settings={"pgwire-authentication": "digest"})
    for password, ok in ((own.admin.password, True), ("wrong", False)):
        wire = Wire(own.pgwire_port).send(startup(user=own.admin.name, database="dev"))
        kind, body = wire.read()
        method, algorithm, length = struct.unpack("!III", body[:12])
        assert (kind, method, algorithm) == ("R", 13, 0)
        salt = body[12:12 + length]
        (nonce_length,) = struct.unpack("!I", body[12 + length:16 + length])
        server_nonce = body[16 + length:16 + length + nonce_length]
        client_nonce = b"0123456789abcdef"
        salted = hashlib.sha256(password.encode() + salt).digest()
        digest = hashlib.sha256(salted + server_nonce + client_nonce).digest()
        wire.send(message("d", struct.pack("!I", len(digest)) + digest + struct.pack("!I", len(client_nonce)) + client_nonce))
        kind, body = wire.read()
        assert (kind == "R") is ok, fields(body) if kind == "E" else kind
        wire.close()


@pytest.mark.parametrize("password", ["Passw0rd", "A,b=c;d&e0", "%s{0}$1Aa", "!#$%&()*+,-.0Aa", ":;<=>?[]^_`{|}~1Zz", "Aa0" + "x" * 61])
def test_every_password_that_redshift_allows_works(server, password):
    user = server.add_user(f"user_{hashlib.md5(password.encode()).hexdigest()[:8]}", password=password)
    with server.connect(user) as db:
        assert db.execute("select current_user").fetchone() == (user.name,)


@pytest.mark.parametrize("password", ["Sh0rt", "no upper 1", "NOLOWER123", "NoDigitsHere", "Quote'd0ne", "Aa0" + "x" * 62, "Pässw0rd"])
def test_a_password_that_redshift_forbids_is_refused_with_the_rule(server, password):
    refused = run_skep("user", "add", "weak", "--password-stdin", data_dir=server.data, text_in=password, check=False)
    assert refused.returncode != 0 and "8 to 64" in refused.stderr


def test_a_user_that_is_no_superuser_can_connect(server):
    user = server.add_user("plain_user")
    with server.connect(user) as db:
        assert db.execute("select 1").fetchone() == (1,)


def test_tls_is_refused_to_a_client_that_expects_another_certificate(server, tmp_path):
    import subprocess
    other = tmp_path / "other.crt"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(tmp_path / "k"), "-out", str(other),
                    "-subj", "/CN=other", "-days", "2"], check=True, capture_output=True)
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        server.connect(sslmode="verify-ca", sslrootcert=str(other))
    with server.connect(sslmode="verify-ca", sslrootcert=str(server.ca_file)) as db:
        assert db.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


def test_tls_speaks_nothing_older_than_1_2(server):
    raw = socket.create_connection(("127.0.0.1", server.pgwire_port), 10)
    raw.sendall(struct.pack("!II", 8, 80877103))
    assert raw.recv(1) == b"S"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with context.wrap_socket(raw) as secure:
        assert secure.version() in ("TLSv1.2", "TLSv1.3")


def test_required_tls_refuses_plain_connections(own_server):
    own = own_server(settings={"pgwire-require-tls": "true"})
    with pytest.raises(psycopg.OperationalError):
        own.connect(sslmode="disable")
    with own.connect(sslmode="require") as db:
        assert db.execute("select 1").fetchone() == (1,)


def test_too_many_connections_are_refused_politely(own_server):
    own = own_server(settings={"pgwire-max-connections": "5"})
    held = [own.connect() for _ in range(5)]
    with pytest.raises(psycopg.OperationalError) as caught:
        own.connect()
    assert "53300" in str(caught.value) or "too many" in str(caught.value) or "connection" in str(caught.value)
    for one in held:
        one.close()
