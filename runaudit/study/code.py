"""The source files of many runs as leaves, by the rules by which a comparison judges a changed file."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from runaudit.factors.code_state import COMMIT, PROGRAM, is_one_clean_tree, is_source_digest
from runaudit.factors.documents import shape, text_of
from runaudit.factors.factor import ABSENT, Absent, ChangeClass
from runaudit.factors.levels import Levels
from runaudit.factors.marks import holds_marks, same_but_for_secrets
from runaudit.factors.patch import kept_patch, patched_files
from runaudit.factors.path import matches
from runaudit.factors.source import file_change, not_reached, prefix_of
from runaudit.factors.unknowns import no_sections
from runaudit.records.canonical import canonical_bytes
from runaudit.records.digest import digest_bytes
from runaudit.settings import FactorSettings
from runaudit.study.leaf import OF_ITS_COMMIT, UNKNOWN, Leaf, Level, Sentinel, token


def code_leaves(runs: Sequence[Levels], settings: FactorSettings) -> Iterator[Leaf]:
    """Source files by their programs; where a run's tree is not wholly known, commit and patch stand for the rest."""
    none = ["code" in no_sections(of.run) for of in runs]
    if any(none):
        bodies = [canonical_bytes(of.run.manifest.body.get("code")) for of in runs]
        leaf = Leaf(path="code", levels=tuple(None if lacks else str(digest_bytes(body))
                                              for lacks, body in zip(none, bodies, strict=True)))  # fmt: skip
        yield from [leaf] if len(leaf.known) > 1 else []
        return
    found = list(_listed(runs, settings)) if all(of.files is not None for of in runs) else []
    if found and is_one_clean_tree(runs):
        programs = [of.at(PROGRAM) for of in runs]
        found = [leaf for leaf in found if not _of_the_program(leaf, programs)]
    yield from found
    if not all(of.files_judged for of in runs):
        common = {prefix_of(path) for path in frozenset.intersection(*(frozenset(of.files or ()) for of in runs))}
        yield from (leaf for leaf in _states(runs, bool(found)) if leaf.path not in common and _weighs(leaf, settings))


def without_the_commits(
    leaves: Sequence[Leaf], code: Sequence[Leaf], raw: Mapping[str, Sequence[Level]], runs: Sequence[Levels]
) -> list[Leaf]:
    """The leaves, those that are a tracker's digests of source files with what its commit says of each left out.

    Where the commit varies, a file that is as its commit has it was not chosen besides: no run can have the files of
    one commit under another. What a work tree was edited to is a choice of its own; and of a run of which nobody knows
    the commit, whether its files follow from it is not known either. Else the digests count as they are, also those of
    files of which only some runs kept the text.
    """
    commits = next((leaf.levels for leaf in code if leaf.path == COMMIT and len(leaf.known) > 1), None)
    found = []
    for leaf in leaves:
        if not is_source_digest(leaf.path):
            found.append(leaf)
            continue
        levels = tuple(raw.get(leaf.path, leaf.levels))
        if commits is not None:
            levels = _beside(levels, commits, [of.at("code.dirty") is False for of in runs])
        leaf = replace(leaf, levels=levels)
        found += [leaf] if len(leaf.known) > 1 else []
    return found


def _beside(levels: Sequence[Level], commits: Sequence[Level], clean: Sequence[bool]) -> tuple[Level, ...]:
    """The levels of one file beside the commits: what each commit has, by its clean runs, or the most of all."""
    of_commit: dict[str, Counter[str]] = {}
    for level, commit, is_clean in zip(levels, commits, clean, strict=True):
        of_commit.setdefault(token(commit), Counter())[token(level)] += len(levels) if is_clean else 1
    usual = {commit: min(found, key=lambda one: (-found[one], one)) for commit, found in of_commit.items()}
    return tuple(UNKNOWN if commit is UNKNOWN else OF_ITS_COMMIT if token(level) == usual[token(commit)] else level
                 for level, commit in zip(levels, commits, strict=True))  # fmt: skip


def _of_the_program(leaf: Leaf, programs: Sequence[Level]) -> bool:
    """Whether a file is one that some of the scripts of one tree load and others do not, whatever else is varied."""
    told = {(canonical_bytes(program), level if isinstance(level, str) else "")
            for program, level in zip(programs, leaf.levels, strict=True)}  # fmt: skip
    loaded = {level for _, level in told if level}
    return len(loaded) == 1 and ABSENT in leaf.levels and len({program for program, _ in told}) == len(told)


def _weighs(leaf: Leaf, settings: FactorSettings) -> bool:
    varies = len(leaf.known) > 1 or leaf.path == "code.files"
    return varies and not any(matches(leaf.path, pattern) for pattern in settings.nuisance)


