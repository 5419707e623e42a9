"""COPY: objects of a lake into tables, with its conversions, its rejects, and all or nothing."""

import datetime
import decimal
import gzip
import json
import os
import signal
import threading

import duckdb
import psycopg
import pytest

from support.process import wait_until
from support.server import ROLE, UNKNOWN_ROLE, UNTRUSTING_ROLE

BUCKET = "copies"


@pytest.fixture(scope="module")
def bucket(lake):
    lake.client().create_bucket(Bucket=BUCKET)
    return lake.client()


@pytest.fixture
def db(server, bucket):
    with server.connect() as one:
        one.notices = []
        one.add_notice_handler(lambda notice: one.notices.append((notice.severity, notice.message_primary)))
        yield one


@pytest.fixture
def table(server, db, request):
    """A fresh table of these columns, by its name."""
    made = []

    def make(columns):
        name = "loaded_" + str(abs(hash(request.node.name)) % 10**9)
        db.execute(f"drop table if exists {name}")
        db.execute(f"create table {name} ({columns})")
        made.append(name)
        return name

    yield make
    with server.connect() as after:
        db.close()
        for name in made:
            after.execute(f"drop table if exists {name}")


def put(bucket, key, body):
    bucket.put_object(Bucket=BUCKET, Key=key, Body=body.encode() if isinstance(body, str) else body)
    return f"s3://{BUCKET}/{key}"


def copy(db, table, path, options="", columns=""):
    try:
        db.execute(f"copy {table} {columns} from '{path}' iam_role '{ROLE}' {options}")
    except psycopg.Error as error:
        error.add_note(str(db.execute("select * from sys_load_error_detail where file_name = %s", (path,)).fetchall()) if db.info.transaction_status == 0 else "")
        raise


def rows(db, table, order="1"):
    return db.execute(f"select * from {table} order by {order}").fetchall()


def fails(db, table, path, options=""):
    with pytest.raises(psycopg.Error) as failed:
        copy(db, table, path, options)
    return failed.value


def kill_workers(server):
    for pid in server.workers():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def rejects(db, file):
    """What SYS_LOAD_ERROR_DETAIL has of a file."""
    return db.execute("select line_number, column_name, column_type, error_code, error_message from sys_load_error_detail "
                      "where file_name = %s order by line_number", (file,)).fetchall()


def test_delimited_text_becomes_rows(db, bucket, table):
    t = table("i int, b bigint, d decimal(8,2), f float8, c char(4), v varchar(20), day date, at timestamp, ok boolean")
    path = put(bucket, "plain/a.txt", "1|10|1.239|2.5|ab|größe|2026-01-02|2026-01-02 03:04:05|t\n2|\\N||||\\N|||\n")
    copy(db, t, path)
    assert rows(db, t) == [
        (1, 10, decimal.Decimal("1.23"), 2.5, "ab  ", "größe", datetime.date(2026, 1, 2), datetime.datetime(2026, 1, 2, 3, 4, 5), True),
        (2, None, None, None, "    ", None, None, None, None)]
    assert db.notices == [("INFO", f"Load into table '{t}' completed, 2 record(s) loaded successfully.")]


def test_every_key_that_begins_so_is_loaded(db, bucket, table):
    t = table("i int")
    for number in range(20):
        put(bucket, f"many/part-{number:02}", f"{number}\n{number + 100}")  # the last line has no end
    put(bucket, "many/qart", "999\n")
    copy(db, t, f"s3://{BUCKET}/many/part")
    assert [r[0] for r in rows(db, t)] == sorted([*range(20), *range(100, 120)])


def test_csv_with_quotes_line_ends_and_a_header(db, bucket, table):
    t = table("i int, v varchar(30), w varchar(30) default 'dd'")
    path = put(bucket, "csv/a.csv", 'i,v\r\n1,"a ""quoted"", word"\r\n2,"two\nlines"\r\n3,\r\n4,""\r\n')
    copy(db, t, path, "csv ignoreheader 1", "(i, v)")
    assert rows(db, t) == [(1, 'a "quoted", word', "dd"), (2, "two\nlines", "dd"), (3, "", "dd"), (4, "", "dd")]
    db.execute(f"truncate {t}")
    path = put(bucket, "csv/b.csv", "1;%a;b%;x\n")
    copy(db, t, path, "format as csv quote as '%' delimiter ';'")
    assert rows(db, t) == [(1, "a;b", "x")]


