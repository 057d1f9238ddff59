"""`show` says why a run ended and what it was seen to use, capped, and in words no terminal obeys."""

import json
import re
import shlex

import pytest

from runaudit.errors import RecordError
from runaudit.records.outcome import Outcome
from runaudit.records.trajectory import Trajectory, write_lines
from runaudit.store.remarks import add_note
from tests.cli.recorded import sealed
from tests.cli.test_diff import seal
from tests.diff.samples import drop, put

HOSTILE = "\x1b[2J\x1b]0;owned\x07"
SEEN = {
    "level": "partial",
    "reason": "a child could not be watched",
    "reasons": ["a child could not be watched"],
    "argv": ["python", "train.py", "--name", HOSTILE],
    "executable": "/usr/bin/python3",
    "flags": ["-O"],
    "python": "3.11.7",
    "cwd": ".",
    "read": [
        *({"path": f"data/{n}.csv", "digest": "sha256:" + "a" * 64, "size": 3, "role": "data"} for n in range(20)),
        {"path": "weights.npy", "digest": None, "role": "weights", "reason": "changed meanwhile"},
    ],
    "written": [{"path": f"out/{HOSTILE}"}],
    "looked_up": {"EPOCHS": "50", "HOME_MADE": None},
    "imported": {"numpy": "2.0.1"},
    "seeded": [{"call": "random.seed", "value": 3, "where": "train.py:3"}],
    "children": [{"argv": ["sh", "-c", "x"], "seen": False}],
}


def ended(store, **sections):
    run = seal(store)
    store.seal_outcome(
        Outcome.of({"manifest": f"sha256:{run}", "status": "crashed", **sections}), time="2025-11-01T02:00:00Z"
    )
    return run


def test_a_crash_shows_its_error_and_its_last_words(here, runaudit):
    ended(here, error="ValueError: shape (3, 4) does not fit", stderr_tail=f"Traceback …\nValueError {HOSTILE}")

    _, out, _ = runaudit("show", "@last")

    assert "\nerror     ValueError: shape (3, 4) does not fit" in out
    assert out.index("ValueError") < out.index("config")
    assert "  Traceback …" in out
    assert "\x1b" not in out and "\x07" not in out and "\\x1b" in out


def test_what_was_observed_is_one_line_and_with_v_every_row(here, runaudit):
    ended(here, observed=SEEN)

    _, out, _ = runaudit("show", "@last")

    assert "observed  partial: a child could not be watched" in out
    assert "data/19.csv" not in out and "\x1b" not in out
    _, out, _ = runaudit("show", "@last", "-v")
    assert "observed  partial" in out and "a child could not be watched" in out
    assert "read (21)" in out
    assert "EPOCHS=50" in out and "HOME_MADE was not set" in out
    assert "numpy 2.0.1" in out and "random.seed(3) at train.py:3" in out and "(not seen inside)" in out
    assert "data/19.csv" in out and "content unknown: changed meanwhile" in out and "\x1b" not in out


def test_an_unobserved_run_says_so_and_an_old_record_says_nothing(here, runaudit):
    ended(here, observed={"level": "none", "reason": "the command is no Python program"})
    assert "observed  none: the command is no Python program" in runaudit("show", "@last")[1]
    assert "observed  none\n  the command is no Python program" in runaudit("show", "@last", "-v")[1]
    seal(here)
    assert "\nobserved" not in runaudit("show", "@last")[1]
    assert "\nobserved" not in runaudit("show", "@last", "-v")[1]


def test_an_ordinary_run_is_one_screen_and_says_what_is_asked_first(here, runaudit):
    metrics = {f"full_frame/psnr/{name}": 30.0 + at for at, name in enumerate("abcde")}
    metrics |= {f"val/other_{number}": 1.0 for number in range(40)}
    ids = [sealed(here, put("seed", seed), put("label", "wide net"), metrics=metrics) for seed in (1, 2)]
    add_note(here, ids[1], f"the second GPU was hot {HOSTILE}", time="2026-01-02T00:00:00Z")

    here.run_dir(ids[1]).mkdir(parents=True)

    _, out, _ = runaudit("show", ids[1][:8])

    lines = out.splitlines()
    assert len(lines) <= 24
    words = [line[:10].strip() for line in lines]
    assert lines[0] == f"{ids[1]}  wide net"
    for word in ("status", "started", "git", "seed", "config", "data", "cohort", "metrics", "note", "folder"):
        assert word in words, (word, out)
    assert "full_frame/psnr  32 dB, mean of 5: a 30, b 31, c 32, d 33, e 34" in lines[words.index("metrics")]
    assert "(2 runs, effective n " in lines[words.index("cohort")]
    assert lines[words.index("folder")].endswith(str(here.run_dir(ids[1]).absolute()))
    assert "the second GPU was hot" in out and "\x1b" not in out
    assert len(runaudit("show", ids[1][:8], "-v")[1].splitlines()) > len(lines)


