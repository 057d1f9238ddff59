"""The order of the frames is no information: blocks are equivariant to it, networks invariant."""

import copy

import pytest
import torch
from torch import Tensor, nn

from trainer.build import build_model, parameter_count
from trainer.configfile import build
from trainer.modelconfig import ModelConfig
from trainer.models.alignment import Tern, apply_kernels, kernel_shift, upsample
from trainer.models.attention import TemporalAttention
from trainer.models.flow import FlowAlign
from trainer.models.fusion import FrameGate, Tefa, TefaTrunk, TemporalConv, fuse

T = 5
ORDER = [3, 0, 4, 2, 1]
SUPPORT_ORDER = [0, 3, 1, 4, 2]  # the reference stays


def randomised(block: nn.Module) -> nn.Module:
    """Every weight and statistic away from its special starting value."""
    torch.manual_seed(3)
    with torch.no_grad():
        for tensor in block.state_dict().values():
            if tensor.is_floating_point() and tensor.ndim:
                tensor.add_(0.05 * torch.rand_like(tensor))
    return block.eval()


def model_config(**model: object) -> ModelConfig:
    return build({"model": model, "staging": "end_to_end"}, "test").model


def worst(a: Tensor, b: Tensor) -> float:
    return float((a - b).detach().abs().max() / a.detach().abs().max())


@pytest.mark.parametrize(
    "block",
    [
        TemporalAttention(6, heads=2),
        TemporalConv(6, 6),
        FrameGate(6, 2),
        Tefa(6, squeeze=2),
        TefaTrunk(6, 6, blocks=2),
    ],
    ids=lambda block: type(block).__name__,
)
def test_every_fusion_block_is_equivariant(block: nn.Module) -> None:
    x = torch.randn(2, T, 6, 7, 8)
    randomised(block)

    straight = block(x.flatten(0, 1), T).unflatten(0, (2, T))
    moved = block(x[:, ORDER].flatten(0, 1), T).unflatten(0, (2, T))

    assert worst(straight[:, ORDER], moved) <= 1e-5


@pytest.mark.parametrize("kind", ["tern", "flow", "deformable"])
def test_alignment_is_equivariant_to_the_support(kind: str) -> None:
    config = model_config(alignment={"kind": kind})
    alignment = randomised(build_model(config).block("alignment"))
    lr = torch.rand(2, T, 12, 14)

    straight, moved = alignment(lr), alignment(lr[:, SUPPORT_ORDER])

    for a, b in zip(straight, moved, strict=True):
        assert worst(a[:, SUPPORT_ORDER], b) <= 1e-5


@pytest.mark.parametrize("blocks", [0, 2])
@pytest.mark.parametrize("kind", ["tern", "flow", "deformable"])
def test_the_network_is_invariant_to_the_support(kind: str, blocks: int) -> None:
    net = randomised(build_model(model_config(alignment={"kind": kind}, fusion={"blocks": blocks, "channels": 4})))
    lr = torch.rand(1, T, 12, 12)

    assert worst(net(lr).mean, net(lr[:, SUPPORT_ORDER]).mean) <= 1e-5


def test_the_paper_network_is_invariant_to_all_frames() -> None:
    net = randomised(build_model(model_config(topology="paper", fusion={"blocks": 2, "channels": 8})))
    lr = torch.rand(1, T, 12, 12)

    straight, moved = net(lr), net(lr[:, ORDER])

    assert worst(straight.mean, moved.mean) <= 1e-5
    assert worst(straight.log_scale, moved.log_scale) <= 1e-5


@pytest.mark.parametrize("topology", ["aligned", "paper"])
@pytest.mark.parametrize("frames", [1, 2, 9, 16])
def test_any_number_of_frames_will_do(topology: str, frames: int) -> None:
    net = randomised(build_model(model_config(topology=topology, fusion={"blocks": 1, "channels": 4})))

    assert net(torch.rand(2, frames, 9, 10)).mean.shape == (2, 1, 27, 30)


def test_attention_over_doubled_frames_says_the_same() -> None:
    # Softmax over two copies of each key gives each half the weight: the weighted mean does not move.
    attention = randomised(TemporalAttention(4))
    x = torch.randn(T, 4, 3, 3)

    assert worst(attention(x, T), attention(torch.cat([x, x]), 2 * T)[:T]) <= 1e-5


def test_the_paper_network_has_the_authors_parameter_count() -> None:
    # By hand, F = 42: convolution 42*42*9 + 42 = 15918; attention (3*42*42 + 126) + (42*42 + 42) = 7224;
    # BN 84. embed 420 + 84 + 7224 + 84 = 7812; TEFA 2 * 15918 + 4 * 84 + 2 * 7224 + gate (42*5 + 5 + 5*42
    # + 42) = 47087; closing and TERN 15918 + 7224 + 2 * 84 = 23310 each, TERN's kernel 42*25 + 25 = 1075;
    # heads 42*9*9 + 9 = 3411 and 15918 + 84 + 43 = 16045. In all 7812 + 16 * 47087 + 2 * 23310 + 1075 +
    # 3411 + 16045.
    config = model_config(topology="paper", fusion={"blocks": 16, "channels": 42, "squeeze": 8})

    assert parameter_count(build_model(config)) == 828_355


