"""The form of a record's `observed` section: what is malformed is refused, or a reader would take it for silence.

A list of reads that is no list would say that nothing was read; a level that nobody knows would excuse or accuse at
random. Keys that this version does not know are let through.
"""

from collections.abc import Mapping
from typing import Any

from runaudit.errors import RecordError
from runaudit.text.words import kind_of

LEVELS = ("full", "partial", "none")
ROWS = ("read", "written", "seeded", "texts", "children")
TABLES = ("looked_up", "imported")


def check_observed(record: Mapping[str, Any], where: str) -> None:
    """Raises RecordError, with the place named, for a section that says something in another form than it has."""
    section = record.get("observed")
    if section is None:
        return
    if not isinstance(section, Mapping):
        raise RecordError(f"{where}: 'observed' is {kind_of(section)}", remedy="give 'observed' as an object")
    level = section.get("level")
    if level not in LEVELS:
        fault = "is missing" if "level" not in section else f"is {str(level)[:40]!r}"
        raise RecordError(f"{where}: observed.level {fault}", remedy=f"use one of {', '.join(LEVELS)}")
    for name in ROWS:
        rows = section.get(name)
        if rows is not None and not (isinstance(rows, list | tuple) and all(isinstance(r, Mapping) for r in rows)):
            raise RecordError(f"{where}: observed.{name} is no list of objects", remedy="give a list of objects")
    for place, row in enumerate(section.get("read") or ()):
        if not isinstance(row.get("path"), str) or not row["path"]:
            raise RecordError(f"{where}: observed.read[{place}] has no path", remedy="name the file that was read")
    argv = section.get("argv")
    if argv is not None and not (isinstance(argv, list | tuple) and all(isinstance(word, str) for word in argv)):
        raise RecordError(f"{where}: observed.argv is no list of texts", remedy="give the words of the command line")
    for name in TABLES:
        table = section.get(name)
        if table is not None and not isinstance(table, Mapping):
            raise RecordError(f"{where}: observed.{name} is no object", remedy="give {name: value}")
