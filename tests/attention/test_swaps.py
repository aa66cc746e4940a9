"""Every attention that a configuration can name keeps the one protocol."""

import pytest
import torch
import torch.nn.functional as F
from hydra.utils import instantiate
from omegaconf import OmegaConf

from farfill import Generator
from farfill.attention import similarity
from farfill.attention.appearance_flow import AppearanceFlow
from farfill.attention.identity import Identity
from farfill.attention.none import NoAttention
from farfill.attention.shift import Shift
from farfill.attention.stn import SpatialTransformer, affine_displacement
from farfill.config.paths import conf_dir
from farfill.generator.coarse_only import CoarseOnly
from farfill.generator.two_stage import with_planes
from farfill.types import Batch, Completion
from helpers.holes import box_holes
from helpers.runs import compose_tiny
from helpers.tiny import random_batch, tiny_module

OPTIONS = sorted(file.stem for file in (conf_dir() / "attention").glob("*.yaml"))
LAYERS = [name for name in OPTIONS if name != "none"]


def build(name, channels=2):
    config = OmegaConf.load(conf_dir() / "attention" / f"{name}.yaml")
    root = OmegaConf.create({"channels": channels, "attention": config})
    torch.manual_seed(0)
    layer = instantiate(root.attention)
    for parameter in layer.parameters():  # the learned ones start as the identity
        torch.nn.init.normal_(parameter, std=0.3)
    return layer.double()


def inputs(seed=0, n=3):
    rng = torch.Generator().manual_seed(seed)
    features = torch.randn(n, 8, 8, 12, dtype=torch.float64, generator=rng)
    return features, box_holes(8, 12, *((1 + i, 3, 4, 6) for i in range(n)), dtype=torch.float64)


@pytest.fixture(params=LAYERS)
def layer(request):
    return build(request.param)


def test_features_like_the_foreground_and_whole_offsets_inside_the_map(layer):
    features, hole = inputs()
    result = layer(features, features, hole)
    assert result.features.shape == features.shape
    n, two, h, w = result.offsets.shape
    assert (n, two) == (3, 2)
    assert result.offsets.dtype == torch.int64
    rows = result.offsets[:, 0] + torch.arange(h)[:, None]
    columns = result.offsets[:, 1] + torch.arange(w)
    assert rows.min() >= 0
    assert rows.max() < h
    assert columns.min() >= 0
    assert columns.max() < w


def test_a_batch_equals_its_samples_each_with_its_own_hole(layer):
    features, hole = inputs()
    result = layer(features, features, hole)
    for i in range(3):
        alone = layer(features[i : i + 1], features[i : i + 1], hole[i : i + 1])
        torch.testing.assert_close(alone.features[0], result.features[i])
        assert torch.equal(alone.offsets[0], result.offsets[i])


def test_one_hole_serves_a_batch_and_none_is_no_hole(layer):
    features, hole = inputs()
    shared = layer(features, features, hole[:1])
    repeated = layer(features, features, hole[:1].expand(3, -1, -1, -1))
    torch.testing.assert_close(shared.features, repeated.features)
    assert layer(features, features, None).features.shape == features.shape


def test_gradients_reach_background_and_parameters(layer):
    features, hole = inputs(n=1)
    background = features.clone().requires_grad_()
    layer(features, background, hole).features.square().sum().backward()
    assert background.grad.abs().sum() > 0
    for parameter in layer.parameters():
        assert parameter.grad.abs().sum() > 0


def test_shapes_that_do_not_fit_are_one_sentence(layer):
    features, hole = inputs()
    for wrong in (hole[..., :-1], hole[:2]):
        with pytest.raises(ValueError, match="expected a hole of shape"):
            layer(features, features, wrong)
    for background in (features[:2], features[:, 1:]):
        with pytest.raises(ValueError, match="foreground and background"):
            layer(features, background, hole[:2])


@pytest.mark.parametrize("layer", [AppearanceFlow, SpatialTransformer])
def test_learned_maps_start_as_the_identity_bit_for_bit(layer):
    features = torch.randn(2, 8, 15, 17)
    result = layer(2)(features, features, torch.ones(1, 1, 15, 17))
    assert torch.equal(result.features, features)
    assert not result.offsets.any()


def test_the_identity_borrows_nothing_and_is_where_the_learned_maps_start():
    features, hole = inputs()
    other = features.roll(1, 0)
    result, start = (
        layer(features, other, hole) for layer in (Identity(), AppearanceFlow(2).double())
    )
    assert torch.equal(result.features, other)
    assert torch.equal(result.offsets, start.offsets)
    assert not result.offsets.any()


