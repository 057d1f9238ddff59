"""A cohort as it is listed: what it comes to, and which of its runs are one draw."""

from runaudit.factors.cohort import cohort_of
from runaudit.runs.listing import row_cells
from runaudit.runs.rows import Section, Spread
from runaudit.settings import Settings


def test_a_seed_that_ran_twice_counts_by_the_run_that_has_the_metric(make_run):
    """The first launch of seed 0 gave no number, the second did: the draw is there, and so is its number."""
    runs = [make_run(seed=0, metrics={"test/loss": 0.5}), make_run(seed=0, metrics={"val/acc": 0.75}),
            make_run(seed=1, metrics={"val/acc": 0.25})]  # fmt: skip
    section = Section.of(cohort_of(runs), Settings())

    spread = section.spread_of("val/acc")

    assert section.cohort.effective_n == 2
    assert spread is not None and (spread.n, spread.mean) == (2, 0.5)


def test_what_a_crashed_run_had_logged_stands_in_brackets_and_in_no_figure(make_run):
    runs = [make_run(seed=seed, metrics={"val/acc": value}) for seed, value in enumerate((0.25, 0.75))]
    runs.append(make_run(seed=2, status="crashed", outcome={"metrics": {"val/acc": 0.5}}))
    section = Section.of(cohort_of(runs), Settings())

    assert [row_cells(entry, "val/acc")[-1] for entry in section.entries] == ["0.25", "0.75", "(0.5)"]
    assert str(section.spread_of("val/acc")) == "val/acc no mean; the 2 with a number: 0.25, 0.75 (n = 2 of 3)"
    told = section.spread_of("val/acc").to_json()
    assert (told["mean"], told["lost"], told["survivors"]["mean"]) == (None, 1, 0.5)


def test_of_unlike_numbers_of_one_draw_both_are_listed():
    """One draw came to 0.25 and to 0.75: the first in the list is no more its number than the other."""
    unlike = Spread.of_draws("val/acc", [(0.75, 0.25)])
    again = Spread.of_draws("val/acc", [(0.75, 0.75)])

    assert str(unlike) == "val/acc 0.25, 0.75 (counted as one draw, and unlike) (n = 1)"
    assert str(again) == "val/acc 0.75 (n = 1)"
