"""Run folders of Ultralytics: `args.yaml` and `results.csv`; of YOLOv5, YOLOv3 and YOLOv7 `opt.yaml`, `hyp.yaml` and
`results.csv`, or `results.txt` in earlier releases. What classifies has no `hyp.yaml`.

The settings are written before the first epoch, the table after it: a folder that holds the settings alone, in any of
these files, is a run that died before, and counts among those that were launched. Older releases of YOLOv5 have
their numbers in event files.

`args.yaml` holds every setting, given or not. Two of them say that the program was to choose by itself: with
`optimizer: auto` it takes an optimizer, a learning rate and a momentum, whatever was typed, and with `batch: -1` a size
that fits the memory. What it took is not in the record.
"""

import os
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path, PureWindowsPath
from typing import Any

from runaudit.errors import RecordError
from runaudit.importers.base import Skipped
from runaudit.importers.draft import Draft
from runaudit.importers.eventfolders import is_events
from runaudit.importers.fitness import stopped_early
from runaudit.importers.opened import foreign_bytes
from runaudit.importers.steptable import Table, read_table
from runaudit.importers.tables import as_table
from runaudit.importers.tensorboard import run_of
from runaudit.importers.yolo_text import NAME, is_results, read_results
from runaudit.records.yamlfile import parse_yaml

WHOLE = True
OWN = ("project", "name", "exist_ok", "save_dir", "plots", "verbose", "show", "bucket", "entity", "upload_dataset",
       "bbox_interval", "artifact_alias")  # fmt: skip
"""Where Ultralytics files and shows its results."""
OF_OTHER_MODES = (
    "source", "vid_stride", "stream_buffer", "visualize", "retina_masks", "embed",  # predict settings
    "save_frames", "save_txt", "save_conf", "save_crop", "show_labels", "show_conf", "show_boxes", "line_width",
    "format", "keras", "optimize", "int8", "dynamic", "simplify", "opset", "workspace", "nms",  # export settings
    "tracker", "save_period", "save_json",
)  # fmt: skip
"""Settings that `args.yaml` of a training holds, since it holds all there are, and that no training reads: by the
headings of ultralytics/cfg/default.yaml those of predicting, of drawing what was predicted, of exporting and of
tracking; and of those of training and validation the ones that only say what is written to a file, `save_period` and
`save_json`. What a validation within the training reads besides (`conf`, `iou`, `half`, `augment` …) is no such one."""
_MASKS = ("save_json", "save_txt")
"""Of a segmentation these two choose how its masks are made, and so what its validation measures: `init_metrics` in
ultralytics/models/yolo/segment/val.py."""
OF_YOLOV5 = ("noplots", "save_period")
"""By the help of YOLOv5's train.py: "save no plot files", and "Save checkpoint every x epochs". `nosave` leaves another
checkpoint for the best one, and is a choice."""
_CHOSEN = "optimizer: auto leaves it to the program, and what it chose is not in the record"
_CLOCKS = ("epoch", "time")
_OF_A_TRAINING = (rb"^task: ", rb"^mode: train\s*$")
_OF_YOLOV5 = (rb"^epochs: ", rb"^data: ", rb"^(?:imgsz|img_size): ?", rb"^(?:save_dir|project|name|logdir): ")
_MOST_BESIDE = 1000
_EMPTIED = "its args.yaml is empty and nothing lies beside it: a training was launched here, and nothing of it is known"
_OF_HYP = (rb"^lr0: ", rb"^momentum: ")
UNKNOWN = {
    "config": "neither args.yaml nor opt.yaml lies beside its results",
    "code": "Ultralytics does not record it",
    **dict.fromkeys(("data", "init"), "neither args.yaml nor opt.yaml lies beside its results"),
}


def _named_in(file: str) -> dict[str, str]:
    """Why the data and the start are unknown where a file of settings is there."""
    return {"data": f"{file} names the data, and no digest of it",
            "init": f"{file} names the weights, and no digest of them"}  # fmt: skip


