"""The tables of a report for a spreadsheet, as CSV, and for a paper, as LaTeX."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from markdown_it.token import Token

#: ``0.12 [0.11, 0.13] ± 0.01``: a mean, its interval and a standard deviation.
_INTERVAL = re.compile(r"(\S+) \[(\S+), (\S+)\](?: ± (\S+))?|(\S+) \[n/a\](?: ± (\S+))?")
_LATEX = {
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    **{"↓": r"$\downarrow$", "↑": r"$\uparrow$", "±": r"$\pm$", "<": r"$<$", ">": r"$>$"},
}


class Table(NamedTuple):
    """A table of a report."""

    titles: Sequence[str]
    rows: Sequence[Sequence[str]]  # in Markdown
    right: Sequence[bool]  # by column: whether it is aligned right, as numbers are


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading: ``every-metric-in-the-hole``."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def tables(tokens: Sequence[Token]) -> dict[str, Table]:
    """Anchor of the heading above -> table, of a report's parsed Markdown; none of pictures."""
    found: dict[str, Table] = {}
    heading, cells, right = "", list[list[str]](), list[bool]()
    for number, token in enumerate(tokens):
        if token.type == "heading_open":
            heading = tokens[number + 1].content
        elif token.type == "table_open":
            cells, right = [], []
        elif token.type == "tr_open":
            cells.append([])
        elif token.type in ("th_open", "td_open"):
            cells[-1].append(tokens[number + 1].content)
            if token.type == "th_open":
                right.append("right" in str(token.attrs.get("style")))
        elif token.type == "table_close" and not any("![" in x for row in cells for x in row):
            found[slug(heading)] = Table(cells[0], cells[1:], right)
    return found


def to_csv(table: Table) -> str:
    """One line per row; an interval has columns of its own, ``..._low`` and ``..._high``."""
    columns: dict[str, list[str]] = {}
    for number, title in enumerate(table.titles):
        texts = [row[number].replace("**", "") for row in table.rows]
        matches = [_INTERVAL.fullmatch(text) for text in texts]
        name = re.sub(r"[^\w]+", "_", title).strip("_") or "name"
        if not any(matches):
            columns[name] = ["" if text == "-" else text for text in texts]
            continue
        parts = [_parts(match, text) for match, text in zip(matches, texts, strict=True)]
        for part, values in zip(
            ("", "_low", "_high", "_sd"), zip(*parts, strict=True), strict=True
        ):
            if any(values):
                columns[f"{name}{part}"] = list(values)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue()


def _parts(match: re.Match[str] | None, text: str) -> tuple[str, str, str, str]:
    """Mean, both ends and standard deviation, empty where there is none."""
    if match is None:
        return ("" if text == "-" else text, "", "", "")
    mean, low, high, spread, alone, its = (group or "" for group in match.groups())
    return mean or alone, low, high, spread or its


def to_latex(table: Table) -> str:
    """A ``tabular`` with booktabs' rules, made narrower where it is wider than the text."""
    lines = [
        r"% needs \usepackage{booktabs,graphicx}",
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{{''.join('r' if right else 'l' for right in table.right)}}}",
        r"\toprule",
        _line(table.titles),
        r"\midrule",
        *map(_line, table.rows),
        r"\bottomrule",
        r"\end{tabular}}",
    ]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return " & ".join(map(_latex, cells)) + r" \\"


def _latex(markdown: str) -> str:
    """A cell with its letters escaped; bold and code stay what they are."""
    text = "".join(_LATEX.get(letter, letter) for letter in markdown)
    text = re.sub(r"\*\*(.+?)\*\*", r"\\textbf{\1}", text)
    text = re.sub(r"(?<![\w-])-(?=\d)", "$-$", text)  # a minus is longer than a hyphen
    return re.sub(r"`(.+?)`", r"\\texttt{\1}", text)


def files(found: Mapping[str, Table]) -> dict[str, bytes]:
    """Every table twice, by file name below the report's folder."""
    made = {f"tables/{name}.csv": to_csv(table) for name, table in found.items()}
    made |= {f"tables/{name}.tex": to_latex(table) for name, table in found.items()}
    return {name: text.encode() for name, text in made.items()}
