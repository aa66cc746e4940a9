"""The embedded photographs: enough to see a model learn, far too few to train one."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

from farfill.data.protocol import Split
from farfill.image.read import MAX_FILE_PIXELS

PICTURES = {  # motorcycle_right would show the same scene as motorcycle_left
    "skimage/data": (
        "astronaut.png brick.png camera.png chelsea.png coffee.png coins.png grass.png gravel.png "
        "hubble_deep_field.jpg ihc.png moon.png motorcycle_left.png retina.jpg rocket.jpg"
    ),
    "sklearn/datasets/images": "china.jpg flower.jpg",
}
DISTRIBUTIONS = {"skimage": "scikit-image", "sklearn": "scikit-learn"}


@dataclass
class Sample:
    """16 real photographs that lie inside scikit-image's and scikit-learn's packages.

    They are found by path, without a network and without importing either package.

    Attributes:
        val: Names without extension of the pictures to measure on; the others are learnt from.
        resize: Shorter side in pixels to which every picture is scaled; None = as is (300 to
            1411 pixels).
        cache: Keep the scaled pictures in memory.
    """

    on_error: ClassVar[str] = "raise"
    max_file_pixels: ClassVar[int | None] = MAX_FILE_PIXELS
    shrink: ClassVar[bool] = True
    cluster: ClassVar[None] = None

    val: Sequence[str]
    resize: int | None
    cache: bool

    def split(self, train: bool = True) -> Split:
        """Find the photographs.

        Raises:
            ValueError: ``val`` names a picture that is not among them, or no or every picture.
            FileNotFoundError: A package lacks a picture, or is not installed.
        """
        paths: dict[str, Path] = {}
        for folder, names in PICTURES.items():
            package, _, rest = folder.partition("/")
            spec = find_spec(package)
            home = Path(spec.origin).parent if spec is not None and spec.origin else Path("nowhere")
            found = [home / rest / name for name in names.split()]
            if missing := [path.name for path in found if not path.is_file()]:
                raise FileNotFoundError(
                    f"{DISTRIBUTIONS[package]} is installed without its photographs "
                    f"({', '.join(missing)} not found): reinstall it, or use data=folder "
                    "data.root=..."
                )
            paths |= {path.stem: path for path in found}
        if not set(self.val) < set(paths) or not self.val:
            raise ValueError(
                f"expected data.val to name some, not all, of {', '.join(sorted(paths))}; "
                f"got {', '.join(self.val) or 'nothing'}"
            )
        sides: tuple[list[Path], list[Path]] = ([], [])
        for name, path in sorted(paths.items()):
            sides[name in self.val].append(path)
        return Split(*sides)
