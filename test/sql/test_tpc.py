"""The queries of TPC-H and TPC-DS, small, over the real port: the rows are those that DuckDB itself answers, but for what Redshift computes otherwise."""

import decimal
import json
import pathlib
import shutil

import duckdb
import psycopg
import pytest

from support import postgres
from support.server import ROOT, Server, run_skep

EXTENSIONS = ROOT / ".deps/duckdb/extensions"
# How each makes its data and names its queries.
SUITES = {
    "tpch": ("call dbgen(sf=0.01, schema='tpch')", "from tpch_queries()", 22),
    "tpcds": ("call dsdgen(sf=0.01, schema='tpcds')", "from tpcds_queries()", 99),
}
# What the engine is asked instead, where Redshift's AVG decides the order of the rows.
ASKED = {
    ("tpcds", 22): [("avg(inv_quantity_on_hand)", "trunc(avg(inv_quantity_on_hand))")],
    ("tpcds", 57): [("avg(sum(cs_sales_price)) OVER (", "trunc(100 * avg(sum(cs_sales_price)) OVER ("),
                    ("d_year) avg_monthly_sales", "d_year)) / 100 avg_monthly_sales")],
}
# Sums of quotients that were cut off one by one: how many units of the last place they may lack.
CUT_OFF = {("tpcds", 66): 1000}


class Suites:
    def __init__(self, folder: pathlib.Path):
        file = folder / "generated.duckdb"
        self.queries = {}
        with duckdb.connect(str(file), config={"threads": "2"}) as engine:
            for name, (make, list_queries, _) in SUITES.items():
                engine.execute(f"load '{EXTENSIONS / name}.duckdb_extension'")
                engine.execute(f"create schema {name}")
                engine.execute(make)
                self.queries[name] = [text for _, text in engine.execute(list_queries).fetchall()]
            engine.execute("create schema public")
        self.server = Server(folder / "skep").init()
        database = self.server.data / "workspaces/default/databases/dev.duckdb"
        database.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, database)
        self.server.start()
        self.engine = duckdb.connect(str(file), read_only=True, config={"threads": "2"})


@pytest.fixture(scope="module")
def suites(tmp_path_factory):
    missing = [name for name in SUITES if not (EXTENSIONS / f"{name}.duckdb_extension").exists()]
    if missing:
        pytest.skip(f"no extension {', '.join(missing)}; run tools/fetch_duckdb")
    made = Suites(tmp_path_factory.mktemp("tpc"))
    yield made
    made.engine.close()
    made.server.stop()


def agree(ours, theirs, units: int) -> bool:
    """Whether two values are one. Redshift's AVG is cut off at its argument's places, and so are quotients of DECIMAL."""
    if isinstance(ours, int) and isinstance(theirs, float):
        return ours == int(theirs)
    if isinstance(ours, decimal.Decimal) and isinstance(theirs, (float, decimal.Decimal)):
        return abs(ours - decimal.Decimal(theirs)) <= units * decimal.Decimal(1).scaleb(ours.as_tuple().exponent)
    if isinstance(ours, float) and isinstance(theirs, float):
        return abs(ours - theirs) <= 1e-9 * max(abs(ours), abs(theirs), 1)
    return ours == theirs


@pytest.mark.parametrize("name", SUITES)
def test_queries_answer_as_the_engine_does(suites, name):
    queries = suites.queries[name]
    assert len(queries) == SUITES[name][2]
    suites.engine.execute(f"set schema '{name}'")
    problems, answered = [], 0
    with suites.server.connect() as connection:
        connection.execute(f"set search_path to {name}")
        for number, query in enumerate(queries, 1):
            asked = query
            for old, new in ASKED.get((name, number), []):
                assert old in asked
                asked = asked.replace(old, new)
            ours, theirs = connection.execute(query).fetchall(), suites.engine.execute(asked).fetchall()
            answered += bool(ours)
            units = CUT_OFF.get((name, number), 1)
            wrong = [(a, b) for a, b in zip(ours, theirs) if not all(agree(x, y, units) for x, y in zip(a, b))]
            if len(ours) != len(theirs) or wrong:
                problems.append(f"query {number}: {len(ours)} rows, DuckDB {len(theirs)}; {wrong[:1]}")
    assert not problems, "\n".join(problems)
    assert answered > len(queries) // 2  # so small that some find nothing


def test_postgresql_answers_the_translated_queries_alike(suites, tmp_path):
    """The second emitter keeps Redshift's meaning: not only alike, but equal."""
    if postgres.missing():
        pytest.skip(postgres.missing())
    tables = suites.engine.execute("""
        select table_name, string_agg(column_name || ' ' || data_type, ', ' order by ordinal_position)
        from information_schema.columns where table_schema = 'tpch' group by 1""").fetchall()
    declared = tmp_path / "tables.sql"
    declared.write_text("".join(f"create table {name} ({columns});\n" for name, columns in tables))
    done = run_skep("translate", "--format", "json", "--tables", str(declared), text_in=";\n".join(q.rstrip("; \n") for q in suites.queries["tpch"]))
    translated = [json.loads(line)["sql"] for line in done.stdout.splitlines()]
    assert len(translated) == 22
    problems = []
    with (postgres.postgres() as port, suites.server.connect() as ours,
          psycopg.connect(host="127.0.0.1", port=port, user=postgres.USER, dbname=postgres.DATABASE, autocommit=True) as theirs):
        theirs.execute(declared.read_text())
        for name, _ in tables:
            file = tmp_path / f"{name}.csv"
            suites.engine.execute(f"copy tpch.{name} to '{file}' (header false)")
            with theirs.cursor().copy(f"copy {name} from stdin (format csv)") as copy:
                copy.write(file.read_bytes())
        for index in ("lineitem (l_partkey, l_suppkey)", "lineitem (l_orderkey)", "partsupp (ps_partkey)", "orders (o_custkey)"):
            theirs.execute(f"create index on {index}")
        theirs.execute("analyze")
        ours.execute("set search_path to tpch")
        for number, (query, text) in enumerate(zip(suites.queries["tpch"], translated), 1):
            a, b = ours.execute(query).fetchall(), theirs.execute(text).fetchall()
            if a != b:
                problems.append(f"query {number}: {len(a)} rows, PostgreSQL {len(b)}; {[(x, y) for x, y in zip(a, b) if x != y][:1]}")
    assert not problems, "\n".join(problems)
