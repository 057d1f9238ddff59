"""What a reader of a foreign record hands over, and the one way in which that becomes a run.

A reader says what it found, in the tracker's own words: config, command line, commit, series, how it ended. All that
holds for every tracker alike is decided here: which setting is the seed, what of the command line repeats the config,
which script ran, what an exit code means, and that what no tracker wrote down is unknown and never absent.
"""

import json
import os
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath, PureWindowsPath
from types import MappingProxyType
from typing import Any

from runaudit.errors import CanonicalError, RecordError
from runaudit.importers.base import Imported
from runaudit.importers.commandline import arguments, as_number, repeats
from runaudit.importers.curves import late_start
from runaudit.importers.kinds import CALLED
from runaudit.importers.seeds import Seed, find_seed, without_leaf
from runaudit.importers.sweeps import is_offered, is_sweep, without_switch
from runaudit.importers.tables import leaves
from runaudit.records.canonical import JSON
from runaudit.records.digest import digest_bytes
from runaudit.records.filenames import legible, spelt_out
from runaudit.records.manifest import START, UNLOGGED, UNTYPED, Manifest
from runaudit.records.outcome import STATUSES, Outcome
from runaudit.records.run import Run
from runaudit.records.seednames import names_the_seed
from runaudit.records.trajectory import Event, Trajectory, number
from runaudit.settings import ImportSettings
from runaudit.text.words import plural

