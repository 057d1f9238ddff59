"""From two words of a user to a plan: the two ends, what differs between them, how each factor can be moved here."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from runaudit.capture.program import program_of
from runaudit.diff.arms import typical
from runaudit.errors import NothingToJudgeError, UsageError
from runaudit.factors.cohort import Cohort
from runaudit.judge.asked import named_metric
from runaudit.judge.bench import Bench
from runaudit.judge.designs import compare_sides
from runaudit.judge.values import declared_direction, require_metric
from runaudit.launch.rerun import command_of, untrusted
from runaudit.metrics.catalogue import known_direction
from runaudit.records.places import started_in
from runaudit.records.run import Run
from runaudit.store.foreign import came_from, trusted
from runaudit.text.typed import typed_words
from runaudit.text.words import head
from runaudit.untangle.commandline import with_seed
from runaudit.untangle.moves import is_config_file, moves_between, seed_in_file, written_beyond
from runaudit.untangle.plan import Plan, arm_of
from runaudit.untangle.trees import Trees, open_trees
from runaudit.untangle.units import Unit, units_of


def plan_of(
    bench: Bench,
    words: Sequence[str],
    *,
    metric: str | None,
    direction: str | None,
    folder: Path,
    is_trusted: bool = False,
    environ: Mapping[str, str] = os.environ,
) -> tuple[Plan, Trees]:
    """The plan of a question, and both trees restored below `folder`. Every hybrid of the code is imported here.

    Raises UsageError, NothingToJudgeError or GuardRefusedError where it cannot be answered here.
    """
    if len(words) != 2:
        raise UsageError(f"untangle takes two runs or cohorts, {len(words)} given", remedy="name A and B")
    metric = named_metric(metric)
    a, b = (bench.cohort(word, trajectory=False) for word in words)
    quantity = require_metric(bench.settings, (a, b), metric, direction=direction)
    meant = quantity.name
    way = declared_direction(bench.settings, metric, direction) or known_direction(meant)
    if way is None:
        raise UsageError(f"which way {meant} improves is not known", remedy="add --direction higher or lower")
    again = f"runaudit untangle {typed_words([*words, '--metric', meant, '--direction', way, '--trust'])}"
    left, right = (_end(bench, arm, again, is_trusted=is_trusted) for arm in (a, b))
    found, _ = compare_sides(bench, a, b)
    if str(found.verdict) in {"incomparable", "integrity_failure"}:
        raise NothingToJudgeError(
            f"the two ends cannot be compared ({found.verdict}): {found.reason}",
            remedy=f"`runaudit diff {words[0]} {words[1]}` says why",
        )
    moves = moves_between(found, left, right)
    command = command_of(left)
    trees = open_trees(bench.store, left, right, folder)
    _check_seed(left, command, trees)
    units = units_of(moves.moves, trees, command, environ)
    kept = [one for one in moves.shared if not is_config_file(one, left, right)]
    notes = tuple(
        f"the command's {' '.join(one.a or one.b or ())} stays as A has it: no factor is told by it" for one in kept
    )
    plan = Plan(
        a=arm_of(a, left, quantity),
        b=arm_of(b, right, quantity),
        metric=meant,
        quantity=quantity,
        direction=way,
        units=units,
        immovable=moves.immovable,
        notes=(*notes, *_notes(left, units, command, environ)),
        words=(words[0], words[1]),
    )
    return plan, trees


def _check_seed(run: Run, command: Sequence[str], trees: Trees) -> None:
    """Raise UsageError where nothing says what gives a hybrid its seed."""
    if with_seed(command, 0, was=run.manifest.seed) is None and seed_in_file(run, trees.folder / "a", 0) is None:
        raise UsageError(
            "neither a word of A's command nor a config file of its tree names its seed, and every hybrid needs one of "
            "its own",
            remedy="let the program take --seed, and run both ends with it",
        )


def _notes(a: Run, units: Sequence[Unit], command: Sequence[str], environ: Mapping[str, str]) -> Iterator[str]:
    """What whoever agrees to the plan has to know: what is written over, and what was not looked at before."""
    beyond = sorted(written_beyond(a, command))
    if beyond:
        yield (f"the program writes {head(beyond)} by a path of its own: every hybrid writes there too, over what lies "
               "there now")  # fmt: skip
    changed = sum(bool(move.files) for unit in units for move in unit.moves)
    if changed > 1 and program_of(command, cwd=started_in(a), environ=environ).script is None:
        yield ("the command starts no script of Python that could be read: whether each mix of files runs is seen only "
               "when it is run")  # fmt: skip


def _end(bench: Bench, arm: Cohort, again: str, *, is_trusted: bool) -> Run:
    """The run that stands for an end. Raises GuardRefusedError for somebody else's that is not trusted."""
    run = typical(arm)
    if not run.finished:
        raise NothingToJudgeError(f"no run of {arm.label} finished", remedy="name runs that did")
    source = came_from(bench.store, run)
    if is_trusted:
        trusted(bench.store, run)
    elif source:
        raise untrusted(run, command_of(run), source, again=again)
    return run


def budget_in_runs(budget: str | None, hours: float | None) -> int | None:
    """A budget as it is typed, 40 or 2h, in runs. hours: of one run. Raises UsageError for no budget."""
    if budget is None:
        return None
    word = budget.strip().lower()
    try:
        if not word.endswith("h"):
            runs = int(word)
        elif not hours:
            raise UsageError("no run of A or B says how long it took", remedy="give --budget in runs")
        else:
            runs = int(float(word[:-1]) / hours)
    except (ValueError, OverflowError):
        raise UsageError(f"{budget!r} is no budget", remedy="write a number of runs (40) or of hours (2h)") from None
    if runs < 1:
        raise UsageError(f"a budget of {budget} holds no run", remedy="give more")
    return runs
