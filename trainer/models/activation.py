"""The pointwise nonlinearity of a block, by name: one more thing in which two networks differ, so one leaf names it."""

from collections.abc import Callable

from torch import nn


def activation(name: str, *, channels: int, slope: float) -> nn.Module:
    """`leaky_relu` (of this slope), `relu`, `gelu`, `silu`, or `prelu`, whose slope is learned for each channel."""
    if name == "leaky_relu":
        return nn.LeakyReLU(slope)
    if name == "prelu":
        return nn.PReLU(channels)
    plain: dict[str, Callable[[], nn.Module]] = {"relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU}
    return plain[name]()
