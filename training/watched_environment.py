"""An environment whose actions, observations and rewards must be finite numbers."""

from typing import Any

import numpy as np

from sim2real.configs.errors import NonFiniteError
from sim2real.training.environment_interface import (
    Environment,
    EpisodeStatistics,
    Floats,
    Transition,
    budgets_of,
    costs_of,
)
from sim2real.training.finite import all_finite, bad_places


class WatchedEnvironment:
    """Passes everything through, and refuses the first number that is not finite in either direction.

    Learners see an environment through it, so that none of them can learn from such a number or send one. It also has
    every other attribute of the environment.

    Args:
        environment: The environment.
    """

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._steps = 0

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the environment has
        """Return another attribute of the environment."""
        if name.startswith("__") or name == "_environment":
            raise AttributeError(name)
        return getattr(self._environment, name)

    @property
    def observation_size(self) -> int:
        """O, the length of one observation."""
        return self._environment.observation_size

    @property
    def action_size(self) -> int:
        """A, the length of one action."""
        return self._environment.action_size

    @property
    def privileged_size(self) -> int:
        """P, the number of privileged values."""
        return self._environment.privileged_size

    @property
    def privileged(self) -> Floats:
        """Privileged values of the current observation, (n, P)."""
        return self._environment.privileged

    @property
    def num_envs(self) -> int:
        """n, the number of environments."""
        return self._environment.num_envs

    @property
    def episodes(self) -> EpisodeStatistics:
        """Statistics of finished episodes."""
        return self._environment.episodes

    def reset_arrays(self, seed: int | None = None) -> Floats:
        """Start new episodes in all environments; return the observations, (n, O).

        Raises:
            NonFiniteError: An observation or a privileged value is not finite.
        """
        observation = self._environment.reset_arrays(seed)
        privileged = self._environment.privileged
        if not all_finite(observation, privileged):
            self._refuse("observation", observation)
            self._refuse("privileged", privileged)
        return observation

    def stagger(self) -> None:
        """Give every running episode a random age."""
        self._environment.stagger()

    def step_arrays(self, actions: Floats) -> Transition:
        """Step every environment with actions (n, A).

        Raises:
            NonFiniteError: An action, or a number of the resulting transition, is not finite.
        """
        if not all_finite(actions):
            self._refuse("action", actions)
        out = self._environment.step_arrays(actions)
        self._steps += 1
        if not all_finite(out.observation, out.privileged, out.reward):
            self._refuse("reward", out.reward)
            self._refuse("observation", out.observation)
            self._refuse("privileged", out.privileged)
        if budgets_of(self._environment):
            self._refuse("cost", costs_of(self._environment))
        ended = out.terminated | out.truncated
        if ended.any():  # elsewhere they are equal to the observations
            rows = np.flatnonzero(ended)
            self._refuse("observation", out.final_observation[rows], rows, of="the last step of the episode")
            self._refuse("privileged", out.final_privileged[rows], rows, of="the last step of the episode")
        return out

    def curriculum_figures(self) -> dict[str, float]:
        """Return the curriculum's figures for the log."""
        return self._environment.curriculum_figures()

    def state_dict(self) -> dict[str, Any]:
        """Return the state needed to resume bit for bit."""
        return self._environment.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self._environment.load_state_dict(state)

    def _refuse(self, what: str, values: Floats, rows: Any = None, of: str = "") -> None:  # noqa: ANN401 - index arrays
        """Raise NonFiniteError if any of the values, (n,) or (n, width), is not finite."""
        if all_finite(values):
            return
        value, places = bad_places(values)
        row, *column = places[0]
        environment = row if rows is None else int(rows[row])
        names = getattr(self._environment, f"{what}_names", ())
        entry = "" if not column else f" {names[column[0]]}" if column[0] < len(names) else f"[{column[0]}]"
        when = f"control step {self._steps} since training began here" + (f", {of}" if of else "")
        raise NonFiniteError(f"{what}{entry} of environment {environment} is {value} ({when})")
