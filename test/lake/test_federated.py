"""External schemas of PostgreSQL databases (FROM POSTGRES): federated queries against a real server, and against servers that are none."""

import contextlib
import decimal
import json
import math
import socket
import struct
import threading
import uuid

import psycopg
import pytest

from support import postgres as pg
from support.process import wait_until

PASSWORD = "s3cret-of-the-orders"
ACCOUNT = "123456789012"
SECRET = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:orders-AbCdEf"
WRONG_SECRET = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:wrong"
WEAK_SECRET = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:weak"
BOUND_SECRET = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:bound"
HIDDEN_SECRET = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:hidden"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/federated"
STRANGE_ROLE = f"arn:aws:iam::{ACCOUNT}:role/of-another-workspace"
PLAIN_ROLE = f"arn:aws:iam::{ACCOUNT}:role/without-secrets"


def code_of(db, sql, *parameters):
    with pytest.raises(psycopg.Error) as failed:
        db.execute(sql, *parameters)
    assert PASSWORD not in str(failed.value)
    return failed.value.sqlstate


def message_of(db, sql):
    with pytest.raises(psycopg.Error) as failed:
        db.execute(sql)
    assert PASSWORD not in str(failed.value)
    return str(failed.value)


class Remote:
    def __init__(self, port):
        self.port = port

    def connect(self, database=pg.DATABASE):
        return psycopg.connect(host="127.0.0.1", port=self.port, user=pg.USER, password=PASSWORD, dbname=database, autocommit=True)


@pytest.fixture(scope="module")
def remote():
    if reason := pg.missing():
        pytest.skip(reason)
    with pg.postgres(password=PASSWORD) as port:
        one = Remote(port)
        with one.connect() as db:
            db.execute("create role weak login password 'weak-password'")
            db.execute("create schema sales")
            db.execute("grant usage on schema sales to weak")
            db.execute("create type mood as enum ('sad', 'happy')")
            db.execute("create domain price as numeric(8,2) check (value >= 0)")
            db.execute("""create table sales.orders (id int primary key, name varchar(20), code char(4), price price, day date, at timestamptz,
                          note text)""")
            db.execute("""insert into sales.orders select i, 'name ' || i, 'c' || i % 3, i * 1.25, date '2026-01-01' + i % 30,
                          timestamptz '2026-01-01 00:00:00+00' + i * interval '1 hour', case when i % 7 = 0 then null else repeat('x', i % 50) end
                          from generate_series(1, 10000) i""")
            db.execute("create view sales.dear as select id, price from sales.orders where price > 12000")
            db.execute('create table sales."Odd ""Name"" --" (id int, "a""; drop table x; --" text)')
            db.execute("""insert into sales."Odd ""Name"" --" values (1, 'it''s "quoted" \\ and long')""")
            db.execute("analyze")
        yield one


@pytest.fixture(scope="module")
def fake():
    """A server that is no PostgreSQL: it answers what a test puts into it."""
    with FakeServer() as one:
        yield one


@pytest.fixture(scope="module")
def skep(tmp_path_factory, remote, fake):
    from support.server import Server

    server = Server(tmp_path_factory.mktemp("skep-federated"))
    (server.folder).mkdir(parents=True, exist_ok=True)
    (server.folder / "orders.password").write_text(PASSWORD + "\n")
    secrets = [(SECRET, pg.USER, 'password_file = "orders.password"', ""), (WRONG_SECRET, pg.USER, 'password = "not-the-password"', ""),
               (WEAK_SECRET, "weak", 'password = "weak-password"', ""), (HIDDEN_SECRET, pg.USER, f'password = "{PASSWORD}"', ""),
               (BOUND_SECRET, pg.USER, f'password = "{PASSWORD}"', 'host = "orders.example.com"')]
    readable = ", ".join(f'"{arn}"' for arn in (SECRET, WRONG_SECRET, WEAK_SECRET, BOUND_SECRET))
    lines = []
    for arn, user, password, more in secrets:
        lines += ["[[secret]]", f'arn = "{arn}"', f'username = "{user}"', password, more, ""]
    for port in (remote.port, fake.port, 1):
        lines += ["[[federated_host]]", 'name = "127.0.0.1"', f"port = {port}", 'sslmode = "prefer"', ""]
    lines += ["[[federated_host]]", 'name = "169.254.169.254"', "port = 80", ""]
    lines += ["[[role]]", f'arn = "{ROLE}"', 'trust = ["workspace:default"]', f"secrets = [{readable}]", "",
              "[[role]]", f'arn = "{STRANGE_ROLE}"', 'trust = ["workspace:somebody-else"]', f"secrets = [{readable}]", "",
              "[[role]]", f'arn = "{PLAIN_ROLE}"', 'trust = ["workspace:default"]', ""]
    server.more_config = "\n".join(lines)
    server.init().start()
    yield server
    log = server.log()
    server.stop()
    assert PASSWORD not in log and "not-the-password" not in log and "weak-password" not in log


