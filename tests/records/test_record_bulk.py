"""Laws of a stranger's record: what is data and no description is refused in one line."""

import json

import pytest

from runaudit.errors import CanonicalError, RecordError
from runaudit.records.record_file import run_of


def nested(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "more",
    [{"label": "x" * (20 << 20)}, {"config": {"x": "y" * (20 << 20)}}, {"config": {"x": [1] * 600_000}},
     {"env": {"packages": {f"p{i}": "1" for i in range(600_000)}}}, {"notes": ["n" * (9 << 20)] * 2},
     {"config": nested(400) and {"x": nested(400)}}, {"config": {"x": 10**5000}}],
    ids=["label", "text", "list", "packages", "several", "depth", "digits"],
)  # fmt: skip
def test_a_record_that_is_data_is_refused_in_one_line(more):
    with pytest.raises((RecordError, CanonicalError)) as refusal:
        run_of({"label": "a", **more}, where="here").manifest.raw  # noqa: B018  (it is made when it is asked for)

    assert "\n" not in str(refusal.value) and len(str(refusal.value)) < 300


def test_series_and_sources_may_be_long():
    record = {"label": "a", "series": {"loss": [[i, 1.0] for i in range(300_000)]},
              "code": {"files": {"a.py": "x = 1\n" * (4 << 20)}}}  # fmt: skip

    assert len(run_of(json.loads(json.dumps(record)), where="here").trajectory.series["loss"]) == 300_000
