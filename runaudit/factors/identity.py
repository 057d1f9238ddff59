"""The one identity of a design: which runs are one experiment, whatever their seed.

Cohorts, the list index, a repetition's replicates and the cells of a study all ask here, so that no two of them can
disagree on who is with whom. Two runs are of one design where nothing but seeds is found to differ and each declares
what the other does: what is in doubt is a factor, and so another design. What only observation tells is a gap where a
run was not watched, for a run that was killed stays a run of its design. A run of the same design with another seed is
a *replicate*, one that repeats the same seed a *repetition*.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from runaudit.factors.arguments import ROOT
from runaudit.factors.changed import changed
from runaudit.factors.classes import (
    CHECKPOINT,
    JUDGED_IN_PAIRS,
    NOT_COUNTED,
    beyond_key_written,
    candidate_key,
    design_key,
    says_more,
)
from runaudit.factors.code_state import another_secret
from runaudit.factors.factor import ABSENT, SEED_ROLES, Absent, Change, ChangeClass
from runaudit.factors.gaps import undeclared_code, untold, unwatched
from runaudit.factors.levels import PREFIXES, Levels, levels
from runaudit.factors.lineage import PREFIX as PARENT
from runaudit.factors.lineage import compared
from runaudit.factors.marks import BEGINS, holds_marks
from runaudit.factors.policy import shared_policy
from runaudit.factors.seedlike import in_doubt, moved_alone, nested_differences, nested_seeds
from runaudit.factors.source import cannot_run, file_changes
from runaudit.factors.together import together
from runaudit.factors.tree import differences
from runaudit.records.canonical import JSON, canonical_table
from runaudit.records.digest import Digest, digest_bytes
from runaudit.records.manifest import START, UNLOGGED, UNTYPED
from runaudit.records.run import Run
from runaudit.records.sections import OfSection
from runaudit.records.trackers import FILE
from runaudit.settings import FactorSettings
from runaudit.system.progress import work

ID_LENGTH = 12


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What was run, without its seed, under a policy. All that is kept here depends on these two alone."""

    of: Levels
    policy: FactorSettings
    own_policy: FactorSettings
    """The policy with the rules that this run sealed."""

    @property
    def run(self) -> Run:
        """The run whose design this is."""
        return self.of.run

    @cached_property
    def key(self) -> str:
        """A text that runs of one design have in common. It sorts candidates: unequal for two designs that differ in
        what they declare; of equal ones `matches` decides."""
        if self.run.is_gone:
            return f"forgotten {self._told_cohort}"
        return " ".join((candidate_key(self.of, self.own_policy), *extent(self.of), *self._alone))

    @property
    def _alone(self) -> tuple[str, ...]:
        """What keeps a run from every other: that another tracker's record holds no config, or any record a setting
        that is an object, and not what that was. Unknown is equal to nothing, and a folder of such runs is no cohort,
        whatever they were."""
        manifest = self.run.manifest
        is_theirs = not manifest.is_captured and not manifest.is_gone and manifest.section("origin")["kind"] != FILE
        is_lost = not manifest.has("config") or UNTYPED in self.of.left_open
        return (self.run.id,) if (is_theirs and is_lost) or untold(self.of, self.own_policy) else ()

    @property
    def _told_cohort(self) -> str:
        return str(self.run.manifest.section("origin").get("cohort") or "")

    @cached_property
    def seeds(self) -> Mapping[str, JSON]:
        """The seeds in tables of the run, and those beside its own, by path."""
        return nested_seeds(self.of)

    @property
    def peers(self) -> tuple[str, ...]:
        """Of a run that was forgotten, those that its tombstone says it was of one design with."""
        return tuple(map(str, self.run.manifest.section("origin").get("peers") or ())) if self.run.is_gone else ()

    @property
    def rank(self) -> int:
        """Whose design is asked first: 0 went to their end, 1 broke off, 2 were forgotten."""
        return 2 if self.run.is_gone else int(self.of.broke_off)

    @cached_property
    def _declared(self) -> str:
        """What the design declares, by content."""
        return design_key(self.of, self.own_policy)

    @cached_property
    def digest(self) -> Digest:
        """The design without its seed, by content."""
        (of,) = together((self.of,))
        parts = [
            self._declared if of is self.of else design_key(of, self.own_policy),
            _files_written(of),
            beyond_key_written(of, self.own_policy),
            *self._alone,
            *in_doubt(of),
            *([identity_at(self.of.parent, self.policy).id] if self.of.parent else []),
        ]
        return digest_bytes(" ".join(parts).encode())

    @property
    def id(self) -> str:
        """The id of the cohort that this run founds."""
        return (self._told_cohort if self.run.is_gone else "") or self.digest.hex[:ID_LENGTH]

    def matches(self, other: "Identity") -> bool:
        """Whether two runs are of one design: nothing but seeds is found to differ."""
        if self.key != other.key:
            return False
        a, b = self.of, other.of
        declared = (self.own_policy, other.own_policy)
        alone = moved_alone(self.seeds, other.seeds, (a.tree.get("seed"), b.tree.get("seed")))
        if alone and not any(says_more(policy) or policy.derived for policy in declared):
            return False  # Asked first: of many runs of one key most differ so.
        if a.tree == b.tree and a.files == b.files and a.observed == b.observed:
            return True
        a, b = together((a, b))
        policy = shared_policy(self.policy, (a.run, b.run))
        return not any(
            change.kind is ChangeClass.FACTOR and change.role not in SEED_ROLES
            for change in _beyond_the_key(a, b, policy)
        )


def _files_written(of: Levels) -> str:
    """The source files that could have run, as they are written."""
    files = of.files or {}
    if not of.scope.files:
        files = {path: digest for path, digest in files.items() if not cannot_run(path, of)}
    # Designs of one tree share what is read of it.
    return _written_of(of.files) if of.files and len(files) == len(of.files) else _table(files)


