"""A launch: everything that goes into a run, captured into a draft that the guard may judge, then sealed.

Between the two nothing has started: a refused draft leaves objects nobody names, and no launch in the log.
"""

import os
import platform
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from runaudit.capture.config import plain_config
from runaudit.capture.dataset import capture_dataset
from runaudit.capture.environment import capture_environment, project_siblings
from runaudit.capture.git import capture_code
from runaudit.capture.gitprocess import work_tree
from runaudit.capture.redact import Redactor, redaction_key
from runaudit.capture.source import Limits
from runaudit.errors import CaptureError
from runaudit.records.canonical import JSON, thawed
from runaudit.records.manifest import Manifest
from runaudit.store.catalogue import resolve, run_ids
from runaudit.store.store import Store

ABSENT: Any = type("Absent", (), {"__repr__": lambda self: "ABSENT", "__bool__": lambda self: False})()
"""Not given, hence unknown. None means: known to be none."""

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchRequest:
    """What the caller says about a launch; the rest is captured.

    `config` is a mapping, a dataclass, a namespace, a file, or several files of which later ones win. `data` names
    folders, files, or finished entries. `init` is a kind or `{kind, checkpoint, parent}`. `extra` holds further
    sections as they are. `config_files` are the files `config` was read from: a change of one changes the config, and
    not the code besides. `siblings` None: found in the interpreter's editable installs and search path.
    """

    label: str | None = None
    seed: Any = ABSENT
    config: Any = ABSENT
    config_files: tuple[Path, ...] = ()
    data: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    data_facts: Mapping[str, Mapping[str, JSON]] = field(default_factory=lambda: _NOTHING)
    init: str | Mapping[str, JSON] | None = None
    evaluation: Mapping[str, JSON] | None = None
    intent: tuple[str, ...] = ()
    bundles: tuple[str, ...] = ()
    waivers: tuple[Mapping[str, JSON], ...] = ()
    argv: tuple[str, ...] = ()
    root: Path = field(default_factory=Path.cwd)
    seed_proof: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    siblings: tuple[Path, ...] | None = None
    extra: Mapping[str, JSON] = field(default_factory=lambda: _NOTHING)


def open_store(root: Path) -> Store:
    """The store at `root`, made if need be, with a `.gitignore` of its own: a record is no part of the code."""
    store = Store.create(root)
    ignore = root / ".gitignore"
    if not ignore.exists():
        try:
            ignore.write_text("*\n")
        except OSError as error:
            raise CaptureError(
                f"{ignore} cannot be written: {error.strerror}", remedy="mend the store's permissions"
            ) from error
    return store


def redactor_of(store: Store, *, environ: Mapping[str, str], argv: Sequence[str] = (), config: JSON = None) -> Redactor:
    """The store's redactor, primed with the secrets of this process."""
    redactor = Redactor(redaction_key(store.root), memory=store.root / "cache")
    redactor.prime(environ, argv, config)
    return redactor


def draft_manifest(
    request: LaunchRequest, store: Store, *, environ: Mapping[str, str] = os.environ, now: float | None = None
) -> Manifest:
    """Everything that goes into the run, secrets replaced; sources and patches are in the store, nothing is sealed.

    Raises CaptureError, CanonicalError or UsageError naming what cannot be recorded.
    """
    config = ABSENT if request.config is ABSENT else plain_config(request.config)
    argv = request.argv or tuple(sys.orig_argv)
    redactor = redactor_of(store, environ=environ, argv=argv, config={} if config is ABSENT else config)
    environment, unknown = capture_environment(environ)
    sections: dict[str, JSON] = {
        "code": _code(request, store, redactor, Limits.of(environ)),
        "data": {name: _data(request, name, store) for name in sorted(request.data)},
        "env": redactor.tree(environment),
        "launch": _launch(request, redactor.argv(argv), environ, time.time() if now is None else now),
        "origin": {"kind": "captured"},
        "unknown": unknown,
    }
    if request.label is not None:
        sections["label"] = redactor.text(request.label)
    if request.seed is not ABSENT:
        sections["seed"] = request.seed
    if config is not ABSENT:
        sections["config"] = redactor.tree(config)
    sections |= redactor.tree(_declared(request, store))
    redactor.remember()
    return Manifest.of({**sections, **redactor.tree(thawed(request.extra))})


def _declared(request: LaunchRequest, store: Store) -> dict[str, JSON]:
    """What the caller declared and nothing can capture; what was not declared stays unknown."""
    sections: dict[str, JSON] = {}
    if request.init is not None:
        sections["init"] = _init(request.init, store)
    if request.evaluation is not None:
        sections["eval"] = thawed(request.evaluation)
    if request.seed_proof:
        sections["seed_proof"] = dict(request.seed_proof)
    for name in ("intent", "bundles", "waivers"):
        if given := getattr(request, name):
            sections[name] = thawed(given)
    return sections


