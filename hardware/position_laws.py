"""The position law of any joint, by the family of its motor."""

import sim2real.hardware.dynamixel.gains as dynamixel
import sim2real.hardware.feetech.gains as feetech
from sim2real.configs.schema.robot import JointConfig
from sim2real.hardware.position_law import PositionLaw


def position_law(joint: JointConfig, supply: float, voltage_max: float) -> PositionLaw:
    """Return the law that a joint in position or impedance mode follows with the registers that its driver sets.

    Args:
        joint: The joint.
        supply: V
        voltage_max: V; highest supply that safety allows.
    """
    if joint.motor.family == "dynamixel":
        return dynamixel.position_law(joint, supply, voltage_max)
    if joint.motor.family == "feetech":
        return feetech.position_law(joint, supply)
    # A moteus regulates current: its command carries both gains and the effort limit, whatever the supply.
    return PositionLaw(joint.stiffness, joint.damping, torque_max=joint.effort_limit)
