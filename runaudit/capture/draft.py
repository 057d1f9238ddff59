"""A launch: everything that goes into a run, captured into a draft that the guard may judge, then sealed.

Between the two nothing has started: a refused draft leaves no launch in the log, and nothing in a store that holds
contents back until then (`store.held`).
"""

import contextlib
import logging
import os
import platform
import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from runaudit.capture.config import merge, plain_config
from runaudit.capture.dataset import capture_dataset
from runaudit.capture.environment import capture_environment, project_siblings
from runaudit.capture.git import capture_code, sibling_names
from runaudit.capture.interpreter import Interpreter, interpreter_of, this_interpreter
from runaudit.capture.outputs import Outputs
from runaudit.capture.program import Program, launcher_of, module_file, program_of
from runaudit.capture.redact import Redactor, redaction_key
from runaudit.capture.source import Limits, is_installed
from runaudit.capture.spoken_config import spoken_config
from runaudit.errors import CaptureError, ConfigError, IntegrityError, RunauditError
from runaudit.factors.inforce import sealed_rules
from runaudit.records.canonical import JSON, thawed
from runaudit.records.digest import Digest
from runaudit.records.filenames import legible
from runaudit.records.manifest import Manifest
from runaudit.settings import Settings, load_settings
from runaudit.store.catalogue import run_ids
from runaudit.store.kept import KEY_FILE
from runaudit.store.keymark import key_fault, sealed_mark
from runaudit.store.mine import mark
from runaudit.store.room import require_room
from runaudit.store.store import Store
from runaudit.system.clock import utc_text
from runaudit.system.git import work_tree

# By its name it is one and the same in every process that a request is handed to.
_ALIKE = {"__repr__": lambda self: "ABSENT", "__reduce__": lambda self: "ABSENT"}
ABSENT: Any = type("Absent", (), {**_ALIKE, "__bool__": lambda self: False})()
"""Not given, hence unknown. None means: known to be none."""

SAID_LATE = ("waivers", "intent", "bundles")
"""What a guard adds to a draft, in the words of whoever typed it."""
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchRequest:
    """What the caller says about a launch; the rest is captured.

    `config` is a mapping, a dataclass, a namespace, a file, or several files of which later ones win. `data` names
    folders, files, or finished entries. `init` is a kind or `{kind, checkpoint, parent}`. `extra` holds further
    sections as they are, laid on top of those that are captured. `config_files` are the files `config` was read from: a
    change of one changes the config, and not the code besides. `siblings` None: found in the interpreter's editable
    installs and search path. `root` is where the program starts; its code lies in the work tree of its script. Without
    `argv` this process is the program; None: the command is not known yet. is_own: this process is the program whatever
    command it names, as a job of a sweep does. `policy`: the one that holds for it; None: that beside the store.
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
    argv: tuple[str, ...] | None = ()
    is_own: bool = False
    root: Path = field(default_factory=Path.cwd)
    seed_proof: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    siblings: tuple[Path, ...] | None = None
    policy: Settings | None = None
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
                f"{ignore} cannot be written: {error.strerror}", remedy="fix the store's permissions"
            ) from error
    return store


def redactor_of(
    store: Store,
    *,
    environ: Mapping[str, str],
    argv: Sequence[str] = (),
    config: JSON = None,
    manifest: Manifest | None = None,
) -> Redactor:
    """The store's redactor, primed with the secrets of this process; of a launch with those that it had, by their
    marks, though they stand in no environment any more."""
    redactor = Redactor(redaction_key(store.root), memory=store.root / "cache")
    redactor.prime(environ, argv, config)
    if manifest is not None:
        redactor.recall(manifest.raw, *_redacted_sources(store, manifest))
    return redactor


def _redacted_sources(store: Store, manifest: Manifest) -> Iterator[bytes]:
    """What is kept of the launch's sources that held a secret."""
    code = manifest.section("code")
    patch = code.get("patch")
    for entry in (*(code.get("files") or {}).values(), *([patch] if isinstance(patch, Mapping) else [])):
        if isinstance(entry, Mapping) and entry.get("redacted"):
            with contextlib.suppress(RunauditError):
                yield store.read(Digest.parse(str(entry["digest"])))


