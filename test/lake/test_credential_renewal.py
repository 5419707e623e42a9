"""Statements that run longer than their role's session: the chain is walked anew, as trust and policies are by then."""

import contextlib
import json
import re
import threading
import time
import uuid

import psycopg
import pytest

from support import object_store
from support.faulty_store import FaultyStore
from support.identity import allow, deny, policy, unique
from support.object_store import REGION, ObjectStore
from support.process import wait_until
from support.server import Server, User, run_skep

ORG = "210987654321"
ROLE = f"arn:aws:iam::{ORG}:role/OrgDataCatalogRole"
FILES = 60  # more than a worker reads at once


class Org:
    """An organization whose roles' sessions last one second, and whose object store a test can hold."""

    def __init__(self, folder):
        self.store = FaultyStore(ObjectStore(folder / "s3").start())
        self.server = Server(folder / "skep", None, {"lake-role-session-duration": "1s"}).init()
        with open(self.server.folder / "skep.toml", "a") as config:
            config.write(f'[[account]]\nid = "{ORG}"\naccess_key = "{self.store.access_key}"\nsecret_key = "{self.store.secret_key}"\n'
                         f'endpoint = "{self.store.endpoint}"\nregion = "{REGION}"\n')
        self.bucket = unique("bees")
        s3 = self.store.store.client()
        s3.create_bucket(Bucket=self.bucket)
        self.server.start()
        self.made = json.loads(run_skep(
            "org", "connect", "--account", ORG, "--bucket", self.bucket, "--database", "bees", "--output", "json", "--administrator", "owner",
            "--config", str(self.server.folder / "skep.toml"), data_dir=self.server.data).stdout)
        owner = User("owner", "", self.made["access_key_id"], self.made["secret_access_key"])
        self.iam, self.glue = self.server.client("iam", owner), self.server.client("glue", owner)
        self.iam.put_role_policy(RoleName="OrgDataCatalogRole", PolicyName="write", PolicyDocument=policy(
            allow("s3:PutObject", f"arn:aws:s3:::{self.bucket}/out/*")))
        self.glue.create_database(DatabaseInput={"Name": "bees"})

    def stop(self):
        self.server.stop()
        self.store.stop()

    def table(self):
        """A table of FILES files of two rows that nothing has read yet; answers its folder's name."""
        name = f"hives_{uuid.uuid4().hex[:8]}"
        s3 = self.store.store.client()
        for i in range(FILES):
            s3.put_object(Bucket=self.bucket, Key=f"{name}/{i:03}.csv", Body=f"{i},north\n{i},south\n".encode())
        self.glue.create_table(DatabaseName="bees", TableInput={
            "Name": name, "TableType": "EXTERNAL_TABLE", "Parameters": {"classification": "csv"},
            "StorageDescriptor": {
                "Columns": [{"Name": "id", "Type": "bigint"}, {"Name": "place", "Type": "string"}], "Location": f"s3://{self.bucket}/{name}/",
                "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", "Parameters": {"field.delim": ","}}}})
        return name

    @contextlib.contextmanager
    def put(self, name, document):
        self.iam.put_role_policy(RoleName="OrgDataCatalogRole", PolicyName=name, PolicyDocument=document)
        yield
        self.iam.delete_role_policy(RoleName="OrgDataCatalogRole", PolicyName=name)


class Running:
    """A statement in a thread of its own that is held at the object store until let_go()."""

    def __init__(self, org, statements):
        self.org, self.answer, self.error = org, None, None
        org.store.gate, org.store.waiting = threading.Event(), []

        def run():
            try:
                with org.server.connect() as db:
                    for statement in statements:
                        answer = db.execute(statement)
                    self.answer = answer.fetchone() if answer.description else answer.statusmessage
            except psycopg.Error as error:
                self.error = error

        self.thread = threading.Thread(target=run)
        self.thread.start()
        wait_until("the statement being held at the store", lambda: org.store.waiting or not self.thread.is_alive())
        assert self.thread.is_alive(), self.error or self.answer

    def outlive_the_session(self):
        until = time.time() + 2.1  # of one second
        wait_until("the end of the session", lambda: time.time() > until)
        return self

    def let_go(self):
        self.org.store.gate.set()
        self.thread.join(90)
        self.org.store.gate = None
        assert not self.thread.is_alive()
        return self


@pytest.fixture(scope="module")
def org(tmp_path_factory):
    if object_store.missing():
        pytest.skip(object_store.missing())
    one = Org(tmp_path_factory.mktemp("renewal"))
    yield one
    one.stop()


def scan(org):
    name, schema = org.table(), f"x_{uuid.uuid4().hex[:8]}"
    return name, [f"create external schema {schema} from data catalog database 'bees' iam_role '{org.made['iam_role']}'",
                  f"select count(*), sum(id) from {schema}.{name}"]


def renewals(log):
    return re.findall(r"credentials_renewed .*role=" + re.escape(ROLE), log)


def test_a_long_scan_outlives_its_session(org):
    _, statements = scan(org)
    before = org.server.log()
    running = Running(org, statements).outlive_the_session().let_go()
    assert running.error is None and running.answer == (2 * FILES, FILES * (FILES - 1))
    since = org.server.log()[len(before):]
    assert renewals(since)
    # Each walk of the chain is an audit record per hop, with the statement that it is for.
    hops = re.findall(r"role_assumed .*statement_id=(\S+) purpose=glue:GetTable hop=2 .*role=" + re.escape(ROLE), since)
    assert len(hops) > 1 and any(hops.count(one) > 1 for one in hops), hops


