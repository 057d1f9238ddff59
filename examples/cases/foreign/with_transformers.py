"""The same network under the Hugging Face Trainer, which keeps its own log; --logged gives it runaudit's callback."""

import argparse

import numpy as np
import torch
from transformers import Trainer, TrainingArguments, set_seed


class Squeeze(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.net = torch.nn.Sequential(torch.nn.Linear(144, 8), torch.nn.Linear(8, 144))

    def forward(self, picture, labels=None):
        found = self.net(picture)
        return {"loss": torch.nn.functional.mse_loss(found, labels), "logits": found}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--lr", type=float, default=0.5)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--logged", action="store_true")
    options = parser.parse_args()
    set_seed(options.seed)
    train, val = (
        [{"picture": row, "labels": row} for row in torch.from_numpy(np.load(f"data/{name}.npy")).flatten(1)]
        for name in ("train", "val")
    )
    arguments = TrainingArguments(
        "out/transformers", num_train_epochs=options.epochs, per_device_train_batch_size=50, learning_rate=options.lr,
        lr_scheduler_type="constant", optim="sgd", seed=options.seed, logging_steps=1, eval_strategy="epoch",
        save_strategy="epoch", save_total_limit=1, report_to=[], use_cpu=True, disable_tqdm=True, max_grad_norm=0.0,
    )  # fmt: skip
    callbacks = []
    if options.logged:
        from runaudit.integrations.huggingface import RunauditCallback

        callbacks = [RunauditCallback(data={"train": "data/train.npy", "val": "data/val.npy"})]
    Trainer(Squeeze(), arguments, train_dataset=train, eval_dataset=val, callbacks=callbacks).train()


if __name__ == "__main__":
    main()
