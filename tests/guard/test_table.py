"""Drafts by hand, and the codes that must refuse or remark each. The facts are pure, so no repository is needed."""

import datetime
import shlex
from itertools import pairwise

import pytest

from runaudit.diff.comparison import compare_designs
from runaudit.errors import CaptureError
from runaudit.guard.answer import RULES, GuardAnswer, judge, not_recordable
from runaudit.guard.facts import Surroundings, TextNumber, launch_facts
from runaudit.guard.invocation import Invocation
from runaudit.guard.waiver import parse_waivers
from runaudit.records.finding import Severity
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome
from runaudit.records.run import Run
from runaudit.settings import GuardSettings, Settings

DAY = datetime.date(2026, 11, 21)
D = {name: "sha256:" + name * 64 for name in "abcdef"}
CALL = Invocation(program=("runaudit", "run"), options=("--seed", "1"), command=("python", "train.py"))


def sections(**changes):
    base = {
        "label": "a first try",
        "seed": 1,
        "config": {"lr": 0.1, "model": {"width": 4}},
        "code": {"vcs": "git", "commit": "1" * 40, "branch": "main", "remote": None, "dirty": False, "patch": None,
                 "files": {"train.py": {"digest": D["a"], "size": 3}}, "untracked": [], "submodules": {},
                 "siblings": {}},
        "data": {"train": {"path": "/d/train", "digest": D["b"], "files": 3, "bytes": 30},
                 "val": {"path": "/d/val", "digest": D["c"], "files": 1, "bytes": 10}},
        "env": {"python": "3.11.7", "torch": None, "gpu": None, "packages": {"numpy": "2.4"}},
        "init": {"kind": "random"},
        "unknown": {},
    }  # fmt: skip
    for path, value in changes.items():
        *where, last = path.split("__")
        table = base
        for word in where:
            table = table[word]
        if value is LEFT_OUT:
            table.pop(last)
        else:
            table[last] = value
    return base


LEFT_OUT = object()


def run_of(**changes) -> Run:
    manifest = Manifest.of(sections(**changes))
    outcome = Outcome.of({"manifest": str(manifest.digest), "status": "completed", "metrics": {"val/psnr": 20.0}})
    return Run(manifest=manifest, outcome=outcome)


def ask(*, around=None, history=(), baseline=None, policy=None, waive=(), **changes) -> GuardAnswer:
    draft = Manifest.of(sections(**changes))
    facts = launch_facts(
        draft,
        around or Surroundings(root="/repo", changed=()),
        history=history,
        baseline=baseline,
        policy=policy,
        compare=lambda a, b: compare_designs(a, b, settings=Settings(), intent=draft.intent),
        call=CALL,
    )
    return judge(facts, waivers=parse_waivers(waive, RULES), today=DAY)


def codes(answer: GuardAnswer, *, least: Severity = Severity.ERROR) -> list[str]:
    return [f.code for f in answer.findings if f.severity >= least]


def test_a_whole_draft_may_start_without_a_word():
    answer = ask()

    assert answer.allowed
    assert answer.findings == ()


