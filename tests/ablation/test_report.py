"""What the report leaves behind, from runs with known numbers."""

import csv
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
import torch

from farfill.ablation.chart import figures
from farfill.ablation.command import main
from farfill.ablation.export import tables, to_csv, to_latex
from farfill.ablation.report import READER, enlarge, page, write_report
from farfill.ablation.sweep import read_sweep
from farfill.evaluation.pictures import write_pictures
from farfill.image.read import read_rgb
from farfill.rundir.record import OURS
from farfill.rundir.status import write_status
from helpers.sweeps import claim, gan_run, gan_sweep, write_plan

CLAIMS = ("Claims", "Claims in detail")
QUESTION = {
    "id": "gan",
    "text": "Which loss?",
    "claims": [
        claim("hinge", "lsgan", "lower"),
        claim("hinge", "lsgan", "higher"),
        claim("hinge", "none", "lower"),
        claim("lsgan", "hinge", "higher", "collapsed"),
    ],
}


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


def keep_pictures(run, first, maps=True):
    """Two pictures; every title has its own grey level, from ``first`` on."""
    titles = ["original", "masked", OURS, *(["borrows from"] if maps else [])]
    grey = [torch.full((3, 8, 8), (first + n) / 127.5 - 1) for n in range(len(titles))]
    write_pictures(
        run / "report", {index: dict(zip(titles, grey, strict=True)) for index in (0, 7)}
    )


@pytest.fixture
def written(tmp_path):
    gan_sweep(tmp_path, {"hinge": 0.1, "lsgan": 0.2}, question=QUESTION)
    write_plan(tmp_path, {"gan": "hinge,lsgan,none", "seed": "1,2,3"}, "ablation=gan")
    curves = {"train/critic/total": [1.0, float("nan")], "val/hole_variance": [0.5, 0.01]}
    gan_run(tmp_path / "broken", "none", 1, l1=None, question=QUESTION, curves=curves)
    write_status(tmp_path / "broken", "failed", message="out of | memory")
    keep_pictures(tmp_path / "0", 20)
    keep_pictures(tmp_path / "3", 80, maps=False)
    text = write_report(read_sweep(tmp_path, {}, []), tmp_path)
    return tmp_path, text


