"""After a crash at any moment of a seal, a record is whole or absent, and the store goes on.

Each case runs the seal in a forked child that dies, without unwinding, at the n-th operation on the disk.
"""

import os
from pathlib import Path

import pytest

from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome
from runaudit.store import Store
from runaudit.store.catalogue import load, run_ids
from runaudit.store.verify import verify

OPERATIONS = ("fsync", "fdatasync", "fchmod", "link", "unlink", "write", "pwrite", "replace")
NOT_COUNTED = "manifest that the log does not count"


def seal_all(store: Store) -> str:
    manifest = Manifest.of({"label": "x", "seed": 0, "config": {"lr": 0.1}})
    store.seal_manifest(manifest, time="2026-01-01T00:00:00Z")
    outcome = Outcome.of({"manifest": str(manifest.digest), "status": "completed", "metrics": {"psnr": 30.0}})
    store.seal_outcome(outcome, time="2026-01-01T00:01:00Z")
    return manifest.id


def die_at(number: int) -> None:
    """From now on, end this process at the `number`-th disk operation, as a power cut would: nothing is cleaned up."""
    left = [number]

    def counting(real):
        def operation(*args, **kwargs):
            left[0] -= 1
            if left[0] < 0:
                os._exit(9)
            return real(*args, **kwargs)

        return operation

    for name in OPERATIONS:
        setattr(os, name, counting(getattr(os, name)))


def crashed_at(root: Path, number: int) -> bool:
    """Seal in a child that dies at the n-th operation. False when it got through."""
    pid = os.fork()
    if pid == 0:
        try:
            store = Store.open(root)
            die_at(number)
            seal_all(store)
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, 9), code
    return code == 9


def test_a_crash_at_any_operation_leaves_a_record_whole_or_absent(tmp_path):
    crashes = 0
    for number in range(200):
        store = Store.create(tmp_path / str(number) / ".runaudit")
        if not crashed_at(store.root, number):
            break
        crashes += 1
        again = Store.open(store.root)
        found = verify(again)
        assert all(NOT_COUNTED in problem.problem for problem in found.problems), (number, found.problems)
        for run in run_ids(again):
            assert load(again, run).label == "x"
        run = seal_all(again)
        assert load(again, run).status == "completed"
        assert verify(again).problems == ()
    else:
        pytest.fail("the seal never came to its end")
    assert crashes >= 8  # two records: temporary file, mode, link, folder and log line each
