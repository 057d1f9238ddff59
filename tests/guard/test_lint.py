"""The launch lint on programs as people write them: where a rule speaks, where it is silent, where it cannot know.

A false alarm is worse than a miss: for each rule there are more cases in which it says nothing than in which it speaks.
"""

import math
import textwrap
from difflib import SequenceMatcher
from typing import Any, NamedTuple

import pytest

from runaudit.guard.lint import RULES
from runaudit.guard.lint.facts import Facts, lint_facts
from runaudit.guard.lint.reading import read_program
from runaudit.guard.lint.written import Written
from runaudit.records.manifest import Manifest, Unknown
from runaudit.records.run import Run
from runaudit.rules import Judgement, check_all

LOOP = """
    import argparse, torch
    from torch import nn
    {more}
    model = nn.Linear(4, 4)
    optimizer = torch.optim.{optimizer}(model.parameters(), lr=args.lr)
    for x, y in loader:
        optimizer.zero_grad()
        loss = (model(x) - y).abs().mean()
        loss.backward()
        {step}
        optimizer.step()
"""
ATTENDS = "block = nn.MultiheadAttention(64, 4)"
AUTOCAST = "with torch.autocast('cuda', dtype=torch.float16): pass"
CENTRED = """
class LN(nn.Module):
    def __init__(self, d, eps=1e-8):
        self.eps = eps
    def forward(self, x):
        {cast}
        m = x.mean(-1, keepdim=True)
        v = ((x - m) ** 2).mean(-1, keepdim=True)
        return (x - m) / torch.sqrt(v + self.eps)
"""
JUDGE = """
def evaluate(net):
    with torch.no_grad(), torch.autocast("cuda", {how}):
        return net(x)
"""
NORM = """
class Norm(nn.Module):
    def forward(self, x):
        sigma = x.var(1, keepdim=True)
        return x / torch.sqrt(sigma + {eps}) * self.weight
"""
CONV_FFT = """
class Block(nn.Module):
    def forward(self, x):
        x = self.project_in(x)
        {before}
        y = torch.fft.rfft2({argument})
        return y
"""
FFT_LOSS = """
class FrequencyLoss(nn.Module):
    def forward(self, pred, target):
        a = torch.fft.fft2(pred{norm})
        b = torch.fft.fft2(target{norm})
        {after}
        return (a - b).abs().mean()
"""


def program(*more: str, optimizer: str = "AdamW", step: str = "pass", **files: str) -> dict[str, str]:
    """A training script, with more lines at its top, and the files beside it."""
    inserted = "\n".join(textwrap.dedent(one) for one in more).replace("\n", "\n    ")
    return {"train.py": textwrap.dedent(LOOP.format(more=inserted, optimizer=optimizer, step=step)), **files}


def asked(
    config: dict[str, Any] | None = None,
    code: dict[str, str] | None = None,
    *,
    argv: tuple[str, ...] = (),
    baseline: dict[str, Any] | None = None,
    **sections: Any,
) -> Judgement:
    """What the lint says of a launch."""
    draft = Manifest.of({"config": config or {}, "launch": {"argv": ["python", "train.py", *argv]}, **sections})
    written: Written | Unknown = Unknown("the code is not on record")
    if code is not None:
        written = read_program("train.py", code.keys(), lambda path: code[path].encode())
    before = None if baseline is None else Run(manifest=Manifest.of({"label": "base", "config": baseline}))
    return check_all(RULES, Facts({}, lint_facts(draft, written, baseline=before)))


class Case(NamedTuple):
    """A launch, and the codes it must draw beside those of RA501, which tells what is so."""

    name: str
    config: dict[str, Any]
    code: dict[str, str] | None = None
    more: dict[str, Any] = {}  # noqa: RUF012
    finds: tuple[str, ...] = ()


RANDOM = {"init": {"kind": "random"}}
CLIPPED = "torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)"
BN = "layer = nn.BatchNorm2d(8)"

