"""Pictures of a validation, on disk and in wandb."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import wandb
from lightning.pytorch.loggers import WandbLogger
from PIL import Image

from farfill.callback.pictures import TITLES, ValidationPictures
from farfill.image.contact_sheet import to_uint8
from farfill.types import Completion
from helpers.tiny import random_batch
from helpers.wandb_runs import RecordedRun

BATCH = random_batch(3)
COMPLETION = Completion(BATCH.image * 0.5, BATCH.image * 0.25, None)


@pytest.fixture
def trainer(monkeypatch):
    """One of a run at step 7, with a recorded run of wandb."""
    monkeypatch.setattr(wandb, "Image", lambda pixels, caption="": (pixels, caption))
    paths = [Path(f"folder/{name}.png") for name in "abc"]
    return SimpleNamespace(
        sanity_checking=False,
        is_global_zero=True,
        global_step=7,
        loggers=[WandbLogger(experiment=RecordedRun(id="x", tags=None))],
        datamodule=SimpleNamespace(val_set=SimpleNamespace(paths=paths)),
    )


def validate(callback, trainer, batches=1):
    callback.on_validation_start(trainer, None)
    for number in range(batches):
        callback.on_validation_batch_end(trainer, None, COMPLETION, BATCH, number)
    callback.on_validation_end(trainer, None)


def shown(callback, trainer):
    validate(callback, trainer)
    return trainer.loggers[0].experiment.rows


def test_every_picture_is_shown_with_its_name(tmp_path, trainer):
    (row,) = shown(ValidationPictures(tmp_path, 2), trainer)
    assert row["trainer/global_step"] == 7
    captions = [caption for _, caption in row["val/pictures"]]
    titles = TITLES[:-1]
    assert captions == [f"{name}: {x}" for name in ("0 a.png", "1 b.png") for x in titles]
    pixels = dict(zip(captions, (pixels for pixels, _ in row["val/pictures"]), strict=True))
    completed = COMPLETION.completed(BATCH.image, BATCH.hole)
    np.testing.assert_array_equal(pixels["0 a.png: original"], to_uint8(BATCH.image[0]))
    np.testing.assert_array_equal(pixels["1 b.png: completed"], to_uint8(completed[1]))


def test_the_sheet_on_disk_has_a_row_per_picture(tmp_path, trainer):
    heights = []
    for count in (1, 2, 5, 9):  # two batches have three each
        validate(ValidationPictures(tmp_path / str(count), count), trainer, batches=2)
        with Image.open(tmp_path / str(count) / "step-0000007.png") as sheet:
            heights.append(sheet.height)
    row = heights[1] - heights[0]
    assert row > 0
    assert [(height - heights[0]) / row for height in heights] == [0, 1, 4, 5]


def test_only_the_first_process_draws_what_is_asked_for(tmp_path, trainer):
    callback = ValidationPictures(tmp_path, 2)
    assert not shown(ValidationPictures(tmp_path, 0), trainer)
    for name, value in (("sanity_checking", True), ("is_global_zero", False)):
        assert not shown(callback, SimpleNamespace(**{**vars(trainer), name: value}))
    callback.on_train_end(trainer, None)
    assert not trainer.loggers[0].experiment.rows
    assert not list(tmp_path.iterdir())


def test_other_loggers_are_not_shown_any(tmp_path, trainer):
    trainer.loggers = [SimpleNamespace()]
    callback = ValidationPictures(tmp_path, 1)
    validate(callback, trainer)
    callback.on_train_end(trainer, None)
    assert list(tmp_path.iterdir())
