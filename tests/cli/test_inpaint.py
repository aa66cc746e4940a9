"""The command as a user types it, with a small generator's checkpoint."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import farfill
from farfill.cli.inpaint import Settings, main, parse
from helpers.weights import ship, tiny_weights

SIZE = (21, 34)
NAMES = "image=photo.png", "mask=hole.png", "output=f.png"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    torch.manual_seed(0)
    weights = farfill.Generator(channels=4).state_dict()
    path = tmp_path_factory.mktemp("run") / "last.ckpt"
    config = {"_target_": "farfill.generator.two_stage.Generator", "channels": 4}
    state = {f"generator.{name}": value for name, value in weights.items()}
    torch.save({"farfill": {"generator": config}, "state_dict": state, "global_step": 0}, path)
    return path


@pytest.fixture
def inpaint(checkpoint, tmp_path, monkeypatch, capfd):
    """Run the command in an empty folder: exit status, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    photo = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)
    Image.fromarray(photo).save("photo.png")
    hole = np.zeros(SIZE, np.uint8)
    hole[5:15, 10:25] = 255
    Image.fromarray(hole).save("hole.png")

    def run(*arguments, ckpt_path=checkpoint):
        monkeypatch.setattr(sys, "argv", ["inpaint.py", f"ckpt_path={ckpt_path}", *arguments])
        status = 0
        try:
            main()
        except SystemExit as stop:
            status = stop.code
        return status, *capfd.readouterr()

    return run


def pixels(name):
    return np.asarray(Image.open(name))


def test_one_picture_and_nothing_else_is_left_behind(inpaint):
    status, out, err = inpaint("image=photo.png", "mask=hole.png", "output=filled.png")
    assert (status, err) == (0, "")
    assert "photo.png -> filled.png (34 x 21, hole 21.0%)" in out
    before, after, known = pixels("photo.png"), pixels("filled.png"), pixels("hole.png") == 0
    np.testing.assert_array_equal(after[known], before[known])
    assert (after[~known] != before[~known]).any()
    assert sorted(path.name for path in Path().iterdir()) == ["filled.png", "hole.png", "photo.png"]


def test_weights_go_by_name_and_those_that_come_along_need_none(inpaint, tmp_path, monkeypatch):
    assert inpaint(*NAMES, ckpt_path=None)[0] == 2
    file = tiny_weights(tmp_path / "a.safetensors")
    ship(file, "photographs-256", monkeypatch)
    results = []
    for number, words in enumerate(([], ["weights=photographs-256"], ["--weights", str(file)])):
        name = f"{number}.png"
        monkeypatch.setattr(sys, "argv", ["x", "photo.png", "hole.png", "-o", name, *words])
        main()
        results.append(pixels(name))
    assert all(np.array_equal(one, results[0]) for one in results)
    assert not np.array_equal(results[0], pixels("photo.png"))


def test_weights_that_come_along_say_whether_their_fills_get_detail(inpaint, tmp_path, monkeypatch):
    place = ship(tiny_weights(tmp_path / "a.safetensors"), "garden-64", monkeypatch, detail=True)
    asked = {
        "none": [],
        "name": ["weights=garden-64"],
        "file": [f"weights={place}"],
        "yes": ["weights=a.safetensors", "--detail"],
        "no": ["detail=false"],
        "other": ["weights=a.safetensors"],
    }
    fills = {}
    for name, words in asked.items():
        monkeypatch.setattr(sys, "argv", ["x", *NAMES[:2], f"output={name}.png", *words])
        main()
        fills[name] = pixels(f"{name}.png")
    for name in ("name", "file", "yes"):
        np.testing.assert_array_equal(fills[name], fills["none"])
    np.testing.assert_array_equal(fills["other"], fills["no"])
    assert (fills["no"] != fills["none"]).any()


