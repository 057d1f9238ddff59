"""Which photographs become which bursts: by default 17 scenes, 51 bursts, 675 tiles, three test sequences."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePath

import numpy as np

from runaudit.errors import ConfigError
from trainer.data.scenes import Burst, Doubles
from trainer.data.simulate import SimulatorConfig, drawn_optics, generator, simulate_burst, spline_scene
from trainer.data.sources import TEST_SCENES, TRAIN_SCENES, photograph


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetConfig:
    """What `make_dataset` makes. `tile` in low-res pixels; a training burst has up to `max_tiles`²."""

    simulator: SimulatorConfig = field(default_factory=SimulatorConfig)
    train: tuple[str, ...] = TRAIN_SCENES
    test: tuple[str, ...] = TEST_SCENES
    bursts_per_scene: int = 3
    tile: int = 32
    max_tiles: int = 4
    max_test_hr_px: int | None = None

    def __post_init__(self) -> None:
        if min(self.bursts_per_scene, self.tile, self.max_tiles) < 1:
            raise ConfigError(
                "data: bursts_per_scene, tile and max_tiles must be at least 1",
                remedy="correct the data section of the config",
            )
        stems = [PurePath(name).stem for name in (*self.train, *self.test)]
        twice = sorted({stem for stem in stems if stems.count(stem) > 1})
        if twice:
            raise ConfigError(f"data: scene {twice[0]} is named twice", remedy="a scene either trains or judges, once")


# hard: gain and occlusions, so that fusion has to weigh its frames and a mean of them is no good one; each burst has
# optics and noise of its own, so that no test sequence is seen by a camera that was trained on.
# altitude: each burst is taken from its own, which the dataset tells; the PSF goes from 0.5 to 1.5 px with it.
# quick: 68 smaller tiles of the same scenes and the same test sequences, so that a try costs seconds.
PRESETS = {
    "default": DatasetConfig(),
    "quick": DatasetConfig(bursts_per_scene=1, max_tiles=2),
    "hard": DatasetConfig(
        simulator=SimulatorConfig(max_gain=0.03, max_offset=0.01, occluded_share=0.3, psf_spread=0.3, noise_spread=0.5),
    ),
    "altitude": DatasetConfig(simulator=SimulatorConfig(altitude_m=100.0, altitude_spread=0.5)),
}


def padded(image: Doubles, *, multiple: int, at_least: int = 0) -> Doubles:
    """Reflected at the bottom and the right up to the next multiple, and to `at_least` a side."""
    extra = [max(at_least - side, 0) for side in image.shape]
    extra = [more + (-(side + more)) % multiple for side, more in zip(image.shape, extra, strict=True)]
    return np.pad(image, [(0, extra[0]), (0, extra[1])], mode="reflect")


def training_window(
    image: Doubles, config: DatasetConfig, rng: np.random.Generator
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Corner (high-res) and shape (low-res) of one burst: whole tiles, from the middle half of the slack.

    The middle half, because the corners of a fundus photograph are black and teach nothing.
    """
    s, tile = config.simulator.scale, config.tile
    tiles = [min(side // (s * tile), config.max_tiles) for side in image.shape]
    slack = [side - s * tile * n for side, n in zip(image.shape, tiles, strict=True)]
    corner = [room // 4 + int(rng.integers(0, room // 2 + 1)) for room in slack]
    return (corner[0], corner[1]), (tile * tiles[0], tile * tiles[1])


def training_bursts(config: DatasetConfig, seed: int) -> Iterator[Burst]:
    """`bursts_per_scene` bursts of every training scene, each with its own window, motion and noise."""
    edge = config.simulator.scale * config.tile
    for file_name in config.train:
        image = padded(photograph(file_name), multiple=1, at_least=edge)
        blurs_differ = config.simulator.psf_spread or config.simulator.altitude_spread
        shared = None if blurs_differ else spline_scene(image, config.simulator)
        for k in range(config.bursts_per_scene):
            name = f"{PurePath(file_name).stem}-{k}"
            rng = generator(seed, name)
            camera = drawn_optics(config.simulator, rng)
            corner, shape = training_window(image, config, rng)
            yield simulate_burst(
                image,
                camera,
                name=name,
                corner=corner,
                shape=shape,
                coefficients=spline_scene(image, camera) if shared is None else shared,
                rng=rng,
            )


def judging_bursts(config: DatasetConfig, seed: int) -> Iterator[Burst]:
    """One full-frame burst of every test scene, reflected up to a multiple of the scale (512 becomes 513)."""
    s = config.simulator.scale
    for file_name in config.test:
        image = padded(photograph(file_name), multiple=s)
        if config.max_test_hr_px is not None:
            side = config.max_test_hr_px - config.max_test_hr_px % s
            image = image[:side, :side]
        name = PurePath(file_name).stem
        rng = generator(seed, name)
        camera = drawn_optics(config.simulator, rng)
        yield simulate_burst(
            image,
            camera,
            name=name,
            corner=(0, 0),
            shape=(image.shape[0] // s, image.shape[1] // s),
            coefficients=spline_scene(image, camera),
            rng=rng,
        )
