"""An option that was left out stands at its default; where that led is seen, and judged by what lies there."""

import pytest

from runaudit.diff import compare
from runaudit.settings import Settings
from runaudit.study.study import study
from tests.diff.seen import captured, read, seen

PLACES = {"small": "data/train.csv", "big": "data/big.csv"}


def run(size, *words, seed=1, reads=True):
    data = {"train": {"path": PLACES[size], "digest": read(PLACES[size], size)["digest"]}}
    rows = (read(PLACES[size], size, declared="data.train"),) if reads else ()
    return captured(seen(*rows), argv=("python", "train.py", *words), seed=seed, data=data)


def factors(a, b):
    return sorted(row.factor for row in compare(a, b, settings=Settings()).factors)


@pytest.mark.parametrize("order", [1, -1])
def test_a_place_that_one_run_was_given_is_the_data_that_lies_there(order):
    a, b = [run("small"), run("big", "--train", "data/big.csv")][::order]

    assert factors(a, b) == ["data.train"]
    assert [column.factor for column in study([a, b], settings=Settings()).table.columns] == ["data.train"]


def test_a_place_is_a_choice_beside_the_data_where_nobody_saw_what_the_other_run_read():
    given = run("big", "--train", "data/big.csv")

    assert factors(run("small", reads=False), given) == ["config.args.train", "data.train"]
    assert factors(run("small"), run("big", "--train", "data/other.csv")) == ["config.args.train", "data.train"]
    assert factors(run("small"), run("big", "--extra", "data/big.csv")) == ["config.args.extra", "data.train"]


@pytest.mark.parametrize(("option", "found"), [("--train", []), ("--train-file", []), ("--data", []),
                                               ("--extra", ["config.args.extra"])])  # fmt: skip
def test_a_default_that_was_written_out_says_nothing(option, found):
    """`--train data/train.csv` beside the default, which is that file: both were seen to read it."""
    a, b = run("small"), run("small", option, "data/train.csv")

    assert factors(a, b) == found
    assert [column.factor for column in study([a, b], settings=Settings()).table.columns] == found


def test_a_set_that_one_run_alone_declares_is_used_by_both_where_the_other_read_its_content():
    text = read("data/val.csv", "v")
    declared = captured(seen(read("data/val.csv", "v", declared="data.val")),
                        data={"val": {"path": "data/val.csv", "digest": text["digest"]}})  # fmt: skip

    assert factors(captured(seen(text)), declared) == []
    assert factors(captured(seen(read("data/val.csv", "w"))), declared) != []
    assert factors(captured(seen()), declared) != []
