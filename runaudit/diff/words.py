"""What a reader of a comparison should be told beside the rows: shouts, suspicions and budgets."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence

from runaudit.diff.measure import UNSAID
from runaudit.factors import builtin as known
from runaudit.factors.code_state import PROGRAM
from runaudit.factors.compute_budget import shorter_first, updates
from runaudit.factors.config_groups import choices
from runaudit.factors.factor import Absent, Change, ChangeClass, Role
from runaudit.factors.grouping import declared_bundles
from runaudit.factors.measuring import is_declared, may_say_how_it_is_measured, measures_in_use
from runaudit.factors.never import is_foreign
from runaudit.factors.pair import Pair
from runaudit.factors.path import last_key, matches
from runaudit.factors.stopping import gave_up
from runaudit.factors.tree import same
from runaudit.records.canonical import JSON
from runaudit.records.results import ends_of
from runaudit.text.words import head, listed


def notes_on(pair: Pair, found: Sequence[Change]) -> tuple[str, ...]:
    """Sentences, in a fixed order, each once."""
    return tuple(dict.fromkeys(sentence for note in _NOTES for sentence in note(pair, found)))


def _data(pair: Pair, _found: Sequence[Change]) -> Iterator[str]:
    a, b = pair.a, pair.b
    for name, before in sorted(a.run.manifest.section("data").items()):
        after = b.run.manifest.section("data").get(name)
        if not isinstance(before, Mapping) or not isinstance(after, Mapping):
            continue
        digests, paths = (before.get("digest"), after.get("digest")), (before.get("path"), after.get("path"))
        if all(digests) and digests[0] != digests[1] and paths[0] and paths[0] == paths[1]:
            yield f"data.{name} lies at the same path with other content: {paths[0]}"
        files = before.get("files"), after.get("files")
        if isinstance(files[0], Mapping) and isinstance(files[1], Mapping):
            gone, new = sorted(files[0].keys() - files[1].keys()), sorted(files[1].keys() - files[0].keys())
            changed = sorted(p for p in files[0].keys() & files[1].keys() if not same(files[0][p], files[1][p]))
            for word, paths_of in (("added", new), ("removed", gone), ("changed", changed)):
                if paths_of:
                    yield f"data.{name}: {len(paths_of)} files {word}: {head(paths_of)}"


def _split(pair: Pair, _found: Sequence[Change]) -> Iterator[str]:
    """Where data sets say what they are made of: which of it went from one to another, came or was left out."""
    a, b = (_homes(side.run.manifest.section("data")) for side in (pair.a, pair.b))
    if not a or not b:
        return
    moves: dict[str, list[str]] = {}
    for member in sorted(a.keys() | b.keys()):
        before, after = a.get(member, ()), b.get(member, ())
        if before != after:
            words = (
                f"from {listed(before)} to {listed(after)}"
                if before and after
                else f"not in {listed(before)} any more"
                if before
                else f"new in {listed(after)}"
            )
            moves.setdefault(words, []).append(member)
    for words, members in moves.items():
        yield f"the data split differs: {head(members)} {words}"


def _homes(data: Mapping[str, JSON]) -> dict[str, tuple[str, ...]]:
    """Member -> the data sets that list it."""
    homes: dict[str, tuple[str, ...]] = {}
    for name in sorted(data):
        entry = data[name]
        members = entry.get("members") if isinstance(entry, Mapping) else None
        for member in members if isinstance(members, list | tuple) else ():
            homes[str(member)] = (*homes.get(str(member), ()), name)
    return homes


def _undeclared(pair: Pair, found: Sequence[Change]) -> Iterator[str]:
    """No evaluation is on record, and code changed, or a setting that is called after one: whether the measure itself
    did is for a person to see."""
    if is_declared(pair.settings, (pair.a.run, pair.b.run)):
        return  # That the metric was given a name says nothing of what computes it.
    changed = [c for c in found if c.kind is ChangeClass.FACTOR]
    code = [c.path for c in changed if c.section == "code"]
    # What is known to be a part of the evaluation made the runs incomparable, and that is said.
    named = [c.path for c in changed if c.role is not Role.EVALUATION and may_say_how_it_is_measured(c.path)]
    if not any(map(is_foreign, (pair.a.run, pair.b.run))):  # Of our own records what says it plainly is a gap.
        named = [path for path in named if not may_say_how_it_is_measured(path, plainly=True)]
    if code and not measures_in_use((pair.a, pair.b), plainly=False):
        yield f"{UNSAID}: if {head(code)} does, nothing was compared"
    if named:
        yield f"{UNSAID}: if {head(named)} says how, nothing was compared"


def _named(pair: Pair, found: Sequence[Change]) -> Iterator[str]:
    """That a setting holds what the run is called: whether it also chose something no record tells."""
    labels = (pair.a.run.manifest.label, pair.b.run.manifest.label)
    paths = [c.path for c in found if c.kind is ChangeClass.FACTOR and c.section == "config"
             and last_key(c.path).lower() in known.SHORT_NAMING_KEYS and (c.before, c.after) == labels]  # fmt: skip
    if paths:
        named = ", ".join(map(json.dumps, paths))
        yield (f"{listed(paths)} is what each run is called: where it chooses nothing besides, say so in the policy: "
               f"[factors] nuisance = [{named}]")  # fmt: skip


def _types(_pair: Pair, found: Sequence[Change]) -> Iterator[str]:
    for change in found:
        pair = (change.before, change.after)
        if (
            sum(isinstance(v, str) for v in pair) == 1
            and _number(pair[0]) is not None
            and _number(pair[0]) == _number(pair[1])
        ):
            yield f"{change.path}: {pair[0]!r} and {pair[1]!r} are one number written as text and as a number"


def _number(value: JSON | Absent) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _renames(_pair: Pair, found: Sequence[Change]) -> Iterator[str]:
    config = [c for c in found if c.section == "config" and c.kind is ChangeClass.FACTOR]
    for gone in (c for c in config if isinstance(c.after, Absent)):
        twins = [c for c in config if isinstance(c.before, Absent) and same(c.after, gone.before)]
        # Two settings of a small number coincide, and what stands at a place of the command line has no name to change.
        is_telling = gone.before not in _EVERYWHERE and not any(".positional." in f"{c.path}." for c in (gone, *twins))
        if len(twins) == 1 and is_telling:
            yield (f"{gone.path} was probably renamed to {twins[0].path} (equal values); if so, declare it under "
                   "[factors.aliases]")  # fmt: skip


_EVERYWHERE = (None, True, False, "", "none", "true", "false", *range(-1, 11), *map(str, range(-1, 11)))
"""Values that many settings have."""


def _bundles(pair: Pair, found: Sequence[Change]) -> Iterator[str]:
    declared = declared_bundles(pair)
    blocks = {change.block for change in found}
    for name, paths in pair.settings.bundles.items():
        touched = any(matches(c.path, path) for c in found if c.kind is ChangeClass.FACTOR for path in paths)
        if name in declared and name in blocks:
            yield f"{name} is one declared treatment of several changes: what each of them did cannot be told"
        elif touched and name not in declared:
            yield f"the bundle {name} was not declared before launch, so its changes are counted one by one"


def _docstrings(_pair: Pair, found: Sequence[Change]) -> Iterator[str]:
    for change in found:
        if change.kind is ChangeClass.COSMETIC and change.why == "docstrings only":
            yield f"{change.path} changed in its docstrings"


def _not_run(_pair: Pair, found: Sequence[Change]) -> Iterator[str]:
    idle = [change.path for change in found if change.why.startswith("not run")]
    if idle:
        yield f"{len(idle)} changed source files were loaded by neither run: {head(idle)}"


def _same_commit(pair: Pair, found: Sequence[Change]) -> Iterator[str]:
    a, b = pair.a, pair.b
    commits = a.at("code.commit"), b.at("code.commit")
    ran = any(change.section == "code" and change.kind is ChangeClass.FACTOR and change.path != PROGRAM
              for change in found)  # fmt: skip
    if ran and a.files is not None and b.files is not None and commits[0] == commits[1]:
        yield "equal commits, different trees: uncommitted changes ran"


def _budget(pair: Pair, _found: Sequence[Change]) -> Iterator[str]:
    a, b = pair.a.run, pair.b.run
    left, right = updates(a), updates(b)
    if left is not None and right is not None and (left.taken != right.taken or left.skipped != right.skipped):
        logged = {*ends_of(a).series, *ends_of(b).series, *a.metrics, *b.metrics}
        if "amp/skipped" in logged:
            yield (
                f"optimiser updates really taken: {left.taken} ({left.skipped} skipped by the scaler) → "
                f"{right.taken} ({right.skipped} skipped)"
            )
    if left is not None and right is not None and left.steps != right.steps:
        short, against = shorter_first(a, b, left, right)
        if short.status == "completed" and (setting := gave_up(short, against)):
            yield f"{short.label} ({short.short}) stopped early: no better value within {setting}"
    yield from (f"{run.label} ({run.short}) stopped early" for run in (a, b) if run.status == "early_stopped")


def _tags(pair: Pair, found: Sequence[Change]) -> Iterator[str]:
    """That MLflow's tags may have been set when the run was over, which no record tells."""
    if any(side.run.manifest.section("origin").get("kind") != "mlflow" for side in (pair.a, pair.b)):
        return
    tags = [c.path for c in found if c.kind is ChangeClass.FACTOR and matches(c.path, f"{TAGS}.*")]
    if tags:
        named = ", ".join(json.dumps(path) for path in tags[:3])
        yield (f"MLflow does not record when a tag was set: one that was given after the run, and is no setting, is "
               f"named in the policy: [factors] nuisance = [{named}]")  # fmt: skip


def _options(pair: Pair, found: Sequence[Change]) -> Iterator[str]:
    """What would make the leaves of another option of a config group one choice."""
    if pair.a.at("code.commit") and pair.b.at("code.commit"):
        return
    for place, options in sorted(choices(pair).items()):
        changed = [c for c in found if c.kind is ChangeClass.FACTOR and matches(c.path, place)]
        leaves = [c.path for c in changed]
        if len({c.block or c.path for c in changed}) > 1:
            named = ", ".join(map(json.dumps, leaves[:5] if len(leaves) <= 5 else [f"{place}.*"]))
            yield (f"{place} took another option of its group ({' → '.join(options)}), and without a commit on record "
                   f"its leaves count one by one; where both ran the same files: [factors.groups] "
                   f"{json.dumps(place)} = [{named}]")  # fmt: skip


TAGS = "config.tags"
"""Where an importer puts what a user set as tags, which many keep their variants in."""
_NOTES: tuple[Callable[[Pair, Sequence[Change]], Iterator[str]], ...] = (
    _data,
    _split,
    _types,
    _renames,
    _bundles,
    _docstrings,
    _not_run,
    _undeclared,
    _named,
    _same_commit,
    _budget,
    _tags,
    _options,
)
