"""One option of a config group of Hydra's is one choice, whatever lies in its file; what else changed is another."""

import pytest

from runaudit.diff import compare
from runaudit.importers.draft import Draft, imported
from runaudit.settings import ImportSettings, Settings, parse_settings
from runaudit.study.study import study
from tests.diff.seen import captured, seen

MLP, CNN = {"name": "mlp", "depth": 3}, {"name": "cnn", "depth": 4}


def job(model, *words, group="model", option=None, seed=0, commit="c" * 40, **config):
    """A job of Hydra's, as its folder has it."""
    return imported(Draft(
        kind="hydra", source="/w/outputs/a", run=f"{words}{seed}", overrides=words,
        config={"model": model, "lr": 0.1, "seed": seed, **config},
        code={"commit": commit},
        told={"choices": {group: option or model["name"], "hydra/launcher": "basic"}},
    ), ImportSettings()).run  # fmt: skip


def factors(a, b):
    return {row.factor for row in compare(a, b, settings=Settings()).factors}


def test_the_option_of_a_group_is_one_choice():
    a, b = job(MLP), job(CNN, "model=cnn")

    (row,) = compare(a, b, settings=Settings()).factors
    assert (row.factor, row.summary) == ("config.model", "config.model (group mlp → cnn: depth 3 → 4, name mlp → cnn)")
    others = [job(CNN, "model=cnn", seed=1), job(MLP, seed=1)]
    assert [one.factor for one in study([a, b, *others], settings=Settings()).model.columns] == ["config.model"]


@pytest.mark.parametrize(("model", "is_told"), [({"name": "cnn", "depth": 4}, True), ({"name": "cnn", "k": 3}, False)])
def test_that_leaves_count_one_by_one_is_said_where_they_do(model, is_told):
    """What only one of two models has came with its name, and is one choice with it in any case."""
    found = compare(job({"name": "mlp", "depth": 3} if is_told else {"name": "mlp"}, commit=None),
                    job(model, "model=cnn", commit=None), settings=Settings())  # fmt: skip

    assert (len(found.factors) > 1) is is_told
    assert bool([note for note in found.notes if "count one by one" in note]) is is_told


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [(job(MLP), job({**CNN, "depth": 9}, "model=cnn", "model.depth=9"), {"config.model", "config.model.depth"}),
     (job(MLP), job(CNN, "model=cnn", lr=0.2), {"config.model", "config.lr"}),
     (job(MLP), job(CNN, option="mlp"), {"config.model.name", "config.model.depth"}),
     (job(MLP, commit=None), job(CNN, "model=cnn", commit=None), {"config.model.name", "config.model.depth"}),
     (job(MLP, group="experiment"), job(CNN, group="experiment"), {"config.model.name", "config.model.depth"}),
     (job(MLP, group="net@model"), job(CNN, "net@model=cnn", group="net@model"), {"config.model"}),
     (job(MLP, group="net@_global_"), job(CNN, group="net@_global_"), {"config.model.name", "config.model.depth"})],
    ids=["a leaf that was typed", "a leaf elsewhere", "the same option", "no commit on record", "another group",
         "a place of its own", "the whole config"],
)  # fmt: skip
def test_what_did_not_come_of_the_option_is_a_choice_of_its_own(a, b, expected):
    """The names of the model changed in each of these, and with them how deep it is."""
    assert factors(a, b) - {"config.model.name"} == expected - {"config.model.name"}
    assert "config.model.name" not in expected or "config.model.name" in factors(a, b)


@pytest.mark.parametrize(("words", "expected"), [
    (("model=cnn",), {"config.model"}), (("model=cnn", "x=1"), {"config.model", "config.args.x"}),
    (("model=vit",), {"config.model", "config.args.model"}),
])  # fmt: skip
def test_the_word_that_picked_the_option_is_that_choice(words, expected):
    def run(model, *words):
        told = {"kind": "captured", "choices": {"model": model["name"]}}
        return captured(seen(), argv=("python", "t.py", *words), config={"model": model}, origin=told)

    assert factors(run(MLP), run(CNN, *words)) == expected


def test_without_a_commit_the_answer_says_what_makes_the_leaves_one_choice():
    """And what it says does that."""
    a, b = job(MLP, commit=None), job(CNN, "model=cnn", commit=None)
    found = compare(a, b, settings=Settings())

    (note,) = [note for note in found.notes if "option of its group" in note]
    assert '[factors.groups] "config.model" = ["config.model.depth", "config.model.name"]' in note
    named = parse_settings({"factors": {"groups": {"config.model": ["config.model.depth", "config.model.name"]}}})
    assert {row.factor for row in compare(a, b, settings=named).factors} == {"config.model"}
    assert not any("option of its group" in note for note in compare(job(MLP), job(CNN, "model=cnn"),
                                                                    settings=Settings()).notes)  # fmt: skip
