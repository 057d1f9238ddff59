"""W&B run folders: what they say is read, what they do not say is unknown, what is malformed is refused whole."""

import json
import math
import os
from pathlib import Path

import pytest

from runaudit.diff import Verdict, compare
from runaudit.errors import RecordError
from runaudit.factors.factor import ChangeClass
from runaudit.importers.base import with_our_names
from runaudit.importers.commandline import arguments
from runaudit.settings import Settings
from tests.importers.reading import pairs_of, runs_in, shared_runs
from tests.importers.test_foreign_files import frames, history


def read_runs(path):
    return runs_in(path, "wandb")


CONFIG = """\
_wandb:
    value:
        cli_version: 0.23.1
        e:
            x1:
                email: someone@example.org
        t:
            "1": [1, 5]
lr:
    value: 6e-4
model:
    value:
        width: 48
        act: gelu
samples:
    value: .inf
wandb_run_name:
    value: baseline
"""
METADATA = {
    "os": "Linux-6.8",
    "python": "CPython 3.12.12",
    "startedAt": "2025-12-27T05:19:14Z",
    "args": ["--lr", "0.0006", "--hidden", "256", "--resume"],
    "program": "/w/run.py",
    "git": {"remote": "https://me:token@github.com/a/b", "commit": "b" * 40},
    "email": "someone@example.org",
    "host": "ada",
    "root": "/w",
    "gpu": "RTX 3090",
    "gpu_count": 1,
    "cudaVersion": "12.8",
}
SUMMARY = {
    "_step": 160,
    "_runtime": 364,
    "loss": 0.5,
    "val": {"psnr": 31.5},
    "plot": {"_type": "image-file", "size": 3},
}
REQUIREMENTS = "torch==2.6.0\nNumPy==2.0.1\npkg @ file:///opt/pkg\n-e git+https://x/y@abc#egg=mine\n# note\n"
BOMB = "a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n" for before, name in zip("abcdefg", "bcdefgh", strict=True)
)
"""Ten million leaves in five hundred bytes."""


@pytest.fixture
def folder(tmp_path):
    def make(name="run-20251227_051914-abc12345", *, config=CONFIG, metadata=METADATA, summary=SUMMARY, **files):
        files_dir = tmp_path / "wandb" / name / "files"
        files_dir.mkdir(parents=True)
        texts = {
            "config.yaml": config,
            "wandb-metadata.json": None if metadata is None else json.dumps(metadata),
            "wandb-summary.json": None if summary is None else json.dumps(summary),
            "requirements.txt": REQUIREMENTS,
            "diff.patch": None,
        } | {key.replace("_", "."): text for key, text in files.items()}
        for file, text in texts.items():
            if text is not None:
                (files_dir / file).write_text(text)
        return files_dir.parent

    return make


def read(path):
    (found,), skipped = read_runs(path)
    assert skipped == ()
    return found.run


CONDA = """name: a
channels:
  - defaults
dependencies:
  - cudatoolkit=10.2.89=hfd86e86_1
  - pytorch=1.9.0=py3.8_cuda10.2_cudnn7.6.5_0
  - Typing_Extensions=3.10
  - numpy=1.24.0=py38h0
  - pip:
    - absl-py==0.12.0
prefix: /home/a=b/env
"""


@pytest.mark.parametrize(("pip", "more"), [(None, {"numpy": "1.24.0=py38h0"}), ("numpy==2.0\n", {"numpy": "2.0"})])
def test_what_conda_lists_is_on_record_beside_what_pip_does_and_pip_has_the_word(folder, pip, more):
    made = folder(requirements_txt=pip)
    (made / "files/conda-environment.yaml").write_text(CONDA)

    env = read(made).manifest.section("env")

    assert env["packages"] == {
        "cudatoolkit": "10.2.89=hfd86e86_1", "pytorch": "1.9.0=py3.8_cuda10.2_cudnn7.6.5_0",
        "typing-extensions": "3.10", "absl-py": "0.12.0", **more,
    }  # fmt: skip
    assert env["torch"] == "1.9.0"


NO_LIST = "name: a\nchannels:\n  - defaults\nprefix: /home/ada/env\n"


