"""What a leaf of the head names is what torch means by the name; by default it is the block that was always there."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainer.build import build_model
from trainer.configfile import build
from trainer.models.activation import activation
from trainer.models.fusion import TefaTrunk
from trainer.models.head import ResidualBlock
from trainer.models.normalisation import PixelNorm, SharedBatchNorm, normalisation, share_statistics
from trainer.models.pooling import ChannelAttention, window_mean


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


FUNCTIONS = {
    "leaky_relu": lambda x: F.leaky_relu(x, 0.1),
    "relu": F.relu,
    "gelu": F.gelu,
    "silu": F.silu,
    "prelu": lambda x: torch.where(x > 0, x, 0.25 * x),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_head_computes_what_its_activation_is_called(name: str) -> None:
    torch.manual_seed(0)
    block, x = ResidualBlock(4, act=name), drawn(2, 4, 6, 6)

    assert torch.allclose(block(x), x + block.second(FUNCTIONS[name](block.first(x))), atol=1e-6)


@pytest.mark.parametrize("topology", ["aligned", "paper"])
def test_the_activation_of_the_fusion_reaches_every_block_of_it(topology: str) -> None:
    config = build(
        {"model": {"topology": topology, "fusion": {"blocks": 1, "activation": "gelu"}}, "staging": "end_to_end"}, "t"
    )
    fusion = build_model(config.model).block("fusion")
    trunk = fusion if topology == "paper" else fusion.trunk
    assert isinstance(trunk, TefaTrunk)

    kinds = {type(m) for m in trunk.modules() if isinstance(m, (nn.LeakyReLU, nn.GELU))}

    assert kinds == {nn.GELU}


def test_prelu_learns_a_slope_a_channel() -> None:
    slope = activation("prelu", channels=5, slope=0.1).weight

    assert slope.shape == (5,)
    assert slope.requires_grad


def reference_norm(kind: str, x: Tensor, eps: float) -> Tensor:
    if kind == "layer":
        return F.layer_norm(x.movedim(1, -1), (x.shape[1],), eps=eps).movedim(-1, 1)
    if kind == "instance":
        return F.instance_norm(x, eps=eps)
    if kind == "group":
        return F.group_norm(x, 2, eps=eps)
    return F.batch_norm(x, None, None, training=True, eps=eps) if kind == "batch" else x


@pytest.mark.parametrize("eps", [1e-5, 1e-1])
@pytest.mark.parametrize("kind", ["none", "batch", "layer", "instance", "group"])
def test_a_normalisation_is_torchs_of_that_name_and_eps(kind: str, eps: float) -> None:
    x = 0.3 * drawn(3, 4, 5, 6) + 2

    assert torch.allclose(
        normalisation(kind, channels=4, groups=2, eps=eps)(x), reference_norm(kind, x, eps), atol=1e-5
    )


@pytest.mark.parametrize("kind", ["layer", "instance", "group"])
def test_a_normalisation_of_halves_is_computed_in_fp32(kind: str) -> None:
    """A deviation of 1000 has a square that fp16 does not hold."""
    x = (1000 * drawn(2, 4, 5, 6)).half()

    with torch.autocast("cpu", dtype=torch.float16):
        found = normalisation(kind, channels=4, groups=2, eps=1e-5)(x)

    assert torch.allclose(found.float(), reference_norm(kind, x.float(), 1e-5), atol=2e-3)


def test_in_halves_throughout_a_layer_norm_overflows() -> None:
    x = 1000 * torch.tensor([1.0, -1, 1, -1], dtype=torch.float16)[None, :, None, None]

    found = PixelNorm(4, eps=1e-5, in_fp32=False)(x)

    assert found.dtype == torch.float16
    assert torch.equal(found, torch.zeros_like(found)), "a division by an infinite deviation"


def test_batch_normalisation_of_a_head_is_shared_between_ranks_and_frozen_with_it() -> None:
    net = build_model(build({"model": {"head": {"channels": 8, "normalisation": "batch"}}}, "test").model)
    share_statistics(net, total=lambda x: 2 * x, ranks=2)

    norms = [m for m in net.block("head").modules() if isinstance(m, nn.BatchNorm2d)]

    assert [type(m) for m in norms] == [SharedBatchNorm] * 4


@pytest.mark.parametrize(("length", "side"), [(8, 8), (8, 20)])
def test_a_window_of_the_training_tile_is_the_whole_tile(length: int, side: int) -> None:
    x = drawn(2, 3, length, length)

    assert torch.allclose(window_mean(x, side), x.mean((2, 3), keepdim=True).expand_as(x), atol=1e-6)


@pytest.mark.parametrize("side", [3, 4, 7])
def test_a_window_is_the_mean_of_the_pixels_about_it_moved_inwards_at_an_edge(side: int) -> None:
    x = drawn(1, 1, 9, 11)
    expected = torch.empty_like(x)
    for i in range(9):
        for j in range(11):
            top, left = min(max(i - side // 2, 0), 9 - side), min(max(j - side // 2, 0), 11 - side)
            expected[0, 0, i, j] = x[0, 0, top : top + side, left : left + side].mean()

    assert torch.allclose(window_mean(x, side), expected, atol=1e-6)


def gate(window: int | None) -> ChannelAttention:
    torch.manual_seed(4)
    return ChannelAttention(6, squeeze=2, window=window)


def test_a_gate_by_hand() -> None:
    block, x = gate(None), drawn(2, 6, 5, 5)
    pooled = x.mean((2, 3))
    hidden = F.relu(F.linear(pooled, block.narrow.weight[:, :, 0, 0], block.narrow.bias))
    factor = torch.sigmoid(F.linear(hidden, block.wide.weight[:, :, 0, 0], block.wide.bias))

    assert torch.allclose(block(x), x * factor[:, :, None, None], atol=1e-6)


def test_on_a_training_tile_local_and_global_pooling_are_one() -> None:
    x = drawn(2, 6, 8, 8)

    assert torch.allclose(gate(8)(x), gate(None)(x), atol=1e-6)


def test_a_frame_sees_locally_what_a_tile_of_it_saw_and_globally_does_not() -> None:
    frame = drawn(1, 6, 24, 24)
    frame[..., 16:, :] += 3  # something bright that no window about the middle sees
    tile = frame[..., 4:12, 4:12]
    middle = (0, slice(None), 4, 4)  # of the tile; the window about it, of 8, is the tile

    def gap(window: int | None) -> float:
        return float((gate(window)(frame)[0, :, 8, 8] - gate(window)(tile)[middle]).detach().abs().max())

    assert gap(8) <= 1e-6
    assert gap(None) > 1e-3


@pytest.mark.parametrize(
    "head",
    [
        {"normalisation": "layer"},
        {"normalisation": "group", "groups": 2},
        {"pooling": "local", "window": 16},
        {"pooling": "global"},
    ],
)
def test_every_leaf_of_the_head_changes_what_it_says(head: dict[str, object]) -> None:
    found = []
    for changes in ({}, head):
        torch.manual_seed(0)
        config = build({"model": {"head": {"channels": 8, "blocks": 1} | changes}}, "test").model
        block = build_model(config).block("head").eval()
        with torch.no_grad():
            block.leave.weight.add_(1.0)
        found.append(block(drawn(1, 45, 6, 6)))

    assert not torch.allclose(found[0], found[1], atol=1e-4)
