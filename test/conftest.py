"""Fixtures that every test with a real client shares. One server and one S3 server serve a whole run; what breaks things takes its own."""

import itertools
import uuid

import pytest

from support import object_store
from support.object_store import ObjectStore
from support.process import wait_until
from support.server import ROLE, ROOT, SKEP, Server, User


def pytest_collection_modifyitems(items):
    if not SKEP.exists():
        for item in items:
            item.add_marker(pytest.mark.skip(reason=f"{SKEP} is not built; run make build"))


@pytest.fixture(scope="session")
def s3(tmp_path_factory):
    """A running S3 server."""
    reason = object_store.missing()
    if reason:
        pytest.skip(reason)
    store = ObjectStore(tmp_path_factory.mktemp("s3")).start()
    yield store
    store.stop()


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """The server that most tests share. At the end it must drain, leave no process and no sanitizer report."""
    lake = None
    if not object_store.missing():
        lake = ObjectStore(tmp_path_factory.mktemp("lake")).start()
    running = Server(tmp_path_factory.mktemp("skep"), lake).init().start()
    yield running
    try:
        running.stop()
    finally:
        if lake:
            lake.stop()


@pytest.fixture(scope="session")
def lake(server):
    """The S3 server that the shared server reads."""
    if not server.lake:
        pytest.skip(object_store.missing())
    return server.lake


@pytest.fixture(scope="session")
def api_user(server) -> User:
    """A superuser with an access key."""
    return server.add_user("api_user", superuser=True, access_key=True)


@pytest.fixture
def own_server(tmp_path):
    """Makes servers that a test may kill, starve or reconfigure: own_server(settings={...}, lake=True)."""
    made = []

    def make(settings: dict[str, str] | None = None, lake: bool = False, start: bool = True) -> Server:
        folder = tmp_path / f"skep{len(made)}"
        store = None
        if lake:
            reason = object_store.missing()
            if reason:
                pytest.skip(reason)
            store = ObjectStore(folder / "s3").start()
        one = Server(folder, store, settings)
        made.append(one)
        one.init()
        return one.start() if start else one

    yield make
    failures = []
    for one in made:
        try:
            one.stop()
        except AssertionError as failure:
            failures.append(failure)
        if one.lake:
            one.lake.stop()
    if failures:
        raise failures[0]


@pytest.fixture
def connect(server):
    """Opens psycopg connections to the shared server that are closed after the test."""
    opened = []

    def make(*arguments, **more):
        opened.append(server.connect(*arguments, **more))
        return opened[-1]

    yield make
    for connection in opened:
        connection.close()


@pytest.fixture
def connection(connect):
    return connect()


@pytest.fixture
def schema(server):
    """A schema of the test's own."""
    name = f"t_{uuid.uuid4().hex[:10]}"
    with server.connect() as admin:
        admin.execute(f"create schema {name}")
    yield name
    with server.connect() as admin:
        admin.execute(f"drop schema if exists {name} cascade")


@pytest.fixture
def glue(server, api_user):
    return server.client("glue", api_user)


@pytest.fixture
def data_api(server, api_user):
    return server.client("redshift-data", api_user)


_numbers = itertools.count()


@pytest.fixture
def bucket(lake) -> str:
    name = f"bucket-{uuid.uuid4().hex[:10]}"
    lake.client().create_bucket(Bucket=name)
    return name


@pytest.fixture
def crawl(glue):
    """Crawls s3:// targets into a new Glue database and answers its name; fails with the crawler's own message."""
    databases = []

    def run(*targets: str, database: str | None = None, role: str = ROLE) -> str:
        if not database:
            database = f"lake_{uuid.uuid4().hex[:10]}"
            glue.create_database(DatabaseInput={"Name": database})
            databases.append(database)
        crawler = f"crawler-{database}-{next(_numbers)}"
        glue.create_crawler(Name=crawler, Role=role, DatabaseName=database, Targets={"S3Targets": [{"Path": t} for t in targets]})
        glue.start_crawler(Name=crawler)
        last = wait_until("the crawl ending", lambda: (c := glue.get_crawler(Name=crawler)["Crawler"])["State"] == "READY" and c, 60, 0.1)
        assert last["LastCrawl"]["Status"] == "SUCCEEDED", last["LastCrawl"]
        return database

    yield run


@pytest.fixture
def external_schema(server):
    """Binds a Glue database to an external schema and answers the schema's name."""
    made = []

    def bind(database: str, role: str = ROLE, on: Server | None = None) -> str:
        name = f"ext_{uuid.uuid4().hex[:10]}"
        with (on or server).connect() as admin:
            admin.execute(f"create external schema {name} from data catalog database '{database}' iam_role '{role}'")
        made.append((on or server, name))
        return name

    yield bind
    for where, name in made:
        if where.child:
            with where.connect() as admin:
                admin.execute(f"drop schema if exists {name} cascade")


@pytest.fixture(scope="session")
def demo_data():
    folder = ROOT / ".deps/demo-data"
    if not (folder / "airports").is_dir():
        pytest.skip("no demo data; run make demo-data")
    return folder


@pytest.fixture(scope="session")
def execute_statement():
    """Runs a statement through the Data API to its end and answers DescribeStatement's answer."""

    def run(client, sql: str, **more):
        target = {} if {"WorkgroupName", "ClusterIdentifier"} & more.keys() else {"WorkgroupName": "default"}
        answer = client.execute_statement(**{"Database": "dev", "Sql": sql, **target, **more})
        return wait_until(
            "the statement ending",
            lambda: (d := client.describe_statement(Id=answer["Id"]))["Status"] in ("FINISHED", "FAILED", "ABORTED") and d, 60, 0.05)

    return run
