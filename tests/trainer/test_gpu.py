"""What only a CUDA device can show: bits that repeat, kernels at sizes that torch's own refuse, one meaning of fp32.

Run with `pytest -m gpu` where there is one. Everything here has a twin for the CPU, which holds the same law.
"""

import signal
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from trainer import checkpoint as checkpoints
from trainer.build import build_model
from trainer.context import RunContext
from trainer.loop import run_stages
from trainer.models.attention import TemporalAttention, attend, attend_by_products
from trainer.rehearsal import require_fixed_order, settle_precision
from trainer.samples import Samples, split
from trainer.seeding import seed_everything
from trainer.stages import plan, weights_digest

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is visible"),
]
Make = Callable[..., Any]
ARMS: dict[str, dict[str, Any]] = {
    "tern": {"model": {"alignment": {"kind": "tern"}, "fusion": {"blocks": 1}}},
    "flow": {"model": {"alignment": {"kind": "flow"}, "fusion": {"blocks": 1}}},
    "end_to_end": {"model": {"alignment": {"kind": "flow"}}, "staging": "end_to_end"},
    "paper": {
        "model": {"topology": "paper", "anchor": "token", "fusion": {"channels": 8, "blocks": 1}},
        "staging": "end_to_end",
        "loss": {"kind": "laplace", "shift_border": 3},
    },
}
PRECISIONS = ("off", "fp16", "bf16")


@pytest.fixture
def on_gpu(tiny_config: Make, tiny_samples: Make, run_context: Make) -> Make:
    """A run of an arm on the GPU, not begun."""

    def make(arm: str, dtype: str, folder: str, **changes: Any) -> RunContext:
        config = replace(tiny_config(**ARMS[arm], amp={"dtype": dtype}), device="cuda")
        work: RunContext = run_context(config, folder=folder, **changes)
        samples: Samples = tiny_samples()
        moved = Samples(
            lr=samples.lr.cuda(), clear_lr=samples.clear_lr.cuda(), hr=samples.hr.cuda(),
            clear_hr=samples.clear_hr.cuda(), ids=samples.ids,
        )  # fmt: skip
        train, val = (moved.take(part) for part in split(moved.ids, config.data))
        return replace(work, model=work.model.cuda(), train=train, val=val)

    return make


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("arm", ARMS)
def test_the_same_seed_gives_the_same_bits(on_gpu: Make, arm: str, dtype: str) -> None:
    runs = [on_gpu(arm, dtype, str(i)) for i in range(2)]
    for work in runs:
        run_stages(work, plan(work.config))

    assert weights_digest(runs[0].model) == weights_digest(runs[1].model)
    assert runs[0].run.series("train/loss") == runs[1].run.series("train/loss")


@pytest.mark.parametrize("arm", ARMS)
def test_a_resumed_run_computes_the_very_same_losses(on_gpu: Make, arm: str) -> None:
    whole = on_gpu(arm, "fp16", "whole")
    run_stages(whole, plan(whole.config))
    steps = iter(range(1, 100))
    half = on_gpu(arm, "fp16", "half", stop=lambda: signal.SIGTERM if next(steps) == 3 else 0)
    run_stages(half, plan(half.config))

    other = on_gpu(arm, "fp16", "half")
    run_stages(other, plan(other.config), checkpoints.load(other.folder / "last.safetensors"))

    assert weights_digest(other.model) == weights_digest(whole.model)


@pytest.mark.parametrize("arm", ARMS)
def test_every_arm_has_a_fixed_order(on_gpu: Make, arm: str) -> None:
    work = on_gpu(arm, "off", "run")
    require_fixed_order(work.model, plan(work.config), work.config, frames=4)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_attention_has_no_limit_on_pixels(dtype: torch.dtype) -> None:
    """torch's own, a pixel per batch item, dies with `invalid argument` from 65,536 on in half precision."""
    qkv = torch.randn(1, 9, 300_000, 3 * 42, device="cuda", dtype=dtype, requires_grad=True)

    mixed = attend(qkv, 1)
    mixed.float().sum().backward()

    here = slice(200_000, 200_100)
    torch.testing.assert_close(mixed[:, :, here], attend_by_products(qkv[:, :, here], 1), rtol=1e-2, atol=1e-2)
    assert qkv.grad is not None and torch.isfinite(qkv.grad).all()


@pytest.mark.parametrize("heads", [1, 2])
def test_the_block_computes_on_a_gpu_what_it_computes_on_a_cpu(heads: int) -> None:
    seed_everything(0, deterministic=True, threads=1)
    block, x = TemporalAttention(8, heads), torch.randn(18, 8, 20, 21).to(memory_format=torch.channels_last)
    expected = block(x, 9)

    torch.testing.assert_close(block.cuda()(x.cuda(), 9).cpu(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("tf32", "exact"), [(False, True), (True, False)])
def test_off_is_fp32_unless_tf32_is_asked_for(tf32: bool, exact: bool) -> None:
    seed_everything(0, deterministic=True, threads=1, tf32=tf32)
    a, b = torch.randn(512, 512), torch.randn(512, 512)

    worst = ((a.cuda() @ b.cuda()).cpu().double() - a.double() @ b.double()).abs().max()

    assert (worst < 1e-3) is exact


def test_auto_is_measured(tiny_config: Make) -> None:
    config = tiny_config()
    config = replace(config, device="cuda", amp=replace(config.amp, dtype="auto"))

    settled, measured = settle_precision(build_model(config.model).cuda(), plan(config), config, frames=4)

    assert measured is not None
    assert settled.amp.dtype == measured.chosen
    assert {"fp16", "off"} <= set(measured.ms)
