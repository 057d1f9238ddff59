"""What a run was seen to use travels with its record, in and out."""

import pytest

from runaudit.errors import RecordError
from runaudit.records.record_file import record_of, run_of

SEEN = {"level": "full", "read": [{"path": "x.csv", "digest": "sha256:" + "a" * 64, "role": "data"}], "imported": {}}


def record(**more):
    return {"schema": "runaudit.record/1", "label": "a", "runtime": {"status": "completed"}, **more}


def test_what_was_seen_comes_in_as_part_of_the_outcome_and_goes_out_again():
    meanwhile = {"outcome_data": {"changed": [{"name": "train", "path": "/d"}]}, "stderr_tail": "ValueError: x",
                 "outcome_config": {"changed": {"config.lr": [1, 2]}}, "findings": [{"code": "RA314"}]}  # fmt: skip
    run = run_of(record(observed=SEEN, **meanwhile), where="r.json")

    assert run.outcome.to_json()["observed"] == SEEN
    assert run.outcome.observed["level"] == "full"
    assert run.outcome.to_json()["data"] == meanwhile["outcome_data"]
    assert not run.manifest.has("observed")
    again = run_of(record_of(run), where="again")
    assert again.fault is None
    assert again.outcome.to_json()["observed"] == SEEN
    assert {key: record_of(again)[key] for key in meanwhile} == meanwhile


def test_of_a_run_that_does_not_say_how_it_ended_it_is_kept_all_the_same():
    run = run_of({"schema": "runaudit.record/1", "observed": SEEN}, where="r.json")

    assert run.outcome is None
    assert run.manifest.to_json()["observed"] == SEEN
    assert record_of(run)["observed"] == SEEN


def test_a_run_nobody_watched_says_nothing_of_it():
    assert run_of(record(), where="r.json").outcome.observed is None
    assert "observed" not in record_of(run_of(record(), where="r.json"))


def test_an_observation_that_is_no_table_is_refused():
    with pytest.raises(RecordError, match="observed"):
        run_of(record(observed=["x"]), where="r.json")


@pytest.mark.parametrize(
    ("section", "named"),
    [
        ([], "observed"), ("full", "observed"), ({"read": []}, "level"), ({"level": None}, "level"),
        ({"level": "most"}, "level"), ({"level": ["full"]}, "level"),
        *(({"level": "full", name: rows}, name) for name in ("read", "written", "seeded", "texts", "children")
          for rows in ({}, "x.csv", ["x.csv"], [None], 3)),
        ({"level": "full", "read": [{"digest": "sha256:" + "a" * 64}]}, r"read\[0\] has no path"),
        ({"level": "full", "read": [{"path": 3}]}, r"read\[0\] has no path"),
        ({"level": "full", "argv": "python train.py"}, "argv"), ({"level": "full", "argv": ["a", 3]}, "argv"),
        ({"level": "full", "looked_up": ["A"]}, "looked_up"), ({"level": "full", "imported": ["numpy"]}, "imported"),
    ],
)  # fmt: skip
def test_what_was_seen_in_another_form_is_refused_and_not_taken_for_silence(section, named):
    with pytest.raises(RecordError, match=named) as refused:
        run_of(record(observed=section), where="r.json")
    assert "\n" not in str(refused.value)


def test_what_was_not_asked_for_may_be_null_or_left_out():
    run_of(record(observed=None), where="r.json")
    run_of(record(observed={"level": "none", "read": None, "argv": None, "more": 1}), where="r.json")
