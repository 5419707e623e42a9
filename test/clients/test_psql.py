"""psql, PostgreSQL's own client, unmodified."""

import os
import subprocess

import pytest


@pytest.fixture
def psql(server):
    def run(*arguments, check=True, text_in=None, environment=None, **conninfo):
        done = subprocess.run(
            ["psql", "-X", "-v", "ON_ERROR_STOP=1", server.dsn(**conninfo), *arguments], input=text_in, capture_output=True, text=True,
            timeout=60, env={**os.environ, "PGCLIENTENCODING": "UTF8", **(environment or {})})
        assert not check or done.returncode == 0, done.stderr
        return done

    return run


def test_prints_a_result_as_a_table(psql):
    assert psql("-c", "select 1 as one, 'two' as two").stdout == " one | two \n-----+-----\n   1 | two\n(1 row)\n\n"


def test_sees_redshift_in_version(psql):
    assert "Redshift 1.0" in psql("-Atc", "select version()").stdout


def test_sees_redshifts_server_version(psql):
    assert psql("-Atc", "show server_version").stdout.strip() == "8.0.2"


def test_runs_a_script_of_several_statements(psql, schema):
    script = f"""
        -- a comment; with a semicolon
        create table {schema}.t (a int, b varchar(20));
        insert into {schema}.t values (1, 'one;'), (2, 'two''s'), (3, null);
        /* another ; comment */
        select a, b from {schema}.t order by a;
    """
    assert psql("-At", text_in=script).stdout.splitlines() == ["CREATE TABLE", "INSERT 0 3", "1|one;", "2|two's", "3|"]


def test_sends_several_statements_in_one_query_message(psql):
    assert psql("-Atc", "select 1; select 2; select 3").stdout.split() == ["1", "2", "3"]


def test_rolls_back_a_failing_multi_statement_message(psql, schema):
    psql("-c", f"create table {schema}.t (a int)")
    failed = psql("-c", f"insert into {schema}.t values (1); insert into {schema}.missing values (2)", check=False)
    assert failed.returncode != 0
    assert psql("-Atc", f"select count(*) from {schema}.t").stdout.strip() == "0"


def test_points_at_the_place_of_a_mistake(psql):
    failed = psql("-c", "select nothing_of_the_kind", check=False)
    assert "ERROR" in failed.stderr and "nothing_of_the_kind" in failed.stderr
    assert "LINE 1: select nothing_of_the_kind" in failed.stderr
    assert failed.stderr.rstrip().endswith("^")


def test_ends_with_three_at_the_first_error_of_a_script(psql):
    done = psql(text_in="select 1;\nselect boom;\nselect 2;\n", check=False)
    assert done.returncode == 3


@pytest.mark.parametrize("statement", [
    "copy t from stdin", "copy t to stdout", "copy (select 1) to stdout", r"\copy t from '/etc/passwd'"])
def test_copy_is_refused_and_the_session_lives(psql, statement):
    # Newer ones of psql 15 read a refused COPY's data up to its end; older ones do not know the mark.
    data_end = "\\.\n" if "from stdin" in statement else ""
    done = psql("-v", "ON_ERROR_STOP=0", "-At", text_in=f"{statement}\n;\n{data_end}select 'still here';\n", check=False)
    assert "ERROR" in done.stderr
    assert done.stdout.strip() == "still here", done.stderr


def test_speaks_tls(psql):
    assert "TLS" in psql(text_in="\\conninfo\n", sslmode="require").stdout


def test_verifies_the_certificate_made_by_init(psql, server):
    done = psql("-Atc", "select 1", sslmode="verify-ca", sslrootcert=str(server.ca_file))
    assert done.stdout.strip() == "1"


def test_variables_and_gset_work(psql):
    assert psql("-At", text_in="select 42 as answer \\gset\nselect :answer + 1;\n").stdout.strip() == "43"


def test_csv_output_quotes_as_always(psql):
    assert psql("--csv", "-c", "select 'a,b' as x, 'say \"hi\"' as y").stdout == 'x,y\n"a,b","say ""hi"""\n'


def test_null_is_not_an_empty_text(psql):
    assert psql("-At", "-P", "null=NULL", "-c", "select null::varchar, ''").stdout.strip() == "NULL|"


def test_fetch_count_reads_in_portions_or_says_why_not(psql):
    """psql's FETCH_COUNT declares a cursor."""
    done = psql("-At", "-v", "FETCH_COUNT=10", "-c", "select 1", check=False)
    assert done.stdout.strip() == "1" or "not supported" in done.stderr
