"""Tables of the Glue catalog: former versions, searches, what is refused."""

import uuid

import pytest

from support.glue import refused, table_input, unchecked


@pytest.fixture
def database(glue):
    name = f"db_{uuid.uuid4().hex[:10]}"
    glue.create_database(DatabaseInput={"Name": name})
    return name


def describe(glue, database, text, **more):
    glue.update_table(DatabaseName=database, TableInput={**table_input("t"), "Description": text}, **more)


def test_every_update_keeps_the_former_version(glue, database):
    glue.create_table(DatabaseName=database, TableInput=table_input("t"))
    for text in ("one", "two", "three"):
        describe(glue, database, text)
    at = {"DatabaseName": database, "TableName": "t"}
    versions = glue.get_table_versions(**at)["TableVersions"]
    assert [v["VersionId"] for v in versions] == ["3", "2", "1", "0"]
    assert [v["Table"].get("Description") for v in versions] == ["three", "two", "one", None]
    assert all(v["Table"]["VersionId"] == v["VersionId"] for v in versions)
    assert glue.get_table_version(**at, VersionId="1")["TableVersion"]["Table"]["Description"] == "one"
    assert glue.get_table_version(**at)["TableVersion"]["VersionId"] == "3"


def test_versions_come_in_pages(glue, database):
    glue.create_table(DatabaseName=database, TableInput=table_input("t"))
    for i in range(7):
        describe(glue, database, str(i))
    pages = list(glue.get_paginator("get_table_versions").paginate(DatabaseName=database, TableName="t", PaginationConfig={"PageSize": 3}))
    assert [[v["VersionId"] for v in p["TableVersions"]] for p in pages] == [["7", "6", "5"], ["4", "3", "2"], ["1", "0"]]
    assert len(glue.get_table_versions(DatabaseName=database, TableName="t", MaxResults=8)["TableVersions"]) == 8
    assert "NextToken" not in glue.get_table_versions(DatabaseName=database, TableName="t", MaxResults=8)


def test_skip_archive_raises_the_version_and_keeps_none(glue, database):
    glue.create_table(DatabaseName=database, TableInput=table_input("t"))
    describe(glue, database, "unseen", SkipArchive=True)
    describe(glue, database, "seen")
    versions = glue.get_table_versions(DatabaseName=database, TableName="t")["TableVersions"]
    assert [(v["VersionId"], v["Table"]["Description"]) for v in versions] == [("2", "seen"), ("1", "unseen")]
    refused("EntityNotFoundException", glue.get_table_version, DatabaseName=database, TableName="t", VersionId="0")


def test_an_update_from_another_version_is_refused(glue, database):
    glue.create_table(DatabaseName=database, TableInput=table_input("t"))
    describe(glue, database, "first", VersionId="0")
    for stale in ("0", "2", "latest"):
        refused("ConcurrentModificationException", describe, glue=glue, database=database, text="lost", VersionId=stale)
    assert glue.get_table(DatabaseName=database, Name="t")["Table"]["Description"] == "first"
    assert len(glue.get_table_versions(DatabaseName=database, TableName="t")["TableVersions"]) == 2


def test_a_table_is_rolled_back_from_a_former_version(glue, database):
    glue.create_table(DatabaseName=database, TableInput=table_input("t", columns=[("old", "bigint")]))
    glue.update_table(DatabaseName=database, TableInput=table_input("t", columns=[("new", "string")]))
    former = glue.get_table_version(DatabaseName=database, TableName="t", VersionId="0")["TableVersion"]["Table"]
    given = {k: v for k, v in former.items() if k in glue.meta.service_model.shape_for("TableInput").members}
    glue.update_table(DatabaseName=database, TableInput=given, VersionId="1")
    now = glue.get_table(DatabaseName=database, Name="t")["Table"]
    assert now["StorageDescriptor"] == former["StorageDescriptor"] and now["VersionId"] == "2"
    assert now["CreateTime"] == former["CreateTime"]


