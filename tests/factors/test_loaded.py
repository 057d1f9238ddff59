"""What a run loaded narrows the code that counts; what it did not say narrows nothing."""

from dataclasses import replace

import pytest

from runaudit.diff import compare
from runaudit.records.digest import digest_bytes
from runaudit.records.manifest import Manifest
from runaudit.settings import Settings

MAIN = b"import subprocess\nsubprocess.run(['python', 'prepare.py'])\n"


def run_with(make_run, *, loaded, edited: bytes, argv=("python", "train.py"), path="helper.py", main=b"import os\n"):
    sources = {"train.py": main, path: edited}
    files = {name: {"digest": str(digest_bytes(text)), "size": len(text)} for name, text in sources.items()}
    code = {"vcs": "git", "commit": "a" * 40, "dirty": False, "patch": None, "untracked": [], "files": files}
    run = make_run(code=code, outcome={"code": {"loaded": loaded, "changed": []}})
    body = {key: value for key, value in run.manifest.to_json().items() if key != "schema"}
    body["launch"] = {**body.get("launch", {}), "argv": list(argv)}
    blobs = {str(digest_bytes(text)): text for text in sources.values()}
    return replace(run, manifest=Manifest.of(body), blobs=blobs)


def factors(make_run, **given):
    a = run_with(make_run, edited=b"x = 1\n", **given)
    b = run_with(make_run, edited=b"x = 2\n", **given)
    return [row.factor for row in compare(a, b, settings=Settings()).factors]


def test_a_module_that_neither_run_loaded_does_not_count(make_run):
    assert factors(make_run, loaded=["train.py"]) == []


def test_a_module_that_was_loaded_counts(make_run):
    assert factors(make_run, loaded=["train.py", "helper.py"]) == ["code.helper.py"]


def test_an_empty_list_is_no_answer(make_run):
    """The list of a program that never said what it loaded."""
    assert factors(make_run, loaded=[]) == ["code.helper.py"]


def test_a_script_that_a_loaded_module_starts_counts(make_run):
    """It runs in a process of its own, so it is in nobody's list of modules."""
    assert factors(make_run, loaded=["train.py"], path="prepare.py", main=MAIN) == ["code.prepare.py"]


def test_a_script_on_the_command_line_counts(make_run):
    argv = ("python", "launch.py", "helper.py")
    assert factors(make_run, loaded=["train.py"], argv=argv) == ["code.helper.py"]


@pytest.mark.parametrize("command", [("bash", "all.sh"), ("make", "train"), ("./run_everything",)])
def test_a_command_that_may_start_other_programs_narrows_nothing(make_run, command):
    assert factors(make_run, loaded=["train.py"], argv=command) == ["code.helper.py"]


def test_a_shell_script_is_no_module_so_no_list_of_modules_clears_it(make_run):
    assert factors(make_run, loaded=["train.py"], path="prepare.sh") == ["code.prepare.sh"]
