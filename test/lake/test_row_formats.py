"""How rows lie in text files: SerDes and their properties, and what becomes of values that do not fit."""

import datetime
import decimal
import gzip
import uuid

import psycopg
import pytest

from support.server import ROLE

BUCKET = "row-formats"
LAZY = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
REGEX = "org.apache.hadoop.hive.serde2.RegexSerDe"
GROK = "com.amazonaws.glue.serde.GrokSerDe"
OPENCSV = "org.apache.hadoop.hive.serde2.OpenCSVSerde"


@pytest.fixture(scope="module")
def db(server, lake):
    lake.client().create_bucket(Bucket=BUCKET)
    with server.connect() as one:
        one.execute(f"create external schema rowsof from data catalog database 'rows_of' iam_role '{ROLE}' create external database if not exists")
        yield one
        one.execute("drop schema rowsof drop external database cascade")


@pytest.fixture
def table(db, lake):
    """Makes an external table over these bytes and answers its name."""
    def make(columns, body, serde=LAZY, serde_properties="", properties="", name="a.txt", partitioned=False):
        folder = f"t{uuid.uuid4().hex[:8]}"
        lake.put(BUCKET, f"{folder}/{name}", body)
        quoted = lambda p: ", ".join("'{}'='{}'".format(k, v.replace("\\", "\\\\").replace("'", "''")) for k, v in p.items())
        db.execute(f"create external table rowsof.{folder} ({columns}) row format serde '{serde}' "
                   + (f"with serdeproperties ({quoted(serde_properties)}) " if serde_properties else "")
                   + f"stored as textfile location 's3://{BUCKET}/{folder}/' " + (f"table properties ({quoted(properties)})" if properties else ""))
        return f"rowsof.{folder}"
    return make


def rows(db, name, order="1"):
    return db.execute(f"select * from {name} order by {order}").fetchall()


def fails(db, sql):
    with pytest.raises(psycopg.Error) as failed:
        db.execute(sql)
    return failed.value


def test_lazy_simple_with_its_options(db, table):
    t = table("i int, t varchar(20), d date", "id;text;day\nignored;too;\n1;a\\;b;2026-01-02\n2;nil;nil\n3;c\n4;d;2026-01-03;extra\n",
              serde_properties={"field.delim": ";", "escape.delim": "\\", "serialization.null.format": "nil"}, properties={"skip.header.line.count": "2"})
    assert rows(db, t) == [(1, "a;b", datetime.date(2026, 1, 2)), (2, None, None), (3, "c", None), (4, "d", datetime.date(2026, 1, 3))]


def test_lines_that_end_otherwise(db, table):
    t = table("i int, t varchar(20)", "1,a\nb~2,c~3,d", serde_properties={"field.delim": ",", "line.delim": "~"})
    assert rows(db, t) == [(1, "a\nb"), (2, "c"), (3, "d")]
    assert db.execute(f"select count(*), count(distinct \"$path\"), min(\"$size\") from {t}").fetchone() == (3, 1, 13)


def test_open_csv(db, table):
    t = table("i int, t varchar(20), u varchar(20)", "1;'a;b';''\n2;'it\\'s';x\n", serde=OPENCSV,
              serde_properties={"separatorChar": ";", "quoteChar": "'", "escapeChar": "\\"})
    assert [r[:2] for r in rows(db, t)] == [(1, "a;b"), (2, "it's")]


def test_regex_serde(db, table):
    log = '10.0.0.1 - [10/Oct/2000:13:55:36] "GET /a" 200 12\nnothing that matches\n10.0.0.2 - [11/Oct/2000:01:02:03] "PUT /b b" 404 -\n'
    columns = "host varchar(20), moment varchar(30), request varchar(30), status int, size int"
    t = table(columns, log, serde=REGEX, serde_properties={"input.regex": r'^([^ ]+) - \[([^\]]+)\] "([^"]*)" (\d+) (\d+|-)$'})
    assert rows(db, t, "status nulls first") in ([(None,) * 5, ("10.0.0.1", "10/Oct/2000:13:55:36", "GET /a", 200, 12), ("10.0.0.2", "11/Oct/2000:01:02:03", "PUT /b b", 404, None)],)
    assert db.execute(f"select sum(size), max(host) from {t} where status < 300").fetchone() == (12, "10.0.0.1")
    upper = table("a varchar(9), b varchar(9)", "GET x\nget Y\n", serde=REGEX, serde_properties={"input.regex": "(get) ([a-z]+)", "input.regex.case.insensitive": "true"})
    assert rows(db, upper) == [("GET", "x"), ("get", "Y")]
    fewer = table("a varchar(9), b varchar(9), c varchar(9)", "x y\n", serde=REGEX, serde_properties={"input.regex": "(\\w) (\\w)"})
    assert rows(db, fewer) == [("x", "y", None)]