def draft_manifest(
    request: LaunchRequest, store: Store, *, environ: Mapping[str, str] = os.environ, now: float | None = None
) -> Manifest:
    """Everything that goes into the run, secrets replaced; sources and patches are in the store, nothing is sealed.

    Raises CaptureError, CanonicalError or UsageError naming what cannot be recorded.
    """
    # What changes from here on has changed while the run ran: data can take minutes to be read.
    started = time.time() if now is None else now
    config = ABSENT if request.config is ABSENT else plain_config(request.config)
    argv = () if request.argv is None else request.argv or tuple(sys.orig_argv)
    if not request.config_files:
        request = replace(request, config_files=spoken_config(argv, request.root, config))
    said: JSON = [request.label, thawed(request.extra), thawed(request.waivers), thawed(request.evaluation or {})]
    given = {} if config is ABSENT else config
    redactor = redactor_of(store, environ=environ, argv=argv, config=[given, *said])
    place = whereabouts(request, cache=store.root / "cache", environ=environ)
    environment, unknown = capture_environment(environ, interpreter=place.interpreter, reason=place.reason)
    environment |= launcher_of(argv)
    siblings, outputs = _siblings(request, place), Outputs(store, place.top, own=request.is_own or request.argv == ())
    sections: dict[str, JSON] = {
        "code": _code(place, siblings, store, redactor, Limits.of(environ), outputs),
        "data": {name: data_entry(request, name, store) for name in sorted(request.data)},
        "env": redactor.tree(environment),
        "launch": {
            **_launch(request, place, siblings, redactor.argv(argv), environ, started),
            **redactor.tree(_in_force(request, store)),
            "marking": sealed_mark(store, redaction_key(store.root)),
        },
        "origin": {"kind": "captured"},
        "unknown": unknown,
    }
    if outputs.found:
        sections["launch"] |= {"outputs": sorted(map(legible, outputs.found))}
    if request.label is not None:
        sections["label"] = redactor.said(request.label)
    if request.seed is not ABSENT:
        sections["seed"] = request.seed
    if config is not ABSENT:
        sections["config"] = redactor.tree(config)
    sections |= redactor.tree(declared(request, store))
    redactor.remember()
    return Manifest.of(redactor.sealable(merge(sections, redactor.tree(thawed(request.extra)))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """Where a program's code lies and what it runs on. `top` is the root of its script's work tree."""

    top: Path
    script: Path | None = None
    interpreter: Interpreter | None = None
    reason: str = ""


def whereabouts(request: LaunchRequest, *, cache: Path | None, environ: Mapping[str, str] = os.environ) -> Whereabouts:
    """The script of a launch, its work tree, and the interpreter that the command runs on."""
    root = request.root.absolute()
    if not request.argv:
        script = _own_script()
        return Whereabouts(top=code_top(script, root), script=script, interpreter=this_interpreter())
    program = program_of(request.argv, cwd=root, environ=environ)
    if program.python is None and request.argv[0].endswith(".py"):
        # The words of `sys.argv`: this process is the program, and the first word its script.
        script = root / request.argv[0]
        return Whereabouts(top=code_top(script, root), script=script, interpreter=this_interpreter())
    interpreter, reason = interpreter_of(program, cwd=root, environ=environ, cache=cache)
    script = _script(program, interpreter)
    return Whereabouts(top=code_top(script, root), script=script, interpreter=interpreter, reason=reason)


def _script(program: Program, interpreter: Interpreter | None) -> Path | None:
    """The file that runs; nothing where it is an installed tool, whose version says what it is."""
    found = program.script
    if found is None and program.kind == "module" and interpreter is not None:
        found = module_file(program.target, interpreter.folders)
    return None if found is None or _is_tool(found) else found


def _own_script() -> Path | None:
    name = getattr(sys.modules.get("__main__"), "__file__", None)
    found = Path(name).absolute() if isinstance(name, str) else None
    return None if found is None or _is_tool(found) else found


def _is_tool(path: Path) -> bool:
    """Whether a file belongs to an installation: of a package, of Python, a script beside an interpreter."""
    return (
        is_installed(path.as_posix())
        or Path(os.__file__).parent in path.parents
        or (path.parent / "python").exists()
        or (path.parent / "python3").exists()
    )


def code_top(script: Path | None, root: Path) -> Path:
    """The root of the work tree that a script lies in; outside of git the folder that holds the program.

    A submodule is part of the tree around it. A link into another tree is code of the tree that it lies in.
    """
    around = work_tree(root)
    if script is None:
        return around or root
    inner = work_tree(script.parent) or (work_tree(script.resolve().parent) if script.is_symlink() else None)
    if inner is None:
        return root if root == script.parent or root in script.parents else script.resolve().parent
    return around if around is not None and around in inner.parents and (inner / ".git").is_file() else inner


def declared(request: LaunchRequest, store: Store) -> dict[str, JSON]:
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
        raise CaptureError(f"init.parent {found['parent']!r} is no run of this store", remedy="give a run's whole id")
    return found


def _siblings(request: LaunchRequest, place: Whereabouts) -> tuple[Path, ...]:
    if request.siblings is not None:
        return request.siblings
    # An interpreter that could not be asked may import anything; what it did import is seen while it runs.
    return project_siblings(place.top, place.interpreter) if place.interpreter else ()


def _code(
    place: Whereabouts,
    siblings: tuple[Path, ...],
    store: Store,
    redactor: Redactor,
    limits: Limits,
    outputs: Outputs,
) -> dict[str, JSON]:
    found = capture_code(
        place.top, store.put, has=store.keeps, limits=limits, redactor=redactor, exclude=(store.root,),
        siblings=siblings, is_output=outputs.wrote,
    )  # fmt: skip
    for path in found["files"]:
        if (said := redactor.text(path)) != path:
            # Under another name it could neither be restored nor be held against what lies there when the run ends.
            raise CaptureError(f"the name of the file {said} holds a secret", remedy="give the file another name")
    return found


def data_entry(request: LaunchRequest, name: str, store: Store) -> dict[str, JSON]:
    """A data set as it lies there now, or as the caller says that it is."""
    value = request.data[name]
    facts = request.data_facts.get(name, _NOTHING)
    if isinstance(value, Mapping):
        return {**thawed(value), **thawed(facts)}
    return capture_dataset(Path(value), cache=store.root / "cache", facts=facts)


def _launch(
    request: LaunchRequest,
    place: Whereabouts,
    siblings: tuple[Path, ...],
    argv: list[str],
    environ: Mapping[str, str],
    now: float,
) -> dict[str, JSON]:
    given = sorted(name for name, value in request.data.items() if isinstance(value, Mapping))
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
        "top": str(place.top),
        "script": None if place.script is None else _within(place.script, place.top),
        "config_files": config_places(request.config_files, request.root, place.top),
        "job": {name: environ[name] for name in ranks if name in environ},
        **({"siblings": {name: str(path) for name, path in sibling_names(siblings).items()}} if siblings else {}),
        **({"data_given": given} if given else {}),
    }


def config_places(files: Sequence[Path], root: Path, top: Path) -> list[str]:
    """The files that a config was read from, as the tree of sources names them."""
    return [_within(_standing(root / path, path), top) for path in files]


def _in_force(request: LaunchRequest, store: Store) -> dict[str, JSON]:
    """The policy that this launch is made under, so that later rules are known to be later. One that cannot be
    understood is refused by whoever judges by it, and stops no training."""
    try:
        return {"policy": sealed_rules(request.policy or load_settings(store.root))}
    except ConfigError:
        return {}


def _within(path: Path, top: Path) -> str:
    """A file's path in the work tree, as the tree of sources names it; outside of it, where it lies."""
    there = Path(os.path.normpath(path.absolute()))
    if not there.is_relative_to(top):
        there, top = path.resolve(), top.resolve()
    return there.relative_to(top).as_posix() if there.is_relative_to(top) else str(there)


def _standing(*places: Path) -> Path:
    return next((place for place in places if place.exists()), places[-1])


def seal(
    store: Store, manifest: Manifest, *, environ: Mapping[str, str] = os.environ, now: float | None = None
) -> Manifest:
    """Seal a draft, count its launch, make its folders. From here on the run has happened.

    Raises CaptureError where a secret is still in the record: the last look before it is kept for good; StoreError,
    before anything is counted, where the disk has no room for a launch.
    """
    redactor = redactor_of(store, environ=environ, manifest=manifest)
    said = {name: thawed(manifest.body[name]) for name in SAID_LATE if name in manifest.body}
    if (clean := redactor.tree(said)) != said:
        manifest = amended(manifest, **clean)
    if leaks := redactor.leaks(manifest.to_json()):
        raise CaptureError(
            f"a secret would be sealed at {', '.join(leaks[:5])}", remedy="take it out of what the launch was given"
        )
    require_room(store)
    with contextlib.suppress(IntegrityError):  # What is damaged there, sealing itself tells.
        if fault := key_fault(store):
            logging.getLogger("runaudit").warning("runaudit: %s %s; restore it from a backup", KEY_FILE, fault)
    store.settle()
    store.seal_manifest(manifest, time=utc_text(time.time() if now is None else now))
    store.run_dir(manifest.id).mkdir(parents=True, exist_ok=True)
    store.live_dir(manifest.id).mkdir(parents=True, exist_ok=True)
    mark(store, manifest.id)
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


__all__ = ["ABSENT", "LaunchRequest", "amended", "child_environ", "draft_manifest", "open_store", "seal"]
