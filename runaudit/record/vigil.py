"""A run that is judged while it goes on: it is warned of what goes wrong, its last healthy checkpoint is kept, or it is
stopped before it costs another night.

What may be done is sealed with the launch (`launch.health`), so that whoever reads the record knows which runs could be
stopped: among runs of which only the bad ones were cut short, a mean over those that finished flatters. A thread of its
own reads what was logged and asks the rules, for a hundredth of a core at most; the training is never waited for.
"""

import contextlib
import shutil
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from runaudit.capture.config import merge
from runaudit.errors import UsageError
from runaudit.health.answer import trajectory_rules
from runaudit.health.follow import Follower, Vigil
from runaudit.health.text import failed_line
from runaudit.record.ledger import claim, claims
from runaudit.records.digest import digest_file
from runaudit.records.finding import Finding, Severity
from runaudit.records.manifest import Manifest
from runaudit.rules import Rule
from runaudit.settings import load_settings
from runaudit.store.store import Store
from runaudit.voice.saying import hint, printable

DEEDS = ("warn", "keep", "stop")
"""What can be done about a finding: say it, keep the last checkpoint from before it, end the training."""
STOP_FROM = Severity.CRITICAL
LOOK_S = 1.0
HELD = "held"
CANDIDATES = 6
"""Checkpoints that are held back until it is known whether they were healthy: a finding is made after its onset, often
by many checkpoints. So beside the last ones some are held that are spread over all of the run."""


