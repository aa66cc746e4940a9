"""Everything an ablation's report leaves in the sweep's folder."""

import base64
import re
from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, PackageLoader, select_autoescape
from markdown_it import MarkdownIt
from markupsafe import Markup

from farfill.ablation import tables
from farfill.ablation.curves import figures
from farfill.ablation.sweep import Sweep, require_comparable
from farfill.ablation.verdict import judge
from farfill.evaluation.pictures import BORROWS, MASKED, ORIGINAL, read_pictures
from farfill.evaluation.table import REGIONS, markdown_table
from farfill.files import atomic
from farfill.image.contact_sheet import to_uint8
from farfill.image.write import write_picture
from farfill.op.colour import wheel_legend
from farfill.rundir.record import OURS

FIGURES = "figures"
KEY = f"{FIGURES}/colour_key.png"
KEY_SIDE = 96  # pixels
Kept = dict[int, dict[str, Path]]
TEMPLATES = Environment(
    loader=PackageLoader("farfill.ablation"),
    autoescape=select_autoescape(["html.j2"]),
    trim_blocks=True,
    lstrip_blocks=True,
)


def write_report(sweep: Sweep, folder: Path) -> str:
    """Write ``ABLATION.md``, ``ablation.html`` and ``figures/``, each file whole or not at all.

    Args:
        sweep: All runs.
        folder: Of the sweep; files of an earlier report are replaced.

    Returns:
        The markdown.

    Raises:
        ValueError: The runs cannot be compared, see
            :func:`farfill.ablation.sweep.require_comparable`, or a claim is not well formed.
    """
    require_comparable(sweep)
    verdicts = [judge(sweep, claim) for claim in sweep.question.get("claims", ())]
    title = sweep.question.get("id", "a sweep")
    usual, reference = tables.usual_metrics(sweep), sweep.reference_label
    rows = {**sweep.cells, **sweep.baselines}
    charts = figures(sweep)
    pictures, seed, files = side_by_side(sweep)
    files |= {f"{FIGURES}/{heading.lower()}.svg": svg for heading, svg in charts.items()}
    if BORROWS in pictures:
        write_picture(folder / KEY, to_uint8(wheel_legend(KEY_SIDE)))
        files[KEY] = (folder / KEY).read_bytes()
    named = (f"`{run.manifest}` (seed {run.seed})" for run in sweep.records if run.manifest)
    text = TEMPLATES.get_template("ablation.md.j2").render(
        title=title,
        question=" ".join(str(sweep.question.get("text", "")).split()),
        claims=tables.claims(verdicts) if verdicts else "",
        runs=tables.runs(sweep),
        means=tables.metrics(rows, usual),
        differences=tables.metrics(rows, usual, (reference, rows[reference])),
        training=tables.metrics(sweep.cells, [*tables.TRAINING]),
        charts=[*charts],
        everything={
            words: tables.metrics(rows, names)
            for region, words in REGIONS.items()
            if (names := tables.measured_metrics(sweep, region))
        },
        pictures=pictures,
        seed=seed,
        key=KEY if KEY in files else "",
        manifests=", ".join(dict.fromkeys(named)) or "none",
    )
    text = re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
    html = page(f"Ablation: {title}", text, files)
    texts = {"ABLATION.md": text.encode(), "ablation.html": html.encode()}
    for name, content in {**files, **texts}.items():
        with atomic(folder / name) as part:
            part.write_bytes(content)
    return text


def side_by_side(sweep: Sweep) -> tuple[str, int, dict[str, bytes]]:
    """One seed's pictures, a column per cell; below each completion where the cell borrows from.

    Returns:
        A table of the pictures, empty if no cell kept any; the seed, that which most cells have;
        and the files that the table shows.
    """
    by_seed: dict[int, dict[str, Kept]] = {}
    for cell, runs in sweep.cells.items():
        for run in runs:
            if run.folder and (kept := read_pictures(run.folder / "report")):
                by_seed.setdefault(run.seed, {})[cell] = kept
    if not by_seed:
        return "", 0, {}
    seed = max(by_seed, key=lambda one: (len(by_seed[one]), -one))
    cells = by_seed[seed]
    files: dict[str, bytes] = {}

    def shown(index: int, cell: str, title: str) -> str:
        if (path := cells[cell][index].get(title)) is None:
            return ""
        number = [*cells].index(cell)
        file = f"{FIGURES}/pictures/{index}_{number}_{title.replace(' ', '_')}.png"
        files[file] = path.read_bytes()
        return f"![{title}]({file})"

    first = next(iter(cells))
    rows = []
    for index in sorted(set.intersection(*map(set, cells.values()))):
        given = [shown(index, first, title) for title in (ORIGINAL, MASKED)]
        rows.append([f"picture {index}", *given, *(shown(index, cell, OURS) for cell in cells)])
        if any(maps := [shown(index, cell, BORROWS) for cell in cells]):
            rows.append([BORROWS, "", "", *maps])
    titles = ("", ORIGINAL, MASKED, *cells)
    return markdown_table(titles, rows, text_columns=range(len(titles))), seed, files


def page(title: str, markdown: str, files: Mapping[str, bytes]) -> str:
    """Turn the report's markdown into one HTML file that needs nothing but itself.

    Args:
        title: Of the window.
        markdown: Of the report; HTML in it is shown, not obeyed.
        files: File as the markdown names it -> its bytes, SVG or PNG.
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
    # A wide table scrolls by itself, the page does not.
    body = body.replace("<table>", '<div class="wide"><table>').replace(
        "</table>", "</table></div>"
    )
    return TEMPLATES.get_template("page.html.j2").render(title=title, body=Markup(body))
