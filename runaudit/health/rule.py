"""What the rules on a trajectory have in common: they are asked when it is there, so no launch is excused from them."""

from typing import ClassVar

from runaudit.rules import Rule


class TrajectoryRule(Rule):
    """A rule on what a run logged. The policy may switch it off, and tune its limits."""

    waivable: ClassVar[bool] = False
    switchable: ClassVar[bool] = True
