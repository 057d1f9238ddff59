"""What is done with a run after its end leaves its record, its id and every count as they were."""

import json

from runaudit.store.catalogue import load, run_ids
from runaudit.store.remarks import archived, notes
from tests.cli.recorded import METRIC, cohort

SECRET = "ghp_" + "a1B2" * 9


def test_a_note_is_kept_beside_the_record_and_shown_and_a_secret_in_it_is_not(here, runaudit):
    (run,) = cohort(here, "alone", [30.0])
    before = load(here, run)

    assert runaudit("annotate", "alone", f"pushed with {SECRET}; the fan was loud")[0] == 0
    assert runaudit("annotate", "@last", "second thought")[0] == 0

    assert load(here, run).manifest == before.manifest and load(here, run).outcome == before.outcome
    shown = runaudit("show", "alone")[1]
    assert "the fan was loud" in shown and "second thought" in shown
    assert SECRET not in shown and not any(
        SECRET.encode() in path.read_bytes() for path in here.root.rglob("*") if path.is_file()
    )
    assert runaudit("verify")[0] == 0
    assert len(notes(here, run)) == 2
    assert runaudit("annotate", "alone", "  ")[0] == 2


def test_an_archived_run_is_still_counted(here, runaudit):
    ids = cohort(here, "big", [31.0, 31.2, 31.4])
    words = ("stats", "--metric", METRIC, "big", "--vs", "big", "--direction", "higher", "--json")
    before = runaudit(*words)[:2]

    code, out, _ = runaudit("archive", "big", "--json")

    assert (code, json.loads(out)["changed"]) == (0, ids)
    assert archived(here) == set(ids) and list(run_ids(here)) == ids
    assert runaudit(*words)[:2] == before
    assert (
        runaudit("list", "--all")[2] == f"archived among them: {', '.join(i[:12] for i in ids[:2])} and {ids[2][:12]}\n"
    )
    assert "\narchived" in runaudit("show", ids[0])[1]
    assert "nothing changed: 1 run was archived before" in runaudit("archive", ids[0])[1]
    assert runaudit("archive", "big", "--undo")[0] == 0
    assert archived(here) == frozenset() and "\narchived" not in runaudit("show", ids[0])[1]
    assert runaudit("verify")[0] == 0


def test_nothing_is_put_away_where_one_of_the_words_is_unknown(here, runaudit):
    cohort(here, "big", [31.0, 31.2])

    assert runaudit("archive", "big", "nobody")[0] == 2
    assert archived(here) == frozenset()


def test_a_path_is_printed_alone_and_never_leads_out_of_the_folder(here, runaudit):
    (run,) = cohort(here, "alone", [30.0])
    assert runaudit("path", "alone")[0] == 2
    folder = here.run_dir(run)
    for name in ("best.pt", "a/last.pt", "b/last.pt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")

    assert runaudit("path", "alone") == (0, f"{folder.absolute()}\n", "")
    assert runaudit("path", "alone", "best.pt")[1] == f"{folder.absolute() / 'best.pt'}\n"
    assert runaudit("path", "alone", "a/last.pt")[1] == f"{folder.absolute() / 'a/last.pt'}\n"
    code, _, err = runaudit("path", "alone", "last.pt")
    assert code == 2 and "fits 2 files of run" in err
    for name in ("../../store.json", str(here.root / "store.json"), "none.pt", ""):
        assert runaudit("path", "alone", name)[0] == 2


def test_a_bundle_goes_from_store_to_store_and_is_refused_where_it_was_altered(here, runaudit, tmp_path):
    ids = cohort(here, "big", [31.0, 31.2, 31.4])
    assert runaudit("annotate", ids[0], "kept")[0] == 0
    code, out, _ = runaudit("export", "big", "-o", "big.bundle", "--json")
    assert (code, json.loads(out)["runs"]) == (0, ids)

    code, out, _ = runaudit("import", "big.bundle", "--store", tmp_path / "other", "--json")

    assert (code, [row["id"] for row in json.loads(out)["imported"]]) == (0, ids)
    assert runaudit("verify", "--store", tmp_path / "other")[0] == 0
    assert "kept" in runaudit("show", ids[0], "--store", tmp_path / "other")[1]
    for kind in ("bundle", "auto"):
        again = runaudit("import", kind, "big.bundle", "--store", tmp_path / "other")
        assert again[0] == 0 and "already imported" in again[1]
    raw = bytearray((tmp_path / "big.bundle").read_bytes())
    raw[len(raw) // 2] ^= 1
    (tmp_path / "big.bundle").write_bytes(raw)
    assert runaudit("import", "big.bundle", "--store", tmp_path / "third")[0] == 4
    assert not (tmp_path / "third").exists()
    assert runaudit("import", "record")[0] == 2
