"""A server of one page: it takes a picture and a mask, and answers with the filled picture.

Nothing is kept between two requests, written outside a folder that ends with the request, or sent
anywhere.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory

import numpy as np
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from farfill.image.hole import hole_of
from farfill.image.picture import Picture, read_picture
from farfill.image.read import PictureError, picture_size
from farfill.image.write import write_picture
from farfill.inpainting.inpainter import Inpainter
from farfill.machine import tune_processor
from farfill.text import one_line

PAGE = Path(__file__).with_name("page")
#: What a machine calls itself.
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

_OF_THE_REQUEST = (ValueError, OSError, RuntimeError, MemoryError, HTTPException)


@dataclass(frozen=True)
class Limits:
    """What the server accepts.

    Attributes:
        bytes: Of picture and mask together, as they are sent.
        pixels: Of the picture, as its header has them.
        waiting: Pictures that wait for their turn; one is filled at a time.
        hosts: Names by which the server may be called; None: any. A page of another site could
            otherwise let its own name point here.
    """

    bytes: int = 50_000_000
    pixels: int = 25_000_000
    waiting: int = 8
    hosts: frozenset[str] | None = LOOPBACK


class RefusedError(ValueError):
    """A request that is not served, with the status of HTTP that says so."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Server:
    """Fills one picture after the other.

    Args:
        fillers: What fills, by name; the first is what the page begins with.
        about: One line on it, for the page.
        example: A picture that the page offers.
        limits: What is accepted.
    """

    def __init__(
        self, fillers: Mapping[str, Inpainter], about: str, example: Path, limits: Limits
    ) -> None:
        self.fillers, self.about, self.example = fillers, about, example
        self.limits, self.queue, self.waiting = limits, asyncio.Lock(), 0

    def application(self) -> Starlette:
        """The page, and what it calls: ``about``, ``example`` and ``fill``."""
        return Starlette(
            routes=[
                Route("/about", self._about),
                Route("/example", self._example),
                Route("/fill", self._fill, methods=["POST"]),
                Mount("/", StaticFiles(directory=PAGE, html=True)),
            ],
            exception_handlers=dict.fromkeys(_OF_THE_REQUEST, _sentence),
        )

    async def _about(self, request: Request) -> Response:
        limits = {"bytes": self.limits.bytes, "pixels": self.limits.pixels}
        said = {"about": self.about, "methods": [*self.fillers], "limits": limits, "example": True}
        return JSONResponse(said)

    async def _example(self, request: Request) -> Response:
        return FileResponse(self.example)

    async def _fill(self, request: Request) -> Response:
        self._check(request)
        async with request.form(max_files=2, max_fields=1) as form:
            picture, mask = form.get("picture"), form.get("mask")
            if not (isinstance(picture, UploadFile) and isinstance(mask, UploadFile)):
                raise RefusedError(400, "expected a picture and a mask as files of a form")
            filler = self.fillers.get(name := str(form.get("method", next(iter(self.fillers)))))
            if filler is None:
                known = ", ".join(self.fillers)
                raise RefusedError(
                    400, f"there is no method {one_line(name)}: it is one of {known}"
                )
            files = await picture.read(), await mask.read()
        if self.waiting > self.limits.waiting:
            raise RefusedError(503, f"{self.waiting} pictures wait already: try again in a while")
        self.waiting += 1
        try:
            async with self.queue:
                if await request.is_disconnected():  # nobody waits for it any more
                    return Response(status_code=204)
                return await run_in_threadpool(_filled, filler, *files, self.limits.pixels)
        finally:
            self.waiting -= 1

    def _check(self, request: Request) -> None:
        """Refuse what another site's page sends, and what is too large, before it is read."""
        here, origin = request.headers.get("host", ""), request.headers.get("origin")
        if self.limits.hosts is not None and request.url.hostname not in self.limits.hosts:
            raise RefusedError(403, f"this server does not answer to the name {one_line(here)}")
        if origin is not None and origin.partition("://")[2] != here:
            raise RefusedError(
                403, f"this server answers its own page only, not {one_line(origin)}"
            )
        length = request.headers.get("content-length", "")
        # In parts, a request could be longer than it says.
        if not length.isdecimal() or "transfer-encoding" in request.headers:
            raise RefusedError(411, "expected a request that says its length")
        if int(length) > self.limits.bytes:
            raise RefusedError(
                413,
                f"picture and mask have {int(length) / 1e6:.1f} MB, and "
                f"{self.limits.bytes / 1e6:g} MB are accepted: make the picture smaller, or start "
                "farfill-app with more --max-megabytes",
            )


