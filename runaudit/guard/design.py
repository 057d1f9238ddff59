"""RA3: will this run be able to answer a question, and is it the question that was declared?

The rules that speak of a baseline are asked only where one was declared; a first run has nothing to be held against.
"""
# ruff: noqa: D102  (what a rule checks is told once, in the docstring of its class: users read it too)

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runaudit.capture.program import program_of
from runaudit.capture.seeding import config_seeds, mismatch_before, named_seeds
from runaudit.factors.arguments import arguments_of
from runaudit.guard.facts import Namesake
from runaudit.guard.hashed import hash_seeded_lines
from runaudit.guard.invocation import Invocation
from runaudit.guard.remedies import shown
from runaudit.records.finding import Finding, Severity
from runaudit.records.manifest import Manifest
from runaudit.records.run import Run
from runaudit.rules import Rule
from runaudit.settings import GuardSettings

if TYPE_CHECKING:
    from runaudit.diff import Comparison


class NoLabel(Rule):
    """The run says in words what it tests.

    A label takes one sentence now and cannot be recovered later, so there is no reason to start without one."""

    code = "RA301"
    name = "no_label"
    example = "nothing says what this run tests"
    waivable = False

    def check(self, manifest: Manifest, call: Invocation) -> Iterator[Finding]:
        if not (manifest.label or "").strip():
            yield self.finding(
                "label", "nothing says what this run tests", remedy=call.plus("--label", "what this run tests")
            )


class LabelReused(Rule):
    """A label stands for one design.

    Two designs under one name are averaged by whoever groups by name. Another seed of the same design is welcome, and
    so is a run that resumes one of that name: it continues what the label says."""

    code = "RA302"
    name = "label_reused"
    example = "run 1a2b3c4d5e6f has the label 'wider net' too, and differs in config.lr"
    requires = frozenset({"RA301"})

    def check(self, namesakes: tuple[Namesake, ...], manifest: Manifest, call: Invocation) -> Iterator[Finding]:
        resumes = manifest.section("init").get("kind") == "resume"
        for other in namesakes:
            changed = tuple(path for path in other.changed if not (resumes and path.startswith("init.")))
            if changed:
                yield self.finding(
                    "label",
                    f"run {other.run} has {other.named_like(manifest.label)}, and differs in {shown(changed)}",
                    remedy=_by_seed(changed)
                    if set(changed) <= set(other.by_seed)
                    else call.plus("--label", f"{manifest.label}, {changed[0]} changed"),
                    evidence={"run": other.run, "differs": list(changed)},
                )
                return


def _by_seed(changed: tuple[str, ...]) -> str:
    """A name of the run that holds its seed is no other design, and another label for each seed would break the arm."""
    rules = ", ".join(f'"{path}"' for path in changed)
    return f"where the seed in it only names the run, say so in runaudit.toml under [factors]: nuisance = [{rules}]"


class Repeat(Rule):
    """This is not an exact repeat.

    The same design with the same seed measures the same draw again: it shows whether a result reproduces, and adds
    nothing to n."""

    code = "RA303"
    name = "exact_repeat"
    example = "run 1a2b3c4d5e6f had the same design and the same seed; this one will not count in n"
    severity = Severity.INFO
    requires = frozenset({"RA302"})

    def check(self, namesakes: tuple[Namesake, ...], call: Invocation) -> Iterator[Finding]:
        for one in namesakes:
            if one.same_seed and not one.changed:
                yield self.finding(
                    "seed",
                    f"run {one.run} had the same design and the same seed; this one will not count in n",
                    remedy=call.plus("--seed", str(one.seed + 1 if isinstance(one.seed, int) else 1)),
                    evidence={"run": one.run},
                )


class NoSeed(Rule):
    """The seed is known.

    Without it the run cannot be repeated, and nobody can tell a replicate from a copy."""

    code = "RA304"
    name = "no_seed"
    example = "no seed is recorded; the program names 7"

    def check(self, manifest: Manifest, policy: GuardSettings, call: Invocation) -> Iterator[Finding]:
        if manifest.body.get("seed") is None:
            argv = [str(word) for word in manifest.section("launch").get("argv") or ()]
            named = named_seeds(argv)[-1:] or config_seeds(manifest.section("config"))[:1]
            yield self.finding(
                "seed",
                f"no seed is recorded; the program names {named[0]}" if named else "no seed is recorded",
                remedy=call.plus("--seed", str(named[0]) if named else "1"),
                severity=Severity.ERROR if "seed" in policy.require else Severity.INFO,
            )