@pytest.mark.parametrize("layer", [AppearanceFlow, SpatialTransformer])
def test_a_warp_of_the_hole_leaves_the_known_region(layer):
    features, hole = inputs()
    torch.manual_seed(0)
    whole = layer(2, start="random").double()
    torch.manual_seed(0)
    inside = layer(2, start="random", where="hole").double()
    everywhere, result = (one(features, features, hole) for one in (whole, inside))
    missing = hole.bool().expand_as(features)
    assert torch.equal(result.features, torch.where(missing, everywhere.features, features))
    assert torch.equal(result.offsets, everywhere.offsets * hole.bool())
    assert not torch.equal(result.features, everywhere.features)
    with pytest.raises(
        ValueError, match=r"attention\.where is one of hole, everywhere, got 'here'"
    ):
        layer(2, where="here")


@pytest.mark.parametrize("layer", [AppearanceFlow, SpatialTransformer])
def test_a_random_start_looks_elsewhere_and_another_word_is_refused(layer):
    features, hole = inputs()
    torch.manual_seed(0)
    result = layer(channels=2, start="random").double()(features, features, hole)
    assert result.offsets.ne(0).float().mean() > 0.1
    with pytest.raises(ValueError, match=r"attention\.start is one of identity, random, got 'far'"):
        layer(channels=2, start="far")


@pytest.mark.parametrize("name", LAYERS)
def test_mixed_precision_borrows_from_the_same_places(name):
    features, hole = (x.float() for x in inputs(n=1))
    features = features.bfloat16().float()
    layer = build(name).float()
    exact = layer(features, features, hole)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = layer(features.bfloat16(), features.bfloat16(), hole)
    if name in ("stn", "appearance_flow"):
        assert torch.equal(mixed.offsets, exact.offsets)
        torch.testing.assert_close(mixed.features.float(), exact.features, rtol=0, atol=0.02)
    assert mixed.features.isfinite().all()


def test_appearance_flow_looks_where_its_convolution_says():
    features, hole = inputs(n=1)
    layer = AppearanceFlow(2).double()
    layer.flow.bias.data = torch.tensor([2 / 3.5, -3 / 5.5], dtype=torch.float64)
    result = layer(features, features, hole)
    torch.testing.assert_close(result.features[..., :-2, 3:], features[..., 2:, :-3])
    assert (result.offsets[0, 0, :-2] == 2).all()
    assert (result.offsets[0, 1, :, 3:] == -3).all()
    assert (result.offsets[0, 0, -1] == 0).all()  # the edge is the farthest one can look


def test_appearance_flow_sees_features_and_hole():
    features, hole = inputs(n=1)
    layer = build("appearance_flow")
    base = layer(features, features, hole).features
    assert not torch.equal(layer(features, features, 1 - hole).features, base)
    assert not torch.equal(layer(features + 1, features, hole).features, base)


def test_stn_is_one_affine_map_per_picture_as_pytorch_has_it():
    rng = torch.Generator().manual_seed(0)
    change = torch.randn(2, 2, 3, dtype=torch.float64, generator=rng)
    moved = affine_displacement(change, 5, 9)
    identity = torch.eye(2, 3, dtype=torch.float64)
    # PyTorch has columns before rows, in the map as in the positions.
    flipped = (identity + change)[:, [1, 0]][:, :, [1, 0, 2]]
    grid = F.affine_grid(flipped, [2, 1, 5, 9], align_corners=True).flip(-1).permute(0, 3, 1, 2)
    half = torch.tensor([2.0, 4.0], dtype=torch.float64).view(1, 2, 1, 1)
    same = F.affine_grid(identity.expand(2, -1, -1), [2, 1, 5, 9], align_corners=True)
    expected = (grid - same.flip(-1).permute(0, 3, 1, 2)) * half
    torch.testing.assert_close(moved, expected)


def slow_shift(foreground, background, hole, patch):
    """Every missing position by itself."""
    n, _, height, width = foreground.shape
    reach = patch // 2
    padded = [F.pad(x, [reach] * 4) for x in (foreground, background, hole)]
    output = foreground.clone()
    for i in range(n):
        f, b, missing = (x[i] for x in padded)
        places = [(y, x) for y in range(height) for x in range(width)]
        cut = lambda t, y, x: t[:, y : y + patch, x : x + patch]  # noqa: E731
        known = [place for place in places if not cut(missing, *place).any()]
        for y, x in places:
            if hole[i, 0, y, x]:
                similar = [
                    F.cosine_similarity(cut(f, y, x).flatten(), cut(b, *q).flatten(), dim=0)
                    for q in known
                ]
                v, u = known[int(torch.stack(similar).argmax())]
                output[i, :, y, x] = background[i, :, v, u]
    return output


