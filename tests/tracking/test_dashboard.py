"""The dashboard's specification, and how it is saved; nothing here needs a network."""

import csv
import json
import re
import sys

import pytest
import wandb
import yaml
from hydra import compose, initialize_config_dir

from farfill.cli.dashboard import dashboard
from farfill.config.paths import conf_dir
from farfill.metric.suite import NAMES
from farfill.tracking.dashboard import sections
from helpers.runs import tiny_train
from helpers.wandb_runs import record_wandb


def settings(folder, *overrides):
    with initialize_config_dir(str(conf_dir() / "run"), version_base="1.3"):
        return compose("dashboard", overrides=[f"memory={folder}/dashboards.json", *overrides])


def all_panels():
    return [panel for panels in sections().values() for panel in panels]


def test_everything_that_a_run_logs_has_a_panel(tmp_path, monkeypatch):
    """In particular a metric, a loss or a measure that is added later."""
    runs = record_wandb(monkeypatch)
    tiny_train(tmp_path, "logger=wandb", "data=known_source", "data.val=4", "baseline=[]")
    with (tmp_path / "metrics.csv").open(newline="") as lines:
        logged = {*next(csv.reader(lines))} - {"step", "epoch"}
    keys = {key for panel in all_panels() for key in panel.keys}
    patterns = [panel.regex for panel in all_panels() if panel.regex]
    assert {"val/attention_hit_rate", "train/critic/total"} < logged
    for name in logged:
        assert name in keys or any(re.search(one, name) for one in patterns), name
    told = {name for row in runs[0].rows for name in row}
    assert {p.keys[0] for p in all_panels() if p.kind in ("table", "media")} < told
    for panel in all_panels():
        if panel.kind == "bar" and panel.keys[0].startswith("report/"):
            assert panel.keys[0] in told
        elif panel.kind == "bar":
            name, _, best = panel.keys[0].rpartition(".")
            assert best in runs[0].metrics[name]["summary"].split(",")


def test_learning_curves_are_grouped_by_the_gan_loss():
    curves = sections()["Learning curves by GAN loss"]
    assert {panel.by for panel in curves} == {"gan"}
    assert {"val/l1_hole", "val/l1_full"} < {panel.keys[0] for panel in curves}


def test_a_dry_run_prints_the_specification(tmp_path):
    shown = yaml.safe_load(dashboard(settings(tmp_path, "dry_run=true")))
    assert shown["group_by"] == ["attention", "gan", "loss"]
    first = shown["sections"][0]["panels"][0]
    assert (first["title"], first["keys"]) == ("L1 in the hole ↓", ["val/l1_hole"])
    assert not list(tmp_path.iterdir())


def test_only_swaps_group(tmp_path):
    with pytest.raises(ValueError, match=r"name swaps.*got colour"):
        dashboard(settings(tmp_path, "group_by=[gan,colour]", "dry_run=true"))


def test_without_the_package_one_sentence_says_so(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb_workspaces.workspaces", None)
    with pytest.raises(ValueError, match=r"farfill\[dashboard\]"):
        dashboard(settings(tmp_path))


@pytest.fixture
def server(monkeypatch):
    """Saved workspaces by name, as W&B would keep them."""
    reason = "wandb-workspaces is not installed: pip install 'farfill[dashboard]'"
    pytest.importorskip("wandb_workspaces", reason=reason)
    from wandb_workspaces.workspaces import interface, internal

    saved = {}

    def upsert(view):
        spec = view.spec.model_dump_json(by_alias=True, exclude_none=True)
        known = saved.get(view.name, {"id": f"id{len(saved)}"})
        saved[view.name] = {**known, "displayName": view.display_name, "spec": spec}
        return {"upsertView": {"view": {"name": view.name, "id": saved[view.name]["id"]}}}

    def get(entity, project, name):
        assert (entity, project) == ("me", "farfill")
        try:
            return saved[f"nw-{name}-v"]
        except KeyError:
            raise ValueError("not found") from None

    class Api:
        default_entity = "me"

    monkeypatch.setattr(internal, "upsert_view2", upsert)
    monkeypatch.setattr(internal, "get_view_dict", get)
    monkeypatch.setattr(interface, "get_app_url", lambda api: "https://wandb.test")
    monkeypatch.setattr(wandb, "Api", Api)
    return saved


def panels_of(view):
    spec = json.loads(view["spec"])["section"]
    return [panel for section in spec["panelBankConfig"]["sections"] for panel in section["panels"]]


def test_the_workspace_has_every_panel_over_generator_steps(server, tmp_path):
    address = dashboard(settings(tmp_path))
    ((name, view),) = server.items()
    assert address == f"https://wandb.test/me/farfill?nw={name[3:-2]}"
    lines = [p["config"] for p in panels_of(view) if p["viewType"] == "Run History Line Plot"]
    assert {line["xAxis"] for line in lines} == {"trainer/global_step"}
    drawn = {metric for line in lines for metric in line.get("metrics", ())}
    assert {f"val/{name}" for name in NAMES} < drawn
    assert len(panels_of(view)) == len(all_panels())
    by_gan = [line for line in lines if line.get("groupBy") == "swap.value.gan"]
    assert len(by_gan) == sum(panel.by == "gan" for panel in all_panels()) > 0
    (runs,) = json.loads(view["spec"])["section"]["runSets"]
    grouping = [key["name"] for key in runs["grouping"]]
    assert grouping == ["swap.value.attention", "swap.value.gan", "swap.value.loss"]


def test_a_second_time_updates_the_same_workspace(server, tmp_path):
    first = dashboard(settings(tmp_path))
    assert dashboard(settings(tmp_path, "group_by=[gan]")) == first
    (view,) = server.values()
    (runs,) = json.loads(view["spec"])["section"]["runSets"]
    assert [key["name"] for key in runs["grouping"]] == ["swap.value.gan"]
    assert dashboard(settings(tmp_path, "name=Other")) != first
    assert dashboard(settings(tmp_path / "elsewhere", f"view='{first}'")) == first
    assert len(server) == 2


def test_a_deleted_workspace_is_made_again(server, tmp_path):
    first = dashboard(settings(tmp_path))
    server.clear()
    assert dashboard(settings(tmp_path)) != first
    with pytest.raises(ValueError, match=r"expected `view`.*not found"):
        dashboard(settings(tmp_path, f"view='{first}'"))


def test_without_a_login_one_sentence_says_so(server, tmp_path, monkeypatch):
    def refuse():
        raise wandb.errors.UsageError("No API key configured")

    monkeypatch.setattr(wandb, "Api", refuse)
    with pytest.raises(ValueError, match="wandb: No API key"):
        dashboard(settings(tmp_path))