def _sentence(request: Request, error: Exception) -> Response:
    """What went wrong as JSON: ``{"error": one sentence}``."""
    if isinstance(error, HTTPException):
        return JSONResponse({"error": one_line(error.detail)}, error.status_code)
    status = error.status if isinstance(error, RefusedError) else 400
    return JSONResponse({"error": one_line(error)}, status)


def _filled(filler: Inpainter, picture: bytes, mask: bytes, max_pixels: int) -> Response:
    """The filled picture as PNG, all its depth kept, and where it borrowed from.

    A form of three parts: ``picture``; ``said``, JSON, the hole's ``box`` (top, left, height,
    width) and the ``seconds`` that it took; and, if the filler knows, ``sources``: of each pixel of
    the box row and column in the picture, little-endian int32, -1 where the picture is known.
    """
    begun = time.perf_counter()
    tune_processor()  # of this thread
    with TemporaryDirectory(prefix="farfill-app-") as name:
        folder = Path(name)
        try:
            image = _read(folder / "that was sent", picture, max_pixels)
            marked = _read(folder / "of the mask", mask, max_pixels)
        except PictureError as error:
            raise ValueError(str(error).replace(f"{folder}/", "")) from error
        if marked.size != image.size:
            sizes = [f"{one.size[1]} x {one.size[0]} pixels" for one in (marked, image)]
            raise ValueError(f"the mask has {sizes[0]}, but the picture has {sizes[1]}")
        hole = hole_of(marked, "the mask", image.size)
        channels = filler(image.channels, hole)
        write_picture(folder / "filled.png", Picture.of(np.atleast_3d(channels), image.profile))
        parts = {"picture": ("image/png", (folder / "filled.png").read_bytes())}
    rows, columns = (np.flatnonzero(hole.any(axis)) for axis in (1, 0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    shape = [int(rows[0]), int(columns[0]), *hole[box].shape]
    said = {"box": shape, "seconds": time.perf_counter() - begun}
    parts["said"] = ("application/json", json.dumps(said).encode())
    if filler.attention is not None:
        assert not isinstance(filler.attention, list)
        sources = filler.attention.sources[box].astype("<i4")
        parts["sources"] = ("application/octet-stream", sources.tobytes())
    return _form(parts)


def _read(path: Path, content: bytes, max_pixels: int) -> Picture:
    path.write_bytes(content)
    height, width = picture_size(path, None)  # of the header: nothing is decoded yet
    if height * width > max_pixels:
        raise RefusedError(
            413,
            f"the picture has {height * width / 1e6:.1f} megapixels, and {max_pixels / 1e6:g} are "
            "accepted: make it smaller, or start farfill-app with more --max-megapixels",
        )
    return read_picture(path, max_pixels)


def _form(parts: Mapping[str, tuple[str, bytes]]) -> Response:
    """Several files in one answer, as RFC 7578 has it; a browser's ``formData()`` reads it."""
    boundary = token_hex(16)
    body = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n'
        f"Content-Type: {kind}\r\n\r\n".encode()
        + content
        + b"\r\n"
        for name, (kind, content) in parts.items()
    )
    kind = f"multipart/form-data; boundary={boundary}"
    return Response(body + f"--{boundary}--\r\n".encode(), media_type=kind)
