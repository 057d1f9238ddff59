"""What was forgotten is gone from every file, known to `verify`, and unknown wherever it is asked for: never equal."""

import json
from dataclasses import replace

import pytest

from runaudit.errors import IntegrityError, UsageError
from runaudit.factors.between import gaps_between
from runaudit.factors.gaps import gaps
from runaudit.factors.levels import levels
from runaudit.factors.together import beside
from runaudit.records.digest import Digest, digest_bytes
from runaudit.runs.forgetting import forget_named
from runaudit.runs.intake import take_bundles
from runaudit.runs.leaks import secrets_in
from runaudit.runs.reading import stored_cohorts
from runaudit.settings import Settings
from runaudit.store.bundle import export
from runaudit.store.catalogue import load, run_ids
from runaudit.store.doctor import examine
from runaudit.store.forget import Doomed, bury, forget
from runaudit.store.repair import mend
from runaudit.store.store import Store
from runaudit.store.tombstone import ForgottenError, told_elsewhere
from runaudit.store.unbundle import read_bundle
from runaudit.store.verify import verify

WHEN = "2026-05-06T07:08:09Z"
WHY = "a password was in it"
SECRET = "correct" + "horse" + "9battery"
SOURCE = f"password = {SECRET!r}\nN = 1\n".encode()
OTHER = SOURCE.replace(b"battery", b"staples")
SHARED = b"N = 2\n"


def entry(data: bytes) -> dict:
    return {"digest": str(digest_bytes(data)), "size": len(data)}


@pytest.fixture
def sealed(store, make_run, seal_run):
    """Two runs, each with a source that holds a secret and one that both have."""

    def run(seed: int, own: bytes):
        files = {"own.py": entry(own), "shared.py": entry(SHARED)}
        code = {"commit": "4f" * 20, "branch": "main", "dirty": False, "patch": None, "files": files}
        return seal_run(store, make_run(seed=seed, code=code), sources=(own, SHARED))

    return run(0, SOURCE), run(1, OTHER)


def everything(store: Store) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(store.root.rglob("*")) if path.is_file())


def test_the_bytes_are_gone_and_the_tombstone_says_what_lay_there(store, sealed):
    digest = digest_bytes(SOURCE)

    forget_named(store, Settings(), [f"sha256:{digest.hex[:12]}"], WHY, time=WHEN)

    assert SECRET not in forget_named(store, Settings(), [str(digest)], f"it said password={SECRET}", time=WHEN).reason
    stone = json.loads(store.object_path(digest).read_bytes())
    assert stone == {"schema": "runaudit.tombstone/1", "digest": str(digest), "size": len(SOURCE), "reason": WHY,
                     "what": "source own.py", "run": sealed[0].id, "time": WHEN}  # fmt: skip
    assert SOURCE not in everything(store)
    with pytest.raises(ForgottenError, match=r"source own.py of run .* was forgotten on 2026-05-06 \(a password"):
        store.read(digest)


def test_verify_knows_it_and_tells_it_from_damage(store, sealed):
    forget_named(store, Settings(), [str(digest_bytes(SOURCE))], WHY, time=WHEN)

    found = verify(store)

    assert found.problems == ()
    assert [text for text in found.remarks if "was forgotten on 2026-05-06" in text]
    stone = store.object_path(digest_bytes(SOURCE))
    stone.chmod(0o600)
    stone.write_bytes(stone.read_bytes().replace(b"password", b"passw0rd"))
    assert [problem.file for problem in verify(Store(store.root)).problems]
    with pytest.raises(IntegrityError):
        Store(store.root).read(digest_bytes(SOURCE))


def test_a_tombstone_that_the_log_does_not_know_is_damage(store, sealed, tmp_path):
    other = Store.create(tmp_path / "other")
    other.put(SOURCE)
    forget(other, [Doomed(digest=digest_bytes(SOURCE), what="object", run=None)], WHY, time=WHEN)
    path = store.object_path(digest_bytes(SOURCE))
    path.chmod(0o600)
    path.write_bytes(other.object_path(digest_bytes(SOURCE)).read_bytes())

    assert [problem.run for problem in verify(store).problems] == [sealed[0].id]


