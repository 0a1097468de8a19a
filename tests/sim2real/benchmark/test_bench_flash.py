"""Law of `bench flash`: whatever is killed, cut off or tampered with, the robot has two whole policies."""

import pytest

from sim2real.benchmark.flash import bench_flash


@pytest.mark.slow
def test_a_small_campaign_leaves_every_robot_whole() -> None:
    measured = bench_flash(times=1, seed=1, every=5000, writes_every=9)
    assert set(measured["ratios"].values()) == {0.0}
    figures = measured["figures"]
    for kind in ("folder_writes", "ssh_writes"):
        assert figures[kind]["old"] > 1
        assert figures[kind]["new"] > 0
    kinds = {"bytes", "lengths", "metadata", "signatures", "links", "names"}
    assert {kind for kind, row in figures["tampered"].items() if row["tried"] > 1} == kinds
