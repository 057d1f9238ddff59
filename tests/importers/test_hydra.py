"""Hydra's job folders: what the config names is resolved, what only the job knew is a gap."""

import os
from pathlib import Path

import pytest

from runaudit.diff import compare
from runaudit.errors import RecordError
from runaudit.settings import Settings
from runaudit.study.study import study
from tests.importers.reading import runs_in

SHARED = Path(os.environ.get("RUNAUDIT_SHARED_RUNS", "/nowhere"))
HYDRA = """\
hydra:
  run: {{dir: "outputs/${{now:%Y-%m-%d}}"}}
  sweep: {{dir: multirun, subdir: "${{hydra.job.num}}"}}
  job: {{name: train, num: {num}, id: '{num}', override_dirname: "seed={num}", env_set: {env}}}
  overrides: {{hydra: [], task: []}}
  runtime: {{version: 1.3.2, cwd: /w, output_dir: /w/multirun/{num}, choices: {{model: small}}}}
"""


@pytest.fixture
def job(tmp_path):
    def make(config, *, num=0, overrides="[]\n", env="{}", hydra=HYDRA):
        folder = tmp_path / "multirun" / str(num) / ".hydra"
        folder.mkdir(parents=True)
        (folder / "config.yaml").write_text(config)
        (folder / "overrides.yaml").write_text(overrides)
        (folder / "hydra.yaml").write_text(hydra.format(num=num, env=env))
        return folder.parent

    return make


def only(path):
    (found,), _ = runs_in(path, "hydra")
    return found.run


def config_of(path):
    return dict(only(path).manifest.section("config"))


# ── interpolations ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${lr}", 0.1),
        ("${sgd.wd}", 0.01),
        ("${l[1]}", 3),
        ("${l.1}", 3),
        ("lr ${lr} wd ${sgd.wd}", "lr 0.1 wd 0.01"),
        ("${sgd.${which}}", 0.01),
        ("${alias.wd}", 0.01),
        ("${oc.select:lr}", 0.1),
        ("${oc.select:nowhere,7}", 7),
        ("${oc.select:missing,7}", 7),
        ("${oc.select:home,7}", None),
        ("${oc.decode:'12'}", 12),
        ("${hydra:job.num}", 0),
        ("${hydra:runtime.output_dir}/x", "/w/multirun/0/x"),
        ("\\${lr}", "${lr}"),
        ("no ${sgd}", None),
        ("${nowhere}", None),
        ("${missing}", None),
        ("${x}", None),
        ("${lr", None),
        ("${oc.env:HOME}", None),
        ("${oc.env:HOME,/root}", None),
        ("${now:%Y}", None),
        ("${eval:'1+1'}", None),
    ],
)
def test_an_interpolation_is_the_value_it_names_or_a_gap(job, text, value):
    doubled = text.replace("'", "''")
    others = "lr: 0.1\nl: [1, 3]\nwhich: wd\nmissing: ???\nhome: ${oc.env:HOME}\nsgd: {wd: 0.01}\nalias: ${sgd}\n"
    folder = job(f"{others}x: '{doubled}'\n")
    run = only(folder)

    assert run.manifest.section("config").get("x") == value
    assert ("config.x" in run.manifest.section("unknown")) is (value is None)


def test_a_relative_interpolation_counts_from_where_it_stands(job):
    config = config_of(job("a: {b: {c: 1, d: '${.c}', e: '${..f}'}, f: 2}\n"))

    assert config["a"]["b"] == {"c": 1, "d": 1, "e": 2}


def test_a_list_with_a_value_that_is_not_known_is_not_known(job):
    run = only(job("l: [1, '${oc.env:N}']\nlr: 1\n"))

    assert dict(run.manifest.section("config")) == {"lr": 1}
    assert "config.l" in run.manifest.section("unknown")


