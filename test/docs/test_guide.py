"""Runs the examples of docs/guide.md and README.md. A fenced block marked `sql` is run over the port; what follows it in a block
marked `text` must be what psql prints. A block marked `python` is run with the environment that the guide tells its reader to set.
The guide's PostgreSQL server, orders.example.com, is one that runs here."""

import os
import re
import subprocess

import pytest

from support import postgres
from support.process import free_port
from support.server import ACCOUNT, ROOT

SECRET = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:orders"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(name):
    return BLOCK.findall((ROOT / name).read_text())


@pytest.fixture(scope="module")
def shop():
    """The port of a PostgreSQL with the guide's database."""
    if postgres.missing():
        pytest.skip(postgres.missing())
    with postgres.postgres("password-of-the-guide") as port:
        def run(sql, database="postgres"):
            subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database], input=sql, check=True, text=True, env={
                **os.environ, "PGHOST": "127.0.0.1", "PGPORT": str(port), "PGUSER": postgres.USER, "PGPASSWORD": "password-of-the-guide"})
        run("create database shop")
        run("create table bookings (id int, carrier varchar(2), day date, price numeric(8,2)); insert into bookings values "
            "(1, 'DL', '2026-02-01', 180.5), (2, 'AA', '2026-02-02', 120), (3, 'WN', '2026-02-01', 99)", "shop")
        yield port


@pytest.fixture(scope="module")
def demo_server(tmp_path_factory, demo_data, shop):
    """A server beside an S3 server with the demo's bucket, as `make demo` leaves it before the crawl."""
    from support import object_store
    from support.server import Server
    if object_store.missing():
        pytest.skip(object_store.missing())
    lake = object_store.ObjectStore(tmp_path_factory.mktemp("guide-s3")).start()
    lake.client().create_bucket(Bucket="lake")
    for name in ("airports", "weather", "earthquakes", "flights"):
        lake.put_folder("lake", f"{name}/", demo_data / name)
    server = Server(tmp_path_factory.mktemp("guide"), lake, {"http-port": str(free_port())})
    server.more_config = f'[[event_source]]\nname = "lake"\naccount = "{ACCOUNT}"\nsecret = "secret-of-the-guide"\nbuckets = ["lake"]\n' + \
        f'[[federated_host]]\nname = "127.0.0.1"\nport = {shop}\nsslmode = "prefer"\n' \
        f'[[secret]]\narn = "{SECRET}"\nusername = "{postgres.USER}"\npassword = "password-of-the-guide"\nhost = "127.0.0.1"\n' \
        f'[[role]]\narn = "arn:aws:iam::{ACCOUNT}:role/orders"\ntrust = ["workspace:default"]\nsecrets = ["{SECRET}"]\n'
    server.init().start()
    lake.stop()
    lake.webhook = f"http://127.0.0.1:{server.http_port}/events/lake?token=secret-of-the-guide"
    lake.start()
    yield server
    server.stop()
    lake.stop()


def test_the_guides_examples_are_true(demo_server, shop):
    user = demo_server.add_user("analyst", superuser=True, access_key=True)
    environment = {**os.environ, **demo_server.environment(user), "PGHOST": "127.0.0.1", "PGPORT": str(demo_server.pgwire_port),
                   "LAKE_ENDPOINT": demo_server.lake.endpoint, "LAKE_ACCESS_KEY": demo_server.lake.access_key,
                   "LAKE_SECRET_KEY": demo_server.lake.secret_key, "PGUSER": demo_server.admin.name, "PGPASSWORD": demo_server.admin.password, "PGDATABASE": "dev"}
    answer, ran = "", 0
    for language, text in blocks("docs/guide.md"):
        text = text.replace("'orders.example.com' port 5432", f"'127.0.0.1' port {shop}")
        if language == "sql":
            done = subprocess.run(["psql", "-X", "-v", "ON_ERROR_STOP=1"], input=text, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, f"{text}\n{done.stderr}"
            answer, ran = done.stdout, ran + 1
        elif language == "text":
            assert answer.strip() == text.strip()
        elif language == "python":
            done = subprocess.run([str(ROOT / ".venv/bin/python"), "-c", text], env=environment, capture_output=True, text=True)
            assert done.returncode == 0, f"{text}\n{done.stderr}"
            answer, ran = done.stdout, ran + 1
    assert ran >= 5


def test_every_make_target_in_the_documents_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for name in ("README.md", "CONTRIBUTING.md", "docs/guide.md", "docs/operations.md"):
        named = set(re.findall(r"(?:^|`|\$ )make ([a-z-]+)", (ROOT / name).read_text(), re.MULTILINE))
        assert named <= targets, f"{name}: {named - targets}"


def test_every_row_of_the_compatibility_tables_names_an_existing_test():
    missing = []
    for page in sorted((ROOT / "docs/compatibility").glob("*.md")):
        named = re.findall(r"`(test/[\w/.-]+?)(?:::(\w+))?`", page.read_text())
        assert named, f"{page.name} names no test"
        for file, function in named:
            path = ROOT / file
            if not path.exists() or (function and not re.search(rf"def {function}\b", path.read_text())):
                missing.append(f"{page.name}: {file}::{function}")
    assert not missing