def test_options_of_conversion(db, bucket, table):
    t = table("i int, v varchar(5), d decimal(6,1), day date")
    path = put(bucket, "options/a", "1|  abc|1.25|02.03.2026\n2|toolong|1.27|05.03.2026\n\n3|   |2|never\n4|x\n")
    copy(db, t, path, "truncatecolumns blanksasnull roundec dateformat 'DD.MM.YYYY' acceptanydate fillrecord ignoreblanklines")
    assert rows(db, t) == [(1, "  abc", decimal.Decimal("1.3"), datetime.date(2026, 3, 2)), (2, "toolo", decimal.Decimal("1.3"), datetime.date(2026, 3, 5)),
                           (3, None, decimal.Decimal("2.0"), None), (4, "x", None, None)]
    t = table("v varchar(20), w varchar(20), at timestamp")
    path = put(bucket, "options/b", "a\\|b|c\\\nd|1767322930\n\"q|r\"|n/a|1767322931\n")
    copy(db, t, path, "escape removequotes null as 'n/a' timeformat 'epochsecs'")
    assert rows(db, t) == [("a|b", "c\nd", datetime.datetime(2026, 1, 2, 3, 2, 10)), ("q|r", None, datetime.datetime(2026, 1, 2, 3, 2, 11))]
    t = table("v varchar(20), w varchar(20)")
    copy(db, t, put(bucket, "options/c", b"a\xff\xfeb|  c  \n|\n"), "acceptinvchars '^' trimblanks emptyasnull")
    assert rows(db, t) == [("a^^b", "  c"), (None, None)]
    t = table("a int, b varchar(9), c int")
    copy(db, t, put(bucket, "options/d", "1  größe   12\n22 x        3\n"), "fixedwidth 'a:3,b:7,c:3'")
    assert rows(db, t) == [(1, "größe", 12), (22, "x", 3)]


@pytest.mark.parametrize("name, python", [("utf16", "utf-16"), ("utf16le", "utf-16-le"), ("utf16be", "utf-16-be"), ("iso88591", "latin-1"), ("utf8", "utf-8")])
def test_encodings(db, bucket, table, name, python):
    t = table("i int, v varchar(40)")
    values = [(i, "größe é" + ("" if python == "latin-1" else " 𝄞 Ω") + str(i)) for i in range(50_000)]
    path = put(bucket, f"encodings/{name}", "".join(f"{i}|{v}\n" for i, v in values).encode(python))
    copy(db, t, path, f"encoding {name}")
    assert rows(db, t) == values
    if name == "utf16le":
        broken = put(bucket, "encodings/broken", "1|a\n".encode(python) + "2|".encode(python) + b"\x00\xd8" + "\n".encode(python))
        copy(db, t, broken, "encoding utf16le maxerror 2")
        assert [r[:2] for r in rejects(db, broken)] == [(2, "v")]


def test_json_by_names_paths_and_whole(db, bucket, table):
    t = table("id int, name varchar(20), extra super, total decimal(8,2)")
    text = '{"id": 1, "name": "a\\u00fc", "extra": {"k": [1, 2]}, "Total": 1}\n{"name": null, "id": 2,\n "total": 2.5, "other": 1}{"id":3}'
    path = put(bucket, "json/a.json", text)
    copy(db, t, path, "json 'auto'")
    assert rows(db, t) == [(1, "aü", '{"k":[1,2]}', None), (2, None, None, decimal.Decimal("2.50")), (3, None, None, None)]
    db.execute(f"truncate {t}")
    copy(db, t, path, "json 'auto ignorecase'")
    assert rows(db, t)[0] == (1, "aü", '{"k":[1,2]}', decimal.Decimal("1.00"))
    db.execute(f"truncate {t}")
    put(bucket, "json/paths.json", json.dumps({"jsonpaths": ["$.id", "$['extra']['k'][1]", "$.extra", "$.none.at[0]"]}))
    copy(db, t, path, f"json 's3://{BUCKET}/json/paths.json'")
    assert rows(db, t)[0] == (1, "2", '{"k":[1,2]}', None)
    whole = table("s super")
    copy(db, whole, path, "json 'noshred'")
    assert db.execute(f"select s.id, s.total from {whole} order by s.id").fetchall() == [("1", None), ("2", "2.5"), ("3", None)]
    put(bucket, "json/few.json", json.dumps({"jsonpaths": ["$.id"]}))
    t = table("id int, name varchar(20)")
    assert "Number of jsonpaths and the number of columns should match" in str(fails(db, t, path, f"json 's3://{BUCKET}/json/few.json'"))


