"""What runaudit knows without being told: the words of the field, by which leaves are grouped and evidence is found.

No list excuses by itself: a name says what evidence to look for (`evidence`), and where the record holds none, the leaf
is a factor. What needs none is the host, the process, the time and the label. A policy adds under `[factors] nuisance`.
"""

import re

RUN_TABLES = frozenset({"experiment", "exp", "run", "runs", "logging", "logger", "log", "tracker", "tracking", "wandb",
                        "mlflow", "aim", "clearml", "comet", "neptune", "tensorboard", "hydra", "job", "meta",
                        "general", "project", "output", "outputs", "paths", "dirs"})  # fmt: skip
"""Config tables that tell of the run itself. A key in any other table tells of what the table is about."""
TRAINING_TABLES = frozenset({"train", "training", "trainer", "args", "init_args", "training_args", "hparams", "params"})
"""Tables of the one training a run is: what they say of a place is said of the run's."""
WRITING_TABLES = frozenset({"hydra", "run", "output", "outputs", "logging", "logger", "log"})
"""Tables in which a folder is one that is written to."""
NAMING_KEYS = frozenset({"run_name", "run_id", "run", "exp_name", "exp_id", "experiment", "experiment_name",
                         "experiment_id", "job_name", "job_id", "label", "description", "wandb_run_name", "wandb_name",
                         "wandb_id", "wandb_run_id"})  # fmt: skip
"""Config keys that may name the run: they do where their value is its label or id."""
SURE_NAMING_KEYS = frozenset({"run_name", "wandb_run_name", "wandb_name", "exp_name", "experiment_name", "job_name"})
"""Those of them that name it and choose nothing."""
CHOOSING_KEYS = frozenset({"experiment", "run", "label", "description"})
"""Those of them that may say what is tried."""
SHORT_NAMING_KEYS = frozenset({"name", "id", "title"})
"""The same within a table that tells of the run; anywhere else they choose something."""
CALLED_KEYS = {"name": "name", "run_name": "name", "display_name": "name", "notes": "notes", "note": "notes"}
"""Config keys that may repeat what a tracker has of a run, with where it has it. A group, a tag or a kind of job may
say what was tried: they are settings."""
PLACE_KEYS = frozenset({"output_dir", "out_dir", "outdir", "save_dir", "savedir", "log_dir", "logdir", "logging_dir",
                        "run_dir", "results_dir", "result_dir", "output_path", "save_path", "log_path", "work_dir",
                        "workdir", "tensorboard_dir", "wandb_dir", "output_folder", "out_folder", "save_folder",
                        "logs_dir", "log_folder", "result_path", "results_path", "log_file", "logfile",
                        "default_root_dir"})  # fmt: skip
"""Config keys that name the place a training writes to. One that goes on from an earlier one reads there first, and so
does an evaluation: of a run that may be either, such a key says nothing."""
READING_PROGRAMS = frozenset({"eval", "evaluate", "evaluation", "test", "testing", "enjoy", "play", "infer",
                              "inference", "predict", "prediction", "generate", "generation", "sample", "sampling",
                              "demo", "serve", "export", "convert", "analyze", "analyse", "analysis", "plot", "score",
                              "visualize", "validate", "benchmark", "decode", "translate", "rollout",
                              "resume"})  # fmt: skip
"""Words in the name of a program that reads what another one wrote."""
READING_FLAGS = frozenset({"test", "evaluate", "inference", "infer", "predict", "enjoy", "play"})
"""A switch of this name alone turns a training program into one that reads; `eval` and `sample` it may do beside."""
GOING_ON_WORDS = frozenset({"resume", "resumed", "autoresume", "restore", "reload", "continue", "load"})
"""Words in the name of a setting that makes a training read back what lies where it writes."""
NOT_GOING_ON = frozenset({"best", "in", "bit", "worker", "workers", "thread", "threads", "balance", "balancing",
                          "loader", "data", "dataset", "pretrained", "backbone", "teacher", "every",
                          "num"})  # fmt: skip