def test_grok_serde(db, table):
    log = 'Feb  9 07:15:00 m4eastmail postfix/smtpd[19305]: B88C4120838: connect from unknown[192.168.55.4]\nnot at all\n'
    t = table("syslogbase varchar(100), queue_id varchar(20), syslog_message varchar(100), pid int", log, serde=GROK, serde_properties={
        "input.format": "%{SYSLOGBASE} %{POSTFIX_QUEUEID:queue_id}: %{GREEDYDATA:syslog_message}", "input.grokCustomPatterns": "POSTFIX_QUEUEID [0-9A-F]{10,11}"})
    assert rows(db, t, "pid") == [("Feb  9 07:15:00 m4eastmail postfix/smtpd[19305]:", "B88C4120838", "connect from unknown[192.168.55.4]", 19305), (None,) * 4]
    apache = '127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /a.gif HTTP/1.0" 200 2326\n'
    t = table("clientip varchar(40), verb varchar(9), request varchar(40), response smallint, bytes bigint, nothing int", apache, serde=GROK, serde_properties={"input.format": "%{COMMONAPACHELOG}"})
    assert rows(db, t) == [("127.0.0.1", "GET", "/a.gif", 200, 2326, None)]


@pytest.mark.parametrize("serde, properties, code", [
    (REGEX, {}, "22000"), (REGEX, {"input.regex": "("}, None), (GROK, {"input.format": "%{NO_SUCH_PATTERN:x}"}, "0A000"), (GROK, {}, "22000"),
    (GROK, {"input.format": "%{A}", "input.grokCustomPatterns": "A %{A}"}, "22023"), (LAZY, {"line.delim": "ab"}, "0A000")])
def test_formats_that_cannot_be_read(db, table, serde, properties, code):
    t = table("a varchar(9)", "x\n", serde=serde, serde_properties=properties)
    failed = fails(db, f"select * from {t}")
    assert code is None or failed.sqlstate == code, (failed.sqlstate, str(failed))
    assert db.execute("select 1").fetchone() == (1,)


def test_an_expression_that_takes_forever_is_stopped(db, table):
    t = table("a varchar(99)", "a" * 60 + "!\n", serde=REGEX, serde_properties={"input.regex": "((a+)+)+$"})
    try:
        assert rows(db, t) == [(None,)]
    except psycopg.Error as failed:
        assert "XX000" != failed.sqlstate
    assert db.execute("select 1").fetchone() == (1,)


def test_nested_types_are_refused_by_name(db, table):
    t = table("a array<int>", "1\n", serde=REGEX, serde_properties={"input.regex": "(.*)"})
    failed = fails(db, f"select count(*) from {t}")
    assert failed.sqlstate == "0A000" and "array" in str(failed)


HANDLED = {"data_cleansing_enabled": "true"}


@pytest.mark.parametrize("handling, expected", [
    ("SET_TO_NULL", [(1, "abc"), (2, None), (3, "äb")]), ("TRUNCATE", [(1, "abc"), (2, "abc"), (3, "äb")]), ("DROP_ROW", [(1, "abc"), (3, "äb")]),
    ("DISABLED", [(1, "abc"), (2, "abcd"), (3, "äb")]), (None, [(1, "abc"), (2, None), (3, "äb")]), ("FAIL", "22001")])
def test_surplus_char_handling(db, table, handling, expected):
    t = table("i int, t varchar(3)", "1|abc\n2|abcd\n3|äb\n".encode(), serde_properties={"field.delim": "|"},
              properties=HANDLED | ({"surplus_char_handling": handling} if handling else {}))
    if isinstance(expected, str):
        assert fails(db, f"select * from {t}").sqlstate == expected
    else:
        assert rows(db, t) == expected


