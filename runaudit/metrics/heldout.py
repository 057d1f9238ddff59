"""Which names stand for held-out data, once for all who ask: data sets, files, config keys, metrics and series.

Two questions, of different weight. Held out is what the network does not learn from: validation and test. Reported is
the part of it on which a result is claimed: whoever chose a checkpoint on it has improved the number, not the network.
"""

import re
from functools import lru_cache
from itertools import pairwise

_REPORTED = frozenset({"test", "holdout", "heldout", "benchmark"})
_HELD_OUT = _REPORTED | frozenset({"tests", "testing", "eval", "evals", "evaluation", "evaluate", "val", "valid",
                                   "validation", "dev", "benchmarks", "minival", "testdev", "devtest"})  # fmt: skip
_IN_TWO_WORDS = frozenset({"heldout", "testdev", "devtest", "minival"})
_COMPOUND = re.compile(
    r"[xy]?(?:test|eval|val|valid|validation|dev|holdout|heldout)"
    r"(?:set|sets|data|dataset|datasets|split|splits|fold|part|images?|imgs|tiles|seqs?|sequences|clips|frames|videos|"
    r"samples|files|list|loader|[ab])?"
)
"""`testset`, `TestData`, `val2017`, not `latest`."""
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@lru_cache(maxsize=4096)
def is_held_out(name: str) -> bool:
    """Whether results are measured on what bears this name, and no network learns from it."""
    parts = [part.lower() for part in re.split(r"[^A-Za-z]+", name) if part]
    if any(_COMPOUND.fullmatch(part) or part in _HELD_OUT for part in parts):
        return True
    found = [word.lower() for word in _WORDS.findall(name)]
    joined = {first + second for first, second in pairwise(found)}
    return bool(_HELD_OUT & {*found, *joined & _IN_TWO_WORDS})


def is_reported(name: str) -> bool:
    """Whether results are claimed on what bears this name: test, holdout or benchmark, not validation."""
    words = re.split(r"[-_./]", name.lower())
    return any(word.rstrip("0123456789") in _REPORTED for word in words)


def standing(name: str) -> int:
    """What is done with what bears this name: 0 the network learns from it, 1 it is chosen by it, 2 results are claimed
    on it."""
    return is_held_out(name) + (is_held_out(name) and is_reported(name))
