"""An S3 server of a foreign side that knows the sessions of that side's STS: it proves each request's signature and token, asks a test what the
session's role may, and hands the request on with the keys of the real store."""

import base64
import hashlib
import http.client
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials

from support.http_server import Handler, HttpServer
from support.identity import hmac_sha256, open_token, session_key
from support.object_store import REGION


class SessionStore(HttpServer):
    """`may(role, method, path)` decides; `seen` are the access key ids that were taken, `refused` the reasons of refusals."""

    def __init__(self, store, server):
        self.store, self.gateway = store, server
        self.may = lambda role, method, path: True
        self.seen, self.refused, self.requests = set(), [], []
        outer = self

        class Answering(Handler):
            def handle_any(self):
                body = self.body()
                outer.requests.append((self.command, self.path))
                reason = outer.check(self, body)
                if reason:
                    outer.refused.append(reason)
                    return self.reply(403, {}, f"<Error><Code>AccessDenied</Code><Message>{reason}</Message></Error>".encode())
                status, headers, content = outer.hand_on(self, body)
                return self.reply(status, headers, content)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any

        super().__init__(Answering)

    def check(self, request, body) -> str:
        """Why a request is refused; empty when it is not."""
        token = request.headers.get("x-amz-security-token")
        if not token:
            return "no session token"
        key_id, day, region, service, _ = request.headers["authorization"].split("Credential=")[1].split(",")[0].split("/")
        key, claims = session_key(self.gateway), open_token(token)
        payload = base64.b64decode(token)[33:]
        if base64.b64decode(token)[1:33] != hmac_sha256(hmac_sha256(key, b"session token"), payload) or claims["k"] != key_id:
            return "forged token"
        secret = base64.b64encode(hmac_sha256(hmac_sha256(key, b"session secret"), key_id.encode())[:30]).decode()
        signed = request.headers["authorization"].split("SignedHeaders=")[1].split(",")[0]
        path, _, query = request.path.partition("?")
        body_hash = hashlib.sha256(body).hexdigest()
        canonical = "\n".join([request.command, path, query, *(f"{h}:{request.headers[h]}" for h in signed.split(";")), "", signed, body_hash])
        to_sign = "\n".join(["AWS4-HMAC-SHA256", request.headers["x-amz-date"], f"{day}/{region}/{service}/aws4_request",
                             hashlib.sha256(canonical.encode()).hexdigest()])
        signing = b"AWS4" + secret.encode()
        for part in (day, region, service, "aws4_request"):
            signing = hmac_sha256(signing, part.encode())
        if not request.headers["authorization"].endswith("Signature=" + hmac_sha256(signing, to_sign.encode()).hex()):
            return "wrong signature"
        self.seen.add(key_id)
        return "" if self.may(claims["n"], request.command, urllib.parse.unquote(path)) else "the bucket says no"

    def hand_on(self, request, body):
        mine = botocore.awsrequest.AWSRequest(request.command, f"http://127.0.0.1:{self.store.port}{request.path}", data=body)
        for name, value in request.headers.items():
            if name.lower() in ("range", "if-match", "content-type", "content-md5") or name.lower().startswith("x-amz-copy"):
                mine.headers[name] = value
        credentials = botocore.credentials.Credentials(self.store.access_key, self.store.secret_key)
        botocore.auth.S3SigV4Auth(credentials, "s3", REGION).add_auth(mine)
        prepared = mine.prepare()
        upstream = http.client.HTTPConnection("127.0.0.1", self.store.port, timeout=60)
        try:
            upstream.request(request.command, request.path, body or None, {k: v if isinstance(v, str) else v.decode() for k, v in prepared.headers.items()})
            answer = upstream.getresponse()
            content = answer.read()
            headers = {n: v for n, v in answer.getheaders() if n.lower() not in ("content-length", "transfer-encoding", "connection")}
            if request.command == "HEAD":
                headers["Content-Length"] = answer.getheader("Content-Length") or "0"
            return answer.status, headers, content
        finally:
            upstream.close()

    def stop(self):
        super().stop()
        self.store.stop()
