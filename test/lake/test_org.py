"""An organization's data lake behind roles: skep org connect, chains over stored roles, and what their policies refuse."""

import json
import re
import uuid

import psycopg
import pytest

from support.access import call_access
from support.identity import allow, policy, refused, unique
from support.object_store import REGION
from support.process import wait_until
from support.server import User, run_skep

ORG = "210987654321"
ROLE = f"arn:aws:iam::{ORG}:role/OrgDataCatalogRole"


class Org:
    """A server whose workspace reads lake/ of an organization's bucket."""

    def __init__(self, server, bucket):
        self.server, self.bucket = server, bucket
        self.made = self.connect("--administrator", "owner", "--crawlers", "--name", "Bees Ltd")
        self.owner = User("owner", "", self.made["access_key_id"], self.made["secret_access_key"])
        self.iam, self.glue = server.client("iam", self.owner), server.client("glue", self.owner)

    def connect(self, *more, check=True):
        done = run_skep("org", "connect", "--account", ORG, "--bucket", self.bucket, "--prefix", "lake", "--database", "bees", "--output", "json",
                        "--config", str(self.server.folder / "skep.toml"), *more, data_dir=self.server.data, check=check)
        return json.loads(done.stdout) if check else done

    def crawl(self, prefix, database):
        self.glue.create_database(DatabaseInput={"Name": database})
        self.glue.create_crawler(Name=database, Role=ROLE, DatabaseName=database, Targets={"S3Targets": [{"Path": f"s3://{self.bucket}/{prefix}"}]})
        self.glue.start_crawler(Name=database)
        return wait_until("the crawl ending", lambda: (c := self.glue.get_crawler(Name=database)["Crawler"])["State"] == "READY" and c, 60, 0.1)

    def query(self, sql="select count(*) from bees.hives", chain=None, database="bees"):
        """Runs it over a fresh external schema, so that nothing of before is kept."""
        schema = f"x_{uuid.uuid4().hex[:8]}"
        with self.server.connect() as db:
            db.execute(f"create external schema {schema} from data catalog database '{database}' iam_role '{chain or self.made['iam_role']}'")
            return db.execute(sql.replace("bees.", schema + ".")).fetchone()[0]


@pytest.fixture(scope="module")
def org(tmp_path_factory):
    from support import object_store
    from support.object_store import ObjectStore
    from support.server import Server
    if object_store.missing():
        pytest.skip(object_store.missing())
    store = ObjectStore(tmp_path_factory.mktemp("lake")).start()
    server = Server(tmp_path_factory.mktemp("org"), store).init()
    with open(server.folder / "skep.toml", "a") as config:
        config.write(f'[[account]]\nid = "{ORG}"\naccess_key = "{store.access_key}"\nsecret_key = "{store.secret_key}"\n'
                     f'endpoint = "{store.endpoint}"\nregion = "{REGION}"\n')
    bucket = unique("bees")
    s3 = store.client()
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="lake/hives/a.csv", Body=b"id,name\n1,north\n2,south\n")
    s3.put_object(Bucket=bucket, Key="private/hives/a.csv", Body=b"id,name\n7,secret\n")
    server.start()
    one = Org(server, bucket)
    assert one.crawl("lake/hives/", "bees")["LastCrawl"]["Status"] == "SUCCEEDED"
    yield one
    server.stop()
    store.stop()


@pytest.fixture
def restored(org):
    """Puts the role's policies and trust back after a test that changed them."""
    yield
    for name in org.iam.list_role_policies(RoleName="OrgDataCatalogRole")["PolicyNames"]:
        org.iam.delete_role_policy(RoleName="OrgDataCatalogRole", PolicyName=name)
    org.connect("--crawlers", "--external-id", org.made["external_id"])


def denied(org, *parts, **more):
    with pytest.raises(psycopg.errors.InsufficientPrivilege) as caught:
        org.query(**more)
    text = str(caught.value)
    assert all(p in text for p in parts), text


