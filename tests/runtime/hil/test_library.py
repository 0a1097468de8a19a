"""Laws of the shipped scenarios: all four robots have each kind, and each ends as it says."""

import pytest

from sim2real.configs.library import shipped
from sim2real.configs.load import load_scenario
from sim2real.runtime.hil.job import Job, run_job
from sim2real.runtime.hil.scenario_files import SHIPPED

_KINDS = (
    "adapter_unplugged",
    "any_pose",
    "brown_out",
    "emergency_stop",
    "fall_and_recovery",
    "hot_motor",
    "lost_replies",
    "policy_nan",
    "power_cycle",
    "push",
    "slow_machine",
    "wrong_bundle",
)
_ROBOTS = {"pendulum": "pendulum", "quadruped": "quadruped", "so101": "so101", "hopper": "hopper_leg"}
_LIBRARY = [f"{robot}_{kind}" for robot in _ROBOTS for kind in _KINDS]


def test_every_robot_has_every_kind_and_a_frozen_sensor():
    names = set(shipped("scenarios"))
    assert set(_LIBRARY) <= names
    for prefix, robot in _ROBOTS.items():
        task = load_scenario(f"{prefix}_push").task
        assert task.robot.name == robot
        assert f"{prefix}_frozen_{'imu' if task.robot.imus else 'encoder'}" in names


@pytest.mark.slow
@pytest.mark.parametrize("name", [*_LIBRARY, "quadruped_frozen_imu", "so101_frozen_encoder", "hopper_frozen_encoder"])
def test_a_scenario_of_the_library_ends_as_it_says(name):
    pytest.importorskip("mujoco")
    result = run_job(Job(SHIPPED / f"{name}.yaml", repeat=2 if name.endswith("wrong_bundle") else 1))
    assert result.ok, result.failures
