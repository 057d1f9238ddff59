"""The campaign file: TOML, read strictly, so that a typing slip is told and never runs on a default.

    name = "learning rates"
    command = "python train.py --lr {lr} --seed {seed}"     # or a list of words
    seeds = "0-4"

    [data]
    train = "data/train.csv"

    [[arms]]
    label = "slow"
    values = {lr = 0.1}                                      # fills {lr}

    [[arms]]
    label = "fast"
    values = {lr = 0.3}
    set = {"optimizer.momentum" = 0.9}                       # optimizer.momentum=0.9 at the end: Hydra's form
    args = ["--amp"]                                         # words at the end, as they are

`name` may be left out; another name begins all anew. What stands above the arms holds for all; an arm that says it too
has its own, tables key by key.
"""

import json
import math
import shlex
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from runaudit.campaign.plan import Arm, Plan, seeds_of
from runaudit.errors import UsageError
from runaudit.guard.invocation import FileCall
from runaudit.launch.asked import Asked
from runaudit.system.files import read_ordinary, refuse_special
from runaudit.system.tomlfile import parse_toml
from runaudit.text.words import closest, kind_of, quoted

SHARED = ("command", "seeds", "data", "config", "init", "eval", "env", "intent", "bundles", "baseline", "waive",
          "health", "values", "set", "set_as", "args")  # fmt: skip
"""What may stand above the arms, and in each."""
TOP = ("name", "arms", "ray", "submitit")
SET_AS = ("{name}={value}",)
"""How a config leaf of `set` is written on the command line, where the file says no other: Hydra's form."""
_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "command": (str, list), "seeds": (str, int, list), "data": dict, "config": (str, list), "init": str, "eval": dict,
    "env": dict, "intent": list, "bundles": list, "baseline": str, "waive": list, "health": str, "values": dict,
    "set": dict, "set_as": (str, list), "args": list, "label": str, "name": str, "arms": list, "ray": dict,
    "submitit": dict,
}  # fmt: skip


_FORMS: Mapping[str, str] = {
    "command": 'command = "python train.py --seed {seed}"', "seeds": 'seeds = "0-4"',
    "data": 'data = {train = "data/train.csv"}', "config": 'config = "base.toml"', "init": 'init = "random"',
    "eval": 'eval = {metric = "val/acc"}', "env": 'env = {OMP_NUM_THREADS = "1"}', "intent": 'intent = ["config.lr"]',
    "bundles": 'bundles = ["NAME"]', "baseline": 'baseline = "slow"', "health": 'health = "warn"',
    "waive": 'waive = ["RA206=why it may start all the same"]', "values": "values = {lr = 0.1}",
    "set": 'set = {"optimizer.lr" = 0.1}', "set_as": 'set_as = ["--set", "{name}={value}"]', "args": 'args = ["--amp"]',
    "label": 'label = "slow"', "name": 'name = "learning rates"', "arms": "[[arms]]",
    "ray": "ray = {num_cpus = 4}", "submitit": "submitit = {timeout_min = 60}",
}  # fmt: skip
"""How each is written, for who wrote it otherwise."""


def read_campaign(path: Path, *, shared: tuple[str, ...] = ()) -> Plan:
    """The plan in a file. shared: the options that were typed with it. Raises UsageError or RecordError."""
    refuse_special(path, "the campaign file")
    try:
        raw = read_ordinary(path)
    except FileNotFoundError as error:
        raise UsageError(f"there is no campaign file {path}", remedy="check its name") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", remedy="name a TOML file") from error
    table = parse_toml(raw, where=str(path))
    _check(table, (*TOP, *SHARED), str(path))
    arms = table.get("arms", [])
    plan = Plan(
        arms=tuple(_arm(table, arm, f"{path} arm {number}", shared, str(path)) for number, arm in enumerate(arms, 1)),
        name=table.get("name", ""),
        again=("runaudit", "campaign", *shared, str(path)),
        executors={name: table[name] for name in ("ray", "submitit") if name in table},
    )
    plan.check()
    return plan


