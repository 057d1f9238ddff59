# ruff: noqa: E501  (a table reads best a row a line)
"""An excuse needs evidence in the record: pairs that a list of names once excused, and pairs that evidence does excuse.

Each row names the kind, what the first record has, what the second has, and every verdict that is right.
"""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runaudit.diff import Verdict, compare, compare_cohorts
from runaudit.factors.cohort import cohort_of, cohorts
from runaudit.factors.patch import patched_files
from runaudit.metrics.heldout import is_held_out
from runaudit.settings import FactorSettings, Settings
from tests.diff.samples import TRAIN, both, digest, drop, put, put_config, record, run

SAME = both()
ONE, CLEAN, GAP, OTHER, TWO = "single_factor", "identical", "provenance_incomplete", "incomparable", "confounded"


def judged(before, after, policy=None):
    return compare(run(before), run(after), settings=Settings(factors=FactorSettings(**(policy or {}))))


def two(path, a, b):
    return put(path, a), put(path, b)


def nested(path, a, b):
    """Two values of one key of the config, its tables made on the way."""
    return put_config(path, a), put_config(path, b)


def files(a, b, name="src/loss.py", **others):
    rest = [put(f"code/files/{path}", text) for path, text in others.items()]
    return tuple(SAME if text is None else both(put(f"code/files/{name}", text), *rest) for text in (a, b))


def reading(text, a, b, name):
    """A document that changed, beside a program with this text."""
    return tuple(both(put("code/files/src/train.py", text), put(f"code/files/{name}", side)) for side in (a, b))


def patches(a, b):
    def change(text):
        def apply(plain):
            plain["code"] = {"commit": "a" * 40, "dirty": True, "patch": text}

        return apply

    return change(a), change(b)


def code(a, b):
    return put("code", a), put("code", b)


def told_twice(key, a, b):
    """A fact of the test data that the config repeats."""
    return tuple(both(put(f"config/{key}", value), put(f"data/test/{key}", value)) for value in (a, b))


def moved(key, a, b, place="/s/{}/tiles"):
    """A config value, and a data set of equal digest whose path has it in it."""
    return tuple(both(put(f"config/{key}", value), put("data/train/path", place.format(value))) for value in (a, b))


def book(source, out="", kernel="python3", tags=None):
    cell = {
        "cell_type": "code",
        "source": [source],
        "outputs": [out],
        "execution_count": 1,
        "metadata": {"tags": tags} if tags else {},
    }
    notes = {"cell_type": "markdown", "source": [out]}
    return json.dumps({"cells": [cell, notes], "metadata": {"kernelspec": {"name": kernel}}})


PLAIN = "--- a.py\n+++ a.py\n@@ -1 +1 @@\n-x = 1\n+x = {}\n"
SVN = "Index: a.py\n===================================================================\n--- a.py\t(revision 1)\n+++ a.py\t(working copy)\n@@ -1 +1 @@\n-x = 1\n+x = {}\n"
GIT = "diff --git a/{0} b/{0}\nindex 1..2 100644\n--- a/{0}\n+++ b/{0}\n@@ -1 +1 @@\n-x = 1\n+x = {1}\n"
BINARY = "diff --git a/m.npy b/m.npy\nindex 1111111..{} 100644\nBinary files a/m.npy and b/m.npy differ\n"
DOC = '"""Usage: t [--lr=<f>]\n\n--lr=<f>  rate [default: {}]\n"""\n'
COMMIT = {"commit": "a" * 40, "dirty": True}
CKPT = {"kind": "checkpoint", "checkpoint": digest("5")}

