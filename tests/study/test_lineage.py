"""A study of second stages: seeds from their own first stages replicate; a start is named by the design it came of."""

from runaudit.settings import Settings
from runaudit.study.study import study
from tests.diff.samples import both, put, run
from tests.diff.test_lineage import LR, child, weights


def test_starts_of_one_design_are_one_level():
    runs = [
        child(run(both(change, put("seed", seed))), weights(4 * i + seed), put("seed", seed))
        for i, change in enumerate((both(), LR))
        for seed in (1, 2, 3)
    ]

    found = study(runs, settings=Settings())

    assert [column.factor for column in found.table.columns] == ["init.checkpoint"]
    column = found.table.columns[0]
    assert (len(column.levels), sorted(column.codes)) == (2, [0, 0, 0, 1, 1, 1])
