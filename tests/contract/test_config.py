"""Every option is one YAML file and one class of the same name; nothing needs a list."""

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hydra.utils import get_object, instantiate
from omegaconf import OmegaConf

from farfill.config.paths import conf_dir
from helpers.compose import composed

#: Groups that hold several parts by name, and the package that each comes from.
SEVERAL = {"callbacks": "farfill.callback", "logger": "farfill.tracking"}


def nodes() -> Iterator[tuple[Path, str, dict[str, Any]]]:
    """Every part in ``conf/<group>/<option>.yaml``: the file, the part's name, its options."""
    for file in sorted(conf_dir().glob("*/*.yaml")):
        config = OmegaConf.to_container(OmegaConf.load(file), resolve=False)
        parts = config if file.parent.name in SEVERAL else {file.stem: config}
        for name, node in parts.items():
            if "_target_" in node:
                yield file, name, node


NODES = [
    pytest.param(*node, id=f"{node[0].parent.name}={node[0].stem}.{node[1]}") for node in nodes()
]


@pytest.mark.parametrize(("file", "name", "node"), NODES)
def test_config_mirrors_code(file: Path, name: str, node: dict[str, Any]):
    code = get_object(node["_target_"])  # of a library too: it is there
    if not node["_target_"].startswith("farfill."):
        return
    group, module = file.parent.name, node["_target_"].rpartition(".")[0]
    if group in SEVERAL:
        assert module.startswith(SEVERAL[group])
    else:
        assert module == f"farfill.{group}.{name}"
    parameters = list(inspect.signature(code).parameters.values())
    if "_partial_" in node:
        del parameters[0]  # which comes later
    named = {value.name for value in parameters if value.kind is not value.VAR_KEYWORD}
    options = node.keys() - {"_target_", "_partial_", "defaults"}
    assert options >= named
    if len(named) == len(parameters):  # it takes no others
        assert options == named


@pytest.mark.parametrize(("file", "name", "node"), NODES)
def test_config_says_what_it_is(file: Path, name: str, node: dict[str, Any]):
    lines = file.read_text().splitlines()
    assert any(line.startswith("# ") and "@package" not in line for line in lines[:2])


def test_paper_has_the_effective_weights_of_the_authors():
    cfg = composed("experiment=paper")
    terms = [(one.coarse, one.refined) for one in (cfg.loss.discounted_l1, cfg.loss.known_l1)]
    assert terms == [(1.44, 1.2)] * 2
    assert (cfg.gan.weight, cfg.gan.global_weight, cfg.gan.penalty_weight) == (0.001, 1, 10)


def test_paper_is_the_papers_recipe():
    cfg = composed("experiment=paper")
    assert (cfg.batch_size, cfg.image_size, cfg.box_size) == (16, 256, 128)
    assert (cfg.generator.channels, cfg.critic.channels) == (32, 64)
    assert cfg.gan.critic_steps == 5
    assert cfg.optimizer._target_ == "torch.optim.Adam"
    assert (cfg.optimizer.lr, list(cfg.optimizer.betas)) == (1e-4, [0.5, 0.9])
    assert cfg.datamodule.one_hole_per_batch
    attention = dict(cfg.generator.attention)
    assert attention.pop("_target_") == "farfill.attention.contextual.ContextualAttention"
    assert attention == {
        "patch_size": 3,
        "rate": 2,
        "stride": 1,
        "propagation": 3,
        "softmax_scale": 10.0,
    }
    assert set(cfg.loss) == {"discounted_l1", "known_l1"}


@pytest.mark.parametrize("setting", ["scale=quick", "scale=small", "scale=paper"])
def test_a_change_of_the_gan_changes_the_loss_alone(setting):
    """Rivals have one optimizer, one number of critic steps, one weight, and all else."""
    parts = []
    for name in ("wgan_gp", "vanilla", "lsgan", "hinge"):
        cfg = OmegaConf.to_container(composed(setting, f"gan={name}"), resolve=True)
        own = cfg.pop("gan")
        del cfg["module"]["gan"]
        assert own.pop("_target_").startswith(f"farfill.gan.{name}.")
        own = {key: value for key, value in own.items() if not key.startswith("penalty")}
        parts.append((own, cfg))
    assert parts == [parts[0]] * 4


