"""What holds of every foreign record alike: its seed, its script, its command line, its end."""

import os

import pytest

from runaudit.diff import compare
from runaudit.factors.cohort import cohorts
from runaudit.importers.draft import Draft, imported, typed
from runaudit.importers.seeds import find_seed
from runaudit.records.filenames import on_disk
from runaudit.records.manifest import START
from runaudit.settings import VOUCHABLE, ImportSettings, Settings
from runaudit.study.study import study

COMMIT = "c" * 40


def run_of(*, wanted=(), **facts):
    draft = Draft(kind="wandb", source="somewhere", **{"run": "r1", **facts})
    return imported(draft, ImportSettings(seed=wanted)).run


def changed(a, b):
    """The factors of two runs, as their names."""
    return {factor.factor for factor in compare(a, b, settings=Settings()).factors}


# ── seeds ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("config", "args"),
    [
        ({"seed": 3}, {}),
        ({"random seed": 3}, {}),
        ({"RNG_SEED": 3}, {}),
        ({"PL_GLOBAL_SEED": "3"}, {}),
        ({"rng": 3}, {}),
        ({"initial_seed": 3}, {}),
        ({"train": {"seed": 3}}, {}),
        ({"train.seed": 3}, {}),
        ({"args": {"seed": 3}}, {}),
        ({"lr": 1}, {"seed": 3}),
        ({"seed": "3"}, {}),
        ({"trainer": {"seed_everything": 3}, "data": {"split_seed": 7}}, {}),
    ],
    ids=str,
)
def test_a_seed_is_found_under_any_name(config, args):
    assert find_seed(config, args, "", ()).value == 3


def test_seeds_of_one_rank_that_disagree_name_none():
    assert find_seed({"a": {"seed": 1}, "b": {"seed": 2}}, {}, "", ()) is None
    assert find_seed({"seed": 5, "a": {"seed": 1}, "b": {"seed": 2}}, {}, "", ()).value == 5


def test_a_policy_says_which_setting_is_the_seed():
    config = {"seed": 1, "luck": {"draw": 9}}

    assert find_seed(config, {}, "", ("config.luck.draw",)).value == 9
    assert find_seed(config, {}, "", ("luck.draw",)).value == 9
    assert find_seed(config, {}, "", ("config.nowhere",)).value == 1


def test_a_seed_that_was_set_to_nothing_is_known_to_be_none():
    run = run_of(config={"seed": None})

    assert run.manifest.seed is None


def test_a_seed_in_the_name_of_a_run_is_a_guess_and_marked_as_one():
    run = run_of(name="resnet-seed7", config={"lr": 1})

    assert "seed" not in run.manifest.body
    assert run.manifest.reason("seed") == "only the run's name hints at it: 7"


@pytest.mark.parametrize("key", ["seed", "RNG_SEED", "random seed", "luck"])
def test_runs_of_one_design_and_two_seeds_are_replicates_whatever_the_seed_is_called(key):
    a, b = (run_of(run=f"r{seed}", config={"lr": 0.1, key: seed}, code={"commit": COMMIT}, wanted=("luck",),
                   metrics={"loss": seed}) for seed in (1, 2))  # fmt: skip

    assert changed(a, b) == {"seed"}
    assert compare(a, b, settings=Settings()).conditional == "replicate"


def test_the_seed_of_a_split_is_a_setting():
    a, b = (run_of(config={"seed": 1, "split_seed": split}, code={"commit": COMMIT}) for split in (1, 2))

    assert changed(a, b) == {"config.split_seed"}


# ── the program ──────────────────────────────────────────────────────────────────────────────────────────────────


def script(program, **facts):
    return run_of(program=program, config={"lr": 0.1, "seed": 1}, **{"code": {"commit": COMMIT}, **facts})


def test_two_scripts_of_one_name_are_two():
    a, b = (script(f"/w/exp/{trick}/train_gpt.py", launch={"cwd": "/w"}) for trick in ("rope", "swiglu"))

    assert changed(a, b) == {"code.program"}
    assert a.manifest.body["code"]["program"] == "exp/rope/train_gpt.py"


