import os
import pickle
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import albumentations as A
import pytest
import torch
from hydra.utils import instantiate
from PIL import Image

import farfill
from farfill.data.known_source import KnownSource
from farfill.data.listing import Fingerprint
from farfill.datamodule.inpainting import InpaintingData
from farfill.mask.box import Box
from farfill.mask.centre import Centre
from farfill.types import Batch
from helpers.compose import composed
from helpers.runs import tiny_train
from helpers.tiny import DATA

FRAMES = ["landscape.png", "film1_07.png", "film1_08.png", "film2_07.png", "portrait.png"]


@dataclass
class Run:
    """As much of a Trainer as the data module asks for."""

    max_steps: int
    max_epochs: int = -1
    overfit_batches: int = 0
    global_step: int = 0
    state: Any = field(default_factory=lambda: SimpleNamespace(status=None))


@pytest.fixture
def make(paths, pictures, box):
    """Three pictures to train on and two to validate on, so two steps reach the next epoch."""

    def build(source=None, holes=box, steps=6, **changes):
        source = source or pictures(paths[:3], paths[3:])
        data = InpaintingData(source=source, holes=holes, **DATA | changes)
        data.trainer = Run(steps) if steps else None
        return data

    return build


def test_a_process_ends_though_its_loader_is_still_there(paths):
    """Workers do not listen to SIGTERM, by which Python would end them and then wait for them."""
    program = f"""
from datamodule.conftest import Pictures
from farfill.datamodule.inpainting import InpaintingData
from farfill.mask.box import Box
from helpers.tiny import DATA
from pathlib import Path

paths = [Path(path) for path in {[*map(str, paths)]}]
source, holes = Pictures(paths[:3], paths[3:]), Box(8, 8, 0, 0, 0.5, 0.5)
data = InpaintingData(source=source, holes=holes, **DATA | {{"workers": 1}})
data.setup()
loader = data.val_dataloader()
print(next(iter(loader)).image.shape)
"""
    folders = [str(Path(__file__).parents[1]), str(Path(farfill.__file__).parents[1])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(folders)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, timeout=60, capture_output=True, text=True
    )
    assert done.stdout == "torch.Size([2, 3, 16, 16])\n", done.stderr


def ready(data):
    data.setup()
    return data


def equal(first, second):
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("workers", [0, 2])
def test_epochs_differ_and_repeats_agree(make, workers):
    batches = list(ready(make(workers=workers)).train_dataloader())
    assert all(isinstance(batch, Batch) for batch in batches)
    whole = Batch(*(torch.cat(parts) for parts in zip(*batches, strict=True)))
    for index in range(3):
        crops = {i.numpy().tobytes() for i in whole.image[whole.index == index]}
        holes = {h.numpy().tobytes() for h in whole.hole[whole.index == index]}
        assert len(crops) == 4
        assert len(holes) >= 3
    again = list(ready(make(workers=workers)).train_dataloader())
    assert all(equal(a, b) for a, b in zip(batches, again, strict=True))


def test_workers_change_nothing(make):
    alone, helped = (list(ready(make(workers=n)).train_dataloader()) for n in (0, 2))
    assert all(equal(a, b) for a, b in zip(alone, helped, strict=True))


@pytest.mark.parametrize("workers", [0, 2])
def test_from_a_later_start_exactly_the_rest_remains(make, workers):
    whole = list(ready(make()).train_dataloader())
    resumed = ready(make(workers=workers))
    resumed.load_state_dict({"step": 2})
    loader = resumed.train_dataloader()
    assert len(loader) == 6
    rest = list(loader)
    assert len(rest) == 4
    assert all(equal(a, b) for a, b in zip(rest, whole[2:], strict=True))


def test_loading_leaves_the_global_random_state_alone(make):
    torch.manual_seed(0)
    before = torch.get_rng_state()
    list(ready(make(workers=2)).train_dataloader())
    assert torch.equal(before, torch.get_rng_state())


def test_a_step_holds_the_pictures_of_its_updates_in_order(make):
    single = list(ready(make()).train_dataloader())
    (first, second) = ready(make(critic_steps=2, steps=2)).train_dataloader()
    parts = [*first.split(2), *second.split(2)]
    assert all(equal(a, b) for a, b in zip(parts, single, strict=True))


def test_without_steps_every_picture_is_seen(make):
    batches = list(ready(make(steps=None)).train_dataloader())
    assert len(batches) == 2
    assert set(torch.cat([batch.index for batch in batches]).tolist()) == {0, 1, 2}


