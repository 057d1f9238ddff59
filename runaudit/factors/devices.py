"""Which of several equal devices, or which rank of one training, a record tells of: where it ran, not what was run."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from runaudit.factors.factor import Absent, Classification
from runaudit.records.canonical import JSON

if TYPE_CHECKING:
    from runaudit.factors.levels import Levels

RANKS = frozenset({"local_rank", "global_rank", "node_rank", "machine_rank"})
"""A rank that is not negative says that there are several; -1 says that there are none. `rank` may be a matrix's."""
_LISTS = frozenset({"gpu_ids", "gpu_id", "gpus", "gpu", "devices", "device_ids", "device"})
_IDS = frozenset({"gpu_ids", "gpu_id", "device_ids"})
"""Keys whose text lists devices too: under the others `"2"` may be how many."""
NAMES = RANKS | _LISTS
NUMBERED = RANKS | _IDS
"""Keys of which a number by itself says which one."""
_WHICH = "which of several equal devices; the GPU is judged by env.gpu"


def which_one(key: str, value: JSON, of: "Levels") -> Classification | None:
    """What stands for a rank, or for a list of devices, whichever they were; None where it is neither."""
    key = key.lstrip("\0-").lower().replace("-", "_")
    if key not in NAMES:
        return None
    if key in RANKS:
        is_rank = _is_index(value) or (isinstance(value, str) and value.isdecimal())
        return Classification(value="<rank>", why="the rank that tells of it, of one training") if is_rank else None
    listed: Any = re.split(r"\s*,\s*", value) if key in _IDS and isinstance(value, str) else value
    listed = [value] if key in _IDS and _is_index(value) else listed
    if not isinstance(listed, list | tuple) or not listed or not equal_devices(of.at("env.gpu")):
        return None
    is_list = all(_is_index(one) or (isinstance(one, str) and one.isdecimal()) for one in listed)
    return Classification(value=[f"cuda:{at}" for at in range(len(listed))], why=_WHICH) if is_list else None


def equal_devices(gpu: JSON | Absent) -> bool:
    """Whether the devices that a record names are of one kind. Where it names none, that is a gap of its own."""
    if isinstance(gpu, Sequence) and not isinstance(gpu, str):
        return len({str(name) for name in gpu}) < 2
    return not (isinstance(gpu, str) and re.search(r" \+ |[,;]", gpu))


def _is_index(value: JSON) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
