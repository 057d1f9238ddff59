"""What a trajectory rule may ask for: frozen facts about one run's curves, gathered once.

curves            losses and results: every series that has a better and a worse
losses            the losses among them
learned           the training losses; none where none was logged
undirected        series that may say how good the run is, of which nobody knows which way they improve
held_out          those that were measured on what the network does not learn from
numbers           what must be numbers: losses, whatever may be a result, loss scales
terms             what the loss is made of, one by one
tiles_and_frames  pairs of curves of one quantity, taken on tiles and on full frames; unknown where there is none
gradients, rates  gradient norms and learning rates
cosines           cosines between gradients; unknown where none was logged
levels            how hard the task is made: the level of a curriculum, the length of a sequence
scaler            the loss scale; unknown where none was logged
scaler_if_any     the same for a rule that can do without: None
stepping          a counter of skipped steps, else the loss scale; unknown where neither was logged
nan_steps         a counter of steps whose loss was no number; None
late              the last third of the curve that says whether training was long enough; lates: that one, else those of
                  the losses that are terms of a whole or opponents
overfits          held-out curves that worsen while the training loss falls; `overfitted` are their names
best              the best held-out value, its step and its checkpoint; None
setup, clip       growth interval, how the run began; the norm at which gradients are clipped, unknown if not told
stage_events      where stages began; unknown where none did. cuts: where stages began or the run went on
stage_ends        what stages told of how they ended; skip_events: steps that were not taken, as they were told; unknown
                  where no such thing was told
results           final metrics, and the last value of each series that has none
against_baselines, against_one_frame
                  the same, where full frames were held against these; else unknown
log               how regular the log is
goes_on           whether the run is judged while it goes on: its last points are not its end
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isfinite
from types import MappingProxyType
from typing import Any

from runaudit.health.apart import overfits_of, tiles_and_frames_of
from runaudit.health.best import best_of
from runaudit.health.counted import counter_of
from runaudit.health.late import Late, judged_part, late_of
from runaudit.health.logs import log_of
from runaudit.health.results import SINGLE_FRAME, has_any
from runaudit.health.rule import TrajectoryRule
from runaudit.health.scale import ScalerTrace
from runaudit.health.setup import Setup, setup_of
from runaudit.health.sides import settled
from runaudit.health.tracks import Part, Track, cut_at, tracks_of, words_of
from runaudit.metrics.catalogue import BASELINES
from runaudit.metrics.roles import Role, counts_nan, is_gradient_cosine, is_gradient_norm, is_loss_scale
from runaudit.records.manifest import Unknown
from runaudit.records.run import Run
from runaudit.records.segments import Point, resumes
from runaudit.records.trajectory import Event
from runaudit.rules import Rule

NAMES = (
    "curves", "losses", "held_out", "gradients", "rates", "scaler", "scaler_if_any", "stepping", "nan_steps",
    "late", "lates", "overfits", "overfitted", "best", "setup", "stage_events", "cuts", "results", "log", "terms",
    "numbers", "tiles_and_frames", "clip", "against_baselines", "against_one_frame", "goes_on", "undirected", "levels",
    "learned", "stage_ends", "skip_events", "cosines",
)  # fmt: skip
"""Every fact: a rule that asks for others is none of these, and none of them is one of a launch."""
_NONE: Mapping[str, str] = MappingProxyType({})


def is_of_a_run(rule: Rule) -> bool:
    """Whether a rule of an installed package is asked of runs, and not of launches: one of trajectories, or one that
    asks for a fact on them, whatever it asks for beside that."""
    return isinstance(rule, TrajectoryRule) or not rule.needs or not {*NAMES}.isdisjoint(rule.needs)


def facts_of_run(run: Run, directions: Mapping[str, str] = _NONE) -> dict[str, object]:
    """The facts about a run, under the directions that the policy declares. What was imported was laid down in the
    order of steps: the order of its lines is ours."""
    events = run.trajectory.events
    return trajectory_facts(
        run.trajectory.series,
        events=events if run.manifest.is_captured else [replace(event, leads=None) for event in events],
        config=run.manifest.section("config"),
        init=run.manifest.section("init"),
        metrics=run.metrics,
        checkpoints=run.outcome.checkpoints if run.outcome else (),
        torn=run.trajectory.torn,
        goes_on=run.outcome is None and run.liveness == "running",
        directions=directions,
    )


def trajectory_facts(
    series: Mapping[str, Sequence[Point]],
    *,
    events: Sequence[Event] = (),
    config: Mapping[str, Any] | None = None,
    init: Mapping[str, Any] | None = None,
    metrics: Mapping[str, float] | None = None,
    checkpoints: Sequence[Mapping[str, Any]] = (),
    torn: int = 0,
    goes_on: bool = False,
    directions: Mapping[str, str] = _NONE,
) -> dict[str, object]:
    """The facts about curves: series name -> (step, value) pairs, and what else of the run is known.

    >>> from runaudit.health.facts import trajectory_facts
    >>> facts = trajectory_facts({"train/loss": [(step, 1 / (step + 1)) for step in range(50)]})
    >>> [track.name for track in facts["losses"]]
    ['train/loss']
    """
    whole = tracks_of(series, directions)
    events = settled(events, whole)
    tracks = cut_at(whole, events)
    setup = setup_of(config, init)
    curves = tuple(track for track in tracks if _has_a_better(track))
    losses = tuple(track for track in curves if track.role is Role.LOSS or track.is_main)
    held_out = tuple(track for track in curves if track.is_held_out)
    best = best_of(held_out, checkpoints)
    overfits = overfits_of(held_out, losses)
    late = _late(judged_part(held_out, losses, best))
    results = MappingProxyType(_results(tracks, metrics or {}))
    nothing = Unknown("no series was logged") if not tracks else None
    return {
        "curves": curves or nothing or Unknown("no loss or result was logged on the way"),
        "losses": losses or nothing or Unknown("no loss was logged"),
        "held_out": held_out or nothing or Unknown("nothing was measured on held-out data on the way"),
        **_beside(tracks),
        **_scaling(tracks, setup, tuple(sorted(event.boundary for event in events if event.kind == "resume"))),
        "late": late,
        "lates": _lates(late, losses),
        "overfits": overfits,
        "tiles_and_frames": tuple(tiles_and_frames_of(curves))
        or Unknown("no quantity was logged on tiles and on full frames"),
        "overfitted": frozenset(one.part.track.name for one in overfits),
        "best": best,
        "setup": setup,
        "clip": setup.clip or Unknown("the record does not say at which norm gradients are clipped"),
        "cuts": tuple(event for event in events if event.kind in ("stage", "resume"))
        or Unknown("no stage and no resume was logged"),
        "stage_events": tuple(event for event in events if event.kind == "stage") or Unknown("no stage was logged"),
        **_told(events),
        "results": results,
        **_held_against(results),
        "goes_on": goes_on,
        "log": log_of(series, resumes(events), torn),
    }


def _told(events: Sequence[Event]) -> dict[str, object]:
    """What a program told of its stages and steps beside its series."""
    return {
        "stage_ends": tuple(event for event in events if event.kind == "stage_end")
        or Unknown("no stage told how it ended"),
        "skip_events": tuple(event for event in events if event.kind == "skipped")
        or Unknown("no step was told as not taken"),
    }


def _beside(tracks: Sequence[Track]) -> dict[str, object]:
    """What is logged beside losses and results."""
    return {
        "gradients": tuple(track for track in tracks if is_gradient_norm(track.name))
        or Unknown("no gradient norm was logged" if tracks else "no series was logged"),
        "cosines": tuple(track for track in tracks if is_gradient_cosine(track.name))
        or Unknown("no cosine between gradients was logged" if tracks else "no series was logged"),
        "learned": tuple(track for track in tracks if track.is_main and not track.is_held_out),
        "undirected": tuple(t for t in tracks if t.direction is None and t.role in _OF_QUALITY),
        "rates": tuple(track for track in tracks if track.role is Role.RATE and "momentum" not in track.name.lower()),
        "levels": tuple(track for track in tracks if track.direction is None and _is_level(words_of(track.name))),
        "numbers": tuple(track for track in tracks if track.role in (*_OF_QUALITY, Role.SCALER))
        or Unknown("no loss or result was logged on the way" if tracks else "no series was logged"),
        "terms": tuple(track for track in tracks if track.is_term),
    }


def _is_level(words: set[str]) -> bool:
    return bool(words & _LEVELS) or {"seq", "len"} <= words


def _late(part: Part | None) -> Late | Unknown:
    late = late_of(part) if part else None
    return late or Unknown("no curve is long enough for a statement on its last third")


def _lates(late: Late | Unknown, losses: Sequence[Track]) -> tuple[Late, ...] | Unknown:
    """Where one curve says whether training was long enough, that one; else each loss that got somewhere."""
    if not isinstance(late, Unknown):
        return (late,)
    terms = (late_of(track.parts[-1]) for track in losses if track.is_term and not track.is_held_out and track.parts)
    return tuple(one for one in terms if one is not None) or late


def _held_against(results: Mapping[str, float]) -> dict[str, object]:
    """The results, where full frames were held against a baseline, and against one frame."""
    baselines = [f"psnr_{key}" for key in BASELINES]
    no_baseline = Unknown("no baseline was measured on the full frames")
    no_control = Unknown("the network was not measured on one frame alone")
    return {
        "against_baselines": results if has_any(results, baselines) else no_baseline,
        "against_one_frame": results if has_any(results, SINGLE_FRAME) else no_control,
    }


def _has_a_better(track: Track) -> bool:
    return track.direction is not None and track.role in (Role.LOSS, Role.HELD_OUT, Role.RESULT)


_LEVELS = frozenset({"curriculum", "difficulty", "level", "seqlen", "sparsity", "resolution", "task"})
"""Words of what says how hard the task is at a step."""
_OF_QUALITY = (Role.LOSS, Role.HELD_OUT, Role.RESULT, Role.OTHER)
"""Roles of what may tell how good a run is."""


def _results(tracks: Sequence[Track], metrics: Mapping[str, float]) -> dict[str, float]:
    last = {t.name: float(t.columns.values[-1]) for t in tracks if len(t.columns.values)}
    return {name: value for name, value in {**last, **metrics}.items() if isfinite(value)}


def _scaling(tracks: Sequence[Track], setup: Setup, resumed: tuple[int, ...]) -> dict[str, object]:
    """The loss scale, and what is counted beside it. Skips that were not logged step by step leave open which were in a
    row: there a falling scale tells it."""
    own = [track for track in tracks if track.role is Role.SCALER and len(track.columns.values)]
    scaler = _scaler(own, setup, resumed)
    counted = [track for track in own if not is_loss_scale(track.name)]
    skips = counter_of([track for track in counted if not counts_nan(track.name)])
    # Where nobody can say if it counts or flags, the scale tells.
    tells = skips is not None and not (skips.is_either and not isinstance(scaler, Unknown))
    return {
        "scaler": scaler,
        "scaler_if_any": None if isinstance(scaler, Unknown) else scaler,
        "stepping": skips if tells else scaler,
        "nan_steps": counter_of([track for track in counted if counts_nan(track.name)]),
    }


def _scaler(own: Sequence[Track], setup: Setup, resumed: tuple[int, ...]) -> ScalerTrace | Unknown:
    scale = next((track for track in own if is_loss_scale(track.name)), None)
    if scale is None:
        return Unknown("no loss scale was logged")
    return ScalerTrace(
        name=scale.name,
        steps=scale.columns.steps,
        scale=scale.columns.values,
        resumes=resumed,
        init_scale=setup.init_scale,
        growth_interval=setup.growth_interval,
    )
