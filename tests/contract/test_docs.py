"""What README and documentation say is there: links, commands, options, names."""

import inspect
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import torch
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from markdown_it import MarkdownIt

from farfill import Generator
from farfill.cli import inpaint, sweep
from farfill.config.check import check_knobs
from farfill.config.names import REFUSED, RENAMED, renamed
from farfill.config.paths import conf_dir
from helpers.compose import composed

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
MANUAL = [README, *sorted((ROOT / "docs").glob("*.md"))]
PAGES = [
    *MANUAL,
    *(ROOT / name for name in ("CONTRIBUTING.md", "CHANGELOG.md")),
    *(ROOT / folder / "README.md" for folder in ("ablations", "benchmarks")),
]
CONFIG = {"src/train.py": "train", "src/evaluate.py": "evaluate", "farfill-dashboard": "dashboard"}
#: Options of Hydra that end before a configuration is used.
NO_RUN = {"--help", "-sc"}
#: What a reader is to write.
OWN = "attention=mine"


def tokens(page: Path):
    for token in MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8")):
        yield token
        yield from token.children or ()


def links(page: Path) -> set[str]:
    found = {token.attrGet("href") or token.attrGet("src") for token in tokens(page)}
    return {str(link) for link in found if link and not str(link).startswith("https://")}


def anchors(page: Path) -> set[str]:
    """Of headings as GitHub makes them, and of what the API page documents."""
    lines = page.read_text(encoding="utf-8").splitlines()
    headings = (line.lstrip("#").strip().lower() for line in lines if line.startswith("#"))
    slugs = {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in headings}
    return slugs | {line.removeprefix("::: ") for line in lines if line.startswith("::: ")}


def commands(*pages: Path) -> list[list[str]]:
    """Words of every line of a shell block, and of every command in the text."""
    found = []
    for token in (token for page in pages for token in tokens(page)):
        if token.type == "fence" and token.info == "sh":
            found += token.content.replace("\\\n", " ").splitlines()
        elif token.type == "code_inline" and token.content.startswith(("python src/", "farfill-")):
            found.append(token.content)
    return [words for line in found if (words := shlex.split(line, comments=True))]


def of_hydra() -> list[str]:
    """Commands that Hydra configures, each once."""
    lines = []
    for words in commands(*PAGES):
        name, *arguments = words[1:] if words[0] == "python" else words
        if name in CONFIG and arguments and not NO_RUN & set(arguments) and OWN not in arguments:
            lines.append(shlex.join([name, *(word for word in arguments if word != "...")]))
    return list(dict.fromkeys(lines))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path):
    for link in links(page):
        place, _, anchor = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("line", of_hydra())
def test_commands_compose(line: str):
    name, *arguments = shlex.split(line)
    given = [word for word in arguments if word != "-m"]
    config = CONFIG[name] if name.startswith("src/") else "train"
    assert renamed(given, config) == given, "an old name"
    overrides = [
        f"{one.get_key_element()}={next(one.sweep_string_iterator())}"
        if one.is_sweep_override()
        else one.input_line
        for one in OverridesParser.create().parse_overrides(given)
    ]
    folder = "run" if CONFIG[name] == "dashboard" else "."
    cfg = composed(*overrides, name=CONFIG[name], folder=folder, hydra=True)
    if CONFIG[name] == "train":
        own = [text for text in overrides if not text.startswith(("hydra", "+"))]
        del cfg.hydra
        check_knobs(cfg, own, {})


def test_inpainting_commands_are_understood():
    lines = [words[1:] for words in commands(*PAGES) if words[0] == "farfill-inpaint"]
    lines = [words for words in lines if len(words) > 1]
    assert len(lines) > 3
    for words in lines:
        settings = inpaint.parse(words)
        assert settings.image
        assert settings.mask or settings.mask_from_alpha
        assert settings.output


