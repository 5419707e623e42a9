"""One workspace with many federated queries: it gets its share of the connections, waits for more, and takes nothing from the others."""

import re
import threading
import urllib.request

import psycopg
import pytest

from support import postgres as pg
from support.process import wait_until
from support.server import Server, User, run_skep

PASSWORD = "Second0Password"
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:shared"
ROLE = "arn:aws:iam::123456789012:role/remote"
SECOND = {"options": "-c workgroup=second"}
SHARE = 3


@pytest.fixture(scope="module")
def remote():
    if reason := pg.missing():
        pytest.skip(reason)
    with pg.postgres(password=PASSWORD) as port:
        with psycopg.connect(host="127.0.0.1", port=port, user=pg.USER, password=PASSWORD, dbname=pg.DATABASE, autocommit=True) as db:
            db.execute("create table public.small as select i as id from generate_series(1, 10) i")
            db.execute("create view public.slow as select i as id, pg_sleep(0.05)::text as x from generate_series(1, 100000) i")
            yield port, db


@pytest.fixture
def two(tmp_path, remote):
    """Makes a server with the workspaces default and second, in both of them the external schema `far`."""
    port, _ = remote
    made = []

    def make(wait, connections=100, share=SHARE):
        server = Server(tmp_path / "skep", settings={"federated-connections": str(connections), "federated-connections-per-workspace": str(share),
                                                     "federated-connection-wait": wait})
        server.more_config = f"""
[[secret]]
arn = "{SECRET}"
username = "{pg.USER}"
password = "{PASSWORD}"

[[federated_host]]
name = "127.0.0.1"
port = {port}

[[role]]
arn = "{ROLE}"
trust = ["workspace:default", "workspace:second"]
secrets = ["{SECRET}"]
"""
        server.init()
        run_skep("workspace", "add", "second", data_dir=server.data)
        run_skep("user", "add", "second_user", "--workspace", "second", "--superuser", "--password-stdin", data_dir=server.data, text_in=PASSWORD)
        made.append(server.start())
        for db in (server.connect(), server.connect(User("second_user", PASSWORD), **SECOND)):
            with db:
                db.execute(f"""create external schema far from postgres database '{pg.DATABASE}' schema 'public' uri '127.0.0.1' port {port}
                               iam_role '{ROLE}' secret_arn '{SECRET}'""")
        return server

    yield make
    for server in made:
        server.stop()


class Statements:
    """The same statement on so many connections of one workspace; `codes` are the SQLSTATEs with which they ended."""

    def __init__(self, server, count, sql="select count(x) from far.slow"):
        self.codes, self.messages = [], []
        self.connections = [server.connect() for _ in range(count)]
        self.threads = [threading.Thread(target=self._run, args=(one, sql)) for one in self.connections]
        for thread in self.threads:
            thread.start()

    def _run(self, db, sql):
        try:
            db.execute(sql).fetchall()
            self.codes.append("00000")
        except psycopg.Error as error:
            self.codes.append(error.sqlstate)
            self.messages.append(str(error))

    def cancel(self, numbers=None):
        for one in self.connections if numbers is None else [self.connections[n] for n in numbers]:
            one.cancel()

    def end(self):
        self.cancel()
        for thread in self.threads:
            thread.join()
        for one in self.connections:
            one.close()


def metric(server, name):
    text = urllib.request.urlopen(f"http://127.0.0.1:{server.http_port}/metrics", timeout=30).read().decode()
    return int(re.search(rf"^{name} (\d+)$", text, re.M).group(1))


def running(there):
    return there.execute("select count(*) from pg_stat_activity where application_name = 'skep' and query like 'copy%slow%' and state = 'active'").fetchone()[0]


def second(server):
    return server.connect(User("second_user", PASSWORD), **SECOND)


def test_a_flood_of_one_workspace_leaves_the_others_served(two, remote):
    server, there = two("60s"), remote[1]
    flood = Statements(server, 30)
    wait_until("the share being used up", lambda: running(there) == SHARE)
    wait_until("the others waiting", lambda: metric(server, "skep_remote_waiting") >= 20)
    with second(server) as db:
        for _ in range(5):
            assert db.execute("select count(*) from far.small").fetchone() == (10,)
    assert running(there) == SHARE and metric(server, "skep_remote_connections") == SHARE and flood.codes == []
    with server.connect() as db:  # what needs no remote database is not held up either
        assert db.execute("select 1 + count(*) from pg_class where false").fetchone() == (1,)
    flood.end()
    assert set(flood.codes) == {"57014"} and len(flood.codes) == 30
    wait_until("everything being given back", lambda: metric(server, "skep_remote_connections") == metric(server, "skep_remote_waiting") == 0)
    with server.connect() as db:
        assert db.execute("select count(*) from far.small").fetchone() == (10,)


