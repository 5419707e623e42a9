"""Runs the .test files of this folder; README.md has their form."""

import os
import pathlib

import psycopg
import pytest

HERE = pathlib.Path(__file__).parent
REWRITE = os.environ.get("SKEP_REWRITE") == "1"


def records(text: str):
    """Blocks separated by blank lines: (first line number, lines)."""
    block, first = [], 1
    for number, line in enumerate([*text.splitlines(), ""], 1):
        if line.strip():
            if not block:
                first = number
            block.append(line)
        elif block:
            yield first, block
            block = []


def shown(value: bytes | None) -> str:
    if value is None:
        return "NULL"
    text = bytes(value).decode()
    return text.replace("\t", "\\t").replace("\n", "\\n") if text else "(empty)"


class Mismatch(Exception):
    """A record that does not hold."""


def run(connection, body: list[str]) -> list[str]:
    """Runs one record; answers its lines, with what it gave for those of a query."""
    head, *rest = body
    kind = head.split()
    if kind[0] == "statement":
        sql = "\n".join(rest)
        state = None
        try:
            connection.execute(sql)
        except psycopg.Error as error:
            state = error.sqlstate
            if kind[1] == "ok" or state != kind[2]:
                raise Mismatch(f"{state} {error}\n    {sql}") from error
        if kind[1] != "ok" and state is None:
            raise Mismatch(f"expected {kind[2]}, but it worked\n    {sql}")
        return body
    if kind[0] == "query":
        split = rest.index("----")
        sql, wanted = "\n".join(rest[:split]), rest[split + 1:]
        try:
            result = connection.execute(sql).pgresult
        except psycopg.Error as error:
            raise Mismatch(f"{error.sqlstate} {error}\n    {sql}") from error
        got = ["\t".join(shown(result.get_value(r, c)) for c in range(result.nfields)) for r in range(result.ntuples)]
        if "sorted" in kind:
            got, wanted = sorted(got), sorted(wanted)
        if not REWRITE and got != wanted:
            raise Mismatch(f"{sql}\n    wanted {wanted}\n    got    {got}")
        return [head, *rest[:split + 1], *got]
    raise Mismatch(f"unknown record {head!r}")


@pytest.mark.parametrize("file", sorted(HERE.glob("**/*.test")), ids=lambda f: str(f.relative_to(HERE)))
def test_file(connection, schema, file):
    connection.execute(f"set search_path to {schema}, public")
    rewritten, problems = [], []
    for line, block in records(file.read_text()):
        comments = [b for b in block if b.startswith("#")]
        body = [b for b in block if not b.startswith("#")]
        if not body:
            rewritten.append(block)
            continue
        try:
            rewritten.append([*comments, *run(connection, body)])
        except Mismatch as problem:
            problems.append(f"{file.name}:{line}: {problem}")
    if REWRITE and not problems:
        file.write_text("\n\n".join("\n".join(b) for b in rewritten) + "\n")
    assert not problems, "\n".join(problems)
