"""Random expressions, three answers: Skep over its real port, the oracle's written rules, PostgreSQL through `skep translate`.

A run is fixed by its seed. SKEP_DIFFERENTIAL_SEEDS=first:count runs that many seeds instead of the usual one, SKEP_DIFFERENTIAL_COUNT changes how many
expressions each has. What fails is cut down as far as it still fails, and printed with its seed.
"""

import dataclasses
import json
import os
import random

import psycopg
import pytest

from differential import oracle
from differential.expression import Expr, literal
from differential.generator import COLUMNS, Generator
from support import postgres
from support.server import run_skep

FIRST, _, SEEDS = os.environ.get("SKEP_DIFFERENTIAL_SEEDS", "20260704:1").partition(":")
COUNT = int(os.environ.get("SKEP_DIFFERENTIAL_COUNT", "2500"))
BATCH = 40
OIDS = {"int2": 21, "int4": 23, "int8": 20, "dec": 1700, "float8": 701, "text": 1043, "date": 1082, "ts": 1114, "bool": 16}

# Where PostgreSQL is no witness, by rule. What an expression's nodes have that makes it one of these, and the rule.
KNOWN_DIFFERENCES = [
    (lambda e: e.op == "add_months", "PostgreSQL has no ADD_MONTHS"),
    (lambda e: e.op == "last_day", "PostgreSQL has no LAST_DAY"),
]
LAZY = {"case", "coalesce", "nvl", "nvl2", "nullif", "greatest", "least"}


@dataclasses.dataclass(frozen=True)
class Answer:
    """The text of a value and its type's OID and modifier, or an SQLSTATE."""

    text: str | None = None
    state: str | None = None
    oid: int = 0
    modifier: int = -1

    def __str__(self) -> str:
        return f"error {self.state}" if self.state else f"{self.text!r} (type {self.oid}, {self.modifier})"


def run(connection, sql: str) -> list[Answer] | Answer:
    try:
        result = connection.execute(sql).pgresult
    except psycopg.Error as error:
        return Answer(state=error.sqlstate)
    return [Answer(None if (value := result.get_value(0, i)) is None else value.decode(), None, result.ftype(i), result.fmod(i))
            for i in range(result.nfields)]


@dataclasses.dataclass(frozen=True)
class Expected:
    text: str | None = None
    states: frozenset[str] = frozenset()


def expected(e: Expr, row: dict) -> Expected | None:
    """None: the rules leave it open."""
    try:
        return Expected(oracle.shown(oracle.evaluate(e, row), e.type))
    except oracle.Refused as error:
        return Expected(states=error.states)
    except oracle.Open:
        return None


def moved(e: Expr) -> bool:
    """The engine's optimizer compares `a` with 3 where `a + 2 > 5` is written: what overflows in the sum is not seen."""
    return e.op in {"=", "<>", "<", "<=", ">", ">=", "in", "between"} and any(one.op in {"+", "-", "*", "neg"} for one in e.args)


def joined_before(e: Expr) -> bool:
    """The engine's optimizer joins the constants of (1000 * a) * 1000 before it knows that `a` is NULL or zero, and may overflow."""
    return e.op in {"+", "-", "*"} and any(one.op in {"+", "-", "*"} and has_constant(one) for one in e.args) and has_constant(e)


def has_constant(e: Expr) -> bool:
    return any(all(node.op != "column" for node in one.nodes()) for one in e.args)


def fault(e: Expr, want: Expected, got: Answer) -> str | None:
    """What is wrong with Skep's answer."""
    if got.state == oracle.OVERFLOW and any(joined_before(node) for node in e.nodes()):
        return None
    if want.states:
        if got.state is None and want.states == {oracle.OVERFLOW} and any(moved(node) for node in e.nodes()):
            return None
        return None if got.state in want.states else f"wanted an error of {sorted(want.states)}"
    if got.state or got.text != want.text:
        return f"wanted {want.text!r}"
    if got.text is None and any(node.op in LAZY for node in e.nodes()):
        return None  # the engine forgets the type of what it folds to NULL
    if got.oid != OIDS[e.type.kind]:
        return f"wanted type {OIDS[e.type.kind]}"
    if e.type.kind == "dec" and e.type.exact and got.modifier != (e.type.digits << 16 | e.type.scale) + 4:
        return f"wanted decimal({e.type.digits},{e.type.scale}), got decimal({got.modifier - 4 >> 16},{got.modifier - 4 & 0xffff})"
    return None


