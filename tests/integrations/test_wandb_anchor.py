"""Anchors in W&B, against a stand-in that keeps what the public calls of wandb are given (no server here)."""

import contextlib
import io
import sys
import types
from pathlib import Path

import pytest

from runaudit.cli.witness import place_of
from runaudit.errors import UsageError
from runaudit.integrations.wandb_anchor import FILE, KIND, NAME, WandbAnchors
from runaudit.records.manifest import Manifest
from runaudit.store import Store
from runaudit.store.anchor import anchor, check_anchor
from runaudit.store.witness import AnchorError

TIME = "2026-11-21T00:00:00Z"


class Server:
    """Projects -> the text of each version; every mode that `init` was asked for."""

    def __init__(self):
        self.versions: dict[str, list[str]] = {}
        self.modes: list[str] = []
        self.refuses = False


class RefusedError(Exception):
    pass


def stand_in(server: Server) -> types.ModuleType:
    class Artifact:
        def __init__(self, name, **kind):
            assert (name, kind["type"]) == (NAME, KIND)
            self.text = ""

        @contextlib.contextmanager
        def new_file(self, name, mode):
            assert name == FILE
            file = io.StringIO()
            yield file
            self.text = file.getvalue()

    class Run:
        def __init__(self, place):
            self.place, self.is_open = place, True

        def log_artifact(self, artifact):
            run = self

            class Logged:
                def wait(self, timeout):
                    assert run.is_open
                    server.versions.setdefault(run.place, []).append(artifact.text)

            return Logged()

        def finish(self):
            self.is_open = False

    class Version:
        def __init__(self, text):
            self.text = text

        def download(self, root):
            (Path(root) / FILE).write_text(self.text)
            return root

    class Api:
        def __init__(self, timeout):
            if server.refuses:
                raise RefusedError("user is not logged in\nto this server")

        def artifact_collection_exists(self, name, kind):
            assert kind == KIND
            return name.removesuffix(f"/{NAME}") in server.versions

        def artifacts(self, type_name, name):
            assert type_name == KIND
            return [Version(text) for text in server.versions[name.removesuffix(f"/{NAME}")]]

    def init(*, entity, project, mode, **_):
        server.modes.append(mode)
        return Run(f"{entity}/{project}" if entity else project)

    module = types.ModuleType("wandb")
    module.Artifact, module.Api, module.init = Artifact, Api, init
    module.Settings = lambda **_: types.SimpleNamespace(base_url="https://wandb.example")
    module.errors = types.SimpleNamespace(Error=RefusedError)
    return module


@pytest.fixture
def server(monkeypatch):
    server = Server()
    monkeypatch.setitem(sys.modules, "wandb", stand_in(server))
    monkeypatch.setenv("WANDB_API_KEY", "k" * 40)
    return server


@pytest.fixture
def store(tmp_path):
    store = Store.create(tmp_path / "store")
    for seed in (1, 2):
        store.seal_manifest(Manifest.of({"seed": seed}), time=TIME)
    return store


@pytest.mark.parametrize("project", ["mine", "team/mine"])
def test_a_log_that_went_on_extends_its_anchor_in_wandb(server, store, project):
    place = WandbAnchors(project)
    anchor(store, place, time=TIME)
    store.seal_manifest(Manifest.of({"seed": 3}), time=TIME)

    problems, head = check_anchor(store, place)

    assert (problems, head.seq) == ((), 2)
    assert server.modes == ["online"], "an offline run is no witness"


def test_a_log_that_was_cut_contradicts_its_anchor_in_wandb(server, store, tmp_path):
    anchor(store, WandbAnchors("mine"), time=TIME)
    store.log_path.write_bytes(store.log_path.read_bytes().splitlines(keepends=True)[0])

    (problem,), head = check_anchor(store, WandbAnchors("mine"))

    assert head is None
    assert "its end was cut off" in problem.problem


def test_a_project_without_anchors_is_a_problem_and_no_pass(server, store):
    (problem,), _ = check_anchor(store, WandbAnchors("mine"))

    assert "holds no anchor of this log" in problem.problem


def test_what_wandb_says_is_one_line(server, store):
    server.refuses = True

    with pytest.raises(AnchorError, match="W&B would not read the anchor: user is not logged in to this server"):
        check_anchor(store, WandbAnchors("mine"))


def test_without_a_key_nobody_is_asked_for_one(server, store, monkeypatch, tmp_path):
    monkeypatch.delenv("WANDB_API_KEY")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    with pytest.raises(UsageError, match="no key on this machine"):
        anchor(store, WandbAnchors("mine"), time=TIME)

    (tmp_path / "netrc").write_text("machine wandb.example login user password x\n")
    anchor(store, WandbAnchors("mine"), time=TIME)
    assert len(server.versions["mine"]) == 1


@pytest.mark.parametrize("word", ["wandb:", "wandb:/p", "wandb:e/", "wandb:a/b/c"])
def test_a_word_that_names_no_project_is_refused(word):
    with pytest.raises(UsageError, match="names no project"):
        place_of(word)


def test_a_file_may_be_called_as_a_tracker_is():
    assert place_of("wandb").name == "wandb"
    assert place_of("wandb:team/mine").name == "the W&B project team/mine"
