"""A seed is one whole number, and of several in tables a comparison and the cohorts say the same."""

from itertools import combinations

import pytest

from runaudit.diff.comparison import compare
from runaudit.factors.cohort import cohorts
from runaudit.importers.draft import Draft, imported
from runaudit.settings import ImportSettings, Settings
from tests.diff.samples import both, put, run
from tests.factors.test_identity import cells, groups, in_order

SETTINGS = Settings()


def foreign(config, number=0):
    draft = Draft(kind="wandb", source=f"/r/{number}", run=f"r{number}", config=config, code={"commit": "7" * 40})
    return imported(draft, ImportSettings()).run


def moved(*runs):
    """Between each two of them, the factors that are no seeds."""
    found = [compare(a, b, settings=SETTINGS).factors for a, b in combinations(runs, 2)]
    return [tuple(one.factor for one in factors if one.role not in ("seed", "stochastic")) for factors in found]


def tables(**seeds):
    return {"lr": 0.1, **{name: {"seed": value} for name, value in seeds.items()}}


@pytest.mark.parametrize(
    ("a", "b", "factors"),
    [
        ({"seed": [1]}, {"seed": [1, 2, 3]}, ["seed"]),
        ({"seed": [1, 2]}, {"seed": 1}, []),  # The seed of the first is not on record: a gap.
        ({"seed": False}, {"seed": [1]}, ["seed"]),
        ({"seed": "fixed"}, {"seed": "random"}, ["seed"]),
        ({"seed": 0.25}, {"seed": 0.5}, ["seed"]),
        ({"seed": 1}, {"seed": 2}, []),
        ({"seed": "1"}, {"seed": "2"}, []),
        (tables(model=1, data=3), tables(model=1, data=2), ["config.data.seed"]),
        (tables(model=1, data=1), tables(model=1, data=2), ["config.data.seed"]),
        (tables(model=1, env=3), tables(model=1, env=2), ["config.env.seed"]),
        (tables(model=1, env=1), tables(model=1, env=2), ["config.env.seed"]),
        (tables(model=1, data=1), tables(model=2, data=2), []),
        (tables(model=1, data=5), tables(model=2, data=5), []),
        (tables(model=1, data=1), tables(model=2, data=1), []),
        (tables(model=1, env=101), tables(model=2, env=102), []),
        (tables(model=1, env=1), tables(model=2, env=3), ["config.env.seed", "config.model.seed"]),
        (tables(train=1), tables(train=2), []),
        (tables(data=1), tables(data=2), ["config.data.seed"]),
        ({"seed": 0, **tables(data=1)}, {"seed": 0, **tables(data=2)}, ["config.data.seed"]),
        ({"seed": 0, **tables(teacher=0)}, {"seed": 0, **tables(teacher=1)}, ["config.teacher.seed"]),
        ({"seed": 0, **tables(net=0)}, {"seed": 1, **tables(net=0)}, []),
        ({"seed": 0, **tables(net=0)}, {"seed": 1, **tables(net=1)}, []),
        ({"seed": 0, **tables(eval=100)}, {"seed": 1, **tables(eval=101)}, []),
        ({"seed": 0, **tables(eval=100)}, {"seed": 1, **tables(eval=102)}, ["config.eval.seed"]),
        # Beside the run's own.
        ({"seed": 0, "cuda_seed": 0}, {"seed": 1, "cuda_seed": 1}, []),
        ({"seed": 0, "cuda_seed": 0}, {"seed": 1, "cuda_seed": 0}, []),
        ({"seed": 0, "cuda_seed": 0}, {"seed": 0, "cuda_seed": 1}, ["config.cuda_seed"]),
        ({"seed": 0, "data_seed": 0}, {"seed": 1, "data_seed": 0}, []),
        ({"seed": 0, "data_seed": 7}, {"seed": 1, "data_seed": 8}, []),
        ({"seed": 0, "data_seed": 0}, {"seed": 1, "data_seed": 2}, ["config.data_seed"]),
        ({"seed": 0, "data_seed": 0}, {"seed": 0, "data_seed": 1}, ["config.data_seed"]),
        ({"data_seed": 0}, {"data_seed": 1}, ["config.data_seed"]),
        # The only one of the run.
        ({"seed_val": 0}, {"seed_val": 1}, []),
        ({"cuda_seed": 0}, {"cuda_seed": 1}, []),
        ({"PYTHONHASHSEED": "0"}, {"PYTHONHASHSEED": "1"}, []),
        ({"fix_seed": True}, {"fix_seed": False}, ["config.fix_seed"]),
        ({"seed_length": 3}, {"seed_length": 4}, ["config.seed_length"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("turned", [False, True])
def test_a_comparison_and_the_cohorts_tell_seeds_alike(a, b, factors, turned):
    runs = [foreign(config, number) for number, config in enumerate((b, a) if turned else (a, b))]

    is_gap = {type(config.get("seed")) for config in (a, b)} == {list, int}
    assert moved(*runs)[0] == (("seed",) if is_gap else tuple(factors))
    assert len(cohorts(runs)) == (2 if factors or is_gap else 1)


@pytest.mark.parametrize(
    "rows",
    [((1, 3), (1, 2)), ((1, 1), (1, 2)), ((1, 101), (2, 102), (2, 103)), ((1, 1), (2, 2), (3, 3)),
     ((2, 1), (2, 2)), ((1, 5), (2, 5), (1, 6), (2, 6))],
)  # fmt: skip
@pytest.mark.parametrize("table", ["env", "data"])
@pytest.mark.parametrize("has_own", [False, True])
def test_the_cells_of_a_study_are_the_cohorts_of_seeds_in_tables(rows, table, has_own):
    def config(a, b):
        return {"seed": a, **tables(**{table: b})} if has_own else tables(model=a, **{table: b})

    runs = in_order([foreign(config(a, b), number) for number, (a, b) in enumerate(rows)])

    assert cells(runs) == groups(runs)


def test_two_cohorts_that_differ_in_a_seed_beside_their_own_bear_two_names():
    rows = [(seed, data) for data in (7, 8) for seed in (0, 1, 2)]
    found = cohorts([foreign({"seed": a, **tables(data=b)}, n) for n, (a, b) in enumerate(rows)])

    assert ([one.n for one in found], len({one.id for one in found})) == ([3, 3], 2)


def test_two_cohorts_of_other_seeds_in_tables_bear_two_names():
    found = cohorts([foreign(tables(model=1, env=seed), seed) for seed in (2, 3, 4)])

    assert len({one.id for one in found}) == len(found) == 3


@pytest.mark.parametrize("value", [None, "fixed", 0.5])
def test_a_seed_that_is_none_is_of_another_cohort(value):
    sides = [run(put("seed", 1)), run(put("seed", 2)), run(put("seed", value))]

    assert [one.n for one in cohorts(sides)] == [2, 1]


def test_a_seed_of_the_split_replicates_beside_a_seed_that_is_declared():
    sides = [run(both(put("seed", seed), put("config/split", {"seed": seed + 100}))) for seed in (1, 2)]

    assert (moved(*sides), len(cohorts(sides))) == ([()], 1)


def test_a_random_hash_seed_is_no_choice():
    sides = [run(both(put("seed", 1), put("env/variables", {"PYTHONHASHSEED": word}))) for word in ("0", "random")]

    assert moved(*sides) == [()]


def test_what_one_alone_has_in_a_table_is_of_another_design():
    sides = [run(put("config/net", {"rng": 7})), run()]

    assert len(cohorts(sides)) == 2