def test_with_epochs_each_goes_on_where_the_last_one_ended(make):
    whole = list(ready(make()).train_dataloader())
    data = ready(make())
    data.trainer.max_epochs = 3
    loader = data.train_dataloader()
    assert len(loader) == 2
    epochs = []
    for _ in range(3):
        for batch in loader:
            epochs.append(batch)
            data.trainer.global_step += 1
    assert data.state_dict()["step"] == 6
    assert all(equal(a, b) for a, b in zip(epochs, whole, strict=True))


def test_overfitting_repeats_the_same_batches(make):
    data = ready(make())
    data.trainer.overfit_batches = 1
    loader = data.train_dataloader()
    first = next(iter(loader))
    data.trainer.global_step = 1
    second = next(iter(loader))
    assert equal(first, second)


def test_one_hole_per_batch_is_one_per_update(make):
    parts = [
        part
        for batch in ready(make(one_hole_per_batch=True, critic_steps=1)).train_dataloader()
        for part in batch.split(2)
    ]
    assert all(torch.equal(part.hole[0], part.hole[1]) for part in parts)
    assert len({part.hole[0].numpy().tobytes() for part in parts}) > len(parts) // 2


def test_holes_differ_inside_a_batch_by_default(make):
    batches = list(ready(make()).train_dataloader())
    assert sum(torch.equal(b.hole[0], b.hole[1]) for b in batches) <= 1


def test_validation_is_every_picture_once_always_the_same(make):
    data = ready(make(val_batch_size=1))
    first, second = (list(data.val_dataloader()) for _ in range(2))
    assert [batch.index.tolist() for batch in first] == [[0], [1]]
    assert all(equal(a, b) for a, b in zip(first, second, strict=True))
    assert not torch.equal(first[0].hole, first[1].hole)


def test_runs_of_other_seeds_are_measured_on_the_same_holes(make):
    first, other = (ready(make(seed=seed)) for seed in (1, 2))
    assert all(map(equal, first.val_dataloader(), other.val_dataloader()))
    pairs = zip(first.train_dataloader(), other.train_dataloader(), strict=True)
    assert not any(equal(a, b) for a, b in pairs)
    (moved,), (here,) = (ready(make(val_seed=n)).val_dataloader() for n in (2, 1))
    assert torch.equal(moved.image, here.image)
    assert not torch.equal(moved.hole, here.hole)


def test_every_picture_may_have_several_holes_and_keeps_its_first(make, paths):
    once, thrice = (ready(make(val_holes_per_picture=n)) for n in (1, 3))
    assert thrice.val_set.paths == 3 * once.val_set.paths
    assert thrice.val_clusters == 3 * [paths[3].name, paths[4].name]
    first, *more = thrice.val_dataloader()
    assert equal(first, next(iter(once.val_dataloader())))
    assert [batch.index.tolist() for batch in more] == [[2, 3], [4, 5]]
    for batch in more:
        assert torch.equal(batch.image, first.image)
        assert not any(map(torch.equal, batch.hole, first.hole))


def test_the_limit_is_of_pictures_and_not_of_their_holes(make):
    data = ready(make(val_limit=1, val_holes_per_picture=2))
    assert len(data.val_set) == 2
    assert len(set(data.val_set.paths)) == 1


def test_frames_of_one_film_are_one_cluster(make, paths, pictures):
    files = [path.rename(path.with_name(name)) for path, name in zip(paths, FRAMES, strict=True)]
    source = pictures(files[:1], files[1:], cluster=r"\Afilm\d")
    data = ready(make(source, val_holes_per_picture=2))
    assert data.val_clusters == 2 * ["film1", "film1", "film2", "portrait.png"]


def test_validation_may_have_holes_of_its_own(make):
    data = ready(make(val_holes=Centre(8, 8)))
    (batch,) = data.val_dataloader()
    assert batch.box.tolist() == [[4, 4, 8, 8]] * 2


def test_the_limit_takes_evenly_spaced_pictures(make, paths, pictures):
    data = ready(make(pictures(paths[:1], paths[1:]), val_limit=2))
    assert data.val_set.paths == [paths[1], paths[4]]
    assert len(ready(make(val_limit=99)).val_set) == 2


def test_skipping_leaves_out_unreadable_pictures_on_both_sides(make, paths, pictures, caplog):
    for broken in (paths[1], paths[3]):
        broken.write_text("no picture")
    data = make(pictures(paths[:3], paths[3:], on_error="skip"))
    data.setup()
    data.setup("fit")
    assert (data.train_set.paths, data.val_set.paths) == ([paths[0], paths[2]], [paths[4]])
    assert [r.message.startswith("data.on_error=skip: skipped 2 of 5") for r in caplog.records] == [
        True
    ]


