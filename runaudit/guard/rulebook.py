"""Every rule there is, and which of them a launch is asked.

The guard's rules, the launch lint, and what installed packages bring (entry point `runaudit.rules`). A rule of others
is asked at a launch unless it is one of trajectories or asks for facts on them; what it asks for and there is not is
told. A policy that speaks of a rule which there is not is refused: a misspelt one would change nothing, and nobody
would see it.
"""

from runaudit.errors import UsageError
from runaudit.guard import lint
from runaudit.guard.answer import RULES
from runaudit.rules import Rule, find_rule, foreign_rules, governed, refuse_unknown, together
from runaudit.settings import RuleSettings
from runaudit.text.words import closest

OWN: tuple[Rule, ...] = (*RULES, *lint.RULES)
"""What every launch is asked."""
LAUNCH_FACTS = frozenset(name for rule in OWN for name in rule.needs)
"""What a rule of a launch may ask for."""
FAMILIES = {
    "RA1": "The code on record",
    "RA2": "The data on record",
    "RA3": "The design",
    "RA4": "The trajectory",
    "RA5": "The launch lint",
}
"""How a code begins, and what such rules are about."""
OF_OTHERS = "Rules of installed packages"


def family(rule: Rule) -> str:
    """What a rule and its neighbours are about."""
    return FAMILIES.get(rule.code[:3], OF_OTHERS)


def every_rule() -> tuple[Rule, ...]:
    """All rules, those of installed packages last. Raises ConfigError for some that cannot be loaded."""
    from runaudit.health.answer import RULES as TRAJECTORY  # a launch is asked none of them

    return together((*OWN, *TRAJECTORY), foreign_rules())


def understood(policy: RuleSettings) -> RuleSettings:
    """The policy, every rule of which there is. Raises ConfigError where it names one that there is not."""
    if policy.off or policy.limits:
        refuse_unknown(every_rule(), policy)
    return policy


def launch_rules(policy: RuleSettings) -> tuple[Rule, ...]:
    """What a launch is asked under a policy. Raises ConfigError for a policy that names what there is not."""
    understood(policy)
    asked = OWN
    if others := foreign_rules():
        from runaudit.health.facts import is_of_a_run  # only where packages bring rules

        asked += tuple(rule for rule in others if not is_of_a_run(rule))
    return governed(asked, policy) if policy.off or policy.limits else asked


def named_rule(word: str) -> Rule:
    """The rule of a code or a name. Raises UsageError, with the nearest there are."""
    rules = every_rule()
    if rule := find_rule(rules, word):
        return rule
    known = [known for rule in rules for known in (rule.code, rule.name)]
    raise UsageError(f"there is no rule {word!r}{closest(word, known)}", remedy="`runaudit rules` lists them all")


def rule_words() -> list[tuple[str, str]]:
    """Every word that names a rule, and what it stands for, as a shell may offer it."""
    return [(word, rule.title) for rule in every_rule() for word in (rule.name, rule.code)]
