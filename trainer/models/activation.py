"""The pointwise nonlinearity of a block, by name: one more thing in which two networks differ, so one leaf names it."""

from torch import nn


def activation(name: str, *, channels: int, slope: float) -> nn.Module:
    """`leaky_relu` (of this slope), `relu`, `gelu`, `silu`, or `prelu`, whose slope is learned for each channel."""
    made: nn.Module = {
        "leaky_relu": lambda: nn.LeakyReLU(slope),
        "relu": nn.ReLU,
        "gelu": nn.GELU,
        "silu": nn.SiLU,
        "prelu": lambda: nn.PReLU(channels),
    }[name]()
    return made
