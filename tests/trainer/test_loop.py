"""The loop: reproducible, resumable to the bit, and unharmed by bad batches."""

import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from runaudit.errors import ConfigError, IntegrityError, UsageError
from tests.trainer.conftest import SilentLog
from tests.trainer.faults import full_at
from trainer import checkpoint as checkpoints
from trainer.amp import Precision
from trainer.build import build_model
from trainer.context import RunContext
from trainer.loop import run_stages
from trainer.samples import _by_orientation, _by_sample, augmented, augmented_features, draw, turned_back
from trainer.stages import build_optimiser, plan, prepare_blocks, weights_digest
from trainer.step import Cache, train_step

Make = Callable[..., Any]
KINDS = ("tern", "flow")


def trained(make: Make, config: Any, **changes: Any) -> RunContext:
    work: RunContext = make(config, **changes)
    run_stages(work, plan(config))
    return work


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_weights_bit_for_bit(tiny_config: Make, run_context: Make, kind: str) -> None:
    config = tiny_config(model={"alignment": {"kind": kind}})

    runs = [trained(run_context, config, seed=seed, folder=str(i)) for i, seed in enumerate((0, 0, 1))]
    digests = [weights_digest(run.model) for run in runs]

    assert digests[0] == digests[1] != digests[2]
    assert runs[0].run.series("train/loss") == runs[1].run.series("train/loss")


def interrupted(make: Make, config: Any, after: int, **changes: Any) -> RunContext:
    """A run that is asked to end after so many steps of all stages."""
    steps = iter(range(1, 1000))
    work: RunContext = make(config, stop=lambda: signal.SIGTERM if next(steps) == after else 0, **changes)

    status, progress, by, _ = run_stages(work, plan(config))

    assert (status, progress.done, by) == ("killed", after, signal.SIGTERM)
    return work


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("after", [2, 4, 7, 10])
def test_a_resumed_run_computes_the_very_same_losses(
    tiny_config: Make, run_context: Make, kind: str, after: int
) -> None:
    """Within the alignment stage, at its very end, within the frozen stage, and at its end."""
    config = tiny_config(model={"alignment": {"kind": kind}, "fusion": {"blocks": 1}})
    whole = trained(run_context, config, folder="whole")

    interrupted(run_context, config, after, folder="half")
    other = run_context(config, folder="half")
    torch.manual_seed(99)  # what came before the resumption must not matter
    run_stages(other, plan(config), checkpoints.load(other.folder / "last.safetensors"))

    expected = {s: v for s, v in whole.run.series("train/loss").items() if s > after}
    assert other.run.series("train/loss") == expected
    assert weights_digest(other.model) == weights_digest(whole.model)
    assert other.run.events[0][:2] == (after, "resume")


def test_a_guard_against_spikes_goes_on_where_it_was(tiny_config: Make, run_context: Make) -> None:
    """So tight that steps of the second half are lost to it: which ones depends on what was usual before."""
    config = tiny_config(
        staging="end_to_end", budget={"end_to_end_steps": 40}, optim={"spike_factor": 1.05},
        loop={"max_skipped_in_a_row": 40, "max_skipped_share": 1.0},
    )  # fmt: skip
    whole = trained(run_context, config, folder="whole")

    interrupted(run_context, config, 30, folder="half")
    other = run_context(config, folder="half")
    run_stages(other, plan(config), checkpoints.load(other.folder / "last.safetensors"))

    lost = checkpoints.load(whole.folder / "last.safetensors").facts["progress"]["skips"]
    assert [step for step in lost if step > 30] and all(step > 20 for step in lost)
    assert checkpoints.load(other.folder / "last.safetensors").facts["progress"]["skips"] == lost
    assert weights_digest(other.model) == weights_digest(whole.model)


def test_resuming_between_stages_starts_the_next_one(tiny_config: Make, run_context: Make) -> None:
    config = tiny_config()
    stages = plan(config)
    whole = trained(run_context, config, folder="whole")
    first = run_context(config, folder="half")
    run_stages(first, stages[:1])

    other = run_context(config, folder="half")
    run_stages(other, stages, checkpoints.load(other.folder / "last.safetensors"))

    assert weights_digest(other.model) == weights_digest(whole.model)
    begun = [event[2].get("stage") for event in other.run.events if event[1] != "stage_end"]
    assert begun == [None, "sr", "finetune"]


