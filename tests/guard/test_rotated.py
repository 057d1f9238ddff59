"""A secret in a name that was rotated names the same thing: no factor, whichever name of a run it stands in."""

import json
import sys

import pytest

import runaudit
from runaudit.store import Store
from runaudit.store.catalogue import load, run_ids
from runaudit.store.verify import verify

PROGRAM = """
import runaudit, sys
run = runaudit.record()
key = sys.argv[1].lstrip("-")
run.log(1, {"train/" + key: 1.0, "val/psnr": 20.0})
run.finish("completed", metrics={"val/psnr": 20.0})
"""
KEYS = ("key_glpat-" + "aB3" * 7, "key_glpat-" + "xY7" * 7)


def test_two_launches_that_differ_in_such_names_alone_are_identical(repo, git, cli, capfd):
    (repo / "p.py").write_text(PROGRAM)
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "x")
    for key in KEYS:
        (repo.parent / "c.yaml").write_text(f"lr: 1\n{key}: 1\nin:\n  {key}: [1, 2]\n")
        code = cli(
            "run", "--config", str(repo.parent / "c.yaml"), "--data", f"{key}=data/train", "--eval", f"{key}=1",
            "--seed", "1", "--label", f"tries {key} on h", "--init", "random", "--", sys.executable, "p.py",
            f"--{key}", "1", f"--{key}-twice=2",
        )  # fmt: skip
        assert code == 0, capfd.readouterr()
    capfd.readouterr()

    assert cli("diff", "@last~1", "@last", "--json") == 0
    answer = json.loads(capfd.readouterr().out)
    assert answer["verdict"] == "identical", answer["factors"]
    store = Store.open(repo / ".runaudit")
    assert verify(store).problems == ()
    kept = b"".join(path.read_bytes() for path in store.root.rglob("*") if path.is_file())
    assert not [key for key in KEYS if key.removeprefix("key_").encode() in kept]


def test_a_program_that_records_itself_leaves_no_such_name_either(repo, monkeypatch):
    name = KEYS[0]
    with runaudit.record("itself", seed=1, config={"lr": 1}, data={"train": "data/train"}) as run:
        (run.run_dir / name).mkdir()
        (run.run_dir / name / f"{name}.ckpt").write_bytes(b"w")
        run.checkpoint(run.run_dir / name / f"{name}.ckpt", step=1)
        (repo.parent / f"{name}.png").write_bytes(b"p")
        run.artifact(repo.parent / f"{name}.png")
        run.finish("completed", metrics={name: 1.0})

    store = Store.open(repo / ".runaudit")
    (run_id,) = run_ids(store)
    assert not [path for path in store.root.rglob("*") if name.removeprefix("key_") in str(path)]
    assert len(load(store, run_id).outcome.checkpoints) == 1 and len(load(store, run_id).outcome.artifacts) == 1
    assert verify(store).problems == () and "key_<redacted:" in next(iter(load(store, run_id).metrics))


@pytest.mark.parametrize("place", ["argv", "code", "patch", "variable", "config", "read"])
def test_a_changed_name_that_looks_like_a_key_is_a_factor(place, repo, git, cli, options, monkeypatch, capfd):
    """Replaced or not, it may be a choice: two runs that differ in it are never identical."""
    program = "import json, os\nNAME = '{}'\nos.environ.get('ARCH')\njson.load(open('r.json'))\n"
    values = ("sk-resnet-50-imagenet21k-A1-In1k", "sk-resnet-50-imagenet21k-A2-In1k")
    if place in ("config", "read"):
        values = tuple(f"{first}B3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG6hJ" for first in "ab")
    (repo / ".gitignore").write_text("/data/\n__pycache__/\nr.json\nm.json\n")
    (repo / "r.json").write_text("{}")
    (repo / "p.py").write_text(program.format("x"))
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "x")
    for number, value in enumerate(values):
        if place in ("code", "patch"):
            (repo / "p.py").write_text(program.format(value))
        if place == "code":
            git(repo, "commit", "-qam", value)
        if place == "read":
            (repo / "r.json").write_text(json.dumps({"m": value}))
        if place == "variable":
            monkeypatch.setenv("ARCH", value)
        (repo / "m.json").write_text(json.dumps({"m": value if place == "config" else 1}))
        options[-1] = f"the arm of {number}"
        more = ("--waive", "RA103=here") if place == "patch" else ()
        words = ("--model", value) if place == "argv" else ()
        assert cli("run", *options, "--config", "m.json", *more, "--", sys.executable, "p.py", *words) == 0, (
            capfd.readouterr()
        )
    capfd.readouterr()

    cli("diff", "@last~1", "@last", "--json")
    assert json.loads(capfd.readouterr().out)["verdict"] == "single_factor"
