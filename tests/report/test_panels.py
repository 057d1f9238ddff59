"""Images are read from inside the run's folder only, and shown only if they are those that were sealed."""

import os
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from runaudit.records.digest import digest_bytes
from runaudit.report import ArmInput, page_view, read_panels, render_page
from runaudit.report.panels import panel_name, png_size


@pytest.fixture
def sealed(store, make_run, seal_run, make_png):
    images = {f"panels/camera/{kind}.png": make_png(24, n) for n, kind in enumerate(("lr", "bicubic", "sr", "error"))}
    run = seal_run(store, make_run(), images)
    return run, store.run_dir(run.id)


def test_the_images_of_a_run_are_read_with_their_size(sealed):
    run, folder = sealed

    panels = read_panels(run, folder)

    assert {(p.sequence, p.kind) for p in panels} == {("camera", k) for k in ("lr", "bicubic", "sr", "error")}
    assert {(p.width, p.height, p.problem) for p in panels} == {(24, 24, "")}


def test_an_image_that_is_not_the_sealed_one_is_not_shown(sealed, make_png):
    run, folder = sealed
    (folder / "panels/camera/sr.png").write_bytes(make_png(24, 99))

    (sr,) = (p for p in read_panels(run, folder) if p.kind == "sr")

    assert (sr.png, sr.problem) == (b"", "the file does not match its sealed digest")


def test_missing_images_say_so_in_their_place(sealed):
    run, folder = sealed
    (folder / "panels/camera/sr.png").unlink()

    view = page_view([ArmInput(name="x", runs=(run,), panels={run.id: read_panels(run, folder)})])

    pictures = {p.kind: p for p in view.images.sequences[0].pictures}
    assert pictures["sr"].problem == "the file is missing"
    assert pictures["hr"].problem == "this run left no such image"
    assert "No images of astronaut, ihc." in view.images.missing


def test_links_and_pipes_are_not_followed(store, make_run, seal_run, make_png, tmp_path):
    run = seal_run(store, make_run(), {"panels/camera/sr.png": make_png(), "panels/camera/hr.png": make_png(8)})
    folder = store.run_dir(run.id)
    for kind in ("sr", "hr"):
        (folder / f"panels/camera/{kind}.png").unlink()
    outside = tmp_path / "secret.png"
    outside.write_bytes(make_png())
    (folder / "panels/camera/sr.png").symlink_to(outside)
    os.mkfifo(folder / "panels/camera/hr.png")

    problems = {p.kind: p.problem for p in read_panels(run, folder)}

    assert problems == {"sr": "its path leads outside the run's folder", "hr": "it is not a regular file"}


@pytest.mark.parametrize("path", ["/etc/x/sr.png", "../../x/sr.png", "panels/../../x/sr.png"])
def test_no_path_leads_outside_the_folder(path, make_run, tmp_path):
    artifacts = [{"path": path, "digest": f"sha256:{'0' * 64}", "size": 1, "kind": "panel"}]

    (panel,) = read_panels(make_run(outcome={"artifacts": artifacts}), tmp_path)

    assert panel.problem == "its path leads outside the run's folder"


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("panels/camera/lr.png", ("camera", "lr")),
        ("pictures/camera-super_resolved.png", ("camera", "sr")),
        ("pictures/two-words-truth.png", ("two-words", "hr")),
        ("pictures/camera-low.png", ("camera", "lr")),
        ("loss.png", None),
        ("panels/camera/sr.jpg", None),
    ],
)
def test_an_image_is_known_by_its_name(path, named):
    assert panel_name(PurePosixPath(path)) == named


def test_what_is_no_png_has_no_size(make_png):
    assert png_size(b"<svg onload=alert(1)>" * 9) is None
    assert png_size(make_png(17)) == (17, 17)


def test_the_run_shown_is_the_typical_one_and_not_the_best(make_arm, make_run, make_metrics, make_png):
    """Gains 1, 2 and 9 dB: the median is 2, and the best is not it."""
    from runaudit.report.panels import Panel

    runs = tuple(make_run(seed=s, metrics=make_metrics(s, gains=(g, g, g))) for s, g in enumerate((9.0, 1.0, 2.0)))
    panel = Panel(sequence="camera", kind="sr", digest="sha256:0", png=make_png(), width=24, height=24)
    arm = ArmInput(name="x", runs=runs, panels={run.id: (panel,) for run in runs})

    assert page_view([arm]).images.shown == (f"A: seed 2 ({runs[2].short}), the run nearest the median gain",)


def test_images_that_arms_share_are_shown_once(make_run, make_png):
    from runaudit.report.panels import Panel

    def arm(seed: int, hr: bytes) -> ArmInput:
        run = make_run(seed=seed)
        kinds = {"hr": hr, "sr": make_png(24, seed)}
        panels = [
            Panel(sequence="camera", kind=k, digest=f"{d!r}", png=d, width=24, height=24) for k, d in kinds.items()
        ]
        return ArmInput(name=f"arm {seed}", runs=(run,), panels={run.id: tuple(panels)})

    def hr_captions(second: bytes) -> list[str]:
        (sequence,) = page_view([arm(1, make_png()), arm(2, second)]).images.sequences
        return [p.caption for p in sequence.pictures if p.kind == "hr"]

    assert hr_captions(make_png()) == ["HR, ground truth"]
    assert hr_captions(make_png(24, 5)) == ["A · HR, ground truth", "B · HR, ground truth"]