def test_what_was_forgotten_is_a_gap_of_its_run_alone(store, sealed):
    forget_named(store, Settings(), [str(digest_bytes(SOURCE))], WHY, time=WHEN)
    first, second = (load(store, run.id) for run in sealed)

    assert gaps(levels(first, Settings().factors), Settings().factors)["code.own.py"].startswith("forgotten on")
    assert "code.own.py" not in gaps(levels(second, Settings().factors), Settings().factors)
    assert first.trajectory.series and first.metrics


def test_a_whole_run_is_forgotten_with_what_is_its_own_and_stays_counted(store, sealed, here, runaudit):
    store.live_dir(sealed[0].id).mkdir(parents=True)
    (store.live_dir(sealed[0].id) / "ledger.jsonl").write_text(SECRET)

    done = forget_named(store, Settings(), [sealed[0].id], WHY, time=WHEN).done

    assert {row.what for row in done} == {"manifest", "outcome", "trajectory", "source own.py"}
    assert store.read(digest_bytes(SHARED)) == SHARED
    assert SOURCE not in everything(store)
    assert run_ids(store) == tuple(run.id for run in sealed)
    assert verify(store).problems == ()
    code, out, _ = runaudit("diff", sealed[0].id, sealed[1].id, "--store", store.root, "--json")
    assert (code, json.loads(out)["verdict"]) == (3, "provenance_incomplete")
    code, out, _ = runaudit("show", sealed[0].id, "--store", store.root, "--json")
    assert json.loads(out)["forgotten"]["manifest"].startswith("forgotten on 2026-05-06")
    code, _, err = runaudit("restore", sealed[0].id, "--to", here.root.parent / "x", "--store", store.root)
    assert code == 3 and "forgotten on 2026-05-06" in err
    code, out, _ = runaudit("export", sealed[0].id, "-o", here.root.parent / "x.run", "--store", store.root)
    assert code == 0 and "it holds that the launch counts" in out


@pytest.mark.parametrize("whose", [0, 1])
def test_a_run_is_not_forgotten_in_part_where_a_record_cannot_be_read(store, sealed, whose):
    outcome = next(line.digest for line in store.entries() if line.subject == f"sha256:{sealed[whose].id}"
                   and line.kind == "outcome")  # fmt: skip
    path = store.object_path(outcome)
    whole = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(whole[:-1])

    with pytest.raises(UsageError, match="own is not known, and nothing was forgotten"):
        forget_named(store, Settings(), [sealed[0].id], WHY, time=WHEN)
    assert store.forgotten() == {} and SOURCE in everything(store)

    path.write_bytes(whole)
    forget_named(store, Settings(), [sealed[0].id], WHY, time=WHEN)
    assert SOURCE not in everything(store)


def test_a_process_that_dies_after_it_told_the_log_is_ended_by_the_next(store, sealed, monkeypatch):
    monkeypatch.setattr("runaudit.store.forget.bury", lambda store: ())
    forget(store, [Doomed(digest=digest_bytes(SOURCE), what="source own.py", run=sealed[0].id)], WHY, time=WHEN)
    monkeypatch.undo()
    assert any("still lies there" in text for text in verify(store).remarks)

    assert any("taken away" in text for text in mend(store))

    assert SOURCE not in everything(store)
    assert bury(store) == () and verify(store).problems == ()


def test_the_same_bytes_are_not_taken_in_again(store, sealed):
    forget_named(store, Settings(), [str(digest_bytes(SOURCE))], WHY, time=WHEN)

    assert store.put(SOURCE) == digest_bytes(SOURCE)

    assert SOURCE not in everything(store)


