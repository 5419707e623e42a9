"""An object store that refuses, fails, breaks off or hangs: each statement ends with a clear code, and the next one works."""

import threading
import time

import psycopg
import psycopg.errors
import pytest

from support import object_store
from support.faulty_store import FaultyStore
from support.object_store import ObjectStore
from support.process import wait_until
from support.server import ROLE, Server

ROWS = 20000


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    """(server, faulty store): table ext.t of ROWS rows lies behind the store."""
    if object_store.missing():
        pytest.skip(object_store.missing())
    store = FaultyStore(ObjectStore(tmp_path_factory.mktemp("s3")).start())
    # Nothing is cached, so that every statement reads.
    server = Server(tmp_path_factory.mktemp("skep"), store).init().start()
    store.store.client().create_bucket(Bucket="faulty")
    store.store.put("faulty", "t/a.csv", "id,name\n" + "".join(f"{i},name {i}\n" for i in range(ROWS)))
    glue = server.client("glue", server.add_user("api", superuser=True, access_key=True))
    glue.create_database(DatabaseInput={"Name": "faulty"})
    glue.create_crawler(Name="faulty", Role=ROLE, DatabaseName="faulty", Targets={"S3Targets": [{"Path": "s3://faulty/t/"}]})
    glue.start_crawler(Name="faulty")
    wait_until("the crawl ending", lambda: glue.get_crawler(Name="faulty")["Crawler"]["State"] == "READY", 60)
    with server.connect() as db:
        db.execute(f"create external schema ext from data catalog database 'faulty' iam_role '{ROLE}'")
    yield server, store
    store.fault = None
    server.stop()
    store.stop()


@pytest.fixture
def fresh(faulty):
    """The store with an object that no cache holds yet, and no fault."""
    server, store = faulty
    store.fault, store.faults = None, 0
    store.store.put("faulty", "t/a.csv", "id,name\n" + "".join(f"{i},name {time.time_ns()}\n" for i in range(ROWS)))
    yield server, store
    store.fault = None


@pytest.fixture
def unloads(faulty):
    server, store = faulty
    store.write_fault, store.write_path = None, ""
    yield server, store
    store.write_fault, store.fault = None, None


def written(store, prefix):
    """(keys of objects, keys of unfinished uploads) below a prefix."""
    client = store.store.client()
    return ([one["Key"] for one in client.list_objects_v2(Bucket="faulty", Prefix=prefix).get("Contents", [])],
            [one["Key"] for one in client.list_multipart_uploads(Bucket="faulty").get("Uploads", []) if one["Key"].startswith(prefix)])


def unload(db, prefix, options=""):
    return db.execute("unload ('select g, repeat(''x'', 100) || g as v from generate_series(1, 300000) as t(g)') "
                      f"to 's3://faulty/{prefix}' iam_role '{ROLE}' manifest {options}")


@pytest.mark.parametrize("step, fault, sqlstates", [
    ("begin", "403", {"42501"}), ("begin", "500", {"58000", "58030"}), ("part", "403", {"42501"}), ("part", "500", {"58000", "58030"}),
    ("complete", "403", {"42501"}), ("complete", "500", {"58000", "58030"})])
def test_an_unload_that_cannot_be_written_leaves_nothing(unloads, step, fault, sqlstates):
    server, store = unloads
    prefix = f"out/{step}{fault}/"
    store.write_fault, store.faults = (step, fault), 0
    with server.connect() as db:
        with pytest.raises(psycopg.Error) as failed:
            unload(db, prefix)
        assert failed.value.sqlstate in sqlstates, failed.value
        assert store.faults > 0
        wait_until("the uploads being dropped", lambda: written(store, prefix) == ([], []))
        store.write_fault = None
        unload(db, prefix)
    assert len(written(store, prefix)[0]) >= 2


def test_files_are_taken_back_when_the_manifest_cannot_be_written(unloads):
    server, store = unloads
    store.write_fault, store.write_path = ("complete", "403"), "manifest"
    with server.connect() as db, pytest.raises(psycopg.Error) as failed:
        unload(db, "out/manifest/")
    assert failed.value.sqlstate == "42501"
    assert written(store, "out/manifest/") == ([], [])


def test_a_completion_whose_answer_is_lost_counts_as_done(unloads):
    server, store = unloads
    store.write_fault = ("complete", "lose")
    with server.connect() as db:
        unload(db, "out/lost/", "parallel off")
    assert written(store, "out/lost/") == (["out/lost/000", "out/lost/manifest"], [])


def test_a_store_that_goes_down_in_the_middle_fails_the_unload(unloads):
    server, store = unloads
    store.write_fault, store.faults = ("part", "hang"), 0
    with server.connect() as db:
        timer = threading.Thread(target=lambda: (wait_until("a part hanging", lambda: store.faults > 0, 60), db.cancel()))
        timer.start()
        with pytest.raises(psycopg.Error) as failed:
            unload(db, "out/hang/")
        timer.join()
        assert failed.value.sqlstate == "57014"
        store.write_fault = None
        assert works(db)
    assert written(store, "out/hang/")[0] == []


def works(db):
    return db.execute("select count(*) from ext.t").fetchone() == (ROWS,)


@pytest.mark.parametrize("fault,sqlstates", [("403", {"42501"}), ("500", {"58000", "58030"}), ("truncate", {"58000", "58030", "55000"})])
def test_a_fault_fails_the_statement_with_its_code_and_the_next_one_works(fresh, fault, sqlstates):
    server, store = fresh
    store.fault = fault
    with server.connect() as db:
        started = time.monotonic()
        with pytest.raises(psycopg.Error) as caught:
            db.execute("select sum(id), max(name) from ext.t").fetchall()
        assert caught.value.sqlstate in sqlstates, caught.value
        assert store.faults > 0 and time.monotonic() - started < 60
        assert "127.0.0.1" not in str(caught.value.diag.message_primary) and store.secret_key not in str(caught.value)
        store.fault = None
        assert works(db)


def test_a_read_that_hangs_is_cancelled(fresh):
    server, store = fresh
    store.fault = "hang"
    outcome = []
    with server.connect() as db:

        def run():
            try:
                db.execute("select sum(id) from ext.t").fetchall()
            except psycopg.Error as error:
                outcome.append((time.monotonic(), error.sqlstate))

        thread = threading.Thread(target=run)
        thread.start()
        wait_until("the read hanging", lambda: store.faults > 0)
        cancelled = time.monotonic()
        db.cancel_safe()
        thread.join(30)
        assert outcome and outcome[0][1] == "57014"
        assert outcome[0][0] - cancelled < 2
        store.fault = None
        store.released.set()
        store.released.clear()
        wait_until("the table being readable again", lambda: works(db), 60)


def test_a_read_that_hangs_ends_with_the_statements_time_out(fresh):
    server, store = fresh
    store.fault = "hang"
    with server.connect() as db:
        db.execute("set statement_timeout to 500")
        with pytest.raises(psycopg.errors.QueryCanceled):
            db.execute("select sum(id) from ext.t").fetchall()
        with server.connect() as other:
            assert other.execute("select sum(i) from generate_series(1, 1000) t(i)").fetchone() == (500500,)
        store.fault = None
        store.released.set()
        store.released.clear()
        db.execute("set statement_timeout to 0")
        wait_until("the table being readable again", lambda: works(db), 60)
