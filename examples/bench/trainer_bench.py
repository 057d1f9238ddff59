"""What a step and a picture of the paper's network cost on this CPU, beside the same network written straight down.

Ours and `plain_piunet` have the same weights and are first held to the same outputs (1e-5 in fp32). Then they take
turns, and the ratio of each pair of turns is taken: what else the machine does meanwhile falls on both. One thread, CPU
seconds. bf16 is measured where the CPU has arithmetic for it; without, it is emulated, many times slower than fp32.

Beside it, of the real trainer on a small dataset: what recording a step costs as a share of the step, the time before
the first step, and what it costs to read tiles as they come up instead of holding them.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from plain_piunet import PlainPIUnet, copy_weights, plain_loss
from torch import Tensor

from trainer.data import PRESETS, make_dataset
from trainer.losses import elementwise, registered_loss
from trainer.models.paper import PaperPIUNet

FRAMES, SIDE, SCALE, BORDER = 9, 32, 3, 3
Turn = Callable[[], Any]


def networks(channels: int, blocks: int) -> tuple[PaperPIUNet, PlainPIUnet]:
    """Both networks with the same weights."""
    shape = {"channels": channels, "blocks": blocks, "heads": 1, "squeeze": 8, "scale": SCALE, "kernel": 5}
    ours = PaperPIUNet(**shape, identity_start=False, unit_gain=False).to(memory_format=torch.channels_last)
    plain = PlainPIUnet(**shape)
    copy_weights(ours, plain)
    return ours, plain


def steps(ours: PaperPIUNet, plain: PlainPIUnet, batch: int, dtype: torch.dtype | None) -> tuple[Turn, Turn]:
    """A training step of each up to the gradients; the optimiser is the same for both."""
    lr, hr = torch.rand(batch, FRAMES, SIDE, SIDE), torch.rand(batch, 1, SCALE * SIDE, SCALE * SIDE)
    clear, laplace = torch.ones_like(hr), elementwise("laplace", 0.0)

    def cast() -> Any:
        return nullcontext() if dtype is None else torch.autocast("cpu", dtype=dtype)

    def our_step() -> Tensor:
        ours.zero_grad(set_to_none=True)
        with cast():
            mean, log_scale = ours(lr)
        loss = registered_loss(mean, hr, clear, log_scale=log_scale, element=laplace, border=BORDER).mean()
        loss.backward()
        return loss.detach()

    def plain_step() -> Tensor:
        plain.zero_grad(set_to_none=True)
        with cast():
            mean, log_scale = plain(lr)
        loss = plain_loss(mean.float(), log_scale.float(), hr, clear, BORDER)
        loss.backward()
        return loss.detach()

    return our_step, plain_step


def pictures(ours: PaperPIUNet, plain: PlainPIUnet, side: int) -> tuple[Turn, Turn]:
    """One burst of `side` x `side` low-res pixels, as it is judged."""
    lr = torch.rand(1, FRAMES, side, side)

    def turn(net: torch.nn.Module) -> Turn:
        def picture() -> Any:
            with torch.inference_mode():
                return net(lr)

        return picture

    return turn(ours), turn(plain)


def require_equal(ours: PaperPIUNet, plain: PlainPIUnet) -> None:
    """Both are one function, or their times compare nothing."""
    lr = torch.rand(1, FRAMES, SIDE, SIDE)
    for net in (ours, plain):
        net.eval()
    with torch.inference_mode():
        gaps = [float((a - b).abs().max()) for a, b in zip(ours(lr), plain(lr), strict=True)]
    for net in (ours, plain):
        net.train()
    print(f"outputs differ by at most {max(gaps):.1e}")
    if max(gaps) > 1e-5:
        raise SystemExit("the networks are not the same function")


def compared(name: str, one: Turn, other: Turn, turns: int) -> None:
    """Median of the paired ratios, the quarter points, and the fastest turn of each."""
    one(), other()
    pairs = [(cost(one), cost(other)) for _ in range(turns)]
    ratios = sorted(theirs / ours for ours, theirs in pairs)
    low, mid, high = statistics.quantiles(ratios, n=4)
    ours, theirs = (min(column) for column in zip(*pairs, strict=True))
    print(f"{name:28} {mid:5.2f} x ({low:.2f} to {high:.2f}); at best {ours * 1e3:.0f} ms, plain {theirs * 1e3:.0f} ms")


def cost(turn: Turn) -> float:
    """CPU seconds."""
    began = time.process_time()
    turn()
    return time.process_time() - began


def main() -> None:
    """Compare at the paper's width; fewer of its 16 blocks, which are all alike, unless asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--channels", type=int, default=42)
    parser.add_argument("--blocks", type=int, default=2)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--turns", type=int, default=9)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    torch.use_deterministic_algorithms(True)
    ours, plain = networks(options.channels, options.blocks)
    print(f"{options.channels} channels, {options.blocks} blocks, batch {options.batch};", end=" ")
    print(f"CPU with {torch.backends.cpu.get_cpu_capability()}, torch {torch.__version__}")
    require_equal(ours, plain)
    compared("step, fp32", *steps(ours, plain, options.batch, None), options.turns)
    if torch.ops.mkldnn._is_mkldnn_bf16_supported():  # noqa: SLF001 - torch has no public way to ask
        compared("step, bf16", *steps(ours, plain, options.batch, torch.bfloat16), options.turns)
    else:
        print("step, bf16                   not measured: this CPU has no arithmetic in bf16")
    ours.eval(), plain.eval()
    for side in (SIDE, 4 * SIDE):
        compared(f"picture of {side} x {side}", *pictures(ours, plain, side), options.turns)
    with tempfile.TemporaryDirectory() as folder:
        real_runs(Path(folder))


