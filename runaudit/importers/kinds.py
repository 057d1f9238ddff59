"""What can be imported, by the word that a user types. Light: `--help` reads it.

A reader is a module that finds and reads what one tracker writes:

    places(here, folders, files) -> the paths at which a run of it lies, or a file of many, directly in the folder
                                    `here`, which holds entries of these names; no file need be opened to tell
    read(place, within)          -> a `Draft` for every run at one of them, `Skipped` for what is none. Raises
                                    RecordError. No link may lead out of `within`: files are opened by `opened`
    WHOLE                        -> whether all that lies below such a folder is that run's, and no other's
    kin(place)                   -> if it has one: what is equal for places that may be of one run, which its tracker
                                    files once for each start
"""

from runaudit.records.trackers import FILE, TRACKERS

BUNDLE = "bundle"
"""What `export` wrote: it comes back under the ids that it had."""
AUTO = "auto"
"""Whatever lies there, several kinds in one tree included."""
RECORD = "record"
KINDS = {
    RECORD: "runaudit.importers.record",
    "hydra": "runaudit.importers.hydra",
    "wandb": "runaudit.importers.wandb_folder",
    "mlflow": "runaudit.importers.mlflow",
    "sacred": "runaudit.importers.sacred",
    "mlperf": "runaudit.importers.mlperf",
    "dvc": "runaudit.importers.dvc",
    "ultralytics": "runaudit.importers.ultralytics",
    "huggingface": "runaudit.importers.huggingface",
    "lightning": "runaudit.importers.lightning",
    "guild": "runaudit.importers.guild",
    "aim": "runaudit.importers.aim",
    "openai-log": "runaudit.importers.openai_log",
    "tensorboard": "runaudit.importers.tensorboard",
    "csv": "runaudit.importers.steps_csv",
    "text-log": "runaudit.importers.text_log",
}
"""A new importer is its module and its line here. `auto` asks them in this order."""
BY_NAME = frozenset({"text-log"})
"""What is read where it is asked for alone: the same training may be in a tracker's record beside it. Such a reader has
`is_one(path)`: whether a file is one of its."""
CALLED = {kind: tracker.name for kind, tracker in TRACKERS.items() if kind != FILE}
"""What those who wrote the trackers call them."""
WORDS = (AUTO, *KINDS, BUNDLE)


def kind_words() -> list[tuple[str, str]]:
    """Every word that names a kind, as a shell may offer it."""
    return [(word, "") for word in WORDS]