def test_grey_alpha_and_depth_are_kept(inpaint):
    rng = np.random.default_rng(1)
    grey = rng.integers(0, 65536, SIZE, np.uint16)
    rgba = rng.integers(0, 256, (*SIZE, 4), np.uint8)
    Image.fromarray(grey).save("grey.png")
    Image.fromarray(rgba).save("rgba.png")
    status, _, err = inpaint("image=[grey.png,rgba.png]", "mask=hole.png", "output=out")
    assert (status, err) == (0, "")
    known = pixels("hole.png") == 0
    assert Image.open("out/grey.png").mode == "I;16"
    np.testing.assert_array_equal(pixels("out/grey.png")[known], grey[known])
    np.testing.assert_array_equal(pixels("out/rgba.png")[..., 3], rgba[..., 3])
    np.testing.assert_array_equal(pixels("out/rgba.png")[known], rgba[known])
    assert (pixels("out/rgba.png")[~known] != rgba[~known]).any()


def test_the_attention_picture_shows_the_picture_and_its_key(inpaint):
    names = "image=photo.png", "mask=hole.png", "output=filled.png"
    assert inpaint(*names, "attention=map.png")[0] == 0
    drawn = pixels("map.png")
    assert drawn.shape[1] > SIZE[1]
    assert len(np.unique(drawn.reshape(-1, 3), axis=0)) > 1
    faded = drawn[: SIZE[0], : SIZE[1]][pixels("hole.png") == 0]
    assert ((faded >= 255 * 0.7 - 1) | (faded == 0)).all()


def test_a_large_picture_is_filled_from_crops(inpaint):
    photo = np.random.default_rng(1).integers(0, 256, (200, 300, 3), np.uint8)
    mask = np.zeros((200, 300), np.uint8)
    mask[20:30, 20:30] = mask[150:160, 250:270] = 255
    Image.fromarray(photo).save("large.png")
    Image.fromarray(mask).save("holes.png")
    options = "--crop", "64", "--max-pixels", "5000", "--attention", "map.png"
    status, out, _ = inpaint("large.png", "holes.png", "-o", "f.png", *options)
    assert status == 0
    assert out == "large.png -> f.png (300 x 200, hole 0.5%, 2 crops)\n"
    np.testing.assert_array_equal(pixels("f.png")[mask == 0], photo[mask == 0])
    assert inpaint("large.png", "holes.png", "-o", "g.png", "crop=null", "max_pixels=5000")[
        1
    ].endswith("filled at 86 x 57 and enlarged (max_pixels))\n")
    out = inpaint("large.png", "holes.png", "-o", "h.png", "crop=64", "max_pixels=1000")[1]
    assert "2 crops, 64 x 64 of it filled at 31 x 31 and enlarged" in out


def folder(*names):
    for name in names:
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(Path("photo.png").read_bytes())


def test_a_picture_without_a_mask_fails_alone(inpaint):
    folder("in/a.png", "in/b.png", "in/c.png")
    Path("masks").mkdir()
    for name in ("a.png", "c_mask.png"):
        Path("masks", name).write_bytes(Path("hole.png").read_bytes())
    status, out, err = inpaint("in/", "--mask", "masks/", "-o", "out/")
    assert (status, out.count("->")) == (1, 2)
    assert sorted(path.name for path in Path("out").iterdir()) == ["a.png", "c.png"]
    assert err.startswith("1 not filled:\n  in/b.png: no mask in masks for b.png")


def test_a_folder_shows_how_far_it_is_on_a_terminal(inpaint, monkeypatch):
    folder("in/a.png", "in/b.png", "in/c.png")
    monkeypatch.setenv("FORCE_COLOR", "1")
    status, out, err = inpaint("in", "hole.png", "-o", "out")
    assert (status, out.count("->")) == (0, 3)
    assert "3/3" in err
    assert "left" in err
    assert inpaint("photo.png", "hole.png", "-o", "f.png")[2] == ""


