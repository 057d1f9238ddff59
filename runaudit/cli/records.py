"""`runaudit show` and `verify`: what is kept, and whether it is what was sealed."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from runaudit.cli import common
from runaudit.cli.common import Context
from runaudit.cli.witness import AnchorOption, CheckAnchorOption, KeyOption, SignOption
from runaudit.errors import NothingToJudgeError
from runaudit.records.run import SHORT
from runaudit.text.markdown import escaped, table
from runaudit.text.terminal import BOLD, UNPAINTED, Paint, printable
from runaudit.text.verdicts import INTEGRITY, verdict_words
from runaudit.text.words import plural

if TYPE_CHECKING:
    from runaudit.store.verify import Problem, Verification


@common.command()
def show(
    context: Context,
    run: Annotated[str, typer.Argument(metavar="RUN", help="An id prefix, a label, @last or a record file.")],
) -> None:
    """Show one run, every section. With --json the answer holds the plain record under `record`."""
    from runaudit.runs.listing import ShowAnswer
    from runaudit.runs.names import one_of, runs_named

    found = runs_named(context.store, context.settings, run)
    one_of([member.id for member in found], run)
    one = found[0]
    context.tell(ShowAnswer(run=one, settings=context.settings))
    if one.fault:
        common.hint(f"runaudit: this record is damaged: {common.printable(one.fault)}")
        context.finish(INTEGRITY)


@common.command(exit_zero=True)
def verify(
    context: Context,
    runs: Annotated[
        list[str] | None, typer.Argument(metavar="[RUN]...", help="Runs to check [all of the store].")
    ] = None,
    key: KeyOption = None,
    sign: SignOption = None,
    anchor: AnchorOption = False,
    check_anchor: CheckAnchorOption = False,
) -> None:
    """Re-hash everything that is stored, and say which file of which run is wrong.

    What it proves: no stored byte changed, no launch was removed from or moved within the log. A cut at the end of the
    log, or a rewriting of the whole history, shows only against a signature (--key) or an anchor (--check-anchor).
    --sign and --anchor make them, after everything was found sound.
    """
    from runaudit.cli.witness import witness, witnessed
    from runaudit.runs.names import ids_named
    from runaudit.store.verify import verify as rehash

    opened = context.open()
    ids = ids_named(context.store, context.settings, *runs) if runs else None
    result = rehash(opened, ids)
    witnesses, remarks = witnessed(opened, key=key, anchored=check_anchor)
    result = replace(result, problems=(*result.problems, *witnesses))
    done = () if result.problems else witness(opened, key=sign, anchored=anchor)
    if not result.problems and not result.runs:
        raise NothingToJudgeError("the store holds no run, so nothing was checked", remedy="start a run first")
    answer = VerifyAnswer(found=result, notes=(*remarks, *done))
    if not context.quiet or result.problems:
        context.tell(answer)
    if not context.json:
        for note in (*(remarks if context.verbose or key or check_anchor else ()), *done):
            common.hint(common.printable(note))
    context.finish(verdict_words("verify", answer.verdict).code)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyAnswer:
    """What `verify` answers with: how much was hashed again, and what is not as it was sealed."""

    found: "Verification"
    notes: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """Whether all is as it was sealed, in the word of the table of verdicts."""
        return "damaged" if self.found.problems else "sound"

    def to_json(self) -> dict[str, Any]:
        """The answer as the JSON contract words it."""
        return {
            "schema": "runaudit.verify/1",
            "runs": self.found.runs,
            "checked": self.found.checked,
            "problems": [{"run": p.run, "file": p.file, "problem": p.problem} for p in self.found.problems],
            "notes": list(self.notes),
        }

    @property
    def headline(self) -> str:
        """What was found, on one line."""
        word = plural(len(self.found.problems), "problem") if self.found.problems else "sound"
        runs, files = plural(self.found.runs, "run"), plural(self.found.checked, "file")
        return f"{word}: {runs}, {files} re-hashed"

    def text_lines(self, *, verbose: bool = False, paint: Paint = UNPAINTED) -> Iterator[str]:
        """For a terminal: each problem, then how much was looked at."""
        yield from (printable(f"{where}  {p.file}: {p.problem}") for where, p in self._placed())
        yield paint(self.headline, BOLD + verdict_words("verify", self.verdict).tone.colour)

    def markdown_lines(self, *, verbose: bool = False) -> Iterator[str]:
        """For a pull request."""
        yield f"**{escaped(self.headline)}**"
        if self.found.problems:
            yield from ("", *table(("run", "file", "problem"), ((at, p.file, p.problem) for at, p in self._placed())))

    def _placed(self) -> "Iterator[tuple[str, Problem]]":
        return ((p.run[:SHORT] if p.run else "store", p) for p in self.found.problems)
