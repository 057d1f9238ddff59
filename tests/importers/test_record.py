"""Record files: read strictly or not at all, and given back as they came."""

import json

import pytest

from runaudit.capture.foreign import without_secrets
from runaudit.diff import compare
from runaudit.errors import CanonicalError, RecordError
from runaudit.importers.record import read_records
from runaudit.records import record_file
from runaudit.records.canonical import parse_strict
from runaudit.records.digest import digest_bytes
from runaudit.records.manifest import Manifest
from runaudit.records.record_file import record_digest, record_of, run_of
from runaudit.records.run import Run
from runaudit.settings import Settings
from tests.diff.samples import both, drop, put, record, run


def written(tmp_path, text):
    path = tmp_path / "record.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    return path


@pytest.mark.parametrize("shape", ["object", "list", "lines", "show"])
def test_an_object_a_list_and_json_lines_are_read(tmp_path, shape):
    one, two = record(), record() | {"seed": 2}
    texts = {
        "object": json.dumps(one, indent=1),
        "list": json.dumps([one, two]),
        "lines": f"{json.dumps(one)}\n{json.dumps(two)}\n",
        "show": json.dumps({"schema": "runaudit.show/1", "record": one}),
    }

    found, skipped = read_records(written(tmp_path, texts[shape]))

    assert [imported.run.manifest.seed for imported in found] == ([1, 2] if shape in ("list", "lines") else [1])
    assert skipped == ()


def test_a_byte_order_mark_before_a_record_is_no_part_of_it(tmp_path):
    (found,), _ = read_records(written(tmp_path, b"\xef\xbb\xbf" + json.dumps(record()).encode()))

    assert found.run.id == run().id


def nested(depth):
    return '{"config": ' + '{"a": ' * depth + "1" + "}" * (depth + 1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[]", "holds no record"),
        ("7", "not a record"),
        ('{"seed": 1, "seed": 2}', "'seed' twice"),
        ('{"config": [1]}', "'config' is a list"),
        ('{"label": 7}', "'label'"),
        ('{"schema": "runaudit.record/9"}', "runaudit.record/9"),
        ('{"runtime": {"status": "fine"}}', "'fine' is not a status"),
        ('{"code": {"files": {"a.py": 3}}}', "a.py"),
        ('{"series": {"x": [1, 2]}}', "series 'x'"),
        ('{"events": [{"stage": "sr"}]}', "event"),
        (b'{"label": "\xff"}', "not UTF-8"),
        (nested(5000), "nested"),
        ('[{"seed": 1}, {"config": 7}]', "record 2"),
        ('{"seed": 1}\n{"seed": 2, "seed": 3}\n', "line 2"),
    ],
)
def test_a_malformed_record_is_one_line_that_says_where(tmp_path, text, words):
    with pytest.raises(RecordError) as refused:
        read_records(written(tmp_path, text))
    assert words in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ['{"label": "\\ud800"}', '{"config": {"a": "\\udc00"}}', nested(250), nested(900)])
def test_what_has_no_canonical_form_is_refused(tmp_path, text):
    with pytest.raises(CanonicalError):
        read_records(written(tmp_path, text))


def test_a_file_beyond_the_limit_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr("runaudit.importers.record.MAX_RECORD_BYTES", 10)

    with pytest.raises(RecordError, match="MiB"):
        read_records(written(tmp_path, json.dumps(record())))


def test_a_digest_that_matches_is_no_fault_and_one_that_does_not_is():
    plain = record()
    good, bad = plain | {"digest": record_digest(plain)}, plain | {"digest": record_digest(plain), "seed": 9}

    assert run_of(good, where="x").fault is None
    assert "digest" in (run_of(bad, where="x").fault or "")


def test_null_is_known_to_be_none_and_absent_is_unknown():
    known = compare(run(put("data", None)), run(put("data", None)), settings=Settings())
    unknown = compare(run(drop("data")), run(drop("data")), settings=Settings())

    assert known.verdict == "identical"
    assert unknown.verdict == "provenance_incomplete"


def test_nan_is_read_as_python_writes_it(tmp_path):
    plain = record()
    plain["config"]["x"], plain["metrics"]["loss"] = float("nan"), float("inf")

    (found,), _ = read_records(written(tmp_path, json.dumps(plain)))

    assert found.run.metrics["loss"] == float("inf")
    assert compare(found.run, found.run, settings=Settings()).verdict == "identical"