def test_the_hole_may_be_the_pictures_alpha(inpaint):
    rgba = np.dstack([pixels("photo.png"), 255 - pixels("hole.png")])
    Image.fromarray(rgba).save("cut.png")
    status, out, err = inpaint("cut.png", "--mask-from-alpha", "-o", "f.png")
    assert (status, err) == (0, "")
    assert "cannot be seen" not in out
    assert inpaint("photo.png", "hole.png", "-o", "g.png")[0] == 0
    assert (pixels("f.png")[..., 3] == 255).all()
    np.testing.assert_array_equal(pixels("f.png")[..., :3], pixels("g.png"))
    both = inpaint("cut.png", "hole.png", "--mask-from-alpha", "-o", "h.png")
    assert "mask_from_alpha=true makes the hole of the picture's alpha: give no mask" in both[2]
    none = inpaint("photo.png", "--mask-from-alpha", "-o", "h.png")
    assert (none[0], none[2].count("\n")) == (2, 1)
    assert "photo.png has no alpha" in none[2]


def test_the_hole_can_be_larger_and_its_edge_soft(inpaint):
    known = pixels("hole.png") == 0
    far = known.copy()
    far[2:18, 7:28] = False
    for name, option in {"f.png": ("--dilate", "3"), "g.png": ("feather=3",)}.items():
        assert inpaint("photo.png", "hole.png", "-o", name, *option)[0] == 0
        changed = (pixels(name) != pixels("photo.png")).any(2)
        assert not changed[far].any()
        assert changed[known].any()
    assert (pixels("f.png") != pixels("g.png")).any()


def test_a_bad_picture_does_not_lose_the_others(inpaint):
    for name in ("a", "b", "c"):
        Path("in").mkdir(exist_ok=True)
        Path("in", f"{name}.png").write_bytes(Path("photo.png").read_bytes())
    Path("in/b.png").write_text("no picture")
    status, out, err = inpaint("image=in", "mask=hole.png", "output=out")
    assert status == 1
    assert sorted(path.name for path in Path("out").iterdir()) == ["a.png", "c.png"]
    assert out.count("->") == 2
    assert err.startswith("1 not filled:\n  in/b.png: cannot read the picture")


def test_every_option_reaches_its_place(inpaint):
    mask = 1 - pixels("hole.png")[::2, ::2] // 255
    Image.fromarray(mask.repeat(3, 0).repeat(3, 1)).save("odd.png")
    Path("filled.jpg").write_text("old")
    names = "image=photo.png", "mask=odd.png", "output=filled.jpg"
    options = []
    for option, complaint in {
        "lossy=true": "JPEG",
        "overwrite=true": "exists already",
        "resize_mask=true": "its picture is 34 x 21",
        "threshold=0.5": "nothing known",
        "max_hole=1": None,
    }.items():
        status, _, err = inpaint(*names, *options, "invert=true")
        if complaint:
            assert status == 2
            assert complaint in err
            assert err.count("\n") == 1
        options.append(option)
    status, out, _ = inpaint(*names, *options, "invert=true", "max_pixels=200")
    assert status == 0
    assert "filled at 17 x 11 and enlarged" in out
    assert Image.open("filled.jpg").size == SIZE[::-1]


def test_what_does_not_fit_into_memory_is_refused_before_the_work(inpaint):
    status, _, err = inpaint(*NAMES, "memory_limit=0.001")
    assert status != 0
    assert "photo.png takes about" in err
    assert "more than memory_limit: lower max_pixels, or raise memory_limit" in err
    assert err.count("\n") == 1
    assert not Path("f.png").exists()
    assert inpaint(*NAMES, "memory_limit=100")[0] == 0


def test_a_file_that_promises_too_many_pixels_is_refused_until_the_limit_is_raised(inpaint):
    status, _, err = inpaint(*NAMES, "max_file_pixels=713")  # it has 714
    assert (status, err.count("\n")) == (2, 1)
    assert "photo.png: it has more than 713 pixels: raise max_file_pixels" in err
    assert not Path("f.png").exists()
    assert inpaint(*NAMES, "max_file_pixels=714")[0] == 0
    assert inpaint(*NAMES, "max_file_pixels=null", "overwrite=true")[0] == 0


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("threshold=abc", "`threshold` to be a number or null, got 'abc'"),
        ("max_hole=nan", "`max_hole` to be a number, got nan"),
        ("max_hole=0", "`max_hole` above 0 and up to 1, got 0"),
        ("dilate=-1", "`dilate` to be a whole number of at least 0, got -1"),
        ("feather=0.5", "`feather` to be a whole number of at least 0, got 0.5"),
        ("crop=0", "`crop` to be positive or null, got 0"),
        ("mask_from_alpha=2", "`mask_from_alpha` to be true or false, got 2"),
        ("invert=1", "`invert` to be true or false, got 1"),
        ("max_pixels=1.5", "`max_pixels` to be a whole number or null, got 1.5"),
        ("memory_limit=abc", "`memory_limit` to be a number or null, got 'abc'"),
    ],
)
def test_options_of_another_kind_are_named(inpaint, override, words):
    status, _, err = inpaint(*NAMES, override)
    assert (status, err.count("\n")) == (2, 1)
    assert words in err


