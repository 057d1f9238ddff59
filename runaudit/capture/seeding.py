"""The seed that a program names or sets, beside the one that a launch declares.

A declared seed that the program never got makes ten copies of one draw look like ten replicates.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

NAMES = frozenset(
    {"seed", "random_seed", "rng_seed", "manual_seed", "global_seed", "seed_everything", "randomseed", "random_state"}
)
"""Under what a program asks for its one seed. `data_seed` or `split_seed` is another one beside it."""
_NUMBER = re.compile(r"[+-]?\d+")


def named_seeds(argv: Sequence[str]) -> tuple[int, ...]:
    """The seeds that a command line names: `--seed 3`, `--random-seed=3`, `trainer.seed=3`."""
    return tuple(seed for _, _, seed in places_of_seeds(argv))


def places_of_seeds(argv: Sequence[str]) -> Iterator[tuple[int, str, int]]:
    """(place, what stands before it in that word, seed) of each seed that a command line names."""
    for index, word in enumerate(argv):
        option, equals, value = word.partition("=")
        at, before = (index, f"{option}=") if equals else (index + 1, "")
        if not equals:
            value = argv[at] if word.startswith("-") and at < len(argv) else ""
        if is_seed_name(option.lstrip("-+~")) and _NUMBER.fullmatch(value):
            yield at, before, int(value)


def config_seeds(config: Mapping[str, Any]) -> tuple[int, ...]:
    """The seeds that a configuration names, at its top and one table below."""
    inner = (item for table in config.values() if isinstance(table, Mapping) for item in table.items())
    pairs = [pair for pair in config.items() if is_seed_name(str(pair[0]))] or [
        p for p in inner if is_seed_name(str(p[0]))
    ]
    return tuple(value for _, value in pairs if isinstance(value, int) and not isinstance(value, bool))


def is_seed_name(name: str) -> bool:
    """Whether an option or a leaf of this name holds a seed."""
    return name.rpartition(".")[2].rpartition("/")[2].replace("-", "_").lower() in NAMES


def mismatch_before(seed: Any, argv: Sequence[str], config: Mapping[str, Any]) -> tuple[str, int] | None:
    """Where the program names another seed than the declared one, and which; None where it does not.

    The command line wins over the configuration, as programs have it; a bare word that is the declared seed may be how
    the program is told.
    """
    if not isinstance(seed, int) or isinstance(seed, bool):
        return None
    if seeds := named_seeds(argv):
        return None if seed in seeds else ("the command line", seeds[-1])
    if str(seed) in argv:
        return None
    written = config_seeds(config)
    return ("the configuration", written[0]) if written and seed not in written else None


def mismatch_after(seed: Any, seeded: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The first call that seeded a generator with a number, where none of them used the declared seed."""
    if not isinstance(seed, int) or isinstance(seed, bool):
        return None
    numbers = [row for row in seeded if isinstance(row.get("value"), int) and not isinstance(row["value"], bool)]
    return numbers[0] if numbers and all(row["value"] != seed for row in numbers) else None