FIRES = [
    Case("batch norm on four samples", {"batch_size": 4, "grad_accum": 16}, program(BN), finds=("RA502",)),
    Case("batch norm, and accumulation that the code alone knows", {"batch_size": 4},
         program(BN, "accum = 16"), finds=("RA502",)),
    Case("weights of fp16 without a scaler", {"lr": 2e-4}, program("model = nn.Linear(4, 4).half()", step=CLIPPED),
         finds=("RA520",)),
    Case("batch norm in an imported file", {"data": {"batch_size": 2}},
         program("from net import net", **{"net.py": "from torch import nn\nnet = nn.BatchNorm2d(3)"}),
         finds=("RA502",)),
    Case("a large model at four samples", {"batch_size": 4, "num_params": 1_600_000_000}, program(), RANDOM,
         finds=("RA503",)),
    Case("the batch grew and the rate stayed", {"lr": 1e-4, "batch_size": 64},
         more={"baseline": {"lr": 1e-4, "batch_size": 8}}, finds=("RA504",)),
    Case("1e-3 on attention", {"lr": 1e-3}, program(ATTENDS, step=CLIPPED), finds=("RA510",)),
    Case("1e-3 on attention, written by hand", {"lr": 1e-3, "grad_clip": 0},
         program("class A(nn.Module):\n    def forward(self, q, k, v):\n"
                 "        return (q @ k.transpose(-2, -1)).softmax(-1) @ v", "block = A()"), finds=("RA510", "RA513")),
    Case("1e-3 on frequencies, by the command line", {}, program("y = torch.fft.rfft2(x)", step=CLIPPED),
         {"argv": ("--lr", "0.001")}, finds=("RA510",)),
    Case("a rate that is no number", {"optim": {"lr": math.nan}}, program(step=CLIPPED), finds=("RA514",)),
    Case("an infinite rate, by the command line", {}, program(step=CLIPPED), {"argv": ("--lr", "inf")},
         finds=("RA514",)),
    Case("1e-5 from scratch", {"lr": 1e-5}, program(step=CLIPPED), RANDOM, finds=("RA511",)),
    Case("attention without a warm-up", {"lr": 2e-4}, program(ATTENDS, step=CLIPPED), RANDOM, finds=("RA512",)),
    Case("attention without clipping", {"lr": 2e-4, "warmup_steps": 500}, program(ATTENDS), finds=("RA513",)),
    Case("fp16 without a scaler", {"lr": 2e-4}, program(AUTOCAST, step=CLIPPED), finds=("RA520",)),
    Case("autocast of CUDA is fp16", {"lr": 2e-4}, program("with torch.cuda.amp.autocast(): pass", step=CLIPPED),
         finds=("RA520",)),
    Case("a scaler with bf16", {"lr": 2e-4},
         program("with torch.autocast('cuda', dtype=torch.bfloat16): pass", "scaler = torch.cuda.amp.GradScaler()",
                 step=CLIPPED), finds=("RA521",)),
    Case("a switch that nothing reads", {"amp": True}, program(step=CLIPPED), finds=("RA524",)),
    Case("an evaluation in 16 bits", {"eval": {"precision": "fp16"}}, finds=("RA525",)),
    Case("an evaluation in 16 bits, as Hugging Face has it", {"bf16_full_eval": True}, finds=("RA525",)),
    Case("a length of the schedule whose unit nobody says", {"epochs": 10, "T_max": 1000}, finds=("RA540",)),
    Case("T_max in steps that nobody counted", {"epochs": 100, "T_max": 50_000}, finds=("RA540",)),
    Case("a small epsilon in fp16", {"fp16": True}, program(NORM.format(eps="1e-5"), step=CLIPPED), finds=("RA522",)),
    Case("a small epsilon that the block is made with", {"fp16": True},
         program("class RMS(nn.Module):\n    def __init__(self, eps=1e-8):\n        self.eps = eps\n"
                 "    def forward(self, x):\n        return x / torch.sqrt(x.pow(2) + self.eps)", step=CLIPPED),
         finds=("RA522",)),
    Case("a small epsilon of a function", {"fp16": True},
         program("def layer_norm(x, m, v, eps=1e-6):\n    return (x - m) / (v + eps).sqrt()", step=CLIPPED),
         finds=("RA522",)),
    Case("a small epsilon of a block that is called otherwise", {"fp16": True}, program(CENTRED.format(cast="pass"),
         step=CLIPPED), finds=("RA522",)),
    Case("an evaluation under autocast", {"fp16": True},
         program(JUDGE.format(how="dtype=torch.float16"), "s = torch.amp.GradScaler()", step=CLIPPED),
         finds=("RA525",)),
    Case("an FFT of what a convolution gave", {"amp": {"dtype": "float16"}},
         program(CONV_FFT.format(before="pass", argument="x"), step=CLIPPED), finds=("RA523",)),
    Case("a loss of sums", {"lr": 1e-4}, program(FFT_LOSS.format(norm="", after="pass"), step=CLIPPED),
         finds=("RA530",)),
    Case("a loss of sums, in the loop", {"lr": 1e-4},
         program("a = torch.fft.fft2(x)", "b = torch.fft.fft2(y)", "f = criterion(a, b)", step=CLIPPED),
         finds=("RA530",)),
    Case("use beyond the noise of training", {"P_mean": -1.2, "P_std": 1.2, "sampler": {"sigma_max": 10.0}},
         finds=("RA531",)),
    Case("the same, drawn in the code", {"eval": {"sigma_max": 10.0}},
         program("sigma = torch.exp(torch.randn(4, device=d) * 1.2 - 1.2)"), finds=("RA531",)),
    Case("the same, by the defaults of the options", {"args": {"p-mean": -4}},
         program("p = argparse.ArgumentParser(); p.add_argument('--p-mean', type=float, default=-1.2)",
                 "p.add_argument('--p-std', type=float, default=1.2)",
                 "p.add_argument('--sampling-sigma-max', type=float, default=80.0)"), finds=("RA531",)),
    Case("a schedule left over", {"max_iters": 5000, "lr_decay_iters": 600000}, finds=("RA540",)),
    Case("a step down that never comes", {"max_epochs": 100, "milestones": [150, 225]}, finds=("RA540",)),
    Case("a cycle of another length", {"total_steps": 1000, "onecycle": {"total_steps": 2000}}, finds=("RA540",)),
    Case("a cosine that comes up again", {"epochs": 200, "T_max": 50}, finds=("RA540",)),
    Case("all is warm-up", {"trainer": {"max_steps": 1000}, "warmup_steps": 2000}, finds=("RA540",)),
    Case("a cosine of another run's epochs", {"epochs": 30, "scheduler": {"name": "cosine", "T_max": 200}},
         finds=("RA540",)),
    Case("the same in the code", {},
         program("p = argparse.ArgumentParser(); p.add_argument('--epochs', type=int, default=30)",
                 "sched = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=200)"), finds=("RA540",)),
    Case("all is warm-up, by default", {},
         program("p = argparse.ArgumentParser(); p.add_argument('--max-steps', type=int, default=100000)",
                 "p.add_argument('--warmup-steps', type=int, default=100000)"), finds=("RA540",)),
    Case("epochs and steps are two lengths", {"epochs": 100, "steps_per_epoch": 500, "max_steps": 1000},
         finds=("RA540",)),
    Case("all at once, and said",
         {"staging": "end_to_end", "model": {"alignment": {"kind": "tern"}, "fusion": {"n": 2}}},
         finds=("RA550",)),
    Case("all at once, by the code", {},
         program("class AlignNet(nn.Module): pass", "class TemporalFusion(nn.Module): pass"), finds=("RA550",)),
]  # fmt: skip

