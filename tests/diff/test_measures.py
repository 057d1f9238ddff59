"""What results are measured by stays a measure, wherever in the config it is written."""

import pytest

from runaudit.diff import compare
from runaudit.settings import FactorSettings, Settings
from runaudit.study.answer import judged
from runaudit.study.study import study
from tests.diff.samples import both, put, run

ALIAS = {"config.crop": "eval.crop_border"}
FOUR = put("eval/crop_border", 4)


def settings(aliases=None):
    return Settings(factors=FactorSettings(aliases=aliases or {}))


def verdicts(before, after, aliases=None):
    a, b = run(before), run(after)
    return str(compare(a, b, settings=settings(aliases)).verdict), judged(study([a, b], settings=settings(aliases)))


@pytest.mark.parametrize("values", [(4, 6), ("four", "six"), ("4", "6"), (6, 4)])
def test_a_leaf_under_its_old_name_keeps_the_role_of_the_name_proper(values):
    sides = [both(FOUR, put("config/crop", value)) for value in values]

    diff, said = verdicts(*sides, aliases=ALIAS)

    assert diff == said.verdict == "incomparable"


def test_a_leaf_that_repeats_the_measure_under_its_old_name_is_no_factor():
    diff, _ = verdicts(both(FOUR, put("config/crop", 4)), FOUR, aliases=ALIAS)

    assert diff == "identical"


@pytest.mark.parametrize(
    ("table", "key", "values"),
    [("eval", "crop_border", (4, 6)), ("eval", "crop_border", (9, 6)), ("eval", "metric", ("psnr", "ssim")),
     ("test", "scale", (4, 6)), ("evaluation", "protocol", ("full_frame", "tiles"))],
)  # fmt: skip
def test_a_table_of_the_config_that_says_how_is_a_measure(table, key, values):
    sides = [put(f"config/{table}", {key: value}) for value in values]

    diff, said = verdicts(*sides)

    assert diff == said.verdict == "incomparable"


@pytest.mark.parametrize("key", ["every", "interval", "batch_size", "num_workers"])
def test_when_and_how_fast_it_is_measured_is_no_measure(key):
    diff, _ = verdicts(*(put("config/eval", {key: value}) for value in (4, 6)))

    assert diff == "single_factor"


def test_a_side_without_a_result_is_told_from_a_side_that_was_measured_otherwise():
    """Both are `incomparable`; only the first is mended by letting the run finish."""
    killed = put("runtime/status", "killed")

    lost, unlike, twice = (
        compare(run(before), run(after), settings=settings())
        for before, after in (
            (killed, killed),
            (FOUR, put("eval/crop_border", 6)),
            (both(killed, FOUR), put("eval/crop_border", 6)),
        )
    )

    assert (lost.verdict, unlike.verdict, twice.verdict) == ("incomparable",) * 3
    assert (lost.unfinished, unlike.unfinished, twice.unfinished) == (True, False, False)
