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
    """One picture to fill.

    ``mask`` is None if the picture's alpha is the mask, ``attention`` where the attention picture
    goes, if anywhere.
    """

    image: Path
    mask: Path | None
    output: Path
    attention: Path | None

    @property
    def results(self) -> list[Path]:
        """Every file that it makes."""
        return [self.output] if self.attention is None else [self.output, self.attention]


def pair(
    image: Names,
    mask: Names | None,
    output: Names,
    attention: Names | None = None,
    *,
    overwrite: bool = False,
    skip_existing: bool = False,
    lossy: bool = False,
) -> tuple[list[Job], list[str]]:
    """Pair pictures with masks and results.

    Lists are parallel. In folders (not in the folders inside them) a picture's mask has the same
    name up to the extension, or with ``_mask`` behind it; masks without a picture are left alone.
    Pictures and masks may lie in one folder, masks with ``_mask`` in their names. One mask file
    serves all pictures; None: each is its own mask. A name of results with no extension of a
    picture is a folder, in which they are called like their picture, with ``.png``.

    ``overwrite`` allows results that exist, never inputs; ``skip_existing`` leaves out pictures
    whose results exist all, so that a folder goes on; ``lossy`` allows JPEG results.

    Returns:
        What to do, and a sentence for each picture in a folder that has no mask, or several.

    Raises:
        FileNotFoundError: If files are missing, or no picture in a folder has a mask.
        ValueError: If the inputs do not pair up, or a result would replace something.
    """
    images, in_folder = _inputs("image", image)
    masks, masks_in_folder = ([], False) if mask is None else _inputs("mask", mask)
    if in_folder and masks_in_folder and images[0].parent.samefile(masks[0].parent):
        images, masks = ([x for x in images if _is_mask(x) == of] for of in (False, True))
    if not images:
        raise ValueError("`image` names no picture")
    given: Sequence[Path | None] = masks
    refused: dict[Path, str] = {}
    if masks_in_folder:
        given, refused = _by_name(images, masks)
    elif len(masks) == 1 or mask is None:
        given = [masks[0] if masks else None] * len(images)
    else:
        _check_parallel("mask", masks, images, in_folder)
    outputs = _targets("output", output, images, in_folder, lossy)
    maps: Sequence[Path | None] = [None] * len(images)
    if attention is not None:
        maps = _targets("attention", attention, images, in_folder, lossy)
    jobs = [Job(*parts) for parts in zip(images, given, outputs, maps, strict=True)]
    jobs = [job for job in jobs if job.image not in refused]
    if not jobs:
        raise FileNotFoundError(f"`mask`: {refused[images[0]]}")
    _check_names(jobs, [*images, *masks])
    if skip_existing:
        jobs = [job for job in jobs if not all(target.exists() for target in job.results)]
    existing = [target for job in jobs for target in job.results if target.exists()]
    if existing and not overwrite:
        raise ValueError(
            f"{_some(existing)} {'exist' if len(existing) > 1 else 'exists'} already: choose "
            "another name, or say skip_existing=true to fill the others, or overwrite=true"
        )
    return jobs, [f"{image}: {reason}" for image, reason in refused.items()]


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


def _is_mask(path: Path) -> bool:
    return path.stem.endswith("_mask")


def _by_name(images: list[Path], masks: list[Path]) -> tuple[list[Path | None], dict[Path, str]]:
    """The mask of each picture, and what is wrong where it has none, or several."""
    given: list[Path | None] = []
    refused = {}
    for image in images:
        found = [mask for mask in masks if mask.stem in (image.stem, f"{image.stem}_mask")]
        given.append(found[0] if found else None)
        if len(found) > 1:
            refused[image] = f"several masks for one picture: {_some(found)}"
        elif not found:
            folder = masks[0].parent if masks else image.parent
            refused[image] = (
                f"no mask in {folder} for {image.name}; expected the same name, or with _mask "
                "behind it, with any extension"
            )
    return given, refused


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


def _check_names(jobs: list[Job], inputs: list[Path]) -> None:
    """Refuse results that would replace an input, or each other."""
    protected: set[Hashable] = set(map(_identity, inputs))
    seen: dict[Hashable, Job] = {}
    for job in jobs:
        for target in job.results:
            identity = _identity(target)
            if identity in protected:
                raise ValueError(f"the result {target} would replace an input: choose another name")
            if identity in seen:
                both = dict.fromkeys((seen[identity].image, job.image))
                raise ValueError(
                    f"two results would go into {target}, of {' and '.join(map(str, both))}: name "
                    "each, with lists such as image=[a.jpg,a.png] output=[1.png,2.png]"
                )
            if target.is_dir():
                raise ValueError(f"the result {target} is a folder: give the name of a file")
            seen[identity] = job


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
