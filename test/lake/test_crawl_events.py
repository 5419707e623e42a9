"""Events of object stores: what was uploaded is queryable soon, by the webhook of a real S3 server and by messages in the shapes of
others; forged messages are refused, replayed and reordered ones do no harm, acknowledged ones survive the gateway."""

import hashlib
import hmac
import json
import pathlib
import tempfile
import urllib.error
import urllib.parse
import urllib.request

import boto3
import duckdb
import pytest
from moto.server import ThreadedMotoServer

from support.events import Told
from support.object_store import REGION, ObjectStore, missing
from support.process import free_port, wait_until
from support.server import ACCOUNT, ROLE, Server

SECRET = "secret of the lake's events"
BUCKET = "events"
EVENT_MODE = {"RecrawlBehavior": "CRAWL_EVENT_MODE"}


class Watched(Told):
    def __init__(self, folder, webhook: bool, sweep: str = "0"):
        super().__init__(folder, SECRET, BUCKET, webhook, sweep)
        self.user = self.server.add_user("api", superuser=True, access_key=True)
        self.glue = self.server.client("glue", self.user)

    def watch(self, name: str, **more) -> str:
        """A crawler of event mode over a folder, crawled once; an external schema of its name."""
        self.glue.create_crawler(Name=name, Role=ROLE, DatabaseName=name, RecrawlPolicy=EVENT_MODE,
                                 Targets={"S3Targets": [{"Path": f"s3://{BUCKET}/{name}/"}]}, **more)
        self.crawl(name)
        with self.server.connect() as db:
            db.execute(f"create external schema {name} from data catalog database '{name}' iam_role '{ROLE}'")
        return name

    def crawl(self, name):
        self.glue.start_crawler(Name=name)
        self.idle(name)

    def idle(self, name):
        done = wait_until("the crawl ending", lambda: (c := self.glue.get_crawler(Name=name)["Crawler"])["State"] == "READY" and c, 60)
        assert done["LastCrawl"]["Status"] == "SUCCEEDED", done["LastCrawl"]

    def crawls(self, name) -> int:
        return len(self.glue.list_crawls(CrawlerName=name, MaxResults=1000)["Crawls"])

    def send(self, body, url=None, headers=None) -> int:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {SECRET}"} if headers is None else headers
        try:
            with urllib.request.urlopen(urllib.request.Request(url or self.url, data, headers), timeout=30) as answer:
                return answer.status
        except urllib.error.HTTPError as refused:
            return refused.code

    def count(self, table) -> int:
        with self.server.connect() as db:
            return db.execute(f"select count(*) from {table}").fetchone()[0]


def parquet(query) -> bytes:
    with tempfile.NamedTemporaryFile(suffix=".parquet") as out:
        duckdb.connect().execute(f"copy ({query}) to '{out.name}' (format parquet)")
        return pathlib.Path(out.name).read_bytes()


def record(key, name="ObjectCreated:Put", bucket=BUCKET, **more):
    return {"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": name,
            "s3": {"bucket": {"name": bucket}, "object": {"key": key, **more}}}


def records(*keys, **more):
    return {"Records": [record(key, **more) for key in keys]}


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """With the webhook of the S3 server."""
    watched = Watched(tmp_path_factory.mktemp("told"), webhook=True)
    yield watched
    watched.stop()


@pytest.fixture(scope="module")
def untold(tmp_path_factory):
    """Only the test tells of objects, and there is no sweep."""
    watched = Watched(tmp_path_factory.mktemp("untold"), webhook=False)
    yield watched
    watched.stop()


# The real S3 server.


def test_an_upload_is_queryable_by_its_event_alone(told):
    told.lake.put(BUCKET, "sales/day=2026-01-01/a.parquet", parquet("select range as id from range(10)"))
    schema = told.watch("sales")
    assert told.count(f"{schema}.sales") == 10
    told.lake.put(BUCKET, "sales/day=2026-01-02/a.parquet", parquet("select range as id, 'x' as word from range(5)"))
    wait_until("the new partition being queryable", lambda: told.count(f"{schema}.sales") == 15)
    told.idle("sales")
    with told.server.connect() as db:
        assert db.execute(f"select count(word), max(day)::varchar from {schema}.sales").fetchone() == (5, "2026-01-02")
    last = told.glue.list_crawls(CrawlerName="sales")["Crawls"][0]
    assert last["State"] == "COMPLETED"


