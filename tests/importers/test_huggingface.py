"""The Trainer's output folders: one run for all checkpoints; its pickle is read as text, and never run."""

import io
import json
import math
import pickle
import zipfile
from enum import Enum

import pytest

from runaudit.diff import compare
from runaudit.errors import NoRunError, RecordError
from runaudit.settings import Settings
from tests.importers.reading import runs_in
from tests.importers.test_tensorboard import VERSION, event, part, scalar, tensor

CARD = """\
---
library_name: transformers
---
The following hyperparameters were used during training:
- learning_rate: {lr}
- train_batch_size: 8
- seed: {seed}
- optimizer: adamw_torch with betas=(0.9,0.999)
- num_epochs: 2

### Training results

### Framework versions

- Transformers 4.40.0
- Pytorch 2.3.0+cu121
"""


def state(steps, *, end=False, scale=1.0, **facts):
    """A state after so many of 8 steps in 2 epochs, logged every second step."""
    history = [{"epoch": step / 4, "step": step, "loss": scale / step, "learning_rate": 5e-5}
               for step in range(2, steps + 1, 2)]  # fmt: skip
    history += [{"epoch": steps / 4, "step": steps, "train_runtime": 9.5, "train_loss": 0.5}] if end else []
    return json.dumps({"global_step": steps, "max_steps": 8, "num_train_epochs": 2, "train_batch_size": 8,
                       "log_history": history, **facts})  # fmt: skip


@pytest.fixture
def output(tmp_path):
    def make(name="out", **files):
        folder = tmp_path / name
        for place, text in files.items():
            path = folder / place.replace("__", "/").replace("_json", ".json").replace("_md", ".md")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (folder / "training_args.bin").write_bytes(b"\x80\x04cos\nsystem\n(S'touch /tmp/x'\ntR.")
        return folder

    return make


class Schedule(Enum):
    LINEAR = "linear"


class Arguments:
    """What the Trainer pickles: the arguments, and what they came to on the machine."""

    def __init__(self, **given):
        self.output_dir, self.learning_rate, self.seed, self.weight_decay = "out", 5e-5, 1, 0.01
        self.lr_scheduler_type, self.num_train_epochs, self.max_steps = Schedule.LINEAR, 2, -1
        self.per_device_train_batch_size, self.hub_token, self._n_gpu = 8, "hf_secret", 1
        vars(self).update(given)


def pickled(form, protocol=2, **given):
    raw = pickle.dumps(Arguments(**given), protocol)
    if form == "bare":
        return raw
    if form == "row":  # as torch wrote until 1.6
        return b"".join(pickle.dumps(one, 2) for one in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})) + raw
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("training_args/data.pkl", raw)
        archive.writestr("training_args/version", "3\n")
    return file.getvalue()


def only(path):
    (found,), _ = runs_in(path, "huggingface")
    return found.run


def test_a_folder_and_its_checkpoints_are_one_run(output):
    folder = output(**{"trainer_state_json": state(8, end=True), "checkpoint-4__trainer_state_json": state(4),
                       "checkpoint-8__trainer_state_json": state(8)})  # fmt: skip
    run = only(folder.parent)

    assert run.trajectory.series["loss"] == ((2, 0.5), (4, 0.25), (6, 1 / 6), (8, 0.125))
    assert "train_runtime" not in run.trajectory.series
    assert (run.outcome.status, run.outcome.body["duration_s"]) == ("completed", 9.5)


def test_the_last_checkpoint_speaks_where_the_folder_has_no_state(output):
    folder = output(**{"checkpoint-4__trainer_state_json": state(4), "checkpoint-6__trainer_state_json": state(6)})

    assert only(folder).trajectory.series["loss"][-1][0] == 6
    assert only(folder).outcome is None
    assert only(folder / "checkpoint-4").trajectory.series["loss"][-1][0] == 4


def two(path):
    """The run of a folder, and the one of which a checkpoint was left there."""
    found, skipped = runs_in(path, "huggingface")
    assert len(found) == 2 and not skipped
    return sorted((one.run for one in found), key=lambda run: run.label.startswith(f"{path.name}/"))


def test_a_checkpoint_of_another_training_is_not_mixed_in(output):
    folder = output(**{"trainer_state_json": state(4, end=True),
                       "checkpoint-8__trainer_state_json": state(8, scale=7.0)})  # fmt: skip
    run, other = two(folder)

    assert run.trajectory.series["loss"] == ((2, 0.5), (4, 0.25))
    assert "checkpoint-8 is of another training" in run.manifest.section("origin")["note"]
    assert other.trajectory.series["loss"][-1] == (8, 0.875)


