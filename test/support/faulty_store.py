"""A store between a server and its S3 server that hands everything on, but for objects whose reads a test wants to fail."""

import http.client
import threading

from support.http_server import Handler, HttpServer


class FaultyStore(HttpServer):
    """Same keys, another endpoint. `fault` is None or one of "403", "500", "truncate", "hang"; it befalls reads of objects, not listings.
    `write_fault` is None or (what, fault): what is "begin", "part" or "complete", of uploads in parts whose path holds `write_path`;
    "lose" does what is asked and loses the answer, once for each path.
    While `gate` is an event that is not set, reads of objects and uploads of parts wait for it; `waiting` are their paths so far."""

    def __init__(self, store):
        self.store, self.fault, self.faults = store, None, 0
        self.write_fault, self.write_path, self.lost = None, "", set()
        self.gate, self.waiting = None, []
        self.requests = []  # (method, path with query) of everything that was asked
        self.access_key, self.secret_key = store.access_key, store.secret_key
        self.released = threading.Event()
        outer = self

        class Answering(Handler):
            def handle_any(self):
                body = self.body()
                outer.requests.append((self.command, self.path))
                reads_object = self.command == "GET" and "list-type" not in self.path
                fault = outer.fault if reads_object else None
                step = ("part" if self.command == "PUT" and "partNumber=" in self.path else
                        "complete" if self.command == "POST" and "uploadId=" in self.path else
                        "begin" if self.command == "POST" and "uploads=" in self.path else None)
                if step and outer.write_fault and outer.write_fault[0] == step and outer.write_path in self.path:
                    fault = outer.write_fault[1]
                outer.faults += 1 if fault else 0
                if outer.gate and (reads_object or step == "part"):
                    outer.waiting.append(self.path)
                    outer.gate.wait(120)
                if fault in ("403", "500"):
                    code = "AccessDenied" if fault == "403" else "InternalError"
                    return self.reply(int(fault), {}, f"<Error><Code>{code}</Code><Message>made by a test</Message></Error>".encode())
                if fault == "hang":
                    outer.released.wait(120)
                    self.close_connection = True
                    return None
                upstream = http.client.HTTPConnection("127.0.0.1", outer.store.port, timeout=60)
                try:
                    upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                    for name, value in self.headers.items():
                        upstream.putheader(name, value)
                    upstream.endheaders(body or None)
                    answer = upstream.getresponse()
                    content = answer.read()
                    headers = {n: v for n, v in answer.getheaders() if n.lower() not in ("content-length", "transfer-encoding", "connection")}
                    if self.command == "HEAD":
                        headers["Content-Length"] = answer.getheader("Content-Length") or "0"
                finally:
                    upstream.close()
                if fault == "lose" and self.path not in outer.lost:  # done, but nobody hears of it
                    outer.lost.add(self.path)
                    self.close_connection = True
                    return None
                self.reply(answer.status, headers, content, truncate=fault == "truncate")

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any

        super().__init__(Answering)

    def stop(self):
        self.released.set()
        super().stop()
        self.store.stop()
