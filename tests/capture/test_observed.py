"""Laws of sealing what was seen: what nothing else explains is told with its content, what is explained is not told."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from runaudit.capture.draft import LaunchRequest, draft_manifest, redactor_of, seal
from runaudit.capture.observed import observe_outcome
from runaudit.capture.outputs import written_beside
from runaudit.observe.trace import Child, Lookup, Process, Read, Seeding, Text, Trace
from runaudit.record.outcome import seal_outcome
from runaudit.records.canonical import canonical_bytes
from runaudit.records.manifest import Manifest
from runaudit.store.store import Store
from tests.capture.conftest import Repo

LATER, BEFORE = 4e9, 0.0
"""When a run began, in seconds: after every file of a test was written, or before."""


def sha(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class Scene:
    """A sealed launch in a repository, and a site-packages folder with one package in it."""

    def __init__(self, repo: Repo, store: Store, tmp_path: Path) -> None:
        self.repo, self.store, self.tmp = repo, store, tmp_path
        self.site = tmp_path / "env" / "lib" / "python3.11" / "site-packages"
        self.site.mkdir(parents=True)
        self.package("demo", "1.2", {"demo/__init__.py": b"V = 1\n", "demo/table.csv": b"1,2\n"})

    def package(self, name: str, version: str, files: Mapping[str, bytes], *, record: bool = True) -> None:
        info = self.site / f"{name}-{version}.dist-info"
        info.mkdir()
        lines = []
        for path, data in files.items():
            (self.site / path).parent.mkdir(parents=True, exist_ok=True)
            (self.site / path).write_bytes(data)
            digest = __import__("base64").urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            lines.append(f"{path},sha256={digest},{len(data)}")
        if record:
            (info / "RECORD").write_text("\n".join([*lines, f"{info.name}/RECORD,,"]) + "\n")

    def outside(self, name: str, data: bytes) -> str:
        path = self.tmp / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return str(path)

    def manifest(self, *, began: float = LATER, **more: Any) -> Manifest:
        request = LaunchRequest(
            **{"label": "a", "seed": 3, "root": self.repo.root, "argv": ("train.py",), "siblings": (), **more}
        )  # fmt: skip
        return seal(self.store, draft_manifest(request, self.store, environ={}, now=began), environ={})

    def process(self, **more: Any) -> Process:
        given = {"pid": 7, "parent": 1, "executable": "/env/bin/python", "argv": ("python", "train.py"),
                 "cwd": str(self.repo.root), "version": "3.11.7", "prefix": str(self.tmp / "env"),
                 "base_prefix": "/base", "folders": (str(self.repo.root), str(self.site))}  # fmt: skip
        return Process(**{**given, **more})

    def seen(self, *reads: Read, manifest: Manifest | None = None, **more: Any) -> dict[str, Any]:
        trace = Trace(processes=(self.process(),), reads={read.path: read for read in reads}, **more)
        redactor = redactor_of(self.store, environ={"API_TOKEN": "s3cr3tvalue99"})
        found = observe_outcome(trace, manifest or self.manifest(), self.store, redactor)
        body = {"observed": found.observed, "code": found.code}
        canonical_bytes(body)  # what has no canonical form could not be sealed
        return body


@pytest.fixture
def scene(repo: Repo, store: Store, tmp_path: Path) -> Scene:
    return Scene(repo, store, tmp_path)


def rows(body: Mapping[str, Any]) -> dict[str, Any]:
    return {row["path"]: row for row in body["observed"]["read"]}


def test_an_undeclared_file_is_told_with_its_digest_and_by_what_was_done_with_it(scene: Scene) -> None:
    table, weights = scene.outside("far/x.csv", b"1,2\n"), scene.outside("w.pt", b"weights")
    (scene.repo.root / "c.yaml").write_bytes(b"lr: 1\n")
    (scene.repo.root / "plug.py").write_bytes(b"x = 1\n")

    found = rows(
        scene.seen(
            Read(path=table), Read(path=weights, via="torch.load"), Read(path=str(scene.repo.root / "c.yaml")),
            Read(path=str(scene.repo.root / "plug.py"), executed=True), Read(path=scene.outside("y.json", b"{}")),
        )
    )  # fmt: skip

    assert {path: (row["role"], row["digest"]) for path, row in found.items()} == {
        table: ("data", sha(b"1,2\n")),
        weights: ("weights", sha(b"weights")),
        "c.yaml": ("config", sha(b"lr: 1\n")),
        "plug.py": ("code", sha(b"x = 1\n")),
        str(scene.tmp / "y.json"): ("data", sha(b"{}")),
    }


def test_what_a_package_or_python_itself_explains_is_not_told_but_the_package_is(scene: Scene) -> None:
    body = scene.seen(
        Read(path=str(scene.site / "demo/__init__.py"), executed=True),
        Read(path=str(scene.site / "demo/table.csv")),
        Read(path="/base/lib/python3.11/json/__init__.py", executed=True),
        Read(path="/proc/meminfo"), Read(path=str(scene.repo.root / "__pycache__" / "x.pyc")),
    )  # fmt: skip

    assert body["observed"]["read"] == []
    assert body["observed"]["imported"] == {"demo": "1.2"}


def test_a_package_that_was_edited_in_place_counts_by_its_content(scene: Scene) -> None:
    module = scene.site / "demo/__init__.py"
    module.write_bytes(b"V = 2\n")
    os.utime(module)

    body = scene.seen(Read(path=str(module), executed=True))

    assert rows(body)[str(module)]["digest"] == sha(b"V = 2\n")
    assert body["observed"]["imported"] == {"demo": "1.2"}


def test_a_module_that_no_record_explains_counts_and_so_does_its_package(scene: Scene) -> None:
    scene.package("fastnorm", "2.0", {"fastnorm/__init__.py": b"V = 2.0\n"}, record=False)
    (scene.site / "loose.py").write_bytes(b"x = 1\n")

    body = scene.seen(
        Read(path=str(scene.site / "fastnorm/__init__.py"), executed=True),
        Read(path=str(scene.site / "loose.py"), executed=True),
        Read(path=scene.outside("env/lib/python3.11/site-packages/mine.npy", b"d")),
    )  # fmt: skip

    assert body["observed"]["imported"] == {"fastnorm": "2.0"}
    assert {Path(path).name: row["role"] for path, row in rows(body).items()} == {
        "__init__.py": "code", "loose.py": "code", "mine.npy": "data",
    }  # fmt: skip


def test_a_run_does_not_read_its_own_outputs_but_what_it_overwrote_it_read_as_it_was(scene: Scene) -> None:
    old, lost = scene.outside("state.bin", b"new"), scene.outside("big.bin", b"new")
    out = scene.outside("out.txt", b"x")
    who = frozenset({7})

    body = scene.seen(
        Read(path=out, own=True), Read(path=old, before=sha(b"old")), Read(path=lost, before=None),
        Read(path=str(scene.tmp / "never-there.cfg")), written={out: who, old: who, lost: who},
    )  # fmt: skip

    found = rows(body)
    assert found.keys() == {old, lost}
    assert found[old]["digest"] == sha(b"old")
    assert found[lost]["digest"] is None
    assert "wrote over it" in found[lost]["reason"]
    assert {row["path"]: row["digest"] for row in body["observed"]["written"]} == {
        out: sha(b"x"), old: sha(b"new"), lost: sha(b"new"),
    }  # fmt: skip


def test_an_output_that_the_program_read_back_is_told_and_a_compilers_cache_is_not(scene: Scene) -> None:
    train, torch = scene.outside("work/train.py", b"1"), str(scene.site / "torch/load.py")
    plain, loaded, cache, ours = (scene.outside(name, b"x") for name in ("a", "b", "c", "d"))
    who = frozenset({7})

    body = scene.seen(
        Read(path=plain, own=True, by=train), Read(path=loaded, own=True, by=train, through=torch, via="torch.load"),
        Read(path=cache, own=True, by=train, through=torch), Read(path=ours, own=True, by=torch),
        written=dict.fromkeys((plain, loaded, cache, ours), who),
    )  # fmt: skip

    assert [row["path"] for row in body["observed"]["written"] if row.get("read_back")] == [plain, loaded]


def test_a_file_that_somebody_else_changed_while_the_run_ran_is_unknown(scene: Scene) -> None:
    manifest = scene.manifest(began=BEFORE)
    path = scene.outside("late.csv", b"2")

    row = rows(scene.seen(Read(path=path), manifest=manifest))[path]

    assert row["digest"] is None
    assert row["reason"] == "it changed while the run ran"


@pytest.mark.parametrize(("now", "known"), [(b"1\n", True), (b"2\n", False)])
def test_a_sealed_file_is_known_by_its_content_whatever_its_time_says(scene: Scene, now: bytes, known: bool) -> None:
    scene.repo.write("table.csv", b"1\n")
    scene.repo.commit()
    manifest = scene.manifest(began=BEFORE)
    (scene.repo.root / "table.csv").write_bytes(now)  # a restored file has the time of its restoring

    row = rows(scene.seen(Read(path=str(scene.repo.root / "table.csv")), manifest=manifest))["table.csv"]

    assert row["digest"] == (sha(b"1\n") if known else None)


def test_sealed_code_that_ran_is_loaded_and_unsealed_code_is_kept_without_its_secrets(scene: Scene) -> None:
    scene.repo.write(".gitignore", b"local.py\n")
    scene.repo.write("local.py", b"api_token = 's3cr3tvalue99'\n")
    scene.repo.write("train.py", b"import local\n")

    body = scene.seen(*(Read(path=str(scene.repo.root / name), executed=True) for name in ("train.py", "local.py")))

    assert body["code"]["loaded"] == ["local.py", "train.py"]
    assert body["code"]["changed"] == []
    assert list(body["code"]["files"]) == ["local.py"]
    assert b"s3cr3tvalue99" not in scene.store.blobs[body["code"]["files"]["local.py"]["digest"]]
    assert {"train.py", "local.py"} <= rows(body).keys()


def test_code_that_was_edited_while_it_ran_is_named_with_both_contents(scene: Scene) -> None:
    scene.repo.write("train.py", b"a = 1\n")
    manifest = scene.manifest(began=BEFORE)
    scene.repo.write("train.py", b"a = 2\n")

    body = scene.seen(Read(path=str(scene.repo.root / "train.py"), executed=True), manifest=manifest)

    assert body["code"]["changed"] == [{"path": "train.py", "before": sha(b"a = 1\n"), "after": sha(b"a = 2\n")}]
    assert rows(body)["train.py"]["digest"] is None


def test_code_behind_a_link_is_what_the_link_leads_to(scene: Scene) -> None:
    net = Path(scene.outside("shared/net.py", b"W = 1\n"))
    (scene.repo.root / "lib").symlink_to(net.parent)
    (scene.repo.root / "one.py").symlink_to(net)

    found = rows(
        scene.seen(
            Read(path=str(scene.repo.root / "lib/net.py"), executed=True),
            Read(path=str(scene.repo.root / "one.py"), executed=True),
        )
    )

    assert {path: row["digest"] for path, row in found.items()} == dict.fromkeys(
        ("lib/net.py", "one.py"), sha(b"W = 1\n")
    )


def test_what_was_read_of_a_declared_dataset_is_told_once_and_as_declared(scene: Scene) -> None:
    for name in ("a.bin", "b.bin", "c.bin"):
        scene.outside(f"set/{name}", name.encode())
    beside = scene.outside("set2/a.bin", b"no part of it")
    manifest = scene.manifest(data={"train": scene.tmp / "set"})

    reads = [Read(path=str(scene.tmp / "set" / name)) for name in ("a.bin", "b.bin")]
    found = rows(scene.seen(*reads, Read(path=beside), manifest=manifest))

    row = found[f"{scene.tmp}/set/"]
    assert (row["declared"], row["files"]) == ("data.train", 2)
    assert row["digest"] == manifest.section("data")["train"]["digest"]
    assert "declared" not in found[beside]


def test_a_folder_of_very_many_files_is_one_tree_of_what_was_read(scene: Scene) -> None:
    paths = [scene.outside(f"many/{number:04d}.txt", b"%d" % number) for number in range(600)]
    scene.outside("many/not-read.txt", b"x")

    first = rows(scene.seen(*(Read(path=path) for path in paths)))
    Path(paths[17]).write_bytes(b"zz")
    second = rows(scene.seen(*(Read(path=path) for path in paths)))

    (one,) = first.values()
    (two,) = second.values()
    assert (one["path"], one["files"]) == (f"{scene.tmp}/many/", 600)
    assert one["digest"] != two["digest"]


def test_only_the_projects_own_lookups_are_told_and_no_secret_among_them(scene: Scene) -> None:
    own, library = str(scene.repo.root / "train.py"), str(scene.site / "demo/__init__.py")
    body = scene.seen(
        lookups=(
            Lookup(name="EPOCHS", value="5", by=own), Lookup(name="ABSENT", value=None, by=own),
            Lookup(name="API_TOKEN", value="s3cr3tvalue99", by=own), Lookup(name="DEMO_MODE", value="1", by=library),
            Lookup(name="RUNAUDIT_RUN", value="/r", by=own), Lookup(name="PATH", value="/bin", by="<frozen os>"),
        )
    )  # fmt: skip

    found = body["observed"]["looked_up"]
    assert found.keys() == {"EPOCHS", "ABSENT", "API_TOKEN"}
    assert (found["EPOCHS"], found["ABSENT"]) == ("5", None)
    assert found["API_TOKEN"].startswith("<redacted:")


def test_texts_seeds_and_children_are_told_and_a_text_is_kept(scene: Scene) -> None:
    own, library = str(scene.repo.root / "train.py"), str(scene.site / "demo/__init__.py")
    body = scene.seen(
        texts=(Text(name="<stdin>", source="print(1)"), Text(name="<string>", source="x", by=library)),
        seeded=(Seeding(call="random.seed", value=3, file=own, line=2),
                Seeding(call="random.seed", value=9, file=library, line=1)),
        children=(Child(argv=("curl", "--token", "s3cr3tvalue99"), by=own),),
    )["observed"]  # fmt: skip

    assert body["texts"] == [{"name": "<stdin>", "digest": sha(b"print(1)")}]
    assert scene.store.blobs[sha(b"print(1)")] == b"print(1)"
    assert body["seeded"] == [{"call": "random.seed", "value": 3, "where": "train.py:2"}]
    assert body["children"][0]["argv"][:2] == ["curl", "--token"]
    assert "s3cr3tvalue99" not in str(body)


def test_a_run_nobody_saw_says_so(scene: Scene) -> None:
    found = observe_outcome(Trace(), scene.manifest(), scene.store, redactor_of(scene.store, environ={}))

    assert found.observed["level"] == "none"
    assert found.observed["reason"]
    assert found.code == {"loaded": [], "changed": []}


def test_a_module_whose_row_in_the_record_has_no_hash_counts_by_its_content(scene: Scene) -> None:
    (scene.site / "demo-1.2.dist-info" / "RECORD").write_text("demo/__init__.py,,\ndemo-1.2.dist-info/RECORD,,\n")

    body = scene.seen(
        Read(path=str(scene.site / "demo/__init__.py"), executed=True),
        Read(path=str(scene.site / "demo-1.2.dist-info" / "RECORD")),
    )

    assert {path: (row["role"], row["digest"]) for path, row in rows(body).items()} == {
        str(scene.site / "demo/__init__.py"): ("code", sha(b"V = 1\n"))
    }
    assert body["observed"]["imported"] == {"demo": "1.2"}


def test_what_starts_the_interpreter_is_told_whether_or_not_anybody_saw_it(scene: Scene) -> None:
    """`site` opens these before the observer is there: by chance alone would they be seen."""
    (scene.site / "mine.pth").write_bytes(b"import os\n")
    scene.package("edit", "1.0", {"__editable__.edit.pth": b"/src\n"})

    body = scene.seen()

    assert {path: (row["role"], row["digest"]) for path, row in rows(body).items()} == {
        str(scene.site / "mine.pth"): ("code", sha(b"import os\n"))
    }
    assert "edit" not in body["observed"]["imported"]


def test_what_a_tracker_keeps_for_itself_while_the_run_lasts_is_no_input(scene: Scene) -> None:
    wandb = str(scene.site / "wandb/sdk/lib/service.py")
    made, old, mine = scene.outside("t/made.txt", b"1"), scene.outside("old.txt", b"1"), scene.outside("mine.txt", b"1")
    gone = str(scene.tmp / "tmp1" / "port-7.txt")
    reads = [Read(path=gone, by="train.py", through=wandb, before=sha(b"port"))]

    earlier = rows(scene.seen(Read(path=old, through=wandb), *reads))
    during = scene.seen(
        *reads, Read(path=made, through=wandb), Read(path=mine, by="train.py"), manifest=scene.manifest(began=BEFORE),
        written={str(scene.tmp / "tmp1"): frozenset({7})},
    )  # fmt: skip

    assert set(earlier) == {old, gone}
    assert [path for path in rows(during) if path.endswith(".txt")] == [mine]


def test_what_a_tracker_only_adds_to_is_no_input_though_it_reads_what_lies_there(scene: Scene) -> None:
    """MLflow's database of all runs; `all_results.json`, which the Trainer reads to write it anew with its own."""
    ledger, results = scene.outside("mlflow.db", b"1"), scene.outside("out/all_results.json", b"{}")
    trainer = str(scene.site / "transformers/trainer_pt_utils.py")
    reads = [Read(path=ledger, via="sqlite3.connect"), Read(path=results, by="train.py", through=trainer)]

    added = scene.seen(*reads, ledgers=frozenset({ledger}), written={results: frozenset({7})})
    asked = scene.seen(*reads)

    assert set(rows(added)) == set()
    assert set(rows(asked)) == {ledger, results}