def test_names_that_are_no_text_work_as_others(inpaint):
    Path("photo.png").rename("\udcff (1)\n.png")
    status, out, err = inpaint("image='\udcff (1)\n.png'", "mask=hole.png", "output=f.png")
    assert (status, err) == (0, "")
    assert out.startswith("\\udcff (1) .png -> f.png")
    assert Path("f.png").exists()


def test_what_takes_long_is_announced(inpaint, monkeypatch):
    monkeypatch.setattr("farfill.inpainting.fill_file._LONG_S", 0)
    status, out, _ = inpaint(*NAMES)
    assert status == 0
    assert "photo.png: about 0 s and 0.1 GB of memory; a smaller max_pixels takes less" in out


def test_bfloat16_fills_nearly_the_same(inpaint):
    for name, options in (("f.png", []), ("h.png", ["precision=bf16"])):
        assert inpaint("image=photo.png", "mask=hole.png", f"output={name}", *options)[0] == 0
    exact, half = (np.asarray(Image.open(name)).astype(int) for name in ("f.png", "h.png"))
    assert np.abs(exact - half).max() < 10
    message = inpaint("image=photo.png", "mask=hole.png", "output=x.png", "precision=int8")[2]
    assert "expected `precision` to be float32 or bf16, got 'int8'" in message


def test_a_format_that_does_not_fit_is_noticed_before_the_work(inpaint, monkeypatch):
    monkeypatch.setattr(
        "farfill.inpainting.fill_file.fill", lambda *_: pytest.fail("filled already")
    )
    Image.fromarray(pixels("photo.png")).convert("RGBA").save("rgba.png")
    names = "image=rgba.png", "mask=hole.png", "output=f.jpg"
    assert "has alpha, which f.jpg cannot keep" in inpaint(*names, "lossy=true")[2]


def test_a_transparent_hole_is_mentioned(inpaint):
    rgba = np.dstack([pixels("photo.png"), 255 - pixels("hole.png")])
    Image.fromarray(rgba).save("rgba.png")
    assert "cannot be seen" in inpaint("image=rgba.png", "mask=hole.png", "output=f.png")[1]


def test_without_weights_one_sentence_says_what_to_do(inpaint, monkeypatch):
    monkeypatch.setattr("farfill.inpainting.inpainter.shipped", dict)
    status, _, err = inpaint(*NAMES, ckpt_path="null")
    assert (status, err.count("\n")) == (2, 1)
    assert "no trained weights come with" in err
    assert "ckpt_path=best.ckpt" in err


@pytest.mark.parametrize("missing", ["image", "mask", "output"])
def test_what_is_missing_is_asked_for_with_an_example(inpaint, missing):
    given = {"ckpt_path": "x.ckpt", "image": "photo.png", "mask": "hole.png", "output": "f.png"}
    status, _, err = inpaint(*(f"{k}={v}" for k, v in given.items()), f"{missing}=null")
    assert status == 2
    assert err.startswith(f"farfill: say `{missing}`, for example {missing}=")


