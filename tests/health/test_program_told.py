"""What a program tells of its own steps and stages is found again, with the file to look at."""

from runaudit.health.answer import RULES
from runaudit.health.facts import trajectory_facts
from runaudit.records.trajectory import Event
from runaudit.rules import check_all
from tests.health.test_hand import noisy, over, steps

LOSS = {"train/loss": over(noisy(0.2 + 2 * 0.98 ** steps(400), 0.01))}


def skipped(step, reason, tiles=(), what=()):
    bursts = list(dict.fromkeys(tile.rsplit("/", 2)[0] for tile in tiles))
    detail = {"reason": reason, "tiles": list(tiles), "what": list(what), "bursts": bursts}
    return Event(step=step, kind="skipped", detail=detail)


def found(*events, name):
    return [one for one in check_all(RULES, trajectory_facts(LOSS, events=events)).findings if one.name == name]


def test_a_bad_input_is_a_warning_that_names_its_burst():
    (one,) = found(
        skipped(12, "input", ["coins/0/3"], ["frames"]), skipped(40, "input", ["coins/0/3"], ["frames"]),
        name="steps_not_taken",
    )  # fmt: skip

    assert (
        one.message
        == "2 steps were not taken since the input was not finite (frames), the first at step 12: burst coins"
    )
    assert (str(one.severity), one.step, one.evidence["steps"]) == ("warning", 12, [12, 40])


def test_of_gradients_the_tiles_that_came_up_each_time_are_named():
    (one,) = found(
        skipped(9, "gradient", ["a/0/0", "b/0/0"], ["net.head.up.weight"]), skipped(30, "gradient", ["b/0/0", "c/0/0"]),
        name="steps_not_taken",
    )  # fmt: skip

    assert one.message == (
        "2 steps were not taken since gradients were non-finite (overflow or NaN) (net.head.up.weight), the first at "
        "step 9; in each of their batches: b/0/0"
    )
    assert str(one.severity) == "info"


def test_every_reason_is_a_finding_of_its_own_and_an_unknown_one_is_told_as_it_stands():
    told = found(skipped(3, "loss_spike"), skipped(4, "spike"), skipped(5, "cosmic rays"), name="steps_not_taken")

    assert [one.evidence["reason"] for one in told] == ["loss_spike", "spike", "cosmic rays"]
    assert "cosmic rays" in told[2].message


def test_a_detail_of_another_shape_breaks_nothing():
    odd = Event(step=7, kind="skipped", detail={"reason": ["x"], "tiles": 5, "what": None})

    assert len(found(odd, name="steps_not_taken")) == 1


def test_no_event_is_a_rule_that_was_not_asked():
    judged = check_all(RULES, trajectory_facts(LOSS))

    reasons = {skip.name: skip.reason for skip in judged.skipped}
    assert reasons["steps_not_taken"] == "no step was told as not taken"
    assert reasons["stage_no_better"] == reasons["stage_not_converged"] == "no stage told how it ended"


def test_a_stage_says_how_it_ended_and_only_what_is_wrong_is_found():
    ends = [
        Event(step=step, kind="stage_end", detail={"stage": name, "verdict": verdict, "reason": f"{verdict}!"})
        for step, name, verdict in [
            (100, "alignment", "no_better"), (200, "sr", "still_falling"), (300, "finetune", "converged"),
            (400, "end_to_end", "unknown"),
        ]
    ]  # fmt: skip

    (poor,) = found(*ends, name="stage_no_better")
    (early,) = found(*ends, name="stage_not_converged")

    assert (poor.subject, poor.step, poor.message) == ("alignment", 100, "stage alignment: no_better!")
    assert (early.subject, early.step, str(early.severity)) == ("sr", 200, "info")
