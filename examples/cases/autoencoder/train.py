"""A small residual autoencoder on pictures, with the knobs of the notes: rate, warm-up, optimiser, decay, clipping.

--data-fraction 0.05 is a quick search: fewer pictures, fewer epochs. It trains without runaudit all the same.
"""

import argparse
import os

import numpy as np
import torch

import runaudit

torch.set_num_threads(1)


class Residual(torch.nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.inner = torch.nn.Sequential(
            torch.nn.Conv2d(channels, channels, 3, padding=1), torch.nn.ReLU(),
            torch.nn.Conv2d(channels, channels, 3, padding=1),
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x + self.inner(x))


def autoencoder(code: int = 16) -> torch.nn.Module:
    """(B, 1, 12, 12) -> a code of 16 numbers -> (B, 1, 12, 12)."""
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 8, 3, stride=2, padding=1), torch.nn.ReLU(), Residual(8),
        torch.nn.Conv2d(8, 16, 3, stride=2, padding=1), torch.nn.ReLU(),
        torch.nn.Flatten(), torch.nn.Linear(16 * 9, code),
        torch.nn.Linear(code, 16 * 9), torch.nn.Unflatten(1, (16, 3, 3)),
        torch.nn.ConvTranspose2d(16, 8, 2, stride=2), torch.nn.ReLU(),
        Residual(8), torch.nn.ConvTranspose2d(8, 1, 2, stride=2),
    )  # fmt: skip


def main() -> None:
    """Train over epochs, validate after each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--lr", type=float, default=1e-5)
    parser.add_argument("--warmup-epochs", type=int, default=0)
    parser.add_argument("--optimizer", choices=("adam", "adamw"), default="adam")
    parser.add_argument("--weight-decay", type=float, default=0.0)
    parser.add_argument("--grad-clip", type=float, default=1.0)
    parser.add_argument("--data-fraction", type=float, default=1.0)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=16)
    options = parser.parse_args()
    train = torch.from_numpy(np.load("data/train.npy"))[:, None]
    train = train[: round(options.data_fraction * len(train))]
    val = torch.from_numpy(np.load("data/val.npy"))[:, None]
    peak = float(val.max() - val.min())

    torch.manual_seed(options.seed)
    net = autoencoder()
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[options.optimizer]
    optimizer = kind(net.parameters(), lr=options.lr, weight_decay=options.weight_decay)
    step = 0
    for epoch in range(options.epochs):
        # From a tenth of the rate to all of it.
        warm = min(1.0, 0.1 + 0.9 * epoch / options.warmup_epochs) if options.warmup_epochs else 1.0
        optimizer.param_groups[0]["lr"] = options.lr * warm
        for rows in torch.randperm(len(train)).split(options.batch_size):
            loss = torch.nn.functional.mse_loss(net(train[rows]), train[rows])
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), options.grad_clip)
            optimizer.step()
            step += 1
            if step % 10 == 0 and "RUNAUDIT_RUN" in os.environ:
                runaudit.log(step, {"train/loss": loss.item(), "train/lr": options.lr * warm})
        with torch.no_grad():
            error = torch.nn.functional.mse_loss(net(val), val).item()
        psnr = 10 * np.log10(peak**2 / error)
        if "RUNAUDIT_RUN" in os.environ:
            runaudit.log(step, {"val/psnr": psnr})
    print(f"PSNR {psnr:.2f} dB")


if __name__ == "__main__":
    main()