def test_a_workspace_reads_the_lake_through_the_chain(org):
    assert org.query() == 2
    assert org.query(chain=ROLE) == 2  # its own role is where it begins
    assert org.made["organization_role"] == ROLE and org.made["external_id"].startswith("skep-")


def test_connecting_again_changes_nothing(org):
    again = org.connect("--crawlers")
    assert again["made"] == []
    assert {k: again[k] for k in ("warehouse_role", "organization_role", "external_id")} == {
        k: org.made[k] for k in ("warehouse_role", "organization_role", "external_id")}
    role = org.iam.get_role(RoleName="OrgDataCatalogRole")["Role"]
    mine = [s for s in role["AssumeRolePolicyDocument"]["Statement"] if s["Principal"].get("AWS") == org.made["warehouse_role"]]
    assert [s["Condition"] for s in mine] == [{"StringEquals": {"sts:ExternalId": org.made["external_id"]}}]


@pytest.mark.parametrize("arguments", [
    ("--account", "12"), ("--bucket", "b"), ("--prefix", "*"), ("--prefix", "${aws:username}"), ("--external-id", "a b"), ("--role", "a/b"),
    ("--database", "*"), ("--workspace", "nobody")])
def test_malformed_names_are_refused(org, arguments):
    options = {"--account": ORG, "--bucket": org.bucket, **{arguments[0]: arguments[1]}}
    done = run_skep("org", "connect", *[w for pair in options.items() for w in pair], data_dir=org.server.data, check=False)
    assert done.returncode == 1 and arguments[1] in done.stderr


def test_narrowing_the_roles_policy_stops_the_next_statement(org, restored):
    assert org.query() == 2
    name = org.iam.list_role_policies(RoleName="OrgDataCatalogRole")["PolicyNames"][0]
    kept = org.iam.get_role_policy(RoleName="OrgDataCatalogRole", PolicyName=name)["PolicyDocument"]
    kept["Statement"] = [s for s in kept["Statement"] if s["Sid"] != "ListFolder"]
    org.iam.put_role_policy(RoleName="OrgDataCatalogRole", PolicyName=name, PolicyDocument=json.dumps(kept))
    denied(org, "s3:ListBucket")
    kept["Statement"] = [s for s in kept["Statement"] if s["Sid"] != "ReadCatalog"]
    org.iam.put_role_policy(RoleName="OrgDataCatalogRole", PolicyName=name, PolicyDocument=json.dumps(kept))
    denied(org, "glue:GetTable")


def test_a_deny_is_named_with_its_policy_and_statement(org, restored):
    org.iam.put_role_policy(RoleName="OrgDataCatalogRole", PolicyName="stop", PolicyDocument=policy(
        {"Sid": "Closed", "Effect": "Deny", "Action": "glue:*", "Resource": "*"}))
    denied(org, "glue:GetTable", "explicit deny", "stop", "Closed")


def test_without_the_external_id_the_chain_is_denied(org, restored):
    trust = org.iam.get_role(RoleName="OrgDataCatalogRole")["Role"]["AssumeRolePolicyDocument"]
    for statement in trust["Statement"]:
        if "AWS" in statement["Principal"]:
            statement["Condition"] = {"StringEquals": {"sts:ExternalId": "another"}}
    org.iam.update_assume_role_policy(RoleName="OrgDataCatalogRole", PolicyDocument=json.dumps(trust))
    denied(org, "sts:AssumeRole", ROLE)


def test_the_warehouse_role_must_be_allowed_to_go_on(org, api_owner):
    name = org.made["warehouse_role"].rpartition("/")[2]
    inline = api_owner.list_role_policies(RoleName=name)["PolicyNames"][0]
    api_owner.delete_role_policy(RoleName=name, PolicyName=inline)
    denied(org, "sts:AssumeRole", ROLE)
    assert org.connect()["made"]
    assert org.query() == 2


@pytest.fixture(scope="module")
def api_owner(org):
    return org.server.client("iam", org.server.add_user("warehouse_owner", superuser=True, access_key=True))


