"""What the hole needs, and nothing else, with the same values; and guesses of what that takes."""

import numpy as np
import pytest
import torch
import torch.utils.flop_counter
from torch import nn

import farfill
from farfill.attention.appearance_flow import AppearanceFlow
from farfill.attention.none import NoAttention
from farfill.attention.shift import Shift
from farfill.inpainting.fill import fill
from farfill.inpainting.partial import multiplications_per_second
from farfill.inpainting.predictor import Predictor
from helpers.holes import hole_of

ATTENTIONS = {
    "contextual": lambda: None,
    "none": NoAttention,
    "shift": lambda: Shift(1),
    "appearance_flow": lambda: AppearanceFlow(4),
}
HOLES = {
    "one": [(100, 120, 40, 24)],
    "corners": [(0, 0, 16, 9), (230, 250, 10, 6)],
    "stripe": [(64, 0, 8, 256)],
}


def case(name: str) -> tuple[np.ndarray, np.ndarray]:
    missing = hole_of(240, 256, *HOLES[name])
    known = np.random.default_rng(0).uniform(-1, 1, (240, 256, 3)).astype(np.float32)
    known[missing] = 0
    return known, missing


def plain(generator: nn.Module, known: np.ndarray, missing: np.ndarray) -> torch.Tensor:
    with torch.no_grad():
        return generator(
            torch.from_numpy(known).permute(2, 0, 1)[None],
            torch.from_numpy(missing).float()[None, None],
        )


def build(attention: str = "contextual") -> nn.Module:
    torch.manual_seed(0)
    return farfill.Generator(channels=4, attention=ATTENTIONS[attention]()).eval()


@pytest.mark.parametrize("hole", HOLES)
@pytest.mark.parametrize("attention", ATTENTIONS)
def test_the_hole_gets_the_values_of_the_whole_picture(attention, hole):
    generator, (known, missing) = build(attention), case(hole)
    picture, offsets = Predictor(generator)(known, missing)
    expected = plain(generator, known, missing)
    inside = torch.from_numpy(missing).expand(3, -1, -1)
    torch.testing.assert_close(picture[inside], expected.refined[0][inside], atol=1e-5, rtol=0)
    if attention == "none":
        assert offsets is None
    else:
        grid = torch.from_numpy(missing)[None, None].float()
        cells = torch.nn.functional.adaptive_max_pool2d(grid, offsets.shape[-2:])[0, 0].bool()
        assert torch.equal(offsets[0][:, cells], expected.offsets[0][:, cells])


def test_far_holes_do_not_compute_the_rows_between_them():
    generator, (known, missing) = build(), case("corners")
    _, offsets = Predictor(generator)(known, missing)
    rows = offsets[0].ne(0).any(0).any(1)
    assert rows[0]
    assert rows[-1]
    assert not rows[10:18].any()


def test_a_small_hole_costs_a_fraction():
    generator, (known, missing) = build(), case("corners")
    with torch.utils.flop_counter.FlopCounterMode(display=False) as part:
        Predictor(generator)(known, missing)
    with torch.utils.flop_counter.FlopCounterMode(display=False) as whole:
        plain(generator, known, missing)
    assert part.get_total_flops() < 0.6 * whole.get_total_flops()


def test_bfloat16_is_near():
    generator, (known, missing) = build(), case("one")
    picture, _ = Predictor(generator, precision="bf16")(known, missing)
    expected = plain(generator, known, missing).refined[0]
    inside = torch.from_numpy(missing).expand(3, -1, -1)
    error = (picture - expected)[inside].abs()
    assert picture.dtype == torch.float32
    assert 0 < error.max() < 0.05


@pytest.mark.slow
def test_a_compiled_generator_predicts_the_same():
    generator, (known, missing) = build(), case("one")
    expected = plain(generator, known, missing).refined[0]
    picture, _ = Predictor(generator, compile=True)(known, missing)
    torch.testing.assert_close(picture, expected, atol=1e-4, rtol=0)


def corner(side: int, of: int) -> np.ndarray:
    return hole_of(of, of, (0, 0, side, side))


def test_more_picture_or_more_hole_or_an_attention_takes_more():
    predictor = Predictor(farfill.Generator(channels=8).eval())
    guess = predictor.predict_cost(corner(64, 512))
    wider = predictor.predict_cost(corner(256, 512))
    larger = predictor.predict_cost(corner(64, 1024))
    without = Predictor(farfill.Generator(8, NoAttention()).eval()).predict_cost(corner(64, 512))
    assert guess.seconds < wider.seconds < 10 * guess.seconds
    assert 4 * guess.seconds < larger.seconds < 64 * guess.seconds
    assert without.seconds < guess.seconds
    assert without.bytes < guess.bytes < larger.bytes < 16 * guess.bytes


def test_the_paper_s_generator_at_2048_pixels_stays_below_6_gb():
    guess = Predictor(farfill.Generator().eval()).predict_cost(corner(1024, 2048))
    assert 2e9 < guess.bytes < 6e9


def test_other_generators_make_no_guess():
    assert Predictor(nn.Identity()).predict_cost(corner(8, 16)) is None


def test_the_guess_comes_first_and_may_stop_it():
    class StopError(Exception):
        pass

    def stop(guess):
        assert guess.seconds > 0
        raise StopError

    generator = farfill.Generator(channels=4).eval()
    with pytest.raises(StopError):
        fill(generator, np.zeros((21, 30, 3), np.uint8), hole_of(21, 30, (0, 0, 9, 9)), before=stop)


def test_the_machine_is_measured_once():
    assert multiplications_per_second(torch.device("cpu")) > 1e8
    assert multiplications_per_second.cache_info().currsize == 1
