"""The notebook runs, and its page is what it gives."""

import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def notebook(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    import notebook  # a script beside the pages, not a package

    return notebook


def test_it_runs_on_a_small_picture(notebook):
    done = [*notebook.run(notebook.read(), SIZE=32)]
    printed = "".join(cell.printed for cell in done)
    assert re.search(r"largest difference: \d\.\de-0\d", printed)
    assert re.findall(r"^(.+): L1 in the hole 0\.\d+$", printed, re.MULTILINE) == [
        "Telea",
        "borrowing",
        "not borrowing",
    ]
    pictures = [picture for cell in done for picture in cell.figures.values()]
    assert len(pictures) == 5
    for picture in pictures:
        assert np.ptp(np.asarray(Image.open(BytesIO(picture)))) > 200, "an empty figure"


def test_its_page_shows_all_of_it(notebook):
    page, place = (DOCS / "attention.md").read_text(encoding="utf-8"), 0
    for cell in notebook.read():
        place = page.find(cell.source, place)
        assert place >= 0, f"run `python docs/notebook.py`: the page lacks\n{cell.source}"
    pictures = re.findall(r"\]\((images/.+?)\)", page)
    assert len(pictures) == 5
    assert sum((DOCS / picture).stat().st_size for picture in pictures) < 250_000
