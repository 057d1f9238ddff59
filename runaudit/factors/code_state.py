"""The code of two runs: file by file where the files are known, by commit and patch where they are not."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from runaudit.factors.factor import ABSENT, Absent, Change, ChangeClass, Role
from runaudit.factors.levels import Levels
from runaudit.factors.marks import same_but_for_secrets
from runaudit.factors.pair import Pair
from runaudit.factors.patch import NEVER_RUN, kept_patch, never_runs, patch_digest, patched_files
from runaudit.factors.path import steps
from runaudit.factors.source import file_changes, prefix_of
from runaudit.factors.tree import same
from runaudit.factors.unknowns import no_sections
from runaudit.records.canonical import JSON

COMMIT, PATCH = "code.commit", "code.patch"
CODE_STATE = (COMMIT, PATCH)
PROGRAM = "code.program"
"""Which script was run, where a tracker says so."""
APART = "scripts of one name that lay in two places, or one that was moved"
"""Why the script of two runs is not known to be one."""


def is_source_digest(path: str) -> bool:
    """Whether a leaf is a tracker's digest of a source file of which it need not hold the text."""
    return path.startswith("code.sources") and steps(path)[1:2] == ("sources",)


def tail_of(program: str) -> str:
    """Folder and name of a script of which a tracker kept the whole path, and not where its work tree began; empty for
    any other. Two paths of one tail may be one script in a tree that was moved, or two: nobody knows."""
    parts = [part for part in re.split(r"[/\\]+", program) if part]
    is_whole = program.startswith(("/", "\\")) or re.match(r"[A-Za-z]:[/\\]", program) is not None
    return f"…/{parts[-2]}/{parts[-1]}" if is_whole and len(parts) > 2 else ""


def may_be_one(first: Levels, second: Levels) -> bool:
    """Whether two scripts under two names may be one: two places of one tail, or one of which the tracker tells no
    folder, and whose name the other's path ends with (`main.py` run from `src`, and `src/main.py` from above it)."""
    names = first.at(PROGRAM), second.at(PROGRAM)
    if not (isinstance(names[0], str) and isinstance(names[1], str)):
        return False
    if (tail := tail_of(names[0])) and tail == tail_of(names[1]):
        return True
    return (_lacks_folder(first) and _ends_with(names[1], names[0])) or (
        _lacks_folder(second) and _ends_with(names[0], names[1])
    )


def _lacks_folder(of: Levels) -> bool:
    """Whether a tracker names the script of a run from a folder that nobody knows."""
    return PROGRAM in of.left_open


def _ends_with(program: str, name: str) -> bool:
    program, name = (text.replace("\\", "/") for text in (program, name))
    return program.endswith(f"/{name.removeprefix('./')}")


def scripts(runs: Sequence[Levels]) -> Sequence[JSON | Absent | None]:
    """The script of each of these runs: what may be one under several names is told by the longest of them, and None is
    one that may be several."""
    names = [tail_of(name) or name if isinstance(name := of.at(PROGRAM), str) else name for of in runs]
    told = {name for name in names if isinstance(name, str)}
    found: list[JSON | Absent | None] = []
    for name, of in zip(names, runs, strict=True):
        longer = {one for one in told if isinstance(name, str) and _lacks_folder(of) and _ends_with(one, name)}
        ends = {one for one in longer if not any(_ends_with(other, one) for other in longer)}
        found.append(name if not ends else ends.pop() if len(ends) == 1 else None)
    return found


def lay_apart(runs: Sequence[Levels]) -> frozenset[int]:
    """The places of the runs whose tracker names their script without its folder, and tells of them different ones: one
    project that was moved looks like two with a script of one name each."""
    told: dict[str, dict[str, list[int]]] = {}
    for at, of in enumerate(runs):
        program, place = of.at(PROGRAM), of.run.manifest.section("origin").get("program_in")
        if isinstance(program, str) and (tail := tail_of(program)):
            program, place = tail, program
        if isinstance(program, str) and isinstance(place, str):
            told.setdefault(program, {}).setdefault(place, []).append(at)
    return frozenset(at for places in told.values() if len(places) > 1 for rows in places.values() for at in rows)


