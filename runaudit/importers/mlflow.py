"""MLflow's runs, wherever it keeps them: folders of files, a database of sqlite, a server that is asked.

All three say the same in three ways. Artifacts are not opened: a model is a program of somebody's.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from runaudit.importers.base import Skipped
from runaudit.importers.draft import Draft
from runaudit.importers.mlflow_files import is_run, read_folder
from runaudit.importers.mlflow_run import draft_of
from runaudit.importers.mlflow_sqlite import may_be_database, read_database
from runaudit.importers.opened import address_of
from runaudit.system.wandb_account import is_host_of_wandb

WHOLE = True


def places(here: Path, folders: Sequence[str], files: Sequence[str]) -> Sequence[Path]:
    """The run folder that `here` is, and the databases in it; the address of a server, which lies nowhere."""
    if is_run(here, folders, files):
        return (here,)
    return [here / name for name in files if may_be_database(here / name, here) or _is_server(here / name)]


def _is_server(path: Path) -> bool:
    """Whether a path is an address that a user gave, and not one of W&B's, whose reader asks W&B."""
    address = address_of(path)
    return address is not None and not is_host_of_wandb(urlsplit(address).hostname or "")


def read(place: Path, within: Path) -> Iterator[Draft | Skipped]:
    """The runs at a place. Raises RecordError where there is nothing to be read."""
    if (address := address_of(place)) is not None:
        from runaudit.importers.mlflow_server import ask  # What speaks HTTP is not loaded at the end of every run.

        found = ask(address)
    elif place.is_dir():
        found = iter((read_folder(place, within),))
    else:
        found = read_database(place, within)
    for run in found:
        yield run if isinstance(run, Skipped) else draft_of(run)