REFUSED = [
    ("RA101", {"code__vcs": None, "code__commit": None}),
    ("RA102", {"code__commit": None}),
    ("RA103", {"around": Surroundings(changed=("train.py",)), "code__dirty": True}),
    ("RA103", {"around": Surroundings(changed=None), "code__patch": {"digest": D["d"], "size": 1}}),
    ("RA104", {"code__dirty": True, "code__untracked": ["helper.py"]}),
    ("RA105", {"unknown": {"code.files": "the folder cannot be read"}}),
    ("RA106", {"code__submodules": {"lib": {"commit": "2" * 40, "dirty": True}}}),
    ("RA106", {"code__submodules": {"lib": {"commit": "2" * 40, "dirty": False, "moved": True}}}),
    ("RA107", {"code__siblings": {"lib": {"commit": "2" * 40, "dirty": True}}}),
    ("RA108", {"env__packages": LEFT_OUT}),
    ("RA109", {"around": Surroundings(changed=(), moved=("train.py",))}),
    ("RA110", {"init": {"kind": "checkpoint", "checkpoint": None}}),
    ("RA111", {"policy": GuardSettings(require=("label", "eval"))}),
    ("RA201", {"data": {}}),
    ("RA201", {"data": LEFT_OUT}),
    ("RA202", {"data__train__digest": None}),
    ("RA203", {"data__train": {"path": "/d/train", "digest": None, "files": 0, "bytes": 0}}),
    ("RA204", {"data__val__digest": D["b"]}),
    ("RA204", {"data__val__path": "/d/train/val"}),
    ("RA204", {"data__train__split_overlap": {"train+test": 2}}),
    ("RA205", {"history": (run_of(label="other", data__train__digest=D["f"]),)}),
    ("RA301", {"label": LEFT_OUT}),
    ("RA301", {"label": "  "}),
    ("RA302", {"history": (run_of(config__lr=0.2),)}),
    ("RA302", {"history": (run_of(config__lr=0.2, seed=5),)}),
    ("RA302", {"label": "a Try", "history": (run_of(label="\u0430  try", config__lr=0.2),)}),
    ("RA316", {"label": "test"}),
    ("RA304", {"seed": LEFT_OUT}),
    ("RA304", {"seed": None}),
    ("RA305", {"around": Surroundings(changed=(), sources=lambda: iter([("a.py", b"torch.manual_seed(hash('a'))")]))}),
    ("RA306", {"config": LEFT_OUT}),
    ("RA306", {"config": {}}),
    ("RA307", {"policy": GuardSettings(config_keys=("config.lr", "model.depth"))}),
    ("RA309", {"baseline": run_of(label="base", config__lr=0.2)}),
    ("RA315", {"label": "@last"}),
    ("RA315", {"label": "@last~12"}),
    *(("RA315", {"label": label}) for label in (" wider layers", "wider layers ", "wider layers\n", "\u00a0wider",
                                                " @last", ".", "..", "/", "/tmp/a", "./a", "../a", "~/a")),
    ("RA310", {"baseline": run_of(label="base"), "intent": ["config.lr"]}),
]  # fmt: skip


def test_a_test_set_that_is_the_validation_set_is_a_warning_and_no_refusal():
    one = {"path": "/d/test", "digest": D["c"], "files": 1, "bytes": 10}

    answer = ask(data__test=one)

    assert answer.allowed
    assert codes(answer, least=Severity.WARNING) == ["RA204"]


@pytest.mark.parametrize(("code", "changes"), REFUSED)
def test_each_gap_is_refused_by_its_own_rule_alone(code, changes):
    answer = ask(**changes)

    assert not answer.allowed
    assert codes(answer) == [code]


REMARKED = [
    ("RA113", {"around": Surroundings(changed=(), damaged=("1a2b3c",))}),
    ("RA114", {"around": Surroundings(changed=(), read_as_text=(TextNumber(file="c.yaml", line=3, text="1e-4"),))}),
    ("RA206", {"data__val": LEFT_OUT}),
    ("RA303", {"history": (run_of(),)}),
    ("RA308", {"baseline": Run(manifest=run_of(label="base").manifest)}),
    ("RA311", {"intent": ["config.lr", "config.model.width"]}),
    ("RA312", {"config__monitor": "test/psnr"}),
    ("RA312", {"launch": {"argv": ["python", "t.py", "--early-stop-metric=test_loss"]}}),
    ("RA313", {"config__data_fraction": 0.05}),
    ("RA313", {"launch": {"argv": ["python", "t.py", "--data-fraction", "0.05"]}}),
    ("RA201", {"data": LEFT_OUT, "policy": GuardSettings(require=("label",))}),
    ("RA304", {"seed": LEFT_OUT, "policy": GuardSettings(require=("label",))}),
    ("RA306", {"config": LEFT_OUT, "policy": GuardSettings(require=("label",))}),
]


@pytest.mark.parametrize(("code", "changes"), REMARKED)
def test_what_is_only_worth_a_remark_does_not_refuse(code, changes):
    answer = ask(**changes)

    assert answer.allowed
    assert code in codes(answer, least=Severity.INFO)


@pytest.mark.parametrize(
    "changes",
    [
        {"history": (run_of(seed=2), run_of(seed=3))},  # further seeds of one design
        {"history": (run_of(label="another"),)},
        {"code__dirty": True, "code__untracked": ["scratch/a.py"], "policy": GuardSettings(ignore=("scratch/*",))},
        {"code__dirty": True, "code__untracked": ["d/train/dataset.json"], "around": Surroundings(root="", changed=())},
        {"baseline": run_of(label="base", config__lr=0.2), "intent": ["config.lr"]},
        {"baseline": run_of(label="base", seed=7, config__lr=0.2), "intent": ["config.lr"]},
        {"history": (run_of(label="other", data__train__digest=D["f"]),), "intent": ["data.train"]},
        {"seed": 0},
        {"data__test": {"path": "/d/test", "digest": D["c"], "files": 1, "bytes": 10}},  # val and test: both held out
        {"around": Surroundings(changed=(), hash_seed="0",
                                sources=lambda: iter([("train.py", b"torch.manual_seed(hash('a'))")]))},
        {"around": Surroundings(changed=(), sources=lambda: iter([("t.py", b"key = hash(seed)\nrandom.seed(3)")]))},
        {"around": Surroundings(changed=(), sources=lambda: iter([("broken.py", b"seed(hash( ")]))},
    ],
)  # fmt: skip
def test_what_is_in_order_is_not_refused(changes):
    assert codes(ask(**changes)) == []


