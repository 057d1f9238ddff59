"""What went into each run and what came out of it: the manifest and the outcome, section by section, folded."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runaudit.factors.arguments import arguments_of
from runaudit.factors.observed import observed_of
from runaudit.records.manifest import Unknown
from runaudit.records.run import Run
from runaudit.report.inputs import ArmInput
from runaudit.report.views.alerts import Integrity
from runaudit.report.views.arm import RunName, letter, run_name
from runaudit.report.words import Text, called, clean, compact, digest, shown, value_text
from runaudit.system.progress import work
from runaudit.text.words import listed, plural

MAX_ROWS = 400
SECTIONS = (
    ("config", "Configuration"),
    ("code", "Code"),
    ("data", "Data"),
    ("env", "Environment"),
    ("init", "Initial weights"),
    ("eval", "Evaluation"),
    ("launch", "Launch"),
    ("origin", "Origin"),
)
_FOLDED = {"code": ("files",)}
"""Long lists that are told by their number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A titled table of names and values; `missing` says why it is empty, or what of it is not known."""

    title: str
    rows: tuple[tuple[Text, Text], ...]
    missing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestView:
    """One run whole. is_captured: whether it was sealed before its first step; else when it was imported."""

    arm: int
    is_captured: bool
    letter: str
    run: RunName
    integrity: str
    integrity_tone: str
    sections: tuple[Section, ...]


def manifest_views(arms: Sequence[ArmInput], integrity: Integrity | None) -> tuple[ManifestView, ...]:
    """Every run of every arm."""
    runs = [(index, run) for index, arm in enumerate(arms) for run in arm.runs]
    views = []
    with work("setting out the records", len(runs), "runs") as advance:
        for index, run in runs:
            views.append(_view(index, run, integrity))
            advance(1)
    return tuple(views)


def _view(index: int, run: Run, integrity: Integrity | None) -> ManifestView:
    tone, words = _integrity(run, integrity)
    sections = [Section(title="Identity", rows=tuple(_identity(run)))]
    sections += [_section(run, name, title) for name, title in SECTIONS]
    sections += [_outcome(run), _checkpoints(run), _metrics(run)]
    return ManifestView(
        arm=index,
        is_captured=run.manifest.is_captured,
        letter=letter(index),
        run=run_name(run),
        integrity=words,
        integrity_tone=tone,
        sections=tuple(section for section in sections if section.rows or section.missing),
    )


def _integrity(run: Run, integrity: Integrity | None) -> tuple[str, str]:
    if run.fault:
        return "bad", clean(run.fault)
    if integrity is None or run.id not in integrity:
        return "doubt", "not re-hashed for this page"
    problems = integrity[run.id]
    return ("bad", clean("; ".join(problems))) if problems else ("good", "every stored byte matches its digest")


def _identity(run: Run) -> Iterator[tuple[Text, Text]]:
    body = run.manifest
    seed = body.seed
    yield shown("label"), shown(run.label, 200)
    yield shown("manifest digest"), digest(body.digest)
    yield shown("seed"), shown(f"unknown: {seed.reason}" if isinstance(seed, Unknown) else value_text(seed).full)
    proof = run.seed_proof
    if not proof:
        yield shown("seed proof"), shown(_no_proof(run), 200)
    for name, value in sorted(proof.items()):
        yield shown(f"seed proof: {name}"), digest(value)
    if body.intent:
        yield shown("intent"), shown(", ".join(body.intent), 200)
    for waiver in body.waivers:
        until = f" (until {waiver['until']})" if waiver.get("until") else ""
        yield shown(f"waived: {waiver.get('rule', '?')}"), shown(f"{waiver.get('reason', 'no reason')}{until}", 200)
    for path, why in sorted(body.section("unknown").items()):
        yield shown(f"unknown: {path}"), shown(why, 200)


def _words(run: Run) -> Iterator[tuple[Text, Text]]:
    """The settings that a program was given as words of its command, as `diff` compares them; nothing where an importer
    has made settings of the same words."""
    if "args" not in run.manifest.section("config"):
        yield from _leaves(arguments_of(run.words), "args")


def _no_proof(run: Run) -> str:
    """That nothing proves what the seed did; what was seen of it is no proof, and is told."""
    seen = observed_of(run)
    calls = [f"{call}({value_text(value).short})" for call, value in seen.seeded] if seen else []
    if calls:
        return f"none recorded; seen to be seeded: {listed(calls, limit=4)}"
    return "none: nothing in the record shows that the seed acted"


def _section(run: Run, name: str, title: str) -> Section:
    words = list(_words(run)) if name == "config" else []
    missing = "" if run.manifest.has(name) else clean(run.manifest.reason(name))
    if missing and not words:
        return Section(title=title, rows=(), missing=missing)
    # That it is not on record is true of a section only where the command has no word of it either.
    missing = missing if name in run.manifest.section("unknown") else ""
    rows = [*_leaves(run.manifest.section(name), "", fold=_FOLDED.get(name, ())), *words]
    if len(rows) > MAX_ROWS:
        rest = len(rows) - MAX_ROWS
        rows = [*rows[:MAX_ROWS], (shown("…"), shown(f"{plural(rest, 'more value')}; `runaudit show` prints them all"))]
    return Section(title=title, rows=tuple(rows), missing=missing or ("" if rows else "empty"))


def _leaves(value: Any, path: str, *, fold: Sequence[str] = ()) -> Iterator[tuple[Text, Text]]:
    """Each scalar of a JSON tree by its dotted path; short lists of scalars stay on one line."""
    if isinstance(value, Mapping) and value:
        for key, item in sorted(value.items()):
            name = f"{path}.{key}" if path else str(key)
            if not path and key in fold and isinstance(item, Mapping | list | tuple):
                yield shown(name, 80), shown(plural(len(item), "file"))
            else:
                yield from _leaves(item, name)
    elif isinstance(value, list | tuple) and any(isinstance(item, Mapping | list | tuple) for item in value):
        for number, item in enumerate(value):
            own = item.get("name") if isinstance(item, Mapping) else None
            yield from _leaves(item, f"{path}[{own if isinstance(own, str) else number}]")
    elif path or not isinstance(value, Mapping):
        yield called(path, 80), value_text(value)


def _outcome(run: Run) -> Section:
    if not run.outcome:
        return Section(title="Outcome", rows=(), missing=f"the run has no outcome: {clean(run.status)}")
    skip = ("metrics", "checkpoints", "artifacts", "schema")
    body = {name: value for name, value in run.outcome.body.items() if name not in skip}
    return Section(title="Outcome", rows=tuple(_leaves(body, "")))


def _checkpoints(run: Run) -> Section:
    if not run.outcome:
        return Section(title="Checkpoints", rows=())
    rows = []
    for file in run.outcome.checkpoints:
        step = file.get("step")
        at = "" if step is None else f" at step {step}"
        rows.append((shown(f"{file.get('path', '?')}{at}", 80), digest(file.get("digest", "no digest"))))
    return Section(title="Checkpoints", rows=tuple(rows), missing="" if rows else "the run recorded none")


def _metrics(run: Run) -> Section:
    rows = tuple((called(name, 80), shown(compact(value))) for name, value in sorted(run.metrics.items()))
    return Section(title="Metrics", rows=rows, missing="" if rows else "the run recorded none")
