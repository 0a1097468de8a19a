"""Stiffness, damping and effort limit of a joint as registers of an X-series motor, and the law that results.

Source: e-Manual, PID of position control: the loop's output is PWM, K_P = register / 128, K_D = register / 16.
"""

from math import floor, inf
from typing import Final, NamedTuple

from sim2real.configs.schema.robot import JointConfig
from sim2real.hardware.dynamixel.schema import registers_of
from sim2real.hardware.position_law import PositionLaw, Winding, nearest, per_radian

PWM_FULL: Final = 885
"""PWM of full voltage: 885 times 0.113 % is 100 % (e-Manual, 36 and 100)."""
P_UNIT, I_UNIT, D_UNIT = 1.0 / 128.0, 1.0 / 65536.0, 1.0 / 16.0
LOOP_HZ: Final = 1000.0
"""The I and D gains count samples of a loop of 1 kHz. The e-Manual gives no rate; this one is an assumption."""
GAIN_MAX: Final = 16_383


class PositionGains(NamedTuple):
    """Position P (84), I (82) and D Gain (80)."""

    p: int
    i: int
    d: int


def position_gains(joint: JointConfig) -> PositionGains:
    """Return the gains nearest to the joint's stiffness and damping at its motor's nominal voltage.

    Torque is proportional to the supply, and so are stiffness and damping. A joint that gives no stiffness keeps the
    factory's gains. Damping below that of the back-EMF cannot be had.
    """
    factory = registers_of(joint.motor).gains
    if joint.stiffness == 0.0:
        return PositionGains(factory.position_p, factory.position_i, factory.position_d)
    p, d = _units(joint, joint.motor.nominal.voltage)
    extra = joint.damping - Winding.of(joint.motor).damping
    return PositionGains(nearest(joint.stiffness, p, GAIN_MAX), 0, nearest(extra, d, GAIN_MAX))


def position_law(joint: JointConfig, supply: float, voltage_max: float) -> PositionLaw:
    """Return the law that the registers of a joint in position mode make.

    Args:
        joint: The joint.
        supply: V
        voltage_max: V; highest supply that safety allows.
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
    """Tell whether a joint in position mode may give less than its motor can."""
    return joint.mode == "position" and joint.effort_limit < joint.motor.nominal.stall_torque


def current_limit(joint: JointConfig) -> int:
    """Return the Current Limit (38) that keeps the joint at its effort limit; 0 of a motor that measures no current."""
    units = joint.effort_limit / joint.motor.effort_unit
    return min(floor(units + 1e-9), registers_of(joint.motor).current_limit or 0)


def pwm_limit(joint: JointConfig, voltage_max: float) -> int:
    """Return the PWM Limit (36): full, or where nothing else bounds effort what stalls at the effort limit.

    Stall torque goes with voltage (e-Manual, stall torque at three supplies), so the highest supply counts.
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
