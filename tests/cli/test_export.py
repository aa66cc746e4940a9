"""A network as one file that other runtimes execute, by the command."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from markdown_it import MarkdownIt

from farfill import Generator, load_generator
from farfill.cli.export import main
from farfill.export import file, parity
from farfill.types import Completion
from helpers.command import called
from helpers.tiny import tiny_checkpoint
from helpers.weights import ship, tiny_weights

PAGE = Path(__file__).parents[2] / "docs" / "export.md"
NEEDED = ("onnx", "onnxruntime", "onnxscript")


@pytest.fixture
def export(tmp_path, monkeypatch, capfd):
    """Run the command in an empty folder: exit status, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    return partial(called, main, capfd)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A folder with ``farfill.onnx``, and that of OpenVINO if it is installed."""
    for library in NEEDED:
        pytest.importorskip(library, reason=f"{library} is an optional extra")
    folder = tmp_path_factory.mktemp("exported")
    torch.manual_seed(0)
    tiny_weights(folder / "mine.safetensors", Generator(8))
    arguments = ["-o", folder / "farfill.onnx", "--weights", folder / "mine.safetensors", "--half"]
    try:
        import openvino  # noqa: F401
    except ImportError:
        pass
    else:
        arguments.append("--openvino")
    main([str(argument) for argument in arguments])
    return folder


def pictures(folder):
    """Leave a picture and its hole in a folder; what PyTorch fills, and the hole."""
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (72, 40, 3), dtype=np.uint8)
    hole = np.zeros((72, 40), bool)
    hole[20:50, 8:30] = True
    np.savez(folder / "in.npz", picture=picture, hole=hole)
    image = torch.from_numpy((picture / 127.5 - 1).astype(np.float32)).permute(2, 0, 1)[None]
    mask = torch.from_numpy(hole).float()[None, None]
    with torch.no_grad():
        completion: Completion = load_generator(folder / "mine.safetensors")(
            image * (1 - mask), mask
        )
    completed = completion.completed(image, mask)[0].permute(1, 2, 0).numpy()
    return ((completed + 1) * 127.5).round().astype(np.uint8), picture, hole


@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_an_exported_file_fills_as_pytorch_does_without_it(exported, runtime):
    pytest.importorskip(runtime, reason=f"{runtime} is an optional extra")
    blocks = [
        token.content
        for token in MarkdownIt("commonmark").parse(PAGE.read_text(encoding="utf-8"))
        if token.info == "python" and f"import {runtime}" in token.content
    ]
    assert len(blocks) == 1  # the example that a reader copies is what runs here
    before = (
        "import numpy, sys\n"
        "given = numpy.load('in.npz')\n"
        "picture, hole = given['picture'], given['hole']\n"
    )
    after = (
        "assert not {'torch', 'farfill'} & set(sys.modules)\n"
        "numpy.save('out.npy', filled)\n"
        "print(len(sys.modules))"
    )
    expected, picture, hole = pictures(exported)
    code = before + blocks[0] + after
    subprocess.run([sys.executable, "-c", code], cwd=exported, check=True)
    found = np.load(exported / "out.npy")
    assert np.array_equal(found[~hole], picture[~hole])
    assert np.abs(found.astype(int) - expected).max() <= 1  # where a level is rounded
    assert (found != expected).mean() < 0.01


@pytest.mark.slow
def test_several_pictures_go_at_once_and_the_file_says_what_it_is(exported):
    import onnxruntime

    session = onnxruntime.InferenceSession(exported / "farfill.onnx")
    rng = np.random.default_rng(0)
    image = rng.uniform(-1, 1, (3, 3, 16, 64)).astype(np.float32)
    mask = (rng.random((3, 1, 16, 64)) > 0.7).astype(np.float32)
    together = session.run(None, {"image": image, "mask": mask})[0]
    alone = session.run(None, {"image": image[2:], "mask": mask[2:]})[0]
    np.testing.assert_allclose(together[2:], alone, atol=1e-5)
    said = session.get_modelmeta().custom_metadata_map
    assert said["weights"] == "mine.safetensors"
    assert said["licence"] == "not stated"
    assert said["multiple"] == "8"
    assert set(said) >= {"farfill", "image", "mask", "completed", "weights_sha256"}


@pytest.mark.slow
def test_the_file_is_small_and_has_standard_operators_and_no_path(exported):
    import onnx

    path = exported / "farfill.onnx"
    numbers = sum(value.numel() for value in Generator(8).state_dict().values())
    assert path.stat().st_size < 2 * numbers + 120_000  # two bytes each, and the graph
    model = onnx.load(path)
    assert [opset.domain for opset in model.opset_import] == [""]
    assert str(Path(file.__file__).parent).encode() not in path.read_bytes()


@pytest.mark.slow
def test_a_file_that_is_off_is_not_left(exported, tmp_path, monkeypatch):
    import onnx

    model = onnx.load(exported / "farfill.onnx")
    monkeypatch.setattr(file, "_translate", lambda network, half: model)
    monkeypatch.setattr(parity, "MOST", 0.0)
    generator = load_generator(exported / "mine.safetensors")
    with pytest.raises(ValueError, match="off what PyTorch computes"):
        [*file.export(generator, tmp_path / "a.onnx", {})]
    assert not [*tmp_path.iterdir()]


def test_shipped_weights_are_taken_with_their_licence(export, tmp_path, monkeypatch):
    ship(tiny_weights(tmp_path / "a.safetensors"), "garden-64", monkeypatch)
    told = {}

    def fake(generator, path, about, half, openvino):
        told.update(about)
        return ["done"]

    monkeypatch.setattr(file, "export", fake)
    assert export("-o", "a.onnx")[:2] == (0, "done\n")
    assert (told["weights"], told["licence"]) == ("garden-64", "CC0-1.0")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "a.pt"], "expected -o to name a .onnx file, got a.pt"),
        (["-o", "there.onnx"], "there.onnx exists already: name another, or remove it"),
        (["-o", "half.onnx", "--openvino"], "half.bin exists already"),
        (["-o", "a.onnx", "--weights", "gone"], "gone is none of these: a checkpoint"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_leaves_nothing(export, arguments, message):
    for name in ("there.onnx", "half.bin"):
        Path(name).touch()
    status, _, err = export(*arguments)
    assert status == 2
    assert message in err
    assert sorted(path.name for path in Path().iterdir()) == ["half.bin", "there.onnx"]


def test_a_missing_library_is_named(export, monkeypatch):
    torch.save(tiny_checkpoint(), "best.ckpt")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    status, _, err = export("-o", "a.onnx", "--weights", "best.ckpt")
    assert status == 2
    assert "the export needs onnxruntime: pip install 'farfill[export]'" in err
