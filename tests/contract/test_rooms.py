"""What keeps the house easy to read: few files for one question, rooms of one purpose."""

import ast
from collections.abc import Iterable
from pathlib import Path

import farfill
from farfill.config.instantiate import plain, targets
from helpers.compose import composed

PACKAGE = Path(farfill.__file__).parent
SRC, TESTS = PACKAGE.parent, Path(__file__).parents[1]
SOURCES = sorted(SRC.rglob("*.py"))
PAGE = SRC / "train.py"
#: Rooms of what surrounds a training; the rest are its parts.
AROUND = {"cli", "config", "rundir", "sweep", "tracking"}
#: Public names that begin with a line: those of named tuples, and of Hydra's configurations.
PUBLIC = {"_asdict", "_make", "_replace", "_target_"}


def imported(file: Path) -> set[Path]:
    """Our own files that a file imports, wherever in it."""
    modules = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            modules |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    files = {SRC / f"{module.replace('.', '/')}.py" for module in modules}
    return {file for file in files if file.is_file()}


def opened(files: Iterable[Path]) -> set[Path]:
    """These files, and all that they import, and so on."""
    todo, seen = [*files], set()
    while todo:
        file = todo.pop()
        if file not in seen:
            seen.add(file)
            todo += imported(file)
    return seen


def test_a_training_step_opens_few_files():
    cfg = composed()
    step = {name: plain(cfg[name]) for name in ("module", "schedule")}
    del step["module"]["metrics"]
    codes = [code.__module__ for _, _, code in targets(step)]
    files = [SRC / f"{name.replace('.', '/')}.py" for name in codes if name.startswith("farfill.")]
    assert {file.parent.name for file in files} >= {"attention", "critic", "gan", "loss", "module"}
    assert len(opened(files)) <= 23


def test_few_files_come_before_the_fit():
    before = imported(PAGE) - {PACKAGE / "rundir" / "final_report.py"}  # which comes after it
    assert len([file for file in opened(before) if file.parent.name in AROUND]) <= 8


def test_no_room_has_more_than_a_tenth_of_the_lines():
    lines = {file: file.read_text(encoding="utf-8").count("\n") for file in SOURCES}
    for room in (folder for folder in PACKAGE.iterdir() if folder.is_dir()):
        within = sum(count for file, count in lines.items() if room in file.parents)
        assert within <= sum(lines.values()) / 10, room.name


def test_no_library_is_asked_for_what_is_private_to_it():
    for file in SOURCES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.ImportFrom) and not (node.module or "").startswith("farfill"):
                names = [*(node.module or "").split("."), *(name.name for name in node.names)]
            elif isinstance(node, ast.Attribute) and ast.unparse(node.value) not in ("self", "cls"):
                names = [node.attr]
            private = [name for name in names if name.startswith("_") and name[1] != "_"]
            assert set(private) <= PUBLIC, f"{file}:{node.lineno} {private}"


def test_nothing_is_kept_from_the_formatter():
    for file in (*SOURCES, *TESTS.rglob("*.py")):
        assert f"fmt: {'skip'}" not in file.read_text(encoding="utf-8"), file