def test_parquet_by_the_places_of_its_columns(db, bucket, table, tmp_path):
    t = table("id int, v varchar(6), d decimal(8,2), at timestamp, n int default 7")
    duckdb.sql(f"""copy (select i::bigint as a, 'v' || i as b, (i * 1.5)::decimal(18,3) as c, timestamp '2026-01-02 03:04:05' as d from range(1000) r(i))
               to '{tmp_path}/a.parquet'""")
    for number in range(3):
        put(bucket, f"parquet/part-{number}.parquet", (tmp_path / "a.parquet").read_bytes())
    path = f"s3://{BUCKET}/parquet/part-"
    db.execute(f"copy {t} (id, v, d, at) from '{path}' iam_role '{ROLE}' format as parquet")
    assert db.execute(f"select count(*), sum(id), max(v), max(d), min(at), min(n) from {t}").fetchone() == (
        3000, 1498500, "v999", decimal.Decimal("1498.50"), datetime.datetime(2026, 1, 2, 3, 4, 5), 7)
    assert ("INFO", f"Load into table '{t}' completed, 3000 record(s) loaded successfully.") in db.notices
    assert "has 4 columns, the table takes 5" in str(fails(db, t, path, "parquet"))
    assert fails(db, t, path, "parquet maxerror 5").sqlstate == "22023"
    short = table("id smallint, v varchar(3), d decimal(8,2), at timestamp")
    assert fails(db, short, path, "parquet").sqlstate == "22001"
    assert fails(db, short, put(bucket, "corrupt/a.parquet", "PAR1 nothing"), "parquet").sqlstate != "XX000"
    assert rows(db, short) == []


def test_zstd(db, bucket, table, tmp_path):
    t = table("i int, v varchar(40)")
    duckdb.sql(f"copy (select i, 'value ' || i from range(50000) r(i)) to '{tmp_path}/a' (format csv, compression zstd, header false)")
    copy(db, t, put(bucket, "zstd/a", (tmp_path / "a").read_bytes()), "csv zstd")
    assert db.execute(f"select count(*), sum(i) from {t}").fetchone() == (50_000, 1_249_975_000)


def test_compressed_objects(db, bucket, table):
    t = table("i int, v varchar(40)")
    text = "".join(f"{i}|value {i}\n" for i in range(200_000))
    copy(db, t, put(bucket, "gz/a.gz", gzip.compress(text.encode())), "gzip")
    assert db.execute(f"select count(*), sum(i), min(v), max(v) from {t}").fetchone() == (200_000, 19_999_900_000, "value 0", "value 99999")
    assert fails(db, t, put(bucket, "gz/b.gz", "this is not compressed"), "gzip").sqlstate != "XX000"
    assert db.execute(f"select count(*) from {t}").fetchone() == (200_000,)


def test_a_manifest_says_what_is_loaded(db, bucket, table):
    t = table("i int")
    put(bucket, "m/one", "1\n")
    put(bucket, "m/two", "2\n")
    entries = [{"url": f"s3://{BUCKET}/m/one", "mandatory": True, "meta": {"content_length": 2}}, {"url": f"s3://{BUCKET}/m/gone", "mandatory": False}]
    copy(db, t, put(bucket, "m/manifest", json.dumps({"entries": entries})), "manifest")
    assert rows(db, t) == [(1,)]
    for bad, message in [({"entries": [{"url": f"s3://{BUCKET}/m/gone", "mandatory": True}]}, "m/gone"),
                         ({"entries": [{"url": f"s3://{BUCKET}/m/one", "meta": {"content_length": 10_000_000_000}}]}, "the length 10000000000; it is 2"),
                         ({"files": []}, "is not a manifest"), ({"entries": [{"url": "file:///etc/passwd"}]}, "which is not on S3")]:
        assert message in str(fails(db, t, put(bucket, "m/bad", json.dumps(bad)), "manifest"))
    assert rows(db, t) == [(1,)]


