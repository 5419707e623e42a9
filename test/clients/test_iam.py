"""IAM through boto3 and the AWS CLI."""

import json
import subprocess

import pytest

from support.identity import allow, iam_role, iam_user, policy, refused, trust, unique
from support.server import ACCOUNT, ROOT

OPEN = trust({"AWS": ACCOUNT})


@pytest.fixture
def iam(server, api_user):
    return server.client("iam", api_user)


def test_a_role_comes_back_as_it_was_made(iam):
    name = unique("reader")
    document = json.loads(trust({"Service": "redshift.amazonaws.com"}))
    made = iam.create_role(RoleName=name, Path="/team/", AssumeRolePolicyDocument=json.dumps(document), Description="reads <all> & more",
                           MaxSessionDuration=7200, Tags=[{"Key": "team", "Value": "blue & green"}])["Role"]
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/team/{name}" and made["RoleId"].startswith("AROA")
    got = iam.get_role(RoleName=name.upper())["Role"]
    assert got["AssumeRolePolicyDocument"] == document and got["Description"] == "reads <all> & more"
    assert got["MaxSessionDuration"] == 7200 and got["Tags"] == [{"Key": "team", "Value": "blue & green"}]
    assert name in [r["RoleName"] for p in iam.get_paginator("list_roles").paginate(PathPrefix="/team/") for r in p["Roles"]]
    assert name not in [r["RoleName"] for r in iam.list_roles(PathPrefix="/other/")["Roles"]]
    refused("EntityAlreadyExists", iam.create_role, RoleName=name.upper(), AssumeRolePolicyDocument=OPEN)
    iam.update_role(RoleName=name, Description="less", MaxSessionDuration=3600)
    other = json.loads(trust({"Service": "glue.amazonaws.com"}))
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(other))
    iam.untag_role(RoleName=name, TagKeys=["team"])
    iam.tag_role(RoleName=name, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}])
    got = iam.get_role(RoleName=name)["Role"]
    assert (got["Description"], got["MaxSessionDuration"], got["AssumeRolePolicyDocument"]) == ("less", 3600, other)
    assert iam.list_role_tags(RoleName=name)["Tags"] == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}]
    iam.delete_role(RoleName=name)
    message = refused("NoSuchEntity", iam.get_role, RoleName=name)
    assert message == f"The role with name {name} cannot be found."