def test_keys_with_odd_characters_are_found(told):
    told.lake.put(BUCKET, "odd/k=0/a.csv", "id,n\n1,2\n")
    schema = told.watch("odd")
    for value in ("a b", "ä+ö", "50%25", "x&y"):
        told.lake.put(BUCKET, f"odd/k={value}/a.csv", "id,n\n3,4\n")
    wait_until("every folder being found", lambda: told.count(f"{schema}.odd") == 5)


def test_a_removed_object_is_told_too(told):
    for day in (1, 2):
        told.lake.put(BUCKET, f"gone/day={day}/a.csv", "id,n\n1,2\n")
    told.watch("gone", SchemaChangePolicy={"DeleteBehavior": "DELETE_FROM_DATABASE"})
    told.lake.client().delete_object(Bucket=BUCKET, Key="gone/day=1/a.csv")
    values = lambda: [p["Values"] for p in told.glue.get_partitions(DatabaseName="gone", TableName="gone")["Partitions"]]  # noqa: E731
    wait_until("the partition going", lambda: values() == [["2"]])


def test_a_multipart_upload_and_a_copy_are_told(told):
    told.lake.put(BUCKET, "parts/k=0/a.csv", "id,n\n1,2\n")
    schema = told.watch("parts")
    s3 = told.lake.client()
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="parts/k=1/big.csv")["UploadId"]
    part = s3.upload_part(Bucket=BUCKET, Key="parts/k=1/big.csv", UploadId=upload, PartNumber=1, Body=b"id,n\n" + b"1,2\n" * 100)
    s3.complete_multipart_upload(Bucket=BUCKET, Key="parts/k=1/big.csv", UploadId=upload,
                                 MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    s3.copy_object(Bucket=BUCKET, Key="parts/k=2/copy.csv", CopySource={"Bucket": BUCKET, "Key": "parts/k=0/a.csv"})
    wait_until("both being queryable", lambda: told.count(f"{schema}.parts") == 102)


def test_a_broken_upload_stops_nobody(told):
    told.lake.put(BUCKET, "broken/k=0/a.parquet", parquet("select 1 as id"))
    schema = told.watch("broken")
    good = parquet("select range as id from range(7)")
    told.lake.put(BUCKET, "broken/k=1/bad.parquet", good[:-8] + b"\xff" * 8)
    told.lake.put(BUCKET, "broken/k=2/good.parquet", good)
    wait_until("the good file being queryable", lambda: ["2"] in [
        p["Values"] for p in told.glue.get_partitions(DatabaseName="broken", TableName="broken")["Partitions"]])
    with told.server.connect() as db:
        assert db.execute(f"select count(*) from {schema}.broken where k = 2").fetchone() == (7,)


# Messages of others, good and bad.


def test_unsigned_and_forged_messages_are_refused(untold):
    untold.lake.put(BUCKET, "forged/k=0/a.csv", "id,n\n1,2\n")
    untold.watch("forged")
    crawls = untold.crawls("forged")
    untold.lake.put(BUCKET, "forged/k=1/a.csv", "id,n\n1,2\n")
    body = json.dumps(records("forged/k=1/a.csv")).encode()
    signature = "sha256=" + hmac.new(b"wrong secret", body, hashlib.sha256).hexdigest()
    narrow = untold.url.replace("/lake", "/narrow")
    for url, headers in [
            (None, {}), (None, {"Authorization": "Bearer wrong"}), (None, {"Authorization": ""}), (None, {"X-Skep-Signature": signature}),
            (untold.url + "?token=wrong", {}), (untold.url + "?token=", {}), (untold.url + "x", {"Authorization": f"Bearer {SECRET}"}),
            (narrow, {"Authorization": f"Bearer {SECRET}"}), (untold.url.replace("lake", ""), {"Authorization": f"Bearer {SECRET}"}),
            (untold.url.replace("lake", "../events/lake"), {})]:
        assert untold.send(body, url, headers) == 403, (url, headers)
    # A source that may not speak of this bucket is heard and changes nothing.
    assert untold.send(body, narrow, {"Authorization": "Bearer secret of another source"}) == 200
    signature = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert untold.send(body + b" ", None, {"X-Skep-Signature": signature}) == 403
    assert untold.crawls("forged") == crawls
    assert SECRET not in untold.server.log()
    assert untold.send(body, None, {"X-Skep-Signature": signature}) == 200
    wait_until("the signed event being followed", lambda: untold.count("forged.forged") == 2)


def test_what_is_no_event_is_refused(untold):
    for body in (b"", b"{", b"[1]", b"{}", b"[" * 100_000, b'{"Records": {}}', b"\xff\xfe", json.dumps(records(*["k"] * 10_001)).encode()):
        assert untold.send(body) == 400, body[:50]
    for body in ({"Service": "S3", "Event": "s3:TestEvent"}, records("../../etc/passwd"), records("k", bucket="nowhere"), records("")):
        assert untold.send(body) == 200, body
    with untold.server.connect() as db:
        assert db.execute("select 1").fetchone() == (1,)


@pytest.mark.parametrize("shape", ["s3", "minio", "versitygw list", "eventbridge", "sns"])
def test_the_shapes_of_stores_are_understood(untold, shape):
    name = "shape_" + shape.replace(" ", "_")
    untold.lake.put(BUCKET, f"{name}/k=0/a.csv", "id,n\n1,2\n")
    schema = untold.watch(name)
    key = f"{name}/k=a b/a.csv"
    untold.lake.put(BUCKET, key, "id,n\n1,2\n")
    sent = urllib.parse.quote(key)
    body = {
        "s3": records(sent, sequencer="0055AED6DCD90281E5"),
        "minio": {"EventName": "s3:ObjectCreated:Put", "Key": f"{BUCKET}/{key}", "Records": [record(sent, "s3:ObjectCreated:Put")]},
        "versitygw list": [record(key, "s3:ObjectCreated:Put")],
        "eventbridge": {"version": "0", "detail-type": "Object Created", "source": "aws.s3",
                        "detail": {"bucket": {"name": BUCKET}, "object": {"key": key, "size": 9, "etag": "x", "sequencer": "00"}}},
        "sns": {"Type": "Notification", "Message": json.dumps(records(sent))},
    }[shape]
    assert untold.send(body) == 200
    wait_until("the folder being crawled", lambda: untold.count(f"{schema}.{name}") == 2)


def test_replayed_and_reordered_events_do_no_harm(untold):
    for day in range(3):
        untold.lake.put(BUCKET, f"again/day={day}/a.csv", "id,n\n1,2\n")
    untold.watch("again")
    version = lambda: untold.glue.get_table(DatabaseName="again", Name="again")["Table"]["VersionId"]  # noqa: E731
    before, crawls = version(), untold.crawls("again")
    # What was crawled already: acknowledged, and nothing runs.
    listed = {o["Key"]: o for o in untold.lake.client().list_objects_v2(Bucket=BUCKET, Prefix="again/")["Contents"]}
    for key, found in listed.items():
        for _ in range(3):
            assert untold.send(records(key, size=found["Size"], eTag=found["ETag"].strip('"'))) == 200
    # Told in the wrong order: removed (earlier), created (later), twice.
    untold.lake.put(BUCKET, "again/day=9/a.csv", "id,n\n1,2\n")
    for _ in range(2):
        assert untold.send(records("again/day=9/a.csv", sequencer="02")) == 200
        assert untold.send(records("again/day=9/a.csv", name="ObjectRemoved:Delete", sequencer="01")) == 200
    wait_until("the new day", lambda: untold.count("again.again") == 4)
    untold.idle("again")
    assert untold.crawls("again") <= crawls + 4
    assert int(version()) <= int(before) + 1
    days = [p["Values"][0] for p in untold.glue.get_partitions(DatabaseName="again", TableName="again")["Partitions"]]
    assert sorted(days) == ["0", "1", "2", "9"]


def test_a_burst_is_few_crawls(untold):
    untold.lake.put(BUCKET, "burst/a.csv", "id,n\n1,2\n")
    untold.watch("burst")
    crawls = untold.crawls("burst")
    for i in range(40):
        untold.lake.put(BUCKET, f"burst/{i}.csv", "id,n\n1,2\n")
    for _ in range(3):
        assert untold.send(records(*[f"burst/{i}.csv" for i in range(40)])) == 200
    objects = lambda: untold.glue.get_table(DatabaseName="burst", Name="burst")["Table"]["Parameters"]["objectCount"]  # noqa: E731
    wait_until("all files being counted", lambda: objects() == "41")
    untold.idle("burst")
    assert 1 <= untold.crawls("burst") - crawls <= 3


def test_an_acknowledged_event_survives_the_gateway(tmp_path):
    watched = Watched(tmp_path, webhook=False)
    try:
        watched.lake.put(BUCKET, "kept/k=0/a.csv", "id,n\n1,2\n")
        watched.watch("kept")
        watched.lake.put(BUCKET, "kept/k=1/a.csv", "id,n\n1,2\n")
        watched.lake.stop()  # so that no crawl can end before the gateway does
        assert watched.send(records("kept/k=1/a.csv")) == 200
        watched.server.kill()
        watched.lake.start()
        watched.server.start()
        wait_until("the event being followed", lambda: watched.count("kept.kept") == 2, 60)
    finally:
        watched.stop()


def test_a_store_that_is_down_is_asked_again(tmp_path):
    watched = Watched(tmp_path, webhook=False)
    try:
        watched.lake.put(BUCKET, "down/k=0/a.csv", "id,n\n1,2\n")
        watched.watch("down")
        watched.lake.put(BUCKET, "down/k=1/a.csv", "id,n\n1,2\n")
        watched.lake.stop()
        assert watched.send(records("down/k=1/a.csv")) == 200
        wait_until("the crawl failing", lambda: watched.glue.get_crawler(Name="down")["Crawler"]["LastCrawl"]["Status"] == "FAILED", 60)
        watched.lake.start()
        wait_until("the event being followed", lambda: watched.count("down.down") == 2, 60)
    finally:
        watched.stop()


def test_a_queue_is_read(tmp_path):
    """Notifications as S3 puts them into an SQS queue. A message is gone from the queue once it is kept; one that is no event stays."""
    if reason := missing():
        pytest.skip(reason)
    port = free_port()
    moto = ThreadedMotoServer("127.0.0.1", port)
    moto.start()
    sqs = boto3.client("sqs", endpoint_url=f"http://127.0.0.1:{port}", region_name=REGION, aws_access_key_id="x", aws_secret_access_key="y")
    queue = sqs.create_queue(QueueName="lake", Attributes={"VisibilityTimeout": "1"})["QueueUrl"]
    lake = ObjectStore(tmp_path / "s3").start()
    server = Server(tmp_path / "skep", lake, {"events-sweep-interval": "0"})
    server.more_config = f'[[event_source]]\nname = "queue"\naccount = "{ACCOUNT}"\nqueue_url = "{queue}"\n'
    watched = Watched.__new__(Watched)
    watched.lake, watched.server = lake, server.init().start()
    try:
        watched.glue = server.client("glue", server.add_user("api", superuser=True, access_key=True))
        lake.client().create_bucket(Bucket=BUCKET)
        lake.put(BUCKET, "queued/k=0/a.csv", "id,n\n1,2\n")
        watched.watch("queued")
        for k in (1, 2, 3):
            lake.put(BUCKET, f"queued/k={k}/a.csv", "id,n\n1,2\n")
            sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(records(f"queued/k={k}/a.csv")))
        sqs.send_message(QueueUrl=queue, MessageBody="no event")
        sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent"}))
        wait_until("the messages being followed", lambda: watched.count("queued.queued") == 4)

        def left():
            numbers = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
            return int(numbers["ApproximateNumberOfMessages"]) + int(numbers["ApproximateNumberOfMessagesNotVisible"])

        wait_until("what was kept being deleted", lambda: left() == 1)
        # Without the webhook's secret there is no webhook of that name.
        assert watched.send(records("queued/k=1/a.csv"), f"http://127.0.0.1:{server.http_port}/events/queue", {"Authorization": "Bearer "}) == 403
    finally:
        server.stop()
        lake.stop()
        moto.stop()


def test_a_sweep_finds_what_no_event_told(tmp_path):
    watched = Watched(tmp_path, webhook=False, sweep="1s")
    try:
        watched.lake.put(BUCKET, "swept/k=0/a.csv", "id,n\n1,2\n")
        watched.watch("swept")
        watched.lake.put(BUCKET, "swept/k=1/a.csv", "id,n\n1,2\n")
        wait_until("the sweep", lambda: watched.count("swept.swept") == 2)
    finally:
        watched.stop()