SILENT = [
    Case("steps down within the run", {"max_epochs": 300, "milestones": [150, 225]}),
    Case("steps down in batches", {"max_epochs": 20, "milestones": [10_000, 20_000]}),
    Case("nothing is said", {}),
    Case("a plain loop", {"lr": 1e-3, "batch_size": 4}, program()),
    Case("batch norm that is synchronised", {"batch_size": 4, "trainer": {"sync_batchnorm": True}}, program(BN)),
    Case("batch norm, converted", {"batch_size": 4}, program(BN, "model = nn.SyncBatchNorm.convert_sync_batchnorm(m)")),
    Case("batch norm on many", {"batch_size": 32}, program(BN)),
    Case("group norm on four", {"batch_size": 4}, program("layer = nn.GroupNorm(2, 8)")),
    Case("a file that is not imported", {"batch_size": 4},
         program(**{"old.py": "import torch.nn as nn\nnn.BatchNorm2d(3)"})),
    Case("a large model that is fine-tuned", {"batch_size": 4, "num_params": 10**9}, program(),
         {"init": {"kind": "checkpoint", "checkpoint": "sha256:" + "a" * 64}}),
    Case("the rate went with the batch", {"lr": 4e-4, "batch_size": 64},
         more={"baseline": {"lr": 1e-4, "batch_size": 8}}),
    Case("32 x 2 is 4 x 16", {"lr": 1e-4, "batch_size": 32, "grad_accum": 2},
         more={"baseline": {"lr": 1e-4, "batch_size": 4, "grad_accum": 16}}),
    Case("SGD at a high rate", {"lr": 0.1, "warmup_epochs": 5, "grad_clip": 1.0}, program(ATTENDS, optimizer="SGD")),
    Case("1e-3 with warm-up and clipping", {"lr": 1e-3, "warmup_steps": 500, "max_grad_norm": 1.0}, program(ATTENDS)),
    Case("1e-3 on a small model", {"lr": 1e-3, "num_params": 50_000, "grad_clip": 1.0}, program(ATTENDS)),
    Case("1e-3 on convolutions", {"lr": 1e-3}, program("net = nn.Conv2d(3, 3, 3)")),
    Case("channel attention is no transformer", {"lr": 1e-3},
         program("class ChannelAttention(nn.Module):\n    def forward(self, x): return x * self.pool(x).sigmoid()")),
    Case("a graph's attention", {"lr": 5e-3},
         program("class GAT(nn.Module):\n    def forward(self, h):\n        e = self.a(h) + self.b(h).mT\n"
                 "        return torch.matmul(torch.softmax(e, 1), h)", "net = GAT()")),
    Case("1e-5 that fine-tunes", {"lr": 1e-5, "resume_from": "a.pt"}, program(), RANDOM),
    Case("1e-5 with LoRA", {"lr": 1e-5},
         program("from peft import get_peft_model\nmodel = get_peft_model(m, c)"), RANDOM),
    Case("fp16 with a scaler", {"lr": 2e-4}, program(AUTOCAST, "scaler = torch.amp.GradScaler('cuda')", step=CLIPPED)),
    Case("fp16 that the Trainer scales", {"fp16": True, "max_grad_norm": 1.0},
         program("from transformers import Trainer, TrainingArguments")),
    Case("fp16 that Lightning scales", {"trainer": {"precision": "16-mixed"}, "gradient_clip_val": 1.0},
         program("import lightning")),
    Case("bf16 without a scaler", {"lr": 2e-4}, program("with torch.autocast('cuda', dtype=torch.bfloat16): pass")),
    Case("an epsilon that fp16 holds", {"fp16": True}, program(NORM.format(eps="1e-4"), step=CLIPPED)),
    Case("a small epsilon in 32 bits", {"amp": False}, program(NORM.format(eps="1e-8"))),
    Case("a small epsilon on the target of a loss", {"fp16": True},
         program(NORM.format(eps="1e-6").replace("forward", "forward_loss"), step=CLIPPED)),
    Case("the norm of the library", {"fp16": True}, program("n = nn.LayerNorm(4, eps=1e-6)", step=CLIPPED)),
    Case("an FFT in bf16", {"bf16": True}, program(CONV_FFT.format(before="pass", argument="x"))),
    Case("an FFT of what was cast", {"fp16": True},
         program(CONV_FFT.format(before="x = x.float()", argument="x"), step=CLIPPED)),
    Case("an FFT that casts", {"fp16": True},
         program(CONV_FFT.format(before="pass", argument="x.to(torch.float32)"), step=CLIPPED)),
    Case("an orthonormal loss", {"lr": 1e-4}, program(FFT_LOSS.format(norm=", norm='ortho'", after="pass"))),
    Case("a divided loss", {"lr": 1e-4}, program(FFT_LOSS.format(norm="", after="a, b = a / n, b / n"))),
    Case("a loss of logarithms", {"lr": 1e-4},
         program(FFT_LOSS.format(norm="", after="a, b = torch.log1p(a), torch.log1p(b)"))),
    Case("an FFT that is no loss", {"lr": 1e-4, "grad_clip": 1.0}, program("y = torch.fft.fft2(x)", optimizer="SGD")),
    Case("EDM as it is published", {"P_mean": -1.2, "P_std": 1.2, "sampler": {"sigma_min": 0.002, "sigma_max": 80}}),
    Case("no range of use", {"P_mean": -1.2, "P_std": 1.2}),
    Case("use within the noise of training", {"P_mean": -1.2, "P_std": 1.2, "eval": {"sigma_max": 1.0}}),
    Case("T_max in epochs", {"epochs": 100, "T_max": 100}),
    Case("T_max in steps", {"epochs": 100, "T_max": 50_000, "steps_per_epoch": 500}),
    Case("a dump of TrainingArguments",
         {"num_train_epochs": 3.0, "max_steps": -1, "warmup_steps": 0, "warmup_ratio": 0.0}),
    Case("numbers that count nothing", {"epochs": 10**400, "max_steps": 1, "steps_per_epoch": 3, "T_max": 10**300,
                                        "decay": float("nan"), "batch_size": -1, "eval": {"sigma_max": float("inf")},
                                        "P_mean": 0.0, "P_std": 1.0}),
    Case("decay ends with the run", {"max_iters": 600_000, "lr_decay_iters": 600_000, "warmup_iters": 2000}),
    Case("an evaluation in 32 bits", {"eval": {"precision": "fp32", "amp": False, "autocast": False},
                                      "fp16_full_eval": False, "precision": "bf16-mixed"}),
    Case("a schedule of epochs", {"epochs": 10, "T_max": 10}),
    Case("a block that casts before it divides", {"fp16": True},
         program(CENTRED.format(cast="x = x.float()"), step=CLIPPED)),
    Case("an evaluation under an autocast that a setting switches", {"fp16": True},
         program(JUDGE.format(how="enabled=args.amp"), "s = torch.amp.GradScaler()", step=CLIPPED)),
    Case("stages are planned", {"stages": ["alignment", "fusion"], "model": {"alignment": 1, "fusion": 2}}),
    Case("the alignment is frozen", {}, program("class AlignNet(nn.Module): pass", "class FusionNet(nn.Module): pass",
                                                "for p in align.parameters(): p.requires_grad = False")),
    Case("no alignment", {"model": {"fusion": {"n": 2}}}),
]  # fmt: skip