"""Words with which such a name is of something else: `load_best_model_at_end`, `load_in_8bit`, `load_workers`."""
GOING_ON_FLAGS = frozenset({"restart", "recover", "keep_training", "warm_start", "warmstart"})
"""Switches of just this name that do so too; a word among others it may be of something else: `warm_restarts`."""
BEGINNING_WORDS = frozenset({"init", "from", "ckpt", "checkpoint", "weights", "start", "state"})
GOING_ON_VALUES = frozenset({"resume", "last", "latest", "continue"})
"""`init_from: resume`, `ckpt_path: last`: a setting of the beginning that names no place but what was written last."""
FIRST_WORDS = frozenset({"start", "initial", "first", "begin"})
CLOCK_WORDS = frozenset({"epoch", "step", "iter", "iteration"})
"""`start_epoch: 5`: a training that does not begin at the beginning went on from something."""
MODE_KEYS = frozenset({"mode", "phase", "action", "command", "run_mode"})
"""Keys under which a program is told whether to train."""
TIME_KEYS = frozenset({"timestamp", "time", "date", "datetime", "started", "started_at", "start_time", "launch_time",
                       "created", "created_at", "creation_time"})  # fmt: skip
"""Config keys that may say when the run began: they do where the record says the same."""
HOST_KEYS = frozenset({"hostname", "pid", "slurm_job_id", "slurm_jobid"})
"""What the machine is called, and which process or job of its queue it was: nothing is computed from it, and only at
the top of a config or in a table that tells of the run does a key of this name say it. A host that a program talks to
has a longer name."""
HYDRA_PLACES = frozenset({"hydra.run.dir", "hydra.sweep.dir", "hydra.sweep.subdir", "hydra.output_subdir"})
HYDRA_STARTS = ("hydra.launcher", "hydra/launcher", "hydra.sweeper", "hydra/sweeper", "hydra.mode", "hydra.verbose",
                "hydra/job_logging", "hydra/hydra_logging", "hydra.job.name")  # fmt: skip
"""How the words of a command line begin by which Hydra is told where to write, and how to start its jobs. What it tells
them besides, as `hydra.job.env_set`, counts."""
MANY_PROCESSES = frozenset({"gpus", "gpu", "nodes", "node", "tasks", "ntasks"})
"""Words of such a name that may say on how many devices one training runs."""
TRACKER_KEYS = frozenset({"wandb_project", "wandb_entity", "wandb_run_name", "wandb_name", "wandb_group", "wandb_tags",
                          "wandb_notes", "wandb_dir"})  # fmt: skip
"""The arguments under which a tracker files a run, as its users write them at the top of a config. The tracker's own
name of a run is in no record, so nothing could prove it; what else stands under `wandb`, an artifact say, counts."""
INPUT_WORDS = frozenset({"resume", "pretrained", "init", "initial", "load", "teacher", "student", "from", "weights",
                         "weight", "input", "restore", "finetune", "backbone", "base", "prior", "source", "reference",
                         "parent", "model", "checkpoint", "ckpt", "data", "dataset", "datasets", "features",
                         "cache", "list", "split", "splits", "vocab", "tokenizer", "prompt", "prompts", "labels",
                         "annotations", "index"})  # fmt: skip
"""Words in the name of a key whose value is read, wherever it lies."""
DATA_WORDS = frozenset({"data", "dataset", "datasets", "train", "val", "test", "corpus", "images", "root"})
"""Words in the name of a key that says where data lies."""
PLACE_WORDS = frozenset({"dir", "root", "path", "paths", "folder", "location", "url", "uri", "directory"})
"""Words in the name of a key whose value is a place."""
OUTPUT_WORDS = frozenset({"out", "output", "outdir", "save", "log", "logs", "logdir", "exp", "experiment", "run",
                          "results", "result", "workdir"})  # fmt: skip
"""Words in the name of a key whose value names a run or what it writes, where the value itself shows that it does."""
KEPT_WORDS = frozenset({"dirpath", "tensorboard", "tb", "artifact", "artifacts", "figure", "figures", "pred", "preds",
                        "predictions", "workspace", "cwd", "export"})  # fmt: skip
"""The same of what a run keeps beside its results."""
EXPERIMENT_WORDS = frozenset({"exp", "experiment", "run"})
"""Those of them that may name what is tried as well."""
WEIGHT_SUFFIXES = (".pt", ".pth", ".ckpt", ".safetensors", ".bin", ".h5", ".hdf5", ".npz", ".npy", ".pkl", ".onnx",
                   ".gguf", ".msgpack", ".keras", ".tar")  # fmt: skip
