"""Partitions of the Glue catalog: expressions, segments, pages, batches, indexes."""

import itertools
import random
import uuid

import pytest

from support.glue import refused, table_input, unchecked


@pytest.fixture
def database(glue):
    name = f"db_{uuid.uuid4().hex[:10]}"
    glue.create_database(DatabaseInput={"Name": name})
    return name


def fill(glue, at, all_values):
    """Makes partitions of these values, in no order."""
    inputs = [{"Values": list(v), "StorageDescriptor": {"Location": "s3://b/" + "/".join(v), "Columns": [{"Name": "a", "Type": "int"}]}}
              for v in all_values]
    random.Random(3).shuffle(inputs)
    for i in range(0, len(inputs), 100):
        assert not glue.batch_create_partition(**at, PartitionInputList=inputs[i:i + 100]).get("Errors")


def table(glue, database, keys, name="p"):
    glue.create_table(DatabaseName=database, TableInput=table_input(name, keys))
    return {"DatabaseName": database, "TableName": name}


def values_of(glue, at, expression="", **more):
    pages = glue.get_paginator("get_partitions").paginate(**at, Expression=expression, **more)
    return [tuple(p["Values"]) for page in pages for p in page["Partitions"]]


@pytest.fixture(scope="module")
def calendar(server, api_user):
    """Four keys of several types: 5 years × 12 months (without leading zeros) × 3 regions × 10 days."""
    client = server.client("glue", api_user)
    database = f"db_{uuid.uuid4().hex[:10]}"
    client.create_database(DatabaseInput={"Name": database})
    at = table(client, database, [("region", "string"), ("year", "int"), ("month", "int"), ("day", "date")])
    rows = [(r, str(y), str(m), f"{y}-{m:02}-{d:02}") for r in ("eu", "us", "us-west") for y in range(2019, 2024)
            for m in range(1, 13) for d in range(1, 11)]
    fill(client, at, rows)
    return at, rows


@pytest.mark.parametrize("expression, wanted", [
    ("region = 'us'", lambda r, y, m, d: r == "us"),
    ("region = 'us' and year = 2021", lambda r, y, m, d: r == "us" and y == 2021),
    ("region = 'us' AND year = '2021' AND month = 7", lambda r, y, m, d: r == "us" and y == 2021 and m == 7),
    ("region in ('eu', 'us-west') and year = 2020 and month in (1, 12)", lambda r, y, m, d: r != "us" and y == 2020 and m in (1, 12)),
    ("region > 'us'", lambda r, y, m, d: r > "us"),
    ("region >= 'us' and month >= 10", lambda r, y, m, d: r >= "us" and m >= 10),
    ("region < 'us' and month between 9 and 10", lambda r, y, m, d: r < "us" and m in (9, 10)),
    ("region <= 'us' and day = '2020-02-03'", lambda r, y, m, d: r <= "us" and d == "2020-02-03"),
    ("month = 02", lambda r, y, m, d: m == 2),
    ("day >= date '2023-12-05'", lambda r, y, m, d: d >= "2023-12-05"),
    ("not (region = 'us') and not month < 12", lambda r, y, m, d: r != "us" and m == 12),
    ("region = 'eu' or (year = 2019 and month = 1)", lambda r, y, m, d: r == "eu" or (y == 2019 and m == 1)),
    ("region like 'us%' and month = 5", lambda r, y, m, d: r.startswith("us") and m == 5),
    ("region not in ('us') and month is not null and year <> 2019", lambda r, y, m, d: r != "us" and y != 2019),
    ("region = 'us' and region = 'eu'", lambda r, y, m, d: False),
    ("region is null", lambda r, y, m, d: False),
    ("2022 < year and month < 2", lambda r, y, m, d: y > 2022 and m < 2)])
def test_expressions_find_what_a_scan_would(glue, calendar, expression, wanted):
    at, rows = calendar
    assert values_of(glue, at, expression) == sorted(row for row in rows if wanted(row[0], int(row[1]), int(row[2]), row[3]))


