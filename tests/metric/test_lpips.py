"""The perceptual distance against torchmetrics', with any network's features."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.functional import avg_pool2d, cosine_similarity

from farfill.backbone.frozen import Frozen
from farfill.backbone.vgg16 import VGG16
from farfill.metric.lpips import LPIPS, VGG16_LAYERS
from farfill.types import Batch

#: torchvision as far as torchmetrics asks for it: a VGG16 whose weights are our file's.
TORCHVISION = {
    "__init__.py": "from . import models, transforms",
    "transforms.py": "",
    "models.py": """
from types import SimpleNamespace
import torch
from torch import nn
resnet50 = None
VGG16_Weights = SimpleNamespace(DEFAULT=None)
def vgg16(weights):
    layers, channels = [], 3
    for width in (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0):
        if width:
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width
        else:
            layers.append(nn.MaxPool2d(2))
    features = nn.Sequential(*layers)
    state = torch.load("vgg16.pth", weights_only=True)
    features.load_state_dict({key.removeprefix("features."): x for key, x in state.items()})
    return SimpleNamespace(features=features)
""",
}
THEIRS = """
import torch
from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity
lpips = LearnedPerceptualImagePatchSimilarity("vgg", reduction="none")
torch.save(lpips(*torch.load("pictures.pt", weights_only=True)), "theirs.pt")
"""


class OneLayer(Frozen):
    name = "one"

    def __init__(self, convolution):
        super().__init__({"convolution": convolution}, ["convolution"], [0.0], [1.0])


def batch_of(image):
    everything = torch.ones_like(image[:, :1])
    return Batch(
        image, everything, everything, torch.zeros(len(image), 4), torch.arange(len(image))
    )


@pytest.fixture
def vgg_file(tmp_path):
    """Random weights under torchvision's names."""
    state, position, channels = {}, 0, 3
    for width in (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0):
        if width:
            state[f"features.{position}.weight"] = (
                torch.randn(width, channels, 3, 3) * (2 / 9 / channels) ** 0.5
            )
            state[f"features.{position}.bias"] = torch.randn(width) / 10
            position, channels = position + 2, width
        else:
            position += 1
    torch.save(state, tmp_path / "vgg16.pth")
    return tmp_path / "vgg16.pth"


def test_with_vgg16_it_is_torchmetrics_own(vgg_file, tmp_path):
    """Their class builds torchvision's network, which the process gets from a stand-in."""
    package = tmp_path / "torchvision"
    package.mkdir()
    for name, text in TORCHVISION.items():
        (package / name).write_text(text)
    information = tmp_path / "torchvision-0.99.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: torchvision\nVersion: 0.99\n"
    )
    ours, true = torch.rand(2, 3, 3, 48, 32) * 2 - 1
    torch.save([ours, true], tmp_path / "pictures.pt")
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    subprocess.run([sys.executable, "-c", THEIRS], cwd=tmp_path, env=environment, check=True)
    theirs = torch.load(tmp_path / "theirs.pt", weights_only=True)
    distance = LPIPS(VGG16(VGG16_LAYERS, str(vgg_file)))
    assert distance.name == "lpips_vgg16"
    torch.testing.assert_close(distance.describe(ours, batch_of(true)), theirs)
    assert theirs.std() > 1e-3


def test_torchmetrics_takes_no_network_and_no_file_of_ours():
    """Why the class is our own; a version that takes them makes it superfluous."""
    from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

    network = nn.Conv2d(3, 4, 1)
    with pytest.raises((ModuleNotFoundError, ValueError), match=r"torchvision|net_type"):
        LearnedPerceptualImagePatchSimilarity(net_type=network)


def test_without_learned_weights_it_is_the_cosine_distance():
    """Of vectors with the norm 1, the squared distance is 2 - 2 cosine (their section 3)."""
    convolution = nn.Conv2d(3, 6, 3)
    ours, true = torch.rand(2, 2, 3, 8, 9) * 2 - 1
    got = LPIPS(OneLayer(convolution)).describe(ours, batch_of(true))
    with torch.no_grad():
        features = [convolution((x + 1) / 2) for x in (ours, true)]
    expected = (2 - 2 * cosine_similarity(*features)).mean((1, 2))
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-6)


def test_a_picture_is_at_0_from_itself_and_farther_the_more_it_is_blurred():
    from farfill.backbone.efficientnet_lite0 import EfficientNetLite0

    pytest.importorskip("efficientnet_lite_pytorch", reason="the extra `perceptual` is missing")
    lpips = LPIPS(EfficientNetLite0(["stem", "block2", "block4"]))
    assert lpips.name == "lpips_efficientnet_lite0"
    image = torch.rand(2, 3, 64, 64).repeat_interleave(2, -1) * 2 - 1
    batch = batch_of(image)
    torch.testing.assert_close(lpips.describe(image, batch), torch.zeros(2))
    near, far = (lpips.describe(avg_pool2d(image, side, 1, side // 2), batch) for side in (3, 9))
    assert (near > 0.01).all()
    assert (near < far).all()


def test_learned_weights_belong_to_their_layers(vgg_file):
    with pytest.raises(ValueError, match=r"relu1_2, .* got pool1, pool2$"):
        LPIPS(VGG16(["pool1", "pool2"], str(Path(vgg_file))))
