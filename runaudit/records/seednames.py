"""What programs call the seed of a training: one list for whoever reads a record and whoever compares two.

A seed is one whole number. How many seeds there are, whether one is set at all, a word or a share of something is a
choice, whatever it is called: `seed: [1, 2, 3]` trains three times, and `seed: false` leaves everything to chance.
"""

import re
from functools import lru_cache

from runaudit.records.canonical import JSON

_NAMES = frozenset({"seed", "randomseed", "manualseed", "rngseed", "globalseed", "initialseed", "initseed", "baseseed",
                    "trainseed", "trainingseed", "seedeverything", "randseed", "torchseed", "numpyseed", "npseed",
                    "runseed", "modelseed", "randomstate", "rng", "plglobalseed", "jaxseed", "tfseed", "seedval",
                    "seedvalue", "seednumber", "myseed", "cudaseed", "gpuseed", "fixseed", "fixedseed", "mainseed",
                    "masterseed", "projectseed", "expseed", "experimentseed", "pythonseed", "pythonhashseed",
                    "torchmanualseed"})  # fmt: skip
"""Without what joins their words. The seed of a data split, or of a search, is another."""
_OF_ITS_OWN = frozenset({"data", "dataset", "datasets", "datamodule", "dataloader", "loader", "split", "splits",
                         "splitter", "sampling", "sampler", "augmentation", "augment", "eval", "evaluation",
                         "validation", "val", "test", "search", "sweep", "sweeper", "hpo", "tuner", "teacher",
                         "pretrain", "pretraining", "noise", "mask", "masking", "fold", "folds", "cv",
                         "crossvalidation", "subset", "shuffle"})  # fmt: skip
"""Tables whose seed is of what they are about and no seed of the training: `data.seed` is `data_seed`."""


@lru_cache(maxsize=65536)
def names_the_seed(key: str) -> bool:
    """Whether a setting of this name may be the run's seed: it is where it holds the value of it."""
    return re.sub(r"[^a-z]", "", key.rpartition(".")[2].lower()) in _NAMES


@lru_cache(maxsize=65536)
def ends_in_seed(key: str) -> bool:
    """Whether a setting of this name is a seed of something: where it has the value of the run's own in two runs that
    have other ones, it follows that."""
    return names_the_seed(key) or re.search(r"(?:^|[^a-z])seed$|[a-z0-9]Seed$", key.rpartition(".")[2]) is not None


@lru_cache(maxsize=65536)
def seeds_another(path: str) -> bool:
    """Whether a setting lies in a table of the data, of the evaluation or of a search, whose seed is another one."""
    return not _OF_ITS_OWN.isdisjoint(path.lower().split(".")[:-1])


def is_one_seed(value: JSON) -> bool:
    """Whether a value is one seed: a whole number, as such or as the text of one."""
    if isinstance(value, str):
        return re.fullmatch(r"[-+]?\d{1,20}", value) is not None
    if isinstance(value, float):
        return value.is_integer()
    return isinstance(value, int) and not isinstance(value, bool)
