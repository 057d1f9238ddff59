"""The words by which a user names runs of a remote: as in a store, as far as what was told of them goes."""

from collections.abc import Mapping, Sequence

from runaudit.errors import UsageError
from runaudit.records.run import SHORT
from runaudit.remote.index import newest_of, row_of
from runaudit.remote.layout import Told
from runaudit.runs.forms import Form, form_of, is_prefix, steps_back, unknown_remedy
from runaudit.text.words import closest, head, plural


def runs_meant(told: Mapping[str, Told], words: Sequence[str], shown: str) -> tuple[str, ...]:
    """The runs that the words name together, by their ids. Raises UsageError for a word that names none, and for a
    beginning that several ids have."""
    rows = {run: row_of(one) for run, one in told.items()}
    labels = {row["label"] for row in rows.values()}
    found: dict[str, None] = {}
    for word in words:
        parts = [word] if word in labels else [part for part in word.split(",") if part]
        for part in parts or [word]:
            found |= dict.fromkeys(_meant(part, told, rows, shown))
    return tuple(found)


def _meant(word: str, told: Mapping[str, Told], rows: Mapping[str, Mapping[str, object]], shown: str) -> list[str]:
    if (back := steps_back(word)) is not None:
        newest = newest_of(told.values()).rows
        if back < len(newest):
            return [str(newest[back]["id"])]
        raise UsageError(f"{word} does not exist: {shown} holds {plural(len(newest), 'run')}",
                         remedy=f"see `runaudit list --remote {shown}`")  # fmt: skip
    form = form_of(word) or Form("", word)
    if form.kind in ("", "id") and is_prefix(form.name):
        ids = [run for run in told if run.startswith(form.name)]
        if len(ids) > 1:
            raise UsageError(f"{word!r} begins {len(ids)} ids: {head([run[:SHORT] for run in sorted(ids)])}",
                             remedy="give more digits")  # fmt: skip
        if ids:
            return ids
    if form.kind in ("", "label") and (ids := [run for run, row in rows.items() if row["label"] == form.name]):
        return ids
    if form.kind in ("", "cohort") and is_prefix(form.name):
        homes = {str(row["cohort"]) for row in rows.values() if str(row["cohort"]).startswith(form.name)}
        if len(homes) > 1:
            raise UsageError(f"{word!r} begins {len(homes)} cohorts: {head(sorted(homes))}", remedy="give more digits")
        if homes:
            return [run for run, row in rows.items() if row["cohort"] in homes]
    known = {str(row["label"]) for row in rows.values()} | {run[:SHORT] for run in rows}
    raise UsageError(
        f"no run at {shown} matches {word!r}{closest(form.name, known)}",
        remedy=unknown_remedy(word).replace("runaudit list", f"runaudit list --remote {shown}"),
    )
