"""The policy: what the experimenters of a project declared about their factors, rules and series names.

It is read from `runaudit.toml`, or `[tool.runaudit]` in `pyproject.toml`, beside the store. A policy that cannot be
understood is refused whole: a misspelt `nuisance` that is silently ignored would turn into a wrong verdict.
"""

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from runaudit.errors import ConfigError, RecordError

MAX_POLICY_BYTES = 4 << 20


def _none() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorSettings:
    """What can vary, and what a change of it means.

    nuisance: dotted paths that cannot change a result, `*` matching within one path.
    unordered: lists that are sets. aliases: another name of a path -> its name. length: settings that say how many
    steps a run takes, whose names do not tell. evaluation: files and settings by which results are measured; where
    there are such, all others measure nothing.
    derived: path -> arithmetic rule over other paths. groups, bundles: name -> paths that are one factor.
    """

    nuisance: tuple[str, ...] = ()
    unordered: tuple[str, ...] = ()
    length: tuple[str, ...] = ()
    evaluation: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=_none)
    derived: Mapping[str, str] = field(default_factory=_none)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=_none)
    bundles: Mapping[str, tuple[str, ...]] = field(default_factory=_none)


EMPTY_LABELS = (
    "test", "tests", "testing", "foo", "bar", "baz", "qux", "tmp", "temp", "run", "try", "trial", "attempt", "new",
    "final", "latest", "last", "untitled", "unnamed", "noname", "todo", "blah", "stuff", "thing", "x", "v",
    "exp", "exps", "experiment", "experiments", "wip", "debug", "dummy", "misc", "something", "whatever", "job",
    "foobar", "hello", "world", "none", "null", "nil", "my",
)  # fmt: skip
"""Words that say nothing of a run, alone or in a row. Short names of an arm (`a`, `base`, `sgd`) are none of them."""


REQUIRABLE = ("label", "seed", "config", "code", "data", "env", "init", "eval", "seed_proof", "intent", "launch",
              "policy")  # fmt: skip
