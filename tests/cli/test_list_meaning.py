"""A filter of `list` chooses what is shown and changes no figure; a name means one thing, and a mistake is told."""

import json
import math
from pathlib import Path

import pytest

from runaudit.records.digest import Digest
from runaudit.text.words import closest
from tests.cli.recorded import cohort, sealed
from tests.diff.samples import put

LR = put("config/optimizer/lr", 5e-4)


@pytest.fixture
def fast(here):
    """A cohort of four finished seeds and a crashed one, and another of two."""
    runs = [
        sealed(here, put("seed", seed), put("label", "fast"),
               metrics={"val/acc": acc, "val/loss": 1 - acc, "train/loss": 0.5 - acc / 2 + seed / 64})
        for seed, acc in enumerate((0.81, 0.83, 0.86, 0.9))
    ]  # fmt: skip
    runs.append(sealed(here, put("seed", 7), put("label", "fast"), metrics={"val/acc": 0.7}, status="crashed"))
    cohort(here, "flow, staged", [30.0, 30.5], LR)
    return runs


def first(runaudit, *words):
    code, out, err = runaudit("list", *words, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)["cohorts"][0]


WAYS = [["val/acc>0.85"], ["--where", "val/acc > 0.85"], ["seed=3"], ["status=crashed"],
        ["--sort", "-val/acc", "-n", "1"],
        ["fast", "--where", "seed in (1, 2)"]]  # fmt: skip


@pytest.mark.parametrize("words", WAYS, ids=" ".join)
def test_the_figures_of_a_cohort_are_those_of_all_its_runs_whatever_is_shown(fast, runaudit, words):
    whole, some = first(runaudit), first(runaudit, *words)

    assert len(some["runs"]) < len(whole["runs"]) == 5
    assert {key: some[key] for key in some if key != "runs"} == {key: whole[key] for key in whole if key != "runs"}
    assert f"({len(some['runs'])} of 5 runs shown, effective n 4)" in runaudit("list", *words)[1]
    assert "val/acc no mean; the 4 with a number: 0.850 ± 0.039 (n = 4 of 5)" in runaudit("list", *words)[1]


def test_archived_runs_are_told_and_stay_in_every_figure(fast, runaudit):
    whole = first(runaudit)["metric"]
    runaudit("archive", fast[0])
    for words in ((), ("fast",), ("-n", "6")):
        code, out, err = runaudit("list", *words)
        assert (code, err) == (0, "1 archived, --all shows it\n")
        assert "(4 of 5 runs shown" in out and "val/acc no mean; the 4 with a number: 0.850 ± 0.039 (n = 4 of 5)" in out
    assert json.loads(runaudit("list", "--json")[1])["cohorts"][0]["metric"] == whole
    runaudit("archive", "fast", "flow, staged")

    assert runaudit("list")[1:] == ("", "7 archived, --all shows them\n")
    assert runaudit("list", "fast")[1:] == ("", "5 archived, --all shows them\n")
    assert runaudit("list", "--all")[2].startswith(f"archived among them: {fast[0][:12]}, ")
    assert runaudit("archive", "--undo", "fast", "flow, staged")[0] == 0
    assert runaudit("list", "--all")[2] == ""


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ("metrics.val/loss < 0.15", [2, 3]),
        ("1 - val/acc < 0.15", [2, 3]),
        ("val/loss/train/loss > 0", [0, 1, 2, 3]),
        ('started >= "2025-11-01" and started < "2025-12" and label == "fast"', [0, 1, 2, 3, 4]),
        ('label < "flow"', [0, 1, 2, 3, 4]),
        ('status == "crashed" or val/loss < 0.15', [2, 3, 4]),
        ('val/loss < 0.15 or status == "crashed"', [2, 3, 4]),
        ("not (val/loss < 0.15)", [0, 1]),
        ('not status != "crashed"', [4]),
        ("0 < seed <= 2 and label == 'fast'", [1, 2]),
        ("-seed > -1 and label = 'fast'", [0]),
        ("config.optimizer.lr == 1e-3", [0, 1, 2, 3, 4]),
        ("config['optimizer'].lr*2 == 2e-3 and max(seed, 6) == 7", [4]),
        ("seed == null", []),
        ("missing(val/loss) and label == 'fast'", [4]),
        ("not missing(val/loss)", [0, 1, 2, 3]),
        ("(missing(val/acc) or val/acc < 0.82) and label == 'fast'", [0, 4]),
        ("missing(seed) or missing(config.optimizer.lr)", []),
        ("finite(val/loss)", [0, 1, 2, 3]),
        ("not finite(val/loss)", []),
    ],
)
def test_a_condition_keeps_the_runs_of_which_it_is_true(fast, runaudit, where, kept):
    code, out, _ = runaudit("list", "--where", where, "--json")

    assert (code, [run["id"] for group in json.loads(out)["cohorts"] for run in group["runs"]]) == (
        0, [fast[at] for at in kept]
    )  # fmt: skip