def places(here: Path, folders: Sequence[str], files: Sequence[str]) -> Sequence[Path]:
    """The run folder that `here` is."""
    begun = "results.csv" in files or "weights" in folders
    if "opt.yaml" in files and "args.yaml" not in files:
        is_run = begun or NAME in files or any(map(is_events, files))
        if is_run and "hyp.yaml" in files:
            return (here,)
        is_its = _is_of(here / "opt.yaml", _OF_YOLOV5) or _is_of(here / "hyp.yaml", _OF_HYP)
        return (here,) if is_its and (is_run or not folders) else ()
    if NAME in files and "args.yaml" not in files:
        # YOLOv3 once wrote it into the folder of the program, below which other things lie.
        return (here,) if {*folders} <= {"weights"} and is_results(here / NAME) else ()
    if "args.yaml" not in files:
        return ()
    is_launch = not folders and (_is_of(here / "args.yaml", _OF_A_TRAINING) or _is_emptied(here, files))
    return (here,) if begun or is_launch else ()


def _is_emptied(here: Path, files: Sequence[str]) -> bool:
    """Whether a folder holds nothing but an `args.yaml` of no bytes, beside the folders of trainings."""
    if [*files] != ["args.yaml"] or (here / "args.yaml").lstat().st_size:
        return False
    with os.scandir(here.parent) as entries:
        beside = [Path(entry.path) for entry in islice(entries, _MOST_BESIDE) if entry.is_dir(follow_symlinks=False)]
    return any(_is_of(one / "args.yaml", _OF_A_TRAINING) for one in beside)


def _is_of(path: Path, lines: Sequence[bytes]) -> bool:
    """Whether a file of settings has all of these lines; other programs call theirs so, too."""
    try:
        raw = foreign_bytes(path, path.parent)
    except RecordError:
        return False
    return raw is not None and all(re.search(line, raw, re.MULTILINE) for line in lines)


def read(place: Path, within: Path) -> Iterator[Draft | Skipped]:
    """The run of a folder. Raises RecordError for one that holds a malformed file."""
    if _is_emptied(place, [entry.name for entry in place.iterdir()]):
        yield Skipped(source=str(place), reason=_EMPTIED, broken=True)
        return
    settings, file = _table(place / "args.yaml", within), "args.yaml"
    if settings is None:
        settings, file = _of_yolov5(place, within), "opt.yaml"
    elif not {"task", "mode"} <= settings.keys():
        lacking = " and ".join(f"no {key}" for key in ("task", "mode") if key not in settings)
        yield Skipped(source=str(place), reason=f"its args.yaml is not one of Ultralytics: it names {lacking}")
        return
    rows = read_table(place / "results.csv", within)
    table, notes = (rows, ()) if rows is not None else read_results(place, within, settings)
    draft = replace(_draft(place, settings, table), notes=notes)
    draft = replace(draft, unknown={**UNKNOWN, **(_named_in(file) if settings else {}), **draft.unknown})
    yield draft if table is not None and table.series else _with_events(draft, place, within)


def _of_yolov5(place: Path, within: Path) -> Mapping[str, Any]:
    """The settings of a run of YOLOv5: its options, and among them the hyperparameters, which some releases write into
    a file of their own, and some among the options."""
    options, given = _table(place / "opt.yaml", within), _table(place / "hyp.yaml", within)
    return (options or {}) if given is None else {**(options or {}), "hyp": given}


def _with_events(draft: Draft, place: Path, within: Path) -> Draft:
    """The run with the curves of its event files, where there is no table of them; of several trainings in the folder
    the last one's, to which its settings belong."""
    if not any(is_events(entry.name) for entry in place.iterdir()):
        return draft
    runs = [one for one in run_of(place, within, kind=draft.kind) if isinstance(one, Draft)]
    if not runs:
        return draft
    why = f"its event files are of {len(runs)} trainings: the settings are the last one's, and so are the numbers"
    notes = [*draft.notes, *([why] if len(runs) > 1 else [])]
    return replace(draft, series=runs[-1].series, torn=draft.torn + runs[-1].torn, notes=notes)


def _table(path: Path, within: Path) -> Mapping[str, Any] | None:
    raw = foreign_bytes(path, within)
    return None if raw is None else as_table(parse_yaml(raw, where=str(path)), path, needed=True)


