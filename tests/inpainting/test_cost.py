"""Guesses of time and memory: rough, but they know what costs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import farfill
from farfill.attention.none import NoAttention
from farfill.inpainting.fill import fill
from farfill.inpainting.partial import multiplications_per_second
from farfill.inpainting.predictor import Predictor


def hole(side: int, of: int) -> np.ndarray:
    missing = np.zeros((of, of), bool)
    missing[:side, :side] = True
    return missing


def test_more_picture_or_more_hole_or_an_attention_takes_more():
    predictor = Predictor(farfill.Generator(channels=8).eval())
    guess = predictor.predict_cost(hole(64, 512))
    wider = predictor.predict_cost(hole(256, 512))
    larger = predictor.predict_cost(hole(64, 1024))
    without = Predictor(farfill.Generator(8, NoAttention()).eval()).predict_cost(hole(64, 512))
    assert guess.seconds < wider.seconds < 10 * guess.seconds
    assert 4 * guess.seconds < larger.seconds < 64 * guess.seconds
    assert without.seconds < guess.seconds
    assert without.bytes < guess.bytes < larger.bytes < 16 * guess.bytes


def test_the_paper_s_generator_at_2048_pixels_stays_below_6_gb():
    guess = Predictor(farfill.Generator().eval()).predict_cost(hole(1024, 2048))
    assert 2e9 < guess.bytes < 6e9


def test_other_generators_make_no_guess():
    assert Predictor(torch.nn.Identity()).predict_cost(hole(8, 16)) is None


def test_the_guess_comes_first_and_may_stop_it():
    class StopError(Exception):
        pass

    def stop(guess):
        assert guess.seconds > 0
        raise StopError

    generator = farfill.Generator(channels=4).eval()
    with pytest.raises(StopError):
        fill(generator, np.zeros((21, 30, 3), np.uint8), hole(9, 30)[:21], before=stop)


def test_the_machine_is_measured_once():
    assert multiplications_per_second(torch.device("cpu")) > 1e8
    assert multiplications_per_second.cache_info().currsize == 1
