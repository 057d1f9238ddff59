"""The series of a run made ready for the rules: what each is for, which way it improves, cut at stages and resumes.

A program calls its losses as it likes. Which one the training is about is read from the words of its name: `train/loss`
and `val_loss_epoch` say nothing but loss and where it was measured; `g_loss`, `kl_loss` or `loss/fft` are terms, or one
of two opponents, and may rise in a training that goes well.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from runaudit.health.shape import HUGE, Shape, shape_of
from runaudit.metrics.catalogue import QUANTITIES, Direction, declared_directions, known_direction
from runaudit.metrics.heldout import is_held_out
from runaudit.metrics.roles import Role, role
from runaudit.records.points import Points
from runaudit.records.segments import Columns, Point, columns_of
from runaudit.records.trajectory import Event
from runaudit.stats.trend import MIN_POINTS

if TYPE_CHECKING:
    from numpy import ndarray

_PLAIN = frozenset(
    re.findall(
        r"\w+",
        "loss losses train training trained val valid validation test eval evaluation dev total epoch step batch avg "
        "mean average running iter iteration smooth smoothed overall objective cost nll ce xent cross lm "
        "full final current raw metrics metric bpd perplexity ppl and of",
    )
)
"""Words of a name that say that it is the loss, and where or how it was taken."""

_TERMS = frozenset(
    re.findall(
        r"\w+",
        "recon reconstruction rec kl kld kldiv klloss nll mse bce mae l1 l2 perceptual lpips adv adversarial reg "
        "aux fft regularization regulariser tv commitment vq entropy distill distillation contrastive consistency",
    )
)
"""Words of a name that say that it is one term of a loss."""
_OPPONENTS = frozenset({"g", "d", "gen", "generator", "disc", "discriminator", "critic", "adv", "adversarial", "actor"})
"""Words of one of two networks that learn against each other: its loss rises where the other one gets better."""
_JUDGED_ON = ("full_frame", "tile")
"""What a super-resolution network is judged on: pictures that it does not learn from."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Part:
    """A series between two stages or resumes: finite steps and values, and the steps of what was not finite."""

    track: "Track"
    stage: str
    is_resumed: bool
    steps: "ndarray"
    values: "ndarray"
    non_finite: Points

    @cached_property
    def shape(self) -> Shape | None:
        """Its shape, lower is better; None where no value is finite."""
        return shape_of(self.steps, self.values, higher_is_better=self.track.direction is Direction.HIGHER)

    @property
    def subject(self) -> str:
        """What a finding is on."""
        return f"{self.track.name} ({self.stage})" if self.stage else self.track.name

    def told(self, value: float) -> float:
        """A value of the shape as it was logged."""
        told = -value if self.track.direction is Direction.HIGHER else value
        # Beyond what can be reckoned with the shape holds a stand-in.
        return told if abs(told) < HUGE else float(self.values.max() if told > 0 else self.values.min())


@dataclass(frozen=True, eq=False, kw_only=True)
class Track:
    """One series. direction: which way it improves, None where nobody knows. is_main: the training is about it."""

    name: str
    role: Role
    direction: Direction | None
    is_held_out: bool
    is_main: bool
    columns: Columns
    cuts: tuple[tuple[int, str, bool], ...]
    """(last step before it, stage, whether it was resumed there) of every part."""

    @property
    def is_term(self) -> bool:
        """Whether it is one of several that a loss is made of, or of two opponents."""
        is_named = self.role in (Role.OTHER, Role.HELD_OUT) and bool(words_of(self.name) & _TERMS)
        return not self.is_main and (self.role is Role.LOSS or is_named)

    @property
    def is_quality(self) -> bool:
        """Whether it says how good the model is, and not by its loss: an accuracy, a return, a PSNR."""
        return self.direction is not None and self.role in (Role.HELD_OUT, Role.RESULT) and not self.is_main

    @property
    def is_plain_quality(self) -> bool:
        """Whether its name is that of a quality and no more: `val/acc`, not `val/psnr_bicubic`, `val/best_acc`."""
        return self.is_quality and words_of(self.name) <= _PLAIN | QUANTITIES.keys()

    @property
    def last_shape(self) -> Shape | None:
        """The shape of its last part; None of one that is too short for any statement on how it moved."""
        shape = self.parts[-1].shape if self.parts else None
        return shape if shape is not None and len(shape) >= MIN_POINTS else None

    def shape_since(self, step: int) -> Shape | None:
        """The shape of its last part, where that had begun by a step."""
        shape = self.last_shape
        return shape if shape is not None and shape.first[0] <= step else None

    def has_improved_since(self, step: int) -> bool:
        """Whether it is better at its end than it was then, by more than its noise. False of a short one."""
        shape = self.shape_since(step)
        return shape is not None and shape.change_since(step) < -2 * shape.noise

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """What is judged one by one. Parts without any value are left out."""
        return tuple(part for part in self._parts() if len(part.values) or len(part.non_finite))

    def _parts(self) -> Iterator[Part]:
        import numpy as np

        series = self.columns
        starts = [start for start, _, _ in self.cuts[1:]]
        edges = [0, *np.searchsorted(series.steps, starts, side="right").tolist(), len(series.steps)]
        others = np.asarray(series.non_finite.steps)
        bad = [0, *np.searchsorted(others, starts, side="right").tolist(), len(others)]
        for at, (_, stage, is_resumed) in enumerate(self.cuts):
            yield Part(
                track=self,
                stage=stage,
                is_resumed=is_resumed,
                steps=series.steps[edges[at] : edges[at + 1]],
                values=series.values[edges[at] : edges[at + 1]],
                non_finite=series.non_finite[bad[at] : bad[at + 1]],
            )


