"""`skep translate`, as a user runs it."""

import json

from support.server import run_skep


def test_prints_each_statement_for_postgresql(tmp_path):
    tables = tmp_path / "tables.sql"
    tables.write_text("create table sales (id int, price decimal(8,2) encode az64, sold date) distkey(id);")
    done = run_skep("translate", "--tables", str(tables), "-c", "select top 2 price / id as unit from sales order by sold; select 1 minus select 2")
    assert done.stdout.splitlines() == [
        'select cast(div("sales"."price" * 1e13, "sales"."id") * 1e-13 as numeric(19,13)) as "unit" from "public"."sales" as "sales" '
        'order by "sales"."sold" limit 2;',
        'select 1 as "?column?" except select 2 as "?column?";',
    ]


def test_shows_what_the_engine_gets():
    assert run_skep("translate", "--to", "duckdb", text_in="select left('abc', 2)").stdout == "select rs_left('abc', 2) as \"left\";\n"


def test_refuses_by_name_and_goes_on():
    done = run_skep("translate", "-c", "select json_parse('1'); select 2", check=False)
    assert done.returncode == 1
    assert done.stdout == 'select 2 as "?column?";\n'
    assert "the function json_parse is not supported (0A000) at character 8" in done.stderr


def test_errors_are_objects_of_json():
    done = run_skep("translate", "--format", "json", "-c", "select missing from nowhere", check=False)
    assert done.returncode == 1
    assert json.loads(done.stdout) == {"sqlstate": "42P01", "message": 'relation "nowhere" does not exist', "position": 21}