def test_the_logs_own_account_and_a_reason_that_says_nothing_are_refused(store, sealed):
    forget_named(store, Settings(), [str(digest_bytes(SOURCE))], WHY, time=WHEN)
    event = next(one.digest for one in store.entries() if one.kind == "forget")

    with pytest.raises(UsageError, match="own account"):
        forget(store, [Doomed(digest=event, what="object", run=None)], WHY, time=WHEN)
    with pytest.raises(UsageError, match="no object"):
        forget(store, [Doomed(digest=Digest("sha256", "ab" * 32), what="object", run=None)], WHY, time=WHEN)
    with pytest.raises(UsageError, match="say why"):
        forget_named(store, Settings(), [sealed[0].id], " ", time=WHEN)


def test_an_old_store_is_read_again_and_nothing_is_named_but_the_place(store, sealed, make_run, seal_run):
    config = {"db": {"password": SECRET}, "lr": 1}
    old = seal_run(store, replace(make_run(seed=7, config=config, label=f"API_KEY={SECRET}")))
    (store.live_dir(old.id)).mkdir(parents=True)
    (store.live_dir(old.id) / "ledger.jsonl").write_text(f'{{"k":"note","text":"password={SECRET}"}}\n')

    found = list(secrets_in(store))

    said = json.dumps([[one.problem, one.file, one.remedy] for one in found])
    assert SECRET not in said
    assert {(one.run, one.problem.partition(":")[0]) for one in found} == {
        (sealed[0].id, "source own.py"), (sealed[1].id, "source own.py"), (old.id, "manifest"),
        (old.id, "a secret can be read, line 1 behind '{\"k\""),
    }  # fmt: skip
    assert next(one for one in found if "manifest" in one.problem).problem.endswith("config.db.password, label")
    assert all(one.kind == "damage" for one in examine(store)) or not examine(store)
    for one in found:
        if "forget sha256" in one.remedy:
            forget_named(store, Settings(), [one.remedy.split()[2]], WHY, time=WHEN)
    assert [one.file for one in secrets_in(store)] == [f"live/{old.id}/ledger.jsonl"]


def test_doctor_names_what_to_forget_and_exits_with_1(store, sealed, runaudit):
    code, out, _ = runaudit("doctor", "--secrets", "--json", "--store", store.root)

    answer = json.loads(out)
    assert (code, answer["verdict"]) == (1, "exposed")
    words = answer["found"][0]["remedy"].split()
    assert words[:2] == ["runaudit", "forget"]
    assert runaudit("forget", words[2], "--reason", WHY, "--store", store.root)[0] == 0
    assert runaudit("doctor", "--store", store.root)[0] == 0


def test_doctor_says_of_secrets_only_what_it_looked_for(here, make_run, seal_run, runaudit, monkeypatch):
    seal_run(here, make_run(seed=1))

    plain, looked = runaudit("doctor")[1], runaudit("doctor", "--secrets")[1]
    assert plain == "the store is whole\n" and looked == "the store is whole; no secret was found\n"
    assert json.loads(runaudit("doctor", "--json")[1])["looked_for_secrets"] is False
    monkeypatch.setattr("runaudit.runs.leaks.MANY", 10)
    large = sum(1 for _ in (here.root / "objects" / "sha256").glob("??/*"))
    assert f"no secret was found ({large} large objects not read)" in runaudit("doctor", "--secrets")[1]


def put_aside(store: Store, data: bytes) -> None:
    """What a repair does about an object that was damaged while a good copy lay elsewhere."""
    path = store.object_path(digest_bytes(data))
    path.chmod(0o600)
    path.write_bytes(data + b"#")
    store.put(data)
    assert (store.root / "aside").is_dir()


