"""A pair read from the table is judged as a comparison of its runs judges it."""

from itertools import combinations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from runaudit.diff import compare_cohorts
from runaudit.errors import NothingToJudgeError
from runaudit.factors.cohort import cohort_of
from runaudit.settings import Settings
from runaudit.study import pairs
from runaudit.study.answer import judged
from runaudit.study.pairs import chains_of, pairs_of
from runaudit.study.study import study
from runaudit.study.table import table_of
from tests.diff.samples import both, digest, drop, put
from tests.diff.samples import run as whole
from tests.study.samples import WHOLE, judge, run, runs

CHANGES = (
    put("config/optimizer/lr", 5e-4),
    put("config/optimizer/lr", 2e-4),
    put("config/model/activation", "relu"),
    put("config/ema", {"decay": 0.9, "every": 10}),
    put("config/output_dir", "elsewhere"),
    put("config/scheduler", {"name": "step", "gamma": 0.1, "every": 50}),
    put("code/files/src/train.py", "import torch\n\n\ndef step(model, batch):\n    return model(batch).sum()\n"),
    put("code/files/README.md", "# Other words\n"),
    put("data/train/digest", digest("d")),
    put("data/train/path", "/elsewhere/train"),
    put("env/torch", "2.7.0"),
    put("env/cuda", "12.8"),
    put("env/gpu", "NVIDIA A100"),
    put("env/packages", {"numpy": "2.1.0", "torch": "2.6.0", "wandb": "0.20.0"}),
    put("eval/crop_border", 0),
    put("seed", 2),
    put("seed", 3),
    put("runtime/status", "crashed"),
    lambda record: record["metrics"].update({"full_frame/psnr_bicubic/astronaut": 27.5}),
    drop("env/cudnn"),
    drop("init"),
    drop("seed"),
)
choice = st.lists(st.sampled_from(CHANGES), max_size=4, unique=True)


def made(changes):
    # What is dropped goes last, so that nothing is put into a section that is gone.
    return whole(both(*sorted(changes, key=CHANGES.index)))


@given(choice, choice)
@settings(max_examples=150, deadline=None)
def test_a_pair_is_judged_as_a_comparison_judges_it(left, right):
    a, b = made(left), made(right)
    assume(a.id != b.id)
    table = table_of([a, b], Settings())
    said = compare_cohorts(cohort_of([table.runs[0]]), cohort_of([table.runs[1]]), settings=Settings())

    if len(table.cells) == 1:
        assert (said.conditional or said.verdict) in ("identical", "replicate", "incomparable", "provenance_incomplete")
        return
    ((pair,), _) = pairs_of(table)
    assert pair.verdict == said.verdict
    assert set(pair.factors) == {f.factor for f in said.treatments}
    if pair.verdict == "provenance_incomplete":
        assert pair.conditional == said.conditional


def test_a_pair_of_single_runs_with_two_seeds_is_confounded_and_cohorts_are_not():
    rows = [{"lr": 1}, {"lr": 2}]
    single = [runs([row], seeds=[seed])[0] for row, seed in zip(rows, (1, 2), strict=True)]

    assert pairs_of(table_of(single, Settings()))[0][0].verdict == "confounded"
    assert pairs_of(table_of(runs(rows, seeds=(1, 2)), Settings()))[0][0].verdict == "single_factor"


def test_two_leaves_that_differ_within_a_table_that_comes_and_goes_are_two_factors():
    rows = [{}, {"aug": {"p": 1, "q": 1}}, {"aug": {"p": 2, "q": 2}}, {"aug": {"p": 1, "q": 2}}]
    table = table_of(runs(rows), Settings())
    levels = [table.columns[0].levels[cell.codes[0]] for cell in table.cells]

    found = {(p.a, p.b): p.verdict for p in pairs_of(table)[0]}

    for (i, j), verdict in found.items():
        both_there = all(isinstance(levels[place], dict) or hasattr(levels[place], "keys") for place in (i, j))
        differ = sum(levels[i][k] != levels[j][k] for k in "pq") if both_there else 1
        assert verdict == ("confounded" if differ > 1 else "single_factor")


