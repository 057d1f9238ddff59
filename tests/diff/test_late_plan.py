"""A plan of the statistics that was declared, changed or dropped after the launches is told with what it decides."""

import json

import pytest

from runaudit.factors.inforce import sealed_rules
from runaudit.settings import Settings, parse_settings
from tests.cli.recorded import METRIC, cohort
from tests.diff.samples import put

ALIKE = {
    "flow": (30.00, 30.01, 30.02, 30.01, 30.00, 30.02, 30.03, 30.01, 30.00, 30.02),
    "TERN": (30.01, 30.00, 30.02, 30.00, 30.02, 30.01, 30.01, 30.02, 30.03, 30.00),
}
WIDER = put("config/model/alignment", "flow")
MARGIN = "[stats]\nmargin = 0.5\n"


def sealed(text):
    """What a launch under a policy with this `[stats]` seals."""
    import tomllib

    return put("runtime/policy", sealed_rules(parse_settings(tomllib.loads(text))))


def stats(here, runaudit, policy, *sealed_rules):
    """The answer on two arms that were launched so, judged under a policy."""
    cohort(here, "flow", ALIKE["flow"], WIDER, *sealed_rules)
    cohort(here, "TERN", ALIKE["TERN"], *sealed_rules)
    if policy:
        (here.root.parent / "runaudit.toml").write_text(policy)
    _, out, _ = runaudit("stats", "--metric", METRIC, "flow", "--vs", "TERN", "--json")
    return json.loads(out)


def test_a_margin_that_was_declared_after_the_runs_is_told_with_the_verdict_without_it(here, runaudit):
    found = stats(here, runaudit, MARGIN, sealed(""))

    assert found["verdict"] == "equivalent"
    assert found["late_plan"].startswith("the [stats] of runaudit.toml (")
    assert "was not declared when 20 runs began: without it the verdict is inconclusive" in found["late_plan"]
    assert any("without it the verdict is inconclusive." in note for note in found["notes"])


def test_a_margin_that_the_runs_were_launched_with_is_a_plan(here, runaudit):
    found = stats(here, runaudit, MARGIN, sealed(MARGIN))

    assert (found["verdict"], found["late_plan"]) == ("equivalent", None)


def test_a_plan_that_was_dropped_after_the_runs_is_told(here, runaudit):
    found = stats(here, runaudit, "", sealed(MARGIN))

    assert found["verdict"] == "inconclusive"
    assert found["late_plan"] == (
        "20 runs began under a [stats] section that the policy has no more: with it the verdict is equivalent"
    )


def test_records_that_cannot_tell_are_said_to_tell_nothing(here, runaudit):
    found = stats(here, runaudit, MARGIN)

    assert "the records of 20 runs do not say whether it was declared" in found["late_plan"]


def test_a_plan_that_decides_nothing_is_not_worth_a_word(here, runaudit):
    found = stats(here, runaudit, "[stats]\nmargin = 0.000001\n", sealed(""))

    assert found["late_plan"] is None


def test_a_claim_says_so_too(here, runaudit, tmp_path):
    text = tmp_path / "draft.md"
    text.write_text(f"Flow is equivalent to TERN in {METRIC}.\n")
    better = tuple(value + 0.02 for value in ALIKE["flow"])
    cohort(here, "flow", better, WIDER, sealed(""))
    cohort(here, "TERN", ALIKE["TERN"], sealed(""))
    text.write_text("flow improves full_frame/psnr by 0.02 dB over TERN.\n")

    (here.root.parent / "runaudit.toml").write_text("[stats]\nalpha = 0.2\n")
    _, out, _ = runaudit("claims", text, "--json")
    before = json.loads(out)["notes"]
    (here.root.parent / "runaudit.toml").write_text("[stats]\nalpha = 0.0000001\n")
    _, out, _ = runaudit("claims", text, "--json")

    assert not any("[stats]" in note for note in before), "a wider level that decides nothing"
    assert any("was not declared when 20 runs began: without it the verdict is improved" in note
               for note in json.loads(out)["notes"])  # fmt: skip


@pytest.mark.parametrize("text", ["", MARGIN, '[stats]\nalpha = 0.01\ndirections = { error = "lower" }\n'])
def test_what_a_launch_seals_is_read_back(text):
    import tomllib

    from runaudit.factors.inforce import stats_at_launch
    from tests.diff.samples import run

    policy = parse_settings(tomllib.loads(text))

    assert stats_at_launch(run(sealed(text)), Settings()) == policy.stats
