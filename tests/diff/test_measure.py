"""With another ruler there is nothing to compare; where no record says what measures, a file that may is a doubt."""

from dataclasses import replace
from types import MappingProxyType

import pytest

from runaudit.diff import Verdict, compare, compare_cohorts
from runaudit.factors.cohort import cohort_of
from runaudit.factors.factor import Role
from runaudit.judge.cohorts import design_of
from runaudit.judge.many import study_runs
from runaudit.records.trajectory import Trajectory
from runaudit.settings import FactorSettings, Settings
from runaudit.study.answer import judged as judged_study
from runaudit.study.study import study
from runaudit.study.text import factor_rows
from tests.diff.seen import CODE, TREE, captured, read, seen

LOSS = (0.9090909090909091, 0.8333333333333334, 0.7692307692307693, 0.71)
FILES = {
    **TREE,
    "evaluate.py": "GAIN = 0\n",
    "score_matching.py": "S = 1\n",
    "score_model.py": "M = 1\n",
    "metrics/psnr.py": "P = 1\n",
}


def run(*words, seed=1, acc=0.5, metric="val/acc", loss=LOSS, edited=None, reads=(), **sections):
    """A run that trained and measured; edited: a file whose text is another."""
    tree = {**FILES, **({edited: FILES[edited] + "X = 2\n"} if edited else {})}
    code = (*CODE, "evaluate.py", "score_matching.py", "score_model.py", "metrics/psnr.py")
    made = captured(
        seen(*reads, tree=tree, code=code), argv=("python", "train.py", *words), seed=seed, tree=tree,
        outcome={"metrics": {metric: acc}}, **sections,
    )  # fmt: skip
    series = {"train/loss": tuple(enumerate(loss)), metric: ((len(loss) - 1, acc),)}
    return replace(made, trajectory=Trajectory(series=MappingProxyType(series)))


def judged(a, b, **policy):
    return compare(a, b, settings=Settings(factors=FactorSettings(**policy)))


def gaps(found):
    return [row.factor for row in found.missing]


MOVED = (0.9, 0.8, 0.7, 0.6)


@pytest.mark.parametrize(
    ("file", "is_open"),
    [
        ("evaluate.py", True),
        ("metrics/psnr.py", True),
        ("score_matching.py", False),
        ("score_model.py", False),
        ("net.py", False),
    ],
)
def test_an_edited_file_that_is_called_after_a_measure_leaves_open_what_was_measured(file, is_open):
    found = judged(run(), run(edited=file, acc=0.52, loss=MOVED))

    assert (gaps(found) == ["eval"]) is is_open
    assert [row.factor for row in found.factors] == [f"code.{file}"]
    assert found.conditional is (Verdict.SINGLE_FACTOR if is_open else None) or not is_open
    if is_open:
        assert f'evaluation = ["code.{file}"]' in found.missing[0].reason


def test_the_policy_says_what_measures_and_then_no_other_file_does():
    a, b = run(), run(edited="evaluate.py", acc=0.52, loss=MOVED)

    assert judged(a, b, evaluation=("code.evaluate.py",)).verdict is Verdict.INCOMPARABLE
    assert judged(a, b, evaluation=("code.metrics/psnr.py",)).verdict is Verdict.SINGLE_FACTOR
    assert judged(a, run("--lr", "2", acc=0.52), evaluation=("code.evaluate.py",)).same_training is False
    assert judged(a, run("--tta", "2", acc=0.52), evaluation=("config.args.tta",)).verdict is Verdict.INCOMPARABLE


def test_a_declared_digest_of_the_measuring_code_is_on_record():
    declared = {"eval": {"metric": "acc", "code_digest": "sha256:" + "a" * 64}}
    a, b = run(**declared), run(edited="evaluate.py", acc=0.52, **declared)

    assert (judged(a, b).verdict, judged(a, b).same_training) == (Verdict.SINGLE_FACTOR, False)
    named = {"eval": {"metric": "acc"}}  # Its name says nothing of what computes it.
    assert gaps(judged(run(**named), run(edited="evaluate.py", acc=0.52, **named)))[-1:] == ["eval"]


