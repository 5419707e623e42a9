"""node-pg, from a small program (clients/node/checks.js)."""

import shutil
import subprocess

import pytest

from support.server import ROOT

FOLDER = ROOT / "test/clients/node"


@pytest.mark.parametrize("name", ["types", "binary", "prepared", "transaction", "errors", "cursor", "tls", "pool"])
def test_check(server, schema, name):
    if not shutil.which("node") or not (FOLDER / "node_modules/pg").is_dir():
        pytest.skip("node-pg is not installed; run tools/fetch_clients node")
    done = subprocess.run(
        ["node", "checks.js", str(server.pgwire_port), server.admin.name, server.admin.password, schema, str(server.ca_file), name],
        cwd=FOLDER, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    assert done.stdout.strip() == "ok", done.stderr