def test_a_resumed_run_ends_with_the_best_of_before_wherever_its_checkpoint_lies(
    tiny_config: Make, run_context: Make
) -> None:
    """The best was found before the kill and never again: it travels with the last one, to the byte."""
    config = tiny_config(loop={"val_every": 2}, stages={"sr": {"lr": 1e-9}, "finetune": {"lr": 1e-9}})
    half = interrupted(run_context, config, 9)
    best = (half.folder / "best.safetensors").read_bytes()
    found = half.run.series("val/l1")
    alone = half.folder.parent / "elsewhere.safetensors"
    alone.write_bytes((half.folder / "last.safetensors").read_bytes())

    child = run_context(config, folder="child")
    run_stages(child, plan(config), checkpoints.load(alone))

    later = child.run.series("val/l1")
    kept = checkpoints.load(child.folder / "best.safetensors").facts["progress"]["best"]
    assert kept == min(*found.values(), *later.values())
    if kept in found.values():
        assert (child.folder / "best.safetensors").read_bytes() == best


def test_a_child_can_be_resumed_from_its_first_moment(tiny_config: Make, run_context: Make) -> None:
    """Killed before its own first save, it has what it began with, byte for byte."""
    half = interrupted(run_context, tiny_config(), 7)
    last = (half.folder / "last.safetensors").read_bytes()
    child = run_context(tiny_config(), folder="child", stop=lambda: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        run_stages(child, plan(child.config), checkpoints.load(half.folder / "last.safetensors"))

    assert (child.folder / "last.safetensors").read_bytes() == last


def test_a_full_disk_ends_the_run_with_the_earlier_checkpoint_in_place(
    tiny_config: Make, run_context: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = run_context(tiny_config(loop={"save_every": 1}))

    class Filling(SilentLog):
        def checkpoint(self, path: Path, *, step: int, kind: str) -> None:
            if step == 2:
                full_at(monkeypatch, 3)

    with pytest.raises(UsageError, match=r"could not be written \(No space left on device\); the earlier one is kept"):
        run_stages(replace(work, run=Filling()), plan(work.config))

    monkeypatch.undo()
    assert checkpoints.load(work.folder / "last.safetensors").facts["progress"]["done"] == 2


def test_a_frozen_tensor_changed_between_runs_is_refused(tiny_config: Make, run_context: Make) -> None:
    """The frozen digests travel with the checkpoint, so a resumed stage is held to what froze, not to
    what it finds.
    """
    config = tiny_config()
    work = interrupted(run_context, config, 6)
    path = work.folder / "last.safetensors"
    kept = checkpoints.load(path)
    weights = dict(kept.weights)
    weights["net.alignment.embed.norm.running_mean"] = weights["net.alignment.embed.norm.running_mean"] + 1
    checkpoints.write(path, checkpoints.encoded(replace(kept, weights=weights)))

    with pytest.raises(IntegrityError, match=r"embed\.norm\.running_mean has changed"):
        run_stages(run_context(config), plan(config), checkpoints.load(path))


def test_resuming_with_another_config_names_the_leaf(tiny_config: Make, run_context: Make) -> None:
    interrupted(run_context, tiny_config(), 6)
    other = run_context(tiny_config(grad_clip=1.0))

    with pytest.raises(ConfigError, match=r"config\.grad_clip was 0\.5 and is 1\.0"):
        run_stages(other, plan(other.config), checkpoints.load(other.folder / "last.safetensors"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("blocks", [0, 1])
def test_the_cache_changes_nothing(tiny_config: Make, run_context: Make, kind: str, blocks: int) -> None:
    model = {"alignment": {"kind": kind}, "fusion": {"blocks": blocks}}
    with_cache = trained(run_context, tiny_config(model=model), folder="a")
    without = trained(run_context, tiny_config(model=model, data={"cache_mb": 0}), folder="b")

    cached, plain = (list(w.run.series("train/loss").values()) for w in (with_cache, without))
    # Batches of another size may be summed in another order, so equal to rounding, not to the bit.
    assert cached == pytest.approx(plain, rel=1e-4)


def test_turning_the_merged_burst_is_turning_the_picture(tiny_samples: Make) -> None:
    """A turned frozen sample is the merged burst of the unturned one, turned along with its truth."""
    x = torch.arange(2 * 2 * 4 * 4.0).view(2, 2, 4, 4)

    for turn in range(8):
        assert torch.equal(turned_back(augmented(x, [turn, turn]), turn), x)
    assert len({tuple(augmented(x, [turn, 0])[0].flatten().tolist()) for turn in range(8)}) == 8


def test_turning_by_orientation_is_turning_sample_by_sample() -> None:
    x = torch.rand(11, 2, 5, 5)
    turns = [0, 3, 7, 7, 1, 2, 6, 5, 4, 0, 3]

    assert torch.equal(_by_orientation(x, turns), _by_sample(x, turns))


def one_step(config: Any, samples: Any, **changes: Any) -> tuple[Any, dict[str, torch.Tensor], Precision]:
    torch.manual_seed(0)
    model = build_model(config.model)
    stage = plan(config)[-1]
    free = prepare_blocks(model, stage.trains)
    optimiser, precision = (
        build_optimiser(free, stage.lr, config.optim, fused=False),
        Precision(config.amp, "cpu"),
    )
    batches = [
        draw(samples, config.data, seed=0, stage=3, first=i * config.optim.batch, count=config.optim.batch,
             turn_frames=True)
        for i in range(config.optim.accumulate)
    ]  # fmt: skip
    metrics = train_step(model, batches, optimiser, precision, stage, config, free=free)
    return metrics, model.state_dict(), precision


def test_two_batches_of_four_are_one_of_eight(tiny_config: Make, tiny_samples: Make) -> None:
    """Without normalisation layers, whose statistics see the smaller batch."""
    base: dict[str, Any] = {"staging": "end_to_end", "model": {"alignment": {"kind": "flow"}}}
    samples = tiny_samples()

    large, weights_large, _ = one_step(tiny_config(**base, optim={"batch": 8}), samples)
    split, weights_split, _ = one_step(tiny_config(**base, optim={"batch": 4, "accumulate": 2}), samples)

    assert split.grad_norm == pytest.approx(large.grad_norm, rel=1e-4)
    assert split.terms == pytest.approx(large.terms, rel=1e-5)
    # AdamW's first step is the sign of the gradient: equal wherever the gradient is more than rounding.
    close = [torch.isclose(weights_large[n], weights_split[n], atol=1e-4).float().mean() for n in weights_large]
    assert float(torch.stack(close).mean()) > 0.99


def spoiled(samples: Any, share: float = 1.0) -> Any:
    lr = samples.lr.clone()
    lr[: round(share * len(lr)), 0, 0, 0] = float("nan")
    return replace(samples, lr=lr)


def test_a_batch_that_is_not_finite_is_skipped_counted_and_harmless(tiny_config: Make, tiny_samples: Make) -> None:
    config = tiny_config(staging="end_to_end", amp={"dtype": "fp16"})
    torch.manual_seed(0)
    before = build_model(config.model).state_dict()

    metrics, after, precision = one_step(config, spoiled(tiny_samples()))

    assert metrics.fault == "input"
    assert precision.scale == config.amp.init_scale  # not the scale's fault
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_bad_batches_are_in_the_record(tiny_config: Make, run_context: Make, tiny_samples: Make) -> None:
    config = tiny_config(staging="end_to_end", optim={"batch": 1}, budget={"end_to_end_steps": 12})

    work = trained(run_context, config, samples=spoiled(tiny_samples(), 0.3))

    counted = work.run.series("train/bad_batches")
    assert 0 < counted[12] < 12
    assert len(work.run.series("train/loss")) == 12 - counted[12]
    assert all(torch.isfinite(t).all() for t in work.model.state_dict().values() if t.is_floating_point())


def test_too_many_bad_batches_in_a_row_end_the_run(tiny_config: Make, run_context: Make, tiny_samples: Make) -> None:
    config = tiny_config(loop={"max_skipped_in_a_row": 2})
    work = run_context(config, samples=spoiled(tiny_samples()))

    status, progress, _, reason = run_stages(work, plan(config))

    assert (status, progress.done) == ("diverged", 3)
    assert reason == "3 steps in a row were not taken (loop.max_skipped_in_a_row)"


def test_a_run_that_learned_nothing_is_not_completed(tiny_config: Make, run_context: Make) -> None:
    """A rate of 30 ruins the image beyond what the untrained network gives; its last weights are kept all the same."""
    config = tiny_config(stages={"sr": {"lr": 30.0}}, budget={"finetune_steps": 0})
    work = run_context(config)

    status, progress, _, reason = run_stages(work, plan(config))

    assert (status, progress.done) == ("diverged", 10)
    assert "times that of the untrained network" in reason or reason == "no validation error was finite"
    assert progress.untrained == work.run.series("val/l1")[4], "before the first step on an image"
    assert (work.folder / "last.safetensors").exists()


def test_a_scale_that_wants_to_fall_through_its_floor_ends_the_run(tiny_config: Make, run_context: Make) -> None:
    config = tiny_config(amp={"dtype": "fp16", "init_scale": 2.0**60, "min_scale": 2.0**57})
    work = run_context(config)

    status, progress, _, reason = run_stages(work, plan(config))

    assert (status, progress.done) == ("diverged", 4)
    assert reason.startswith("non-finite gradients (overflow or NaN) at the lowest loss scale")
    assert work.run.series("amp/scale") == {1: 2.0**59, 2: 2.0**58, 3: 2.0**57, 4: 2.0**57}


def test_what_was_skipped_is_remembered_by_who_resumes(tiny_config: Make, run_context: Make) -> None:
    config = tiny_config(amp={"dtype": "fp16", "init_scale": 2.0**40}, loop={"max_skipped_share": 1.0})
    half = interrupted(run_context, config, 3)

    child = run_context(config, folder="child")
    _, progress, _, _ = run_stages(child, plan(config), checkpoints.load(half.folder / "last.safetensors"))

    assert progress.skips[:3] == [1, 2, 3]


def test_fp16_logs_its_scale_and_every_skip(tiny_config: Make, run_context: Make) -> None:
    """With a scale of 2^40 the first steps must overflow half precision's 65504."""
    config = tiny_config(
        amp={"dtype": "fp16", "init_scale": 2.0**40}, loop={"max_skipped_in_a_row": 60, "max_skipped_share": 1.0}
    )

    work = trained(run_context, config)

    scale, skipped = work.run.series("amp/scale"), work.run.series("amp/skipped")
    assert scale[1] == 2.0**39
    assert skipped[1] == 1.0
    assert set(scale) == set(skipped) == set(range(1, 13))
    assert all(scale[s] == scale[s - 1] / 2 for s in range(2, 13) if skipped[s] > skipped[s - 1])


def test_the_series_have_the_agreed_names(tiny_config: Make, run_context: Make) -> None:
    work = trained(run_context, tiny_config())
    names = {name for _, values in work.run.values for name in values}

    assert {
        "train/loss", "train/loss/alignment", "train/loss/reconstruction", "train/grad_norm", "train/lr",
        "time/step_s", "val/l1", "val/alignment",
    } <= names  # fmt: skip
    for kind in ("stage", "stage_end"):
        told = [event[2]["stage"] for event in work.run.events if event[1] == kind]
        assert told == ["alignment", "sr", "finetune"]
    assert {kind for _, kind in work.run.checkpoints} == {"best", "last"}


def test_the_best_checkpoint_is_chosen_on_held_out_training_tiles(tiny_config: Make, run_context: Make) -> None:
    work = trained(run_context, tiny_config())

    found = work.run.series("val/l1")
    best = checkpoints.load(work.folder / "best.safetensors").facts["progress"]

    assert best["best"] == min(found.values())
    assert found[best["done"]] == best["best"]
    assert not set(work.train.ids) & set(work.val.ids)


def test_the_paper_network_trains_with_its_own_loss(tiny_config: Make, run_context: Make) -> None:
    """Plain L1 first, then the registered Laplace likelihood, whose value may fall below zero."""
    config = tiny_config(
        staging="end_to_end",
        model={"topology": "paper", "fusion": {"blocks": 1}},
        loss={"kind": "laplace", "shift_border": 2, "l1_steps": 10},
        budget={"end_to_end_steps": 30},
    )

    loss = list(trained(run_context, config).run.series("train/loss").values())

    assert sum(loss[:5]) > sum(loss[5:10])
    assert sum(loss[10:15]) > sum(loss[-5:])


def test_the_cache_holds_every_tile_in_its_own_orientation(tiny_config: Make, run_context: Make) -> None:
    work = run_context(tiny_config(model={"alignment": {"kind": "flow"}}, loop={"val_batch": 4}))
    work.model.eval()

    cached = Cache(work.model, work.train, work.config).at([5, 2])
    with torch.no_grad():
        fresh = work.model.features(work.train.lr[[5, 2]])

    assert torch.allclose(cached.maps, fresh.maps, atol=1e-5)
    assert torch.equal(augmented_features(cached, [3, 0]).maps[1], cached.maps[1])
