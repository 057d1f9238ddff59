"""The command line is an input: every word is a leaf, and is excused only by what is known of its run."""

from dataclasses import replace

import pytest

from runaudit.diff import compare
from runaudit.factors.arguments import arguments_of
from runaudit.factors.cohort import cohorts
from runaudit.records.digest import digest_bytes
from runaudit.settings import Settings
from runaudit.study.study import study
from tests.diff.seen import captured, read, seen, sha

PY = "/venv/bin/python3.11"
TEXT = str(digest_bytes(b"print(1)"))
COMMANDS = {
    "a script": ([PY, "train.py", "0.1"], {"script": "train.py", "positional": {"1": 0.1}}),
    "options": ([PY, "t.py", "--lr", "1e-3", "--flag", "--name=x"],
                {"script": "t.py", "lr": 0.001, "flag": True, "name": "x"}),
    "an option with several values": ([PY, "t.py", "--sizes", "1", "2"], {"script": "t.py", "sizes": [1, 2]}),
    "an option given twice": ([PY, "t.py", "-d", "a", "-d", "b"], {"script": "t.py", "d": ["a", "b"]}),
    "upper and lower case": ([PY, "t.py", "-n", "1", "-N", "2"], {"script": "t.py", "n": 1, "N": 2}),
    "overrides": ([PY, "t.py", "optimizer.lr=0.1", "+x=a"], {"script": "t.py", "optimizer.lr": 0.1, "+x": "a"}),
    "a module": ([PY, "-m", "pkg.train", "3"], {"module": "pkg.train", "positional": {"1": 3}}),
    "a text": ([PY, "-c", "print(1)", "a"], {"command": TEXT, "positional": {"1": "a"}}),
    "flags": ([PY, "-u", "-O", "-W", "error", "t.py"], {"flags": ["-O", "-W error"], "script": "t.py"}),
    "standard input": (["python", "-"], {"script": "-"}),
    "torchrun": (["torchrun", "--nproc_per_node", "2", "t.py", "--lr", "1"],
                 {"launcher": {"program": "torchrun", "nproc_per_node": 2}, "script": "t.py", "lr": 1}),
    "torchrun of a module": (["torchrun", "--nnodes=1", "-m", "pkg.t"],
                             {"launcher": {"program": "torchrun", "nnodes": 1}, "module": "pkg.t"}),
    "the module behind torchrun": ([PY, "-m", "torch.distributed.run", "--nnodes=1", "t.py", "5"],
                                   {"launcher": {"program": "torch.distributed.run", "nnodes": 1}, "script": "t.py",
                                    "positional": {"1": 5}}),
    "accelerate": (["accelerate", "launch", "--mixed_precision", "bf16", "t.py"],
                   {"launcher": {"program": "accelerate", "positional": {"1": "launch"}, "mixed_precision": "bf16"},
                    "script": "t.py"}),
    "uv": (["uv", "run", "--with", "x", "python", "t.py", "1"],
           {"launcher": {"program": "uv", "with": "x"}, "script": "t.py", "positional": {"1": 1}}),
    "uv and a script": (["uv", "run", "t.py", "1"], {"script": "t.py", "positional": {"1": 1}}),
    "a shell script": (["bash", "x.sh", "0.1"], {"script": "x.sh", "positional": {"1": 0.1}}),
    "a shell and a command": (["sh", "-c", "python t.py --lr 2"], {"script": "t.py", "lr": 2}),
    "a shell and more": (["sh", "-c", "cd x; python t.py"], {"positional": {"1": "cd", "2": "x", "3": ";",
                                                                            "4": "python", "5": "t.py"}}),
    "a shell and a second command": (["bash", "-c", "python a.py && python b.py --lr 2"],
                                     {"positional": {"1": "python", "2": "a.py", "3": "&&", "4": "python", "5": "b.py"},
                                      "lr": 2}),
    "variables before": (["env", "A=1", "python", "t.py"], {"env A": "1", "script": "t.py"}),
    "an option named like ours": ([PY, "t.py", "--script", "x"], {"script": "t.py", "--script": "x"}),
    "another program": (["./train", "3"], {"script": "./train", "positional": {"1": 3}}),
    "a notebook's kernel": ([PY, "-m", "ipykernel_launcher", "-f", "/run/k-1.json"], {"module": "ipykernel_launcher"}),
    "a secret, and what stands behind it": ([PY, "t.py", "--api-key", "<redacted:hmac-1f:masked>", "a.csv"],
                                            {"script": "t.py", "api_key": "<redacted:hmac-1f:masked>",
                                             "positional": {"1": "a.csv"}}),
    "no words": ([PY], {}),
}  # fmt: skip


