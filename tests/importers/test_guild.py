"""Run folders of Guild AI: flags are the config, what was copied is code and data by its digest."""

import hashlib
import json

import pytest

from runaudit.diff import compare
from runaudit.diff.result import Verdict
from runaudit.errors import RecordError
from runaudit.importers.tables import words_of
from runaudit.settings import Settings
from tests.importers.reading import runs_in
from tests.importers.test_tensorboard import VERSION, event, scalar

MAIN = "lr = 0.1\n"


def sha1(text):
    return hashlib.sha1(text.encode()).hexdigest()


@pytest.fixture
def home(tmp_path):
    """Writes runs as Guild does, below one home."""

    def make(run="a" * 32, *, main=MAIN, manifest=True, opref="guildfile:/w/guild.yml 12 '' train", **attrs):
        place = tmp_path / "runs" / run
        (place / ".guild" / "attrs").mkdir(parents=True)
        (place / ".guild" / "opref").write_text(opref)
        found = {
            "id": run, "flags": {"lr": 0.2, "seed": 3}, "exit_status": 0, "started": 1_700_000_000_000_000,
            "stopped": 1_700_000_010_500_000, "random_seed": 99, "host": "ada",
            "cmd": ["/usr/bin/python3", "-um", "guild.op_main", "train", "--", "--lr", "0.2", "--seed", "3"],
            "platform": {"cpus": 4, "python_version": "3.11.7 (main)", "uname": "Linux"},
            "pip_freeze": ["torch==2.1.0"], "env": {"OMP_NUM_THREADS": "2", "HOME": "/h", "API_TOKEN": "xyz"},
        } | attrs  # fmt: skip
        for name, value in found.items():
            if value is not None:
                (place / ".guild" / "attrs" / name).write_text(json.dumps(value))
        if manifest:
            (place / "train.py").write_text(main)
            rows = f"s train.py {sha1(main)} src/train.py\nd data.csv {sha1('x')} file:data.csv\nd 'a b' - file:b\n"
            (place / ".guild" / "manifest").write_text(rows)
        else:
            (place / ".guild" / "sourcecode").mkdir()
            (place / ".guild" / "sourcecode" / "train.py").write_text(main)
        (place / ".guild" / "events.out.tfevents.1700000000.ada.1.0").write_bytes(
            VERSION + event(0, scalar("loss", 0.5)) + event(1, scalar("loss", 0.25))
        )
        return place

    return make


def only(path):
    runs, skipped = runs_in(path, "guild")
    assert not skipped
    (one,) = runs
    return one.run


def test_a_run_says_its_flags_its_sources_and_how_it_ended(home):
    run = only(home().parents[1])

    code = run.manifest.section("code")
    assert run.manifest.section("config") == {"lr": 0.2, "seed": 3}
    assert run.manifest.body["seed"] == 3, "the seed of the search is not that of the program"
    assert code["program"] == "train"
    assert run.blobs[code["files"]["src/train.py"]["digest"]] == MAIN.encode()
    assert run.manifest.section("data")["data.csv"]["digest"] == f"sha1:{sha1('x')}"
    assert "digest" not in run.manifest.section("data")["a b"]
    assert run.manifest.section("env")["variables"] == {"OMP_NUM_THREADS": "2"}
    assert run.manifest.section("env")["torch"] == "2.1.0"
    assert (run.status, run.outcome.body["duration_s"]) == ("completed", 10.5)
    assert run.trajectory.series["loss"] == ((0, 0.5), (1, 0.25))


@pytest.mark.parametrize(("value", "status"), [(0, "completed"), (2, "crashed"), (-15, "killed"), (-400, "killed")])
def test_how_a_run_ended_is_its_exit_status(home, value, status):
    assert only(home(exit_status=value)).status == status


def test_without_an_exit_status_nobody_knows_how_it_ended(home):
    assert only(home(exit_status=None)).outcome is None


def test_a_commit_with_a_star_is_a_dirty_one(home):
    code = only(home(vcs_commit="git:" + "c" * 40 + "*")).manifest.section("code")

    assert (code["commit"], code["dirty"]) == ("c" * 40, True)


def test_two_seeds_are_replicates_and_a_changed_source_is_one_factor(home):
    home("a" * 32)
    home("b" * 32, flags={"lr": 0.2, "seed": 4}, cmd=["python3", "-um", "guild.op_main", "train", "--seed", "4"])
    base = home("c" * 32, main="lr = 0.3\n").parent
    a, b, c = (one.run for one in runs_in(base, "guild")[0])

    assert compare(a, b, settings=Settings()).conditional is Verdict.REPLICATE
    assert [row.factor for row in compare(a, c, settings=Settings()).factors] == ["code.src/train.py"]


def test_a_source_that_was_changed_since_counts_by_what_was_copied(home):
    place = home()
    (place / "train.py").write_text("other\n")

    run = only(place)

    assert run.manifest.section("code")["sources"] == {"src/train.py": f"sha1:{sha1(MAIN)}"}
    assert "files" not in run.manifest.section("code")
    assert "is not what Guild copied" in run.manifest.section("origin")["note"]


def test_older_runs_keep_their_sources_in_a_folder(home):
    assert "train.py" in only(home(manifest=False)).manifest.section("code")["files"]


def test_an_event_file_that_cannot_be_read_costs_the_curves_alone(home):
    place = home()
    (place / ".guild" / "events.out.tfevents.1700000000.ada.1.0").write_bytes(b"garbage" * 99)

    run = only(place)

    assert run.manifest.body["seed"] == 3
    assert "is not an event file" in run.manifest.section("origin")["note"]


def test_no_row_of_a_manifest_leads_out_of_the_run(home, tmp_path):
    (tmp_path / "key.py").write_text("secret")
    place = home()
    with (place / ".guild" / "manifest").open("a") as file:
        file.write(f"s ../../key.py {sha1('secret')} key.py\n")

    run = only(tmp_path)

    assert "files" not in run.manifest.section("code")
    assert b"secret" not in run.blobs.values()


@pytest.mark.parametrize(
    ("name", "text"),
    [("flags", "[1]"), ("flags", "!!python/object/apply:os.system ['true']"), ("flags", "a: &a [*a]"), ("flags", "\0"),
     ("platform", "3"), ("cmd", "{")],
)  # fmt: skip
def test_an_attribute_of_another_form_ends_in_one_line(home, name, text):
    place = home()
    (place / ".guild" / "attrs" / name).write_text(text)

    with pytest.raises(RecordError) as caught:
        runs_in(place, "guild")
    assert "\n" not in caught.value.message


def test_a_reference_of_megabytes_is_no_command_and_is_not_taken_apart():
    assert words_of("x" * 9_000_000) is None
    assert words_of("guildfile:. 'a b' train") == ["guildfile:.", "a b", "train"]


@pytest.mark.parametrize("opref", ["", "\n", "train", "guildfile:/w \x01 train", "\ufffd:a b"])
def test_a_reference_that_names_no_operation_makes_no_run(home, opref):
    with pytest.raises(RecordError, match="names no operation"):
        runs_in(home(opref=opref), "guild")


def test_an_operation_without_flags_has_its_words_on_record_and_no_other_setting(home):
    (run,) = [one.run for one in runs_in(home(flags={}), "guild")[0]]

    assert run.manifest.section("config") == {"args": {"lr": 0.2, "seed": 3}}
    assert "the operation has no flags" in run.manifest.section("unknown")["config.unlogged"]