def test_a_gap_in_a_table_is_a_gap_in_its_copy_too(job):
    run = only(job("a: {n: '${oc.env:N}', m: 1}\nb: ${a}\n'c.d': '${oc.env:N}'\n"))

    assert set(run.manifest.section("unknown")) >= {"config.a.n", "config.b.n", "config['c.d']"}
    assert run.manifest.section("config")["b"] == {"m": 1}


def test_a_variable_that_the_job_was_given_is_known(job):
    run = only(job("home: ${oc.env:PLACE}\n", env="{PLACE: /data}"))

    assert run.manifest.section("config")["home"] == "/data"
    assert run.manifest.section("env")["variables"] == {"PLACE": "/data"}


def test_the_time_is_bookkeeping_where_it_names_the_run_and_an_input_where_it_does_not(job):
    run = only(job("run: {timestamp: '${now:%s}', run_name: 'a_${now:%s}'}\ndata: {day: '${now:%d}'}\n"))

    unknown = run.manifest.section("unknown")
    assert "config.data.day" in unknown
    assert not {"config.run.timestamp", "config.run.run_name"} & set(unknown)
    assert set(run.manifest.section("origin")["clock"]) == {"config.run.timestamp", "config.run.run_name",
                                                            "config.data.day"}  # fmt: skip


@pytest.mark.parametrize(
    ("key", "written", "is_open"),
    [
        ("tag", "${now:%H-%M-%S-%f}", False),
        ("model.note", "x_${now:%Y-%m-%d_%H-%M}", False),
        ("tag", "${now:%Y-%m-%d}", True),
        ("tag", "${now:%H%M}_${oc.env:X}", True),
        ("seed_offset", "${now:%H%M%S}", True),
        ("train_split", "${now:%Y%m%d%H%M}", True),
    ],
)
def test_the_time_of_day_is_bookkeeping_under_any_key_that_reads_nothing(job, key, written, is_open):
    *above, last = key.split(".")
    table = f"{{{last}: '{written}'}}"
    unknown = only(job(f"lr: 1\n{above[0]}: {table}\n" if above else f"lr: 1\n{last}: '{written}'\n"))
    assert (f"config.{key}" in unknown.manifest.section("unknown")) is is_open


@pytest.mark.parametrize(
    "config",
    [
        "a0: 'xxxxxxxxxxxxxxxx'\n" + "".join(f"a{i + 1}: '${{a{i}}}${{a{i}}}'\n" for i in range(38)),
        "a0: {x: 1, y: 2}\n" + "".join(f"a{i + 1}: {{x: '${{a{i}}}', y: '${{a{i}}}'}}\n" for i in range(38)),
    ],
    ids=["text", "tables"],
)
def test_interpolations_that_unfold_without_end_are_refused(job, config):
    with pytest.raises(RecordError, match="unfold"):
        only(job(config))


def test_interpolations_in_a_circle_are_gaps(job):
    run = only(job("a: ${b}\nb: ${a}\nlr: 1\n"))

    assert {"config.a", "config.b"} <= set(run.manifest.section("unknown"))


# ── the job ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_jobs_of_a_sweep_over_seeds_are_replicates(job):
    text = "seed: {}\nlr: 0.1\nout: '${{hydra:runtime.output_dir}}/ckpt'\n"
    a, b = (only(job(text.format(n), num=n, overrides=f"- seed={n}\n")) for n in (0, 1))

    found = compare(a, b, settings=Settings())
    assert {factor.factor for factor in found.factors} == {"seed"}
    assert found.conditional == "replicate"


def test_an_override_is_told_and_its_setting_is_the_factor(job):
    a, b = (only(job(f"seed: 1\nlr: {lr}\n", num=n, overrides=f"- lr={lr}\n")) for n, lr in ((0, 0.1), (1, 0.2)))

    found = compare(a, b, settings=Settings())
    assert {factor.factor for factor in found.factors} == {"config.lr"}
    assert list(a.manifest.section("launch")["overrides"]) == ["lr=0.1"]


