"""What a page leaves open, it says: a metric that nobody can judge, an arm that is compared with nothing."""

import pytest

from runaudit.record.recorder import record
from runaudit.report.answer import ReportAnswer
from runaudit.report.gather import Wanted, gather
from runaudit.verbs import open_store


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    home = tmp_path_factory.mktemp("left_open")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        patch.delenv("RUNAUDIT_RUN", raising=False)
        for label, rate, loss in (("slow", 0.1, 0.5), ("fast", 0.2, 0.4), ("odd", 0.3, 0.3)):
            with record(label, seed=0, config={"lr": rate}) as run:
                run.finish("completed", metrics={"val/zork": 3.0 + rate, "val/loss": loss, "far/loss": 1e308})
    return open_store(home / ".runaudit")


def test_a_metric_that_is_listed_and_cannot_be_judged_is_said_with_the_reason(store):
    listed = gather(store, Wanted(runs=["slow", "fast"])).view.verdicts[0]
    named = gather(store, Wanted(runs=["slow", "fast"], metrics=["val/loss"])).view.verdicts[0]

    said = [line for line in listed.caveats if "runaudit list shows" in line]
    assert said == ["val/zork, which runaudit list shows, was not judged: which way it improves is not known."]
    assert not any("runaudit list shows" in line for line in named.caveats)


def test_an_arm_that_is_shown_beside_the_others_is_in_the_study(store):
    view = gather(store, Wanted(runs=["slow", "fast"], beside=["odd"], metrics=["val/loss"])).view

    assert view.study is not None and "3 runs in 3 cells" in str(view.study)


def test_where_nothing_was_judged_the_terminal_says_why(store, tmp_path):
    view = gather(store, Wanted(runs=["slow", "fast"], metrics=["far/loss"])).view

    lines = list(ReportAnswer(view=view, output=tmp_path / "page.html").text_lines())
    assert any(line.startswith("  far/loss was not judged: ") for line in lines)


def test_runs_that_tell_nothing_together_have_a_page_all_the_same(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RUNAUDIT_RUN", raising=False)
    for rate in (0.1, 0.2, 0.3):
        with record(f"rate {rate}", seed=0, config={"lr": rate}) as run:
            run.finish("killed")

    view = gather(open_store(tmp_path / ".runaudit"), Wanted()).view

    assert [one.reason for one in view.left_out if one.title == "Study"] == ["none of 3 runs gives a result"]
    assert len(view.arms) == 3
