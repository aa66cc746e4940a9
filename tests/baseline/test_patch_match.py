"""PatchMatch: textures it must continue, holes it must survive, and what it may copy."""

import numpy as np
import pytest
import torch

from farfill.baseline.patch_match import PatchField, PatchMatch, _trust, complete_patches, pyramid
from farfill.baseline.telea import Telea
from farfill.types import Batch
from helpers.holes import hole_of


def make(**change) -> PatchMatch:
    return PatchMatch(**({"patch_size": 7, "iterations": 6, "sweeps": 1, "seed": 0} | change))


def make_batch(image: torch.Tensor, *boxes: tuple[int, int, int, int]) -> Batch:
    one = torch.from_numpy(hole_of(*image.shape[-2:], *boxes)).float()
    hole = one.repeat(len(image), 1, 1, 1)
    return Batch(image, hole, hole, torch.zeros(len(image), 4).long(), torch.arange(len(image)))


def tiles(period: int, size: int) -> torch.Tensor:
    """A tile of random colours, repeated."""
    repeats = -(-size // period)
    return (torch.rand(1, 3, period, period) * 2 - 1).repeat(1, 1, repeats, repeats)[
        ..., :size, :size
    ]


def error(completed: torch.Tensor, batch: Batch) -> float:
    difference = (completed - batch.image).abs() * batch.hole
    return (difference.sum() / batch.hole.sum() / 3).item()


@pytest.mark.parametrize("period", [5, 8, 11, 13])
def test_continues_a_periodic_texture(period):
    """Every missing patch has a copy among the known ones."""
    batch = make_batch(tiles(period, 64), (16, 16, 32, 32))
    assert error(make()(batch), batch) < 0.01
    assert error(Telea(3.0)(batch), batch) > 0.2


def test_a_hole_at_the_border_is_continued_too():
    batch = make_batch(tiles(8, 48), (0, 28, 20, 20))
    assert error(make()(batch), batch) < 0.01


def test_fills_with_colours_of_the_picture_between_two_halves():
    """The hole lies in the left half: nothing of the right one belongs there."""
    image = torch.full((1, 3, 48, 48), 0.8)
    image[..., :32] = -0.6
    batch = make_batch(image, (12, 6, 20, 20))
    torch.testing.assert_close(make()(batch), image)


def test_what_is_not_filled_yet_does_not_count():
    """Missing pixels come in as 0: a known region of that colour must not attract them."""
    image = torch.zeros(1, 3, 48, 64)
    image[..., :48] = 0.75 + 0.25 * tiles(6, 48)
    batch = make_batch(image, (13, 12, 22, 22))
    assert error(make(iterations=1)(batch), batch) < 0.07


def test_the_same_input_is_filled_alike_whatever_the_global_state():
    batch = make_batch(torch.rand(2, 3, 32, 40) * 2 - 1, (8, 8, 16, 16))
    first = make()(batch)
    torch.manual_seed(7)
    np.random.seed(7)
    assert torch.equal(make()(batch), first)
    assert not torch.equal(make(seed=1)(batch), first)


def test_leaves_the_global_random_state_alone():
    np.random.seed(3)
    expected = np.random.rand()
    np.random.seed(3)
    torch_state = torch.get_rng_state()
    make()(make_batch(torch.zeros(1, 3, 32, 32), (8, 8, 16, 16)))
    assert np.random.rand() == expected
    assert torch.equal(torch.get_rng_state(), torch_state)


def free_form(size: int) -> torch.Tensor:
    """Thick strokes in several pieces, some at the border."""
    rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    strokes = (rows + 2 * columns) % 37 < 6
    return (strokes | ((rows - 9) ** 2 + (columns - 20) ** 2 < 30)).float()[None, None]


HOLES = {
    "several": lambda: make_batch(torch.zeros(1, 3, 40, 33), (0, 0, 9, 9), (20, 5, 7, 28)).hole,
    "strokes": lambda: free_form(45),
    "one pixel": lambda: make_batch(torch.zeros(1, 3, 32, 32), (31, 0, 1, 1)).hole,
    "nearly all": lambda: 1 - make_batch(torch.zeros(1, 3, 32, 32), (3, 4, 3, 3)).hole,
    "no 3 x 3 known": lambda: 1 - make_batch(torch.zeros(1, 3, 32, 32), (3, 4, 2, 9)).hole,
    "nothing": lambda: torch.zeros(1, 1, 32, 32),
    "narrow": lambda: make_batch(torch.zeros(1, 3, 4, 32), (1, 5, 2, 8)).hole,
}


@pytest.mark.parametrize("name", HOLES)
@pytest.mark.parametrize("grey", [False, True])
def test_any_hole_is_filled_from_the_known_pixels_alone(name, grey):
    hole = HOLES[name]()
    image = torch.rand(1, 1 if grey else 3, *hole.shape[-2:]).expand(1, 3, -1, -1) * 0.5 + 0.25
    batch = Batch(image, hole, hole, torch.zeros(1, 4).long(), torch.arange(1))
    completed = make(iterations=2)(batch)
    at = (hole == 0).expand_as(image)
    known = image[at]
    assert completed.shape == image.shape
    assert torch.equal(completed[at], known)
    assert completed.min() >= known.min() - 1e-6  # means of copies; a pixel left at 0 would show
    assert completed.max() <= known.max() + 1e-6
    assert not grey or torch.equal(completed[:, 0], completed[:, 1])
    hidden = batch._replace(image=torch.where(hole.bool(), -image, image))
    assert torch.equal(make(iterations=2)(hidden), completed)


def test_without_a_patch_the_nearest_known_pixel_is_copied():
    batch = make_batch(torch.rand(1, 3, 6, 6), (0, 0, 6, 6))
    batch.hole[0, 0, 2, 1] = batch.hole[0, 0, 2, 5] = 0
    completed = make()(batch)
    assert torch.equal(completed[0, :, 0, 0], batch.image[0, :, 2, 1])
    assert torch.equal(completed[0, :, 4, 4], batch.image[0, :, 2, 5])


def test_a_picture_without_a_known_pixel_is_refused():
    with pytest.raises(ValueError, match="known pixels"):
        make()(make_batch(torch.rand(1, 3, 32, 32), (0, 0, 32, 32)))


@pytest.mark.parametrize(
    "wrong", [{"patch_size": 4}, {"patch_size": 1}, {"iterations": 0}, {"sweeps": 0}]
)
def test_refuses_settings_that_make_no_sense(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        make(**wrong)


def scene() -> tuple[np.ndarray, np.ndarray]:
    """A picture without repetition and a hole near a corner."""
    hole = hole_of(24, 31, (2, 5, 7, 9))
    picture = np.random.default_rng(0).random((24, 31, 3), np.float32)
    picture[hole] = 0
    return picture, hole


def test_sources_hold_no_missing_pixel_and_targets_are_all_patches_that_do():
    picture, hole = scene()
    expected = {
        (row, column)
        for row in range(2, 22)
        for column in range(2, 29)
        if hole[row - 2 : row + 3, column - 2 : column + 3].any()
    }
    field = PatchField(picture, hole, 5, np.random.default_rng(0))
    assert {tuple(target) for target in field.targets.tolist()} == expected
    field.search(picture, np.ones(hole.shape, np.float32), 3)
    usable = complete_patches(hole, 5)
    assert usable.sum() == 20 * 27 - len(expected)
    assert usable[tuple(field.sources.T)].all()


def test_search_finds_what_a_loop_over_all_patches_finds():
    """With a smooth picture, as the paper assumes; nearly every match is the best there is."""
    rows, columns = np.mgrid[:40, :40].astype(np.float32)
    picture = np.stack([np.sin(rows / 5), np.cos(columns / 4), np.sin((rows + columns) / 7)], -1)
    hole = hole_of(40, 40, (12, 14, 8, 10))
    weight = np.where(hole, 0.3, 1.0).astype(np.float32)
    field = PatchField(picture, hole, 5, np.random.default_rng(0))
    field.search(picture, weight, 8)
    patches = np.lib.stride_tricks.sliding_window_view(picture, (5, 5), (0, 1))
    centres = np.argwhere(complete_patches(hole, 5)) - 2
    sources = patches[tuple(centres.T)]
    best = []
    for target, cost in zip(field.targets - 2, field.cost, strict=True):
        part = weight[target[0] : target[0] + 5, target[1] : target[1] + 5]
        costs = (((sources - patches[tuple(target)]) ** 2).sum(1) * part).sum((1, 2)) / part.sum()
        assert cost >= costs.min() / 3 - 1e-6
        best.append(cost <= costs.min() / 3 * 1.1 + 1e-5)
    assert np.mean(best) > 0.9


def test_votes_are_the_weighted_mean_of_the_copies():
    picture, hole = scene()
    field = PatchField(picture, hole, 3, np.random.default_rng(0))
    trust = np.random.default_rng(1).random(len(field.targets)).astype(np.float32)
    mean = field.vote(trust)
    copies, weights = [], []
    for target, source, weight in zip(field.targets, field.sources, trust, strict=True):
        offset = np.array([4, 7]) - target
        if np.abs(offset).max() <= 1:
            copies.append(picture[tuple(source + offset)])
            weights.append(weight)
    assert len(copies) == 9
    np.testing.assert_allclose(mean[4, 7], np.average(copies, axis=0, weights=weights), rtol=1e-5)


def test_trust_falls_with_the_distance_to_the_known_region():
    picture, hole = scene()
    field = PatchField(picture, hole, 3, np.random.default_rng(0))
    trust = dict(zip(map(tuple, field.targets.tolist()), _trust(field), strict=True))
    steps = [trust[5, column] for column in (4, 5, 6, 7)]  # the hole begins at column 5
    np.testing.assert_allclose(steps, [1, 1.3**-1, 1.3**-2, 1.3**-3], rtol=1e-5)


def test_smaller_copies_know_only_what_is_wholly_known():
    hole = hole_of(48, 80, (24, 40, 8, 8))
    levels = pyramid(np.zeros((48, 80, 3), np.float32), hole, 3)
    assert [level[1].shape for level in levels] == [(48, 80), (24, 40), (12, 20)]
    odd = hole_of(33, 33, (11, 11, 11, 11))  # touches the smaller pixels 5 to 10
    (_, _), (small, missing), *_ = pyramid(np.ones((33, 33, 3), np.float32), odd, 3)
    assert missing.shape == (17, 17)
    assert missing.sum() == 36
    assert missing[5:11, 5:11].all()
    assert (small[~missing] == 1).all()
