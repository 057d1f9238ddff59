"""What a rule of the lint may ask for, each gathered once and only where a rule asks. `Unknown` says why not.

That something is missing (no clipping, no warm-up) is a fact only where the settings do not have it, the program's code
could be read to the end, and no framework trains in its place.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from runaudit.guard.lint import settings as knobs
from runaudit.guard.lint.looks import DataLook
from runaudit.guard.lint.settings import Knob, Setting, Settings
from runaudit.guard.lint.written import ATTENTION, BATCH_NORMS, BY_HAND, JUDGED_IN_HALF, OPTIMIZERS, Place, Written
from runaudit.records.manifest import Manifest, Unknown
from runaudit.records.run import Run

CLIPPING = ("clip_grad_norm_", "clip_grad_value_", "clip_grad_norm", "clip_gradients")
ADAM = re.compile(r"(?i)^(paged_|fused_|deepspeed_?)?(n|r)?adam(w|ax)?(?![a-z]*factor)")
WARMING = ("OneCycleLR", "LinearLR", "get_cosine_schedule_with_warmup", "get_linear_schedule_with_warmup")


class Presence(NamedTuple):
    """Whether something is there, and where it says so."""

    there: bool
    where: str = ""


class Effective(NamedTuple):
    """How many samples an update of the weights sees. `assumed`: what nobody set, and counts as one."""

    micro: int
    accumulation: int
    world: int
    assumed: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """Their product."""
        return self.micro * self.accumulation * self.world


class Before(NamedTuple):
    """The reference run: its learning rate and its effective batch."""

    run: str
    label: str
    rate: Setting
    batch: int


class Noise(NamedTuple):
    """What levels of noise are trained on: ln sigma is normal with this mean and deviation."""

    mean: float
    deviation: float
    where: str


class Facts(Mapping[str, object]):
    """Facts by name, each made when it is first asked for."""

    def __init__(self, made: Mapping[str, object], makers: Mapping[str, Callable[[], object]]) -> None:
        self._made, self._makers = dict(made), makers

    def __getitem__(self, name: str) -> object:
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._made, **self._makers})

    def __len__(self) -> int:
        return len({**self._made, **self._makers})


def lint_facts(
    manifest: Manifest,
    written: Written | Unknown,
    *,
    baseline: Run | None = None,
    look: Callable[[], DataLook | Unknown] = lambda: Unknown("the data was not looked at"),
) -> dict[str, Callable[[], object]]:
    """What makes each fact of a draft, by the name that a rule asks for it with. `look` looks at its data."""
    told = Settings.of(manifest, written)
    found = Gathered(manifest, told, written, baseline)
    names = [name for name in vars(Gathered) if not name.startswith("_")]
    return {
        "told": lambda: told,
        "written": lambda: written,
        "sampled": look,
        **{name: getattr(found, name) for name in names},
    }


class Gathered:
    """Each public method is a fact under its own name."""

    def __init__(self, manifest: Manifest, told: Settings, written: Written | Unknown, baseline: Run | None) -> None:
        self._manifest, self._told, self._written, self._baseline = manifest, told, written, baseline

    # ── the batch ────────────────────────────────────────────────────────────────────────────────────────────────

    def effective(self) -> Effective | Unknown:
        """The effective batch."""
        found = _effective(self._told, self._world())
        mentions = () if isinstance(self._written, Unknown) else self._written.mentions
        by_hand = next((one for one in mentions if one.text == "accum"), None)
        if isinstance(found, Effective) and found.assumed and by_hand:
            return Unknown(f"how many batches are accumulated: {by_hand} speaks of it")
        return found

    def micro(self) -> int | Unknown:
        """The samples of one step of one process, or of all of them: fewer there are not."""
        found = _said(self._told, knobs.BATCH)
        return int(found.value) if isinstance(found, Setting) else found

    def rate_before(self) -> Before | Unknown:
        """The rate and the batch of the declared baseline."""
        if self._baseline is None:
            return Unknown("no baseline was declared")
        told = Settings.of(self._baseline.manifest, Unknown("only what it was told is compared"))
        rate, batch = told.find(knobs.LR), _effective(told, 1)
        if isinstance(batch, Unknown) or not isinstance(rate, Setting):
            return Unknown("the learning rate and the batch of the baseline are not among its settings")
        return Before(run=self._baseline.short, label=self._baseline.manifest.label or "", rate=rate, batch=batch.total)

    def rate_now(self) -> Before | Unknown:
        """The same of this run, in the same words."""
        told = Settings(said=self._told.said)
        rate, batch = told.find(knobs.LR), _effective(told, 1)
        if isinstance(batch, Unknown) or not isinstance(rate, Setting):
            return Unknown("the learning rate and the batch are not among the settings")
        return Before(run="", label="", rate=rate, batch=batch.total)

    def _world(self) -> int | Unknown:
        set_to = self._told.find(knobs.WORLD)
        nodes = self._told.find(knobs.NODES)
        if isinstance(set_to, Unknown):
            return set_to
        if set_to is not None:
            if not isinstance(set_to.value, int) or isinstance(set_to.value, bool) or set_to.value < 1:
                return Unknown(f"the number of processes cannot be determined: {set_to}")
            return int(set_to.value) * (nodes.value if isinstance(nodes, Setting) else 1)
        gpus = self._manifest.section("env").get("gpu_count")
        if isinstance(self._written, Unknown):
            alone = gpus in (0, 1)
        else:
            spread = self._written.of("DataParallel", "spawn", "init_process_group") or self._written.frameworks
            alone = not spread or not isinstance(gpus, int) or gpus < 2
        return 1 if alone else Unknown("how many processes train at once is not said")

    def batch_norms(self) -> tuple[Place, ...] | Unknown:
        """Batch norms of the program, where they learn their statistics in each process alone."""
        if isinstance(self._written, Unknown):
            return self._written
        if self._written.of("SyncBatchNorm", "convert_sync_batchnorm", "FrozenBatchNorm2d"):
            return ()
        if (said := self._told.has_word("sync", "syncbn", "syncbatchnorm")) and said.value:
            return ()
        return self._written.has(*BATCH_NORMS)

    def parameters(self) -> int | Unknown:
        """How many numbers the model has, where the settings say so."""
        found = self._told.find(knobs.PARAMETERS)
        if isinstance(found, Setting):
            return int(found.value)
        return found if isinstance(found, Unknown) else Unknown("the number of parameters is not among the settings")

    # ── the rate ─────────────────────────────────────────────────────────────────────────────────────────────────

    def rate(self) -> Setting | Unknown:
        """The learning rate."""
        return _said(self._told, knobs.LR)

    def adam(self) -> Presence | Unknown:
        """Whether the optimiser is one of Adam's family."""
        found = self._told.find(knobs.OPTIMIZER)
        if isinstance(found, Unknown):
            return found
        if found is not None:
            name = str(found.value).rpartition(".")[2]
            return Presence(there=bool(ADAM.match(name)), where=str(found))
        if isinstance(self._written, Unknown):
            return Unknown("the optimiser is not among the settings")
        used = {name: self._written.of(name) for name in OPTIMIZERS if self._written.of(name)}
        if not used:
            return Unknown("the optimiser is neither among the settings nor seen in the code")
        kinds = {bool(ADAM.match(name)) for name in used}
        if len(kinds) > 1:
            return Unknown(f"the code has several optimisers: {', '.join(sorted(used))}")
        name, places = next(iter(used.items()))
        return Presence(there=kinds == {True}, where=f"{name} in {places[0]}")

    def attention(self) -> Presence | Unknown:
        """Whether the network has attention or works on frequencies."""
        if isinstance(self._written, Unknown):
            return self._written
        layers, blocks = self._written.has(*ATTENTION), self._written.has(BY_HAND)
        if not isinstance(layers, Unknown) and layers:
            return Presence(there=True, where=f"attention in {layers[0]}")
        if not isinstance(blocks, Unknown) and blocks:
            return Presence(there=True, where=f"the attention of {blocks[0].text} in {blocks[0]}")
        if inner := [one for one in self._written.transforms if not one.loss]:
            return Presence(there=True, where=f"an FFT in {inner[0]}")
        for one in (layers, blocks):
            if isinstance(one, Unknown):
                return one
        if self._written.whole:
            return Unknown(f"whether the network has attention: {self._written.whole}")
        return Presence(there=False)

    def transformer(self) -> Presence | Unknown:
        """Whether the network is built of attention."""
        found = self.attention()
        return found if isinstance(found, Unknown) or not found.where.startswith("an FFT") else Presence(there=False)

    def warmup(self) -> Presence | Unknown:
        """Whether the rate rises at the start."""
        sets = self._told.all_of(knobs.WARMUP) or tuple(
            one for one in (self._told.find(knobs.WARMUP),) if isinstance(one, Setting)
        )
        if on := [one for one in sets if one.value]:
            return Presence(there=True, where=str(on[0]))
        if said := self._told.has_word("warmup"):
            if sets:
                return Presence(there=False, where=str(sets[0]))
            return Unknown(f"what {said} means for the warm-up")
        return self._missing("warm-up", WARMING, ("LambdaLR", "SequentialLR", "CyclicLR"), "warm")

    def clipping(self) -> Presence | Unknown:
        """Whether gradients are clipped."""
        found = self._told.find(knobs.CLIP)
        if isinstance(found, Setting):
            # What clips by a number that is unset does not: `if args.clip:` is how programs write it.
            return Presence(there=bool(found.value), where=str(found))
        if isinstance(found, Unknown):
            return found
        return self._missing("clipping", CLIPPING, (), "clip")

    def _missing(self, what: str, names: tuple[str, ...], perhaps: tuple[str, ...], word: str) -> Presence | Unknown:
        """Whether the code does it: by one of these calls, perhaps by those."""
        if isinstance(self._written, Unknown):
            return Unknown(f"whether there is {what}: {self._written.reason}")
        if places := self._written.of(*names):
            return Presence(there=True, where=str(places[0]))
        if places := self._written.of(*perhaps):
            return Unknown(f"whether there is {what}: {places[0]} may do it")
        if mentions := [one for one in self._written.mentions if one.text == word]:
            return Unknown(f"whether there is {what}: {mentions[0]} speaks of it")
        if self._written.whole:
            return Unknown(f"whether there is {what}: {self._written.whole}")
        return Presence(there=False)

    def from_scratch(self) -> Presence | Unknown:
        """Whether the weights start at random."""
        kind = self._manifest.section("init").get("kind")
        if kind in ("checkpoint", "resume"):
            return Presence(there=False, where=f"init is a {kind}")
        if starts := self._told.all_of(knobs.STARTS):
            return Presence(there=False, where=str(starts[0]))
        if not isinstance(self._written, Unknown) and (
            places := self._written.of("from_pretrained", "get_peft_model", "LoraConfig")
        ):
            return Presence(there=False, where=str(places[0]))
        if kind == "random":
            return Presence(there=True, where="init is random")
        return Unknown("whether the weights start at random is not said: --init random says it")

    # ── precision ────────────────────────────────────────────────────────────────────────────────────────────────

    def precision(self) -> str | Unknown:
        """fp32, fp16 or bf16: in what most of the network computes."""
        said = _precision_said(self._told)
        if said is not None:
            return said
        written = self._written
        if isinstance(written, Unknown):
            return Unknown(f"the precision is not among the settings, and {written.reason}")
        casts = [one for one in written.of("autocast") if "enabled=False" not in one.text]
        if not casts and not written.half_words:
            return Unknown(f"the precision: {written.whole}") if written.whole else "fp32"
        kinds = {("bf16" if "bfloat16" in one.text else "fp16") for one in (*casts, *written.half_words)
                 if "float16" in one.text or ".half" in one.text}  # fmt: skip
        plain = all(re.search(r"""autocast\(['"]?cuda|cuda\.amp|autocast\(\)|device_type=['"]cuda""", one.text)
                    for one in casts)  # fmt: skip
        if not kinds and casts and plain and not any("dtype" in one.text for one in casts):
            kinds = {"fp16"}
        off = self._told.find(knobs.AMP)
        if isinstance(off, Setting) and off.value is False:
            return "fp32"
        if len(kinds) == 1 and not any("enabled=" in one.text for one in casts):
            return kinds.pop()
        return Unknown("in which precision it computes is decided while it runs")

    def judged_in_half(self) -> Setting | Place | None:
        """The setting, else the place of the code, by which an evaluation computes in 16 bits; None where none is
        seen: a program that judges so by other means is not found."""
        found = self._told.find(knobs.EVAL_HALF)
        if isinstance(found, Setting):
            return found
        places = () if isinstance(self._written, Unknown) else self._written.of(JUDGED_IN_HALF)
        return places[0] if places else None

    def trained_noise(self) -> Noise | Unknown:
        """The levels of noise that are trained on."""
        mean, deviation = self._told.find(knobs.SIGMA_MEAN), self._told.find(knobs.SIGMA_DEVIATION)
        if isinstance(mean, Setting) and isinstance(deviation, Setting) and deviation.value > 0:
            return Noise(mean=float(mean.value), deviation=float(deviation.value), where=mean.path)
        drawn = () if isinstance(self._written, Unknown) else self._written.sigmas
        if len({pair[2:] for pair in drawn}) == 1 and drawn[0][3] > 0:
            path, line, mu, sd = drawn[0]
            return Noise(mean=mu, deviation=sd, where=f"{path}:{line}")
        return Unknown("which levels of noise are trained on is neither among the settings nor seen in the code")

    def used_noise(self) -> tuple[Setting, ...] | Unknown:
        """The highest and the lowest noise that is met in use: `sampler.sigma_max`, `--eval-sigma-min`. A bare
        `sigma_max` may be that of the training."""
        used = tuple(one for one in self._told.in_force() if knobs.is_of_use(one, "sigma", "max", "min"))
        return used or Unknown(
            "which levels of noise are met in use is not among the settings (sampler.sigma_max, eval.sigma_min)"
        )

    def stated_range(self) -> float | None:
        """The range that the evaluation is said to have."""
        found = self._manifest.section("eval").get("data_range")
        return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None

    # ── length ───────────────────────────────────────────────────────────────────────────────────────────────────

    def joint(self) -> tuple[str, str] | Unknown:
        """(where frames are aligned, where they are fused) in one training without stages; empty where not."""
        align = self._told.has_word("alignment", "align", "tern", "registration")
        fuse = self._told.has_word("fusion", "fuse", "tefa")
        written = self._written
        named = () if isinstance(written, Unknown) else written.modules
        aligns = next((one for one in named if re.search(r"Align|Tern|TERN|Registration", one.text)), None)
        fuses = next((one for one in named if re.search(r"Fusion|Tefa|TEFA|Fuse", one.text)), None)
        where = (str(align) if align and not aligns else f"{aligns.text} in {aligns}" if aligns else "",
                 str(fuse) if fuse and not fuses else f"{fuses.text} in {fuses}" if fuses else "")  # fmt: skip
        if not all(where):
            return ("", "")
        staging = self._told.all_of(knobs.STAGING)
        if any(str(one.value).lower().replace("-", "_") in ("end_to_end", "e2e", "joint", "none") for one in staging):
            return where
        if staging or self._told.has_word("stage", "stages", "staging", "freeze", "frozen"):
            return ("", "")
        if isinstance(written, Unknown):
            return Unknown(f"whether it trains in stages: {written.reason}")
        if written.freezes or written.whole:
            return Unknown(f"whether it trains in stages: {written.whole or f'{written.freezes[0]} freezes something'}")
        return where