def test_raising_names_the_unreadable_picture_before_training(make, paths):
    paths[1].write_text("no picture")
    with pytest.raises(ValueError, match=r"cannot read the picture .*1\.png"):
        make().setup()


@pytest.mark.parametrize("workers", [0, 2])
def test_a_picture_that_fails_later_is_one_sentence(make, paths, workers):
    data = ready(make(workers=workers))
    loader = data.train_dataloader()
    paths[1].write_bytes(paths[1].read_bytes()[:-200])  # the header is fine
    with pytest.raises(ValueError, match=r"\Acannot read the picture .*1\.png: .*\Z") as caught:
        list(loader)
    assert "\n" not in str(caught.value)
    if workers:  # after an error PyTorch leaves this to the garbage collector, which takes 10 s
        loader._iterator._shutdown_workers()


def test_pictures_smaller_than_the_crop_are_found_before_training(make, paths):
    Image.new("RGB", (40, 12)).save(paths[4])
    with pytest.raises(ValueError, match=r"4\.png \(12 x 40\) is smaller than the crop"):
        make().setup()


def test_holes_larger_than_the_picture_are_found_before_training(make):
    large = Box(16, 16, 0, 0, 0.0, 0.0)
    with pytest.raises(ValueError, match="finds no place"):
        make(holes=large).setup()
    with pytest.raises(ValueError, match="finds no place"):
        make(val_holes=large).setup()


def test_an_empty_side_is_one_sentence(make, paths, pictures):
    with pytest.raises(ValueError, match="no picture is left to validate on, all 5"):
        make(pictures(paths, [])).setup()
    with pytest.raises(ValueError, match="no picture is left to train on, all 5"):
        make(pictures([], paths)).setup()
    measure = make(pictures([], paths))
    measure.setup("validate")
    assert len(list(measure.val_dataloader())) == 3


def test_data_sets_can_be_sent_to_spawned_workers(make):
    data = ready(make())
    copy = pickle.loads(pickle.dumps(data.train_set))
    draw = next(iter(data.train_dataloader().batch_sampler))[0]
    assert equal(copy[draw], data.train_set[draw])


@pytest.mark.parametrize("mask", ["box", "centre", "free_form"])
def test_the_default_configuration_works_with_every_mask(mask):
    cfg = composed("data=sample", f"mask={mask}", "datamodule.workers=0")
    data = ready(instantiate(cfg.datamodule))
    (batch,) = data.train_dataloader()
    assert batch.image.shape == (2 * cfg.batch_size, 3, cfg.image_size, cfg.image_size)
    assert set(batch.box[:, 2:].flatten().tolist()) == {cfg.box_size}
    assert len(data.val_set) >= 4


def test_augmentation_is_of_training_pictures_alone():
    plain, coloured = (
        ready(instantiate(composed("data=sample", "datamodule.workers=0", *more).datamodule))
        for more in ([], ["augment=colours"])
    )
    assert all(map(equal, plain.val_dataloader(), coloured.val_dataloader()))
    loaders = [data.train_dataloader() for data in (plain, coloured, coloured)]
    before, after, again = (next(iter(loader)) for loader in loaders)
    assert equal(after, again)
    assert torch.equal(after.hole, before.hole)
    change = (after.image - before.image).abs().mean((1, 2, 3))
    assert (change > 0.01).all()


def test_an_augmentation_that_leaves_less_than_the_crop_is_refused(make):
    small = {"part": A.RandomResizedCrop(size=(8, 8))}
    with pytest.raises(
        ValueError, match=r"\Adatamodule\.augment does not make .* 16 x 16 \("
    ) as said:
        make(augment=small).setup()
    assert "\n" not in str(said.value)


@pytest.mark.parametrize("on_error", ["raise", "skip"])
def test_the_sources_limit_of_pixels_holds_everywhere(make, pictures, paths, on_error):
    data = make(pictures(paths[:3], paths[3:], on_error=on_error, max_file_pixels=24 * 32))
    data.setup()
    data.val_set.read(paths[0])
    data = make(pictures(paths[:3], paths[3:], on_error=on_error, max_file_pixels=24 * 32 - 1))
    with pytest.raises(ValueError, match=r"more than 767 pixels: raise data\.max_file_pixels"):
        data.setup()


