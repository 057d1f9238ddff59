"""A policy that was written after the runs it judges is said beside what it excused, with its date."""

import os
import subprocess

import pytest

from runaudit.diff.comparison import compare
from runaudit.diff.text import DiffAnswer
from runaudit.settings import read_settings
from tests.diff.samples import both, put, run

EXCUSES = '[factors]\nnuisance = ["config.model.width", "config.epochs"]\n'
BEFORE, AFTER = "2025-01-01T00:00:00Z", "2025-12-01T00:00:00Z"  # the sample's launch is of 2025-11-01


@pytest.fixture
def policy(tmp_path):
    path = tmp_path / "runaudit.toml"
    path.write_text(EXCUSES)
    return path


def judged(path, *changes):
    return compare(run(), run(both(put("config/model/width", 64), put("config/epochs", 31), *changes)),
                   settings=read_settings(path))  # fmt: skip


def changed_on(path, moment):
    seconds = {BEFORE: 1735689600, AFTER: 1764547200}[moment]
    os.utime(path, (seconds, seconds))


def committed(path, moment):
    words = ["git", "-C", str(path.parent), "-c", "user.name=x", "-c", "user.email=x@y"]
    dates = {**os.environ, "GIT_COMMITTER_DATE": moment, "GIT_AUTHOR_DATE": moment}
    if not (path.parent / ".git").exists():
        subprocess.run([*words, "init", "-q"], check=True)
    subprocess.run([*words, "add", path.name], check=True)
    subprocess.run([*words, "commit", "-qm", "policy"], check=True, env=dates)


def test_what_a_later_policy_excused_is_said_with_its_date_and_the_verdict_without_it(policy):
    changed_on(policy, AFTER)

    found = judged(policy)

    assert (found.verdict, found.policy.without) == ("identical", "confounded")
    assert set(found.policy.excused) == {"config.model.width", "config.epochs"}
    told = found.to_json()["policy"]
    assert (told["written"][:10], told["by"], told["verdict_without"]) == (
        "2025-12-01", "modification time of the file", "confounded"
    )  # fmt: skip
    answer = DiffAnswer(comparison=found, pair=(run(), run()))
    for lines in (answer.text_lines(), answer.markdown_lines()):
        text = "\n".join(lines)
        assert "2025-12-01" in text and "without it the verdict is confounded" in text


def test_a_policy_from_before_the_runs_is_a_plan(policy):
    changed_on(policy, BEFORE)
    assert judged(policy).policy is None
    assert judged(policy).to_json()["policy"] is None


def test_a_later_policy_that_excuses_nothing_is_not_worth_a_word(policy):
    policy.write_text('[factors]\nnuisance = ["config.elsewhere"]\n')
    changed_on(policy, AFTER)
    assert judged(policy).policy is None


def test_the_date_is_that_of_the_commit_from_which_on_the_rules_read_so(policy):
    committed(policy, BEFORE)
    assert judged(policy).policy is None  # although the file itself is newer than the runs
    policy.write_text(EXCUSES + '[guard]\nrequire = ["label"]\n')
    committed(policy, AFTER)
    assert judged(policy).policy is None  # another section was edited

    policy.write_text(EXCUSES.replace('"config.epochs"', '"config.epochs", "config.batch_size"'))
    committed(policy, AFTER)
    late = judged(policy).policy
    assert (late.written[:10], late.by) == ("2025-12-01", "git commit date")


def test_an_edit_that_is_not_committed_has_the_time_of_the_file(policy):
    policy.write_text("[factors]\n")
    committed(policy, BEFORE)
    policy.write_text(EXCUSES)
    assert judged(policy).policy.by == "modification time of the file"
