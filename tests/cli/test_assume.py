"""What a user vouches for where foreign records do not say it: exit codes, and that every answer shows it.

The runs are W&B's, as its own folders hold them. Where the labelled runs of others lie, their pairs are judged too.
"""

import json
import random

import pytest

from tests.importers.reading import pairs_of, shared_runs

PASS, NEGATIVE, USAGE, CANNOT_JUDGE = 0, 1, 2, 3
COMMIT = "4f2a9c1e0b7d4f2a9c1e0b7d4f2a9c1e0b7d4f2a"
NEEDED = ("data", "env", "eval", "init", "runtime")
GIVEN = [word for section in NEEDED for word in ("--assume", section)]
NOTE = "assumed, not recorded: data, env, eval, init and runtime (--assume)"


def left_by_wandb(top, arm, lr, seed, value, **metadata):
    """A run folder as W&B leaves it: a clean tree, and no word on data, weights, evaluation and ending."""
    files = top / f"run-20250101_00000{seed}-{arm}{seed}" / "files"
    files.mkdir(parents=True)
    (files / "config.yaml").write_text(f"wandb_version: 1\nlr:\n  value: {lr}\nseed:\n  value: {seed}\n")
    facts = {"os": "Linux", "python": "3.11.7", "gpu": "A100", "gpu_count": 1, "cuda": "12.1", "program": "train.py",
             "args": [], "git": {"commit": COMMIT}, "startedAt": "2025-01-01T00:00:00Z"}  # fmt: skip
    (files / "wandb-metadata.json").write_text(json.dumps(facts | metadata))
    (files / "wandb-summary.json").write_text(json.dumps({"val/psnr": value}))
    (files / "requirements.txt").write_text("torch==2.1.0\nnumpy==1.26.0\n")
    (files / "diff.patch").write_text("")


@pytest.fixture
def folder(tmp_path):
    """Two arms of four seeds, one of them 1 dB better."""
    top = tmp_path / "wandb"
    noise = random.Random(0)
    for arm, lr, base in (("slow", 0.1, 30.0), ("fast", 0.3, 31.0)):
        for seed in range(4):
            left_by_wandb(top, arm, lr, seed, base + noise.gauss(0, 0.1))
    return top


@pytest.fixture
def call(here, runaudit, folder):
    runaudit("import", "wandb", folder)
    return runaudit


ARMS = {"diff": ["slow0", "fast0"], "study": [],
        "stats": ["--metric", "val/psnr", "fast0,fast1,fast2,fast3", "--vs", "slow0,slow1,slow2,slow3"]}  # fmt: skip


@pytest.mark.parametrize("command", ARMS)
def test_a_conditional_verdict_has_its_exit_code_where_all_that_is_missing_is_vouched_for(call, command):
    words = [command, *ARMS[command]]

    assert call(*words)[0] == CANNOT_JUDGE
    assert call(*words, *GIVEN[:-2])[0] == CANNOT_JUDGE
    code, out, _ = call(*words, *GIVEN)
    assert code == PASS
    assert "assuming data, env, eval, init and runtime" in out.splitlines()[0]
    assert NOTE in out
    assert NOTE in call(*words, *GIVEN, "--format", "md")[1]
    assert "assuming data" in call(*words, *GIVEN, "-q")[1]
    answer = json.loads(call(*words, *GIVEN, "--json")[1])
    assert answer["assumed"]["sections"] == sorted(NEEDED) and answer["standing"] == answer["conditional"]
    assert answer["verdict"] == ("not_attributable" if command == "stats" else "provenance_incomplete")


@pytest.mark.parametrize("command", ARMS)
def test_no_command_makes_a_verdict_of_records_without_a_commit(here, runaudit, tmp_path, command):
    for arm, lr, base in (("slow", 0.1, 30.0), ("fast", 0.3, 31.0)):
        for seed in range(4):
            left_by_wandb(tmp_path / "bare", arm, lr, seed, base + seed / 100, git={})
    runaudit("import", "wandb", tmp_path / "bare")

    code, out, _ = runaudit(command, *ARMS[command], *GIVEN)

    assert code == CANNOT_JUDGE
    assert "the commit of the code is not on record; of what W&B recorded, " in out.splitlines()[0]
    assert " on what W&B recorded" not in out.splitlines()[0]
    assert "hich commit ran nobody can vouch for" in out


