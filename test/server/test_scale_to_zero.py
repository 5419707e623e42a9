"""Compute appears with a statement and vanishes when none comes."""

import psycopg

from support.process import children_of, memory_kib, wait_until


def test_no_worker_runs_before_the_first_statement_and_after_idling(own_server):
    own = own_server(settings={"worker-idle-timeout": "1s", "worker-prefork": "0"})
    assert own.workers() == []
    with own.connect() as db:
        assert db.execute("show server_version").fetchone()
        assert own.workers() == [], "a driver's probe woke a worker"
        db.execute("create table public.t as select 1 as a")
        assert len(own.workers()) == 1
        wait_until("the worker vanishing", lambda: own.workers() == [], 30, 0.1)
        assert db.execute("select a from public.t").fetchone() == (1,)


def test_an_open_transaction_keeps_its_worker(own_server):
    own = own_server(settings={"worker-idle-timeout": "1s", "worker-prefork": "0"})
    with own.connect() as db, own.connect() as other:
        db.execute("create table public.t (a int)")
        db.execute("begin")
        db.execute("insert into public.t values (1)")
        kept = own.workers()
        # Longer than the idle time: measured by another session's clock, which runs for three idle times.
        other.execute("set statement_timeout to 3000")
        try:
            other.execute("select count(*) from generate_series(1, 100000000000) t(a), generate_series(1, 1000) u(b) where a % 7 = b")
        except psycopg.errors.QueryCanceled:
            pass
        assert own.workers() == kept
        db.execute("commit")
        assert other.execute("select count(*) from public.t").fetchone() == (1,)


def test_a_temporary_table_keeps_its_worker(own_server):
    own = own_server(settings={"worker-idle-timeout": "1s", "worker-prefork": "0"})
    with own.connect() as db:
        db.execute("create temp table mine (a int)")
        db.execute("insert into mine values (1)")
        try:
            wait_until("a worker vanishing that should stay", lambda: own.workers() == [], 4, 0.2)
            raise AssertionError("the worker left with a live session's temporary table")
        except TimeoutError:
            pass
        assert db.execute("select a from mine").fetchone() == (1,)


def test_a_worker_that_is_killed_fails_its_statement_and_the_next_gets_a_new_one(own_server):
    import os
    import signal
    import threading
    own = own_server(settings={"worker-prefork": "0"})
    with own.connect() as db:
        db.execute("create table public.t as select 1 as a")
        outcome = []

        def run():
            try:
                db.execute("select count(*) from generate_series(1, 100000000000) t(a), generate_series(1, 1000) u(b) where a % 7 = b")
            except psycopg.Error as error:
                outcome.append(error.sqlstate)

        thread = threading.Thread(target=run)
        thread.start()
        wait_until("the statement running", lambda: db.info.transaction_status == psycopg.pq.TransactionStatus.ACTIVE)
        for worker in own.workers():
            os.kill(worker, signal.SIGKILL)
        thread.join(20)
        assert outcome and outcome[0] in ("57P02", "58000")
        assert db.execute("select a from public.t").fetchone() == (1,)


def test_nothing_but_the_gateways_family_is_left_after_a_stop(own_server):
    own = own_server()
    with own.connect() as db:
        db.execute("select 1 from (select 1) t")
    family = children_of(own.pid)
    own.stop()
    wait_until("every process ending", lambda: not any(_alive(p) for p in family), 10)


def test_sessions_come_and_go_without_leaving_memory(own_server):
    own = own_server()

    def round_of(count):
        for _ in range(count):
            with own.connect() as db:
                db.execute("select 1")

    round_of(50)
    before = memory_kib(own.pid, "Rss")
    round_of(150)
    # Sanitizers keep freed memory in quarantine for a while.
    assert memory_kib(own.pid, "Rss") - before < 60 * 1024


def _alive(pid):
    try:
        return open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
