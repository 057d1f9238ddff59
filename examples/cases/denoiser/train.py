"""A small convolutional denoiser, with the knobs of the notes: batch and accumulation, channels, levels of noise.

An update sees --batch-size x --grad-accum pictures. Training draws its noise as EDM does or evenly in ln sigma; what
is judged are four fixed levels, of 0.05, 0.3, 1 and 10.
"""

import argparse
import os

import numpy as np
import torch

import runaudit

torch.set_num_threads(1)
LEVELS = (0.05, 0.3, 1.0, 10.0)


class Denoiser(torch.nn.Module):
    """EDM's preconditioning about three convolutions; `norm`: batch or none."""

    def __init__(self, channels: int, norm: str, width: int = 16) -> None:
        super().__init__()

        def normed() -> torch.nn.Module:
            return torch.nn.BatchNorm2d(width) if norm == "batch" else torch.nn.Identity()

        self.net = torch.nn.Sequential(
            torch.nn.Conv2d(channels + 1, width, 3, padding=1), normed(), torch.nn.ReLU(),
            torch.nn.Conv2d(width, width, 3, padding=1), normed(), torch.nn.ReLU(),
            torch.nn.Conv2d(width, channels, 3, padding=1),
        )  # fmt: skip

    def forward(self, noisy: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) and (B, 1, 1, 1) -> the clean picture, (B, C, H, W)."""
        whole = 1 + sigma**2
        told = (sigma.log() / 4).expand(-1, 1, *noisy.shape[2:])
        return noisy / whole + sigma / whole.sqrt() * self.net(torch.cat([noisy / whole.sqrt(), told], dim=1))


def drawn(schedule: str, count: int) -> torch.Tensor:
    """(count, 1, 1, 1) levels of noise: ln sigma ~ N(-1.2, 1.2), or even between ln 0.002 and ln 80."""
    if schedule == "edm":
        return torch.exp(torch.randn(count, 1, 1, 1) * 1.2 - 1.2)
    low, high = np.log(0.002), np.log(80)
    return torch.exp(low + (high - low) * torch.rand(count, 1, 1, 1))


def widened(pictures: np.ndarray, kind: str) -> torch.Tensor:
    """(N, H, W) -> (N, 1 or 4, H, W): as they are, or with three more channels of zeros, or of copies."""
    one = torch.from_numpy(pictures)[:, None]
    more = {"one": [], "zeros": [torch.zeros_like(one)] * 3, "copies": [one] * 3}[kind]
    return torch.cat([one, *more], dim=1)


def psnr_of(net: Denoiser, clean: torch.Tensor, level: float) -> float:
    """At one level of noise, of the first channel, in dB; the noise is the same every time."""
    noise = torch.randn(clean[:, :1].shape, generator=torch.Generator().manual_seed(1))
    noisy = clean + level * noise
    with torch.no_grad():
        error = ((net(noisy, torch.full((len(clean), 1, 1, 1), level)) - clean)[:, 0] ** 2).mean()
    return float(10 * torch.log10((clean[:, 0].max() - clean[:, 0].min()) ** 2 / error))


def main() -> None:
    """Train, validate at every level ten times."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument(
        "--channels", choices=("one", "zeros", "copies"), default="one", help="three more of which kind"
    )
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--grad-accum", type=int, default=2)
    parser.add_argument("--norm", choices=("none", "batch"), default="none")
    parser.add_argument("--schedule", choices=("edm", "log-uniform"), default="edm")
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--updates", type=int, default=60)
    parser.add_argument("--sigma-max-use", type=float, default=10.0, help="the most noise that it will meet")
    options = parser.parse_args()
    train, val = (widened(np.load(f"data/{name}.npy"), options.channels) for name in ("train", "val"))

    torch.manual_seed(options.seed)
    net = Denoiser(train.shape[1], options.norm)
    optimizer = torch.optim.AdamW(net.parameters(), lr=options.lr)
    for update in range(1, options.updates + 1):
        total = 0.0
        optimizer.zero_grad()
        for _ in range(options.grad_accum):
            clean = train[torch.randint(len(train), (options.batch_size,))]
            sigma = drawn(options.schedule, options.batch_size)
            found = net(clean + sigma * torch.randn_like(clean), sigma)
            loss = ((1 + sigma**2) / sigma**2 * (found - clean) ** 2).mean() / options.grad_accum
            loss.backward()
            total += loss.item()
        optimizer.step()
        if "RUNAUDIT_RUN" not in os.environ:
            continue
        if update % 2 == 0:
            runaudit.log(update, {"train/loss": total})
        if update % max(1, options.updates // 10) == 0:
            net.eval()
            found = {level: psnr_of(net, val, level) for level in LEVELS}
            net.train()
            runaudit.log(update, {f"val/psnr_at_{level:g}": value for level, value in found.items()})
            runaudit.log(update, {"val/psnr": sum(found.values()) / len(found)})


if __name__ == "__main__":
    main()
