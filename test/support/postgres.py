"""A PostgreSQL 15 of one's own, to compare with: a fresh cluster on a free port, without passwords, as its own user when run by root."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

from support.pgwire import Wire
from support.process import Child, free_port, wait_until

BIN = pathlib.Path("/usr/lib/postgresql/15/bin")
USER = "compare"
DATABASE = "postgres"


def missing() -> str:
    """Why it cannot run here; empty when it can."""
    return "" if (BIN / "initdb").exists() and (BIN / "postgres").exists() else f"PostgreSQL 15 is not installed in {BIN}"


def answers(port: int, password: str = "") -> bool:
    """Whether it lets somebody in; while it starts it listens and refuses."""
    try:
        Wire(port).login(USER, password, DATABASE).close()
        return True
    except (OSError, EOFError):  # a refusal is a PermissionError
        return False


@contextlib.contextmanager
def postgres(password: str = ""):
    """Runs a server; yields its port. With a password it asks for one. Its end removes everything."""
    # Not below pytest's folder, which other users cannot enter.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="skep-postgres-"))
    child = None
    # A server refuses to run as root.
    prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
    try:
        if prefix:
            shutil.chown(folder, "postgres", "postgres")
        (folder / "password").write_text(password)
        (folder / "password").chmod(0o644)
        asked = ["-A", "scram-sha-256", f"--pwfile={folder / 'password'}"] if password else ["-A", "trust"]
        subprocess.run([*prefix, BIN / "initdb", "-D", folder / "data", *asked, "-U", USER, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
                       check=True, capture_output=True)
        for _ in range(5):  # another process may take the port first
            port = free_port()
            child = Child([*prefix, str(BIN / "postgres"), "-D", str(folder / "data"), "-p", str(port), "-c", "listen_addresses=127.0.0.1",
                           "-c", "unix_socket_directories=", "-c", "fsync=off"], folder / "log")
            wait_until("PostgreSQL being ready", lambda: answers(port, password) or not child.alive(), 60)
            if child.alive():
                break
        else:
            raise AssertionError("PostgreSQL does not start:\n" + child.output())
        yield port
    finally:
        if child and child.alive():
            child.stop(signal.SIGINT)  # its fast shutdown
        shutil.rmtree(folder, ignore_errors=True)