def test_what_lies_outside_the_prefix_is_refused(org):
    """A table of the same catalog that points elsewhere, by name and by a trick."""
    table = org.glue.get_tables(DatabaseName="bees")["TableList"][0]
    for name, location in (("outside", f"s3://{org.bucket}/private/hives/"), ("beside", f"s3://{org.bucket}/lake2/"),
                           ("trick", f"s3://{org.bucket}/lake/../private/hives/"), ("wild", f"s3://{org.bucket}/*/hives/")):
        org.glue.create_table(DatabaseName="bees", TableInput={
            "Name": name, "TableType": "EXTERNAL_TABLE", "Parameters": table["Parameters"],
            "StorageDescriptor": table["StorageDescriptor"] | {"Location": location}})
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            org.query(f"select count(*) from bees.{name}")


def test_another_database_of_the_catalog_is_refused(org):
    org.glue.create_database(DatabaseInput={"Name": "wasps"})
    denied(org, "glue:GetTable", database="wasps")


def test_a_crawler_reads_no_more_than_its_role(org):
    assert org.crawl("private/hives/", "private")["LastCrawl"]["Status"] == "FAILED"


def test_another_workspace_cannot_use_the_roles(org):
    run_skep("workspace", "add", "wasp", data_dir=org.server.data)
    run_skep("user", "add", "wasp_user", "--workspace", "wasp", "--superuser", "--password-stdin", data_dir=org.server.data, text_in="Wasp0Password")
    with org.server.connect(User("wasp_user", "Wasp0Password"), options="-c workgroup=wasp") as db:
        for chain in (org.made["iam_role"], ROLE, org.made["warehouse_role"]):
            name = f"x_{uuid.uuid4().hex[:8]}"
            db.execute(f"create external schema {name} from data catalog database 'bees' iam_role '{chain}'")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                db.execute(f"select count(*) from {name}.hives")


def test_superusers_of_other_workspaces_do_not_administer_the_account(org):
    run_skep("workspace", "add", "hornet", data_dir=org.server.data)
    made = json.loads(run_skep("user", "add", "hornet_user", "--workspace", "hornet", "--superuser", "--access-key", "--output", "json",
                               data_dir=org.server.data).stdout)
    hornet = User("hornet_user", "", made["access_key_id"], made["secret_access_key"])
    name = org.made["warehouse_role"].rpartition("/")[2]
    refused("AccessDenied", org.server.client("iam", hornet).update_assume_role_policy, RoleName=name, PolicyDocument=policy(allow("sts:*")))
    refused("AccessDenied", org.server.client("sts", hornet).assume_role, RoleArn=org.made["warehouse_role"], RoleSessionName="ss")
    assert org.server.client("sts", hornet).get_caller_identity()["Arn"].endswith(":user/skep/hornet/hornet_user")


def explain(org, *arguments, check=True):
    return run_skep("explain-access", "--config", str(org.server.folder / "skep.toml"), *arguments, data_dir=org.server.data, check=check)


def test_explain_access_names_hop_policy_and_statement(org):
    said = explain(org, "--iam-role", ROLE, "--database", "bees", "--table", "hives", "--object", f"s3://{org.bucket}/lake/hives/a.csv").stdout
    assert "DENIED" not in said and "AssumeOrganizationRole" in said and "ReadCatalog" in said and "ReadObjects" in said
    for arguments in (("--object", f"s3://{org.bucket}/private/hives/a.csv"), ("--object", f"s3://{org.bucket}/private/"),
                      ("--database", "wasps"), ("--object", f"s3://{org.bucket}/lake/../private/hives/a.csv")):
        done = explain(org, "--iam-role", ROLE, *arguments, check=False)
        assert done.returncode == 1 and "DENIED" in done.stdout, done.stdout
    done = explain(org, "--iam-role", f"arn:aws:iam::{ORG}:role/Nobody", check=False)
    assert done.returncode == 1 and "there is no such role" in done.stdout and "hop 2" in done.stdout


