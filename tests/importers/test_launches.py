"""Several programs that wrote into one folder: what goes on is one run, what began anew another, and what nobody can
tell is no splice; and settings that lie in a folder of their own are the run's whose process wrote them."""

import pytest

from runaudit.importers.curves import Link, link
from runaudit.importers.draft import Draft
from runaudit.importers.resuming import resumed
from tests.importers.test_tensorboard import (
    START,
    VERSION,
    double,
    event,
    hparams,
    part,
    read_runs,
    scalar,
    series,
    setting,
)


@pytest.fixture
def events(tmp_path):
    def write(place, *frames, name=None):
        path = tmp_path / "runs" / place / (name or file_of(0))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(frames))
        return path

    return write


def curve(steps, *, time, tag="a", value=0.0):
    return [event(step, scalar(tag, value + step), time=time + number) for number, step in enumerate(steps)]


def file_of(number, *, process=True):
    """The name of the event file of a process by its number, as torch or as tensorboardX writes it."""
    return f"events.out.tfevents.17000{number:05}.ada" + (f".{number}.0" if process else "")


def notes(found):
    return [one.run.manifest.section("origin").get("note", "") for one in found]


def points(steps):
    return [(step, 0.0) for step in steps]


@pytest.mark.parametrize(
    ("known", "later", "said"),
    [
        (range(10, 501, 10), range(510, 1001, 10), Link.ON),
        (range(10, 501, 10), range(410, 1001, 10), Link.ON),  # from a checkpoint before its end
        (range(10, 501, 10), range(550, 1001, 50), Link.ON),  # logged more rarely from there on
        (range(10, 501, 10), (510,), Link.ON),
        (range(10, 501, 10), range(560, 1001, 10), Link.ON),  # the last lines of a killed writer are lost
        ((5,), (9,), Link.ON),  # an evaluation a process
        (range(13, 994, 10), range(14, 995, 10), Link.ANEW),
        (range(10, 1001, 10), range(50, 1001, 50), Link.ANEW),
        ((13273, 26705, 40100), (13395, 26752, 841811), Link.ANEW),
        ((13273, 26705), (20000, 33400, 47000), Link.ANEW),
        ((10, 20, 30, 40), (50, 100, 150), Link.ANEW),
        (range(10, 501, 10), range(110, 1001, 10), Link.DOUBT),
        (range(10, 501, 10), range(5010, 6001, 10), Link.DOUBT),
        ((0, 10), range(10, 101, 10), Link.DOUBT),
        (range(1_700_000_000, 1_700_001_000, 100), range(1_700_001_100, 1_700_002_000, 100), Link.DOUBT),  # a clock
    ],
)
def test_a_curve_goes_on_where_it_begins_about_the_end_and_not_merely_later(known, later, said):
    assert link(points(known), points(later)) is said


@pytest.mark.parametrize("process", [True, False], ids=["a process in the name", "none"])
def test_a_training_that_begins_a_little_later_than_the_one_before_is_a_run_of_its_own(events, process):
    for number, first in ((1, 13), (2, 14), (3, 12)):
        path = events("x", *curve(range(first, first + 100, 10), time=number * 1e9, value=1000.0 * number),
                      name=file_of(number, process=process))  # fmt: skip

    found, _ = read_runs(path.parent)

    assert [series(one.run)["a"][0] for one in found] == [(13, 1013.0), (14, 2014.0), (12, 3012.0)]
    assert [len(series(one.run)["a"]) for one in found] == [10, 10, 10]
    assert all("the folder holds 3 runs" in note for note in notes(found))
    assert [one.run.manifest.label for one in found] == ["runs/x", "runs/x#2", "runs/x#3"]


def test_of_a_run_that_may_or_may_not_go_on_nothing_is_put_together_and_it_is_said(events):
    events("x", *curve(range(10, 501, 10), time=1e9), name=file_of(1))
    path = events("x", *curve(range(5010, 6001, 10), time=2e9), name=file_of(2))

    found, _ = read_runs(path.parent)

    assert [series(one.run)["a"][-1][0] for one in found] == [500, 6000]
    assert "whether it goes on with number 1 is not in the record" in notes(found)[1]


