"""A captured run records every source file, its metric among them; an imported record promises nothing of the kind."""

from runaudit.diff import compare
from runaudit.settings import Settings


def bare(make_run, **changes):
    """A captured run without an `eval` section."""
    run = make_run(**changes)
    body = {k: v for k, v in run.manifest.to_json().items() if k not in ("schema", "eval")}
    from dataclasses import replace

    from runaudit.records.manifest import Manifest

    return replace(run, manifest=Manifest.of(body))


def files(**digests):
    rows = {path.replace("_py", ".py"): {"digest": "sha256:" + d * 64, "size": 1} for path, d in digests.items()}
    return {"vcs": "git", "commit": "a" * 40, "dirty": False, "patch": None, "untracked": [], "files": rows}


def test_what_a_captured_run_does_not_declare_is_in_its_code(make_run):
    a, b = (bare(make_run, seed=seed, code=files(train_py="1")) for seed in (0, 1))

    found = compare(a, b, settings=Settings())

    assert not [row.factor for row in found.missing if row.factor.startswith("eval")]
    assert found.conditional == "replicate"


def test_a_changed_file_beside_an_undeclared_evaluation_is_told(make_run):
    a = bare(make_run, code=files(train_py="1", metric_py="2"))
    b = bare(make_run, code=files(train_py="1", metric_py="3"))

    found = compare(a, b, settings=Settings())

    assert [row.factor for row in found.factors] == ["code.metric.py"]
    assert any("no record says what computes" in note and "metric.py" in note for note in found.notes)


def test_an_imported_record_without_its_evaluation_has_a_gap(make_run):
    a, b = (
        bare(make_run, seed=seed, code=files(train_py="1"), origin={"kind": "wandb", "path": "x"}) for seed in (0, 1)
    )

    found = compare(a, b, settings=Settings())

    assert "eval" in [row.factor for row in found.missing]
    assert found.verdict == "provenance_incomplete"
