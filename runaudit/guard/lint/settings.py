"""What the program is told, found under whatever names programs give it: argparse, TrainingArguments, Lightning, Hydra.

A setting is looked for in the config and on the command line, then among the defaults of the script's own options and
assignments, then among the literal arguments of what it calls. The first of the three that has it speaks. Two values
under names of one meaning leave open which holds, and then nobody may judge by it.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, NamedTuple

from runaudit.factors.arguments import arguments_of
from runaudit.guard.lint.written import Literal, Written
from runaudit.records.manifest import Manifest, Unknown

MOST = 10**15
"""What is larger, or no number, counts nothing."""


class Setting(NamedTuple):
    """Where something is set, and to what."""

    path: str
    value: Any

    @property
    def told(self) -> str:
        """The path, without the place: how a file is called says nothing of what is set there."""
        return re.sub(r"^.*:\d+ ", "", self.path)

    @property
    def name(self) -> str:
        """The same in small letters."""
        return self.told.lower()

    def __str__(self) -> str:
        return f"{self.path} = {self.value}"


class Knob(NamedTuple):
    """One thing that programs are told. `names`: the last words it goes by; `under`: what must stand somewhere above a
    name that means other things elsewhere; `apart`: what may not."""

    what: str
    names: frozenset[str]
    kind: Callable[[Any], bool]
    below: Mapping[str, frozenset[str]]
    apart: frozenset[str] = frozenset()


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < MOST


def _counts(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(map(_count, value))


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < MOST


def _rate(value: Any) -> bool:
    return _number(value) and 0 < value < 100


def _not_finite(value: Any) -> bool:
    if isinstance(value, str):
        value = float(value) if value.lower().lstrip("+-") in ("nan", "inf", "infinity") else 0.0
    return isinstance(value, float) and not isfinite(value)


def _any(value: Any) -> bool:
    return value is not None


def _word(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


HELD_OUT = frozenset({"val", "valid", "validation", "eval", "evaluation", "test", "infer", "inference", "predict"})
_OPTIMIZER = frozenset({"optimizer", "optim", "opt", "optimiser"})


def _knob(
    what: str,
    names: str,
    kind: Callable[[Any], bool],
    *,
    below: Mapping[str, str] | None = None,
    apart: str = "",
) -> Knob:
    words = {name: frozenset(parents.split()) for name, parents in (below or {}).items()}
    return Knob(what=what, names=frozenset(names.split()), kind=kind, below=words,
                apart=HELD_OUT | frozenset(apart.split()))  # fmt: skip


LR = _knob(
    "learning rate",
    "lr learning_rate base_lr init_lr initial_lr lr0 peak_lr learningrate base_learning_rate",
    _rate,
    below={"max_lr": "optimizer optim opt"},
    apart="scheduler lr_scheduler lr_schedule schedule sched warmup swa ema discriminator disc critic teacher",
)
NOT_FINITE = LR._replace(kind=_not_finite)
"""The same names, told a number that no rate can be."""
BATCH = _knob(
    "batch size",
    "batch_size per_device_train_batch_size micro_batch_size train_micro_batch_size_per_gpu batch_size_per_gpu "
    "batch_size_per_device samples_per_gpu imgs_per_gpu batchsize train_batch_size device_batch_size bs",
    _count,
    below={"batch": "optim optimizer train training data args"},
    apart="test_dataloader val_dataloader buffer replay",
)
ACCUMULATION = _knob(
    "gradient accumulation",
    "gradient_accumulation_steps accum grad_accum grad_accum_steps accumulate_grad_batches accumulation_steps "
    "accum_steps accum_iter gradient_accumulation grad_accumulation_steps accumulate grad_accumulation accumulation "
    "update_freq iter_size",
    _count,
)
WORLD = _knob(
    "number of processes",
    "world_size num_gpus n_gpus ngpus num_devices devices nproc_per_node gpus n_gpu num_gpus_per_node",
    _any,
    below={"num_processes": "launcher accelerate distributed"},
)
NODES = _knob("number of nodes", "num_nodes nnodes num_machines", _count)
OPTIMIZER = _knob(
    "optimiser",
    "optimizer optim opt optimizer_name optim_type optimizer_type opt_type optimiser",
    _word,
    below={"name": "optimizer optim opt optimiser", "type": "optimizer optim opt optimiser",
           "_target_": "optimizer optim opt optimiser", "kind": "optimizer optim opt optimiser"},
)  # fmt: skip
CLIP = _knob(
    "gradient clipping",
    "grad_clip max_grad_norm gradient_clip_val clip_grad clip_grad_norm clip_norm grad_clip_norm gradient_clip "
    "gradient_clipping max_norm clip_gradients grad_norm_clip clipping_norm grad_clip_val",
    lambda value: value is None or _number(value) or isinstance(value, bool),
    apart="augment transform reward advantage ppo normalize",
)
WARMUP = _knob(
    "warm-up",
    "warmup warmup_steps warmup_epochs warmup_iters warmup_fraction warmup_ratio num_warmup_steps warm_up warmup_iter "
    "warmup_updates warmup_proportion lr_warmup_steps lr_warmup_epochs warmup_t pct_start n_warmup_steps warmup_frac "
    "linear_warmup_steps warmup_num_steps warm_up_steps warm_up_epochs",
    lambda value: _number(value) or isinstance(value, bool),
)
FP16 = _knob("fp16", "fp16 use_fp16 half use_half", lambda value: isinstance(value, bool))
BF16 = _knob("bf16", "bf16 use_bf16", lambda value: isinstance(value, bool))
PRECISION = _knob(
    "precision",
    "precision mixed_precision amp_dtype autocast_dtype amp_precision",
    _any,
    below={"dtype": "amp precision autocast train training args trainer"},
)
_JUDGED = HELD_OUT - {"infer", "inference", "predict"}
EVAL_HALF = Knob(
    what="precision of the evaluation",
    names=frozenset(
        f"{where}_{what}" for where in _JUDGED for what in ("precision", "dtype", "amp", "autocast", "half")
    )
    | {"fp16_full_eval", "bf16_full_eval", "half_eval", "amp_eval"},
    kind=lambda value: value is True or (isinstance(value, int | str) and "16" in str(value)),
    below=dict.fromkeys(("precision", "dtype", "amp", "autocast", "half", "fp16", "bf16", "use_amp"), _JUDGED),
)
"""Only what says that it is in 16 bits."""
AMP = _knob(
    "mixed precision",
    "amp use_amp mixed_precision enable_amp autocast use_autocast",
    lambda value: isinstance(value, bool),
)
EPOCHS = _knob(
    "epochs",
    "epochs num_epochs max_epochs num_train_epochs n_epochs total_epochs train_epochs nepochs nb_epochs",
    _count,
    apart="warmup warm_up scheduler lr_scheduler",
)  # fmt: skip
STEPS = _knob(
    "steps",
    "max_steps total_steps num_train_steps max_iters total_iters train_steps max_iterations total_iter num_iterations "
    "max_train_steps train_iters n_iters num_training_steps training_steps",
    _count,
    apart="warmup warm_up scheduler lr_scheduler onecycle one_cycle schedule sched",
)
MILESTONES = _knob("steps of the schedule", "milestones lr_milestones lr_steps decay_milestones", _counts)
STEPS_PER_EPOCH = _knob("steps of an epoch", "steps_per_epoch iters_per_epoch batches_per_epoch num_batches", _count)
PERIOD = _knob(
    "length of the schedule",
    "t_max tmax lr_decay_iters lr_decay_steps decay_steps cosine_steps lr_decay_epochs num_decay_steps",
    _count,
    below={"total_steps": "onecycle one_cycle scheduler lr_scheduler schedule sched"},
)
PARAMETERS = _knob("parameters", "num_params n_params parameters num_parameters n_parameters params_total", _count)
DATA_RANGE = _knob("data range", "data_range max_value max_val peak_value pixel_max white_level", _number)
SIGMA_MEAN = _knob("mean of ln sigma", "p_mean sigma_log_mean ln_sigma_mean log_sigma_mean", _number)
SIGMA_DEVIATION = _knob("deviation of ln sigma", "p_std sigma_log_std ln_sigma_std log_sigma_std", _number)
STAGING = _knob("staging", "staging stages stage training_stages train_stage freeze freeze_alignment frozen", _any)
STARTS = _knob(
    "start",
    "resume resume_from resume_from_checkpoint checkpoint ckpt ckpt_path pretrained pretrained_path init_from finetune "
    "load_from weights model_name_or_path from_pretrained pretrained_model_name_or_path resume_path lora use_lora "
    "use_peft warm_start restore",
    lambda value: value not in (None, False, "", "none", "None", "scratch", "null"),
)


_OF_USE = frozenset(
    {"used", "use", "eval", "evaluation", "test", "sampler", "sampling", "inference", "sample", "deploy"}
)


def is_of_use(one: Setting, what: str, *which: str) -> bool:
    """Whether it is a positive number by these words, and of what the trained model is used for."""
    words = set(_words(one.told))
    is_number = _number(one.value) and one.value > 0
    return is_number and what in words and bool(words & {*which}) and bool(words & _OF_USE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that a program is told, in layers: what was said, what its options default to, what its calls are given."""

    said: tuple[Setting, ...] = ()
    defaults: tuple[Setting, ...] = ()
    literals: tuple[Setting, ...] = ()

    @classmethod
    def of(cls, manifest: Manifest, written: Written | Unknown) -> "Settings":
        """The settings of a draft, and of the code that it would run."""
        argv = [str(word) for word in manifest.section("launch").get("argv") or ()]
        config = manifest.section("config")
        arguments = {} if "args" in config else arguments_of(argv)
        said = [Setting(f"config.{path}", value) for path, value in leaves(config)]
        said += [Setting(f"config.args.{path}", value) for path, value in leaves(arguments)]
        known = () if isinstance(written, Unknown) else written.defaults
        return cls(
            said=tuple(said),
            defaults=tuple(_of_code(one) for one in known if one.call in ("", "option")),
            literals=tuple(_of_code(one) for one in known if one.call not in ("", "option")),
        )

    def find(self, knob: Knob) -> Setting | Unknown | None:
        """What is set; None where nothing is said of it, Unknown where two things are."""
        for layer in (self.said, self.defaults, self.literals):
            found = [one for one in layer if _is_meant(one, knob)]
            values = {_comparable(one.value) for one in found}
            if len(values) > 1:
                where = ", ".join(f"{one.path} = {one.value}" for one in found[:3])
                return Unknown(f"the {knob.what} cannot be determined: {where}")
            if found:
                return found[0]
        return None

    def all_of(self, knob: Knob) -> tuple[Setting, ...]:
        """Every place where it is said."""
        return tuple(one for one in self.said if _is_meant(one, knob))

    def default_of(self, knob: Knob) -> Setting | None:
        """What an option of the program defaults to; None where none does, or two do."""
        found = [one for one in self.defaults if _is_meant(one, knob)]
        return found[0] if len({_comparable(one.value) for one in found}) == 1 else None

    def in_force(self) -> tuple[Setting, ...]:
        """What was said, and what the options default to of which nothing was said."""
        names = {_plain(one.name.rpartition(".")[2]) for one in self.said}
        return (*self.said, *(one for one in self.defaults if _plain(one.name) not in names))

    def has_word(self, *words: str) -> Setting | None:
        """A setting below a name that holds one of these words, told by a whole word of the path."""
        wanted = frozenset(words)
        return next((one for one in self.said if wanted & set(_words(one.path))), None)


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted path, value) of what is no table; a list is one value."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}" if path else str(key))
    elif path:
        yield path, value


def _of_code(one: Literal) -> Setting:
    name = f"{one.call}({one.name})" if one.call not in ("", "option") else one.name
    return Setting(f"{one.path}:{one.line} {name}", one.value)


def _is_meant(one: Setting, knob: Knob) -> bool:
    parts = [_plain(part) for part in re.split(r"[. ()]+", one.told) if part]
    if not parts or not knob.kind(one.value):
        return False
    name, above = parts[-1], parts[1:-1] if parts[0] == "config" else parts[:-1]
    if one.path.endswith(")"):
        above = []
    meant = name in knob.names or (name in knob.below and bool(knob.below[name] & set(above)))
    return meant and not knob.apart & {word for part in above for word in (part, *part.split("_"))}


def _plain(word: str) -> str:
    return word.lower().replace("-", "_").strip("_") if word != "_target_" else word


def _words(path: str) -> Iterable[str]:
    return [word for word in re.split(r"[._\-/ ]+", path.lower()) if word]


def _comparable(value: Any) -> Any:
    return value if isinstance(value, bool | int | float | str) else repr(value)
