"""Everything an ablation's report leaves in the sweep's folder."""

import base64
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jinja2 import Environment, PackageLoader, select_autoescape
from markdown_it import MarkdownIt

from farfill.ablation import tables
from farfill.ablation.chart import figures, scatter
from farfill.ablation.sweep import Sweep, require_comparable
from farfill.ablation.verdict import judge_all
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
SCATTER = "figures/picture_by_picture.svg"
TEMPLATES = Environment(
    loader=PackageLoader("farfill.ablation"),
    autoescape=select_autoescape(["html.j2"]),
    trim_blocks=True,
    lstrip_blocks=True,
)


def write_report(sweep: Sweep, folder: Path) -> str:
    """Write ``ABLATION.md``, ``ablation.html`` and ``figures/``, and return the markdown.

    Raises:
        ValueError: The runs cannot be compared (:func:`~farfill.ablation.sweep.require_comparable`)
            or a claim is not well formed.
    """
    require_comparable(sweep)
    verdicts = judge_all(sweep)
    title = sweep.question.get("id", "a sweep")
    charts, points = figures(sweep), scatter(sweep)
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
        charts=charts,
        scatter=SCATTER if points else "",
        pictures=pictures,
        seed=seed,
        key=KEY if KEY in names else "",
        manifests=dict.fromkeys(manifests),
    )
    text = re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
    drawn = {f"figures/{heading.lower()}.svg": svg for heading, svg in charts.items()}
    drawn |= {SCATTER: points} if points else {}
    shown = {**drawn, **{name: (folder / name).read_bytes() for name in names}}
    texts = {"ABLATION.md": text, "ablation.html": page(f"Ablation: {title}", text, shown)}
    for name, content in {**drawn, **{name: x.encode() for name, x in texts.items()}}.items():
        with atomic(folder / name) as part:
            part.write_bytes(content)
    return text


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
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = reader.parse(markdown)
    for token in tokens:
        for image in token.children or ():
            source = str(image.attrs.get("src"))
            if source in files:
                kind = "image/svg+xml" if source.endswith(".svg") else "image/png"
                content = base64.b64encode(files[source]).decode()
                image.attrs["src"] = f"data:{kind};base64,{content}"
    body = reader.renderer.render(tokens, reader.options, {})
    return TEMPLATES.get_template("page.html.j2").render(title=title, body=body)
