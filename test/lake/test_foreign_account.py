"""An account whose roles, catalog and objects are another party's: its STS hands out sessions, its Glue and its S3 decide. Here the other party is a
second server of ours with a store that takes its STS's sessions alone; and moto, which is written by others."""

import contextlib
import http.client
import re
import sys
import uuid

import boto3
import psycopg
import pytest

from support import object_store
from support.http_server import Handler, HttpServer
from support.identity import allow, deny, iam_user, policy, trust, unique
from support.object_store import REGION, ObjectStore
from support.process import Child, accepts, free_port, wait_until
from support.server import ACCOUNT, Server
from support.session_store import SessionStore

FOREIGN = ACCOUNT  # the other side's own
OURS = "111122223333"
ROLE = f"arn:aws:iam::{FOREIGN}:role/OrgReader"
EXTERNAL_ID = "bees-42"


def table_input(name, bucket, keys=()):
    return {"Name": name, "TableType": "EXTERNAL_TABLE", "Parameters": {"classification": "csv"},
            "PartitionKeys": [{"Name": k, "Type": "string"} for k in keys],
            "StorageDescriptor": {
                "Columns": [{"Name": "id", "Type": "bigint"}, {"Name": "place", "Type": "string"}], "Location": f"s3://{bucket}/{name}/",
                "InputFormat": "org.apache.hadoop.mapred.TextInputFormat", "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", "Parameters": {"field.delim": ","}}}}


class Between(HttpServer):
    """A door in front of a foreign endpoint: `fault` is None, a status to answer with, or "close"; counts what comes through."""

    def __init__(self, port):
        self.fault, self.body, self.calls = None, b"{}", []
        outer = self

        class Answering(Handler):
            def do_POST(self):
                body = self.body()
                outer.calls.append((self.headers.get("X-Amz-Target") or re.search(rb"Action=(\w+)", body)[1].decode(), body.decode()))
                if outer.fault == "close":
                    self.close_connection = True
                    return None
                if outer.fault:
                    return self.reply(outer.fault, {}, outer.body)
                upstream = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
                upstream.request("POST", self.path, body, dict(self.headers.items()))
                answer = upstream.getresponse()
                self.reply(answer.status, {}, answer.read())
                upstream.close()

        super().__init__(Answering)

    def names(self):
        return [name.removeprefix("AWSGlue.") for name, _ in self.calls]


class World:
    """`other` is the foreign side, `ours` the warehouse that is allowed in."""

    def __init__(self, folder):
        self.other = Server(folder / "other").init().start()
        self.store = SessionStore(ObjectStore(folder / "s3").start(), self.other)
        admin = self.other.add_user("owner", superuser=True, access_key=True)
        self.iam, self.glue = self.other.client("iam", admin), self.other.client("glue", admin)
        self.stack = contextlib.ExitStack()
        self.partner = self.stack.enter_context(iam_user(self.other, self.iam, allow("sts:*", ROLE), name="partner"))
        self.iam.create_role(RoleName="OrgReader", AssumeRolePolicyDocument=self.trust())
        self.allow_all()
        self.bucket = unique("bees")
        self.s3 = self.store.store.client()
        self.s3.create_bucket(Bucket=self.bucket)
        self.glue.create_database(DatabaseInput={"Name": "bees"})
        self.glue.create_table(DatabaseName="bees", TableInput=table_input("hives", self.bucket))
        self.s3.put_object(Bucket=self.bucket, Key="hives/a.csv", Body=b"1,north\n2,south\n")
        self.door = Between(self.other.http_port)
        self.ours = Server(folder / "ours", None, {"account": OURS}).init()
        self.ours.more_config = (
            f'[[account]]\nid = "{FOREIGN}"\nprovider = "{self.door.endpoint}"\naccess_key = "{self.partner.access_key}"\n'
            f'secret_key = "{self.partner.secret_key}"\nendpoint = "{self.store.endpoint}"\nregion = "{REGION}"\n'
            f'[[role]]\narn = "{ROLE}"\ntrust = ["workspace:default"]\nexternal_id = "{EXTERNAL_ID}"\nsession_tags = ["team=warehouse"]\n'
            f'[[role]]\narn = "arn:aws:iam::{FOREIGN}:role/ForOthers"\ntrust = ["workspace:other"]\n'
            f'[[role]]\narn = "arn:aws:iam::{OURS}:role/inner"\ntrust = ["workspace:default"]\n')
        self.ours.write_config()
        self.ours.start()

    def trust(self, external_id=EXTERNAL_ID):
        return trust({"AWS": FOREIGN}, {"StringEquals": {"sts:ExternalId": external_id, "aws:RequestTag/team": "warehouse"}},
                     ["sts:AssumeRole", "sts:TagSession"])

    def allow_all(self):
        self.iam.put_role_policy(RoleName="OrgReader", PolicyName="p", PolicyDocument=policy(allow(["glue:*", "s3:*"])))

    @contextlib.contextmanager
    def denying(self, *actions):
        self.iam.put_role_policy(RoleName="OrgReader", PolicyName="no", PolicyDocument=policy(deny(list(actions))))
        yield
        self.iam.delete_role_policy(RoleName="OrgReader", PolicyName="no")

    def schema(self, db, role=ROLE, more=""):
        name = f"x_{uuid.uuid4().hex[:8]}"
        db.execute(f"create external schema {name} from data catalog database 'bees' iam_role '{role}' {more}")
        return name

    def fresh(self):
        """Lets no session of before be used again."""
        self.ours.stop()
        self.ours.start()

    def stop(self):
        self.ours.stop()
        self.door.stop()
        self.stack.close()
        self.other.stop()
        self.store.stop()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    if object_store.missing():
        pytest.skip(object_store.missing())
    one = World(tmp_path_factory.mktemp("foreign"))
    yield one
    one.stop()