def test_study_says_what_would_lift_the_gaps_as_diff_does(call):
    assert "where you know that they were equal: --assume data --assume env" in call("study")[1]
    assert "where you know that they were equal" not in call("study", *GIVEN)[1]


def test_stats_says_what_would_hold_if_all_that_is_missing_were_equal(call):
    code, out, _ = call("stats", *ARMS["stats"], "--json")
    answer = json.loads(out)

    assert (code, answer["verdict"], answer["conditional"]) == (CANNOT_JUDGE, "not_attributable", "improved")
    assert (answer["standing"], answer["assumed"]) == ("not_attributable", None)
    first = call("stats", *ARMS["stats"])[1].splitlines()[0]
    assert first.startswith("Improved on what W&B recorded: ") and "not attributable yet" in first


def test_a_worse_arm_is_worse_on_what_is_assumed_too(call):
    better, _, worse = ARMS["stats"][2:]

    code, out, _ = call("stats", "--metric", "val/psnr", worse, "--vs", better, *GIVEN)

    assert code == NEGATIVE and out.startswith("Worse on what W&B recorded")


def test_a_confounded_pair_stays_confounded(call):
    code, out, _ = call("diff", "slow0", "fast1", *GIVEN)

    assert code == NEGATIVE and out.startswith("confounded: ")
    assert NOTE in out


def test_claims_count_on_what_is_assumed_and_say_what_would_have_to_be(call, tmp_path):
    text = tmp_path / "draft.md"
    text.write_text('<!-- runaudit: val/psnr "fast" vs "slow" = +1.0 -->\n')

    code, out, _ = call("claims", text)
    assert code == NEGATIVE and "where you know that they were equal: --assume data" in out
    code, out, _ = call("claims", text, *GIVEN)
    assert code == PASS and NOTE in out


def test_claims_count_on_what_the_policy_states(call, tmp_path):
    text = tmp_path / "draft.md"
    text.write_text('<!-- runaudit: val/psnr "fast" vs "slow" = +1.0 -->\n')
    assert call("claims", text)[0] == NEGATIVE

    (tmp_path / "runaudit.toml").write_text(f"[import]\nassume = {json.dumps(NEEDED)}\n")
    code, out, _ = call("claims", text)

    assert code == PASS
    assert "assuming data, env, eval, init and runtime, which is not recorded" in out
    assert "note: assumed, not recorded: data, env, eval, init and runtime ([import] assume of runaudit.toml" in out


def test_the_page_shows_the_assumption_beside_the_verdict_and_no_clean_badge(call, tmp_path):
    assert call("report", "slow", "fast", "-o", "page.html", "--metric", "val/psnr", *GIVEN)[0] == PASS

    page = (tmp_path / "page.html").read_text()
    verdict = page[page.index('<section id="verdict"') : page.index('<table class="arms"')]
    assert '<span class="badge doubt">single factor, assuming data, env, eval, init and 1 more</span>' in verdict
    assert "Assumed, not recorded: data, env, eval, init and runtime (--assume)." in verdict
    assert "badge good" not in verdict and 'class="verdict good"' not in verdict
    assert '<li class="good">' not in verdict


def test_the_page_tells_what_is_recorded_where_nobody_vouches(call, tmp_path):
    call("report", "slow", "fast", "-o", "page.html", "--metric", "val/psnr")

    page = (tmp_path / "page.html").read_text()
    verdict = page[page.index('<section id="verdict"') : page.index('<table class="arms"')]
    assert "single factor on what W&amp;B recorded" in verdict
    assert "Never recorded by W&amp;B: data, env.cudnn, env.determinism, eval, init." in verdict
    assert "badge good" not in verdict


@pytest.mark.parametrize("command", ["diff", "stats", "study", "report", "import"])
def test_what_nobody_can_vouch_for_is_a_usage_error(call, folder, command):
    words = {"report": ["slow", "fast"], "import": ["wandb", folder]} | ARMS

    code, _, err = call(command, *words[command], "--assume", "config")

    assert code == USAGE
    assert "cannot be vouched for" in err and "possible are data, env, eval, init, runtime, seed, code.patch" in err


def test_an_unknown_name_in_the_policy_is_a_usage_error(call, tmp_path):
    (tmp_path / "runaudit.toml").write_text('[import]\nassume = ["dta"]\n')

    code, _, err = call("diff", "slow0", "fast0")

    assert code == USAGE and "'dta' is no section of a record" in err and "possible are data, env" in err


