"""A toy of Lightning that records itself; with --plain nothing is written into it, for `runaudit run`."""

import runaudit

runaudit.observe()

import argparse  # noqa: E402
import os  # noqa: E402
import signal  # noqa: E402
from pathlib import Path  # noqa: E402

import torch  # noqa: E402
from lightning import LightningModule, Trainer, seed_everything  # noqa: E402
from lightning.pytorch.callbacks import ModelCheckpoint  # noqa: E402
from lightning.pytorch.loggers import CSVLogger  # noqa: E402
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402


class Toy(LightningModule):
    def __init__(self, lr):
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(1, 1)

    def error(self, batch):
        return ((self.layer(batch[0]) - 3 * batch[0]) ** 2).mean()

    def training_step(self, batch, number):
        if self.global_step == 5 and asked.ends == "raise":
            raise ValueError("exploded")
        if self.global_step == 5 and asked.ends == "interrupt":
            os.kill(os.getpid(), signal.SIGINT)
        loss = self.error(batch)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, number):
        self.log("val_loss", self.error(batch))

    def test_step(self, batch, number):
        self.log("test_loss", self.error(batch))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), self.hparams.lr)


parser = argparse.ArgumentParser()
parser.add_argument("--label")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--ends", default="well")
parser.add_argument("--plain", action="store_true")
asked = parser.parse_args()

seed_everything(asked.seed)
with Path("data/train.csv").open() as file:
    rows = torch.tensor([float(line) for line in file]).reshape(-1, 1)
loader = DataLoader(TensorDataset(rows), batch_size=8)
if asked.plain:
    logger = CSVLogger("out")
else:
    from runaudit.integrations.lightning import RunauditLogger

    logger = RunauditLogger(asked.label, data={"train": "data/train.csv"})
kept = ModelCheckpoint("out/kept", monitor="val_loss", save_last=True)
trainer = Trainer(max_epochs=3, logger=logger, callbacks=[kept], log_every_n_steps=1, accelerator="cpu",
                  enable_progress_bar=False)  # fmt: skip
trainer.fit(model := Toy(asked.lr), loader, loader)
trainer.test(model, loader, verbose=False)
