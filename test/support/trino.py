"""Trino, another engine over the same lakes: its Hive connector with our Glue as its metastore. Fetched by `tools/fetch_clients trino`."""

import json
import os
import pathlib
import re
import subprocess
import urllib.request

from support.process import Child, free_port, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOME = ROOT / ".deps/trino"
JAVA_AT_LEAST = 24


def java() -> str:
    """A Java that is new enough, or an empty text."""
    found = [os.path.join(os.environ["JAVA_HOME"], "bin/java")] if "JAVA_HOME" in os.environ else []
    found += ["java", *sorted(map(str, pathlib.Path("/usr/lib/jvm").glob("*/bin/java")))]
    for path in found:
        try:
            said = subprocess.run([path, "-version"], capture_output=True, text=True, timeout=20).stderr
        except OSError:
            continue
        version = re.search(r'version "(\d+)', said)
        if version and int(version[1]) >= JAVA_AT_LEAST:
            return path
    return ""


def missing() -> str:
    if not (HOME / "lib").is_dir():
        return "Trino is not there; run tools/fetch_clients trino (800 MB)"
    return "" if java() else f"Trino needs Java {JAVA_AT_LEAST} or newer"


class Trino:
    """A single node with the catalog `lake`. `properties` are those of the Hive connector's Glue and S3."""

    def __init__(self, folder: pathlib.Path, properties: dict[str, str], memory: str = "1500m", query_memory: str = "700MB"):
        self.folder = folder
        self.port = free_port()
        self.properties = properties
        self.memory, self.query_memory = memory, query_memory
        self.child: Child | None = None

    def start(self) -> "Trino":
        etc = self.folder / "etc"
        (etc / "catalog").mkdir(parents=True)
        (etc / "config.properties").write_text(
            f"coordinator=true\nnode-scheduler.include-coordinator=true\nhttp-server.http.port={self.port}\nhttp-server.log.enabled=false\n"
            f"discovery.uri=http://127.0.0.1:{self.port}\nnode.internal-address=127.0.0.1\nquery.max-memory-per-node={self.query_memory}\n"
            f"catalog.config-dir={etc}/catalog\nplugin.dir={HOME}/plugin\n")
        (etc / "catalog/lake.properties").write_text("".join(f"{k}={v}\n" for k, v in self.properties.items()))
        (etc / "log.properties").write_text("io.trino=WARN\n")
        command = [java(), f"-Xmx{self.memory}", "-XX:+UseG1GC", "--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED",
                   "--sun-misc-unsafe-memory-access=allow", f"-Dconfig={etc}/config.properties", f"-Dlog.levels-file={etc}/log.properties",
                   "-Dnode.environment=test", "-Dnode.id=one", f"-Dnode.data-dir={self.folder}/data", "-cp", f"{HOME}/lib/*",
                   "io.trino.server.TrinoServer"]
        self.child = Child(command, self.folder / "trino.log", {})

        def ready():
            if not self.child.alive():
                raise AssertionError("Trino ended:\n" + self.child.output()[-4000:])
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/v1/info", timeout=2) as answer:
                    return not json.load(answer)["starting"]
            except OSError:
                return False

        wait_until("Trino being ready", ready, 180, 0.2)
        wait_until("Trino's node being found", self._answers, 60, 0.2)
        return self

    def _answers(self) -> bool:
        try:
            return self.query("select count(*) > 0 from information_schema.tables") == [[True]]
        except RuntimeError as error:
            if "No nodes available" in str(error):
                return False
            raise

    def stop(self) -> None:
        if self.child:
            self.child.stop()
            self.child = None

    @property
    def pid(self) -> int:
        return self.child.pid

    def query(self, sql: str, schema: str = "information_schema") -> list[list]:
        """The rows of a statement. Raises RuntimeError with Trino's own message."""
        found: list = []

        def run() -> bool:
            # A node that is busy is lost for a moment.
            try:
                found[:] = [self._query(sql, schema)]
            except RuntimeError as error:
                if "No nodes available" not in str(error) and "nodes is empty" not in str(error):
                    raise
            return bool(found)

        wait_until("Trino's node being there", run, 60, 0.5)
        return found[0]

    def _query(self, sql: str, schema: str) -> list[list]:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/v1/statement", sql.encode(),
                                         {"X-Trino-User": "test", "X-Trino-Catalog": "lake", "X-Trino-Schema": schema, "X-Trino-Time-Zone": "UTC"})
        rows = []
        while True:
            with urllib.request.urlopen(request, timeout=120) as answer:
                page = json.load(answer)
            if "error" in page:
                causes, info = [page["error"]["message"]], page["error"].get("failureInfo")
                while info and (info := info.get("cause")):
                    causes.append(info.get("message") or info["type"])
                raise RuntimeError(": ".join(causes))
            rows += page.get("data", [])
            if "nextUri" not in page:
                return rows
            request = page["nextUri"]