class HashSeed(Rule):
    """No seed comes from `hash()` of a text.

    Python salts `hash()` anew in every process unless PYTHONHASHSEED is set, so such a seed differs from run to run."""

    code = "RA305"
    name = "hash_seed"
    example = "train.py:12 seeds from hash(), which is salted anew in every process"

    def check(self, sources: Callable[[], Iterator[tuple[str, bytes]]], hash_seed: str | None,
              call: Invocation) -> Iterator[Finding]:  # fmt: skip
        if hash_seed not in (None, "", "random"):
            return
        for path, raw in sources():
            for line in hash_seeded_lines(raw):
                yield self.finding(
                    f"code.{path}",
                    f"{path}:{line} seeds from hash(), which is salted anew in every process",
                    remedy=call.again(prefix="PYTHONHASHSEED=0"),
                    evidence={"path": path, "line": line},
                )


class NoConfig(Rule):
    """The configuration is on record.

    A command line with arguments is one: what was typed is an input. A program that is told nothing runs on defaults
    that nobody wrote down."""

    code = "RA306"
    name = "no_config"
    example = "no configuration is recorded"

    def check(self, manifest: Manifest, policy: GuardSettings, call: Invocation) -> Iterator[Finding]:
        if _has_arguments(manifest):
            return
        if not manifest.has("config") or (not manifest.section("config") and manifest.body["config"] is not None):
            yield self.finding(
                "config",
                "no configuration is recorded" if not manifest.has("config") else "the configuration is empty",
                # A program that is told nothing has its settings in its code, which is sealed; the name of a file that
                # may not exist would fix nothing.
                remedy=call.plus("--waive", f"{self.code}=its settings stand in its code")
                if call.command and not manifest.has("config")
                else call.plus("--config", "FILE"),
                severity=Severity.ERROR if "config" in policy.require else Severity.INFO,
            )


def _has_arguments(manifest: Manifest) -> bool:
    """Whether the command tells its program anything: words after the script, the module or the text of `-c`."""
    argv = [str(word) for word in manifest.section("launch").get("argv") or ()]
    return bool(argv) and bool(program_of(argv, cwd=Path("/"), environ={"PATH": "/"}).arguments)


class IncompleteConfig(Rule):
    """Every setting that the policy names is in the configuration.

    What is not written down takes a default that the next version may change."""

    code = "RA307"
    name = "incomplete_config"
    example = "the configuration does not set model.depth, which the policy asks for"
    requires = frozenset({"RA306"})

    def check(self, manifest: Manifest, policy: GuardSettings, call: Invocation) -> Iterator[Finding]:
        missing = tuple(key for key in policy.config_keys if not _has(manifest.section("config"), key))
        if missing:
            yield self.finding(
                "config",
                f"the configuration does not set {shown(missing)}, which the policy asks for",
                remedy=call.plus("--config", "FILE"),
                evidence={"missing": list(missing)},
            )


class BaselineUnfinished(Rule):
    """The baseline has a result.

    A comparison needs two ends; a baseline that crashed offers none."""

    code = "RA308"
    name = "baseline_unfinished"
    example = "the baseline 1a2b3c4d5e6f (wider net) is crashed"
    severity = Severity.WARNING

    def check(self, baseline_run: Run) -> Iterator[Finding]:
        if not baseline_run.finished:
            yield self.finding(
                "baseline",
                f"the baseline {baseline_run.short} ({baseline_run.label}) is {baseline_run.status}",
                remedy="runaudit list",
            )


class UndeclaredDifference(Rule):
    """Nothing differs from the baseline but what was declared.

    Two changes at once cannot be told apart afterwards, whatever the numbers say."""

    code = "RA309"
    name = "undeclared_difference"
    example = "config.lr differs from the baseline 'wider net': 0.1 → 0.2"

    def check(self, baseline: "Comparison", manifest: Manifest, call: Invocation) -> Iterator[Finding]:
        for change in baseline.treatments:
            if not change.intended:
                yield self.finding(
                    change.factor,
                    f"{change.factor} differs from the baseline {baseline.a.label!r}: {change.summary}",
                    remedy=call.plus("--intent", change.factor),
                    evidence={"baseline": baseline.a.id},
                )


class IntentDidNotVary(Rule):
    """What was declared to vary does vary.

    A run that repeats its baseline under another name will be read as an effect of nothing, or as no effect."""

    code = "RA310"
    name = "intent_did_not_vary"
    example = "config.lr was declared to vary, and is the same in the baseline 'wider net'"

    def check(self, baseline: "Comparison", manifest: Manifest, call: Invocation) -> Iterator[Finding]:
        moved = {change.factor for change in baseline.factors}
        moved |= {member.path for change in baseline.factors for member in change.members}
        moved |= {leaf.factor for leaf in baseline.derived}
        for factor in manifest.intent:
            if not any(_covers(factor, path) for path in moved):
                yield self.finding(
                    factor,
                    f"{factor} was declared to vary, and is the same in the baseline {baseline.a.label!r}",
                    remedy=f"runaudit show {baseline.a.id[:12]}",
                    evidence={"baseline": baseline.a.id},
                )


