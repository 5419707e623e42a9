"""One workspace must never see another: not its users, tables, files, roles, statements or processes."""

import pathlib

import botocore.exceptions
import psycopg
import pytest

from support.process import wait_until
from support.server import ROLE, User, run_skep

PASSWORD = "Second0Password"


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """A server with the workspaces default and second: (server, user of second, user of default with a key, user of second with a key)."""
    from support import object_store
    from support.object_store import ObjectStore
    from support.server import Server
    lake = None if object_store.missing() else ObjectStore(tmp_path_factory.mktemp("lake")).start()
    server = Server(tmp_path_factory.mktemp("two"), lake).init()
    run_skep("workspace", "add", "second", data_dir=server.data)
    run_skep("user", "add", "second_user", "--workspace", "second", "--superuser", "--password-stdin", data_dir=server.data, text_in=PASSWORD)
    server.start()
    first_api = server.add_user("first_api", superuser=True, access_key=True)
    import json
    made = json.loads(run_skep("user", "add", "second_api", "--workspace", "second", "--superuser", "--access-key", "--output", "json",
                               data_dir=server.data).stdout)
    second_api = User("second_api", made["password"], made["access_key_id"], made["secret_access_key"])
    yield server, User("second_user", PASSWORD), first_api, second_api
    server.stop()
    if lake:
        lake.stop()


SECOND = {"options": "-c workgroup=second"}


def refused(connect, *sqlstates):
    with pytest.raises(psycopg.OperationalError) as caught:
        connect().close()
    text = str(caught.value)
    assert any(s in text for s in sqlstates), text


def test_a_user_exists_in_its_own_workspace_only(two):
    server, second_user, first_api, _ = two
    with server.connect(second_user, **SECOND) as db:
        assert db.execute("select current_user").fetchone() == ("second_user",)
    refused(lambda: server.connect(second_user), "password authentication failed")
    refused(lambda: server.connect(server.admin, **SECOND), "password authentication failed")
    refused(lambda: server.connect(User(first_api.name, first_api.password), **SECOND), "password authentication failed")


def test_an_unknown_workgroup_is_refused(two):
    server = two[0]
    refused(lambda: server.connect(options="-c workgroup=third"), "does not exist", "password authentication failed")
    refused(lambda: server.connect(options="-c workgroup=../default"), "does not exist", "password authentication failed")


def test_tables_of_the_same_name_are_two(two):
    server, second_user, _, _ = two
    with server.connect() as one, server.connect(second_user, **SECOND) as other:
        one.execute("create table secret as select 'first' as whose")
        other.execute("create table secret as select 'second' as whose")
        assert one.execute("select whose from secret").fetchone() == ("first",)
        assert other.execute("select whose from secret").fetchone() == ("second",)
        for attack in ("select * from second.public.secret", "select * from default.public.secret", 'select * from "../second".public.secret'):
            with pytest.raises(psycopg.Error):
                one.execute(attack)


def test_each_workspace_has_its_own_process_and_files(two):
    server, second_user, _, _ = two
    with server.connect() as one, server.connect(second_user, **SECOND) as other:
        one.execute("create table if not exists here (a int)")
        other.execute("create table if not exists there (a int)")
        open_files = {}
        for worker in server.workers():
            paths = {str(p.readlink()) for p in pathlib.Path(f"/proc/{worker}/fd").iterdir() if p.is_symlink() or p.exists()}
            open_files[worker] = {p for p in paths if "/workspaces/" in p}
        holders = [w for w, files in open_files.items() if files]
        assert len(holders) == 2
        for files in open_files.values():
            assert len({p.split("/workspaces/")[1].split("/")[0] for p in files}) <= 1, files


def test_a_role_that_trusts_one_workspace_serves_no_other(two):
    server, second_user, first_api, _ = two
    if not server.lake:
        pytest.skip("no S3 server")
    server.lake.client().create_bucket(Bucket="shared")
    server.lake.put("shared", "t/a.csv", "id\n1\n")
    glue = server.client("glue", first_api)
    glue.create_database(DatabaseInput={"Name": "shared"})
    glue.create_crawler(Name="shared", Role=ROLE, DatabaseName="shared", Targets={"S3Targets": [{"Path": "s3://shared/t/"}]})
    glue.start_crawler(Name="shared")
    wait_until("the crawl ending", lambda: glue.get_crawler(Name="shared")["Crawler"]["State"] == "READY", 60)
    create = f"create external schema ext from data catalog database 'shared' iam_role '{ROLE}'"
    with server.connect() as one:
        one.execute(create)
        assert one.execute("select id from ext.t").fetchone() == (1,)
    with server.connect(second_user, **SECOND) as other:
        with pytest.raises(psycopg.Error) as caught:
            other.execute(create)
            other.execute("select id from ext.t").fetchall()
        assert caught.value.sqlstate in ("28000", "42501"), caught.value


def test_an_access_key_opens_its_own_workgroup_only(two, execute_statement):
    server, _, first_api, second_api = two
    own = execute_statement(server.client("redshift-data", second_api), "select 1", WorkgroupName="second")
    assert own["Status"] == "FINISHED"
    with pytest.raises(botocore.exceptions.ClientError):
        server.client("redshift-data", first_api).describe_statement(Id=own["Id"])
    with pytest.raises(botocore.exceptions.ClientError):
        server.client("redshift-data", first_api).get_statement_result(Id=own["Id"])
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        server.client("redshift-data", second_api).execute_statement(WorkgroupName="default", Database="dev", Sql="select 1")
    assert caught.value.response["Error"]["Code"] in ("AccessDeniedException", "ResourceNotFoundException", "ValidationException")
    listed = server.client("redshift-data", first_api).list_statements(Status="ALL")["Statements"]
    assert own["Id"] not in {s["Id"] for s in listed}


def test_a_cancel_with_anothers_process_id_needs_its_key(two):
    from support.pgwire import Wire, cancel, query
    server, second_user, _, _ = two
    one = Wire(server.pgwire_port).login(server.admin.name, server.admin.password)
    with server.connect(second_user, **SECOND) as other:
        cancel(server.pgwire_port, (other.info.backend_pid, one.key[1]))
        cancel(server.pgwire_port, (one.key[0], 0))
        one.send(query("select count(*) from generate_series(1, 1000000)"))
        assert any(k == "D" for k, _ in one.read_until("Z"))
    one.close()
