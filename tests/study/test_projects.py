"""Runs of unrelated programs are no design together; whatever may belong together stays together."""

from dataclasses import replace

import pytest

from runaudit.errors import NothingToJudgeError, UsageError
from runaudit.judge.many import study_store
from runaudit.records.manifest import Manifest
from runaudit.settings import Settings
from runaudit.study.answer import answer, judged
from runaudit.study.projects import projects_of
from runaudit.study.text import text_lines
from tests.study.samples import run, runs

VISION = {"lr": 0.1, "crop": 9, "flip": True, "depth": 3}
TEXT = {"lr": 0.1, "vocab": 100, "heads": 4, "layers": 2}


def foreign(config, *, kind="wandb", code=None, seed=1):
    made = run(config, seed=seed, code=code or {"dirty": False})
    return replace(made, manifest=Manifest.of({**made.manifest.to_json(), "origin": {"kind": kind}}))


def sizes(found):
    return [len(one.runs) for one in projects_of(found)]


def test_runs_that_share_neither_program_nor_most_settings_are_two_studies_the_larger_first():
    vision = [foreign({**VISION, "lr": lr}, kind="hydra") for lr in (0.1, 0.2)]
    text = [foreign({**TEXT, "lr": lr}) for lr in (0.1, 0.2, 0.3)]

    found = projects_of([vision[0], *text, vision[1]])

    assert [one.number for one in found] == [1, 2]
    assert [{one.id for one in part.runs} for part in found] == [{r.id for r in text}, {r.id for r in vision}]


@pytest.mark.parametrize("shared", [{"program": "train.py"}, {"commit": "c" * 40}, {"remote": "https://x/y.git"}])
def test_one_program_commit_or_repository_is_one_study_whatever_the_settings(shared):
    assert sizes(
        [foreign(VISION, code={"dirty": False, **shared}), foreign(TEXT, code={"dirty": False, **shared})]
    ) == [2]


def test_settings_that_are_mostly_the_same_join_two_scripts():
    one, other = ({"dirty": False, "program": name} for name in ("a/train.py", "b/train.py"))

    assert sizes([foreign(VISION, code=one), foreign({**VISION, "extra": 1}, code=other)]) == [2]


def test_what_was_recorded_here_is_one_project():
    assert sizes([run(VISION), run(TEXT), run({"other": 1})]) == [3]


def test_the_study_of_a_store_is_of_its_largest_project_and_names_the_others():
    own = runs([{"a": 1}, {"a": 2}], seeds=(1, 2))
    text = [foreign({**TEXT, "lr": lr}) for lr in (0.1, 0.2)]

    found = study_store([*text, *own], Settings())

    assert answer(found)["part"] == {"part": 1, "name": found.project.name, "runs": 4}
    assert [row["command"] for row in answer(found)["other_parts"]] == ["runaudit study --part 2"]
    assert [column.factor for column in found.model.columns] == ["config.a"]
    said = "\n".join(text_lines(found, judged(found)))
    assert "these are 4 of 6 runs" in said and "runaudit study --part 2" in said
    second = study_store([*text, *own], Settings(), 2)
    assert [column.factor for column in second.model.columns] == ["config.lr"]


def test_one_project_is_told_as_one():
    found = study_store(runs([{"a": 1}, {"a": 2}]), Settings())

    assert answer(found)["part"] is None and answer(found)["other_parts"] == []


def test_a_part_that_is_not_there_and_one_that_cannot_be_judged_say_what_can():
    alone = [*runs([{"a": 1}, {"a": 2}]), foreign(TEXT)]

    with pytest.raises(UsageError, match="no part 3"):
        study_store(alone, Settings(), 3)
    with pytest.raises(NothingToJudgeError) as refused:
        study_store(alone, Settings(), 2)
    assert "runaudit study --part 1" in refused.value.remedy
