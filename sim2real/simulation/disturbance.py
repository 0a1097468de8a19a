"""What disturbs a robot: pushes, wrenches on its bodies, and an adversary that meddles with its actions."""

from typing import Any, Final

import numpy as np
from mujoco.batch import Batch

from sim2real.configs.errors import ConfigError
from sim2real.hardware.types import Float64Array
from sim2real.model.addresses import Indices
from sim2real.model.model import RobotModel
from sim2real.randomization.parameters import EpisodeParameters, bodies
from sim2real.randomization.random_streams import Float32Array, RandomStreams

_DECAY: Final = 0.5  # share of what is left of a push that acts in each control step
_WRENCH_TIME: Final = 0.3  # s, mean time that a wrench lasts
_WRENCH_ARM: Final = 0.1  # m, lever at which the force of a wrench also turns
_HIDDEN: Final = 16
_BINS: Final = 15  # the adversary's actions are multiples of 1/15: 31 bins


class Pushes:
    """Impulses on a free base: at random times its velocity along the ground changes, within a few control steps.

    Each component of the change is uniform in ±`push_speed`; pushes come at random with a mean of `push_interval`
    between them.

    Args:
        batch: The simulations.
        robot: Their model.
        parameters: Where speed and interval are drawn.
        period: Control period, s.

    Raises:
        ConfigError: The robot has no free base.
    """

    def __init__(self, batch: Batch, robot: RobotModel, parameters: EpisodeParameters, period: float) -> None:
        self._speed, interval = parameters.array("push_speed"), parameters.array("push_interval")
        self.active = self._speed is not None
        self.pending: Float64Array = np.zeros((batch.nsim, 2))
        """What is left of the pushes, (n, 2), m/s."""
        if self._speed is None:
            return
        if robot.base is None:
            raise ConfigError("push_speed: this robot has no free base that could be pushed")
        if interval is None:
            raise ConfigError("push_speed needs push_interval, the mean time between pushes")
        self._interval, self._period = interval, period
        self._velocity: Float64Array = batch.bind("qvel")
        self._dof = robot.base.dof
        self._all = np.arange(batch.nsim)

    def begin(self, ids: Indices) -> None:
        """Forget the pushes of the last episodes."""
        self.pending[ids] = 0.0

    def apply(self, streams: RandomStreams) -> None:
        """Push for one control step."""
        if self._speed is None:
            return
        uniform = streams.uniform(self._all, 3)
        pushed = uniform[:, :1] * self._interval < self._period
        self.pending += np.where(pushed, (2.0 * uniform[:, 1:] - 1.0) * self._speed, 0.0)
        part = _DECAY * self.pending
        self._velocity[:, self._dof : self._dof + 2] += part
        self.pending -= part


class Wrenches:
    """Random forces and torques on bodies, in proportion to mass and inertia, held for random times.

    Args:
        batch: The simulations.
        robot: Their model.
        parameters: `wrench_acceleration` is the standard deviation of the acceleration along each axis.
        period: Control period, s.
    """

    def __init__(self, batch: Batch, robot: RobotModel, parameters: EpisodeParameters, period: float) -> None:
        self._acceleration = parameters.array("wrench_acceleration")
        self._chance = period / _WRENCH_TIME
        if self._acceleration is None:
            return
        self._applied: Float64Array = batch.bind("xfrc_applied")
        model, self._bodies = robot.model, bodies(robot)
        self._mass, self._inertia = model.body_mass[self._bodies, None], model.body_inertia[self._bodies]
        self._all = np.arange(batch.nsim)

    def apply(self, streams: RandomStreams) -> None:
        """Draw new wrenches where the time has come."""
        if self._acceleration is None:
            return
        new = np.flatnonzero(streams.uniform(self._all, 1)[:, 0] < self._chance)
        if not len(new):
            return
        count = len(self._mass)
        normal = streams.normal(new, 6 * count).reshape(len(new), count, 6)
        normal *= self._acceleration[new][:, :, None]
        force = normal[:, :, :3] * self._mass
        torque = normal[:, :, 3:] * self._inertia / _WRENCH_ARM
        self._applied[new[:, None], self._bodies] = np.concatenate((force, torque), axis=2)


class Adversary:
    """A random network that gets a share of the action: a = (1 - α)·policy + α·adversary (arXiv 1910.07113, app. B).

    Its weights are drawn anew for every episode; its outputs are rounded to 31 values from -1 to 1.

    Args:
        n: Number of simulations.
        observations: O
        actions: A
        parameters: `adversary_share` is α.
    """

    def __init__(self, n: int, observations: int, actions: int, parameters: EpisodeParameters) -> None:
        self._share = parameters.array("adversary_share")
        self.active = self._share is not None
        sizes = (n, observations, actions) if self.active else (0, 0, 0)
        self._first = np.zeros((sizes[0], sizes[1], _HIDDEN), np.float32)
        self._second = np.zeros((sizes[0], _HIDDEN, sizes[2]), np.float32)

    def begin(self, ids: Indices, streams: RandomStreams) -> None:
        """Draw the weights of new episodes."""
        if self.active:
            for weights in (self._first, self._second):
                _, rows, columns = weights.shape
                normal = streams.normal(ids, rows * columns).reshape(len(ids), rows, columns)
                weights[ids] = normal / np.sqrt(rows)

    def change(self, observation: Float32Array, action: Float32Array) -> Float64Array | None:
        """Return what the adversary changes about clipped actions, (n, A), or None."""
        if self._share is None:
            return None
        hidden = np.tanh(np.matmul(observation[:, None, :], self._first))
        wanted = np.rint(np.tanh(2.0 * np.matmul(hidden, self._second)[:, 0]) * _BINS) / _BINS
        change: Float64Array = self._share * (wanted.astype(np.float64) - action)
        return change

    def state_dict(self) -> dict[str, Any]:
        """Return the weights of the running episodes."""
        return {"first": self._first.copy(), "second": self._second.copy()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        self._first[...], self._second[...] = state["first"], state["second"]
