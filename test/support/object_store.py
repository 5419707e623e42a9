"""The S3 server of tests: versitygw on a folder, real files below, its own keys."""

import pathlib
import shutil

import boto3
import botocore.config

from support.process import Child, accepts, free_port, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = ROOT / ".deps/bin/versitygw"
REGION = "us-east-1"


def missing() -> str | None:
    """Why the S3 server cannot run here, or None."""
    if BINARY.exists() or shutil.which("versitygw"):
        return None
    return "versitygw is not installed; run tools/fetch_clients s3"


class ObjectStore:
    access_key, secret_key = "LAKEROOTKEY000000001", "lake/root+secret=key"

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        (folder / "buckets").mkdir(parents=True)
        self.port = free_port()
        self.webhook = ""  # where start() has events sent; must answer by then
        self.child: Child | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> "ObjectStore":
        binary = str(BINARY) if BINARY.exists() else shutil.which("versitygw")
        for _ in range(3):
            self.child = Child(
                [binary, "--port", f"127.0.0.1:{self.port}", *(["--event-webhook-url", self.webhook] if self.webhook else []),
                 "posix", str(self.folder / "buckets")], self.folder / "s3.log",
                {"ROOT_ACCESS_KEY": self.access_key, "ROOT_SECRET_KEY": self.secret_key})
            wait_until("the S3 server listening or ending", lambda: accepts(self.port) or not self.child.alive())
            if self.child.alive():
                return self
            self.port = free_port()
        raise AssertionError("the S3 server does not start:\n" + self.child.output())

    def stop(self) -> None:
        if self.child:
            self.child.stop()
            self.child = None

    def client(self):
        return boto3.client(
            "s3", endpoint_url=self.endpoint, region_name=REGION, aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key, config=botocore.config.Config(s3={"addressing_style": "path"}))

    def put(self, bucket: str, key: str, body: bytes | str) -> None:
        self.client().put_object(Bucket=bucket, Key=key, Body=body)

    def put_folder(self, bucket: str, prefix: str, folder: pathlib.Path) -> int:
        """Uploads every file below folder; answers how many."""
        client, count = self.client(), 0
        for file in sorted(p for p in folder.rglob("*") if p.is_file()):
            client.upload_file(str(file), bucket, f"{prefix}{file.relative_to(folder)}")
            count += 1
        return count
