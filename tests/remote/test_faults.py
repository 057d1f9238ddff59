"""Whatever lies at a remote or fails there: it is named, what is whole comes in, and nothing is half-visible."""

import errno
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from runaudit.errors import ConfigError, StoreError, UsageError
from runaudit.records.digest import digest_bytes
from runaudit.remote.address import address_of, shown_text
from runaudit.store.catalogue import run_ids
from runaudit.store.store import Store
from runaudit.store.verify import verify
from tests.remote.conftest import LATER, WHEN, a_run, kept

fsspec = pytest.importorskip("fsspec")
from fsspec.implementations.memory import MemoryFileSystem  # noqa: E402


class Faulty(MemoryFileSystem):
    """A disk elsewhere that moves what it wrote into place, and whose n-th write fails."""

    protocol = "faulty"
    store: dict = {}  # noqa: RUF012  (fsspec's own way)
    pseudo_dirs = [""]  # noqa: RUF012
    left, error = -1, errno.EIO

    @classmethod
    def _step(cls):
        cls.left -= 1
        if cls.left == -1:
            raise OSError(cls.error, "the other side failed")

    def pipe_file(self, path, value, **kwargs):
        self._step()
        super().pipe_file(path, value[: len(value) // 2], **kwargs)
        self._step()
        super().pipe_file(path, value, **kwargs)

    def put_file(self, lpath, rpath, **kwargs):
        self._step()
        return super().put_file(lpath, rpath, **kwargs)

    def mv(self, path1, path2, **kwargs):
        self._step()
        return super().mv(path1, path2, **kwargs)


fsspec.register_implementation("faulty", Faulty, clobber=True)


@pytest.fixture
def faulty():
    Faulty.store, Faulty.pseudo_dirs, Faulty.left = {}, [""], -1
    return "faulty://disk/runs"


def changed(path, raw):
    path.chmod(0o644)
    path.write_bytes(raw)


def test_after_a_fault_at_any_write_the_same_push_goes_on_and_what_is_told_is_whole(
    one, sent, fetched, faulty, tmp_path
):
    for number in range(200):
        Faulty.store, Faulty.pseudo_dirs, Faulty.left = {}, [""], number
        try:
            sent(one, to=faulty)
            is_done = Faulty.left >= 0
        except StoreError as error:
            is_done = False
            assert "cannot write to faulty://disk/runs" in error.message
        Faulty.left = -1
        torn = Store(tmp_path / f"torn {number}")
        if any("/pushes/" in name for name in Faulty.store):
            fetched(torn, of=faulty)
            assert verify(torn).problems == ()
        sent(one, to=faulty)
        whole = Store(tmp_path / f"whole {number}")
        assert set(fetched(whole, of=faulty).pulled) == set(run_ids(one)) and verify(whole).problems == ()
        if is_done:
            break
    assert number > 20 and is_done


def test_an_object_store_is_written_as_it_writes(one, other, sent, fetched):
    fsspec.filesystem("memory").store.clear()
    sent(one, to="memory://bucket/runs")

    assert fetched(other, of="memory://bucket/runs").pulled == run_ids(one)
    assert verify(other).problems == ()
    assert not any("/tmp/" in name for name in fsspec.filesystem("memory").store)
    assert "up to date" in sent(one, to="memory://bucket/runs", time=LATER).headline


def test_a_file_url_is_the_folder(one, other, sent, fetched, remote):
    sent(one, to=f"file://{remote}")
    assert fetched(other, of=remote).pulled == run_ids(one)


@pytest.mark.parametrize("how", ["flipped", "cut", "empty", "gone"])
@pytest.mark.parametrize("what", ["manifest", "outcome", "series", "checkpoint"])
def test_a_damaged_object_costs_the_runs_that_need_it_and_is_named(one, sent, fetched, remote, tmp_path, how, what):
    whole = a_run(one, 8, weights=b"of its own")
    bad = a_run(one, 9, weights=b"another")
    sent(one)
    digest = {
        "manifest": bad,
        "outcome": one.ending(f"sha256:{bad}").digest.hex,
        "series": json.loads(one.read(one.ending(f"sha256:{bad}").digest))["trajectory"]["digest"][7:],
        "checkpoint": digest_bytes(b"another").hex,
    }[what]
    place = remote / "objects" / "sha256" / digest[:2] / digest
    raw = place.read_bytes()
    changed(place, {"flipped": bytes([raw[0] ^ 1]) + raw[1:], "cut": raw[:-1], "empty": b"", "gone": b""}[how])
    if how == "gone":
        place.unlink()
    new = Store(tmp_path / "new")

    answer = fetched(new)

    left = {one.run: one for one in answer.left_out}
    assert answer.damaged and bad in left and left[bad].damaged and digest in left[bad].reason
    assert (whole in answer.pulled) is (what != "series")  # The series is one for all.
    assert bad not in run_ids(new) and not new.run_dir(bad).exists()
    assert verify(new).problems == ()
    changed(place, raw) if how != "gone" else place.write_bytes(raw)
    assert bad in fetched(new).pulled
    assert verify(new).problems == ()


def test_a_push_that_was_altered_tells_nothing_and_pushing_again_mends_it(one, other, sent, fetched, remote):
    sent(one)
    (push,) = (remote / "pushes").iterdir()
    changed(push, push.read_bytes().replace(b'"label":"a run"', b'"label":"a lie"'))

    answer = fetched(other)

    assert answer.pulled == () and [file for file, _ in answer.problems] == [f"pushes/{push.name}"]
    push.unlink()
    assert set(sent(one).pushed) == set(run_ids(one))
    assert set(fetched(other).pulled) == set(run_ids(one))


def forged(remote, change):
    """The push with its lines changed, under the name that its bytes then have."""
    (push,) = (remote / "pushes").iterdir()
    first, *rest = map(json.loads, push.read_text().splitlines())
    for line in rest:
        change(line)
    raw = b"".join(json.dumps(line).encode() + b"\n" for line in (first, *rest))
    push.unlink()
    (push.parent / f"20260102T000000Z-{digest_bytes(raw).hex[:16]}.jsonl").write_bytes(raw)


@pytest.mark.parametrize(
    "change",
    [
        lambda line: line["log"].pop(0),
        lambda line: line["log"].append({"kind": "gc", "digest": "sha256:" + "0" * 64, "subject": "x", "time": WHEN}),
        lambda line: line["log"][1].update(time="2020-01-01T00:00:00Z"),
        lambda line: line["log"][1].update(kind="note"),
        lambda line: line["log"][1].update(digest="sha256:../../../etc/passwd"),
        lambda line: line.update(run="0" * 64),
        lambda line: line.update(forgotten=[{"digest": line["log"][1]["digest"], "what": "x"}]),
        lambda line: line.update(log=[{"kind": 1, "digest": 2}]),
    ],
)  # fmt: skip
def test_whoever_forges_what_was_told_brings_nothing_in(one, other, sent, fetched, remote, change):
    sent(one)
    before = run_ids(other)
    forged(remote, change)

    answer = fetched(other)

    assert answer.damaged and answer.pulled == ()
    assert run_ids(other) == before and verify(other).problems == ()


def test_a_file_is_where_the_outcome_says_and_never_outside(one, other, sent, fetched, remote, tmp_path):
    """A record whose digest is right may still name a file that would lie elsewhere."""
    evil = Store.create(tmp_path / "evil" / ".runaudit")
    from runaudit.records.outcome import Outcome
    from tests.store.test_store import launch

    manifest = launch(evil, seed=1)
    entry = {"path": "../../../out", "digest": str(digest_bytes(b"x")), "size": 1, "kind": "best"}
    body = {"manifest": str(manifest.digest), "status": "completed", "checkpoints": [entry]}
    evil.seal_outcome(Outcome.of(body), time=WHEN)
    answer = sent(evil)
    assert answer.damaged and answer.pushed == ()


def test_two_that_push_at_once_lose_nothing(one, other, sent, fetched, tmp_path):
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(sent, [one, other]))
    third = Store(tmp_path / "third")

    assert set(fetched(third).pulled) == {*run_ids(one), *run_ids(other)}
    assert verify(third).problems == ()


def test_what_is_damaged_here_is_not_sent(one, sent, fetched, tmp_path):
    bad, good = run_ids(one)
    changed(one.run_dir(bad) / "checkpoints" / "best.pt", b"not what was sealed")

    answer = sent(one)

    assert answer.pushed == (good,) and answer.damaged and answer.left_out[0].run == bad
    assert fetched(Store(tmp_path / "new")).pulled == (good,)


def test_an_object_of_another_size_is_never_written_over(one, sent, remote):
    weights = digest_bytes(b"weights 0").hex
    place = remote / "objects" / "sha256" / weights[:2] / weights
    place.parent.mkdir(parents=True)
    (remote / "remote.json").write_text('{"schema": "runaudit.remote/1"}')
    place.write_bytes(b"torn")

    answer = sent(one)

    assert answer.damaged and weights in answer.left_out[0].reason and place.read_bytes() == b"torn"
    place.unlink()
    assert len(sent(one).pushed) == 1


SECRETS = ("hunter2secret", "joe")


@pytest.mark.parametrize(
    "typed",
    [
        "s3://joe:hunter2secret@bucket/runs",
        "ssh://joe:hunter2secret@host:22/runs",
        "ssh://joe:hunter2/secret@host/runs",
        "https://host/runs?token=hunter2secret",
        "s3://joe:hunter2secret@",
    ],
)  # fmt: skip
def test_an_address_is_shown_without_who_opens_it(typed):
    assert not any(secret in shown_text(typed) for secret in ("hunter2", "joe", "secret"))


def test_a_password_in_the_policy_is_refused_and_not_said():
    with pytest.raises(ConfigError) as raised:
        address_of("lab", {"lab": "s3://joe:hunter2secret@bucket/runs"})
    assert "hunter2" not in str(raised.value)
    assert address_of("lab", {"lab": "s3://bucket/runs"}).shown == "s3://bucket/runs"


def test_a_mistyped_name_makes_no_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="closest: 'lab'"):
        address_of("labb", {"lab": "s3://bucket/runs"})


def test_the_address_that_is_kept_holds_no_password(one, sent, fetched, tmp_path):
    fsspec.filesystem("memory").store.clear()
    typed = "memory://joe:hunter2secret@bucket/runs"
    sent(one, to=typed)
    new = Store(tmp_path / "new")
    fetched(new, of=typed)

    assert not any(b"hunter2" in raw for raw in kept(new.root).values())
