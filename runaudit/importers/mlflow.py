"""MLflow's runs, wherever it keeps them: folders of files, a database of sqlite, a server that is asked.

All three say the same in three ways. Artifacts are not opened: a model is a program of somebody's.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from runaudit.importers.base import Skipped
from runaudit.importers.draft import Draft
from runaudit.importers.mlflow_files import is_run, read_folder
from runaudit.importers.mlflow_run import draft_of
from runaudit.importers.mlflow_server import ask
from runaudit.importers.mlflow_sqlite import may_be_database, read_database
from runaudit.importers.opened import address_of

WHOLE = True


def places(here: Path, folders: Sequence[str], files: Sequence[str]) -> Sequence[Path]:
    """The run folder that `here` is, and the databases in it; the address of a server, which lies nowhere."""
    if is_run(here, folders, files):
        return (here,)
    return [here / name for name in files if may_be_database(here / name, here) or address_of(here / name) is not None]


def read(place: Path, within: Path) -> Iterator[Draft | Skipped]:
    """The runs at a place. Raises RecordError where there is nothing to be read."""
    if (address := address_of(place)) is not None:
        found = ask(address)
    elif place.is_dir():
        found = iter((read_folder(place, within),))
    else:
        found = read_database(place, within)
    for run in found:
        yield run if isinstance(run, Skipped) else draft_of(run)
