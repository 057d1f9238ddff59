"""What a logged series is for, by its name: a result, a loss, how it was trained, or mere clockwork.

A program logs its quality beside its learning rate, its epoch, the time of day and the heat of its card. Whoever picks
a series to draw, or a number to show, asks here: clockwork is never a result, and a schedule is none either. Names are
those of the trackers and frameworks that `import` reads; a name that nobody knows may be a result.
"""

import re
from enum import IntEnum
from functools import lru_cache

from runaudit.metrics.catalogue import known_direction, of_other_kind
from runaudit.metrics.heldout import is_held_out


class Role(IntEnum):
    """What a series is for, in the order in which they are looked at."""

    LOSS = 0
    HELD_OUT = 1
    RESULT = 2
    """Of a known quantity, measured on what the network learns from, or nobody says on what."""
    OTHER = 3
    RATE = 4
    """A schedule: learning rate, momentum, weight decay."""
    GRADIENT = 5
    SPEED = 6
    """Throughput, or the time that a step takes."""
    SCALER = 7
    """The loss scale of mixed precision, the steps it skipped, and those whose loss was no number."""
    CLOCKWORK = 8
    """A counter or a clock: epoch, step, samples seen, time of day."""
    SYSTEM = 9
    """The machine: memory, load, heat."""

    @property
    def is_curve(self) -> bool:
        """Whether anybody would look at it over the steps of a training."""
        return self < Role.SCALER


_SYSTEM_FIRST = frozenset({"system", "sys", "gpu", "cpu", "hardware"})
_SYSTEM = re.compile(
    r"(?:gpu|cpu|cuda|proc|host|disk|network|ram|vram|swap)(?:\b.*)?\b(?:util\w*|memory|mem|usage|percent\w*|temp\w*|power|"
    r"mb|gb|bytes|load|allocated|reserved)|(?:peak|max|used|allocated|reserved) (?:memory|mem)|(?:memory|mem) "
    r"(?:used|allocated|reserved|usage|mb|gb|gib|mib|peak)|memory|mem|.* mem .*|ram|vram|.* memory"
)
_COUNTER = re.compile(
    r"(?:global|num|n|total|current|trainer|env|train|optimizer|update)?(?:[ ](?:global|num|total))*[ ]?"
    r"(?:steps?|epochs?|iters?|iterations?|itr|batch idx|updates|nupdates|timesteps|total timesteps|episodes?|"
    r"flos|flops|(?:input )?tokens(?: seen)?|samples(?: seen)?|examples(?: seen)?|images seen)"
)
_CLOCK = re.compile(
    r"(?:_)?(?:wall ?time|wall clock|walltime|timestamp|runtime|elapsed|elapsed time|time elapsed|relative time|"
    r"time total s|time this iter s|total time|eta|eta seconds|date|datetime|time)|"
    r".* (?:runtime|timestamp|wall time)|"
    r"(?:.* )?(?:preparation|setup|startup|initiali[sz]ation|loading|compile|compilation|warmup|"
    r"(?:pre|post)?process(?:ing)?|computation|compute|execution|running|tokenization|generation|fit|cpu|gpu) "
    r"time(?: (?:s|ms|sec))?"
)
"""A time that is none of these, as `waiting time` or `completion time`, may be what is optimized."""
_RATE = re.compile(
    r"(?:.* )?(?:lr|lrs|learning rate|learningrate|base lr|weight decay|wd|momentum|betas?|beta\d|warmup|"
    r"lr scale|lr factor|lr multiplier|ema decay)(?: (?:pg)?\d+| group ?\d+| \w+)?|lr .*"
)
_GRADIENT = re.compile(r"(?:.* )?(?:grad|grads|gradient|gradients|gnorm|g norm)(?: .*)?")
_SPEED = re.compile(
    r"(?:.* )?(?:throughput|fps|sps|mfu|hfu|speed|(?:it|iter|iters|iterations|samples|steps|tokens|images|imgs|img|"
    r"examples|sentences|batches|frames|seqs|sequences|words|flops|tflops) "
    r"(?:per|a) (?:s|sec|second|gpu|device)(?: .*)?|"
    r"(?:it|iter|samples|steps|tokens|images|imgs|img|examples) (?:s|sec)|"
    r"(?:step|batch|iter|iteration|data|epoch|forward|backward|optimizer|update|train|eval|load|loading|inference|"
    r"dataloader|sec|seconds) (?:time|times|duration|latency|per (?:step|iter|iteration|batch|it|epoch))(?: \w+)?|"
    r"(?:time|seconds|duration) (?:per )?(?:step|batch|iter|iteration|data|epoch|forward|backward)(?: (?:s|ms|sec))?|"
    r"tokens per .*|ms per .*|s it)"
)
_SCALER = re.compile(
    r"(?:.* )?(?:amp (?:scale|skipped)|loss scale|grad scale|grad scaler|scaler scale|loss scaler|"
    r"(?:skipped|nan) (?:steps|iterations|iters|updates))"
)
_OPTIMIZER = r"(?:(?:train|training|trainer|optim|optimizer|opt|amp|fp16|scaler|grad|grads|deepspeed) )*"
_SKIP_FLAG = re.compile(
    _OPTIMIZER
    + r"(?:is )?(?:found inf|(?:gradient )?overflow|(?:step )?(?:skip|skipped)|(?:skip|skipped) (?:step|update)|"
    r"(?:non ?finite|inf|nan) (?:grad|grads|gradient|gradients))"
)
"""Of one step: what is skipped in the data is none of these."""
_NO_NORM = frozenset(
    re.findall(
        r"\w+",
        "accum accumulation checkpointing clip clipped clipping coef cos cosine count cv fraction kurtosis mean median "
        "min noise num penalty ratio rate share similarity skew snr sparsity std steps time ms s var variance zero "
        "zeros",
    )
)
"""Words of what is told of gradients and is no size of them. A mean of norms is one, a mean of signed values is not."""
_LOSS = frozenset({"loss", "losses", "nll", "elbo", "objective", "cost", "perplexity", "ppl", "bpd", "xent", "ce"})


