"""What the process that runs other people's SQL holds: nothing of the gateway's environment, no descriptor it was not given."""

import os
import pathlib
import re

import pytest

SECRET = "do-not-tell-anybody"


@pytest.fixture
def worker(own_server):
    """The worker of a server that was started among secrets."""
    if os.getuid() != 0:
        pytest.skip("only root may look into a process that is not dumpable")
    server = own_server(start=False).start(environment={"AWS_SECRET_ACCESS_KEY": SECRET, "MY_TOKEN": SECRET, "TZ": "UTC"})
    with server.connect() as connection:
        connection.execute("create table t as select 1 a")
        (pid,) = bound_to(server)
        yield pid


def status(pid: int) -> dict[str, str]:
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def bound_to(server) -> set[int]:
    """Workers that have a database open."""
    found = set()
    for pid in server.workers():
        links = [os.readlink(f) for f in pathlib.Path(f"/proc/{pid}/fd").iterdir()]
        if any(link.endswith("dev.duckdb") for link in links):
            found.add(pid)
    return found


def test_a_worker_knows_nothing_of_the_gateways_environment(worker):
    environment = pathlib.Path(f"/proc/{worker}/environ").read_bytes().decode().split("\0")
    names = {variable.partition("=")[0] for variable in environment if variable}
    assert "TZ" in names
    assert SECRET not in "".join(environment)
    assert not {n for n in names if not re.fullmatch(r"PATH|LANG|LC_\w+|TZ|TZDIR|TMPDIR|LD_LIBRARY_PATH|LLVM_PROFILE_FILE|\w+SAN_OPTIONS", n)}


def test_a_worker_holds_only_the_descriptors_it_was_given(worker):
    strange = []
    for link in pathlib.Path(f"/proc/{worker}/fd").iterdir():
        try:
            target = os.readlink(link)
        except FileNotFoundError:
            continue
        known = int(link.name) <= 2 or re.match(r"socket:|anon_inode:\[(eventfd|eventpoll|signalfd)\]|.*/databases/dev\.duckdb(\.wal)?$", target)
        if not known:
            strange.append(f"{link.name} -> {target}")
    assert not strange


def test_a_worker_is_confined(worker):
    of_worker = status(worker)
    assert of_worker["CapEff"] == of_worker["CapPrm"] == "0" * 16
    assert of_worker["NoNewPrivs"] == "1"
    if of_worker.get("Seccomp") is None:
        pytest.skip("this kernel has no seccomp")
    assert of_worker["Seccomp"] == "2"
