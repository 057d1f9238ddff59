"""What a study proposes to run can be launched: a setting is typed, a digest is not."""

import re

import pytest

from runaudit.settings import Settings
from runaudit.study.answer import answer, judged
from runaudit.study.study import study
from runaudit.study.text import text_lines
from tests.study.samples import WHOLE, judge, run

DIGEST = re.compile(r"(?:sha256|md5):[0-9a-f]{6,}")


def code(*texts, **more):
    return {**WHOLE["code"], "files": {f"{name}.py": text for name, text in zip("ab", texts, strict=False)}, **more}


def data(letter):
    return {"train": {"path": "/data", "digest": f"sha256:{letter * 64}"}}


def proposed(runs):
    """The cells of a study's suggestions, what it says in words, and the lines that a reader sees."""
    found = study(runs, settings=Settings())
    rows = answer(found)["suggestions"]
    lines = list(text_lines(found, judged(found), everything=True))
    at = lines.index("next runs")
    shown = lines[at + 1 : next(n for n in range(at + 1, len(lines)) if not lines[n])]
    return [cell for row in rows for cell in row["cells"]], [one for row in rows for one in row["in_words"]], shown


def test_of_code_and_a_setting_the_setting_is_moved():
    runs = [run({"lr": lr}, seed=seed, code=code(text), label=f"lr {lr}")
            for lr, text in ((0.1, "x = 1\n"), (0.2, "x = 2\n")) for seed in (1, 2)]  # fmt: skip

    (cell,), words, shown = proposed(runs)

    assert words == []
    assert re.search(r"config\.lr = 0\.[12] instead of 0\.[12], the rest as lr", shown[1])
    assert not any(DIGEST.search(line) for line in shown)
    # The tree of the new cell is that of the run that it starts from.
    assert {row["config.lr"] for row in (cell,)} < {0.1, 0.2}


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [({"code": code("x = 1\n"), "data": data("a")}, {"code": code("x = 2\n"), "data": data("b")},
      "runs (of the code|with data.train) of (one|other) .*(with the settings of|the rest as) (one|other)"),
     ({"code": code("x = 1\n", "y = 1\n")}, {"code": code("x = 2\n", "y = 2\n")},
      r"for what code\.\w\.py did by itself, trees that have the one without the others, and none is on record")],
    ids=["code and data", "two files of one tree"],
)  # fmt: skip
def test_what_no_setting_separates_is_said_in_words(a, b, expected):
    cells, (word,), shown = proposed([run({}, label="one", seed=1, **a), run({}, label="other", seed=1, **b)])

    assert cells == []
    assert re.fullmatch(expected, re.sub(r" \([0-9a-f]{12}\)", " ", word).strip())
    assert shown[0].strip().startswith("no setting that can be typed separates")
    assert not any(DIGEST.search(line) for line in shown)


def test_what_is_taken_over_is_moved_before_a_tree_is_made():
    runs = [run({}, label=label, code=code(text, text), data=data(letter))
            for label, text, letter in (("one", "x = 1\n", "a"), ("other", "x = 2\n", "b"))]  # fmt: skip

    cells, words, _ = proposed(runs)

    assert cells == []
    assert [re.sub(r" \([0-9a-f]{12}\)|one|other", "", word) for word in words[:1]] == [
        "runs with data.train of , the rest as "
    ]
    assert re.fullmatch(r"for what code\.\w\.py did by itself, trees .*", words[1])


def test_beside_the_settings_the_rest_is_said_in_words():
    """Of three factors that change together two moves are needed, and one factor alone can be typed."""
    runs = [run({"lr": lr}, seed=1, code=code(text), data=data(letter), label=f"lr {lr}")
            for lr, text, letter in ((0.1, "x = 1\n", "a"), (0.2, "x = 2\n", "b"))]  # fmt: skip

    cells, (word,), shown = proposed(runs)

    assert len(cells) == 1
    assert "as far as settings can" in shown[0]
    assert shown[2].strip() == f"beyond the settings: {word}"


def test_a_revision_that_was_typed_can_be_typed_again():
    found = answer(judge([{"revision": "a" * 40, "lr": 0.1}, {"revision": "b" * 40, "lr": 0.2}], seeds=(1, 2)))

    assert len(found["suggestions"][0]["cells"]) == 1
    assert found["suggestions"][0]["in_words"] == []
