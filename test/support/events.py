"""A gateway that hears of objects at its webhook."""

import urllib.parse

import pytest

from support.object_store import ObjectStore, missing
from support.process import free_port
from support.server import ACCOUNT, Server


class Told:
    """A gateway and an S3 server; with `webhook` the S3 server tells the gateway of its objects. The source `narrow` tells of no bucket of theirs."""

    def __init__(self, folder, secret: str, bucket: str, webhook: bool = False, sweep: str = "0"):
        if reason := missing():
            pytest.skip(reason)
        port = free_port()
        self.lake = ObjectStore(folder / "s3").start()
        self.server = Server(folder / "skep", self.lake, {"http-port": str(port), "events-sweep-interval": sweep})
        self.server.more_config = "\n".join([
            "[[event_source]]", 'name = "lake"', f'account = "{ACCOUNT}"', f'secret = "{secret}"', "",
            "[[event_source]]", 'name = "narrow"', f'account = "{ACCOUNT}"', 'secret = "secret of another source"', 'buckets = ["else"]', ""])
        self.server.init().start()
        self.url = f"http://127.0.0.1:{port}/events/lake"
        if webhook:
            self.lake.stop()
            self.lake.webhook = f"{self.url}?token={urllib.parse.quote(secret)}"
            self.lake.start()
        self.lake.client().create_bucket(Bucket=bucket)

    def stop(self):
        try:
            self.server.stop()
        finally:
            self.lake.stop()
