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


@pytest.mark.parametrize("file", sorted(HERE.glob("**/*.test")), ids=lambda f: str(f.relative_to(HERE)))
def test_file(connection, schema, file):
    connection.execute(f"set search_path to {schema}, public")
    rewritten = []
    for line, block in records(file.read_text()):
        where = f"{file.name}:{line}"
        comments = [b for b in block if b.startswith("#")]
        body = [b for b in block if not b.startswith("#")]
        if not body:
            rewritten.append(block)
            continue
        head, *rest = body
        kind = head.split()
        if kind[0] == "statement":
            sql = "\n".join(rest)
            if kind[1] == "ok":
                try:
                    connection.execute(sql)
                except psycopg.Error as error:
                    pytest.fail(f"{where}: {error.sqlstate} {error}")
            else:
                try:
                    connection.execute(sql).fetchall()
                except psycopg.ProgrammingError as error:
                    assert error.sqlstate == kind[2] if error.sqlstate else False, f"{where}: {error.sqlstate} {error}"
                except psycopg.Error as error:
                    assert error.sqlstate == kind[2], f"{where}: {error.sqlstate} {error}"
                else:
                    pytest.fail(f"{where}: expected {kind[2]}, but it worked")
            rewritten.append(block)
        elif kind[0] == "query":
            split = rest.index("----")
            sql, wanted = "\n".join(rest[:split]), rest[split + 1:]
            try:
                result = connection.execute(sql).pgresult
            except psycopg.Error as error:
                pytest.fail(f"{where}: {error.sqlstate} {error}")
            got = ["\t".join(shown(result.get_value(r, c)) for c in range(result.nfields)) for r in range(result.ntuples)]
            if "sorted" in kind:
                got, wanted = sorted(got), sorted(wanted)
            if not REWRITE:
                assert got == wanted, f"{where}: {sql}"
            rewritten.append([*comments, head, *rest[:split + 1], *got])
        else:
            pytest.fail(f"{where}: unknown record {head!r}")
    if REWRITE:
        file.write_text("\n\n".join("\n".join(b) for b in rewritten) + "\n")