def test_a_rejected_record_fails_the_load_and_is_told(db, bucket, table):
    t = table("i int, v varchar(3), day date, n int not null")
    path = put(bucket, "bad/a", "1|abc|2026-01-01|1\nx2|abc|2026-01-01|1\n")
    error = fails(db, t, path)
    assert f"Load into table '{t}' failed.  Check 'sys_load_error_detail' system table for details." in str(error)
    assert rows(db, t) == []
    assert rejects(db, path) == [(2, "i", "integer", 1207, "Invalid digit, Value 'x', Pos 0, Type: Integer")]
    assert db.execute("select line_number, trim(colname), raw_line, raw_field_value, err_code, position from stl_load_errors where filename = %s",
                      (path,)).fetchall() == [(2, "i", "x2|abc|2026-01-01|1", "x2", 1207, 0)]


def test_maxerror_loads_what_is_good(db, bucket, table):
    t = table("i int, v varchar(3), day date, n int not null")
    lines = ["1|abc|2026-01-01|1", "2|abcd|2026-01-01|1", "3|abc|not a date|1", "4|abc|2026-01-01|", "5|abc|2026-01-01|1|more", "6|abc",
             "99999999999|a|2026-01-01|1", "7|a\x00c|2026-01-01|1", "8|é|2026-01-01|1"]
    path = put(bucket, "max/a", "\n".join(lines) + "\n")
    copy(db, t, path, "maxerror 100")
    assert [r[0] for r in rows(db, t)] == [1, 8]
    assert rejects(db, path) == [
        (2, "v", "character varying", 1204, "String length exceeds DDL length"),
        (3, "day", "date", 1205, "Invalid Date Format - length must be 10 or more"),
        (4, "n", "integer", 1213, "Missing data for not-null field"),
        (5, "", "", 1202, "Extra column(s) found"),
        (6, "day", "date", 1214, "Delimiter not found"),
        (7, "i", "integer", 1204, "Overflow, Value '99999999999' is out of range, Type: Integer"),
        (8, "v", "character varying", 1220, "String contains invalid or unsupported UTF8 codepoints. Bad UTF8 hex sequence: 00 (error 4)")]
    assert db.notices[0] == ("INFO", f"Load into table '{t}' completed, 2 record(s) loaded successfully.")
    assert db.notices[1][0] == "WARNING" and "7 record(s) could not be loaded" in db.notices[1][1]
    db.execute(f"truncate {t}")
    fails(db, t, path, "maxerror 7")  # as many as that fail it
    assert rows(db, t) == []
    copy(db, t, path, "noload maxerror 100")
    assert rows(db, t) == []


def test_options_without_effect(db, bucket, table):
    t = table("i int")
    copy(db, t, put(bucket, "plain/no-effect", "1\n"), "compupdate off statupdate on comprows 1000 region 'eu-west-1' readratio 50 ignoreallerrors")
    assert rows(db, t) == [(1,)]


def test_identity_columns(db, bucket, table):
    t = table("id int identity(10, 5), v varchar(5)")
    copy(db, t, put(bucket, "identity/a", "a\nb\n"))
    assert sorted(r[0] for r in rows(db, t)) == [10, 15]
    copy(db, t, put(bucket, "identity/b", "7|c\n"), "explicit_ids")
    assert (7, "c") in rows(db, t)


def test_a_load_is_part_of_its_transaction(db, bucket, table):
    t = table("i int")
    path = put(bucket, "transaction/a", "1\n2\n")
    db.execute("begin")
    copy(db, t, path)
    assert len(rows(db, t)) == 2
    db.execute("rollback")
    assert rows(db, t) == []


def test_a_load_is_no_read(db, bucket, table):
    t = table("i int")
    db.execute("begin read only")
    assert fails(db, t, put(bucket, "transaction/b", "1\n")).sqlstate == "25006"
    db.execute("rollback")


