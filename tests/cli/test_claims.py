"""`runaudit claims`: what a text says in numbers against what was recorded."""

import json

import pytest

from tests.cli.recorded import METRIC, cohort, sealed
from tests.diff.samples import put

FLOW, TERN = (30.95, 31.05, 31.10), (30.05, 30.15, 30.13)  # means 31.0333 and 30.11: 0.9233 apart
ALIGN = put("config/model/alignment", "flow")


@pytest.fixture
def arms(here):
    cohort(here, "flow staged", FLOW, ALIGN)
    cohort(here, "TERN staged", TERN)
    return here


@pytest.fixture
def claims(runaudit, tmp_path):
    """The command on a text, as JSON: code, answer."""

    def call(text, *words):
        path = tmp_path / "draft.md"
        path.write_text(text, encoding="utf-8")
        code, out, _ = runaudit("claims", path, *words, "--json")
        return code, json.loads(out)

    return call


def verdicts(answer):
    return [claim["verdict"] for claim in answer["claims"]]


def test_what_the_runs_show_is_supported(arms, claims):
    code, answer = claims(
        "Flow staged improves full_frame/psnr by 0.9 dB over TERN staged.\nflow staged reaches 31.0 dB, on average.\n"
    )

    assert (code, verdicts(answer)) == (0, ["supported", "supported"])
    first, second = answer["claims"]
    assert first["found"] == pytest.approx(0.92333333, abs=1e-6) and first["design"] == "single_factor"
    assert first["reason"].startswith("the runs say +0.92 (95 % CI")
    assert (second["line"], second["n"]) == (2, [3])


@pytest.mark.parametrize(
    ("written", "verdict"),
    [("0.9", "supported"), ("0.92", "supported"), ("0.923", "supported"), ("0.93", "unsupported"), ("1", "supported"),
     ("1.0", "unsupported"), ("0.8", "unsupported")],
)  # fmt: skip
def test_the_tolerance_is_the_digits_that_were_written(arms, claims, written, verdict):
    code, answer = claims(f"flow staged gains {written} dB PSNR over TERN staged.")

    assert (code, verdicts(answer)) == (0 if verdict == "supported" else 1, [verdict])


def test_a_claim_the_wrong_way_round_is_unsupported(arms, claims):
    code, answer = claims("TERN staged is 0.9 dB better than flow staged.")

    assert (code, verdicts(answer)) == (1, ["unsupported"])
    assert "the runs say -0.92" in answer["claims"][0]["reason"]


def test_two_seeds_support_neither_a_mean_nor_a_difference(here, claims):
    cohort(here, "flow staged", FLOW[:2], ALIGN)
    cohort(here, "TERN staged", TERN)

    code, answer = claims("flow staged reaches 31.0 dB. It was so that flow staged beats TERN staged by 0.9 dB.")

    assert (code, verdicts(answer)) == (1, ["unsupported"] * 2)
    assert "2 usable seeds" in answer["claims"][0]["reason"] and answer["claims"][1]["p"] is None


def test_two_changed_factors_support_no_difference(here, claims):
    cohort(here, "flow staged", FLOW, ALIGN, put("config/optimizer/lr", 5e-4))
    cohort(here, "TERN staged", TERN)

    code, answer = claims("flow staged improves PSNR over TERN staged by 0.9 dB.")

    (claim,) = answer["claims"]
    assert (code, claim["verdict"], claim["design"]) == (1, "unsupported", "confounded")


def test_a_crashed_seed_is_not_forgotten(here, claims):
    cohort(here, "flow staged", (*FLOW, None), ALIGN)

    code, answer = claims("flow staged reaches 31.0 dB.")

    assert (code, verdicts(answer)) == (1, ["unsupported"]) and "survivors" in answer["claims"][0]["reason"]


def test_many_claimed_differences_are_a_family(here, claims):
    """Differences at p between .05 / 5 and .05 hold alone and not as one of five."""
    cohort(here, "TERN staged", (30.0, 30.2, 30.4))
    texts = []
    for index in range(5):
        values = [30.7 + v for v in (0.0, 0.2, 0.4)]
        cohort(here, f"variant {index}", values, put("config/model/width", 64 + index))
        texts.append(f"variant {index} is 0.7 dB above TERN staged.")

    alone, family = claims(texts[0])[1], claims("\n".join(texts))[1]

    # Welch by hand: t = 0.7 / (0.2 sqrt(2 / 3)) = 4.2866, df 4, p 0.0128; Holm over five 0.064.
    assert alone["claims"][0]["p"] == pytest.approx(0.01278, abs=1e-4)
    assert verdicts(alone) == ["supported"] and verdicts(family) == ["unsupported"] * 5
    assert family["claims"][0]["p_adjusted"] == pytest.approx(5 * alone["claims"][0]["p"])


