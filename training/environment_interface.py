"""Interface between learners and environments; `BatchEnv` implements it, and any batched simulator may."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]


class Transition(Protocol):
    """Result of one step of n environments, in the environment's own buffers, which the next step overwrites."""

    @property
    def observation(self) -> Floats:
        """Next observations, (n, O); of the new episode where one ended."""

    @property
    def final_observation(self) -> Floats:
        """True successor observations, (n, O); equal to `observation` where no episode ended."""

    @property
    def privileged(self) -> Floats:
        """Privileged values for the critic that belong to `observation`, (n, P)."""

    @property
    def final_privileged(self) -> Floats:
        """Privileged values for the critic that belong to `final_observation`, (n, P)."""

    @property
    def reward(self) -> Floats:
        """Rewards of the step, (n,)."""

    @property
    def terminated(self) -> Flags:
        """Episodes that ended in a terminal state, (n,)."""

    @property
    def truncated(self) -> Flags:
        """Episodes that ended at the time limit, (n,); their last state has a value."""

    @property
    def skipped(self) -> Flags | None:
        """Rows in which a foreign environment began an episode and took no step, (n,); None if every row is a step.

        Nothing is learned from such a row; no episode ends in it.
        """


def budgets_of(environment: "Environment") -> dict[str, float]:
    """Return the budgets of an environment's costs by name; empty without costs."""
    budgets: dict[str, float] = getattr(environment, "cost_budgets", {})
    return budgets


def costs_of(environment: "Environment") -> Floats:
    """Return the costs of the last step, (n, C), of an environment that has some."""
    costs: Floats = environment.costs  # type: ignore[attr-defined]
    return costs


class EpisodeStatistics(Protocol):
    """Statistics of finished episodes."""

    diverged: int
    """Number of diverged simulations since the start of the run."""

    def drain(self) -> dict[str, Any]:
        """Return arrays over the episodes finished since the last call, one entry per episode, in order of their end.

        Keys: `return`, `length`, `success`, `terminated`, `reward/TERM`, `metric/NAME`, and `end/NAME`, 1 where that
        ended the episode. A metric is NaN for an episode without anything to measure.
        """


class Environment(Protocol):
    """n environments that step together; ended episodes are reset in the same step.

    It may also have `privileged_scaled`, (P,) bool: the privileged values that come scaled to about ±1. Learners do not
    normalise those: a parameter that is not drawn yet has no spread to divide by. `observation_scaled`, (O,) bool, says
    the same of an observation.

    One with constraints has `cost_budgets`, the highest mean of every cost over control steps by name, and `costs`,
    (n, C), those of the last step in the same order.
    """

    @property
    def observation_size(self) -> int:
        """O, the length of one observation."""

    @property
    def action_size(self) -> int:
        """A, the length of one action; the environment clips actions to ±1."""

    @property
    def privileged_size(self) -> int:
        """P, the number of privileged values for the critic; 0 for none."""

    @property
    def privileged(self) -> Floats:
        """Privileged values for the critic that belong to the current observation, (n, P)."""

    @property
    def num_envs(self) -> int:
        """n, the number of environments."""

    @property
    def episodes(self) -> EpisodeStatistics:
        """Statistics of finished episodes."""

    def reset_arrays(self, seed: int | None = None) -> Floats:
        """Start new episodes in all environments; return the observations, (n, O)."""

    def stagger(self) -> None:
        """Give every running episode a random age, so that they do not all time out in the same step."""

    def step_arrays(self, actions: Floats) -> Transition:
        """Step every environment with actions (n, A)."""

    def curriculum_figures(self) -> dict[str, float]:
        """Return the curriculum's figures for the log; empty without a curriculum."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state needed to resume bit for bit, with the curriculum's: numpy arrays and plain data."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