def tracks_of(series: Mapping[str, Sequence[Point]], directions: Mapping[str, str]) -> tuple[Track, ...]:
    """Every series that a rule may ask for, in the order of their names, each in one piece. directions: those that the
    policy declares; what somebody says of a series goes before what its name lets one guess."""
    cuts, declared, of_a_book = _cuts(()), declared_directions(directions), _has_a_codebook(series)
    names = [name for name in sorted(series) if len(series[name]) and role(name) not in (Role.SYSTEM, Role.CLOCKWORK)]
    main = _main([name for name in names if not (of_a_book and _is_perplexity(name))])
    return tuple(
        Track(
            name=name,
            role=Role.RESULT if name in declared and role(name) is Role.OTHER else role(name),
            direction=declared.get(name) or (None if of_a_book and _is_perplexity(name) else _direction(name)),
            is_held_out=is_held_out(name) or name.partition("/")[0] in _JUDGED_ON,
            is_main=name in main,
            columns=columns_of(series[name]),
            cuts=cuts,
        )
        for name in names
    )


def _has_a_codebook(names: Iterable[str]) -> bool:
    """Whether a codebook is learned: the perplexity beside its terms is of how many entries are in use, and rises."""
    return any(words_of(name) & _CODEBOOK for name in names)


def _is_perplexity(name: str) -> bool:
    return bool(words_of(name) & {"perplexity", "ppl"})


_CODEBOOK = frozenset({"vq", "vqvae", "codebook", "commit", "commitment", "quantizer", "quantization"})


def cut_at(tracks: Sequence[Track], events: Sequence[Event]) -> tuple[Track, ...]:
    """The series, cut where stages began and where the run went on."""
    cuts = _cuts(events)
    return tuple(replace(track, cuts=cuts) for track in tracks) if len(cuts) > 1 else tuple(tracks)


def _direction(name: str) -> Direction | None:
    """Which way a series improves. A bound on the likelihood is to rise, and many programs log its negative under the
    same name: of a bare `elbo` nobody knows."""
    if role(name) is not Role.LOSS or known_direction(name) is not None:
        return known_direction(name)
    return None if "elbo" in words_of(name) and not words_of(name) & {"loss", "neg", "negative"} else Direction.LOWER


def _main(names: Sequence[str]) -> frozenset[str]:
    """The losses that the training is about: those whose names say no more, else the only one that there is."""
    losses = [name for name in names if role(name) is Role.LOSS]
    plain = [name for name in losses if _is_plain(words_of(name))]
    learned = [name for name in losses if not is_held_out(name)]
    if not any(not is_held_out(name) for name in plain) and len(learned) == 1:
        plain += [name for name in learned if not words_of(name) & _OPPONENTS]
    # A program that logs no loss by that name minimises what it calls an error.
    errors = [n for n in names if role(n) is Role.RESULT and known_direction(n) is Direction.LOWER]
    return frozenset(plain or (errors if not losses and len(errors) == 1 else ()))


def _is_plain(words: set[str]) -> bool:
    # The entropy of a policy is a term, the cross entropy of a classifier is its loss.
    return words - ({"entropy", "cross"} if {"entropy", "cross"} <= words else set()) <= _PLAIN


def words_of(name: str) -> set[str]:
    """The words of a name, small and apart."""
    apart = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
    return {word for word in re.split(r"[^a-z]+", apart.lower()) if word}


def _cuts(events: Sequence[Event]) -> tuple[tuple[int, str, bool], ...]:
    """The last steps before new parts begin, with the stage that it is then; the first is from before all steps."""
    cuts: list[tuple[int, str, bool]] = [(-(2**62), "", False)]
    stage = ""
    for event in sorted(events, key=lambda event: (event.step, event.kind == "stage")):
        if event.kind not in ("stage", "resume"):
            continue
        if event.kind == "stage":
            stage = event.stage
        is_resumed = event.kind == "resume"
        if event.boundary == cuts[-1][0]:
            cuts[-1] = (event.boundary, stage, cuts[-1][2] or is_resumed)
        else:
            cuts.append((event.boundary, stage, is_resumed))
    return tuple(cuts)
