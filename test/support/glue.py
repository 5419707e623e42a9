"""What tests of the Glue API share."""

import botocore.exceptions
import pytest


def table_input(name, keys=(), columns=(("a", "int"), ("b", "string"))):
    """A Parquet table; keys are names (of type int) or pairs of name and type."""
    pairs = [(k, "int") if isinstance(k, str) else k for k in keys]
    return {
        "Name": name, "TableType": "EXTERNAL_TABLE", "Parameters": {"classification": "parquet"},
        "PartitionKeys": [{"Name": k, "Type": t} for k, t in pairs],
        "StorageDescriptor": {
            "Columns": [{"Name": n, "Type": t} for n, t in columns],
            "Location": f"s3://somewhere/{name}/", "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
            "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"}}}


def refused(code, call, **arguments):
    """Asserts that a call fails with this code; answers the message."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**arguments)
    assert caught.value.response["Error"]["Code"] == code, caught.value
    return caught.value.response["Error"]["Message"]


def unchecked(client):
    """The same client without the SDK's own checks of parameters, to send what it would not."""
    import boto3
    import botocore.config
    credentials = client._request_signer._credentials
    return boto3.client("glue", endpoint_url=client.meta.endpoint_url, region_name=client.meta.region_name,
                        aws_access_key_id=credentials.access_key, aws_secret_access_key=credentials.secret_key,
                        config=botocore.config.Config(parameter_validation=False, retries={"total_max_attempts": 1}))
