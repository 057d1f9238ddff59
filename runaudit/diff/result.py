"""What a comparison says, frozen: the verdict with its reason, and every changed leaf under exactly one heading."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from runaudit.factors.factor import SEED_ROLES, Absent, Change, Role, levels_json
from runaudit.factors.hindsight import Hindsight
from runaudit.factors.never import IN_FILES
from runaudit.factors.vouched import Assumption, lifted_by
from runaudit.records.canonical import JSON, json_safe, thawed
from runaudit.text.shown import Shown
from runaudit.text.terminal import UNPAINTED, Paint

SCHEMA = "runaudit.diff/1"


class Verdict(StrEnum):
    """The lattice, worst first: the first that holds is the verdict."""

    INTEGRITY_FAILURE = "integrity_failure"
    INCOMPARABLE = "incomparable"
    CONFOUNDED = "confounded"
    PROVENANCE_INCOMPLETE = "provenance_incomplete"
    SINGLE_FACTOR = "single_factor"
    REPLICATE = "replicate"
    IDENTICAL = "identical"

    @property
    def rank(self) -> int:
        """0 for the worst; a larger rank is cleaner."""
        return list(Verdict).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side: a run, or a cohort where `n` is given. `runs` are whole run ids."""

    id: str
    label: str
    runs: tuple[str, ...] = ()
    n: int | None = None
    effective_n: int | None = None
    seeds: tuple[JSON, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """`{id, label}` of a run; a cohort adds `n`, `effective_n` and `seeds`."""
        row: dict[str, Any] = {"id": self.id, "label": self.label}
        if self.n is not None:
            row |= {"n": self.n, "effective_n": self.effective_n, "seeds": list(self.seeds), "runs": list(self.runs)}
        return row


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorChange:
    """One independently chosen input that changed. `members` are the leaves counted under it, itself where single."""

    factor: str
    section: str
    before: JSON | Absent
    after: JSON | Absent
    summary: str
    role: Role = Role.TREATMENT
    intended: bool = False
    members: tuple[Change, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The factor as the JSON contract words it, with its leaves."""
        return {
            "factor": self.factor,
            "section": self.section,
            **levels_json(self.before, self.after),
            "summary": self.summary,
            "role": str(self.role),
            "intended": self.intended,
            "leaves": [member.path for member in self.members],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivation:
    """A leaf that changed because something else did: `follows` is the rule or the factor."""

    factor: str
    before: JSON | Absent
    after: JSON | Absent
    follows: str

    def to_json(self) -> dict[str, Any]:
        """The leaf as the JSON contract words it."""
        return {"factor": self.factor, **levels_json(self.before, self.after), "follows": self.follows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Something that could have changed and is not in a record: `side` is a, b or both. never: the trackers that have
    no place for it, empty where it is a gap of these runs; assumed: whether the user vouches for it."""

    factor: str
    side: str
    reason: str
    never: str = ""
    assumed: bool = False

    def to_json(self) -> dict[str, Any]:
        """The gap as the JSON contract words it."""
        row: dict[str, Any] = {"factor": self.factor, "side": self.side, "reason": self.reason}
        return row | ({"never_recorded_by": self.never} if self.never else {}) | (
            {"assumed": True} if self.assumed else {}
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What was declared to differ. `met`: it and nothing else did; None where nothing was declared."""

    declared: tuple[str, ...] = ()
    met: bool | None = None
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """The intent as the JSON contract words it."""
        return {"declared": list(self.declared), "met": self.met, "reason": self.reason}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Comparison(Shown):
    """Everything that differs between `a` and `b`, each leaf once, and what it allows to conclude.

    `conditional` is the verdict that would hold if all that is missing were equal; None where nothing is missing.
    `reason` completes the verdict in one sentence. `contradictions` are the notes in which the results speak against
    it, `idle` the one that says that no factor changed any number. `policy`: what a policy excused that did not
    hold when the runs were launched. `on_record`: `what W&B recorded`, where all that is missing is missing in runs
    that somebody else recorded; `recorded`: what that shows; `open_code`: why they leave open
    which code ran, where they do. `assumed`: what the user vouches for. `odd`: the arms that are not one design, a
    sentence each. `unfinished`: whether all that keeps the results apart is that a side has none.
    `with_length`: whether the length of the training moved with what changed, and is not what changed.
    `same_training`: whether all of it that was logged is one in both arms, to the last bit, while what was measured on
    held-out data is not, and no record says what measures.
    """

    a: Side
    b: Side
    verdict: Verdict
    conditional: Verdict | None
    reason: str
    factors: tuple[FactorChange, ...] = ()
    derived: tuple[Derivation, ...] = ()
    nuisance: tuple[Change, ...] = ()
    cosmetic: tuple[Change, ...] = ()
    missing: tuple[Missing, ...] = ()
    intent: Intent = Intent()
    policy: Hindsight | None = None
    notes: tuple[str, ...] = ()
    contradictions: tuple[str, ...] = ()
    idle: str = ""
    on_record: str = ""
    recorded: str = ""
    open_code: str = ""
    assumed: Assumption | None = None
    odd: tuple[str, ...] = ()
    unfinished: bool = False
    with_length: bool = False
    same_training: bool = False

    @property
    def standing(self) -> Verdict:
        """The verdict that counts: the conditional one where nothing is missing but what the user vouches for."""
        if self.verdict is Verdict.PROVENANCE_INCOMPLETE and self.conditional and self.assumed and self.assumed.holds:
            return self.conditional
        return self.verdict

    @property
    def is_conditional(self) -> bool:
        """Whether all that is missing is missing in runs that somebody else recorded, and the rest shows something."""
        return self.verdict is Verdict.PROVENANCE_INCOMPLETE and self.conditional is not None and bool(self.on_record)

    @property
    def tells_what_is_recorded(self) -> bool:
        """Whether what the records show comes first, as a verdict. A record file has a place for everything: what is
        missing there is news, and comes first unless the user vouches for it; so is which code ran, which nobody can
        vouch for."""
        is_news = self.on_record == IN_FILES or bool(self.open_code)
        return self.is_conditional and (not is_news or not self.open)

    @property
    def lifted_by(self) -> str:
        """How what is missing is stated to be equal, as it is typed, or, where nobody can, what would tell it; empty
        where nothing is to be said."""
        return lifted_by([row.factor for row in self.open], self.open_code) if self.is_conditional else ""

    @property
    def open(self) -> tuple[Missing, ...]:
        """The gaps for which nobody vouches."""
        return tuple(row for row in self.missing if not row.assumed)

    @property
    def headline(self) -> str:
        """The verdict and its reason in one sentence."""
        from runaudit.diff.text import headline

        return headline(self)

    def text_lines(self, *, verbose: bool = False, paint: Paint = UNPAINTED) -> Iterator[str]:
        """For a terminal; `verbose`: what cannot matter, too."""
        from runaudit.diff.text import text_lines

        return text_lines(self, everything=verbose, paint=paint)

    def markdown_lines(self, *, verbose: bool = False) -> Iterator[str]:
        """For a pull request."""
        from runaudit.diff.text import markdown_lines

        return markdown_lines(self, everything=verbose)

    @property
    def treatments(self) -> tuple[FactorChange, ...]:
        """The factors that are neither seeds nor stochastic settings."""
        return tuple(f for f in self.factors if f.role not in SEED_ROLES)

    def to_json(self) -> dict[str, Any]:
        """The answer as the JSON contract words it."""
        answer: dict[str, Any] = json_safe(
            thawed(
                {
                    "schema": SCHEMA,
                    "a": self.a.to_json(),
                    "b": self.b.to_json(),
                    "verdict": str(self.verdict),
                    "conditional": str(self.conditional) if self.conditional else None,
                    "reason": self.reason,
                    "factors": [row.to_json() for row in self.factors],
                    "derived": [row.to_json() for row in self.derived],
                    "nuisance": [row.to_json() for row in self.nuisance],
                    "cosmetic": [row.to_json() for row in self.cosmetic],
                    "missing": [row.to_json() for row in self.missing],
                    "intent": self.intent.to_json(),
                    "notes": list(self.notes),
                    "policy": self.policy.to_json() if self.policy else None,
                    "recorded": self.recorded,
                    "assumed": self.assumed.to_json() if self.assumed else None,
                    "standing": str(self.standing),
                }
            )
        )
        return answer
