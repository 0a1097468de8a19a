"""Laws of the trial on a robot's ports: a policy passes by running, and a run with a bad one brings the robot back."""

from pathlib import Path

import pytest
from flash_models import write_policy_that_fails_in_motion

from sim2real.configs.load import load_robot
from sim2real.configs.policy_reference import find_policy
from sim2real.hardware.emulator.process import emulate
from sim2real.runtime.flash.directory import DirectoryTarget
from sim2real.runtime.flash.install import flash
from sim2real.runtime.flash.rollback import status
from sim2real.runtime.flash.terms import Gate, Terms
from sim2real.runtime.policy import OnnxPolicy
from sim2real.runtime.run import run
from sim2real.runtime.states import State

TERMS = Terms(gate=Gate(healthy_for=0.1))


@pytest.mark.realtime
def test_the_shipped_policy_passes_and_from_one_that_fails_in_motion_the_robot_goes_back(tmp_path: Path) -> None:
    name = "quadruped_walk"
    contract = OnnxPolicy(find_policy(name)).contract
    robot, target = load_robot(contract.robot.name), DirectoryTarget(tmp_path / "robot")
    assert flash(find_policy(name), robot, target, terms=TERMS).on_trial
    with emulate(robot, plant="inertia", real_time=True) as emulator:
        report = run(target.policy_path, robot, ports=emulator.ports, duration=0.3)
        assert "has passed its trial" in report.warnings[-1]
        bad = write_policy_that_fails_in_motion(tmp_path / "bad.onnx", contract)
        assert flash(bad, robot, target, terms=TERMS).on_trial
        report = run(target.policy_path, robot, ports=emulator.ports, duration=10.0)
        assert report.final_state is State.FAULT
        assert "failed its trial (action not finite): went back to slot_a" in report.warnings[-1]
        found = status(target, robot)
        assert (found.active, found.problem) == ("slot_a", None)
        assert list(found.record.bad.values()) == ["action not finite on trial"]
