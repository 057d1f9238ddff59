"""Whether a file is the one that the config in the record was read from.

A program that reads `--config a.yaml` itself and records what it read has said the same thing twice: the name and the
content of the file count as the config that is on record, once. The content is the evidence, not the file's name.
"""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from runaudit.factors.builtin import SETTING_SUFFIXES
from runaudit.factors.documents import text_of
from runaudit.factors.levels import Levels
from runaudit.factors.path import last_key
from runaudit.factors.tree import keyed, leaves_of, same
from runaudit.records.canonical import JSON, canonical_bytes, parse_strict

TWO_WAYS = "it can be read in two ways"


def is_the_config(path: str, digest: str, of: Levels) -> bool:
    """Whether the run says that its config came from this file, or names it and the config holds all that it says."""
    launch = of.run.manifest.section("launch")
    if path in (launch.get("config_files") or ()):
        return True
    argv = launch.get("argv") or ()
    ends = [str(word).rpartition("=")[2] for word in argv] if isinstance(argv, list | tuple) else []
    parts = PurePosixPath(path).parts
    if not any(PurePosixPath(word).parts[-len(parts) :] == parts for word in ends):
        return False
    settings = settings_in(path, text_of(of.run, digest))
    if not isinstance(settings, Mapping) or not settings:
        return False
    held = {(last_key(name), canonical_bytes(value)) for name, value in leaves_of(of.tree["config"], "config")}
    held |= {(name, canonical_bytes(float(text))) for name, text in _numbers_as_text(of.tree["config"])}
    return all((last_key(name), canonical_bytes(value)) in held for name, value in leaves_of(keyed(settings), "config"))


def _numbers_as_text(config: JSON) -> Iterator[tuple[str, str]]:
    """What an older version sealed as text though the file holds a number: `1e-05` from YAML."""
    from runaudit.records.yamlevents import EXPONENT  # Readers of settings, for the runs that have such files.

    for name, value in leaves_of(config, "config"):
        if isinstance(value, str) and EXPONENT.fullmatch(value):
            yield last_key(name), value.replace("_", "")


def read_two_ways(a: Levels, b: Levels) -> str:
    """The setting that two runs have in common as we read their files, and a reader of YAML 1.1 or 1.2 has not, as the
    reason why a file is a factor; empty where there is none."""
    from runaudit.records.yamlschemas import DATE

    one, two = _written(a), _written(b)
    for name in one.keys() & two.keys():
        (left, own), (right, other) = one[name], two[name]
        ours = [value[1] if isinstance(value, list) and value[:1] == [DATE] else value for value in (own[0], other[0])]
        if same(*ours) and not (same(own[0], other[0]) and same(own[1], other[1])):
            return (
                f"{TWO_WAYS}: {name} is {left!r} and {right!r}, equal to one reader and not to another (YAML 1.1 or "
                "1.2, a whole number or a real one), and which of them the program is, is not on record"
            )
    return ""


def _written(of: Levels) -> dict[str, tuple[str, tuple[JSON, JSON]]]:
    """The settings in the files that a run's config was read from: how each is written, and what it means."""
    from runaudit.records.yamlschemas import exact, meanings

    found: dict[str, tuple[str, tuple[JSON, JSON]]] = {}
    for path, digest in of.contents.items():
        if not path.endswith(SETTING_SUFFIXES) or not is_the_config(path, digest, of):
            continue
        text = text_of(of.run, digest)
        if path.endswith((".yaml", ".yml")) and text is not None:
            with contextlib.suppress(Exception):  # What cannot be read excuses nothing, nor does it accuse.
                found |= meanings(text)
        elif isinstance(settings := settings_in(path, text), Mapping):
            found |= {
                name.removeprefix("config."): (str(value), (value, exact(value)))
                for name, value in leaves_of(settings, "config")
            }
    return found


def settings_in(path: str, text: str | None) -> JSON:
    """What a file of settings says; None where it cannot be read."""
    if text is None:
        return None
    from runaudit.records.yamlfile import parse_yaml
    from runaudit.system.tomlfile import parse_toml

    try:
        if path.endswith(".json"):
            return parse_strict(text, where=path)
        if path.endswith(".toml"):
            return parse_toml(text.encode(), where=path)
        if path.endswith((".yaml", ".yml")):
            return parse_yaml(text.encode(), where=path)
    except Exception:  # whatever a parser raises, the file is then judged by its content
        return None
    return None
