"""A launch from request to verdict: draft the manifest, gather the facts, ask the rules, and only then seal.

A refused draft leaves nothing in the log. A waiver is written into the manifest before it is sealed, so that whoever
reads the record later reads it too.
"""

import contextlib
import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runaudit.capture.draft import LaunchRequest, amended, draft_manifest, seal
from runaudit.capture.git import git_state
from runaudit.capture.outputs import Outputs
from runaudit.capture.source import is_installed
from runaudit.capture.telling import keeps_secrets
from runaudit.errors import CaptureError, IntegrityError, UsageError
from runaudit.guard.answer import GuardAnswer, judge, not_recordable
from runaudit.guard.facts import Compare, Surroundings, TextNumber, launch_facts
from runaudit.guard.invocation import Invocation
from runaudit.guard.lint.facts import Facts, lint_facts
from runaudit.guard.lint.looks import look_at
from runaudit.guard.lint.reading import written_code
from runaudit.guard.rulebook import launch_rules
from runaudit.guard.waiver import Waiver, parse_waivers
from runaudit.records.canonical import canonical_bytes
from runaudit.records.digest import digest_bytes
from runaudit.records.filenames import on_disk
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome
from runaudit.records.run import SHORT, Run
from runaudit.records.told import with_told
from runaudit.records.yamlevents import read_as_text
from runaudit.rules import Rule
from runaudit.runs.parent import known_init
from runaudit.settings import Settings
from runaudit.store import Store
from runaudit.store.catalogue import outcome_entry, with_parent
from runaudit.store.held import HeldStore
from runaudit.store.tombstone import ForgottenError
from runaudit.system.files import read_ordinary
from runaudit.text.likeness import skeleton

if TYPE_CHECKING:
    from runaudit.diff import Comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A judged draft. `manifest` holds the waivers already; None where no record could be made. `store` is where it was
    drafted, which holds its contents back."""

    manifest: Manifest | None
    answer: GuardAnswer
    store: Store

    def sealed(self, *, environ: Mapping[str, str] = os.environ) -> Manifest:
        """Seal it and count the launch. Raises GuardRefusedError with every finding where the guard said no."""
        if not self.answer.allowed or self.manifest is None:
            raise self.answer.error()
        return seal(self.store, self.manifest, environ=environ)


def prepare(
    request: LaunchRequest,
    store: Store,
    *,
    settings: Settings | None = None,
    baseline: str | None = None,
    waive: tuple[str, ...] = (),
    call: Invocation | None = None,
    environ: Mapping[str, str] = os.environ,
    beside: tuple[Run, ...] = (),
) -> Prepared:
    """Draft the manifest of a launch and ask every rule. Seals nothing.

    `baseline` names a run that this one is to be held against, `waive` are `RULE=REASON[:DAY]`; `beside` are launches
    that are planned with this one. Raises UsageError for a baseline or a waiver that cannot be understood.
    """
    terms = Terms.of(store, settings=settings, baseline=baseline, waive=waive, seed=request.seed, call=call)
    init = known_init(request.init, store, terms.settings)
    request = replace(request, init=init, policy=settings or request.policy)
    started, held = time.time_ns(), HeldStore(store)
    try:
        draft = draft_manifest(_with_empty_named(request), held, environ=environ)
        return judge_draft(draft, held, terms, root=request.root, since_ns=started, environ=environ, beside=beside)
    except CaptureError as failure:
        facts = not_recordable(failure, terms.rules)
        answer = judge(facts, waivers=terms.waivers, today=terms.today, rules=terms.rules)
        return Prepared(manifest=None, answer=answer, store=held)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a draft is judged by. Made before it is captured, so that a typing slip costs no second."""

    settings: Settings
    waivers: tuple[Waiver, ...]
    baseline: Run | None
    call: Invocation | None
    today: date
    rules: tuple[Rule, ...]

    @classmethod
    def of(
        cls,
        store: Store,
        *,
        settings: Settings | None = None,
        baseline: str | None = None,
        waive: tuple[str, ...] = (),
        seed: Any = None,
        call: Invocation | None = None,
    ) -> "Terms":
        """The terms in the user's words, understood. Raises UsageError."""
        settings = settings or Settings()
        rules = launch_rules(settings.rules)
        return cls(
            settings=settings,
            rules=rules,
            waivers=parse_waivers(waive, rules),
            baseline=_baseline(store, baseline, settings, seed),
            call=call,
            today=datetime.now(UTC).date(),
        )


