"""Fill holes from Python: a picture and a mask of Pillow or NumPy in, the same kind out."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from PIL import Image, ImageOps
from torch import nn

from farfill.checkpoint import load_generator
from farfill.image.hole import PLAUSIBLE, grow, hole_of, transparent
from farfill.image.picture import Picture, channels_of
from farfill.inpainting.borrowing import Attention
from farfill.inpainting.crop import SIDE
from farfill.inpainting.fill import fill
from farfill.inpainting.predictor import Predictor
from farfill.machine import find_device
from farfill.weights.find import detail_of, shipped

#: A larger crop is filled at reduced size: of 2048 x 2048 pixels, which take a minute and 3 GB.
MAX_PIXELS = 2048**2

Kind = TypeVar("Kind")


def pretrained(name_or_path: str | Path | None = None) -> nn.Module:
    """Load a generator by what :func:`farfill.load_generator` takes; None: what Farfill has.

    Raises:
        ValueError: There is nothing of that name, it is no checkpoint of Farfill, or none
            come with it.
    """
    if name_or_path is None:
        name_or_path = next(iter(shipped()), None)
    if name_or_path is None:
        raise ValueError(
            "no trained weights come with this version of Farfill: name a checkpoint of your own, "
            "such as Inpainter.from_pretrained('best.ckpt') or ckpt_path=best.ckpt; farfill-train "
            "makes one"
        )
    return load_generator(name_or_path)


class Inpainter:
    """Fills holes: ``fill = Inpainter.from_pretrained(); out = fill(image, mask)``.

    Args:
        generator: As of :func:`farfill.load_generator`.
        device: ``"cpu"``, ``"cuda"``, ``"cuda:1"`` ...; None: a GPU if there is one.
        precision: ``"float32"``, also if None, or ``"bf16"``, which is faster where the machine
            multiplies bfloat16.
        detail: Put fine detail into fills from where the attention borrowed, see
            :func:`farfill.inpainting.detail.add_detail`; ``ValueError`` at the first picture if
            the generator does not say where that is.

    Attributes:
        attention: Where the last result borrowed from, a list for a list; None before the first,
            and if the network does not say.

    Raises:
        ValueError: If there is no such device or precision.
    """

    def __init__(
        self,
        generator: nn.Module,
        device: str | None = None,
        precision: str | None = None,
        detail: bool = False,
    ) -> None:
        self.predictor = Predictor(
            generator, find_device(device or "auto"), precision or "float32", detail=detail
        )
        self.attention: Attention | list[Attention | None] | None = None

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str | Path | None = None,
        device: str | None = None,
        precision: str | None = None,
        detail: bool | None = None,
    ) -> Inpainter:
        """Load weights, by name or path; None: those that come with Farfill.

        ``detail`` is for those that come with Farfill if it is None, not for others.

        Raises:
            ValueError: See :func:`pretrained`, and the class.
        """
        generator = pretrained(name_or_path)
        return cls(generator, device, precision, detail_of(name_or_path, detail))

    def __call__(
        self,
        image: Kind,
        mask: object = None,
        *,
        threshold: float | None = None,
        invert: bool = False,
        resize_mask: bool = False,
        dilate: int = 0,
        feather: int = 0,
        crop: int | None = SIDE,
        max_pixels: int | None = MAX_PIXELS,
    ) -> Kind:
        """Fill the hole of a picture, or of each in a list.

        Args:
            image: A picture of Pillow (grey or RGB, with or without alpha, or a palette), or of
                NumPy: ``(H, W)`` or ``(H, W, 1 to 4)`` of uint8, uint16, or floating point in
                ``[0, 1]``; or a list of pictures. Any size.
            mask: White is the hole: of Pillow, or of NumPy ``(H, W)`` or ``(H, W, 1 to 4)`` of
                bool, of 0 and 1, or in the levels of its type. For a list, a list or one mask for
                all. None: what is transparent in the picture is the hole, and is opaque in the
                result.
            threshold: Levels of a mask, 0 to 255 whatever its type, above this are the hole. None:
                what is not black, so that grey, the edge of a soft brush, belongs to the hole.
            invert: Black is the hole.
            resize_mask: Stretch a mask of another size instead of refusing it.
            dilate: So many pixels around the hole are filled, too.
            feather: So many more fade into what is known.
            crop: Least side in pixels of what is cut out around each hole and filled at full
                resolution; None: fill the picture as a whole.
            max_pixels: A larger crop is filled at reduced size and the fill enlarged; None: none.

        Returns:
            The same kind: of Pillow or NumPy, size, channels and type as they were (of Pillow,
            palettes become RGB and one bit grey, and an EXIF orientation is applied). What is
            neither hole, dilation nor feather, is bit for bit the same.

        Raises:
            ValueError: If picture or mask is not like this, they do not fit each other, or the
                hole is nothing or everything; of a list, with the picture's index, from 0.
                A hole of most of the picture is only warned of.
        """
        several = isinstance(image, list | tuple)
        images = list(image) if isinstance(image, list | tuple) else [image]
        masks = list(mask) if isinstance(mask, list | tuple) else [mask] * len(images)
        if len(masks) != len(images):
            raise ValueError(
                f"expected as many masks as pictures, {len(images)}, or one, got {len(masks)}"
            )
        results: list[object] = []
        attention: list[Attention | None] = []
        self.attention = None
        for one, its in zip(map(_upright, images), map(_upright, masks), strict=True):
            try:
                picture = _picture(one, "picture")
                if its is None:
                    if threshold is not None or invert or resize_mask:
                        raise ValueError("threshold, invert and resize_mask need a mask")
                    hole = transparent(picture, "the picture")
                else:
                    marked = _picture(its, "mask")
                    hole = hole_of(marked, "the mask", picture.size, threshold, invert, resize_mask)
                _warn_of(hole)
                hole = grow(hole, dilate)
                filled = fill(self.predictor, picture.rgb(), hole, max_pixels, crop, feather)
            except ValueError as error:
                if not several:
                    raise
                raise ValueError(f"picture {len(results)} of the list: {error}") from error
            result = picture.with_fill(filled.image, filled.hole)
            results.append(_like(one, result if its is not None else result.opaque(filled.hole)))
            attention.append(filled.attention() if filled.offsets else None)
        self.attention = attention if several else attention[0]
        return cast(Kind, results if several else results[0])


def _warn_of(hole: np.ndarray) -> None:
    """Say that most is missing, which the command refuses; ``(H, W)``."""
    if hole.mean() > PLAUSIBLE:
        logging.getLogger(__name__).warning(
            f"{hole.mean():.0%} of the picture is the hole: if its mask is black where something "
            "is missing, say invert=True"
        )


def _upright(image: Any) -> Any:
    """Turn a picture of Pillow as its EXIF says, since that is how its mask was drawn."""
    return ImageOps.exif_transpose(image) if isinstance(image, Image.Image) else image


def _picture(image: object, what: str) -> Picture:
    if isinstance(image, Image.Image):
        try:
            return Picture.of(channels_of(image))
        except ValueError as error:
            raise ValueError(f"cannot use the {what}: {error}") from error
    if not isinstance(image, np.ndarray):
        raise ValueError(
            f"expected a {what} of Pillow or NumPy, got {type(image).__name__}: for a file, "
            "PIL.Image.open it first"
        )
    channels = image[..., None] if image.ndim == 2 else image
    if channels.ndim != 3 or not 1 <= channels.shape[2] <= 4 or 0 in channels.shape:
        raise ValueError(
            f"expected a {what} (H, W) or (H, W, 1 to 4), got {image.shape}; several make a list"
        )
    if what == "mask":
        channels = _mask_levels(channels)
    if not (channels.dtype.kind == "f" or channels.dtype in (np.uint8, np.uint16)):
        raise ValueError(
            f"expected a {what} of uint8, uint16, or floating point in [0, 1], got {image.dtype}"
        )
    return Picture.of(channels)


def _mask_levels(mask: np.ndarray) -> np.ndarray:
    """A mask of bool, or of 0 and 1, in levels of uint8; others as they are."""
    two = mask.dtype == bool or (mask.dtype.kind in "iu" and mask.min() >= 0 and mask.max() <= 1)
    return mask.astype(np.uint8) * 255 if two else mask


def _like(image: object, picture: Picture) -> Image.Image | np.ndarray:
    if isinstance(image, np.ndarray):
        return picture.channels.reshape(image.shape)
    assert isinstance(image, Image.Image)
    result = Image.fromarray(picture.channels)
    # What a palette or a colour key had to say of transparency is in the alpha now.
    result.info = {name: value for name, value in image.info.items() if name != "transparency"}
    return result
