"""What README's "Change it" promises: how many files a new rule, importer, metric, column or model block takes.

Each is added to a copy of the house as a newcomer would, and seen to act there.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CANNOT_JUDGE, REFUSED = 3, 5


class Copy:
    """A copy of the house that somebody changes."""

    def __init__(self, top: Path) -> None:
        self.top, self.touched = top / "house", set()
        for name in ("runaudit", "trainer", "templates"):
            shutil.copytree(ROOT / name, self.top / name, ignore=shutil.ignore_patterns("*.pyc.*"))
        self.work = top / "work"
        self.work.mkdir()

    def new(self, name: str, text: str) -> None:
        """Add a file."""
        assert not (self.top / name).exists()
        (self.top / name).write_text(text, encoding="utf-8")
        self.touched.add(name)

    def before(self, name: str, line: str, *added: str) -> None:
        """Add lines to a file, before the one line that reads so."""
        self.after(name, line, *added, line)
        lines = (self.top / name).read_text(encoding="utf-8").split("\n")
        lines.remove(line)
        (self.top / name).write_text("\n".join(lines), encoding="utf-8")

    def after(self, name: str, line: str, *added: str) -> None:
        """Add lines to a file, after the one line that reads so."""
        lines = (self.top / name).read_text(encoding="utf-8").split("\n")
        (at,) = [number for number, text in enumerate(lines) if text == line]
        lines[at + 1 : at + 1] = added
        (self.top / name).write_text("\n".join(lines), encoding="utf-8")
        self.touched.add(name)

    def run(self, *words: str, code: int = 0) -> str:
        """What Python says in the copy."""
        env = {"PYTHONPATH": str(self.top), "PATH": "/usr/bin:/bin", "HOME": str(self.work)}
        done = subprocess.run([sys.executable, *words], cwd=self.work, env=env, capture_output=True, text=True)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def runaudit(self, *words: str, code: int = 0) -> str:
        """What the command line says in the copy."""
        return self.run("-m", "runaudit", *words, code=code)


@pytest.fixture
def house(tmp_path):
    return Copy(tmp_path)


RECORD = """{"schema": "runaudit.record/1", "label": "a", "seed": %d, "config": {"lr": %s},
 "runtime": {"status": "completed"}, "metrics": {"val/crispness": %s}}"""


def imported(house):
    """Two arms of three seeds in the copy's own store."""
    for lr in (1, 2):
        for seed in range(3):
            place = house.work / f"{lr}{seed}.json"
            place.write_text(RECORD.replace('"a"', f'"lr{lr}"') % (seed, lr, lr * 10 + seed / 10))
    names = sorted(path.name for path in house.work.glob("*.json"))
    house.runaudit("import", "record", *names)


def test_a_rule_is_one_file(house):
    house.after("runaudit/guard/data.py", "RULES: tuple[Rule, ...] = (", "    SingleFile(),")
    house.before(
        "runaudit/guard/data.py",
        "class EmptyDataset(Rule):",
        "class SingleFile(Rule):",
        '    """A dataset is more than one file.',
        "",
        '    One file is easily the wrong one."""',
        "",
        '    code = "RA299"',
        '    name = "single_file"',
        "",
        "    def check(self, datasets: Mapping[str, Any]) -> Iterator[Finding]:",
        "        for name, entry in datasets.items():",
        '            if entry.get("files") == 1:',
        '                yield self.finding(f"data.{name}", f"{name} is one file")',
        "",
        "",
    )
    (house.work / "a.csv").write_text("1")

    assert house.touched == {"runaudit/guard/data.py"}
    assert "single_file" in house.runaudit("rules")
    assert "train is one file" in house.runaudit("guard", "--data", "train=a.csv", "--seed", "1", code=REFUSED)


