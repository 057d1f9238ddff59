"""What the curves of a page and their health cost: seconds of CPU and bytes, on two sizes of study, beside plotly.

    6 figures x 5 runs x 10,000 points       what a study of an afternoon logs
    40 runs x 20 series x 100,000 points     what a long sweep logs; `--all` (a minute and 2 GB of memory)

The seconds are CPU of this process after imports, of the view and the whole page together. Where plotly is installed,
its own page of the same curves stands beside it.
Run: python examples/bench/report_bench.py [--all] [--out FOLDER]
"""

import argparse
import importlib.util
import time
from array import array
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from runaudit.records.manifest import Manifest
from runaudit.records.points import Points
from runaudit.records.run import Run
from runaudit.records.trajectory import Trajectory
from runaudit.report import ArmInput, page_view, render_page
from runaudit.report.views.curves import curves_view
from runaudit.settings import RuleSettings

NAMES = ["train/loss", "val/loss", "val/accuracy", "val/f1", "train/lr", "train/grad_norm", "train/accuracy"]


def series_names(count: int) -> list[str]:
    """So many names, the usual ones first."""
    return [*NAMES, *(f"loss_of/part_{n}" for n in range(count))][:count]


def walk(points: int, seed: int) -> Points:
    """A curve that falls, with noise and a spike."""
    import numpy as np

    rng = np.random.default_rng(seed)
    steps = np.arange(points, dtype=np.int64)
    values = (0.02 + np.exp(-steps / (points / 8))) * np.exp(rng.normal(0, 0.2, points))
    values[rng.integers(points)] *= 30
    return Points(array("q", steps.tobytes()), array("d", values.tobytes()))


def arms_of(runs: int, names: list[str], points: int, *, arms: int) -> Iterator[ArmInput]:
    """Runs in arms, each with every series."""
    for arm in range(arms):
        members = []
        for seed in range(runs // arms):
            series = {name: walk(points, hash((arm, seed, at)) % 2**32) for at, name in enumerate(names)}
            manifest = Manifest.of({"seed": seed, "label": f"arm {arm}", "origin": {"kind": "captured"}})
            members.append(Run(manifest=manifest, trajectory=Trajectory(series=MappingProxyType(series))))
        yield ArmInput(name=f"arm {arm}", runs=tuple(members))


def measure(title: str, arms: list[ArmInput], names: list[str], out: Path | None) -> None:
    """Every series of these arms on one page: its seconds, its bytes and its ratios."""
    start = time.process_time()
    html = page(arms)
    spent = time.process_time() - start
    logged = sum(len(run.trajectory.series[name]) for arm in arms for run in arm.runs for name in names)
    drawn = html.count('class="seed')
    same = "the same bytes again" if html == page(arms) else "OTHER BYTES THE SECOND TIME"
    print(f"{title:44} {spent:6.2f} s CPU  {len(html) / 1e6:6.2f} MB  {drawn} lines, "
          f"{logged / 1e6:.1f} M points, {len(html) / logged:.2f} bytes a point, {same}")  # fmt: skip
    if out:
        (out / f"{len(names)}_figures.html").write_text(html, encoding="utf-8")


def page(arms: list[ArmInput]) -> str:
    """The page with every series drawn, not the first dozen."""
    view = page_view(arms, rules=RuleSettings())
    return render_page(replace(view, curves=curves_view(arms, ["*"])))


def measure_plotly(arms: list[ArmInput], names: list[str]) -> None:
    """The same curves by plotly, its script embedded as a page without network needs it."""
    if importlib.util.find_spec("plotly") is None:
        print("plotly is not installed: not measured")
        return
    import plotly.graph_objects as go

    start = time.process_time()
    parts = []
    for at, name in enumerate(names):
        figure = go.Figure()
        for arm in arms:
            for run in arm.runs:
                points = run.trajectory.series[name]
                figure.add_trace(go.Scattergl(x=list(points.steps), y=list(points.values), name=arm.name))
        parts.append(figure.to_html(include_plotlyjs=at == 0, full_html=False))
    size = sum(map(len, parts))
    spent = time.process_time() - start
    print(f"{'plotly, the same curves, script embedded':44} {spent:6.2f} s CPU  {size / 1e6:6.2f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all", action="store_true", help="the long sweep, too")
    parser.add_argument("--out", type=Path, help="keep the pages here")
    options = parser.parse_args()
    warm = list(arms_of(1, ["train/loss"], 50, arms=1))
    page(warm)  # imports
    names = series_names(6)
    arms = list(arms_of(5, names, 10_000, arms=1))
    measure("6 figures x 5 runs x 10,000 points", arms, names, options.out)
    measure_plotly(arms, names)
    if options.all:
        names = series_names(20)
        measure("40 runs x 20 series x 100,000 points", list(arms_of(40, names, 100_000, arms=4)), names, options.out)


if __name__ == "__main__":
    main()