"""What is read back from such a file is no place."""

OTHER_QUANTITIES = frozenset({"min", "minimum", "end", "final", "last", "decay", "warmup", "warm"})
"""Words that make another quantity of the one they stand beside: `lr_min`, `lr_decay`."""

EVALUATION_KEYS = frozenset({"eval", "evaluation", "evaluator", "test", "testing"})
"""Config tables that say how a run is judged: runs that differ in them are judged by different measures."""
NOT_EVALUATION = frozenset({"every", "interval", "frequency", "freq", "batch_size", "batch", "num_workers", "workers",
                            "every_n_steps", "every_n_epochs", "every_steps", "every_epochs", "steps_between",
                            "pin_memory", "prefetch", "prefetch_factor", "persistent_workers", "verbose",
                            "strategy", "delay", "patience"})  # fmt: skip
"""Keys in such a table that say when or how fast, not how."""
MEASURING_WORDS = EVALUATION_KEYS | {"evaluate", "metric", "metrics", "val", "valid", "validation", "score", "scorer"}
"""Words in the name of a setting that may say how a run is judged: no record tells whether it does."""

BATCH_KEYS = {
    "batch_size": "batch", "batch": "batch", "micro_batch_size": "batch", "per_device_batch_size": "batch",
    "per_device_train_batch_size": "batch", "train_batch_size": "batch",
    "grad_accum": "accumulation", "grad_accumulation": "accumulation", "accumulate": "accumulation",
    "accumulation": "accumulation", "accumulation_steps": "accumulation", "grad_accum_steps": "accumulation",
    "gradient_accumulation": "accumulation", "gradient_accumulation_steps": "accumulation",
    "accumulate_grad_batches": "accumulation",
    "world_size": "world", "num_gpus": "world", "n_gpus": "world", "gpus": "world", "num_devices": "world",
    "devices": "world",
}  # fmt: skip
"""Keys whose product is the effective batch."""
DEVICE_BATCH_KEYS = frozenset({"per_device_train_batch_size", "per_device_batch_size", "micro_batch_size",
                               "train_batch_size"})  # fmt: skip
"""Those of the batch of one device, and the one in which a trainer tells that of all of them."""
BATCH_TABLES = frozenset({"data", "datamodule", "dataloader", "loader", "dataset", "train", "training", "trainer",
                          "optim", "optimizer", "optimization", "run", "distributed", "hardware", "args", "init_args",
                          "training_args", "hparams", "params"})  # fmt: skip
"""Tables that tell of the one training a run is. Batch keys of any other two tables belong to two networks."""

SCHEDULE_KEYS = frozenset({"schedule", "scheduler", "lr_schedule", "lr_scheduler"})
"""Tables whose keys describe one curve together."""
CLASS_KEYS = ("_target_", "class", "class_path", "class_name")
"""Keys that name the code which a table is handed to: its other keys are that code's arguments."""
SELECTOR_KEYS = ("name", "type", "kind", *CLASS_KEYS)
"""Keys that choose a variant: the keys that only one variant has follow that choice."""

HARDWARE = ("env.gpu", "env.gpu_count", "env.cpu", "env.cpu_count", "env.machine", "env.platform")
MACHINE = ("env.gpu_memory", "env.gpu_name", "env.cpu_model", "env.memory", "env.ram", "env.cores")
"""What comes with another machine, beside what is compared as hardware."""
SWITCHES = ("env.determinism", "env.tf32", "env.precision", "env.deterministic", "env.amp", "env.variables",
            "env.world_size")  # fmt: skip
"""Choices of the experimenter within the environment: each is a factor of its own, never part of a software block."""
WHO_AND_WHERE = ("env.hostname", "env.host", "env.pid", "env.user", "env.username")
"""Who ran it where: nothing is computed from it."""
DEVICE_VARIABLES = frozenset(
    {"CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"}
)
"""Variables that choose among devices: what was chosen is `env.gpu` and `env.gpu_count`."""
THREAD_VARIABLES = frozenset({"OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS"})
"""Variables that say how many threads of the processor compute: where it computes, sums come in another order."""
OBSERVERS = frozenset({"env.packages.rfc8785"})
"""What runaudit itself imports in a program that it records, some time or other: that only one run did says nothing."""
GPU_LIBRARIES = frozenset({"torch", "jax", "jaxlib", "tensorflow", "cupy", "numba", "pycuda", "mxnet", "paddlepaddle",
                           "cudf", "cuml", "onnxruntime-gpu", "xgboost", "lightgbm", "catboost", "tinygrad",
                           "mlx"})  # fmt: skip
