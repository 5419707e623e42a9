"""UNLOAD as a way out: with another workspace's role, past a prefix, through its options into the plan, onto the host's files."""

import psycopg
import pytest

from support.server import ROLE, User, run_skep

BUCKET = "exits"
PASSWORD = "Second0Password"


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """(server, user of the workspace second): the role trusts the workspace default only."""
    from support import object_store
    from support.object_store import ObjectStore
    from support.server import Server
    if object_store.missing():
        pytest.skip(object_store.missing())
    store = ObjectStore(tmp_path_factory.mktemp("lake")).start()
    store.client().create_bucket(Bucket=BUCKET)
    server = Server(tmp_path_factory.mktemp("two"), store).init()
    run_skep("workspace", "add", "second", data_dir=server.data)
    run_skep("user", "add", "second_user", "--workspace", "second", "--superuser", "--password-stdin", data_dir=server.data, text_in=PASSWORD)
    server.start()
    yield server, User("second_user", PASSWORD)
    server.stop()
    store.stop()


def keys(server):
    return [one["Key"] for one in server.lake.client().list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def refused(db, statement, *sqlstates):
    with pytest.raises(psycopg.Error) as failed:
        db.execute(statement)
    assert failed.value.sqlstate in sqlstates, (statement, failed.value)
    return str(failed.value)


def test_no_workspace_writes_with_anothers_role(two):
    server, second = two
    with server.connect(second, options="-c workgroup=second") as db:
        refused(db, f"unload ('select 1') to 's3://{BUCKET}/stolen/' iam_role '{ROLE}'", "42501")
        refused(db, f"create external schema x from data catalog database 'd' iam_role '{ROLE}' create external database if not exists", "42501")
    assert keys(server) == []


@pytest.mark.parametrize("place", ["/etc/cron.d/x", "file:///tmp/x", "s3://", "s3:///x", f"s3://{BUCKET}/../other/x", f"s3://{BUCKET}/a/../../x",
                                   "s3://w1.0@x/y", "s3://1.0.10@x/y", f"s3://{BUCKET}?acl/x", "http://127.0.0.1/x"])
def test_targets_that_are_none(two, place):
    server, _ = two
    with server.connect() as db:
        refused(db, f"unload ('select 1') to '{place}' iam_role '{ROLE}'", "22023", "42501", "58000", "42704", "58P01", "42710")
    assert keys(server) == []


def test_options_are_values_and_nothing_else(two):
    server, _ = two
    odd = 'a","roles":["arn:aws:iam::123456789012:role/private"],"x":"b'
    with server.connect() as db:
        db.execute(f"unload ('select 1 as a, ''x'' as \"b\"\"; drop\"') to 's3://{BUCKET}/{odd}/' iam_role '{ROLE}' json parallel off")
        db.execute(f"unload ('select 1 as a') to 's3://{BUCKET}/null/' iam_role '{ROLE}' null as ''') ; drop table x; --' parallel off")
        refused(db, f"unload ('select 1') to 's3://{BUCKET}/x' iam_role '{ROLE}' encrypted kms_key_id 'k\r\nx-amz-acl: public-read'", "22023")
        refused(db, f"unload ('select 1) to ''s3://{BUCKET}/y'' --') to 's3://{BUCKET}/x' iam_role '{ROLE}'", "42601")
        refused(db, f"unload ('select * from skep_catalog.external_schemas') to 's3://{BUCKET}/x' iam_role '{ROLE}'", "42P01", "42501", "3F000")
        refused(db, f"unload ('select rs_unload(1)') to 's3://{BUCKET}/x' iam_role '{ROLE}'", "42883")
    found = sorted(keys(server))
    assert found == sorted([f"{odd}/000.json", "null/000"])
    for key in found:
        server.lake.client().delete_object(Bucket=BUCKET, Key=key)


def test_the_engines_own_copy_cannot_be_reached(two):
    server, _ = two
    with server.connect() as db:
        for statement in ("copy (select 1) to '/tmp/skep-out'", "copy (select 1) to 's3://exits/x' (format csv)", "export database '/tmp/skep-out'",
                          f"copy (select 1) to 's3://' (format rs_unload, plan '{{}}')", "select 1 to 's3://exits/x'"):
            refused(db, statement, "0A000", "42601")
    assert keys(server) == []
