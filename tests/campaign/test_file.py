"""A campaign file is read strictly: what it says becomes the words of a launch, what it cannot mean is one line."""

import pytest

from runaudit.campaign.file import read_campaign
from runaudit.campaign.placeholders import filled
from runaudit.campaign.plan import seeds_of, span
from runaudit.errors import RunauditError, UsageError

WHOLE = """\
command = "python train.py --seed {seed}"
seeds = "0-2"
[[arms]]
label = "a"
"""


@pytest.fixture
def read(tmp_path):
    def call(text: str):
        path = tmp_path / "c.toml"
        path.write_text(text)
        return read_campaign(path)

    return call


def test_what_an_arm_says_goes_before_what_all_say_and_tables_are_joined_key_by_key(read):
    plan = read(
        'command = "python train.py {lr} {width} --out out/{arm}/s{seed}"\nseeds = [1, 2]\n'
        'values = {lr = 0.1, width = 8}\ndata = {train = "d/{seed}"}\nset = {"optim.name" = "sgd"}\nargs = ["--a b"]\n'
        '[[arms]]\nlabel = "narrow"\n'
        '[[arms]]\nlabel = "wide"\nvalues = {width = 16}\nseeds = 3\n'
        "set = {optim = {momentum = 0.9, nesterov = true}}\n"
    )
    commands = [(job.arm, job.seed, job.asked.command) for job in plan.jobs]
    assert commands == [
        ("narrow", 1, ("python", "train.py", "0.1", "8", "--out", "out/narrow/s1", "optim.name=sgd", "--a b")),
        ("narrow", 2, ("python", "train.py", "0.1", "8", "--out", "out/narrow/s2", "optim.name=sgd", "--a b")),
        ("wide", 3, ("python", "train.py", "0.1", "16", "--out", "out/wide/s3", "optim.name=sgd",
                     "optim.momentum=0.9", "optim.nesterov=true", "--a b")),
    ]  # fmt: skip
    assert plan.jobs[0].asked.data == ("train=d/1",)


def test_leaves_are_set_in_the_form_of_the_program(read):
    plan = read(WHOLE + 'set_as = ["--set", "{name}={value}"]\nset = {"optim.lr" = 1e-3, size = [1, 2]}\n')
    assert plan.jobs[0].asked.command[4:] == ("--set", "optim.lr=0.001", "--set", "size=[1,2]")


def test_seeds_go_round_so_that_half_a_campaign_has_every_arm(read):
    plan = read(WHOLE + '[[arms]]\nlabel = "b"\nargs = ["-x"]\n')
    assert [(job.seed, job.arm) for job in plan.jobs][:3] == [(0, "a"), (0, "b"), (1, "a")]


def test_more_seeds_are_the_same_arm_and_another_word_is_another(read):
    arm = read(WHOLE).arms[0].id
    assert read(WHOLE.replace("0-2", "0-9")).arms[0].id == arm
    assert read(WHOLE + 'waive = ["RA206=none is held out"]\nbaseline = "@last"\n').arms[0].id == arm
    assert read(WHOLE + 'args = ["-x"]\n').arms[0].id != arm
    assert read('name = "once more"\n' + WHOLE).arms[0].id != arm
    assert read(WHOLE + 'env = {A = "1"}\n').arms[0].id != arm


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (WHOLE.replace("seeds", "sedes"), "closest: 'seeds'"),
        (WHOLE.replace("{seed}", "{sed}"), "placeholder {sed}"),
        (WHOLE.replace(" --seed {seed}", ""), "put {seed} where"),
        (WHOLE.replace('label = "a"', ""), "has no label"),
        (WHOLE.replace('seeds = "0-2"', ""), "has no seeds"),
        (WHOLE.replace("0-2", "0-2,1"), "names a seed twice"),
        (WHOLE.replace("0-2", "2-0"), "names no seeds"),
        (WHOLE.replace("0-2", "0-99999999"), "names more than 10,000"),
        (WHOLE.replace("command", "# command"), "has no command"),
        (WHOLE.replace("{seed}", "{seed} 'x"), "a quote that does not end"),
        (WHOLE + 'values = {lr = 0.1}\n', "gives lr, and nothing of its command takes it"),
        (WHOLE + 'values = {seed = 1}\n', "gives its own {seed}"),
        (WHOLE + 'values = {lr = nan}\n', "values.lr is a number"),
        (WHOLE + 'data = ["x"]\n', "data is a list"),
        (WHOLE + 'env = 3\n', "env is a number"),
        (WHOLE + 'config = [1]\n', "config holds what is no text"),
        (WHOLE + '[[arms]]\nlabel = "a"\n', "two arms are labelled 'a'"),
        (WHOLE.partition("[[")[0], "has no arm"),
        (WHOLE.partition("[[")[0] + "arms = [3]\n", "arm 1 is a number"),
        ("seeds = ", "is not TOML"),
    ],
)  # fmt: skip
def test_what_a_file_cannot_mean_is_one_line_with_a_remedy(read, text, told):
    with pytest.raises(RunauditError) as refused:
        read(text)
    assert told in str(refused.value) and refused.value.remedy
    assert refused.value.exit_code == 2


def test_braces_that_are_no_placeholder_belong_to_the_command():
    values = {"seed": "3"}
    for text in ("{}", "{a: 1}", "${HOME}", '{"a": {"b": 1}}', "{1}"):
        assert filled(text, values, where="x") == text
    assert filled("{{seed}} {seed}", values, where="x") == "{seed} 3"
    assert filled("{seed}", {"seed": "{lr}"}, where="x") == "{lr}"
    with pytest.raises(UsageError, match=r"doubled: '\{\{lr\}\}'"):
        filled("{lr}", values, where="x")


@pytest.mark.parametrize(
    ("word", "seeds"),
    [("5", (5,)), ("0-2", (0, 1, 2)), ("0-1, 7", (0, 1, 7)), (4, (4,)), ([3, 1], (3, 1)), ("-2--1", (-2, -1))],
)
def test_seeds_are_read_as_they_are_written(word, seeds):
    assert seeds_of(word, where="x") == seeds


@pytest.mark.parametrize("word", ["", "a", "1-", "1.5", True, [1.5], [True], [], "1-2-3"])
def test_what_names_no_seeds_is_refused(word):
    with pytest.raises(UsageError, match="names no seeds"):
        seeds_of(word, where="x")


def test_seeds_are_told_shortly():
    assert [span(seeds) for seeds in ((1,), (0, 1), (0, 1, 2), (0, 2, 4))] == [
        "seed 1", "seeds 0 and 1", "seeds 0-2", "seeds 0, 2 and 4",
    ]  # fmt: skip
