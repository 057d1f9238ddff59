"""What was declared to differ, held against what did. A declaration after the fact is one, and is told as one."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from runaudit.diff.result import FactorChange, Intent
from runaudit.factors.path import last_key, matches
from runaudit.records.run import Run


def held_against_intent(
    factors: Sequence[FactorChange], runs: Iterable[Run], added: Sequence[str]
) -> tuple[tuple[FactorChange, ...], Intent]:
    """The factors, those marked that were meant to change, and whether they and nothing else did.

    What was meant was declared before launch; `added` is declared now.
    """
    declared = tuple(dict.fromkeys([*(name for run in runs for name in run.manifest.intent), *added]))
    marked = tuple(replace(factor, intended=any(_means(word, factor) for word in declared)) for factor in factors)
    return marked, _met(declared, marked) if declared else Intent()


def _met(declared: tuple[str, ...], factors: Sequence[FactorChange]) -> Intent:
    still = [word for word in declared if not any(_means(word, factor) for factor in factors)]
    others = [factor.factor for factor in factors if not factor.intended]
    parts = [f"{', '.join(still)} was meant to change and did not"] if still else []
    parts += [f"{', '.join(others)} changed without being meant to"] if others else []
    return Intent(
        declared=declared, met=not parts, reason="; ".join(parts) or "what was declared changed, and nothing else"
    )


def _means(declared: str, factor: FactorChange) -> bool:
    """Whether a declared word names a factor: its whole path, the end of it, a table above it or one of its leaves."""
    paths = (factor.factor, *(member.path for member in factor.members))
    return any(matches(path, declared) or path.endswith(f".{declared}") or last_key(path) == declared for path in paths)
