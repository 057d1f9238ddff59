"""RA2: is the data that will be read on record by its content, and are its splits apart?"""
# ruff: noqa: D102  (what a rule checks is told once, in the docstring of its class: users read it too)

from collections.abc import Iterator, Mapping
from typing import Any

from runaudit.guard.facts import Earlier
from runaudit.guard.invocation import Invocation
from runaudit.metrics.heldout import is_held_out, standing
from runaudit.records.finding import Finding, Severity
from runaudit.records.manifest import Manifest
from runaudit.rules import Rule
from runaudit.settings import GuardSettings
from runaudit.text.typed import typed_word


class NoData(Rule):
    """The datasets are named.

    A path in a config says where data lay, not what it was. `--data NAME=PATH` records it by content."""

    code = "RA201"
    name = "no_data"
    example = "no dataset is recorded"

    def check(self, manifest: Manifest, policy: GuardSettings, call: Invocation) -> Iterator[Finding]:
        if not manifest.section("data") and not _known_to_be_none(manifest, "data"):
            yield self.finding(
                "data",
                "no dataset is recorded",
                remedy=call.plus("--data", "train=PATH"),
                severity=Severity.ERROR if "data" in policy.require else Severity.INFO,
            )


class DataWithoutDigest(Rule):
    """Every dataset is known by its content.

    Two datasets without digests can never be called equal."""

    code = "RA202"
    name = "data_without_digest"
    example = "the dataset train has no digest: it was not read"

    def check(self, datasets: Mapping[str, Any], manifest: Manifest, call: Invocation) -> Iterator[Finding]:
        for name, entry in datasets.items():
            if not entry.get("digest") and entry.get("files") != 0:
                path = str(entry.get("path", "PATH"))
                yield self.finding(
                    f"data.{name}",
                    f"the dataset {name} has no digest: {manifest.reason(f'data.{name}')}",
                    remedy=call.plus("--data", f"{name}={path}"),
                )


class EmptyDataset(Rule):
    """No dataset is empty.

    An empty folder trains on nothing, and most loaders do not say so."""

    code = "RA203"
    name = "empty_dataset"
    example = "the dataset train at /data/train holds no data"

    def check(self, datasets: Mapping[str, Any], call: Invocation) -> Iterator[Finding]:
        for name, entry in datasets.items():
            if entry.get("files") == 0 or entry.get("bytes") == 0:
                path = str(entry.get("path", name))
                yield self.finding(
                    f"data.{name}",
                    f"the dataset {name} at {path} holds no data",
                    remedy=f"ls -la -- {typed_word(path)}",
                    evidence={"files": entry.get("files"), "bytes": entry.get("bytes")},
                )


class SplitOverlap(Rule):
    """Training data, what is validated on and what is tested on have nothing in common.

    A model is measured on what it has seen. That validation and test are one is a warning: what was chosen by the one
    looks better on the other than it is."""

    code = "RA204"
    name = "split_overlap"
    example = "test and train have 12 members in common"

    def check(self, datasets: Mapping[str, Any], overlaps: Mapping[tuple[str, str], int]) -> Iterator[Finding]:
        for (a, b), common in overlaps.items():
            if not common or standing(a) == standing(b):
                continue
            held_out = max(a, b, key=standing)
            is_chosen_by = is_held_out(a) and is_held_out(b)
            path = str(datasets.get(held_out.partition(".")[0], {}).get("path", held_out))
            yield self.finding(
                f"data.{held_out}",
                f"{a} and {b} have {common} {'member' if common == 1 else 'members'} in common"
                + (": what is chosen by the one looks better on the other than it is" if is_chosen_by else ""),
                severity=Severity.WARNING if is_chosen_by else None,
                remedy=f"find {typed_word(path)} -type f | sort",
                evidence={"common": common},
            )


class DatasetChanged(Rule):
    """A dataset is what it was in the last run that read this path.

    New content under an old path makes a comparison with earlier runs a comparison of data."""

    code = "RA205"
    name = "dataset_changed"
    example = "/data/train has other content than in run 1a2b3c4d5e6f, still under preprocessing version 3"

    def check(self, datasets: Mapping[str, Any], earlier_data: Mapping[str, Earlier], manifest: Manifest,
              call: Invocation) -> Iterator[Finding]:  # fmt: skip
        for name, entry in datasets.items():
            before = earlier_data.get(name)
            declared = any(f"data.{name}" == factor.partition("[")[0] for factor in manifest.intent)
            if before is None or declared or before.digest == entry.get("digest"):
                continue
            same_version = "" if before.version is None else f", still under preprocessing version {before.version!r}"
            yield self.finding(
                f"data.{name}",
                f"{entry.get('path')} has other content than in run {before.run.short}"
                f"{same_version if before.version == entry.get('preprocessing') else ''}",
                remedy=call.plus("--intent", f"data.{name}"),
                evidence={"run": before.run.id, "before": before.digest, "now": entry.get("digest")},
            )


class NoHeldOutData(Rule):
    """There is data to evaluate on.

    A score on the training data says how well it was learnt by heart."""

    code = "RA206"
    name = "no_held_out_data"
    example = "only training data is recorded, none to evaluate on"
    severity = Severity.WARNING

    def check(self, datasets: Mapping[str, Any], call: Invocation) -> Iterator[Finding]:
        if "train" in datasets and not any(is_held_out(name) for name in datasets):
            yield self.finding(
                "data",
                "only training data is recorded, none to evaluate on",
                remedy=call.plus("--data", "val=PATH"),
            )


def _known_to_be_none(manifest: Manifest, name: str) -> bool:
    return manifest.has(name) and manifest.body[name] is None


RULES: tuple[Rule, ...] = (
    NoData(),
    DataWithoutDigest(),
    EmptyDataset(),
    SplitOverlap(),
    DatasetChanged(),
    NoHeldOutData(),
)