def test_one_script_in_two_work_trees_is_one():
    a, b = (script(f"/home/{who}/p/train.py", launch={"cwd": f"/home/{who}/p"}) for who in ("ada", "bob"))

    assert changed(a, b) == set()


def test_where_the_tracker_names_the_script_within_the_tree_that_counts():
    a, b = (script("/w/train.py", code={"commit": COMMIT, "codePath": path}) for path in ("a/train.py", "b/train.py"))

    assert changed(a, b) == {"code.program"}


def test_a_script_on_windows_is_named_as_elsewhere():
    run = script(r"C:\work\p\src\train.py", launch={"cwd": r"C:\work\p"})

    assert run.manifest.body["code"]["program"] == "src/train.py"


# ── what is not there, and the end ───────────────────────────────────────────────────────────────────────────────


def test_a_config_that_is_not_in_the_record_is_unknown_and_an_empty_one_is_empty():
    silent, empty = run_of(), run_of(config={})

    assert "config" not in silent.manifest.body and silent.manifest.reason("config")
    assert empty.manifest.body["config"] == {}


@pytest.mark.parametrize(("code", "status"), [(0, "completed"), (1, "crashed"), (255, "killed"), (137, "killed")])
def test_an_exit_code_says_how_a_run_ended(code, status):
    assert run_of(exit_code=code).status == status


def test_a_run_that_does_not_say_how_it_ended_has_its_metrics_all_the_same():
    run = run_of(series={"loss": ((0, 2.0), (1, 1.0))}, metrics={"val/acc": 0.5})

    assert (run.status, run.outcome, dict(run.metrics)) == ("unknown", None, {"loss": 1.0, "val/acc": 0.5})
    assert run.finished


def test_a_word_of_the_command_line_that_the_config_holds_is_no_setting_of_its_own():
    run = run_of(config={"optim": {"lr": 0.1}, "depth": 3}, argv=["optim.lr=0.1", "--depth", "3", "--fast"])

    assert run.manifest.body["config"] == {"optim": {"lr": 0.1}, "depth": 3, "args": {"fast": True}}


@pytest.mark.parametrize(
    ("argv", "config", "kept"),
    [
        (["--lr", "0.1"], {"lr_min": 0.1}, {"lr": 0.1}),  # a name of its own
        (["--dropout", "0.1"], {"dropout_attn": 0.1}, {"dropout": 0.1}),
        (["--mod", "elph"], {"model_name": "elph"}, {}),  # cut short within a word
        (["-s", "3"], {"seed": 3}, {}),
        (["-B", "8"], {"b": 8}, {"B": 8}),
        (["--LR", "0.1"], {"lr": 0.1}, {}),
        (["--aug", "flip", "--aug", "crop"], {"aug": ["flip", "crop"]}, {}),
        (["--lr", "0.1", "--lr", "0.2"], {"lr": 0.2}, {}),  # the last one acted, as the config says
        (["--lr", "0.1", "--lr", "0.2"], {"lr": 0.1}, {"lr": [0.1, 0.2]}),
    ],
    ids=str,
)
def test_a_word_is_told_twice_only_by_the_setting_that_it_sets(argv, config, kept):
    assert run_of(config=config, argv=argv).manifest.to_json()["config"].get("args", {}) == kept


@pytest.mark.parametrize(
    ("words", "seeds", "expected"),
    [
        ((["1"], ["2"]), (1, 2), {"seed"}),
        ((["1"], ["1"]), (1, 2), {"seed"}),  # a fold that one run's seed happens to be
        ((["3"], ["4"]), (1, 2), {"seed", "config.args.positional.1"}),
        ((["1", "5"], ["2", "6"]), (1, 2), {"seed", "config.args.positional.2"}),
        ((["--fold", "1"], ["--fold", "2"]), (1, 2), {"seed", "config.args.fold"}),
    ],
    ids=["its seed", "a fold", "another number", "the second", "an option"],
)
def test_a_word_without_a_name_is_the_seed_where_it_has_its_value_in_both(words, seeds, expected):
    a, b = (typed_in(argv, {"lr": 0.1}, seed=seed) for argv, seed in zip(words, seeds, strict=True))

    assert changed(a, b) == expected
    assert len(cohorts([a, b], settings=Settings())) == (1 if expected == {"seed"} else 2)


