"""One table of metrics: a line more, and judge, page and the reader of claims know the metric."""

import json

import pytest

from runaudit.metrics.catalogue import NAMED, QUANTITIES, Direction, Quantity, known_direction, metric, unit_of
from runaudit.metrics.heldout import is_held_out, is_reported
from runaudit.metrics.leading import _weight
from runaudit.metrics.naming import parents
from runaudit.report.words import metric as shown
from tests.cli.recorded import sealed
from tests.diff.samples import put


@pytest.fixture
def crispness(monkeypatch):
    """A metric that nobody has heard of, added by one line, as if it had been there when the program began."""
    assert known_direction("full_frame/crispness") is None
    for asked_once in (known_direction, _weight):
        asked_once.cache_clear()
    monkeypatch.setitem(QUANTITIES, "crispness", Quantity("crispness", Direction.LOWER, "dB", 1))
    yield
    for asked_once in (known_direction, _weight):
        asked_once.cache_clear()


def test_a_line_gives_direction_unit_digits_and_words(crispness):
    found = metric("full_frame/crispness/camera")

    assert (found.words, found.unit, found.digits) == ("full-frame crispness on camera", "dB", 1)
    assert (found.quantity.direction, found.sequence) == (Direction.LOWER, "camera")
    assert shown("val/crispness").amount(-0.26, signed=True) == "−0.3\N{NO-BREAK SPACE}dB"
    assert parents({"full_frame/crispness/camera", "other/camera"}) == {"full_frame/crispness"}


def test_a_line_is_known_to_stats_claims_list_and_page(crispness, runaudit, here, tmp_path):
    for label, alignment, values in (("new", "flow", (2.0, 2.1, 2.2)), ("old", "none", (3.0, 3.1, 3.2))):
        for seed, value in enumerate(values):
            metrics = {"full_frame/crispness/camera": value, "full_frame/crispness/ihc": value + 0.01 * seed}
            sealed(here, put("seed", seed), put("label", label), put("config/model/alignment", alignment),
                   metrics=metrics)  # fmt: skip
    (tmp_path / "draft.md").write_text(
        "new reaches a crispness of 2.1 dB. new improves crispness by 1.0 dB over old.\n"
    )

    answer = json.loads(runaudit("stats", "--metric", "full_frame/crispness", "new", "--vs", "old", "--json")[1])
    claims = json.loads(runaudit("claims", "draft.md", "--json")[1])
    page = runaudit("report", "old", "new", "-o", "page.html")[1]

    assert (answer["direction"], answer["verdict"]) == ("lower", "improved")
    assert [claim["verdict"] for claim in claims["claims"]] == ["supported", "supported"]
    assert "full-frame crispness on camera improved by −1.00\N{NO-BREAK SPACE}dB" in page
    assert "crispness" in runaudit("list")[1]


@pytest.mark.parametrize("name", NAMED)
def test_a_whole_name_agrees_with_its_words(name):
    words = {part for part in name.replace("/", "_").split("_") if part in QUANTITIES}

    assert NAMED[name].direction is None or {QUANTITIES[word].direction for word in words} <= {NAMED[name].direction}


@pytest.mark.parametrize(
    ("name", "unit"),
    [("psnr", "dB"), ("full_frame/psnr_bicubic/camera", "dB"), ("gain_db", "dB"), ("registration_error_px", "px"),
     ("time/step_s", "s"), ("loss", ""), ("steps", ""), ("accuracy", "")],
)  # fmt: skip
def test_a_unit_is_read_from_the_name(name, unit):
    assert unit_of(name) == metric(name).unit == unit


@pytest.mark.parametrize("name", ["val", "testset", "TestData", "val2017", "held_out", "dev-test", "x_eval"])
def test_held_out_data_is_known_by_name(name):
    assert is_held_out(name)


@pytest.mark.parametrize("name", ["latest", "train", "interval", "contest", "developer"])
def test_other_data_is_not(name):
    assert not is_held_out(name)


def test_validation_is_held_out_and_not_reported():
    assert is_reported("data.test2") and not is_reported("val") and is_held_out("val")
