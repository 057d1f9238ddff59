"""RA5: what is worth a look before a second is spent. It warns; what is no data, or is test data, it refuses."""

from runaudit.guard.lint import batch, content, fourier, precision, rate, schedule, staging
from runaudit.rules import Rule

RULES: tuple[Rule, ...] = (
    *batch.RULES,
    *rate.RULES,
    *precision.RULES,
    *fourier.RULES,
    *schedule.RULES,
    *staging.RULES,
    *content.RULES,
)
"""Every rule of the launch lint, in the order of their codes."""
