"""What the code says that will run, as far as it can be read without running it.

Read are the script and the files of its tree that it imports, as they are sealed. What is found in them is a fact of
this program; that something is *not* there is one only where all of it could be read and no framework trains in its
place: `whole` says so, else why not.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from types import MappingProxyType
from typing import Any, NamedTuple

from runaudit.records.manifest import Unknown

FRAMEWORKS = frozenset({
    "lightning", "pytorch_lightning", "transformers", "accelerate", "deepspeed", "fastai", "ultralytics", "mmengine",
    "mmcv", "mmdet", "ignite", "composer", "catalyst", "trl", "colossalai", "detectron2", "segmentation_models_pytorch",
    "monai", "basicsr", "timm", "diffusers", "sentence_transformers", "torchtune", "torchtitan", "nemo", "fairseq",
    "megatron",
})  # fmt: skip
"""They train, clip, scale or warm up themselves: that a program does not is then no sign that nobody does."""
OTHER_ENGINES = frozenset({"tensorflow", "keras", "jax", "flax", "paddle", "mxnet", "mindspore", "chainer", "oneflow"})
"""Their words for the same things are others, so nothing can be missed in such a program."""


OPTIMIZERS = ("Adam", "AdamW", "NAdam", "RAdam", "Adamax", "AdamW8bit", "Adam8bit", "FusedAdam", "SGD", "RMSprop",
              "Adagrad", "Adadelta", "Lion", "LAMB", "Lamb", "Adafactor", "LBFGS", "Muon", "Rprop")  # fmt: skip
ATTENTION = ("MultiheadAttention", "TransformerEncoder", "TransformerEncoderLayer", "TransformerDecoder",
             "TransformerDecoderLayer", "Transformer", "scaled_dot_product_attention")  # fmt: skip
BATCH_NORMS = ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "LazyBatchNorm2d")
BLOCKS = frozenset({*ATTENTION, *BATCH_NORMS})
"""What a rule may speak against for being there. Where a program only may have it, the name ends with `?`."""
JUDGED_IN_HALF = "autocast in an evaluation"
"""Among the calls: a function that judges computes in 16 bits, whatever is set."""
BY_HAND = "attention by hand"
"""Among the calls: a block that attends without a layer of the library."""


class Place(NamedTuple):
    """Where something stands, and what stands there."""

    path: str
    line: int
    text: str = ""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


class Transform(NamedTuple):
    """A call of an FFT. `island`: its input is cast to 32 bits, or it stands where autocast is off. `half`: its input
    comes from a block that autocast runs in 16 bits. `scaled`: its sum is normalised, or its logarithm or phase is
    taken. `loss`: it is part of a loss."""

    path: str
    line: int
    text: str
    island: bool = False
    half: bool = False
    scaled: bool = False
    loss: bool = False

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


class Epsilon(NamedTuple):
    """A number that keeps a hand-written norm from dividing by zero."""

    path: str
    line: int
    text: str
    value: float
    island: bool = False

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


class Literal(NamedTuple):
    """A number or word of the program: the default of an option, an assignment at the top, an argument of a call."""

    path: str
    line: int
    name: str
    value: Any
    call: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What was found. `calls`: by the last word of their names, those of interest alone. `missing`: why it may be that
    not all was read; empty where it was."""

    files: tuple[str, ...] = ()
    imported: tuple[str, ...] = ()
    missing: str = ""
    calls: Mapping[str, tuple[Place, ...]] = field(default_factory=lambda: MappingProxyType({}))
    transforms: tuple[Transform, ...] = ()
    epsilons: tuple[Epsilon, ...] = ()
    defaults: tuple[Literal, ...] = ()
    modules: tuple[Place, ...] = ()
    freezes: tuple[Place, ...] = ()
    sigmas: tuple[tuple[str, int, float, float], ...] = ()
    half_words: tuple[Place, ...] = ()
    mentions: tuple[Place, ...] = ()
    """Names that speak of what a program may also do by hand: `warm`, `clip`, `accum`."""
    used: tuple[str, ...] = ()
    """What is called, or built upon."""

    def of(self, *names: str) -> tuple[Place, ...]:
        """The calls of these names."""
        return tuple(place for name in names for place in self.calls.get(name, ()))

    def has(self, *names: str) -> tuple[Place, ...] | Unknown:
        """The blocks of these names that are surely there; Unknown where some only may be."""
        places = self.of(*names)
        if found := tuple(place for place in places if not place.text or place.text in self.used):
            return found
        perhaps = (*places, *self.of(*(f"{name}?" for name in names)))
        return Unknown(f"whether {names[0]} or the like is used: {perhaps[0]} decides while it runs") if perhaps else ()

    @property
    def frameworks(self) -> list[str]:
        """The frameworks that may train in the program's place."""
        return sorted({name.partition(".")[0] for name in self.imported} & FRAMEWORKS)

    @property
    def whole(self) -> str:
        """Empty where all that trains was read; else why something may do what is not seen."""
        roots = {name.partition(".")[0] for name in self.imported}
        if self.missing:
            return self.missing
        if found := sorted(roots & OTHER_ENGINES):
            return f"the program trains with {found[0]}"
        if found := self.frameworks:
            return f"{found[0]} may do it in the program's place"
        return "" if "torch" in roots else "the program is not seen to train with torch"

    def to_json(self) -> dict[str, Any]:
        """For a memory."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Written":
        """From a memory. Raises what a broken one makes of it: TypeError, KeyError, ValueError."""
        kinds = {"transforms": Transform, "epsilons": Epsilon, "defaults": Literal, "modules": Place, "freezes": Place,
                 "half_words": Place, "mentions": Place}  # fmt: skip
        found: dict[str, Any] = {one.name: value[one.name] for one in fields(cls)}
        for name, kind in kinds.items():
            found[name] = tuple(kind(*row) for row in found[name])
        found["calls"] = {name: tuple(Place(*row) for row in rows) for name, rows in found["calls"].items()}
        for name in ("files", "imported", "used"):
            found[name] = tuple(map(str, found[name]))
        found["sigmas"] = tuple((str(a), int(b), float(c), float(d)) for a, b, c, d in found["sigmas"])
        return cls(**found)
