"""What a run was seen to use decides what counts: observed beats declared, and what was not observed is unknown."""

import pytest

from runaudit.diff import compare, compare_cohorts, compare_designs
from runaudit.factors.cohort import cohort_of, cohorts
from runaudit.records.digest import Digest, FileEntry, digest_tree
from runaudit.records.run import Run
from runaudit.settings import Settings
from tests.diff.seen import MAIN, TREE, captured, changed_tree, read, seen, sha


def diff(a, b):
    return compare(a, b, settings=Settings())


def factors(a, b):
    return [row.factor for row in diff(a, b).factors]


def gaps(a, b):
    return [row.factor for row in diff(a, b).missing]


def verdict(a, b):
    return str(diff(a, b).verdict)


def why(a, b, path):
    return next(row.why for row in diff(a, b).nuisance if row.path == path)


READ_FILES = {
    "by a name in bytes that is no UTF-8": "/data/caf\\xe9.csv",
    "relative to an open folder": "/data/inner/x.csv",
    "after a change of folder": "/elsewhere/x.csv",
    "parquet": "/data/part-0.parquet",
    "of a glob": "/data/b.csv",
    "HDF5": "/data/x.h5",
    "an image": "/data/1.png",
    "by a worker": "/data/worker.bin",
    "before a kill": "/data/early.csv",
    "within site-packages": "/venv/lib/python3.11/site-packages/own/table.csv",
    "in shared memory": "/dev/shm/x.bin",
    "beside a folder of like name": "/home/u/v_data/x.csv",
}


@pytest.mark.parametrize("path", READ_FILES.values(), ids=READ_FILES)
def test_a_file_that_was_read_and_not_declared_is_a_factor(path):
    a, b = captured(seen(read(path, "1"))), captured(seen(read(path, "2")))

    assert factors(a, b) == [f"data['{path}']".replace("\\", "\\\\")]
    assert verdict(a, b) == "single_factor"


def test_weights_that_were_read_are_a_start_of_their_own():
    a, b = (captured(seen(read("/w.safetensors", text, "weights"))) for text in "12")

    assert factors(a, b) == ["init['/w.safetensors']"]


def test_a_module_that_git_ignores_counts_by_its_content():
    a, b = (captured(seen(read("local_settings.py", f"B = {n}\n", "code"))) for n in (1, 2))

    assert factors(a, b) == ["code.local_settings.py"]


def test_code_reached_by_a_link_counts():
    a, b = (captured(seen(read("/shared lib/net2.py", f"W = {n}\n", "code"))) for n in (1, 2))

    assert factors(a, b) == ["code./shared lib/net2.py"]


def test_a_variable_that_was_looked_up_counts():
    a, b = (captured(seen(looked_up={"EPOCHS": value})) for value in ("1", "50"))

    assert factors(a, b) == ["env.variables.EPOCHS"]


def test_a_variable_that_was_looked_up_and_not_set_is_another_level():
    a, b = (captured(seen(looked_up={"EPOCHS": value})) for value in (None, "50"))

    assert factors(a, b) == ["env.variables.EPOCHS"]


def test_a_variable_that_nobody_looked_up_is_none():
    """Only copied with the environment: nothing was computed from it."""
    env = {"python": "3.11.7", "torch": None, "gpu": None, "packages": {}}
    a, b = (captured(seen(), env={**env, "variables": {"EDITOR": n}}) for n in "12")

    assert verdict(a, b) == "identical"
    assert why(a, b, "env.variables.EDITOR") == "unused: neither run looked it up"


@pytest.mark.parametrize("name", ["OMP_NUM_THREADS", "TZ", "LC_ALL", "LC_NUMERIC", "LANG", "PYTHONUTF8"])
def test_a_variable_that_compiled_code_may_look_up_is_doubtful_and_so_a_factor(name):
    env = {"python": "3.11.7", "torch": None, "gpu": None, "packages": {}}
    a, b = (captured(seen(), env={**env, "variables": {name: n}}) for n in "12")

    assert factors(a, b) == [f"env.variables.{name}"]


