"""`runaudit run --seeds 0-4`: a campaign of one arm, whose command line is its file."""

from dataclasses import replace

from runaudit.campaign.plan import Arm, Plan, seeds_of
from runaudit.errors import UsageError
from runaudit.guard.invocation import Invocation
from runaudit.launch.asked import Asked


def cohort_plan(asked: Asked, seeds: str | None, *, jobs: int, resume: bool, retry: bool = False) -> Plan | None:
    """The plan of a launch that is to be made with many seeds; None where it is one launch. Raises UsageError for
    options that do not go together."""
    if seeds is None:
        if jobs > 1 or resume or retry:
            option = "--resume" if resume else "--retry" if retry else "--jobs"
            raise UsageError(f"{option} is for several seeds", remedy="add --seeds 0-4, and {seed} to the command")
        return None
    if asked.seed is not None:
        raise UsageError("--seed and --seeds are both given", remedy="leave one of them out")
    words = ("runaudit", "run", *asked.options(), "--seeds", seeds, *(("--jobs", str(jobs)) if jobs > 1 else ()))
    call = Invocation(program=words[:2], options=words[2:], command=asked.command)
    arm = Arm(asked=replace(asked, label=asked.label or "", call=call), seeds=seeds_of(seeds, where="--seeds"))
    return Plan(arms=(arm,), again=words, tail=("--", *asked.command))