def test_of_a_run_of_which_one_curve_goes_on_and_another_begins_anew_nothing_is_put_together(events):
    events("x", *curve(range(10, 501, 10), time=1e9), *curve(range(9), time=1e9, tag="b"), name=file_of(1))
    path = events("x", *curve(range(510, 901, 10), time=2e9), *curve(range(9), time=2e9, tag="b"), name=file_of(2))

    found, _ = read_runs(path.parent)

    assert [series(one.run)["a"][-1][0] for one in found] == [500, 900]
    assert "begins at step 510: whether it goes on with number 1 is not in the record" in notes(found)[1]


def test_what_goes_on_with_either_of_two_runs_is_put_to_neither(events):
    events("x", *curve(range(10, 501, 10), time=1e9), name=file_of(1))
    events("x", *curve(range(10, 491, 10), time=2e9), name=file_of(2))
    path = events("x", *curve(range(510, 701, 10), time=3e9), name=file_of(3))

    found, _ = read_runs(path.parent)

    assert [series(one.run)["a"][-1][0] for one in found] == [500, 490, 700]
    assert "goes on with number 1 and 2 is not" in notes(found)[2]


def test_a_run_that_was_resumed_twice_is_one(events):
    for number, steps in ((1, range(10, 501, 10)), (2, range(410, 701, 10)), (3, range(710, 1001, 10))):
        path = events("x", *curve(steps, time=number * 1e9), name=file_of(number))

    (found,), _ = read_runs(path.parent)
    assert (series(found.run)["a"][-1], [one.step for one in found.run.trajectory.events]) == (
        (1000, 1000.0),
        [410, 710],
    )


def test_an_evaluation_by_a_later_process_is_of_the_run_and_other_curves_are_so_with_a_word(events):
    events("x", *curve(range(10, 501, 10), time=1e9), name=file_of(1))
    path = events("x", *curve([500], time=2e9, tag="test"), name=file_of(2))
    (found,), _ = read_runs(path.parent)
    assert (found.run.metrics, notes([found])) == ({"a": 500.0, "test": 500.0}, [""])

    events("x", *curve(range(10, 501, 10), time=3e9, tag="second/a"), name=file_of(3))
    (found,), _ = read_runs(path.parent)
    assert "second/a was drawn by a later process" in notes([found])[0]


def test_a_process_that_wrote_nothing_does_not_make_the_run_before_it_longer(events):
    events("x", event(0, hparams(part(4, part(1, 2))), time=1e9), *curve(range(10, 51, 10), time=1e9))
    path = events("x", event(0, time=2e9), name=file_of(2))

    (found,), _ = read_runs(path.parent)
    assert found.run.outcome.to_json()["duration_s"] == 4.0


@pytest.mark.parametrize(
    ("later", "count"),
    [(range(410, 1001, 10), 1), (range(110, 1001, 10), 1), (range(50, 1001, 50), 2), (range(15, 1001, 10), 2)],
)
def test_what_a_tracker_calls_one_run_is_one_unless_it_begins_anew(later, count):
    starts = [
        Draft(kind="wandb", source="a", run="r", identity="r", launch={"started": day}, series={"a": points(steps)})
        for day, steps in (("2024-01-01", range(10, 501, 10)), ("2024-01-02", later))
    ]

    assert len(resumed(starts)) == count


# ── settings and lines in folders of their own ───────────────────────────────────────────────────────────────────


def given(lr, *, time, accuracy=0.5):
    """What `add_hparams` writes."""
    return (VERSION, event(0, hparams(part(3, setting("lr", double(2, lr)))), time=time),
            event(0, scalar("hp/acc", accuracy), time=time + 1))  # fmt: skip


def config(one):
    return dict(one.run.manifest.section("config"))


@pytest.mark.parametrize("process", [True, False], ids=["torch", "tensorboardX"])
@pytest.mark.parametrize("name", ["1700000000.25", "x"], ids=["called after the moment", "called by the user"])
def test_the_settings_that_a_program_hands_in_at_its_end_are_its_runs(events, process, name):
    for number in (1, 2):
        time = number * 1e9
        events(f"r{number}", *curve(range(5), time=time), name=file_of(number, process=process))
        path = events(f"r{number}/{name}", *given(0.1 * number, time=time + 9), name=file_of(number, process=process))

    found, skipped = read_runs(path.parents[2])

    assert [(config(one), one.run.metrics) for one in found] == [
        ({"lr": 0.1}, {"a": 4.0, "hp/acc": 0.5}),
        ({"lr": 0.2}, {"a": 4.0, "hp/acc": 0.5}),
    ]
    assert skipped == ()