@pytest.fixture
def db(world):
    world.door.fault, world.door.calls = None, []
    world.store.may, world.store.refused = (lambda *_: True), []
    with world.ours.connect() as connection:
        yield connection
    world.door.fault = None


def test_a_table_of_the_other_side(world, db):
    schema = world.schema(db)
    assert db.execute(f"select count(*), sum(id) from {schema}.hives").fetchone() == (2, 3)
    assert db.execute(f"select place from {schema}.hives where id = 2").fetchone() == ("south",)
    assert "AssumeRole" in world.door.names() and "GetTable" in world.door.names()
    asked = next(body for name, body in world.door.calls if name == "AssumeRole")
    assert f"ExternalId={EXTERNAL_ID}" in asked and "Tags.member.1.Key=team" in asked and "DurationSeconds=3600" in asked
    # The store saw sessions of the other side's STS, and nothing of it is in our log.
    assert world.store.seen and all(key.startswith("ASIA") for key in world.store.seen) and not world.store.refused
    log = world.ours.log()
    assert world.partner.secret_key not in log and "SessionToken" not in log and "x-amz-security-token" not in log
    assert re.search(r"role_assumed .*role=" + re.escape(ROLE), log)


def test_sessions_and_tables_are_not_asked_for_again_at_once(world, db):
    schema = world.schema(db)
    for i in range(5):
        db.execute(f"select count(*) + {i} from {schema}.hives")
    assert world.door.names().count("AssumeRole") <= 1 and world.door.names().count("GetTable") <= 2


def test_partitions_are_found_by_the_other_sides_catalog(world, db):
    world.glue.create_table(DatabaseName="bees", TableInput=table_input("swarms", world.bucket, ["day"]))
    sd = table_input("swarms", world.bucket)["StorageDescriptor"]
    days = [f"d{i:04}" for i in range(1200)]
    for i in range(0, 1200, 100):
        world.glue.batch_create_partition(DatabaseName="bees", TableName="swarms", PartitionInputList=[
            {"Values": [d], "StorageDescriptor": sd | {"Location": f"s3://{world.bucket}/swarms/day={d}/"}} for d in days[i:i + 100]])
    for d in ("d0003", "d0700"):
        world.s3.put_object(Bucket=world.bucket, Key=f"swarms/day={d}/a.csv", Body=b"7,x\n8,y\n")
    schema = world.schema(db)
    assert db.execute(f"select day, count(*) from {schema}.swarms where day = 'd0700' group by day").fetchall() == [("d0700", 2)]
    asked = [body for name, body in world.door.calls if name.endswith("GetPartitions")]
    assert any("d0700" in body and "Expression" in body for body in asked), asked
    assert db.execute(f"select count(*) from {schema}.swarms where day in ('d0003', 'd0700', 'd0001')").fetchone() == (4,)
    assert db.execute(f"select count(*) from {schema}.swarms").fetchone() == (4,)


