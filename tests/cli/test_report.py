"""`runaudit report`: from a store of runs to a page on disk."""

import html
import json
import re
from pathlib import Path

import pytest

from runaudit.cli.app import main
from runaudit.records.trajectory import Trajectory


@pytest.fixture
def ran(store, make_run, seal_run, make_metrics, make_trajectory, make_png, monkeypatch, tmp_path):
    """A store with two arms of three seeds that differ in their schedule alone. Returns (arms, runaudit)."""
    arms = {}
    for name, gains in (("end_to_end", (0.5, 0.4, 0.3)), ("staged", (4.3, 2.9, 3.5))):
        arms[name] = [
            seal_run(
                store,
                make_run(
                    label=f"{name} seed {seed}",
                    seed=seed,
                    config={"schedule": name, "amp": {"dtype": "off"}},
                    metrics=make_metrics(seed, gains=gains),
                    trajectory=make_trajectory(seed, 60, stages=((name, 0),)),
                ),
                {f"panels/camera/{kind}.png": make_png(16, n) for n, kind in enumerate(("lr", "bicubic", "sr", "hr"))},
            )
            for seed in range(3)
        ]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUNAUDIT_STORE", str(store.root))
    return arms


@pytest.fixture
def run_audit(capsys):
    def call(*args: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(list(args))
        out = capsys.readouterr()
        return int(ended.value.code or 0), out.out, out.err

    return call


def ids(runs):
    return [run.id[:12] for run in runs]


def test_runs_named_one_by_one_become_arms_by_what_they_share(ran, run_audit, tmp_path):
    words = [*ids(ran["end_to_end"]), *ids(ran["staged"])]

    code, out, err = run_audit("report", *words, "-o", "page.html", "--json")

    answer = json.loads(out)
    assert (code, err) == (0, "")
    assert [arm["label"] for arm in answer["arms"]] == ["end_to_end", "staged"]
    (comparison,) = answer["comparisons"]
    assert comparison["verdict"] != "confounded"
    assert [e["metric"] for e in comparison["evidence"]] == [
        "full-frame PSNR",
        *(f"full-frame PSNR on {name}" for name in ("astronaut", "camera", "ihc")),
    ]
    page = (tmp_path / "page.html").read_text()
    assert page.count("data:image/png;base64,") == 4 + 1  # shared LR, bicubic, HR; one SR an arm
    assert "every stored byte matches its digest" in page


def test_lists_with_commas_are_arms_of_their_own_and_the_baseline_may_be_named(ran, run_audit):
    first, second = (",".join(ids(runs)) for runs in ran.values())

    code, out, _ = run_audit("report", second, "--baseline", first, "--json", "-o", "page.html")

    (comparison,) = json.loads(out)["comparisons"]
    assert code == 0
    assert (comparison["baseline"], comparison["arm"]) == ("A", "B")


def test_words_that_name_one_arm_are_told(ran, run_audit):
    """Two words want two arms: `report RUN COHORT` of one cohort was a page of one arm, without a word."""
    first, second = (ids(runs) for runs in ran.values())
    cases = (
        ([first[0], ",".join(first)], True),
        ([",".join(first), ",".join(first)], True),
        (first[:2], True),
        ([*first, *second], False),
        ([",".join(first), ",".join(second)], False),
    )

    for words, is_told in cases:
        alerts = json.loads(run_audit("report", *words, "--json", "-o", "page.html")[1])["alerts"]
        told = [one for one in alerts if one["title"] == "Words that name one arm"]
        assert bool(told) == is_told, words


@pytest.mark.parametrize("word", ["--baseline", "--vs"])
def test_the_numbers_for_a_program_are_those_of_stats(ran, run_audit, word):
    first, second = (",".join(ids(runs)) for runs in ran.values())

    page = json.loads(run_audit("report", second, word, first, "--json", "-o", "page.html")[1])
    (metric,) = page["metrics"]
    stats = json.loads(run_audit("stats", second, "--vs", first, "--metric", metric["metric"], "--json")[1])

    told = {row["letter"]: row["mean"] for row in metric["numbers"]}
    assert (told["B"], told["A"]) == tuple(arm["mean"] for arm in stats["arms"])
    numbers = page["comparisons"][0]["evidence"][0]["numbers"]
    names = ("difference", "ci", "p", "p_adjusted", "verdict", "minimal_detectable_effect")
    assert [numbers[name] for name in names] == [stats["comparisons"][0][name] for name in names]
    assert numbers["ci"][0] < numbers["difference"] < numbers["ci"][1]


def test_runs_shown_beside_are_compared_with_nothing(ran, run_audit):
    first, second = (",".join(ids(runs)) for runs in ran.values())

    _, out, _ = run_audit("report", first, "--beside", second, "--json", "-o", "page.html")

    answer = json.loads(out)
    assert [arm["letter"] for arm in answer["arms"]] == ["A", "B"]
    assert answer["comparisons"] == []


def test_the_terminal_says_what_the_page_says_first(ran, run_audit, tmp_path):
    words = [*ids(ran["end_to_end"]), *ids(ran["staged"])]

    _, out, _ = run_audit("report", *words, "-o", "page.html")

    said = out.splitlines()
    assert said[0].startswith("staged (B) against end_to_end (A): ")
    assert said[-1] == "page: page.html"
    page = (tmp_path / "page.html").read_text()
    claim = re.search(r'<p class="claim [a-z]+">(.*?)</p>', page)
    assert claim and said[1].strip().lower().startswith(claim[1].lower().removesuffix("."))


def test_every_letter_in_the_answer_is_said_to_be_whose_it_is(ran, run_audit, tmp_path):
    """Warnings name an arm by its letter: on a terminal there is no table of arms to look it up in."""
    first, second = ids(ran["end_to_end"])[0], ids(ran["staged"])[0]
    for words in ((first,), (first, "--beside", second), ids(ran["end_to_end"]) + ids(ran["staged"])):
        answer = json.loads(run_audit("report", *words, "--json", "-o", "page.html")[1])
        for form in ("text", "md"):
            out = run_audit("report", *words, "--format", form, "-o", "page.html")[1]
            for arm in answer["arms"]:
                # In the sentence of its comparison, and in the table of the arms where there is one.
                assert 1 <= out.count(f"({arm['letter']})") <= 2, (words, form)


def test_a_single_run_is_a_page_without_a_comparison(ran, run_audit, tmp_path):
    code, out, _ = run_audit("report", "@last", "--json")

    assert code == 0
    assert json.loads(out)["comparisons"] == []
    assert (tmp_path / "report.html").is_file()


def test_the_page_of_a_whole_store_draws_the_curves_of_its_runs(ran, run_audit, tmp_path):
    code, _, _ = run_audit("report", "-o", "page.html")

    page = (tmp_path / "page.html").read_text()
    assert code == 0
    assert 'id="curves"' in page
    assert page.count('data-seed="2"') >= 2
    assert "no run logged a series" not in page


def test_a_changed_byte_is_on_the_page_and_in_the_exit_code(ran, run_audit, store, tmp_path):
    run = ran["staged"][1]
    (store.run_dir(run.id) / "last.safetensors").write_bytes(b"other weights")

    code, out, _ = run_audit("report", *ids(ran["staged"]), "-o", "page.html", "--json")

    assert code == 4
    assert json.loads(out)["alerts"][0]["title"] == "Records do not match their digests"
    assert "last.safetensors" in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (("report", "nosuchrun"), 2, "no run matches"),
        (("report", "@last", "-o", "missing/page.html"), 2, "cannot be written"),
        (("report", "@last", "-o", "."), 2, "is not a file"),
    ],
)
def test_bad_input_is_one_clear_line(ran, run_audit, args, code, said):
    found, _, err = run_audit(*args)

    assert found == code
    assert said in err