@pytest.mark.parametrize(("imported", "counted"), [({"numpy": "2.0.1"}, ["env.variables.OMP_NUM_THREADS"]),
                                                   ({"torch": "2.13.0"}, [])])  # fmt: skip
def test_a_gpu_that_the_program_was_not_seen_to_reach_excuses_no_thread_count(imported, counted):
    env = {"python": "3.11.7", "torch": None, "gpu": "NVIDIA H100", "packages": {}}
    a, b = (captured(seen(imported=imported), env={**env, "variables": {"OMP_NUM_THREADS": n}}) for n in "18")

    assert factors(a, b) == counted


@pytest.mark.parametrize("level", ["partial", "none"])
def test_what_was_not_observed_is_a_gap_with_its_reason(level):
    found = diff(captured(seen(level=level)), captured(seen()))

    assert found.verdict == "provenance_incomplete"
    (row,) = [row for row in found.missing if row.factor == "observed"]
    assert (row.side, row.reason.endswith("a child was not seen")) == ("a", True)


def test_a_record_of_another_tool_has_no_gap_for_not_having_been_observed():
    assert "observed" not in gaps(captured(None), captured(None))


def test_a_checkpoint_that_was_overwritten_in_place_is_a_gap():
    row = {"path": "w.pt", "digest": None, "role": "weights", "reason": "overwritten in place"}

    found = diff(captured(seen(row)), captured(seen(row)))

    assert [(m.factor, m.side, m.reason) for m in found.missing] == [("init['w.pt']", "both", "overwritten in place")]


def test_a_file_whose_content_is_unknown_in_one_run_is_no_factor_and_a_gap():
    row = {"path": "/x.csv", "digest": None, "role": "data", "reason": "changed meanwhile"}

    found = diff(captured(seen(row)), captured(seen(read("/x.csv"))))

    assert found.verdict == "provenance_incomplete"
    assert [m.factor for m in found.missing] == ["data['/x.csv']"]


def test_a_fully_observed_run_has_nothing_left_to_declare():
    assert verdict(captured(seen()), captured(seen())) == "identical"
    assert verdict(captured(seen()), captured(seen(), seed=2)) == "replicate"


def test_a_run_that_was_not_observed_still_has():
    assert {"config", "data", "init"} <= set(gaps(captured(None), captured(None)))


UNUSED = ("plot.py", "README.md", "requirements.txt", "go.sh", "tests/test_a.py", "explore.ipynb", "lib/deep/x.yaml")


@pytest.mark.parametrize("path", UNUSED)
def test_a_file_that_neither_run_opened_changes_nothing_whatever_it_is_called(path):
    tree = changed_tree(path, "something else\n")
    a, b = captured(seen()), captured(seen(tree=tree), tree=tree)

    assert verdict(a, b) == "identical"
    assert why(a, b, f"code.{path}") == "unused: neither run opened it"


@pytest.mark.parametrize("path", ["README.md", "requirements.txt", "go.sh", "LICENSE", "data.css"])
def test_a_file_that_was_read_counts_whatever_it_is_called(path):
    trees = [changed_tree(path, text) for text in ("one\n", "two\n")]
    a, b = (captured(seen(read(path, tree[path], "config"), tree=tree), tree=tree) for tree in trees)

    assert factors(a, b) == [f"code.{path}"]


def test_a_file_that_a_partly_observed_run_did_not_open_is_not_excused():
    tree = changed_tree("plot.py", "print(2)\n")

    assert factors(captured(seen(level="partial")), captured(seen(tree=tree), tree=tree)) == ["code.plot.py"]


def test_a_record_that_lists_no_code_did_not_look_for_it():
    tree = changed_tree("net.py", "W = 2\n")
    a, b = captured(seen(code=())), captured(seen(code=(), tree=tree), tree=tree)

    assert factors(a, b) == ["code.net.py"]


def test_a_remark_in_a_module_that_ran_stays_cosmetic():
    tree = changed_tree("net.py", "# why\nW = 1\n")
    found = diff(captured(seen()), captured(seen(tree=tree), tree=tree))

    assert (found.verdict, [row.path for row in found.cosmetic]) == ("identical", ["code.net.py"])


