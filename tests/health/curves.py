"""Training trajectories as real programs log them: healthy ones and failing ones, by seed.

Written without a look at the rules they test, so that a rule cannot be tuned into its own examples. Every curve is what
a practitioner would call fine (HEALTHY) or would point at (FAILING), under the names that real programs log.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import log
from typing import Any

import numpy as np
from numpy.random import Generator

Series = dict[str, list[tuple[int, float]]]
Event = tuple[int, str, dict[str, Any]]


@dataclass(frozen=True)
class Case:
    """One run: what it logged, and the truth about it. `finding` None: healthy. `step`: where it truly began."""

    family: str
    finding: str | None
    step: int | None
    last: int
    series: Series
    events: tuple[Event, ...] = ()
    config: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    init: dict[str, Any] = field(default_factory=lambda: {"kind": "random"})


# ------------------------------------------------------------------------------------------------ building blocks

TRAIN = ("train/loss", "loss", "train_loss", "Loss/train", "training_loss", "train/total_loss", "Train/loss")
PAIRS = (
    ("train/loss", "val/loss"),
    ("train_loss", "val_loss"),
    ("loss", "val_loss"),
    ("Loss/train", "Loss/val"),
    ("train/loss", "eval/loss"),
    ("loss", "eval_loss"),
    ("train_loss", "valid_loss"),
    ("train/loss", "val/l1"),
    ("Loss/train", "Loss/test"),
    ("training_loss", "validation_loss"),
    ("train/loss", "validation/loss"),
)
ACC = (
    ("train/accuracy", "val/accuracy"),
    ("train_acc", "val_acc"),
    ("accuracy", "val_accuracy"),
    ("Accuracy/train", "Accuracy/val"),
    ("train/acc", "eval/accuracy"),
)
LRS = ("train/lr", "lr", "learning_rate", "train/learning_rate", "lr-AdamW", "lr/group0")
EVERY = (1, 1, 2, 5, 10, 10, 20, 25, 50, 50, 100, 100, 200, 500)


def pick(rng: Generator, of: Any) -> Any:
    """One of these."""
    return of[int(rng.integers(len(of)))]


def uni(rng: Generator, low: float, high: float) -> float:
    return float(rng.uniform(low, high))


def logu(rng: Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(log(low), log(high))))


def length(rng: Generator, low: int = 60, high: int = 3000) -> int:
    return round(logu(rng, low, high))


def grid(rng: Generator, n: int, every: int | None = None) -> np.ndarray:
    """Logged steps: some programs start at 0, some at 1, some at the interval."""
    k = pick(rng, EVERY) if every is None else every
    return np.arange(n, dtype=np.int64) * k + pick(rng, (0, 1, k))


def pts(steps: Any, values: Any) -> list[tuple[int, float]]:
    return list(zip(np.asarray(steps, dtype=np.int64).tolist(), np.asarray(values, dtype=float).tolist(), strict=True))


def unit(n: int) -> np.ndarray:
    """0 to 1 over n points."""
    return np.arange(n) / max(n - 1, 1)


def decay(rng: Generator, x: np.ndarray, kind: str | None = None, *, settled: bool = False) -> np.ndarray:
    """From 1 towards 0 over x in 0..1. `settled`: it has converged well before the end."""
    kind = kind or pick(rng, ("exp", "power", "stretched", "two"))
    if settled:
        kind = pick(rng, ("exp", "two"))
    if kind == "exp":
        return np.exp(-x / (uni(rng, 0.03, 0.1) if settled else uni(rng, 0.03, 0.3)))
    if kind == "power":
        return (1 + x * logu(rng, 50, 2000)) ** -uni(rng, 0.25, 0.8)
    if kind == "stretched":
        return np.exp(-((x / uni(rng, 0.02, 0.15)) ** uni(rng, 0.5, 0.9)))
    part = uni(rng, 0.5, 0.85)
    return part * np.exp(-x / uni(rng, 0.01, 0.04)) + (1 - part) * np.exp(-x / uni(rng, 0.06, 0.1 if settled else 0.4))


def ar1(rng: Generator, n: int, rho: float) -> np.ndarray:
    e = rng.standard_normal(n) * np.sqrt(1 - rho * rho)
    out, now = np.empty(n), float(rng.standard_normal())
    for i, v in enumerate(e.tolist()):
        now = rho * now + v
        out[i] = now
    return out


def noisy(
    rng: Generator, clean: np.ndarray, level: float | None = None, kind: str | None = None, positive: bool = True
) -> np.ndarray:
    """`clean` as a mini-batch sees it. level: of the whole range of `clean` (or of the value, if multiplicative)."""
    n = len(clean)
    kind = kind or pick(rng, ("gauss", "mult", "hetero", "ar", "t3"))
    span = float(np.ptp(clean)) or abs(float(clean[0])) or 1.0
    level = logu(rng, 0.003, 0.08) if level is None else level
    if kind == "mult":
        out = (
            clean * np.exp(level * 1.5 * rng.standard_normal(n))
            if clean.min() > 0
            else clean + level * span * rng.standard_normal(n)
        )
    elif kind == "hetero":
        out = clean + level * (0.15 * span + np.abs(clean - clean.min())) * rng.standard_normal(n)
    elif kind == "ar":
        out = clean + level * span * ar1(rng, n, uni(rng, 0.3, 0.8))
    elif kind == "t3":
        out = clean + level * span * 0.6 * rng.standard_t(3, n)
    else:
        out = clean + level * span * rng.standard_normal(n)
    if positive and clean.min() > 0:  # A positive loss stays positive however bad the batch is.
        floor = clean * 0.3
        out = np.where(out < floor, floor * np.exp(0.1 * rng.standard_normal(n)), out)
    return out


def amounts(rng: Generator) -> tuple[float, float]:
    """Start and floor of a loss, of whatever scale."""
    start = logu(rng, 0.02, 12)
    return start, start * uni(rng, 0.03, 0.6)


def loss(rng: Generator, n: int, *, settled: bool = False, kind: str | None = None) -> np.ndarray:
    start, floor = amounts(rng)
    return floor + (start - floor) * decay(rng, unit(n), kind, settled=settled)


def cosine_lr(rng: Generator, n: int, warm: float = 0.03) -> np.ndarray:
    x, top = unit(n), logu(rng, 1e-4, 3e-3)
    return (
        top
        * np.minimum(1, (x + 1e-3) / (warm + 1e-3))
        * (0.5 + 0.5 * np.cos(np.pi * np.clip((x - warm) / (1 - warm), 0, 1)))
    )


def constant_lr(rng: Generator, n: int) -> np.ndarray:
    return np.full(n, logu(rng, 1e-5, 3e-3))


def vals(rng: Generator, steps: np.ndarray, m: int) -> np.ndarray:
    """m validation steps, evenly over the run, the last included."""
    return np.unique(np.round(np.linspace(steps[0], steps[-1], m + 1)[1:]).astype(np.int64))


def case(family: str, series: Series, finding: str | None = None, step: Any = None, **more: Any) -> Case:
    last = max(s for points in series.values() for s, _ in points)
    return Case(
        family=family, finding=finding, step=None if step is None else int(step), last=last, series=series, **more
    )


def grad_norm(rng: Generator, n: int, *, level: float | None = None, trend: float | None = None) -> np.ndarray:
    """Log-normal about a slow trend (a factor over the run), an outlier now and then."""
    level = logu(rng, 0.05, 5) if level is None else level
    trend = logu(rng, 1 / 3, 3) if trend is None else trend
    g = level * trend ** unit(n) * np.exp(uni(rng, 0.1, 0.45) * rng.standard_normal(n))
    hit = rng.random(n) < uni(rng, 0, 0.004)
    return np.where(hit, g * rng.uniform(3, 10, n), g)


def grad_scaler(
    skip: np.ndarray, *, init: float = 65536.0, growth: int = 2000, tracker: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """torch.amp.GradScaler: (scale after each step, steps skipped so far). skip[i]: log2 of the largest scale at which
    step i has finite gradients (-inf: never; +inf: always)."""
    scale, n = float(init), len(skip)
    scales, skips, count = [0.0] * n, [0] * n, 0
    limit = np.exp2(np.clip(skip, -200, 200)).tolist()
    for i in range(n):
        if scale > limit[i]:
            scale *= 0.5
            if scale < 2.0**-149:
                scale = 0.0
            tracker, count = 0, count + 1
        else:
            tracker += 1
            if tracker == growth:
                tracker = 0
                if scale * 2 < 3.4e38:
                    scale *= 2
        scales[i], skips[i] = scale, count
    return np.array(scales), np.array(skips, dtype=float)


def deepspeed_scaler(skip: np.ndarray, *, init: float, window: int, hysteresis: int) -> tuple[np.ndarray, np.ndarray]:
    """DeepSpeed's DynamicLossScaler, which forgives `hysteresis` - 1 overflows before it halves."""
    scale, left, last, count, n = float(init), hysteresis, -1, 0, len(skip)
    limit = np.exp2(np.clip(skip, -200, 200)).tolist()
    scales, skips = [0.0] * n, [0.0] * n
    for i in range(n):
        if scale > limit[i]:
            if hysteresis == 1 or left == 1:
                scale = max(scale / 2, 1.0)
            else:
                left -= 1
            last, count = i, count + 1
        elif (i - last) % window == 0:
            left = hysteresis
            scale *= 2
        scales[i], skips[i] = scale, float(count)
    return np.array(scales), np.array(skips)


def ceilings(rng: Generator, n: int, level: float | None = None) -> np.ndarray:
    """log2 of the scale that overflows: the largest gradient of a batch varies, and drifts as the network learns."""
    level = uni(rng, 16.2, 23) if level is None else level
    return level + uni(rng, -0.5, 1.0) * unit(n) + uni(rng, 0.05, 0.2) * rng.standard_normal(n)


SCALES = (
    ("amp/scale", "amp/skipped"),
    ("amp/scale", "amp/skipped"),
    ("amp/scale", "amp/skipped"),
    ("train/amp_scale", None),
    ("grad_scale", None),
    ("scaler/scale", None),
    ("loss_scale", "skipped_steps"),
)


def fp16_run(
    rng: Generator,
    n: int,
    scale: np.ndarray,
    skipped: np.ndarray | None,
    *,
    every: int = 1,
    names: Any = None,
    first: int = 1,
    curve: np.ndarray | None = None,
) -> Series:
    """What an fp16 run logs each `every` steps: loss, scale, mostly the skips, gradient norm, rate."""
    steps = np.arange(n) + first
    keep = np.arange(every - 1, n, every)
    name, skips = names or pick(rng, SCALES)
    train = "train/loss" if "/" in name else pick(rng, ("loss", "train_loss"))
    values = noisy(rng, loss(rng, n), kind=pick(rng, ("gauss", "mult", "hetero"))) if curve is None else curve
    out = {train: pts(steps[keep], values[keep]), name: pts(steps[keep], scale[keep])}
    if skips and skipped is not None:
        out[skips] = pts(steps[keep], skipped[keep])
    if rng.random() < 0.6:
        g = grad_norm(rng, n)
        if skipped is not None:  # A step that was skipped had no finite gradient.
            g = np.where(np.diff(skipped, prepend=0) > 0, np.inf, g)
        out["train/grad_norm" if "/" in name else "grad_norm"] = pts(steps[keep], g[keep])
    if rng.random() < 0.6:
        out["train/lr" if "/" in name else "lr"] = pts(steps[keep], cosine_lr(rng, n)[keep])
    return out