@pytest.mark.parametrize("cut", ["", NO_LIST, CONDA[: CONDA.index("  - numpy")]], ids=["empty", "no list", "torn"])
@pytest.mark.parametrize(("pip", "factors"), [("b==1\n", []), ("b==2\n", ["env.packages.b"])], ids=["equal", "another"])
def test_what_conda_did_not_get_to_list_is_unknown_and_what_pip_listed_counts(folder, cut, pip, factors):
    runs = []
    for n, (conda, listed) in enumerate([(CONDA, "b==1\n"), (cut, pip), (cut, "b==1\n")]):
        made = folder(f"run-20251227_05191{n}-abc1234{n}", requirements_txt=listed)
        (made / "files/conda-environment.yaml").write_text(conda)
        runs.append(read(made))

    for a, b in ((runs[0], runs[1]), (runs[1], runs[0]), (runs[1], runs[2])):
        found = compare(a, b, settings=Settings())
        assert [member.path for row in found.factors for member in row.members] == factors
        assert "env.conda" in [row.factor for row in found.missing]


def test_an_empty_list_of_conda_lists_nothing(folder):
    made = folder(requirements_txt=None)
    (made / "files/conda-environment.yaml").write_text("")

    assert "packages" not in read(made).manifest.section("env")


def test_what_the_folder_says_is_in_the_record(folder):
    body = read(folder()).manifest.to_json()

    assert (body["label"], body["origin"]["run"]) == ("baseline", "abc12345")
    assert body["config"] == {
        "lr": 0.0006,
        "model": {"width": 48, "act": "gelu"},
        "samples": float("inf"),
        "args": {"hidden": 256, "resume": True},
    }
    assert body["env"] == {
        "python": "3.12.12",
        "platform": "Linux-6.8",
        "gpu": "RTX 3090",
        "gpu_count": 1,
        "cuda": "12.8",
        "torch": "2.6.0",
        "packages": {
            "torch": "2.6.0",
            "numpy": "2.0.1",
            "pkg": "file:///opt/pkg",
            "mine": "git+https://x/y@abc#egg=mine",
        },
    }
    assert body["code"]["commit"] == "b" * 40
    assert body["launch"]["started"] == "2025-12-27T05:19:14Z"
    assert body["launch"]["argv"] == ["/w/run.py", *METADATA["args"]]
    assert body["origin"]["kind"] == "wandb"
    assert body["origin"]["run"] == "abc12345"


def test_what_is_not_in_the_folder_is_unknown_with_its_reason(folder):
    unknown = read(folder()).manifest.to_json()["unknown"]

    assert unknown["seed"] == "no setting names it"
    assert "diff.patch" in unknown["code.patch"]
    assert {"data", "init", "eval", "env.determinism"} <= unknown.keys()


def test_a_seed_in_the_config_is_the_seed(folder):
    run = read(folder(config="seed:\n    value: 7\n"))

    assert run.manifest.seed == 7
    assert "seed" not in run.manifest.to_json()["unknown"]


def test_a_saved_patch_is_the_code_and_is_kept(folder):
    run = read(folder(diff_patch="diff --git a/x b/x\n"))

    assert run.manifest.body["code"]["dirty"] is True
    assert run.blobs[run.manifest.body["code"]["patch"]["digest"]] == b"diff --git a/x b/x\n"
    assert "code.patch" not in run.manifest.to_json()["unknown"]


def test_an_empty_patch_is_a_clean_tree(folder):
    code = read(folder(diff_patch="")).manifest.to_json()["code"]

    assert (code["dirty"], code["patch"]) == (False, None)


def test_neither_the_address_of_the_account_nor_a_token_is_taken_over(folder):
    raw = read(folder()).manifest.raw

    assert b"someone@example.org" not in raw
    assert b"token" not in raw


def test_the_summary_gives_each_number_its_last_point(folder):
    run = read(folder())

    assert dict(run.trajectory.series) == {"loss": ((160, 0.5),), "val.psnr": ((160, 31.5),)}
    assert run.outcome is None


def test_foreign_names_of_series_become_ours(folder):
    run = with_our_names(read(folder()), {"loss": "train/loss"})

    assert "train/loss" in run.trajectory.series
    assert "loss" not in run.trajectory.series


def test_names_settings_of_wandb_and_times_are_shown_and_change_no_verdict(folder):
    one = read(folder())
    other = read(
        folder(
            "run-20260101_000000-zzz99999",
            config=CONFIG.replace("baseline", "another").replace("0.23.1", "0.24.0"),
            metadata=METADATA | {"startedAt": "2026-01-01T00:00:00Z", "host": "bob"},
        )
    )

    said = compare(one, other, settings=Settings())

    assert said.factors == ()
    assert said.conditional == "identical"
    shown = {change.path for change in said.nuisance if change.kind is ChangeClass.NUISANCE}
    assert {"origin.settings.wandb_run_name", "origin.telemetry.cli_version", "launch.started", "label"} <= shown


