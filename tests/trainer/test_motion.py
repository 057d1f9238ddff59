"""A stage may be trained on the true motion: it is carried from the file to the loss through every turn of a tile."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from runaudit.errors import ConfigError, UsageError
from trainer.data import Burst, Dataset, DatasetConfig, make_dataset, read_dataset, true_flow
from trainer.data.patches import TilePlace, cut
from trainer.data.registration import registration_error_px
from trainer.data.simulate import SimulatorConfig, look, spline_scene
from trainer.loop import run_stages
from trainer.main import require_labels
from trainer.models.flow import sampling_grid
from trainer.models.resampling import sample
from trainer.motion import flow_of, motion_error
from trainer.recording import motion_digest
from trainer.samples import samples_from
from trainer.stages import plan

Make = Callable[..., Any]
MOTION = np.array([[0.0, 0.0, 0.0], [0.6, -1.2, 2.0], [-0.9, 0.3, -1.5]])


def motions(seed: int = 0) -> torch.Tensor:
    drawn = np.random.default_rng(seed).uniform(-2, 2, (2, 4, 3))
    drawn[:, 0] = 0
    return torch.tensor(drawn)


def test_the_flow_of_a_label_is_the_true_flow() -> None:
    found = flow_of(motions(), 9, 14).flip(2)  # (x, y) -> (y, x)

    for n, motion in enumerate(motions()):
        assert np.allclose(found[n], true_flow(motion.numpy(), 9, 14), atol=1e-12)


def test_the_error_is_that_of_the_full_frame_where_nothing_leaves_the_picture() -> None:
    motion = motions()[:1]
    estimate = torch.randn(1, 4, 2, 16, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    truth = flow_of(motion, 16, 16)
    points = sampling_grid(16, 16, truth) + truth.movedim(2, -1)
    inside = ((points >= 0) & (points <= 15)).all(-1)
    estimate = torch.where(inside[:, :, None], estimate, truth)  # what has left the picture is no error for either

    found = float(motion_error(estimate, motion)) * float(inside[:, 1:].float().mean())

    whole = registration_error_px(estimate[0].flip(1).numpy(), motion[0].numpy(), shape=(16, 16))
    assert found == pytest.approx(whole, rel=1e-4)
    assert float(motion_error(truth, motion)) < 1e-5


def test_what_leaves_the_picture_and_the_reference_count_for_nothing() -> None:
    motion = torch.tensor([[[0.0, 0.0, 0.0], [0.0, -3.0, 0.0]]])  # the last three columns lie outside frame 1
    shift = flow_of(motion, 8, 8)
    wrong = shift.clone()
    wrong[:, 0] += 5
    wrong[:, 1, :, :, -3:] += 5

    assert float(motion_error(wrong, motion)) == float(motion_error(shift, motion)) < 1e-5
    wrong[:, 1, :, :, -4:] += 1
    assert float(motion_error(wrong, motion)) == pytest.approx(8 * 2**0.5 / 40, rel=1e-4)


@pytest.mark.parametrize("turn", range(8))
def test_a_turned_tile_is_registered_by_its_turned_label(turn: int) -> None:
    """From the simulator through the cut, away from the burst's centre, to the turn: a frame that is sampled by its
    label looks like the reference. The label of another turn does not make it so."""
    y, x = np.mgrid[:120, :120] / 120
    image = 0.5 + 0.2 * np.sin(30 * x + 5 * y) + 0.2 * np.cos(22 * y - 9 * x * y)
    camera = SimulatorConfig(frames=3)
    frames = look(spline_scene(image, camera), MOTION, corner=(0, 0), shape=(40, 40), scale=3)
    burst = Burst(
        name="b", lr=frames.astype(np.float32), hr=image.astype(np.float32), clear_lr=np.ones(frames.shape, bool),
        clear_hr=np.ones(image.shape, bool), scale=3, motion=MOTION,
    )  # fmt: skip
    tiles = samples_from(cut([burst], [TilePlace(0, "b", 20, 6)], 20), "burst", "cpu", labels=("motion",))
    batch = tiles.at([0], [turn], turn_frames=True)

    def left(motion: torch.Tensor) -> float:
        points = sampling_grid(20, 20, batch.lr) + flow_of(motion, 20, 20).movedim(2, -1)
        warped = sample(batch.lr.view(3, 1, 20, 20), points[0]).view(3, 20, 20)
        return float((warped - batch.lr[0, 0])[:, 4:-4, 4:-4].abs().max())

    assert batch.motion is not None and tiles.motion is not None
    assert left(batch.motion) < 0.02
    if turn:
        assert left(tiles.motion) > 0.05


def test_a_motion_stage_betters_the_registration_and_logs_it_in_pixels(
    tiny_config: Make, run_context: Make, tiny_samples: Make
) -> None:
    config = tiny_config(
        model={"alignment": {"kind": "deformable", "deformable": {"channels": 4}}},
        budget={"align_steps": 60},
        stages={"alignment": {"loss": "motion", "lr": 1e-2}},
        loop={"val_every": 20},
    )
    work = run_context(config, samples=tiny_samples(labelled=True))

    run_stages(work, plan(config)[:1])

    errors = work.run.series("val/registration_error_px")
    assert list(errors) == [20, 40, 60]
    end = next(detail for _, kind, detail in work.run.events if kind == "stage_end")
    # Frames 1 to 3 moved by 0.25, 0.5 and 0.75 px along both axes; zero motion is where deformable taps begin.
    assert end["identity"] == pytest.approx(0.5 * 2**0.5, rel=1e-4) == end["first"]
    assert errors[60] < 0.8 * end["identity"]
    assert work.run.series("train/loss/motion").keys() == set(range(1, 61))


@pytest.mark.parametrize("staging", ["staged", "end_to_end"])
def test_wherever_an_alignment_is_trained_its_error_is_logged_beside_what_the_stage_is_for(
    tiny_config: Make, run_context: Make, tiny_samples: Make, staging: str
) -> None:
    config = tiny_config(staging=staging, budget={"sr_steps": 3, "align_steps": 3, "end_to_end_steps": 3})
    stage = plan(config)[0]
    known, unknown = (run_context(config, samples=tiny_samples(labelled=say)) for say in (True, False))

    for work in (known, unknown):
        run_stages(work, (stage,))

    said = {name for _, values in known.run.values for name in values if name.startswith("val/")}
    first = "val/l1" if staging == "end_to_end" else "val/alignment"
    assert said == {first, "val/registration_error_px"}
    assert not unknown.run.series("val/registration_error_px")
    assert known.run.series(first) == unknown.run.series(first)


def test_a_motion_loss_that_the_rest_cannot_act_on_is_refused_in_one_line(tiny_config: Make) -> None:
    stages = {"alignment": {"loss": "motion"}}
    flow = {"alignment": {"kind": "flow"}}

    with pytest.raises(ConfigError, match=r"stages\.alignment\.loss cannot .* model\.alignment\.kind = \"flow\""):
        tiny_config(stages=stages)
    with pytest.raises(ConfigError, match=r"model\.topology = \"aligned\""):
        tiny_config(stages=stages, model={"topology": "paper"})
    with pytest.raises(ConfigError, match=r"data\.frames_mode cannot be used .* copies of a frame do not move"):
        tiny_config(stages=stages, model=flow, data={"frames_mode": "copies"})
    with pytest.raises(ConfigError, match=r"stages\.alignment\.trains cannot .* name \"alignment\" in it"):
        tiny_config(stages={"alignment": {"loss": "motion", "trains": ["head"]}}, model=flow)
    tiny_config(stages=stages, model=flow)
    tiny_config(stages=stages, staging="end_to_end")  # the stage gets no steps, so that it asks for nothing


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = DatasetConfig(
        train=("brick.png", "coins.png"), test=("camera.png",), bursts_per_scene=1, tile=16, max_tiles=1,
        max_test_hr_px=48,
    )  # fmt: skip
    return make_dataset(tmp_path_factory.mktemp("data") / "bursts", config, 0)


def forgetting(root: Path, copy: Path, name: str, motion: Any = None) -> Dataset:
    shutil.copytree(root, copy)
    index = json.loads((copy / "dataset.json").read_text())
    index["bursts"][name]["motion"] = motion
    (copy / "dataset.json").write_text(json.dumps(index))
    return read_dataset(copy)


def test_data_without_known_motion_is_refused_before_the_start_and_trains_otherwise(
    tiny_config: Make, root: Path, tmp_path: Path
) -> None:
    wants = tiny_config(stages={"alignment": {"loss": "motion"}}, model={"alignment": {"kind": "flow"}})
    known = read_dataset(root)
    unknown = forgetting(root, tmp_path / "copy", "coins-0")

    require_labels(wants, known)
    require_labels(tiny_config(), unknown)
    with pytest.raises(ConfigError, match=r"motion of coins-0 \(1 of 2 training bursts\); set stages\.alignment\.loss"):
        require_labels(wants, unknown)
    assert known.knows_motion and not unknown.knows_motion
    with pytest.raises(UsageError, match="the motion of coins-0 is not finite"):
        forgetting(root, tmp_path / "broken", "coins-0", [[0, 0, 0], [float("nan"), 0, 0]])


def test_the_motion_of_each_split_is_sealed_by_digest(root: Path, tmp_path: Path) -> None:
    known, unknown = read_dataset(root), forgetting(root, tmp_path / "copy", "coins-0")

    assert motion_digest(known, "train") != motion_digest(unknown, "train")
    assert motion_digest(known, "test") == motion_digest(unknown, "test")
