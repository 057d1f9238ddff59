"""What surrounds the numbers of a comparison: how many runs there really were, and how often somebody looked.

All of it comes from the store, never from an option: a denominator that could be typed would be typed wrong.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from runaudit.factors.cohort import Cohort
from runaudit.metrics.heldout import is_reported
from runaudit.metrics.quantity import Quantity
from runaudit.records.results import bits
from runaudit.records.run import Run
from runaudit.store.store import Store

if TYPE_CHECKING:
    from runaudit.metrics.catalogue import Direction
    from runaudit.stats.values import ArmValues, LeftOut, StatsPlan

_MONITORS = ("monitor", "metric_for_best_model", "best_metric", "selection_metric")
"""Keys under which a configuration names what the best checkpoint is chosen by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """The plan as the store corrects it, why the choice of an arm's runs flatters it, arm by arm, what a reader must be
    told, and the number of looks if they are counted."""

    plan: "StatsPlan"
    picked: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    looks: int | None = None

    @property
    def chosen(self) -> tuple[str, ...]:
        """Of every comparison with the last arm, why the runs of either side were chosen; empty where they were not."""
        *own, base = self.picked
        return tuple("; ".join(filter(None, (one, base))) for one in own)


def circumstances(
    store: Store,
    arms: Sequence[Cohort],
    values: "Sequence[ArmValues]",
    left: "Sequence[LeftOut]",
    *,
    direction: "Direction",
    quantity: Quantity,
    plan: "StatsPlan",
    home: Mapping[str, Cohort],
    count: bool,
) -> Circumstances:
    """What the store knows about these arms (the last is the baseline). left: the runs of theirs that were not named;
    home: id of a run -> its whole cohort. `count` seals a new look
    in the store's log."""
    from runaudit.stats.selection import best_of, flattery
    from runaudit.store.peeks import most_looks

    metric = quantity.name
    on_report = any(selected_on_report(run, metric) for arm in arms for run in arm.runs)
    seen = _seen(arms, values, home)
    admitted = best_of(arm.label for arm in values)
    notes, picked = flattery(values, left, direction=direction)
    same = _repeated(home, quantity) if seen else {}
    looks, uncounted = most_looks(store, metric, seen, same=same, count=count) if seen else (None, ())
    plan = replace(
        plan,
        best_of=max(plan.best_of, admitted),
        is_selected_on_report=on_report,
        looks=looks or 1,
    )
    return Circumstances(plan=plan, picked=picked, notes=(*notes, *uncounted), looks=looks)


def _seen(
    arms: Sequence[Cohort], values: "Sequence[ArmValues]", home: Mapping[str, Cohort]
) -> list[dict[str, list[str]]]:
    """Of every comparison with the last arm from which something can be claimed: cohort id -> runs whose values were
    seen. None where a run lies in no store, which could not count the look."""
    from runaudit.stats.cohort import collapse
    from runaudit.stats.values import MIN_SEEDS

    if any(run.id not in home for arm in arms for run in arm.runs):
        return []
    shown = [[run.id for run, value in zip(arm.runs, own.values, strict=True) if value is not None]
             for arm, own in zip(arms, values, strict=True)]  # fmt: skip
    *enough, is_based = (len(collapse(own).values) >= MIN_SEEDS for own in values)
    found = [(*mine, *shown[-1]) for mine, is_enough in zip(shown[:-1], enough, strict=True) if is_enough and is_based]
    return [{one: [run for run in runs if home[run].id == one] for one in {home[run].id for run in runs}}
            for runs in found]  # fmt: skip


def _repeated(home: Mapping[str, Cohort], quantity: Quantity) -> dict[str, str]:
    """The runs that repeat the metric of an earlier one of their design to the last bit, and are known to be the same
    draw: no test sees another number for them, so that to look at them is to look again."""
    found: dict[str, str] = {}
    for cohort in {id(one): one for one in home.values()}.values():
        values = {run.id: None if (value := quantity.of(run.metrics)) is None else bits(value)
                  for run in cohort.runs}  # fmt: skip
        if len(set(values.values())) == len(values):
            continue  # To ask which are one draw holds each run against each other.
        for group in cohort.replicates:
            first: dict[bytes | None, str] = {}
            draw = {run.id for run in group}
            for run in (run.id for run in cohort.runs if run.id in draw):
                if first.setdefault(values[run], run) != run:
                    found[run] = first[values[run]]
    return found


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