def test_an_option_that_repeats_the_config_is_one_factor_with_it(folder):
    one = read(folder())
    other = read(
        folder("run-20260101_000000-b", config=CONFIG.replace("6e-4", "3e-4"),
               metadata=METADATA | {"args": ["--lr", "0.0003", "--hidden", "256", "--resume"]})
    )  # fmt: skip

    said = compare(one, other, settings=Settings())

    assert [f.factor for f in said.factors] == ["config.lr"]
    assert (said.verdict, said.conditional) == ("provenance_incomplete", "single_factor")


def test_an_option_that_nobody_logged_counts(folder):
    one = read(folder(config="{}"))
    other = read(
        folder(
            "run-20260101_000000-b",
            config="{}",
            metadata=METADATA | {"args": ["--lr", "0.1", "--hidden", "256", "--resume"]},
        )
    )

    assert [f.factor for f in compare(one, other, settings=Settings()).factors] == ["config.args.lr"]


@pytest.mark.parametrize(("word", "logged", "kept"), [
    ("--no-amp", "false", None), ("--no-amp", "true", {"no_amp": True}), ("--amp", "true", None),
])  # fmt: skip
def test_a_switch_that_is_typed_off_repeats_the_config_that_says_so(folder, word, logged, kept):
    path = folder(config=f"amp:\n  value: {logged}\n", metadata={**METADATA, "args": [word]})

    assert read(path).manifest.section("config").get("args") == kept


def test_an_abbreviated_option_repeats_the_option_it_stands_for(folder):
    """argparse takes `--mod` for `--model_name`."""
    run = read(folder(config="model_name:\n    value: elph\n", metadata=METADATA | {"args": ["--mod", "elph"]}))

    assert run.manifest.to_json()["config"] == {"model_name": "elph"}


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["--lr", "1e-3"], {"lr": 0.001}),
        (["--lr=1e-3"], {"lr": 0.001}),
        (["--n", "-3"], {"n": -3}),
        (["--flag", "--other"], {"flag": True, "other": True}),
        (["--sizes", "1", "2"], {"sizes": [1, 2]}),
        (["train", "-x", "y"], {"x": "y", "positional": {"1": "train"}}),
        (["--data-dir", "/d"], {"data_dir": "/d"}),
        (["--api-key", "k", "a.csv"], {"api_key": "k", "positional": {"1": "a.csv"}}),
        (["--lr", "1", "--", "x", "-y"], {"lr": 1, "positional": {"1": "x", "2": "-y"}}),
        (["--aug", "flip", "--aug", "crop"], {"aug": ["flip", "crop"]}),
        (["--aug=b", "--aug=a", "--aug=b"], {"aug": ["b", "a", "b"]}),
        (["--opt", "a", "1", "--opt", "b", "2"], {"opt": ["a", 1, ["b", 2]]}),
        (["-v", "-v"], {"v": [True, True]}),
        (["--set", "a=1", "--set", "b=2"], {"set": ["a=1", "b=2"]}),
        (["-B", "8", "-b", "1"], {"B": 8, "b": 1}),
        (["lr=1", "lr=2"], {"lr": [1, 2]}),
        (["lr=2", "--lr", "1"], {"lr=": 2, "lr": 1}),
        (["+a.b=1", "~a.b=1", "++c=2"], {"a.b": 1, "~a.b": 1, "c": 2}),
        ([], {}),
    ],
)
def test_a_command_line_is_read_as_settings(argv, expected):
    assert arguments(argv) == expected


@pytest.mark.parametrize(
    ("argv", "logged", "expected"),
    [
        (["--seed", "0", "x"], {"seed": 0}, {"seed": 0, "positional": {"1": "x"}}),
        (["-s", "0", "x"], {"seed": 0}, {"s": 0, "positional": {"1": "x"}}),
        (["--amp", "x"], {"amp": True}, {"amp": True, "positional": {"1": "x"}}),
        (["--sizes", "1", "2", "x"], {"sizes": [1, 2]}, {"sizes": [1, 2], "positional": {"1": "x"}}),
        (["--amp", "yes", "x"], {"amp": True}, {"amp": ["yes", "x"]}),  # Is `yes` its value?
        (["--seed", "0", "x"], {"seed": 1}, {"seed": [0, "x"]}),  # The setting is not what was typed.
        (["-s", "0", "x"], {"seed": 1, "size": 0}, {"s": [0, "x"]}),
        (["--flag", "x"], {"lr": 1}, {"flag": "x"}),
        (["--flag", "x"], None, {"flag": "x"}),
    ],
)
def test_the_settings_tell_which_words_are_an_options_own(argv, logged, expected):
    assert arguments(argv, logged) == expected