@pytest.mark.parametrize(
    "arguments",
    [
        ("photo.png", "hole.png", "--max-hole", "0.9", "-o", "f.png"),
        ("-o", "f.png", "--max_hole=0.9", "photo.png", "--overwrite", "mask=hole.png"),
        ("--image=photo.png", "max_hole=0.9", "--mask", "hole.png", "--output", "f.png"),
    ],
)
def test_it_is_called_like_any_command(inpaint, arguments):
    assert inpaint("image=photo.png", "mask=hole.png", "output=old.png", "max_hole=0.9")[0] == 0
    status, _, err = inpaint(*arguments)
    assert (status, err) == (0, "")
    assert Path("f.png").read_bytes() == Path("old.png").read_bytes()


@pytest.mark.parametrize("name", ["it's (1), {a} $b.png", "a=b.png", "-[1].png", "true.png"])
def test_any_name_works_without_quotation_marks(inpaint, name):
    Path("photo.png").rename(name)
    assert inpaint(f"image={name}", "mask=hole.png", "output=f.png")[0] == 0
    assert inpaint("-o", "g.png", "--", name, "hole.png")[0] == 0
    assert Path("f.png").read_bytes() == Path("g.png").read_bytes()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a.jpg", "a.jpg"),
        ("'a b.jpg'", "a b.jpg"),
        ("[a.jpg, b.png]", ["a.jpg", "b.png"]),
        ("""["b, c.jpg",'it"s.png',d\\e.png]""", ["b, c.jpg", 'it"s.png', "d\\e.png"]),
        ("[]", []),
        ("2024", "2024"),
    ],
)
def test_lists_are_written_in_brackets(text, names):
    others = "ckpt_path=a.ckpt", "mask=m.png", "output=f.png"
    assert parse([*others, f"image={text}"]).image == names
    assert parse([*others, "--image", text]).image == names


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["a.png", "b.png", "c.png"],
            "got 3 names: -o names the result; for several pictures give folders, or lists",
        ),
        (["image=a.png", "b.png", "c.png"], "`image` is given twice, a.png and b.png"),
        (["--thresh", "3"], "unrecognized arguments: --thresh"),
        (
            ["a.png", "-o", "b.png", "--mask-from-alpha", "--invert"],
            "`invert` is about a mask, and mask_from_alpha=true has none",
        ),
        (["tresh=3"], "there is no setting `tresh`; see"),
        (["image=[a,'b]"], "a quotation mark of the list [a,'b] is not closed"),
        (
            ["image=a", "mask=b", "output=c", "ckpt_path=[a,b]"],
            "`ckpt_path` to be the name of a file, got ['a', 'b']",
        ),
    ],
)
def test_what_cannot_be_understood_is_one_line(inpaint, arguments, words):
    status, out, err = inpaint(*arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert words in err


@pytest.mark.parametrize("program", ["inpaint.py", "farfill-inpaint"])
def test_help_has_both_forms_every_setting_and_the_name_it_was_called_by(
    capsys, monkeypatch, program
):
    monkeypatch.setattr(sys, "argv", [f"/somewhere/{program}", "--help"])
    with pytest.raises(SystemExit, match="0"):
        main()
    out = capsys.readouterr().out
    assert f"usage: {program} IMAGE MASK -o OUTPUT" in out
    assert f"  {program} photo.jpg mask.png -o filled.png" in out
    assert f"  {program} image=[a.jpg,b.png]" in out
    words = " ".join(out.split())
    for name in Settings.model_fields:
        assert re.search(rf"^ +(.*, )?--{name.replace('_', '-')}\b", out, re.MULTILINE)
    assert "so many pixels around the hole are filled, too [0]" in words
    assert "all that is not black (above 25.5), so that" in words
    assert "%" not in out
    assert "conf/" not in out


def test_a_wrong_checkpoint_or_device_is_one_line(inpaint):
    status, _, err = inpaint(*NAMES, ckpt_path="none.ckpt")
    assert (status, err.count("\n")) == (2, 1)
    assert "none.ckpt" in err
    status, _, err = inpaint(*NAMES, "device=toaster")
    assert (status, err.count("\n")) == (2, 1)
    assert "`device`=toaster" in err
    assert not Path("f.png").exists()


def test_help_does_not_wait_for_heavy_imports():
    code = "import sys, farfill.cli.inpaint as i; print({'torch', 'cv2', 'PIL'} & {*sys.modules})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "set()\n"
