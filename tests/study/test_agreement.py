"""A study of two runs says of them what a comparison says, whatever the pair."""

import pytest

from runaudit.diff import compare
from runaudit.settings import FactorSettings, Settings
from runaudit.study.study import study
from tests.diff.samples import put, run
from tests.diff.test_evidence import ROWS
from tests.diff.test_pairs import CONFOUNDED, INCOMPARABLE, INCOMPLETE, REPLICATE, SINGLE, THREADS

PAIRS = [(f"{row[0]} {row[1]}", row[2], row[3], {}) for row in ROWS]
PAIRS += [
    (pair.name, pair.before, pair.after, pair.policy)
    for pair in (*SINGLE, *REPLICATE, *CONFOUNDED, *INCOMPARABLE, *INCOMPLETE, *THREADS)
]


@pytest.mark.parametrize(("name", "before", "after", "policy"), PAIRS, ids=[row[0] for row in PAIRS])
def test_a_study_agrees_with_the_comparison(name, before, after, policy):
    rules = Settings(factors=FactorSettings(**policy))
    a, b = run(before), run(after)
    if a.id == b.id or not (a.finished and b.finished):
        return  # one run, or one without a result: nothing to study

    said, found = compare(a, b, settings=rules), study([a, b], settings=rules)

    clean = str(said.conditional or said.verdict)
    if not found.pairs:
        assert clean in ("identical", "replicate")
        return
    assert (found.pairs[0].conditional or found.pairs[0].verdict) == clean, (found.pairs[0].factors, said.reason)
    assert found.pairs[0].verdict == str(said.verdict), said.reason
