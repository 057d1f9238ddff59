"""What programs call the seed of a training: one list for whoever reads a record and whoever compares two."""

import re
from functools import lru_cache

_NAMES = frozenset({"seed", "randomseed", "manualseed", "rngseed", "globalseed", "initialseed", "initseed", "baseseed",
                    "trainseed", "trainingseed", "seedeverything", "randseed", "torchseed", "numpyseed", "npseed",
                    "runseed", "modelseed", "randomstate", "rng", "plglobalseed", "jaxseed", "tfseed"})  # fmt: skip
"""Without what joins their words. The seed of a data split, or of a search, is another."""


@lru_cache(maxsize=65536)
def names_the_seed(key: str) -> bool:
    """Whether a setting of this name may be the run's seed: it is where it holds the value of it."""
    return re.sub(r"[^a-z]", "", key.rpartition(".")[2].lower()) in _NAMES
