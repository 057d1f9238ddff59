"""What runaudit knows without being told: leaves that cannot change a result, packages that compute nothing.

Every list is shown by `runaudit diff --all` through the reason it gives a leaf, and a policy adds to it under
`[factors] nuisance`. What stands in none of them is a factor.
"""

import re

BOOKKEEPING_KEYS = frozenset(
    (
        "output_dir", "out_dir", "save_dir", "log_dir", "logdir", "logging_dir", "run_dir", "results_dir",
        "result_dir", "output_path", "save_path", "log_path", "run_name", "run_id", "exp_name", "exp_id",
        "experiment_name", "experiment_id", "wandb", "wandb_project", "wandb_entity", "wandb_run_name",
        "wandb_name", "wandb_group", "wandb_tags", "wandb_notes", "wandb_mode", "wandb_dir", "wandb_id",
        "use_wandb", "project_name", "tags", "notes", "verbose", "verbosity", "quiet", "progress_bar",
        "log_every", "log_interval", "log_freq", "print_every", "print_freq", "log_level", "logging_steps",
        "timestamp", "hostname",
    )
)  # fmt: skip
"""Config keys that name, place or narrate a run."""

STOCHASTIC_KEYS = frozenset({"num_workers", "workers", "n_workers", "dataloader_workers", "prefetch_factor"})
"""Keys that reorder random draws without choosing anything: like a seed, they make a replicate."""

EVALUATION_KEYS = frozenset({"eval", "evaluation", "evaluator"})
"""Config tables that say how a run is judged: runs that differ in them are judged by different measures."""
NOT_EVALUATION = frozenset({"every", "interval", "frequency", "freq", "batch_size", "batch", "num_workers", "workers"})
"""Keys in such a table that say when or how fast, not how."""

TEST_NAMES = re.compile(r"(?:^|[_\-./])(?:test|eval|evaluation|val|valid|validation|holdout|heldout|benchmark)\d*(?:$|[_\-./])", re.I)  # fmt: skip  # noqa: E501
"""Names of data sets that results are measured on."""

BATCH_KEYS = {
    "batch_size": "batch", "batch": "batch", "micro_batch_size": "batch", "per_device_batch_size": "batch",
    "per_device_train_batch_size": "batch", "train_batch_size": "batch",
    "grad_accum": "accumulation", "grad_accumulation": "accumulation", "accumulate": "accumulation",
    "accumulation": "accumulation", "accumulation_steps": "accumulation", "grad_accum_steps": "accumulation",
    "gradient_accumulation": "accumulation", "gradient_accumulation_steps": "accumulation",
    "accumulate_grad_batches": "accumulation",
    "world_size": "world", "num_gpus": "world", "n_gpus": "world", "gpus": "world", "num_devices": "world",
}  # fmt: skip
"""Keys whose product is the effective batch."""

SCHEDULE_KEYS = frozenset({"schedule", "scheduler", "lr_schedule", "lr_scheduler"})
"""Tables whose keys describe one curve together."""
SELECTOR_KEYS = ("name", "type", "kind", "_target_", "class", "class_path", "class_name")
"""Keys that choose a variant: the keys that only one variant has follow that choice."""

HARDWARE = ("env.gpu", "env.gpu_count", "env.cpu", "env.cpu_count", "env.machine", "env.platform")
SWITCHES = ("env.determinism", "env.tf32", "env.precision", "env.deterministic", "env.amp", "env.variables",
            "env.world_size")  # fmt: skip
"""Choices of the experimenter within the environment: each is a factor of its own, never part of a software block."""
IDLE_VARIABLES = frozenset({"CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "CUDA_LAUNCH_BLOCKING", "OMP_NUM_THREADS",
                            "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "PYTORCH_CUDA_ALLOC_CONF",
                            "PYTORCH_ALLOC_CONF", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"})  # fmt: skip
"""Variables that choose among equal devices, or how much memory and how many threads are used."""
GPU_SOFTWARE = ("env.cuda", "env.cudnn", "env.driver")
NUMERICS = ("env.python", "env.torch", "env.cuda", "env.cudnn", "env.driver", "env.numpy", "env.packages",
            "env.jax", "env.tensorflow")  # fmt: skip
"""Software that can change numbers; several of them together are one block: somebody changed the container."""

QUIET_PACKAGES = frozenset(
    (
        "wandb", "tensorboard", "tensorboard-data-server", "tensorboardx", "mlflow", "comet-ml", "neptune",
        "clearml", "aim", "matplotlib", "seaborn", "plotly", "bokeh", "ipython", "ipykernel", "ipywidgets",
        "jupyter", "jupyterlab", "jupyter-core", "notebook", "jedi", "prompt-toolkit", "pip", "setuptools",
        "wheel", "build", "hatchling", "hatch", "poetry", "uv", "virtualenv", "packaging", "pluggy",
        "pytest", "pytest-timeout", "pytest-xdist", "hypothesis", "coverage", "ruff", "black", "isort",
        "flake8", "pylint", "mypy", "mypy-extensions", "pre-commit", "tqdm", "rich", "typer", "click",
        "colorama", "colorlog", "loguru", "termcolor", "pygments", "tabulate", "requests", "urllib3",
        "certifi", "charset-normalizer", "idna", "gitpython", "gitdb", "smmap", "psutil", "sentry-sdk",
        "setproctitle", "docker-pycreds", "platformdirs", "filelock", "sphinx", "mkdocs", "twine",
        "runaudit", "rfc8785", "cryptography", "jinja2", "markupsafe", "markdown", "werkzeug", "protobuf",
        "grpcio", "absl-py", "six", "typing-extensions", "shellingham", "markdown-it-py", "mdurl",
        "iniconfig", "exceptiongroup", "tomli",
    )
)  # fmt: skip
"""Packages that draw, log, test or install. Theirs are the versions that change most and matter least."""

DOCUMENT_SUFFIXES = (
    ".md",
    ".rst",
    ".adoc",
    ".png",
    ".jpg",
    ".jpeg",
    ".gif",
    ".svg",
    ".pdf",
    ".bib",
    ".tex",
    ".css",
    ".html",
)
DOCUMENT_NAMES = re.compile(
    r"(?:^|/)(?:readme|licen[cs]e|changelog|changes|authors|contributing|citation|notice|\.gitignore|\.gitattributes|"
    r"\.editorconfig|\.dockerignore|\.mailmap|py\.typed)[^/]*$",
    re.I,
)
PACKAGING_NAMES = re.compile(
    r"(?:^|/)(?:requirements[^/]*\.(?:txt|in)|constraints[^/]*\.txt|pyproject\.toml|setup\.cfg|poetry\.lock|uv\.lock|pdm\.lock|"
    r"environment\.ya?ml|makefile|justfile|tox\.ini|\.pre-commit-config\.yaml|codecov\.yml|dockerfile[^/]*|manifest\.in)$"
    r"|(?:^|/)\.(?:github|gitlab|circleci|ci|vscode|idea)/",
    re.I,
)
"""Files that install or check; what they install is judged as the environment."""
SETTING_SUFFIXES = (".toml", ".yaml", ".yml", ".json", ".ini", ".cfg")
"""Files of settings: where a run was launched with one, its content is the resolved config."""
UNSEEN_SUFFIXES = (".py", ".pyi")
"""Files of which `loaded` knows whether they ran: modules. A shell script or a notebook is nobody's module."""
