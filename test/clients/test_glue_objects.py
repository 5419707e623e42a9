"""The Glue catalog's small objects: functions, connections, statistics, classifiers, tags, policies, settings."""

import contextlib
import datetime
import json
import sqlite3
import uuid

import pytest

from support.glue import refused, table_input, unchecked
from support.server import ACCOUNT, run_skep

REGION_ARN = f"arn:aws:glue:us-east-1:{ACCOUNT}:"


@pytest.fixture
def database(glue):
    name = f"db_{uuid.uuid4().hex[:10]}"
    glue.create_database(DatabaseInput={"Name": name})
    return name


def unique(word):
    return f"{word}_{uuid.uuid4().hex[:8]}"


# Functions.


def function(name, **more):
    return {"FunctionName": name, "ClassName": "org.example.F", "OwnerName": "o", "OwnerType": "USER",
            "ResourceUris": [{"ResourceType": "JAR", "Uri": "s3://b/f.jar"}], **more}


def test_functions_are_made_changed_and_gone(glue, database):
    glue.create_user_defined_function(DatabaseName=database, FunctionInput=function("f"))
    got = glue.get_user_defined_function(DatabaseName=database, FunctionName="f")["UserDefinedFunction"]
    assert {k: got[k] for k in function("f")} == function("f") and got["DatabaseName"] == database and got["CreateTime"]
    refused("AlreadyExistsException", glue.create_user_defined_function, DatabaseName=database, FunctionInput=function("f"))
    glue.update_user_defined_function(DatabaseName=database, FunctionName="f", FunctionInput=function("f", ClassName="G"))
    assert glue.get_user_defined_function(DatabaseName=database, FunctionName="f")["UserDefinedFunction"]["ClassName"] == "G"
    glue.delete_user_defined_function(DatabaseName=database, FunctionName="f")
    for call in (glue.get_user_defined_function, glue.delete_user_defined_function):
        refused("EntityNotFoundException", call, DatabaseName=database, FunctionName="f")
    refused("EntityNotFoundException", glue.create_user_defined_function, DatabaseName="none", FunctionInput=function("f"))
    refused("InvalidInputException", glue.create_user_defined_function, DatabaseName=database, FunctionInput={})


def test_functions_are_listed_by_hives_patterns_and_regular_expressions(glue, database):
    for name in ("alpha", "alphabet", "beta"):
        glue.create_user_defined_function(DatabaseName=database, FunctionInput=function(name))

    def names(pattern, **more):
        return [f["FunctionName"] for f in glue.get_user_defined_functions(DatabaseName=database, Pattern=pattern, **more)["UserDefinedFunctions"]]
    assert names("*") == names(".*") == ["alpha", "alphabet", "beta"]
    assert names("alpha*") == ["alpha", "alphabet"] and names("alpha") == ["alpha"] and names("a*t|b*") == ["alphabet", "beta"]
    assert names("*", FunctionType="AGGREGATE_FUNCTION") == []
    page = glue.get_user_defined_functions(DatabaseName=database, Pattern="*", MaxResults=2)
    rest = glue.get_user_defined_functions(DatabaseName=database, Pattern="*", MaxResults=2, NextToken=page["NextToken"])
    assert [f["FunctionName"] for f in rest["UserDefinedFunctions"]] == ["beta"]
    refused("InvalidInputException", glue.get_user_defined_functions, DatabaseName=database, Pattern="(")
    glue.delete_database(Name=database)
    glue.create_database(DatabaseInput={"Name": database})
    assert names("*") == []


# Connections.


def test_tables_by_hives_patterns(glue, database):
    for name in ("swallow", "swan", "gull", "answer"):
        glue.create_table(DatabaseName=database, TableInput={"Name": name})

    def names(expression):
        return sorted(t["Name"] for t in glue.get_tables(DatabaseName=database, Expression=expression)["TableList"])
    assert names("sw*") == names("sw.*") == ["swallow", "swan"]
    assert names("*") == ["answer", "gull", "swallow", "swan"] and names("*sw*") == ["answer", "swallow", "swan"]
    assert names("sw*|gull") == ["gull", "swallow", "swan"] and names("none*") == []


def connection(name, **more):
    return {"Name": name, "ConnectionType": "JDBC", "MatchCriteria": ["red"],
            "ConnectionProperties": {"JDBC_CONNECTION_URL": "jdbc:postgresql://h/d", "USERNAME": "u", "PASSWORD": "Opensesame"}, **more}


