"""Run a generator's convolutions in another runtime; the attention stays in PyTorch."""

import logging
import warnings
from collections import OrderedDict
from collections.abc import Callable
from importlib import import_module
from types import ModuleType

import torch
from torch import Tensor, nn

from farfill.generator.two_stage import Generator, with_planes
from farfill.op.runtime import full_precision
from farfill.op.spatial import resize_nearest
from farfill.types import Completion

KEPT = 4  # sizes of pictures
Run = Callable[..., tuple[Tensor, ...]]
Translate = Callable[[nn.Module, tuple[Tensor, ...]], Run]  # with inputs to run it for


class SplitGenerator:
    """A two-stage generator in two pieces, before and after its attention (else ``ValueError``).

    They are translated once for each size of picture, which takes some seconds; the last few sizes
    are kept.
    """

    def __init__(self, generator: nn.Module, translate: Translate) -> None:
        if type(generator) is not Generator or generator.refinement.attention is None:
            raise ValueError(
                "another backend runs the two-stage generator with an attention only; "
                "say backend=torch"
            )
        self.attention = generator.refinement.attention
        self.parts = _Before(generator), _After(generator)
        self.translate = translate
        self.translated: OrderedDict[torch.Size, tuple[Run, Run]] = OrderedDict()

    def __call__(self, masked_image: Tensor, hole: Tensor) -> Completion:
        """Do as the generator; see :meth:`farfill.Generator.forward`."""
        if masked_image.shape not in self.translated:
            with full_precision(masked_image):  # that of the other runtime is its own
                _, features, borrowing = self.parts[0](masked_image, hole)
                self.translated[masked_image.shape] = (
                    self.translate(self.parts[0], (masked_image, hole)),
                    self.translate(self.parts[1], (features, borrowing)),
                )
        self.translated.move_to_end(masked_image.shape)
        if len(self.translated) > KEPT:  # each holds the weights once more
            self.translated.popitem(last=False)
        before, after = self.translated[masked_image.shape]
        coarse, features, borrowing = before(masked_image, hole)
        hole = resize_nearest(hole, *borrowing.shape[-2:])
        result = self.attention(borrowing, borrowing, hole)
        (refined,) = after(features, result.features.float())
        return Completion(coarse, refined, result.offsets)


class _Before(nn.Module):
    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, masked_image: Tensor, hole: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        coarse = self.generator.coarse(with_planes(masked_image, hole))
        pasted = with_planes(coarse * hole + masked_image * (1 - hole), hole)
        stage = self.generator.refinement
        return coarse, stage.dilated_branch(pasted), stage.attention_encoder(pasted)


class _After(nn.Module):
    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.stage = generator.refinement

    def forward(self, features: Tensor, borrowed: Tensor) -> Tensor:
        decoded = self.stage.attention_decoder(borrowed)
        return self.stage.decoder(torch.cat([features, decoded], dim=1))


def openvino(precision: str) -> Translate:
    """Translate for OpenVINO on a processor, in ``float32`` or ``bf16``, if it is installed."""
    library = _library("openvino", "openvino")
    options = {
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "PERFORMANCE_HINT": "LATENCY",
    }
    core = library.Core()

    def translate(module: nn.Module, example: tuple[Tensor, ...]) -> Run:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # sizes are constants here: that is meant
            model = library.convert_model(module, example_input=example)
        for port, tensor in zip(model.inputs, example, strict=True):
            port.get_node().set_partial_shape(library.PartialShape(list(tensor.shape)))
        model.validate_nodes_and_infer_types()
        compiled = core.compile_model(model, "CPU", options)

        def run(*inputs: Tensor) -> tuple[Tensor, ...]:
            results = compiled(tuple(x.contiguous().numpy() for x in inputs))
            return tuple(torch.from_numpy(x.copy()) for x in results.values())

        return run

    return translate


def onnx(precision: str) -> Translate:
    """Translate for ONNX Runtime on a processor, in ``float32`` only, if it is installed."""
    if precision != "float32":
        raise ValueError(f"backend=onnx computes in float32 only, not precision={precision}")
    library = _library("onnxruntime", "onnx")
    _library("onnxscript", "onnx")
    options = library.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()

    def translate(module: nn.Module, example: tuple[Tensor, ...]) -> Run:
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(module.eval(), example, dynamo=True, verbose=False)
        assert program is not None
        content = program.model_proto.SerializeToString()
        session = library.InferenceSession(content, options, ["CPUExecutionProvider"])
        names = [port.name for port in session.get_inputs()]

        def run(*inputs: Tensor) -> tuple[Tensor, ...]:
            arrays = (x.contiguous().numpy() for x in inputs)
            results = session.run(None, dict(zip(names, arrays, strict=True)))
            return tuple(map(torch.from_numpy, results))

        return run

    return translate


def _library(name: str, extra: str) -> ModuleType:
    try:
        return import_module(name)
    except ImportError as error:
        raise ValueError(
            f"backend={extra} needs {name}: pip install 'farfill[{extra}]', or say backend=torch"
        ) from error


#: Backends besides PyTorch itself: how to translate for a precision.
BACKENDS: dict[str, Callable[[str], Translate]] = {"openvino": openvino, "onnx": onnx}