def is_witnessed(e: Expr) -> bool:
    return not any(differs(node) for node in e.nodes() for differs, _ in KNOWN_DIFFERENCES)


def disagreement(got: Answer, theirs: Answer) -> str | None:
    """What PostgreSQL answers otherwise. Types are its own; a value of its numeric has its own number of zeros."""
    if got.state and theirs.state:
        return None  # which of several, the oracle has seen to
    return None if got.text == theirs.text else f"PostgreSQL answers {theirs}"


class Runner:
    """The three of them over the same leaves."""

    def __init__(self, skep, theirs, folder, rows: list[dict]):
        self.skep, self.theirs, self.rows = skep, theirs, rows
        self.translations: dict[str, dict] = {}
        self.tables = folder / "leaves.sql"
        columns = ", ".join(f"{name} {t.sql}" for name, t in COLUMNS.items())
        create = f"create table leaves (id int, {columns})"
        self.tables.write_text(create)
        skep.execute("drop table if exists leaves")
        skep.execute(create)
        if theirs:
            theirs.execute("drop table if exists leaves")
            theirs.execute(create.replace("float8", "double precision"))
        for number, row in enumerate(rows):
            values = ", ".join(literal(row[name], t) for name, t in COLUMNS.items())
            skep.execute(f"insert into leaves values ({number}, {values})")
            if theirs:
                theirs.execute(f"insert into leaves values ({number}, {values})".replace("\\\\", "\\"))

    def query(self, expressions: list[str], number: int) -> str:
        return "select " + ", ".join(f"{sql} as c{i}" for i, sql in enumerate(expressions)) + f" from leaves where id = {number}"

    def translated(self, queries: list[str]) -> list[dict]:
        """What `skep translate` says to each; known ones are not asked again."""
        missing = [one for one in dict.fromkeys(queries) if one not in self.translations]
        if missing:
            done = run_skep("translate", "--to", "postgres", "--format", "json", "--tables", str(self.tables), text_in=";\n".join(missing), check=False)
            lines = [json.loads(line) for line in done.stdout.splitlines()]
            assert len(lines) == len(missing), done.stderr
            self.translations.update(zip(missing, lines))
        return [self.translations[one] for one in queries]

    def answers(self, cases: list, ask) -> list[Answer]:
        """`ask` runs one query of several cases; a query that fails is asked case by case."""
        got = ask(cases)
        if isinstance(got, list):
            return got
        if len(cases) == 1:
            return [got]
        half = len(cases) // 2
        return self.answers(cases[:half], ask) + self.answers(cases[half:], ask)

    def ours(self, number: int, expressions: list[str]) -> list[Answer]:
        return self.answers(expressions, lambda some: run(self.skep, self.query(some, number)))

    def compare(self, number: int, cases: list[tuple[Expr, Expected]]) -> list[tuple[Expr, int, str, Answer]]:
        """The cases that fail: expression, row, what is wrong, Skep's answer."""
        fine = [c for c in cases if not c[1].states]
        got = self.ours(number, [e.sql for e, _ in fine]) if fine else []
        errors = [c for c in cases if c[1].states]
        got += [self.ours(number, [e.sql])[0] for e, _ in errors]
        cases = fine + errors
        failed = []
        witnessed = []
        for (e, want), one in zip(cases, got):
            if problem := fault(e, want, one):
                failed.append((e, number, problem, one))
            elif self.theirs and is_witnessed(e) and (one.state or not want.states):
                witnessed.append((e, one))
        if witnessed:
            lines = self.translated([self.query([e.sql], number) for e, _ in witnessed])
            ready = []
            for (e, one), line in zip(witnessed, lines):
                if "sql" not in line:
                    failed.append((e, number, f"the translation is refused: {line['message']}", one))
                else:
                    body = line["sql"].removeprefix("select ").rpartition(' as "c0" from ')
                    ready.append((e, one, body[0], body[2]))
            good = [r for r in ready if not r[1].state]
            bad = [r for r in ready if r[1].state]

            def ask(some):
                return run(self.theirs, "select " + ", ".join(f"{body} as c{i}" for i, (_, _, body, _) in enumerate(some)) + " from " + some[0][3])

            theirs = (self.answers(good, ask) if good else []) + [self.answers([one], ask)[0] for one in bad]
            for (e, one, _, _), their in zip(good + bad, theirs):
                if problem := disagreement(one, their):
                    failed.append((e, number, problem, one))
        return failed

    def fails(self, e: Expr, number: int) -> str | None:
        want = expected(e, self.rows[number])
        if want is None:
            return None
        failed = self.compare(number, [(e, want)])
        return f"{failed[0][2]}, got {failed[0][3]}" if failed else None

    def reduced(self, e: Expr, number: int) -> Expr:
        """The smallest part that fails by itself, its own parts replaced by their values where it still does."""
        while True:
            smaller = next((one for one in e.args if self.fails(one, number)), None)
            if smaller is None:
                break
            e = smaller
        for node in sorted(e.nodes(), key=lambda n: -n.size):
            if node is e or node.op == "literal":
                continue
            try:
                value = oracle.evaluate(node, self.rows[number])
            except (oracle.Refused, oracle.Open):
                continue
            if node.type.kind in {"float8"} or not node.type.exact:
                continue
            other = e.replaced(node, Expr("literal", node.type, extra=value))
            if other != e and self.fails(other, number):
                e = other
        return e

    def report(self, failed: list, seed: int) -> str:
        lines = []
        for e, number, problem, got in failed[:10]:
            small = self.reduced(e, number)
            lines.append(f"seed {seed}, row {number}: {small.sql}\n    {self.fails(small, number) or problem}\n    of: {e.sql}\n    {problem}, got {got}\n"
                         f"    with { {n.extra: self.rows[number][n.extra] for n in small.nodes() if n.op == 'column'} }")
        return f"{len(failed)} expressions fail\n" + "\n".join(lines)


