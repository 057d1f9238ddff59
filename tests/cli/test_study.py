"""`runaudit import` and `runaudit study` as a user types them: words, JSON, exit codes, and nothing done halfway."""

import json

import pytest

from runaudit.importers.kinds import WORDS
from runaudit.records.record_file import record_digest
from tests.study.samples import HOUR, WHOLE

ROWS = [{"act": "relu", "lr": 0.1}, {"act": "gelu", "lr": 0.2}]


def record(config, *, seed=1, **sections):
    return {
        "schema": "runaudit.record/1",
        "label": " ".join(f"{key}={value}" for key, value in config.items()) + f" seed {seed}",
        "seed": seed,
        "config": config,
        **WHOLE,
        "runtime": {"status": "completed", "duration_s": HOUR},
        "metrics": {"psnr": 30.0},
        "series": {"loss": [[0, 1.0], [1, 0.5]]},
    } | sections


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RUNAUDIT_STORE", raising=False)
    return tmp_path


@pytest.fixture
def call(runaudit):
    return runaudit


@pytest.fixture
def lines(here):
    """A file of record lines."""

    def write(*records, name="runs.jsonl"):
        path = here / name
        path.write_text("".join(json.dumps(row) + "\n" for row in records))
        return path

    return write


def ids(call, path):
    code, out, _ = call("import", "record", path, "--json")
    assert code == 0
    return [row["id"] for row in json.loads(out)["imported"]]


# ── import ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_records_are_imported_with_their_gaps(call, lines):
    partial = record(ROWS[1], env={})

    code, out, _ = call("import", "record", lines(record(ROWS[0]), partial), "--json")

    answer = json.loads(out)
    assert (code, answer["schema"], answer["skipped"]) == (0, "runaudit.import/1", [])
    told = ["grade", "id", "kind", "label", "missing", "source"]
    assert [sorted(row) for row in answer["imported"]] == [told, sorted([*told, "repeats"])]  # both logged the same
    assert answer["imported"][0]["missing"] == []
    assert "env.torch" in answer["imported"][1]["missing"]
    assert call("verify")[0] == 0


def test_an_imported_run_shows_what_its_record_said(call, lines):
    (run,) = ids(call, lines(record(ROWS[0])))

    code, out, _ = call("show", run, "--json")

    shown = json.loads(out)["record"]
    assert code == 0
    assert shown["config"] == ROWS[0]
    assert shown["series"]["loss"] == [[0, 1.0], [1, 0.5]]
    assert shown["metrics"] == {"psnr": 30.0}
    assert shown["code"]["files"] == {"train.py": "x = 1\n"}


def test_the_series_of_a_run_whose_end_is_unknown_are_kept_and_verified(call, lines, here):
    (run,) = ids(call, lines(record(ROWS[0], runtime={})))

    shown = json.loads(call("show", run, "--json")[1])["record"]
    assert shown["series"]["loss"] == [[0, 1.0], [1, 0.5]]
    assert call("verify")[0] == 0

    sealed = next(
        p for p in (here / ".runaudit/objects").rglob("*") if p.is_file() and b'"loss"' in p.read_bytes()[:40]
    )
    sealed.chmod(0o644)
    sealed.write_bytes(b"{}")
    code, out, _ = call("verify")
    assert code == 4
    assert "trajectory" in out


def test_what_show_gives_out_can_be_imported_again(call, lines, here):
    (run,) = ids(call, lines(record(ROWS[0])))
    (here / "shown.json").write_text(call("show", run, "--json")[1])

    code, out, _ = call("import", "record", here / "shown.json", "--json", "--store", here / "other")

    assert code == 0
    again = json.loads(out)["imported"][0]["id"]
    assert call("diff", run, here / "shown.json")[0] == 0
    assert len(again) == 64


def test_importing_twice_changes_nothing(call, lines, here):
    path = lines(record(ROWS[0]))
    ids(call, path)
    log = (here / ".runaudit/log.jsonl").read_bytes()

    code, out, _ = call("import", "record", path, "--json")

    answer = json.loads(out)
    assert (code, answer["imported"]) == (0, [])
    assert answer["skipped"][0]["reason"].startswith("already imported")
    assert (here / ".runaudit/log.jsonl").read_bytes() == log


def test_a_record_given_twice_in_one_call_is_one_run(call, lines):
    code, out, _ = call("import", "record", lines(record(ROWS[0]), record(ROWS[0])), "--json")

    assert code == 0
    assert (len(json.loads(out)["imported"]), len(json.loads(out)["skipped"])) == (1, 1)


