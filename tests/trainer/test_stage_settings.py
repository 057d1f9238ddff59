"""Stages with settings of their own: what acts is what is sealed, and a stage that says nothing is as it always was."""

import math
import signal
from collections.abc import Callable
from typing import Any

import pytest
import torch

from runaudit.errors import ConfigError
from tests.trainer.conftest import MemoryLog
from trainer import checkpoint as checkpoints
from trainer.configfile import build, load_config
from trainer.convergence import stage_verdict
from trainer.ema import Ema
from trainer.loop import run_stages
from trainer.resolved import INHERITED, resolve, unresolved
from trainer.stages import build_optimiser, plan, weights_digest

Make = Callable[..., Any]
EVERY = {"optimiser": "sgd", "schedule": "constant", "weight_decay": 0.3, "warmup_fraction": 0.0, "grad_clip": 0.01}


def trained(make: Make, config: Any, **changes: Any) -> Any:
    work = make(config, **changes)
    return work, run_stages(work, plan(config))


def ends(run: MemoryLog) -> dict[str, dict[str, Any]]:
    return {detail["stage"]: detail for _, kind, detail in run.events if kind == "stage_end"}


# ── what a stage takes over ──────────────────────────────────────────────────────────────────────────────────────


def test_what_a_stage_does_not_say_is_that_of_all_stages_and_sealed_with_its_value(tiny_config: Make) -> None:
    config = tiny_config(optim={"weight_decay": 0.07}, stages={"sr": {"weight_decay": 0.2}})

    tree = resolve(config)["stages"]
    stages = {stage.name: stage for stage in plan(config)}

    assert [tree[name]["weight_decay"] for name in ("alignment", "sr", "finetune")] == [0.07, 0.2, 0.07]
    assert [stages[name].optim.weight_decay for name in ("alignment", "sr", "finetune")] == [0.07, 0.2, 0.07]
    assert tree["finetune"]["schedule"] == "cosine"
    assert tree["finetune"]["grad_clip"] == config.grad_clip


@pytest.mark.parametrize("leaf", sorted(INHERITED))
def test_every_setting_of_a_stage_acts(tiny_config: Make, run_context: Make, leaf: str) -> None:
    budget = {"align_steps": 0, "sr_steps": 6, "finetune_steps": 0}
    plain, _ = trained(run_context, tiny_config(budget=budget), folder="plain")
    other, _ = trained(run_context, tiny_config(budget=budget, stages={"sr": {leaf: EVERY[leaf]}}), folder="other")
    absent, _ = trained(run_context, tiny_config(budget=budget, stages={"finetune": {leaf: EVERY[leaf]}}), folder="not")

    assert weights_digest(other.model) != weights_digest(plain.model)
    assert weights_digest(absent.model) == weights_digest(plain.model)


def test_inherit_is_a_word_and_anything_else_is_told_in_one_line(tiny_config: Make) -> None:
    stages = {"stages": {"sr": {"weight_decay": "inherit", "schedule": "inherit"}}}

    assert build(stages, "x.toml") == build({}, "x.toml")
    wrongs: list[tuple[dict[str, Any], str]] = [
        ({"weight_decay": "none"}, "give a number"),
        ({"grad_clip": 0.0}, "give a number above 0"),
        ({"schedule": "cosin"}, "did you mean 'cosine'"),
        ({"patience": 1.5}, "a whole number"),
    ]
    for wrong, words in wrongs:
        with pytest.raises(ConfigError, match=words):
            build({"stages": {"sr": wrong}}, "x.toml")


def test_a_sealed_config_gives_back_what_a_file_would_say(tiny_config: Make) -> None:
    """So that a change of what all stages share reaches those that took it over, and no other."""
    config = tiny_config(stages={"sr": {"weight_decay": 0.2}})

    tree = unresolved(resolve(config))

    assert build(tree, "sealed") == config
    tree["optim"]["weight_decay"] = 0.5
    again = resolve(build(tree, "sealed"))["stages"]
    assert [again[name]["weight_decay"] for name in ("alignment", "sr", "finetune")] == [0.5, 0.2, 0.5]


