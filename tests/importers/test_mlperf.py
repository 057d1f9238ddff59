"""MLPerf's result files: set before the clock starts, measured after it, and the same numbers as a person counted."""

import json
import statistics

import pytest

from runaudit.diff import compare
from runaudit.diff.result import Verdict
from runaudit.settings import Settings
from tests.importers.reading import labelled_rows, real_runs, runs_in


def mllog(key, value=None, *, at=0, **metadata):
    entry = {"namespace": "", "time_ms": 1_634_349_960_000 + at, "event_type": "POINT_IN_TIME", "key": key,
             "value": value, "metadata": {"file": "train.py", "lineno": 3, **metadata}}  # fmt: skip
    return f":::MLLOG {json.dumps(entry)}"


def log(*, seed=7, lr=0.1, status="success", extra=()):
    return [
        "a line of the program",
        mllog("cache_clear", True),
        mllog("submission_org", "ACME"),
        mllog("submission_benchmark", "bert"),
        *([] if seed is None else [mllog("seed", seed)]),
        mllog("opt_base_learning_rate", lr),
        mllog("opt_base_learning_rate", lr),  # another rank
        *extra,
        mllog("run_start", at=1000),
        mllog("eval_accuracy", 0.3, at=30_000, epoch_num=1),
        mllog("eval_accuracy", 0.7, at=60_000, epoch_num=2),
        mllog("train_samples", 2_550_016, at=60_500),
        mllog("eval_samples", 10_000, at=60_500),
        mllog("run_stop", at=61_000, status=status),
    ]


@pytest.fixture
def folder(tmp_path):
    def make(*logs, system=None):
        place = tmp_path / "ACME" / "results" / "box" / "bert"
        place.mkdir(parents=True, exist_ok=True)
        for number, lines in enumerate(logs):
            (place / f"result_{number}.txt").write_text("\n".join(lines) + "\n")
        if system is not None:
            (tmp_path / "ACME" / "systems").mkdir(exist_ok=True)
            text = system if isinstance(system, str) else json.dumps(system)
            (tmp_path / "ACME" / "systems" / "box.json").write_text(text)
        return tmp_path

    return make


def runs(path):
    found, skipped = runs_in(path, "mlperf")
    assert not skipped
    return [one.run for one in found]


def test_what_is_logged_before_the_clock_is_a_setting_and_after_it_a_result(folder):
    (run,) = runs(folder(log()))

    assert run.manifest.section("config") == {
        "submission_benchmark": "bert", "opt_base_learning_rate": 0.1, "eval_samples": 10_000
    }  # fmt: skip
    assert run.manifest.body["seed"] == 7
    assert run.metrics == {
        "eval_accuracy": 0.7, "train_samples": 2_550_016, "time_to_train_minutes": 1.0, "target_reached": 1.0
    }  # fmt: skip
    assert run.trajectory.series["eval_accuracy"] == ((1, 0.3), (2, 0.7))
    assert run.status == "completed"
    assert run.manifest.section("code") == {"submission_org": "ACME"}


def test_the_files_of_a_folder_are_replicates(folder):
    a, b = runs(folder(log(seed=1), log(seed=2)))

    assert compare(a, b, settings=Settings()).conditional is Verdict.REPLICATE


def test_without_a_seed_nobody_can_tell_replicates_from_reruns(folder):
    a, b = runs(folder(log(seed=None), log(seed=None)))
    found = compare(a, b, settings=Settings())

    assert (found.verdict, found.conditional) == (Verdict.PROVENANCE_INCOMPLETE, Verdict.IDENTICAL)
    assert "seed" in {row.factor for row in found.missing}


def test_ranks_that_each_have_a_seed_have_none_in_common(folder):
    (run,) = runs(folder(log(extra=[mllog("seed", 8)])))

    assert "seed" not in run.manifest.body
    assert run.manifest.section("config")["seed"] == (7, 8)


def test_an_aborted_run_has_results_and_says_that_it_missed_its_target(folder):
    (run,) = runs(folder(log(status="aborted")))

    assert run.status == "early_stopped"
    assert run.metrics["target_reached"] == 0
    assert "missed its target" in run.manifest.section("origin")["note"]


def test_a_log_that_breaks_off_says_nothing_of_its_end(folder):
    (run,) = runs(folder([*log()[:-1], mllog("eval_accuracy", 0.9)[:-20]]))

    assert run.outcome is None
    assert "time_to_train_minutes" not in run.metrics
    assert run.metrics["eval_accuracy"] == 0.7
    assert run.trajectory.torn == 1


def test_steps_are_the_logs_where_they_grow_and_else_the_rows(folder):
    lines = log()
    lines[lines.index(mllog("eval_accuracy", 0.7, at=60_000, epoch_num=2))] = mllog("eval_accuracy", 0.7, epoch_num=1)
    (run,) = runs(folder(lines))

    assert run.trajectory.series["eval_accuracy"] == ((0, 0.3), (1, 0.7))


def test_the_system_beside_the_results_is_the_environment(folder):
    system = {"number_of_nodes": "2", "accelerators_per_node": "4", "accelerator_model_name": "G1", "framework": "F 2",
              "other_software_stack": {"cuda_version": "11.4"}, "hw_notes": ""}  # fmt: skip
    base = folder(log(), system=system)
    (run,) = runs(base)
    (alone,) = runs(base / "ACME" / "results")

    env = run.manifest.section("env")
    assert (env["gpu"], env["gpu_count"], env["cuda"], env["framework"]) == ("G1", 8, "11.4", "F 2")
    assert "env" not in alone.manifest.body, "a folder that was not named is not read"


