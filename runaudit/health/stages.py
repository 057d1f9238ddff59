"""RA43: stages: what a change of stage does to the curve, whether what was frozen stayed where it was, and whether a
stage had done its work before the next one was built on it."""
# ruff: noqa: D102  (what a rule checks is told once, in the docstring of its class: users read it too)

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from runaudit.health.rule import TrajectoryRule
from runaudit.health.tracks import Part, Track
from runaudit.metrics.roles import Role
from runaudit.records.finding import Finding, Severity
from runaudit.records.trajectory import Event
from runaudit.stats.trend import MIN_POINTS


class StageTransition(TrajectoryRule):
    """A new stage, and a resumed run, go on where it ended before.

    A loss that jumps up when a stage starts or a run goes on, and is not back soon, has lost what was gained before:
    weights that were not loaded, an optimiser without its state, a learning rate that starts too high."""

    code = "RA431"
    name = "stage_transition"
    severity = Severity.WARNING
    limits: ClassVar = {"jump": 0.5, "back": 0.1, "lost": 0.8}
    limit_words: ClassVar = {
        "jump": "how far it leaps, as a share of what the part before had gained",
        "back": "share of the new part by whose end it must be back",
        "lost": "how much of that a resumed run has lost which is told also where it is back by then",
    }
    example = (
        "train/loss jumped from 0.021 to 0.094 when stage fusion began at step 3000, and was not back at its tenth"
    )

    def check(self, curves: Sequence[Track], cuts: Sequence[Event]) -> Iterator[Finding]:
        for track in curves if cuts else ():
            for before, after in zip(track.parts, track.parts[1:], strict=False):
                is_other = before.stage != after.stage
                if not (is_other or after.is_resumed) or before.shape is None or after.shape is None:
                    continue
                found = self._found(before, after)
                if found is not None:
                    yield found

    def _found(self, before: Part, after: Part) -> Finding | None:
        old, new = before.shape, after.shape
        if old is None or new is None or len(old) < MIN_POINTS or len(new) < MIN_POINTS:
            return None
        noise = max(old.noise, new.noise)
        jump = new.start - old.end
        if old.progress <= 5 * noise or jump <= max(5 * noise, self.limit("jump") * old.progress):
            return None
        soon = max(1, round(self.limit("back") * len(new)))
        back = float(new.smooth[soon])
        # What learns fast is soon back also where it began anew. Of a new stage a start from above says less: its loss
        # may mean something else.
        is_anew = before.stage == after.stage and jump >= self.limit("lost") * (old.start - old.end)
        # Of a loss that means something else in the new stage, the level says nothing; that it falls does.
        if back <= old.end + 0.1 * jump and not is_anew:
            return None
        never = float(new.smooth.min()) > old.end + 0.1 * jump
        began = f" (it had begun at {before.told(old.start):.4g})" if is_anew else ""
        return self.finding(
            after.track.name,
            f"{after.track.name} jumped from {before.told(old.end):.4g} to {after.told(new.start):.4g}{began} when "
            f"{f'stage {after.stage} began' if before.stage != after.stage else 'the run went on'} at step "
            f"{after.steps[0]}, and was {after.told(back):.4g} after a tenth of it"
            + ("; it never came back" if never else ""),
            remedy="check that the weights and the optimiser's state were loaded, and warm up at the start of a stage; "
            "if the loss means something else in this stage, give it another name",
            step=int(after.steps[0]),
            # A loss may be another one in another stage; what is measured on held-out data by name is the same.
            severity=Severity.WARNING
            if after.track.role is not Role.LOSS or (before.stage == after.stage and after.track.is_main)
            else Severity.INFO,
            evidence={"before": before.told(old.end), "after": after.told(new.start), "later": after.told(back),
                      "sure": "observed"},
        )  # fmt: skip


