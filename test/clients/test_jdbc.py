"""The Redshift JDBC driver, from a small Java program (clients/java/Checks.java)."""

import shutil
import subprocess

import pytest

from support.server import ROOT


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    jars = list((ROOT / ".deps/jdbc").glob("redshift-jdbc42-*.jar"))
    if not jars:
        pytest.skip("the JDBC driver is not fetched; run tools/fetch_clients jdbc")
    if not shutil.which("javac"):
        pytest.skip("no Java compiler; run tools/bootstrap")
    out = tmp_path_factory.mktemp("classes")
    subprocess.run(["javac", "-d", str(out), str(ROOT / "test/clients/java/Checks.java")], check=True, timeout=120)
    return f"{out}:{jars[0]}"


@pytest.fixture
def check(server, schema, classes):
    def run(name, options="ssl=false", password=None):
        url = f"jdbc:redshift://127.0.0.1:{server.pgwire_port}/dev?{options}"
        done = subprocess.run(
            ["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", classes, "Checks", url, server.admin.name,
             password or server.admin.password, schema, name],
            capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
        return done

    return run


@pytest.mark.parametrize("name", ["types", "prepared", "portal", "transaction", "errors", "timeout", "product"])
def test_check(check, name):
    done = check(name)
    assert done.stdout.strip() == "ok", done.stderr[-3000:]


def test_connects_with_tls_and_verifies(check, server):
    done = check("connect", f"ssl=true&sslmode=verify-ca&sslrootcert={server.ca_file}")
    assert done.stdout.strip() == "ok", done.stderr[-3000:]


def test_a_wrong_password_is_refused_clearly(check):
    done = check("connect", password="wrong")
    assert done.returncode != 0 and "password authentication failed" in done.stderr
