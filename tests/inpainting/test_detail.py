"""Detail for smooth fills."""

import cv2
import numpy as np
import pytest
import torch

from farfill import Generator
from farfill.attention.none import NoAttention
from farfill.inpainting.detail import add_detail, detailed
from farfill.inpainting.predictor import Predictor
from farfill.rundir.final_report import inpainter_of
from helpers.holes import hole_of
from helpers.tiny import random_batch

SIDE, PERIOD = 128, 24
MISSING = hole_of(SIDE, SIDE, (16, 56, 32, 32))


def pattern(seed: int = 0) -> np.ndarray:
    """A tile of random blocks, repeated."""
    tile = np.random.default_rng(seed).uniform(-0.6, 0.6, (PERIOD // 4, PERIOD // 4, 3))
    tile = tile.astype(np.float32).repeat(4, 0).repeat(4, 1)
    times = -(-SIDE // PERIOD)
    return np.tile(tile, (times, times, 1))[:SIDE, :SIDE]


def smoothed(picture: np.ndarray, missing: np.ndarray = MISSING) -> np.ndarray:
    """The picture with a fill of which nothing but the coarse is right."""
    return np.where(missing[..., None], cv2.GaussianBlur(picture, (0, 0), 4.0), picture)


def offsets(down: int, right: int, grid: int = 8, side: int = SIDE) -> torch.Tensor:
    """The same one for every place, in places of ``grid`` pixels."""
    places = side // grid
    return torch.tensor([down, right]).view(1, 2, 1, 1).expand(1, 2, places, places)


def error(completed: np.ndarray, missing: np.ndarray = MISSING) -> float:
    return float(np.abs(completed - pattern())[missing].mean())


@pytest.mark.parametrize(("start", "grid"), [((9, 0), 8), ((0, -6), 8), ((18, 0), 4)])
def test_the_texture_of_the_source_comes_back(start, grid):
    """Two or three tiles on lies what is missing."""
    fill = smoothed(pattern())
    assert error(add_detail(fill, MISSING, offsets(*start, grid))) < 0.2 * error(fill)


def test_a_source_that_is_a_little_off_is_put_right():
    """As the attention's grid cannot say it better: 72 is no multiple of 16."""
    fill = smoothed(pattern())
    assert error(add_detail(fill, MISSING, offsets(5, 0, grid=16))) < 0.2 * error(fill)


def test_the_attention_has_a_say():
    """Of two textures that are grey from afar, a grey fill gets the one that it names."""
    rows, columns = np.indices((256, 256))
    picture = np.zeros((256, 256, 3), np.float32)
    picture[:, :88] = np.where(rows % 4 < 2, 0.5, -0.5)[:, :88, None]
    picture[:, 168:] = np.where(columns % 4 < 2, 0.5, -0.5)[:, 168:, None]
    missing = hole_of(256, 256, (96, 96, 64, 64))
    for right, along in ((-11, 1), (11, 0)):
        filled = add_detail(picture, missing, offsets(0, right, side=256))[120:136, 120:136]
        change = [np.abs(np.diff(filled, axis=axis)).mean() for axis in (0, 1)]
        assert change[1 - along] > 0.1
        assert change[1 - along] > 4 * change[along]


def test_known_pixels_stay_and_the_result_is_always_the_same():
    fill = smoothed(pattern()) + np.float32(1e-3)
    before = fill.copy()
    one, other = (add_detail(fill, MISSING, offsets(9, 0)) for _ in range(2))
    assert one.dtype == np.float32
    np.testing.assert_array_equal(one[~MISSING], fill[~MISSING])
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(fill, before)
    assert np.abs(one).max() <= 1


def test_nothing_that_is_missing_is_lent():
    """Detail in the fill itself, which is invented, is gone afterwards."""
    fill = np.zeros((SIDE, SIDE, 3), np.float32)
    fill[MISSING] = np.random.default_rng(0).uniform(-1, 1, (MISSING.sum(), 3))
    filled = add_detail(fill, MISSING, offsets(0, 0))
    assert np.abs(filled[MISSING]).std() < 0.1 * np.abs(fill[MISSING]).std()


def test_where_nothing_is_known_nearby_the_fill_stays():
    missing = np.ones((SIDE, SIDE), bool)
    missing[:, :4] = False
    fill = smoothed(pattern(), missing)
    np.testing.assert_array_equal(add_detail(fill, missing, offsets(0, -6)), fill)


@pytest.mark.parametrize("size", [(16, 16), (24, 40), (72, 200)])
@pytest.mark.parametrize("hole", [(0, 0, 1, 1), (3, 5, 8, 8), (15, 15, 1, 1), (0, 8, 16, 8)])
def test_any_size_and_hole(size, hole):
    missing = hole_of(*size, hole)
    fill = np.random.default_rng(0).uniform(-1, 1, (*size, 3)).astype(np.float32)
    none = torch.zeros(1, 2, size[0] // 8, size[1] // 8, dtype=torch.long)
    filled = add_detail(fill, missing, none)
    assert filled.shape == fill.shape
    assert np.isfinite(filled).all()
    np.testing.assert_array_equal(filled[~missing], fill[~missing])


def test_a_batch_is_its_pictures():
    pictures = [pattern(seed) for seed in (0, 1)]
    missing = [MISSING, MISSING.T]
    fills = [smoothed(*pair) for pair in zip(pictures, missing, strict=True)]
    batch = torch.from_numpy(np.stack(fills)).permute(0, 3, 1, 2)
    holes = torch.from_numpy(np.stack(missing)).float()[:, None]
    places = torch.cat([offsets(9, 0), offsets(0, 9)])
    together = detailed(batch, holes, places)
    for number, fill in enumerate(fills):
        alone = add_detail(fill, missing[number], places[number : number + 1])
        np.testing.assert_array_equal(together[number].permute(1, 2, 0).numpy(), alone)


def known() -> np.ndarray:
    return pattern() * ~MISSING[..., None]


def test_a_predictor_adds_it_to_its_own_fill():
    torch.manual_seed(0)
    generator = Generator(channels=2).eval()
    plain, places = Predictor(generator)(known(), MISSING)
    picture, same = Predictor(generator, detail=True)(known(), MISSING)
    assert torch.equal(places, same)
    completed = np.where(MISSING[..., None], plain.permute(1, 2, 0).numpy(), known())
    expected = add_detail(completed, MISSING, places)
    np.testing.assert_array_equal(picture.permute(1, 2, 0).numpy()[MISSING], expected[MISSING])
    assert (picture[:, MISSING] != plain[:, MISSING]).float().mean() > 0.9


def test_it_is_scored_as_it_is_filled():
    generator, batch = Generator(channels=2).eval(), random_batch(2)
    with torch.no_grad():
        scored = inpainter_of(generator, detail=True)(batch)
    for number, picture in enumerate(scored):
        missing = batch.hole[number, 0].numpy() > 0
        sees = batch.masked[number].permute(1, 2, 0).numpy()
        filled, _ = Predictor(generator, detail=True)(sees, missing)
        torch.testing.assert_close(picture[:, missing], filled[:, missing], atol=1e-4, rtol=0)


def test_a_network_that_borrows_nowhere_is_refused_in_one_sentence():
    predictor = Predictor(Generator(2, NoAttention()).eval(), detail=True)
    with pytest.raises(ValueError, match="say detail=false") as raised:
        predictor(known(), MISSING)
    assert "\n" not in str(raised.value)
