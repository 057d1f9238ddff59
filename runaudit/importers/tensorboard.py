"""TensorBoard's event files, read with its own loader, so that old and new ways to write a scalar look alike."""

from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType

from runaudit.errors import NothingToJudgeError, RecordError
from runaudit.records.trajectory import Trajectory


def read_events(path: Path) -> Trajectory:
    """The scalars of one event file, in the order written; a torn last record is left out as TensorBoard does.

    Raises NothingToJudgeError where TensorBoard is not installed, RecordError for a file it cannot read.
    """
    series: dict[str, list[tuple[int, float]]] = {}
    for name, step, value in _scalars(path):
        series.setdefault(name, []).append((step, value))
    return Trajectory(series=MappingProxyType({name: tuple(points) for name, points in series.items()}))


def _scalars(path: Path) -> Iterator[tuple[str, int, float]]:
    try:
        from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
        from tensorboard.util.tensor_util import make_ndarray
    except ImportError as error:
        raise NothingToJudgeError(f"{path} was not read: TensorBoard is not installed",
                                  remedy="pip install tensorboard") from error  # fmt: skip
    try:
        for event in EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                # The loader turns every way to write a scalar into a tensor without dimensions.
                if (
                    value.HasField("tensor")
                    and (array := make_ndarray(value.tensor)).ndim == 0
                    and array.dtype.kind in "fiu"
                ):
                    yield value.tag, int(event.step), float(array)
    except Exception as error:  # the loader raises whatever its parser meets
        raise RecordError(f"{path} is not an event file: {error}", remedy="leave it out") from error
