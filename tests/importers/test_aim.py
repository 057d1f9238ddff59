"""Aim's repositories are told, never made up, and never written to."""

from tests.importers.reading import runs_in


def repository(base, runs=2):
    for number in range(runs):
        chunk = base / ".aim" / "meta" / "chunks" / f"{number:024x}"
        chunk.mkdir(parents=True)
        (chunk / "000009.sst").write_bytes(b"\0" * 64)
    return base


def test_a_repository_is_told_with_its_runs_and_the_way_to_bring_them_in(tmp_path):
    before = sorted(repository(tmp_path).rglob("*"))

    for path in (tmp_path, tmp_path / ".aim"):
        runs, skipped = runs_in(path, "aim")
        assert runs == ()
        assert "2 runs of Aim in RocksDB" in skipped[0].reason
        assert "runaudit import record FILE" in skipped[0].reason
    assert sorted(tmp_path.rglob("*")) == before


def test_other_runs_beside_a_repository_come_in(tmp_path):
    repository(tmp_path)
    (tmp_path / "ppo").mkdir()
    (tmp_path / "ppo" / "progress.csv").write_text("step,x\n0,1\n")

    runs, skipped = runs_in(tmp_path, "auto")

    assert [one.run.manifest.section("origin")["kind"] for one in runs] == ["openai-log"]
    assert "RocksDB" in skipped[0].reason