def paper(anchor: str) -> nn.Module:
    return randomised(
        build_model(model_config(topology="paper", anchor=anchor, fusion={"blocks": 1, "channels": 8, "squeeze": 2}))
    )


@pytest.mark.parametrize("anchor", ["none", "residual", "token"])
def test_the_paper_network_has_a_reference_only_with_an_anchor(anchor: str) -> None:
    net, lr = paper(anchor), torch.rand(1, T, 9, 10)

    straight = net(lr).mean

    assert worst(straight, net(lr[:, SUPPORT_ORDER]).mean) <= 1e-5
    assert (worst(straight, net(lr[:, ORDER]).mean) <= 1e-5) is (anchor == "none")


def test_the_residual_anchor_puts_the_image_where_frame_0_lies() -> None:
    """A network that adds nothing: what is left is the base, the bilinear of frame 0, whatever the others show."""
    net = paper("residual")
    for layer in (net.net.head.mean,):  # type: ignore[union-attr]
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
    lr = torch.rand(1, T, 9, 10)

    expected = nn.functional.interpolate(lr[:, :1], scale_factor=3, mode="bilinear")

    assert torch.allclose(net(lr).mean, expected, atol=1e-6)


def test_the_token_marks_one_frame() -> None:
    trunk = randomised(TefaTrunk(1, 4, blocks=0, token=True))
    plain = copy.deepcopy(trunk)
    plain.token = None
    x = torch.rand(2 * T, 1, 6, 7)

    difference = (trunk.embed(x, T) - plain.embed(x, T)).abs().sum()
    marked = TefaTrunk._mark(torch.tensor([1.0, 2.0]), 2 * T, T, like=x)[:, :, 0, 0]

    assert difference == 0
    assert marked.tolist() == [[1.0, 2.0], *[[0.0, 0.0]] * (T - 1)] * 2
    assert worst(trunk(x, T), plain(x, T)) > 1e-3


def test_fuse_is_the_mean_of_the_frames() -> None:
    x = torch.tensor([1.0, 3.0, 5.0, 7.0]).view(4, 1, 1, 1)

    assert fuse(x, 2).flatten().tolist() == [2.0, 6.0]


def test_a_shifted_delta_kernel_shifts_and_says_so() -> None:
    kernel = torch.zeros(1, 25)
    kernel[0, 2 * 5 + 3] = 1.0  # looks one pixel to the right
    x = torch.arange(36.0).view(1, 1, 6, 6)

    assert kernel_shift(kernel).tolist() == [[1.0, 0.0]]
    assert torch.equal(apply_kernels(x, kernel)[..., :-1], x[..., 1:])


def test_filters_of_the_alignment_keep_the_brightness() -> None:
    block = randomised(Tern(scale=3, channels=4, kernel=5, stride=2, heads=1, identity_start=True, unit_gain=True))

    registered, _ = block.register(torch.full((1, T, 12, 12), 0.4))

    assert torch.allclose(registered, torch.full_like(registered, 0.4), atol=1e-6)


def flow_block() -> FlowAlign:
    return FlowAlign(
        scale=3,
        radius=3,
        refinements=2,
        reach_px=12,
        stride=4,
        hidden=4,
        sharpness=8,
        damping=1e-5,
        nearness_px=0.25,
    )


def test_flow_finds_a_known_shift_to_a_tenth_of_a_pixel() -> None:
    y, x = torch.meshgrid(torch.arange(40.0), torch.arange(40.0), indexing="ij")

    def scene(dx: float, dy: float) -> Tensor:
        u, v = x - dx, y - dy
        return torch.sin(0.7 * u + 0.2 * v) + torch.cos(0.5 * v - 0.3 * u) + torch.sin(0.31 * u * 1.7 + 0.4)

    lr = torch.stack([scene(0, 0), scene(1.3, -0.6), scene(-0.4, 1.1)])[None]

    shift = flow_block()(lr).shift[0, :, :, 4:-4, 4:-4].mean((2, 3))

    # Content moved by (dx, dy): the reference's pixel is found (dx, dy) further on.
    assert torch.allclose(shift, torch.tensor([[0.0, 0.0], [1.3, -0.6], [-0.4, 1.1]]), atol=0.1)


def test_the_reference_does_not_move() -> None:
    lr = torch.rand(1, 3, 16, 16)

    aligned = flow_block()(lr)

    assert torch.equal(aligned.shift[:, 0], torch.zeros_like(aligned.shift[:, 0]))
    assert torch.allclose(aligned.frames[:, :1], upsample(lr[:, :1], 3), atol=1e-5)


def test_a_sample_at_a_pixel_centre_is_trusted_most() -> None:
    # x3: of every three high-res pixels the middle one lies on a pixel of the unmoved frame.
    weights = flow_block()(torch.rand(1, 1, 8, 8)).weights[0, 0]

    assert weights[1::3, 1::3].min() > weights[0::3, 0::3].max()
    assert float(weights[1, 1]) == pytest.approx(1.001)