def test_the_script_is_known_by_the_name_of_the_job_unless_that_was_given(job):
    plain, renamed = job("a: 1\n"), job("a: 1\n", num=1, hydra=HYDRA.replace("hydra: []", "hydra: [hydra.job.name=x]"))

    assert only(plain).manifest.section("code")["program"] == "train.py"
    assert "program" not in only(renamed).manifest.section("code")


SOURCES = (
    "config_sources: [{{path: hydra.conf, schema: pkg, provider: hydra}}, "
    "{{path: FOLDER, schema: file, provider: main}}], choices"
)


def beside(folder):
    """Hydra's settings of a job whose script brought along the config of this folder."""
    return HYDRA.replace("choices", SOURCES.replace("FOLDER", folder))


@pytest.mark.parametrize(("first", "second", "is_open"), [
    (beside("/w/exp/a/conf"), beside("/w/exp/a/conf"), False),
    (beside("/w/exp/a/conf"), beside("/w/exp/b/conf"), True),
    (HYDRA, HYDRA.replace("cwd: /w", "cwd: /other"), True),
    (HYDRA, HYDRA, False),
])  # fmt: skip
def test_two_scripts_of_one_name_in_two_folders_are_not_known_to_be_one(job, first, second, is_open):
    a, b = only(job("lr: 1\n", hydra=first)), only(job("lr: 1\n", num=1, hydra=second))

    found = compare(a, b, settings=Settings())

    assert ("code.program" in {row.factor for row in found.missing}) is is_open
    assert not found.factors
    missing = study([a, b], settings=Settings()).missing
    assert ("code.program" in missing) is is_open


def test_a_job_without_settings_has_none(job):
    run = only(job("{}\n"))

    assert dict(run.manifest.section("config")) == {}
    assert "config" not in run.manifest.section("unknown")


@pytest.mark.parametrize("text", ["", "\n", "# cut\n"])
def test_a_config_that_was_cut_is_unknown_and_not_empty(job, text):
    bare, lr, seed = job(text), job(text, num=1, overrides="[lr=9]\n"), job(text, num=2, overrides="[seed=0]\n")

    assert "it was cut" in only(bare).manifest.section("unknown")["config"]
    assert config_of(lr) == {"lr": 9}
    assert "it was cut" in only(lr).manifest.section("unknown")["config.untyped"]
    assert only(seed).manifest.body["seed"] == 0
    assert [one.factor for one in compare(only(lr), only(seed), settings=Settings()).factors] == ["config.lr"]


def test_a_job_of_which_nothing_is_left_is_damaged_and_no_run(job):
    _, (left,) = runs_in(job("", overrides="", hydra="").parent, "hydra")

    assert left.broken


def test_what_was_typed_and_the_config_does_not_hold_shows_that_it_was_cut(job):
    words = "[lr=9, seed=3, +opt.beta=0.5, model=small, ~wd, hydra.verbose=true]\n"
    run = only(job("lr: 9\nopt: {}\n", overrides=words))

    assert run.manifest.section("config") == {"lr": 9, "opt": {"beta": 0.5}, "seed": 3}
    assert "seed=3 was typed" in run.manifest.section("unknown")["config.untyped"]
    whole = only(job("lr: 9\nopt: {beta: 0.5}\nseed: 3\n", num=1, overrides=words))
    assert "config.untyped" not in whole.manifest.section("unknown")


def test_a_folder_or_its_hydra_folder_may_be_named(job):
    folder = job("a: 1\n")

    assert only(folder).manifest.digest == only(folder / ".hydra").manifest.digest


@pytest.mark.parametrize("config", ["- a\n", "a: 1\na: 2\n", "a: !!python/object/apply:os.system [x]\n", "a: [\n"])
def test_a_config_that_is_none_is_refused(job, config):
    with pytest.raises(RecordError):
        only(job(config))


def test_one_broken_job_leaves_the_others(job):
    job("a: [\n")
    job("a: 1\n", num=1)

    found, skipped = runs_in(Path(job("a: 2\n", num=2)).parent, "hydra")
    assert (len(found), len(skipped)) == (2, 1)


