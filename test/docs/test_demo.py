"""The demo does what it says: it shows the path from files to answers, leaves servers running, ends them when told to, and ends
nothing else. Needs the demo's data and the S3 server (make demo-data, tools/fetch_clients s3)."""

import csv
import json
import os
import pathlib
import re
import signal
import subprocess
import sys

import duckdb
import pytest

from support import object_store
from support.process import accepts, wait_until
from support.server import ROOT, SANITIZER_OPTIONS, SANITIZER_REPORT, SKEP

ENVIRONMENT = {**os.environ, **SANITIZER_OPTIONS, "NO_COLOR": "1"}


def command(folder, *more):
    return [str(SKEP), "demo", "--directory", str(folder), *more]


def stop(folder) -> str:
    done = subprocess.run(command(folder, "--stop"), capture_output=True, text=True, env=ENVIRONMENT, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def pids(folder) -> list[int]:
    return [json.loads((folder / f"{name}.pid").read_text())["pid"] for name in ("s3", "serve")]


def session_members(session: int) -> list[int]:
    """Living processes of a session: a server and what it started."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            state, _parent, _group, own = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(own) == session and state not in "ZX":
            found.append(int(entry.name))
    return found


@pytest.fixture
def folder(tmp_path, demo_data):
    """A folder for one demo, which is ended whatever happens."""
    if object_store.missing():
        pytest.skip(object_store.missing())
    yield tmp_path / "demo"
    stop(tmp_path / "demo")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_demo_shows_the_whole_path_and_stops_when_told(folder, demo_data):
    done = subprocess.run(command(folder, "--pgwire-port", "0", "--http-port", "0"), capture_output=True, text=True, env=ENVIRONMENT,
                          timeout=500)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    shown = done.stdout
    for wanted in ("make_bucket: lake", "crawler travel: SUCCEEDED", "crawler tpch: SUCCEEDED", "[year] [month]", "travel.earthquakes (json)",
                   "s3://lake/flights/year=2001/month=03/part-0000.parquet", "Dallas-Fort Worth",
                   "The same 5 rows through psql, skep sql, boto3, the AWS CLI.", "worker_idle", "Skep is running"):
        assert wanted in shown, f"{wanted!r} is not in\n{shown[-6000:]}"
    password = json.loads((folder / "analyst.json").read_text())["password"]
    assert password not in shown
    assert (folder / "analyst.json").stat().st_mode & 0o077 == 0

    # The engine alone gives the same answer for the same files.
    engine = duckdb.connect()
    engine.execute("create schema tpch")
    for table in ("customer", "orders", "lineitem", "supplier", "nation", "region"):
        engine.execute(f"create view tpch.{table} as from '{demo_data}/tpch/{table}/*.parquet'")
    expected = [[str(value) for value in row] for row in engine.execute((folder / "query.sql").read_text()).fetchall()]
    after = shown[shown.index("$ psql -X --csv"):].splitlines()[1:7]
    assert list(csv.reader(line.strip() for line in after)) == [["n_name", "revenue"], *expected]

    # What it leaves behind works as the last lines say.
    environment = {**ENVIRONMENT, "DEMO_ENV": str(folder / "env")}
    answer = subprocess.run(["bash", "-c", '. "$DEMO_ENV"; psql -XAtc "select count(*) from hubs"'], capture_output=True, text=True,
                            env=environment, cwd=ROOT)
    assert answer.stdout.strip() == "5", answer.stdout + answer.stderr
    whole = re.search(r'psql "(host=127.0.0.1 port=.*)"', shown).group(1)
    answer = subprocess.run(["psql", "-XAtc", "select count(*) from hubs", whole], capture_output=True, text=True, cwd=ROOT)
    assert answer.stdout.strip() == "5", answer.stdout + answer.stderr

    processes = pids(folder)
    run = json.loads((folder / "data/run.json").read_text())
    ports = [run["pgwire"]["port"], run["http"]["port"]]
    assert run["pid"] == processes[1] and all(accepts(port) for port in ports)
    said = stop(folder)
    assert "stopped skep serve" in said and "stopped the S3 server" in said and "The demo is stopped." in said
    for pid in processes:
        assert session_members(pid) == []
    assert not any(accepts(port) for port in ports)
    assert not (folder / "data/run.json").exists()
    assert not SANITIZER_REPORT.search((folder / "serve.log").read_text())
    assert "No demo is running" in stop(folder)

    # Shown again with what is there, nothing is uploaded or crawled twice.
    again = subprocess.run(command(folder, "--keep", "--pgwire-port", "0", "--http-port", "0"), capture_output=True, text=True,
                           env=ENVIRONMENT, timeout=300)
    assert again.returncode == 0, again.stdout[-6000:] + again.stderr[-2000:]
    assert again.stdout.count("kept from the earlier demo") == 2 and "The same 5 rows" in again.stdout


@pytest.mark.timeout(300)
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_nothing_running(folder, tmp_path, how):
    log = tmp_path / "shown"
    with open(log, "w") as out:
        demo = subprocess.Popen(command(folder, "--pgwire-port", "0", "--http-port", "0"), stdout=out, stderr=out, env=ENVIRONMENT)
    try:
        wait_until("the crawl's step", lambda: demo.poll() is not None or "create_crawler" in log.read_text(), 120)
        processes = pids(folder)
        demo.send_signal(how)
        assert demo.wait(120) == 130, log.read_text()
    finally:
        demo.kill()
        demo.wait()
    assert "nothing is left running" in log.read_text()
    for pid in processes:
        assert session_members(pid) == []


def test_a_failing_demo_says_why(folder):
    done = subprocess.run(command(folder, "--s3-server", "/bin/false"), capture_output=True, text=True, env=ENVIRONMENT, timeout=120)
    assert done.returncode == 1
    assert "the S3 server does not start" in done.stderr
    assert not (folder / "s3.pid").exists()


def test_a_folder_that_is_not_the_demos_is_left_alone(tmp_path):
    (tmp_path / "precious").write_text("mine")
    done = subprocess.run(command(tmp_path), capture_output=True, text=True, env=ENVIRONMENT, timeout=60)
    assert done.returncode == 1 and "no demo's folder" in done.stderr
    assert (tmp_path / "precious").read_text() == "mine"


def test_stop_ends_no_process_that_merely_has_the_number(tmp_path):
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        for name in ("s3", "serve"):
            (tmp_path / f"{name}.pid").write_text(json.dumps({"pid": stranger.pid, "started": "1", "command": [sys.executable]}))
        assert "No demo is running" in stop(tmp_path)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
