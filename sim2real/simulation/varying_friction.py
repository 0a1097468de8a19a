"""Dry friction of n simulated robots that follows velocity and load."""

import numpy as np
from mujoco.batch import Batch

from sim2real.hardware.types import Float64Array
from sim2real.model.addresses import Indices, columns_of
from sim2real.model.dry_friction import DryFriction
from sim2real.model.model import RobotModel
from sim2real.randomization.parameter import DRY_FRICTION
from sim2real.randomization.parameters import EpisodeParameters


class VaryingFriction:
    """Sets the friction budgets of all joints after every physics step.

    The parameter `joint_friction` scales all terms as it scales Coulomb friction.

    Args:
        batch: The simulations.
        robot: Their model.
        friction: Of its joints.
        parameters: Randomised parameters of each episode.
    """

    def __init__(self, batch: Batch, robot: RobotModel, friction: DryFriction, parameters: EpisodeParameters) -> None:
        self._friction = friction
        self._dof = columns_of(robot.dof)
        self._budget: Float64Array = batch.expand(DRY_FRICTION)
        self._drawn = parameters.dry_friction
        self._velocity, self._motor, self._smooth, self._damper, self._constraint = (
            batch.bind(name) for name in ("qvel", "qfrc_actuator", "qfrc_smooth", "qfrc_damper", "qfrc_constraint")
        )

    field_names = (DRY_FRICTION,)

    def begin(self, ids: Indices) -> None:
        """Start new episodes: at rest, without load."""
        self._budget[np.ix_(ids, np.arange(self._budget.shape[1])[self._dof])] = (
            self._friction.unloaded * self._scale()[ids]
        )

    def update(self) -> None:
        """Set the budgets of the next physics step."""
        dof, scale = self._dof, self._scale()
        self._budget[:, dof] = scale * self._friction.budget(
            self._budget[:, dof],
            self._velocity[:, dof],
            self._motor[:, dof],
            self._smooth[:, dof] - self._damper[:, dof],
            self._constraint[:, dof],
        )

    def _scale(self) -> Float64Array:
        """Return drawn over calibrated Coulomb friction, (n, J)."""
        scale: Float64Array = self._drawn[:, self._dof] / self._friction.coulomb
        return scale
