"""A table of the logger's is that of the training whose numbers it holds; any other is a run."""

import pytest

from runaudit.runs.intake import take_in
from runaudit.runs.reading import all_runs
from runaudit.settings import Settings
from runaudit.store.store import Store
from tests.importers.reading import runs_in
from tests.importers.test_tensorboard import double, event, frame, part, scalar

TAG = "rollout/ep_rew_mean"
REWARDS = (21.53125, 34.28125, 55.71875)
BEGUN = 1_700_000_000


def table(folder, rewards, tag=TAG):
    folder.mkdir(parents=True, exist_ok=True)
    rows = "".join(f"{reward},{2048 * at}\n" for at, reward in enumerate(rewards, start=1))
    (folder / "progress.csv").write_text(f"{tag},time/total_timesteps\n{rows}")


def events(folder, rewards, *, start=0, tag=TAG):
    folder.mkdir(parents=True, exist_ok=True)
    raw = b"".join(event(2048 * at, scalar(tag, reward), time=BEGUN + start + at)
                   for at, reward in enumerate(rewards, start=1))  # fmt: skip
    version = frame(double(1, float(BEGUN + start)) + part(3, b"brain.Event:2"))
    (folder / f"events.out.tfevents.{BEGUN + start}.ada.{start + 7}.0").write_bytes(version + raw)


def told(path, kind="auto"):
    found, skipped = runs_in(path, kind)
    return {(one.source.rpartition("/")[2], one.run.metrics.get(TAG)) for one in found}, skipped


@pytest.mark.parametrize("place", [".", "PPO_2"], ids=["beside it", "below it"])
@pytest.mark.parametrize("count", [3, 2], ids=["whole", "killed"])
def test_a_table_is_of_the_training_that_holds_its_numbers_and_the_others_are_runs(tmp_path, place, count):
    table(logs := tmp_path / "logs", REWARDS)
    events(logs / "PPO_1", (20.5, 30.25), start=-900)
    events(logs / place, REWARDS[:count])
    events(logs / "PPO_3", (25.5, 31.25), start=900)

    assert told(logs) == ({("logs", REWARDS[-1]), ("PPO_1", 30.25), ("PPO_3", 31.25)}, ())


def test_trainings_that_wrote_into_one_folder_are_as_many_as_tensorboard_tells(tmp_path):
    table(logs := tmp_path / "logs", REWARDS)
    events(logs, (20.5, 30.25, 40.125), start=-9000)
    events(logs, REWARDS)

    found, skipped = runs_in(logs, "auto")

    assert (sorted(one.run.metrics[TAG] for one in found), skipped) == ([40.125, REWARDS[-1]], ())


def test_of_launches_that_came_to_the_same_numbers_the_table_is_the_last_ones(tmp_path):
    table(logs := tmp_path / "logs", REWARDS)
    for number in (1, 2):
        events(logs / f"PPO_{number}", REWARDS, start=900 * number)

    found, _ = runs_in(logs, "auto")

    mine = next(one.run for one in found if one.source == str(logs))
    assert len(found) == 2
    assert mine.manifest.section("origin")["sources"][1].startswith(f"tensorboard:events.out.tfevents.{BEGUN + 1800}")
    assert mine.manifest.section("launch")["started"].startswith("2023-11-14T22:43:2")


def test_a_training_that_logged_no_number_was_launched(tmp_path):
    table(logs := tmp_path / "logs", REWARDS)
    events(logs, REWARDS)
    events(logs / "PPO_1", (), start=900)

    assert told(logs) == ({("logs", REWARDS[-1]), ("PPO_1", None)}, ())


def test_curves_that_have_no_name_in_common_with_the_table_are_named(tmp_path):
    table(logs := tmp_path / "logs", REWARDS)
    events(logs / "tb", REWARDS, tag="reward")

    found, (left,) = told(logs)

    assert found == {("logs", REWARDS[-1])}
    assert left.source.endswith("tb") and "no curve in common" in left.reason


def test_what_ray_tells_tensorboard_under_names_of_its_own_is_of_its_trial(tmp_path):
    table(trial := tmp_path / "PPO_Hop_0", (21.53125, float("nan"), 55.71875), tag="episode_reward_mean")
    events(trial, (21.53125, 55.71875), tag="ray/tune/episode_reward_mean")

    (found,), skipped = runs_in(trial, "auto")

    assert ([*found.run.trajectory.series], skipped) == (["episode_reward_mean", "time/total_timesteps"], ())


@pytest.mark.parametrize(("start", "count"), [(30, 2), (9000, 3)], ids=["its time", "another time"])
def test_monitors_alone_are_of_the_training_that_began_when_they_did(tmp_path, start, count):
    (logs := tmp_path / "logs").mkdir()
    (logs / "monitor.csv").write_text(f'#{{"t_start": {BEGUN}.5, "env_id": "Hop"}}\nr,l,t\n3,9,1\n')
    events(logs / "PPO_1", REWARDS, start=start)
    events(logs / "PPO_2", (20.5, 30.25), start=20_000)

    found, skipped = runs_in(logs, "auto")

    assert (len(found), skipped) == (count, ())


@pytest.mark.parametrize("kinds", [("tensorboard", "auto"), ("auto", "tensorboard"), ("openai-log", "tensorboard")])
def test_each_training_counts_once_whoever_reads_the_folder_first(tmp_path, kinds):
    table(logs := tmp_path / "logs", REWARDS)
    events(logs / "PPO_1", (20.5, 30.25), start=-900)
    events(logs / "PPO_2", REWARDS)
    store = Store.create(tmp_path / "store")

    for kind in kinds:
        take_in(kind, [logs], lambda: store, Settings())

    assert sorted(run.metrics[TAG] for run in all_runs(store)) == [30.25, REWARDS[-1]]


def test_event_files_of_another_log_below_are_its_own(tmp_path):
    table(logs := tmp_path / "logs", REWARDS)
    table(logs / "other", (20.5, 30.25))
    events(logs / "other", (20.5, 30.25), start=900)

    found, (left,) = told(logs)

    assert (found, left.source) == ({("logs", REWARDS[-1])}, str(logs / "other"))
