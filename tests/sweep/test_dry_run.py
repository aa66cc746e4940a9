"""How much of a run is tried before it is started."""

from __future__ import annotations

import pytest

from farfill.sweep.dry_run import probe_steps


@pytest.mark.parametrize(
    ("run_steps", "expected"), [(1, 1), (2, 2), (12, 2), (45, 4), (60, 6), (1_000_000, 6)]
)
def test_a_probe_is_short_beside_its_run(run_steps, expected):
    assert probe_steps(run_steps) == expected
