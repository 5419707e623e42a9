"""Tokens of an OpenID Connect issuer in exchange for a role's credentials, and all the tokens that are not."""

import json
import os
import subprocess
import sys
import time

import boto3
import botocore
import botocore.config
import pytest

from support.identity import allow, deny, iam_role, iam_user, policy, refused, trust, with_session
from support.object_store import REGION
from support.oidc import Issuer, Key, b64, hmac_token
from support.server import ACCOUNT, Server

AUDIENCE = "sts.amazonaws.com"


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    one = Issuer(tmp_path_factory.mktemp("issuer"))
    yield one
    one.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory, issuer):
    folder = tmp_path_factory.mktemp("oidc")
    one = Server(folder).init()
    from_file = Key("filed")
    (folder / "keys.json").write_text(json.dumps({"keys": [from_file.jwk()]}))
    one.from_file = from_file
    one.more_config = (f'[[oidc_provider]]\nissuer = "{issuer.url}"\nclient_ids = ["{AUDIENCE}", "second"]\nca_file = "{issuer.ca_file}"\n'
                       '[[oidc_provider]]\nissuer = "https://filed.example.com"\nclient_ids = ["filed"]\njwks_file = "keys.json"\n')
    one.write_config()
    one.start()
    yield one
    one.stop()


@pytest.fixture(scope="module")
def iam(server):
    return server.client("iam", server.add_user("owner", superuser=True, access_key=True))


def provider_arn(issuer):
    return f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer.name}"


def trusting(issuer, actions="sts:AssumeRoleWithWebIdentity", **conditions):
    return trust({"Federated": provider_arn(issuer)}, conditions or {"StringEquals": {f"{issuer.name}:aud": AUDIENCE}}, actions)


@pytest.fixture(scope="module")
def role(iam, issuer):
    with iam_role(iam, trusting(issuer), allow("glue:GetDatabases")) as arn:
        yield arn


@pytest.fixture(scope="module")
def sts(server):
    return boto3.client("sts", endpoint_url=f"http://127.0.0.1:{server.http_port}", region_name=REGION, aws_access_key_id="", aws_secret_access_key="",
                        config=botocore.config.Config(signature_version=botocore.UNSIGNED, retries={"total_max_attempts": 1}))


def assume(sts, role, token, **more):
    return sts.assume_role_with_web_identity(RoleArn=role, RoleSessionName="web", WebIdentityToken=token, **more)


def no(sts, code, role, token, **more):
    return refused(code, sts.assume_role_with_web_identity, RoleArn=role, RoleSessionName="web", WebIdentityToken=token, **more)


@pytest.mark.parametrize("number", [0, 1], ids=["RS256", "ES256"])
def test_a_token_is_worth_the_roles_credentials(server, sts, issuer, role, number):
    answer = assume(sts, role, issuer.token(issuer.keys[number]), DurationSeconds=900)
    assert answer["SubjectFromWebIdentityToken"] == "repo:bees/hives:ref:main" and answer["Audience"] == AUDIENCE
    assert answer["Provider"] == provider_arn(issuer)
    name = role.rpartition("/")[2]
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/web"
    assert with_session(server, "sts", answer["Credentials"]).get_caller_identity()["Arn"] == answer["AssumedRoleUser"]["Arn"]
    glue = with_session(server, "glue", answer["Credentials"])
    assert glue.get_databases()["DatabaseList"] == []
    refused("AccessDeniedException", glue.create_database, DatabaseInput={"Name": "no"})


def test_keys_of_a_file(server, sts, iam):
    with iam_role(iam, trust({"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/filed.example.com"}, None, "sts:AssumeRoleWithWebIdentity")) as arn:
        now = int(time.time())
        claims = {"iss": "https://filed.example.com", "sub": "me", "aud": ["filed"], "iat": now, "exp": now + 60}
        assert assume(sts, arn, server.from_file.token(claims))["SubjectFromWebIdentityToken"] == "me"
        no(sts, "InvalidIdentityToken", arn, Key("filed").token(claims))