UNKNOWN = [
    # (rule, launch): it could not be asked, and says why
    ("RA501", Case("two batch sizes", {"batch_size": 4, "train": {"batch_size": 8}})),
    ("RA501", Case("two GPUs, and a program that spreads", {"batch_size": 4}, program("import lightning"),
                   {"env": {"gpu_count": 2}})),
    ("RA501", Case("accumulation by hand", {"batch_size": 4}, program("accumulated = 0"))),
    ("RA502", Case("no code", {"batch_size": 4}, more={"env": {"gpu_count": 1}})),
    ("RA502", Case("a switch decides on batch norm", {"batch_size": 4},
                   program("if args.norm:\n    n = nn.BatchNorm2d(8)"))),
    ("RA502", Case("nobody makes the block", {"batch_size": 4},
                   program("class B(nn.Module):\n    def __init__(self):\n        self.n = nn.BatchNorm2d(8)"))),
    ("RA510", Case("two rates", {"lr": 1e-3, "optim": {"lr": 1e-4}}, program(ATTENDS))),
    ("RA510", Case("warm-up by hand", {"lr": 1e-3}, program(ATTENDS, "warm_up(optimizer)", step=CLIPPED))),
    ("RA510", Case("a scheduler of one's own", {"lr": 1e-3},
                   program(ATTENDS, "s = torch.optim.lr_scheduler.LambdaLR(o, f)"))),
    ("RA510", Case("two optimisers", {"lr": 1e-3}, program(ATTENDS, "d = torch.optim.SGD(m, lr=1)"))),
    ("RA511", Case("nobody said where the weights start", {"lr": 1e-5}, program())),
    ("RA513", Case("a framework clips", {"fp16": True}, program("import lightning"))),
    ("RA520", Case("decided while it runs", {}, program("with torch.autocast('cuda', dtype=dtype, enabled=on): pass"))),
    ("RA530", Case("no code", {"lr": 1e-4})),
    ("RA531", Case("noise of another kind", {"eval": {"sigma_max": 10.0}}, program())),
    ("RA531", Case("nobody says which noise is met in use", {"P_mean": -4, "P_std": 1.2, "sigma_max": 80.0},
                   program())),
    ("RA550", Case("no code", {"model": {"alignment": 1, "fusion": 2}})),
]  # fmt: skip