def _states(runs: Sequence[Levels], listed: bool) -> Iterator[Leaf]:
    """Commit and patch; patches to one commit file by file, as a comparison has them."""
    commits = Leaf(path="code.commit", levels=tuple(_state(of, "code.commit") for of in runs))
    if not listed:
        yield commits
    elif len(commits.known) > 1:
        # What else the commits change is in no record, so it is unknown of every run.
        yield Leaf(path="code.files", levels=(UNKNOWN,) * len(runs))
    patches = tuple(_state(of, "code.patch") for of in runs)
    texts = _openly([
        None if isinstance(p, Absent | Sentinel) else kept_patch(of.run, p) for p, of in zip(patches, runs, strict=True)
    ])  # fmt: skip
    parts = [patched_files(text) for text in texts]
    lacking = [part is None and level is not UNKNOWN for part, level in zip(parts, patches, strict=True)]
    if len(commits.known) > 1 or any(lacking):
        known = [level if text is None else text for level, text in zip(patches, texts, strict=True)]
        yield Leaf(path="code.patch", levels=tuple(known))
        return
    for path in sorted({path for part in parts for path in part or ()}):
        levels = (UNKNOWN if part is None else part.get(path, ABSENT) for part in parts)
        yield Leaf(path=prefix_of(path), levels=tuple(levels))


def _openly(texts: Sequence[str | None]) -> list[str | None]:
    """The texts with each secret that one of them proves as one word in all of them."""
    opened = iter(same_but_for_secrets(*(text for text in texts if text is not None)))
    return [None if text is None else next(opened) for text in texts]


def _listed(runs: Sequence[Levels], settings: FactorSettings) -> Iterator[Leaf]:
    files = [of.files or {} for of in runs]
    for path in sorted({path for tree in files for path in tree}):
        digests = [tree.get(path, ABSENT) for tree in files]
        if len(set(digests)) > 1:
            using = next(of for of, digest in zip(runs, digests, strict=True) if isinstance(digest, str))
            levels = _programs(path, digests, runs, settings)
            leaf = Leaf(path=prefix_of(path), levels=tuple(
                UNKNOWN if level is ABSENT and not_reached(path, using, of) else level
                for level, of in zip(levels, runs, strict=True)
            ))  # fmt: skip
            if len(leaf.known) > 1 and _counts(path, leaf, digests, runs, settings):
                yield leaf


def _state(of: Levels, path: str) -> Level:
    value = of.at(path)
    if not isinstance(value, Absent):
        return value
    return None if path == "code.patch" and of.at("code.dirty") is False else UNKNOWN


def _programs(
    path: str, digests: Sequence[str | Absent], runs: Sequence[Levels], settings: FactorSettings
) -> tuple[Level, ...]:
    """Each digest, or the first one that a comparison takes for the same: comments and layout make no other level."""
    alike: dict[str, list[tuple[str, Levels]]] = {}
    level: dict[str, str] = {}
    texts = _texts(path, digests, runs)
    for digest, of in zip(digests, runs, strict=True):
        if not isinstance(digest, str) or digest in level:
            continue
        text = texts.get(digest)
        program = (
            (shape(text, docstrings=False) if text is not None and path.endswith(".py") else None) or text or digest
        )
        founders = alike.setdefault(program, [])
        level[digest] = next(
            (
                first
                for first, its in founders
                if (text is not None and text == texts[first])
                or file_change(path, first, digest, its, of, settings).kind is not ChangeClass.FACTOR
            ),
            digest,
        )
        if level[digest] == digest:
            founders.append((digest, of))
    return tuple(level[digest] if isinstance(digest, str) else digest for digest in digests)


def _texts(path: str, digests: Sequence[str | Absent], runs: Sequence[Levels]) -> dict[str, str | None]:
    """Digest -> the text of the file, where it can be the same beside another one: a Python program, or a text that
    holds secrets, each of which is one word where any of the texts proves it."""
    first = {
        digest: of for digest, of in zip(reversed(digests), reversed(runs), strict=True) if isinstance(digest, str)
    }
    texts = {digest: text_of(of.run, digest) for digest, of in first.items()}
    if any(text is not None and holds_marks(text) for text in texts.values()):
        return dict(zip(texts, _openly(list(texts.values())), strict=True))
    return texts if path.endswith(".py") else {}


def _counts(
    path: str, leaf: Leaf, digests: Sequence[str | Absent], runs: Sequence[Levels], settings: FactorSettings
) -> bool:
    """Whether a comparison calls the file a factor, asked of a run that could have loaded it."""
    at = next((i for i, of in enumerate(runs) if of.loaded is None or path in of.loaded), 0)
    at = (
        at if leaf.levels[at] is not UNKNOWN else next(i for i, level in enumerate(leaf.levels) if level is not UNKNOWN)
    )
    other = next(i for i, level in enumerate(leaf.levels) if level not in (leaf.levels[at], UNKNOWN))
    sides = (digests[at], digests[other], runs[at], runs[other])
    return file_change(path, *sides, settings).kind is ChangeClass.FACTOR
