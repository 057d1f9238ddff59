"""The case studies: each runs in a folder of its own, is judged by the commands a user would type, and ends in a page.

    python examples/cases/make.py                   all of them, about a quarter of an hour on two cores
    python examples/cases/make.py divergence        one
    python examples/cases/make.py --pictures        and a picture of the top of each page (needs Chromium)

Each case is a git repository under cases_out/ with a store beside it, so the commands of its `commands.txt` can be
typed there again. Called again, it goes on from what is sealed; remove the folder to begin anew.
"""

import argparse
import filecmp
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(HERE.parent / "gallery")]

CASES = ("staged", "collapse", "divergence", "autoencoder", "denoiser", "foreign")
SHARED = ("images.py",)
NOT_KEPT = ".runaudit/\ndata/\nout/\nlightning_logs/\n__pycache__/\n*.html\n"
IDENTITY = ("-c", "user.name=cases", "-c", "user.email=cases@example.org")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of `commands.txt`: the words, the exit codes that it may end with, and the module that it needs."""

    words: tuple[str, ...]
    exits: frozenset[int]
    needs: str = ""


def steps_of(name: str) -> Iterator[Step]:
    """The commands of a case. Behind `#` stands `exit 1` where that is the right answer, and `needs MODULE`."""
    for line in (HERE / name / "commands.txt").read_text(encoding="utf-8").splitlines():
        words = tuple(shlex.split(line, comments=True))
        if words:
            said = line.partition(" # ")[2]
            exits = re.search(r"exit (\d+(?: or \d+)*)", said)
            needs = re.search(r"needs (\w+)", said)
            yield Step(
                words=words,
                exits=frozenset(map(int, exits[1].split(" or ") if exits else "0")),
                needs=needs[1] if needs else "",
            )


def prepared(name: str, folder: Path) -> None:
    """Bring the case's files into its folder and commit them. What is there stays: runs of a program as it was are
    kept, and where it changed, `campaign --resume` says so."""
    sources = {path.name: path for path in (HERE / name).iterdir() if path.suffix in (".py", ".toml")}
    sources |= {shared: HERE / shared for shared in SHARED}
    if (folder / ".git").is_dir():
        if all((folder / file).is_file() and filecmp.cmp(folder / file, path, False) for file, path in sources.items()):
            return
    else:
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    for file, path in sources.items():
        shutil.copy(path, folder / file)
    (folder / ".gitignore").write_text(NOT_KEPT, encoding="utf-8")
    subprocess.run(["git", "add", "-A"], cwd=folder, check=True)
    if subprocess.run(["git", "diff", "--cached", "--quiet"], cwd=folder, check=False).returncode:
        subprocess.run(["git", *IDENTITY, "commit", "-q", "-m", f"the case {name}"], cwd=folder, check=True)


def surroundings(folder: Path, python: str) -> dict[str, str]:
    """The environment of a user in that folder, where `python` is this one, of one thread."""
    found = {name: value for name, value in os.environ.items() if not name.startswith("RUNAUDIT_")}
    here = os.pathsep.join(filter(None, (str(ROOT), found.get("PYTHONPATH", ""))))
    programs = os.pathsep.join((str(Path(python).parent), found.get("PATH", "")))
    return {**found, "PYTHONPATH": here, "PATH": programs, "OMP_NUM_THREADS": "1",
            "RUNAUDIT_STORE": str(folder / ".runaudit")}  # fmt: skip


def done(step: Step, folder: Path, python: str) -> bool:
    """Run one command and say how it ended. A campaign goes on from what is sealed."""
    words, python = list(step.words), python if step.needs else sys.executable
    print(f"$ {shlex.join(words)}", flush=True)
    if step.needs and subprocess.run([python, "-c", f"import {step.needs}"], capture_output=True).returncode:
        print(f"cases: passed over: {step.needs} is not installed in {python}", flush=True)
        return True
    if words[:2] == ["runaudit", "campaign"]:
        words.append("--resume")
    words[:1] = [sys.executable, "-m", "runaudit"] if words[0] == "runaudit" else [python]
    ended = subprocess.run(words, cwd=folder, env=surroundings(folder, python), check=False).returncode
    if ended not in step.exits:
        print(f"cases: that ended with {ended}, not with {', '.join(map(str, sorted(step.exits)))}", flush=True)
    return ended in step.exits


def make(name: str, out: Path, python: str) -> bool:
    """One case to its page; False where a command ended otherwise than it says."""
    folder, began = out / name, time.monotonic()
    prepared(name, folder)
    print(f"== {name}", flush=True)
    ended = [done(step, folder, python) for step in steps_of(name)]  # All of them: one that fails hides no other.
    for page in sorted(folder.glob("*.html")):
        print(f"page: {page}", flush=True)
    print(
        f"== {name}: {'as it says' if all(ended) else 'OTHERWISE than it says'}, {time.monotonic() - began:.0f} s",
        flush=True,
    )
    return all(ended)


def main() -> int:
    """Make the cases that are named; 1 where one came out otherwise than it says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"{', '.join(CASES)} [all]")
    parser.add_argument("--out", type=Path, default=Path("cases_out"), help="a folder [cases_out]")
    parser.add_argument("--python", default=sys.executable, help="the Python that has Lightning and Transformers")
    parser.add_argument("--pictures", action="store_true", help="the top of each page as a PNG beside its README")
    options = parser.parse_args()
    if unknown := sorted(set(options.cases) - set(CASES)):
        parser.error(f"there is no case {unknown[0]}; there are: {', '.join(CASES)}")
    well = True
    for name in options.cases or CASES:
        well &= make(name, options.out.resolve(), options.python)
        if options.pictures:
            from picture import top_of

            (HERE / name / "page.png").write_bytes(top_of(options.out.resolve() / name / f"{name}.html"))
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