@pytest.mark.parametrize("processes", [(1, 2), (1, 1), None], ids=["two processes", "one", "none in the name"])
def test_of_trainings_that_share_a_folder_each_has_the_settings_that_were_handed_in_after_it(events, processes):
    for number, process in ((1, (processes or (1, 2))[0]), (2, (processes or (1, 2))[1])):
        time = number * 1e9
        host = f"ada.{process}.{number}" if processes else "ada"
        events("x", *curve(range(5), time=time), name=f"events.out.tfevents.17000000{number}0.{host}")
        path = events(f"x/17000000{number}0.5", *given(0.1 * number, time=time + 9),
                      name=f"events.out.tfevents.17000000{number}1.{host}{number if processes else ''}")  # fmt: skip

    found, _ = read_runs(path.parents[1])

    assert [(config(one), one.run.metrics) for one in found] == [
        ({"lr": 0.1}, {"a": 4.0, "hp/acc": 0.5}),
        ({"lr": 0.2}, {"a": 4.0, "hp/acc": 0.5}),
    ]


def test_of_programs_that_ran_at_one_time_each_has_what_its_process_handed_in(events):
    for number in (1, 2):
        events("x", *curve(range(5), time=1e9 + number, value=100.0 * number), name=file_of(number))
        path = events(f"x/170000000{number}.5", *given(0.1 * number, time=1e9 + 3 + number), name=file_of(number))

    found, _ = read_runs(path.parents[1])

    assert [(config(one)["lr"], series(one.run)["a"][0]) for one in found] == [(0.1, (0, 100.0)), (0.2, (0, 200.0))]


def test_trials_in_folders_of_their_own_are_runs_and_what_they_have_in_common_is_none(events):
    """Keras' own guide: `hparams_config` above, `hparams` and the accuracy of each trial below, all by one process."""
    events("tuning", VERSION, name=file_of(7))
    for number in (1, 2):
        path = events(f"tuning/run-{number}", *given(0.1 * number, time=number * 1e9), name=file_of(7))

    found, skipped = read_runs(path.parents[1])

    assert [(one.run.manifest.label, config(one)["lr"], one.run.metrics) for one in found] == [
        ("tuning/run-1", 0.1, {"hp/acc": 0.5}),
        ("tuning/run-2", 0.2, {"hp/acc": 0.5}),
    ]
    assert [one.reason for one in skipped] == ["its event files hold no number: the trials lie in the folders below"]


def test_a_run_that_handed_in_its_settings_and_died_before_its_first_number_is_one(events):
    events("x", VERSION, name=file_of(7))
    path = events("x/1700000000.25", VERSION, event(0, hparams(START)), name=file_of(7))

    found, skipped = read_runs(path.parents[1])

    assert [(one.run.manifest.label, config(one)["lr"], one.run.metrics) for one in found] == [("runs/x", 0.1, {})]
    assert skipped == ()


@pytest.mark.parametrize("tag", ["loss", "loss/of/all"])
def test_the_lines_that_tensorboardx_draws_into_one_picture_are_parts_of_the_run(events, tag):
    events("x", VERSION, name=file_of(1, process=False))
    for line in ("train", "b"):
        path = events(f"x/{tag}/{line}", *curve(range(3), time=1e9, tag=tag), name=file_of(1, process=False))

    found, skipped = read_runs(path.parents[tag.count("/") + 3])

    assert [(one.run.manifest.label, one.run.metrics) for one in found] == [
        ("runs/x", {f"{tag}/train/{tag}": 2.0, f"{tag}/b/{tag}": 2.0})
    ]
    assert skipped == ()


def test_a_run_below_another_that_names_no_process_stays_a_run(events):
    events("x", *curve(range(5), time=1e9), name=file_of(1, process=False))
    path = events("x/y", VERSION, event(0, hparams(START), time=2e9), *curve(range(5), time=2e9),
                  name=file_of(2, process=False))  # fmt: skip

    found, _ = read_runs(path.parents[1])
    assert [(one.run.manifest.label, config(one).get("lr")) for one in found] == [("runs/x", None), ("x/y", 0.1)]
