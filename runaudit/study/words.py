"""The sentences of a study: what these runs say, what they cannot say, and what would let them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from runaudit.factors.code_state import COMMIT
from runaudit.factors.cohort import cohort_of
from runaudit.factors.corrected import corrected_runs
from runaudit.factors.factor import ABSENT, section_of
from runaudit.factors.forgotten import notes_on_forgotten
from runaudit.factors.path import last_key
from runaudit.factors.unwritten import unwritten_runs
from runaudit.records.run import Run
from runaudit.study.columns import Column
from runaudit.study.launchable import stands_alone
from runaudit.study.leaf import Level
from runaudit.study.study import MAX_CONTRASTED, SEEDS, Study
from runaudit.study.suggest import Extension
from runaudit.study.table import Cell
from runaudit.text.words import level, listed, plural

INFLATED = 5.0
"""From here on a reader should know: the interval of such an effect is more than twice as wide as it could be."""


def alias_sentence(study: Study, members: Sequence[int]) -> str:
    """Why the factors of one alias set cannot be told apart."""
    names = listed([study.name(f) for f in members])
    columns = study.design.cells[:, list(members)]
    joint = len({tuple(row) for row in columns.tolist()})
    if all(joint == len(set(column)) for column in columns.T.tolist()):
        count = "both" if study.results == 2 else f"all {study.results}"
        some = " with a result" if study.results < len(study.table.runs) else ""
        how = f"they change together in {count} runs{some}"
        return f"{names} cannot be told apart: {how}, so none of them can be credited alone"
    if study.design.saturated is not None:
        return f"{names} cannot be told apart: nearly every run has levels of its own"
    return _mixed(study, members)


def _mixed(study: Study, members: Sequence[int]) -> str:
    """What holds of an alias set that does not change as one: which of its factors do, and which differences of levels
    are free of the rest. That the algebra joins factors does not say that each follows from the others: two levels of
    one may stand beside one level of the next."""
    alike: dict[tuple[int, ...], list[int]] = {}
    for factor in members:
        alike.setdefault(_partition(study.design.cells[:, factor].tolist()), []).append(factor)
    joined = [group for group in alike.values() if len(group) > 1]
    free = {factor: pairs for factor in members if (pairs := study.contrasts(factor))}
    parts = [f"{listed([study.name(f) for f in group])} change together" for group in joined]
    for factor, pairs in free.items():
        verb = "is" if len(pairs) == 1 else "are"
        parts.append(f"of {study.name(factor)} only {_against(study, factor, pairs)} {verb} free of the others")
    if rest := [f for f in members if f not in free and not any(f in group for group in joined)]:
        which = "no" if max(study.design.sizes[f] for f in rest) <= MAX_CONTRASTED else "not every"
        whose = listed([study.name(f) for f in rest])
        parts.append(f"{which} difference between levels of {whose} can be credited to one of them alone")
    names = listed([study.name(f) for f in members])
    how = "cannot all be told apart" if len(members) > 2 and (free or joined) else "cannot be told apart"
    return f"{names} {how}: {'; '.join(parts)}"


def _partition(levels: Sequence[int]) -> tuple[int, ...]:
    """The cells that share a level, whatever the levels are: two factors of one partition change together."""
    return tuple(levels.index(level) for level in levels)


def _against(study: Study, factor: int, pairs: Sequence[tuple[int, int]]) -> str:
    """`0.02 against 0.3`: differences between the levels of a factor."""
    levels, codes = study.column(factor).levels, study.codes[factor]
    return listed([f"{level(levels[codes[a]])} against {level(levels[codes[b]])}" for a, b in pairs], limit=3)


def unmeasured_sentence(study: Study) -> str:
    """Which levels gave nothing, though the inputs of these runs part the effects of all factors that vary."""
    names = list(dict.fromkeys((*(study.name(f) for f in range(len(study.drawn))), *study.unmeasured)))
    levels = "that level" if sum(map(len, study.unmeasured.values())) == 1 else "those levels"
    design = f"{names[0]} is the only factor that varies" if len(names) == 1 else (
        f"no two of {listed(names)} are aliased")  # fmt: skip
    return f"{design}, but {without_result(study)}: nothing can be estimated of {levels}"


def without_result(study: Study) -> str:
    """The levels of which no run gave anything."""
    what = f"a finite number of {study.metric}" if study.metric else "a result"
    bare = [f"{name} = {listed(list(map(level, found)))}" for name, found in study.unmeasured.items()]
    return f"no run at {listed(bare)} has {what}"


def suggestion_sentence(study: Study, found: Extension) -> str:
    """Which runs would separate an alias set, and what they cost."""
    names = listed([study.name(f) for f in found.factors])
    if found.short:
        return (f"{found.short} more combinations of levels would be needed to separate {names} level by level: repeat "
                "fewer levels in a plan, rather than extend these runs")  # fmt: skip
    head, steps = suggestion_lines(study, found)
    return f"{head}: {'; '.join(steps)}" if steps else head


def suggestion_lines(study: Study, found: Extension) -> tuple[str, list[str]]:
    """What a suggestion costs, each of its new cells, and in words what no setting says."""
    names = listed([study.name(f) for f in found.factors])
    count = len(found.cells)
    blocked = f"{plural(found.blocked, 'more cell')} would need a level that is not on record" if found.blocked else ""
    taken = in_words(study, found)
    if not count and taken:
        return f"no setting that can be typed separates {names}; what would", [*taken, *([blocked] if blocked else [])]
    if not count:
        return f"no run can be named that separates {names}: the level of some run is not on record", []
    seeds = study.seeds_for(found)
    cost = study.hours(count * seeds)
    price = f"{plural(count * seeds, 'run')}" + (
        f", about {_hours(cost)} at the median recorded duration" if cost else ""
    )
    many = "1 new cell separates" if count == 1 else f"{count} new cells separate"
    steps = [_step(study, cell, base) for cell, base in zip(found.cells, found.bases, strict=True)]
    how = f"with {seeds} seeds each" if seeds > 1 else "each with the seed that stands there"
    part = ", as far as settings can" if taken else ""
    rest = [f"beyond the settings: {one}" for one in taken]
    return f"{many} {names}{part}, {how} ({price})", [*steps, *rest, *([blocked] if blocked else [])]


def in_words(study: Study, found: Extension) -> list[str]:
    """What would separate the rest of an alias set, where the level to move to is told by a digest: it can only be
    taken over from a run that has it. Of the files of one tree none can be taken over without the others."""
    said, files = [], []
    for cell, base in found.taken:
        moved, new, run = _moved(study, cell, base)
        one, other = _giver(study, moved, new), f"{run.label} ({run.short})"
        if section_of(moved) != "code":
            said.append(f"runs with {moved} of {one}, the rest as {other}")
        elif stands_alone(next(c for c in study.model.columns if c.factor == moved), study.model.columns):
            said.append(f"runs of the code of {one} with the settings of {other}")
        else:
            files.append(moved)
    if files:
        names = list(dict.fromkeys(files))
        each = "each by itself" if len(names) > 1 else "by itself"
        made = "trees that have the one without the others, and none is on record"
        said.append(f"for what {listed(names)} did {each}, {made}")
    return list(dict.fromkeys(said))


def _giver(study: Study, factor: str, wanted: Level) -> str:
    """A run that has a level of a factor."""
    column = next(column for column in study.model.columns if column.factor == factor)
    rows = (row for cell in study.model.informative for row in cell.results)
    run = study.table.runs[next(row for row in rows if column.levels[column.codes[row]] == wanted)]
    return f"{run.label} ({run.short})"


def _moved(study: Study, cell: Sequence[int], base: Sequence[int]) -> tuple[str, Level, Run]:
    """The factor that a cell moves, its new level, and a run of the cell that it starts from."""
    new = study.levels_of(cell)
    moved = next(name for at, name in enumerate(new) if cell[at] != base[at])
    return moved, new[moved], study.table.runs[study.cell_of(base).rows[0]]


def _step(study: Study, cell: Sequence[int], base: Sequence[int]) -> str:
    moved, new, run = _moved(study, cell, base)
    old = level(study.levels_of(base)[moved])
    rest = f"the rest as {run.label} ({run.short})"
    if moved == COMMIT:
        return f"runs of commit {level(new)} instead of {old} with the settings of {run.label} ({run.short})"
    if new is ABSENT:  # Nobody types `absent`: what a run has not is left out.
        return f"without {moved}, which is {old} there, {rest}"
    if isinstance(new, Mapping) and level(new).endswith("…"):  # Nor half a table: one run has it whole.
        return f"{moved} of {_giver(study, moved, new)}, {rest}"
    return f"{moved} = {level(new)} instead of {old}, {rest}"


def _hours(hours: float) -> str:
    if hours * 60 < 0.1:
        return f"{max(1, round(hours * 3600))} s"
    return f"{hours:.1f} h" if hours >= 0.1 else f"{hours * 60:.1f} min"


# ── notes ────────────────────────────────────────────────────────────────────────────────────────────────────────


def notes_on(study: Study) -> tuple[str, ...]:
    """What a reader of the table should be told beside it, in a fixed order, each once."""
    late = (*((study.policy.note,) if study.policy else ()), *study.unread)
    found = (*late, *_failures(study), *_replication(study), *_idle(study), *_odd(study), *_blocks(study),
             *_collinear(study), *_fractions(study), *_ladder(study))  # fmt: skip
    return tuple(dict.fromkeys(found))


def _failures(study: Study) -> Iterator[str]:
    failed = [run for row, run in enumerate(study.table.runs) if not study.table.has_result(row)]
    failed += study.table.forgotten
    if failed:
        ends = Counter(run.status for run in failed)
        how = ", ".join(f"{count} {status}" for status, count in sorted(ends.items()))
        has, counted = ("has", "it separates") if len(failed) == 1 else ("have", "they separate")
        yield f"{len(failed)} of {study.launched} runs {has} no result ({how}): counted, {counted} nothing"
    yield from notes_on_forgotten((*study.table.runs, *study.table.forgotten))
    yield from (*corrected_runs(study.table.runs), *unwritten_runs(study.table.runs))
    placed = {row for cell in study.table.informative for row in cell.results}
    loose = [cell for cell in study.table.cells if not placed.issuperset(cell.results)]
    if loose:
        names = listed(sorted({name for cell in loose for name in study.table.unplaced(cell)}))
        count = sum(len(cell.results) for cell in loose)
        say, counted = ("does not say its", "it separates") if count == 1 else ("do not say their", "they separate")
        yield f"{count} of {study.launched} runs {say} level of {names}: counted, {counted} nothing"
    drawn = {study.name(f) for f in range(len(study.drawn))}
    for column in study.model.columns:
        if column.factor not in drawn:
            yield f"{column.factor} varies only between runs without a result"


def _replication(study: Study) -> Iterator[str]:
    cells = study.table.informative
    sizes = Counter(len(cell.results) for cell in cells)
    if len(cells) > 1 and len(sizes) > 1:
        shares = listed([f"{plural(count, 'cell')} of {plural(size, 'run')}" for size, count in sorted(sizes.items())])
        yield f"the {len(cells)} cells are not balanced ({shares})"
    seeds = [row for cell in cells for row in cell.results]
    if (
        len(cells) > 1
        and sizes.keys() == {1}
        and len({s.tokens[r] for s in study.table.replicating for r in seeds}) > 1
    ):
        yield "unreplicated: every cell is one run with a seed of its own, so what the seeds did is in every effect"
    elif len(cells) > 1 and sizes.keys() != {1} and all(_draws(study, cell) == 1 for cell in cells):
        yield ("unreplicated: every cell comes down to one draw (effective n is 1), so what the seeds did is in every "
               "effect")  # fmt: skip
    thin = sum(count for size, count in sizes.items() if size < SEEDS)
    if thin:
        yield (f"{thin} of {len(cells)} cells {'has' if thin == 1 else 'have'} fewer than {SEEDS} runs: "
               "what is estimable is not yet a claim")  # fmt: skip
    for cell in cells:
        if len(cell.rows) > 1:
            yield from (n for n in cohort_of([study.table.runs[row] for row in cell.rows]).notes if "count once" in n)
    if study.drawn and study.residual_df == 0:
        yield "no run is left over to show the spread (0 residual degrees of freedom)"


def _draws(study: Study, cell: Cell) -> int:
    """The independent draws of a cell."""
    return cohort_of([study.table.runs[row] for row in cell.rows]).effective_n


def _idle(study: Study) -> Iterator[str]:
    """Pairs of cells whose factor changed no number."""
    for pair in (pair for pair in study.pairs if pair.idle):
        a, b = (study.table.runs[study.table.cells[place].rows[0]] for place in (pair.a, pair.b))
        yield f"{a.label} ({a.short}) and {b.label} ({b.short}): {pair.idle}"


def _odd(study: Study) -> Iterator[str]:
    """A run that would be one more seed of a cohort, had it not alone another level of one factor."""
    crowds = [cell.codes for cell in study.table.cells if len(cell.rows) >= 2]
    counts = [Counter(column.codes) for column in study.table.columns]
    for cell in (cell for cell in study.table.cells if len(cell.rows) == 1 and crowds):
        for at in (at for at, code in enumerate(cell.codes) if counts[at][code] == 1):
            rest = (*cell.codes[:at], *cell.codes[at + 1 :])
            if any((*codes[:at], *codes[at + 1 :]) == rest for codes in crowds):
                run, column = study.table.runs[cell.rows[0]], study.table.columns[at]
                yield (f"{run.label} ({run.short}) is the odd run: it alone has {column.factor} = "
                       f"{level(column.levels[cell.codes[at]])}")  # fmt: skip


def _blocks(study: Study) -> Iterator[str]:
    """Machines and software that vary: in equal shares under every other factor they are a block, else they lean."""
    rows = [row for cell in study.table.informative for row in cell.results]
    columns = [study.column(f) for f in range(len(study.drawn))]
    for block in (column for column in columns if column.factor.startswith("env.")):
        others = [column for column in columns if not column.factor.startswith("env.")]
        uneven = [other.factor for other in others if not _even(block, other, rows)]
        if uneven:
            yield f"{block.factor} is not spread evenly over {listed(uneven)}"
        elif others:
            yield f"{block.factor} is spread evenly over every other factor: a balanced block"


def _even(a: Column, b: Column, rows: Sequence[int]) -> bool:
    """Whether each level of one has its share of each level of the other."""
    joint = Counter((a.codes[row], b.codes[row]) for row in rows)
    left, right = Counter(a.codes[row] for row in rows), Counter(b.codes[row] for row in rows)
    return all(joint[x, y] * len(rows) == left[x] * right[y] for x in left for y in right)


def _collinear(study: Study) -> Iterator[str]:
    for name, value in study.inflation.items():
        if value >= INFLATED:
            yield (f"{name} is nearly aliased: its variance is {value:.1f} times what a balanced plan would give, so "
                   "expect a wide interval")  # fmt: skip


def _fractions(study: Study) -> Iterator[str]:
    for found in study.interactions:
        if found.aliased and all(study.is_estimable(study.column(f)) for f in found.aliased):
            pair = " and ".join(study.name(f) for f in found.factors)
            twins = listed([study.name(f) for f in found.aliased])
            how = "their interaction splits the runs the same way"
            yield f"{twins} can only be estimated if {pair} do not interact: {how}"


def _ladder(study: Study) -> Iterator[str]:
    """Single-factor steps one after the other: each is told once, at one place."""
    estimable = [found for found in study.interactions if found.estimable]
    if study.chains and not estimable and len(study.drawn) > 1:
        yield "the steps of a chain add up under no interaction only: no two factors were run in all their combinations"


def interaction_lines(study: Study) -> Iterator[str]:
    """Which interactions are estimable, and why the others are not."""
    estimable = [found for found in study.interactions if found.estimable]
    others = [found for found in study.interactions if not found.estimable]
    if estimable and study.residual_df <= 0:
        yield f"{len(estimable)} interactions have all their combinations, but no replicate to measure them against"
    elif estimable:
        yield "estimable: " + listed([_pair_name(study, found.factors) for found in estimable])
    holes = [found for found in others if found.cells < found.combinations]
    if holes:
        rows = [f"{_pair_name(study, f.factors)} ({f.cells} of {f.combinations} combinations run)" for f in holes]
        yield "not estimable: " + listed(rows, limit=4)
    twins = [found for found in others if found.twins]
    if twins:
        rows = [f"{_pair_name(study, f.factors)} (as {_pair_name(study, f.twins[0])})" for f in twins]
        yield "not separable from another interaction: " + listed(rows, limit=4)
    mixed = [found for found in others if found.cells == found.combinations and not found.twins]
    if mixed:
        yield "not separable from other effects: " + listed([_pair_name(study, f.factors) for f in mixed], limit=4)
    varying = len(study.drawn)
    if varying > 1 and not study.interactions:
        yield f"not examined: {len(list(combinations(range(varying), 2)))} pairs of factors"


def _pair_name(study: Study, factors: tuple[int, int]) -> str:
    return " × ".join(_short_name(study, f) for f in factors)


def _short_name(study: Study, factor: int) -> str:
    """The key of a setting that no other factor ends in; else the whole name: `py` says of no file which one."""
    name, names = study.name(factor), [last_key(study.name(f)) for f in range(len(study.drawn))]
    own = last_key(name)
    return own if section_of(name) == "config" and names.count(own) == 1 else name
