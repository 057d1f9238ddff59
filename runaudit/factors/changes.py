"""Every leaf that differs between two runs, each with exactly one class.

Equal subtrees are never entered, so two configs of thousands of keys cost what their differences cost.
"""

from collections.abc import Iterator
from dataclasses import replace

from runaudit.factors.arguments import ROOT
from runaudit.factors.changed import changed
from runaudit.factors.compute_budget import budget_changes
from runaudit.factors.derived import check_rule, references
from runaudit.factors.factor import ABSENT, Absent, Change, ChangeClass, Role
from runaudit.factors.gaps import began_at_random
from runaudit.factors.grouping import counted
from runaudit.factors.levels import CIRCUMSTANCES, PREFIXES, Levels
from runaudit.factors.lineage import compared, lineage
from runaudit.factors.onesided import explained
from runaudit.factors.patch import patch_text, patched_files
from runaudit.factors.path import matches
from runaudit.factors.seeding import seeding_changes
from runaudit.factors.source import file_changes, prefix_of
from runaudit.factors.together import together
from runaudit.factors.tree import differences, keyed, same
from runaudit.factors.unknowns import no_sections
from runaudit.factors.usage import is_gap, known_empty, moved_changes, seed_unproven, unused_changes
from runaudit.records.manifest import DESIGN_SECTIONS
from runaudit.records.run import Run
from runaudit.settings import FactorSettings

CODE_STATE = ("code.commit", "code.patch")


def changes(a: Levels, b: Levels, settings: FactorSettings) -> tuple[Change, ...]:
    """The changed leaves of two runs in the order of their paths, counted into factors."""
    a, b = together((a, b))
    found = [
        *_design(a, b, settings),
        *unused_changes(a, b),
        *moved_changes(a, b),
        *_circumstances(a.run, b.run),
        *_proofs(a.run, b.run),
    ]
    found += _broken_rules(a, b, settings, {change.path for change in found})
    found = _follow_the_code(_said_twice(_explained(found, settings)), a, b)
    found = seed_unproven(explained(found, a, b), a, b)
    found += seeding_changes(found, a, b)
    found += budget_changes(a, b, tuple(found))
    own = counted(tuple(sorted(found, key=lambda change: change.path)), a, b, settings)
    if not compared(a, b) or a.parent is None or b.parent is None:
        return own
    # The parents are put beside each other as the runs are.
    return lineage(own, changes(a.parent, b.parent, settings), a, b)


def _design(a: Levels, b: Levels, settings: FactorSettings) -> Iterator[Change]:
    judged = a.files_judged and b.files_judged
    random = began_at_random(a, b)
    for section in sorted({*a.tree, *b.tree}):
        lacking = section not in a.tree or section not in b.tree
        if lacking and (section in DESIGN_SECTIONS or section == ROOT) and not known_empty(section, a, b):
            continue  # a whole section that one record lacks is a gap, not a change
        left, right = a.tree.get(section, ABSENT), b.tree.get(section, ABSENT)
        if section == "data" and {} in (left, right) and not known_empty(section, a, b):
            continue  # a record without any data set does not know its data
        for path, before, after in differences(left, right, PREFIXES.get(section, section)):
            if section == "code" and not judged and path in CODE_STATE:
                continue
            if is_gap(path, before, after, a, b) and not (section == "init" and random):
                continue
            yield changed(path, before, after, a, b, settings)
    if "code" in no_sections(a.run) | no_sections(b.run):
        yield from _no_code(a, b)
    else:
        yield from file_changes(a, b, settings) if judged else _partly_known(a, b, settings)


def _no_code(a: Levels, b: Levels) -> Iterator[Change]:
    """A record that says there was no code, against one that has some: it came or went as one thing."""
    sides = [None if "code" in no_sections(of.run) else of.run.manifest.body.get("code", ABSENT) for of in (a, b)]
    if ABSENT not in sides and not same(sides[0], sides[1]):
        yield Change(path="code", before=sides[0], after=sides[1])


def _partly_known(a: Levels, b: Levels, settings: FactorSettings) -> Iterator[Change]:
    """Files where both records have some; commit and patch stand for what neither lists."""
    listed: list[Change] = []
    if a.files is not None and b.files is not None:
        listed = list(file_changes(a, b, settings))
    yield from listed
    both = {prefix_of(path) for path in (a.files or {}).keys() & (b.files or {}).keys()}
    counted_already = any(change.kind is ChangeClass.FACTOR for change in listed)
    yield from (change for change in code_state(a, b, counted_already) if change.path not in both)


def _broken_rules(a: Levels, b: Levels, settings: FactorSettings, changed_paths: set[str]) -> Iterator[Change]:
    """Leaves that stayed as they were where their rule says that they should have moved: that, too, was chosen."""
    for path, rule in settings.derived.items():
        before, after = a.at(path), b.at(path)
        if path in changed_paths or isinstance(before, Absent) or isinstance(after, Absent):
            continue
        sides = check_rule(path, rule, before, a.at), check_rule(path, rule, after, b.at)
        if sides[0].holds is not sides[1].holds:
            why = next(side.why for side in sides if not side.holds)
            yield Change(path=path, before=before, after=after, why=why)


