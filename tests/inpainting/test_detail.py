"""Detail for smooth fills."""

import cv2
import numpy as np
import pytest
import torch

from farfill import Generator
from farfill.attention.contextual import ContextualAttention
from farfill.attention.none import NoAttention
from farfill.inpainting.detail import add_detail, detailed
from farfill.inpainting.predictor import Predictor
from farfill.rundir.final_report import inpainter_of
from farfill.types import Batch
from helpers.holes import hole_of

SIDE, PERIOD = 128, 24
MISSING = hole_of(SIDE, SIDE, (16, 56, 32, 32))
INNER = hole_of(SIDE, SIDE, (24, 64, 16, 16))  # where copies have replaced the fill


def pattern(side: int = SIDE, seed: int = 0) -> np.ndarray:
    """A tile of random blocks, repeated."""
    tile = np.random.default_rng(seed).uniform(-0.6, 0.6, (PERIOD // 4, PERIOD // 4, 3))
    tile = tile.astype(np.float32).repeat(4, 0).repeat(4, 1)
    times = -(-side // PERIOD)
    return np.tile(tile, (times, times, 1))[:side, :side]


def smoothed(picture: np.ndarray, missing: np.ndarray = MISSING) -> np.ndarray:
    """The picture with a fill of which nothing but the coarse is right."""
    return np.where(missing[..., None], cv2.GaussianBlur(picture, (0, 0), 4.0), picture)


def offsets(down: int, right: int, grid: int = 8, side: int = SIDE) -> torch.Tensor:
    """The same one for every place, in places of ``grid`` pixels."""
    places = side // grid
    return torch.tensor([down, right]).view(1, 2, 1, 1).expand(1, 2, places, places)


def error(completed: np.ndarray, where: np.ndarray = INNER) -> float:
    return float(np.abs(completed - pattern(len(completed)))[where].mean())


@pytest.mark.parametrize(("start", "grid"), [((9, 0), 8), ((0, -6), 8), ((18, 0), 4)])
def test_the_texture_of_the_source_comes_back(start, grid):
    """Two or three tiles on lies what is missing."""
    fill = smoothed(pattern())
    assert error(add_detail(fill, MISSING, offsets(*start, grid), grid)) < 0.2 * error(fill)


def test_a_source_that_is_a_little_off_is_put_right():
    """As the attention's grid cannot say it better: 72 is no multiple of 16."""
    fill = smoothed(pattern())
    assert error(add_detail(fill, MISSING, offsets(5, 0, grid=16), 16)) < 0.2 * error(fill)


def test_the_attention_has_a_say():
    """Of two textures that are grey from afar, a grey fill gets the one that it names."""
    rows, columns = np.indices((256, 256))
    picture = np.zeros((256, 256, 3), np.float32)
    picture[:, :88] = np.where(rows % 4 < 2, 0.5, -0.5)[:, :88, None]
    picture[:, 168:] = np.where(columns % 4 < 2, 0.5, -0.5)[:, 168:, None]
    missing = hole_of(256, 256, (96, 96, 64, 64))
    for right, along in ((-11, 1), (11, 0)):
        filled = add_detail(picture, missing, offsets(0, right, side=256), 8)[120:136, 120:136]
        change = [np.abs(np.diff(filled, axis=axis)).mean() for axis in (0, 1)]
        assert change[1 - along] > 0.1
        assert change[1 - along] > 4 * change[along]


def test_known_pixels_stay_and_the_result_is_always_the_same():
    fill = smoothed(pattern()) + np.float32(1e-3)
    before = fill.copy()
    one, other = (add_detail(fill, MISSING, offsets(9, 0), 8) for _ in range(2))
    assert one.dtype == np.float32
    np.testing.assert_array_equal(one[~MISSING], fill[~MISSING])
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(fill, before)


def test_nothing_that_is_missing_is_lent():
    """The high frequencies of the fill itself, which are invented, are gone afterwards."""
    fill = np.zeros((SIDE, SIDE, 3), np.float32)
    fill[MISSING] = np.random.default_rng(0).uniform(-1, 1, (MISSING.sum(), 3))
    for start in (0, 2, 9):
        filled = add_detail(fill, MISSING, offsets(start, 0), 8)
        assert filled[INNER].std() < 0.1 * fill[INNER].std()


@pytest.mark.parametrize("rate", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(40, 72), (136, 200), (264, 200)])
def test_every_grid_of_the_attention_is_read(rate, size):
    """Rounded up where the picture's sides are no multiples of a place's."""
    torch.manual_seed(0)
    generator = Generator(channels=2, attention=ContextualAttention(rate=rate)).eval()
    missing = hole_of(*size, (size[0] - 24, size[1] - 20, 24, 20))
    picture, _ = Predictor(generator, detail=True)(np.zeros((*size, 3), np.float32), missing)
    assert picture.isfinite().all()


@pytest.mark.parametrize("side", [136, 144])
@pytest.mark.parametrize("at", ["top", "bottom", "left", "right"])
def test_a_hole_at_the_border_is_served_on_every_side(side, at):
    """Also where blocks do not fit into the picture."""
    along, far, upright = slice(40, 88), at in ("bottom", "right"), at in ("left", "right")
    across = slice(side - 24, side) if far else slice(24)
    missing = np.zeros((side, side), bool)
    missing[(along, across) if upright else (across, along)] = True
    start = (6, 0) if upright else (0, 6)  # two tiles along the border
    picture = pattern(side)
    fill = smoothed(picture, missing)
    filled = add_detail(fill, missing, offsets(*start, side=side), 8)
    deep = cv2.distanceTransform(missing.astype(np.uint8), cv2.DIST_L2, 5) >= 8
    assert error(filled, deep) < 0.5 * error(fill, deep)


@pytest.mark.parametrize("thickness", [1, 2, 3])
def test_a_thin_hole_does_not_lend_to_itself(thickness):
    """Whose row is not among the pixels that are compared; where nothing is lent, nothing moves."""
    missing = np.zeros((SIDE, SIDE), bool)
    missing[62 : 62 + thickness, 20:100] = True
    fill = smoothed(pattern(), missing)
    filled = add_detail(fill, missing, offsets(0, 0), 8)
    assert (filled != fill)[missing].any(axis=1).mean() > 0.9


def test_pixels_without_a_source_are_not_touched():
    """Not even where they are beyond what a picture may have."""
    missing = np.ones((SIDE, SIDE), bool)
    missing[0, 0] = False
    fill = np.full((SIDE, SIDE, 3), 3, np.float32)
    np.testing.assert_array_equal(add_detail(fill, missing, offsets(0, 0), 8), fill)


def test_the_edge_of_the_hole_is_no_texture():
    """What is not known counts nothing in the low frequencies of a source beside it."""
    fill = np.full((SIDE, SIDE, 3), 0.5, np.float32)
    filled = add_detail(fill, MISSING, offsets(4, 0), 8)
    np.testing.assert_allclose(filled, fill, atol=1e-5)


def test_the_result_is_a_picture():
    """Copied on top of bright low frequencies, texture would leave the range."""
    fill = smoothed(pattern() + 0.4)
    assert np.abs(add_detail(fill.clip(-1, 1), MISSING, offsets(9, 0), 8)).max() <= 1


def test_where_nothing_is_known_nearby_the_fill_stays():
    missing = np.ones((SIDE, SIDE), bool)
    missing[:, :4] = False
    fill = smoothed(pattern(), missing)
    np.testing.assert_array_equal(add_detail(fill, missing, offsets(0, -6), 8), fill)


@pytest.mark.parametrize("size", [(16, 16), (24, 40), (72, 200)])
@pytest.mark.parametrize("hole", [(0, 0, 1, 1), (3, 5, 8, 8), (15, 15, 1, 1), (0, 8, 16, 8)])
def test_any_size_and_hole(size, hole):
    missing = hole_of(*size, hole)
    fill = np.random.default_rng(0).uniform(-1, 1, (*size, 3)).astype(np.float32)
    none = torch.zeros(1, 2, size[0] // 8, size[1] // 8, dtype=torch.long)
    filled = add_detail(fill, missing, none, 8)
    assert filled.shape == fill.shape
    assert np.isfinite(filled).all()
    np.testing.assert_array_equal(filled[~missing], fill[~missing])


def test_a_batch_is_its_pictures():
    pictures = [pattern(seed=seed) for seed in (0, 1)]
    missing = [MISSING, MISSING.T]
    fills = [smoothed(*pair) for pair in zip(pictures, missing, strict=True)]
    batch = torch.from_numpy(np.stack(fills)).permute(0, 3, 1, 2)
    holes = torch.from_numpy(np.stack(missing)).float()[:, None]
    places = torch.cat([offsets(9, 0), offsets(0, 9)])
    together = detailed(batch, holes, places, 8)
    for number, fill in enumerate(fills):
        alone = add_detail(fill, missing[number], places[number : number + 1], 8)
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
    expected = add_detail(completed, MISSING, places, Predictor(generator).cell)
    np.testing.assert_array_equal(picture.permute(1, 2, 0).numpy()[MISSING], expected[MISSING])
    assert (picture[:, MISSING] != plain[:, MISSING]).float().mean() > 0.9


def test_it_is_scored_as_it_is_filled():
    generator = Generator(channels=2).eval()
    image = torch.from_numpy(np.stack([pattern(seed=n) for n in (0, 1)])).permute(0, 3, 1, 2)
    hole = torch.from_numpy(MISSING).float().expand(2, 1, -1, -1)
    box = torch.tensor([[16, 56, 32, 32]]).expand(2, -1)
    batch = Batch(image, hole, hole, box, torch.arange(2))
    with torch.no_grad():
        scored, plain = (inpainter_of(generator, detail)(batch) for detail in (True, False))
    assert ((scored != plain) & (hole > 0)).float().mean() > 0.9 * hole.mean()
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
