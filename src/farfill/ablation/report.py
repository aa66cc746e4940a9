"""Everything an ablation's report leaves in the sweep's folder."""

import base64
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jinja2 import Environment, PackageLoader, select_autoescape
from markdown_it import MarkdownIt
from markdown_it.token import Token

from farfill.ablation import export, forest, tables
from farfill.ablation.chart import HEADINGS, scatter
from farfill.ablation.chart import figures as learning
from farfill.ablation.sweep import Sweep, require_comparable
from farfill.ablation.verdict import AGREES, DIFFERS, OPEN, Verdict, judge_all
from farfill.evaluation.pictures import BORROWS, MASKED, ORIGINAL, read_pictures
from farfill.evaluation.table import REGIONS, markdown_table
from farfill.files import atomic
from farfill.image.contact_sheet import to_uint8
from farfill.image.read import read_rgb
from farfill.image.write import write_picture
from farfill.op.colour import wheel_legend
from farfill.rundir.record import OURS

KEY = "figures/colour_key.png"
KEY_SIDE = 192  # pixels
PICTURE_SIDE = 192  # pixels that a picture is shown with at least, and twice its own
READER = MarkdownIt("commonmark", {"html": False}).enable("table")
#: At the end of a cell, what is in brackets after a mean, its spread, and what ends bold letters.
INTERVAL = r" (\[[^\]<]*\])( ± [^<]*)?((?:</strong>)?)</td>"
TEMPLATES = Environment(
    loader=PackageLoader("farfill.ablation"),
    autoescape=select_autoescape(["html.j2"]),
    trim_blocks=True,
    lstrip_blocks=True,
)


def write_report(sweep: Sweep, folder: Path) -> str:
    """Write ``ABLATION.md``, ``ablation.html``, ``figures/`` and ``tables/``; return the markdown.

    Every figure is there as SVG and as PDF, every table as CSV and as LaTeX.

    Raises:
        ValueError: The runs cannot be compared (:func:`~farfill.ablation.sweep.require_comparable`)
            or a claim is not well formed.
    """
    require_comparable(sweep)
    verdicts = judge_all(sweep)
    title = sweep.question.get("id", "a sweep")
    drawn = {kind: _figures(sweep, verdicts, kind) for kind in ("svg", "pdf")}
    pictures, seed, names = side_by_side(sweep, folder)
    if BORROWS in pictures:
        write_picture(folder / KEY, to_uint8(wheel_legend(KEY_SIDE)))
        names.append(KEY)
    manifests = (f"`{run.manifest}` (seed {run.seed})" for run in sweep.records if run.manifest)
    text = TEMPLATES.get_template("ablation.md.j2").render(
        tables=tables,
        sweep=sweep,
        title=title,
        verdicts=verdicts,
        rows={**sweep.cells, **sweep.baselines},
        regions=REGIONS,
        figures={name.removesuffix(".svg"): f"figures/{name}" for name in drawn["svg"]},
        charts=[name for name in HEADINGS if f"{name.lower()}.svg" in drawn["svg"]],
        pictures=pictures,
        seed=seed,
        key=KEY if KEY in names else "",
        manifests=dict.fromkeys(manifests),
    )
    text = re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    links = "\n".join(f"- [{heading}](#{export.slug(heading)})" for heading in headings)
    text = text.replace("CONTENTS\n", f"{links}\n", 1)
    charts = {f"figures/{name}": x for kind in drawn.values() for name, x in kind.items()}
    shown = {**charts, **{name: (folder / name).read_bytes() for name in names}}
    written = {
        **charts,
        **export.files(export.tables(READER.parse(text))),
        "ABLATION.md": text.encode(),
        "ablation.html": page(f"Ablation: {title}", text, shown).encode(),
    }
    for name, content in written.items():
        with atomic(folder / name) as part:
            part.write_bytes(content)
    return text


def _figures(sweep: Sweep, verdicts: Sequence[Verdict], kind: str) -> dict[str, bytes]:
    """Every figure that there is something for, by its name below ``figures/``."""
    figures = {
        "claims": forest.claims(verdicts, kind),
        "differences": forest.cells(sweep, tables.usual_metrics(sweep), kind),
        "picture_by_picture": scatter(sweep, kind=kind),
        **{heading.lower(): drawn for heading, drawn in learning(sweep, kind).items()},
    }
    return {f"{name}.{kind}": drawn for name, drawn in figures.items() if drawn}


