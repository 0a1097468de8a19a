"""Laws of a run whose bus is faster than its policy: the policy sees its own ticks, the motors all of them."""

from pathlib import Path

import numpy as np
import pytest

import sim2real
from sim2real.configs.errors import UserError
from sim2real.configs.load import load_robot
from sim2real.runtime.log import read_log
from sim2real.runtime.replay import replay
from sim2real.runtime.states import State

RUNS = [
    ("pendulum_swingup", "pendulum", 400.0, 4),
    ("quadruped_walk", "quadruped", 200.0, 4),
    ("so101_reach", "so101", 100.0, 2),
    ("hopper_hop", "hopper_leg", 300.0, None),
]


def run(policy: str, robot: str, rate: float, log: Path, **options):
    return sim2real.run(policy, robot, lockstep=True, plant="inertia", duration=1.0, bus_rate=rate, log=log, **options)


@pytest.mark.parametrize(("policy", "robot", "rate", "ratio"), RUNS)
def test_the_policy_runs_at_its_rate_and_every_tick_reads_and_writes(policy, robot, rate, ratio, tmp_path):
    report = run(policy, robot, rate, tmp_path / "run.mcap")
    ticks = read_log(tmp_path / "run.mcap").ticks
    contract = sim2real.load_policy(policy).contract
    ratio = ratio or round(rate / contract.control_rate)
    assert report.final_state is State.RUNNING
    assert report.interventions_total == 0
    stamps = np.array([tick["time_ns"] for tick in ticks])
    assert np.median(np.diff(stamps)) == pytest.approx(1e9 / rate, rel=1e-3)
    running = [tick for tick in ticks if tick["state"] == "RUNNING" and tick is not ticks[-1]]
    first = next(index for index, tick in enumerate(running) if tick["ran"])
    assert [tick["ran"] for tick in running[first:]] == [index % ratio == 0 for index in range(len(running) - first)]
    assert all(all(tick["fresh"]) for tick in ticks)
    buses = len({joint.bus for joint in load_robot(robot).joints.values()})
    assert report.bus.writes >= buses * report.ticks


def test_its_log_replays_bit_for_bit(tmp_path):
    run("quadruped_walk", "quadruped", 200.0, tmp_path / "run.mcap")
    replayed = replay(tmp_path / "run.mcap", sim2real.load_policy("quadruped_walk"))
    assert replayed.ticks >= 50
    assert not replayed.mismatches


@pytest.mark.parametrize("between", ["linear", "filter"])
def test_targets_move_in_every_tick_of_the_bus(between, tmp_path):
    robot = load_robot("quadruped", overrides=(f"loop.between={between}",))
    run("quadruped_walk", robot, 200.0, tmp_path / "run.mcap")
    ticks = [tick for tick in read_log(tmp_path / "run.mcap").ticks if tick["state"] == "RUNNING"]
    commanded = np.array([tick["command_position"] for tick in ticks])
    moved = (np.abs(np.diff(commanded, axis=0)).max(axis=1) > 0.0)[20:]
    assert moved.mean() > 0.95
    speed = np.abs(np.diff(commanded, axis=0)) * 200.0
    assert (speed <= np.array([joint.velocity_limit for joint in robot.joints.values()]) + 1e-6).all()


def test_the_yaml_s_rate_is_taken_and_the_option_overrides_it(tmp_path):
    robot = load_robot("pendulum", overrides=("loop.bus_rate=200 Hz",))
    options = {"lockstep": True, "plant": "inertia", "duration": 0.5}
    slow, fast = (sim2real.run("pendulum_swingup", robot, bus_rate=rate, **options).ticks for rate in (None, 400.0))
    assert fast == pytest.approx(2 * slow, abs=4)


def test_a_rate_that_does_not_fit_is_refused_before_anything_is_opened():
    with pytest.raises(UserError, match=r"a bus rate of 130 Hz does not fit the policy's 100 Hz; valid: whole"):
        sim2real.run("pendulum_swingup", "pendulum", lockstep=True, duration=1.0, bus_rate=130.0)


def test_a_tick_without_a_reading_holds_the_command_and_the_policy_runs_in_the_next(tmp_path):
    report = run("pendulum_swingup", "pendulum", 400.0, tmp_path / "run.mcap", faults="lossy_bus")
    ticks = read_log(tmp_path / "run.mcap").ticks
    running = [tick for tick in ticks if tick["state"] == "RUNNING"]
    assert report.held_ticks > 0
    lost = [index for index, tick in enumerate(running[:-1]) if not all(tick["fresh"])]
    assert lost
    for index in lost:
        assert not running[index]["ran"]
        if index:
            assert running[index]["command_effort"] == running[index - 1]["command_effort"]
