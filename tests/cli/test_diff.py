"""`runaudit diff`, `list`, `show` and `verify` as a user types them: words, first lines, JSON and exit codes."""

import json
import subprocess
import sys

import pytest

from runaudit.records.canonical import canonical_bytes
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome
from runaudit.records.record_file import run_of
from tests.diff.samples import both, digest, drop, put, record

LR = put("config/optimizer/lr", 5e-4)


def seal(store, *changes, status="completed"):
    """A run of the sample record in a store, sealed as a launch is."""
    plain = record()
    both(*changes)(plain)
    plain["runtime"]["status"] = status
    run = run_of(plain, where="sample")
    for blob in run.blobs.values():
        store.put(blob)
    sections = {k: v for k, v in run.manifest.to_json().items() if k != "schema"}
    manifest = Manifest.of({**sections, "origin": {"kind": "captured"}})
    store.seal_manifest(manifest, time="2025-11-01T00:00:00Z")
    body = {"manifest": str(manifest.digest), "status": status, "metrics": dict(run.metrics), "steps_done": 3000}
    store.seal_outcome(Outcome.of(body), time="2025-11-01T01:00:00Z")
    return manifest.id


@pytest.fixture
def store(here):
    return here


@pytest.fixture
def call(runaudit):
    return runaudit


def written(path, *changes):
    plain = record()
    both(*changes)(plain)
    path.write_text(json.dumps(plain))
    return str(path)


@pytest.mark.parametrize(
    ("change", "code", "verdict"),
    [
        (both(), 0, "identical"),
        (put("seed", 2), 0, "replicate"),
        (LR, 0, "single_factor"),
        (both(LR, put("seed", 2)), 1, "confounded"),
        (put("eval/protocol", "tile"), 1, "incomparable"),
        (drop("env"), 3, "provenance_incomplete"),
        (put("digest", digest("0")), 4, "integrity_failure"),
    ],
)
def test_the_exit_code_is_the_verdict(store, call, tmp_path, change, code, verdict):
    a, b = written(tmp_path / "a.json"), written(tmp_path / "b.json", change)

    ended, out, _ = call("diff", a, b)

    assert (ended, out.splitlines()[0].split(":")[0]) == (code, verdict)
    ended, out, _ = call("diff", a, b, "--json", "--exit-zero")
    assert json.loads(out)["verdict"] == verdict
    assert ended == (code if code == 4 else 0)


def test_without_words_the_last_two_runs_are_compared(store, call):
    for seed in (1, 2):
        seal(store, put("seed", seed), put("label", f"run {seed}"))

    code, out, _ = call("diff", "--json")

    answer = json.loads(out)
    assert (code, answer["verdict"]) == (0, "replicate")
    assert [answer[side]["label"] for side in "ab"] == ["run 1", "run 2"]


def test_cohorts_lists_labels_and_prefixes_name_runs(store, call):
    left = [seal(store, put("seed", s), put("label", "base")) for s in (1, 2, 3)]
    right = [seal(store, LR, put("seed", s), put("label", "lower lr")) for s in (1, 2, 3)]
    groups = json.loads(call("list", "--json")[1])["cohorts"]

    words = [
        (groups[0]["id"], groups[1]["id"]),
        ("base", "lower lr"),
        (",".join(run[:10] for run in left), ",".join(run[:10] for run in right)),
    ]
    for pair in words:
        code, out, _ = call("diff", *pair, "--json")
        assert (code, json.loads(out)["verdict"], json.loads(out)["b"]["effective_n"]) == (0, "single_factor", 3)


def test_an_intent_that_did_not_vary_fails(store, call, tmp_path):
    a, b = written(tmp_path / "a.json"), written(tmp_path / "b.json", LR)

    assert call("diff", a, b, "--intent", "lr")[0] == 0
    code, out, _ = call("diff", a, b, "--intent", "activation")
    assert code == 1 and "activation was meant to change and did not" in out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("diff", "nobody", "@last"), 2),
        (("diff", "@last~9", "@last"), 2),
        (("diff", "@last"), 2),
        (("show", "nobody"), 2),
        (("list", "psnr>much"), 2),
    ],
)
def test_a_word_that_names_nothing_is_one_line(store, call, words, code):
    seal(store)

    ended, _, err = call(*words)

    assert ended == code and len(err.strip().splitlines()) == 1