def resumed(data, state):
    """As a run goes on: the state comes before the pictures, and again after them."""
    data.load_state_dict(state)
    data.setup("fit")
    data.load_state_dict(state)
    return data


def test_a_run_goes_on_with_its_pictures_wherever_they_lie_now(make, paths, pictures, tmp_path):
    state = ready(make()).state_dict()
    (tmp_path / "else").mkdir()
    moved = [path.rename(tmp_path / "else" / path.name) for path in paths]
    data = make(pictures(moved[:3], moved[3:]))
    assert resumed(data, state).state_dict() == state


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            "replaced",
            r"5 then, 5 now; the first that is another is now 1\.png \(train, \d+ byt",
        ),
        ("removed", r"5 then, 4 now; the first that is another is now 2\.png"),
        ("added", r"5 then, 6 now; the first that is another is now 5\.png \(train"),
        ("last removed", r"5 then, 4 now\): put"),
        ("other side", r"5 then, 5 now; the first that is another is now 3\.png \(train"),
    ],
)
def test_other_pictures_are_refused_by_name(make, paths, pictures, change, says):
    state = ready(make()).state_dict()
    train, val = paths[:3], paths[3:]
    if change == "replaced":
        Image.new("RGB", (24, 32)).save(paths[1])
    elif change == "removed":
        del train[1]
    elif change == "added":
        Image.new("RGB", (24, 32)).save(paths[0].with_name("5.png"))
        train.append(paths[0].with_name("5.png"))
    elif change == "last removed":
        del val[1]
    else:
        train.append(val.pop(0))
    data = make(pictures(train, val))
    data.load_state_dict(state)
    with pytest.raises(ValueError, match=says) as caught:
        data.setup("fit")
    assert "init_from" in str(caught.value)
    late = ready(make(pictures(train, val)))
    with pytest.raises(ValueError, match=says):
        late.load_state_dict(state)


def test_a_run_that_goes_on_skips_the_same_pictures(make, paths, pictures):
    whole = paths[1].read_bytes()
    paths[1].write_text("no picture")
    source = pictures(paths[:3], paths[3:], on_error="skip")
    state = ready(make(source)).state_dict()
    assert state["pictures"]["skipped"] == ["1.png"]
    paths[1].write_bytes(whole)
    data = resumed(make(source), state)
    assert data.train_set.paths == [paths[0], paths[2]]
    assert data.state_dict() == state


def test_a_state_without_pictures_is_taken_and_a_damaged_one_refused(make):
    resumed(make(), {"step": 2})
    state = ready(make()).state_dict()
    for damage in ({"count": "5"}, {"marks": None}, {"skipped": [1]}):
        with pytest.raises(ValueError, match="record of the pictures is damaged"):
            make().load_state_dict(state | {"pictures": state["pictures"] | damage})


def test_the_validation_limit_may_change(make):
    resumed(make(val_limit=1), ready(make()).state_dict())


def test_generated_pictures_have_a_list_too(make):
    def source(train):
        return KnownSource(["periodic"], train, 2, 32, [8, 8], 4, 1)

    state = ready(make(source(3))).state_dict()
    resumed(make(source(3)), state)
    with pytest.raises(ValueError, match=r"5 then, 6 now; .* periodic-000005"):
        resumed(make(source(4)), state)


def test_a_difference_among_many_pictures_is_narrowed_down():
    lines = [f"{number}.png" for number in range(2500)]
    before = Fingerprint.of(lines, [])
    assert len(before.marks) == 834
    assert before.difference(lines) is None
    lines[1234] = "new.png"
    reason = (
        "2500 then, 2500 now; the first that is another is now 1233.png, or one of the 2 after it"
    )
    assert before.difference(lines) == reason


def test_a_run_refuses_to_go_on_with_other_pictures(paths, tmp_path):
    options = ["data=folder", f"data.root='{tmp_path}'", "data.val_fraction=0.3", "baseline=[]"]
    run = tmp_path / ".run"
    tiny_train(run, *options)
    Image.new("RGB", (24, 32)).save(paths[1])
    last = (run / "checkpoints" / "last.ckpt").read_bytes()
    with pytest.raises(ValueError, match="the pictures are not those that the run was begun with"):
        tiny_train(run, *options, "trainer.max_steps=6")
    assert (run / "checkpoints" / "last.ckpt").read_bytes() == last
    start = f"init_from='{run}/checkpoints/last.ckpt'"
    tiny_train(tmp_path / ".new", *options, start)
