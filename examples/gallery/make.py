"""The gallery: pages on three programs of other fields, and one that leads to them and to those of the case studies.

    python examples/gallery/make.py              three programs, eighteen runs: one to two minutes
    python examples/gallery/make.py --pictures   and a picture of the top of each page (needs Chromium)

Every program is a stranger's: it logs, and that is all it knows of runaudit. Each gets a folder and a store of its own
under gallery_out/; pages hold the paths of the machine that made them, so they are made and not kept. The case studies
take longer and have a command of their own, `make cases`; what it has made is linked from gallery_out/index.html.
"""

import argparse
import os
import random
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from html import escape
from math import cos, pi, sin
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))

from picture import top_of  # noqa: E402

from runaudit.system.browser import BrowserError  # noqa: E402  (also from a checkout, not installed)

SEEDS = (0, 1, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """One program: its data, its arms (label -> options), and the title of its page."""

    script: str
    data: str
    arms: dict[str, tuple[str, ...]]
    title: str
    metric: str
    direction: str = ""


EXHIBITS = (
    Exhibit(
        script="language.py",
        data="text.txt",
        arms={"one letter": ("--context", "1"), "three letters": ("--context", "3")},
        title="A language model of letters: does a longer context help?",
        metric="test/perplexity",
    ),
    Exhibit(
        script="classify.py",
        data="moons.csv",
        arms={"lr 0.1": ("--lr", "0.1"), "lr 0.05": ("--lr", "0.05")},
        title="Two moons: does half the learning rate matter?",
        metric="test/accuracy",
    ),
    Exhibit(
        script="gridworld.py",
        data="field.txt",
        arms={"bold": ("--epsilon", "0.3"), "timid and slow": ("--epsilon", "0.05", "--lr", "0.05")},
        title="A walker: two settings changed at once",
        metric="test/return",
        direction="higher",
    ),
)


def moons() -> str:
    """Six hundred points on two moons, the same ones every time: x, y, which moon."""
    rng = random.Random(20)
    rows = []
    for n in range(600):
        angle, upper = rng.random() * pi, n % 2
        x, y = (cos(angle), sin(angle)) if upper else (1 - cos(angle), 0.5 - sin(angle))
        rows.append(f"{x + rng.gauss(0, 0.25):.4f},{y + rng.gauss(0, 0.25):.4f},{upper}")
    return "\n".join(rows) + "\n"


DATA = {
    "moons.csv": moons,
    "text.txt": lambda: "".join((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "CHANGELOG.md")),
    "field.txt": lambda: "....#..\n.##.#.x\n.#....x\n.#.###.\n...x..o\n",
}


def make(exhibit: Exhibit, folder: Path) -> Path:
    """Run the program's arms in a folder of their own and write the page on them."""
    folder.mkdir(parents=True)
    shutil.copy(HERE / exhibit.script, folder)
    (folder / exhibit.data).write_text(DATA[exhibit.data]())
    (folder / ".gitignore").write_text(".runaudit/\n*.html\n")
    for words in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", exhibit.title)):
        subprocess.run(["git", *IDENTITY, *words], cwd=folder, check=True)
    for label, options in exhibit.arms.items():
        for seed in SEEDS:
            command = [sys.executable, exhibit.script, "--seed", str(seed), *options]
            runaudit(folder, "run", "-q", "--label", label, "--seed", str(seed), "--data", f"train={exhibit.data}",
                     "--init", "random", "--", *command)  # fmt: skip
    page = folder.parent / f"{Path(exhibit.script).stem}.html"
    page.unlink(missing_ok=True)
    direction = ("--direction", exhibit.direction) if exhibit.direction else ()
    runaudit(folder, "report", *exhibit.arms, "--metric", exhibit.metric, *direction, "--title", exhibit.title,
             "-o", str(page))  # fmt: skip
    return page


IDENTITY = ("-c", "user.name=gallery", "-c", "user.email=gallery@example.org")


def runaudit(folder: Path, *words: str) -> None:
    """One command as it would be typed in the program's folder."""
    print(f"$ {shlex.join(('runaudit', *words))}", flush=True)
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
    environment = {**os.environ, "PYTHONPATH": path, "RUNAUDIT_STORE": str(folder / ".runaudit")}
    ended = subprocess.run([sys.executable, "-m", "runaudit", *words], cwd=folder, env=environment, check=False)
    if ended.returncode:
        sys.exit(f"gallery: that ended with {ended.returncode}")


STYLE = "body{font:1rem/1.5 sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}li{margin:.4rem 0}"


def case_studies() -> dict[str, str]:
    """The case studies beside the gallery: name -> title, the first line of its README."""
    pages = sorted((HERE.parent / "cases").glob("*/README.md"))
    return {page.parent.name: page.read_text(encoding="utf-8").splitlines()[0].lstrip("# ") for page in pages}


def written_index(out: Path, exhibits: dict[str, Path], cases: Path) -> Path:
    """The page that leads to all others: those on the programs (title -> page), and those of the case studies in
    `cases`. One that is not made yet says how it is."""
    rows = [f"<li><a href='{escape(os.path.relpath(page, out))}'>{escape(title)}</a></li>"
            for title, page in exhibits.items()]  # fmt: skip
    studies = []
    for name, title in case_studies().items():
        page = cases / name / f"{name}.html"
        link = f"<a href='{escape(os.path.relpath(page, out))}'>{escape(title)}</a>"
        how = f"{escape(title)}: not made yet; <code>python examples/cases/make.py {escape(name)}</code> makes it"
        studies.append(f"<li>{link if page.is_file() else how}</li>")
    index = out / "index.html"
    index.write_text(
        "<!doctype html><html lang='en'><meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
        f"<title>Pages of runaudit</title><style>{STYLE}</style><h1>Pages of runaudit</h1>"
        f"<h2>Programs of others</h2><ul>{''.join(rows)}</ul><h2>Case studies</h2><ul>{''.join(studies)}</ul></html>\n",
        encoding="utf-8",
    )
    return index


def main() -> None:
    """Make every page, and the pictures where they are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("gallery_out"), help="a folder [gallery_out], made anew")
    parser.add_argument("--cases", type=Path, default=Path("cases_out"), help="where those pages lie [cases_out]")
    parser.add_argument("--pictures", action="store_true", help="the top of each page as a PNG in examples/gallery/")
    options = parser.parse_args()
    made: dict[str, Path] = {}
    for exhibit in EXHIBITS:
        folder = options.out.resolve() / Path(exhibit.script).stem
        if (folder / exhibit.script).is_file():
            shutil.rmtree(folder)
        page = made[exhibit.title] = make(exhibit, folder)
        print(f"page: {page}")
        if options.pictures:
            try:
                (HERE / f"{page.stem}.png").write_bytes(top_of(page))
            except BrowserError as error:
                sys.exit(f"gallery: no picture: {error.message}")
    print(f"index: {written_index(options.out.resolve(), made, options.cases.resolve())}")


if __name__ == "__main__":
    main()