OLD = """\
:::MLPv0.5.0 resnet 1541696812.5 (train.py:10) run_set_random_seed: 3
:::MLPv0.5.0 resnet 1541696812.6 (train.py:11) opt_name: "lars"
:::MLPv0.5.0 resnet 1541696813.0 (train.py:12) run_start
:::MLPv0.5.0 resnet 1541696900.0 (train.py:13) eval_accuracy: {"epoch": 4, "value": 0.5}
:::MLPv0.5.0 resnet 1541696933.0 (train.py:14) run_stop: {"success": true}
"""
MIDDLE = """\
0: :::MLL 1562084455.5 seed: {"value": 3, "metadata": {"file": "t.py"}}
0: :::MLL 1562084455.6 opt_name: {"value": "lars", "metadata": {}}
0: :::MLL 1562084456.0 run_start: {"value": null, "metadata": {}}
0: :::MLL 1562084500.0 eval_accuracy: {"value": 0.5, "metadata": {"epoch_num": 4}}
0: :::MLL 1562084576.0 run_stop: {"value": null, "metadata": {"status": "success"}}
"""


def test_a_key_that_a_description_gives_twice_with_one_value_is_one(folder):
    text = '{"accelerator_model_name": "IPU", "number_of_nodes": 2, "number_of_nodes": 2, "accelerators_per_node": 8}'
    (run,) = runs(folder(log(), system=text))
    assert (run.manifest.section("env")["gpu"], run.manifest.section("env")["gpu_count"]) == ("IPU", 16)


def test_of_a_key_with_two_values_nobody_knows_which_and_the_rest_counts(folder):
    text = '{"accelerator_model_name": "IPU", "number_of_nodes": 2, "number_of_nodes": 4, "accelerators_per_node": 8}'
    (run,) = runs(folder(log(), system=text))
    env, unknown = run.manifest.section("env"), run.manifest.section("unknown")
    assert env["gpu"] == "IPU"
    assert "gpu_count" not in env and "nodes" not in env
    assert unknown["env.gpu_count"] == "the description of the system gives number_of_nodes two values"


def test_without_a_description_the_platform_that_the_log_names_is_the_system(folder):
    logs = (log(extra=[mllog("submission_platform", name)]) for name in ("POD16", "POD64"))
    answer = compare(*runs(folder(*logs)), settings=Settings())
    assert [one.factor for one in answer.factors] == ["env.system"]
    assert "env.gpu" in {row.factor for row in answer.missing}


def test_a_description_that_cannot_be_read_is_told_with_its_reason(folder):
    (run,) = runs(folder(log(), system="{"))
    assert run.manifest.section("unknown")["env"].startswith("the description of the system cannot be read: ")


@pytest.mark.parametrize("text", [OLD, MIDDLE], ids=["0.5", "0.6"])
def test_older_forms_of_the_log_say_the_same(folder, text):
    (run,) = runs(folder(text.splitlines()))

    assert run.manifest.body["seed"] == 3
    assert run.manifest.section("config") == {"opt_name": "lars"}
    assert run.trajectory.series["eval_accuracy"] == ((4, 0.5),)
    assert run.metrics["time_to_train_minutes"] == 2.0
    assert run.status == "completed"


@pytest.mark.parametrize(
    "text",
    ["", "some other log\n", ":::MLLOG \n", ":::MLLOG " + "[" * 100_000, ":::MLLOG {\n" * 3, "\0" * 99,
     ":::MLLOG " + json.dumps({"key": "x", "value": "y" * (2 << 20)})],
)  # fmt: skip
def test_a_file_of_something_else_is_left_out_with_a_reason(folder, text):
    found, skipped = runs_in(folder([text]), "mlperf")

    assert not found
    assert "no line of MLPerf's" in skipped[0].reason


# ── runs that nobody here made ───────────────────────────────────────────────────────────────────────────────────

NAMES = {"time-to-train minutes": "time_to_train_minutes", "last eval_accuracy": "eval_accuracy"}


@pytest.mark.parametrize("row", labelled_rows("seed_group/mlperf"), ids=lambda row: row["id"])
def test_a_labelled_group_has_the_values_that_a_person_counted(row):
    base = real_runs("")
    found = [runs(base / name)[0] for name in row["group"]]
    values = [run.metrics[NAMES[row["metric"]]] for run in found]

    assert [run.manifest.body.get("seed") for run in found] == row["seeds"]
    assert ["success" if run.status == "completed" else "aborted" for run in found] == row["status"]
    assert values == row["values"]
    assert statistics.mean(values) == pytest.approx(row["mean"], rel=1e-12)
    assert statistics.stdev(values) == pytest.approx(row["sd"], rel=1e-12)


@pytest.mark.parametrize("row", labelled_rows("mlperf"), ids=lambda row: row["id"])
def test_a_labelled_pair_comes_out_as_a_person_judged_it(row):
    base = real_runs("")
    found = compare(runs(base / row["a"])[0], runs(base / row["b"])[0], settings=Settings())

    assert [change.factor for change in found.factors] == row["changed_factors"]
    wanted = {"seed_only": "replicate"}.get(row["verdict"], row["verdict"])
    assert wanted in (found.verdict, found.conditional)