def code_state(a: Levels, b: Levels, counted_already: bool = False) -> Iterator[Change]:
    """Where a tree is unknown, commit and patch stand for it. Equal commits: the patches are compared file by file.

    `counted_already`: whether a file that the commits changed is compared by itself; what else they changed is a gap.
    """
    commits = a.at("code.commit"), b.at("code.commit")
    patches = a.at("code.patch"), b.at("code.patch")
    same_commit = commits[0] == commits[1]
    if not same_commit and not any(isinstance(commit, Absent) for commit in commits):
        told = ("the trees are not in the record, so all that the commits change counts as one", ChangeClass.FACTOR)
        if counted_already:
            told = ("what it changed is compared file by file, as far as the files are in the records",
                    ChangeClass.DERIVED)  # fmt: skip
        yield Change(path="code.commit", before=commits[0], after=commits[1], why=told[0], kind=told[1],
                     follows="code" if counted_already else "")  # fmt: skip
    if patches[0] == patches[1] or any(isinstance(patch, Absent) for patch in patches):
        return
    texts = [patch_text(side.run, patch) for side, patch in ((a, patches[0]), (b, patches[1]))]
    if texts[0] is not None and texts[0] == texts[1]:
        yield Change(path="code.patch", before=patches[0], after=patches[1], kind=ChangeClass.NUISANCE,
                     why="a secret in it; which one it was chose nothing")  # fmt: skip
        return
    parts = [patched_files(text) for text in texts]
    if same_commit and parts[0] is not None and parts[1] is not None:
        for path in sorted({*parts[0], *parts[1]}):
            before, after = parts[0].get(path, ABSENT), parts[1].get(path, ABSENT)
            if before != after:
                yield Change(path=prefix_of(path), before=before, after=after, why="compared as patches to one commit")
    else:
        yield Change(path="code.patch", before=patches[0], after=patches[1])


def _circumstances(a: Run, b: Run) -> Iterator[Change]:
    """Who, when, where and why: never what."""
    for section in CIRCUMSTANCES:
        left, right = (keyed(run.manifest.body.get(section)) for run in (a, b))
        for path, before, after in differences(left, right, section):
            yield Change(path=path, before=before, after=after, kind=ChangeClass.NUISANCE,
                         why="it says who, when, where or why, not what was run")  # fmt: skip


def _proofs(a: Run, b: Run) -> Iterator[Change]:
    for path, before, after in differences(a.seed_proof, b.seed_proof, "seed_proof"):
        yield Change(path=path, before=before, after=after, kind=ChangeClass.DERIVED, follows="seed and code",
                     why="it shows what the seed gave")  # fmt: skip


def _explained(found: list[Change], settings: FactorSettings) -> list[Change]:
    """A derived leaf must follow from something that counts: what follows from a nuisance is a factor of its own."""
    quiet = {change.path for change in found if change.kind in (ChangeClass.NUISANCE, ChangeClass.COSMETIC)}
    result = []
    for change in found:
        rule = settings.derived.get(change.path)
        if change.kind is ChangeClass.DERIVED and rule is not None:
            read = [other for other in found for ref in references(rule, change.path) if matches(other.path, ref)]
            if read and all(other.path in quiet for other in read):
                change = replace(change, kind=ChangeClass.FACTOR, follows="", role=Role.TREATMENT,
                                 why=f"its rule {rule!r} reads only leaves that cannot change a result")  # fmt: skip
        elif change.kind is ChangeClass.DERIVED and change.follows in quiet and change.section in ("config", "data"):
            change = replace(change, kind=ChangeClass.FACTOR, follows="", role=Role.TREATMENT,
                             why=f"{change.follows}, which it repeats, is one that cannot change a result")  # fmt: skip
        result.append(change)
    return result


ARGUMENTS = "config.args"


def _said_twice(found: list[Change]) -> list[Change]:
    """A word of the command line that is a leaf of the config in both runs is one choice with it."""
    config = [c for c in found if c.section == "config" and not matches(c.path, ARGUMENTS)]
    result = []
    for change in found:
        if change.kind is ChangeClass.FACTOR and matches(change.path, f"{ARGUMENTS}.*"):
            twin = next((c for c in config if same(c.before, change.before) and same(c.after, change.after)), None)
            if twin is not None:
                change = replace(change, kind=ChangeClass.DERIVED, follows=twin.path, role=Role.TREATMENT,
                                 why=f"the command line says {twin.path}")  # fmt: skip
        result.append(change)
    return result


def _follow_the_code(found: list[Change], a: Levels, b: Levels) -> list[Change]:
    """The digest of the evaluation code moves with a comment; where every file is known, the files have the word."""
    code = [change for change in found if change.section == "code"]
    cosmetic = [change for change in code if change.kind is ChangeClass.COSMETIC]
    all_known = (a.files_judged and b.files_judged) or a.at("code.commit") == b.at("code.commit")
    if not cosmetic or any(change.kind is ChangeClass.FACTOR for change in code) or not all_known:
        return found
    return [
        replace(
            change,
            kind=ChangeClass.COSMETIC,
            role=Role.TREATMENT,
            why="the code behind it changed in comments or layout only",
        )
        if change.path == "eval.code_digest"
        else change
        for change in found
    ]
