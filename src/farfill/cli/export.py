"""``farfill-export``: a trained network as one file for other runtimes."""

import argparse
import sys
from hashlib import sha256
from pathlib import Path

from farfill import __version__
from farfill.cli.inpaint import named_weights
from farfill.errors import one_line_errors
from farfill.files import expanded

_HELP = """\
Write a network as one file of ONNX, which fills holes without PyTorch: both stages, the attention
and the paste, for pictures of any size that is a multiple of 8 (of 4 times the attention's rate).

  farfill-export -o farfill.onnx --weights mine.safetensors
  farfill-export -o farfill.onnx --weights hf://user/model --openvino --half

It takes about a minute, and compares the file with PyTorch on three photographs before it is left.
"""


@one_line_errors
def main(arguments: list[str] | None = None) -> None:
    """Entry point of ``farfill-export``; exit status 2 on bad input."""
    parser = argparse.ArgumentParser(
        prog="farfill-export",
        description=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-o", "--output", required=True, help="a new .onnx file")
    parser.add_argument(
        "--weights", "--ckpt", help="a checkpoint, or weights by any name, as of farfill-inpaint"
    )
    parser.add_argument(
        "--openvino", action="store_true", help="write .xml and .bin of OpenVINO beside it, too"
    )
    parser.add_argument(
        "--half", action="store_true", help="keep the weights in float16: half the size"
    )
    parser.add_argument("--licence", help="of the weights, for the file's metadata")
    parser.add_argument("--version", action="version", version=f"farfill {__version__}")
    given = parser.parse_args(arguments)
    export_to(expanded(given.output), given.weights, given.licence, given.half, given.openvino)


def export_to(
    output: Path, weights: str | None, licence: str | None, half: bool, openvino: bool
) -> None:
    """Write what is asked for, and print its size and parity; errors as of ``export``."""
    from farfill.export.file import export
    from farfill.inpainting.inpainter import pretrained
    from farfill.weights.find import find_weights, shipped

    if output.suffix != ".onnx":
        raise ValueError(f"expected -o to name a .onnx file, got {output}")
    for suffix in (".onnx", *[".xml", ".bin"] * openvino):
        if (file := output.with_suffix(suffix)).exists():
            raise ValueError(f"{file} exists already: name another, or remove it")
    known = shipped()
    name = named_weights(weights) or next(iter(known), None)
    generator = pretrained(name)
    assert name is not None
    about = {
        "weights": name if name in known or name.startswith("hf:") else Path(name).name,
        "weights_sha256": sha256(find_weights(name).read_bytes()).hexdigest(),
        "licence": licence or (known[name].licence if name in known else "not stated"),
    }
    print("Exporting takes about a minute ...", file=sys.stderr)
    for line in export(generator, output, about, half, openvino):
        print(line)