def test_what_goes_out_comes_in_again_with_its_digest():
    origin = run(both(put("series", {"train/loss": [[0, 1.0], [5, 0.5]]}), put("events", [{"step": 0, "stage": "sr"}])))

    plain = record_of(origin)
    again = run_of(parse_strict(json.dumps(plain), where="x"), where="x")

    assert plain["digest"] == record_digest(plain) and again.fault is None
    assert again.trajectory == origin.trajectory
    assert plain["code"]["files"] == record()["code"]["files"]
    assert compare(origin, again, settings=Settings()).verdict == "identical"


def test_a_changed_byte_of_what_went_out_is_a_fault():
    plain = record_of(run())
    plain["config"]["optimizer"]["lr"] = 1.0

    assert run_of(plain, where="x").fault is not None
    assert plain["schema"] == record_file.RECORD_SCHEMA


def test_rotating_a_secret_is_no_factor(tmp_path):
    """Hexadecimal keys, told by their place alone: in a table, a header, a hook, a signed URL, and in code."""
    sides = []
    for key in ("9b1f0c7de2a84d35b6f7c8091a2e3d4f01234567", "d4a0b1c2e3f4058697a8b9cadbecfd0e11223344"):
        plain = record()
        plain["config"] |= {
            "credentials": {"x": key},
            "notify": f"curl -H 'Authorization: Bearer {key}' https://example.org",
            "hook": f"https://hooks.slack.com/services/T0AB1CD2E/B0AB1CD2E/{key[:24]}",
            "mirror": f"https://b.example.org/k?X-Amz-Signature={key}",
        }
        plain["code"]["files"]["src/train.py"] += f"\nwandb.login(key='{key}')\n"
        (one,) = without_secrets([run_of(plain, where="r")], None)
        sides.append(one)
        assert key[:24] not in str(record_of(one))

    found = compare(*sides, settings=Settings())

    assert str(found.verdict) == "identical" and not found.factors


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (put("seed", {"a": 1}), "'seed' is an object, not a number or text"),
        (put("env/packages", None), "'env.packages' is null"),
        (put("metrics/psnr", "text"), "'metrics.psnr' is text, not a number"),
        (put("metrics/psnr", True), "'metrics.psnr' is true, not a number"),
        (put("code/files/../../x", "evil"), "lies outside the tree"),
        (put("code/files//etc/x", "evil"), "lies outside the tree"),
        (put("code/files/.git/hooks/x", "evil"), "in git's own folder"),
        (put("code/files/src/train.py/x", "evil"), "lies below 'src/train.py', which is a file"),
    ],
)
def test_a_value_of_another_kind_and_a_name_that_leads_out_are_refused_by_name_before_anything_is_written(
    here, runaudit, tmp_path, change, words
):
    plain = record()
    change(plain)
    before = sorted(here.root.rglob("*"))

    code, _, err = runaudit("import", "record", written(tmp_path, json.dumps(plain)))

    assert (code, words in err) == (2, True), err
    assert sorted(here.root.rglob("*")) == before


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        (put("code/files/src/more.py", {"digest": f"sha256:{'a' * 64}"}), "code.src/more.py (its content)"),
        (put("code/patch", {"digest": f"sha256:{'a' * 64}"}), "code.patch (its content)"),
        (put("metrics/psnr", float("nan")), "metrics.psnr"),
        (put("outcome_code", {"files": {"a.py": {"digest": f"sha256:{'a' * 64}"}}}), None),
    ],
)
def test_what_did_not_come_along_is_said_at_import_and_is_no_damage(here, runaudit, tmp_path, change, missing):
    plain = record()
    change(plain)

    code, out, _ = runaudit("import", "record", written(tmp_path, json.dumps(plain)), "--json")

    (row,) = json.loads(out)["imported"]
    assert code == 0 and (missing is None or missing in row["missing"])
    assert runaudit("verify")[0] == 0


def test_bytes_that_came_along_and_are_gone_later_are_damage(here, runaudit, tmp_path):
    assert runaudit("import", "record", written(tmp_path, json.dumps(record())))[0] == 0
    source = digest_bytes(record()["code"]["files"]["src/train.py"].encode())
    here.object_path(source).unlink()

    code, out, _ = runaudit("verify")

    assert code == 4 and "source src/train.py: is missing" in out


def test_packages_that_are_null_are_equal_to_nothing():
    known = run()
    nothing = {**known.manifest.section("env"), "packages": None}
    unknown = Run(manifest=Manifest.of({**known.manifest.to_json(), "env": nothing}), outcome=known.outcome)
    found = compare(unknown, unknown, settings=Settings())
    assert found.verdict == "provenance_incomplete" and "env.packages" in {row.factor for row in found.missing}
