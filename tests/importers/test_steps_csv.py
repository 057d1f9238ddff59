"""Plain tables: one run a file where a column counts its steps, and no guess where the rows may be runs."""

import math

import pytest

from runaudit.diff import compare
from runaudit.settings import Settings
from tests.importers.reading import runs_in


@pytest.fixture
def table(tmp_path):
    def write(text, name="log.csv"):
        path = tmp_path / "logs" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def series_of(path):
    (found,), _ = runs_in(path, "csv")
    return {name: list(points) for name, points in found.run.trajectory.series.items()}


@pytest.mark.parametrize(
    ("text", "series"),
    [
        ("step,loss\n0,1\n10,0.5\n", {"loss": [(0, 1.0), (10, 0.5)]}),
        ("epoch,loss,val_loss\n1,1,\n2,,0.5\n", {"loss": [(1, 1.0)], "val_loss": [(2, 0.5)]}),
        ("loss,epoch,step\n1,0,5\n2,0,6\n", {"loss": [(5, 1.0), (6, 2.0)]}),
        ('"Step","a/loss"\r\n"1","2e-3"\r\n', {"a/loss": [(1, 0.002)]}),
        ("\ufeffIteration,loss\n1,-inf\n", {"loss": [(1, -math.inf)]}),
        ("epoch,step,loss\n0.5,3,1\n1.0,6,2\n", {"loss": [(3, 1.0), (6, 2.0)]}),
        ("Wall time,Step,Value\n1.7e9,1,0.5\n", {"log": [(1, 0.5)]}),
    ],
    ids=repr,
)
def test_a_table_of_steps_is_a_run(table, text, series):
    assert series_of(table(text)) == series


def test_what_a_table_does_not_hold_is_unknown(table):
    (found,), _ = runs_in(table("step,loss\n0,1\n"), "csv")

    assert set(found.run.manifest.section("unknown")) >= {"config", "data", "env", "seed"}
    assert (found.run.manifest.label, found.run.outcome) == ("log", None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("arm,seed,value\na,1,0.5\n", "no column of whole numbers"),
        ("seed,step,loss\n1,0,0.5\n", "several runs"),
        ("run,epoch,acc\nr1,10,0.5\n", "several runs"),
        ("epoch,acc\n10,0.5\n3,0.6\n", "does not ascend"),
        ("step,note\n1,hello\n", "more than numbers"),
        ("step,epoch\n1,0\n", "no column of numbers"),
        ("", "empty"),
        ("# a comment alone\n", "empty"),
    ],
)
def test_any_other_table_is_left_out_with_the_reason(table, text, reason):
    found, skipped = runs_in(table(text), "csv")

    assert (found, len(skipped)) == ((), 1)
    assert reason in skipped[0].reason


def test_of_a_folder_only_tables_that_count_are_looked_at(table):
    table("image,label\na.png,3\n", "data.csv")
    table("x" * 100_000, "long.csv")
    table(b"\0\1\2", "odd.csv")
    path = table("step,loss\n0,1\n")

    found, skipped = runs_in(path.parent, "csv")
    assert ([one.run.manifest.label for one in found], skipped) == (["log"], ())


def test_a_number_that_was_cut_is_left_out_and_counted(table):
    (found,), _ = runs_in(table("step,loss\n0,0.5000\n1,0.40"), "csv")

    assert (found.run.trajectory.series["loss"], found.run.trajectory.torn) == (((0, 0.5),), 1)


def test_a_log_that_counts_no_steps_is_told_and_not_passed_over(table):
    table("loss,acc\n0.5,0.1\n", "uncounted.csv")
    table("arm,seed,acc\na,0,0.5\n", "results_of_runs.csv")
    table("name,address\nbob,street\n", "people.csv")
    found, skipped = runs_in(table("step,loss\n0,1\n").parent, "auto")

    assert len(found) == 1
    assert [(one.source.rpartition("/")[2], "no column of whole numbers" in one.reason) for one in skipped] == [
        ("results_of_runs.csv", True), ("uncounted.csv", True)]  # fmt: skip


ARGS = "model: resnet18\nlr: {lr}\nseed: {seed}\nopt: sgd\nepochs: 2\noutput: '{seed}'\nlog_interval: 50\n"


def timm(base, name, *, lr=0.1, seed=42):
    folder = base / "output" / "train" / name
    folder.mkdir(parents=True)
    (folder / "args.yaml").write_text(ARGS.format(lr=lr, seed=seed))
    (folder / "summary.csv").write_text("epoch,train_loss,eval_top1\n0,0.9,60\n1,0.5,64\n")
    return folder


def test_the_settings_that_timm_lays_beside_its_table_are_the_runs(tmp_path):
    for name, given in (("a", {}), ("b", {"seed": 43}), ("c", {"lr": 0.2})):
        timm(tmp_path, name, **given)
    (a, b, c), _ = runs_in(tmp_path, "auto")

    assert (a.run.manifest.label, a.run.manifest.body["seed"]) == ("a", 42)
    assert a.run.metrics["eval_top1"] == 64
    assert compare(a.run, b.run, settings=Settings()).conditional == "replicate"
    assert [one.factor for one in compare(a.run, c.run, settings=Settings()).factors] == ["config.lr"]


@pytest.mark.parametrize("text", ["", "name: other\n"])
def test_settings_that_are_not_timms_are_not_taken_for_them(tmp_path, text):
    folder = timm(tmp_path, "a")
    (folder / "args.yaml").write_text(text)
    (found,), _ = runs_in(tmp_path, "csv")

    assert "config" in found.run.manifest.section("unknown")


