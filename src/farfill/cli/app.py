"""``farfill-app``: a page with a brush that fills holes, served on this machine."""

import argparse
import math
import re
import socket
import sys
from typing import Any

from omegaconf import OmegaConf

from farfill import __version__
from farfill.cli.inpaint import named_weights
from farfill.config.instantiate import instantiate
from farfill.config.paths import conf_dir
from farfill.errors import one_line_errors
from farfill.weights.find import shipped

_HELP = """\
Serve a page with a brush: open a picture, paint over what is to go, fill, compare, save.

  farfill-app --ckpt best.ckpt          then open http://127.0.0.1:7860 in a browser
  farfill-app --ckpt last --port 8000   the newest run's

Only this machine reaches it, and nothing is sent anywhere.
"""


@one_line_errors
def main(arguments: list[str] | None = None) -> None:
    """Entry point of ``farfill-app``; exit status 2 if it cannot start."""
    serve(parse(sys.argv[1:] if arguments is None else arguments))


def _above_0(text: str) -> float:
    if not 0 < float(text) < math.inf:
        raise ValueError
    return float(text)


def parse(arguments: list[str]) -> argparse.Namespace:
    """Settings from a command line; ``name=value`` is understood as ``--name value``."""
    parser = argparse.ArgumentParser(
        prog="farfill-app",
        description=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    names = "--ckpt", "--checkpoint", "--weights", "--ckpt-path"
    add(*names, help="as of farfill-inpaint: a file, last, a name ...; else what Farfill has")
    add("--host", default="127.0.0.1", help="address to listen at [127.0.0.1]")
    add("--port", type=int, default=7860, help="0: any that is free [7860]")
    add("--public", action="store_true", help="allow a --host that other machines reach")
    add("--device", default="auto", help="cuda if there is one, else cpu; or cuda:1 ... [auto]")
    add("--precision", default="float32", help="or bf16: faster where the machine has it [float32]")
    add("--max-megabytes", type=_above_0, default=50, help="of picture and mask, as sent [50]")
    add("--max-megapixels", type=_above_0, default=25, help="of the picture [25]")
    add("--version", action="version", version=f"farfill {__version__}")
    spelt = (re.sub(r"^(\w+)=", lambda name: f"--{name[1]}=", word) for word in arguments)
    words = [re.sub(r"^--\w+", lambda flag: flag[0].replace("_", "-"), word) for word in spelt]
    return parser.parse_args(words)


def serve(given: argparse.Namespace) -> None:
    """Serve the page until Ctrl-C.

    Raises:
        ValueError: There are no such weights, device or precision, others could reach ``host``
            without ``public``, the address cannot be had, or the packages of the extra ``app`` are
            not installed.
    """
    _check_host(given.host, given.public)
    try:
        import multipart  # noqa: F401
        import starlette  # noqa: F401
        import uvicorn
    except ImportError as error:
        raise ValueError(f"the page needs {error.name}: pip install 'farfill[app]'") from error
    server = _server(given)
    config = uvicorn.Config(server.application(), log_level="warning", timeout_graceful_shutdown=3)
    family = socket.AF_INET6 if ":" in given.host else socket.AF_INET
    try:
        listening = socket.create_server((given.host, given.port), family=family)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(
            f"{given.host}:{given.port} cannot be had ({reason}): say another --port"
        ) from error
    with listening:
        host = f"[{given.host}]" if ":" in given.host else given.host
        print(f"{server.about}. Open http://{host}:{listening.getsockname()[1]}", flush=True)
        uvicorn.Server(config).run(sockets=[listening])


def _check_host(host: str, public: bool) -> None:
    try:
        addresses = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None)}
    except OSError as error:
        raise ValueError(f"--host {host} is no address of this machine") from error
    alone = all(address.startswith("127.") or address == "::1" for address in addresses)
    if not (alone or public):
        raise ValueError(
            f"--host {host} lets every machine that reaches this one use the page: say --public "
            "if that is meant, or leave --host out"
        )


def _server(given: argparse.Namespace) -> Any:
    """The server with the network and two classical methods beside it."""
    from farfill.app.classical import Classical
    from farfill.app.server import LOOPBACK, Limits, Server
    from farfill.data.sample import Sample
    from farfill.inpainting.inpainter import Inpainter

    checkpoint = named_weights(given.ckpt)
    device = None if given.device == "auto" else given.device
    network = Inpainter.from_pretrained(checkpoint, device, given.precision)
    fillers = {"farfill": network}
    for name in ("telea", "patch_match"):
        baseline = instantiate(OmegaConf.load(conf_dir() / "baseline" / f"{name}.yaml"))
        fillers[name] = Inpainter(Classical(baseline), "cpu")
    weights = sum(weight.numel() for weight in network.predictor.generator.parameters())
    about = f"{checkpoint or next(iter(shipped()))}, {weights / 1e6:.1f} million weights"
    example = Sample(val=["coffee"], resize=None, cache=False).split(train=False).val[0]
    hosts = None if given.public else LOOPBACK | {given.host}
    limits = Limits(int(1e6 * given.max_megabytes), int(1e6 * given.max_megapixels), hosts=hosts)
    return Server(fillers, about, example, limits)


if __name__ == "__main__":
    main()
