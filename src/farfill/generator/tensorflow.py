"""Carry weights over from the authors' TensorFlow variables."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from farfill.generator.two_stage import Generator
from farfill.layer.convolution import SameConv2d

#: What is added to a TensorFlow checkpoint's name to name its files.
_ENDS = re.compile(r"\.(index|meta|data-\d+-of-\d+)$")
#: A variable of the generator; its critics and an optimizer's copies have other names.
_VARIABLE = re.compile(r"(inpaint_net/[\w/]+/(?:kernel|bias))(?::0)?", re.ASCII)
_ENCODER = "{0}1 {0}2_downsample {0}3 {0}4_downsample {0}5 {0}6 "
_ATROUS = "{0}7_atrous {0}8_atrous {0}9_atrous {0}10_atrous "
_DECODER = (
    "{0}11 {0}12 {0}13_upsample/{0}13_upsample_conv {0}14 "
    "{0}15_upsample/{0}15_upsample_conv {0}16 {0}17"
)
#: Layer names of the authors' graph, in the order in which our modules hold their convolutions.
_LAYERS = {
    "coarse": (_ENCODER + _ATROUS + _DECODER).format("conv").split(),
    "refinement.dilated_branch": (_ENCODER + _ATROUS).format("xconv").split(),
    "refinement.attention_encoder": _ENCODER.format("pmconv").split(),
    "refinement.attention_decoder": ["pmconv9", "pmconv10"],
    "refinement.decoder": _DECODER.format("allconv").split(),
}


def is_tensorflow(path: Path) -> bool:
    """Whether these are the authors' variables: an .npz, a TensorFlow checkpoint, its folder."""
    index = Path(f"{_ENDS.sub('', str(path))}.index")
    return path.suffix == ".npz" or index.is_file() or (path / "checkpoint").is_file()


def read_variables(path: Path) -> dict[str, np.ndarray]:
    """Read the generator's variables, as :func:`load_tensorflow_generator` takes them.

    Args:
        path: An ``.npz`` with one array for each variable; or a checkpoint of TensorFlow: its
            name without or with an end such as ``.index``, or its folder.

    Raises:
        ValueError: It is damaged, has no such variables, or TensorFlow is needed but not installed.
    """
    try:
        if path.suffix == ".npz":
            with np.load(path) as arrays:
                found = {name: arrays[name] for name in arrays.files if _VARIABLE.fullmatch(name)}
        else:
            os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
            from tensorflow.train import load_checkpoint

            reader = load_checkpoint(_ENDS.sub("", str(path)))
            names = reader.get_variable_to_shape_map()
            found = {name: reader.get_tensor(name) for name in names if _VARIABLE.fullmatch(name)}
    except ImportError as error:
        raise ValueError(
            f"{path} needs TensorFlow to be read: pip install 'farfill[tensorflow]', or save its "
            "variables by name with numpy.savez elsewhere"
        ) from error
    except PermissionError:
        raise
    except Exception as error:  # damaged bytes end in nearly any kind of error
        raise ValueError(f"{path} is damaged, or has no variables: get it again") from error
    if not found:
        raise ValueError(
            f"{path} has no variables inpaint_net/<layer>/kernel: it is not the authors' generator"
        )
    for name, value in found.items():
        if value.dtype.kind != "f":
            raise ValueError(f"the variable {name} in {path} is of {value.dtype}, not of float32")
    return {name.removesuffix(":0"): value for name, value in found.items()}


def load_tensorflow_generator(generator: Generator, arrays: Mapping[str, np.ndarray]) -> Generator:
    """Copy the authors' generator variables into ``generator``, in place, and return it.

    The authors trained on BGR pictures; their published weights therefore expect BGR in and give
    BGR out. Call :func:`swap_red_and_blue` afterwards to use them on RGB pictures.

    Args:
        generator: Of the same width.
        arrays: The 84 variables ``inpaint_net/<layer>/kernel`` (height, width, in, out) and
            ``inpaint_net/<layer>/bias``.

    Raises:
        ValueError: If arrays are missing, extra or misshapen; it names them all, and the
            generator is left as it was.
    """
    targets = variables(generator)
    problems = [f"missing {name}" for name in targets.keys() - arrays.keys()]
    problems += [f"extra {name}" for name in arrays.keys() - targets.keys()]
    for name in targets.keys() & arrays.keys():
        expected, got = tuple(targets[name].shape), tuple(np.shape(arrays[name]))
        if len(expected) == 4:
            expected = (*expected[2:], expected[1], expected[0])
        if expected != got:
            problems.append(f"misshapen {name}: expected {expected}, got {got}")
    if problems:
        raise ValueError("the arrays do not fit this generator: " + "; ".join(sorted(problems)))
    with torch.no_grad():
        for name, parameter in targets.items():
            value = torch.as_tensor(np.asarray(arrays[name]))
            parameter.copy_(value.permute(3, 2, 0, 1) if value.ndim == 4 else value)
    return generator


def swap_red_and_blue(generator: Generator) -> Generator:
    """Turn a generator for BGR pictures into one for RGB pictures, in place, exactly."""
    parts = _parts(generator)
    first = ("coarse", "refinement.dilated_branch", "refinement.attention_encoder")
    last = ("coarse", "refinement.decoder")
    with torch.no_grad():
        for convolution in (parts[path][0] for path in first if path in parts):
            convolution.weight[:, :3] = convolution.weight[:, :3].flip(1)
        for parameter in (p for path in last for p in parts[path][-1].parameters()):
            parameter.copy_(parameter.flip(0))
    return generator


def variables(generator: Generator) -> dict[str, Tensor]:
    """The generator's parameters by the names of the authors' variables."""
    targets: dict[str, Tensor] = {}
    for path, layers in _parts(generator).items():
        for name, layer in zip(_LAYERS[path], layers, strict=True):
            assert layer.bias is not None
            targets[f"inpaint_net/{name}/kernel"] = layer.weight
            targets[f"inpaint_net/{name}/bias"] = layer.bias
    return targets


def _parts(generator: Generator) -> dict[str, list[SameConv2d]]:
    """Convolutions by part, in order; without attention two parts are not there."""
    modules = dict(generator.named_modules())
    return {
        path: [layer for layer in modules[path].modules() if isinstance(layer, SameConv2d)]
        for path in _LAYERS
        if path in modules
    }
