"""A config that is not in the record is unknown, never empty, also where the record has the command line of the run."""

import json

import pytest

from runaudit.diff import Verdict, compare
from runaudit.factors.cohort import cohorts
from runaudit.settings import VOUCHABLE, ImportSettings, Settings
from runaudit.study.answer import judged
from runaudit.study.study import study
from tests.importers.reading import runs_in

ALL = Settings(imports=ImportSettings(typed=VOUCHABLE))
OWN_KEYS = "_wandb:\n    value:\n        cli_version: 0.23.1\nwandb_run_name:\n    value: baseline\n"
LOGGED = "lr:\n    value: 0.1\nout_dir:\n    value: /data/out\namp:\n    value: true\ndepth:\n    value: 3\n"


@pytest.fixture
def launched(tmp_path):
    """Writes run folders of W&B's, and reads them."""

    def make(*words, config=None, debug=None):
        number = len([*tmp_path.glob("*")])
        files = tmp_path / f"run-2026013{number}_120000-run{number}" / "files"
        files.mkdir(parents=True)
        facts = {"program": "/w/train.py", "root": "/w", "args": words, "python": "3.11.7", "os": "Linux",
                 "git": {"commit": "b" * 40}}  # fmt: skip
        (files / "wandb-metadata.json").write_text(json.dumps(facts))
        (files / "wandb-summary.json").write_text(json.dumps({"_step": 9, "loss": 0.5}))
        if config is not None:
            (files / "config.yaml").write_text(config)
        if debug is not None:
            (files.parent / "logs").mkdir()
            (files.parent / "logs" / "debug.log").write_text(debug)
        (one,), _ = runs_in(files.parent, "wandb")
        return one.run

    return make


@pytest.mark.parametrize("config", [None, OWN_KEYS], ids=["no config.yaml", "nothing but the keys of W&B"])
def test_runs_of_which_only_the_words_are_on_record_are_not_identical(launched, config):
    found = compare(launched("--lr", "0.1", config=config), launched("--lr", "0.1", config=config), settings=ALL)

    assert (found.verdict, found.conditional) == (Verdict.PROVENANCE_INCOMPLETE, None)
    assert found.standing is Verdict.PROVENANCE_INCOMPLETE
    assert not found.factors and [row.factor.partition(".")[0] for row in found.open] == ["config"]


def test_a_word_that_differs_is_told_and_is_no_verdict(launched):
    a, b = launched("--lr", "0.1", config=OWN_KEYS), launched("--lr", "0.2", config=OWN_KEYS)

    found = compare(a, b, settings=ALL)

    assert [row.factor for row in found.factors] == ["config.args.lr"]
    assert found.conditional is None and "config.args.lr 0.1 → 0.2" in found.headline
    assert "the command line alone is on record" in found.headline


def test_why_the_settings_are_not_there_is_told(launched):
    lost, none = launched("--lr", "1"), launched("--lr", "1", config=OWN_KEYS)

    assert "there is no config.yaml" in lost.manifest.section("unknown")["config.untyped"]
    assert "nothing was given to wandb.config" in none.manifest.section("unknown")["config.unlogged"]
    assert "config.unlogged" not in launched("--lr", "1", config=LOGGED).manifest.section("unknown")


def test_a_setting_that_only_the_other_record_has_is_no_factor(launched):
    whole, lost = launched("--lr", "0.1", config=LOGGED), launched("--lr", "0.1")

    for pair in ((whole, lost), (lost, whole)):
        found = compare(*pair, settings=ALL)
        assert not found.factors, found.factors
        assert found.standing is Verdict.PROVENANCE_INCOMPLETE


@pytest.mark.parametrize(
    ("words", "differs"),
    [
        (("--lr", "0.2"), ["config.lr"]),
        (("--amp", "0"), ["config.amp"]),
        (("--amp",), []),
        (("--depth", "2", "--depth", "3"), []),
        (("--out_dir", "out"), []),
        (("--learn", "0.1"), []),
        (("--lr", "0.2", "--depth", "4"), ["config.depth", "config.lr"]),
    ],
)
def test_a_word_is_held_against_the_setting_of_its_name(launched, words, differs):
    whole, lost = launched(config=LOGGED), launched(*words)

    assert [row.factor for row in compare(whole, lost, settings=ALL).factors] == differs


def test_what_was_given_later_is_read_from_the_trackers_own_log(launched):
    lines = "wandb.init called with sweep_config: {{}}\nconfig: {{}}\nx:run started\ny:config_cb None None {}\n"
    a, b, open_ = (launched("--x", config=None, debug=lines.format(text)) for text in
                   ("{'lr': 0.1}", "{'lr': 0.2}", "<Namespace>"))  # fmt: skip

    assert [row.factor for row in compare(a, b, settings=ALL).factors] == ["config.lr"]
    assert compare(a, b, settings=ALL).standing is Verdict.SINGLE_FACTOR
    assert "config.untyped" in open_.manifest.section("unknown")


def test_runs_whose_settings_were_lost_are_no_cohort(launched):
    lost = [launched("--lr", "1"), launched("--lr", "1")]
    unlogged = [launched("--lr", "1", config=OWN_KEYS), launched("--lr", "1", config=OWN_KEYS)]
    other = launched("--lr", "2", config=OWN_KEYS)

    assert sorted(one.n for one in cohorts([*lost, *unlogged, other])) == [1, 1, 1, 2]


def test_a_study_of_words_alone_comes_to_no_verdict(launched):
    runs = [launched("--lr", text, config=OWN_KEYS) for text in ("1", "2", "3")]

    found = judged(study(runs, settings=ALL))

    assert (found.verdict, found.standing) == ("provenance_incomplete", "provenance_incomplete")
    assert "the command line alone is on record" in found.reason


def test_a_run_of_sacreds_without_its_config_has_one_that_is_unknown(tmp_path):
    for name, config in (("1", {"lr": 0.1, "depth": 3}), ("2", None)):
        (tmp_path / name).mkdir()
        experiment = {"name": "toy", "mainfile": "main.py",
                      "repositories": [{"url": "x", "commit": "c" * 40, "dirty": False}]}  # fmt: skip
        entry = {"experiment": experiment, "command": "main", "status": "COMPLETED", "result": 1.0}
        (tmp_path / name / "run.json").write_text(json.dumps(entry))
        (tmp_path / name / "metrics.json").write_text("{}")
        if config is not None:
            (tmp_path / name / "config.json").write_text(json.dumps(config))
    runs, _ = runs_in(tmp_path, "sacred")

    found = compare(*(one.run for one in runs), settings=ALL)

    assert not found.factors and found.standing is Verdict.PROVENANCE_INCOMPLETE
    assert "config.untyped" in [row.factor for row in found.open]


def test_a_stage_without_parameters_has_the_words_of_its_command_alone(tmp_path):
    lock = "schema: '2.0'\nstages:\n  train:\n    cmd: python train.py --lr {}\n    outs: [{{path: m, md5: {}}}]\n"
    for number in (1, 2):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "dvc.lock").write_text(lock.format(number, str(number) * 32))
        (tmp_path / str(number) / "dvc.yaml").write_text("metrics: [scores.json]\n")
        (tmp_path / str(number) / "scores.json").write_text('{"acc": 0.5}')
    runs, _ = runs_in(tmp_path, "dvc")

    found = compare(*(one.run for one in runs), settings=ALL)

    assert [row.factor for row in found.factors] == ["config.args.lr"]
    assert "config.unlogged" in [row.factor for row in found.open] and found.conditional is None
