"""An option that was typed by the beginning of its name is the option that it stands for."""

import pytest

from runaudit.diff import compare
from runaudit.factors.cohort import cohorts
from runaudit.importers.draft import Draft, imported
from runaudit.settings import ImportSettings, Settings
from runaudit.study.study import study
from tests.diff.seen import captured, seen

SETTINGS = {"dataset_name": "ogbl-collab", "lr": 0.1, "epochs": 5, "hidden_channels": 64, "amp": True, "seed": 1}
TYPED = ("--lr", "0.1", "--epochs", "5")


def settings(config):
    return {key: value for key, value in {**SETTINGS, **config}.items() if value is not ...}


def ours(*words, **config):
    return captured(seen(), argv=("python", "train.py", *words), config=settings(config))


def theirs(*words, **config):
    """A run as W&B has it: the importer leaves out what the config says under its whole name."""
    draft = Draft(kind="wandb", source=f"/w/{' '.join(words)}", run=" ".join(words), config=settings(config),
                  program="train.py", argv=words, status="completed")  # fmt: skip
    return imported(draft, ImportSettings()).run


def told(a, b):
    """The factors, by a comparison and by a study, and how many cohorts the two are."""
    varying = [column.factor for column in study([a, b], settings=Settings()).table.columns]
    found = [row.factor for row in compare(a, b, settings=Settings()).factors]
    return found, varying, len(cohorts([a, b]))


@pytest.mark.parametrize("made", [ours, theirs])
@pytest.mark.parametrize(
    ("cut", "whole"),
    [(("--dataset", "ogbl-collab"), ("--dataset_name", "ogbl-collab")),
     (("--dataset=ogbl-collab",), ("--dataset-name=ogbl-collab",)),
     ((*TYPED, "--hidden", "64"), (*TYPED, "--hidden_channels", "64")),
     ((*TYPED, "--hidden", "64", "--dataset", "ogbl-collab"),
      (*TYPED, "--hidden_channels", "64", "--dataset_name", "ogbl-collab"))],
    ids=["a text", "glued", "a number", "two of them"],
)  # fmt: skip
def test_an_option_cut_short_is_the_one_that_it_stands_for(made, cut, whole):
    a, b = made(*cut), made(*whole)

    assert told(a, b) == told(b, a) == ([], [], 1)


@pytest.mark.parametrize("made", [ours, theirs])
def test_what_an_option_cut_short_sets_is_one_factor(made):
    a = made("--dataset", "ogbl-collab", *TYPED)
    b = made("--dataset_name", "ogbl-citation", *TYPED, dataset_name="ogbl-citation")

    assert told(a, b) == (["config.dataset_name"], ["config.dataset_name"], 2)


OF_ITS_OWN = {
    "the setting has another value": (("--dataset", "ogbl-ppa"), TYPED, {}),
    "two settings begin so": (("--dataset", "ogbl-collab"), TYPED, {"dataset_root": "/d"}),
    "a setting has the name itself": (("--dataset", "ogbl-collab"), TYPED, {"inner": {"dataset": 3}}),
    "another quantity": (("--hidden", "64"), TYPED, {"hidden_min": 64, "hidden_channels": ...}),
    "a number, and nothing else typed": (("--hidden", "64"), (), {}),
    "a number, and an option that is no setting": (("--hidden", "64"), (*TYPED, "--config", "a.yaml"), {}),
    "the whole name was typed too": (("--dataset", "ogbl-collab"), (*TYPED, "--dataset_name", "ogbl-collab"), {}),
    "a single dash": (("-dataset", "ogbl-collab"), TYPED, {}),
    "too short": (("--hi", "64"), TYPED, {}),
}  # fmt: skip


@pytest.mark.parametrize("made", [ours, theirs])
@pytest.mark.parametrize(("word", "typed", "config"), OF_ITS_OWN.values(), ids=OF_ITS_OWN)
def test_a_word_that_nothing_shows_to_be_cut_short_is_a_choice(made, word, typed, config):
    found, varying, many = told(made(*word, *typed, **config), made(*typed, **config))

    assert (len(found), len(varying), many) == (1, 1, 2)