@pytest.mark.parametrize("is_done", [True, False])
def test_checkpoints_that_an_earlier_training_left_are_one_run_of_their_own(output, is_done):
    whole = {"trainer_state_json": state(8, end=True)} if is_done else {}
    folder = output(**{**whole, "checkpoint-8__trainer_state_json": state(8),
                       "checkpoint-6__trainer_state_json": state(6, scale=7.0),
                       "checkpoint-4__trainer_state_json": state(4, scale=7.0),
                       "checkpoint-2__trainer_state_json": state(2)})  # fmt: skip
    run, other = two(folder)

    assert run.trajectory.series["loss"][-1] == (8, 0.125)
    assert run.manifest.section("origin")["note"] == "checkpoint-6 is of another training"
    assert other.trajectory.series["loss"] == ((2, 3.5), (4, 1.75), (6, 7 / 6))
    assert other.outcome is None


def at(step, loss, **facts):
    """A state that logged one number."""
    history = [] if loss is None else [{"epoch": 1.0, "step": step, "loss": loss}]
    return json.dumps({"global_step": step, "max_steps": 9, "num_train_epochs": 2, "log_history": history, **facts})


def test_a_training_that_shares_no_logged_step_with_another_is_one_of_its_own(output):
    """Each that was resumed repeats all that was logged before it."""
    folder = output(**{"checkpoint-8__trainer_state_json": state(8), "checkpoint-7__trainer_state_json": at(7, 0.25),
                       "checkpoint-5__trainer_state_json": at(5, 0.5, max_steps=5),
                       "checkpoint-4__trainer_state_json": state(4)})  # fmt: skip

    found, skipped = runs_in(folder, "huggingface")

    notes = {one.run.manifest.label.rpartition("/")[2]: one.run.manifest.section("origin")["note"] for one in found}
    assert (len(found), skipped) == (3, ())
    assert notes["out"] == "checkpoint-7 is of another training; checkpoint-5 is of another training"
    assert notes["checkpoint-7"].endswith("what it came to is not there")
    assert notes["checkpoint-5"].endswith("it had taken all of its 5 steps, and how it ended is not there")


@pytest.mark.parametrize(("planned", "count"), [(8, 1), (4, 2)])
def test_a_checkpoint_that_logged_nothing_is_told_by_its_plan(output, planned, count):
    folder = output(**{"checkpoint-8__trainer_state_json": state(8),
                       "checkpoint-4__trainer_state_json": at(4, None, max_steps=planned)})  # fmt: skip

    assert len(runs_in(folder, "huggingface")[0]) == count


def test_a_checkpoint_that_cannot_be_read_is_named(output):
    folder = output(**{"checkpoint-8__trainer_state_json": state(8), "checkpoint-6__trainer_state_json": "{"})

    (_,), (left,) = runs_in(folder, "huggingface")

    assert (left.source, left.broken) == (str(folder / "checkpoint-6" / "trainer_state.json"), True)


def test_checkpoints_that_agree_at_first_are_of_one_training_that_was_resumed(output):
    resumed = json.loads(state(8))
    for row in resumed["log_history"][2:]:
        row["loss"] += 0.01
    folder = output(**{"checkpoint-8__trainer_state_json": json.dumps(resumed),
                       "checkpoint-6__trainer_state_json": state(6)})  # fmt: skip
    assert only(folder).trajectory.series["loss"][1] == (4, 0.25)


def test_a_training_that_a_callback_stopped_ended_early(output):
    assert only(output(trainer_state_json=state(4, end=True))).outcome.status == "early_stopped"


def test_what_only_the_pickle_holds_is_unknown(output):
    run = only(output(trainer_state_json=state(8), config_json='{"model_type": "bert", "hidden_size": 16}'))

    config, unknown = run.manifest.section("config"), run.manifest.section("unknown")
    assert config["model"] == {"model_type": "bert", "hidden_size": 16}
    assert config["trainer"] == {"train_batch_size": 8, "num_train_epochs": 2,
                                 "learning_rate": {"logged": 5e-5, "at_step": 2}}  # fmt: skip
    assert "pickle" in unknown["config.training_args"]
    assert "pickle" in unknown["seed"]


