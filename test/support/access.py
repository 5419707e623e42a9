"""Signed calls of SkepAccess, the API that no SDK knows."""

import json
import urllib.error
import urllib.request

import botocore.auth
import botocore.awsrequest
import botocore.credentials

from support.object_store import REGION


def call_access(server, user, body, operation="ExplainAccess"):
    """(status, answer)."""
    request = botocore.awsrequest.AWSRequest("POST", f"http://127.0.0.1:{server.http_port}/", data=json.dumps(body).encode(), headers={
        "X-Amz-Target": f"SkepAccess.{operation}", "Content-Type": "application/x-amz-json-1.1"})
    botocore.auth.SigV4Auth(botocore.credentials.Credentials(user.access_key, user.secret_key), "skep-access", REGION).add_auth(request)
    try:
        with urllib.request.urlopen(urllib.request.Request(request.url, data=request.body, headers=dict(request.headers), method="POST"), timeout=120) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as refused_answer:
        return refused_answer.code, json.loads(refused_answer.read())