@pytest.mark.parametrize("rows", [None, 3])
@pytest.mark.parametrize("patch", [1, 3])
def test_shift_copies_the_nearest_known_patch(patch, rows, monkeypatch):
    if rows is not None:  # a band at a time
        monkeypatch.setitem(similarity.BAND_BYTES, "cpu", 1)
        monkeypatch.setattr(similarity, "LEAST_ROWS", rows)
    features, hole = inputs(n=2)
    other = features.roll(1, 0)
    result = Shift(patch)(features, other, hole)
    torch.testing.assert_close(result.features, slow_shift(features, other, hole, patch))
    assert not (result.offsets * (hole == 0)).any()


def test_shift_hands_gradients_to_what_it_copied_and_to_nothing_else():
    features, hole = inputs(n=1)
    background = features.clone().requires_grad_()
    result = Shift(1)(features, background, hole)
    (result.features * hole).sum().backward()
    times = torch.zeros(8, 12)
    for y, x in hole[0, 0].nonzero().tolist():
        row, column = result.offsets[0, :, y, x] + torch.tensor([y, x])
        times[row, column] += 1
    assert torch.equal(background.grad[0, 0].float(), times)
    assert times[hole[0, 0] > 0].sum() == 0


def test_shift_without_any_known_patch_gives_zeros():
    features, _ = inputs(n=1)
    result = Shift(1)(features, features, torch.ones(1, 1, 8, 12))
    assert not result.features.any()


def test_shift_refuses_empty_patches():
    with pytest.raises(ValueError, match="patch_size"):
        Shift(0)


def random_double():
    return Batch(*(x.double() if x.is_floating_point() else x for x in random_batch(2)))


def guided(weight):
    torch.manual_seed(0)
    return tiny_module(generator=Generator(2, Shift(1, weight))).double()


def test_guidance_compares_with_the_true_picture_in_the_hole():
    module = guided(0.5)
    batch = random_double()
    seen = []
    module.generator.refinement.attention.register_forward_pre_hook(
        lambda _, inputs: seen.append(inputs)
    )
    term = module.generator_terms(batch)["guidance"]
    module.generator.refinement(with_planes(batch.image, batch.hole), batch.hole)
    (entering, _, hole), (truth, _, _) = seen
    means = []
    for n in range(2):
        places = hole[n, 0].nonzero().tolist()
        rows = [(entering[n, :, y, x] - truth[n, :, y, x]).square().mean() for y, x in places]
        means.append(sum(rows) / len(rows))
    torch.testing.assert_close(term, 0.5 * sum(means) / 2)
    assert term > 0
    term.backward()
    for part in (module.generator.coarse, module.generator.refinement.attention_encoder):
        assert any(p.grad.abs().sum() > 0 for p in part.parameters())
    assert all(p.grad is None for p in module.generator.refinement.decoder.parameters())


def test_guidance_is_nothing_where_the_hole_holds_the_truth_or_no_feature():
    module, batch = guided(1.0), random_double()
    completion = module(batch)
    right = Completion(batch.image, completion.refined, completion.offsets)
    assert module.generator.guidance(right, batch)["guidance"] == 0
    dot = torch.zeros_like(batch.hole)
    dot[..., 1, 1] = 1  # between the places that the features' hole is read from
    assert module.generator.guidance(completion, batch._replace(hole=dot))["guidance"] == 0


def test_guidance_is_shifts_alone_and_can_be_left_out():
    assert compose_tiny("attention=shift").attention.guidance == 0.01
    assert "guidance" not in guided(0.0).generator_terms(random_double())
    assert "guidance" not in tiny_module().generator_terms(random_batch(2))
    coarse = CoarseOnly(2, Shift(1, 0.5))
    assert "guidance" not in tiny_module(generator=coarse).generator_terms(random_batch(2))
    with pytest.raises(ValueError, match="expected `guidance` from 0, got -1"):
        Shift(1, -1)


def test_without_attention_the_branch_is_gone():
    generator = Generator(32, NoAttention())
    assert sum(p.numel() for p in generator.parameters()) == 2_758_118
    assert not [name for name, _ in generator.named_parameters() if "attention" in name]
    small = Generator(2, NoAttention())
    result = small(torch.rand(1, 3, 16, 16), torch.ones(1, 1, 16, 16))
    assert result.offsets is None
    assert result.refined.shape == (1, 3, 16, 16)


@pytest.mark.parametrize(
    ("layer", "count"),
    [
        (SpatialTransformer(32), 3_697_452),
        (AppearanceFlow(32), 3_603_866),
        (Shift(1), 3_601_542),
        (Identity(), 3_601_542),
    ],
)
def test_parameters_are_as_readme_says(layer, count):
    assert sum(p.numel() for p in Generator(32, layer).parameters()) == count
