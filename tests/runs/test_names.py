"""One resolver of the words that name runs: every command gives a word one meaning, and an unknown one its nearest."""

import pytest

from runaudit.cli.app import main
from runaudit.errors import UsageError
from runaudit.runs.arms import cohorts_with
from runaudit.runs.names import Names, baseline_named, find_run, ids_named, runs_named
from runaudit.runs.reading import stored_cohorts
from runaudit.settings import Settings
from runaudit.store.store import Store
from tests.cli.recorded import METRIC, cohort, sealed
from tests.cli.test_names import repeat
from tests.diff.samples import put
from tests.store.test_store import launch

LR = put("config/optimizer/lr", 5e-4)
ONE_RUN = {
    "show": ["show", "{}"],
    "restore": ["restore", "{}", "--to", "copy"],
    "rerun": ["rerun", "{}"],
    "seal": ["seal", "{}"],
    "path": ["path", "{}"],
    "annotate": ["annotate", "{}", "a note"],
}
RUNS = {
    "diff": ["diff", "{}", "alone"],
    "study": ["study", "{}", "alone"],
    "stats": ["stats", "--metric", METRIC, "{}", "--vs", "alone", "--direction", "higher"],
    "plan": ["plan", "--metric", METRIC, "{}", "--effect", "0.5"],
    "report": ["report", "{}", "-o", "page.html"],
    "verify": ["verify", "{}"],
    "archive": ["archive", "{}"],
    "export": ["export", "{}", "-o", "runs.bundle"],
    "guard": ["guard", "--label", "new", "--baseline", "{}", "--", "true"],
}
COMMANDS = ONE_RUN | RUNS


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """Two cohorts, of which one has a repetition; and what each word must name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RUNAUDIT_STORE", raising=False)
    store = Store.create(tmp_path / ".runaudit")
    big = cohort(store, "big", [31.02, 31.29, 31.16], LR)
    alone = sealed(store, put("seed", 1), put("label", "alone"), metrics={METRIC: 30.0})
    again = repeat(store, big[-1], metrics={METRIC: 31.16})
    group = next(group for group in stored_cohorts(store, Settings()) if group.n == 4)
    whole = (*big, again)
    return {
        big[0]: (big[0],),
        big[1][:7]: (big[1],),
        "alone": (alone,),
        "@last": (again,),
        "@last~1": (alone,),
        f"{big[0][:8]},{big[2][:8]}": (big[0], big[2]),
        "big": whole,
        group.id: whole,
        group.id[:4]: whole,
        "big,alone": (*whole, alone),
    }


@pytest.mark.parametrize("command", COMMANDS)
def test_a_word_has_one_meaning_whatever_the_command(stored, command, monkeypatch, capsys):
    found = {}
    find = Names.find

    def heard(self, word, **more):
        found[word] = find(self, word, **more)
        return found[word]

    monkeypatch.setattr(Names, "find", heard)
    for word, ids in stored.items():
        found.clear()
        with pytest.raises(SystemExit) as ended:
            main([part.format(word) for part in COMMANDS[command]])
        err = capsys.readouterr().err
        # A list may be taken apart before its words are looked up.
        parts = [word] if word in found else word.split(",")
        assert tuple(run for part in parts for run in found[part]) == ids, (command, word)
        if command in ONE_RUN and len(ids) > 1:
            assert (ended.value.code, f"names {len(ids)} runs: {ids[0][:12]}" in err) == (2, True)


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unknown_word_gives_the_nearest_names_whatever_the_command(stored, command, capsys):
    assert stored
    with pytest.raises(SystemExit) as ended:
        main([part.format("alnoe") for part in COMMANDS[command]])

    assert ended.value.code == 2
    assert "no run matches 'alnoe' (closest: 'alone')" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [("path",), ("annotate", "kept"), ("archive",), ("watch", "--once")], ids=lambda w: w[0]
)
def test_a_record_file_where_a_run_of_the_store_is_asked_for_is_told_how_it_gets_there(stored, words, tmp_path, capsys):
    assert stored
    file = tmp_path / "one run.json"
    file.write_text('{"schema": "runaudit.record/1", "label": "filed", "seed": 1, "config": {"lr": 1}}')
    with pytest.raises(SystemExit) as ended:
        main([words[0], str(file), *words[1:]])

    assert ended.value.code == 2
    assert f"`runaudit import record '{file}'` takes its run in" in capsys.readouterr().err


def test_the_words_of_python_are_those_of_the_command_line(stored):
    for word, ids in stored.items():
        if len(ids) == 1:
            assert find_run(word)[0] == ids[0]
        else:
            with pytest.raises(UsageError, match=f"names {len(ids)} runs"):
                find_run(word)


def test_a_baseline_of_several_designs_is_its_newest_run_of_this_seed(store):
    ids = [launch(store, seed=seed, label="base", config={"lr": lr}).id for lr in (0.1, 0.2) for seed in (1, 2)]

    assert baseline_named(store, Settings(), "base", seed=1).id == ids[2]
    assert baseline_named(store, Settings(), "base", seed=9).id == ids[3]
    with pytest.raises(UsageError, match="2 designs"):
        ids_named(store, Settings(), "base")


def test_a_run_is_named_by_prefix_label_or_place(store, names):
    first = launch(store, seed=0, label="first")
    second = launch(store, seed=1, label="second")
    assert names(first.id[:6]) == (first.id,)
    assert names("second") == (second.id,)
    assert names("@last") == (second.id,)
    assert names("@last~1") == (first.id,)
    assert names("first,second") == (first.id, second.id)


def test_an_unknown_run_lists_the_nearest(store, names):
    launch(store, label="testing GeLU")
    with pytest.raises(UsageError, match="closest: 'testing GeLU'"):
        names("testing GELU")


def test_a_label_of_several_runs_of_several_designs_is_ambiguous(store, names):
    ids = [launch(store, config={"lr": lr}, label="same").id for lr in (0.1, 0.2)]
    with pytest.raises(UsageError, match="2 runs labelled 'same'"):
        names("same")
    assert names("same", any_design=True) == tuple(ids)


def test_a_label_of_a_whole_cohort_names_it(store, names):
    ids = tuple(launch(store, seed=seed, label="same").id for seed in range(2))
    assert names("same") == ids


def test_a_label_with_a_comma_names_its_run_and_is_no_list(store, names):
    manifest = launch(store, label="flow, staged")
    launch(store, seed=1, label="flow")
    assert names("flow, staged") == (manifest.id,)


def test_words_mean_the_same_with_the_index_and_without_it(store, monkeypatch):
    ids = [launch(store, seed=seed, label=f"base seed {seed}", config={"lr": 0.1}).id for seed in (1, 2)]
    ids += [launch(store, seed=seed, label="same", config={"lr": 0.2}).id for seed in (1, 2)]
    again = launch(
        store, seed=2, label="once more", config={"lr": 0.2}, origin={"kind": "captured", "rerun_of": ids[3]}
    )
    home = stored_cohorts(store, Settings())[1].id
    words = ["same", "base", "base seed 2", home, home[:6], "@last", "@last~2", ids[0][:8], "same,base seed 1"]

    def all_meanings():
        return [ids_named(store, Settings(), word) for word in words]

    indexed = all_meanings()
    assert indexed[0] == (ids[2], ids[3], again.id) and indexed[1] == tuple(ids[:2])
    assert (store.root / "cache" / "list.sqlite").exists()
    monkeypatch.setattr("runaudit.runs.names.held", lambda *_: None)
    monkeypatch.setattr("runaudit.runs.names.current", lambda *_: None)
    assert all_meanings() == indexed


def test_runs_that_are_named_are_read_and_no_others(store, monkeypatch):
    ids = [launch(store, seed=seed, label=label).id for label in ("one", "two") for seed in (1, 2)]
    ids_named(store, Settings(), "one")
    read = []
    monkeypatch.setattr(
        Store, "read", lambda self, digest, whole=Store.read: read.append(digest.hex) or whole(self, digest)
    )
    monkeypatch.setattr(Store, "entries", None)

    assert [run.id for run in runs_named(Store.open(store.root), Settings(), "two")] == ids[2:]
    assert set(read) == set(ids[2:])


def test_a_word_that_is_no_text_names_no_run(store, names):
    launch(store, label="first")
    with pytest.raises(UsageError, match="no run matches"):
        names("\udcff")


def test_the_cohorts_of_some_runs_are_whole_and_no_other_run_is_read_for_them(store, monkeypatch):
    ids = [launch(store, seed=seed, label=f"lr {lr}", config={"lr": lr}).id for lr in (0.1, 0.2) for seed in (1, 2, 3)]
    whole = cohorts_with(store, Settings(), [ids[4], ids[3]])
    read = []
    seen = Store.read
    monkeypatch.setattr(Store, "read", lambda self, digest: read.append(digest.hex) or seen(self, digest))

    assert [[run.id for run in cohort.runs] for cohort in whole] == [ids[3:]]
    assert whole[0].id == stored_cohorts(store, Settings())[1].id
    read.clear()
    cohorts_with(Store.open(store.root), Settings(), ids[:1])
    assert set(read) == set(ids[:3])
