"""Spark over the same catalog and the same lakes: Iceberg's Glue catalog. Fetched by `tools/fetch_clients spark`."""

import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOME = ROOT / ".deps/spark"
JAVA_AT_MOST = 21  # of Spark 3.5

# One session; each line on stdin is a statement in JSON, each answer a line of JSON.
RUNNER = """
import json, sys
from pyspark.sql import SparkSession
builder = SparkSession.builder.master("local[1]").appName("skep")
for name, value in json.loads(sys.stdin.readline()).items():
    builder = builder.config(name, value)
spark = builder.getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
for line in sys.stdin:
    try:
        answer = {"rows": [list(row) for row in spark.sql(json.loads(line)).collect()]}
    except Exception as error:
        answer = {"error": str(error)}
    print("answer:" + json.dumps(answer, default=str), flush=True)
"""


def java() -> str:
    """The home of a Java that Spark runs on, or an empty text."""
    for home in sorted(pathlib.Path("/usr/lib/jvm").glob("*"), reverse=True):
        try:
            said = subprocess.run([str(home / "bin/java"), "-version"], capture_output=True, text=True, timeout=20).stderr
        except OSError:
            continue
        version = re.search(r'version "(\d+)', said)
        if version and 17 <= int(version[1]) <= JAVA_AT_MOST:
            return str(home)
    return ""


def missing() -> str:
    if not (HOME / "pyspark/jars").is_dir():
        return "Spark is not there; run tools/fetch_clients spark (420 MB)"
    return "" if java() else f"Spark needs Java 17 to {JAVA_AT_MOST}"


class Spark:
    """One session with the catalog `lake`. `properties` are those of Iceberg's catalog, `keys` the environment's for Glue."""

    def __init__(self, folder: pathlib.Path, properties: dict[str, str], keys: dict[str, str]):
        self._log = open(folder / "spark.log", "wb")
        self.log = folder / "spark.log"
        environment = {**os.environ, "PYTHONPATH": str(HOME), "JAVA_HOME": java(), "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_HOME": str(HOME / "pyspark"),
                       "AWS_REGION": properties["client.region"], **keys}
        self.process = subprocess.Popen([sys.executable, "-c", RUNNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True,
                                        cwd=folder, env=environment)
        jars = ",".join(map(str, sorted((HOME / "iceberg").glob("*.jar"))))
        settings = {
            "spark.jars": jars, "spark.ui.enabled": "false", "spark.driver.memory": "1g", "spark.sql.shuffle.partitions": "1",
            "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1", "spark.local.dir": str(folder / "local"),
            "spark.sql.warehouse.dir": str(folder / "warehouse"), "spark.sql.session.timeZone": "UTC",
            "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
            "spark.sql.catalog.lake": "org.apache.iceberg.spark.SparkCatalog", "spark.sql.defaultCatalog": "lake",
            **{f"spark.sql.catalog.lake.{name}": value for name, value in properties.items()}}
        self._send(settings)

    def _send(self, what) -> None:
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()

    def query(self, sql: str) -> list:
        """The rows; values that JSON has not are texts."""
        self._send(sql)
        for line in self.process.stdout:
            if line.startswith("answer:"):
                answer = json.loads(line.removeprefix("answer:"))
                if "error" in answer:
                    raise RuntimeError(answer["error"])
                return answer["rows"]
        raise AssertionError("Spark ended:\n" + self.log.read_text(errors="replace")[-4000:])

    def stop(self) -> None:
        self.process.stdin.close()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self._log.close()