def test_connections_show_their_password_only_to_whom_does_not_hide_it(glue):
    name = unique("c")
    assert glue.create_connection(ConnectionInput=connection(name))["CreateConnectionStatus"] == "READY"
    shown = glue.get_connection(Name=name)["Connection"]
    assert shown["ConnectionProperties"]["PASSWORD"] == "Opensesame" and shown["CreationTime"]
    hidden = glue.get_connection(Name=name, HidePassword=True)["Connection"]
    assert "PASSWORD" not in hidden["ConnectionProperties"] and hidden["ConnectionProperties"]["USERNAME"] == "u"
    listed = glue.get_connections(HidePassword=True)["ConnectionList"]
    assert name in [c["Name"] for c in listed] and "Opensesame" not in json.dumps(listed, default=str)
    refused("AlreadyExistsException", glue.create_connection, ConnectionInput=connection(name))
    glue.delete_connection(ConnectionName=name)


def test_passwords_of_connections_are_encrypted_at_rest(own_server):
    own = own_server()
    glue = own.client("glue", own.add_user("api", superuser=True, access_key=True))
    more = connection("kafka")
    more["ConnectionProperties"]["KAFKA_CLIENT_KEY_PASSWORD"] = "Opensesame2"
    glue.create_connection(ConnectionInput=connection("c"))
    glue.create_connection(ConnectionInput=more)
    glue.update_connection(Name="c", ConnectionInput=connection("c"))
    key = own.data / "sealing.key"
    assert key.stat().st_mode & 0o777 == 0o600 and len(key.read_bytes()) == 32

    def kept(change=None):
        with contextlib.closing(sqlite3.connect(own.data / "control.sqlite")) as db:
            if change:
                db.execute(*change)
                db.commit()
            return {name: text for name, text in db.execute("select name, json from glue_objects where kind = 'connection'")}

    assert set(kept()) == {"c", "kafka"} and "Opensesame" not in "".join(kept().values())
    for file in own.data.glob("control.sqlite*"):
        assert b"Opensesame" not in file.read_bytes(), file
    shown = glue.get_connection(Name="kafka")["Connection"]["ConnectionProperties"]
    assert shown["PASSWORD"] == "Opensesame" and shown["KAFKA_CLIENT_KEY_PASSWORD"] == "Opensesame2"
    assert "Opensesame" not in json.dumps(glue.get_connection(Name="kafka", HidePassword=True), default=str)
    # A sealed text moved to another connection opens nothing.
    sealed = json.loads(kept()["c"])
    stolen = json.loads(kept()["kafka"])
    stolen["ConnectionProperties"]["PASSWORD"] = sealed["ConnectionProperties"]["PASSWORD"]
    kept(("update glue_objects set json = ? where name = 'kafka'", (json.dumps(stolen),)))
    refused("InternalServiceException", glue.get_connection, Name="kafka")
    # What was stored plain before is encrypted when the server starts.
    plain = json.loads(kept()["c"])
    plain["ConnectionProperties"]["PASSWORD"] = "Opensesame3"
    own.stop()
    kept(("update glue_objects set json = ? where name = 'c'", (json.dumps(plain),)))
    own.start()
    assert "Opensesame" not in kept()["c"]
    glue = own.client("glue", own.add_user("again", superuser=True, access_key=True))
    assert glue.get_connection(Name="c")["Connection"]["ConnectionProperties"]["PASSWORD"] == "Opensesame3"
    # A key that others may read is not used.
    own.stop()
    key.chmod(0o644)
    with pytest.raises(AssertionError, match="open to others"):
        own.start()
    own.child = None
    key.chmod(0o600)
    own.start()


def test_an_encrypted_catalog_shows_no_password(own_server):
    own = own_server()
    glue = own.client("glue", own.add_user("api", superuser=True, access_key=True))
    glue.create_connection(ConnectionInput=connection("c"))
    settings = {"EncryptionAtRest": {"CatalogEncryptionMode": "SSE-KMS", "SseAwsKmsKeyId": "k"},
                "ConnectionPasswordEncryption": {"ReturnConnectionPasswordEncrypted": True, "AwsKmsKeyId": "k"}}
    assert glue.get_data_catalog_encryption_settings()["DataCatalogEncryptionSettings"]["EncryptionAtRest"] == {"CatalogEncryptionMode": "DISABLED"}
    glue.put_data_catalog_encryption_settings(DataCatalogEncryptionSettings=settings)
    assert glue.get_data_catalog_encryption_settings()["DataCatalogEncryptionSettings"] == settings
    assert "PASSWORD" not in glue.get_connection(Name="c")["Connection"]["ConnectionProperties"]
    refused("InvalidInputException", glue.put_data_catalog_encryption_settings,
            DataCatalogEncryptionSettings={"EncryptionAtRest": {"CatalogEncryptionMode": "ROT13"}})