def _table(files: Mapping[str, str]) -> str:
    return canonical_table(files).decode()


_written_of = OfSection(_table)


def identity_of(run: Run, policy: FactorSettings) -> Identity:
    """The design of a run under the policy of the project."""
    own = shared_policy(policy, (run,))
    return Identity(of=levels(run, own), policy=policy, own_policy=own)


def identity_at(of: Levels, policy: FactorSettings) -> Identity:
    """The design of a run whose levels are known."""
    return Identity(of=of, policy=policy, own_policy=shared_policy(policy, (of.run,)))


def extent(of: Levels) -> tuple[str, ...]:
    """How far a record goes where the levels of its leaves do not say it: what of its code it leaves unknown, whether
    it holds all files, lists data, and has its beginning. One that goes less far is not known to be of one design."""
    whole = ("files",) if of.files_judged else ()
    listed = (*(["data"] if "data" in of.tree else []), *(["from a later step on"] if START in of.left_open else []),
              *([UNLOGGED] if UNLOGGED in of.left_open else []))  # fmt: skip
    before = tuple(f"parent {what}" for what in extent(of.parent)) if of.parent else ()
    return (*sorted(path for path, _ in undeclared_code(of)), *whole, *listed, *before)


def of_one_design(found: Iterable[Identity]) -> tuple[tuple[Identity, ...], ...]:
    """These runs, those of one design together: each group in the order in which they come, and the groups in that of
    their founders."""
    order = tuple(found)
    homes: dict[str, int] = {}
    places: dict[int, list[int]] = {}
    buckets: dict[str, dict[int, Identity]] = {}
    # A run that went to its end founds a design before one that did not, whatever came first.
    with work("grouping", len(order), "runs") as advance:
        for at in sorted(range(len(order)), key=lambda at: (order[at].rank, at)):
            one = order[at]
            founders = buckets.setdefault(one.key, {})
            home = next((homes[peer] for peer in one.peers if peer in homes), None)
            home = home_of(one, founders.items()) if home is None else home
            if home is None:
                home, founders[at] = at, one
            homes[one.run.id] = home
            places.setdefault(home, []).append(at)
            advance(1)
    return tuple(tuple(order[at] for at in sorted(places[home])) for home in sorted(places))


def founder_of(group: Sequence[Identity]) -> Identity:
    """The run whose design a group is of: the first that went to its end, else that broke off, else the first."""
    return min(group, key=lambda one: one.rank)


def home_of(one: Identity, founders: Iterable[tuple[int, Identity]]) -> int | None:
    """The number of the founder whose design a run is of; None where it is of none of these.

    What broke off shows less than what went to its end, and two designs may have that in common: so none that went to
    its end is of the design of one that did not, and a run that may be of several is of the one of its label. A run
    whose seeds in tables are a founder's is of its design before it is of one that they only follow the run's own to:
    of a grid of two seeds each cell on the diagonal may be either.
    """
    if one.run.is_gone:
        return next((n for n, founder in founders if founder.run.is_gone), None)
    if one.seeds:
        founders = sorted(founders, key=lambda row: row[1].seeds != one.seeds)
    if not one.of.broke_off:
        return next((n for n, founder in founders if not founder.of.broke_off and founder.matches(one)), None)
    matching = [(founder.of.broke_off, founder.seeds != one.seeds, founder.run.label != one.run.label, n)
                for n, founder in founders if founder.matches(one)]  # fmt: skip
    return min(matching)[3] if matching else None


def _beyond_the_key(a: Levels, b: Levels, policy: FactorSettings) -> Iterator[Change]:
    """What differs between two runs of one key: their words, environment, code, what they were seen to read, and the
    secrets of what they declare, which a key has as one word."""
    # Few records hold a secret, and to walk their configs again would cost each pair of runs.
    marked = any(BEGINS.encode() in of.run.manifest.raw for of in (a, b))
    for section in sorted({*a.tree, *b.tree} - {*NOT_COUNTED, ROOT}) if marked else ():
        for path, before, after in differences(a.tree.get(section, ABSENT), b.tree.get(section, ABSENT), section):
            if BEGINS in path or holds_marks(before) or holds_marks(after):
                yield changed(path, before, after, a, b, policy)
    for path, before, after in nested_differences(a, b):
        yield changed(path, before, after, a, b, policy)
    yield from another_secret(a, b)
    for section in (ROOT, *JUDGED_IN_PAIRS):
        left, right = a.tree.get(section, {}), b.tree.get(section, {})
        if left is right:  # Runs of one tree share what they read of it.
            continue
        for path, before, after in differences(left, right, PREFIXES.get(section, section)):
            using, other = (b, a) if isinstance(before, Absent) else (a, b)
            one_sided = isinstance(before, Absent) or isinstance(after, Absent)
            if not (one_sided and path in using.scope.facts and unwatched(path, other)):
                yield changed(path, before, after, a, b, policy)
    if (a.files is None) != (b.files is None):
        yield Change(path="code.files", before=a.files is None, after=b.files is None)
    elif a.files is not None and a.files != b.files:
        yield from file_changes(a, b, policy)
    yield from _of_the_parents(a, b, policy)


def _of_the_parents(a: Levels, b: Levels, policy: FactorSettings) -> Iterator[Change]:
    """What a comparison finds to differ between the runs that two began from, and between the checkpoints taken."""
    if compared(a, b):
        from runaudit.factors.changes import changes  # All that compares two runs, which few runs have parents for.

        for change in changes(a, b, policy)[1]:
            if change.path == CHECKPOINT or change.path.startswith(PARENT):
                yield change