@pytest.mark.parametrize(
    ("program", "is_kept"),
    [("/x/colab_kernel_launcher.py", False), ("/w/distributed/train.py", True), ("/w/run.py", True)],
)
def test_the_ports_and_the_key_of_a_kernel_are_no_settings(folder, program, is_kept):
    words = ["--shell=9002", '--Session.key=b"aaaa"', "-f", "/run/kernel-1.json"]
    (found,), _ = read_runs(folder(metadata={**METADATA, "program": program, "args": words}))
    raw = found.run.manifest.raw

    assert (b"9002" in raw) is is_kept
    assert ("code.program" in found.run.manifest.section("unknown")) is not is_kept


UNIX = "/home/ada/.local/share/jupyter/runtime/kernel-{0}{0}{0}{0}-{0}-4{0}.json"


@pytest.mark.parametrize(
    ("program", "words", "is_kernels"),
    [
        ("exp/probe.ipynb", ["-f", UNIX], True),
        ("<python with no main file>", ["-f", UNIX], True),
        (
            "exp/probe.ipynb",
            ["--shell=90{0}", "--f=/home/ada/.local/share/jupyter/runtime/kernel-v2-{0}7{0}abCD.json"],
            True,
        ),
        ("exp/probe.ipynb", ["-f", r"C:\Users\ada\AppData\Roaming\jupyter\runtime\kernel-{0}{0}-{0}{0}.json"], True),
        ("exp/probe.ipynb", ["-f", "/home/ada/settings-{0}.json"], False),
        ("exp/probe.ipynb", ["--load", "/home/ada/kernel-{0}{0}{0}{0}.json"], False),
        ("/w/ask_kernel.py", ["-f", UNIX], False),
    ],
    ids=["Jupyter", "no main file", "VS Code", "Windows", "another file", "a kernel of another kind", "a script"],
)
def test_where_the_kernel_of_a_notebook_listens_is_no_setting(folder, program, words, is_kernels):
    folders = [folder(f"run-20251227_05191{n}-abc1234{n}", metadata={**METADATA, "program": program,
                      "args": [word.replace("{0}", f"a{n}") for word in words]}) for n in (1, 2)]  # fmt: skip
    a, b = (read(one) for one in folders)

    assert (not compare(a, b, settings=Settings()).factors) is is_kernels


def test_a_run_without_config_or_options_has_an_unknown_config(folder):
    run = read(folder(config="wandb_version: 1\n", metadata=METADATA | {"args": []}))

    assert not run.manifest.has("config")
    assert run.manifest.reason("config") == "nothing was given to wandb.config"


def test_older_configs_carry_descriptions_beside_values(folder):
    run = read(folder(config="wandb_version: 1\nlr:\n  desc: null\n  value: 0.1\n", metadata=None))

    assert run.manifest.to_json()["config"] == {"lr": 0.1}
    assert not run.manifest.section("launch")


def test_a_folder_of_runs_is_read_at_once_and_links_are_not_followed(folder, tmp_path):
    first = folder()
    folder("offline-run-20260101_000000-b")
    (tmp_path / "wandb" / "run-20260102_000000-empty").mkdir()
    (tmp_path / "wandb" / "latest-run").symlink_to(first, target_is_directory=True)

    imported, skipped = read_runs(tmp_path)

    assert [found.run.manifest.body["origin"]["run"] for found in imported] == ["b", "abc12345"]
    assert [row.reason for row in skipped] == ["it holds none of config.yaml, wandb-metadata.json, wandb-summary.json"]


def test_the_files_folder_itself_names_its_run(folder):
    assert read(folder() / "files").manifest.body["origin"]["run"] == "abc12345"


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"config": "lr: [1"}, "is not YAML at line "),
        ({"config": "lr:\n  value: 1\nlr:\n  value: 2\n"}, "the key 'lr' occurs twice"),
        ({"config": "- 1\n"}, "is a list, not a table"),
        ({"config": "lr:\n  value: !!python/object:os.system x\n"}, "is not YAML at line 2"),
        ({"config": "a: " + "[" * 250 + "]" * 250}, "nested too deeply"),
        ({"config": BOMB}, "unfolds into more than 100000 values"),
        ({"config": "a: \x00"}, "is not YAML"),
        ({"wandb-summary_json": '{"a": 1, "a": 2}'}, "'a' twice"),
        ({"wandb-metadata_json": "{"}, "is not JSON"),
        ({"wandb-metadata_json": "[]"}, "is a list, not a table"),
        ({"wandb-metadata_json": '{"host": "\\ud800"}'}, "lone surrogate"),
    ],
)  # fmt: skip
def test_malformed_files_are_refused_in_one_line(folder, files, told):
    path = folder(**files)

    with pytest.raises(RecordError, match=told) as raised:
        read_runs(path)

    assert "\n" not in str(raised.value)
    assert raised.value.remedy


