"""Why last.ckpt is ours: Lightning's own saves a step before what belongs to it."""

import pytest

from farfill.callback.pictures import ValidationPictures
from farfill.callback.validate_at_end import ValidateAtEnd
from helpers.children import KILLED, die_at_call, rows_without_times, train_in_child
from helpers.tiny import quiet_fit, random_batch, tiny_module

STOCK = (
    "+callbacks.stock={_target_:lightning.pytorch.callbacks.ModelCheckpoint,filename:last,"
    "dirpath:'${paths.output_dir}/checkpoints',every_n_train_steps:2,enable_version_counter:false}"
)


def validated(folder):
    return [row["step"] for row in rows_without_times(folder) if row.get("val/l1_hole")]


def test_with_the_stock_callback_a_run_killed_in_a_validation_goes_on_without_it(tmp_path):
    options = ("trainer.max_steps=6", "trainer.val_check_interval=2", "baseline=[]")
    # Two batches before training, three at step 2, then the first at step 4.
    die_in_second = die_at_call(ValidationPictures, "on_validation_batch_end", 7)
    for name, more in (("ours", ()), ("stock", ("~callbacks.last_checkpoint", STOCK))):
        run = tmp_path / name
        assert train_in_child(run, *options, *more, prepare=die_in_second) == KILLED
        assert train_in_child(run, *options, *more) == 0
    assert validated(tmp_path / "ours") == ["2", "4", "6"]
    assert validated(tmp_path / "stock") == ["2", "6"]


@pytest.mark.parametrize(
    ("steps", "rhythm"),
    [
        (4, {"max_steps": 3, "val_check_interval": 2, "check_val_every_n_epoch": None}),
        (2, {"max_epochs": 3, "check_val_every_n_epoch": 2}),  # none belongs to the third
    ],
)
def test_the_last_step_is_validated_which_lightning_alone_leaves_out(steps, rhythm):
    for callbacks, count in (([], 1), ([ValidateAtEnd()], 2)):
        module = tiny_module(critic_steps=0)
        calls = []
        module.on_validation_start = lambda calls=calls: calls.append(None)
        batches = [random_batch(module.batch_size, seed) for seed in range(steps)]
        options = {"num_sanity_val_steps": 0, "callbacks": callbacks, **rhythm}
        quiet_fit(module, batches, batches[:1], **options)
        assert len(calls) == count