def _said(told: Settings, knob: Knob) -> Setting | Unknown:
    found = told.find(knob)
    return Unknown(f"the {knob.what} is not among the settings") if found is None else found


def _effective(told: Settings, world: int | Unknown) -> Effective | Unknown:
    micro, accumulation = _said(told, knobs.BATCH), told.find(knobs.ACCUMULATION)
    for one in (micro, accumulation, world):
        if isinstance(one, Unknown):
            return one
    assert isinstance(micro, Setting)
    assert isinstance(world, int)
    held = accumulation if isinstance(accumulation, Setting) else None
    return Effective(
        micro=int(micro.value), accumulation=int(held.value) if held else 1, world=world,
        assumed=() if held else ("accumulation",),
    )  # fmt: skip


_OFF = frozenset({"no", "off", "none", "false", "32", "32-true", "fp32", "float32", "full", "64", "fp64"})


def _precision_said(told: Settings) -> str | Unknown | None:
    switches = {name: told.find(knob) for name, knob in (("fp16", knobs.FP16), ("bf16", knobs.BF16))}
    if on := [name for name, one in switches.items() if isinstance(one, Setting) and one.value]:
        return on[0] if len(on) == 1 else Unknown("both fp16 and bf16 are switched on")
    found = told.find(knobs.PRECISION)
    if isinstance(found, Unknown):
        return found
    if isinstance(found, Setting) and not isinstance(found.value, bool):
        word = str(found.value).lower()
        if word in _OFF:
            return "fp32"
        if "bf16" in word or "bfloat16" in word:
            return "bf16"
        return "fp16" if "16" in word else Unknown(f"the precision cannot be determined: {found}")
    amp = told.find(knobs.AMP)
    if isinstance(amp, Setting) and amp.value is False:
        return "fp32"
    return None if not any(isinstance(one, Setting) for one in switches.values()) or amp is not None else "fp32"