def test_what_a_record_says_is_none_is_not_missing_from_it(here, runaudit):
    none, lacks = (
        sealed(here, put("label", name), put("seed", 1), *change, metrics={"psnr": 30.0})
        for name, change in (("none", [put("config/warmup", None)]), ("lacks", [put("label", "lacks")]))
    )
    some = sealed(here, put("label", "some"), put("seed", None), put("config/warmup", 3), metrics={"psnr": 30.0})

    def kept(where):
        found = json.loads(runaudit("list", "--where", where, "--json")[1])["cohorts"]
        return {run["id"] for group in found for run in group["runs"]}

    assert (kept("missing(config.warmup)"), kept("config.warmup == null")) == ({lacks}, {none})
    assert (kept("not missing(config.warmup)"), kept("missing(seed)")) == ({none, some}, {some})


def test_runs_whose_metric_is_no_finite_number_can_be_asked_for(here, runaudit):
    ends = [
        sealed(here, put("label", f"ended {at}"), put("seed", at), metrics={"val/loss": value})
        for at, value in enumerate((0.3, math.nan, math.inf))
    ]
    sealed(here, put("label", "none"), put("seed", 9), metrics={"val/acc": 0.5})

    def kept(where):
        found = json.loads(runaudit("list", "--where", where, "--json")[1])["cohorts"]
        return {run["id"] for group in found for run in group["runs"]}

    assert (kept("finite(val/loss)"), kept("not finite(val/loss)")) == ({ends[0]}, {*ends[1:]})
    assert kept("not finite(val/loss) and seed == 1") == {ends[1]}


