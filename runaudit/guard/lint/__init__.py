"""RA5: what is worth a look before a second is spent. It warns; what is no data, or is test data, it refuses."""

from runaudit.rules import Rule

RULES: tuple[Rule, ...] = ()
"""Every rule of the launch lint, in the order of their codes."""
