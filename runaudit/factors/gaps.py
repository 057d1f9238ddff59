"""What a record does not say, of what could have changed a result. Absent is never equal to anything."""

from collections.abc import Iterator, Mapping
from functools import reduce
from typing import Any

from runaudit.factors.addresses import UNTOLD
from runaudit.factors.arguments import ROOT
from runaudit.factors.builtin import GPU_SOFTWARE, OBSERVERS, UNSEEN_SUFFIXES
from runaudit.factors.classes import standing
from runaudit.factors.code_state import PROGRAM
from runaudit.factors.factor import ABSENT, Absent, ChangeClass, section_of
from runaudit.factors.levels import NOT_DESIGN, Levels
from runaudit.factors.path import joined, matches, steps
from runaudit.factors.reads import reported_under
from runaudit.factors.source import cannot_run
from runaudit.factors.unknowns import NO_COMMIT, is_digest, no_sections, placeholders
from runaudit.factors.used import used_by
from runaudit.records.canonical import JSON, MAPPINGS
from runaudit.records.manifest import INHERITED, UNLISTED
from runaudit.records.run import Run
from runaudit.settings import FactorSettings

EVAL_LEAVES = ("metric", "protocol", "crop_border", "data_range", "channel", "code_digest")
ENV_LEAVES = ("python", "torch", "gpu", "packages")
SWITCH_LEAVES = ("determinism",)
"""Switches of the process. Where every source file and variable is recorded, what sets them is recorded too."""
EDITED = "it was edited while the run ran, so neither version is known to be what ran"
_NO_DIGEST = "the data set has no digest"
CUDA_LEAVES = ("cuda", "cudnn")


def gaps(of: Levels, settings: FactorSettings) -> Mapping[str, str]:
    """Path -> why it is unknown, for everything that the record should say and does not."""
    found = {path: reason or of.run.manifest.reason(path) for path, reason in _gaps(of)}
    for path, reason in of.run.manifest.section("unknown").items():
        # A value beside its reason is known in part: another one is another, and an equal one need not be the same.
        if path not in found and not isinstance(of.at(path), MAPPINGS) and _weighs(path, of, settings):
            found[path] = str(reason)
    return {**dict.fromkeys(untold(of, settings), UNTOLD), **found}


def untold(of: Levels, settings: FactorSettings) -> tuple[str, ...]:
    """The leaves of a run that could have changed its result, and that hold an object's text and not what it is."""
    return tuple(path for path in of.untold if _weighs(path, of, settings))


def _gaps(of: Levels) -> Iterator[tuple[str, str]]:
    yield from _unseen(of)
    none = of.run.manifest.section("origin").get("known_none") or ()
    full = of.observed is not None and of.observed.excuses("read")
    # A manifest's sections are objects; that a foreign record said null of one is kept beside them.
    tree = {**of.tree, **dict.fromkeys(none)}
    for keys, reason in placeholders(of.run.manifest.body):
        yield reduce(joined, keys), reason
    if "seed" not in tree:
        yield "seed", ""
    if "config" not in tree and not full:
        yield "config", ""
    if "code" not in none:
        yield from _code_gaps(of)
    yield from _data_gaps(tree, full=full)
    yield from _leaf_gaps(tree, "env", tuple(leaf for leaf in ENV_LEAVES if not _not_needed(f"env.{leaf}", of)))
    env = tree.get("env")
    if isinstance(env, Mapping) and (of.files is None or "variables" not in env) and not _not_needed("env.gpu", of):
        yield from _leaf_gaps(tree, "env", SWITCH_LEAVES)
    if isinstance(env, Mapping) and env.get("gpu") and not _not_needed("env.gpu", of):
        yield from _leaf_gaps(tree, "env", CUDA_LEAVES)
    if not full:  # A run that was seen to read no weights began at random.
        yield from _leaf_gaps(tree, "init", ("kind",))
    init = tree.get("init")
    if isinstance(init, Mapping) and init.get("kind", "random") != "random" and "checkpoint" not in init:
        yield "init.checkpoint", ""
    if not evaluation_is_code(of):
        yield from _leaf_gaps(tree, "eval", EVAL_LEAVES)


