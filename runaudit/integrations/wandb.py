"""A mirror of the run in Weights & Biases: online, offline or off. The sealed record is the truth, this is its copy.

The W&B run's config carries the manifest's digest, so that whoever looks at a curve there can find the record that
explains it, and a record that was rewritten here no longer matches what was sent. W&B's own capture of code,
console, command line and machine is off: it would send what the manifest has redacted.
"""

import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from runaudit.errors import RunauditError, UsageError
from runaudit.integrations.offline import wait_until_whole
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import FINISHED, Outcome
from runaudit.records.run import SHORT

Mode = Literal["online", "offline", "disabled"]
MODES: tuple[Mode, ...] = ("online", "offline", "disabled")
INIT_TIMEOUT_S = 30.0
WHOLE_S = 30.0
"""How long the end of an offline run waits for W&B's core to have written it."""


class WandbSink:
    """Pass to `record(sinks=[WandbSink(project="…")])`. `mode` None: what $WANDB_MODE says, else W&B's default."""

    name = "wandb"

    def __init__(
        self,
        *,
        project: str | None = None,
        entity: str | None = None,
        mode: Mode | None = None,
        folder: Path | None = None,
        checkpoints: bool = True,
    ) -> None:
        if mode is not None and mode not in MODES:
            raise UsageError(f"{mode!r} is not a mode of W&B", remedy=f"use one of {', '.join(MODES)}")
        self._project = project
        self._entity = entity
        self._mode = mode
        self._folder = folder
        self._checkpoints = checkpoints
        self._run: Any = None
        self._short = ""

    def start(self, manifest: Manifest, run_dir: Path) -> None:
        """Open a W&B run that names the manifest in its config, and attach the manifest as an artifact."""
        try:
            import wandb
        except ModuleNotFoundError as error:
            raise UsageError("wandb is not installed", remedy="run 'pip install wandb'") from error

        self._short = manifest.id[:SHORT]
        # The command line stands in W&B's metadata word for word; the switch had an underscore before it was public.
        meta = "x_disable_meta" if "x_disable_meta" in getattr(wandb.Settings, "model_fields", ()) else "_disable_meta"
        quiet = wandb.Settings(
            init_timeout=INIT_TIMEOUT_S, console="off", disable_git=True, disable_code=True, silent=True, **{meta: True}
        )
        self._run = wandb.init(
            project=self._project,
            entity=self._entity,
            mode=self._mode,
            dir=str(self._folder or run_dir),
            name=manifest.label,
            config=run_config(manifest),
            reinit="create_new",
            settings=quiet,
        )
        artifact = wandb.Artifact(
            f"runaudit-{self._short}", type="runaudit-manifest", metadata={"digest": str(manifest.digest)}
        )
        with artifact.new_file("manifest.json", mode="wb") as file:
            file.write(manifest.raw)
        self._run.log_artifact(artifact)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """One step."""
        self._run.log(dict(values), step=step)

    def file(self, path: Path, entry: Mapping[str, Any]) -> None:
        """A checkpoint or artifact, linked to the run, its digest in the metadata."""
        import wandb

        if not self._checkpoints:
            return
        step = entry.get("step")
        kind = "model" if step is not None else "file"
        artifact = wandb.Artifact(f"{kind}-{self._short}", type=kind, metadata=dict(entry))
        # The name as it is recorded: the file's own may hold a secret.
        artifact.add_file(str(path), name=PurePosixPath(str(entry["path"])).name)
        aliases = [str(entry.get("kind", kind)), *([f"step-{step}"] if step is not None else [])]
        self._run.log_artifact(artifact, aliases=aliases)

    def finish(self, status: str, outcome: Outcome | None) -> None:
        """End the W&B run as this one ended. Raises RunauditError where its offline file does not reach the disk."""
        self._run.summary["runaudit/status"] = status
        if outcome is not None:
            self._run.summary["runaudit/outcome"] = str(outcome.digest)
        self._run.finish(exit_code=0 if status in FINISHED else 1)
        if getattr(self._run, "offline", False) and not wait_until_whole(self._file(), within_s=WHOLE_S):
            raise RunauditError(f"the offline file is not whole after {WHOLE_S:.0f} s: {self._file()}")

    def _file(self) -> Path:
        return Path(str(self._run.settings.sync_file))


def run_config(manifest: Manifest) -> dict[str, Any]:
    """What the W&B run's config says: the sealed config as it is, and under `runaudit` which record it belongs to."""
    body = manifest.to_json()
    config: dict[str, Any] = json.loads(json.dumps(body.get("config", {}), default=str))
    return config | {
        "runaudit": {
            "manifest": str(manifest.digest),
            "id": manifest.id,
            "label": manifest.label,
            "seed": body.get("seed"),
            "commit": manifest.section("code").get("commit"),
            "dirty": manifest.section("code").get("dirty"),
            "data": {name: entry.get("digest") for name, entry in body.get("data", {}).items()},
            "waivers": [waiver.get("rule") for waiver in manifest.waivers],
        }
    }
