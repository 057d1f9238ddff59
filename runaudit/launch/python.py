"""The guard from within a program: ask whether a run may start, or start one that was asked.

Both raise before any training time is spent, and the exception carries every finding, not the first alone.
"""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from runaudit.capture.draft import ABSENT, LaunchRequest, open_store
from runaudit.guard.admission import Terms, judge_draft, prepare
from runaudit.guard.answer import GuardAnswer
from runaudit.guard.invocation import Invocation, PythonCall
from runaudit.observe.here import unobserved
from runaudit.record.recorder import record
from runaudit.record.recording import Recording, rank_of
from runaudit.records.manifest import Manifest
from runaudit.settings import Settings, load_settings
from runaudit.store.place import find_store
from runaudit.store.store import Store


def guard(
    label: str | None = None,
    *,
    seed: Any = ABSENT,
    config: Any = ABSENT,
    data: Mapping[str, Any] | None = None,
    intent: Sequence[str] = (),
    bundles: Sequence[str] = (),
    baseline: str | None = None,
    waive: Sequence[str] = (),
    store: Path | str | None = None,
    policy: Path | str | None = None,
    root: Path | None = None,
    **more: Any,
) -> GuardAnswer:
    """May this run start? Returns the answer where it may; seals and starts nothing.

    `waive` are `RULE=REASON[:YYYY-MM-DD]`, `more` further fields of `LaunchRequest`. Raises GuardRefusedError with all
    findings in its message, UsageError for a baseline or waiver that cannot be understood.

    >>> import runaudit
    >>> runaudit.guard("asked", seed=4, config={"lr": 0.1}, data={"train": "data/train.csv"}).allowed
    True
    """
    root = root or Path.cwd()
    request = LaunchRequest(
        label=label, seed=seed, config=config, data=data or {}, intent=tuple(intent), bundles=tuple(bundles),
        root=root, **more,
    )  # fmt: skip
    with unobserved():
        place, settings = _place(root, store, policy)
        prepared = prepare(request, place, settings=settings, baseline=baseline, waive=tuple(waive), call=_this_call())
    if not prepared.answer.allowed:
        raise prepared.answer.error()
    return prepared.answer


def guarded_record(
    label: str | None = None,
    *,
    baseline: str | None = None,
    waive: Sequence[str] = (),
    store: Path | str | None = None,
    policy: Path | str | None = None,
    root: Path | None = None,
    call: Invocation | None = None,
    **given: Any,
) -> Recording:
    """`record()` that asks the guard between the draft and the seal. `given` is what `record()` takes.

    Under `runaudit run`, which has asked already, the sealed launch is adopted; ranks other than 0 keep silent. Raises
    as `guard` and `record` do.

    >>> import runaudit
    >>> given = {"seed": 4, "config": {"lr": 0.1}, "data": {"train": "data/train.csv"}}
    >>> with runaudit.guarded_record("guarded", **given) as run:
    ...     run.log(0, {"train/loss": 0.5})
    ...     outcome = run.finish("completed", metrics={"val/error": 0.3})
    >>> runaudit.open_store().run("guarded").metrics["val/error"]
    0.3
    """
    root = root or Path.cwd()
    if rank_of(os.environ) != 0 or os.environ.get("RUNAUDIT_RUN"):
        return record(label, root=root, **given)
    with unobserved():  # The policy, the rules and the runs before are read by the guard, not by the program.
        place, settings = _place(root, store, policy)
        terms = Terms.of(
            place, settings=settings, baseline=baseline, waive=tuple(waive), seed=given.get("seed"),
            call=call or _this_call(),
        )  # fmt: skip
    started = time.time_ns()

    def admit(draft: Manifest, where: Store) -> Manifest:
        prepared = judge_draft(draft, where, terms, root=root, since_ns=started)
        if not prepared.answer.allowed or prepared.manifest is None:
            raise prepared.answer.error()
        return prepared.manifest

    return record(label, root=root, store=place, admit=admit, policy=settings, **given)


def _place(root: Path, store: Path | str | None, policy: Path | str | None) -> tuple[Store, Settings]:
    folder = find_store(root.absolute(), named=None if store is None else Path(store))
    settings = load_settings(folder, named=None if policy is None else Path(policy))
    return open_store(folder), settings


def _this_call() -> Invocation:
    """The program's own command line, which a remedy may have to be typed before; an option is an argument here."""
    return PythonCall(program=(), options=tuple(sys.orig_argv))
