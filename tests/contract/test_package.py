"""The package as a user meets it."""

import subprocess
import sys

import pytest

import farfill


def test_importing_is_light():
    """Nothing heavy is loaded before it is used."""
    code = "import sys, farfill; print(sorted({'torch', 'lightning', 'hydra'} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_every_public_name_is_there():
    for name in farfill.__all__:
        assert getattr(farfill, name).__name__ == name
    assert set(farfill.__all__) <= set(dir(farfill))


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(AttributeError, match="ContextualAttention"):
        farfill.Attention  # noqa: B018