def test_the_model_card_tells_what_the_trainer_wrote_on_it(output):
    a = only(output("a", trainer_state_json=state(8, end=True), README_md=CARD.format(lr="5e-05", seed=1)))
    b = only(output("b", trainer_state_json=state(8, end=True), README_md=CARD.format(lr="1e-05", seed=1)))
    c = only(output("c", trainer_state_json=state(8, end=True), README_md=CARD.format(lr="1e-05", seed=2)))

    assert a.manifest.body["seed"] == 1
    assert a.manifest.section("env")["torch"] == "2.3.0+cu121"
    assert "config.training_args.weight_decay" in a.manifest.section("unknown")
    found = compare(a, b, settings=Settings())
    assert [one.factor for one in found.factors] == ["config.training_args.learning_rate"]
    assert compare(b, c, settings=Settings()).conditional == "replicate"


@pytest.mark.parametrize("form", ["zip", "bare", "row"])
@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_the_arguments_are_read_from_the_pickle_and_not_by_running_it(output, form, protocol, monkeypatch):
    folder = output(trainer_state_json=state(8))
    (folder / "training_args.bin").write_bytes(pickled(form, protocol))
    monkeypatch.setattr(Arguments, "__setstate__", lambda *_: pytest.fail("the pickle was run"), raising=False)
    run = only(folder)

    assert run.manifest.body["seed"] == 1
    assert run.manifest.section("config")["training_args"] == {
        "learning_rate": 5e-5, "seed": 1, "weight_decay": 0.01, "lr_scheduler_type": "linear"}  # fmt: skip
    assert run.manifest.section("origin")["settings"] == {"output_dir": "out"}
    assert not {"config.training_args", "seed"} & run.manifest.section("unknown").keys()


def test_two_learning_rates_and_a_seed_are_told_apart_by_the_pickle(output):
    runs = []
    for name, given in (("a", {}), ("b", {"seed": 2, "output_dir": "b"}), ("c", {"learning_rate": 1e-4})):
        folder = output(name, trainer_state_json=state(8, end=True))
        (folder / "training_args.bin").write_bytes(pickled("zip", **given))
        runs.append(only(folder))
    a, b, c = runs

    assert compare(a, b, settings=Settings()).conditional == "replicate"
    assert [one.factor for one in compare(a, c, settings=Settings()).factors] == ["config.training_args.learning_rate"]


def test_on_how_many_devices_a_training_ran_is_a_setting(output):
    runs = []
    for name, count in (("a", 1), ("b", 8)):
        folder = output(name, trainer_state_json=state(8, end=True))
        (folder / "training_args.bin").write_bytes(pickled("zip", distributed_state={"num_processes": count}))
        runs.append(only(folder))

    found = compare(*runs, settings=Settings())
    assert [one.factor for one in found.factors] == ["config.training_args.num_processes"]


DOUBLED = b"\x80\x02)q\0" + b"h\0h\0\x86q\0" * 60
"""A tuple that holds another twice, and so on: to write it out, or to hash it, takes for ever."""


def zip_of(name, raw):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, raw)
    return file.getvalue()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"PK",
        b"PK\x03\x04" + b"\0" * 400,
        zip_of("training_args/data.pkl", b"\0" * (64 << 20)),
        zip_of("training_args/other", b"x"),
        DOUBLED + b"h\0h\0\x93.",
        DOUBLED + b"}h\0K\x01s.",
        DOUBLED + b"}(h\0K\x01u.",
        b"\x80\x02}X\xff\xff\xff\x7fab.",
        b"\x80\x02" + b"(" * 500_000 + b".",
        b"\x80\x02" + b"]q\0" + b"h\0h\0h\0\x87q\0" * 20 + b".",
        pickle.dumps({"learning_rate": 1})[:10],
        b"\x80\x02cos\nsystem\nX\x04\0\0\0true\x85R}(X\x0a\0\0\0output_dirK\x01ub.",
    ],
    ids=range(13),
)
def test_what_does_not_spell_out_its_arguments_leaves_them_unknown(output, raw):
    folder = output(trainer_state_json=state(8))
    (folder / "training_args.bin").write_bytes(raw)

    assert "never run" in only(folder).manifest.section("unknown")["config.training_args"]


def test_where_no_arguments_can_be_read_the_learning_rate_that_was_logged_parts_the_runs(output):
    other = state(8, end=True).replace("5e-05", "1e-04")
    a, b = only(output("a", trainer_state_json=state(8, end=True))), only(output("b", trainer_state_json=other))
    crashed = only(output("c", trainer_state_json=state(4)))

    assert [one.factor for one in compare(a, b, settings=Settings()).factors] == ["config.trainer.learning_rate.logged"]
    assert "config.trainer.learning_rate.logged" not in [
        one.factor for one in compare(a, crashed, settings=Settings()).factors]  # fmt: skip


