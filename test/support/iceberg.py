"""What PyIceberg does not write: deletes by values of columns, and metadata of other shapes."""

import io
import json
import random
import uuid

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.manifest import (DataFile, DataFileContent, FileFormat, ManifestContent, ManifestEntry, ManifestEntryStatus, ManifestWriterV2,
                                write_manifest_list)
from pyiceberg.table import Table
from pyiceberg.typedef import Record

from support.server import REGION


def catalog_of(server, lake, user, bucket: str) -> GlueCatalog:
    return GlueCatalog("skep", **{
        "glue.endpoint": f"http://127.0.0.1:{server.http_port}", "glue.region": REGION, "glue.access-key-id": user.access_key,
        "glue.secret-access-key": user.secret_key, "s3.endpoint": lake.endpoint, "s3.region": REGION, "s3.access-key-id": lake.access_key,
        "s3.secret-access-key": lake.secret_key, "s3.path-style-access": "true", "warehouse": f"s3://{bucket}/warehouse"})


class _DeleteWriter(ManifestWriterV2):
    def content(self):
        return ManifestContent.DELETES

    @property
    def _meta(self):
        return {**super()._meta, "content": "deletes"}


def put(lake, path: str, body: bytes) -> None:
    bucket, key = path.removeprefix("s3://").split("/", 1)
    lake.put(bucket, key, body)


def get(lake, path: str) -> bytes:
    bucket, key = path.removeprefix("s3://").split("/", 1)
    return lake.client().get_object(Bucket=bucket, Key=key)["Body"].read()


def point_at(glue, database: str, name: str, metadata: str) -> None:
    """Makes the catalog's table name other metadata."""
    table = glue.get_table(DatabaseName=database, Name=name)["Table"]
    keep = {k: table[k] for k in ("Name", "StorageDescriptor", "PartitionKeys", "TableType") if k in table}
    glue.update_table(DatabaseName=database, TableInput={**keep, "Parameters": {**table["Parameters"], "metadata_location": metadata}})


def _with_whole_ids(lake, path: str) -> int:
    """PyIceberg calls ids of fields long where the specification says int. Answers the manifest's length."""
    reader = fastavro.reader(io.BytesIO(get(lake, path)))
    entries, schema = list(reader), json.loads(reader.metadata["avro.schema"])
    file = next(f["type"] for f in schema["fields"] if f["name"] == "data_file")
    next(f["type"] for f in file["fields"] if f["name"] == "equality_ids")[1]["items"] = "int"
    out = io.BytesIO()
    fastavro.writer(out, schema, entries, codec="deflate", metadata={k: v for k, v in reader.metadata.items() if not k.startswith("avro.")})
    put(lake, path, out.getvalue())
    return len(out.getvalue())


def delete_by_value(lake, glue, table: Table, values: pa.Table, partition: Record | None = None, field_ids: bool = True) -> None:
    """Commits a snapshot that deletes rows by the values of columns, as Flink writes them: one file, one delete manifest."""
    database, name = table.name()
    metadata = json.loads(get(lake, table.metadata_location))
    schema, spec = table.schema(), table.spec()
    fields = [pa.field(c.name, c.type, metadata={b"PARQUET:field_id": str(schema.find_field(c.name).field_id).encode()} if field_ids else None)
              for c in values.schema]
    sink = pa.BufferOutputStream()
    pq.write_table(values.cast(pa.schema(fields)), sink)
    body = sink.getvalue().to_pybytes()
    place = f"{table.location()}/data/eq-{uuid.uuid4()}.parquet"
    put(lake, place, body)
    snapshot_id, sequence = random.getrandbits(62), metadata["last-sequence-number"] + 1
    output = table.io.new_output(f"{table.location()}/metadata/{uuid.uuid4()}-m0.avro")
    with _DeleteWriter(spec, schema, output, snapshot_id, "deflate") as writer:
        writer.add_entry(ManifestEntry.from_args(
            _table_format_version=2, status=ManifestEntryStatus.ADDED, snapshot_id=snapshot_id, sequence_number=None, file_sequence_number=None,
            data_file=DataFile.from_args(
                _table_format_version=2, content=DataFileContent.EQUALITY_DELETES, file_path=place, file_format=FileFormat.PARQUET,
                partition=partition or Record(), record_count=values.num_rows, file_size_in_bytes=len(body),
                equality_ids=[schema.find_field(c).field_id for c in values.column_names])))
    manifest = writer.to_manifest_file()
    manifest[1] = _with_whole_ids(lake, output.location)
    listed = f"{table.location()}/metadata/snap-{snapshot_id}-0-{uuid.uuid4()}.avro"
    current = table.current_snapshot()
    with write_manifest_list(2, table.io.new_output(listed), snapshot_id, current.snapshot_id, sequence, "deflate") as manifests:
        manifests.add_manifests([manifest, *current.manifests(table.io)])
    metadata["snapshots"].append({"snapshot-id": snapshot_id, "parent-snapshot-id": current.snapshot_id, "sequence-number": sequence,
                                  "timestamp-ms": metadata["last-updated-ms"] + 1, "manifest-list": listed, "schema-id": metadata["current-schema-id"],
                                  "summary": {"operation": "delete"}})
    metadata.update({"current-snapshot-id": snapshot_id, "last-sequence-number": sequence, "last-updated-ms": metadata["last-updated-ms"] + 1,
                     "refs": {"main": {"snapshot-id": snapshot_id, "type": "branch"}}})
    metadata["snapshot-log"].append({"snapshot-id": snapshot_id, "timestamp-ms": metadata["last-updated-ms"]})
    place = f"{table.location()}/metadata/{len(metadata['snapshots']):05}-{uuid.uuid4()}.metadata.json"
    put(lake, place, json.dumps(metadata).encode())
    point_at(glue, database, name, place)
    table.refresh()
