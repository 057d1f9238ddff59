"""One shape for every rule. The guard, its launch lint and the trajectory checks each own a tuple of them.

A rule asks for facts by the names of its parameters, so that a test hands it facts made by hand. A fact that is
`Unknown` skips the rule and the skip carries the reason: a rule that could not be asked has not been passed.

A project tunes its rules in the policy: `[rules] off = ["RA406"]`, `[rules.RA403] sigma = 6`. Rules of its own come in
through the entry point `runaudit.rules` of an installed package, which names a rule, or a sequence of them:

    # pyproject.toml                        # my_rules.py
    [project.entry-points."runaudit.rules"] from runaudit.health.rule import TrajectoryRule
    mine = "my_rules:Short"                 from runaudit.records.finding import Severity

                                            class Short(TrajectoryRule):
                                                '''A training has 1,000 steps.'''

                                                code, name, severity = "MY001", "short", Severity.WARNING

                                                def check(self, losses):
                                                    for track in losses:
                                                        if track.columns.steps[-1] < 1000:
                                                            yield self.finding(track.name, "it ends early")

On curves a rule may ask for: curves, losses, held_out, undirected, levels, numbers, terms, tiles_and_frames, gradients,
cosines, rates, learned, scaler, scaler_if_any, stepping, nan_steps, late, overfits, overfitted, best, setup, clip,
stage_events, stage_ends, skip_events, lates, cuts, results, against_baselines, against_one_frame, log, goes_on. What
each of them is, `runaudit/health/facts.py` says; their tests call `check`. A rule whose facts are all those of a launch
(parameters of the rules in `runaudit/guard`) is asked there.
"""

import contextlib
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from graphlib import TopologicalSorter
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

from runaudit.errors import ConfigError
from runaudit.records.finding import Finding, Severity, in_order
from runaudit.records.manifest import Unknown
from runaudit.settings import RuleSettings
from runaudit.system.files import read_ordinary

ENTRY_POINT = "runaudit.rules"


