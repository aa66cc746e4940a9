"""Every ablation composes at every scale, and its claims are about its cells."""

from functools import cache
from pathlib import Path

import pytest
from omegaconf import OmegaConf, open_dict

from farfill.ablation.stability import STATISTICS
from farfill.ablation.sweep import BASELINE, Sweep
from farfill.ablation.verdict import judge
from farfill.config.paths import conf_dir
from farfill.metric.suite import NAMES
from farfill.rundir.record import Record, as_text, options, state
from farfill.sweep.plan import jobs_of
from helpers.command import command
from helpers.compose import composed

ROOT = Path(__file__).parents[2]
NAMED = sorted(path.stem for path in (ROOT / "ablations").glob("*.yaml"))
SCALES = sorted(path.stem for path in (conf_dir() / "scale").glob("*.yaml"))
OF_OURS = "critic_speed"
WANTED = "attention auxiliary discounting gan propagation reconstruction staging table1 textures"
MEASURED_ELSEWHERE = ("attention_", "hole_variance")  # by callbacks, as a validation curve


def missing(overrides) -> list[str]:
    """Options of groups whose YAML is not there, or needs one that is not there."""
    found = []
    for key, value in options(overrides).items():
        if (conf_dir() / key).is_dir() or key == "stage":
            for name in value.strip("[]").split(","):
                file = conf_dir() / key / f"{name}.yaml"
                if name != "null" and not file.is_file():
                    found.append(f"{key}={name}")
                elif name != "null" and key != "ablation":
                    found += missing(own_defaults(file))
    return found


def own_defaults(file) -> list[str]:
    """``override /group: option`` of a file's defaults, as on the command line."""
    entries = OmegaConf.load(file).get("defaults", ()) if file.read_text().strip() else ()
    pairs = (next(iter(entry.items())) for entry in entries if not isinstance(entry, str))
    return [f"{key.removeprefix('override /')}={as_text(value)}" for key, value in pairs]


def substitutes(name: str) -> list[str]:
    """Stand-ins for options of the file's own defaults that are not there."""
    stand_ins = {"data": "data=sample", "baseline": "baseline=[telea]"}
    own = own_defaults(ROOT / "ablations" / f"{name}.yaml")
    return [stand_ins[one.split("=")[0]] for one in own if missing([one])]


def plan(name):
    """Every job of an ablation that can be composed, and what the others lack."""
    cfg = composed(f"ablation={name}", *substitutes(name), hydra=True)
    with open_dict(cfg):
        cfg.hydra.overrides.task = [f"ablation={name}"]
    return cfg, jobs_of(cfg)


def seeds_of(jobs) -> list[str]:
    return sorted({options(job)["seed"] for job in jobs})


@cache
def steps_of(scale: str) -> int:
    return composed(f"scale={scale}").trainer.max_steps


def test_every_question_has_its_file():
    assert sorted([*WANTED.split(), *OF_OURS.split()]) == NAMED
    assert SCALES == ["paper", "quick", "small"]


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", NAMED)
def test_cells_compose_at_every_scale(name, scale):
    """Every cell as it is published, and some at the other scales, each with another seed."""
    _, jobs = plan(name)
    seed, absent = seeds_of(jobs)[SCALES.index(scale)], set()
    steps = steps_of(scale)
    cells = [job for job in jobs if options(job)["seed"] == seed]
    for job in cells[:: 1 if scale == "quick" else 3]:
        if lacks := missing(job):
            absent |= set(lacks)
            continue
        cfg = composed(*job, f"scale={scale}", *substitutes(name), "batch_size=3")
        assert cfg.image_size == {"quick": 64, "small": 128, "paper": 256}[scale]
        assert cfg.batch_size == 3
        assert cfg.seed == int(seed)
        assert cfg.trainer.max_steps == steps
        assert (cfg.trainer.limit_train_batches == 1) == (cfg.learning_rate == 0)
    if absent:
        pytest.skip(f"not there yet: {', '.join(sorted(absent))}")