def define(db, port, *, schema="sales", database=pg.DATABASE, host="127.0.0.1", role=ROLE, secret=SECRET, name=None):
    name = name or f"fed_{uuid.uuid4().hex[:8]}"
    db.execute(f"""create external schema {name} from postgres database '{database}' schema '{schema}' uri '{host}' port {port}
                   iam_role '{role}' secret_arn '{secret}'""")
    return name


@pytest.fixture
def db(skep):
    with skep.connect() as one:
        yield one


@pytest.fixture(scope="module")
def sales(skep, remote):
    with skep.connect() as one:
        return define(one, remote.port)


# ---------------------------------------------------------------- reading


def test_answers_are_those_of_the_remote_database(db, remote, sales):
    queries = ["select count(*) from {}.orders", "select sum(id), min(day), max(at), sum(price), count(note) from {}.orders",
               "select id, name, code, price, day, note from {}.orders where id between 10 and 20 order by id",
               "select id from {}.orders where name = 'name 77'", "select id from {}.orders where code = 'c1' and id < 20 order by id",
               "select id from {}.orders where name in ('name 5', 'name 9') or note is null and id < 30 order by id",
               "select day, count(*) from {}.orders where day >= '2026-01-28' group by day order by day",
               "select count(*) from {}.orders where price > 99.5 and price <= 1000", "select count(*) from {}.orders where name > 'name 5'",
               "select count(*) from {}.orders where at < '2026-02-01 00:00:00'", "select id from {}.dear order by id limit 3",
               "select count(*) from {0}.orders a join {0}.orders b on a.id = b.id + 1 where a.id < 500",
               "select id from {}.orders where id = 3 or id = 5 and name <> 'name 5' order by id"]
    with remote.connect() as there:
        for query in queries:
            here = db.execute(query.format(sales)).fetchall()
            assert [tuple(str(v).rstrip() if isinstance(v, str) else v for v in row) for row in here] == \
                [tuple(str(v).rstrip() if isinstance(v, str) else v for v in row) for row in there.execute(query.format("sales")).fetchall()], query


def test_joins_with_tables_of_ones_own_and_ctas(db, sales):
    db.execute("create temporary table wanted as select 7 as id union all select 9")
    assert db.execute(f"select o.name from {sales}.orders o join wanted w on w.id = o.id order by 1").fetchall() == [("name 7",), ("name 9",)]
    db.execute(f"create table public.copied as select * from {sales}.orders where id <= 100")
    assert db.execute("select count(*), max(length(code)) from public.copied").fetchone()[0] == 100
    db.execute(f"insert into public.copied select * from {sales}.orders where id = 101")
    assert db.execute("select count(*) from public.copied").fetchone() == (101,)
    db.execute("drop table public.copied")