def code_changes(pair: Pair) -> Iterator[Change]:
    """What differs in the code of two runs."""
    a, b = pair.a, pair.b
    if "code" in no_sections(a.run) | no_sections(b.run):
        yield from _no_code(a, b)
    elif a.files_judged and b.files_judged:
        yield from file_changes(a, b, pair.settings)
    else:
        yield from _partly_known(pair)


def _no_code(a: Levels, b: Levels) -> Iterator[Change]:
    """A record that says there was no code, against one that has some: it came or went as one thing."""
    sides = [None if "code" in no_sections(of.run) else of.run.manifest.body.get("code", ABSENT) for of in (a, b)]
    if ABSENT not in sides and not same(sides[0], sides[1]):
        yield Change(path="code", before=sides[0], after=sides[1])


def _partly_known(pair: Pair) -> Iterator[Change]:
    """Files where both records have some; commit and patch stand for what neither lists."""
    a, b = pair.a, pair.b
    listed: list[Change] = []
    if a.files is not None and b.files is not None:
        listed = list(file_changes(a, b, pair.settings))
        if is_one_clean_tree((a, b)) and a.at(PROGRAM) != b.at(PROGRAM):
            listed = [_of_the_program(change) for change in listed]
    yield from listed
    both = {prefix_of(path) for path in (a.files or {}).keys() & (b.files or {}).keys()}
    counted_already = any(change.kind is ChangeClass.FACTOR for change in listed)
    yield from (change for change in _state(a, b, counted_already) if change.path not in both)


def is_one_clean_tree(runs: Sequence[Levels]) -> bool:
    """Whether records of others say that all of these runs had one commit and no edits, and name their scripts: which
    files of that tree a script imports follows from the script. What a tracker did not see (most leave untracked files
    out) is told by the other script as well."""
    commits, programs = ({of.at(path) for of in runs} for path in ("code.commit", PROGRAM))
    return (
        len(commits) == 1
        and not any(isinstance(value, Absent) for value in (*commits, *programs))
        and all(of.at("code.dirty") is False for of in runs)
    )


def _of_the_program(change: Change) -> Change:
    """A file that came or went with another script of one tree."""
    came_or_went = isinstance(change.before, Absent) or isinstance(change.after, Absent)
    if change.kind is not ChangeClass.FACTOR or not came_or_went:
        return change
    return replace(change, kind=ChangeClass.DERIVED, follows=PROGRAM, why="it was loaded by one of the scripts only")


def _state(a: Levels, b: Levels, counted_already: bool = False) -> Iterator[Change]:
    """Where a tree is unknown, commit and patch stand for it. Equal commits: the patches are compared file by file.

    `counted_already`: whether a file that the commits changed is compared by itself; what else they changed is a gap.
    """
    commits = a.at("code.commit"), b.at("code.commit")
    patches = a.at(PATCH), b.at(PATCH)
    same_commit = commits[0] == commits[1]
    if not same_commit and not any(isinstance(commit, Absent) for commit in commits):
        case = (
            "the trees are not in the record, so all that the commits change counts as one",
            ChangeClass.FACTOR,
        )
        if counted_already:
            case = ("what it changed is compared file by file, as far as the files are in the records",
                    ChangeClass.DERIVED)  # fmt: skip
        yield Change(path="code.commit", before=commits[0], after=commits[1], why=case[0], kind=case[1],
                     follows="code" if counted_already else "")  # fmt: skip
    if patches[0] == patches[1] or any(isinstance(patch, Absent) for patch in patches):
        return
    texts = _patches(a, b)
    if texts[0] is not None and texts[0] == texts[1]:
        yield Change(path=PATCH, before=patches[0], after=patches[1], kind=ChangeClass.NUISANCE,
                     why="a secret in it; which one it was chose nothing")  # fmt: skip
        return
    parts = [patched_files(text) for text in texts]
    if same_commit and parts[0] is not None and parts[1] is not None:
        for path in sorted({*parts[0], *parts[1]}):
            before, after = parts[0].get(path, ABSENT), parts[1].get(path, ABSENT)
            if before != after:
                yield _patched(path, before, after)
    else:
        idle = None not in texts and not _say_two_things(texts)
        kind, why = (ChangeClass.NUISANCE, NEVER_RUN) if idle else (ChangeClass.FACTOR, "")
        yield Change(path=PATCH, before=patches[0], after=patches[1], kind=kind, why=why)