@pytest.mark.parametrize(("argv", "tree"), COMMANDS.values(), ids=COMMANDS)
def test_a_command_line_is_a_tree_of_leaves(argv, tree):
    assert arguments_of(argv) == tree


MARKS = ("<redacted:hmac-0011223344556677:proven>", "<redacted:hmac-8899aabbccddeeff:proven>")


def run(*words, observed=None, **more):
    return captured(observed or seen(), argv=("python", *words), **more)


def diff(a, b):
    return compare(a, b, settings=Settings())


def factors(a, b):
    return [row.factor for row in diff(a, b).factors]


CHANGED = {
    "a secret in an option's name": (("t.py", f"--k_{MARKS[0]}", "1", f"--j_{MARKS[0]}=1"),
                                     ("t.py", f"--k_{MARKS[1]}", "1", f"--j_{MARKS[1]}=1"), []),
    "a word": (("train.py", "0.1"), ("train.py", "0.5"), ["config.args.positional.1"]),
    "an option": (("train.py", "--lr", "0.1"), ("train.py", "--lr", "0.5"), ["config.args.lr"]),
    "a flag": (("train.py",), ("train.py", "--amp"), ["config.args.amp"]),
    "a switch on and off": (("t.py", "--amp"), ("t.py", "--no-amp"), ["config.args.amp"]),
    "a switch told by its value": (("t.py", "--amp=true"), ("t.py", "--no-amp"), ["config.args.amp"]),
    "a switch that is off, and not typed": (("t.py",), ("t.py", "--no-amp"), ["config.args.no_amp"]),
    "a name that begins with no": (("t.py", "--no-cache"), ("t.py", "--no-cache", "--cache"), ["config.args.cache"]),
    "an option with a value that begins so": (("t.py", "--amp"), ("t.py", "--no-amp", "3"),
                                              ["config.args.amp", "config.args.no_amp"]),
    "the interpreter's flag": (("train.py",), ("-O", "train.py"), ["config.args.flags"]),
    "a text": (("-c", "a"), ("-c", "b"), ["config.args.command"]),
    "two words": (("train.py", "1.5", "2.5"), ("train.py", "3.5", "4.5"),
                  ["config.args.positional.1", "config.args.positional.2"]),
}  # fmt: skip


@pytest.mark.parametrize(("a", "b", "expected"), CHANGED.values(), ids=CHANGED)
def test_a_changed_word_is_a_factor(a, b, expected):
    assert factors(run(*a), run(*b)) == expected