def test_what_list_prints_of_a_field_names_it_in_a_condition(fast, runaudit):
    run, group = fast[1], first(runaudit)["id"]
    for where in (f'id == "{run[:12]}"', f'id in ("{run[:4]}", "0123")', f'id == "{run}"'):
        assert [one["id"] for one in first(runaudit, "--where", where)["runs"]] == [run]
    assert len(first(runaudit, "--where", f'cohort == "{group[:6]}"')["runs"]) == 5
    assert len(first(runaudit, "started=2025-11-01T00:00:00")["runs"]) == 5


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--where", 'seed < "a"'], "seed is a number and \"a\" is text"),
        (["--where", 'label < 3'], "label is text and 3 is a number"),
        (["--where", 'seed == "1"'], "seed is a number"),
        (["--where", "10**5000 > seed"], "the exponent of 10**5000 is beyond 64"),
        (["--where", "started > 2025-11-28"], 'a text stands in quotes: "2025-11-28"'),
        (["--where", "val/acc / 0 > 1"], "division by zero; change the sum: it has a value for no run"),
        (["--where", 'status == "complete"'], "'complete' is no status (closest: 'completed'"),
        (["--where", 'id == "xyz1"'], "'xyz1' is no beginning of an id"),
        (["--where", "status"], "'status' is a value and no condition"),
        (["--where", "1"], "'1' is a value and no condition"),
        (["--where", 'seed == 1 and "x"'], "is a value and no condition"),
        (["--where", "(seed > 1) + 1 > 0"], "'(seed > 1)' is a condition and no value"),
        (["--where", "f'{seed}' > 1"], "no run has 'f'"),
        (["--where", "status == completed"],
         "no run has 'completed'; a text stands in quotes: --where 'status == \"completed\"'"),
        (["--where", "label == flow staged and seed > 1"], "--where 'label == \"flow staged\" and seed > 1'"),
        (["--where", "status in (crashed, \"lost\")"], "--where 'status in (\"crashed\", \"lost\")'"),
        (["--where", "val/loss == nan"], "what is NaN or infinite is asked for by: not finite(val/loss)"),
        (["--where", "seed == 1 and val/loss < Infinity"], "not finite(val/loss)"),
        (["--where", "seed in (1, none)"], "a setting that is null is None; a run without it: missing(NAME)"),
        (["--where", "missing(seed, label)"], "', label)' stands where a ')' should"),
        (["--where", "(seed == 1"], "it ends where a ')' is missing"),
        (["--where", "seed == 1 AND seed == 2"], "is more than a condition: join conditions by and, or, not"),
        (["--where", "missing(config.nope)"], "no run has 'config.nope'"),
        (["--where", "finite(1)"], "'1)' stands where a name should, as in finite(config.lr)"),
        (["--where", "missing(1)"], "'1)' stands where a name should, as in missing(config.lr)"),
        (["--where", "missing(seed) > 1"], "'missing(seed)' is a condition and no value"),
        (["--where", "seed > 1 ||"], "'||' is not understood"),
        (["--where", "seed in status"], "what holds a text, `runaudit list TEXT` finds"),
        (["--where", "seed.real.is_integer() > 1"], "calls what is no function"),
        (["--where", "len(label) > 1"], "calls what is no function"),
        (["--where", "(" * 60 + "seed"], "is nested too deeply"),
        (["--where", ""], "--where is empty"),
        (["--where", "val < 3"], "no run has 'val' (closest: 'val/acc', 'val/loss'"),
        (["--where", "val/losss < 3"], "no run has 'val/losss' (closest: 'val/loss'"),
        (["--columns", "val"], "closest: 'val/acc', 'val/loss'"),
        (["--columns", ","], "--columns names no column"),
        (["--columns", "loss"], "'loss' could be 'train/loss', 'val/loss'"),
        (["--sort", "-loss"], "'loss' could be 'train/loss', 'val/loss'"),
        (["--sort", "-"], "--sort names nothing to sort by"),
        (["--sort", ""], "--sort names nothing to sort by"),
        (["loss<3"], "'loss' could be 'train/loss', 'val/loss'"),
        (["val/losss<1"], "no run has 'val/losss' (closest: 'val/loss'"),
        (["config.nope=1"], "no run has 'config.nope'"),
        (["lr=1"], "closest: 'config.optimizer.lr'"),
        (["status=nope"], "there are completed, early_stopped, diverged, crashed, killed, running, lost"),
        (["seed>a"], "seed is a number and a is text"),
        (["--csv", "--json"], "--csv and json are two formats"),
        (["--csv", "--format", "md"], "--csv and md are two formats"),
    ],
    ids=lambda value: value[-1][:30] if isinstance(value, list) else "",
)  # fmt: skip
def test_what_could_hold_for_no_run_is_a_usage_error_in_the_words_that_were_typed(fast, runaudit, words, told):
    code, out, err = runaudit("list", *words)

    assert (code, bool(out)) == (2, "--json" in words) and told in err and err.count("\n") == 1


def test_a_message_never_echoes_a_page(fast, runaudit):
    for text in ("seed + " * 5000 + "1", "seed < 'a" + "b" * 1500 + "'", "x" * 1900 + " > 1"):
        code, _, err = runaudit("list", "--where", text)
        assert code == 2 and len(err) < 400


def test_an_empty_answer_that_could_have_been_another_is_no_mistake(fast, runaudit):
    for words in (
        ["--where", 'started > "2026"'],
        ["seed=99"],
        ["val/acc>2"],
        ["--where", "val/loss > 5 and seed > 1"],
    ):
        assert runaudit("list", *words) == (0, "", "no run matches\n")
    assert runaudit("list", "fasst")[2] == "no run matches 'fasst' (closest: 'fast')\n"


def test_a_name_has_the_names_that_the_policy_gives_it(fast, runaudit):
    Path("runaudit.toml").write_text(
        '[factors]\naliases = { "config.rate" = "config.optimizer.lr" }\n[series]\n"score" = "val/acc"\n'
    )
    assert len(first(runaudit, "config.rate=0.001")["runs"]) == 5
    assert len(first(runaudit, "--where", "config.rate == 0.001 and score > 0.85")["runs"]) == 2
    assert first(runaudit, "--columns", "config.rate,score")["runs"][0]["columns"] == {
        "config.rate": 0.001, "score": 0.81
    }  # fmt: skip


