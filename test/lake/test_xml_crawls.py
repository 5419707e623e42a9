"""XML in crawls: catalogued with its rows' elements, and not queried, as with Redshift Spectrum."""

import gzip
import uuid

import psycopg
import pytest

from test_crawlers import Crawler

BOOKS = """<?xml version="1.0"?>
<catalog xmlns:m="urn:m"><info>of books</info>
  <book id="7" printed="2026-01-31"><title>One &amp; two</title><price currency="EUR">9.50</price><tag>a</tag><tag>b</tag><m:pages>120</m:pages></book>
  <book id="8"><title>Three</title><price currency="CHF">12</price><sold>true</sold></book>
</catalog>"""
COLUMNS = {"_id": "bigint", "_printed": "date", "title": "string", "price": "struct<_currency:string,_value:double>", "tag": "array<string>", "pages": "bigint", "sold": "boolean"}


@pytest.fixture
def crawler(server, glue, lake, bucket):
    return lambda **more: Crawler(server, glue, lake, bucket, **more)


def test_xml_is_catalogued_and_not_queried(crawler, external_schema, connection):
    one = crawler()
    one.put("books/a.xml", BOOKS)
    one.put("packed/a.xml.gz", gzip.compress(BOOKS.encode()))
    one.put("nameless/a", BOOKS)
    one.put("latin/a.xml", '<?xml version="1.0" encoding="ISO-8859-1"?><x><größe>1</größe><größe>2</größe></x>'.encode("latin-1"))
    evidence = one.run()
    for name in ("books", "packed", "nameless"):
        assert one.columns(name) == COLUMNS, name
        table = one.table(name)
        assert table["Parameters"]["classification"] == "xml" and table["Parameters"]["rowTag"] == "book" and table["Parameters"]["recordCount"] == "2"
        assert not table["StorageDescriptor"]["SerdeInfo"].get("SerializationLibrary")
    assert one.columns("latin") == {"_value": "bigint"} and one.table("latin")["Parameters"]["rowTag"] == "größe"
    assert {t["Format"] for t in evidence["Tables"]} == {"xml"}
    schema = external_schema(one.name)
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="a format that is not supported: xml"):
        connection.execute(f"select * from {schema}.books")


def test_a_row_tag_chooses_the_rows(crawler, glue, external_schema, connection):
    name, other = (f"{kind}_{uuid.uuid4().hex[:8]}" for kind in ("rows", "none"))
    glue.create_classifier(XMLClassifier={"Name": name, "Classification": "library", "RowTag": "title"})
    glue.create_classifier(XMLClassifier={"Name": other, "Classification": "x", "RowTag": "nobody"})
    one = crawler(Classifiers=[other, name])
    one.put("books/a.xml", BOOKS)
    one.put("plain/a.csv", "id,n\n1,2\n")
    evidence = one.run()
    assert {t["Table"]: t["Classifier"] for t in evidence["Tables"]} == {"books": name, "plain": "csv"}
    assert one.columns("books") == {"_value": "string"}
    assert one.table("books")["Parameters"]["classification"] == "library" and one.table("books")["Parameters"]["rowTag"] == "title"
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="a format that is not supported: library"):
        connection.execute(f"select * from {external_schema(one.name)}.books")


def test_hostile_xml_is_skipped(crawler):
    laughs = "<!DOCTYPE x [<!ENTITY a \"ha\">" + "".join(f'<!ENTITY a{i} "{"&a;" if i == 0 else f"&a{i - 1};" * 10}">' for i in range(10)) + "]><x><r>&a9;</r><r/></x>"
    hostile = {"laughs": laughs, "outside": '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x><r>&a;</r><r/></x>', "deep": "<x>" * 100_000, "cut": BOOKS[:-20], "none": "no xml",
               "wide": "<x><r>" + "".join(f"<e{i}/>" for i in range(50_000)) + "</r></x>", "tag": "<x a='" + "y" * 2_000_000, "empty_root": "<?xml version='1.0'?><x/>"}
    one = crawler()
    for name, body in hostile.items():
        one.put(f"{name}/a.xml", body)
    one.put("good/a.xml", BOOKS)
    evidence = one.run()
    assert one.tables() == {"good"} and one.columns("good") == COLUMNS
    assert "document type" in str(evidence) and "nested too deeply" in str(evidence) and "too many different elements" in str(evidence)
