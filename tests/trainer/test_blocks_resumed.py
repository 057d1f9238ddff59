"""Every block and setting of a stage goes on to the bit where it was killed, and trains the same on two processes."""

import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainer.processes import together
from trainer import checkpoint as checkpoints
from trainer.config import TrainConfig
from trainer.context import RunContext
from trainer.loop import run_stages
from trainer.models.normalisation import share_statistics
from trainer.ranks import ALONE, Ranks
from trainer.samples import Samples
from trainer.stages import plan, weights_digest

Make = Callable[..., Any]

FFT = {"model": {"head": {"kind": "fft", "fft": {"patch": 4}}}}
DEFORMABLE = {"model": {"alignment": {"kind": "deformable", "deformable": {"channels": 4}}}}
FILM = {"model": {"film": {"input": "altitude", "hidden": 4}}}
MOTION = {"model": {"alignment": {"kind": "flow"}}, "stages": {"alignment": {"loss": "motion"}}}
EMA = {"stages": {"alignment": {"ema_decay": 0.9}, "sr": {"ema_decay": 0.9}}}
PATIENCE = {"stages": {"sr": {"lr": 1e-12, "patience": 2}}, "loop": {"val_every": 1}}  # nothing betters: ends early
AXES = {"fft": FFT, "deformable": DEFORMABLE, "film": FILM, "motion": MOTION, "ema": EMA, "patience": PATIENCE}


@pytest.fixture
def samples(tiny_samples: Make) -> Samples:
    """With all that a label can say: motion, and an altitude of each tile."""
    return replace(tiny_samples(labelled=True), altitude=torch.linspace(-1, 1, 15))


def seen(work: RunContext) -> dict[str, Any]:
    series = {name for _, values in work.run.values for name in values if not name.startswith("time/")}  # type: ignore[attr-defined]
    return {name: work.run.series(name) for name in series} | {"weights": weights_digest(work.model)}  # type: ignore[attr-defined]


@pytest.mark.parametrize("after", [2, 6], ids=["aligning", "restoring"])
@pytest.mark.parametrize("axis", AXES)
def test_a_run_killed_at_a_step_goes_on_to_the_bit(
    tiny_config: Make, run_context: Make, samples: Samples, axis: str, after: int
) -> None:
    config = tiny_config(**AXES[axis])
    whole = run_context(config, folder="whole", samples=samples)
    run_stages(whole, plan(config))

    steps = iter(range(1, 100))
    half = run_context(
        config, folder="half", samples=samples, stop=lambda: signal.SIGTERM if next(steps) == after else 0
    )
    assert run_stages(half, plan(config)).status == "killed"
    rest = run_context(config, folder="half", samples=samples)
    torch.manual_seed(99)  # what came before the resumption must not matter
    ending = run_stages(rest, plan(config), checkpoints.load(half.folder / "last.safetensors"))

    ended, expected = seen(rest), seen(whole)
    assert ended.pop("weights") == expected.pop("weights")
    for name, found in ended.items():
        assert found == {step: value for step, value in expected[name].items() if step > after}
    assert ending.progress.ended_early == (["sr"] if axis == "patience" else [])


def test_two_processes_train_all_of_them_as_one(
    tiny_config: Make, run_context: Make, samples: Samples, tmp_path: Path
) -> None:
    """All in one network and one pair of processes: what parts is no more than sums in another order, and what Adam
    makes of gradients that are rounding."""

    def config(batch: int) -> TrainConfig:
        model = {"alignment": {"kind": "deformable", "deformable": {"channels": 4}}, **FFT["model"], **FILM["model"]}
        stages = {"alignment": {"loss": "motion", "ema_decay": 0.9}, "sr": {"ema_decay": 0.9, "patience": 9}}
        made: TrainConfig = tiny_config(model=model, stages=stages, optim={"batch": batch})
        return made

    def trained(ranks: Ranks, batch: int) -> dict[str, Any]:
        work = run_context(config(batch), ranks=ranks, folder=f"of{ranks.size}", samples=samples)
        if ranks.size > 1:
            share_statistics(work.model, total=ranks.total, ranks=ranks.size)
        run_stages(work, plan(work.config))
        return seen(work)

    first, second = together(tmp_path, lambda ranks: trained(ranks, 3))
    alone = trained(ALONE, 6)

    assert first == second
    assert first["train/loss/motion"][1] == pytest.approx(alone["train/loss/motion"][1], rel=1e-5)
    for name in ("train/loss", "val/l1", "val/registration_error_px"):
        assert first[name] == pytest.approx(alone[name], rel=1e-2)
    assert alone["val/registration_error_px"].keys() >= {3, 4}
