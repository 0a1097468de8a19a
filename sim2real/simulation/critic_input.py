"""Privileged values of n simulations: the critic's input beside the observation."""

import numpy as np

from sim2real.configs.schema.task import TaskConfig
from sim2real.hardware.types import BoolArray, Float64Array, read_only
from sim2real.model.addresses import Indices
from sim2real.randomization.parameters import EpisodeParameters
from sim2real.task.critic_view import CriticView
from sim2real.task.privileged_inputs import PrivilegedInputs
from sim2real.task.state import Float32Array, TaskConstants, TaskState


class CriticInput:
    """Computes the privileged values of a task.

    Args:
        task: Names the privileged terms.
        state: True state of the n robots.
        parameters: Drawn parameters of the running episodes.
        pending: Remaining velocity changes of the pushes, (n, 2), m/s: the live buffer.
    """

    def __init__(
        self, task: TaskConfig, state: TaskState, parameters: EpisodeParameters, pending: Float64Array
    ) -> None:
        self._view = CriticView(task, parameters.space)
        self._state, self._parameters, self._pending = state, parameters, pending
        self._normalized = np.zeros_like(parameters.values)
        self._constants = TaskConstants.of(task)
        self._inputs = PrivilegedInputs(
            state.read_only(), self._constants, read_only(self._normalized), read_only(pending)
        )

    @property
    def size(self) -> int:
        """P, the number of privileged values."""
        return self._view.size

    @property
    def scaled(self) -> BoolArray:
        """Which values come scaled to about ±1, (P,)."""
        return self._view.scaled

    def begin(self, ids: Indices, out: Float32Array) -> None:
        """Write the values of k new episodes into their rows of `out`, (n, P)."""
        if not self.size:
            return
        self._normalized[ids] = self._view.normalized(self._parameters.values[ids])
        rows = np.zeros((len(ids), self.size), np.float32)
        inputs = PrivilegedInputs(self._state.copy_of(ids), self._constants, self._normalized[ids], self._pending[ids])
        self._view.write(inputs, rows)
        out[ids] = rows

    def write(self, out: Float32Array) -> None:
        """Write the values of all simulations after a step into `out`, (n, P)."""
        if self.size:
            self._view.write(self._inputs, out)

    def restore(self) -> None:
        """Recompute the normalised parameters after a restore."""
        self._normalized[...] = self._view.normalized(self._parameters.values)
