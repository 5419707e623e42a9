"""Auto-copy jobs: each new file below a job's prefix is loaded exactly once, by events and by sweeps, whatever dies in between."""

import concurrent.futures
import gzip
import json
import os
import pathlib
import random
import signal
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

import duckdb
import psycopg
import pytest

from support.events import Told
from support.process import wait_until
from support.server import ROLE, UNTRUSTING_ROLE, run_skep

SECRET = "secret of the jobs' events"
BUCKET = "autocopy"


class Jobs(Told):
    """A gateway that an S3 server, or only the test, tells of objects."""

    def __init__(self, folder, webhook: bool = False, sweep: str = "0"):
        super().__init__(folder, SECRET, BUCKET, webhook, sweep)

    def run(self, text, parameters=None, user=None):
        """Runs a statement, a second time when it met a worker that had been killed."""
        for attempt in range(4):
            try:
                with self.server.connect(user) as db:
                    done = db.execute(text, parameters)
                    return done.fetchall() if done.description else []
            except psycopg.Error as error:
                if error.sqlstate != "57P02" or attempt == 3:
                    raise

    def table(self, name, columns="i int, v varchar(20)"):
        self.run(f"create table {name} ({columns})")
        return name

    def job(self, name, options="csv", table=None, more="", user=None):
        """A table of the job's name, and the job that loads s3://BUCKET/name/ into it."""
        table = table or self.table(name)
        self.run(f"copy {table} from 's3://{BUCKET}/{name}/' iam_role '{ROLE}' {options} job create {name} {more}", user=user)
        return name

    def put(self, key, body="1,a\n"):
        self.lake.put(BUCKET, key, body)
        return key

    def tell(self, *keys, source="lake", secret=SECRET, bucket=BUCKET, name="ObjectCreated:Put"):
        """Sends one message with a record for each key; answers the HTTP status."""
        body = json.dumps({"Records": [
            {"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": name,
             "s3": {"bucket": {"name": bucket}, "object": {"key": key}}} for key in keys]}).encode()
        request = urllib.request.Request(self.url.replace("/lake", f"/{source}"), body, {"Authorization": f"Bearer {secret}"} if secret else {})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status
        except urllib.error.HTTPError as refused:
            return refused.code

    def count(self, table):
        return self.run(f"select count(*) from {table}")[0][0]

    def files(self, job):
        """Status by key, of SYS_COPY_JOB_DETAIL."""
        return dict(self.run("select file_name, status from sys_copy_job_detail where job_name = %s", (job,)))

    def first_run(self, job):
        """Waits for the run that follows a job's creation."""
        wait_until("the first run", lambda: f"copy_job_ran workspace=default job={job} " in self.server.log())

    def settled(self, job, count):
        """Waits until the job is done with so many files."""
        return wait_until(f"{count} files of {job}",
                          lambda: len(f := self.files(job)) == count and "P" not in f.values() and f, 60, 0.05)


@pytest.fixture(scope="module")
def jobs(tmp_path_factory):
    """Only the test tells of objects, and there is no sweep."""
    one = Jobs(tmp_path_factory.mktemp("jobs"))
    yield one
    one.stop()


def test_uploads_are_loaded_by_the_events_of_a_real_server(tmp_path):
    jobs = Jobs(tmp_path, webhook=True)
    try:
        jobs.put("real/old.csv", "0,old\n")
        jobs.job("real")
        for i in range(5):
            jobs.put(f"real/{i} ü+&.csv", f"{i},x\n")
        jobs.put("unreal/9.csv", "9,x\n")
        assert set(jobs.settled("real", 5).values()) == {"I"}
        assert jobs.run("select i, v from real order by i") == [(i, "x") for i in range(5)]
    finally:
        jobs.stop()


def test_what_was_there_before_the_job_is_not_loaded(jobs):
    old = jobs.put("older/old.csv", "1,old\n")
    jobs.job("older")
    new = jobs.put("older/new.csv", "2,new\n")
    jobs.tell(old, new)
    assert jobs.settled("older", 1) == {new: "I"}
    assert jobs.run("select i, v from older") == [(2, "new")]