def test_what_was_put_aside_is_read_for_secrets_and_goes_with_what_is_forgotten(store, sealed):
    put_aside(store, SOURCE)
    (store.root / "aside" / "a second copy").write_bytes(SOURCE)
    (store.root / "aside" / "another").write_bytes(b"innocent")

    named = [one for one in secrets_in(store) if one.file.startswith("aside/")]
    assert [one.run for one in named if one.run] == [sealed[0].id] and len(named) == 2
    assert all(one.remedy.startswith("rm ") and SECRET not in one.problem for one in named)

    forget_named(store, Settings(), [str(digest_bytes(SOURCE))], WHY, time=WHEN)

    assert SECRET.encode() not in everything(store)
    assert [path.name for path in (store.root / "aside").iterdir()] == ["another"]
    assert verify(store).problems == ()


@pytest.fixture
def carried(store, tmp_path):
    """Export a run from `store` and take it into another."""

    def carry(run: str, other: Store) -> tuple[str, ...]:
        bundle = tmp_path / f"{len(list(tmp_path.glob('*.run')))}.run"
        export(store, [run], bundle)
        assert SECRET.encode() not in bundle.read_bytes() or str(digest_bytes(SOURCE)) not in store.forgotten()
        _, skipped = take_bundles([bundle], lambda: other, Settings())
        return tuple(one.reason for one in skipped)

    return carry


def test_what_was_forgotten_stays_so_in_every_store_it_goes_to(store, sealed, carried, tmp_path):
    forget_named(store, Settings(), [str(digest_bytes(SOURCE))], WHY, time=WHEN)
    other = Store.create(tmp_path / "other")

    assert carried(sealed[0].id, other) == ()

    assert SOURCE not in everything(other) and run_ids(other) == (sealed[0].id,)
    found = verify(other)
    assert found.problems == () and any("source own.py" in one and f"({WHY})" in one for one in found.remarks)
    with pytest.raises(ForgottenError):
        other.read(digest_bytes(SOURCE))
    assert load(other, sealed[0].id).metrics == load(store, sealed[0].id).metrics
    export(other, [sealed[0].id], tmp_path / "again")  # and on
    assert [row.digest for row in read_bundle(tmp_path / "again").forgotten] == [str(digest_bytes(SOURCE))]


@pytest.mark.parametrize("what", ["run", "manifest", "outcome"])
def test_a_forgotten_run_goes_along_as_a_launch_that_counts(store, sealed, carried, tmp_path, what):
    """Else a bundle would drop the launches of which somebody wants nothing known, and the others look better."""
    entries = {entry.kind: str(entry.digest) for entry in store.entries() if entry.subject == f"sha256:{sealed[0].id}"}
    forget_named(store, Settings(), [sealed[0].id if what == "run" else entries[what]], WHY, time=WHEN)
    ours = stored_cohorts(store, Settings())
    other, third = Store.create(tmp_path / "other"), Store.create(tmp_path / "third")

    export(store, [run.id for run in sealed], tmp_path / "both")
    take_bundles([tmp_path / "both"], lambda: other, Settings())
    export(other, run_ids(other), tmp_path / "again")
    take_bundles([tmp_path / "again"], lambda: third, Settings())

    for place in (other, third):
        assert SOURCE not in everything(place) or what != "run"
        assert run_ids(place) == run_ids(store)
        theirs = stored_cohorts(place, Settings())
        assert [(one.id, one.n, [run.status for run in one.runs]) for one in theirs] == [
            (one.id, one.n, [run.status for run in one.runs]) for one in ours
        ]
        found = verify(place)
        assert found.problems == () and any(f"({WHY})" in one for one in found.remarks)
        assert load(place, sealed[0].id).withheld


def test_a_run_that_another_store_forgot_is_whole_again_where_somebody_sends_it_whole(store, sealed, tmp_path):
    export(store, [sealed[0].id], tmp_path / "whole")
    forget_named(store, Settings(), [sealed[0].id], WHY, time=WHEN)
    export(store, [sealed[0].id], tmp_path / "gone")
    other = Store.create(tmp_path / "other")
    take_bundles([tmp_path / "gone"], lambda: other, Settings())

    take_bundles([tmp_path / "whole"], lambda: other, Settings())

    assert load(other, sealed[0].id).metrics == sealed[0].metrics
    assert run_ids(other) == (sealed[0].id,) and other.forgotten() == {} and verify(other).problems == ()


