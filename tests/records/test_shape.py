"""Whatever stands where in a record: it is refused in one line, or every reader can live with it."""

import copy

import pytest

from runaudit.diff.comparison import compare
from runaudit.errors import RecordError, RunauditError
from runaudit.records.canonical import canonical_bytes
from runaudit.records.record_file import record_of, run_of
from runaudit.records.shape import MANIFEST, OUTCOME
from runaudit.runs.showing import section_lines, show_json
from runaudit.settings import Settings
from runaudit.store.verify import verify
from tests.diff.samples import digest, record

OTHERS = (None, True, 7, 1.5, "text", [], {}, ["x"], [7], [None], {"a": 1}, [{"a": 1}])
PART = {"commit": "b" * 40, "dirty": False, "patch": None, "files": {"a.py": "x = 1\n"}}


def whole() -> dict:
    """A record with every section that one can have."""
    code = record()["code"] | {"patch": "diff --git a/x b/x\n", "submodules": {"sub": PART}, "siblings": {"sib": PART}}
    code |= {"untracked": ["x.py"], "branch": "main", "remote": None}
    file = {"path": "data/a", "digest": digest("d"), "role": "data", "size": 3, "files": 1, "declared": "data.train"}
    return record() | {
        "code": code,
        "config": {"optimizer": {"lr": 1e-3}, "stages": [{"name": "sr"}]},
        "intent": ["config.model.width"],
        "bundles": ["b"],
        "waivers": [{"rule": "RA101", "reason": "a try", "until": None}],
        "unknown": {"env.gpu": "nobody looked"},
        "seed_proof": {"rng": digest("e")},
        "observed": {
            "level": "full", "reason": None, "reasons": ["x"], "argv": ["python", "t.py"], "executable": "/bin/python",
            "cwd": "/p", "flags": ["-B"], "imported": {"numpy": "2.0"}, "looked_up": {"HOME": "/h"}, "read": [file],
            "written": [{"path": "w.pt"}], "seeded": [{"call": "random.seed", "value": 3, "where": "t.py:2"}],
            "texts": [{"path": "<string>", "digest": digest("f")}], "children": [{"argv": ["ls"]}],
        },
        "outcome_code": {"loaded": ["src/train.py"], "files": {"src/x.py": {"digest": digest("1"), "size": 1}},
                         "changed": [{"path": "src/train.py", "before": digest("2"), "after": digest("3")}]},
        "outcome_data": {"changed": [{"name": "train", "path": "a"}]},
        "outcome_config": {"changed": {"config.lr": [1, 2]}},
        "findings": [{"code": "RH1", "name": "spike", "severity": "warning", "subject": "x", "step": 1, "message": "m",
                      "evidence": {"x": 1}, "remedy": "r"}],
        "stderr_tail": "Traceback",
        "series": {"train/loss": [[0, 1.0], [1, 0.5]]},
        "events": [{"step": 0, "stage": "alignment"}],
    }  # fmt: skip


def places(value, path=()):
    """Every place of a JSON tree below its root; of a list, its first item."""
    items = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from places(item, (*path, key))


def with_other(value, path, other):
    changed = copy.deepcopy(value)
    node = changed
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = other
    return changed


@pytest.mark.parametrize("section", sorted(whole()))
def test_every_field_of_another_type_is_refused_in_one_line_or_read_by_all(section):
    base, settings = whole(), Settings()
    good = run_of(base, where="good")
    for path in places({section: base[section]}):
        for other in OTHERS:
            try:
                run = run_of(with_other(base, path, other), where="bad")
            except RunauditError as error:
                assert "\n" not in str(error) and str(error).startswith("bad"), (path, other)
                continue
            try:
                compare(good, run, settings=settings)
                list(section_lines(run, settings))
                show_json(run, settings)
                record_of(run)
            except RunauditError:
                continue
            except Exception as error:
                pytest.fail(f"{path} = {other!r} was let in, and then: {type(error).__name__}: {error}")


