"""Robots and readings for the tests of the envelope's parts."""

import numpy as np

from sim2real.hardware.types import JointState
from sim2real.runtime.contract.robot import JointSpec, RobotSpec, SafetySpec
from sim2real.runtime.envelope.settings import JointSettings, SafetySettings

ENVELOPE = SafetySpec(
    watchdog=0.1,
    reading_age_max=0.05,
    communication_loss=0.2,
    missed_ticks_max=20,
    temperature_max=70.0,
    voltage_min=10.0,
    voltage_max=14.8,
    position_margin=0.5,
    velocity_margin=3.0,
)
SERVO = JointSpec(
    name="servo",
    mode="position",
    default_position=0.25,
    position_min=-1.0,
    position_max=1.5,
    velocity_max=8.0,
    effort_max=2.0,
    stiffness=10.0,
    damping=0.2,
)
MOTOR = SERVO.model_copy(update={"name": "motor", "mode": "current"})
LEG = SERVO.model_copy(update={"name": "leg", "mode": "impedance"})


def robot_of(*joints: JointSpec) -> RobotSpec:
    return RobotSpec(name="robot", joints=joints, safety=ENVELOPE)


def settings_of(joints: int, limits: JointSettings | None = None, **changes) -> SafetySettings:
    """Settings with the same limits for every joint."""
    return SafetySettings(envelope=ENVELOPE, joints=(limits or JointSettings(),) * joints, **changes)


def state_of(joints: int, **values) -> JointState:
    """Healthy readings at time 0, but for the values."""
    state = JointState.empty(joints)
    state.position[:] = state.velocity[:] = state.effort[:] = 0.0
    state.temperature[:], state.voltage[:] = 30.0, 12.0
    state.stamp_ns[:] = state.health_stamp_ns[:] = 0
    state.fresh[:] = True
    for name, value in values.items():
        getattr(state, name)[:] = value
    return state


def array(*values: float) -> np.ndarray:
    return np.array(values, np.float64)