SET = {
    "one setting": ((), ("--set", "m.width=16"), ["config.args['m.width']"]),
    "one more": (("--set", "m.width=16"), ("--set", "m.width=16", "--set", "lr=1"), ["config.args.lr"]),
    "another value": (("--set", "m.width=16"), ("--set", "m.width=32"), ["config.args['m.width']"]),
    "two settings": ((), ("--set", "m.width=16", "lr=1"), ["config.args.lr", "config.args['m.width']"]),
    "glued": (("--set=lr=1",), ("--set", "lr=2"), ["config.args.lr"]),
    "glued and not": (("--cfg-options=lr=1",), ("--cfg-options", "lr=1"), []),
    "set by itself": (("lr=1",), ("--set", "lr=1"), ["config.args.set"]),
    "an option too": (("--lr", "1", "--set", "lr=2"), ("--set", "lr=1", "--lr", "2"),
                      ["config.args.lr", "config.args.lr="]),
    "by another option": (("--param", "lr=1"), ("--hparam", "lr=1"), ["config.args.hparam", "config.args.param"]),
    "a flag before a setting": ((), ("--fast", "lr=1"), ["config.args.fast", "config.args.lr"]),
    "with nothing behind it": ((), ("--set",), ["config.args.set"]),
    "a value of its own": ((), ("--set", "a"), ["config.args.set"]),
}  # fmt: skip


@pytest.mark.parametrize(("a", "b", "expected"), SET.values(), ids=SET)
def test_an_option_that_introduces_a_setting_is_one_choice_with_it(a, b, expected):
    """`--set model.width=16` against nothing was called confounded, by `set` and by `model.width`."""
    assert factors(run("t.py", *a), run("t.py", *b)) == expected
    assert factors(run("t.py", *b), run("t.py", *a)) == expected


def test_a_setting_that_the_config_records_is_one_choice_with_its_leaf():
    a = run("t.py", config={"m": {"width": 8, "depth": 2}, "lr": 0.1})
    b = run("t.py", "--set", "m.width=16", config={"m": {"width": 16, "depth": 2}, "lr": 0.1})
    c = run("t.py", "--set", "m.width=16", "--set", "m.depth=16", config={"m": {"width": 16, "depth": 16}, "lr": 0.1})

    assert factors(a, b) == ["config.m.width"]
    assert factors(a, c) == ["config.m.depth", "config.m.width"]
    assert [column.factor for column in study([a, b], settings=Settings()).table.columns] == ["config.m.width"]


ENDS = {
    "a flag before a word": (("data.csv",), ("--fast", "data.csv"), ["config.args.fast"]),
    "a flag more before a word": (("-s", "0", "data.csv"), ("-s", "0", "--fast", "data.csv"), ["config.args.fast"]),
    "another word behind a flag": (("--fast", "a.csv"), ("--fast", "b.csv"), ["config.args.fast"]),
    "another word, and a flag": (("a.csv",), ("--fast", "b.csv"), ["config.args.fast", "config.args.positional"]),
    "another value before a word": (("-w", "1", "x.csv"), ("-w", "2", "x.csv"), ["config.args.w"]),
    "an option of several values": (("--sizes", "1", "2"), ("--sizes", "1", "3"), ["config.args.sizes"]),
    "a value that two options have": (("-w", "0"), ("-w", "0", "--lr", "0"), ["config.args.lr"]),
    "a value that ends both": (("--lr", "1", "-w", "0"), ("-w", "0", "--lr", "0"), ["config.args.lr"]),
    "two options of one value": (("--mode", "x"), ("--model", "x"), ["config.args.mode", "config.args.model"]),
    "options that end": (("--fast", "--", "x"), ("x",), ["config.args.fast"]),
    "nothing": (("--fast", "x"), ("--fast", "x"), []),
    "the order": (("--a", "1", "--b", "2"), ("--b", "2", "--a", "1"), []),
}  # fmt: skip


@pytest.mark.parametrize(("a", "b", "expected"), ENDS.values(), ids=ENDS)
def test_a_word_behind_an_option_is_held_beside_the_words_of_the_other_run(a, b, expected):
    """How many words an option takes is in no record: what may be a value, and is not the same, is a factor."""
    assert factors(run("t.py", *a), run("t.py", *b)) == expected
    assert factors(run("t.py", *b), run("t.py", *a)) == expected


