"""Laws of the rehearsals: motors with any history are read truly and held still, or refused by name."""

import pytest

from sim2real.configs.load import load_robot
from sim2real.hardware.rehearsal.calibration import rehearse_calibration
from sim2real.hardware.rehearsal.used_motors import rehearse_used_motor

ROBOTS = ("quadruped", "so101", "hopper_leg")
SEEDS = range(40)


@pytest.mark.parametrize("robot", ROBOTS)
def test_a_calibrated_joint_reads_its_true_position_or_is_refused(robot):
    """Any horn, sense and history; power-cycled anywhere; a third of the motors were changed again afterwards."""
    trials = [rehearse_calibration(load_robot(robot), seed) for seed in SEEDS]
    assert [seed for seed, trial in zip(SEEDS, trials, strict=True) if trial.silent_error] == []
    assert sum(not trial.refusal for trial in trials) >= 8, "refusing everything is no calibration"
    assert any("calibration no longer holds" in trial.refusal for trial in trials)
    assert all(len(trial.refusal.splitlines()) <= 1 for trial in trials)


@pytest.mark.parametrize("robot", ROBOTS)
def test_a_used_motor_holds_still_or_is_refused(robot):
    holds = [rehearse_used_motor(load_robot(robot), seed) for seed in SEEDS]
    assert [seed for seed, hold in zip(SEEDS, holds, strict=True) if hold.unasked] == []
    assert sum(not hold.refusal for hold in holds) >= 8, "refusing everything is no help"


def test_a_trial_is_the_same_again():
    robot = load_robot("so101")
    assert rehearse_calibration(robot, 3) == rehearse_calibration(robot, 3)