def told(*, model=None, **given):
    """An event file to which the Trainer gave the arguments as text, and the config of the model if it has one."""
    table = {"output_dir": "out", "learning_rate": 5e-5, "seed": 1, "hub_token": "<HUB_TOKEN>", **given}
    return VERSION + text("args/text_summary", table) + (text("model_config/text_summary", model) if model else b"")


def text(tag, table):
    return event(0, tensor(tag, 7, part(8, json.dumps(table).encode()), shape=part(2, b"")))


def test_the_arguments_that_tensorboard_was_given_count_where_the_pickle_is_gone(output):
    folder = output(trainer_state_json=state(8))
    (folder / "training_args.bin").unlink()
    started(folder, 100, LOGGED)
    run = only(folder)

    assert run.manifest.section("config")["training_args"] == {"learning_rate": 5e-5, "seed": 1}
    assert run.manifest.body["seed"] == 1
    started(folder, 200, [(20, 0.75)], seed=2)
    of_the_state = runs_in(folder, "huggingface")[0][-1].run
    assert "seed" in of_the_state.manifest.section("unknown"), "two trainings, and which is the state's nothing says"


def started(folder, at, points, **given):
    """The folder that a start leaves in `runs`: its arguments, and its losses, if it came to log any."""
    path = folder / "runs" / f"start{at}" / f"events.out.tfevents.{at}.ada.{at}.0"
    path.parent.mkdir(parents=True)
    drawn = (event(step, scalar("train/loss", loss), time=float(at + step)) for step, loss in points)
    path.write_bytes(told(**given) + b"".join(drawn))


LOGGED = [(2, 0.5), (4, 0.25), (6, 1 / 6), (8, 0.125)]


def test_what_lies_below_a_program_that_logged_beside_itself_is_not_lost(output, tmp_path):
    """Its event files lie in the folder in which it ran, its output elsewhere, as does what other trackers wrote."""
    drawn = [(step, 1.71828 / step) for step in range(2, 9, 2)]
    started(tmp_path, 100, [(2, 0.75), (4, 0.5)], seed=3)
    started(tmp_path, 200, drawn, seed=1)
    output("results", **{"checkpoint-8__trainer_state_json": state(8, scale=1.71828)})
    output("more", trainer_state_json=state(6, scale=3.5))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "log.csv").write_text("epoch,loss\n0,1\n1,0.5\n")

    found, skipped = runs_in(tmp_path, "auto")

    losses = [round(one.run.metrics["loss"], 5) for one in found]
    assert (sorted(losses), skipped) == ([0.21478, 0.5, 0.5, 0.58333], ())
    one = found[losses.index(0.21478)].run
    assert (one.manifest.body["seed"], "trainer" in one.manifest.section("config")) == (1, True)


def test_an_earlier_training_in_the_same_folder_counts(output):
    """Its state was written over, and its curves were not."""
    folder = output(trainer_state_json=state(8, end=True))
    started(folder, 100, [(2, 0.75), (4, 0.5)], learning_rate=1e-3, seed=3)
    started(folder, 200, LOGGED, learning_rate=5e-5, seed=1)

    found, _ = runs_in(folder, "huggingface")
    earlier, mine = (one.run for one in found)

    assert (earlier.status, mine.status) == ("unknown", "completed")
    assert dict(earlier.trajectory.series) == {"loss": ((2, 0.75), (4, 0.5))}
    assert earlier.manifest.body["seed"] == 3
    assert earlier.manifest.section("config")["training_args"]["learning_rate"] == 1e-3
    assert earlier.manifest.section("origin")["source"] != mine.manifest.section("origin")["source"]


def test_a_start_that_died_before_it_logged_a_number_is_a_launch_of_its_own(output):
    """Of a training the Trainer tells TensorBoard its arguments when it begins, whatever becomes of it."""
    folder = output(trainer_state_json=state(8, end=True))
    started(folder, 100, LOGGED)
    started(folder, 200, [], learning_rate=1e-3, seed=3)
    started(folder, 300, [], learning_rate=5e-5, seed=1, resume_from_checkpoint="out/checkpoint-8")

    found, _ = runs_in(folder, "huggingface")
    died, mine = (one.run for one in found)

    assert (died.status, mine.status) == ("unknown", "completed")
    assert (died.manifest.body["seed"], died.manifest.section("config")["training_args"]["learning_rate"]) == (3, 1e-3)
    assert "before it logged a number" in died.manifest.section("origin")["note"]
    assert dict(mine.trajectory.series)["loss"] and not died.trajectory.series


