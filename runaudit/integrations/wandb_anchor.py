"""Anchors in Weights & Biases: each is a version of an artifact, under W&B's own clock and never written again.

The file inside a version counts, not its metadata: whoever may write the project may edit metadata afterwards, while
the files of a version are fixed once it is logged. Whoever may *delete* versions can take an anchor away; that the
newest are gone shows only to someone who remembers them, as with every witness.
"""

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from runaudit.store.witness import AnchorError
from runaudit.system.files import read_ordinary
from runaudit.system.wandb_account import TIMEOUT_S, explained, library

KIND, NAME, FILE = "runaudit-anchor", "runaudit-anchors", "anchor.txt"


@dataclass(frozen=True, slots=True)
class WandbAnchors:
    """A project of W&B, as `PROJECT` or `ENTITY/PROJECT`."""

    project: str

    @property
    def name(self) -> str:
        """How it is called in an answer."""
        return f"the W&B project {self.project}"

    @property
    def kept(self) -> str:
        """Where a new anchor can be found."""
        return f"in the artifact {NAME} of {self.name}"

    def lines(self) -> Iterator[str]:
        """The line of every version; none where the project has no anchors yet. Raises AnchorError, UsageError."""
        wandb = library()
        with _explained("read"):
            api = wandb.Api(timeout=TIMEOUT_S)
            place = f"{self.project}/{NAME}"
            if not api.artifact_collection_exists(place, KIND):
                return
            for version in api.artifacts(KIND, place):
                with tempfile.TemporaryDirectory() as folder:
                    text = read_ordinary(Path(version.download(root=folder)) / FILE).decode("utf-8")
                yield from text.splitlines()

    def add(self, line: str) -> None:
        """Log one version more, and wait until W&B has it. Raises AnchorError, UsageError."""
        wandb = library()
        entity, _, project = self.project.rpartition("/")
        settings = wandb.Settings(
            init_timeout=TIMEOUT_S, console="off", disable_git=True, disable_code=True, silent=True
        )
        with _explained("take"):
            # An offline run would lie beside the store until somebody syncs it: no witness yet.
            run = wandb.init(entity=entity or None, project=project, job_type=KIND, mode="online",
                             reinit="create_new", settings=settings)  # fmt: skip
            try:
                artifact = wandb.Artifact(NAME, type=KIND)
                with artifact.new_file(FILE, mode="w") as file:
                    file.write(line + "\n")
                run.log_artifact(artifact).wait(TIMEOUT_S)
            finally:
                run.finish()


def _explained(verb: str) -> contextlib.AbstractContextManager[None]:
    remedy = "check the project's name, the network and `wandb login`"
    return explained(lambda said: AnchorError(f"W&B would not {verb} the anchor: {said}", remedy=remedy))
