"""A toy of the Hugging Face Trainer, a BERT of random weights, that records itself."""

import runaudit

runaudit.observe()

import argparse  # noqa: E402
import os  # noqa: E402
import signal  # noqa: E402
from pathlib import Path  # noqa: E402

import torch  # noqa: E402
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments, set_seed  # noqa: E402

from runaudit.integrations.huggingface import RunauditCallback  # noqa: E402


class Toy(Trainer):
    def compute_loss(self, *words, **more):
        if self.state.global_step == 5 and asked.ends == "raise":
            raise ValueError("exploded")
        if self.state.global_step == 5 and asked.ends == "interrupt":
            os.kill(os.getpid(), signal.SIGINT)
        return super().compute_loss(*words, **more)


parser = argparse.ArgumentParser()
parser.add_argument("--label")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--ends", default="well")
asked = parser.parse_args()

set_seed(asked.seed)
with Path("data/train.csv").open() as file:
    rows = [{"input_ids": torch.tensor([int(line), 1]), "labels": torch.tensor(int(line) % 2)} for line in file]
model = BertForSequenceClassification(
    BertConfig(vocab_size=64, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8)
)
arguments = TrainingArguments(
    f"out/{asked.seed}-{asked.ends}", num_train_epochs=2, per_device_train_batch_size=8, logging_steps=1,
    learning_rate=asked.lr, seed=asked.seed, save_strategy="epoch", eval_strategy="epoch", load_best_model_at_end=True,
    run_name=asked.label, report_to=[], use_cpu=True, disable_tqdm=True,
)  # fmt: skip
trainer = Toy(model, arguments, train_dataset=rows, eval_dataset=rows,
              callbacks=[RunauditCallback(data={"train": "data/train.csv"})])  # fmt: skip
trainer.train()
trainer.evaluate()