PAIRS = {
    "a section of null against one that is filled": [
        (put("config", None), SAME, (ONE,)), (put("env", None), SAME, (ONE,)), (put("init", None), put("init", CKPT), (ONE,)),
        (put("eval", None), SAME, (OTHER,)), (put("data", None), put("data", {"train": {"digest": digest("a")}}), (ONE,)),
        (put("code", None), SAME, (ONE,)), (put("config", None), put("config", {"lr": 0.3}), (ONE,)),
        (put("config", None), put("config", None), (CLEAN,)), (put("code", None), put("code", None), (CLEAN,)),
    ],
    "a start at random against one from weights": [
        (put("init", {"kind": "random"}), put("init", CKPT), (ONE,)),
        (put("init", {"kind": "random"}), put("init", CKPT | {"path": "/w/a.pt"}), (ONE,)),
        (put("init", {"kind": "random"}), put("init", CKPT | {"epoch": 5, "strict": False}), (ONE,)),
        (put("init", {"kind": "random"}), put("init", CKPT | {"kind": "resume"}), (ONE,)),
        (put("init", {"kind": "random", "checkpoint": None}), put("init", {"kind": "pretrained", "checkpoint": digest("6")}), (ONE,)),
        (put("init", {"kind": "random"}), put("init", {"kind": "checkpoint"}), (GAP,)),
        (put("init", {"kind": "random"}), put("init", {"kind": "random", "checkpoint": None, "parent": None}), (CLEAN,)),
    ],
    "a code file whose name looks like a document": [
        (*files("a\n", "b\n", "corpus/history.txt"), (ONE,)), (*files("a\n", "b\n", "prompts/changes.md"), (ONE,)), (*files("a\n", "b\n", "notice.txt"), (ONE,)),
        (*files("a\n", "b\n", "CHANGELOG.md"), (CLEAN,)), (*files("a\n", "b\n", "src/README.md"), (CLEAN,)),
        (*files("K = 1\n", "K = 2\n", "license_plate.py"), (ONE,)), (*files("K = 1\n", "K = 2\n", "readme_net.py"), (ONE,)),
        (*files("K = 1\n", "K = 2\n", "changes_detector.py"), (ONE,)), (*files("a\n", "b\n", "prompts/summary.md"), (ONE,)),
        (*files("a\n", "b\n", "templates/page.html"), (ONE,)), (*files("a", "b", "assets/mask.png"), (ONE,)),
        (*files("K = 1\n", "K = 2\n", "dockerfile_reader.py"), (ONE,)), (*files("K = 1\n", "K = 2\n", ".ci/train.py"), (ONE,)),
        (*files("K = 1\n", "K = 2\n", "requirements_net.txt.py"), (ONE,)), (*files("a: 1\n", "a: 2\n", "notice.yaml"), (ONE,)),
        (*files("train:\n\tpython a.py 1\n", "train:\n\tpython a.py 2\n", "Makefile"), (ONE,)),
    ],
    "a document that a program reads": [
        (*reading("text = open('README.md').read()\n", "a", "b", "README.md"), (ONE,)),
        (*reading("for p in root.glob('*.md'): read(p)\n", "a", "b", "README.md"), (ONE,)),
        (*reading('from pathlib import Path\nP = Path("docs/LICENSE")\n', "a", "b", "docs/LICENSE"), (ONE,)),
        (*reading("import tomllib\nC = tomllib.load(open('pyproject.toml', 'rb'))\n", "a=1", "a=2", "pyproject.toml"), (ONE,)),
        (*reading("if path.suffix == '.rst': read(path)\n", "a", "b", "CHANGES.rst"), (ONE,)),
        (*reading("T = [open(f'{name}.md') for name in names]\n", "a", "b", "README.md"), (ONE,)),
        (*reading("D = load('requirements.txt')\n", "a", "b", "requirements.txt"), (ONE,)),
        (*reading("x = 1  # see README.md\n", "a", "b", "README.md"), (CLEAN,)),
        (*reading("x = 1\n", "MIT", "Apache", "LICENSE"), (CLEAN,)),
        (*reading("x = 1\n", "a", "b", ".gitignore"), (CLEAN,)),
    ],
    "a key that only sounds like bookkeeping": [
        (*nested("teacher.run_id", "r1", "r2"), (ONE,)), (*nested("data.tags", ["a"], ["b"]), (ONE,)),
        (*nested("augment.notes", "x", "y"), (ONE,)), (*nested("loader.num_workers", 4, 8), (ONE,)),
        (*nested("num_workers", 4, 8), (ONE,)), (*nested("run_id", "r1", "r2"), (ONE,)), (*nested("tags", ["a"], ["b"]), (ONE,)),
        (*nested("teacher.output_dir", "/t/a", "/t/b"), (ONE,)), (*nested("distill.exp_name", "a", "b"), (ONE,)),
        (*nested("a.b.c.timestamp", 1, 2), (ONE,)), (*nested("project_name", "a", "b"), (ONE,)), (*nested("verbose", 1, 2), (ONE,)),
        (*nested("wandb", {"artifact": "m:v1"}, {"artifact": "m:v2"}), (ONE,)), (*nested("log_dir", None, 3), (ONE,)),
        (*nested("checkpoint_dir", "/c/a", "/c/b"), (ONE,)), (*nested("model.name", "testing GeLU", "vgg"), (ONE,)),
    ],
    "what the record shows to be the run's own": [
        (both(put("label", "a"), put("config/run_name", "a")), both(put("label", "b"), put("config/run_name", "b")), (CLEAN,)),
        (both(put("id", "x1"), put("config/run_id", "x1")), both(put("id", "x2"), put("config/run_id", "x2")), (CLEAN,)),
        (both(put("runtime/run_dir", "/r/7"), put("config/output", "/r/7/ck")), both(put("runtime/run_dir", "/r/8"), put("config/output", "/r/8/ck")), (CLEAN,)),
        (both(put("runtime/started", "2025-01-02T03:04:05Z"), put("config/timestamp", "20250102-030405")),
         both(put("runtime/started", "2025-02-02T03:04:05Z"), put("config/timestamp", "20250202-030405")), (CLEAN,)),
        (*nested("output_dir", "o/1", "o/2"), (CLEAN,)), (*nested("hostname", "ada", "bob"), (CLEAN,)),
        (*nested("logging.save_dir", "o/1", "o/2"), (CLEAN,)), (*nested("trainer.output_dir", "o/1", "o/2"), (CLEAN,)),
        (*nested("args.save_dir", "o/1", "o/2"), (CLEAN,)), (*nested("hydra.run.dir", "o/1", "o/2"), (CLEAN,)),
        (*nested("data.output_dir", "o/1", "o/2"), (ONE,)), (*nested("paths.dir", "o/1", "o/2"), (ONE,)),
        (both(nested("output_dir", "/o/1", "")[0], put("data/train/path", "/o/1/tiles")), both(nested("output_dir", "/o/2", "")[0], put("data/train/path", "/o/2/tiles")), (ONE,)),
        (both(put("runtime/run_dir", "/r"), put("config/extra", "/r/a.txt")), both(put("runtime/run_dir", "/r"), put("config/extra", "/r/b.txt")), (ONE,)),
        (both(put("runtime/run_dir", "/r/1"), put("config/teacher", "/r/1/t")), both(put("runtime/run_dir", "/r/2"), put("config/teacher", "/r/2/t")), (ONE,)),
        (both(put("label", "relu"), put("config/act", "relu")), both(put("label", "gelu"), put("config/act", "gelu")), (ONE,)),
    ],
    "a patch that nobody can parse": [
        (*patches(PLAIN.format(2), PLAIN.format(3)), (ONE,)), (*patches(SVN.format(2), SVN.format(3)), (ONE,)),
        (*patches("changed the loss\n", "changed the rate\n"), (ONE,)), (*patches(PLAIN.format(2), GIT.format("a.py", 2)), (ONE,)),
        (*patches(GIT.format("a.py", 2), GIT.format("a.py", 2) + PLAIN.format(2)), (ONE,)),
        (*patches("note\n" + GIT.format("a.py", 2), "other\n" + GIT.format("a.py", 2)), (ONE,)),
        (*patches(BINARY.format("2222222"), BINARY.format("3333333")), (ONE,)),
        (*patches(GIT.format("a.py", 2) + GIT.format("a.py", 5), GIT.format("a.py", 3) + GIT.format("a.py", 5)), (ONE,)),
        (*patches(PLAIN.format(2), PLAIN.format(2)), (CLEAN,)), (*patches(GIT.format("a.py", 2), GIT.format("a.py", 2).replace("1..2", "1..9")), (CLEAN,)),
    ],
    "a tree of some files": [
        (*code(COMMIT | {"patch": GIT.format("m.py", 2), "files": {"t.py": "x\n"}}, COMMIT | {"patch": GIT.format("m.py", 3), "files": {"t.py": "x\n"}}), (ONE,)),
        (*code(COMMIT | {"files": {}}, COMMIT | {"commit": "b" * 40, "files": {}}), (ONE, GAP)),
        (*code({"commit": "a" * 40, "dirty": False, "files": {"t.py": "x\n"}}, {"commit": "b" * 40, "dirty": False, "files": {"t.py": "x\n"}}), (ONE, GAP)),
        (*code(COMMIT | {"files": {"t.py": "x\n"}}, COMMIT | {"files": {"t.py": "x\n"}}), (GAP,)),
        (*code({"files": {"t.py": "x\n"}}, {"files": {"t.py": "x\n"}}), (GAP,)),
        (*code({"commit": "a" * 40, "dirty": False, "files": {"t.py": "x\n"}}, {"commit": "b" * 40, "dirty": False, "files": {"t.py": "y\n"}}), (GAP,)),
        (*code({"commit": "a" * 40, "dirty": False, "files": {"t.py": "x\n"}}, COMMIT | {"patch": GIT.format("m.py", 2), "files": {"t.py": "x\n"}}), (ONE,)),
        (*code(COMMIT | {"patch": GIT.format("t.py", 2), "files": {"t.py": "x = 2\n"}}, COMMIT | {"patch": GIT.format("t.py", 3), "files": {"t.py": "x = 3\n"}}), (ONE,)),
        (*code({"commit": "a" * 40, "dirty": False, "files": {"t.py": "x\n"}}, {"commit": "a" * 40, "dirty": False, "files": {"t.py": "x\n"}}), (CLEAN,)),
        (*code({"commit": None, "files": {"t.py": "x\n"}}, {"commit": None, "files": {"t.py": "x\n"}}), (CLEAN,)),
    ],
    "how results are measured, told twice": [
        (*told_twice("scale", 2, 4), (OTHER,)), (*told_twice("border", 1, 2), (OTHER,)), (*told_twice("sequences", ["a"], ["b"]), (OTHER,)),
        (both(put("eval/crop_border", 4), put("config/crop_border", 4)), both(put("eval/crop_border", 8), put("config/crop_border", 8)), (OTHER,)),
        (both(put("config/eval", {"flip": True})), both(put("config/eval", {"flip": False})), (OTHER,)),
    ],
    "test data by its name": [
        *((put(f"data/{name}", {"digest": digest("7")}), put(f"data/{name}", {"digest": digest("8")}), (OTHER,))
          for name in ("testset", "evalset", "TestData", "testA", "val2017", "holdout_x", "x_test", "XTest", "dev", "held-out", "minival", "VAL", "test_1k", "valid")),
        *((put(f"data/{name}", {"digest": digest("7")}), put(f"data/{name}", {"digest": digest("8")}), (ONE,))
          for name in ("attest", "latest", "contest", "device", "value", "interval", "train", "retrieval", "developed", "protest")),
        (both(put("eval/dataset", "urban"), put("data/urban", {"digest": digest("7")})), both(put("eval/dataset", "urban"), put("data/urban", {"digest": digest("8")})), (OTHER,)),
        (both(put("eval/dataset", ["a", "urban"]), put("data/urban", {"digest": digest("7")})), both(put("eval/dataset", ["a", "urban"]), put("data/urban", {"digest": digest("8")})), (OTHER,)),
    ],
    "what nobody listed of the environment": [
        *((*two(f"env/{key}", a, b), (ONE,)) for key, a, b in (("blas", "mkl 2024.1", "openblas 0.3"), ("nccl", "2.20", "2.21"), ("compiler", "gcc 9", "gcc 12"),
          ("flash_attention", True, False), ("rng", "philox", "mt"), ("container", "a", "b"), ("matmul", {"mode": 1}, {"mode": 2}))),
        *((*two(f"env/{key}", a, b), (CLEAN,)) for key, a, b in (("hostname", "a", "b"), ("pid", 1, 2), ("user", "a", "b"))),
        (*two("env/packages/pytest", "8.0", "8.1"), (ONE,)), (both(put("env/packages/pytest", "8.1"), put("env/packages/wandb", "0.20")), SAME, (ONE,)),
    ],
    "batch keys of two networks": [
        (both(*(nested("gen.batch_size", 8, 16)[:1]), *(nested("disc.accumulate", 4, 2)[:1])), both(*(nested("gen.batch_size", 8, 16)[1:]), *(nested("disc.accumulate", 4, 2)[1:])), (TWO,)),
        (both(nested("g.batch_size", 8, 16)[0], nested("d.grad_accum", 4, 2)[0]), both(nested("g.batch_size", 8, 16)[1], nested("d.grad_accum", 4, 2)[1]), (TWO,)),
        (both(nested("teacher.batch_size", 8, 16)[0], nested("student.batch.accumulate", 4, 2)[0]), both(nested("teacher.batch_size", 8, 16)[1], nested("student.batch.accumulate", 4, 2)[1]), (TWO,)),
        (both(nested("batch_size", 8, 16)[0], nested("disc.accumulate", 4, 2)[0]), both(nested("batch_size", 8, 16)[1], nested("disc.accumulate", 4, 2)[1]), (TWO,)),
        (both(nested("gen.batch_size", 8, 16)[0], nested("disc.num_gpus", 4, 2)[0]), both(nested("gen.batch_size", 8, 16)[1], nested("disc.num_gpus", 4, 2)[1]), (TWO,)),
        (both(nested("gen.batch_size", 8, 16)[0], nested("gen.accumulate", 4, 2)[0]), both(nested("gen.batch_size", 8, 16)[1], nested("gen.accumulate", 4, 2)[1]), (ONE,)),
        (both(nested("data.batch_size", 8, 16)[0], nested("trainer.accumulate_grad_batches", 4, 2)[0]), both(nested("data.batch_size", 8, 16)[1], nested("trainer.accumulate_grad_batches", 4, 2)[1]), (ONE,)),
    ],
    "a notebook": [
        (*files(book("x = 1", out="1"), book("x = 1", out="2"), "n.ipynb"), (CLEAN,)), (*files(book("x = 1"), book("x = 1  # one"), "n.ipynb"), (CLEAN,)),
        (*files(book("x = 1"), book("x = 2"), "n.ipynb"), (ONE,)), (*files(book("x = 1"), book("x = 1", kernel="julia"), "n.ipynb"), (ONE,)),
        (*files(book("x = 1"), book("x = 1", tags=["parameters"]), "n.ipynb"), (ONE,)), (*files(book("%run a"), book("%run b"), "n.ipynb"), (ONE,)),
        (*files(book("x = 1"), "no notebook", "n.ipynb"), (ONE,)),
    ],
    "a value that happens to be part of a path": [
        (*moved("dataset", "relu", "gelu", "{}/tiles"), (ONE,)), (*moved("augment_dir", "/s/a", "/s/b", "{}/tiles"), (ONE,)), (*moved("train", "relu", "gelu", "{}"), (ONE,)),
        (*moved("data.path", "/s/a", "/s/b", "{}/tiles"), (CLEAN,)), (*moved("dataset_path", "/s/a", "/s/b", "{}/tiles"), (CLEAN,)),
        (*moved("activation", "relu", "gelu"), (ONE,)), (*moved("variant", "a/b", "c/d", "/s/{}/x"), (ONE,)), (*moved("loss", "l1", "l2", "{}"), (ONE,)),
        (*moved("teacher", "/s/a", "/s/b", "{}/tiles"), (ONE,)), (*moved("mode", "x4", "x2", "/data/{}"), (ONE,)), (*moved("split", "one", "two", "./{}"), (ONE,)),
        (*moved("data_root", "/s/a", "/s/b", "{}/tiles"), (CLEAN,)), (*moved("root", "/s/a", "/s/b", "{}"), (CLEAN,)), (*moved("data_dir", "data/a", "data/b", "/home/u/{}"), (CLEAN,)),
    ],
    "docstrings that a program reads": [
        (*files(DOC.format("1e-3") + "import docopt\na = docopt.docopt(__doc__)\n", DOC.format("1e-2") + "import docopt\na = docopt.docopt(__doc__)\n"), (ONE,)),
        (*files(DOC.format("1") + "import argparse\np = argparse.ArgumentParser(description=__doc__)\n", DOC.format("2") + "import argparse\np = argparse.ArgumentParser(description=__doc__)\n"), (ONE,)),
        (*files('def f():\n    "a"\nimport inspect\nx = inspect.getdoc(f)\n', 'def f():\n    "b"\nimport inspect\nx = inspect.getdoc(f)\n'), (ONE,)),
        (*files('import click\n@click.command()\ndef f():\n    "a"\n', 'import click\n@click.command()\ndef f():\n    "b"\n'), (ONE,)),
        (*files('def f():\n    """>>> 1\n    1"""\nimport doctest\ndoctest.testmod()\n', 'def f():\n    """>>> 2\n    2"""\nimport doctest\ndoctest.testmod()\n'), (ONE,)),
        (*files('"a"\nx = 1\n', '"b"\nx = 1\n', "src/loss.py", **{"src/main.py": "import loss\nprint(loss.__doc__)\n"}), (ONE,)),
        (*files('from x import tool\n@tool\ndef f():\n    "a"\n', 'from x import tool\n@tool\ndef f():\n    "b"\n'), (ONE,)),
        (*files('class A(S):\n    "a"\nimport dspy\n', 'class A(S):\n    "b"\nimport dspy\n'), (ONE,)),
        (*files('"a"\nx = 1\n', '"b"\nx = 1\n'), (CLEAN,)), (*files('class A:\n    "a"\n    x = 1\n', 'class A:\n    "b"\n    x = 1\n'), (CLEAN,)),
        (*files('import torch\n@torch.no_grad()\ndef f():\n    "a"\n    return 1\n', 'import torch\n@torch.no_grad()\ndef f():\n    "b"\n    return 1\n'), (CLEAN,)),
    ],
    "placeholders": [
        *((put("init", {"kind": "checkpoint", "checkpoint": word, "path": "/w/a.pt"}), put("init", {"kind": "checkpoint", "checkpoint": word, "path": "/w/b.pt"}), (GAP,))
          for word in (None, "unknown", "", "none", "n/a", "sha256:unknown", "sha256:", "/w/same.pt")),
        *((put("data/train/digest", word), put("data/train/digest", word), (GAP,)) for word in (None, "unknown", "", "None", "N/A", "md5:unknown", "tbd", "sha256:none", "/data/x")),
        *((put("eval/code_digest", word), put("eval/code_digest", word), (GAP,)) for word in (None, "unknown", "")),
        *((put(path, "unknown"), put(path, "unknown"), (GAP,)) for path in ("env/torch", "env/gpu", "eval/metric", "seed", "env/packages/numpy", "data/train/preprocessing", "code/commit")),
        *((put(path, word), put(path, word), (GAP,)) for path in ("data/train/digest", "eval/code_digest", "code/commit") for word in ("0" * 40, "sha256:" + "0" * 64)),
        *((put("data/train/digest", word), put("data/train/digest", word), (CLEAN,)) for word in ("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "md5:d41d8cd98f00b204e9800998ecf8427e")),
        (put("data/train/digest", "unknown"), SAME, (GAP,)), (put("env/torch", "n/a"), SAME, (GAP,)),
        (put("data/train/preprocessing", "none"), put("data/train/preprocessing", "none"), (CLEAN,)), (put("config/x", "unknown"), put("config/x", "unknown"), (CLEAN,)),
        (put("env/gpu", None), put("env/gpu", None), (CLEAN,)),
    ],
    "a place whose content nobody knows": [
        (both(drop("data/train/digest")), both(drop("data/train/digest"), put("data/train/path", "/else")), (GAP,)),
        (put("init", {"kind": "checkpoint", "path": "/a"}), put("init", {"kind": "checkpoint", "path": "/b"}), (GAP,)),
    ],
    "a secret that rotated": [
        *((*nested(path, f"{mark}0011223344556677:proven>", f"{mark}8899aabbccddeeff:proven>"), (CLEAN,)) for mark in ("<redacted:hmac-",) for path in ("wandb_api_key", "a.b.token", "url", "login.password", "hf")),
        (*nested("args", "--token <redacted:hmac-0011223344556677:proven> --lr 1", "--token <redacted:hmac-8899aabbccddeeff:proven> --lr 1"), (CLEAN,)),
        (*nested("args", "--token <redacted:hmac-0011223344556677:proven> --lr 1", "--token <redacted:hmac-8899aabbccddeeff:proven> --lr 2"), (ONE,)),
        (*files("K = '<redacted:hmac-0011223344556677:proven>'\n", "K = '<redacted:hmac-8899aabbccddeeff:proven>'\n"), (CLEAN,)),
        (*patches(GIT.format("a.py", "'<redacted:hmac-0011223344556677:proven>'"), GIT.format("a.py", "'<redacted:hmac-8899aabbccddeeff:proven>'")), (CLEAN,)),
        (*two("env/variables", {"HF_TOKEN": "<redacted:hmac-0011223344556677:proven>"}, {"HF_TOKEN": "<redacted:hmac-8899aabbccddeeff:proven>"}), (CLEAN,)),
        (nested("key_<redacted:hmac-0011223344556677:proven>", 1, 1)[0], nested("key_<redacted:hmac-8899aabbccddeeff:proven>", 1, 1)[1], (CLEAN,)),
        (nested("a.key_<redacted:hmac-0011223344556677:proven>.b", 1, 1)[0], nested("a.key_<redacted:hmac-8899aabbccddeeff:proven>.b", 1, 2)[1], (ONE,)),
        (nested("key_<redacted:hmac-0011223344556677:proven>", 1, 1)[0], nested("kez_<redacted:hmac-0011223344556677:proven>", 1, 1)[1], (TWO,)),
        (nested("k", {"<redacted:hmac-0011223344556677:proven>": 1, "<redacted:hmac-8899aabbccddeeff:proven>": 1}, 0)[0], nested("k", {"<redacted:hmac-0011223344556677:proven>": 1}, 0)[0], (ONE,)),
        (SAME, nested("wandb_api_key", 0, "<redacted:hmac-8899aabbccddeeff:proven>")[1], (ONE,)),
    ],
    "what is redacted, and is no secret beyond doubt": [
        *((*nested(path, f"<redacted:hmac-0011223344556677{kind}>", f"<redacted:hmac-8899aabbccddeeff{kind}>"), (ONE,)) for kind in (":masked", "") for path in ("url", "a.b.token", "hf", "dataset_cid", "pwd", "signature", "bearer")),
        (*nested("wandb_api_key", "<redacted:hmac-0011223344556677:masked>", "<redacted:hmac-8899aabbccddeeff:masked>"), (ONE,)),
        *((*nested(path, "<redacted:hmac-0011223344556677>", "<redacted:hmac-8899aabbccddeeff>"), (CLEAN,)) for path in ("wandb_api_key", "login.password", "hfToken")),
        *((*files(text.format("0011223344556677:masked"), text.format("8899aabbccddeeff:masked")), (ONE,)) for text in ("K = '<redacted:hmac-{}>'\n", "api_key = '<redacted:hmac-{}>'\n")),
        (*files("K = '<redacted:hmac-0011223344556677>'\n", "K = '<redacted:hmac-8899aabbccddeeff>'\n"), (ONE,)),
        (*files("api_key = '<redacted:hmac-0011223344556677>'\n", "api_key = '<redacted:hmac-8899aabbccddeeff>'\n"), (CLEAN,)),
        (*files("K = '<redacted:hmac-0011223344556677:proven>'\n", "K = '<redacted:hmac-8899aabbccddeeff:masked>'\n"), (ONE,)),
        (*patches(GIT.format("a.py", "'<redacted:hmac-0011223344556677:masked>'"), GIT.format("a.py", "'<redacted:hmac-8899aabbccddeeff:masked>'")), (ONE,)),
        (*two("env/variables", {"ARCH": "<redacted:hmac-0011223344556677:masked>"}, {"ARCH": "<redacted:hmac-8899aabbccddeeff:masked>"}), (ONE,)),
        (nested("key_<redacted:hmac-0011223344556677:masked>", 1, 1)[0], nested("key_<redacted:hmac-8899aabbccddeeff:masked>", 1, 1)[1], (TWO,)),
    ],
    "one secret, of which two records know more and less": [
        *((*nested("hf", f"<redacted:hmac-0011223344556677{kind}>", "<redacted:hmac-0011223344556677:proven>"), (CLEAN,)) for kind in ("", ":masked")),
        *((*files(f"K = '<redacted:hmac-0011223344556677{kind}>'\n", "K = '<redacted:hmac-0011223344556677:proven>'\n"), (CLEAN,)) for kind in ("", ":masked")),
        *((*patches(GIT.format("a.py", f"'<redacted:hmac-0011223344556677{kind}>'"), GIT.format("a.py", "'<redacted:hmac-0011223344556677:proven>'")), (CLEAN,)) for kind in ("", ":masked")),
    ],
    "a byte order mark": [
        (*files("x = 1\n", "\ufeffx = 1\n"), (CLEAN,)), (*files("\ufeffx = 1\n", "x = 1  # one\n"), (CLEAN,)), (*files("x = 1\r\n", "\ufeffx = 1\n"), (CLEAN,)),
        (*files("x = 1\n", "\ufeffx = 2\n"), (ONE,)), (*files("\ufeff'a'\nx = 1\n", "'b'\nx = 1\n"), (CLEAN,)),
        (*files("echo 1\n", "\ufeffecho 1\n", "run.sh"), (ONE,)), (*files("# coding: latin-1\nx = 'ä'\n", "# coding: utf-8\nx = 'ä'\n"), (ONE,)),
    ],
}  # fmt: skip
ROWS = [(kind, place, *row) for kind, rows in PAIRS.items() for place, row in enumerate(rows)]


@pytest.mark.parametrize(
    ("kind", "place", "before", "after", "right"), ROWS, ids=[f"{row[0]} {row[1]}" for row in ROWS]
)
def test_a_pair_is_excused_by_evidence_only(kind, place, before, after, right):
    found, back = judged(before, after), judged(after, before)

    assert found.verdict in right, found.reason
    assert (back.verdict, back.conditional) == (found.verdict, found.conditional)


@pytest.mark.parametrize(
    ("policy", "before", "after"),
    [
        ({"derived": {"eval.crop_border": "config.scale"}}, both(put("eval/crop_border", 2), put("config/scale", 2)), both(put("eval/crop_border", 4), put("config/scale", 4))),
        ({"derived": {"data.test.scale": "config.scale"}}, *told_twice("scale", 2, 4)),
        ({"aliases": {"eval.crop_border": "config.crop"}}, put("eval/crop_border", 2), put("eval/crop_border", 4)),
        ({"aliases": {"config.crop": "eval.border"}}, put("config/crop", 2), put("config/crop", 4)),
        ({"aliases": {"config.scale": "data.test.scale"}}, put("config/scale", 2), put("config/scale", 4)),
    ],
)  # fmt: skip
def test_another_measure_stays_one_whatever_rule_or_alias_it_goes_by(policy, before, after):
    assert judged(before, after, policy).verdict is Verdict.INCOMPARABLE


@pytest.mark.parametrize(
    ("before", "after", "right"),
    [
        ([{"s": "a"}, {"s": "b"}], [{"s": "b"}, {"s": "a"}], CLEAN),
        ([{"name": "a", "x": 1}, {"name": "b"}], [{"name": "b"}, {"name": "a", "x": 1}], CLEAN),
        ([{"s": [1, 2]}, {"s": "b"}], [{"s": "b"}, {"s": [1, 2]}], CLEAN),
        ([{"s": "a"}, {"s": "b"}, {"s": "a"}], [{"s": "a"}, {"s": "a"}, {"s": "b"}], CLEAN),
        ([[1, 2], [3]], [[3], [1, 2]], CLEAN),
        ([{"s": "a"}, {"s": "c"}], [{"s": "a"}, {"s": "b"}, {"s": "c"}], ONE),
        ([{"s": "a", "x": 1}, {"s": "b", "x": 2}], [{"s": "a", "x": 2}, {"s": "b", "x": 1}], ONE),
        ([{"s": [1, 2]}], [{"s": [2, 1]}], ONE),
    ],
)  # fmt: skip
def test_an_unordered_list_of_tables_is_a_set(before, after, right):
    policy = {"unordered": ("config.rows",)}

    assert judged(put("config/rows", before), put("config/rows", after), policy).verdict == right


@pytest.mark.parametrize(
    ("left", "right", "verdict"),
    [
        ((100, 100, 100), (200, 200, 200), TWO),
        ((100, 100, 100), (200, 201, 202), TWO),
        ((100, 101, 102), (200, 200, 200), TWO),
        ((100, 100, 100), (None, None, None), TWO),
        ((100, 100), (100, 100), ONE),
        ((100, 101, 102), (200, 201, 202), ONE),
        ((1, 2, 3), (1, 2, 3), ONE),
    ],
)  # fmt: skip
def test_a_seed_that_stands_still_within_an_arm_moved_with_it(left, right, verdict):
    def arm(values, lr):
        def change(place, value):
            split = {} if value is None else {"seed": value}
            return both(put("seed", place), put("config/optimizer/lr", lr), put("config/split", split))

        return cohort_of([run(change(place, value)) for place, value in enumerate(values, start=1)])

    assert compare_cohorts(arm(left, 0.1), arm(right, 0.3), settings=Settings()).verdict == verdict


def test_arms_of_one_seed_each_that_differ_in_nothing_else_are_replicates():
    arms = [cohort_of([run(put("seed", seed)) for _ in range(3)]) for seed in (1, 2)]

    assert compare_cohorts(*arms, settings=Settings()).verdict is Verdict.REPLICATE


@pytest.mark.parametrize(
    "name", ["latest", "attest", "contest", "device", "value", "interval", "trainval", "valve", "evaluator9x"]
)
def test_names_that_hold_a_test_word_in_another_word_are_no_test_data(name):
    assert not is_held_out(name)


def test_a_file_of_settings_is_the_config_only_where_the_config_holds_what_it_says():
    def launched(text, **config):
        return both(put("code/files/aug.json", text), put("runtime/argv", ["python", "train.py", "--aug", "aug.json"]),
                    lambda plain: plain["config"].update(config))  # fmt: skip

    held = judged(launched('{"flip": 1}', flip=1), launched('{"flip": 2}', flip=2))
    unknown = judged(launched('{"flip": 1}'), launched('{"flip": 2}'))

    assert [f.factor for f in held.factors] == ["config.flip"]
    assert [f.factor for f in unknown.factors] == ["code.aug.json"]


def test_a_git_patch_is_read_to_its_last_line():
    assert patched_files(GIT.format("a.py", 2)) is not None
    assert patched_files(GIT.format("a.py", 2) + "and more besides\n") is None
    assert patched_files("") == {}


TEMPTING = ("run_id", "tags", "notes", "num_workers", "output_dir", "log_dir", "save_dir", "name", "label", "id", "hostname", "timestamp",
            "verbose", "log_every", "wandb_run_name", "device_id", "version", "path", "cache", "comment", "description", "run_name")  # fmt: skip
words = st.one_of(
    st.sampled_from(TEMPTING),
    st.text(st.characters(codec="utf-8", exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=8),
)
scalars = st.one_of(
    st.integers(-5, 5), st.booleans(), st.floats(allow_nan=False), st.text("ab/x.-1 ", max_size=6), st.none()
)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["teacher", "augment", "model", "a.b"]), words, scalars, scalars)
def test_no_key_of_what_a_run_is_made_of_is_excused_by_its_name(table, key, before, after):
    pair = nested(f"{table}.x", {key: before}, {key: after})

    found = judged(*pair)

    same = before == after and isinstance(before, bool) == isinstance(after, bool)
    assert (found.verdict is Verdict.IDENTICAL) is same, found.reason


@settings(max_examples=200, deadline=None)
@given(words.filter(lambda word: word not in ("hostname", "pid", "user", "username", "host")), scalars, scalars)
def test_no_leaf_of_the_environment_is_excused_by_its_name(key, before, after):
    found = judged(*two("env/extra", {key: before}, {key: after}))

    same = before == after and isinstance(before, bool) == isinstance(after, bool)
    assert found.verdict is not Verdict.IDENTICAL or same, found.reason


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["license_", "readme_", "docs/", "changes", "test_", "ci/", ".github/", "notice."]),
       st.sampled_from([".py", ".sh", ".md", ".png", ".html", ".txt", ".css", ".tex", ".svg", ".toml", ".yml", ".ipynb", ""]))  # fmt: skip