def test_sweep_commands_are_understood():
    lines = [words[1:] for words in commands(*PAGES) if words[0] == "farfill-sweep" and words[1:]]
    assert {words[0] for words in lines} == {"status", "missing", "rerun"}
    for words in lines:
        with pytest.raises(SystemExit) as end:  # there is no such sweep: status 2, one sentence
            sweep.main(words)
        assert end.value.code == 2


def test_commands_and_targets_exist():
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        gone = {"farfill-sync"} if page.name == "CHANGELOG.md" else set()
        assert set(re.findall(r"\bfarfill-[a-z]+\b", text)) <= {*scripts, *gone}
    said = {words[1] for words in commands(*PAGES) if words[0] == "make"}
    assert said <= set(targets)


def test_tables_list_every_option():
    rows = re.findall(
        r"^\| `(\w+)` \| ([^|]+) \|", "\n".join(map(Path.read_text, MANUAL)), re.MULTILINE
    )
    checked = 0
    for group, options in rows:
        listed = set(re.findall(r"`([a-z_0-9]+)`", options))
        if (conf_dir() / group).is_dir() and listed:
            assert listed == {file.stem for file in (conf_dir() / group).glob("*.yaml")}, group
            checked += 1
    assert checked > 10


def promises() -> list[tuple[str, str]]:
    """Rows of ``docs/promises.md``: the promise, and the test's file."""
    lines = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8").splitlines()
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines if "| `" in line
    ]
    return [(promise, test.strip("`")) for promise, _, test in cells]


@pytest.mark.parametrize(("promise", "file"), promises())
def test_every_promise_has_a_test_of_its_name(promise: str, file: str):
    name = re.sub(r"[^a-z0-9_]+", "_", promise.lower().replace("'", ""))
    assert f"\ndef test_{name}(" in (ROOT / file).read_text(encoding="utf-8")


def test_every_old_name_is_listed():
    text = (ROOT / "docs" / "migrating.md").read_text()
    for old, new in RENAMED.items():
        parent, _, end = old.rpartition(".")
        assert f"`{old}`" in text or (f"`.{end}`" in text and f"`{parent}." in text)
        assert f"`{new}`" in text or f"`.{new.rpartition('.')[2]}`" in text


def test_words_that_are_refused_are_listed():
    text = (ROOT / "docs" / "migrating.md").read_text()
    assert all(re.search(rf"^\| `{name}\b", text, re.MULTILINE) for name in REFUSED)


def test_examples_in_python_are_python():
    blocks = [token.content for page in MANUAL for token in tokens(page) if token.info == "python"]
    assert len(blocks) > 2
    for block in blocks:
        compile(block, "README", "exec")


def test_the_example_of_an_attention_is_one():
    page = ROOT / "docs" / "extending.md"
    blocks = {token.info: token.content for token in tokens(page) if token.type == "fence"}
    names = {}
    exec(blocks["python"], names)
    options = yaml.safe_load(blocks["yaml"])
    kind = names[options.pop("_target_").rpartition(".")[2]]
    assert set(inspect.signature(kind).parameters) == set(options)
    features, hole = torch.ones(2, 3, 8, 8), torch.zeros(1, 1, 8, 8)
    features[..., 2:5, 1:7] = 5
    hole[..., 2:5, 1:7] = 1
    assert torch.equal(kind(**options)(features, features, hole)[0], torch.ones(2, 3, 8, 8))
    completion = Generator(4, kind(**options))(torch.zeros(1, 3, 8, 8), hole[:1])
    assert completion.refined.isfinite().all()


def test_readme_is_short():
    assert len(README.read_text().splitlines()) <= 150


def test_the_site_builds_without_a_warning(tmp_path: Path):
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    (tmp_path / "src").symlink_to(ROOT / "src")
    zensical = Path(sys.executable).with_name("zensical")
    built = subprocess.run(
        [zensical, "build", "--strict"], cwd=tmp_path, capture_output=True, text=True
    )
    assert built.returncode == 0, built.stdout + built.stderr
    assert "load_generator" in (tmp_path / "build" / "docs" / "api.html").read_text()