def names(case: Case) -> str:
    return case.name


@pytest.mark.parametrize("case", FIRES, ids=names)
def test_what_is_off_is_said_by_its_rule_alone(case):
    said = asked(case.config, case.code, **case.more)

    assert [one.code for one in said.findings if one.code != "RA501"] == list(case.finds), said


@pytest.mark.parametrize("case", SILENT, ids=names)
def test_what_is_in_order_draws_no_word(case):
    said = asked(case.config, case.code, **case.more)

    assert [(one.code, one.message) for one in said.findings if one.code != "RA501"] == []


@pytest.mark.parametrize(("rule", "case"), UNKNOWN, ids=lambda one: one if isinstance(one, str) else one.name)
def test_what_cannot_be_determined_is_said_to_be_so_and_never_passed(rule, case):
    said = asked(case.config, case.code, **case.more)

    assert rule not in said.asked
    assert [skip.reason for skip in said.skipped if skip.code == rule] != [""]


@pytest.mark.parametrize(
    ("config", "argv", "message"),
    [
        ({"BATCH_SIZE": 4, "GRAD_ACCUM": 16}, (), "batch 4 x accumulation 16 x world 1 = 64"),
        ({"per_device_train_batch_size": 8, "gradient_accumulation_steps": 2, "world_size": 4}, (),
         "batch 8 x accumulation 2 x world 4 = 64"),
        ({"data": {"batch_size": 16}, "trainer": {"accumulate_grad_batches": 2, "devices": 2, "num_nodes": 2}}, (),
         "batch 16 x accumulation 2 x world 4 = 128"),
        ({}, ("--batch-size", "32"), "batch 32 x accumulation 1 x world 1 = 32 (no accumulation is set)"),
        ({"optim": {"batch": 8, "accumulate": 1}, "eval": {"batch_size": 64}}, (),
         "batch 8 x accumulation 1 x world 1 = 8"),
    ],
)  # fmt: skip
def test_the_effective_batch_is_a_product(config, argv, message):
    said = asked(config, program(), argv=argv)

    assert [one.message for one in said.findings if one.code == "RA501"] == [message]


