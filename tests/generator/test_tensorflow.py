"""Weights of the authors' graph carry over whole, or not at all."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from farfill import Generator, load_tensorflow_generator, swap_red_and_blue
from farfill.generator.tensorflow import is_tensorflow, read_variables
from helpers.vectors import Vectors


@pytest.fixture
def arrays():
    return dict(Vectors("generator_cnum8_weights").arrays)


def test_names_every_problem_at_once_and_changes_nothing(arrays):
    generator = Generator(channels=8)
    before = {k: v.clone() for k, v in generator.state_dict().items()}
    del arrays["inpaint_net/conv1/bias"], arrays["inpaint_net/pmconv9/kernel"]
    arrays["inpaint_net/conv99/kernel"] = np.zeros(1)
    arrays["inpaint_net/xconv3/kernel"] = np.zeros((3, 3, 1, 1))
    with pytest.raises(ValueError, match="do not fit") as error:
        load_tensorflow_generator(generator, arrays)
    for part in (
        "missing inpaint_net/conv1/bias",
        "missing inpaint_net/pmconv9/kernel",
        "extra inpaint_net/conv99/kernel",
        "misshapen inpaint_net/xconv3/kernel: expected (3, 3, 8, 16), got (3, 3, 1, 1)",
    ):
        assert part in str(error.value)
    assert all(torch.equal(before[k], v) for k, v in generator.state_dict().items())


def test_refuses_weights_of_another_width(arrays):
    with pytest.raises(ValueError, match="misshapen"):
        load_tensorflow_generator(Generator(channels=16), arrays)


@torch.no_grad()
def test_swapping_red_and_blue_mirrors_the_network(arrays):
    """Trap 16: the authors' weights expect BGR."""
    vectors = Vectors("generator_cnum8_64x64", torch.float64)
    bgr = load_tensorflow_generator(Generator(channels=8), arrays).double()
    image, hole = vectors.image("x"), vectors.image("mask")
    expected = bgr(image, hole)
    got = swap_red_and_blue(bgr)(image.flip(1), hole)
    assert not torch.allclose(got.refined, expected.refined)
    torch.testing.assert_close(got.coarse.flip(1), expected.coarse)
    torch.testing.assert_close(got.refined.flip(1), expected.refined)


def refused(path, words):
    with pytest.raises(ValueError, match=words) as error:
        read_variables(path)
    assert "\n" not in str(error.value)


def like(arrays, found):
    assert found.keys() == arrays.keys()
    assert all(np.array_equal(found[name], arrays[name]) for name in arrays)


#: What else the authors' checkpoint has.
OTHERS = {
    "inpaint_net/conv1/kernel/Adam": np.ones(3, np.float32),
    "discriminator/discriminator_local/conv1/kernel": np.ones(3, np.float32),
    "global_step": np.array(7),
}


def test_variables_are_read_from_an_npz_and_others_left_out(arrays, tmp_path):
    named = {f"{name}:0": value for name, value in arrays.items()}  # as TensorFlow prints them
    for number, content in enumerate((arrays, named)):
        path = tmp_path / f"{number}.npz"
        np.savez(path, **content, **OTHERS)
        assert is_tensorflow(path)
        like(arrays, read_variables(path))


@pytest.fixture
def snapshot(arrays, tmp_path, monkeypatch):
    """A checkpoint's files, and something in TensorFlow's place that knows what is in them."""
    everything = arrays | OTHERS
    for end in ("index", "data-00000-of-00001", "meta"):
        (tmp_path / f"snap-0.{end}").touch()
    (tmp_path / "checkpoint").touch()

    def load_checkpoint(path):
        if path not in (str(tmp_path / "snap-0"), str(tmp_path)):
            raise RuntimeError("Unable to open table file")
        shapes = {name: value.shape for name, value in everything.items()}
        return SimpleNamespace(
            get_variable_to_shape_map=lambda: shapes, get_tensor=everything.__getitem__
        )

    train = SimpleNamespace(load_checkpoint=load_checkpoint)
    monkeypatch.setitem(sys.modules, "tensorflow", SimpleNamespace(train=train))
    monkeypatch.setitem(sys.modules, "tensorflow.train", train)
    return tmp_path


@pytest.mark.parametrize("name", ["", "snap-0", "snap-0.index", "snap-0.data-00000-of-00001"])
def test_variables_are_read_from_a_checkpoint_by_any_of_its_names(arrays, snapshot, name):
    assert is_tensorflow(snapshot / name)
    like(arrays, read_variables(snapshot / name))


def test_variables_are_read_by_tensorflow_itself(arrays, tmp_path):
    v1 = pytest.importorskip("tensorflow").compat.v1
    with v1.Graph().as_default(), v1.Session() as session:
        for name, value in (arrays | OTHERS).items():
            v1.get_variable(name, initializer=value)
        session.run(v1.global_variables_initializer())
        v1.train.Saver().save(session, str(tmp_path / "snap"), global_step=0)
    like(arrays, read_variables(tmp_path / "snap-0"))


def test_without_tensorflow_its_extra_and_another_way_are_named(snapshot, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow.train", None)
    words = (
        r"snap-0 needs TensorFlow to be read: pip install 'farfill\[tensorflow\]', .*numpy.savez"
    )
    refused(snapshot / "snap-0", words)


def test_what_holds_no_variables_is_refused(snapshot, tmp_path, arrays):
    refused(tmp_path / "snap-1", "snap-1 is damaged")
    path = tmp_path / "a.npz"
    np.savez(path, **OTHERS)
    refused(path, r"a\.npz has no variables inpaint_net/<layer>/kernel")
    path.write_bytes(b"PK")
    refused(path, r"a\.npz is damaged")
    np.savez(path, **{"inpaint_net/conv1/kernel": np.array([{}])})  # which would run code
    refused(path, r"a\.npz is damaged")
    name = "inpaint_net/conv1/bias"
    np.savez(path, **arrays | {name: arrays[name].astype(int)})
    refused(path, rf"the variable {name} in .*a\.npz is of int64, not of float32")