def test_what_a_tracker_reads_of_its_own_store_is_no_input_and_what_other_runs_logged_there_is(scene: Scene) -> None:
    heading = b"artifact_location: file:///x\nexperiment_id: '0'\nlifecycle_stage: active\nname: Default\n"
    files = {name: scene.outside(name, content) for name, content in {
        "mlruns/0/meta.yaml": heading, "mlruns/0/r1/meta.yaml": heading + b"run_id: r1\n",
        "mlruns/0/r1/params/lr": b"1",
        "mlruns/0/r1/artifacts/meta.yaml": b"lr: 1\n",
    }.items()}  # fmt: skip
    of_dvc = [scene.outside(name, b"") for name in (".dvc/config", ".dvcignore", "dvc.yaml", "tmp/dvc/x/cache.db")]
    mine = [scene.outside(name, b"") for name in ("dvclive/metrics.json", ".dvc/cache/ab", "data.csv")]
    mlflow, live = str(scene.site / "mlflow/utils/yaml.py"), str(scene.site / "dvclive/live.py")

    told = rows(scene.seen(*(Read(path=path, by="train.py", through=mlflow) for path in files.values())))
    dvcs = rows(scene.seen(*(Read(path=path, by="train.py", through=live) for path in (*of_dvc, *mine))))
    asked = rows(scene.seen(*(Read(path=path, by="train.py") for path in (*of_dvc, *files.values()))))

    assert set(told) == {path for name, path in files.items() if name != "mlruns/0/meta.yaml"}
    assert set(dvcs) == {*mine}
    assert set(asked) == {*of_dvc, *files.values()}