def test_pages_hold_what_they_should(glue, calendar):
    at, rows = calendar
    whole = sorted(rows)
    assert values_of(glue, at, PaginationConfig={"PageSize": 137}) == whole
    assert values_of(glue, at, "month = 3", PaginationConfig={"PageSize": 7}) == [r for r in whole if r[2] == "3"]
    first = glue.get_partitions(**at)
    assert len(first["Partitions"]) == 1000 and first["NextToken"]
    last = glue.get_partitions(**at, Expression="region = 'us-west' and year = 2023", MaxResults=120)
    assert len(last["Partitions"]) == 120 and "NextToken" not in last


def test_segments_are_disjoint_and_complete(glue, calendar):
    at, rows = calendar
    parts = [values_of(glue, at, "year > 2019", Segment={"SegmentNumber": n, "TotalSegments": 5}, PaginationConfig={"PageSize": 100}) for n in range(5)]
    assert all(parts) and sorted(itertools.chain(*parts)) == sorted(r for r in rows if int(r[1]) > 2019)
    refused("InvalidInputException", glue.get_partitions, **at, Segment={"SegmentNumber": 5, "TotalSegments": 5})
    refused("InvalidInputException", unchecked(glue).get_partitions, **at, Segment={"SegmentNumber": 0, "TotalSegments": 11})


def test_schemas_are_left_out_when_asked(glue, calendar):
    at, _ = calendar
    bare = glue.get_partitions(**at, MaxResults=1, ExcludeColumnSchema=True)["Partitions"][0]
    full = glue.get_partitions(**at, MaxResults=1)["Partitions"][0]
    assert "Columns" not in bare["StorageDescriptor"] and bare["StorageDescriptor"]["Location"]
    assert full["StorageDescriptor"]["Columns"] == [{"Name": "a", "Type": "int"}]


@pytest.mark.parametrize("expression", [
    "region", "nosuch = 1", "year = 'abc'", "region = 'a", "(region = 'a'", "region = 'a' and", "region = 'a'; drop table x", "year = 1 or",
    "region ~ 'a'", "'a' = 'a'", "region between 'a'", "year in ()", "region = 'a' -- x", "x" * 2049])
def test_expressions_that_are_none_are_refused(glue, calendar, expression):
    at, _ = calendar
    refused("InvalidInputException", unchecked(glue).get_partitions, **at, Expression=expression)


@pytest.mark.parametrize("token", ["x", "eyJhIjoxfQ==", "W10=", "WzFd", "W1sxXV0=", "WyJhIl0="])
def test_tokens_that_are_none_are_refused(glue, calendar, token):
    at, _ = calendar
    refused("InvalidInputException", glue.get_partitions, **at, NextToken=token)


def test_limits_of_pages_and_batches_are_kept(glue, calendar):
    at, _ = calendar
    bare = unchecked(glue)
    for most in (0, 1001, -1):
        refused("InvalidInputException", bare.get_partitions, **at, MaxResults=most)
    one = {"Values": ["eu", "1", "1", "2020-01-01"]}
    refused("InvalidInputException", bare.batch_create_partition, **at, PartitionInputList=[one] * 101)
    refused("InvalidInputException", bare.batch_get_partition, **at, PartitionsToGet=[one] * 1001)
    refused("InvalidInputException", bare.batch_delete_partition, **at, PartitionsToDelete=[one] * 26)
    entry = {"PartitionValueList": one["Values"], "PartitionInput": one}
    refused("InvalidInputException", bare.batch_update_partition, **at, Entries=[entry] * 101)


def test_odd_values_are_kept_apart(glue, database):
    at = table(glue, database, [("k", "string"), ("l", "string")])
    odd = ["a", "a b", "a\\", "\\", "\x1f", "\x1e", "\x1e\x1f", "a\x1f", "é", "日本", "'", "%", "__HIVE_DEFAULT_PARTITION__", "\x00", "\x01", "\t", "~"]
    rows = [(x, y) for x in odd for y in odd]
    fill(glue, at, rows)
    assert sorted(values_of(glue, at)) == sorted(rows)
    assert sorted(values_of(glue, at, PaginationConfig={"PageSize": 10})) == sorted(rows)
    null = "__HIVE_DEFAULT_PARTITION__"
    for value in ("a", "\\", "é", "~", "a b"):
        assert sorted(values_of(glue, at, f"k = '{value}'")) == sorted(r for r in rows if r[0] == value)
        assert sorted(values_of(glue, at, f"k <= '{value}'")) == sorted(r for r in rows if r[0].encode() <= value.encode() and r[0] != null)
        assert sorted(values_of(glue, at, f"k >= '{value}'")) == sorted(r for r in rows if r[0].encode() >= value.encode() and r[0] != null)
    assert sorted(values_of(glue, at, "k is null")) == sorted(r for r in rows if r[0] == null)
    assert values_of(glue, at, "l is null and k = 'a'") == [("a", null)]