def test_every_hop_is_an_audit_record_with_its_policy(org):
    org.query()
    log = org.server.log()
    hop = re.search(r"role_assumed .*hop=2 .*role=" + re.escape(ROLE) + r" .*", log).group()
    assert "policy=" in hop and "statement=AssumeOrganizationRole" in hop


def test_the_organization_cannot_reach_the_warehouses_account(org):
    refused("NoSuchEntity", org.iam.get_role, RoleName=org.made["warehouse_role"].rpartition("/")[2])
    refused("AccessDenied", org.server.client("sts", org.owner).assume_role, RoleArn=org.made["warehouse_role"], RoleSessionName="ss")
    assert ORG in org.iam.get_user()["User"]["Arn"]


def test_deleting_the_role_stops_the_next_statement(org):
    """Last: it takes the connection away, and connecting again brings it back."""
    assert org.query() == 2
    for name in org.iam.list_role_policies(RoleName="OrgDataCatalogRole")["PolicyNames"]:
        org.iam.delete_role_policy(RoleName="OrgDataCatalogRole", PolicyName=name)
    org.iam.delete_role(RoleName="OrgDataCatalogRole")
    with pytest.raises(psycopg.Error, match="cannot be assumed"):
        org.query()
    org.connect("--crawlers")
    assert org.query() == 2
    org.iam.put_role_policy(RoleName="OrgDataCatalogRole", PolicyName="more", PolicyDocument=policy(allow("s3:GetObject")))


def unload(org, place, options="", chain=None):
    with org.server.connect() as db:
        return db.execute(f"unload ('select 1 as a') to '{place}' iam_role '{chain or org.made['iam_role']}' parallel off {options}").statusmessage


def keys(org, bucket, prefix):
    found = org.server.lake.client().list_objects_v2(Bucket=bucket, Prefix=prefix)
    return [one["Key"] for one in found.get("Contents", [])]


def test_what_a_workspace_writes_the_organizations_policies_decide(org, restored):
    foreign = unique("foreign")
    org.server.lake.client().create_bucket(Bucket=foreign)

    def refused_write(action, place, options=""):
        with pytest.raises(psycopg.errors.InsufficientPrivilege) as caught:
            unload(org, place, options)
        assert action in str(caught.value)

    refused_write("s3:PutObject", f"s3://{org.bucket}/lake/out/")  # connected to read, it does not write
    bucket = f"arn:aws:s3:::{org.bucket}"
    org.iam.put_role_policy(RoleName="OrgDataCatalogRole", PolicyName="write",
                            PolicyDocument=policy(allow("s3:PutObject", f"{bucket}/lake/out/*"), allow("s3:ListBucket", bucket)))
    assert unload(org, f"s3://{org.bucket}/lake/out/") == "UNLOAD"
    assert keys(org, org.bucket, "lake/out/") == ["lake/out/000"]
    # Neither another folder, nor another organization's bucket, though the store would take the keys.
    for place in (f"s3://{org.bucket}/lake/", f"s3://{org.bucket}/private/x", f"s3://{org.bucket}/lake/out/../../private/x", f"s3://{foreign}/lake/out/"):
        refused_write("s3:PutObject", place)
    refused_write("s3:DeleteObject", f"s3://{org.bucket}/lake/out/", "cleanpath")
    org.iam.put_role_policy(RoleName="OrgDataCatalogRole", PolicyName="delete", PolicyDocument=policy(allow("s3:DeleteObject", f"{bucket}/lake/out/*")))
    assert unload(org, f"s3://{org.bucket}/lake/out/", "cleanpath csv extension 'csv'") == "UNLOAD"
    assert keys(org, org.bucket, "lake/out/") == ["lake/out/000.csv"]
    assert keys(org, foreign, "") == []
    org.server.lake.client().delete_object(Bucket=org.bucket, Key="lake/out/000.csv")


