"""Plain numbers from a file."""

import pytest

from runaudit.errors import NothingToJudgeError, UsageError
from runaudit.stats.cohort import collapse
from runaudit.stats.table import parse_values, read_values

GOOD = "arm,seed,value\nnew,1,31.2\nnew,2,31.3\nold,1,30.1\n"


def test_rows_become_arms_in_the_order_they_appear():
    new, old = parse_values(GOOD, name="t.csv")

    assert (new.label, new.seeds, new.values) == ("new", ("1", "2"), (31.2, 31.3))
    assert old.values == (30.1,)


def test_header_case_blank_lines_and_other_columns_do_not_matter():
    text = " Value , ARM,seed,comment\n\n31.2,new,1,fine\n"

    assert parse_values(text, name="t.csv")[0].values == (31.2,)


def test_json_rows_say_the_same():
    text = '[{"arm": "new", "seed": 1, "value": 31.2}, {"arm": "new", "seed": 2, "value": null}]'

    (new,) = parse_values(text, name="t.json", is_json=True)

    assert (new.seeds, new.values) == (("1", "2"), (31.2, None))


def test_an_empty_or_nan_value_is_a_run_without_a_number():
    (new,) = parse_values("arm,seed,value\nnew,1,\nnew,2,nan\nnew,3,31.2\n", name="t.csv")

    sample = collapse(new)
    assert (len(sample.missing), len(sample.failed), sample.values) == (1, 1, (31.2,))


def test_sequences_are_averaged_inside_the_run():
    rows = "new,1,camera,30\nnew,1,ihc,32\nnew,2,camera,31\nnew,2,ihc,34\n"

    (new,) = parse_values("arm,seed,sequence,value\n" + rows, name="t.csv")

    assert (new.seeds, new.values) == (("1", "2"), (31.0, 32.5))
    assert new.by_sequence == (("camera", (30.0, 31.0)), ("ihc", (32.0, 34.0)))


def test_a_run_that_failed_on_one_sequence_has_no_mean():
    rows = "new,1,camera,30,completed\nnew,1,ihc,,crashed\n"

    (new,) = parse_values("arm,seed,sequence,value,status\n" + rows, name="t.csv")

    assert (new.values, new.statuses) == ((None,), ("crashed",))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("arm,seed\nnew,1\n", "no column 'value'"),
        ("arm,seed,value,value\nnew,1,2,3\n", "column twice"),
        ("arm,seed,value\nnew,1,fast\n", "line 2: 'fast' is no number"),
        ("arm,seed,value\nnew,1,1_000\n", "'1_000' is no number"),
        ('arm,seed,value\nnew,1,"30,1"\n', "'30,1' is no number"),
        ("arm,seed,value\nnew,1\n", "line 2 has 2 cells"),
        ("arm,seed,value\n,1,30\n", "no name"),
        ('arm,seed,value\nnew,1,"30\n', "line 2"),
        ("arm,seed,value\nnew,1,1e400\n", None),
        ("arm,seed,value,sequence\nnew,1,30,a\nnew,1,30,a\n", "sequence a twice"),
        ("arm,seed,value,sequence\nnew,1,30,a\nnew,1,31,b\nnew,2,30,a\n", "lacks sequence b"),
        ("arm,seed,value,sequence\nnew,1,30,a\nnew,2,31,\n", "line 3: a sequence or seed is missing"),
        ("arm,seed,value,sequence\nnew,1,30,a\nold,1,31,b\n", "same sequences"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_place(text, words):
    if words is None:  # too large for a double reads as inf: a run without a usable number
        assert collapse(parse_values(text, name="t.csv")[0]).failed
        return
    with pytest.raises(UsageError, match=words):
        parse_values(text, name="t.csv")


@pytest.mark.parametrize("text", ["{", "{}", "[1]", '[{"arm": "a"}]', '[{"arm": "a", "seed": 1, "value": true}]'])
def test_json_that_is_no_table_is_refused(text):
    with pytest.raises(UsageError):
        parse_values(text, name="t.json", is_json=True)


@pytest.mark.parametrize("text", ["arm,seed,value\n", "arm,seed,value\n\n\n"])
def test_a_table_without_rows_is_nothing_to_judge(text):
    with pytest.raises(NothingToJudgeError):
        parse_values(text, name="t.csv")


def test_a_file_is_read_with_its_byte_order_mark(tmp_path):
    path = tmp_path / "values.csv"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())

    assert [arm.label for arm in read_values(path)] == ["new", "old"]


def test_files_that_cannot_be_read_are_named(tmp_path):
    latin = tmp_path / "latin.csv"
    latin.write_bytes("arm,seed,value\nÄ,1,2\n".encode("latin-1"))

    for path, words in (
        (tmp_path / "absent.csv", "cannot be read"),
        (latin, "UTF-8"),
        (tmp_path, "cannot be read"),
    ):
        with pytest.raises(UsageError, match=words):
            read_values(path)
