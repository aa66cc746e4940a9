"""The command that serves the page with a brush."""

import socket
import sys

import pytest

from farfill.cli.app import main, parse, serve
from helpers.command import command
from helpers.weights import tiny_weights


def needs_the_extra():
    for name in ("starlette", "uvicorn", "multipart"):
        pytest.importorskip(name, reason="the extra `app` is not installed")


def test_settings_are_understood_in_both_ways():
    both = (
        parse(["--ckpt", "a.ckpt", "--max-megapixels", "3"]),
        parse(["ckpt_path=a.ckpt", "max_megapixels=3"]),
    )
    assert both[0] == both[1]
    assert (both[0].host, both[0].public) == ("127.0.0.1", False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_an_address_that_others_reach_needs_a_flag(host, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        main(["--host", host])
    assert end.value.code == 2
    error = capsys.readouterr().err
    assert f"farfill: --host {host} lets every machine" in error
    assert "say --public" in error
    with pytest.raises(ValueError, match=r"pip install|nowhere is none of these"):
        serve(parse(["--host", host, "--public", "--weights", "nowhere"]))  # for another reason


@pytest.mark.parametrize("size", ["inf", "nan", "0", "-3", "x"])
def test_a_limit_is_a_number_above_0(size, capsys):
    with pytest.raises(SystemExit):
        parse(["--max-megabytes", size])
    assert "--max-megabytes: invalid" in capsys.readouterr().err


@pytest.mark.parametrize("host", ["nowhere.invalid", "127.0.0.1:80"])
def test_what_is_no_address_is_refused(host):
    with pytest.raises(ValueError, match="is no address"):
        serve(parse(["--host", host]))


def test_without_weights_it_says_what_inpaint_says(tmp_path):
    needs_the_extra()
    weights = ("--weights", "nowhere")
    app = command("app", tmp_path, *weights)
    assert app[0] == 2
    assert app[2].count("\n") == 1
    assert "nowhere is none of these" in app[2]
    (tmp_path / "a.png").touch()
    (tmp_path / "b.png").touch()
    inpaint = command("inpaint", tmp_path, "a.png", "b.png", "-o", "c.png", *weights)
    assert app == inpaint


def test_a_port_that_is_taken_is_refused(tmp_path):
    needs_the_extra()
    weights = str(tiny_weights(tmp_path / "tiny.safetensors"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with pytest.raises(ValueError, match=f"127.0.0.1:{port} cannot be had"):
            serve(parse(["--ckpt", weights, "--port", port]))
    with pytest.raises(ValueError, match="say another --port"):
        serve(parse(["--ckpt", weights, "--port", "99999"]))


def test_a_package_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.setitem(sys.modules, "starlette", object())
    monkeypatch.setitem(sys.modules, "multipart", object())
    with pytest.raises(ValueError, match=r"needs uvicorn: pip install 'farfill\[app\]'"):
        serve(parse([]))
