"""Tokens that were not given out, deputies that are confused, callers that would give themselves more."""

import base64
import json
import os
import time

import pytest

from support.identity import (
    allow, deny, iam_role, iam_user, open_token, policy, refused, seal_token, session_key, trust, unique, user_arn, with_session)
from support.server import ACCOUNT

FOREIGN = "210987654321"


@pytest.fixture
def sts(server, api_user):
    return server.client("sts", api_user)


@pytest.fixture
def iam(server, api_user):
    return server.client("iam", api_user)


@pytest.fixture
def session(sts, iam, api_user):
    """Credentials of a role that may do everything."""
    with iam_role(iam, trust({"AWS": user_arn(api_user)}), allow("*")) as arn:
        yield sts.assume_role(RoleArn=arn, RoleSessionName="session")["Credentials"]


def test_the_credentials_as_given_work(server, session):
    assert with_session(server, "sts", session).get_caller_identity()["Account"] == ACCOUNT


def altered(token: str, at: int) -> str:
    raw = bytearray(base64.b64decode(token))
    raw[at] ^= 1
    return base64.b64encode(raw).decode()


@pytest.mark.parametrize("service, code, operation, arguments", [
    ("sts", "InvalidClientTokenId", "get_caller_identity", {}), ("iam", "InvalidClientTokenId", "list_roles", {}),
    ("glue", "UnrecognizedClientException", "get_databases", {}), ("redshift-data", "UnrecognizedClientException", "list_statements", {})])
def test_forged_and_altered_tokens_open_nothing(server, session, service, code, operation, arguments):
    token = session["SessionToken"]
    claims = open_token(token)
    forged = seal_token(os.urandom(32), claims)["SessionToken"]
    other_claims = base64.b64encode(base64.b64decode(token)[:33] + json.dumps(claims | {"n": "Administrator"}).encode()).decode()
    for bad in ("x", forged, other_claims, altered(token, 0), altered(token, 5), altered(token, 60), token[:-8], token + "AAAA", "A" * 50000):
        call = getattr(with_session(server, service, session | {"SessionToken": bad}), operation)
        refused(code, call, **arguments)


def test_a_token_goes_with_its_own_key_and_secret_only(server, sts, session):
    other = sts.get_session_token()["Credentials"]
    for name in ("AccessKeyId", "SessionToken"):
        refused("InvalidClientTokenId", with_session(server, "sts", session | {name: other[name]}).get_caller_identity)
    refused("SignatureDoesNotMatch", with_session(server, "sts", session | {"SecretAccessKey": other["SecretAccessKey"]}).get_caller_identity)
    refused("SignatureDoesNotMatch", with_session(server, "sts", session | {"SecretAccessKey": "x" * 40}).get_caller_identity)


def test_a_temporary_key_without_its_token_and_a_lasting_one_with_a_token(server, session, api_user):
    from support.server import User
    bare = server.client("sts", User("", "", session["AccessKeyId"], session["SecretAccessKey"]))
    refused("InvalidClientTokenId", bare.get_caller_identity)
    both = {"AccessKeyId": api_user.access_key, "SecretAccessKey": api_user.secret_key, "SessionToken": session["SessionToken"]}
    refused("InvalidClientTokenId", with_session(server, "sts", both).get_caller_identity)


def test_an_expired_token_is_refused_everywhere(server, session):
    claims = open_token(session["SessionToken"])
    now = int(time.time())
    fresh = seal_token(session_key(server), claims | {"e": now + 900})
    assert with_session(server, "sts", fresh).get_caller_identity()["Account"] == ACCOUNT  # the test seals as the server does
    expired = seal_token(session_key(server), claims | {"e": now - 1})
    refused("ExpiredToken", with_session(server, "sts", expired).get_caller_identity)
    refused("ExpiredToken", with_session(server, "iam", expired).list_roles)
    refused("ExpiredTokenException", with_session(server, "glue", expired).get_databases)


def test_a_token_of_a_role_that_was_made_again_is_worth_nothing(server, sts, iam, api_user):
    name = unique("again")
    with iam_role(iam, trust({"AWS": user_arn(api_user)}), allow("*"), name=name) as arn:
        credentials = sts.assume_role(RoleArn=arn, RoleSessionName="ss")["Credentials"]
    with iam_role(iam, trust({"AWS": user_arn(api_user)}), allow("*"), name=name):
        refused("InvalidClientTokenId", with_session(server, "sts", credentials).get_caller_identity)
        refused("UnrecognizedClientException", with_session(server, "glue", credentials).get_databases)


def test_trust_in_a_principal_that_was_made_again_is_gone(server, iam):
    name = unique("again")
    with iam_user(server, iam, allow("sts:AssumeRole"), name=name) as first:
        made = iam.create_role(RoleName=unique("r"), AssumeRolePolicyDocument=trust({"AWS": f"arn:aws:iam::{ACCOUNT}:user/{name}"}))["Role"]
        server.client("sts", first).assume_role(RoleArn=made["Arn"], RoleSessionName="ss")
    with iam_user(server, iam, allow("sts:AssumeRole"), name=name) as second:
        refused("AccessDenied", server.client("sts", second).assume_role, RoleArn=made["Arn"], RoleSessionName="ss")
        shown = iam.get_role(RoleName=made["RoleName"])["Role"]["AssumeRolePolicyDocument"]
        assert shown["Statement"][0]["Principal"]["AWS"].startswith("AIDA")
    iam.delete_role(RoleName=made["RoleName"])