def test_an_importer_is_its_module_and_a_line(house):
    house.new(
        "runaudit/importers/labbook.py",
        '"""A lab book: one run a line."""\n'
        "from runaudit.importers.draft import Draft\n"
        "from runaudit.importers.opened import foreign_bytes\n"
        "WHOLE = True\n"
        "def places(here, folders, files):\n"
        '    """Every book that lies here."""\n'
        "    return [here / name for name in files if name.endswith('.labbook')]\n"
        "def read(place, within):\n"
        '    """A run a line: label, seed, PSNR."""\n'
        "    for number, line in enumerate(foreign_bytes(place, within).decode().splitlines(), 1):\n"
        "        name, seed, psnr = line.split()\n"
        "        yield Draft(kind='labbook', source=f'{place} line {number}', run=str(number), name=name,\n"
        "                    config={'seed': int(seed)}, status='completed', metrics={'val/psnr': float(psnr)})\n",
    )
    house.after("runaudit/importers/kinds.py", "KINDS = {", '    "labbook": "runaudit.importers.labbook",')
    (house.work / "mine.labbook").write_text("first 1 30.5\nfirst 2 31.5\n")

    house.runaudit("import", "labbook", "mine.labbook")

    assert len(house.touched) == 2
    assert "first" in house.runaudit("list") and "31.5" in house.runaudit("list", "--csv")


def test_a_metric_is_one_line(house):
    house.after(
        "runaudit/metrics/catalogue.py",
        "    # the word that names it: what it is",
        '    "crispness": Quantity("crispness", _LOWER, "dB", 1),',
    )
    imported(house)

    assert house.touched == {"runaudit/metrics/catalogue.py"}
    said = house.runaudit("stats", "--metric", "val/crispness", "lr1", "--vs", "lr2", "--json", code=CANNOT_JUDGE)
    assert json.loads(said)["direction"] == "lower"


def test_a_column_is_one_field(house):
    house.after(
        "runaudit/runs/rows.py",
        '    """What is listed of a run, in the order in which a line shows it."""',
        "",
        '    letters: int = column(lambda run, _: len(run.label), "letters of its label", width=4, paged=True)',
    )
    imported(house)

    assert house.touched == {"runaudit/runs/rows.py"}
    assert house.runaudit("list", "--columns", "letters,seed").splitlines()[1].split() == ["3", "0"]
    assert "letters" in house.runaudit("list", "--csv").partition("\n")[0]
    assert "lr1" in house.runaudit("list", "--where", "letters == 3 and config.lr == 1")


def test_an_alignment_is_its_module_a_word_of_the_config_and_a_line(house):
    house.new(
        "trainer/models/still.py",
        '"""Frames as they are: the control without alignment."""\n'
        "import torch\n"
        "from torch import Tensor, nn\n"
        "from trainer.models.alignment import Aligned, upsample\n"
        "class Still(nn.Module):\n"
        '    """Moves nothing. Frames (B, T, H, W)."""\n'
        "    def __init__(self, *, scale: int) -> None:\n"
        "        super().__init__()\n"
        "        self.scale = scale\n"
        "    def forward(self, lr: Tensor) -> Aligned:\n"
        '        """The frames on the HR grid."""\n'
        "        frames = upsample(lr, self.scale)\n"
        "        shift = torch.zeros(*lr.shape[:2], 2, *lr.shape[-2:])\n"
        "        return Aligned(frames, torch.ones_like(frames), shift)\n",
    )
    path = house.top / "trainer/modelconfig.py"
    text = path.read_text()
    assert text.count('kind: Literal["tern", "flow", ') == 1
    path.write_text(text.replace('kind: Literal["tern", "flow", ', 'kind: Literal["tern", "flow", "still", '))
    house.touched.add("trainer/modelconfig.py")
    house.after(
        "trainer/build.py",
        "        alignment = FlowAlign(scale=config.scale, **asdict(config.alignment.flow))",
        '    elif config.alignment.kind == "still":',
        "        from trainer.models.still import Still",
        "        alignment = Still(scale=config.scale)",
    )
    code = (
        "import torch\nfrom dataclasses import replace\nfrom trainer.modelconfig import ModelConfig, AlignmentConfig\n"
        "from trainer.build import build_model\n"
        "net = build_model(replace(ModelConfig(), alignment=AlignmentConfig(kind='still')))\n"
        "print(type(net.net.alignment).__name__, tuple(net(torch.rand(1, 9, 16, 16)).mean.shape))"
    )
    assert len(house.touched) == 3
    assert house.run("-c", code).startswith("Still (1, ")
