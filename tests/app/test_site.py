"""The page with a brush in the built documentation: the browser itself runs the network."""

import base64
import functools
import importlib.util
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import maximum_filter

from helpers.browser import Page, browser, needs_chromium

pytestmark = needs_chromium

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "docs" / "brush" / "build.py"

# A network whose picture is the largest value of 33 x 33 pixels around each, in ONNX:
# make_node("MaxPool", ["image"], ["completed"], kernel_shape=[33, 33], pads=[16] * 4), opset 18.
LARGEST = """
CAk6uQEKRQoFaW1hZ2USCWNvbXBsZXRlZCIHTWF4UG9vbCoVCgxrZXJuZWxfc2hhcGVAIUAhoAEHKhEKBHBhZHNAEEAQQBBA
EKABBxIBZ1oiCgVpbWFnZRIZChcIARITCgMSAW4KAggDCgMSAWgKAxIBd1ohCgRtYXNrEhkKFwgBEhMKAxIBbgoCCAEKAxIB
aAoDEgF3YiYKCWNvbXBsZXRlZBIZChcIARITCgMSAW4KAggDCgMSAWgKAxIBd0IECgAQEg=="""


def built(site, network=None, packages=ROOT / "build" / "npm"):
    spec = importlib.util.spec_from_file_location("build_the_page", BUILD)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.build(site, network, packages)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *words):
        pass


@pytest.fixture
def address(tmp_path):
    handler = functools.partial(Quiet, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/site/index.html"
        server.shutdown()


def with_network(site):
    (site.parent / "network.onnx").write_bytes(base64.b64decode(LARGEST))
    if missing := built(site, site.parent / "network.onnx"):
        pytest.skip(missing)


def filled_by_the_browser(folder, address, image, missing):
    """What the page makes of a picture ``(H, W, 3)`` and its hole; nothing known may change."""
    with_network(folder / "site")
    Image.fromarray(image).save(folder / "image.png")
    Image.fromarray(missing).save(folder / "mask.png")
    with browser() as chromium:
        page = Page(chromium, address)
        page.upload("open", folder / "image.png")
        page.upload("upload", folder / "mask.png")
        assert page.click("fill").startswith("Filled in ")
        filled = page.picture()[..., :3]
        here = address.removesuffix("index.html")
        assert all(url.startswith((here, "blob:", "data:")) for url in chromium.asked)
        assert not chromium.errors
    np.testing.assert_array_equal(filled[~missing], image[~missing])
    return filled


def gradients(height, width):
    rows, columns = np.mgrid[:height, :width]
    return np.dstack([rows + 40, (columns * 7 + rows) % 256, 255 - columns // 2]).astype(np.uint8)


@pytest.mark.parametrize(
    ("hole", "left"),
    [((150, 190, 240, 290), 301 - 256), ((20, 180, 30, 280), 0)],
    ids=["in a crop at the edge", "in the whole picture"],
)
def test_the_browser_fills_a_hole_by_itself(tmp_path, address, hole, left):
    image, missing = gradients(203, 301), np.zeros((203, 301), bool)  # no multiples of 8
    missing[hole[0] : hole[1], hole[2] : hole[3]] = True
    filled = filled_by_the_browser(tmp_path, address, image, missing)
    seen = np.where(missing[..., None], 127.5, image)[:, left:]  # 0 of [-1, 1]
    seen = np.pad(seen, [(0, 5), (0, -seen.shape[1] % 8), (0, 0)], "reflect")
    expected = maximum_filter(seen, (33, 33, 1), mode="constant", cval=-np.inf)
    expected = np.floor(expected[:203, : 301 - left] + 0.5)[missing[:, left:]]
    np.testing.assert_array_equal(filled[missing], expected)


def test_a_large_hole_is_filled_at_reduced_size(tmp_path, address):
    image = np.full((700, 900, 3), (250, 200, 10), np.uint8)
    missing = np.zeros((700, 900), bool)
    missing[150:550, 200:600] = True  # of a part of 700 x 800, of which the network sees 448 x 512
    filled = filled_by_the_browser(tmp_path, address, image, missing)
    reach = 16 * 800 // 512  # pixels of the picture in 16 that the network sees
    inner = filled[150 + reach + 3 : 550 - reach - 3, 200 + reach + 3 : 600 - reach - 3]
    assert (inner == 128).all()  # nothing known is near
    assert (filled[152:548, 202 : 200 + reach - 3] == (250, 200, 128)).all()
    assert (filled[152:548, 600 - reach + 3 : 598] == (250, 200, 128)).all()


def test_a_page_without_a_network_says_so(tmp_path, address):
    words = built(tmp_path / "site")
    assert "make docs ARGS=farfill.onnx puts one in" in words
    with browser() as chromium:
        page = Page(chromium, address)
        assert page.said == words
        page.click("example")
        page.paint((300, 200))
        assert page.click("fill") == words


def test_a_page_without_npm_is_built_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "network.onnx").write_bytes(base64.b64decode(LARGEST))
    words = built(tmp_path / "site", tmp_path / "network.onnx", tmp_path / "npm")
    assert "without onnxruntime-web, which npm did not give" in words
    assert f'"missing": "{words}"' in (tmp_path / "site" / "backend.js").read_text()


def test_a_page_from_the_disk_says_what_it_needs(tmp_path):
    with_network(tmp_path / "site")
    Image.new("RGB", (64, 64)).save(tmp_path / "image.png")
    with browser() as chromium:
        page = Page(chromium, (tmp_path / "site" / "index.html").as_uri())
        page.upload("open", tmp_path / "image.png")
        page.paint((32, 32))
        assert "python -m http.server" in page.click("fill")