def test_handled_values_are_told(db, table):
    t = table("i int, t varchar(3)", "h\n1|abc\n2|abcdef\n3|wxyz\n", serde_properties={"field.delim": "|"},
              properties=HANDLED | {"surplus_char_handling": "TRUNCATE", "skip.header.line.count": "1"})
    db.execute(f"select * from {t}").fetchall()
    query = db.execute("select max(query_id) from sys_external_query_detail where table_name = %s", (f"dev.{t}",)).fetchone()[0]
    told = db.execute("select location, rowid, colname, original_value, modified_value, trigger, action, error_code from svl_spectrum_scan_error where query = %s order by rowid", (query,)).fetchall()
    place = f"s3://{BUCKET}/{t.split('.')[1]}/a.txt"
    assert told == [(place, "2", "t", "abcdef", "abc", "UNSPECIFIED", "TRUNCATE", 156), (place, "3", "t", "wxyz", "wxy", "UNSPECIFIED", "TRUNCATE", 156)]
    assert db.execute("select count(*) from sys_external_query_error where query_id = %s and action = 'TRUNCATE'", (query,)).fetchone() == (2,)
    many = table("t varchar(1)", b"ab\xff\n" * 500, properties=HANDLED | {"surplus_char_handling": "DROP_ROW", "invalid_char_handling": "REPLACE"})
    assert rows(db, many) == []
    query = db.execute("select max(query_id) from sys_external_query_detail where table_name = %s", (f"dev.{many}",)).fetchone()[0]
    assert db.execute("select count(*) from svl_spectrum_scan_error where query = %s", (query,)).fetchone() == (10,)


def test_truncate_cuts_between_characters(db, table):
    t = table("t varchar(4)", "aäää\n".encode(), properties=HANDLED | {"surplus_char_handling": "TRUNCATE"})
    assert rows(db, t) == [("aä",)]


@pytest.mark.parametrize("handling, expected", [
    ("SET_TO_NULL", [(1, 7), (2, None), (3, None)]), ("DROP_ROW", [(1, 7), (3, None)]), ("FAIL", "22003"), (None, [(1, 7), (2, None), (3, None)])])
def test_numeric_overflow_handling(db, table, handling, expected):
    t = table("i int, n smallint", "1|7\n2|99999\n3|words\n", serde_properties={"field.delim": "|"},
              properties=HANDLED | ({"numeric_overflow_handling": handling} if handling else {}))
    if isinstance(expected, str):
        assert fails(db, f"select * from {t}").sqlstate == expected
    else:
        assert rows(db, t) == expected


@pytest.mark.parametrize("handling, expected", [
    ("SET_TO_NULL", [(1, "ok"), (2, None)]), ("DROP_ROW", [(1, "ok")]), ("REPLACE", [(1, "ok"), (2, "a_b")]), ("FAIL", "22000"), ("DISABLED", "22000")])
def test_invalid_char_handling(db, table, handling, expected):
    t = table("i int, t varchar(9)", b"1|ok\n2|a\xffb\n", serde_properties={"field.delim": "|"},
              properties=HANDLED | {"invalid_char_handling": handling, "replacement_char": "_"})
    if isinstance(expected, str):
        assert fails(db, f"select * from {t}").sqlstate == expected
    else:
        assert rows(db, t) == expected


@pytest.mark.parametrize("handling, expected", [
    ("SET_TO_NULL", [(1, "a", None), (2, "b", "c"), (3, "d", "e")]), ("DROP_ROW", [(2, "b", "c")]), ("DISABLED", [(1, "a", None), (2, "b", "c"), (3, "d", "e")]), ("FAIL", "22000")])
def test_column_count_mismatch_handling(db, table, handling, expected):
    t = table("i int, t varchar(9), u varchar(9)", "1|a\n2|b|c\n3|d|e|f\n", serde_properties={"field.delim": "|"},
              properties=HANDLED | {"column_count_mismatch_handling": handling})
    if isinstance(expected, str):
        assert fails(db, f"select * from {t}").sqlstate == expected
    else:
        assert rows(db, t) == expected


def test_types_headers_and_compression_of_handled_text(db, table):
    body = gzip.compress("h\n1,12.50,true,2026-01-02,2026-01-02 03:04:05,1.5\n,,,,,\n".encode())
    t = table("i bigint, p decimal(8,2), b boolean, d date, m timestamp, f double precision", body, serde_properties={"field.delim": ","},
              properties=HANDLED | {"skip.header.line.count": "1"}, name="a.txt.gz")
    assert rows(db, t, "i nulls last") == [(1, decimal.Decimal("12.50"), True, datetime.date(2026, 1, 2), datetime.datetime(2026, 1, 2, 3, 4, 5), 1.5), (None,) * 6]
    assert db.execute(f"select m, i from {t} where i = 1").fetchall() == [(datetime.datetime(2026, 1, 2, 3, 4, 5), 1)]


