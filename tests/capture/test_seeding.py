"""Laws of seeds: one that is declared and not given to the program is no seed of the run."""

import pytest

from runaudit.capture.seeding import config_seeds, mismatch_after, mismatch_before, named_seeds


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("t.py --seed 3", (3,)),
        ("t.py --seed=3 --lr 1", (3,)),
        ("t.py --random-seed 4 trainer.seed=5", (4, 5)),
        ("t.py +experiment.seed=-1", (-1,)),
        ("t.py --data-seed 3 --split_seed=4 --seeds 5 --seed many", ()),
        ("t.py 3", ()),
    ],
)
def test_the_words_of_a_command_name_its_seed(words, expected):
    assert named_seeds(words.split()) == expected


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"seed": 3, "model": {"seed": 9}}, (3,)),
        ({"train": {"random_seed": 4}}, (4,)),
        ({"data": {"split_seed": 4}, "seed": True}, ()),
        ({"seed": "many"}, ()),
    ],
)
def test_a_configuration_names_its_seed(config, expected):
    assert config_seeds(config) == expected


@pytest.mark.parametrize(
    ("seed", "argv", "config", "expected"),
    [
        (3, "t.py --seed 0", {}, ("the command line", 0)),
        (3, "t.py --seed 3", {"seed": 0}, None),
        (3, "t.py", {"seed": 0}, ("the configuration", 0)),
        (3, "t.py 3", {"seed": 0}, None),
        (3, "t.py", {}, None),
        (None, "t.py --seed 0", {}, None),
    ],
)
def test_a_mismatch_is_seen_where_it_can_be_known_before(seed, argv, config, expected):
    assert mismatch_before(seed, argv.split(), config) == expected


@pytest.mark.parametrize(
    ("seed", "values", "expected"),
    [(3, [0], 0), (3, [0, 3], None), (3, [], None), (3, [None, "time"], None), (None, [0], None)],
)
def test_a_mismatch_is_seen_in_the_calls_that_seed(seed, values, expected):
    found = mismatch_after(seed, [{"call": "random.seed", "value": value, "where": "t.py:1"} for value in values])

    assert (None if found is None else found["value"]) == expected
