"""The runs of a plan: each in a folder of its own, guarded, sealed with its place in the plan, with a fresh seed.

What was run before is found in the sealed runs (`ran`); an interrupted plan goes on from there.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from runaudit.capture.draft import LaunchRequest
from runaudit.errors import NothingToJudgeError
from runaudit.factors.cohort import HYBRID_LABEL
from runaudit.judge.bench import Bench
from runaudit.launch.given import merged_config
from runaudit.launch.process import executable
from runaudit.launch.rerun import (
    command_of,
    full_paths,
    in_its_tree,
    other_inputs,
    with_program,
)
from runaudit.records.places import started_in, top_of, written_by
from runaudit.records.run import Run
from runaudit.settings import Settings
from runaudit.store import Store
from runaudit.store.catalogue import load
from runaudit.text.words import head, plural
from runaudit.untangle.answer import UntangleAnswer
from runaudit.untangle.cells import Cell
from runaudit.untangle.commandline import applied, redirected, with_seed
from runaudit.untangle.finding import Finding
from runaudit.untangle.hybrid import Apart, Order, carried_out
from runaudit.untangle.moves import Move, seed_in_file
from runaudit.untangle.plan import Plan
from runaudit.untangle.procedure import decide
from runaudit.untangle.ran import Marks, Ran, answer_of, done_of, mark_of, open_places, ran_of, runs_of
from runaudit.untangle.trees import Trees
from runaudit.untangle.trial import Batch, Done
from runaudit.untangle.units import moved

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Built:
    """A hybrid that is built: its number, what was moved, its tree, the folder for what it writes beyond."""

    count: int
    moves: tuple[Move, ...]
    to: Path
    outside: Path


@dataclass(frozen=True, kw_only=True)
class Campaign:
    """A plan at work in a store. beside: of each cell, the factors beside the
    plan's in which this machine differs from A's today."""

    plan: Plan
    store: Store
    settings: Settings
    trees: Trees
    environ: Mapping[str, str]
    progress: Progress
    checked: set[Cell] = field(default_factory=set)
    beside: list[set[str]] = field(default_factory=list)
    waived: set[str] = field(default_factory=set)

    def go(self, ran: list[Ran]) -> tuple[Finding, tuple[Done, ...], tuple[Ran, ...]]:
        """Run until there is an answer. What was run before (`ran`) is not run again."""
        history: list[Done] = []
        try:
            while not isinstance(move := decide(self.plan.question, history), Finding):
                history.append(self._batch(move, len(history), ran))
        except KeyboardInterrupt:
            self.progress(f"stopped; {plural(len(ran), 'run')} are kept, and the same command goes on from them")
            raise
        return move, tuple(history), tuple(ran)

    def _batch(self, batch: Batch, number: int, ran: list[Ran]) -> Done:
        order = list(range(len(batch.cells)))
        Random(f"{self.plan.id}/{number}/order").shuffle(order)
        begun: dict[int, int] = {}

        def next_one() -> tuple[Built, Order] | None:
            """The first place that is not done and not being run."""
            waiting = open_places(batch, number, ran) - set(begun.values())
            if not waiting:
                return None
            turn, place = next((turn, place) for turn, place in enumerate(order) if place in waiting)
            cell, count = batch.cells[place], len(ran) + len(begun)
            again = " again" if any((one.batch, one.place) == (number, place) for one in ran) else ""
            self.progress(f"{batch.purpose}, run {turn + 1} of {len(order)}{again}: {self._said(cell)}")
            begun[count] = place
            return self._built(cell, number, place, count)

        def take(built: Built, run_id: str, stopped: bool) -> None:
            found = ran_of(load(self.store, run_id), self.plan)
            ran.append(found)
            del begun[built.count]
            shutil.rmtree(built.to, ignore_errors=True)
            shutil.rmtree(built.outside, ignore_errors=True)
            if stopped:
                raise KeyboardInterrupt
            self._check(found, built.moves, built.to)

        if self.plan.jobs > 1:
            Apart(jobs=self.plan.jobs, environ=dict(self.environ)).go(next_one, take)
        else:
            while (one := next_one()) is not None:
                take(one[0], *carried_out(one[1], self.store, self.waived))
        return done_of(batch, number, ran)

    def _said(self, cell: Cell) -> str:
        names = [move.factor for move in moved(self.plan.units, cell)]
        whole = sum(len(unit.moves) for unit in self.plan.units)
        if not names:
            return "A"
        return "B" if len(names) == whole else f"A with {head(names, 4)} of B"

    def _built(self, cell: Cell, number: int, place: int, count: int) -> tuple[Built, Order]:
        """A hybrid's tree with its order. count: of the plan's runs before it, which gives its seed."""
        moves = moved(self.plan.units, cell)
        to, outside = self.trees.folder / f"run-{count}", self.trees.folder / f"left-by-{count}"
        seed = self.plan.first_seed + count
        cwd = self.trees.build((*moves, *self._seed_in_file(seed)), to)
        command = _command(self.plan.a.run, moves, seed, cwd, outside)
        environ = _variables(self.environ, self.plan, moves)
        executable(command, cwd=cwd, environ=environ)
        sealed_as = {**mark_of(self.plan), "batch": number, "place": place, "cell": list(cell)}
        request = self._request(moves, seed, command, cwd, to, sealed_as, self._said(cell))
        a, b = self.plan.a.run, self.plan.b.run
        order = Order(
            request=request, root=self.store.root, settings=self.settings, command=command, cwd=cwd, to=to,
            environ=environ, reason=f"a hybrid of runs {a.short} and {b.short}", baseline=f"id:{a.id}",
            waived=frozenset(self.waived),
        )  # fmt: skip
        return Built(count, moves, to, outside), order

    def _seed_in_file(self, seed: int) -> tuple[Move, ...]:
        """The move that gives a hybrid its seed where no word of the command does."""
        a = self.plan.a.run
        if with_seed(command_of(a), seed, was=a.manifest.seed) is not None:
            return ()
        return tuple(filter(None, [seed_in_file(a, self.trees.folder / "a", seed)]))

    def _request(
        self, moves: Sequence[Move], seed: int, command: Sequence[str], cwd: Path, to: Path, sealed_as: Any, said: str
    ) -> LaunchRequest:
        a, b = self.plan.a.run, self.plan.b.run
        body = a.manifest.to_json()
        files = tuple(to / path for path in a.manifest.section("launch").get("config_files") or ())
        at_b = {move.data for move in moves if move.data}
        config = {"config": merged_config(files)} if files else {"config": body["config"]} if "config" in body else {}
        named = full_paths(command, config.get("config") or {})
        return LaunchRequest(
            label=f"{HYBRID_LABEL}{a.label}: {said}",
            seed=seed,
            **config,
            config_files=files,
            data={
                name: _placed(entry, b if name in at_b else a, name, to, named)
                for name, entry in (body.get("data") or {}).items()
            },
            init=body.get("init"),
            evaluation=body.get("eval"),
            intent=tuple(move.factor for move in moves),
            argv=tuple(command),
            root=cwd,
            extra={"origin": {"kind": "captured", "untangle": sealed_as}},
        )

    def _check(self, ran: Ran, moves: Sequence[Move], to: Path) -> None:
        """That a hybrid has the levels it was asked for, and no others. Raises NothingToJudgeError.

        Declared is not observed: what the record of the run says is held against A and B.
        """
        if ran.attempt.cell in self.checked or not ran.run.finished:
            return
        differs = self._differs(self.plan.a.run, ran.run, to)
        wanted = {move.factor for move in moves}
        known = self.plan.moved_names
        self.beside.append(differs - known)
        # What differs in every run alike is this machine today; what differs in some is a hybrid that was not built so.
        if wrong := sorted(((differs & known) - wanted) | (self.beside[0] ^ self.beside[-1])):
            raise NothingToJudgeError(
                f"the hybrid run {ran.run.short} differs from A in {head(wrong)} too, which was not asked for",
                remedy=f"`runaudit diff {self.plan.a.run.short} {ran.run.short}` shows it",
            )
        if left := sorted(wanted & self._differs(self.plan.b.run, ran.run, to)):
            raise NothingToJudgeError(
                f"the hybrid run {ran.run.short} has not B's level of {head(left)}",
                remedy=f"`runaudit diff {self.plan.b.run.short} {ran.run.short}` shows it",
            )
        self.checked.add(ran.attempt.cell)

    def _differs(self, end: Run, hybrid: Run, to: Path) -> set[str]:
        return {one.factor for one in other_inputs(end, hybrid, to, self.settings)} - {"seed"}


def answered(
    plan: Plan,
    trees: Trees,
    bench: Bench,
    marks: Marks,
    *,
    environ: Mapping[str, str],
    progress: Progress,
) -> UntangleAnswer:
    """Run a plan to its end and say what it told. marks: of the runs before."""
    work = Campaign(plan=plan, store=bench.store, settings=bench.settings, trees=trees, environ=environ,
                    progress=progress)  # fmt: skip
    finding, history, ran = work.go(list(runs_of(bench.store, plan, marks)))
    return answer_of(plan, finding, history, ran)


def _command(a: Run, moves: Sequence[Move], seed: int, cwd: Path, outside: Path) -> tuple[str, ...]:
    words = applied(command_of(a), tuple(dict.fromkeys(one for move in moves for one in move.choices)))
    words = with_seed(words, seed, was=a.manifest.seed) or words
    laid = redirected(words, set(map(str, written_by(a))), cwd=started_in(a), top=top_of(a), to=outside)
    for number in (at for at, word in enumerate(laid) if word != words[at]):
        (outside / str(number)).mkdir(parents=True)
    return with_program(laid, a, cwd)


def _variables(environ: Mapping[str, str], plan: Plan, moves: Sequence[Move]) -> dict[str, str]:
    """The environment with every movable variable at its level."""
    found = dict(environ)
    # A copy of an observed process's environment keeps the observer's folder; asked by name it is the user's alone.
    if (path := environ.get("PYTHONPATH")) is not None:
        found["PYTHONPATH"] = path
    at_b = {move.factor for move in moves}
    for unit in plan.units:
        for move in unit.moves:
            if move.variable is not None:
                name, before, after = move.variable
                level = after if move.factor in at_b else before
                if level is None:
                    found.pop(name, None)
                else:
                    found[name] = level
    return found


def _placed(entry: Mapping[str, Any], run: Run, name: str, to: Path, named: Sequence[Path]) -> Any:
    return in_its_tree(run.manifest.section("data").get(name) or entry, run, to, named)