@pytest.mark.parametrize("level", ["full", "partial", "none"])
def test_the_command_line_counts_whether_or_not_the_run_was_observed(level):
    a, b = (run("train.py", n, observed=seen(level=level)) for n in ("0.1", "0.5"))

    assert factors(a, b) == ["config.args.positional.1"]


def test_numbers_that_are_written_otherwise_are_equal():
    assert factors(run("train.py", "--lr", "1e-3"), run("train.py", "--lr=0.001")) == []


def test_which_interpreter_is_no_word():
    a, b = (captured(seen(), argv=(name, "train.py")) for name in ("/a/bin/python", "python3.11"))

    assert diff(a, b).verdict == "identical"


SEEDED = {
    "a word": ("train.py", "{}"),
    "an option": ("train.py", "--seed", "{}"),
    "an override": ("train.py", "trainer.seed={}"),
}


@pytest.mark.parametrize("words", SEEDED.values(), ids=SEEDED)
def test_the_word_that_is_the_seed_follows_it(words):
    runs = [run(*(word.format(seed) for word in words), seed=seed) for seed in (1, 2, 3)]

    assert diff(*runs[:2]).verdict == "replicate"
    assert len(cohorts(runs)) == 1


def test_only_one_word_is_the_seed():
    a, b = (run("train.py", str(n), str(n), seed=n) for n in (1, 2))

    assert factors(a, b) == ["config.args.positional.2", "seed"]


def test_an_option_named_like_a_seed_goes_before_a_word_of_its_value():
    a, b = (run("train.py", str(n), "--seed", str(n), seed=n) for n in (1, 2))

    assert factors(a, b) == ["config.args.positional.1", "seed"]


def test_an_option_of_another_name_is_not_the_seed_because_it_equals_it():
    a, b = (run("train.py", "--layers", str(n), seed=n) for n in (3, 4))

    assert diff(a, b).verdict == "confounded"


def test_a_word_that_equals_the_seed_of_one_run_only_is_no_seed():
    """The rate is 1 and the first seed is 1: which word is the seed shows in the second run."""
    runs = [run("train.py", "1", str(n), seed=n) for n in (1, 2, 3)]

    assert diff(*runs[:2]).verdict == "replicate"
    assert len(cohorts(runs)) == 1


def test_a_word_that_repeats_the_config_follows_from_it():
    a, b = (run("train.py", "--lr", str(lr), config={"optimizer": {"lr": lr}}) for lr in (0.1, 0.5))
    found = diff(a, b)

    assert [row.factor for row in found.factors] == ["config.optimizer.lr"]
    assert [(row.factor, row.follows) for row in found.derived] == [("config.args.lr", "config.optimizer.lr")]


def test_of_an_option_that_is_given_several_times_the_last_is_what_the_config_says():
    """A preset's `--set budget.steps=12` before the user's own is how most programs are begun."""
    words, others = ("--set", "budget.steps=12", "--set", "budget.steps=5"), ("--set", "budget.steps=12")
    a, b = (
        run("train.py", *others, config={"budget": {"steps": 12}}),
        run("train.py", *words, config={"budget": {"steps": 5}}),
    )
    kept, list_ = (run("train.py", "--aug", "flip", *more, config={"aug": "flip"}) for more in ((), ("--aug", "flip")))

    assert (factors(a, b), factors(b, a)) == (["config.budget.steps"], ["config.budget.steps"])
    columns = study([a, b, a, b], settings=Settings()).table.columns
    assert [column.factor for column in columns] == ["config.budget.steps"]
    assert factors(kept, list_) == ["config.args.aug"]  # A program may keep them all.


@pytest.mark.parametrize(
    ("word", "there", "is_it"),
    [("true", True, True), ("False", False, True), ("yes", True, False), ("true", False, False), ("1", True, False)],
)
def test_a_truth_value_that_is_typed_is_the_setting_that_it_sets(word, there, is_it):
    """`--set fft.fp32_islands=true` is text to everybody but the program that reads it."""
    a = run("train.py", config={"fft": {"fp32_islands": not there}})
    b = run("train.py", "--fp32_islands", word, config={"fft": {"fp32_islands": there}})

    assert (factors(a, b) == ["config.fft.fp32_islands"]) is is_it