def test_connections_are_filtered_updated_and_deleted(glue):
    one, two = unique("c"), unique("c")
    glue.create_connection(ConnectionInput=connection(one))
    glue.create_connection(ConnectionInput=connection(two, ConnectionType="NETWORK", MatchCriteria=[]))
    names = lambda **f: {c["Name"] for c in glue.get_connections(Filter=f)["ConnectionList"]} & {one, two}  # noqa: E731
    assert names(ConnectionType="NETWORK") == {two} and names(MatchCriteria=["red"]) == {one} and names() == {one, two}
    glue.update_connection(Name=one, ConnectionInput=connection(one, Description="new"))
    assert glue.get_connection(Name=one)["Connection"]["Description"] == "new"
    refused("InvalidInputException", glue.update_connection, Name=one, ConnectionInput=connection("other"))
    refused("EntityNotFoundException", glue.update_connection, Name="none", ConnectionInput=connection("none"))
    done = glue.batch_delete_connection(ConnectionNameList=[one, two, "none"])
    assert set(done["Succeeded"]) == {one, two} and done["Errors"]["none"]["ErrorCode"] == "EntityNotFoundException"
    refused("EntityNotFoundException", glue.get_connection, Name=one)
    refused("EntityNotFoundException", glue.delete_connection, ConnectionName=one)
    refused("InvalidInputException", unchecked(glue).create_connection, ConnectionInput={"Name": "x"})


def test_credentials_of_a_connection_are_never_given_out(glue):
    name = unique("c")
    glue.create_connection(ConnectionInput=connection(name, AuthenticationConfiguration={
        "AuthenticationType": "BASIC", "SecretArn": f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:s",
        "BasicAuthenticationCredentials": {"Username": "u", "Password": "Donttell"}}))
    got = glue.get_connection(Name=name)["Connection"]
    assert got["AuthenticationConfiguration"]["AuthenticationType"] == "BASIC" and "Donttell" not in json.dumps(got, default=str)
    glue.delete_connection(ConnectionName=name)


# Column statistics.


def statistics(column, distinct=3):
    return {"ColumnName": column, "ColumnType": "int", "AnalyzedTime": datetime.datetime(2024, 1, 2, tzinfo=datetime.timezone.utc),
            "StatisticsData": {"Type": "LONG", "LongColumnStatisticsData": {
                "MinimumValue": -5, "MaximumValue": 9, "NumberOfNulls": 0, "NumberOfDistinctValues": distinct}}}


def test_statistics_of_tables_and_partitions_come_back(glue, database):
    glue.create_table(DatabaseName=database, TableInput=table_input("t", ["year"]))
    at = {"DatabaseName": database, "TableName": "t"}
    glue.create_partition(**at, PartitionInput={"Values": ["2024"]})
    part = {**at, "PartitionValues": ["2024"]}
    for kind, where, distinct in (("table", at, 3), ("partition", part, 4)):
        update, get, delete = (getattr(glue, f"{verb}_column_statistics_for_{kind}") for verb in ("update", "get", "delete"))
        errors = update(**where, ColumnStatisticsList=[statistics("A", distinct), statistics("nosuch")]).get("Errors")
        assert [e["Error"]["ErrorCode"] for e in errors] == ["EntityNotFoundException"]
        got = get(**where, ColumnNames=["a", "b"])
        assert got["ColumnStatisticsList"] == [statistics("a", distinct)]
        assert [(e["ColumnName"], e["Error"]["ErrorCode"]) for e in got["Errors"]] == [("b", "EntityNotFoundException")]
        wrong = {**statistics("a"), "StatisticsData": {"Type": "STRING", "LongColumnStatisticsData": statistics("a")["StatisticsData"]["LongColumnStatisticsData"]}}
        assert update(**where, ColumnStatisticsList=[wrong])["Errors"][0]["Error"]["ErrorCode"] == "InvalidInputException"
        refused("InvalidInputException", update, **where, ColumnStatisticsList=[statistics("a")] * 26)
        refused("InvalidInputException", get, **where, ColumnNames=["a"] * 101)
        delete(**where, ColumnName="a")
        delete(**where, ColumnName="a")  # as engines do that are about to write others
        refused("EntityNotFoundException", delete, **where, ColumnName="nosuch")
        update(**where, ColumnStatisticsList=[statistics("a")])
    refused("EntityNotFoundException", glue.get_column_statistics_for_partition, **{**part, "PartitionValues": ["1"]}, ColumnNames=["a"])
    # What they belonged to takes them along.
    glue.delete_partition(**part)
    glue.create_partition(**at, PartitionInput={"Values": ["2024"]})
    assert glue.get_column_statistics_for_partition(**part, ColumnNames=["a"])["ColumnStatisticsList"] == []
    assert len(glue.get_column_statistics_for_table(**at, ColumnNames=["a"])["ColumnStatisticsList"]) == 1
    glue.delete_database(Name=database)
    glue.create_database(DatabaseInput={"Name": database})
    glue.create_table(DatabaseName=database, TableInput=table_input("t", ["year"]))
    assert glue.get_column_statistics_for_table(**at, ColumnNames=["a"])["ColumnStatisticsList"] == []