def test_a_difference_that_is_said_twice_is_one_comparison(arms, claims):
    code, answer = claims("flow staged is 0.9 dB above TERN staged.\n\nTERN staged is 0.9 dB below flow staged.")

    assert (code, verdicts(answer)) == (0, ["supported"] * 2)
    assert all(claim["p_adjusted"] == pytest.approx(claim["p"], rel=1e-9) for claim in answer["claims"])


def test_arms_and_metrics_nobody_recorded_are_not_found(arms, claims):
    code, answer = claims(
        '<!-- runaudit: full_frame/psnr "U-Net" = 29.3 -->\n<!-- runaudit: full_frame/lpips "flow staged" = 0.1 -->\n\n'
        "| arm | full_frame/psnr |\n| --- | --- |\n| bicubic | 26.5 |\n"
    )

    assert (code, verdicts(answer)) == (1, ["not_found"] * 3)
    assert "no run matches 'U-Net'" in answer["claims"][0]["reason"]


def test_two_cohorts_of_one_label_are_told_apart_by_an_annotation(here, claims, runaudit):
    cohort(here, "flow staged", FLOW, ALIGN)
    cohort(here, "flow staged", TERN, ALIGN, put("config/batch_size", 4))
    ids = [c["id"] for c in json.loads(runaudit("list", "--json")[1])["cohorts"]]

    assert verdicts(claims("flow staged reaches 31.0 dB.")[1]) == ["not_found"]
    assert verdicts(claims(f'<!-- runaudit: full_frame/psnr "{ids[0]}" = 31.0 -->')[1]) == ["supported"]


def test_sequences_are_claims_of_their_own(here, claims):
    for seed, value in enumerate(FLOW):
        parts = {f"{METRIC}/camera": value + 1, f"{METRIC}/ihc": value - 1}
        sealed(here, put("seed", seed), put("label", "flow staged"), metrics=parts)

    code, answer = claims("On camera flow staged reaches 32.03 dB.\n\nflow staged reaches 31.03 dB.")

    assert (code, [c["metric"] for c in answer["claims"]]) == (0, [f"{METRIC}/camera", METRIC])


def test_nothing_understood_is_never_a_pass(arms, claims):
    code, answer = claims("flow staged has 3 stages and does not reach 31.0 dB.")

    assert (code, answer["claims"]) == (3, [])
    assert [row["number"] for row in answer["not_understood"]] == ["31.0 dB"]
    assert answer["numbers"] == {"understood": 0, "not_understood": 1, "about_something_else": 1}


def test_a_damaged_record_is_an_integrity_failure(arms, claims):
    entry = next(entry for entry in arms.entries() if entry.kind == "outcome")
    path = arms.object_path(entry.digest)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"completed", b"completee"))

    assert claims("flow staged reaches 31.0 dB.")[0] == 4


def test_a_checkpoint_chosen_on_the_reported_data_supports_no_mean(here, claims):
    cohort(here, "flow staged", FLOW, put("eval/selected_on", "test"))

    code, answer = claims("flow staged reaches 31.0 dB.")

    assert (code, "chosen on the very data" in answer["claims"][0]["reason"]) == (1, True)


def test_claims_are_no_looks_and_change_nothing(arms, claims):
    before = arms.log_path.read_bytes()

    claims("flow staged improves PSNR over TERN staged by 0.9 dB.")

    assert arms.log_path.read_bytes() == before


def test_text_and_markdown_tell_verdict_reason_and_what_was_not_understood(arms, runaudit, tmp_path):
    path = tmp_path / "draft.md"
    path.write_text("flow staged reaches 31.0 dB.\nflow staged gains about 1 dB over TERN staged.\n")

    code, text, _ = runaudit("claims", path)
    _, page, _ = runaudit("claims", path, "--format", "md")

    assert code == 0 and text.startswith("Supported: of 1 claim in ")
    assert "line 1  supported: flow staged, full_frame/psnr = 31.0 dB\n    the runs say 31.03 (3 usable seeds)" in text
    assert "- line 2, 1 dB: a bound or a rough figure is no exact number" in text
    assert "| 1 | flow staged, full\\_frame/psnr = 31.0 dB | supported |" in page


@pytest.mark.parametrize(
    ("text", "words", "code"),
    [(None, (), 2), ("<!-- runaudit: psnr flow = 3 -->", (), 2), (b"\xff\xfe", (), 2), ("", (), 3),
     ("", ("--exit-zero",), 0)],
)  # fmt: skip
def test_what_cannot_be_read_is_said_in_one_line(arms, runaudit, tmp_path, text, words, code):
    path = tmp_path / "draft.md"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    ended, _, err = runaudit("claims", path, *words)

    assert ended == code and err.count("\n") <= 1


def test_without_a_store_there_is_nothing_to_hold_a_claim_against(runaudit, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "draft.md").write_text("flow staged reaches 31.0 dB.")

    code, _, err = runaudit("claims", "draft.md", "--store", tmp_path / "none")

    assert code == 3 and "there is no runaudit store" in err
