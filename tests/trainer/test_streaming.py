"""Tiles cut as they come up: the same run to the bit as with all of them in memory, from any step on, on any rank."""

import math
import signal
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from runaudit.errors import ConfigError
from tests.trainer.processes import together
from trainer import checkpoint as checkpoints
from trainer.build import build_model
from trainer.config import TrainConfig
from trainer.context import RunContext
from trainer.data import DatasetConfig, make_dataset, read_checked
from trainer.loop import run_stages
from trainer.ranks import ALONE, Ranks
from trainer.samples import Samples, StreamedSamples, draw, open_samples, told_of_reading
from trainer.seeding import sample_positions, seed_everything
from trainer.stages import plan, weights_digest

Make = Callable[..., Any]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four bursts of nine tiles; in memory a burst takes 0.2 MB, the tiles of all 1.3 MB."""
    config = DatasetConfig(
        train=("brick.png", "coins.png", "page.png", "grass.png"),
        test=("camera.png",),
        bursts_per_scene=1,
        tile=16,
        max_tiles=3,
        max_test_hr_px=96,
    )
    return make_dataset(tmp_path_factory.mktemp("data") / "bursts", config, 0)


@pytest.fixture
def opened(root: Path, tiny_config: Make, tmp_path: Path) -> Make:
    """A RunContext on the dataset, with all tiles in memory or read as they come up."""

    def make(
        folder: str, *, memory_mb: int = 64, room: float = math.inf, readers: int = 0, ranks: Ranks = ALONE,
        mixed: int = 0, kind: str = "flow", stop: Callable[[], int] = lambda: 0,
    ) -> RunContext:  # fmt: skip
        config: TrainConfig = tiny_config(
            data={"tile": 16, "memory_mb": memory_mb, "readers": readers, "shuffle_bursts": mixed},
            model={"alignment": {"kind": kind}},
        )
        seed_everything(0, deterministic=True, threads=1)
        dataset = read_checked(root, tile=16, room=room, readers=readers)
        train, val = open_samples(dataset, config.data, "cpu")
        return RunContext(
            config=config, seed=0, model=build_model(config.model), train=train, val=val, data_digest="sha256:tiles",
            run=Losses(), folder=tmp_path / folder, stop=stop, ranks=ranks,
        )  # fmt: skip

    return make


class Losses:
    """A RunLog that keeps the losses."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, int], float] = {}

    def log(self, step: int, values: dict[str, float]) -> None:
        self.values |= {(name, step): value for name, value in values.items() if name in ("train/loss", "val/l1")}

    def event(self, *_: Any, **__: Any) -> None:
        pass

    def checkpoint(self, *_: Any, **__: Any) -> None:
        pass


def outcome(work: RunContext) -> tuple[dict[Any, float], str]:
    return work.run.values, weights_digest(work.model)  # type: ignore[attr-defined]


def trained(work: RunContext) -> tuple[dict[Any, float], str]:
    run_stages(work, plan(work.config))
    return outcome(work)


@pytest.mark.parametrize(("room", "readers"), [(0, 0), (400_000, 2), (math.inf, 1)])
@pytest.mark.parametrize("mixed", [0, 2])
def test_a_streamed_run_is_the_run_in_memory_to_the_bit(opened: Make, room: float, readers: int, mixed: int) -> None:
    held, streamed = opened("held", mixed=mixed), opened("s", memory_mb=1, room=room, readers=readers, mixed=mixed)
    assert (type(held.train), type(streamed.train)) == (Samples, StreamedSamples)

    assert trained(streamed) == trained(held)


@pytest.mark.parametrize("stop_at", [2, 7])
def test_a_streamed_run_goes_on_from_any_step_to_the_bit(opened: Make, stop_at: int) -> None:
    """In the stage that trains the alignment, and in one that finds it frozen."""
    streamed = {"memory_mb": 1, "room": 400_000, "mixed": 2}
    steps = iter(range(1, 100))
    half = opened("half", stop=lambda: signal.SIGTERM if next(steps) == stop_at else 0, **streamed)
    assert run_stages(half, plan(half.config)).status == "killed"

    rest = opened("half", readers=2, **streamed)
    rest = replace(rest, config=replace(rest.config, data=replace(rest.config.data, memory_mb=2)))
    run_stages(rest, plan(rest.config), checkpoints.load(half.folder / "last.safetensors"))

    values, weights = trained(opened("whole", mixed=2))
    assert outcome(rest)[1] == weights
    assert outcome(rest)[0].items() <= values.items()


