"""What was acknowledged is there afterwards, whatever was killed when."""

import os
import random
import signal
import threading

import psycopg
import pytest

from support.process import wait_until

KILLS = 50
WRITERS = 3


class Writer(threading.Thread):
    """Inserts numbers one transaction each; remembers which commits were acknowledged and which were in flight."""

    def __init__(self, server, number):
        super().__init__()
        self.server, self.number = server, number
        self.acknowledged: set[int] = set()
        self.in_doubt: set[int] = set()
        self.unexpected: list[str] = []
        self.stopping = threading.Event()

    def run(self):
        value = self.number
        connection = None
        while not self.stopping.is_set():
            try:
                if connection is None or connection.closed:
                    connection = self.server.connect()
                self.in_doubt.add(value)
                if value % 2:
                    connection.execute("insert into public.kept values (%s)", (value,))
                else:
                    connection.execute("begin")
                    connection.execute("insert into public.kept values (%s)", (value,))
                    connection.execute("commit")
                self.acknowledged.add(value)
                self.in_doubt.discard(value)
            except psycopg.Error as error:
                state = error.sqlstate
                if state not in (None, "57P01", "57P02", "57P03", "58000", "40001", "08006", "08001", "53300"):
                    self.unexpected.append(f"{state}: {error}")
                if connection is not None:
                    connection.close()
                connection = None
            value += WRITERS
        if connection is not None:
            connection.close()


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("victim", ["worker", "gateway"])
def test_fifty_kills_under_load_lose_no_acknowledged_commit(own_server, victim):
    own = own_server()
    with own.connect() as db:
        db.execute("create table public.kept (a bigint)")
    writers = [Writer(own, n) for n in range(WRITERS)]
    for writer in writers:
        writer.start()
    chance = random.Random(57)
    try:
        for _ in range(KILLS if victim == "worker" else KILLS // 2):
            before = sum(len(w.acknowledged) for w in writers)
            more = chance.randrange(1, 25)
            wait_until("commits between two kills", lambda: sum(len(w.acknowledged) for w in writers) >= before + more, 60, 0.003)
            if victim == "worker":
                for pid in own.workers():
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
            else:
                own.kill()
                own.start()
    finally:
        for writer in writers:
            writer.stopping.set()
        for writer in writers:
            writer.join(60)
    assert not [u for w in writers for u in w.unexpected][:3]
    with own.connect() as db:
        rows = [r[0] for r in db.execute("select a from public.kept")]
    acknowledged = set().union(*(w.acknowledged for w in writers))
    in_doubt = set().union(*(w.in_doubt for w in writers))
    assert len(acknowledged) > KILLS
    assert acknowledged - set(rows) == set(), "acknowledged commits are lost"
    assert set(rows) - acknowledged - in_doubt == set(), "rows that nobody committed"
    assert len(rows) == len(set(rows)), "a row is there twice"


def test_a_definition_and_its_rows_survive_the_gateways_death(own_server):
    own = own_server()
    db = own.connect()
    db.execute("create schema s")
    db.execute("create table s.t (a int, b varchar(20))")
    db.execute("insert into s.t values (1, 'one'), (2, 'two')")
    db.execute("create view s.v as select a from s.t where b = 'two'")
    db.execute("begin")
    db.execute("insert into s.t values (3, 'never committed')")
    own.kill()
    db.close()
    own.start()
    with own.connect() as db:
        assert db.execute("select a from s.v").fetchall() == [(2,)]
        assert db.execute("select count(*) from s.t").fetchone() == (2,)


def test_two_gateways_never_share_a_data_directory(own_server):
    import subprocess

    from support.server import SKEP
    own = own_server()
    second = subprocess.run([str(SKEP), "serve", "--data-dir", str(own.data), "--pgwire-port=0", "--http-port=0"], capture_output=True,
                            text=True, timeout=60, stdin=subprocess.DEVNULL)
    assert second.returncode != 0 and "another" in second.stdout + second.stderr
    with own.connect() as db:
        assert db.execute("select 1").fetchone() == (1,)


def test_a_stop_under_load_drains_and_loses_nothing(own_server):
    own = own_server()
    with own.connect() as db:
        db.execute("create table public.kept (a bigint)")
    writer = Writer(own, 0)
    writer.start()
    wait_until("some commits", lambda: len(writer.acknowledged) > 20)
    own.stop()
    writer.stopping.set()
    writer.join(60)
    own.start()
    with own.connect() as db:
        rows = {r[0] for r in db.execute("select a from public.kept")}
    assert writer.acknowledged <= rows <= writer.acknowledged | writer.in_doubt
