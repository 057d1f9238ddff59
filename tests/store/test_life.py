"""A store lives through any order of its operations, whichever of them dies: what stood stands, what is said is whole.

Each step does one operation, in a child that is killed, or whose disk fails, at a drawn step (see `test_crash`), or to
its end. Then the store must verify, its log must begin as it did, and what can be read of its runs must lie between
what was there and what the operation would have added. Done once more without a fault, it must all be there.
"""

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from runaudit.record.outcome import seal_outcome
from runaudit.record.series import Series
from runaudit.records.digest import digest_bytes
from runaudit.records.manifest import Manifest
from runaudit.runs.forgetting import forget_named
from runaudit.runs.index import kept_rows, listed
from runaudit.runs.intake import take_bundles
from runaudit.settings import Settings
from runaudit.store import Store
from runaudit.store.bundle import export
from runaudit.store.catalogue import load, run_ids
from runaudit.store.doctor import DAMAGE, LEFT_S, examine
from runaudit.store.remarks import add_note, archived, notes, set_archived
from runaudit.store.repair import mend
from runaudit.store.signature import sign
from runaudit.store.unbundle import read_bundle
from runaudit.store.verify import verify
from tests.store.test_crash import FINE, KILLED, TIME, WENT_ON, a_key, ended, import_records

RUNS = st.integers(0, 2)
A_FAULT = st.tuples(st.integers(0, 24), st.sampled_from(["KILL", "ENOSPC", "EIO"]))
"""The first operations on a run take about that many steps on the disk."""
FAULTS = A_FAULT | A_FAULT | A_FAULT | st.none()
Facts = frozenset[tuple[str, ...]]
BEFORE = frozenset({("launched", "there before"), ("ended", "there before", "completed")})


def manifest_of(number: int) -> Manifest:
    return Manifest.of({"label": f"run {number}", "seed": number, "config": {"lr": 0.1}})


def of_run(number: int, *words: str) -> tuple[str, ...]:
    return (words[0], f"run {number}", *words[1:])


def facts(store: Store) -> Facts:
    """All that can be read of the runs of a store."""
    found: set[tuple[str, ...]] = set()
    for run_id in run_ids(store):
        run = load(store, run_id)
        label = str(run.label)
        found |= {("launched", label), *(("note", label, note.text) for note in notes(store, run_id))}
        if run.outcome is not None:
            found.add(("ended", label, run.status))
        found |= {("logged", label, str(points[-1][1])) for points in run.trajectory.series.values()}
        files = run.outcome.body.get("checkpoints", ()) if run.outcome else ()
        found |= {("file", label, str(file["path"])) for file in files}
    away = archived(store)
    return frozenset(found | {("away", str(load(store, run_id).label)) for run_id in away})