def judge_draft(
    draft: Manifest,
    store: Store,
    terms: Terms,
    *,
    root: Path,
    since_ns: int,
    environ: Mapping[str, str] = os.environ,
    beside: tuple[Run, ...] = (),
) -> Prepared:
    """Ask every rule about a draft that was captured from `root` since `since_ns`, and write the waivers into it.
    beside: launches that are planned with it, and count as history though nothing of them is sealed."""
    history, damaged = _related(store, draft)
    top = Path(str(draft.section("launch").get("top") or root))
    around = _surroundings(top, draft, store, environ=environ, since_ns=since_ns)
    facts = launch_facts(
        draft,
        replace(around, damaged=damaged, blobs=store.blobs),
        history=(*history, *beside),
        baseline=terms.baseline,
        policy=terms.settings.guard,
        compare=_compare_by(store, terms.settings, draft.intent),
        call=terms.call,
    )
    written = written_code(draft, store.blobs, store.root / "cache")
    data = {name: entry for name, entry in draft.section("data").items() if isinstance(entry, Mapping)}
    makers = lint_facts(draft, written, baseline=terms.baseline, look=lambda: look_at(data, store.root / "cache"))
    every = Facts(facts, makers)
    answer = judge(every, waivers=terms.waivers, today=terms.today, rules=terms.rules)
    return Prepared(manifest=_with_waivers(draft, answer, root, top), answer=answer, store=store)


def _compare_by(store: Store, settings: Settings, intent: tuple[str, ...]) -> Compare:
    def compared(a: Run, b: Run) -> "Comparison":
        # Most launches have neither baseline nor namesake, and the import is half of what the guard would cost them.
        from runaudit.diff.comparison import compare_designs

        # A start is compared by what its parent was, as in every answer after the launch.
        return compare_designs(*(with_parent(store, run) for run in (a, b)), settings=settings, intent=intent)

    return compared


def _with_waivers(draft: Manifest, answer: GuardAnswer, root: Path, top: Path) -> Manifest:
    # Where in the tree the command starts: a restored copy lies elsewhere, and must start in the same folder of it.
    start = root.absolute()
    prefix = start.relative_to(top).as_posix() if start.is_relative_to(top) else "."
    launch = dict(draft.section("launch")) | {"prefix": prefix}
    if answer.warned:
        launch["lint"] = list(answer.warned)
    given = [dict(waiver) for waiver in draft.waivers]
    return amended(draft, launch=launch, waivers=[*given, *answer.sealed_waivers()])


def _with_empty_named(request: LaunchRequest) -> LaunchRequest:
    """An empty folder has no identity to capture, but a rule that can say so in the guard's words."""
    data: dict[str, Any] = dict(request.data)
    for name, value in data.items():
        if isinstance(value, str | Path) and _is_empty(Path(value)):
            data[name] = {"path": str(Path(value).absolute()), "digest": None, "files": 0, "bytes": 0}
    return replace(request, data=data)


def _is_empty(path: Path) -> bool:
    if path.is_file():
        return path.stat().st_size == 0
    return path.is_dir() and not any(entry for entry in path.rglob("*") if not entry.is_dir())


# ── what the draft does not say ──────────────────────────────────────────────────────────────────────────────────


def _surroundings(
    top: Path, draft: Manifest, store: Store, *, environ: Mapping[str, str], since_ns: int
) -> Surroundings:
    code = draft.section("code")
    files = code.get("files") or {}
    outputs = Outputs(store, top)
    changed = _edits(top, code, store)
    left = (
        *(path for path in changed if outputs.wrote(path)),
        *map(str, draft.section("launch").get("outputs") or ()),
    )
    return Surroundings(
        root=str(top),
        changed=tuple(path for path in changed if path not in left),
        siblings=draft.section("launch").get("siblings") or {},
        sources=lambda: _python_sources(top, files),
        hash_seed=environ.get("PYTHONHASHSEED"),
        moved=changed_files(top, files, since_ns=since_ns),
        outputs=left,
        keepers=() if code.get("commit") else tuple(secret_keepers(top)),
        touched=outputs.touched,
        read_as_text=tuple(_read_as_text(top, draft)),
    )


MAX_LOOKED_AT = 20_000
"""Files of a tree without a commit that are looked at by name: it may be somebody's home."""


def secret_keepers(top: Path) -> Iterator[str]:
    """The files below `top` that are there to keep secrets, of a tree that git does not know yet."""
    seen = 0
    for here, folders, names in os.walk(top):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and not is_installed(name))
        inner = os.path.relpath(here, top)
        yield from (name if inner == "." else f"{inner}/{name}" for name in sorted(names) if keeps_secrets(name))
        if (seen := seen + len(names)) > MAX_LOOKED_AT:
            return


def _read_as_text(top: Path, draft: Manifest) -> Iterator[TextNumber]:
    for path in map(str, draft.section("launch").get("config_files") or ()):
        if path.lower().endswith((".yaml", ".yml")):
            with contextlib.suppress(OSError):
                for line, text in read_as_text(read_ordinary(top / on_disk(path))):
                    yield TextNumber(file=path, line=line, text=text)