def test_a_module_that_ran_counts():
    tree = changed_tree("net.py", "W = 2\n")

    assert factors(captured(seen()), captured(seen(tree=tree), tree=tree)) == ["code.net.py"]


def env(**packages):
    return {"python": "3.11.7", "torch": None, "gpu": None, "packages": packages, "variables": {}}


def test_only_packages_that_were_imported_count_and_their_seen_version_wins():
    a = captured(seen(imported={"fastnorm": "1.0"}), env=env(fastnorm="9", tqdm="1"))
    b = captured(seen(imported={"fastnorm": "2.0"}), env=env(fastnorm="9", tqdm="2"))

    assert factors(a, b) == ["env.packages.fastnorm"]
    assert why(a, b, "env.packages.tqdm") == "unused: neither run imported it"


@pytest.mark.parametrize("name", ["tqdm", "wandb", "pytest", "setuptools"])
def test_no_package_is_excused_by_its_name_once_it_was_imported(name):
    a, b = (captured(seen(imported={name: version}), env=env(**{name: version})) for version in "12")

    assert factors(a, b) == [f"env.packages.{name}"]


def test_packages_of_a_run_that_was_not_observed_all_count():
    a, b = captured(None, env=env(scipy="1")), captured(seen(), env=env(scipy="2"))

    assert "env.packages.scipy" in factors(a, b)


def test_the_observer_is_no_factor():
    a, b = (captured(seen(imported={"runaudit": version}), env=env(runaudit=version)) for version in "12")

    assert verdict(a, b) == "identical"


# ── used by one of them ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_that_only_one_run_read_is_a_factor():
    assert factors(captured(seen()), captured(seen(read("/x.csv")))) == ["data['/x.csv']"]


def test_a_file_that_a_changed_argument_names_follows_from_it():
    a, b = (captured(seen(read(f"/d/{n}.csv", n)), argv=("python", "train.py", f"/d/{n}.csv")) for n in "ab")
    found = diff(a, b)

    assert [row.factor for row in found.factors] == ["config.args.positional.1"]
    assert {row.follows for row in found.derived} == {"config.args.positional.1"}


def test_a_file_that_a_changed_source_file_names_follows_from_it():
    trees = [changed_tree("train.py", f"import net\nopen('/d/{n}.csv')\n") for n in "ab"]
    a, b = (captured(seen(read(f"/d/{n}.csv", n), tree=tree), tree=tree) for n, tree in zip("ab", trees, strict=True))

    assert factors(a, b) == ["code.train.py"]


def test_a_file_of_equal_content_elsewhere_is_only_moved():
    found = diff(captured(seen(read("/d/a.csv"))), captured(seen(read("/d/b.csv"))))

    assert found.verdict == "identical"
    assert [row.why for row in found.nuisance if row.section == "data"] == ["equal content, told as data['/d/a.csv']"]


@pytest.mark.parametrize(
    "more", [{"looked_up": {"DEBUG": "1"}}, {"imported": {"numpy": "2.0.1"}}], ids=["looked up", "imported"]
)
def test_a_use_by_one_run_is_a_factor_where_nothing_else_differs_and_follows_where_something_does(more):
    tree = changed_tree("train.py", MAIN + "print(1)\n")
    plain, other = captured(seen()), captured(seen(**more))

    assert verdict(plain, other) == "single_factor"
    assert factors(plain, captured(seen(tree=tree, **more), tree=tree)) == ["code.train.py"]


def test_a_seed_explains_no_use_by_one_run():
    assert verdict(captured(seen()), captured(seen(looked_up={"DEBUG": "1"}), seed=2)) == "confounded"


def test_a_module_that_only_one_run_got_to_never_vanishes():
    both, one = captured(seen()), captured(seen(code=("train.py",)))

    assert verdict(both, one) == "single_factor"
    assert factors(both, one) == ["code.net.py"]


