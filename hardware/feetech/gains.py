"""Converts stiffness, damping and limits of a joint to registers of an STS motor, and back to a control law.

Source: the newer STS manual for the units of P and D. BAM measured a duty of 0.166 per radian and unit of P, 1.02 times
the manual's value.
"""

from math import floor
from typing import Final, NamedTuple

from sim2real.configs.schema.robot import JointConfig
from sim2real.hardware.position_law import PositionLaw, Winding, nearest, per_radian

DUTY_FULL: Final = 1000.0
"""Full voltage in units of Load (60), Torque Limit (48) and the PWM goal: 0.1 %."""
DUTY_MAX: Final = 0.97
"""Largest duty cycle, measured with an oscilloscope on an STS3215 (BAM, feetech/actuator.py)."""
P_UNIT, D_UNIT = 1.0 / 4.0, 1.0 / 8.0
"""In 0.1 % duty: per step of error, and per step of its change in one sample."""
LOOP_HZ: Final = 1000.0
"""Rate of the loop. DTs (81) is in milliseconds; that it is 1 ms is an assumption."""
GAIN_MAX: Final = 254


class PositionGains(NamedTuple):
    """Position P (21), I (23) and D Gain (22)."""

    p: int
    i: int
    d: int


_FACTORY = PositionGains(32, 0, 32)


def position_gains(joint: JointConfig) -> PositionGains:
    """Return the gains nearest to the joint's stiffness and damping at the motor's nominal voltage.

    Torque is proportional to the supply, and so are stiffness and damping. Without a configured stiffness, the factory
    gains are kept. Damping cannot be lower than that of the back-EMF, and D adds little to it.
    """
    if joint.stiffness == 0.0:
        return _FACTORY
    p, d = _units(joint, joint.motor.nominal.voltage)
    extra = joint.damping - Winding.of(joint.motor).damping
    return PositionGains(nearest(joint.stiffness, p, GAIN_MAX), 0, nearest(extra, d, GAIN_MAX))


def position_law(joint: JointConfig, supply: float) -> PositionLaw:
    """Return the control law of a joint with these registers at a supply voltage, V."""
    p, d = _units(joint, supply)
    gains = position_gains(joint)
    return PositionLaw(
        stiffness=p * gains.p,
        damping=Winding.of(joint.motor).damping + d * gains.d,
        duty_max=min(torque_limit(joint) / DUTY_FULL, DUTY_MAX),
        speed_max=joint.velocity_limit,
    )


def torque_limit(joint: JointConfig) -> int:
    """Return the Torque Limit (48) for the joint's effort limit, in 0.1 % of the stall torque."""
    share = joint.effort_limit / joint.motor.nominal.stall_torque
    return max(1, min(1000, floor(share * DUTY_FULL + 1e-9)))


def _units(joint: JointConfig, supply: float) -> tuple[float, float]:
    """Return N·m/rad of one unit of P, and N·m·s/rad of one unit of D."""
    full = Winding.of(joint.motor).torque(supply) * per_radian(joint.motor) / DUTY_FULL
    return P_UNIT * full, D_UNIT * full / LOOP_HZ
