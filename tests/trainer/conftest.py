"""Small real networks and tiles, so that every law of the loop is tested in seconds."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from trainer.build import build_model
from trainer.config import TrainConfig, settled
from trainer.configfile import build
from trainer.context import RunContext
from trainer.samples import Samples, split
from trainer.seeding import seed_everything

TINY: Mapping[str, Any] = {
    "model": {
        "alignment": {"kind": "tern", "tern": {"channels": 4}, "flow": {"hidden": 4, "radius": 2}},
        "fusion": {"channels": 4},
        "head": {"channels": 8, "blocks": 1},
    },
    "budget": {"align_steps": 4, "sr_steps": 6, "finetune_steps": 2, "end_to_end_steps": 6},
    "data": {"tile": 12, "val_fraction": 0.2},
    "optim": {"batch": 3},
    "loop": {"val_every": 3, "save_every": 100},
}


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(base)
    for key, value in over.items():
        out[key] = merged(out.get(key, {}), value) if isinstance(value, Mapping) else value
    return out


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    if torch.are_deterministic_algorithms_enabled():  # to switch off what is off imports half of torch, three seconds
        torch.use_deterministic_algorithms(False)


@pytest.fixture
def tiny_config() -> Callable[..., TrainConfig]:
    def make(**changes: Any) -> TrainConfig:
        return settled(build(merged(TINY, changes), "test"), gpu=False)

    return make


@pytest.fixture
def tiny_samples() -> Callable[..., Samples]:
    """Smooth random scenes; frame t sees its scene moved by a quarter pixel times t along both axes, which the samples
    say where they are `labelled`."""

    def make(count: int = 15, frames: int = 4, size: int = 12, *, labelled: bool = False) -> Samples:
        rng = np.random.default_rng(5)
        x = np.arange(3 * size) / 3
        hr = np.zeros((count, 3 * size, 3 * size))
        lr = np.zeros((count, frames, size, size))
        for n in range(count):
            for _ in range(4):
                fy, fx, phase = rng.uniform(0.2, 2.0, 3)
                wave = lambda y, x, fy=fy, fx=fx, phase=phase: np.sin(fy * y[:, None] + fx * x + phase)  # noqa: E731
                hr[n] += wave(x, x)
                for t in range(frames):
                    coarse = np.arange(size) + 1 / 3 + t / 4
                    lr[n, t] += wave(coarse, coarse)
        return Samples(
            lr=torch.tensor(lr / 8 + 0.5, dtype=torch.float32),
            clear_lr=torch.ones(count, frames, size, size),
            hr=torch.tensor(hr / 8 + 0.5, dtype=torch.float32)[:, None],
            clear_hr=torch.ones(count, 1, 3 * size, 3 * size),
            ids=tuple(f"scene/{n}/0" for n in range(count)),
            motion=torch.arange(frames)[:, None].mul(torch.tensor([0.25, 0.25, 0.0])).expand(count, -1, -1)
            if labelled
            else None,
        )

    return make


class SilentLog:
    """A RunLog that keeps nothing."""

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Forget the values."""

    def event(self, step: int, kind: str, detail: Mapping[str, Any]) -> None:
        """Forget the event."""

    def checkpoint(self, path: Path, *, step: int, kind: str) -> None:
        """Forget the checkpoint."""


@dataclass
class MemoryLog:
    """A RunLog one can look into."""

    values: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    events: list[tuple[int, str, dict[str, Any]]] = field(default_factory=list)
    checkpoints: list[tuple[int, str]] = field(default_factory=list)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self.values.append((step, dict(values)))

    def event(self, step: int, kind: str, detail: Mapping[str, Any]) -> None:
        self.events.append((step, kind, dict(detail)))

    def checkpoint(self, path: Path, *, step: int, kind: str) -> None:
        self.checkpoints.append((step, kind))

    def series(self, name: str) -> dict[int, float]:
        return {step: values[name] for step, values in self.values if name in values}


@pytest.fixture
def run_context(tmp_path: Path, tiny_samples: Callable[..., Samples]) -> Callable[..., RunContext]:
    """A RunContext with a freshly seeded network and a MemoryLog; `folder` names its checkpoints' place."""

    def make(config: TrainConfig, seed: int = 0, folder: str = "run", **changes: Any) -> RunContext:
        seed_everything(seed, deterministic=config.deterministic, threads=1)
        samples = changes.pop("samples", None) or tiny_samples()
        train, val = (samples.take(part) for part in split(samples.ids, config.data))
        return RunContext(
            config=config,
            seed=seed,
            model=build_model(config.model),
            train=train,
            val=val,
            data_digest="sha256:tiles",
            run=MemoryLog(),
            folder=tmp_path / folder,
            **changes,
        )

    return make
