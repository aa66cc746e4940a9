"""Lists, tables, manifests and folders with odd names: pictures or one line."""

import contextlib
import inspect
import itertools
import json
import os
import re
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import strategies as st

from farfill.data.check import check_sizes
from farfill.data.folder import Folder
from farfill.evaluation import manifest
from farfill.inpainting.pairing import pair
from helpers.fuzz import attempt, fuzz, refusal
from helpers.malformed import damaged, names, whole_pictures

PICTURES = ("a.png", "b c.jpg", "sub/d.tif", "日本.png", "\udcff.png", "~.png")
OPTIONS = dict.fromkeys(inspect.signature(Folder).parameters) | {
    "val_fraction": 0.5,
    "resize": 16,
    "on_error": "raise",
}


def fill(folder: Path) -> Path:
    """Six pictures, beside which a list may lie."""
    for name in PICTURES:
        path = folder / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(whole_pictures()["RGB.png"])
    return folder / "pictures"


_NAMES = "/a.png ./a.png ../pictures/a.png none.png ~/a.png ~nobody/a.png a.txt a # .png -a.png /"
_LINES = "a.png 1|a.png\t0|b c.jpg  1|# a.png|a.png a.png a.png|\0.png|a\0.png|a\u2028b.png"
_LONG = ["\x85.png", "x" * 300 + ".png", "a.png " * 5000, " " * 50_000 + "a.png 1", ".png" * 20_000]
_ENTRIES = st.sampled_from(
    [*PICTURES[:4], *_NAMES.split(), *_LINES.split("|"), "/dev/null.png", *_LONG]
)
_ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "latin-1", "utf-16", "utf-32", "cp037"])


@st.composite
def lists(draw: st.DrawFn) -> bytes:
    """The content of a list file."""
    lines = draw(st.lists(st.one_of(_ENTRIES, _ENTRIES, st.text(max_size=30)), max_size=8))
    ending = draw(st.sampled_from(["\n", "\r\n", "\r", "\n\n", "\u2028", ""]))
    content = ending.join(lines).encode(draw(_ENCODINGS), errors="replace")
    return draw(damaged(content)) if draw(st.booleans()) else content


cases = st.fixed_dictionaries(
    {
        "train": lists(),
        "val": st.none() | lists(),
        "renamed": st.none() | lists(),
        "label": st.sampled_from([None, "1", 0, "é"]),
    }
)


@fuzz(400, cases)
def test_lists_name_pictures_or_one_line_names_the_list(folder, case):
    root = fill(folder)
    for name in ("train", "val", "renamed"):
        if case[name] is not None:
            (folder / f"{name}.txt").write_bytes(case[name])
    options = OPTIONS | {
        "root": str(root),
        "train_list": "../train.txt",
        "train_label": case["label"],
        "val_list": None if case["val"] is None else "../val.txt",
        "renamed": None if case["renamed"] is None else "../renamed.txt",
    }
    try:
        split = Folder(**options).split()
        check_sizes([*split.train, *split.val], 16, 8)
    except (ValueError, OSError) as error:
        refusal(error, folder.name, longest=2100)  # it may quote a line
        return
    assert all(path.is_file() for path in (*split.train, *split.val))
    assert not set(split.train) & set(split.val)


@fuzz(200, st.lists(names("png"), min_size=1, max_size=5, unique=True))
def test_every_name_is_found_and_has_a_side(folder, case):
    root = folder / "pictures"
    root.mkdir()
    (root / "loop").symlink_to(root)
    (root / "dangling").symlink_to(root / "nowhere")
    for name in case:
        (root / name).write_bytes(whole_pictures()["RGB.png"])
    visible = {name for name in case if not name.startswith(".")}
    try:
        split = Folder(**OPTIONS | {"root": str(root)}).split()
    except ValueError as error:
        assert not visible
        refusal(error, "pictures")
        return
    assert {path.name for path in (*split.train, *split.val)} == visible
    check_sizes([*split.train, *split.val], 16, 8)


_STRANGE = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
_ENTRY = manifest.Entry(0, "a.png", "", "00", "11", [0, 0, 4, 4], "a.png")
_WHOLE = manifest.Manifest(
    1, [8, 8], "box", [_ENTRY, manifest.Entry(**asdict(_ENTRY) | {"index": 1})]
)
_FIELDS = st.sampled_from([*asdict(_WHOLE), "hash", "strange"])
_ENTRY_FIELDS = st.sampled_from([*asdict(_ENTRY), "strange"])


@st.composite
def manifests(draw: st.DrawFn) -> bytes:
    """A manifest with damaged bytes, or with a field of another kind under a right hash."""
    content = {"hash": _WHOLE.hash, **asdict(_WHOLE)}
    whole = json.dumps(content).encode()
    match draw(st.sampled_from(["damaged", "field", "entry", "deep", "other"])):
        case "damaged":
            return draw(damaged(whole))
        case "field":
            content[draw(_FIELDS)] = draw(_STRANGE)
        case "entry":
            content["entries"][0][draw(_ENTRY_FIELDS)] = draw(_STRANGE)
        case "deep":
            return b"[" * draw(st.integers(1, 200_000))
        case "other":
            return json.dumps(draw(_STRANGE)).encode(draw(_ENCODINGS), errors="replace")
    with contextlib.suppress(TypeError, ValueError):
        entries = [manifest.Entry(**one) for one in content["entries"]]
        content["hash"] = replace(_WHOLE, entries=entries).hash
    return json.dumps(content).encode()


@fuzz(400, manifests())
def test_a_manifest_can_be_compared_or_is_refused(folder, case):
    path = folder / "manifest.json"
    path.write_bytes(case)
    frozen = attempt(lambda: manifest.read(path), str(path))
    if frozen is None:
        return
    # Neither what is for people only nor what the entries are worth is compared.
    alike = {"folder": _ENTRY.folder, "cluster": _ENTRY.cluster}
    by_index = {one.index: replace(one, **alike) for one in frozen.entries}
    if by_index != dict(enumerate(_WHOLE.entries)):
        with pytest.raises(ValueError, match="manifest: the data differ") as error:
            manifest.require_same(_WHOLE, frozen)
        refusal(error.value)


choices = st.one_of(
    names("png"), st.sampled_from(["", ".", "..", "/", "~", "\0", "x" * 300 + ".png"])
)


@fuzz(300, st.tuples(*[st.one_of(choices, st.lists(choices, max_size=3))] * 3, st.booleans()))
def test_names_pair_up_or_one_line_says_why(folder, case):
    """Whatever the names, what exists is neither read nor replaced here."""
    *given, make = case
    with contextlib.chdir(folder):
        inputs = [[one] if isinstance(one, str) else one for one in given[:2]]
        for name in itertools.chain(*inputs):
            if make and len(os.fsencode(name)) < 256 and re.fullmatch(r"(?s)[^/\0]*\.\w+", name):
                Path(name).write_bytes(b"old")
        paired = attempt(lambda: pair(*given))
        if paired is None:
            return
        jobs, refused = paired
        assert jobs
        assert not refused  # which takes folders
        taken = {path for job in jobs for path in (job.image, job.mask)}
        assert not taken & {job.output for job in jobs}
        assert all(path.read_bytes() == b"old" for path in taken)
