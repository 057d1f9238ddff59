"""Options that were typed by the beginning of their name: argparse takes `--dataset` for `--dataset_name`.

Told beside the whole name, such a word would be a choice of its own in every pair of runs of which one was typed so.
Which options a program has is in no record. That one was cut short shows in what came of it: one setting alone begins
so, it has the very value, and none has the name itself. A number or a switch may have that by chance, so there the
command line must show that its options are the settings: each of the others is one, by its whole name. Every run is
judged by its own record, so that a comparison, a cohort and a study tell it alike.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from runaudit.factors import builtin as known
from runaudit.factors.arguments import RESERVED, ROOT, is_option, plain_name
from runaudit.factors.namewords import words
from runaudit.factors.path import last_key, steps
from runaudit.factors.tree import leaves_of
from runaudit.records.canonical import JSON
from runaudit.records.run import Run
from runaudit.records.sections import OfSection

_LEAST = 3
"""Letters of a name that is no chance beginning of another."""
_LONG = 4
"""Characters of a text beyond which two choices hardly have it by chance."""


def with_whole_names(tree: dict[str, Any], run: Run) -> dict[str, Any]:
    """The tree of a run with what was cut short told as what it is: a word of ours under the whole name, and one of an
    importer's, which tells none that a setting says, not at all."""
    config = tree.get("config")
    given = config.get("args") if isinstance(config, Mapping) else None
    table = tree.get(ROOT, given)
    if not isinstance(config, Mapping) or not isinstance(table, Mapping) or "config" in run.manifest.section("unknown"):
        return tree
    whole = dict(_whole_names(table, config, run))
    if not whole:
        return tree
    if ROOT in tree:
        return {**tree, ROOT: {whole.get(name, name): value for name, value in table.items()}}
    left = {name: value for name, value in table.items() if name not in whole}
    kept = {key: value for key, value in config.items() if key != "args"}
    return {**tree, "config": {**kept, **({"args": left} if left else {})}}


def _whole_names(table: Mapping[str, Any], config: Mapping[str, Any], run: Run) -> Iterator[tuple[str, str]]:
    """The words that were cut short, each with the name of the setting that it set."""
    own = {plain_name(str(key)).lower() for key in config}
    typed = _typed(run)
    cut = [name for name in table if name in typed and name.lower() not in own and name not in RESERVED]
    if not cut:
        return
    settings = [(path, value) for path, value in _settings(config) if not path.startswith(f"{ROOT}.")]
    settings += [(str(path), None) for path in run.manifest.section("unknown") if str(path).startswith("config.")]
    names = {_name(path) for path, _ in settings}
    found = {name: path for name in cut if (path := _sets(name, table[name], settings))}
    untold = {name for name in typed if name in table and not _is_setting(name, names)}
    is_shown = untold <= found.keys() and len(typed) > len(found)
    for name, path in found.items():
        whole = plain_name(last_key(path))
        if (is_shown or _is_rare(table[name])) and whole not in typed:
            yield name, whole


def _sets(name: str, word: JSON, settings: Sequence[tuple[str, JSON]]) -> str:
    """The one setting whose name begins as an option does, where it has its value."""
    near = [(path, value) for path, value in settings if _name(path).startswith(name.lower())]
    path, value = near[0] if len(near) == 1 else ("", None)
    is_cut = path and len(name) >= _LEAST and _name(path) != name.lower() and not _is_another_quantity(name, path)
    return path if is_cut and _alike(word, value) else ""


def _typed(run: Run) -> Sequence[str]:
    """The long options of a command line, each once. No other kind can be cut short."""
    given = run.words or run.manifest.section("launch").get("argv")
    argv = map(str, given) if isinstance(given, list | tuple) else ()
    long = (word for word in argv if word.startswith("--") and is_option(word))
    return tuple(dict.fromkeys(plain_name(word[2:].partition("=")[0]) for word in long))


_settings = OfSection(lambda config: tuple(leaves_of(config, "config")))


def _name(path: str) -> str:
    return plain_name(last_key(path)).lower() if steps(path)[1:] else ""


def _is_setting(name: str, names: set[str]) -> bool:
    """Whether an option is a setting by its whole name, or says that it is off: `--no-amp`."""
    return not names.isdisjoint((name.lower(), name.lower().removeprefix("no_"), name.lower().rpartition(".")[2]))


def _is_another_quantity(name: str, path: str) -> bool:
    return bool(({*words(last_key(path))} - {*words(name)}) & known.OTHER_QUANTITIES)


def _alike(word: JSON, value: JSON) -> bool:
    """Whether a word and a setting have one value, written as text or not."""
    return value is not None and (word == value or str(word).lower() == str(value).lower())


def _is_rare(value: JSON) -> bool:
    return isinstance(value, str) and (
        len(value) > _LONG or (any(map(str.isdigit, value)) and any(map(str.isalpha, value)))
    )
