"""Run the notebook without Jupyter, and write it as a page with its figures.

python docs/notebook.py                                # docs/attention.md, untrained
python docs/notebook.py runs/.../checkpoints/best.ckpt
"""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from io import BytesIO, StringIO
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import matplotlib

matplotlib.use("agg")  # no window opens

import matplotlib.pyplot as plt

NOTEBOOK = Path(__file__).with_name("attention.ipynb")


class Cell(NamedTuple):
    """A cell, and what running it has left: figures are JPEG files by their captions."""

    kind: str
    source: str
    printed: str = ""
    figures: Mapping[str, bytes] = MappingProxyType({})


def read(notebook: Path = NOTEBOOK) -> list[Cell]:
    """Read the cells of a notebook, without outputs."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [Cell(cell["cell_type"], "".join(cell["source"])) for cell in cells]


def run(cells: list[Cell], **settings: Any) -> Iterator[Cell]:
    """Run cells in order; ``settings`` replace what the first code cell says."""
    names: dict[str, Any] = {}
    for cell in cells:
        if cell.kind != "code":
            yield cell
            continue
        with redirect_stdout(StringIO()) as printed:
            exec(compile(cell.source, "notebook", "exec"), names)
        names |= settings
        settings = {}
        yield cell._replace(printed=printed.getvalue(), figures=dict(drawn()))


def drawn() -> Iterator[tuple[str, bytes]]:
    """Take the figures that are open, and close them."""
    for number in plt.get_fignums():
        figure, file = plt.figure(number), BytesIO()
        figure.savefig(file, format="jpeg", dpi=90, pil_kwargs={"quality": 88})
        yield figure.get_label(), file.getvalue()
        plt.close(figure)


def write(cells: list[Cell], folder: Path) -> None:
    """Write the page and its figures into ``folder``."""
    link = f"*This page is the notebook [{NOTEBOOK.name}]({NOTEBOOK.name}), run.*"
    parts, count = [], 0
    for cell in cells:
        parts.append(cell.source if cell.kind == "markdown" else f"```python\n{cell.source}\n```")
        if cell.printed:
            parts.append(f"```text\n{cell.printed}```")
        for caption, picture in cell.figures.items():
            count += 1
            name = f"images/{NOTEBOOK.stem}-{count}.jpg"
            (folder / name).write_bytes(picture)
            parts.append(f"![{caption}]({name})")
    parts.insert(1, link)
    page = "\n\n".join(parts) + "\n"
    (folder / NOTEBOOK.with_suffix(".md").name).write_text(page, encoding="utf-8")


if __name__ == "__main__":
    given = {"WEIGHTS": sys.argv[1]} if sys.argv[1:] else {}
    write([*run(read(), **given)], NOTEBOOK.parent)
