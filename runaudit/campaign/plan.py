"""What a campaign is: arms x seeds. Each arm is one launch in words, with places for its seed and its values.

A job is known by what is sealed of it: the digest of its arm's words, without the seed, and the seed. So a seed that is
added later goes on from the runs that are there, and an arm that is edited is another arm.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from runaudit.campaign.placeholders import filled, placeholders
from runaudit.errors import UsageError
from runaudit.launch.asked import Asked
from runaudit.records.canonical import canonical_bytes
from runaudit.records.digest import digest_bytes
from runaudit.records.manifest import SEED_PLACE
from runaudit.text.typed import typed_words
from runaudit.text.words import listed, quoted

MAX_JOBS = 10_000
"""Jobs of one campaign: more is a typing slip (`0-10000000`)."""
ID_LENGTH = 16
_SPAN = re.compile(r"(-?\d+)-(-?\d+)")


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One arm: a launch whose texts hold placeholders. values: what fills them besides the seed; environ: variables
    that are set for its jobs; campaign: the name of its campaign, where it was given one."""

    asked: Asked
    seeds: tuple[int, ...]
    values: Mapping[str, str] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)
    campaign: str = ""

    @property
    def label(self) -> str:
        """What it tests, in words; the name of its cohort."""
        return self.asked.label or ""

    @property
    def said(self) -> str:
        """Which one it is, in a message."""
        return f"the arm {quoted(self.label)}" if self.label else "the command"

    @cached_property
    def id(self) -> str:
        """The digest of what is run, whatever the seed. What excuses a launch, or says what it is compared with, is
        not among it."""
        one = self.asked
        body = {
            "campaign": self.campaign,
            "label": self.label,
            "command": list(one.command),
            "values": dict(self.values),
            "environ": dict(self.environ),
            "config": [str(path) for path in one.config],
            "data": list(one.data),
            "init": one.init,
            "eval": list(one.evaluation),
            "bundles": list(one.bundle),
        }
        return digest_bytes(canonical_bytes(body)).hex[:ID_LENGTH]

    @property
    def texts(self) -> tuple[str, ...]:
        """Every text that may hold a placeholder."""
        one = self.asked
        return (*one.command, *map(str, one.config), *one.data, *filter(None, [one.init]), *self.environ.values())

    @cached_property
    def by_seed(self) -> Mapping[str, str]:
        """The words of the command into which the seed is put, by their places in it, all else in them filled. Raises
        UsageError for a placeholder that nothing fills."""
        kept = {**self.values, "seed": SEED_PLACE, "arm": self.label}
        return {str(at): filled(word, kept, where=self.said)
                for at, word in enumerate(self.asked.command) if SEED_PLACE in word}  # fmt: skip

    def job(self, seed: int, campaign: Mapping[str, Any]) -> "Job":
        """The launch of one seed. Raises UsageError for a placeholder that nothing fills."""
        values = {**self.values, "seed": str(seed), "arm": self.label}

        def put(text: str) -> str:
            return filled(text, values, where=self.said)

        one = self.asked
        asked = replace(
            one,
            seed=seed,
            command=tuple(map(put, one.command)),
            config=tuple(Path(put(str(path))) for path in one.config),
            data=tuple(map(put, one.data)),
            init=None if one.init is None else put(one.init),
            mark={**campaign, "arm": self.id, "seed": seed, **({"by_seed": self.by_seed} if self.by_seed else {})},
        )
        return Job(arm=self.label, seed=seed, asked=asked,
                   environ={name: put(text) for name, text in self.environ.items()})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One launch of a campaign, its placeholders filled. environ: what is set for it."""

    arm: str
    seed: int
    asked: Asked
    environ: Mapping[str, str]

    @property
    def key(self) -> tuple[str, int]:
        """By what its run is known in the store."""
        return str(self.asked.mark["arm"]), self.seed

    @property
    def said(self) -> str:
        """Which one it is, for a person."""
        return f"{self.arm}, seed {self.seed}"


def named(jobs: Iterable[Job], limit: int = 4) -> str:
    """Jobs by their arms: `slow (seeds 0-2) and fast (seed 1)`."""
    arms: dict[str, list[int]] = {}
    for job in jobs:
        arms.setdefault(job.arm, []).append(job.seed)
    return listed([f"{arm} ({span(seeds)})" if arm else span(seeds) for arm, seeds in arms.items()], limit)


def span(seeds: Sequence[int]) -> str:
    """`seeds 0-4` where they follow each other, else `seeds 0, 3 and 7`."""
    if len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[0] + len(seeds))):
        return f"seeds {seeds[0]}-{seeds[-1]}"
    return f"{'seed' if len(seeds) == 1 else 'seeds'} {listed(list(map(str, seeds)))}"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A whole campaign. again: the words that began it, behind them `tail`; executors: what the file says of each."""

    arms: tuple[Arm, ...]
    name: str = ""
    again: tuple[str, ...] = ("runaudit", "campaign")
    tail: tuple[str, ...] = ()
    executors: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @cached_property
    def id(self) -> str:
        """The digest of its name and its arms, without their seeds."""
        body = {"name": self.name, "arms": sorted(arm.id for arm in self.arms)}
        return digest_bytes(canonical_bytes(body)).hex[:ID_LENGTH]

    @cached_property
    def jobs(self) -> tuple[Job, ...]:
        """Every job, seed by seed through all arms: what is stopped half-way has seeds of every arm."""
        campaign = {"id": self.id, **({"name": self.name} if self.name else {})}
        seeds = sorted({seed for arm in self.arms for seed in arm.seeds})
        return tuple(arm.job(seed, campaign) for seed in seeds for arm in self.arms if seed in arm.seeds)

    def repeated(self, *more: str) -> str:
        """The call that began it, with more options, as it is typed."""
        return typed_words((*self.again, *more, *self.tail))

    def check(self) -> None:
        """Raises UsageError for a plan whose runs could not be told apart, or would all be one."""
        if not self.arms:
            raise UsageError("the campaign has no arm", remedy="write one [[arms]] with a label for each")
        seen: dict[str, Arm] = {}
        for arm in self.arms:
            if arm.label in seen:
                raise UsageError(f"two arms are labelled {quoted(arm.label)}", remedy="a label stands for one design")
            seen[arm.label] = arm
            _check_arm(arm)
        if sum(len(arm.seeds) for arm in self.arms) > MAX_JOBS:
            raise UsageError(f"the campaign has more than {MAX_JOBS:,} jobs", remedy="check its seeds, or split it")