def test_reading_never_writes(sealed):
    run, folder = sealed
    before = sorted(Path(folder).rglob("*"))

    read_panels(run, folder)

    assert sorted(Path(folder).rglob("*")) == before


def test_a_picture_of_any_kind_that_a_run_kept_is_shown_under_its_name(make_run, make_png, tmp_path):
    """A confusion matrix of a classifier: no frame, no crop, and worth a look all the same."""
    data = make_png(20)
    (tmp_path / "plots").mkdir()
    (tmp_path / "plots" / "confusion.png").write_bytes(data)
    artifacts = [{"path": "plots/confusion.png", "digest": str(digest_bytes(data)), "size": len(data), "kind": "file"}]
    run = make_run(metrics={"test/accuracy": 0.9}, outcome={"artifacts": artifacts})

    view = page_view([ArmInput(name="x", runs=(run,), panels={run.id: read_panels(run, tmp_path)})])

    (figure,) = view.images.figures
    assert figure.sequence == "plots/confusion.png"
    assert figure.pictures[0].uri.startswith("data:image/png;base64,")
    assert figure.pictures[0].alt == "plots/confusion.png as A · seed 0 kept it"
    assert "pictures" in {section.id for section in view.sections}
    assert "full frame" not in render_page(view)


def test_the_typical_run_of_an_arm_without_gains_is_the_one_nearest_its_median_result(make_run, make_png):
    """0.5, 0.9 and 0.7: the median is 0.7."""
    from runaudit.report.panels import Panel
    from runaudit.stats.judge import summarise
    from runaudit.stats.values import ArmValues

    values = (0.5, 0.9, 0.7)
    runs = tuple(make_run(seed=seed, metrics={"acc": value}) for seed, value in enumerate(values))
    panel = Panel(sequence="a.png", kind="figure", digest="sha256:0", png=make_png(), width=24, height=24)
    arm = ArmInput(name="x", runs=runs, panels={run.id: (panel,) for run in runs},
                   summary=summarise(ArmValues(label="x", seeds=(0, 1, 2), values=values)))  # fmt: skip

    assert page_view([arm]).images.shown == (f"A: seed 2 ({runs[2].short}), the run nearest the median result",)


@pytest.mark.parametrize(
    ("abouts", "said"),
    [
        (("the middle", "the middle"), "Shown is the middle."),
        (("", ""), "The program chose the details that are shown; by which rule is not on record."),
        (("the middle", ""), "Shown is the middle; of some pictures that is not on record."),
    ],
)
def test_by_which_rule_a_detail_was_chosen_is_said_or_said_to_be_unknown(sealed, abouts, said):
    run, folder = sealed
    panels = tuple(replace(panel, about=about) for panel, about in zip(read_panels(run, folder), abouts, strict=False))

    view = page_view([ArmInput(name="x", runs=(run,), panels={run.id: panels})])

    assert view.images.rule == said and said in render_page(view)


def test_figures_that_are_no_details_have_no_rule(store, make_run, seal_run, make_png):
    run = seal_run(store, make_run(), {"confusion.png": make_png(24)})

    view = page_view([ArmInput(name="x", runs=(run,), panels={run.id: read_panels(run, store.run_dir(run.id))})])

    assert view.images.figures and view.images.rule == ""


def test_a_figure_that_is_left_out_is_told_with_the_reason(make_run, make_png, tmp_path):
    """An SVG that a run had kept was on no page, and no page said so."""
    files = {"evil.svg": b"<svg onload=alert(1)>", "plot.jpg": b"\xff\xd8", "notes.txt": b"x"}
    files |= {f"step{n}.png": make_png(8, n) for n in range(10)}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    artifacts = [{"path": name, "digest": str(digest_bytes(data)), "size": len(data), "kind": "file"}
                 for name, data in files.items()]  # fmt: skip
    run = make_run(outcome={"artifacts": artifacts})

    view = page_view([ArmInput(name="x", runs=(run,), panels={run.id: read_panels(run, tmp_path)})])

    page = render_page(view)
    assert (
        "evil.svg and plot.jpg: a page takes in PNG images alone, for an SVG may hold a program; keep one beside it; "
        "2 more PNG images: a page has the first 8 of a run"
    ) in page
    assert page.count("data:image/png;base64,") == 8 and "notes.txt" not in page.split('id="provenance"')[0]


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (lambda png: b"", "the file is empty"),
        (lambda png: png[:-12], "the image breaks off: it was not written to its end"),
        (lambda png: png[: len(png) // 2], "the image breaks off: it was not written to its end"),
        (lambda png: png[:-20] + bytes([png[-20] ^ 1]) + png[-19:], "a checksum in it does not hold"),
        (lambda png: b"<svg/>" * 9, "the file is not a PNG image"),
    ],
    ids=["empty", "no end", "half", "another byte", "no image"],
)
def test_an_image_that_a_browser_would_show_in_part_is_told_and_not_shown(
    store, make_run, seal_run, make_png, harm, why
):
    run = seal_run(store, make_run(), {"panels/camera/sr.png": harm(make_png(24, 1))})

    (panel,) = read_panels(run, store.run_dir(run.id))

    assert panel.png == b""
    assert panel.problem.endswith(why)