def test_types(db, remote):
    with remote.connect() as there:
        there.execute("drop table if exists sales.types")
        there.execute("""create table sales.types (b boolean, s smallint, i int, l bigint, n numeric(20,4), w numeric(38,0), f real, d double precision,
                         c char(5), v varchar(10), t text, day date, ts timestamp, tz timestamptz, tm time, iv interval, u uuid, j json, jb jsonb,
                         bin bytea, e mood, a int[], un numeric, m money, ip inet, nothing int)""")
        there.execute("""insert into sales.types values (true, -5, 70000, 5000000000, -1234567890123456.7891, 99999999999999999999999999999999999999, 1.5,
                         'NaN', 'ab', 'héllo', repeat('ü', 1000), '0044-03-15 BC', '2026-02-03 04:05:06.789', '2026-02-03 04:05:06+02', '12:34:56.5',
                         '1 year 2 days', '11111111-2222-3333-4444-555555555555', '{"a": [1, 2]}', '{"b": null}', '\\x00ff', 'happy', '{1,2,null}',
                         1.50, 12.34, '10.0.0.1/8', null)""")
        there.execute("insert into sales.types (b) values (null)")
    name = define(db, remote.port)
    cursor = db.execute(f"""select b, s, i, l, n, w, f, d, c, v, t, ts, tz, tm, iv, u, j, jb, bin, e, a, un, m, ip, nothing
                            from {name}.types where i is not null""")
    row = cursor.fetchone()
    assert row[:7] == (True, -5, 70000, 5000000000, decimal.Decimal("-1234567890123456.7891"), decimal.Decimal("9" * 38), 1.5)
    assert math.isnan(row[7])
    assert row[8] == "ab   " and row[9:11] == ("héllo", "ü" * 1000)
    assert (str(row[11]), row[12].timestamp()) == ("2026-02-03 04:05:06.789000", 1770084306)
    assert row[13:] == ("12:34:56.5", "1 year 2 days", "11111111-2222-3333-4444-555555555555", '{"a": [1, 2]}', '{"b": null}', "\\x00ff", "happy",
                        "{1,2,NULL}", "1.50", "$12.34", "10.0.0.1/8", None)
    assert db.execute(f"select date_part(year, day) from {name}.types where i = 70000").fetchone()[0] in (-44, -43)
    assert db.execute(f"select count(*) from {name}.types where i is null and t is null").fetchone() == (1,)
    types = dict(db.execute(f"select columnname, external_type from svv_external_columns where schemaname = '{name}' and tablename = 'types'").fetchall())
    assert types["n"] == "numeric(20,4)" and types["u"] == "uuid" and types["e"] == "public.mood" and types["c"] == "character(5)"


@pytest.mark.parametrize("value, kind, code", [("'infinity'", "date", "22008"), ("'-infinity'", "timestamp", "22008"), ("'NaN'", "numeric(8,2)", "22003"),
                                               ("repeat('x', 65536)", "text", "22001"), ("'infinity'", "timestamptz", "22008")])
def test_values_that_have_no_place(db, remote, value, kind, code):
    table = f"v_{uuid.uuid4().hex[:8]}"
    with remote.connect() as there:
        there.execute(f"create table sales.{table} (good int, x {kind})")
        there.execute(f"insert into sales.{table} values (1, {value})")
    name = define(db, remote.port)
    assert code_of(db, f"select x from {name}.{table}") == code
    # Who does not read it is not disturbed.
    assert db.execute(f"select good from {name}.{table}").fetchall() == [(1,)]


def test_names_with_quotes_and_case(db, remote):
    with remote.connect() as there:
        there.execute('create schema if not exists "Odd""; drop schema sales; --"')
        there.execute('create table if not exists "Odd""; drop schema sales; --".t as select 1 as x')
        there.execute('create table if not exists sales."Upper" as select 3 as "Column"')
    name = define(db, remote.port)
    db.execute("set enable_case_sensitive_identifier = on")
    assert db.execute(f'''select id, "a""; drop table x; --" from {name}."Odd ""Name"" --"''').fetchall() == [(1, 'it\'s "quoted" \\ and long')]
    assert db.execute(f'''select id from {name}."Odd ""Name"" --" where "a""; drop table x; --" = 'it\'\'s "quoted" \\\\ and long' ''').fetchall() == [(1,)]
    assert db.execute(f'select "Column" from {name}."Upper"').fetchall() == [(3,)]
    odd = define(db, remote.port, schema='Odd"; drop schema sales; --')
    assert db.execute(f"select x from {odd}.t").fetchall() == [(1,)]
    assert code_of(db, f"select * from {odd}.orders") == "42P01"