def test_system_views_show_what_the_role_may_see(org, restored):
    """One table of the database is denied to the role: it is in no view, nor can it be shown; the other one is."""
    columns = {"Columns": [{"Name": "id", "Type": "int"}], "Location": f"s3://{org.bucket}/lake/queens/", "SerdeInfo": {"SerializationLibrary": "x.JsonSerDe"}}
    org.glue.create_table(DatabaseName="bees", TableInput={"Name": "queens", "TableType": "EXTERNAL_TABLE", "StorageDescriptor": columns})
    views = ["svv_external_tables", "svv_external_columns"]
    with org.server.connect() as db:
        db.execute(f"create external schema seen from data catalog database 'bees' iam_role '{org.made['iam_role']}'")
        seen = lambda view: {r[0] for r in db.execute(f"select tablename from {view} where schemaname = 'seen'").fetchall()}
        assert all({"hives", "queens"} <= seen(view) for view in views)
        org.iam.put_role_policy(RoleName="OrgDataCatalogRole", PolicyName="closed", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Deny", "Action": ["glue:GetTable", "glue:GetTables"], "Resource": "arn:aws:glue:*:*:table/bees/queens"}]}))
        assert all("hives" in seen(view) and "queens" not in seen(view) for view in views)
        assert "queens" not in seen("svv_external_partitions")
        with pytest.raises(psycopg.Error) as failed:
            db.execute("show external table seen.queens")
        assert failed.value.sqlstate == "42P01"
        assert len(db.execute("show external table seen.hives").fetchall()) == 1
        # A database that the role may not see at all is none of SVV_EXTERNAL_DATABASES.
        org.glue.create_database(DatabaseInput={"Name": "wasps_hidden"})
        shown = {r[0] for r in db.execute("select databasename from svv_external_databases").fetchall()}
        assert "bees" in shown and "wasps_hidden" not in shown
        db.execute("drop schema seen")
    org.glue.delete_table(DatabaseName="bees", Name="queens")


def explain_statement(org, user, sql, *more):
    done = run_skep("explain-access", "--as", user, "--sql", sql, "--output", "json", "--config", str(org.server.folder / "skep.toml"), *more,
                    data_dir=org.server.data, check=False)
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr


@pytest.fixture
def schema(org):
    with org.server.connect() as db:
        db.execute(f"create external schema lens from data catalog database 'bees' iam_role '{org.made['iam_role']}'")
        yield "lens"
        db.execute("drop schema lens")


def test_explain_access_of_a_statement(org, restored, schema):
    org.server.add_user("reader_of_bees")
    code, report = explain_statement(org, "reader_of_bees", "select count(*) from lens.hives h join lens.hives i on h.id = i.id, (select 1) x")
    assert code == 0 and report["Allowed"] is True and [t["Table"] for t in report["Tables"]] == ["lens.hives"]
    steps = report["Tables"][0]["Steps"]
    assert [(s["Action"], s.get("Hop")) for s in steps] == [("sts:AssumeRole", 1), ("sts:AssumeRole", 2), ("glue:GetTable", None), ("s3:ListBucket", None), ("s3:GetObject", None)]
    assert all(s["Allowed"] for s in steps) and steps[1]["Resource"] == ROLE and steps[3]["Resource"] == f"s3://{org.bucket}/lake/hives/"
    assert all(s["Policy"] for s in steps)
    # A deny of the folder names its policy and statement.
    org.iam.put_role_policy(RoleName="OrgDataCatalogRole", PolicyName="no-hives", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Sid": "NoHives", "Effect": "Deny", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{org.bucket}/lake/hives/*"}]}))
    code, report = explain_statement(org, "reader_of_bees", "select * from lens.hives")
    last = report["Tables"][0]["Steps"][-1]
    assert code == 1 and report["Allowed"] is False and last["Action"] == "s3:GetObject" and last["Statement"] == "NoHives" and "no-hives" in last["Policy"]
    # A hop that no longer trusts: the walk ends there.
    kept = org.iam.get_role(RoleName="OrgDataCatalogRole")["Role"]["AssumeRolePolicyDocument"]
    kept["Statement"] = [s for s in kept["Statement"] if "AWS" not in s["Principal"]] or [{"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"}]
    org.iam.update_assume_role_policy(RoleName="OrgDataCatalogRole", PolicyDocument=json.dumps(kept))
    code, report = explain_statement(org, "reader_of_bees", "select * from lens.hives")
    steps = report["Tables"][0]["Steps"]
    assert code == 1 and [(s["Action"], s["Allowed"]) for s in steps] == [("sts:AssumeRole", True), ("sts:AssumeRole", False)] and steps[1]["Hop"] == 2 and steps[1]["Reason"]


