"""Names, ranges and means of the suite."""

import pytest
import torch
from hydra import compose, initialize_config_dir

from farfill.config.instantiate import instantiate
from farfill.config.paths import conf_dir
from farfill.metric.sliced_wasserstein import SlicedWasserstein
from farfill.metric.suite import METRICS, NAMES, InpaintingMetrics, per_image


@pytest.fixture
def pictures():
    torch.manual_seed(0)
    image, completed = torch.rand(2, 5, 3, 16, 24) * 2 - 1
    return completed, image, (torch.rand(5, 1, 16, 24) < 0.3).float()


def test_names_state_norm_and_region(pictures):
    regions = {name.rsplit("_", 1)[1] for name in NAMES}
    assert regions == {"hole", "full"}
    assert {"l1_hole", "relative_l2_full", "psnr_hole", "tv_isotropic_full"} <= set(NAMES)
    assert tuple(per_image(*pictures)) == NAMES


def test_values_are_those_of_intensities_in_their_region(pictures):
    completed, image, hole = pictures
    c, t = (completed + 1) / 2, (image + 1) / 2
    values = per_image(*pictures)
    for name in ("l1", "relative_l1", "psnr", "ssim", "tv_isotropic"):
        metric = METRICS[name]
        torch.testing.assert_close(values[f"{name}_hole"], metric(c, t, hole))
        torch.testing.assert_close(values[f"{name}_full"], metric(c, t, torch.ones_like(hole)))


def test_distances_are_left_out_or_have_a_column_of_their_own():
    one, other = SlicedWasserstein(), SlicedWasserstein()
    assert InpaintingMetrics({"a": one, "b": None}).distances == [one]
    with pytest.raises(ValueError, match="different names, got swd, swd"):
        InpaintingMetrics({"a": one, "b": other})


@pytest.mark.parametrize(
    ("option", "names"),
    [
        ("suite", []),
        ("patches", ["swd"]),
        (
            "perceptual",
            ["swd", *(f"{name}_efficientnet_lite0" for name in ("lpips", "fid", "uids"))],
        ),
    ],
)
@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_the_groups_options_name_what_they_measure(option, names, command):
    if option == "perceptual":
        pytest.importorskip("efficientnet_lite_pytorch", reason="extra `perceptual` missing")
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose(command, [f"metric={option}"])
    assert [one.name for one in instantiate(cfg.metric).distances] == names


def test_suite_is_the_mean_over_pictures_however_batched(pictures):
    """The mean of PSNRs, not the PSNR of the mean; a short last batch weighs by its pictures."""
    suite = InpaintingMetrics()
    suite.update(*(x[:4] for x in pictures))
    suite.update(*(x[4:] for x in pictures))

    means = suite.compute()

    for name, values in per_image(*pictures).items():
        torch.testing.assert_close(means[name], values.mean())
    suite.reset()
    suite.update(*(x[4:] for x in pictures))
    torch.testing.assert_close(suite.compute()["psnr_hole"], per_image(*pictures)["psnr_hole"][4])


def test_processes_reduce_to_the_mean_over_all_pictures(pictures):
    """One process saw one picture, the other four; gathering is played by hand."""
    ours, theirs = InpaintingMetrics(), InpaintingMetrics()
    ours.update(*(x[:1] for x in pictures))
    theirs.update(*(x[1:] for x in pictures))

    def gather(state, group=None):
        return [state, theirs.totals if state.ndim else theirs.pictures]

    ours.dist_sync_fn, ours.distributed_available_fn = gather, lambda: True

    torch.testing.assert_close(ours.compute()["l1_hole"], per_image(*pictures)["l1_hole"].mean())


def test_half_precision_pictures_are_measured_in_single(pictures):
    completed, image, hole = pictures
    halves = per_image(completed.bfloat16(), image.bfloat16(), hole)
    assert halves["l1_hole"].dtype == torch.float32