def _edits(top: Path, code: Mapping[str, Any], store: Store) -> tuple[str, ...]:
    """The tracked files that differ from the commit. A tree that was captured clean is not asked again: git would be a
    third of what a launch costs."""
    if code.get("vcs") != "git" or (code.get("patch") is None and code.get("commit") and not code.get("dirty")):
        return ()
    state = git_state(top, exclude=(store.root.absolute(),))
    return state.changed if state else ()


def _python_sources(top: Path, files: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    for path in files:
        if path.endswith(".py"):
            # Plain strings: building 1,400 path objects takes longer than reading the files.
            with contextlib.suppress(OSError):
                yield path, read_ordinary(f"{top}{os.sep}{on_disk(path)}")


def changed_files(top: Path, files: Mapping[str, Any], *, since_ns: int) -> tuple[str, ...]:
    """The recorded files whose content is no longer what was recorded, among those stamped at or after `since_ns`.

    A file that holds a redacted secret cannot be compared by digest, so its stamp alone counts.
    """
    return tuple(path for path, entry in files.items() if _changed(f"{top}{os.sep}{on_disk(path)}", entry, since_ns))


def _changed(name: str, entry: Mapping[str, Any], since_ns: int) -> bool:
    try:
        facts = os.lstat(name)
        if max(facts.st_mtime_ns, facts.st_ctime_ns) < since_ns:
            return False
        if entry.get("redacted"):
            return True
        path = Path(name)
        data = os.fsencode(path.readlink()) if path.is_symlink() else read_ordinary(path)
    except OSError:
        return True
    return str(digest_bytes(data)) != str(entry["digest"])


_LABEL = re.compile(rb'"label":("(?:[^"\\]|\\.)*")')
MAX_NAMESAKES = 16
"""Earlier runs of one label that are looked at, the newest. Whatever came before them was held against those before."""


def _related(store: Store, draft: Manifest) -> tuple[tuple[Run, ...], tuple[str, ...]]:
    """The earlier runs that share the label, and the newest that read each dataset's path, oldest first; and the short
    ids of damaged records.

    Sealed bytes are canonical, so a path that occurs in a record occurs in it letter for letter, and a label as a text
    of JSON: the others need not be parsed, which would cost 20 ms for each that holds 1,400 files.
    """
    label = skeleton(draft.label) if draft.label else None
    datasets = [one for one in draft.section("data").values() if isinstance(one, Mapping)]
    paths = {b'"path":' + canonical_bytes(one["path"]) for one in datasets if one.get("path")}
    found: list[Run] = []
    damaged: list[str] = []
    namesakes = 0
    for entry in reversed([e for e in store.entries() if e.kind == "manifest"]):
        try:
            raw = store.read(entry.digest)
        except ForgottenError:
            continue  # What it was is not known any more.
        except IntegrityError:
            damaged.append(entry.digest.hex[:SHORT])
            continue
        same_label = label is not None and namesakes < MAX_NAMESAKES and label in _labels(raw)
        same_data = {path for path in paths if path in raw}
        if same_label or same_data:
            manifest = Manifest.from_bytes(raw, where=f"manifest {entry.digest.hex[:SHORT]}")
            outcome = _outcome(store, entry.digest.hex)
            manifest = with_told(manifest, outcome.section("told")) if outcome else manifest
            found.append(Run(manifest=manifest, outcome=outcome, blobs=store.blobs))
            namesakes += same_label
            paths -= same_data
    return tuple(reversed(found)), tuple(damaged)


def _labels(raw: bytes) -> set[str]:
    """What is labelled in sealed bytes, as it reads."""
    return {skeleton(json.loads(text)) for text in set(_LABEL.findall(raw))}


def _outcome(store: Store, run: str) -> Outcome | None:
    """How an earlier run ended, where it says so: what it was seen to use is part of it."""
    entry = outcome_entry(store, run)
    with contextlib.suppress(IntegrityError, ForgottenError):
        return Outcome.from_bytes(store.read(entry.digest), where=f"outcome of {run[:SHORT]}") if entry else None
    return None


def _baseline(store: Store, word: str | None, settings: Settings, seed: Any) -> Run | None:
    """The run that was named, else the one the policy names; of several seeds under a label the one with this seed.

    A policy's baseline that has not been run yet is no error: somebody has to run it first.
    """
    wanted = word or settings.guard.baseline
    if wanted is None:
        return None
    # Most launches have no baseline, and what reads names is a part of what the guard would cost them.
    from runaudit.runs.names import baseline_named

    try:
        return baseline_named(store, settings, wanted, seed=_plain_seed(seed))
    except UsageError:
        if word is None:
            return None
        raise


def _plain_seed(seed: Any) -> Any:
    return seed if isinstance(seed, int | str) and not isinstance(seed, bool) else None


__all__ = ["Prepared", "Waiver", "changed_files", "prepare"]