class Life(RuleBasedStateMachine):
    """The store, and what is known of it."""

    @initialize()
    def begin(self) -> None:
        self.root = Path(tempfile.mkdtemp())
        a_key(self.root)
        one = {"schema": "runaudit.record/1", "label": "in", "seed": 1, "runtime": {"status": "completed"}}
        (self.root / "r.json").write_text(json.dumps([one]))
        self.known = facts(self.store)
        assert self.known == BEFORE
        self.pending: Facts = frozenset()
        self.log = self.store.log_bytes()

    def teardown(self) -> None:
        shutil.rmtree(self.root)

    @property
    def store(self) -> Store:
        return Store.open(self.root / ".runaudit")

    def do(
        self,
        operation: Callable[[Path], object],
        fault: tuple[int, str] | None,
        *,
        adds: set[tuple[str, ...]] = frozenset(),
        takes: set[tuple[str, ...]] = frozenset(),
    ) -> None:
        """Do it, with the fault first and then without; check what is known of the store each time."""
        done = (self.known | adds) - takes
        if fault is not None:
            code = ended(operation, self.root, *fault)
            assert code in (FINE, WENT_ON, KILLED, 3), "an end that is no answer"
            found = self.check()
            assert (self.known - takes) <= found <= (self.known | adds | self.pending)
            if code == FINE:
                assert found >= done
        operation(self.root)
        self.known = self.check()
        assert done <= self.known <= done | self.pending
        self.pending -= self.known

    def leave(self, operation: Callable[[Path], object], fault: tuple[int, str], adds: set[tuple[str, ...]]) -> None:
        """Begin it and never come back to it: a repair may end it."""
        ended(operation, self.root, *fault)
        found = self.check()
        assert self.known <= found <= self.known | adds | self.pending
        self.pending = (self.pending | adds) - found
        self.known = found

    def check(self) -> Facts:
        store = self.store
        assert [one for one in examine(store) if one.kind == DAMAGE] == []
        assert verify(store).problems == ()
        assert store.log_bytes().startswith(self.log)
        self.log = store.log_bytes()
        return facts(store)

    @invariant()
    def the_list_says_what_the_records_say(self) -> None:
        if not hasattr(self, "root"):
            return
        store = self.store
        assert listed(store, Settings(), json_answer=True, colour=False, width=None) is not None
        rows = [run for row in kept_rows(store) for run in row["runs"]]
        shown = {load(store, run).label for run in run_ids(store) if run not in archived(store)}
        assert {row["label"] for row in rows} == shown
        assert {(row["label"], row["status"]) for row in rows if row["status"] == "completed"} == {
            (label, status) for kind, label, *more in self.known if kind == "ended" for status in more if label in shown
        }

    # ── what can be done ─────────────────────────────────────────────────────────────────────────────────────────

    @rule(number=RUNS, fault=FAULTS)
    def launch(self, number, fault):
        self.do(lambda root: launched(root, number), fault, adds={of_run(number, "launched")})

    @rule(number=RUNS, fault=A_FAULT)
    def launch_and_leave(self, number, fault):
        self.leave(lambda root: launched(root, number), fault, {of_run(number, "launched")})

    def has(self, number: int) -> bool:
        return of_run(number, "launched") in self.known

    def all_of(self, number: int) -> set[tuple[str, ...]]:
        end = {of_run(number, "ended", "completed"), of_run(number, "file", "best.pt")}
        return end if of_run(number, "ended", "completed") in self.known else {
            *end, of_run(number, "logged", str(float(number)))
        }  # fmt: skip

    @rule(number=RUNS, fault=FAULTS)
    def end(self, number, fault):
        if self.has(number):
            self.do(lambda root: sealed(root, number), fault, adds=self.all_of(number))

    @rule(number=RUNS, fault=A_FAULT)
    def end_and_leave(self, number, fault):
        if self.has(number):
            self.leave(lambda root: sealed(root, number), fault, self.all_of(number))

    @rule(number=RUNS, text=st.sampled_from(["hot GPU", "odd\nlines \u202e"]), fault=FAULTS)
    def annotate(self, number, text, fault):
        if self.has(number):
            operation = lambda root: add_note(opened(root), manifest_of(number).id, text, time=TIME)  # noqa: E731
            self.do(operation, fault, adds={of_run(number, "note", text)})

    @rule(number=RUNS, away=st.booleans(), fault=FAULTS)
    def archive(self, number, away, fault):
        if self.has(number):
            change = {of_run(number, "away")}
            operation = lambda root: set_archived(opened(root), manifest_of(number).id, away, time=TIME)  # noqa: E731
            self.do(operation, fault, **{"adds" if away else "takes": change})

    @rule(number=RUNS, fault=FAULTS)
    def forget(self, number, fault):
        if of_run(number, "ended", "completed") in self.known:
            self.do(lambda root: forgotten(root, number), fault, takes={of_run(number, "logged", str(float(number)))})

    @rule(fault=FAULTS)
    def take_in_a_record(self, fault):
        self.do(import_records, fault, adds={("launched", "in"), ("ended", "in", "completed")})

    @rule(fault=FAULTS)
    def sign_the_head(self, fault):
        self.do(lambda root: sign(opened(root), root / "key.pem", time=TIME), fault)

    @rule(fault=FAULTS)
    def repair(self, fault):
        self.do(repaired, fault)

    @rule(fault=FAULTS)
    def move_to_another_store(self, fault):
        """What goes out comes back: the facts of a bundle are those of the runs that have ended."""
        self.do(taken_out, fault)
        other = Store.create(self.root / "other")
        take_bundles([self.root / "out.bundle"], lambda: other, Settings())
        assert verify(other).problems == ()
        over = {label for kind, label, *_ in self.known if kind == "ended"}
        assert facts(other) == {fact for fact in self.known if fact[1] in over and fact[0] != "away"}
        shutil.rmtree(self.root / "other")


def opened(root: Path) -> Store:
    return Store.open(root / ".runaudit")


def launched(root: Path, number: int) -> None:
    store, manifest = opened(root), manifest_of(number)
    if manifest.id not in run_ids(store):
        store.seal_manifest(manifest, time=TIME)


def sealed(root: Path, number: int) -> None:
    """The end of a run as a program brings it about: a step logged, a checkpoint written, then all of it sealed."""
    store, manifest = opened(root), manifest_of(number)
    live = store.live_dir(manifest.id)
    live.mkdir(parents=True, exist_ok=True)
    if str(manifest.digest) in store.endings():
        return
    path = live / "series.jsonl"
    if not (path.exists() and path.read_bytes().endswith(b"\n")):
        # A program that comes back logs what it had not logged: what is whole it does not throw away itself.
        path.unlink(missing_ok=True)
        series = Series(path)
        series.log(1, {"train/loss": float(number)}, 0.0)
        series.close()
    weights = store.run_dir(manifest.id) / "best.pt"
    weights.parent.mkdir(parents=True, exist_ok=True)
    weights.write_bytes(b"weights")
    file = {"path": "best.pt", "digest": str(digest_bytes(b"weights")), "size": 7, "kind": "best", "step": 1}
    seal_outcome(store, manifest, status="completed", sections={"checkpoints": [file]}, environ={}, now=1.8e9)


def forgotten(root: Path, number: int) -> None:
    store = opened(root)
    entry = store.endings()[str(manifest_of(number).digest)]
    series = json.loads(store.read(entry.digest))["trajectory"]["digest"]
    forget_named(store, Settings(), [series], "a secret was logged as a loss", time=TIME)


def repaired(root: Path) -> None:
    mend(opened(root), now=opened(root).log_path.stat().st_mtime + 2 * LEFT_S)


def taken_out(root: Path) -> None:
    store = opened(root)
    over = [run_id for run_id in run_ids(store) if load(store, run_id).outcome is not None]
    export(store, over, root / "out.bundle", over=True)
    read_bundle(root / "out.bundle")


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=12,
    stateful_step_count=15,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    # A life of 15 steps can be read as it is, and is a second long: making it shorter would take minutes.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
