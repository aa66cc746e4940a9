"""An ablation as one HTML file that needs nothing but itself."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from html import escape

STYLE = """
body { font: 15px/1.45 sans-serif; max-width: 1200px; margin: 2em auto; padding: 0 1em; }
table { border-collapse: collapse; margin: 1em 0; font-size: 13px; display: block;
        overflow-x: auto; }
th, td { border: 1px solid #ccc; padding: 3px 8px; text-align: left; }
th { background: #f3f3f3; }
td.r { text-align: right; white-space: nowrap; }
img { max-width: 100%; }
"""


def page(title: str, markdown: str, pictures: Mapping[str, bytes]) -> str:
    """Turn the report's own markdown into a page with its pictures inside.

    Args:
        title: Of the window.
        markdown: Headings, paragraphs, tables, code blocks, ``**bold**``, `` `code` `` and
            ``![text](file)`` on a line of its own, nothing else.
        pictures: File as the markdown names it -> its bytes, SVG or PNG.
    """
    body = []
    for block in markdown.split("\n\n"):
        lines = block.strip().splitlines()
        if lines:
            body.append(_block(lines, pictures))
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{escape(title)}</title>'
        f"\n<style>{STYLE}</style>\n" + "\n".join(body) + "\n</html>\n"
    )


def _block(lines: list[str], pictures: Mapping[str, bytes]) -> str:
    first = lines[0]
    if heading := re.match(r"(#+) (.*)", first):
        level = len(heading[1])
        return f"<h{level}>{_inline(heading[2])}</h{level}>"
    if first.startswith("```"):
        return f"<pre>{escape(chr(10).join(lines[1:-1]))}</pre>"
    if first.startswith("|"):
        return _table(lines)
    if first.startswith("!["):
        return "\n".join(_picture(line, pictures) for line in lines)
    return f"<p>{_inline(' '.join(lines))}</p>"


def _table(lines: list[str]) -> str:
    titles, marks, *rows = [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines
    ]
    html = ["<table>", "<tr>" + "".join(f"<th>{_inline(cell)}</th>" for cell in titles) + "</tr>"]
    for row in rows:
        sides = (' class="r"' if mark.endswith(":") else "" for mark in marks)
        cells = zip(sides, row, strict=True)
        html.append(
            "<tr>" + "".join(f"<td{side}>{_inline(cell)}</td>" for side, cell in cells) + "</tr>"
        )
    return "\n".join([*html, "</table>"])


def _picture(line: str, pictures: Mapping[str, bytes]) -> str:
    match = re.fullmatch(r"!\[(.*)\]\((.*)\)", line)
    assert match is not None, line
    kind = "image/svg+xml" if match[2].endswith(".svg") else "image/png"
    content = base64.b64encode(pictures[match[2]]).decode()
    return f'<img alt="{escape(match[1])}" src="data:{kind};base64,{content}">'


def _inline(text: str) -> str:
    text = escape(text.replace("\\|", "|"))
    text = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", text)
    return re.sub(r"`(.+?)`", r"<code>\1</code>", text)
