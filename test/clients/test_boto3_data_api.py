"""The Redshift Data API through boto3."""

import uuid

import botocore.exceptions
import pytest

from support.process import wait_until

SLOW = "select count(*) from generate_series(1, 100000000000) t(a), generate_series(1, 1000) u(b) where a % 7 = b"


def code_of(caught) -> str:
    return caught.value.response["Error"]["Code"]


def test_a_statement_runs_and_its_rows_come_back(data_api, execute_statement):
    done = execute_statement(data_api, "select 1::int as a, 'x'::varchar(5) as b, 2.5::double precision as c, true as d, null::int as e")
    assert (done["Status"], done["HasResultSet"], done["ResultRows"]) == ("FINISHED", True, 1)
    assert "Error" not in done and done["Duration"] > 0
    result = data_api.get_statement_result(Id=done["Id"])
    assert result["Records"] == [[{"longValue": 1}, {"stringValue": "x"}, {"doubleValue": 2.5}, {"booleanValue": True}, {"isNull": True}]]
    assert [(c["name"], c["typeName"]) for c in result["ColumnMetadata"]] == [
        ("a", "int4"), ("b", "varchar"), ("c", "float8"), ("d", "bool"), ("e", "int4")]
    assert result["TotalNumRows"] == 1


def test_decimals_dates_and_timestamps_are_strings(data_api, execute_statement):
    done = execute_statement(data_api, "select 12.340::numeric(10,3), date '2024-02-29', timestamp '2024-02-29 12:34:56'")
    assert data_api.get_statement_result(Id=done["Id"])["Records"] == [
        [{"stringValue": "12.340"}, {"stringValue": "2024-02-29"}, {"stringValue": "2024-02-29 12:34:56"}]]


def test_named_parameters_bind(data_api, execute_statement, schema):
    execute_statement(data_api, f"create table {schema}.t (a int, b varchar(20))")
    done = execute_statement(data_api, f"insert into {schema}.t values (:a, :b)",
                             Parameters=[{"name": "a", "value": "7"}, {"name": "b", "value": "it's :a"}])
    assert done["Status"] == "FINISHED", done
    done = execute_statement(data_api, f"select a, b from {schema}.t where a = :a", Parameters=[{"name": "a", "value": "7"}])
    assert data_api.get_statement_result(Id=done["Id"])["Records"] == [[{"longValue": 7}, {"stringValue": "it's :a"}]]


def test_a_parameter_left_over_or_missing_is_a_validation_error(data_api):
    target = {"WorkgroupName": "default", "Database": "dev"}
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        data_api.execute_statement(Sql="select :a", Parameters=[{"name": "b", "value": "1"}], **target)
    assert code_of(caught) == "ValidationException"


def test_a_large_result_comes_in_pages(data_api, execute_statement):
    done = execute_statement(data_api, "select i, repeat('x', 200) from generate_series(1, 20000) t(i) order by i")
    assert done["Status"] == "FINISHED", done
    pages = list(data_api.get_paginator("get_statement_result").paginate(Id=done["Id"]))
    rows = [r[0]["longValue"] for p in pages for r in p["Records"]]
    assert rows == list(range(1, 20001))
    assert len(pages) > 1 and all(p["TotalNumRows"] == 20000 for p in pages)


def test_a_failing_statement_says_why(data_api, execute_statement):
    done = execute_statement(data_api, "select * from no_such_table")
    assert done["Status"] == "FAILED" and "no_such_table" in done["Error"]
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        data_api.get_statement_result(Id=done["Id"])
    assert code_of(caught) in ("ResourceNotFoundException", "ValidationException")


def test_a_running_statement_is_cancelled(data_api):
    started = data_api.execute_statement(WorkgroupName="default", Database="dev", Sql=SLOW)
    wait_until("the statement running", lambda: data_api.describe_statement(Id=started["Id"])["Status"] == "STARTED")
    assert data_api.cancel_statement(Id=started["Id"])["Status"] is True
    end = wait_until("the statement ending", lambda: (d := data_api.describe_statement(Id=started["Id"]))["Status"] not in
                     ("SUBMITTED", "PICKED", "STARTED") and d)
    assert end["Status"] == "ABORTED"


def test_statements_are_listed_newest_first(data_api, execute_statement):
    name = f"listed-{uuid.uuid4().hex[:8]}"
    ids = [execute_statement(data_api, f"select {i}", StatementName=name)["Id"] for i in range(5)]
    listed = data_api.list_statements(StatementName=name, Status="ALL")["Statements"]
    assert [s["Id"] for s in listed] == ids[::-1]
    pages = list(data_api.get_paginator("list_statements").paginate(StatementName=name, Status="ALL", PaginationConfig={"PageSize": 2}))
    assert [s["Id"] for p in pages for s in p["Statements"]] == ids[::-1]