# ── vouched for at import ────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_vouched_for_at_import_is_sealed_and_shown(here, runaudit, folder):
    code, out, err = runaudit("import", "wandb", folder, *GIVEN, "--json")

    assert code == PASS and "assumed" in err
    assert all(row["assumed"] == sorted(NEEDED) for row in json.loads(out)["imported"])
    assert "assumed   data, env, eval, init, runtime: vouched for" in runaudit("show", "fast0")[1]
    code, out, _ = runaudit("diff", "slow0", "fast0")
    assert code == PASS and "(import --assume)" in out
    assert runaudit("verify")[0] == PASS


def test_no_folder_vouches_for_itself(here, runaudit, folder):
    config = next(folder.glob("*-fast0")) / "files" / "config.yaml"
    config.write_text(config.read_text() + "assumed:\n  value: [data, env, eval, init, runtime]\n")
    facts = next(folder.glob("*-slow0")) / "files" / "wandb-metadata.json"
    facts.write_text(json.dumps(json.loads(facts.read_text()) | {"assumed": list(NEEDED)}))

    rows = json.loads(runaudit("import", "wandb", folder, "--json")[1])["imported"]

    assert not any("assumed" in row for row in rows)


def test_a_run_is_imported_once_whatever_is_vouched_for(call, folder):
    code, out, _ = call("import", "wandb", folder, *GIVEN, "--json")
    assert json.loads(out)["imported"] == []
    assert all("[import] assume in the policy" in row["reason"] for row in json.loads(out)["skipped"])
    assert code == PASS

    assert [len(group["runs"]) for group in json.loads(call("list", "--json")[1])["cohorts"]] == [4, 4]


def test_a_run_that_was_vouched_for_is_not_imported_again_without(here, runaudit, folder):
    runaudit("import", "wandb", folder, *GIVEN)

    assert json.loads(runaudit("import", "wandb", folder, "--json")[1])["imported"] == []


def test_nothing_is_added_to_the_runs_of_a_bundle(call, tmp_path):
    call("export", "fast0", "-o", "one.bundle")

    code, _, err = call("import", "one.bundle", "--store", tmp_path / "other", "--assume", "data")

    assert code == USAGE and "nothing can be added" in err


# ── runs that nobody here made ───────────────────────────────────────────────────────────────────────────────────


ROWS = pairs_of("wandb")


@pytest.mark.skipif(not ROWS, reason="the labelled runs are not here; name their folder in $RUNAUDIT_SHARED_RUNS")
@pytest.mark.parametrize("row", ROWS or [{}], ids=[row["id"] for row in ROWS] or ["none"])
def test_a_labelled_pair_ends_with_the_code_of_its_label_where_all_is_vouched_for(here, runaudit, row):
    for side in "ab":
        runaudit("import", "wandb", shared_runs() / row[side])
    ids = [found["id"] for group in json.loads(runaudit("list", "--json")[1])["cohorts"] for found in group["runs"]]
    everything = [word for name in (*NEEDED, "seed", "code.patch") for word in ("--assume", name)]

    code, out, _ = runaudit("diff", *ids, *everything)

    assert code == (PASS if row["verdict"] == "single_factor" else NEGATIVE)
    assert out.startswith(row["verdict"]) and "assumed, not recorded: " in out
    assert runaudit("diff", *ids)[0] == (CANNOT_JUDGE if row["verdict"] == "single_factor" else NEGATIVE)


@pytest.mark.parametrize("command", ARMS)
def test_a_seed_that_a_policy_names_after_the_import_is_said_to_need_another(here, runaudit, tmp_path, command):
    for arm, lr, base in (("slow", 0.1, 30.0), ("fast", 0.3, 31.0)):
        for seed in range(4):
            left_by_wandb(tmp_path / "w", arm, lr, seed, base + seed / 100)
            config = tmp_path / "w" / f"run-20250101_00000{seed}-{arm}{seed}" / "files" / "config.yaml"
            config.write_text(config.read_text().replace("seed:", "trial:"))
    runaudit("import", "wandb", tmp_path / "w")
    policy = tmp_path / "later.toml"
    policy.write_text('[import]\nseed = ["config.trial"]\n')
    said = "[import] seed of later.toml names config.trial, which is the seed when a run is imported"

    assert said in runaudit(command, *ARMS[command], "--policy", policy)[1]
    assert said not in runaudit(command, *ARMS[command])[1]
    runaudit("import", "wandb", tmp_path / "w", "--policy", policy)
    assert said not in runaudit(command, *ARMS[command], "--policy", policy)[1]
