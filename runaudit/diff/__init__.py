"""Two runs, or two cohorts, side by side: what changed, and whether a conclusion is allowed."""

from runaudit.diff.comparison import compare, compare_cohorts, compare_designs
from runaudit.diff.result import Comparison, Derivation, FactorChange, Intent, Missing, Side, Verdict

__all__ = [
    "Comparison",
    "Derivation",
    "FactorChange",
    "Intent",
    "Missing",
    "Side",
    "Verdict",
    "compare",
    "compare_cohorts",
    "compare_designs",
]
