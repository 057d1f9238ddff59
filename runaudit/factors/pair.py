"""Two runs under one policy, as every rule on their changes takes them."""

from dataclasses import dataclass

from runaudit.factors.levels import Levels
from runaudit.settings import FactorSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two runs put beside each other by `together`, and the policy that both are judged by."""

    a: Levels
    b: Levels
    settings: FactorSettings
