"""What a public project has beside its code: the hub's entry points, the image, the forms."""

import re
import runpy
import tomllib
from pathlib import Path

import torch
import yaml

from farfill import ContextualAttention, Generator
from farfill.checkpoint import describe

ROOT = Path(__file__).parents[2]
GENERATOR = {"_target_": "farfill.generator.two_stage.Generator", "channels": 2}


def hub(entry, *args, **kwargs):
    return torch.hub.load(str(ROOT), entry, *args, source="local", **kwargs)


def test_the_hub_gives_a_generator_of_a_checkpoint(tmp_path):
    expected = Generator(2).eval()
    weights = {f"generator.{name}": value for name, value in expected.state_dict().items()}
    torch.save(
        {"farfill": describe({"generator": GENERATOR}), "state_dict": weights}, tmp_path / "a.ckpt"
    )
    generator = hub("generator", tmp_path / "a.ckpt")
    inputs = torch.rand(1, 3, 16, 16), torch.ones(1, 1, 16, 16)
    assert torch.equal(generator(*inputs).refined, expected(*inputs).refined)


def test_the_hub_gives_the_layer_and_lists_both():
    layer = hub("contextual_attention", rate=1)
    assert isinstance(layer, ContextualAttention)
    assert layer.rate == 1
    names = runpy.run_path(str(ROOT / "hubconf.py"))  # as torch.hub.list does with one on GitHub
    listed = {name for name, value in names.items() if callable(value) and name[0] != "_"}
    assert listed == {"generator", "contextual_attention"}


def test_the_workflow_runs_targets_that_are_there():
    workflow = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text())
    runs = {step["run"] for step in workflow["jobs"]["tests"]["steps"] if "run" in step}
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {"make test", "make lint", "make docs"} <= runs
    assert runs <= {f"make {target}" for target in targets}


def test_the_image_copies_and_runs_what_is_there():
    """Docker is not asked: what the build takes in, and the commands that it names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert lines[0] == "*"
    taken = [line.removeprefix("!") for line in lines[1:]]
    assert all((ROOT / name).exists() for name in taken)
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = [*wheel["only-include"], *wheel["force-include"], *project["project"]["license-files"]]
    needed += [project["project"]["readme"], "pyproject.toml", "constraints.txt"]
    assert {name.split("/")[0] for name in needed} == set(taken)
    text = (ROOT / "Dockerfile").read_text()
    assert set(re.findall(r"\bfarfill-[a-z]+", text)) <= set(project["project"]["scripts"])
    oldest = project["project"]["requires-python"].removeprefix(">=")
    assert set(re.findall(r"python:(.+)-slim", text)) == {oldest}
