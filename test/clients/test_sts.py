"""The Security Token Service through boto3 and the AWS CLI, and what its credentials open."""

import datetime
import json
import subprocess
import urllib.request
import xml.etree.ElementTree

import pytest

from support.identity import allow, deny, iam_role, iam_user, open_token, policy, refused, trust, unique, user_arn, with_session
from support.server import ACCOUNT, ROOT


@pytest.fixture
def sts(server, api_user):
    return server.client("sts", api_user)


@pytest.fixture
def iam(server, api_user):
    return server.client("iam", api_user)


def test_get_caller_identity_names_users_and_sessions(server, sts, iam, api_user):
    assert {k: v for k, v in sts.get_caller_identity().items() if k != "ResponseMetadata"} == {
        "Arn": user_arn(api_user), "Account": ACCOUNT, "UserId": f"default/{api_user.name}"}
    with iam_user(server, iam) as user:
        me = server.client("sts", user).get_caller_identity()
        assert me["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/{user.name}" and me["UserId"].startswith("AIDA")
    with iam_role(iam, trust({"AWS": user_arn(api_user)})) as arn:
        made = sts.assume_role(RoleArn=arn, RoleSessionName="a-session")
        me = with_session(server, "sts", made["Credentials"]).get_caller_identity()
        assert me["Arn"] == made["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{arn.rpartition('/')[2]}/a-session"
        assert me["UserId"] == made["AssumedRoleUser"]["AssumedRoleId"] and me["UserId"].startswith("AROA")


def test_temporary_credentials_open_what_the_roles_policies_allow(server, sts, iam, glue, api_user):
    database = unique("db").replace("-", "_")
    glue.create_database(DatabaseInput={"Name": database})
    resources = [f"arn:aws:glue:*:{ACCOUNT}:catalog", f"arn:aws:glue:*:{ACCOUNT}:database/{database}"]
    with iam_role(iam, trust({"AWS": user_arn(api_user)}), allow("glue:GetDatabase", resources)) as arn:
        credentials = sts.assume_role(RoleArn=arn, RoleSessionName="reader")["Credentials"]
        assert credentials["AccessKeyId"].startswith("ASIA")
        assert credentials["Expiration"] > datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=50)
        role = with_session(server, "glue", credentials)
        assert role.get_database(Name=database)["Database"]["Name"] == database
        message = refused("AccessDeniedException", role.delete_database, Name=database)
        assert "is not authorized to perform: glue:DeleteDatabase" in message and "no identity-based policy" in message
        refused("AccessDeniedException", role.get_database, Name="default")
        refused("AccessDeniedException", with_session(server, "redshift-data", credentials).list_statements)
        # The role's policies count as they are now, not as they were when it was assumed.
        iam.put_role_policy(RoleName=arn.rpartition("/")[2], PolicyName="p", PolicyDocument=policy(allow("s3:*")))
        refused("AccessDeniedException", role.get_database, Name=database)
    refused("UnrecognizedClientException", role.get_database, Name=database)
    glue.delete_database(Name=database)


def test_names_in_other_case_do_not_pass_a_deny(server, sts, iam, glue, api_user):
    database = unique("db").replace("-", "_")
    glue.create_database(DatabaseInput={"Name": database})
    secret = f"arn:aws:glue:*:{ACCOUNT}:database/{database}"
    with iam_role(iam, trust({"AWS": user_arn(api_user)}), allow("glue:*"), deny("glue:*", secret)) as arn:
        role = with_session(server, "glue", sts.assume_role(RoleArn=arn, RoleSessionName="ss")["Credentials"])
        refused("AccessDeniedException", role.get_database, Name=database)
        refused("AccessDeniedException", role.get_database, Name=database.upper())
    glue.delete_database(Name=database)


def test_a_workspaces_user_keeps_its_rights_in_a_session(server, sts, execute_statement):
    credentials = sts.get_session_token(DurationSeconds=900)["Credentials"]
    data = with_session(server, "redshift-data", credentials)
    assert execute_statement(data, "select 1")["Status"] == "FINISHED"
    assert with_session(server, "sts", credentials).get_caller_identity()["Arn"] == sts.get_caller_identity()["Arn"]
    refused("AccessDenied", with_session(server, "sts", credentials).get_session_token)
    refused("AccessDenied", with_session(server, "sts", credentials).get_federation_token, Name="fed")
    refused("InvalidClientTokenId", with_session(server, "iam", credentials).list_roles)


def test_session_policies_only_take_away(server, sts, iam, api_user):
    narrow = iam.create_policy(PolicyName=unique("narrow"), PolicyDocument=policy(allow("glue:GetDatabases")))["Policy"]["Arn"]
    with iam_role(iam, trust({"AWS": user_arn(api_user)}), allow(["glue:GetDatabases", "glue:GetTables"])) as arn:
        inline = sts.assume_role(RoleArn=arn, RoleSessionName="ss", Policy=policy(allow(["glue:GetDatabases", "iam:*"])))
        managed = sts.assume_role(RoleArn=arn, RoleSessionName="ss", PolicyArns=[{"arn": narrow}])
        for made in (inline, managed):
            assert 0 < made["PackedPolicySize"] <= 100
            client = with_session(server, "glue", made["Credentials"])
            assert client.get_databases()["DatabaseList"] is not None
            message = refused("AccessDeniedException", client.get_tables, DatabaseName="default")
            assert "no session policy allows the glue:GetTables action" in message
        refused("AccessDenied", with_session(server, "iam", inline["Credentials"]).list_users)
        refused("MalformedPolicyDocument", sts.assume_role, RoleArn=arn, RoleSessionName="ss", Policy='{"Statement":[]}')
        refused("ValidationError", sts.assume_role, RoleArn=arn, RoleSessionName="ss", Policy=policy(allow("s3:" + "a" * 2100)))
        refused("ValidationError", sts.assume_role, RoleArn=arn, RoleSessionName="ss", PolicyArns=[{"arn": narrow + "x"}])
    iam.delete_policy(PolicyArn=narrow)


def test_federated_users_have_what_both_policies_allow(server, sts, iam):
    with iam_user(server, iam, allow(["glue:GetDatabases", "sts:GetFederationToken"])) as user:
        own = server.client("sts", user)
        made = own.get_federation_token(Name="guest", Policy=policy(allow("glue:*")), DurationSeconds=900)
        assert made["FederatedUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:federated-user/guest"
        guest = with_session(server, "glue", made["Credentials"])
        assert guest.get_databases()["ResponseMetadata"]["HTTPStatusCode"] == 200
        refused("AccessDeniedException", guest.get_tables, DatabaseName="default")
        bare = with_session(server, "glue", own.get_federation_token(Name="guest")["Credentials"])
        refused("AccessDeniedException", bare.get_databases)
        refused("AccessDenied", with_session(server, "sts", made["Credentials"]).get_session_token)
    with iam_user(server, iam) as user:
        refused("AccessDenied", server.client("sts", user).get_federation_token, Name="guest")


def test_chains_of_roles_last_an_hour_and_keep_transitive_tags(server, sts, iam, api_user):
    tagging = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
    with iam_role(iam, trust({"AWS": user_arn(api_user)}, actions=tagging), allow(tagging), MaxSessionDuration=7200) as first:
        condition = {"StringEquals": {"aws:PrincipalTag/team": "blue"}}
        with iam_role(iam, trust({"AWS": first}, condition, tagging), MaxSessionDuration=7200) as second:
            made = sts.assume_role(RoleArn=first, RoleSessionName="one", DurationSeconds=7200, Tags=[{"Key": "team", "Value": "blue"}],
                                   TransitiveTagKeys=["team"], SourceIdentity="ada")
            assert made["SourceIdentity"] == "ada"
            chained = with_session(server, "sts", made["Credentials"])
            assert "1 hour session limit" in refused("ValidationError", chained.assume_role, RoleArn=second, RoleSessionName="two",
                                                     DurationSeconds=3601)
            last = chained.assume_role(RoleArn=second, RoleSessionName="two", DurationSeconds=3600)
            claims = open_token(last["Credentials"]["SessionToken"])
            assert claims["t"] == [["team", "blue"]] and last["SourceIdentity"] == "ada"
            refused("InvalidParameterValue", chained.assume_role, RoleArn=second, RoleSessionName="two", Tags=[{"Key": "Team", "Value": "red"}])
            refused("AccessDenied", chained.assume_role, RoleArn=second, RoleSessionName="two", SourceIdentity="eve")
            untagged = sts.assume_role(RoleArn=first, RoleSessionName="one")
            refused("AccessDenied", with_session(server, "sts", untagged["Credentials"]).assume_role, RoleArn=second, RoleSessionName="two")


def test_durations_and_names_are_checked(sts, iam, api_user):
    with iam_role(iam, trust({"AWS": user_arn(api_user)})) as arn:
        for wrong in ({"DurationSeconds": 43201}, {"DurationSeconds": 3601}, {"RoleSessionName": "a b"}, {"RoleArn": "arn:aws:iam::1:role/too-short-account"},
                      {"ExternalId": "a\nb"}):
            refused("ValidationError", sts.assume_role, **{"RoleArn": arn, "RoleSessionName": "ss", **wrong})
        refused("AccessDenied", sts.assume_role, RoleArn=arn, RoleSessionName="ss", Tags=[{"Key": "a", "Value": "b"}])
        refused("AccessDenied", sts.assume_role, RoleArn=arn + "x", RoleSessionName="ss")


def test_a_presigned_get_caller_identity_is_answered(server, sts, api_user):
    url = sts.generate_presigned_url("get_caller_identity", ExpiresIn=60, HttpMethod="GET")
    with urllib.request.urlopen(url) as answer:
        body = xml.etree.ElementTree.fromstring(answer.read())
    assert body.findtext(".//{https://sts.amazonaws.com/doc/2011-06-15/}Arn") == user_arn(api_user)


def test_the_cli_assumes_a_role_and_uses_it(server, iam, api_user):
    def aws(*arguments, environment):
        done = subprocess.run([str(ROOT / ".venv/bin/aws"), *arguments, "--output", "json"], capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, env=environment)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    environment = server.environment(api_user)
    with iam_role(iam, trust({"AWS": user_arn(api_user)}), allow("glue:GetDatabases")) as arn:
        assert aws("sts", "get-caller-identity", environment=environment)["Account"] == ACCOUNT
        made = aws("sts", "assume-role", "--role-arn", arn, "--role-session-name", "cli", environment=environment)["Credentials"]
        environment |= {"AWS_ACCESS_KEY_ID": made["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"],
                        "AWS_SESSION_TOKEN": made["SessionToken"]}
        assert "DatabaseList" in aws("glue", "get-databases", environment=environment)