def test_one_malformed_run_is_left_out_with_its_reason_and_the_others_come_in(folder, tmp_path):
    whole = folder()
    folder("run-20260101_000000-b", config="lr: [")

    (found,), (broken,) = read_runs(tmp_path)

    assert found.source == str(whole)
    assert broken.broken
    assert "run-20260101_000000-b/files/config.yaml" in broken.reason


@pytest.mark.parametrize("name", ["", "nowhere"])
def test_a_place_without_runs_is_refused(tmp_path, name):
    with pytest.raises(RecordError, match=r"holds no W&B run|does not exist"):
        read_runs(tmp_path / name)


def log_file(path, *, exit_code=None, losses=()):
    """W&B's own offline file beside `files`."""
    pb = pytest.importorskip("wandb.proto.wandb_internal_pb2")
    messages = [history(step, loss=str(loss)) for step, loss in enumerate(losses)]
    if exit_code is not None:
        record = pb.Record()
        record.exit.exit_code = exit_code
        messages.append(record.SerializeToString())
    (path / "run-abc12345.wandb").write_bytes(frames(messages))


def test_the_offline_file_gives_the_whole_series_and_how_the_run_ended(folder):
    path = folder()
    log_file(path, exit_code=0, losses=(3.0, 2.0))

    run = read(path)

    assert run.trajectory.series["loss"] == ((0, 3.0), (1, 2.0))
    assert (run.status, run.metrics["loss"]) == ("completed", 0.5)
    assert run.outcome.body["duration_s"] == 364


def test_a_run_that_exited_with_an_error_crashed(folder):
    path = folder()
    log_file(path, exit_code=1)

    assert read(path).status == "crashed"


def test_an_offline_file_that_ends_before_the_run_did_says_nothing_of_its_end(folder):
    path = folder()
    log_file(path, losses=(1.0,))

    assert read(path).outcome is None


def test_a_run_whose_file_was_cut_says_so_in_its_record(folder):
    path = folder()
    log_file(path, exit_code=0, losses=(3.0, 2.0))
    file = path / "run-abc12345.wandb"
    file.write_bytes(file.read_bytes()[:-1])

    run = read(path)

    assert run.outcome is None
    assert "run-abc12345.wandb ends in the middle of a message" in run.manifest.section("origin")["note"]


def test_the_layout_of_2019_is_read_whole(tmp_path):
    run = tmp_path / "wandb" / "run-20190501_101112-abc12345"
    run.mkdir(parents=True)
    (run / "config.yaml").write_text("lr:\n    desc: null\n    value: 0.1\n")
    (run / "wandb-metadata.json").write_text(json.dumps({
        "state": "running", "exitcode": 0, "program": "train.py", "args": ["--depth", "3"],
        "git": {"commit": "b" * 40}, "startedAt": "2019-05-01T10:11:12"}))  # fmt: skip
    (run / "wandb-history.jsonl").write_text('{"_step": 0, "loss": 3.0}\n{"_step": 1, "loss": 2.0}\n{"_st')

    found = read(run)

    assert found.status == "completed"
    assert found.trajectory.series["loss"] == ((0, 3.0), (1, 2.0))
    assert found.manifest.body["config"] == {"lr": 0.1, "args": {"depth": 3}}


def test_an_old_folder_that_says_it_is_running_does_not_say_how_it_ended(folder):
    assert read(folder(metadata={**METADATA, "state": "running"})).status == "unknown"


def test_a_run_that_ctrl_c_ended_was_killed(folder):
    path = folder()
    log_file(path, exit_code=255)

    assert read(path).status == "killed"


@pytest.mark.parametrize(
    ("facts", "gpu"),
    [({"apple": {"name": "Apple M2 Pro"}}, "Apple M2 Pro"), ({"gpuapple": {"gpuType": "Apple M1"}}, "Apple M1")],
)
def test_a_gpu_of_apple_is_a_gpu(folder, facts, gpu):
    assert read(folder(metadata=facts)).manifest.body["env"]["gpu"] == gpu


def test_the_name_that_a_user_gave_is_the_label(folder):
    assert read(folder()).label == "baseline"


def test_an_offline_file_of_another_kind_is_refused(folder):
    path = folder()
    (path / "run-abc12345.wandb").write_bytes(b"not theirs")

    with pytest.raises(RecordError, match="is not a W&B file"):
        read_runs(path)


