"""What the report leaves behind, from runs with known numbers."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest
import torch

from farfill.ablation.chart import Line, mean_curve, svg
from farfill.ablation.command import main
from farfill.ablation.curves import panels
from farfill.ablation.report import report
from farfill.ablation.side_by_side import read_sheet
from farfill.ablation.sweep import read_sweep
from farfill.callback.pictures import TITLES
from farfill.image.contact_sheet import sheet
from farfill.image.write import write_picture
from farfill.rundir.record import Curve
from helpers.sweeps import claim, gan_run, gan_sweep, write_plan

QUESTION = {
    "id": "gan",
    "text": "Which loss?",
    "claims": [claim("hinge", "lsgan", "lower"), claim("hinge", "lsgan", "higher"),
               claim("hinge", "none", "lower"), claim("lsgan", "hinge", "higher", "collapsed")],
}  # fmt: skip


class Sources(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found, self.cells = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found += [value for name, value in attrs if name in ("src", "href", "data")]
        self.found += ["a script"] if tag in ("script", "link") else []

    def handle_data(self, data):
        self.cells.append(data)


def draw(run, levels):
    """A sheet of two rows; every picture has its own grey level, from ``levels`` on."""
    grey = [torch.full((3, 32, 32), (levels + n) / 127.5 - 1) for n in range(2 * len(TITLES))]
    (run / "pictures").mkdir()
    rows = [grey[: len(TITLES)], grey[len(TITLES) :]]
    write_picture(run / "pictures" / "step-0000010.png", sheet(rows, TITLES))


@pytest.fixture
def written(tmp_path):
    gan_sweep(tmp_path, {"hinge": 0.1, "lsgan": 0.2}, question=QUESTION)
    write_plan(tmp_path, {"gan": "hinge,lsgan,none", "seed": "1,2,3"}, "ablation=gan")
    curves = {"train/critic/total": [1.0, float("nan")], "val/hole_variance": [0.5, 0.01]}
    gan_run(tmp_path / "broken", "none", 1, l1=None, question=QUESTION, curves=curves)
    (tmp_path / "broken" / "train.log").write_text("[ERROR] - out of | memory\n")
    for number in ("0", "3"):
        draw(tmp_path / number, 20 * (int(number) + 1))
    text = report(read_sweep(tmp_path, {}, []), tmp_path, TITLES)
    return tmp_path, text


def rows(text, first):
    """Cells of the lines of a report's tables whose first cell is ``first``."""
    lines = [line for line in text.splitlines() if line.startswith(f"| {first} |")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_verdicts_stand_beside_the_numbers(written):
    _, text = written
    (lower,) = rows(text, "hinge is lower")[:1]
    assert lower[1] == "l1_hole lower"
    assert [float(cell) for cell in lower[2:4]] == pytest.approx([0.125, 0.225], abs=1e-3)
    assert lower[-1] == "**agrees**"
    assert rows(text, "hinge is higher")[0][-1] == "**differs**"
    assert rows(text, "hinge is lower")[1][-1].startswith("**not distinguishable at this scale**")
    assert rows(text, "lsgan is higher")[0][-1] == "**not distinguishable at this scale**"


def test_every_planned_run_is_accounted_for(written):
    _, text = written
    assert rows(text, "gan=hinge")[0] == ["gan=hinge", "3", *["0"] * 6, ""]
    broken = rows(text, "gan=none")[0]
    assert broken[1:8] == ["0", "0", "2", "1", "1", "0", "0"]
    assert broken[8] == (
        "seed 1 diverged, collapsed: out of \\| memory; seed 2 missing; seed 3 missing"
    )


def test_differences_are_from_the_reference(written):
    _, text = written
    section = text.split("## Differences")[1].split("## Training")[0]
    assert "| minus gan=hinge |" in section
    (lsgan,) = rows(section, "gan=lsgan")
    assert lsgan[1] == "3 x 12"
    mean, low, high = (float(number) for number in re.findall(r"[\d.]+", lsgan[2]))
    assert low < mean < high
    assert mean == pytest.approx(0.1, abs=1e-3)


def test_the_page_needs_nothing_but_itself(written):
    folder, text = written
    html = (folder / "ablation.html").read_text()
    sources = Sources(html)
    assert sources.found
    assert all(source.startswith("data:image/") for source in sources.found)
    assert "http" not in re.sub(r"base64,[^\"]*", "", html)
    assert "differs" in sources.cells
    assert "url(" not in html
    assert len(sources.found) == text.count("![") > 3
    assert (folder / "ABLATION.md").read_text() == text


def test_every_figure_that_the_markdown_names_is_there(written):
    folder, text = written
    for name in re.findall(r"\]\((figures/.*?)\)", text):
        assert (folder / name).stat().st_size > 100


def test_sheets_come_apart_where_they_were_put_together(written):
    folder, _ = written
    cut = read_sheet(folder / "0" / "pictures" / "step-0000010.png", TITLES)
    assert len(cut) == 2
    for number, row in enumerate(cut):
        for column, title in enumerate(TITLES):
            level = (row[title] + 1) * 127.5
            assert level.unique().tolist() == pytest.approx([20 + 6 * number + column], abs=1e-3)


def test_the_page_shows_what_the_dashboard_shows(tmp_path):
    """Hole and whole picture, attention and the terms of the game, if they were logged."""
    logged = {"val/psnr_full": [20.0, 21.0], "val/attention_similarity": [0.5, 0.25],
              "train/critic/penalty_local": [1.0, 3.0], "train/critic/total": [1.0, 3.0],
              "train/generator/adversarial_global": [2.0, 2.0]}  # fmt: skip
    write_plan(tmp_path, {"gan": "hinge,none"}, "ablation=gan")
    gan_run(tmp_path / "0", "hinge", 1, curves=logged)
    gan_run(tmp_path / "1", "none", 1)
    sweep = read_sweep(tmp_path, {}, [])
    assert {heading: [*figures] for heading, figures in panels(sweep).items()} == {
        "Validation": ["l1_hole", "psnr_full"],
        "Attention": ["attention_similarity"],
        "Losses": ["critic_0", "terms_0"],
    }
    terms = panels(sweep)["Losses"]["terms_0"]
    assert "critic/penalty local" in terms
    assert "generator/adversarial global" in terms
    assert "total" not in terms
    text = report(sweep, tmp_path, TITLES)
    hole, whole = text.split("## Every metric ")[1:]
    assert "| cell | seeds x pictures | l1_hole ↓ |" in hole
    assert "| cell | seeds x pictures | psnr_full ↑ |" in whole


def test_an_unpaired_sweep_writes_nothing(tmp_path):
    gan_sweep(tmp_path, {"hinge": 0.1}, seeds=1)
    gan_run(tmp_path / "other", "none", 1, manifest="another")
    with pytest.raises(ValueError, match="not be paired"):
        report(read_sweep(tmp_path, {}, []), tmp_path, TITLES)
    assert not (tmp_path / "ABLATION.md").exists()


def test_the_command_takes_any_sweep(tmp_path, capsys):
    gan_sweep(tmp_path, {"hinge": 0.1, "lsgan": 0.2}, seeds=2)
    main([str(tmp_path), "--reference", "gan=lsgan", "--varies", "batch_size"])
    text = capsys.readouterr().out
    assert "| minus gan=lsgan |" in text
    assert "## Claims" not in text


def test_the_command_says_in_one_line_what_is_wrong(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main([str(tmp_path)])
    assert capsys.readouterr().err.startswith("farfill: expected a sweep's folder")


def test_a_chart_leaves_out_what_is_not_finite():
    curve = Curve(np.array([0.0, 10, 20]), np.array([1.0, np.nan, 3]))
    points = re.search('points="(.*?)"', svg("a & b", [Line("", curve, 0)]))[1].split()
    assert points == ["62.0,206.0", "450.0,24.0"]
    assert "nothing logged" in svg("", [Line("", curve._replace(values=curve.values * np.nan), 0)])


def test_a_mean_curve_has_the_common_steps():
    one = Curve(np.array([1.0, 2, 3]), np.array([1.0, 2, 3]))
    two = Curve(np.array([2.0, 3, 4]), np.array([4.0, 5, 6]))
    mean = mean_curve([one, two])
    assert mean.steps.tolist() == [2, 3]
    assert mean.values.tolist() == [3, 4]
