"""The page of functions is what the table says, and every function that is offered is called by a SQL logic test."""

import importlib.machinery
import importlib.util
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LOADER = importlib.machinery.SourceFileLoader("function_docs", str(ROOT / "tools/function_docs"))
SPEC = importlib.util.spec_from_loader("function_docs", LOADER)
function_docs = importlib.util.module_from_spec(SPEC)
LOADER.exec_module(function_docs)


def test_the_page_is_up_to_date():
    assert subprocess.run([ROOT / "tools/function_docs", "--check"], capture_output=True, text=True).returncode == 0


def test_every_function_is_called_by_a_logic_test():
    missing = sorted({name for _, _, name, *_ in function_docs.rows()} - function_docs.tests().keys())
    assert not missing, missing