"""What a launch can be asked to record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardSettings:
    """What a launch must bring.

    require: sections that may not be missing. config_keys: dotted config paths that must be set.
    ignore: globs of untracked files that cannot matter. baseline: the run every launch is held against.
    empty_labels: words of which a label may not consist; none, and any label will do.
    """

    require: tuple[str, ...] = ("label", "seed", "config", "data")
    config_keys: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    baseline: str | None = None
    empty_labels: tuple[str, ...] = EMPTY_LABELS
    max_file_mb: float = 10.0
    max_total_mb: float = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StatsSettings:
    """Declared before the runs: confidence level, the smallest difference that matters, directions of metrics.

    best_of: of how many runs each reported value is the best; above 1 nothing can be claimed.
    """

    alpha: float = 0.05
    margin: float | None = None
    paired: bool = False
    best_of: int = 1
    directions: Mapping[str, str] = field(default_factory=_none)


VOUCHABLE = ("data", "env", "eval", "init", "runtime", "seed", "code.patch", "code.program")
"""What a user can know of a foreign run that its record does not say: the data, the machine, the measure, the start,
how it ended, the seed, that the tree was clean at the commit on record, and which script of it ran. Nobody vouches for
a config or for code: where those are unknown there is nothing to compare."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportSettings:
    """How foreign records are read and judged. seed: dotted paths at which their configs keep the seed, best first.
    assume: the sections of which the user states that what a record does not say of them makes no difference. typed:
    those that `--assume` states, for one answer or one import. jobs: how many processes read; 0: one per CPU; None: as
    many as are of use."""

    seed: tuple[str, ...] = ()
    assume: tuple[str, ...] = ()
    typed: tuple[str, ...] = ()
    jobs: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSettings:
    """Which rules of the launch lint and of health are off, and what is tuned: rule -> name of a limit -> its value."""

    off: tuple[str, ...] = ()
    limits: Mapping[str, Mapping[str, float]] = field(default_factory=_none)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole policy. `source` is the file it came from, None for the defaults. `series`: foreign name -> ours.
    `remotes`: name -> address of `push` and `pull`. `gc`: what `gc` may remove."""

    factors: FactorSettings = field(default_factory=FactorSettings)
    guard: GuardSettings = field(default_factory=GuardSettings)
    stats: StatsSettings = field(default_factory=StatsSettings)
    imports: ImportSettings = field(default_factory=ImportSettings)
    rules: RuleSettings = field(default_factory=RuleSettings)
    series: Mapping[str, str] = field(default_factory=_none)
    remotes: Mapping[str, str] = field(default_factory=_none)
    gc: Mapping[str, str] = field(default_factory=_none)
    source: Path | None = None


def load_settings(store_root: Path, *, named: Path | None = None) -> Settings:
    """The policy of a store: the file named, else the one beside the store, else the defaults.

    Raises ConfigError for a missing or unreadable named file and for anything that is not understood.
    """
    if named is not None:
        return read_settings(named)
    folder = store_root.absolute().parent
    for name in ("runaudit.toml", "pyproject.toml"):
        path = folder / name
        # Whatever bears the name: a link that leads nowhere, taken for no policy, would turn every rule off unsaid.
        if os.path.lexists(path):
            settings = read_settings(path)
            if settings.source is not None:
                return settings
    return Settings()


def assuming(settings: Settings, words: Sequence[str]) -> Settings:
    """The policy, with what the user vouches for in this answer alone. Raises ConfigError as `vouchable` does."""
    typed = vouchable(words, "--assume")
    return replace(settings, imports=replace(settings.imports, typed=typed)) if typed else settings


def read_settings(path: Path) -> Settings:
    """The policy in one file. A `pyproject.toml` without `[tool.runaudit]` gives the defaults, with no source."""
    # Only where there is a policy: most listings have none to read.
    from runaudit.system.files import read_ordinary

    try:
        raw = read_ordinary(path, most=MAX_POLICY_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            f"the policy {path} cannot be read: {error.strerror}", remedy="make it a file that can be, or remove it"
        ) from error
    return policy_in(raw, path)


def policy_in(raw: bytes, path: Path) -> Settings:
    """The policy that these bytes of the file `path` say. Raises ConfigError for what is not understood."""
    table = _table_of(raw, path)
    if path.name == "pyproject.toml":
        tool = table.get("tool", {}).get("runaudit")
        if tool is None:
            return Settings()
        table = tool
    return parse_settings(table, source=path)


def _table_of(raw: bytes, path: Path) -> dict[str, Any]:
    if len(raw) > MAX_POLICY_BYTES:
        raise ConfigError(
            f"{path} is more than {MAX_POLICY_BYTES >> 20} MiB, too large for a policy", remedy="name another file"
        )
    from runaudit.system.tomlfile import parse_toml

    try:
        return parse_toml(raw, where=f"the policy {path}")
    except RecordError as error:
        raise ConfigError(error.message, remedy=error.remedy) from error


def parse_settings(table: Mapping[str, Any], *, source: Path | None = None) -> Settings:
    """A policy from its parsed table."""
    where = str(source or "policy")
    _known(table, ("factors", "guard", "stats", "import", "rules", "series", "remotes", "gc"), where)
    factors = _section(table, "factors", where)
    _known(factors, FactorSettings.__slots__, f"{where} [factors]")
    guard = _section(table, "guard", where)
    _known(guard, GuardSettings.__slots__, f"{where} [guard]")
    stats = _section(table, "stats", where)
    _known(stats, StatsSettings.__slots__, f"{where} [stats]")
    foreign = _section(table, "import", where)
    _known(foreign, ("seed", "assume"), f"{where} [import]")
    return Settings(
        factors=FactorSettings(
            nuisance=_texts(factors.get("nuisance", []), f"{where} factors.nuisance"),
            unordered=_texts(factors.get("unordered", []), f"{where} factors.unordered"),
            length=_texts(factors.get("length", []), f"{where} factors.length"),
            evaluation=_texts(factors.get("evaluation", []), f"{where} factors.evaluation"),
            aliases=_acyclic(_text_map(factors.get("aliases", {}), f"{where} factors.aliases"), where),
            derived=_grounded(_text_map(factors.get("derived", {}), f"{where} factors.derived"), where),
            groups=_lists(factors.get("groups", {}), f"{where} factors.groups"),
            bundles=_lists(factors.get("bundles", {}), f"{where} factors.bundles"),
        ),
        guard=_guard(guard, where),
        stats=_stats(stats, where),
        imports=ImportSettings(
            seed=_texts(foreign.get("seed", []), f"{where} import.seed"),
            assume=vouchable(_texts(foreign.get("assume", []), f"{where} import.assume"), f"{where} import.assume"),
        ),
        rules=_rules(_section(table, "rules", where), where),
        series=_text_map(_section(table, "series", where), f"{where} series"),
        gc=_text_map(_section(table, "gc", where), f"{where} gc"),
        remotes=_text_map(_section(table, "remotes", where), f"{where} remotes"),
        source=source,
    )


def _guard(table: Mapping[str, Any], where: str) -> GuardSettings:
    default = GuardSettings()
    baseline = table.get("baseline")
    if baseline is not None and not isinstance(baseline, str):
        raise ConfigError(f"{where} guard.baseline is not text", remedy="name a run")
    return GuardSettings(
        require=_sections(_texts(table.get("require", list(default.require)), f"{where} guard.require"), where),
        config_keys=_texts(table.get("config_keys", []), f"{where} guard.config_keys"),
        ignore=_texts(table.get("ignore", []), f"{where} guard.ignore"),
        baseline=baseline,
        empty_labels=_texts(table.get("empty_labels", list(default.empty_labels)), f"{where} guard.empty_labels"),
        max_file_mb=_number(table.get("max_file_mb", default.max_file_mb), f"{where} guard.max_file_mb"),
        max_total_mb=_number(table.get("max_total_mb", default.max_total_mb), f"{where} guard.max_total_mb"),
    )


def _sections(names: tuple[str, ...], where: str) -> tuple[str, ...]:
    """Names of what a launch records, or of something within: one that there is not would refuse every launch."""
    for name in names:
        _known({name.partition(".")[0]: None}, REQUIRABLE, f"{where} guard.require", what="section")
    return names


def section_words() -> list[tuple[str, str]]:
    """What can be vouched for, as a shell may offer it."""
    return [(word, "") for word in VOUCHABLE]


def vouchable(words: Iterable[str], where: str) -> tuple[str, ...]:
    """The sections that a user vouches for, each once, or parts of them (`env.gpu`). Raises ConfigError for one that
    there is not, or for which nobody can."""
    words = tuple(dict.fromkeys(words))
    for word in words:
        root = word.partition(".")[0]
        if word not in VOUCHABLE and root not in VOUCHABLE:
            why = "is no section of a record"
            if root in ("config", "code"):
                why = "cannot be vouched for: without it there is nothing to compare"
            raise ConfigError(f"{where}: {word!r} {why}", remedy=f"possible are {', '.join(VOUCHABLE)}")
    return words


def _stats(table: Mapping[str, Any], where: str) -> StatsSettings:
    margin = table.get("margin")
    paired = table.get("paired", False)
    alpha = _number(table.get("alpha", 0.05), f"{where} stats.alpha")
    if not isinstance(paired, bool):
        raise ConfigError(f"{where} stats.paired is not true or false", remedy="write true or false")
    best_of = table.get("best_of", 1)
    if isinstance(best_of, bool) or not isinstance(best_of, int) or best_of < 1:
        raise ConfigError(f"{where} stats.best_of is {best_of!r}", remedy="write how many runs a value is the best of")
    if not 0 < alpha < 0.5:
        raise ConfigError(f"{where} stats.alpha is {alpha}, outside 0 to 0.5", remedy="0.05 is the habit")
    return StatsSettings(
        alpha=alpha,
        margin=None if margin is None else _number(margin, f"{where} stats.margin"),
        paired=paired,
        best_of=best_of,
        directions=_text_map(table.get("directions", {}), f"{where} stats.directions"),
    )


def _rules(table: Mapping[str, Any], where: str) -> RuleSettings:
    """Whether there are such rules is not for a reader of files to say: `rules.refuse_unknown` does."""
    limits: dict[str, Mapping[str, float]] = {}
    for rule, values in table.items():
        if rule == "off":
            continue
        if not isinstance(values, Mapping):
            raise ConfigError(
                f"{where} rules.{rule} is not a table", remedy=f"write [rules.{rule}] and a limit below it"
            )
        limits[rule] = MappingProxyType(
            {name: _number(value, f"{where} rules.{rule}.{name}") for name, value in values.items()}
        )
    return RuleSettings(off=_texts(table.get("off", []), f"{where} rules.off"), limits=MappingProxyType(limits))


def _known(table: Mapping[str, Any], names: tuple[str, ...], where: str, *, what: str = "key") -> None:
    for key in table:
        if key not in names:
            import difflib  # only where something was mistyped

            near = difflib.get_close_matches(key, names, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(names)}"
            raise ConfigError(f"{where} has the unknown {what} {key!r}", remedy=hint)


def _section(table: Mapping[str, Any], name: str, where: str) -> Mapping[str, Any]:
    value = table.get(name, {})
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where} {name} is not a table", remedy=f"write [{name}]")
    return value


def _texts(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ConfigError(f"{where} is not a list of strings", remedy='write ["a", "b"]')
    return tuple(value)


def _text_map(value: Any, where: str) -> Mapping[str, str]:
    if not isinstance(value, Mapping) or not all(isinstance(item, str) for item in value.values()):
        raise ConfigError(f"{where} is not a table of strings", remedy='write "path" = "text"')
    return MappingProxyType(dict(value))


def _lists(value: Any, where: str) -> Mapping[str, tuple[str, ...]]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where} is not a table of lists", remedy='write name = ["a", "b"]')
    return MappingProxyType({key: _texts(item, f"{where}.{key}") for key, item in value.items()})


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise ConfigError(f"{where} is not a positive number", remedy="write a number, as 10.0")
    return float(value)


_PATH = re.compile(r"[A-Za-z_][\w.]*")


def _grounded(rules: Mapping[str, str], where: str) -> Mapping[str, str]:
    """Rules of which none follows from what follows from it: such a circle would explain both and rest on nothing."""
    read = {
        path: {word for word in _PATH.findall(rule) if word in rules and word != path} for path, rule in rules.items()
    }
    for start in rules:
        if leads_back(start, read.__getitem__, start.__eq__):
            raise ConfigError(f"{where} factors.derived run in a circle at {start!r}",
                              remedy="leave one of its rules out: what it is about is chosen")  # fmt: skip
    return rules


def leads_back(start: str, reads: Callable[[str], Iterable[str]], is_start: Callable[[str], bool]) -> bool:
    """Whether following what is read from one path on, and from those on, comes back to where it began."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for path in reads(waiting.pop()):
            if is_start(path):
                return True
            if path not in seen:
                seen.add(path)
                waiting.append(path)
    return False


def _acyclic(aliases: Mapping[str, str], where: str) -> Mapping[str, str]:
    for start in aliases:
        seen, name = {start}, aliases[start]
        while name in aliases:
            if name in seen:
                raise ConfigError(
                    f"{where} factors.aliases run in a circle at {name!r}", remedy="point each at one name"
                )
            seen.add(name)
            name = aliases[name]
    return aliases
