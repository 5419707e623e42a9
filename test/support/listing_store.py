"""An S3 server that is nothing but a long listing: as many keys as asked for, every object the same few bytes. Checks no signature."""

import bisect
import hashlib
import urllib.parse

from support.http_server import Handler, HttpServer


class ListingStore(HttpServer):
    access_key, secret_key = "LISTINGKEY0000000001", "listing/secret"

    def __init__(self, keys: list[str], content: bytes):
        self.keys, self.content, self.pages, self.reads = sorted(keys), content, 0, 0
        etag = hashlib.md5(content).hexdigest()
        tag = {"ETag": f'"{etag}"'}
        outer = self

        class Answering(Handler):
            def do_GET(self):
                query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
                if "list-type" in query:
                    return self.reply(200, tag, outer.page(query.get("prefix", ""), query.get("continuation-token", ""), etag))
                outer.reads += 1
                first, _, last = self.headers.get("Range", f"bytes=0-{len(content) - 1}")[6:].partition("-")
                part = content[int(first):int(last or len(content) - 1) + 1]
                self.reply(206, {**tag, "Content-Range": f"bytes {first}-{int(first) + len(part) - 1}/{len(content)}"}, part)

        super().__init__(Answering)

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
