"""W&B's server, against a stand-in that answers the public calls of wandb 0.31 as its documentation has them."""

import json
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from runaudit.errors import RecordError, UsageError
from runaudit.runs.intake import take_in
from runaudit.settings import Settings
from runaudit.store.store import Store
from tests.importers.reading import runs_in

PAGE = Path("https://wandb.ai/ada/sr")
CONFIG = {"lr": 0.1, "seed": 3, "_wandb": {"cli_version": "0.31.0", "e": {"x": {"email": "ada@example.org"}}}}
FACTS = {"program": "/w/train.py", "codePath": "train.py", "args": ["--lr", "0.1"], "root": "/w", "host": "box",
         "startedAt": "2026-01-02T03:04:05Z", "python": "CPython 3.12.1",
         "git": {"commit": "c" * 40, "remote": "https://ada:token@example.org/sr"}}  # fmt: skip
HISTORY = [
    {"_step": 0, "_timestamp": 1.0, "loss": 2.0},
    {"_step": 1, "loss": float("nan")},
    {"_step": 700, "loss": 0.5},
]


class RefusedError(Exception):
    pass


class File:
    def __init__(self, name: str, text: str, size: int | None = None):
        self.name, self.text, self.size = name, text, len(text) if size is None else size

    def download(self, root, replace):
        path = Path(root) / self.name
        path.write_text(self.text)
        return path.open()


class Run:
    """What a server knows of one run. files: name -> text."""

    def __init__(
        self, called: str = "abc123", *, state: str = "finished", files: dict[str, str] | None = None, **kept: Any
    ):
        self.id, self.state, self.name = called, state, kept.get("name", "a run")
        self.group, self.notes, self.tags, self.sweep_name = "g", None, ["t"], None
        self.created_at = "2026-01-02T03:04:00"
        self.rawconfig = kept.get("config", CONFIG)
        self.summary_metrics = kept.get("summary", {"_step": 700, "loss": 0.5, "_runtime": 60})
        self._files = {"wandb-metadata.json": json.dumps(FACTS), **(files or {})}
        self._history = kept.get("history", HISTORY)

    def files(self, names):
        return [File(name, text) for name, text in self._files.items() if name in names]

    def scan_history(self):
        if isinstance(self._history, Exception):
            raise self._history
        return iter(self._history)


@pytest.fixture
def project(monkeypatch):
    """The runs of ada/sr; what is put into it can be asked for."""
    runs: list[Any] = []

    class Api:
        def __init__(self, timeout):
            if runs == ["refused"]:
                raise RefusedError("user is not\nlogged in")

        def runs(self, path):
            assert path == "ada/sr"
            return iter(runs)

        def run(self, path):
            found = [run for run in runs if f"ada/sr/{run.id}" == path]
            if not found:
                raise RefusedError(f"Could not find run {path}")
            return found[0]

    module = types.ModuleType("wandb")
    module.Api = Api
    module.Settings = lambda **_: types.SimpleNamespace(base_url="https://api.wandb.ai")
    module.errors = types.SimpleNamespace(Error=RefusedError)
    monkeypatch.setitem(sys.modules, "wandb", module)
    monkeypatch.setenv("WANDB_API_KEY", "k" * 40)
    return runs


def test_a_run_of_the_server_says_what_its_folder_would(project):
    project.append(Run(files={"requirements.txt": "torch==2.1.0\n", "diff.patch": "diff --git a/x b/x\n"}))

    ((found,), skipped) = runs_in(PAGE, "wandb")

    run = found.run
    assert skipped == ()
    assert (run.manifest.label, run.manifest.section("config"), run.manifest.body["seed"]) == (
        "a run", {"lr": 0.1, "seed": 3}, 3)  # fmt: skip
    assert run.manifest.section("code")["commit"] == "c" * 40
    assert run.manifest.section("code")["program"] == "train.py"
    assert run.manifest.section("code")["dirty"] is True
    assert run.manifest.section("env")["packages"] == {"torch": "2.1.0"}
    assert (run.outcome.status, run.outcome.metrics) == ("completed", {"loss": 0.5})
    assert [step for step, _ in run.trajectory.series["loss"]] == [0, 1, 700], "all points, not a sample of them"
    assert "token@" not in json.dumps(run.manifest.to_json()) and "ada@example.org" not in json.dumps(
        run.manifest.to_json()
    )