def test_what_other_runs_wrote_counts_where_they_ran_beside_this_one(scene: Scene) -> None:
    began = 1_800_000_000.0
    run = scene.manifest(began=began)
    for name, ended in (("before", began - 9), ("beside", began + 9)):
        other = scene.manifest(began=began - 99, label=name)
        seen = {"level": "full", "written": [{"path": f"{name}.csv"}, {"path": f"/elsewhere/{name}.csv"}]}
        seal_outcome(scene.store, other, sections={"observed": seen}, now=ended)

    assert written_beside(scene.store, run) == {str(scene.repo.root / "beside.csv"), "/elsewhere/beside.csv"}


def test_a_folder_that_was_listed_is_told_by_its_names_without_what_runs_left(scene: Scene) -> None:
    folder = scene.tmp / "set"
    scene.outside("set/b.png", b"2"), scene.outside("set/a.png", b"1"), scene.outside("set/__pycache__/x.pyc", b"")
    first = scene.seen(listed={str(folder): "train.py"})
    scene.outside("set/out.txt", b"3")
    made = str(scene.tmp / "made")
    scene.outside("made/x", b"1")
    later = scene.seen(
        listed={str(folder): "train.py", made: "train.py", str(scene.site): "train.py", "/gone": "train.py"},
        written={str(folder / "out.txt"): frozenset({7}), made: frozenset({7})},
    )

    assert first["observed"]["listed"] == later["observed"]["listed"] == [
        {"path": str(folder), "digest": sha(b"a.png\0b.png"), "names": 2}
    ]  # fmt: skip
    assert later["observed"]["folders_made"] == [made]


def test_nothing_that_a_store_keeps_for_itself_is_an_input(scene: Scene) -> None:
    """A run that asks its store for its parent reads the log and its end, which every other launch moves on."""
    manifest = scene.manifest()
    scene.store.root.joinpath("data.csv").write_bytes(b"1,2\n")
    kept = [path for path in scene.store.root.rglob("*") if path.is_file() and path.name != "data.csv"]
    assert {"log.jsonl", "log.end", "store.json"} <= {path.name for path in kept}

    found = rows(scene.seen(*(Read(path=str(path)) for path in scene.store.root.rglob("*")), manifest=manifest))

    assert [Path(path).name for path in found] == ["data.csv"]
