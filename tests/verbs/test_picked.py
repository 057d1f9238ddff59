"""Arms and runs that were picked from more owe their reader the number they were picked from."""

import json

import pytest

import runaudit
from runaudit.cli.app import main
from runaudit.store.store import Store
from tests.cli.recorded import sealed
from tests.diff.samples import put

MARK = "9f0c4ab35177afde"


def arm(store, number, values, *, campaign=MARK):
    """Runs of one arm of a campaign, three seeds; each arm has a setting of its own."""
    for seed, value in enumerate(values, start=1):
        mark = {"id": campaign, "arm": f"{number:016x}", "seed": seed}
        sealed(store, put("seed", seed), put("label", f"arm {number}"), put("config/width", 48 + number),
               metrics={"val/error": value}, campaign=mark)  # fmt: skip


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RUNAUDIT_STORE", raising=False)
    return Store.create(tmp_path / ".runaudit")


def notes(*arms):
    return " ".join(runaudit.judge(*arms, metric="val/error", direction="lower").notes)


def test_two_arms_of_a_campaign_owe_the_number_of_all(here):
    arm(here, 0, (0.40, 0.41, 0.42))
    arm(here, 1, (0.30, 0.31, 0.32))
    for number in range(2, 6):
        arm(here, number, (0.40, 0.42, 0.43))
    arm(here, 9, (0.1, 0.1, 0.1), campaign="another")

    p = runaudit.judge("arm 1", "arm 0", metric="val/error", direction="lower").comparisons[0].p

    assert "2 of 6 arms of one campaign are compared" in notes("arm 1", "arm 0")
    assert f"p = {p * 15:.3f} for 15 pairs" in notes("arm 1", "arm 0")  # Bonferroni, by hand: 6 * 5 / 2
    assert "3 of 6 arms" in notes("arm 1", "arm 2", "arm 0")
    assert "one campaign" not in notes(*(f"arm {number}" for number in (1, 2, 3, 4, 5, 0)))
    assert "one campaign" not in notes("arm 2", "arm 0"), "no claim is made of these"
    assert "one campaign" not in notes("arm 1", "arm 9"), "they were launched apart"


@pytest.mark.parametrize(("name", "number", "code"), [("few", "0.750", 1), ("all", "0.300", 0)])
def test_the_mean_of_the_runs_of_one_label_is_no_number_of_their_cohort(here, capsys, name, number, code):
    """Two labels of one design: `few` names two of its seven runs, and nothing says why these."""
    for label, width, values in (
        ("many", 1, (0.1, 0.2, 0.3, 0.4, 0.5)),
        ("few", 1, (0.7, 0.8)),
        ("all", 2, (0.2, 0.3, 0.4)),
    ):
        for seed, value in enumerate(values):
            sealed(here, put("seed", 100 * width * len(label) + seed), put("label", label), put("config/width", width),
                   metrics={"val/error": value})  # fmt: skip
    text = here.root.parent / "text.md"
    text.write_text(f"| arm | val/error |\n| --- | --- |\n| {name} | {number} |\n")
    with pytest.raises(SystemExit) as ended:
        main(["claims", str(text), "--json"])
    (claim,) = json.loads(capsys.readouterr().out)["claims"]

    assert ended.value.code == code
    assert ("2 of 7 launched runs of this cohort were named" in claim["reason"]) is bool(code)
