"""The judgement over a study and its JSON answer. Every sentence says what these runs allow, and no more."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runaudit.factors.addresses import UNTOLD
from runaudit.factors.cohort import cohort_of
from runaudit.factors.factor import Absent, section_of
from runaudit.factors.forgotten import unattributed
from runaudit.factors.never import (
    BLIND,
    IN_FILES,
    config_unseen,
    never_recorded,
    objects_untold,
    on_record,
    open_code,
)
from runaudit.factors.tables import unkeyed
from runaudit.factors.vouched import lifted_by
from runaudit.records.canonical import json_safe, thawed
from runaudit.records.run import Run
from runaudit.study.columns import Column
from runaudit.study.leaf import Level, Sentinel
from runaudit.study.pairs import Chain, Pair
from runaudit.study.projects import Project, command_of
from runaudit.study.study import Study
from runaudit.study.suggest import Extension
from runaudit.study.table import Cell
from runaudit.study.words import (
    alias_sentence,
    in_words,
    notes_on,
    suggestion_sentence,
    unmeasured_sentence,
    without_result,
)
from runaudit.text.words import IF_EQUAL, beside_code, listed

SCHEMA = "runaudit.study/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """`verdict`: integrity_failure, incomparable, confounded, provenance_incomplete, unmeasured_levels, estimable, or,
    where nothing varies, replicate or identical. `conditional`: the one that would hold if all that is missing were
    equal. `standing`: the one that counts: the conditional one where nothing is missing but what the user vouches for.
    `recorded`: what the records show; `on_record`: whose they are, where what they show is told first. `open`: the gaps
    for which nobody vouches."""

    verdict: str
    conditional: str | None
    reason: str
    recorded: str = ""
    on_record: str = ""
    open: tuple[str, ...] = ()
    assumed: str = ""

    @property
    def standing(self) -> str:
        """The word of the verdict that the exit code follows."""
        return self.conditional if self.conditional is not None and self.assumed else self.verdict


def judged(study: Study) -> Judgement:
    """What may be concluded from these runs together, the worst that holds first."""
    if study.faults:
        return Judgement(verdict="integrity_failure", conditional=None, reason="; ".join(study.faults))
    clean, reason = _without_gaps(study)
    if not study.missing:
        return Judgement(verdict=clean, conditional=None, reason=reason)
    if clean in ("incomparable", "confounded"):
        return Judgement(verdict=clean, conditional=clean, reason=reason)
    verb = "is" if len(study.missing) == 1 else "are"
    told = f"{listed(list(study.missing))} {verb} not in all records"
    objects = [path for path, (_, why) in study.missing.items() if why == UNTOLD]
    blind = config_unseen({path: lacking for path, (lacking, _) in study.missing.items()})
    if blind := blind or (objects_untold(objects) if objects else ""):
        text = f"{told}; {blind}" if blind == BLIND else f"{told}; {blind}, and in what is recorded {reason}"
        return Judgement(verdict="provenance_incomplete", conditional=None, reason=text)
    stated = study.assumed
    source = on_record({run.id: run for lacking, _ in study.missing.values() for run in lacking}.values())
    is_filled = stated is not None and stated.holds
    if (why := open_code(study.missing, study.table.runs)) and source not in ("", IN_FILES):
        text = beside_code(why, source, reason, len(study.missing) - 1)
        return Judgement(verdict="provenance_incomplete", conditional=clean, reason=text)
    return Judgement(
        verdict="provenance_incomplete",
        conditional=clean,
        reason=f"{told}{IF_EQUAL}{reason}",
        recorded=reason,
        on_record=source if source != IN_FILES or is_filled else "",
        open=tuple(path for path in study.missing if stated is None or path not in stated.covers),
        assumed=stated.words if stated and is_filled else "",
    )


def lifting(study: Study, found: Judgement) -> str:
    """What would lift the gaps of records that others made, where nothing else stands against a verdict."""
    lacking = {run.id: run for lacking, _ in study.missing.values() for run in lacking}.values()
    if found.verdict != "provenance_incomplete" or found.conditional is None or not on_record(lacking):
        return ""
    stated = study.assumed
    left = [path for path in study.missing if stated is None or path not in stated.covers]
    return lifted_by(left, open_code(left, study.table.runs))


def _without_gaps(study: Study) -> tuple[str, str]:
    if study.barriers:
        return "incomparable", f"the evaluation differs between these runs: {listed(study.barriers)}"
    if study.drift:
        return "incomparable", study.drift
    if not study.drawn:
        varied = any(len(leaf.known) > 1 for leaf in study.table.replicating)
        kind = "replicates of one design: only seeds vary" if varied else "launches of one design: nothing varies"
        return "replicate" if varied else "identical", f"{study.results} {kind}, so there is no effect to attribute"
    if study.alias_sets:
        sentences = [alias_sentence(study, members) for members in study.design.alias_sets]
        more = f"; and {len(sentences) - 2} more alias sets" if sentences[2:] else ""
        return "confounded", "; ".join(sentences[:2]) + more
    names = [study.name(f) for f in range(len(study.drawn))]
    if not study.is_measured:
        return "unmeasured_levels", unmeasured_sentence(study)
    rest = f"; {without_result(study)}" if study.unmeasured else ""
    if len(names) == 1:
        among = "" if study.unmeasured.keys() <= set(names) else " among runs with a result"
        return "estimable", f"{names[0]} is the only factor that varies{among}, and its effect is estimable{rest}"
    return "estimable", f"the effects of {listed(names)} are each estimable, under no interaction{rest}"


def answer(study: Study) -> dict[str, Any]:
    """The answer as the JSON contract words it."""
    found = judged(study)
    result: dict[str, Any] = json_safe(
        thawed(
            {
                "schema": SCHEMA,
                "runs": study.launched,
                "verdict": found.verdict,
                "conditional": found.conditional,
                "reason": found.reason,
                "factors": [_factor(study, column) for column in study.model.columns],
                "alias_sets": [list(members) for members in study.alias_sets],
                "never_varied": list(study.table.never_varied),
                "rank": study.design.rank,
                "columns": study.design.columns,
                "residual_df": study.residual_df,
                "results": study.with_result,
                "suggestions": [_suggestion(study, found) for found in study.extensions],
                "pairs": [_pair(study, pair) for pair in study.pairs],
                "single_factor_pairs": study.single_factor_pairs,
                "chains": [_chain(study, chain) for chain in study.chains],
                "interactions": list(_interactions(study)),
                "cells": [_cell(study, cell) for cell in study.table.cells],
                "missing": _missing(study),
                "notes": list(notes_on(study)),
                "standing": found.standing,
                "recorded": found.recorded or None,
                "assumed": study.assumed.to_json() if study.assumed else None,
                "policy": study.policy.to_json() if study.policy else None,
                "part": None if study.project is None else _part(study.project),
                "other_parts": [_part(one) | {"command": command_of(one)} for one in study.beside],
            }
        )
    )
    return result


def _part(project: Project) -> dict[str, Any]:
    return {"part": project.number, "name": project.name, "runs": len(project.runs)}


def plain(level: Level) -> Any:
    """A level for JSON; what is absent or unknown in words, since null is a level of its own."""
    return repr(level) if isinstance(level, Absent | Sentinel) else unkeyed(level)


def _factor(study: Study, column: Column) -> dict[str, Any]:
    counts = Counter(column.codes)
    row: dict[str, Any] = {
        "factor": column.factor,
        "section": section_of(column.factor),
        "role": str(column.role),
        "levels": [plain(level) for level in column.levels],
        "runs_per_level": [counts[code] for code in range(len(column.levels))],
        "estimable": study.is_estimable(column),
        "leaves": list(column.leaves),
    }
    places = [f for f in range(len(study.drawn)) if study.name(f) == column.factor]
    if places and not row["estimable"] and len(column.levels) > 2:
        codes = study.codes[places[0]]
        row["contrasts"] = [
            [plain(column.levels[codes[a]]), plain(column.levels[codes[b]])] for a, b in study.contrasts(places[0])
        ]
    if bare := study.unmeasured.get(column.factor):
        row["unmeasured"] = [plain(level) for level in bare]
    if (inflation := study.inflation.get(column.factor)) is not None:
        row["variance_inflation"] = round(inflation, 3)
    return row


def _suggestion(study: Study, found: Extension) -> dict[str, Any]:
    return {
        "separates": [study.name(f) for f in found.factors],
        "cells": [{name: plain(level) for name, level in study.levels_of(cell).items()} for cell in found.cells],
        "in_words": in_words(study, found),
        "from": [study.table.runs[study.cell_of(base).rows[0]].id for base in found.bases],
        "seeds": study.seeds_for(found),
        "runs": study.seeds_for(found) * (len(found.cells) + found.short),
        "hours": study.hours(study.seeds_for(found) * (len(found.cells) + found.short)),
        "reason": suggestion_sentence(study, found),
    }


def cell_id(study: Study, place: int) -> str:
    """What names a cell on the command line: its run, or the list of its runs."""
    return _named([study.table.runs[row] for row in study.table.cells[place].rows])


def _named(runs: Sequence[Run]) -> str:
    return runs[0].id if len(runs) == 1 else ",".join(run.short for run in runs)


def _pair(study: Study, pair: Pair) -> dict[str, Any]:
    rows = [[study.table.runs[row].id for row in study.table.cells[place].rows] for place in (pair.a, pair.b)]
    return {
        "a": cell_id(study, pair.a),
        "b": cell_id(study, pair.b),
        "verdict": pair.verdict,
        "conditional": pair.conditional,
        "factors": list(pair.factors),
        "open": list(pair.open),
        **({"doubt": pair.doubt} if pair.doubt else {}),
        "runs": rows,
    }


def _chain(study: Study, chain: Chain) -> dict[str, Any]:
    return {"path": [cell_id(study, place) for place in chain.cells], "factors": list(chain.factors)}


def _interactions(study: Study) -> Iterator[dict[str, Any]]:
    for found in study.interactions:
        yield {
            "factors": [study.name(f) for f in found.factors],
            "estimable": found.estimable,
            "cells": found.cells,
            "combinations": found.combinations,
            "aliased_with": [study.name(f) for f in found.aliased],
            "same_as": [[study.name(f) for f in pair] for pair in found.twins],
        }


def _cell(study: Study, cell: Cell) -> dict[str, Any]:
    members = cohort_of([study.table.runs[row] for row in cell.rows])
    levels: Mapping[str, Any] = {
        column.factor: plain(column.levels[code]) for column, code in zip(study.table.columns, cell.codes, strict=True)
    }
    return {"id": _named(members.runs), "label": members.label, "n": members.n,
            "effective_n": members.effective_n, "seeds": list(members.seeds),
            "runs": [run.id for run in members.runs], "levels": levels}  # fmt: skip


def _missing(study: Study) -> list[dict[str, Any]]:
    rows = []
    for path, (lacking, reason) in study.missing.items():
        count = len(lacking) if lacking else unattributed(study.table.runs)
        row: dict[str, Any] = {"factor": path, "runs": count, "reason": reason}
        never = never_recorded(path, lacking)
        rows.append(row | ({"never_recorded_by": never} if never else {}))
    return rows
