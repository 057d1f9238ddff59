"""A step that was not taken says why, and names what was to blame; a step that was taken is as it always was."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from tests.trainer.conftest import SilentLog
from trainer import skips
from trainer.amp import Precision
from trainer.loop import run_stages
from trainer.samples import draw
from trainer.skips import MOST_TOLD, detail, sentence
from trainer.stages import build_optimiser, plan, prepare_blocks, weights_digest
from trainer.step import train_step

Make = Callable[..., Any]


def told(work: Any) -> list[dict[str, Any]]:
    return [found for _, kind, found in work.run.events if kind == "skipped"]


@pytest.mark.parametrize(("part", "what"), [("lr", "frames"), ("hr", "truth")])
def test_a_tile_that_is_not_finite_is_named_with_its_burst(
    tiny_config: Make, run_context: Make, tiny_samples: Make, part: str, what: str
) -> None:
    """Of the tiles of a batch the one that is not finite, and no other."""
    samples = tiny_samples()
    getattr(samples, part)[5, 0, 3, 3] = math.nan
    config = tiny_config(staging="end_to_end", data={"augment": False}, loop={"max_skipped_share": 1.0})
    work = run_context(config, samples=samples)
    assert "scene/5/0" in work.train.ids

    run_stages(work, plan(config))

    found = told(work)
    assert found
    assert {one["reason"] for one in found} == {"input"}
    assert {tuple(one["what"]) for one in found} == {(what,)}
    assert {tuple(one["tiles"]) for one in found} == {("scene/5/0",)}
    assert {tuple(one["bursts"]) for one in found} == {("scene",)}
    steps = [step for step, kind, _ in work.run.events if kind == "skipped"]
    series = work.run.series("train/skipped")
    assert [series[step] for step in steps] == list(range(1, len(steps) + 1))


def test_a_gradient_that_is_not_finite_names_its_parameter_and_the_tiles_of_the_step(
    tiny_config: Make, run_context: Make
) -> None:
    config = tiny_config(staging="end_to_end", optim={"accumulate": 2})
    work = run_context(config)
    stage = plan(config)[0]
    free = prepare_blocks(work.model, stage.trains)
    optimiser = build_optimiser(free, 1e-3, config.optim, fused=True)
    name, hit = next((n, p) for n, p in work.model.named_parameters() if n.startswith("net.head."))
    hit.register_hook(lambda grad: torch.full_like(grad, math.inf))
    batches = [
        draw(work.train, config.data, seed=0, stage=stage.index, first=at, count=3, turn_frames=True) for at in (0, 3)
    ]
    before = [p.detach().clone() for p in work.model.parameters()]

    found = train_step(work.model, batches, optimiser, Precision(config.amp, "cpu"), stage, config, free=free)

    assert (found.fault, found.what) == ("gradient", (name,))
    assert found.tiles == (*batches[0].ids, *batches[1].ids)
    assert all(torch.equal(old, new) for old, new in zip(before, work.model.parameters(), strict=True))


def test_a_loss_that_is_not_finite_names_its_term(tiny_config: Make, run_context: Make) -> None:
    config = tiny_config(staging="end_to_end", loss={"weight": 1e39})  # beyond fp32: an infinite loss of finite inputs
    work = run_context(config)

    run_stages(work, plan(config))

    assert {(one["reason"], *one["what"]) for one in told(work)} == {("loss", "reconstruction")}


def test_a_norm_beyond_fp32_of_finite_gradients_moves_no_weight() -> None:
    """Clipped by it every gradient would be zero, and weight decay alone would move what was to stay."""
    layer = torch.nn.Linear(2, 1)
    optimiser = torch.optim.AdamW(layer.parameters(), weight_decay=0.5)
    precision = Precision(replace(_amp(), dtype="off"), "cpu")
    layer(torch.ones(1, 2)).sum().backward()
    for parameter in layer.parameters():
        parameter.grad = torch.full_like(parameter, 3e38)
    before = [p.detach().clone() for p in layer.parameters()]

    norm, fault = precision.step(optimiser, layer.parameters(), 1.0)

    assert (norm, fault) == (math.inf, "gradient")
    assert all(torch.equal(old, new) for old, new in zip(before, layer.parameters(), strict=True))


def _amp() -> Any:
    from trainer.config import AmpConfig

    return AmpConfig()


def leaping(tiny_config: Make, run_context: Make, tiny_samples: Make, factor: float) -> Any:
    """Tiles of one scene are a thousand times as bright: their loss leaps, and nothing is infinite."""
    samples = tiny_samples()
    samples.hr[5] *= 1e3
    config = tiny_config(
        staging="end_to_end", budget={"end_to_end_steps": 40}, optim={"loss_spike_factor": factor},
        loop={"max_skipped_in_a_row": 40, "max_skipped_share": 1.0},
    )  # fmt: skip
    work = run_context(config, samples=samples, folder=f"by{factor:g}")
    return work, run_stages(work, plan(config)).progress


def test_a_step_whose_loss_leaps_is_not_taken_and_said(
    tiny_config: Make, run_context: Make, tiny_samples: Make
) -> None:
    work, progress = leaping(tiny_config, run_context, tiny_samples, 20.0)
    taken, all_taken = leaping(tiny_config, run_context, tiny_samples, 0.0)

    found = told(work)
    losses = work.run.series("train/loss")
    steps = [step for step, kind, _ in work.run.events if kind == "skipped"]
    assert steps
    assert progress.skips == steps  # so they count where a run is said to be dead
    assert {one["reason"] for one in found} == {"loss_spike"}
    assert [one["value"] for one in found] == [losses[step] for step in steps]
    assert all("scene/5/0" in one["tiles"] for one in found)
    assert all(step > 20 for step in steps)
    assert (told(taken), all_taken.skips) == ([], [])
    assert weights_digest(taken.model) != weights_digest(work.model)


def test_a_guard_that_never_acts_moves_no_bit(tiny_config: Make, run_context: Make) -> None:
    ends = []
    for factor in (0.0, 1e9):
        config = tiny_config(
            staging="end_to_end", budget={"end_to_end_steps": 30},
            optim={"loss_spike_factor": factor, "spike_factor": factor},
        )  # fmt: skip
        work = run_context(config, folder=f"by{factor:g}")
        run_stages(work, plan(config))
        ends.append(weights_digest(work.model))

    assert ends[0] == ends[1]


def test_a_run_that_loses_step_after_step_tells_so_many_and_counts_all(
    tiny_config: Make, run_context: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MOST_TOLD >= 100  # a whole window of the rule that ends a run
    monkeypatch.setattr(skips, "MOST_TOLD", 3)
    config = tiny_config(staging="end_to_end", loss={"weight": 1e39})
    work = run_context(config)

    run_stages(work, plan(config))

    assert len(told(work)) == 3
    assert max(work.run.series("train/skipped").values()) == 6


def test_the_tiles_of_every_process_are_told() -> None:
    found = detail("input", ranks=[(("frames",), (0,)), ((), ()), (("frames", "truth"), (2,))], ids=["a/0/0", "b/0/0", "b/1/0"], value=None)  # fmt: skip  # noqa: E501

    assert found == {"reason": "input", "what": ["frames", "truth"], "tiles": ["a/0/0", "b/1/0"], "bursts": ["a", "b"]}
    assert sentence(found) == "step not taken, the input is not finite: frames, truth in a/0/0, b/1/0"


def test_a_sentence_never_names_a_cause_that_was_not_seen() -> None:
    """The scale halves for overflow and NaN alike; underflow is what a low scale may bring, and is never said."""
    words = [sentence({"reason": reason, "what": [], "tiles": []}) for reason in skips.REASONS]

    assert "step not taken, non-finite gradients (overflow or NaN)" in words
    assert not [word for word in words if "underflow" in word]


def test_silence_of_the_log_changes_nothing(tiny_config: Make, run_context: Make) -> None:
    config = tiny_config(staging="end_to_end", loss={"weight": 1e39})
    work = replace(run_context(config), run=SilentLog())

    assert run_stages(work, plan(config)).progress.skipped == 6