def test_ddl_and_writes_of_the_other_sides_tables(world, db):
    schema = world.schema(db)
    name = f"made_{uuid.uuid4().hex[:6]}"
    db.execute(f"create external table {schema}.{name} (id bigint, place varchar(20)) partitioned by (day varchar(10)) "
               f"row format delimited fields terminated by ',' stored as textfile location 's3://{world.bucket}/{name}/'")
    made = world.glue.get_table(DatabaseName="bees", Name=name)["Table"]
    assert made["StorageDescriptor"]["Location"] == f"s3://{world.bucket}/{name}/" and [k["Name"] for k in made["PartitionKeys"]] == ["day"]
    with pytest.raises(psycopg.errors.DuplicateTable):
        db.execute(f"create external table {schema}.{name} (id bigint) stored as textfile location 's3://{world.bucket}/{name}/'")
    db.execute(f"insert into {schema}.{name} values (1, 'a', 'mon'), (2, 'b', 'tue'), (3, 'c', 'tue')")
    assert db.execute(f"select day, count(*) from {schema}.{name} group by 1 order by 1").fetchall() == [("mon", 1), ("tue", 2)]
    assert [p["Values"] for p in world.glue.get_partitions(DatabaseName="bees", TableName=name)["Partitions"]] == [["mon"], ["tue"]]
    db.execute(f"alter table {schema}.{name} add if not exists partition (day = 'wed') location 's3://{world.bucket}/elsewhere/'")
    with pytest.raises(psycopg.Error, match="already exists"):
        db.execute(f"alter table {schema}.{name} add partition (day = 'wed') location 's3://{world.bucket}/elsewhere/'")
    db.execute(f"alter table {schema}.{name} drop partition (day = 'wed')")
    db.execute(f"alter table {schema}.{name} set table properties ('numRows' = '3')")
    after = world.glue.get_table(DatabaseName="bees", Name=name)["Table"]
    assert after["Parameters"]["numRows"] == "3" and after["StorageDescriptor"] == made["StorageDescriptor"]
    views = db.execute("select tablename, location from svv_external_tables where schemaname = %s order by 1", (schema,)).fetchall()
    assert (name, f"s3://{world.bucket}/{name}/") in views
    assert db.execute("select count(*) from svv_external_partitions where schemaname = %s and tablename = %s", (schema, name)).fetchone() == (2,)
    db.execute(f"drop table {schema}.{name}")
    with pytest.raises(world.glue.exceptions.EntityNotFoundException):
        world.glue.get_table(DatabaseName="bees", Name=name)
    with pytest.raises(psycopg.errors.UndefinedTable):
        db.execute(f"select * from {schema}.{name}")


def test_databases_of_the_other_side(world, db):
    name = f"db_{uuid.uuid4().hex[:6]}"
    db.execute(f"create external schema {name} from data catalog database '{name}' iam_role '{ROLE}' create external database if not exists")
    assert world.glue.get_database(Name=name)["Database"]["Name"] == name
    db.execute(f"drop schema {name} drop external database")
    with pytest.raises(world.glue.exceptions.EntityNotFoundException):
        world.glue.get_database(Name=name)
    schema = f"x_{uuid.uuid4().hex[:8]}"
    db.execute(f"create external schema {schema} from data catalog database 'nowhere' iam_role '{ROLE}'")
    with pytest.raises(psycopg.Error, match="nowhere not found"):
        db.execute(f"select * from {schema}.t")


def test_copy_and_unload_with_the_other_sides_role(world, db):
    prefix = f"out/{uuid.uuid4().hex[:6]}/"
    db.execute(f"unload ('select 5 as id union all select 6') to 's3://{world.bucket}/{prefix}' iam_role '{ROLE}' csv parallel off")
    db.execute("create temp table loaded (id int)")
    db.execute(f"copy loaded from 's3://{world.bucket}/{prefix}' iam_role '{ROLE}' csv")
    assert db.execute("select sum(id) from loaded").fetchone() == (11,)


def test_what_the_other_side_refuses(world, db):
    schema = world.schema(db)
    with world.denying("glue:GetTable", "glue:GetDatabase"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="Glue catalog of account " + FOREIGN):
            db.execute(f"select * from {schema}.unseen_{uuid.uuid4().hex[:4]}")
    world.store.may = lambda role, method, path: "/hives/" not in path
    world.s3.put_object(Bucket=world.bucket, Key="hives/a.csv", Body=b"1,north\n2,south\n")
    with pytest.raises(psycopg.errors.Error) as caught:
        db.execute(f"select count(id) from {schema}.hives")
    assert "denied access" in str(caught.value) and "hives/a.csv" in str(caught.value)
    assert "the bucket says no" in world.store.refused