def test_no_store_is_nothing_to_report(run_audit, tmp_path, monkeypatch):
    monkeypatch.setenv("RUNAUDIT_STORE", str(tmp_path / "nowhere"))

    assert run_audit("report", "@last")[0] == 3


def test_without_a_run_named_the_page_is_about_the_whole_store(ran, run_audit):
    code, out, _ = run_audit("report", "--json", "-o", "page.html")

    answer = json.loads(out)
    assert code == 0
    assert {arm["label"] for arm in answer["arms"]} == {"end_to_end", "staged"}
    assert len(answer["comparisons"]) == 1


def test_for_a_pull_request_there_are_tables_and_one_picture_beside_the_page(ran, run_audit, tmp_path):
    words = [",".join(ids(runs)) for runs in ran.values()]

    code, out, err = run_audit("report", *words, "--format", "md", "-o", "page.html")

    assert (code, err) == (0, "")
    assert "| arm | full-frame PSNR (dB) |" in out
    assert "| config.schedule | end\\_to\\_end | staged |" in out
    assert "](page.svg)" in out
    svg = (tmp_path / "page.svg").read_text()
    assert svg.startswith("<svg xmlns=") and "var(--" not in svg and "<script" not in svg


def test_the_text_for_a_pull_request_goes_where_it_is_asked_to_go_and_replaces_nobodys(ran, run_audit, tmp_path):
    words = ("report", *ids(ran["staged"]), "--format", "md", "-o", "page.md")

    code, out, err = run_audit(*words)

    assert (code, err) == (0, "")
    assert (tmp_path / "page.md").read_text().splitlines()[1:] == out.splitlines()
    assert (tmp_path / "page.html").read_text().startswith("<!DOCTYPE html>")
    assert run_audit(*words)[0] == 0
    (tmp_path / "page.md").write_text("# my own\n")
    assert run_audit(*words)[0] == 2
    assert (tmp_path / "page.md").read_text() == "# my own\n"


