"""Laws of the soak: memory of every process, grid and log of both parts; how much memory there is, no test says."""

import pytest

from sim2real.benchmark.soak import bench_soak
from sim2real.configs.errors import UserError
from sim2real.configs.load import load_robot
from sim2real.runtime.policy import load_policy


def soak(lockstep_s: float, real_s: float):
    return bench_soak(load_policy("pendulum_swingup"), load_robot("pendulum"), lockstep_s, real_s)


def test_a_soak_in_lockstep_logs_every_tick_and_keeps_its_grid():
    measured = soak(20.0, 0.0)
    figures = measured["figures"]["lockstep"]
    assert figures["ticks"] == figures["logged_ticks"] >= 2000
    assert figures["missed_ticks"] == 0
    assert figures["log_whole"] is True
    assert figures["log_bytes"] > 0
    assert measured["ratios"]["lockstep_logged_over_ticks"] == 1.0
    assert measured["ratios"]["lockstep_duration_over_grid"] == pytest.approx(1.0, abs=1e-3)
    assert figures["resident_start_kib"]["loop"] > 0
    assert "real_time" not in measured["figures"]


@pytest.mark.realtime
def test_a_soak_in_real_time_watches_the_helpers_too():
    measured = soak(0.0, 2.0)
    figures = measured["figures"]["real_time"]
    assert {"loop", "emulator.process_main"} < set(figures["resident_start_kib"])
    assert measured["ratios"]["real_time_logged_over_ticks"] == 1.0
    assert figures["log_whole"] is True
    assert measured["ratios"]["real_time_duration_over_grid"] == pytest.approx(1.0, abs=0.02)


def test_nothing_to_do_is_refused():
    with pytest.raises(UserError, match="both parts are left out"):
        soak(0.0, 0.0)