def test_batches_get_update_and_delete_what_is_there(glue, database):
    at = table(glue, database, ["year"])
    fill(glue, at, [(str(y),) for y in range(2000, 2010)])
    got = glue.batch_get_partition(**at, PartitionsToGet=[{"Values": [str(y)]} for y in (2003, 1999, 2001)])
    assert [p["Values"] for p in got["Partitions"]] == [["2003"], ["2001"]] and got["UnprocessedKeys"] == []
    before = glue.get_partition(**at, PartitionValues=["2000"])["Partition"]
    errors = glue.batch_update_partition(**at, Entries=[
        {"PartitionValueList": ["2000"], "PartitionInput": {"Values": ["2000"], "Parameters": {"a": "1"}}},
        {"PartitionValueList": ["1999"], "PartitionInput": {"Values": ["1999"]}},
        {"PartitionValueList": ["2001"], "PartitionInput": {"Values": ["2002"]}},
        {"PartitionValueList": ["2003"], "PartitionInput": {"Values": ["2003", "4"]}},
        {"PartitionValueList": ["2004"], "PartitionInput": {"Values": ["1900"]}}])["Errors"]
    assert {e["PartitionValueList"][0]: e["ErrorDetail"]["ErrorCode"] for e in errors} == {
        "1999": "EntityNotFoundException", "2001": "AlreadyExistsException", "2003": "InvalidInputException"}
    after = glue.get_partition(**at, PartitionValues=["2000"])["Partition"]
    assert after["Parameters"] == {"a": "1"} and after["CreationTime"] == before["CreationTime"]
    assert ("1900",) in values_of(glue, at) and ("2004",) not in values_of(glue, at)
    errors = glue.batch_delete_partition(**at, PartitionsToDelete=[{"Values": ["1900"]}, {"Values": ["1901"]}])["Errors"]
    assert [(e["PartitionValues"], e["ErrorDetail"]["ErrorCode"]) for e in errors] == [(["1901"], "EntityNotFoundException")]


def test_a_batch_makes_the_good_ones_and_lists_the_bad(glue, database):
    at = table(glue, database, ["year"])
    fill(glue, at, [("2000",)])
    errors = unchecked(glue).batch_create_partition(**at, PartitionInputList=[
        {"Values": ["2000"]}, {"Values": ["2001"]}, {"Values": ["2001"]}, {"Values": []}, {"Values": [""]}])["Errors"]
    assert sorted((tuple(e["PartitionValues"]), e["ErrorDetail"]["ErrorCode"]) for e in errors) == [
        ((), "InvalidInputException"), (("",), "InvalidInputException"), (("2000",), "AlreadyExistsException"), (("2001",), "AlreadyExistsException")]
    assert values_of(glue, at) == [("2000",), ("2001",)]


def test_missing_partitions_and_tables_are_told(glue, database):
    at = table(glue, database, ["year"])
    assert refused("EntityNotFoundException", glue.get_partition, **at, PartitionValues=["1"]) == "Cannot find partition."
    refused("EntityNotFoundException", glue.update_partition, **at, PartitionValueList=["1"], PartitionInput={"Values": ["1"]})
    refused("EntityNotFoundException", glue.delete_partition, **at, PartitionValues=["1"])
    for call in (glue.get_partitions, glue.get_partition_indexes):
        refused("EntityNotFoundException", call, DatabaseName=database, TableName="none")
        refused("EntityNotFoundException", call, DatabaseName="none", TableName="none")