def test_filters_and_columns_reach_the_remote_database(db, sales):
    db.execute(f"select name from {sales}.orders where id = 77 and code = 'c2' and lower(name) = 'name 77'").fetchall()
    text, rows = db.execute("select external_query_text, returned_rows from sys_external_query_detail where source_type = 'PG' order by query_id desc limit 1").fetchone()
    assert "\"id\" = '77'::int" in text and "\"code\" = 'c2'::bpchar" in text and '"note"' not in text and "lower" not in text
    assert rows == 1
    federated = db.execute("select sourcetype, querytext, num_rows, num_bytes from svl_federated_query order by query desc limit 1").fetchone()
    assert federated[0].strip() == "PG" and federated[1] == text and federated[2] == 1 and federated[3] > 0
    assert db.execute("select count(*) from svl_s3query where external_table_name like '%orders%'").fetchone() == (0,)


@pytest.mark.parametrize("sql, rows, sent", [
    ("select * from {}.orders limit 3", 3, 3), ("select upper(name) || '!', id + 1 from {}.orders limit 5 offset 4", 5, 9),
    ("select count(*) from (select id from {}.orders limit 7) s", 1, 7), ("select top 4 id from {}.orders", 4, 4),
    ("select id from {}.orders limit 0", 0, None), ("select id from {}.orders limit 20000", 10000, 20000),
    ("select id from {}.orders where id > 9998 limit 5", 2, None), ("select id from {}.orders where lower(name) = 'name 9999' limit 1", 1, None),
    ("select id from {}.orders order by id desc limit 2", 2, None), ("select distinct code from {}.orders limit 3", 3, None),
    ("select count(*) from {}.orders limit 1", 1, None), ("select id from {}.orders union all select id from {}.orders limit 11", 11, None),
    ("select o.id from {}.orders o join {}.orders p on o.id = p.id limit 6", 6, None)])
def test_limits_are_sent_along_where_any_rows_will_do(db, sales, sql, rows, sent):
    db.execute("set enable_result_cache_for_session to off")
    before = db.execute("select coalesce(max(query_id), 0) from sys_external_query_detail").fetchone()[0]
    assert len(db.execute(sql.replace("{}", sales)).fetchall()) == rows
    texts = [t for t, in db.execute("select external_query_text from sys_external_query_detail where source_type = 'PG' and query_id > %s", (before,)).fetchall() if t]
    if sent is not None:
        assert len(texts) == 1 and f" limit {sent})" in texts[0], texts
    else:
        assert not any(" limit " in text for text in texts if not text.endswith(" limit 11) to stdout (format binary)")), texts


def test_one_statement_sees_one_moment(db, remote):
    with remote.connect() as there:
        there.execute("drop table if exists sales.moving")
        there.execute("create table sales.moving as select generate_series(1, 200000) as id, 0 as round")
        name = define(db, remote.port)
        stop = threading.Event()

        def change():
            with remote.connect() as other:
                turn = 0
                while not stop.is_set():
                    turn += 1
                    other.execute(f"update sales.moving set round = {turn} where id <= 1000")
                    other.execute(f"insert into sales.moving values ({300000 + turn}, {turn})")

        thread = threading.Thread(target=change)
        thread.start()
        try:
            for _ in range(3):
                a, b = db.execute(f"select (select count(*) from {name}.moving), (select count(*) from {name}.moving m where m.round >= 0)").fetchone()
                assert a == b
        finally:
            stop.set()
            thread.join()


def test_many_rows_and_an_early_end(db, remote):
    with remote.connect() as there:
        there.execute("drop table if exists sales.wide")
        there.execute("create table sales.wide as select i as id, repeat(md5(i::text), 200) as text from generate_series(1, 20000) i")
        name = define(db, remote.port)
        assert db.execute(f"select count(*), sum(length(text)) from {name}.wide").fetchone() == (20000, 20000 * 6400)
        # What nobody reads any more is not sent: the remote query ends with its statement.
        assert db.execute(f"select id from {name}.wide limit 1").fetchone()[0] > 0
        wait_until("the remote query ending", lambda: there.execute(
            "select count(*) from pg_stat_activity where application_name = 'skep' and state = 'active'").fetchone() == (0,))


