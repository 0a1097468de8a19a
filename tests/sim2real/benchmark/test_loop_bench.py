"""Laws of the benchmark of the loop: runs and a bare sleep are counted tick by tick; no test says how late they are."""

import pytest

from sim2real.benchmark.loop import bench_loop, sleep_bare
from sim2real.configs.errors import UserError
from sim2real.configs.load import load_robot
from sim2real.runtime.policy import load_policy
from sim2real.runtime.statistics import Durations

pytestmark = pytest.mark.realtime


def test_every_tick_of_the_runs_is_counted_beside_a_bare_sleep():
    measured = bench_loop(load_policy("pendulum_swingup"), load_robot("pendulum"), 100.0, 1.0, plant="inertia")
    figures, ratios = measured["figures"], measured["ratios"]
    assert figures["ticks"] + figures["missed_ticks"] >= 100
    assert figures["missed_share"] == pytest.approx(
        figures["missed_ticks"] / (figures["ticks"] + figures["missed_ticks"])
    )
    assert ratios["missed_share_over_bar"] == pytest.approx(figures["missed_share"] / 0.001)
    for part in ("lateness", "bare_lateness", "tick"):
        assert 0.0 < figures[part]["p50_us"] <= figures[part]["p99_us"] <= figures[part]["max_us"]
    assert ratios["lateness_p99_over_bare"] == pytest.approx(
        figures["lateness"]["p99_us"] / figures["bare_lateness"]["p99_us"], rel=1e-3
    )
    assert "timer slack" in figures["granted"]


def test_a_bare_sleep_is_counted_once_a_period():
    lateness = Durations()
    sleep_bare(lateness, 200.0, 0.1)
    assert lateness.count == 20


def test_a_rate_that_does_not_fit_the_policy_is_refused():
    with pytest.raises(UserError, match="valid: whole multiples of it, 100, 200"):
        bench_loop(load_policy("pendulum_swingup"), load_robot("pendulum"), 130.0, 1.0, plant="inertia")