@lru_cache(maxsize=4096)
def role(name: str) -> Role:
    """What a series of this name is for."""
    parts = [_plain(part) for part in re.split(r"[/|]+", name) if _plain(part)]
    if not parts:
        return Role.OTHER
    last, whole = parts[-1], " ".join(parts)
    if _SCALER.fullmatch(whole) or _SCALER.fullmatch(last) or _SKIP_FLAG.fullmatch(whole):
        return Role.SCALER
    if len(parts) > 1 and parts[0] in _SYSTEM_FIRST:
        return Role.SYSTEM
    # A loss may be told a step or an epoch: `epoch_loss`, `train/loss_step`. What is a loss by a word is no counter.
    if of_other_kind(name) and not _COUNTER.fullmatch(last):
        return Role.OTHER
    is_rate = _RATE.fullmatch(last) and not (last.startswith("lr ") and known_direction(last))
    if (_LOSS & set(whole.split()) or "cross entropy" in whole) and not is_rate:
        return Role.LOSS
    for pattern, found in (
        (_COUNTER, Role.CLOCKWORK), (_RATE, Role.RATE), (_GRADIENT, Role.GRADIENT), (_SPEED, Role.SPEED),
        (_CLOCK, Role.CLOCKWORK), (_SYSTEM, Role.SYSTEM),
    ):  # fmt: skip
        if pattern is _RATE and not is_rate and pattern.fullmatch(last):
            continue  # `lr_loss`, `lr_psnr` are of the low resolution
        if pattern.fullmatch(last) or (pattern in (_RATE, _GRADIENT, _SPEED) and pattern.fullmatch(whole)):
            return found
    if is_held_out(name):
        return Role.HELD_OUT
    return Role.OTHER if known_direction(name) is None else Role.RESULT


def is_loss_scale(name: str) -> bool:
    """Whether a series is the loss scale itself, and not the count of the steps that it cost."""
    counts = any(word in name.lower() for word in ("skip", "overflow")) or counts_nan(name) or flags_skip(name)
    return role(name) is Role.SCALER and not counts


def flags_skip(name: str) -> bool:
    """Whether a series says of each step whether it was skipped, by its name: `found_inf`, `step_skipped`; of a bare
    `skipped` its values must tell."""
    words = _plain(name)
    return (bool(_SKIP_FLAG.fullmatch(words)) and words.split()[-1] != "skipped") or words.endswith("step skipped")


def counts_nan(name: str) -> bool:
    """Whether a series counts the steps whose loss was no number."""
    return role(name) is Role.SCALER and "nan" in _plain(name).split() and not _SKIP_FLAG.fullmatch(_plain(name))


def is_gradient_norm(name: str) -> bool:
    """Whether a series is the size of a gradient, and no count, ratio or signed mean of it."""
    words = set(_plain(name).split())
    is_norm = words & {"norm", "norms", "gnorm"} and words & _NO_NORM <= {
        "mean",
        "median",
        "min",
        "clip",
        "clipped",
        "clipping",
    }
    return role(name) is Role.GRADIENT and bool(is_norm or not words & _NO_NORM)


def is_gradient_cosine(name: str) -> bool:
    """Whether a series is the cosine between two gradients: `gradient_conflict/cosine`, `grad_cos`."""
    return role(name) is Role.GRADIENT and bool(set(_plain(name).split()) & {"cos", "cosine"})


def _plain(part: str) -> str:
    """The words of a part of a name, small and apart: `samples_per_second`, `lr-Adam/pg1`, `learningRate`."""
    apart = re.sub(r"([a-z])([A-Z])", r"\1 \2", part)
    return " ".join(re.sub(r"[^a-z0-9]+", " ", apart.lower()).split())
