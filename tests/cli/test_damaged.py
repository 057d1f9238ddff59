"""A run whose sealed bytes changed is told by every judgement in one sentence, and carries none of them."""

from pathlib import Path

import pytest

METRIC = "full_frame/psnr"
QUESTIONS = [
    ("diff", "flow", "tern"),
    ("stats", "--metric", METRIC, "flow", "--vs", "tern"),
    ("study",),
    ("study", "flow", "tern"),
    ("claims", "claims.md"),
    ("report", "flow", "tern", "-o", "page.html"),
    ("plan", "--metric", METRIC, "--effect", "0.1", "flow"),
    ("show", "{run}"),
    ("verify",),
]


@pytest.fixture
def series(here, make_run, make_trajectory, seal_run):
    """(run, where its sealed series lies) of one run of two sound cohorts."""
    found = []
    for alignment in ("flow", "tern"):
        for seed in (1, 2, 3):
            config = {"alignment": alignment}
            run = make_run(label=alignment, seed=seed, config=config, trajectory=make_trajectory(seed, 20, stages=()))
            found.append(seal_run(here, run))
    (here.root.parent / "claims.md").write_text("flow reaches a PSNR of 30.68 dB.\n")
    run = found[1]
    digest = run.outcome.section("trajectory")["digest"].removeprefix("sha256:")
    return run, here.root / "objects" / "sha256" / digest[:2] / digest


@pytest.mark.parametrize("how", ["changed", "gone"])
@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_a_series_that_is_not_what_was_sealed_is_told_and_carries_no_judgement(series, runaudit, question, how):
    run, path = series
    words = [word.format(run=run.short) for word in question]
    sound = runaudit(*words)[0]
    path.chmod(0o644)
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-2] + b" \n")

    code, out, err = runaudit(*words)

    assert (sound in (0, 1, 3), code) == (True, 4)
    told = out + err + (Path("page.html").read_text() if question[0] == "report" else "")
    assert ("is missing" if how == "gone" else "does not match its digest") in told
    assert run.short in told
