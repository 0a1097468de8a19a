"""What the learners need from an environment: `BatchEnv` satisfies it, and any batched simulator may."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]


class Transition(Protocol):
    """What one step of n environments came to. The arrays are the environment's own and change at the next step."""

    @property
    def observation(self) -> Floats:
        """(n, O): what to act on next; of the new episode where one ended."""

    @property
    def final_observation(self) -> Floats:
        """(n, O): the true successor of every row; equal to `observation` where no episode ended."""

    @property
    def privileged(self) -> Floats:
        """(n, P): what a critic may see beside `observation`."""

    @property
    def final_privileged(self) -> Floats:
        """(n, P): what a critic may see beside `final_observation`."""

    @property
    def reward(self) -> Floats:
        """(n,): reward of the step."""

    @property
    def terminated(self) -> Flags:
        """(n,): the episode reached a state that has no future."""

    @property
    def truncated(self) -> Flags:
        """(n,): the episode was cut off, by time; its state has a future and a value."""


class EpisodeStatistics(Protocol):
    """Statistics of finished episodes."""

    diverged: int
    """Simulations that were no longer finite and began anew, since the start of the run."""

    def drain(self) -> dict[str, Any]:
        """Return arrays over the episodes finished since the last call, one entry an episode, in order of their end.

        `return`, `length`, `success`, `terminated`, and whatever else is measured: `reward/TERM`, `metric/NAME`, where
        a NaN says that an episode had nothing to measure.
        """


class Environment(Protocol):
    """n environments that step together and start a new episode by themselves where one ends."""

    @property
    def observation_size(self) -> int:
        """O, the length of one observation."""

    @property
    def action_size(self) -> int:
        """A, the length of one action; the environment clips what exceeds ±1."""

    @property
    def privileged_size(self) -> int:
        """P, how many values a critic may see beside the observation; 0 for none."""

    @property
    def privileged(self) -> Floats:
        """(n, P): what a critic may see beside the observation to act on next."""

    @property
    def num_envs(self) -> int:
        """n, the number of environments."""

    @property
    def episodes(self) -> EpisodeStatistics:
        """Statistics of finished episodes."""

    def reset_arrays(self, seed: int | None = None) -> Floats:
        """Start new episodes everywhere and return the observations, (n, O)."""

    def stagger(self) -> None:
        """Give every running episode a random age, so that their time limits do not all fall on the same step."""

    def step_arrays(self, actions: Floats) -> Transition:
        """Step every environment with actions (n, A)."""

    def curriculum_figures(self) -> dict[str, float]:
        """Return what a log should show of the curriculum; empty where none moves."""

    def state_dict(self) -> dict[str, Any]:
        """Return all that decides what follows, the curriculum's state too, as numpy arrays and plain data."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
