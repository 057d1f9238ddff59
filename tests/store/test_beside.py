"""`verify` beside whatever writes cries no wolf: what is written between two of its reads is never damage.

No clock and no second process: at the n-th read of the store, for every n, all of an operation is done, and `verify`
goes on with what it had read until then. What a writer leaves half way is held in `test_crash`.
"""

import io
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from runaudit.runs.forgetting import forget_named
from runaudit.runs.remarks import annotate, archive
from runaudit.settings import Settings
from runaudit.store import Store
from runaudit.store.catalogue import run_ids
from runaudit.store.doctor import DAMAGE, LEFT_S, examine
from runaudit.store.forget import bury
from runaudit.store.repair import mend
from runaudit.store.verify import verify
from tests.store import test_crash as crash

READS = ("open", "scandir", "listdir", "readlink")


class Between:
    """The reads of one store, before the n-th of which something is done; before the others nothing."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, root: Path, number: int, act: Callable[[], object]) -> None:
        self.left, self.root, self.act = number, os.path.realpath(root), act
        for name in READS:
            monkeypatch.setattr(os, name, self._counting(getattr(os, name)))
        monkeypatch.setattr(io, "open", self._counting(io.open))

    def _counting(self, real: Callable) -> Callable:
        def operation(path=".", *args, **kwargs):
            if not isinstance(path, int) and os.path.abspath(os.fspath(path)).startswith(self.root):
                self.left -= 1
                if self.left == -1:
                    self.act()
            return real(path, *args, **kwargs)

        return operation


def remark(root: Path) -> None:
    store = Store.open(root / ".runaudit")
    run = run_ids(store)[0]
    annotate(store, Settings(), run, "a note", time=crash.TIME)
    archive(store, Settings(), [run], away=True, time=crash.TIME)


def forget(root: Path) -> None:
    store = Store.open(root / ".runaudit")
    forget_named(store, Settings(), [run_ids(store)[0]], "a secret", time=crash.TIME)


def launch(root: Path) -> None:
    crash.capture(root)
    crash.seal_all(root)


def an_old_leaving(root: Path) -> None:
    crash.a_store(root)
    store = Store.open(root / ".runaudit")
    manifest = crash.Manifest.of({"label": "lost", "seed": 2})
    store.seal_manifest(manifest, time=crash.TIME)
    store.put(crash.Outcome.of({"manifest": str(manifest.digest), "status": "completed"}).raw)
    (store.root / "tmp" / "half").write_bytes(b"half")


def repair(root: Path) -> None:
    now = crash.source_of(root).parent.stat().st_mtime + 2 * LEFT_S
    mend(Store.open(root / ".runaudit"), now=now)


def told_and_not_buried(root: Path) -> None:
    """What a `forget` leaves that is between its line in the log and its tombstones."""
    crash.a_store(root)
    store = Store.open(root / ".runaudit")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("runaudit.store.forget.bury", lambda store: ())
        forget_named(store, Settings(), [run_ids(store)[0]], "a secret", time=crash.TIME)


def bury_all(root: Path) -> None:
    bury(Store.open(root / ".runaudit"))


CASES = {
    "the tombstones": (told_and_not_buried, bury_all),
    "a launch": (crash.a_store, launch),
    "an import": (crash.a_record_file, crash.import_records),
    "an import of a bundle": (crash.a_bundle, crash.import_bundle),
    "annotate, archive": (crash.a_store, remark),
    "forget": (crash.a_store, forget),
    "sign": (crash.a_key, crash.sign_head),
    "doctor --repair": (an_old_leaving, repair),
}


def problems(store: Store) -> list[str]:
    return [f"{one.file}: {one.problem}" for one in verify(store).problems]


def damage(store: Store) -> list[str]:
    return [str(one) for one in examine(store) if one.kind == DAMAGE]


@pytest.mark.parametrize(("case", "asked"), [*((case, problems) for case in CASES), ("forget", damage)])
def test_what_is_written_between_two_reads_is_no_damage(tmp_path, case, asked):
    before, operation = CASES[case]
    (tmp_path / "0").mkdir()
    before(tmp_path / "0")
    done = False
    for number in range(1000):
        root = tmp_path / "now"
        shutil.copytree(tmp_path / "0", root, symlinks=True)
        done = False

        def act(root: Path = root) -> None:
            nonlocal done
            done = True
            operation(root)

        with pytest.MonkeyPatch.context() as patch:
            Between(patch, root / ".runaudit", number, act)
            found = asked(Store(root / ".runaudit"))
        assert found == [], f"at read {number}"
        shutil.rmtree(root)
        if not done:
            break
    assert number > 8
