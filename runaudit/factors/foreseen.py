"""A launch that has not begun is taken to use, and to tell of itself, what the run it is held against did.

Without that, everything a run was seen to use would look as if the launch lacked it, nothing would be known to be
unused, and of a program that tells its own settings no second seed could start. What the draft does record itself (its
code, its command, its data, its packages, its variables) speaks for itself.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from runaudit.factors.codefiles import effective_files
from runaudit.factors.levels import seeded_words
from runaudit.records.canonical import thawed
from runaudit.records.manifest import Manifest
from runaudit.records.run import Run
from runaudit.records.told import with_told


def foreseen(draft: Run, like: Run) -> Run:
    """`draft` as if it had been seen to do what `like` was, and had told the same; itself where it has ended."""
    if draft.outcome is not None:
        return draft
    if like.outcome is not None:
        draft = replace(draft, manifest=with_told(draft.manifest, like.outcome.section("told")))
    if draft.observed or not like.observed:
        return draft
    observed = thawed(like.observed)
    body = draft.manifest.to_json()
    code = body.get("code")
    own = effective_files(code) or {} if isinstance(code, Mapping) else {}
    then = effective_files(like.manifest.section("code")) or {}
    environment = draft.manifest.section("env")
    rows = [{**row, "digest": own.get(row.get("path"), row.get("digest"))} for row in observed.get("read") or ()]
    # A file of the tree that is gone can no longer be read.
    observed["read"] = [row for row in rows if row.get("path") in own or row.get("path") not in then]
    observed["written"] = [{**row, "path": _of_its_seed(str(row.get("path")), like, draft)}
                           for row in observed.get("written") or ()]  # fmt: skip
    # Whether a seed acts is shown by the run itself, and by nothing before it.
    observed.pop("seeded", None)
    if isinstance(observed.get("imported"), Mapping):
        observed["imported"] = _versions(observed["imported"], _table(environment, "packages"), like)
    if isinstance(observed.get("looked_up"), Mapping):
        now, then_set = _table(environment, "variables"), _table(like.manifest.section("env"), "variables")
        # A program may look a variable up and set it afterwards: its look-up holds as long as the start is equal.
        observed["looked_up"] = {n: v for n, v in observed["looked_up"].items() if now.get(n) == then_set.get(n)}
    return Run(manifest=Manifest.of({**body, "observed": observed}), blobs=draft.blobs, liveness=draft.liveness,
               fault=draft.fault, parent=draft.parent)  # fmt: skip


def _of_its_seed(path: str, like: Run, draft: Run) -> str:
    """Where the draft will write what the other run wrote at a place into which the launch put the seed."""
    if like.words and len(like.words) == len(draft.words):
        for at, then, now in zip(range(len(like.words)), like.words, draft.words, strict=True):
            old, new = (word.partition("=")[2] or word for word in (then, now))
            if old != new and str(at) in seeded_words(draft) and old in path:
                return path.replace(old.removeprefix("./"), new.removeprefix("./"), 1)
    return path


def _table(section: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = section.get(name)
    return found if isinstance(found, Mapping) else {}


def _versions(imported: Mapping[str, Any], installed: Mapping[str, Any], like: Run) -> dict[str, Any]:
    """What would be imported of each package now: the version that is installed, none where it is gone."""
    then = _table(like.manifest.section("env"), "packages")
    kept = ((name, installed.get(name, None if name in then else version)) for name, version in imported.items())
    return {name: version for name, version in kept if version is not None}