def real_runs(folder: Path) -> None:
    """Two runs of the demo's cheapest stage, one that holds its tiles and one that reads them as they come up."""
    data = make_dataset(folder / "bursts", PRESETS["quick"], 0)
    project = folder / "project"
    project.mkdir()
    config = Path(__file__).parents[1] / "piunet_stages"
    for name in ("base.toml", "flow_staged.toml"):
        shutil.copy(config / name, project)
    git = ["git", "-C", str(project), "-c", "user.name=bench", "-c", "user.email=bench@example.org"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "start"]):
        subprocess.run([*git, *words], check=True)
    for name, changes in {"held": (), "read as they come up": ("data.memory_mb=12", "data.shuffle_bursts=3")}.items():
        before, step, log = one_run(project, data, name, changes)
        print(f"tiles {name}: {before:.1f} s before the first step, median step {step * 1e3:.1f} ms", end=", ")
        print(f"recording it {log * 1e6:.0f} us, {log / step:.2%} of the step")


def one_run(project: Path, data: Path, name: str, changes: tuple[str, ...]) -> tuple[float, float, float]:
    """Seconds of wall before the first step, and medians of the seconds a step and its recording took."""
    budget = ("budget.align_steps=5", "budget.sr_steps=60", "eval.self_ensemble=false", "eval.ibp_iterations=1")
    words = [f"--set={word}" for word in (f"data.root={data}", *budget, *changes)]
    code = (
        "import statistics, sys, time; began = time.perf_counter()\n"
        "from trainer import cli, loop, recording\n"
        "spent, first, plain, log = [], [], loop.train_step, recording.SealedLog.log\n"
        "def step(*a, **k):\n"
        "    first or first.append(time.perf_counter() - began)\n"
        "    return plain(*a, **k)\n"
        "def told(*a, **k):\n"
        "    at = time.perf_counter(); log(*a, **k); spent.append(time.perf_counter() - at)\n"
        "    steps.append(a[2].get('time/step_s'))\n"
        "steps, loop.train_step, recording.SealedLog.log = [], step, told\n"
        "assert cli.main(sys.argv[1:]) == 0\n"
        "taken = [s for s in steps if s is not None][5:]\n"
        "print(first[0], statistics.median(taken), statistics.median(spent), file=sys.stderr)\n"
    )
    command = [sys.executable, "-c", code, "train", "--config", "flow_staged.toml", "--seed", "0"]
    done = subprocess.run(
        [*command, "--label", f"tiles {name}, timed", "--store", f".runaudit-{len(changes)}", *words],
        cwd=project, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr)
    before, step, log = map(float, done.stderr.splitlines()[-1].split())
    return before, step, log


if __name__ == "__main__":
    main()
