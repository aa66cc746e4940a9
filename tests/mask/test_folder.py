import cv2
import numpy as np
import pytest

from farfill.mask.folder import Folder

OPTIONS = {"invert": False, "threshold": 127, "flip": False, "patch_height": 4, "patch_width": 4}


def corner(height=16, width=16):
    """White in the upper left quarter."""
    grey = np.zeros((height, width), np.uint8)
    grey[: height // 2, : width // 2] = 255
    return grey


def save(path, picture):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), picture)


def folder(root, **changes):
    return Folder(root=str(root), **OPTIONS | changes)


def test_white_is_the_hole_and_invert_swaps(tmp_path):
    save(tmp_path / "a.png", corner())
    rng = np.random.default_rng(0)
    hole = folder(tmp_path)(rng, 16, 16)
    np.testing.assert_array_equal(hole.mask, corner() > 0)
    np.testing.assert_array_equal(hole.region, hole.mask)
    assert hole.box == (2, 2, 4, 4)
    np.testing.assert_array_equal(folder(tmp_path, invert=True)(rng, 16, 16).mask, corner() == 0)


def test_threshold_is_exclusive(tmp_path):
    save(tmp_path / "a.png", np.array([[126, 127, 128, 255]], np.uint8))
    sampler = folder(tmp_path, patch_height=1, patch_width=1)
    hole = sampler(np.random.default_rng(0), 1, 4)
    assert hole.mask.tolist() == [[False, False, True, True]]


def test_16_bit_and_colour_masks_are_read(tmp_path):
    save(tmp_path / "deep" / "a.png", corner().astype(np.uint16) * 257)
    save(tmp_path / "colour" / "a.png", cv2.cvtColor(corner(), cv2.COLOR_GRAY2BGR))
    for name in ("deep", "colour"):
        hole = folder(tmp_path / name)(np.random.default_rng(0), 16, 16)
        np.testing.assert_array_equal(hole.mask, corner() > 0)


def test_masks_are_stretched_and_stay_binary(tmp_path):
    save(tmp_path / "a.png", corner(40, 20))
    hole = folder(tmp_path)(np.random.default_rng(0), 16, 24)
    np.testing.assert_array_equal(hole.mask, corner(16, 24) > 0)


def test_every_file_and_every_mirroring_is_drawn(tmp_path):
    save(tmp_path / "a.png", corner())
    save(tmp_path / "below" / "B.PNG", corner() // 255 * np.eye(16, dtype=np.uint8) * 255)
    save(tmp_path / ".hidden.png", 255 - corner())
    rng = np.random.default_rng(0)
    sampler = folder(tmp_path, flip=True)
    drawn = {sampler(rng, 16, 16).mask.tobytes() for _ in range(100)}
    a, b = corner() > 0, (corner() > 0) & np.eye(16, dtype=bool)
    expected = {f.tobytes() for m in (a, b) for f in (m, m[::-1], m[:, ::-1], m[::-1, ::-1])}
    assert drawn == expected


@pytest.mark.parametrize(("level", "reason"), [(0, "no pixel"), (255, "every pixel")])
def test_all_or_nothing_is_refused_by_name(tmp_path, level, reason):
    save(tmp_path / "fine.png", corner())
    save(tmp_path / "wrong.png", np.full((16, 16), level, np.uint8))
    with pytest.raises(ValueError, match=rf"wrong\.png is refused because {reason} is missing"):
        folder(tmp_path).check(16, 16)


def test_a_mask_that_vanishes_when_resized_is_refused(tmp_path):
    speck = np.zeros((64, 64), np.uint8)
    speck[0, 0] = 255
    save(tmp_path / "speck.png", speck)
    folder(tmp_path).check(64, 64)
    with pytest.raises(ValueError, match=r"speck\.png .* at 16 x 16 pixels"):
        folder(tmp_path)(np.random.default_rng(0), 16, 16)


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"needs mask\.root="):
        Folder(root=None, **OPTIONS).check(16, 16)
    with pytest.raises(FileNotFoundError, match=r"mask\.root.*absent"):
        folder(tmp_path / "absent").check(16, 16)
    with pytest.raises(ValueError, match=r"mask\.root: no mask file"):
        folder(tmp_path).check(16, 16)
    (tmp_path / "broken.png").write_text("no picture")
    with pytest.raises(ValueError, match=r"cannot read the picture .*broken\.png"):
        folder(tmp_path).check(16, 16)


def test_a_patch_larger_than_the_picture_is_refused(tmp_path):
    save(tmp_path / "a.png", corner())
    with pytest.raises(ValueError, match=r"mask\.patch_height"):
        folder(tmp_path).check(3, 16)


def test_half_a_jpeg_is_no_mask(tmp_path):
    save(tmp_path / "a.jpg", corner(64, 64))
    data = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(data[: -len(data) // 8])
    with pytest.raises(ValueError, match=r"cannot read the picture .*a\.jpg: .*truncated"):
        folder(tmp_path).check(16, 16)


def test_a_mask_that_promises_too_much_is_refused_until_the_limit_is_raised(tmp_path):
    save(tmp_path / "a.png", corner())
    folder(tmp_path, max_file_pixels=256).check(16, 16)
    with pytest.raises(ValueError, match=r"more than 255 pixels: raise mask\.max_file_pixels"):
        folder(tmp_path, max_file_pixels=255).check(16, 16)
