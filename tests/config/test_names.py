"""Names of settings: earlier ones, those of other houses, and what may be added."""

import pytest
from omegaconf import OmegaConf

from farfill.config.check import check_known_keys
from farfill.config.instantiate import check_kinds
from farfill.config.names import REFUSED, RENAMED, renamed
from helpers.compose import composed
from helpers.runs import compose_tiny


def test_names_of_before_and_of_other_houses_lead_to_todays(capsys):
    given = ["trainer.max_generator_steps=7", "+checkpoint.every=2", "data.batch_size=4", "seed=1"]
    assert renamed([*given, "model.optimizer.weight_decay=0", "model.optimizer.lr=1"]) == [
        "trainer.max_steps=7",
        "callbacks.last_checkpoint.every_n_train_steps=2",
        "batch_size=4",
        "seed=1",
        "++optimizer.weight_decay=0",
        "learning_rate=1",
    ]
    assert "trainer.max_generator_steps is trainer.max_steps" in capsys.readouterr().err


@pytest.mark.parametrize("name", REFUSED)
def test_what_there_is_not_names_what_there_is(name):
    with pytest.raises(ValueError, match=f"no setting {name}: .*") as error:
        renamed([f"{name}=true"])
    assert "\n" not in str(error.value)


def test_what_is_there_may_be_added_and_what_a_library_takes_need_not_be():
    given = {
        "+trainer.max_steps=3": "++trainer.max_steps=3",
        "++seed=3": "++seed=3",
        "+seed=3": "++seed=3",
        "trainer.sync_batchnorm=true": "++trainer.sync_batchnorm=true",
        "trainer.max_steps=3": "trainer.max_steps=3",
        "trainer.strategy.find_unused_parameters=true": (
            "trainer.strategy.find_unused_parameters=true"
        ),
        "+experiment=paper": "experiment=paper",
        "+data@data.pictures=dtd": "+data@data.pictures=dtd",
        "trainer=ddp": "trainer=ddp",
        "~callbacks.health": "~callbacks.health",
        "hydra.run.dir=x": "hydra.run.dir=x",
        "-m": "-m",
    }
    assert renamed(given) == [*given.values()]
    cfg = compose_tiny("trainer.sync_batchnorm=true", "+trainer.max_steps=3", "+seed=3")
    assert (cfg.trainer.sync_batchnorm, cfg.trainer.max_steps, cfg.seed) == (True, 3, 3)


@pytest.mark.parametrize(
    "line",
    [
        "trainer.max_epochs=20 model.optimizer.lr=1e-4",
        "trainer=gpu",
        "trainer=ddp trainer.devices=4 trainer.num_nodes=2",
        "trainer=ddp_sim trainer.devices=2",
        "trainer=gpu +trainer.precision=bf16-mixed",
        "logger=csv",
        "+trainer.gradient_clip_val=0.5",
        "+trainer.val_check_interval=0.25",
        "+trainer.accumulate_grad_batches=10",
        "+trainer.max_time=00:12:00:00",
        "+trainer.limit_train_batches=0.2 +trainer.limit_val_batches=0.2",
        "trainer.sync_batchnorm=true trainer.detect_anomaly=true",
        "debug=overfit",
        "callbacks=default",
        "callbacks=null logger=null baseline=null",
        "experiment=null debug=null model=null hparams_search=null cell=null",
        "+experiment=paper data=folder data.root=x",
        "+logger=csv",
        "data.batch_size=32 data.num_workers=4",
        "data=folder data.data_dir=x",
        "seed=3 trainer.deterministic=True logger=csv tags=[benchmark]",
        "+trainer.resume_from_checkpoint=x.ckpt",
        "model.compile=true extras.print_config=true task_name=mine",
    ],
)
def test_what_users_of_the_template_type_is_understood(line):
    cfg = composed(*renamed(line.split()))
    check_known_keys(cfg)
    check_kinds(cfg)


def test_null_is_the_none_of_a_group_or_leaves_it_as_it_is():
    given = ["attention=null", "logger=null", "baseline=null", "debug=null", "cell=null"]
    assert renamed(given) == ["attention=none", "logger=none", "baseline=[]"]
    with pytest.raises(ValueError, match="generator has no option null: it is one of coarse_only"):
        renamed(["generator=null"])


def test_a_name_that_is_the_commands_own_is_no_old_one():
    assert renamed(["pictures=3"], "evaluate") == ["pictures=3"]
    assert renamed(["pictures=3"]) == ["callbacks.pictures.count=3"]


def test_todays_names_are_settings():
    cfg = compose_tiny("logger=wandb", "data=folder")
    for today in RENAMED.values():
        assert OmegaConf.select(cfg, today, default="absent") != "absent", today
