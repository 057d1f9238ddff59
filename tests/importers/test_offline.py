"""Offline runs of W&B: config, name, commit and metrics come out of the binary file, a torn one as far as it goes."""

import json

import pytest

from runaudit.diff import compare
from runaudit.settings import Settings
from tests.importers.reading import runs_in
from tests.importers.test_foreign_files import frames


def read_runs(path):
    return runs_in(path, "wandb")


pb2 = pytest.importorskip("wandb.proto.wandb_internal_pb2", reason="wandb is not installed")


def message(**kinds):
    record = pb2.Record()
    for kind, fill in kinds.items():
        fill(getattr(record, kind))
        getattr(record, kind).SetInParent()
    return record.SerializeToString()


def items(target, values):
    for key, value in values.items():
        item = target.add()
        if isinstance(key, tuple):
            item.nested_key.extend(key)
        else:
            item.key = key
        item.value_json = json.dumps(value)


def told(config, **names):
    def fill(run):
        items(run.config.update, config)
        for name, value in names.items():
            setattr(run, name, value)
        run.git.commit = "c" * 40
        run.host = "ada"

    return message(run=fill)


def logged(step, **values):
    return message(history=lambda h: items(h.item, {**values, "_step": step}))


def summed(**values):
    return message(summary=lambda s: items(s.update, values))


def ended(code=0):
    return message(exit=lambda e: setattr(e, "exit_code", code))


@pytest.fixture
def offline(tmp_path):
    def make(name, *messages, cut=0):
        folder = tmp_path / "wandb" / f"offline-run-20260101_00000{len(list(tmp_path.rglob('*.wandb')))}-{name}"
        (folder / "files").mkdir(parents=True)
        raw = frames(list(messages))
        (folder / f"run-{name}.wandb").write_bytes(raw[: len(raw) - cut])
        return folder

    return make


def whole(config, code=0, **names):
    return (told(config, **names), logged(0, **{"val/psnr": 30.0}), logged(1, **{"val/psnr": 31.0}),
            summed(**{"val/psnr": 31.0, "_runtime": 12.0}), ended(code))  # fmt: skip


def test_what_the_binary_file_says_is_in_the_record(offline):
    (found,), skipped = read_runs(offline("a1", *whole({"lr": 0.1, "seed": 3}, run_id="a1", display_name="first")))

    body = found.run.manifest.to_json()
    assert skipped == ()
    assert (body["label"], body["config"], body["seed"]) == ("first", {"lr": 0.1, "seed": 3}, 3)
    assert body["code"]["commit"] == "c" * 40
    assert dict(found.run.trajectory.series)["val/psnr"] == ((0, 30.0), (1, 31.0))
    assert (found.run.status, dict(found.run.metrics)) == ("completed", {"val/psnr": 31.0})


def test_two_of_them_are_compared(offline):
    a, b = (
        read_runs(offline(name, *whole({"lr": lr, "seed": 3})))[0][0].run for name, lr in (("a1", 0.1), ("b2", 0.2))
    )

    said = compare(a, b, settings=Settings())

    assert (said.conditional, [f.factor for f in said.factors]) == ("single_factor", ["config.lr"])


def test_a_later_config_wins_and_what_was_removed_is_gone(offline):
    def change(config):
        items(config.update, {"lr": 0.5, ("model", "width"): 48})
        config.remove.add().key = "old"

    messages = (told({"lr": 0.1, "old": 1, "model": {"depth": 2}}), message(config=change), ended())
    (found,), _ = read_runs(offline("a1", *messages))

    assert found.run.manifest.to_json()["config"] == {"lr": 0.5, "model": {"depth": 2, "width": 48}}


@pytest.mark.parametrize("cut", [1, 7, 20, 60])
def test_a_torn_tail_costs_what_stood_in_it_alone(offline, cut):
    (found,), _ = read_runs(offline("a1", *whole({"lr": 0.1}), cut=cut))

    assert found.run.manifest.to_json()["config"] == {"lr": 0.1}
    assert found.run.outcome is None


def test_a_crash_is_a_crash(offline):
    (found,), _ = read_runs(offline("a1", *whole({"lr": 0.1}, code=1)))

    assert found.run.status == "crashed"


def test_a_file_that_tells_of_no_run_is_left_out(offline):
    found, skipped = read_runs(offline("a1", logged(0, loss=1.0)))

    assert found == () and "holds none of" in skipped[0].reason


@pytest.mark.parametrize(
    ("config", "kept"),
    [
        ({"wandb_artifact": "m:v3"}, {"wandb_artifact": "m:v3"}),
        ({"wandb": {"artifact": "m:v3"}}, {"wandb": {"artifact": "m:v3"}}),
        ({"lr": 1, "wandb": {"project": "p", "tags": ["a"]}}, {"lr": 1}),
        ({"lr": 1, "wandb_run_name": "a", "use_wandb": True}, {"lr": 1}),
    ],
)
def test_what_configures_the_tracker_is_left_out_and_what_it_is_read_from_is_not(offline, config, kept):
    (found,), _ = read_runs(offline("a1", *whole(config)))

    assert found.run.manifest.to_json()["config"] == kept