def test_the_rows_show_what_they_are_sorted_by(fast, runaudit):
    out = runaudit("list", "--sort", "val/loss")[1].splitlines()
    assert out[1] == "  val/loss no mean; the 4 with a number: 0.150 ± 0.039 (n = 4 of 5)"
    assert [line.split()[-1] for line in out[2:6]] == ["0.1", "0.14", "0.17", "0.19"]
    assert "config.optimizer.lr" in (out := runaudit("list", "--sort", "config.optimizer.lr")[1]) and "0.0005" in out


def test_below_columns_stand_the_figures_of_the_metrics_among_them(fast, runaudit):
    last = runaudit("list", "--columns", "id,val/loss,train/loss", "fast")[1].splitlines()[-1]
    assert last.endswith(
        "val/loss no mean; the 4 with a number: 0.150 ± 0.039 (n = 4 of 5); "
        "train/loss no mean; the 4 with a number: 0.0984 ± 0.0030 (n = 4 of 5)"
    )


def test_more_runs_than_any_number_are_all_runs(fast, runaudit):
    assert runaudit("list", "-n", "9" * 30) == runaudit("list")
    assert runaudit("list", "-n", "9" * 30, "seed>=0") == runaudit("list")


def test_one_answer_has_one_form(fast, runaudit):
    assert runaudit("list", "--json") == runaudit("list", "--json", "seed>=0")


def test_a_cohort_without_a_result_says_so(here, runaudit):
    sealed(here, put("seed", 1), put("label", "dead"), metrics={"val/acc": 0.7}, status="crashed")
    assert "  val/acc: no finished run has one\n" in runaudit("list")[1]


def test_a_cohort_whose_results_are_no_numbers_says_that(here, runaudit):
    sealed(here, put("seed", 1), put("label", "blown"), metrics={"val/acc": float("nan")})
    told = "val/acc: no finite number (1 of 1 finished run not finite)"
    assert f"  {told}\n" in runaudit("list")[1]
    assert f"  {told}\n" in runaudit("list", "--sort", "val/acc")[1]
    assert f"| {told} |" in runaudit("list", "--format", "md")[1]
    assert "no finite number" not in runaudit("list", "--sort", "config.optimizer.lr")[1]


def test_every_status_that_list_shows_can_be_asked_for(here, runaudit):
    """A run that was imported may not say how it ended; one whose record is damaged says nothing."""
    ids = [sealed(here, put("seed", seed), put("label", "some"), metrics={"val/acc": 0.7}) for seed in (1, 2)]
    log = Path("run/events.csv")
    log.parent.mkdir()
    log.write_text("step,loss\n1,0.5\n2,0.4\n")
    runaudit("import", "csv", str(log))
    place = here.object_path(Digest("sha256", ids[0]))
    place.chmod(0o600)
    place.write_bytes(place.read_bytes().replace(b"some", b"none"))

    shown = {run["status"] for group in json.loads(runaudit("list", "--json")[1])["cohorts"] for run in group["runs"]}
    assert shown == {"completed", "unknown", "damaged"}
    for status in shown:
        for words in ([f"status={status}"], ["--where", f'status == "{status}"']):
            found = json.loads(runaudit("list", "--json", *words)[1])["cohorts"]
            assert [run["status"] for group in found for run in group["runs"]] == [status]


def test_a_name_in_a_message_is_quoted_and_obeys_nobody():
    assert closest("line1", ["line1\nline2"]) == r" (closest: 'line1\nline2')"
    assert closest("flow", ["flow, staged"]) == " (closest: 'flow, staged')"
    assert closest("red", ["\x1b[31mred"]) == r" (closest: '\x1b[31mred')"


def test_an_id_that_no_cohort_has_any_more_is_told_to_be_one_that_may_have_been(fast, runaudit):
    for word in ("deadbeefdead", "cohort:deadbeef"):
        code, _, err = runaudit("show", word)
        assert code == 2 and "a cohort has another id once its first run has ended" in err
    assert "another id" not in runaudit("show", "nosuchlabel")[2]
