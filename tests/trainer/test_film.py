"""The head may be told a burst's altitude: from the file to the full frame, in the units of the training split."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from runaudit.errors import ConfigError
from trainer.build import Normalised, build_model
from trainer.config import TrainConfig
from trainer.data import Dataset, DatasetConfig, make_dataset, read_dataset
from trainer.data.simulate import SimulatorConfig, drawn_optics
from trainer.loop import run_stages
from trainer.main import judge, prepare, require_altitude
from trainer.predict import Predictor
from trainer.recording import altitude_facts
from trainer.stages import plan, weights_digest
from trainer.warmstart import take_blocks

Tiny = Callable[..., TrainConfig]
FILM = {"film": {"input": "altitude", "hidden": 4}}
BESIDE = {"fusion": {"blocks": 1}}


def network(config: TrainConfig, *, seed: int = 0, moved: bool = False) -> Normalised:
    """moved: with last layers that are not zero, as training leaves them."""
    torch.manual_seed(seed)
    model = build_model(config.model).eval()
    if moved:
        for name, parameter in model.named_parameters():
            if "head.leave" in name or "film.out" in name:
                torch.nn.init.normal_(parameter, std=0.1)
    return model


def frames(seed: int = 0) -> torch.Tensor:
    return torch.rand(2, 3, 12, 12, generator=torch.Generator().manual_seed(seed))


def picture(model: Normalised, altitude: list[float] | None = None) -> torch.Tensor:
    with torch.no_grad():
        return model(frames(), None if altitude is None else torch.tensor(altitude)).mean


@pytest.mark.parametrize("kind", ["residual", "fft"])
def test_a_film_begins_as_the_identity_and_draws_nothing_else_anew(tiny_config: Tiny, kind: str) -> None:
    head = {"head": {"kind": kind, "fft": {"patch": 4}}}
    plain, told = network(tiny_config(model=head)), network(tiny_config(model={**head, **FILM}))

    weights = plain.state_dict()
    assert {name for name in told.state_dict() if name not in weights} == {
        f"net.head.film.{name}"
        for name in ("mean", "deviation", "hidden.weight", "hidden.bias", "out.weight", "out.bias")
    }
    assert all(torch.equal(told.state_dict()[name], tensor) for name, tensor in weights.items())
    for model in (plain, told):
        torch.nn.init.ones_(model.net.head.leave.weight)  # so that what the film passes on is seen
    assert torch.equal(picture(told, [40.0, 90.0]), picture(plain))


def test_each_burst_is_told_its_own_altitude_in_the_units_of_the_training_split(tiny_config: Tiny) -> None:
    model = network(tiny_config(model=FILM), moved=True)

    model.standardise(100.0, 20.0)
    at = picture(model, [80.0, 130.0])

    assert torch.equal(picture(model, [80.0, 90.0])[0], at[0])
    assert not torch.equal(picture(model, [80.0, 90.0])[1], at[1])
    model.standardise(0.0, 1.0)
    assert torch.allclose(picture(model, [-1.0, 1.5]), at, atol=1e-6)
    with pytest.raises(ValueError, match="needs a number for each burst"):
        picture(model)


@pytest.mark.parametrize("ensemble", [False, True])
def test_inference_tells_the_altitude_to_every_tile_and_every_view(tiny_config: Tiny, ensemble: bool) -> None:
    config = tiny_config(model=FILM, eval={"self_ensemble": ensemble})
    model = network(config, moved=True)
    lr = frames().repeat(2, 1, 1, 1)

    low, high = (Predictor(model, config, altitude_m=altitude)(lr) for altitude in (1.0, 2.0))

    assert not torch.allclose(low, high)
    assert torch.allclose(low[:1], Predictor(model, config, altitude_m=1.0)(lr[:1]), atol=1e-6)
    if not ensemble:
        assert torch.equal(low[:2], picture(model, [1.0, 1.0]))


def test_a_cached_alignment_carries_the_altitude_of_its_tile(
    tiny_config: Tiny, run_context: Any, tiny_samples: Any
) -> None:
    """Were it that of another tile, or none, the two ways would part."""
    samples = replace(tiny_samples(), altitude=torch.linspace(-1, 1, 15))
    ended = []
    for cache_mb in (0, 1024):
        config = tiny_config(model=FILM, data={"cache_mb": cache_mb})
        work = run_context(config, samples=samples)
        run_stages(work, plan(config)[1:2])
        ended.append(weights_digest(work.model))
        assert float(work.model.net.head.film.out.weight.detach().abs().max()) > 0

    assert ended[0] == ended[1]


def test_trained_weights_without_a_film_are_taken_and_say_at_first_what_they_said(tiny_config: Tiny) -> None:
    before = network(tiny_config(), seed=1)
    torch.nn.init.normal_(before.net.head.leave.weight, std=0.1)
    model = network(tiny_config(model=FILM), seed=2)

    take_blocks(model, before.state_dict(), ("alignment", "fusion", "head"))

    assert torch.equal(picture(model, [3.0, 4.0]), picture(before))


def test_trained_weights_with_a_film_bring_their_units_along(tiny_config: Tiny) -> None:
    before = network(tiny_config(model=FILM), seed=1, moved=True)
    before.standardise(100.0, 20.0)
    model = network(tiny_config(model=FILM), seed=2)
    model.standardise(50.0, 1.0)

    take_blocks(model, before.state_dict(), ("alignment", "fusion", "head"))

    assert torch.equal(picture(model, [80.0, 130.0]), picture(before, [80.0, 130.0]))
    wider = network(tiny_config(model={"film": {"input": "altitude", "hidden": 5}}))
    with pytest.raises(ConfigError, match=r"head\.film\.hidden\.bias is 4 there and 5 here; configure model\.film"):
        take_blocks(wider, before.state_dict(), ("head",))
    with pytest.raises(ConfigError, match=r"head\.film\.\S+ is .* there and absent here; configure model\.film"):
        take_blocks(network(tiny_config()), before.state_dict(), ("head",))


def test_the_papers_network_has_no_place_for_a_film(tiny_config: Tiny) -> None:
    with pytest.raises(ConfigError, match=r"model\.film\.input cannot be used .* model\.topology = \"aligned\""):
        tiny_config(model={"topology": "paper", **FILM})


def made(folder: Path, **simulator: Any) -> Dataset:
    config = DatasetConfig(
        simulator=SimulatorConfig(frames=3, **simulator), train=("brick.png", "coins.png"), test=("camera.png",),
        bursts_per_scene=1, tile=12, max_tiles=2, max_test_hr_px=90,
    )  # fmt: skip
    return read_dataset(make_dataset(folder, config, 0))


@pytest.fixture(scope="module")
def flown(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return made(tmp_path_factory.mktemp("data") / "bursts", altitude_m=100.0, altitude_spread=0.5)


def test_a_run_takes_its_units_from_the_training_split_and_seals_them(tiny_config: Tiny, flown: Dataset) -> None:
    ready = prepare(tiny_config(model=FILM), 0, flown)

    heights = np.array([burst.altitude_m for burst in flown.train])
    assert heights[0] != heights[1] and all(50 <= height <= 150 for height in heights)
    film = ready.model.net.head.film
    assert (float(film.mean), float(film.deviation)) == pytest.approx((heights.mean(), heights.std()), rel=1e-6)
    said = altitude_facts(flown, "train")["altitude_m"]
    assert (said["mean"], said["deviation"]) == pytest.approx((heights.mean(), heights.std()))
    assert set(ready.train.at([0, 1], [0, 0], turn_frames=False).altitude.tolist()) <= set(heights.astype(np.float32))
    assert altitude_facts(flown, "test")["altitude_m"]["digest"] != said["digest"]


def test_a_full_frame_is_judged_at_its_own_altitude(tiny_config: Tiny, flown: Dataset) -> None:
    config = tiny_config(model=FILM, eval={"crop_border": 3, "ibp_iterations": 1})
    model = network(config, moved=True)

    def psnr() -> float:
        return judge(model, config, flown)[1]["full_frame/psnr/camera"]

    altitude = flown.test[0].altitude_m
    assert altitude is not None
    model.standardise(altitude, 1.0)
    at_mean = psnr()
    model.standardise(altitude - 1.0, 1.0)

    assert psnr() != at_mean


def test_altitudes_that_are_unknown_or_all_the_same_are_refused_in_one_line(
    tiny_config: Tiny, flown: Dataset, tmp_path: Path
) -> None:
    asks = tiny_config(model=FILM)
    unknown, same = made(tmp_path / "unknown"), made(tmp_path / "same", altitude_m=100.0)

    require_altitude(asks, flown)
    require_altitude(tiny_config(), unknown)
    with pytest.raises(ConfigError, match=r"not know that of every train burst; set model\.film\.input = \"none\""):
        require_altitude(asks, unknown)
    with pytest.raises(ConfigError, match=r"all training bursts of \S+ have the same; set model\.film\.input"):
        require_altitude(asks, same)
    assert altitude_facts(unknown, "train") == {}


def test_the_blur_grows_with_the_altitude_and_nothing_is_drawn_where_none_is_spread() -> None:
    rng = np.random.default_rng(0)
    spread = SimulatorConfig(altitude_m=80.0, altitude_spread=0.5)

    cameras = [drawn_optics(spread, rng) for _ in range(20)]

    heights = [camera.altitude_m or 0.0 for camera in cameras]
    assert min(heights) < 60 and max(heights) > 100
    assert [camera.psf_sigma_hr_px for camera in cameras] == pytest.approx([height / 80 for height in heights])
    before = rng.bit_generator.state
    drawn_optics(SimulatorConfig(altitude_m=80.0), rng)
    assert rng.bit_generator.state == before
    with pytest.raises(ConfigError, match="altitude_spread needs an altitude_m"):
        SimulatorConfig(altitude_spread=0.1)