# Classifiers.


@pytest.mark.parametrize("kind, input, change", [
    ("GrokClassifier", {"Classification": "log", "GrokPattern": "%{DATA:a}"}, {"GrokPattern": "%{DATA:b}"}),
    ("XMLClassifier", {"Classification": "xml", "RowTag": "r"}, {"RowTag": "s"}),
    ("JsonClassifier", {"JsonPath": "$[*]"}, {"JsonPath": "$.a"}),
    ("CsvClassifier", {"Delimiter": ";", "ContainsHeader": "PRESENT", "Header": ["a", "b"]}, {"Delimiter": "|"})])
def test_classifiers_of_every_kind_are_kept(glue, kind, input, change):
    name = unique("k")
    glue.create_classifier(**{kind: {"Name": name, **input}})
    got = glue.get_classifier(Name=name)["Classifier"][kind]
    assert {k: got[k] for k in input} == input and got["Version"] == 1 and got["CreationTime"]
    refused("AlreadyExistsException", glue.create_classifier, JsonClassifier={"Name": name, "JsonPath": "$"})
    glue.update_classifier(**{kind: {"Name": name, **change}})
    got = glue.get_classifier(Name=name)["Classifier"][kind]
    assert {k: got[k] for k in input} == {**input, **change} and got["Version"] == 2
    assert name in [c.get(kind, {}).get("Name") for p in glue.get_paginator("get_classifiers").paginate() for c in p["Classifiers"]]
    glue.delete_classifier(Name=name)
    refused("EntityNotFoundException", glue.get_classifier, Name=name)
    refused("EntityNotFoundException", glue.delete_classifier, Name=name)


def test_classifiers_that_are_none_are_refused(glue):
    refused("InvalidInputException", glue.create_classifier)
    refused("InvalidInputException", glue.create_classifier, JsonClassifier={"Name": "x", "JsonPath": "$"},
            XMLClassifier={"Name": "x", "Classification": "c"})
    refused("InvalidInputException", unchecked(glue).create_classifier, CsvClassifier={"Name": "x", "Delimiter": ";;"})
    refused("EntityNotFoundException", glue.update_classifier, JsonClassifier={"Name": "no_such", "JsonPath": "$"})
    name = unique("k")
    glue.create_classifier(JsonClassifier={"Name": name, "JsonPath": "$"})
    refused("InvalidInputException", glue.update_classifier, CsvClassifier={"Name": name, "Delimiter": ";"})
    glue.delete_classifier(Name=name)


# Tags.


def test_tags_are_added_removed_and_go_with_their_resource(glue, database):
    arn = f"{REGION_ARN}database/{database}"
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {}
    glue.tag_resource(ResourceArn=arn, TagsToAdd={"team": "a", "env": "test"})
    glue.tag_resource(ResourceArn=arn, TagsToAdd={"team": "b"})
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {"team": "b", "env": "test"}
    glue.untag_resource(ResourceArn=arn, TagsToRemove=["env", "nothing"])
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {"team": "b"}
    glue.delete_database(Name=database)
    refused("EntityNotFoundException", glue.get_tags, ResourceArn=arn)
    glue.create_database(DatabaseInput={"Name": database}, Tags={"made": "with"})
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {"made": "with"}