@pytest.mark.parametrize("name", NAMED)
def test_a_file_says_what_it_is(name):
    cfg, jobs = plan(name)
    text = (ROOT / "ablations" / f"{name}.yaml").read_text()
    for words in ("# @package _global_", "# Cost ", f"ablation={name}", "The paper"):
        assert words in text
    assert cfg.question.id == name
    assert cfg.question.text.endswith("?")
    assert len(seeds_of(jobs)) >= 3
    assert cfg.image_size == 64  # quick unless said otherwise
    folder = OmegaConf.to_container(cfg.hydra.sweep, resolve=False)["dir"]
    assert folder.endswith("-${question.id}")


@pytest.mark.parametrize("name", NAMED)
def test_claims_are_about_cells_and_metrics_that_exist(name):
    cfg, jobs = plan(name)
    swept = [key for key in cfg.hydra.sweeper.params if key != "seed"]
    cells = {tuple((key, options(job)[key]) for key in swept) for job in jobs}
    sweep = Sweep([Record(dict(cell), 1) for cell in sorted(cells)])
    assert all(state(record) == "missing" for record in sweep.records)
    claims = OmegaConf.to_container(cfg.question.claims, resolve=False)
    assert claims
    for claim in claims:
        judge(sweep, claim)  # refuses a claim that is not well formed
        for side in (claim["left"], claim["right"]):
            if BASELINE in side:
                listed = OmegaConf.load(ROOT / "ablations" / f"{name}.yaml").defaults
                assert any(side[BASELINE] in one.get("override /baseline", ()) for one in listed)
            else:
                assert len(sweep.find(side)[1]) == 1
        measured = {*NAMES, *STATISTICS, *columns(cfg.metric.distances)}
        assert claim["metric"] in measured or claim["metric"].startswith(MEASURED_ELSEWHERE)


def columns(distances) -> list[str]:
    """Names in reports: of the distance, and of the network whose features it is in."""
    on = {name: one for name, one in distances.items() if one is not None}
    networks = {
        name: one["backbone"]["_target_"].split(".")[-2]
        for name, one in on.items()
        if "backbone" in one
    }
    return [f"{name}_{networks[name]}" if name in networks else name for name in on]


def test_the_staged_cell_finds_the_coarse_stage_of_its_own_seed():
    cfg, _ = plan("staging")
    raw = OmegaConf.to_container(cfg.hydra.sweep, resolve=False)
    assert raw["subdir"] == "${hydra:runtime.choices.stage}-${seed}"
    source = OmegaConf.to_container(cfg.question.init_from, resolve=False)["refine_frozen"]
    assert source == "${hydra:runtime.output_dir}/../coarse_only-${seed}/checkpoints/last.ckpt"
    order = cfg.hydra.sweeper.params.stage.split(",")
    assert order.index("coarse_only") < order.index("refine_frozen")


def test_reconstruction_switches_both_l1_terms_of_the_refinement_and_no_other():
    weights = {}
    for value in ("1.2", "0"):
        own = substitutes("reconstruction")
        cfg = composed("ablation=reconstruction", *own, f"refined_l1={value}")
        weights[value] = [(loss.coarse, loss.refined) for loss in cfg.loss.values()]
    assert weights == {"1.2": [(1.44, 1.2)] * 2, "0": [(1.44, 0)] * 2}


def test_the_papers_scale_is_the_papers_setting():
    paper = OmegaConf.to_container(composed("experiment=paper"))
    assert OmegaConf.to_container(composed("scale=paper")) == paper


def test_a_wrong_name_fails_with_the_list(tmp_path):
    status, _, err = command("train", tmp_path, "ablation=atention")
    assert status != 0
    assert err == "farfill: ablation has no option atention: did you mean attention?\n"
    _, _, err = command("train", tmp_path, "ablation=zzz")
    assert sorted(err.strip().partition("it is one of ")[2].split(", ")) == NAMED
    assert not list(tmp_path.iterdir())