def test_versions_are_deleted_one_and_many(glue, database):
    glue.create_table(DatabaseName=database, TableInput=table_input("t"))
    for i in range(4):
        describe(glue, database, str(i))
    at = {"DatabaseName": database, "TableName": "t"}
    glue.delete_table_version(**at, VersionId="0")
    refused("EntityNotFoundException", glue.delete_table_version, **at, VersionId="0")
    refused("InvalidInputException", glue.delete_table_version, **at, VersionId="4")
    refused("InvalidInputException", glue.delete_table_version, **at, VersionId="-1")
    errors = glue.batch_delete_table_version(**at, VersionIds=["1", "0", "x", "4", "2"])["Errors"]
    assert {e["VersionId"]: e["ErrorDetail"]["ErrorCode"] for e in errors} == {
        "0": "EntityNotFoundException", "x": "InvalidInputException", "4": "InvalidInputException"}
    assert all(e["TableName"] == "t" for e in errors)
    assert [v["VersionId"] for v in glue.get_table_versions(**at)["TableVersions"]] == ["4", "3"]
    refused("InvalidInputException", glue.batch_delete_table_version, **at, VersionIds=[str(i) for i in range(101)])


def test_versions_go_with_their_table(glue, database):
    glue.create_table(DatabaseName=database, TableInput=table_input("t"))
    describe(glue, database, "x")
    glue.delete_table(DatabaseName=database, Name="t")
    refused("EntityNotFoundException", glue.get_table_versions, DatabaseName=database, TableName="t")
    glue.create_table(DatabaseName=database, TableInput=table_input("t"))
    assert [v["VersionId"] for v in glue.get_table_versions(DatabaseName=database, TableName="t")["TableVersions"]] == ["0"]


def test_bad_tokens_and_versions_are_refused(glue, database):
    glue.create_table(DatabaseName=database, TableInput=table_input("t"))
    at = {"DatabaseName": database, "TableName": "t"}
    for token in ("x", "WzFd!", "eyJhIjoxfQ==", "WyJhIl0=", "Wy0xXQ=="):
        assert "token" in refused("InvalidInputException", glue.get_table_versions, **at, NextToken=token)
    for version in ("99999999999999999999999", "1 ", "0x1"):
        refused("InvalidInputException", glue.get_table_version, **at, VersionId=version)
    refused("EntityNotFoundException", glue.get_table_version, **at, VersionId="7")


def test_tables_are_searched_by_text(glue, database):
    mark = uuid.uuid4().hex
    glue.create_table(DatabaseName=database, TableInput={**table_input("orders"), "Description": f"Invoices {mark} of customers"})
    glue.create_table(DatabaseName=database, TableInput=table_input("events", columns=[(f"c_{mark}", "int")]))
    glue.create_table(DatabaseName=database, TableInput=table_input("others"))
    names = lambda **how: [t["Name"] for t in glue.search_tables(**how)["TableList"]]  # noqa: E731
    assert names(SearchText=mark) == ["events", "orders"]
    assert names(SearchText=f"INVOICES {mark}") == ["orders"]
    assert names(SearchText=f'"c_{mark}"') == ["events"]
    assert names(SearchText=f'"{mark}"') == []


def test_tables_are_searched_by_filters_and_sorted(glue, database):
    for name, kind in (("a-link", "csv"), ("b-link", "json"), ("xlinky", "csv")):
        glue.create_table(DatabaseName=database, TableInput={**table_input(name), "Parameters": {"classification": kind}})
    within = [{"Key": "DatabaseName", "Value": database}]
    names = lambda *filters, **how: [t["Name"] for t in glue.search_tables(Filters=within + list(filters), **how)["TableList"]]  # noqa: E731
    assert names() == ["a-link", "b-link", "xlinky"]
    assert names({"Key": "Name", "Value": "link"}) == ["a-link", "b-link"]
    assert names({"Key": "classification", "Value": "csv"}) == ["a-link", "xlinky"]
    assert names({"Key": "CreateTime", "Value": "2020-01-01", "Comparator": "GREATER_THAN"}) == ["a-link", "b-link", "xlinky"]
    assert names({"Key": "CreateTime", "Value": "2020-01-01T00:00:00Z", "Comparator": "LESS_THAN"}) == []
    assert names(SortCriteria=[{"FieldName": "Name", "Sort": "DESC"}]) == ["xlinky", "b-link", "a-link"]
    refused("InvalidInputException", glue.search_tables, Filters=[{"Key": "UpdateTime", "Value": "yesterday"}])
    page = glue.search_tables(Filters=within, MaxResults=2)
    rest = glue.search_tables(Filters=within, MaxResults=2, NextToken=page["NextToken"])
    assert [[t["Name"] for t in p["TableList"]] for p in (page, rest)] == [["a-link", "b-link"], ["xlinky"]] and "NextToken" not in rest
    refused("InvalidInputException", glue.search_tables, NextToken="WyJhIl0=")
    assert glue.search_tables(Filters=within, ResourceShareType="FOREIGN")["TableList"] == []


