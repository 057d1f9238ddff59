"""The same network under Lightning, with its own CSV logger and checkpoints; --logged gives it runaudit's logger."""

import argparse

import numpy as np
import torch
from lightning import LightningModule, Trainer, seed_everything
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch.utils.data import DataLoader, TensorDataset


class Squeeze(LightningModule):
    def __init__(self, lr):
        super().__init__()
        self.save_hyperparameters()
        self.net = torch.nn.Sequential(torch.nn.Linear(144, 8), torch.nn.Linear(8, 144))

    def training_step(self, batch, number):
        loss = torch.nn.functional.mse_loss(self.net(batch[0]), batch[0])
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, number):
        self.log("val_loss", torch.nn.functional.mse_loss(self.net(batch[0]), batch[0]))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), self.hparams.lr)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--lr", type=float, default=0.5)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--logged", action="store_true")
    options = parser.parse_args()
    seed_everything(options.seed)
    train, val = (TensorDataset(torch.from_numpy(np.load(f"data/{name}.npy")).flatten(1)) for name in ("train", "val"))
    logger = CSVLogger("out")
    if options.logged:
        from runaudit.integrations.lightning import RunauditLogger

        logger = RunauditLogger("lightning, with the logger", data={"train": "data/train.npy", "val": "data/val.npy"})
    kept = ModelCheckpoint("out/kept", monitor="val_loss", save_last=True)
    trainer = Trainer(max_epochs=options.epochs, logger=logger, callbacks=[kept], log_every_n_steps=1,
                      accelerator="cpu", enable_progress_bar=False, enable_model_summary=False)  # fmt: skip
    trainer.fit(Squeeze(options.lr), DataLoader(train, 50, shuffle=True), DataLoader(val, 200))


if __name__ == "__main__":
    main()
