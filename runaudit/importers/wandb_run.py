"""One run as Weights & Biases tells of it, from its folder or from its server, and the draft that becomes of it.

What W&B writes that cannot change a result keeps a visible place under `origin`: the settings of W&B itself (`wandb_*`,
`_wandb`). What W&B does not record is unknown, with the reason: the data's content, the initial weights, the
evaluation, and whether an absent `diff.patch` means a clean tree. The account's e-mail address is left out.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from runaudit.importers.commandline import arguments
from runaudit.importers.draft import Draft, numbers
from runaudit.importers.launchers import is_of_a_kernel, stands_in
from runaudit.records.manifest import UNLISTED, UNLOGGED
from runaudit.records.trajectory import number

_OWN = re.compile(
    r"(?:use_)?wandb|wandb_(?:project|entity|run_name|name|group|tags|notes|mode|dir|id|run_id|job_type|version|api_key|host|"
    r"base_url|offline|online|disabled|resume|log\w*|watch\w*|init\w*)"
)
"""Settings of W&B itself. An artifact that is named beside them is read by the run, and counts."""
_OWN_KEYS = frozenset({"project", "entity", "name", "run_name", "group", "tags", "notes", "mode", "dir", "id",
                       "job_type", "enabled", "use", "offline", "log_model", "watch", "save_code"})  # fmt: skip
UNKNOWN = {
    "data": "W&B records no digest of the data",
    "init": "W&B does not record what the weights began from",
    "eval": "W&B does not record how the run was evaluated",
    "env.cudnn": "not among what W&B records",
    "env.determinism": "not among what W&B records",
}
_OF_WANDB = frozenset({"_wandb", "wandb_version"})
"""Entries of `config.yaml` that are W&B's telemetry."""
NO_PATCH = "there is no diff.patch: the tree was clean, or W&B did not save it"
NO_CONFIG = "nothing was given to wandb.config"
NO_FILE = "there is no config.yaml"
CONDA_CUT = "conda-environment.yaml does not hold the list of what conda had installed"
NO_ARGS = "the record does not hold the command line"


@dataclass(frozen=True, slots=True, kw_only=True)
class WandbRun:
    """What W&B keeps of one run; None for a file of its that is not there.

    requirements, conda: what pip and conda listed. source: the folder, or the address.
    id: W&B's own. identity: as a draft has it. config: name -> value, or a table
    with `value`. files: the code that W&B was told to save, as the work tree names it. facts: `wandb-metadata.json`,
    None where there is none. names: how it is called. status: a word of `Outcome`, where W&B says how the run ended and
    no exit code does.
    """

    source: str
    id: str
    identity: str = ""
    config: Mapping[str, Any] | None = None
    facts: Mapping[str, Any] | None = None
    summary: Mapping[str, Any] = field(default_factory=dict)
    requirements: str | None = None
    conda: str | None = None
    patch: str | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    series: Mapping[str, Sequence[tuple[int, float]]] = field(default_factory=dict)
    torn: int = 0
    exit_code: int | None = None
    status: str | None = None
    names: Mapping[str, Any] = field(default_factory=dict)
    told: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()


def draft_of(run: WandbRun) -> Draft:
    """The draft that a run of W&B's becomes."""
    facts = run.facts or {}
    step = number(run.summary.get("_step"))
    metrics = dict(_results(run.summary))
    program, given = _program(facts), facts.get("args")
    # A kernel's arguments are its ports and its key, new with every start of a notebook.
    words = [str(word) for word in given] if isinstance(given, list) else []
    argv = [] if is_of_a_kernel(str(facts.get("program")), words) else words
    return Draft(
        kind="wandb",
        source=run.source,
        run=run.id,
        identity=run.identity,
        name=_name(run),
        config=_config(run),
        program=program,
        argv=argv,
        code=_code(facts),
        patch=run.patch,
        files=run.files,
        env=_env(run),
        launch={"started": facts.get("startedAt"), "hostname": facts.get("host"), **_folders(facts),
                "executable": facts.get("executable")},
        series={**{name: ((int(step or 0), value),) for name, value in metrics.items()}, **run.series},
        torn=run.torn,
        metrics=metrics,
        status=run.status,
        exit_code=run.exit_code if run.exit_code is not None else _exit_code(facts),
        duration_s=number(run.summary.get("_runtime")),
        told=_told(run),
        notes=run.notes,
        own={key: value for key, value in {**arguments(argv), **_settings(run)}.items() if _is_own(key, value)},
        unknown={**UNKNOWN, **_unlogged(run), **_unlisted(run),
                 **({} if run.patch is not None else {"code.patch": NO_PATCH}),
                 **({} if program or facts.get("codePath") else {"code.program": _unnamed(facts)}),
                 **({} if {"program", "args"} & facts.keys() else {"config.args": NO_ARGS})},
    )  # fmt: skip