def test_a_picture_of_somebody_elses_is_never_replaced(ran, run_audit, tmp_path):
    (tmp_path / "page.svg").write_text("<svg>mine</svg>")

    code, _, err = run_audit("report", *ids(ran["staged"]), "--format", "md", "-o", "page.html")

    assert code == 2 and "page.svg" in err
    assert (tmp_path / "page.svg").read_text() == "<svg>mine</svg>"
    assert not (tmp_path / "page.html").exists()


def test_a_metric_whose_direction_nobody_knows_is_judged_once_it_is_said(
    store, make_run, seal_run, run_audit, monkeypatch, tmp_path
):
    for name, shift in (("slow", 0.0), ("fast", 1.0)):
        for seed in range(3):
            run = make_run(label=name, seed=seed, config={"speed": name}, metrics={"crinkle": shift + seed / 10})
            seal_run(store, run, {})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUNAUDIT_STORE", str(store.root))

    before = json.loads(run_audit("report", "slow", "fast", "--json", "-o", "a.html")[1])["comparisons"][0]
    after = json.loads(run_audit("report", "slow", "fast", "--direction", "lower", "--json", "-o", "b.html")[1])

    assert before["evidence"] == []
    assert "`--metric 'crinkle' --direction higher`" in before["lacking"][-1], "a remedy that can be typed"
    assert after["comparisons"][0]["evidence"][0]["metric"] == "crinkle"
    assert after["comparisons"][0]["evidence"][0]["verdict"] in ("worse", "not attributable")


def test_every_metric_that_is_asked_for_may_be_given_its_direction(
    store, make_run, seal_run, run_audit, monkeypatch, tmp_path
):
    """The refusal of the second named an option that went to the first alone: typed, it was refused again."""
    for name, shift in (("slow", 0.0), ("fast", 1.0)):
        for seed in range(3):
            metrics = {"val/acc": 0.5 + seed / 10, "crinkle": shift + seed / 10, "flatness": seed / 10 - shift}
            seal_run(store, make_run(label=name, seed=seed, config={"speed": name}, metrics=metrics), {})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUNAUDIT_STORE", str(store.root))
    asked = ("report", "slow", "fast", "--metric", "val/acc", "--metric", "crinkle", "--metric", "flatness",
             "--json", "-o", "a.html")  # fmt: skip

    code, _, err = run_audit(*asked)
    declared = ("--direction", "higher", "--direction", "lower", "--direction", "higher")
    told = json.loads(run_audit(*asked, *declared)[1])["comparisons"][0]["evidence"]

    assert code == 2 and "crinkle" in err and "one --direction for each --metric, in their order" in err
    assert [one["metric"] for one in told] == ["validation accuracy", "crinkle", "flatness"]
    assert len({one["text"].partition(" ")[0] for one in told[1:]}) == 1, "both are worse, in opposite directions"
    assert run_audit("report", "slow", "fast", "--metric", "val/acc", *declared, "-o", "b.html")[0] == 2