def test_a_message_that_is_no_json_is_refused(folder):
    path = folder()
    (path / "run-abc12345.wandb").write_bytes(frames([history(0, loss="{")]))

    with pytest.raises(RecordError, match="holds a message that is not W&B's"):
        read_runs(path)


# ── runs that nobody here made ───────────────────────────────────────────────────────────────────────────────────


ROWS = pairs_of("wandb")


@pytest.mark.skipif(not ROWS, reason="the labelled runs are not here; name their folder in $RUNAUDIT_SHARED_RUNS")
@pytest.mark.parametrize("row", ROWS or [{}], ids=[row["id"] for row in ROWS] or ["none"])
def test_labelled_pairs_come_out_as_labelled(row):
    a, b = (read(shared_runs() / row[side]) for side in "ab")

    said = compare(a, b, settings=Settings())

    assert said.conditional == row["verdict"]
    assert {factor.factor for factor in said.factors} == {f"config.{name}" for name in row["changed_factors"]}
    # A gap spoils a clean verdict and excuses no bad one.
    assert said.verdict == ("confounded" if row["verdict"] == "confounded" else "provenance_incomplete")


@pytest.mark.skipif(not ROWS, reason="the labelled runs are not here; name their folder in $RUNAUDIT_SHARED_RUNS")
def test_every_foreign_run_is_read_or_skipped_with_a_reason():
    imported, skipped = read_runs(shared_runs())

    assert len(imported) >= 40
    assert all(row.reason for row in skipped)
    assert all(found.run.manifest.section("origin")["kind"] == "wandb" for found in imported)


# ── a folder from elsewhere is a stranger's ──────────────────────────────────────────────────────────────────────

OPENED = ["files/config.yaml", "files/wandb-metadata.json", "files/wandb-summary.json", "files/requirements.txt",
          "files/conda-environment.yaml", "files/diff.patch", "run-abc.wandb"]  # fmt: skip


def in_its_place(run, name, put):
    (run / name).unlink(missing_ok=True)
    put(run / name)


@pytest.mark.parametrize("name", OPENED)
def test_a_link_that_leads_out_of_the_imported_folder_is_refused_by_name(name, folder, tmp_path):
    pytest.importorskip("wandb")
    (tmp_path / "private").write_text("lr: 1\n")
    in_its_place(run := folder(), name, lambda place: place.symlink_to(tmp_path / "private"))

    with pytest.raises(RecordError, match=f"{name} cannot be read: a link leads out of {run}"):
        read_runs(run)


@pytest.mark.parametrize("name", OPENED)
@pytest.mark.parametrize(
    "put",
    [os.mkfifo, lambda place: place.symlink_to("/dev/zero"), lambda place: place.symlink_to("nowhere"), os.mkdir],
    ids=["pipe", "device", "dangling", "folder"],
)
def test_what_is_no_ordinary_file_is_refused_by_name_and_never_skipped(name, put, folder):
    pytest.importorskip("wandb")
    in_its_place(run := folder(), name, put)

    with pytest.raises(RecordError, match=f"{name} cannot be read"):
        read_runs(run)


def test_a_folder_of_facts_that_is_a_link_out_of_the_run_is_refused(folder, tmp_path):
    run = folder()
    (run / "files").rename(tmp_path / "private")
    (run / "files").symlink_to(tmp_path / "private")

    for named in (run, run / "files", run.parent):
        with pytest.raises(RecordError, match="a link leads out of"):
            read_runs(named)


def test_a_link_within_the_imported_folder_and_one_that_the_user_names_are_followed(folder):
    other, run = folder("run-20260101_000000-b", config="lr:\n    value: 7\n"), folder()
    in_its_place(run, "files/config.yaml", lambda place: place.symlink_to(other / "files/config.yaml"))
    (latest := run.parent / "latest-run").symlink_to(other.name)
    (run.parent / "debug.log").symlink_to("/dev/null")

    assert len(read_runs(run.parent)[0]) == 2
    assert read(latest).manifest.body["config"]["lr"] == 7


def test_a_file_that_claims_more_than_it_may_hold_is_refused_without_being_read(folder):
    with (folder() / "files" / "diff.patch").open("wb") as file:
        file.truncate(1 << 40)
        run = Path(file.name).parents[1]

    with pytest.raises(RecordError, match="larger than 50 MiB"):
        read_runs(run)