def test_explain_access_of_a_copy(org, restored):
    role = org.made["iam_role"]
    code, report = explain_statement(org, "admin", f"copy t from 's3://{org.bucket}/lake/hives/' iam_role '{role}' csv")
    assert code == 0 and [(s["Action"], s["Allowed"]) for s in report["Tables"][0]["Steps"]] == [
        ("sts:AssumeRole", True), ("sts:AssumeRole", True), ("s3:ListBucket", True), ("s3:GetObject", True)]
    code, report = explain_statement(org, "admin", f"copy t from 's3://{org.bucket}/private/' credentials 'aws_iam_role={role}' csv")
    assert code == 1 and not report["Tables"][0]["Steps"][-1]["Allowed"] and report["Tables"][0]["Table"] == f"s3://{org.bucket}/private/"
    code, report = explain_statement(org, "admin", f"copy t from 's3://{org.bucket}/lake/m.json' iam_role '{role}' manifest")
    assert code == 0 and report["Tables"][0]["Steps"][-1]["Action"] == "s3:GetObject" and len(report["Tables"][0]["Steps"]) == 3
    code, report = explain_statement(org, "admin", f"copy t from 's3://{org.bucket}/lake/' access_key_id 'AKIAAAAAAAAAAAAAAAAA' secret_access_key 'not-to-be-shown'")
    assert code == 0 and report["Tables"] == [] and "not-to-be-shown" not in str(report)


def test_explain_access_of_what_is_not_there(org, schema):
    code, report = explain_statement(org, "admin", "select * from lens.nothing")
    assert code == 1 and "no such table" in report["Tables"][0]["Steps"][-1]["Reason"]
    code, report = explain_statement(org, "admin", "select * from awsdatacatalog.bees.hives")
    assert code == 1 and "default IAM role" in report["Tables"][0]["Steps"][-1]["Reason"]
    code, report = explain_statement(org, "admin", "select 1 from pg_class")
    assert code == 0 and report["Tables"] == []
    code, said = explain_statement(org, "nobody_of_that_name", "select * from lens.hives")
    assert code == 1 and "nobody_of_that_name" in said
    code, said = explain_statement(org, "admin", "select frum")
    assert code in (0, 1)
    code, said = explain_statement(org, "admin", "selct * frum lens.hives")
    assert code == 1 and "syntax error" in said


def test_explain_access_as_an_api(org, restored, schema):
    super_user = org.server.add_user("explaining_super", superuser=True, access_key=True)
    plain = org.server.add_user("explaining_plain", access_key=True)
    status, report = call_access(org.server, super_user, {"User": "explaining_plain", "Sql": "select * from lens.hives"})
    assert status == 200 and report["Allowed"] is True and report["User"] == "explaining_plain" and len(report["Tables"][0]["Steps"]) == 5
    # Who is no superuser, or no user of a workspace, learns nothing of roles.
    for user in (plain, org.owner):
        status, answer = call_access(org.server, user, {"User": "admin", "Sql": "select * from lens.hives"})
        assert status == 400 and answer["__type"] == "AccessDeniedException" and "Tables" not in answer
    assert call_access(org.server, super_user, {"User": "admin"})[1]["__type"] == "ValidationException"
    assert call_access(org.server, super_user, {"User": "no_such_user", "Sql": "select 1"})[0] >= 400
    assert call_access(org.server, super_user, {"User": ["x"], "Sql": {"a": 1}})[1]["__type"] == "ValidationException"
    assert call_access(org.server, User("x", "", super_user.access_key, "x" * 40), {})[0] in (400, 403)
