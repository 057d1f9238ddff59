"""What the page says a run was seen to use: no more than was looked at, and no accusation."""

import pytest

from runaudit.report import ArmInput
from runaudit.report.views.seen import seen_views

CODE = {"path": "train.py", "digest": "sha256:" + "a" * 64, "role": "code"}
LOOSE = {"path": "extra.csv", "digest": "sha256:" + "b" * 64, "role": "data"}


def watched(level: str, *read: dict[str, str], reason: str | None = None) -> dict[str, object]:
    return {"observed": {"level": level, "reason": reason, "read": list(read), "looked_up": {}, "imported": {}}}


@pytest.fixture
def seen_of(make_run):
    def view(*outcomes: dict[str, object], data: dict[str, object] | None = None):
        data = data or {}
        code = {"commit": "a" * 40, "dirty": False, "files": {"train.py": {"digest": CODE["digest"], "size": 3}}}
        runs = tuple(make_run(seed=seed, code=code, data=data, outcome=row) for seed, row in enumerate(outcomes))
        (found,) = seen_views([ArmInput(name="a", runs=runs)])
        return found

    return view


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        ([watched("full", CODE)], "no gap was noticed"),
        ([watched("full", CODE)] * 3, "no gap was noticed in any of its 3 runs"),
        (
            [watched("full", CODE), watched("partial", CODE, reason="a child that is no Python program"), {}],
            "1 of 3 runs without a gap that was noticed; else a child that is no Python program and not observed",
        ),
    ],
)
def test_it_is_said_of_all_runs_how_well_they_were_seen_and_never_that_all_was(seen_of, outcomes, said):
    assert seen_of(*outcomes).level == said


def test_a_file_of_the_sealed_code_is_no_file_that_nobody_declared(seen_of):
    groups = {
        title: [name.full for name in names] for title, _, names, _ in seen_of(watched("full", CODE, LOOSE)).groups
    }

    assert groups == {
        "Files of the sealed code that were used": ["train.py"],
        "Files read that nobody declared, known by observation": ["extra.csv"],
    }


def test_a_file_that_was_edited_under_a_run_is_a_gap_and_no_code_that_was_used(seen_of):
    """Its record says that neither version is known to be what ran; the page said that no gap was noticed."""
    edited = {"code": {"loaded": ["train.py"], "changed": [{"path": "train.py", "before": CODE["digest"]}]}}
    view = seen_of(watched("full", CODE) | edited)

    assert view.level == "a gap: train.py edited while it ran"
    assert [title for title, *_ in view.groups] == ["Files of the code that were edited while it ran"]
    told = seen_of(watched("full", CODE), watched("full", CODE) | edited).level
    assert told == "1 of 2 runs without a gap that was noticed; else train.py edited while it ran"


def test_data_that_was_declared_and_never_read_is_told_of_a_run_that_was_seen_whole(seen_of):
    data = {"train": {"path": "train/", "digest": "sha256:" + "c" * 64}, "test": {"path": "test/", "digest": None}}
    row = {"path": "train/", "digest": data["train"]["digest"], "role": "data", "files": 2, "declared": "data.train"}
    told = {
        level: {title: [name.full for name in names] for title, _, names, _ in seen_of(
            watched(level, CODE, row, reason="a gap" if level == "partial" else None), data=data).groups}
        for level in ("full", "partial")
    }  # fmt: skip

    unread = "Declared data sets that nothing was seen to read"
    assert told["full"][unread] == ["test"]
    assert unread not in told["partial"]