def test_cached_blocks_need_the_other_sides_leave(world, db):
    """What is in our cache was read with the other side's leave; without it, nobody gets it from there."""
    schema = world.schema(db)
    assert db.execute(f"select count(id) from {schema}.hives").fetchone() == (2,)
    world.store.may = lambda role, method, path: method not in ("HEAD",) and not path.endswith("a.csv")  # listing alone is allowed
    with pytest.raises(psycopg.errors.Error, match="denied access"):
        db.execute(f"select count(id) + 1 from {schema}.hives")


def test_without_the_external_id_nothing_is_handed_out(world):
    world.iam.update_assume_role_policy(RoleName="OrgReader", PolicyDocument=world.trust("another"))
    try:
        world.fresh()
        with world.ours.connect() as db:
            schema = world.schema(db)
            with pytest.raises(psycopg.errors.InsufficientPrivilege) as caught:
                db.execute(f"select count(*) from {schema}.hives")
        assert "sts:AssumeRole" in str(caught.value) and ROLE in str(caught.value) and "hop 1" in str(caught.value)
        assert "AccessDenied" in str(caught.value)
    finally:
        world.iam.update_assume_role_policy(RoleName="OrgReader", PolicyDocument=world.trust())


def test_who_may_ask_with_our_keys_we_decide(world, db):
    """The keys are the warehouse's: a workspace that no configured role trusts does not get to use them, whatever the other side would allow."""
    for role, error in ((f"arn:aws:iam::{FOREIGN}:role/ForOthers", "trust does not name"), (f"arn:aws:iam::{FOREIGN}:role/Undeclared", "no configured role")):
        schema = world.schema(db, role)
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match=error):
            db.execute(f"select count(*) from {schema}.hives")
    assert "AssumeRole" not in world.door.names()


def test_a_foreign_role_cannot_go_on_to_ours(world, db):
    schema = world.schema(db, f"{ROLE},arn:aws:iam::{OURS}:role/inner")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="sts:AssumeRole"):
        db.execute(f"select count(*) from {schema}.hives")


@pytest.mark.parametrize("fault, body, error, words", [
    (500, b"oops", psycopg.errors.SystemError, "the service failed"), ("close", b"", psycopg.errors.SystemError, "cannot be reached"),
    (400, b'{"__type":"ThrottlingException","message":"slow down"}', psycopg.errors.SystemError, "the service failed"),
    (400, b'{"__type":"ExpiredTokenException","message":"gone"}', psycopg.errors.Error, "ExpiredTokenException"),
    (200, b"no json", psycopg.errors.SystemError, "no JSON"), (200, b"{}", psycopg.errors.SystemError, "without a table")])
def test_a_glue_that_fails(world, db, fault, body, error, words):
    schema = world.schema(db)
    db.execute(f"select 1 from {schema}.hives").fetchone()  # the session is there
    world.door.fault, world.door.body, world.door.calls = fault, body, []
    with pytest.raises(psycopg.Error) as caught:
        db.execute(f"select * from {schema}.failing_{uuid.uuid4().hex[:4]}")
    assert words in str(caught.value), caught.value
    tries = len([n for n in world.door.names() if n == "GetTable"])
    assert tries == (4 if fault in (500, "close") or b"Throttling" in body else 1)


def test_an_sts_that_fails(world):
    for fault, body, words in ((500, b"<x/>", "the service failed"), ("close", b"", "cannot be reached"), (200, b"<x/>", "without credentials"),
                               (403, b"<ErrorResponse><Error><Code>InvalidClientTokenId</Code><Message>who</Message></Error></ErrorResponse>", "InvalidClientTokenId"),
                               (400, b"<ErrorResponse><Error><Code>ExpiredTokenException</Code><Message>old</Message></Error></ErrorResponse>", "ExpiredToken")):
        world.fresh()
        world.door.fault, world.door.body = fault, body
        try:
            with world.ours.connect() as db:
                schema = world.schema(db)
                with pytest.raises(psycopg.Error) as caught:
                    db.execute(f"select count(*) from {schema}.hives")
                assert words in str(caught.value), caught.value
                world.door.fault = None  # and the next statement works
                assert db.execute(f"select count(*) from {schema}.hives").fetchone() == (2,)
        finally:
            world.door.fault = None


