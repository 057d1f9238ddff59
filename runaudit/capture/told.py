"""What a program tells of a launch that another process has sealed, captured as a launch of its own would capture it.

Nothing here may stop a training, which has begun: a data set that is not there is unknown, with the reason.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runaudit.capture.config import plain_config
from runaudit.capture.draft import ABSENT, LaunchRequest, config_places, data_entry, declared
from runaudit.capture.environment import torch_switches
from runaudit.capture.redact import Redactor
from runaudit.capture.spoken_config import spoken_config
from runaudit.errors import RunauditError
from runaudit.factors.path import joined
from runaudit.records.canonical import JSON, thawed
from runaudit.store.store import Store

KEPT = ("init", "eval")


def told_sections(request: LaunchRequest, top: Path, store: Store, redactor: Redactor) -> dict[str, JSON]:
    """The sections of a launch that its program tells, secrets replaced, gaps under `unknown`. top: the root of the
    work tree that was sealed."""
    unknown: dict[str, JSON] = {}
    found: dict[str, Any] = {}
    launch: dict[str, JSON] = {}
    if request.config is not ABSENT:
        try:
            found["config"] = plain_config(request.config)
            files = request.config_files or spoken_config(sys.orig_argv, request.root, found["config"])
            launch["config_files"] = [*config_places(files, request.root, top)]
        except (RunauditError, OSError) as error:
            unknown["config"] = f"what the program told has no form: {_in_short(error)}"
    for name in sorted(request.data):
        try:
            found.setdefault("data", {})[name] = data_entry(request, name, store)
        except (RunauditError, OSError) as error:
            unknown[joined("data", name)] = f"the program names it, and it cannot be read: {_in_short(error)}"
    if given := sorted(name for name, value in request.data.items() if isinstance(value, Mapping)):
        launch["data_given"] = [*given]
    if request.seed is not ABSENT:
        found["seed"] = request.seed
    try:
        found |= {name: value for name, value in declared(request, store).items() if name in KEPT}
    except (RunauditError, OSError) as error:
        unknown["init"] = f"what the program told is no start: {_in_short(error)}"
    found["env"] = torch_switches()  # Only the process that has loaded torch can say how it is set.
    extra: dict[str, Any] = thawed(request.extra)
    found["launch"] = {**launch, **extra.get("launch", {})}
    found["origin"] = extra.get("origin", {})
    # A rule is recomputed by whoever compares. What cannot matter is a word that counts before the launch alone.
    found["policy"] = {name: rules for name, rules in extra.get("policy", {}).items() if name == "derived"}
    found["unknown"] = {**unknown, **extra.get("unknown", {})}
    clean: dict[str, JSON] = redactor.sealable(
        redactor.tree({k: v for k, v in found.items() if v or k in _MAY_BE_NONE})
    )
    return clean


_MAY_BE_NONE = ("seed", "config")


def _in_short(error: Exception) -> str:
    return error.message if isinstance(error, RunauditError) else str(error)
