"""Disturbances: pushes of the base, wrenches on bodies, and an adversary that perturbs actions."""

from typing import Any, Final

import numpy as np
from mujoco.batch import Batch

from sim2real.configs.errors import ConfigError
from sim2real.hardware.types import Float64Array
from sim2real.model.addresses import Indices
from sim2real.model.model import RobotModel
from sim2real.randomization.elements import bodies
from sim2real.randomization.parameters import EpisodeParameters
from sim2real.randomization.random_streams import ALL, Float32Array, RandomStreams

_DECAY: Final = 0.5  # share of the remaining push applied in each control step
_WRENCH_TIME: Final = 0.3  # s, mean duration of a wrench
_WRENCH_ARM: Final = 0.1  # m, lever arm that sets torque relative to force
_HIDDEN: Final = 16
_BINS: Final = 15  # the adversary's actions are multiples of 1/15: 31 bins


class Pushes:
    """Random impulses on a free base that change its horizontal velocity within a few control steps.

    Each component of the change is uniform in ±`push_speed`. The mean time between pushes is `push_interval`.

    Args:
        batch: The simulations.
        robot: Their model.
        parameters: Source of `push_speed` and `push_interval`.
        period: Control period, s.

    Raises:
        ConfigError: The robot has no free base.
    """

    def __init__(self, batch: Batch, robot: RobotModel, parameters: EpisodeParameters, period: float) -> None:
        self._speed, interval = parameters.array("push_speed"), parameters.array("push_interval")
        self.active = self._speed is not None
        self.pending: Float64Array = np.zeros((batch.nsim, 2))
        """Remaining velocity change of the pushes, (n, 2), m/s."""
        if self._speed is None:
            return
        if robot.base is None:
            raise ConfigError("push_speed: this robot has no free base to push")
        if interval is None:
            raise ConfigError("push_speed needs push_interval, the mean time between pushes")
        self._interval, self._period = interval, period
        self._velocity: Float64Array = batch.bind("qvel")
        self._dof = robot.base.dof

    def begin(self, ids: Indices) -> None:
        """Clear the pushes of ended episodes."""
        self.pending[ids] = 0.0

    def apply(self, streams: RandomStreams) -> None:
        """Apply one control step of the pushes."""
        if self._speed is None:
            return
        uniform = streams.uniform(ALL, 3)
        pushed = uniform[:, :1] * self._interval < self._period
        self.pending += np.where(pushed, (2.0 * uniform[:, 1:] - 1.0) * self._speed, 0.0)
        part = _DECAY * self.pending
        self._velocity[:, self._dof : self._dof + 2] += part
        self.pending -= part


class Wrenches:
    """Random forces and torques on bodies, proportional to mass and inertia, each held for a random time.

    Args:
        batch: The simulations.
        robot: Their model.
        parameters: Source of `wrench_acceleration`, the standard deviation of the acceleration along each axis.
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

    def apply(self, streams: RandomStreams) -> None:
        """Replace wrenches whose time is over."""
        if self._acceleration is None:
            return
        new = np.flatnonzero(streams.uniform(ALL, 1)[:, 0] < self._chance)
        if not len(new):
            return
        count = len(self._mass)
        normal = streams.normal(new, 6 * count).reshape(len(new), count, 6)
        normal *= self._acceleration[new][:, :, None]
        force = normal[:, :, :3] * self._mass
        torque = normal[:, :, 3:] * self._inertia / _WRENCH_ARM
        self._applied[new[:, None], self._bodies] = np.concatenate((force, torque), axis=2)


class Adversary:
    """A random network that perturbs the action: a = (1 - α)·policy + α·adversary (arXiv 1910.07113, app. B).

    Weights are drawn per episode; outputs are rounded to 31 values from -1 to 1.

    Args:
        n: Number of simulations.
        observations: O
        actions: A
        parameters: Source of `adversary_share`, α.
    """

    def __init__(self, n: int, observations: int, actions: int, parameters: EpisodeParameters) -> None:
        self._share = parameters.array("adversary_share")
        self.active = self._share is not None
        sizes = (n, observations, actions) if self.active else (0, 0, 0)
        self._first = np.zeros((sizes[0], sizes[1], _HIDDEN), np.float32)
        self._second = np.zeros((sizes[0], _HIDDEN, sizes[2]), np.float32)

    def begin(self, ids: Indices, streams: RandomStreams) -> None:
        """Draw weights for new episodes."""
        if self.active:
            for weights in (self._first, self._second):
                _, rows, columns = weights.shape
                normal = streams.normal(ids, rows * columns).reshape(len(ids), rows, columns)
                weights[ids] = normal / np.sqrt(rows)

    def perturbation(self, observation: Float32Array, action: Float32Array) -> Float64Array | None:
        """Return the perturbation α·(adversary - action) of clipped actions, (n, A), or None without an adversary."""
        if self._share is None:
            return None
        hidden = np.tanh(np.matmul(observation[:, None, :], self._first))
        adversarial = np.rint(np.tanh(2.0 * np.matmul(hidden, self._second)[:, 0]) * _BINS) / _BINS
        perturbation: Float64Array = self._share * (adversarial.astype(np.float64) - action)
        return perturbation

    def state_dict(self) -> dict[str, Any]:
        """Return the weights of the running episodes."""
        return {"first": self._first.copy(), "second": self._second.copy()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self._first[...], self._second[...] = state["first"], state["second"]
