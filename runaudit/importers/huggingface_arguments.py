"""The arguments of a training of the Hugging Face Trainer, wherever it left them.

They lie in `training_args.bin`, a pickle that is read as the list of instructions it is and never run, and, where the
training told TensorBoard, as text in an event file.
"""

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from runaudit.errors import RecordError
from runaudit.importers.eventfile import read_log
from runaudit.importers.opened import foreign_bytes
from runaudit.importers.pickled import attributes_in
from runaudit.records.canonical import JSON, parse_strict
from runaudit.system.files import read_within

ARGUMENTS = "training_args.bin"
_NO_SETTING = re.compile(r"_.*|distributed_state|mixed_precision|.*_plugin(?:_args)?|hf_deepspeed_config|.*hub_token")
"""What the pickle holds beside the arguments: what became of them on the machine. And a secret."""
BOOKS = re.compile(
    r"output_dir|overwrite_output_dir|run_name|project|report_to|disable_tqdm|local_rank|log_.*|logging_.*|hub_.*|"
    r"push_to_hub.*|trackio_.*|save_steps|save_total_limit|save_safetensors|save_on_each_node"
)
"""Arguments that say where and how often is written. What decides which weights are kept at the end is none."""
_TEXTS = ("args/text_summary", "args")
_MODEL = ("model_config/text_summary", "model_config")
_HEAD = 1 << 16
"""Bytes of an event file in which the arguments stand."""
MOST_EVENTS = 20
"""Event files that are looked into: each start in one folder leaves one."""


def was_begun(here: Path) -> bool:
    """Whether the Trainer gave TensorBoard its arguments, as it does when a training begins: of one that died before
    its first checkpoint that is all there is."""
    for path in islice(sorted(here.glob("runs/*/*tfevents*")), MOST_EVENTS):
        with contextlib.suppress(OSError):
            head = read_within(path, here, most=_HEAD)
            if any(tag.encode() in head for tag in _TEXTS) and b"output_dir" in head:
                return True
    return False


def arguments_of(folders: Sequence[Path], within: Path) -> tuple[dict[str, JSON] | None, Path]:
    """The arguments of the training, and the file that tells them: the pickle beside the state that was read, else
    another of the run's, else what TensorBoard was given. None where neither can be read, or trainings disagree."""
    for folder in folders:
        raw = foreign_bytes(folder / ARGUMENTS, within)
        if raw is not None and (held := attributes_in(raw)) is not None and _is_of_arguments(held):
            return settings_of(held), folder / ARGUMENTS
    told: dict[str, JSON] | None = None
    for folder in folders:
        for path in sorted(folder.glob("runs/*/*tfevents*"))[:MOST_EVENTS]:
            if (found := told_in(path, within).arguments) is None:
                continue
            if told is not None and _compared(told) != _compared(settings_of(found)):
                return None, path  # The folder holds several trainings, and which is the state's nothing says.
            told, where = settings_of(found), path
    return (told, where) if told is not None else (None, folders[0])


@dataclass(frozen=True, slots=True)
class Told:
    """What TensorBoard was told in words: the arguments of a training, as they were written, and the config of its
    model, in the event file `path`. None: not told."""

    path: Path
    arguments: Mapping[str, JSON] | None = None
    model: Mapping[str, JSON] | None = None


def told_in(path: Path, within: Path) -> Told:
    """What an event file has of a training in words; nothing where it is none."""
    try:
        texts = read_log(path, within).texts
    except RecordError:
        return Told(path)
    arguments, model = (next((table for tag in tags if (table := _table(texts.get(tag, ""))) is not None), None)
                        for tags in (_TEXTS, _MODEL))  # fmt: skip
    # Texts under these tags may be any program's.
    return Told(path, arguments, model) if arguments is not None and _is_of_arguments(arguments) else Told(path)


def agreed(known: Told, later: Told) -> Told:
    """What two launches of one training told: of what they tell otherwise nobody knows which of them counts."""
    same_arguments = later.arguments is None or _of_launch(known.arguments) == _of_launch(later.arguments)
    same_model = later.model is None or known.model == later.model
    return Told(known.path, known.arguments if same_arguments else None, known.model if same_model else None)


def _of_launch(table: Mapping[str, JSON] | None) -> dict[str, JSON] | None:
    """Arguments that have to be equal where a training went on."""
    if table is None:
        return None
    return {name: value for name, value in _compared(settings_of(table)).items() if name != "resume_from_checkpoint"}


def first_told(folder: Path, within: Path) -> Told:
    """The same of a folder with event files, of the first that has arguments."""
    each = (told_in(path, within) for path in sorted(folder.glob("*tfevents*")))
    return next((told for told in each if told.arguments is not None), Told(folder))


def _is_of_arguments(table: Mapping[str, JSON]) -> bool:
    return {"output_dir", "learning_rate", "seed"} <= table.keys()


def settings_of(table: Mapping[str, JSON]) -> dict[str, JSON]:
    """The arguments, and on how many devices at once they were used: the batch of each of them is one of many."""
    state = table.get("distributed_state")
    counts = {"num_processes": state.get("num_processes") if isinstance(state, Mapping) else None,
              "n_gpu": table.get("_n_gpu")}  # fmt: skip
    many = {name: count for name, count in counts.items() if isinstance(count, int) and count > 1}
    return {**{name: value for name, value in table.items() if not _NO_SETTING.fullmatch(name)}, **many}


def _compared(settings: Mapping[str, JSON]) -> dict[str, JSON]:
    return {name: value for name, value in settings.items() if not BOOKS.fullmatch(name)}


def _table(text: str) -> Mapping[str, JSON] | None:
    try:
        found = parse_strict(text.encode(), where="the arguments") if text.strip() else None
    except RecordError:
        return None
    return found if isinstance(found, Mapping) else None
