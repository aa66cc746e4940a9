"""The attention picture's colours."""

import torch

from farfill.op.colour import colour_wheel, flow_to_colour, wheel_legend


def colour_of(row: int, column: int) -> list[float]:
    offsets = torch.tensor([[[[row, 8]], [[column, 0]]]])  # a second place sets the longest offset
    return ((flow_to_colour(offsets)[0, :, 0, 0] + 1) / 2).tolist()


def test_white_is_itself():
    assert colour_of(0, 0) == [1, 1, 1]


def test_the_papers_two_examples():
    """Pink: bottom-left, green: top-right (figure 5)."""
    red, green, blue = colour_of(5, -5)
    assert red > green
    assert blue > green
    red, green, blue = colour_of(-5, 5)
    assert green > red
    assert green > blue


def test_nearer_is_paler():
    near, far = colour_of(0, 2), colour_of(0, 6)
    assert min(near) > min(far)


def test_hue_is_the_direction_alone():
    wheel = colour_wheel()
    assert wheel.shape == (55, 3)
    assert len({tuple(colour) for colour in wheel.tolist()}) == 55
    assert (wheel.amax(1) == 255).all()
    assert (wheel.amin(1) == 0).all()


def test_every_picture_has_its_own_range():
    offsets = torch.randint(-6, 7, (3, 2, 4, 5)) * torch.tensor([2, 9, 1])[:, None, None, None]
    alone = torch.cat([flow_to_colour(picture[None]) for picture in offsets])
    assert torch.equal(flow_to_colour(offsets), alone)
    assert torch.equal(alone[1], flow_to_colour(offsets[1:2] * 5)[0])


def test_legend_shows_the_colour_of_the_way_from_the_centre():
    legend = wheel_legend(65)
    assert legend.shape == (3, 65, 65)
    assert torch.equal(legend[:, 32, 32], torch.ones(3))
    assert torch.equal(legend[:, 0, 0], torch.ones(3))
    torch.testing.assert_close(
        legend[:, 16, 32], flow_to_colour(torch.tensor([[[[-16, -32]], [[0, 0]]]]))[0, :, 0, 0]
    )
