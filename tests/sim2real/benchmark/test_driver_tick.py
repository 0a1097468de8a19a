"""Laws of the benchmark of a driver without a port."""

import pytest

from sim2real.benchmark.bus import bench_bus
from sim2real.configs.errors import UserError

BESIDE = "dynamixel"
"""The family that other libraries are compared with."""


@pytest.mark.parametrize("family", ["feetech", "moteus"])
def test_a_family_without_a_comparison_is_measured_beside_another(family):
    measured = bench_bus(family, 2, 0.2)
    figures, ratios = measured["figures"], measured["ratios"]
    for side in ("driver", BESIDE):
        assert 0.0 < figures[f"{side}_cpu_q1_us"] <= figures[f"{side}_cpu_us"] <= figures[f"{side}_cpu_q3_us"]
    assert 0.0 < ratios[f"{BESIDE}_cpu_q1"] <= ratios[f"{BESIDE}_cpu"] <= ratios[f"{BESIDE}_cpu_q3"]
    assert figures["motors"] == 2.0


def test_a_family_that_is_not_there_is_refused():
    with pytest.raises(UserError, match="acme"):
        bench_bus("acme", 2, 0.1)