def _check_arm(arm: Arm) -> None:
    used = set(placeholders(arm.texts))
    if not arm.asked.command:
        raise UsageError(f"{arm.said} has no command", remedy="give one, as in: python train.py --seed {seed}")
    arm.job(arm.seeds[0], {})  # A name that nothing fills, before what its absence leaves out.
    if "seed" not in used:
        raise UsageError(
            f"nothing of {arm.said} takes the seed: every job would be the same draw",
            remedy="put {seed} where the program takes its seed, as in: python train.py --seed {seed}",
        )
    if idle := sorted(set(arm.values) - used):
        raise UsageError(f"{arm.said} gives {idle[0]}, and nothing of its command takes it",
                         remedy=f"put {{{idle[0]}}} where the program takes it, or leave it out")  # fmt: skip


def seeds_of(word: Any, *, where: str) -> tuple[int, ...]:
    """Seeds as they are written: `5`, `0-4`, `0-2,7`, or a list of numbers. Raises UsageError."""
    wrong = UsageError(f"{where}: {quoted(str(word))} names no seeds", remedy="write 0-4, or 0-2,7, or 5")
    if isinstance(word, bool):
        raise wrong
    if isinstance(word, list):
        found = [one for one in word if isinstance(one, int) and not isinstance(one, bool)]
        if len(found) != len(word):
            raise wrong
    else:
        found = []
        for part in str(word).split(","):
            found.extend(_span(part.strip(), wrong))
    if not found:
        raise wrong
    if len(set(found)) < len(found):
        raise UsageError(f"{where}: {quoted(str(word))} names a seed twice", remedy="one draw counts once")
    return tuple(found)


def _span(part: str, wrong: UsageError) -> Iterator[int]:
    if match := _SPAN.fullmatch(part):
        first, last = int(match[1]), int(match[2])
        if first > last:
            raise wrong
        if last - first >= MAX_JOBS:
            raise UsageError(f"{part} names more than {MAX_JOBS:,} seeds", remedy="check it")
        yield from range(first, last + 1)
    elif re.fullmatch(r"-?\d{1,18}", part):
        yield int(part)
    else:
        raise wrong
