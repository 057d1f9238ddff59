"""What becomes of a command that has ended: gather what it left, judge nothing, seal its outcome.

The wrapper does it right after the end; `runaudit seal` does it later, for a run whose wrapper died, with what lies on
disk.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from runaudit.capture.contents import CLOCK_NS
from runaudit.capture.draft import redactor_of
from runaudit.capture.loaded import joined_code
from runaudit.capture.meanwhile import changed_data, changed_files
from runaudit.capture.observed import Observation, observe_outcome, started_ns
from runaudit.capture.outputs import SOURCES, runs_beside, written_beside
from runaudit.capture.redact import Redactor
from runaudit.capture.seeding import mismatch_after
from runaudit.launch.collect import gather
from runaudit.launch.evidence import Written, new_since, written_by
from runaudit.launch.journal import WORDS, keep_end
from runaudit.launch.leavings import announce_files
from runaudit.observe.trace import Trace
from runaudit.record.ledger import claims
from runaudit.record.outcome import seal_outcome
from runaudit.record.telling import told_in
from runaudit.records.canonical import JSON
from runaudit.records.finding import Finding, Severity
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome
from runaudit.records.told import with_told
from runaudit.store import Store
from runaudit.store.catalogue import liveness

TAIL_LINES, TAIL_BYTES = 20, 4_000
"""How much of a crash's last words is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """What is known of an end.

    `stderr`: the end of what the command wrote there. `before`: the tracker files that were there before the start.
    `lost`: nobody was there to see it, and what lies in the working folder may be anybody's. `ended`: when, in seconds
    since 1970; `took_s`: how long the command ran, which is less than what lies between its launch and its sealing.
    """

    trace: Trace
    cwd: Path
    exit_code: int | None = None
    error: str | None = None
    notes: tuple[str, ...] = ()
    stderr: str = ""
    before: frozenset[Path] = frozenset()
    lost: bool = False
    ended: float | None = None
    took_s: float | None = None
    names: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def close_run(store: Store, manifest: Manifest, end: End, *, environ: Mapping[str, str]) -> Outcome:
    """Seal the outcome of a run. Raises StoreError where it cannot be kept."""
    live, folder = store.live_dir(manifest.id), store.run_dir(manifest.id)
    redactor = redactor_of(store, environ=environ, manifest=manifest)
    gather(
        live,
        _written(store, manifest, end),
        cwd=end.cwd,
        since=started_ns(manifest) / 1e9,
        names=end.names,
        clean=redactor.text,
    )
    announce_files(live, folder)
    inputs = with_told(manifest, told_in(claims(live)))
    seen = observe_outcome(end.trace, inputs, store, redactor)
    changed, remarks = changed_data(store, inputs)
    findings = [finding.to_json() for finding in seed_findings(manifest, seen.observed)]
    sections: dict[str, JSON] = {
        "observed": seen.observed,
        **({"data": {"changed": changed}} if changed else {}),
        **({"findings": findings} if findings else {}),
        **_last_words(end, redactor),
    }
    code, code_notes = code_at_end(manifest, live, seen, redactor)
    return seal_outcome(
        store,
        manifest,
        exit_code=end.exit_code,
        error=end.error or _told_why(end, live) or _error(end, redactor),
        code=code,
        sections=sections,
        notes=[*end.notes, *remarks, *code_notes, *(str(row["message"]) for row in findings)],
        environ=environ,
        now=end.ended,
        took_s=end.took_s,
    )


def _written(store: Store, manifest: Manifest, end: End) -> Written:
    """What of the trackers' files is this run's, by what was seen; where nobody saw, by what is new."""
    folder = store.run_dir(manifest.id)
    since = started_ns(manifest) / 1e9
    if end.trace.observed or end.lost:
        found = written_by(end.trace, end.cwd, folder, since=since)
        return found.beside(written_beside(store, manifest)) if found.files else found
    alone = all(outcome is None and liveness(store.live_dir(run.hex)) == "lost"
                for run, outcome in runs_beside(store, manifest))  # fmt: skip
    return new_since(end.before, end.cwd, folder, since=since, alone=alone)


def write_down(store: Store, manifest: Manifest, end: End, *, environ: Mapping[str, str]) -> None:
    """Keep on disk how the command ended, secrets replaced, before its outcome is made of it: `kept_end` reads it."""
    redactor = redactor_of(store, environ=environ)
    words = redactor.text(end.stderr or end.trace.last_words)[-WORDS:]
    error = None if end.error is None else redactor.text(end.error)
    keep_end(store.live_dir(manifest.id), exit_code=end.exit_code, error=error, notes=list(end.notes), stderr=words,
             ended=end.ended, took_s=end.took_s)  # fmt: skip


def code_at_end(
    manifest: Manifest, live: Path, seen: Observation, redactor: Redactor
) -> tuple[dict[str, JSON], list[str]]:
    """What ran, by what was seen and by what the program said; and every sealed source that is another one now.

    What a fully observed run neither opened nor executed cannot have mattered, changed or not; of a module that is told
    all the same, since somebody edited the code under a run.
    """
    endings = (row["code"] for row in reversed(claims(live)) if row["k"] == "ending" and row.get("code"))
    ending: Mapping[str, Any] = next(endings, {})
    code, level = manifest.section("code"), seen.observed["level"]
    top = Path(str(manifest.section("launch").get("top") or "."))
    now = changed_files(code, top, redactor, since_ns=started_ns(manifest) - CLOCK_NS)
    if level == "full":
        used = {str(row["path"]) for row in seen.observed["read"]} | set(seen.code["loaded"])
        now = [row for row in now if row["path"] in used or str(row["path"]).endswith(SOURCES)]
    own = {str(row["path"]) for row in seen.observed["written"]}
    changed = {str(row["path"]): row for row in (*seen.code["changed"], *ending.get("changed", ()), *now)}
    edited = [path for path in changed if path not in own or path.endswith(SOURCES)][:5]
    found = joined_code({**seen.code, "changed": [*changed.values()]}, {**ending, "changed": []})
    # What a command loaded is unknown unless it was seen or said; an empty list would say that nothing ran.
    if level == "none" and "loaded" not in ending:
        found.pop("loaded", None)
    return found, [f"the code changed while the run ran: {', '.join(edited)}"] if edited else []


def seed_findings(manifest: Manifest, observed: Mapping[str, Any]) -> list[Finding]:
    """A declared seed that no seeding call of the program used."""
    seed = manifest.body.get("seed")
    call = mismatch_after(seed, observed.get("seeded") or ())
    if call is None:
        return []
    return [
        Finding(
            code="RA314", name="seed_mismatch", severity=Severity.WARNING, subject="seed",
            message=f"the seed {seed} was declared, and the program seeded with {call['value']} "
            f"({call['where']}: {call['call']})",
            remedy=f"give the program the seed it is declared to use, or declare --seed {call['value']}",
            evidence={"declared": seed, "seeded": call["value"], "where": call["where"]},
        )
    ]  # fmt: skip


def _last_words(end: End, redactor: Redactor) -> dict[str, JSON]:
    """The end of what a command that failed said, else the traceback that ended it; without secrets."""
    words = (end.stderr.strip() and end.stderr) or end.trace.last_words
    if not end.exit_code or not words:
        return {}
    lines = redactor.text(words).splitlines()[-TAIL_LINES:]
    return {"stderr_tail": "\n".join(lines)[-TAIL_BYTES:]}


def _told_why(end: End, live: Path) -> str | None:
    """Why the program gave a training up, in its words: a rule that ended it says more than the last line on stderr."""
    last: Mapping[str, Any] = next((row for row in reversed(claims(live)) if row["k"] == "ending"), {})
    given_up = end.exit_code is not None and 0 < end.exit_code < 128 and last.get("status") == "diverged"
    return str(last["error"]) if given_up and last.get("error") else None


def _error(end: End, redactor: Redactor) -> str | None:
    """The one line of a failure that a person would read first: the exception, else the last thing that was said."""
    if not end.exit_code:
        return None
    if lines := [line for line in end.trace.last_words.splitlines() if line.strip()]:
        return redactor.text(lines[-1])
    lines = [line for line in end.stderr.splitlines() if line.strip()]
    return f"exit code {end.exit_code}: {redactor.text(lines[-1].strip())}" if lines else None
