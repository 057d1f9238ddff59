"""A plain PyTorch loop that prints its loss and saves its weights, as most do. --logged adds one line of runaudit."""

import argparse
import os
import random
from pathlib import Path

import numpy as np
import torch

torch.set_num_threads(1)


def main() -> None:
    """Squeeze pictures through eight numbers by plain gradient descent; validate after each epoch."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--lr", type=float, default=0.5)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--logged", action="store_true")
    options = parser.parse_args()
    random.seed(options.seed)
    torch.manual_seed(options.seed)
    train, val = (torch.from_numpy(np.load(f"data/{name}.npy")).flatten(1) for name in ("train", "val"))
    net = torch.nn.Sequential(torch.nn.Linear(144, 8), torch.nn.Linear(8, 144))
    optimizer = torch.optim.SGD(net.parameters(), lr=options.lr)
    step = 0
    for epoch in range(options.epochs):
        for rows in torch.randperm(len(train)).split(50):
            loss = torch.nn.functional.mse_loss(net(train[rows]), train[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
            if options.logged:
                import runaudit

                runaudit.log(step, {"train/loss": loss.item()})
        with torch.no_grad():
            error = torch.nn.functional.mse_loss(net(val), val).item()
        print(f"epoch {epoch}: validation loss {error:.4f}")
        if options.logged:
            runaudit.log(step, {"val/loss": error})
    folder = Path(os.environ.get("RUNAUDIT_RUN", "out")) if options.logged else Path("out")
    folder.mkdir(exist_ok=True)
    torch.save(net.state_dict(), folder / "last.pt")


if __name__ == "__main__":
    main()
