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


def test_what_is_compared_with_nothing_is_in_no_study(store):
    two = gather(store, Wanted(runs=["slow", "fast"], beside=["odd"], metrics=["val/loss"])).view
    three = gather(store, Wanted(runs=["slow", "fast", "odd"], metrics=["val/loss"])).view

    assert two.study is None and len(two.arms) == 3
    assert three.study is not None and "3 runs in 3 cells" in str(three.study)


def test_runs_chosen_of_a_cohort_do_not_look_whole(tmp_path, monkeypatch):
    """The best two of four are told as such on a page that compares them with nothing, and beside others too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RUNAUDIT_RUN", raising=False)
    ids = []
    for label, seed, end in (("many", 0, ""), ("many", 1, ""), ("many", 2, "crashed"), ("many", 3, ""), ("one", 0, "")):
        with record(label, seed=seed, config={"lr": 0.1 if label == "many" else 0.2}) as run:
            run.finish(end or "completed", metrics={} if end else {"val/loss": 0.1 * seed})
        ids.append(run.id)
    store = open_store(tmp_path / ".runaudit")

    alone = gather(store, Wanted(runs=[f"{ids[0]},{ids[1]}"])).view
    beside = gather(store, Wanted(runs=["one"], beside=[f"{ids[0]},{ids[1]}"])).view
    whole = gather(store, Wanted(runs=["many"])).view

    for view, who in ((alone, "A"), (beside, "B")):
        (told,) = [alert.items for alert in view.alerts if alert.title == "Runs that are not shown"]
        assert told[0].startswith(f"{who}: 2 of 4 launched runs of this cohort were named. If the choice fell on the b")
        assert told[0].endswith("Left out: seed 2 crashed and seed 3")
        assert "2 of 4 launched runs" in [arm.size for arm in view.arms]
    assert not any(alert.title == "Runs that are not shown" for alert in whole.alerts)


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


def test_one_sentence_counts_what_the_cards_say(store):
    """Each card's own word, with the arms that it is on; a page of one card needs no such sentence."""
    one = gather(store, Wanted(runs=["slow", "fast"], metrics=["val/loss"])).view
    chain = gather(store, Wanted(runs=["slow", "fast", "odd"], metrics=["val/loss"])).view
    family = gather(store, Wanted(runs=["fast", "odd"], baseline="slow", metrics=["val/loss"])).view
    mixed = gather(store, Wanted(runs=["fast", "odd"], baseline="slow", metrics=["far/loss"])).view

    word = {verdict.evidence[0].badge for verdict in family.verdicts}.pop()
    assert one.summary == ""
    assert chain.summary == f"Of 2 comparisons, on validation loss: 2 {word} (B against A and C against B)."
    assert family.summary == (f"Of 2 arms held against A slow, on validation loss: 2 {word} (B fast and C odd).")
    assert mixed.summary.startswith("Of 2 arms held against A slow: 2 without a judgement (")


def test_a_mean_over_several_designs_says_so_where_nothing_is_compared(tmp_path, monkeypatch):
    """Alone on a page, or beside others, such an arm had a mean, a spread and an interval, and no word of it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RUNAUDIT_RUN", raising=False)
    ids = []
    for label, rate in (("slow", 0.1), ("slow", 0.1), ("fast", 0.2), ("one", 0.3)):
        with record(label, seed=len(ids), config={"lr": rate}) as run:
            run.finish("completed", metrics={"val/loss": 0.5 + rate + len(ids) / 100})
        ids.append(run.id)
    store = open_store(tmp_path / ".runaudit")

    for wanted in (Wanted(runs=[",".join(ids[:3])]), Wanted(runs=[ids[3]], beside=[",".join(ids[:3])])):
        view = gather(store, wanted).view
        (told,) = [alert.items for alert in view.alerts if alert.title == "Arms that are not one design"]
        assert "is not one design: fast" in told[0] and "config.lr 0.1 → 0.2" in told[0]
    whole = gather(store, Wanted(runs=[",".join(ids[:2])])).view
    assert not any(alert.title == "Arms that are not one design" for alert in whole.alerts)


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        ({"score": 3.0, "policy_loss": 0.1}, "score, which runaudit list shows, was not judged (nor policy_loss)"),
        ({"score": 3.0, "train/loss": 0.1}, "score was not judged: which way it improves is not known."),
        ({"score": 3.0, "val/loss": 0.1}, ""),  # What it learned for is known.
        ({"train/loss": 0.1, "time/step_s": 0.1, "lr": 0.1}, ""),  # Nobody is judged by a clock.
    ],
)
def test_what_may_be_what_a_program_is_for_is_not_passed_over_for_a_loss(tmp_path, monkeypatch, metrics, said):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RUNAUDIT_RUN", raising=False)
    for label, rate in (("slow", 0.1), ("fast", 0.2)):
        with record(label, seed=0, config={"lr": rate}) as run:
            run.finish("completed", metrics={name: value + rate for name, value in metrics.items()})
    view = gather(open_store(tmp_path / ".runaudit"), Wanted(runs=["slow", "fast"])).view.verdicts[0]

    told = [line for line in (view.claim, *view.caveats) if "was not judged" in line]
    assert bool(told) is bool(said) and all(line.startswith(said) for line in told)


def test_single_changes_are_only_pointed_to_where_they_are_between_the_levels_of_these_arms(tmp_path, monkeypatch):
    """opt sgd -> adam alone is on the page, sgd -> mom is not."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RUNAUDIT_RUN", raising=False)
    arms = {"base": ("sgd", 0), "adam": ("adam", 0), "reg": ("sgd", 1), "both": ("adam", 1), "mom": ("mom", 2)}
    for label, (opt, reg) in arms.items():
        for seed in (0, 1):
            with record(label, seed=seed, config={"opt": opt, "reg": reg}) as run:
                run.finish("completed", metrics={"val/loss": 1.0 + 0.1 * seed + 0.3 * reg})
    found = gather(open_store(tmp_path / ".runaudit"), Wanted(runs=[*arms], baseline="base")).view

    lacking = {verdict.arm.name.full: " ".join(verdict.lacking) for verdict in found.verdicts}
    assert "there are such on this page" in lacking["both"]
    assert "`runaudit study` names them" in lacking["mom"]
