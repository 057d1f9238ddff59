"""The whole way from photographs to a judged page: data, three arms of three seeds, verdicts, one HTML file.

    python examples/piunet_stages/demo.py            about five minutes on two cores
    python examples/piunet_stages/demo.py --quick    5 % of the data, some four minutes of CPU time, marked as such

Every step is a command that can be repeated by hand; they are printed as they are run. Each demo gets a folder and a
store of its own, so nothing that was recorded before is touched.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))

from trainer.config import stage_steps  # noqa: E402  (the demo also runs from a checkout that is not installed)
from trainer.configfile import load_config  # noqa: E402

SEEDS = (0, 1, 2)
METRIC = "full_frame/psnr"
QUICK = ("data.fraction=0.5",  # of 68 tiles: 5 % of the 675 of the whole demo
         "budget.align_steps=12", "budget.sr_steps=40", "budget.end_to_end_steps=17",
         "loop.val_every=20", "loop.save_every=40", "eval.self_ensemble=false", "eval.tile=256")  # fmt: skip
AMP_QUICK = ("budget.align_steps=5", "budget.sr_steps=25")
PAGE = "report.html"
FULL_TITLE = "What staging and alignment do: three arms of three seeds"
QUICK_TITLE = "QUICK: 5 % of the data and few steps. It shows the way, not the quality"
TERN_END, TERN, FLOW = "TERN end to end", "TERN staged", "flow staged"
CONTROL, AMP = "flow on nine copies of the reference", "flow short fp16 AMP"


@dataclass(slots=True, kw_only=True)
class Job:
    """One training run: a process with one thread, its log, and how far it is."""

    label: str
    config: Path
    seed: int
    overrides: tuple[str, ...]
    steps: int
    log: Path
    process: subprocess.Popen[bytes] | None = None
    series: Path | None = None
    task: TaskID | None = field(default=None)

    @property
    def name(self) -> str:
        """As it is shown."""
        return f"{self.label}, seed {self.seed}"


def jobs_of(out: Path, *, quick: bool) -> list[Job]:
    """The runs of the demo. The two that start together differ in length, or both would compute the baselines."""
    extra = QUICK if quick else ()
    mark = " (quick)" if quick else ""
    plan = [(AMP, "amp_fp16.toml", (0,)), (CONTROL, "control_nine_copies.toml", (0,)),
            (FLOW, "flow_staged.toml", SEEDS), (TERN, "tern_staged.toml", SEEDS),
            (TERN_END, "tern_end_to_end.toml", SEEDS)]  # fmt: skip
    jobs = []
    for label, file, seeds in plan:
        short = AMP_QUICK if quick and label == AMP else ()
        overrides = (f"data.root={out / 'data'}", *extra, *short)
        steps = sum(stage_steps(load_config(HERE / file, overrides)).values())
        for seed in seeds:
            log = out / "logs" / f"{file.removesuffix('.toml')}-{seed}.log"
            jobs.append(
                Job(label=label + mark, config=HERE / file, seed=seed, overrides=overrides, steps=steps, log=log)
            )
    return jobs


def train_command(job: Job, store: Path, waive: list[str]) -> list[str]:
    """The command line of one run."""
    command = [sys.executable, "-m", "trainer", "train", "--config", str(job.config), "--seed", str(job.seed)]
    command += ["--label", job.label, "--store", str(store)]
    for override in job.overrides:
        command += ["--set", override]
    for waiver in waive:
        command += ["--waive", waiver]
    return command


def environment() -> dict[str, str]:
    """One thread a process: two processes fill two cores, and threads of one would only wait for each other."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path}


def run_all(jobs: list[Job], store: Path, *, workers: int, waive: list[str], console: Console) -> None:
    """Train everything, `workers` at a time. Raises SystemExit with the run's own words when one fails."""
    waiting, running = list(jobs), []
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console) as progress, ended_with_us(running):
        total = progress.add_task("all runs, optimiser steps", total=sum(job.steps for job in jobs))
        while waiting or running:
            while waiting and len(running) < workers:
                running.append(start(waiting.pop(0), store, waive, progress))
            time.sleep(0.3)
            for job in list(running):
                if follow(job, store, progress):
                    running.remove(job)
            done = sum(progress.tasks[job.task].completed for job in jobs if job.task is not None)
            progress.update(total, completed=done)


def start(job: Job, store: Path, waive: list[str], progress: Progress) -> Job:
    """Start one run."""
    job.log.parent.mkdir(parents=True, exist_ok=True)
    job.task = progress.add_task(job.name, total=job.steps)
    with job.log.open("wb") as log:
        job.process = subprocess.Popen(
            train_command(job, store, waive), stdout=log, stderr=subprocess.STDOUT, env=environment(), cwd=ROOT
        )
    return job


def follow(job: Job, store: Path, progress: Progress) -> bool:
    """Show how far a run is; True when it has ended."""
    assert job.process is not None
    assert job.task is not None
    progress.update(job.task, completed=min(job.steps, steps_logged(job, store)))
    code = job.process.poll()
    if code is None:
        return False
    if code != 0:
        progress.stop()
        sys.exit(f"{job.name} ended with exit code {code}:\n" + job.log.read_text(errors="replace")[-2000:])
    progress.update(job.task, completed=job.steps)
    return True


