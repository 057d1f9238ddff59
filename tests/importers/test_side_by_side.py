"""Whatever number of processes reads a folder, the same runs come in, in the same order, with the same reasons."""

import json

import pytest

from runaudit.importers.reading import WORTH_IT
from runaudit.runs.intake import take
from runaudit.settings import Settings
from runaudit.store.store import Store

MANY = WORTH_IT + 4


@pytest.fixture
def folder(tmp_path):
    """Hydra's jobs, each with a table; the same numbers once more in tables far away; and two that are damaged."""
    made = tmp_path / "outputs"
    for number in range(MANY):
        job = made / f"{number:02d}"
        (job / ".hydra").mkdir(parents=True)
        (job / ".hydra" / "config.yaml").write_text(f"lr: 0.{number + 1}\nseed: {number}\n")
        (job / ".hydra" / "overrides.yaml").write_text("[]\n")
        rows = "".join(f"{step},{1 / (number + step + 1)}\n" for step in range(12))
        (job / "log.csv").write_text("step,loss\n" + rows)
    (made / "03" / ".hydra" / "config.yaml").write_text("lr: [0.1\n")
    (made / "zz").mkdir()
    (made / "zz" / "events.out.tfevents.1.host").write_bytes(b"\xff" * 40)
    return made


def test_the_number_of_processes_changes_nothing(folder, tmp_path):
    answers = []
    for jobs in (1, 3, 0, None):
        store = tmp_path / f"store{jobs}"
        rows, skipped = take("auto", [folder], lambda store=store: Store.create(store), Settings(), jobs=jobs)
        answers.append(json.dumps([rows, [[one.source, one.reason, one.broken] for one in skipped]]))

    assert len({*answers}) == 1
    assert len(rows) >= MANY - 1 and any(one.broken for one in skipped)


def test_less_than_no_process_is_a_usage_error(folder, here, runaudit):
    code, _, err = runaudit("import", "auto", folder, "-j", "-1")

    assert code == 2 and "--jobs" in err and "greater than or equal to 0" in err
