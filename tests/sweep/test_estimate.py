"""Seconds of a probe, made hours of a run."""

from __future__ import annotations

import pytest
from omegaconf import OmegaConf

from farfill.sweep.estimate import Cost


@pytest.mark.parametrize(("every", "validations"), [(40, 10), (300, 2), (400, 1)])
def test_a_run_is_its_steps_validations_and_report(every, validations):
    cfg = OmegaConf.create({"trainer": {"max_generator_steps": 400, "validate_every": every}})
    assert Cost(0.2, 3.0, 7.0).of_run(cfg) == pytest.approx(80 + 3 * validations + 7)