# --------------------------------------------------------------------------------------------------- healthy families


def _plain(family: str, kind: str, shape: str | None = None) -> Callable[[Generator], Case]:
    def make(rng: Generator) -> Case:
        n = length(rng, 40, 4000)
        steps = grid(rng, n)
        out = {pick(rng, TRAIN): pts(steps, noisy(rng, loss(rng, n, kind=shape), logu(rng, 0.002, 0.15), kind))}
        if rng.random() < 0.5:
            out[pick(rng, LRS)] = pts(steps, cosine_lr(rng, n))
        return case(family, out)

    return make


def _cyclic(logged: bool) -> Callable[[Generator], Case]:
    def make(rng: Generator) -> Case:
        n, cycles = length(rng, 200, 3000), uni(rng, 3, 15)
        steps, x = grid(rng, n), unit(n)
        tri = np.abs((x * cycles * 2) % 2 - 1)
        tri = 1 - tri if rng.random() < 0.5 else tri
        base = loss(rng, n)
        value = base + (base - base.min() * 0.6) * uni(rng, 0.03, 0.25) * tri
        names = pick(rng, PAIRS)
        out = {names[0]: pts(steps, noisy(rng, value, logu(rng, 0.003, 0.05)))}
        if rng.random() < 0.4:
            v = vals(rng, steps, int(rng.integers(30, 100)))
            out[names[1]] = pts(v, noisy(rng, np.interp(v, steps, value * uni(rng, 1, 1.2)), 0.005, "gauss"))
        if logged:
            low = logu(rng, 1e-5, 1e-4)
            out[pick(rng, LRS)] = pts(steps, low + (logu(rng, 5e-4, 5e-3) - low) * tri)
        return case("cyclic_lr_logged" if logged else "cyclic_lr_hidden", out)

    return make


def h_warm_restarts(rng: Generator) -> Case:
    n, first = length(rng, 200, 3000), uni(rng, 0.07, 0.25)
    steps, x = grid(rng, n), unit(n)
    phase, at, size = np.zeros(n), 0.0, first
    mult = pick(rng, (1.0, 1.5, 2.0))
    while at < 1:
        inside = (x >= at) & (x < at + size)
        phase[inside] = (x[inside] - at) / size
        at, size = at + size, size * mult
    lr = 0.5 + 0.5 * np.cos(np.pi * phase)
    base = loss(rng, n)
    bump = np.where(x > first, np.exp(-phase / 0.25), 0)
    value = base + uni(rng, 0.05, 0.3) * (base - base.min() * 0.7) * bump
    out = {pick(rng, TRAIN): pts(steps, noisy(rng, value, logu(rng, 0.003, 0.04)))}
    out[pick(rng, LRS)] = pts(steps, logu(rng, 1e-4, 3e-3) * (lr + 1e-3))
    return case("warm_restarts", out)


def h_step_decay(rng: Generator) -> Case:
    n = length(rng, 90, 2000)
    steps, x = grid(rng, n), unit(n)
    start, floor = amounts(rng)
    marks = (uni(rng, 0.3, 0.45), uni(rng, 0.6, 0.75), uni(rng, 0.85, 0.92))
    level = 0.45 * (start - floor)
    clean = floor + level + (start - floor - level) * np.exp(-x / uni(rng, 0.03, 0.1))
    lr = np.full(n, pick(rng, (0.1, 0.01, 1e-3)))
    for mark, part in zip(marks, (0.6, 0.25, 0.1), strict=True):
        clean = clean - level * part * (x > mark) * (1 - np.exp(-np.maximum(x - mark, 0) / 0.015))
        lr = np.where(x > mark, lr * 0.1, lr)
    names = pick(rng, PAIRS)
    out = {names[0]: pts(steps, noisy(rng, clean, logu(rng, 0.005, 0.05)))}
    if rng.random() < 0.6:
        v = vals(rng, steps, int(rng.integers(20, 120)))
        out[names[1]] = pts(v, noisy(rng, np.interp(v, steps, clean * uni(rng, 1.02, 1.3)), 0.01, "gauss"))
    if rng.random() < 0.8:
        out[pick(rng, LRS)] = pts(steps, lr)
    return case("step_decay", out)


def h_warmup_hump(rng: Generator) -> Case:
    n = length(rng, 100, 3000)
    steps, x = grid(rng, n), unit(n)
    base, warm = loss(rng, n), uni(rng, 0.02, 0.08)
    hump = uni(rng, 0.1, 0.6) * (base[0] - base[-1]) * np.exp(-(((x - warm) / (warm * 0.4)) ** 2))
    out = {pick(rng, TRAIN): pts(steps, noisy(rng, base + hump, logu(rng, 0.005, 0.04)))}
    if rng.random() < 0.7:
        out[pick(rng, LRS)] = pts(steps, cosine_lr(rng, n, warm))
    return case("warmup_hump", out)


def h_nll(rng: Generator) -> Case:
    n = length(rng, 80, 3000)
    steps = grid(rng, n)
    low, high = -uni(rng, 0.5, 5), uni(rng, -0.3, 4)
    clean = low + (high - low) * decay(rng, unit(n))
    names = pick(
        rng,
        (
            ("train/nll", "val/nll"),
            ("train/loss", "val/loss"),
            ("nll", "val_nll"),
            ("loss", "val_loss"),
            ("train/loss/laplace", "val/laplace"),
        ),
    )
    out = {names[0]: pts(steps, noisy(rng, clean, logu(rng, 0.005, 0.08), pick(rng, ("gauss", "ar", "t3", "hetero"))))}
    if rng.random() < 0.5:
        v = vals(rng, steps, int(rng.integers(15, 80)))
        x = (v - v[0]) / max(v[-1] - v[0], 1)
        out[names[1]] = pts(v, noisy(rng, low * 0.9 + (high - low) * decay(rng, x, settled=True), 0.01, "gauss"))
    return case("nll_below_zero", out)


def h_tiny(rng: Generator) -> Case:
    n = length(rng, 60, 3000)
    steps = grid(rng, n)
    start, end = logu(rng, 1e-4, 1e-1), logu(rng, 1e-8, 3e-6)
    clean = end + (start - end) * np.exp(-unit(n) / uni(rng, 0.03, 0.12))
    if rng.random() < 0.5:  # An interpolating network: straight on a log axis, then a noisy floor.
        clean = np.maximum(start * (end / start) ** np.minimum(1, unit(n) / uni(rng, 0.5, 0.9)), end)
    return case("near_zero_loss", {pick(rng, TRAIN): pts(steps, noisy(rng, clean, logu(rng, 0.05, 0.3), "mult"))})


def h_sparse(rng: Generator) -> Case:
    n = int(rng.integers(12, 41))
    steps = grid(rng, n, pick(rng, (50, 100, 500, 1000)))
    names = pick(rng, PAIRS)
    clean = loss(rng, n)
    out = {names[0]: pts(steps, noisy(rng, clean, logu(rng, 0.005, 0.08)))}
    if rng.random() < 0.5:
        out[names[1]] = pts(steps, noisy(rng, clean * uni(rng, 1.0, 1.2), 0.02, "gauss"))
        out[pick(rng, LRS)] = pts(steps, cosine_lr(rng, n))
    return case("sparse_log", out)


def h_per_epoch(rng: Generator) -> Case:
    n = int(rng.integers(20, 201))
    steps = np.arange(n) + pick(rng, (0, 1))
    names, acc = pick(rng, PAIRS), pick(rng, ACC)
    x, start = unit(n), uni(rng, 0.7, 4)
    train = start * uni(rng, 0.05, 0.3) + start * 0.7 * np.exp(-x / uni(rng, 0.05, 0.15))
    val = start * uni(rng, 0.3, 0.4) + start * 0.55 * np.exp(-x / uni(rng, 0.04, 0.08))
    out = {names[0]: pts(steps, noisy(rng, train, 0.01)), names[1]: pts(steps, noisy(rng, val, 0.015, "gauss"))}
    if rng.random() < 0.6:
        top = uni(rng, 0.6, 0.97)
        out[acc[1]] = pts(steps, np.clip(top - (top - 0.1) * np.exp(-x / 0.06) + 0.006 * rng.standard_normal(n), 0, 1))
        out[acc[0]] = pts(
            steps, np.clip(top + 0.02 - (top - 0.1) * np.exp(-x / 0.08) + 0.003 * rng.standard_normal(n), 0, 1)
        )
    out["epoch"] = pts(steps, steps)
    out["lr"] = pts(steps, cosine_lr(rng, n))
    return case("per_epoch", out)


def h_very_long(rng: Generator) -> Case:
    n = int(rng.integers(8000, 20001))
    steps = grid(rng, n, pick(rng, (1, 1, 10, 50)))
    return case("very_long", {pick(rng, TRAIN): pts(steps, noisy(rng, loss(rng, n), logu(rng, 0.01, 0.15)))})


def h_curriculum(rng: Generator) -> Case:
    """The loss rises when the task gets harder, and falls again; the program says so in a series."""
    n, parts = length(rng, 150, 2500), int(rng.integers(2, 5))
    steps, x = grid(rng, n), unit(n)
    cuts = np.sort((np.arange(1, parts) + rng.uniform(-0.2, 0.2, parts - 1)) / parts)
    level = np.searchsorted(cuts, x, side="right")
    since = x - np.concatenate([[0.0], cuts])[level]
    start, floor = amounts(rng)
    clean = floor + (start - floor) * np.where(level == 0, np.exp(-x / 0.05), 0)
    for i in range(1, parts):
        clean = clean + np.where(
            level == i, (start - floor) * uni(rng, 0.15, 0.45) * np.exp(-since / uni(rng, 0.03, 0.08)), 0
        )
    clean = clean + floor * 0.1 * level
    name = pick(rng, ("curriculum/level", "difficulty", "train/curriculum_level", "seq_len", "resolution"))
    value = 2.0 ** (level + 5) if name in ("seq_len", "resolution") else level.astype(float)
    events: tuple[Event, ...] = ()
    if rng.random() < 0.6:
        events = tuple(
            (
                int(steps[0] if i == 0 else steps[np.searchsorted(x, cuts[i - 1])]),
                "stage",
                {"name": f"level {i}", "trains": ["model"]},
            )
            for i in range(parts)
        )
    return case(
        "curriculum",
        {pick(rng, TRAIN): pts(steps, noisy(rng, clean, logu(rng, 0.005, 0.04))), name: pts(steps, value)},
        events=events,
    )


GANS = (
    ("G_loss", "D_loss"),
    ("loss/generator", "loss/discriminator"),
    ("loss_g", "loss_d"),
    ("train/g_loss", "train/d_loss"),
    ("errG", "errD"),
    ("gen_loss", "disc_loss"),
    ("train/loss_G", "train/loss_D"),
    ("generator/loss", "discriminator/loss"),
    ("g_loss", "d_loss"),
    ("Loss/G", "Loss/D"),
    ("train/generator_loss", "train/discriminator_loss"),
    ("loss_gen", "loss_critic"),
)


