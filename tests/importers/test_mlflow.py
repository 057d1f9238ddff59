"""MLflow: its files, its database and its server say the same of one run, and what they do not say is unknown."""

import json
import math
import sqlite3
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from runaudit.diff import Verdict, compare
from runaudit.errors import RecordError
from runaudit.factors.levels import levels
from runaudit.importers.mlflow_run import local_folder
from runaudit.records.manifest import INHERITED
from runaudit.settings import FactorSettings, Settings
from runaudit.study.leaf import UNKNOWN
from runaudit.study.leaves import leaves_among
from runaudit.study.study import study
from tests.importers.reading import labelled_rows, real_runs, runs_in

RUN, GONE = "a" * 32, "b" * 32
COMMIT = "c" * 40
PARAMS = {"lr": "0.1", "model/width": "3", "a b": "x y", "none": "None", "flag": "True", "seed": "7"}
TAGS = {"mlflow.source.name": "/w/proj/train.py", "mlflow.source.git.commit": COMMIT, "mlflow.user": "ada",
        "mlflow.parentRunId": "d" * 32, "mine": "hello"}  # fmt: skip
POINTS = {"val/loss a": [(10, 1.0, 0), (11, 0.5, 1)], "plain": [(10, 4.0, 0), (12, 2.0, 0), (13, 3.0, 0)],
          "odd": [(9, math.nan, 0), (10, math.inf, 1)]}  # fmt: skip
DATA = {"name": "train", "digest": "c247459b", "source_type": "local", "source": '{"uri": "/data/x.csv"}',
        "schema": None, "profile": '{"num_rows": 3}'}  # fmt: skip
URI = "file:///w/proj/mlruns/1/{}/artifacts"


def meta(run, **changed):
    return {"run_id": run, "run_name": "fish", "experiment_id": "1", "status": 3, "start_time": 1700000000000,
            "end_time": 1700000060000, "lifecycle_stage": "active", "artifact_uri": URI.format(run),
            "user_id": "ada", **changed}  # fmt: skip