#: The authors' inpaint.yml (v1.0.0), and where ours has each of its figures.
RELEASED = {
    "IMG_SHAPES": ("image_size", 256),
    "HEIGHT": ("mask.height", 128),
    "WIDTH": ("mask.width", 128),
    "MAX_DELTA_HEIGHT": ("mask.max_shrink_height", 32 / 128),
    "MAX_DELTA_WIDTH": ("mask.max_shrink_width", 32 / 128),
    "VERTICAL_MARGIN": ("mask.vertical_margin", 0),
    "HORIZONTAL_MARGIN": ("mask.horizontal_margin", 0),
    "BATCH_SIZE": ("datamodule.batch_size", 16),
    "MAX_ITERS": ("trainer.max_steps", 1_000_000),
    "TRAIN_SPE": ("trainer.val_check_interval", 10_000),
    "GAN": ("gan._target_", "farfill.gan.wgan_gp.WassersteinGP"),
    "GAN_LOSS_ALPHA": ("gan.weight", 0.001),
    "WGAN_GP_LAMBDA": ("gan.penalty_weight", 10),
    "GLOBAL_WGAN_LOSS_ALPHA": ("gan.global_weight", 1),
    "L1_LOSS_ALPHA": ("loss.discounted_l1.refined", 1.2),
    "COARSE_L1_ALPHA x L1_LOSS_ALPHA": ("loss.discounted_l1.coarse", 1.44),
    "AE_LOSS_ALPHA": ("loss.known_l1.refined", 1.2),
    "COARSE_L1_ALPHA x AE_LOSS_ALPHA": ("loss.known_l1.coarse", 1.44),
    "PRETRAIN_COARSE_NETWORK: False": ("stage.trained", None),
    "GRADIENT_CLIP: False": ("trainer.gradient_clip_val", None),
    "the loader: no flip": ("datamodule.flip", False),
    "one mask for a batch": ("datamodule.one_hole_per_batch", True),
    "the test: height of its box": ("datamodule.val_holes.height", 128),
    "the test: width of its box": ("datamodule.val_holes.width", 128),
    "the test: nothing off its height": ("datamodule.val_holes.max_shrink_height", 0),
    "the test: nothing off its width": ("datamodule.val_holes.max_shrink_width", 0),
}
#: RANDOM_CROP: whether its comments ask for crops of the full resolution or for whole pictures.
CROPPED = {"places2": True, "imagenet": True, "celeba_hq": False}


@pytest.mark.parametrize("figure", RELEASED)
def test_paper_has_the_released_figures(figure: str):
    name, value = RELEASED[figure]
    assert OmegaConf.select(composed("experiment=paper"), name, default="absent") == value


@pytest.mark.parametrize("data", CROPPED)
def test_pictures_are_cropped_or_scaled_as_the_authors_do(data: str):
    cfg = composed("experiment=paper", f"data={data}", "data.root=x")
    assert cfg.data.resize == 256
    assert cfg.data.shrink is not CROPPED[data]


def test_both_gammas_are_named():
    assert composed("experiment=paper").loss.discounted_l1.gamma == "released"
    printed = composed("experiment=paper", "loss.discounted_l1.gamma=printed")
    assert printed.loss.discounted_l1.gamma == "printed"
    built = [instantiate(cfg.loss.discounted_l1) for cfg in (composed("experiment=paper"), printed)]
    assert [loss.gamma for loss in built] == [0.9, 0.99]  # nothing is scaled at the paper's 128 px
    assert instantiate(composed().loss.discounted_l1).gamma == pytest.approx(0.9**4)


def test_losses_come_and_go_on_the_command_line():
    assert set(composed("loss=[known_l1]").loss) == {"known_l1"}


def test_experiment_wins_over_the_defaults_and_the_command_line_over_both():
    assert composed().image_size != 256
    assert composed("experiment=paper", "batch_size=3").batch_size == 3


@pytest.mark.parametrize(
    ("name", "folder"), [("train", "."), ("evaluate", "."), ("inpaint", "run")]
)
def test_every_command_composes_and_resolves(name, folder):
    OmegaConf.resolve(composed(name=name, folder=folder))