@pytest.mark.skipif(not SHARED.is_dir(), reason="RUNAUDIT_SHARED_RUNS names no folder of real records")
@pytest.mark.parametrize(
    ("a", "b", "factors"),
    [
        ("022e422946", "05d5b8e94c", {"model.nearest_radius", "model.weight_decay"}),
        ("05d5b8e94c", "0916009452",
         {"model.learning_rate", "model.model_name", "model.nearest_radius", "model.weight_decay"}),
    ],
)  # fmt: skip
def test_labelled_jobs_come_out_as_labelled(a, b, factors):
    runs = [only(SHARED / "hydra_icecube" / name) for name in (a, b)]

    found = compare(*runs, settings=Settings())
    assert (found.verdict, {one.factor.removeprefix("config.") for one in found.factors}) == ("confounded", factors)


# ── what is written in terms of another setting ──────────────────────────────────────────────────────────────────


def factors_of(job, a, b):
    found = compare(only(job(a)), only(job(b, num=1)), settings=Settings())
    return {factor.factor for factor in found.factors}


def test_a_setting_that_names_another_one_is_no_factor_of_its_own(job):
    text = "lr: {}\nsgd: {{lr: '${{lr}}'}}\nopt: '${{sgd}}'\nnote: 'lr {{${{lr}}}}'\n"

    assert factors_of(job, text.format(0.1), text.format(0.2)) == {"config.lr"}


def test_a_name_that_holds_the_seed_parts_no_seeds(job):
    text = "seed: {}\nlr: 0.1\ntag: 'exp_${{lr}}_${{seed}}'\n"
    a, b = only(job(text.format(1))), only(job(text.format(2), num=1))

    assert compare(a, b, settings=Settings()).conditional == "replicate"


@pytest.mark.parametrize(
    ("a", "b", "factors"),
    [
        ("lr: 0.1\nwd: 0.2\nx: '${lr}'\n", "lr: 0.1\nwd: 0.2\nx: '${wd}'\n", {"config.x"}),
        ("lr: 0.1\nx: '${lr}'\n", "lr: 0.1\nx: 0.5\n", {"config.x"}),
        ("lr: 0.1\nx: '${lr}'\n", "lr: 0.1\nx: 0.1\n", set()),
        ("fold: '${hydra:job.num}'\n", "fold: '${hydra:job.num}'\n", {"config.fold"}),
    ],
)
def test_what_is_written_otherwise_or_names_no_setting_is_judged_by_its_value(job, a, b, factors):
    assert factors_of(job, a, b) == factors


def test_what_is_read_from_where_the_run_writes_is_a_factor(job):
    text = "output_dir: /o/{}\ndata: '${{output_dir}}/cache'\n"

    assert "config.data" in factors_of(job, text.format("a"), text.format("b"))


@pytest.mark.parametrize(
    ("text", "factors"),
    [
        ("name: 'run_${hydra:job.num}'\n", set()),
        ("out: 'x/${hydra:job.num}'\n", set()),
        ("o: '${hydra:run.dir}/x'\n", set()),
        ("opt: {name: '${hydra:job.override_dirname}'}\n", set()),
        ("data: 'x/${hydra:job.override_dirname}'\n", {"config.data"}),
        ("load_from: '${hydra:run.dir}/x'\n", {"config.load_from"}),
        ("o: '${hydra:run.dir}/x'\nresume: true\n", {"config.o"}),
    ],
)
def test_what_hydra_calls_a_job_and_where_it_puts_it_is_no_choice(job, text, factors):
    hydra = HYDRA.replace('"outputs/${{now:%Y-%m-%d}}"', "multirun/{num}")
    a, b = (only(job(text, num=number, hydra=hydra)) for number in (0, 1))

    assert {one.factor for one in compare(a, b, settings=Settings()).factors} == factors