"""Packages through which a Python program reaches a GPU: where a run imported none of them, its GPU stood idle."""
DEVICE_KEYS = frozenset({"device", "accelerator", "devices", "platform", "device_type"})
"""Keys under which programs are told where to compute."""
IDLE_VARIABLES = frozenset({"CUDA_LAUNCH_BLOCKING", "PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF"})
"""Variables that say when a kernel is waited for and how memory is cut: no number comes of it, unless cuDNN tries its
kernels first and takes the fastest that fits. They are excused where the record shows that it did not."""
ASKING_VARIABLES = frozenset({"PYTORCH_NVML_BASED_CUDA_CHECK"})
"""Variables that say how a library asks whether there is a GPU. Lightning sets this one while it runs, so that the
record of a run that began before has it and another has not."""
CODE_PLACES = frozenset({"vcs", "branch", "remote", "repository", "repo", "url", "root", "path", "describe",
                         "author", "message", "date", "ref"})  # fmt: skip
"""Facts of the code that say where it lay and who wrote it; what it was is commit, patch and files. A list of untracked
files is none of them: where their content is not kept, nobody knows that they were not imported."""
GPU_SOFTWARE = ("env.cuda", "env.cudnn", "env.driver")
NUMERICS = ("env.python", "env.implementation", "env.torch", "env.cuda", "env.cudnn", "env.driver", "env.numpy",
            "env.packages", "env.jax", "env.tensorflow", "env.blas", "env.mkl", "env.nccl", "env.rocm", "env.triton",
            "env.libc", "env.container", "env.image")  # fmt: skip
"""Software that can change numbers; several of them together are one block: somebody changed the container."""

SETTINGS = "the run's settings; the resolved config is compared leaf by leaf"
"""Why a file of settings is no factor of its own."""
DOCUMENT = re.compile(
    r"(?:readme|licen[cs]e|copying|notice)(?:\.(?:md|rst|adoc))?|(?:licen[cs]e|copying|readme)\.txt|"
    r"\.gitignore|\.gitattributes|\.editorconfig|\.dockerignore|\.mailmap|py\.typed",
    re.I,
)
"""Names of documents, whole. Whether a program of the record speaks of one is looked up in its text."""
TOP_DOCUMENT = re.compile(
    r"(?:changelog|changes|history|authors|contributors|contributing|code_of_conduct|citation|security)"
    r"(?:\.(?:md|rst|txt|adoc|cff|bib))?",
    re.I,
)
"""The same where they lie at the top of a work tree; further down such a name may be that of a text of a corpus."""
INSTALLING = re.compile(
    r"requirements(?:[-_.]\w+)?\.(?:txt|in)|constraints(?:[-_.]\w+)?\.txt|pyproject\.toml|setup\.cfg|poetry\.lock|uv\.lock|"
    r"pdm\.lock|environment\.ya?ml|tox\.ini|\.pre-commit-config\.ya?ml|codecov\.ya?ml|manifest\.in",
    re.I,
)
"""Files that install or check; what they installed is judged as the environment, where it is recorded."""
STARTING = re.compile(r"makefile|justfile|dockerfile", re.I)
"""Files that install or start; what they started is the command line, where it is recorded."""
PROGRAM_SUFFIXES = (".py", ".pyi", ".pyx", ".sh", ".bash", ".ipynb", ".jl", ".r", ".lua", ".pl", ".rb", ".js", ".ts",
                    ".go", ".rs", ".c", ".cc", ".cpp", ".cu", ".h")  # fmt: skip
"""Files whose text says what a program reads."""
SETTING_SUFFIXES = (".toml", ".yaml", ".yml", ".json", ".ini", ".cfg")
"""Files of settings: where a run was launched with one, its content is the resolved config."""
UNSEEN_SUFFIXES = (".py", ".pyi")
"""Files of which `loaded` knows whether they ran: modules. A shell script or a notebook is nobody's module."""