# ── tables as others write them ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text",
    [
        "epoch;loss;lr\n0;0,90;1,0E-04\n1;0,85;1,0E-04\n",
        "epoch;loss;lr\n0;0.90;0.0001\n1;0.85;0.0001\n",
        "epoch\tloss\tlr\n0\t0.90\t1e-4\n1\t0.85\t1e-4\n",
        "epoch\tloss\tlr\r\n0\t0,90\t1e-4\r\n1\t0,85\t1e-4\r\n",
        "epoch,loss,lr\n0,0.90,1e-4\n1,0.85,1e-4\n".encode("utf-16"),
        b"\xfe\xff" + "epoch;loss;lr\n0;0,90;1e-4\n1;0,85;1e-4\n".encode("utf-16-be"),
        "# a comment, with a comma\nepoch,loss,lr\n0,0.90,1e-4\n1,0.85,1e-4\n",
        "\n# a comment\n\nepoch;loss;lr\n0;0,90;1e-4\n1;0,85;1e-4\n",
        "# epoch,loss,lr\n0,0.90,1e-4\n1,0.85,1e-4\n",
        "epoch,loss,lr,loss\n0,0.90,1e-4,0.90\n1,0.85,1e-4,0.85\n",
        "epoch,loss,lr\n0,0.90,1e-4,\n1,0.85,1e-4,\n",
    ],
    ids=["semicolons and commas", "semicolons", "tabs", "tabs and commas", "UTF-16", "UTF-16, big end first",
         "a comment", "a comment among empty lines", "names behind a #", "one column twice", "an empty cell too many"],
)  # fmt: skip
def test_a_table_is_read_however_its_cells_are_parted_and_its_text_is_written(table, text):
    assert series_of(table(text)) == {"loss": [(0, 0.9), (1, 0.85)], "lr": [(0, 0.0001), (1, 0.0001)]}
    assert series_of(table(text).parent) == {"loss": [(0, 0.9), (1, 0.85)], "lr": [(0, 0.0001), (1, 0.0001)]}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("epoch;steps;loss\n0;1,000;0.90\n1;2,000;0.85\n", "the column steps holds more than numbers"),
        ("epoch;samples\n0;1,000\n1;2,000\n", "the column samples holds more than numbers"),
        ("step,loss\n1.5,0.90\n2.5,0.85\n", "the column step does not count in whole numbers"),
        ("epoch,loss\n0,0,90\n1,0,85\n", "2 rows of it have more cells than names"),
        ("0,0.90\n1,0.85\n", "its first line names no columns"),
        ("epoch,loss,loss\n0,0.90,0.8\n1,0.85,0.7\n", "two columns are called loss, and they differ: neither counts"),
        ("epoch,loss,epoch\n0,0.90,3\n1,0.85,4\n", "two columns are called epoch, and they differ"),
        ("epoch,loss\n0,0.90\n".encode("utf-16-le"), "it holds bytes of 0, as UTF-16 without its mark does"),
    ],
)
def test_what_is_left_out_is_told_with_its_true_reason_in_a_folder_too(table, text, reason):
    table(text, "other.csv")

    found, skipped = runs_in(table("step,loss\n0,1\n").parent, "auto")

    assert (len(found), len(skipped)) == (1, 1)
    assert reason in skipped[0].reason


def test_of_two_columns_of_one_name_neither_counts_and_the_others_do(table):
    (found,), _ = runs_in(table("epoch,loss,acc,loss\n0,0.9,0.1,0.8\n1,0.8,0.2,0.7\n"), "csv")

    assert found.run.metrics == {"acc": 0.2}
    assert "two columns are called loss" in found.run.manifest.section("origin")["note"]


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("epoch,accuracy,loss\n0,0.5,1.0\n1,0.6,nan\n", True),
        ("epoch,accuracy,loss\n", False),
        ("epoch 1, loss 0.5\nepoch 2, loss 0.4\n", False),
        ("epoch,accuracy,loss\n0,0.5,1.0\nsaved the weights\n", False),
        ("time,loss\n0,0.5\n", False),
    ],
)
def test_a_log_that_is_a_table_from_its_first_line_on_is_one(table, text, is_one):
    path = table(text, "training.log")
    table("step,loss\n0,1\n")

    for kind in ("csv", "auto"):
        found, skipped = runs_in(path.parent, kind)
        assert ([one.run.manifest.label for one in found], skipped) == (["log", *(["training"] * is_one)], ())


def test_tables_of_tabs_called_so_are_read_by_their_name_and_not_taken_for_runs_among_others(table):
    path = table("step\tloss\n0\t1\n", "loss.tsv")
    table("step,loss\n0,1\n")

    assert series_of(path) == {"loss": [(0, 1.0)]}
    assert [one.run.manifest.label for one in runs_in(path.parent, "auto")[0]] == ["log"]


@pytest.mark.parametrize(
    "text",
    ["#\n" * 300_000 + "epoch,loss\n0,1\n", "\n" * 300_000 + "epoch,loss\n0,1\n",
     "epoch,loss" + "".join(f",{n % 50_000}" for n in range(100_000)) + "\n0,1" + "".join(
         f",{n}" for n in range(100_000)) + "\n"],
    ids=["comments", "empty lines", "columns of one name"],
)  # fmt: skip
def test_a_table_that_is_made_to_take_long_is_read_at_once(table, text):
    assert series_of(table(text)) == {"loss": [(0, 1.0)]}
