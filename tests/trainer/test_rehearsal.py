"""What is tried before the seal: it finds what the device cannot keep, and leaves no trace."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from runaudit.errors import ConfigError
from trainer import rehearsal
from trainer.amp import Precision
from trainer.build import build_model
from trainer.rehearsal import fastest, require_fixed_order, settle_precision, undisturbed
from trainer.seeding import rng_digest, seed_everything
from trainer.stages import plan, weights_digest

Make = Callable[..., Any]


@pytest.mark.parametrize("kind", ["tern", "flow"])
def test_every_stage_can_be_tried_and_nothing_is_moved(tiny_config: Make, kind: str) -> None:
    config = tiny_config(model={"alignment": {"kind": kind}, "fusion": {"blocks": 1}})
    seed_everything(3, deterministic=True, threads=1)
    model = build_model(config.model)
    before = weights_digest(model), rng_digest(), [m.training for m in model.modules()]

    require_fixed_order(model, plan(config), config, frames=4)

    assert (weights_digest(model), rng_digest(), [m.training for m in model.modules()]) == before
    assert all(p.grad is None for p in model.parameters())


REFUSED = (
    "grid_sampler_2d_backward_cuda does not have a deterministic implementation, but you set "
    "'torch.use_deterministic_algorithms(True)'. You can turn off determinism just for this operation"
)


def refusing(message: str) -> Callable[..., Any]:
    def step(*_: object, **__: object) -> Any:
        raise RuntimeError(message)

    return step


def test_an_operation_without_a_fixed_order_is_named_before_anything_is_sealed(
    tiny_config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config()
    monkeypatch.setattr(rehearsal, "train_step", refusing(REFUSED))

    with pytest.raises(
        ConfigError, match="grid_sampler_2d_backward_cuda of stage alignment has no fixed order"
    ) as told:
        require_fixed_order(build_model(config.model), plan(config), config, frames=4)

    assert "set deterministic = false" in str(told.value)


def test_another_error_stays_what_it_is(tiny_config: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tiny_config()
    monkeypatch.setattr(rehearsal, "train_step", refusing("CUDA out of memory"))

    with pytest.raises(RuntimeError, match="out of memory"):
        require_fixed_order(build_model(config.model), plan(config), config, frames=4)


def test_who_did_not_ask_for_determinism_is_not_held_to_it(tiny_config: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal, "train_step", refusing(REFUSED))
    config = tiny_config(deterministic=False)

    require_fixed_order(build_model(config.model), plan(config), config, frames=4)


@pytest.mark.parametrize(
    ("ms", "chosen"),
    [
        ({"bf16": 10.0, "fp16": 9.5, "off": 30.0}, "bf16"),  # as fast, and needs no scale
        ({"bf16": 10.0, "fp16": 7.0, "off": 30.0}, "fp16"),
        ({"bf16": 53.0, "fp16": 39.0, "off": 49.0}, "fp16"),  # the alignment stage on an H100
        ({"bf16": 12.5, "fp16": 12.2, "off": 10.6}, "off"),  # the second stage there: half precision gains nothing
        ({"fp16": 20.0, "off": 20.0}, "fp16"),  # a card without bf16
    ],
)
def test_the_precision_is_the_fastest_and_of_equals_the_one_with_less_to_go_wrong(
    ms: dict[str, float], chosen: str
) -> None:
    assert fastest(ms) == chosen


def test_auto_is_settled_by_what_was_measured(tiny_config: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the times of a card that has no bf16."""
    times = {"fp16": 4.0, "off": 9.0}
    monkeypatch.setattr(rehearsal, "_ms_of_a_step", lambda model, stage, config, **_: times[config.amp.dtype])
    config = tiny_config()
    config = replace(config, amp=replace(config.amp, dtype="auto"))

    settled, measured = settle_precision(build_model(config.model), plan(config), config, frames=4)

    assert settled.amp.dtype == "fp16"
    assert measured is not None
    assert measured.facts() == {"chosen": "fp16", "step_ms": times}


def test_a_given_precision_is_not_measured(tiny_config: Make) -> None:
    config = tiny_config()
    assert settle_precision(build_model(config.model), plan(config), config, frames=4) == (config, None)


def test_a_step_in_every_precision_takes_time(tiny_config: Make) -> None:
    config = tiny_config()
    config = replace(config, amp=replace(config.amp, dtype="auto"))

    _, measured = settle_precision(build_model(config.model), plan(config), config, frames=4)

    assert measured is not None
    assert set(measured.ms) == {"fp16", "off"} | ({"bf16"} if torch.cuda.is_available() else set())
    assert min(measured.ms.values()) > 0


def test_nothing_is_trained_in_a_precision_that_is_not_settled(tiny_config: Make) -> None:
    with pytest.raises(ValueError, match="not settled"):
        Precision(replace(tiny_config().amp, dtype="auto"), "cpu")


def test_what_is_tried_is_a_copy(tiny_config: Make) -> None:
    model = build_model(tiny_config().model)
    before = weights_digest(model)

    with undisturbed(model) as copied:
        torch.manual_seed(1)
        for parameter in copied.parameters():
            parameter.data.add_(1)

    assert weights_digest(model) == before != weights_digest(copied)
