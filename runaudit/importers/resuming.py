"""One run that was started more than once: its tracker files it once for each start, under one id.

The starts that go on with one another are one run. What it was set to in between is told by its last start; where that
is not what it began with, no record of settings is that of the whole, and from where it went on is open.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from runaudit.importers.commandline import arguments
from runaudit.importers.curves import is_beyond
from runaudit.importers.draft import Draft
from runaudit.importers.tables import leaves
from runaudit.records.manifest import START
from runaudit.records.trajectory import Event
from runaudit.text.words import head

_GOES_ON = re.compile(
    r"(?:.*[._])?(?:auto_?)?(?:resum|restor|restart|continu|checkpoint|ckpt|load|init_from)\w*", re.IGNORECASE
)
"""Arguments that a start has because another one was before it."""


def resumed(drafts: Sequence[Draft]) -> Sequence[Draft]:
    """The drafts, with those that their tracker calls one run as one where a later start goes on with an earlier one:
    steps beyond its first."""
    found: list[Draft] = []
    for draft in sorted(drafts, key=lambda one: _started(one) if one.identity else ""):
        place = next((at for at, one in enumerate(found) if _goes_on(one, draft)), None)
        if place is None:
            found.append(draft)
        else:
            found[place] = _continued(found[place], draft)
    return found if len(found) < len(drafts) else drafts


def _goes_on(first: Draft, later: Draft) -> bool:
    if (first.kind, first.identity) != (later.kind, later.identity) or not first.identity:
        return False
    return "" < _started(first) < _started(later) and is_beyond(first.series, later.series)


def _continued(first: Draft, later: Draft) -> Draft:
    """What both starts of a run tell: the curves of both, the settings and the end of the later one."""
    names = dict.fromkeys((*first.series, *later.series))
    begins = min(points[0][0] for points in later.series.values())
    changed = [*_changed(first, later)]
    why = f"from step {begins} on it was resumed with {head(changed, 3)}" if changed else ""
    open_before = {path: text for path, text in first.unknown.items() if path == START}
    return replace(
        later,
        config=first.config if later.config is None else later.config,
        series={name: (*first.series.get(name, ()), *later.series.get(name, ())) for name in names},
        events=(*first.events, *later.events, Event(step=begins, kind="resume")),
        torn=first.torn + later.torn,
        metrics={**first.metrics, **later.metrics},
        launch={**later.launch, "started": first.launch.get("started")},
        told={**later.told, "begun": first.told},
        unknown={**later.unknown, **open_before, **({START: why} if why else {})},
        notes=(*first.notes, *(note for note in later.notes if note not in first.notes), *([why] if why else [])),
    )


def _changed(first: Draft, later: Draft) -> Iterator[str]:
    """What a later start was given otherwise: settings, words, script and commit. What one of them does not tell is no
    change of it."""
    for before, now in zip(_given(first), _given(later), strict=True):
        if before is None or now is None:
            continue
        for name in dict.fromkeys((*before, *now)):
            is_added = name not in before and _GOES_ON.fullmatch(name)
            if not is_added and before.get(name, _NONE) != now.get(name, _NONE):
                yield f"{name} {now.get(name, 'absent')} after {before.get(name, 'absent')}"


_NONE = object()


def _given(draft: Draft) -> Sequence[Mapping[str, Any] | None]:
    """What a start was given, by name, part by part; None where its record does not tell."""
    config = None if draft.config is None else dict(leaves(draft.config))
    words = dict(leaves(arguments(draft.argv, draft.config))) if draft.argv else None
    told = {
        "commit": draft.code.get("commit"),
        "script": draft.code.get("codePath") or draft.program,
        "seed": draft.seed,
    }
    return config, words, *(None if value is None else {name: value} for name, value in told.items())


def _started(draft: Draft) -> str:
    return str(draft.launch.get("started") or "")
