"""Rectangles that cover the holes of a picture."""

from __future__ import annotations

import numpy as np
import pytest

from farfill.inpainting.window import Span, Window
from farfill.inpainting.windows import windows


def area(window: Window, margin: int = 0) -> float:
    rows, columns = window
    return (rows.stop - rows.start + margin) * (columns.stop - columns.start + margin)


def hole_of(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    hole = np.zeros((300, 400), bool)
    for top, left, height, width in boxes:
        hole[top : top + height, left : left + width] = True
    return hole


def test_one_hole_is_its_bounding_box():
    hole = hole_of((17, 33, 80, 5), (60, 33, 7, 90))
    assert windows(hole, area) == [Window(Span(17, 97), Span(33, 123))]


def test_far_holes_stay_apart_and_near_ones_are_joined():
    hole = hole_of((0, 0, 20, 20), (280, 380, 20, 20))
    assert len(windows(hole, area)) == 2
    assert windows(hole, lambda window: area(window, 1000)) == [Window(Span(0, 300), Span(0, 400))]


@pytest.mark.parametrize("seed", range(5))
def test_every_missing_pixel_is_covered_and_nothing_beyond_the_picture(seed):
    rng = np.random.default_rng(seed)
    hole = rng.random((123, 217)) < 0.001
    hole[rng.integers(123), rng.integers(217)] = True
    found = windows(hole, lambda window: area(window, 30))
    covered = np.zeros_like(hole)
    for (top, bottom), (left, right) in found:
        assert 0 <= top < bottom <= 123
        assert 0 <= left < right <= 217
        covered[top:bottom, left:right] = True
    assert covered[hole].all()