def test_what_show_says_can_be_used(here, runaudit):
    """A command is typed again as it stands, no digest is cut in two, and no folder is named that there is not."""
    words = ["python", "train.py", "a b", '=x|y, "z"']
    data = {f"set {n}": {"digest": "sha256:" + "a" * 64, "path": f"/data/{'deep/' * 20}{n}.csv"} for n in range(5)}
    run = sealed(here, put("runtime/argv", words), put("data", data), metrics={"val/a": 1.0})

    out = runaudit("show", run[:8])[1]

    assert shlex.split(re.search(r"^command +(.*)$", out, re.MULTILINE)[1]) == words
    assert re.findall(r"(set \d)  sha256:a{12}…  /data", out) == ["set 0", "set 1", "set 2"] and "and 2 more" in out
    assert "folder    none: it was imported" in out and "\nsource" not in out
    assert runaudit("path", run[:8])[0] == 2
    here.run_dir(run).mkdir(parents=True)
    assert runaudit("path", run[:8])[1].strip() in runaudit("show", run[:8])[1]


def test_settings_that_only_the_command_line_says_are_shown_as_settings(here, runaudit):
    """`list --columns config.args.lr` and `diff` know them, so `show` does not call the configuration unknown."""
    command = ["python", "train.py", "--lr", "0.3"]
    run = sealed(here, put("runtime/argv", command), drop("config"), metrics={"val/a": 1.0})
    mute = sealed(here, put("label", "mute"), drop("config"), metrics={"val/a": 1.0})

    assert re.search("^config +2 values of the command line: args.lr 0.3, args.script train.py$",
                     runaudit("show", run[:8])[1], re.MULTILINE)  # fmt: skip
    assert "args.lr" in runaudit("list", "--columns", "id,config.args.lr")[1]
    assert re.search("^config +unknown$", runaudit("show", mute[:8])[1], re.MULTILINE)


def test_an_imported_run_says_where_it_came_from_so_that_two_of_one_name_are_told_apart(here, runaudit, tmp_path):
    folders = [tmp_path / project / "deep" / ("x" * 90) / "lightning_logs" / "version_1" for project in ("a", "b")]
    for seed, folder in enumerate(folders):
        folder.mkdir(parents=True)
        (folder / "hparams.yaml").write_text(f"seed: {seed}\n")
        (folder / "metrics.csv").write_text(f"epoch,step,val_loss\n0,9,0.{seed + 1}\n")

    ids = [row["id"] for row in json.loads(runaudit("import", "auto", str(tmp_path), "--json")[1])["imported"]]

    told = [f"lightning:{folder.resolve()}" for folder in folders]
    assert [runaudit("show", run)[1].splitlines()[-1] for run in ids] == [f"source    {place}" for place in told]
    assert all(place in runaudit("list", "--columns", "id,label,source")[1] for place in told)
    (cohort,) = json.loads(runaudit("list", "--json")[1])["cohorts"]
    assert {row["source"] for row in cohort["runs"]} == {*told}


def test_a_section_of_another_form_is_never_sealed(here):
    with pytest.raises(RecordError, match=r"'observed.level' is a number, not text"):
        ended(here, observed={"level": 7, "read": "x"})


def test_the_json_answer_holds_them_too(here, runaudit):
    ended(here, error="x", stderr_tail="a\nb", observed=SEEN)

    answer = json.loads(runaudit("show", "@last", "--json")[1])

    assert (answer["error"], answer["stderr_tail"]) == ("x", ["a", "b"])
    assert answer["observed"]["looked_up"] == {"EPOCHS": "50", "HOME_MADE": None}


def test_json_leaves_long_series_out_unless_asked_and_says_so(here, runaudit):
    raw = write_lines(Trajectory(series={"loss": [(step, step / 10) for step in range(10_001)]}))
    run = ended(here, trajectory={"digest": str(here.put(raw)), "size": len(raw)})

    answer = json.loads(runaudit("show", run[:12], "--json")[1])

    assert "series" not in answer["record"] and "digest" not in answer["record"]
    assert answer["series"] == {"loss": {"points": 10_001, "first": [0, 0.0], "last": [10_000, 1000.0]}}
    assert answer["series_left_out"] == "10,001 points; --series gives all"
    whole = json.loads(runaudit("show", run[:12], "--json", "--series")[1])
    assert len(whole["record"]["series"]["loss"]) == 10_001 and "series_left_out" not in whole
    assert whole["record"]["digest"]


def test_what_brings_an_archived_run_back_can_be_typed_as_it_stands(here, runaudit):
    run = sealed(here, metrics={"val/a": 1.0})
    runaudit("archive", run[:8])

    (remedy,) = re.findall(r"`runaudit (archive --undo .*?)`", runaudit("show", run[:8])[1])

    assert runaudit(*remedy.split())[0] == 0 and "archived" not in runaudit("show", run[:8])[1]
