"""Temporal attention as one Triton kernel each way, for GPUs.

A program takes one head of a block of neighbouring pixels of one burst and all its frames. Keys and values are read
from memory once and from the cache T times; scores live in registers. The backward pass recomputes them from the kept
log-sum, and every sum has one owner, so that two runs give the same bits.

    forward   qkv (B, T, P, 3C) -> mixed (B, T, P, C), log-sum (B, T, P, heads) in fp32
    backward  gradient of mixed -> gradient of qkv

Everything is computed in fp32 and stored in the dtype of qkv. Method: Dao 2023, "FlashAttention-2" (online softmax,
recomputed scores), here with the sequence so short that nothing is split along it.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.autograd.function import once_differentiable

PIXELS = 16  # of a program; 16 x 64 numbers a tensor fit the registers of four warps


def attend_in_one_kernel(qkv: Tensor, heads: int) -> Tensor:
    """Softmax attention between the T tokens of each pixel: qkv (B, T, P, 3C) -> (B, T, P, C)."""
    return _Attend.apply(qkv.contiguous(), heads)  # type: ignore[no-any-return]


class _Attend(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, qkv: Tensor, heads: int) -> Tensor:
        B, T, P, C3 = qkv.shape
        mixed = qkv.new_empty(B, T, P, C3 // 3)
        logsum = torch.empty(B, T, P, heads, dtype=torch.float32, device=qkv.device)
        _forward[_grid(B, P, heads)](qkv, mixed, logsum, P, **_shape(T, C3 // 3, heads))
        ctx.save_for_backward(qkv, mixed, logsum)
        ctx.heads = heads
        return mixed

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        qkv, mixed, logsum = ctx.saved_tensors
        B, T, P, C3 = qkv.shape
        out = torch.empty_like(qkv)
        _backward[_grid(B, P, ctx.heads)](
            qkv, mixed, logsum, grad.contiguous(), out, P, **_shape(T, C3 // 3, ctx.heads)
        )
        return out, None


def _grid(bursts: int, pixels: int, heads: int) -> tuple[int, int]:
    # The first axis may be 2^31 - 1 long, the others 65,535: pixels and bursts share it.
    return (bursts * triton.cdiv(pixels, PIXELS), heads)


def _shape(frames: int, channels: int, heads: int) -> dict[str, Any]:
    width = channels // heads
    return {
        "T": frames, "C": channels, "D": width, "WIDE": triton.next_power_of_2(width), "PIXELS": PIXELS,
        "SCALE": width**-0.5, "HEADS": heads,
    }  # fmt: skip


@triton.jit
def _place(P, C: tl.constexpr, D: tl.constexpr, WIDE: tl.constexpr, PIXELS: tl.constexpr):
    """Of this program: its burst, the numbers of one frame, its pixels and head, and where in a frame those lie."""
    blocks = tl.cdiv(P, PIXELS)
    burst = (tl.program_id(0) // blocks).to(tl.int64)
    plane = tl.cast(P, tl.int64) * C  # a large burst has more than 2^31 numbers
    pixel = (tl.program_id(0) % blocks) * PIXELS + tl.arange(0, PIXELS)
    head = tl.program_id(1)
    channel = tl.arange(0, WIDE)
    inside = (pixel[:, None] < P) & (channel[None, :] < D)
    at_in = pixel[:, None] * (3 * C) + head * D + channel[None, :]
    at_out = pixel[:, None] * C + head * D + channel[None, :]
    return burst, plane, pixel, head, inside, at_in, at_out


@triton.jit
def _forward(
    qkv, mixed, logsum, P,
    T: tl.constexpr, C: tl.constexpr, D: tl.constexpr, WIDE: tl.constexpr, PIXELS: tl.constexpr,
    SCALE: tl.constexpr, HEADS: tl.constexpr,
):  # fmt: skip
    burst, plane, pixel, head, inside, at_in, at_out = _place(P, C, D, WIDE, PIXELS)
    qkv += burst * T * 3 * plane
    mixed += burst * T * plane
    logsum += burst * T * P * HEADS
    for t in range(T):
        q = tl.load(qkv + t * 3 * plane + at_in, mask=inside, other=0.0).to(tl.float32) * SCALE
        top = tl.full((PIXELS,), float("-inf"), tl.float32)
        total = tl.zeros((PIXELS,), tl.float32)
        sums = tl.zeros((PIXELS, WIDE), tl.float32)
        for u in range(T):
            k = tl.load(qkv + u * 3 * plane + C + at_in, mask=inside, other=0.0).to(tl.float32)
            v = tl.load(qkv + u * 3 * plane + 2 * C + at_in, mask=inside, other=0.0).to(tl.float32)
            score = tl.sum(q * k, 1)
            higher = tl.maximum(top, score)
            shrunk, weight = tl.exp(top - higher), tl.exp(score - higher)
            total = total * shrunk + weight
            sums = sums * shrunk[:, None] + weight[:, None] * v
            top = higher
        tl.store(mixed + t * plane + at_out, (sums / total[:, None]).to(mixed.dtype.element_ty), mask=inside)
        tl.store(logsum + (t * P + pixel) * HEADS + head, top + tl.log(total), mask=pixel < P)


@triton.jit
def _backward(
    qkv, mixed, logsum, grad, out, P,
    T: tl.constexpr, C: tl.constexpr, D: tl.constexpr, WIDE: tl.constexpr, PIXELS: tl.constexpr,
    SCALE: tl.constexpr, HEADS: tl.constexpr,
):  # fmt: skip
    burst, plane, pixel, head, inside, at_in, at_out = _place(P, C, D, WIDE, PIXELS)
    qkv += burst * T * 3 * plane
    out += burst * T * 3 * plane
    mixed += burst * T * plane
    grad += burst * T * plane
    logsum += burst * T * P * HEADS
    kind = out.dtype.element_ty
    for t in range(T):  # what each frame's question got
        q = tl.load(qkv + t * 3 * plane + at_in, mask=inside, other=0.0).to(tl.float32)
        g = tl.load(grad + t * plane + at_out, mask=inside, other=0.0).to(tl.float32)
        o = tl.load(mixed + t * plane + at_out, mask=inside, other=0.0).to(tl.float32)
        level = tl.load(logsum + (t * P + pixel) * HEADS + head, mask=pixel < P, other=0.0)
        share = tl.sum(g * o, 1)
        dq = tl.zeros((PIXELS, WIDE), tl.float32)
        for u in range(T):
            k = tl.load(qkv + u * 3 * plane + C + at_in, mask=inside, other=0.0).to(tl.float32)
            v = tl.load(qkv + u * 3 * plane + 2 * C + at_in, mask=inside, other=0.0).to(tl.float32)
            weight = tl.exp(tl.sum(q * k, 1) * SCALE - level)
            dq += (weight * (tl.sum(g * v, 1) - share) * SCALE)[:, None] * k
        tl.store(out + t * 3 * plane + at_in, dq.to(kind), mask=inside)
    for u in range(T):  # what each frame's key and value gave
        k = tl.load(qkv + u * 3 * plane + C + at_in, mask=inside, other=0.0).to(tl.float32)
        v = tl.load(qkv + u * 3 * plane + 2 * C + at_in, mask=inside, other=0.0).to(tl.float32)
        dk = tl.zeros((PIXELS, WIDE), tl.float32)
        dv = tl.zeros((PIXELS, WIDE), tl.float32)
        for t in range(T):
            q = tl.load(qkv + t * 3 * plane + at_in, mask=inside, other=0.0).to(tl.float32)
            g = tl.load(grad + t * plane + at_out, mask=inside, other=0.0).to(tl.float32)
            o = tl.load(mixed + t * plane + at_out, mask=inside, other=0.0).to(tl.float32)
            level = tl.load(logsum + (t * P + pixel) * HEADS + head, mask=pixel < P, other=0.0)
            weight = tl.exp(tl.sum(q * k, 1) * SCALE - level)
            dk += (weight * (tl.sum(g * v, 1) - tl.sum(g * o, 1)) * SCALE)[:, None] * q
            dv += weight[:, None] * g
        tl.store(out + u * 3 * plane + C + at_in, dk.to(kind), mask=inside)
        tl.store(out + u * 3 * plane + 2 * C + at_in, dv.to(kind), mask=inside)
