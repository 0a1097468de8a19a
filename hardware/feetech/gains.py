"""Stiffness, damping and limits of a joint as registers of an STS motor, and the law that results.

Source: the newer STS manual for the units of P and D; BAM measured 0.166 duty for each radian and unit of P, 1.02 times
what the manual says.
"""

from math import floor
from typing import Final, NamedTuple

from sim2real.configs.schema.robot import JointConfig
from sim2real.hardware.position_law import PositionLaw, Winding, nearest, per_radian

DUTY_FULL: Final = 1000.0
"""Load (60), torque limit (48) and PWM goal count 0.1 % of full voltage."""
DUTY_MAX: Final = 0.97
"""Measured with an oscilloscope on STS3215 (BAM, feetech/actuator.py)."""
P_UNIT, D_UNIT = 1.0 / 4.0, 1.0 / 8.0
"""0.1 % duty for each step of error, and for each step of its change in a sample."""
LOOP_HZ: Final = 1000.0
"""DTs (81) counts milliseconds; one millisecond is an assumption."""
GAIN_MAX: Final = 254


class PositionGains(NamedTuple):
    """Position P (21), I (23) and D Gain (22)."""

    p: int
    i: int
    d: int


_FACTORY = PositionGains(32, 0, 32)


def position_gains(joint: JointConfig) -> PositionGains:
    """Return the gains nearest to the joint's stiffness and damping at its motor's nominal voltage.

    Torque is proportional to the supply, and so are stiffness and damping. A joint that gives no stiffness keeps the
    factory's gains. Damping below that of the back-EMF cannot be had, and D adds little to it.
    """
    if joint.stiffness == 0.0:
        return _FACTORY
    p, d = _units(joint, joint.motor.nominal.voltage)
    extra = joint.damping - Winding.of(joint.motor).damping
    return PositionGains(nearest(joint.stiffness, p, GAIN_MAX), 0, nearest(extra, d, GAIN_MAX))


def position_law(joint: JointConfig, supply: float) -> PositionLaw:
    """Return the law that the registers of a joint make at a supply voltage, V."""
    p, d = _units(joint, supply)
    gains = position_gains(joint)
    return PositionLaw(
        stiffness=p * gains.p,
        damping=Winding.of(joint.motor).damping + d * gains.d,
        duty_max=min(torque_limit(joint) / DUTY_FULL, DUTY_MAX),
        speed_max=joint.velocity_limit,
    )


def torque_limit(joint: JointConfig) -> int:
    """Return the Torque Limit (48) that keeps the joint at its effort limit; 0.1 % of what the motor can."""
    share = joint.effort_limit / joint.motor.nominal.stall_torque
    return max(1, min(1000, floor(share * DUTY_FULL + 1e-9)))


def _units(joint: JointConfig, supply: float) -> tuple[float, float]:
    """Return N·m/rad of one unit of P, and N·m·s/rad of one unit of D."""
    full = Winding.of(joint.motor).torque(supply) * per_radian(joint.motor) / DUTY_FULL
    return P_UNIT * full, D_UNIT * full / LOOP_HZ
