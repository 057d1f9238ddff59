"""Every leaf that differs between two runs, each with the class that it has by itself.

Equal subtrees are never entered, so two configs of thousands of keys cost what their differences cost.
"""

from collections.abc import Iterator

from runaudit.factors.arguments import ROOT
from runaudit.factors.changed import changed
from runaudit.factors.code_state import CODE_STATE, code_changes
from runaudit.factors.factor import ABSENT, Change, ChangeClass
from runaudit.factors.gaps import began_at_random
from runaudit.factors.levels import CIRCUMSTANCES, PREFIXES
from runaudit.factors.pair import Pair
from runaudit.factors.tree import differences, keyed
from runaudit.factors.usage import is_gap, known_empty
from runaudit.records.manifest import DESIGN_SECTIONS


def design_leaves(pair: Pair) -> Iterator[Change]:
    """The leaves of the design, section by section, and the code."""
    a, b = pair.a, pair.b
    judged = a.files_judged and b.files_judged
    random = began_at_random(a, b)
    for section in sorted({*a.tree, *b.tree}):
        lacking = section not in a.tree or section not in b.tree
        if lacking and (section in DESIGN_SECTIONS or section == ROOT) and not known_empty(section, a, b):
            continue  # a whole section that one record lacks is a gap, not a change
        left, right = a.tree.get(section, ABSENT), b.tree.get(section, ABSENT)
        if section == "data" and {} in (left, right) and not known_empty(section, a, b):
            continue  # a record without any data set does not know its data
        for path, before, after in differences(left, right, PREFIXES.get(section, section)):
            if section == "code" and not judged and path in CODE_STATE:
                continue
            if is_gap(path, before, after, a, b) and not (section == "init" and random):
                continue
            yield changed(path, before, after, a, b, pair.settings)
    yield from code_changes(pair)


def circumstances(pair: Pair) -> Iterator[Change]:
    """Who, when, where and why: never what."""
    for section in CIRCUMSTANCES:
        left, right = (keyed(of.run.manifest.body.get(section)) for of in (pair.a, pair.b))
        for path, before, after in differences(left, right, section):
            yield Change(path=path, before=before, after=after, kind=ChangeClass.NUISANCE,
                         why="it says who, when, where or why, not what was run")  # fmt: skip


def seed_proofs(pair: Pair) -> Iterator[Change]:
    """What the seeds gave."""
    for path, before, after in differences(pair.a.run.seed_proof, pair.b.run.seed_proof, "seed_proof"):
        yield Change(path=path, before=before, after=after, kind=ChangeClass.DERIVED,
                     follows="seed, config, code and data", why="it shows what the seed gave")  # fmt: skip
