# ruff: noqa: E501  (a table reads best a row a line)
"""Pairs of runs with the verdict that the method gives them, and the factors that a reader must be told.

A row: what the second run changes (a whole record is the first), what the first changes, the verdict, the factors.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import pytest

from runaudit.diff import Verdict, compare
from runaudit.settings import FactorSettings, Settings
from tests.diff.samples import METRIC, TRAIN, both, digest, drop, put, run

SAME = both()


@dataclass(frozen=True)
class Pair:
    name: str
    after: Any
    verdict: str
    factors: tuple[str, ...] = ()
    before: Any = SAME
    conditional: str | None = None
    policy: dict[str, Any] = field(default_factory=dict)


def set_metric(name, value):
    return lambda plain: plain["metrics"].update({name: value})


def loaded(*paths):
    return lambda plain: plain.update(outcome_code={"loaded": list(paths), "changed": []})


CAPTURED = put("origin", {"from": {"kind": "captured"}})


def no_files(plain):
    del plain["code"]["files"]


def patch(text):
    return both(no_files, put("code/patch", text), put("code/dirty", bool(text)))


def swapped_keys(plain):
    plain["config"] = dict(reversed(plain["config"].items()))


def missing(path):
    return Pair(f"{path} is missing", drop(path), "provenance_incomplete", conditional="identical")


LR, LR_PATH = put("config/optimizer/lr", 5e-4), "config.optimizer.lr"
PATCH_A = "diff --git a/src/loss.py b/src/loss.py\nindex 1..2 100644\n--- a/src/loss.py\n+++ b/src/loss.py\n@@ -1 +1 @@\n-x\n+y\n"
PATCH_A2 = PATCH_A.replace("index 1..2", "index 1..3")
PATCH_B = PATCH_A.replace("+y", "+z")
GROUP = {"groups": {"config.effective_batch_decomposition": ("config.batch_size", "config.grad_accum")}}
STEPS = {"derived": {"config.steps_per_epoch": "floor(data.train.tiles/(config.batch_size*config.grad_accum))"}}
BUNDLE = {"bundles": {"fft-norm": ("code.src/loss.py", "code.src/train.py")}}
TWO_FILES = both(put("code/files/src/loss.py", "x = 1\n"), put("code/files/src/train.py", TRAIN.replace("mean", "sum")))

IDENTICAL = [
    Pair("nothing", SAME, "identical"),
    Pair("key order", swapped_keys, "identical"),
    Pair("1e-3 is 0.001", put("config/optimizer/lr", 0.001), "identical"),
    Pair("30 is 30.0", put("config/epochs", 30.0), "identical"),
    Pair("NaN is NaN", put("config/x", math.nan), "identical", before=put("config/x", math.nan)),
    Pair("-0.0 is 0", put("config/x", -0.0), "identical", before=put("config/x", 0)),
    Pair("a tuple is a list", put("config/optimizer/betas", (0.9, 0.999)), "identical"),
    Pair("another label", put("label", "another"), "identical"),
    Pair("another output folder", put("config/output_dir", "out/2"), "identical"),
    Pair("a run name of W&B", put("config/wandb_run_name", "b"), "identical", before=put("config/wandb_run_name", "a")),
    Pair("host, pid, time", both(put("runtime/hostname", "bob"), put("runtime/pid", 2)), "identical"),
    Pair("moved data", put("data/train/path", "/elsewhere"), "identical"),
    Pair("moved data, also named in the config", both(put("data/train/path", "/new/train"), put("config/root", "/new/train")),
         "identical", before=put("config/root", "/data/train")),
    Pair("another commit with an equal tree, all of it in the record", both(CAPTURED, put("code/commit", "b" * 40)), "identical",
         before=both(CAPTURED)),
    Pair("notes and tags beside the record", put("notes", "b"), "identical", before=put("tags", ["a"])),
    Pair("another branch", put("code/branch", "dev"), "identical", before=put("code/branch", "main")),
    Pair("a comment", put("code/files/src/train.py", "# why\n" + TRAIN), "identical"),
    Pair("blank lines", put("code/files/src/train.py", TRAIN.replace("\n\n\n", "\n\n\n\n")), "identical"),
    Pair("CRLF", put("code/files/src/train.py", TRAIN.replace("\n", "\r\n")), "identical"),
    Pair("parentheses that mean nothing", put("code/files/src/train.py", TRAIN.replace("model(batch)", "(model(batch))")),
         "identical"),
    Pair("a docstring", put("code/files/src/train.py", '"""Trains."""\n' + TRAIN), "identical"),
    Pair("the README", put("code/files/README.md", "# Another\n"), "identical"),
    Pair("a licence added", put("code/files/LICENSE", "MIT"), "identical"),
    Pair("requirements, with an equal environment", put("code/files/requirements.txt", "torch"), "identical"),
    Pair("a patch release of Python", put("env/python", "3.11.9"), "identical"),
    Pair("a file that neither run loaded", both(put("code/files/src/plot.py", "x = 1"), loaded("src/train.py")), "identical",
         before=loaded("src/train.py")),
    Pair("which of equal GPUs", put("config/device", "cuda:1"), "identical", before=put("config/device", "cuda:0")),
    Pair("a declared nuisance", put("config/epochs", 31), "identical", policy={"nuisance": ("config.epochs",)}),
    Pair("a nuisance by pattern", put("config/model/width", 49), "identical", policy={"nuisance": ("config.model.*",)}),
    Pair("a set in another order", put("config/train_sequences", ["c", "a", "b"]), "identical",
         policy={"unordered": ("config.train_sequences",)}),
    Pair("a declared alias", lambda r: r["config"].update(learning=r["config"].pop("epochs")), "identical",
         policy={"aliases": {"config.learning": "config.epochs"}}),
    Pair("a chain of aliases", lambda r: r["config"].update(c=r["config"].pop("epochs")), "identical",
         policy={"aliases": {"config.c": "config.b", "config.b": "config.epochs"}}),
    Pair("equal patches to one commit, other blob names", patch(PATCH_A2), "identical", before=patch(PATCH_A)),
    Pair("a metric that differs", set_metric("full_frame/psnr/astronaut", 30.0), "identical"),
]  # fmt: skip

REPLICATE = [
    Pair("another seed", put("seed", 2), "replicate", ("seed",)),
    Pair("the seed stands in the config too", both(put("seed", 2), put("config/seed", 2)), "replicate", ("seed",),
         before=put("config/seed", 1)),
    Pair("the seed stands in the config alone", both(drop("seed"), put("config/seed", 2)), "replicate", ("seed",),
         before=both(drop("seed"), put("config/seed", 1))),
    Pair("seed and label", both(put("seed", 2), put("label", "b")), "replicate", ("seed",)),
    Pair("seed and another commit with an equal tree, all of it in the record",
         both(CAPTURED, put("seed", 2), put("code/commit", "c" * 40)), "replicate", ("seed",), before=both(CAPTURED)),
]  # fmt: skip

SINGLE = [
    Pair("no seed against a seed", put("seed", None), "single_factor", ("seed",)),
    Pair("a number of seeds", both(drop("seed"), put("config/seed", [1, 2, 3])), "single_factor", ("seed",),
         before=both(drop("seed"), put("config/seed", [1]))),
    Pair("a word for a seed", put("seed", "random"), "single_factor", ("seed",), before=put("seed", "fixed")),
    Pair("a share for a seed", put("seed", 0.5), "single_factor", ("seed",), before=put("seed", 0.25)),
    Pair("a seed that is switched off, beside the run's", put("config/torch_seed", False), "single_factor",
         ("config.torch_seed",), before=put("config/torch_seed", 3)),
    Pair("the learning rate", LR, "single_factor", (LR_PATH,)),
    Pair("a package that logs, and nobody watched what was imported", put("env/packages/wandb", "0.20.0"), "single_factor",
         ("env.packages.wandb",)),
    Pair("loader workers: who draws what is another choice", put("config/num_workers", 8), "single_factor",
         ("config.num_workers",), before=put("config/num_workers", 4)),
    Pair("another commit, of whose tree some files are in the record", put("code/commit", "b" * 40), "single_factor",
         ("code.commit",)),
    Pair("GeLU against LeakyReLU", put("config/model/activation", "leaky_relu"), "single_factor", ("config.model.activation",)),
    Pair("true is not 1", put("config/x", True), "single_factor", ("config.x",), before=put("config/x", 1)),
    Pair("false is not 0", put("config/x", False), "single_factor", ("config.x",), before=put("config/x", 0)),
    Pair("text is no number", put("config/optimizer/lr", "1e-3"), "single_factor", (LR_PATH,)),
    Pair("null is not absent", drop("config/ema"), "single_factor", ("config.ema",)),
    Pair("null is not 0", put("config/ema", 0), "single_factor", ("config.ema",)),
    Pair("empty is not absent", put("config/extra", {}), "single_factor", ("config.extra",)),
    Pair("a key with a dot", put("config/a.b", 2), "single_factor", ("config['a.b']",), before=put("config/a.b", 1)),
    Pair("a dotted key is not a table", lambda r: r["config"].update({"a": {"b": 1}}), "confounded",
         ("config.a", "config['a.b']"), before=put("config/a.b", 1)),
    Pair("a list in another order", put("config/train_sequences", ["c", "a", "b"]), "single_factor",
         ("config.train_sequences",)),
    Pair("one element of a list", put("config/optimizer/betas", [0.9, 0.99]), "single_factor", ("config.optimizer.betas",)),
    Pair("a seed beyond 2**53", put("config/x", 2**63 + 1), "single_factor", ("config.x",), before=put("config/x", 2**63)),
    Pair("NaN is no number", put("config/x", math.nan), "single_factor", ("config.x",), before=put("config/x", 0.0)),
    Pair("inf is not -inf", put("config/x", -math.inf), "single_factor", ("config.x",), before=put("config/x", math.inf)),
    Pair("a stage's rate, named by the stage", put("config/stages/1/lr", 1e-4), "single_factor", ("config.stages[sr].lr",)),
    Pair("a stage put before the others", lambda r: r["config"]["stages"].insert(0, {"name": "warm", "lr": 1e-5, "steps": 9}),
         "single_factor", ("config.stages",)),
    Pair("stages in another order", lambda r: r["config"]["stages"].reverse(), "single_factor", ("config.stages",)),
    Pair("one stage for two", put("config/stages", [{"name": "all", "lr": 1e-3, "steps": 500}]), "single_factor",
         ("config.stages",)),
    Pair("another schedule with its own keys", put("config/scheduler", {"name": "step", "size": 30, "gamma": 0.1}),
         "single_factor", ("config.scheduler",)),
    Pair("two keys of one schedule", put("config/scheduler", {"name": "cosine", "t_max": 200, "eta_min": 1e-6}),
         "single_factor", ("config.scheduler",)),
    Pair("another optimiser with its own key", lambda r: r["config"]["optimizer"].update(name="sgd", momentum=0.9),
         "single_factor", ("config.optimizer",)),
    Pair("a run's name does not carry its other arguments", put("config/args", {"name": "two", "lr": 0.2, "bs": 16}), "confounded",
         ("config.args.bs", "config.args.lr", "config.args.name"), before=put("config/args", {"seed": 1})),
    Pair("an option given twice, of which the last is what the config says", both(put("config/args", {"batch_size": [8, 16]}), put("config/batch_size", 16)),
         "single_factor", ("config.batch_size",), before=put("config/args", {"batch_size": 8})),
    Pair("an option given twice whose config stayed as it was", put("config/args", {"batch_size": [16, 8]}),
         "single_factor", ("config.args.batch_size",), before=put("config/args", {"batch_size": 8})),
    Pair("an option given twice that says another thing than the config", both(put("config/args", {"batch_size": [16, 4]}), put("config/batch_size", 16)),
         "confounded", ("config.args.batch_size", "config.batch_size"), before=put("config/args", {"batch_size": 8})),
    Pair("two arguments that could each choose a variant", put("config/args", {"name": "b", "type": "d"}), "confounded",
         ("config.args.name", "config.args.type"), before=put("config/args", {"name": "a", "type": "c"})),
    Pair("the name of a training does not carry its rate", put("config/train", {"name": "two", "lr": 0.2, "bs": 16}), "confounded",
         ("config.train.bs", "config.train.lr", "config.train.name"), before=put("config/train", {"name": "one"})),
    Pair("another trainer with its own key", put("config/trainer", {"_target_": "Fabric", "strategy": "ddp"}), "single_factor",
         ("config.trainer",), before=put("config/trainer", {"_target_": "Trainer"})),
    Pair("the batch split otherwise", both(put("config/batch_size", 16), put("config/grad_accum", 1)), "single_factor",
         ("config.effective_batch_decomposition",)),
    Pair("the batch split otherwise, as a declared group", both(put("config/batch_size", 4), put("config/grad_accum", 4)),
         "single_factor", ("config.effective_batch_decomposition",), policy=GROUP),
    Pair("the batch of a device, told once more by the trainer",
         both(put("config/training_args", {"per_device_train_batch_size": 4}), put("config/trainer", {"train_batch_size": 8})),
         "single_factor", ("config.trainer.train_batch_size",),
         before=both(put("config/training_args", {"per_device_train_batch_size": 8}), put("config/trainer", {"train_batch_size": 16}))),
    Pair("that batch split otherwise, told twice",
         both(put("config/training_args", {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2}),
              put("config/trainer", {"train_batch_size": 4})), "single_factor", ("config.effective_batch_decomposition",),
         before=both(put("config/training_args", {"per_device_train_batch_size": 8, "gradient_accumulation_steps": 1}),
                     put("config/trainer", {"train_batch_size": 8}))),
    Pair("two batches that changed each its way", both(put("config/train", {"batch_size": 4}), put("config/data", {"batch": 16})),
         "confounded", ("config.data.batch", "config.train.batch_size"),
         before=both(put("config/train", {"batch_size": 8}), put("config/data", {"batch": 8}))),
    Pair("another kind of system", put("env/platform", "Windows-10-10.0.19041"), "single_factor", ("env.platform",),
         before=put("env/platform", "Linux-5.4.0-x86_64-with-glibc2.31")),
    Pair("another kernel of one system, computing on the GPU", put("env/platform", "linux-6.1"), "identical",
         before=put("env/platform", "Linux-5.4.0-x86_64-with-glibc2.31")),
    Pair("one leaf of a group", put("config/batch_size", 16), "single_factor", ("config.batch_size",), policy=GROUP),
    Pair("a leaf that follows its rule", both(put("config/batch_size", 4), put("config/steps_per_epoch", 84)),
         "single_factor", ("config.batch_size",), policy=STEPS),
    Pair("a leaf that should follow and did", both(put("config/batch_size", 16), put("config/steps_per_epoch", 21)),
         "single_factor", ("config.batch_size",), policy=STEPS),
    Pair("a broken rule alone", put("config/steps_per_epoch", 50), "single_factor", ("config.steps_per_epoch",), policy=STEPS),
    Pair("code", put("code/files/src/train.py", TRAIN.replace("mean", "sum")), "single_factor", ("code.src/train.py",)),
    Pair("an indentation that means something", put("code/files/src/train.py", "if a:\n    b()\nc()\n"), "single_factor",
         ("code.src/train.py",), before=put("code/files/src/train.py", "if a:\n    b()\n    c()\n")),
    Pair("a constant in the code", put("code/files/src/train.py", TRAIN.replace("loss.backward()", "(loss * 2).backward()")),
         "single_factor", ("code.src/train.py",)),
    Pair("an untracked module", put("code/files/src/extra.py", "x = 1\n"), "single_factor", ("code.src/extra.py",)),
    Pair("a removed module", drop("code/files/src/train.py"), "single_factor", ("code.src/train.py",)),
    Pair("a renamed module", both(drop("code/files/src/train.py"), put("code/files/src/fit.py", TRAIN)), "single_factor",
         ("code.src/fit.py",)),
    Pair("code that does not parse", put("code/files/src/train.py", "print 'python 2'  \n"), "single_factor",
         ("code.src/train.py",), before=put("code/files/src/train.py", "print 'python 2'\n")),
    Pair("a kernel", put("code/files/src/op.cu", "b"), "single_factor", ("code.src/op.cu",),
         before=put("code/files/src/op.cu", "a")),
    Pair("a loaded file", both(put("code/files/src/train.py", "x = 1"), loaded("src/train.py")), "single_factor",
         ("code.src/train.py",), before=loaded("src/train.py")),
    Pair("a file that only one run loaded", both(put("code/files/src/aug.py", "x = 1"), loaded("src/aug.py")), "single_factor",
         ("code.src/aug.py",), before=loaded("src/train.py")),
    Pair("an uncommitted change to one commit", patch(PATCH_A), "single_factor", ("code.src/loss.py",), before=patch(None)),
    Pair("two patches to one commit", patch(PATCH_B), "single_factor", ("code.src/loss.py",), before=patch(PATCH_A)),
    Pair("another commit and a patch to it", both(patch(PATCH_A), put("code/commit", "b" * 40)), "single_factor", ("code.state",),
         before=patch(None)),
    Pair("two commits, each with a patch of its own", both(patch(PATCH_A), put("code/commit", "b" * 40)), "single_factor",
         ("code.state",), before=patch(PATCH_B)),
    *(Pair(f"a patch to {path}, which nothing runs", patch(PATCH_A.replace("src/loss.py", path)), "identical", before=patch(None))
      for path in ("README.md", ".gitignore", "sub/LICENSE", "CITATION.cff")),
    *(Pair(f"a patch to {path}, which may be read", patch(PATCH_A.replace("src/loss.py", path)), "single_factor",
           (f"code.{path}",), before=patch(None)) for path in ("prompts/a.md", "docs/conf.py", "readme.py", "docs/use.rst", "data/authors.txt")),
    Pair("a patch to a file that runs and to one that does not", patch(PATCH_A + PATCH_B.replace("src/loss.py", "README.md")),
         "identical", before=patch(PATCH_A)),
    Pair("another commit, and one patch to its README alone", both(patch(PATCH_A.replace("src/loss.py", "README.md")), put("code/commit", "b" * 40)),
         "single_factor", ("code.commit",), before=patch(None)),
    Pair("another commit whose tree is unknown", both(no_files, put("code/commit", "b" * 40)), "single_factor",
         ("code.commit",), before=no_files),
    Pair("a declared bundle", both(TWO_FILES, put("bundles", ["fft-norm"])), "single_factor", ("fft-norm",), policy=BUNDLE),
    Pair("the training data", put("data/train/digest", digest("d")), "single_factor", ("data.train",)),
    Pair("673 tiles and 8 frames against 675 and 9", both(put("data/train/digest", digest("d")), put("data/train/tiles", 673),
         put("data/train/frames", 8)), "single_factor", ("data.train",)),
    Pair("the preprocessing alone", put("data/train/preprocessing", "norm-v2"), "single_factor", ("data.train",)),
    Pair("a data set more", put("data/extra", {"path": "/x", "digest": digest("e")}), "single_factor", ("data.extra",)),
    Pair("data chosen by a config leaf, recorded twice", both(put("config/fraction", 0.05), put("data/train/fraction", 0.05)),
         "single_factor", ("config.fraction",), before=both(put("config/fraction", 1.0), put("data/train/fraction", 1.0))),
    Pair("another GPU", put("env/gpu", "NVIDIA A100"), "single_factor", ("env.gpu",)),
    Pair("another GPU with its driver", both(put("env/gpu", "NVIDIA A100"), put("env/driver", "535.1")), "single_factor",
         ("env.gpu",)),
    Pair("a container", both(put("env/torch", "2.7.0"), put("env/cuda", "12.8"), put("env/cudnn", "9.7"),
         put("env/packages/torch", "2.7.0"), put("env/packages/numpy", "2.1.0")), "single_factor", ("env.software",)),
    Pair("torch alone, listed twice", both(put("env/torch", "2.6.1"), put("env/packages/torch", "2.6.1")), "single_factor",
         ("env.torch",)),
    Pair("numpy", put("env/packages/numpy", "2.1.0"), "single_factor", ("env.packages.numpy",)),
    Pair("a minor release of Python", put("env/python", "3.12.1"), "single_factor", ("env.python",)),
    Pair("determinism", put("env/determinism/cudnn_benchmark", True), "single_factor", ("env.determinism.cudnn_benchmark",)),
    Pair("started from a checkpoint", put("init", {"kind": "checkpoint", "checkpoint": digest("f"), "parent": None}),
         "single_factor", ("init.checkpoint",)),
    Pair("another checkpoint", put("init", {"kind": "checkpoint", "checkpoint": digest("e"), "parent": "b"}),
         "single_factor", ("init.checkpoint",),
         before=put("init", {"kind": "checkpoint", "checkpoint": digest("f"), "parent": "a"})),
    Pair("resumed is not fresh", put("init", {"kind": "resume", "checkpoint": digest("f"), "parent": "a"}),
         "single_factor", ("init.checkpoint",)),
    Pair("a section of its own", put("hyper", {"x": 2}), "single_factor", ("hyper.x",), before=put("hyper", {"x": 1})),
]  # fmt: skip

CONFOUNDED = [
    Pair("rate and activation", both(LR, put("config/model/activation", "relu")), "confounded",
         ("config.model.activation", LR_PATH)),
    Pair("rate and seed", both(LR, put("seed", 2)), "confounded", (LR_PATH, "seed")),
    Pair("rate and workers", both(LR, put("config/num_workers", 8)), "confounded", ("config.num_workers", LR_PATH),
         before=put("config/num_workers", 4)),
    Pair("rate and code", both(LR, put("code/files/src/train.py", "x = 1")), "confounded", (LR_PATH, "code.src/train.py")),
    Pair("rate and data", both(LR, put("data/train/digest", digest("d"))), "confounded", (LR_PATH, "data.train")),
    Pair("rate and container", both(LR, put("env/torch", "2.7.0")), "confounded", (LR_PATH, "env.torch")),
    Pair("rate and GPU", both(LR, put("env/gpu", "NVIDIA A100")), "confounded", (LR_PATH, "env.gpu")),
    Pair("container and GPU", both(put("env/torch", "2.7.0"), put("env/gpu", "NVIDIA A100")), "confounded",
         ("env.gpu", "env.torch")),
    Pair("two files", TWO_FILES, "confounded", ("code.src/loss.py", "code.src/train.py")),
    Pair("a bundle that nobody declared before launch", TWO_FILES, "confounded", ("code.src/loss.py", "code.src/train.py"),
         policy=BUNDLE),
    Pair("a bundle and something else", both(TWO_FILES, LR, put("bundles", ["fft-norm"])), "confounded", ("fft-norm", LR_PATH),
         policy=BUNDLE),
    Pair("the batch doubled and split otherwise", both(put("config/batch_size", 32), put("config/grad_accum", 1)),
         "confounded", ("config.batch_size", "config.grad_accum")),
    Pair("the same, as a declared group", both(put("config/batch_size", 32), put("config/grad_accum", 1)), "confounded",
         ("config.batch_size", "config.grad_accum"), policy=GROUP),
    Pair("a rule broken beside its cause", both(put("config/batch_size", 4), put("config/steps_per_epoch", 42)), "confounded",
         ("config.batch_size", "config.steps_per_epoch"), policy=STEPS),
    Pair("a rule broken by a third value", both(put("config/batch_size", 4), put("config/steps_per_epoch", 99)), "confounded",
         ("config.batch_size", "config.steps_per_epoch"), policy=STEPS),
    Pair("a rule that leads back to itself", both(LR, put("config/epochs", 60)), "confounded", ("config.epochs", LR_PATH),
         policy={"derived": {"config.epochs": "config.epochs"}}),
    Pair("rules that explain each other", both(put("config/batch_size", 4), put("config/grad_accum", 1)), "confounded",
         ("config.batch_size", "config.grad_accum"),
         policy={"derived": {"config.batch_size": "config.grad_accum*4", "config.grad_accum": "config.batch_size/4"}}),
    Pair("an undeclared rename", lambda r: r["config"].update(learning=r["config"].pop("epochs")), "confounded",
         ("config.epochs", "config.learning")),
    Pair("one key for another", lambda r: r["config"].update(radius=r["config"].pop("ema")), "confounded",
         ("config.ema", "config.radius")),
    Pair("six fixes at once", both(LR, put("config/epochs", 60), put("config/grad_clip", 0.5), put("config/warmup", 100),
         put("config/amp", "fp16"), put("config/eps", 1e-4)), "confounded",
         ("config.amp", "config.epochs", "config.eps", "config.grad_clip", LR_PATH, "config.warmup")),
    Pair("rate and a checkpoint", both(LR, put("init", {"kind": "checkpoint", "checkpoint": digest("f"), "parent": None})),
         "confounded", (LR_PATH, "init.checkpoint")),
    Pair("a gap does not excuse it", both(LR, put("config/epochs", 60), drop("seed")), "confounded", ("config.epochs", LR_PATH),
         conditional="confounded"),
    Pair("two stages' rates", both(put("config/stages/0/lr", 1), put("config/stages/1/lr", 2)), "confounded",
         ("config.stages[alignment].lr", "config.stages[sr].lr")),
    Pair("training and extra data", both(put("data/train/digest", digest("d")), put("data/extra", {"digest": digest("e")})),
         "confounded", ("data.extra", "data.train")),
]  # fmt: skip

INCOMPARABLE = [
    Pair("the crop border", put("eval/crop_border", 3), "incomparable", ("eval.crop_border",)),
    Pair("the data range", put("eval/data_range", 255), "incomparable", ("eval.data_range",)),
    Pair("tile against full frame", put("eval/protocol", "tile"), "incomparable", ("eval.protocol",)),
    Pair("the channel", put("eval/channel", "rgb"), "incomparable", ("eval.channel",)),
    Pair("the metric", put("eval/metric", "ssim"), "incomparable", ("eval.metric",)),
    Pair("the metric's code", put("eval/code_digest", digest("9")), "incomparable", ("eval.code_digest",)),
    Pair("the test data", put("data/test/digest", digest("9")), "incomparable", ("data.test",)),
    Pair("the validation data", put("data/val", {"digest": digest("8")}), "incomparable", ("data.val",),
         before=put("data/val", {"digest": digest("9")})),
    Pair("the config's own evaluation table", put("config/eval", {"flip": True}), "incomparable", ("config.eval.flip",),
         before=put("config/eval", {"flip": False})),
    Pair("the crop border, in config and record", both(put("eval/crop_border", 3), put("config/eval", {"crop_border": 3})),
         "incomparable", ("eval.crop_border",), before=put("config/eval", {"crop_border": 9})),
    Pair("bicubic moved with equal hashes", set_metric("full_frame/psnr_bicubic/astronaut", 26.6), "incomparable"),
    Pair("other test sequences", set_metric("full_frame/psnr_bicubic/camera", 25.0), "incomparable"),
    Pair("crashed", put("runtime/status", "crashed"), "incomparable"),
    Pair("killed", put("runtime/status", "killed"), "incomparable"),
    Pair("diverged", put("runtime/status", "diverged"), "incomparable"),
    Pair("the first one crashed", SAME, "incomparable", before=put("runtime/status", "crashed")),
    Pair("two factors and the protocol", both(LR, put("config/epochs", 9), put("eval/protocol", "tile")), "incomparable",
         ("config.epochs", LR_PATH, "eval.protocol")),
    Pair("a gap does not excuse it", both(drop("seed"), put("eval/protocol", "tile")), "incomparable", ("eval.protocol",),
         conditional="incomparable"),
]  # fmt: skip

INCOMPLETE = [
    *(missing(path) for path in ("seed", "config", "code", "data", "env", "init", "eval", "data/train/digest", "env/torch",
      "env/gpu", "env/python", "env/cuda", "env/cudnn", "env/packages", "env/determinism", "init/kind", "eval/metric",
      "eval/protocol", "eval/crop_border", "eval/data_range", "eval/channel", "eval/code_digest", "runtime")),
    Pair("missing on both sides", drop("seed"), "provenance_incomplete", conditional="identical", before=drop("seed")),
    Pair("test data without a digest, on both sides", drop("data/test/digest"), "provenance_incomplete",
         conditional="identical", before=drop("data/test/digest")),
    Pair("no data set at all", put("data", {}), "provenance_incomplete", conditional="identical"),
    Pair("dirty without its patch", both(no_files, put("code/dirty", True)), "provenance_incomplete", conditional="identical",
         before=no_files),
    Pair("nothing said of a dirty tree", both(no_files, drop("code/dirty"), drop("code/patch")), "provenance_incomplete",
         conditional="identical", before=no_files),
    Pair("one factor and a gap", both(LR, drop("seed")), "provenance_incomplete", (LR_PATH,), conditional="single_factor"),
    Pair("another seed and a gap", both(put("seed", 2), drop("env")), "provenance_incomplete", ("seed",),
         conditional="replicate"),
    Pair("an unknown that is named", put("unknown", {"config.launcher": "not exported"}), "provenance_incomplete",
         conditional="identical"),
    Pair("preprocessing on one side only", drop("data/train/preprocessing"), "provenance_incomplete", conditional="identical"),
    Pair("edited while it ran", lambda r: r.update(outcome_code={"loaded": ["src/train.py"], "changed": [
         {"path": "src/train.py", "before": digest("1"), "after": digest("2")}]}), "provenance_incomplete",
         conditional="identical"),
    Pair("equal seeds, another start", put("seed_proof", {"init": digest("2")}), "provenance_incomplete",
         conditional="identical", before=put("seed_proof", {"init": digest("1")})),
]  # fmt: skip

INTEGRITY = [
    Pair("a digest that does not match", put("digest", digest("0")), "integrity_failure"),
    Pair("damage outweighs everything", both(LR, put("config/epochs", 9), put("digest", digest("0"))), "integrity_failure",
         ("config.epochs", LR_PATH)),
]  # fmt: skip

SIBLING = {"mylib": {"commit": "d" * 40, "dirty": True, "patch": None, "files": {"mylib/net.py": "x = 1\n"}}}


def sibling(text):
    return put("code/siblings", {"mylib": SIBLING["mylib"] | {"files": {"mylib/net.py": text}}})


MODE = "diff --git a/run.sh b/run.sh\nold mode 100644\nnew mode 100755\n"
STAGED = "diff --git a/src/new.py b/src/new.py\nnew file mode 100644\nindex 0..1\n--- /dev/null\n+++ b/src/new.py\n@@ -0,0 +1 @@\n+x = 1\n"
LONG = {f"key{i:04d}": i for i in range(1000)}

THREADS = [
    # What users of other tools ran into, each as a pair.
    Pair("a change that is only staged", patch(STAGED), "single_factor", ("code.src/new.py",), before=patch(None)),
    Pair("a file made executable", patch(MODE), "single_factor", ("code.run.sh",), before=patch(None)),
    Pair("CRLF in a shell script", put("code/files/run.sh", "python train.py\r\n"), "single_factor", ("code.run.sh",),
         before=put("code/files/run.sh", "python train.py\n")),
    Pair("a binary that is read", put("code/files/mask.npy", "b"), "single_factor", ("code.mask.npy",),
         before=put("code/files/mask.npy", "a")),
    Pair("an editable sibling changed", sibling("x = 2\n"), "single_factor", ("code.mylib/mylib/net.py",),
         before=sibling("x = 1\n")),
    Pair("a remark in an editable sibling", sibling("x = 1  # one\n"), "identical", before=sibling("x = 1\n")),
    Pair("a waiver that has expired", put("waivers", [{"rule": "dirty", "reason": "x", "until": "2020-01-01"}]), "identical"),
    Pair("a waiver makes nothing comparable", both(LR, put("config/epochs", 9), put("waivers", [{"rule": "confounded", "reason": "x"}])),
         "confounded", ("config.epochs", LR_PATH)),
    Pair("one inserted line in a long config", lambda r: r["config"].update(LONG, key0500b=1), "single_factor",
         ("config.key0500b",), before=lambda r: r["config"].update(LONG)),
    Pair("a default that changed on both sides", put("config/new_default", 2), "identical", before=put("config/new_default", 2)),
    Pair("equal seeds under other labels", put("label", "the same again"), "identical"),
    Pair("no remote and a detached head", both(put("code/branch", None), put("code/remote", None)), "identical"),
    Pair("files, and no commit that says what the others were", both(drop("code/commit"), put("code/branch", None)),
         "provenance_incomplete", conditional="identical"),
    Pair("files, known to be all there were", put("code/commit", None), "identical", before=put("code/commit", None)),
    Pair("a remote of another name", put("code/remote", "ssh://b/x"), "identical", before=put("code/remote", "ssh://a/x")),
    Pair("a path with a blank and an umlaut", put("code/files/src/mein träger.py", "x = 2\n"), "single_factor",
         ("code.src/mein träger.py",), before=put("code/files/src/mein träger.py", "x = 1\n")),
    Pair("data renamed in its place, content the same", both(put("data/train/path", "/data/renamed")), "identical"),
    Pair("one byte of the data at the same size", both(put("data/train/digest", digest("1")), put("data/train/bytes", 10)),
         "single_factor", ("data.train",), before=put("data/train/bytes", 10)),
    Pair("one frame more", both(put("data/train/digest", digest("1")), put("data/train/frames", 10)), "single_factor", ("data.train",)),
    Pair("a clock that went backwards", put("runtime/started", "1999-01-01T00:00:00Z"), "identical"),
    Pair("skips of the scaler", set_metric("amp/skipped", 900), "identical", before=set_metric("amp/skipped", 3)),
    Pair("fewer steps of an equal config", put("runtime/steps_done", 10), "incomparable"),
    Pair("fewer steps of fewer epochs", both(put("runtime/steps_done", 1500), put("config/epochs", 15)), "single_factor",
         ("config.epochs",)),
    Pair("stopped early", both(put("runtime/steps_done", 100), put("runtime/status", "early_stopped")), "identical"),
    Pair("a metric in one run only", set_metric("val/ssim", 0.9), "identical"),
    Pair("the bicubic control in one run only", lambda r: r["metrics"].pop("full_frame/psnr_bicubic/astronaut"), "identical"),
    Pair("resumed and fresh of another rate", both(LR, put("init", {"kind": "resume", "checkpoint": digest("f"), "parent": "a"})),
         "confounded", (LR_PATH, "init.checkpoint")),
    Pair("an equal checkpoint at another place", put("init/path", "/b"), "identical", before=put("init/path", "/a")),
    Pair("a package that nobody imported", both(put("env/imported", ["torch"]), put("env/packages/scipy", "1.11")), "identical",
         before=both(put("env/imported", ["torch"]), put("env/packages/scipy", "1.10"))),
    Pair("TF32", put("env/determinism/allow_tf32", True), "single_factor", ("env.determinism.allow_tf32",),
         before=put("env/determinism/allow_tf32", False)),
    Pair("the hash seed of Python", put("env/variables", {"PYTHONHASHSEED": "1"}), "replicate", ("env.variables.PYTHONHASHSEED",),
         before=put("env/variables", {"PYTHONHASHSEED": "0"})),
    Pair("threads", put("env/variables", {"OMP_NUM_THREADS": "8"}), "identical", before=put("env/variables", {"OMP_NUM_THREADS": "1"})),
    Pair("threads where nothing could reach the GPU", both(put("env/imported", ["numpy"]), put("env/variables", {"OMP_NUM_THREADS": "8"})),
         "single_factor", ("env.variables.OMP_NUM_THREADS",),
         before=both(put("env/imported", ["numpy"]), put("env/variables", {"OMP_NUM_THREADS": "1"}))),
    Pair("another processor where the program was told to stay on it", both(put("config/device", "cpu"), put("env/cpu", "EPYC")),
         "single_factor", ("env.cpu",), before=both(put("config/device", "cpu"), put("env/cpu", "Xeon"))),
    Pair("another processor beside the same GPU", both(put("config/device", "cuda:0"), put("env/cpu", "EPYC")), "identical",
         before=both(put("config/device", "cuda:0"), put("env/cpu", "Xeon"))),
    Pair("one and the text of it", put("config/x", "1"), "single_factor", ("config.x",), before=put("config/x", 1)),
    Pair("missing is not null, seed", put("seed", None), "provenance_incomplete", conditional="identical", before=drop("seed")),
]  # fmt: skip

PAIRS = [*IDENTICAL, *REPLICATE, *SINGLE, *CONFOUNDED, *INCOMPARABLE, *INCOMPLETE, *INTEGRITY, *THREADS]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair.verdict}: {pair.name}")
def test_a_pair_gets_its_verdict_and_its_factors(pair):
    a, b = run(pair.before), run(pair.after)

    found = compare(a, b, settings=Settings(factors=FactorSettings(**pair.policy)))

    assert (found.verdict, [f.factor for f in found.factors]) == (pair.verdict, list(pair.factors)), found.reason
    assert found.conditional == (Verdict(pair.conditional) if pair.conditional else None)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair.verdict}: {pair.name}")
def test_the_verdict_does_not_depend_on_which_run_is_first(pair):
    policy = Settings(factors=FactorSettings(**pair.policy))
    a, b = run(pair.before), run(pair.after)

    there, back = compare(a, b, settings=policy), compare(b, a, settings=policy)

    assert (there.verdict, there.conditional) == (back.verdict, back.conditional)
    assert {f.factor for f in there.factors} == {f.factor for f in back.factors} or "rename" in pair.name


def test_the_metric_code_may_change_in_comments():
    """Its digest is of bytes; where every file is known, the files have the word."""
    after = both(put("code/files/src/metric.py", METRIC + "# a remark\n"), put("eval/code_digest", digest("9")))

    found = compare(run(), run(after), settings=Settings())

    assert found.verdict is Verdict.IDENTICAL
    assert "eval.code_digest" in [change.path for change in found.cosmetic]