@pytest.fixture(scope="module")
def theirs():
    if postgres.missing():
        yield None  # two answers are left
        return
    with postgres.postgres() as port:
        with psycopg.connect(host="127.0.0.1", port=port, user=postgres.USER, dbname=postgres.DATABASE, autocommit=True) as connection:
            yield connection


@pytest.fixture
def runner(connection, schema, theirs, tmp_path):
    connection.execute(f"set search_path to {schema}")

    def make(seed: int) -> tuple[Runner, Generator]:
        generator = Generator(seed)
        return Runner(connection, theirs, tmp_path, generator.rows(16)), generator

    return make


@pytest.mark.parametrize("seed", range(int(FIRST), int(FIRST) + int(SEEDS or 1)))
def test_expressions_mean_what_the_rules_say(runner, seed):
    run, generator = runner(seed)
    cases: dict[int, list] = {}
    made = 0
    while made < COUNT:
        e = generator.any(generator.random.randint(1, 3))
        number = generator.random.randrange(len(run.rows))
        want = expected(e, run.rows[number])
        if want is None:
            continue
        # Errors are one statement each: no more than one in four.
        if want.states and generator.random.random() < 0.6:
            continue
        made += 1
        cases.setdefault(number, []).append((e, want))
    failed = []
    if run.theirs:
        run.translated([run.query([e.sql], number) for number, some in cases.items() for e, _ in some if is_witnessed(e)])
    for number, some in cases.items():
        for i in range(0, len(some), BATCH):
            failed += run.compare(number, some[i:i + BATCH])
    assert not failed, run.report(failed, seed)


