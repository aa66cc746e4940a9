"""What the page's server takes, refuses and answers."""

import asyncio
import io
import json
import re
import time
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from farfill import Generator, Inpainter
from farfill.app.classical import Classical
from farfill.baseline.telea import Telea
from farfill.types import Batch

pytest.importorskip("starlette", reason="the extra `app` is not installed")
pytest.importorskip("multipart", reason="the extra `app` is not installed")

from starlette.testclient import TestClient

from farfill.app.server import Limits, Server

SIZE = (40, 56)
HOLE = np.zeros(SIZE, bool)
HOLE[10:22, 30:50] = True
RNG = np.random.default_rng(0)
HERE = "http://127.0.0.1:7860"


def png(array):
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return file.getvalue()


RGB = RNG.integers(0, 256, (*SIZE, 3), np.uint8)
PICTURE, MASK = png(RGB), png(HOLE.astype(np.uint8) * 255)


def server(limits=None, **fillers):
    torch.manual_seed(0)
    given = fillers or {
        "farfill": Inpainter(Generator(channels=2), "cpu"),
        "telea": Inpainter(Classical(Telea(3)), "cpu"),
    }
    return Server(given, "a test", "example.png", limits or Limits())


@pytest.fixture(scope="module")
def client():
    return TestClient(server(Limits(bytes=20_000, pixels=3000)).application(), HERE)


def post(client, picture=PICTURE, mask=MASK, **more):
    data = {"method": more.pop("method", "farfill")}
    files = {"picture": picture, "mask": mask}
    return client.post("/fill", data=data, files={k: v for k, v in files.items() if v}, **more)


def parts(response):
    """Content of each part of a form."""
    assert response.status_code == 200, response.text
    boundary = response.headers["content-type"].partition("boundary=")[2].encode()
    found = {}
    for part in response.content.split(b"--" + boundary)[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        found[re.search(rb' name="(\w+)"', head)[1].decode()] = content[:-2]
    return found


def test_the_hole_is_filled_as_the_inpainter_fills_it(client):
    found = parts(post(client))
    out = np.asarray(Image.open(io.BytesIO(found["picture"])))
    fill = server().fillers["farfill"]
    np.testing.assert_array_equal(out, fill(RGB, HOLE))
    np.testing.assert_array_equal(out[~HOLE], RGB[~HOLE])
    said = json.loads(found["said"])
    assert said["box"] == [10, 30, 12, 20]
    assert said["seconds"] > 0
    sources = np.frombuffer(found["sources"], "<i4").reshape(12, 20, 2)
    np.testing.assert_array_equal(sources, fill.attention.sources[10:22, 30:50])


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "I;16"])
def test_a_picture_keeps_its_channels_and_its_depth(client, mode):
    deep = RNG.integers(0, 65536, SIZE, np.uint16)
    image = Image.fromarray(deep) if mode == "I;16" else Image.fromarray(RGB).convert(mode)
    before = np.asarray(image)
    out = np.asarray(Image.open(io.BytesIO(parts(post(client, png(before)))["picture"])))
    assert (out.dtype, out.shape) == (before.dtype, before.shape)
    np.testing.assert_array_equal(out[~HOLE], before[~HOLE])
    assert (out[HOLE] != before[HOLE]).any()


def test_a_classical_method_fills_beside_the_network(client):
    found = parts(post(client, method="telea"))
    assert "sources" not in found
    image = torch.from_numpy(RGB).permute(2, 0, 1)[None] / 127.5 - 1
    hole = torch.from_numpy(HOLE)[None, None].float()
    expected = Telea(3)(Batch(image, hole, hole, torch.zeros(1, 4).long(), torch.zeros(1)))
    levels = ((expected[0].permute(1, 2, 0) + 1) * 127.5).round().byte().numpy()
    out = np.asarray(Image.open(io.BytesIO(found["picture"])))
    np.testing.assert_array_equal(out[HOLE], levels[HOLE])


