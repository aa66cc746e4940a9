"""White is the hole; whatever was probably not meant is refused in words that help."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from farfill.image.hole import grow, read_hole, transparent
from farfill.image.picture import Picture

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


def test_the_threshold_is_a_level_and_by_default_all_that_is_not_black(mask_file):
    mask = np.zeros(SIZE, np.uint8)
    mask[0, :6] = 0, 25, 26, 127, 128, 255
    holes = {None: 2, 127.5: 4, 0: 1}  # the paper's is 127.5
    for threshold, first in holes.items():
        hole = read_hole(mask_file(mask), SIZE, threshold=threshold)
        assert hole[0, :6].tolist() == [False] * first + [True] * (6 - first)
    hole = read_hole(mask_file(255 - mask), SIZE, invert=True)
    assert hole[0, :6].tolist() == [False] * 2 + [True] * 4


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
    ramp[:, 10:] = 255
    ramp[:, 7:10] = 60, 120, 180
    assert read_hole(mask_file(ramp), SIZE)[0].tolist() == [False] * 7 + [True] * 13
    assert "15 % is neither dark nor bright" in caplog.text


def test_jpeg_noise_is_not_worth_a_warning(box, tmp_path, caplog):
    large = box.repeat(8, 0).repeat(8, 1)
    Image.fromarray(large).save(tmp_path / "m.jpg")
    np.testing.assert_array_equal(read_hole(tmp_path / "m.jpg", large.shape), large == 255)
    assert not caplog.records


@pytest.mark.parametrize("quality", [30, 75, 95])
def test_a_jpeg_mask_does_not_shrink_the_hole(tmp_path, quality):
    painted = Image.new("L", (400, 300))
    draw = ImageDraw.Draw(painted)
    draw.ellipse((60, 50, 180, 140), fill=255)
    draw.line((200, 30, 380, 280), fill=255, width=14)
    hard = np.asarray(painted) > 0
    soft = painted.filter(ImageFilter.GaussianBlur(3))
    for name, mask in {"hard.jpg": painted, "soft.jpg": soft}.items():
        mask.save(tmp_path / name, quality=quality)
        hole = read_hole(tmp_path / name, hard.shape)
        assert hole[hard].all()
        assert not hole[~grow(hard, 8)].any()
    assert not read_hole(tmp_path / "soft.jpg", hard.shape, threshold=127.5)[hard].all()


def test_a_hole_grows_round():
    hole = np.zeros((21, 21), bool)
    hole[10, 10] = True
    rows, columns = np.mgrid[-10:11, -10:11]
    np.testing.assert_array_equal(grow(hole, 5), rows**2 + columns**2 <= 25)
    assert grow(hole, 0) is hole
    with pytest.raises(ValueError, match="`dilate`"):
        grow(hole, -1)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_what_is_transparent_is_the_hole(box, dtype):
    full = np.iinfo(dtype).max
    alpha = np.where(box == 255, 0, full).astype(dtype)
    alpha[0, :2] = 0.85 * full, 0.95 * full
    hole = transparent(Picture(alpha, alpha), "a.png", 0.5)
    assert hole[0, :2].tolist() == [True, False]
    np.testing.assert_array_equal(hole[1:], box[1:] == 255)
    with pytest.raises(ValueError, match=r"12% of a\.png is transparent: say max_hole=1"):
        transparent(Picture(alpha, alpha), "a.png", 0.1)
    with pytest.raises(ValueError, match=r"a\.png has no alpha"):
        transparent(Picture(alpha), "a.png")
    for level, words in {0: "everything in a.png", full: "nothing in a.png"}.items():
        with pytest.raises(ValueError, match=words):
            transparent(Picture(alpha, np.full_like(alpha, level)), "a.png")


def test_a_photograph_is_no_mask(mask_file):
    photo = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)
    with pytest.raises(ValueError, match=r"does not look like a mask.*swapped"):
        read_hole(mask_file(photo), SIZE)


@pytest.mark.parametrize("threshold", [-1, 255, 300])
def test_threshold_out_of_range(box, mask_file, threshold):
    with pytest.raises(ValueError, match="`threshold`"):
        read_hole(mask_file(box), SIZE, threshold=threshold)
