"""The page: one file, nothing from the network, nothing hostile, nothing missing without a word."""

import base64
import dataclasses
import errno
import hashlib
import math
import re
import stat
from html.parser import HTMLParser
from pathlib import Path
from types import MappingProxyType

import pytest

from runaudit.diff.result import Missing
from runaudit.errors import NothingToJudgeError, UsageError
from runaudit.factors.cohort import cohort_of
from runaudit.judge.values import distinct_labels
from runaudit.records.digest import digest_bytes
from runaudit.records.trajectory import Trajectory
from runaudit.report import ArmInput, ComparisonInput, page_view, render_page, write_page
from runaudit.report.assets import templates_folder
from runaudit.report.html import render
from tests.report.conftest import factor

VOID = {"meta", "img", "br", "wbr", "link", "input", "hr", "line", "base"}
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u202egnp.exe\x1b[31m$\\frac{1}{2}$" + "W" * 300


class Page(HTMLParser):
    """Tags with their attributes, the text outside style, and whether every tag is closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.faults: list[str] = []
        self.feed(html)
        self.close()
        self.faults += [f"<{tag}> is never closed" for tag in self.open]

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing")

    def handle_data(self, data):
        if not self.open or self.open[-1] not in ("style", "script"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture
def page(study):
    arms, comparisons = study
    return render_page(page_view(arms, comparisons, integrity={run.id: () for arm in arms for run in arm.runs}))


def test_the_page_asks_for_nothing_from_the_network(page):
    """Whatever a browser would fetch or run: only data URIs and links within the page remain."""
    parsed = Page(page)

    for tag, attributes in parsed.tags:
        assert tag not in {"link", "iframe", "object", "embed", "base", "form", "audio", "video", "source"}
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            if name in ("src", "href", "xlink:href", "srcset", "action", "data", "poster", "background"):
                assert str(value).startswith(("data:image/png;base64,", "#")), (tag, name, value)
    assert "url(" not in page.replace("url(#", "")
    assert "@import" not in page
    assert not re.search(r"https?://", page)


def test_the_browser_is_told_to_fetch_nothing_and_run_nothing(page):
    head = page[: page.index("</head>")]

    assert "<script" not in page
    assert "default-src 'none'" in head
    assert "script-src" not in head
    assert head.index("Content-Security-Policy") < head.index("<style>")


def test_an_interactive_page_may_run_one_script_of_ours_and_nothing_else(study):
    """By the digest of its text: neither another script nor this one with a change would run."""
    page = render_page(page_view(*study), is_interactive=True)
    head = page[: page.index("</head>")]
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()

    assert script == (templates_folder() / "page.js").read_text(encoding="utf-8")
    assert page.count("<script") == 1
    assert "default-src 'none'" in head
    assert re.findall(r"script-src ([^;\"]*)", head) == [f"'sha256-{digest}'"]
    assert head.index("Content-Security-Policy") < head.index("<style>")


def test_the_page_is_well_formed(page):
    parsed = Page(page)

    assert parsed.faults == []
    ids = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
    assert len(ids) == len(set(ids)), sorted(i for i in ids if ids.count(i) > 1)
    targets = re.findall(r'(?:href="#|url\(#)([^")]+)', page)
    assert set(targets) <= set(ids)


def test_what_scrolls_inside_itself_can_be_reached_and_scrolled_by_keyboard(page):
    boxes = [attributes for _, attributes in Page(page).tags if attributes.get("class") in ("scroll", "code")]

    assert len(boxes) > 3
    assert all(box.get("tabindex") == "0" and box.get("role") == "region" and box.get("aria-label") for box in boxes)


def test_hostile_names_are_text_and_nothing_else(make_run, make_metrics, make_trajectory, diff, stats):
    """Every place where a run may put words of its own."""
    metrics = make_metrics() | {f"full_frame/psnr/{HOSTILE}": 30.0, f"full_frame/psnr_{HOSTILE[:20]}/x": 3.0}
    metrics |= {f"full_frame/psnr_bicubic/{HOSTILE}": 31.0, f"<b>{HOSTILE}": math.nan}
    trajectory = make_trajectory(0, 60, stages=((HOSTILE, 0),), **{f"val/{HOSTILE}": ((0, 1.0), (5, 2.0)), HOSTILE: ()})
    run = make_run(
        label=HOSTILE,
        seed=HOSTILE,
        config={HOSTILE: {HOSTILE: [HOSTILE]}},
        data={HOSTILE: {"path": HOSTILE}},
        seed_proof={HOSTILE: HOSTILE},
        waivers=[{"rule": HOSTILE, "reason": HOSTILE, "until": HOSTILE}],
        intent=[HOSTILE],
        unknown={HOSTILE: HOSTILE},
        metrics=metrics,
        trajectory=trajectory,
        outcome={"checkpoints": [{"path": HOSTILE, "digest": str(digest_bytes(b"")), "step": 3}], "notes": [HOSTILE]},
    )
    arm = ArmInput(name=HOSTILE, runs=(run,), cohort=HOSTILE)
    changed = factor(HOSTILE, HOSTILE, {HOSTILE: 1}, section=HOSTILE, summary=HOSTILE)
    gap = Missing(factor=HOSTILE, side=HOSTILE, reason=HOSTILE)
    told = diff("confounded", reason=HOSTILE, factors=(changed,), notes=(HOSTILE,), missing=(gap,))
    answer = stats(metric=f"full_frame/psnr/{HOSTILE}", reason=HOSTILE, method=HOSTILE)

    html = render_page(
        page_view([arm, arm], [ComparisonInput(baseline=0, arm=1, diff=told, stats=(answer,))], title=HOSTILE,
                  integrity={run.id: (HOSTILE,)})
    )  # fmt: skip

    parsed = Page(html)
    assert parsed.faults == []
    assert "<script" not in html
    assert all(not name.startswith("on") for _, attributes in parsed.tags for name in attributes)
    assert not [tag for tag, attributes in parsed.tags if tag == "img" and attributes.get("src") == "x"]
    assert "\u202e" not in html
    assert "\x1b" not in html


def test_what_no_view_made_visible_is_made_so_by_the_page(tmp_path, monkeypatch):
    (tmp_path / "a.j2").write_text("{{ a }}|{{ a | commands }}")
    monkeypatch.setattr("runaudit.report.html.templates_folder", lambda: tmp_path)

    assert render("a.j2", a="a\x1b\u202e\u200bb") == "a\\x1b\\u202e\\u200bb|a\\x1b\\u202e\\u200bb"


def test_equal_input_gives_equal_bytes(study):
    arms, comparisons = study

    assert render_page(page_view(arms, comparisons)) == render_page(page_view(arms, comparisons))


def test_the_order_of_the_users_matplotlib_settings_changes_nothing(study):
    import matplotlib

    arms, comparisons = study
    plain = render_page(page_view(arms, comparisons))

    with matplotlib.rc_context({"font.size": 30, "svg.fonttype": "path", "axes.facecolor": "red"}):
        changed = render_page(page_view(arms, comparisons))

    assert changed == plain


def test_the_verdict_stands_before_everything_else(page):
    text = Page(page).text

    assert text.index("config.schedule went from end_to_end to staged") < text.index("Full-frame PSNR against bicubic")
    assert text.index("improved by +0.30 dB") < text.index("Full-frame PSNR against bicubic")


def test_a_run_below_bicubic_is_said_before_any_number_is_shown(study, diff):
    arms, _ = study
    bad = dataclasses.replace(arms[0], name="worse")
    runs = tuple(
        dataclasses.replace(run, outcome=dataclasses.replace(run.outcome, body=_below(run.outcome.body)))
        for run in bad.runs
    )
    html = render_page(page_view([dataclasses.replace(bad, runs=runs)]))

    text = Page(html).text
    assert "Worse than bicubic" in text[:200]
    assert "−1.00 dB on camera (3 of 3 runs)" in text[: text.index("Full-frame PSNR against bicubic")]
    assert html.count("below bicubic") >= 3


def _below(body):
    metrics = dict(body["metrics"])
    metrics["full_frame/psnr/camera"] = metrics["full_frame/psnr_bicubic/camera"] - 1.0
    return {**body, "metrics": metrics}


@pytest.mark.parametrize(("value", "said"), [(math.nan, "NaN"), (math.inf, "∞"), (-math.inf, "−∞")])
def test_every_non_finite_value_is_shown_as_such(make_run, make_metrics, make_trajectory, value, said):
    metrics = make_metrics() | {"full_frame/psnr/camera": value}
    trajectory = make_trajectory(0, 60, **{"train/loss": ((0, 1.0), (1, 0.5), (40, value), (59, 0.4))})
    run = make_run(metrics=metrics, trajectory=trajectory, config={"eps": value})

    text = Page(render_page(page_view([ArmInput(name="x", runs=(run,))]))).text

    assert f"full_frame/psnr/camera is {said}" in text
    assert "1 value not finite, first at step 40" in text
    assert text.count(said) >= 3


def test_missing_series_images_and_metrics_say_so_instead_of_vanishing(make_run):
    from runaudit.records.trajectory import Trajectory

    run = make_run(metrics={}, trajectory=Trajectory(), config=..., seed_proof={})

    text = Page(render_page(page_view([ArmInput(name="bare", runs=(run,))]))).text

    for words in (
        "Not on this page: results (no run recorded a final metric); pictures (no run kept an image to look at);",
        "curves (no run logged a series).",
        "Nothing is compared here",
        "not re-hashed for this page",
    ):
        assert words in text


def test_every_figure_has_words_and_a_table(page):
    parsed = Page(page)

    plots = [attributes for tag, attributes in parsed.tags if tag == "svg" and attributes.get("role") == "img"]
    # the effect, three sequences; loss, validation and learning rate of both arms in one each; an arm with a loss scale
    assert len(plots) == 1 + 3 + 3 + 1
    assert all(attributes["role"] == "img" and len(str(attributes["aria-label"])) > 30 for attributes in plots)
    assert all(attributes.get("alt") for tag, attributes in parsed.tags if tag == "img")
    assert page.count("<table") >= 5


def test_a_page_on_nothing_is_refused():
    with pytest.raises(NothingToJudgeError):
        page_view([])


def test_a_single_run_is_a_page(make_run):
    text = Page(render_page(page_view([ArmInput(name="alone", runs=(make_run(),))]))).text

    assert "One arm alone shows what was reached. It shows no cause" in text
    assert "A has 1 seed that counts; a claim needs 3" in text


def test_the_golden_page(study, golden):
    """Everything but the geometry of the figures and the stylesheet."""
    arms, comparisons = study
    html = render_page(page_view(arms, comparisons, integrity={run.id: () for arm in arms for run in arm.runs}))

    html = re.sub(r'(<svg class="(?:plot|chart)"[^>]*>).*?</svg>', r"\1…</svg>", html, flags=re.DOTALL)
    html = re.sub(r"<style>.*?</style>", "<style>…</style>", html, flags=re.DOTALL)
    golden("page.html", re.sub(r"runaudit \d+\.\d+\.\d+", "runaudit VERSION", html))


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_written_page_replaces_the_old_one_whole(tmp_path):
    path = tmp_path / "page.html"
    write_page(path, "old")

    write_page(path, "<p>é</p>")

    assert path.read_bytes() == "<p>é</p>".encode()
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]
    assert stat.S_IMODE(path.stat().st_mode) & 0o600 == 0o600


def test_a_full_disk_leaves_what_was_there_and_no_rubbish(tmp_path, monkeypatch):
    path = tmp_path / "page.html"
    write_page(path, "old")

    def full(_fd: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UsageError, match="No space left on device"):
        write_page(path, "new")

    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]


@pytest.mark.parametrize("place", ["missing/page.html", "."])
def test_a_place_that_cannot_be_written_is_one_clear_line(tmp_path, place):
    with pytest.raises(UsageError) as caught:
        write_page(tmp_path / place, "x")

    assert str(Path(place).name) in caught.value.message or str(tmp_path) in caught.value.message
    assert "\n" not in str(caught.value)


def test_nothing_on_a_page_is_without_a_name(make_run):
    """A metric named "" had a figure without a heading; a run without settings a row whose name was empty."""
    points = {"": tuple((step, 1.0 / (step + 1)) for step in range(20))}
    run = make_run(config={}, metrics={"": 0.05}, trajectory=Trajectory(series=MappingProxyType(points)))

    page = render_page(page_view([ArmInput(name="x", runs=(run,))], metric=""))

    assert re.search(r"<h3[^>]*>“”</h3>", page)
    assert not re.search(r"<(h[1-6]|th)[^>]*>\s*(<bdi>\s*</bdi>)?\s*</\1>", page)


def test_arms_of_one_label_are_told_apart(make_run):
    """Two runs of a tracker were "metrics · metrics", and "metrics (B) against metrics (A)"."""
    foreign = [make_run(label="metrics", seed=n, origin={"kind": "csv", "run": f"a{n}/metrics.csv"}) for n in (0, 1)]
    own = [make_run(label="fast", config={"lr": n}) for n in (0, 1)]
    arms = [cohort_of([run]) for run in (*foreign, *own)]

    names = distinct_labels([*arms, cohort_of([make_run(label="slow")])])

    assert names[:2] == ("metrics (a0/metrics.csv)", "metrics (a1/metrics.csv)")
    assert names[2:4] == tuple(f"fast ({run.short})" for run in own)
    assert names[4] == "slow" and len(set(names)) == 5
    assert distinct_labels([cohort_of(own), cohort_of(foreign)]) == ("fast", "metrics")


def test_arms_whose_tracker_calls_both_alike_are_told_apart_by_id(make_run):
    runs = [make_run(label="log", seed=n, origin={"kind": "csv", "run": "exp/log.csv"}) for n in (0, 1)]

    names = distinct_labels([cohort_of([run]) for run in runs])

    assert names == tuple(f"log ({run.short})" for run in runs)
