"""Debian's Chromium without a window, driven by its DevTools protocol through two pipes."""

import base64
import fcntl
import io
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

_NAMES = "chromium", "chromium-browser", "google-chrome"
CHROMIUM = next((path for name in _NAMES if (path := shutil.which(name))), None)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")


class Browser:
    """One page.

    Attributes:
        asked: Addresses of all that the page asked for, so far as they were heard of.
        errors: What went wrong in its scripts.
    """

    def __init__(self, pid: int, write: int, read: int) -> None:
        self.pid, self.write, self.read = pid, os.fdopen(write, "wb"), os.fdopen(read, "rb")
        self.rest, self.count = b"", 0
        self.asked: list[str] = []
        self.errors: list[str] = []
        self.session: str | None = None
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log", "DOM"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> Any:
        """Call a method, wait for its answer, and note what else is told meanwhile."""
        self.count += 1
        message = {"id": self.count, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        self.write.write(json.dumps(message).encode() + b"\0")
        self.write.flush()
        while (answer := self._next()).get("id") != self.count:
            self._note(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self.rest:
            more = os.read(self.read.fileno(), 1 << 20)
            assert more, "Chromium has ended"
            self.rest += more
        message, _, self.rest = self.rest.partition(b"\0")
        return json.loads(message)

    def _note(self, event: dict[str, Any]) -> None:
        method, told = event.get("method"), event.get("params", {})
        if method == "Network.requestWillBeSent":
            self.asked.append(told["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(told["exceptionDetails"]))
        elif method == "Log.entryAdded" and told["entry"]["source"] == "security":
            self.errors.append(told["entry"]["text"])

    def open(self, address: str, width: int = 1000, height: int = 800) -> None:
        """Load a page in a window of this size."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.send("Emulation.setDeviceMetricsOverride", **size)
        self.send("Page.navigate", url=address)
        self.run("new Promise(done => document.readyState === 'complete' ? done() : onload = done)")

    def run(self, script: str) -> Any:
        """The value of an expression; promises are waited for."""
        options = {"awaitPromise": True, "returnByValue": True, "userGesture": True}
        answer = self.send("Runtime.evaluate", expression=script, **options)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def upload(self, selector: str, file: Path) -> None:
        """Choose a file, as in the dialog of ``<input type=file>``."""
        root = self.send("DOM.getDocument")["root"]["nodeId"]
        node = self.send("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.send("DOM.setFileInputFiles", files=[str(file)], nodeId=node)

    def mouse(self, *points: tuple[float, float], button: str = "left") -> None:
        """Move to the first point of the window, press, move through the others, let go.

        With ``button="none"``, only move.
        """
        down = int(button != "none")
        steps = [("mouseMoved", points[0]), ("mousePressed", points[0])]
        steps += [("mouseMoved", point) for point in points[1:]]
        for kind, (x, y) in [*steps, ("mouseReleased", points[-1])]:
            if down or kind == "mouseMoved":
                options = {"button": button, "buttons": down, "clickCount": down}
                self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, **options)

    def screenshot(self, height: float) -> Image.Image:
        """What the window shows, from its top."""
        width = self.run("innerWidth")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        content = base64.b64decode(self.send("Page.captureScreenshot", clip=clip)["data"])
        return Image.open(io.BytesIO(content)).convert("RGB")

    def close(self) -> None:
        self.session = None
        self.send("Browser.close")
        os.waitpid(self.pid, 0)


@contextmanager
def browser() -> Iterator[Browser]:
    """Start Chromium with a new profile, and end it."""
    assert CHROMIUM is not None
    (theirs_in, ours_out), (ours_in, theirs_out) = os.pipe(), os.pipe()
    # Chromium takes messages at 3 and gives them at 4, which another of our files may be.
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (theirs_in, theirs_out)]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        pid = os.posix_spawn(
            CHROMIUM,
            [
                *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
                *("--disable-dev-shm-usage", "--disable-background-networking"),
                *("--hide-scrollbars", "--remote-debugging-pipe", f"--user-data-dir={profile}"),
                "about:blank",
            ],
            {**os.environ, "HOME": profile},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_DUP2, high[0], 3),
                (os.POSIX_SPAWN_DUP2, high[1], 4),
            ],
        )
        for end in (theirs_in, theirs_out, *high):
            os.close(end)
        page = Browser(pid, ours_out, ours_in)
        try:
            yield page
        finally:
            page.close()


class Page:
    """The page with a brush, in a browser, as somebody uses it."""

    def __init__(self, browser: Browser, address: str, width: int = 1000) -> None:
        self.browser, self.run = browser, browser.run
        browser.open(address, width)
        self.wait()

    @property
    def said(self) -> str:
        return self.run("$('said').textContent")

    def wait(self) -> str:
        """Wait until no work is being done; what the page says then."""
        end = time.monotonic() + 60
        while self.run("$('controls').disabled"):
            assert time.monotonic() < end, self.said
            time.sleep(0.02)
        return self.said

    def click(self, name: str) -> str:
        """Click on a control's middle."""
        assert self.run(f"$('{name}').checkVisibility() && !$('{name}').disabled"), name
        left, top, width, height = self.box(name)
        self.browser.mouse((left + width / 2, top + height / 2))
        return self.wait()

    def choose(self, name: str, value: object) -> str:
        """Set a slider or a list."""
        events = "for (const kind of ['input', 'change']) $(name).dispatchEvent(new Event(kind))"
        self.run(f"{{const name = '{name}'; $(name).value = {json.dumps(value)}; {events}}}")
        return self.wait()

    def upload(self, name: str, file: Path) -> str:
        self.browser.upload(f"#{name}", file)
        return self.wait()

    def box(self, name: str) -> list[float]:
        """Left, top, width and height in the window."""
        return self.run(
            f"(({{x, y, width, height}}) => [x, y, width, height])($('{name}')"
            ".getBoundingClientRect())"
        )

    def paint(self, *points: tuple[float, float], button: str = "left") -> None:
        """Drag through (column, row) of the picture."""
        left, top, width, height = self.box("stage")
        sides = self.run("[state.picture.width, state.picture.height]")
        self.browser.mouse(
            *((left + x * width / sides[0], top + y * height / sides[1]) for x, y in points),
            button=button,
        )

    def hole(self) -> np.ndarray:
        """What is painted: ``(H, W)``, bool."""
        mask = self.picture("new Promise(done => $('hole').toBlob(done))")
        return mask[..., 3] > 25

    def picture(self, blob: str = "state.results.get('farfill').picture") -> np.ndarray:
        """A picture's channels, of an expression for its file: what the network has filled."""
        read = "reader.readAsDataURL(blob); reader.onload = () => done(reader.result)"
        address = self.run(
            f"(async () => {{const blob = await {blob}, reader = new FileReader();"
            f"return new Promise(done => {{{read}}})}})()"
        )
        content = base64.b64decode(address.partition(",")[2])
        return np.asarray(Image.open(io.BytesIO(content)))