def _init(init: str | Mapping[str, JSON], store: Store) -> dict[str, JSON]:
    """Where the weights came from. A resumed run is a child: its parent must be a launch of this store."""
    given = {"kind": init} if isinstance(init, str) else dict(init)
    found: dict[str, JSON] = {"checkpoint": None, "parent": None} | given
    if found.get("kind") not in ("random", "resume", "checkpoint"):
        raise CaptureError(f"init.kind is {found.get('kind')!r}", remedy="use random, resume or checkpoint")
    if found["kind"] == "resume" and not found["parent"]:
        raise CaptureError("a resumed run names no parent", remedy="give init={'kind': 'resume', 'parent': RUN, …}")
    if found["parent"] is not None and found["parent"] not in run_ids(store):
        (found["parent"],) = resolve(store, str(found["parent"]))[:1]
    return found


def _code(request: LaunchRequest, store: Store, redactor: Redactor, limits: Limits) -> dict[str, JSON]:
    root = work_tree(request.root.absolute()) or request.root.absolute()
    siblings = project_siblings(root) if request.siblings is None else request.siblings
    return capture_code(
        root, store.put, has=store.has, limits=limits, redactor=redactor, exclude=(store.root,), siblings=siblings
    )


def _data(request: LaunchRequest, name: str, store: Store) -> dict[str, JSON]:
    value = request.data[name]
    facts = request.data_facts.get(name, _NOTHING)
    if isinstance(value, Mapping):
        return {**thawed(value), **thawed(facts)}
    return capture_dataset(Path(value), cache=store.root / "cache", facts=facts)


def _launch(request: LaunchRequest, argv: list[str], environ: Mapping[str, str], now: float) -> dict[str, JSON]:
    ranks = ("RANK", "LOCAL_RANK", "SLURM_JOB_ID", "SLURM_PROCID", "SLURM_NODELIST", "TORCHELASTIC_RUN_ID")
    return {
        "started": utc_text(now),
        "hostname": socket.gethostname(),
        "kernel": platform.release(),
        "cpu_count": os.cpu_count(),
        "pid": os.getpid(),
        # The operating system's randomness: the generators of the program under test are not touched.
        "nonce": os.urandom(8).hex(),
        "argv": argv,
        "cwd": str(request.root.absolute()),
        "config_files": [_within(path, request.root) for path in request.config_files],
        "job": {name: environ[name] for name in ranks if name in environ},
    }


def _within(path: Path, root: Path) -> str:
    """A file's path in the work tree, as the tree of sources names it; outside of it, where it lies."""
    top = (work_tree(root.absolute()) or root.absolute()).resolve()
    there = path.resolve()
    return there.relative_to(top).as_posix() if there.is_relative_to(top) else str(there)


def seal(
    store: Store, manifest: Manifest, *, environ: Mapping[str, str] = os.environ, now: float | None = None
) -> Manifest:
    """Seal a draft, count its launch, make its folders. From here on the run has happened.

    Raises CaptureError where a secret is still in the record: the last look before it is kept for good.
    """
    redactor = redactor_of(store, environ=environ)
    if leaks := redactor.leaks(manifest.to_json()):
        raise CaptureError(
            f"a secret would be sealed at {', '.join(leaks[:5])}", remedy="take it out of what the launch was given"
        )
    store.seal_manifest(manifest, time=utc_text(time.time() if now is None else now))
    store.run_dir(manifest.id).mkdir(parents=True, exist_ok=True)
    store.live_dir(manifest.id).mkdir(parents=True, exist_ok=True)
    return manifest


def child_environ(store: Store, manifest: Manifest) -> dict[str, str]:
    """What a command is given so that its `record()` adopts this launch instead of making a second."""
    return {
        "RUNAUDIT_RUN": str(store.run_dir(manifest.id).absolute()),
        "RUNAUDIT_MANIFEST": str(manifest.digest),
        "RUNAUDIT_STORE": str(store.root.absolute()),
    }


def amended(manifest: Manifest, **sections: JSON) -> Manifest:
    """A draft with sections replaced: what a guard adds (waivers, intent) before the seal. Never a sealed record."""
    return Manifest.of({**manifest.to_json(), **sections})


def utc_text(moment: float) -> str:
    """Seconds since the epoch as UTC ISO 8601 with microseconds."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


__all__ = ["ABSENT", "LaunchRequest", "amended", "child_environ", "draft_manifest", "open_store", "seal"]
