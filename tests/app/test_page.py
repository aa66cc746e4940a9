"""The page with a brush in a browser: what somebody does with it, and the pixels after that."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from farfill import Inpainter
from farfill.data.sample import Sample
from farfill.image.hole import grow
from farfill.image.read import read_rgb
from helpers.browser import Page, browser, needs_chromium
from helpers.weights import tiny_weights

for name in ("starlette", "uvicorn", "multipart"):
    pytest.importorskip(name, reason="the extra `app` is not installed")
pytestmark = needs_chromium

SCREENSHOTS = "FARFILL_SCREENSHOTS"  # the folder that the documentation's picture is written to
EXAMPLE = Sample(val=["coffee"], resize=None, cache=False).split(train=False).val[0]
SPOON = [(414, 75), (396, 150), (370, 270)]


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    torch.manual_seed(0)
    return tiny_weights(tmp_path_factory.mktemp("weights") / "tiny.safetensors")


def serve(*options):
    """The command's process, and the address that it says."""
    process = subprocess.Popen(
        [sys.executable, "-m", "farfill.cli.app", "--port=0", *options],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip().rpartition(" ")[2]


@pytest.fixture(scope="module")
def address(weights):
    process, address = serve(
        f"--ckpt={weights}", "--max-megapixels=0.3", "--max-megabytes=1", "--device=cpu"
    )
    yield address
    process.terminate()
    assert process.wait(20) == 0 or process.returncode == -15


@pytest.fixture(scope="module")
def chromium():
    with browser() as one:
        yield one
        assert not one.errors


@pytest.fixture
def page(chromium, address):
    """The page with the example open."""
    page = Page(chromium, address)
    assert page.click("example").startswith("600 x 400 pixels")
    return page


@pytest.fixture(scope="module")
def fill(weights):
    return Inpainter.from_pretrained(weights, device="cpu")


def test_a_painted_hole_is_filled_and_the_rest_stays_bit_for_bit(page, fill):
    page.paint(*SPOON)
    hole, image = page.hole(), read_rgb(EXAMPLE)
    for column, row in SPOON:
        assert hole[row - 20 : row + 20, column - 20 : column + 20].all()
    assert 0.02 < hole.mean() < 0.1
    assert page.click("fill").startswith("Filled in ")
    filled = page.picture()
    np.testing.assert_array_equal(filled[~hole], image[~hole])
    assert (filled[hole] != image[hole]).mean() > 0.5
    np.testing.assert_array_equal(filled, fill(image, hole))  # the network's, and no other


def test_a_click_into_the_hole_shows_where_it_borrowed_from(page, fill):
    page.paint(*SPOON)
    fill(read_rgb(EXAMPLE), page.hole())
    assert page.click("fill").endswith("Point into the hole to see where it borrowed from.")
    blank = page.run("$('marks').toDataURL()")
    page.paint((396, 150))
    row, column = fill.attention.sources[150, 396]
    assert f"row 150 borrowed most from column {column}, row {row}: " in page.said
    assert page.run("$('marks').toDataURL()") != blank  # an arrow
    page.paint((100, 350), button="none")
    assert page.run("$('marks').toDataURL()") == blank
    for column, row in SPOON:
        source = page.run(f"sourceOf({column}, {row})")
        assert source[::-1] == fill.attention.sources[row, column].tolist()
    assert page.run("sourceOf(100, 350)") is None


def test_a_hole_is_erased_undone_dilated_and_wiped(page):
    page.paint(*SPOON)
    line = page.hole()
    page.click("dilate")
    np.testing.assert_array_equal(page.hole(), grow(line, 4))
    page.click("undo")
    undone = page.hole()
    assert (undone != line).mean() < 1e-3  # drawn anew in one go: its rim may differ
    page.click("erase")
    page.paint((396, 150))
    erased = page.hole()
    assert not erased[150, 396]
    assert not (erased & ~undone).any()
    page.click("clear")
    assert not page.hole().any()
    for _ in range(2):
        page.click("undo")
    np.testing.assert_array_equal(page.hole(), undone)
    page.run("dispatchEvent(new KeyboardEvent('keydown', {key: 'z', ctrlKey: true}))")
    assert not page.hole().any()
    assert page.run("$('undo').disabled")


def test_a_mask_is_uploaded_and_the_result_filled_again(page, tmp_path, fill):
    mask = np.zeros((400, 600), np.uint8)
    mask[100:180, 200:300] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    page.upload("upload", tmp_path / "mask.png")
    np.testing.assert_array_equal(page.hole(), mask > 0)
    page.click("fill")
    first = page.picture()
    page.click("again")
    assert not page.hole().any()
    page.paint((500, 300), (540, 330))
    hole = page.hole()
    page.click("fill")
    np.testing.assert_array_equal(page.picture(), fill(first, hole))
    saved = page.picture("fetch($('save').href).then(answer => answer.blob())")
    np.testing.assert_array_equal(saved, page.picture())
    assert page.run("$('save').download") == "example_filled.png"


def test_before_and_after_and_classical_methods_stand_side_by_side(page):
    page.paint(*SPOON)
    page.click("fill")
    image, filled = read_rgb(EXAMPLE), page.picture()
    seen = {
        side: page.picture(f"new Promise(done => $('{side}').toBlob(done))")[..., :3]
        for side in ("base", "over")
    }
    np.testing.assert_array_equal(seen["base"], filled)
    np.testing.assert_array_equal(seen["over"], image)
    page.choose("divider", 250)
    assert page.run("$('over').style.clipPath") == "inset(0px 75% 0px 0px)"
    assert page.choose("left", "telea").startswith("Telea took ")
    telea = page.picture("state.results.get('telea').picture")
    over = page.picture("new Promise(done => $('over').toBlob(done))")[..., :3]
    np.testing.assert_array_equal(over, telea)
    hole = page.run("state.missing.indexOf(1)")
    assert (telea.reshape(-1, 3)[hole] != filled.reshape(-1, 3)[hole]).any()
    page.paint((396, 150))
    assert "borrowed most" in page.said  # of the right picture, which is the network's still


def test_what_goes_wrong_is_one_sentence(page, tmp_path):
    assert page.click("fill").startswith("Nothing is painted yet")
    (tmp_path / "words.png").write_text("hello")
    assert page.upload("open", tmp_path / "words.png").startswith("This is not a picture that")
    Image.new("L", (30, 20), 255).save(tmp_path / "small.png")
    assert page.upload("upload", tmp_path / "small.png") == (
        "The mask has 30 x 20 pixels, but the picture has 600 x 400: give a mask of that size."
    )
    Image.new("L", (600, 400), 128).save(tmp_path / "grey.png")
    assert page.upload("upload", tmp_path / "grey.png").startswith("This does not look like a mask")
    Image.new("L", (600, 400), 255).save(tmp_path / "white.png")
    page.upload("upload", tmp_path / "white.png")
    assert page.click("fill").startswith("All is painted")
    Image.new("L", (600, 600)).save(tmp_path / "many.png")
    assert page.upload("open", tmp_path / "many.png") == (
        "The picture has 0.4 megapixels, and 0.3 are accepted."
    )
    noise = np.random.default_rng(0).integers(0, 256, (400, 900, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "large.png")
    assert page.upload("open", tmp_path / "large.png") == (
        "The file has 1.1 MB, and 1 MB are accepted."
    )
    assert page.run("state.picture.width") == 600  # what was open stays
    page.run("state.about.methods[0] = 'magic'")
    page.click("undo")
    page.paint((300, 200))
    assert (
        page.click("fill") == "There is no method magic: it is one of farfill, telea, patch_match."
    )
    assert page.hole()[200, 300]  # what was painted stays


def test_nothing_is_asked_of_another_host(chromium, page, address):
    page.paint(*SPOON)
    page.click("fill")
    assert len(chromium.asked) > 6
    assert all(url.startswith((address, "blob:", "data:")) for url in chromium.asked)
    refused = "fetch('http://127.0.0.2:9/').then(() => 'sent', () => 'refused')"
    assert page.run(refused) == "refused"
    assert "violates" in chromium.errors.pop()  # the page forbids it: nobody had to answer


def test_a_server_that_is_gone_is_said(chromium, weights):
    process, address = serve(f"--ckpt={weights}", "--device=cpu")
    page = Page(chromium, address)
    process.terminate()
    process.wait(20)
    assert page.click("example") == "The server does not answer: start farfill-app again."


@pytest.mark.skipif(SCREENSHOTS not in os.environ, reason=f"{SCREENSHOTS} names no folder")
def test_screenshots(chromium):
    process, address = serve()
    try:
        page = Page(chromium, address, width=760)
        page.click("example")
        page.choose("brush", 20)
        page.paint((414, 75), (396, 150), (375, 240))
        page.paint((350, 270), (385, 265), (375, 300), (350, 300), (350, 270))
        page.click("fill")
        page.paint((396, 150))
        height = round(sum(page.box("stage")[1::2]))
        folder = Path(os.environ[SCREENSHOTS])
        chromium.screenshot(height).save(folder / "app.jpg", quality=85)
    finally:
        process.terminate()
        process.wait(20)
