"""RA424: two losses that pull the same weights apart, by the cosine between their gradients."""
# ruff: noqa: D102  (what a rule checks is told once, in the docstring of its class: users read it too)

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from runaudit.health.rule import TrajectoryRule
from runaudit.health.tracks import Part, Track
from runaudit.records.finding import Finding, Severity
from runaudit.stats.sign import sign_test_below_zero
from runaudit.stats.trend import MIN_POINTS

if TYPE_CHECKING:
    from numpy import ndarray

WINDOW = 5
"""Points whose median says since when a cosine is negative."""


class GradientConflict(TrajectoryRule):
    """Losses that share weights do not pull them apart.

    Where the cosine between the gradients of two losses, as of an alignment and of the image made from it, stays below
    zero, a step that betters one worsens the other. Asked is the second half of a stage, by a sign test that counts
    neighbours that are alike as one; noise around zero is silent. That the conflict costs anything is a hypothesis: a
    run trained in stages, or with other weights, would tell. Read are series named after gradients and a cosine, as
    `gradient_conflict/cosine`."""

    code = "RA424"
    name = "gradient_conflict"
    severity = Severity.WARNING
    limits: ClassVar = {"median": 0.1, "warn": 0.3, "p": 0.01}
    limit_words: ClassVar = {
        "median": "how far below zero the median cosine must be",
        "warn": "and from where on it is a warning",
        "p": "p of the sign test below which it is no noise",
    }
    example = (
        "gradient_conflict/cosine (end_to_end) is negative at 46 of the last 50 points (median -0.41, sign test "
        "p 3e-08 of 41 independent ones) since step 1200: the two losses may pull the weights that they share apart"
    )

    def check(self, cosines: Sequence[Track]) -> Iterator[Finding]:
        for track in cosines:
            for part in track.parts:
                late = part.values[len(part.values) // 2 :]
                if len(late) < MIN_POINTS or abs(part.values).max() > 1 + 1e-6:  # beyond 1 it is no cosine
                    continue
                found = self._found(part, late)
                if found is not None:
                    yield found

    def _found(self, part: Part, late: "ndarray") -> Finding | None:
        import numpy as np

        median, test = float(np.median(late)), sign_test_below_zero(late)
        if median > -self.limit("median") or test.p >= self.limit("p"):
            return None
        step = int(part.steps[_negative_since(part.values)])
        return self.finding(
            part.track.name,
            f"{part.subject} is negative at {test.below} of the last {len(late)} points (median {median:.2f}, sign "
            f"test p {test.p:.1g} of {test.independent} independent ones) since step {step}: the two losses may "
            "pull the weights that they share apart",
            remedy="a hypothesis to test, not a cause: train what they share in a stage of its own, or weigh the "
            "losses otherwise, over seeds; where the result is as good without, it costs nothing",
            step=step,
            severity=Severity.WARNING if median <= -self.limit("warn") else Severity.INFO,
            evidence={"median": median, "below": test.below, "points": len(late), "independent": test.independent,
                      "p": test.p, "sure": "likely"},
        )  # fmt: skip


def _negative_since(values: "ndarray") -> int:
    """From which point on the running median is below zero up to the end."""
    import numpy as np

    running = np.median(np.lib.stride_tricks.sliding_window_view(values, WINDOW), axis=1)
    above = np.flatnonzero(running >= 0)
    return int(above[-1]) + WINDOW // 2 + 1 if len(above) else 0


RULES: tuple[TrajectoryRule, ...] = (GradientConflict(),)
