"""A policy that did not hold when the runs were launched is said beside what it excused, in every answer it changed.

The sealed records are the evidence; the date of a file, which anybody can set, is none."""

import json
import os
import subprocess

import pytest

from runaudit.cli.app import main
from runaudit.diff.comparison import compare
from runaudit.diff.text import DiffAnswer
from runaudit.factors.inforce import sealed_rules
from runaudit.settings import Settings, read_settings
from runaudit.store.store import Store
from tests.cli.recorded import METRIC, cohort
from tests.diff.samples import both, put, run

EXCUSES = '[factors]\nnuisance = ["config.model.width", "config.epochs"]\n'
LONG_AGO = (1577836800, 1577836800)
WIDER = both(put("config/model/width", 64), put("config/epochs", 31))


@pytest.fixture
def policy(tmp_path):
    path = tmp_path / "runaudit.toml"
    path.write_text(EXCUSES)
    return path


def rules(text, tmp_path):
    """What a launch under this policy seals."""
    file = tmp_path / "then.toml"
    file.write_text(text)
    return put("runtime/policy", sealed_rules(read_settings(file)))


NONE = put("runtime/policy", sealed_rules(Settings()))


def judged(path, *changes):
    return compare(run(both(*changes)), run(both(WIDER, *changes)), settings=read_settings(path))


def test_what_a_later_policy_excused_is_said_with_the_verdict_without_it_whatever_the_file_s_date(policy):
    os.utime(policy, LONG_AGO)

    found = judged(policy, NONE)

    assert (found.verdict, found.policy.without, found.policy.others) == ("identical", "confounded", 2)
    assert set(found.policy.excused) == {"config.model.width", "config.epochs"}
    told = found.to_json()["policy"]
    assert (told["written"][:10], told["by"], told["verdict_without"]) == (
        "2020-01-01", "modification time of the file", "confounded"
    )  # fmt: skip
    answer = DiffAnswer(comparison=found, pair=(run(), run()))
    for lines in (answer.text_lines(), answer.markdown_lines()):
        text = "\n".join(lines)
        assert "was not in force when 2 runs" in text and "without it the verdict is confounded" in text


def test_a_policy_that_the_runs_were_launched_with_is_a_plan_however_new_its_file_is(policy, tmp_path):
    found = judged(policy, rules(EXCUSES, tmp_path))
    assert (found.verdict, found.policy) == ("identical", None)
    assert found.to_json()["policy"] is None


def test_of_a_policy_that_was_widened_only_what_is_new_is_held_against_it(policy, tmp_path):
    found = judged(policy, rules('[factors]\nnuisance = ["config.epochs"]\n', tmp_path))
    assert (found.policy.without, found.policy.excused) == ("single_factor", ("config.model.width",))


def test_an_excuse_that_one_of_the_runs_was_launched_without_is_late(policy, tmp_path):
    first, second = run(rules(EXCUSES, tmp_path)), run(both(WIDER, NONE))
    found = compare(first, second, settings=read_settings(policy))
    assert (found.policy.others, found.policy.without) == (1, "confounded")


def test_a_record_that_cannot_tell_is_said_to_tell_nothing(policy):
    os.utime(policy, LONG_AGO)
    found = judged(policy)
    assert (found.policy.others, found.policy.silent) == (0, 2)
    assert "the records of 2 runs do not say whether it was in force" in found.policy.note


def test_a_policy_among_the_sources_of_an_older_record_tells_as_well(policy):
    there = put("code/files/runaudit.toml", EXCUSES)
    assert judged(policy, there).policy is None
    assert judged(policy, put("code/files/runaudit.toml", "[factors]\n")).policy.others == 2


def test_a_policy_that_excuses_nothing_here_is_not_worth_a_word(policy):
    policy.write_text('[factors]\nnuisance = ["config.elsewhere"]\n')
    assert judged(policy, NONE).policy is None
    assert judged(policy).policy is None


def test_the_date_that_is_told_is_that_of_the_commit_from_which_on_the_rules_read_so(policy):
    committed(policy, "2025-01-01T00:00:00Z")
    policy.write_text(EXCUSES + '[guard]\nrequire = ["label"]\n')
    committed(policy, "2025-12-01T00:00:00Z")  # another section was edited
    found = judged(policy, NONE).policy
    assert (found.written[:10], found.by) == ("2025-01-01", "git commit date")

    policy.write_text(EXCUSES.replace('"config.epochs"', '"config.epochs", "config.batch_size"'))
    assert judged(policy, NONE).policy.by == "modification time of the file"


def committed(path, moment):
    words = ["git", "-C", str(path.parent), "-c", "user.name=x", "-c", "user.email=x@y"]
    dates = {**os.environ, "GIT_COMMITTER_DATE": moment, "GIT_AUTHOR_DATE": moment}
    if not (path.parent / ".git").exists():
        subprocess.run([*words, "init", "-q"], check=True)
    subprocess.run([*words, "add", path.name], check=True)
    subprocess.run([*words, "commit", "-qm", "policy"], check=True, env=dates)


@pytest.mark.parametrize("sealed", [NONE, both()], ids=["other rules", "no rules"])
def test_every_answer_that_it_changed_says_so(here, runaudit, tmp_path, sealed):
    cohort(here, "flow staged", (30.95, 31.05, 31.10), put("config/model/alignment", "flow"), WIDER, sealed)
    cohort(here, "TERN staged", (30.05, 30.15, 30.13), sealed)
    text = tmp_path / "draft.md"
    text.write_text("Flow staged improves full_frame/psnr by 0.9 dB over TERN staged.\n")
    asked = [("diff", "flow staged", "TERN staged"), ("study", "flow staged", "TERN staged"), ("claims", text),
             ("stats", "--metric", METRIC, "flow staged", "--vs", "TERN staged")]  # fmt: skip

    without = [runaudit(*words)[1] for words in asked]
    (here.root.parent / "runaudit.toml").write_text(EXCUSES)
    os.utime(here.root.parent / "runaudit.toml", LONG_AGO)

    for words, before in zip(asked, without, strict=True):
        assert "policy" not in before
        code, out, _ = runaudit(*words)
        assert code == 0 and "without it the verdict is confounded" in out, words
        _, out, _ = runaudit(*words, "--json")
        assert any("the policy runaudit.toml" in note for note in json.loads(out)["notes"]), words


@pytest.mark.parametrize("then", ["", EXCUSES])
@pytest.mark.parametrize("form", ["text", "md"])
def test_list_and_show_say_of_a_cohort_that_a_later_policy_alone_makes_it_one(tmp_path, policy, capsys, then, form):
    store = Store.create(tmp_path / ".runaudit")
    launched_with = rules(then, tmp_path)
    cohort(store, "narrow", (30.0, 31.0), launched_with)
    (last, _) = cohort(store, "wide", (32.0, 33.0), WIDER, launched_with)

    def said(*words):
        with pytest.raises(SystemExit):
            main([*words, "--store", str(store.root), "--policy", str(policy)])
        return capsys.readouterr().out

    listed, again, shown = (said(*words, "--format", form) for words in (["list"], ["list"], ["show", last]))
    rows = json.loads(said("list", "--json"))["cohorts"]
    assert listed == again and len(rows) == 1
    late = not then
    assert ("a policy that came after the runs: without it 2 cohorts" in listed) == late
    assert ("was not in force when 4 runs" in shown and "without it these runs are 2 cohorts" in shown) == late
    assert [row.get("policy", {}).get("verdict_without") for row in rows] == (["2 cohorts"] if late else [None])