def test_a_metric_that_one_pair_lacks_takes_neither_the_page_nor_the_other_pair_down(
    store, make_run, seal_run, run_audit, monkeypatch, tmp_path
):
    for name, metrics in (("one", {"acc": 0.5}), ("two", {"acc": 0.6}), ("three", {"f1": 0.7}), ("four", {"f1": 0.7})):
        seal_run(store, make_run(label=name, config={"arm": name}, metrics=metrics), {})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUNAUDIT_STORE", str(store.root))

    code, out, _ = run_audit("report", "one", "two", "three", "four", "--metric", "acc", "--json", "-o", "page.html")

    assert code == 0
    assert [len(one["evidence"]) for one in json.loads(out)["comparisons"]] == [1, 1, 0]
    assert run_audit("report", "one", "two", "--metric", "f1", "-o", "page.html")[0] == 2


def test_a_value_out_of_all_bounds_costs_its_judgement_and_not_the_page(
    store, make_run, seal_run, run_audit, monkeypatch, tmp_path
):
    """A loss of 1e173 is a run that diverged: just then one wants to see the page."""
    for name, values in (("calm", (0.1, 0.2, 0.3)), ("wild", (0.1, 1e173, 1e308))):
        for seed, value in enumerate(values):
            seal_run(store, make_run(label=name, seed=seed, config={"arm": name}, metrics={"test/loss": value}), {})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUNAUDIT_STORE", str(store.root))

    code, out, err = run_audit("report", "calm", "wild", "--json", "-o", "page.html")

    (comparison,) = json.loads(out)["comparisons"]
    assert (code, err) == (0, "")
    assert "test/loss was not judged" in comparison["claim"] and "beyond" in comparison["claim"]
    page = (tmp_path / "page.html").read_text()
    assert "0.20 ± 0.10" in page and "out of all bounds" in page


def test_two_losses_of_one_model_are_never_averaged_into_a_third(
    store, make_run, seal_run, run_audit, monkeypatch, tmp_path
):
    for name in ("one", "two"):
        metrics = {"loss/content": 1.0, "loss/style": 3.0, "train/loss/a": 1.0, "train/loss/b": 2.0}
        seal_run(store, make_run(label=name, config={"arm": name}, metrics=metrics), {})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUNAUDIT_STORE", str(store.root))

    answer = json.loads(run_audit("report", "one", "two", "--json", "-o", "page.html")[1])

    metrics = {row["metric"] for row in answer["comparisons"][0]["evidence"]}
    assert {"loss/content", "loss/style"} <= metrics
    assert not {"loss", "train/loss", "training loss"} & metrics


