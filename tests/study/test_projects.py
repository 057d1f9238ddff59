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


def own(config, *, top, commit, files, script="train.py", host="h", seed=1, **more):
    """A run that was recorded here: its code, and where that stood."""
    made = run(config, seed=seed, code={"commit": commit * 40, "dirty": False, "patch": None, "files": files})
    launch = {"hostname": host, "top": top, "script": script}
    return replace(made, manifest=Manifest.of({**made.manifest.to_json(), "launch": launch, **more}))


def code(**texts):
    """A code section's files: of each name its digest."""
    return {f"{name}.py": text for name, text in texts.items()}


def test_what_was_recorded_here_and_says_nothing_of_its_code_is_one_project():
    silent = {"code": {"dirty": False}}

    assert sizes([run(VISION, **silent), run(TEXT, **silent), run({"other": 1}, **silent)]) == [3]


def test_two_repositories_that_share_a_store_are_two_studies_even_with_a_script_and_a_setting_of_one_name():
    one = [own({"lr": lr}, top="/a", commit="1", files=code(train="x")) for lr in (0.1, 0.2)]
    two = [own({"lr": lr, "width": 3}, top="/b", commit="2", files=code(train="y")) for lr in (0.1, 0.2, 0.3)]
    same = [own({"lr": lr}, top="/c", commit="3", files=code(train="z")) for lr in (0.1, 0.2)]

    assert sizes([one[0], *two, one[1], *same]) == [3, 2, 2]
    assert [part.name for part in projects_of([*one, *two])] == [f"{tree}/train.py (record files)" for tree in "ba"]


@pytest.mark.parametrize(
    ("change", "joined"),
    [
        ({"top": "/a"}, True),  # one work tree, another commit, every line rewritten
        ({"commit": "1"}, True),  # a clone
        ({"files": code(train="x")}, True),  # the same script
        ({"files": code(train="y", model="m", data="d")}, True),  # most of the code, in a copy that went on
        ({"files": code(train="y", model="n", data="d")}, False),  # one helper that was copied
        ({"top": "/a", "host": "g"}, False),  # two containers that both say /a
        ({}, False),
    ],
)
def test_work_tree_commit_script_or_most_of_the_code_keep_two_runs_of_ours_one_project(change, joined):
    first = own({"lr": 1}, top="/a", commit="1", files=code(train="x", model="m", data="d"))
    second = own(**{"config": {"width": 1}, "top": "/b", "commit": "2", "files": code(train="y"), **change})

    assert sizes([first, second]) == ([2] if joined else [1, 1])


def test_what_was_made_of_a_run_is_of_its_project():
    base = [own({"lr": 1}, top="/a", commit="1", files=code(train="x"), seed=seed) for seed in (1, 2)]
    made = {"config": {"lr": 1}, "commit": "2", "files": code(train="y")}
    again = own(**made, top="/tmp/1", origin={"kind": "captured", "rerun_of": base[0].id})
    plan = {"plan": {"a": [base[0].id], "b": [base[1].id]}}
    hybrid = own(**made, top="/tmp/2", host="g", origin={"kind": "captured", "untangle": plan})

    assert sizes([*base, again, hybrid]) == [4]


def test_a_run_of_ours_that_says_nothing_of_its_code_stays_with_the_largest_project():
    large = [own({"lr": lr}, top="/a", commit="1", files=code(train="x")) for lr in (1, 2, 3)]
    small = [own({"width": 1}, top="/b", commit="2", files=code(train="y"))]

    assert sizes([*small, *large, run({"other": 1}, code={"dirty": False})]) == [4, 1]


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