@pytest.mark.parametrize(
    ("bad", "code", "told"),
    [
        ("{}\n{", 2, "line 2"),
        ('{"config": 3}', 2, "'config' is a number, not an object"),
        ('{"seed": 1, "seed": 2}', 2, "'seed' twice"),
        ('{"label": "x", "digest": "sha256:' + "0" * 64 + '"}', 4, "digest"),
        ("", 2, ""),
    ],
)
def test_nothing_is_imported_halfway(call, lines, here, bad, code, told):
    good = lines(record(ROWS[0]))
    (here / "bad.json").write_text(bad)

    ended, _, err = call("import", "record", good, here / "bad.json")

    assert ended == code
    assert told in err
    assert len(err.strip().splitlines()) == 1
    assert not (here / ".runaudit").exists()


def test_a_true_digest_is_accepted(call, lines):
    plain = record(ROWS[0])
    assert ids(call, lines(plain | {"digest": record_digest(plain)}))


def test_foreign_names_of_series_follow_the_policy(call, lines, here):
    (here / "runaudit.toml").write_text('[series]\n"loss" = "train/loss"\n')

    (run,) = ids(call, lines(record(ROWS[0])))

    assert "train/loss" in json.loads(call("show", run, "--json")[1])["record"]["series"]


def test_an_unknown_kind_lists_the_known_ones(call, lines):
    code, _, err = call("import", "excel", lines(record(ROWS[0])))

    assert code == 2
    assert f"known are {', '.join(WORDS)}" in err


def test_a_folder_of_wandb_runs_is_imported_at_once(call, here):
    for number, lr in enumerate((0.1, 0.2)):
        files = here / "wandb" / f"run-20260101_00000{number}-run{number}" / "files"
        files.mkdir(parents=True)
        (files / "config.yaml").write_text(f"lr:\n    value: {lr}\n")
        (files / "wandb-summary.json").write_text('{"_step": 3, "loss": 0.5}')
    (here / "wandb" / "run-20260101_000009-empty").mkdir()

    code, out, _ = call("import", "wandb", here / "wandb", "--json")
    answer = json.loads(out)

    assert code == 0
    assert [row["label"] for row in answer["imported"]] == ["run0", "run1"]
    assert {"seed", "code.commit", "data", "runtime.status"} <= set(answer["imported"][0]["missing"])
    assert "run-20260101_000009-empty" in answer["skipped"][0]["source"]
    code, out, _ = call("diff", "run0", "run1", "--json")
    said = json.loads(out)
    assert (code, said["verdict"], said["conditional"]) == (3, "provenance_incomplete", "single_factor")
    assert [row["factor"] for row in said["factors"]] == ["config.lr"]
    assert call("verify")[0] == 0
    # Again: every run is there already, and the whole folder is no failure.
    code, out, _ = call("import", "wandb", here / "wandb", "-q")
    assert (code, out) == (0, "")


def test_only_empty_folders_are_nothing_imported(call, here):
    (here / "wandb" / "run-20260101_000009-empty").mkdir(parents=True)

    code, out, err = call("import", "wandb", here / "wandb")

    assert code == 3
    assert "it holds none of" in out
    assert "no run was imported" in err


# ── study ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("rows", "code", "verdict"),
    [
        (ROWS, 1, "confounded"),
        ([ROWS[0], {**ROWS[0], "lr": 0.2}], 0, "estimable"),
        ([ROWS[0]], 3, "replicate"),
    ],
)
def test_the_exit_code_is_the_verdict(call, lines, rows, code, verdict):
    path = lines(*(record(row, seed=seed) for row in rows for seed in (1, 2, 3)))

    ended, out, _ = call("study", path)
    assert (ended, out.split(":")[0]) == (code, verdict)

    ended, out, _ = call("study", path, "--json", "--exit-zero")
    answer = json.loads(out)
    assert (ended, answer["schema"], answer["verdict"]) == (0, "runaudit.study/1", verdict)


def test_a_gap_is_exit_code_3(call, lines):
    path = lines(record(ROWS[0], init={}), record({**ROWS[0], "lr": 0.3}, init={}))

    assert call("study", path)[0] == 3


def test_a_damaged_record_is_exit_code_4(call, lines):
    path = lines(record(ROWS[0]), record(ROWS[1], digest="sha256:" + "0" * 64))

    code, out, _ = call("study", path)

    assert (code, out.split(":")[0]) == (4, "integrity_failure")


def test_runs_are_named_as_everywhere(call, lines):
    first, second = ids(call, lines(record(ROWS[0]), record(ROWS[1])))

    for words in (
        (first[:8], second[:8]),
        ("act=relu lr=0.1 seed 1", "act=gelu lr=0.2 seed 1"),
        ("@last", "@last~1"),
        (f"{first[:8]},{second[:8]}",),
    ):
        code, out, _ = call("study", *words, "--json")
        assert (code, json.loads(out)["runs"]) == (1, 2)


