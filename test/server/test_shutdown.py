"""How the gateway starts and ends: run.json, draining, its limit, forcing, and refusing to start."""

import json
import pathlib
import signal
import subprocess
import threading

import psycopg
import pytest

from support.process import accepts, children_of, wait_until
from support.server import SANITIZER_OPTIONS, SANITIZER_REPORT, SKEP

# A second or so, and for ever.
SLOW = "select count(*) from generate_series(1, 300000000) t(a) where a % 7 = 3"
ENDLESS = "select count(*) from generate_series(1, 100000000000) t(a), generate_series(1, 1000) u(b) where a % 7 = b"


class Running:
    """A statement in a thread of its own, in a transaction: so the gateway sees it as busy from here on, not only once it arrives."""

    def __init__(self, server, statement: str):
        self.connection = server.connect()
        self.connection.execute("begin")
        self.rows = self.error = None
        self.thread = threading.Thread(target=self._run, args=[statement])
        self.thread.start()

    def _run(self, statement: str) -> None:
        try:
            self.rows = self.connection.execute(statement).fetchall()
        except psycopg.Error as error:
            self.error = error
        self.connection.close()

    def end(self) -> None:
        self.thread.join(60)
        assert not self.thread.is_alive()


def ended(server, seconds: float = 60) -> tuple[int, str]:
    """Waits for the gateway's end; answers exit code and log, after everything it started is gone."""
    child, server.child = server.child, None
    code = child.process.wait(seconds)
    output = child.output()
    assert not SANITIZER_REPORT.search(output), output[-6000:]
    assert not (server.data / "run.json").exists()
    return code, output


def test_run_json_says_where_it_listens_while_it_does(own_server):
    own = own_server()
    run = json.loads((own.data / "run.json").read_text())
    assert run["pid"] == own.pid
    assert accepts(run["pgwire"]["port"]) and accepts(run["http"]["port"])
    assert (own.data / "run.json").stat().st_mode & 0o077 == 0
    own.child.process.send_signal(signal.SIGINT)
    assert ended(own)[0] == 0
    assert not accepts(run["pgwire"]["port"]) and not accepts(run["http"]["port"])


def test_a_running_statement_ends_before_the_gateway_does(own_server):
    own = own_server()
    idle = own.connect()
    running = Running(own, SLOW)
    family = children_of(own.pid)
    own.child.process.send_signal(signal.SIGTERM)
    wait_until("the port closing", lambda: not accepts(own.pgwire_port))
    code, output = ended(own)
    running.end()
    assert running.error is None and running.rows == [(42857143,)]
    assert code == 0 and "drain_cut_short" not in output
    with pytest.raises(psycopg.errors.AdminShutdown):
        idle.execute("select 1")
    wait_until("every process ending", lambda: not any(pathlib.Path(f"/proc/{p}/exe").exists() for p in family), 10)


def test_draining_has_a_limit(own_server):
    own = own_server(settings={"drain-timeout": "1s"})
    running = Running(own, ENDLESS)
    own.child.process.send_signal(signal.SIGTERM)
    code, output = ended(own)
    running.end()
    assert running.error is not None
    assert code == 0 and "drain_cut_short reason=drain_timeout" in output


def test_a_second_signal_ends_at_once(own_server):
    own = own_server()
    running = Running(own, ENDLESS)
    own.child.process.send_signal(signal.SIGTERM)
    wait_until("draining", lambda: " draining " in own.log())
    own.child.process.send_signal(signal.SIGTERM)
    code, output = ended(own, 20)
    running.end()
    assert running.error is not None
    assert code == 2 and "forced=true" in output


def test_what_was_committed_before_a_forced_end_is_there_afterwards(own_server):
    own = own_server()
    with own.connect() as db:
        db.execute("create table public.t as select 1 as a")
    running = Running(own, ENDLESS)
    own.child.process.send_signal(signal.SIGTERM)
    wait_until("draining", lambda: " draining " in own.log())
    own.child.process.send_signal(signal.SIGTERM)
    assert ended(own)[0] == 2
    running.end()
    own.start()
    with own.connect() as db:
        assert db.execute("select a from public.t").fetchone() == (1,)


def refused(server, **flags) -> str:
    """Starts another gateway that must not come up; answers what it says."""
    settings = {"pgwire-port": "0", "http-port": "0", **{name.replace("_", "-"): value for name, value in flags.items()}}
    done = subprocess.run([str(SKEP), "serve", "--data-dir", str(server.data), *(f"--{name}={value}" for name, value in settings.items())],
                          capture_output=True, text=True, timeout=60, env=SANITIZER_OPTIONS)
    assert done.returncode == 1, done.stderr
    assert not SANITIZER_REPORT.search(done.stderr), done.stderr
    return done.stderr


def test_two_gateways_do_not_share_a_data_directory(own_server):
    own = own_server()
    assert "another gateway uses" in refused(own)
    assert json.loads((own.data / "run.json").read_text())["pid"] == own.pid


def test_a_gateway_that_cannot_start_says_why(own_server):
    own, other = own_server(start=False), own_server()
    for message, flags in {
        f"cannot listen on 127.0.0.1:{other.http_port}": {"http_port": str(other.http_port)},
        f"127.0.0.1:{other.pgwire_port}": {"pgwire_port": str(other.pgwire_port)},
        "cannot start /nowhere/skep-worker": {"worker_path": "/nowhere/skep-worker"},
        "there is no workspace": {"workspace": "nowhere"},
    }.items():
        said = refused(own, **flags)
        assert "start_failed" in said and message in said, said
        assert not (own.data / "run.json").exists()


def test_health_readiness_and_metrics_are_served(own_server):
    import urllib.request
    own = own_server()
    read = lambda path: urllib.request.urlopen(f"http://127.0.0.1:{own.http_port}{path}", timeout=10).read().decode()  # noqa: E731
    assert read("/healthz") == "ok\n" and read("/readyz") == "ready\n"
    with own.connect() as db:
        db.execute("select 1 from (select 1) t")
        metrics = read("/metrics")
    assert "skep_sql_connections 1\n" in metrics
    for name in ("skep_workers", "skep_api_statements", "skep_lake_blocks_total"):
        assert f"# TYPE {name} " in metrics