def put(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def folder(root, run=RUN, *, tags=TAGS, **changed):
    experiment = root / "mlruns" / "1"
    put(experiment / "meta.yaml", json.dumps({"experiment_id": "1", "name": "demo", "lifecycle_stage": "active"}))
    put(experiment / "datasets" / ("e" * 32) / "meta.yaml", json.dumps(DATA))
    here = experiment / run
    put(here / "meta.yaml", json.dumps(meta(run, **changed)))
    link = {"source_type": "DATASET", "source_id": "e" * 32, "tags": {"mlflow.data.context": "training"}}
    put(here / "inputs" / ("f" * 32) / "meta.yaml", json.dumps(link))
    for kind, values in (("params", PARAMS), ("tags", tags)):
        for name, value in values.items():
            put(here / kind / name, value)
    for name, points in POINTS.items():
        put(here / "metrics" / name, "".join(f"{time} {value} {step}\n" for time, value, step in points))
    return here


def database(path, *, runs=((RUN, "active"),), modern=True):
    db = sqlite3.connect(path)
    db.executescript(
        "CREATE TABLE experiments (experiment_id INTEGER, name TEXT, lifecycle_stage TEXT);"
        "CREATE TABLE runs (run_uuid TEXT, name TEXT, status TEXT, start_time INTEGER, end_time INTEGER, user_id TEXT,"
        " lifecycle_stage TEXT, artifact_uri TEXT, experiment_id INTEGER);"
        "CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT);"
        "CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT);"
        "CREATE TABLE metrics (key TEXT, value REAL, timestamp INTEGER, run_uuid TEXT"
        + (", step INTEGER, is_nan INTEGER);" if modern else ");")
    )
    db.execute("INSERT INTO experiments VALUES (1, 'demo', 'active')")
    for run, stage in runs:
        row = (run, "fish", "FINISHED", 1700000000000, 1700000060000, "ada", stage, URI.format(run), 1)
        db.execute(f"INSERT INTO runs VALUES ({','.join('?' * 9)})", row)
        for table, values in (("params", PARAMS), ("tags", TAGS)):
            db.executemany(f"INSERT INTO {table} VALUES (?, ?, ?)", [(k, v, run) for k, v in values.items()])
        for name, points in POINTS.items():
            for time, value, step in points:
                kept = 0.0 if math.isnan(value) else min(value, 1.7976931348623157e308)
                cells = (name, kept, time, run, step, math.isnan(value))
                db.execute(f"INSERT INTO metrics VALUES ({'?, ?, ?, ?, ?, ?' if modern else '?, ?, ?, ?'})",
                           cells if modern else cells[:4])  # fmt: skip
    if modern:
        db.executescript(
            "CREATE TABLE inputs (input_uuid TEXT, source_type TEXT, source_id TEXT, destination_type TEXT,"
            " destination_id TEXT); CREATE TABLE input_tags (input_uuid TEXT, name TEXT, value TEXT);"
            "CREATE TABLE datasets (dataset_uuid TEXT, name TEXT, digest TEXT, dataset_source_type TEXT,"
            " dataset_source TEXT, dataset_schema TEXT, dataset_profile TEXT);"
        )
        db.execute("INSERT INTO datasets VALUES ('u', ?, ?, ?, ?, ?, ?)", tuple(DATA.values()))
        db.execute("INSERT INTO input_tags VALUES ('i', 'mlflow.data.context', 'training')")
        db.execute("INSERT INTO inputs VALUES ('i', 'DATASET', 'u', 'RUN', ?)", (RUN,))
    db.commit()
    db.close()
    return path


ANSWERS = {
    "experiments/search": {"experiments": [{"experiment_id": "1", "name": "demo", "lifecycle_stage": "active"}]},
    "runs/search": {"runs": [{
        "info": meta(RUN, status="FINISHED", start_time="1700000000000"),
        "data": {"params": [{"key": k, "value": v} for k, v in PARAMS.items()],
                 "tags": [{"key": k, "value": v} for k, v in TAGS.items()],
                 "metrics": [{"key": k} for k in POINTS]},
        "inputs": {"dataset_inputs": [{"dataset": DATA,
                                       "tags": [{"key": "mlflow.data.context", "value": "training"}]}]},
    }]},
}  # fmt: skip


def history(key):
    """A metric as a server on a database says it."""
    word = {math.inf: 1.7976931348623157e308}
    return {"metrics": [{"key": key, "value": "NaN" if math.isnan(v) else word.get(v, v), "timestamp": str(t),
                         "step": str(s)} for t, v, s in POINTS[key]]}  # fmt: skip


@contextmanager
def server(*, status=200, answers=ANSWERS):
    """A server of MLflow's on this machine, and what it was asked with."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.answer(answers.get(self.path.removeprefix("/api/2.0/mlflow/"), {}))

        def do_GET(self):
            from urllib.parse import parse_qs, urlsplit

            asked_for = parse_qs(urlsplit(self.path).query)
            if "metric_key" in asked_for:
                self.answer(history(asked_for["metric_key"][0]))
            else:
                self.answer(answers.get(f"runs/get {asked_for['run_id'][0]}", {}))

        def answer(self, value):
            asked.append((self.path, self.headers.get("Authorization")))
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            raw = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        try:
            yield Path(f"http://127.0.0.1:{http.server_port}"), asked
        finally:
            http.shutdown()


def read(path):
    (found,), skipped = runs_in(path, "mlflow")
    assert not skipped
    return found.run


def without_place(run):
    body = run.manifest.to_json()
    series = {name: [(step, repr(value)) for step, value in points] for name, points in run.trajectory.series.items()}
    return body, series, run.status


def test_files_database_and_server_say_the_same_of_one_run(tmp_path):
    folder(tmp_path)
    with server() as (address, _):
        asked = without_place(read(address))

    assert without_place(read(tmp_path / "mlruns")) == without_place(read(database(tmp_path / "mlflow.db"))) == asked


def test_what_the_store_says_is_in_the_record(tmp_path):
    run = read(folder(tmp_path))
    body = run.manifest.to_json()

    assert body["config"] == {"lr": 0.1, "model/width": 3, "a b": "x y", "none": None, "flag": True, "seed": 7,
                              "tags": {"mine": "hello"}}  # fmt: skip
    assert (body["seed"], body["label"], run.status) == (7, "fish", "completed")
    assert body["code"]["commit"] == COMMIT
    assert body["code"]["program"] == "train.py"  # below the folder of the store, wherever that lies
    assert body["launch"]["run_dir"] == f"/w/proj/mlruns/1/{RUN}"
    assert body["launch"]["started"] == "2023-11-14T22:13:20.000000Z"
    assert body["origin"]["experiment"] == {"id": "1", "name": "demo"}
    assert body["origin"]["parent"] == "d" * 32
    assert run.trajectory.series["val/loss a"] == ((0, 1.0), (1, 0.5))
    assert run.trajectory.series["plain"] == ((0, 4.0), (1, 2.0), (2, 3.0))  # no step was given: the row's number
    assert run.metrics["plain"] == 3.0


def of_tags(top, run, **tags):
    return read(folder(top, run, tags={"mlflow.source.name": "/w/train.py", **tags}))


def test_a_tag_that_a_user_set_is_a_setting_and_one_that_only_names_the_run_is_none(tmp_path):
    a = of_tags(tmp_path / "a", RUN, model="cnn", id=f"run {RUN}", name="fish", made="2024-05-01 10:22:03.5")
    b = of_tags(tmp_path / "b", GONE, model="vit", id=f"run {GONE}", name="fish", made="2024-05-02 11:22:03.5")

    found = compare(a, b, settings=Settings())
    assert [row.factor for row in found.factors] == ["config.tags.model"]
    assert [note for note in found.notes if '[factors] nuisance = ["config.tags.model"]' in note]


def test_settings_that_lie_among_the_artifacts_are_seen_to_differ_and_those_of_a_model_are_none(tmp_path):
    found = []
    for name, width in (("a", 10), ("b", 30)):
        here = folder(tmp_path / name)
        put(here / "artifacts" / "config.yaml", f"hidden: {width}\n")
        put(here / "artifacts" / "metrics.json", f"{width}")
        put(here / "artifacts" / "model" / "MLmodel", "x")
        put(here / "artifacts" / "model" / "config.json", f"{width}")
        found.append(read(here))

    assert [row.factor for row in compare(*found, settings=Settings()).factors] == ["config.artifacts['config.yaml']"]


def test_the_number_of_a_trial_of_optunas_is_none_of_its_settings(tmp_path):
    told = {"lr_distribution": "FloatDistribution()", "state": "TrialState.COMPLETE"}
    a, b = (of_tags(tmp_path / run, run, number=number, **told) for run, number in ((RUN, "0"), (GONE, "1")))

    assert not compare(a, b, settings=Settings()).factors


def test_other_data_that_results_are_measured_on_are_another_measure(tmp_path):
    found = []
    for name, digest in (("a", "1"), ("b", "2")):
        here = folder(tmp_path / name)
        purpose = {"mlflow.data.context": "evaluation"}
        link = {"source_type": "DATASET", "source_id": "e" * 32, "tags": purpose}
        put(here / "inputs" / ("f" * 32) / "meta.yaml", json.dumps(link))
        put(here.parent / "datasets" / ("e" * 32) / "meta.yaml", json.dumps({**DATA, "digest": digest}))
        found.append(read(here))

    assert compare(*found, settings=Settings()).verdict is Verdict.INCOMPARABLE


@pytest.mark.parametrize(("first", "second", "factors", "is_open"), [
    ("/home/bob/proj/train.py", "/mnt/eve/proj/train.py", [], True),
    ("C:\\u\\bob\\proj\\train.py", "D:\\work\\proj\\train.py", [], True),
    ("/w/exp/a/train.py", "/w/exp/b/train.py", ["code.program"], False),
    ("/w/proj/train.py", "/w/proj/train.py", [], False),
])  # fmt: skip
def test_a_script_whose_tree_is_not_on_record_may_have_been_moved(tmp_path, first, second, factors, is_open):
    runs = [read(folder(tmp_path / run, run, tags={"mlflow.source.name": name, "mlflow.source.git.commit": COMMIT},
                        artifact_uri=f"s3://bucket/{run}/artifacts"))
            for run, name in ((RUN, first), (GONE, second))]  # fmt: skip

    found = compare(*runs, settings=Settings())

    assert [row.factor for row in found.factors] == factors
    assert ("code.program" in {row.factor for row in found.missing}) is is_open
    many = study(runs, settings=Settings())
    assert [column.factor for column in many.model.columns] == factors
    assert ("code.program" in many.missing) is is_open


def nested(kind, top):
    """The child of a parent of other parameters, in a store of this kind."""
    above = {"lr": "9", "wd": "0.5", "depth": "4"}
    if kind == "files":
        here = folder(top)
        put(here.parent / ("d" * 32) / "meta.yaml", json.dumps(meta("d" * 32)))
        for name, value in above.items():
            put(here.parent / ("d" * 32) / "params" / name, value)
        return runs_in(top / "mlruns", "mlflow")[0]
    if kind == "database":
        path = database(top / "mlflow.db")
        db = sqlite3.connect(path)
        db.execute("INSERT INTO runs (run_uuid, status, experiment_id) VALUES (?, 'FINISHED', 1)", ("d" * 32,))
        db.executemany("INSERT INTO params VALUES (?, ?, ?)", [(k, v, "d" * 32) for k, v in above.items()])
        db.commit()
        db.close()
        return runs_in(path, "mlflow")[0]
    parent = {"run": {"data": {"params": [{"key": key, "value": value} for key, value in above.items()]}}}
    with server(answers=ANSWERS | {f"runs/get {'d' * 32}": parent}) as (address, _):
        return runs_in(address, "mlflow")[0]


@pytest.mark.parametrize("kind", ["files", "database", "server"])
def test_a_nested_run_was_made_with_the_settings_of_the_run_above_it_its_own_first(tmp_path, kind):
    (child,) = (one.run for one in nested(kind, tmp_path) if one.run.manifest.section("origin")["run"] == RUN)

    config = child.manifest.section("config")
    assert (config["lr"], config["wd"], config["depth"]) == (0.1, 0.5, 4)
    assert child.manifest.section("origin")["from_parent"] == ("depth", "wd")
    assert INHERITED not in child.manifest.section("unknown")


def test_where_the_run_above_is_not_there_its_settings_are_a_gap_and_no_change(tmp_path):
    (tmp_path / "lost").mkdir()
    (whole,) = (one.run for one in nested("files", tmp_path) if one.run.manifest.section("origin")["run"] == RUN)
    alone = read(folder(tmp_path / "lost").parents[1])

    found = compare(alone, whole, settings=Settings())

    assert INHERITED in {row.factor for row in found.missing}
    assert not [row.factor for row in found.factors if row.section == "config"]
    assert found.standing is Verdict.PROVENANCE_INCOMPLETE


def test_mlflows_digest_of_data_can_differ_and_proves_nothing_where_it_is_equal(tmp_path):
    a, b = (read(folder(tmp_path / side)) for side in "ab")
    dataset = a.manifest.to_json()["data"]["train"]

    assert dataset["mlflow_digest"] == "c247459b"
    assert "digest" not in dataset
    told = {row.factor: row.reason for row in compare(a, b, settings=Settings()).missing}
    assert "mlflow_digest is the tracker's, of a part" in told["data.train.digest"]


@pytest.mark.parametrize(
    ("status", "word"), [(1, "unknown"), (3, "completed"), (4, "crashed"), (5, "killed"), ("FAILED", "crashed")]
)
def test_how_a_run_ended_is_read_by_number_and_by_word(tmp_path, status, word):
    assert read(folder(tmp_path, status=status)).status == word


@pytest.mark.parametrize("store", ["files", "database"])
def test_a_deleted_run_is_a_launch_that_counts_and_says_that_it_was_deleted(tmp_path, store):
    if store == "files":
        path = folder(tmp_path, GONE, lifecycle_stage="deleted")
    else:
        path = database(tmp_path / "mlflow.db", runs=((GONE, "deleted"),))
    body = read(path).manifest.to_json()

    assert body["label"] == "fish (deleted)"
    assert body["origin"]["lifecycle"] == "deleted"


def test_a_launcher_of_notebooks_is_no_program(tmp_path):
    path = folder(tmp_path, tags={"mlflow.source.name": "/usr/lib/python3/site-packages/ipykernel_launcher.py"})
    body = read(path).manifest.to_json()

    assert "program" not in body.get("code", {})
    assert "notebook" in body["unknown"]["code.program"]


def test_what_only_looks_like_a_run_is_none(tmp_path):
    here = folder(tmp_path)
    put(here.parent / "models" / ("m-" + "1" * 32) / "meta.yaml", "model_id: m-1")
    put(here.parent / "models" / ("m-" + "1" * 32) / "params" / "x", "1")
    put(here.parent / "models" / ("m-" + "1" * 32) / "metrics" / "x", "1 1 1")
    put(tmp_path / "mlruns" / "1" / ("9" * 32) / "artifacts" / "model" / "MLmodel", "x")

    assert read(tmp_path).manifest.to_json()["origin"]["run"] == RUN


def test_a_damaged_run_is_left_out_with_its_reason_and_the_others_come_in(tmp_path):
    folder(tmp_path)
    for name in (GONE, "9" * 32):
        folder(tmp_path, name)
    (tmp_path / "mlruns" / "1" / GONE / "meta.yaml").write_text("")
    (tmp_path / "mlruns" / "1" / ("9" * 32) / "meta.yaml").unlink()

    found, skipped = runs_in(tmp_path, "mlflow")

    assert len(found) == 1
    assert sorted(one.reason.partition("meta.yaml")[2] for one in skipped) == ["", " is empty"]


def test_a_torn_line_is_counted_and_the_rest_is_read(tmp_path):
    here = folder(tmp_path)
    with (here / "metrics" / "val" / "loss a").open("a") as file:
        file.write("12")

    assert (read(here).trajectory.torn, len(read(here).trajectory.series["val/loss a"])) == (1, 2)


def test_a_link_that_leads_out_is_refused(tmp_path):
    here = folder(tmp_path / "store")
    put(tmp_path / "secret", "x")
    (here / "params" / "stolen").symlink_to(tmp_path / "secret")

    with pytest.raises(RecordError, match="leads out"):
        read(here)


# ── the database ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_old_database_has_no_steps_and_no_inputs(tmp_path):
    run = read(database(tmp_path / "old.sqlite", modern=False))

    assert run.trajectory.series["val/loss a"] == ((0, 1.0), (1, 0.5))
    assert run.manifest.to_json()["unknown"]["data"] == "no data set was logged"


def test_an_empty_database_beside_a_full_one_is_told(tmp_path):
    database(tmp_path / "mlruns.db", runs=((RUN, "active"), (GONE, "active")))
    (tmp_path / "mlflow.db").touch()
    sqlite3.connect(tmp_path / "other.db").executescript("CREATE TABLE runs (id)")

    found, skipped = runs_in(tmp_path, "mlflow")

    assert [one.run.manifest.to_json()["origin"]["run"] for one in found] == [RUN, GONE]
    assert [one.reason for one in skipped] == ["it is empty: MLflow wrote no run to it"]


def test_a_database_is_read_with_what_its_log_holds_and_is_not_changed(tmp_path):
    path = database(tmp_path / "mlflow.db")
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("UPDATE params SET value = '0.7' WHERE key = 'lr'")
    db.commit()
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir() if not file.name.endswith("-shm")}
    run = read(path)
    after = {file.name: file.read_bytes() for file in tmp_path.iterdir() if not file.name.endswith("-shm")}
    db.close()

    assert run.manifest.to_json()["config"]["lr"] == 0.7
    assert before == after


@pytest.mark.parametrize("damage", [b"\0" * 4096, b"SQLite format 3\0" + b"x" * 5000, b"no database"])
def test_what_is_no_database_ends_in_one_clear_line(tmp_path, damage):
    (tmp_path / "mlflow.db").write_bytes(damage)

    with pytest.raises(RecordError, match=r"mlflow\.db is (?:damaged or )?no database"):
        runs_in(tmp_path / "mlflow.db", "mlflow")


def test_a_view_in_the_place_of_a_table_is_not_asked(tmp_path):
    db = sqlite3.connect(tmp_path / "mlflow.db")
    db.executescript("CREATE VIEW runs AS WITH RECURSIVE n(run_uuid) AS (SELECT 'a' UNION ALL SELECT 'a' FROM n)"
                     " SELECT run_uuid FROM n")  # fmt: skip
    db.close()

    _, (skipped,) = runs_in(tmp_path / "mlflow.db", "mlflow")

    assert skipped.reason == "it is a database without MLflow's table of runs"


# ── the server ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_account_is_shown_to_the_server_that_was_named_and_a_redirect_is_not_followed(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "word")
    with server(status=302) as (address, asked), pytest.raises(RecordError, match="answers 302"):
        runs_in(address, "mlflow")

    assert [account for _, account in asked] == ["Bearer word"]


def test_a_server_that_gives_one_page_for_ever_is_left():
    answers = {**ANSWERS, "experiments/search": {**ANSWERS["experiments/search"], "next_page_token": "again"}}
    with server(answers=answers) as (address, _), pytest.raises(RecordError, match="the same page"):
        runs_in(address, "mlflow")


def test_a_server_that_is_not_there_ends_in_one_clear_line():
    with pytest.raises(RecordError, match=r"http://127\.0\.0\.1:1 cannot be asked"):
        runs_in(Path("http://127.0.0.1:1"), "mlflow")


@pytest.mark.parametrize(
    ("uri", "folder"),
    [
        ("file:///C:/Users/me/mlruns/1/x/artifacts", "C:/Users/me/mlruns/1/x"),
        ("file:///home/a%20b/mlruns/1/x/artifacts", "/home/a b/mlruns/1/x"),
        ("/w/mlruns/1/x/artifacts", "/w/mlruns/1/x"),
        ("s3://bucket/1/x/artifacts", "s3://bucket/1/x"),
        ("mlflow-artifacts:/1/x/artifacts", None),
    ],
)
def test_the_folder_of_a_run_is_told_from_its_artifacts(uri, folder):
    assert local_folder(uri) == folder


@pytest.mark.parametrize("row", labelled_rows("mlflow"), ids=lambda row: row["id"])
def test_labelled_pairs_come_out_as_labelled(row):
    a, b = (read(real_runs(row[side])) for side in "ab") if "a" in row else (real_runs("none"), None)

    said = compare(a, b, settings=Settings())

    assert said.conditional == {"not_comparable": "incomparable"}.get(row["verdict"], row["verdict"])


@pytest.mark.parametrize(("named", "verdict", "is_missing"), [("train.py", "provenance_incomplete", True),
                                                              ("eval.py", "provenance_incomplete", False)])  # fmt: skip
def test_two_scripts_of_one_name_may_be_two_where_their_folder_is_not_named(tmp_path, named, verdict, is_missing):
    """`cd exp/a && python train.py` and the same in `exp/b`: MLflow keeps the word that was typed, and no folder. Two
    words are two scripts, whatever the folder."""
    first = folder(tmp_path / "a", tags={**TAGS, "mlflow.source.name": "train.py"})
    second = folder(tmp_path / "b", run="2" * 32, tags={**TAGS, "mlflow.source.name": named})

    found = compare(read(first), read(second), settings=Settings())

    assert str(found.verdict) == verdict
    assert ("code.program" in [row.factor for row in found.missing]) is is_missing
    assert ("code.program" in [factor.factor for factor in found.factors]) is not is_missing


def _called(tmp_path, *scripts):
    return [read(folder(tmp_path / str(n), run=str(n) * 32, tags={**TAGS, "mlflow.source.name": name}))
            for n, name in enumerate(scripts)]  # fmt: skip


@pytest.mark.parametrize("longer", ["src/train.py", "/home/bob/proj/src/train.py", "src\\train.py"])
def test_a_script_whose_folder_is_not_told_may_be_the_one_that_another_path_ends_with(tmp_path, longer):
    """`cd src && python train.py` and `python src/train.py`."""
    runs = _called(tmp_path, "train.py", longer)

    found, many = compare(*runs, settings=Settings()), study(runs, settings=Settings())

    assert not found.factors and not many.model.columns
    assert "code.program" in [row.factor for row in found.missing]
    assert "code.program" in many.missing


def test_a_script_that_may_be_several_of_a_study_is_none_of_them(tmp_path):
    runs = _called(tmp_path, "train.py", "a/train.py", "b/train.py")

    (leaf,) = [leaf for leaf in leaves_among([levels(run, FactorSettings()) for run in runs], FactorSettings()).varying
               if leaf.path == "code.program"]  # fmt: skip

    assert [str(level) for level in leaf.levels][1:] == ["a/train.py", "b/train.py"]
    assert leaf.levels[0] is UNKNOWN


def test_two_scripts_are_told_by_their_names(tmp_path):
    found = compare(*_called(tmp_path, "train.py", "eval.py"), settings=Settings())

    assert [row.summary for row in found.factors] == ["code.program train.py → eval.py"]