def _patched(path: str, before: str | Absent, after: str | Absent) -> Change:
    """A file of which two patches to one commit say different things."""
    kind, why = ChangeClass.FACTOR, "compared as patches to one commit"
    if never_runs(path):
        kind, why = ChangeClass.NUISANCE, "not run: it is for people to read, or for git"
    return Change(path=prefix_of(path), before=before, after=after, kind=kind, why=why)


def as_one_state(factors: Sequence[Change]) -> Mapping[str, str]:
    """Commit and patch, where both moved, as the one state of the code that they tell of."""
    moved = {change.path for change in factors}
    return dict.fromkeys(CODE_STATE, "code.state") if moved >= {*CODE_STATE} else {}


def _patches(a: Levels, b: Levels) -> Sequence[str | None]:
    """The texts of the patches of two runs, where both are there with each secret as one word that either proves."""
    texts = [kept_patch(of.run, of.at(PATCH)) for of in (a, b)]
    if texts[0] is not None and texts[1] is not None:
        return same_but_for_secrets(texts[0], texts[1])
    return texts


def another_secret(a: Levels, b: Levels) -> Iterator[Change]:
    """Patches of runs that were found alike but for their secrets, where which secrets are in them is a choice."""
    before, after = (of.at(PATCH) for of in (a, b))
    known = not (isinstance(before, Absent) or isinstance(after, Absent) or (a.files_judged and b.files_judged))
    if known and before != after and _say_two_things(_patches(a, b)):
        yield Change(path=PATCH, before=before, after=after)


def _say_two_things(texts: Sequence[str | None]) -> bool:
    return len({None if text is None else patch_digest(text) for text in texts}) > 1


def _of_its_file(change: Change, found: Sequence[Change]) -> Change:
    """The name of the script as what follows from the file of that name, where that file is a factor by itself."""
    if change.path != PROGRAM or change.kind is not ChangeClass.FACTOR:
        return change
    files = {prefix_of(str(name)) for name in (change.before, change.after)}
    file = next((own.path for own in found if own.path in files and own.kind is ChangeClass.FACTOR), None)
    if file is None:
        return change
    return replace(change, kind=ChangeClass.DERIVED, follows=file, why="the file of the script is compared by itself")


def _of_its_commit(change: Change, found: Sequence[Change]) -> Change:
    """A source file of which only the digest is on record as what follows from the commit, where that is a factor: no
    run can have the files of one commit under another, so the two are one choice."""
    if not is_source_digest(change.path) or change.kind is not ChangeClass.FACTOR:
        return change
    if not any(other.path == COMMIT and other.kind is ChangeClass.FACTOR for other in found):
        return change
    return replace(change, kind=ChangeClass.DERIVED, follows=COMMIT, role=Role.TREATMENT,
                   why="a file of the one commit and of the other")  # fmt: skip


def follow_the_code(found: Sequence[Change], pair: Pair) -> Sequence[Change]:
    """The digest of the evaluation code moves with a comment; where every file is known, the files have the word. So
    have they where the script is another one because its file came or went."""
    found = [_of_its_commit(_of_its_file(change, found), found) for change in found]
    a, b = pair.a, pair.b
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