def test_the_code_that_wandb_was_told_to_save_is_compared(folder):
    """`save_code=True`: the script lies in the run's files, whatever the commit says."""
    path = folder()
    code = path / "files" / "code"
    (code / "exp").mkdir(parents=True)
    (code / "exp" / "train.py").write_text("x = 1\n")
    (code / "weights.bin").write_bytes(b"\0")

    ((found,), _) = read_runs(path)

    assert [*found.run.manifest.section("code")["files"]] == ["exp/train.py"]
    assert b"x = 1\n" in found.run.blobs.values()


@pytest.mark.parametrize(
    "program",
    [None, "<python with no main file>", "<stdin>", "/usr/lib/python3/site-packages/ipykernel_launcher.py", "-c",
     "/x/site-packages/torch/distributed/run.py", "/root/.vscode/debugpy/launcher",
     "/x/site-packages/ray/workers/default_worker.py"],
)  # fmt: skip
def test_a_script_that_wandb_does_not_name_is_unknown(folder, program):
    facts = {key: value for key, value in METADATA.items() if key != "program"}
    named = {"program": program} if program else {}

    ((found,), _) = read_runs(folder(metadata=facts | named))

    assert "code.program" in found.run.manifest.section("unknown")


# ── numbers beyond all numbers ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("word", "value"),
    [("Infinity", math.inf), ("-Infinity", -math.inf), ("NaN", math.nan), (".inf", math.inf), ("high", None)],
)
def test_a_number_that_is_none_is_kept_however_it_is_written(folder, word, value):
    (found,), _ = read_runs(folder(summary={"loss": word, "val": {"psnr": word}}))

    kept = {} if value is None else {"loss": value, "val.psnr": value}
    assert {name: repr(number) for name, number in found.run.metrics.items()} == {
        name: repr(number) for name, number in kept.items()}  # fmt: skip


# ── a run that was killed at once, and folders that were renamed ─────────────────────────────────────────────────

LOG = """\
2026-11-28 07:12:24,725 INFO    MainThread:10006 [wandb_init.py:init():773] wandb.init called with sweep_config: {{}}
config: {{'lr': {lr}, 'seed': 3, '_wandb': {{}}}}
2026-11-28 07:12:25,606 INFO    MainThread:10006 [wandb_init.py:init():1012] run started
{more}"""


@pytest.fixture
def killed(tmp_path):
    def make(raw=b":W&B\x00\x00\x00", lr="0.1", more=""):
        folder = tmp_path / "wandb" / "offline-run-20261128_071224-90qnziax"
        (folder / "files").mkdir(parents=True)
        (folder / "logs").mkdir()
        (folder / "logs" / "debug.log").write_text(LOG.format(lr=lr, more=more))
        (folder / "run-90qnziax.wandb").write_bytes(raw)
        return folder

    return make


@pytest.mark.parametrize("raw", [b":W&B\x00\x00\x00", b""])
def test_a_run_that_was_killed_before_it_wrote_stays_counted(killed, raw):
    (found,), skipped = read_runs(killed(raw).parent)

    assert (found.run.outcome, found.run.manifest.body["seed"], skipped) == (None, 3, ())
    assert found.run.manifest.section("config") == {"lr": 0.1, "seed": 3}


def test_what_the_record_of_a_killed_run_leaves_open_is_a_gap_beside_a_whole_one_and_no_factor(killed, folder):
    (found,), _ = read_runs(killed().parent)
    whole = read(
        folder(
            config="lr:\n  value: 0.1\nseed:\n  value: 3\n",
            metadata={**METADATA, "program": "train.py", "args": ["--crash", "exit"]},
            summary=None,
        )
    )

    compared = compare(whole, found.run, settings=Settings())

    assert compared.factors == () and compared.conditional is Verdict.IDENTICAL
    assert {"code.program", "config.args"} <= {row.factor for row in compared.missing if row.side == "b"}


@pytest.mark.parametrize(("more", "config"), [
    ("x config_cb None None {'lr': 0.2, 'b': 1}\n", {"lr": 0.2, "seed": 3, "b": 1}),
    ("x config_cb ('lr',) 0.2 None\n", None),
])  # fmt: skip
def test_settings_that_were_given_later_count_and_what_is_not_spelt_out_leaves_them_unknown(killed, more, config):
    (found,), _ = read_runs(killed(more=more))

    assert found.run.manifest.body.get("config") == config


@pytest.mark.parametrize("lr", ["__import__('os').abort()", "<object at 0x7f>", "(" * 5000, "-" * 60_000 + "1"])
def test_the_log_of_a_run_is_read_and_never_run(killed, lr):
    (found,), _ = read_runs(killed(lr=lr))

    assert "config" in found.run.manifest.section("unknown")