def test_sgd_takes_the_momentum_that_is_configured(tiny_config: Make) -> None:
    config = tiny_config(optim={"kind": "sgd", "beta1": 0.8, "weight_decay": 0.0})
    weight = torch.nn.Parameter(torch.zeros(1))
    optimiser = build_optimiser([weight], 0.1, config.optim, fused=False)
    for _ in range(2):
        weight.grad = torch.ones(1)
        optimiser.step()

    assert float(weight.detach()) == pytest.approx(-0.1 - 0.1 * 1.8)


# ── the end of a stage ───────────────────────────────────────────────────────────────────────────────────────────


def patient(tiny_config: Make, patience: int) -> Any:
    """At a rate of 0.5 the image is soon worse than ever: that the run is no good is not what is asked here."""
    return tiny_config(
        loop={"val_every": 1, "max_error_ratio": 1e9}, budget={"align_steps": 0, "sr_steps": 40, "finetune_steps": 2},
        stages={"sr": {"lr": 0.5, "patience": patience, "warmup_fraction": 0.0, "schedule": "constant"}},
        loss={"kind": "l1"}, grad_clip=100.0,
    )  # fmt: skip


def test_a_stage_that_has_stopped_getting_better_ends_early_and_says_so(tiny_config: Make, run_context: Make) -> None:
    work, ending = trained(run_context, patient(tiny_config, 3))
    whole, other = trained(run_context, patient(tiny_config, 0), folder="whole")

    told = ends(work.run)["sr"]
    values = [value for step, value in sorted(work.run.series("val/l1").items()) if 0 < step <= told["steps"]]
    assert told["steps"] < told["planned"] == 40
    assert told["ended"] == "early: the last 3 validations were not its best (patience 3)"
    assert min(values[-3:]) >= min(values[:-3])
    assert (ending.status, other.status) == ("early_stopped", "completed")
    assert "ended" not in ends(whole.run)["sr"]
    assert ends(work.run)["finetune"]["steps"] == 2  # the next stage has its own steps


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_a_stage_resumed_in_the_middle_ends_where_it_would_have(
    tiny_config: Make, run_context: Make, ema: float
) -> None:
    stages = {"sr": {"patience": 3, "lr": 0.5, "warmup_fraction": 0.0, "schedule": "constant", "ema_decay": ema}}
    config = tiny_config(
        loop={"val_every": 1, "max_error_ratio": 1e9}, stages=stages,
        budget={"align_steps": 0, "sr_steps": 40, "finetune_steps": 2},
        grad_clip=100.0,
    )  # fmt: skip
    whole, _ = trained(run_context, config, folder="whole")
    steps = iter(range(1, 1000))
    half = run_context(config, folder="half", stop=lambda: signal.SIGTERM if next(steps) == 3 else 0)
    assert run_stages(half, plan(config)).status == "killed"

    child = run_context(config, folder="child")
    run_stages(child, plan(config), checkpoints.load(half.folder / "last.safetensors"))

    assert ends(child.run) == ends(whole.run)
    assert weights_digest(child.model) == weights_digest(whole.model)
    ours, theirs = (checkpoints.load(w.folder / "best.safetensors") for w in (child, whole))
    assert {n: t.tolist() for n, t in ours.weights.items()} == {n: t.tolist() for n, t in theirs.weights.items()}


FALLING = [1.0 / (1 + step) for step in range(1, 9)]


