"""The block cache's files changed under a running server: statements answer from the object store again, and a metric tells of it."""

import re
import urllib.request

import pytest

from support.process import wait_until
from support.server import ROLE

ROWS = 200_000


def metric(server, name):
    text = urllib.request.urlopen(f"http://127.0.0.1:{server.http_port}/metrics", timeout=30).read().decode()
    return int(re.search(rf"^{name} (\d+)$", text, re.M).group(1))


def blocks(server):
    return sorted((server.data / "cache").glob("*.block"))


@pytest.fixture
def cached(own_server):
    """(server, question, answer): a table whose blocks are in the cache; the question reads all of it."""
    server = own_server(lake=True)
    server.lake.client().create_bucket(Bucket="damage")
    server.lake.put("damage", "t/a.csv", "".join(f"{i},name {i}\n" for i in range(ROWS)))
    question = "select count(*), sum(id), min(name), max(name), sum(len(name)) from ext.t"
    with server.connect() as db:
        db.execute(f"create external schema ext from data catalog database 'damage' iam_role '{ROLE}' create external database if not exists")
        db.execute("""create external table ext.t (id int, name varchar(20)) row format delimited fields terminated by ','
                      stored as textfile location 's3://damage/t/'""")
        answer = ask(server, question)
    assert answer[:2] == (ROWS, ROWS * (ROWS - 1) // 2)
    assert blocks(server) and metric(server, "skep_cache_damaged_pages_total") == 0
    return server, question, answer


def ask(server, question):
    with server.connect() as db:
        db.execute("set enable_result_cache_for_session to off")
        return db.execute(question).fetchone()


def flip(path, offsets):
    with path.open("r+b") as file:
        for offset in offsets:
            file.seek(offset)
            byte = file.read(1)[0]
            file.seek(offset)
            file.write(bytes([byte ^ 1]))


def test_the_cache_is_read_when_nothing_happened_to_it(cached):
    server, question, answer = cached
    misses = metric(server, "skep_cache_misses_total")
    hits = metric(server, "skep_cache_hits_total")
    assert ask(server, question) == answer
    assert metric(server, "skep_cache_misses_total") == misses and metric(server, "skep_cache_hits_total") > hits
    assert metric(server, "skep_cache_damaged_pages_total") == 0


def test_flipped_bits_are_noticed_and_fetched_again(cached):
    server, question, answer = cached
    (path,) = blocks(server)
    flip(path, [10, 4096 * 3 + 7, 4096 * 4 - 1, 1 << 20, path.stat().st_size - 1])
    assert ask(server, question) == answer
    assert metric(server, "skep_cache_damaged_pages_total") == 4, "one for each page"
    told = [int(pages) for pages in re.findall(r"block_cache_damaged .* pages=(\d+)", server.log())]
    assert told and sum(told) == 4
    # What was fetched again is right on the disk, too.
    misses = metric(server, "skep_cache_misses_total")
    assert ask(server, question) == answer
    assert metric(server, "skep_cache_misses_total") == misses and metric(server, "skep_cache_damaged_pages_total") == 4


@pytest.mark.parametrize("harm", ["cut short", "emptied", "removed", "a folder"])
def test_a_lost_file_costs_its_speed_only(cached, harm):
    server, question, answer = cached
    (path,) = blocks(server)
    if harm == "cut short":
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size // 2)
    elif harm == "emptied":
        path.write_bytes(b"")
    else:
        path.unlink()
        if harm == "a folder":
            path.mkdir()
    assert ask(server, question) == answer
    assert metric(server, "skep_cache_bypassed_total") > 0
    assert ask(server, question) == answer


def test_zeros_in_place_of_what_was_written_are_noticed(cached):
    """What a file system may leave of pages that never reached its disk."""
    server, question, answer = cached
    (path,) = blocks(server)
    size = path.stat().st_size
    path.write_bytes(b"\0" * size)
    assert ask(server, question) == answer
    assert metric(server, "skep_cache_damaged_pages_total") == (size + 4095) // 4096


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_files_that_were_changed_while_the_server_was_down_are_not_believed(cached, how):
    server, question, answer = cached
    server.stop() if how == "stopped" else server.kill()
    for path in blocks(server):
        flip(path, range(0, path.stat().st_size, 1000))
    (server.data / "cache" / ("0" * 48 + ".block")).write_bytes(b"left by somebody else")
    server.start()
    assert blocks(server) == [], "nothing of an earlier run is kept"
    wait_until("the server answering", lambda: ask(server, question) == answer)
    assert metric(server, "skep_cache_damaged_pages_total") == 0