def test_a_run_of_which_something_that_varies_is_unknown_makes_no_single_factor_pair_and_no_chain():
    """A run that was killed in its first second is the others' like in all that it says, and it says little."""
    rows = runs([{"lr": 1, "act": "a"}, {"lr": 2, "act": "a"}, {"lr": 2, "act": "b"}])
    other = run({"lr": 1, "act": "a"}, label="other code", code={**WHOLE["code"], "commit": "b" * 40, "files": {
        "train.py": "x = 2\n"}})  # fmt: skip
    killed = run({"lr": 2, "act": "a"}, label="killed", code={})

    found = study([*rows, other, killed], settings=Settings())

    labels = {at: found.table.runs[cell.rows[0]].label for at, cell in enumerate(found.table.cells)}
    assert found.single_factor_pairs == 3
    assert all("killed" not in (labels[pair.a], labels[pair.b]) for pair in found.pairs if pair.is_single)
    assert {pair.open for pair in found.pairs if "killed" in (labels[pair.a], labels[pair.b])} == {("code.commit",)}
    assert found.chains and all("killed" not in {labels[at] for at in chain.cells} for chain in found.chains)


def test_a_chain_of_single_factor_steps_joins_a_confounded_pair():
    """A = (1, a), C = (2, a), B = (2, b): A and B differ in both, and C lies between them."""
    found = judge([{"lr": 1, "act": "a"}, {"lr": 2, "act": "a"}, {"lr": 2, "act": "b"}])
    labels = [found.table.runs[cell.rows[0]].label for cell in found.table.cells]

    (chain,) = found.chains

    path = [labels[place] for place in chain.cells]
    assert path in (["lr=1 act=a", "lr=2 act=a", "lr=2 act=b"], ["lr=2 act=b", "lr=2 act=a", "lr=1 act=a"])
    assert sorted(chain.factors) == ["config.act", "config.lr"]


def test_there_is_no_chain_through_a_cell_that_was_not_run():
    assert judge([{"lr": 1, "act": "a"}, {"lr": 2, "act": "b"}]).chains == ()


@pytest.mark.parametrize("size", [20, 60])
def test_of_many_cells_only_the_clean_pairs_are_listed(size):
    """One factor at a time: every cell differs from the first in one factor, and from the others in two."""
    table = table_of(runs([{f"f{i}": int(i == n) for i in range(size)} for n in range(size + 1)]), Settings())

    found, clean = pairs_of(table)

    assert clean == len(found) == size
    assert all(pair.verdict == "single_factor" for pair in found)
    assert len(list(chains_of(table))) == 40


@given(st.lists(st.tuples(*[st.sampled_from([1, 2, None])] * 4), min_size=17, max_size=24, unique=True))
@settings(max_examples=25, deadline=None)
def test_of_many_cells_those_pairs_are_counted_that_each_by_itself_is_single(rows):
    """Of thousands of cells only the listed pairs are made; what counts the others must not count otherwise."""
    table = table_of(runs([{f"f{i}": level for i, level in enumerate(row)} for row in rows]), Settings())
    assume(len(table.cells) > 16)

    _, clean = pairs_of(table)

    assert clean == sum(
        pairs._pair(table, i, j).is_single
        for i, j in combinations(range(len(table.cells)), 2)
        if sum(a != b for a, b in zip(table.cells[i].codes, table.cells[j].codes, strict=True)) == 1
    )


EQUIVALENT = {"single_factor": "estimable"}


@given(choice, choice)
@settings(max_examples=150, deadline=None)
def test_a_study_of_two_runs_says_what_their_comparison_says(left, right):
    a, b = made(left), made(right)
    assume(a.id != b.id)
    said = compare_cohorts(cohort_of([a]), cohort_of([b]), settings=Settings())

    try:
        found = judged(study([a, b], settings=Settings()))
    except NothingToJudgeError:
        assert said.verdict == "incomparable"
        return

    assert found.verdict == EQUIVALENT.get(said.verdict, said.verdict)
    assert found.conditional == EQUIVALENT.get(said.conditional, said.conditional)
