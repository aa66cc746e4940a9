"""The truth beside a fill: what it scores, and that nobody takes it for a filler."""

from farfill.rundir.record import read_record
from helpers.runs import tiny_train


def test_the_truth_has_no_error_and_its_own_smoothness(tmp_path):
    tiny_train(tmp_path, "trainer.max_steps=1", "baseline=[truth,mean_colour]", "logger=csv")
    scores = read_record(tmp_path, {}, 1, {}).scores
    assert [*scores] == ["this run", "truth (no filler)", "mean colour (classical baseline)"]
    truth, grey = scores["truth (no filler)"], scores["mean colour (classical baseline)"]
    assert not truth["l1_hole"].any()
    assert (truth["tv_anisotropic_hole"] > grey["tv_anisotropic_hole"]).all()
