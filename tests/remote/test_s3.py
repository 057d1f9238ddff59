"""The same over S3, against a server of its own that speaks it (moto's); skipped where that is not installed."""

import itertools
import os

import pytest

pytest.importorskip("s3fs", reason="pip install s3fs 'moto[server]': the tests over S3")
moto_server = pytest.importorskip("moto.server", reason="pip install s3fs 'moto[server]': the tests over S3")

from runaudit.store.catalogue import run_ids  # noqa: E402
from runaudit.store.store import Store  # noqa: E402
from runaudit.store.verify import verify  # noqa: E402
from tests.remote.conftest import LATER, a_run  # noqa: E402

_NUMBERS = itertools.count()


@pytest.fixture
def bucket(monkeypatch):
    """A bucket of a server on this machine; the keys and the place are the environment's, as for any other."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "k",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("FSSPEC_S3_ENDPOINT_URL", os.environ["AWS_ENDPOINT_URL"])
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    name = f"bucket-{next(_NUMBERS)}"  # The server's state is the process's.
    s3fs.S3FileSystem(endpoint_url=os.environ["AWS_ENDPOINT_URL"]).mkdir(name)
    yield f"s3://{name}/runs"
    server.stop()
    s3fs.S3FileSystem.clear_instance_cache()


def test_runs_go_to_s3_and_come_back(one, other, sent, fetched, bucket, tmp_path):
    assert sent(one, to=bucket).pushed == run_ids(one)
    assert "up to date" in sent(one, to=bucket, time=LATER).headline
    sent(other, to=bucket)
    late = a_run(one, 5)
    assert sent(one, to=bucket, time=LATER).pushed == (late,)
    new = Store(tmp_path / "new")

    assert set(fetched(new, of=bucket).pulled) == {*run_ids(one), *run_ids(other)}
    assert verify(new).problems == ()


def test_what_lies_damaged_in_a_bucket_is_named(one, sent, fetched, bucket, tmp_path):
    import s3fs

    bad = run_ids(one)[0]
    sent(one, to=bucket)
    s3fs.S3FileSystem(endpoint_url=os.environ["AWS_ENDPOINT_URL"]).pipe_file(
        f"{bucket[5:]}/objects/sha256/{bad[:2]}/{bad}", b"x"
    )

    answer = fetched(Store(tmp_path / "new"), of=bucket)

    assert [one.run for one in answer.left_out] == [bad] and answer.damaged


def test_a_bucket_that_is_not_there_is_said_so(one, sent, bucket):
    from runaudit.errors import StoreError

    with pytest.raises(StoreError, match="s3://nowhere/runs"):
        sent(one, to="s3://nowhere/runs")
