"""A flipped bit in any file of a store is found, or lies where it is plainly harmless (see `tamper_bench`)."""

import importlib.util
from pathlib import Path

import pytest

from runaudit.store.verify import verify

BENCH = Path(__file__).parents[2] / "examples" / "bench" / "tamper_bench.py"


def bench():
    spec = importlib.util.spec_from_file_location("tamper_bench", BENCH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_flipped_bit_slips_through(tmp_path):
    tampered = bench()
    store = tampered.filled(tmp_path / "store", runs=2)
    assert verify(store).problems == ()

    found, harmless, missed = tampered.flipped(store, flips=250, seed=1)

    assert missed == []
    assert {"objects", "log.jsonl", "log.end", "store.json", "runs", "signatures"} <= set(found)
    assert set(harmless) <= set(tampered.HARMLESS)
    assert verify(store).problems == ()


@pytest.mark.parametrize(("jobs", "code"), [("-5", 2), ("-1", 2), ("0", 0), ("3", 0), ("9" * 23, 0)])
def test_any_number_of_processes_is_understood_or_refused(here, runaudit, make_run, seal_run, jobs, code):
    seal_run(here, make_run())

    assert runaudit("verify", "-j", jobs)[0] == code