@pytest.mark.parametrize("seed", range(int(FIRST), int(FIRST) + int(SEEDS or 1)))
def test_aggregates_mean_what_the_rules_say(runner, seed):
    run_, generator = runner(seed)
    problems = []
    made = [(*generator.aggregate(), generator.random.randint(1, 5)) for _ in range(COUNT // 20)]
    queries = [f"select id % {modulus} as g, {name}({'distinct ' if distinct else ''}{e.sql}) as v from leaves group by 1 order by 1"
               for name, distinct, e, modulus in made]
    if run_.theirs:
        run_.translated(queries)
    for sql, (name, distinct, e, modulus) in zip(queries, made):
        groups: dict[int, list[int]] = {}
        for number in range(len(run_.rows)):
            groups.setdefault(number % modulus, []).append(number)
        wanted, states = [], set()
        try:
            values = []
            for row in run_.rows:
                try:
                    values.append(oracle.evaluate(e, row))
                except oracle.Refused as error:
                    states |= error.states
            for group, members in sorted(groups.items()) if not states else ():
                try:
                    value, t = oracle.aggregate(name, distinct, [values[m] for m in members], e.type)
                    wanted.append((str(group), oracle.shown(value, t)))
                except oracle.Refused as error:
                    states |= error.states
        except oracle.Open:
            continue
        if states:
            wanted = frozenset(states)
        answers = [("Skep", run_.skep, sql)]
        if run_.theirs and is_witnessed(e):
            line = run_.translated([sql])[0]
            if "sql" in line:
                answers.append(("PostgreSQL", run_.theirs, line["sql"]))
            elif line["message"] and "unknown digits" not in line["message"]:
                problems.append(f"{sql}\n    the translation is refused: {line['message']}")
        for who, connection, text in answers:
            try:
                result = connection.execute(text).pgresult
                got = [tuple(None if (v := result.get_value(r, c)) is None else v.decode() for c in (0, 1)) for r in range(result.ntuples)]
            except psycopg.Error as error:
                got = frozenset({error.sqlstate})
            both_fail = isinstance(got, frozenset) and isinstance(wanted, frozenset)
            if got != wanted and not (both_fail and (got <= wanted or who == "PostgreSQL")):
                problems.append(f"{text}\n    {who} answers {got}\n    wanted {wanted}")
    assert not problems, f"seed {seed}: {len(problems)} fail\n" + "\n".join(problems[:10])


def test_the_oracle_follows_the_examples_of_the_rules():
    """Figures that were worked out by hand."""
    from differential.expression import decimal

    assert oracle.arithmetic_type("/", decimal(8, 2), decimal(8, 2)) == decimal(17, 9)
    assert oracle.arithmetic_type("*", decimal(8, 2), decimal(5, 0)) == decimal(14, 2)
    assert oracle.arithmetic("/", -7, 2, *[oracle.INT4] * 3) == -3
    assert oracle.arithmetic("%", -7, 2, *[oracle.INT4] * 3) == -1
    assert oracle.half_away(-25, 10) == -3 and oracle.half_away(24, 10) == 2
    assert oracle.substring("tramway", -1, 4) == "tr" and oracle.substring("tramway", 0, 2) == "t"


def test_reduction_keeps_what_fails(tmp_path):
    """A runner that finds fault with every CASE leaves a CASE over leaves."""
    generator = Generator(5)

    class Faulty(Runner):
        def __init__(self):
            self.rows = generator.rows(8)

        def fails(self, e, number):
            return "a CASE" if any(node.op == "case" for node in e.nodes()) else None

    runner = Faulty()
    number = random.Random(1).randrange(5, 8)
    found = 0
    while found < 20:
        e = generator.any(4)
        if e.size < 12 or not runner.fails(e, number):
            continue
        found += 1
        small = runner.reduced(e, number)
        assert small.op == "case" and small.size <= e.size