def _unseen(of: Levels) -> Iterator[tuple[str, str]]:
    """What was not seen of a run that was observed, and what changed while it ran."""
    seen = of.observed
    if seen is not None and not seen.full:
        yield "observed", f"{'not observed' if seen.level == 'none' else 'observed in part'}: {seen.reason}"
    for row in seen.reads.values() if seen is not None else ():
        if row.digest is None and not row.declared:
            yield reported_under(row), row.reason or "its content is not known"
    for call, value in seen.seeded if seen is not None else ():
        if value is None:
            yield "seed", f"{call} was called without a value: the system chose the seed"
    outcome = of.run.outcome
    for row in (outcome.section("data").get("changed") or ()) if outcome else ():
        yield f"data.{row.get('name')}", f"{row.get('path') or 'it'} changed while the run ran"
    changed = outcome.section("config").get("changed") if outcome else None
    for leaf in changed if isinstance(changed, Mapping) else ():
        path = leaf if leaf.startswith("config.") else f"config.{leaf}"
        yield path, "it was changed after the config was sealed"


def _not_needed(path: str, of: Levels) -> bool:
    """Whether a fully observed run is known not to have used this part of its environment."""
    seen = of.observed
    if seen is None or not seen.excuses("imported"):
        return False
    return path == "env.packages" or not used_by(path, seen) or (path == "env.python" and bool(seen.python))


def evaluation_is_code(of: Levels) -> bool:
    """Whether the evaluation, declared or not, is within what was captured: every source file of the run is recorded,
    so a changed metric shows as a changed file. An imported record says nothing of the kind."""
    if of.observed is not None and of.observed.excuses("read"):
        return True
    return of.files is not None and of.run.manifest.section("origin").get("kind") == "captured"


