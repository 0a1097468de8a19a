"""Laws of the simulated motor in impedance mode: the same torque as the controller's."""

import mujoco
import pytest

from sim2real.configs.load import load_robot
from sim2real.model.model import add_motor

HINGE = """<mujoco><worldbody><body><joint name="hip"/><geom size=".1" mass="1"/></body></worldbody></mujoco>"""


@pytest.mark.parametrize(
    ("position", "velocity", "target"), [(0.0, 1.0, 0.0), (0.1, 0.0, 0.0), (0.0, -0.5, 0.2), (0.3, 2.0, 0.5)]
)
def test_torque_is_stiffness_times_error_less_damping_times_velocity(position, velocity, target):
    joint = load_robot("hopper_leg").joints["hip"]
    assert torque(position, velocity, target) == pytest.approx(
        joint.stiffness * (target - position) - joint.damping * velocity
    )


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_torque_is_clipped_to_the_effort_limit_of_the_command(sign):
    assert torque(0.0, 0.0, sign * 3.0) == pytest.approx(sign * load_robot("hopper_leg").joints["hip"].effort_limit)


def torque(position: float, velocity: float, target: float) -> float:
    robot = load_robot("hopper_leg")
    spec = mujoco.MjSpec.from_string(HINGE)
    add_motor(spec, "hip", robot.joints["hip"], robot.supply_voltage)
    model = spec.compile()
    data = mujoco.MjData(model)
    data.qpos[0], data.qvel[0], data.ctrl[0] = position, velocity, target
    mujoco.mj_forward(model, data)
    return float(data.actuator_force[0])
