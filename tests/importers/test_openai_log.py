"""Folders of the baselines logger: numbers are there, settings only where somebody wrote them down."""

import json

import pytest

from runaudit.diff import compare
from runaudit.errors import NoRunError, RecordError
from runaudit.factors.cohort import cohorts
from runaudit.settings import Settings
from runaudit.study.study import study
from tests.importers.reading import runs_in

CSV = "eprewmean,misc/total_timesteps,loss\n1.5,2048,0.5\n2.5,4096,nan\n"
CONFIG = {"seed": 4, "lr": 0.1, "env_fn": "<function <lambda> at 0x7f01>", "logger": {"<Logger at 0x7f02>": {"a": 1}}}


def lay(base, **texts):
    base.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (base / name.replace("__", ".")).write_text(text if isinstance(text, str) else json.dumps(text))
    return base


def only(path):
    runs, skipped = runs_in(path, "openai-log")
    assert not skipped
    (one,) = runs
    return one.run


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("progress__csv", CSV),
        ("progress__txt", CSV.replace(",", "\t")),
        ("progress__json", "".join(json.dumps(row) + "\n" for row in (
            {"eprewmean": 1.5, "misc/total_timesteps": 2048, "loss": 0.5},
            {"eprewmean": 2.5, "misc/total_timesteps": 4096, "loss": float("nan")}))),
    ],
)  # fmt: skip
def test_every_form_of_the_log_gives_the_same_series(tmp_path, name, text):
    run = only(lay(tmp_path / "ppo", **{name: text, "config__json": CONFIG}))

    assert run.trajectory.series["eprewmean"] == ((2048, 1.5), (4096, 2.5))
    assert run.trajectory.series["loss"][1][1] != run.trajectory.series["loss"][1][1]  # NaN
    assert run.outcome is None, "the logger does not say how a run ended"
    assert run.metrics["eprewmean"] == 2.5


def test_without_settings_beside_it_the_config_is_unknown(tmp_path):
    run = only(lay(tmp_path / "ppo", progress__csv=CSV, monitor__csv='#{"t_start": 1.5, "env_id": "Hop"}\nr,l\n3,9\n'))

    assert "config" not in run.manifest.body
    assert "config" in run.manifest.section("unknown")
    assert run.manifest.section("data")["environment"]["name"] == "Hop"
    assert run.manifest.section("launch")["started"] == "1970-01-01T00:00:01.500000Z"
    assert run.trajectory.series["monitor/r"] == ((0, 3.0),)


def test_the_place_in_memory_of_a_table_is_no_setting_and_an_object_without_one_is_unknown(tmp_path):
    other = {**CONFIG, "seed": 5, "env_fn": "<function <lambda> at 0x8e01>", "logger": {"<Logger at 0x9>": {"a": 1}}}
    a = only(lay(tmp_path / "a", progress__txt=CSV.replace(",", "\t"), config__json=CONFIG))
    b = only(lay(tmp_path / "b", progress__txt=CSV.replace(",", "\t"), config__json=other))

    found = compare(a, b, settings=Settings())
    assert a.manifest.section("config") == {"seed": 4, "lr": 0.1, "env_fn": "<function <lambda> at 0x7f01>"}
    assert {row.factor for row in found.factors} == {"seed"}
    assert found.conditional is None and "config.env_fn" in {row.factor for row in found.missing}


def test_two_files_of_settings_are_one_config_and_a_contradiction_is_kept(tmp_path):
    run = only(lay(tmp_path / "a", progress__csv=CSV, variant__json={"lr": 0.1}, params__json={"lr": 0.2, "n": 3}))

    assert run.manifest.section("config") == {"lr": 0.1, "params.json:lr": 0.2, "n": 3}
    assert "params.json says otherwise of lr" in run.manifest.section("origin")["note"]


def test_a_line_that_was_cut_is_counted_and_a_repeated_head_is_no_row(tmp_path):
    text = f"{CSV}{CSV.splitlines()[0]}\n3.5,6144,0.1\n4.5,81"
    run = only(lay(tmp_path / "a", progress__csv=text))

    assert run.trajectory.series["eprewmean"][-1] == (6144, 3.5)
    assert run.trajectory.torn == 1


def test_a_run_in_the_folder_of_another_is_named_and_not_lost(tmp_path):
    lay(tmp_path / "a", progress__csv=CSV)
    lay(tmp_path / "a" / "b", progress__csv=CSV)

    runs, skipped = runs_in(tmp_path, "auto")

    assert [one.run.manifest.section("origin")["run"] for one in runs] == ["a"]
    assert "name it by itself" in skipped[0].reason
    assert only(tmp_path / "a" / "b").metrics["eprewmean"] == 2.5


def test_steps_that_do_not_count_up_are_the_rows(tmp_path):
    run = only(lay(tmp_path / "a", progress__csv="Epoch,x\n0,1\n0,2\n"))

    assert run.trajectory.series["x"] == ((0, 1.0), (1, 2.0))


@pytest.mark.parametrize("text", ["", "\n\n", "\0\0\0", "a,b\n", '"' + "x" * 200_000, "{" * 9000])
def test_what_holds_no_number_ends_in_one_line(tmp_path, text):
    try:
        runs, skipped = runs_in(lay(tmp_path / "a", progress__csv=text), "openai-log")
    except RecordError as error:
        assert "\n" not in error.message
    else:
        assert runs == () and "no number was logged" in skipped[0].reason


TABLES = """\
Logging to /tmp/run
---------------------------
| rollout/         |      |
|    ep_rew_mean   | {0}  |
| time/            |      |
|    total_timesteps| {1} |
| lr               | 1e-3 |
---------------------------
"""