def test_a_killed_load_leaves_nothing(server, db, bucket, table):
    t = table("i int, v varchar(100)")
    path = put(bucket, "killed/a", "".join(f"{i}|{'x' * 90}\n" for i in range(300_000)))
    outcomes = set()
    for delay in (0.0, 0.1, 0.2, 0.4, 0.8):
        with server.connect() as loader:
            timer = threading.Timer(delay, kill_workers, [server])
            timer.start()
            try:
                copy(loader, t, path)
                outcomes.add("loaded")
            except psycopg.Error as error:
                outcomes.add(error.sqlstate)
            timer.join()
        def counted():
            try:
                with server.connect() as after:
                    return after.execute(f"select count(*) from {t}").fetchone()
            except psycopg.Error as error:
                assert error.sqlstate == "57P02"  # it met the killed one
                return None

        count = wait_until("a new worker", counted, 30)[0]
        assert count in (0, 300_000)
        with server.connect() as after:
            after.execute(f"truncate {t}")
    assert "57P02" in outcomes, outcomes


def test_a_load_into_a_temporary_table(db, bucket):
    db.execute("create temp table here (i int, v varchar(5))")
    copy(db, "here", put(bucket, "temp/a", "1|a\n"))
    assert rows(db, "here") == [(1, "a")]


def test_what_was_loaded_is_told(db, bucket, table):
    t = table("i int")
    assert db.execute("select pg_last_copy_count(), pg_last_copy_id()").fetchone() == (0, -1)
    path = put(bucket, "told/a.csv", "1\n2\nx\n")
    put(bucket, "told/b.csv", "4\n")
    copy(db, t, f"s3://{BUCKET}/told/", "csv maxerror 5")
    count, number = db.execute("select pg_last_copy_count(), pg_last_copy_id()").fetchone()
    assert count == 3 and number > 0
    assert db.execute("select status, table_name, data_source, file_format, loaded_rows, source_file_count, source_file_bytes, error_count, "
                      "copy_job_id from sys_load_history where query_id = %s", (number,)).fetchall() == [
        ("completed", t, f"s3://{BUCKET}/told/", "csv", 3, 2, 8, 1, 0)]
    assert db.execute("select trim(filename), lines_scanned from stl_load_commits where query = %s order by 1", (number,)).fetchall() == [
        (path, 3), (f"s3://{BUCKET}/told/b.csv", 1)]
    assert db.execute("select file_name, bytes_scanned, lines_scanned from sys_load_detail where query_id = %s order by 1", (number,)).fetchall() == [
        (path, 6, 3), (f"s3://{BUCKET}/told/b.csv", 2, 1)]
    assert db.execute("select query from stl_load_errors where filename = %s", (path,)).fetchall() == [(number,)]
    fails(db, t, f"s3://{BUCKET}/told/nothing", "csv")
    assert db.execute("select pg_last_copy_count()").fetchone() == (0,)
    assert db.execute(f"select status, loaded_rows from sys_load_history where data_source = 's3://{BUCKET}/told/nothing'").fetchall() == [("aborted", 0)]
    with db.transaction(force_rollback=True):
        copy(db, t, path, "csv ignoreallerrors")
    assert db.execute(f"select status from sys_load_history where data_source = '{path}'").fetchall() == [("completed",)]  # its transaction was not


@pytest.mark.parametrize("options, code", [
    ("csv json 'auto'", "42601"), ("delimiter 'ab'", "22023"), ("maxerror 100001", "22023"), ("json 'all'", "22023"), ("fixedwidth 'a'", "22023"),
    ("encoding 'klingon'", "22023"), ("csv escape", "42601"), ("parquet csv", "42601"), ("encrypted", "22023"), ("quote 'ab' csv", "22023")])
def test_options_that_do_not_go(db, bucket, table, options, code):
    assert fails(db, table("i int"), f"s3://{BUCKET}/plain/a.txt", options).sqlstate == code