INTERRUPTED = frozenset({130, 255, -2})
"""Exit codes of a program that Ctrl-C ended: a shell's, W&B's, Python's own word for the signal."""
KILLED = frozenset({137, 143, -9, -15})
"""Exit codes of a program that was told to go, or was not asked."""
Points = Sequence[tuple[int, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One run as its tracker tells of it. None, or a name that is absent: not in the record, and so unknown.

    kind: the word of `import`. source: the file or folder it was read from. run: the tracker's own id of it, or where
    it lies among its siblings. identity: what tells this launch from every other of this tracker, wherever its record
    lies; else it is the place where it lies. also: the same launch as other trackers call it, in the words of
    `origin.source`. writers: whose files it was read from, where that is not the kind alone: a tracker with two loggers
    has two. name: what its user called it. config: its settings, `{}` for a record that says that there were
    none. argv: the words behind `program`. overrides: settings as they were typed, `lr=0.1`, that are in the config
    already. code: commit, branch, remote, dirty, codePath. patch, files: texts. env, data, init,
    eval, launch: sections of a manifest (launch: started, hostname, cwd, run_dir, tracker_dir,
    executable). series: name -> (step,
    value).
    metrics: what it ended with; a series without one ends with its last value. status: a word of `Outcome`; else what
    `exit_code` means. told: what else the tracker says of the run, kept under `origin`, compared by nobody. own: the
    settings of the tracker itself, kept likewise. unknown: path -> why it is not in the record. notes: what was wrong
    with a part that could not be read.
    """

    kind: str
    source: str
    run: str
    identity: str = ""
    also: Sequence[str] = ()
    writers: frozenset[str] = frozenset()
    name: str | None = None
    config: Mapping[str, Any] | None = None
    program: str | None = None
    argv: Sequence[str] = ()
    overrides: Sequence[str] = ()
    seed: int | None = None
    code: Mapping[str, Any] = field(default_factory=dict)
    patch: str | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    env: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    init: Mapping[str, Any] = field(default_factory=dict)
    eval: Mapping[str, Any] = field(default_factory=dict)
    launch: Mapping[str, Any] = field(default_factory=dict)
    series: Mapping[str, Points] = field(default_factory=dict)
    events: Sequence[Event] = ()
    torn: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)
    status: str | None = None
    exit_code: int | None = None
    duration_s: float | None = None
    told: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, Any] = field(default_factory=dict)
    unknown: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()


_SURROGATE = "\\udc"
"""How JSON begins to write a byte that is not UTF-8, and some characters beyond 16 bits."""


def imported(draft: Draft, settings: ImportSettings) -> Imported:
    """The run that a draft tells of. Raises RecordError for what has no canonical form, with its place."""
    blobs: dict[str, bytes] = {}
    draft = replace(draft, series={spelt_out(name): points for name, points in draft.series.items()},
                    metrics={spelt_out(name): value for name, value in draft.metrics.items()})  # fmt: skip
    plain = json.dumps(_sections(draft, settings, blobs), default=str)
    body = json.loads(plain)
    # A folder's name need not be UTF-8, and a record holds text: what is none is spelt out.
    manifest = Manifest.of(spelt_out(body) if _SURROGATE in plain else body)
    try:
        manifest.raw  # noqa: B018  (what has no canonical form is refused here, with its place)
    except CanonicalError as error:
        raise RecordError(f"{draft.source}: {error.message}", remedy=error.remedy) from error
    run = Run(
        manifest=manifest,
        outcome=_outcome(draft, manifest),
        trajectory=_trajectory(draft),
        blobs=MappingProxyType(blobs),
        liveness="unknown",
    )
    return Imported(run=run, source=draft.source)


def _sections(draft: Draft, settings: ImportSettings, blobs: dict[str, bytes]) -> dict[str, Any]:
    words = arguments(without_switch(draft.argv), draft.config)
    # Who gave no other name to a run gave one to its folder.
    seed = find_seed(draft.config or {}, words, draft.name or draft.run, settings.seed, declared=draft.seed)
    found: dict[str, Any] = {"config": _config(draft, seed), "code": _code(draft, blobs)}
    found |= {name: _known(getattr(draft, name)) for name in ("env", "data", "init", "eval")}
    found["launch"] = _launch(draft)
    sections = {name: value for name, value in found.items() if value is not None}
    if seed is not None and not seed.guessed:
        sections["seed"] = seed.value
    reasons = {path: why for path, why in _reasons(draft, seed).items() if path != UNLOGGED}
    unknown = {path: why for path, why in reasons.items() if not _is_told(path, sections)}
    unknown |= _beyond_typed(draft) if "config" in sections else {}
    sources = [source_of(draft), *draft.also]
    origin = {"kind": draft.kind, "run": draft.run, "source": sources[0], **draft.told,
              **({"sources": sources} if len(sources) > 1 else {}),
              **({"settings": draft.own} if draft.own else {}),
              **({} if seed is None else {"seed_from": seed.path}),
              **({"note": "; ".join(notes)} if (notes := _notes(draft)) else {})}  # fmt: skip
    if ended(draft) is None and (metrics := _metrics(draft)):
        origin["metrics"] = metrics
    return {**sections, "label": draft.name or draft.run, "unknown": unknown, "origin": origin}


def _is_told(path: str, sections: Mapping[str, Any]) -> bool:
    """Whether a record holds what a reader gives a reason for: a section, or a fact in one. A setting or a script that
    stands beside its reason is known in part."""
    section, _, name = path.partition(".")
    table = {} if section == "config" or path == "code.program" else sections.get(section)
    return path in sections or (isinstance(table, Mapping) and table.get(name) is not None)


def source_of(draft: Draft) -> str:
    """Which launch this is a record of. A second import of it that holds more stands in the place of the first."""
    # A place is one, however it was named: by `..`, or through a link.
    return f"{draft.kind}:{draft.identity or legible(os.path.realpath(draft.source))}"


def _notes(draft: Draft) -> Sequence[str]:
    """What was wrong with a record. That something in it was torn is said of every one."""
    if draft.torn and not draft.notes:
        return (f"{plural(draft.torn, 'line')} of its files {'is' if draft.torn == 1 else 'are'} torn, and left out",)
    return draft.notes


def _known(section: Mapping[str, Any]) -> dict[str, Any] | None:
    return {key: value for key, value in section.items() if value is not None} or None


def _reasons(draft: Draft, seed: Seed | None) -> dict[str, str]:
    """Why each section is unknown, should it be, and what else the tracker left out."""
    hint = "no setting names it" if seed is None else f"only {seed.path} hints at it: {seed.value}"
    return {
        "config": _NONE,
        **dict.fromkeys(("env", "data", "init", "eval"), f"{CALLED.get(draft.kind, draft.kind)} does not record it"),
        **_no_start(draft),
        **draft.unknown,
        "seed": draft.unknown.get("seed", hint) if seed is None else hint,
    }


def _beyond_typed(draft: Draft) -> dict[str, str]:
    """Why no more of the settings is known than was typed, where a record has its command line and no config: defaults
    and files of settings are in neither, and a record without them is no record of a run without settings."""
    is_unlogged = UNLOGGED in draft.unknown and not (draft.config or {}).keys() - {"args"}
    if draft.config is not None and not is_unlogged:
        return {}
    return {UNLOGGED if is_unlogged else UNTYPED: _REASON.format(draft.unknown.get("config", _NONE))}


_NONE = "the record holds no config"
_REASON = "{}; of the settings the command line alone is on record"


def _no_start(draft: Draft) -> dict[str, str]:
    """Why it is unknown from where a training went on of which the beginning is not there."""
    if draft.init.get("kind") or (first := late_start(draft.series)) is None:
        return {}
    return {START: f"its numbers begin at step {first}, and what came before is not in the record: it may have gone on "
                   "from a checkpoint"}  # fmt: skip


def _config(draft: Draft, seed: Seed | None) -> dict[str, Any] | None:
    """The settings, and beside them what the command line says and they do not."""
    logged, own = dict(draft.config or {}), {name.replace("-", "_").lower() for name in draft.own}
    sweeps = is_sweep(draft.argv)
    extra = {name: value for name, value in arguments(without_switch(draft.argv), logged).items()
             if name.lower() not in own and not repeats(name, value, logged)
             and not (sweeps and is_offered(name, value, logged))}  # fmt: skip
    config = {**logged, **({"args": extra} if extra else {})}
    if seed is not None and not seed.guessed and not names_the_seed(seed.path):
        config = without_leaf(config, seed.path)  # A name that a policy alone knows for a seed would be a setting.
    return config if config or draft.config is not None else None


# ── code and launch ──────────────────────────────────────────────────────────────────────────────────────────────


def _code(draft: Draft, blobs: dict[str, bytes]) -> dict[str, Any]:
    code = {key: value for key, value in draft.code.items() if value is not None and key != "codePath"}
    if (program := _program(draft)) is not None:
        code["program"] = program
    if draft.patch is not None:
        code |= {"dirty": bool(draft.patch.strip()), "patch": None}
        if draft.patch.strip():
            code["patch"] = _kept(draft.patch.encode("utf-8", "backslashreplace"), blobs)
    if draft.files:
        code["files"] = {path: _kept(raw, blobs) for path, raw in draft.files.items()}
    return code


def _kept(raw: bytes, blobs: dict[str, bytes]) -> dict[str, Any]:
    digest = str(digest_bytes(raw))
    blobs[digest] = raw
    return {"digest": digest, "size": len(raw)}


def _program(draft: Draft) -> str | None:
    """The script as the work tree names it, so that one tree at two places runs one script, and two scripts of one
    name are two. Where it lay in no known folder its whole path is kept."""
    if inside := draft.code.get("codePath"):
        return posixpath.normpath(str(inside).replace("\\", "/"))
    if draft.program is None:
        return None
    windows = "\\" in draft.program or PureWindowsPath(draft.program).drive
    place = (PureWindowsPath if windows else PurePosixPath)(draft.program)
    for above in (draft.code.get("root"), draft.launch.get("cwd")):
        if isinstance(above, str) and above and place.is_relative_to(above):
            return place.relative_to(above).as_posix()
    return place.as_posix()


def _launch(draft: Draft) -> dict[str, Any] | None:
    argv = ([draft.program] if draft.program else []) + [str(word) for word in draft.argv]
    found = {**draft.launch, "argv": argv, "overrides": list(draft.overrides)}
    return {key: value for key, value in found.items() if value} or None


# ── what it logged and how it ended ──────────────────────────────────────────────────────────────────────────────


def _trajectory(draft: Draft) -> Trajectory:
    series = {name: tuple(points) for name, points in draft.series.items() if points}
    return Trajectory(series=MappingProxyType(series), events=tuple(draft.events), torn=draft.torn)


def _metrics(draft: Draft) -> dict[str, float]:
    """What the run ended with: what the tracker says of it, else the last value of a series."""
    last = {name: points[-1][1] for name, points in draft.series.items() if points}
    return {**last, **draft.metrics}


def ended(draft: Draft) -> str | None:
    """How the run ended; None where the record does not say: a summary is written all the time."""
    if draft.status is not None:
        assert draft.status in STATUSES, draft.status
        return draft.status
    if draft.exit_code is None:
        return None
    if draft.exit_code in INTERRUPTED | KILLED:
        return "killed"
    return "completed" if draft.exit_code == 0 else "crashed"


def _outcome(draft: Draft, manifest: Manifest) -> Outcome | None:
    status = ended(draft)
    if status is None:
        return None
    body: dict[str, JSON] = {"manifest": str(manifest.digest), "status": status, "metrics": dict(_metrics(draft))}
    if draft.exit_code is not None:
        body["exit_code"] = draft.exit_code
    if draft.duration_s is not None:
        body["duration_s"] = draft.duration_s
    return Outcome.of(body)


# ── what several readers need ────────────────────────────────────────────────────────────────────────────────────


def numbers(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """The numbers of a table of results by their dotted names; text and whatever else is left out."""
    yield from ((name, point) for name, value in leaves(table, prefix) if (point := number(value)) is not None)


def typed(text: str) -> JSON:
    """A setting that a tracker keeps as text, as what it was: a number, true or false, nothing, else the text."""
    return _WORDS[text] if text in _WORDS else as_number(text)


_WORDS: Mapping[str, JSON] = {"True": True, "False": False, "true": True, "false": False, "None": None, "null": None}
