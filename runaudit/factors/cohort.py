"""Cohorts: runs that differ only in their seed, counted honestly.

Crashed and diverged runs stay in `n`. `effective_n` counts the finished runs whose seeds provably acted: equal seeds,
different seeds that began from the same random weights, or different seeds that gave the same numbers to the last bit,
are one replicate however often they were launched.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from runaudit.factors.corrected import corrected_runs
from runaudit.factors.forgotten import forgotten_runs
from runaudit.factors.identity import ID_LENGTH, founder_of, identity_of, of_one_design
from runaudit.factors.observed import seeded_alike, seeded_as_declared
from runaudit.factors.unwritten import unwritten_runs
from runaudit.records.canonical import JSON, LEAF_CLASSES, canonical_bytes
from runaudit.records.digest import digest_bytes
from runaudit.records.manifest import Manifest, Unknown
from runaudit.records.results import Results, overlap, same_numbers
from runaudit.records.run import Run
from runaudit.records.sources import launch_called
from runaudit.settings import Settings
from runaudit.text.shown import Shown
from runaudit.text.words import head, plural

HYBRID_LABEL = "untangle "
"""How the label of every run begins that `untangle` makes."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Cohort(Shown):
    """Runs of one design, oldest first."""

    id: str
    label: str
    runs: tuple[Run, ...]

    @property
    def headline(self) -> str:
        """Which cohort it is and how much of it counts, on one line."""
        seeds = head([str(seed) for seed in self.seeds if seed is not None])
        said = f", seeds {seeds}" if seeds else ""
        return f"{self.id} {self.label}: {plural(self.n, 'run')}{said}, effective n {self.effective_n}"

    @property
    def n(self) -> int:
        """Every launch, however it ended."""
        return len(self.runs)

    @property
    def finished(self) -> tuple[Run, ...]:
        """The runs whose final metrics are results."""
        return tuple(run for run in self.runs if run.finished)

    @property
    def failed(self) -> tuple[Run, ...]:
        """The runs in the denominator that have no result."""
        return tuple(run for run in self.runs if not run.finished)

    @property
    def seeds(self) -> tuple[JSON, ...]:
        """The seed of each run, None where there is none or it is unknown."""
        return tuple(_seed(run) for run in self.runs)

    @cached_property
    def replicates(self) -> tuple[tuple[Run, ...], ...]:
        """The independent draws among the finished runs: each a replicate, told by the runs that repeat it."""
        groups: list[list[Run]] = []
        traced: dict[object, set[str]] = {}
        for run in self.finished:
            traces = self._traces(run)
            near = set[str]().union(*(traced.get(trace, ()) for trace in traces))
            for trace in traces:
                traced.setdefault(trace, set()).add(run.id)
            hits = [
                number
                for number, group in enumerate(groups if near else ())
                if any(other.id in near and self._are_one_draw(run, other) for other in group)
            ]
            together = [one for number in hits for one in groups[number]]
            for number in reversed(hits):
                del groups[number]
            groups.append([*together, run])
        return tuple(tuple(group) for group in _beside_unknown(groups))

    def _traces(self, run: Run) -> tuple[object, ...]:
        """What one draw has in common with its repetitions, one of these at the least: to ask each pair of a thousand
        seeds took twenty seconds."""
        seed, proof = _seed(run), _proof(run)
        words = (("words", run.words),) if run.observed.get("seeded") else ()
        proofs = () if proof is None else (("proof", str(proof)),)
        return (
            ("seed", seed if seed.__class__ in LEAF_CLASSES else "no leaf"),
            ("final", self._results[run.id].final),
            *proofs,
            *words,
            *((("launch", launch),) if (launch := launch_called(run.manifest.body)) else ()),
        )

    @cached_property
    def _results(self) -> dict[str, Results]:
        return {run.id: Results(run) for run in self.runs}

    def _are_one_draw(self, a: Run, b: Run) -> bool:
        launches = launch_called(a.manifest.body), launch_called(b.manifest.body)
        return ("" != launches[0] == launches[1]) or _repeats(a, b) or self._same_numbers(a, b)

    def _same_numbers(self, a: Run, b: Run) -> bool:
        """Whether other seeds gave the same numbers to the last bit: then the seed drew nothing."""
        return same_numbers(self._results[a.id], self._results[b.id])

    @property
    def effective_n(self) -> int:
        """Finished runs that are independent draws."""
        return len(self.replicates)

    @property
    def unproven(self) -> tuple[Run, ...]:
        """Finished runs that count without a proof that their seed acted."""
        return tuple(run for run in self.finished if is_unproven(run))

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of `n` should know, in sentences."""
        notes = []
        if self.failed:
            ends = Counter(run.status for run in self.failed)
            how = ", ".join(f"{count} {status}" for status, count in sorted(ends.items()))
            has, stay = ("has", "it stays") if len(self.failed) == 1 else ("have", "they stay")
            notes.append(
                f"{self.label}: {len(self.failed)} of {plural(self.n, 'run')} {has} no result ({how}); {stay} counted"
            )
        notes += [*self.forgotten, *corrected_runs(self.runs), *unwritten_runs(self.runs)]
        notes += [sentence for group in self.replicates if len(group) > 1 for sentence in self._once(group)]
        if self.unproven:
            carry = "carries no proof that its" if len(self.unproven) == 1 else "carry no proof that their"
            notes.append(f"{self.label}: {len(self.unproven)} of {plural(self.n, 'run')} {carry} seed acted")
        return tuple(notes)

    @property
    def forgotten(self) -> tuple[str, ...]:
        """Which of its runs were forgotten on purpose and why, in sentences."""
        told = forgotten_runs(self.runs)
        return (f"{self.label}: {told}",) if told else ()

    @property
    def contradictions(self) -> tuple[str, ...]:
        """Which runs of unequal seeds gave one result, in sentences."""
        return tuple(
            sentence for group in self.replicates if self._gave_one_result(group) for sentence in self._once(group)
        )

    def _once(self, group: tuple[Run, ...]) -> Iterator[str]:
        """Which runs count once together, and why where their seeds are not the reason."""
        told = tuple(run for run in group if not _is_open(run))
        if told and (unknown := [run for run in group if _is_open(run)]):
            names, one = ", ".join(run.short for run in unknown), len(unknown) == 1
            if len(told) > 1:
                yield self._together(told)
            silent = "does not say its seed" if one else "do not say their seeds"
            repeated = f"{told[0].short} (seed {_seed(told[0])}) or another"
            yield f"{self.label}: {names} {silent} and may repeat {repeated}: they count once"
            return
        yield self._together(group)

    def _together(self, group: tuple[Run, ...]) -> str:
        shown = ", ".join(f"{run.short} (seed {_said(run)})" for run in group)
        why = ": they are equal in every series and metric to the last bit, so the seed had no effect"
        if self._differ(group):
            alike = all(_seed(run) == _seed(group[0]) for run in group)
            how = f"share the seed {_seed(group[0])}" if alike else "began from one start"
            how = "do not say their seeds, may repeat one another" if all(map(_is_open, group)) else how
            return f"{self.label}: {shown} {how} and count once"
        if any(map(_is_open, group)):
            why_once = ": equal in every number they logged, they are copies of one run, or of a program without chance"
        else:
            why_once = why if self._gave_one_result(group) else ""
        return f"{self.label}: {shown} repeat one another and count once{why_once}"

    def _differ(self, group: tuple[Run, ...]) -> bool:
        """Whether runs that are one draw came to unequal numbers: they count once, and none repeats another."""
        first = self._results[group[0].id]
        held = (overlap(first, self._results[run.id]) for run in group[1:])
        return any(one is not None and one.first is not None for one in held)

    def _gave_one_result(self, group: tuple[Run, ...]) -> bool:
        told = [run for run in group if not _is_open(run)]
        other = next((run for run in told[1:] if _seed(run) != _seed(told[0])), None)
        return other is not None and self._same_numbers(told[0], other)


def cohorts(runs: Iterable[Run], *, settings: Settings | None = None) -> tuple[Cohort, ...]:
    """The cohorts of these runs, oldest first: the runs of one design together."""
    policy = (settings or Settings()).factors
    return tuple(
        Cohort(
            id=founder_of(group).id, label=shared_label(one.run for one in group), runs=tuple(one.run for one in group)
        )
        for group in of_one_design(identity_of(run, policy) for run in runs)
    )


def cohort_of(runs: Iterable[Run], *, label: str | None = None) -> Cohort:
    """These runs as one arm, as a user named them; whether they are one design is for the comparison to say."""
    members = tuple(runs)
    name = digest_bytes(canonical_bytes(sorted(run.id for run in members))).hex[:ID_LENGTH]
    return Cohort(id=name, label=label or shared_label(members), runs=members)


def hybrid_mark(manifest: Manifest) -> Mapping[str, Any]:
    """What `untangle` sealed of a run that it made: plan, batch, place, cell. Empty for any other: whoever launched an
    arm has launched no such run for it."""
    mark = manifest.section("origin").get("untangle")
    return mark if isinstance(mark, Mapping) else {}


def made_to_compare(run: Run) -> bool:
    """Whether a run was made of others, to repeat one or to mix two: it bears a label that we gave it."""
    return bool(run.manifest.section("origin").get("rerun_of") or hybrid_mark(run.manifest))


def shared_label(runs: Iterable[Run]) -> str:
    """What the labels of these runs have in common, without a trailing seed. Repetitions have labels of their own."""
    runs = tuple(runs)
    runs = tuple(run for run in runs if not run.is_gone) or runs
    own = [run for run in runs if not made_to_compare(run)]
    labels = [run.label for run in own or runs]
    if not labels or len(set(labels)) == 1:
        return labels[0] if labels else ""
    first, last = min(labels), max(labels)
    at = next((i for i, (x, y) in enumerate(zip(first, last, strict=False)) if x != y), len(first))
    # A word, or a number, is kept whole or not at all: of `e/13` and `e/14`, `e`.
    while at > 0 and any(re.fullmatch(r"[^\W\d_]{2}|[\d.]{2}", label[at - 1 : at + 1]) for label in (first, last)):
        at -= 1
    trimmed = re.sub(r"[\s\-_/,.:=#(\[{\"'<]+(?:seed|s)?[\s\-_/,.:=#(\[{\"'<]*$", "", first[:at])
    if len(trimmed) >= 3:
        return trimmed
    # Of names that have nothing in common, as trackers draw them, the first alone would name one run; and where a
    # policy makes one cohort of two arms, the name of the one would say that all are of it.
    (most, count), *others = Counter(labels).most_common(2)
    is_one_arm = count > 1 and all(number == 1 for _, number in others)
    return most if is_one_arm else f"{most} +{len(labels) - count}"


def _seed(run: Run) -> JSON:
    seed = run.manifest.seed
    return None if isinstance(seed, Unknown) else seed


def _is_open(run: Run) -> bool:
    """Whether nobody knows the seed, which may then be that of any other run."""
    return isinstance(run.manifest.seed, Unknown)


def _said(run: Run) -> JSON:
    return "unknown" if _is_open(run) else _seed(run)


def _beside_unknown(groups: Sequence[list[Run]]) -> Iterator[list[Run]]:
    """The draws, those of which nobody knows a seed with the first whose seed they may have: another number is no proof
    of another draw, and a draw too many makes an interval narrower than it is."""
    found = [list(group) for group in groups if not all(map(_is_open, group))]
    for group in (one for one in groups if all(map(_is_open, one))):
        home = next(
            (one for one in found if not any(_proven_apart(run, other) for run in group for other in one)), None
        )
        if home is None:
            found.append(list(group))
        else:
            home += group
    return iter(found)


def _proven_apart(a: Run, b: Run) -> bool:
    """Whether the starts of two runs are on record and differ."""
    left, right = _proof(a), _proof(b)
    return left is not None and right is not None and left != right


def is_unproven(run: Run) -> bool:
    """Whether nothing on record shows that the seed of this run acted."""
    return _proof(run) is None and not seeded_as_declared(run)


def _proof(run: Run) -> str | None:
    """The digest that shows the seed acted: of the initial weights, or of the first batch where those are given."""
    kind = run.manifest.section("init").get("kind", "random")
    return run.seed_proof.get("init" if kind == "random" else "first_batch") or None


def _repeats(a: Run, b: Run) -> bool:
    """Whether two runs are one draw. Two unknown seeds without proof cannot be told apart, so they are. Runs that began
    from parents of other draws are other draws, though their own seeds be equal."""
    if (
        a.parent is not None
        and b.parent is not None
        and a.parent.id != b.parent.id
        and not _repeats(a.parent, b.parent)
    ):
        return False
    left, right = _proof(a), _proof(b)
    if left is not None and right is not None and (left == right or _seed(a) is None):
        return left == right
    # Generators that were seeded alike by equal commands drew the same, whatever seed was declared.
    return bool(_seed(a) == _seed(b)) or (seeded_alike(a, b) and a.words == b.words)
