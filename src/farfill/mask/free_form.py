"""Free-form holes: strokes of a round brush on a random walk."""

import cv2
import numpy as np

from farfill.mask.protocol import Hole, check_patch, irregular_hole


class FreeForm:
    """Brush strokes until a drawn share of the picture is covered.

    In the manner of "Free-Form Image Inpainting with Gated Convolution" (arXiv 1806.03589), but
    lengths are relative to the picture, and the share aimed at is uniform between two bounds. Each
    stroke has its own width, starts on a pixel that is still known (so that drawing ends), and
    walks ``1 ... max_vertices`` straight pieces, turning at each; the brush moves by less than half
    its width at a time, so the aim is overshot by less than one dot of the brush.

    Args:
        min_fraction, max_fraction: Bounds of the picture's missing share, above 0 and below 1.
        min_brush, max_brush: Bounds of the brush's width, as fractions of the shorter side.
        max_vertices: Most straight pieces of a stroke (at least 1).
        max_length: Most length of a piece, as a fraction of the shorter side (above 0).
        max_turn: Most change of direction between pieces, to either side, in radians.
        patch_height, patch_width: Of the local critic's patch around the hole's centre of mass,
            in pixels.
    """

    def __init__(
        self,
        min_fraction: float,
        max_fraction: float,
        min_brush: float,
        max_brush: float,
        max_vertices: int,
        max_length: float,
        max_turn: float,
        patch_height: int,
        patch_width: int,
    ) -> None:
        if not 0 < min_fraction < max_fraction < 1:
            raise ValueError(
                "expected 0 < mask.min_fraction < mask.max_fraction < 1 (a mask of nothing or all "
                f"is refused), got {min_fraction} and {max_fraction}"
            )
        if not 0 < min_brush <= max_brush or max_vertices < 1 or max_length <= 0:
            raise ValueError(
                "expected 0 < mask.min_brush <= mask.max_brush, mask.max_vertices >= 1 and "
                f"mask.max_length > 0, got {min_brush}, {max_brush}, {max_vertices}, {max_length}"
            )
        self.fractions = (min_fraction, max_fraction)
        self.brushes = (min_brush, max_brush)
        self.max_vertices = max_vertices
        self.max_length = max_length
        self.max_turn = max_turn
        self.patch = (patch_height, patch_width)

    def check(self, height: int, width: int) -> None:
        """Refuse with a ``ValueError`` a patch beyond the picture, or a brush beyond the bounds."""
        check_patch(*self.patch, height, width)
        least, most = self.fractions
        dot = self._dot(height, width)
        if dot >= most - least:
            raise ValueError(
                f"one dot of the brush may cover {dot:.1%} of a picture of "
                f"{height} x {width}, more than mask.min_fraction={least} and "
                f"mask.max_fraction={most} lie apart: lower mask.max_brush or widen the bounds"
            )

    def __call__(self, rng: np.random.Generator, height: int, width: int) -> Hole:
        """Paint strokes. Errors as in :meth:`check`."""
        self.check(height, width)
        least, most = self.fractions
        aim = rng.uniform(least, most - self._dot(height, width)) * height * width
        canvas = np.zeros((height, width), dtype=np.uint8)
        while (covered := cv2.countNonZero(canvas)) < aim:
            start = np.flatnonzero(canvas == 0)[rng.integers(canvas.size - covered)]
            row, column = divmod(int(start), width)
            self._stroke(rng, canvas, np.array([column, row], dtype=float), aim)
        return irregular_hole(canvas.astype(bool), *self.patch)

    def _stroke(
        self, rng: np.random.Generator, canvas: np.ndarray, point: np.ndarray, aim: float
    ) -> None:
        """Paint one stroke from ``point`` (x, y) into ``canvas``, at most until ``aim`` pixels."""
        height, width = canvas.shape
        shorter = min(height, width)
        radius = max(1, round(rng.uniform(*self.brushes) * shorter / 2))
        heading = rng.uniform(0, 2 * np.pi)
        for _ in range(rng.integers(1, self.max_vertices, endpoint=True)):
            heading += rng.uniform(-self.max_turn, self.max_turn)
            length = rng.uniform(0, self.max_length) * shorter
            end = point + length * np.array([np.cos(heading), np.sin(heading)])
            end = np.clip(end, 0, [width - 1, height - 1])
            for part in np.linspace(0, 1, 2 + int(2 * length / radius)):
                column, row = np.rint(point + part * (end - point)).astype(int).tolist()
                cv2.circle(canvas, (column, row), radius, 1, thickness=cv2.FILLED)
                if cv2.countNonZero(canvas) >= aim:
                    return
            point = end

    def _dot(self, height: int, width: int) -> float:
        """Upper bound of the share that the thickest dot covers."""
        side = 2 * max(1, round(self.brushes[1] * min(height, width) / 2)) + 1
        return side**2 / (height * width)