def test_no_file_is_excused_by_its_suffix(name, suffix):
    from runaudit.factors import builtin as known

    path = f"src/{name}x{suffix}"

    found = judged(*files("K = 1\n", "K = 2\n", path))

    assert found.verdict is Verdict.SINGLE_FACTOR, found.reason
    assert not known.DOCUMENT.fullmatch(path.rpartition("/")[2])


# ── a record with less in it is never judged cleaner ─────────────────────────────────────────────────────────────

CHANGES = (
    *two("config/optimizer/lr", 1, 2), *two("config/teacher", {"run_id": "a"}, {"run_id": "b"}), *files("x = 1\n", "x = 2\n"),
    *two("code/commit", "a" * 40, "b" * 40), *two("data/train/digest", digest("1"), digest("2")), *two("env/blas", "a", "b"),
    *two("env/packages/wandb", "1", "2"), *two("seed", 1, 2), *moved("activation", "relu", "gelu"),
    *reading("t = open('README.md')\n", "a", "b", "README.md"), *two("init", {"kind": "random"}, CKPT), SAME, SAME,
)  # fmt: skip


def leaves(tree, above=()):
    """Every key of a record, tables included."""
    for key, value in tree.items() if isinstance(tree, dict) else ():
        yield (*above, key)
        yield from leaves(value, (*above, key))