def test_a_metric_that_is_judged_is_not_said_to_be_unjudged(
    store, make_run, seal_run, run_audit, monkeypatch, tmp_path
):
    """The card said "val/mae is not attributable", and "val/mae was not judged" below."""
    for name in ("mae", "psnr"):
        seal_run(store, make_run(label=name, config={"arm": name}, metrics={f"val/{name}": 1.0}), {})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUNAUDIT_STORE", str(store.root))

    run_audit("report", "mae", "psnr", "--metric", "val/mae", "--direction", "lower", "-o", "page.html")

    page = (tmp_path / "page.html").read_text()
    assert "No finished run of B has val/mae" in page and "was not judged" not in page


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--direction", "up"), "write higher or lower"),
        (("--metric", "full_frame/psnr", "--direction", "lower"), "higher"),
        (("-o", "page.md"), "with --format md the Markdown goes into it"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_a_page_is_written(ran, run_audit, tmp_path, options, said):
    words = [",".join(ids(runs)) for runs in ran.values()]

    code, _, err = run_audit("report", *words, *options)

    assert code == 2 and said in err
    assert not list(tmp_path.glob("*.html")) and not list(tmp_path.glob("*.md"))


def test_what_a_design_leaves_open_stands_beside_its_verdict(ran, run_audit, tmp_path):
    """`single factor` alone would be believed; the note that nobody declared the evaluation belongs beside it."""
    words = [",".join(ids(runs)) for runs in ran.values()]
    notes = json.loads(run_audit("diff", *words, "--json")[1])["notes"]

    run_audit("report", *words, "-o", "page.html")

    page = (tmp_path / "page.html").read_text()
    card = page[page.index('<article class="verdict') : page.index("</article>")]
    assert all(note[:40] in html.unescape(card) for note in notes[:3])


def test_the_table_of_arms_takes_a_metric_on_the_sequences_that_the_judgement_takes_it_on(
    store, make_run, seal_run, run_audit, monkeypatch, tmp_path
):
    """An arm that was not measured on all of them has no value in `stats`, and none in the table."""
    for name, parts in (("whole", ("camera", "ihc")), ("part", ("camera",))):
        for seed in range(3):
            metrics = {f"full_frame/psnr/{part}": 30.0 + seed for part in parts}
            seal_run(store, make_run(label=name, seed=seed, config={"arm": name}, metrics=metrics), {})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUNAUDIT_STORE", str(store.root))

    out = run_audit("report", "whole", "part", "--metric", "full_frame/psnr", "--format", "md", "-o", "page.html")[1]

    rows = {line.split(" | ")[0]: line.split(" | ")[1] for line in out.splitlines() if line.startswith("| ")}
    assert (rows["| whole (A)"], rows["| part (B)"]) == ("31.0 ± 1.0", "no number")


def test_arms_held_against_one_baseline_are_judged_as_one_family_as_stats_does(
    store, make_run, seal_run, run_audit, tmp_path, monkeypatch
):
    """Two that are each sure by themselves (p 0.03) are not once both are allowed for: no card may say improved."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUNAUDIT_STORE", str(store.root))
    for name, shift in (("plain", 0.0), ("first", 1.0), ("second", 1.05)):
        for seed, noise in enumerate((0.0, 0.4, -0.4)):
            acc = {"val/accuracy": 5 + shift + noise}
            seal_run(store, make_run(label=name, seed=seed, config={"name": name}, metrics=acc), {})
    words = ("first", "second", "--metric", "val/accuracy", "--direction", "higher", "--json")

    page = json.loads(run_audit("report", *words, "--baseline", "plain", "-o", "page.html")[1])
    stats = json.loads(run_audit("stats", *words, "--vs", "plain")[1])

    assert [row["p"] < 0.05 < row["p_adjusted"] for row in stats["comparisons"]] == [True, True]
    found = [one["evidence"][0]["verdict"].replace(" ", "_") for one in page["comparisons"]]
    assert found == [row["verdict"] for row in stats["comparisons"]]
    written = (tmp_path / "page.html").read_text()
    for row in stats["comparisons"]:
        assert f"{row['p']:.3f} (adjusted {row['p_adjusted']:.3f})" in written
    assert "p values are corrected for 2 comparisons (Holm)" in written


@pytest.fixture
def strange(store, make_run, seal_run, monkeypatch, tmp_path):
    """Two arms that learn their training data better and are worse on what was held out, of no known direction."""

    def arm(name, gap, loss):
        return [seal_run(store, make_run(label=name, seed=seed, config={"width": gap}, trajectory=Trajectory(
            series={}, events=()), metrics={"val/calibration_gap": gap + seed / 100, "train/loss": loss + seed / 100}))
            for seed in range(3)]  # fmt: skip

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUNAUDIT_STORE", str(store.root))
    return arm("narrow", 1.0, 0.5), arm("wide", 2.0, 0.1)


def test_a_training_loss_is_no_stand_in_for_a_held_out_metric_whose_direction_nobody_knows(strange, run_audit):
    """The page said in green that the training loss had improved, where the held-out metric had doubled."""
    code, out, _ = run_audit("report", "narrow", "wide")

    assert code == 0
    assert "improved" not in out
    assert "val/calibration_gap, which runaudit list shows, was not judged" in out


@pytest.mark.parametrize("words", [["wide"], []])
def test_a_page_of_no_comparison_shows_what_was_held_out_before_what_was_learned(strange, run_audit, words):
    run_audit("report", *words, "-o", "page.html")

    text = html.unescape(Path("page.html").read_text())
    assert "alibration_gap" in text.partition('<table class="arms">')[2].partition("</caption>")[0]
