"""Where an object lay in memory, as Python writes it: `<function relu at 0x7f3c2d1e5a60>`.

A program that logs an object logs its address, which is another in every process. What the object is counts.
"""

import re
from collections.abc import Mapping

from runaudit.records.canonical import JSON

WHY = "where an object lay in memory is no setting; what it is counts"
_ADDRESS = re.compile(r"(?<= at )0x[0-9a-fA-F]{6,16}(?=[>,])")


def without_addresses(value: JSON) -> JSON:
    """`value` with every address of an object as one mark."""
    if isinstance(value, str):
        return _ADDRESS.sub("<address>", value) if " at 0x" in value and "<" in value else value
    if isinstance(value, Mapping):
        return {key: without_addresses(item) for key, item in value.items()}
    return [without_addresses(item) for item in value] if isinstance(value, list | tuple) else value
