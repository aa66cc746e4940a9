"""Which mask belongs to which picture, and where the result goes; all checked beforehand."""

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

from farfill.files import expanded
from farfill.image.read import SUFFIXES
from farfill.image.write import check_name

READABLE = (*SUFFIXES, ".gif")

#: A file, a folder, or a list of files.
Names: TypeAlias = str | Path | Sequence[str | Path]


class Job(NamedTuple):
    """One picture to fill. ``attention`` is where the attention picture goes, if anywhere."""

    image: Path
    mask: Path
    output: Path
    attention: Path | None


def pair(
    image: Names,
    mask: Names,
    output: Names,
    attention: Names | None = None,
    *,
    overwrite: bool = False,
    lossy: bool = False,
) -> list[Job]:
    """Pair pictures with masks and results.

    Lists are parallel. In folders (not in the folders inside them) a picture's mask has the same
    name up to the extension, or with ``_mask`` behind it; masks without a picture are left alone.
    One mask file serves all pictures. A name of results with no extension of a picture is a
    folder, in which they are called like their picture, with ``.png``.

    ``overwrite`` allows results that exist, never inputs; ``lossy`` allows JPEG results.

    Raises:
        FileNotFoundError: If files are missing.
        ValueError: If the inputs do not pair up, or a result would replace something.
    """
    images, in_folder = _inputs("image", image)
    if not images:
        raise ValueError("`image` names no picture")
    masks, masks_in_folder = _inputs("mask", mask)
    if masks_in_folder:
        masks = _by_name(images, masks)
    elif len(masks) == 1:
        masks *= len(images)
    else:
        _check_parallel("mask", masks, images, in_folder)
    outputs = _targets("output", output, images, in_folder, lossy)
    maps: Sequence[Path | None] = [None] * len(images)
    if attention is not None:
        maps = _targets("attention", attention, images, in_folder, lossy)
    jobs = [Job(*parts) for parts in zip(images, masks, outputs, maps, strict=True)]
    targets = [path for job in jobs for path in (job.output, job.attention) if path is not None]
    _check_targets(targets, [*images, *masks], overwrite)
    return jobs


def _inputs(option: str, names: Names) -> tuple[list[Path], bool]:
    """The files, and whether they are those of a folder."""
    paths = _paths(names)
    if not (isinstance(names, str | Path) and paths[0].is_dir()):
        if missing := [path for path in paths if not path.is_file()]:
            raise FileNotFoundError(f"`{option}`: there is no file {_some(missing)}")
        return paths, False
    visible = (path for path in paths[0].iterdir() if not path.name.startswith("."))
    files = sorted(path for path in visible if path.suffix.lower() in READABLE)
    if not files:
        raise FileNotFoundError(f"`{option}`: there are no pictures ({_some(READABLE)}) in {names}")
    return files, True


def _by_name(images: list[Path], masks: list[Path]) -> list[Path]:
    by_image = {
        image: [mask for mask in masks if mask.stem in (image.stem, f"{image.stem}_mask")]
        for image in images
    }
    if lonely := [image.name for image in images if not by_image[image]]:
        raise FileNotFoundError(
            f"`mask`: no mask in {masks[0].parent} for {_some(lonely)}; expected the same name, or "
            "with _mask behind it, with any extension"
        )
    if several := [by_image[image] for image in images if len(by_image[image]) > 1]:
        raise ValueError(f"`mask`: several masks for one picture: {_some(several[0])}")
    return [by_image[image][0] for image in images]


def _targets(
    option: str, names: Names, images: list[Path], in_folder: bool, lossy: bool
) -> list[Path]:
    paths = _paths(names)
    if not isinstance(names, str | Path):
        _check_parallel(option, paths, images, in_folder)
    elif paths[0].is_dir() or paths[0].suffix.lower() not in READABLE:
        paths = [paths[0] / f"{image.stem}.png" for image in images]
    elif len(images) > 1:
        raise ValueError(
            f"`{option}` is one file, {names}, for {len(images)} pictures: give a folder or a list"
        )
    for path in paths:
        check_name(option, path, lossy)
    return paths


def _check_parallel(option: str, paths: list[Path], images: list[Path], in_folder: bool) -> None:
    if in_folder:
        raise ValueError(f"`image` is a folder, so give `{option}` as a folder too, not as a list")
    if len(paths) != len(images):
        raise ValueError(
            f"expected as many in `{option}` as in `image`, {len(images)}, got {len(paths)}"
        )


def _check_targets(targets: list[Path], inputs: list[Path], overwrite: bool) -> None:
    protected, seen = set(map(_identity, inputs)), set()
    for target in targets:
        identity = _identity(target)
        if identity in protected:
            raise ValueError(f"the result {target} would replace an input: choose another name")
        if identity in seen:
            raise ValueError(f"two results would go into {target}: give them different names")
        if target.is_dir():
            raise ValueError(f"the result {target} is a folder: give the name of a file")
        seen.add(identity)
    if (existing := [target for target in targets if target.exists()]) and not overwrite:
        raise ValueError(
            f"{_some(existing)} exists already: choose another name, or say overwrite=true"
        )


def _identity(path: Path) -> Hashable:
    """Equal for two names of one file, through links and on file systems that ignore case."""
    if not path.exists():
        return path.resolve()
    status = path.stat()
    return status.st_dev, status.st_ino


def _paths(names: Names) -> list[Path]:
    return [expanded(name) for name in ([names] if isinstance(names, str | Path) else names)]


def _some(names: Sequence[object]) -> str:
    rest = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(str(name) for name in names[:5]) + rest
