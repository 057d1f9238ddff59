"""How often the judge claims what is not there, how often it finds what is, and what a resample costs.

Run it: `python examples/bench/stats_bench.py [--pairs 2000]`. Every pair of arms goes through the whole
judge.
"""

import argparse
from collections.abc import Callable

import numpy as np

from runaudit.metrics.catalogue import Direction
from runaudit.stats.judge import judge
from runaudit.stats.power import welch_power
from runaudit.stats.values import ArmValues, Comparability, StatsPlan

Draw = Callable[[np.random.Generator, int], np.ndarray]
SD = 0.3
SINGLE = Comparability(verdict="single_factor", factors=("config.treatment",))
# The bootstrap companions decide nothing; a short run of them keeps the simulation honest and quick.
PLAN = StatsPlan(resamples=99)


def collapsing(rng: np.random.Generator, n: int) -> np.ndarray:
    """One seed in ten ends 3 dB lower, as runs do that never leave their plateau."""
    values = rng.normal(30, SD, n)
    values[rng.random(n) < 0.1] -= 3
    return values


NULLS: dict[str, tuple[Draw, Draw]] = {
    "equal spread": (lambda r, n: r.normal(30, SD, n), lambda r, n: r.normal(30, SD, n)),
    "spread 0.6 / 0.15": (lambda r, n: r.normal(30, 0.6, n), lambda r, n: r.normal(30, 0.15, n)),
    "heavy tails (t3)": (
        lambda r, n: 30 + SD * r.standard_t(3, n),
        lambda r, n: 30 + SD * r.standard_t(3, n),
    ),
    "collapsing seeds": (collapsing, collapsing),
}


def verdict(a: np.ndarray, b: np.ndarray) -> str:
    arms = [
        ArmValues(label=label, seeds=tuple(range(len(values))), values=tuple(float(value) for value in values))
        for label, values in (("new", a), ("old", b))
    ]
    return str(judge(arms, metric="psnr", direction=Direction.HIGHER, design=SINGLE, plan=PLAN).verdict)


def rates(draw_a: Draw, draw_b: Draw, n: int, *, pairs: int, shift: float = 0.0) -> tuple[float, float]:
    rng = np.random.default_rng(n)
    verdicts = [verdict(draw_a(rng, n) + shift, draw_b(rng, n)) for _ in range(pairs)]
    return verdicts.count("improved") / pairs, verdicts.count("regressed") / pairs


def false_claims(pairs: int) -> None:
    print(f"False claims under no effect, {pairs} pairs each (a 5 % test allows 2.5 % each way)")
    print(f"{'':20}  {'n':>3}  improved  regressed")
    for name, (draw_a, draw_b) in NULLS.items():
        for n in (1, 2, 3, 5, 10):
            improved, regressed = rates(draw_a, draw_b, n, pairs=pairs)
            print(f"{name:20}  {n:3}  {improved:8.2%}  {regressed:9.2%}")


def power(pairs: int) -> None:
    print(f"\nFound when it is there (sd {SD}), simulated against computed")
    draw_a, draw_b = NULLS["equal spread"]
    for n in (3, 5, 10):
        for effect in (0.3, 0.5, 1.0):
            improved, _ = rates(draw_a, draw_b, n, pairs=pairs, shift=effect)
            computed = welch_power(effect, (SD, SD), ns=(n, n))
            print(f"n {n:2}  effect {effect:.1f}  {improved:6.1%}  {computed:6.1%}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=2_000, help="simulated comparisons per line")
    pairs = parser.parse_args().pairs
    false_claims(pairs)
    power(max(1, pairs // 2))


if __name__ == "__main__":
    main()