def test_a_deputy_says_the_external_id_or_is_refused(sts, iam, api_user):
    condition = {"StringEquals": {"sts:ExternalId": "customer-1"}}
    with iam_role(iam, trust({"AWS": user_arn(api_user)}, condition)) as arn:
        for wrong in ({}, {"ExternalId": "customer-2"}, {"ExternalId": "Customer-1"}, {"ExternalId": "customer-1x"}):
            message = refused("AccessDenied", sts.assume_role, RoleArn=arn, RoleSessionName="ss", **wrong)
            assert "customer-1" not in message
        assert sts.assume_role(RoleArn=arn, RoleSessionName="ss", ExternalId="customer-1")["Credentials"]


@pytest.mark.parametrize("principal", [{"AWS": FOREIGN}, {"AWS": f"arn:aws:iam::{FOREIGN}:role/same-name"}, {"Service": "redshift.amazonaws.com"},
                                       {"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/r/s"}])
def test_trust_in_others_is_not_trust_in_the_caller(sts, iam, principal):
    with iam_role(iam, trust(principal)) as arn:
        refused("AccessDenied", sts.assume_role, RoleArn=arn, RoleSessionName="ss")


def test_a_policy_cannot_name_resources_of_another_account(server, iam):
    with iam_user(server, iam, allow("*")) as user:
        own = server.client("iam", user)
        refused("NoSuchEntity", own.attach_user_policy, UserName=user.name, PolicyArn=f"arn:aws:iam::{FOREIGN}:policy/theirs")
        refused("AccessDeniedException", server.client("glue", user).get_databases, CatalogId=FOREIGN)


def test_nobody_gives_itself_more(server, iam):
    boundary = iam.create_policy(PolicyName=unique("b"), PolicyDocument=policy(allow(["iam:*", "glue:GetDatabases"])))["Policy"]["Arn"]
    with iam_user(server, iam, allow("iam:Get*"), allow("glue:GetDatabases")) as user:
        own = server.client("iam", user)
        assert own.get_user(UserName=user.name)
        everything = policy(allow("*"))
        refused("AccessDenied", own.put_user_policy, UserName=user.name, PolicyName="p", PolicyDocument=everything)
        refused("AccessDenied", own.attach_user_policy, UserName=user.name, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
        refused("AccessDenied", own.create_user, UserName=unique("u"))
        refused("AccessDenied", own.create_role, RoleName=unique("r"), AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))
        refused("AccessDenied", own.update_assume_role_policy, RoleName="any", PolicyDocument=trust({"AWS": ACCOUNT}))
        refused("AccessDenied", own.create_access_key, UserName="any")
    # Within a boundary, more policies give no more, and it cannot be taken off.
    keep = deny(["iam:DeleteUserPermissionsBoundary", "iam:PutUserPermissionsBoundary"])
    with iam_user(server, iam, allow("*"), keep) as user:
        iam.put_user_permissions_boundary(UserName=user.name, PermissionsBoundary=boundary)
        own, glue = server.client("iam", user), server.client("glue", user)
        own.attach_user_policy(UserName=user.name, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
        assert glue.get_databases()["DatabaseList"] is not None
        assert "no permissions boundary" in refused("AccessDeniedException", glue.get_tables, DatabaseName="default")
        refused("AccessDenied", own.delete_user_permissions_boundary, UserName=user.name)
    iam.delete_policy(PolicyArn=boundary)


def test_users_of_the_workspace_are_not_administrators_of_its_account(server):
    plain = server.add_user("plain_identity", access_key=True)
    refused("AccessDenied", server.client("iam", plain).list_roles)
    refused("AccessDenied", server.client("iam", plain).create_user, UserName=unique("u"))
    refused("AccessDenied", server.client("sts", plain).get_federation_token, Name="guest")


def test_a_workspaces_user_cannot_be_impersonated_by_an_iam_user(iam):
    for path in ("/skep/", "/skep/default/"):
        refused("ValidationError", iam.create_user, UserName="api_user", Path=path)


def test_a_deactivated_key_opens_nothing(server, iam):
    with iam_user(server, iam, allow("*")) as user:
        iam.update_access_key(UserName=user.name, AccessKeyId=user.access_key, Status="Inactive")
        refused("InvalidClientTokenId", server.client("sts", user).get_caller_identity)


@pytest.mark.parametrize("body", ["Action=GetCallerIdentity", "Action=%zz&Version=2011-06-15", "", "Action=CreateRole&Action=GetRole&Version=2010-05-08",
                                  "&".join(f"a{i}=1" for i in range(5000)), "Action=GetCallerIdentity&Version=2011-06-15"])
def test_unsigned_and_malformed_forms_are_refused_as_xml(server, body):
    import urllib.error
    import urllib.request
    request = urllib.request.Request(f"http://127.0.0.1:{server.http_port}/", body.encode(), {"Content-Type": "application/x-www-form-urlencoded"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    assert caught.value.code in (400, 403) and b"<ErrorResponse" in caught.value.read()