def test_who_waits_too_long_is_told_so_and_served_later(two, remote):
    server, there = two("300ms"), remote[1]
    busy = Statements(server, SHARE)
    wait_until("the share being used up", lambda: running(there) == SHARE)
    with server.connect() as db:
        with pytest.raises(psycopg.Error) as refused:
            db.execute("select count(*) from far.small")
        assert refused.value.sqlstate == "53300"
        assert f"the workspace has {SHARE} of at most {SHARE}" in str(refused.value) and PASSWORD not in str(refused.value)
        with second(server) as other:
            assert other.execute("select count(*) from far.small").fetchone() == (10,)
        busy.end()
        wait_until("connections being given back", lambda: metric(server, "skep_remote_connections") == 0)
        assert db.execute("select count(*) from far.small").fetchone() == (10,)


def test_who_waits_is_served_when_another_statement_ends(two, remote):
    server, there = two("60s"), remote[1]
    busy = Statements(server, SHARE)
    wait_until("the share being used up", lambda: running(there) == SHARE)
    waiting = Statements(server, 2, "select count(*) from far.small")
    wait_until("two waiting", lambda: metric(server, "skep_remote_waiting") == 2)
    busy.cancel([0])
    wait_until("both being served", lambda: waiting.codes == ["00000", "00000"])
    busy.end()
    waiting.end()


@pytest.mark.parametrize("sql", ["select count(*) from (select id from far.small union all select id from far.small) s",
                                 "select count(*) from far.small a join far.small b on a.id >= b.id"])
def test_statements_over_several_tables_do_not_wait_for_each_other(two, remote, sql):
    """Each holds a connection while it asks for the next; a part of the share is for those."""
    server = two("60s", share=4)
    many = Statements(server, 20, sql)
    wait_until("all being served", lambda: len(many.codes) == 20, 120)
    assert set(many.codes) == {"00000"}, many.messages
    many.end()
    wait_until("everything being given back", lambda: metric(server, "skep_remote_connections") == 0)


def test_a_statement_that_waits_can_be_cancelled_and_is_forgotten(two, remote):
    server, there = two("600s"), remote[1]
    busy = Statements(server, SHARE)
    wait_until("the share being used up", lambda: running(there) == SHARE)
    waiting = Statements(server, 2)
    wait_until("two waiting", lambda: metric(server, "skep_remote_waiting") == 2)
    waiting.end()
    assert waiting.codes == ["57014", "57014"]
    wait_until("nobody waiting", lambda: metric(server, "skep_remote_waiting") == 0)
    assert metric(server, "skep_remote_connections") == SHARE
    busy.end()


def test_a_worker_that_dies_gives_its_connections_back(two, remote):
    import os
    import signal
    server, there = two("600s"), remote[1]
    busy = Statements(server, SHARE + 2)
    wait_until("the share being used up", lambda: running(there) == SHARE)
    wait_until("two waiting", lambda: metric(server, "skep_remote_waiting") == 2)
    for worker in server.workers():
        os.kill(worker, signal.SIGKILL)
    for thread in busy.threads:
        thread.join()
    wait_until("everything being given back", lambda: metric(server, "skep_remote_connections") == metric(server, "skep_remote_waiting") == 0)
    with server.connect() as db:
        assert db.execute("select count(*) from far.small").fetchone() == (10,)


def test_a_gateway_that_goes_down_waits_for_nobody(two, remote):
    server, there = two("600s"), remote[1]
    server.stop()
    server.settings["drain-timeout"] = "1s"
    server.start()
    busy = Statements(server, SHARE + 2)
    wait_until("the share being used up", lambda: running(there) == SHARE)
    wait_until("two waiting", lambda: metric(server, "skep_remote_waiting") == 2)
    server.stop()
    for thread in busy.threads:
        thread.join()
    assert len(busy.codes) == SHARE + 2 and "00000" not in busy.codes
    wait_until("the remote queries ending", lambda: running(there) == 0)
