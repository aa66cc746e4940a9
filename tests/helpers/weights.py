"""Small weights, and places where weights are looked for."""

from __future__ import annotations

import json
import shutil
from hashlib import sha256
from pathlib import Path

import pytest

from farfill import Generator
from farfill.weights import find
from farfill.weights.file import write_weights
from farfill.weights.publish import configuration


def tiny_weights(path: Path, generator: Generator | None = None) -> Path:
    """A file of the weights of a generator, of 2 channels if none is given."""
    generator = generator or Generator(channels=2)
    write_weights(path, configuration(generator), generator.state_dict())
    return path


def ship(file: Path, name: str, patch: pytest.MonkeyPatch, detail: bool = False) -> Path:
    """Let these weights come with Farfill for a while, alone; where they then lie."""
    place = file.parent / "shipped" / f"{name}.safetensors"
    place.parent.mkdir()
    shutil.copy(file, place)
    digest = sha256(place.read_bytes()).hexdigest()
    entry = {"name": name, "file": place.name, "sha256": digest, "licence": "CC0-1.0"}
    entry |= {"detail": detail}
    (place.parent / "index.json").write_text(json.dumps([entry]))
    patch.setattr(find, "FOLDER", place.parent)
    return place


def upload(file: Path, cache: Path, model: str, revision: str = "main") -> None:
    """Put weights where huggingface_hub would have downloaded them to, ``HF_HOME``'s ``hub``."""
    place = cache / f"models--{model.replace('/', '--')}"
    commit = sha256(revision.encode()).hexdigest()[:40]
    snapshot = place / "snapshots" / commit
    for folder in (snapshot, place / "refs"):
        folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(file, snapshot / find.FILE)
    (place / "refs" / revision).write_text(commit)