def steps_logged(job: Job, store: Path) -> int:
    """The last step in the live series of a run, once it is sealed; all of them where the outcome is sealed too."""
    if job.series is None:
        words = job.log.read_text(errors="replace").split()
        if "sealed" in words:
            prefix = words[words.index("sealed") - 1]
            job.series = next((store / "live").glob(f"{prefix}*/series.jsonl"), None)
        if job.series is None:
            return 0
    try:
        with job.series.open("rb") as file:
            file.seek(max(0, job.series.stat().st_size - 4096))
            lines = file.read().splitlines()
    except FileNotFoundError:  # the store keeps the steps of an ended run elsewhere
        return job.steps
    found = lines[-1].partition(b'"s":')[2].partition(b",")[0] if lines else b""
    return int(found) + 1 if found.isdigit() else 0


@contextmanager
def ended_with_us(running: list[Job]) -> Iterator[None]:
    """No run outlives the demo: Ctrl-C ends them all, and each seals that it was killed."""
    try:
        yield
    finally:
        for job in running:
            if job.process is not None and job.process.poll() is None:
                job.process.terminate()
        for job in running:
            if job.process is not None:
                job.process.wait()


def command_of(*words: str, store: Path) -> list[str]:
    """One runaudit command line."""
    return [sys.executable, "-m", "runaudit", *words, "--store", str(store)]


def shown(command: object, store: Path) -> str:
    """A command as a user would type it."""
    words = command if isinstance(command, list) else []
    typed = " ".join(f'"{word}"' if " " in word else word for word in words[2:-2])
    return f"{typed} --store {store}"


def runaudit(*words: str, store: Path, console: Console) -> int:
    """Run one runaudit command as a user would, its words shown. Returns the exit code."""
    command = command_of(*words, store=store)
    console.rule(shown(command, store), align="left", style="dim")
    return subprocess.run(command, env=environment(), cwd=ROOT, check=False).returncode


def judge(store: Path, page: Path, *, mark: str, console: Console) -> None:
    """The verdicts in words, the page, and the integrity of everything it rests on."""
    writing = begin_report(store, page, mark=mark)
    pairs = ((TERN_END, TERN, "what did staging do?"), (TERN, FLOW, "what did the alignment do?"))
    for baseline, arm, question in pairs:
        console.print(f"\n[bold]{arm} against {baseline}: {question}[/bold]")
        runaudit("diff", baseline + mark, arm + mark, store=store, console=console)
        runaudit("stats", "--metric", METRIC, arm + mark, "--vs", baseline + mark, store=store, console=console)
    runaudit("verify", store=store, console=console)
    lines, _ = writing.communicate()
    console.rule(shown(writing.args, store), align="left", style="dim")
    sys.stdout.write(lines.decode(errors="replace"))
    if writing.returncode in (2, 4, 70):
        sys.exit(writing.returncode)


def begin_report(store: Path, page: Path, *, mark: str) -> "subprocess.Popen[bytes]":
    """Start writing the page, on the other core, while the verdicts are printed."""
    arms = [label + mark for label in (TERN_END, TERN, FLOW)]
    beside = [word for label in (CONTROL, AMP) for word in ("--beside", label + mark)]
    words = [*arms, *beside, "--metric", METRIC, "--title", QUICK_TITLE if mark else FULL_TITLE, "-o", str(page)]
    return subprocess.Popen(
        command_of("report", *words, store=store), env=environment(), cwd=ROOT, stdout=subprocess.PIPE
    )


def main() -> None:
    """Make the data, train, judge, and say where the page is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--quick", action="store_true", help="5 %% of the data and few steps: some four minutes of CPU time"
    )
    parser.add_argument("--out", type=Path, help="a new folder [demo_out/<time>]")
    parser.add_argument("--workers", type=int, default=max(1, min(2, os.cpu_count() or 1)))
    parser.add_argument("--waive", action="append", default=[], metavar="RULE=REASON", help="passed on to the guard")
    options = parser.parse_args()
    console = Console()
    began = time.monotonic()
    out = (options.out or ROOT / "demo_out" / datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")).absolute()
    if out.exists():
        sys.exit(f"{out} exists already; name a new folder with --out")
    out.mkdir(parents=True)
    store = out / ".runaudit"
    if options.quick:
        console.print(
            "[yellow]QUICK: 5 % of the training tiles and few steps. It shows the way, not the quality.[/yellow]"
        )
    with console.status("Simulating nine-frame bursts from photographs"):
        preset = "quick" if options.quick else "default"
        subprocess.run([sys.executable, "-m", "trainer", "data", "make", str(out / "data"), "--preset", preset],
                       env=environment(), cwd=ROOT, check=True, stdout=subprocess.DEVNULL)  # fmt: skip
    jobs = jobs_of(out, quick=options.quick)
    run_all(jobs, store, workers=options.workers, waive=options.waive, console=console)
    judge(store, out / PAGE, mark=" (quick)" if options.quick else "", console=console)
    console.print(f"\n{len(jobs)} runs in {time.monotonic() - began:.0f} s. The page: [bold]{out / PAGE}[/bold]")
    console.print(f"Ask on: .venv/bin/runaudit list --store {out.relative_to(Path.cwd()) / '.runaudit'}"
                  if out.is_relative_to(Path.cwd()) else f"Ask on: runaudit list --store {store}")  # fmt: skip


if __name__ == "__main__":
    main()