def _draft(place: Path, settings: Mapping[str, Any], table: Table | None) -> Draft:
    left, why = _left_to_the_program(settings)
    books = _books(settings)
    own = {key: settings[key] for key in books if settings.get(key) is not None}
    series = table.series if table else {}
    return Draft(
        kind="ultralytics",
        source=str(place),
        run="/".join(place.absolute().parts[-2:]).lstrip("/"),
        name=_name(place, settings),
        config={key: value for key, value in settings.items() if key not in books and key not in left} or None,
        launch={"run_dir": str(settings["save_dir"]) if settings.get("save_dir") else None},
        series={key: points for key, points in series.items() if key not in _CLOCKS},
        torn=table.torn if table else 0,
        status=_ended(settings, table),
        duration_s=series["time"][-1][1] if "time" in series else None,
        told={"typed": left} if left else {},
        own=own,
        unknown=why,
    )


def _name(place: Path, settings: Mapping[str, Any]) -> str | None:
    """What the user called the run. Where its folder is called otherwise, a number was put behind the name, which is
    that of many then, or somebody gave it another one: it goes by its folder."""
    name = settings.get("name")
    if not isinstance(name, str) or not name:
        return None
    folder = place.absolute().name
    return name if PureWindowsPath(name).name == folder else folder


def _books(settings: Mapping[str, Any]) -> frozenset[str]:
    """The settings that only say where, how and how often this training is filed and shown, or are of no training."""
    if "hyp" in settings and "mode" not in settings:
        return frozenset({*OWN, *OF_YOLOV5})
    others = OF_OTHER_MODES if settings.get("mode") == "train" else ()
    masked = _MASKS if settings.get("task") == "segment" else ()
    return frozenset({*OWN, *others}) - frozenset(masked)


def _left_to_the_program(settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The settings that do not say what was used, as they were typed, and why."""
    left: dict[str, Any] = {}
    why: dict[str, str] = {}
    if str(settings.get("optimizer")).lower() == "auto":
        left = {key: settings[key] for key in ("optimizer", "lr0", "momentum") if key in settings}
        why = {f"config.{key}": _CHOSEN for key in left}
    if isinstance(file := settings.get("hyp"), str) and file:
        left["hyp"] = file
        why["config.hyp"] = f"they were read from {file}, and the record does not hold what it said"
    for key in ("batch", "batch_size"):
        size = settings.get(key)
        if isinstance(size, int | float) and not isinstance(size, bool) and (size <= 0 or 0 < size < 1):
            left[key] = size
            why[f"config.{key}"] = f"{key}: {size} leaves it to the program, and what it chose is not in the record"
    own = {key: settings[key] for key in _STARTS if key in settings and _is_its_own(settings[key], settings)}
    if own:  # A resume writes its own checkpoint over what was typed first, and empties `cfg`.
        own |= {"cfg": settings["cfg"]} if settings.get("cfg") == "" else {}
        left, why = {**left, **own}, {**why, **{f"config.{key}": _RESUMED for key in own}}
    return left, why


_STARTS = ("weights", "model", "resume")
_RESUMED = "the run was resumed from its own checkpoint, and what it began from is not in the record"


def _is_its_own(weights: Any, settings: Mapping[str, Any]) -> bool:
    """Whether weights lie in the folder that the run itself writes to. Those of another checkout, which may have a
    folder of this name, are what it began from."""
    folder = settings.get("save_dir")
    if not (isinstance(weights, str) and isinstance(folder, str) and folder.strip("./\\")):
        return False
    file, own = (posixpath.normpath(text.replace("\\", "/")) for text in (weights, folder))
    return file.startswith(f"{own}/")


def _ended(settings: Mapping[str, Any], table: Table | None) -> str | None:
    """Completed where every epoch that was asked for left its row, stopped early where its patience was at its end;
    else nothing says how it ended."""
    epochs = settings.get("epochs")
    if table is None or not table.steps or table.clock is None or not isinstance(epochs, int):
        return None
    first, last = table.steps[0], table.steps[-1]  # They are counted from 1, by older releases from 0.
    if last >= epochs - (first == 0) and epochs > 0:
        return "completed"
    return "early_stopped" if stopped_early(settings, table.series) else None
