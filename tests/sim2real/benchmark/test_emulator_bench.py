"""Laws of the emulator benchmark: every request is timed, and no reply is faster than the wire."""

import pytest

from sim2real.benchmark.emulator import bench_emulator
from sim2real.configs.errors import UserError


@pytest.mark.realtime
def test_every_request_is_timed_and_no_reply_is_faster_than_the_wire():
    measured = bench_emulator("quadruped", rate=100.0, seconds=0.3)
    figures = measured["figures"]
    assert figures["motors"] == 12
    assert figures["requests"] == 30
    assert figures["wire_time_ms"] == pytest.approx(0.505)
    assert figures["reply_max_ms"] >= figures["reply_p99_ms"] >= figures["reply_p50_ms"] > figures["wire_time_ms"]
    assert measured["ratios"]["p99_over_bar"] == pytest.approx(figures["reply_p99_ms"] / 2.0)


@pytest.mark.realtime
def test_another_family_with_a_group_read_is_timed_by_its_own_request():
    figures = bench_emulator("so101", rate=50.0, seconds=0.1)["figures"]
    assert figures["motors"] == 6
    assert figures["wire_time_ms"] == pytest.approx((8 + 6 + 6 * 21) * 10 / 1e6 * 1e3)
    assert figures["reply_p50_ms"] > figures["wire_time_ms"]


def test_a_family_without_a_group_read_is_refused():
    with pytest.raises(UserError, match=r"hopper_leg.* has motors of moteus, which no single request asks"):
        bench_emulator("hopper_leg", seconds=0.1)
