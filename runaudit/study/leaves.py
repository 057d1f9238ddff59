"""The leaves that differ anywhere among many runs.

A leaf is judged as it is when two runs are compared: what stands for a nuisance, a derivation or a seed there is no
factor of the study here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from runaudit.factors.bydefault import has_read, is_called_after
from runaudit.factors.changed import common_role
from runaudit.factors.classes import standing
from runaudit.factors.code_state import CODE_STATE, PROGRAM, is_source_digest, scripts
from runaudit.factors.copied import repeats
from runaudit.factors.derived import check_rule, references
from runaudit.factors.factor import ABSENT, SEED_ROLES, Absent, ChangeClass, Classification, Role, section_of
from runaudit.factors.filed import is_filed, spoken_of
from runaudit.factors.following import (
    ARGUMENTS,
    are_named_alike,
    is_its_leaf,
    is_one_choice,
    last_said,
    spells,
)
from runaudit.factors.gaps import COUNTED_BY_DIGEST
from runaudit.factors.levels import NOT_DESIGN, Levels
from runaudit.factors.marks import BEGINS, coded, holds_marks
from runaudit.factors.path import matches, steps
from runaudit.factors.policy import is_measure
from runaudit.factors.source import prefix_of
from runaudit.factors.unknowns import no_sections
from runaudit.settings import FactorSettings
from runaudit.study.code import beside_the_commits, code_leaves
from runaudit.study.leaf import EXCUSED, EXPLAINED, UNKNOWN, Leaf, Level, Sentinel, token
from runaudit.study.raw import raw_levels
from runaudit.system.progress import work


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaves:
    """`varying`: what counts and differs, or is unknown in some run. `replicating`: seeds and stochastic settings.
    `held`: what counts and never differed. `sources`: digests of source files as the records have them, which keep
    designs apart also where a file is no factor beside its commit."""

    varying: tuple[Leaf, ...]
    replicating: tuple[Leaf, ...]
    held: tuple[str, ...]
    sources: tuple[Leaf, ...] = ()


def leaves_among(runs: Sequence[Levels], settings: FactorSettings) -> Leaves:
    """Every leaf of these runs that can change a result."""
    varying: list[Leaf] = []
    replicating: list[Leaf] = []
    held: list[str] = []
    explained: list[Leaf] = []
    quiet: dict[str, bool] = {}
    raw: dict[str, tuple[Level, ...]] = {}
    wholly = any("code" in no_sections(of.run) for of in runs)
    for section, leaves in _sections(runs):
        for path, values, differs in leaves:
            if path == "env.files" and not any(values):
                continue  # No package opened a file by itself in any of these runs.
            if section == "code" and (wholly or path in CODE_STATE):
                continue  # The code itself, beside which a record has facts of it: the script that was run.
            if path == PROGRAM:
                values = _scripts(runs, values)
                differs = differs and len({token(value) for value in values if value is not UNKNOWN}) > 1
            leaf = _judged(path, values, differs, runs, settings)
            if differs:
                raw[path] = tuple(values)
                quiet[path] = leaf is None and _stands(path, values, runs, settings).kind is ChangeClass.NUISANCE
            if leaf is None:
                if differs and path in settings.derived:
                    explained.append(Leaf(path=path, levels=tuple(values)))
                continue
            if leaf.role in SEED_ROLES:
                replicating.append(leaf)
            elif any(level is UNKNOWN for level in leaf.levels) or len(leaf.known) > 1:
                varying.append(leaf)
            elif section != "code":
                held.append(path)
    varying += [leaf for leaf in explained if _explains_nothing(settings.derived[leaf.path], leaf.path, quiet)]
    code = [replace(leaf, role=Role.EVALUATION) if is_measure(leaf.path, settings) else leaf
            for leaf in code_leaves(runs, settings)]  # fmt: skip
    varying = [leaf for leaf in varying if leaf.path != PROGRAM or not _is_told_by_files(leaf, code)]
    sources = tuple(
        replace(leaf, levels=raw.get(leaf.path, leaf.levels)) for leaf in varying if is_source_digest(leaf.path)
    )
    varying = [leaf for leaf in varying if not is_source_digest(leaf.path)]
    varying += beside_the_commits(sources, code, runs)
    varying = _once(varying, runs)
    varying = [leaf for leaf in varying if not _is_said_again(leaf, varying)]
    varying = [leaf for leaf in varying if not _is_filed_by_another(leaf, varying, runs)]
    varying = [leaf for leaf in varying if not _leads_to_data(leaf, varying, runs)]
    idle = {path: raw[path] for path, is_idle in quiet.items() if is_idle}
    varying = [leaf for leaf in varying if not _repeats_idle(leaf.path, raw.get(leaf.path, ()), idle)]
    return Leaves(
        varying=tuple(sorted([*varying, *code], key=lambda leaf: leaf.path)),
        replicating=tuple(replicating),
        sources=sources,
        held=tuple(
            sorted([*held, *([] if any(section_of(leaf.path) == "code" for leaf in [*varying, *code]) else ["code"])])
        ),
    )


def _scripts(runs: Sequence[Levels], values: Sequence[Level]) -> list[Level]:
    """The scripts of these runs, those that may be one under several names by the longest of them."""
    return [UNKNOWN if one is None else value if value is UNKNOWN else one
            for one, value in zip(scripts(runs), values, strict=True)]  # fmt: skip


def _sections(runs: Sequence[Levels]) -> Iterator[tuple[str, Iterator[tuple[str, list[Level], bool]]]]:
    """Every section of these runs with its leaves, told while that takes long."""
    with work("laying out", None, "settings") as advance:

        def told(section: str) -> Iterator[tuple[str, list[Level], bool]]:
            for leaf in raw_levels(runs, section):
                yield leaf
                advance(1)

        for section in sorted({name for of in runs for name in of.tree if name not in NOT_DESIGN}):
            yield section, told(section)


def _is_told_by_files(program: Leaf, code: Sequence[Leaf]) -> bool:
    """Whether runs of two scripts always differ in the file of one of them: one change, as a comparison has it."""
    files = {leaf.path: [token(level) for level in leaf.levels] for leaf in code}
    runs: dict[str, list[int]] = {}
    for i, level in enumerate(program.levels):
        runs.setdefault(prefix_of(str(level)), []).append(i)
    return all(
        any({files[name][i] for i in left}.isdisjoint(files[name][i] for i in right)
            for name in (mine, theirs) if name in files)
        for (mine, left), (theirs, right) in combinations(runs.items(), 2)
    )  # fmt: skip


def _once(leaves: Sequence[Leaf], runs: Sequence[Levels]) -> list[Leaf]:
    """The leaves without those that a program logged a second time, as a comparison of two has it."""
    settings = (leaf for leaf in leaves if section_of(leaf.path) == "config")
    told = {leaf.path: leaf.levels for leaf in settings if not any(isinstance(one, Sentinel) for one in leaf.levels)}
    roles = {leaf.path: leaf.role for leaf in leaves}
    outer = {path: repeats(path, told, runs) for path in told}
    return [leaf for leaf in leaves
            if not outer.get(leaf.path) or roles[outer[leaf.path]] not in (leaf.role, Role.EVALUATION)]  # fmt: skip


def _is_said_again(word: Leaf, leaves: Sequence[Leaf]) -> bool:
    """Whether a word of the command line tracks one setting through all runs, as a comparison of two has it."""
    if not matches(word.path, ARGUMENTS):
        return False
    alike = [leaf for leaf in leaves if section_of(leaf.path) == "config" and leaf.tokens == word.tokens]
    settings = [leaf.path for leaf in alike if not matches(leaf.path, ARGUMENTS)]
    known = [level for level in word.levels if not isinstance(level, Sentinel)]
    if len(settings) == 1 == len(alike) - 1 and is_one_choice(word.path, settings[0], known):
        return True
    if any(_says_it_last(word, leaf) for leaf in leaves):
        return True
    set_by = [leaf.path for leaf in leaves if _is_set(leaf, word)]
    others = [leaf for leaf in leaves if matches(leaf.path, ARGUMENTS) and leaf is not word]
    return len(set_by) == 1 and are_named_alike(word.path, set_by[0]) and not any(
        _is_set(leaf, other) for other in others for leaf in leaves if leaf.path == set_by[0]
    )  # fmt: skip


def _says_it_last(word: Leaf, leaf: Leaf) -> bool:
    """Whether an option that was given several times set the leaf of its name, to the last that was said."""
    return is_its_leaf(leaf.path, word.path) and leaf.tokens == tuple(token(last_said(one)) for one in word.levels)


def _leads_to_data(word: Leaf, leaves: Sequence[Leaf], runs: Sequence[Levels]) -> bool:
    """Whether a leaf only says where a data set lies, and every run was seen to read its own, as a comparison of two
    has it."""
    told = {str(level) for level in word.levels if level is not ABSENT}
    name = next(iter(told))[6:-1] if len(told) == 1 and next(iter(told)).startswith("<data.") else ""
    if not name or not is_called_after(word.path, name) or not all(has_read(name, of) for of in runs):
        return False
    # Beside one content it says nothing, beside others it follows them.
    digests = {of.at(f"data.{name}.digest") for of in runs}
    return (len(digests) == 1 and ABSENT not in digests) or any(matches(leaf.path, f"data.{name}") for leaf in leaves)


def _is_filed_by_another(leaf: Leaf, leaves: Sequence[Leaf], runs: Sequence[Levels]) -> bool:
    """Whether a leaf only says under what the tracker files each run, by the levels of another leaf."""
    if not is_filed(leaf.path, leaf.levels, runs):
        return False
    settings = {other.path: other.levels for other in leaves if other is not leaf
                and section_of(other.path) == "config" and not is_filed(other.path, other.levels, runs)}  # fmt: skip
    return bool(spoken_of(leaf.levels, settings))


def _is_set(leaf: Leaf, word: Leaf) -> bool:
    """Whether a setting has the value of a word wherever it was typed, and another one wherever it was left out."""
    if section_of(leaf.path) != "config" or matches(leaf.path, ARGUMENTS):
        return False
    pairs = list(zip(leaf.levels, word.levels, strict=True))
    told = {token(level) for level, said in pairs if _is_known(said)}
    if not told or not all(_is_known(level) for level, _ in pairs) or not any(said is ABSENT for _, said in pairs):
        return False
    return all(token(level) == token(said) or spells(said, level) if _is_known(said) else
               said is ABSENT and token(level) not in told for level, said in pairs)  # fmt: skip


def _is_known(level: Level) -> bool:
    return not isinstance(level, Absent | Sentinel)


def _repeats_idle(path: str, values: Sequence[Level], idle: Mapping[str, Sequence[Level]]) -> bool:
    """Whether a word of the command line says in each run what a setting says that cannot matter, as a comparison of
    two has it: the folder that it writes to."""
    if not matches(path, ARGUMENTS):
        return False
    mine = [token(value) for value in values]
    same = [other for other, theirs in idle.items() if section_of(other) == "config"
            and not matches(other, ARGUMENTS) and [token(value) for value in theirs] == mine]  # fmt: skip
    return len(same) == 1 and all(map(_is_known, values)) and is_one_choice(path, same[0], values)


def _explains_nothing(rule: str, path: str, quiet: Mapping[str, bool]) -> bool:
    """Whether all that differs of what a rule reads cannot matter: what follows from it is then a factor of its own."""
    read = [still for other, still in quiet.items() for ref in references(rule, path) if matches(other, ref)]
    return bool(read) and all(read)


def _judged(
    path: str, values: list[Level], differs: bool, runs: Sequence[Levels], settings: FactorSettings
) -> Leaf | None:
    """The leaf with what counts of its levels, or None where it cannot matter in any run."""
    if not differs:
        # What never varied is judged on one run: it is no factor of this study, only something that was held. But what
        # stayed as it was where its rule would have moved it was chosen.
        if path in settings.derived and (chosen := _against_its_rule(path, values, runs, settings)):
            return chosen
        stands = _stands(path, values, runs, settings)
        known = Leaf(path=path, levels=tuple(values), role=stands.role)
        return known if stands.kind is ChangeClass.FACTOR else None
    levels = list(values)
    sides: list[Classification] = []
    for i, (value, of) in enumerate(zip(values, runs, strict=True)):
        if isinstance(value, Absent | Sentinel):
            continue
        stands = standing(path, value, of, settings)
        sides.append(stands)
        if stands.kind is not ChangeClass.FACTOR:
            levels[i] = EXPLAINED if path in settings.derived else EXCUSED
            continue
        if stands.value is not ABSENT:
            levels[i] = stands.value
    if not any(side.kind is ChangeClass.FACTOR for side in sides):
        return None
    return Leaf(path=path, levels=_one_a_secret(values, levels), role=common_role(sides))


_NO_CHOICE = (EXPLAINED, EXCUSED)


def _one_a_secret(values: Sequence[Level], levels: Sequence[Level]) -> tuple[Level, ...]:
    """The levels, one for all values that hold the same secrets at the same places: what the record of one run proves
    of a secret is proven of it in the others."""
    marked = [not isinstance(value, Absent | Sentinel) and holds_marks(value) for value in values]
    if not any(marked):
        return tuple(levels)
    secrets = [token(coded(value)) if has else "" for value, has in zip(values, marked, strict=True)]
    best: dict[str, Level] = {}
    for secret, level in zip(secrets, levels, strict=True):
        if level not in _NO_CHOICE and (secret not in best or _closed(level) < _closed(best[secret])):
            best[secret] = level
    return tuple(best.get(secret, level) if has and level not in _NO_CHOICE else level
                 for secret, has, level in zip(secrets, marked, levels, strict=True))  # fmt: skip


def _closed(level: Level) -> tuple[int, str]:
    """How many secrets of a level are not open, then the level itself: an order that no order of the runs changes."""
    text = token(level)
    return text.count(BEGINS), text


def _against_its_rule(
    path: str, values: Sequence[Level], runs: Sequence[Levels], settings: FactorSettings
) -> Leaf | None:
    """A leaf that follows its rule in some runs and breaks it in others, though its value is the same in all."""
    rule = settings.derived[path]
    holds = [isinstance(value, Absent | Sentinel) or check_rule(path, rule, value, of.at).holds
             for value, of in zip(values, runs, strict=True)]  # fmt: skip
    if len(set(holds)) == 1:
        return None
    levels = (EXPLAINED if held else value for held, value in zip(holds, values, strict=True))
    return Leaf(path=path, levels=tuple(levels))


def _stands(path: str, values: Sequence[Level], runs: Sequence[Levels], settings: FactorSettings) -> Classification:
    """What a leaf stands for in the first run that has it."""
    at = next(i for i, value in enumerate(values) if not isinstance(value, Absent | Sentinel))
    return standing(path, values[at], runs[at], settings)


def covered_by_digest(leaf: Leaf, runs: Sequence[Levels]) -> bool:
    """Whether a fact of a data set is unknown somewhere and its digest, known everywhere, says it already."""
    keys = steps(leaf.path)
    if len(keys) < 3 or keys[0] != "data" or keys[2] not in COUNTED_BY_DIGEST or UNKNOWN not in leaf.levels:
        return False
    return all(of.at(f"data.{keys[1]}.digest") for of in runs)