def test_session_policies_only_take_away(server, sts, issuer, role):
    answer = assume(sts, role, issuer.token(), Policy=policy(deny("glue:*")))
    refused("AccessDeniedException", with_session(server, "glue", answer["Credentials"]).get_databases)


def test_conditions_of_the_trust_policy(sts, iam, issuer):
    sub, aud, amr = f"{issuer.name}:sub", f"{issuer.name}:aud", f"{issuer.name}:amr"
    for conditions, claims, good in [
            ({"StringLike": {sub: "repo:bees/*"}}, {}, True), ({"StringLike": {sub: "repo:wasps/*"}}, {}, False),
            ({"StringEquals": {aud: "second"}}, {"aud": "second"}, True), ({"StringEquals": {aud: "second"}}, {}, False),
            ({"ForAnyValue:StringEquals": {amr: "mfa"}}, {"amr": ["pwd", "mfa"]}, True), ({"ForAnyValue:StringEquals": {amr: "mfa"}}, {"amr": ["pwd"]}, False),
            ({"ForAnyValue:StringEquals": {amr: "mfa"}}, {}, False), ({"StringEquals": {"sts:RoleSessionName": "web"}}, {}, True),
            ({"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}, {}, False)]:
        with iam_role(iam, trusting(issuer, **conditions)) as arn:
            if good:
                assert assume(sts, arn, issuer.token(**claims))["Credentials"]
            else:
                assert no(sts, "AccessDenied", arn, issuer.token(**claims)) == "Not authorized to perform sts:AssumeRoleWithWebIdentity"


def test_tags_of_the_token(server, sts, iam, issuer):
    tags = {"https://aws.amazon.com/tags": {"principal_tags": {"team": ["bees"]}, "transitive_tag_keys": ["team"]}}
    only = {"StringEquals": {"aws:PrincipalTag/team": "bees"}}
    both = ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"]
    with iam_role(iam, trusting(issuer, both), allow("glue:GetDatabases", Condition=only)) as arn:
        tagged = assume(sts, arn, issuer.token(**tags))["Credentials"]
        assert with_session(server, "glue", tagged).get_databases()["DatabaseList"] == []
        plain = assume(sts, arn, issuer.token())["Credentials"]
        refused("AccessDeniedException", with_session(server, "glue", plain).get_databases)
        bad = {"https://aws.amazon.com/tags": {"principal_tags": {"team": ["bees", "wasps"]}}}
        no(sts, "InvalidIdentityToken", arn, issuer.token(**bad))
    with iam_role(iam, trusting(issuer)) as arn:  # no sts:TagSession
        no(sts, "AccessDenied", arn, issuer.token(**tags))


def test_botocores_own_provider(server, issuer, role, tmp_path):
    """AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN, nothing else, as in a pod or a build job."""
    file = tmp_path / "token"
    file.write_text(issuer.token())
    endpoint = f"http://127.0.0.1:{server.http_port}"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")} | {
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(file), "AWS_ROLE_ARN": role, "AWS_ROLE_SESSION_NAME": "pod", "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL_STS": endpoint, "AWS_ENDPOINT_URL_GLUE": endpoint, "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    program = ("import boto3, json; print(json.dumps([boto3.client('sts').get_caller_identity()['Arn'], boto3.client('glue').get_databases()['DatabaseList']]))")
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [f"arn:aws:sts::{ACCOUNT}:assumed-role/{role.rpartition('/')[2]}/pod", []]


# Forged and unfit tokens.

def changed(token, **claims):
    header, payload, signature = token.split(".")
    import base64
    old = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return f"{header}.{b64(old | claims)}.{signature}"


def test_unsigned_and_wrongly_signed_tokens(sts, issuer, role):
    claims, first, second = issuer.claims(), issuer.keys[0], issuer.keys[1]
    stranger, elliptic = Key("one"), Key("two", elliptic=True)
    payload = b64(claims)
    forged = {
        "none": b64({"alg": "none"}) + f".{payload}.",
        "None with kid": b64({"alg": "None", "kid": "one"}) + f".{payload}.",
        "none with a signature": first.token(claims, alg="none"),
        "no alg": b64({"kid": "one"}) + f".{payload}." + b64(b"x" * 256),
        "HMAC with the public key": hmac_token(first.pem(), claims, kid="one"),
        "HMAC with the modulus": hmac_token(first.jwk()["n"].encode(), claims, kid="one"),
        "HMAC with nothing": hmac_token(b"", claims, kid="one"),
        "another key of the same name": stranger.token(claims),
        "another curve key": elliptic.token(claims),
        "changed subject": changed(issuer.token(), sub="root"),
        "changed expiry": changed(issuer.token(exp=int(time.time()) - 1000), exp=int(time.time()) + 1000),
        "RSA key as ES256": first.token(claims, alg="ES256"),
        "EC key as RS256": second.token(claims, alg="RS256"),
        "the other's kid": first.token(claims, kid="two"),
        "key in the header": stranger.token(claims, jwk=stranger.jwk(), kid="new"),
        "key by URL": stranger.token(claims, jku="http://127.0.0.1:1/keys", kid="new"),
        "certificate in the header": stranger.token(claims, x5c=["MIIB"]),
        "critical header": first.token(claims, crit=["exp"]),
        "ECDSA of zeros": b64({"alg": "ES256", "kid": "two"}) + f".{payload}." + b64(bytes(64)),
        "ECDSA in DER": b64({"alg": "ES256", "kid": "two"}) + f".{payload}." + b64(bytes([0x30, 6, 2, 1, 1, 2, 1, 1])),
        "truncated signature": issuer.token()[:-4],
        "no signature": issuer.token().rsplit(".", 1)[0] + ".",
        "unknown kid": first.token(claims, kid="../../../etc/passwd"),
        "RS1": first.token(claims, alg="RS1"),
    }
    for what, token in forged.items():
        message = no(sts, "InvalidIdentityToken", role, token)
        assert message, what
    assert assume(sts, role, issuer.token())["Credentials"]


def test_what_is_no_token(sts, role):
    for text in ("abcd", "a.b.c", "....", "a" * 20000, "e30.e30.e30", "e30.W10.", "\u00e9\u00e9\u00e9\u00e9", b64(b"[" * 5000) + ".e30.e30"):
        no(sts, "InvalidIdentityToken", role, text)
    no(sts, "ValidationError", role, "a" * 20001)


def test_claims_that_do_not_fit(sts, issuer, role):
    now = int(time.time())
    for code, claims in [
            ("ExpiredTokenException", {"exp": now - 3600, "iat": now - 7200}), ("ExpiredTokenException", {"exp": 0}),
            ("IDPRejectedClaim", {"nbf": now + 3600}), ("IDPRejectedClaim", {"iat": now + 3600}), ("IDPRejectedClaim", {"nbf": "soon"}),
            ("InvalidIdentityToken", {"exp": None}), ("InvalidIdentityToken", {"iat": None}), ("InvalidIdentityToken", {"sub": None}),
            ("InvalidIdentityToken", {"aud": None}), ("InvalidIdentityToken", {"aud": []}), ("InvalidIdentityToken", {"exp": str(now + 60)}),
            ("InvalidIdentityToken", {"exp": 1e300}), ("InvalidIdentityToken", {"aud": "somebody-else"}), ("InvalidIdentityToken", {"sub": ""}),
            ("InvalidIdentityToken", {"aud": [AUDIENCE, "somebody-else"]}), ("InvalidIdentityToken", {"azp": "somebody-else"}),
            ("InvalidIdentityToken", {"azp": 7}), ("InvalidIdentityToken", {"iss": None}), ("InvalidIdentityToken", {"iss": "https://other.example.com"}),
            ("InvalidIdentityToken", {"iss": issuer.url + "/deeper"}), ("InvalidIdentityToken", {"iss": "http://127.0.0.1/"}),
            ("InvalidIdentityToken", {"iss": [issuer.url]}), ("InvalidIdentityToken", {"sub": ["a"]})]:
        assert no(sts, code, role, issuer.token(**claims)), claims


def test_a_claim_that_is_there_twice(sts, issuer, role):
    """Who reads the first and who reads the last must not be told different things."""
    key, claims = issuer.keys[0], issuer.claims()
    payload = json.dumps(claims)[:-1] + ', "sub": "root"}'
    text = b64({"alg": "RS256", "kid": "one"}) + "." + b64(payload.encode())
    no(sts, "InvalidIdentityToken", role, text + "." + b64(key.sign(text.encode())))


def test_azp_counts_where_it_is(sts, issuer, role):
    assert assume(sts, role, issuer.token(azp=AUDIENCE, aud="an-api"))["Audience"] == AUDIENCE


def test_roles_that_do_not_trust_the_issuer(sts, iam, issuer, role):
    token = issuer.token()
    for document in (trust({"AWS": ACCOUNT}), trust({"AWS": "*"}, None, "sts:*"), trust("*", None, "sts:*"),
                     trust({"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/other.example.com"}, None, "sts:AssumeRoleWithWebIdentity"),
                     trusting(issuer, "sts:AssumeRole")):
        with iam_role(iam, document) as arn:
            no(sts, "AccessDenied", arn, token)
    no(sts, "AccessDenied", f"arn:aws:iam::{ACCOUNT}:role/nobody", token)
    # Another account does not know the issuer.
    no(sts, "InvalidIdentityToken", "arn:aws:iam::210987654321:role/any", token)


def test_a_role_that_trusts_an_issuer_is_not_assumed_by_users(server, iam, issuer, role):
    with iam_user(server, iam, allow("sts:*")) as user:
        refused("AccessDenied", server.client("sts", user).assume_role, RoleArn=role, RoleSessionName="ss")


def test_an_issuer_whose_document_is_anothers(tmp_path, own_server):
    liar = Issuer(tmp_path)
    liar.says_issuer = "https://somebody.example.com"
    one = own_server(start=False)
    one.more_config = f'[[oidc_provider]]\nissuer = "{liar.url}"\nclient_ids = ["{AUDIENCE}"]\nca_file = "{liar.ca_file}"\n'
    one.write_config()
    one.start()
    try:
        iam = one.client("iam", one.add_user("owner", superuser=True, access_key=True))
        sts = one.client("sts", one.admin, config=botocore.config.Config(signature_version=botocore.UNSIGNED, retries={"total_max_attempts": 1}))
        with iam_role(iam, trusting(liar)) as arn:
            no(sts, "InvalidIdentityToken", arn, liar.token())
    finally:
        liar.stop()


def test_forged_key_names_do_not_make_the_gateway_ask_again_and_again(sts, issuer, role):
    assume(sts, role, issuer.token())
    before = len(issuer.requests)
    for i in range(20):
        no(sts, "InvalidIdentityToken", role, issuer.keys[0].token(issuer.claims(), kid=f"k{i}"))
    assert len(issuer.requests) - before <= 2  # discovery and keys, once


def test_an_issuer_that_is_down(tmp_path, own_server):
    down = Issuer(tmp_path)
    down.broken = True
    one = own_server(start=False)
    one.more_config = f'[[oidc_provider]]\nissuer = "{down.url}"\nclient_ids = ["{AUDIENCE}"]\nca_file = "{down.ca_file}"\n'
    one.write_config()
    one.start()
    try:
        iam = one.client("iam", one.add_user("owner", superuser=True, access_key=True))
        sts = one.client("sts", one.admin, config=botocore.config.Config(signature_version=botocore.UNSIGNED, retries={"total_max_attempts": 1}))
        with iam_role(iam, trusting(down)) as arn:
            no(sts, "IDPCommunicationError", arn, down.token())
    finally:
        down.stop()


def test_providers_made_by_the_api_are_not_asked_for_at_this_machine(sts, iam, issuer):
    """An issuer that an account's user names must not make the gateway knock at its own doors."""
    port = issuer.server.server_port
    arn = iam.create_open_id_connect_provider(Url=f"https://localhost:{port}/realm", ClientIDList=[AUDIENCE])["OpenIDConnectProviderArn"]
    before = len(issuer.requests)
    try:
        with iam_role(iam, trust({"Federated": arn}, None, "sts:AssumeRoleWithWebIdentity")) as role:
            no(sts, "IDPCommunicationError", role, issuer.token(iss=f"https://localhost:{port}/realm"))
    finally:
        iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert len(issuer.requests) == before


# Providers in IAM.

def test_a_provider_comes_back_as_it_was_made(iam):
    made = iam.create_open_id_connect_provider(Url="https://login.example.com/realm/", ClientIDList=["a", "b"], ThumbprintList=["0" * 40],
                                               Tags=[{"Key": "team", "Value": "bees"}])
    arn = made["OpenIDConnectProviderArn"]
    assert arn == f"arn:aws:iam::{ACCOUNT}:oidc-provider/login.example.com/realm" and made["Tags"] == [{"Key": "team", "Value": "bees"}]
    named = {"OpenIDConnectProviderArn": arn}
    try:
        refused("EntityAlreadyExists", iam.create_open_id_connect_provider, Url="https://login.example.com/realm")
        found = iam.get_open_id_connect_provider(**named)
        assert found["Url"] == "login.example.com/realm" and found["ClientIDList"] == ["a", "b"] and found["ThumbprintList"] == ["0" * 40]
        assert arn in [p["Arn"] for p in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]]
        iam.add_client_id_to_open_id_connect_provider(**named, ClientID="c")
        iam.add_client_id_to_open_id_connect_provider(**named, ClientID="c")
        iam.remove_client_id_from_open_id_connect_provider(**named, ClientID="a")
        iam.update_open_id_connect_provider_thumbprint(**named, ThumbprintList=["f" * 40, "e" * 40])
        iam.tag_open_id_connect_provider(**named, Tags=[{"Key": "team", "Value": "wasps"}, {"Key": "x", "Value": ""}])
        iam.untag_open_id_connect_provider(**named, TagKeys=["x"])
        found = iam.get_open_id_connect_provider(**named)
        assert found["ClientIDList"] == ["b", "c"] and found["ThumbprintList"] == ["f" * 40, "e" * 40]
        assert found["Tags"] == iam.list_open_id_connect_provider_tags(**named)["Tags"] == [{"Key": "team", "Value": "wasps"}]
    finally:
        iam.delete_open_id_connect_provider(**named)
    iam.delete_open_id_connect_provider(**named)  # one that is gone is no error
    refused("NoSuchEntity", iam.get_open_id_connect_provider, **named)


def test_malformed_providers_are_refused(iam):
    create = iam.create_open_id_connect_provider
    for url in ("http://login.example.com", "https://", "https://user@login.example.com", "https://login.example.com/?a=b", "https://a b/", "login.example.com"):
        refused("ValidationError", create, Url=url)
    refused("ValidationError", create, Url="https://x.example.com", ThumbprintList=["z" * 40])
    refused("LimitExceeded", create, Url="https://x.example.com", ClientIDList=[str(i) for i in range(101)])
    refused("InvalidInput", iam.get_open_id_connect_provider, OpenIDConnectProviderArn=f"arn:aws:iam::{ACCOUNT}:role/any")
    refused("NoSuchEntity", iam.get_open_id_connect_provider,
            OpenIDConnectProviderArn=f"arn:aws:iam::{ACCOUNT}:oidc-provider/none.example.com")


def test_who_may_not_touch_providers(server, iam):
    arn = f"arn:aws:iam::{ACCOUNT}:oidc-provider/none.example.com"
    with iam_user(server, iam, allow("iam:ListOpenIDConnectProviders")) as user:
        own = server.client("iam", user)
        assert own.list_open_id_connect_providers()["OpenIDConnectProviderList"]
        refused("AccessDenied", own.create_open_id_connect_provider, Url="https://none.example.com")
        refused("AccessDenied", own.get_open_id_connect_provider, OpenIDConnectProviderArn=arn)
        refused("AccessDenied", own.delete_open_id_connect_provider, OpenIDConnectProviderArn=arn)
