"""A job of Hydra's and the record that W&B has of it are one run where nothing else fits either, and two otherwise."""

from dataclasses import replace

import pytest

from runaudit.importers.answer import ImportAnswer
from runaudit.importers.draft import Draft
from runaudit.importers.merging import of_trackers
from runaudit.importers.onejob import with_jobs
from runaudit.importers.onetraining import of_one_training, trace_of

LR = {"optim": {"lr": 0.1}, "seed": 0, "data": None}


def job(day="2026-01-01/10-00-00/0", config=LR, **rest):
    place = f"/p/multirun/{day}"
    rest = {"program": "train.py", "overrides": ["seed=0"]} | rest
    where = {"cwd": "/p", "run_dir": place}
    return Draft(kind="hydra", source=place, run=day, identity=place, config=config, launch=where, **rest)


def wandb(at="20260101_100003", config=LR, cwd="/p", **rest):
    rest = {"program": "/p/train.py", "argv": ["-m", "seed=0,1"], "launch": {"cwd": cwd}} | rest
    curves = {"acc": ((0, 0.5), (1, 0.7))}
    return Draft(kind="wandb", source=f"/p/wandb/run-{at}-abcdefgh", run=at, config=config, series=curves, **rest)


def told(*drafts):
    traces = {(number, 0): trace_of(draft) for number, draft in enumerate(drafts)}
    found = with_jobs(of_one_training(traces), traces)
    return [sorted(key[0] for key in group) for group in found.groups], {a[0]: b[0] for a, b in found.jobs.items()}


@pytest.mark.parametrize("other", [
    wandb(), wandb(config={"optim.lr": 0.1, "seed": 0, "data": None, "more": 1}),
    wandb(config=None, argv=["seed=0"]),
    replace(wandb(), source="/p/wandb/offline-run-20260101_233000-abcdefgh"),
])  # fmt: skip
def test_a_job_and_the_one_record_that_has_its_settings_folder_and_start_are_one(other):
    assert told(job(), other) == ([[0, 1]], {})


@pytest.mark.parametrize("other", [
    wandb(config={**LR, "seed": 1}), wandb(config={"optim": {"lr": 0.1}, "seed": 0}), wandb(cwd="/q"),
    wandb(at="20260101_095950"), wandb(program="/p/eval.py"), wandb(config=None, argv=["seed=1"]),
    wandb(config=None),
], ids=["seed", "fewer settings", "folder", "before", "script", "options", "a sweep's options"])  # fmt: skip
def test_what_contradicts_a_job_or_says_less_than_it_is_another_run(other):
    assert told(job(), other) == ([], {})


def test_a_job_by_itself_is_of_its_own_hour():
    alone = job("2026-01-01/10-00-00")

    assert told(alone, wandb(at="20260101_105959")) == ([[0, 1]], {})
    assert told(alone, wandb(at="20260101_120000")) == ([], {})


def test_the_jobs_of_a_sweep_each_find_their_record_and_a_launch_a_day_later_its_own():
    jobs = [job(f"2026-01-0{day}/10-00-00/{seed}", {**LR, "seed": seed}) for day in (1, 2) for seed in (0, 1)]
    theirs = [wandb(f"2026010{day}_1000{seed:02}", {**LR, "seed": seed}) for day in (1, 2) for seed in (0, 1)]

    groups, doubtful = told(*jobs, *theirs)

    assert (sorted(groups), doubtful) == ([[0, 4], [1, 5], [2, 6], [3, 7]], {})


def test_where_a_job_fits_several_records_all_stay_apart_and_say_so():
    groups, doubtful = told(job(), wandb(), wandb(at="20260101_100009"))

    assert (groups, doubtful) == ([], {0: 1, 1: 0, 2: 0})
    assert told(job(), job("2026-01-01/09-00-00/0"), wandb()) == ([], {0: 2, 1: 2, 2: 0})


def test_what_was_put_together_is_told_and_is_no_fault_of_the_record():
    one = of_trackers([job(), wandb()])

    assert one.notes[-1].startswith("2 records (Hydra, W&B) are of one training: the job of Hydra's has the settings")
    assert one.series and one.argv == ()
    rows = [{"id": "a" * 64, "kind": "hydra", "missing": [], "grade": "A", "note": note}
            for note in ("; ".join(one.notes), f"{one.notes[-1]}; 1 line is torn")]  # fmt: skip
    assert [note for note in ImportAnswer(rows=rows, skipped=()).notes if "as it should be" in note] == [
        "of 1 run something in the record is not as it should be: `runaudit show RUN` says what"
    ]