@pytest.mark.parametrize(("name", "word", "there", "before"),
                         [("net.fft.islands", "true", True, False), ("sr.lr", "0.01", 0.01, 0.05)])  # fmt: skip
def test_an_override_of_a_dotted_name_and_the_leaf_that_it_sets_are_one_factor(name, word, there, before):
    """`--set net.fft.islands=true` over many runs, as `diff` and as `study` have it."""
    *parents, last = name.split(".")

    def config(value):
        tree = {last: value}
        for parent in reversed(parents):
            tree = {parent: tree}
        return tree

    plain = [run("train.py", seed=n, config=config(before)) for n in (1, 2)]
    given = [run("train.py", "--set", f"{name}={word}", seed=n, config=config(there)) for n in (1, 2)]

    assert factors(plain[0], given[0]) == [f"config.{name}"]
    columns = study([*plain, *given], settings=Settings()).table.columns
    assert [column.factor for column in columns] == [f"config.{name}"]


def test_a_word_that_contradicts_the_config_is_a_factor():
    a, b = (run("train.py", "--lr", lr, config={"lr": 0.1}) for lr in ("0.1", "0.5"))

    assert factors(a, b) == ["config.args.lr"]


def test_a_place_counts_by_what_lies_there():
    a = run("train.py", "--data", "/a/x.csv", observed=seen(read("/a/x.csv", "1")))
    b = run("train.py", "--data", "/b/x.csv", observed=seen(read("/b/x.csv", "1")))
    c = run("train.py", "--data", "/b/x.csv", observed=seen(read("/b/x.csv", "2")))

    assert diff(a, b).verdict == "identical"
    assert next(row.why for row in diff(a, b).nuisance if row.path == "config.args.data").startswith("a place")
    assert factors(a, c) == ["config.args.data"]


def test_a_folder_counts_by_what_was_read_of_it():
    a = run("train.py", "/a", observed=seen(read("/a/1.csv"), read("/a/2.csv", "2")))
    b = run("train.py", "/b", observed=seen(read("/b/1.csv"), read("/b/2.csv", "2")))

    assert diff(a, b).verdict == "identical"


def test_a_folder_of_a_run_that_was_observed_in_part_may_hold_more():
    a = run("train.py", "/a", observed=seen(read("/a/1.csv"), level="partial"))
    b = run("train.py", "/b", observed=seen(read("/b/1.csv"), level="partial"))

    assert "config.args.positional.1" in factors(a, b)


def test_the_place_of_a_declared_data_set_is_judged_by_its_digest():
    a, b = (run("train.py", f"/{n}/set", data={"train": {"path": f"/{n}/set", "digest": sha("1")}}) for n in "ab")

    assert diff(a, b).verdict == "identical"


def test_a_place_that_a_run_only_wrote_to_is_none():
    a, b = (run("train.py", "--out", n, observed=seen(written=[{"path": f"{n}/model.pt"}])) for n in ("o1", "o2"))

    assert diff(a, b).verdict == "identical"


def test_a_word_that_is_only_a_part_of_what_was_written_is_a_choice():
    """`relu` is no place because the results lie under `out/relu-1`."""
    a, b = (run("train.py", "--act", n, observed=seen(written=[{"path": f"out/{n}-1/m.pt"}])) for n in ("relu", "gelu"))

    assert factors(a, b) == ["config.args.act"]


def test_an_option_that_names_the_run_by_its_label_is_no_input():
    a, b = (run("train.py", "--run-name", n, label=n) for n in ("one", "two"))

    assert diff(a, b).verdict == "identical"