def side_by_side(sweep: Sweep, folder: Path) -> tuple[str, int, list[str]]:
    """Write one seed's pictures, that which most cells have, into ``figures/pictures/``.

    Returns a table with a column per cell, below each completion where the cell borrows from (empty
    if no cell kept pictures), the seed, and the files that the table shows, below ``folder``.
    """
    by_seed: dict[int, dict[str, dict[int, dict[str, Path]]]] = defaultdict(dict)
    for run in sweep.records:
        if run.folder and (kept := read_pictures(run.folder / "report")):
            by_seed[run.seed][run.label] = kept
    if not by_seed:
        return "", 0, []
    seed = max(by_seed, key=lambda seed: (len(by_seed[seed]), -seed))
    cells = [*by_seed[seed].values()]
    files: list[str] = []

    def shown(index: int, number: int, title: str) -> str:
        if (path := cells[number][index].get(title)) is None:
            return ""
        files.append(f"figures/pictures/{index}_{number}_{title.replace(' ', '_')}.png")
        write_picture(folder / files[-1], enlarge(read_rgb(path)))
        return f"![{title}]({files[-1]})"

    rows = []
    for index in sorted(set.intersection(*map(set, cells))):
        given = [shown(index, 0, title) for title in (ORIGINAL, MASKED)]
        completed, maps = ([shown(index, n, x) for n in range(len(cells))] for x in (OURS, BORROWS))
        rows.append([f"picture {index}", *given, *completed])
        if any(maps):
            rows.append([BORROWS, "", "", *maps])
    titles = ("", ORIGINAL, MASKED, *by_seed[seed])
    return markdown_table(titles, rows, text_columns=range(len(titles))), seed, files


def enlarge(picture: np.ndarray) -> np.ndarray:
    """Show every pixel as a square, at least twice as large: ``(H, W, 3)``, uint8."""
    times = max(2, -(-PICTURE_SIDE // max(picture.shape[:2])))
    return picture.repeat(times, axis=0).repeat(times, axis=1)


def page(title: str, markdown: str, files: Mapping[str, bytes]) -> str:
    """Turn the report's markdown into one HTML file that needs nothing but itself.

    HTML in the markdown is shown, not obeyed. The pictures it names are taken from ``files``.
    """
    tokens = READER.parse(markdown)
    for number, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrSet("id", export.slug(tokens[number + 1].content))
        for image in token.children or ():
            source = str(image.attrs.get("src"))
            if source in files:
                kind = "image/svg+xml" if source.endswith(".svg") else "image/png"
                content = base64.b64encode(files[source]).decode()
                image.attrs["src"] = f"data:{kind};base64,{content}"
    _name_pictures(tokens)
    body = READER.renderer.render(tokens, READER.options, {})
    for word, name in {AGREES: "agrees", DIFFERS: "differs", OPEN: "open"}.items():
        body = body.replace(f"<strong>{word}", f'<strong class="{name}">{word}')
    # An interval below its mean: else ten metrics beside each other are wider than any screen.
    body = re.sub(INTERVAL, r"<span>\1</span><span>\2</span>\3</td>", body)
    body = re.sub("<th.*?</th>", lambda title: title[0].replace("_", "_<wbr>"), body)
    return TEMPLATES.get_template("page.html.j2").render(title=title, body=body)


def _name_pictures(tokens: Sequence[Token]) -> None:
    """Give each cell of a table with pictures its column's title, so that cells may wrap."""
    table, column, titles = tokens[0], 0, list[str]()
    for number, token in enumerate(tokens):
        if token.type == "table_open":
            table, titles = token, []
        elif token.type == "tr_open":
            column = 0
        elif token.type == "th_open":
            titles.append(tokens[number + 1].content)
        elif token.type == "td_open":
            if any(child.type == "image" for child in tokens[number + 1].children or ()):
                table.attrSet("class", "pictures")
                token.attrSet("data-title", titles[column])
            column += 1
