"""Workbooks of Excel: crawled into tables by their first sheet, queried where they lie; broken and hostile ones."""

import datetime
import io
import random
import struct
import uuid
import zipfile

import openpyxl
import openpyxl.styles
import psycopg
import pytest

from support.server import ROLE
from test_crawlers import Crawler

DAY, MOMENT = datetime.date(2026, 1, 31), datetime.datetime(2026, 1, 31, 18, 30, 15)


def workbook(*sheets, epoch_1904=False, shape=None):
    """The bytes of a workbook; a sheet is a name and its rows."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    if epoch_1904:
        book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    for name, rows in sheets:
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    if shape:
        shape(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.fixture
def crawler(server, glue, lake, bucket):
    return lambda **more: Crawler(server, glue, lake, bucket, **more)


PEOPLE = [["id", "name", "share", "active", "day", "moment"], [1, "anna", 0.5, True, DAY, MOMENT], [2, "größe & <b>", 2, False, datetime.date(1999, 12, 31), datetime.datetime(2000, 1, 1)],
          [3, None, None, None, None, None]]


@pytest.mark.parametrize("epoch_1904", [False, True])
def test_a_workbook_becomes_a_table(crawler, external_schema, connection, epoch_1904):
    one = crawler()
    one.put("people/a.xlsx", workbook(("first", PEOPLE), ("second", [["x"], [1]]), epoch_1904=epoch_1904))
    evidence = one.run()
    assert one.columns("people") == {"id": "bigint", "name": "string", "share": "double", "active": "boolean", "day": "date", "moment": "timestamp"}
    parameters = one.table("people")["Parameters"]
    assert (parameters["classification"], parameters["sheet"], parameters["skip.header.line.count"], parameters["recordCount"]) == ("xlsx", "first", "1", "3")
    file = evidence["Tables"][0]["Samples"]["Files"][0] if "Samples" in evidence["Tables"][0] else evidence["Tables"][0]["Files"][0]
    assert (file["Format"], file["Sheet"], file["Header"], file["Columns"], file["Rows"]) == ("xlsx", "first", True, 6, 3)
    assert 'xlsx, 6 columns, 3 rows, sheet "first"' in one.verb("explain", one.name).stdout
    schema = external_schema(one.name)
    assert connection.execute(f"select id, name, share, active, day, moment from {schema}.people order by id").fetchall() == [
        (1, "anna", 0.5, True, DAY, MOMENT), (2, "größe & <b>", 2.0, False, datetime.date(1999, 12, 31), datetime.datetime(2000, 1, 1)), (3, None, None, None, None, None)]
    assert connection.execute(f"select count(*), max(id), min(\"$path\") from {schema}.people where active").fetchone() == (1, 1, f"s3://{one.bucket}/{one.name}/people/a.xlsx")


def test_folders_partitions_and_many_rows(crawler, external_schema, connection):
    one = crawler()
    for year, begin in ((2025, 0), (2026, 10_000)):
        for part in range(2):
            one.put(f"sales/year={year}/{part}.xlsx", workbook(("s", [["id", "text"], *([begin + part * 5000 + i, f"row {i}"] for i in range(5000))])))
    one.run()
    assert one.tables() == {"sales"} and one.columns("sales") == {"id": "bigint", "text": "string"}
    schema = external_schema(one.name)
    assert connection.execute(f"select year::int, count(*), count(distinct id), min(id), max(id) from {schema}.sales group by 1 order by 1").fetchall() == [
        (2025, 10_000, 10_000, 0, 9999), (2026, 10_000, 10_000, 10_000, 19_999)]
    assert connection.execute(f"select text from {schema}.sales where id = 7123").fetchone() == ("row 2123",)


def test_titles_merged_headers_and_gaps(crawler, external_schema, connection):
    def merged(book):
        sheet = book["s"]
        sheet["A1"] = "Report of the year"
        sheet.merge_cells("A1:E1")
        for column, text in ((1, "region"), (2, "2025"), (4, "2026")):
            sheet.cell(3, column, text)
        sheet.merge_cells("B3:C3")
        sheet.merge_cells("D3:E3")
        for column, text in enumerate(("q1", "q2", "q1", "q2"), 2):
            sheet.cell(4, column, text)
        for column, value in enumerate(("north", 1, 2, 3, 4), 1):
            sheet.cell(5, column, value)
        sheet.cell(7, 1, "south")  # a row is left out, and cells
        sheet.cell(7, 5, 9)
        sheet.cell(9, 3).font = openpyxl.styles.Font(bold=True)  # formatted, and empty
    one = crawler()
    one.put("merged/a.xlsx", workbook(("s", []), shape=merged))
    one.run()
    assert one.columns("merged") == {"region": "string", "2025_q1": "bigint", "2025_q2": "bigint", "2026_q1": "bigint", "2026_q2": "bigint"}
    schema = external_schema(one.name)
    assert connection.execute(f"select * from {schema}.merged order by 1").fetchall() == [("north", 1, 2, 3, 4), ("south", None, None, None, 9)]


def test_columns_are_found_by_the_names_of_each_files_header(crawler, external_schema, connection):
    one = crawler()
    one.put("t/a.xlsx", workbook(("s", [["id", "name", "note"], [1, "a", "x"], [2, "b", "y"], [3, "c", "z"]])))
    one.put("t/b.xlsx", workbook(("s", [["A title"], [None], ["Name", "ID", "Note"], ["d", 4, "w"]])))
    one.put("t/c.xlsx", workbook(("s", [["note", "id", "name", "extra"], ["v", 5, "e", 1.5]])))
    one.run()
    assert one.columns("t") == {"id": "bigint", "name": "string", "note": "string", "extra": "double"}
    schema = external_schema(one.name)
    assert connection.execute(f"select id, name, note, extra from {schema}.t order by id").fetchall() == [
        (1, "a", "x", None), (2, "b", "y", None), (3, "c", "z", None), (4, "d", "w", None), (5, "e", "v", 1.5)]
    # Other names mean places.
    t = external(connection, schema, "places", "x bigint, y varchar(9)", f"s3://{one.bucket}/{one.name}/t/a.xlsx", skip_header_line_count=2)
    assert connection.execute(f"select * from {t} order by x").fetchall() == [(2, "b"), (3, "c")]


def test_formulas_formats_errors_and_inline_texts(crawler, external_schema, connection):
    body = workbook(("s", [["n", "price", "clock", "mixed", "more"], [1, 1.5, datetime.time(13, 30), "text", "x"], [2, 2.25, datetime.time(0, 0, 1), 5, "y"]]),
                    shape=lambda book: setattr(book["s"]["B2"], "number_format", '"d" #,##0.00'))
    # What a program that calculates writes: a value beside the formula, an error, texts in the cell, runs, a boolean formula.
    sheet = ('<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
             '<row><c t="inlineStr"><is><t>a</t></is></c><c t="inlineStr"><is><r><t>b</t></r><r><t>c</t></r><rPh sb="0" eb="1"><t>reading</t></rPh></is></c><c t="inlineStr"><is><t>e</t></is></c></row>'
             '<row><c><f>1+1</f><v>2</v></c><c t="str"><f>"x"&amp;"y"</f><v>xy</v></c><c t="e"><f>1/0</f><v>#DIV/0!</v></c></row>'
             '<row r="9"><c r="B9" t="str"><v>z</v></c><c r="C9" t="d"><v>2026-01-31T10:00:00Z</v></c></row></sheetData></worksheet>')
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as given, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as out:
        for name in given.namelist():
            out.writestr(name, sheet if name.endswith("sheet1.xml") else given.read(name))
    one = crawler()
    one.put("plain/a.xlsx", body)
    one.put("made/a.xlsx", made.getvalue())
    one.run()
    assert one.columns("plain") == {"n": "bigint", "price": "double", "clock": "string", "mixed": "string", "more": "string"}
    assert one.columns("made") == {"a": "bigint", "bc": "string", "e": "timestamp"}
    schema = external_schema(one.name)
    assert connection.execute(f"select * from {schema}.plain order by 1").fetchall() == [(1, 1.5, "13:30:00", "text", "x"), (2, 2.25, "00:00:01", "5", "y")]
    assert connection.execute(f"select * from {schema}.made order by 2").fetchall() == [(2, "xy", None), (None, "z", datetime.datetime(2026, 1, 31, 10))]


def test_a_workbook_is_known_by_its_content(crawler, external_schema, connection):
    one = crawler()
    one.put("nameless/report", workbook(("s", [["a", "b"], [1, "x"]])))
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as out:
        out.writestr("a.csv", "a,b\n1,2\n")
    one.put("packed/report", other.getvalue())
    evidence = one.run()
    assert one.tables() == {"nameless"} and one.columns("nameless") == {"a": "bigint", "b": "string"}
    assert "zip compression is not read here" in str(evidence)
    assert connection.execute(f"select a, b from {external_schema(one.name)}.nameless").fetchall() == [(1, "x")]


def external(connection, schema, name, columns, location, **properties):
    quoted = ", ".join(f"'{key.replace('_', '.') if key.startswith('skip') else key}'='{value}'" for key, value in {"classification": "xlsx", **properties}.items())
    connection.execute(f"create external table {schema}.{name} ({columns}) stored as textfile location '{location}' table properties ({quoted})")
    return f"{schema}.{name}"


@pytest.fixture
def schema(connection):
    name = f"books_{uuid.uuid4().hex[:8]}"
    connection.execute(f"create external schema {name} from data catalog database '{name}' iam_role '{ROLE}' create external database if not exists")
    yield name
    connection.execute(f"drop schema {name} drop external database cascade")


def test_parameters_choose_the_sheet_and_the_header(connection, lake, bucket, schema):
    def hide(book):
        book["hidden"].sheet_state = "hidden"
    lake.put(bucket, "chosen/a.xlsx", workbook(("hidden", [["h", "v"], ["hidden", 1]]), ("open", [["o", "v"], ["open", 2]]), ("2", [["t", "v"], ["title"], ["two", 3]]), shape=hide))
    at = f"s3://{bucket}/chosen/"
    for number, (more, expected) in enumerate([({}, "open"), ({"sheet": "hidden"}, "hidden"), ({"sheet": "open"}, "open"), ({"sheet": "1"}, "hidden"), ({"sheet": "3", "skip_header_line_count": 2}, "two")]):
        t = external(connection, schema, f"t{number}", "k varchar(20), v int", at, **{"skip_header_line_count": 1, **more})
        assert connection.execute(f"select k, v from {t} where v is not null").fetchall() == [(expected, {"hidden": 1, "open": 2, "two": 3}[expected])], more
    with pytest.raises(psycopg.Error, match='it has no sheet "none"'):
        connection.execute(f"select * from {external(connection, schema, 'none', 'k varchar(20)', at, sheet='none')}")
    # The header that is read as data is no number; more columns than the sheet has are NULL, fewer are left out.
    with pytest.raises(psycopg.Error):
        connection.execute(f"select * from {external(connection, schema, 'header', 'k varchar(20), v int', at)}").fetchall()
    t = external(connection, schema, "wide", "k varchar(20), v int, w int", at, skip_header_line_count=1)
    assert connection.execute(f"select * from {t}").fetchall() == [("open", 2, None)]
    t = external(connection, schema, "narrow", "k varchar(20)", at, skip_header_line_count=1)
    assert connection.execute(f"select * from {t}").fetchall() == [("open",)]
    with pytest.raises(psycopg.errors.FeatureNotSupported):
        connection.execute(f"insert into {t} values ('x')")


def package(**parts):
    """A ZIP of parts; its workbook has one sheet."""
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
    types = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    given = {"book": f'<workbook {main}><sheets><sheet name="s" sheetId="1" r:id="r1"/></sheets></workbook>',
             "relations": f'<Relationships><Relationship Id="r1" Type="{types}/worksheet" Target="worksheets/sheet1.xml"/>'
                          f'<Relationship Id="r2" Type="{types}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
             "texts": "<sst><si><t>a</t></si></sst>", "sheet": "<worksheet><sheetData><row><c><v>1</v></c></row></sheetData></worksheet>", **parts}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for part, name in (("book", "xl/workbook.xml"), ("relations", "xl/_rels/workbook.xml.rels"), ("texts", "xl/sharedStrings.xml"), ("sheet", "xl/worksheets/sheet1.xml")):
            if given[part] is not None:
                target.writestr(name, given[part])
    return out.getvalue()


def hostile():
    sheet = lambda inner: package(sheet=f"<worksheet><sheetData>{inner}</sheetData></worksheet>")
    whole = package()
    lied = bytearray(whole)
    at = lied.rindex(b"PK\x01\x02")
    lied[at + 24:at + 28] = b"\xff\xff\xff\x7f"  # the sheet's size
    crc = bytearray(whole)
    local = struct.unpack_from("<I", crc, at + 42)[0]
    crc[at + 16:at + 20] = crc[local + 14:local + 18] = b"\x01\x02\x03\x04"
    encrypted = bytearray(whole)
    for i in range(len(whole) - 4):
        if whole[i:i + 4] == b"PK\x01\x02":
            encrypted[i + 8] |= 1
    laughs = "<!DOCTYPE x [<!ENTITY a \"ha\">" + "".join(f'<!ENTITY a{i} "{"&a;" if i == 0 else f"&a{i - 1};" * 10}">' for i in range(10)) + "]>"
    return {
        "empty_zip": (b"PK\x05\x06" + bytes(18), "is no ZIP file"), "no_zip": (b"PK\x03\x04 and nothing more" * 10, "is no ZIP file"), "ole": (b"\xd0\xcf\x11\xe0" + bytes(600), "is encrypted, or of an older format"),
        "cut": (whole[:-30], "is no ZIP file"), "no_book": (package(book=None), "is no workbook"), "no_sheet": (package(sheet=None), "its sheet is missing"),
        "no_relations": (package(relations=None), "has no sheet"), "checksum": (bytes(crc), "checksum"), "size": (bytes(lied), "a part cannot be read"), "encrypted": (bytes(encrypted), "is encrypted"),
        "laughs": (package(sheet=laughs + "<worksheet><sheetData><row><c t=\"inlineStr\"><is><t>&a9;</t></is></c></row></sheetData></worksheet>"), "document type"),
        "laughs_in_texts": (package(texts=laughs + "<sst><si><t>&a9;</t></si></sst>"), "document type"),
        "outside": (package(book='<!DOCTYPE x SYSTEM "file:///etc/passwd"><workbook/>'), "document type"),
        "deep": (sheet("<row>" + "<x>" * 10_000), "nested too deeply"), "broken": (sheet("<row><c></row>"), "XML is broken"), "tag": (sheet(f'<row x="{"y" * (9 << 20)}"/>'), "too long"),
        "text": (sheet(f'<row><c t="str"><v>{"y" * (2 << 20)}</v></c></row>'), "too long a text"), "no_text": (sheet('<row><c t="s"><v>7</v></c></row>'), "a text that there is not"),
        "column": (sheet('<row><c r="ZZZ1"><v>1</v></c></row>'), "too many columns"), "row": (sheet('<row r="99999999999"><c><v>1</v></c></row>'), "too many rows"),
        "bomb_of_texts": (package(texts="<sst>" + f"<si><t>{'y' * 100_000}</t></si>" * 1500 + "</sst>"), "too large")}


@pytest.mark.parametrize("name", sorted(hostile()))
def test_hostile_workbooks_fail_their_statement_only(connection, lake, bucket, schema, server, name):
    body, reason = hostile()[name]
    lake.put(bucket, f"hostile/{name}/a.xlsx", body)
    t = external(connection, schema, name, "k varchar(20)", f"s3://{bucket}/hostile/{name}/")
    before = set(server.workers())
    with pytest.raises(psycopg.Error) as failed:
        connection.execute(f"select * from {t}").fetchall()
    assert f"{name}/a.xlsx is not a readable xlsx file" in str(failed.value) and reason in str(failed.value), failed.value
    assert set(server.workers()) & before, "the worker did not live"


def test_a_bomb_of_rows_is_read_in_pieces(connection, lake, bucket, schema):
    """A sheet of 200 MB in a quarter of one, and cells that repeat a long text: neither is held as a whole."""
    row = f'<row>{" " * 4000}<c><v>1</v></c></row>'
    lake.put(bucket, "pieces/a/a.xlsx", package(sheet=f"<worksheet><sheetData>{row * 50_000}</sheetData></worksheet>"))
    t = external(connection, schema, "pieces", "n int", f"s3://{bucket}/pieces/a/")
    assert connection.execute(f"select count(*), sum(n) from {t}").fetchone() == (50_000, 50_000)
    long = "y" * 30_000
    row = "<row>" + '<c t="s"><v>0</v></c>' * 20 + "</row>"
    lake.put(bucket, "pieces/b/a.xlsx", package(texts=f"<sst><si><t>{long}</t></si></sst>", sheet=f"<worksheet><sheetData>{row * 2000}</sheetData></worksheet>"))
    t = external(connection, schema, "long", ", ".join(f"c{i} varchar(65535)" for i in range(20)), f"s3://{bucket}/pieces/b/")
    assert connection.execute(f"select count(*), sum(len(c0)), max(len(c19)) from {t}").fetchone() == (2000, 60_000_000, 30_000)


def test_a_crawl_survives_hostile_workbooks(crawler):
    one = crawler()
    for name, (body, _) in hostile().items():
        one.put(f"h_{name}/a.xlsx", body)
    one.put("good/a.xlsx", workbook(("s", [["a", "b"], [1, "x"]])))
    one.put("good/b.xlsx", b"PK\x03\x04 broken")
    evidence = one.run()
    assert one.tables() == {"good"} and one.columns("good") == {"a": "bigint", "b": "string"}
    assert len(evidence["Tables"]) >= 1


@pytest.mark.parametrize("what", ["bytes", "parts"])
def test_no_broken_workbook_ends_the_worker(connection, lake, bucket, schema, server, what):
    """Changes of the ZIP file, and of the XML within a sound one."""
    rng = random.Random(2026)
    whole = workbook(("s", [["id", "name", "day"], *([i, f"name {i % 7}", DAY] for i in range(50))]))
    before, outcomes = set(server.workers()), {"rows": 0, "refused": 0}
    for number in range(60):
        if what == "bytes":
            body = bytearray(whole)
            for _ in range(rng.randrange(1, 4)):
                at = rng.choice([rng.randrange(len(body)), max(0, len(body) - 1 - rng.randrange(600))])
                body[at:at + rng.choice([0, 1, 4])] = rng.choice([b"", rng.randbytes(1), b"\xff\xff\xff\x7f", b"\0\0\0\0"])
        else:
            out = io.BytesIO()
            with zipfile.ZipFile(io.BytesIO(whole)) as given, zipfile.ZipFile(out, "w") as made:
                spoiled = rng.choice([name for name in given.namelist() if name.startswith("xl/") and "theme" not in name])
                for part in given.namelist():
                    text = bytearray(given.read(part))
                    for _ in range(rng.randrange(1, 3) if part == spoiled else 0):
                        at = rng.randrange(len(text))
                        text[at:at + rng.choice([0, 1, 9])] = rng.choice([b"", b"<", b">", b"\"", b"9999999999", b"-1", b"\xff", b"&#1;", b"<c t='s'><v>1</v></c>"])
                    made.writestr(part, bytes(text))
            body = out.getvalue()
        lake.put(bucket, f"mutants/{what}/{number}/a.xlsx", bytes(body))
        t = external(connection, schema, f"{what}_{number}", "id varchar(100), name varchar(100), day varchar(100)", f"s3://{bucket}/mutants/{what}/{number}/", skip_header_line_count=1)
        try:
            connection.execute(f"select count(*), max(id), max(day) from {t}").fetchall()
            outcomes["rows"] += 1
        except psycopg.Error as error:
            assert error.sqlstate not in ("XX000", "57P01", "57P02", "58030"), f"{number}: {error}"
            outcomes["refused"] += 1
    assert outcomes["refused"] > 3 and outcomes["rows"] > 3, outcomes
    assert set(server.workers()) & before
