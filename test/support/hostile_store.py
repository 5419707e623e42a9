"""A store of a test's own making: it speaks as much S3 as a reader needs, keeps what it was asked, and answers what the test says."""

import hashlib
import threading
import urllib.parse
import xml.sax.saxutils

from support.http_server import Handler, HttpServer


class HostileStore(HttpServer):
    """Objects in memory, by bucket and key. `answer(method, bucket, key, query, headers)` may take over: it answers None (go on) or
    (status, headers, bytes or an iterator of bytes)."""

    access_key, secret_key = "HOSTILEKEY0000000001", "hostile/secret+key=of/an/organization"

    def __init__(self):
        self.objects: dict[tuple[str, str], bytes] = {}
        self.asked: list[tuple[str, str, str, str]] = []  # (method, bucket, key, prefix of a listing)
        self.signatures: list[str] = []
        self.answer = None
        self.released = threading.Event()
        outer = self

        class Answering(Handler):
            def handle_any(self):
                self.body()
                path, _, query = self.path.partition("?")
                bucket, _, key = urllib.parse.unquote(path).lstrip("/").partition("/")
                query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
                outer.asked.append((self.command, bucket, key, query.get("prefix", "")))
                outer.signatures.append(self.headers.get("Authorization", "").rpartition("Signature=")[2])
                made = outer.answer and outer.answer(self.command, bucket, key, query, self.headers)
                try:
                    self.reply(*(made or outer.serve(self.command, bucket, key, query, self.headers)))
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any

            def reply(self, status, headers, body):
                self.send_response_only(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if isinstance(body, bytes) and "Content-Length" not in headers:
                    self.send_header("Content-Length", str(len(body)))
                if not isinstance(body, bytes) or "Content-Length" in headers:
                    self.close_connection = True
                    self.send_header("Connection", "close")
                self.end_headers()
                if self.command != "HEAD":
                    for piece in [body] if isinstance(body, bytes) else body:
                        self.wfile.write(piece)

        super().__init__(Answering)

    def put(self, bucket: str, key: str, body: bytes | str) -> None:
        self.objects[bucket, key] = body.encode() if isinstance(body, str) else body

    def serve(self, method, bucket, key, query, headers):
        """What an honest store answers."""
        if "list-type" in query:
            return self.listing(bucket, query["prefix"])
        body = self.objects.get((bucket, key))
        if body is None:
            known = any(b == bucket for b, _ in self.objects)
            return 404, {}, f"<Error><Code>{'NoSuchKey' if known else 'NoSuchBucket'}</Code><Message>made by a test</Message></Error>".encode()
        etag = '"' + hashlib.md5(body).hexdigest() + '"'
        if headers.get("If-Match", etag) != etag:
            return 412, {}, b""
        if method == "HEAD":
            return 200, {"ETag": etag, "Content-Length": str(len(body))}, b""
        if "Range" not in headers:
            return 200, {"ETag": etag}, body
        first, last = (int(n) for n in headers["Range"].removeprefix("bytes=").split("-"))
        part = body[first:last + 1]
        return 206, {"ETag": etag, "Content-Range": f"bytes {first}-{first + len(part) - 1}/{len(body)}"}, part

    def listing(self, bucket, prefix):
        found = [(k, body) for (b, k), body in sorted(self.objects.items()) if b == bucket and k.startswith(prefix)]
        if not any(b == bucket for b, _ in self.objects):
            return 404, {}, b"<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message></Error>"
        return 200, {}, list_page((k, hashlib.md5(body).hexdigest(), len(body)) for k, body in found)

    def stop(self):
        self.released.set()
        super().stop()


def list_page(objects, token: str = "") -> bytes:
    """One page of a listing: (key, ETag, size) each; with a token, there is more."""
    rows = "".join(f'<Contents><Key>{xml.sax.saxutils.escape(urllib.parse.quote(k, safe="/"))}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>'
                   f'<ETag>"{etag}"</ETag><Size>{size}</Size></Contents>' for k, etag, size in objects)
    more = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{token}</NextContinuationToken>" if token else "<IsTruncated>false</IsTruncated>"
    return f"<ListBucketResult><EncodingType>url</EncodingType>{more}{rows}</ListBucketResult>".encode()
