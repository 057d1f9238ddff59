"""What the readers give, as `import` asks them."""

from pathlib import Path

from runaudit.importers.base import Imported, Skipped
from runaudit.importers.walk import runs_at
from runaudit.settings import ImportSettings


def runs_in(path: Path, kind: str, *, seed: tuple[str, ...] = ()) -> tuple[tuple[Imported, ...], tuple[Skipped, ...]]:
    """The runs at or below a path, and what was left out."""
    found = list(runs_at(path, kind, ImportSettings(seed=seed)))
    return tuple(one for one in found if isinstance(one, Imported)), tuple(
        one for one in found if isinstance(one, Skipped)
    )