def test_attributes_to_get_leave_out_the_rest(glue, database):
    glue.create_table(DatabaseName=database, TableInput=table_input("t"))
    got = glue.get_tables(DatabaseName=database, AttributesToGet=["NAME", "TABLE_TYPE"])["TableList"]
    assert got == [{"Name": "t", "DatabaseName": database, "TableType": "EXTERNAL_TABLE"}]
    assert "StorageDescriptor" in glue.get_table(DatabaseName=database, Name="t", AttributesToGet=["DEFAULT"])["Table"]


def test_databases_come_in_pages_and_keep_what_an_update_leaves_out(glue):
    names = sorted(f"pg_{uuid.uuid4().hex[:10]}" for _ in range(5))
    for name in names:
        glue.create_database(DatabaseInput={"Name": name, "Description": "first", "Parameters": {"a": "1"}})
    pages = list(glue.get_paginator("get_databases").paginate(PaginationConfig={"PageSize": 2}))
    listed = [d["Name"] for p in pages for d in p["DatabaseList"]]
    assert [n for n in listed if n in names] == names and listed == sorted(listed) and all(len(p["DatabaseList"]) <= 2 for p in pages)
    before = glue.get_database(Name=names[0])["Database"]
    glue.update_database(Name=names[0], DatabaseInput={"Name": names[0], "LocationUri": "s3://x/"})
    after = glue.get_database(Name=names[0])["Database"]
    assert after["CreateTime"] == before["CreateTime"] and after["LocationUri"] == "s3://x/" and "Description" not in after
    assert after["CreateTableDefaultPermissions"] == before["CreateTableDefaultPermissions"]
    refused("InvalidInputException", glue.update_database, Name=names[0], DatabaseInput={"Name": "other"})


@pytest.mark.parametrize("bad", [
    {"Name": ""}, {"Name": "a" * 256}, {"Name": "two\nlines"}, {"Name": "nul\0"}, {},
    {"Name": "t", "Retention": -1}, {"Name": "t", "PartitionKeys": [{"Name": "k"}, {"Name": "K"}]},
    {"Name": "t", "StorageDescriptor": {"Columns": [{"Type": "int"}]}}, {"Name": "t", "Description": "d" * 2049},
    {"Name": "t", "StorageDescriptor": {"SortColumns": [{"Column": "a", "SortOrder": 2}]}}])
def test_tables_that_are_none_are_refused(glue, database, bad):
    refused("InvalidInputException", unchecked(glue).create_table, DatabaseName=database, TableInput=bad)
    assert glue.get_tables(DatabaseName=database)["TableList"] == []


def test_the_texts_of_refusals_are_the_services(glue, database):
    bare = unchecked(glue)
    assert refused("InvalidInputException", bare.create_table, DatabaseName=database, TableInput={"Name": ""}) == (
        "1 validation error detected: Value '' at 'tableInput.name' failed to satisfy constraint: "
        "Member must have length greater than or equal to 1")
    assert "Member must not be null" in refused("InvalidInputException", bare.get_table, DatabaseName=database)
    assert "regular expression pattern" in refused("InvalidInputException", bare.get_table, DatabaseName=database, Name="a\x01")
    assert "enum value set: [FOREIGN, ALL, FEDERATED]" in refused("InvalidInputException", bare.search_tables, ResourceShareType="MINE")
    refused("InvalidInputException", bare.create_table, DatabaseName=database, TableInput=table_input("t"),
            OpenTableFormatInput={"IcebergInput": {"MetadataOperation": "CREATE"}})
    refused("InvalidInputException", bare.get_tables, DatabaseName=database, Expression="(")
