"""The benchmark of the emulator measures what it says: that replies come, and not faster than the wire allows."""

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


def test_other_families_are_refused():
    with pytest.raises(UserError, match="Dynamixel"):
        bench_emulator("so101", seconds=0.1)
