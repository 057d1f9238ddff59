"""A trained network as evaluation sees it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from trainer.build import build_model
from trainer.models.piunet import Features
from trainer.predict import Predictor
from trainer.samples import augmented

Make = Callable[..., Any]


def predictor(config: Any) -> Predictor:
    torch.manual_seed(0)
    model = build_model(config.model)
    with torch.no_grad():
        for p in model.block("head").parameters():
            p.add_(0.05 * torch.randn_like(p))
    return Predictor(model, config)


@pytest.mark.parametrize("turn", range(1, 8))
def test_a_self_ensemble_turns_with_its_burst(tiny_config: Make, turn: int) -> None:
    """The mean over all eight orientations has no orientation of its own left."""
    ensemble = predictor(tiny_config(eval={"self_ensemble": True}))
    maps = torch.rand(1, 5, 24, 24)

    with torch.no_grad():
        straight = ensemble.reconstructed(Features(maps, maps[:, :0]))
        moved = ensemble.reconstructed(Features(augmented(maps, [turn]), maps[:, :0]))

    assert torch.allclose(augmented(straight, [turn]), moved, atol=1e-5)


def test_without_the_ensemble_orientation_matters(tiny_config: Make) -> None:
    """So the law above is not kept by a network that would keep it anyway."""
    single = predictor(tiny_config())
    maps = torch.rand(1, 5, 24, 24)

    with torch.no_grad():
        straight = single.reconstructed(Features(maps, maps[:, :0]))
        moved = single.reconstructed(Features(augmented(maps, [1]), maps[:, :0]))

    assert not torch.allclose(augmented(straight, [1]), moved, atol=1e-3)


def test_the_control_is_judged_on_copies_too(tiny_config: Make) -> None:
    config = tiny_config(model={"alignment": {"kind": "flow"}}, data={"frames_mode": "copies"})
    lr = torch.rand(1, 4, 12, 12)
    other = torch.cat([lr[:, :1], torch.rand(1, 3, 12, 12)], 1)

    assert torch.equal(predictor(config)(lr), predictor(config)(other))
    fused = replace(config, data=replace(config.data, frames_mode="burst"))
    assert not torch.equal(predictor(fused)(lr), predictor(fused)(other))
