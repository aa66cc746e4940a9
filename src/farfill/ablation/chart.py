"""Learning curves as small SVG pictures, without a plotting library."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

import numpy as np

from farfill.rundir.record import Curve

#: Okabe and Ito's colours, told apart by colour-blind readers too.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
WIDTH, HEIGHT = 460, 240
LEFT, RIGHT, TOP, BOTTOM = 62, 10, 24, 34


class Line(NamedTuple):
    """A curve to draw.

    Attributes:
        title: For the legend; empty: not in it.
        curve: Values that are not finite leave a gap.
        colour: Index into :data:`COLOURS`, taken in turn.
        faint: Whether to draw it thin and pale.
    """

    title: str
    curve: Curve
    colour: int
    faint: bool = False


def svg(title: str, lines: Sequence[Line], along: str = "generator steps") -> str:
    """One panel: curves with axes and a legend.

    Args:
        title: Above the panel.
        lines: What to draw; those without a finite point are left out.
        along: What the curves run over.
    """
    points = [_finite(line.curve) for line in lines]
    parts = [f'<text x="{LEFT}" y="15" font-weight="bold">{escape(title)}</text>']
    drawn = [xy for xy in points if len(xy)]
    if not drawn:
        parts.append(f'<text x="{LEFT}" y="{HEIGHT // 2}">nothing logged</text>')
        return _wrap(parts, HEIGHT)
    everything = np.concatenate(drawn)
    low, high = everything.min(axis=0), everything.max(axis=0)
    scale = np.array([WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM]) / np.where(
        high > low, high - low, 1
    )
    parts += _axes(low, high, along)
    for line, xy in zip(lines, points, strict=True):
        if len(xy):
            x, y = ((xy - low) * scale).T
            places = zip(LEFT + x, HEIGHT - BOTTOM - y, strict=True)
            path = " ".join(f"{a:.1f},{b:.1f}" for a, b in places)
            style = 'stroke-width="1" opacity="0.35"' if line.faint else 'stroke-width="2"'
            colour = COLOURS[line.colour % len(COLOURS)]
            parts.append(f'<polyline fill="none" stroke="{colour}" {style} points="{path}"/>')
    named = [line for line in lines if line.title]
    return _wrap([*parts, *_legend(named)], HEIGHT + 16 * len(named))


def mean_curve(curves: Sequence[Curve]) -> Curve:
    """Mean of several curves where all have a point."""
    steps = curves[0].steps
    for curve in curves[1:]:
        steps = np.intersect1d(steps, curve.steps)
    rows = [curve.values[np.isin(curve.steps, steps)] for curve in curves]
    return Curve(steps, np.mean(rows, axis=0))


def _finite(curve: Curve) -> np.ndarray:
    xy = np.stack([curve.steps, curve.values], axis=1).astype(float)
    return xy[np.isfinite(xy).all(axis=1)]


def _axes(low: np.ndarray, high: np.ndarray, along: str) -> list[str]:
    """A frame, with the least and largest value of both axes."""
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    frame = f'<rect x="{LEFT}" y="{TOP}" width="{right - LEFT}" height="{bottom - TOP}" '
    return [
        f'{frame}fill="none" stroke="#bbb"/>',
        f'<text x="{LEFT - 5}" y="{TOP + 10}" text-anchor="end">{high[1]:.3g}</text>',
        f'<text x="{LEFT - 5}" y="{bottom}" text-anchor="end">{low[1]:.3g}</text>',
        f'<text x="{LEFT}" y="{bottom + 14}">{low[0]:.4g}</text>',
        f'<text x="{right}" y="{bottom + 14}" text-anchor="end">{high[0]:.4g}</text>',
        f'<text x="{(LEFT + right) // 2}" y="{bottom + 14}" text-anchor="middle">'
        f"{escape(along)}</text>",
    ]


def _legend(lines: Sequence[Line]) -> list[str]:
    parts = []
    for row, line in enumerate(lines):
        y, colour = HEIGHT + 16 * row + 4, COLOURS[line.colour % len(COLOURS)]
        parts.append(f'<rect x="{LEFT}" y="{y - 7}" width="18" height="4" fill="{colour}"/>')
        parts.append(f'<text x="{LEFT + 24}" y="{y}">{escape(line.title)}</text>')
    return parts


def _wrap(parts: Sequence[str], height: int) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="11">'
        '<rect width="100%" height="100%" fill="white"/>'
    )
    return "\n".join([head, *parts, "</svg>"]) + "\n"