def _unlogged(run: WandbRun) -> dict[str, str]:
    """Why the record holds no setting: the program gave W&B none, or where they would stand is missing or torn."""
    if run.config is None or run.torn:
        return {"config": NO_FILE if run.config is None else "the file that would hold them is torn"}
    return {"config": NO_CONFIG, **({UNLOGGED: NO_CONFIG} if _config(run) is None else {})}


def _unlisted(run: WandbRun) -> dict[str, str]:
    """Why it is open what conda had installed: W&B asks it while the run begins, and a run that is killed before it
    answered, or whose conda gave no list, leaves a file without one. What pip listed stands, and is not all."""
    if run.conda is None or not _is_cut(run.conda):
        return {}
    return {UNLISTED: CONDA_CUT}


def _is_cut(conda: str) -> bool:
    """Whether what `conda env export` wrote holds no list, or not all of it: its last line tells where the environment
    lies."""
    lines = conda.splitlines()
    return not any(map(_OF_CONDA.fullmatch, lines)) or not any(line.startswith("prefix:") for line in lines)


def _name(run: WandbRun) -> str | None:
    """What the user called the run, where W&B kept it, or the config says it."""
    settings = _settings(run)
    names = (run.names.get("name"), settings.get("wandb_run_name"), settings.get("wandb_name"))
    return next((name for name in names if isinstance(name, str) and name.strip()), None)


def _program(facts: Mapping[str, Any]) -> str | None:
    program = facts.get("program")
    return program if isinstance(program, str) and program and not stands_in(program) else None


