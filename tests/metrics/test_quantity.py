"""A metric is one measure in all runs that are held side by side, or it is none."""

import pytest

from runaudit.metrics.quantity import quantity_of

WHOLE = {"val/psnr": 33.0}
PARTS = {"val/psnr/cat": 29.0, "val/psnr/dog": 31.0}


@pytest.mark.parametrize(
    ("runs", "values"),
    [
        ([WHOLE, WHOLE], [33.0, 33.0]),
        ([PARTS, PARTS], [30.0, 30.0]),
        ([WHOLE | PARTS, WHOLE | PARTS], [33.0, 33.0]),
        ([WHOLE | PARTS, PARTS], [30.0, 30.0]),
        ([WHOLE, PARTS], [33.0, None]),
        ([WHOLE, WHOLE | PARTS, PARTS], [33.0, 33.0, None]),
        ([PARTS, {"val/psnr/cat": 35.0}], [30.0, None]),
        ([PARTS, PARTS | {"val/psnr/cat": float("nan")}], [30.0, None]),
        ([PARTS, {"loss": 1.0}], [30.0, None]),
        ([{"val/psnr": float("inf")}, {}], [float("inf"), None]),
    ],
    ids=["all recorded it", "all have its sequences", "all have both", "some recorded it, all have its sequences",
         "some recorded it, others have sequences alone", "so with one that has both", "one lacks a sequence",
         "one sequence is no number", "a run without it", "what was recorded stays as it is"],
)  # fmt: skip
def test_every_run_is_taken_by_the_same_measure(runs, values):
    quantity = quantity_of("val/psnr", runs)

    assert [quantity.of(held) for held in runs] == values


def test_a_mean_of_the_largest_numbers_is_a_number():
    held = {"m/a": 1.7e308, "m/b": 1.7e308}

    assert quantity_of("m", [held]).of(held) == pytest.approx(1.7e308)


@pytest.mark.parametrize(
    ("runs", "told"),
    [
        ([WHOLE, WHOLE], []),
        ([PARTS, PARTS], ["The value of a run is the mean over its 2 sequences."]),
        ([WHOLE | PARTS, PARTS], [
            "The value of a run is the mean over its 2 sequences (1 of 2 runs recorded 'val/psnr' itself)."]),
        ([WHOLE, PARTS], [
            ("1 of 2 runs recorded 'val/psnr'; the others have sequences of it alone, whose mean need not be the same "
             "measure, so they have no value: compare one sequence (val/psnr/cat and val/psnr/dog), or record "
             "'val/psnr' in every run.")]),
        ([PARTS, {"val/psnr/cat": 35.0}], [
            "The value of a run is the mean over its 2 sequences.",
            ("1 of 2 runs lacks val/psnr/dog, which others were measured on. A mean over other sequences is another "
            "measure, so there is no value: compare val/psnr/cat.")]),
    ],
)  # fmt: skip
def test_what_stands_for_the_metric_is_told(runs, told):
    assert list(quantity_of("val/psnr", runs).notes(runs)) == told
