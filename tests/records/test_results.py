"""Laws of results: to the last bit, without what a clock or a plan makes, and no proof from a few round numbers."""

import math
from types import MappingProxyType

import pytest

from runaudit.records.results import Results, is_clock, is_plan, overlap, same_numbers
from runaudit.records.trajectory import Trajectory

LOSS = {"train/loss": [(step, 1 / (3 + step)) for step in range(5)]}


@pytest.fixture
def results(make_run):
    def make(series, metrics=None, seed=0, **changes):
        rows = MappingProxyType({name: tuple(points) for name, points in series.items()})
        last = {name: points[-1][1] for name, points in series.items() if points}
        found = make_run(
            trajectory=Trajectory(series=rows), metrics=last if metrics is None else metrics, seed=seed, **changes
        )
        return Results(found)

    return make


@pytest.mark.parametrize(
    "name",
    [
        "time/step_s",
        "train_runtime",
        "epoch_time",
        "train_samples_per_second",
        "it/s",
        "_timestamp",
        "stepTimeMs",
        "gpu.0.memory",
        "_runtime",
        "perf/throughput",
    ],
)
def test_what_a_clock_makes_is_no_result(name):
    assert is_clock(name)


@pytest.mark.parametrize(
    "name",
    [
        "train/lr",
        "lr-AdamW",
        "lr/pg0",
        "epoch",
        "trainer/global_step",
        "learning_rate",
        "train/learning_rate",
        "num_tokens",
        "amp/scale",
        "full_frame/psnr_bicubic/camera",
    ],
)
def test_what_a_plan_makes_is_no_evidence(name):
    assert is_plan(name)


@pytest.mark.parametrize(
    "name",
    [
        "train/loss",
        "train_loss_epoch",
        "val/psnr",
        "loss",
        "accuracy",
        "train_loss_step",
        "metrics/mAP50(B)",
        "eval/top5",
        "full_frame/psnr/camera",
        "val/scale_error",
    ],
)
def test_what_the_training_makes_is_a_result(name):
    assert not is_clock(name) and not is_plan(name)


def test_equal_bits_are_the_same_numbers_whatever_the_clock_says(results):
    a = results({**LOSS, "time/step_s": [(0, 0.1)]}, seed=1)
    b = results({**LOSS, "time/step_s": [(0, 0.2)]}, seed=2)

    assert same_numbers(a, b)
    assert overlap(a, b).equal and overlap(a, b).decisive


@pytest.mark.parametrize("value", [math.nextafter(1 / 5, 1), math.nan, -0.2])
def test_the_last_bit_is_seen_and_where_it_is(results, value):
    other = {"train/loss": [(s, value if s == 2 else v) for s, v in LOSS["train/loss"]]}
    first = overlap(results(LOSS), results(other)).first

    assert not same_numbers(results(LOSS), results(other))
    assert (first.name, first.step, first.before) == ("train/loss", 2, 1 / 5)


def test_a_zero_with_another_sign_is_another_number_and_nan_is_itself(results):
    points = [(0, math.nan), (1, 0.1234567), (2, 0.7654321), (3, 0.0)]
    signed = [*points[:3], (3, -0.0)]

    assert overlap(results({"loss": points}), results({"loss": points})).equal
    assert overlap(results({"loss": points}), results({"loss": signed})).first.step == 3


@pytest.mark.parametrize(
    "series",
    [{}, {"accuracy": [(0, 0.91)]}, {"val/acc": [(0, 0.5), (1, 0.5), (2, 0.5)]}, {"loss": [(0, math.nan)]},
     {"train/lr": [(s, 0.1234567 / (1 + s)) for s in range(9)]}, {"epoch": [(s, float(s)) for s in range(9)]},
     {"val/acc": [(0, 0.5), (1, 0.75)]}],
)  # fmt: skip
def test_a_few_round_numbers_and_what_is_planned_prove_nothing(results, series):
    assert not same_numbers(results(series, seed=1), results(series, seed=2))


def test_steps_logged_by_one_run_only_say_how_often_it_logged(results):
    every, second = LOSS, {"train/loss": LOSS["train/loss"][::2]}

    assert overlap(results(every), results(second)).equal
    assert overlap(results(every), results({"train/loss": LOSS["train/loss"][:3]})).first.step == 3
    assert overlap(results(every), results({"train/loss": LOSS["train/loss"][:3]}, metrics={}), lengths=False).equal


def test_runs_that_share_no_number_say_nothing(results):
    assert overlap(results({}), results({})) is None
    assert overlap(results({"a": [(0, 1.0)]}), results({"b": [(0, 1.0)]})) is None


def test_series_that_were_left_in_the_store_are_read_from_there(store, make_run, seal_run):
    from runaudit.store.catalogue import load

    runs = [seal_run(store, make_run(seed=seed, trajectory=Trajectory(series={"loss": tuple(LOSS["train/loss"])}),
                                     metrics={"loss": 1 / 7})) for seed in (1, 2)]  # fmt: skip
    bare = [Results(load(store, run.id, trajectory=False)) for run in runs]

    assert not bare[0].run.trajectory.series
    assert same_numbers(*bare)
    store.object_path(load(store, runs[0].id).outcome and _digest(runs[0])).unlink()
    gone = Results(load(store, runs[0].id, trajectory=False, is_hashed=False))
    assert not same_numbers(gone, bare[1])
    assert overlap(gone, bare[1]) is None


def _digest(run):
    from runaudit.records.digest import Digest

    return Digest.parse(run.outcome.body["trajectory"]["digest"])