@pytest.mark.parametrize("words", [("--opt",), ("--name",), ()])
def test_a_choice_that_gave_the_run_its_label_is_a_choice(words):
    a, b = (run("train.py", *words, n, label=n) for n in ("adam", "sgd"))

    assert diff(a, b).verdict == "single_factor"


def test_another_script_is_another_program_and_one_factor():
    a = run("train.py", observed=seen(code=("train.py",)))
    b = run("plot.py", observed=seen(code=("plot.py",)))

    assert factors(a, b) == ["config.args.script"]


@pytest.mark.parametrize(("option", "kind"), [("--hf_token", ""), ("--hf_token", ":proven"), ("--model", ":proven")])
def test_a_secret_that_rotated_is_no_factor(option, kind):
    a, b = (run("train.py", option, f"<redacted:{n}{kind}>") for n in ("aa", "bb"))

    assert diff(a, b).verdict == "identical"


@pytest.mark.parametrize(("option", "kind"), [("--hf_token", ":masked"), ("--model", ":masked"), ("--model", "")])
def test_what_may_be_a_choice_is_one(option, kind):
    a, b = (run("train.py", option, f"<redacted:{n}{kind}>/v1") for n in ("aa", "bb"))

    assert factors(a, b) == [f"config.args.{option[2:]}"]


def test_what_stands_behind_a_secret_counts():
    a, b = (run("train.py", "--url", f"<redacted:aa:proven>@h/v{n}") for n in (1, 2))

    assert factors(a, b) == ["config.args.url"]


def test_where_the_ranks_meet_is_no_input_and_how_many_there_are_is():
    a, b, c = (captured(seen(), argv=("torchrun", "--master_port", port, "--nproc_per_node", n, "train.py"))
               for port, n in (("1", "2"), ("3", "2"), ("1", "4")))  # fmt: skip

    assert diff(a, b).verdict == "identical"
    assert factors(a, c) == ["config.args.launcher.nproc_per_node"]


def test_the_words_of_a_record_of_another_tool_count():
    a, b = (captured({**seen(), "argv": ["python", "t.py", n]}, origin={"kind": "record"}) for n in ("0.1", "0.5"))

    assert factors(a, b) == ["config.args.positional.1"]


def resumed(parent, *words):
    """A run that went on from a checkpoint of `parent`, started so."""
    init = {"kind": "resume", "checkpoint": sha("weights"), "parent": parent.id}
    return replace(run("train.py", *words, init=init), parent=parent)


@pytest.mark.parametrize("word", ["@last", "@last~2", "stage one", "store/runs/ID/checkpoints/last.safetensors"])
def test_the_word_by_which_a_resumed_run_named_its_parent_is_no_choice_of_its_own(word):
    """Before its launch, too, when the guard has the draft alone."""
    parent = run("train.py", label="stage one")

    by_id, other = (resumed(parent, "--resume", w.replace("ID", parent.id)) for w in (parent.id[:12], word))

    assert factors(by_id, other) == []
    assert factors(by_id, replace(other, parent=None)) == []


def test_the_parents_label_behind_another_option_is_a_choice():
    parent = run("train.py", label="adam")

    a, b = (resumed(parent, "--optimizer", word) for word in ("adam", "sgd"))

    assert factors(a, b) == ["config.args.optimizer"]


def launched(words, **config):
    return captured(seen(), argv=("python", "train.py", *words), config=config)