@pytest.mark.parametrize(
    ("path", "other", "said"),
    [
        (("code", "siblings"), True, "'code.siblings' is true, not an object"),
        (("code", "submodules"), "text", "'code.submodules' is text, not an object"),
        (("code", "patch"), {}, "'code.patch.digest' is missing, not given"),
        (("code", "files", "src/train.py"), [], "'code.files.src/train.py' is a list, not an object"),
        (("waivers",), [7], "'waivers[0]' is a number, not an object"),
        (("runtime", "argv"), "python t.py", "'runtime.argv' is text, not a list"),
        (("metrics", "full_frame/psnr/astronaut"), [31.2], "is a list, not a number"),
    ],
)
def test_the_line_says_which_field_and_what_it_should_be(path, other, said):
    with pytest.raises(RecordError) as refused:
        run_of(with_other(whole(), path, other), where="bad.json")
    assert said in str(refused.value)


def sealed(store, manifest, outcome):
    """A run as an older runaudit, or a stranger, may have sealed it: unread."""
    run = store.put(canonical_bytes({"schema": "runaudit.manifest/1", **manifest}))
    store.append("manifest", run, subject=run, time="2026-01-01T00:00:00Z")
    body = {"schema": "runaudit.outcome/1", "manifest": str(run), "status": "completed", **outcome}
    store.append("outcome", store.put(canonical_bytes(body)), subject=run, time="2026-01-01T00:00:00Z")
    return run.hex


MALFORMED = {
    "siblings": ({"code": {"siblings": True}}, {}),
    "submodules": ({"code": {"submodules": "text"}}, {}),
    "patch": ({"code": {"patch": {}}}, {}),
    "files": ({"code": {"files": {"a.py": 7}}}, {}),
    "config": ({"config": [1]}, {}),
    "waivers": ({"waivers": 7}, {}),
    "data": ({"data": {"train": "here"}}, {}),
    "label": ({"label": {"a": 1}}, {}),
    "metrics": ({}, {"metrics": [1]}),
    "checkpoints": ({}, {"checkpoints": [{"path": "w.pt"}]}),
    "artifacts": ({}, {"artifacts": "all"}),
    "trajectory": ({}, {"trajectory": {"digest": 7}}),
    "status": ({}, {"status": ["completed"]}),
    "findings": ({}, {"findings": {"a": 1}}),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_record_in_a_store_stops_nothing_of_the_rest(store, runaudit, monkeypatch, name):
    monkeypatch.setenv("RUNAUDIT_STORE", str(store.root))
    plain = {"label": "good", "seed": 1, "config": {"lr": 1}}
    sealed(store, plain, {"metrics": {"val/psnr": 30.0}})
    sealed(store, plain | {"label": "good", "seed": 2}, {"metrics": {"val/psnr": 31.0}})
    manifest, outcome = MALFORMED[name]
    run = sealed(store, plain | {"label": "bad", "seed": 3} | manifest, outcome)

    assert {problem.run for problem in verify(store).problems} == {run}
    for words in (
        ("list",), ("list", "--json"), ("show", run[:12], "-v"), ("show", run[:12], "--json"),
        ("diff", "@last", "@last~1", "--all"), ("stats", "--metric", "val/psnr", "good", "--vs", run[:12]),
        ("study",), ("report", "good", "-o", str(store.root.parent / "p.html")), ("verify",),
    ):  # fmt: skip
        code, _, said = runaudit(*words)
        assert code != 70 and "unexpected" not in said, (words, said)
    assert runaudit("list")[0] == 0
    assert runaudit("diff", "@last", "@last~1")[0] == 4


def test_the_tables_know_what_a_run_of_ours_seals(make_run):
    run = make_run()
    assert list(MANIFEST(run.manifest.to_json(), ())) == []
    assert list(OUTCOME(run.outcome.to_json(), ())) == []
