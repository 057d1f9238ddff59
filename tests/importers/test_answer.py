"""What an import ends in: a grade for what keeps the runs from a better one, and for nothing else."""

import pytest

from runaudit.importers.answer import ImportAnswer, grade_of


def told(*missing):
    row = {"id": "1" * 64, "label": "a", "kind": "csv", "missing": list(missing), "grade": grade_of(missing)}
    return "\n".join(ImportAnswer(rows=(row,), skipped=()).text_lines())


@pytest.mark.parametrize(
    ("missing", "grade", "why"),
    [
        (("metrics.loss", "seed"), "C", "(no seed): replicates"),
        (("metrics.loss", "data"), "B", "(no data): a verdict"),
        (("config.lr", "code.patch"), "D", "(no config.lr): settings"),
        (("env.cudnn", "init"), "B", "(no env.cudnn, init): a verdict"),
        (("metrics.loss",), "A", "unknown: metrics.loss"),
        ((), "A", "nothing missing"),
    ],
)
def test_a_grade_is_given_for_what_is_lacking_and_a_metric_that_is_no_number_is_no_such_thing(missing, grade, why):
    assert grade_of(missing) == grade
    assert why in told(*missing)


def test_what_was_wrong_with_a_record_is_said_of_its_run_and_counted():
    odd = {"id": "1" * 64, "label": "a", "kind": "csv", "missing": [], "grade": "A", "note": "2 lines are torn"}
    answer = ImportAnswer(rows=(odd, {**odd, "note": ""}), skipped=())

    lines = list(answer.text_lines())

    assert lines[1] == "  2 lines are torn" and lines.count("  2 lines are torn") == 1
    assert any(line.startswith("note: of 1 run something in the record is not as it should be") for line in lines)
    assert ImportAnswer(rows=({**odd, "note": ""},), skipped=()).notes == ()
