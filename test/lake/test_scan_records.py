"""What scans cost: SYS_EXTERNAL_QUERY_DETAIL, SVL_S3QUERY and their kin, the metrics, and the audit records of each hop."""

import re
import urllib.request
import uuid

import psycopg
import pytest

from support.server import ROLE, UNTRUSTING_ROLE

BUCKET = "scan-records"
FILE = "1|one\n2|two\n3|three\n"


@pytest.fixture(scope="module")
def schema(server, lake):
    lake.client().create_bucket(Bucket=BUCKET)
    name = f"rec_{uuid.uuid4().hex[:8]}"
    with server.connect() as db:
        db.execute(f"create external schema {name} from data catalog database '{name}' iam_role '{ROLE}' create external database if not exists")
        db.execute(f"""create external table {name}.parts (id int, t varchar(9)) partitioned by (p int)
                       row format delimited fields terminated by '|' stored as textfile location 's3://{BUCKET}/parts/'""")
        for p in range(5):
            lake.put(BUCKET, f"parts/p={p}/a.txt", FILE)
            db.execute(f"alter table {name}.parts add partition (p='{p}') location 's3://{BUCKET}/parts/p={p}/'")
        db.execute(f"""create external table {name}.whole (id int, t varchar(9))
                       row format delimited fields terminated by '|' stored as textfile location 's3://{BUCKET}/parts/'""")
        yield name
        db.execute(f"drop schema {name} drop external database cascade")


@pytest.fixture
def db(server, schema):
    with server.connect() as one:
        one.execute("set enable_result_cache_for_session to off")
        yield one


def details(db, table, columns):
    return db.execute(f"select {columns} from sys_external_query_detail where table_name = 'dev.{table}' order by query_id, segment_id").fetchall()


def test_a_scan_is_recorded(db, schema):
    table = f"{schema}.parts"
    known = len(details(db, table, "query_id"))
    assert db.execute(f"select count(*) from {table} where p in (1, 3)").fetchone() == (6,)
    rows = details(db, table, "source_type, total_partitions, qualified_partitions, scanned_files, returned_bytes, file_format, file_location, is_nested, warning_message, query_uuid, end_time >= start_time, duration >= 0, s3list_time >= 0")
    assert len(rows) == known + 1
    assert rows[-1][:9] == ("S3", 5, 2, 2, 2 * len(FILE), "csv", f"s3://{BUCKET}/parts/", "f", "")
    assert re.fullmatch("[0-9a-f-]{36}", rows[-1][9]) and rows[-1][10:] == (True, True, True)


def test_scans_of_one_statement_share_its_number(db, schema):
    db.execute(f"select count(*) from {schema}.parts a join {schema}.whole b on a.id = b.id where a.p = 0").fetchall()
    last = db.execute("select max(query_id) from sys_external_query_detail").fetchone()[0]
    rows = db.execute("select table_name, segment_id, total_partitions from sys_external_query_detail where query_id = %s order by 1", (last,)).fetchall()
    assert [(r[0], r[2]) for r in rows] == [(f"dev.{schema}.parts", 5), (f"dev.{schema}.whole", 0)] and {r[1] for r in rows} == {0, 1}
    db.execute(f"select count(*) from {schema}.parts").fetchall()
    assert db.execute("select max(query_id) from sys_external_query_detail").fetchone()[0] > last


def test_the_views_of_provisioned_clusters(db, schema):
    table = f"{schema}.parts"
    db.execute(f"select sum(id) from {table} where p = 4").fetchall()
    query = db.execute("select max(query_id) from sys_external_query_detail where table_name = %s", (f"dev.{table}",)).fetchone()[0]
    one = lambda text: db.execute(text + " where query = %s", (query,)).fetchall()
    assert one("select external_table_name, is_partitioned, s3_scanned_bytes, files, total_retries, elapsed >= 0 from svl_s3query") == [(f"dev.{table}", "t", len(FILE), 1, 0, True)]
    assert one("select external_table_name, file_format, s3query_returned_bytes, files, aborted, pid from svl_s3query_summary") == [
        (f"dev.{table}", "csv", len(FILE), 1, 0, db.execute("select pg_backend_pid()").fetchone()[0])]
    assert one("select total_partitions, qualified_partitions, assignment from svl_s3partition") == [(5, 1, "p")]
    assert one("select bucket, prefix, retrieved_files, avg_file_size from svl_s3list") == [(BUCKET, "parts/", 1, float(len(FILE)))]


def test_what_failed_is_told(server, db, schema, lake):
    name = f"closed_{uuid.uuid4().hex[:8]}"
    db.execute(f"create external schema {name} from data catalog database '{schema}' iam_role '{UNTRUSTING_ROLE}'")
    with pytest.raises(psycopg.Error):
        db.execute(f"select * from {name}.whole")
    rows = db.execute("select \"trigger\", action from sys_external_query_error where query_id = (select max(query_id) from sys_external_query_detail where table_name = %s)",
                      (f"dev.{name}.whole",)).fetchall()
    assert len(rows) == 1 and "sts:AssumeRole" in rows[0][0] and rows[0][1] == "FAIL"
    db.execute(f"drop schema {name}")
    assert details(db, f"{schema}.nothing", "1") == []


def test_each_hop_of_each_statement_is_an_audit_record(server, db, schema):
    db.execute(f"select count(*) from {schema}.whole").fetchall()
    statement = details(db, f"{schema}.whole", "query_uuid")[-1][0]
    hops = [line for line in server.log().splitlines() if "role_assumed" in line and statement in line]
    assert hops and all("user=admin" in line and f"role={ROLE}" in line and "hop=1" in line and "purpose=glue:GetTable" in line for line in hops), hops


def test_figures_by_workspace_and_organization(server, db, schema):
    def figure(name):
        text = urllib.request.urlopen(f"http://127.0.0.1:{server.http_port}/metrics", timeout=30).read().decode()
        found = re.search(name + r'\{workspace="default",account="123456789012"\} (\d+)', text)
        return int(found.group(1)) if found else 0

    before, scans = figure("skep_scan_bytes_total"), figure("skep_scans_total")
    db.execute(f"select count(*) from {schema}.parts where p = 2").fetchall()
    db.execute("select 1").fetchall()
    from support.process import wait_until
    wait_until("the scan being counted", lambda: figure("skep_scans_total") > scans, 20)
    assert figure("skep_scan_bytes_total") == before + len(FILE) and figure("skep_scan_files_total") >= 1


def test_another_workspace_sees_nothing_of_it(server, db, schema):
    """Records are of the workspace whose worker asks; there is no way to name another one."""
    with pytest.raises(psycopg.Error) as failed:
        db.execute("select * from rs_external_scans()")
    assert failed.value.sqlstate == "42883"