def test_connections_are_closed(db, remote, sales):
    db.execute(f"select count(*) from {sales}.orders").fetchone()
    with remote.connect() as there:
        wait_until("connections being closed", lambda: there.execute(
            "select count(*) from pg_stat_activity where application_name = 'skep'").fetchone() == (0,))


def test_prepared_statements_and_views(db, remote, sales):
    for wanted in (3, 4):
        assert db.execute(f"select name from {sales}.orders where id = %s", (wanted,), prepare=True).fetchall() == [(f"name {wanted}",)]
    db.execute(f"create view public.late_orders as select id from {sales}.orders where id < 3 with no schema binding")
    assert db.execute("select count(*) from public.late_orders").fetchone() == (2,)
    db.execute("drop view public.late_orders")
    with db.transaction():
        assert db.execute(f"select count(*) from {sales}.orders where id < 6").fetchone() == (5,)


# ---------------------------------------------------------------- definitions and views


def test_definitions(db, remote):
    base = "create external schema x from postgres database 'd' "
    assert code_of(db, base + f"uri 'h' iam_role '{ROLE}'") == "42601"
    assert code_of(db, base + f"uri 'h' secret_arn '{SECRET}'") == "42601"
    assert code_of(db, base + f"iam_role '{ROLE}' secret_arn '{SECRET}'") == "42601"
    assert code_of(db, f"create external schema x from postgres uri 'h' iam_role '{ROLE}' secret_arn '{SECRET}'") == "42601"
    assert code_of(db, base + f"uri 'h' port 70000 iam_role '{ROLE}' secret_arn '{SECRET}'") in ("42601", "22023")
    assert code_of(db, base + f"uri 'h' iam_role '{ROLE}' secret_arn '{SECRET}' catalog_role '{ROLE}'") == "42601"
    name = define(db, remote.port)
    assert code_of(db, f"alter external schema {name} iam_role '{ROLE}'") == "0A000"
    assert code_of(db, f"drop schema {name} drop external database") == "0A000"
    db.execute(f"drop schema {name}")
    assert code_of(db, f"select 1 from {name}.orders") == "42P01"


@pytest.mark.parametrize("change", ["insert into {}.orders values (1)", "update {}.orders set id = 1", "delete from {}.orders", "truncate {}.orders",
                                    "drop table {}.orders", "alter table {}.orders add column y int", "create table {}.made (x int)",
                                    "create external table {}.made (x int) stored as parquet location 's3://b/p/'", "show external table {}.orders"])
def test_nothing_is_written(db, remote, sales, change):
    assert code_of(db, change.format(sales)) in ("0A000", "42501")
    with remote.connect() as there:
        assert there.execute("select count(*) from sales.orders").fetchone() == (10000,)


def test_system_views(db, remote, sales):
    kind, database, options = db.execute(f"select eskind, databasename, esoptions from svv_external_schemas where schemaname = '{sales}'").fetchone()
    assert (kind, database) == (3, pg.DATABASE)
    assert json.loads(options) == {"SCHEMA": "sales", "URI": "127.0.0.1", "PORT": remote.port, "SECRET_ARN": SECRET, "IAM_ROLE": ROLE}
    tables = db.execute(f"select tablename, tabletype, location from svv_external_tables where schemaname = '{sales}' and tablename in ('orders', 'dear') order by 1").fetchall()
    place = f"127.0.0.1:{remote.port}/{pg.DATABASE}"
    assert tables == [("dear", "VIEW", place), ("orders", "TABLE", place)]
    columns = db.execute(f"select columnname, external_type, columnnum, part_key from svv_external_columns where schemaname = '{sales}' and tablename = 'orders' order by 3").fetchall()
    assert columns[:4] == [("id", "integer", 1, 0), ("name", "character varying(20)", 2, 0), ("code", "character(4)", 3, 0), ("price", "public.price", 4, 0)]


