"""Dry friction of the robot's joints that follows velocity and load, for MuJoCo's `frictionloss`.

The solver takes `frictionloss` as a budget: what stops the joint, up to this much. It is set anew after every physics
step, from the forces of that step, in the batch and in the emulator's plant by the same code.
"""

from typing import Final

import numpy as np

from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.gear_friction import GearFriction
from sim2real.hardware.types import Float64Array
from sim2real.model.addresses import joint_levers

_SLIDES: Final = 0.05
"""rad/s at the motor from which a joint slides: the solver lets one that is held creep by some 0.01 rad/s."""


class DryFriction:
    """Budgets of the dry friction of J joints; forces and velocities are those of the joints: N·m, rad/s; N, m/s.

    Args:
        robot: The robot.
    """

    def __init__(self, robot: RobotConfig) -> None:
        self._motors = GearFriction([joint.motor.friction for joint in robot.joints.values()])
        levers = joint_levers(robot)
        self._levers = np.ones(len(robot.joints)) if levers is None else levers
        self.varies = self._motors.varies
        """Whether any of it depends on velocity or load; else `frictionloss` of the model is right as it is."""
        none = np.zeros(len(robot.joints))
        self.unloaded: Float64Array = self._motors.budget(none, none, none) / self._levers
        """Budgets at rest without load, (J,)."""
        self.coulomb: Float64Array = self._motors.coulomb / self._levers
        """Coulomb friction, (J,)."""

    def budget(
        self,
        before: Float64Array,
        velocity: Float64Array,
        motor: Float64Array,
        free: Float64Array,
        constraint: Float64Array,
    ) -> Float64Array:
        """Return the budgets of the next physics step, (…, J).

        The torque from outside is all that acts on a joint but motor and friction. What the solver calls the force of
        constraints has friction in it, together with contacts and limits. Within the budget it is taken for friction.
        Above, friction of a sliding joint is the whole budget against the motion, and of one that is held, the share
        of the force that the budget allows: contact forces on a held joint are too low by the budget at most.

        Args:
            before: Budgets of the last step.
            velocity: Of the joints, now.
            motor: Force of the motors in the last step.
            free: All forces of the last step but constraints and dampers, motors included (`qfrc_smooth` less
                `qfrc_damper`).
            constraint: Forces of constraints in the last step (`qfrc_constraint`).
        """
        held = np.clip(constraint, -before, before)
        slides = (np.abs(constraint) > before) & (np.abs(velocity) > _SLIDES * self._levers)
        friction = np.where(slides, -np.sign(velocity) * before, held)
        external = free + constraint - motor - friction
        levers = self._levers
        return self._motors.budget(velocity / levers, motor * levers, external * levers) / levers