def h_gan(rng: Generator) -> Case:
    n = length(rng, 100, 4000)
    steps, x = grid(rng, n), unit(n)
    names = pick(rng, GANS)
    sd = uni(rng, 0.05, 0.35)
    if "critic" in names[1]:  # Wasserstein: signed, the estimate shrinks.
        d = (
            -uni(rng, 2, 20)
            * (0.1 + 0.9 * np.exp(-x / 0.2))
            * (1 + 0.2 * rng.standard_normal(n))
            * np.minimum(1, x * 30 + 0.05)
        )
        g = uni(rng, 0.5, 5) * ar1(rng, n, 0.95) + uni(rng, -5, 10) * x
    else:
        g = (
            uni(rng, 0.7, 1.5)
            + uni(rng, 0.5, 3.5) * (1 - np.exp(-x / uni(rng, 0.1, 0.5)))
            + sd * ar1(rng, n, uni(rng, 0, 0.6))
        )
        d = (
            uni(rng, 0.3, 0.6)
            + uni(rng, 0.4, 0.9) * np.exp(-x / uni(rng, 0.03, 0.3))
            + 0.4 * sd * rng.standard_normal(n)
        )
        g, d = np.abs(g) + 1e-2, np.abs(d) + 1e-3
    out = {names[0]: pts(steps, g), names[1]: pts(steps, d)}
    if rng.random() < 0.4:
        v = vals(rng, steps, int(rng.integers(10, 50)))
        y = (v - v[0]) / max(v[-1] - v[0], 1)
        out[pick(rng, ("val/fid", "metrics/fid50k", "FID"))] = pts(
            v, (8 + 200 * np.exp(-y / 0.1)) * np.exp(0.03 * rng.standard_normal(len(v)))
        )
    return case("gan", out)


def h_vae(rng: Generator) -> Case:
    n = length(rng, 100, 3000)
    steps, x = grid(rng, n), unit(n)
    beta = uni(rng, 0.2, 4) * np.minimum(1, x / uni(rng, 0.1, 0.4))
    kl = uni(rng, 5, 30) * (1 - np.exp(-x / uni(rng, 0.05, 0.2))) * np.exp(0.03 * rng.standard_normal(n))
    recon = noisy(rng, uni(rng, 60, 110) + uni(rng, 150, 400) * np.exp(-x / uni(rng, 0.03, 0.1)), 0.02, "gauss")
    names = pick(
        rng,
        (
            ("train/loss", "train/recon_loss", "train/kl"),
            ("loss", "reconstruction_loss", "kl_loss"),
            ("train_elbo_loss", "train_recon", "train_kl"),
            ("loss/total", "loss/recon", "loss/kld"),
        ),
    )
    out = dict(zip(names, (pts(steps, recon + beta * kl), pts(steps, recon), pts(steps, kl)), strict=True))
    if rng.random() < 0.7:
        out["beta"] = pts(steps, beta)
    return case("vae", out)


def h_rl(rng: Generator) -> Case:
    n = length(rng, 80, 2000)
    steps, x = grid(rng, n, pick(rng, (1000, 2048, 10000))), unit(n)
    low, high = -uni(rng, 0, 300), uni(rng, 20, 500)
    rise = 1 / (1 + np.exp(-(x - uni(rng, 0.2, 0.5)) / uni(rng, 0.05, 0.15)))
    reward = low + (high - low) * rise + uni(rng, 0.05, 0.2) * (high - low) * ar1(rng, n, uni(rng, 0.2, 0.9))
    name = pick(
        rng, ("rollout/ep_rew_mean", "charts/episodic_return", "episode_reward", "train/reward", "eval/mean_reward")
    )
    out = {name: pts(steps, reward)}
    if rng.random() < 0.7:  # The value loss grows with the returns; the policy loss hovers about zero. Both are normal.
        scale = logu(rng, 0.1, 50)
        out["train/value_loss"] = pts(
            steps, scale * (0.2 + rise * np.exp(-np.maximum(x - 0.5, 0) * 2)) * np.exp(0.35 * rng.standard_normal(n))
        )
        out["train/policy_gradient_loss"] = pts(steps, -0.01 + 0.008 * rng.standard_normal(n))
        out["train/entropy_loss"] = pts(steps, -1.4 + 0.9 * x + 0.03 * rng.standard_normal(n))
        out["train/approx_kl"] = pts(steps, 0.01 * np.exp(0.3 * rng.standard_normal(n)))
    return case("rl", out)


def h_finetune(rng: Generator) -> Case:
    n = length(rng, 40, 1500)
    steps, x, names = grid(rng, n), unit(n), pick(rng, PAIRS)
    level = logu(rng, 0.05, 3)
    clean = level * (1 - uni(rng, 0.01, 0.12) * (1 - np.exp(-x / uni(rng, 0.1, 0.3))))
    out = {names[0]: pts(steps, clean * np.exp(uni(rng, 0.02, 0.15) * rng.standard_normal(n)))}
    if rng.random() < 0.7:
        v = vals(rng, steps, int(rng.integers(5, 40)))
        out[names[1]] = pts(v, np.interp(v, steps, clean) * 1.03 * np.exp(0.003 * rng.standard_normal(len(v))))
    out[pick(rng, LRS)] = pts(steps, cosine_lr(rng, n) * 0.05)
    kind = {"kind": "checkpoint", "from": "base.pt"}
    return case("finetune", out, init=kind, config={"init": "checkpoint"})


def h_early_stop(rng: Generator) -> Case:
    n, patience = int(rng.integers(18, 80)), int(rng.integers(3, 11))
    names = pick(rng, PAIRS)
    steps, x = np.arange(1, n + patience + 1), np.arange(n + patience) / n
    start, sd = uni(rng, 0.5, 3), 0.006
    val = start * (0.35 + 0.65 * np.exp(-x / uni(rng, 0.15, 0.3))) + start * sd * rng.standard_normal(len(x))
    val[n - 1] = val.min() - start * 0.002
    train = start * (0.25 + 0.75 * np.exp(-x / uni(rng, 0.15, 0.35))) + start * 0.005 * rng.standard_normal(len(x))
    return case(
        "early_stopping",
        {names[0]: pts(steps, train), names[1]: pts(steps, val)},
        config={"early_stopping_patience": patience},
    )


def h_constant_gap(rng: Generator) -> Case:
    n = length(rng, 60, 2000)
    steps, names = grid(rng, n), pick(rng, PAIRS)
    clean = loss(rng, n, settled=True)
    v = vals(rng, steps, int(rng.integers(15, 120)))
    val = np.interp(v, steps, clean) * uni(rng, 1.1, 1.4) + uni(rng, 0.05, 0.8) * clean[-1]
    return case(
        "constant_gap",
        {
            names[0]: pts(steps, noisy(rng, clean, logu(rng, 0.005, 0.05))),
            names[1]: pts(v, noisy(rng, val, logu(rng, 0.003, 0.02), "gauss")),
        },
    )


def h_val_noise(rng: Generator) -> Case:
    """A small validation set: it jumps about its level."""
    n = length(rng, 60, 1500)
    steps, names = grid(rng, n), pick(rng, PAIRS)
    clean = loss(rng, n, settled=True)
    v = vals(rng, steps, int(rng.integers(15, 120)))
    val = np.interp(v, steps, clean) * uni(rng, 1, 1.2)
    out = {
        names[0]: pts(steps, noisy(rng, clean, logu(rng, 0.005, 0.03))),
        names[1]: pts(v, noisy(rng, val, uni(rng, 0.03, 0.09), pick(rng, ("gauss", "t3")))),
    }
    if rng.random() < 0.5:
        psnr = uni(rng, 24, 40) - 8 * np.exp(-unit(len(v)) / 0.08) + uni(rng, 0.1, 0.5) * rng.standard_normal(len(v))
        out[pick(rng, ("val/psnr", "val_psnr", "eval/psnr"))] = pts(v, psnr)
    return case("validation_noise", out)


def h_acc(rng: Generator) -> Case:
    n = int(rng.integers(25, 400))
    steps, x, acc, names = grid(rng, n), unit(n), pick(rng, ACC), pick(rng, PAIRS)
    miss = 0.9 * np.exp(-x / uni(rng, 0.04, 0.12))
    size = pick(rng, (128, 256, 1000, 5000))
    train = 1 - rng.binomial(size, np.clip(miss, 0, 1)) / size
    val = 1 - rng.binomial(size, np.clip(miss + uni(rng, 0.0, 0.03), 0, 1)) / size
    ce = noisy(rng, 2.3 * np.exp(-x / uni(rng, 0.05, 0.12)) + logu(rng, 1e-4, 2e-2), 0.1, "mult")
    return case("accuracy_saturated", {names[0]: pts(steps, ce), acc[0]: pts(steps, train), acc[1]: pts(steps, val)})


def h_rounded(rng: Generator) -> Case:
    """A text log prints three or four decimals; at the end neighbours print alike."""
    n, digits = length(rng, 40, 1500), pick(rng, (3, 4))
    steps = grid(rng, n)
    start = uni(rng, 0.3, 4)
    floor = logu(rng, 0.02, 0.5)
    clean = floor + start * decay(rng, unit(n))
    value = np.round(noisy(rng, clean, logu(rng, 0.003, 0.03), "hetero"), digits)
    out = {pick(rng, ("loss", "train_loss", "train/loss")): pts(steps, value)}
    if rng.random() < 0.5:
        out["lr"] = pts(steps, np.round(cosine_lr(rng, n), 6))
    return case("rounded", out)


def h_multitask(rng: Generator) -> Case:
    n, k = length(rng, 80, 2000), int(rng.integers(2, 5))
    steps, x = grid(rng, n), unit(n)
    terms = [noisy(rng, loss(rng, n), logu(rng, 0.01, 0.08)) for _ in range(k)]
    if rng.random() < 0.4:  # One small term pays for the others.
        rise = terms[0].min() * 0.3
        terms[-1] = noisy(rng, rise * (1 + uni(rng, 0.1, 0.5) * (1 - np.exp(-x / 0.2))), 0.03, "gauss")
    top = pick(rng, ("train/loss", "loss"))
    words = ("l1", "ssim", "perceptual", "tv", "box", "cls", "depth", "edge")
    names = [f"{top}/{w}" if "/" in top else f"loss_{w}" for w in rng.permutation(words)[:k]]
    out = {name: pts(steps, t) for name, t in zip(names, terms, strict=True)}
    out[top] = pts(steps, np.sum(terms, axis=0))
    return case("multitask", out)