@pytest.mark.parametrize(
    ("words", "changes", "is_one"),
    [
        (("--metric-floor", "3"), {"acc": 0.6}, True),
        (("--metric-floor", "3"), {"acc": 0.6, "loss": MOVED}, False),
        (("--lr", "0.3"), {"acc": 0.6}, True),  # Whatever it is called: what it changed came after the training.
        (("--lr", "0.3"), {"acc": 0.6, "loss": MOVED}, False),
        (("--lr", "0.3"), {}, False),  # It changed no number at all.
        (("--lr", "0.3"), {"acc": 0.6, "loss": (1.0, 1.0, 1.0, 1.0)}, False),
        (("--lr", "0.3"), {"acc": 0.6, "seed": 2}, False),  # No seed is in both.
    ],
)
def test_a_training_that_is_one_to_the_last_bit_was_not_what_changed(words, changes, is_one):
    plain = {"loss": changes["loss"]} if changes.get("loss", MOVED) != MOVED else {}
    found = judged(run(**plain), run(*words, **changes))

    assert (gaps(found) == ["eval"]) is is_one
    assert any("one to the last bit (train/loss)" in row.reason for row in found.missing) is is_one
    assert found.same_training is is_one
    assert ("left the training as it was" in design_of(found).alone) is is_one


