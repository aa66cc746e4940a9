"""Evaluate: score a checkpoint on a frozen list of pictures and holes."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, open_dict

from farfill.config.arguments import command_line, with_newest
from farfill.config.paths import conf_dir
from farfill.errors import one_line_errors
from farfill.text import say

#: Lightning's accelerators, and what ``device`` calls them.
_DEVICES = {"default": "auto", "gpu": "cuda"} | {n: n for n in ("auto", "cpu", "cuda", "mps")}


def translated(arguments: Sequence[str], runs: Path) -> list[str]:
    """What is typed for a training, in words of an evaluation.

    ``ckpt_path=last`` and ``best`` name the newest one below ``runs``; a trainer is a device.

    Raises:
        ValueError: There is no such checkpoint, or an evaluation has nothing of the kind.
    """
    changed = []
    for argument in with_newest("ckpt_path", arguments, runs):
        name, _, value = argument.lstrip("+").partition("=")
        if name in ("trainer", "trainer.accelerator") and value in _DEVICES:
            print(f"farfill: {name}={value} is device={_DEVICES[value]} here", file=sys.stderr)
            changed.append(f"device={_DEVICES[value]}")
        elif name.startswith("trainer"):
            raise ValueError(
                f"instead of {argument} an evaluation takes device=cpu, cuda or cuda:1"
            )
        elif name.startswith("logger"):
            if value not in ("csv", "none"):
                raise ValueError(
                    f"leave {argument} out: an evaluation writes tables into its folder, no log"
                )
            print(f"farfill: {argument}: the tables are in the folder anyway", file=sys.stderr)
        else:
            changed.append(argument)
    return changed


@command_line(translated, "evaluate")
@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="evaluate")
@one_line_errors
def main(cfg: DictConfig) -> None:
    """Entry point of ``farfill-evaluate``."""
    say(evaluate(cfg, Path(HydraConfig.get().runtime.output_dir)))


def evaluate(cfg: DictConfig, folder: Path) -> str:
    """Score ``cfg.ckpt_path`` and leave tables, pictures and the manifest in ``folder``.

    Args:
        cfg: Whole configuration (``conf/evaluate.yaml``).
        folder: See :func:`farfill.evaluation.results.write_results`.

    Returns:
        The table in Markdown, and where the rest lies.

    Raises:
        ValueError: If there is no such checkpoint, or the data differ from ``cfg.manifest``.
    """
    from farfill.checkpoint import config_of, generator_of, read_checkpoint
    from farfill.config.check import check_counts, check_known_keys
    from farfill.config.instantiate import check_kinds, instantiate, instantiate_each
    from farfill.evaluation import manifest, results
    from farfill.machine import find_device, tune_processor
    from farfill.rundir.final_report import freeze, inpainter_of, measure_attention, named
    from farfill.weights.find import detail_of

    check_known_keys(cfg, "evaluate")
    if cfg.ckpt_path is None:
        raise ValueError(
            "say which checkpoint to score: ckpt_path=runs/.../checkpoints/best.ckpt, or "
            "ckpt_path=last for the newest"
        )
    tune_processor()
    checkpoint = read_checkpoint(cfg.ckpt_path)
    alone = checkpoint.get("generator_only") is True
    trained = {} if alone else config_of(checkpoint, cfg.ckpt_path)
    take_over(cfg, trained)
    check_counts(cfg)
    check_kinds(cfg)
    detail = detail_of(cfg.ckpt_path, cfg.detail)
    device = find_device(cfg.device)
    data = instantiate(cfg.datamodule)
    data.setup("validate")
    loader = data.val_dataloader()
    scored = freeze(cfg, data, loader)
    if cfg.manifest is not None:
        manifest.require_same(scored, manifest.read(cfg.manifest))
    generator = generator_of(checkpoint, cfg.ckpt_path).to(device)
    inpainters = {
        Path(cfg.ckpt_path).name: inpainter_of(generator, detail),
        **named(instantiate_each(cfg.get("baseline"))),
    }
    table = results.write_results(
        *(folder, inpainters, loader, scored, device, cfg.pictures, cfg.by),
        remarks=["With detail, from where the network borrowed."] if detail else [],
        distances=instantiate(cfg.metric).distances,
        more=measure_attention(generator, loader, data, trained.get("callbacks")),
    )
    parts = []
    for name in ("data", "mask"):
        now, then = dict(cfg[name]), trained.get(name)
        other = "" if then in (None, now) else f" (trained on {_named(then)})"
        elsewhere = then is None or _named(then) != _named(now)
        share = (
            _share(now) if elsewhere else ""
        )  # of its own pictures a run was trained on the rest
        parts.append(f"{name} {_named(now)}{share}{other}")
    scored_on = f"Scored on {', '.join(parts)}, seed {cfg.seed}."
    return f"{table}\n{scored_on}\nTables, pictures, manifest: {folder}"


def take_over(cfg: DictConfig, trained: dict[str, Any]) -> None:
    """Fill what the command line leaves open from the run that made the checkpoint.

    Weights alone do not say what run that was: ``trained`` is empty.

    Raises:
        ValueError: If ``box_size`` is to change holes that the run decided on, or no run says what
            the pictures and the holes are.
    """
    if not trained:
        if None in (cfg.data, cfg.mask, cfg.image_size, cfg.box_size):
            raise ValueError(
                f"{cfg.ckpt_path} are weights alone, which do not say what to score them on: give "
                "data, mask, image_size and box_size, for example data=folder "
                "data.root=my/pictures mask=box image_size=256 box_size=128"
            )
        trained = {"seed": 1, "datamodule": {"val_holes": None, "val_limit": None}}
    if cfg.box_size is not None and cfg.mask is None:
        raise ValueError("box_size changes the holes: name them too, for example mask=box")
    holes = ["val_holes"] if cfg.get("mask") is None else []
    for name in ("data", "mask", "image_size", "box_size"):
        if cfg.get(name) is None:
            with open_dict(cfg):
                cfg[name] = trained[name]
    measured = {"val_seed": trained["seed"], "val_holes_per_picture": 1, **trained["datamodule"]}
    if cfg.seed is None:
        cfg.seed = measured["val_seed"]
    for name in (*holes, "val_limit", "val_holes_per_picture"):
        if cfg.datamodule[name] is None:
            cfg.datamodule[name] = measured[name]


def _share(data: dict[str, Any]) -> str:
    """How much of a folder's pictures is scored, where that is not all or a part of its own."""
    share = data.get("val_fraction", 1)
    if share == 1 or data["val"] is not None or data["val_list"] is not None:
        return ""
    return f" (of its pictures a share of {share}; data.val_fraction=1 takes all)"


def _named(part: dict[str, Any]) -> str:
    where = f" {part['root']}" if part.get("root") else ""
    return f"{part['_target_'].split('.')[-2]}{where}"
