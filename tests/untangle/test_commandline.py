"""A choice moved into a command moves the factors that `diff` names, and nothing else of it."""

from pathlib import Path

from runaudit.untangle.commandline import applied, choices, redirected, with_seed

A = ("python", "train.py", "--lr", "0.1", "--seed", "1", "--deep", "model.width=8", "data/a")
B = ("python", "train.py", "--lr", "0.3", "--seed", "2", "model.width=16", "--focal", "2", "data/a")


def test_every_difference_is_a_choice_with_its_factors():
    found = {one.key[0]: (one.a, one.b, set(one.factors)) for one in choices(A, B)}

    assert found["--lr"] == (("--lr", "0.1"), ("--lr", "0.3"), {"config.args.lr"})
    assert found["--deep"] == (("--deep",), None, {"config.args.deep"})
    assert found["model.width="][2] == {"config.args['model.width']"}
    assert found["--seed"][2] == {"config.args.seed"}


def test_one_choice_of_the_other_command_leaves_the_rest_as_it_is():
    lr = next(one for one in choices(A, B) if one.key[0] == "--lr")
    assert applied(A, (lr,)) == ("python", "train.py", "--lr", "0.3", *A[4:])


def test_an_option_that_only_a_has_goes_and_one_that_only_b_has_comes():
    one = {choice.key[0]: choice for choice in choices(("p", "--deep", "--x", "1"), ("p", "--x", "1", "--new", "3"))}
    assert applied(("p", "--deep", "--x", "1"), tuple(one.values())) == ("p", "--x", "1", "--new", "3")


def test_the_seed_is_set_wherever_the_command_names_one():
    assert with_seed(("p", "--seed", "1", "--lr", "1"), 9) == ("p", "--seed", "9", "--lr", "1")
    assert with_seed(("p", "--random-seed=1", "trainer.seed=1"), 9) == ("p", "--random-seed=9", "trainer.seed=9")
    assert with_seed(("p", "--lr", "1"), 9) is None
    assert with_seed(("p", "train.py", "4"), 9, was=4) == ("p", "train.py", "9")
    assert with_seed(("p", "4", "4"), 9, was=4) is None


def test_where_a_run_wrote_outside_its_tree_no_hybrid_writes():
    words = ("p", "--out", "/scratch/exp1", "--log=/scratch/log.csv", "--data", "/scratch/data", "--sub", "runs/1")
    inside = ("p", "--out", "/work/runs/1")
    written = {"/scratch/exp1/model.pt", "/scratch/log.csv", "/work/runs/1/x"}

    found = redirected(words, written, cwd=Path("/work"), top=Path("/work"), to=Path("/t/outside"))

    again = redirected(inside, written, cwd=Path("/work"), top=Path("/work"), to=Path("/t/outside"))
    assert again == ("p", "--out", "/t/outside/2/1")
    assert found == ("p", "--out", "/t/outside/2/exp1", "--log=/t/outside/3/log.csv", *words[4:])
