"""The comparison of real trackers' records goes on past one that fails, and says so at its end."""

import sys
from importlib import util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "examples" / "trackers" / "make_records.py"


@pytest.fixture
def script(tmp_path, monkeypatch):
    spec = util.spec_from_file_location("make_records", SCRIPT)
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "EXPECTED", tmp_path)
    return module


def table(_python, folder):
    (folder / "log.csv").write_text("step,loss\n1,0.5\n2,0.25\n")
    return folder


def test_a_tracker_that_fails_does_not_hide_those_behind_it(script, monkeypatch, capsys):
    def broken(python, folder):
        script.start(python, folder, "python", "-c", "raise SystemExit(3)")
        return folder

    monkeypatch.setattr(script, "TRACKERS", {"sacred": ("json", broken), "csv": ("json", table)})
    told = []
    for words in (["--update"], []):
        monkeypatch.setattr(sys, "argv", ["make_records.py", "--python", sys.executable, *words])
        told.append((script.main(), capsys.readouterr().out))

    (first, written), (second, compared) = told
    assert (first, second) == (1, 1)
    assert "sacred: FAILED\ncsv: written" in written
    assert "ended with 3" in compared and compared.endswith("csv: as expected\nnot as expected: sacred\n")