def test_what_only_a_watched_run_is_known_to_have_used_is_a_gap_of_the_other():
    found = diff(captured(seen(read("/w.pt", role="weights"), looked_up={"EPOCHS": "1"})), captured(None))

    assert ("env.variables.EPOCHS", "b") in [(row.factor, row.side) for row in found.missing]
    assert found.factors == ()


def test_a_folder_told_as_one_is_compared_with_its_files_told_one_by_one():
    names = [f"{n}.txt" for n in range(3)]
    rows = [read(f"/imgs/{name}", name) for name in names]
    tree = digest_tree(FileEntry(path=n, size=len(n), digest=Digest.parse(sha(n))) for n in names)
    folder = {"path": "/imgs/", "digest": str(tree), "role": "data", "files": 3}

    assert verdict(captured(seen(*rows)), captured(seen(folder))) == "identical"
    assert factors(captured(seen(*rows[:2])), captured(seen(folder))) == ["data./imgs/"]


def test_what_packages_opened_by_themselves_is_one_factor():
    rows = [[read(f"/etc/{name}", n, by="library") for name in ("a.conf", "b.conf")] for n in "12"]

    assert factors(captured(seen(*rows[0])), captured(seen(*rows[1]))) == ["env.files"]


def test_reads_of_a_declared_data_set_narrow_nothing():
    a, b = (
        captured(seen(read("d/used.csv", declared="data.train")), data={"train": {"path": "d", "digest": sha(text)}})
        for text in ("1", "2")
    )

    assert factors(a, b) == ["data.train"]


# ── what changed while the run ran, and seeds ────────────────────────────────────────────────────────────────────


def test_data_that_changed_while_the_run_ran_is_a_gap():
    a = captured(seen(), outcome={"data": {"changed": [{"name": "train", "path": "a.csv"}]}})

    assert gaps(a, captured(seen())) == ["data.train"]


def test_a_config_that_changed_after_it_was_sealed_is_a_gap():
    a = captured(seen(), config={"lr": 0.1}, outcome={"config": {"changed": {"lr": [0.1, 0.37]}}})

    assert gaps(a, captured(seen(), config={"lr": 0.1})) == ["config.lr"]


def test_seeds_that_were_declared_and_never_given_make_no_replicate():
    calls = [{"call": "random.seed", "value": 0}]
    a, b = (captured(seen(seeded=calls), argv=("python", "train.py", "--seed", "0"), seed=seed) for seed in (3, 7))
    found = diff(a, b)

    assert (found.verdict, found.conditional) == ("provenance_incomplete", "identical")
    assert "equal values" in found.reason or "equal values" in " ".join(row.reason for row in found.missing)
    assert any("3" in note and "seed" in note for note in found.notes)
    assert cohort_of([a, b]).effective_n == 1


def test_every_run_that_seeded_otherwise_than_it_declares_is_counted():
    """One of three was named, and the reader took the others for sound."""
    arms = [
        cohort_of([captured(seen(seeded=[{"call": "random.seed", "value": value}]), seed=seed, config={"lr": rate})
                   for seed, value in enumerate(values)])
        for rate, values in ((0.1, (0, 1, 2)), (0.2, (5, 82, 2)))
    ]  # fmt: skip

    notes = compare_cohorts(*arms, settings=Settings()).notes

    (told,) = [note for note in notes if "seeded otherwise" in note]
    assert told == "arm: 2 of 3 runs seeded otherwise than they declare (0 → 5 and 1 → 82)"


def test_seeds_that_acted_make_a_replicate():
    a, b = (
        captured(
            seen(seeded=[{"call": "random.seed", "value": seed}]), argv=("python", "train.py", str(seed)), seed=seed
        )
        for seed in (1, 2)
    )

    assert verdict(a, b) == "replicate"
    assert len(cohorts([a, b])) == 1


# ── one identity ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_cohort_is_what_a_comparison_calls_replicates():
    tree = changed_tree("plot.py", "print(2)\n")
    runs = [captured(seen(), seed=1), captured(seen(tree=tree), tree=tree, seed=2),
            captured(seen(read("/x.csv")), seed=3), captured(seen(read("/x.csv", "2")), seed=4)]  # fmt: skip

    found = cohorts(runs)

    assert [len(cohort.runs) for cohort in found] == [2, 1, 1]
    assert len({cohort.id for cohort in found}) == 3


