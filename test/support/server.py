"""One Skep of its own: its data directory, its configuration, its gateway process, its users."""

import dataclasses
import json
import os
import pathlib
import re
import signal
import subprocess

import boto3
import botocore.config
import psycopg

from support.object_store import REGION, ObjectStore
from support.process import Child, children_of, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SKEP_BUILD") or ROOT / "build/dev")
SKEP = BUILD / "bin/skep"
ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/lake"
# A role that exists but does not trust the workspace, and one of an account without keys.
READING_ROLE = f"arn:aws:iam::{ACCOUNT}:role/reader"
UNTRUSTING_ROLE = f"arn:aws:iam::{ACCOUNT}:role/private"
UNKNOWN_ROLE = "arn:aws:iam::999999999999:role/nobody"
# What a sanitizer prints; any of these in a log is a defect.
SANITIZER_REPORT = re.compile(r"ERROR: (Address|Leak|Thread)Sanitizer|runtime error:|SUMMARY: \w+Sanitizer|terminate called")

SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "abort_on_error=1:detect_leaks=0:allocator_may_return_null=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
}


@dataclasses.dataclass(frozen=True)
class User:
    name: str
    password: str
    access_key: str = ""
    secret_key: str = ""


def run_skep(*arguments: str, data_dir: pathlib.Path | None = None, text_in: str | None = None, check: bool = True,
             seconds: float = 60) -> subprocess.CompletedProcess:
    """Runs a verb of the binary to its end."""
    command = [str(SKEP), *arguments]
    if data_dir:
        command += ["--data-dir", str(data_dir)]
    done = subprocess.run(command, input=text_in, capture_output=True, text=True, timeout=seconds,
                          stdin=subprocess.DEVNULL if text_in is None else None,
                          env={**os.environ, **SANITIZER_OPTIONS})
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done


