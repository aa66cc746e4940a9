"""Files of a generator's weights: safetensors, in half precision, that say what they belong to.

Their metadata have ``farfill``, JSON of what builds the generator, and of a checksum of that and of
every number, which safetensors itself has not. With one entry equal weights make equal files.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from farfill import __version__
from farfill.files import atomic


def pack(generator: Mapping[str, Any], weights: Mapping[str, Tensor]) -> bytes:
    """The bytes of a file of weights.

    Args:
        generator: Its configuration: ``_target_`` and options, in plain values.
        weights: Its ``state_dict()``; floating-point numbers are rounded to float16.

    Raises:
        ValueError: A number is NaN, or too large for float16.
    """
    halves = {name: _half(name, value.detach().cpu()) for name, value in weights.items()}
    described = {"generator": generator, "written_by": __version__}
    checked = {**described, "sha256": _checksum(described, halves)}
    return save(halves, {"farfill": json.dumps(checked)})


def write_weights(
    path: str | Path, generator: Mapping[str, Any], weights: Mapping[str, Tensor]
) -> None:
    """Write what :func:`pack` makes, whole or not at all."""
    packed = pack(generator, weights)
    with atomic(path) as part:
        part.write_bytes(packed)


def read_weights(path: Path) -> dict[str, Any]:
    """Read a file of :func:`write_weights` in the form of a checkpoint; no code in it is run.

    Raises:
        ValueError: It is no such file, or not as it was written.
    """
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        described = json.loads(metadata.get("farfill", "null"))
    except PermissionError:
        raise
    except Exception as error:  # damaged bytes end in nearly any kind of error
        raise ValueError(
            f"{path} is not a whole file of weights (damaged, or no safetensors): "
            "get it again, or name another"
        ) from error
    if not isinstance(described, dict):
        raise ValueError(f"{path} has weights, but not those of a generator of Farfill")
    if described.pop("sha256", None) != _checksum(described, weights):
        raise ValueError(
            f"{path} is damaged: it does not have the checksum that it was written with; "
            "get it again, or name another"
        )
    state = {f"generator.{name}": value for name, value in weights.items()}
    return {"farfill": described, "state_dict": state, "generator_only": True}


def _half(name: str, value: Tensor) -> Tensor:
    if not value.is_floating_point():
        return value
    half = value.half().contiguous()
    if not half.isfinite().all():
        raise ValueError(
            f"the weight {name} is NaN, infinite or beyond 65504, which float16 cannot have: take "
            "another checkpoint, for example best.ckpt of the run"
        )
    return half


def _checksum(described: Mapping[str, Any], weights: Mapping[str, Tensor]) -> str:
    digest = sha256(json.dumps(described, sort_keys=True).encode())
    for name, value in sorted(weights.items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