@pytest.mark.parametrize(
    ("first", "second", "factors"),
    [
        # The flag set what the config says it was: one choice.
        (launched((), lr=0.1), launched(("--lr", "0.3"), lr=0.3), ["config.lr"]),
        (launched(("--lr", "0.3"), lr=0.3), launched((), lr=0.1), ["config.lr"]),
        # Of another name that has to do with it, where nothing else moved so.
        (launched((), learning_rate=0.1), launched(("--lr", "0.3"), learning_rate=0.3), ["config.learning_rate"]),
        (
            launched((), learning_rate=0.1, x=0.2),
            launched(("--lr", "0.3"), learning_rate=0.3, x=0.3),
            ["config.args.lr", "config.learning_rate", "config.x"],
        ),
        (launched((), dropout=0.1), launched(("--lr", "0.3"), dropout=0.3), ["config.args.lr", "config.dropout"]),
        # The config did not move with it: what the flag did, nobody knows.
        (launched((), lr=0.3), launched(("--lr", "0.3"), lr=0.3), ["config.args.lr"]),
        # Nor is it known where the config says another thing, or has no such leaf.
        (launched((), lr=0.1), launched(("--lr", "0.3"), lr=0.2), ["config.args.lr", "config.lr"]),
        (launched((), wd=0.1), launched(("--lr", "0.3"), wd=0.1), ["config.args.lr"]),
        (launched((), lr=0.1), launched(("--wd", "0.3"), lr=0.3), ["config.args.wd", "config.lr"]),
    ],
)
def test_an_option_against_a_default_is_one_choice_with_the_setting_that_it_moved(first, second, factors):
    found = compare(first, second, settings=Settings())

    assert sorted(factor.factor for factor in found.treatments) == factors
    assert {column.factor for column in study([first, second], settings=Settings()).table.columns} == set(factors)


def test_of_many_runs_each_default_must_stand_apart_from_what_was_typed():
    runs = [launched((), lr=0.1), launched(("--lr", "0.3"), lr=0.3), launched((), lr=0.3)]

    columns = {column.factor for column in study(runs, settings=Settings()).table.columns}

    assert "config.args.lr" in columns


def test_of_many_runs_a_switch_is_one_factor_however_it_was_typed():
    runs = [run("t.py", word, "--lr", lr) for word in ("--amp", "--no-amp") for lr in ("0.1", "0.2")]

    columns = {column.factor: column.levels for column in study(runs, settings=Settings()).table.columns}

    assert columns == {"config.args.amp": (False, True), "config.args.lr": (0.1, 0.2)}


PACKAGE = {"pkg/__init__.py": "# a package\n", "pkg/train.py": "import random\n"}


def begun(*words, ran=("pkg/train.py",), level="full", script="pkg/train.py", tree=PACKAGE):
    launch = {"argv": [PY, *words], "cwd": "/home/u/work", "script": script}
    return captured(seen(tree=tree, code=ran, level=level), tree=tree, launch=launch)


BOTH = ("pkg/__init__.py", "pkg/train.py")
AS_MODULE = begun("-m", "pkg.train", ran=BOTH)


def test_a_module_and_the_path_of_its_file_are_one_program():
    found = compare(AS_MODULE, begun("pkg/train.py"), settings=Settings())

    assert (found.verdict.value, found.treatments) == ("identical", ())


@pytest.mark.parametrize(
    ("first", "second", "factors"),
    [
        # Nobody saw which file the module is.
        (begun("-m", "pkg.train", ran=BOTH, level="partial"), begun("pkg/train.py"), True),
        (begun("-m", "pkg.train", ran=BOTH, script=None), begun("pkg/train.py"), True),
        # It is another file.
        (AS_MODULE, begun("train.py", script="train.py", ran=("train.py",), tree={**PACKAGE, "train.py": "1\n"}), True),
        # The package does something when it is imported.
        (begun("-m", "pkg.train", ran=BOTH, tree={**PACKAGE, "pkg/__init__.py": "import os\n"}),
         begun("pkg/train.py", tree={**PACKAGE, "pkg/__init__.py": "import os\n"}), True),
        (AS_MODULE, begun("pkg/train.py", "--lr", "1"), True),
    ],
)  # fmt: skip
def test_a_module_that_is_not_known_to_be_the_file_is_another_program(first, second, factors):
    assert bool(compare(first, second, settings=Settings()).treatments) is factors
