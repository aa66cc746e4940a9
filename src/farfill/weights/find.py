"""Where weights are: in a file, in a folder, in Farfill itself, or on the Hugging Face hub."""

import json
import re
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from farfill.files import expanded
from farfill.text import did_you_mean, one_line

#: Of the weights that come with Farfill, and of their index.
FOLDER = Path(__file__).parent
#: In a folder of ``save_pretrained``, and on the hub.
FILE = "model.safetensors"
_MODEL = r"[\w.-]+/[\w.-]+"
_ON_HUB = re.compile(rf"hf:/{{1,2}}({_MODEL})(?:@(.+))?", re.ASCII)  # a Path keeps one slash


class Shipped(NamedTuple):
    """Weights that come with Farfill, as ``index.json`` has them."""

    name: str
    file: str  # in FOLDER
    sha256: str
    licence: str
    detail: bool  # whether their fills are better with that of farfill.inpainting.detail


def shipped() -> dict[str, Shipped]:
    """What comes with Farfill, by name; the first is what ``farfill-inpaint`` takes by itself."""
    entries = json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))
    return {entry["name"]: Shipped(**entry) for entry in entries}


def detail_of(name: str | Path | None, asked: bool | None) -> bool:
    """Whether fills by these weights get detail: as ``asked``, unless that is None.

    Then only weights that come with Farfill do: of others it is not known what their fills lack.
    The name None is that of the default ones. Errors as of :func:`find_weights`.
    """
    if asked is not None:
        return asked
    known = shipped()
    if name is None:
        return bool(known) and next(iter(known.values())).detail
    if str(name).startswith("hf:"):
        return False
    path = find_weights(name).resolve()
    return any(entry.detail and (FOLDER / entry.file).resolve() == path for entry in known.values())


def find_weights(name: str | Path, **options: Any) -> Path:
    """Find a checkpoint, or a generator's weights alone.

    Args:
        name: A file; a folder with ``model.safetensors``; a name of :func:`shipped`; or
            ``hf://user/model``, or ``hf://user/model@revision``, which is downloaded once, into
            the cache of huggingface_hub (``HF_HOME``).
        options: Of ``huggingface_hub.hf_hub_download``: ``revision``, ``cache_dir`` ... With any of
            them ``user/model`` alone is a name on the hub, too, unless there is such a folder.

    Raises:
        ValueError: There is nothing of that name, the hub does not give it, or what came with
            Farfill has not the checksum that it was packed with.
    """
    if str(name).startswith("hf:"):
        return _download(str(name), options)
    path = expanded(name)
    for place in (path, path / FILE):
        if place.is_file():
            return place
    known = shipped()
    if entry := known.get(str(name)):
        place = FOLDER / entry.file
        if sha256(place.read_bytes()).hexdigest() != entry.sha256:
            raise ValueError(f"{place} is damaged: it is not what Farfill came with; install again")
        return place
    if options and re.fullmatch(_MODEL, str(name), re.ASCII):
        return _download(f"hf://{name}", options)
    if files := [*path.glob("checkpoints/*.ckpt"), *path.glob("*.ckpt")]:
        names = ", ".join(map(str, sorted(files)))
        raise ValueError(f"{name} is a folder, of which one checkpoint is needed: {names}")
    if path.suffix in (".ckpt", ".pt", ".pth", ".safetensors"):
        raise ValueError(f"there is no file {name}")
    hint = did_you_mean(str(name), known, ", ".join(known) or "this version has none")
    raise ValueError(
        f"{name} is none of these: a checkpoint, a .safetensors file, a folder with {FILE}, "
        f"hf://user/model, or weights that come with Farfill ({hint})"
    )


def _download(name: str, options: dict[str, Any]) -> Path:
    if not (match := _ON_HUB.fullmatch(name)):
        raise ValueError(f"expected hf://user/model or hf://user/model@revision, got {name}")
    try:
        from huggingface_hub import hf_hub_download
    except ImportError as error:
        raise ValueError(
            f"{name} needs huggingface_hub: pip install 'farfill[hub]', or name a file"
        ) from error
    model, revision = match.groups()
    options = options | {"revision": revision or options.get("revision")}
    try:
        return Path(hf_hub_download(model, FILE, **options))
    except Exception as error:  # a download ends in nearly any kind of error
        reason = one_line(str(error).partition("\n")[0])[:200]
        raise ValueError(
            f"the hub does not give {FILE} of {name} ({reason}): look at the name and the network, "
            "or name a file"
        ) from error