class Server:
    def __init__(self, folder: pathlib.Path, lake: ObjectStore | None = None, settings: dict[str, str] | None = None):
        self.folder = folder
        self.data = folder / "data"
        self.lake = lake
        self.settings = settings or {}
        self.more_config = ""  # appended to skep.toml
        self.child: Child | None = None
        self.pgwire_port = self.http_port = 0
        self.admin = User("", "")
        self._starts = 0

    # Life.

    def init(self) -> "Server":
        self.folder.mkdir(parents=True, exist_ok=True)
        run_skep("init", data_dir=self.data)
        admin = json.loads((self.data / "admin.json").read_text())
        self.admin = User(admin["user"], admin["password"])
        self.write_config()
        return self

    def write_config(self) -> None:
        lines = []
        if self.lake:
            lines += [
                "[[account]]", f'id = "{ACCOUNT}"', f'access_key = "{self.lake.access_key}"',
                f'secret_key = "{self.lake.secret_key}"', f'endpoint = "{self.lake.endpoint}"', f'region = "{REGION}"', "",
                "[[role]]", f'arn = "{ROLE}"', 'trust = ["workspace:default", "service:glue"]', 'catalog = "write"', 'objects = "write"', "",
                "[[role]]", f'arn = "{READING_ROLE}"', 'trust = ["workspace:default"]', "",
                "[[role]]", f'arn = "{UNTRUSTING_ROLE}"', 'trust = ["workspace:somebody-else"]', "",
            ]
        (self.folder / "skep.toml").write_text("\n".join(lines) + "\n" + self.more_config)

    def start(self, environment: dict[str, str] | None = None) -> "Server":
        self._starts += 1
        run_file = self.data / "run.json"
        run_file.unlink(missing_ok=True)
        flags = {"pgwire-host": "127.0.0.1", "pgwire-port": "0", "http-host": "127.0.0.1", "http-port": "0",
                 "log-level": "debug", **self.settings}
        command = [str(SKEP), "serve", "--data-dir", str(self.data), "--config", str(self.folder / "skep.toml")]
        command += [f"--{name}={value}" for name, value in flags.items()]
        self.child = Child(command, self.folder / f"serve-{self._starts}.log", {**SANITIZER_OPTIONS, **(environment or {})})

        def ready():
            if not self.child.alive():
                raise AssertionError(f"skep serve ended with {self.child.process.returncode}:\n" + self.child.output()[-6000:])
            try:
                return json.loads(run_file.read_text())
            except (OSError, ValueError):
                return None

        ports = wait_until("skep serve being ready", ready, 60)
        self.pgwire_port, self.http_port = ports["pgwire"]["port"], ports["http"]["port"]
        return self

    def stop(self) -> None:
        """Ends the server as an operator does and asserts that it drained, left no worker behind and no sanitizer spoke."""
        if not self.child:
            return
        child, self.child = self.child, None
        family = children_of(child.pid)
        code = child.stop(signal.SIGTERM, 45)
        output = child.output()
        assert not SANITIZER_REPORT.search(output), f"a sanitizer reported:\n{sanitizer_lines(output)}"
        assert code == 0, f"skep serve ended with {code}:\n{output[-6000:]}"
        wait_until("all workers ending", lambda: not any(pathlib.Path(f"/proc/{p}/exe").exists() for p in family), 10)

    def kill(self) -> None:
        """Ends the gateway as a power cut does; its workers must follow by themselves."""
        family = children_of(self.child.pid)
        self.child.process.kill()
        self.child.process.wait()
        self.child = None
        wait_until("workers following their gateway", lambda: not any(pathlib.Path(f"/proc/{p}/exe").exists() for p in family), 10)

    @property
    def pid(self) -> int:
        return self.child.pid

    def log(self) -> str:
        return self.child.output()

    def workers(self) -> list[int]:
        """Process ids of the running workers that are bound or waiting to be (not the fork server itself)."""
        servers = [p for p in children_of(self.pid) if parent_of(p) == self.pid]
        return [w for s in servers for w in children_of(s)]

    # Users.

    def add_user(self, name: str, *, superuser: bool = False, access_key: bool = False, password: str = "") -> User:
        arguments = ["user", "add", name, "--output", "json"]
        if superuser:
            arguments.append("--superuser")
        if access_key:
            arguments.append("--access-key")
        if password:
            arguments.append("--password-stdin")
        made = json.loads(run_skep(*arguments, data_dir=self.data, text_in=password or None).stdout)
        return User(name, password or made["password"], made.get("access_key_id", ""), made.get("secret_access_key", ""))

    # Ways in.

    @property
    def ca_file(self) -> pathlib.Path:
        return self.data / "tls/server.crt"

    def dsn(self, user: User | None = None, database: str = "dev", **more) -> str:
        user = user or self.admin
        return psycopg.conninfo.make_conninfo(
            **{"host": "127.0.0.1", "port": self.pgwire_port, "user": user.name, "password": user.password, "dbname": database,
               "sslmode": "disable", "connect_timeout": 30, **more})

    def connect(self, user: User | None = None, database: str = "dev", *, autocommit: bool = True, **more) -> psycopg.Connection:
        return psycopg.connect(self.dsn(user, database, **more), autocommit=autocommit)

    def environment(self, user: User) -> dict[str, str]:
        """What a user sets so that the AWS CLI and SDKs talk to this server."""
        endpoint = f"http://127.0.0.1:{self.http_port}"
        return {
            "AWS_ACCESS_KEY_ID": user.access_key, "AWS_SECRET_ACCESS_KEY": user.secret_key, "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL_REDSHIFT_DATA": endpoint, "AWS_ENDPOINT_URL_GLUE": endpoint,
            "AWS_ENDPOINT_URL_STS": endpoint, "AWS_ENDPOINT_URL_IAM": endpoint, "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_PAGER": "",
        }

    def client(self, service: str, user: User, **more):
        return boto3.client(
            service, endpoint_url=f"http://127.0.0.1:{self.http_port}",
            **{"region_name": REGION, "aws_access_key_id": user.access_key, "aws_secret_access_key": user.secret_key,
               "config": botocore.config.Config(retries={"total_max_attempts": 1}, read_timeout=60), **more})


def parent_of(pid: int) -> int:
    """0 when there is no such process any more."""
    try:
        return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return 0


def sanitizer_lines(output: str) -> str:
    lines = output.splitlines()
    at = next(i for i, line in enumerate(lines) if SANITIZER_REPORT.search(line))
    return "\n".join(lines[max(0, at - 3):at + 60])
