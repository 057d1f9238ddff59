"""How often `runaudit health` cries wolf, what it finds, and what that costs; beside rules with fixed thresholds.

    python examples/bench/health_bench.py [--cases 1000]

The curves are those of the suite (`tests/health/curves.py`), each made from its seed. Healthy ones: the share that gets
a warning or worse. Failing ones: the share whose failure is found under its name, and found within 5 % of the run of
the step where it began. Then runs whose numbers look like a fault, and beside them ones of the same kind that have
it. Compared are two rules as SageMaker Debugger publishes them, on the same curves: Overfit ((val -
train) / train above 0.1, patience 1) and LossNotDecreasing (no decrease by 0.1 % against ten points before), and the
check for NaN. Cost: processor time for 100 series of 100,000 points, libraries loaded.
"""

import argparse
import importlib.util
import math
import sys
import time
from array import array
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from runaudit.health.answer import RULES
from runaudit.health.facts import trajectory_facts
from runaudit.metrics.heldout import is_held_out
from runaudit.metrics.roles import Role, role
from runaudit.records.finding import Finding, Severity
from runaudit.records.points import Points
from runaudit.records.trajectory import Event
from runaudit.rules import check_all

NEAR = 0.05
CURVES = Path(__file__).parents[2] / "tests" / "health" / "curves.py"


def generators() -> ModuleType:
    """The suite's own, loaded from their file."""
    spec = importlib.util.spec_from_file_location("curves", CURVES)
    if spec is None or spec.loader is None:
        sys.exit(f"{CURVES} is not there: run this from a checkout")
    module = importlib.util.module_from_spec(spec)
    sys.modules["curves"] = module
    spec.loader.exec_module(module)
    return module


def findings(case: Any) -> tuple[Finding, ...]:
    """What our rules say of a case."""
    events = tuple(Event(step=step, kind=kind, detail=detail) for step, kind, detail in case.events)
    facts = trajectory_facts(case.series, events=events, config=case.config, init=case.init, metrics=case.metrics)
    return check_all(RULES, facts).findings


def fixed(case: Any) -> bool:
    """Whether a rule with a fixed threshold alarms."""
    losses = {name: points for name, points in case.series.items() if role(name) is Role.LOSS and len(points)}
    for points in losses.values():
        values = [value for _, value in points]
        if any(not math.isfinite(value) for value in values):
            return True
        # No decrease by 0.1 % against ten points before, anywhere.
        if any(then - now < 0.001 * abs(then) for then, now in zip(values, values[10:], strict=False)):
            return True
    held = [points for name, points in losses.items() if is_held_out(name)]
    learned = [points for name, points in losses.items() if not is_held_out(name)]
    if held and learned:
        return (held[0][-1][1] - learned[0][-1][1]) > 0.1 * abs(learned[0][-1][1])
    return False


def large() -> dict[str, Points]:
    """100 series of 100,000 points."""
    rng, count = np.random.default_rng(0), 100_000
    steps = array("q", range(count))
    names = ["train/loss", "val/loss"]
    kinds = ("train/loss/term_{}", "val/psnr_{}", "grad_norm/layer_{}", "train/acc_{}", "metrics/x_{}")
    names += [kinds[number % 5].format(number) for number in range(98)]
    fall = np.exp(-np.arange(count) / 20_000)
    return {
        name: Points(steps, array("d", (fall * (1 + 0.1 * rng.standard_normal(count)) + 0.1).tobytes()))
        for name in names
    }


def main() -> None:
    """Print the figures."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--cases", type=int, default=1000, metavar="N", help="cases of each kind [1000]")
    cases = options.parse_args().cases
    curves = generators()

    loud = naive = 0
    for seed in range(cases):
        case = curves.healthy(seed)
        loud += any(finding.severity >= Severity.WARNING for finding in findings(case))
        naive += fixed(case)
    print(f"healthy, {cases}: warned of {loud / cases:.1%} (asked 1 %); fixed thresholds {naive / cases:.1%}")
    for name in curves.FAILING:
        found = near = 0
        for seed in range(cases):
            case = curves.failing(name, seed)
            own = [finding for finding in findings(case) if finding.name == name]
            found += bool(own)
            near += any(
                case.step is None or (finding.step is not None and abs(finding.step - case.step) <= NEAR * case.last)
                for finding in own
            )
        print(f"{name:28} found {found / cases:6.1%}, where it began {near / cases:6.1%} (asked 95 %)")

    for name in curves.TWINS:
        pairs = [(curves.twin(name, seed, is_ill=False), curves.twin(name, seed, is_ill=True)) for seed in range(cases)]
        loud = sum(any(finding.severity >= Severity.WARNING for finding in findings(one)) for one, _ in pairs)
        found = sum(any(finding.name == ill.finding for finding in findings(ill)) for _, ill in pairs)
        print(f"{name:28} well: warned of {loud / cases:.1%}; ill: found {found / cases:.1%} (asked 1 %, 95 %)")

    series = large()
    check_all(RULES, trajectory_facts({"loss": [(0, 1.0)]}))
    trajectory_facts(series)  # what is loaded at the first use is loaded
    begun = time.process_time()
    check_all(RULES, trajectory_facts(series))
    print(f"100 series x 100,000 points: {time.process_time() - begun:.2f} s CPU (asked 2)")


if __name__ == "__main__":
    main()
