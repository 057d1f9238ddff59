"""The present tree as if a run's command were launched again now: what would that launch hold, sealed or not?

Nothing is stored and nothing starts. What the caller said at the launch (seed, data names, initialisation, evaluation)
is said again; the code, the data, the environment and the config files are read anew. What only the program itself
could tell (a config that it builds, the weights it would start from) stays unknown wherever its code changed.
"""

import os
import tempfile
from collections import ChainMap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from runaudit.capture.config import config_file, plain_config
from runaudit.capture.dataset import capture_dataset
from runaudit.capture.draft import LaunchRequest, redactor_of, whereabouts
from runaudit.capture.environment import capture_environment, project_siblings
from runaudit.capture.git import capture_code
from runaudit.capture.redact import Redactor
from runaudit.capture.source import Basket, Limits
from runaudit.errors import RunauditError
from runaudit.records.canonical import JSON, canonical_equal, thawed
from runaudit.records.digest import Digest, digest_bytes
from runaudit.records.filenames import on_disk
from runaudit.records.manifest import Manifest
from runaudit.records.run import Run
from runaudit.store.store import Store
from runaudit.system.files import read_ordinary
from runaudit.system.git import work_tree

SAID = ("seed", "init", "eval", "seed_proof", "label", "launch", "origin", "intent", "bundles", "policy")
"""What a launch is told, or what says who and when: the same command would be told the same."""


def working_run(run: Run, store: Store, root: Path, *, environ: Mapping[str, str] = os.environ) -> Run:
    """The launch of `run`'s command in the tree around `root`, as far as it can be known without running it.

    Contents that the store lacks are held in memory. Raises CaptureError where the tree cannot be captured.
    """
    top = work_tree(root.absolute()) or root.absolute()
    held: dict[str, bytes] = {}

    def hold(data: bytes) -> Digest:
        digest = digest_bytes(data)
        held[str(digest)] = data
        return digest

    body = run.manifest.body
    redactor = redactor_of(store, environ=environ, config=thawed(body.get("config")))
    limits = Limits.of(environ)
    argv = tuple(str(word) for word in run.manifest.section("launch").get("argv") or ())
    started = Path(str(run.manifest.section("launch").get("cwd") or root))
    request = LaunchRequest(argv=argv or None, root=started if started.is_dir() else root)
    # Its packages are those of the command's interpreter, wherever this is asked from.
    place = whereabouts(request, cache=store.root / "cache", environ=environ)
    code = capture_code(top, hold, limits=limits, redactor=redactor, exclude=(store.root,),
                        siblings=project_siblings(top))  # fmt: skip
    code["files"] |= _late(run, top, Basket(limits=limits, redactor=redactor), hold)
    environment, unknown = capture_environment(environ, interpreter=place.interpreter, reason=place.reason)
    sections: dict[str, JSON] = {name: thawed(body[name]) for name in SAID if name in body}
    sections |= {"code": code, "env": _as_observed(run, redactor.tree(environment))}
    sections["data"] = {name: _data(entry, store) for name, entry in run.manifest.section("data").items()}
    same_code = canonical_equal(_contents(code), _contents(run.manifest.section("code")))
    if "config" in body:
        sections |= _config(run, top, redactor, unknown, same_code=same_code)
    if not same_code and "code_digest" in run.manifest.section("eval"):
        del sections["eval"]["code_digest"]
        unknown["eval.code_digest"] = "the code changed, and only the program says which of it measures"
    manifest = Manifest.of({**sections, "unknown": unknown})
    return Run(manifest=manifest, blobs=ChainMap(held, _Readable(run.blobs)), liveness="running")


class _Readable(dict[str, bytes]):
    """The stored contents behind those in memory; a ChainMap asks for nothing but one key at a time."""

    def __init__(self, blobs: Mapping[str, bytes]) -> None:
        super().__init__()
        self._blobs = blobs

    def __missing__(self, key: str) -> bytes:
        return self._blobs[key]


def _contents(code: Mapping[str, Any]) -> JSON:
    """What the tree holds, whatever commit it stands on."""
    return {name: thawed(code.get(name) or {}) for name in ("files", "submodules", "siblings")}