def _folders(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Where the program ran, and where W&B wrote. W&B calls its own folder the root, which is the one that the program
    ran in only where nobody said `dir=`; the two names of the script tell."""
    root, script, inside = (facts.get(key) for key in ("root", "program", "codePathLocal"))
    if not all(isinstance(text, str) and text for text in (root, script, inside)):
        return {"cwd": root}
    if not str(script).startswith("/") or not str(script).endswith(f"/{inside}"):
        return {"cwd": root}
    cwd = str(script).removesuffix(f"/{inside}") or "/"
    return {"cwd": cwd, "tracker_dir": posixpath.normpath(posixpath.join(cwd, str(root)))}


def _unnamed(facts: Mapping[str, Any]) -> str:
    """Why the script is unknown."""
    if isinstance(named := facts.get("program"), str) and named:
        return stands_in(named)
    return "the record does not name the script"


def _exit_code(facts: Mapping[str, Any]) -> int | None:
    """What older releases noted of the end. Their `state: running` was seldom brought up to date, and says nothing."""
    code = facts.get("exitcode")
    return code if isinstance(code, int) and not isinstance(code, bool) else None


def _settings(run: WandbRun) -> dict[str, Any]:
    return settings_in(run.config)


def settings_in(config: Mapping[str, Any] | None) -> dict[str, Any]:
    """The settings of a `config.yaml`, or of what was written to the `.wandb` in its place, without W&B's own."""
    return {key: _value(entry) for key, entry in (config or {}).items() if key not in _OF_WANDB}


def _config(run: WandbRun) -> dict[str, Any] | None:
    """The logged config without the settings of W&B itself; None where nothing was logged."""
    return {key: value for key, value in _settings(run).items() if not _is_own(key, value)} or None


def _is_own(key: str, value: Any) -> bool:
    """Whether a key configures W&B, not the run."""
    if isinstance(value, Mapping):
        return key == "_wandb" or (key == "wandb" and {str(inner).lower() for inner in value} <= _OWN_KEYS)
    return _OWN.fullmatch(key) is not None or key == "_wandb"


def _value(entry: Any) -> Any:
    """A setting as `config.yaml` keeps it, in a table of its own, or bare."""
    return entry["value"] if isinstance(entry, Mapping) and "value" in entry else entry


def _code(facts: Mapping[str, Any]) -> dict[str, Any]:
    git = facts.get("git")
    git = git if isinstance(git, Mapping) else {}
    code: dict[str, Any] = {key: git[key] for key in ("commit", "branch") if git.get(key)}
    if isinstance(git.get("remote"), str):
        # A remote may carry a token; who may read the store need not push.
        code["remote"] = re.sub(r"://[^/@]*@", "://", git["remote"])
    return code | ({"codePath": facts["codePath"]} if facts.get("codePath") else {})


def _env(run: WandbRun) -> dict[str, Any]:
    facts = run.facts or {}
    env: dict[str, Any] = {}
    if isinstance(facts.get("python"), str):
        env["python"] = facts["python"].split()[-1]
    # The CUDA version is the driver's or the toolkit's: the one on the machine, which is what W&B looks at.
    for ours, theirs in (("platform", "os"), ("gpu", "gpu"), ("gpu_count", "gpu_count"), ("cpu_count", "cpu_count"),
                         ("cuda", "cudaVersion"), ("cuda", "cuda"), ("docker", "docker")):  # fmt: skip
        if facts.get(theirs) is not None:
            env.setdefault(ours, facts[theirs])
    for apple in (facts.get("apple"), facts.get("gpuapple"), facts.get("gpu_apple")):
        if isinstance(apple, Mapping) and (name := apple.get("name") or apple.get("gpuType") or apple.get("gpu_type")):
            env.setdefault("gpu", str(name))
    packages = {**dict(of_conda(run.conda or "")), **dict(requirements(run.requirements or ""))}
    if packages or run.requirements is not None:
        env["packages"] = packages
        if torch := packages.get("torch") or packages.get("pytorch"):
            env["torch"] = torch.partition("=")[0]
    return env


_OF_CONDA = re.compile(r"\s*- ([\w.-]+)=([^=\s]\S*)\s*")


def of_conda(text: str) -> Iterator[tuple[str, str]]:
    """Package -> version of what `conda env export` wrote, with the build where it is told (`1.9.0=py3.8_cuda11.1`):
    one release is built for several versions of CUDA. What pip put beside them is told as it tells it."""
    for line in text.splitlines():
        if match := _OF_CONDA.fullmatch(line):
            yield match[1].lower().replace("_", "-"), match[2]
        elif "==" in line or " @ " in line:
            yield from requirements(line.strip().removeprefix("- "))


def requirements(text: str) -> Iterator[tuple[str, str]]:
    """Package -> version of a frozen requirements file; a package from elsewhere has its place as version."""
    for line in text.splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        name, pin, version = line.partition("==")
        if not pin:
            name, at, version = line.partition(" @ ")
            version = version if at else "unpinned"
        if line.startswith("-e "):
            name, version = line[3:].rpartition("egg=")[2] or line[3:], line[3:]
        yield name.strip().lower().replace("_", "-"), version.strip()


def _told(run: WandbRun) -> dict[str, Any]:
    told: dict[str, Any] = dict(run.told)
    telemetry = _value((run.config or {}).get("_wandb"))
    if isinstance(telemetry, Mapping):
        # `e` repeats the metadata with the account's address; the rest says which features of W&B were in use.
        told["telemetry"] = {str(key): value for key, value in telemetry.items() if key != "e"}
    return told | ({"called": dict(run.names)} if run.names else {})


def _results(summary: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The numbers of a summary; nested ones by dots, W&B's own keys and media left out."""
    yield from numbers(_plain(summary))


def _plain(summary: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _plain(value) if isinstance(value, Mapping) else value
        for key, value in summary.items()
        if not key.startswith("_") and not (isinstance(value, Mapping) and "_type" in value)
    }