@pytest.mark.parametrize(
    ("option", "is_open"),
    [
        ("--test-subset", True), ("--eval.crop", True), ("--val-fraction", True), ("--evaluate-on", True),
        ("--holdout", True),
        ("--eval-every", False), ("--test-batch-size", False), ("--val-check-interval", False),
        ("--train-val", False), ("--score-weight", False), ("--metric", False), ("--contest", False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("losses", [(LOSS, MOVED), ((), ())], ids=["trained otherwise", "no training is logged"])
def test_a_setting_of_what_is_held_out_may_say_how_it_is_measured_whatever_the_training_did(option, is_open, losses):
    """`--test-subset 200` was an improvement wherever no training loss was logged."""
    found = judged(run(option, "400", loss=losses[0]), run(option, "200", acc=0.6, loss=losses[1]))

    assert (gaps(found) == ["eval"]) is is_open
    if is_open:
        assert f'evaluation = ["{found.factors[0].factor}"]' in found.missing[0].reason


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('{"lr": 1, "eval": {"crop": 250}}', "eval.crop"),
        ('{"lr": 1, "eval": {"crop": 0, "every": 5}}', ""),
        ('{"lr": 2, "eval": {"crop": 0}}', ""),
        ("no json", ""),
    ],
)
def test_a_file_of_settings_is_asked_for_what_in_it_changed(text, named):
    def side(content, acc):
        tree = {**FILES, "settings.json": content}
        made = captured(seen(tree=tree, code=(*CODE, "settings.json")), argv=("python", "train.py"), seed=1, tree=tree,
                        outcome={"metrics": {"val/acc": acc}})  # fmt: skip
        return replace(made, trajectory=Trajectory(series=MappingProxyType({"val/acc": ((3, acc),)})))

    found = judged(side('{"lr": 1, "eval": {"crop": 0}}', 0.5), side(text, 0.6))

    assert [row.reason.partition(" may say")[0] for row in found.missing] == (
        [f"{named} of code.settings.json"] if named else []
    )


@pytest.mark.parametrize("file", ["ranker/scoring.py", "dataio/validation.py"])
def test_a_file_that_may_be_called_after_a_measure_is_none_where_another_one_plainly_is(file):
    """A network has a score and a loader validates its rows, while `metrics.py` stayed."""
    tree = {**TREE, "metrics.py": "M = 1\n", file: "S = 1\n"}

    def side(text, acc, code):
        made = captured(seen(tree={**tree, file: text}, code=(*CODE, *code)), argv=("python", "train.py"), seed=1,
                        tree={**tree, file: text}, outcome={"metrics": {"val/acc": acc}})  # fmt: skip
        return replace(made, trajectory=Trajectory(series=MappingProxyType({"val/acc": ((3, acc),)})))

    def held(*code):
        return judged(side("S = 1\n", 0.5, (file, *code)), side("S = 2\n", 0.6, (file, *code)))

    assert held("metrics.py").verdict is Verdict.SINGLE_FACTOR
    assert gaps(held()) == ["eval"]


def test_data_that_changed_without_a_trace_in_the_training_is_what_was_measured_on():
    """One declared folder holds training and test data, and the record has the digest of the whole."""
    a, b = ({"data": {"all": {"path": "d", "digest": "sha256:" + letter * 64}}} for letter in "ab")

    assert gaps(judged(run(**a), run(acc=0.6, **b))) == ["eval"]
    assert judged(run(**a), run(acc=0.6, loss=MOVED, **b)).verdict is Verdict.SINGLE_FACTOR


def test_where_no_training_is_logged_an_error_that_is_one_at_every_step_shows_that_it_is_one():
    """The evaluation drops the worst of the residuals: val/rmse falls, val/mae is the same at every step."""

    def held(first, second, name):
        sides = (run(*words, loss=(), acc=acc) for words, acc in (((), 0.5), (("--robust", "0.4"), 0.4)))
        logged = [
            {name: tuple(enumerate(values)), "val/rmse": ((3, acc),)} for values, acc in ((first, 1), (second, 2))
        ]
        return judged(*(replace(side, trajectory=Trajectory(series=MappingProxyType(series)))
                        for side, series in zip(sides, logged, strict=True)))  # fmt: skip

    assert held(LOSS, LOSS, "val/mae").same_training
    assert not held(LOSS, MOVED, "val/mae").same_training
    assert not held(LOSS, LOSS, "val/top1").same_training  # A share of few samples is often the same.


@pytest.mark.parametrize(("name", "is_one"), [("train/mse", True), ("train/rmse", True), ("train/cross_entropy", True),
                                              ("train/temperature", False)])  # fmt: skip
def test_whatever_the_network_learns_by_shows_that_a_training_is_one(name, is_one):
    """`train/mse` and `train/accuracy` proved nothing, and a horizon of the evaluation alone was an improvement."""

    def side(*words, acc):
        made = run(*words, acc=acc, loss=())
        series = {name: tuple(enumerate(LOSS)), "val/acc": ((3, acc),)}
        return replace(made, trajectory=Trajectory(series=MappingProxyType(series)))

    assert judged(side(acc=0.5), side("--horizon", "2", acc=0.6)).same_training is is_one


@pytest.mark.parametrize(
    ("file", "is_open"), [("data/test.csv", True), ("data/dev/x.csv", True), ("data/a.csv", False)]
)
def test_a_held_out_file_within_declared_data_is_asked_for(file, is_open):
    """The record of a declared folder has one digest, and the tree has that of each file."""

    def side(text, letter, acc, loss):
        tree = {**TREE, file: text}
        made = captured(
            seen(read("data/", letter, declared="data.d"), tree=tree, code=CODE), argv=("python", "train.py"), seed=1,
            tree=tree, outcome={"metrics": {"val/acc": acc}},
            data={"d": {"path": "data", "digest": "sha256:" + letter * 64}},
        )  # fmt: skip
        series = {"train/loss": tuple(enumerate(loss)), "val/acc": ((3, acc),)}
        return replace(made, trajectory=Trajectory(series=MappingProxyType(series)))

    found = judged(side("1", "a", 0.5, LOSS), side("2", "b", 0.6, MOVED))

    assert [row.reason.partition(" may say")[0] for row in found.missing] == ([f"{file} of data.d"] if is_open else [])


def test_every_seed_of_two_arms_is_asked_whether_its_training_is_one():
    def arm(*words, **more):
        return cohort_of([run(*words, seed=seed, acc=seed / 10 + bool(words), **more) for seed in (1, 2, 3)])

    def held(b):
        return compare_cohorts(arm(), b, settings=Settings())

    odd = cohort_of([run("--lr", "2", seed=1, acc=5.0, loss=MOVED), *arm("--lr", "2").runs[1:]])
    assert "every seed that is in both arms is one" in held(arm("--lr", "2")).missing[0].reason
    assert not held(odd).same_training


DATA = {"data": {"val": {"path": "data/val.csv", "digest": "sha256:" + "b" * 64}}}
VAL = read("data/val.csv", declared="data.val")


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ((VAL,), (read("other.csv"),), ["data.val"]),
        ((read("other.csv"),), (VAL,), ["data.val"]),
        ((VAL,), (VAL,), []),
        ((), (), []),  # Nothing was seen to read it: that is told elsewhere.
    ],
)
def test_held_out_data_that_one_arm_alone_read_is_a_gap(first, second, found):
    a, b = run(reads=first, **DATA), run("--lr", "2", acc=0.6, loss=MOVED, reads=second, **DATA)

    assert [path for path in gaps(judged(a, b)) if path == "data.val"] == found


BY_NAME = {"--val": Verdict.INCOMPARABLE, "--test-file": Verdict.INCOMPARABLE, "--train": Verdict.SINGLE_FACTOR,
           "--train-val": Verdict.SINGLE_FACTOR}  # fmt: skip


