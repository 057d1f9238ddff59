"""Which runs of a cohort are one draw, however many pairs of them are asked."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from runaudit.factors.cohort import Cohort
from tests.diff.samples import run as recorded

ENOUGH = (0.123456789, 1.23456789, 12.3456789)
RUNS = st.fixed_dictionaries(
    {
        "seed": st.sampled_from([0, 1, 2, 1.0, True, None, "1"]),
        "proof": st.sampled_from([None, "a", "b"]),
        "result": st.sampled_from(ENOUGH),
        "argv": st.sampled_from([["train.py", "--lr", "1"], ["train.py", "--lr", "2"]]),
        "seeded": st.sampled_from([None, 7, 8]),
    }
)


def made(rows):
    """Runs that say no more than this of their draw."""

    def as_said(row, number):
        def change(record):
            record["seed"] = row["seed"]
            record["runtime"] = {"status": "completed", "started": f"2026-01-01T00:00:{number:02d}Z"}
            record["metrics"] = {"val/psnr": row["result"], "val/ssim": 1 / row["result"]}
            record["series"] = {}
            record["observed"] = {"level": "full", "argv": row["argv"]}
            if row["seeded"] is not None:
                record["observed"]["seeded"] = [{"call": "random.seed", "value": row["seeded"]}]

        found = recorded(change)
        proof = {} if row["proof"] is None else {"seed_proof": {"init": row["proof"]}}
        body = {**found.manifest.body, "init": {"kind": "random"}, **proof}
        return replace(found, manifest=replace(found.manifest, body=body, sealed=None, held=None))

    return tuple(as_said(row, number) for number, row in enumerate(rows))


def are_one_draw(a, b):
    """Whether two of these runs are one draw, as the rule has it of any pair."""
    both = a["proof"] is not None and b["proof"] is not None
    if both and a["proof"] == b["proof"]:
        return True
    told_apart = both and a["seed"] is None
    alike = a["seeded"] is not None and a["seeded"] == b["seeded"] and a["seed"] != b["seed"] and not both
    by_start = not told_apart and (a["seed"] == b["seed"] or (alike and a["argv"] == b["argv"]))
    return by_start or a["result"] == b["result"]


@settings(max_examples=100, deadline=None)
@given(st.lists(RUNS, min_size=2, max_size=7))
def test_runs_are_one_draw_where_a_chain_of_pairs_leads_from_one_to_the_other(rows):
    groups = []
    for number, row in enumerate(rows):
        hit = [group for group in groups if any(are_one_draw(row, rows[other]) for other in group)]
        groups = [group for group in groups if group not in hit] + [[*(n for group in hit for n in group), number]]
    runs = made(rows)
    found = Cohort(id="x", label="x", runs=runs).replicates
    assert [[run.id for run in group] for group in found] == [[runs[n].id for n in group] for group in groups]


def test_seeds_of_their_own_are_as_many_draws_without_a_question_of_each_pair(monkeypatch):
    asked = []
    monkeypatch.setattr(Cohort, "_are_one_draw", lambda _, a, b: asked.append((a, b)) or False)
    rows = [{"seed": n, "proof": None, "result": n + 0.123456789, "argv": ["a"], "seeded": None} for n in range(50)]
    assert Cohort(id="x", label="x", runs=made(rows)).effective_n == 50
    assert not asked