def test_events_that_are_repeated_reordered_or_late_load_once(jobs):
    jobs.job("repeated")
    keys = [jobs.put(f"repeated/{i}", f"{i},x\n") for i in range(12)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        orders = [random.sample(keys, len(keys)) for _ in range(10)]
        assert {s for s in pool.map(lambda order: jobs.tell(*order), orders)} == {200}
        assert {s for s in pool.map(lambda key: jobs.tell(key), keys * 3)} == {200}
    jobs.settled("repeated", 12)
    last = jobs.put("repeated/last", "99,x\n")
    jobs.tell(*keys, last, *keys)
    jobs.settled("repeated", 13)
    assert jobs.run("select i from repeated order by i") == [(i,) for i in [*range(12), 99]]


def test_a_file_that_is_overwritten_is_not_loaded_again(jobs):
    jobs.job("again")
    key = jobs.put("again/a", "1,first\n")
    jobs.tell(key)
    jobs.settled("again", 1)
    jobs.put(key, "2,second\n")
    jobs.tell(key, jobs.put("again/b", "3,third\n"))
    jobs.settled("again", 2)
    assert jobs.run("select i from again order by i") == [(1,), (3,)]


def test_forged_events_load_nothing(jobs):
    jobs.job("forged")
    jobs.first_run("forged")
    key = jobs.put("forged/a")
    assert jobs.tell(key, secret="") == 403
    assert jobs.tell(key, secret="guessed") == 403
    assert jobs.tell(key, source="narrow", secret="secret of another source") == 200  # it may not speak of this bucket
    assert jobs.tell("forged/not there", "forged/../older/old.csv", "elsewhere/a") == 200
    assert jobs.tell(key, name="ObjectRemoved:Delete") == 200
    other = jobs.put("forged/b", "7,x\n")
    jobs.tell(other)
    assert jobs.settled("forged", 1) == {other: "I"}
    assert jobs.run("select i from forged") == [(7,)]


def test_a_sweep_loads_what_no_event_told_of(tmp_path):
    jobs = Jobs(tmp_path, sweep="1s")
    try:
        jobs.job("swept")
        jobs.first_run("swept")
        jobs.put("swept/a", "1,a\n")
        jobs.settled("swept", 1)
        jobs.put("swept/b", "2,b\n")
        jobs.settled("swept", 2)
        assert jobs.count("swept") == 2
    finally:
        jobs.stop()


def test_jobs_and_what_they_loaded_outlive_the_gateway(tmp_path):
    jobs = Jobs(tmp_path)
    try:
        jobs.job("kept")
        jobs.tell(jobs.put("kept/a", "1,a\n"))
        jobs.settled("kept", 1)
        jobs.server.stop()
        jobs.put("kept/b", "2,b\n")  # nobody hears of it
        jobs.server.start()
        jobs.settled("kept", 2)
        jobs.server.kill()
        jobs.put("kept/c", "3,c\n")
        jobs.server.start()
        jobs.settled("kept", 3)
        assert jobs.run("select i from kept order by i") == [(1,), (2,), (3,)]
    finally:
        jobs.stop()


@pytest.mark.parametrize("victim", ["worker", "gateway"])
def test_killed_at_any_moment_each_file_is_loaded_once(tmp_path, victim):
    jobs = Jobs(tmp_path, sweep="2s")
    rows = 4000
    try:
        jobs.job("killed", table=jobs.table("killed", "f int, i int"))
        expected = 0
        for round_ in range(6):
            keys = [jobs.put(f"killed/{round_}-{i}", "".join(f"{round_ * 10 + i},{n}\n" for n in range(rows))) for i in range(8)]
            expected += len(keys)
            opened = jobs.server.log().count("objects_opened")
            jobs.tell(*keys)
            wait_until("a run", lambda: jobs.server.log().count("objects_opened") > opened, 60)
            time.sleep(random.uniform(0, 0.4))  # into the load; correct whenever it hits
            if victim == "worker":
                for pid in jobs.server.workers():
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
            else:
                jobs.server.kill()
                jobs.server.start()
        assert set(jobs.settled("killed", expected).values()) == {"I"}
        assert jobs.run("select f, count(*), count(distinct i) from killed group by f having count(*) <> %s", (rows,)) == []
        assert jobs.count("killed") == expected * rows
    finally:
        jobs.stop()


def test_a_file_that_fails_is_told_of_and_keeps_nobody(jobs):
    jobs.job("failing")
    keys = [jobs.put("failing/a", "1,a\n"), jobs.put("failing/bad", "none,b\n"), jobs.put("failing/c", "3,c\n")]
    jobs.tell(*keys)
    assert jobs.settled("failing", 3) == {keys[0]: "I", keys[1]: "E", keys[2]: "I"}
    assert jobs.run("select i from failing order by i") == [(1,), (3,)]
    messages = jobs.run("select message from sys_copy_job_info where job_name = 'failing' order by record_time")
    assert any("failing/bad" in m and "failed" in m for (m,) in messages), messages
    id_ = jobs.run("select job_id from sys_copy_job where job_name = 'failing'")[0][0]
    assert jobs.run("select distinct copy_job_id, trim(colname) from stl_load_errors where filename = %s",
                    (f"s3://{BUCKET}/failing/bad",)) == [(id_, "i")]
    # Not tried again by itself, whoever asks; tried again when its user does.
    loads = "select count(*) from sys_load_history where copy_job_id = %s"
    before = jobs.run(loads, (id_,))[0][0]
    jobs.put("failing/bad", "2,b\n")
    jobs.tell(keys[1], jobs.put("failing/d", "4,d\n"))
    jobs.settled("failing", 4)
    assert jobs.run(loads, (id_,))[0][0] == before + 1
    jobs.run("copy job run failing")
    assert jobs.files("failing")[keys[1]] == "I"
    assert jobs.run("select i from failing order by i") == [(1,), (2,), (3,), (4,)]


def test_broken_files_keep_nobody(jobs):
    jobs.job("broken", "csv gzip")
    good = gzip.compress(b"1,a\n")
    keys = [jobs.put("broken/cut", gzip.compress(os.urandom(5000))[:3000]), jobs.put("broken/noise", os.urandom(2000)),
            jobs.put("broken/good", good)]
    jobs.tell(*keys)
    wait_until("the good file", lambda: jobs.count("broken") == 1, 60)
    done = wait_until("the others being given up", lambda: (f := jobs.files("broken")) and sorted(f.values()) == ["E", "E", "I"] and f, 60)
    assert done[keys[2]] == "I"


def test_options_of_the_copy_are_the_jobs(jobs):
    jobs.job("optioned", "json 'auto' gzip truncatecolumns", table=jobs.table("optioned", "i int, v varchar(3)"))
    jobs.tell(jobs.put("optioned/a", gzip.compress(b'{"v": "abcdef", "i": 1}')))
    jobs.settled("optioned", 1)
    assert jobs.run("select i, v from optioned") == [(1, "abc")]
    jobs.job("columnar", "parquet", table=jobs.table("columnar", "i int, v varchar(9)"))
    with tempfile.NamedTemporaryFile(suffix=".parquet") as out:
        duckdb.connect().execute(f"copy (select 5::int as i, 'five' as v) to '{out.name}' (format parquet)")
        jobs.tell(jobs.put("columnar/a", pathlib.Path(out.name).read_bytes()))
    jobs.settled("columnar", 1)
    assert jobs.run("select i, v from columnar") == [(5, "five")]


def test_jobs_are_listed_shown_altered_run_and_dropped(jobs):
    jobs.job("handled", more="auto off")
    listed = {row[1]: row for row in jobs.run("copy job list")}
    assert listed["handled"][2:9] == (jobs.server.admin.name, "dev", "public", "handled", f"s3://{BUCKET}/handled/", ROLE, 0)
    shown = jobs.run("copy job show handled")
    assert len(shown) == 1 and "job create handled auto off" in shown[0][-1]
    assert jobs.run("select trim(job_name), is_auto, iam_role from sys_copy_job where job_name = 'handled'") == [("handled", 0, ROLE)]
    key = jobs.put("handled/a", "1,a\n")
    jobs.tell(key, jobs.put("older/flag", "5,flag\n"))
    wait_until("another job's file", lambda: jobs.files("older").get("older/flag") == "I")
    assert jobs.files("handled") == {}
    jobs.run("copy job run handled")
    jobs.run("copy job run handled")
    assert jobs.count("handled") == 1
    jobs.run("copy job alter handled auto on")
    wait_until("AUTO ON", lambda: jobs.run("select is_auto from sys_copy_job where job_name = 'handled'") == [(1,)])
    wait_until("the gateway having heard", lambda: jobs.tell(jobs.put("handled/b", "2,b\n")) == 200 and jobs.count("handled") == 2)
    jobs.run("copy job drop handled")
    assert jobs.run("select * from sys_copy_job where job_name = 'handled'") == []
    assert jobs.run("select * from sys_copy_job_detail where job_name = 'handled'") == []
    for text in ("copy job run handled", "copy job drop handled", "copy job alter handled auto off"):
        with pytest.raises(psycopg.Error) as failed:
            jobs.run(text)
        assert failed.value.sqlstate == "42704", text


def test_histories_tell_of_a_jobs_loads(jobs):
    jobs.job("history")
    jobs.tell(jobs.put("history/a", "1,a\n2,b\n"))
    jobs.settled("history", 1)
    id_ = jobs.run("select job_id from sys_copy_job where job_name = 'history'")[0][0]
    assert jobs.run("select status, table_name, file_format, loaded_rows, source_file_count, error_count from sys_load_history where copy_job_id = %s",
                    (id_,)) == [("completed", "history", "csv", 2, 1, 0)]
    assert jobs.run("select trim(filename), lines_scanned from stl_load_commits where copy_job_id = %s", (id_,)) == [
        (f"s3://{BUCKET}/history/a", 2)]


@pytest.mark.parametrize("options, auth, code", [
    ("csv manifest", f"iam_role '{ROLE}'", "0A000"), ("csv maxerror 5", f"iam_role '{ROLE}'", "0A000"),
    ("csv ignoreallerrors", f"iam_role '{ROLE}'", "0A000"), ("csv noload", f"iam_role '{ROLE}'", "0A000"),
    ("csv", "access_key_id 'A' secret_access_key 'B'", "0A000"), ("csv", "credentials 'aws_access_key_id=A;aws_secret_access_key=B'", "0A000"),
    ("csv", "iam_role default", "0A000"), ("csv", f"iam_role '{UNTRUSTING_ROLE}'", "42501"), ("csv", "", "22023"),
    ("parquet trimblanks", f"iam_role '{ROLE}'", "22023")])
def test_what_a_job_cannot_be(jobs, options, auth, code):
    jobs.run("create table if not exists refused (i int)")
    with pytest.raises(psycopg.Error) as failed:
        jobs.run(f"copy refused from 's3://{BUCKET}/refused/' {auth} {options} job create refused")
    assert failed.value.sqlstate == code, str(failed.value)
    assert jobs.run("select * from sys_copy_job where job_name = 'refused'") == []


def test_names_and_transactions(jobs):
    jobs.job("named")
    for text, code in [(f"copy named from 's3://{BUCKET}/x' iam_role '{ROLE}' job create named", "42710"),
                       (f"copy named from 's3://{BUCKET}/x' iam_role '{ROLE}' job create \"a-b\"", "22023"),
                       (f"copy nowhere from 's3://{BUCKET}/x' iam_role '{ROLE}' job create lost", "42P01")]:
        with pytest.raises(psycopg.Error) as failed:
            jobs.run(text)
        assert failed.value.sqlstate == code, (text, str(failed.value))
    for text in (f"copy named from 's3://{BUCKET}/x' iam_role '{ROLE}' job create inside", "copy job run named", "copy job drop named"):
        with jobs.server.connect(autocommit=False) as db:
            db.execute("select 1 from named")
            with pytest.raises(psycopg.Error) as failed:
                db.execute(text)
            assert failed.value.sqlstate == "25001", (text, str(failed.value))
            db.rollback()
    with jobs.server.connect() as db:
        db.execute("create temp table passing (i int)")
        with pytest.raises(psycopg.Error) as failed:
            db.execute(f"copy passing from 's3://{BUCKET}/x' iam_role '{ROLE}' job create passing")
        assert failed.value.sqlstate == "0A000"


def test_a_table_that_is_dropped_or_altered(jobs):
    jobs.job("shaped")
    jobs.run("drop table shaped")
    key = jobs.put("shaped/a", "1,a\n")
    jobs.tell(key)
    told = "select count(*) from sys_copy_job_info where job_name = 'shaped' and message like %s"
    wait_until("the job telling of its table", lambda: jobs.run(told, ("%does not exist%",))[0][0] > 0)
    assert jobs.files("shaped") == {}
    jobs.run("create table shaped (i int, v varchar(20), w int default 7)")
    jobs.run("copy job run shaped")  # a column more than the file has
    assert jobs.files("shaped") == {key: "E"}
    jobs.run("alter table shaped drop column w")
    jobs.run("copy job run shaped")
    assert jobs.run("select * from shaped") == [(1, "a")]


def test_a_role_that_is_taken_away_and_given_back(tmp_path):
    jobs = Jobs(tmp_path)
    try:
        jobs.job("roled")
        config = (jobs.server.folder / "skep.toml")
        text = config.read_text()
        jobs.server.stop()
        config.write_text(text.replace('trust = ["workspace:default", "service:glue"]', 'trust = ["service:glue"]'))
        jobs.server.start()
        key = jobs.put("roled/a", "1,a\n")
        jobs.tell(key)
        told = "select count(*) from sys_copy_job_info where job_name = 'roled' and message not like '%%was created%%'"
        wait_until("the job telling of its role", lambda: jobs.run(told)[0][0] > 0)
        assert jobs.files("roled") == {} and jobs.count("roled") == 0
        jobs.server.stop()
        config.write_text(text)
        jobs.server.start()
        assert jobs.settled("roled", 1) == {key: "I"}
        assert jobs.count("roled") == 1
    finally:
        jobs.stop()


def test_a_job_runs_as_its_owner_while_there_is_one(jobs):
    owner = jobs.server.add_user("owner_of_jobs")
    jobs.job("owned", user=owner)
    jobs.tell(jobs.put("owned/a", "1,a\n"))
    jobs.settled("owned", 1)
    run_skep("user", "remove", "owner_of_jobs", data_dir=jobs.server.data)
    jobs.tell(jobs.put("owned/b", "2,b\n"))
    wait_until("the gateway seeing that the owner is gone", lambda: "copy_job_without_owner" in jobs.server.log())
    assert jobs.count("owned") == 1
    jobs.run("copy job run owned")  # another user's run
    assert jobs.count("owned") == 2


def test_no_secret_of_events_is_told(jobs):
    assert SECRET not in jobs.server.log()