def rows(text, first):
    """Cells of the lines of a report's tables whose first cell is ``first``."""
    lines = [line for line in text.splitlines() if line.startswith(f"| {first} |")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_verdicts_stand_beside_the_numbers(written):
    _, text = written
    claims, details = (text.split(f"## {heading}\n")[1].split("\n## ")[0] for heading in CLAIMS)
    (lower,) = rows(claims, "hinge is lower")[:1]
    assert lower[1:3] == ["**agrees**", "l1_hole"]
    assert re.match(r"-0\.(1|09)\d* \[", lower[3])
    assert lower[4] == "3"
    assert rows(claims, "hinge is higher")[0][1] == "**differs**"
    assert rows(claims, "hinge is lower")[1][1].startswith("**not distinguishable at this scale**")
    (counts,) = rows(claims, "lsgan is higher")
    assert counts[1] == "**not distinguishable at this scale**"

    (lower,) = rows(details, "hinge is lower")[:1]
    assert lower[1] == "l1_hole lower"
    assert [float(cell) for cell in lower[2:4]] == pytest.approx([0.125, 0.225], abs=1e-3)
    assert lower[4] == "agrees"
    (counts,) = rows(details, "lsgan is higher")
    assert counts[2:4] == ["0 of 3", "0 of 3"]
    assert counts[-1].endswith("both cells have the same share")


def test_the_warning_comes_first_and_counts_what_is_unsound(written, tmp_path_factory):
    folder, text = written
    warning = (
        "> **Warning.** Of 9 runs: 2 missing, 1 diverged, 1 collapsed. What unsound runs show says "
        "nothing of the parts that are compared."
    )
    assert text.index(warning) < text.index("## Claims")
    assert "<blockquote>" in (folder / "ablation.html").read_text()
    sound = gan_sweep(tmp_path_factory.mktemp("sound"), {"hinge": 0.1, "lsgan": 0.2})
    assert "Warning" not in write_report(read_sweep(sound, {}, []), sound)


def test_runs_that_were_never_to_learn_are_no_reason_for_a_warning(tmp_path):
    dead = {"val/hole_variance": [0.0, 0.0]}
    write_plan(tmp_path, {"gan": "hinge,none"}, "ablation=gan")
    gan_run(tmp_path / "0", "hinge", 1)
    gan_run(tmp_path / "1", "none", 1, curves=dead, config={"learning_rate": 0})
    sweep = read_sweep(tmp_path, {}, ["learning_rate"])
    assert "Warning" not in write_report(sweep, tmp_path)


def test_a_sweep_in_which_nothing_was_to_learn_has_a_report(tmp_path):
    write_plan(tmp_path, {"gan": "hinge,none"}, "ablation=gan")
    for name in ("hinge", "none"):
        gan_run(tmp_path / name, name, 1, config={"learning_rate": 0})
    text = write_report(read_sweep(tmp_path, {}, []), tmp_path)
    assert "**" not in text.split("## Means")[1].split("\n## ")[0]  # there is no best


def test_the_contents_lead_to_every_section(written):
    folder, text = written
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    links = re.findall(r"^- \[(.+)\]\(#(.+)\)$", text, re.MULTILINE)
    assert [name for name, _ in links] == headings
    html = (folder / "ablation.html").read_text()
    for _, anchor in links:
        assert html.count(f'<h2 id="{anchor}">') == 1
        assert f'href="#{anchor}"' in html
    assert text.index(links[0][0]) < text.index("## Claims")


def test_the_best_is_in_bold_where_one_direction_is_better(tmp_path):
    gan_sweep(tmp_path, {"hinge": 0.1, "lsgan": 0.2})
    gan_run(tmp_path / "free", "none", 1, l1=0.01, config={"learning_rate": 0})
    text = write_report(read_sweep(tmp_path, {}, ["learning_rate"]), tmp_path)
    means = text.split("## Means")[1].split("\n## ")[0]
    assert rows(means, "gan=hinge")[0][2].startswith("**0.12")
    assert rows(means, "gan=none")[0][2].startswith("0.03")  # it has not learnt
    assert "**" not in text.split("## Differences")[1].split("\n## ")[0]
    assert 'class="open"' not in (tmp_path / "ablation.html").read_text()


def test_every_table_is_there_for_a_spreadsheet_and_for_a_paper(written):
    folder, text = written
    names = {path.stem for path in (folder / "tables").glob("*.csv")}
    assert names == {path.stem for path in (folder / "tables").glob("*.tex")}
    tables = [part for part in text.split("\n## ")[1:] if "\n| --- |" in part and "![" not in part]
    assert len(names) >= len(tables) > 4
    with (folder / "tables" / "means.csv").open(newline="") as lines:
        hinge, lsgan, _, telea = csv.DictReader(lines)
    assert hinge["cell"] == "gan=hinge"
    ends = [float(hinge[f"l1_hole{end}"]) for end in ("_low", "", "_high")]
    assert ends == sorted(ends)
    assert float(hinge["l1_hole_sd"]) < 0.01 < float(lsgan["l1_hole"])
    assert telea["cell"] == "telea (classical baseline)"
    latex = (folder / "tables" / "runs.tex").read_text()
    assert r"gan=none & 0 & 0 & 2 & 1 & 1 & 0 & 0 & 0 & seed 1 diverged" in latex
    assert "out of | memory" in latex
    for path in (folder / "tables").glob("*.tex"):
        lines = path.read_text().splitlines()
        (columns,) = re.findall(r"begin\{tabular\}\{([lr]+)\}", "\n".join(lines))
        cells = [line for line in lines if line.endswith(r" \\")]
        assert all(len(re.split(r"(?<!\\)&", line)) == len(columns) for line in cells)
        assert all(not re.search(r"(?<!\\)[_%#]", line) for line in cells)


def test_a_cell_of_a_paper_has_its_letters():
    found = tables(
        READER.parse("## A b\n\n| a_b ↓ | c |\n| --- | ---: |\n| **x** & `y` | -0.5 |\n")
    )
    assert [*found] == ["a-b"]
    assert r"a\_b $\downarrow$ & c \\" in to_latex(found["a-b"])
    assert r"\textbf{x} \& \texttt{y} & $-$0.5 \\" in to_latex(found["a-b"])
    assert to_csv(found["a-b"]) == "a_b,c\nx & `y`,-0.5\n"


def test_every_figure_is_there_twice(written):
    folder, text = written
    drawn = {path.stem for path in (folder / "figures").glob("*.svg")}
    assert drawn == {path.stem for path in (folder / "figures").glob("*.pdf")}
    assert drawn == {"claims", "differences", "picture_by_picture", "validation", "losses"}
    assert all(f"figures/{name}.svg" in text for name in drawn)
    assert all(path.read_bytes()[:4] == b"%PDF" for path in (folder / "figures").glob("*.pdf"))


def test_every_planned_run_is_accounted_for(written):
    _, text = written
    assert rows(text, "gan=hinge")[0] == ["gan=hinge", "3", *["0"] * 7, ""]
    broken = rows(text, "gan=none")[0]
    assert broken[1:9] == ["0", "0", "2", "1", "1", "0", "0", "0"]
    assert broken[9] == (
        "seed 1 diverged, collapsed: out of \\| memory; seed 2 missing; seed 3 missing"
    )


def test_differences_are_from_the_reference(written):
    _, text = written
    section = text.split("## Differences")[1].split("## Pictures")[0]
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
    assert all(source.startswith(("data:image/", "#")) for source in sources.found)
    assert "http" not in re.sub(r"base64,[^\"]*", "", html)
    assert "differs" in sources.cells
    assert "url(" not in html
    pictures = [source for source in sources.found if source[0] != "#"]
    assert len(pictures) == text.count("![") > 3
    assert (folder / "ABLATION.md").read_text() == text


def test_the_page_cuts_no_table_and_obeys_no_html():
    html = page("<b>", "| a |\n| --- |\n| <script> |\n", {})
    assert re.search(r'<div class="wide"><table>.*</table></div>', html, re.DOTALL)
    assert ".wide { overflow-x: auto" in html
    cell = "| b |\n| ---: |\n| **0.1 [0, 1] ± 0.2** |\n"
    spans = "<strong>0.1<span>[0, 1]</span><span> ± 0.2</span></strong></td>"
    assert spans in page("", cell, {})
    assert "<title>&lt;b&gt;</title>" in html
    assert "<script>" not in html


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Debian's chromium")
@pytest.mark.parametrize("width", [700, 1300])
def test_the_page_is_no_wider_than_the_window(written, width):
    """A table that is, scrolls by itself."""
    folder, _ = written
    html = (folder / "ablation.html").read_text()
    measure = "<script>document.title = document.documentElement.scrollWidth</script></html>"
    (folder / "measured.html").write_text(html.replace("</html>", measure))
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--window-size={width},800"]
    address = (folder / "measured.html").as_uri()
    done = subprocess.run(
        ["chromium", *options, "--dump-dom", address], capture_output=True, text=True, timeout=100
    )
    (found,) = re.findall(r"<title>(\d+)</title>", done.stdout)
    assert 0 < int(found) <= width


def test_the_claims_come_first_and_the_key_to_colours_once(written):
    _, text = written
    headings = [line[3:] for line in text.splitlines() if line.startswith("## ")]
    expected = ["Claims", "Runs", "Differences from the reference cell", "Pictures side by side"]
    assert headings[:4] == expected
    assert text.count("![colour key]") == text.count("![picture by picture]") == 1


def test_pictures_are_shown_at_least_twice_as_large(written):
    folder, text = written
    names = re.findall(r"\((figures/pictures/.*?)\)", text)
    assert {read_rgb(folder / name).shape for name in names} == {(192, 192, 3)}  # of 8 x 8
    assert enlarge(np.zeros((200, 300, 3), np.uint8)).shape == (400, 600, 3)


def test_the_page_tells_verdicts_apart_by_colour(written):
    folder, _ = written
    html = (folder / "ablation.html").read_text()
    assert '<strong class="agrees">agrees</strong>' in html
    assert '<strong class="differs">differs</strong>' in html
    assert '<strong class="open">not distinguishable at this scale</strong>' in html


def test_every_figure_that_the_markdown_names_is_there(written):
    folder, text = written
    for name in re.findall(r"\]\((figures/.*?)\)", text):
        assert (folder / name).stat().st_size > 60


def test_pictures_stand_side_by_side_with_the_key_to_their_colours(written):
    folder, text = written
    section = text.split("## Pictures side by side")[1].split("## Means")[0]
    assert "![colour key](figures/colour_key.png)" in section
    shown = [row[1:] for n in (0, 7) for row in (*rows(section, f"picture {n}"),)]
    maps = [row[1:] for row in rows(section, "borrows from")]
    levels = [
        [read_rgb(folder / cell[cell.index("(") + 1 : -1]).max() for cell in row if cell]
        for row in (*shown, *maps)
    ]
    assert levels == [[20, 21, 22, 82], [20, 21, 22, 82], [23], [23]]
    assert rows(section, "borrows from")[0][3:] != ["", ""]


def test_a_sweep_of_runs_without_single_pictures_says_so(tmp_path):
    gan_sweep(tmp_path, {"hinge": 0.1}, seeds=1)
    assert "None: no run has single pictures" in write_report(
        read_sweep(tmp_path, {}, []), tmp_path
    )


def test_the_page_shows_what_the_dashboard_shows(tmp_path):
    """Hole and whole picture, attention and the terms of the game, if they were logged."""
    logged = {
        "val/psnr_full": [20.0, 21.0],
        "val/attention_similarity": [0.5, 0.25],
        "train/critic/penalty_local": [1.0, 3.0],
        "train/critic/total": [1.0, 3.0],
        "train/generator/adversarial_global": [2.0, 2.0],
    }
    write_plan(tmp_path, {"gan": "hinge,none"}, "ablation=gan")
    gan_run(tmp_path / "0", "hinge", 1, curves=logged)
    gan_run(tmp_path / "1", "none", 1)
    sweep = read_sweep(tmp_path, {}, [])
    texts = {heading: svg.decode() for heading, svg in figures(sweep).items()}
    expected = {
        "Validation": ["L1 in the hole", "PSNR over the whole picture", "gan=hinge", "gan=none"],
        "Attention": ["attention: similarity"],
        "Losses": ["loss: gan=hinge", "critic/penalty local", "generator/adversarial global"],
    }
    assert {
        heading: [w for w in words if w in texts[heading]] for heading, words in expected.items()
    } == expected
    assert "SSIM" not in texts["Validation"]
    assert "total" not in texts["Losses"]
    assert texts["Losses"].count("nothing logged") == 2  # the critic's two panels of gan=none
    text = write_report(sweep, tmp_path)
    hole, whole = text.split("## Every metric ")[1:]
    assert "| cell | seeds x pictures | l1_hole ↓ |" in hole
    assert "| cell | seeds x pictures | psnr_full ↑ |" in whole


def test_an_unpaired_sweep_writes_nothing(tmp_path):
    gan_sweep(tmp_path, {"hinge": 0.1}, seeds=1)
    gan_run(tmp_path / "other", "none", 1, manifest="another")
    with pytest.raises(ValueError, match="not be paired"):
        write_report(read_sweep(tmp_path, {}, []), tmp_path)
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


@pytest.mark.parametrize("library", ["matplotlib", "jinja2", "markdown_it"])
def test_a_missing_library_is_named_with_its_cure(library, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, library, None)
    for module in [name for name in sys.modules if name.startswith("farfill.ablation.")]:
        if module != "farfill.ablation.command":
            monkeypatch.delitem(sys.modules, module)
    with pytest.raises(SystemExit):
        main([str(tmp_path)])
    assert capsys.readouterr().err == (
        f"farfill: the report needs {library}: pip install 'farfill[report]'\n"
    )
