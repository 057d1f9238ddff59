"""Whatever takes longer than a second says how far it is: every command that goes through many runs, or many bytes.

The clock of these tests runs ahead by itself, so that the smallest piece of work is a long one. Each command is called
where it is quick, and must have told of the loop that takes the time where it is not.
"""

import io
from itertools import count

import pytest

from runaudit.system import progress
from runaudit.system.progress import shown_on

METRIC = ("--metric", "full_frame/psnr_bicubic")


@pytest.fixture
def far(here, seal_run, make_run, make_trajectory, runaudit, monkeypatch):
    """Call a command; returns its exit code and what stood at the foot of its terminal."""
    monkeypatch.setattr(progress, "LARGE", 1)
    short = make_trajectory(steps=60)
    for lr in range(17):  # More designs than a study lists pair by pair.
        seal_run(here, make_run(config={"lr": lr + 1.0}, label=f"lr {lr}", trajectory=short))
    for seed in (1, 2):
        seal_run(here, make_run(config={"lr": 1.0}, seed=seed, label="lr 0", trajectory=short))
    seconds = count(0.0, 2.0)

    def call(*words):
        stream = io.StringIO()
        with shown_on(stream, clock=lambda: next(seconds)):
            code, _, _ = runaudit(*words)
        return code, stream.getvalue()

    return call


PAGE = ("hashing again", "comparing", "summing up", "reading", "looking at the curves", "setting out the records",
        "setting the page")  # fmt: skip
JUDGED = (
    (("stats", "lr 1", "--vs", "lr 0", *METRIC), ("reading", "describing")),
    (("study",), ("reading", "laying out", "comparing")),
    (("study", "lr 0", "lr 1"), ("comparing",)),
    (("list", "--csv"), ("reading", "grouping")),
    (("health", "lr 0"), ("looking at the curves",)),
    (("report", "--format", "md", "lr 1", "lr 0"), PAGE),
    (("verify",), ("hashing again", "hashing")),
)  # fmt: skip


def test_a_judgement_on_many_runs_says_how_far_it_is(far):
    for words, told in JUDGED:
        code, shown = far(*words)

        assert code in (0, 1, 3), words
        assert [work for work in told if f"\r{work}  " not in shown] == [], words
        assert shown.endswith("\r\x1b[K")


def test_a_question_to_be_untangled_says_how_far_it_is_before_it_is_refused(far):
    code, shown = far("untangle", "--dry-run", "lr 0", "lr 1", *METRIC)

    assert code == 5 and "\rreading  " in shown


def test_runs_that_leave_and_come_in_say_how_far_they_are(far):
    for words, told in (
        (("export", "lr 0", "-o", "lr.run"), ("hashing again", "gathering", "writing")),
        (("import", "lr.run", "--store", "other"), ("checking", "taking in", "reading")),
        (("push", "./remote"), ("reading", "hashing", "sending")),
        (("push", "./remote"), ("looking again",)),
        (("pull", "./remote", "--store", "third"), ("fetching", "hashing", "writing")),
    ):
        code, shown = far(*words)

        assert code == 0
        assert [work for work in told if f"\r{work}  " not in shown] == [], words
