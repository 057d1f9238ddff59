"""The forms that a page comes in: records small enough to be made in a second, rendered as a user does it.

Each form makes runs in an empty store and names those that are put on the page (none: all); the page is then written by
`runaudit report`.
"""

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from runaudit.campaign.file import read_campaign
from runaudit.cli.app import main
from runaudit.records.digest import digest_bytes
from runaudit.records.run import Run
from runaudit.records.trajectory import Trajectory
from runaudit.store import Store
from tests.conftest import SEQUENCES, _metrics, _run, _seal, _trajectory, png

NAMES = ("bicubic start", "end to end", "staged, flow", "staged, TERN", "staged, TERN, wider")
MARK = "window.__ran = (window.__ran || 0) + 1; console.warn('it ran')"
HOSTILE = (
    f"<script>{MARK}</script>",
    f'"\'><img src=x onerror="{MARK}">',
    f"javascript:{MARK}",
    f"</style><script>{MARK}</script>",
    f"</script><script>{MARK}</script>",
    f'--></title><svg onload="{MARK}">',
    "]]>{{7*7}}{% raw %}${7*7}<%= 7*7 %>",
    "' autofocus onfocus='" + MARK,
    "\u202egnp.exe\u2066\u200b\u200d\ufeff\x07\x1b[31m\x00\u2028",
    "W" * 10_000,
    "a b " * 2_500,
    "![x](http://127.0.0.1:9/x.png) <http://127.0.0.1:9>",
)
"""What somebody may call a run, a setting, a file, a metric or a stage."""


def classifier(seed: int = 0, *, lr: float = 0.1, best: float = 0.91, status: str = "completed", **more: Any) -> Run:
    """A run of a program that knows nothing of images."""
    rng = random.Random(seed)
    steps = 60 if status == "completed" else 25
    # Of two arms whose training is one to the last bit nobody knows what was measured.
    loss = tuple((n, math.exp(-n / 20) * (1 + rng.gauss(0, 0.05)) + 1e-3 * (lr - best)) for n in range(steps))
    accuracy = tuple((n, best * (1 - math.exp(-n / 15)) + rng.gauss(0, 0.003)) for n in range(5, steps, 5))
    metrics = {"val/accuracy": accuracy[-1][1], "val/loss": loss[-1][1]}
    series = {"train/loss": loss, "val/accuracy": accuracy, "lr": ((0, lr), (steps, 0.0))}
    return _run(
        status=status,
        seed=seed,
        metrics=metrics if status == "completed" else None,
        trajectory=Trajectory(series=series, events=()),
        eval={"metric": "val/accuracy", "direction": "higher"},
        **({"label": f"lr {lr}", "config": {"optimizer": {"name": "sgd", "lr": lr}, "width": 64}} | more),
    )


def source(text: str, name: str = "model.py") -> tuple[dict[str, Any], bytes]:
    """A manifest's `code` with one file in it, and the bytes of that."""
    data = text.encode()
    about = {"digest": str(digest_bytes(data)), "size": len(data)}
    return {"commit": "4f" * 20, "branch": "main", "dirty": False, "patch": None, "files": {name: about}}, data


def alone(store: Store) -> Sequence[str]:
    return [_seal(store, classifier()).id]


def pair(store: Store) -> Sequence[str]:
    return [_seal(store, classifier(lr=lr)).id for lr in (0.1, 0.3)]


def cohorts(store: Store) -> Sequence[str]:
    """Two arms of three seeds, of which one crashed; a line of the code differs, and what follows from it."""
    for name, text, best in (("relu", "act = relu(x)", 0.90), ("gelu", "act = gelu(x)", 0.93)):
        code, data = source("\n".join([*(f"line_{n} = {n}" for n in range(40)), text, "wide = " + "x + " * 60 + "x"]))
        for seed in range(3):
            status = "crashed" if (name, seed) == ("gelu", 2) else "completed"
            _seal(store, classifier(seed, best=best, label=name, code=code, status=status), sources=(data,))
    return ["relu", "gelu"]


def arms(store: Store) -> Sequence[str]:
    """Five arms of super-resolution with pictures, of two seeds, the last two under AMP."""
    for place, name in enumerate(NAMES):
        for seed in range(2):
            gains = tuple(gain + 0.2 * place for gain in (2.0, 1.5, 1.8))
            run = _run(
                label=name,
                seed=seed,
                metrics=_metrics(seed, gains=gains),
                trajectory=_trajectory(seed, 200, stages=(("alignment", 0), ("fusion", 90)), amp=place > 2),
                config={"schedule": name, "alignment": "flow", "amp": {"dtype": "fp16" if place > 2 else "off"}},
            )
            kinds = ("lr", "bicubic", "sr", "hr", "error")
            pictures = {
                f"panels/{scene}/{kind}.png": png(24, seed=place + n)
                for scene in SEQUENCES[:2]
                for n, kind in enumerate(kinds)
            }
            _seal(store, run, pictures)
    return NAMES