@pytest.mark.parametrize(
    ("values", "first", "identity", "word", "reason"),
    [
        (FALLING, 1.0, None, "converged", "it came to rest: validation error 1 to 0.1111"),
        ([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2], 1.0, None, "still_falling", "brought 25% of all it gained"),
        ([0.9, 0.95, 1.0, 1.0], 1.0, None, "no_better", "1, is not below what it began with, 1"),
        (FALLING, 1.0, 0.1, "no_better", "0.1111, is not below that of frames left as they are, 0.1"),
        ([0.1000004], 1.0, 0.1, "no_better", "0.1000004, is not below that of frames left as they are, 0.1"),
        (FALLING, 1.0, 0.2, "converged", ""),
        ([0.5, 0.4, 0.3], 1.0, None, "unknown", "cannot be told from 3 validations, 4 are needed"),
        ([0.5, 0.4, 0.3, math.nan], 1.0, None, "unknown", "not finite"),
        ([], 1.0, None, "unknown", "not finite"),
        (FALLING, None, None, "unknown", "began with is not finite"),
    ],
)
def test_a_stage_is_judged_by_what_it_gained_and_when(
    values: list[float], first: float | None, identity: float | None, word: str, reason: str
) -> None:
    found = stage_verdict(values, first=first, identity=identity, most_late=0.1)

    assert found.word == word
    assert reason in found.reason
    assert bool(found.unfit) == (word in ("no_better", "still_falling"))


def test_an_alignment_that_moves_nothing_is_no_better_and_no_stage_is_built_on_it(
    tiny_config: Make, run_context: Make
) -> None:
    """At a rate of nearly nothing the filters stay the identity they begin as."""
    kind = {"alignment": {"kind": "tern"}}
    stages = {"alignment": {"lr": 1e-30, "weight_decay": 0.0}}
    warned, went_on = trained(run_context, tiny_config(model=kind, stages=stages), folder="warn")
    stop = tiny_config(model=kind, stages=stages | {"require_converged": "stop"})
    stopped, ending = trained(run_context, stop, folder="stop")

    told = ends(stopped.run)["alignment"]
    assert told["verdict"] == "no_better"
    assert told["identity"] == pytest.approx(told["first"], rel=0.01)
    assert (ending.status, ending.progress.done) == ("early_stopped", 4)
    assert ending.reason == f"stage alignment: {told['reason']}"
    assert (went_on.status, list(ends(warned.run))) == ("completed", ["alignment", "sr", "finetune"])

    child = run_context(stop, folder="child")
    again = run_stages(child, plan(stop), checkpoints.load(stopped.folder / "last.safetensors"))
    assert (again.status, again.reason) == (ending.status, ending.reason)


# ── the average of the weights ───────────────────────────────────────────────────────────────────────────────────


def test_without_an_average_and_with_one_the_same_weights_are_trained(tiny_config: Make, run_context: Make) -> None:
    """The average is beside the training: its losses are the same to the bit, until a stage hands it on."""
    budget = {"align_steps": 0, "sr_steps": 12, "finetune_steps": 0}
    plain, _ = trained(run_context, tiny_config(budget=budget), folder="plain")
    config = tiny_config(budget=budget, stages={"sr": {"ema_decay": 0.9}})
    averaged, _ = trained(run_context, config, folder="ema")

    assert averaged.run.series("train/loss") == plain.run.series("train/loss")
    assert averaged.run.series("val/l1") != plain.run.series("val/l1")
    assert weights_digest(averaged.model) != weights_digest(plain.model)
    best = checkpoints.load(averaged.folder / "best.safetensors")
    assert {n.removeprefix("raw.") for n in best.state if n.startswith("raw.")} == {
        n for n in best.weights if n.startswith(("net.fusion.", "net.head."))
    }


def test_what_is_validated_is_what_is_kept_and_handed_on(tiny_config: Make, run_context: Make) -> None:
    from trainer.step import validation

    config = tiny_config(
        budget={"align_steps": 2, "sr_steps": 9, "finetune_steps": 0}, stages={"sr": {"ema_decay": 0.9}}
    )
    work, ending = trained(run_context, config)

    last_step = ending.progress.done
    (stage,) = [one for one in plan(config) if one.name == "sr"]
    assert validation(work.model, work.val, stage, config, None)["val/l1"] == pytest.approx(
        work.run.series("val/l1")[last_step], rel=1e-6
    )
    best = checkpoints.load(work.folder / "best.safetensors")
    work.model.load_state_dict(dict(best.weights))
    assert validation(work.model, work.val, stage, config, None)["val/l1"] == pytest.approx(
        best.facts["progress"]["best"], rel=1e-6
    )


