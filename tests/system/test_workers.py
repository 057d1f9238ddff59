"""Laws of shared work: the answers are those of one process, whatever becomes of the others, and none stays behind."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import runaudit
from runaudit.system.workers import cpus, shared_out

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
TASKS = range(20)


def squared(number):
    return number * number


def killed_where_it_is_a_worker(number):
    if number == 3 and multiprocessing.parent_process() is not None:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def not_to_be_sent(number):
    return threading.Lock() if number == 3 else number


def refused(number):
    if number == 3:
        raise ValueError(f"no {number}")
    return number


def endless(number):
    os.write(1, b"at work\n")  # in one piece: `print` writes its newline apart, and two workers share the pipe
    threading.Event().wait()


@pytest.mark.parametrize("jobs", [1, 2, 3, 50])
def test_the_answers_come_in_the_order_of_the_tasks(jobs):
    assert [*shared_out(squared, TASKS, jobs)] == [number * number for number in TASKS]


def test_what_a_killed_worker_had_to_do_is_done_here():
    assert [*shared_out(killed_where_it_is_a_worker, TASKS, 2)] == [*TASKS]


def test_an_answer_that_cannot_be_sent_is_made_here():
    answers = [*shared_out(not_to_be_sent, TASKS, 2)]

    assert [*TASKS[:3], *TASKS[4:]] == answers[:3] + answers[4:]
    assert answers[3].acquire()


def test_what_a_task_raises_is_raised_after_the_answers_before_it():
    answers = shared_out(refused, TASKS, 2)

    assert [next(answers) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="no 3"):
        next(answers)


def test_nobody_is_left_at_work_where_the_rest_is_not_wanted():
    before = {*multiprocessing.active_children()}
    answers = shared_out(squared, TASKS, 2)
    next(answers)
    answers.close()

    assert {*multiprocessing.active_children()} == before


def test_nobody_is_left_at_work_where_this_process_is_killed():
    """The pipe to the workers' output ends when the last of them does."""
    code = f"from runaudit.system.workers import shared_out; from {__name__} import endless\n"
    code += "list(shared_out(endless, range(4), 2))"
    root = Path(runaudit.__file__).parents[1]
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=root) as program:
        begun = [program.stdout.readline() for _ in range(min(2, cpus()))]
        program.kill()
        assert (begun, program.stdout.read()) == (["at work\n"] * min(2, cpus()), "")


def test_only_the_processors_that_may_be_used_are_counted():
    allowed = getattr(os, "sched_getaffinity", None)
    if allowed is None:
        pytest.skip("this system does not say which processors a process may use")
    before = allowed(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        assert cpus() == 1
    finally:
        os.sched_setaffinity(0, before)