def without(plain, path):
    if len(path) > 1:
        return {**plain, path[0]: without(plain[path[0]], path[1:])}
    return {key: value for key, value in plain.items() if key != path[0]}


DESIGN = ("code", "data", "env", "init", "eval", "seed")
OPEN = (("env", "packages"), ("code", "files"), ("data",))
"""Tables of as many entries as there were: one that lacks an entry says that there was none. All files at once are left
in, too: some rows here change a file under one clean commit, which no record can mean."""
LOST = sorted(path for path in leaves(record()) if path[0] in DESIGN and path[:-1] not in OPEN and path != OPEN[1])


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(CHANGES), st.sampled_from(CHANGES), st.sampled_from(LOST), st.sampled_from(["a", "b", "both"]))
def test_a_record_with_less_in_it_is_never_judged_cleaner(first, second, path, sides):
    """What a pair was worth with the leaf it is worth at most without it: a gap never turns a change into none."""
    from runaudit.records.record_file import run_of

    plain = []
    for change in (first, second):
        one = record()
        change(one)
        plain.append(one)
    if any(_lacks(one, path) for one in plain):
        return
    less = [without(one, path) if sides in (side, "both") else one for side, one in zip("ab", plain, strict=True)]

    whole, part = (compare(*(run_of(one, where="x") for one in pair), settings=Settings()) for pair in (plain, less))

    if part.verdict in (Verdict.IDENTICAL, Verdict.REPLICATE):
        assert whole.verdict in (Verdict.IDENTICAL, Verdict.REPLICATE), (path, sides, part.reason, whole.reason)
    if part.verdict is Verdict.SINGLE_FACTOR:
        assert whole.verdict.rank >= Verdict.SINGLE_FACTOR.rank, (path, sides, part.reason, whole.reason)