def test_a_revoked_role_ends_the_running_scan_at_its_next_renewal(org):
    _, statements = scan(org)
    trust = org.iam.get_role(RoleName="OrgDataCatalogRole")["Role"]["AssumeRolePolicyDocument"]
    running = Running(org, statements)
    org.iam.update_assume_role_policy(RoleName="OrgDataCatalogRole", PolicyDocument=policy(
        {"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"}))
    try:
        running.outlive_the_session().let_go()
    finally:
        org.iam.update_assume_role_policy(RoleName="OrgDataCatalogRole", PolicyDocument=json.dumps(trust))
    assert isinstance(running.error, psycopg.errors.InsufficientPrivilege), running.error or running.answer
    text = str(running.error)
    assert "could not be renewed" in text and "sts:AssumeRole" in text and ROLE in text
    assert "credentials_not_renewed" in org.server.log()
    # The next statement has the role back.
    with org.server.connect() as db:
        for statement in scan(org)[1]:
            rows = db.execute(statement)
        assert rows.fetchone()[0] == 2 * FILES


def test_a_narrowed_role_reads_nothing_more_from_its_next_renewal_on(org):
    name, statements = scan(org)
    running = Running(org, statements)
    with org.put("narrow", policy(deny("s3:GetObject", f"arn:aws:s3:::{org.bucket}/{name}/*", Sid="Closed"))):
        running.outlive_the_session().let_go()
    assert isinstance(running.error, psycopg.errors.InsufficientPrivilege), running.error or running.answer
    assert "s3:GetObject" in str(running.error) and "Closed" in str(running.error)


def test_cached_blocks_are_asked_for_anew_as_well(org):
    """What one scan has put into the cache, a narrowed role does not get from there."""
    name, statements = scan(org)
    with org.server.connect() as db:
        for statement in statements:
            db.execute(statement)
        with org.put("narrow", policy(deny("s3:GetObject", f"arn:aws:s3:::{org.bucket}/{name}/*"))):
            # What a role may not read is no part of a table.
            assert db.execute(statements[-1].replace("count(*)", "count(*) + 1")).fetchone() == (1, None)
        assert db.execute(statements[-1].replace("count(*)", "count(*) + 2")).fetchone()[0] == 2 * FILES + 2


def test_a_long_copy_outlives_its_session_and_loads_all_or_nothing(org):
    name = org.table()
    load = f"copy loaded from 's3://{org.bucket}/{name}/' iam_role '{org.made['iam_role']}' csv"
    with org.server.connect() as db:
        db.execute("create table loaded (id bigint, place varchar(20))")
        try:
            before = len(renewals(org.server.log()))
            running = Running(org, [load]).outlive_the_session().let_go()
            assert running.error is None, running.error
            assert db.execute("select count(*) from loaded").fetchone() == (2 * FILES,)
            assert len(renewals(org.server.log())) > before

            again = org.table()
            running = Running(org, [load.replace(name, again)])
            with org.put("narrow", policy(deny("s3:GetObject", f"arn:aws:s3:::{org.bucket}/{again}/*"))):
                running.outlive_the_session().let_go()
            assert running.error is not None and "s3:GetObject" in str(running.error)
            assert db.execute("select count(*) from loaded").fetchone() == (2 * FILES,)
        finally:
            db.execute("drop table loaded")


def unload(org, prefix):
    return [f"unload ('select 1 as a union all select 2') to 's3://{org.bucket}/out/{prefix}/' iam_role '{org.made['iam_role']}' csv parallel off"]


def written(org, prefix):
    return [o["Key"] for o in org.store.store.client().list_objects_v2(Bucket=org.bucket, Prefix=f"out/{prefix}/").get("Contents", [])]


def uploads(org):
    return org.store.store.client().list_multipart_uploads(Bucket=org.bucket).get("Uploads", [])


def test_a_long_unload_outlives_its_session(org):
    before = len(renewals(org.server.log()))
    running = Running(org, unload(org, "long")).outlive_the_session().let_go()
    assert running.error is None, running.error
    assert written(org, "long") == ["out/long/000", "out/long/001"]
    assert len(renewals(org.server.log())) > before


def test_an_unload_whose_role_was_revoked_leaves_nothing_behind(org):
    trust = org.iam.get_role(RoleName="OrgDataCatalogRole")["Role"]["AssumeRolePolicyDocument"]
    running = Running(org, unload(org, "revoked"))
    org.iam.update_assume_role_policy(RoleName="OrgDataCatalogRole", PolicyDocument=policy(
        {"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"}))
    try:
        running.outlive_the_session().let_go()
    finally:
        org.iam.update_assume_role_policy(RoleName="OrgDataCatalogRole", PolicyDocument=json.dumps(trust))
    assert isinstance(running.error, psycopg.errors.InsufficientPrivilege), running.error or running.answer
    assert "could not be renewed" in str(running.error)
    wait_until("the upload being dropped", lambda: not uploads(org))
    assert written(org, "revoked") == []


def test_an_unload_whose_role_was_narrowed_is_not_completed(org):
    running = Running(org, unload(org, "narrowed"))
    with org.put("narrow", policy(deny("s3:PutObject", f"arn:aws:s3:::{org.bucket}/out/*"))):
        running.outlive_the_session().let_go()
    assert running.error is not None and "s3:PutObject" in str(running.error), running.answer
    wait_until("the upload being dropped", lambda: not uploads(org))
    assert written(org, "narrowed") == []