def _late(run: Run, top: Path, basket: Basket, hold: Any) -> dict[str, JSON]:
    """Files that the run loaded and a launch cannot see (ignored by git), as they are now."""
    late = run.outcome.section("code").get("files") if run.outcome else None
    found = {}
    for path in late if isinstance(late, Mapping) else ():
        if not Path(path).is_absolute() and (entry := basket.entry(top / on_disk(path), path, tracked=False)):
            found[path] = entry
    basket.store(hold)
    return found


def _as_observed(run: Run, environment: dict[str, JSON]) -> dict[str, JSON]:
    """The environment by the names the run has: what only its own process could see stays unknown."""
    there = run.manifest.section("env")
    return {name: value for name, value in environment.items() if name in there or name in ("packages", "variables")}


def _data(entry: Any, store: Store) -> JSON:
    """A data set as it lies now, with what was said of it at the launch; unknown where it lies no longer."""
    place = entry.get("path") if isinstance(entry, Mapping) else None
    if not isinstance(place, str) or not Path(place).exists():
        return {"path": place}
    found = capture_dataset(Path(place), cache=store.root / "cache")
    declared = {key: thawed(value) for key, value in entry.items() if key not in found}
    return {**found, **declared}


# ── the config ───────────────────────────────────────────────────────────────────────────────────────────────────


def _config(run: Run, top: Path, redactor: Redactor, unknown: dict[str, str], *, same_code: bool) -> dict[str, JSON]:
    recorded = thawed(run.manifest.body["config"])
    if same_code and not _outside(run):
        return {"config": recorded}
    files = [str(path) for path in run.manifest.section("launch").get("config_files") or ()]
    if not files:
        unknown["config"] = "the program makes its config, and its code changed"
        return {}
    if gone := [path for path in files if not (top / path).is_file()]:
        unknown["config"] = f"{', '.join(gone)} is no longer there"
        return {}
    then, now = _contents_then(run, files), {path: read_ordinary(top / path) for path in files}
    for read in (_one, _by_stem, _laid_over):
        if then is None or canonical_equal(redactor.tree(_parsed(then, read)), recorded):
            if then is None and not _alike(redactor.tree(_parsed(now, read)), recorded):
                continue
            return {"config": redactor.tree(_parsed(now, read))}
    unknown["config"] = (
        f"the run's config was not what {', '.join(files)} alone said, so reading it again tells nothing"
    )
    return {}


def _outside(run: Run) -> list[str]:
    """Config files that are no part of the tree, so that an equal tree says nothing of them."""
    known = run.manifest.section("code").get("files") or {}
    return [path for path in run.manifest.section("launch").get("config_files") or () if path not in known]


def _contents_then(run: Run, files: list[str]) -> dict[str, bytes] | None:
    """The config files as they stood at the launch; None where the record does not hold them all."""
    entries = run.manifest.section("code").get("files") or {}
    try:
        return {path: run.blobs[str(entries[path]["digest"])] for path in files}
    except (KeyError, TypeError, RunauditError):
        return None


def _parsed(contents: Mapping[str, bytes], read: Any) -> JSON:
    with tempfile.TemporaryDirectory() as folder:
        places = []
        for number, (path, data) in enumerate(contents.items()):
            place = Path(folder) / str(number) / Path(path).name
            place.parent.mkdir()
            place.write_bytes(data)
            places.append(place)
        return read(places)


def _one(places: list[Path]) -> JSON:
    return config_file(places[0]) if len(places) == 1 else None


def _by_stem(places: list[Path]) -> JSON:
    return {place.stem: config_file(place) for place in places}


def _laid_over(places: list[Path]) -> JSON:
    return plain_config(places)


def _alike(value: JSON, recorded: JSON) -> bool:
    """Whether a reading has the recorded config's tables: enough to tell how several files were put together."""
    return isinstance(value, dict) and isinstance(recorded, dict) and bool(set(_names(value)) & set(_names(recorded)))


def _names(value: Mapping[str, JSON]) -> Iterator[str]:
    for key, item in value.items():
        yield key
        if isinstance(item, Mapping):
            yield from (f"{key}.{inner}" for inner in item)