def test_sources_that_do_not_go(db, bucket, table):
    t = table("i int")
    for source, role, code in [("emr://x/y", ROLE, "0A000"), ("/etc/passwd", ROLE, "0A000"), ("s3://copies-of-others/x", ROLE, "58P01"),
                               (f"s3://{BUCKET}/nothing/here", ROLE, "58P01"), (f"s3://{BUCKET}/plain/a.txt", UNTRUSTING_ROLE, "42501"),
                               (f"s3://{BUCKET}/plain/a.txt", UNKNOWN_ROLE, "28000"), (f"s3://{BUCKET}/plain/a.txt", f"{UNTRUSTING_ROLE},{ROLE}", "42501")]:
        with pytest.raises(psycopg.Error) as failed:
            db.execute(f"copy {t} from '{source}' iam_role '{role}'")
        assert failed.value.sqlstate == code, (source, role, str(failed.value))
    for text, code in [(f"copy {t} from 's3://{BUCKET}/plain/a.txt'", "22023"), (f"copy {t} from 's3://{BUCKET}/plain/a.txt' iam_role default", "28000"),
                       (f"copy {t} from 's3://{BUCKET}/plain/a.txt' access_key_id 'A' secret_access_key 'S'", "42501"),
                       (f"copy {t} from 's3://{BUCKET}/plain/a.txt' access_key_id 'A'", "22023"),
                       ("copy nowhere from 's3://b/k' iam_role 'r'", "42P01"), (f"copy {t} (j) from 's3://b/k' iam_role 'r'", "42703"),
                       (f"insert into {t} select * from rs_copy('x')", "42883"), ("select * from rs_kept('load_errors')", "42883")]:
        with pytest.raises(psycopg.Error) as failed:
            db.execute(text)
        assert failed.value.sqlstate == code, (text, str(failed.value))
    assert db.execute("select 1").fetchone() == (1,)


# Access keys in place of roles.

@pytest.fixture
def keyed(server, bucket, api_user):
    """An IAM user who may read keyed/ of the bucket, and a role's session that may read keyed/b/ alone."""
    from support.identity import allow, iam_role, iam_user, trust
    from support.server import ACCOUNT
    put(bucket, "keyed/a/1.txt", "1|one\n")
    put(bucket, "keyed/b/1.txt", "2|two\n")
    put(bucket, "closed/1.txt", "9|closed\n")
    iam = server.client("iam", api_user)
    arn = f"arn:aws:s3:::{BUCKET}"
    listing = allow("s3:ListBucket", arn, Condition={"StringLike": {"s3:prefix": "keyed/*"}})
    with iam_user(server, iam, listing, allow("s3:GetObject", f"{arn}/keyed/*"), allow("sts:AssumeRole")) as user:
        with iam_role(iam, trust({"AWS": f"arn:aws:iam::{ACCOUNT}:user/{user.name}"}), listing, allow("s3:GetObject", f"{arn}/keyed/b/*")) as role:
            session = server.client("sts", user).assume_role(RoleArn=role, RoleSessionName="copy")["Credentials"]
            yield user, session, iam


def with_keys(user):
    return f"access_key_id '{user.access_key}' secret_access_key '{user.secret_key}'"


def with_session(session, **other):
    s = {**session, **other}
    return f"access_key_id '{s['AccessKeyId']}' secret_access_key '{s['SecretAccessKey']}' session_token '{s['SessionToken']}'"


def said(failed):
    """All that the server said; the client shows the statement's own line beside it."""
    d = failed.diag
    return [str(m) for m in (d.message_primary, d.message_detail, d.message_hint, d.context, d.internal_query)]


def refused_keys(db, text, code="42501"):
    with pytest.raises(psycopg.Error) as failed:
        db.execute(text)
    assert failed.value.sqlstate == code, (text[:40], str(failed.value))
    return str(failed.value)


def test_access_keys_read_what_their_owner_may(db, bucket, table, keyed):
    user, session, _ = keyed
    t = table("i int, t varchar(10)")
    db.execute(f"copy {t} from 's3://{BUCKET}/keyed/a/' {with_keys(user)}")
    db.execute(f"copy {t} from 's3://{BUCKET}/keyed/b/' credentials 'aws_access_key_id={user.access_key};aws_secret_access_key={user.secret_key}'")
    db.execute(f"copy {t} from 's3://{BUCKET}/keyed/b/' {with_session(session)}")
    db.execute(f"copy {t} from 's3://{BUCKET}/keyed/b/' with credentials 'aws_access_key_id={session['AccessKeyId']};"
               f"aws_secret_access_key={session['SecretAccessKey']};token={session['SessionToken']}'")
    assert rows(db, t) == [(1, "one"), (2, "two"), (2, "two"), (2, "two")]
    refused_keys(db, f"copy {t} from 's3://{BUCKET}/closed/' {with_keys(user)}")
    said = refused_keys(db, f"copy {t} from 's3://{BUCKET}/keyed/a/' {with_session(session)}")
    assert "assumed-role" in said and "s3:GetObject" in said
    assert len(rows(db, t)) == 4