def _lacks(plain, path):
    for key in path:
        if not isinstance(plain, dict) or key not in plain:
            return True
        plain = plain[key]
    return False


def test_every_excused_source_text_is_still_the_same_program():
    """The oracle is Python itself: both texts compile to the same code, docstrings aside."""
    for before, after in (("x = 1\n", "\ufeffx = 1\n"), (TRAIN, "# remark\n" + TRAIN)):
        codes = [compile(text.encode(), "x", "exec", dont_inherit=True, optimize=2).co_code for text in (before, after)]
        assert codes[0] == codes[1]


# ── names that bear the run's own seed, and checkpoints in its own folder ────────────────────────────────────────


@pytest.mark.parametrize(("key", "values", "expected"), [
    ("out", ("out/s1", "out/s2"), "replicate"),
    ("exp_name", ("base_seed1", "base_seed2"), "replicate"),
    ("log_file", ("logs/s1.txt", "logs/s2.txt"), "replicate"),
    ("out", ("out/s1", "out/s3"), TWO),  # not the run's own seed
    ("out", ("out/a_s1", "out/b_s2"), TWO),  # more than the seed moved
    ("out", ("out/v1", "out/v2"), TWO),  # a number that says nothing of a seed
    ("out", ("x_s1_s1", "x_s2_s2"), TWO),
    ("train_list", ("lists/s1.txt", "lists/s2.txt"), TWO),  # read, not written
    ("exp_data", ("s1.csv", "s2.csv"), TWO),
    ("width", ("s1", "s2"), TWO),
])  # fmt: skip
def test_a_name_of_outputs_that_bears_the_runs_own_seed_follows_it(key, values, expected):
    a, b = (
        run(both(put("seed", seed), put(f"config/{key}", value))) for seed, value in zip((1, 2), values, strict=True)
    )

    assert compare(a, b, settings=Settings()).verdict == {TWO: Verdict.CONFOUNDED}.get(expected, Verdict.REPLICATE)
    assert (len(cohorts([a, b])) == 1) is (expected != TWO)


@pytest.mark.parametrize(("key", "value", "is_place"), [
    ("ckpt_dir", "ckpt", True), ("checkpoint_dir", "", True), ("resume_dir", "ckpt", False),
    ("ckpt", "ckpt", False), ("ckpt_dir", "last.ckpt", False),
])  # fmt: skip
def test_a_folder_of_checkpoints_in_the_runs_own_folder_is_a_place(key, value, is_place):
    sides = (both(put("runtime/run_dir", f"/w/{n}"), put(f"config/{key}", f"/w/{n}/{value}")) for n in (1, 2))

    found = compare(*(run(side) for side in sides), settings=Settings())

    assert (found.verdict is Verdict.IDENTICAL) is is_place
