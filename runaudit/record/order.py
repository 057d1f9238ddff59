"""The step and the values, in whichever order a program tells them.

W&B, TensorBoard's and most other trackers' calls name the values first and the step by its name. A call that is written
so by habit is understood: what it means is plain, and it is a training that would end by a TypeError.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar, cast

from runaudit.errors import UsageError

Log = TypeVar("Log", bound=Callable[..., None])


def in_either_order(call: Log) -> Log:
    """A `log(step, values)` that takes `log(values, step=step)` as well. It raises UsageError where no step is told:
    nobody counts here."""

    whole = call.__code__.co_argcount

    @wraps(call)
    def log(*given: Any, **named: Any) -> None:
        if len(given) == whole and isinstance(given[-1], Mapping):
            call(*given)
            return
        *own, values = given or (None,)
        if own and isinstance(own[-1], Mapping):  # log(values, step)
            call(*own[:-1], values, own[-1])
        elif isinstance(values, Mapping) and named.keys() <= {"step"}:
            if named.get("step") is None:
                raise UsageError("log was told no step", remedy='write log(step, {"train/loss": loss})')
            call(*own, named["step"], values)
        else:
            call(*given, **named)

    return cast(Log, log)
