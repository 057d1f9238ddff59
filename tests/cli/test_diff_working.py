"""`runaudit diff RUN --working`: what was changed since that run, by the launch that its command would be now."""

import json
import subprocess
import sys

import pytest

from runaudit.cli.app import main

TRAIN = 'import json\nprint("psnr", 30.0)\n'


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A repository whose command ran once under runaudit."""
    place = tmp_path / "project"
    (place / "points").mkdir(parents=True)
    (place / "points" / "a.csv").write_text("1,2\n")
    (place / "train.py").write_text(TRAIN)
    (place / "train.toml").write_text('lr = 0.001\nname = "base"\n')
    (place / ".gitignore").write_text("points/\n")
    monkeypatch.chdir(place)
    monkeypatch.delenv("RUNAUDIT_STORE", raising=False)
    git("init", "-q")
    git("add", "-A")
    git("-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "start")
    with pytest.raises(SystemExit) as ended:
        main(["run", "--config", "train.toml", "--data", "train=points", "--seed", "1", "--label", "base", "--init",
              "random", "--waive", "dirty_sibling=a test", "--", sys.executable, "train.py"])  # fmt: skip
    assert ended.value.code == 0
    return place


def git(*words):
    subprocess.run(["git", *words], check=True, capture_output=True)


@pytest.fixture
def since(project, capfd):
    """The comparison of a run with the tree as it is now."""

    def since(*words):
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["diff", *words, "--working", "--json"])
        return ended.value.code, json.loads(capfd.readouterr().out)

    return since


def names(answer):
    return [row["factor"] for row in answer["factors"]]


def test_an_untouched_tree_is_what_ran(since):
    code, answer = since("base")

    assert (code, answer["verdict"], answer["b"]["id"]) == (0, "identical", "working")
    assert not (answer["factors"] or answer["missing"])


def test_an_edit_since_is_named(project, since):
    (project / "train.py").write_text(TRAIN.replace("30.0", "31.0"))

    assert names(since("base")[1]) == ["code.train.py"]


def test_a_config_file_is_read_again(project, since):
    (project / "train.toml").write_text('lr = 0.002\nname = "base"\n')

    code, answer = since()

    assert (code, answer["verdict"], names(answer)) == (0, "single_factor", ["config.lr"])
    assert "code.train.toml" in [row["factor"] for row in answer["derived"]]


def test_data_that_changed_in_its_place_is_shouted(project, since):
    (project / "points" / "a.csv").write_text("1,3\n")

    answer = since("base")[1]

    assert names(answer) == ["data.train"]
    assert any("same path with other content" in note for note in answer["notes"])


@pytest.mark.parametrize("path", ["train.toml", "points/a.csv"])
def test_what_is_gone_is_missing_and_not_equal(project, since, path):
    (project / path).unlink()
    if path.startswith("points"):
        (project / "points").rmdir()

    code, answer = since("base")

    assert (code, answer["verdict"]) == (3, "provenance_incomplete")
    gone = "config" if path == "train.toml" else "data.train.digest"
    assert gone in [row["factor"] for row in answer["missing"]]


def test_looking_stores_nothing(project, since):
    (project / "train.py").write_text(TRAIN + "print('more')\n")
    store = project / ".runaudit"
    before = {path for path in store.rglob("*") if "cache" not in path.parts}

    since("base")

    assert {path for path in store.rglob("*") if "cache" not in path.parts} == before


def test_two_runs_and_the_tree_are_a_usage_error(project, capfd):
    with pytest.raises(SystemExit) as ended:
        main(["diff", "base", "base", "--working"])

    assert ended.value.code == 2
    assert "takes one run" in capfd.readouterr().err