def test_what_another_store_forgot_is_whole_again_where_somebody_here_has_it(store, sealed, carried, tmp_path):
    """Else one forgotten file, even a stranger's, would leave every later run of this store incomplete for ever."""
    forget_named(store, Settings(), [str(digest_bytes(SHARED))], WHY, time=WHEN)
    other = Store.create(tmp_path / "other")
    carried(sealed[0].id, other)
    assert load(other, sealed[0].id).forgotten

    other.put(SHARED)

    assert other.read(digest_bytes(SHARED)) == SHARED and not load(other, sealed[0].id).forgotten
    assert not bury(other) and verify(other).problems == ()
    store.put(SHARED)
    assert SHARED not in everything(store)  # What was forgotten here stays so.


def test_two_runs_of_one_forgotten_file_are_known_to_have_had_the_same(store, sealed):
    forget_named(store, Settings(), [str(digest_bytes(SHARED))], WHY, time=WHEN)
    a, b = (load(store, one.id) for one in sealed)

    policy = Settings().factors
    found = gaps_between(beside(levels(a, policy), levels(b, policy), policy), with_status=False)

    assert "code.shared.py" in a.forgotten and not [gap for gap in found if gap.path == "code.shared.py"]


def test_an_older_bundle_does_not_bring_it_back(store, sealed, tmp_path):
    export(store, [sealed[0].id], tmp_path / "old")
    other = Store.create(tmp_path / "other")
    take_bundles([tmp_path / "old"], lambda: other, Settings())
    forget_named(other, Settings(), [str(digest_bytes(SOURCE))], WHY, time=WHEN)

    take_bundles([tmp_path / "old"], lambda: other, Settings())

    assert SOURCE not in everything(other) and verify(other).problems == ()


def test_a_run_that_was_forgotten_here_stays_out_for_that_reason(store, sealed, tmp_path):
    """Told to be imported already, it would be looked for in vain."""
    export(store, [sealed[0].id], tmp_path / "old")
    forget_named(store, Settings(), [sealed[0].id], WHY, time=WHEN)

    _, skipped = take_bundles([tmp_path / "old"], lambda: store, Settings())

    (reason,) = {one.reason for one in skipped}
    assert "was forgotten on" in reason and WHY in reason and reason.endswith("here, and stays out")


def test_a_bundle_takes_nothing_away_that_lies_here(store, sealed, carried, tmp_path):
    """Else whoever sends a bundle could have this store forget its own runs."""
    other = Store.create(tmp_path / "other")
    assert carried(sealed[0].id, other) == ()
    forget_named(store, Settings(), [str(digest_bytes(SOURCE))], WHY, time=WHEN)

    said = carried(sealed[0].id, other)

    assert other.read(digest_bytes(SOURCE)) == SOURCE and other.forgotten() == {}
    assert any(f"lies here: runaudit forget {digest_bytes(SOURCE)} --reason" in one for one in said)


@pytest.mark.parametrize(
    "change",
    [
        {"size": "1"},
        {"size": -1},
        {"time": "never"},
        {"what": ""},
        {"run": "me"},
        {"elsewhere": False},
        {"digest": "sha256:x"},
        {"reason": 3},
        {"more": 1},
        {"digest": f"sha256:{'0' * 64}"},
    ],
)
def test_a_bundle_that_says_something_else_was_forgotten_is_refused(store, sealed, tmp_path, monkeypatch, change):
    forget_named(store, Settings(), [str(digest_bytes(SOURCE))], WHY, time=WHEN)
    monkeypatch.setattr("runaudit.store.bundle.told_elsewhere", lambda row: told_elsewhere(row) | change)
    export(store, [sealed[0].id], tmp_path / "b")

    with pytest.raises(IntegrityError, match="nothing was imported"):
        read_bundle(tmp_path / "b")