def test_a_client_token_makes_a_statement_run_once(data_api, execute_statement, schema):
    execute_statement(data_api, f"create table {schema}.t (a int)")
    token = uuid.uuid4().hex
    first = execute_statement(data_api, f"insert into {schema}.t values (1)", ClientToken=token)
    again = execute_statement(data_api, f"insert into {schema}.t values (1)", ClientToken=token)
    assert first["Id"] == again["Id"]
    done = execute_statement(data_api, f"select count(*) from {schema}.t")
    assert data_api.get_statement_result(Id=done["Id"])["Records"] == [[{"longValue": 1}]]


def test_a_cluster_identifier_names_the_workgroup_too(data_api, execute_statement, server):
    done = execute_statement(data_api, "select 1", ClusterIdentifier="default", DbUser=server.admin.name)
    assert done["Status"] == "FINISHED", done


@pytest.mark.parametrize("arguments,code", [
    ({"WorkgroupName": "nobody", "Database": "dev", "Sql": "select 1"}, {"ResourceNotFoundException", "ValidationException"}),
    ({"Database": "dev", "Sql": "select 1"}, {"ValidationException"}),
    ({"WorkgroupName": "default", "Sql": "select 1"}, {"ValidationException"}),
])
def test_a_bad_target_is_refused(data_api, arguments, code):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        data_api.execute_statement(**arguments)
    assert code_of(caught) in code


@pytest.mark.parametrize("call", ["describe_statement", "get_statement_result", "cancel_statement"])
def test_an_unknown_statement_does_not_exist(data_api, call):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        getattr(data_api, call)(Id=str(uuid.uuid4()))
    assert code_of(caught) == "ResourceNotFoundException"
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        getattr(data_api, call)(Id="not-an-id")
    assert code_of(caught) == "ValidationException"


def test_a_bad_signature_or_key_is_refused(server, api_user):
    import dataclasses
    for wrong in (dataclasses.replace(api_user, secret_key="x" * 40), dataclasses.replace(api_user, access_key="AKIAIOSFODNN7EXAMPLE")):
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            server.client("redshift-data", wrong).list_statements()
        assert code_of(caught) in ("InvalidSignatureException", "UnrecognizedClientException", "SignatureDoesNotMatch")
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403)


def test_another_users_statement_is_not_shown(server, data_api, execute_statement):
    done = execute_statement(data_api, "select 1")
    stranger = server.add_user(f"stranger_{uuid.uuid4().hex[:6]}", access_key=True)
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        server.client("redshift-data", stranger).describe_statement(Id=done["Id"])
    assert code_of(caught) in ("ResourceNotFoundException", "AccessDeniedException")


def test_another_region_is_signed_for_too(server, api_user, execute_statement):
    assert execute_statement(server.client("redshift-data", api_user, region_name="eu-west-1"), "select 1")["Status"] == "FINISHED"


def test_a_finished_statement_and_its_result_survive_a_restart(own_server, execute_statement):
    own = own_server()
    user = own.add_user("api", superuser=True, access_key=True)
    done = execute_statement(own.client("redshift-data", user), "select 42 as a")
    own.stop()
    own.start()
    client = own.client("redshift-data", user)
    assert client.describe_statement(Id=done["Id"])["Status"] == "FINISHED"
    assert client.get_statement_result(Id=done["Id"])["Records"] == [[{"longValue": 42}]]


def test_a_statement_that_ran_when_the_gateway_died_is_failed_afterwards(own_server):
    own = own_server()
    user = own.add_user("api", superuser=True, access_key=True)
    client = own.client("redshift-data", user)
    started = client.execute_statement(WorkgroupName="default", Database="dev", Sql=SLOW)
    wait_until("the statement running", lambda: client.describe_statement(Id=started["Id"])["Status"] == "STARTED")
    own.kill()
    own.start()
    after = own.client("redshift-data", user).describe_statement(Id=started["Id"])
    assert after["Status"] in ("FAILED", "ABORTED") and after["Error"]


def test_the_row_that_psql_wrote_is_the_row_that_the_api_reads(data_api, execute_statement, connection, schema):
    connection.execute(f"create table {schema}.t (a int)")
    connection.execute(f"insert into {schema}.t values (11)")
    done = execute_statement(data_api, f"select a from {schema}.t")
    assert data_api.get_statement_result(Id=done["Id"])["Records"] == [[{"longValue": 11}]]
