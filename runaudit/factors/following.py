"""What a change follows from: a rule, a word said twice, or something that cannot matter and so explains nothing."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from runaudit.factors import builtin as known
from runaudit.factors.copied import COPIED
from runaudit.factors.derived import check_rule, references
from runaudit.factors.factor import Absent, Change, ChangeClass, Role
from runaudit.factors.namewords import words
from runaudit.factors.pair import Pair
from runaudit.factors.path import last_key, matches, steps
from runaudit.factors.tree import same

ARGUMENTS = "config.args"


def broken_rules(found: Sequence[Change], pair: Pair) -> Sequence[Change]:
    """Leaves that stayed as they were where their rule says that they should have moved: that, too, was chosen."""
    return [*found, *_broken(pair, {change.path for change in found})]


def _broken(pair: Pair, changed_paths: set[str]) -> Iterator[Change]:
    for path, rule in pair.settings.derived.items():
        before, after = pair.a.at(path), pair.b.at(path)
        if path in changed_paths or isinstance(before, Absent) or isinstance(after, Absent):
            continue
        sides = check_rule(path, rule, before, pair.a.at), check_rule(path, rule, after, pair.b.at)
        if sides[0].holds is not sides[1].holds:
            why = next(side.why for side in sides if not side.holds)
            yield Change(path=path, before=before, after=after, why=why)


def explained_by_what_counts(found: Sequence[Change], pair: Pair) -> Sequence[Change]:
    """A derived leaf must follow from something that counts: what follows from a nuisance is a factor of its own."""
    quiet = {change.path for change in found if change.kind in (ChangeClass.NUISANCE, ChangeClass.COSMETIC)}
    result = []
    for change in found:
        rule = pair.settings.derived.get(change.path)
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


def each_once(found: Sequence[Change], _pair: Pair) -> Sequence[Change]:
    """A word of the command line that tracks a leaf of the config in both runs is one choice with it.

    So is a word that only one run has with the one leaf of its name, or of a name that has to do with it, that has its
    value there, and another where the word was left out. One that moves as two leaves do, or as another word does, may
    be either, and a value that anything may have shows nothing: `--ema true` is not `amp: true`. These stay factors.
    """
    config = [c for c in found if c.section == "config" and not matches(c.path, ARGUMENTS) and c.why != COPIED]
    typed = [c for c in found if c.kind is ChangeClass.FACTOR and matches(c.path, ARGUMENTS)]
    result = []
    for change in found:
        if change in typed:
            twins = [c for c in config if _move_alike(c, change)]
            twin = twins[0] if len(twins) == sum(_move_alike(c, change) for c in typed) == 1 else None
            if twin is None or not _is_one_choice(change, twin):
                twin = _said_last(change, config) or _set_by(change, config, typed)
            if twin is not None:
                change = replace(change, kind=ChangeClass.DERIVED, follows=twin.path, role=Role.TREATMENT,
                                 why=f"the command line says {twin.path}")  # fmt: skip
        result.append(change)
    return result


def _set_by(word: Change, config: Sequence[Change], typed: Sequence[Change]) -> Change | None:
    """The leaf that a word of one run set, and the other left at its default."""
    moved = [leaf for leaf in config if _sets(word, leaf)]
    named = [leaf for leaf in moved if last_key(leaf.path).lower() == last_key(word.path).lower()]
    found = named or (moved if len(moved) == 1 and are_named_alike(word.path, moved[0].path) else [])
    return found[0] if len(found) == 1 and sum(_sets(other, found[0]) for other in typed) == 1 else None


def _sets(word: Change, leaf: Change) -> bool:
    if isinstance(leaf.before, Absent) or isinstance(leaf.after, Absent):
        return False
    if isinstance(word.before, Absent):
        return same(word.after, leaf.after) or spells(word.after, leaf.after)
    return isinstance(word.after, Absent) and (same(word.before, leaf.before) or spells(word.before, leaf.before))


def spells(word: object, value: object) -> bool:
    """Whether a word is a setting's truth value: of `--set fused=true` everybody but the program reads a text."""
    return isinstance(word, str) and isinstance(value, bool) and word.lower() == str(value).lower()


def _move_alike(a: Change, b: Change) -> bool:
    return same(a.before, b.before) and same(a.after, b.after)


def _said_last(word: Change, config: Sequence[Change]) -> Change | None:
    """The leaf of its name that an option sets which was given several times: the last one counts, in both runs. One
    that stayed as it was, though more was said, may be one of a list that the program keeps."""
    sides = last_said(word.before), last_said(word.after)
    return next((leaf for leaf in config if is_its_leaf(leaf.path, word.path)
                 and same(leaf.before, sides[0]) and same(leaf.after, sides[1])), None)  # fmt: skip


def is_its_leaf(leaf: str, word: str) -> bool:
    """Whether a leaf of the config has the whole name of an option: `config.budget.steps` of `--set budget.steps=3`."""
    return not matches(leaf, ARGUMENTS) and ".".join(map(str, steps(leaf)[1:])) == last_key(word)


def last_said(value: object) -> object:
    """What counts of an option that was given several times, as most programs read it."""
    return value[-1] if isinstance(value, list) and value else value


def _is_one_choice(word: Change, leaf: Change) -> bool:
    return is_one_choice(word.path, leaf.path, (word.before, word.after))


def is_one_choice(word: str, leaf: str, values: Iterable[object]) -> bool:
    """Whether a word and a setting that move alike are one: their names have to do with each other, or hardly any
    other choice has these values. A setting that bears the word's name and says that it is another quantity is one:
    `--lr` is not `lr_min`."""
    if _is_another_quantity(word, leaf):
        return False
    is_near = last_key(word)[:1].lower() == last_key(leaf)[:1].lower()
    return are_named_alike(word, leaf) or all(_is_rare(value, is_near=is_near) for value in values)


def _is_rare(value: object, *, is_near: bool) -> bool:
    """Whether two choices hardly have a value by chance. Where their names begin alike (`--batch`, `bs`), some tens
    show it already."""
    if isinstance(value, str):
        return len(value) > RARE or (any(map(str.isdigit, value)) and any(map(str.isalpha, value)))
    if isinstance(value, float) and not value.is_integer():
        return True
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) > (TENS if is_near else MANY)


def are_named_alike(word: str, leaf: str) -> bool:
    """Whether two leaves have a word of their names in common, or one has the initials of the other, `lr` and
    `learning_rate`, or its beginning: `-b` and `batch_size`."""
    name, other = (words(last_key(path)) for path in (word, leaf))
    mine, theirs = "".join(name), "".join(other)
    if not mine or not theirs or _is_another_quantity(word, leaf):
        return False
    is_cut_short = mine.startswith(theirs) or theirs.startswith(mine)
    return bool(set(name) & set(other)) or is_cut_short or _initials(name) == theirs or _initials(other) == mine


def _is_another_quantity(word: str, leaf: str) -> bool:
    """Whether the name of one leaf is that of the other and a word that makes another quantity of it."""
    name, other = (set(words(last_key(path))) for path in (word, leaf))
    more = name ^ other
    return (name < other or other < name) and bool(more & known.OTHER_QUANTITIES)


def _initials(parts: Iterable[str]) -> str:
    return "".join(part[:1] for part in parts)


RARE = 4
"""Characters of a text beyond which two choices hardly have it by chance; one of letters and digits is rare anyway."""
TENS, MANY = 10, 1000
"""The same of a whole number."""
