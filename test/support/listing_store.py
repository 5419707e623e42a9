"""An S3 server that is nothing but a long listing: as many keys as asked for, every object the same few bytes. Checks no signature."""

import bisect
import hashlib
import http.server
import threading
import urllib.parse


class ListingStore:
    access_key, secret_key = "LISTINGKEY0000000001", "listing/secret"

    def __init__(self, keys: list[str], content: bytes):
        self.keys, self.content, self.pages, self.reads = sorted(keys), content, 0, 0
        etag = hashlib.md5(content).hexdigest()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
                if "list-type" in query:
                    return self.answer(200, outer.page(query.get("prefix", ""), query.get("continuation-token", ""), etag))
                outer.reads += 1
                first, _, last = self.headers.get("Range", f"bytes=0-{len(content) - 1}")[6:].partition("-")
                part = content[int(first):int(last or len(content) - 1) + 1]
                self.answer(206, part, {"Content-Range": f"bytes {first}-{int(first) + len(part) - 1}/{len(content)}"})

            def answer(self, status, body, headers=None):
                self.send_response_only(status)
                for name, value in {"ETag": f'"{etag}"', "Content-Length": str(len(body)), **(headers or {})}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def page(self, prefix: str, after: str, etag: str) -> bytes:
        self.pages += 1
        at = bisect.bisect_right(self.keys, after) if after else bisect.bisect_left(self.keys, prefix)
        found = [k for k in self.keys[at:at + 1000] if k.startswith(prefix)]
        more = at + 1000 < len(self.keys) and len(found) == 1000
        entries = "".join(
            f"<Contents><Key>{k}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>\"{etag}\"</ETag>"
            f"<Size>{len(self.content)}</Size></Contents>" for k in found)
        token = f"<NextContinuationToken>{found[-1]}</NextContinuationToken>" if more else ""
        return (f'<?xml version="1.0"?><ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>{token}{entries}'
                "</ListBucketResult>").encode()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
