"""Whether an exported file completes photographs as PyTorch does."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from farfill.data.sample import Sample
from farfill.image.read import read_rgb

#: Image ``(1, 3, H, W)`` and mask ``(1, 1, H, W)``, float32, to the completed image.
Run = Callable[[np.ndarray, np.ndarray], np.ndarray]
#: Embedded photographs, and what is taken of them at least: height and width.
PICTURES = {"astronaut": (256, 256), "chelsea": (200, 296), "coffee": (328, 128)}
#: An eighth of a level of 8-bit pictures; the range is 2.
MOST = 1e-3


def photograph(name: str, height: int, width: int) -> tuple[Tensor, Tensor]:
    """A picture ``(1, 3, height, width)`` in [-1, 1] and a hole of half its sides in its middle."""
    path = Sample(val=[name], resize=None, cache=False).split(train=False).val[0]
    pixels = read_rgb(path)[:height, :width].astype(np.float32)
    image = torch.from_numpy(pixels / 127.5 - 1).permute(2, 0, 1)[None].contiguous()
    hole = torch.zeros(1, 1, height, width)
    hole[..., height // 4 : -(height // 4), width // 4 : -(width // 4)] = 1
    return image, hole


@torch.no_grad()
def compare(generator: nn.Module, run: Run, multiple: int, name: Path) -> Iterator[str]:
    """Say of each photograph how far apart the two are.

    Args:
        generator: What was exported, in evaluation mode.
        run: Executes the file.
        multiple: What sides have to be multiples of.
        name: Of the file that is to be.

    Raises:
        ValueError: They are too far apart, known pixels are changed, or the file cannot be executed
            at one of the sizes.
    """
    for picture, (height, width) in PICTURES.items():
        size = -(-height // multiple) * multiple, -(-width // multiple) * multiple
        image, hole = photograph(picture, *size)
        expected = generator(image * (1 - hole), hole).completed(image, hole).numpy()
        place = f"{name} on {picture}, {size[0]} x {size[1]}"
        try:
            found = run(image.numpy(), hole.numpy())
            off = np.abs(found - expected)
        except Exception as error:  # a runtime refuses with nearly any kind of error
            reason = str(error).partition("\n")[0]
            raise ValueError(f"{place} cannot be executed, so it was not kept: {reason}") from error
        missing = hole.numpy().astype(bool)
        known = np.array_equal(np.where(missing, 0, found), np.where(missing, 0, image.numpy()))
        if not (off.max() <= MOST and known):  # nor may it be NaN
            raise ValueError(
                f"{place} is up to {off.max():.1e} off what PyTorch computes (at most {MOST:.0e} "
                f"of a range of 2), or changes known pixels, so it was not kept"
            )
        yield f"{place}: at most {off.max():.1e} off PyTorch, {off.mean():.1e} on average"
