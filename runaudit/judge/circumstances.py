"""What surrounds the numbers of a comparison: how many runs there really were, and how often somebody looked.

All of it comes from the store, never from an option: a denominator that could be typed would be typed wrong.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from runaudit.factors.cohort import Cohort
from runaudit.judge.values import metric_value
from runaudit.metrics.heldout import is_reported
from runaudit.records.run import Run
from runaudit.store.store import Store

if TYPE_CHECKING:
    from runaudit.metrics.catalogue import Direction
    from runaudit.stats.values import ArmValues, StatsPlan

_MONITORS = ("monitor", "metric_for_best_model", "best_metric", "selection_metric")
"""Keys under which a configuration names what the best checkpoint is chosen by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """The plan as the store corrects it, what a reader must be told, and the number of looks if they are counted."""

    plan: "StatsPlan"
    notes: tuple[str, ...] = ()
    looks: int | None = None


def circumstances(
    store: Store,
    arms: Sequence[Cohort],
    values: "Sequence[ArmValues]",
    *,
    direction: "Direction",
    metric: str,
    plan: "StatsPlan",
    launched: Sequence[Cohort],
    count: bool,
) -> Circumstances:
    """What the store knows about these arms (the last is the baseline). `count` seals a new look in its log."""
    from runaudit.stats.selection import best_of

    home = {run.id: cohort for cohort in launched for run in cohort.runs}
    notes, picked = _left_out(arms, values, direction=direction, metric=metric, home=home)
    plan = replace(
        plan,
        best_of=max(plan.best_of, best_of(arm.label for arm in values)),
        is_selected_on_report=any(selected_on_report(run, metric) for arm in arms for run in arm.runs),
        picked=picked,
    )
    looks, of_looks = _looks(store, arms, values, metric=metric, home=home, count=count)
    return Circumstances(plan=replace(plan, looks=looks or 1), notes=(*notes, *of_looks), looks=looks)


def selected_on_report(run: Run, metric: str) -> bool:
    """Whether the record says that the checkpoint was chosen on the data set that is reported.

    `eval.selected_on` names the data set of the choice (text, or a list of names); `eval.dataset` the reported one,
    else every data set with test, holdout or benchmark in its name. Another name with the digest of the reported one
    is the same data. A configuration that watches the very metric (`monitor`, as Lightning and Keras call it,
    `metric_for_best_model` in transformers) says so as well, where the metric is one that results are claimed on.
    """
    if is_reported(metric) and metric in _monitored(run.manifest.section("config")):
        return True
    evaluation, data = run.manifest.section("eval"), run.manifest.section("data")
    chosen = _names(evaluation.get("selected_on"))
    reported = _names(evaluation.get("dataset")) or tuple(name for name in data if is_reported(name))
    digests = {_digest(data.get(name)) for name in reported} - {None}
    return any(name in reported or _digest(data.get(name)) in digests for name in chosen)


def _monitored(config: Any) -> set[str]:
    """What the configuration says the best checkpoint is chosen by, at any depth."""
    if isinstance(config, Mapping):
        own = {v for k, v in config.items() if isinstance(v, str) and str(k).rpartition(".")[2] in _MONITORS}
        return own.union(*map(_monitored, config.values()))
    return set().union(*map(_monitored, config)) if isinstance(config, list | tuple) else set()


def _names(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(name for name in value if isinstance(name, str)) if isinstance(value, Sequence) else ()


def _digest(entry: Any) -> str | None:
    return entry.get("digest") if isinstance(entry, Mapping) else None


# ── the denominator ──────────────────────────────────────────────────────────────────────────────────────────────


def _left_out(
    arms: Sequence[Cohort],
    values: "Sequence[ArmValues]",
    *,
    direction: "Direction",
    metric: str,
    home: Mapping[str, Cohort],
) -> tuple[tuple[str, ...], str]:
    """A note for every arm that is part of its cohort, and why the choice flatters the comparison, if it does."""
    from runaudit.metrics.catalogue import Direction
    from runaudit.stats.interval import sd
    from runaudit.stats.selection import denominator, is_favourable

    named = {run.id for arm in arms for run in arm.runs}
    sequences = tuple(name for name, _ in values[-1].by_sequence)
    notes, picked = [], []
    for index, (arm, own) in enumerate(zip(arms, values, strict=True)):
        whole = {run.id: run for r in arm.runs if r.id in home for run in home[r.id].runs}
        rest = [run for run in whole.values() if run.id not in named and run.status != "running"]
        if not rest:
            continue
        left = [metric_value(run, metric, sequences) if run.finished else None for run in rest]
        known = [v for v in (*own.values, *left) if v is not None]
        mine = len([run for run in arm.runs if run.id in whole])
        launched = mine + len(rest)
        spread, has_mean = (sd(known) if len(known) > 2 else None), any(v is not None for v in own.values)
        notes.append(denominator(own.label, named=mine, launched=launched, sd=spread, has_mean=has_mean))
        # A baseline is flattered by runs that make it look worse.
        other = Direction.LOWER if direction is Direction.HIGHER else Direction.HIGHER
        if is_favourable(own.values, left, direction=direction if index < len(arms) - 1 else other):
            lost = sum(value is None for value in left)
            why = f"{lost} of them without a result" if lost else "all of them less favourable than those named"
            picked.append(f"{own.label} leaves out {len(rest)} of {launched} launched runs of its cohort, {why}")
    return tuple(notes), "; ".join(picked)


# ── the looks ────────────────────────────────────────────────────────────────────────────────────────────────────


def _looks(
    store: Store,
    arms: Sequence[Cohort],
    values: "Sequence[ArmValues]",
    *,
    metric: str,
    home: Mapping[str, Cohort],
    count: bool,
) -> tuple[int | None, tuple[str, ...]]:
    """The largest number of looks among these comparisons; None where they are not counted, and why."""
    from runaudit.store.peeks import count_look, looks_at
    from runaudit.store.store import StoreError

    if not home or any(run.id not in home for arm in arms for run in arm.runs):
        return None, ()
    store, found = store.existing(), []
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    for arm, own in zip(arms[:-1], values[:-1], strict=True):
        seen = _seen(((arm, own), (arms[-1], values[-1])), home)
        if seen is None:
            continue
        try:
            found.append(count_look(store, metric, seen, time=now) if count else looks_at(store, metric, seen))
        except StoreError as error:
            return looks_at(store, metric, seen), (f"This look is not counted: {error.message}.",)
    return max(found, default=None), ()


def _seen(sides: "Sequence[tuple[Cohort, ArmValues]]", home: Mapping[str, Cohort]) -> dict[str, list[str]] | None:
    """Cohort id -> runs whose values were seen; None where there are too few for anything to be claimed."""
    from runaudit.stats.cohort import collapse
    from runaudit.stats.values import MIN_SEEDS

    seen: dict[str, list[str]] = {}
    for arm, own in sides:
        if len(collapse(own).values) < MIN_SEEDS:
            return None
        for run, value in zip(arm.runs, own.values, strict=True):
            if value is not None:
                seen.setdefault(home[run.id].id, []).append(run.id)
    return seen
