"""What the trackers are called, and what each of them never records of any run. Light: a table, by `origin.kind`.

A new kind needs no row: of one that is not here it is told under its own word, and by what no tracker was found to
record. A path stands here only where the tracker has no place for it; what it may hold and did not in this run is a gap
of the run.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

FILE = "record"
"""The origin of a run that a record file tells of."""
_MACHINE = ("env.cudnn", "env.determinism")
"""What no tracker was found to look at, of those that look at the machine at all."""
_UNSEEN = ("data", "eval", "init", *_MACHINE)


@dataclass(frozen=True, slots=True)
class Tracker:
    """A tracker by its name in a sentence, and the paths that it has no place for."""

    name: str
    never: tuple[str, ...] = _UNSEEN


TRACKERS: Mapping[str, Tracker] = MappingProxyType(
    {
        # origin.kind: its name, and what it never records where that is not what none of them does
        FILE: Tracker("record files", never=()),  # our own form has a place for everything
        "wandb": Tracker("W&B"),
        "mlflow": Tracker("MLflow", never=("env", "eval", "init", "code.patch")),
        "tensorboard": Tracker("TensorBoard", never=("code", "data", "env", "eval", "init", "runtime.status")),
        "ultralytics": Tracker("Ultralytics", never=("code", "env", "eval", "runtime.status")),
        "lightning": Tracker("Lightning", never=("code", "data", "env", "eval", "init", "runtime.status")),
        "hydra": Tracker("Hydra", never=("code", "data", "env", "eval", "init", "metrics", "runtime.status")),
        "sacred": Tracker("Sacred", never=("eval", "init", *_MACHINE)),
        "dvc": Tracker("DVC", never=("env", "eval", "init", "runtime.status")),
        "mlperf": Tracker("MLPerf", never=("code", "data", "env.packages", "eval", "init", *_MACHINE)),
        "huggingface": Tracker("Hugging Face", never=("code", "data", "env", "eval", "init", "runtime.status")),
        "openai-log": Tracker("OpenAI baselines", never=("code", "data", "env", "eval", "init", "runtime.status")),
        "aim": Tracker("Aim"),
        "guild": Tracker("Guild", never=("eval", "init", *_MACHINE)),
        "text-log": Tracker("printed logs", never=("config", "code", "data", "env", "eval", "init", "runtime.status")),
        "csv": Tracker("CSV", never=("code", "data", "env", "eval", "init", "runtime.status")),
    }
)
