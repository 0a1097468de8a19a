"""The result of one step of n environments."""

from dataclasses import dataclass

import numpy as np

from sim2real.hardware.types import BoolArray
from sim2real.runtime.contract.observation import Float32Array


@dataclass(slots=True)
class Transition:
    """The result of one step, in the simulation's own buffers, which the next step overwrites."""

    observation: Float32Array
    """(n, O); of the new episode where one ended."""
    final_observation: Float32Array
    """(n, O); the true next observation of every row."""
    privileged: Float32Array
    """(n, P); privileged values for the critic, of the new episode where one ended. P may be 0."""
    final_privileged: Float32Array
    """(n, P); the same of the true next state of every row."""
    reward: Float32Array
    """(n,)"""
    terminated: BoolArray
    """(n,); the episode ended in a state that has no successor."""
    truncated: BoolArray
    """(n,); the episode ended by its time limit alone."""
    skipped: None = None
    """Every row is a step of an episode."""

    def seen(self, *, privileged: bool) -> Float32Array:
        """Return what a policy sees: the observation, (n, O), with the privileged values after it, (n, O + P), or not.

        The observation alone is the simulation's own buffer.
        """
        return np.hstack((self.observation, self.privileged)) if privileged else self.observation