class Rule:
    """Base class. A child's docstring is its title (first line) and its reason (the rest)."""

    code: ClassVar[str]
    name: ClassVar[str]
    severity: ClassVar[Severity] = Severity.ERROR
    requires: ClassVar[frozenset[str]] = frozenset()
    """Codes that must have been asked and found nothing, else this rule has no ground to stand on."""
    yields_to: ClassVar[frozenset[str]] = frozenset()
    """Codes whose finding on a series stands in the place of what this rule would say of it."""
    waivable: ClassVar[bool] = True
    """Whether `--waive RULE=REASON` excuses it at a launch."""
    switchable: ClassVar[bool] = False
    """Whether the policy may switch it off. What makes a record whole is waived with a reason, never switched off."""
    limits: ClassVar[Mapping[str, float]] = MappingProxyType({})
    """What the policy may tune: name -> default."""
    limit_words: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """What each of them is a limit of, with its unit."""
    example: ClassVar[str] = ""
    """What the rule says, of a case that it was made for."""
    check: ClassVar[Callable[..., Iterator[Finding]]]
    """A child defines it as a method whose parameters name the facts it needs."""

    def __init__(self, limits: Mapping[str, float] | None = None) -> None:
        self._limits = {**type(self).limits, **(limits or {})}

    def limit(self, name: str) -> float:
        """A threshold: the policy's, else the default."""
        return self._limits[name]

    @property
    def title(self) -> str:
        """What the rule is about, in one line."""
        return inspect.getdoc(self).partition("\n")[0] if inspect.getdoc(self) else self.name  # type: ignore[union-attr]

    @property
    def reason(self) -> str:
        """Why it matters, as one paragraph."""
        return " ".join((inspect.getdoc(self) or "").partition("\n")[2].split())

    @property
    def needs(self) -> tuple[str, ...]:
        """The names of the facts that `check` asks for."""
        return tuple(inspect.signature(self.check).parameters)

    def finding(
        self,
        subject: str,
        message: str,
        *,
        remedy: str = "",
        step: int | None = None,
        evidence: Mapping[str, Any] | None = None,
        severity: Severity | None = None,
    ) -> Finding:
        """A finding of this rule."""
        return Finding(
            code=self.code,
            name=self.name,
            severity=self.severity if severity is None else severity,
            subject=subject,
            message=message,
            remedy=remedy,
            step=step,
            evidence=evidence or {},
        )

    def to_json(self) -> dict[str, Any]:
        """The rule in words."""
        return {
            "code": self.code,
            "name": self.name,
            "severity": str(self.severity),
            "title": self.title,
            "reason": self.reason,
            "requires": sorted(self.requires),
            "waivable": self.waivable,
            "switchable": self.switchable,
            "limits": dict(self._limits),
            "limit_words": dict(self.limit_words),
            "example": self.example,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """A rule that could not be asked, and why."""

    code: str
    name: str
    reason: str

    def to_json(self) -> dict[str, str]:
        """The skip for a JSON answer."""
        return {"code": self.code, "name": self.name, "reason": self.reason}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the rules found, which were asked, and which could not be; of these, `failed` are rules of others that
    raised."""

    findings: tuple[Finding, ...]
    asked: tuple[str, ...]
    skipped: tuple[Skip, ...]
    failed: tuple[Skip, ...] = ()


def check_all(rules: Iterable[Rule], facts: Mapping[str, object], *, around_failures: bool = False) -> Judgement:
    """Ask every rule, those it requires first. Raises KeyError for a fact nobody gathered: that is our own fault.

    around_failures: a rule of an installed package that raises is told as one that failed, and the others are asked.
    """
    by_code = {rule.code: rule for rule in rules}
    before = {code: (rule.requires | rule.yields_to) & by_code.keys() for code, rule in sorted(by_code.items())}
    order = TopologicalSorter(before)
    found: list[Finding] = []
    asked: list[str] = []
    skipped: list[Skip] = []
    failed: list[Skip] = []
    for code in order.static_order():
        rule = by_code[code]
        stopped, unasked = {f.code for f in found}, {s.code for s in (*skipped, *failed)}
        lacking = [name for name in rule.needs if around_failures and name not in facts and is_foreign(rule)]
        why = f"it asks for {lacking[0]!r}, which is no fact that there is" if lacking else None
        if why := why or _cannot_ask(rule, facts, stopped=stopped, skipped=unasked):
            skipped.append(Skip(code=code, name=rule.name, reason=why))
            continue
        try:
            own = list(rule.check(**{name: facts[name] for name in rule.needs}))
        except Exception as error:
            if not around_failures or not is_foreign(rule):
                raise
            failed.append(_failure(rule, error))
            continue
        asked.append(code)
        told = {one.subject for one in found if one.code in rule.yields_to}
        found += [one for one in own if one.subject not in told]
    return Judgement(
        findings=in_order(found), asked=tuple(sorted(asked)), skipped=(*skipped, *failed), failed=tuple(failed)
    )


def is_foreign(rule: Rule) -> bool:
    """Whether it is of another package than this one."""
    return type(rule).__module__.partition(".")[0] != __name__.partition(".")[0]


def _failure(rule: Rule, error: Exception) -> Skip:
    """That a rule raised: what, and where in its package."""
    words = " ".join(f"{type(error).__name__}: {error}".split())
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) != Path(__file__)]
    place = f", {Path(own[0].filename).name}:{own[0].lineno}" if own else ""
    return Skip(code=rule.code, name=rule.name, reason=f"it failed ({type(rule).__module__}{place}): {words[:200]}")


def _cannot_ask(rule: Rule, facts: Mapping[str, object], *, stopped: set[str], skipped: set[str]) -> str | None:
    for code in sorted(rule.requires):
        if code in stopped:
            return f"{code} found something first"
        if code in skipped:
            return f"{code} could not be asked"
    reasons = (fact.reason for name in rule.needs if isinstance(fact := facts[name], Unknown))
    return next(reasons, None)


def check(rule: Rule, facts: Mapping[str, object]) -> tuple[Finding, ...]:
    """What one rule finds in these facts, for the tests of whoever writes it: nothing where a fact is unknown.

    Raises KeyError for a fact that the rule asks for and that is not among them.
    """
    return check_all((rule,), facts).findings


def is_off(rule: Rule, policy: RuleSettings) -> bool:
    """Whether the policy switches it off."""
    return rule.code in policy.off or rule.name in policy.off


def tuned(rule: Rule, policy: RuleSettings) -> dict[str, float]:
    """The limits that the policy sets."""
    return {**policy.limits.get(rule.code, {}), **policy.limits.get(rule.name, {})}


def governed(rules: Iterable[Rule], policy: RuleSettings) -> tuple[Rule, ...]:
    """The rules as the policy wants them: without those that are off, the others with its limits.

    Raises ConfigError where it switches off what is waived at a launch, or tunes what a rule does not have.
    """
    found = []
    for rule in rules:
        if is_off(rule, policy):
            if not rule.switchable:
                raise ConfigError(
                    f"{rule.code} {rule.name} cannot be switched off: it keeps the record whole",
                    remedy=f"waive it at a launch, with a reason: --waive {rule.code}=REASON",
                )
            continue
        limits = tuned(rule, policy)
        for name in limits:
            if name not in rule.limits:
                known = ", ".join(rule.limits) or "none"
                raise ConfigError(f"{rule.code} {rule.name} has no limit {name!r}", remedy=f"it has: {known}")
        found.append(type(rule)(limits) if limits else rule)
    return tuple(found)


def refuse_unknown(rules: Iterable[Rule], policy: RuleSettings) -> None:
    """Raises ConfigError where the policy speaks of a rule that there is not: a misspelt one would change nothing."""
    words = {word for rule in rules for word in (rule.code, rule.name)}
    for word in (*policy.off, *policy.limits):
        if word not in words:
            near = get_close_matches(word, sorted(words), n=1)
            raise ConfigError(
                f"the policy speaks of the rule {word!r}, which there is not",
                remedy=f"did you mean {near[0]}?" if near else "`runaudit rules` lists them",
            )


def foreign_rules() -> tuple[Rule, ...]:
    """The rules that installed packages bring, by entry point `runaudit.rules`: each a rule class, or several in a
    sequence. Raises ConfigError for one that cannot be loaded: a check that is silently missing is worse than none."""
    if not _somebody_brings_rules(tuple(sys.path)):
        return ()
    from importlib.metadata import entry_points  # only where rules of others may matter

    found: list[Rule] = []
    for point in sorted(entry_points(group=ENTRY_POINT), key=lambda point: point.name):
        try:
            loaded = point.load()
            classes = loaded if isinstance(loaded, list | tuple) else [loaded]
            found += [made() for made in classes]
        except Exception as error:
            raise ConfigError(
                f"the rules {point.name!r} ({point.value}) cannot be loaded: {type(error).__name__}: {error}",
                remedy="fix that package, or remove it",
            ) from error
        if not all(isinstance(rule, Rule) and rule.code and rule.name for rule in found):
            raise ConfigError(
                f"the entry point {point.name!r} ({point.value}) names something that is no rule",
                remedy="name a child of runaudit.rules.Rule, or a list of such",
            )
    return tuple(found)


def together(own: Iterable[Rule], others: Iterable[Rule]) -> tuple[Rule, ...]:
    """Our rules and those of packages. Raises ConfigError where two have one code or name: one would hide the other."""
    found = tuple(own)
    taken = {word: rule for rule in found for word in (rule.code, rule.name)}
    for rule in others:
        if twin := taken.get(rule.code) or taken.get(rule.name):
            raise ConfigError(
                f"the rule {rule.code} {rule.name} of {type(rule).__module__} has the code or the name of "
                f"{twin.code} {twin.name}",
                remedy="give it a code and a name of its own, as MY001",
            )
        taken |= {rule.code: rule, rule.name: rule}
        found += (rule,)
    return found


def find_rule(rules: Iterable[Rule], word: str) -> Rule | None:
    """The rule with this code or name, case aside."""
    wanted = word.strip().lower()
    return next((rule for rule in rules if wanted in (rule.code.lower(), rule.name)), None)


@lru_cache(maxsize=8)
def _somebody_brings_rules(folders: tuple[str, ...]) -> bool:
    """Whether an installed package names such an entry point. Asking `importlib.metadata` loads and parses those of
    all packages, which takes longer than all rules; to look for the word in their files takes a fifth of it."""
    word = ENTRY_POINT.encode()
    return any(word in text for folder in folders for text in _entry_points(folder))


def _entry_points(folder: str) -> Iterator[bytes]:
    # Whatever is no folder of packages, a zip file or a place that is not there, brings no rules.
    with contextlib.suppress(OSError), os.scandir(folder or ".") as entries:
        for entry in entries:
            if entry.name.endswith((".dist-info", ".egg-info")):
                with contextlib.suppress(OSError):
                    yield read_ordinary(Path(entry.path, "entry_points.txt"))