@pytest.mark.parametrize(("option", "verdict"), BY_NAME.items(), ids=BY_NAME)
def test_a_file_is_held_out_by_the_name_of_the_setting_that_leads_to_it(option, verdict):
    """`--val data/y.csv`: the file's own name says nothing, and other rows in it were an improvement."""

    def held(other, content):
        return judged(run(option, "data/y.csv", reads=(read("data/y.csv", "1"),)),
                      run(option, other, acc=0.6, loss=MOVED, reads=(read(other, content),)))  # fmt: skip

    assert held("data/x.csv", "2").verdict is verdict
    assert held("data/y.csv", "2").verdict is verdict


def test_declared_data_is_held_out_by_the_name_of_the_option_that_leads_to_it():
    sides = [{"data": {"city": {"path": path, "digest": "sha256:" + letter * 64}}} for path, letter in
             (("data/y.csv", "a"), ("data/z.csv", "b"))]  # fmt: skip
    a, b = (run("--val", side["data"]["city"]["path"], acc=at / 10, loss=loss, **side)
            for at, (side, loss) in enumerate(zip(sides, (LOSS, MOVED), strict=True)))  # fmt: skip

    assert judged(a, b).verdict is Verdict.INCOMPARABLE


@pytest.mark.parametrize(("code", "is_told"), [(CODE, True), ((*CODE, "evaluate.py"), False)])
def test_an_edit_beside_a_measure_that_stayed_brings_no_talk_of_the_measure(code, is_told):
    tree = {**FILES, "net.py": "W = 2\n"}
    a, b = (
        captured(seen(tree=one, code=code), tree=one, outcome={"metrics": {"val/acc": 0.5}}) for one in (FILES, tree)
    )

    assert any(note.startswith("no record says what computes the metric") for note in judged(a, b).notes) is is_told


def test_data_that_is_not_what_the_metric_is_of_may_be_left_unread():
    def held(name, metric="val/acc"):
        data = {"data": {name: {"path": "d.csv", "digest": "sha256:" + "b" * 64}}}
        a, b = (run(*more, reads=reads, metric=metric, loss=loss, **data) for more, reads, loss in (
            ((), (read("d.csv", declared=f"data.{name}"),), LOSS), (("--lr", "2"), (), MOVED)))  # fmt: skip
        return f"data.{name}" in gaps(judged(a, b))

    assert (held("val"), held("test"), held("train"), held("test", "test/acc")) == (True, False, False, True)


def test_a_study_takes_what_the_policy_says_measures_for_no_treatment():
    policy = Settings(factors=FactorSettings(evaluation=("code.evaluate.py",)))
    runs = [run(seed=seed, edited=edited, acc=seed / 10) for seed in (1, 2) for edited in (None, "evaluate.py")]

    columns = {column.factor: column.role for column in study(runs, settings=policy).table.columns}

    assert columns == {"code.evaluate.py": Role.EVALUATION}


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        ("data/val.txt", "data/holdout_easy.txt", Verdict.INCOMPARABLE),
        ("v1/val.csv", "v2/val.csv", Verdict.INCOMPARABLE),
        ("data/a.txt", "data/b.txt", Verdict.SINGLE_FACTOR),  # Nothing says that results are measured on it.
        (None, "data/test.txt", Verdict.SINGLE_FACTOR),  # One measures on a test set besides.
    ],
)
def test_arms_that_each_read_a_held_out_file_of_its_own_were_measured_on_other_data(first, second, verdict):
    a, b = (
        run("--file", str(path), acc=acc, loss=loss, reads=(read(path, path),) if path else ())
        for path, acc, loss in ((first, 0.5, LOSS), (second, 0.6, MOVED))
    )

    assert judged(a, b).verdict is verdict
    assert judged(b, a).verdict is verdict


def test_a_study_marks_what_may_be_a_part_of_the_measure_as_such():
    """An edited `evaluate.py` was estimable, while `diff` of the same pair found it open what was measured."""
    runs = [run(seed=1), run(seed=2, loss=MOVED), run(edited="evaluate.py", acc=0.6), run("--lr", "2", loss=MOVED)]
    found = study_runs(runs, Settings())
    answer = judged_study(found)

    assert (answer.verdict, answer.conditional) == ("provenance_incomplete", "estimable")
    assert found.doubted == {"code.evaluate.py"}
    assert {name: standing for name, _, standing in factor_rows(found)} == {
        "code.evaluate.py": "estimable, if it is no part of the measure",
        "config.args.lr": "estimable",
    }
    policy = Settings(factors=FactorSettings(evaluation=("code.metrics/psnr.py",)))
    assert judged_study(study_runs(runs, policy)).verdict == "estimable"
