"""What a tracker reads in its own store, or asks about it, before it writes there: no input of the program.

The second run of a folder finds what the first one's tracker left, and its tracker reads it: the heading of MLflow's
experiment, what DVC keeps of the work tree. Nothing of that reaches the program. What other runs logged (parameters,
metrics, artifacts) does, through the same package: it stays an input, and so does all that the program reads itself.
"""

from pathlib import Path, PurePosixPath

from runaudit.errors import RunauditError
from runaudit.observe.trace import Read
from runaudit.records.yamlfile import parse_yaml
from runaudit.system.files import read_ordinary

_MLFLOW, _DVCLIVE = "/site-packages/mlflow/", "/site-packages/dvclive/"
_HEADING = frozenset({"experiment_id", "artifact_location", "lifecycle_stage", "name"})
"""What MLflow writes of an experiment into its `meta.yaml`. That of a run has its `run_id`, its start and its end."""
_LARGEST = 1 << 16
_OF_DVC = frozenset({".dvcignore", "dvc.yaml", "dvc.lock", ".gitignore", ".gitconfig", "gitconfig"})
_KEPT = frozenset({"config", "config.local", ".gitignore"})
"""What lies in `.dvc`, and in the user's folder of DVC's settings, besides what it holds for others (`cache`)."""


def is_bookkeeping(read: Read) -> bool:
    """Whether a tracker asked for this file, and it is one of those that it keeps for itself alone."""
    through = read.through.replace("/dist-packages/", "/site-packages/")
    if read.executed or read.folder or read.via.startswith("torch."):
        return False
    if _MLFLOW in through:
        return _is_heading(Path(read.path))
    return _DVCLIVE in through and _is_of_dvc(PurePosixPath(read.path))


def _is_heading(path: Path) -> bool:
    """Whether a file is what MLflow's file store says of an experiment: by its place and by what it holds."""
    if path.name != "meta.yaml":
        return False
    try:
        if path.stat().st_size > _LARGEST:
            return False
        told = parse_yaml(read_ordinary(path), where=str(path))
    except (OSError, ValueError, RunauditError):
        return False
    return isinstance(told, dict) and told.keys() >= _HEADING and "run_id" not in told


def _is_of_dvc(path: PurePosixPath) -> bool:
    """Whether a file is what DVC and git keep of a work tree, or the table of digests that DVC made of it."""
    above = path.parts[:-1]
    if path.name in _OF_DVC or ".git" in above:
        return True
    if above and above[-1] in (".dvc", "dvc"):
        return path.name in _KEPT
    return (".dvc" in above and above[above.index(".dvc") + 1 :][:1] == ("tmp",)) or (
        path.name.startswith("cache.db") and "dvc" in above
    )