def _leaf_gaps(tree: Mapping[str, Any], section: str, leaves: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if section not in tree:
        if leaves != CUDA_LEAVES:
            yield section, ""
        return
    value = tree[section]
    if isinstance(value, Mapping):
        yield from (
            (f"{section}.{leaf}", "") for leaf in leaves if leaf not in value or _says_nothing(leaf, value[leaf])
        )


def _says_nothing(leaf: str, value: JSON) -> bool:
    """Whether null stands where something always is: no interpreter is without packages."""
    return leaf == "packages" and value is None


def _code_gaps(of: Levels) -> Iterator[tuple[str, str]]:
    yield from ((path, why) for path, why in of.run.forgotten.items() if path.startswith("code."))
    yield from _edited(of)
    yield from _unread_files(of)
    yield from undeclared_code(of)


def undeclared_code(of: Levels) -> Iterator[tuple[str, str]]:
    """What of its code a record should say and does not: all of it, the commit, or what a dirty tree held."""
    code = of.run.manifest.body.get("code", ABSENT)
    if "code" in no_sections(of.run):
        return
    if code is ABSENT and of.files is None:
        yield "code", ""
    if not isinstance(code, MAPPINGS) or of.files_judged:
        return
    if not of.at("code.commit"):
        lacking = "neither the commit nor the files of the tree are in the record"
        yield "code.commit", NO_COMMIT if of.files else lacking
    if code.get("dirty") and not code.get("patch"):
        yield "code.patch", "the tree was dirty and its patch is not in the record"
    elif "patch" not in code and code.get("dirty") is not False:
        yield "code.patch", "the record does not say whether the tree was dirty" if "dirty" not in code else ""


def _unread_files(of: Levels) -> Iterator[tuple[str, str]]:
    """Source files that a record names without saying what was in them."""
    for path, digest in (of.files or {}).items():
        if not is_digest(digest) or digest == "None":
            yield f"code.{path}", "the record has no digest of it"


def _edited(of: Levels) -> Iterator[tuple[str, str]]:
    for path in edited_files(of):
        yield f"code.{path}", EDITED


def edited_files(of: Levels) -> Iterator[str]:
    """Source files that were changed under a run: what it read cannot be known."""
    outcome = of.run.outcome.section("code") if of.run.outcome else {}
    for row in outcome.get("changed") or ():
        path = str(row.get("path"))
        idle = of.loaded is not None and path not in of.loaded and path.endswith(UNSEEN_SUFFIXES)
        if of.observed is not None and of.observed.excuses("read"):
            idle = not of.observed.opened(path)
        if row.get("before") is not None and not idle and not cannot_run(path, of):
            yield path


def _data_gaps(tree: Mapping[str, Any], *, full: bool) -> Iterator[tuple[str, str]]:
    data = tree.get("data", ABSENT)
    if (data is ABSENT or data == {}) and not full:
        yield "data", "no data set is in the record"
    for name, entry in data.items() if isinstance(data, Mapping) else ():
        if not (isinstance(entry, Mapping) and entry.get("digest")):
            own = next((key for key in entry if key.endswith("_digest")), "") if isinstance(entry, Mapping) else ""
            yield (
                f"data.{name}.digest",
                f"no digest of all of it: {own} is the tracker's, of a part" if own else _NO_DIGEST,
            )


def _weighs(path: str, of: Levels, settings: FactorSettings) -> bool:
    """Whether an unknown leaf could have changed a result."""
    section = section_of(path)
    if section in NOT_DESIGN or section in ("status", "metrics", "series", "outcome", "runtime", "trajectory"):
        return False
    if section == "code" and of.files is not None:
        return False
    if path in GPU_SOFTWARE and of.at("env.gpu") is None:
        return False
    return standing(path, "unknown", of, settings).kind is ChangeClass.FACTOR


COUNTED_BY_DIGEST = frozenset({"tiles", "frames", "files", "bytes", "size", "count", "samples", "name"})
"""Facts of a data set that its digest already covers."""


def is_left_open(path: str, of: Levels) -> bool:
    """Whether a leaf that a record does not hold is one of which it says that nobody knows it: by its path, or by that
    of a table it would stand in; beside a run without a config also one that a config may repeat, beside a cut list of
    packages any other. It may be what the other run has, and so is no change."""
    return any(
        path == word
        or (path.startswith((f"{word}.", f"{word}[")) and not _is_typed(word, path, of))
        or (word == INHERITED and path.startswith("config."))
        or (word == UNLISTED and path.startswith("env.packages"))
        for word in (*of.left_open, *of.scope.open_settings)
    )


def _is_typed(word: str, path: str, of: Levels) -> bool:
    """Whether a leaf of a config that is open is a word of a command line that is on record."""
    return word == "config" and matches(path, ROOT) and of.has_words


def one_sided_gap(path: str, before: JSON | Absent, after: JSON | Absent) -> bool:
    """Whether a leaf that only one record has is unknown on the other, rather than known not to be there.

    A config without a key has no such key, and an environment without a package has none; but every run has an
    accelerator, an initialisation and an evaluation, whether it is written down or not.
    """
    if not (isinstance(before, Absent) or isinstance(after, Absent)):
        return False
    keys = steps(path)
    if keys[0] in ("init", "eval"):
        return len(keys) > 1
    if keys[0] == "env":
        return len(keys) < 3 or keys[1] not in ("packages", "variables")
    if keys[0] == "code":
        # Digests of sources that one record has at all, and the other has none of; and the script, which every run has.
        return path in ("code.sources", PROGRAM)
    return keys[0] == "data" and len(keys) > 2


def began_at_random(a: Levels, b: Levels) -> bool:
    """Whether one of two runs says that it began at random: what only the other says of its start is a change."""
    kinds = a.at("init.kind"), b.at("init.kind")
    return "random" in kinds and all(isinstance(kind, str) for kind in kinds)


def unwatched(path: str, of: Levels) -> bool:
    """Whether a run may have used what it was not seen to use, or would have, had it not broken off before."""
    return of.broke_off or path in OBSERVERS or unobserved(path, of)


def unobserved(path: str, of: Levels) -> bool:
    """Whether nobody looked, or not all was seen, so that a run may have used what it was not seen to use."""
    kind = "read"
    if path.startswith("env.packages"):
        kind = "imported"
    elif path.startswith("env.variables"):
        kind = "looked_up"
    return of.observed is None or not of.observed.excuses(kind)


def status_gap(run: Run) -> str | None:
    """Why it is unknown whether a run finished, foreign or forgotten; None where the record says."""
    if run.outcome is None and run.withheld:
        return run.withheld
    if run.outcome is None and not run.manifest.is_captured:
        return "the record does not say how the run ended"
    return None
