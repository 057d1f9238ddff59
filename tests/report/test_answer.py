"""What a pull request is told: the changed lines stand in it, and nothing of them gets out of its block."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from runaudit.report import page_view
from runaudit.report.answer import LONGEST_LINE, MOST_LINES, ReportAnswer
from runaudit.report.views.diff import CodeDiff
from runaudit.report.words import shown


def told(study, *files: CodeDiff) -> list[str]:
    view = page_view(*study)
    (diff,) = view.diffs
    view = replace(view, diffs=(replace(diff, code=files),))
    return list(ReportAnswer(view=view, output=Path("page.html")).markdown_lines())


def changed(path: str, *lines: str, left_out: int = 0) -> CodeDiff:
    kinds = {"+": "add", "-": "del", "@": "hunk"}
    rows = tuple((kinds.get(line[:1], "same"), line) for line in lines)
    return CodeDiff(path=shown(path), lines=rows, left_out=left_out, missing="")


def test_a_pull_request_shows_the_changed_lines_folded(study):
    lines = told(study, changed("train.py", "@@ -1 +1 @@", "-lr = 1", "+lr = 2"))

    at = lines.index("```diff")
    assert lines[at : at + 5] == ["```diff", "@@ -1 +1 @@", "-lr = 1", "+lr = 2", "```"]
    assert lines.index("<summary>The change of the code (1 file)</summary>") < at < lines.index("</details>")


def test_no_line_and_no_path_ends_its_block(study):
    evil = ["+```", "+````` </details> <script>alert(1)</script>", "-@octocat closes #1", "+\x1b[31mred\u202e"]
    lines = told(study, changed("</summary><img src=x onerror=alert(1)>@me.py", *evil))

    fence = next(line for line in lines if line.endswith("diff") and line.startswith("`"))
    start, end = lines.index(fence), lines.index(fence.removesuffix("diff"))
    assert len(fence.removesuffix("diff")) > 5
    assert [line for line in lines[start + 1 : end] if "</details>" in line or "@octocat" in line] == evil[1:3]
    outside = "\n".join([*lines[:start], *lines[end + 1 :]])
    assert "<img" not in outside and "@me" not in outside and outside.count("<details>") == 1
    assert not any(letter in "\n".join(lines) for letter in "\x1b\u202e")


def test_what_a_comment_cannot_hold_is_counted(study):
    long = changed("a.py", *["+" + "x" * 9000] * (MOST_LINES + 5), left_out=7)
    lines = told(study, long, changed("b.py", "+b"))

    shown_lines = [line for line in lines if line.startswith("+")]
    assert len(shown_lines) == MOST_LINES and max(map(len, shown_lines)) <= LONGEST_LINE + 1
    assert "12 more lines: the page has them." in lines
    assert "A → B `b.py`" in lines and "1 more line: the page has them." in lines
    assert len("\n".join(lines)) < 65_536


def test_a_change_without_lines_at_hand_needs_no_fold(study):
    assert "<details>" not in told(study, CodeDiff(path=shown("a.py"), lines=(), left_out=0, missing="gone"))


def test_no_two_lines_are_blank_one_after_the_other(study):
    lines = told(study, changed("a.py", "+a"))

    assert lines[0] and not any(not line and not after for line, after in pairwise(lines))


def test_that_each_comparison_is_judged_by_itself_is_said_in_the_terminal_too(study):
    """Page and Markdown said it of a chain of arms; whoever read the terminal took two chances for one."""
    arms, (one, *_) = study
    later = replace(one, baseline=1, arm=2)

    alone, chain = (
        [*ReportAnswer(view=page_view([*arms, arms[1]], pairs), output=Path("page.html")).text_lines()]
        for pairs in ([one], [one, later])
    )

    assert not any("nothing is adjusted" in line for line in alone)
    assert sum("2 comparisons stand on this page, each judged by itself" in line for line in chain) == 1


def test_a_title_that_was_given_heads_the_text_of_a_pull_request_too(study):
    plain = page_view(*study)
    named = replace(plain, headed="PIUnet <b>on</b> Tuesday")

    first = [next(iter(ReportAnswer(view=view, output=Path("page.html")).markdown_lines())) for view in (plain, named)]
    assert not first[0].startswith("#")
    assert first[1].startswith("## PIUnet ") and "<b>" not in first[1]


def test_what_the_page_says_under_a_verdict_is_said_in_the_terminal_too(study):
    """A note that two of many arms were compared stood on the page alone."""
    view = page_view(*study)
    told = replace(view, verdicts=tuple(replace(one, caveats=("2 of 9 arms are compared.",)) for one in view.verdicts))

    assert "  2 of 9 arms are compared." in [*ReportAnswer(view=told, output=Path("page.html")).text_lines()]
