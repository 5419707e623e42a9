"""Roles, users and temporary credentials of a server, as tests of identity make them."""

import base64
import contextlib
import hashlib
import hmac
import json
import sqlite3
import uuid

import botocore.exceptions
import pytest

from support.server import ACCOUNT, Server, User


def policy(*statements) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions, resources="*", **more) -> dict:
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def deny(actions, resources="*", **more) -> dict:
    return {"Effect": "Deny", "Action": actions, "Resource": resources, **more}


def trust(principal, condition: dict | None = None, actions="sts:AssumeRole") -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": actions}
    return policy(statement | ({"Condition": condition} if condition else {}))


def refused(code, call, **arguments) -> str:
    """Calls and answers the message of the error, which must have this code."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**arguments)
    assert caught.value.response["Error"]["Code"] == code, caught.value
    return caught.value.response["Error"]["Message"]


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:10]}"


@contextlib.contextmanager
def iam_user(server: Server, iam, *statements, name: str | None = None):
    """An IAM user with an inline policy of these statements; yields it with its key."""
    name = name or unique("user")
    iam.create_user(UserName=name)
    if statements:
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy(*statements))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    try:
        yield User(name, "", key["AccessKeyId"], key["SecretAccessKey"])
    finally:
        for k in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
            iam.delete_access_key(UserName=name, AccessKeyId=k["AccessKeyId"])
        for p in iam.list_user_policies(UserName=name)["PolicyNames"]:
            iam.delete_user_policy(UserName=name, PolicyName=p)
        for p in iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]:
            iam.detach_user_policy(UserName=name, PolicyArn=p["PolicyArn"])
        iam.delete_user(UserName=name)


@contextlib.contextmanager
def iam_role(iam, trust_policy: str, *statements, name: str | None = None, **more):
    """A role with an inline policy of these statements; yields its ARN."""
    name = name or unique("role")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust_policy, **more)["Role"]["Arn"]
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(*statements))
    try:
        yield arn
    finally:
        with contextlib.suppress(iam.exceptions.NoSuchEntityException):
            for p in iam.list_role_policies(RoleName=name)["PolicyNames"]:
                iam.delete_role_policy(RoleName=name, PolicyName=p)
            for p in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
                iam.detach_role_policy(RoleName=name, PolicyArn=p["PolicyArn"])
            iam.delete_role(RoleName=name)


def with_session(server: Server, service: str, credentials: dict, **more):
    """A client of temporary credentials as STS answers them."""
    return server.client(service, User("", "", credentials["AccessKeyId"], credentials["SecretAccessKey"]),
                         aws_session_token=credentials["SessionToken"], **more)


def user_arn(user: User) -> str:
    """Of a user of the workspace default."""
    return f"arn:aws:iam::{ACCOUNT}:user/skep/default/{user.name}"


def session_key(server: Server) -> bytes:
    """The key that seals session tokens, as only who holds the data directory can read it."""
    with contextlib.closing(sqlite3.connect(server.data / "control.sqlite")) as db:
        return bytes.fromhex(db.execute("select value from settings where name = 'sts.session_key'").fetchone()[0])


def hmac_sha256(key: bytes, text: bytes) -> bytes:
    return hmac.new(key, text, hashlib.sha256).digest()


def open_token(token: str) -> dict:
    return json.loads(base64.b64decode(token)[33:])


def seal_token(key: bytes, claims: dict) -> dict:
    """Credentials for these claims, sealed with this key."""
    payload = json.dumps(claims).encode()
    mac = hmac_sha256(hmac_sha256(key, b"session token"), payload)
    secret = hmac_sha256(hmac_sha256(key, b"session secret"), claims["k"].encode())[:30]
    return {"AccessKeyId": claims["k"], "SecretAccessKey": base64.b64encode(secret).decode(),
            "SessionToken": base64.b64encode(b"\x01" + mac + payload).decode()}
