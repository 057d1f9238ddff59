"""RA55: are blocks that pull against each other trained one after the other?"""
# ruff: noqa: D102  (what a rule checks is told once, in the docstring of its class: users read it too)

from collections.abc import Iterator

from runaudit.records.finding import Finding, Severity
from runaudit.rules import Rule


class Joint(Rule):
    """Alignment is trained before fusion.

    One pixel loss pulls the alignment of frames and their fusion at once, and their gradients disturb each other. Runs
    that train the alignment first, freeze it, and then the rest, oscillate less; a last stage may train all at a low
    rate."""

    code = "RA550"
    name = "joint_alignment"
    severity = Severity.WARNING
    switchable = True
    example = "alignment (config.model.alignment.kind = tern) and fusion (config.model.fusion.blocks = 2) train at once"

    def check(self, joint: tuple[str, str]) -> Iterator[Finding]:
        align, fuse = joint
        if align and fuse:
            yield self.finding(
                "config",
                f"alignment ({align}) and fusion ({fuse}) train at once",
                remedy="train the alignment first and freeze it; where it is meant so, this run is the control",
            )


RULES: tuple[Rule, ...] = (Joint(),)
