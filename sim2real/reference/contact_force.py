"""The external forces on bodies that Gymnasium observes: those of the last evaluation of the physics in a step.

Gymnasium calls `mj_rnePostConstraint` after `mj_step`. Under the Runge-Kutta integrator the contacts and forces found
there are those of the fourth stage, at a state that is neither the one before the step nor the one after it, and for
which MuJoCo evaluates no sensors. A batch cannot call a function after a step; but the bound fields show the bodies and
actuators of that stage, so its state follows from them. A second batch evaluates it once, with a sensor that makes
MuJoCo compute the forces: one evaluation more, where the step itself takes four for every physics step.
"""

import numpy as np
from mujoco.batch import Batch

from sim2real.hardware.types import Float64Array
from sim2real.model.addresses import Indices
from sim2real.reference.models import load_model

_ROOT = 1  # the body with the free joint
_NEXT, _AFTER_NEXT = [1, 2, 0], [2, 0, 1]  # axes of a cross product


class ContactForces:
    """External forces on the bodies of n simulations of a free root with actuated hinges.

    Args:
        batch: The simulations.
        file: Their model, among Gymnasium's assets.
    """

    def __init__(self, batch: Batch, file: str) -> None:
        model = batch.model
        self._where, self._attitude, self._axes = batch.bind("xpos"), batch.bind("xquat"), batch.bind("xmat")
        self._motion, self._center = batch.bind("cvel"), batch.bind("subtree_com")
        self._contacts, self._control = batch.bind("ncon"), batch.bind("ctrl")
        self._length, self._speed = batch.bind("actuator_length"), batch.bind("actuator_velocity")
        joints = model.actuator_trnid[:, 0]
        self._q, self._v, self._gear = model.jnt_qposadr[joints], model.jnt_dofadr[joints], model.actuator_gear[:, 0]
        self._stage = Batch(load_model(file, body_acceleration=True), nsim=batch.nsim, nthread=batch.nthread)
        self._stage_position, self._stage_velocity = self._stage.bind("qpos"), self._stage.bind("qvel")
        self._stage_control, self._stage_guess = self._stage.bind("ctrl"), self._stage.bind("qacc_warmstart")
        self._forces: Float64Array = self._stage.bind("cfrc_ext")
        self.values = np.zeros((batch.nsim, model.nbody - 1, 6))
        """Torque and force about the centre of mass, N m and N, (n, bodies without the world, 6)."""

    def update(self, warm_start: Float64Array | None = None) -> None:
        """Find the forces of the step that was just taken.

        Args:
            warm_start: `qacc_warmstart` before the last physics step, (n, nv), for solvers whose result depends on it
                to more than rounding; Newton's does not.
        """
        touching = np.flatnonzero(self._contacts)
        self.values[:] = 0.0
        if not len(touching):
            return
        self._place(touching)
        self._stage_guess[touching] = 0.0 if warm_start is None else warm_start[touching]
        self._stage.forward(touching)
        self.values[touching] = self._forces[touching, 1:]

    def _place(self, rows: Indices) -> None:
        """Put some simulations of the second batch into the state of the last stage."""
        where, axes = self._where[rows, _ROOT], self._axes[rows, _ROOT].reshape(-1, 3, 3)
        # cvel is at the centre of mass of the whole tree, in the world's axes: angular, then linear.
        motion, arm = self._motion[rows, _ROOT], where - self._center[rows, _ROOT]
        turn = motion[:, :3]
        position = np.empty((len(rows), self._stage_position.shape[1]))
        velocity = np.empty((len(rows), self._stage_velocity.shape[1]))
        position[:, :3], position[:, 3:7] = where, self._attitude[rows, _ROOT]
        position[:, self._q] = self._length[rows] / self._gear
        velocity[:, :3] = motion[:, 3:] + turn[:, _NEXT] * arm[:, _AFTER_NEXT] - turn[:, _AFTER_NEXT] * arm[:, _NEXT]
        velocity[:, 3:6] = (turn[:, None, :] @ axes)[:, 0]
        velocity[:, self._v] = self._speed[rows] / self._gear
        self._stage_position[rows], self._stage_velocity[rows] = position, velocity
        self._stage_control[rows] = self._control[rows]
