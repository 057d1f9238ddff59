"""The Trainer's output folders: one run for all checkpoints, and what only a pickle holds is unknown."""

import json
import math

import pytest

from runaudit.diff import compare
from runaudit.errors import RecordError
from runaudit.settings import Settings
from tests.importers.reading import runs_in

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


def test_a_checkpoint_of_another_training_is_not_mixed_in(output):
    folder = output(**{"trainer_state_json": state(4, end=True),
                       "checkpoint-8__trainer_state_json": state(8, scale=7.0)})  # fmt: skip
    run = only(folder)

    assert run.trajectory.series["loss"] == ((2, 0.5), (4, 0.25))
    assert "checkpoint-8 is of another training" in run.manifest.section("origin")["note"]


def test_a_training_that_a_callback_stopped_ended_early(output):
    assert only(output(trainer_state_json=state(4, end=True))).outcome.status == "early_stopped"


def test_what_only_the_pickle_holds_is_unknown(output):
    run = only(output(trainer_state_json=state(8), config_json='{"model_type": "bert", "hidden_size": 16}'))

    config, unknown = run.manifest.section("config"), run.manifest.section("unknown")
    assert config["model"] == {"model_type": "bert", "hidden_size": 16}
    assert config["trainer"] == {"train_batch_size": 8, "num_train_epochs": 2}
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


def test_a_loss_that_is_no_number_is_kept(output):
    text = json.dumps({"global_step": 1, "log_history": [{"step": 1, "loss": math.nan}]})

    assert math.isnan(only(output(trainer_state_json=text)).trajectory.series["loss"][0][1])


@pytest.mark.parametrize("text", ["[]", "{}", "{", '{"global_step": 1,', "not json"])
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
