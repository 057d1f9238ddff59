"""Which imported runs a policy would read another seed from, were they imported now.

`[import] seed` says where foreign configs keep the seed, and is read once, when a run comes in: a sealed record stays
as it is. A policy that was written afterwards, or named for one answer, changes nothing of it, and the answer says so.
"""

from collections.abc import Iterable

from runaudit.factors.never import is_foreign
from runaudit.factors.path import lookup
from runaudit.records.manifest import Unknown
from runaudit.records.run import Run
from runaudit.settings import Settings


def unread_seeds(runs: Iterable[Run], settings: Settings) -> tuple[str, ...]:
    """A sentence, where a policy names the seed of some of these runs and their records have another one, or none."""
    if not settings.imports.seed:
        return ()
    found = [path for run in runs if is_foreign(run) and (path := _named(run, settings.imports.seed))]
    if not found:
        return ()
    where = settings.source.name if settings.source else "the policy"
    names = ", ".join(sorted(set(found)))
    count = "1 run that was" if len(found) == 1 else f"{len(found)} runs that were"
    told = (
        f"[import] seed of {where} names {names}, which is the seed when a run is imported: of {count} imported before"
    )
    return (f"{told} it is not; import again, and the new records stand in the place of these",)


def _named(run: Run, wanted: Iterable[str]) -> str:
    """The setting that a policy would take for the seed of a run; empty where it is that already, or is not there."""
    for path in wanted:
        full = f"config.{path.removeprefix('config.')}"
        value = lookup(run.manifest.body, full)
        if isinstance(value, int) and not isinstance(value, bool):
            seed = run.manifest.seed
            return full if isinstance(seed, Unknown) or seed != value else ""
    return ""
