"""What a cohort is called whose runs have labels of their own: what these share, in whole words, and no run's name."""

import pytest

from runaudit.factors.cohort import shared_label
from tests.diff.samples import put, run


@pytest.mark.parametrize(
    ("labels", "shared"),
    [
        (["slow", "slow"], "slow"),
        (["flow seed1", "flow seed2"], "flow"),
        (["sgd-lr0.3-s0", "sgd-lr0.3-s1"], "sgd-lr0.3"),
        (["slow1", "slow2"], "slow"),
        # Neither a number nor a word is cut in the middle.
        (["exp/13", "exp/14"], "exp"),
        (["2026-11-28/07-33-48", "2026-11-28/07-35-10"], "2026-11-28/07"),
        (["baseline", "basement"], "baseline +1"),
        (["lr0.1", "lr0.2"], "lr0.1 +1"),
        (["fast", "fast", "typo"], "fast"),
        (["slow", "slow", "slow", "fast", "fast", "fast"], "slow +3"),
        # Names that a tracker drew: one of them alone is the name of one run.
        (["5n93y0or", "2lxomd8q", "qxvbsicv"], "5n93y0or +2"),
    ],
)
def test_a_cohort_is_called_by_what_its_labels_share(labels, shared):
    assert shared_label(run(put("label", label)) for label in labels) == shared