def test_an_average_follows_its_formula_and_gives_the_network_back_to_the_bit(
    tiny_config: Make, run_context: Make
) -> None:
    work = run_context(tiny_config())
    ema = Ema(work.model, ("head",), 0.9)
    name, weight = next((n, p) for n, p in work.model.named_parameters() if n.startswith("net.head."))
    start = weight.detach().clone()
    with torch.no_grad():
        weight.add_(1.0)
    raw = weights_digest(work.model)

    ema.update(1)  # (1 + 1) / (10 + 1) of the old
    with ema.in_place():
        inside = weight.detach().clone()
        assert weights_digest(work.model) != raw

    assert torch.allclose(inside, start + 9 / 11)
    assert weights_digest(work.model) == raw
    assert all(key.startswith("net.head.") for key in ema.average)
    ema.update(10_000)
    assert torch.allclose(ema.average[name], start + 9 / 11 * 0.9 + 0.1, atol=1e-6)


# ── gradients that pull apart ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["tern", "flow"])
def test_the_cosine_is_measured_where_an_alignment_is_trained_on_images_and_moves_no_bit(
    tiny_config: Make, run_context: Make, kind: str
) -> None:
    ends_at, series = [], []
    for every in (0, 2):
        config = tiny_config(
            model={"alignment": {"kind": kind}, "fusion": {"blocks": 1}}, loop={"conflict_every": every},
            budget={"finetune_steps": 5},
        )  # fmt: skip
        work, _ = trained(run_context, config, folder=str(every))
        ends_at.append(weights_digest(work.model))
        series.append(work.run.series("gradient_conflict/cosine"))

    assert ends_at[0] == ends_at[1]
    assert series[0] == {}
    assert list(series[1]) == [11, 13, 15]  # the steps 1, 3, 5 of finetune alone, after 4 + 6
    assert all(-1 <= value <= 1 for value in series[1].values())


def test_a_loss_agrees_with_itself_and_not_with_its_opposite(
    tiny_config: Make, run_context: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trainer import conflict
    from trainer.ranks import ALONE
    from trainer.samples import draw

    config = tiny_config()
    work = run_context(config)
    model, batch = work.model, draw(work.train, config.data, seed=0, stage=0, first=0, count=3, turn_frames=True)

    def own_loss(*_: Any, **__: Any) -> dict[str, torch.Tensor]:
        frames, _shift = model.register(batch.lr)
        return {"own": signs[-1] * conflict.alignment_loss(frames, model.inward(batch.lr[:, :1]), batch.clear_lr)}

    monkeypatch.setattr(conflict, "reconstruction_loss", own_loss)
    monkeypatch.setattr(conflict.copy, "deepcopy", lambda model: model)
    signs, found = [], []
    for sign in (1.0, -3.0, 0.0):
        signs.append(sign)
        found.append(conflict.gradient_cosine(model, batch, config, warm=False, ranks=ALONE))

    assert found[:2] == [pytest.approx(1.0), pytest.approx(-1.0)]
    assert found[2] is None  # nothing pulls: there is no angle


def test_the_example_arms_build_the_same_stages_as_before() -> None:
    """No arm of the examples says anything of its own for a stage."""
    from pathlib import Path

    root = Path(__file__).parents[2] / "examples" / "piunet_stages"
    for path in sorted(root.glob("*.toml")):
        config = load_config(path)
        for stage in plan(config):
            assert (stage.optim, stage.grad_clip) == (config.optim, config.grad_clip)
            assert (stage.patience, stage.ema_decay) == (0, 0.0)
