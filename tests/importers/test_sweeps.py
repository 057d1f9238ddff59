"""Hydra's sweep words in the record of a job: what offers the value that the job has repeats it, the rest counts."""

import pytest

from runaudit.importers.sweeps import is_offered, is_sweep, without_switch
from tests.importers.test_draft import changed, run_of


@pytest.mark.parametrize(
    ("words", "value", "is_one"),
    [
        ("0,1,2", 1, True),
        ("0,1,2", 3, False),
        ("range(0,3)", 2, True),
        ("range(0,3)", 3, False),
        ("range(3)", 0, True),
        ("range(1,10,step=4)", 9, True),
        ("range(1,10,step=4)", 2, False),
        ("range(3,0,-1)", 1, True),
        ("range(0,3,0)", 0, False),
        ("choice(a, 'b c')", "b c", True),
        ("interval(0.1,0.5)", 0.3, True),
        ("interval(0.1,0.5)", 0.7, False),
        ("interval(a,b)", 0.7, False),
        ("[1,2],[3,4]", [3, 4], True),
        ("[1,2],[3,4]", [3], False),
        ("true,false", True, True),
        ("range(0,1e300)", 5, True),
        ("range()", 5, False),
    ],
)
def test_a_word_offers_the_values_that_hydra_reads_in_it(words, value, is_one):
    assert is_offered("optim.x", words, {"optim": {"x": value}}) is is_one


@pytest.mark.parametrize(
    ("argv", "is_one"),
    [
        (["-m", "seed=0,1"], True),
        (["seed=0,1", "-m"], True),
        (["--multirun"], True),
        (["hydra.mode=MULTIRUN", "seed=0,1"], True),
        (["-m", "vgg"], False),
        (["-m", "vgg", "seed=0"], False),
        (["-m"], False),
        (["--lr", "1"], False),
    ],
)
def test_a_sweep_is_told_by_words_that_set_something(argv, is_one):
    assert is_sweep(argv) is is_one
    assert ("-m" in without_switch(argv)) is ("-m" in argv and not is_one)


def job(seed, *argv, **config):
    return run_of(run=f"r{seed}", program="train.py", argv=argv, code={"commit": "c" * 40},
                  config={"seed": seed, "lr": 0.1, **config})  # fmt: skip


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (["-m", "seed=0,1,2", "lr=0.1"], ["-m", "seed=3,4,5", "lr=0.1"]),
        (["--multirun", "seed=range(0,3)"], ["seed=3"]),
        (["-m", "seed=0,1", "hydra.run.dir=a", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2"], ["-m", "seed=3"]),
    ],
)
def test_two_sweeps_over_other_seeds_are_one_design(a, b):
    assert changed(job(0, *a), job(3, *b)) == {"seed"}


@pytest.mark.parametrize(
    ("a", "b", "kept"),
    [
        (["-m", "seed=0,1", "model=a"], ["-m", "seed=0,1", "model=b"], "config.args.model"),
        (["-m", "seed=0,1", "+x=1"], ["-m", "seed=0,1"], "config.args.x"),
        (["-m", "seed=5,6"], ["-m", "seed=7,8"], "config.args.seed"),
        (["hydra.job.env_set.A=1"], ["hydra.job.env_set.A=2"], "config.args['hydra.job.env_set.A']"),
        (["hydra.launcher.gpus_per_node=1"], ["hydra.launcher.gpus_per_node=2"],
         "config.args['hydra.launcher.gpus_per_node']"),
    ],
)  # fmt: skip
def test_a_word_that_no_config_repeats_counts(a, b, kept):
    assert kept in changed(job(0, *a), job(0, *b))


def test_the_folder_of_a_run_that_may_go_on_there_counts():
    a, b = (job(0, f"hydra.run.dir={place}", resume=True) for place in "ab")

    assert changed(a, b) == {"config.args['hydra.run.dir']"}