def test_a_log_of_printed_tables_is_a_run_where_there_is_no_other_form(tmp_path):
    text = TABLES.format(1.5, 2048) + TABLES.format("nan", 4096) + TABLES.format(3, 6144)[:-30]
    run = only(lay(tmp_path / "ppo", log__txt=text))

    assert run.trajectory.series["rollout/ep_rew_mean"][0] == (2048, 1.5)
    assert [step for step, _ in run.trajectory.series["lr"]] == [2048, 4096]
    assert run.trajectory.torn == 1
    assert only(lay(tmp_path / "ppo", progress__csv=CSV)).metrics["eprewmean"] == 2.5


def test_a_log_of_words_is_no_run(tmp_path):
    lay(tmp_path / "a", log__txt="epoch 1 | loss 0.5 | acc 0.1\n----\n")

    with pytest.raises(RecordError, match="holds no OpenAI"):
        runs_in(tmp_path, "openai-log")


def test_bytes_that_are_no_text_are_no_table(tmp_path):
    path = lay(tmp_path / "a") / "progress.csv"
    path.write_bytes(b"\xca\x5c\x7e,\x8f\n7,9\n7,9\n")

    with pytest.raises(RecordError, match="no text"):
        runs_in(tmp_path, "openai-log")


RESULT = "".join(
    json.dumps({"training_iteration": n, "env_runners": {"episode_reward_mean": 1.5 * n}, "done": n > 1,
                "config": {"lr": 0.1}}) + "\n" for n in (1, 2)
)  # fmt: skip


def test_the_results_of_a_trial_of_rays_are_read_where_there_is_no_table(tmp_path):
    run = only(lay(tmp_path / "PPO_a", result__json=RESULT, params__json={"lr": 0.1}))

    assert run.trajectory.series["env_runners/episode_reward_mean"] == ((1, 1.5), (2, 3.0))
    assert dict(run.manifest.section("config")) == {"lr": 0.1}
    assert not any(name.startswith("config") for name in run.trajectory.series)


def test_a_run_that_logged_nothing_is_named_and_not_lost(tmp_path):
    lay(tmp_path / "ray" / "PPO_a", result__json=RESULT, params__json={"lr": 0.1})
    lay(tmp_path / "ray" / "PPO_b", params__json={"lr": 0.2})
    lay(tmp_path / "spin" / "exp_s1", config__json={"exp_name": "exp", "logger_kwargs": {"output_dir": "x"}})
    found, skipped = runs_in(tmp_path, "openai-log")

    assert len(found) == 1
    assert {(one.source.rpartition("/")[2], one.reason) for one in skipped} == {
        ("PPO_b", "no number was logged in it yet"), ("exp_s1", "no number was logged in it yet")}  # fmt: skip


@pytest.mark.parametrize(
    "texts",
    [{"params__json": {"lr": 0.2}}, {"config__json": {"model_type": "bert"}},
     {"result__json": {"score": 1}, "params__json": {}}],
)  # fmt: skip
def test_settings_of_another_program_are_no_run(tmp_path, texts):
    lay(tmp_path / "a", **texts)
    lay(tmp_path / "b", **texts)

    with pytest.raises(NoRunError):
        runs_in(tmp_path, "openai-log")


# ── what the run was filed under ─────────────────────────────────────────────────────────────────────────────────


def spinning(base, name, seed, *, exp_name=None, lr=0.1, told=True):
    """A run folder of Spinning Up: `<exp_name>/<exp_name>_s<seed>`."""
    place = base / name / f"{name}_s{seed}"
    given = {"logger_kwargs": {"output_dir": f"data/{name}/{name}_s{seed}", "exp_name": name}} if told else {}
    config = {"lr": lr, "seed": seed, "exp_name": exp_name or name, **given}
    return only(lay(place, progress__txt=CSV.replace(",", "\t"), config__json=config))


def told(a, b):
    """The factors, by a comparison and by a study, and how many cohorts the two are."""
    columns = study([a, b], settings=Settings()).table.columns
    found = [row.factor for row in compare(a, b, settings=Settings()).factors]
    return found, [column.factor for column in columns], len(cohorts([a, b]))


@pytest.mark.parametrize("says_where", [True, False])
def test_a_name_that_the_runs_folder_bears_is_no_factor(tmp_path, says_where):
    a, other, slower = (
        spinning(tmp_path, name, seed, lr=lr, told=says_where)
        for name, seed, lr in (("ppo", 1, 0.1), ("clip", 2, 0.1), ("slow", 1, 0.2))
    )

    assert told(a, other) == (["seed"], [], 1)
    assert told(a, slower) == (["config.lr"], ["config.lr"], 2)


def test_a_name_that_no_folder_of_the_run_bears_may_be_a_choice(tmp_path):
    a, other = spinning(tmp_path, "ppo", 1), spinning(tmp_path, "clip", 1, exp_name="clipped")

    assert told(a, other) == (["config.exp_name"], ["config.exp_name"], 2)


def test_a_folder_that_another_run_wrote_to_is_not_the_runs_own(tmp_path):
    """`--output_dir` of a run that lies elsewhere says nothing of the folder that it lies in."""
    config = {"lr": 0.1, "exp_name": "ppo", "logger_kwargs": {"output_dir": "data/ppo/ppo_s1"}}
    run = only(lay(tmp_path / "kept" / "best", progress__csv=CSV, config__json=config))

    assert run.manifest.section("launch")["run_dir"] == str(tmp_path / "kept" / "best")
