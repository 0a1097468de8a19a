"""External forces on bodies as Gymnasium observes them: those of the last physics evaluation of a step.

Gymnasium calls `mj_rnePostConstraint` after `mj_step`. With the Runge-Kutta integrator, contacts and forces are then
those of the fourth stage, at a state that is neither before nor after the step, and MuJoCo evaluates no sensors there.
A batch cannot call a function after a step, but its bound fields hold the bodies and actuators of that stage, which
determine the state. A second batch evaluates that state once, with a sensor that makes MuJoCo compute the forces: one
more evaluation, beside four for every physics step.
"""

import numpy as np
from mujoco.batch import Batch

from sim2real.hardware.types import Float64Array
from sim2real.model.addresses import Indices
from sim2real.model.threaded_batch import threaded_batch
from sim2real.reference.gymnasium_models import load_model

_ROOT = 1  # the body with the free joint
_NEXT, _AFTER_NEXT = [1, 2, 0], [2, 0, 1]  # axes of a cross product


class ContactForces:
    """External forces on the bodies of n simulations; the model is a free root body with actuated hinges.

    Args:
        batch: The simulations.
        file: File name of their model among Gymnasium's assets.
    """

    def __init__(self, batch: Batch, file: str) -> None:
        model = batch.model
        self._position, self._attitude, self._axes = batch.bind("xpos"), batch.bind("xquat"), batch.bind("xmat")
        self._motion, self._center = batch.bind("cvel"), batch.bind("subtree_com")
        self._contacts, self._control = batch.bind("ncon"), batch.bind("ctrl")
        self._length, self._speed = batch.bind("actuator_length"), batch.bind("actuator_velocity")
        joints = model.actuator_trnid[:, 0]
        self._q, self._v, self._gear = model.jnt_qposadr[joints], model.jnt_dofadr[joints], model.actuator_gear[:, 0]
        self._stage = threaded_batch(load_model(file, body_acceleration=True), batch.nsim, batch.nthread)
        self._stage_position, self._stage_velocity = self._stage.bind("qpos"), self._stage.bind("qvel")
        self._stage_control, self._stage_guess = self._stage.bind("ctrl"), self._stage.bind("qacc_warmstart")
        self._forces: Float64Array = self._stage.bind("cfrc_ext")
        self.values = np.zeros((batch.nsim, model.nbody - 1, 6))
        """Torque and force about the centre of mass, N m and N, (n, bodies without the world, 6)."""

    def update(self, warm_start: Float64Array | None = None) -> None:
        """Compute the forces of the last step.

        Args:
            warm_start: `qacc_warmstart` before the last physics step, (n, nv); for solvers whose result depends on it
                by more than rounding. Newton's does not.
        """
        touching = np.flatnonzero(self._contacts)
        self.values[:] = 0.0
        if not len(touching):
            return
        self._set_stage_state(touching)
        self._stage_guess[touching] = 0.0 if warm_start is None else warm_start[touching]
        self._stage.forward(touching)
        self.values[touching] = self._forces[touching, 1:]

    def _set_stage_state(self, rows: Indices) -> None:
        """Set simulations of the second batch to the state of the last stage."""
        root, axes = self._position[rows, _ROOT], self._axes[rows, _ROOT].reshape(-1, 3, 3)
        # cvel is at the centre of mass of the whole tree, in world axes: angular, then linear.
        motion, arm = self._motion[rows, _ROOT], root - self._center[rows, _ROOT]
        angular = motion[:, :3]
        position = np.empty((len(rows), self._stage_position.shape[1]))
        velocity = np.empty((len(rows), self._stage_velocity.shape[1]))
        position[:, :3], position[:, 3:7] = root, self._attitude[rows, _ROOT]
        position[:, self._q] = self._length[rows] / self._gear
        velocity[:, :3] = (
            motion[:, 3:] + angular[:, _NEXT] * arm[:, _AFTER_NEXT] - angular[:, _AFTER_NEXT] * arm[:, _NEXT]
        )
        velocity[:, 3:6] = (angular[:, None, :] @ axes)[:, 0]
        velocity[:, self._v] = self._speed[rows] / self._gear
        self._stage_position[rows], self._stage_velocity[rows] = position, velocity
        self._stage_control[rows] = self._control[rows]