def test_the_rules_that_speak_of_a_baseline_are_skipped_where_there_is_none():
    skipped = {skip.code: skip.reason for skip in ask().skipped}

    assert skipped == dict.fromkeys(("RA308", "RA309", "RA310"), "no baseline was declared")


def test_where_no_record_can_be_made_one_rule_refuses_and_all_others_are_skipped():
    answer = judge(not_recordable(CaptureError("too large", remedy="ignore data")), waivers=(), today=DAY)

    assert codes(answer) == ["RA112"]
    assert answer.asked == ("RA112",)
    assert len(answer.skipped) == len(RULES) - 1


def test_an_answer_in_which_nothing_was_asked_is_no_permission():
    assert not GuardAnswer(today=DAY).allowed


# ── remedies ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("code", "changes"), REFUSED)
def test_every_refusal_names_a_command_that_a_shell_takes(code, changes):
    (finding,) = ask(**changes).refusals

    words = shlex.split(finding.remedy)
    programs = {words[0], *(after for before, after in pairwise(words) if before == "&&")}
    assert programs <= {"git", "cd", "runaudit", "find", "ls", "PYTHONHASHSEED=0"}


@pytest.mark.parametrize(("code", "changes"), REFUSED)
def test_a_remedy_that_is_a_call_of_runaudit_is_one_that_runaudit_understands(code, changes):
    from runaudit.cli.app import COMMANDS, load_command

    (finding,) = ask(**changes).refusals
    words = [word for word in shlex.split(finding.remedy) if not word.startswith("PYTHONHASHSEED=")]
    if words[0] != "runaudit" or words[1] not in COMMANDS:
        return

    command = load_command(words[1], COMMANDS[words[1]][0])
    context = command.make_context(words[1], words[2:])

    assert context.params.get("command", ["python", "train.py"]) == ["python", "train.py"]


def test_a_remedy_replaces_an_option_that_is_given_once():
    (finding,) = [f for f in ask(history=(run_of(),)).findings if f.code == "RA303"]

    assert finding.remedy == "runaudit run --seed 2 -- python train.py"


# ── waivers ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("code", "changes"), REFUSED)
def test_a_waiver_lets_the_run_start_and_the_finding_stays(code, changes):
    rule = next(rule for rule in RULES if rule.code == code)
    if not rule.waivable:
        return

    answer = ask(waive=(f"{rule.name}=it is a plot",), **changes)

    assert answer.allowed
    assert codes(answer) == [code]
    assert answer.to_json()["waivers"] == [{"rule": code, "name": rule.name, "reason": "it is a plot", "until": None}]
    assert [f["waived"] for f in answer.to_json()["findings"] if f["code"] == code] == [True]


def test_what_can_never_be_waived_is_a_short_list():
    assert {rule.code for rule in RULES if not rule.waivable} == {"RA109", "RA112", "RA301"}


def test_an_expired_waiver_excuses_nothing_and_says_so():
    answer = ask(seed=None, waive=("RA304=old:2026-11-20",))

    assert not answer.allowed
    assert answer.notes == ("waiver RA304 (no_seed) expired on 2026-11-20",)
    assert answer.sealed_waivers() == ()


def test_a_waiver_holds_on_its_last_day():
    assert ask(seed=None, waive=("RA304=old:2026-11-21",)).allowed


def test_a_waiver_that_excused_nothing_is_told_apart_in_the_record():
    answer = ask(waive=("RA304=just in case",))

    assert answer.notes == ("waiver RA304 (no_seed) was not needed",)
    assert [w["excused"] for w in answer.sealed_waivers()] == [False]


def test_the_answer_has_the_keys_that_programs_rely_on():
    answer = ask(seed=None).to_json()

    assert {"schema", "allowed", "findings", "waivers"} <= answer.keys()
    assert answer["schema"] == "runaudit.guard/1"
    assert {"code", "name", "severity", "subject", "step", "message", "evidence", "remedy"} <= answer["findings"][
        0
    ].keys()


def test_rules_have_unique_codes_and_names_and_words():
    assert len({rule.code for rule in RULES}) == len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.title.endswith(".") and rule.reason.endswith(".") for rule in RULES)