@pytest.mark.parametrize(("points", "note"), [([], "no state"), ([(2, 0.75)], "no state")])
@pytest.mark.parametrize("kind", ["auto", "huggingface"])
def test_what_left_nothing_but_its_start_is_a_launch_with_its_arguments(tmp_path, points, note, kind):
    started(tmp_path / "out", 100, points, learning_rate=1e-3, seed=3)

    (found,), skipped = runs_in(tmp_path / "out", kind)

    assert found.run.manifest.section("origin")["kind"] == "huggingface" and not skipped
    assert found.run.manifest.body["seed"] == 3 and note in found.run.manifest.section("origin")["note"]
    assert any(source.startswith("tensorboard:") for source in found.run.manifest.section("origin")["sources"])


def factors(a, b):
    return {row.factor for row in compare(a, b, settings=Settings()).factors}


def test_the_config_of_the_model_that_tensorboard_was_given_counts_where_no_file_holds_it(tmp_path, output):
    small, large = {"layers": 6, "transformers_version": "4.40.0"}, {"layers": 12, "transformers_version": "4.40.0"}
    for name, model in (("a", small), ("b", large), ("c", large)):
        started(tmp_path / name, 100 + len(name), LOGGED, model=model)
    a, b, c = (only(tmp_path / name) for name in "abc")
    beside = output("d", trainer_state_json=state(8, end=True), config_json=json.dumps(small))
    started(beside, 100, LOGGED, model=large)

    assert (factors(a, b), factors(b, c)) == ({"config.model.layers"}, set())
    assert a.manifest.section("env")["transformers"] == "4.40.0"
    assert only(beside).manifest.section("config")["model"] == {"layers": 6}, "what was saved with the weights"
    (beside / "config.json").unlink()
    assert only(beside).manifest.section("config")["model"] == {"layers": 12}


def test_what_left_no_state_tells_its_settings_as_one_that_did(tmp_path, output):
    """What the state repeats under a name of its own, and what nobody set, makes no two settings of one."""
    arguments = {"max_steps": -1, "num_train_epochs": 2, "per_device_train_batch_size": 8, "data_seed": None}
    started(tmp_path / "curves", 100, [(2, 0.75)], **arguments)
    kept = output(trainer_state_json=state(8, end=True))
    (kept / "training_args.bin").unlink()
    started(kept, 200, LOGGED, **arguments)
    a, b = only(tmp_path / "curves"), only(kept)

    found = compare(a, b, settings=Settings())
    assert factors(a, b) == set()
    assert {row.factor: row.side for row in found.missing}["config.adapter"] == "a"


@pytest.mark.parametrize("written", ["./results", "results/", "/home/ada/project/results", "C:\\project\\results"])
def test_an_output_folder_beside_the_curves_is_of_the_training_that_drew_them(tmp_path, output, written):
    """Whoever tells the Trainer where to log has `runs/` in one folder and the checkpoints in another."""
    output("project/results", checkpoint__8__trainer_state_json=state(8)).joinpath("training_args.bin").unlink()
    (tmp_path / "project/results/checkpoint").rename(tmp_path / "project/results/checkpoint-8")
    kept = tmp_path / "project/results/checkpoint-8"
    (kept / "8" / "trainer_state.json").rename(kept / "trainer_state.json")
    (kept / "8").rmdir()
    (kept / "adapter_config.json").write_text('{"r": 4}')
    started(tmp_path / "project", 100, [(2, 0.75), (4, 0.5)], output_dir=written, seed=3)
    started(tmp_path / "project", 200, [*LOGGED, (8, 0.125)], output_dir=written, seed=5)
    started(tmp_path / "project", 300, [(2, 0.7)], output_dir="gone", seed=7)

    found, skipped = runs_in(tmp_path / "project", "auto")
    runs = {one.run.manifest.body["seed"]: one.run for one in found}
    assert sorted(runs) == [3, 5, 7] and not skipped
    assert runs[5].manifest.section("config")["adapter"] == {"r": 4}
    assert "wrote over" in runs[3].manifest.section("origin")["note"]
    assert "no state" in runs[7].manifest.section("origin")["note"]
    assert {runs[seed].label for seed in (3, 5, 7)} == {"start100", "start200", "start300"}


