"""What a comparison says in JSON, text and Markdown, beside its verdict."""

import pytest

from runaudit.diff import compare
from runaudit.diff.code import code_hunks, file_hunks
from runaudit.diff.text import headline, markdown_lines, text_lines
from runaudit.settings import FactorSettings, Settings
from runaudit.text.terminal import Paint
from tests.diff.samples import TRAIN, both, digest, drop, put, run

LR = put("config/optimizer/lr", 5e-4)


SAME = both()


def judged(after, before=SAME, intent=(), **policy):
    return compare(run(before), run(after), settings=Settings(factors=FactorSettings(**policy)), intent=intent)


def test_the_answer_has_every_key_of_the_contract():
    answer = judged(both(LR, drop("seed"))).to_json()

    assert answer["schema"] == "runaudit.diff/1"
    assert set(answer) >= {"a", "b", "verdict", "conditional", "reason", "factors", "derived", "nuisance", "cosmetic",
                           "missing", "intent", "notes"}  # fmt: skip
    (factor,) = answer["factors"]
    assert factor["factor"] == "config.optimizer.lr" and factor["section"] == "config"
    assert (factor["before"], factor["after"]) == (1e-3, 5e-4)
    assert answer["missing"] == [{"factor": "seed", "side": "b", "reason": "not in the record"}]
    assert answer["intent"]["met"] is None and answer["conditional"] == "single_factor"


def test_absent_is_told_apart_from_null():
    (gone,) = judged(drop("config/ema")).to_json()["factors"]

    assert gone["before"] is None and gone["absent"] == "after"


@pytest.mark.parametrize(
    ("after", "intent", "met"),
    [
        (LR, ("lr",), True),
        (LR, ("config.optimizer.lr",), True),
        (LR, ("config.optimizer",), True),
        (LR, ("activation",), False),
        (both(), ("lr",), False),
        (both(LR, put("config/epochs", 60)), ("lr",), False),
        (both(LR, put("config/epochs", 60)), ("lr", "epochs"), True),
        (put("code/files/src/train.py", "x = 1"), ("code.src/train.py",), True),
        (put("env/gpu", "A100"), ("env.gpu",), True),
    ],
)
def test_an_intent_is_met_when_it_and_nothing_else_changed(after, intent, met):
    assert judged(after, intent=intent).intent.met is met


def test_an_intended_factor_does_not_excuse_another():
    found = judged(both(LR, put("config/epochs", 60)), intent=("lr",))

    assert found.verdict == "confounded"
    assert [f.intended for f in found.factors] == [False, True]


def test_what_was_declared_before_launch_counts_as_intent():
    assert judged(both(LR, put("intent", ["config.optimizer.lr"]))).intent.met is True


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (put("config/optimizer/lr", "1e-3"), "one number written as text"),
        (lambda r: r["config"].update(learning=r["config"].pop("epochs")), "probably renamed to config.learning"),
        (put("data/train/digest", digest("d")), "same path with other content"),
        (put("code/files/src/train.py", '"""Doc."""\n' + TRAIN), "docstrings"),
        (put("code/files/src/train.py", "x = 1"), "equal commits, different trees"),
        (put("runtime/steps_done", 2900), "2900"),
        (put("runtime/status", "early_stopped"), ") stopped early"),
    ],
)
def test_a_reader_is_told(after, words):
    assert any(words in note for note in judged(after).notes)


def test_skipped_updates_are_told():
    found = judged(put("series", {"amp/skipped": [[0, 0], [2999, 40]]}), put("series", {"amp/skipped": [[2999, 2]]}))

    assert any("2998 (2 skipped by the scaler) → 2960 (40 skipped)" in note for note in found.notes)


def test_a_broken_rule_says_what_was_expected():
    rule = {"derived": {"config.steps_per_epoch": "floor(data.train.tiles/(config.batch_size*config.grad_accum))"}}

    found = judged(both(put("config/batch_size", 4), put("config/steps_per_epoch", 90)), **rule)

    # floor(675 / (4 * 2)) = 84
    assert any("expected 84, found 90" in factor.summary for factor in found.factors)


def test_the_first_line_is_the_verdict_and_its_reason():
    found = judged(LR)

    assert (
        next(iter(text_lines(found)))
        == headline(found)
        == "single_factor: only config.optimizer.lr 0.001 → 0.0005 changed"
    )


def test_what_cannot_matter_is_counted_and_shown_on_demand():
    found = judged(both(LR, put("config/output_dir", "x")))

    short, whole = "\n".join(text_lines(found)), "\n".join(text_lines(found, everything=True))
    assert "1 nuisance" in short and "config.output_dir" not in short
    assert "config.output_dir" in whole


def test_colour_is_only_where_it_is_asked_for():
    found = judged(put("code/files/src/train.py", TRAIN.replace("mean", "sum")))
    hunks = code_hunks(found, run(), run(put("code/files/src/train.py", TRAIN.replace("mean", "sum"))))

    assert "\x1b[" not in "\n".join(text_lines(found, hunks=hunks))
    assert "\x1b[31m" in "\n".join(text_lines(found, hunks=hunks, paint=Paint(True)))


def test_control_characters_of_a_record_are_shown_and_not_obeyed():
    text = "\n".join(text_lines(judged(put("config/model/activation", "\x1b[2J"))))

    assert "\x1b" not in text and "x1b" in text


def test_code_is_shown_function_by_function():
    before = "import os\n\n\ndef a():\n    return 1\n\n\nclass K:\n    def m(self):\n        return 2\n"

    hunks = list(file_hunks("x.py", before, before.replace("return 2", "return 3")))

    assert [(h.function, [line for line in h.lines if line[0] in "+-"]) for h in hunks] == [
        ("K.m", ["-        return 2", "+        return 3"])
    ]


def test_a_long_change_of_code_is_folded_and_all_shows_it():
    longer = TRAIN + "".join(f"x{n} = {n}\n" for n in range(200))
    change = put("code/files/src/train.py", longer)
    found = judged(change)
    hunks = code_hunks(found, run(), run(change))

    for lines in (text_lines, markdown_lines):
        short, whole = ("\n".join(lines(found, hunks=hunks, everything=wide)) for wide in (False, True))
        assert "more lines of 1 changed file (--all shows them)" in short and "x199" not in short
        assert "x199" in whole and "more lines of" not in whole
    assert sum("+x" in line for line in text_lines(found, hunks=hunks)) < 80


def test_what_was_not_counted_is_told_in_markdown_as_on_a_terminal():
    found = judged(both(LR, put("label", "another")))

    for lines in (text_lines, markdown_lines):
        assert sum("not counted: 1 nuisance (--all shows them)" in line for line in lines(found)) == 1
        assert not any("not counted:" in line for line in lines(found, everything=True))


def test_markdown_is_a_table_that_a_label_cannot_break():
    text = "\n".join(markdown_lines(judged(both(LR, put("label", "a|b <script>")))))

    assert "| config.optimizer.lr | 0.001 | 0.0005 |" in text
    assert "<script>" not in text and "a\\|b" in text