def test_show_commands(db, sales):
    schemas = db.execute("show schemas from database dev").fetchall()
    assert ("dev", sales, "external") in [(r[0], r[1], r[3]) for r in schemas]
    tables = db.execute(f"show tables from schema dev.{sales} like 'ord%'").fetchall()
    assert [(r[1], r[2], r[3]) for r in tables] == [(sales, "orders", "EXTERNAL TABLE")]
    columns = db.execute(f"show columns from table {sales}.orders limit 3").fetchall()
    assert [(r[3], r[7], r[8]) for r in columns] == [("id", "integer", None), ("name", "character varying", 20), ("code", "character", 4)]


def test_each_connection_is_an_audit_record(skep, db, sales):
    db.execute(f"select 4711 from {sales}.orders limit 1")
    lines = [line for line in skep.log().splitlines() if "federated_connection_opened" in line]
    assert lines and SECRET in lines[-1] and ROLE in lines[-1] and f"/{pg.DATABASE}" in lines[-1]
    assert any("role_assumed" in line and "secretsmanager:GetSecretValue" in line for line in skep.log().splitlines())


# ---------------------------------------------------------------- what must not be


def test_a_role_must_trust_the_workspace_and_be_allowed_the_secret(db, remote):
    assert code_of(db, f"select * from {define(db, remote.port, role=STRANGE_ROLE)}.orders") == "42501"
    denied = message_of(db, f"select * from {define(db, remote.port, role=PLAIN_ROLE)}.orders")
    assert "is not authorized to perform: secretsmanager:GetSecretValue" in denied
    assert code_of(db, f"select * from {define(db, remote.port, secret=HIDDEN_SECRET)}.orders") == "42501"
    assert code_of(db, f"select * from {define(db, remote.port, secret=SECRET + 'x')}.orders") == "42501"
    assert code_of(db, f"select * from {define(db, remote.port, role='arn:aws:iam::999999999999:role/x')}.orders") == "28000"
    # Neither is it asked for system views.
    hidden = define(db, remote.port, secret=HIDDEN_SECRET)
    assert db.execute(f"select count(*) from svv_external_tables where schemaname = '{hidden}'").fetchone() == (0,)


@pytest.mark.parametrize("host, port", [("169.254.169.254", 80), ("169.254.169.254", 5432), ("localhost", None), ("127.0.0.2", None), ("::1", None), ("0.0.0.0", None),
                                        ("[::ffff:127.0.0.1]", None), ("127.1", None), ("2130706433", None), ("metadata.google.internal", 80),
                                        ("127.0.0.1,169.254.169.254", None), ("/var/run/postgresql", None), ("127.0.0.1 hostaddr=169.254.169.254", None)])
def test_hosts_that_are_not_listed_or_nobody_may_reach(db, remote, host, port):
    name = define(db, port or remote.port, host=host)
    assert code_of(db, f"select * from {name}.orders") == "42501"
    assert db.execute("select 1").fetchone() == (1,)


def test_ports_that_are_not_listed(db, remote):
    name = define(db, 22)
    assert "may not be connected to" in message_of(db, f"select * from {name}.orders")


def test_a_secret_of_a_host_is_sent_to_no_other(db, remote):
    assert "is not for host" in message_of(db, f"select * from {define(db, remote.port, secret=BOUND_SECRET)}.orders")


def test_the_database_name_is_no_connection_string(db, remote):
    name = define(db, remote.port, database="host=169.254.169.254 dbname=postgres")
    assert code_of(db, f"select * from {name}.orders") in ("42501", "58000", "3D000")


# ---------------------------------------------------------------- failures