def test_partition_indexes_are_kept_and_active(glue, database):
    at = table(glue, database, [("region", "string"), ("year", "int"), ("day", "date")])
    glue.create_partition_index(**at, PartitionIndex={"IndexName": "by_year", "Keys": ["year", "region"]})
    listed = glue.get_partition_indexes(**at)["PartitionIndexDescriptorList"]
    assert listed == [{"IndexName": "by_year", "IndexStatus": "ACTIVE",
                       "Keys": [{"Name": "year", "Type": "int"}, {"Name": "region", "Type": "string"}]}]
    refused("AlreadyExistsException", glue.create_partition_index, **at, PartitionIndex={"IndexName": "by_year", "Keys": ["year"]})
    refused("AlreadyExistsException", glue.create_partition_index, **at, PartitionIndex={"IndexName": "x", "Keys": ["year", "region"]})
    refused("InvalidInputException", glue.create_partition_index, **at, PartitionIndex={"IndexName": "x", "Keys": ["day"]})
    refused("InvalidInputException", glue.create_partition_index, **at, PartitionIndex={"IndexName": "x", "Keys": ["a"]})
    refused("InvalidInputException", unchecked(glue).create_partition_index, **at, PartitionIndex={"IndexName": "x", "Keys": []})
    for name, key in (("two", "year"), ("three", "region")):
        glue.create_partition_index(**at, PartitionIndex={"IndexName": name, "Keys": [key]})
    refused("ResourceNumberLimitExceededException", glue.create_partition_index, **at,
            PartitionIndex={"IndexName": "four", "Keys": ["region", "year"]})
    glue.delete_partition_index(**at, IndexName="two")
    refused("EntityNotFoundException", glue.delete_partition_index, **at, IndexName="two")
    assert [i["IndexName"] for i in glue.get_partition_indexes(**at)["PartitionIndexDescriptorList"]] == ["by_year", "three"]
    glue.delete_table(DatabaseName=database, Name="p")
    table(glue, database, ["year"])
    assert glue.get_partition_indexes(**at)["PartitionIndexDescriptorList"] == []


def test_a_table_is_made_with_its_indexes_or_not_at_all(glue, database):
    index = {"IndexName": "i", "Keys": ["year"]}
    glue.create_table(DatabaseName=database, TableInput=table_input("t", ["year"]), PartitionIndexes=[index])
    assert len(glue.get_partition_indexes(DatabaseName=database, TableName="t")["PartitionIndexDescriptorList"]) == 1
    refused("InvalidInputException", glue.create_table, DatabaseName=database, TableInput=table_input("u", ["month"]), PartitionIndexes=[index])
    refused("EntityNotFoundException", glue.get_table, DatabaseName=database, Name="u")


def test_versions_and_partitions_survive_a_kill(own_server):
    own = own_server()
    user = own.add_user("api", superuser=True, access_key=True)
    glue = own.client("glue", user)
    glue.create_database(DatabaseInput={"Name": "kept"})
    at = table(glue, "kept", ["year", "month"])
    done = []
    for year in range(2000, 2010):
        glue.batch_create_partition(**at, PartitionInputList=[{"Values": [str(year), str(m)]} for m in range(1, 13)])
        glue.update_table(DatabaseName="kept", TableInput={**table_input("p", ["year", "month"]), "Description": str(year)})
        done.append(str(year))
    glue.delete_table_version(**at, VersionId="3")
    glue.create_partition_index(**at, PartitionIndex={"IndexName": "i", "Keys": ["year"]})
    own.kill()
    own.start()
    glue = own.client("glue", user)
    assert sorted(values_of(glue, at)) == sorted((y, str(m)) for y in done for m in range(1, 13))
    assert values_of(glue, at, "year = 2004 and month = 2") == [("2004", "2")]
    versions = glue.get_table_versions(**at)["TableVersions"]
    assert [v["VersionId"] for v in versions] == ["10", "9", "8", "7", "6", "5", "4", "2", "1", "0"]
    assert versions[0]["Table"]["Description"] == "2009" and versions[1]["Table"]["Description"] == "2008"
    assert len(glue.get_partition_indexes(**at)["PartitionIndexDescriptorList"]) == 1
