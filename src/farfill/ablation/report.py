"""Everything an ablation's report leaves in the sweep's folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import cv2

from farfill.ablation import markdown
from farfill.ablation.curves import panels
from farfill.ablation.page import page
from farfill.ablation.side_by_side import side_by_side
from farfill.ablation.sweep import Sweep, check
from farfill.ablation.verdict import judge
from farfill.evaluation.table import REGIONS
from farfill.files import atomic

FIGURES = "figures"
HOW_TO_READ = """Intervals are 95 %, over pictures (bootstrap) and seeds (Student's t) together; ±
is the standard deviation of the seeds' means. Differences are paired: the same seed, pictures and
holes. A claim agrees if its whole interval lies where the claim says, differs if the whole
interval lies elsewhere. Each interval stands for itself: of twenty true "no difference" one is
missed. A cell's mean takes in its finished runs only; the first table says what became of the
others, and `src/farfill/ablation/stability.py` when a run counts as collapsed, saturated or run
away."""


def report(sweep: Sweep, folder: Path, titles: Sequence[str]) -> str:
    """Write ``ABLATION.md``, ``ablation.html`` and ``figures/``, each file whole or not at all.

    Args:
        sweep: All runs.
        folder: Of the sweep; files of an earlier report are replaced.
        titles: Columns of the sheets in the runs' ``pictures/``.

    Returns:
        The markdown.

    Raises:
        ValueError: The runs cannot be compared, see :func:`farfill.ablation.sweep.check`, or a
            claim is not well formed.
    """
    check(sweep)
    drawn = panels(sweep)
    figures = {_file(name): svg.encode() for group in drawn.values() for name, svg in group.items()}
    pictures, seed = _pictures(sweep, titles)
    text = _text(sweep, drawn, list(pictures), seed)
    for name, content in {**figures, **pictures}.items():
        with atomic(folder / name) as part:
            part.write_bytes(content)
    title = sweep.question.get("id", folder.name)
    html = page(f"Ablation: {title}", text, {**figures, **pictures})
    for name, words in {"ABLATION.md": text, "ablation.html": html}.items():
        with atomic(folder / name) as part:
            part.write_text(words, encoding="utf-8")
    return text


def _pictures(sweep: Sweep, titles: Sequence[str]) -> tuple[Mapping[str, bytes], int]:
    found = side_by_side(sweep, titles)
    if found is None:
        return {}, 0
    png = cv2.imencode(".png", cv2.cvtColor(found[0], cv2.COLOR_RGB2BGR))[1]
    return {f"{FIGURES}/pictures.png": png.tobytes()}, found[1]


def _file(figure: str) -> str:
    return f"{FIGURES}/{figure}.svg"


def _text(
    sweep: Sweep, figures: Mapping[str, Iterable[str]], pictures: Sequence[str], seed: int
) -> str:
    question = sweep.question
    verdicts = [judge(sweep, claim) for claim in question.get("claims", ())]
    manifests = dict.fromkeys(
        f"`{r.manifest}` (seed {r.seed})" for r in sweep.records if r.manifest
    )
    sections = [
        f"# Ablation: {question.get('id', 'a sweep')}",
        " ".join(str(question.get("text", "")).split()),
        *(["## Claims", markdown.claims(verdicts)] if verdicts else []),
        "## Runs",
        markdown.runs(sweep),
        "## Means",
        markdown.means(sweep, markdown.metrics(sweep)),
        "## Differences from the reference cell",
        markdown.differences(sweep),
        "## Training",
        markdown.training(sweep),
        *(
            part
            for heading, names in figures.items()
            for part in (f"### {heading}", "\n".join(f"![{n}]({_file(n)})" for n in names))
        ),
        *(
            part
            for region, words in REGIONS.items()
            if (names := markdown.measured(sweep, region))
            for part in (f"## Every metric {words}", markdown.means(sweep, names))
        ),
        *([f"## Pictures of seed {seed}", f"![side by side]({pictures[0]})"] if pictures else []),
        "## How to read this",
        HOW_TO_READ,
        f"Manifests: {', '.join(manifests) or 'none'}.",
    ]
    return "\n\n".join(section.strip() for section in sections if section.strip()) + "\n"
