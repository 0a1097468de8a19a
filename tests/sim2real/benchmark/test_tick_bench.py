"""Laws of the tick benchmark: every tick of policy is timed once, and what the wire takes is not the tick's."""

import time

import pytest

from sim2real.benchmark.off_the_clock import OffTheClock, Stopwatch, TickClock
from sim2real.benchmark.tick import bench_tick
from sim2real.configs.errors import UserError
from sim2real.configs.load import load_robot
from sim2real.hardware.clock import VirtualClock
from sim2real.hardware.emulator.plant import InertiaPlant
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.runtime.policy import load_policy

SHIPPED = [
    ("pendulum_swingup", "pendulum"),
    ("quadruped_walk", "quadruped"),
    ("so101_reach", "so101"),
    ("hopper_hop", "hopper_leg"),
]


@pytest.mark.parametrize(("policy", "robot"), SHIPPED)
def test_every_tick_of_policy_is_timed_on_each_shipped_robot(policy, robot):
    measured = bench_tick(load_policy(policy), load_robot(robot), 100, log=False)
    figures = measured["figures"]
    assert figures["ticks"] == 100
    assert figures["motors"] == len(load_robot(robot).joints)
    assert 0.0 < figures["tick_p50_us"] <= figures["tick_p90_us"] <= figures["tick_p99_us"] <= figures["tick_max_us"]
    assert 0.0 < figures["after_reading_p50_us"] < figures["tick_p50_us"]
    assert figures["stage_p50_us"]["total"] < figures["tick_p50_us"] + figures["tick_max_us"]
    assert {"read", "observe", "infer", "limit", "write", "record", "total"} == set(figures["stage_p50_us"])
    assert measured["ratios"]["tick_p50_over_bar"] == pytest.approx(figures["tick_p50_us"] / 250.0)


def test_a_policy_of_another_robot_is_refused():
    with pytest.raises(UserError, match="made for another robot"):
        bench_tick(load_policy("so101_reach"), load_robot("pendulum"), 100)


def test_the_stopwatch_skips_what_the_wire_and_the_robot_behind_it_take(monkeypatch):
    robot = load_robot("pendulum")
    emulated = EmulatedRobot(robot, InertiaPlant(robot))
    clock, watch = VirtualClock(), Stopwatch()
    transport = OffTheClock(emulated, emulated.ports["main"], clock, watch)
    monkeypatch.setattr(emulated, "advance_to", lambda now_ns: time.sleep(0.002))
    before = watch.aside_ns
    transport.write(b"\xff")
    transport.drain()
    transport.ask(b"\xff")
    assert transport.collect(memoryview(bytearray(100)), 10, 1_000_000, 1) == 0
    assert watch.aside_ns - before >= 8_000_000  # each looks at the robot at least once


def test_a_tick_begins_when_the_sleep_before_it_ends():
    virtual, watch = VirtualClock(), Stopwatch()
    clock = TickClock(virtual, watch)
    clock.sleep_until_ns(5)
    assert clock.now_ns() == virtual.now_ns() == 5
    assert 0 < clock.woken_ns <= watch()