def test_curves_in_a_folder_of_several_trackers_leave_the_others_what_is_theirs(tmp_path):
    started(tmp_path, 100, LOGGED)
    version = tmp_path / "lightning_logs" / "version_0"
    version.mkdir(parents=True)
    (version / "hparams.yaml").write_text("lr: 1\n")

    found, _ = runs_in(tmp_path, "auto")
    assert {one.run.manifest.section("origin")["kind"] for one in found} == {"huggingface", "lightning"}


def test_a_training_of_which_tensorboard_knows_the_end_has_ended(output):
    folder = output(trainer_state_json=state(6))
    started(folder, 100, LOGGED[:3])
    path = next(folder.glob("runs/*/*"))
    path.write_bytes(path.read_bytes() + event(8, scalar("train/train_runtime", 9.0)))

    assert only(folder).status == "completed"


def test_a_training_that_was_resumed_in_its_folder_is_one_run(output):
    folder = output(trainer_state_json=state(8, end=True))
    started(folder, 100, LOGGED[:2])
    started(folder, 200, LOGGED[2:])

    assert only(folder).status == "completed"


def test_a_training_that_logs_more_rarely_than_the_one_before_it_begins_anew(output):
    folder = output(trainer_state_json=state(8, end=True))
    started(folder, 100, [(1, 2.0), (2, 1.75), (3, 1.5), (4, 1.25)], seed=3)
    started(folder, 200, LOGGED, seed=1)

    found, _ = runs_in(folder, "huggingface")

    assert [one.run.trajectory.series["loss"][0] for one in found] == [(1, 2.0), (2, 0.5)]


def test_an_evaluation_beside_it_is_no_training(output):
    folder = output(trainer_state_json=state(8, end=True))
    started(folder, 100, LOGGED)
    path = folder / "runs" / "start300" / "events.out.tfevents.300.ada.300.0"
    path.parent.mkdir()
    path.write_bytes(told() + event(0, scalar("eval/loss", 3.0), time=300.0))

    assert only(folder).status == "completed"


def test_a_loss_that_is_no_number_is_kept(output):
    text = json.dumps({"global_step": 1, "log_history": [{"step": 1, "loss": math.nan}]})

    assert math.isnan(only(output(trainer_state_json=text)).trajectory.series["loss"][0][1])


@pytest.mark.parametrize("text", ["", "[]", "{}", "{", '{"global_step": 1,', "not json"])
def test_a_state_that_is_none_is_refused(output, text):
    with pytest.raises(RecordError, match="trainer_state"):
        only(output(trainer_state_json=text))


def test_what_was_evaluated_after_the_state_was_written_is_its_last_point(output):
    measured = json.dumps({"epoch": 2.0, "eval_loss": 0.25, "eval_runtime": 3.0})
    folder = output(trainer_state_json=state(8, end=True, epoch=2.0), eval_results_json=measured)

    assert only(folder).trajectory.series["eval_loss"] == ((8, 0.25),)
    assert only(folder).metrics["eval_loss"] == 0.25
    assert "eval_runtime" not in only(folder).metrics


def test_results_of_another_epoch_are_of_another_training(output):
    measured = json.dumps({"epoch": 1.0, "eval_loss": 0.25})
    folder = output(trainer_state_json=state(8, end=True, epoch=2.0), eval_results_json=measured)

    assert "eval_loss" not in only(folder).trajectory.series


def test_results_without_a_state_are_what_the_run_ended_with(output):
    trained, measured = json.dumps({"epoch": 2.0, "train_loss": 0.5}), json.dumps({"epoch": 2.0, "eval_loss": 0.25})
    folder = output(all_results_json=measured, train_results_json=trained, eval_results_json=measured)

    assert dict(only(folder).metrics) == {"train_loss": 0.5, "eval_loss": 0.25}


def test_arguments_without_a_state_are_named_and_not_lost(output):
    output("ok", trainer_state_json=state(8))
    dead = output("dead", config_json="{}")
    found, skipped = runs_in(dead.parent, "huggingface")

    assert len(found) == 1
    assert [one.source for one in skipped] == [str(dead)]
    assert "no trainer_state.json" in skipped[0].reason


def test_arguments_beside_what_another_tracker_wrote_leave_it_to_that(output):
    here = output("run", events_out="")
    (here / "events.out.tfevents.1.box").write_bytes(b"")

    with pytest.raises(NoRunError):
        runs_in(here.parent, "huggingface")