def test_a_malformed_record_file_is_one_line(store, call, tmp_path):
    (tmp_path / "bad.json").write_text('{"seed": 1, "seed": 2}')

    code, out, err = call("diff", "bad.json", "bad.json", "--json")

    assert code == 2 and json.loads(out)["schema"] == "runaudit.error/1" and "twice" in err


def test_a_policy_rule_that_is_no_arithmetic_is_a_usage_error(store, call, tmp_path):
    (tmp_path / "runaudit.toml").write_text('[factors.derived]\n"config.epochs" = "__import__(\'os\')"\n')
    a, b = written(tmp_path / "a.json"), written(tmp_path / "b.json", LR)

    code, _, err = call("diff", a, b)

    assert code == 2 and "config.epochs" in err


@pytest.mark.parametrize(
    ("filters", "n"),
    [((), 3), (("status=crashed",), 1), (("seed=2",), 1), (("status!=crashed",), 2), (("config.epochs=30",), 3),
     (("config.optimizer.lr<0.0007",), 1), (("psnr/astronaut>31",), 3), (("psnr/astronaut>32",), 0), (("lower",), 1),
     (("lower", "seed=1"), 0)],
)  # fmt: skip
def test_filters_keep_what_they_say(store, call, filters, n):
    seal(store, put("seed", 1), put("label", "base"))
    seal(store, put("seed", 2), put("label", "base"), status="crashed")
    seal(store, put("seed", 3), put("label", "lower lr"), LR)

    code, out, _ = call("list", *filters, "--json")

    assert code == 0 and sum(len(group["runs"]) for group in json.loads(out)["cohorts"]) == n


def test_a_crashed_run_is_listed_in_its_cohort(store, call):
    seal(store, put("seed", 1))
    seal(store, put("seed", 2), status="crashed")

    (group,) = json.loads(call("list", "--json")[1])["cohorts"]

    assert (group["n"], group["effective_n"]) == (2, 1)
    assert "crashed" in call("list")[1]


def test_show_gives_a_record_that_can_be_compared_with_its_run(store, call, tmp_path):
    run = seal(store)
    (tmp_path / "out.json").write_text(call("show", run[:8], "--json")[1])

    code, out, _ = call("diff", run, "out.json", "--json")

    assert (code, json.loads(out)["verdict"]) == (0, "identical")


def test_show_says_every_section(store, call):
    seal(store)

    out = call("show", "@last", "-v")[1]

    for word in (
        "config.optimizer.lr",
        "data.train.digest",
        "env.torch",
        "eval.crop_border",
        "init.kind",
        "seed",
        "outcome",
    ):
        assert word in out


def test_verify_finds_a_changed_byte_and_names_its_run(store, call):
    run = seal(store)
    assert call("verify")[0] == 0
    path = store.root / "objects" / "sha256" / run[:2] / run
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"gelu", b"relu"))

    code, out, _ = call("verify", "--json")

    assert code == 4
    assert run in [problem["run"] for problem in json.loads(out)["problems"]]
    assert call("diff", run[:8], run[:8])[0] == 4


def test_nothing_to_verify_is_no_pass(store, call, tmp_path):
    assert call("verify")[0] == 3
    assert call("verify", "--store", str(tmp_path / "nowhere"))[0] == 3
    assert call("list", "--store", str(tmp_path / "nowhere"))[0] == 3


def test_a_diff_loads_none_of_the_heavy_libraries(tmp_path):
    a, b = written(tmp_path / "a.json"), written(tmp_path / "b.json", LR)
    code = (
        "import sys; from runaudit.cli.app import main\n"
        f"try: main(['diff', {a!r}, {b!r}])\nexcept SystemExit as end: assert not end.code, end.code\n"
        "heavy = {'torch', 'wandb', 'matplotlib', 'scipy', 'deepdiff', 'numpy', 'statsmodels'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_the_sample_store_is_sealed_as_launches_are(store):
    """The fixture's manifests have the canonical form that the store seals."""
    run = seal(store)

    raw = (store.root / "objects" / "sha256" / run[:2] / run).read_bytes()
    assert raw == canonical_bytes(Manifest.from_bytes(raw, where="x").body)