def test_an_endpoint_that_repeats_what_it_was_sent(world, db):
    """A foreign service must not make our errors messengers of its session."""
    schema = world.schema(db)
    db.execute(f"select 1 from {schema}.hives").fetchone()
    sent = []

    class Echo(Handler):
        def do_POST(self):
            self.body()
            sent.append(self.headers["x-amz-security-token"])
            self.reply(400, {}, f'{{"__type":"InvalidInputException","message":"{sent[-1]} {self.headers["authorization"]}"}}'.encode())

    echo = HttpServer(Echo)
    world.ours.stop()
    kept = world.ours.more_config
    world.ours.more_config = kept.replace(f'provider = "{world.door.endpoint}"',
                                          f'provider = "{world.door.endpoint}"\nglue_endpoint = "{echo.endpoint}"')
    world.ours.write_config()
    world.ours.start()
    try:
        with world.ours.connect() as other:
            with pytest.raises(psycopg.Error) as caught:
                other.execute(f"select * from {world.schema(other)}.anything")
        assert sent and sent[0] and "InvalidInputException" in str(caught.value)
        assert sent[0] not in str(caught.value) and "Signature=" not in str(caught.value) and sent[0] not in world.ours.log()
    finally:
        world.ours.stop()
        world.ours.more_config = kept
        world.ours.write_config()
        world.ours.start()
        echo.stop()


def test_credentials_from_a_file(world):
    file = world.ours.folder / "credentials"
    kept = world.ours.more_config
    world.ours.stop()
    world.ours.more_config = re.sub(r'access_key = .*\nsecret_key = .*\n', 'credentials_file = "credentials"\ncredentials_profile = "bees"\n', kept)
    world.ours.write_config()
    world.ours.start()
    try:
        with world.ours.connect() as db:
            schema = world.schema(db)
            with pytest.raises(psycopg.Error, match="cannot be used"):
                db.execute(f"select count(*) from {schema}.hives")
            file.write_text(f"[default]\naws_access_key_id = x\n[bees]\naws_access_key_id = {world.partner.access_key}\n"
                            f"aws_secret_access_key = {world.partner.secret_key}\n")
            assert db.execute(f"select count(*) from {schema}.hives").fetchone() == (2,)
    finally:
        world.ours.stop()
        world.ours.more_config = kept
        world.ours.write_config()
        world.ours.start()


def test_moto_as_the_other_side(tmp_path, own_server):
    """STS, Glue and S3 that others wrote."""
    port = free_port()
    moto = Child([sys.executable, "-m", "moto.server", "-p", str(port)], tmp_path / "moto.log")
    try:
        wait_until("moto listening", lambda: accepts(port) or not moto.alive(), 60)
        assert moto.alive(), moto.output()
        endpoint = f"http://127.0.0.1:{port}"
        keys = {"endpoint_url": endpoint, "region_name": REGION, "aws_access_key_id": "AKIAMOTO", "aws_secret_access_key": "moto-secret"}
        iam, glue, s3 = (boto3.client(name, **keys) for name in ("iam", "glue", "s3"))
        role = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=trust({"AWS": "*"}))["Role"]["Arn"]
        account = role.split(":")[4]
        s3.create_bucket(Bucket="meadow")
        s3.put_object(Bucket="meadow", Key="swarms/day=mon/a.csv", Body=b"1,north\n2,south\n")
        glue.create_database(DatabaseInput={"Name": "bees"})
        glue.create_table(DatabaseName="bees", TableInput=table_input("swarms", "meadow", ["day"]))
        one = own_server({"account": OURS}, start=False)
        one.more_config = (f'[[account]]\nid = "{account}"\nprovider = "{endpoint}"\naccess_key = "AKIAMOTO"\nsecret_key = "moto-secret"\n'
                           f'endpoint = "{endpoint}"\nregion = "{REGION}"\n[[role]]\narn = "{role}"\ntrust = ["workspace:default"]\n')
        one.write_config()
        one.start()
        with one.connect() as db:
            db.execute(f"create external schema bees from data catalog database 'bees' iam_role '{role}'")
            db.execute("alter table bees.swarms add partition (day = 'mon') location 's3://meadow/swarms/day=mon/'")
            assert db.execute("select day, sum(id) from bees.swarms where day = 'mon' group by day").fetchall() == [("mon", 3)]
            assert [p["Values"] for p in glue.get_partitions(DatabaseName="bees", TableName="swarms")["Partitions"]] == [["mon"]]
            db.execute("create external table bees.made (id int) stored as parquet location 's3://meadow/made/'")
            db.execute("insert into bees.made values (4), (5)")
            assert db.execute("select sum(id) from bees.made").fetchone() == (9,)
            assert glue.get_table(DatabaseName="bees", Name="made")["Table"]["TableType"] == "EXTERNAL_TABLE"
            db.execute("drop table bees.made")
            assert [t["Name"] for t in glue.get_tables(DatabaseName="bees")["TableList"]] == ["swarms"]
    finally:
        moto.stop()
