"""Write a generator as a file of ONNX, and as one of OpenVINO."""

import logging
import warnings
from collections.abc import Iterator, Mapping
from copy import deepcopy
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import nn

from farfill import __version__
from farfill.export.network import Network
from farfill.export.parity import Run, compare
from farfill.files import atomic

#: Operators as of this version of ONNX, which ONNX Runtime has in browsers, too.
OPSET = 18
#: Smaller constants are not worth a cast.
_LEAST = 256


def export(
    generator: nn.Module,
    path: Path,
    about: Mapping[str, str],
    half: bool = False,
    openvino: bool = False,
) -> Iterator[str]:
    """Write ``path``, with ``openvino`` also ``.xml`` and ``.bin`` of that name.

    A file takes its name only after it has completed photographs as PyTorch does.

    Args:
        generator: In evaluation mode, as of :func:`farfill.load_generator`.
        path: A new ``.onnx`` file.
        about: What the file says of itself, besides of its inputs.
        half: Keep weights in float16, in half the space. They are rounded; all computations
            stay in float32.
        openvino: See above.

    Yields:
        A sentence for each file and photograph.

    Raises:
        ValueError: A library is not installed, a part of the generator cannot be exported, or the
            file does not do what PyTorch does, in which case it is not left.
    """
    for library in ("onnxruntime", "onnxscript", *["openvino"] * openvino):
        _library(library)
    if half:
        generator = deepcopy(generator).half().float()
    network = Network(generator)
    model = _translate(network, half)
    said = {**about, **_said(network.multiple)}
    _library("onnx").helper.set_model_props(model, said)
    with atomic(path) as part:
        part.write_bytes(model.SerializeToString())
        compared = [*compare(generator, _onnxruntime(part), network.multiple, path)]
    yield from (_size(path), *compared)
    if openvino:
        yield from _write_openvino(path, generator, network.multiple, said, half)


def _translate(network: Network, half: bool) -> Any:
    count, height, width = (torch.export.Dim(name, max=2**14) for name in ("n", "h", "w"))
    sides = {0: count, 2: network.multiple * height, 3: network.multiple * width}
    image = torch.rand(2, 3, 3 * network.multiple, 4 * network.multiple)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                network,
                (image, (image[:, :1] > 0).float()),
                input_names=["image", "mask"],
                output_names=["completed"],
                dynamic_shapes=(sides, sides),
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
    except Exception as error:  # what cannot be exported fails in nearly any way
        kind = type(getattr(network.generator, "attention", network.generator)).__name__
        raise ValueError(
            f"this network with {kind} cannot be exported: "
            f"{str(error.__cause__ or error).partition(chr(10))[0]}"
        ) from error
    assert program is not None
    model = program.model_proto
    model.producer_name, model.producer_version = "Farfill", __version__
    del model.graph.value_info[:], model.graph.metadata_props[:], model.metadata_props[:]
    for each in (*model.graph.node, *model.graph.input, *model.graph.initializer):
        del each.metadata_props[:]  # where in whose folders a line of code lies
    if half:
        _halve(model.graph)
    _library("onnx").checker.check_model(model)
    return model


def _halve(graph: Any) -> None:
    """Keep large weights in float16, and cast them when they are used."""
    onnx = _library("onnx")
    single, casts = onnx.TensorProto.FLOAT, []
    for weight in graph.initializer:
        if weight.data_type != single or len(weight.raw_data) < 4 * _LEAST:
            continue
        name, packed = weight.name, f"{weight.name}.half"
        values = onnx.numpy_helper.to_array(weight).astype("float16")
        weight.CopyFrom(onnx.numpy_helper.from_array(values, packed))
        casts.append(onnx.helper.make_node("Cast", [packed], [name], to=single))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def _said(multiple: int) -> dict[str, str]:
    return {
        "farfill": __version__,
        "image": "N 3 H W float32, red first, -1 black to 1 white; the hole may hold anything",
        "mask": "N 1 H W float32, above 0 is the hole",
        "completed": "N 3 H W float32, as image; known pixels are those of image",
        "multiple": str(multiple),
    }


def _onnxruntime(path: Path) -> Run:
    library = _library("onnxruntime")
    session = library.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda image, mask: session.run(None, {"image": image, "mask": mask})[0]


def _write_openvino(
    path: Path, generator: nn.Module, multiple: int, said: Mapping[str, str], half: bool
) -> Iterator[str]:
    library = _library("openvino")
    model = library.convert_model(path)
    for key, value in said.items():
        model.set_rt_info(value, [key])
    xml, weights = path.with_suffix(".xml"), path.with_suffix(".bin")
    with atomic(xml) as part:
        library.save_model(model, part, compress_to_fp16=half)
        options = {"INFERENCE_PRECISION_HINT": "f32"}  # else bfloat16 where the processor has it
        compiled = library.Core().compile_model(part, "CPU", options)
        compared = [*compare(generator, lambda *inputs: compiled(inputs)[0], multiple, xml)]
        with atomic(weights) as other:  # first: where there is an .xml, both are whole
            part.with_suffix(".bin").replace(other)
    yield from (f"{_size(xml)}, {_size(weights)}", *compared)


def _size(path: Path) -> str:
    return f"{path}: {path.stat().st_size / 1e6:.1f} MB"


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise ValueError(f"the export needs {name}: pip install 'farfill[export]'") from error