def test_an_option_s_default_holds_where_nothing_else_is_said():
    code = program("parser = argparse.ArgumentParser()", "parser.add_argument('--batch-size', type=int, default=12)")

    assert "batch 12 x" in asked({}, code).findings[0].message
    assert "batch 3 x" in asked({}, code, argv=("--batch-size=3",)).findings[0].message


def test_a_program_that_cannot_be_read_is_not_said_to_lack_anything():
    broken = program(ATTENDS, "import other", **{"other.py": "optim = def ("})

    said = asked({"lr": 1e-3}, broken)
    assert said.findings == ()
    assert any("other.py cannot be read" in skip.reason for skip in said.skipped)


def test_what_was_read_is_remembered_as_it_was():
    import json

    code = program(ATTENDS, AUTOCAST, NORM.format(eps="1e-5"), FFT_LOSS.format(norm="", after="pass"))
    written = read_program("train.py", code.keys(), lambda path: code[path].encode())

    assert Written.from_json(json.loads(json.dumps(written.to_json()))) == written
    assert written.epsilons
    assert written.transforms


def test_the_example_of_a_rule_is_what_it_says_of_such_a_launch():
    said: dict[str, list[str]] = {}
    for case in FIRES:
        for one in asked(case.config, case.code, **case.more).findings:
            said.setdefault(one.code, []).append(one.message)

    for rule in RULES:
        example, messages = rule.example.split(), said.get(rule.code, ())
        likest = max((SequenceMatcher(None, one.split(), example).ratio() for one in messages), default=1)
        assert likest > 0.5, (said[rule.code], rule.example)
    assert {rule.code for rule in RULES if rule.code < "RA560"} <= said.keys()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_every_rule_of_the_lint_has_an_example_and_can_be_switched_off(rule):
    assert rule.example
    assert rule.switchable
    assert rule.reason


@pytest.mark.parametrize("name", ["train.py", "train_sched.py", "warmup/scheduler.py"])
def test_what_a_file_is_called_does_not_decide_what_is_set_in_it(name):
    code = textwrap.dedent("""
        import argparse, torch
        parser = argparse.ArgumentParser()
        parser.add_argument("--lr", type=float, default=1e-3)
        args = parser.parse_args()
        optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    """)
    written = read_program(name, [name], lambda path: code.encode())
    draft = Manifest.of({"config": {}, "launch": {"argv": ["python", name]}})

    assert lint_facts(draft, written)["rate"]().value == 1e-3