def test_tags_of_what_is_not_there_are_refused(glue, database):
    refused("InvalidInputException", glue.get_tags, ResourceArn="nonsense-that-is-long-enough")
    refused("InvalidInputException", glue.get_tags, ResourceArn=f"arn:aws:s3:us-east-1:{ACCOUNT}:database/x")
    refused("EntityNotFoundException", glue.get_tags, ResourceArn=f"{REGION_ARN}table/{database}/none")
    refused("AccessDeniedException", glue.get_tags, ResourceArn="arn:aws:glue:us-east-1:999999999999:database/x")
    arn = f"{REGION_ARN}database/{database}"
    refused("InvalidInputException", glue.tag_resource, ResourceArn=arn, TagsToAdd={f"k{i}": "" for i in range(51)})
    refused("InvalidInputException", glue.tag_resource, ResourceArn=arn, TagsToAdd={"aws:x": "1"})
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {}


# Policies.


def policy(principal, actions="glue:*", resources="*", effect="Allow"):
    return {"Effect": effect, "Principal": {"AWS": principal}, "Action": actions, "Resource": resources}


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture(scope="module")
def other_server(tmp_path_factory):
    """A server with users of two accounts: (server, the catalog's owner, the stranger)."""
    from support.server import Server, User
    folder = tmp_path_factory.mktemp("accounts")
    own = Server(folder).init()
    owner = own.add_user("owner", superuser=True, access_key=True)
    (folder / "stranger.toml").write_text('account = "999999999999"\n')
    made = json.loads(run_skep("user", "add", "stranger", "--superuser", "--access-key", "--output", "json", "--config",
                               str(folder / "stranger.toml"), data_dir=own.data).stdout)
    own.start()
    yield own, owner, User("stranger", "", made["access_key_id"], made["secret_access_key"])
    own.stop()


def test_policies_are_kept_under_conditions(other_server):
    own, owner, _ = other_server
    glue = own.client("glue", owner)
    one, two = document(policy("*")), document(policy("999999999999"))
    refused("EntityNotFoundException", glue.get_resource_policy)
    refused("EntityNotFoundException", glue.delete_resource_policy)
    refused("ConditionCheckFailureException", glue.put_resource_policy, PolicyInJson=one, PolicyExistsCondition="MUST_EXIST")
    first = glue.put_resource_policy(PolicyInJson=one, PolicyExistsCondition="NOT_EXIST")["PolicyHash"]
    refused("ConditionCheckFailureException", glue.put_resource_policy, PolicyInJson=two, PolicyExistsCondition="NOT_EXIST")
    refused("ConditionCheckFailureException", glue.put_resource_policy, PolicyInJson=two, PolicyHashCondition="AAAA")
    second = glue.put_resource_policy(PolicyInJson=two, PolicyHashCondition=first)["PolicyHash"]
    got = glue.get_resource_policy()
    assert got["PolicyInJson"] == two and got["PolicyHash"] == second != first and got["UpdateTime"] >= got["CreateTime"]
    assert [p["PolicyHash"] for p in glue.get_resource_policies()["GetResourcePoliciesResponseList"]] == [second]
    refused("ConditionCheckFailureException", glue.delete_resource_policy, PolicyHashCondition=first)
    glue.delete_resource_policy(PolicyHashCondition=second)
    refused("EntityNotFoundException", glue.get_resource_policy)


@pytest.mark.parametrize("bad", ["", "[]", "{", "{}", document(), document({"Effect": "Maybe"}), document({"Effect": "Allow", "Action": "glue:*", "Resource": "*"}),
                                 document({"Effect": "Allow", "Principal": "*", "Resource": "*"}), json.dumps({"Statement": [7]}), document(policy("x" * 11000))])
def test_policies_that_are_none_are_refused(other_server, bad):
    own, owner, _ = other_server
    refused("InvalidInputException", unchecked(own.client("glue", owner)).put_resource_policy, PolicyInJson=bad)


