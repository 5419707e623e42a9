"""The AWS CLI with nothing but its environment variables set."""

import json
import os
import subprocess

import pytest

from support.process import wait_until
from support.server import ROOT


@pytest.fixture
def aws(server, api_user):
    def run(*arguments, check=True):
        done = subprocess.run(
            [str(ROOT / ".venv/bin/aws"), *arguments, "--output", "json"], capture_output=True, text=True, timeout=60,
            stdin=subprocess.DEVNULL, env={**os.environ, **server.environment(api_user)})
        assert not check or done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.returncode == 0 and done.stdout.strip() else done

    return run


def test_redshift_data_runs_a_statement_and_prints_its_rows(aws):
    started = aws("redshift-data", "execute-statement", "--workgroup-name", "default", "--database", "dev", "--sql", "select 1 as one")
    wait_until("the statement ending", lambda: aws("redshift-data", "describe-statement", "--id", started["Id"])["Status"] == "FINISHED")
    result = aws("redshift-data", "get-statement-result", "--id", started["Id"])
    assert result["Records"] == [[{"longValue": 1}]]
    assert any(s["Id"] == started["Id"] for s in aws("redshift-data", "list-statements")["Statements"])


def test_an_unknown_statement_is_named_as_aws_names_it(aws):
    failed = aws("redshift-data", "describe-statement", "--id", "00000000-0000-4000-8000-000000000000", check=False)
    assert failed.returncode == 254 or failed.returncode == 255
    assert "ResourceNotFoundException" in failed.stderr


def test_glue_databases_and_tables_are_listed(aws):
    aws("glue", "create-database", "--database-input", '{"Name": "from_the_cli"}')
    try:
        assert "from_the_cli" in [d["Name"] for d in aws("glue", "get-databases")["DatabaseList"]]
        assert aws("glue", "get-tables", "--database-name", "from_the_cli")["TableList"] == []
    finally:
        aws("glue", "delete-database", "--name", "from_the_cli")
