"""A dead run begun again is another run: at the best weights of before, under its own settings, and with its parent."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from runaudit.errors import UsageError
from trainer import checkpoint as checkpoints
from trainer.config import DataConfig
from trainer.configfile import build
from trainer.loop import run_stages
from trainer.resolved import resolve, unresolved
from trainer.restart import ailment, carried_over, restart_of, successor_of
from trainer.samples import draw
from trainer.seeding import sample_positions
from trainer.stages import plan, weights_digest

Make = Callable[..., Any]


def changed(config: Any, **changes: Any) -> Any:
    """The config as a restart makes it: what the sealed one says, and some leaves other than there."""
    tree = unresolved(resolve(config))
    for section, leaves in changes.items():
        tree[section] = {**tree[section], **leaves}
    return build(tree, "sealed")


@pytest.fixture
def died(tiny_config: Make, run_context: Make) -> Any:
    """Alignment and image are trained well; then a rate beyond all bounds ends the run."""
    config = tiny_config(
        stages={"finetune": {"lr": 1e30}}, budget={"finetune_steps": 8},
        loop={"max_skipped_in_a_row": 3, "val_every": 2},
    )  # fmt: skip
    work = run_context(config, folder="dead")
    assert run_stages(work, plan(config)).status == "diverged"
    return work


def test_a_child_begins_with_the_best_weights_and_without_what_its_parent_died_of(died: Any, run_context: Make) -> None:
    best = checkpoints.load(died.folder / "best.safetensors")
    config = changed(died.config, optim={"weight_decay": 0.0})
    config = replace(config, stages=replace(config.stages, finetune=replace(config.stages.finetune, lr=1e-4)))
    at = best.facts["progress"]["stage_at"]
    child = run_context(config, folder="child")

    ending = run_stages(child, plan(config), carried_over(best, config, plan(config)[at]))

    steps = [step for step, _ in child.run.values]
    assert ending.status == "completed"
    assert min(step for step in steps) > best.facts["progress"]["done"]
    assert ending.progress.best is not None
    assert ending.progress.best <= best.facts["progress"]["best"]
    # The child is whole from its first moment on, under its own settings.
    kept = checkpoints.load(child.folder / "best.safetensors").facts["config"]
    assert (kept["optim"]["weight_decay"], kept["stages"]["sr"]["weight_decay"]) == (0.0, 0.0)


def test_a_child_that_changes_nothing_goes_on_as_its_parent_did(tiny_config: Make, run_context: Make) -> None:
    config = tiny_config(loop={"val_every": 2})
    whole = run_context(config, folder="whole")
    run_stages(whole, plan(config))
    best = checkpoints.load(whole.folder / "best.safetensors")
    at = best.facts["progress"]["stage_at"]
    child = run_context(config, folder="child")

    run_stages(child, plan(config), carried_over(best, config, plan(config)[at]))

    assert weights_digest(child.model) == weights_digest(whole.model)


@pytest.mark.parametrize(
    "finetune", [{"optimiser": "sgd"}, {"trains": ["head"]}, {"ema_decay": 0.9}], ids=["optimiser", "blocks", "average"]
)
def test_what_no_longer_means_the_same_begins_anew(
    tiny_config: Make, run_context: Make, finetune: dict[str, Any]
) -> None:
    """Moments of another optimiser, or of other blocks, would be laid on weights that are not theirs."""
    config = tiny_config(budget={"align_steps": 2, "sr_steps": 2, "finetune_steps": 8}, loop={"val_every": 2})
    work = run_context(config, folder="whole")
    run_stages(work, plan(config))
    whole = checkpoints.load(work.folder / "best.safetensors")
    facts = {**whole.facts, "progress": whole.facts["progress"] | {"stage_at": 2, "step": 2, "done": 6}}
    tree = unresolved(resolve(config))
    tree["stages"]["finetune"] |= finetune
    other = build(tree, "sealed")
    child = run_context(other, folder="child")

    ending = run_stages(child, plan(other), carried_over(replace(whole, facts=facts), other, plan(other)[2]))

    assert ending.progress.done == 12
    if finetune.get("trains"):
        frozen = [n for n in whole.weights if n.startswith(("net.alignment.", "net.fusion."))]
        now = child.model.state_dict()
        assert all(torch.equal(now[name], whole.weights[name]) for name in frozen)


@pytest.mark.parametrize("part", ["weights", "state"])
def test_a_checkpoint_with_a_number_that_is_none_is_not_healthy(died: Any, part: str) -> None:
    best = checkpoints.load(died.folder / "best.safetensors")
    tensors = dict(getattr(best, part))
    name = next(name for name, tensor in tensors.items() if tensor.is_floating_point() and tensor.dim())
    tensors[name] = torch.full_like(tensors[name], float("nan"))

    assert ailment(best, died.config) == ""
    assert ailment(replace(best, **{part: tensors}), died.config).endswith(f"{name} is not finite")


def test_weights_worse_than_untrained_ones_are_no_place_to_start_from(died: Any) -> None:
    best = checkpoints.load(died.folder / "best.safetensors")
    path = died.folder / "poor.safetensors"
    poor = {**best.facts, "progress": best.facts["progress"] | {"untrained": best.facts["progress"]["best"] / 10}}
    path.write_bytes(checkpoints.encoded(replace(best, facts=poor)))

    with pytest.raises(UsageError, match="left no healthy checkpoint to start from: the best validation error"):
        restart_of(str(path), None, (), ranks=1)


def test_a_checkpoint_is_restarted_by_its_path_with_the_change_alone(died: Any, tmp_path: Path) -> None:
    found = restart_of(
        str(died.folder / "best.safetensors"), None, ("stages.finetune.lr=1e-4", "optim.weight_decay=0.5"), ranks=1
    )

    before, now = resolve(died.config), resolve(found.config)
    assert found.seed == died.seed
    assert now["stages"]["finetune"]["lr"] == 1e-4
    assert {now["stages"][name]["weight_decay"] for name in ("alignment", "sr", "finetune")} == {0.5}
    now["stages"]["finetune"]["lr"] = before["stages"]["finetune"]["lr"]
    for stage in ("alignment", "sr", "finetune", "end_to_end"):
        now["stages"][stage]["weight_decay"] = before["stages"][stage]["weight_decay"]
    now["optim"]["weight_decay"] = before["optim"]["weight_decay"]
    assert json.dumps(now, sort_keys=True) == json.dumps(before, sort_keys=True)
    assert found.parent.init() == {
        "kind": "checkpoint", "checkpoint": found.parent.digest, "parent": None, "relation": "restart",
    }  # fmt: skip


def test_a_dead_run_is_followed_where_its_config_asks_by_lower_rates_in_another_order(died: Any) -> None:
    best, config = died.folder / "best.safetensors", died.config
    asks = changed(config, loop={"restarts": 2, "restart_lr_factor": 0.25})

    assert successor_of(config, best) is None
    found = successor_of(asks, best)

    assert found is not None
    assert "best checkpoint" in found.words and "learning rates x 0.25" in found.words
    path = died.folder / "asked.safetensors"
    kept = checkpoints.load(best)
    path.write_bytes(checkpoints.encoded(replace(kept, facts={**kept.facts, "config": resolve(asks)})))
    child = restart_of(str(path), None, found.overrides, ranks=1)
    at = kept.facts["progress"]["stage_at"]
    assert [stage.lr for stage in plan(child.config)] == [
        stage.lr * (0.25 if number >= at else 1) for number, stage in enumerate(plan(asks))
    ]
    assert (child.config.data.reshuffle, child.config.loop.restarts) == (1, 1)
    assert child.seed == died.seed


def test_a_run_that_left_nothing_healthy_is_not_followed_and_says_why(died: Any) -> None:
    asks = changed(died.config, loop={"restarts": 2})
    best = checkpoints.load(died.folder / "best.safetensors")
    poor = {**best.facts, "progress": best.facts["progress"] | {"untrained": best.facts["progress"]["best"] / 10}}
    path = died.folder / "poor.safetensors"
    path.write_bytes(checkpoints.encoded(replace(best, facts=poor)))

    never, ill = successor_of(asks, None), successor_of(asks, path)

    assert never is not None and ill is not None
    assert (never.overrides, never.words) == ((), "not begun again: no image was validated before it ended")
    assert ill.overrides == () and ill.words.startswith("not begun again: the best validation error")


def test_another_order_of_one_seed_is_another_order_and_the_first_is_the_seeds_own(tiny_samples: Make) -> None:
    samples, plain = tiny_samples(), DataConfig()

    orders = [
        draw(samples, replace(plain, reshuffle=number), seed=3, stage=1, first=0, count=15, turn_frames=False)
        for number in (0, 1, 2)
    ]

    assert orders[0].ids == sample_positions(3, 1, 0, count=15, samples=15)
    assert len({tuple(batch.ids) for batch in orders}) == len({tuple(batch.turns) for batch in orders}) == 3
    assert all(sorted(batch.ids) == list(range(15)) for batch in orders)