def test_cohorts_and_labels_name_their_runs(call, lines):
    ids(call, lines(*(record(row, seed=seed) for row in ROWS for seed in (1, 2))))
    groups = json.loads(call("list", "--json")[1])["cohorts"]

    by_cohort = json.loads(call("study", *(group["id"] for group in groups), "--json")[1])
    by_label = json.loads(call("study", *(run["label"] for group in groups for run in group["runs"]), "--json")[1])

    assert by_cohort["runs"] == 4
    assert by_cohort == by_label


def test_one_run_cannot_be_judged(call, lines):
    code, _, err = call("study", lines(record(ROWS[0])))

    assert code == 3
    assert err == "runaudit: a study needs at least 2 runs, 1 given; name more runs\n"


def test_an_unknown_run_is_a_usage_error(call, lines):
    ids(call, lines(record(ROWS[0])))

    code, _, err = call("study", "nobody", "@last")

    assert code == 2
    assert "no run matches 'nobody'" in err


def test_quiet_is_one_line_and_markdown_a_table(call, lines):
    path = lines(*map(record, ROWS))

    assert len(call("study", path, "-q")[1].strip().splitlines()) == 1
    assert "| factor | levels (runs) | standing |" in call("study", path, "--format", "md")[1]


def test_the_policy_decides_what_is_a_factor(call, lines, here):
    (here / "runaudit.toml").write_text('[factors]\nnuisance = ["config.act"]\n')

    code, out, _ = call("study", lines(*map(record, ROWS)), "--json")

    assert (code, [row["factor"] for row in json.loads(out)["factors"]]) == (0, ["config.lr"])


# ── every launch is kept ─────────────────────────────────────────────────────────────────────────────────────────


DONE = {"runtime": {"status": "completed"}}


@pytest.mark.parametrize(
    ("one", "other", "count"),
    [
        ({"runtime": {"status": "crashed"}}, {"runtime": {"status": "completed"}}, 2),
        (DONE | {"metrics": {"psnr": 30}}, DONE | {"metrics": {"psnr": 31}}, 2),
        ({"series": {"loss": [[0, 1.0]]}}, {"series": {"loss": [[0, 2.0]]}}, 2),
        ({"id": "a"}, {"id": "b"}, 2),
        ({"runtime": {"started": "2025-01-01T00:00:00Z"}}, {"runtime": {"started": "2025-01-02T00:00:00Z"}}, 2),
        ({"runtime": DONE["runtime"] | {"duration_s": 5}}, {"runtime": DONE["runtime"] | {"duration_s": 6}}, 2),
        ({}, {}, 1),
    ],
)  # fmt: skip
def test_two_launches_with_equal_inputs_are_two_runs(call, lines, one, other, count):
    plain = {"label": "a", "seed": 1, "config": {"lr": 1}}
    path = lines(plain | one, plain | other)

    first = json.loads(call("import", "record", path, "--json")[1])
    again = json.loads(call("import", "record", path, "--json")[1])

    assert len(first["imported"]) == count
    assert (again["imported"], len(again["skipped"])) == ([], 2)


def test_runs_without_a_seed_are_not_three_replicates(call, lines):
    arms = (("new", 0.3, 31.0), ("old", 0.1, 30.0))
    rows = [
        {"label": arm, "seed": None, "config": {"lr": lr}, "metrics": {"psnr": base + pid / 10}} | DONE
        for arm, lr, base in arms
        for pid in range(3)
    ]
    found = ids(call, lines(*rows))

    answer = json.loads(
        call("stats", "--metric", "psnr", ",".join(found[:3]), "--vs", ",".join(found[3:]), "--json")[1]
    )

    assert [arm["effective_n"] for arm in answer["arms"]] == [1, 1]


def test_a_record_file_that_is_compared_where_it_lies_gives_no_secret_away(call, here):
    for name, key in (("a", "verysecret7value"), ("b", "othersecret8value")):
        (here / f"{name}.json").write_text(json.dumps({"config": {"lr": 1, "api_key": key}}))

    said = call("diff", here / "a.json", here / "b.json", "--json", "--all")[1]

    assert "secret7" not in said and "secret8" not in said and "config.api_key" in said


def test_study_without_runs_takes_every_run_of_the_store(call, lines):
    found = ids(call, lines(*({"label": "a", "seed": seed, "config": {"lr": seed}} | DONE for seed in range(3))))

    everything, named = (json.loads(call("study", *words, "--json")[1]) for words in ((), found))

    assert everything == named and everything["runs"]
