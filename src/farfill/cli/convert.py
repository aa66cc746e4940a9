"""``farfill-convert``: a generator's weights as a small file that says what they belong to."""

import argparse
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from farfill import __version__
from farfill.checkpoint import generator_of, load_generator, read_checkpoint
from farfill.errors import one_line_errors
from farfill.export.parity import photograph
from farfill.files import expanded
from farfill.generator.tensorflow import (
    is_tensorflow,
    load_tensorflow_generator,
    read_variables,
    swap_red_and_blue,
)
from farfill.generator.two_stage import Generator
from farfill.weights.file import write_weights
from farfill.weights.publish import configuration

_HELP = """\
Write a generator's weights alone: safetensors, in half precision, with its configuration inside.

  farfill-convert runs/.../checkpoints/best.ckpt -o mine.safetensors
  farfill-convert snap-0 -o authors.safetensors         the authors' checkpoint of TensorFlow
  farfill-convert variables.npz -o authors.safetensors  its variables by numpy.savez

The authors' weights expect blue first; what is written expects red first, as all else here does.
"""
_PICTURE = "astronaut"  # one of the embedded photographs ...
_SIDE = 256  # ... of which so many pixels are completed before and after


@one_line_errors
def main(arguments: list[str] | None = None) -> None:
    """Entry point of ``farfill-convert``; exit status 2 on bad input."""
    parser = argparse.ArgumentParser(
        prog="farfill-convert",
        description=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", help="a checkpoint, weights by any name, or the authors'")
    parser.add_argument("-o", "--output", required=True, help="a new .safetensors file")
    parser.add_argument("--version", action="version", version=f"farfill {__version__}")
    given = parser.parse_args(arguments)
    print(convert(given.source, expanded(given.output)))


def convert(source: str, output: Path) -> str:
    """Write the weights of ``source`` to ``output``.

    Returns:
        What was written, and how far it completes a photograph otherwise than ``source`` does.

    Raises:
        ValueError: ``source`` cannot be used, or ``output`` is there or has another extension;
            nothing was written.
    """
    if output.suffix != ".safetensors":
        raise ValueError(f"expected -o to name a .safetensors file, got {output}")
    if output.exists():
        raise ValueError(f"{output} exists already: name another, or remove it")
    image, hole = photograph(_PICTURE, _SIDE, _SIDE)
    if is_tensorflow(path := expanded(source)):
        arrays = read_variables(path)
        width = arrays.get("inpaint_net/conv1/bias", np.zeros(32)).size
        authors = load_tensorflow_generator(Generator(width), arrays)
        before = _complete(authors, image.flip(1), hole).flip(2)
        generator: nn.Module = swap_red_and_blue(authors)
        config = configuration(generator)
    else:
        checkpoint = read_checkpoint(source)
        generator, config = generator_of(checkpoint, source), checkpoint["farfill"]["generator"]
        before = _complete(generator, image, hole)
    weights = generator.state_dict()
    write_weights(output, config, weights)
    after = _complete(load_generator(output), image, hole)
    coarse, refined = (after - before).abs().flatten(1).amax(1).tolist()
    packed, numbers = output.read_bytes(), sum(value.numel() for value in weights.values())
    return (
        f"{output}: {numbers:,} numbers, {len(packed) / 1e6:.1f} MB, sha256 "
        f"{sha256(packed).hexdigest()}\n"
        f"Parity with {source} on {_PICTURE}, {_SIDE} x {_SIDE} with a hole of half its sides: "
        f"coarse within {coarse:.1e}, refined within {refined:.1e}, of a range of 2"
    )


@torch.no_grad()
def _complete(generator: nn.Module, image: Tensor, hole: Tensor) -> Tensor:
    """The coarse and the refined picture: ``(2, 1, 3, 256, 256)``."""
    completion = generator(image * (1 - hole), hole)
    return torch.stack([completion.coarse, completion.refined])