def test_wrong_password_missing_things_missing_privileges(db, remote):
    wrong = message_of(db, f"select * from {define(db, remote.port, secret=WRONG_SECRET)}.orders")
    assert "password authentication failed" in wrong and "not-the-password" not in wrong
    assert code_of(db, f"select * from {define(db, remote.port, database='nowhere')}.orders") in ("58000", "3D000", "08001")
    assert code_of(db, f"select * from {define(db, remote.port, schema='nowhere')}.orders") == "42P01"
    assert code_of(db, f"select * from {define(db, remote.port)}.nothing") == "42P01"
    weak = define(db, remote.port, secret=WEAK_SECRET)
    assert "permission denied for table orders" in message_of(db, f"select * from {weak}.orders")
    assert code_of(db, f"select * from {weak}.orders") == "42501"
    assert db.execute("select 1").fetchone() == (1,)


def test_a_server_that_is_down(db):
    name = define(db, 1)
    assert code_of(db, f"select * from {name}.orders") == "58000"
    assert db.execute("select 1").fetchone() == (1,)


def test_a_remote_error_in_the_middle(db, remote):
    with remote.connect() as there:
        there.execute("create or replace view sales.breaks as select i as id, 10 / (50000 - i) as x from generate_series(1, 60000) i")
    name = define(db, remote.port)
    assert "division by zero" in message_of(db, f"select sum(x) from {name}.breaks")
    assert db.execute("select 1").fetchone() == (1,)