class TwoIntents(Rule):
    """One factor is declared to vary, or several as one bundle.

    Two factors that move together are one treatment; `--bundle` says so before the run instead of after it."""

    code = "RA311"
    name = "several_intents"
    example = "2 factors are declared to vary at once: config.lr, config.model.width"
    severity = Severity.WARNING

    def check(self, manifest: Manifest, call: Invocation) -> Iterator[Finding]:
        treatments = tuple(factor for factor in manifest.intent if factor != "seed")
        if len(treatments) > 1 and not manifest.body.get("bundles"):
            yield self.finding(
                "intent",
                f"{len(treatments)} factors are declared to vary at once: {shown(treatments)}",
                remedy=call.plus("--bundle", "NAME"),
                evidence={"intent": list(treatments)},
            )


class StopsOnTest(Rule):
    """Early stopping does not look at test data.

    A model chosen on the test set has been trained on it."""

    code = "RA312"
    name = "stops_on_test"
    example = "config.monitor is 'test/psnr': the checkpoint is chosen on test data"
    severity = Severity.WARNING

    def check(self, manifest: Manifest, call: Invocation) -> Iterator[Finding]:
        for path, value in _given(manifest):
            if path.rpartition(".")[2].replace("-", "_") in _CHOOSES_BY and _names_test(value):
                yield self.finding(
                    path,
                    f"{path} is {value!r}: the checkpoint is chosen on test data",
                    remedy=call.plus("--config", "FILE"),
                )


class QuickRun(Rule):
    """The run uses all of the data.

    A run on a part of it ranks ideas at best; it is no result beside full runs."""

    code = "RA313"
    name = "quick_run"
    example = "config.data_fraction is 0.05: not comparable with full runs"
    severity = Severity.INFO

    def check(self, manifest: Manifest) -> Iterator[Finding]:
        for path, value in _given(manifest):
            key = path.rpartition(".")[2].replace("-", "_")
            partial = key in ("data_fraction", "limit_train_batches") and isinstance(value, float) and 0 < value < 1
            if partial or (key in ("quick", "fast_dev_run", "smoke_test") and value is True):
                yield self.finding(path, f"{path} is {value}: not comparable with full runs", remedy="runaudit list")


class SeedMismatch(Rule):
    """The program is given the seed that is declared.

    A declared seed that the program never gets makes copies of one draw look like replicates."""

    code = "RA314"
    name = "seed_mismatch"
    example = "seed 1 is declared, and the command line names seed 7"

    def check(self, manifest: Manifest, call: Invocation) -> Iterator[Finding]:
        argv = [str(word) for word in manifest.section("launch").get("argv") or ()]
        seed = manifest.body.get("seed")
        if (other := mismatch_before(seed, argv, manifest.section("config"))) is not None:
            where, named = other
            yield self.finding(
                "seed",
                f"seed {seed} is declared, and {where} names seed {named}",
                remedy=call.plus("--seed", str(named)),
                evidence={"declared": seed, "named": named},
            )


def _has(config: Mapping[str, Any], path: str) -> bool:
    value: Any = config
    for word in path.removeprefix("config.").split("."):
        if not isinstance(value, Mapping) or word not in value:
            return False
        value = value[word]
    return True


_CHOOSES_BY = frozenset(
    f"{what}_{by}"
    for what in ("early_stop", "early_stopping", "checkpoint", "best", "best_model", "selection", "model_selection")
    for by in ("metric", "monitor", "on")
) | {"monitor", "metric_for_best_model"}
"""How settings are called by which a checkpoint is chosen."""


def _given(manifest: Manifest) -> Iterator[tuple[str, Any]]:
    """(path, value) of all that is set, in files and as arguments. What was typed lies in the config of a sealed run,
    and of a draft in its command line."""
    config = manifest.section("config")
    yield from _leaves(config, "config")
    if "args" not in config:
        typed = arguments_of([str(word) for word in manifest.section("launch").get("argv") or ()])
        yield from _leaves(typed, "config.args")


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}")
    else:
        yield path, value


def _names_test(value: object) -> bool:
    return isinstance(value, str) and value.lower().replace("-", "_").replace("/", "_").split("_")[0] == "test"


def _covers(declared: str, path: str) -> bool:
    return path == declared or path.startswith((f"{declared}.", f"{declared}["))


RULES: tuple[Rule, ...] = (
    NoLabel(),
    LabelReused(),
    Repeat(),
    NoSeed(),
    HashSeed(),
    NoConfig(),
    IncompleteConfig(),
    BaselineUnfinished(),
    UndeclaredDifference(),
    IntentDidNotVary(),
    TwoIntents(),
    StopsOnTest(),
    QuickRun(),
    SeedMismatch(),
)