def test_parquet_is_loaded_with_keys(db, bucket, table, keyed, tmp_path):
    user, _, _ = keyed
    duckdb.execute(f"copy (select 7::integer as i, 'seven' as t) to '{tmp_path}/p.parquet'")
    put(bucket, "keyed/p/p.parquet", (tmp_path / "p.parquet").read_bytes())
    t = table("i int, t varchar(10)")
    db.execute(f"copy {t} from 's3://{BUCKET}/keyed/p/' {with_keys(user)} parquet")
    assert rows(db, t) == [(7, "seven")]
    refused_keys(db, f"copy {t} from 's3://{BUCKET}/keyed/p/' access_key_id '{user.access_key}' secret_access_key 'x' parquet")


def test_keys_that_are_not_whole_are_refused(server, db, bucket, table, keyed):
    user, session, iam = keyed
    t = table("i int, t varchar(10)")
    source = f"copy {t} from 's3://{BUCKET}/keyed/b/'"
    plain = server.add_user("copies_keyless_user", access_key=True)
    attacks = [f"access_key_id '{user.access_key}' secret_access_key '{user.secret_key[:-1]}'",
               f"access_key_id '{user.access_key}' secret_access_key '{plain.secret_key}'",
               f"access_key_id 'AKIAAAAAAAAAAAAAAAAA' secret_access_key '{user.secret_key}'",
               f"access_key_id '{session['AccessKeyId']}' secret_access_key '{session['SecretAccessKey']}'",
               with_session(session, SecretAccessKey="x" * 40), with_session(session, SessionToken=session["SessionToken"][:-4] + "AAAA"),
               with_session(session, AccessKeyId=user.access_key), f"{with_keys(user)} session_token '{session['SessionToken']}'",
               with_keys(plain)]  # a key of the workspace's own user has no policies
    for attack in attacks:
        refused_keys(db, f"{source} {attack}")
    refused_keys(db, f"{source} {with_keys(user)} iam_role '{ROLE}'", "42601")
    refused_keys(db, f"{source} secret_access_key '{user.secret_key}'", "22023")
    refused_keys(db, f"{source} session_token 'x'", "22023")
    assert rows(db, t) == []
    # A key that was taken back, and a user that is gone, end with the next statement.
    iam.update_access_key(UserName=user.name, AccessKeyId=user.access_key, Status="Inactive")
    refused_keys(db, f"{source} {with_keys(user)}")
    iam.update_access_key(UserName=user.name, AccessKeyId=user.access_key, Status="Active")
    db.execute(f"{source} {with_keys(user)}")
    assert len(rows(db, t)) == 1


def test_keys_stand_in_no_log_history_error_or_view(server, db, bucket, table, keyed, api_user, execute_statement, data_api):
    user, session, _ = keyed
    t = table("i int, t varchar(10)")
    secrets = [user.secret_key, session["SecretAccessKey"], session["SessionToken"]]
    texts = []
    for options in (with_keys(user), with_session(session)):
        for broken in ("", " maxerrors 3", " delimiter 'xx'", " json 'auto' csv"):
            try:
                db.execute(f"copy {t} from 's3://{BUCKET}/keyed/b/' {options}{broken}")
            except psycopg.Error as failed:
                texts += said(failed)
        try:
            texts += [str(r) for r in db.execute(f"explain insert into {t} select 1, 'x'").fetchall()]
            db.execute(f"explain copy {t} from 's3://{BUCKET}/keyed/b/' {options}")
        except psycopg.Error as failed:
            texts += said(failed)
        made = execute_statement(data_api, f"copy {t} from 's3://{BUCKET}/keyed/b/' {options}")
        texts.append(str(data_api.describe_statement(Id=made["Id"])))
        assert made["Status"] == "FINISHED"
    texts.append(str(data_api.list_statements(Status="ALL")))
    for view in ("sys_load_error_detail", "stl_load_errors", "sys_external_query_detail", "svl_s3query"):
        texts += [str(r) for r in db.execute(f"select * from {view}").fetchall()]
    texts.append(server.log())
    assert len(texts) > 8
    for secret in secrets:
        assert not any(secret in text for text in texts)
    assert "access_keys_used" in server.log() and user.access_key in server.log()  # who read is an audit record
