"""Where an object lay in memory, as Python writes it: `<function relu at 0x7f3c2d1e5a60>`.

A program that logs an object logs its address, which is another in every process and no setting. What is left beside it
says what the object is where that is the name of a function: the code holds what bears it, and is compared by itself.
Of `<envs.Maze object at 0x…>` and `<function <lambda> at 0x…>` it says the kind alone: six environments of one program
were six times the same `lambda`. Such an object is in no record, and unknown.
"""

import re
from collections.abc import Mapping

from runaudit.records.canonical import JSON

WHY = "where an object lay in memory is no setting; what it is counts"
UNTOLD = "the record holds an object's address, or that it has no name, and not what it is"
"""Why a leaf is unknown whose text is all that is left of an object."""
MARKS = (b" at 0x", b"<lambda>", b"<locals>", b" object>")
"""One of these stands in every record that holds the text of such an object."""
_ADDRESS = re.compile(r"(?<= at )0x[0-9a-fA-F]{1,16}(?=[>,;])")
_NAMED = re.compile(r"<(?:function|cyfunction|built-in method) [\w.]+(?: of type object)? at 0x[0-9a-fA-F]{1,16}>")
"""A function of a module or of a class, which no closure fills with what only its process knew."""
_WRITES = re.compile(
    r"<(?:[\w.]*(?:Logger|SummaryWriter)|wandb\.sdk\.wandb_run\.Run) object(?: at 0x[0-9a-fA-F]{1,16})?>"
)
"""What only writes down what it is told: which one it was changed no result."""
_NAMELESS = re.compile(r"<lambda>|<locals>|<[\w.]+ object>")
"""The last of them as older records have it, which kept no address."""


def without_addresses(value: JSON) -> JSON:
    """`value` with every address of an object as one mark."""
    if isinstance(value, str):
        return _ADDRESS.sub("<address>", value) if " at 0x" in value and "<" in value else value
    if isinstance(value, Mapping):
        return {key: without_addresses(item) for key, item in value.items()}
    return [without_addresses(item) for item in value] if isinstance(value, list | tuple) else value


def is_untold(value: object) -> bool:
    """Whether a value is, or holds, the text of an object that does not say what the object is."""
    if isinstance(value, str):
        if "<" not in value:
            return False
        rest = _WRITES.sub("", _NAMED.sub("", value))
        return _ADDRESS.search(rest) is not None or _NAMELESS.search(rest) is not None
    if isinstance(value, Mapping):
        return any(map(is_untold, value.values()))
    return isinstance(value, list | tuple) and any(map(is_untold, value))
