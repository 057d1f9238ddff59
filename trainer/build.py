"""Config -> network. The only place that knows both, so that blocks stay free of configs and configs of tensors."""

from dataclasses import asdict
from functools import partial

import torch
from torch import Tensor, nn

from trainer.modelconfig import HeadConfig, ModelConfig
from trainer.models.alignment import Aligned, Tern
from trainer.models.deformable import DeformableAlign
from trainer.models.film import Film
from trainer.models.flow import FlowAlign
from trainer.models.head import Head, ResidualBlock
from trainer.models.paper import PaperPIUNet
from trainer.models.piunet import Features, Fusion, PIUNet, Prediction
from trainer.models.spectral import SpectralBlock


class Normalised(nn.Module):
    """A network that sees (x - mean) / deviation and answers in the units of x."""

    def __init__(self, net: PIUNet | PaperPIUNet, *, mean: float, deviation: float) -> None:
        super().__init__()
        self.net, self.mean, self.deviation = net, mean, deviation

    def inward(self, x: Tensor) -> Tensor:
        """Data units -> the network's."""
        return (x - self.mean) / self.deviation

    def register(self, lr: Tensor) -> tuple[Tensor, Tensor]:
        """lr (B, T, h, w) in data units -> registered frames in the network's units, shift in px."""
        block = self.net if isinstance(self.net, PaperPIUNet) else self.net.alignment
        return block.register(self.inward(lr))  # type: ignore[operator, no-any-return]

    def align(self, lr: Tensor) -> Aligned:
        """lr (B, T, h, w) -> the registered burst, in the network's units."""
        return self.net.align(self.inward(lr))

    def features(self, lr: Tensor, altitude: Tensor | None = None) -> Features:
        """What can be computed once the alignment is frozen. altitude: (B,) in metres, where a film asks for it."""
        return self.net.features(self.inward(lr))._replace(condition=altitude)

    def reconstruct(self, features: Features) -> Prediction:
        """From the merged burst to the image, in data units; the log-scale stays relative to the deviation."""
        mean, log_scale = self.net.reconstruct(features)
        return Prediction(mean * self.deviation + self.mean, log_scale)

    def forward(self, lr: Tensor, altitude: Tensor | None = None) -> Prediction:
        """lr (B, T, h, w) -> Prediction, in data units."""
        return self.reconstruct(self.features(lr, altitude))

    def standardise(self, mean: float, deviation: float) -> None:
        """Let a film take its number in these units; without one, nothing happens."""
        film = getattr(self.net.head, "film", None)
        if isinstance(film, Film):
            film.mean.fill_(mean)
            film.deviation.fill_(deviation)

    def block(self, name: str) -> nn.Module:
        """The block a stage names: alignment, fusion or head."""
        return self.net.get_submodule(name)


def build_model(config: ModelConfig) -> Normalised:
    """A freshly initialised network, in the memory layout its convolutions like best."""
    net: PIUNet | PaperPIUNet
    if config.topology == "paper":
        tern = config.alignment.tern
        net = PaperPIUNet(
            scale=config.scale,
            channels=config.fusion.channels,
            blocks=config.fusion.blocks,
            heads=config.fusion.heads,
            squeeze=config.fusion.squeeze,
            kernel=tern.kernel,
            identity_start=tern.identity_start,
            unit_gain=tern.unit_gain,
            anchor=config.anchor,
            activation=config.fusion.activation,
        )
    else:
        net = _aligned(config)
    net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Normalised(net, mean=config.input_mean, deviation=config.input_deviation)


def _aligned(config: ModelConfig) -> PIUNet:
    # Fusion and head are drawn before the alignment, so that they start alike whichever alignment is
    # plugged in.
    fusion = Fusion(scale=config.scale, **asdict(config.fusion))
    head = Head(
        fusion.channels,
        channels=config.head.channels,
        blocks=config.head.blocks,
        block=partial(_head_block, config=config.head),
        scale=config.scale,
        planes=2 if config.log_scale else 1,
    )
    alignment: nn.Module
    if config.alignment.kind == "flow":
        alignment = FlowAlign(scale=config.scale, **asdict(config.alignment.flow))
    elif config.alignment.kind == "deformable":
        alignment = DeformableAlign(scale=config.scale, **asdict(config.alignment.deformable))
    else:
        alignment = Tern(scale=config.scale, **asdict(config.alignment.tern))
    if config.film.input != "none":  # drawn last: all else starts as it does without
        head.film = Film(config.head.channels, sites=config.head.blocks + 1, hidden=config.film.hidden)
    return PIUNet(
        scale=config.scale,
        alignment=alignment,
        fusion=fusion,
        head=head,
        residual=config.residual,
        log_scale=config.log_scale,
    )


def _head_block(channels: int, config: HeadConfig) -> nn.Module:
    if config.kind == "fft":
        return SpectralBlock(channels, norm_eps=config.norm_eps, **asdict(config.fft))
    return ResidualBlock(
        channels,
        act=config.activation,
        norm=config.normalisation,
        groups=config.groups,
        norm_eps=config.norm_eps,
        pooling=config.pooling,
        window=config.window,
        squeeze=config.squeeze,
    )


def parameter_count(model: nn.Module) -> int:
    """Numbers that training can move."""
    return sum(p.numel() for p in model.parameters())
