"""No space left: a clear error, nothing acknowledged is lost, and work goes on once there is room."""

import os
import subprocess

import psycopg
import pytest

from support.process import wait_until
from support.server import Server


@pytest.fixture
def small_disk(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a small file system")
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", str(folder)], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"this machine does not let us mount a tmpfs: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_fails_the_statement_and_keeps_what_was_committed(small_disk):
    server = Server(small_disk / "skep").init().start()
    try:
        with server.connect() as db:
            db.execute("create table public.t (a bigint, b varchar(200))")
            committed = 0
            failure = None
            for turn in range(200):
                try:
                    db.execute(f"insert into public.t select i, md5((i + {turn})::varchar) || md5((i * 7 + {turn})::varchar) "
                               "from generate_series(1, 40000) t(i)")
                    committed += 40000
                except psycopg.Error as error:
                    failure = error
                    break
            assert failure is not None, "the disk never became full"
            assert failure.sqlstate in ("53100", "58030"), failure

        def answers():
            try:
                with server.connect() as db:
                    return db.execute("select count(*) from public.t").fetchone()
            except psycopg.Error:
                return None

        assert wait_until("the server answering", answers, 30, 0.2) == (committed,)
        subprocess.run(["mount", "-o", "remount,size=400m", str(small_disk)], check=True)

        def inserts():
            try:
                with server.connect() as db:
                    db.execute("insert into public.t values (1, 'room again')")
                    return True
            except psycopg.Error:
                return False

        wait_until("an insert after there is room", inserts, 30, 0.2)
        assert answers() == (committed + 1,)
    finally:
        server.stop()