def test_unknown_handling_is_refused(db, table):
    t = table("i int", "1\n", properties=HANDLED | {"surplus_char_handling": "MAYBE"})
    assert fails(db, f"select * from {t}").sqlstate == "0A000"


def test_many_lines_and_files(db, lake, table):
    t = table("i int, t varchar(30)", "".join(f"{i}|line {i}\n" for i in range(50_000)), serde_properties={"field.delim": "|"}, properties=HANDLED)
    folder = t.split(".")[1]
    for part in range(5):
        lake.put(BUCKET, f"{folder}/part{part}.txt", "".join(f"{i}|more\n" for i in range(3000)) + "7|without an end")
    lake.put(BUCKET, f"{folder}/empty.txt", "")
    assert db.execute(f"select count(*), sum(i), count(distinct \"$path\"), count(distinct t) from {t}").fetchone() == (
        50_000 + 15_005, sum(range(50_000)) + 5 * (sum(range(3000)) + 7), 6, 50_002)
    assert db.execute(f"select count(*) from {t} where \"$path\" like '%part3%'").fetchone() == (3001,)
    long = table("t varchar(99)", "x" * (5 << 20) + "\n", properties=HANDLED)
    assert fails(db, f"select * from {long}").sqlstate == "22000"


@pytest.fixture(scope="module")
def customers(db, lake):
    lake.put(BUCKET, "customers/a.json", "\n".join([
        '{"id":1,"name":{"given":"John","family":"Smith"},"phones":["123","456"],"orders":[{"day":"2018-03-01","price":100.5},{"day":"2018-03-02","price":99.5}],"m":{"home":"h1","work":"w1"}}',
        '{"id":2,"name":{"given":"Jenny","family":"Doe"},"phones":[],"orders":[],"m":{}}', '{"id":3}']))
    db.execute(f"""create external table rowsof.customers (id int, name struct<given:varchar(20),family:varchar(20)>, phones array<varchar(20)>,
                   orders array<struct<day:varchar(20),price:double precision>>, m map<varchar(20),varchar(20)>)
                   row format serde 'org.openx.data.jsonserde.JsonSerDe' stored as textfile location 's3://{BUCKET}/customers/'""")
    return "rowsof.customers"


@pytest.mark.parametrize("sql, expected", [
    ("select c.id, c.name.given, name.family from {} c order by 1", [(1, "John", "Smith"), (2, "Jenny", "Doe"), (3, None, None)]),
    ("select c.id, o.day from {} c, c.orders o order by 2", [(1, "2018-03-01"), (1, "2018-03-02")]),
    ("select c.id, o.price from {} c left join c.orders o on true order by 1, 2", [(1, 99.5), (1, 100.5), (2, None), (3, None)]),
    ("select c.name.given, p from {} c, c.phones p order by 2", [("John", "123"), ("John", "456")]),
    ("select c.id, m.value from {} c, c.m m where m.key = 'home'", [(1, "h1")]),
    ("select c.id, m.key, m.value from {} c, c.m order by 2", [(1, "home", "h1"), (1, "work", "w1")]),
    ("select c.id, (select count(*) from c.orders o where o.price > 100), (select count(*) from c.m m) from {} c order by 1", [(1, 1, 2), (2, 0, 0), (3, 0, 0)])])
def test_nested_columns(db, customers, sql, expected):
    assert db.execute(sql.format(customers)).fetchall() == expected


def test_pseudo_columns_can_be_switched_off(server, db, customers):
    with server.connect() as one:
        assert one.execute(f'select distinct "$path" from {customers}').fetchone() == (f"s3://{BUCKET}/customers/a.json",)
        one.execute("set spectrum_enable_pseudo_columns to false")
        assert fails(one, f'select "$path" from {customers}').sqlstate == "42703"
        assert fails(one, f'select "$size" from {customers}').sqlstate == "42703"
        assert one.execute(f"select count(*) from {customers}").fetchone() == (3,)
        one.execute("set spectrum_enable_pseudo_columns to true")
        assert one.execute(f'select count("$size") from {customers}').fetchone() == (3,)
