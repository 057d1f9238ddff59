"""What a run was set to: the leaves of its config and the options of its command line, with their values."""

from collections.abc import Iterator, Mapping

from runaudit.factors.arguments import ROOT
from runaudit.factors.levels import levels
from runaudit.factors.tree import leaves_of
from runaudit.records.canonical import JSON
from runaudit.records.run import Run
from runaudit.settings import FactorSettings


def own_settings(run: Run) -> Iterator[tuple[str, JSON]]:
    """Each leaf by its path, `config.args.patience`, and its value; an option of a command line may be text."""
    tree = levels(run, FactorSettings()).tree
    for place in ("config", ROOT):
        if isinstance(found := tree.get(place), Mapping):
            yield from leaves_of(found, place)
