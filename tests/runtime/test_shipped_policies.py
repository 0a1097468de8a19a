"""Laws of shipped policies: on the emulated robot, over the wire, each does what its scenario says; here a part."""

import numpy as np
import pytest

from sim2real.configs.load import load_scenario
from sim2real.configs.policy_reference import find_policy
from sim2real.hardware.clock import VirtualClock
from sim2real.hardware.emulator.lockstep import lockstep_transports
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.robot import RobotHardware
from sim2real.plant import MujocoPlant
from sim2real.runtime.hil.scenario_run import run_scenario
from sim2real.runtime.policy import OnnxPolicy
from sim2real.runtime.report import RunReport
from sim2real.runtime.run_options import RunOptions
from sim2real.runtime.session import run_session
from sim2real.runtime.states import State

pytestmark = pytest.mark.slow

SCENARIOS = {"pendulum_swingup": 12.0, "quadruped_walk": 6.0, "so101_reach": 8.0, "hopper_hop": 4.0}
"""s of policy of each, long enough to tell."""


def watched(name: str, duration: float, **commands: float) -> tuple[RunReport, list[np.ndarray]]:
    """A run in lockstep, and where the first body of the model was after every tick, m."""
    policy = OnnxPolicy(find_policy(name))
    robot = load_scenario(name).task.robot
    plant, clock, places = MujocoPlant(robot), VirtualClock(), []
    emulated = EmulatedRobot(robot, plant)
    hardware = RobotHardware(robot, lockstep_transports(emulated, clock), clock)
    options = RunOptions(
        duration=duration, commands=commands, on_tick=lambda _: places.append(plant.data.xpos[1].copy())
    )
    return run_session(policy, robot, hardware, clock, options), places


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_robots_scenario_is_met_as_far_as_it_goes_in_the_time(name):
    scenario = load_scenario(name)
    duration = min(SCENARIOS[name], scenario.duration)
    asked = tuple(entry for entry in scenario.commands if entry.at < duration)
    expect = scenario.expect
    if duration < (scenario.task.goal.hold or 0.0):
        expect = expect.model_copy(update={"goal": None})
    short = scenario.model_copy(update={"duration": duration, "commands": asked, "expect": expect})
    result = run_scenario(short, OnnxPolicy(find_policy(name)))
    assert result.ok, result.failures


def test_the_quadruped_walks_where_it_is_asked_to_and_stays_upright():
    report, places = watched("quadruped_walk", 6.0, forward=0.3)
    assert report.final_state is State.RUNNING
    assert 1.2 < np.hypot(*(places[-1] - places[0])[:2]) < 2.4
    assert np.degrees(report.distance.max()) < 30.0


def test_the_leg_hops_off_the_ground():
    report, places = watched("hopper_hop", 4.0, height=0.15)
    assert report.final_state is State.RUNNING
    assert max(place[2] for place in places) > 0.2495 + 0.1  # m: standing, and most of what is asked


def test_the_leg_travels_where_it_is_asked_to():
    report, places = watched("hopper_hop", 6.0, height=0.15, forward=0.3)
    assert report.final_state is State.RUNNING
    assert 1.2 < places[-1][0] - places[0][0] < 2.4
