"""The settings of Hydra and OmegaConf as the program saw them: `${lr}` is what it stands for, if the record holds that.

Hydra writes a config as it was composed, its interpolations unresolved. What one of them names within the config, or
within Hydra's own settings of the job, is in the record; an environment variable, the clock and what a program's own
resolver made are not, and a text that only names them is no value. Nothing is evaluated.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from runaudit.errors import RecordError
from runaudit.importers.draft import typed
from runaudit.records.canonical import JSON

Keys = tuple[str | int, ...]

MAX_VALUES = 100_000
"""As many as a config may come to once all is resolved: each `${a}${a}` doubles what the one before it held."""
MAX_TEXT = 1 << 20
_DEEPEST = 40
_OPEN = re.compile(r"(\\*)\$\{")
_RESOLVER = re.compile(r"([A-Za-z_][\w.]*):(.*)", re.DOTALL)
_PLAIN = re.compile(r"[^\s.\[\]'\"]+")
_STEP = re.compile(r"\[([^\[\]]+)\]|([^.\[\]]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """A config whose interpolations are the values they stand for. gaps: dotted path -> why a leaf is not known, which
    is then not in `tree`. clock: those of them that are the time, as they were written. written: what stood in the
    place of each leaf that was resolved, and all that it was resolved by, as dotted paths."""

    tree: Mapping[str, JSON]
    gaps: Mapping[str, str]
    clock: Mapping[str, str]
    written: Mapping[str, Mapping[str, JSON]]


def resolved(config: Mapping[str, JSON], job: Mapping[str, JSON], variables: Mapping[str, JSON]) -> Resolved:
    """A config resolved. job: Hydra's own settings, which `${hydra:…}` names. variables: of the environment, those that
    the record holds. Raises RecordError for one that unfolds into too much."""
    at_work = _Resolving(roots={"config": config, "hydra": job}, variables=variables)
    tree = at_work.table(config, ("config", ()), ())
    return Resolved(tree=tree, gaps=at_work.gaps, clock=at_work.clock, written=at_work.written)


def path_of(keys: Keys) -> str:
    """The dotted path of a setting, as every answer names it."""
    steps = (f"[{key}]" if isinstance(key, int) else f".{key}" if _PLAIN.fullmatch(key) else f"['{_escaped(key)}']"
             for key in keys)  # fmt: skip
    return "config" + "".join(steps)


def _escaped(key: str) -> str:
    return key.replace("\\", "\\\\").replace("'", "\\'")


class _Unknown(Exception):  # noqa: N818  (no error: the answer that a value is not in the record)
    def __init__(self, why: str, *, clock: bool = False) -> None:
        super().__init__(why)
        self.why, self.clock = why, clock


class _Missing(_Unknown):
    """That there is no such setting, or none that was set."""


Place = tuple[str, Keys]
"""A root and the keys below it: where a text stands, from which `${.sibling}` counts."""


@dataclass(slots=True, kw_only=True)
class _Resolving:
    roots: Mapping[str, Mapping[str, JSON]]
    variables: Mapping[str, JSON]
    gaps: dict[str, str] = field(default_factory=dict)
    clock: dict[str, str] = field(default_factory=dict)
    written: dict[str, Mapping[str, JSON]] = field(default_factory=dict)
    read: set[str] = field(default_factory=set)
    left: int = MAX_VALUES
    depth: int = 0

    # ── values ───────────────────────────────────────────────────────────────────────────────────────────────────

    def table(self, table: Mapping[str, JSON], at: Place, shown: Keys) -> dict[str, JSON]:
        """A table without the leaves that are not known; each of these is told under `shown`."""
        found: dict[str, JSON] = {}
        for key, value in table.items():
            before, self.read = self.read, set()
            try:
                found[key] = self.value(value, (at[0], (*at[1], key)), (*shown, key))
            except _Unknown as unknown:
                path = path_of((*shown, key))
                self.gaps[path] = unknown.why
                if unknown.clock:
                    self.clock[path] = str(value)
            else:
                self._say(value, (*at[1], key), (*shown, key))
            finally:
                before |= self.read
                self.read = before
        return found

    def _say(self, value: JSON, at: Keys, shown: Keys) -> None:
        """Keep how a leaf was written, if not as itself: an interpolation, or the copy of a leaf in a table."""
        if isinstance(value, str) and "${" in value:
            self.written[path_of(shown)] = {"written": value, "of": sorted(self.read)}
        elif at != shown and not isinstance(value, Mapping):
            self.written[path_of(shown)] = {"written": f"${{{path_of(at)}}}", "of": [path_of(at)]}

    def value(self, value: JSON, at: Place, shown: Keys) -> JSON:
        """A value resolved. Raises _Unknown; of a list, for any of its values: without one it would be another list."""
        self.left -= 1
        if self.left < 0:
            raise RecordError(f"the interpolations of the config unfold into more than {MAX_VALUES} values",
                              remedy="leave this run out")  # fmt: skip
        if isinstance(value, Mapping):
            return self.table(value, at, shown)
        if isinstance(value, list):
            return [self.value(one, (at[0], (*at[1], i)), (*shown, i)) for i, one in enumerate(value)]
        return self.text(value, at, shown) if isinstance(value, str) and "${" in value else value

    def text(self, text: str, at: Place, shown: Keys) -> JSON:
        """A text with interpolations: one that is nothing else is the value it names, of that value's kind."""
        if self.depth >= _DEEPEST:
            raise _Unknown("its interpolation leads back to itself")
        self.depth += 1
        try:
            parts = [*self._parts(text, at, shown)]
        finally:
            self.depth -= 1
        if len(parts) == 1:
            return parts[0]
        if any(isinstance(part, Mapping | list) for part in parts):
            raise _Unknown(f"{text[:60]!r} puts a table into a text")
        whole = "".join(map(str, parts))
        self.left -= len(whole) // 64
        if len(whole) > MAX_TEXT:
            raise RecordError("the interpolations of the config unfold into a megabyte of text",
                              remedy="leave this run out")  # fmt: skip
        return whole

    def _parts(self, text: str, at: Place, shown: Keys) -> Iterator[JSON]:
        place = 0
        while match := _OPEN.search(text, place):
            before = text[place : match.start()] + match[1][: len(match[1]) // 2]
            if len(match[1]) % 2:  # `\${` is the text itself.
                yield before + "${"
                place = match.end()
                continue
            if before:
                yield before
            end = _closing(text, match.end())
            yield self._named(text[match.end() : end], at, shown)
            place = end + 1
        if text[place:]:
            yield text[place:]

    # ── what is named ────────────────────────────────────────────────────────────────────────────────────────────

    def _named(self, inner: str, at: Place, shown: Keys) -> JSON:
        if "${" in inner:
            inner = str(self.text(inner + " ", at, shown))[:-1]
        match = _RESOLVER.fullmatch(inner.strip())
        return self._node(inner.strip(), at, shown) if match is None else self._made(match[1], match[2], at, shown)

    def _node(self, name: str, at: Place, shown: Keys) -> JSON:
        root, keys = at[0], _keys(name.lstrip("."))
        if up := len(name) - len(name.lstrip(".")):
            keys = (*at[1][:-up], *keys) if up <= len(at[1]) else keys
        self.read.add(path_of(keys) if root == "config" else f"hydra {name}")
        node: JSON = self.roots[root]
        for key in keys:
            if isinstance(node, str) and "${" in node:  # `${model.size}` where `model` itself is an interpolation
                node = self.text(node, (root, keys), shown)
            node = _child(node, key, name)
        if node == "???":
            raise _Missing(f"it is that of {name}, which was not set")
        return self.value(node, (root, keys), shown)

    def _made(self, resolver: str, given: str, at: Place, shown: Keys) -> JSON:
        """What a resolver gives. Only those of OmegaConf and Hydra that look up what is in the record are known."""
        first, _, rest = given.partition(",")
        first = first.strip().strip("'\"")
        match resolver:
            case "hydra":
                return self._node(f"hydra.{first}", ("hydra", ()), shown)
            case "oc.select":
                try:
                    return self._node(first, at, shown)
                except _Missing:
                    if not rest:
                        raise
                    return typed(rest.strip().strip("'\""))
            case "oc.deprecated":
                return self._node(first, at, shown)
            case "oc.decode":
                return typed(first)
            case "oc.env" | "env" if first in self.variables:
                self.read.add(f"variable {first}")
                return str(self.variables[first])
            case "oc.env" | "env":
                raise _Unknown(f"it is the environment variable {first}, which Hydra does not record")
            case "now":
                raise _Unknown("it is the time at which the program read it, which Hydra does not record", clock=True)
        raise _Unknown(f"the resolver {resolver!r} made it, and what it made is not in the record")


def _closing(text: str, start: int) -> int:
    """Where the brace closes that opened before `start`."""
    depth = 1
    for place in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if not depth:
            return place
    raise _Unknown(f"{text[:60]!r} has a brace that nothing closes")


def _keys(name: str) -> Keys:
    return tuple((bracket or plain).strip("'\"") for bracket, plain in _STEP.findall(name))


def _child(node: JSON, key: str | int, name: str) -> JSON:
    if isinstance(node, Mapping) and str(key) in node:
        return node[str(key)]
    if isinstance(node, list) and str(key).isdecimal() and int(key) < len(node):
        return node[int(key)]
    raise _Missing(f"{name[:60]} names nothing in the config")
