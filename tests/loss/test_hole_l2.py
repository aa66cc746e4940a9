"""The mean square error of the hole."""

import torch

from farfill.loss.hole_l2 import HoleL2
from farfill.types import Batch, Completion


def test_is_the_mean_over_missing_values_of_the_refined_stage():
    image, refined = torch.rand(2, 3, 6, 8), torch.rand(2, 3, 6, 8)
    hole = torch.zeros(2, 1, 6, 8)
    hole[0, :, 1:3, 2:5] = 1  # 6 pixels
    hole[1, :, 4, 7] = 1  # 1 pixel: both pictures weigh the same
    batch = Batch(image, hole, torch.ones_like(hole), torch.zeros(2, 4).long(), torch.arange(2))
    squares = (image - refined) ** 2
    expected = (squares[0, :, 1:3, 2:5].mean() + squares[1, :, 4, 7].mean()) / 2
    for coarse in (refined, torch.rand_like(refined)):
        terms = HoleL2(weight=0.5)(Completion(coarse, refined, None), batch)
        assert set(terms) == {"hole_l2"}
        torch.testing.assert_close(terms["hole_l2"], 0.5 * expected)
