"""A denoiser without any normalisation, trained by Adam: it learns, and then it may leave what it learned.

The loss is that of EDM: noise of ln sigma ~ N(-1.2, 1.2), errors weighted by (1 + sigma^2) / sigma^2. Where a draw of
little noise meets an error, the weight is in the thousands: gradients have a heavy tail, and nothing here is put in.
"""

import argparse
import os
from pathlib import Path

import numpy as np
import torch

import runaudit

torch.set_num_threads(1)


class Denoiser(torch.nn.Module):
    """Residual blocks on flat pictures; told the noise as ln sigma."""

    def __init__(self, pixels: int, width: int = 64, blocks: int = 4) -> None:
        super().__init__()
        self.first = torch.nn.Linear(pixels + 1, width)
        self.blocks = torch.nn.ModuleList(
            torch.nn.Sequential(torch.nn.Linear(width, width), torch.nn.ReLU(), torch.nn.Linear(width, width))
            for _ in range(blocks)
        )
        self.last = torch.nn.Linear(width, pixels)

    def forward(self, noisy: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        """(B, pixels) and (B, 1) -> the clean picture, (B, pixels)."""
        x = self.first(torch.cat([noisy / (1 + sigma**2).sqrt(), sigma.log() / 4], dim=1))
        for block in self.blocks:
            x = x + block(x)
        return self.last(x)


def main() -> None:
    """Train, validate every 25 steps at one noise, and keep checkpoints."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--lr", type=float, default=4e-3)
    parser.add_argument("--warmup-steps", type=int, default=600)
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--grad-clip", type=float, default=0.0, help="0: none")
    parser.add_argument("--beta2", type=float, default=0.999)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--keep-every", type=int, default=100, help="steps between checkpoints")
    options = parser.parse_args()
    train = torch.from_numpy(np.load("data/train.npy")).flatten(1)
    clean = torch.from_numpy(np.load("data/val.npy")).flatten(1)
    peak = clean.max() - clean.min()
    fixed = torch.Generator().manual_seed(1)
    level = torch.full((len(clean), 1), 0.5)
    noisy = clean + level * torch.randn(clean.shape, generator=fixed)

    torch.manual_seed(options.seed)
    net = Denoiser(clean.shape[1])
    optimizer = torch.optim.Adam(net.parameters(), lr=options.lr, betas=(0.9, options.beta2))
    kept = Path(os.environ.get("RUNAUDIT_RUN", "out")) / "checkpoints"
    kept.mkdir(parents=True, exist_ok=True)
    for step in range(1, options.steps + 1):
        rate = options.lr * min(1.0, step / max(1, options.warmup_steps))
        optimizer.param_groups[0]["lr"] = rate
        picture = train[torch.randint(len(train), (options.batch_size,))]
        sigma = torch.exp(torch.randn(options.batch_size, 1) * 1.2 - 1.2)
        found = net(picture + sigma * torch.randn_like(picture), sigma)
        loss = ((1 + sigma**2) / sigma**2 * (found - picture) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(net.parameters(), options.grad_clip or float("inf"))
        optimizer.step()
        if step % 5 == 0:
            runaudit.log(step, {"train/loss": loss.item(), "train/grad_norm": norm.item(), "train/lr": rate})
        if step % 25 == 0:
            with torch.no_grad():
                error = ((net(noisy, level) - clean) ** 2).mean()
            runaudit.log(step, {"val/mse": error.item(), "val/psnr": float(10 * torch.log10(peak**2 / error))})
        if step % options.keep_every == 0:
            torch.save(net.state_dict(), kept / f"step_{step:06d}.pt")


if __name__ == "__main__":
    main()