def test_a_remote_session_that_is_killed(db, remote):
    with remote.connect() as there:
        there.execute("create or replace view sales.slow as select i as id, pg_sleep(0.01)::text as x from generate_series(1, 100000) i")
        name = define(db, remote.port)
        failed = []

        def read():
            failed.append(code_of(db, f"select sum(length(x)) from {name}.slow"))

        thread = threading.Thread(target=read)
        thread.start()
        wait_until("the remote query", lambda: there.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'skep' and query like 'copy%slow%'").fetchall())
        thread.join()
    assert failed == ["58000"]
    assert db.execute("select 1").fetchone() == (1,)


def test_cancel_and_timeout_reach_the_remote_database(skep, remote):
    with remote.connect() as there, skep.connect() as db:
        there.execute("create or replace view sales.slow as select i as id, pg_sleep(0.01)::text as x from generate_series(1, 100000) i")
        name = define(db, remote.port)
        running = "select count(*) from pg_stat_activity where application_name = 'skep' and query like 'copy%slow%' and state = 'active'"
        codes = []
        thread = threading.Thread(target=lambda: codes.append(code_of(db, f"select count(x) from {name}.slow")))
        thread.start()
        wait_until("the remote query", lambda: there.execute(running).fetchone()[0] == 1)
        db.cancel()
        thread.join()
        wait_until("the remote query ending", lambda: there.execute(running).fetchone()[0] == 0)
        db.execute("set statement_timeout = 500")
        codes.append(code_of(db, f"select count(x) from {name}.slow"))
        wait_until("the remote query ending", lambda: there.execute(running).fetchone()[0] == 0)
        assert codes == ["57014", "57014"]
        db.execute("set statement_timeout = 0")
        assert db.execute("select 1").fetchone() == (1,)


# ---------------------------------------------------------------- servers that lie


def message(kind, body=b""):
    return kind.encode() + struct.pack("!I", len(body) + 4) + body


def row(*values):
    return message("D", struct.pack("!H", len(values)) + b"".join(struct.pack("!I", len(v)) + v for v in values))


class FakeServer:
    """Lets everybody in, describes a table of one int4 column, and answers COPY with `stream`."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.stream = b""
        self.columns = [(b"x", b"23", b"-1", b"integer")]

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with contextlib.suppress(OSError, struct.error), client:
            stream = client.makefile("rb")
            while True:
                length, code = struct.unpack("!II", stream.read(8))
                stream.read(length - 8)
                if code == 196608:
                    break
                client.sendall(b"N")
            client.sendall(message("R", struct.pack("!I", 0)) + message("Z", b"I"))
            while True:
                kind = stream.read(1)
                body = stream.read(struct.unpack("!I", stream.read(4))[0] - 4)
                if kind == b"Q":
                    self._query(client, body)
                elif kind == b"P":
                    client.sendall(message("1"))
                elif kind == b"B":
                    client.sendall(message("2"))
                elif kind == b"D":
                    client.sendall(message("T", struct.pack("!H", 7) + b"".join(b"c\0" + struct.pack("!IHIhih", 0, 0, 25, -1, -1, 0) for _ in range(7))))
                elif kind == b"E":
                    rows = [row(b"t", b"r", b"1", *column[:1], *column[1:]) for column in self.columns]
                    client.sendall(b"".join(rows) + message("C", b"SELECT\0"))
                elif kind == b"S":
                    client.sendall(message("Z", b"T"))
                elif kind in (b"X", b""):
                    return

    def _query(self, client, body):
        text = body.decode(errors="replace")
        if "pg_export_snapshot" in text:
            client.sendall(message("T", struct.pack("!H", 1) + b"c\0" + struct.pack("!IHIhih", 0, 0, 25, -1, -1, 0)) + row(b"'; drop table x; --") +
                           message("C", b"SELECT 1\0") + message("Z", b"T"))
        elif text.startswith("copy"):
            client.sendall(message("H", struct.pack("!BHH", 1, 1, 1)))
            client.sendall(self.stream)
            client.sendall(message("c") + message("C", b"COPY 1\0") + message("Z", b"T"))
        else:
            for _ in range(text.count(";") + 1):
                client.sendall(message("C", b"SET\0"))
            client.sendall(message("Z", b"T"))


HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
VALUE = struct.pack("!HII", 1, 4, 42)
END = struct.pack("!h", -1)


def test_a_server_that_speaks_the_protocol_is_read(db, fake):
    fake.stream = message("d", HEADER + VALUE) + message("d", END)
    assert db.execute(f"select x from {define(db, fake.port)}.t").fetchall() == [(42,)]


@pytest.mark.parametrize("stream", [
    b"", message("d", b"garbage" * 100), message("d", HEADER), message("d", HEADER + VALUE), message("d", HEADER + struct.pack("!HI", 1, 3) + b"abc" + END),
    message("d", HEADER + struct.pack("!H", 30000)), message("d", HEADER + struct.pack("!HI", 1, 0x7FFFFFFF)), message("d", HEADER + struct.pack("!HI", 1, 0xFFFFFFF0)),
    message("d", HEADER + VALUE + END + b"more"), message("d", HEADER + struct.pack("!HII", 2, 4, 1) + END), b"\xff" * 5000,
    b"d" + struct.pack("!I", 0x7FFFFFFF) + b"x" * 1000, b"d" + struct.pack("!I", 1), b"?" + struct.pack("!I", 100),
    message("d", b"PGCOPY\n\xff\r\n\0" + struct.pack("!II", 1 << 16, 0) + VALUE + END)], ids=range(15))
def test_a_server_that_sends_garbage_harms_nobody(skep, db, fake, stream):
    fake.stream = stream
    name = define(db, fake.port)
    db.execute("set statement_timeout = 8000")
    assert code_of(db, f"select x from {name}.t") in ("22000", "58000", "54000", "57014")
    assert db.execute("select 1").fetchone() == (1,)


def test_rows_without_end_are_cut_off(db, fake):
    fake.stream = b"d" + struct.pack("!I", 0x70000000) + b"\0" * (40 << 20)
    assert code_of(db, f"select x from {define(db, fake.port)}.t") in ("54000", "58000")
    assert db.execute("select 1").fetchone() == (1,)


def test_descriptions_that_lie(db, fake):
    columns = fake.columns
    try:
        for lie in ([(b"x", b"no number", b"-1", b"integer")], [(b"x", b"23", b"", b"integer")], []):
            fake.columns = lie
            assert code_of(db, f"select * from {define(db, fake.port)}.t") in ("22000", "42P01")
        fake.columns = [(b"c%d" % i, b"23", b"-1", b"integer") for i in range(100_000)]
        assert code_of(db, f"select * from {define(db, fake.port)}.t") in ("54000", "22000", "54011")
        fake.columns = [(b"x", b"23", b"-1", b"integer"), (b"x", b"25", b"-1", b"text")]
        assert code_of(db, f"select * from {define(db, fake.port)}.t") == "22000"
    finally:
        fake.columns = columns
    assert db.execute("select 1").fetchone() == (1,)