def test_inline_and_attached_policies(iam):
    document = json.loads(policy(allow("s3:GetObject", "arn:aws:s3:::b/*")))
    attached = iam.create_policy(PolicyName=unique("p"), PolicyDocument=json.dumps(document), Description="d")["Policy"]
    with iam_role(iam, OPEN) as arn:
        name = arn.rpartition("/")[2]
        iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=json.dumps(document))
        assert iam.get_role_policy(RoleName=name, PolicyName="inline")["PolicyDocument"] == document
        assert iam.list_role_policies(RoleName=name)["PolicyNames"] == ["inline"]
        iam.attach_role_policy(RoleName=name, PolicyArn=attached["Arn"])
        iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
        assert {p["PolicyName"] for p in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]} == {
            attached["PolicyName"], "AmazonS3ReadOnlyAccess"}
        assert iam.get_policy(PolicyArn=attached["Arn"])["Policy"]["AttachmentCount"] == 1
        refused("DeleteConflict", iam.delete_policy, PolicyArn=attached["Arn"])
        assert "detach" in refused("DeleteConflict", iam.delete_role, RoleName=name)
        refused("NoSuchEntity", iam.attach_role_policy, RoleName=name, PolicyArn=attached["Arn"] + "x")
        refused("NoSuchEntity", iam.attach_role_policy, RoleName=name, PolicyArn="arn:aws:iam::999999999999:policy/foreign")
        iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=attached["Arn"])
        assert iam.get_role(RoleName=name)["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == attached["Arn"]
        iam.delete_role_permissions_boundary(RoleName=name)
        assert "PermissionsBoundary" not in iam.get_role(RoleName=name)["Role"]
        iam.detach_role_policy(RoleName=name, PolicyArn=attached["Arn"])
        refused("NoSuchEntity", iam.detach_role_policy, RoleName=name, PolicyArn=attached["Arn"])
        refused("NoSuchEntity", iam.get_role_policy, RoleName=name, PolicyName="none")
    iam.delete_policy(PolicyArn=attached["Arn"])
    refused("NoSuchEntity", iam.get_policy, PolicyArn=attached["Arn"])


def test_versions_of_a_managed_policy(iam):
    arn = iam.create_policy(PolicyName=unique("v"), PolicyDocument=policy(allow("s3:*")))["Policy"]["Arn"]
    second = json.loads(policy(allow("glue:*")))
    assert iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(second), SetAsDefault=True)["PolicyVersion"]["VersionId"] == "v2"
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v2"
    assert iam.get_policy_version(PolicyArn=arn, VersionId="v2")["PolicyVersion"]["Document"] == second
    for _ in range(3):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(second))
    refused("LimitExceeded", iam.create_policy_version, PolicyArn=arn, PolicyDocument=json.dumps(second))
    refused("DeleteConflict", iam.delete_policy_version, PolicyArn=arn, VersionId="v2")
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    refused("DeleteConflict", iam.delete_policy, PolicyArn=arn)
    for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
        if not version["IsDefaultVersion"]:
            iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
    assert arn in [p["Arn"] for p in iam.list_policies(Scope="Local")["Policies"]]
    iam.delete_policy(PolicyArn=arn)
    refused("AccessDenied", iam.delete_policy, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")


def test_users_and_their_keys(server, iam):
    with iam_user(server, iam, allow(["iam:GetUser", "iam:*AccessKey*"], f"arn:aws:iam::{ACCOUNT}:user/${{aws:username}}")) as user:
        own = server.client("iam", user)
        assert own.get_user()["User"]["UserName"] == user.name
        second = own.create_access_key()["AccessKey"]
        refused("LimitExceeded", own.create_access_key)
        own.update_access_key(AccessKeyId=second["AccessKeyId"], Status="Inactive")
        assert {k["Status"] for k in own.list_access_keys()["AccessKeyMetadata"]} == {"Active", "Inactive"}
        own.delete_access_key(AccessKeyId=second["AccessKeyId"])
        refused("AccessDenied", own.get_user, UserName="somebody-else")
        refused("AccessDenied", own.list_users)
        assert user.name in [u["UserName"] for u in iam.list_users()["Users"]]
        refused("DeleteConflict", iam.delete_user, UserName=user.name)
    refused("NoSuchEntity", iam.get_user, UserName=user.name)


def test_lists_come_in_pages(iam):
    prefix = f"/{unique('page')}/"
    names = [unique("r") for _ in range(5)]
    for name in names:
        iam.create_role(RoleName=name, Path=prefix, AssumeRolePolicyDocument=OPEN)
    pages = list(iam.get_paginator("list_roles").paginate(PathPrefix=prefix, PaginationConfig={"PageSize": 2}))
    assert [len(p["Roles"]) for p in pages] == [2, 2, 1]
    assert sorted(r["RoleName"] for p in pages for r in p["Roles"]) == sorted(names)
    for name in names:
        iam.delete_role(RoleName=name)


@pytest.mark.parametrize("document", [
    "", "{", "[]", '{"Version":"2012-10-17"}', policy({"Effect": "Allow", "Action": "s3:*"}),
    policy(allow("s3:*") | {"Principal": "*"}), policy(allow("s3:*", Condition={"StringMaybe": {"a:b": "c"}})), policy(allow("everything"))])
def test_malformed_policies_are_refused(iam, document):
    with iam_role(iam, OPEN) as arn:
        refused("MalformedPolicyDocument", iam.put_role_policy, RoleName=arn.rpartition("/")[2], PolicyName="p", PolicyDocument=document or " ")


@pytest.mark.parametrize("principal", [
    {"AWS": f"arn:aws:iam::{ACCOUNT}:role/*"}, {"AWS": f"arn:aws:iam::{ACCOUNT}:role/nobody-made-it"}, {"AWS": "somebody"}, {"Service": "*"}, {}])
def test_trust_in_what_is_no_principal_is_refused(iam, principal):
    refused("MalformedPolicyDocument", iam.create_role, RoleName=unique("r"), AssumeRolePolicyDocument=trust(principal))


def test_quotas_of_policies(iam):
    with iam_role(iam, OPEN) as arn:
        name = arn.rpartition("/")[2]
        big = policy(allow([f"s3:Get{i:04}{'x' * 100}" for i in range(60)]))
        iam.put_role_policy(RoleName=name, PolicyName="one", PolicyDocument=big)
        assert "10240 bytes" in refused("LimitExceeded", iam.put_role_policy, RoleName=name, PolicyName="two", PolicyDocument=big)
        iam.put_role_policy(RoleName=name, PolicyName="one", PolicyDocument=big)  # in its own place
    refused("LimitExceeded", iam.create_policy, PolicyName=unique("p"), PolicyDocument=big)
    refused("LimitExceeded", iam.create_role, RoleName=unique("r"),
            AssumeRolePolicyDocument=trust({"AWS": [f"{n:012}" for n in range(200)]}))


def test_a_simulation_says_what_policies_would(iam):
    with iam_role(iam, OPEN, allow("s3:Get*", "arn:aws:s3:::b/open/*"),
                  {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::b/open/not/*"}) as arn:
        answers = iam.simulate_principal_policy(
            PolicySourceArn=arn, ActionNames=["s3:GetObject"],
            ResourceArns=["arn:aws:s3:::b/open/a", "arn:aws:s3:::b/open/not/a", "arn:aws:s3:::b/a"])["EvaluationResults"]
        assert [a["EvalDecision"] for a in answers] == ["allowed", "explicitDeny", "implicitDeny"]


def test_the_cli_makes_and_removes_a_role(server, api_user):
    def aws(*arguments):
        done = subprocess.run([str(ROOT / ".venv/bin/aws"), "iam", *arguments, "--output", "json"], capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, env=server.environment(api_user))
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    name = unique("cli")
    assert aws("create-role", "--role-name", name, "--assume-role-policy-document", OPEN)["Role"]["RoleName"] == name
    aws("put-role-policy", "--role-name", name, "--policy-name", "p", "--policy-document", policy(allow("s3:*")))
    made = aws("create-policy", "--policy-name", name, "--policy-document", policy(allow("glue:*")))["Policy"]["Arn"]
    aws("attach-role-policy", "--role-name", name, "--policy-arn", made)
    aws("put-role-permissions-boundary", "--role-name", name, "--permissions-boundary", made)
    aws("tag-role", "--role-name", name, "--tags", "Key=a,Value=b")
    assert aws("get-role", "--role-name", name)["Role"]["Tags"] == [{"Key": "a", "Value": "b"}]
    assert name in [r["RoleName"] for r in aws("list-roles")["Roles"]]
    aws("update-assume-role-policy", "--role-name", name, "--policy-document", trust({"Service": "glue.amazonaws.com"}))
    aws("delete-role-permissions-boundary", "--role-name", name)
    aws("detach-role-policy", "--role-name", name, "--policy-arn", made)
    aws("delete-policy", "--policy-arn", made)
    aws("delete-role-policy", "--role-name", name, "--policy-name", "p")
    aws("delete-role", "--role-name", name)
    aws("create-user", "--user-name", name)
    key = aws("create-access-key", "--user-name", name)["AccessKey"]["AccessKeyId"]
    aws("put-user-policy", "--user-name", name, "--policy-name", "p", "--policy-document", policy(allow("s3:*")))
    aws("delete-user-policy", "--user-name", name, "--policy-name", "p")
    aws("delete-access-key", "--user-name", name, "--access-key-id", key)
    aws("delete-user", "--user-name", name)