class FrozenModuleMoves(TrajectoryRule):
    """What is frozen has no gradient.

    A stage that trains some modules and leaves others must not move those: a frozen module with a gradient is one that
    the optimiser may still change, by momentum and weight decay as well. Read are `trains` or `frozen` of the event of
    a stage, and series as `grad_norm/MODULE`."""

    code = "RA432"
    name = "frozen_module_moves"
    severity = Severity.ERROR
    example = "grad_norm/alignment is 0.31 in stage fusion, which does not train alignment"

    def check(self, stage_events: Sequence[Event], gradients: Sequence[Track]) -> Iterator[Finding]:
        plans = {event.stage: event.detail for event in stage_events}
        modules = {
            name for detail in plans.values() for key in ("trains", "frozen") for name in _names(detail.get(key))
        }
        for track in gradients:
            module = next((name for name in sorted(modules) if _speaks_of(track.name, name)), None)
            for part in track.parts if module is not None else ():
                if not _is_frozen(plans.get(part.stage, {}), str(module)):
                    continue
                moved = part.values != 0
                # One value may be told at the step at which the stage changes.
                if moved.sum() >= min(2, len(moved)) and moved.any():
                    at = int(moved.argmax())
                    yield self.finding(
                        track.name,
                        f"{track.name} is {part.values[at]:.3g} in stage {part.stage}, which does not train {module}",
                        remedy=f"set requires_grad = False on {module} and leave it out of the optimiser's groups",
                        step=int(part.steps[at]),
                        evidence={"value": float(part.values[at]), "points": int(moved.sum()), "sure": "observed"},
                    )


class _StageEnd(TrajectoryRule):
    """Stages that told one verdict on how they ended."""

    verdict: ClassVar[str]
    remedy: ClassVar[str]

    def check(self, stage_ends: Sequence[Event]) -> Iterator[Finding]:
        for event in stage_ends:
            if event.detail.get("verdict") == self.verdict:
                keys = ("first", "last", "identity", "late_share")
                yield self.finding(
                    event.stage,
                    f"stage {event.stage}: {event.detail.get('reason', 'it gives no reason')}",
                    remedy=self.remedy,
                    step=event.step,
                    evidence={key: event.detail[key] for key in keys if key in event.detail}
                    | {"sure": "told by the program"},
                )


class StageNoBetter(_StageEnd):
    """A stage leaves its network better than it found it.

    One that ends no lower than it began, an alignment no better than frames left as they are, has cost its steps and
    gives the next stage nothing to stand on. Read is `verdict` (no_better) of an event of kind `stage_end`."""

    code = "RA433"
    name = "stage_no_better"
    severity = Severity.WARNING
    example = "stage alignment: its validation error, 0.0412, is not below that of frames left as they are, 0.0398"
    verdict = "no_better"
    remedy = "lower its learning rate or look at its loss, before more steps are spent"


class StageNotConverged(_StageEnd):
    """A stage has come to rest before the next one is built on it.

    What still falls at its end would have been better with more steps, and a stage that follows inherits the rest. Read
    is `verdict` (still_falling) of an event of kind `stage_end`."""

    code = "RA434"
    name = "stage_not_converged"
    severity = Severity.INFO
    example = "stage alignment: it still fell: the last quarter of its validations brought 31 % of all it gained"
    verdict = "still_falling"
    remedy = "give the stage more steps, or a schedule that ends lower"


def _is_frozen(detail: Mapping[str, Any], module: str) -> bool:
    """Whether a stage says that it leaves a module as it is: `frozen` names it, or `trains` names others."""
    if module in _names(detail.get("frozen")):
        return True
    return isinstance(detail.get("trains"), list | tuple) and module not in _names(detail.get("trains"))


def _names(value: Any) -> list[str]:
    return [str(name) for name in value] if isinstance(value, list | tuple) else []


def _speaks_of(series: str, module: str) -> bool:
    return module.lower() in re.split(r"[^a-z0-9_]+", series.lower()) or series.lower().endswith(f"_{module.lower()}")


RULES: tuple[TrajectoryRule, ...] = (
    StageTransition(),
    FrozenModuleMoves(),
    StageNoBetter(),
    StageNotConverged(),
)
