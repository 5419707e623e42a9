"""The Glue catalog API through boto3."""

import uuid

import pytest

from support.glue import refused, table_input


@pytest.fixture
def database(glue):
    name = f"db_{uuid.uuid4().hex[:10]}"
    glue.create_database(DatabaseInput={"Name": name, "Description": "of a test"})
    return name


def test_a_database_comes_back_as_it_was_made(glue, database):
    got = glue.get_database(Name=database)["Database"]
    assert (got["Name"], got["Description"]) == (database, "of a test") and got["CreateTime"]
    assert database in [d["Name"] for p in glue.get_paginator("get_databases").paginate() for d in p["DatabaseList"]]


def test_names_are_folded_to_lower_case(glue):
    name = f"Db_{uuid.uuid4().hex[:8]}"
    glue.create_database(DatabaseInput={"Name": name})
    assert glue.get_database(Name=name.upper())["Database"]["Name"] == name.lower()


def test_missing_and_duplicate_objects_have_glues_codes(glue, database):
    refused("AlreadyExistsException", glue.create_database, DatabaseInput={"Name": database})
    message = refused("EntityNotFoundException", glue.get_database, Name="no_such_database")
    assert message == "Database no_such_database not found."
    message = refused("EntityNotFoundException", glue.get_table, DatabaseName=database, Name="no_such_table")
    assert message == "Table no_such_table not found."
    refused("EntityNotFoundException", glue.create_table, DatabaseName="no_such_database", TableInput=table_input("t"))
    glue.create_table(DatabaseName=database, TableInput=table_input("t"))
    refused("AlreadyExistsException", glue.create_table, DatabaseName=database, TableInput=table_input("t"))
    refused("EntityNotFoundException", glue.get_crawler, Name="no_such_crawler")
    refused("EntityNotFoundException", glue.start_crawler, Name="no_such_crawler")


def test_a_table_comes_back_as_it_was_made(glue, database):
    wanted = table_input("T_Upper", ["year"])
    glue.create_table(DatabaseName=database, TableInput=wanted)
    got = glue.get_table(DatabaseName=database, Name="t_upper")["Table"]
    assert got["Name"] == "t_upper" and got["DatabaseName"] == database
    assert got["StorageDescriptor"]["Columns"] == wanted["StorageDescriptor"]["Columns"]
    assert got["PartitionKeys"] == wanted["PartitionKeys"] and got["Parameters"]["classification"] == "parquet"


def test_tables_are_listed_by_pattern_and_in_pages(glue, database):
    for i in range(7):
        glue.create_table(DatabaseName=database, TableInput=table_input(f"t{i}"))
    pages = list(glue.get_paginator("get_tables").paginate(DatabaseName=database, PaginationConfig={"PageSize": 3}))
    assert [t["Name"] for p in pages for t in p["TableList"]] == [f"t{i}" for i in range(7)] and len(pages) == 3
    assert [t["Name"] for t in glue.get_tables(DatabaseName=database, Expression="t[0-2]")["TableList"]] == ["t0", "t1", "t2"]


def test_partitions_come_back_and_are_unique(glue, database):
    glue.create_table(DatabaseName=database, TableInput=table_input("p", ["year", "month"]))
    storage = dict(table_input("p")["StorageDescriptor"])
    for month in range(1, 13):
        storage["Location"] = f"s3://somewhere/t/year=2024/month={month}/"
        glue.create_partition(DatabaseName=database, TableName="p",
                              PartitionInput={"Values": ["2024", str(month)], "StorageDescriptor": storage})
    refused("AlreadyExistsException", glue.create_partition, DatabaseName=database, TableName="p",
            PartitionInput={"Values": ["2024", "1"], "StorageDescriptor": storage})
    pages = list(glue.get_paginator("get_partitions").paginate(DatabaseName=database, TableName="p", PaginationConfig={"PageSize": 5}))
    values = sorted(tuple(p["Values"]) for page in pages for p in page["Partitions"])
    assert values == sorted(("2024", str(m)) for m in range(1, 13))


def test_a_partition_with_the_wrong_number_of_values_is_refused(glue, database):
    glue.create_table(DatabaseName=database, TableInput=table_input("p", ["year", "month"]))
    refused("InvalidInputException", glue.create_partition, DatabaseName=database, TableName="p",
            PartitionInput={"Values": ["2024"], "StorageDescriptor": table_input("p")["StorageDescriptor"]})


def test_a_deleted_database_takes_its_tables_along(glue, database):
    glue.create_table(DatabaseName=database, TableInput=table_input("t"))
    glue.delete_database(Name=database)
    refused("EntityNotFoundException", glue.get_database, Name=database)
    refused("EntityNotFoundException", glue.get_table, DatabaseName=database, Name="t")


def test_the_catalog_survives_a_restart(own_server):
    own = own_server()
    user = own.add_user("api", superuser=True, access_key=True)
    glue = own.client("glue", user)
    glue.create_database(DatabaseInput={"Name": "kept"})
    glue.create_table(DatabaseName="kept", TableInput=table_input("t"))
    own.kill()
    own.start()
    assert own.client("glue", user).get_table(DatabaseName="kept", Name="t")["Table"]["Name"] == "t"


def test_an_unsigned_request_is_refused(server):
    import urllib.error
    import urllib.request
    request = urllib.request.Request(f"http://127.0.0.1:{server.http_port}/", b"{}", {
        "X-Amz-Target": "AWSGlue.GetDatabases", "Content-Type": "application/x-amz-json-1.1"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    assert caught.value.code in (400, 403)
    assert b"MissingAuthenticationToken" in caught.value.read()