def _arm(table: Mapping[str, Any], own: Any, where: str, shared: tuple[str, ...], file: str) -> Arm:
    if not isinstance(own, dict):
        raise UsageError(f"{where} is {kind_of(own)}, not a table", remedy="write [[arms]] above each arm")
    _check(own, ("label", *SHARED), where)
    given = {name: _joined(table.get(name), own.get(name)) for name in SHARED if name in table or name in own}
    label = own.get("label")
    if not label:
        raise UsageError(f"{where} has no label", remedy='write label = "what it tests"')
    if "seeds" not in given:
        raise UsageError(f"{where} has no seeds", remedy='write seeds = "0-4" above the arms')
    return Arm(
        asked=Asked(
            label=label,
            config=tuple(map(Path, _texts(given.get("config", []), f"{where} config"))),
            data=tuple(f"{name}={text}" for name, text in _pairs(given, "data", where)),
            init=given.get("init"),
            evaluation=tuple(f"{name}={json.dumps(value)}" for name, value in given.get("eval", {}).items()),
            intent=_texts(given.get("intent", []), f"{where} intent"),
            bundle=_texts(given.get("bundles", []), f"{where} bundles"),
            baseline=given.get("baseline"),
            waive=_texts(given.get("waive", []), f"{where} waive"),
            health=given.get("health"),
            command=(*_command(given.get("command", []), where), *_set(given, where),
                     *_texts(given.get("args", []), f"{where} args")),
            shared=shared,
            call=FileCall(program=("runaudit", "campaign"), options=(*shared, file), file=file),
        ),
        seeds=seeds_of(given["seeds"], where=f"{where} seeds"),
        values=dict(_pairs(given, "values", where)),
        environ=dict(_pairs(given, "env", where)),
        campaign=table.get("name", ""),
    )  # fmt: skip


def _joined(above: Any, own: Any) -> Any:
    return {**above, **own} if isinstance(above, dict) and isinstance(own, dict) else above if own is None else own


def _command(value: Any, where: str) -> tuple[str, ...]:
    if isinstance(value, list):
        return _texts(value, f"{where} command")
    try:
        return tuple(shlex.split(value))
    except ValueError as error:
        raise UsageError(f"{where} command has a quote that does not end: {value}",
                         remedy="close it, or write the command as a list of words") from error  # fmt: skip


def _set(given: Mapping[str, Any], where: str) -> Iterator[str]:
    """The config leaves that an arm sets, as words of its command. A brace in them is the user's own."""
    form = _texts(given.get("set_as", list(SET_AS)), f"{where} set_as")
    for name, text in _leaves(given.get("set", {}), f"{where} set"):
        yield from (word.replace("{name}", name).replace("{value}", text) for word in form)


def _leaves(table: Mapping[str, Any], where: str, above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _leaves(value, where, f"{above}{name}.")
        else:
            yield f"{above}{name}", _text(value, f"{where} {above}{name}")


def _pairs(given: Mapping[str, Any], key: str, where: str) -> Iterator[tuple[str, str]]:
    for name, value in given.get(key, {}).items():
        if key == "values" and name in ("seed", "arm"):
            raise UsageError(f"{where} gives its own {{{name}}}", remedy="the campaign fills it; choose another name")
        yield name, _text(value, f"{where} {key}.{name}")


def _text(value: Any, where: str) -> str:
    """A value as a command line has it: what a person would type."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return repr(value)
    if isinstance(value, list):
        return json.dumps(value, separators=(",", ":"))
    raise UsageError(f"{where} is {kind_of(value)}", remedy="write a number, a text, true, false or a list of those")


def _texts(value: Any, where: str) -> tuple[str, ...]:
    words = [value] if isinstance(value, str) else value
    if not all(isinstance(word, str) for word in words):
        raise UsageError(f"{where} holds what is no text", remedy='write ["a", "b"]')
    return tuple(words)


def _check(table: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    for key, value in table.items():
        if key not in known:
            raise UsageError(f"{where} has the unknown key {quoted(key)}{closest(key, known)}",
                             remedy=f"known are {', '.join(known)}")  # fmt: skip
        if not isinstance(value, _KINDS[key]) or isinstance(value, bool):
            raise UsageError(f"{where}: {key} is {kind_of(value)}", remedy=f"write it as in: {_FORMS[key]}")