def test_a_folder_of_another_name_and_a_file_by_itself_are_the_run_that_they_say(tmp_path):
    pb = pytest.importorskip("wandb.proto.wandb_internal_pb2")

    def write(path, run_id, lr):
        record = pb.Record()
        record.run.run_id = run_id
        record.run.config.update.add(key="lr", value_json=str(lr))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(frames([record.SerializeToString(), history(0, loss="1.0")]))

    write(tmp_path / "all" / "my_best" / "run-aaa.wandb", "aaa", 0.1)
    (tmp_path / "all" / "my_best" / "files").mkdir()
    write(tmp_path / "all" / "run-bbb.wandb", "bbb", 0.2)
    write(tmp_path / "all" / "run-ccc.wandb", "ccc", 0.3)
    (tmp_path / "all" / "empty.wandb").write_bytes(b"")
    found, skipped = read_runs(tmp_path / "all")

    assert sorted((one.run.manifest.section("origin")["run"], one.run.manifest.section("config")["lr"])
                  for one in found) == [("aaa", 0.1), ("bbb", 0.2), ("ccc", 0.3)]  # fmt: skip
    assert [one.reason for one in skipped] == ["nothing in it tells of a run"]
    (alone,), _ = read_runs(tmp_path / "all" / "run-bbb.wandb")
    assert alone.run.manifest.section("config") == {"lr": 0.2}


def test_a_config_that_was_cut_to_nothing_makes_no_run(folder):
    _, skipped = read_runs(folder(config="", metadata=None, summary=None).parent)

    assert len(skipped) == 1


def at(folder, name, words, *, root, inside="run.py", program="/w/run.py", **config):
    """A run whose program told W&B where to write."""
    facts = {**METADATA, "args": words, "root": root, "program": program, "codePathLocal": inside}
    text = "".join(f"{key}:\n    value: {value}\n" for key, value in {"lr": 0.1, **config}.items())
    return read(folder(f"run-20251227_051914-{name}", config=text, metadata=facts))


def told_apart(a, b):
    return [row.factor for row in compare(a, b, settings=Settings()).factors]


@pytest.mark.parametrize("roots", [("o1", "o2"), ("/w/o1", "/w/o2/"), ("../w/o1", "./o2")])
def test_an_output_that_goes_where_wandb_was_told_to_write_is_bookkeeping(folder, roots):
    runs = [at(folder, f"id{n}", ["--out", f"o{n}"], root=root, save_to=f"/w/o{n}")
            for n, root in enumerate(roots, 1)]  # fmt: skip

    assert [run.manifest.section("launch")["cwd"] for run in runs] == ["/w", "/w"]
    assert told_apart(*runs) == []


def test_an_output_that_is_the_folder_it_ran_in_is_bookkeeping_beside_another(folder):
    here = at(folder, "id1", [], root=".", out=".")
    there = at(folder, "id2", ["--out", "o2"], root="o2", out="o2")
    unsaid = at(folder, "id3", ["--out", "o2"], root=".", out="o2")

    assert told_apart(here, there) == []
    assert told_apart(here, unsaid) == ["config.out"]


@pytest.mark.parametrize("option", ["--exp", "--data", "--resume-from", "--model", "--anything", "--run"])
def test_what_is_called_otherwise_or_may_choose_something_besides_counts_in_the_same_place(folder, option):
    runs = [at(folder, f"id{n}", [option, f"o{n}"], root=f"o{n}") for n in (1, 2)]

    assert told_apart(*runs) == [f"config.args.{option[2:].replace('-', '_')}"]


@pytest.mark.parametrize(
    "where",
    [{"root": "/w"}, {"root": "/w/o1", "inside": None}, {"root": "/w/o1", "program": "<python with no main file>"},
     {"root": "/w/elsewhere"}, {"root": "/w/o1/o1"}],
    ids=["where it ran", "an older record", "no script", "another place", "above it"],
)  # fmt: skip
def test_an_output_of_which_nothing_says_that_wandb_wrote_there_counts(folder, where):
    runs = [at(folder, "id1", ["--out", "o1"], **where), at(folder, "id2", ["--out", "o2"], **where)]

    assert told_apart(*runs) == ["config.args.out"]


def test_a_script_in_a_folder_of_its_tree_says_where_it_ran(folder):
    run = at(folder, "id1", [], root="../o1", inside="src/run.py", program="/w/src/run.py")

    assert run.manifest.section("launch")["cwd"] == "/w"
    assert run.manifest.section("launch")["tracker_dir"] == "/o1"
    assert run.manifest.section("code")["program"] == "src/run.py"