def huge():
    """A few bytes whose header promises 30000 x 30000 pixels."""
    content = bytearray(png(RGB))
    content[16:24] = (30000).to_bytes(4) * 2
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4)
    return bytes(content)


REFUSED = {
    "too large a file": ({"picture": RNG.bytes(30_000)}, 413, "20000|0.02 MB are accepted"),
    "too many pixels": ({"picture": png(np.zeros((60, 60), np.uint8))}, 413, "0.0 megapixels, and"),
    "a header that promises more": ({"picture": huge()}, 413, "900.0 megapixels"),
    "no picture": ({"picture": b"hello"}, 400, "cannot read the picture that was sent: it is none"),
    "no mask of a kind": ({"mask": b"hello"}, 400, "cannot read the picture of the mask: it is"),
    "a mask of another size": (
        {"mask": png(np.full((20, 30), 255, np.uint8))},
        400,
        "the mask has 30 x 20 pixels, but the picture has 56 x 40 pixels",
    ),
    "nothing to fill": ({"mask": png(np.zeros(SIZE, np.uint8))}, 400, "has nothing to fill"),
    "no mask": ({"mask": None}, 400, "expected a picture and a mask as files of a form"),
    "a method that is not there": ({"method": "magic"}, 400, "it is one of farfill, telea"),
    "another site's page": ({"headers": {"origin": "http://evil.com"}}, 403, "not http://evil.com"),
    "another name": ({"headers": {"host": "evil.com:7860"}}, 403, "the name evil.com:7860"),
    "no form": ({"headers": {"content-type": "text/plain"}}, 400, "expected a picture and a mask"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_is_said_in_one_sentence(client, case):
    change, status, words = REFUSED[case]
    response = post(client, **change)
    assert response.status_code == status, response.text
    sentence = response.json()["error"]
    assert re.search(words, sentence), sentence
    assert "/" not in sentence.replace("http://", ""), "a path of the server"


def test_a_request_must_say_its_length(client):
    for headers in ({}, {"content-length": "5", "transfer-encoding": "chunked"}):
        response = client.post("/fill", content=iter([b"hello"]), headers=headers)
        assert response.status_code == 411
        assert "length" in response.json()["error"]


def test_its_own_page_may_ask(client):
    assert post(client, headers={"origin": HERE}).status_code == 200


def test_a_server_for_others_answers_to_any_name():
    public = TestClient(server(Limits(hosts=None)).application(), "http://box.example:7860")
    assert post(public).status_code == 200


def test_the_page_is_there_and_learns_what_there_is(client):
    assert "<title>Farfill</title>" in client.get("/").text
    about = client.get("/about").json()
    assert about["methods"] == ["farfill", "telea"]
    assert about["limits"] == {"bytes": 20_000, "pixels": 3000}
    assert client.get("/../server.py").status_code == 404


class Slow:
    """Takes a while, and counts how many do at once."""

    attention = None
    now = most = done = 0

    def __call__(self, image, mask):
        self.now += 1
        self.most = max(self.most, self.now)
        time.sleep(0.1)
        self.now -= 1
        self.done += 1
        return image


def test_one_picture_is_filled_at_a_time_and_few_wait():
    httpx = pytest.importorskip("httpx")
    slow = Slow()
    application = server(Limits(waiting=1), slow=slow).application()

    async def together():
        transport = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=transport, base_url=HERE) as client:
            files = {"picture": PICTURE, "mask": MASK}
            return await asyncio.gather(*(client.post("/fill", files=files) for _ in range(3)))

    answers = asyncio.run(together())
    assert sorted(answer.status_code for answer in answers) == [200, 200, 503]
    assert (slow.most, slow.done) == (1, 2)
    refused = next(answer for answer in answers if answer.status_code == 503)
    assert "2 pictures wait already" in refused.json()["error"]
