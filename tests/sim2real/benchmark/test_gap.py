"""Laws of the gap: batch environment and emulated robot model the same motor; the benchmark detects differences."""

import numpy as np
import pytest

from sim2real.benchmark.gap import LAG_MAX, compare, measure
from sim2real.benchmark.gap_setup import bases, gap_task, held
from sim2real.benchmark.gap_targets import SETTLE, targets
from sim2real.configs.library import shipped_with_model
from sim2real.configs.load import load_robot
from sim2real.model.model import load_spec

SHORT = 3.0
BOUNDS = {"pendulum": 2.0, "so101": 10.0, "quadruped": 5.0, "hopper_leg": 5.0}
"""mrad RMS after the shift."""


@pytest.mark.parametrize("name", shipped_with_model())
def test_the_emulated_robot_moves_as_the_batch_does(name):
    for gap in measure(load_robot(name), SHORT, standing=False):
        assert gap.travel > 0.05
        assert 1e3 * gap.aligned_rms < BOUNDS[name]
        assert gap.aligned_maximum < 0.05
        assert gap.latency < 0.01


def test_a_wrong_gain_widens_the_gap(monkeypatch):
    """Half the stiffness on one side is detected."""
    robot = load_robot("so101")
    weak = robot.model_copy(
        update={"joints": {n: j.model_copy(update={"stiffness": 0.5 * j.stiffness}) for n, j in robot.joints.items()}}
    )
    monkeypatch.setattr(
        "sim2real.benchmark.gap.gap_task",
        lambda body, seconds: gap_task(body.model_copy(update={"joints": weak.joints}), seconds),
    )
    assert 1e3 * measure(robot, SHORT)[0].aligned_rms > 2.0 * BOUNDS["so101"]


def test_a_latency_is_measured_and_compensated():
    robot = load_robot("pendulum")
    task = gap_task(robot, 4.0)
    tick = (1.0 + np.arange(round(4.0 * task.control_rate))) / task.control_rate
    fine = 1e-3 * (1.0 + np.arange(round(1e3 * (4.0 + LAG_MAX))))
    gap = compare("fixed", robot, task, np.sin(3.0 * tick)[:, None], np.sin(3.0 * (fine - 0.0123))[:, None])
    assert gap.latency == pytest.approx(0.0123, abs=3e-4)
    assert gap.rms == pytest.approx(0.0123 * 3.0 / np.sqrt(2.0), rel=0.1)
    assert gap.aligned_rms < 1e-3


@pytest.mark.parametrize("name", shipped_with_model())
def test_targets_are_from_the_seed_and_within_the_limits(name):
    robot = load_robot(name)
    joints = list(robot.joints.values())
    asked = targets(robot, 50.0, 6.0, 0.5, 1)
    assert (asked == targets(robot, 50.0, 6.0, 0.5, 1)).all()
    assert (asked != targets(robot, 50.0, 6.0, 0.5, 2)).any()
    assert (asked[: int(50 * SETTLE)] == asked[0]).all()
    if joints[0].mode == "current":
        assert (np.abs(asked) <= [joint.effort_limit for joint in joints]).all()
        return
    low, high = np.array([joint.position_limits for joint in joints]).T
    assert ((low <= asked) & (asked <= high)).all()
    assert (np.abs(np.diff(asked, axis=0)) * 50.0 <= [joint.velocity_limit for joint in joints]).all()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pendulum", ("fixed",)),
        ("so101", ("fixed",)),
        ("quadruped", ("held", "standing")),
        ("hopper_leg", ("held", "standing")),
    ],
)
def test_a_moving_base_is_measured_held_and_standing(name, expected, tmp_path):
    robot = load_robot(name)
    assert bases(robot) == expected
    body = held(robot, tmp_path)
    assert bases(body) == ("fixed",)
    assert [joint.name for joint in load_spec(body).joints] == list(robot.joints)
