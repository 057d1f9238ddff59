"""A stage changes only what it names, buffers included, and says so when something else moved."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from runaudit.errors import IntegrityError
from trainer.build import build_model
from trainer.config import OptimConfig, TrainConfig
from trainer.loop import run_stages
from trainer.stages import (
    BLOCKS,
    Stage,
    frozen_digests,
    lr_at,
    plan,
    prepare_blocks,
    require_frozen,
    tensor_digest,
)

Make = Callable[..., Any]


@pytest.mark.parametrize("kind", ["tern", "flow"])
def test_a_stage_changes_only_the_blocks_it_names(tiny_config: Make, run_context: Make, kind: str) -> None:
    """TERN has normalisation layers, whose running statistics are the part that usually leaks."""
    config = tiny_config(model={"alignment": {"kind": kind}, "fusion": {"blocks": 1}})
    for stage in plan(config):
        work = run_context(config)
        before = {name: tensor_digest(t) for name, t in work.model.state_dict().items()}

        run_stages(work, (stage,))

        moved = {name for name, t in work.model.state_dict().items() if tensor_digest(t) != before[name]}
        assert {name.split(".")[1] for name in moved} == set(stage.trains)


def test_batch_statistics_of_a_trained_block_do_move(tiny_config: Make, run_context: Make) -> None:
    """So the law above is not kept by statistics that never move at all."""
    work = run_context(tiny_config())
    name = "net.alignment.embed.norm.running_mean"
    before = work.model.state_dict()[name].clone()

    run_stages(work, plan(work.config)[:1])

    assert not torch.equal(work.model.state_dict()[name], before)


def test_a_tensor_that_moved_is_named(tiny_config: Make) -> None:
    model = build_model(tiny_config().model)
    stage = Stage(
        name="sr", index=1, trains=("fusion", "head"), loss="reconstruction", lr=1e-3, steps=1, optim=OptimConfig(),
        grad_clip=1.0,
    )  # fmt: skip
    before = frozen_digests(model, stage.trains)

    with torch.no_grad():
        model.get_buffer("net.alignment.embed.norm.running_var")[0] += 1e-6

    with pytest.raises(IntegrityError, match=r"stage sr .*net\.alignment\.embed\.norm\.running_var has changed"):
        require_frozen(model, stage, before)


def test_frozen_blocks_are_without_gradient_and_in_evaluation_mode(tiny_config: Make) -> None:
    model = build_model(tiny_config().model)

    free = prepare_blocks(model, ("head",))

    assert {id(p) for p in free} == {id(p) for p in model.block("head").parameters()}
    for name in BLOCKS:
        assert all(p.requires_grad == (name == "head") for p in model.block(name).parameters())
        assert all(m.training == (name == "head") for m in model.block(name).modules())


def test_the_plan_holds_the_chosen_stages_in_order(tiny_config: Make) -> None:
    names = {
        staging: [stage.name for stage in plan(tiny_config(staging=staging))] for staging in ("staged", "end_to_end")
    }

    assert names == {"staged": ["alignment", "sr", "finetune"], "end_to_end": ["end_to_end"]}


def test_warm_up_starts_at_a_tenth_and_reaches_the_rate() -> None:
    config = OptimConfig(warmup_fraction=0.1, schedule="constant")

    rates = [lr_at(step, 100, 2e-3, config) for step in range(12)]

    assert rates[0] == pytest.approx(2e-4)
    assert rates[5] == pytest.approx(2e-4 + 0.5 * 1.8e-3)
    assert rates[10] == rates[11] == 2e-3


def test_cosine_ends_near_zero_and_milestones_drop_at_their_share() -> None:
    cosine = OptimConfig(warmup_fraction=0.0)
    steps = OptimConfig(warmup_fraction=0.0, schedule="milestones", milestones=(0.5, 0.8), milestone_factor=0.2)

    assert lr_at(50, 100, 1.0, cosine) == pytest.approx(0.5)
    assert lr_at(99, 100, 1.0, cosine) < 1e-3
    assert [lr_at(s, 100, 1.0, steps) for s in (49, 50, 80)] == pytest.approx([1.0, 0.2, 0.04])


def test_arms_start_from_the_same_head(tiny_config: Make) -> None:
    """Exchanging the alignment must not reshuffle the initial weights of the rest."""
    heads = []
    for kind in ("tern", "flow"):
        torch.manual_seed(0)
        config: TrainConfig = tiny_config(model={"alignment": {"kind": kind}})
        heads.append(build_model(config.model).block("head").state_dict())

    assert all(torch.equal(heads[0][name], heads[1][name]) for name in heads[0])
