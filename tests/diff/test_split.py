"""Which members of a data set train and which judge is a choice, and is told as one."""

from posixpath import normpath

import pytest

from runaudit.diff import compare
from runaudit.settings import Settings
from tests.diff.seen import TOP, captured, seen, sha


def factors(a, b):
    return [row.factor for row in compare(a, b, settings=Settings()).factors]


def split(train, test, root="data/a", key="root", content="tiles"):
    """A captured run that lists the members of its data sets, in a folder that its config names from where it ran."""
    data = {name: {"path": normpath(f"{TOP}/{root}/{name}"), "digest": sha(content + name), "members": list(members)}
            for name, members in (("train", train), ("test", test))}  # fmt: skip
    words = ("python", "train.py", "--set", f"data.{key}={root}", f"--data-{key}", root)
    return captured(seen(), argv=words, data=data, config={"data": {key: root}, "lr": 0.1})


def test_a_relative_folder_of_the_data_counts_by_the_data_in_it():
    assert factors(split("ab", "c"), split("ab", "c", root="../work/data/b")) == []
    assert factors(split("ab", "c"), split("ab", "c", root="data/b", content="other")) == ["data.test", "data.train"]
    assert factors(split("ab", "c", key="kind"), split("ab", "c", root="data/b", key="kind")) == ["config.data.kind"]


@pytest.mark.parametrize(
    ("after", "found", "told"),
    [
        (("a", "cb"), ["data.test", "data.train"], "the data split differs: b from train to test"),
        (("a", "c"), ["data.train"], "the data split differs: b not in train any more"),
        (("abd", "c"), ["data.train"], "the data split differs: d new in train"),
        (("ab", "cb"), ["data.test"], "the data split differs: b from train to test and train"),
        (("ba", "c"), ["data.train"], None),
        (("ab", "c"), [], None),
    ],
)
def test_which_members_train_and_which_judge_is_a_factor_and_told(after, found, told):
    """Equal files, of which a list says what is used for what: no digest of a folder sees that."""
    comparison = compare(split("ab", "c"), split(*after), settings=Settings())

    assert [row.factor for row in comparison.factors] == found
    assert [note for note in comparison.notes if "split" in note] == ([told] if told else [])
    assert ("the evaluation differs" in comparison.reason) == ("data.test" in found)


def test_who_lists_no_members_says_nothing_of_the_split():
    data = {n: {"path": f"{TOP}/data/a/{n}", "digest": sha("tiles" + n)} for n in ("train", "test")}
    old = captured(seen(), data=data, config={"data": {"root": "data/a"}, "lr": 0.1})

    comparison = compare(old, split("ab", "c"), settings=Settings())

    assert {row.factor for row in comparison.missing} == {"data.test.members", "data.train.members"}