def test_arms_that_differ_in_what_they_read_are_compared_over_their_seeds():
    arms = [cohort_of([captured(seen(read("/x.csv", text)), seed=s) for s in (1, 2, 3)]) for text in "12"]

    found = compare_cohorts(*arms, settings=Settings())

    assert (found.verdict, [row.factor for row in found.factors]) == ("single_factor", ["data['/x.csv']"])


def test_what_one_run_left_and_the_next_read_is_an_input_of_the_next():
    maker = captured(seen(written=[{"path": "/c/best.pt", "digest": sha("1")}]))
    finder = captured(seen(read("/c/best.pt", "1", "weights")))

    assert verdict(maker, finder) == verdict(finder, maker) == "single_factor"


def test_the_text_of_a_file_that_was_read_and_run_is_that_file():
    sides = [
        captured(seen(read("cfg_code.py", text, "code"), texts=[{"name": "<string>", "digest": sha(text)}]))
        for text in ("A = 1", "A = 2")
    ]

    assert factors(*sides) == ["code.cfg_code.py"]


def draft(**changes):
    """A launch that is asked about and has not begun."""
    run = captured(None, **changes)
    return Run(manifest=run.manifest, blobs=run.blobs, liveness="running")


@pytest.mark.parametrize(
    ("changes", "moved"),
    [
        ({}, []),
        ({"seed": 2}, []),
        ({"tree": changed_tree("plot.py", "print(2)\n")}, []),
        ({"tree": changed_tree("net.py", "W = 2\n")}, ["code.net.py"]),
        ({"argv": ["python", "train.py", "--lr", "0.5"]}, ["config.args.lr"]),
        ({"env": {"python": "3.11.7", "torch": None, "gpu": None, "packages": {"numpy": "2.1.0", "pandas": "2.2.0"},
                  "variables": {}}}, ["env.packages.numpy"]),
        ({"env": {"python": "3.11.7", "torch": None, "gpu": None, "packages": {"numpy": "2.0.1", "pandas": "3.0.0"},
                  "variables": {}}}, []),
    ],
)  # fmt: skip
def test_a_launch_that_has_not_begun_is_taken_to_use_what_the_earlier_run_used(changes, moved):
    earlier = captured(seen(read("/data/x.csv"), imported={"numpy": "2.0.1"}, looked_up={"EPOCHS": "1"}))

    found = compare_designs(earlier, draft(**changes), settings=Settings())

    assert [row.factor for row in found.treatments] == moved


def test_a_variable_that_the_program_sets_after_it_looked_does_not_differ_from_itself():
    env = {
        "python": "3.11.7",
        "torch": None,
        "gpu": None,
        "packages": {},
        "variables": {"CUBLAS_WORKSPACE_CONFIG": ":8"},
    }
    earlier = captured(seen(looked_up={"CUBLAS_WORKSPACE_CONFIG": None}), env=env)

    found = compare_designs(earlier, draft(env=env), settings=Settings())

    assert found.treatments == ()


def test_a_word_that_names_the_config_follows_from_the_config():
    sides = [
        captured(seen(read(f"conf/{name}.yaml", name, "config", declared="config")), config={"net": name, "lr": 0.1},
                 argv=["python", "train.py", "--config", f"conf/{name}.yaml"],
                 launch={"argv": ["python", "train.py", "--config", f"conf/{name}.yaml"], "cwd": "/home/u/work",
                         "config_files": [f"conf/{name}.yaml"]})
        for name in ("unet", "vit")
    ]  # fmt: skip

    assert (verdict(*sides), factors(*sides)) == ("single_factor", ["config.net"])


@pytest.mark.parametrize(
    ("before", "after", "right"),
    [
        ([("random.seed", 1)], [("random.seed", 2)], "replicate"),
        ([("random.seed", 1)], [("random.seed", 1)], "identical"),
        ([("random.seed", 1)], [("random.seed", 1), ("numpy.random.seed", 1)], "replicate"),
        ([("random.seed", None)], [("random.seed", None)], "provenance_incomplete"),
    ],
)
def test_seeding_calls_that_were_seen_beat_the_seed_that_was_declared(before, after, right):
    a, b = (captured(seen(seeded=[{"call": c, "value": v} for c, v in calls])) for calls in (before, after))

    assert verdict(a, b) == right