@pytest.mark.parametrize(
    ("state", "status"),
    [("finished", "completed"), ("failed", "crashed"), ("crashed", "crashed"), ("killed", "killed"), ("running", None),
     ("pending", None)],
)  # fmt: skip
def test_how_a_run_ended_is_what_the_server_says_and_running_says_nothing(project, state, status):
    project.append(Run(state=state))

    ((found,), _) = runs_in(PAGE, "wandb")

    assert (found.run.outcome and found.run.outcome.status) == status


def test_the_page_of_a_run_names_that_run_alone(project):
    project += [Run("one"), Run("two")]

    (found, _) = runs_in(Path("https://wandb.ai/ada/sr/runs/two"), "auto")

    assert [entry.run.manifest.section("origin")["run"] for entry in found] == ["two"]


def test_a_run_that_cannot_be_fetched_is_left_out_and_the_others_come(project):
    project += [Run("one"), Run("bad", history=RefusedError("502")), Run("torn", files={"wandb-metadata.json": "{"})]

    (found, skipped) = runs_in(PAGE, "wandb")

    assert [entry.run.manifest.section("origin")["run"] for entry in found] == ["one"]
    assert [entry.source.rpartition("/")[2] for entry in skipped] == ["bad", "torn"]
    assert all(entry.broken for entry in skipped)


def test_a_file_whose_name_leads_out_or_that_nobody_asked_for_is_not_fetched(project, tmp_path):
    class Sly(Run):
        def files(self, names):
            return [File("../../sly", "x"), File("requirements.txt", "torch==1\n", size=1 << 40)]

    project.append(Sly())

    ((found,), _) = runs_in(PAGE, "wandb")

    assert "packages" not in found.run.manifest.section("env")


def test_what_the_server_refuses_is_one_line(project):
    project.append("refused")

    with pytest.raises(RecordError, match=r"^W&B did not give https://wandb.ai/ada/sr: user is not logged in; check"):
        runs_in(PAGE, "wandb")


def test_an_address_of_no_project_says_which_is_one(project):
    with pytest.raises(RecordError, match="no page of a project") as raised:
        runs_in(Path("https://wandb.ai/ada"), "wandb")

    assert "https://wandb.ai/ENTITY/PROJECT" in raised.value.remedy


def test_without_a_key_nothing_is_asked(project, monkeypatch, tmp_path):
    monkeypatch.delenv("WANDB_API_KEY")
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))

    with pytest.raises(UsageError, match="no key"):
        runs_in(PAGE, "wandb")


def test_the_key_is_shown_to_no_other_server(project):
    """An address that is neither W&B's nor the one of `WANDB_BASE_URL` is not W&B's to ask."""
    with pytest.raises(RecordError, match=r"not the address of a server of W&B; .*WANDB_BASE_URL"):
        runs_in(Path("https://wandb.example.org/ada/sr"), "wandb")


@pytest.mark.parametrize("first", ["folder", "page"])
def test_a_run_that_was_synced_counts_once_wherever_it_is_read_first(project, tmp_path, first):
    """One id and one set of inputs, in the folder of the machine and on the server: one launch."""
    files = tmp_path / "wandb" / "run-20260102_030405-abc123" / "files"
    files.mkdir(parents=True)
    (files / "config.yaml").write_text("lr:\n  value: 0.1\nseed:\n  value: 3\n")
    (files / "wandb-metadata.json").write_text(json.dumps(FACTS))
    project.append(Run("abc123"))
    store = Store.create(tmp_path / ".runaudit")
    places = {"folder": tmp_path / "wandb", "page": PAGE}

    rows, _ = take_in("wandb", [places[first]], lambda: store, Settings())
    again, skipped = take_in(
        "wandb", [path for name, path in places.items() if name != first], lambda: store, Settings()
    )

    assert (len(rows), again) == (1, ())
    assert [entry.reason for entry in skipped] == [f"already imported as {rows[0]['id'][:12]}"]


def test_a_run_of_the_server_with_other_settings_is_another_run(project, tmp_path):
    """An id that was given by hand may be given twice, in two projects."""
    project.append(Run("abc123"))
    store = Store.create(tmp_path / ".runaudit")
    take_in("wandb", [PAGE], lambda: store, Settings())
    files = tmp_path / "wandb" / "run-20260102_030405-abc123" / "files"
    files.mkdir(parents=True)
    (files / "config.yaml").write_text("lr:\n  value: 0.2\nseed:\n  value: 3\n")
    (files / "wandb-metadata.json").write_text(json.dumps(FACTS))

    rows, _ = take_in("wandb", [tmp_path / "wandb"], lambda: store, Settings())

    assert len(rows) == 1