def _stages(rng: Generator, *, moves: bool = False) -> Case:
    """Alignment, then fusion with the alignment frozen: losses of their own, each of its own scale."""
    a, b = length(rng, 60, 1200), length(rng, 80, 2000)
    c = length(rng, 40, 300) if rng.random() < 0.4 and not moves else 0
    every = pick(rng, (1, 1, 5, 10))
    n = a + b + c
    steps = np.arange(1, n + 1) * every
    one = noisy(rng, loss(rng, a) * pick(rng, (0.05, 1, 1)), 0.02)
    two = noisy(rng, loss(rng, b, settled=True), 0.02)
    three = (
        noisy(
            rng, np.full(c, two[-max(b // 5, 5) :].mean()) * (1 - 0.04 * (1 - np.exp(-np.arange(c) / 30))), 0.02, "mult"
        )
        if c
        else np.empty(0)
    )
    whole = np.concatenate([one, two, three])
    out = {
        "train/loss": pts(steps, whole),
        "train/loss/alignment": pts(steps[:a], one),
        "train/loss/l1": pts(steps[a:], whole[a:]),
    }
    lr = np.concatenate([cosine_lr(rng, a), cosine_lr(rng, b), cosine_lr(rng, c) * 0.1 if c else np.empty(0)])
    out["train/lr"] = pts(steps, lr)
    out["train/grad_norm"] = pts(
        steps, np.concatenate([grad_norm(rng, m, trend=uni(rng, 0.5, 1)) for m in (a, b, c) if m])
    )
    va, vb = steps[:a][a // 12 :: max(a // 12, 1)], steps[a : a + b][b // 20 :: max(b // 20, 1)]
    out["val/alignment"] = pts(
        va, np.interp(va, steps[:a], one.mean() * 0.6 + 0.4 * np.linspace(one[:5].mean(), one[-5:].mean(), a))
    )
    out["val/l1"] = pts(
        vb,
        noisy(
            rng,
            two[-20:].mean() * 1.1 + (two[:5].mean() - two[-20:].mean()) * np.exp(-np.arange(len(vb)) / 2.5),
            0.01,
            "gauss",
        ),
    )
    events = [
        (0, "stage", {"name": "alignment", "trains": ["alignment"]}),
        (int(steps[a - 1]), "stage", {"name": pick(rng, ("fusion", "super_resolution")), "trains": ["fusion", "head"]}),
    ]
    if c:
        events.append((int(steps[a + b - 1]), "stage", {"name": "finetune", "trains": ["alignment", "fusion", "head"]}))
    if moves or rng.random() < 0.6:
        g = grad_norm(rng, n)
        moved = g * uni(rng, 0.05, 1) if moves else np.zeros(n)
        out["grad_norm/alignment"] = pts(steps, np.where((np.arange(n) < a) | (np.arange(n) >= a + b), g, moved))
        if moves and rng.random() < 0.5:  # The stage's own gradients from its beginning.
            out["grad_norm/fusion"] = pts(steps[a:], grad_norm(rng, n - a))
        else:
            out["grad_norm/fusion"] = pts(steps, np.where(np.arange(n) < a, 0.0, grad_norm(rng, n)))
    return case(
        "frozen_module_moves/alignment" if moves else "staged",
        out,
        "frozen_module_moves" if moves else None,
        steps[a - 1] if moves else None,
        events=tuple(events),
    )


def cosines(rng: Generator, n: int, level: float) -> np.ndarray:
    """A cosine between two gradients of single batches: about a level, noisy, with or without memory."""
    noise, memory = rng.standard_normal(n), pick(rng, (0.0, 0.0, 0.5, 0.8))
    for i in range(1, n):
        noise[i] = memory * noise[i - 1] + np.sqrt(1 - memory**2) * noise[i]
    return np.clip(level + uni(rng, 0.05, 0.25) * noise, -1, 1)


def h_staged(rng: Generator) -> Case:
    """Now and then two losses are held against each other, which agree or have nothing to do with one another."""
    made = _stages(rng)
    last = made.last
    at = np.unique(np.linspace(1, last, int(rng.integers(12, 120))).astype(int))
    angle = cosines(rng, len(at), pick(rng, (0.0, 0.0, 0.05, 0.4)))
    return replace(made, series={**made.series, "gradient_conflict/cosine": pts(at, angle)})


def _conflict(variant: str) -> Callable[[Generator], Case]:
    """Two losses that pull apart: throughout, or once the easy part is learned; little (told), or much (warned)."""

    def make(rng: Generator) -> Case:
        n = length(rng, 200, 3000)
        steps = grid(rng, n)
        at = np.unique(np.linspace(0, n - 1, int(rng.integers(40, 160))).astype(int))
        since = int(uni(rng, 0.15, 0.45) * len(at)) if variant == "later" else 0
        level = np.where(np.arange(len(at)) < since, uni(rng, 0.25, 0.5), -uni(rng, 0.35, 0.7))
        angle = np.clip(level + uni(rng, 0.05, 0.2) * rng.standard_normal(len(at)), -1, 1)
        name = pick(rng, ("gradient_conflict/cosine", "train/grad_cosine", "grad_cos/alignment"))
        out = {"train/loss": pts(steps, noisy(rng, loss(rng, n), 0.02)), name: pts(steps[at], angle)}
        return case(f"gradient_conflict/{variant}", out, "gradient_conflict", steps[at[since]])

    return make


def h_resumed(rng: Generator) -> Case:
    """Killed, then resumed from an older checkpoint: some steps are logged twice."""
    n = length(rng, 120, 2500)
    steps, names = grid(rng, n), pick(rng, PAIRS)
    clean = loss(rng, n)
    cut = int(n * uni(rng, 0.3, 0.7))
    back = max(1, cut - int(rng.integers(1, max(2, n // 10))))
    first, second = noisy(rng, clean, 0.02), noisy(rng, clean, 0.02)
    out = {names[0]: pts(steps[:cut], first[:cut]) + pts(steps[back:], second[back:])}
    lr = cosine_lr(rng, n)
    out[pick(rng, LRS)] = pts(steps[:cut], lr[:cut]) + pts(steps[back:], lr[back:])
    if rng.random() < 0.5:  # fp16 beside it, the scale restored with the rest.
        scale = 65536.0 * 2 ** np.minimum(3, (unit(n) * 4).astype(int))
        out["amp/scale"] = pts(steps[:cut], scale[:cut]) + pts(steps[back:], scale[back:])
    return case("resumed", out, events=((int(steps[back - 1]), "resume", {"step": int(steps[back - 1])}),))


def h_fp16(rng: Generator) -> Case:
    n = length(rng, 1500, 20000) if rng.random() < 0.7 else 20000
    growth = pick(rng, (2000, 2000, 2000, 1000, 500))
    init = pick(rng, (65536.0, 65536.0, 65536.0, 2.0**32, 2.0**24, 1024.0 * 32))
    level = uni(rng, 16.2, 23) if init == 65536.0 else uni(rng, 15.7, 21)
    limit = ceilings(rng, n, level)
    if rng.random() < 0.5:
        limit[rng.random(n) < logu(rng, 2e-5, 1.5e-4)] = -np.inf  # A rare bad batch.
    scale, skipped = grad_scaler(limit, init=init, growth=growth)
    every = pick(rng, (1, 1, 10, 50)) if n > 3000 else 1
    return case(
        "fp16",
        fp16_run(rng, n, scale, skipped, every=every),
        config={"amp": {"dtype": "fp16", "init_scale": init, "growth_interval": growth}},
    )


def h_bf16(rng: Generator) -> Case:
    """The scaler is there and switched off: 1.0 for ever."""
    n = length(rng, 100, 3000)
    out = fp16_run(rng, n, np.ones(n), np.zeros(n), names=("amp/scale", "amp/skipped"))
    return case("bf16", out, config={"amp": {"dtype": "bf16"}})


def h_deepspeed(rng: Generator) -> Case:
    n, window = length(rng, 2000, 15000), pick(rng, (1000, 1000, 500))
    init, hysteresis = pick(rng, (2.0**16, 2.0**32)), pick(rng, (1, 2))
    scale, skipped = deepspeed_scaler(
        ceilings(rng, n, uni(rng, 15.6, 20)), init=init, window=window, hysteresis=hysteresis
    )
    every = pick(rng, (1, 10, 10))
    keep = np.arange(every - 1, n, every)
    values = noisy(rng, loss(rng, n), 0.02)
    if rng.random() < 0.5:
        names = ("Train/Samples/train_loss", "Train/Samples/loss_scale", "Train/Samples/lr", None)
    else:
        names = ("lm_loss", "loss_scale", "lr", "skipped")
    at = keep * (pick(rng, (8, 64)) if names[3] is None else 1) + 1
    out = {names[0]: pts(at, values[keep]), names[1]: pts(at, scale[keep]), names[2]: pts(at, cosine_lr(rng, n)[keep])}
    if names[3]:
        out[names[3]] = pts(at, skipped[keep])
    return case(
        "deepspeed",
        out,
        config={
            "fp16": {
                "enabled": True,
                "loss_scale_window": window,
                "hysteresis": hysteresis,
                "initial_scale_power": int(np.log2(init)),
            }
        },
    )


def h_grads(rng: Generator) -> Case:
    n = length(rng, 100, 4000)
    steps = grid(rng, n)
    g = grad_norm(rng, n)
    if rng.random() < 0.4:  # Large in the first steps, then settled.
        g = g * (1 + uni(rng, 2, 20) * np.exp(-np.arange(n) / (n * 0.01)))
    clip = float(np.quantile(g, uni(rng, 0.85, 0.98)))
    out = {
        "train/loss": pts(steps, noisy(rng, loss(rng, n), 0.02)),
        pick(rng, ("train/grad_norm", "grad_norm")): pts(steps, g),
    }
    return case("grad_norms", out, config={"max_grad_norm": round(clip, 3)} if rng.random() < 0.7 else {})


SEQS = ("dunes", "harbour", "city", "calibration", "clip_03", "seq/01", "forest")


def _sr(
    rng: Generator, *, gain: float, single: float, which: str = "all", curve: bool = True
) -> tuple[Series, dict[str, float]]:
    """A super-resolution run judged on full frames. gain: dB over bicubic; single: dB of fusion over one frame."""
    n, m = length(rng, 100, 1500), int(rng.integers(12, 60))
    steps = grid(rng, n, pick(rng, (1, 10, 100)))
    v = vals(rng, steps, m)
    m = len(v)
    out = {
        "train/loss": pts(steps, noisy(rng, loss(rng, n, settled=True) * 0.05, 0.03)),
        "train/lr": pts(steps, cosine_lr(rng, n)),
    }
    names = list(rng.permutation(SEQS)[: int(rng.integers(1, 4))])
    if which == "one" and len(names) == 1:
        names = [str(s) for s in rng.permutation(SEQS)[:3]]
    bad = int(rng.integers(len(names))) if which == "one" else -1
    metrics: dict[str, float] = {}
    every = []
    for i, name in enumerate(names):
        cubic = uni(rng, 24, 36)
        up = gain if which == "all" or i == bad else uni(rng, 0.8, 2.5)
        final = cubic + up
        shape = 1 - np.exp(-unit(m) / uni(rng, 0.06, 0.12))
        line = final - uni(rng, 3, 6) * (1 - shape) + uni(rng, 0.01, 0.06) * rng.standard_normal(m)
        line[-1] = final
        every.append(line)
        alone = final - single if which == "all" or i == bad else final - uni(rng, 0.3, 1.5)
        metrics |= {
            f"full_frame/psnr/{name}": final,
            f"full_frame/psnr_bicubic/{name}": cubic,
            f"full_frame/psnr_single_frame/{name}": alone,
        }
        if curve and rng.random() < 0.5:
            out[f"full_frame/psnr/{name}"] = pts(v, line)
    mean = np.mean(every, axis=0)
    metrics["full_frame/psnr"] = float(mean[-1])
    metrics["tile/psnr"] = float(mean[-1] + uni(rng, -0.1, 0.4))
    if curve:
        out["full_frame/psnr"] = pts(v, mean)
        tile = mean + uni(rng, 0, 0.3) + 0.03 * rng.standard_normal(m)
        tile[-1] = metrics["tile/psnr"]
        out["tile/psnr"] = pts(v, tile)
        out["val/l1"] = pts(v, noisy(rng, 0.02 + 0.05 * np.exp(-unit(m) / 0.08), 0.01, "gauss"))
    end = int(steps[-1])
    for key, value in metrics.items():  # As our trainer does: the final judgement is logged at the last step.
        if key not in out:
            out[key] = [(end, value)]
    return out, metrics


def h_superres(rng: Generator) -> Case:
    out, metrics = _sr(rng, gain=uni(rng, 0.4, 4), single=uni(rng, 0.2, 2), curve=rng.random() < 0.7)
    return case("super_resolution", out, metrics=metrics)


def h_language_model(rng: Generator) -> Case:
    n = length(rng, 200, 5000)
    steps, x = np.arange(n) * pick(rng, (1, 10)), unit(n)
    clean = uni(rng, 2.6, 3.3) + 7.6 * (1 + x * logu(rng, 200, 2000)) ** -uni(rng, 0.4, 0.7)
    v = vals(rng, steps, int(rng.integers(10, 60)))
    lr = cosine_lr(rng, n)
    out = {
        "train/loss": pts(steps, clean + uni(rng, 0.02, 0.15) * rng.standard_normal(n)),
        "val/loss": pts(v, np.interp(v, steps, clean) + 0.02 + 0.006 * rng.standard_normal(len(v))),
        "lr": pts(steps, lr),
        "mfu": pts(steps, 35 + rng.standard_normal(n)),
        "grad_norm": pts(steps, (0.25 + 2 * np.exp(-x / 0.03)) * np.exp(0.15 * rng.standard_normal(n))),
    }
    return case("language_model", out, config={"grad_clip": 1.0})


def h_diffusion(rng: Generator) -> Case:
    """Most of the loss is noise that no network can remove: it falls in a tenth of the run, then wanders."""
    n = length(rng, 200, 5000)
    steps, x = grid(rng, n), unit(n)
    floor = uni(rng, 0.02, 0.3)
    clean = floor + (1 - floor) * np.exp(-x / uni(rng, 0.01, 0.04))
    sd = uni(rng, 0.1, 0.4)
    return case("diffusion", {pick(rng, TRAIN): pts(steps, clean * np.exp(sd * rng.standard_normal(n)))})


def h_contrastive(rng: Generator) -> Case:
    n = length(rng, 100, 2000)
    steps, x = grid(rng, n), unit(n)
    top = log(pick(rng, (256, 1024, 4096)))
    clean = top * (1 - uni(rng, 0.08, 0.5) * (1 - decay(rng, x)))
    return case(
        "contrastive",
        {
            pick(rng, TRAIN): pts(steps, clean + uni(rng, 0.01, 0.06) * rng.standard_normal(n)),
            "train/acc_top1": pts(steps, np.clip(0.6 * (1 - np.exp(-x / 0.2)) + 0.03 * rng.standard_normal(n), 0, 1)),
        },
    )


HEALTHY: dict[str, Callable[[Generator], Case]] = {
    "exp_gauss": _plain("exp_gauss", "gauss", "exp"),
    "power_mult": _plain("power_mult", "mult", "power"),
    "heavy_tailed": _plain("heavy_tailed", "t3"),
    "ar1": _plain("ar1", "ar"),
    "heteroscedastic": _plain("heteroscedastic", "hetero"),
    "cyclic_lr_logged": _cyclic(True),
    "cyclic_lr_hidden": _cyclic(False),
    "warm_restarts": h_warm_restarts,
    "step_decay": h_step_decay,
    "warmup_hump": h_warmup_hump,
    "nll_below_zero": h_nll,
    "near_zero_loss": h_tiny,
    "sparse_log": h_sparse,
    "per_epoch": h_per_epoch,
    "very_long": h_very_long,
    "curriculum": h_curriculum,
    "gan": h_gan,
    "vae": h_vae,
    "rl": h_rl,
    "finetune": h_finetune,
    "early_stopping": h_early_stop,
    "constant_gap": h_constant_gap,
    "validation_noise": h_val_noise,
    "accuracy_saturated": h_acc,
    "rounded": h_rounded,
    "multitask": h_multitask,
    "staged": h_staged,
    "resumed": h_resumed,
    "fp16": h_fp16,
    "bf16": h_bf16,
    "deepspeed": h_deepspeed,
    "grad_norms": h_grads,
    "super_resolution": h_superres,
    "language_model": h_language_model,
    "diffusion": h_diffusion,
    "contrastive": h_contrastive,
}


# --------------------------------------------------------------------------------------------------- failing variants


def onset(rng: Generator, n: int, low: float = 0.2, high: float = 0.8) -> int:
    return int(n * uni(rng, low, high))


def _nonfinite(variant: str) -> Callable[[Generator], Case]:
    def make(rng: Generator) -> Case:
        n = length(rng, 250 if variant == "scattered" else 120, 3000)
        steps, at = grid(rng, n), onset(rng, n)
        value = noisy(rng, loss(rng, n))
        bad = pick(rng, (np.nan, np.nan, np.inf))
        if variant == "burst":
            value[at : at + int(rng.integers(20, max(21, n // 10)))] = bad
        elif variant == "to_the_end":
            value[at:] = bad
        else:
            hit = at + np.flatnonzero(rng.random(n - at) < 0.02)
            value[np.union1d([at], hit)] = bad
        out = {pick(rng, TRAIN): pts(steps, value)}
        if rng.random() < 0.5:
            out[pick(rng, LRS)] = pts(steps, cosine_lr(rng, n))
        return case(f"nonfinite_loss/{variant}", out, "nonfinite_loss", steps[at])

    return make


def _rise(rng: Generator, variant: str, x: np.ndarray, at: float, gained: float) -> np.ndarray:
    """What a divergence adds after `at` (0..1)."""
    since = np.maximum(x - at, 0) / (1 - at)
    if variant == "linear":
        return gained * uni(rng, 0.35, 1.2) * since
    if variant == "exponential":
        k = uni(rng, 3, 6)
        return gained * uni(rng, 0.6, 3) * np.expm1(k * since) / np.expm1(k)
    if variant == "explosion":
        top = uni(rng, 6, 10) * log(10)
        return np.where(since > 0, gained * 0.05 * np.exp(np.minimum(top, since * top * uni(rng, 1.5, 5))), 0)
    return gained * uni(rng, 0.5, 1.3) * (1 - np.exp(-np.maximum(x - at, 0) / 0.008))


def _divergence(variant: str) -> Callable[[Generator], Case]:
    def make(rng: Generator) -> Case:
        n = length(rng, 150, 3000)
        steps, x, at = grid(rng, n), unit(n), onset(rng, n)
        start, floor = amounts(rng)
        x0 = float(x[at])
        tau = uni(rng, 0.1, 0.3) * x0
        if variant == "flat_before":
            tau = x0 * uni(rng, 0.05, 0.08)
        fall = np.exp(-np.minimum(x, x0) / tau)
        low, high = (floor, start) if variant != "nll" else (-uni(rng, 0.5, 4), uni(rng, 0, 3))
        base = low + (high - low) * fall
        how = {
            "plateau": "plateau",
            "flat_before": pick(rng, ("linear", "exponential", "plateau")),
            "both": pick(rng, ("linear", "exponential", "plateau")),
            "nll": pick(rng, ("linear", "exponential", "plateau")),
        }.get(variant, variant)
        extra = _rise(rng, how, x, x0, high - low)
        level = logu(rng, 0.004, 0.05) * (high - low)
        value = base + extra
        value = value + level * (1 + (extra / (high - low) if variant == "explosion" else 0)) * rng.standard_normal(n)
        if variant != "nll":
            value = np.maximum(value, low * 0.3 * np.exp(0.1 * rng.standard_normal(n)))
        names = pick(rng, PAIRS)
        out = {names[0]: pts(steps, value)}
        if variant == "both":
            v = vals(rng, steps, int(rng.integers(40, 150)))
            out[names[1]] = pts(
                v, np.interp(v, steps, base + extra) * uni(rng, 1, 1.1) + 0.5 * level * rng.standard_normal(len(v))
            )
        if rng.random() < 0.5:
            out[pick(rng, LRS)] = pts(steps, constant_lr(rng, n))
        return case(f"divergence/{variant}", out, "divergence", steps[at])

    return make


def d_seed004(rng: Generator) -> Case:
    """6.0 to 0.06 by step 25,000, 6.74 at 90,000: a run that was."""
    n = int(rng.integers(200, 1801))
    steps = np.round(np.linspace(50, 90_000, n)).astype(np.int64)
    low, peak = log(0.06), 25_000 * uni(rng, 0.9, 1.1)
    fall = log(6.0) + (low - log(6.0)) * np.minimum(1, steps / peak) ** uni(rng, 0.3, 0.5)
    rise = np.clip((steps - peak) / (90_000 - peak), 0, 1) ** uni(rng, 0.5, 1.0) * (log(6.74) - low)
    return case(
        "divergence/seed004",
        {"train/loss": pts(steps, np.exp(fall + rise + uni(rng, 0.03, 0.12) * rng.standard_normal(n)))},
        "divergence",
        steps[int(np.searchsorted(steps, peak))],
    )


def _spike(signed: bool) -> Callable[[Generator], Case]:
    def make(rng: Generator) -> Case:
        n = length(rng, 150, 3000)
        steps, at = grid(rng, n), onset(rng, n)
        wide = int(rng.integers(2, max(3, int(0.025 * n)) + 1))
        shape = np.zeros(n)
        shape[at : at + wide] = np.exp(-np.arange(wide) / max(wide / 3, 1)) if rng.random() < 0.6 else 1.0
        sd = logu(rng, 0.01, 0.08)
        if signed:
            low, high = -uni(rng, 0.5, 3), uni(rng, 0.5, 3)
            sd *= 0.4 * (high - low)
            value = (
                low
                + (high - low) * decay(rng, unit(n))
                + sd * rng.standard_normal(n)
                + max(14 * sd, 0.3 * (high - low)) * uni(rng, 1, 3) * shape
            )
        else:
            value = loss(rng, n) * np.exp(sd * rng.standard_normal(n) + max(14 * sd, 0.5) * uni(rng, 1, 2.5) * shape)
        out = {pick(rng, TRAIN) if not signed else "train/nll": pts(steps, value)}
        if rng.random() < 0.5:
            out[pick(rng, LRS)] = pts(steps, cosine_lr(rng, n))
        return case(f"spike/{'signed' if signed else 'plain'}", out, "spike", steps[at])

    return make


def _frozen(variant: str) -> Callable[[Generator], Case]:
    def make(rng: Generator) -> Case:
        n = length(rng, 120, 2500)
        steps, names = grid(rng, n), pick(rng, PAIRS)
        at = 0 if variant == "from_start" else onset(rng, n)
        value = noisy(rng, loss(rng, n))
        value[at:] = value[at]
        out = {names[0]: pts(steps, value)}
        if variant == "with_validation":
            v = vals(rng, steps, int(rng.integers(30, 100)))
            val = np.where(v < steps[at], noisy(rng, np.interp(v, steps, value), 0.01), value[at] * 1.1)
            out[names[1]] = pts(v, val)
        if rng.random() < 0.5:
            out[pick(rng, LRS)] = pts(steps, constant_lr(rng, n))
        return case(f"frozen/{variant}", out, "frozen", steps[at])

    return make


def _not_learning(variant: str) -> Callable[[Generator], Case]:
    def make(rng: Generator) -> Case:
        n, k = length(rng, 60, 2500), pick(rng, (2, 4, 10, 100, 1000, 50257))
        steps, names = grid(rng, n), pick(rng, PAIRS)
        level = log(k) if variant != "regression" else logu(rng, 0.01, 2)
        clean = np.full(n, level)
        if variant == "tiny_drop":
            clean = level * (1 + uni(rng, 0.004, 0.012) * np.exp(-unit(n) / 0.03))
        value = clean + level * logu(rng, 0.004, 0.05) * rng.standard_normal(n)
        out = {names[0]: pts(steps, value), pick(rng, LRS): pts(steps, constant_lr(rng, n))}
        if variant in ("chance", "regression") and rng.random() < 0.5:
            v = vals(rng, steps, int(rng.integers(15, 80)))
            out[names[1]] = pts(v, level * (1 + 0.003 * rng.standard_normal(len(v))))
        return case(f"not_learning/{variant}", out, "not_learning", None)

    return make


def _plateau(variant: str) -> Callable[[Generator], Case]:
    def make(rng: Generator) -> Case:
        n, m = length(rng, 200, 2500), int(rng.integers(40, 150))
        steps, names = grid(rng, n), pick(rng, PAIRS)
        v = vals(rng, steps, m)
        m = len(v)
        y, at = unit(m), uni(rng, 0.25, 0.58)
        start, floor = amounts(rng)
        # A fall that ends: in a knee (the schedule ran dry) or smoothly (it converged), 98 % of it by `at`.
        fall = np.clip(1 - y / at, 0, 1) ** uni(rng, 1.3, 2.5) if variant == "knee" else np.exp(-y / (at / 4.5))
        val = floor + (start - floor) * fall + (start - floor) * logu(rng, 0.003, 0.02) * rng.standard_normal(m)
        train = np.interp(steps, v, floor * 0.9 + (start - floor) * fall)
        out = {
            names[0]: pts(steps, noisy(rng, train, 0.02)),
            names[1]: pts(v, val),
            pick(rng, LRS): pts(steps, constant_lr(rng, n)),
        }
        return case(f"plateau/{variant}", out, "plateau", v[int(at * (m - 1))])

    return make


def _oscillation(variant: str) -> Callable[[Generator], Case]:
    def make(rng: Generator) -> Case:
        n, m = length(rng, 200, 2500), int(rng.integers(50, 200))
        steps, names = grid(rng, n), pick(rng, PAIRS)
        v = vals(rng, steps, m)
        m = len(v)
        y, at = unit(m), uni(rng, 0.35, 0.55)
        start, floor = amounts(rng)
        size = uni(rng, 0.12, 0.35) * (start - floor)
        i = np.arange(m)
        wave = (-1.0) ** i if variant == "period2" else np.sin(2 * np.pi * (y - at) * uni(rng, 10, 22))
        base = floor + 0.4 * (start - floor) + 0.6 * (start - floor) * np.exp(-y / uni(rng, 0.05, 0.09))
        grown = np.clip((y - at) / 0.05, 0, 1) * size
        val = base + grown * wave + size * uni(rng, 0.05, 0.2) * rng.standard_normal(m)
        train = np.interp(steps, v, base * 0.95 + 0.6 * grown * wave)
        out = {
            names[0]: pts(steps, noisy(rng, train, 0.03)),
            names[1]: pts(v, val),
            pick(rng, LRS): pts(steps, constant_lr(rng, n)),
        }
        return case(f"oscillation/{variant}", out, "oscillation", v[int(at * (m - 1))])

    return make


def _needs_more(variant: str) -> Callable[[Generator], Case]:
    def make(rng: Generator) -> Case:
        n, m = length(rng, 100, 2500), int(rng.integers(36, 150))
        steps, names = grid(rng, n), pick(rng, PAIRS)
        v = vals(rng, steps, m)
        m = len(v)
        start, floor = amounts(rng)
        y = unit(m)
        fall = 1 - uni(rng, 0.7, 1.0) * y if variant == "linear" else np.exp(-y / uni(rng, 0.5, 1.2))
        clean = floor + (start - floor) * fall
        if variant == "psnr":
            clean, names = uni(rng, 26, 34) - uni(rng, 2, 6) * fall, ("train/loss", "val/psnr")
        val = clean + np.ptp(clean) * logu(rng, 0.004, 0.03) * rng.standard_normal(m)
        train = np.interp(steps, v, floor * 0.9 + (start - floor) * np.exp(-y / 0.7))
        out = {
            names[0]: pts(steps, noisy(rng, train, 0.02)),
            names[1]: pts(v, val),
            pick(rng, LRS): pts(steps, constant_lr(rng, n)),
        }
        return case(f"needs_more_epochs/{variant}", out, "needs_more_epochs", None)

    return make


def _overfit(variant: str) -> Callable[[Generator], Case]:
    def make(rng: Generator) -> Case:
        n, m = length(rng, 100, 2500), int(rng.integers(30, 150))
        steps, names, acc = grid(rng, n), pick(rng, PAIRS), pick(rng, ACC)
        v = vals(rng, steps, m)
        m = len(v)
        y, at = unit(m), uni(rng, 0.2, 0.6)
        start = logu(rng, 0.05, 4)
        rise = np.maximum(y - at, 0) / (1 - at)
        val = start * (0.35 + 0.65 * np.exp(-np.minimum(y, at) / (at / uni(rng, 2.5, 4))) + uni(rng, 0.12, 0.6) * rise)
        train = start * (0.03 + 0.97 * np.exp(-unit(n) / uni(rng, 0.15, 0.35)))
        out = {names[0]: pts(steps, noisy(rng, train, logu(rng, 0.005, 0.03)))}
        clean_val = val + start * logu(rng, 0.003, 0.015) * rng.standard_normal(m)
        if variant == "accuracy":
            top, down = uni(rng, 0.55, 0.9), uni(rng, 0.05, 0.15)
            va = top - (top - 0.1) * np.exp(-np.minimum(y, at) / (at / 3.5)) - down * rise
            out[acc[1]] = pts(v, np.clip(va + 0.006 * rng.standard_normal(m), 0, 1))
            out[acc[0]] = pts(v, np.clip(1 - 0.9 * np.exp(-y / 0.25) + 0.003 * rng.standard_normal(m), 0, 1))
            if rng.random() < 0.5:
                out[names[1]] = pts(v, clean_val)
        elif variant == "psnr":
            p = 28 - 6 * np.exp(-np.minimum(y, at) / (at / 3.5)) - uni(rng, 0.6, 2.5) * rise
            out["val/psnr"] = pts(v, p + 0.06 * rng.standard_normal(m))
        else:
            out[names[1]] = pts(v, clean_val)
        return case(f"overfit/{variant}", out, "overfit", v[round(at * (m - 1))])

    return make


def _disagree(variant: str) -> Callable[[Generator], Case]:
    def make(rng: Generator) -> Case:
        n, m = length(rng, 100, 1500), int(rng.integers(24, 80))
        steps = grid(rng, n)
        v = vals(rng, steps, m)
        m = len(v)
        y = unit(m)
        at = uni(rng, 0.2, 0.5) if variant == "parts_later" else 0.0
        top, down = uni(rng, 27, 36), uni(rng, 0.4, 1.8)
        sd = uni(rng, 0.02, 0.08)
        tile = top + uni(rng, 0.6, 3) * (1 - np.exp(-y / uni(rng, 0.25, 0.5)))
        full = (
            top
            - uni(rng, 0, 0.4)
            + (0.6 * (np.minimum(y, at) / at) if at else 0)
            - down * np.maximum(y - at, 0) / (1 - at)
        )
        out = {
            "train/loss": pts(steps, noisy(rng, loss(rng, n) * 0.05, 0.03)),
            "tile/psnr": pts(v, tile + sd * rng.standard_normal(m)),
            "full_frame/psnr": pts(v, full + sd * rng.standard_normal(m)),
        }
        return case(
            f"metric_disagreement/{variant}",
            out,
            "metric_disagreement",
            v[round(at * (m - 1))] if at else None,
            metrics={"tile/psnr": out["tile/psnr"][-1][1], "full_frame/psnr": out["full_frame/psnr"][-1][1]},
        )

    return make


def _amp(growth: int, init: float = 65536.0) -> dict[str, Any]:
    return {"amp": {"dtype": "fp16", "init_scale": init, "growth_interval": growth}}


def _collapse(variant: str) -> Callable[[Generator], Case]:
    def make(rng: Generator) -> Case:
        p = logu(rng, 0.02, 0.05) if variant == "below_one" else logu(rng, 0.005, 0.05)
        need = int((26 if variant == "below_one" else 14) / p)  # Steps in which the fall is plain.
        after = int(need * uni(rng, 1.0, 1.6))
        before = max(300, int(after * uni(rng, 0.25, 3.5)))
        n, at = before + after, before
        limit = ceilings(rng, n, uni(rng, 16.5, 18.5))
        limit[at:][rng.random(n - at) < p] = -np.inf
        limit[at] = -np.inf
        growth = pick(rng, (2000, 2000, 1000)) if p > 0.01 else 2000
        scale, skipped = grad_scaler(limit, growth=growth)
        every = int(rng.integers(10, 51)) if variant == "sparse" else 1
        names = ("amp/scale", "amp/skipped") if variant == "plain" else None
        curve = noisy(rng, loss(rng, n), 0.02, "gauss")
        if variant == "below_one":  # Small scales underflow: what was learnt is slowly lost, or no more is.
            curve[at:] = curve[max(at - 50, 0) : at].mean() * np.exp(0.05 * rng.standard_normal(n - at))
        return case(
            f"scaler_collapse/{variant}",
            fp16_run(rng, n, scale, skipped, every=every, names=names, curve=curve),
            "scaler_collapse",
            at + 1,
            config=_amp(growth),
        )

    return make


def _low(variant: str) -> Callable[[Generator], Case]:
    def make(rng: Generator) -> Case:
        n, growth = int(rng.integers(12_000, 20_001)), pick(rng, (2000, 2000, 1000))
        target = uni(rng, 10.4, 13.6)  # Log2 of the ceiling: the scale saw-tooths just below it, 1024 to 8192.
        at = int(rng.integers(120, 1500)) if variant == "search" else int(n * uni(rng, 0.05, 0.15))
        limit = np.full(n, target + 0.15)
        span = int(rng.integers(20, 200)) if variant == "search" else int(n * 0.15)
        limit[:at] = 17.0
        limit[at : at + span] = np.linspace(16.0, target, span)
        limit = limit + 0.04 * rng.standard_normal(n)
        scale, skipped = grad_scaler(limit, growth=growth)
        low = int(np.flatnonzero(scale < 16384)[0])
        return case(
            f"scaler_low/{variant}",
            fp16_run(rng, n, scale, skipped, every=pick(rng, (1, 1, 10))),
            "scaler_low",
            low + 1,
            config=_amp(growth),
        )

    return make


def f_burst(rng: Generator) -> Case:
    growth = pick(rng, (2000, 2000, 1000, 500))
    n = int(growth * uni(rng, 7, 10))
    at, wide = onset(rng, n, 0.2, 0.6), int(rng.integers(5, 16))
    limit = ceilings(rng, n, uni(rng, 17, 20))
    limit[at : at + wide] = -np.inf
    scale, skipped = grad_scaler(limit, growth=growth)
    return case(
        "nonfinite_burst/plain", fp16_run(rng, n, scale, skipped), "nonfinite_burst", at + 1, config=_amp(growth)
    )


def _not_stepping(variant: str) -> Callable[[Generator], Case]:
    def make(rng: Generator) -> Case:
        n = length(rng, 600, 8000)
        at = onset(rng, n)
        wide = n - at if variant != "then_recovers" else int(rng.integers(25, 100))
        every = int(rng.integers(2, 11)) if variant == "sparse" else 1
        limit = ceilings(rng, n, uni(rng, 17, 20))
        limit[at : at + wide] = -np.inf
        scale, skipped = grad_scaler(limit)
        curve = noisy(rng, loss(rng, n), 0.02, "gauss")
        if wide == n - at:
            curve[at:] = curve[max(at - 30, 0) : at].mean() * np.exp(0.03 * rng.standard_normal(n - at))
        names = pick(rng, (("amp/scale", "amp/skipped"), ("amp/scale", "amp/skipped"), ("loss_scale", "skipped_steps")))
        return case(
            f"optimizer_not_stepping/{variant}",
            fp16_run(rng, n, scale, skipped, every=every, names=names, curve=curve),
            "optimizer_not_stepping",
            at + 1,
            config=_amp(2000),
        )

    return make


def _not_restored(variant: str) -> Callable[[Generator], Case]:
    def make(rng: Generator) -> Case:
        n = length(rng, 800, 12_000)
        cut = onset(rng, n)
        level = uni(rng, 18.2, 22.5) if variant == "from_above" else uni(rng, 12.3, 14.8)
        first = 2.0 ** int(level)
        limit = ceilings(rng, n, level)
        one = grad_scaler(limit[:cut], init=first, growth=2000, tracker=int(rng.integers(2000)))
        two = grad_scaler(limit[cut:], init=65536.0, growth=2000)
        if one[0][-1] == 65536.0 or two[0][0] == one[0][-1]:
            return make(rng)
        skipped = np.concatenate([one[1], one[1][-1] + two[1]])
        scale = np.concatenate([one[0], two[0]])
        if variant == "from_below" and rng.random() < 0.5:  # Logged before the step: the log shows the 65536 itself,
            scale = np.concatenate([[first], one[0][:-1], [65536.0], two[0][:-1]])  # else its first halving.
        return case(
            f"scaler_state_not_restored/{variant}",
            fp16_run(rng, n, scale, skipped, names=pick(rng, SCALES[:4])),
            "scaler_state_not_restored",
            cut,
            events=((cut, "resume", {"step": cut}),),
            config=_amp(2000),
        )

    return make


def _explosion(variant: str) -> Callable[[Generator], Case]:
    def make(rng: Generator) -> Case:
        n = length(rng, 200, 3000)
        steps, x, at = grid(rng, n), unit(n), onset(rng, n)
        span, top = uni(rng, 0.05, 0.2), logu(rng, 1500, 1e6)
        since = np.maximum(x - x[at], 0)
        grow = (
            top ** np.minimum(1, since / span) if variant == "exponential" else np.where(np.arange(n) >= at, top, 1.0)
        )
        g = grad_norm(rng, n, trend=uni(rng, 0.5, 1.5)) * grow
        name, curve = pick(rng, ("train/grad_norm", "grad_norm", "gradient_norm")), noisy(rng, loss(rng, n), 0.02)
        if rng.random() < 0.5:
            curve = curve + (curve[0] - curve[at]) * uni(rng, 0.3, 1) * np.minimum(
                1, np.maximum(since - span / 2, 0) / span
            )
        return case(
            f"grad_explosion/{variant}",
            {"train/loss": pts(steps, curve), name: pts(steps, g)},
            "grad_explosion",
            steps[at],
        )

    return make


def _vanishing(variant: str) -> Callable[[Generator], Case]:
    def make(rng: Generator) -> Case:
        n = length(rng, 150, 3000)
        steps, x, at = grid(rng, n), unit(n), onset(rng, n, 0.2, 0.7)
        low = logu(rng, 1e-12, 2e-8)
        g = grad_norm(rng, n, trend=1.0)
        base = float(np.median(g))
        start = log(pick(rng, (10, 100, 1000)))
        stuck = start * uni(rng, 0.7, 0.97)
        if variant == "abrupt":
            g[at:] *= low / base
            begin = at
        else:  # It dies away over a tenth of the run and crosses 1e-7 on its way.
            begin = max(0, at - int(n * uni(rng, 0.05, 0.12)))
            low = min(low, 1e-9)
            ramp = np.clip((np.arange(n) - begin) / max(at - begin, 1), 0, None)
            g = g * np.maximum((1e-7 / base) ** ramp, low / base)
        value = (
            stuck
            + (start - stuck) * np.exp(-np.minimum(x, x[begin]) / (x[begin] * 0.6))
            + start * 0.01 * rng.standard_normal(n)
        )
        return case(
            f"grad_vanishing/{variant}",
            {
                pick(rng, ("train/loss", "loss")): pts(steps, value),
                pick(rng, ("train/grad_norm", "grad_norm")): pts(steps, g),
            },
            "grad_vanishing",
            steps[at],
        )

    return make


def _clip(variant: str) -> Callable[[Generator], Case]:
    def make(rng: Generator) -> Case:
        n = length(rng, 100, 3000)
        steps, g = grid(rng, n), grad_norm(rng, n, trend=uni(rng, 0.8, 1.25))
        share = uni(rng, 0.62, 0.8) if variant == "most" else uni(rng, 0.9, 1.0)
        clip = float(np.quantile(g, 1 - share))
        g = g / clip  # The norm that people choose is a round one: scale the gradients about it.
        bound = pick(rng, (0.1, 0.5, 1.0, 1.0, 5.0))
        out = {
            "train/loss": pts(steps, noisy(rng, loss(rng, n), 0.02)),
            pick(rng, ("train/grad_norm", "grad_norm")): pts(steps, g * bound),
        }
        return case(f"clip_always_active/{variant}", out, "clip_always_active", None, config={"max_grad_norm": bound})

    return make


def _transition(variant: str) -> Callable[[Generator], Case]:
    def make(rng: Generator) -> Case:
        a, b = length(rng, 100, 1500), length(rng, 100, 1500)
        n = a + b
        steps = np.arange(1, n + 1) * pick(rng, (1, 1, 5, 10))
        start, floor = amounts(rng)
        one = floor + (start - floor) * np.exp(-unit(a) / uni(rng, 0.08, 0.2))
        jump = uni(rng, 0.65, 1.2) * (start - one[-1])
        left = 1 - uni(rng, 0, 0.1) * unit(b) if variant == "stays" else 1 - uni(rng, 0.2, 0.45) * unit(b)
        clean = np.concatenate([one, one[-1] + jump * left])
        out = {"train/loss": pts(steps, noisy(rng, clean, logu(rng, 0.005, 0.04), pick(rng, ("gauss", "mult"))))}
        out["train/lr"] = pts(steps, np.concatenate([cosine_lr(rng, a), constant_lr(rng, b)]))
        if rng.random() < 0.7:
            v = vals(rng, steps, int(rng.integers(30, 80)))
            out["val/loss"] = pts(
                v, np.interp(v, steps, clean) * 1.05 + (start - floor) * 0.01 * rng.standard_normal(len(v))
            )
        two = pick(rng, ("fusion", "finetune", "joint"))
        events = (
            (0, "stage", {"name": "alignment", "trains": ["alignment", "head"]}),
            (int(steps[a - 1]), "stage", {"name": two, "trains": ["alignment", "fusion", "head"]}),
        )
        return case(f"stage_transition/{variant}", out, "stage_transition", steps[a - 1], events=events)

    return make


def m_backbone(rng: Generator) -> Case:
    """A fine-tuning in which the backbone was to be frozen, and its small gradients say that it is not."""
    a, b = length(rng, 60, 800), length(rng, 60, 800)
    n, name = a + b, pick(rng, ("backbone", "encoder", "flow"))
    steps = np.arange(1, n + 1) * pick(rng, (1, 10))
    g, h = grad_norm(rng, n) * logu(rng, 1e-3, 1), grad_norm(rng, n)
    early = rng.random() < 0.5  # Frozen in the first stage but moving, or in the second.
    trains = (["head"], [name, "head"]) if early else ([name, "head"], ["head"])
    events = (
        (0, "stage", {"name": "warm", "trains": trains[0]}),
        (int(steps[a - 1]), "stage", {"name": "main", "trains": trains[1]}),
    )
    return case(
        "frozen_module_moves/backbone",
        {
            "train/loss": pts(steps, noisy(rng, loss(rng, n), 0.02)),
            f"grad_norm/{name}": pts(steps, g),
            "grad_norm/head": pts(steps, h),
        },
        "frozen_module_moves",
        0 if early else steps[a - 1],
        events=events,
    )


def _below(variant: str) -> Callable[[Generator], Case]:
    def make(rng: Generator) -> Case:
        out, metrics = _sr(
            rng,
            gain=-uni(rng, 0.1, 1.5),
            single=uni(rng, 0.2, 1),
            which="one" if variant == "one_sequence" else "all",
            curve=variant != "final_only",
        )
        return case(f"below_bicubic/{variant}", out, "below_bicubic", None, metrics=metrics)

    return make


def _no_gain(variant: str) -> Callable[[Generator], Case]:
    def make(rng: Generator) -> Case:
        out, metrics = _sr(rng, gain=uni(rng, 0.3, 3), single=uni(rng, -0.02, 0.02), curve=variant == "curve")
        return case(f"fusion_no_gain/{variant}", out, "fusion_no_gain", None, metrics=metrics)

    return make


def _variants(
    make: Callable[[str], Callable[[Generator], Case]], *names: str
) -> dict[str, Callable[[Generator], Case]]:
    return {name: make(name) for name in names}


FAILING: dict[str, dict[str, Callable[[Generator], Case]]] = {
    "nonfinite_loss": _variants(_nonfinite, "burst", "to_the_end", "scattered"),
    "divergence": _variants(_divergence, "linear", "exponential", "plateau", "flat_before", "both", "nll", "explosion")
    | {"seed004": d_seed004},
    "spike": {"plain": _spike(False), "signed": _spike(True)},
    "frozen": _variants(_frozen, "from_some_step", "from_start", "with_validation"),
    "not_learning": _variants(_not_learning, "chance", "regression", "tiny_drop"),
    "plateau": _variants(_plateau, "knee", "converged"),
    "oscillation": _variants(_oscillation, "period2", "slow"),
    "needs_more_epochs": _variants(_needs_more, "linear", "exponential", "psnr"),
    "overfit": _variants(_overfit, "loss", "accuracy", "psnr"),
    "metric_disagreement": _variants(_disagree, "throughout", "parts_later"),
    "scaler_collapse": _variants(_collapse, "plain", "other_names", "sparse", "below_one"),
    "scaler_low": _variants(_low, "search", "gradual"),
    "nonfinite_burst": {"plain": f_burst},
    "optimizer_not_stepping": _variants(_not_stepping, "to_the_end", "then_recovers", "sparse"),
    "scaler_state_not_restored": _variants(_not_restored, "from_above", "from_below"),
    "grad_explosion": _variants(_explosion, "exponential", "sudden"),
    "grad_vanishing": _variants(_vanishing, "abrupt", "gradual"),
    "clip_always_active": _variants(_clip, "most", "nearly_all"),
    "stage_transition": _variants(_transition, "stays", "recovers_slowly"),
    "frozen_module_moves": {"alignment": lambda rng: _stages(rng, moves=True), "backbone": m_backbone},
    "below_bicubic": _variants(_below, "curve", "final_only", "one_sequence"),
    "fusion_no_gain": _variants(_no_gain, "curve", "final_only"),
    "gradient_conflict": _variants(_conflict, "throughout", "later"),
}


def healthy(seed: int) -> Case:
    """A healthy run; consecutive seeds go through all families."""
    names = list(HEALTHY)
    return HEALTHY[names[seed % len(names)]](np.random.default_rng([1301, seed]))


def failing(name: str, seed: int) -> Case:
    """A run with this fault; consecutive seeds go through all its variants."""
    variants = list(FAILING[name].values())
    return variants[seed % len(variants)](np.random.default_rng([1302, list(FAILING).index(name), seed]))


# ---------------------------------------------------------- what looks like a fault, and beside it the fault itself

TWINS: dict[str, Callable[[Generator, bool], Case]] = {}
"""Of each name a healthy run whose numbers look like a fault, and one of the same kind that has it (`is_ill`)."""


def twin(name: str, seed: int, *, is_ill: bool) -> Case:
    """One of the two."""
    return TWINS[name](np.random.default_rng([1303, *name.encode(), seed, is_ill]), is_ill)


def t_search(rng: Generator, is_ill: bool) -> Case:
    """From far above what fits the scale halves step after step, and stands. Ill: later on it falls without end, or no
    step is taken any more."""
    init, level = pick(rng, (2.0**16, 2.0**24, 2.0**32, 2.0**32)), uni(rng, 9, 17)
    p = logu(rng, 0.01, 0.05)
    is_stuck = is_ill and rng.random() < 0.5
    before = length(rng, 300, 2500) if is_ill else length(rng, 120, 3900)
    after = 0 if not is_ill else int(rng.integers(100, 400)) if is_stuck else int(14 / p * uni(rng, 1, 1.6))
    n = before + after
    limit = ceilings(rng, n, level)
    limit[before:][rng.random(after) < (1 if is_stuck else p)] = -np.inf
    if is_ill:
        limit[before] = -np.inf
    scale, skipped = grad_scaler(limit, init=init)
    name = ("optimizer_not_stepping" if is_stuck else "scaler_collapse") if is_ill else None
    names = pick(rng, SCALES)
    series = fp16_run(rng, n, scale, skipped, names=names, curve=noisy(rng, loss(rng, n), 0.02, "gauss"))
    return case("start_up_search", series, name, before + 1 if is_ill else None)


TWINS["start_up_search"] = t_search


def t_printed(rng: Generator, is_ill: bool) -> Case:
    """A loss that is printed with few digits and comes to rest, so that its last ones print alike. Ill: printed so, it
    freezes in the middle of its noise."""
    n, digits = length(rng, 150, 1500), int(rng.integers(3, 5))
    steps, start = grid(rng, n), uni(rng, 0.5, 4)
    noise = np.exp(uni(rng, 0.03, 0.12) * rng.standard_normal(n))
    at = onset(rng, n, 0.3, 0.7)
    if is_ill:
        value = noise * (start * uni(rng, 0.1, 0.5) + start * decay(rng, unit(n), "exp"))
        value[at:] = value[at]
    elif rng.random() < 0.5:  # Learned by heart: the noise becomes as small as the loss.
        value = noise * (start * np.exp(-unit(n) / uni(rng, 0.03, 0.08)) + 10.0**-digits)
    else:  # All data in each step: no noise at all.
        value = start * (uni(rng, 0.1, 0.5) + np.exp(-np.arange(n) / (n * uni(rng, 0.02, 0.08))))
    out = {pick(rng, ("loss", "train_loss", "train/loss")): pts(steps, np.round(value, digits))}
    return case("printed", out, "frozen" if is_ill else None, steps[at] if is_ill else None)


TWINS["printed"] = t_printed


def t_steep(rng: Generator, is_ill: bool) -> Case:
    """A flat place with next to no gradient, then a steep one, and then another flat one. Ill: the norm grows, and the
    loss is driven up."""
    n, at = length(rng, 200, 2500), uni(rng, 0.25, 0.6)
    steps, x, wide, low = grid(rng, n), unit(n), uni(rng, 0.02, 0.05), logu(rng, 1e-3, 5e-3)
    start, floor = amounts(rng)
    top, noise = low * logu(rng, 300, 3000), np.exp(uni(rng, 0.1, 0.35) * rng.standard_normal(n))
    if is_ill:
        begin = int(at * n)
        since = np.maximum(np.arange(n) - begin, 0)
        grow = np.minimum(1, since / (n * uni(rng, 0.05, 0.15)))
        back = np.clip((x - x[begin] - 0.25) / 0.05, 0, 1) if rng.random() < 0.5 else 0.0  # The loss stays lost.
        g = low * 10 * (top / low) ** (grow * (1 - back))
        clean = floor + (start - floor) * (decay(rng, x, "exp") + uni(rng, 0.4, 2) * np.minimum(1, 2 * grow))
    else:
        g = low + top * np.exp(-(((x - at) / wide) ** 2) / 2) + low * uni(rng, 1, 5) * (x > at)
        clean = floor + (start - floor) / (1 + np.exp((x - at) / (wide / 2)))
    out = {
        "train/loss": pts(steps, noisy(rng, clean, 0.02)),
        pick(rng, ("grad_norm", "train/grad_norm")): pts(steps, g * noise),
    }
    return case("steep_place", out, "grad_explosion" if is_ill else None, steps[begin] if is_ill else None)


TWINS["steep_place"] = t_steep


def t_mixed(rng: Generator, is_ill: bool) -> Case:
    """Two tasks of which each step draws one; they learn side by side. Ill: both of them are driven up, and far."""
    n = length(rng, 200, 2500)
    steps, x = grid(rng, n), unit(n)
    is_first, level, noise = rng.random(n) < uni(rng, 0.25, 0.75), uni(rng, 0.5, 2), uni(rng, 0.02, 0.06)
    one = level * uni(rng, 0.1, 0.4) * (1 + uni(rng, 1, 3) * np.exp(-x / uni(rng, 0.05, 0.15)))
    two = level * (1 + uni(rng, 0.8, 2) * np.exp(-x / uni(rng, 0.05, 0.15)))
    at = onset(rng, n, 0.3, 0.7)
    if is_ill:
        up = level * uni(rng, 8, 20) * np.minimum(1, np.maximum(x - x[at], 0) / uni(rng, 0.02, 0.2))
        one, two = one + up, two + up
    value = np.where(is_first, one, two) * (1 + noise * rng.standard_normal(n))
    out = {pick(rng, ("loss", "train_loss", "train/loss")): pts(steps, value)}
    return case("two_tasks", out, "divergence" if is_ill else None)  # Where, the scatter of two levels hides.


TWINS["two_tasks"] = t_mixed


def t_minimum(rng: Generator, is_ill: bool) -> Case:
    """All data in each step, a convex loss that has a floor: the norm shrinks to nothing with what is left to gain.
    Ill: the graph is cut at a step, or the loss of single batches stands where it is stuck."""
    n = length(rng, 200, 2500)
    steps, start = grid(rng, n), uni(rng, 0.3, 4)
    rate = uni(rng, 25, 60) / n
    fall, at = np.exp(-rate * np.arange(n)), onset(rng, n, 0.05, 0.15)
    g = start * fall * uni(rng, 0.5, 3)
    value = start * (uni(rng, 0.3, 0.9) + uni(rng, 0.1, 0.6) * fall * fall)
    is_cut = rng.random() < 0.5
    begin = at if is_cut else int(np.flatnonzero(g < 1e-7)[0])
    if is_ill and is_cut:
        g[at:], value[at:] = 1e-12, value[at]
    elif is_ill:
        value = value + 0.01 * start * rng.standard_normal(n)
    out = {pick(rng, ("train/loss", "loss")): pts(steps, value)}
    out[pick(rng, ("train/grad_norm", "grad_norm"))] = pts(steps, g + 1e-14)
    return case("minimum", out, "grad_vanishing" if is_ill else None, steps[begin] if is_ill else None)


TWINS["minimum"] = t_minimum


def t_ramp(rng: Generator, is_ill: bool) -> Case:
    """Weights are pruned little by little, or sequences grow, on a schedule that is logged; the loss pays for it while
    it does. Ill: it leaps in the middle of the ramp, or rises on when the ramp has ended."""
    n = length(rng, 200, 2500)
    steps, x = grid(rng, n), unit(n)
    begin, span = uni(rng, 0.25, 0.5), uni(rng, 0.15, 0.35)
    u = np.clip((x - begin) / span, 0, 1)
    level = 1 - (1 - u) ** 3 if rng.random() < 0.5 else u  # Zhu and Gupta's cubic, or a straight one.
    if rng.random() < 0.4:  # In steps.
        level = np.floor(level * 20) / 20
    start, floor = amounts(rng)
    clean = floor + (start - floor) * np.exp(-x / uni(rng, 0.03, 0.07))
    paid = (start - floor) * uni(rng, 0.12, 0.6)
    at = begin + span * (uni(rng, 0.3, 0.7) if rng.random() < 0.5 else 1)
    if is_ill:
        wide = 0.01 if at < begin + span else 1 - at
        clean = clean + max(2 * paid, 0.5 * (start - floor)) * np.clip((x - at) / wide, 0, 1)
    else:
        clean = clean + paid * level ** uni(rng, 1, 3)
    name, top = pick(
        rng, (("sparsity", uni(rng, 0.5, 0.95)), ("train/sparsity", 0.9), ("seq_len", 1024), ("difficulty", 1))
    )
    out = {"train/loss": pts(steps, noisy(rng, clean, logu(rng, 0.005, 0.04))), name: pts(steps, level * top)}
    return case("ramp", out, "divergence" if is_ill else None, steps[int(at * (n - 1))] if is_ill else None)


TWINS["ramp"] = t_ramp
