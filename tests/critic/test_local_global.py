"""Both critics."""

import pytest
import torch

from farfill.critic.joint import Joint
from farfill.critic.local_global import LocalGlobal
from helpers.authors_graph import load_critics, read_batch
from helpers.vectors import Vectors


def test_has_the_authors_number_of_parameters():
    """Trap 12: the local critic's fourth layer has 8 times the first one's channels."""
    critics = LocalGlobal(64, image_size=256, patch_size=128).critics
    count = {name: sum(p.numel() for p in net.parameters()) for name, net in critics.items()}
    assert count == {"local": 4_339_329, "global": 2_733_441}
    assert critics["local"][6].out_channels == 512


@torch.no_grad()
def test_scores_equal_the_authors(dtype):
    vectors = Vectors("losses_64x64", dtype)
    critics = LocalGlobal(8, image_size=64, patch_size=32).to(dtype)
    load_critics(critics, vectors)
    batch = read_batch(vectors)
    scores = critics(critics.views(batch.image, batch.box))
    for name, score in scores.items():
        torch.testing.assert_close(score, vectors.tensor(f"pos_{name}"), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", [LocalGlobal, Joint])
def test_the_local_view_is_each_samples_own_box(kind):
    image = torch.rand(2, 3, 16, 20)
    box = torch.tensor([[1, 2, 8, 8], [8, 12, 8, 8]])
    views = kind(2, image_size=16, patch_size=8).views(image, box)
    assert torch.equal(views["local"][0], image[0, :, 1:9, 2:10])
    assert torch.equal(views["local"][1], image[1, :, 8:16, 12:20])
    assert views["global"] is image


@pytest.mark.parametrize("kind", [LocalGlobal, Joint])
def test_no_score_depends_on_another_sample(kind):
    """No normalisation over the batch."""
    critics = kind(4, image_size=16, patch_size=8)
    views = {"local": torch.rand(3, 3, 8, 8), "global": torch.rand(3, 3, 16, 16)}
    alone = critics({name: view[1:2] for name, view in views.items()})
    for name, score in critics(views).items():
        torch.testing.assert_close(score[1:2], alone[name])
