"""Converts stiffness, damping and effort limit of a joint to registers of an X-series motor, and back to a control law.

Source: e-Manual, position PID: the loop's output is PWM, K_P = register / 128, K_D = register / 16.
"""

from math import floor, inf
from typing import Final, NamedTuple

from sim2real.configs.schema.robot import JointConfig
from sim2real.hardware.dynamixel.schema import registers_of
from sim2real.hardware.position_law import PositionLaw, Winding, nearest, per_radian

PWM_FULL: Final = 885
"""PWM value for full voltage: 885 times 0.113 % is 100 % (e-Manual, 36 and 100)."""
P_UNIT, I_UNIT, D_UNIT = 1.0 / 128.0, 1.0 / 65536.0, 1.0 / 16.0
LOOP_HZ: Final = 1000.0
"""Rate of the loop, whose samples the I and D gains count. An assumption: the e-Manual gives no rate."""
GAIN_MAX: Final = 16_383


class PositionGains(NamedTuple):
    """Position P (84), I (82) and D Gain (80)."""

    p: int
    i: int
    d: int


def position_gains(joint: JointConfig) -> PositionGains:
    """Return the gains nearest to the joint's stiffness and damping at the motor's nominal voltage.

    Torque is proportional to the supply, and so are stiffness and damping. Without a configured stiffness, the factory
    gains are kept. Damping cannot be lower than that of the back-EMF.
    """
    factory = registers_of(joint.motor).gains
    if joint.stiffness == 0.0:
        return PositionGains(factory.position_p, factory.position_i, factory.position_d)
    p, d = _units(joint, joint.motor.nominal.voltage)
    extra = joint.damping - Winding.of(joint.motor).damping
    return PositionGains(nearest(joint.stiffness, p, GAIN_MAX), 0, nearest(extra, d, GAIN_MAX))


def position_law(joint: JointConfig, supply: float, voltage_max: float) -> PositionLaw:
    """Return the control law of a joint in position mode with these registers.

    Args:
        joint: The joint.
        supply: Supply voltage, V.
        voltage_max: Highest supply voltage that the safety limits allow, V.
    """
    p, d = _units(joint, supply)
    gains = position_gains(joint)
    by_current = effort_is_bounded(joint) and registers_of(joint.motor).measures_current
    return PositionLaw(
        stiffness=p * gains.p,
        damping=Winding.of(joint.motor).damping + d * gains.d,
        duty_max=pwm_limit(joint, voltage_max) / PWM_FULL,
        torque_max=current_limit(joint) * joint.motor.effort_unit if by_current else inf,
    )


def effort_is_bounded(joint: JointConfig) -> bool:
    """Return whether a joint in position mode has an effort limit below the motor's stall torque."""
    return joint.mode == "position" and joint.effort_limit < joint.motor.nominal.stall_torque


def current_limit(joint: JointConfig) -> int:
    """Return the Current Limit (38) for the joint's effort limit; 0 if the motor measures no current."""
    units = joint.effort_limit / joint.motor.effort_unit
    return min(floor(units + 1e-9), registers_of(joint.motor).current_limit or 0)


def pwm_limit(joint: JointConfig, voltage_max: float) -> int:
    """Return the PWM Limit (36): full, or if nothing else limits effort, the PWM that stalls at the effort limit.

    Stall torque is proportional to voltage (e-Manual, stall torque at three supplies), so the highest supply counts.
    """
    if registers_of(joint.motor).measures_current or not effort_is_bounded(joint):
        return PWM_FULL
    nominal = joint.motor.nominal
    share = joint.effort_limit / nominal.stall_torque * nominal.voltage / voltage_max
    return max(1, min(floor(PWM_FULL * share + 1e-9), PWM_FULL))


def _units(joint: JointConfig, supply: float) -> tuple[float, float]:
    """Return N·m/rad of one unit of P, and N·m·s/rad of one unit of D."""
    full = Winding.of(joint.motor).torque(supply) * per_radian(joint.motor) / PWM_FULL
    return P_UNIT * full, D_UNIT * full / LOOP_HZ
