"""A language model of letters: the next one from the last few, by tables of learned scores; judged by perplexity."""

import argparse
from pathlib import Path

import numpy as np

import runaudit

HELD_OUT = 0.2
BATCH = 64


def main() -> None:
    """Train by gradient descent on the softmax of a sum of tables, one a place of the context."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--context", type=int, default=1)
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--lr", type=float, default=8.0)
    options = parser.parse_args()
    text = Path("text.txt").read_text()
    letters = sorted(set(text))
    codes = np.array([letters.index(letter) for letter in text])
    border = int(len(codes) * (1 - HELD_OUT))
    rng = np.random.default_rng(options.seed)
    tables = rng.normal(0, 0.01, (options.context, len(letters), len(letters)))
    places = np.arange(options.context)
    perplexity = float("inf")
    for step in range(options.steps):
        ends = rng.integers(options.context, border, BATCH)
        seen, wanted = np.stack([codes[ends - 1 - p] for p in places]), codes[ends]
        chance = softmax(sum(tables[p][seen[p]] for p in places))
        loss = -np.log(chance[np.arange(BATCH), wanted]).mean()
        chance[np.arange(BATCH), wanted] -= 1
        for p in places:
            np.add.at(tables[p], seen[p], -options.lr / BATCH * chance)
        values = {"train/loss": loss, "train/grad_norm": float(np.linalg.norm(chance) / BATCH)}
        if step % 50 == 49:
            ends = np.arange(border + options.context, len(codes))
            told = softmax(sum(tables[p][codes[ends - 1 - p]] for p in places))
            perplexity = float(np.exp(-np.log(told[np.arange(len(ends)), codes[ends]]).mean()))
            values["val/perplexity"] = perplexity
        runaudit.log(step, values)
    runaudit.log(options.steps, {"test/perplexity": perplexity})


def softmax(scores: np.ndarray) -> np.ndarray:
    """Probabilities, row by row."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


if __name__ == "__main__":
    main()