def test_ranks_stream_what_they_would_hold(opened: Make, tmp_path: Path) -> None:
    """Each reads its own part, and together they train as they do in memory."""
    streamed = together(
        tmp_path, lambda ranks: trained(opened("s", memory_mb=1, room=0, readers=1, mixed=3, ranks=ranks))
    )
    held = together(tmp_path, lambda ranks: trained(opened("h", mixed=3, ranks=ranks)))

    assert streamed[0] == streamed[1] == held[0] == held[1]


def test_a_streamed_batch_is_the_batch_in_memory(opened: Make) -> None:
    held, streamed = opened("held").train, opened("s", memory_mb=1, room=0)
    data = streamed.config.data

    for turn_frames in (True, False):
        ours, theirs = (
            draw(tiles, data, seed=3, stage=1, first=20, count=9, turn_frames=turn_frames)
            for tiles in (streamed.train, held)
        )
        assert (ours.ids, ours.turns) == (theirs.ids, theirs.turns)
        assert all(
            torch.equal(getattr(ours, name), getattr(theirs, name))
            for name in ("lr", "clear_lr", "hr", "clear_hr", "motion")
        )


BURSTS = (3, 1, 4, 2, 5, 2)


def test_an_epoch_shows_every_sample_once_whatever_is_mixed() -> None:
    for mixed in range(7):
        drawn = sample_positions(0, 1, 0, count=51, samples=17, bursts=BURSTS, mixed=mixed)
        for epoch in range(3):
            assert sorted(drawn[17 * epoch : 17 * epoch + 17]) == list(range(17))


def test_samples_of_few_bursts_stand_together_and_each_epoch_mixes_others() -> None:
    of = [burst for burst, count in enumerate(BURSTS) for _ in range(count)]
    groups = []
    for epoch in range(4):
        drawn = [of[i] for i in sample_positions(0, 1, 17 * epoch, count=17, samples=17, bursts=BURSTS, mixed=2)]
        first = dict.fromkeys(drawn)
        pairs = [set(list(first)[at : at + 2]) for at in (0, 2, 4)]
        ends = [0, *(sum(BURSTS[b] for pair in pairs[: n + 1] for b in pair) for n in range(3))]
        assert all(set(drawn[a:b]) == pair for (a, b), pair in zip(pairwise(ends), pairs, strict=True))
        groups.append(tuple(map(frozenset, pairs)))
    assert len(set(groups)) == 4


def test_to_mix_all_bursts_is_to_shuffle_all_samples() -> None:
    plain = sample_positions(2, 0, 5, count=30, samples=17)

    for mixed in (0, 6, 99):
        assert sample_positions(2, 0, 5, count=30, samples=17, bursts=BURSTS, mixed=mixed) == plain


@pytest.mark.parametrize("mixed", [1, 2, 4])
def test_the_mixed_queue_does_not_care_how_it_is_cut(mixed: int) -> None:
    whole = sample_positions(3, 1, 4, count=40, samples=17, bursts=BURSTS, mixed=mixed)

    pieces = [sample_positions(3, 1, 4 + at, count=5, samples=17, bursts=BURSTS, mixed=mixed) for at in range(0, 40, 5)]

    assert [i for piece in pieces for i in piece] == whole


def test_more_tiles_held_out_than_can_be_kept_are_refused_with_a_share_that_fits(root: Path, tiny_config: Make) -> None:
    config = tiny_config(data={"tile": 16, "memory_mb": 1, "val_fraction": 0.5}).data

    with pytest.raises(ConfigError, match=r"the 18 tiles held out by data\.val_fraction 0\.5 take 1 MiB") as refused:
        open_samples(read_checked(root, tile=16), config, "cpu")

    share = float(str(refused.value).rpartition(" ")[2])
    open_samples(read_checked(root, tile=16), replace(config, val_fraction=share), "cpu")


def test_what_would_spare_reading_is_told(root: Path, tiny_config: Make) -> None:
    def told(**data: Any) -> str:
        config = tiny_config(data={"tile": 16, "val_fraction": 0.2} | data).data
        dataset = read_checked(root, tile=16)
        return told_of_reading(open_samples(dataset, config, "cpu")[0], dataset, config)

    assert told() == ""
    assert told(memory_mb=1).endswith(
        "with data.shuffle_bursts = 2 or less each burst is read once an epoch, now once a tile"
    )
    assert told(memory_mb=1, shuffle_bursts=2).endswith("they are read as they come up")
