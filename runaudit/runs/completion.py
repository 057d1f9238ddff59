"""What a shell may offer where a run or a metric is asked for. Quick, and silent about everything that goes wrong.

Read are the index of `list`, which may be behind, and of runs that it does not hold the newest. Nothing is grouped or
judged: whoever presses a key waits for it.
"""

import json
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from runaudit.metrics.naming import parents
from runaudit.records.run import SHORT
from runaudit.runs.forms import form_begun, is_prefix
from runaudit.runs.index import kept_rows
from runaudit.runs.rows import fields
from runaudit.store.catalogue import outcome_entry, run_ids
from runaudit.store.store import Store
from runaudit.system.files import read_ordinary

NEWEST = 40
"""Runs beyond the index whose records are read."""
_OFFERED = re.compile(r"[\w @%+=:,./()\[\]<>][\w @%+=:,./()\[\]<>-]*")
"""Labels come from strangers: one that a shell could take for a command, even in quotes, or a command for an option, is
never put on a command line."""

Word = tuple[str, str]
"""A word and what it stands for."""


def run_words(store: Store, incomplete: str) -> Iterator[Word]:
    """Words that name runs and begin so: labels, ids, cohorts, `@last`, each of them by an explicit form where one is
    begun or where the bare word could be something else, too. Of a list with commas the last one."""
    before, comma, begun = incomplete.rpartition(",")
    seen: set[str] = set()
    for word, about in _bare_or_explicit([*_words(store)], explicit=form_begun(begun)):
        if word.startswith(begun) and word not in seen and _OFFERED.fullmatch(word):
            seen.add(word)
            yield f"{before}{comma}{word}", about


def _bare_or_explicit(named: Sequence[tuple[str, str, str]], *, explicit: bool) -> Iterator[Word]:
    ids = sorted({word for kind, word, _ in named if kind in ("id", "cohort")})
    for kind, word, about in named:
        at = bisect_left(ids, word)
        is_doubtful = kind == "label" and is_prefix(word) and at < len(ids) and ids[at].startswith(word)
        yield f"{kind}:{word}" if kind and (explicit or is_doubtful) else word, about


def _words(store: Store) -> Iterator[tuple[str, str, str]]:
    """Of each name its kind, itself, and what it stands for."""
    yield "", "@last", "the newest run"
    held: set[str] = set()
    for group in kept_rows(store):
        yield "cohort", group["id"], f"cohort {group['label']}"
        yield "label", group["label"], f"{group['n']} runs"
        for run in group["runs"]:
            held.add(run["id"])
            yield "label", run["label"], "label"
            yield "id", run["id"][:SHORT], run["label"]
    for run_id, label in _newer(store, held):
        if label:
            yield "label", label, "label"
        yield "id", run_id[:SHORT], label


def _newer(store: Store, held: set[str]) -> Iterator[Word]:
    newer = [run for run in run_ids(store) if run not in held]
    for run in newer[-NEWEST:]:
        path = store.root / "objects" / "sha256" / run[:2] / run
        yield run, str(json.loads(read_ordinary(path)).get("label") or "")


def column_words(store: Store, incomplete: str) -> Iterator[Word]:
    """Fields and metrics that begin so; of a list with commas the last one, behind a minus the rest."""
    before, sign = re.fullmatch(r"(.*,)?(-?).*", incomplete, re.DOTALL).groups()  # type: ignore[union-attr]
    kept = (before or "") + sign
    begun = incomplete[len(kept) :]
    for name, about in fields().items():
        if name.startswith(begun):
            yield kept + name, str(about["words"])
    yield from ((kept + name, about) for name, about in metric_words(store, begun))


def metric_words(store: Store, incomplete: str) -> Iterator[Word]:
    """Metrics that were recorded and begin so, and what they are sequences of."""
    names: set[str] = set()
    held: set[str] = set()
    for group in kept_rows(store):
        for run in group["runs"]:
            held.add(run["id"])
            names |= run["metrics"].keys()
    for run_id in [run for run in run_ids(store) if run not in held][-NEWEST:]:
        if (entry := outcome_entry(store, run_id)) is not None:
            names |= json.loads(store.read(entry.digest)).get("metrics", {}).keys()
    for name in sorted(names | parents(names)):
        if name.startswith(incomplete) and _OFFERED.fullmatch(name):
            yield name, "mean of its sequences" if name not in names else "metric"