CAMPAIGN = """\
name = "three rates"
command = "python train.py --lr {lr} --seed {seed}"
seeds = "0-2"
arms = [{label = "slow", values = {lr = 0.1}}, {label = "fast", values = {lr = 0.3}},
        {label = "faster", values = {lr = 0.9}}, {label = "never begun", values = {lr = 2.7}}]
"""


def campaign(store: Store) -> Sequence[str]:
    """Arms of a campaign that was stopped: one job crashed, two of its arm and a whole arm were not begun."""
    file = store.root.parent / "rates.toml"
    file.write_text(CAMPAIGN)
    for job in read_campaign(file).jobs:
        if job.arm == "never begun" or (job.arm, job.seed) in (("faster", 1), ("faster", 2)):
            continue
        lr = float(job.asked.command[3])
        run = classifier(job.seed, lr=lr, best=0.9 + lr / 10, status="crashed" if job.arm == "faster" else "completed",
                         label=job.arm, origin={"kind": "captured", "campaign": job.asked.mark})  # fmt: skip
        _seal(store, run)
    return ["--campaign", str(file)]


def foreign(store: Store) -> Sequence[str]:
    """Two tables that another program left."""
    tables = []
    for name, best in (("first", 0.9), ("second", 0.8)):
        rows = "".join(f"{n},{2 / n},{best - 0.5 / n}\n" for n in range(1, 41))
        tables.append(store.root.parent / f"{name}.csv")
        tables[-1].write_text(f"step,train/loss,val/accuracy\n{rows}")
    with pytest.raises(SystemExit) as ended:
        main(["import", "csv", *map(str, tables), "--store", str(store.root)])
    assert ended.value.code == 0
    return ()


def damaged(store: Store) -> Sequence[str]:
    """Two runs, one of whose checkpoints was altered after it was sealed."""
    found = [_seal(store, classifier(lr=lr)).id for lr in (0.1, 0.3)]
    (store.run_dir(found[1]) / "last.safetensors").write_bytes(b"other weights")
    return found


def bare(store: Store) -> Sequence[str]:
    """A run that logged nothing and reached nothing, and one that never ended."""
    nothing = Trajectory(series={}, events=())
    settings = {"seed_proof": ..., "eval": ..., "data": {}}
    ended = _run(metrics={}, trajectory=nothing, **settings)
    open_ended = _run(status=None, seed=1, trajectory=nothing, label="never ended", **settings)
    return [_seal(store, run).id for run in (ended, open_ended)]


def hostile(store: Store) -> Sequence[str]:
    """Two arms that say hostile things wherever a run may say something of its own."""
    found = []
    for side in range(2):
        words = [*HOSTILE[side:], *HOSTILE[:side]]
        code, data = source("\n".join(HOSTILE[: side + 8]), name=words[0])
        run = _run(
            label=words[0],
            seed=words[1],
            config={word: {word: [word, side]} for word in words},
            data={word: {"path": word, "digest": f"sha256:{'a1' * 32}"} for word in words[:4]},
            code=code | {"branch": words[2]},
            env={word: word for word in words},
            seed_proof={word: word for word in words[:3]},
            waivers=[{"rule": word, "reason": word, "until": word} for word in words[:4]],
            intent=list(words[:3]),
            unknown={word: word for word in words[:4]},
            metrics={f"val/{word}": 1.0 + side for word in words}
            | {f"full_frame/psnr{kind}/{word}": 30.0 for word in words if "/" not in word for kind in ("", "_bicubic")},
            trajectory=_trajectory(
                side, 60, stages=((words[0], 0), (words[3], 30)), **dict.fromkeys(words, ((0, 1.0), (5, 2.0)))
            ),
            outcome={"error": words[0], "notes": list(words)},
        )  # fmt: skip
        found.append(_seal(store, run, sources=(data,)).id)
    return found


FORMS: dict[str, Callable[[Store], Sequence[str]]] = {
    form.__name__: form for form in (alone, pair, cohorts, arms, campaign, foreign, damaged, bare, hostile)
}
