"""A launch in the user's words, and what is made of them: what is to be captured, what the guard is asked, and how the
call is repeated where a remedy needs it. `run` and `guard` ask with the same words, so what was asked is what is run.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

from runaudit.capture.draft import ABSENT, LaunchRequest, open_store
from runaudit.errors import UsageError
from runaudit.guard.admission import Prepared, prepare
from runaudit.guard.answer import GuardAnswer
from runaudit.guard.invocation import Invocation
from runaudit.launch.given import facts_of, merged_config, named_paths, start_of
from runaudit.records.canonical import JSON
from runaudit.records.filenames import whole
from runaudit.records.run import Run
from runaudit.settings import Settings
from runaudit.store import Store
from runaudit.voice import streams


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The words of one launch, as they were typed."""

    config: tuple[Path, ...] = ()
    data: tuple[str, ...] = ()
    seed: int | None = None
    label: str | None = None
    intent: tuple[str, ...] = ()
    bundle: tuple[str, ...] = ()
    baseline: str | None = None
    waive: tuple[str, ...] = ()
    init: str | None = None
    health: str | None = None
    evaluation: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    """The options every command takes (`--store DIR`), as they were typed."""
    mark: Mapping[str, JSON] = field(default_factory=dict)
    """Of a job of a campaign: its place in it, which is sealed as part of where the run comes from."""
    call: Invocation | None = None
    """Of a job of a campaign: how the user called, which is not how this one launch would be."""

    def request(self, root: Path) -> LaunchRequest:
        """What is to be captured. Raises UsageError or ConfigError for what cannot be understood."""
        self._check_text(root)
        return LaunchRequest(
            label=self.label,
            seed=ABSENT if self.seed is None else self.seed,
            config=merged_config(self.config),
            config_files=self.config,
            data=named_paths(self.data, root),
            init=start_of(self.init),
            evaluation=dict(facts_of(self.evaluation)) or None,
            intent=self.intent,
            bundles=self.bundle,
            argv=self.command,
            root=root,
            extra=self._extra,
        )

    def _check_text(self, root: Path) -> None:
        """Raise UsageError where a word, or the folder, is in bytes that no record holds: names of code are escaped in
        it, but what was typed is kept as it was typed."""
        given = [
            ("the folder", str(root)),
            *pairwise(self.options()),
            *(("the argument", word) for word in self.command),
        ]
        for what, text in given:
            if not text.isascii() and text != whole(text):
                raise UsageError(f"{what} '{whole(text)}' is not UTF-8 text, which a record is",
                                 remedy="rename it, or call it by a link whose name is")  # fmt: skip

    @property
    def _extra(self) -> Mapping[str, JSON]:
        origin: JSON = {"kind": "captured", "campaign": dict(self.mark)}
        return {**_looked_after(self.health), **({"origin": origin} if self.mark else {})}

    def prepared(
        self,
        request: LaunchRequest,
        store: Store,
        settings: Settings,
        *,
        command: str,
        environ: Mapping[str, str] = os.environ,
        beside: tuple[Run, ...] = (),
    ) -> Prepared:
        """The judged draft of a request. command: `run` or `guard`, which a remedy repeats. beside: launches that are
        planned with this one, against which its label is held as against those that were sealed."""
        said = streams.gate().words
        call = self.call or Invocation(
            program=("runaudit", command), options=said(tuple(self.options())), command=said(self.command)
        )
        return prepare(request, store, settings=settings, baseline=self.baseline, waive=self.waive, call=call,
                       environ=environ, beside=beside)  # fmt: skip

    def options(self) -> Iterator[str]:
        """The options of the call, as they are typed again."""
        yield from self.shared
        for option, values in (
            ("--config", map(str, self.config)),
            ("--data", self.data),
            ("--seed", () if self.seed is None else (str(self.seed),)),
            ("--label", () if self.label is None else (self.label,)),
            ("--intent", self.intent),
            ("--bundle", self.bundle),
            ("--baseline", () if self.baseline is None else (self.baseline,)),
            ("--init", () if self.init is None else (self.init,)),
            ("--health", () if self.health is None else (self.health,)),
            ("--eval", self.evaluation),
            ("--waive", self.waive),
        ):
            for value in values:
                yield from (option, value)


def _looked_after(word: str | None) -> Mapping[str, JSON]:
    """What is sealed of what is done about the run's health. Raises UsageError for a word that is nothing to do."""
    if word is None:
        return {}
    from runaudit.record.vigil import health_section  # Rules on curves: most launches are looked at later.

    return health_section(word)


def may_start(asked: Asked, root: Path, settings: Settings, *, cwd: Path) -> GuardAnswer:
    """The guard's answer for a launch in `cwd`. Where no store lies at `root`, none is made: the question leaves
    nothing behind."""
    request = asked.request(cwd)
    if not asked.command:
        # Asked before the command is written: this process is not what would run.
        request = replace(request, argv=None)
    if os.path.lexists(root / "store.json"):
        return asked.prepared(request, Store.open(root), settings, command="guard").answer
    with tempfile.TemporaryDirectory(prefix="runaudit-") as folder:
        return asked.prepared(request, open_store(Path(folder) / "store"), settings, command="guard").answer