def test_a_seeding_call_of_one_program_alone_follows_from_the_change_that_made_it():
    a = captured(seen(seeded=[]))
    b = captured(seen(seeded=[{"call": "random.seed", "value": 1}], tree=changed_tree("net.py", "W = 2\n")),
                 tree=changed_tree("net.py", "W = 2\n"))  # fmt: skip

    assert factors(a, b) == ["code.net.py"]


def test_what_was_read_of_a_declared_data_set_narrows_nothing_also_where_the_row_does_not_say_so():
    data = {"train": {"path": "/data/tiles", "digest": sha("all of it")}}
    a, b = (captured(seen(read(f"/data/tiles/{name}.png", name)), data=data) for name in ("a", "b"))

    assert verdict(a, b) == "identical"


def listed(folder, *names):
    return {"path": folder, "digest": sha(" ".join(names)), "names": len(names)}


def test_a_folder_that_both_listed_counts_by_its_names():
    a, b = captured(seen(listed=[listed("set", "1")])), captured(seen(listed=[listed("set", "1", "2")]))

    assert factors(a, b) == ["data.set/*"]
    assert verdict(a, a) == "identical"


def test_a_folder_that_one_run_listed_is_no_difference_nor_is_one_whose_files_are_told():
    a, b = captured(seen()), captured(seen(listed=[listed("set", "1", "2")]))
    assert verdict(a, b) == "identical"

    a = captured(seen(read("set/1"), listed=[listed("set", "1")]))
    b = captured(seen(read("set/1"), read("set/2", "2"), listed=[listed("set", "1", "2")]))
    assert factors(a, b) == ["data.set/2"]


@pytest.mark.parametrize(
    ("rows", "changed", "factors"),
    [
        ([], "d/a.txt", ["data.train"]),
        ([read("d/prepare.py", "x = 2\n", "code")], "d/prepare.py", ["code.d/prepare.py", "data.train"]),
    ],
    ids=["a file of it", "a module that ran in it"],
)
def test_a_declared_folder_of_the_work_tree_is_one_factor_and_no_code_besides(rows, changed, factors):
    """The committed folder `dd/`, declared as data, was "confounded" with `code.dd/a.txt`."""

    def arm(text):
        tree = {**TREE, "d/a.txt": "1\n", "d/prepare.py": "x = 1\n", changed: text}
        ran = [{**row, "digest": sha(tree[row["path"]])} for row in rows]
        folder = read("d/", text, files=1, declared="data.train")
        return captured(seen(folder, *ran, tree=tree), tree=tree, data={"train": {"path": "d", "digest": sha(text)}})

    found = compare(arm("x = 1\n"), arm("x = 3\n"), settings=Settings())

    assert [one.factor for one in found.factors] == factors


@pytest.mark.parametrize(
    ("option", "is_factor"),
    [("--run-name", False), ("--exp-name", False), ("--out", False), ("--out-name", False),
     ("--name", True), ("--tag", True), ("--save", True), ("--optimizer", True)],
)  # fmt: skip
@pytest.mark.parametrize("place", ["results/{}/model.bin", "ck_{}_0.pt"])
def test_a_word_that_only_says_how_what_was_written_is_called_is_no_factor(option, is_factor, place):
    """`--run-name big1` makes `results/big1/`; what is read by such a name, or chosen under it, counts."""

    def side(name, **reads):
        written = [{"path": place.format(name), "digest": sha(name)}]
        return captured(seen(*reads.values(), written=written), argv=("python", "train.py", option, name))

    found = compare(side("big1"), side("big2"), settings=Settings())
    assert bool(found.factors) is is_factor
    of_input = [side(name, row=read(f"data/{name}.csv", name)) for name in ("big1", "big2")]
    assert compare(*of_input, settings=Settings()).factors
