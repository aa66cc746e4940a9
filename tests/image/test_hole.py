"""White is the hole; whatever was probably not meant is refused in words that help."""

import numpy as np
import pytest
from PIL import Image

from farfill.image.hole import read_hole

SIZE = (10, 20)


@pytest.fixture
def box():
    mask = np.zeros(SIZE, np.uint8)
    mask[2:6, 3:9] = 255
    return mask


@pytest.fixture
def mask_file(tmp_path):
    def write(mask):
        Image.fromarray(mask).save(tmp_path / "m.png")
        return tmp_path / "m.png"

    return write


def test_white_is_the_hole(box, mask_file):
    np.testing.assert_array_equal(read_hole(mask_file(box), SIZE), box == 255)


def test_inverted_black_is_the_hole(box, mask_file):
    hole = read_hole(mask_file(255 - box), SIZE, invert=True)
    np.testing.assert_array_equal(hole, box == 255)


def test_the_threshold_is_the_papers(mask_file):
    mask = np.zeros(SIZE, np.uint8)
    mask[0, :4] = 0, 127, 128, 255
    assert read_hole(mask_file(mask), SIZE)[0, :4].tolist() == [False, False, True, True]
    hole = read_hole(mask_file(mask), SIZE, threshold=0)
    assert hole[0, :4].tolist() == [False, True, True, True]


def test_sixteen_bit_rgb_palette_and_one_bit_masks(box, mask_file):
    rgb = Image.fromarray(np.dstack([box] * 3))
    for mask in (
        box.astype(np.uint16) * 257,
        np.dstack([box] * 3),
        np.asarray(box, bool),
        rgb.convert("P", palette=Image.Palette.ADAPTIVE),
    ):
        path = mask_file(box)
        (mask if isinstance(mask, Image.Image) else Image.fromarray(mask)).save(path)
        np.testing.assert_array_equal(read_hole(path, SIZE), box == 255)


def test_a_painted_layer_is_a_hole_where_it_is_white_and_opaque(box, mask_file):
    layer = np.dstack([np.full_like(box, 255)] * 3 + [box])
    np.testing.assert_array_equal(read_hole(mask_file(layer), SIZE), box == 255)


def test_a_black_layer_is_not_guessed_at(box, mask_file):
    layer = np.dstack([np.zeros_like(box)] * 3 + [box])
    with pytest.raises(ValueError, match=r"nothing to fill.*transparent counts as black"):
        read_hole(mask_file(layer), SIZE)


@pytest.mark.parametrize(
    ("level", "invert", "words"),
    [
        (0, False, r"nothing to fill: white marks the hole.*invert=true"),
        (0, True, r"nothing known.*black marks the hole.*invert=false"),
        (255, False, r"nothing known.*white marks the hole.*invert=true"),
        (255, True, r"nothing to fill: black marks the hole.*invert=false"),
    ],
)
def test_all_black_and_all_white(mask_file, level, invert, words):
    with pytest.raises(ValueError, match=words):
        read_hole(mask_file(np.full(SIZE, level, np.uint8)), SIZE, invert=invert)


def test_a_mask_of_zeros_and_ones_gets_the_right_hint(box, mask_file):
    path = mask_file(box // 255)
    with pytest.raises(ValueError, match=r"levels are 0 to 1, .*threshold=0\.5"):
        read_hole(path, SIZE)
    np.testing.assert_array_equal(read_hole(path, SIZE, threshold=0.5), box == 255)


def test_wrong_polarity_is_suspected_but_can_be_insisted_on(box, mask_file):
    path = mask_file(255 - box)
    with pytest.raises(ValueError, match=r"88% of the picture.*invert=true.*max_hole=1"):
        read_hole(path, SIZE)
    np.testing.assert_array_equal(read_hole(path, SIZE, max_hole=1), box == 0)
    with pytest.raises(ValueError, match="invert=false"):
        read_hole(mask_file(box), SIZE, invert=True)


def test_another_size_is_refused_with_both_sizes(box, mask_file):
    with pytest.raises(ValueError, match=r"20 x 10 pixels, .*is 40 x 20.*resize_mask=true"):
        read_hole(mask_file(box), (20, 40))
    with pytest.raises(ValueError, match="lies on its side"):
        read_hole(mask_file(box), (20, 10))


def test_resizing_is_nearest(box, mask_file):
    hole = read_hole(mask_file(box), (20, 40), resize=True)
    np.testing.assert_array_equal(hole, (box == 255).repeat(2, 0).repeat(2, 1))


def test_a_hole_that_resizing_loses_is_noticed(mask_file):
    mask = np.zeros((100, 100), np.uint8)
    mask[0, 0] = 255
    with pytest.raises(ValueError, match="nothing to fill"):
        read_hole(mask_file(mask), (3, 3), resize=True)


def test_soft_edges_are_thresholded_with_a_warning(mask_file, caplog):
    ramp = np.zeros(SIZE, np.uint8)
    ramp[:, 6:] = 255
    ramp[:, 3:6] = 60, 120, 180
    assert read_hole(mask_file(ramp), SIZE)[0].tolist() == [False] * 5 + [True] * 15
    assert "15 % of the mask is neither dark nor bright" in caplog.text


def test_jpeg_noise_is_not_worth_a_warning(box, tmp_path, caplog):
    large = box.repeat(8, 0).repeat(8, 1)
    Image.fromarray(large).save(tmp_path / "m.jpg")
    np.testing.assert_array_equal(read_hole(tmp_path / "m.jpg", large.shape), large == 255)
    assert not caplog.records


def test_a_photograph_is_no_mask(mask_file):
    photo = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)
    with pytest.raises(ValueError, match=r"does not look like a mask.*swapped"):
        read_hole(mask_file(photo), SIZE)


@pytest.mark.parametrize("threshold", [-1, 255, 300])
def test_threshold_out_of_range(box, mask_file, threshold):
    with pytest.raises(ValueError, match="`threshold`"):
        read_hole(mask_file(box), SIZE, threshold=threshold)