@pytest.mark.parametrize(
    ("text", "value"), [("3", 3), ("1e-3", 0.001), ("True", True), ("None", None), ("adam", "adam"), ("-x", "-x")]
)
def test_a_setting_kept_as_text_is_what_it_was(text, value):
    assert typed(text) == value


# ── a word that tracks a setting of another name ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("word", "setting", "values"),
    [
        ("lr", "learning_rate", (1, 2)),  # the initials
        ("layers", "num_layers", (3, 5)),  # a word in common
        ("rate", "eta", (0.25, 0.5)),  # values that nothing else is likely to have
        ("model", "arch", ("r18", "r50")),
        ("batch", "bs", (32, 64)),  # names that begin alike, and more than a few
        ("b", "batch_size", (1, 2)),  # the beginning of its name
    ],
)
def test_a_word_that_moves_as_one_setting_does_is_that_setting(word, setting, values):
    a, b = (run_of(config={"seed": 1, "optim": {setting: value}}, argv=[f"--{word}={value}"], code={"commit": COMMIT})
            for value in values)  # fmt: skip

    assert changed(a, b) == {f"config.optim.{setting}"}


@pytest.mark.parametrize(
    ("argv", "config"),
    [
        (["--gpus={}"], {"layers": "{}"}),  # any two choices may go from 1 to 2
        (["--lr={}"], {"lr_min": "{}"}),  # another quantity
        (["--lr={}", "--rate={}"], {"learning_rate": "{}"}),  # which of the two is it?
        (["--lr={}"], {"learning_rate": "{}", "low_rate": "{}"}),
    ],
    ids=str,
)
def test_a_word_that_may_be_another_choice_stays_a_factor(argv, config):
    a, b = (run_of(config={"seed": 1, **dict.fromkeys(config, value)}, argv=[word.format(value) for word in argv],
                   code={"commit": COMMIT}) for value in (1, 2))  # fmt: skip

    assert {name for name in changed(a, b) if name.startswith("config.args")}


# ── cohorts ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_runs_whose_config_nobody_knows_are_no_cohort():
    silent = [run_of(run=f"r{number}", code={"commit": COMMIT}) for number in range(3)]
    told = [run_of(run=f"s{number}", code={"commit": COMMIT}, config={"lr": 1, "seed": number}) for number in range(3)]

    found = cohorts([*silent, *told], settings=Settings())

    assert sorted(len(one.runs) for one in found) == [1, 1, 1, 3]
    assert len({one.id for one in found}) == 4


def typed_in(words, config, seed=0):
    return run_of(run=f"r{words}{seed}", program="t.py", argv=words, config={**config, "seed": seed})


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [(([], {"learning_rate": 0.1}), (["--lr", "0.2"], {"learning_rate": 0.2}), {"config.learning_rate"}),
     (([], {"x": 0.1}), (["--lr", "0.2"], {"x": 0.2}), {"config.x", "config.args.lr"}),
     (([], {"learning_rate": 0.1}), (["--lr", "0.3"], {"learning_rate": 0.2}),
      {"config.learning_rate", "config.args.lr"}),
     (([], {"learning_rate": 0.2}), (["--lr", "0.2"], {"learning_rate": 0.2}), {"config.args.lr"}),
     (([], {"learning_rate": 0.1, "low_rate": 0.1}), (["--lr", "0.2"], {"learning_rate": 0.2, "low_rate": 0.2}),
      {"config.learning_rate", "config.low_rate", "config.args.lr"}),
     (([], {"learning_rate": 0.1}), (["--lr", "0.2", "--l-r", "0.2"], {"learning_rate": 0.2}),
      {"config.learning_rate", "config.args.lr", "config.args.l_r"})],
    ids=["set by it", "another name", "another value", "it changed nothing", "which of two settings", "by which word"],
)  # fmt: skip
def test_a_word_that_one_run_left_out_is_one_choice_with_the_setting_that_moved(a, b, expected):
    first, second = (typed_in(*side) for side in (a, b))

    assert changed(first, second) == expected
    found = study([first, second, typed_in(*b, seed=1)], settings=Settings())
    assert {column.factor for column in found.model.columns} == expected


