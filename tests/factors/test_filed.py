"""A group or tags that only repeat what another factor says are no factor beside it; any other may say what it was."""

from dataclasses import replace

import pytest

from runaudit.records.manifest import Manifest
from runaudit.settings import Settings
from runaudit.study.study import study
from tests.importers.test_draft import changed, run_of


def filed(number, given, recorded, key="group", **config):
    run = run_of(run=f"r{number}", config={"seed": 0, **config}, argv=[f"--{key}", given], code={"commit": "c" * 40})
    body = run.manifest.to_json()
    told = {**body["origin"], "called": {key: [recorded] if key == "tags" else recorded}}
    return replace(run, manifest=Manifest.of({**body, "origin": told}))


@pytest.mark.parametrize(
    ("given", "recorded", "rates", "expected"),
    [
        (("lr0.1", "lr0.2"), ("lr0.1", "lr0.2"), (0.1, 0.2), {"config.lr"}),
        (("base", "ours"), ("base", "ours"), (0.1, 0.2), {"config.lr", "config.args.group"}),
        (("cosine-lr0.1", "linear-lr0.2"), ("cosine-lr0.1", "linear-lr0.2"), (0.1, 0.2),
         {"config.lr", "config.args.group"}),
        (("lr0.1", "lr0.2"), ("lr0.1", "lr0.2"), (0.1, 0.1), {"config.args.group"}),
        (("lr0.1", "lr0.2"), ("x", "y"), (0.1, 0.2), {"config.lr", "config.args.group"}),
        (("lr0.15", "lr0.2"), ("lr0.15", "lr0.2"), (0.1, 0.2), {"config.lr", "config.args.group"}),
    ],
    ids=["the rate", "a variant", "both", "no rate", "the tracker has another", "a rate beside it"],
)  # fmt: skip
def test_a_group_counts_unless_it_only_says_what_another_factor_does(given, recorded, rates, expected):
    a, b = (filed(n, given[n], recorded[n], lr=rates[n]) for n in (0, 1))

    assert changed(a, b) == expected
    assert {column.factor for column in study([a, b], settings=Settings()).model.columns} == expected


def test_words_of_two_factors_are_told_by_both():
    words = [("r18-lr0.1", "r18", 0.1), ("r50-lr0.2", "r50", 0.2)]
    a, b = (filed(n, said, said, "tags", arch=arch, lr=lr) for n, (said, arch, lr) in enumerate(words))

    assert changed(a, b) == {"config.arch", "config.lr"}