def test_another_accounts_catalog_is_open_only_as_its_policy_says(other_server):
    own, owner, stranger = other_server
    mine, theirs = own.client("glue", owner), own.client("glue", stranger)
    mine.create_database(DatabaseInput={"Name": "shared"})
    mine.create_database(DatabaseInput={"Name": "closed"})
    for name in ("shared", "closed"):
        mine.create_table(DatabaseName=name, TableInput=table_input("t"))
        mine.create_table(DatabaseName=name, TableInput=table_input("secret"))
    get = lambda database, table: theirs.get_table(CatalogId=ACCOUNT, DatabaseName=database, Name=table)  # noqa: E731
    refused("AccessDeniedException", get, database="shared", table="t")
    refused("EntityNotFoundException", theirs.get_database, Name="shared")  # of its own catalog
    mine.put_resource_policy(PolicyInJson=document(
        policy("arn:aws:iam::999999999999:root", ["glue:GetTable", "glue:GetTables", "glue:GetDatabase", "glue:GetDatabases", "glue:SearchTables"],
               [f"{REGION_ARN}catalog", f"{REGION_ARN}database/shared", f"{REGION_ARN}table/shared/*"]),
        policy("*", "glue:*", f"{REGION_ARN}table/*/secret", effect="Deny")))
    assert get("shared", "t")["Table"]["CatalogId"] == ACCOUNT
    assert theirs.get_database(CatalogId=ACCOUNT, Name="shared")["Database"]["Name"] == "shared"
    for database, table in (("shared", "secret"), ("closed", "t"), ("shared", "SECRET")):
        refused("AccessDeniedException", get, database=database, table=table)
    # Lists hold what is open, and nothing of the rest.
    assert [t["Name"] for t in theirs.get_tables(CatalogId=ACCOUNT, DatabaseName="shared")["TableList"]] == ["t"]
    assert [(t["DatabaseName"], t["Name"]) for t in theirs.search_tables(CatalogId=ACCOUNT)["TableList"]] == [("shared", "t")]
    assert [d["Name"] for d in theirs.get_databases(CatalogId=ACCOUNT)["DatabaseList"]] == ["shared"]
    refused("AccessDeniedException", theirs.get_connections, CatalogId=ACCOUNT)
    refused("AccessDeniedException", theirs.get_tables, CatalogId=ACCOUNT, DatabaseName="closed")
    refused("AccessDeniedException", theirs.delete_table, CatalogId=ACCOUNT, DatabaseName="shared", Name="t")
    refused("AccessDeniedException", theirs.batch_delete_table, CatalogId=ACCOUNT, DatabaseName="shared", TablesToDelete=["t"])
    refused("AccessDeniedException", theirs.create_table, CatalogId=ACCOUNT, DatabaseName="shared", TableInput=table_input("new"))
    mine.delete_resource_policy()
    refused("AccessDeniedException", get, database="shared", table="t")
    assert mine.get_table(CatalogId=ACCOUNT, DatabaseName="shared", Name="t")["Table"]["Name"] == "t"


# What engines ask.


def test_unfiltered_metadata_authorizes_every_column(glue, database):
    glue.create_table(DatabaseName=database, TableInput=table_input("t", ["year"]))
    at = {"CatalogId": ACCOUNT, "DatabaseName": database, "TableName": "t", "SupportedPermissionTypes": ["COLUMN_PERMISSION"]}
    for year in range(2000, 2010):
        glue.create_partition(DatabaseName=database, TableName="t", PartitionInput={"Values": [str(year)]})
    got = glue.get_unfiltered_table_metadata(CatalogId=ACCOUNT, DatabaseName=database, Name="t", SupportedPermissionTypes=["COLUMN_PERMISSION"])
    assert got["Table"]["Name"] == "t" and got["AuthorizedColumns"] == ["a", "b", "year"] and got["IsRegisteredWithLakeFormation"] is False
    one = glue.get_unfiltered_partition_metadata(**at, PartitionValues=["2004"])
    assert one["Partition"]["Values"] == ["2004"] and one["AuthorizedColumns"] == ["a", "b", "year"]
    some = glue.get_unfiltered_partitions_metadata(**at, Expression="year > 2005", MaxResults=3)
    assert [p["Partition"]["Values"] for p in some["UnfilteredPartitions"]] == [["2006"], ["2007"], ["2008"]] and some["NextToken"]
    refused("InvalidInputException", unchecked(glue).get_unfiltered_table_metadata, CatalogId=ACCOUNT, DatabaseName=database, Name="t",
            SupportedPermissionTypes=["MIND_READING"])
    refused("EntityNotFoundException", glue.get_unfiltered_partition_metadata, **at, PartitionValues=["1"])


def test_the_catalog_says_that_it_was_imported(glue):
    assert glue.get_catalog_import_status()["ImportStatus"]["ImportCompleted"] is True
