"""A run that goes on, followed: where it is, and what the rules say of it as soon as they can."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from runaudit.errors import UsageError
from runaudit.health.answer import trajectory_rules
from runaudit.health.follow import Follower, Vigil, leading_loss, scale_of
from runaudit.health.text import failed_line
from runaudit.judge.bench import Bench
from runaudit.records.finding import Finding, Severity
from runaudit.records.outcome import shell_code
from runaudit.records.run import Run
from runaudit.rules import Skip
from runaudit.runs.ambiguous import is_in_no_store
from runaudit.runs.names import is_file, one_of
from runaudit.store.catalogue import SERIES, liveness, outcome_entry
from runaudit.text.markdown import escaped
from runaudit.text.terminal import printable
from runaudit.text.verdicts import CANNOT_JUDGE, NEGATIVE, PASS

SCHEMA = "runaudit.watch/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at a run. since_s: seconds since the last line of its log; pace: steps a second over the last minute.
    findings: what is new; failures: rules of others that raised, each told once."""

    run: Run
    status: str
    step: int | None
    loss_name: str | None
    loss: float | None
    scale: float | None
    pace: float | None
    since_s: float | None
    findings: tuple[Finding, ...]
    is_last: bool
    failures: tuple[Skip, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """One look as one object."""
        return {
            "schema": SCHEMA,
            "run": self.run.id,
            "status": self.status,
            "step": self.step,
            "loss": None if self.loss_name is None else {"name": self.loss_name, "value": self.loss},
            "scale": self.scale,
            "steps_per_s": self.pace,
            "since_s": self.since_s,
            "findings": [finding.to_json() for finding in self.findings],
            "failed": [failure.to_json() for failure in self.failures],
            "last": self.is_last,
        }

    @property
    def line(self) -> str:
        """Where the run is, in one line."""
        if self.step is None:
            waiting = "nothing is logged to runaudit yet (what a tracker writes is read when the run ends)"
            return printable(f"{self.status}  {waiting if self.status == 'running' else 'no curve was logged'}")
        parts = [f"step {self.step}"]
        if self.loss_name is not None and self.loss is not None:
            parts.append(f"{self.loss_name} {self.loss:.5g}")
        if self.scale is not None:
            parts.append(f"scale {self.scale:.6g}")
        if self.pace is not None:
            parts.append(f"{self.pace:.3g} steps/s")
        if self.since_s is not None and not self.is_last:
            parts.append(f"last step {self.since_s:.0f} s ago")
        return printable(f"{self.status}  {'  '.join(parts)}")

    def finding_lines(self, *, as_markdown: bool = False) -> Iterator[str]:
        """What is new, in words."""
        for finding in self.findings:
            head = f"{finding.head}: {finding.message}."
            remedy = f"try: {finding.remedy}." if finding.remedy else ""
            if as_markdown:
                yield f"- {escaped(f'{head} {remedy}'.strip())}"
            else:
                yield from (printable(line) for line in (head, f"    {remedy}" if remedy else "") if line)

        for failure in self.failures:
            yield f"- {escaped(failed_line(failure))}" if as_markdown else printable(failed_line(failure))

    def closing(self, *, as_markdown: bool = False) -> str:
        """How it ended."""
        ended = _as_a_shell_says(self.run.outcome.body.get("exit_code") if self.run.outcome else None)
        told = f"the run ended: {self.status}" + ("" if ended is None else f", exit code {ended}")
        why = self.run.outcome.body.get("error") if self.run.outcome else None
        if self.status == "diverged" and isinstance(why, str):
            told += f"; {why.removeprefix(f'exit code {ended}: ')}"
        if self.status == "lost":
            told = f"nobody is at work on it any more: `runaudit seal {self.run.short}` keeps what it wrote"
        return escaped(told) if as_markdown else printable(told)


def looks(
    bench: Bench,
    word: str,
    *,
    every_s: float = 2.0,
    once: bool = False,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.time,
) -> Iterator[Look]:
    """Looks at the one run that a word names, until it has ended. Raises UsageError where it names none or several."""
    if is_file(word):
        raise is_in_no_store(word)
    found = bench.named(word, trajectory=False)
    one_of([run.id for run in found], word)
    run = found[0]
    live = bench.store.live_dir(run.id)
    follower = Follower(live / SERIES)
    vigil = Vigil(
        rules=trajectory_rules(bench.settings.rules),
        config=run.manifest.section("config"),
        init=run.manifest.section("init"),
        directions=bench.settings.stats.directions,
        least=Severity.INFO if once else Severity.WARNING,
    )
    while True:
        # Asked before what it wrote is read: of what comes between the two nothing is lost.
        # A process may go on to another training after it has sealed this one.
        is_over = run.outcome is not None or outcome_entry(bench.store, run.id) is not None
        status = "ended" if is_over else liveness(live)
        if status != "running":
            run = bench.named(f"id:{run.id}")[0]
            yield _ended(run, vigil)
            return
        fresh = follower.read()
        findings = vigil.judge(follower.trajectory()) if (fresh and vigil.is_due) or once else ()
        last = follower.last_moment
        yield _look(
            run, status, follower.ends(), step=follower.last_step, findings=findings, is_last=once,
            failures=vigil.failures(),
            pace=follower.pace(), since_s=None if last is None else max(0.0, now() - last),
        )  # fmt: skip
        if once:
            return
        sleep(every_s)


def seconds(word: str) -> float:
    """How often to look, as it was typed. Raises UsageError for what is no number above zero."""
    try:
        found = float(word)
    except ValueError:
        found = 0.0
    if not 0 < found < float("inf"):
        raise UsageError(f"--every {word!r} is no number of seconds", remedy="write one, as --every 5")
    return found


def _look(
    run: Run,
    status: str,
    ends: Mapping[str, float],
    *,
    step: int | None,
    findings: tuple[Finding, ...],
    is_last: bool,
    failures: tuple[Skip, ...] = (),
    pace: float | None = None,
    since_s: float | None = None,
) -> Look:
    """A look at a run of which these are the last values."""
    name = leading_loss(ends)
    return Look(
        run=run,
        status=status,
        step=step,
        loss_name=name,
        loss=None if name is None else ends[name],
        scale=scale_of(ends),
        pace=pace,
        since_s=since_s,
        findings=findings,
        is_last=is_last,
        failures=failures,
    )


def _ended(run: Run, vigil: Vigil) -> Look:
    """The last look: at what was sealed, all of it judged."""
    ends = {name: points[-1][1] for name, points in run.trajectory.series.items() if points}
    findings = vigil.judge(run.trajectory, goes_on=False)
    return _look(
        run, run.status, ends, step=run.trajectory.last_step(), is_last=True, findings=findings,
        failures=vigil.failures(),
    )  # fmt: skip


def exit_code(look: Look) -> int:
    """The exit code of the run that was watched: that of its command, else what its status means."""
    if look.status == "running":
        return PASS
    code = _as_a_shell_says(look.run.outcome.body.get("exit_code") if look.run.outcome else None)
    if isinstance(code, int):
        return code if 0 <= code < 256 else NEGATIVE
    return PASS if look.run.finished else CANNOT_JUDGE if look.run.outcome is None else NEGATIVE


def _as_a_shell_says(code: object) -> int | None:
    """A sealed exit code as `runaudit run` ended with it; None for what is none."""
    return shell_code(code) if isinstance(code, int) and not isinstance(code, bool) else None