# ── where its record begins ──────────────────────────────────────────────────────────────────────────────────────


def curve(*steps):
    return {"loss": tuple((step, 1 / (step + 1)) for step in steps)}


@pytest.mark.parametrize(
    ("series", "is_there"),
    [(curve(0, 1, 2), True), (curve(50, 100, 150), True), (curve(49, 99, 149), True), (curve(16, 17, 18), False),
     (curve(500, 550, 600), False), ({**curve(16, 17, 18), "val": ((0, 1.0),)}, True), (curve(16), True),
     (curve(16, 20), True), (curve(1_700_000_000, 1_700_000_060, 1_700_000_120), True), ({}, True)],
    ids=["from 0", "every 50th", "every 50th, from 49", "late", "late, every 50th", "another curve", "one number",
         "two numbers", "a clock", "no numbers"],
)  # fmt: skip
def test_numbers_that_begin_at_a_later_step_leave_open_from_where_they_went_on(series, is_there):
    unknown = run_of(config={"lr": 1}, series=series).manifest.section("unknown")

    assert (START not in unknown) is is_there


def test_what_is_known_of_the_start_is_no_gap():
    run = run_of(series=curve(16, 17, 18), init={"kind": "resume", "checkpoint": "sha256:" + "0" * 64})

    assert START not in run.manifest.section("unknown")


def test_nobody_vouches_that_a_resumed_run_began_as_the_others_did():
    """Of two that both begin late the user may know that they began alike; their records do not deny it."""
    fresh, late, other = (
        run_of(run=name, seed=seed, config={"lr": 1}, series=curve(*steps))
        for name, seed, steps in (("a", 0, (0, 1, 2)), ("b", 0, (16, 17, 18)), ("c", 1, (16, 17)))
    )
    vouching = Settings(imports=ImportSettings(typed=VOUCHABLE))

    (gap,) = [row for row in compare(fresh, late, settings=vouching).missing if row.factor == START]
    assert (gap.side, gap.assumed, gap.never) == ("b", False, "")
    late_too = run_of(run="d", seed=1, config={"lr": 1}, series=curve(16, 17, 18))
    assert all(row.assumed for row in compare(late, late_too, settings=vouching).missing if row.factor == START)
    assert [len(one.runs) for one in cohorts([fresh, late, late_too, other])] == [2, 2]


def test_a_name_that_is_not_utf_8_is_spelt_out_and_costs_no_run(tmp_path):
    folder = os.fsdecode(os.fsencode(tmp_path / "r") + b"\xe9sum\xe9")
    draft = Draft(kind="csv", source=folder, run="x", name=os.path.basename(folder), metrics={"a\udce9": 1.0},
                  series={"a\udce9": [(0, 2.0), (1, 1.0)]}, status="completed",
                  config={"k\udcff": ["é", "😀", "\udc80"]},
                  told={"where": "\udcff"})  # fmt: skip

    run = imported(draft, ImportSettings()).run

    body = run.manifest.to_json()
    assert body["label"] == "r\\xe9sum\\xe9"
    assert body["origin"]["source"] == f"csv:{tmp_path.resolve()}/r\\xe9sum\\xe9"
    assert on_disk(body["origin"]["source"].partition(":")[2]) == os.path.realpath(folder)
    assert body["config"] == {"k\\xff": ["é", "😀", "\\x80"]}
    assert body["origin"]["where"] == "\\xff"
    assert list(run.metrics) == list(run.trajectory.series) == ["a\\xe9"]