class StoppedByRule(SystemExit):
    """Raised by `log` in a training that a rule ends. `except Exception` lets it pass; uncaught it is one line and the
    exit code 1. The outcome is sealed as diverged."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(f"runaudit: {printable(told(finding))}")
        self.finding = finding


def health_section(word: str | Sequence[str]) -> dict[str, Any]:
    """What a launch seals: `warn`, `keep`, `stop`, or several with commas. Raises UsageError."""
    words = [part.strip() for part in (word.split(",") if isinstance(word, str) else word)] or [""]
    for one in words:
        if one not in DEEDS:
            raise UsageError(f"health {one!r} is nothing that can be done", remedy=f"possible are {', '.join(DEEDS)}")
    return {"launch": {"health": {"do": [deed for deed in DEEDS if deed in words], "stop_from": str(STOP_FROM)}}}


def looked_after(fields: Mapping[str, Any], word: str | Sequence[str]) -> dict[str, Any]:
    """The fields of a launch, with what is sealed of its health laid on top."""
    return {**fields, "extra": merge(dict(fields.get("extra") or {}), health_section(word))}


def told(finding: Finding) -> str:
    """Why a training was ended, in one line."""
    return f"stopped by {finding.code} {finding.name}: {finding.message}"


class Watch:
    """Watches one run from within its process."""

    def __init__(
        self,
        manifest: Manifest,
        series: Path,
        rules: Sequence[Rule],
        deeds: Sequence[str],
        directions: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.deeds = frozenset(deeds)
        self.stopped_by: Finding | None = None
        self._live = series.parent
        self._follower = Follower(series)
        self._vigil = Vigil(
            rules=rules, config=manifest.section("config"), init=manifest.section("init"), directions=directions
        )
        self._is_raised = self._is_let_go = False
        self._held: list[tuple[int, Path]] = []
        self._sick: Finding | None = None
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="runaudit-health", daemon=True)

    def start(self) -> None:
        """Look at what is logged, from now on."""
        self._thread.start()

    @property
    def why(self) -> str | None:
        """Why the training was ended; None where no rule did."""
        return None if self.stopped_by is None or not self._is_raised else told(self.stopped_by)

    def check(self) -> None:
        """Raises StoppedByRule, once, where a rule ends the training."""
        if self.stopped_by is not None and not self._is_raised:
            self._is_raised = True
            raise StoppedByRule(self.stopped_by)

    def look(self, *, at_the_end: bool = False) -> None:
        """Read what is new and judge it. Raises nothing: a training does not end because it could not be judged. What a
        short run showed is said when it ends, unless somebody who wants it to end does not wait for that."""
        with contextlib.suppress(Exception, *((KeyboardInterrupt,) if at_the_end else ())):
            if not (self._follower.read() and self._vigil.is_due) and not at_the_end:
                return
            for finding in self._vigil.judge(self._follower.trajectory(), goes_on=not at_the_end):
                self._found(finding)
            for failure in self._vigil.failures():
                hint(f"runaudit: {printable(failed_line(failure))}")

    def stop(self, run_dir: Path) -> None:
        """The run ends: what was held back is let go, or kept where a finding came after it. A run that a rule ended
        does so twice, as it ends and as its process does."""
        if self._is_let_go:
            return
        self._is_let_go = True
        self._over.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout=5.0)
        self.look(at_the_end=True)
        with self._lock:
            if self._sick is not None and "keep" in self.deeds:
                self._keep(run_dir, self._sick)
            self._let_go(run_dir)

    def hold(self, place: Path, step: int, run_dir: Path) -> None:
        """Hold a checkpoint back, under a name that the program does not write again; the oldest is let go."""
        if "keep" not in self.deeds or self._sick is not None:
            return
        folder = run_dir / "checkpoints" / HELD
        with self._lock, contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            target = folder / f"{step:08d}-{place.name}"
            shutil.copyfile(place, target)
            self._held.append((step, target))
            while len(self._held) > CANDIDATES:
                self._held.pop(_dispensable([at for at, _ in self._held]))[1].unlink(missing_ok=True)

    def _work(self) -> None:
        while not self._over.wait(LOOK_S):
            self.look()

    def _found(self, finding: Finding) -> None:
        hint(f"runaudit: {printable(f'{finding.head}: {finding.message}')}")
        if finding.severity >= STOP_FROM:
            self._sick = self._sick or finding
            if "stop" in self.deeds and self.stopped_by is None:
                self.stopped_by = finding

    def _keep(self, run_dir: Path, finding: Finding) -> None:
        """Record the newest checkpoint from before a finding as the last healthy one."""
        self._held += self._lying_there(run_dir)
        self._held.sort(key=lambda one: one[0])
        before = [(step, place) for step, place in self._held if finding.step is None or step < finding.step]
        if not before:
            why = "each that was told came after it" if self._held else "no checkpoint was told: run.checkpoint(path)"
            hint(f"runaudit: no checkpoint from before step {finding.step} could be kept: {why}")
            return
        step, held = before[-1]
        place = run_dir / "checkpoints" / f"healthy-{held.name}"
        if held.parent.name == HELD:
            held.replace(place)
        else:
            shutil.copyfile(held, place)
        facts = place.stat()
        claim(
            self._live, "checkpoint", path=place.relative_to(run_dir).as_posix(), digest=str(digest_file(place)),
            size=facts.st_size, kind="healthy", step=step, stamp=[facts.st_size, facts.st_mtime_ns],
        )  # fmt: skip

    def _lying_there(self, run_dir: Path) -> list[tuple[int, Path]]:
        """Checkpoints that were told, each under a name of its own, and lie there as they were: these need no copy to
        be held back, and there may be one nearer to the finding."""
        rows = [row for row in claims(self._live) if row["k"] == "checkpoint" and isinstance(row.get("step"), int)]
        several = Counter(row["step"] for row in rows)
        found = []
        for row in rows:
            place = run_dir / str(row["path"])
            with contextlib.suppress(OSError):
                facts = place.stat()
                if several[row["step"]] == 1 and [facts.st_size, facts.st_mtime_ns] == row["stamp"]:
                    found.append((int(row["step"]), place))
        return found

    def _let_go(self, run_dir: Path) -> None:
        for place in (place for _, place in self._held if place.parent.name == HELD):
            place.unlink(missing_ok=True)
        self._held = []
        with contextlib.suppress(OSError):  # A folder that holds something else stays, and so does one that is none.
            (run_dir / "checkpoints" / HELD).rmdir()


def _dispensable(steps: Sequence[int]) -> int:
    """Which of several to let go: the one whose neighbours are nearest. The first and the last three stay."""
    gaps = [steps[at + 1] - steps[at - 1] for at in range(1, len(steps) - 3)]
    return 1 + gaps.index(min(gaps))


def watch_of(store: Store, manifest: Manifest, series: Path) -> Watch | None:
    """The watch that a launch sealed, which looks from now on; None where it sealed none."""
    section = manifest.section("launch").get("health")
    deeds = section.get("do") if isinstance(section, Mapping) else None
    if not deeds:
        return None
    settings = load_settings(store.root)
    watch = Watch(manifest, series, trajectory_rules(settings.rules), list(deeds), settings.stats.directions)
    watch.start()
    return watch
